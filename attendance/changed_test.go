package attendance_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// changedDays are the days in lines.
func changedDays(t *testing.T, store attendance.RunStore, o attendance.ChangedOptions) []string {
	t.Helper()
	c, err := attendance.ChangedSince(t.Context(), store, o)
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	list := []string{}
	for _, d := range c.Days {
		require.False(t, d.Counted)
		list = append(list, fmt.Sprint(d.Person, " ", d.Name, " ", d.Unit, " ", d.Day, " ", len(d.Runs)))
	}
	return list
}

func TestChangedSince(t *testing.T) {
	p, sink, store := attendancetest.NewProvider("dingtalk", weekLimits), &attendancetest.Sink{}, &attendancetest.Store{}
	members := staff(2)
	members[0].Unit = "研发"
	scope := attendance.Members(members...)
	punchDaily(p, members, date(3, 1), date(3, 3))
	run := func(job string, now time.Time) {
		y := attendance.NewSyncer(p, sink, &attendance.Options{Job: job, Target: "oa", Memory: attendance.Memory{Runs: store}, Now: at(now)})
		_, err := y.Run(t.Context(), scope, days(date(3, 1), date(3, 31)))
		require.NoError(t, err)
	}
	run("hq", march(4, 1, 0))
	exported := march(5, 0, 0)
	require.Empty(t, changedDays(t, store, attendance.ChangedOptions{Since: exported}))
	require.Len(t, changedDays(t, store, attendance.ChangedOptions{Since: march(4, 1, 0)}), 6, "the run ended at that very moment")

	p.Put(attendance.Punch{ID: "late", Account: "u0000", Time: march(2, 12, 0), Kind: attendance.Regular, Direction: attendance.In})
	run("hq", march(6, 1, 0))
	p.Put(attendance.Punch{ID: "later", Account: "u0000", Time: march(2, 13, 0), Kind: attendance.Regular, Direction: attendance.In})
	p.Put(attendance.Punch{ID: "other", Account: "u0001", Time: march(3, 13, 0), Kind: attendance.Regular, Direction: attendance.In})
	run("night", march(7, 1, 0))
	run("night", march(8, 1, 0)) // and nothing
	require.Equal(t, []string{"1000 员工0 研发 2026-03-02 2", "1001 员工1  2026-03-03 1"}, changedDays(t, store, attendance.ChangedOptions{Since: exported, Target: "oa"}))
	require.Equal(t, []string{"1000 员工0 研发 2026-03-02 1"}, changedDays(t, store, attendance.ChangedOptions{Since: exported, Job: "hq"}))
	require.Equal(t, []string{"1001 员工1  2026-03-03 1"}, changedDays(t, store, attendance.ChangedOptions{Since: exported, First: date(3, 3), Last: date(3, 31)}))
	require.Empty(t, changedDays(t, store, attendance.ChangedOptions{Since: exported, Target: "another"}))

	// A run that is taken back changes its days again.
	var first string
	for r := range store.Runs(t.Context(), attendance.RunFilter{Job: "hq", Until: march(5, 0, 0)}) {
		first = r.ID
	}
	taken := []attendance.PersonDay{{Person: "1001", Day: date(3, 1)}}
	require.NoError(t, attendance.RecordUndo(t.Context(), store, "oa", first, taken, attendance.ResultOK, march(9, 0, 0)))
	for _, job := range []string{"", "hq"} {
		require.Equal(t, []string{"1001   2026-03-01 1"}, changedDays(t, store, attendance.ChangedOptions{Since: march(8, 12, 0), Job: job}))
	}
	require.Empty(t, changedDays(t, store, attendance.ChangedOptions{Since: march(8, 12, 0), Job: "night"}))

	// What is not kept any more is told.
	require.NoError(t, store.Prune(t.Context(), march(20, 0, 0), time.Time{}))
	c, err := attendance.ChangedSince(t.Context(), store, attendance.ChangedOptions{Since: exported, Job: "hq"})
	require.NoError(t, err)
	require.Len(t, c.Warnings, 1)
	require.Equal(t, "days_forgotten", c.Warnings[0].Code)
}

// A run that was killed told no end: it counts for a day.
func TestChangedSinceAKilledRun(t *testing.T) {
	store := &attendancetest.Store{}
	began := march(4, 1, 0)
	require.NoError(t, store.BeginRun(t.Context(), attendance.RunRecord{ID: "killed", Kind: attendance.KindRun, Target: "oa", Attempts: 1, Report: attendance.Report{Job: "hq", Started: began}}))
	require.NoError(t, store.AddSlice(t.Context(), "killed", attendance.SliceRecord{Attempt: 1, At: began, Report: attendance.SliceReport{
		Slice: attendance.Slice{Span: attendance.Span{From: began, To: began}}, Days: []attendance.PersonDay{{Person: "1", Day: date(3, 4)}}}}))
	require.Len(t, changedDays(t, store, attendance.ChangedOptions{Since: march(4, 12, 0)}), 1)
	require.Empty(t, changedDays(t, store, attendance.ChangedOptions{Since: march(6, 0, 0)}))
}
