package attendance

import (
	"context"
	"slices"
	"strings"
	"time"
)

// look looks at the target: which rows hold the punches, and what it shows.
func (a *asking) look(ctx context.Context) error {
	if err := a.readRows(ctx); err != nil {
		return a.unread(ctx, err)
	}
	if err := a.compare(ctx); err != nil {
		return a.unread(ctx, err)
	}
	if err := a.foresee(ctx); err != nil {
		return err
	}
	a.recordSteps()
	a.rowStep()
	if a.showing {
		a.recalculationStep()
		a.shownStep()
	}
	return nil
}

func (a *asking) unread(ctx context.Context, err error) error {
	if !ended(ctx, err) {
		err = coded(err, CodeStore, "sink")
		a.trouble(StepRows, err)
	}
	return err
}

// readRows reads the rows around the day, and how the target sees them.
func (a *asking) readRows(ctx context.Context) error {
	if s, ok := As[Shower](a.first.sink); ok {
		shown, err := s.Shown(ctx, a.Person, a.Day, a.Zone)
		if err != nil {
			return err
		}
		a.answer.Shown, a.rows, a.showing = shown, shown.Rows, true
	}
	reader, ok := As[RowReader](a.first.sink)
	if !ok {
		return nil
	}
	around := Span{a.Day.Add(-1).In(a.Zone), a.Day.Add(2).In(a.Zone)}
	for row, err := range reader.Rows(ctx, []string{a.Person}, around) {
		if err != nil {
			return err
		}
		i := slices.IndexFunc(a.rows, func(r ShownRow) bool { return r.Table == row.Table && r.ID == row.ID })
		switch {
		case i >= 0:
			a.rows[i].Ours, a.rows[i].Run, a.rows[i].Record = row.Ours, row.Run, row.Record
		case !a.showing:
			a.rows = append(a.rows, ShownRow{Row: row, Counted: !row.Hidden})
		}
	}
	return nil
}

// compare finds out what the sink would do with each punch, as a run would.
func (a *asking) compare(ctx context.Context) error {
	records := a.answer.Records
	for i := range records {
		r := &records[i]
		if !r.Taken {
			continue
		}
		r.read = a.past.covers(r.Source, r.Time)
		// Punches of one second may share a row: the ones before it are handed over too.
		var same []Punch
		for _, o := range records[:i] {
			if o.Taken && o.Source == r.Source && o.Time.Unix() == r.Time.Unix() {
				same = append(same, o.punch(a.standing.Member.Account))
			}
		}
		before, err := a.preview(ctx, r.Source, same)
		if err != nil {
			return err
		}
		after, err := a.preview(ctx, r.Source, append(same, r.punch(a.standing.Member.Account)))
		if err != nil {
			return err
		}
		a.fate(r, before, after)
	}
	return nil
}

func (r Record) punch(account string) Punch {
	return Punch{ID: r.ID, Account: account, Time: r.Time, Kind: r.Kind, Direction: r.Direction, Inferred: r.inferred}
}

// preview asks what writing some punches of one second would do. A sink without that
// role is looked at through its rows.
func (a *asking) preview(ctx context.Context, source string, punches []Punch) (Preview, error) {
	if len(punches) == 0 {
		return Preview{}, nil
	}
	second := punches[0].Time.Truncate(time.Second)
	if previewer, ok := As[Previewer](a.first.sink); ok {
		return previewer.Preview(ctx, Batch{Source: source, Members: []Member{a.standing.Member}, Span: Span{second, second.Add(time.Second)},
			Punches: slices.Clone(punches), ReadAt: a.now, Corp: a.first.opts.Corp, Partial: true})
	}
	var p Preview
	for _, punch := range punches {
		switch rows := a.holding(Record{Time: punch.Time, Direction: punch.Direction}); {
		case slices.ContainsFunc(rows, func(r ShownRow) bool { return r.Ours }):
			p.Present++
		case len(rows) > 0:
			p.PresentFromOther++
		default:
			p.Written.Written++
		}
	}
	return p, nil
}

// ownRows are the rows of the day that are ours.
func (a *asking) ownRows() []ShownRow {
	return slices.DeleteFunc(slices.Clone(a.rows), func(r ShownRow) bool { return !r.Ours || !a.day.Contains(r.Time) })
}

// stuck is why the target, when a run last tried, did not let go of a row whose punch the
// platform has no longer; nil if it is no such row.
func (a *asking) stuck(row ShownRow) *Rejected {
	at := row.Time.Unix()
	if !row.Ours || slices.ContainsFunc(a.answer.Records, func(r Record) bool { return r.Time.Unix() == at }) {
		return nil
	}
	for i, u := range a.past.unwritten {
		if u.Reason == RowRefused && u.Time.Unix() == at {
			return &a.past.unwritten[i]
		}
	}
	return nil
}

// fate is what the last punch of a second adds to what those before it do.
func (a *asking) fate(r *Record, before, after Preview) {
	for reason, n := range after.Skipped {
		if n > before.Skipped[reason] {
			r.Taken, r.Reason, r.Fate = false, reason, FateSkipped
			return
		}
	}
	for _, w := range after.Warnings {
		if w.Code == "changed_by_others" || w.Code == "deleted_by_others" {
			r.note = warned(w.Code)
		}
	}
	rows := a.holding(*r)
	r.Table = tablesOf(rows)
	switch {
	case after.Written.Written > before.Written.Written:
		a.missing(r, after.Rows)
	case after.PresentFromOther > before.PresentFromOther:
		r.Fate = FateOther
		r.fine = r.note == (Text{}) && slices.ContainsFunc(rows, func(o ShownRow) bool { return o.Counted })
		if len(rows) == 0 && r.note == (Text{}) {
			r.note = warned("changed_by_others")
		}
	default:
		r.Fate = a.standingRow(r, rows)
	}
	if r.Fate == FateOther && r.note == (Text{}) {
		r.note = otherRow(rows)
	}
}

// missing is the fate of a punch that a run would write.
func (a *asking) missing(r *Record, changes []RowChange) {
	var tables []string
	for _, c := range changes {
		if c.Action == ActionKeep {
			continue
		}
		if !slices.Contains(tables, c.Table) {
			tables = append(tables, c.Table)
		}
		if c.Action == ActionMove {
			r.was = c.Was
		}
	}
	r.Table = strings.Join(tables, ", ")
	r.lost = a.unwrittenRow(*r)
	switch until := OpenFrom(a.now.In(a.Zone), a.first.opts.FreezeAfterDay); {
	case r.Time.Before(until):
		r.Fate, r.Reason = FateFrozen, Frozen
	case a.past.known && !r.read && r.lost == nil:
		r.Fate = FateUnread
	default:
		r.Fate = FateMissing
		if r.lost != nil {
			r.note = r.lost.words(a.Zone)
		}
	}
}

// standingRow is the fate of a punch that has a row already.
func (a *asking) standingRow(r *Record, rows []ShownRow) Fate {
	reported := slices.DeleteFunc(slices.Clone(rows), func(o ShownRow) bool { return o.Apart })
	counted := slices.DeleteFunc(slices.Clone(reported), func(o ShownRow) bool { return !o.Counted })
	twin := a.doubled(*r, counted)
	switch {
	case len(rows) > 0 && len(reported) == 0:
		return FateElsewhere
	case len(reported) > 0 && len(counted) == 0:
		r.note = Text{EN: "its row was changed in the OA: " + reported[0].Why.EN, ZH: "该行在 OA 中被改过：" + reported[0].Why.ZH}
		return FateOther
	case twin != nil:
		r.note = doubled(*twin, a.answer.Shown.Typeless)
		return FateOther
	default:
		return FatePresent
	}
}

// doubled is the row that another writer has put beside ours for the same punch.
func (a *asking) doubled(r Record, counted []ShownRow) *ShownRow {
	var twin *ShownRow
	ours, same := 0, 0
	for i, row := range counted {
		if row.Ours {
			ours++
		} else {
			twin = &counted[i]
		}
		if row.Direction == r.Direction {
			same++
		}
	}
	switch {
	case twin != nil && ours > 0, twin != nil && same > 1:
		return twin
	case same > 1: // somebody else uses our tag
		return &counted[len(counted)-1]
	default:
		return nil
	}
}

// holding are the rows of the record's second: those of its direction, or where there
// is none, of any.
func (a *asking) holding(r Record) []ShownRow {
	var exact, any []ShownRow
	for _, row := range a.rows {
		if row.Time.Unix() != r.Time.Unix() {
			continue
		}
		any = append(any, row)
		if row.Apart || row.Direction == r.Direction || a.answer.Shown.Typeless {
			exact = append(exact, row)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return any
}

func tablesOf(rows []ShownRow) string {
	var tables []string
	for _, r := range rows {
		if !slices.Contains(tables, r.Table) {
			tables = append(tables, r.Table)
		}
	}
	return strings.Join(tables, ", ")
}
