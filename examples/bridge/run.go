package main

import (
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
	return p.sync(ctx, w, w.units(), attendance.LastDays(job.lookBack, job.zone))
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
	plan, err := p.syncer(w.platform.families()[0], nil, job).Plan(window)
	if err != nil {
		return p.misused(err)
	}
	if len(plan.Warnings) > 0 {
		return p.misused(usageError("-from " + p.command.from.String() + ": " + plan.Warnings[0].Message))
	}
	units := w.units()
	if p.command.rescoped() {
		units = oasink.Units{Subcompanies: p.command.subcompanies, Departments: p.command.departments, Employees: p.command.employees, DirectOnly: !job.descend}
	}
	return p.sync(ctx, w, units, window)
}

// sync runs a job over a window and prints what came of it.
func (p *program) sync(ctx context.Context, w *work, units oasink.Units, window attendance.Window) int {
	report, err := p.transfer(ctx, w, units, window)
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
func (p *program) transfer(ctx context.Context, w *work, units oasink.Units, window attendance.Window) (attendance.Report, error) {
	if err := p.open(ctx, w); err != nil {
		span, _ := window.Span(attendance.Moment{Now: p.now()})
		return attendance.Report{Job: w.job.name, Span: span}, err
	}
	if err := w.oa.CreateLedger(ctx); err != nil {
		span, _ := window.Span(attendance.Moment{Now: p.now()})
		return attendance.Report{Job: w.job.name, Span: span}, err
	}
	var families []*attendance.Syncer
	for _, f := range w.platform.families() {
		families = append(families, p.syncer(f, w.sink(), w.job))
	}
	report, err := attendance.RunTogether(ctx, w.scope(units), window, families...)
	report.Warnings = recalculate(ctx, w.hooked, w.job.zone, report.Warnings)
	if err == nil {
		err = w.oa.Missing() // also where no punch happened to need it
	}
	return report, err
}

func (p *program) syncer(from family, to attendance.Sink, job *jobConfig) *attendance.Syncer {
	return attendance.NewSyncer(from.Provider, to, &attendance.Options{
		Job: job.name, Run: p.runID(), Corp: job.provider.corp(), Now: p.now, Logger: p.logger, EmptyIsNormal: from.rare, Observe: p.progress(),
	})
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
