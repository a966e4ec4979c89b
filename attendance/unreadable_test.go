package attendance_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// garbled makes every answer unreadable that holds something of an account in a span.
func garbled(account string, when attendance.Span) func(attendance.Query) error {
	return func(q attendance.Query) error {
		if slices.Contains(q.Accounts, account) && q.Span.From.Before(when.To) && when.From.Before(q.Span.To) {
			return &attendance.Error{Code: attendance.CodeMalformed, Op: "p", Detail: "broken JSON came"}
		}
		return nil
	}
}

// What cannot be read costs one person's day, whoever and whenever it is, also where
// nobody else is asked for.
func TestABrokenAnswerCostsOnePersonsDay(t *testing.T) {
	for _, people := range []int{1, 2, 3, 50, 120} {
		for _, who := range []int{0, people / 2, people - 1} {
			for _, day := range []int{2, 5, 8} {
				members := staff(people)
				p, sink := attendancetest.NewProvider("p", weekLimits), new(attendancetest.Sink)
				n := punchDaily(p, members, date(3, 2), date(3, 8))
				p.Refuse = garbled(members[who].Account, attendance.Span{From: march(day, 9, 0), To: march(day, 9, 1)})
				y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1})
				report, err := y.Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 8)))
				require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(err))
				require.Len(t, report.Failed, 1)
				require.Equal(t, []string{members[who].Person}, report.Failed[0].Persons)
				require.Equal(t, attendance.Span{From: march(day, 0, 0), To: march(day+1, 0, 0)}, report.Failed[0].Span)
				require.Contains(t, report.Failed[0].Message, "broken JSON came")
				require.Contains(t, report.Failed[0].Message, "one person's day")
				require.Equal(t, n-2, report.Written)
				require.LessOrEqual(t, p.Calls(), 3+20)
			}
		}
	}
}

// A person of whom nothing can be read is named day by day, and costs nobody else.
func TestAPersonOfWhomNothingCanBeRead(t *testing.T) {
	members := staff(100)
	p := attendancetest.NewProvider("p", attendance.Limits{Accounts: 100, Span: 25 * 24 * 3600e9})
	n := punchDaily(p, members, date(3, 1), date(3, 25))
	p.Refuse = garbled("u0000", attendance.Span{From: march(1, 0, 0), To: march(26, 0, 0)})
	y := attendance.NewSyncer(p, new(attendancetest.Sink), &attendance.Options{Now: at(march(28, 12, 0))})
	report, err := y.Run(t.Context(), attendance.Members(members...), days(date(3, 1), date(3, 25)))
	require.Error(t, err)
	require.False(t, attendance.CodeOf(err).Refusal())
	require.Equal(t, n-50, report.Written)
	require.Len(t, report.Failed, 25)
}

// The search has an end: what is left then fails by name, and the slices that can be
// read go on.
func TestTheSearchForBrokenAnswersHasAnEnd(t *testing.T) {
	members := staff(2000)
	p := attendancetest.NewProvider("p", weekLimits)
	n := punchDaily(p, members, date(3, 2), date(3, 8))
	p.Refuse = func(q attendance.Query) error {
		for i := 0; i < 1000; i += 10 {
			if err := garbled(members[i].Account, q.Span)(q); err != nil {
				return err
			}
		}
		return nil
	}
	y := attendance.NewSyncer(p, new(attendancetest.Sink), &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1})
	report, err := y.Run(t.Context(), attendance.Members(members...), days(date(3, 2), date(3, 8)))
	require.Error(t, err)
	require.LessOrEqual(t, p.Calls(), 40+200+20)
	require.GreaterOrEqual(t, report.Written, n/2)
	lost := map[string]bool{}
	for _, f := range report.Failed {
		for _, person := range f.Persons {
			lost[person] = true
		}
	}
	for i := 0; i < 1000; i += 10 {
		require.True(t, lost[members[i].Person], "named")
	}
}

// What is not the platform's answer at all is no record's fault: nobody is asked for again.
func TestForeignAnswersAreNotHalved(t *testing.T) {
	p := attendancetest.NewProvider("p", weekLimits)
	p.Refuse = func(attendance.Query) error {
		return &attendance.Error{Code: attendance.CodeMalformed, Detail: "a page came", Err: attendance.ErrForeign}
	}
	report, err := attendance.NewSyncer(p, new(attendancetest.Sink), &attendance.Options{Now: at(march(20, 12, 0))}).
		Run(t.Context(), attendance.Members(staff(50)...), days(date(3, 2), date(3, 8)))
	require.ErrorIs(t, err, attendance.ErrForeign)
	require.Len(t, report.Failed, 1)
	require.Equal(t, 1, p.Calls())
}

// Where nothing at all can be read it is no record's fault, and soon over.
func TestNothingCanBeRead(t *testing.T) {
	p := attendancetest.NewProvider("p", weekLimits)
	p.Refuse = func(attendance.Query) error {
		return &attendance.Error{Code: attendance.CodeMalformed, Detail: "a page came"}
	}
	report, err := attendance.NewSyncer(p, new(attendancetest.Sink), &attendance.Options{Now: at(march(20, 12, 0))}).
		Run(t.Context(), attendance.Members(staff(50)...), days(date(3, 2), date(3, 8)))
	require.Error(t, err)
	require.Len(t, report.Failed, 1)
	require.Len(t, report.Failed[0].Persons, 50)
	require.Contains(t, report.Failed[0].Message, "proxy")
	require.Equal(t, 13, p.Calls())
}
