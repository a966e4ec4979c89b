package attendance

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An agenda is what one run reads of one family of records: some of it for
// everybody, and of each person what lacks.
type agenda struct {
	plan  Plan
	again Span // read for everybody, whatever was read before
	// memory knows what was read for whom; nil: all of the plan's span is read.
	memory *recollection
	// done is what another attempt, or a run that was waited for, has just read, by person and account.
	done doneSpans
	now  time.Time // when the run began
	kind RunKind
	// wholeDays: the pieces are such that their whole days fit the provider.
	wholeDays bool
	// newestFirst: the newest piece of everybody comes before an older one of anybody.
	newestFirst bool
}

// meets reports whether the scope is that of the job, whose people are remembered.
func (a *agenda) meets() bool { return a.memory != nil && !a.memory.apart }

// An errand is some members and what is to be read for them.
type errand struct {
	members []Member
	spans   Spans
	probe   bool // an account that the platform rejected before
}

// errands streams the agenda: members in batches that fit the provider, all of a
// batch with the same spans. leave is called for every member that is not asked
// for, warn for every warning of the scope. An error is the last pair.
func (a *agenda) errands(ctx context.Context, scope Scope, leave func(Member), warn func(Warning)) iter.Seq2[errand, error] {
	return func(yield func(errand, error) bool) {
		size := a.plan.batchSize()
		g := &grouping{size: size, leave: leave, groups: make(map[string]*group)}
		chunk := size
		if a.meets() {
			chunk = recallAtOnce
		}
		for members, err := range chunks(ctx, scope, chunk, warn) {
			needs, memErr := a.needs(ctx, members)
			if memErr != nil {
				yield(errand{}, memErr)
				return
			}
			for i, m := range members {
				if e, full := g.add(m, needs[i]); full && !yield(e, nil) {
					return
				}
			}
			if err != nil {
				// Those who were read before the trouble are not made to wait.
				if g.flush(a.again, yield) {
					yield(errand{}, err)
				}
				return
			}
		}
		if !g.flush(a.again, yield) || !a.meets() {
			return
		}
		a.afterwards(ctx, g, leave, yield)
	}
}

// afterwards yields who is asked for beside the scope: people who left it not long
// ago, and those whose account was rejected, one by one.
func (a *agenda) afterwards(ctx context.Context, g *grouping, leave func(Member), yield func(errand, error) bool) {
	leavers, err := a.memory.leavers(ctx)
	if err != nil {
		yield(errand{}, err)
		return
	}
	for _, l := range leavers {
		if e, full := g.add(l.member, a.less(l.member, l.spans)); full && !yield(e, nil) {
			return
		}
	}
	if !g.flush(a.again, yield) {
		return
	}
	probes, resting := a.memory.quarantine()
	for _, m := range resting {
		leave(m)
	}
	for _, p := range probes {
		if spans := a.less(p.member, p.spans); len(spans) > 0 && !yield(errand{members: []Member{p.member}, spans: spans, probe: true}, nil) {
			return
		}
	}
}

// needs is what is to be read for each of the members.
func (a *agenda) needs(ctx context.Context, members []Member) ([]Spans, error) {
	needs := make([]Spans, len(members))
	var err error
	switch {
	case a.meets():
		needs, err = a.memory.meet(ctx, members)
	case a.again.Empty():
	case a.memory != nil && a.kind == KindReread:
		needs, err = a.memory.answered(ctx, members, a.again)
	default:
		for i := range needs {
			needs[i] = Spans{a.again}
		}
	}
	for i, m := range members {
		if err == nil {
			needs[i] = a.less(m, needs[i])
		}
	}
	return needs, err
}

// less takes away what has just been read for the member: of a span that ends in days
// to come, these are no reason to ask again.
func (a *agenda) less(m Member, need Spans) Spans {
	done, ok := a.done[m.holding()]
	if !ok {
		return need
	}
	rest := need.Minus(done)
	if from := rest.Bounds().From; len(rest) > 0 && from.Before(a.now) {
		return rest.Within(Span{from, a.now.In(from.Location())})
	}
	return nil
}

// pieces cuts what is to be read to the provider's limit; the newest comes first
// where older parts are history.
func (a *agenda) pieces(spans Spans) []Span {
	var all []Span
	for _, s := range spans {
		if !a.wholeDays {
			all = slices.AppendSeq(all, s.Split(a.plan.Limits.Span))
			continue
		}
		for piece := range s.wholeDays().Split(a.plan.Limits.Span) {
			all = append(all, Spans{piece}.Within(s)...)
		}
	}
	if a.meets() && a.memory.remembers {
		slices.Reverse(all)
	}
	return all
}

// passes are the stretches that the scope is read for, one after the other.
func (a *agenda) passes() iter.Seq[*agenda] {
	return func(yield func(*agenda) bool) {
		if !a.newestFirst {
			yield(a)
			return
		}
		pieces := slices.Collect(a.again.Split(a.plan.Limits.Span))
		for _, piece := range slices.Backward(pieces) {
			pass := *a
			pass.again, pass.newestFirst = piece, false
			if !yield(&pass) {
				return
			}
		}
	}
}

// chunks reads the scope in runs of n members. With the scope's error, which is the
// last, come those that were read before it.
func chunks(ctx context.Context, scope Scope, n int, warn func(Warning)) iter.Seq2[[]Member, error] {
	return func(yield func([]Member, error) bool) {
		chunk := make([]Member, 0, n)
		for m, err := range scope.Members(ctx) {
			if w, ok := AsWarning(err); ok {
				if warn != nil {
					warn(w)
				}
				continue
			}
			if err != nil {
				yield(chunk, err)
				return
			}
			if chunk = append(chunk, m); len(chunk) == n {
				if !yield(chunk, nil) {
					return
				}
				chunk = chunk[:0]
			}
		}
		if len(chunk) > 0 {
			yield(chunk, nil)
		}
	}
}

// A grouping collects members who need the same until there are enough of them.
type grouping struct {
	size   int
	leave  func(Member)
	groups map[string]*group
}

type group struct {
	*batch
	spans Spans
}

// add adds a member; full tells that e is as large as it may be.
func (g *grouping) add(m Member, need Spans) (e errand, full bool) {
	if m.LeftOut == "" && m.Account != "" && len(need) == 0 {
		return errand{}, false // nothing lacks
	}
	key := need.key()
	in, ok := g.groups[key]
	if !ok {
		in = &group{newBatch(g.leave), need}
		g.groups[key] = in
	}
	if in.add(m); len(in.members) < g.size {
		return errand{}, false
	}
	delete(g.groups, key)
	return errand{members: in.members, spans: in.spans}, true
}

// flush yields what is left of every group, first of that which needs no more than
// everybody.
func (g *grouping) flush(usual Span, yield func(errand, error) bool) bool {
	first := Spans{usual}.key()
	keys := slices.Sorted(maps.Keys(g.groups))
	if i := slices.Index(keys, first); i > 0 {
		keys = slices.Insert(slices.Delete(keys, i, i+1), 0, first)
	}
	for _, key := range keys {
		in := g.groups[key]
		delete(g.groups, key)
		if len(in.members) > 0 && !yield(errand{members: in.members, spans: in.spans}, nil) {
			return false
		}
	}
	return true
}

// key is the same for equal sets.
func (s Spans) key() string {
	var b strings.Builder
	for _, one := range s {
		b.WriteString(strconv.FormatInt(one.From.UnixNano(), 36))
		b.WriteByte('-')
		b.WriteString(strconv.FormatInt(one.To.UnixNano(), 36))
		b.WriteByte(' ')
	}
	return b.String()
}
