package attendance

import (
	"context"
	"time"
)

// What an explanation promises: whether, and when, a punch that the target lacks comes
// there by itself.

// An outlook is what brings a punch that the target lacks.
type outlook int

const (
	byNextRun  outlook = iota // the next run, by itself
	byRunNow                  // a run of the job, which somebody must start
	byBackfill                // only somebody who has the day read again
	beforeLong                // the same, but not for long: its month is closed by the next run
	byNobody                  // nothing: the platform tells of the day no longer
	whenOpened                // nothing, as long as its month is closed
)

// A prospect is what is known of a punch that the target lacks.
type prospect struct {
	at       time.Time // of the punch
	next     time.Time // when the job runs next by itself; zero: it does not, as far as is known
	byNext   bool      // that run reads the punch's moment
	byNow    bool      // a run that somebody starts now does
	kept     time.Time // what lies before it no run reads, because the platform forgets it; zero: it keeps all
	open     time.Time // what lies before it is in a closed month; zero: none is closed
	openNext time.Time // the same at the time of the next run
}

// outlook decides it.
func (p prospect) outlook() outlook {
	scheduled := !p.next.IsZero()
	switch {
	case p.at.Before(p.kept):
		return byNobody
	case p.at.Before(p.open):
		return whenOpened
	case scheduled && p.at.Before(p.openNext):
		return beforeLong
	case scheduled && p.byNext:
		return byNextRun
	case p.byNow:
		return byRunNow
	default:
		return byBackfill
	}
}

// overdue reports whether the run that was due last was not made, though the job was
// known before: whatever starts the job has stopped. last is when its last run began. A
// run may begin late, by the time that another one takes.
func overdue(due, last, now time.Time) bool {
	return !due.IsZero() && !last.IsZero() && last.Before(due) && now.Sub(due) > lateStart
}

// lateStart is how long after its time a run is not yet missed.
const lateStart = time.Hour

// A foresight is what the job's runs to come will read for the person, of one family.
type foresight struct {
	next, now Spans // by the next run, and by one that somebody starts now
	kept      time.Time
}

// foresee plans the runs to come, as they will plan themselves, where a punch waits
// for one.
func (a *asking) foresee(ctx context.Context) error {
	if a.Window == nil || a.count(FateUnread)+a.count(FateMissing) == 0 {
		return nil
	}
	a.ahead = make(map[string]foresight)
	for _, y := range a.syncers {
		name := y.provider.Name()
		covered := a.past.streams[name].covered
		var f foresight
		var err error
		if f.now, f.kept, err = y.willRead(ctx, a.Window, a.now, covered); err == nil && !a.Next.IsZero() {
			f.next, _, err = y.willRead(ctx, a.Window, a.Next, covered)
		}
		switch {
		case err != nil && CodeOf(err) == "" && !ended(ctx, err):
			continue // no such window can be: no run over it brings anything
		case err != nil:
			return a.forgot(ctx, err)
		}
		a.ahead[name] = f
	}
	return nil
}

// willRead is what a run that begins then reads for somebody of whom covered was read,
// and what the platform keeps.
func (y *Syncer) willRead(ctx context.Context, w Window, at time.Time, covered Spans) (Spans, time.Time, error) {
	g, err := y.agenda(ctx, w, at, true)
	if err != nil {
		return nil, time.Time{}, err
	}
	if g.meets() {
		return g.memory.need(covered), g.plan.oldest(at), nil
	}
	return Spans{g.again}, g.plan.oldest(at), nil
}

// prospect is that of a record.
func (a *asking) prospect(r Record) prospect {
	f, at := a.ahead[r.Source], r.Time
	if at.IsZero() {
		at = a.day.From
	}
	p := prospect{at: at, next: a.Next, byNext: f.next.Contains(at), byNow: f.now.Contains(at), kept: f.kept}
	days := a.first.opts.FreezeAfterDay
	p.open = OpenFrom(a.now.In(a.Zone), days)
	if !a.Next.IsZero() {
		p.openNext = OpenFrom(a.Next.In(a.Zone), days)
	}
	return p
}

// awaited says what brings a punch.
func (a *asking) awaited(r Record, why Text) Advice {
	out := a.prospect(r).outlook()
	advice := Advice{theOperator(), a.Again, why}
	switch out {
	case byNextRun:
		advice = a.byItself(why)
	case byRunNow:
		advice.What = a.startIt()
	case beforeLong:
		advice.What = Text{EN: a.Again.EN + ", before its month is closed to this program", ZH: a.Again.ZH + "（须在该月封账之前）"}
	case byBackfill:
		if a.Window != nil {
			advice.Why = Text{EN: why.EN + "; no run that comes by itself reads that moment any more", ZH: why.ZH + "；之后的自动运行不会再读取该时刻"}
		}
	case byNobody:
		return Advice{theHR(), Text{EN: "enter the punch in the OA by hand", ZH: "在 OA 中手工补录"},
			Text{EN: why.EN + "; the platform forgets this day, so that no run and no backfill reads it any more", ZH: why.ZH + "；平台即将不再保留这一天，自动运行与补采都不会再读取"}}
	case whenOpened:
		return a.closed(r, why)
	}
	if mend, needed := a.firstMend(); needed {
		return Advice{theDatabase(), Text{EN: mend.EN + "; then: " + advice.What.EN, ZH: mend.ZH + "；之后：" + advice.What.ZH}, advice.Why}
	}
	return advice
}

// byItself is the advice where the next run brings it, if there will be one.
func (a *asking) byItself(why Text) Advice {
	next := clock(a.Next, a.Zone)
	what := Text{EN: "the next run at " + next + " brings it", ZH: "下次运行（" + next + "）会自动补上"}
	if !overdue(a.Due, a.past.lastBegan, a.now) {
		return Advice{What: what, Why: why}
	}
	due := clock(a.Due, a.Zone)
	return Advice{theOperator(), Text{EN: "see to it that the program which starts the job is running, since the run due at " + due + " was not made; then " + what.EN,
		ZH: "确认任务的启动程序正在运行（应于 " + due + " 执行的运行没有执行），之后" + what.ZH}, why}
}

// startIt is what to do where a run must be started by somebody.
func (a *asking) startIt() Text {
	if a.Next.IsZero() {
		return Text{EN: "start the job or enable it", ZH: "执行或启用该任务"}
	}
	next := clock(a.Next, a.Zone)
	return Text{EN: "start the job now, because its next run at " + next + " does not read this day any more", ZH: "立即执行该任务（下次运行 " + next + " 不再读取这一天）"}
}

// closed is the advice about a punch of a closed month.
func (a *asking) closed(r Record, why Text) Advice {
	at := clock(r.Time, a.Zone)
	month := Text{EN: "the month of " + at + " is closed to this program", ZH: at + " 所在月份已对本程序封账"}
	if why != (Text{}) {
		month = Text{EN: why.EN + "; " + month.EN, ZH: why.ZH + "；" + month.ZH}
	}
	return Advice{theHR(), Text{EN: "enter the punch in the OA by hand, or have the month opened", ZH: "在 OA 中手工补录，或解除封账"}, month}
}

// firstMend is what must be done before any run brings the day: the last run that had it
// was kept from writing it by the target, which this walk, that only reads, cannot try.
func (a *asking) firstMend() (Text, bool) {
	switch code := a.past.why.Code; {
	case a.past.failed.ID == "":
		return Text{}, false
	case code == CodeStore, code == CodeStoreDown, code == CodeTable:
		return unpromised(code.Mend()), true
	default:
		return Text{}, false
	}
}
