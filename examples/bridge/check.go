package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/scheduler"
)

// check asks every part of every job whether it can work. What belongs to one
// application or one database is asked once.
func (p *program) check(ctx context.Context) int {
	works := make([]*work, 0, len(p.config.jobs))
	for _, job := range p.config.jobs {
		w, err := p.prepare(job)
		if err != nil {
			return p.misused(err)
		}
		works = append(works, w)
	}
	var found findings
	found.add("", unusedProxies(p.config.providers, p.lookup)...)
	if len(works) == 0 {
		found.add("", attendance.Finding{Code: "no_jobs", Level: attendance.LevelWarning,
			Message: attendance.Text{EN: "the file has no jobs", ZH: "配置文件中没有任务"}})
	}
	for _, w := range works {
		p.checkPlatform(ctx, w, &found)
	}
	for _, w := range works {
		p.checkOA(ctx, w, &found)
	}
	p.checkTimes(works, &found)
	p.checkState(ctx, &found)
	p.checkDirections(ctx, works, &found)
	p.checkOwed(ctx, works, &found)
	if err := p.close(); err != nil {
		found.add("", attendance.FindingOf(attendance.Text{EN: "closing the database", ZH: "关闭数据库"}, err))
	}
	if err := ctx.Err(); err != nil {
		found.add("", attendance.FindingOf(attendance.Text{EN: "the check was stopped before its end", ZH: "自检被中止"}, err))
	}
	p.printFindings(found.list)
	return found.exitCode()
}

func (p *program) checkPlatform(ctx context.Context, w *work, found *findings) {
	name := w.job.provider.name
	if !found.first("provider " + name) {
		return
	}
	all := w.platform.Check(ctx)
	for _, further := range w.platform.families(w.job)[1:] {
		checker, ok := attendance.As[attendance.Checker](further.Provider)
		if !ok || slices.ContainsFunc(all, isPlatformTrouble) {
			continue
		}
		for _, f := range checker.Check(ctx) {
			if !slices.ContainsFunc(all, func(other attendance.Finding) bool { return other.Code == f.Code && f.Level != attendance.LevelError }) {
				all = append(all, f)
			}
		}
	}
	found.add(name, all...)
	if slices.ContainsFunc(all, isPlatformTrouble) {
		found.first("unreadable " + name)
	}
}

// isPlatformTrouble reports whether a finding is about the platform as a whole. A
// missing permission may be one for a single family of records.
func isPlatformTrouble(f attendance.Finding) bool {
	return f.Level == attendance.LevelError && f.Code != string(attendance.CodePermission)
}

func (p *program) checkOA(ctx context.Context, w *work, found *findings) {
	if err := p.open(ctx, w); err != nil {
		found.add(w.job.oa.label(), attendance.FindingOf(attendance.Text{EN: "the OA database cannot be used", ZH: "OA 数据库不可用"}, err))
		return
	}
	if found.first("oa " + w.job.oa.key) {
		of := w.oa.Check(ctx)
		found.add(w.job.oa.label(), of...)
		if folder := p.folderOf(w.job.oa); folder != nil && attendance.HasErrors(of) {
			found.add(w.job.oa.label(), attendance.FindingOf(attendance.Text{EN: "the OA database cannot be written", ZH: "OA 数据库不可写"}, folder))
		}
		found.add(w.job.oa.label(), checkRecalculation(w.job.oa)...)
	}
	if w.job.binding.boundOnly && w.job.binding.by != "file" && found.seen["unreadable "+w.job.provider.name] {
		found.add(w.job.name, attendance.Finding{Code: "binding_unchecked", Level: attendance.LevelWarning,
			Message: attendance.Text{EN: "the binding was not checked, because the platform cannot be read", ZH: "平台无法读取，未检查人员绑定"},
			Mend:    attendance.Text{EN: "mend the platform's error first", ZH: "请先处理平台的错误"}})
		return
	}
	if warning, ok := w.unread(); ok {
		found.add(w.job.name, attendance.Finding{Code: warning.Code, Level: attendance.LevelWarning, Message: attendance.Text{EN: warning.Message}})
	}
	w.offline = found.seen["unreadable "+w.job.provider.name]
	scope := w.scope(w.units())
	if !w.platform.rejects() || w.offline {
		found.add(w.job.name, scope.Check(ctx)...)
		return
	}
	found.add(w.job.name, scope.CheckReach(ctx, w.platform.families(w.job)[0].Provider, p.now())...)
}

// checkTimes warns of starts that lose punches: too soon after midnight, or close to
// the site's own directory sync.
func (p *program) checkTimes(works []*work, found *findings) {
	for _, w := range works {
		if !w.job.enabled {
			found.add(w.job.name, attendance.Finding{Code: "job_disabled", Level: attendance.LevelOK,
				Message: attendance.Text{EN: "the job is disabled (enabled: false)", ZH: "任务未启用（enabled: false）"}})
		}
	}
	found.add("", scheduler.Check(p.now(), p.starts(works)...)...)
}

// starts are the times of all jobs, and of the directory's sync.
func (p *program) starts(works []*work) []scheduler.Job {
	var all []scheduler.Job
	for _, w := range works {
		if at := w.job.schedule(); at != nil {
			all = append(all, scheduler.Job{Name: w.job.name, Schedule: at, Window: w.task().window})
		}
	}
	if t := p.config.contactSync; t != nil {
		all = append(all, scheduler.Job{Name: "contact_sync_at", Schedule: t.daily(p.config.zone), Directory: true})
	}
	return all
}

// checkState tries the database where runs are remembered.
func (p *program) checkState(ctx context.Context, found *findings) {
	if p.config.state.driver == "none" {
		found.add("state", attendance.Finding{Code: "state", Level: attendance.LevelWarning,
			Message: attendance.Text{EN: "nothing is remembered between runs (driver: none): what an outage or a late binding leaves out is not made up for", ZH: "不保存运行状态（driver: none）：停机或补绑造成的遗漏不会自动补齐"},
			Mend:    attendance.Text{EN: "leave state out for an SQLite file beside this one, or name a database", ZH: "删去 state 即使用配置文件旁的 SQLite 文件，或指定数据库"}})
		return
	}
	store, err := p.store(ctx)
	if err == nil {
		_, err = store.LastTick(ctx, "check")
	}
	for _, w := range p.keptPassword() {
		found.add("state", attendance.Finding{Code: w.Code, Level: attendance.LevelWarning, Message: attendance.Text{EN: w.Message}})
	}
	found.add("state", attendance.Tried(ctx, err, attendance.FindingOK("state", attendance.Text{EN: "runs can be remembered", ZH: "运行状态可以保存"}),
		attendance.Text{EN: "the database where runs are remembered cannot be used", ZH: "保存运行状态的数据库不可用"})...)
}

// checkDirections looks whether the last runs have skipped most of what they read.
func (p *program) checkDirections(ctx context.Context, works []*work, found *findings) {
	store, err := p.store(ctx)
	if store == nil || err != nil { // checkState has told why
		return
	}
	for _, w := range works {
		if w.job.undirected == "skip" {
			found.add(w.job.name, attendance.CheckDirections(ctx, store, w.job.name, w.job.oa.target())...)
		}
	}
}

// checkOwed tells of days that the OA is still to be told to compute anew. Where nothing
// is to tell it, by the file's choice or on an older OA, there is nothing to be done.
func (p *program) checkOwed(ctx context.Context, works []*work, found *findings) {
	store, err := p.store(ctx)
	if store == nil || err != nil { // checkState has told why
		return
	}
	for _, w := range works {
		oa := w.job.oa
		if w.oa == nil || oa.recalc == "none" || oa.recalc == "auto" && w.oa.Generation() != oasink.E9 || !found.first("owed "+oa.key) {
			continue
		}
		all := attendance.CheckOwed(ctx, store, store, oa.target(), w.job.zone)
		for i := range all {
			if all[i].Level == attendance.LevelWarning {
				all[i].Mend = owedMend(w.job.name)
			}
		}
		found.add(oa.label(), all...)
	}
}

func owedMend(job string) attendance.Text {
	return attendance.Text{
		EN: "do what the reason asks for: the right to insert into kq_format_pool, that table's triggers and constraints, or the address of recalculate_url; then each run tries all of these days again, also bridge run " + job,
		ZH: "请按所示原因处理：kq_format_pool 的插入权限、该表的触发器与约束，或 recalculate_url 的接口；此后每次运行都会重试全部这些日期，也可立即执行 bridge run " + job,
	}
}

func (t clockTime) daily(zone *time.Location) scheduler.Schedule {
	return scheduler.Daily(int(t)/60, int(t)%60, zone)
}

// label names the OA for people.
func (o *oaConfig) label() string {
	if o.name != "" {
		return o.name
	}
	return o.key
}

// findings collects what was found, each thing once.
type findings struct {
	list  []finding
	seen  map[string]bool
	codes []attendance.Code // of errors
}

func (f *findings) first(what string) bool {
	if f.seen[what] {
		return false
	}
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	f.seen[what] = true
	return true
}

// add adds findings about what is named, unless the same stands there already.
func (f *findings) add(about string, all ...attendance.Finding) {
	for _, one := range all {
		if one.Level == attendance.LevelError {
			f.codes = append(f.codes, attendance.Code(one.Code))
		}
		if !f.first("finding " + one.Code + " " + one.Message.String()) {
			continue
		}
		d := finding{one.Code, one.Level, one.Message.String(), one.Mend.String()}
		if about != "" {
			d.Message = about + ": " + d.Message
		}
		f.list = append(f.list, d)
	}
}

// exitCode is 3 when an error is the platform refusing us, else 1 for any error.
func (f *findings) exitCode() int {
	switch {
	case slices.ContainsFunc(f.codes, attendance.Code.Refusal):
		return exitRefused
	case len(f.codes) > 0:
		return exitPartial
	default:
		return exitDone
	}
}

func (p *program) printFindings(list []finding) {
	if p.command.json {
		p.print(checkDocument{append([]finding{}, list...)})
		return
	}
	marks := map[attendance.Level]string{attendance.LevelOK: "正常 ok     ", attendance.LevelWarning: "警告 warning", attendance.LevelError: "错误 error  "}
	for _, f := range list {
		fmt.Fprintf(p.out, "%s %s: %s\n", marks[f.Level], f.Code, oneLine(f.Message))
		if f.Mend != "" && f.Level != attendance.LevelOK {
			fmt.Fprintf(p.out, "             处理 mend: %s\n", f.Mend)
		}
	}
}
