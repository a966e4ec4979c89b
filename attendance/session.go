package attendance

import (
	"context"
	"errors"
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
	if span, err := resolve(w, Moment{Now: report.Started}); err == nil {
		report.Span = span // until it is known from where on; also for who never gets so far
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
	ended := false
	defer func() {
		if !ended { // foreign code has ended the goroutine
			s.journal.end(ctx, report, errAbandoned)
		}
	}()
	report, err = s.run(ctx, scope, report)
	if finish := first.opts.Finish; finish != nil && !dry {
		err = finish(ctx, &report, err)
		report.Ended = first.opts.Now()
	}
	ended = true
	report, err = s.journal.judged(report, err)
	s.journal.end(ctx, report, err)
	return s.journal.judged(report, err)
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
	a := &agenda{plan: newPlan(span, y.provider.Limits(), now), memory: memory, now: now, wholeDays: y.opts.InferDirections}
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
	// What a clock that was ahead made owed is not there yet.
	return owed.Within(Span{later(p.oldest(now), owed.Bounds().From), later(now, p.Span.To)})
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
	if err := held.become(ctx, attemptOf(report.Run, s.journal.record.Attempts)); err != nil {
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
	return report, verdict(errs, len(report.Failed)+len(report.Unwritten))
}

// family works on one family of records.
func (s *session) family(ctx context.Context, scope Scope, i int, of Report) (Report, error) {
	a := s.agendas[i]
	r := newRun(s.syncers[i])
	r.report.Run, r.report.Span, r.report.Started = of.Run, a.plan.Span, s.began
	r.dry, r.memory, r.again, r.journal, r.rest = s.dry, a.memory, a.again, s.journal, len(a.done) > 0
	if a.meets() {
		r.tallies = make(tallies)
	}
	for _, w := range a.plan.Warnings {
		r.warn(w)
	}
	err := r.all(ctx, a, scope)
	r.learn(ctx, a, err)
	if err == nil && a.plan.overtaken {
		lost := a.plan.Warnings[len(a.plan.Warnings)-1]
		err = &Incomplete{1, &Error{Code: CodeHorizon, Op: r.report.Source, Detail: "nothing of what was asked for can be read any more: " + lost.Message}}
	}
	return r.end(err)
}
