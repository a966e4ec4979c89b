package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// The document of preview.
type (
	previewDocument struct {
		runDocument
		Rows []rowLine `json:"rows"`
	}
	rowLine struct {
		Table    string            `json:"table"`
		Employee string            `json:"employee_id"`
		Type     string            `json:"type"`
		Time     string            `json:"time"`
		Action   attendance.Action `json:"action"`
		Was      string            `json:"was,omitempty"` // where a row stands that would be moved
	}
)

// preview tells what a run, or a backfill of the days that are named, would write. It
// writes nothing, and remembers nothing but the calls it made.
func (p *program) preview(ctx context.Context) int {
	job, err := p.config.job(p.command.job)
	if err != nil {
		return p.misused(err)
	}
	w, err := p.prepare(job)
	if err != nil {
		return p.misused(err)
	}
	t := w.task()
	if p.command.from != (attendance.Date{}) {
		if t.window, err = p.named(w); err != nil {
			return p.misused(err)
		}
		t.kind = attendance.KindBackfill
	}
	t.preview = true
	rows := []rowLine{}
	report, err := p.previewed(ctx, w, t, &rows)
	if closeErr := p.close(); err == nil {
		err = closeErr
	}
	slices.SortStableFunc(rows, func(a, b rowLine) int {
		return strings.Compare(a.Time+" "+a.Employee+" "+a.Table, b.Time+" "+b.Employee+" "+b.Table)
	})
	d := p.config.documentOf(report, err)
	d.Run = "" // there was none
	p.printPreview(previewDocument{d, rows})
	return runExit(report, err)
}

func (p *program) previewed(ctx context.Context, w *work, t task, rows *[]rowLine) (attendance.Report, error) {
	t.observe = func(e attendance.Event) {
		for _, r := range e.Slice.Rows {
			line := rowLine{Table: r.Table, Employee: r.Person, Type: signType(r.Direction), Time: clockIn(r.Time, w.job.zone), Action: r.Action}
			if !r.Was.IsZero() {
				line.Was = clockIn(r.Was, w.job.zone)
			}
			*rows = append(*rows, line)
		}
	}
	families, err := p.families(ctx, w, t)
	if err != nil {
		span, _ := t.window.Span(attendance.Moment{Now: p.now()})
		return attendance.Report{Job: w.job.name, Span: span}, err
	}
	return attendance.PreviewTogether(ctx, w.people(t.units), t.window, families...)
}

// signType is the direction as the OA writes it.
func signType(d attendance.Direction) string {
	switch d {
	case attendance.In:
		return "1"
	case attendance.Out:
		return "2"
	default:
		return ""
	}
}

func (p *program) printPreview(d previewDocument) {
	if p.command.json {
		p.print(d)
		return
	}
	p.line("预览 preview（不写入任何数据 / nothing is written）")
	for _, r := range d.Rows {
		was := ""
		if r.Was != "" {
			was = "  原为 was " + r.Was
		}
		p.line("  %s %s  %s  %s  %s%s", actionZH(r.Action), r.Table, r.Employee, r.Time, typeZH(r.Type), was)
	}
	p.printRunDocument(d.runDocument)
}

func actionZH(a attendance.Action) string {
	switch a {
	case attendance.ActionAdd:
		return "新增 add"
	case attendance.ActionMove:
		return "更正 move"
	case attendance.ActionRemove:
		return "删除 remove"
	default:
		return "平台已无 " + string(a)
	}
}

func typeZH(t string) string {
	switch t {
	case "1":
		return "签到 in"
	case "2":
		return "签退 out"
	default:
		return "-"
	}
}

// stateWritten reports whether there is a state to read already: a preview makes none.
func (p *program) stateWritten() bool {
	c := p.config.state
	return c.driver != "sqlite" || exists(c.path(filepath.Dir(p.config.file)))
}
