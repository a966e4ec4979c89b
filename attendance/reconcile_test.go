package attendance_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// inALine is a difference in one line.
func inALine(d attendance.Difference) string {
	words := []string{string(d.Kind), string(d.Reason), d.Member.Person, d.Member.Unit, d.Time.Format("02 15:04:05"), d.Direction.String(), fmt.Sprint(len(d.Rows))}
	return strings.Join(words, " ")
}

func reconcile(t *testing.T, scope attendance.Scope, w attendance.Window, families ...*attendance.Syncer) ([]string, attendance.Reconciliation) {
	t.Helper()
	list := []string{}
	r, err := attendance.ReconcileTogether(t.Context(), scope, w, func(d attendance.Difference) { list = append(list, inALine(d)) }, families...)
	require.NoError(t, err)
	require.Len(t, list, r.Sum())
	slices.Sort(list)
	return list, r
}

func TestReconcile(t *testing.T) {
	p, sink, members := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, staff(4)
	for i := range members {
		members[i].Unit = []string{"研发", "销售"}[i%2]
	}
	n := punchDaily(p, members, date(3, 1), date(3, 10))
	y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0)), FreezeAfterDay: 1})
	run := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0))})
	scope := attendance.Members(append(members, attendance.Member{Person: "9", LeftOut: attendance.Unbound})...)
	_, err := run.Run(t.Context(), scope, days(date(3, 1), date(3, 10)))
	require.NoError(t, err)

	list, r := reconcile(t, scope, days(date(3, 1), date(3, 10)), y)
	require.Empty(t, list)
	require.Equal(t, n, r.Report.Present)
	require.Equal(t, 2, r.Report.Calls)
	require.Len(t, r.Report.LeftOut, 1)
	require.Empty(t, r.Persons)

	// One more, one withdrawn, one turned round, one moved, and one whose account holds nothing any more.
	before := sink.All()
	p.Put(attendance.Punch{ID: "new", Account: "u0001", Time: march(4, 12, 0), Kind: attendance.Regular, Direction: attendance.In})
	p.Remove("u00002026-03-02i")
	p.Remove("u00002026-03-03i")
	p.Put(attendance.Punch{ID: "u00002026-03-03i", Account: "u0000", Time: march(3, 0, 0), Kind: attendance.Regular, Direction: attendance.Out})
	for day := 1; day <= 10; day++ {
		p.Remove(fmt.Sprintf("u00032026-03-%02di", day))
		p.Remove(fmt.Sprintf("u00032026-03-%02do", day))
	}
	list, r = reconcile(t, scope, days(date(3, 1), date(3, 4)), y)
	require.Equal(t, []string{
		"different direction 1000 研发 03 00:00:00 out 1",
		"only_oa  1000 研发 02 00:00:00 in 1",
		"only_oa no_answer 1003 销售 01 00:00:00 in 1", "only_oa no_answer 1003 销售 01 23:59:59 out 1",
		"only_oa no_answer 1003 销售 02 00:00:00 in 1", "only_oa no_answer 1003 销售 02 23:59:59 out 1",
		"only_oa no_answer 1003 销售 03 00:00:00 in 1", "only_oa no_answer 1003 销售 03 23:59:59 out 1",
		"only_oa no_answer 1003 销售 04 00:00:00 in 1", "only_oa no_answer 1003 销售 04 23:59:59 out 1",
		"only_provider  1001 销售 04 12:00:00 in 0",
	}, list)
	require.Equal(t, before, sink.All(), "nothing is written")
	require.Equal(t, attendance.DifferenceCounts{OnlyProvider: 1, OnlyTarget: 9, Different: 1}, r.DifferenceCounts)
	require.Equal(t, []attendance.UnitDifferences{
		{Unit: "研发", People: 1, DifferenceCounts: attendance.DifferenceCounts{OnlyTarget: 1, Different: 1}},
		{Unit: "销售", People: 2, DifferenceCounts: attendance.DifferenceCounts{OnlyProvider: 1, OnlyTarget: 8}},
	}, r.Units)
	require.Equal(t, []string{"1000", "1001", "1003"}, []string{r.Persons[0].Member.Person, r.Persons[1].Member.Person, r.Persons[2].Member.Person})
}

// What is found is what was done, whatever it was, for any number of people and days.
func TestReconcileFindsWhatWasDone(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		p, sink, members := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, staff(70)
		punchDaily(p, members, date(3, 1), date(3, 17))
		w := days(date(3, 1), date(3, 17))
		y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0))})
		_, err := y.Run(t.Context(), attendance.Members(members...), w)
		require.NoError(t, err)
		want := []string{}
		for i, m := range members {
			day := date(3, 1+random.IntN(17))
			switch random.IntN(3) {
			case 0:
				p.Remove(m.Account + day.String() + "i")
				want = append(want, fmt.Sprintf("only_oa  %s  %02d 00:00:00 in 1", m.Person, day.Day))
			case 1:
				noon := day.In(shanghai()).Add(12*time.Hour + time.Duration(i)*time.Second)
				p.Put(attendance.Punch{ID: "x" + m.Account, Account: m.Account, Time: noon, Kind: attendance.Regular, Direction: attendance.In})
				want = append(want, fmt.Sprintf("only_provider  %s  %s in 0", m.Person, noon.Format("02 15:04:05")))
			}
		}
		slices.Sort(want)
		list, _ := reconcile(t, attendance.Members(members...), w, y)
		require.Equal(t, want, list, "seed %d", seed)
	}
}

func TestReconcileTogether(t *testing.T) {
	punches, visits := attendancetest.NewProvider("dingtalk", weekLimits), attendancetest.NewProvider("dingtalk-checkin", attendance.Limits{Accounts: 1000, Span: 45 * 24 * time.Hour})
	sink, members := &attendancetest.Sink{}, staff(3)
	punchDaily(punches, members, date(3, 1), date(3, 3))
	visit := attendance.Punch{ID: "v", Account: "u0000", Time: march(2, 10, 0), Kind: attendance.Field}
	visits.Put(visit)
	opts := &attendance.Options{Now: at(march(20, 12, 0))}
	rare := &attendance.Options{Now: opts.Now, EmptyIsNormal: true}
	families := []*attendance.Syncer{attendance.NewSyncer(punches, sink, opts), attendance.NewSyncer(visits, sink, rare)}
	scope, w := attendance.Members(members...), days(date(3, 1), date(3, 3))
	_, err := attendance.RunTogether(t.Context(), scope, w, families...)
	require.NoError(t, err)
	punches.Remove("u00012026-03-02o")
	list, _ := reconcile(t, scope, w, families...)
	require.Equal(t, []string{"only_oa  1001  02 23:59:59 out 1"}, list, "what one family has is nothing that the other lacks")
}

// blind is a sink that tells nothing.
type blind struct{ attendance.Sink }

func TestReconcileNeedsASinkThatTells(t *testing.T) {
	p := attendancetest.NewProvider("dingtalk", weekLimits)
	y := attendance.NewSyncer(p, blind{&attendancetest.Sink{}}, nil)
	_, err := y.Reconcile(t.Context(), attendance.Members(staff(1)...), days(date(3, 1), date(3, 1)), nil)
	require.Equal(t, attendance.CodeRequest, attendance.CodeOf(err))
	require.Zero(t, p.Calls(), "before the first call")
}

func TestReconcileSaysWhatItCouldNotCompare(t *testing.T) {
	p, sink, members := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, staff(60)
	n := punchDaily(p, members, date(3, 1), date(3, 1))
	p.Refuse = func(q attendance.Query) error {
		if slices.Contains(q.Accounts, "u0000") {
			return &attendance.Error{Code: attendance.CodeUnavailable, Op: "dingtalk", Detail: "busy"}
		}
		return nil
	}
	y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(20, 12, 0))})
	found := 0
	r, err := y.Reconcile(t.Context(), attendance.Members(members...), days(date(3, 1), date(3, 1)), func(attendance.Difference) { found++ })
	require.Error(t, err)
	require.Len(t, r.Report.Failed, 1)
	require.Equal(t, n/6, found, "the others are compared")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = y.Reconcile(ended, attendance.Members(members...), days(date(3, 1), date(3, 1)), nil)
	require.ErrorIs(t, err, context.Canceled)
}
