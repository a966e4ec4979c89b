package attendance_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// A site is one job with a memory: tests move its clock and change its people.
type site struct {
	t        *testing.T
	provider *attendancetest.Provider
	sink     *attendancetest.Sink
	store    *attendancetest.Store
	now      time.Time
	people   []attendance.Member
	opts     attendance.Options
}

func newSite(t *testing.T, people int) *site {
	s := &site{t: t, provider: attendancetest.NewProvider("dingtalk", weekLimits), sink: &attendancetest.Sink{}, store: &attendancetest.Store{}, people: staff(people)}
	s.opts = attendance.Options{Job: "hq", Target: "oa", Parallel: 1, Memory: attendance.Remember(s.store), Now: func() time.Time { return s.now }}
	return s
}

func (s *site) syncer() *attendance.Syncer {
	return attendance.NewSyncer(s.provider, s.sink, &s.opts)
}

func (s *site) scope() attendance.Scope { return attendance.Members(s.people...) }

// run is an automatic run at the given time.
func (s *site) run(now time.Time) (attendance.Report, error) {
	s.now = now
	return s.syncer().Run(s.t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
}

func (s *site) ok(now time.Time) attendance.Report {
	s.t.Helper()
	r, err := s.run(now)
	require.NoError(s.t, err)
	return r
}

func (s *site) stream() attendance.Stream {
	return attendance.Stream{Job: "hq", Target: "oa", Source: "dingtalk"}
}

func (s *site) progress() attendance.Progress {
	s.t.Helper()
	p, err := attendance.ReadProgress(s.t.Context(), s.store, s.stream())
	require.NoError(s.t, err)
	return p
}

// asked is what was asked for an account since the queries numbered from.
func (s *site) asked(account string, from int) attendance.Spans {
	var all attendance.Spans
	for _, q := range s.provider.Queries()[from:] {
		if slices.Contains(q.Accounts, account) {
			all = all.Plus(q.Span)
		}
	}
	return all
}

func TestTheFirstRunReadsItsWindowAndTheNextFromTheMark(t *testing.T) {
	s := newSite(t, 60)
	punchDaily(s.provider, s.people, date(2, 1), date(3, 31))
	r := s.ok(march(1, 23, 30))
	require.Equal(t, "2026-02-23", attendance.DateOf(r.Span.From).String(), "no more than the look-back")
	require.Equal(t, march(1, 23, 30), s.progress().ReadUpTo.In(shanghai()))

	r = s.ok(march(2, 23, 30))
	require.Equal(t, "2026-02-24", attendance.DateOf(r.Span.From).String())

	calls := s.provider.Calls()
	r = s.ok(march(25, 23, 30)) // after an outage of weeks
	require.Equal(t, march(2, 23, 30), r.Span.From)
	require.Equal(t, march(25, 23, 30), r.Span.To)
	require.Len(t, s.asked("u0000", calls), 1, "one stretch, nothing twice")
	require.Equal(t, 2*4, s.provider.Calls()-calls)
	require.Len(t, s.sink.All(), 60*(2*31-1), "every punch since February 23rd, but the last one of the 25th")
}

func TestNewcomersAreCaughtUpAndMakeNobodyElseWait(t *testing.T) {
	s := newSite(t, 120)
	punchDaily(s.provider, s.people, date(2, 1), date(3, 31))
	late := s.people[100:]
	s.people = s.people[:100]
	s.ok(march(1, 23, 30))
	s.ok(march(12, 23, 30))
	s.people = append(s.people, late...)
	calls := s.provider.Calls()
	r := s.ok(march(20, 23, 30))
	require.Equal(t, march(12, 23, 30), r.Span.From, "the job's own mark")
	require.Equal(t, 20, r.CaughtUp)
	require.Equal(t, "2026-02-23", attendance.DateOf(r.CaughtUpTo).String(), "the job's first covered day")
	require.Contains(t, r.String(), "20 caught up to 2026-02-23")
	require.Equal(t, 2*2+1*4, s.provider.Calls()-calls, "the newcomers are asked for together")
	require.Len(t, s.sink.All(), 120*(2*26-1))
	require.Equal(t, attendance.Progress{Owed: s.progress().Owed, ReadUpTo: march(20, 23, 30).UTC(), People: 120}, s.progress())
}

func TestAFailedPartIsMadeUpForByTheNextRun(t *testing.T) {
	s := newSite(t, 100)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.ok(march(3, 23, 30))
	bad := true
	s.provider.Refuse = func(q attendance.Query) error {
		if bad && q.Accounts[0] == "u0050" && q.Span.Contains(march(8, 12, 0)) {
			return &attendance.Error{Code: attendance.CodeUnavailable}
		}
		return nil
	}
	_, err := s.run(march(20, 23, 30))
	require.Error(t, err)
	p := s.progress()
	require.Equal(t, 50, p.Behind)
	require.Equal(t, march(3, 23, 30), p.ReadUpTo.In(shanghai()))
	bad = false
	calls := s.provider.Calls()
	r := s.ok(march(21, 23, 30))
	require.Equal(t, march(3, 23, 30), r.Span.From)
	require.Equal(t, attendance.Spans{{From: march(15, 0, 0), To: march(21, 23, 30)}}, s.asked("u0000", calls), "who was read is not asked for again")
	require.Len(t, s.sink.All(), 100*2*21-100+100*0, "all but the last punch of the 21st")
}

func TestLeaversAreAskedForUntilTheLookBackHasPassed(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.ok(march(10, 23, 30))
	s.people = s.people[:2]
	calls := s.provider.Calls()
	s.ok(march(12, 23, 30)) // first missed on the 12th
	require.Equal(t, attendance.Spans{{From: march(6, 0, 0), To: march(12, 23, 30)}}, s.asked("u0002", calls))
	calls = s.provider.Calls()
	s.ok(march(15, 23, 30))
	require.Equal(t, attendance.Spans{{From: march(9, 0, 0), To: march(13, 0, 0)}}, s.asked("u0002", calls), "to the end of the day on which the person was missed")
	calls = s.provider.Calls()
	s.ok(march(20, 23, 30))
	require.Empty(t, s.asked("u0002", calls))
	require.Equal(t, march(20, 23, 30), s.progress().ReadUpTo.In(shanghai()), "a leaver holds nothing up")

	s.people = staff(3) // back again
	calls = s.provider.Calls()
	s.ok(march(22, 23, 30))
	require.Equal(t, attendance.Spans{{From: march(13, 0, 0), To: march(22, 23, 30)}}, s.asked("u0002", calls), "from where the person was read")
}

func TestAnAccountThatIsGoneIsAskedForAndAMendedBindingIsNot(t *testing.T) {
	for name, c := range map[string]struct {
		now   attendance.Member
		other *attendance.Member
		asked bool
	}{
		"account gone from the platform": {now: attendance.Member{Person: "1002", Key: "W2", LeftOut: attendance.Unbound}, asked: true},
		"work code mended":               {now: attendance.Member{Person: "1002", Key: "W9", LeftOut: attendance.Unbound}},
		"another account now":            {now: attendance.Member{Person: "1002", Key: "W2", Account: "u0009"}},
		"ambiguous now":                  {now: attendance.Member{Person: "1002", Key: "W2", LeftOut: attendance.Ambiguous}},
		"it is somebody else's now":      {now: attendance.Member{Person: "1002", Key: "W2", LeftOut: attendance.Unbound}, other: &attendance.Member{Person: "1003", Account: "u0002"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 3)
			s.people[2].Key = "W2"
			punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
			s.ok(march(10, 23, 30))
			s.people[2] = c.now
			if c.other != nil {
				s.people = append(s.people, *c.other)
			}
			calls := s.provider.Calls()
			s.ok(march(11, 23, 30))
			for _, row := range s.sink.All() {
				if row.Person == "1002" && row.Time.After(march(10, 23, 59)) {
					require.True(t, c.asked, "%v is not this person's", row)
				}
			}
			require.Equal(t, c.asked || c.other != nil, len(s.asked("u0002", calls)) > 0)
			require.Equal(t, march(11, 23, 30), s.progress().ReadUpTo.In(shanghai()))
		})
	}
}

func TestARejectedAccountFreezesNothingAndIsNotForgotten(t *testing.T) {
	s := newSite(t, 50)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	bad := map[string]bool{}
	s.provider.Refuse = func(q attendance.Query) error {
		if slices.ContainsFunc(q.Accounts, func(a string) bool { return bad[a] }) {
			return &attendance.Error{Code: attendance.CodeAccount}
		}
		return nil
	}
	s.ok(march(7, 23, 30))
	bad["u0007"] = true
	r := s.ok(march(8, 23, 30))
	require.Equal(t, attendance.Refused, r.LeftOut[0].LeftOut)
	require.Equal(t, march(8, 23, 30), s.progress().ReadUpTo.In(shanghai()))
	require.Equal(t, 1, s.progress().Refused)

	calls := s.provider.Calls()
	r = s.ok(march(9, 23, 30))
	require.Len(t, r.LeftOut, 1, "named in every report")
	require.Equal(t, 2, s.provider.Calls()-calls, "one call for the others and one for it: no search")

	delete(bad, "u0007")
	calls = s.provider.Calls()
	r = s.ok(march(25, 23, 30))
	require.Empty(t, r.LeftOut)
	require.Equal(t, attendance.Spans{{From: march(7, 23, 30), To: march(25, 23, 30)}}, s.asked("u0007", calls))
	require.Zero(t, s.progress().Refused)
	require.Len(t, s.sink.All(), 50*(2*25-1))
}

func TestRejectedAccountsRest(t *testing.T) {
	s := newSite(t, 200)
	bad := map[string]bool{}
	for i := range 60 {
		bad[s.people[3*i].Account] = true
	}
	s.provider.Refuse = func(q attendance.Query) error {
		if slices.ContainsFunc(q.Accounts, func(a string) bool { return bad[a] }) {
			return &attendance.Error{Code: attendance.CodeAccount}
		}
		return nil
	}
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	r := s.ok(march(7, 8, 0))
	require.Len(t, r.LeftOut, 60)
	for i := range 4 {
		calls := s.provider.Calls()
		r = s.ok(march(9, 8, i))
		require.Len(t, r.LeftOut, 60)
		require.LessOrEqual(t, s.provider.Calls()-calls, 3+20)
	}
	calls := s.provider.Calls()
	s.ok(march(9, 8, 5))
	require.Equal(t, 3, s.provider.Calls()-calls, "all were tried within the hour")
}

func TestACompanyThatIsRefusedIsNotSetApart(t *testing.T) {
	s := newSite(t, 200)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	closed := true
	s.provider.Refuse = func(attendance.Query) error {
		if closed {
			return &attendance.Error{Code: attendance.CodeAccount}
		}
		return nil
	}
	_, err := s.run(march(7, 23, 30))
	require.Equal(t, attendance.CodeEveryone, attendance.CodeOf(err))
	closed = false
	calls := s.provider.Calls()
	s.ok(march(8, 23, 30))
	require.Equal(t, 2*4, s.provider.Calls()-calls, "four batches, two weeks: the window of the first run is owed")
}

func TestBackfillsAreCoverageButNotThoseOfOthers(t *testing.T) {
	s := newSite(t, 4)
	punchDaily(s.provider, s.people, date(1, 1), date(3, 31))
	backfill := func(first, last attendance.Date, edit func(*attendance.Options), people ...attendance.Member) {
		opts := s.opts
		if edit != nil {
			edit(&opts)
		}
		_, err := attendance.NewSyncer(s.provider, s.sink, &opts).Run(t.Context(), attendance.Members(people...), days(first, last))
		require.NoError(t, err)
	}
	s.now = march(10, 12, 0)
	backfill(date(2, 1), date(2, 10), nil, s.people...)
	backfill(date(1, 1), date(1, 10), func(o *attendance.Options) { o.Apart = true }, s.people[0])
	backfill(date(1, 1), date(3, 20), func(o *attendance.Options) { o.Target = "other" }, s.people...)
	backfill(date(3, 8), date(3, 20), nil, s.people...) // also days to come
	require.Equal(t, attendance.SpansOf(attendance.Span{From: date(2, 1).In(shanghai()), To: date(2, 11).In(shanghai())},
		attendance.Span{From: march(8, 0, 0), To: march(10, 12, 0)}).String(), s.progress().Owed.In(shanghai()).String())
	r := s.ok(march(20, 23, 30))
	require.Equal(t, march(10, 12, 0), r.Span.From, "from where the backfill has read to")

	s.people = append(s.people, attendance.Member{Person: "2000", Account: "new"})
	calls := s.provider.Calls()
	s.ok(march(21, 23, 30))
	require.Equal(t, attendance.SpansOf(attendance.Span{From: date(2, 1).In(shanghai()), To: date(2, 11).In(shanghai())},
		attendance.Span{From: march(8, 0, 0), To: march(21, 23, 30)}).String(), s.asked("new", calls).String(), "what the job has read, no more")
}

func TestWithoutALookBackNothingIsMadeUpFor(t *testing.T) {
	s := newSite(t, 2)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	for _, day := range []int{3, 6} {
		s.now = march(day, 23, 30)
		r, err := s.syncer().Run(t.Context(), s.scope(), attendance.Today(shanghai()))
		require.NoError(t, err)
		require.Equal(t, march(day, 0, 0), r.Span.From)
		require.Equal(t, 2, r.Read)
	}
}

func TestTheHorizonIsToldOnce(t *testing.T) {
	s := newSite(t, 2)
	s.provider = attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour, Horizon: 30 * 24 * time.Hour})
	punchDaily(s.provider, s.people, date(1, 1), date(3, 31))
	s.ok(time.Date(2026, 1, 10, 23, 30, 0, 0, shanghai()))
	r := s.ok(march(20, 23, 30))
	require.Equal(t, "beyond_horizon", r.Warnings[0].Code)
	require.Equal(t, "2026-02-19", attendance.DateOf(r.Span.From).String())
	s.people = staff(3)
	r = s.ok(march(21, 23, 30))
	require.Empty(t, r.Warnings, "what is lost is told once, also when somebody joins")
	require.Equal(t, "2026-02-20", attendance.DateOf(r.CaughtUpTo).String())
	require.Equal(t, march(21, 23, 30), s.progress().ReadUpTo.In(shanghai()))
}

func TestASecondRunWaitsAndDoesWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 100)
		punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
		s.now = march(20, 12, 0)
		slow := fetch{s.provider, func(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
			time.Sleep(30 * time.Second)
			return s.provider.Fetch(ctx, q)
		}}
		y := attendance.NewSyncer(slow, s.sink, &s.opts)
		done := make(chan attendance.Report, 2)
		for range 2 {
			go func() {
				r, err := y.Run(t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
				require.NoError(t, err)
				done <- r
			}()
		}
		first, second := <-done, <-done
		require.Equal(t, 2, first.Calls+second.Calls, "each slice once")
		require.Zero(t, second.Calls)
		require.NotEqual(t, first.Run, second.Run)
	})
}

func TestWhatAKilledRunHeldIsTakenOverSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 100)
		punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
		s.now = march(20, 12, 0)
		_, err := s.store.Lease(t.Context(), "run hq > oa", "killed", time.Now(), attendance.Holder{})
		require.NoError(t, err)
		began := time.Now()
		s.ok(march(20, 12, 0))
		require.Less(t, time.Since(began), 15*time.Second)

		_, err = s.store.Lease(t.Context(), "run hq > oa", "killed yesterday", time.Now().Add(-24*time.Hour), attendance.Holder{})
		require.NoError(t, err)
		began = time.Now()
		s.ok(march(20, 12, 0))
		require.Less(t, time.Since(began), 5*time.Second)

		_, err = s.store.Lease(t.Context(), "run hq > oa", "at work", time.Now(), attendance.Holder{})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var beats sync.WaitGroup
		defer beats.Wait()
		beats.Go(func() {
			for ctx.Err() == nil {
				_, _ = s.store.Beat(ctx, "run hq > oa", "at work", time.Now())
				time.Sleep(time.Second)
			}
		})
		_, err = s.syncer().Run(ctx, s.scope(), attendance.SinceMark(6, shanghai()))
		require.ErrorIs(t, err, context.DeadlineExceeded, "who lives is waited for")
	})
}

func TestABackfillThatWasCutOffGoesOn(t *testing.T) {
	s := newSite(t, 100)
	n := punchDaily(s.provider, s.people, date(1, 1), date(3, 10))
	s.now = march(11, 12, 0)
	window := days(date(1, 1), date(3, 10))
	ctx, cancel := context.WithCancel(t.Context())
	s.opts.Observe = func(e attendance.Event) {
		if e.Slices == 7 {
			cancel()
		}
	}
	first, err := s.syncer().Run(ctx, s.scope(), window)
	require.ErrorIs(t, err, context.Canceled)
	alive := func() bool {
		alive, err := attendance.Alive(t.Context(), s.store, "hq", "oa", attendance.KindBackfill, first.Run)
		require.NoError(t, err)
		return alive
	}
	require.False(t, alive())
	s.opts.Observe = func(attendance.Event) { require.True(t, alive()) }
	done := s.provider.Calls()
	s.now = s.now.Add(time.Hour)
	second, err := s.syncer().Run(t.Context(), s.scope(), window)
	require.NoError(t, err)
	require.Equal(t, first.Run, second.Run, "it is the same run")
	require.Equal(t, 2*10, s.provider.Calls(), "nothing is read twice")
	require.GreaterOrEqual(t, done, 7)
	require.Len(t, s.sink.All(), n)
	for r, err := range s.store.Runs(t.Context(), attendance.RunFilter{}) {
		require.NoError(t, err)
		require.Equal(t, 2, r.Attempts)
		require.Equal(t, attendance.ResultOK, r.Result)
		require.Equal(t, n, r.Report.Read, "of both attempts")
	}
	s.opts.Observe = nil
	third, err := s.syncer().Run(t.Context(), s.scope(), window)
	require.NoError(t, err)
	require.NotEqual(t, first.Run, third.Run, "who asks again for what is done wants it read again")
	require.Equal(t, n, third.Present)
}

func TestTheSyncLog(t *testing.T) {
	s := newSite(t, 60)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.people = append(s.people, attendance.Member{Person: "7", Name: "张三", LeftOut: attendance.Unbound})
	s.provider.PutSkipped(attendance.Skipped{ID: "x", Account: "u0001", Time: march(8, 9, 0), Reason: attendance.Invalid, Detail: "Other"})
	report := s.ok(march(9, 23, 30))
	s.now = march(10, 23, 30)
	s.provider.Refuse = func(attendance.Query) error { return &attendance.Error{Code: attendance.CodeCredentials} }
	_, err := s.run(march(10, 23, 30))
	require.Error(t, err)

	var runs []attendance.RunRecord
	for r, err := range s.store.Runs(t.Context(), attendance.RunFilter{Job: "hq"}) {
		require.NoError(t, err)
		runs = append(runs, r)
	}
	require.Len(t, runs, 2)
	require.Equal(t, attendance.ResultRefused, runs[0].Result)
	require.Equal(t, attendance.CodeCredentials, runs[0].Code)
	require.Equal(t, attendance.KindRun, runs[1].Kind)
	require.Equal(t, report.Counts, runs[1].Report.Counts)
	require.Equal(t, report.LeftOut, runs[1].Report.LeftOut)
	var n int
	for slice, err := range s.store.Slices(t.Context(), report.Run) {
		require.NoError(t, err)
		n += slice.Report.Read
	}
	require.Equal(t, report.Read, n)
	var rejected []attendance.Rejected
	for r, err := range s.store.Rejected(t.Context(), s.stream(), attendance.Span{}) {
		require.NoError(t, err)
		rejected = append(rejected, r)
	}
	require.Len(t, rejected, 1)
	require.Equal(t, "1001", rejected[0].Person)
	require.Equal(t, march(9, 23, 30), rejected[0].First.In(shanghai()))
}

func TestAPreviewChangesNothing(t *testing.T) {
	s := newSite(t, 60)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.ok(march(9, 23, 30))
	rows, before := s.sink.All(), s.progress()
	s.now = march(12, 23, 30)
	s.people = s.people[:59]
	s.opts.Observe = func(e attendance.Event) { require.NotNil(t, e.Slice) }
	r, err := s.syncer().Preview(t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
	require.NoError(t, err)
	require.Positive(t, r.Written)
	require.Equal(t, rows, s.sink.All())
	require.Equal(t, before, s.progress())
	_, err = attendance.NewSyncer(s.provider, sinkFunc(s.sink.Write), &s.opts).Preview(t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
	require.Error(t, err, "that sink cannot tell")
}

func TestClosedMonthsAreReportedAndNotWritten(t *testing.T) {
	s := newSite(t, 2)
	punchDaily(s.provider, s.people, date(2, 1), date(3, 31))
	s.opts.FreezeAfterDay = 5
	s.ok(march(4, 23, 30))
	require.Len(t, s.sink.All(), 2*(2*7-1), "on the 4th February is open")
	s.provider.Put(attendance.Punch{ID: "late", Account: "u0001", Time: time.Date(2026, 2, 28, 12, 0, 0, 0, shanghai()), Kind: attendance.Regular, Direction: attendance.In})
	r := s.ok(march(5, 23, 30))
	require.Equal(t, 1, r.Skipped[attendance.Frozen])
	require.Equal(t, "frozen", r.Warnings[0].Code)
	require.Contains(t, r.Warnings[0].Message, "1001 2026-02-28")
	for _, row := range s.sink.All() {
		require.NotEqual(t, 12, row.Time.In(shanghai()).Hour())
	}
	require.Equal(t, r.Read, r.Written+r.Present+r.Skipped[attendance.Frozen])
	require.Equal(t, march(5, 23, 30), s.progress().ReadUpTo.In(shanghai()))
}

func TestHistoryWaitsWhereTheBudgetIsShort(t *testing.T) {
	s := newSite(t, 60) // six counted calls for a slice of each family
	punchDaily(s.provider, s.people, date(2, 1), date(3, 31))
	b := &budgeted{s.provider, 100}
	run := func(now time.Time) (attendance.Report, error) {
		s.now = now
		return attendance.NewSyncer(b, s.sink, &s.opts).Run(t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
	}
	_, err := run(march(1, 23, 30))
	require.NoError(t, err)
	b.left = 12
	r, err := run(march(25, 23, 30))
	require.NoError(t, err)
	require.Equal(t, "history_postponed", r.Warnings[0].Code)
	require.Equal(t, march(1, 23, 30), s.progress().ReadUpTo.In(shanghai()), "it stays owed")
	b.left = 3
	r, err = run(march(26, 23, 30))
	require.Equal(t, attendance.CodeQuota, attendance.CodeOf(err))
	require.Empty(t, r.Warnings, "a run that is refused reads nothing instead")
	b.left = 1000
	r, err = run(march(27, 23, 30))
	require.NoError(t, err)
	require.Equal(t, march(1, 23, 30), r.Span.From)
	require.Equal(t, march(27, 23, 30), s.progress().ReadUpTo.In(shanghai()))
	require.Len(t, s.sink.All(), 60*(2*33-1))
}

func TestRereadingIsNewestFirstAndHoldsNobodyUp(t *testing.T) {
	s := newSite(t, 120)
	punchDaily(s.provider, s.people, date(2, 1), date(3, 31))
	s.ok(march(31, 23, 30))
	_, err := s.store.Lease(t.Context(), "run hq > oa", "the daily run", time.Now(), attendance.Holder{})
	require.NoError(t, err)
	calls := s.provider.Calls()
	r, err := s.syncer().Run(t.Context(), s.scope(), attendance.Reread(35, shanghai()))
	require.NoError(t, err)
	require.Equal(t, march(31, 0, 0), r.Span.To, "whole days")
	queries := s.provider.Queries()[calls:]
	require.Less(t, len(queries), 3*5+1)
	for i := 1; i < len(queries); i++ {
		require.False(t, queries[i].Span.From.After(queries[i-1].Span.From), "all people of a week before anybody's older week")
	}
	require.Equal(t, 120, r.People)
}

func TestDaysFarBelowTheUsualAreTold(t *testing.T) {
	s := newSite(t, 40)
	for i := range s.people {
		s.people[i].Unit = []string{"研发部", "销售部"}[i%2]
	}
	punchDaily(s.provider, s.people, date(1, 1), date(3, 8))
	var research []attendance.Member
	for i, m := range s.people {
		if i%2 == 0 {
			research = append(research, m)
		}
	}
	punchDaily(s.provider, research, date(3, 9), date(3, 9)) // sales does not punch that day
	punchDaily(s.provider, s.people[:3], date(3, 10), date(3, 10))
	punchDaily(s.provider, s.people[1:], date(3, 11), date(3, 31))
	codes := map[string]int{}
	for day := date(1, 10); day.Before(date(3, 20)); day = day.Add(1) {
		r := s.ok(day.In(shanghai()).Add(23*time.Hour + 30*time.Minute))
		for _, w := range r.Warnings {
			codes[w.Code+" "+w.Message[:10]]++
		}
	}
	require.Equal(t, []string{"below_usual 2026-03-09", "below_usual 2026-03-10"}, slices.DeleteFunc(slices.Sorted(maps.Keys(codes)), func(k string) bool { return k[0] == 's' }))
	silent := slices.DeleteFunc(slices.Sorted(maps.Keys(codes)), func(k string) bool { return k[0] != 's' })
	require.Len(t, silent, 1, "u0000 has not punched since the 10th")
	require.Equal(t, 1, codes[silent[0]], "told once")
}

// witness is a provider whose platform's clock is ahead.
type witness struct {
	*attendancetest.Provider
	ahead time.Duration
}

func (w witness) ClockAhead() (time.Duration, bool) { return w.ahead, w.ahead != 0 }

func TestAWrongClockIsTold(t *testing.T) {
	for ahead, want := range map[time.Duration]string{0: "", 5 * time.Minute: "", 6 * time.Minute: "慢 6m0s", -time.Hour: "快 1h0m0s"} {
		s := newSite(t, 1)
		s.opts.Now, s.opts.EmptyIsNormal = nil, true
		r, err := attendance.NewSyncer(witness{s.provider, ahead}, s.sink, &s.opts).Run(t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
		require.NoError(t, err)
		require.Equal(t, want != "", len(r.Warnings) == 1)
		if want != "" {
			require.Equal(t, "clock_skew", r.Warnings[0].Code)
			require.Contains(t, r.Warnings[0].Message, want)
		}
	}
}

func TestARereadLeavesRejectedAccountsToTheDailyRun(t *testing.T) {
	s := newSite(t, 120)
	punchDaily(s.provider, s.people, date(2, 1), date(3, 31))
	s.provider.Refuse = func(q attendance.Query) error {
		if slices.Contains(q.Accounts, "u0007") {
			return &attendance.Error{Code: attendance.CodeAccount}
		}
		return nil
	}
	s.ok(march(30, 23, 30))
	calls := s.provider.Calls()
	r, err := s.syncer().Run(t.Context(), s.scope(), attendance.Reread(35, shanghai()))
	require.NoError(t, err)
	require.Equal(t, 3*5, s.provider.Calls()-calls, "no search for who is known")
	require.Equal(t, 119, r.People)
}
