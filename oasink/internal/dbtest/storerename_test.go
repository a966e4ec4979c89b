package dbtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// A target that is called otherwise keeps what is remembered under its old name.
func TestRenameTarget(t *testing.T) {
	t.Parallel()
	everywhere(t, testRenameTarget)
}

func testRenameTarget(t *testing.T, on engine) {
	ctx := context.Background()
	d := on.empty(t)
	s := storeOn(t, d)
	stream := func(job, target, source string) attendance.Stream {
		return attendance.Stream{Job: job, Target: target, Source: source, Corp: "ding"}
	}
	span := func(day int) attendance.Span { return attendance.Span{From: at(day, 0, 0, 0), To: at(day+1, 0, 0, 0)} }
	for day, known := range []attendance.Stream{
		1: stream("a", "oa", "dingtalk"), 2: stream("a", "oa", "dingtalk remembered"), 3: stream("b", "oa", "dingtalk"), 4: stream("c", "oa", "dingtalk"), 5: stream("c", "hq", "dingtalk"),
	} {
		if known.Job != "" {
			require.NoError(t, s.Owe(ctx, known, span(day), at(1, 0, 0, 0).AddDate(-1, 0, 0)))
			require.NoError(t, s.Remember(ctx, known, workday(2, day)))
		}
	}
	for _, r := range []attendance.RunRecord{
		{ID: "1", Target: "oa", Report: attendance.Report{Job: "a"}}, {ID: "2", Target: "oa", Report: attendance.Report{Job: "b"}},
		{ID: "3", Target: "oa", Kind: attendance.KindUndo, Plan: "1"}, {ID: "4", Target: "oa", Kind: attendance.KindUndo, Plan: "2"},
	} {
		r.Report.Started = at(9, 0, 0, 0)
		require.NoError(t, s.EndRun(ctx, r))
	}
	days := []attendance.PersonDay{{Person: "101", Day: attendance.DateOf(at(1, 0, 0, 0))}, {Person: "102", Day: attendance.DateOf(at(2, 0, 0, 0))}}
	for _, target := range []string{"oa", "oa?", "oa-2"} {
		require.NoError(t, s.OweDays(ctx, target, days))
	}
	owed := func(target string) int {
		list, err := s.OwedDays(ctx, target, 100)
		require.NoError(t, err)
		return len(list)
	}
	rename := func(job, corp string, want bool) {
		t.Helper()
		// As another process does it, while s knows the numbers of the streams.
		done, err := storeOn(t, d).RenameTarget(ctx, job, corp, "oa", "hq")
		require.NoError(t, err)
		require.Equal(t, want, done)
	}
	spans := func(id attendance.Stream) int {
		list, err := storeOn(t, d).Owed(ctx, id)
		require.NoError(t, err)
		people, err := storeOn(t, d).Recall(ctx, id, []string{"101", "102"})
		require.NoError(t, err)
		require.Len(t, people, 2*len(list))
		return len(list)
	}

	rename("a", "another", false)
	rename("nobody", "ding", false)
	rename("a", "ding", true)
	rename("a", "ding", false)
	require.Equal(t, []int{1, 1, 0, 0}, []int{spans(stream("a", "hq", "dingtalk")), spans(stream("a", "hq", "dingtalk remembered")), spans(stream("a", "oa", "dingtalk")), spans(stream("b", "hq", "dingtalk"))})
	targets := make(map[string]string)
	for r, err := range s.Runs(ctx, attendance.RunFilter{}) {
		require.NoError(t, err)
		targets[r.ID] = r.Target
	}
	require.Equal(t, map[string]string{"1": "hq", "2": "oa", "3": "hq", "4": "oa"}, targets)
	require.Equal(t, []int{2, 2, 2, 2}, []int{owed("oa"), owed("oa?"), owed("hq"), owed("hq?")}, "other jobs are known under the old name")

	rename("b", "ding", true)
	rename("c", "ding", false) // has been known under the new name already
	require.Equal(t, []int{1, 1, 1}, []int{spans(stream("b", "hq", "dingtalk")), spans(stream("c", "oa", "dingtalk")), spans(stream("c", "hq", "dingtalk"))})
	list, err := s.Owed(ctx, stream("c", "hq", "dingtalk"))
	require.NoError(t, err)
	require.Equal(t, span(5).From.Unix(), list[0].From.Unix())

	// The last one takes the days along.
	_, err = s.RenameTarget(ctx, "c", "ding", "oa", "old")
	require.NoError(t, err)
	require.Equal(t, []int{0, 0, 2, 2, 2, 2, 2}, []int{owed("oa"), owed("oa?"), owed("hq"), owed("hq?"), owed("old"), owed("oa-2"), owed("old?")})
	require.Zero(t, owed("hq-2"))
}
