package attendance

import (
	"context"
	"fmt"
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
	return Punch{ID: r.ID, Account: account, Time: r.Time, Kind: r.Kind, Direction: r.Direction}
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
	switch until := closedUntil(a.now.In(a.Zone), a.first.opts.FreezeAfterDay); {
	case r.Time.Before(until):
		r.Fate, r.Reason = FateFrozen, Frozen
	case a.past.known && !r.read:
		r.Fate = FateUnread
	default:
		r.Fate = FateMissing
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

func (a *asking) recordSteps() {
	for _, r := range a.answer.Records {
		at, kind := "-", Text{EN: r.Kind.String() + " " + r.Direction.String(), ZH: recordZH(r)}
		if !r.Time.IsZero() {
			at = clock(r.Time, a.Zone)
		}
		if r.Reason != "" && r.Fate == FateSkipped {
			words := r.Reason.words()
			if r.Detail != "" {
				words.EN, words.ZH = words.EN+" ("+r.Detail+")", words.ZH+"（"+r.Detail+"）"
			}
			a.step(StepRecords, false, at+" is no punch: "+words.EN, at+" 不是打卡："+words.ZH)
			continue
		}
		fate := a.fateWords(r)
		a.step(StepRecords, r.Fate == FatePresent, at+" "+kind.EN+": "+fate.EN, at+" "+kind.ZH+"："+fate.ZH)
	}
}

// fateWords says what became of a punch.
func (a *asking) fateWords(r Record) Text {
	t := Text{}
	switch r.Fate {
	case FatePresent:
		t = Text{EN: "its row stands in " + r.Table, ZH: "行在 " + r.Table}
	case FateUnread:
		t = Text{EN: "not read by any run yet", ZH: "尚未被任何运行读取"}
	case FateMissing:
		t = Text{EN: "no row holds it", ZH: "OA 中没有对应的行"}
		if !r.was.IsZero() {
			t = Text{EN: "its row stands at " + clock(r.was, a.Zone) + " and would be moved", ZH: "其行在 " + clock(r.was, a.Zone) + "，将被更正"}
		}
	case FateFrozen:
		t = Text{EN: "no row holds it, and its month is closed", ZH: "OA 中没有对应的行，且该月已封账"}
	case FateElsewhere:
		t = Text{EN: "its row stands in " + r.Table + " only, which the report does not read", ZH: "行只在 " + r.Table + "，考勤报表不读取该表"}
	case FateOther:
		t = Text{EN: "its row is not ours as it stands", ZH: "行由其他程序写入或被改过"}
	}
	if r.note != (Text{}) {
		t = Text{EN: t.EN + "; " + r.note.EN, ZH: t.ZH + "；" + r.note.ZH}
	}
	if r.Night {
		t = Text{EN: t.EN + "; after midnight, of the shift that began the day before", ZH: t.ZH + "；零点之后，属于前一日开始的班次"}
	}
	return t
}

func recordZH(r Record) string {
	kind := map[Kind]string{Regular: "打卡", Outside: "外勤打卡", Field: "签到/外出"}[r.Kind]
	return kind + map[Direction]string{In: "（上班）", Out: "（下班）"}[r.Direction]
}

// rowStep tells of all rows of the day.
func (a *asking) rowStep() {
	var en, zh []string
	ok := true
	for _, r := range a.rows {
		if !a.day.Contains(r.Time) {
			continue
		}
		tag := r.Tag
		if tag == "" {
			tag = "-"
		}
		line := fmt.Sprintf("%s %s %s", r.Table, r.Time.In(a.Zone).Format(time.TimeOnly), tag)
		lineZH := line
		if d := r.Direction; d != Undirected {
			line += " " + d.String()
			lineZH += map[Direction]string{In: " 签到", Out: " 签退"}[d]
		}
		switch {
		case r.Run != "":
			line, lineZH = line+" (by the run "+r.Run+")", lineZH+"（由运行 "+r.Run+" 写入）"
		case r.Ours:
			line, lineZH = line+" (ours)", lineZH+"（本程序标识）"
		}
		if !r.Counted {
			line, lineZH = line+" ["+r.Why.EN+"]", lineZH+"［"+r.Why.ZH+"］"
			ok = ok && r.Apart
		}
		en, zh = append(en, line), append(zh, lineZH)
	}
	if len(en) == 0 {
		a.step(StepRows, false, "the OA holds no row of this day", "OA 中没有这一天的行")
		return
	}
	a.step(StepRows, ok, strings.Join(en, "; "), strings.Join(zh, "；"))
}

// recalculationStep tells whether the day is up to date.
func (a *asking) recalculationStep() {
	shown := a.answer.Shown
	_, hooked := As[*Recalculation](a.first.sink)
	written, known := a.past.last().at, !a.past.last().at.IsZero()
	if w := a.past.untold; w.ID != "" && shown.Computed != ComputedWaiting && shown.Computed != ComputedDone {
		written, known, hooked = w.Report.Started, true, false
		shown.Computed = ComputedUntold
	}
	switch {
	case shown.Computed == ComputedLive:
		a.step(StepRecalculation, true, "not needed: this generation shows rows as they are", "无需重算：此版本直接读取行")
	case shown.Computed == ComputedWaiting:
		a.untold = Text{EN: "the day waits in the OA's queue to be computed anew", ZH: "这一天仍在 OA 的重算队列中等待"}
		a.step(StepRecalculation, false, a.untold.EN, a.untold.ZH)
	case shown.Computed == ComputedDone:
		a.step(StepRecalculation, true, "the OA has computed the day since it was asked to", "OA 已按请求重算这一天")
	case hooked:
		a.step(StepRecalculation, true, "the day is told to the site's own address; whether that computed it cannot be seen from here", "重算由现场自备的地址执行，此处无法得知其结果")
	case shown.Computed == ComputedUnknown:
		a.step(StepRecalculation, true, "nothing waits: the OA has computed the day, or was never asked to; if the report lacks it, have it computed by hand", "没有等待中的请求：OA 已重算，或从未被要求；若报表没有，请手工重算")
	case known && a.healed(written):
		a.step(StepRecalculation, true, "the OA was not told, but computes the latest days anew each night by itself", "未通知 OA，但 OA 每夜会自行重算最近几天")
	default:
		a.untold = Text{EN: "nothing has told the OA to compute the day anew", ZH: "没有通知 OA 重算这一天"}
		if a.past.untold.ID != "" {
			a.untold = Text{EN: "the run " + a.past.untold.ID + " could not tell the OA to compute the day anew", ZH: "运行 " + a.past.untold.ID + " 未能通知 OA 重算这一天"}
		}
		a.step(StepRecalculation, false, a.untold.EN, a.untold.ZH)
	}
}

// healed reports whether a night after the rows were written has computed the day.
func (a *asking) healed(written time.Time) bool {
	on := DateOf(written.In(a.Zone))
	return a.answer.Shown.Nightly > 0 && on.Before(DateOf(a.now.In(a.Zone))) && !a.Day.Before(on.Add(1-a.answer.Shown.Nightly))
}

func (a *asking) shownStep() {
	s := a.answer.Shown
	en, zh := a.display()
	a.step(StepShown, !s.In.IsZero() || !s.Out.IsZero(), en+" ("+s.Rule.EN+")", zh+"（"+s.Rule.ZH+"）")
}

// display says what the report shows.
func (a *asking) display() (en, zh string) {
	clock := func(t time.Time) string {
		switch {
		case t.IsZero():
			return "-"
		case DateOf(t.In(a.Zone)) != a.Day:
			return clock(t, a.Zone)
		default:
			return t.In(a.Zone).Format(time.TimeOnly)
		}
	}
	s := a.answer.Shown
	return fmt.Sprintf("the OA shows sign-in %s, sign-out %s", clock(s.In), clock(s.Out)), fmt.Sprintf("OA 显示签到 %s，签退 %s", clock(s.In), clock(s.Out))
}
