package main

import (
	"context"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

// The document of undo.
type (
	undoDocument struct {
		Run      string               `json:"run"`
		Removed  int                  `json:"removed"`
		Restored int                  `json:"restored"` // rows that the run had moved and that are back where they were
		Kept     []kept               `json:"kept"`
		Warnings []attendance.Warning `json:"warnings"`
		Error    *trouble             `json:"error,omitempty"`
	}
	kept struct {
		Table    string            `json:"table"`
		Employee string            `json:"employee_id"`
		Time     string            `json:"time"`
		Reason   oasink.KeptReason `json:"reason"`
	}
)

// undo takes back what a run wrote, in every OA that has a ledger. What was left as
// it is, is told, and makes the exit code 1.
func (p *program) undo(ctx context.Context) int {
	d := undoDocument{Run: p.command.undone, Kept: []kept{}, Warnings: []attendance.Warning{}}
	ledgers, known := 0, false
	var unknown error
	var failures []error
	zone := p.zoneOfRun(ctx, p.command.undone)
	for _, oa := range p.config.oas {
		if !oa.ledger {
			continue
		}
		ledgers++
		u, err := p.undoIn(ctx, oa)
		known = known || err == nil || u.Removed+u.Restored+len(u.Kept) > 0
		switch {
		case err != nil && attendance.CodeOf(err) == attendance.CodeUnknown:
			unknown = err // perhaps it wrote to another OA
		case err != nil:
			failures = append(failures, err)
		}
		d.Removed += u.Removed
		d.Restored += u.Restored
		d.Warnings = append(d.Warnings, u.Warnings...)
		for _, k := range u.Kept {
			d.Kept = append(d.Kept, kept{k.Table, k.Person, clockIn(k.Time, zone), k.Reason})
		}
	}
	if ledgers == 0 {
		return p.misused(&configError{file: p.config.file, key: "oa.ledger", what: "undo needs a ledger, and there is none",
			mend: attendance.Text{EN: "set ledger: true; runs from then on can be undone", ZH: "请设 ledger: true；此后的运行才能撤销"}})
	}
	if !known && len(failures) == 0 {
		failures = append(failures, unknown)
	}
	if err := p.close(); err != nil { // all is committed, and told to the sync log
		p.logger.Warn("a database could not be closed", "error", err)
	}
	if len(failures) > 0 {
		d.Error = troubleOf(failures[0])
		for _, err := range failures[1:] {
			d.Warnings = append(d.Warnings, attendance.Warningf("failed_too", "%s", sentence(err)))
		}
	}
	p.printUndone(d)
	if d.Error != nil || len(d.Kept)+len(d.Warnings) > 0 {
		return exitPartial
	}
	return exitDone
}

// zoneOfRun is the zone of the run's job, as far as the sync log knows it.
func (p *program) zoneOfRun(ctx context.Context, run string) *time.Location {
	if store, err := p.store(ctx); store != nil && err == nil {
		for r, err := range store.Runs(ctx, attendance.RunFilter{ID: run}) {
			if err == nil {
				return p.config.zoneOf(r.Report.Job)
			}
		}
	}
	return p.config.zone
}

func (p *program) undoIn(ctx context.Context, oa *oaConfig) (oasink.Undone, error) {
	db, err := p.database(oa)
	if err != nil {
		return oasink.Undone{}, err
	}
	opts, freeze := p.sinkOptions(oa), p.freezeOf(ctx, oa)
	opts.Ledger.FreezeAfterDay = freeze
	sink, err := oasink.New(ctx, db, opts)
	if err != nil {
		return oasink.Undone{}, err
	}
	if oa.recalc == "http" {
		if _, err := p.store(ctx); err != nil {
			return oasink.Undone{}, err
		}
	}
	hooked, err := p.recalculated(oa, sink, freeze)
	if err != nil {
		return oasink.Undone{}, err
	}
	u, err := sink.Undo(ctx, p.command.undone)
	if hooked != nil && len(u.Days) > 0 {
		_ = hooked.Owe(ctx, u.Days) // what the store does not take, it keeps
		u.Warnings = recalculate(ctx, hooked, p.zoneOfRun(ctx, p.command.undone), u.Warnings)
	}
	_, u.Warnings = p.queueOwed(ctx, sink, oa, p.config.zone, freeze, u.Warnings)
	if lost := p.recordUndo(ctx, oa, u.Days, undoResult(u, err)); lost != nil {
		u.Warnings = append(u.Warnings, attendance.Warningf("not_remembered",
			"已撤销，但未能写入同步日志，changes 将不列出这些日期 / what was taken back could not be noted in the sync log, so that changes will not list it: %s", sentence(lost)))
	}
	return u, err
}

// undoResult judges how far a run was taken back.
func undoResult(u oasink.Undone, err error) attendance.Result {
	if err == nil && len(u.Kept)+len(u.Warnings) > 0 {
		return attendance.ResultPartial
	}
	return attendance.ResultOf(attendance.Report{}, err)
}

// freezeOf is from which day on months are closed to the job whose run is taken back: the
// earliest of all jobs into the OA where that is not remembered; 0 where none is.
func (p *program) freezeOf(ctx context.Context, oa *oaConfig) int {
	ran := ""
	if store, err := p.store(ctx); store != nil && err == nil {
		for r, err := range store.Runs(ctx, attendance.RunFilter{ID: p.command.undone}) {
			if err == nil {
				ran = r.Report.Job
			}
		}
	}
	day := 0
	for _, j := range p.config.jobs {
		switch {
		case j.name == ran:
			return j.freeze
		case j.oa == oa && j.freeze > 0 && (day == 0 || j.freeze < day):
			day = j.freeze
		}
	}
	return day
}

// recordUndo notes in the sync log on which days rows have changed.
func (p *program) recordUndo(ctx context.Context, oa *oaConfig, days []attendance.PersonDay, how attendance.Result) error {
	if len(days) == 0 {
		return nil
	}
	store, err := p.store(ctx)
	if store == nil || err != nil {
		return err
	}
	return attendance.RecordUndo(context.WithoutCancel(ctx), store, oa.target(), p.command.undone, days, how, p.now())
}

func (p *program) printUndone(d undoDocument) {
	if p.command.json {
		p.print(d)
		return
	}
	p.line("撤销运行 undo %s", d.Run)
	p.line("  删除 removed             %d", d.Removed)
	p.line("  移回 restored            %d", d.Restored)
	if len(d.Kept) > 0 {
		p.line("保留 kept (%d):", len(d.Kept))
		for _, k := range d.Kept {
			p.line("  %s %s %s  %s %s", k.Table, k.Employee, k.Time, k.Reason, keptZH(k.Reason))
		}
	}
	p.printEnd(d.Warnings, d.Error)
}

func keptZH(r oasink.KeptReason) string {
	switch r {
	case oasink.ChangedByOthers:
		return "已被他人修改"
	case oasink.DeletedByOthers:
		return "已被他人删除"
	case oasink.ChangedSince:
		return "之后的运行已更改"
	case oasink.RemovedByRun:
		return "该运行删除的行（平台已无此打卡），不恢复"
	case oasink.Occupied:
		return "原位置已有其他行"
	default:
		return ""
	}
}
