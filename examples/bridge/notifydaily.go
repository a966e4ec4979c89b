package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/scheduler"
)

// The daily line: once a day people are told that all jobs ran whole, or which did not.

// dailyJob is the name of the daily line in the scheduler, which makes sure that of several
// processes with this file one tells it, once a day, also over restarts. Files that share
// a state have no job in common.
func (c *config) dailyJob() string {
	if len(c.jobs) == 0 {
		return "(notify)"
	}
	return c.jobs[0].name + " (notify)"
}

// A dayLine is how a job stands.
type dayLine struct {
	Job      string `json:"job"`
	State    string `json:"state"`             // see below
	Written  int    `json:"written"`           // by the runs that began in the last 24 hours
	LeftOut  int    `json:"left_out"`          // by the last one
	ReadUpTo string `json:"read_up_to"`        // the job's mark; "" where it is not known
	Since    string `json:"since,omitempty"`   // since when it does not stand well, as far as is known
	Message  string `json:"message,omitempty"` // why

	readUpTo time.Time
}

// How a job may stand.
const (
	dayWhole   = "whole"       // its last run did everything
	dayFailed  = "failed"      // or not
	dayNotRun  = "not_run"     // the run that was due last was not made
	dayRunning = "running"     // or goes on
	dayUnknown = "not_run_yet" // none was due since the process, which remembers nothing, has begun
)

// dailySchedule is when the daily line is told; nil if it is not wished.
func (s *server) dailySchedule() scheduler.Schedule {
	if s.config.notify.daily == nil {
		return nil
	}
	at := int(*s.config.notify.daily)
	return scheduler.Daily(at/60, at%60, s.config.zone)
}

// lineCovers is how far back the daily line counts punches.
const lineCovers = 24 * time.Hour

// startsWithin is how long after its time a run has begun.
const startsWithin = 2 * time.Minute

// daily tells how all jobs stand that serve runs.
func (s *server) daily(ctx context.Context) error {
	now := s.now()
	lines := []dayLine{}
	for _, j := range s.config.jobs {
		if j.enabled && len(j.times) > 0 {
			lines = append(lines, s.today(ctx, j, now))
		}
	}
	n := dailyNotice(lines, s.config.zone)
	n.Ended = clockIn(now, s.config.zone)
	err := s.herald.tell(ctx, n)
	if err != nil {
		s.logger.Error("nobody could be told", "job", s.config.dailyJob(), "error", err)
	}
	return err
}

// today is how a job stands.
func (s *server) today(ctx context.Context, j *jobConfig, now time.Time) dayLine {
	due := j.due(now.Add(-startsWithin))
	if s.store == nil && due.Before(s.began) {
		due = time.Time{} // what ran before is not remembered
	}
	var runs []attendance.RunRecord
	running := false
	for r, err := range s.runsOf(ctx, j) {
		switch {
		case err != nil:
			return dayLine{Job: j.name, State: dayFailed, Message: "无法读取运行记录 / the sync log cannot be read: " + oneLine(sentence(err))}
		case r.Result == "":
			running = running || s.alive(ctx, r)
		case r.Result != attendance.ResultStopped:
			if len(runs) > 0 {
				r.Report.LeftOut = nil // thousands, perhaps, of whom only the last run's count
			}
			runs = append(runs, r)
		}
		if short, _ := shortOf(r); !short && !r.Report.Started.After(now.Add(-lineCovers)) {
			break
		}
	}
	line := dayOf(j, due, now, runs, running)
	if line.readUpTo = s.upTo(ctx, j); line.readUpTo.IsZero() && len(runs) > 0 && s.store == nil {
		line.readUpTo = runs[0].Report.Span.To
	}
	line.ReadUpTo = clockIn(line.readUpTo, j.zone)
	return line
}

// alive reports whether a run that has not ended goes on.
func (s *server) alive(ctx context.Context, r attendance.RunRecord) bool {
	state, err := s.aliveOrNot(ctx, s.store, s.lineOf(r))
	return err == nil && state == "running"
}

// upTo is the job's mark; zero where it is not known.
func (s *server) upTo(ctx context.Context, j *jobConfig) time.Time {
	if s.store == nil {
		return time.Time{}
	}
	progress, err := s.progressOf(ctx, s.store, j)
	if err != nil {
		return time.Time{}
	}
	return progress.ReadUpTo
}

// dayOf judges a job by its runs, the latest first, of which the one that was due last
// is to be among.
func dayOf(j *jobConfig, due, now time.Time, runs []attendance.RunRecord, running bool) dayLine {
	line := dayLine{Job: j.name}
	for _, r := range runs {
		if r.Report.Started.After(now.Add(-lineCovers)) {
			line.Written += r.Report.Written
		}
	}
	if len(runs) > 0 {
		line.LeftOut = len(runs[0].Report.LeftOut)
	}
	short, why := false, ""
	if len(runs) > 0 {
		short, why = shortOf(runs[0])
	}
	switch {
	case len(runs) == 0 && due.IsZero():
		line.State = dayUnknown
	case short:
		line.State, line.Message, line.Since = dayFailed, oneLine(why), clockIn(shortSince(runs), j.zone)
	case len(runs) > 0 && !runs[0].Report.Started.Before(due):
		line.State = dayWhole
	case running:
		line.State = dayRunning
	default:
		line.State, line.Since = dayNotRun, clockIn(due, j.zone)
	}
	return line
}

// shortOf reports whether a run did less than everything, and why: also rows that the
// OA's tables do not take, and what a warning says was left undone.
func shortOf(r attendance.RunRecord) (short bool, why string) {
	if r.Result == attendance.ResultOK {
		return false, ""
	}
	for _, w := range r.Report.Warnings {
		if r.Message == "" && attendance.ResultOf(attendance.Report{Warnings: []attendance.Warning{w}}, nil) != attendance.ResultOK {
			return true, w.Message
		}
	}
	return true, r.Message
}

// shortSince is when the first of the latest runs ended that did less than everything.
func shortSince(runs []attendance.RunRecord) (since time.Time) {
	for _, r := range runs {
		if short, _ := shortOf(r); !short {
			break
		}
		since = r.Report.Ended
	}
	return since
}

// dailyNotice is the notice of how the jobs stand.
func dailyNotice(lines []dayLine, zone *time.Location) notice {
	n := notice{State: "whole", Jobs: lines}
	var bad []string
	for _, l := range lines {
		if words := l.words(); words != "" {
			bad = append(bad, words)
		}
	}
	switch {
	case len(lines) == 0:
		n.State, n.Message = "incomplete", "没有任何启用且有执行时间的任务 / no job is enabled and has a time"
	case len(bad) > 0:
		n.State = "incomplete"
		n.Message = fmt.Sprintf("%d 个任务中 %d 个需要处理 / %d of %d jobs need somebody:\n%s", len(lines), len(bad), len(bad), len(lines), strings.Join(bad, "\n"))
	default:
		n.Message = wholeLine(lines, zone)
	}
	return n
}

// wholeLine says that all is well.
func wholeLine(lines []dayLine, zone *time.Location) string {
	written, left := 0, 0
	var names, running []string
	upTo := slices.MinFunc(lines, func(a, b dayLine) int { return a.readUpTo.Compare(b.readUpTo) }).readUpTo
	for _, l := range lines {
		written, left = written+l.Written, left+l.LeftOut
		names = append(names, l.Job)
		if l.State == dayRunning {
			running = append(running, l.Job)
		}
	}
	text := fmt.Sprintf("全部正常 all whole：%d 个任务 jobs（%s），24 小时内写入 written %d 条，已读至 read up to %s，未参与 left out %d 人",
		len(lines), strings.Join(names, "、"), written, cmp.Or(clockIn(upTo, zone), "-"), left)
	if len(running) > 0 {
		text += "，仍在运行 still running：" + strings.Join(running, "、")
	}
	return text
}

// words say what is wrong with a job; "" if nothing is.
func (l dayLine) words() string {
	switch l.State {
	case dayFailed:
		return fmt.Sprintf("%s：失败 failed，始于 since %s：%s", l.Job, cmp.Or(l.Since, "-"), cutText(cmp.Or(l.Message, "-"), longestReason/2))
	case dayNotRun:
		return fmt.Sprintf("%s：应于 %s 运行而未运行 / the run due then was not made；已读至 read up to %s", l.Job, l.Since, cmp.Or(l.ReadUpTo, "-"))
	case dayUnknown:
		return l.Job + "：自启动以来尚未运行，且未保存运行状态 / not run yet since the start, and nothing is remembered from before"
	default:
		return ""
	}
}
