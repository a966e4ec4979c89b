package attendance_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

var weekLimits = attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour}

func shanghai() *time.Location { return time.FixedZone("UTC+8", 8*3600) }

func march(day, hour, minute int) time.Time {
	return time.Date(2026, 3, day, hour, minute, 0, 0, shanghai())
}

func date(month time.Month, day int) attendance.Date {
	return attendance.Date{Year: 2026, Month: month, Day: day}
}

func staff(n int) []attendance.Member {
	members := make([]attendance.Member, n)
	for i := range members {
		members[i] = attendance.Member{Person: fmt.Sprint(1000 + i), Account: fmt.Sprintf("u%04d", i), Name: fmt.Sprintf("员工%d", i)}
	}
	return members
}

// punchDaily gives every member an in and an out on each day, at the very edges
// of slices too: 00:00:00 and 23:59:59.
func punchDaily(p *attendancetest.Provider, members []attendance.Member, first, last attendance.Date) int {
	n := 0
	for day := first; !last.Before(day); day = day.Add(1) {
		start, next := day.In(shanghai()), day.Add(1).In(shanghai())
		for _, m := range members {
			p.Put(
				attendance.Punch{ID: m.Account + day.String() + "i", Account: m.Account, Time: start, Kind: attendance.Regular, Direction: attendance.In},
				attendance.Punch{ID: m.Account + day.String() + "o", Account: m.Account, Time: next.Add(-time.Second), Kind: attendance.Regular, Direction: attendance.Out},
			)
			n += 2
		}
	}
	return n
}

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func days(first, last attendance.Date) attendance.Window {
	return attendance.Days(first, last, shanghai())
}

func TestAnyRangeIsReadOnceAndInFull(t *testing.T) {
	p, sink, members := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, staff(120)
	n := punchDaily(p, members, date(1, 1), date(3, 10))
	outside := punchDaily(p, members[:1], date(3, 11), date(3, 11))
	y := attendance.NewSyncer(p, sink, &attendance.Options{Job: "hq", Now: at(march(20, 12, 0))})

	report, err := y.Run(t.Context(), attendance.Members(members...), days(date(1, 1), date(3, 10)))
	require.NoError(t, err)
	require.Equal(t, n, report.Read)
	require.Equal(t, n, report.Written)
	require.Len(t, sink.All(), n)
	require.Positive(t, outside)
	require.Equal(t, 120, report.People)
	require.Equal(t, 3*10, report.Calls, "3 batches of people x 10 weeks: the least possible")
	require.Equal(t, report.Calls, p.Calls())
	require.Equal(t, 30, report.Slices)
	require.Empty(t, report.Warnings)

	report, err = y.Run(t.Context(), attendance.Members(members...), days(date(1, 1), date(3, 10)))
	require.NoError(t, err)
	require.Zero(t, report.Written)
	require.Equal(t, n, report.Present)
	require.Len(t, sink.All(), n)
}

func TestEstimateIsWhatARunTakes(t *testing.T) {
	p, members := attendancetest.NewProvider("dingtalk", weekLimits), staff(101)
	y := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0)), EmptyIsNormal: true})
	w := days(date(2, 1), date(3, 10))
	e, err := y.Estimate(t.Context(), attendance.Members(members...), w)
	require.NoError(t, err)
	require.Zero(t, p.Calls())
	report, err := y.Run(t.Context(), attendance.Members(members...), w)
	require.NoError(t, err)
	require.Equal(t, attendance.Estimate{People: 101, Slices: report.Slices, Calls: report.Calls}, e)
}

func TestOneFailedSliceCostsTheOthersNothing(t *testing.T) {
	p, sink, members := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, staff(150)
	n := punchDaily(p, members, date(3, 2), date(3, 3))
	p.Refuse = func(q attendance.Query) error {
		if slices.Contains(q.Accounts, "u0070") {
			return &attendance.Error{Code: attendance.CodeUnavailable, Op: "dingtalk", Detail: "HTTP 503"}
		}
		return nil
	}
	y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0))})
	report, err := y.Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 3)))
	incomplete, ok := errors.AsType[*attendance.Incomplete](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, 1, incomplete.Failed)
	require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
	require.Len(t, report.Failed, 1)
	require.Len(t, report.Failed[0].Persons, 50)
	require.Contains(t, report.Failed[0].Persons, "1070")
	require.Equal(t, "2026-03-02T00:00:00+08:00", report.Failed[0].Span.From.Format(time.RFC3339))
	require.Len(t, sink.All(), n-50*4)
	require.Equal(t, 150, report.People)
}

func rejecting(accounts ...string) func(q attendance.Query) error {
	return func(q attendance.Query) error {
		for _, a := range accounts {
			if slices.Contains(q.Accounts, a) {
				return &attendance.Error{Code: attendance.CodeAccount, Op: "dingtalk", Detail: "userid not found"}
			}
		}
		return nil
	}
}

func TestOneBadAccountIsFoundAndSetApart(t *testing.T) {
	for _, bad := range [][]string{{"u0000"}, {"u0033"}, {"u0099"}, {"u0000", "u0001"}, {"u0007", "u0060", "u0061"}} {
		p, sink, members := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 100, Span: 7 * 24 * time.Hour}), &attendancetest.Sink{}, staff(100)
		n := punchDaily(p, members, date(2, 1), date(3, 3))
		p.Refuse = rejecting(bad...)
		y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1})
		report, err := y.Run(t.Context(), attendance.Members(members...), days(date(2, 1), date(3, 3)))
		require.NoError(t, err)
		require.Len(t, sink.All(), n-len(bad)*n/100)
		var left []string
		for _, m := range report.LeftOut {
			require.Equal(t, attendance.Refused, m.LeftOut)
			left = append(left, m.Account)
		}
		slices.Sort(left)
		require.Equal(t, bad, left, "each named once, although every week asks for them")
		least := 5
		require.LessOrEqual(t, report.Calls, least+len(bad)*(2*bits.Len(100)+4), "about 2 log2(n) calls a bad account")
		require.Equal(t, p.Calls(), report.Calls)
	}
}

func TestARejectedCompanyIsRecognisedAfterAFewCalls(t *testing.T) {
	p, members := attendancetest.NewProvider("dingtalk", weekLimits), staff(5000)
	p.Refuse = func(attendance.Query) error { return &attendance.Error{Code: attendance.CodeAccount, Detail: "no"} }
	y := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1})
	_, err := y.Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 3)))
	require.Equal(t, attendance.CodeEveryone, attendance.CodeOf(err))
	require.LessOrEqual(t, p.Calls(), 9)

	one := attendancetest.NewProvider("dingtalk", weekLimits)
	one.Refuse = p.Refuse
	y = attendance.NewSyncer(one, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0))})
	_, err = y.Run(t.Context(), attendance.Members(members[:1]...), days(date(3, 2), date(3, 3)))
	require.Equal(t, attendance.CodeEveryone, attendance.CodeOf(err), "the only person asked for is everyone")
	require.Equal(t, 1, one.Calls())
}

func TestFiftyRejectedAccountsAreAPermissionProblem(t *testing.T) {
	p, members := attendancetest.NewProvider("dingtalk", weekLimits), staff(2000)
	p.Refuse = func(q attendance.Query) error {
		for _, a := range q.Accounts {
			if a[len(a)-1] != '0' { // nine of ten
				return &attendance.Error{Code: attendance.CodeAccount, Detail: "no"}
			}
		}
		return nil
	}
	y := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1})
	report, err := y.Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 3)))
	require.Equal(t, attendance.CodePermission, attendance.CodeOf(err))
	require.LessOrEqual(t, len(report.LeftOut), 50)
	require.Less(t, p.Calls(), 250)
}

func TestARejectedSpanIsHalved(t *testing.T) {
	p, sink, members := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 30 * 24 * time.Hour}), &attendancetest.Sink{}, staff(3)
	n := punchDaily(p, members, date(2, 1), date(2, 28))
	p.Refuse = func(q attendance.Query) error {
		if q.Span.Length() > 4*24*time.Hour {
			return &attendance.Error{Code: attendance.CodeSpan, Detail: "span too long"}
		}
		return nil
	}
	y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0))})
	report, err := y.Run(t.Context(), attendance.Members(members...), days(date(2, 1), date(2, 28)))
	require.NoError(t, err)
	require.Len(t, sink.All(), n)
	require.Equal(t, n, report.Read)
}

func TestARejectedSpanWithABadAccountInIt(t *testing.T) {
	// Either complaint may come first, on each query.
	for _, accountFirst := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p, sink, members := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 30 * 24 * time.Hour}), &attendancetest.Sink{}, staff(120)
			n := punchDaily(p, members, date(1, 1), date(2, 28))
			bad := rejecting("u0007", "u0031")
			p.Refuse = func(q attendance.Query) error {
				err := bad(q)
				if q.Span.Length() > 4*24*time.Hour && (err == nil || !accountFirst) {
					return &attendance.Error{Code: attendance.CodeSpan, Detail: "span too long"}
				}
				return err
			}
			y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0))})
			report, err := y.Run(t.Context(), attendance.Members(members...), days(date(1, 1), date(2, 28)))
			require.NoError(t, err)
			require.Len(t, report.LeftOut, 2)
			require.Equal(t, n-2*n/120, report.Written)
			require.Equal(t, report.Written, report.Read)
		})
	}
}

func TestOneSearchForABadAccountServesAllWeeks(t *testing.T) {
	p, sink, members := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, staff(50)
	punchDaily(p, members, date(1, 1), date(2, 25)) // 8 weeks, 4 at a time
	p.Refuse = rejecting("u0033")
	y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0))})
	report, err := y.Run(t.Context(), attendance.Members(members...), days(date(1, 1), date(2, 25)))
	require.NoError(t, err)
	require.Len(t, report.LeftOut, 1)
	require.LessOrEqual(t, report.Calls, 8+4+2*bits.Len(50)+4, "the weeks, those at work when it was met, one search")
}

func TestASilentCapIsFoundOut(t *testing.T) {
	p, sink, members := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, staff(50)
	n := punchDaily(p, members, date(3, 2), date(3, 8))
	p.Cap = 100
	y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0))})
	report, err := y.Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 8)))
	require.NoError(t, err)
	require.Len(t, sink.All(), n, "nothing is lost to the cap")
	require.Equal(t, n, report.Read, "and nothing counted twice")
	require.Equal(t, 1, report.Calls)
	require.Equal(t, p.Calls(), report.Calls+report.CheckCalls)
	require.Equal(t, "capped_answer", report.Warnings[0].Code)
}

func TestARoundNumberOfRowsIsCheckedOnce(t *testing.T) {
	p, sink, members := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, staff(150)
	n := punchDaily(p, members[:50], date(3, 2), date(3, 2)) // exactly 100 rows, and that is all
	n += punchDaily(p, members[50:100], date(3, 2), date(3, 4))
	n += punchDaily(p, members[100:], date(3, 2), date(3, 2))
	suspect := &suspicious{p, 100}
	y := attendance.NewSyncer(suspect, sink, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1})
	report, err := y.Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 8)))
	require.NoError(t, err)
	require.Equal(t, n, report.Written)
	require.Equal(t, 2, report.CheckCalls, "the third batch has 100 rows too, but 300 were seen by then")
	require.Empty(t, report.Warnings)
}

// suspicious marks answers of exactly n rows.
type suspicious struct {
	*attendancetest.Provider
	n int
}

func (s *suspicious) Fetch(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
	a, err := s.Provider.Fetch(ctx, q)
	a.Suspect = a.Rows == s.n
	return a, err
}

func TestARefusalEndsTheRunAtOnce(t *testing.T) {
	for _, code := range []attendance.Code{attendance.CodeCredentials, attendance.CodePermission, attendance.CodeAddress, attendance.CodeQuota, attendance.CodeDisabled} {
		p, members := attendancetest.NewProvider("dingtalk", weekLimits), staff(5000)
		p.Refuse = func(attendance.Query) error { return &attendance.Error{Code: code, Op: "dingtalk", Detail: "no"} }
		y := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1})
		report, err := y.Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 3)))
		require.Equal(t, code, attendance.CodeOf(err))
		require.True(t, attendance.CodeOf(err).Refusal())
		require.Equal(t, 1, p.Calls())
		require.Len(t, report.Failed, 1)
	}
}

func TestADatabaseThatIsDownEndsTheRun(t *testing.T) {
	p, sink, members := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, staff(5000)
	sink.Refuse = func(attendance.Batch) error {
		return &attendance.Error{Code: attendance.CodeStoreDown, Detail: "read-only"}
	}
	y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1})
	_, err := y.Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 3)))
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err))
	require.Equal(t, 1, p.Calls(), "calls are not spent on what cannot be stored")
}

func TestNothingFromTheFutureOrUnasked(t *testing.T) {
	p, sink := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}
	now := march(2, 18, 30)
	in := attendance.Punch{ID: "1", Account: "u0000", Time: march(2, 9, 0), Kind: attendance.Regular, Direction: attendance.In}
	ahead := in
	ahead.ID, ahead.Time = "2", march(2, 18, 31)
	p.Put(in, ahead)
	p.PutSkipped(attendance.Skipped{ID: "3", Account: "u0000", Time: march(2, 9, 1), Reason: attendance.Invalid})
	stray := &straying{p, attendance.Punch{ID: "4", Account: "stranger", Time: march(2, 9, 0), Kind: attendance.Regular}, attendance.Punch{ID: "5", Account: "u0000", Time: march(1, 9, 0), Kind: attendance.Regular}}
	y := attendance.NewSyncer(stray, sink, &attendance.Options{Now: at(now)})
	report, err := y.Run(t.Context(), attendance.Members(staff(1)...), days(date(3, 2), date(3, 2)))
	require.NoError(t, err)
	require.Len(t, sink.All(), 1)
	require.Equal(t, 5, report.Read)
	require.Equal(t, map[attendance.Reason]int{attendance.Future: 1, attendance.Invalid: 1, attendance.NotAsked: 1, attendance.OutsideWindow: 1}, report.Skipped)
}

// straying sends records that nobody asked for.
type straying struct {
	*attendancetest.Provider
	a, b attendance.Punch
}

func (s *straying) Fetch(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
	answer, err := s.Provider.Fetch(ctx, q)
	answer.Punches = append(answer.Punches, s.a, s.b)
	return answer, err
}

func TestCancellationReturnsTheContextsErrorAndLeavesNothingBehind(t *testing.T) {
	for after := range 6 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p, sink, members := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, staff(500)
			punchDaily(p, members, date(3, 2), date(3, 3))
			var seen int
			y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0)), Observe: func(attendance.Event) {
				if seen++; seen == after {
					cancel()
				}
			}})
			if after == 0 {
				cancel()
			}
			report, err := y.Run(ctx, attendance.Members(members...), days(date(3, 2), date(3, 3)))
			require.Equal(t, context.Canceled, err, "bare")
			require.Equal(t, len(sink.All()), report.Written)
			require.Less(t, report.Slices, 10)
		})
	}
}

type budgeted struct {
	*attendancetest.Provider
	left int
}

func (b *budgeted) Cost(q attendance.Query) int             { return (len(q.Accounts) + 9) / 10 }
func (b *budgeted) Left(context.Context) (int, bool, error) { return b.left, true, nil }

func TestARunThatWouldPassTheBudgetMakesNoCall(t *testing.T) {
	p := &budgeted{attendancetest.NewProvider("dingtalk", weekLimits), 23}
	y := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0)), EmptyIsNormal: true})
	scope := attendance.Members(staff(120)...) // 12 calls a week
	_, err := y.Run(t.Context(), scope, days(date(3, 2), date(3, 15)))
	require.Equal(t, attendance.CodeQuota, attendance.CodeOf(err))
	require.Zero(t, p.Calls())
	p.left = 24
	_, err = y.Run(t.Context(), scope, days(date(3, 2), date(3, 15)))
	require.NoError(t, err)
}

// scopeFunc is a scope made of a function.
type scopeFunc func(yield func(attendance.Member, error) bool)

func (f scopeFunc) Members(context.Context) iter.Seq2[attendance.Member, error] {
	return iter.Seq2[attendance.Member, error](f)
}

func TestPeopleLeftOutAreNamedAndScopesMayWarn(t *testing.T) {
	p, sink := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}
	punchDaily(p, staff(4), date(3, 2), date(3, 2))
	broken := errors.New("connection lost")
	scope := scopeFunc(func(yield func(attendance.Member, error) bool) {
		_ = yield(attendance.Member{Person: "1", Account: "u0000"}, nil) &&
			yield(attendance.Member{}, attendance.Warningf("directory_unreadable", "no right")) &&
			yield(attendance.Member{Person: "2", Name: "李四", LeftOut: attendance.Unbound}, nil) &&
			yield(attendance.Member{Person: "3", Account: "u0002"}, nil) &&
			yield(attendance.Member{Person: "4", Account: "u0002"}, nil) &&
			yield(attendance.Member{Person: "5"}, nil) &&
			yield(attendance.Member{Person: "1", Account: "u0000"}, nil) &&
			yield(attendance.Member{}, broken)
	})
	y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0))})
	report, err := y.Run(t.Context(), scope, days(date(3, 2), date(3, 2)))
	require.ErrorIs(t, err, broken)
	require.Equal(t, 2, report.Written, "who came before the trouble is done")
	require.Equal(t, "directory_unreadable", report.Warnings[0].Code)

	noError := scopeFunc(func(yield func(attendance.Member, error) bool) {
		scope(func(m attendance.Member, err error) bool {
			return errors.Is(err, broken) || yield(m, err)
		})
	})
	report, err = y.Run(t.Context(), noError, days(date(3, 2), date(3, 2)))
	require.NoError(t, err)
	var left []string
	for _, m := range report.LeftOut {
		left = append(left, m.Person+" "+string(m.LeftOut))
	}
	slices.Sort(left)
	require.Equal(t, []string{"2 unbound", "3 ambiguous", "4 ambiguous", "5 unbound"}, left)
	require.Len(t, sink.All(), 2, "person 1, once")
	require.Equal(t, "2 read, 0 written, 2 there already; 4 left out: 李四 (unbound), 3 (ambiguous), 4 (ambiguous), 5 (unbound); warnings: directory_unreadable", report.String())

	frozen, warnings, err := attendance.Collect(t.Context(), noError)
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	again, err := y.Run(t.Context(), frozen, days(date(3, 2), date(3, 2)))
	require.NoError(t, err)
	require.Equal(t, report.LeftOut, again.LeftOut)
}

func TestAnEmptyAnswerIsAWarning(t *testing.T) {
	p := attendancetest.NewProvider("dingtalk", weekLimits)
	y := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0))})
	report, err := y.Run(t.Context(), attendance.Members(staff(3)...), days(date(3, 2), date(3, 2)))
	require.NoError(t, err)
	require.Equal(t, "empty_answer", report.Warnings[0].Code)
	require.Contains(t, report.Warnings[0].Message, "3 people")
}

func TestARunBehindTheHorizonIsCutAndSaysSo(t *testing.T) {
	limits := weekLimits
	limits.Horizon = 180 * 24 * time.Hour
	p := attendancetest.NewProvider("dingtalk", limits)
	now := march(20, 12, 0)
	y := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(now), EmptyIsNormal: true})
	report, err := y.Run(t.Context(), attendance.Members(staff(1)...), attendance.LastDays(400, shanghai()))
	require.NoError(t, err)
	require.Equal(t, "beyond_horizon", report.Warnings[0].Code)
	require.Equal(t, "2025-09-22", attendance.DateOf(report.Span.From).String())
	for _, q := range p.Queries() {
		require.False(t, q.Span.From.Before(now.Add(-limits.Horizon)))
	}
	report, err = y.Run(t.Context(), attendance.Members(staff(1)...), days(date(3, 1), date(3, 2)))
	require.NoError(t, err)
	require.Empty(t, report.Warnings)
	old := attendance.Date{Year: 2025, Month: 1, Day: 1}
	report, err = y.Run(t.Context(), attendance.Members(staff(1)...), days(old, old.Add(3)))
	var incomplete *attendance.Incomplete
	require.ErrorAs(t, err, &incomplete, "nothing of it was done")
	require.Equal(t, attendance.CodeHorizon, attendance.CodeOf(err))
	require.Len(t, report.Warnings, 1)
	require.Contains(t, report.String(), "warnings: beyond_horizon")
	require.Zero(t, report.Calls)
}

func TestSlicesTravel(t *testing.T) {
	p, sink, members := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, staff(60)
	n := punchDaily(p, members, date(2, 1), date(3, 3))
	y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0))})
	for _, zone := range []*time.Location{shanghai(), hardZones(t)[1]} {
		plan, err := y.Plan(attendance.Days(date(2, 1), date(3, 3), zone))
		require.NoError(t, err)
		total := 0
		for slice, err := range plan.Slices(t.Context(), attendance.Members(members...), nil, nil) {
			require.NoError(t, err)
			text, err := slice.MarshalJSON()
			require.NoError(t, err)
			var arrived attendance.Slice
			require.NoError(t, arrived.UnmarshalJSON(text))
			require.Equal(t, slice.Members, arrived.Members)
			require.True(t, slice.Span.From.Equal(arrived.Span.From) && slice.Span.To.Equal(arrived.Span.To))
			done, err := y.Do(t.Context(), arrived)
			require.NoError(t, err)
			total += done.Read
		}
		require.Equal(t, n, total)
	}
	require.Len(t, sink.All(), n)
}

func TestASliceKeepsItsWallClock(t *testing.T) {
	for _, zone := range hardZones(t) {
		from := time.Date(2018, 10, 1, 0, 0, 0, 0, zone)
		s := attendance.Slice{Span: attendance.Span{From: from, To: from.AddDate(0, 3, 0)}}
		text, err := s.MarshalJSON()
		require.NoError(t, err)
		var arrived attendance.Slice
		require.NoError(t, arrived.UnmarshalJSON(text))
		for at := from; at.Before(s.Span.To); at = at.Add(3 * time.Hour) {
			require.Equal(t, at.Format(time.DateTime), at.In(arrived.Span.Zone()).Format(time.DateTime))
		}
	}
	var s attendance.Slice
	require.Error(t, s.UnmarshalJSON([]byte(`{"zone":"Nowhere/At_All"}`)))
	require.Error(t, s.UnmarshalJSON([]byte(`{"zone":"Local"}`)))
}

func TestObserverSeesEverySlice(t *testing.T) {
	p, members := attendancetest.NewProvider("dingtalk", weekLimits), staff(120)
	n := punchDaily(p, members, date(3, 2), date(3, 3))
	var events []attendance.Event
	y := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0)), Observe: func(e attendance.Event) { events = append(events, e) }})
	_, err := y.Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 3)))
	require.NoError(t, err)
	require.Len(t, events, 3)
	sum := 0
	for i, e := range events {
		require.Equal(t, i+1, e.Slices)
		sum += e.Slice.Written
		require.Len(t, e.Slice.Days, 2*len(e.Slice.Slice.Members))
	}
	require.Equal(t, n, sum)
	require.Equal(t, n, events[2].Written)
}
