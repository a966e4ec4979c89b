package dbtest

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A statementCount counts groups of rows that are tried behind a savepoint, transactions, and
// changes of rows.
type statementCount struct{ groups, begins, changes atomic.Int64 }

func (n *statementCount) hear(query string) error {
	switch plain := strings.ToLower(query); {
	case strings.HasPrefix(plain, "savepoint"), strings.HasPrefix(plain, "save transaction"):
		n.groups.Add(1)
	case strings.HasPrefix(plain, "begin"):
		n.begins.Add(1)
	case strings.HasPrefix(plain, "update"), strings.HasPrefix(plain, "delete"):
		n.changes.Add(1)
	}
	return nil
}

// marked gives the punches of which bad says so an address that the table refuses.
func marked(b attendance.Batch, bad func(n int) bool) attendance.Batch {
	for n := range b.Punches {
		b.Punches[n].ID = "r" + itoa(n)
		b.Punches[n].Place.Address = map[bool]string{true: "no", false: "yes"}[bad(n)]
	}
	return b
}

// refusedSets are which of the 1,400 rows of a batch a table refuses, and the most inserts
// that may take.
func refusedSets() map[string]struct {
	bad     func(n int) bool
	refused int
	most    int64
} {
	return map[string]struct {
		bad     func(n int) bool
		refused int
		most    int64
	}{
		"one":                {func(n int) bool { return n == 777 }, 1, 30},
		"a few of many":      {func(n int) bool { return n%100 == 50 }, 14, 260},
		"a person":           {func(n int) bool { return n < 28 }, 28, 80},
		"every seventh":      {func(n int) bool { return n%7 == 6 }, 200, 1800},
		"every second":       {func(n int) bool { return n%2 == 0 }, 700, 2100},
		"half of the people": {func(n int) bool { return n >= 700 }, 700, 1100},
		"nearly all":         {func(n int) bool { return n%28 != 3 }, 1350, 2100},
	}
}

// One bad row costs only itself, however many there are: each is named, the others are
// written, and the statements that it takes follow the rows.
func TestHoweverManyRowsAreRefused(t *testing.T) { everyEngine(t, testManyRefused) }

func testManyRefused(t *testing.T, on engine) {
	for kind, ledger := range ledgers() {
		t.Run(kind, func(t *testing.T) {
			if on.name != sqliteName {
				long(t, "many refused rows on a server")
			}
			d := on.found(t, ecologytest.Schema{Generation: oasink.E8})
			on.exec(t, d.oa.DB(), refusing("HrmScheduleSign", "ADDR = 'no'")...)
			var count statementCount
			s := sink(t, d.struck(t, count.hear), &oasink.Options{Ledger: ledger})
			require.NoError(t, s.CreateLedger(context.Background()))
			for name, c := range refusedSets() {
				if on.name != sqliteName && name != "every seventh" && name != "half of the people" { // which takes long enough
					continue
				}
				clear := func(tables ...string) {
					for _, table := range tables {
						_, err := d.oa.DB().Exec("DELETE FROM " + table)
						require.NoError(t, err)
					}
				}
				if clear("HrmScheduleSign"); ledger != nil {
					clear("punchbridge_rows", "punchbridge_reads")
				}
				count.groups.Store(0)
				w, err := s.Write(context.Background(), marked(fifty(), c.bad))
				require.NoError(t, err, name)
				require.Len(t, w.Unwritten, c.refused, name)
				require.Equal(t, 1400-c.refused, w.Written, name)
				require.Equal(t, map[attendance.Reason]int{attendance.RowRefused: c.refused}, w.Skipped, name)
				require.Len(t, signs(t, d.oa), w.Written, name)
				require.Less(t, count.groups.Load(), c.most, name)
			}
		})
	}
}

// Rows that are always refused may be all that a run has to add, many of them too: each
// is named. A table that holds rows of the batch is none that refuses everything.
func TestManyRowsThatAreAlwaysRefused(t *testing.T) {
	everyEngine(t, func(t *testing.T, on engine) {
		if on.name == mariadbName {
			long(t, "many rows that are always refused on MariaDB")
		}
		d := on.found(t, ecologytest.Schema{Generation: oasink.E8})
		on.exec(t, d.oa.DB(), refusing("HrmScheduleSign", "ADDR = 'no'")...)
		s := sink(t, d.oa.DB(), nil)
		some := marked(fifty(), func(int) bool { return true })
		some.Punches = some.Punches[:150]
		w, err := s.Write(context.Background(), some)
		require.Equal(t, attendance.CodeRowRefused, attendance.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "and 145 more")
		require.Len(t, w.Unwritten, 150)

		bad := func(n int) bool { return n%28 < 14 }
		good := marked(fifty(), bad)
		var others []attendance.Punch
		for n, p := range good.Punches {
			if !bad(n) {
				others = append(others, p)
			}
		}
		good.Punches = others
		require.Equal(t, 700, writeBatch(t, s, good).Written)
		w, err = s.Write(context.Background(), marked(fifty(), bad))
		require.Equal(t, attendance.CodeRowRefused, attendance.CodeOf(err), "%v", err)
		require.Len(t, w.Unwritten, 700)
		require.Equal(t, 700, w.Present)
	})
}

func writeBatch(t testing.TB, s *oasink.Sink, b attendance.Batch) attendance.Written {
	t.Helper()
	w, err := s.Write(context.Background(), b)
	require.NoError(t, err)
	return w
}

// A table that refuses whatever it is given is found out soon, some rows are named, and
// what the other table takes is written.
func TestATableThatRefusesTenThousandRows(t *testing.T) {
	everyEngine(t, func(t *testing.T, on engine) {
		if on.name != sqliteName {
			long(t, "ten thousand refused rows on a server")
		}
		d := on.found(t, ecologytest.Schema{Generation: oasink.E8})
		on.exec(t, d.oa.DB(), refusing("HrmScheduleSign", "userId > 0")...)
		var count statementCount
		s := sink(t, d.struck(t, count.hear), nil)
		b := attendance.Batch{Source: "wecom", Span: week(), ReadAt: now()}
		for person := 101; person <= 300; person++ {
			b.Members = append(b.Members, attendance.Member{Person: itoa(person), Account: "u" + itoa(person)})
			for n := range 50 {
				b.Punches = append(b.Punches, punch(person, at(2+n%7, 8+n/7, 0, 0), attendance.In))
			}
			b.Punches = append(b.Punches, field(person, at(2, 20, 0, 0)))
		}
		for range 2 {
			count.groups.Store(0)
			w, err := s.Write(context.Background(), b)
			require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, "9900 rows were not tried any more, because every row that was tried was refused")
			require.ErrorContains(t, err, "refuses the row of person")
			require.ErrorContains(t, err, "permission denied")
			require.ErrorContains(t, err, "and 95 more")
			require.Len(t, w.Unwritten, 100)
			require.Less(t, count.groups.Load(), int64(500))
			require.Empty(t, signs(t, d.oa))
			require.Len(t, mobiles(t, d.oa), 200)
		}
	})
}

// Where a refusal takes the transaction with it, as many are found, with as few
// statements and in as few transactions that end with everything written.
func TestHoweverManyRefusalsEndTheTransaction(t *testing.T) {
	t.Parallel()
	for kind, ledger := range ledgers() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for name, c := range refusedSets() {
				d := sqliteEngine().found(t, ecologytest.Schema{Generation: oasink.E8})
				d.exec(t, d.oa.DB(), "CREATE TRIGGER no BEFORE INSERT ON HrmScheduleSign WHEN NEW.ADDR = 'no' BEGIN SELECT RAISE(ROLLBACK, 'permission denied'); END")
				var count statementCount
				s := sink(t, d.struck(t, count.hear), &oasink.Options{Ledger: ledger})
				require.NoError(t, s.CreateLedger(context.Background()))
				count.begins.Store(0)
				b := marked(fifty(), c.bad)
				b.Punches = append(b.Punches, record("f", field(101, at(2, 20, 0, 0))))
				w, err := s.Write(context.Background(), b)
				require.NoError(t, err, name)
				require.Len(t, w.Unwritten, c.refused, name)
				require.Equal(t, 1401-c.refused, w.Written, name)
				require.Len(t, signs(t, d.oa), 1400-c.refused, name)
				require.Len(t, mobiles(t, d.oa), 1)
				require.Less(t, count.begins.Load(), c.most, name)
			}
		})
	}
}

// A trigger of the site's own that keeps a person's second punch of a minute out, and
// ends the transaction for it: rows that it takes apart from each other, not together.
func TestRefusalsOfRowsBesideEachOther(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"ROLLBACK", "ABORT"} {
		for kind, ledger := range ledgers() {
			t.Run(action+"/"+kind, func(t *testing.T) {
				t.Parallel()
				d := sqliteEngine().found(t, ecologytest.Schema{Generation: oasink.E8})
				d.exec(t, d.oa.DB(), "CREATE TRIGGER no BEFORE INSERT ON HrmScheduleSign WHEN NEW.ADDR = 'no' OR EXISTS (SELECT 1 FROM HrmScheduleSign h WHERE h.userId = NEW.userId AND h.signDate = NEW.signDate AND "+
					"substr(h.signTime, 1, 5) = substr(NEW.signTime, 1, 5)) BEGIN SELECT RAISE("+action+", 'twice a minute'); END")
				s := sink(t, d.oa.DB(), &oasink.Options{Ledger: ledger})
				require.NoError(t, s.CreateLedger(context.Background()))
				b := marked(fifty(), func(n int) bool { return n%50 == 0 })
				for n := range 20 {
					if p := b.Punches[70*n+1]; p.Place.Address == "yes" {
						p.Time, p.ID = p.Time.Add(20*time.Second), p.ID+"b"
						b.Punches = append(b.Punches, p)
					}
				}
				more := len(b.Punches) - 1400
				for range 2 {
					w := writeBatch(t, s, b)
					require.Len(t, w.Unwritten, 28+more)
					require.Equal(t, 1400-28, w.Written+w.Present)
					require.Len(t, signs(t, d.oa), 1400-28)
				}
			})
		}
	}
}

// Corrections and withdrawals that the table refuses, whether the transaction ends
// with them or not: each is named, the others are made.
func TestHoweverManyChangesAreRefused(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"ROLLBACK", "ABORT"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			d := sqliteEngine().found(t, ecologytest.Schema{Generation: oasink.E8})
			s := sink(t, d.oa.DB(), &oasink.Options{Ledger: &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}})
			require.NoError(t, s.CreateLedger(context.Background()))
			b := marked(fifty(), func(int) bool { return false })
			require.Equal(t, 1400, writeBatch(t, s, b).Written)
			d.exec(t, d.oa.DB(), "CREATE TRIGGER u BEFORE UPDATE ON HrmScheduleSign WHEN OLD.userId < 131 BEGIN SELECT RAISE("+action+", 'closed'); END",
				"CREATE TRIGGER d BEFORE DELETE ON HrmScheduleSign WHEN OLD.userId < 131 BEGIN SELECT RAISE("+action+", 'closed'); END")
			var then []attendance.Punch
			for n, p := range b.Punches {
				switch n % 28 {
				case 1, 2, 3, 4, 5: // 150 of whom the table refuses, 100 of others
					p.Time = p.Time.Add(30 * time.Second)
				case 6: // withdrawn: 30 and 20
					continue
				}
				then = append(then, p)
			}
			b.Punches = then
			for n := range 2 {
				w, err := s.Write(context.Background(), b)
				require.Equal(t, n == 1, err != nil, "the second time nothing else is new: %v", err)
				require.Len(t, w.Unwritten, 180)
				for _, u := range w.Unwritten {
					require.Contains(t, u.Detail, "closed")
				}
				if n == 0 {
					require.Equal(t, [2]int{100, 20}, [2]int{w.Corrected, w.Removed})
				}
				require.Len(t, signs(t, d.oa), 1380)
			}

			// A table that refuses every change is not asked a thousand times.
			d.exec(t, d.oa.DB(), "DROP TRIGGER u", "CREATE TRIGGER u BEFORE UPDATE ON HrmScheduleSign BEGIN SELECT RAISE("+action+", 'all closed'); END")
			for n := range b.Punches {
				b.Punches[n].Time = b.Punches[n].Time.Add(7 * time.Second)
			}
			var count statementCount
			w, err := sink(t, d.struck(t, count.hear), &oasink.Options{Ledger: &oasink.LedgerOptions{}}).Write(context.Background(), b)
			require.Equal(t, attendance.CodeRowRefused, attendance.CodeOf(err), "%v", err)
			require.Len(t, w.Unwritten, 1350)
			require.Less(t, count.changes.Load(), int64(220))
			require.Contains(t, w.Unwritten[1300].Detail, "not tried after others were refused")
		})
	}
}

// A row that its table drops among others, and refuses alone together with the whole
// transaction: what became of it is known all the same.
func TestADroppedRowThatEndsTheTransactionAlone(t *testing.T) {
	t.Parallel()
	d := sqliteEngine().found(t, ecologytest.Schema{Generation: oasink.E8})
	d.exec(t, d.oa.DB(), "CREATE TRIGGER no BEFORE INSERT ON HrmScheduleSign WHEN NEW.userId IN (102, 103) BEGIN SELECT CASE WHEN (SELECT COUNT(*) FROM HrmScheduleSign) > 5 THEN RAISE(ROLLBACK, 'too many') ELSE RAISE(IGNORE) END; END")
	s := sink(t, d.oa.DB(), nil)
	var punches []attendance.Punch
	for person := 101; person <= 110; person++ {
		punches = append(punches, punch(person, at(2, 8, person-100, 7), attendance.In))
	}
	w, err := s.Write(context.Background(), batch(punches...))
	require.NoError(t, err)
	require.Equal(t, 8, w.Written)
	require.Len(t, w.Unwritten, 2)
	for _, u := range w.Unwritten {
		require.Equal(t, attendance.RowChanged, u.Reason)
		require.Contains(t, u.Detail, "and alone it is refused: ")
		require.Contains(t, u.Detail, "too many")
	}
}

// The same on SQL Server, by what its documentation says of triggers: whatever a
// trigger refuses ends the transaction, which is then begun anew under the same lock.
func TestHoweverManyRowsATriggerOfSQLServerRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range refusedSets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, count := playDoomed()
			b := marked(fifty(), c.bad)
			w, err := sink(t, s.open(t), nil).Write(context.Background(), b)
			require.NoError(t, err)
			require.Len(t, w.Unwritten, c.refused)
			require.Contains(t, w.Unwritten[0].Detail, "The transaction ended in the trigger")
			require.Equal(t, 1400-c.refused, w.Written)
			require.Less(t, count.begins.Load(), c.most)
			require.Nil(t, s.owner, "the lock is left behind")
			commits := 0
			for _, heard := range s.said() {
				if heard == "COMMIT TRANSACTION" {
					commits++
				}
			}
			require.Equal(t, 1, commits)
		})
	}
}

// playDoomed is an SQL Server whose trigger refuses rows with the address "no".
func playDoomed() (*script, *statementCount) {
	s, count, bad := &script{vendor: sqlserverVendor()}, new(statementCount), false
	s.see = func(query string, args []driver.NamedValue) {
		bad = false
		for _, a := range args {
			bad = bad || strings.HasPrefix(query, "INSERT") && fmt.Sprint(a.Value) == "no"
		}
	}
	s.strike = func(query string) error {
		_ = count.hear(query)
		switch {
		case bad:
			return sqlserverError{3609, "The transaction ended in the trigger. The batch has been aborted."}
		case query == "ROLLBACK TRANSACTION punchbridge":
			return sqlserverNumber(3903)
		}
		return nil
	}
	return s, count
}
