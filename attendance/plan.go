package attendance

import (
	"context"
	"iter"
	"time"
)

// batchWithoutLimit is how many members a slice has where the provider sets no
// limit: enough to make calls worthwhile, few enough to keep memory flat.
const batchWithoutLimit = 1000

// A Plan is a run before its people are known: which stretch is read, and how it
// is cut. The same plan over the same scope gives the same slices.
type Plan struct {
	// Span is what will be read.
	Span Span
	// Limits are the provider's.
	Limits Limits
	// Warnings tell what was cut off.
	Warnings []Warning
}

func newPlan(asked Span, limits Limits, now time.Time) Plan {
	p := Plan{Span: asked, Limits: limits}
	if limits.Horizon <= 0 {
		return p
	}
	// A day of which only a part can still be asked for is left out whole: a
	// query sent a moment later would already reach too far.
	behind := now.Add(-limits.Horizon).In(asked.Zone())
	if !asked.From.Before(behind) {
		return p
	}
	first := DateOf(behind).Add(1)
	p.Span.From = first.In(asked.Zone())
	if p.Span.To.Before(p.Span.From) {
		p.Span.From = p.Span.To
	}
	p.Warnings = append(p.Warnings, Warningf("beyond_horizon",
		"the platform keeps %d days: %s to %s can no longer be read, the first day that can is %s",
		int(limits.Horizon/(24*time.Hour)), DateOf(asked.From), first.Add(-1), first))
	return p
}

// Pieces yields the consecutive spans into which the plan's span is cut.
func (p Plan) Pieces() iter.Seq[Span] { return p.Span.Split(p.Limits.Span) }

// Slices streams the plan's units of work: members in batches, each batch over
// every piece. leave is called, when not nil, for every member that is not asked
// for; warn for every warning of the scope. An error is the last pair.
func (p Plan) Slices(ctx context.Context, scope Scope, leave func(Member), warn func(Warning)) iter.Seq2[Slice, error] {
	return func(yield func(Slice, error) bool) {
		for members, err := range p.batches(ctx, scope, leave, warn) {
			if err != nil {
				yield(Slice{}, err)
				return
			}
			for piece := range p.Pieces() {
				if !yield(Slice{members, piece}, nil) {
					return
				}
			}
		}
	}
}

func (p Plan) batches(ctx context.Context, scope Scope, leave func(Member), warn func(Warning)) iter.Seq2[[]Member, error] {
	size := p.Limits.Accounts
	if size <= 0 {
		size = batchWithoutLimit
	}
	return func(yield func([]Member, error) bool) {
		var batch []Member
		for m, err := range scope.Members(ctx) {
			if w, ok := AsWarning(err); ok {
				if warn != nil {
					warn(w)
				}
				continue
			}
			if err != nil {
				// Those who were read before the trouble are not made to wait.
				if batch = distinct(batch, leave); len(batch) == 0 || yield(batch, nil) {
					yield(nil, err)
				}
				return
			}
			if m.LeftOut == "" && m.Account == "" {
				m.LeftOut = Unbound
			}
			if m.LeftOut != "" {
				if leave != nil {
					leave(m)
				}
				continue
			}
			if batch = append(batch, m); len(batch) < size {
				continue
			}
			if batch = distinct(batch, leave); len(batch) < size {
				continue
			}
			if !yield(batch, nil) {
				return
			}
			batch = nil
		}
		if batch = distinct(batch, leave); len(batch) > 0 {
			yield(batch, nil)
		}
	}
}

// distinct drops repeated members and leaves out, as ambiguous, people who share
// an account and people with two accounts. Scopes see to this over all people;
// here it is made sure for one batch, whose rows would otherwise be guessed.
func distinct(batch []Member, leave func(Member)) []Member {
	person := make(map[string]string, len(batch))
	account := make(map[string]string, len(batch))
	bad := make(map[string]bool)
	seen := make(map[Member]bool, len(batch))
	kept := batch[:0]
	for _, m := range batch {
		if seen[m] {
			continue
		}
		seen[m] = true
		if other, ok := person[m.Account]; ok && other != m.Person {
			bad[m.Person], bad[other] = true, true
		}
		if other, ok := account[m.Person]; ok && other != m.Account {
			bad[m.Person] = true
		}
		person[m.Account], account[m.Person] = m.Person, m.Account
		kept = append(kept, m)
	}
	if len(bad) == 0 {
		return kept
	}
	clear := kept[:0]
	for _, m := range kept {
		if !bad[m.Person] {
			clear = append(clear, m)
		} else if m.LeftOut = Ambiguous; leave != nil {
			leave(m)
		}
	}
	return clear
}
