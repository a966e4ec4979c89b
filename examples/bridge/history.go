package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// The documents of history.
type (
	historyDocument struct {
		Runs  []runLine `json:"runs"`
		Error *trouble  `json:"error,omitempty"`
	}
	// runLine is a run of the sync log; what stands below Message is told of one run only.
	runLine struct {
		ID               string                    `json:"id"`
		Job              string                    `json:"job"`
		OA               string                    `json:"oa"`
		Kind             attendance.RunKind        `json:"kind"`
		From             string                    `json:"from"`
		To               string                    `json:"to"`
		Started          string                    `json:"started"`
		Ended            string                    `json:"ended"`
		Result           string                    `json:"result"`
		Attempts         int                       `json:"attempts"`
		People           int                       `json:"people"`
		Read             int                       `json:"read"`
		Written          int                       `json:"written"`
		Corrected        int                       `json:"corrected"`
		Present          int                       `json:"present"`
		PresentFromOther int                       `json:"present_from_other"`
		Superseded       int                       `json:"superseded"`
		Removed          int                       `json:"removed"`
		Calls            int                       `json:"calls"`
		Skipped          map[attendance.Reason]int `json:"skipped"`
		Code             attendance.Code           `json:"code,omitempty"`
		Message          string                    `json:"message,omitempty"`

		LeftOut  []leftOut            `json:"left_out,omitempty"`
		Failed   []failure            `json:"failed,omitempty"`
		Warnings []attendance.Warning `json:"warnings,omitempty"`
		Slices   []sliceLine          `json:"slices,omitempty"`
	}
	sliceLine struct {
		Source    string                    `json:"source"`
		Attempt   int                       `json:"attempt"`
		Employees []string                  `json:"employees"`
		From      string                    `json:"from"`
		To        string                    `json:"to"`
		Read      int                       `json:"read"`
		Written   int                       `json:"written"`
		Present   int                       `json:"present"`
		Calls     int                       `json:"calls"`
		Skipped   map[attendance.Reason]int `json:"skipped"`
		Failed    []failure                 `json:"failed"`
	}
)

// runsShown is how many runs history lists where neither a run nor a text is asked for.
const runsShown = 100

// history shows the sync log (同步日志).
func (p *program) history(ctx context.Context) int {
	if p.command.job != "" {
		if _, err := p.config.job(p.command.job); err != nil {
			return p.misused(err)
		}
	}
	if p.config.state.driver == "none" {
		return p.misused(p.config.forgetful())
	}
	d := historyDocument{Runs: []runLine{}}
	err := p.readHistory(ctx, &d)
	if closeErr := p.close(); err == nil {
		err = closeErr
	}
	d.Error = troubleOf(err)
	if p.command.run != "" && err == nil && len(d.Runs) == 0 && p.command.grep == "" {
		return p.misused(usagef("-run %s: the sync log has no such run", p.command.run))
	}
	p.printHistory(d)
	return exitCode(err)
}

// forgetful is the fault of a file whose site remembers nothing.
func (c *config) forgetful() error {
	return &configError{file: c.file, key: "state.driver", what: "nothing is remembered (none), so there is no history",
		mend: attendance.Text{EN: "write sqlite, mysql or postgres", ZH: "请改为 sqlite、mysql 或 postgres"}}
}

func (p *program) readHistory(ctx context.Context, d *historyDocument) error {
	store, err := p.store(ctx)
	if err != nil {
		return err
	}
	filter := attendance.RunFilter{ID: p.command.run, Job: p.command.job}
	if p.command.run == "" && p.command.grep == "" {
		filter.Limit = runsShown
	}
	var unended []string
	for r, err := range store.Runs(ctx, filter) {
		if err != nil {
			return err
		}
		if r.Result == "" {
			if r.Report, err = soFar(ctx, store, r); err != nil {
				return err
			}
		}
		line := p.lineOf(r)
		if p.command.run != "" {
			if err := p.addSlices(ctx, store, &line, r.ID); err != nil {
				return err
			}
		}
		if !p.mentions(line, r) {
			continue
		}
		if r.Result == "" {
			unended = append(unended, r.ID)
		}
		d.Runs = append(d.Runs, line)
	}
	for _, id := range unended {
		i := slices.IndexFunc(d.Runs, func(l runLine) bool { return l.ID == id })
		if d.Runs[i].Result, err = p.aliveOrNot(ctx, store, d.Runs[i]); err != nil {
			return err
		}
	}
	return nil
}

// soFar adds to the report of a run that has not ended, or was killed, what its slices
// have done.
func soFar(ctx context.Context, store attendance.RunStore, r attendance.RunRecord) (attendance.Report, error) {
	sum := r.Report
	for s, err := range store.Slices(ctx, r.ID) {
		if err != nil {
			return sum, err
		}
		sum.Merge(attendance.Report{Counts: s.Report.Counts, Skipped: s.Report.Skipped, Failed: s.Report.Failed, Unwritten: s.Report.Unwritten})
	}
	return sum, nil
}

// mentions reports whether the run holds the text that was asked for, anywhere.
func (p *program) mentions(line runLine, r attendance.RunRecord) bool {
	if p.command.grep == "" {
		return true
	}
	all, err := json.Marshal([]any{line, r.Report.LeftOut, r.Report.Failed, r.Report.Unwritten, r.Report.Warnings})
	return err == nil && strings.Contains(strings.ToLower(unescaped(all)), strings.ToLower(p.command.grep))
}

// unescaped is JSON as people read it.
func unescaped(document []byte) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\"`, `"`, `\\`, `\`).Replace(string(document))
}

func (p *program) lineOf(r attendance.RunRecord) runLine {
	d := p.config.documentOf(r.Report, nil)
	zone := p.config.zoneOf(r.Report.Job)
	line := runLine{ID: r.ID, Job: d.Job, OA: r.Target, Kind: r.Kind, From: d.From, To: d.To,
		Started: clockIn(r.Report.Started, zone), Ended: clockIn(r.Report.Ended, zone), Result: string(r.Result), Attempts: r.Attempts,
		People: d.People, Read: d.Read, Written: d.Written, Corrected: d.Corrected, Present: d.Present, PresentFromOther: d.PresentFromOther,
		Superseded: d.Superseded, Removed: d.Removed, Calls: d.Calls, Skipped: d.Skipped, Code: r.Code, Message: oneLine(r.Message)}
	if p.command.run != "" {
		line.LeftOut, line.Failed, line.Warnings = d.LeftOut, d.Failed, d.Warnings
	}
	return line
}

func (p *program) addSlices(ctx context.Context, store attendance.RunStore, line *runLine, run string) error {
	for s, err := range store.Slices(ctx, run) {
		if err != nil {
			return err
		}
		one := p.config.documentOf(attendance.Report{Job: line.Job, Span: s.Report.Slice.Span, Counts: s.Report.Counts, Skipped: s.Report.Skipped, Failed: s.Report.Failed, Unwritten: s.Report.Unwritten}, nil)
		employees := make([]string, len(s.Report.Slice.Members))
		for i, m := range s.Report.Slice.Members {
			employees[i] = m.Person
		}
		line.Slices = append(line.Slices, sliceLine{s.Source, s.Attempt, employees, one.From, one.To,
			one.Read, one.Written, one.Present, one.Calls, one.Skipped, one.Failed})
	}
	return nil
}

// aliveOrNot tells a run that is at work from one that was killed: a killed one
// holds the job's lease no more, or shows no life.
func (p *program) aliveOrNot(ctx context.Context, store attendance.Store, run runLine) (string, error) {
	alive, err := attendance.Alive(ctx, store, run.Job, run.OA, run.Kind, run.ID)
	if alive {
		return "running", err
	}
	return string(attendance.ResultStopped), err
}

func (p *program) printHistory(d historyDocument) {
	if p.command.json {
		p.print(d)
		return
	}
	for _, r := range d.Runs {
		p.line("%s  %s  %s  %s  %s .. %s", r.Started, resultZH(r.Result), r.ID, r.Job, r.From, r.To)
		p.line("  %s %s: 读取 read %d, 写入 written %d, 已有 present %d, 调用 calls %d, 未同步 left out %d", r.Kind, kindZH(r.Kind), r.Read, r.Written, r.Present+r.PresentFromOther, r.Calls, len(r.LeftOut))
		if r.Message != "" {
			p.line("  %s", r.Message)
		}
		p.printRun(r)
	}
	if d.Error != nil {
		p.printEnd(nil, d.Error)
	}
}

// printRun prints what is told of one run only, as far as it holds what was asked for.
func (p *program) printRun(r runLine) {
	line := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); p.command.grep == "" || strings.Contains(strings.ToLower(text), strings.ToLower(p.command.grep)) {
			p.line("  %s", text)
		}
	}
	for _, m := range r.LeftOut {
		line("未同步 left out: %s %s %s  %s %s", m.Employee, m.Name, m.Account, m.Reason, leftOutZH(m.Reason))
	}
	for _, f := range r.Failed {
		line("未完成 failed: %s .. %s, %d 人 people %v: %s", f.From, f.To, len(f.Employees), f.Employees, oneLine(f.Message))
	}
	for _, w := range r.Warnings {
		line("警告 warning %s: %s", w.Code, oneLine(w.Message))
	}
	for _, s := range r.Slices {
		line("切片 slice %s: %s .. %s, %d 人 people %v: 读取 read %d, 写入 written %d, 调用 calls %d", s.Source, s.From, s.To, len(s.Employees), s.Employees, s.Read, s.Written, s.Calls)
	}
}

func resultZH(result string) string {
	switch attendance.Result(result) {
	case attendance.ResultOK:
		return "成功 ok"
	case attendance.ResultPartial:
		return "部分完成 partial"
	case attendance.ResultRefused:
		return "平台拒绝 refused"
	case attendance.ResultStopped:
		return "被中止 stopped"
	default:
		return "进行中 " + result
	}
}

func kindZH(kind attendance.RunKind) string {
	switch kind {
	case attendance.KindBackfill:
		return "初始同步"
	case attendance.KindReread:
		return "补读"
	case attendance.KindUndo:
		return "撤销"
	default:
		return "自动同步"
	}
}
