package attendance_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// Who left long ago is not read, so nobody was caught up.
func TestWhoLeftLongAgoIsNotCaughtUp(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.ok(march(1, 23, 30))
	s.people = s.people[:2]
	for day := 2; day <= 20; day++ {
		calls := s.provider.Calls()
		r := s.ok(march(day, 23, 30))
		if day > 10 {
			require.Empty(t, s.asked("u0002", calls))
			require.Zero(t, r.CaughtUp, "March %d: nobody was read further back: %v", day, r)
		}
	}
}

func TestARejectedAccountIsNotCaughtUp(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.ok(march(1, 23, 30))
	s.provider.Refuse = func(q attendance.Query) error {
		if slices.Contains(q.Accounts, "u0002") {
			return &attendance.Error{Code: attendance.CodeAccount}
		}
		return nil
	}
	for day := 2; day <= 20; day++ {
		r := s.ok(march(day, 23, 30))
		require.Zero(t, r.CaughtUp, "March %d: %v", day, r)
	}
}

// A backfill over somebody who is not the job's makes nobody the job's.
func TestABackfillOfOthersMakesThemNotTheJobs(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(1, 1), date(3, 31))
	other := s.people[2]
	s.people = s.people[:2]
	s.ok(march(1, 23, 30))
	s.ok(march(10, 23, 30))
	opts := s.opts
	opts.Apart = true
	_, err := attendance.NewSyncer(s.provider, s.sink, &opts).Run(t.Context(), attendance.Members(other), days(date(1, 1), date(1, 10)))
	require.NoError(t, err)
	p := s.progress()
	t.Logf("people %d behind %d read up to %v", p.People, p.Behind, p.ReadUpTo.In(shanghai()))
	calls := s.provider.Calls()
	r := s.ok(march(11, 23, 30))
	t.Logf("span %v, asked %v, people %d", r.Span, s.asked("u0002", calls), r.People)
	require.Empty(t, s.asked("u0002", calls), "not of the job's scope")
	require.Equal(t, march(5, 0, 0), r.Span.From)
	require.Equal(t, march(10, 23, 30), p.ReadUpTo.In(shanghai()))
	require.Equal(t, 2, p.People)
}

// A clock that was a year ahead for one run, and is right again.
func TestAClockThatWasAheadForOneRun(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(2, 1), date(4, 30))
	s.ok(march(1, 23, 30))
	_, err := s.run(march(1, 23, 30).AddDate(1, 0, 0))
	require.NoError(t, err)
	calls := s.provider.Calls()
	s.ok(march(3, 23, 30))
	t.Logf("calls of the next: %d, asked %v, progress %+v", s.provider.Calls()-calls, s.asked("u0000", calls), s.progress())
	calls = s.provider.Calls()
	s.ok(march(4, 23, 30))
	t.Logf("calls of the next: %d, asked %v, progress %+v", s.provider.Calls()-calls, s.asked("u0000", calls), s.progress())
	for _, q := range s.provider.Queries()[calls:] {
		require.False(t, q.Span.From.After(s.now), "the future is asked for: %v", q.Span)
	}
}

// A clock that was ahead for one run claims nothing that was not there yet to be read.
func TestAClockThatWasAheadLosesNothing(t *testing.T) {
	s := newSite(t, 3)
	var all []attendance.Punch
	for day := date(2, 24); day.Before(date(3, 31)); day = day.Add(1) {
		for _, m := range s.people {
			all = append(all, attendance.Punch{ID: m.Account + day.String(), Account: m.Account, Time: day.In(shanghai()).Add(9 * time.Hour), Kind: attendance.Regular, Direction: attendance.In})
		}
	}
	happen := func(now time.Time) { // the platform has what has happened
		for _, p := range all {
			if !p.Time.After(now) {
				s.provider.Put(p)
			}
		}
	}
	happen(march(1, 23, 30))
	s.ok(march(1, 23, 30))
	happen(march(2, 23, 30))
	s.ok(march(25, 23, 30)) // it is March 2nd, but the clock does not know
	happen(march(3, 23, 30))
	s.ok(march(3, 23, 30)) // it was set
	require.Equal(t, march(3, 23, 30), s.progress().ReadUpTo.In(shanghai()))
	happen(march(26, 23, 30))
	s.ok(march(26, 23, 30)) // after an outage
	require.Len(t, s.sink.All(), 3*(5+26))
}

// An account that one slice found to be rejected was not read by the others either.
func TestARejectedAccountIsNotDone(t *testing.T) {
	s := newSite(t, 50)
	n := punchDaily(s.provider, s.people, date(3, 1), date(3, 28))
	s.now = march(31, 12, 0)
	bad := true
	s.provider.Refuse = func(q attendance.Query) error {
		if bad && slices.Contains(q.Accounts, "u0007") {
			return &attendance.Error{Code: attendance.CodeAccount}
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.opts.Observe = func(e attendance.Event) {
		if e.Slices == 3 {
			cancel()
		}
	}
	window := days(date(3, 1), date(3, 28))
	first, err := s.syncer().Run(ctx, s.scope(), window)
	require.ErrorIs(t, err, context.Canceled)
	bad, s.opts.Observe = false, nil // it is in the application's sight now
	calls := s.provider.Calls()
	second, err := s.syncer().Run(t.Context(), s.scope(), window)
	require.NoError(t, err)
	require.Equal(t, first.Run, second.Run)
	require.Empty(t, second.LeftOut)
	require.Equal(t, attendance.Spans{{From: date(3, 1).In(shanghai()), To: date(3, 29).In(shanghai())}}, s.asked("u0007", calls))
	require.Len(t, s.sink.All(), n)
}

// What was read for one account is not read for another.
func TestABindingThatWasMendedBetweenAttemptsIsRead(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 28))
	s.now = march(31, 12, 0)
	right := s.people[1]
	s.people[1].Account = "wrong"
	ctx, cancel := context.WithCancel(t.Context())
	s.opts.Observe = func(e attendance.Event) {
		if e.Slices == 3 {
			cancel()
		}
	}
	window := days(date(3, 1), date(3, 28))
	_, err := s.syncer().Run(ctx, s.scope(), window)
	require.ErrorIs(t, err, context.Canceled)
	s.opts.Observe, s.people[1] = nil, right
	calls := s.provider.Calls()
	_, err = s.syncer().Run(t.Context(), s.scope(), window)
	require.NoError(t, err)
	require.Equal(t, attendance.Spans{{From: date(3, 1).In(shanghai()), To: date(3, 29).In(shanghai())}}, s.asked(right.Account, calls))
}

// No two clocks are compared: who beats lives, whatever its clock shows.
func TestWhoBeatsLivesAlsoWhereItsClockIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 3)
		s.now = march(20, 12, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		behind := func() time.Time { return time.Now().Add(-11 * time.Minute) }
		_, err := s.store.Lease(ctx, "run hq > oa", "at work", behind(), attendance.Holder{})
		require.NoError(t, err)
		var beats sync.WaitGroup
		defer beats.Wait()
		defer cancel()
		beats.Go(func() {
			for ctx.Err() == nil {
				_, _ = s.store.Beat(ctx, "run hq > oa", "at work", behind())
				time.Sleep(time.Second)
			}
		})
		_, err = s.syncer().Run(ctx, s.scope(), attendance.SinceMark(6, shanghai()))
		require.ErrorIs(t, err, context.DeadlineExceeded, "who lives is waited for")
	})
}

// deaf is a store whose beats do not come through for a while.
type deaf struct {
	attendance.Store
	deaf *bool
}

func (d deaf) Beat(ctx context.Context, name, owner string, at time.Time) (bool, error) {
	if *d.deaf {
		return false, errors.New("deaf")
	}
	return d.Store.Beat(ctx, name, owner, at)
}

// A run whose lease was taken over, by one that goes on with the same backfill, does not
// give back that one's.
func TestALostLeaseIsNotGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 100)
		punchDaily(s.provider, s.people, date(3, 1), date(3, 28))
		s.now = march(31, 12, 0)
		window := days(date(3, 1), date(3, 28))
		slow := func(d time.Duration) fetch {
			return fetch{s.provider, func(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
				time.Sleep(d)
				return s.provider.Fetch(ctx, q)
			}}
		}
		yes := true
		a, b := s.opts, s.opts
		a.Memory = attendance.Remember(deaf{s.store, &yes})
		var runs [2]attendance.Report
		done := make(chan error, 2)
		go func() {
			var err error
			runs[0], err = attendance.NewSyncer(slow(5*time.Second), s.sink, &a).Run(t.Context(), s.scope(), window)
			done <- err
		}()
		time.Sleep(time.Second)
		go func() {
			var err error
			runs[1], err = attendance.NewSyncer(slow(20*time.Second), s.sink, &b).Run(t.Context(), s.scope(), window)
			done <- err
		}()
		require.NoError(t, <-done) // a has ended, b goes on
		require.NotEmpty(t, runs[0].Run)
		require.Empty(t, runs[1].Run)
		holder, err := s.store.Lease(t.Context(), "run hq > oa", "third", time.Now(), attendance.Holder{})
		require.NoError(t, err)
		var last attendance.RunRecord
		for r, err := range s.store.Runs(t.Context(), attendance.RunFilter{}) {
			require.NoError(t, err)
			t.Logf("record %s attempts %d result %q", r.ID, r.Attempts, r.Result)
			last = r
		}
		_ = last
		if holder.Owner == "third" {
			_ = s.store.Release(t.Context(), "run hq > oa", "third")
		}
		require.NoError(t, <-done)
		t.Logf("%s %s", runs[0].Run, runs[1].Run)
		require.NotEqual(t, "third", holder.Owner, "b is still at work")
	})
}

// The log of a run that was gone on with adds up.
func TestTheLogOfARunThatWasGoneOnWithAddsUp(t *testing.T) {
	s := newSite(t, 50)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 28))
	s.provider.PutSkipped(attendance.Skipped{ID: "x", Account: "u0001", Time: march(2, 9, 0), Reason: attendance.Invalid, Detail: "Other"})
	s.now = march(31, 12, 0)
	ctx, cancel := context.WithCancel(t.Context())
	s.opts.Observe = func(e attendance.Event) {
		if e.Slices == 3 {
			cancel()
		}
	}
	window := days(date(3, 1), date(3, 28))
	_, err := s.syncer().Run(ctx, s.scope(), window)
	require.ErrorIs(t, err, context.Canceled)
	s.opts.Observe = nil
	_, err = s.syncer().Run(t.Context(), s.scope(), window)
	require.NoError(t, err)
	for r, err := range s.store.Runs(t.Context(), attendance.RunFilter{}) {
		require.NoError(t, err)
		sum := r.Report.Written + r.Report.Present + r.Report.PresentFromOther
		for _, n := range r.Report.Skipped {
			sum += n
		}
		require.Equal(t, r.Report.Read, sum)
	}
}

// sick is a store that fails once it is sick.
type sick struct {
	attendance.Store
	sick func() bool
}

var errSick = &attendance.Error{Code: attendance.CodeStoreDown, Op: "state"}

func (s sick) Remember(ctx context.Context, st attendance.Stream, c []attendance.Change) error {
	if s.sick() {
		return errSick
	}
	return s.Store.Remember(ctx, st, c)
}
func (s sick) AddSlice(ctx context.Context, run string, r attendance.SliceRecord) error {
	if s.sick() {
		return errSick
	}
	return s.Store.AddSlice(ctx, run, r)
}

func TestAStoreThatIsDownIsToldOnce(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 28))
	asked := false
	s.opts.Memory = attendance.Remember(sick{s.store, func() bool { return asked }})
	y := attendance.NewSyncer(fetch{s.provider, func(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
		asked = true
		return s.provider.Fetch(ctx, q)
	}}, s.sink, &s.opts)
	s.now = march(10, 23, 30)
	r, err := y.Run(t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
	require.Error(t, err)
	n := 0
	for _, w := range r.Warnings {
		if w.Code == "not_remembered" {
			n++
		}
	}
	require.Equal(t, 1, n, "%v", r.Warnings)
}

// hiccup is a lease store that fails now and then.
type hiccup struct {
	attendance.Store
	n *int
}

func (h hiccup) Lease(ctx context.Context, name, owner string, at time.Time, over attendance.Holder) (attendance.Holder, error) {
	if *h.n++; *h.n == 5 {
		return attendance.Holder{}, errSick
	}
	return h.Store.Lease(ctx, name, owner, at, over)
}

func TestALeaseStoreThatFailsOnceWhileItIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 3)
		s.now = march(20, 12, 0)
		_, err := s.store.Lease(t.Context(), "run hq > oa", "at work", time.Now(), attendance.Holder{})
		require.NoError(t, err)
		n := 0
		s.opts.Memory = attendance.Remember(hiccup{s.store, &n})
		s.opts.EmptyIsNormal = true
		s.ok(march(20, 12, 0))
	})
}

// A panic of the host's code leaves a run in the log that ended.
func TestAPanicEndsTheRunInTheLog(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 28))
	s.opts.Observe = func(attendance.Event) { panic("oh") }
	require.Panics(t, func() { _, _ = s.run(march(10, 23, 30)) })
	for r, err := range s.store.Runs(t.Context(), attendance.RunFilter{}) {
		require.NoError(t, err)
		require.NotEmpty(t, r.Result)
	}
}
