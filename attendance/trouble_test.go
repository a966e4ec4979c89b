package attendance_test

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

type fetch struct {
	*attendancetest.Provider
	f func(context.Context, attendance.Query) (attendance.Answer, error)
}

func (f fetch) Fetch(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
	return f.f(ctx, q)
}

type sinkFunc func(context.Context, attendance.Batch) (attendance.Written, error)

func (f sinkFunc) Write(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
	return f(ctx, b)
}

func TestWhatTheSinkSaysIsPassedOn(t *testing.T) {
	read := march(3, 1, 0)
	p := fetch{attendancetest.NewProvider("src", weekLimits), func(context.Context, attendance.Query) (attendance.Answer, error) {
		return attendance.Answer{Calls: 1, ReadAt: read, Punches: []attendance.Punch{{Account: "u0000", Time: march(20, 12, 0)}}, Warnings: []attendance.Warning{attendance.Warningf("a", "a")}}, nil
	}}
	var got attendance.Batch
	s := sinkFunc(func(_ context.Context, b attendance.Batch) (attendance.Written, error) {
		got = b
		return attendance.Written{Written: 1, Present: 2, PresentFromOther: 3, Superseded: 4, Removed: 5, Skipped: map[attendance.Reason]int{attendance.SameSecond: 6}, Warnings: []attendance.Warning{attendance.Warningf("b", "b")}}, nil
	})
	r, err := attendance.NewSyncer(p, s, &attendance.Options{Now: at(march(20, 12, 0))}).Run(t.Context(), attendance.Members(staff(1)...), days(date(3, 20), date(3, 20)))
	require.NoError(t, err)
	require.Equal(t, attendance.Counts{Read: 1, Written: 1, Present: 2, PresentFromOther: 3, Superseded: 4, Removed: 5, Calls: 1}, r.Counts)
	require.Equal(t, map[attendance.Reason]int{attendance.SameSecond: 6}, r.Skipped)
	require.Len(t, r.Warnings, 3)
	require.Equal(t, "miscounted", r.Warnings[2].Code, "12 of 1 punches")
	require.Equal(t, "src", got.Source)
	require.Equal(t, read, got.ReadAt)
	require.Len(t, got.Punches, 1, "a punch of this very instant is not in the future")
	require.Equal(t, march(20, 12, 0), r.Ended)
}

func TestAnAccountRefusedInsideAnAnswer(t *testing.T) {
	inner := attendancetest.NewProvider("d", weekLimits)
	punchDaily(inner, staff(3), date(3, 2), date(3, 12))
	asked := 0
	p := fetch{inner, func(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
		a, err := inner.Fetch(ctx, q)
		if q.Accounts[0] == "u0000" {
			asked++
			a.Refused = []string{"u0000"}
		}
		return a, err
	}}
	var batches []attendance.Batch
	s := sinkFunc(func(_ context.Context, b attendance.Batch) (attendance.Written, error) {
		batches = append(batches, b)
		return attendance.Written{Written: len(b.Punches)}, nil
	})
	r, err := attendance.NewSyncer(p, s, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1}).Run(t.Context(), attendance.Members(staff(3)...), days(date(3, 2), date(3, 12)))
	require.NoError(t, err)
	require.Len(t, r.LeftOut, 1)
	require.Equal(t, 1, asked, "not asked for again in the second week")
	require.Len(t, batches, 2)
	for _, b := range batches {
		require.Len(t, b.Members, 2)
	}
	require.Equal(t, r.Read, r.Written+r.Skipped[attendance.NotAsked])
}

func TestTroubleWhileBisectingIsNamed(t *testing.T) {
	busy := &attendance.Error{Code: attendance.CodeUnavailable, Detail: "busy"}
	run := func(members int, refuse func(attendance.Query) error) (attendance.Report, error) {
		p := attendancetest.NewProvider("d", weekLimits)
		p.Refuse = refuse
		return attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1, EmptyIsNormal: true}).Run(t.Context(), attendance.Members(staff(members)...), days(date(3, 2), date(3, 8)))
	}
	failed := func(r attendance.Report) (n int) {
		for _, f := range r.Failed {
			n += len(f.Persons)
		}
		return n
	}
	// probing: the first is bad, the second busy: the other seven failed, the bad one is left out
	r, err := run(8, func(q attendance.Query) error {
		switch {
		case q.Accounts[0] == "u0000":
			return &attendance.Error{Code: attendance.CodeAccount}
		case len(q.Accounts) == 1:
			return busy
		}
		return nil
	})
	require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
	require.Equal(t, 7, failed(r))
	require.Len(t, r.LeftOut, 1)
	// halves: the half of u0006 is busy
	r, err = run(8, func(q attendance.Query) error {
		switch {
		case len(q.Accounts) > 4:
			return &attendance.Error{Code: attendance.CodeAccount}
		case len(q.Accounts) > 1 && q.Accounts[len(q.Accounts)-1] == "u0007":
			return busy
		}
		return nil
	})
	require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
	require.Equal(t, 4, failed(r))
	// time: one half busy
	r, err = run(2, func(q attendance.Query) error {
		switch {
		case q.Span.Length() > 96*time.Hour:
			return &attendance.Error{Code: attendance.CodeSpan}
		case q.Span.From.Equal(march(2, 0, 0)):
			return busy
		}
		return nil
	})
	require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
	require.Len(t, r.Failed, 1)
	// time: an account error inside a half
	r, err = run(4, func(q attendance.Query) error {
		switch {
		case q.Span.Length() > 96*time.Hour:
			return &attendance.Error{Code: attendance.CodeSpan}
		case q.Accounts[len(q.Accounts)-1] == "u0003":
			return &attendance.Error{Code: attendance.CodeAccount}
		}
		return nil
	})
	require.NoError(t, err)
	require.Len(t, r.LeftOut, 1)
	// a span that is never accepted: bounded
	r, err = run(2, func(attendance.Query) error { return &attendance.Error{Code: attendance.CodeSpan} })
	require.Equal(t, attendance.CodeSpan, attendance.CodeOf(err))
	require.NotEmpty(t, r.Failed)
	require.LessOrEqual(t, r.Calls, 250)
}

func TestASizeThatCannotBeChecked(t *testing.T) {
	for _, ended := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		inner := attendancetest.NewProvider("d", weekLimits)
		punchDaily(inner, staff(4), date(3, 2), date(3, 8))
		n := 0
		p := fetch{inner, func(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
			if n++; n > 1 && ended {
				cancel()
				return attendance.Answer{}, ctx.Err()
			} else if n > 1 {
				return attendance.Answer{Calls: 1}, &attendance.Error{Code: attendance.CodeUnavailable}
			}
			a, err := inner.Fetch(ctx, q)
			a.Suspect = true
			return a, err
		}}
		r, err := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1}).Run(ctx, attendance.Members(staff(4)...), days(date(3, 2), date(3, 8)))
		if ended {
			require.Equal(t, context.Canceled, err)
			require.Zero(t, r.Written)
		} else {
			require.Equal(t, 56, r.Written)
			require.Len(t, r.Failed, 1, "but nobody may think it is all")
			require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
			require.Equal(t, "unverified_size", r.Warnings[0].Code)
		}
		cancel()
	}
	// one person, two seconds: nothing smaller to ask
	one := attendancetest.NewProvider("d", weekLimits)
	one.Put(attendance.Punch{ID: "1", Account: "u0000", Time: march(2, 0, 0), Kind: attendance.Regular, Direction: attendance.In})
	one.Cap = 1
	r, err := attendance.NewSyncer(one, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0))}).Run(t.Context(), attendance.Members(staff(1)...), attendance.Between(march(2, 0, 0), march(2, 0, 0).Add(time.Second), shanghai()))
	require.NoError(t, err)
	require.Equal(t, 1, r.Written)
	require.Equal(t, "capped_answer", r.Warnings[0].Code)
}

func TestTheContextsEndIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := attendancetest.NewProvider("d", weekLimits)
	s := sinkFunc(func(ctx context.Context, _ attendance.Batch) (attendance.Written, error) {
		cancel()
		return attendance.Written{}, ctx.Err()
	})
	r, err := attendance.NewSyncer(p, s, nil).Run(ctx, attendance.Members(staff(1)...), days(date(3, 2), date(3, 2)))
	require.Equal(t, context.Canceled, err)
	require.Empty(t, r.Failed)
	done, err := attendance.NewSyncer(p, s, nil).Do(ctx, attendance.Slice{Members: staff(1), Span: attendance.Span{From: march(2, 0, 0), To: march(3, 0, 0)}})
	require.Equal(t, context.Canceled, err)
	require.Empty(t, done.Failed)
}

func TestDoReportsAndRefuses(t *testing.T) {
	p := attendancetest.NewProvider("d", weekLimits)
	p.Refuse = func(attendance.Query) error { return &attendance.Error{Code: attendance.CodeUnavailable} }
	y := attendance.NewSyncer(p, &attendancetest.Sink{}, nil)
	_, err := y.Do(t.Context(), attendance.Slice{Members: staff(1), Span: attendance.Span{From: march(2, 0, 0), To: march(3, 0, 0)}})
	require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
	_, err = y.Do(t.Context(), attendance.Slice{Members: staff(1), Span: attendance.Span{From: march(3, 0, 0), To: march(2, 0, 0)}})
	require.ErrorContains(t, err, "ends before")
}

func TestWarningsAreBounded(t *testing.T) {
	scope := scopeFunc(func(yield func(attendance.Member, error) bool) {
		for i := range 1501 {
			if !yield(attendance.Member{}, attendance.Warningf("w", "%d", i/2*2)) { // 751 kinds, twice
				return
			}
		}
		for i := range 250 {
			if !yield(attendance.Member{}, attendance.Warningf("w", "x%d", i)) {
				return
			}
		}
	})
	run := func(s attendance.Scope) attendance.Report {
		r, err := attendance.NewSyncer(attendancetest.NewProvider("d", weekLimits), &attendancetest.Sink{}, nil).Run(t.Context(), s, days(date(3, 2), date(3, 2)))
		require.NoError(t, err)
		return r
	}
	r := run(scope)
	require.Len(t, r.Warnings, 1001)
	require.Equal(t, "and 1 more of this kind", r.Warnings[1000].Message)
}

func TestFailuresAreLogged(t *testing.T) {
	var b strings.Builder
	p := attendancetest.NewProvider("d", weekLimits)
	p.Refuse = func(attendance.Query) error { return &attendance.Error{Code: attendance.CodeUnavailable} }
	_, _ = attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Logger: slog.New(slog.NewTextHandler(&b, nil))}).Run(t.Context(), attendance.Members(staff(1)...), days(date(3, 2), date(3, 2)))
	require.Contains(t, b.String(), "slice failed")
}

func TestThePlanAtTheHorizon(t *testing.T) {
	l := weekLimits
	l.Horizon = 10 * 24 * time.Hour
	plan := func(now time.Time, w attendance.Window) attendance.Plan {
		p, err := attendance.NewSyncer(attendancetest.NewProvider("d", l), &attendancetest.Sink{}, &attendance.Options{Now: at(now)}).Plan(w)
		require.NoError(t, err)
		return p
	}
	require.Equal(t, march(11, 0, 0), plan(march(20, 7, 0), days(date(3, 1), date(3, 20))).Span.From, "by the zone's calendar: still the 9th in UTC")
	require.Empty(t, plan(march(20, 0, 0), days(date(3, 10), date(3, 20))).Warnings)
	gone := plan(march(20, 7, 0), days(date(3, 1), date(3, 2)))
	require.True(t, gone.Span.Empty())
	require.NoError(t, gone.Span.Validate())
}

func TestAmbiguousMembersAreNotAskedFor(t *testing.T) {
	p := attendancetest.NewProvider("d", attendance.Limits{Accounts: 3})
	m := []attendance.Member{{Person: "1", Account: "a"}, {Person: "1", Account: "b"}, {Person: "2", Account: "c"}, {Person: "3", Account: "d"}, {Person: "4", Account: "e"}, {Person: "5", LeftOut: attendance.Inactive}}
	r, err := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{EmptyIsNormal: true}).Run(t.Context(), attendance.Members(m...), days(date(3, 2), date(3, 2)))
	require.NoError(t, err)
	require.Equal(t, 1, p.Calls(), "a batch that shrank is filled up")
	require.Len(t, r.LeftOut, 3)
	reasons := map[attendance.LeftOut]int{}
	for _, m := range r.LeftOut {
		reasons[m.LeftOut]++
	}
	require.Equal(t, map[attendance.LeftOut]int{attendance.Ambiguous: 2, attendance.Inactive: 1}, reasons)
}

func TestOneWindowForAllFamilies(t *testing.T) {
	// The clock passes midnight while the first family is read.
	now := march(20, 23, 59)
	a, b := attendancetest.NewProvider("a", weekLimits), attendancetest.NewProvider("b", weekLimits)
	a.Refuse = func(attendance.Query) error { now = now.Add(time.Hour); return nil }
	opts := &attendance.Options{Now: func() time.Time { return now }, EmptyIsNormal: true}
	report, err := attendance.RunTogether(t.Context(), attendance.Members(staff(1)...), attendance.Today(shanghai()),
		attendance.NewSyncer(a, &attendancetest.Sink{}, opts), attendance.NewSyncer(b, &attendancetest.Sink{}, opts))
	require.NoError(t, err)
	require.Equal(t, a.Queries()[0].Span, b.Queries()[0].Span)
	require.Equal(t, report.Span, b.Queries()[0].Span)
}

func TestATimeOutOfSomebodyElseIsTroubleOfOneSlice(t *testing.T) {
	members := staff(150)
	run := func(provider error, sink error) (attendance.Report, error) {
		p, s := attendancetest.NewProvider("d", weekLimits), &attendancetest.Sink{}
		punchDaily(p, members, date(3, 2), date(3, 2))
		p.Refuse = func(q attendance.Query) error {
			if q.Accounts[0] == "u0000" {
				return provider
			}
			return nil
		}
		s.Refuse = func(b attendance.Batch) error {
			if b.Members[0].Account == "u0000" {
				return sink
			}
			return nil
		}
		return attendance.NewSyncer(p, s, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1}).Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 2)))
	}
	for _, err := range []error{context.DeadlineExceeded, &attendance.Error{Code: attendance.CodeUnavailable, Err: context.DeadlineExceeded}} {
		report, got := run(err, nil)
		require.Equal(t, 200, report.Written)
		require.Equal(t, attendance.CodeUnavailable, report.Failed[0].Code)
		require.ErrorAs(t, got, new(*attendance.Incomplete))
		require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(got), "not the end of the run's own context")
	}
	report, _ := run(nil, context.DeadlineExceeded)
	require.Equal(t, 200, report.Written)
	require.Equal(t, attendance.CodeStore, report.Failed[0].Code)
}

func TestAFewBadAccountsAtTheHeadAreNotEverybody(t *testing.T) {
	for _, n := range []int{4, 10, 50, 1000} {
		p, members := attendancetest.NewProvider("d", weekLimits), staff(n)
		punches := punchDaily(p, members, date(3, 2), date(3, 2))
		p.Refuse = rejecting("u0000", "u0001", "u0002")
		report, err := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1}).Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 2)))
		require.NoError(t, err, n)
		require.Equal(t, punches-6, report.Written)
		require.Len(t, report.LeftOut, 3)
	}
}

func TestAnAccountThatGoesBadOnTheWay(t *testing.T) {
	p, members := attendancetest.NewProvider("d", weekLimits), staff(50)
	n := punchDaily(p, members, date(3, 2), date(3, 15))
	p.Refuse = func(q attendance.Query) error {
		if q.Span.From.After(march(5, 0, 0)) && slices.Contains(q.Accounts, "u0000") {
			return &attendance.Error{Code: attendance.CodeAccount}
		}
		return nil
	}
	report, err := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1}).Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 15)))
	require.NoError(t, err)
	require.Equal(t, n-14, report.Written)
	require.Len(t, report.LeftOut, 1)
}

func TestAmbiguityIsNotForgottenWhenABatchIsFilledUp(t *testing.T) {
	scope := scopeFunc(func(yield func(attendance.Member, error) bool) {
		for _, m := range []attendance.Member{{Person: "A", Account: "x"}, {Person: "B", Account: "x"}, {Person: "D", Account: "d", Name: "丁"}, {Person: "D", Account: "d"}, {Person: "C", Account: "x"}} {
			if !yield(m, nil) {
				return
			}
		}
	})
	p, sink := attendancetest.NewProvider("d", attendance.Limits{Accounts: 3}), &attendancetest.Sink{}
	p.Put(attendance.Punch{Account: "x", Time: march(2, 9, 0), Kind: attendance.Regular, Direction: attendance.In}, attendance.Punch{Account: "d", Time: march(2, 9, 0), Kind: attendance.Regular, Direction: attendance.In})
	report, err := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0))}).Run(t.Context(), scope, days(date(3, 2), date(3, 2)))
	require.NoError(t, err)
	require.Len(t, sink.All(), 1)
	require.Len(t, report.LeftOut, 3)
	far := append(staff(90), attendance.Member{Person: "9", Account: "u0000"})
	_, err = attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0)), EmptyIsNormal: true}).Run(t.Context(), attendance.Members(far...), days(date(3, 2), date(3, 2)))
	require.NoError(t, err)
	for _, q := range p.Queries() {
		require.NotContains(t, q.Accounts, "u0000", "shared across batches")
	}
}

func TestAPanicReachesTheCallerAndLeavesNothingBehind(t *testing.T) {
	for name, breaker := range map[string]func(*attendancetest.Provider, *attendance.Options) attendance.Scope{
		"provider": func(p *attendancetest.Provider, _ *attendance.Options) attendance.Scope {
			p.Refuse = func(attendance.Query) error { panic("broken") }
			return attendance.Members(staff(500)...)
		},
		"observer": func(_ *attendancetest.Provider, o *attendance.Options) attendance.Scope {
			o.Observe = func(attendance.Event) { panic("broken") }
			return attendance.Members(staff(500)...)
		},
		"scope": func(*attendancetest.Provider, *attendance.Options) attendance.Scope {
			return scopeFunc(func(yield func(attendance.Member, error) bool) { panic("broken") })
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, opts := attendancetest.NewProvider("d", weekLimits), &attendance.Options{Now: at(march(20, 12, 0))}
			scope := breaker(p, opts)
			require.PanicsWithValue(t, "broken", func() {
				_, _ = attendance.NewSyncer(p, &attendancetest.Sink{}, opts).Run(t.Context(), scope, days(date(3, 2), date(3, 2)))
			}, name)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := attendancetest.NewProvider("d", weekLimits)
		opts := &attendance.Options{Now: at(march(20, 12, 0)), Observe: func(attendance.Event) { runtime.Goexit() }}
		_, err := attendance.NewSyncer(p, &attendancetest.Sink{}, opts).Run(t.Context(), attendance.Members(staff(500)...), days(date(3, 2), date(3, 2)))
		require.Error(t, err, "as a test's FailNow in an observer would")
	})
}

func TestADeadDatabaseIsWrittenToOnce(t *testing.T) {
	p, members := attendancetest.NewProvider("d", weekLimits), staff(50)
	p.Refuse = rejecting("u0010", "u0020")
	writes := 0
	sink := sinkFunc(func(context.Context, attendance.Batch) (attendance.Written, error) {
		writes++
		return attendance.Written{}, &attendance.Error{Code: attendance.CodeStoreDown}
	})
	_, err := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1}).Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 2)))
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err))
	require.Equal(t, 1, writes)
}

func TestTheHorizonMovesWhileARunLasts(t *testing.T) {
	limits := weekLimits
	limits.Horizon = 10 * 24 * time.Hour
	p, members := attendancetest.NewProvider("d", limits), staff(2)
	now := march(20, 23, 59)
	p.Refuse = func(q attendance.Query) error {
		defer func() { now = now.Add(2 * time.Minute) }()
		if q.Span.From.Before(now.Add(-limits.Horizon)) {
			return &attendance.Error{Code: attendance.CodeHorizon}
		}
		return nil
	}
	n := punchDaily(p, members, date(3, 11), date(3, 12))
	opts := &attendance.Options{Now: func() time.Time { return now }, Parallel: 1}
	report, err := attendance.NewSyncer(&narrow{p}, &attendancetest.Sink{}, opts).Run(t.Context(), attendance.Members(members...), days(date(3, 10), date(3, 12)))
	require.NoError(t, err)
	require.Equal(t, n-1, report.Read, "only 00:00:00 of the second person's first day is out of reach by then")
	codes := map[string]int{}
	for _, w := range report.Warnings {
		codes[w.Code]++
	}
	require.Equal(t, 2, codes["beyond_horizon"])
}

// narrow takes one account a query.
type narrow struct{ *attendancetest.Provider }

func (n *narrow) Limits() attendance.Limits {
	l := n.Provider.Limits()
	l.Accounts = 1
	return l
}
