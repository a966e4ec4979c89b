package dbtest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

var _ attendance.Previewer = (*oasink.Sink)(nil)

// A preview waits for no writer, with no patience at all.
func TestAPreviewWaitsForNobody(t *testing.T) {
	t.Parallel()
	for _, e := range append(engines(), rollbackEngine()) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.needed(t)
			d := e.found(t, ecologytest.Schema{})
			s := sink(t, d.pool(t), &oasink.Options{LockWait: -1})
			h := halt(t, d, 101)
			p, err := s.Preview(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In), punch(102, at(2, 8, 0, 0), attendance.In)))
			require.NoError(t, err)
			require.Equal(t, 2, p.Written.Written, "what is not committed is not there")
			h.goOn()
			require.NoError(t, <-h.result)
		})
	}
}

// A preview sees one state of all tables, whatever is written meanwhile, and holds
// no writer up.
func TestAPreviewIsOfOneMoment(t *testing.T) {
	t.Parallel()
	everywhere(t, testAPreviewIsOfOneMoment)
}

func testAPreviewIsOfOneMoment(t *testing.T, on engine) {
	in, visit := punch(101, at(2, 8, 0, 0), attendance.In), field(101, at(2, 9, 0, 0))
	for n := 1; ; n++ {
		d := on.found(t, ecologytest.Schema{})
		writer := sink(t, d.pool(t), &oasink.Options{LockWait: -1})
		c := &counter{}
		s := sink(t, d.struck(t, c.strike), nil)
		c.arm(n, func() error {
			w, err := writer.Write(context.Background(), batch(in, visit))
			require.NoError(t, err)
			require.Equal(t, 2, w.Written)
			return nil
		})
		p, err := s.Preview(context.Background(), batch(in, visit))
		require.NoError(t, err)
		require.Contains(t, []int{0, 2}, p.Written.Written, "before statement %d", n)
		require.Len(t, p.Rows, p.Written.Written)
		if c.disarm() < n {
			require.Greater(t, n, 4)
			return
		}
	}
}

// A preview that fails or is cut off at any statement tells nothing and leaves the
// connection clean.
func TestAPreviewThatIsCutOff(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		testAPreviewThatIsCutOff(t, on, &oasink.Options{})
		testAPreviewThatIsCutOff(t, on, &oasink.Options{Ledger: &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}})
	})
}

func testAPreviewThatIsCutOff(t *testing.T, on engine, options *oasink.Options) {
	before, after := ledgerChange()
	d := on.found(t, ecologytest.Schema{})
	_, err := d.sink(t, options.Ledger).Write(context.Background(), before)
	require.NoError(t, err)
	held := d.dump(t)
	c := &counter{}
	db := d.struck(t, c.strike)
	db.SetMaxOpenConns(1)
	s := sink(t, db, options)
	for n := 1; ; n++ {
		for _, cancels := range []bool{true, false} {
			ctx, cancel := context.WithCancel(context.Background())
			c.arm(n, func() error {
				if cancels {
					cancel()
					return nil
				}
				return errStruck
			})
			p, err := s.Preview(ctx, after)
			cancel()
			seen := c.disarm()
			_, undone := db.Exec("UPDATE HrmScheduleSign SET signFrom = signFrom") // also proves that no transaction is left open
			require.NoError(t, undone)
			require.Equal(t, held, d.dump(t))
			switch {
			case seen < n:
				require.NoError(t, err)
				require.NotEmpty(t, p.Rows)
				if options.Ledger != nil {
					changedWritten(t, p.Written)
				}
				require.Greater(t, n, 3)
				return
			case err == nil: // the last statement is that which ends it
			case cancels:
				require.Equal(t, context.Canceled, err, "bare")
				require.Zero(t, p)
			default:
				require.ErrorIs(t, err, errStruck)
				require.Equal(t, attendance.CodeStore, attendance.CodeOf(err))
				require.Zero(t, p)
			}
		}
	}
}

// A row that somebody else has changed, as a close look shows, is left alone; what
// was told before that look is told anew.
func TestAPreviewOfChangedRows(t *testing.T) {
	t.Parallel()
	everywhere(t, testAPreviewOfChangedRows)
}

func testAPreviewOfChangedRows(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	s := d.sink(t, &oasink.LedgerOptions{})
	before, after := ledgerChange()
	_, err := s.Write(context.Background(), before)
	require.NoError(t, err)
	d.exec(t, d.oa.DB(), "UPDATE HrmScheduleSign SET ADDR = 'by hand' WHERE userId = 101 AND signTime = '08:00:00'")
	compare := d.foretold(t, s, after)
	w, err := s.Write(context.Background(), after)
	require.NoError(t, err)
	require.Equal(t, []string{"changed_by_others"}, codes(w))
	require.Equal(t, 1, w.Superseded)
	compare(w)
}

// A preview before the ledger's tables are made takes it as empty, says so, and
// makes none.
func TestAPreviewBeforeTheLedgerIsMade(t *testing.T) {
	t.Parallel()
	everywhere(t, testAPreviewBeforeTheLedgerIsMade)
}

func testAPreviewBeforeTheLedgerIsMade(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	before, after := ledgerChange()
	_, err := d.sink(t, nil).Write(context.Background(), before)
	require.NoError(t, err)
	options := &oasink.Options{Ledger: &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}}
	s := sink(t, d.reader(t, false).pool(t), options)
	held, rows := d.dump(t), d.rows(t)
	p, err := s.Preview(context.Background(), after)
	require.NoError(t, err)
	require.Equal(t, held, d.dump(t))
	require.Equal(t, []string{"ledger_not_there"}, codes(p.Written))
	w, err := d.sink(t, options.Ledger).Write(context.Background(), after)
	require.NoError(t, err)
	p.Warnings = nil
	require.Equal(t, w, p.Written)
	d.compare(t, p, difference(rows, d.rows(t)))
}

// What cannot be read or is not there costs its own punches, as in Write.
func TestAPreviewWithoutATable(t *testing.T) {
	t.Parallel()
	everywhere(t, testAPreviewWithoutATable)
}

func testAPreviewWithoutATable(t *testing.T, on engine) {
	in, visit := punch(101, at(2, 8, 0, 0), attendance.In), field(101, at(2, 9, 0, 0))
	d := on.found(t, ecologytest.Schema{Without: []string{"mobile_sign", "kq_format_pool"}, Generation: oasink.E9})
	s := sink(t, d.pool(t), &oasink.Options{Generation: oasink.E9})
	p, err := s.Preview(context.Background(), batch(in, visit))
	require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
	require.ErrorContains(t, err, "1 punches would not be written")
	require.Len(t, p.Rows, 1)
	w, err := s.Write(context.Background(), batch(in, visit))
	require.Error(t, err)
	require.Equal(t, w, p.Written)
	require.Equal(t, []string{"not_recalculated"}, codes(w))

	if on.name == sqliteName {
		return
	}
	d = on.found(t, ecologytest.Schema{})
	s = sink(t, d.as(t, "HrmScheduleSign").pool(t), nil)
	p, err = s.Preview(context.Background(), batch(in, visit))
	require.Error(t, err)
	require.Regexp(t, "(?i)HrmScheduleSign.*1 punches would not be written", err)
	require.Equal(t, 1, p.Written.Written)
	require.Equal(t, []attendance.RowChange{{Table: "mobile_sign", Person: "101", Time: at(2, 9, 0, 0), Action: attendance.ActionAdd}}, zoned(p.Rows))
}

// zoned are the rows with the tests' own zone.
func zoned(rows []attendance.RowChange) []attendance.RowChange {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Time = rows[i].Time.In(at(2, 0, 0, 0).Location())
	}
	return rows
}

// Texts that a column cuts, or of which it lacks characters, are foreseen.
func TestAPreviewForeseesTexts(t *testing.T) {
	t.Parallel()
	everywhere(t, testAPreviewForeseesTexts)
}

func testAPreviewForeseesTexts(t *testing.T, on engine) {
	for _, charset := range []string{"utf8mb4", "gbk", "latin1"} {
		d := on.found(t, ecologytest.Schema{})
		on.exec(t, d.oa.DB(), "mariadb: ALTER TABLE HrmScheduleSign MODIFY ADDR VARCHAR(20) CHARACTER SET "+charset,
			"mariadb: ALTER TABLE mobile_sign CONVERT TO CHARACTER SET "+charset, "postgres: ALTER TABLE HrmScheduleSign ALTER ADDR TYPE VARCHAR(20)")
		first := batch(record("1", place(punch(101, at(2, 8, 0, 0), attendance.In))), record("2", place(field(102, at(2, 9, 0, 0)))))
		first.Punches[0].Place.Address = strings.Repeat("西湖🏢", 40)
		s := d.sink(t, &oasink.LedgerOptions{})
		for i, address := range []string{"", "西湖🏢"} { // the second time what is new is only what the column lacks
			b := first
			b.ReadAt = b.ReadAt.Add(time.Duration(i) * time.Minute)
			b.Punches = slices.Clone(first.Punches)
			b.Punches[1].Remark = address
			after := d.foretold(t, s, b)
			w, err := s.Write(context.Background(), b)
			require.NoError(t, err)
			after(w)
		}
	}
}

// Times are those of the wall clock in the batch's zone.
func TestAPreviewsZone(t *testing.T) {
	t.Parallel()
	d := sqliteEngine().found(t, ecologytest.Schema{})
	b := batch(punch(101, at(2, 8, 0, 0), attendance.Out))
	p, err := sink(t, d.pool(t), nil).Preview(context.Background(), b)
	require.NoError(t, err)
	require.Equal(t, []attendance.RowChange{{Table: "HrmScheduleSign", Person: "101", Direction: attendance.Out, Time: b.Punches[0].Time.In(b.Span.Zone()), Action: attendance.ActionAdd}}, p.Rows)
	require.Equal(t, b.Span.Zone(), p.Rows[0].Time.Location())
	_, err = sink(t, d.pool(t), nil).Preview(context.Background(), attendance.Batch{Source: "acme", Span: b.Span})
	require.ErrorContains(t, err, "SignFrom")
	n := 0
	require.NoError(t, d.oa.DB().QueryRow("?", bun.Safe("SELECT COUNT(*) FROM HrmScheduleSign")).Scan(&n))
	require.Zero(t, n)
}
