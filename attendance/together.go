package attendance

import (
	"context"
	"errors"
	"slices"
)

// RunTogether runs several syncers over the same people and days, one after the
// other, as one run with one report: punches and field check-ins of one
// application, say. The people are read once. Where the providers are [Meter]s,
// they are taken to share one budget, and the calls of all of them are estimated
// before the first one's first call.
//
// What ends one family of records does not cost the others theirs: a missing
// permission or rejected accounts in one leave the next to be tried. A refusal
// that concerns the whole application (credentials, address, quota) or a database
// that is down ends the run. The error is a refusal only when every family was
// refused, and else as that of [Syncer.Run].
func RunTogether(ctx context.Context, scope Scope, w Window, syncers ...*Syncer) (Report, error) {
	if len(syncers) == 0 {
		return Report{}, errors.New("attendance: RunTogether needs at least one syncer")
	}
	first := syncers[0]
	report := Report{Job: first.opts.Job, Source: first.provider.Name(), Started: first.opts.Now()}
	runs, people, err := prepare(ctx, scope, w, syncers, &report)
	if err != nil {
		report.Ended = first.opts.Now()
		return report, err
	}
	var errs []error
	for _, r := range runs {
		part, err := r.syncer.run(ctx, people, r.plan)
		report.Merge(part)
		errs = append(errs, err)
		if concernsAll(ctx, err) {
			return report, err
		}
	}
	return report, verdict(errs, len(report.Failed))
}

// planned is a syncer and what it is to read.
type planned struct {
	syncer *Syncer
	plan   Plan
}

// prepare resolves the window once, for all, reads the people, and makes sure of
// the budget.
func prepare(ctx context.Context, scope Scope, w Window, syncers []*Syncer, report *Report) ([]planned, Scope, error) {
	now := syncers[0].opts.Now()
	span, err := resolve(w, now)
	if err != nil {
		return nil, nil, err
	}
	runs := make([]planned, len(syncers))
	for i, y := range syncers {
		runs[i] = planned{y, newPlan(span, y.provider.Limits(), now)}
	}
	report.Span = runs[0].plan.Span
	people, warnings, err := Collect(ctx, scope)
	report.Warnings = warnings
	if err != nil {
		return nil, nil, err
	}
	return runs, people, affordable(ctx, people, runs...)
}

// affordable compares what the runs take with what is left of their budget.
func affordable(ctx context.Context, people Scope, runs ...planned) error {
	var sum Estimate
	for _, r := range runs {
		meter, ok := As[Meter](r.syncer.provider)
		if !ok {
			continue
		}
		left, limited, err := meter.Left(ctx)
		if err != nil {
			return err
		}
		if !limited {
			continue
		}
		e, err := r.syncer.estimate(ctx, people, r.plan)
		if err != nil {
			return err
		}
		sum = Estimate{max(sum.People, e.People), sum.Slices + e.Slices, sum.Calls + e.Calls}
		if err := sum.Within(r.syncer.provider.Name(), left); err != nil {
			return err
		}
	}
	return nil
}

// concernsAll reports whether what ended one family of records would end the
// next one as well.
func concernsAll(ctx context.Context, err error) bool {
	switch code := CodeOf(err); code {
	case CodePermission, CodeEveryone:
		return false
	default:
		return ctx.Err() != nil || code == CodeStoreDown || refused(err)
	}
}

// refused reports whether err as a whole is the platform refusing us, and not a
// run of which only parts failed.
func refused(err error) bool {
	if _, parts := errors.AsType[*Incomplete](err); parts {
		return false
	}
	return CodeOf(err).Refusal()
}

// verdict is the error of a run of several families.
func verdict(errs []error, parts int) error {
	failed := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	switch {
	case len(failed) == 0:
		return nil
	case len(errs) == 1, len(failed) == len(errs) && !slices.ContainsFunc(failed, func(err error) bool { return !refused(err) }):
		return failed[0]
	}
	cause := failed[0]
	if i, ok := errors.AsType[*Incomplete](cause); ok {
		cause = i.First
	}
	return &Incomplete{Failed: max(parts, len(failed)), First: cause}
}
