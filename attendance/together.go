package attendance

import (
	"context"
	"errors"
	"slices"
)

var errNoSyncer = errors.New("attendance: RunTogether needs at least one syncer")

// RunTogether runs several syncers over the same people and days, one after the
// other, as one run with one report: punches and field check-ins of one
// application, say. The people are read once. Where the providers are [Meter]s,
// they are taken to share one budget, and the calls of all of them are estimated
// before the first one's first call.
//
// What ends one family of records does not cost the others theirs: a missing
// permission or rejected accounts in one leave the next to be tried. A refusal
// that concerns the whole application (credentials, address, quota) or a database
// that is down ends the run, as does a proxy that refuses us. The error is a refusal only when every family was
// refused, and else as that of [Syncer.Run].
func RunTogether(ctx context.Context, scope Scope, w Window, syncers ...*Syncer) (Report, error) {
	if len(syncers) == 0 {
		return Report{}, errNoSyncer
	}
	return conduct(ctx, scope, w, syncers, false)
}

// PreviewTogether is [RunTogether] without its effects, see [Syncer.Preview].
func PreviewTogether(ctx context.Context, scope Scope, w Window, syncers ...*Syncer) (Report, error) {
	if len(syncers) == 0 {
		return Report{}, errNoSyncer
	}
	return conduct(ctx, scope, w, syncers, true)
}

// EstimateTogether tells what [RunTogether] would take, see [Syncer.Estimate].
func EstimateTogether(ctx context.Context, scope Scope, w Window, syncers ...*Syncer) (Estimate, error) {
	if len(syncers) == 0 {
		return Estimate{}, errNoSyncer
	}
	s, err := newSession(ctx, w, syncers, true)
	if err != nil {
		return Estimate{}, err
	}
	return s.estimate(ctx, scope)
}

// concernsAll reports whether what ended one family of records would end the
// next one as well.
func concernsAll(ctx context.Context, err error) bool {
	switch code := CodeOf(err); code {
	case CodePermission, CodeEveryone:
		return false
	default:
		return ctx.Err() != nil || code == CodeProxy || code == CodeStoreDown || refused(err)
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
