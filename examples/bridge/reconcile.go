package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// The document of reconcile.
type (
	reconcileDocument struct {
		Job          string                      `json:"job"`
		From         string                      `json:"from"`
		To           string                      `json:"to"`
		Read         int                         `json:"read"`
		Calls        int                         `json:"calls"`
		Counts       attendance.DifferenceCounts `json:"counts"`
		OnlyProvider []difference                `json:"only_provider"`
		OnlyOA       []difference                `json:"only_oa"`
		Different    []difference                `json:"different"`
		Doubled      []difference                `json:"doubled"`
		People       []peopleLine                `json:"people"`
		Departments  []peopleLine                `json:"departments"`
		LeftOut      []leftOut                   `json:"left_out"`
		Failed       []failure                   `json:"failed"`
		Warnings     []attendance.Warning        `json:"warnings"`
		Error        *trouble                    `json:"error,omitempty"`
	}
	difference struct {
		Employee   string   `json:"employee_id"`
		Time       string   `json:"time"`
		Type       string   `json:"type"`
		Name       string   `json:"name"`
		Department string   `json:"department"`
		Table      string   `json:"table"`
		Reason     string   `json:"reason,omitempty"`
		Was        string   `json:"was,omitempty"` // where the OA's row stands, if elsewhere
		Rows       []oaLine `json:"rows"`
	}
	oaLine struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		SignFrom string `json:"sign_from"`
		Ours     bool   `json:"ours"`
	}
	// peopleLine counts for one person, or for one department.
	peopleLine struct {
		Employee   string `json:"employee_id,omitempty"`
		Name       string `json:"name,omitempty"`
		Department string `json:"department"`
		People     int    `json:"people"`
		attendance.DifferenceCounts
	}
)

// differencesShown is how many of a kind the text lists.
const differencesShown = 50

// reconcile compares the provider with the OA. It writes nothing.
func (p *program) reconcile(ctx context.Context) int {
	job, err := p.config.job(p.command.job)
	if err != nil {
		return p.misused(err)
	}
	w, err := p.prepare(job)
	if err != nil {
		return p.misused(err)
	}
	window, err := p.named(w)
	if err != nil {
		return p.misused(err)
	}
	d := &reconcileDocument{OnlyProvider: []difference{}, OnlyOA: []difference{}, Different: []difference{}, Doubled: []difference{}}
	out := p.table(p.command.csv, "difference", "employee_id", "name", "department", "table", "time", "type", "reason", "was", "sign_from")
	r, err := p.reconciled(ctx, w, window, func(one attendance.Difference) {
		line := w.difference(one)
		if !p.command.csv {
			d.add(one.Kind, line, p.command.json)
		}
		out.row(line.cells(one)...)
	})
	err = p.closed(out, err)
	d.end(r, p.config.documentOf(r.Report, err))
	code := runExit(r.Report, err)
	if r.Sum() > 0 {
		code = max(code, exitPartial)
	}
	p.printReconcile(d)
	return code
}

func (p *program) reconciled(ctx context.Context, w *work, window attendance.Window, visit func(attendance.Difference)) (attendance.Reconciliation, error) {
	families, err := p.families(ctx, w, task{units: w.units(), window: window, kind: attendance.KindBackfill, preview: true})
	if err != nil {
		span, _ := window.Span(attendance.Moment{Now: p.now()})
		return attendance.Reconciliation{Report: attendance.Report{Job: w.job.name, Span: span}}, err
	}
	return attendance.ReconcileTogether(ctx, w.people(w.units()), window, visit, families...)
}

func (w *work) difference(d attendance.Difference) difference {
	line := difference{Employee: d.Member.Person, Time: clockIn(d.Time, w.job.zone), Type: signType(d.Direction), Name: d.Member.Name, Department: d.Member.Unit,
		Table: d.Table, Reason: string(d.Reason), Was: clockIn(d.Was, w.job.zone), Rows: []oaLine{}}
	for _, r := range d.Rows {
		line.Rows = append(line.Rows, oaLine{r.ID, signType(r.Direction), r.Tag, r.Ours})
	}
	return line
}

func (l difference) cells(d attendance.Difference) []string {
	tags := make([]string, len(d.Rows))
	for i, r := range d.Rows {
		tags[i] = r.Tag
	}
	return []string{string(d.Kind), l.Employee, shown(l.Name), shown(l.Department), l.Table, l.Time, l.Type, l.Reason, l.Was, shown(strings.Join(tags, " "))}
}

// add keeps a difference: all of them for the document, some for the text.
func (d *reconcileDocument) add(kind attendance.DifferenceKind, line difference, all bool) {
	list := map[attendance.DifferenceKind]*[]difference{attendance.OnlyProvider: &d.OnlyProvider, attendance.OnlyTarget: &d.OnlyOA,
		attendance.Different: &d.Different, attendance.Doubled: &d.Doubled}[kind]
	if all || len(*list) < differencesShown {
		*list = append(*list, line)
	}
}

func (d *reconcileDocument) end(r attendance.Reconciliation, run runDocument) {
	d.Job, d.From, d.To, d.Read, d.Calls = run.Job, run.From, run.To, run.Read, run.Calls
	d.LeftOut, d.Failed, d.Warnings, d.Error = run.LeftOut, run.Failed, run.Warnings, run.Error
	d.Counts = r.DifferenceCounts
	d.People, d.Departments = []peopleLine{}, []peopleLine{}
	for _, p := range r.Persons {
		d.People = append(d.People, peopleLine{p.Member.Person, p.Member.Name, p.Member.Unit, 1, p.DifferenceCounts})
	}
	for _, u := range r.Units {
		d.Departments = append(d.Departments, peopleLine{"", "", u.Unit, u.People, u.DifferenceCounts})
	}
	for _, list := range [][]difference{d.OnlyProvider, d.OnlyOA, d.Different, d.Doubled} {
		slices.SortStableFunc(list, func(a, b difference) int { return strings.Compare(a.Time+" "+a.Employee, b.Time+" "+b.Employee) })
	}
}

func (p *program) printReconcile(d *reconcileDocument) {
	switch {
	case p.command.json:
		p.print(d)
		return
	case p.command.csv: // stdout is the table
		p.beside(d.Failed, d.Warnings, d.Error)
		return
	}
	p.line("对账 reconcile（不写入任何数据 / nothing is written）  %s  %s .. %s", d.Job, d.From, d.To)
	p.line("  读取 read %d, 调用 calls %d, 未同步 left out %d", d.Read, d.Calls, len(d.LeftOut))
	p.line("  仅平台有 only at the provider %d, 仅 OA 有 only in the OA %d, 不一致 different %d, 重复 doubled %d", d.Counts.OnlyProvider, d.Counts.OnlyTarget, d.Counts.Different, d.Counts.Doubled)
	for _, u := range d.Departments {
		p.line("部门 department %s: %d 人 people, %s", orDash(u.Department), u.People, countsZH(u.DifferenceCounts))
	}
	for _, l := range d.People {
		p.line("  %s %s %s: %s", l.Employee, l.Name, l.Department, countsZH(l.DifferenceCounts))
	}
	for _, list := range []struct {
		title string
		all   int
		shown []difference
	}{{"仅平台有 only at the provider", d.Counts.OnlyProvider, d.OnlyProvider}, {"仅 OA 有 only in the OA", d.Counts.OnlyTarget, d.OnlyOA},
		{"不一致 different", d.Counts.Different, d.Different}, {"重复 doubled", d.Counts.Doubled, d.Doubled}} {
		if list.all == 0 {
			continue
		}
		p.line("%s (%d):", list.title, list.all)
		for _, l := range list.shown {
			p.line("  %s %s  %s  %s  %s", l.Employee, l.Name, l.Time, typeZH(l.Type), l.explained())
		}
		if more := list.all - len(list.shown); more > 0 {
			p.line("  另有 and %d more: -csv", more)
		}
	}
	for _, f := range d.Failed {
		p.line("未比对 not compared: %s .. %s, %d 人 people %v: %s", f.From, f.To, len(f.Employees), f.Employees, oneLine(f.Message))
	}
	p.printEnd(d.Warnings, d.Error)
}

func countsZH(c attendance.DifferenceCounts) string {
	return "平台 " + strconv.Itoa(c.OnlyProvider) + ", OA " + strconv.Itoa(c.OnlyTarget) + ", 不一致 " + strconv.Itoa(c.Different) + ", 重复 " + strconv.Itoa(c.Doubled)
}

func (l difference) explained() string {
	text := map[attendance.DifferenceReason]string{
		attendance.TimeDiffers:      "OA 行的时间不同 the row stands at " + l.Was,
		attendance.DirectionDiffers: "签到签退方向不同 the row has the other direction",
		attendance.ContentDiffers:   "地点、方向或人员不同 place, direction or person differ",
		attendance.RowHidden:        "OA 行被置为无效 the row is marked invalid (isInCom)",
		attendance.NoAnswer:         "平台无此人任何打卡，请核对账号 the platform has nothing of this person: check the account",
	}[attendance.DifferenceReason(l.Reason)]
	for _, r := range l.Rows {
		text += "  " + l.Table + " " + r.ID + " " + orDash(r.SignFrom)
	}
	return strings.TrimSpace(text)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
