package main

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// How a job stands, by its runs.
func TestDayOf(t *testing.T) {
	t.Parallel()
	now := noon() // the 9th, 12:00
	due := now.Add(-12*time.Hour - 30*time.Minute)
	run := func(ago time.Duration, result attendance.Result, more ...func(*attendance.RunRecord)) attendance.RunRecord {
		r := attendance.RunRecord{Result: result, Report: attendance.Report{Started: now.Add(-ago), Ended: now.Add(-ago + time.Minute)}}
		r.Report.Written, r.Report.LeftOut = 10, make([]attendance.Member, 3)
		for _, f := range more {
			f(&r)
		}
		return r
	}
	ok, partial := attendance.ResultOK, attendance.ResultPartial
	short := func(r *attendance.RunRecord) {
		r.Result = partial
		r.Report.Warnings = []attendance.Warning{attendance.Warningf("beyond_horizon", "too long ago")}
	}
	half, day := 12*time.Hour, 24*time.Hour
	for name, c := range map[string]struct {
		due     time.Time
		runs    []attendance.RunRecord
		running bool
		want    dayLine
	}{
		"whole":                           {due, []attendance.RunRecord{run(half, ok), run(half+day, ok)}, false, dayLine{State: dayWhole, Written: 10, LeftOut: 3}},
		"twice a day":                     {due, []attendance.RunRecord{run(time.Hour, ok), run(half, ok)}, false, dayLine{State: dayWhole, Written: 20, LeftOut: 3}},
		"whole again":                     {due, []attendance.RunRecord{run(half, ok), run(half+time.Hour, partial)}, false, dayLine{State: dayWhole, Written: 20, LeftOut: 3}},
		"failed":                          {due, []attendance.RunRecord{run(half, partial, func(r *attendance.RunRecord) { r.Message = "no\nright" }), run(half+day, partial), run(half+2*day, ok)}, false, dayLine{State: dayFailed, Written: 10, LeftOut: 3, Message: "no right", Since: "2026-03-08T00:01:00+08:00"}},
		"a warning that needs somebody":   {due, []attendance.RunRecord{run(half, ok, short), run(half+day, ok)}, false, dayLine{State: dayFailed, Written: 10, LeftOut: 3, Message: "too long ago", Since: "2026-03-09T00:01:00+08:00"}},
		"the last one was not made":       {due, []attendance.RunRecord{run(half+day, ok)}, false, dayLine{State: dayNotRun, LeftOut: 3, Since: "2026-03-08T23:30:00+08:00"}},
		"it was never run":                {due, nil, false, dayLine{State: dayNotRun, Since: "2026-03-08T23:30:00+08:00"}},
		"the last one goes on":            {due, []attendance.RunRecord{run(half+day, ok)}, true, dayLine{State: dayRunning, LeftOut: 3}},
		"nothing was due, and none known": {time.Time{}, nil, false, dayLine{State: dayUnknown}},
	} {
		c.want.Job = "j"
		require.Equal(t, c.want, dayOf(&jobConfig{name: "j", zone: beijing()}, c.due, now, c.runs, c.running), name)
	}
}

func TestDailyNotice(t *testing.T) {
	t.Parallel()
	whole := dayLine{Job: "钉钉", State: dayWhole, Written: 300, LeftOut: 2, readUpTo: noon()}
	running := dayLine{Job: "企微", State: dayRunning, Written: 70, readUpTo: noon().Add(-time.Hour)}
	n := dailyNotice([]dayLine{whole, running}, beijing())
	require.Equal(t, "whole", n.State)
	require.Equal(t, "全部正常 all whole：2 个任务 jobs（钉钉、企微），24 小时内写入 written 370 条，已读至 read up to 2026-03-09T11:00:00+08:00，未参与 left out 2 人，仍在运行 still running：企微", n.Message)
	require.Equal(t, "【考勤同步 punchbridge】"+n.Message, n.text())
	n = dailyNotice([]dayLine{whole, {Job: "x", State: dayFailed, Message: "权限 permission", Since: "S"}, {Job: "y", State: dayNotRun, Since: "D"}, {Job: "z", State: dayUnknown}}, beijing())
	require.Equal(t, "incomplete", n.State)
	require.Equal(t, "4 个任务中 3 个需要处理 / 3 of 4 jobs need somebody:\nx：失败 failed，始于 since S：权限 permission\ny：应于 D 运行而未运行 / the run due then was not made；已读至 read up to -\nz：自启动以来尚未运行，且未保存运行状态 / not run yet since the start, and nothing is remembered from before", n.Message)
	require.Equal(t, "incomplete", dailyNotice(nil, beijing()).State)
}

// The daily line goes by what the runs of the last day did.
func TestTheDailyLine(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"", "{driver: none}"} {
		of := wecomRobot()
		s := newSite(t, "e8")
		s.ordinary()
		s.state = state
		s.job = append(s.job, `at: "23:30"`)
		s.head = "notify: {url: '" + of.listen(t) + "', daily: '09:00'}\n"
		s.now = at(t, "06 12:00:00")
		server, w, _ := s.serving()
		s.now = at(t, "06 23:30:00")
		require.NoError(t, server.perform(t.Context(), w, w.task()))
		s.now = at(t, "07 09:00:00")
		require.NoError(t, server.daily(t.Context()))
		require.Equal(t, []string{"【考勤同步 punchbridge】全部正常 all whole：1 个任务 jobs（daily），24 小时内写入 written 50 条，已读至 read up to 2026-03-06T23:30:00+08:00，未参与 left out 0 人"}, of.shown(), state)
		s.now = at(t, "08 09:00:00")
		require.NoError(t, server.daily(t.Context()))
		require.Contains(t, of.shown()[1], "daily：应于 2026-03-07T23:30:00+08:00 运行而未运行")
		s.now = at(t, "08 23:30:00")
		s.exec(`ALTER TABLE HrmScheduleSign RENAME TO hidden`)
		require.Error(t, server.perform(t.Context(), w, w.task()))
		require.Len(t, of.shown(), 3)
		s.now = at(t, "09 09:00:00")
		require.NoError(t, server.daily(t.Context()))
		require.Contains(t, of.shown()[3], "1 个任务中 1 个需要处理")
		require.Contains(t, of.shown()[3], "daily：失败 failed，始于 since 2026-03-08T23:30:00+08:00")
	}
}

// Once a day, also over restarts and with two processes; and not at all unless it is wished.
func TestTheDailyLineIsToldOnce(t *testing.T) {
	t.Parallel()
	s := newServedSite(t)
	of := wecomRobot()
	told := httptest.NewServer(of)
	t.Cleanup(told.Close)
	s.head = fmt.Sprintf("notify: {url: '%s%s', daily: '%s'}\n", told.URL, of.path(), time.Now().In(beijing()).Add(-time.Minute).Format("15:04"))
	s.owe()
	s.oweJob("daily (notify)")
	path := s.write()
	first, _ := s.serveFile(path)
	second, _ := s.serveFile(path)
	eventually(t, func() bool { return len(of.shown()) > 0 }, "told")
	eventually(t, func() bool { return len(s.rows(signRows)) == 3 }, "the job runs as well")
	time.Sleep(500 * time.Millisecond)
	require.Zero(t, stop(t, first))
	require.Zero(t, stop(t, second))
	again, _ := s.serveFile(path)
	time.Sleep(time.Second)
	require.Zero(t, stop(t, again))
	require.Len(t, of.shown(), 1)
	require.Contains(t, of.shown()[0], "【考勤同步 punchbridge】")
}
