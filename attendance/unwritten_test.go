package attendance_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// A company of three, of whom one has a punch that the table refuses.
type refusedWorld struct {
	store    *attendancetest.Store
	sink     *attendancetest.Sink
	provider *countingProvider
	now      time.Time
	punches  []attendance.Punch
}

type countingProvider struct {
	world *refusedWorld
	calls int
}

func (p *countingProvider) Name() string { return "dingtalk" }
func (p *countingProvider) Limits() attendance.Limits {
	return attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour}
}

func (p *countingProvider) Fetch(_ context.Context, q attendance.Query) (attendance.Answer, error) {
	p.calls++
	a := attendance.Answer{Calls: 1, ReadAt: p.world.now}
	for _, one := range p.world.punches {
		for _, account := range q.Accounts {
			if one.Account == account && q.Span.Contains(one.Time) {
				a.Punches = append(a.Punches, one)
			}
		}
	}
	return a, nil
}

type three struct{}

func (three) Members(context.Context) iter.Seq2[attendance.Member, error] {
	return func(yield func(attendance.Member, error) bool) {
		for _, n := range []string{"101", "102", "103"} {
			if !yield(attendance.Member{Person: n, Account: "u" + n}, nil) {
				return
			}
		}
	}
}

func newRefusedWorld(refuse string) *refusedWorld {
	zone := time.FixedZone("UTC+8", 8*3600)
	w := &refusedWorld{store: &attendancetest.Store{}, sink: &attendancetest.Sink{}, now: time.Date(2026, 3, 4, 20, 0, 0, 0, zone)}
	w.sink.RefuseRow = func(r attendancetest.Row) string {
		if r.Person == refuse {
			return "site_once"
		}
		return ""
	}
	w.provider = &countingProvider{world: w}
	for i, n := range []string{"101", "102", "103"} {
		w.punches = append(w.punches, attendance.Punch{ID: "r" + n, Account: "u" + n, Time: time.Date(2026, 3, 4, 8, 51+i, 0, 0, zone), Kind: attendance.Regular, Direction: attendance.In})
	}
	return w
}

func (w *refusedWorld) syncer() *attendance.Syncer {
	return attendance.NewSyncer(w.provider, w.sink, &attendance.Options{Job: "j", Target: "oa", Memory: attendance.Remember(w.store), Now: func() time.Time { return w.now }, EmptyIsNormal: true})
}

func (w *refusedWorld) run(t *testing.T) (attendance.Report, error) {
	t.Helper()
	return w.syncer().Run(context.Background(), three{}, attendance.SinceMark(6, w.now.Location()))
}

// A refused row is named by each run that reads its day, costs the others nothing, and
// neither the mark nor a single call: nights with it are nights without it.
func TestNightsWithARefusedRow(t *testing.T) {
	t.Parallel()
	sound, refusing := newRefusedWorld(""), newRefusedWorld("101")
	for night := range 200 {
		want, err := sound.run(t)
		require.NoError(t, err)
		got, err := refusing.run(t)
		if night <= 6 {
			incomplete, ok := errors.AsType[*attendance.Incomplete](err)
			require.True(t, ok, "night %d: %v", night, err)
			require.Equal(t, 1, incomplete.Failed)
			require.Equal(t, attendance.CodeRowRefused, attendance.CodeOf(err))
			require.Empty(t, got.Failed)
			require.Len(t, got.Unwritten, 1)
			u := got.Unwritten[0]
			require.Equal(t, [3]string{"101", "u101", "r101"}, [3]string{u.Person, u.Account, u.ID})
			require.Equal(t, night > 0, u.Known, "told as new once")
			require.Equal(t, map[attendance.Reason]int{attendance.RowRefused: 1}, got.Skipped)
			require.Equal(t, got.Read, got.Written+got.Present+1)
		} else {
			require.NoError(t, err, "its day is not read any more")
			require.Empty(t, got.Unwritten)
		}
		require.Equal(t, want.Calls, got.Calls, "night %d", night)
		one, err := attendance.ReadProgress(context.Background(), sound.store, attendance.Stream{Job: "j", Target: "oa", Source: "dingtalk"})
		require.NoError(t, err)
		other, err := attendance.ReadProgress(context.Background(), refusing.store, attendance.Stream{Job: "j", Target: "oa", Source: "dingtalk"})
		require.NoError(t, err)
		require.Equal(t, one.ReadUpTo, other.ReadUpTo)
		sound.now, refusing.now = sound.now.AddDate(0, 0, 1), refusing.now.AddDate(0, 0, 1)
	}
	require.Equal(t, sound.provider.calls, refusing.provider.calls)

	// Explained from memory, and nothing is promised.
	e, err := refusing.syncer().Explain(context.Background(), three{}, attendance.Question{Person: "101", Day: attendance.Date{Year: 2026, Month: 3, Day: 4}, Zone: refusing.now.Location(),
		Next: refusing.now.Add(time.Hour), Window: attendance.SinceMark(60, refusing.now.Location())})
	require.NoError(t, err)
	require.Equal(t, attendance.CauseNotWritten, e.Cause)
	require.Contains(t, e.Sentence.EN, "refuses its row (site_once)")
	require.NotContains(t, e.Sentence.EN, "next run")
	require.NotContains(t, e.Sentence.ZH, "下次运行")

	// Once the table takes it, a backfill of the day brings it.
	refusing.sink.RefuseRow = nil
	got, err := refusing.syncer().Run(context.Background(), three{}, attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 4}, attendance.Date{Year: 2026, Month: 3, Day: 4}, refusing.now.Location()))
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 2}, [2]int{got.Written, got.Present})
	for range refusing.store.Rejected(context.Background(), attendance.Stream{Job: "j", Target: "oa", Source: "dingtalk"}, attendance.Span{}) {
		t.Fatal("it is still remembered as refused")
	}
}

// A table that takes nothing at all, when that is first met, is the table's fault: what
// it did not take is owed, and read again until it is taken.
func TestATableThatTakesNothingIsOwed(t *testing.T) {
	t.Parallel()
	w := newRefusedWorld("")
	w.sink.RefuseRow = func(attendancetest.Row) string { return "closed" }
	for _, p := range slices.Clone(w.punches) {
		p.ID, p.Time, p.Direction = p.ID+"b", p.Time.Add(9*time.Hour), attendance.Out
		w.punches = append(w.punches, p)
	}
	got, err := w.run(t)
	require.Equal(t, attendance.CodeRowRefused, attendance.CodeOf(err))
	require.Empty(t, got.Failed, "each row is named, and nobody else")
	require.Len(t, got.Unwritten, 6)
	e, err := w.syncer().Explain(context.Background(), three{}, attendance.Question{Person: "101", Day: attendance.Date{Year: 2026, Month: 3, Day: 4}, Zone: w.now.Location(),
		Next: w.now.Add(time.Hour), Window: attendance.SinceMark(6, w.now.Location())})
	require.NoError(t, err)
	require.Equal(t, attendance.CauseNotWritten, e.Cause)
	require.NotContains(t, e.Sentence.EN, "next run")
	w.now = w.now.AddDate(0, 0, 20)
	w.sink.RefuseRow = nil
	got, err = w.run(t)
	require.NoError(t, err)
	require.Equal(t, 6, got.Written, "far behind the look-back")
}

// The only new row of a night is one that the table refuses: it is the row's fault, and
// neither the mark nor anybody else's days wait for it.
func TestTheOnlyNewRowIsRefused(t *testing.T) {
	t.Parallel()
	w := newRefusedWorld("101")
	w.punches = w.punches[:1]
	got, err := w.run(t)
	require.Equal(t, attendance.CodeRowRefused, attendance.CodeOf(err))
	require.Len(t, got.Unwritten, 1)
	require.Empty(t, got.Failed)
	stream := attendance.Stream{Job: "j", Target: "oa", Source: "dingtalk"}
	progress, err := attendance.ReadProgress(context.Background(), w.store, stream)
	require.NoError(t, err)
	require.True(t, w.now.Equal(progress.ReadUpTo), progress.ReadUpTo)
}
