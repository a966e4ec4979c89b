package attendance_test

import (
	"context"
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

// Somebody had a colleague's account for a while, by mistake, and leaves later. By then
// the account is nobody's: it is not the leaver's again.
func TestAMistakeIsNotRepeatedWhenSomebodyLeaves(t *testing.T) {
	for name, leave := range map[string]func(s *site){
		"the scope":  func(s *site) { s.people = s.people[:2] },
		"an account": func(s *site) { s.people[2].Account, s.people[2].LeftOut = "", attendance.Unbound },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 3)
			for i := range s.people {
				s.people[i].Key = "W" + s.people[i].Account
			}
			punchDaily(s.provider, s.people, date(2, 1), date(3, 31))
			swap := func() { s.people[1].Account, s.people[2].Account = s.people[2].Account, s.people[1].Account }
			swap()
			s.ok(march(1, 23, 30))
			swap() // on the platform: their keys stay
			s.ok(march(5, 23, 30))
			s.people[1].Account, s.people[1].LeftOut = "", attendance.Unbound
			leave(s)
			var told []attendance.Member
			sink := sinkFunc(func(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
				told = append(told, b.Members...)
				return s.sink.Write(ctx, b)
			})
			s.now = march(7, 23, 30)
			_, err := attendance.NewSyncer(s.provider, sink, &s.opts).Run(t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
			require.NoError(t, err)
			of := make(map[string]string)
			for _, m := range told {
				require.Empty(t, of[m.Account])
				of[m.Account] = m.Person
			}
			require.Equal(t, map[string]string{"u0000": "1000", "u0001": "1001", "u0002": "1002"}, of)
		})
	}
}
