package attendance_test

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// countingScope counts how often the people are read.
type countingScope struct {
	attendance.Scope
	reads int
}

func (c *countingScope) Members(ctx context.Context) iter.Seq2[attendance.Member, error] {
	c.reads++
	return c.Scope.Members(ctx)
}

func TestFamiliesRunTogether(t *testing.T) {
	refusal := func(code attendance.Code) func(attendance.Query) error {
		return func(attendance.Query) error { return &attendance.Error{Code: code, Detail: "no"} }
	}
	for name, c := range map[string]struct {
		punches, visits func(attendance.Query) error
		code            attendance.Code
		refused         bool // as a whole
		visited         bool // the second family was tried
	}{
		"both fine":             {visited: true},
		"visits forbidden":      {visits: refusal(attendance.CodePermission), code: attendance.CodePermission, visited: true},
		"punches forbidden":     {punches: refusal(attendance.CodePermission), code: attendance.CodePermission, visited: true},
		"both forbidden":        {punches: refusal(attendance.CodePermission), visits: refusal(attendance.CodePermission), code: attendance.CodePermission, refused: true, visited: true},
		"wrong secret":          {punches: refusal(attendance.CodeCredentials), code: attendance.CodeCredentials, refused: true},
		"punches busy":          {punches: refusal(attendance.CodeUnavailable), code: attendance.CodeUnavailable, visited: true},
		"forbidden, then busy":  {punches: refusal(attendance.CodePermission), visits: refusal(attendance.CodeUnavailable), code: attendance.CodePermission, visited: true},
		"every account refused": {punches: refusal(attendance.CodeAccount), code: attendance.CodeEveryone, visited: true},
	} {
		t.Run(name, func(t *testing.T) {
			members := staff(60)
			punches, visits := attendancetest.NewProvider("dingtalk", weekLimits), attendancetest.NewProvider("dingtalk-checkin", attendance.Limits{Accounts: 1000})
			n := punchDaily(punches, members, date(3, 2), date(3, 2))
			visits.Put(attendance.Punch{Account: "u0001", Time: march(2, 10, 0), Kind: attendance.Field})
			punches.Refuse, visits.Refuse = c.punches, c.visits
			sink, opts := &attendancetest.Sink{}, &attendance.Options{Job: "hq", Now: at(march(20, 12, 0)), Parallel: 1, EmptyIsNormal: true}
			scope := &countingScope{Scope: attendance.Members(members...)}

			report, err := attendance.RunTogether(t.Context(), scope, days(date(3, 2), date(3, 2)),
				attendance.NewSyncer(punches, sink, opts), attendance.NewSyncer(visits, sink, opts))
			require.Equal(t, 1, scope.reads)
			require.Equal(t, c.code, attendance.CodeOf(err))
			_, incomplete := err.(*attendance.Incomplete) //nolint:errorlint // bare, as returned
			require.Equal(t, c.code != "" && !c.refused, incomplete)
			require.Equal(t, c.visited, visits.Calls() > 0)
			want := 0
			if c.punches == nil {
				want += n
			}
			if c.visits == nil && c.visited {
				want++
			}
			require.Equal(t, want, report.Written)
			require.Len(t, sink.All(), want)
			require.Equal(t, "hq", report.Job)
		})
	}
}

func TestFamiliesShareOneBudget(t *testing.T) {
	scope := attendance.Members(staff(60)...) // 6 counted calls each
	for left, code := range map[int]attendance.Code{11: attendance.CodeQuota, 12: ""} {
		a := &budgeted{attendancetest.NewProvider("dingtalk", attendance.Limits{}), left}
		b := &budgeted{attendancetest.NewProvider("dingtalk-checkin", attendance.Limits{}), left}
		opts := &attendance.Options{Now: at(march(20, 12, 0)), EmptyIsNormal: true}
		_, err := attendance.RunTogether(t.Context(), scope, days(date(3, 2), date(3, 2)),
			attendance.NewSyncer(a, &attendancetest.Sink{}, opts), attendance.NewSyncer(b, &attendancetest.Sink{}, opts))
		require.Equal(t, code, attendance.CodeOf(err))
		require.Equal(t, code == "", a.Calls() > 0)
	}
}

// A run that is told to end when one family is just done has not done the next one.
func TestFamiliesThatAreNotBegunAreNotDone(t *testing.T) {
	for cut, want := range map[int]error{1: context.Canceled, 2: nil} { // after the last family all is done
		punches, visits := attendancetest.NewProvider("dingtalk", weekLimits), attendancetest.NewProvider("dingtalk-checkin", attendance.Limits{Accounts: 1000})
		punchDaily(punches, staff(2), date(3, 2), date(3, 2))
		ctx, cancel := context.WithCancel(t.Context())
		slices := 0
		opts := &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1, EmptyIsNormal: true, Observe: func(attendance.Event) {
			if slices++; slices == cut {
				cancel()
			}
		}}
		_, err := attendance.RunTogether(ctx, attendance.Members(staff(2)...), days(date(3, 2), date(3, 2)),
			attendance.NewSyncer(punches, &attendancetest.Sink{}, opts), attendance.NewSyncer(visits, &attendancetest.Sink{}, opts))
		require.ErrorIs(t, err, want)
		require.Equal(t, cut == 2, visits.Calls() > 0)
		cancel()
	}
}
