package dbtest

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sinktest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A change is what one batch has to do with a ledger: rows to move, to remove and
// to add, in both tables, and a binding that was mended.
func ledgerChange() (before, after attendance.Batch) {
	in, out, visit := record("1", punch(101, at(2, 8, 0, 0), attendance.In)), record("2", punch(101, at(2, 18, 0, 0), attendance.Out)), record("3", field(101, at(2, 9, 0, 0)))
	gone, bound := record("4", place(field(102, at(3, 9, 0, 0)))), record("5", punch(103, at(3, 8, 0, 0), attendance.In))
	stays := record("6", punch(102, at(3, 8, 0, 0), attendance.In))
	before = batch(in, out, visit, gone, bound, stays)
	in.Time, visit.Remark = at(4, 8, 0, 0), "补充"
	after = batch(in, out, visit, bound, stays, record("7", punch(104, at(5, 8, 0, 0), attendance.In)))
	after.Members[2].Person, after.Members[9].Person = "110", "103"
	after.ReadAt, after.Run = before.ReadAt.Add(time.Minute), "after"
	return before, after
}

func changedWritten(t testing.TB, w attendance.Written, message ...any) {
	t.Helper()
	require.Equal(t, [5]int{4, 3, 1, 2, 0}, [5]int{w.Written, w.Corrected, w.Removed, w.Present, w.Superseded}, message...)
	require.Equal(t, []string{"101 2026-03-02", "101 2026-03-04", "102 2026-03-03", "103 2026-03-03", "104 2026-03-05", "110 2026-03-03"}, days(w), message...)
}

// A state is all that a test database holds of punches and of the ledger.
type state struct {
	signs   []ecologytest.SignRow
	mobiles []ecologytest.MobileRow
	ledger  int
	changes int
}

func stateOf(t testing.TB, oa *ecologytest.OA) (s state) {
	t.Helper()
	s.signs, s.mobiles = signs(t, oa), mobiles(t, oa)
	var err error
	s.ledger, err = oa.Count(context.Background(), "punchbridge_rows")
	require.NoError(t, err)
	s.changes, err = oa.Count(context.Background(), "punchbridge_changes")
	require.NoError(t, err)
	return s
}

func ledgerOn(t testing.TB, db *bun.DB) *oasink.Sink {
	t.Helper()
	s := sink(t, db, &oasink.Options{Ledger: &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}})
	require.NoError(t, s.CreateLedger(context.Background()))
	return s
}

// A failure at any statement leaves the OA and its ledger as they were, or as they
// are to be; the next try does all of it.
func TestNothingIsHalfChanged(t *testing.T) {
	t.Parallel()
	everywhere(t, testNothingIsHalfChanged)
}

func testNothingIsHalfChanged(t *testing.T, on engine) {
	before, after := ledgerChange()
	var want [2]state
	d := on.found(t, ecologytest.Schema{})
	s := ledgerOn(t, d.pool(t))
	for i, b := range []attendance.Batch{before, after} {
		w, err := s.Write(context.Background(), b)
		require.NoError(t, err)
		if want[i] = stateOf(t, d.oa); i == 1 {
			changedWritten(t, w)
		}
	}
	require.Equal(t, [2]int{6, 4}, [2]int{want[1].ledger, want[1].changes})
	c := &counter{}
	s = ledgerOn(t, d.struck(t, c.strike))
	for n := 1; ; n++ {
		d.exec(t, d.oa.DB(), "DELETE FROM HrmScheduleSign", "DELETE FROM mobile_sign", "DELETE FROM kq_format_pool", "DELETE FROM punchbridge_rows", "DELETE FROM punchbridge_reads",
			"DELETE FROM punchbridge_changes", "DELETE FROM punchbridge_origins")
		_, err := s.Write(context.Background(), before)
		require.NoError(t, err)
		c.arm(n, func() error { return errStruck })
		w, err := s.Write(context.Background(), after)
		seen := c.disarm()
		if err != nil {
			require.ErrorIs(t, err, errStruck)
			require.Equal(t, want[0], stateOf(t, d.oa), "after a strike at statement %d", n)
			require.Zero(t, w.Written+w.Removed+w.Corrected+len(w.Days))
			w, err = s.Write(context.Background(), after)
			require.NoError(t, err)
		}
		require.Equal(t, want[1], stateOf(t, d.oa), "after a strike at statement %d", n)
		changedWritten(t, w)
		if seen < n {
			require.Greater(t, n, 15, "there are many statements to strike at")
			return
		}
	}
}

// Where nobody has heard of a commit, what it did is counted all the same.
func TestALostCommitOfChanges(t *testing.T) {
	t.Parallel()
	onServers(t, testALostCommitOfChanges)
}

func testALostCommitOfChanges(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	p, behind := through(t, d)
	armed := false
	s := ledgerOn(t, behind.struck(t, func(query string) error {
		if strings.HasPrefix(query, "COMMIT") && armed {
			armed = false
			p.deafen()
		}
		return nil
	}))
	before, after := ledgerChange()
	armed = true
	w, err := s.Write(context.Background(), before)
	require.NoError(t, err)
	require.Equal(t, 6, w.Written)
	armed = true
	w, err = s.Write(context.Background(), after)
	require.NoError(t, err)
	require.False(t, armed)
	changedWritten(t, w)
	armed = true
	u, err := s.Undo(context.Background(), "after")
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 3}, [2]int{u.Removed, u.Restored})
	require.Len(t, u.Kept, 1)
}

// The kit finds sinks with a ledger that are broken in one way each.
func TestBrokenLedgersAreFound(t *testing.T) {
	t.Parallel()
	minute := 0
	for name, broken := range map[string]func(b *attendance.Batch){
		"forgets the record ids":          func(b *attendance.Batch) { forgetIDs(b) },
		"takes all corps for one":         func(b *attendance.Batch) { b.Corp = "" },
		"takes every answer for complete": func(b *attendance.Batch) { b.Partial = false },
		"takes every answer for the newest": func(b *attendance.Batch) {
			minute++
			b.ReadAt = b.ReadAt.Add(time.Duration(minute) * time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := false
			for _, rule := range sinktest.Rules() {
				x := brokenTarget{target{sqliteEngine().found(t, ecologytest.Schema{}), &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}}, broken}
				tb := &verdict{TB: t}
				done := make(chan struct{})
				go func() {
					defer close(done)
					rule.Check(tb, x, sinktest.Features{Apart: true, Places: true, Ledger: true, Removes: true})
				}()
				<-done
				found = found || tb.failed
			}
			require.True(t, found)
		})
	}
}

func forgetIDs(b *attendance.Batch) {
	list := make([]attendance.Punch, len(b.Punches))
	for i, p := range b.Punches {
		p.ID = ""
		list[i] = p
	}
	b.Punches = list
}

type brokenTarget struct {
	target
	broken func(b *attendance.Batch)
}

func (x brokenTarget) Sink(t testing.TB) attendance.Sink {
	return brokenSink{x.target.Sink(t), x.broken}
}

type brokenSink struct {
	attendance.Sink
	broken func(b *attendance.Batch)
}

func (s brokenSink) Write(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
	s.broken(&b)
	return s.Sink.Write(ctx, b)
}

// A verdict remembers that a rule failed.
type verdict struct {
	testing.TB
	failed bool
}

func (v *verdict) Errorf(string, ...any) { v.failed = true }
func (v *verdict) Fatalf(string, ...any) { v.failed = true; runtime.Goexit() }
func (v *verdict) Skip(...any)           { runtime.Goexit() }
