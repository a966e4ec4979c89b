package attendance

import (
	"context"
	"math"
)

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
	full := e.Calls
	postponed := e.Within(source) != nil && s.postpone()
	if postponed {
		if e, err = s.estimate(ctx, scope); err != nil {
			return nil, err
		}
	}
	if announce := s.syncers[0].opts.Announce; announce != nil {
		announce(e)
	}
	if err := e.Within(source); err != nil {
		return nil, err
	}
	if postponed {
		warnings = append(warnings, Warningf("history_postponed", "本月剩余调用量不足以补齐历史，本次仅同步近期 / the calls that are left of this month's budget do not suffice for the %d that closing every gap would take; only the look-back is read now, with %d", full, e.Calls))
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
					e.Calls += meter.Cost(Query{accountsOf(errand.members), y.asked(piece, a.now)})
				} else {
					e.Calls++
				}
			}
		}
		e.People = max(e.People, people)
	}
	return e, nil
}
