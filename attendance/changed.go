package attendance

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"
)

// A ChangeReader is an optional role of a [Sink] that keeps a ledger: what did a run do?
type ChangeReader interface {
	// RunChanges streams the rows that the run has added and that still are where it,
	// or a later run, put them ([ActionAdd]), and those that it has moved or removed:
	// Time is where a row stood of ActionRemove, where it stands now of ActionMove,
	// and Was where that run found it. Times are read by the wall clock of the zone. A
	// run of which nothing is known has none. It follows the stream contract of
	// [Scope.Members].
	RunChanges(ctx context.Context, run string, zone *time.Location) iter.Seq2[RowChange, error]
}

// ChangedOptions say which changes are meant.
type ChangedOptions struct {
	// Since is the moment: runs that were at work then or later are looked at.
	Since time.Time
	// Job and Target, when not empty, are those of the runs. Persons of different
	// targets are different people: name one where there are several.
	Job, Target string
	// First and Last, when not zero, bound the days of which changes are told.
	First, Last Date
	// Sink, when it is a [ChangeReader], tells how many rows of a day changed. May be nil.
	Sink any
	// Zone is that of the target's wall clock; it is needed where Sink is given.
	Zone *time.Location
}

// Changed is what runs have changed in the target.
type Changed struct {
	// Days are by person and day.
	Days []ChangedDay
	// Runs are those that changed something, the latest first.
	Runs []string
	// Warnings: days_forgotten, for a run whose days are not kept any more.
	Warnings []Warning
}

// A ChangedDay is a person-day whose rows were changed.
type ChangedDay struct {
	PersonDay
	// Name and Unit are the person's, as far as the sync log tells.
	Name, Unit string
	// Runs changed it, the latest first; Last is when that one began.
	Runs []string
	Last time.Time
	// Counted says that a ledger tells how many rows: Added are there still, Corrected
	// stand elsewhere or otherwise than before (a row that went from one day to another
	// counts on both), Removed are gone.
	Counted                   bool
	Added, Corrected, Removed int
}

const (
	// longestRun is how long before the moment a run may have begun that was at work then.
	longestRun = 31 * 24 * time.Hour
	// killedFor is how long before the moment a run may have begun that never told its end.
	killedFor = 24 * time.Hour
)

// ChangedSince tells which person-days were changed in the target since a moment, by
// the sync log and, where the sink keeps one, by its ledger: for a payroll that was
// exported already. A run that was at work at that moment is told whole, and so is one that was
// killed up to a day before; runs that began more than 31 days before it are taken to have ended. What
// was changed without a sync log, by others, or by [Syncer.Do] without a run, is not known.
func ChangedSince(ctx context.Context, store RunStore, o ChangedOptions) (Changed, error) {
	c := &changedDays{options: o, days: make(map[PersonDay]*ChangedDay), names: make(map[string]Member)}
	reader, counted := As[ChangeReader](o.Sink)
	for r, err := range store.Runs(ctx, RunFilter{Target: o.Target, Since: o.Since.Add(-longestRun)}) {
		if err != nil {
			return Changed{}, err
		}
		concerned, err := c.concerns(ctx, store, r)
		if err != nil {
			return Changed{}, err
		}
		if !concerned {
			continue
		}
		if err := c.log(ctx, store, r); err != nil {
			return Changed{}, err
		}
		if !counted || r.Kind == KindUndo {
			continue
		}
		for row, err := range reader.RunChanges(ctx, r.ID, o.Zone) {
			if err != nil {
				return Changed{}, err
			}
			c.count(r, row)
		}
	}
	return c.close(), nil
}

// KindUndo is the kind of a run's taking back, in the sync log: see [RecordUndo].
const KindUndo RunKind = "undo"

// RecordUndo writes into the sync log that a run was taken back in the target, how far
// that came, and on which days it changed rows, so that [ChangedSince] knows of it.
func RecordUndo(ctx context.Context, store RunStore, target, run string, days []PersonDay, how Result, at time.Time) error {
	record := RunRecord{ID: NewRunID(at), Kind: KindUndo, Target: target, Plan: run, Attempts: 1, Report: Report{Started: at, Ended: at}}
	if err := store.BeginRun(ctx, record); err != nil {
		return err
	}
	slice := SliceRecord{Attempt: 1, At: at, Report: SliceReport{Slice: Slice{Span: Span{at.UTC(), at.UTC()}}, Days: days}}
	record.Result = how
	return errors.Join(store.AddSlice(ctx, record.ID, slice), store.EndRun(ctx, record))
}

// changedDays collects person-days; runs come the latest first.
type changedDays struct {
	options ChangedOptions
	days    map[PersonDay]*ChangedDay
	names   map[string]Member // of those whose days changed, once they are known
	result  Changed
}

func (c *changedDays) named(m Member) {
	if known, ok := c.names[m.Person]; ok && known.Name == "" {
		c.names[m.Person] = m
	}
}

// concerns reports whether the run is one that is asked for.
func (c *changedDays) concerns(ctx context.Context, store RunStore, r RunRecord) (bool, error) {
	since := c.options.Since
	switch ended := r.Report.Ended; {
	case r.Result != "" && !ended.IsZero():
		if ended.Before(since) {
			return false, nil
		}
	case r.Report.Started.Before(since.Add(-killedFor)):
		return false, nil
	}
	if c.options.Job == "" || r.Report.Job == c.options.Job {
		return true, nil
	}
	if r.Kind != KindUndo {
		return false, nil
	}
	for undone, err := range store.Runs(ctx, RunFilter{ID: r.Plan}) {
		if err != nil || undone.Report.Job == c.options.Job {
			return err == nil, err
		}
	}
	return false, nil
}

// log takes the days that the sync log has of a run.
func (c *changedDays) log(ctx context.Context, store RunStore, r RunRecord) error {
	known := false
	for s, err := range store.Slices(ctx, r.ID) {
		if err != nil {
			return err
		}
		known = true
		for _, d := range s.Report.Days {
			c.day(r, d)
		}
		for _, m := range s.Report.Slice.Members {
			c.named(m)
		}
	}
	if changed := r.Report.Written + r.Report.Removed; !known && changed > 0 {
		c.result.Warnings = append(c.result.Warnings, Warningf("days_forgotten",
			"运行 %s 改动了 %d 行，但其明细已被清理，无法列出日期 / run %s changed %d rows, and on which days is not kept any more", r.ID, changed, r.ID, changed))
	}
	return nil
}

// day notes that the run changed the day; nil where it is not asked for.
func (c *changedDays) day(r RunRecord, d PersonDay) *ChangedDay {
	var none Date
	if c.options.First != none && d.Day.Before(c.options.First) || c.options.Last != none && c.options.Last.Before(d.Day) {
		return nil
	}
	day, ok := c.days[d]
	if !ok {
		day = &ChangedDay{PersonDay: d, Last: r.Report.Started}
		c.days[d] = day
		if _, known := c.names[d.Person]; !known {
			c.names[d.Person] = Member{}
		}
	}
	if !slices.Contains(day.Runs, r.ID) {
		day.Runs = append(day.Runs, r.ID)
	}
	if !slices.Contains(c.result.Runs, r.ID) {
		c.result.Runs = append(c.result.Runs, r.ID)
	}
	return day
}

// count takes a row of the ledger.
func (c *changedDays) count(r RunRecord, row RowChange) {
	days := []Date{DateOf(row.Time)}
	if was := DateOf(row.Was); row.Action == ActionMove && was != days[0] {
		days = append(days, was)
	}
	for _, d := range days {
		day := c.day(r, PersonDay{row.Person, d})
		if day == nil {
			continue
		}
		day.Counted = true
		switch row.Action {
		case ActionAdd:
			day.Added++
		case ActionMove:
			day.Corrected++
		case ActionRemove:
			day.Removed++
		}
	}
}

func (c *changedDays) close() Changed {
	for _, d := range slices.SortedFunc(maps.Keys(c.days), PersonDay.Compare) {
		c.days[d].Name, c.days[d].Unit = c.names[d.Person].Name, c.names[d.Person].Unit
		c.result.Days = append(c.result.Days, *c.days[d])
	}
	return c.result
}
