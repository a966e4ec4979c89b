package attendance_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// A platform that no longer knows an account answers for it with nothing. What a sink
// with a ledger makes of that for somebody who is there, it must not for somebody who
// has left: the punches of the last days would be gone.
func TestTheSilenceOfLeaversWithdrawsNothing(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.ok(march(10, 23, 30))
	gone := s.people[1:]
	s.people = s.people[:1]
	s.people[0].Known = true
	forget := func(account string) {
		a, err := s.provider.Fetch(t.Context(), attendance.Query{Accounts: []string{account}, Span: attendance.Span{From: march(6, 0, 0), To: march(13, 0, 0)}})
		require.NoError(t, err)
		for _, p := range a.Punches {
			s.provider.Remove(p.ID)
		}
	}
	forget("u0002")
	known := make(map[string]bool)
	sink := sinkFunc(func(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
		for _, m := range b.Members {
			known[m.Account] = m.Known
		}
		return s.sink.Write(ctx, b)
	})
	s.now = march(12, 23, 30)
	calls := s.provider.Calls()
	_, err := attendance.NewSyncer(s.provider, sink, &s.opts).Run(t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
	require.NoError(t, err)
	for _, m := range gone {
		require.NotEmpty(t, s.asked(m.Account, calls))
	}
	require.Equal(t, map[string]bool{"u0000": true, "u0001": false, "u0002": false}, known, "whoever has left may be gone from the platform")
	require.Equal(t, march(12, 23, 30), s.progress().ReadUpTo.In(shanghai()))
}

// An account that has long been rejected is all that is left to ask for: that is no
// company that is refused as a whole.
func TestAnOldRejectionIsNotEverybody(t *testing.T) {
	s := newSite(t, 2)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.provider.Refuse = func(q attendance.Query) error {
		if slices.Contains(q.Accounts, "u0001") {
			return &attendance.Error{Code: attendance.CodeAccount}
		}
		return nil
	}
	s.ok(march(7, 23, 30))
	s.people = s.people[1:]
	s.ok(march(9, 23, 30))
	s.ok(march(20, 23, 30)) // the last of who has left
	r := s.ok(march(21, 23, 30))
	require.Len(t, r.LeftOut, 1)
	require.Equal(t, 1, s.progress().Refused)
}

// Whom a re-read does not ask for, because the platform rejects the account, it names.
func TestARereadNamesWhomItLeavesOut(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.provider.Refuse = func(q attendance.Query) error {
		if slices.Contains(q.Accounts, "u0001") {
			return &attendance.Error{Code: attendance.CodeAccount}
		}
		return nil
	}
	s.ok(march(7, 23, 30))
	r, err := s.syncer().Run(t.Context(), s.scope(), attendance.Reread(35, shanghai()))
	require.NoError(t, err)
	require.Len(t, r.LeftOut, 1)
	require.Equal(t, attendance.Member{Person: "1001", Account: "u0001", Name: r.LeftOut[0].Name, LeftOut: attendance.Refused}, r.LeftOut[0])
}
