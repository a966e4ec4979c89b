package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

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
	units    oasink.Units
	window   attendance.Window
	kind     attendance.RunKind
	apart    bool                   // the people are not the job's own
	preview  bool                   // nothing is written
	share    float64                // of what is left of the budget; 0: all
	parallel int                    // slices at once; 0: the library's
	observe  func(attendance.Event) // instead of the progress; may be nil
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
	window, err := p.named(w)
	if err != nil {
		return p.misused(err)
	}
	t := task{units: w.units(), window: window, kind: attendance.KindBackfill, apart: p.command.rescoped()}
	if t.apart {
		t.units = oasink.Units{Subcompanies: p.command.subcompanies, Departments: p.command.departments, Employees: p.command.employees, DirectOnly: !job.descend}
	}
	return p.sync(ctx, w, t)
}

// named is the window of the days that the command line names, all of which the
// platform must still keep.
func (p *program) named(w *work) (attendance.Window, error) {
	window := attendance.Days(p.command.from, p.command.to, w.job.zone)
	plan, err := attendance.NewSyncer(w.platform.families(w.job)[0].Provider, nil, &attendance.Options{Now: p.now}).Plan(window)
	if err == nil && len(plan.Warnings) > 0 {
		err = usageError("-from " + p.command.from.String() + ": " + plan.Warnings[0].Message)
	}
	return window, err
}

// sync runs a job over a window and prints what came of it.
func (p *program) sync(ctx context.Context, w *work, t task) int {
	report, err := p.transfer(ctx, w, t)
	report.Warnings = append(report.Warnings, p.keptPassword()...)
	if closeErr := p.close(); closeErr != nil { // all is committed, and told to the sync log
		p.logger.Warn("a database could not be closed", "error", closeErr)
	}
	if !w.job.enabled && p.command.name == "run" {
		report.Warnings = slices.Insert(report.Warnings, 0, attendance.Warningf("job_disabled",
			"该任务未启用，此次为手动执行 / the job is disabled (enabled: false); it ran because it was asked for by name"))
	}
	p.printReport(report, err)
	return runExit(report, err)
}

// runExit is the exit code of a run: what the sync log holds of it.
func runExit(report attendance.Report, err error) int {
	switch attendance.ResultOf(report, err) {
	case attendance.ResultOK:
		return exitDone
	case attendance.ResultRefused:
		return exitRefused
	default:
		return exitPartial
	}
}

// transfer brings every family of records that the job's provider is to give.
func (p *program) transfer(ctx context.Context, w *work, t task) (attendance.Report, error) {
	families, err := p.families(ctx, w, t)
	if err != nil {
		span, _ := t.window.Span(attendance.Moment{Now: p.now()})
		report := attendance.Report{Job: w.job.name, Run: p.runID(), Span: span, Started: p.now(), Ended: p.now()}
		p.noteFailure(ctx, w, t, report, err)
		return report, err
	}
	report, err := attendance.RunTogether(ctx, w.people(t.units), t.window, families...)
	p.forgetOld(ctx)
	return report, err
}

// finish does what is done once a run, after its last punch, and puts it into the report.
func (p *program) finish(w *work) func(context.Context, *attendance.Report, error) error {
	return func(ctx context.Context, report *attendance.Report, err error) error {
		report.Warnings = recalculate(ctx, w.hooked, w.job.zone, report.Warnings)
		queued, warnings := p.queueOwed(ctx, w.oa, w.job.oa, w.job.zone, w.job.freeze, report.Warnings)
		report.Queued, report.Warnings = report.Queued+queued, warnings
		if err == nil {
			err = w.oa.Missing() // also where no punch happened to need it
		}
		if warning, ok := p.sharedAccounts(ctx, w.job); ok {
			report.Warnings = append(report.Warnings, warning)
		}
		if attendance.CodeOf(err) == attendance.CodeStoreDown || slices.ContainsFunc(report.Failed, func(f attendance.Failure) bool { return f.Code == attendance.CodeStoreDown }) {
			if folder := p.folderOf(w.job.oa); folder != nil {
				report.Warnings = append(report.Warnings, attendance.Warning{Code: "folder", Message: folder.Detail + ": " + folder.Mend.String()})
			}
		}
		return err
	}
}

// How many days of the sync log are kept: of queries, and of runs.
const (
	daysOfSlices = 100
	daysOfRuns   = 800
)

// forgetOld keeps the sync log from growing for ever.
func (p *program) forgetOld(ctx context.Context) {
	if p.state == nil {
		return
	}
	now := p.now()
	if err := p.state.Prune(ctx, now.AddDate(0, 0, -daysOfSlices), now.AddDate(0, 0, -daysOfRuns)); err != nil && ctx.Err() == nil {
		p.logger.Warn("the sync log could not be shortened", "error", err)
	}
}

// noteFailure puts a run into the sync log that ended before it began, as where the
// OA's database is down.
func (p *program) noteFailure(ctx context.Context, w *work, t task, report attendance.Report, err error) {
	if p.state == nil {
		return
	}
	noteErr := p.state.EndRun(ctx, attendance.RunRecord{ID: report.Run, Kind: t.kind, Target: w.job.oa.target(), Attempts: 1,
		Result: attendance.ResultOf(report, err), Code: attendance.CodeOf(err), Message: err.Error(), Report: report})
	if noteErr != nil {
		p.logger.Warn("the run could not be put into the sync log", "error", noteErr)
	}
}

// accountsShown is how many accounts a warning names.
const accountsShown = 20

// sharedAccounts tells when other jobs into the same OA ask for the same accounts.
func (p *program) sharedAccounts(ctx context.Context, job *jobConfig) (attendance.Warning, bool) {
	var streams []attendance.Stream
	for _, other := range p.config.jobs {
		if other.oa == job.oa && other.provider.kind == job.provider.kind && other.provider.corp() == job.provider.corp() {
			for _, s := range p.streams(other) {
				streams = append(streams, s)
				break // every family has the same people
			}
		}
	}
	if len(streams) < 2 || p.state == nil {
		return attendance.Warning{}, false
	}
	shared, err := attendance.SharedAccounts(ctx, p.state, streams...)
	if err != nil || len(shared) == 0 {
		return attendance.Warning{}, false
	}
	names := make([]string, 0, accountsShown)
	for _, s := range shared[:min(len(shared), accountsShown)] {
		names = append(names, fmt.Sprintf("%s (%s: %s)", s.Account, strings.Join(s.Jobs, ", "), strings.Join(s.Persons, ", ")))
	}
	return attendance.Warningf("account_in_two_jobs", "%d 个账号同时在多个任务中：调用量加倍；若对应不同的 OA 人员，则绑定有误 / %d accounts are asked for by several jobs: that doubles the calls, and where they stand for different people the binding is wrong: %s",
		len(shared), len(shared), strings.Join(names, "; ")), true
}

// families opens what the job needs and makes a syncer for every family of records.
func (p *program) families(ctx context.Context, w *work, t task) ([]*attendance.Syncer, error) {
	var memory attendance.Memory
	if !t.preview || p.stateWritten() {
		var err error
		if memory, err = p.memory(ctx); err != nil {
			return nil, err
		}
	}
	if err := p.open(ctx, w); err != nil {
		return nil, err
	}
	if !t.preview {
		if err := w.oa.CreateLedger(ctx); err != nil {
			return nil, err
		}
	}
	observe := t.observe
	if observe == nil {
		observe = p.progress()
	}
	run := p.runID()
	var all []*attendance.Syncer
	for _, f := range w.platform.families(w.job) {
		all = append(all, attendance.NewSyncer(f.Provider, p.sink(w, t), &attendance.Options{
			Job: w.job.name, Run: run, Target: w.job.oa.target(), Corp: w.job.provider.corp(),
			Kind: t.kind, Scope: w.scopeName(t), Apart: t.apart, Memory: memory, FreezeAfterDay: w.job.freeze,
			Now: p.command.now, Logger: p.logger, EmptyIsNormal: f.rare, InferDirections: w.job.undirected == "infer" && !f.rare, Observe: observe, Share: t.share, Parallel: t.parallel, Announce: p.announce(t), Finish: p.finish(w),
		}))
	}
	return all, nil
}

// nameless is the name of the only OA of a file that has none, in what is remembered.
const nameless = "oa"

// target is the OA's name in what is remembered.
func (o *oaConfig) target() string { return cmp.Or(o.name, nameless) }

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
