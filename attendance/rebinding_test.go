package attendance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// Two people were given each other's account, and a sink with a ledger has moved the
// rows. When the mistake is mended, all of them have to move back: it does not help
// that the accounts were read for their owners before.
func TestAnAccountThatComesBackIsReadFromTheBeginning(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(2, 1), date(3, 31))
	s.ok(march(1, 23, 30))
	s.ok(march(10, 23, 30))
	swap := func() { s.people[1].Account, s.people[2].Account = s.people[2].Account, s.people[1].Account }
	swap()
	calls := s.provider.Calls()
	s.ok(march(20, 23, 30))
	first := march(1, 0, 0).AddDate(0, 0, -6)
	require.Equal(t, attendance.Spans{{From: first, To: march(20, 23, 30)}}, s.asked("u0001", calls))
	swap()
	calls = s.provider.Calls()
	s.ok(march(30, 23, 30))
	for _, account := range []string{"u0001", "u0002"} {
		require.Equal(t, attendance.Spans{{From: first, To: march(30, 23, 30)}}, s.asked(account, calls))
	}
	require.Equal(t, march(30, 23, 30), s.progress().ReadUpTo.In(shanghai()))
}
