package attendance

import (
	"context"
)

// remember tells the store that a part was read and written, but for rows that the
// target did not take.
func (r *run) remember(ctx context.Context, p part, punches []Punch, unwritten []UnwrittenRow) {
	if r.tallies != nil {
		part := tallied(p.members, punches, p.span, r.again)
		r.mu.Lock()
		r.tallies.add(part)
		r.mu.Unlock()
	}
	if r.memory == nil {
		return
	}
	r.mu.Lock()
	r.memory.back(p.members, p.span)
	r.mu.Unlock()
	if r.dry {
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
		r.forget(store.Reject(ctx, r.memory.stream, p.members, p.span, r.memory.now, rejectedOf(p, unwritten)))
	}
}

// rejectedOf are the records of a part that somebody may want to know of later.
func rejectedOf(p part, unwritten []UnwrittenRow) []Rejected {
	persons := make(map[string]string, len(p.members))
	for _, m := range p.members {
		persons[m.Account] = m.Person
	}
	var all []Rejected
	seen := make(map[rejectedKey]bool)
	for _, u := range unwritten {
		one := u.record()
		if persons[one.Account] == one.Person && p.span.Contains(one.Time) && !seen[one.key()] { // else it is in both tables
			seen[one.key()] = true
			all = append(all, one)
		}
	}
	for _, s := range p.answer.Skipped {
		person, known := persons[s.Account]
		if !known || s.Time.IsZero() || !p.span.Contains(s.Time) {
			continue
		}
		switch s.Reason {
		case Invalid, NoDirection, UnknownType, Abnormal:
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
	r.report.CaughtUp, r.report.CaughtUpTo = len(r.memory.caughtUp), r.memory.caughtTo
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
