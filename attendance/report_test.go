package attendance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

func TestReportsMerge(t *testing.T) {
	left := attendance.Member{Person: "2", LeftOut: attendance.Unbound}
	a := attendance.Report{Job: "hq", People: 3, Counts: attendance.Counts{Read: 4, Written: 3, Calls: 1}, Skipped: map[attendance.Reason]int{attendance.Invalid: 1}, LeftOut: []attendance.Member{left}}
	b := attendance.Report{People: 3, Counts: attendance.Counts{Read: 2, Written: 1, Calls: 2}, Skipped: map[attendance.Reason]int{attendance.Invalid: 1}, LeftOut: []attendance.Member{left}, Failed: []attendance.Failure{{Message: "forbidden"}}}
	a.Merge(b)
	require.Equal(t, attendance.Counts{Read: 6, Written: 4, Calls: 3}, a.Counts)
	require.Equal(t, 2, a.Skipped[attendance.Invalid])
	require.Equal(t, []attendance.Member{left}, a.LeftOut)
	require.Equal(t, "6 read, 4 written, 0 there already; skipped: 2 invalid; 1 left out: 2 (unbound); 1 failed: forbidden", a.String())
}

func TestReportText(t *testing.T) {
	left := make([]attendance.Member, 5)
	for i := range left {
		left[i] = attendance.Member{Person: string(rune('a' + i)), LeftOut: attendance.Unbound}
	}
	r := attendance.Report{Counts: attendance.Counts{Read: 1234567, Written: 999, PresentFromOther: 1, Superseded: 2, Removed: 3}, LeftOut: left}
	require.Equal(t, "1,234,567 read, 999 written, 0 there already, 1 from other writers, 2 superseded, 3 removed; 5 left out: a (unbound), b (unbound), c (unbound), d (unbound), e (unbound)", r.String())
	r.LeftOut = append(r.LeftOut, left[0])
	require.Contains(t, r.String(), "e (unbound), ...")
	r.Warnings = []attendance.Warning{attendance.Warningf("low_day", "a"), attendance.Warningf("frozen", "b"), attendance.Warningf("low_day", "c")}
	require.Regexp(t, `; warnings: low_day \(2\), frozen$`, r.String())

	w := attendance.Warningf("x", "x")
	a := attendance.Report{Started: march(2, 0, 0), Ended: march(3, 0, 0), People: 3, Slices: 1, Warnings: []attendance.Warning{w}}
	b := attendance.Report{Span: attendance.Span{From: march(1, 0, 0), To: march(2, 0, 0)}, Started: march(1, 0, 0), Ended: march(4, 0, 0), People: 2, Slices: 2, Warnings: []attendance.Warning{w},
		Counts: attendance.Counts{PresentFromOther: 1, Superseded: 2, Removed: 3, CheckCalls: 4}}
	a.Merge(b)
	require.Equal(t, attendance.Report{Span: b.Span, Started: march(1, 0, 0), Ended: march(4, 0, 0), People: 3, Slices: 3, Warnings: []attendance.Warning{w}, Counts: b.Counts}, a)
}

func TestMergeLeavesCopiesAlone(t *testing.T) {
	a := attendance.Report{Job: "hq", Source: "d", Skipped: map[attendance.Reason]int{attendance.Invalid: 1}}
	var total attendance.Report
	total.Merge(a)
	require.Equal(t, a, total)
	total.Merge(a)
	require.Equal(t, 2, total.Skipped[attendance.Invalid])
	require.Equal(t, 1, a.Skipped[attendance.Invalid])
}
