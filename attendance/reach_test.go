package attendance_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// Reach is what a platform has answered, not what was left unasked.
func TestCheckReach(t *testing.T) {
	now := march(9, 12, 0)
	refused := func(account string) (attendance.Answer, error) {
		return attendance.Answer{Refused: []string{account}}, nil
	}
	rejected := func(string) (attendance.Answer, error) {
		return attendance.Answer{}, &attendance.Error{Code: attendance.CodeAccount, Op: "x", Detail: "no such account"}
	}
	answered := func(string) (attendance.Answer, error) { return attendance.Answer{Calls: 1}, nil }
	broken := func(string) (attendance.Answer, error) {
		return attendance.Answer{}, &attendance.Error{Code: attendance.CodePermission, Op: "x", Detail: "no right"}
	}
	for name, test := range map[string]struct {
		answers []func(string) (attendance.Answer, error)
		want    string
		queries int
	}{
		"the first answers":      {answers: []func(string) (attendance.Answer, error){answered, broken}, want: "reach", queries: 1},
		"the third answers":      {answers: []func(string) (attendance.Answer, error){rejected, refused, answered}, want: "reach", queries: 3},
		"all are rejected":       {answers: []func(string) (attendance.Answer, error){rejected, rejected}, want: "everyone_refused", queries: 2},
		"none can be asked for":  {answers: []func(string) (attendance.Answer, error){refused, refused}, want: "everyone_refused", queries: 2},
		"a right lacks":          {answers: []func(string) (attendance.Answer, error){rejected, broken, answered}, want: "permission", queries: 2},
		"there is nobody to try": {},
	} {
		t.Run(name, func(t *testing.T) {
			queries := 0
			inner := attendancetest.NewProvider("x", attendance.Limits{Accounts: 10, Span: 3 * time.Hour})
			p := fetch{inner, func(_ context.Context, q attendance.Query) (attendance.Answer, error) {
				require.Equal(t, attendance.Span{From: now.Add(-3 * time.Hour), To: now}, q.Span, "within the limit")
				queries++
				return test.answers[queries-1](q.Accounts[0])
			}}
			findings := attendance.CheckReach(context.Background(), p, staff(len(test.answers)), now)
			require.Equal(t, test.queries, queries)
			if test.want == "" {
				require.Empty(t, findings)
				return
			}
			require.Len(t, findings, 1)
			require.Equal(t, test.want, findings[0].Code)
			require.Equal(t, test.want == "reach", findings[0].Level == attendance.LevelOK)
		})
	}
}
