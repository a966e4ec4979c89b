package attendance_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// A clock that was a year ahead for one run forgives nothing and asks for no future.
func TestAClockThatWasAYearAhead(t *testing.T) {
	s := newSite(t, 3)
	s.provider = attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour, Horizon: 180 * 24 * time.Hour})
	punchDaily(s.provider, s.people, date(2, 1), date(4, 30))
	s.ok(march(1, 23, 30))
	_, err := s.run(march(2, 23, 30).AddDate(1, 0, 0))
	require.NoError(t, err)
	for day := 3; day < 6; day++ {
		calls := s.provider.Calls()
		r := s.ok(march(day, 23, 30))
		t.Logf("%d calls, %v; progress %+v", s.provider.Calls()-calls, r.Span, s.progress())
		for _, q := range s.provider.Queries()[calls:] {
			require.False(t, q.Span.From.After(s.now), "the future is asked for: %v", q.Span)
		}
	}
}
