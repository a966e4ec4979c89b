package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

// run is one automatic run of a job, now.
func (p *program) run(ctx context.Context) int {
	job, err := p.config.job(p.command.job)
	if err != nil {
		return p.misused(err)
	}
	w, err := p.prepare(job)
	if err != nil {
		return p.misused(err)
	}
	return p.sync(ctx, w, w.task())
}

// task is the job's automatic run.
func (w *work) task() task {
	return task{units: w.units(), window: w.job.window(), kind: attendance.KindRun}
}

// window is what an automatic run reads. A look-back of 0 is the old automatic sync:
// today and nothing else, whatever was missed.
func (j *jobConfig) window() attendance.Window {
	if j.lookBack == 0 {
		return attendance.Today(j.zone)
	}
	return attendance.SinceMark(j.lookBack, j.zone)
}

// A task is what is to be read for a job: whose punches, and which days.
type task struct {
	units  oasink.Units
	window attendance.Window
	kind   attendance.RunKind
	apart  bool // the people are not the job's own
}

// backfill is the initial sync of any days, with a scope of its own if asked for.
func (p *program) backfill(ctx context.Context) int {
	job, err := p.config.job(p.command.job)
	if err != nil {
		return p.misused(err)
	}
	if p.command.oa != "" {
		if job.oa, err = p.config.oaNamed(p.command.oa); err != nil {
			return p.misused(err)
		}
	}
	if p.command.boundOnly != nil {
		job.binding.boundOnly = *p.command.boundOnly
	}
	if job.withdrawn == "delete" && !job.oa.ledger {
		return p.misused(usagef("-oa %s: the job has withdrawn: delete, which needs a ledger there", p.command.oa))
	}
	w, err := p.prepare(job)
	if err != nil {
		return p.misused(err)
	}
	window := attendance.Days(p.command.from, p.command.to, job.zone)
	plan, err := attendance.NewSyncer(w.platform.families()[0].Provider, nil, &attendance.Options{Now: p.now}).Plan(window)
	if err != nil {
		return p.misused(err)
	}
	if len(plan.Warnings) > 0 {
		return p.misused(usageError("-from " + p.command.from.String() + ": " + plan.Warnings[0].Message))
	}
	t := task{units: w.units(), window: window, kind: attendance.KindBackfill, apart: p.command.rescoped()}
	if t.apart {
		t.units = oasink.Units{Subcompanies: p.command.subcompanies, Departments: p.command.departments, Employees: p.command.employees, DirectOnly: !job.descend}
	}
	return p.sync(ctx, w, t)
}

// sync runs a job over a window and prints what came of it.
func (p *program) sync(ctx context.Context, w *work, t task) int {
	report, err := p.transfer(ctx, w, t)
	if closeErr := p.close(); err == nil {
		err = closeErr
	}
	if !w.job.enabled && p.command.name == "run" {
		report.Warnings = slices.Insert(report.Warnings, 0, attendance.Warningf("job_disabled",
			"该任务未启用，此次为手动执行 / the job is disabled (enabled: false); it ran because it was asked for by name"))
	}
	p.printReport(report, err)
	code := exitCode(err)
	for _, warning := range report.Warnings {
		if warning.Code == "beyond_horizon" || isNotRecalculated(warning) {
			code = max(code, exitPartial)
		}
	}
	return code
}

// transfer brings every family of records that the job's provider is to give.
func (p *program) transfer(ctx context.Context, w *work, t task) (attendance.Report, error) {
	families, err := p.families(ctx, w, t)
	if err != nil {
		span, _ := t.window.Span(attendance.Moment{Now: p.now()})
		return attendance.Report{Job: w.job.name, Run: attendance.NewRunID(p.now()), Span: span}, err
	}
	report, err := attendance.RunTogether(ctx, w.scope(t.units), t.window, families...)
	report.Warnings = recalculate(ctx, w.hooked, w.job.zone, report.Warnings)
	if err == nil {
		err = w.oa.Missing() // also where no punch happened to need it
	}
	return report, err
}

// families opens what the job needs and makes a syncer for every family of records.
func (p *program) families(ctx context.Context, w *work, t task) ([]*attendance.Syncer, error) {
	memory, err := p.memory(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.open(ctx, w); err != nil {
		return nil, err
	}
	if err := w.oa.CreateLedger(ctx); err != nil {
		return nil, err
	}
	var all []*attendance.Syncer
	for _, f := range w.platform.families() {
		all = append(all, attendance.NewSyncer(f.Provider, w.sink(), &attendance.Options{
			Job: w.job.name, Target: w.job.oa.target(), Corp: w.job.provider.corp(),
			Kind: t.kind, Scope: w.scopeName(t), Apart: t.apart, Memory: memory, FreezeAfterDay: w.job.freeze,
			Now: p.now, Logger: p.logger, EmptyIsNormal: f.rare, Observe: p.progress(), Announce: p.announce(t),
		}))
	}
	return all, nil
}

// target is the OA's name in what is remembered.
func (o *oaConfig) target() string { return cmp.Or(o.name, "oa") }

// scopeName is the same for runs over the same people.
func (w *work) scopeName(t task) string {
	return fmt.Sprintf("%+v %s %s %v", t.units, w.job.binding.by, w.job.binding.inactive, w.job.binding.boundOnly)
}

// announce tells people what a backfill will cost, before its first call.
func (p *program) announce(t task) func(attendance.Estimate) {
	if t.kind != attendance.KindBackfill {
		return nil
	}
	return func(e attendance.Estimate) {
		left := ""
		if e.Limited {
			left = fmt.Sprintf("，本月剩余 left this month %d", e.Left)
		}
		fmt.Fprintf(p.err, "预计 estimate: %d 人 people, %d 次查询 queries, %d 次调用 calls%s\n", e.People, e.Slices, e.Calls, left)
	}
}

// progress tells a terminal how far the run is.
func (p *program) progress() func(attendance.Event) {
	if !p.terminal {
		return nil
	}
	return func(e attendance.Event) {
		fmt.Fprintf(p.err, "\r%s  读取 read %d, 写入 written %d, 调用 calls %d ", e.Slice.Slice.Span.From.Format("2006-01-02"), e.Read, e.Written, e.Calls)
	}
}
