package attendance

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// runsSearched bounds how many runs are looked through for the one that read a day.
const runsSearched = 300

// A past is what is remembered of the person and the day.
type past struct {
	known  bool // something is remembered
	logged bool // the sync log holds a run of the job
	// lastBegan is when the job's last run of its own began, or any where there is none.
	lastBegan time.Time
	streams   map[string]remembered
	// failed is the latest run that could not read the day for the person, if none
	// read it later, and why.
	failed RunRecord
	why    Failure
	// unwritten are the rows of the person and the day that the target did not take.
	unwritten []Rejected
	// untold is the latest run that could not have the day computed anew.
	untold RunRecord
}

// remembered is what is known of one family of records.
type remembered struct {
	covered Spans // of the account; of all accounts where the person has none now
	owed    Spans
	run     RunRecord // the last one that read the day for the person
	at      time.Time // when
}

func (p past) covers(source string, t time.Time) bool { return p.streams[source].covered.Contains(t) }

// last is the last run that read the day, for any family.
func (p past) last() (last remembered) {
	for _, s := range p.streams {
		if s.at.After(last.at) {
			last = s
		}
	}
	return last
}

// recall reads what is remembered, and tells it.
func (a *asking) recall(ctx context.Context) error {
	store := a.first.opts.Memory.Coverage
	if store == nil {
		a.step(StepCoverage, true, "unknown: nothing is remembered of earlier runs (no state)", "未知：未保存运行状态，不知道是否读取过")
		return nil
	}
	a.past = past{known: true, streams: make(map[string]remembered)}
	var others []Coverage
	var left Coverage
	var refused time.Time
	for _, y := range a.syncers {
		stream := Stream{Job: y.opts.Job, Target: y.opts.Target, Source: y.provider.Name(), Corp: y.opts.Corp}
		owed, err := store.Owed(ctx, stream)
		if err != nil {
			return a.forgot(ctx, err)
		}
		known, err := store.Recall(ctx, stream, []string{a.Person})
		if err != nil {
			return a.forgot(ctx, err)
		}
		one := remembered{owed: owed.In(a.Zone)}
		for _, c := range known {
			switch account := a.standing.Member.Account; {
			case c.Account == "" && c.LeftOut != "" && c.Gone.IsZero():
				left = c
			case c.Account == account || account == "" || a.standing.Member.LeftOut != "":
				one.covered = one.covered.Plus(c.Covered.In(a.Zone)...)
				if refused.IsZero() {
					refused = c.Refused
				}
			case c.Account != "" && !slices.ContainsFunc(others, func(o Coverage) bool { return o.Account == c.Account }):
				others = append(others, c)
			}
		}
		a.past.streams[stream.Source] = one
		if err := a.recallUnwritten(ctx, stream); err != nil {
			return a.forgot(ctx, err)
		}
	}
	if err := a.search(ctx); err != nil {
		return a.forgot(ctx, err)
	}
	for _, c := range others {
		a.step(StepBinding, true, fmt.Sprintf("changed: until %s the account was %s; what was read for it stays", clock(c.Last, a.Zone), c.Account),
			fmt.Sprintf("绑定有过变更：%s 之前账号为 %s，按旧账号读到的仍保留", clock(c.Last, a.Zone), c.Account))
	}
	if left.Run != "" {
		a.step(StepCoverage, false, fmt.Sprintf("the run %s left the person out at %s: %s", left.Run, clock(left.Last, a.Zone), left.LeftOut),
			fmt.Sprintf("运行 %s（%s）未同步此人：%s", left.Run, clock(left.Last, a.Zone), left.LeftOut))
	}
	if !refused.IsZero() {
		a.step(StepCoverage, false, "the platform rejects the account since "+clock(refused, a.Zone), "自 "+clock(refused, a.Zone)+" 起平台拒绝该账号")
	}
	a.coverageSteps()
	return nil
}

// recallUnwritten reads which rows of the person the target did not take.
func (a *asking) recallUnwritten(ctx context.Context, s Stream) error {
	store := a.first.opts.Memory.Rejected
	if store == nil {
		return nil
	}
	for one, err := range store.Rejected(ctx, s, Span{a.day.From, a.day.To.Add(nightEnds)}) {
		if err != nil {
			return err
		}
		if one.Person == a.Person && (one.Reason == RowRefused || one.Reason == RowChanged) {
			a.past.unwritten = append(a.past.unwritten, one)
		}
	}
	return nil
}

// unwrittenRow is why the target did not take the record's row when a run last tried.
func (a *asking) unwrittenRow(r Record) *Rejected {
	for i, one := range a.past.unwritten {
		if one.Time.Unix() == r.Time.Unix() && one.ID == r.ID {
			return &a.past.unwritten[i]
		}
	}
	return nil
}

func (a *asking) forgot(ctx context.Context, err error) error {
	if ended(ctx, err) {
		return err
	}
	err = coded(err, CodeStore, "state")
	a.trouble(StepCoverage, err)
	return err
}

func (a *asking) coverageSteps() {
	for _, y := range a.syncers {
		name := y.provider.Name()
		s := a.past.streams[name]
		read := s.covered.Within(a.day)
		last := ""
		lastZH := ""
		if !s.at.IsZero() {
			last = fmt.Sprintf("; last by the run %s at %s", s.run.ID, clock(s.at, a.Zone))
			lastZH = fmt.Sprintf("；最近由运行 %s 于 %s 读取", s.run.ID, clock(s.at, a.Zone))
		}
		switch {
		case len(read) == 0 && !a.past.logged:
			a.step(StepCoverage, false, name+": not read; the sync log holds no run of this job", name+"：未读取；同步日志中没有该任务的任何运行")
		case len(read) == 0:
			a.step(StepCoverage, false, name+": no run has read this day for the person"+last, name+"：没有任何运行为此人读取过这一天"+lastZH)
		case read.Covers(a.day):
			a.step(StepCoverage, true, name+": the whole day was read"+last, name+"：整天已读取"+lastZH)
		default:
			a.step(StepCoverage, true, fmt.Sprintf("%s: read from %s up to %s%s", name, clock(read.Bounds().From, a.Zone), clock(read.Bounds().To, a.Zone), last),
				fmt.Sprintf("%s：已读取 %s 至 %s%s", name, clock(read.Bounds().From, a.Zone), clock(read.Bounds().To, a.Zone), lastZH))
		}
	}
	if f := a.past.failed; f.ID != "" {
		a.step(StepCoverage, false, fmt.Sprintf("the run %s could not do this day: %s", f.ID, a.past.why.Message), fmt.Sprintf("运行 %s 未完成这一天：%s", f.ID, a.past.why.Message))
	}
}

// search finds in the sync log the last run that read the day for the person.
func (a *asking) search(ctx context.Context) error {
	log := a.first.opts.Memory.Runs
	if log == nil {
		a.past.logged = len(a.past.streams) > 0
		return nil
	}
	filter := RunFilter{Job: a.first.opts.Job, Target: a.first.opts.Target}
	for _, kind := range [...]RunKind{"", KindRun} {
		filter.Kind, filter.Limit = kind, 1
		for r, err := range log.Runs(ctx, filter) {
			if err != nil {
				return err
			}
			a.past.logged, a.past.lastBegan = true, r.Report.Started
		}
	}
	filter.Kind = ""
	if a.Owed != nil {
		owed, known := a.Owed(ctx, PersonDay{a.Person, a.Day})
		a.since = known && !owed
	}
	wanted := make(map[string]bool)
	for source, s := range a.past.streams {
		wanted[source] = len(s.covered.Within(a.day)) > 0
	}
	filter.Since, filter.Limit = a.day.From, runsSearched
	for r, err := range log.Runs(ctx, filter) {
		if err != nil {
			return err
		}
		if len(Spans{r.Report.Span}.Within(a.day)) == 0 && r.Report.CaughtUp == 0 {
			continue
		}
		if a.past.failed.ID == "" && a.past.last().at.IsZero() {
			if i := slices.IndexFunc(r.Report.Failed, a.concerns); i >= 0 {
				a.past.failed, a.past.why = r, r.Report.Failed[i]
				a.past.why.Message = unpromised(Text{EN: a.past.why.Message}).EN
			}
		}
		for _, u := range r.Report.Unwritten {
			if u.Person == a.Person {
				a.past.unwritten = append(a.past.unwritten, u.record())
			}
		}
		if a.past.untold.ID == "" && !a.since && slices.ContainsFunc(r.Report.Warnings, func(w Warning) bool { return w.notRecalculated(PersonDay{a.Person, a.Day}) }) {
			a.past.untold = r
		}
		if err := a.slices(ctx, log, r, wanted); err != nil {
			return err
		}
	}
	return nil
}

// slices looks for the day among what a run did.
func (a *asking) slices(ctx context.Context, log RunStore, r RunRecord, wanted map[string]bool) error {
	if !wantsAny(wanted) {
		return nil
	}
	found := make(map[string]remembered)
	for s, err := range log.Slices(ctx, r.ID) {
		if err != nil {
			return err
		}
		mine := func(m Member) bool { return m.Person == a.Person }
		if !wanted[s.Source] || len(Spans{s.Report.Slice.Span}.Within(a.day)) == 0 || !slices.ContainsFunc(s.Report.Slice.Members, mine) ||
			slices.ContainsFunc(s.Report.Failed, a.concerns) {
			continue
		}
		one := a.past.streams[s.Source]
		one.run, one.at = r, s.At
		found[s.Source] = one
	}
	for source, one := range found {
		a.past.streams[source], wanted[source] = one, false
	}
	return nil
}

func wantsAny(wanted map[string]bool) bool {
	for _, is := range wanted {
		if is {
			return true
		}
	}
	return false
}

// concerns reports whether a failure is about the person and the day.
func (a *asking) concerns(f Failure) bool {
	return slices.Contains(f.Persons, a.Person) && len(Spans{f.Span}.Within(a.day)) > 0
}

func clock(t time.Time, zone *time.Location) string { return t.In(zone).Format(time.DateTime) }
