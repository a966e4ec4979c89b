package attendance

import (
	"context"
	"errors"
	"math"
	"time"
)

// A session is one run of one or several families of records, from the lease it
// takes to the log it leaves.
type session struct {
	syncers []*Syncer
	agendas []*agenda // one for each
	window  Window
	dry     bool
	began   time.Time
	journal *journal
}

// conduct runs the syncers, one after the other, as one run.
func conduct(ctx context.Context, scope Scope, w Window, syncers []*Syncer, dry bool) (Report, error) {
	first := syncers[0]
	report := Report{Job: first.opts.Job, Source: first.provider.Name(), Started: first.opts.Now(), Run: first.opts.Run}
	if report.Run == "" {
		report.Run = NewRunID(report.Started)
	}
	held, waited, err := first.take(ctx, w, report.Run, dry)
	if err != nil {
		report.Ended = first.opts.Now()
		return report, err
	}
	defer held.release(ctx)
	s, err := newSession(ctx, w, syncers, dry)
	if err != nil {
		report.Ended = first.opts.Now()
		return report, err
	}
	report.Started, report.Span = s.began, s.agendas[0].plan.Span
	if err := s.open(ctx, &report, held, waited); err != nil {
		report.Ended = first.opts.Now()
		return report, err
	}
	report, err = s.run(ctx, scope, report)
	s.journal.end(ctx, report, err)
	if lost := s.journal.trouble(); lost != nil {
		w, incomplete := notRemembered(lost)
		report.Warnings = append(report.Warnings, w)
		if err == nil {
			err = incomplete
		}
	}
	return report, err
}

// take takes the job's lease, if leases are kept.
func (y *Syncer) take(ctx context.Context, w Window, run string, dry bool) (*lease, []string, error) {
	store := y.opts.Memory.Leases
	if store == nil || dry {
		return nil, nil, nil
	}
	return takeLease(ctx, store, leaseName(y.opts.Job, y.opts.Target, y.kind(w)), run)
}

func (y *Syncer) kind(w Window) RunKind {
	if y.opts.Kind != "" {
		return y.opts.Kind
	}
	return kindOf(w)
}

func (y *Syncer) stream() Stream {
	return Stream{Job: y.opts.Job, Target: y.opts.Target, Source: y.provider.Name(), Corp: y.opts.Corp}
}

// newSession plans what the syncers are to do.
func newSession(ctx context.Context, w Window, syncers []*Syncer, dry bool) (*session, error) {
	s := &session{syncers: syncers, window: w, dry: dry, began: syncers[0].opts.Now()}
	for _, y := range syncers {
		a, err := y.agenda(ctx, w, s.began, dry)
		if err != nil {
			return nil, err
		}
		s.agendas = append(s.agendas, a)
	}
	return s, nil
}

// agenda resolves the window for one family.
func (y *Syncer) agenda(ctx context.Context, w Window, now time.Time, dry bool) (*agenda, error) {
	moment := Moment{Now: now}
	var memory *recollection
	if store := y.opts.Memory.Coverage; store != nil {
		var err error
		if memory, moment, err = recall(ctx, store, y.stream()); err != nil {
			return nil, err
		}
		moment.Now = now
	}
	span, err := resolve(w, moment)
	if err != nil {
		return nil, err
	}
	a := &agenda{plan: newPlan(span, y.provider.Limits(), now), memory: memory}
	a.again = a.plan.Span
	kind := y.kind(w)
	a.kind, a.newestFirst = kind, kind == KindReread
	if memory == nil {
		return a, nil
	}
	memory.now, memory.dry, memory.window = now, dry, a.plan.Span
	memory.apart = y.opts.Apart || kind == KindReread
	if remembering, ok := w.(Remembering); ok && !memory.apart {
		memory.remembers = true
		if a.again, err = remembering.Again(moment); err != nil {
			return nil, err
		}
		a.again = Spans{a.again}.Within(a.plan.Span).Bounds()
	}
	memory.again = a.again
	memory.owed = a.plan.reach(memory.owed, now)
	return a, nil
}

// reach is what of the owed and of the plan itself the platform still keeps.
func (p Plan) reach(owed Spans, now time.Time) Spans {
	owed = owed.In(p.Span.Zone()).Plus(p.Span)
	if oldest := p.oldest(now); !oldest.IsZero() {
		owed = owed.Within(Span{oldest, owed.Bounds().To})
	}
	return owed
}

// oldest is the beginning of the first day that the platform still keeps as a
// whole; zero where it keeps all.
func (p Plan) oldest(now time.Time) time.Time {
	if p.Limits.Horizon <= 0 {
		return time.Time{}
	}
	zone := p.Span.Zone()
	return DateOf(now.Add(-p.Limits.Horizon).In(zone)).Add(1).In(zone)
}

// open writes the run into the sync log, or goes on with one that was cut off.
func (s *session) open(ctx context.Context, report *Report, held *lease, waited []string) error {
	first := s.syncers[0]
	kind := first.kind(s.window)
	s.journal = &journal{store: first.opts.Memory.Runs, record: RunRecord{
		ID: report.Run, Kind: kind, Target: first.opts.Target, Attempts: 1, Report: *report,
		Plan: planName(first.opts, kind, report.Span),
	}}
	if s.dry {
		s.journal.store = nil
		return nil
	}
	for _, run := range waited {
		if err := s.journal.recollect(ctx, run, nil); err != nil {
			return err
		}
	}
	if first.opts.Memory.Leases != nil { // else the other attempt may be at work
		if err := s.journal.resume(ctx); err != nil {
			return err
		}
	}
	report.Run = s.journal.record.ID
	if err := held.become(ctx, report.Run); err != nil {
		return err
	}
	for i, a := range s.agendas {
		a.done = s.journal.done[s.syncers[i].provider.Name()]
		if a.memory == nil {
			continue
		}
		a.memory.run = report.Run
		if err := a.memory.begun(ctx); err != nil {
			return err
		}
	}
	return s.journal.begin(ctx)
}

// run does the work.
func (s *session) run(ctx context.Context, scope Scope, report Report) (Report, error) {
	end := func(err error) (Report, error) {
		report.Ended = s.syncers[0].opts.Now()
		return report, err
	}
	estimated, err := s.estimated(ctx)
	if err != nil {
		return end(err)
	}
	if len(s.syncers) > 1 || s.agendas[0].newestFirst || estimated {
		// The people are needed several times, and reading them costs calls.
		var warnings []Warning
		if scope, warnings, err = Collect(ctx, scope); err != nil {
			report.Warnings = warnings
			return end(err)
		}
		report.Warnings = warnings
	}
	if estimated {
		warnings, err := s.afford(ctx, scope)
		report.Warnings = append(report.Warnings, warnings...)
		if err != nil {
			return end(err)
		}
	}
	if len(s.syncers) == 1 {
		part, err := s.family(ctx, scope, 0, report)
		part.Warnings = append(report.Warnings, part.Warnings...)
		return part, err
	}
	var errs []error
	for i := range s.syncers {
		part, err := s.family(ctx, scope, i, report)
		report.Merge(part)
		errs = append(errs, err)
		if concernsAll(ctx, err) {
			if _, parts := errors.AsType[*Incomplete](err); ctx.Err() != nil && (err == nil || parts) && i+1 < len(s.syncers) {
				err = ctx.Err() // the others were not begun
			}
			return report, err
		}
	}
	return report, verdict(errs, len(report.Failed))
}

// family works on one family of records.
func (s *session) family(ctx context.Context, scope Scope, i int, of Report) (Report, error) {
	a := s.agendas[i]
	r := newRun(s.syncers[i])
	r.report.Run, r.report.Span, r.report.Started = of.Run, a.plan.Span, s.began
	r.dry, r.memory, r.again, r.journal = s.dry, a.memory, a.again, s.journal
	if a.meets() {
		r.tallies = make(tallies)
	}
	for _, w := range a.plan.Warnings {
		r.warn(w)
	}
	err := r.all(ctx, a, scope)
	r.learn(ctx, a, err)
	return r.end(err)
}

// afford compares what the run takes with what is left of the budget. What a
// remembering window would read beyond its look-back is postponed where it does not
// fit; a run that does not fit at all is refused.
func (s *session) afford(ctx context.Context, scope Scope) ([]Warning, error) {
	e, err := s.estimate(ctx, scope)
	if err != nil {
		return nil, err
	}
	var warnings []Warning
	source := s.syncers[0].provider.Name()
	if e.Within(source) != nil && s.postpone() {
		full := e.Calls
		if e, err = s.estimate(ctx, scope); err != nil {
			return nil, err
		}
		warnings = append(warnings, Warningf("history_postponed", "本月剩余调用量不足以补齐历史，本次仅同步近期 / the calls that are left of this month's budget do not suffice for the %d that closing every gap would take; only the look-back is read now, with %d", full, e.Calls))
	}
	if announce := s.syncers[0].opts.Announce; announce != nil {
		announce(e)
	}
	if err := e.Within(source); err != nil {
		return warnings, err
	}
	if share := s.syncers[0].opts.Share; e.Limited && share == 0 && e.Calls > e.Left/2 {
		warnings = append(warnings, Warningf("budget_half", "本次约需 %d 次调用，超过本月剩余 %d 次的一半 / the run takes about %d calls, more than half of the %d that are left of this month's budget", e.Calls, e.Left, e.Calls, e.Left))
	}
	return warnings, nil
}

// estimated reports whether somebody wants to know what the run will take.
func (s *session) estimated(ctx context.Context) (bool, error) {
	for _, y := range s.syncers {
		if y.opts.Announce != nil {
			return true, nil
		}
		meter, ok := As[Meter](y.provider)
		if !ok {
			continue
		}
		if _, limited, err := meter.Left(ctx); limited || err != nil {
			return limited, err
		}
	}
	return false, nil
}

// postpone leaves out what is read beyond the look-back; false if there is no such thing.
func (s *session) postpone() bool {
	some := false
	for _, a := range s.agendas {
		if a.meets() && a.memory.remembers {
			a.memory.remembers, some = false, true
		}
	}
	return some
}

// estimate adds up what all families take. They are taken to share one budget.
func (s *session) estimate(ctx context.Context, scope Scope) (Estimate, error) {
	sum := Estimate{Left: math.MaxInt}
	for i, y := range s.syncers {
		e, err := y.estimate(ctx, scope, s.agendas[i])
		if err != nil {
			return sum, err
		}
		meter, ok := As[Meter](y.provider)
		if !ok {
			sum.People, sum.Slices = max(sum.People, e.People), sum.Slices+e.Slices
			sum.Calls += e.Calls
			continue
		}
		left, limited, err := meter.Left(ctx)
		if err != nil {
			return sum, err
		}
		if limited {
			sum.Limited = true
			if share := y.opts.Share; share > 0 && share < 1 {
				left = int(float64(left) * share)
			}
			sum.Left = min(sum.Left, left)
		}
		sum.People, sum.Slices, sum.Calls = max(sum.People, e.People), sum.Slices+e.Slices, sum.Calls+e.Calls
	}
	if !sum.Limited {
		sum.Left = 0
	}
	return sum, nil
}

// estimate is what one family takes, by a pass over the scope that changes nothing.
func (y *Syncer) estimate(ctx context.Context, scope Scope, a *agenda) (Estimate, error) {
	var e Estimate
	if a.plan.Span.Empty() {
		return e, nil
	}
	dry := *a
	if a.memory != nil {
		memory := *a.memory
		memory.dry = true
		memory.forget()
		dry.memory = &memory
	}
	meter, metered := As[Meter](y.provider)
	people := 0
	for pass := range dry.passes() {
		people = 0
		for errand, err := range pass.errands(ctx, scope, func(Member) {}, nil) {
			if err != nil {
				return e, err
			}
			people += len(errand.members)
			for _, piece := range pass.pieces(errand.spans) {
				e.Slices++
				if metered {
					e.Calls += meter.Cost(Query{accountsOf(errand.members), piece})
				} else {
					e.Calls++
				}
			}
		}
		e.People = max(e.People, people)
	}
	return e, nil
}

// remember tells the store that a part was read and written.
func (r *run) remember(ctx context.Context, p part, punches []Punch) {
	if r.tallies != nil {
		part := tallied(p.members, punches, p.span, r.again)
		r.mu.Lock()
		r.tallies.add(part)
		r.mu.Unlock()
	}
	if r.dry || r.memory == nil {
		return
	}
	read := p.span
	if read.To.After(p.at) {
		read.To = p.at.In(read.Zone()) // later punches came after it was read
	}
	ctx, cancel := lastly(ctx)
	defer cancel()
	r.forget(r.memory.covered(ctx, p.members, read, punches))
	if store := r.opts.Memory.Rejected; store != nil {
		r.forget(store.Reject(ctx, r.memory.stream, p.members, p.span, r.memory.now, rejectedOf(p)))
	}
}

// rejectedOf are the records of a part that somebody may want to know of later.
func rejectedOf(p part) []Rejected {
	persons := make(map[string]string, len(p.members))
	for _, m := range p.members {
		persons[m.Account] = m.Person
	}
	var all []Rejected
	for _, s := range p.answer.Skipped {
		person, known := persons[s.Account]
		if !known || s.Time.IsZero() || !p.span.Contains(s.Time) {
			continue
		}
		switch s.Reason {
		case Invalid, NoDirection, UnknownType:
			all = append(all, Rejected{Person: person, Account: s.Account, ID: s.ID, Time: s.Time, Reason: s.Reason, Detail: s.Detail})
		}
	}
	return all
}

// learn tells the stores at the end of a run what only then is known.
func (r *run) learn(ctx context.Context, a *agenda, err error) {
	if w, ok := r.frozen.warning(); ok {
		r.warn(w)
	}
	if r.memory == nil {
		return
	}
	r.report.CaughtUp, r.report.CaughtUpTo = r.memory.caughtUp, r.memory.caughtTo
	if r.dry || refused(err) || err != nil && CodeOf(err) == "" {
		return // a company that is refused as a whole is no reason to set its people apart
	}
	ctx, cancel := lastly(ctx)
	defer cancel()
	if !r.everyone() {
		r.forget(r.memory.refused(ctx, r.rejected()))
	}
	if err == nil {
		r.forget(r.memory.ended(ctx, a.plan.oldest(r.report.Started)))
	}
	if err := r.suspect(ctx); err != nil {
		r.forget(err)
	}
}

// rejected are the members whose account the platform rejected in this run.
func (r *run) rejected() []Member {
	var all []Member
	for _, m := range r.report.LeftOut {
		if m.LeftOut == Refused && r.refused[m.Account] {
			all = append(all, m)
		}
	}
	return all
}

// suspect looks for days, units and people far below the usual.
func (r *run) suspect(ctx context.Context) error {
	if r.memory.apart || len(r.report.Failed) > 0 || r.opts.EmptyIsNormal {
		return nil
	}
	if store := r.opts.Memory.Tallies; store != nil && r.tallies != nil {
		read := r.tallies.whole(r.report.Started.In(r.again.Zone()))
		if err := store.Tally(ctx, r.memory.stream, read); err != nil {
			return err
		}
		warnings, err := suspicions(ctx, store, r.memory.stream, read)
		if err != nil {
			return err
		}
		for _, w := range warnings {
			r.warn(w)
		}
	}
	w, ok, err := silent(ctx, r.memory)
	if ok {
		r.warn(w)
	}
	return err
}

// forget notes the first time that something could not be remembered.
func (r *run) forget(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forgot == nil {
		r.forgot = err
		r.opts.Logger.Warn("the store failed", "job", r.opts.Job, "error", err)
	}
}

func (r *run) forgotten() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.forgot
}

var errNoSyncer = errors.New("attendance: RunTogether needs at least one syncer")
