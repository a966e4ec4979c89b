package attendance

import (
	"context"
	"iter"
	"slices"
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
	// overtaken says that all that was asked for lies behind the platform's horizon.
	overtaken bool
}

func newPlan(asked Span, limits Limits, now time.Time) Plan {
	p := Plan{Span: asked, Limits: limits}
	if limits.Horizon <= 0 || asked.Empty() {
		return p
	}
	// A day of which only a part can still be asked for is left out whole.
	behind := now.Add(-limits.Horizon).In(asked.Zone())
	if !asked.From.Before(behind) {
		return p
	}
	first := DateOf(behind).Add(1)
	p.Span.From = first.In(asked.Zone())
	if !p.Span.From.Before(p.Span.To) {
		p.Span.From, p.overtaken = p.Span.To, true
	}
	p.Warnings = append(p.Warnings, beyondHorizon(limits, Span{asked.From, p.Span.From}, first))
	return p
}

// beyondHorizon tells what can no longer be read.
func beyondHorizon(limits Limits, lost Span, first Date) Warning {
	return Warningf("beyond_horizon", "the platform keeps %d days: %s to %s can no longer be read, the first day that can is %s",
		int(limits.Horizon/(24*time.Hour)), DateOf(lost.From), DateOf(lost.To.Add(-time.Nanosecond)), first)
}

// Pieces yields the consecutive spans into which the plan's span is cut.
func (p Plan) Pieces() iter.Seq[Span] { return p.Span.Split(p.Limits.Span) }

// Slices streams the plan's units of work: members in batches, each batch over
// every piece. The slices of one batch share their members, which are not to be
// changed. leave is called, when not nil, for every member that is not asked for;
// warn for every warning of the scope. An error is the last pair.
func (p Plan) Slices(ctx context.Context, scope Scope, leave func(Member), warn func(Warning)) iter.Seq2[Slice, error] {
	return func(yield func(Slice, error) bool) {
		if leave == nil {
			leave = func(Member) {}
		}
		everybody := agenda{plan: p, again: p.Span}
		for e, err := range everybody.errands(ctx, scope, leave, warn) {
			if err != nil {
				yield(Slice{}, err)
				return
			}
			for piece := range p.Pieces() {
				if !yield(Slice{e.members, piece}, nil) {
					return
				}
			}
		}
	}
}

func (p Plan) batchSize() int {
	if p.Limits.Accounts > 0 {
		return p.Limits.Accounts
	}
	return batchWithoutLimit
}

// A batch collects members. Repeated ones count once; people who share an account
// and people with two are left out as ambiguous, whoever came first. Scopes see
// to this over all people; here it is made sure for one batch, whose rows would
// otherwise be guessed.
type batch struct {
	members []Member
	leave   func(Member)
	// account of each person, person of each account, also of those left out.
	account, person map[string]string
}

func newBatch(leave func(Member)) *batch {
	return &batch{leave: leave, account: make(map[string]string), person: make(map[string]string)}
}

func (b *batch) add(m Member) {
	if m.LeftOut == "" && m.Account == "" {
		m.LeftOut = Unbound
	}
	if m.LeftOut != "" {
		b.leave(m)
		return
	}
	account, known := b.account[m.Person]
	person, taken := b.person[m.Account]
	switch {
	case known && account == m.Account && taken && person == m.Person:
	case !known && !taken:
		b.account[m.Person], b.person[m.Account] = m.Account, m.Person
		b.members = append(b.members, m)
	default:
		b.account[m.Person], b.person[m.Account] = m.Account, m.Person
		b.drop(func(o Member) bool { return o.Person == m.Person || o.Account == m.Account })
		m.LeftOut = Ambiguous
		b.leave(m)
	}
}

// drop leaves out, as ambiguous, members that were taken already.
func (b *batch) drop(ambiguous func(Member) bool) {
	b.members = slices.DeleteFunc(b.members, func(m Member) bool {
		if !ambiguous(m) {
			return false
		}
		m.LeftOut = Ambiguous
		b.leave(m)
		return true
	})
}
