package attendance

import (
	"fmt"
	"strings"
	"time"
)

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
			t = Text{EN: "its row stands at " + clock(r.was, a.Zone) + " and would be moved by a run that reads it", ZH: "其行在 " + clock(r.was, a.Zone) + "，读取这一天的运行会更正"}
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
		if stuck := a.stuck(r); stuck != nil {
			words := stuck.words(a.Zone)
			line, lineZH, ok = line+" ["+words.EN+"]", lineZH+"［"+words.ZH+"］", false
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
	if w := a.past.untold; w.ID != "" && shown.Computed != ComputedWaiting && shown.Computed != ComputedDone {
		hooked = false
		shown.Computed = ComputedUntold
	}
	switch {
	case shown.Computed == ComputedLive:
		a.step(StepRecalculation, true, "not needed: this generation shows rows as they are", "无需重算：此版本直接读取行")
	case shown.Computed == ComputedWaiting:
		a.untold = Text{EN: "the day waits in the OA's queue to be computed anew", ZH: "这一天仍在 OA 的重算队列中等待"}
		a.step(StepRecalculation, false, a.untold.EN, a.untold.ZH)
	case shown.Computed == ComputedDone:
		a.step(StepRecalculation, true, "the OA has computed the day since it was asked to; if the report lacks it all the same, look at the person's attendance group", "OA 已按请求重算这一天；若报表仍没有，请检查此人的考勤组")
	case hooked:
		a.step(StepRecalculation, true, "the day is told to the site's own address; whether that computed it cannot be seen from here", "重算由现场自备的地址执行，此处无法得知其结果")
	case shown.Computed == ComputedUnknown:
		a.step(StepRecalculation, true, "nothing waits: the OA has computed the day, or was never asked to; if the report lacks it, have it computed by hand", "没有等待中的请求：OA 已重算，或从未被要求；若报表没有，请手工重算")
	default:
		a.untold = Text{EN: "nothing has told the OA to compute the day anew", ZH: "没有通知 OA 重算这一天"}
		if a.past.untold.ID != "" {
			a.untold = Text{EN: "the run " + a.past.untold.ID + " could not tell the OA to compute the day anew", ZH: "运行 " + a.past.untold.ID + " 未能通知 OA 重算这一天"}
		}
		a.step(StepRecalculation, false, a.untold.EN, a.untold.ZH)
	}
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
