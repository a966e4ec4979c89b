package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// newYork changes its clocks on 8 March 2026; where the machine has no time zone
// database it is an offset.
func newYork() *time.Location {
	if loc, err := time.LoadLocation("America/New_York"); err == nil {
		return loc
	}
	return time.FixedZone("-05:00", -5*3600)
}

func failure(zone *time.Location) attendance.Failure {
	return attendance.Failure{
		Persons: []string{"1", "2"}, Code: attendance.CodeUnavailable, Message: `读取失败 "5xx" \ 😀`, Err: errors.New("not kept"),
		Span: attendance.Span{From: time.Date(2026, 3, 7, 0, 0, 0, 0, zone), To: time.Date(2026, 3, 10, 0, 0, 0, 0, zone)},
	}
}

// fullRun is a record with something in each field.
func fullRun(id string) attendance.RunRecord {
	zone := time.FixedZone("UTC+8", 8*3600)
	return attendance.RunRecord{
		ID: id, Kind: attendance.KindBackfill, Target: "oa", Plan: "2026-03-01 2026-03-31 *", Attempts: 2, Result: attendance.ResultPartial,
		Code: attendance.CodeUnavailable, Message: "三个部分失败: it's \"busy\" 😀",
		Report: attendance.Report{
			Job: "hq", Source: "dingtalk", Span: attendance.Span{From: time.Date(2026, 3, 1, 0, 0, 0, 0, zone), To: time.Date(2026, 4, 1, 0, 0, 0, 0, zone)},
			Started: at(0), Ended: at(3600), People: 3, Slices: 4,
			Counts:  attendance.Counts{Read: 1, Written: 2, Corrected: 3, Present: 4, PresentFromOther: 5, Superseded: 6, Removed: 7, Calls: 8, CheckCalls: 9},
			Skipped: map[attendance.Reason]int{attendance.Future: 1, attendance.SameSecond: 2},
			LeftOut: []attendance.Member{{Person: "3", Account: "c", Name: "王五", Key: "A003", Unit: "总部/研发", LeftOut: attendance.Ambiguous}, {Person: "4", LeftOut: attendance.Unbound}},
			Failed:  []attendance.Failure{failure(newYork()), failure(zone)}, Warnings: []attendance.Warning{{Code: "low_day", Message: "<昨天> & 少"}},
		},
	}
}

// fullSlice is the i-th record of a slice, with something in each field.
func fullSlice(i int) attendance.SliceRecord {
	f := failure(newYork())
	return attendance.SliceRecord{
		Source: "dingtalk", Attempt: 1 + i%2, At: at(i),
		Report: attendance.SliceReport{
			Slice:  attendance.Slice{Members: []attendance.Member{{Person: "1", Account: "a", Name: "张三", Key: "A001", Unit: "总部"}, {Person: fmt.Sprint(i), Account: "b"}}, Span: f.Span},
			Counts: attendance.Counts{Read: i, Written: 2, Corrected: 3, Present: 4, PresentFromOther: 5, Superseded: 6, Removed: 7, Calls: 8, CheckCalls: 9},
			Skipped: map[attendance.Reason]int{
				attendance.Future: 1,
			},
			Refused: []attendance.Member{{Person: "2", Account: "b"}}, Failed: []attendance.Failure{f},
			Days: []attendance.PersonDay{{Person: "1", Day: day(7)}}, Warnings: []attendance.Warning{{Code: "c", Message: "m"}},
		},
	}
}

// sameRun compares all but the errors themselves, which no store keeps.
func sameRun(t testing.TB, got, want attendance.RunRecord) {
	t.Helper()
	if got.Report.Started.Location() != time.UTC || got.Report.Ended.Location() != time.UTC {
		t.Fatalf("%v and %v are not in UTC", got.Report.Started, got.Report.Ended)
	}
	sameSpan(t, &got.Report.Span, &want.Report.Span)
	sameFailures(t, got.Report.Failed, want.Report.Failed)
	got.Report.Failed, want.Report.Failed = nil, nil
	equal(t, "run", got, want)
}

func sameSlice(t testing.TB, got, want attendance.SliceRecord) {
	t.Helper()
	sameSpan(t, &got.Report.Slice.Span, &want.Report.Slice.Span)
	sameFailures(t, got.Report.Failed, want.Report.Failed)
	got.Report.Failed, want.Report.Failed = nil, nil
	equal(t, "slice", got, want)
}

func sameFailures(t testing.TB, got, want []attendance.Failure) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	equal(t, "failures", len(got), len(want))
	for i := range got {
		equal(t, "the error itself is not kept", got[i].Err, nil)
		want[i].Err = nil
		sameSpan(t, &got[i].Span, &want[i].Span)
		equal(t, "failure", got[i], want[i])
	}
}

// sameSpan compares instants and wall clocks, and zeroes both.
func sameSpan(t testing.TB, got, want *attendance.Span) {
	t.Helper()
	for _, pair := range [][2]time.Time{{got.From, want.From}, {got.To, want.To}} {
		_, a := pair[0].Zone()
		_, b := pair[1].Zone()
		if !pair[0].Equal(pair[1]) || a != b {
			t.Fatalf("span %v became %v", want, got)
		}
	}
	if name := want.Zone().String(); strings.Contains(name, "/") && got.Zone().String() != name {
		t.Fatalf("the zone %s became %s", name, got.Zone())
	}
	if got.Zone().String() == "Local" {
		t.Fatalf("%v is in the zone of the machine", got)
	}
	*got, *want = attendance.Span{}, attendance.Span{}
}

// begun is a record of a run that begins.
func begun(id string, started time.Time) attendance.RunRecord {
	return attendance.RunRecord{ID: id, Kind: attendance.KindRun, Target: "oa", Plan: "p", Attempts: 1, Report: attendance.Report{Job: "hq", Source: "dingtalk", Started: started, Span: span(-10, 0)}}
}

// ids are those of the runs that the filter asks for.
func ids(t testing.TB, s attendance.Store, f attendance.RunFilter) string {
	t.Helper()
	var list []string
	for _, r := range all(t, s.Runs(background(), f)) {
		list = append(list, r.ID)
	}
	return strings.Join(list, " ")
}

func beginAndEnd(t testing.TB, s attendance.Store) {
	only := func() attendance.RunRecord {
		t.Helper()
		runs := all(t, s.Runs(background(), attendance.RunFilter{}))
		equal(t, "runs", len(runs), 1)
		return runs[0]
	}
	ok(t, s.BeginRun(background(), begun("r", at(0))))
	sameRun(t, only(), begun("r", at(0)))
	ended := fullRun("r")
	ended.Attempts = 1
	ok(t, s.EndRun(background(), ended))
	sameRun(t, only(), ended)
	again := begun("r", at(500))
	again.Attempts, again.Kind, again.Target, again.Plan, again.Result, again.Code, again.Report.Job = 2, "no", "no", "no", "no", "no", "no"
	ok(t, s.BeginRun(background(), again))
	ended.Attempts, ended.Report.Started, ended.Result = 2, at(500), ""
	sameRun(t, only(), ended)
	equal(t, "unended", ids(t, s, attendance.RunFilter{Unended: true}), "r")
	equal(t, "runs that began since the attempt", ids(t, s, attendance.RunFilter{Since: at(500)}), "r")
	ended.Result = attendance.ResultOK
	ended.Code, ended.Message = "", ""
	ended.Report.Failed, ended.Report.LeftOut = nil, nil
	ok(t, s.EndRun(background(), ended))
	sameRun(t, only(), ended)
	equal(t, "unended", ids(t, s, attendance.RunFilter{Unended: true}), "")
}

func filtered(t testing.TB, s attendance.Store) {
	equal(t, "runs at first", ids(t, s, attendance.RunFilter{}), "")
	for i, r := range []attendance.RunRecord{begun("c", at(30)), begun("a", at(10)), begun("e", at(50)), begun("d", at(40)), begun("b", at(20))} {
		switch r.ID {
		case "b":
			r.Report.Job = "HQ"
		case "c":
			r.Target, r.Plan = "oa2", "P"
		case "d":
			r.Kind = attendance.KindReread
		}
		ok(t, s.BeginRun(background(), r))
		if i == 1 {
			r.Result = attendance.ResultOK
			ok(t, s.EndRun(background(), r))
		}
	}
	for _, c := range []struct {
		filter attendance.RunFilter
		want   string
	}{
		{attendance.RunFilter{}, "e d c b a"},
		{attendance.RunFilter{Limit: 2}, "e d"},
		{attendance.RunFilter{Limit: 9}, "e d c b a"},
		{attendance.RunFilter{ID: "d"}, "d"},
		{attendance.RunFilter{ID: "D"}, ""},
		{attendance.RunFilter{Job: "hq"}, "e d c a"},
		{attendance.RunFilter{Job: "HQ"}, "b"},
		{attendance.RunFilter{Target: "oa2"}, "c"},
		{attendance.RunFilter{Kind: attendance.KindReread}, "d"},
		{attendance.RunFilter{Plan: "p"}, "e d b a"},
		{attendance.RunFilter{Unended: true}, "e d c b"},
		{attendance.RunFilter{Since: at(20)}, "e d c b"},
		{attendance.RunFilter{Until: at(40)}, "c b a"},
		{attendance.RunFilter{Since: at(20).In(time.FixedZone("", 3600)), Until: at(40)}, "c b"},
		{attendance.RunFilter{Job: "hq", Target: "oa", Kind: attendance.KindRun, Plan: "p", Unended: true, Since: at(0), Until: at(99), Limit: 1}, "e"},
	} {
		equal(t, fmt.Sprintf("runs of %+v", c.filter), ids(t, s, c.filter), c.want)
	}
}

func runRoundTrip(t testing.TB, s attendance.Store) {
	want := map[string]attendance.RunRecord{}
	for i, text := range strange() {
		r := fullRun("r" + text)
		r.Report.Started = at(i)
		if i%2 == 1 && printable(text) {
			r.Message, r.Plan, r.Target, r.Report.Job = text, text, text, text
			r.Report.LeftOut[0].Name = text
		}
		want[r.ID] = r
		ok(t, s.EndRun(background(), r))
	}
	bare := attendance.RunRecord{ID: "bare", Report: attendance.Report{Started: at(0)}}
	want["bare"] = bare
	ok(t, s.EndRun(background(), bare))
	runs := all(t, s.Runs(background(), attendance.RunFilter{}))
	equal(t, "runs", len(runs), len(want))
	for _, r := range runs {
		sameRun(t, r, want[r.ID])
	}
	for _, text := range []string{"Zhang", "zhang "} {
		equal(t, "id", ids(t, s, attendance.RunFilter{ID: "r" + text}), "r"+text)
	}
}

func slicesInOrder(t testing.TB, s attendance.Store) {
	const n = 130
	ok(t, s.BeginRun(background(), begun("r", at(0))))
	for i := range n {
		ok(t, s.AddSlice(background(), "r", fullSlice(n-i))) // the order is not that of At
		if i%10 == 0 {
			ok(t, s.AddSlice(background(), "R", fullSlice(i)))
		}
	}
	i := 0
	for got, err := range s.Slices(background(), "r") {
		ok(t, err)
		sameSlice(t, got, fullSlice(n-i))
		if i++; i%50 < 2 {
			ok(t, s.AddSlice(background(), "other", fullSlice(1)))
		}
	}
	equal(t, "slices", i, n)
	equal(t, "slices of the other run", len(all(t, s.Slices(background(), "R"))), n/10)
	equal(t, "slices of nobody's run", len(all(t, s.Slices(background(), "nobody's"))), 0)
	ok(t, s.AddSlice(background(), "r", fullSlice(n)))
	ok(t, s.AddSlice(background(), "r", fullSlice(n)))
	equal(t, "slices after two that are alike", len(all(t, s.Slices(background(), "r"))), n+2)
}

func longReport(t testing.TB, s attendance.Store) {
	r := fullRun("r")
	for i := range 5000 {
		r.Report.LeftOut = append(r.Report.LeftOut, attendance.Member{Person: fmt.Sprint(i), Name: "欧阳娜娜", Key: "工号" + fmt.Sprint(i), Unit: "集团总部/信息中心", LeftOut: attendance.Unbound})
	}
	r.Message = strings.Repeat("很长的消息", 5000)
	ok(t, s.EndRun(background(), r))
	runs := all(t, s.Runs(background(), attendance.RunFilter{}))
	equal(t, "runs", len(runs), 1)
	if !strings.HasPrefix(r.Message, runs[0].Message) || len(runs[0].Message) < 200 {
		t.Fatalf("the message has become %d bytes", len(runs[0].Message))
	}
	runs[0].Message = r.Message // may be cut
	if !reflect.DeepEqual(runs[0].Report.LeftOut, r.Report.LeftOut) {
		t.Fatalf("%d people left out became %d", len(r.Report.LeftOut), len(runs[0].Report.LeftOut))
	}
	sameRun(t, runs[0], r)
}

func runsLoop(t testing.TB, s attendance.Store) {
	const n = 70
	for i := range n {
		ok(t, s.BeginRun(background(), begun(fmt.Sprint(100+i), at(i/3))))
	}
	runs := s.Runs(background(), attendance.RunFilter{})
	var order []string
	for r, err := range runs {
		ok(t, err)
		if len(order)%20 < 2 {
			r.Result = attendance.ResultOK
			ok(t, s.EndRun(background(), r))
		}
		order = append(order, r.ID)
	}
	equal(t, "runs", len(slices.Compact(slices.Sorted(slices.Values(order)))), n)
	for r, err := range runs {
		ok(t, err)
		equal(t, "the first one again", r.ID, order[0])
		break
	}
	ok(t, s.AddSlice(background(), "100", fullSlice(1)))
	ok(t, s.AddSlice(background(), "100", fullSlice(2)))
	for _, err := range s.Slices(background(), "100") {
		ok(t, err)
		break
	}
	ok(t, s.BeginRun(background(), begun("after a break", at(0))))
	equal(t, "more than a page, limited", len(all(t, s.Runs(background(), attendance.RunFilter{Limit: 45}))), 45)
}

func pruned(t testing.TB, s attendance.Store) {
	for _, id := range []string{"1", "2", "3"} {
		started := at(10 * int(id[0]-'0'))
		ok(t, s.BeginRun(background(), begun(id, started)))
		ok(t, s.AddSlice(background(), id, fullSlice(1000)))
	}
	count := func(want string) {
		t.Helper()
		var got []string
		for _, id := range []string{"1", "2", "3"} {
			got = append(got, fmt.Sprint(len(all(t, s.Slices(background(), id)))))
		}
		equal(t, "runs, slices of each", ids(t, s, attendance.RunFilter{})+"; "+strings.Join(got, " "), want)
	}
	ok(t, s.Prune(background(), time.Time{}, time.Time{}))
	count("3 2 1; 1 1 1")
	ok(t, s.Prune(background(), at(10), at(10)))
	count("3 2 1; 1 1 1")
	ok(t, s.Prune(background(), at(30), at(20)))
	count("3 2; 0 0 1")
	ok(t, s.Prune(background(), at(20), at(31)))
	count("; 0 0 0")
}
