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
	var report Report
	people, err := syncers[0].gather(ctx, scope, w, &report)
	if err == nil {
		err = affordable(ctx, people, w, syncers)
	}
	if err != nil {
		return report, err
	}
	var errs []error
	for _, y := range syncers {
		part, err := y.Run(ctx, people, w)
		report.Merge(part)
		errs = append(errs, err)
		if concernsAll(err) {
			return report, err
		}
	}
	return report, verdict(errs)
}

// gather begins a report and reads the people.
func (y *Syncer) gather(ctx context.Context, scope Scope, w Window, report *Report) (Scope, error) {
	*report = Report{Job: y.opts.Job, Source: y.provider.Name(), Started: y.opts.Now()}
	plan, err := y.Plan(w)
	if err != nil {
		return nil, err
	}
	report.Span = plan.Span
	people, warnings, err := Collect(ctx, scope)
	report.Warnings = warnings
	report.Ended = y.opts.Now()
	return people, err
}

// affordable compares what all syncers take with what is left of their budget.
func affordable(ctx context.Context, people Scope, w Window, syncers []*Syncer) error {
	var sum Estimate
	left, limited := 0, false
	for _, y := range syncers {
		meter, ok := As[Meter](y.provider)
		if !ok {
			continue
		}
		n, has, err := meter.Left(ctx)
		if err != nil {
			return err
		}
		if !has {
			continue
		}
		left, limited = n, true
		plan, err := y.Plan(w)
		if err != nil {
			return err
		}
		e, err := y.estimate(ctx, people, plan)
		if err != nil {
			return err
		}
		sum = Estimate{max(sum.People, e.People), sum.Slices + e.Slices, sum.Calls + e.Calls}
	}
	if !limited {
		return nil
	}
	return sum.Within(syncers[0].provider.Name(), left)
}

// concernsAll reports whether what ended one family of records would end the
// next one as well.
func concernsAll(err error) bool {
	switch code := CodeOf(err); code {
	case CodePermission, CodeEveryone:
		return false
	default:
		return isContextError(err) || code == CodeStoreDown || refused(err)
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
func verdict(errs []error) error {
	failed := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	switch {
	case len(failed) == 0:
		return nil
	case len(errs) == 1, len(failed) == len(errs) && !slices.ContainsFunc(failed, func(err error) bool { return !refused(err) }):
		return failed[0]
	default:
		return &Incomplete{Failed: len(failed), First: failed[0]}
	}
}
