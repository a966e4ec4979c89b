package main

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// The documents of -json. Fields may be added, never changed.
type (
	runDocument struct {
		Job              string                    `json:"job"`
		Run              string                    `json:"run"`
		From             string                    `json:"from"`
		To               string                    `json:"to"`
		People           int                       `json:"people"`
		Read             int                       `json:"read"`
		Written          int                       `json:"written"`
		Corrected        int                       `json:"corrected"` // those of them whose row was moved
		Present          int                       `json:"present"`
		PresentFromOther int                       `json:"present_from_other"`
		Superseded       int                       `json:"superseded"`
		Removed          int                       `json:"removed"`
		PoolRows         int                       `json:"pool_rows"` // of kq_format_pool, by which the OA computes days anew
		Calls            int                       `json:"calls"`
		CheckCalls       int                       `json:"check_calls"` // those of them that only made sure of an answer
		CaughtUp         int                       `json:"caught_up"`   // people who were read further back, to caught_up_to
		CaughtUpTo       string                    `json:"caught_up_to,omitempty"`
		Skipped          map[attendance.Reason]int `json:"skipped"`
		LeftOut          []leftOut                 `json:"left_out"`
		Failed           []failure                 `json:"failed"`
		Warnings         []attendance.Warning      `json:"warnings"`
		Error            *trouble                  `json:"error,omitempty"`
	}
	leftOut struct {
		Employee string             `json:"employee_id"`
		Name     string             `json:"name"`
		Account  string             `json:"account"`
		Reason   attendance.LeftOut `json:"reason"`
	}
	failure struct {
		Employees []string        `json:"employees"`
		From      string          `json:"from"`
		To        string          `json:"to"`
		Code      attendance.Code `json:"code"`
		Message   string          `json:"message"`
	}
	trouble struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Mend    string `json:"mend"`
	}
	checkDocument struct {
		Findings []finding `json:"findings"`
	}
	finding struct {
		Code    string           `json:"code"`
		Level   attendance.Level `json:"level"`
		Message string           `json:"message"`
		Mend    string           `json:"mend"`
	}
)

func (p *program) print(document any) {
	encoder := json.NewEncoder(p.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		p.logger.Error("stdout cannot be written", "error", err)
	}
}

// troubleOf puts an error into code, words and mend.
func troubleOf(err error) *trouble {
	if err == nil {
		return nil
	}
	if attendance.CodeOf(err) == "" { // the run's own context has ended
		return &trouble{"stopped", "the run was stopped before its end / 同步被中止", "下次运行会自动补齐 / the next run completes it"}
	}
	t := &trouble{Code: string(attendance.CodeOf(err)), Message: sentence(err)}
	if e, ok := errors.AsType[*attendance.Error](err); ok {
		t.Mend = e.Remedy().String()
	}
	return t
}

// sentence is what happened, without the code and the mend, which stand beside it.
func sentence(err error) string {
	if i, ok := errors.AsType[*attendance.Incomplete](err); ok && i.First != nil {
		return fmt.Sprintf("有 %d 部分未完成 / %d parts were not done, the first because of: %s", i.Failed, i.Failed, sentence(i.First))
	}
	if e, ok := errors.AsType[*attendance.Error](err); ok {
		return e.Sentence()
	}
	return err.Error()
}

// documentOf puts a report into a document, by the clock of its job.
func (c *config) documentOf(r attendance.Report, err error) runDocument {
	zone := c.zoneOf(r.Job)
	d := runDocument{
		Job: r.Job, Run: r.Run, From: clockIn(r.Span.From, zone), To: clockIn(r.Span.To, zone), People: r.People,
		Read: r.Read, Written: r.Written, Corrected: r.Corrected, Present: r.Present, PresentFromOther: r.PresentFromOther,
		Superseded: r.Superseded, Removed: r.Removed, PoolRows: r.Queued, Calls: r.Calls + r.CheckCalls, CheckCalls: r.CheckCalls,
		CaughtUp: r.CaughtUp,
		Skipped:  map[attendance.Reason]int{}, LeftOut: []leftOut{}, Failed: []failure{}, Warnings: []attendance.Warning{},
		Error: troubleOf(err),
	}
	for reason, n := range r.Skipped {
		if n > 0 {
			d.Skipped[reason] = n
		}
	}
	for _, m := range r.LeftOut {
		d.LeftOut = append(d.LeftOut, leftOut{m.Person, m.Name, m.Account, m.LeftOut})
	}
	for _, u := range r.Unwritten {
		r.Failed = append(slices.Clip(r.Failed), u.Failure())
	}
	for _, f := range r.Failed {
		if f.Err != nil {
			f.Message = sentence(f.Err)
		}
		d.Failed = append(d.Failed, failure{append([]string{}, f.Persons...), clockIn(f.Span.From, zone), clockIn(f.Span.To, zone), f.Code, f.Message})
	}
	d.Warnings = append(d.Warnings, r.Warnings...)
	if r.CaughtUp > 0 {
		d.CaughtUpTo = attendance.DateOf(r.CaughtUpTo.In(zone)).String()
	}
	return d
}

// runID names a run: in the order of time, also of several that -now gives one second.
func (p *program) runID() string {
	var tail [6]byte
	hundredths := time.Now().UnixMilli() / 10 //nolint:forbidigo // the real clock, which -now does not stop
	binary.BigEndian.PutUint32(tail[:4], uint32(hundredths))
	_, _ = rand.Read(tail[4:]) // never fails
	return p.now().UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(tail[:])
}

// clockIn shows a time with the offset of the zone; "" is none.
func clockIn(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(time.RFC3339)
}

// line prints a line for people.
func (p *program) line(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

// printEnd prints how it ended.
func (p *program) printEnd(warnings []attendance.Warning, failure *trouble) {
	for _, w := range warnings {
		p.line("警告 warning %s: %s", w.Code, oneLine(w.Message))
	}
	if failure == nil {
		p.line("完成 done")
		return
	}
	p.line("错误 error %s: %s", failure.Code, oneLine(failure.Message))
	if failure.Mend != "" {
		p.line("处理 mend: %s", failure.Mend)
	}
}

// printReport prints what became of a run.
func (p *program) printReport(r attendance.Report, err error) {
	if p.terminal {
		fmt.Fprintln(p.err)
	}
	d := p.config.documentOf(r, err)
	if p.command.json {
		p.print(d)
		return
	}
	p.printRunDocument(d)
}

func (p *program) printRunDocument(d runDocument) {
	p.line("%s  %s .. %s", d.Job, d.From, d.To)
	p.line("  人员 people              %d", d.People)
	p.line("  读取 read                %d", d.Read)
	p.line("  写入 written             %d", d.Written)
	if d.Corrected > 0 {
		p.line("  其中更正 corrected       %d", d.Corrected)
	}
	p.line("  已有 present             %d", d.Present)
	p.line("  他源已有 from others     %d", d.PresentFromOther)
	p.line("  已被取代 superseded      %d", d.Superseded)
	p.line("  删除 removed             %d", d.Removed)
	if d.PoolRows > 0 {
		p.line("  重算排队 pool rows       %d", d.PoolRows)
	}
	p.line("  调用 calls               %d", d.Calls)
	p.line("  运行编号 run             %s", d.Run)
	if d.CaughtUp > 0 {
		p.line("  补读人员 caught up       %d  %s 起 from", d.CaughtUp, d.CaughtUpTo)
	}
	for _, reason := range slices.Sorted(maps.Keys(d.Skipped)) {
		p.line("  跳过 skipped             %d  %s %s", d.Skipped[reason], reason, reasonZH(reason))
	}
	if len(d.LeftOut) > 0 {
		p.line("未同步人员 left out (%d):", len(d.LeftOut))
		for _, m := range d.LeftOut {
			p.line("  %s %s %s  %s %s", m.Employee, m.Name, m.Account, m.Reason, leftOutZH(m.Reason))
		}
	}
	if len(d.Failed) > 0 {
		p.line("未完成 failed (%d):", len(d.Failed))
		for _, f := range d.Failed {
			p.line("  %s .. %s, %d 人 people %v: %s", f.From, f.To, len(f.Employees), f.Employees, oneLine(f.Message))
		}
	}
	p.printEnd(d.Warnings, d.Error)
}

func reasonZH(r attendance.Reason) string {
	switch r {
	case attendance.MissingPunch:
		return "缺卡"
	case attendance.Invalid:
		return "无效打卡"
	case attendance.NoDirection:
		return "无签到签退方向"
	case attendance.Abnormal:
		return "地点或 wifi 异常"
	case attendance.Future:
		return "未来时间"
	case attendance.UnknownType:
		return "未知类型"
	case attendance.OutsideWindow:
		return "不在所查时间内"
	case attendance.NotAsked:
		return "不在所查人员内"
	case attendance.SameSecond:
		return "同一秒重复"
	case attendance.Frozen:
		return "月份已封账"
	case attendance.RowRefused:
		return "目标表拒绝该行"
	case attendance.RowChanged:
		return "目标表改变了该行"
	default:
		return ""
	}
}

func leftOutZH(r attendance.LeftOut) string {
	switch r {
	case attendance.Unbound:
		return "未绑定"
	case attendance.Ambiguous:
		return "绑定不唯一"
	case attendance.Inactive:
		return "账号未激活"
	case attendance.OutOfRoster:
		return "不在 OA 花名册"
	case attendance.Refused:
		return "平台拒绝该账号"
	default:
		return ""
	}
}
