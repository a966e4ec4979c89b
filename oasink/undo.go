package oasink

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// Undone is what became of [Sink.Undo].
type Undone struct {
	// Removed is the number of rows that the run had added and that are gone now,
	// Restored that of rows it had moved and that are back where they were.
	Removed, Restored int
	// Kept are the rows of the run that were left as they are.
	Kept []Kept
	// Days are the person-days whose rows changed.
	Days []attendance.PersonDay
	// Warnings: not_recalculated, as for Write; frozen, for days of closed months that were
	// not computed anew.
	Warnings []attendance.Warning
}

// Kept is a row that [Sink.Undo] left as it is.
type Kept struct {
	// Table is HrmScheduleSign or mobile_sign.
	Table string
	// Person is the id in HrmResource, Time the instant of the punch: as the run
	// wrote them or, for rows that it moved or removed, as they were before.
	Person string
	Time   time.Time
	Reason KeptReason
}

// KeptReason is why a row was left as it is. The values stand in reports.
type KeptReason string

// The reasons.
const (
	// ChangedByOthers: somebody has changed the row since.
	ChangedByOthers KeptReason = "changed_by_others"
	// DeletedByOthers: somebody has deleted the row since.
	DeletedByOthers KeptReason = "deleted_by_others"
	// ChangedSince: a later run has moved or removed the row.
	ChangedSince KeptReason = "changed_since"
	// RemovedByRun: the run removed the row, because the platform had the punch no
	// longer. It is not written again.
	RemovedByRun KeptReason = "removed_by_run"
	// Occupied: where the row was before the run, another one is now.
	Occupied KeptReason = "occupied"
)

// undoPage is how many rows are taken back in one transaction.
const undoPage = 500

// Undo takes back what the run with that name ([attendance.Options.Run]) has done,
// as far as the ledger proves it: the rows that it added and that still hold what it
// wrote are removed, those that it moved are put back where they were, place
// included. What somebody or a later run has changed since is left and told. The
// days are queued for recalculation as by Write.
//
// It works in portions, each whole or not at all: when it returns an error, what
// Undone says has been done, and calling it again does the rest. The next run of
// the job writes again what the platform then holds.
func (s *Sink) Undo(ctx context.Context, run string) (Undone, error) {
	if s.opts.Ledger == nil || run == "" {
		return Undone{}, fmt.Errorf("oasink: Undo needs a ledger (Options.Ledger) and the name of a run")
	}
	sh, err := s.probe(ctx)
	if err == nil {
		err = s.lacksLedger(sh)
	}
	if err != nil {
		return Undone{}, err
	}
	u := &undoing{Sink: s, shape: sh, run: bounded(run, maxRun), stubborn: make(map[rowID]bool)}
	// What is taken back may make room for a row that found its place occupied.
	for again := true; again; {
		before := u.done.Removed + u.done.Restored
		u.done.Kept, u.kept = nil, make(map[rowID]bool)
		if err := u.once(ctx); err != nil {
			return u.done, s.rightsFor(err)
		}
		again = u.done.Removed+u.done.Restored > before &&
			slices.ContainsFunc(u.done.Kept, func(k Kept) bool { return k.Reason == Occupied })
	}
	if u.seen == 0 {
		return u.done, &attendance.Error{Code: attendance.CodeUnknown, Op: "oasink undo", Detail: fmt.Sprintf("the ledger knows of nothing that run %q has written", run),
			Mend: attendance.Text{EN: "look the run's name up; a run that wrote nothing, wrote without a ledger or was undone already cannot be undone", ZH: "请核对运行编号；未写入数据、未启用台账或已撤销的运行无法撤销"}}
	}
	if len(u.closed) > 0 {
		u.done.Warnings = append(u.done.Warnings, attendance.NotComputed(u.closed))
	}
	slices.SortFunc(u.done.Days, attendance.PersonDay.Compare)
	u.done.Days = slices.Compact(u.done.Days)
	return u.done, nil
}
