package attendance_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

var hundred = attendance.Limits{Accounts: 100, Span: weekLimits.Span}

func syncOf(p attendance.Provider, parallel int, members []attendance.Member) (attendance.Report, error) {
	return attendance.NewSyncer(p, new(attendancetest.Sink), &attendance.Options{Now: at(march(20, 12, 0)), Parallel: parallel}).
		Run(context.Background(), attendance.Members(members...), days(date(3, 2), date(3, 8)))
}

// A platform that fails whatever it is asked ends the run after 20 queries, not
// after hundreds. One that answers now and then does not.
func TestARunThatGetsNoAnswersIsGivenUp(t *testing.T) {
	for code, refusal := range map[attendance.Code]bool{attendance.CodeUnavailable: false, attendance.CodeMalformed: false, attendance.CodeRequest: false, attendance.CodeUnknown: false} {
		p := attendancetest.NewProvider("p", weekLimits)
		p.Refuse = func(attendance.Query) error { return &attendance.Error{Code: code, Detail: "odd"} }
		report, err := syncOf(p, 1, staff(50*100))
		require.Equal(t, code, attendance.CodeOf(err))
		require.Equal(t, refusal, attendance.CodeOf(err).Refusal())
		require.ErrorContains(t, err, "20 queries in a row failed")
		require.ErrorContains(t, err, "odd")
		calls := 20
		if code == attendance.CodeMalformed {
			calls += 12 // six of them were asked for in halves
		}
		require.Equal(t, calls, p.Calls())
		require.Len(t, report.Failed, 20)
	}
	p := attendancetest.NewProvider("p", weekLimits)
	n := 0
	p.Refuse = func(attendance.Query) error {
		if n++; n%20 == 0 {
			return nil
		}
		return &attendance.Error{Code: attendance.CodeUnavailable}
	}
	report, err := syncOf(p, 1, staff(50*100))
	require.NotContains(t, err.Error(), "in a row")
	require.Len(t, report.Failed, 95)
}

// Many rejected accounts among more good ones cost the good ones nothing.
func TestEightyRejectedAmongAThousand(t *testing.T) {
	members := staff(1000)
	var bad []string
	for i := 6; i < 1000; i += 25 {
		bad = append(bad, members[i].Account, members[i+1].Account)
	}
	require.Len(t, bad, 80)
	for _, parallel := range []int{1, 4} {
		p := attendancetest.NewProvider("p", hundred)
		n := punchDaily(p, members, date(3, 2), date(3, 8))
		p.Refuse = rejecting(bad...)
		report, err := syncOf(p, parallel, members)
		require.NoError(t, err)
		require.Equal(t, n/1000*920, report.Written)
		require.Len(t, report.LeftOut, 80)
	}
}

// The search has an end: further slices with a rejected account fail by name, and
// those without go on.
func TestTheSearchForRejectedAccountsHasAnEnd(t *testing.T) {
	members := staff(3000)
	var bad []string
	for i := 0; i < 2000; i += 10 {
		bad = append(bad, members[i].Account)
	}
	p := attendancetest.NewProvider("p", hundred)
	n := punchDaily(p, members, date(3, 2), date(3, 8))
	p.Refuse = rejecting(bad...)
	report, err := syncOf(p, 1, members)
	require.Error(t, err)
	require.False(t, attendance.CodeOf(err).Refusal(), "most people were answered")
	require.Len(t, report.LeftOut, 150)
	require.Len(t, report.Failed, 5)
	require.Contains(t, report.Failed[0].Message, "after 150 such accounts")
	require.Equal(t, n/3000*(3000-150-500), report.Written)
}

// A department out of sight that fills the first batches is not everybody, however
// the slices race.
func TestABatchOfRejectedPeopleIsNotEverybody(t *testing.T) {
	members := staff(1000)
	var bad []string
	for _, m := range members[:100] {
		bad = append(bad, m.Account)
	}
	p := attendancetest.NewProvider("p", hundred)
	n := punchDaily(p, members, date(3, 2), date(3, 8))
	reject := rejecting(bad...)
	others := make(chan struct{})
	var answered atomic.Int64
	p.Refuse = func(q attendance.Query) error {
		err := reject(q)
		if err != nil && len(q.Accounts) == 1 {
			<-others // the search takes longer than the other slices
		}
		if err == nil && answered.Add(1) == 3 {
			close(others)
		}
		return err
	}
	report, err := syncOf(p, 4, members)
	require.NoError(t, err)
	require.Equal(t, n/10*9, report.Written)
	require.Len(t, report.LeftOut, 100)
}

// Where everybody is rejected, no second slice begins a search after the first has
// ended the run.
func TestOneSearchWhenEverybodyIsRejected(t *testing.T) {
	for range 50 {
		p := attendancetest.NewProvider("p", hundred)
		p.Refuse = func(attendance.Query) error { return &attendance.Error{Code: attendance.CodeAccount} }
		_, err := syncOf(p, 8, staff(2000))
		require.Equal(t, attendance.CodeEveryone, attendance.CodeOf(err))
		require.LessOrEqual(t, p.Calls(), 8+8)
	}
}

// The first single accounts that are tried lie far apart.
func TestProbesAreSpread(t *testing.T) {
	p := attendancetest.NewProvider("p", hundred)
	var singles []string
	p.Refuse = func(q attendance.Query) error {
		if len(q.Accounts) == 1 {
			singles = append(singles, q.Accounts[0])
		}
		return &attendance.Error{Code: attendance.CodeAccount}
	}
	_, err := syncOf(p, 1, staff(100))
	require.Error(t, err)
	require.Len(t, singles, 8)
	require.Equal(t, []string{"u0000", "u0099"}, singles[:2])
	third := strings.TrimPrefix(singles[2], "u")
	require.True(t, third > "0030" && third < "0070", third)
	slices.Sort(singles)
	require.Len(t, slices.Compact(singles), 8)
	for n := range 10 {
		q := attendancetest.NewProvider("p", hundred)
		q.Refuse = p.Refuse
		singles = nil
		_, err := syncOf(q, 1, staff(n))
		if n > 0 {
			require.Error(t, err)
		}
		slices.Sort(singles)
		require.Len(t, slices.Compact(singles), min(n, 8))
	}
}

// Words of the platform that make a record unreadable are told, each once.
func TestUnknownWordsAreTold(t *testing.T) {
	p := attendancetest.NewProvider("p", weekLimits)
	for i := range 100 {
		p.PutSkipped(attendance.Skipped{Account: "u0000", Time: march(3, 9, i%60), Reason: attendance.UnknownType, Detail: fmt.Sprintf("word %d", i%3)})
	}
	report, err := syncOf(p, 1, staff(1))
	require.NoError(t, err)
	require.Equal(t, 100, report.Skipped[attendance.UnknownType])
	require.Len(t, report.Warnings, 3)
	require.Equal(t, "unknown_type", report.Warnings[0].Code)
	require.Contains(t, report.Warnings[0].Message, "word 0")
}

// However much else a slice warns of, unknown words are told, 20 at most.
func TestUnknownWordsAreToldAmongOthers(t *testing.T) {
	inner := attendancetest.NewProvider("x", attendance.Limits{Accounts: 10, Span: 24 * time.Hour})
	p := fetch{inner, func(context.Context, attendance.Query) (attendance.Answer, error) {
		var a attendance.Answer
		for i := range 30 {
			a.Warnings = append(a.Warnings, attendance.Warningf("odd", "%d", i))
			a.Skipped = append(a.Skipped, attendance.Skipped{Account: "a1", Time: march(2, 9, 0), Reason: attendance.UnknownType, Detail: fmt.Sprint("word ", i%25)})
		}
		a.Rows, a.Calls = 30, 1
		return a, nil
	}}
	report, err := attendance.NewSyncer(p, new(attendancetest.Sink), &attendance.Options{Now: at(march(9, 0, 0))}).
		Run(context.Background(), attendance.Members(attendance.Member{Person: "1", Account: "a1"}), days(date(3, 2), date(3, 2)))
	require.NoError(t, err)
	told := 0
	for _, w := range report.Warnings {
		if w.Code == "unknown_type" {
			told++
		}
	}
	require.Equal(t, 20, told)
}
