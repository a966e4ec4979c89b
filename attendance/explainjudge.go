package attendance

import (
	"fmt"
	"slices"
	"strings"
)

// judge finds the cause, and who has to do what about it.
func (a *asking) judge(err error) {
	e := a.answer
	e.Cause, e.Advice = a.cause(err)
	e.Sentence = e.Advice.Sentence()
	en, zh := a.Person, a.Person+" "
	switch {
	case e.Name != "" && a.Person != "":
		en, zh = e.Name+" ("+a.Person+")", e.Name+"（"+a.Person+"）"
	case e.Name != "":
		en, zh = e.Name, e.Name+" "
	}
	e.Sentence = Text{EN: fmt.Sprintf("%s, %v: %s", en, a.Day, e.Sentence.EN), ZH: fmt.Sprintf("%s%v：%s", zh, a.Day, e.Sentence.ZH)}
}

func (a *asking) cause(err error) (Cause, Advice) {
	m := a.standing.Member
	records := a.answer.Records
	switch {
	case isStore(err):
		return "", storeAdvice(err)
	case m.LeftOut != "":
		return Cause(m.LeftOut), a.standing.Advice
	case a.rejected && len(records) == 0:
		return CauseRefused, Advice{thePlatform(), Text{EN: "check that the account " + m.Account + " still exists and that the application may see it", ZH: "确认账号 " + m.Account + " 仍存在且在应用可见范围内"},
			Text{EN: "the platform rejects it", ZH: "平台拒绝该账号"}}
	case err != nil && len(records) == 0:
		return CauseRefused, platformAdvice(err)
	case a.lost != nil && len(records) == 0:
		return CauseRefused, platformAdvice(a.lost)
	case len(records) == 0:
		return CauseNoPunch, a.noPunch()
	}
	if r, n := a.firstOf(FateUnread); n > 0 {
		return CauseNotRead, a.notRead(r)
	}
	skipped := a.count(FateSkipped) == len(records)
	if skipped && a.past.known && !slices.ContainsFunc(records, func(r Record) bool { return a.past.covers(r.Source, r.Time) }) {
		return CauseNotRead, a.unreadAndSkipped()
	}
	if skipped {
		return CauseSkipped, a.allSkipped()
	}
	if r, n := a.firstOf(FateMissing); n > 0 {
		return CauseNotWritten, a.notWritten(r)
	}
	if r, n := a.firstOf(FateFrozen); n > 0 {
		return CauseNotWritten, a.closed(r, Text{})
	}
	return a.written()
}

// written is the cause where every punch has a row.
func (a *asking) written() (Cause, Advice) {
	if r, apart := a.apart(); apart {
		if r.Direction == Undirected {
			return CauseElsewhere, Advice{What: Text{EN: "look at the page of outside punches (外勤签到)", ZH: "请在【外勤签到】中查看"},
				Why: Text{EN: "the record of " + clock(r.Time, a.Zone) + " is a visit without a direction and stands in " + r.Table + ", which the attendance report does not read", ZH: clock(r.Time, a.Zone) + " 是没有方向的签到或外出记录，在 " + r.Table + " 中，考勤报表不读取该表"}}
		}
		return CauseElsewhere, Advice{theOA(), Text{EN: "look at the page of outside punches, or have outside punches written as attendance (outside: sign | both)", ZH: "在【外勤签到】中查看；若需计入考勤，请将 outside 设为 sign 或 both"},
			Text{EN: "the punch of " + clock(r.Time, a.Zone) + " is an outside one and stands in " + r.Table + " only", ZH: clock(r.Time, a.Zone) + " 是外勤打卡，只在 " + r.Table + " 中"}}
	}
	if r, n := a.firstOf(FateOther); n > 0 {
		for _, worse := range a.answer.Records {
			if r.fine && worse.Fate == FateOther && !worse.fine {
				r = worse
			}
		}
		return CauseFromOther, a.fromOther(r)
	}
	if a.untold != (Text{}) {
		return CauseNotRecalculated, Advice{theOA(), Text{EN: "have the day computed anew in the OA (attendance report, recalculate); if it waits in the queue for more than a few minutes, look at the OA's application nodes and their clock", ZH: "在 OA 考勤报表中重算这一天；若在队列中等待超过几分钟，请检查 OA 应用节点及其时钟"},
			Text{EN: "the rows are there, but " + a.untold.EN, ZH: "行已写入，但" + a.untold.ZH}}
	}
	en, zh := a.display()
	if i := slices.IndexFunc(a.answer.Records, func(r Record) bool { return r.Night && r.Fate == FatePresent }); i >= 0 && a.answer.Shown.Calendar && a.answer.Shown.Out.IsZero() {
		r := a.answer.Records[i]
		return CauseNextDay, Advice{What: Text{EN: "look at " + DateOf(r.Time).String() + " in the report", ZH: "请在报表中查看 " + DateOf(r.Time).String()},
			Why: Text{EN: "the sign-out at " + clock(r.Time, a.Zone) + " lies after midnight, and this OA counts it on the next day", ZH: clock(r.Time, a.Zone) + " 的签退在零点之后，此版本 OA 计入次日"}}
	}
	if !a.showing {
		en, zh = "every punch of the day has its row", "当天的打卡都已写入"
	}
	return CauseShown, Advice{Why: Text{EN: en, ZH: zh}}
}

// apart reports whether a punch with a direction, or everything, stands only where the
// report does not look.
func (a *asking) apart() (Record, bool) {
	all := true
	for _, r := range a.answer.Records {
		if r.Taken && r.Fate == FateElsewhere && r.Direction != Undirected {
			return r, true
		}
		all = all && (!r.Taken || r.Fate == FateElsewhere)
	}
	r, n := a.firstOf(FateElsewhere)
	return r, all && n > 0
}

// firstOf is the first record of that fate, and how many there are.
func (a *asking) firstOf(f Fate) (first Record, n int) {
	for _, r := range a.answer.Records {
		if r.Fate == f {
			if n++; n == 1 {
				first = r
			}
		}
	}
	return first, n
}

func (a *asking) count(f Fate) int { _, n := a.firstOf(f); return n }

func (a *asking) noPunch() Advice {
	if a.day.From.After(a.now) {
		return Advice{Why: Text{EN: "the day has not come yet", ZH: "日期尚未到来"}}
	}
	account := a.standing.Member.Account
	advice := Advice{theHR(), Text{EN: "compare with the platform's own report, and check that the account is really the person's", ZH: "对照平台后台的打卡报表，并确认账号确属此人"},
		Text{EN: "the platform holds no record of the account " + account + " on this day (a wrong account may be answered so too)", ZH: "平台上账号 " + account + " 当天没有任何记录（账号错误时平台也可能返回空）"}}
	if n := len(slices.DeleteFunc(slices.Clone(a.rows), func(r ShownRow) bool { return !a.day.Contains(r.Time) })); n > 0 {
		advice.Why.EN += fmt.Sprintf("; the OA holds %d rows of the day all the same", n)
		advice.Why.ZH += fmt.Sprintf("；但 OA 中有当天的 %d 行", n)
		advice = a.stays(advice)
	}
	return advice
}

// stays adds why rows of ours stand whose punch the platform does not have.
func (a *asking) stays(advice Advice) Advice {
	for _, row := range a.ownRows() {
		if stuck := a.stuck(row); stuck != nil {
			words := stuck.words(a.Zone)
			return Advice{theDatabase(), Text{EN: "look at the trigger, key or right that forbids the row's removal, or remove the row by hand", ZH: "检查阻止删除该行的触发器、约束或权限，或手工删除该行"},
				Text{EN: advice.Why.EN + "; the row of " + clock(row.Time, a.Zone) + " stays: " + words.EN, ZH: advice.Why.ZH + "；" + clock(row.Time, a.Zone) + " 的行仍保留：" + words.ZH}}
		}
	}
	if len(a.ownRows()) > 0 {
		advice.Why.EN += "; those of ours stay: they are removed by hand or, where that is set (withdrawn: delete), by a run that reads this day and is sure"
		advice.Why.ZH += "；本程序写入的行仍保留：仅在设置 withdrawn: delete 时，由读取这一天且能确认已撤回的运行删除，否则需手工删除"
	}
	return advice
}

// notRead says why a moment was not read, and when it will be.
func (a *asking) notRead(r Record) Advice { return a.awaited(r, a.unreadBecause(r)) }

// unreadBecause says why a moment was not read.
func (a *asking) unreadBecause(r Record) Text {
	s := a.past.streams[r.Source]
	at := clock(r.Time, a.Zone)
	why := Text{EN: "no run has read " + at + " for the person yet", ZH: "尚无任何运行为此人读取 " + at}
	read := s.covered.Within(a.day)
	switch {
	case a.past.failed.ID != "":
		why = Text{EN: "the run " + a.past.failed.ID + " could not read or write it: " + a.past.why.Message, ZH: "运行 " + a.past.failed.ID + " 未能完成：" + a.past.why.Message}
	case !a.past.logged:
		why = Text{EN: "the sync log holds no run of this job at all", ZH: "同步日志中没有该任务的任何运行"}
	case len(read) > 0 && !r.Time.Before(read.Bounds().To):
		why = Text{EN: "the punch of " + at + " came after the last run, which read up to " + clock(read.Bounds().To, a.Zone), ZH: at + " 的打卡在上次运行之后，上次读取到 " + clock(read.Bounds().To, a.Zone)}
	}
	return why
}

// unreadAndSkipped is the advice where no run has read the day, and none would write
// anything of it.
func (a *asking) unreadAndSkipped() Advice {
	advice := a.allSkipped()
	why, words := a.unreadBecause(a.answer.Records[0]), a.skips()
	advice.Why = Text{EN: why.EN + "; but none of its records becomes a punch: " + words.EN, ZH: why.ZH + "；但其记录都不会成为打卡：" + words.ZH}
	return advice
}

func (a *asking) notWritten(r Record) Advice {
	at := clock(r.Time, a.Zone)
	why := Text{EN: "no row holds the punch of " + at, ZH: "OA 中没有 " + at + " 打卡的行"}
	last := a.past.last()
	switch {
	case !r.was.IsZero():
		why = Text{EN: "the platform's record was corrected from " + clock(r.was, a.Zone) + " to " + at + " after it was read", ZH: "平台记录在读取之后由 " + clock(r.was, a.Zone) + " 更正为 " + at}
	case r.lost != nil:
		return a.untaken(r, Text{EN: why.EN + "; " + r.note.EN, ZH: why.ZH + "；" + r.note.ZH})
	case r.note != (Text{}):
		why = Text{EN: why.EN + "; " + r.note.EN, ZH: why.ZH + "；" + r.note.ZH}
	case r.read && last.run.ID != "":
		why.EN += fmt.Sprintf(", although the run %s read that moment at %s: it came to the platform late, or its row was changed or deleted in the OA", last.run.ID, clock(last.at, a.Zone))
		why.ZH += fmt.Sprintf("，而运行 %s 已于 %s 读过：打卡晚到平台，或该行在 OA 中被更正或删除", last.run.ID, clock(last.at, a.Zone))
	}
	return a.awaited(r, why)
}

// untaken is the advice about a row that the target did not take. Nothing is promised:
// the target decides.
func (a *asking) untaken(r Record, why Text) Advice {
	mend, then := r.lost.Reason.rowCode().Mend(), a.awaited(r, why)
	switch a.prospect(r).outlook() {
	case byNextRun:
	case byNobody, whenOpened:
		return then
	default: // no run offers it again by itself
		mend = r.lost.Reason.repair()
		mend = Text{EN: mend.EN + "; then: " + then.What.EN, ZH: mend.ZH + "；之后：" + then.What.ZH}
	}
	return Advice{theDatabase(), mend, why}
}

func (a *asking) fromOther(r Record) Advice {
	note := r.note
	if note == (Text{}) {
		note = Text{EN: "another program wrote the row", ZH: "该行由其他程序写入"}
	}
	why := Text{EN: "for the punch of " + clock(r.Time, a.Zone) + " " + note.EN, ZH: clock(r.Time, a.Zone) + " 的打卡，" + note.ZH}
	switch {
	case r.fine && a.showing:
		en, zh := a.display()
		if a.untold != (Text{}) {
			en, zh = en+" (but "+a.untold.EN+")", zh+"（但"+a.untold.ZH+"）"
		}
		return Advice{Why: Text{EN: why.EN + "; " + en, ZH: why.ZH + "；" + zh}}
	case r.note == warned("changed_by_others"):
		return Advice{theHR(), Text{EN: "make sure that the correction in the OA was meant", ZH: "确认 OA 中的更正是有意为之"}, why}
	}
	return Advice{theOA(), Text{EN: "find out who writes or changes rows beside this program, and correct or keep the row", ZH: "查明本程序之外还有谁写入或修改打卡，并更正或保留该行"}, why}
}

// skips counts the records that are no punches, by reason.
func (a *asking) skips() Text {
	var en, zh []string
	var seen []Reason
	for _, r := range a.answer.Records {
		if r.Fate != FateSkipped || slices.Contains(seen, r.Reason) {
			continue
		}
		seen = append(seen, r.Reason)
		words := r.Reason.words()
		en, zh = append(en, words.EN), append(zh, words.ZH)
	}
	return Text{EN: strings.Join(en, "; "), ZH: strings.Join(zh, "；")}
}

func (a *asking) allSkipped() Advice {
	words := a.skips()
	why := Text{EN: "none of the day's records is a punch: " + words.EN, ZH: "当天的记录都不是有效打卡：" + words.ZH}
	switch a.answer.Records[0].Reason {
	case MissingPunch:
		return Advice{Text{EN: "the person", ZH: "本人"}, Text{EN: "apply for a make-up punch on the platform", ZH: "在平台上申请补卡"}, why}
	case Invalid:
		return Advice{thePlatform(), Text{EN: "approve or correct the punch on the platform", ZH: "在平台上审批或更正该打卡"}, why}
	case Abnormal:
		return Advice{theOperator(), Text{EN: "have such punches written (abnormal: sign), or leave it: the job is set to keep them out", ZH: "如需写入，将 abnormal 设为 sign；否则按设置不计入"}, why}
	case Future:
		return Advice{theOperator(), Text{EN: "check this machine's clock", ZH: "检查本机时钟"}, why}
	case NoDirection:
		return Advice{thePlatform(), Text{EN: "give the person a shift, or have undirected punches written (undirected: null on E9, else infer)", ZH: "为其排班，或将 undirected 设为 null（E9）或 infer（其他版本）"}, why}
	default:
		return Advice{theOperator(), Text{EN: "report this", ZH: "反馈该问题"}, why}
	}
}
