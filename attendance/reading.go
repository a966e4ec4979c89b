package attendance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// failingLeaves is how many single accounts may fail in a run before it is
	// taken for a permission problem: thousands of failing calls get an address
	// banned.
	failingLeaves = 50
	// probes is how many single accounts are tried when a query is rejected for
	// an account and nobody has been answered in this run yet.
	probes = 3
	// shortestSpan is how short a rejected span may become by halving.
	shortestSpan = time.Hour
)

// A part is a piece of a slice that the platform has answered.
type part struct {
	members []Member
	span    Span
	answer  Answer
}

// A reading fetches one slice, bisecting where the platform rejects an account
// or a span or where an answer may have been cut short. It ends with parts, each
// of them complete, failures and refused members in done, and possibly fatal.
type reading struct {
	run   *run
	done  *SliceReport
	parts []part
	fatal error // ends the run

	searching bool // this reading is the one that bisects people
}

// members reads some members over a span.
func (rd *reading) members(ctx context.Context, members []Member, span Span) {
	rd.ask(ctx, members, span, func(err error) { rd.findRejected(ctx, members, span, err) })
}

// ask makes one query and takes what comes of it; rejected is called when the
// platform rejects an account of the query.
func (rd *reading) ask(ctx context.Context, members []Member, span Span, rejected func(cause error)) {
	if len(members) == 0 || span.Empty() || rd.fatal != nil {
		return
	}
	answer, err := rd.fetch(ctx, members, span, &rd.done.Calls)
	switch {
	case err == nil:
		rd.accept(ctx, part{members, span, answer})
	case CodeOf(err) == CodeAccount:
		rejected(err)
	case CodeOf(err) == CodeSpan:
		rd.bisectTime(ctx, members, span, err)
	default:
		rd.fail(members, span, err)
	}
}

// findRejected bisects people, one slice of the run at a time: the weeks of one
// batch, worked on side by side, all meet the same bad account, and the first to
// find it spares the others the search.
func (rd *reading) findRejected(ctx context.Context, members []Member, span Span, cause error) {
	if !rd.searching {
		select {
		case rd.run.searching <- struct{}{}:
		case <-ctx.Done():
			rd.fatal = ctx.Err()
			return
		}
		rd.searching = true
		defer func() { <-rd.run.searching; rd.searching = false }()
	}
	if rd.run.stopped() != nil {
		rd.fail(members, span, cause)
		return
	}
	if left := rd.run.askable(members); len(left) < len(members) {
		rd.ask(ctx, left, span, func(err error) { rd.bisectPeople(ctx, left, span, err) })
		return
	}
	rd.bisectPeople(ctx, members, span, cause)
}

// fetch makes one query and counts its calls.
func (rd *reading) fetch(ctx context.Context, members []Member, span Span, calls *int) (Answer, error) {
	answer, err := rd.run.provider.Fetch(ctx, Query{accountsOf(members), span})
	*calls += answer.Calls
	if err != nil {
		return answer, err
	}
	rd.run.prove(members, answer.Refused)
	return answer, nil
}

// prove remembers an account that the platform has just answered for.
func (r *run) prove(members []Member, refused []string) {
	for _, m := range members {
		if !slices.Contains(refused, m.Account) {
			r.mu.Lock()
			r.proven = m.Account
			r.mu.Unlock()
			return
		}
	}
}

func (r *run) provenAccount() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proven
}

// fail records that members were not read over span.
func (rd *reading) fail(members []Member, span Span, err error) {
	if isContextError(err) {
		rd.fatal = err
		return
	}
	rd.done.Failed = append(rd.done.Failed, failureOf(members, span, err))
	if CodeOf(err).stopsRun() {
		rd.fatal = err
	}
}

// accept takes a complete answer: members rejected inside it are set apart, and
// an answer that may have been cut short is verified first.
func (rd *reading) accept(ctx context.Context, p part) {
	if p.answer.Suspect && !rd.run.seenLarger(p.answer.Rows) && !rd.verify(ctx, p) {
		return
	}
	rd.run.noteRows(p.answer.Rows)
	rd.take(p)
}

func (rd *reading) take(p part) {
	rd.done.Warnings = append(rd.done.Warnings, p.answer.Warnings...)
	rd.done.Read += len(p.answer.Punches) + len(p.answer.Skipped)
	if len(p.answer.Refused) > 0 {
		rd.refuse(p.members, p.answer.Refused)
		p.members = slices.DeleteFunc(slices.Clone(p.members), func(m Member) bool {
			return slices.Contains(p.answer.Refused, m.Account)
		})
	}
	if len(p.members) > 0 {
		rd.parts = append(rd.parts, p)
	}
}

func (rd *reading) refuse(members []Member, accounts []string) {
	rd.run.mu.Lock()
	defer rd.run.mu.Unlock()
	for _, m := range members {
		if slices.Contains(accounts, m.Account) && !rd.run.refused[m.Account] {
			rd.run.refused[m.Account] = true
			rd.done.Refused = append(rd.done.Refused, m)
		}
	}
}

// bisectPeople finds the accounts that make the platform reject a query. It
// first makes sure that it is about accounts at all: one that was answered in
// this run must still be, or, where none was, one of three single ones.
func (rd *reading) bisectPeople(ctx context.Context, members []Member, span Span, cause error) {
	if len(members) == 1 {
		rd.leaf(members[0], cause)
		return
	}
	if proven := rd.run.provenAccount(); proven != "" {
		_, err := rd.fetch(ctx, []Member{{Account: proven}}, span, &rd.done.Calls)
		switch {
		case err == nil:
			rd.halves(ctx, members, span)
		case CodeOf(err) == CodeAccount:
			rd.everyone(members, span, err)
		default:
			rd.fail(members, span, err)
		}
		return
	}
	for i := range min(probes, len(members)) {
		one := members[i : i+1]
		rd.ask(ctx, one, span, func(err error) { rd.leaf(one[0], err) })
		if rd.fatal != nil {
			return
		}
		if rd.run.provenAccount() != "" {
			rest := members[i+1:]
			rd.ask(ctx, rest, span, func(err error) { rd.parted(ctx, rest, span, err) })
			return
		}
	}
	rd.everyone(members, span, cause)
}

// parted reads members of whom one is rejected, apart from each other.
func (rd *reading) parted(ctx context.Context, members []Member, span Span, cause error) {
	if len(members) == 1 {
		rd.leaf(members[0], cause)
		return
	}
	rd.halves(ctx, members, span)
}

// halves reads both halves of members that were rejected together.
func (rd *reading) halves(ctx context.Context, members []Member, span Span) {
	for _, half := range [...][]Member{members[:len(members)/2], members[len(members)/2:]} {
		rd.ask(ctx, half, span, func(err error) { rd.parted(ctx, half, span, err) })
	}
}

// leaf sets a single rejected account apart.
func (rd *reading) leaf(m Member, cause error) {
	rd.refuse([]Member{m}, []string{m.Account})
	rd.run.mu.Lock()
	rd.run.leaves++
	leaves := rd.run.leaves
	rd.run.mu.Unlock()
	if leaves >= failingLeaves {
		rd.fatal = &Error{Code: CodePermission, Op: rd.run.provider.Name(), Err: cause,
			Detail: fmt.Sprintf("%d single accounts were rejected in one run, the last because of: %v; that is not their fault but the application's visible range or permission", leaves, detailOf(cause))}
	}
}

// everyone ends the run: the platform rejects whoever is asked for.
func (rd *reading) everyone(members []Member, span Span, cause error) {
	err := &Error{Code: CodeEveryone, Op: rd.run.provider.Name(), Err: cause,
		Detail: "the platform rejects every account that was tried: " + detailOf(cause)}
	rd.fail(members, span, err)
}

// bisectTime halves a span that the platform rejects, down to an hour.
func (rd *reading) bisectTime(ctx context.Context, members []Member, span Span, cause error) {
	first, second, ok := span.Halve()
	if !ok || span.Length() < 2*shortestSpan {
		rd.fail(members, span, cause)
		return
	}
	rd.members(ctx, members, first)
	rd.members(ctx, members, second)
}

// verify halves a suspicious answer and compares. It returns true when the
// answer was whole (or could not be checked: then with a warning), and false
// when it was cut short and its halves were taken instead.
func (rd *reading) verify(ctx context.Context, p part) bool {
	halves, ok := p.halve()
	if !ok {
		rd.done.Warnings = append(rd.done.Warnings, Warningf("capped_answer",
			"%d rows for one person in %v may not be all; the query cannot be made smaller", p.answer.Rows, p.span))
		return true
	}
	records := 0
	for i := range halves {
		h := &halves[i]
		var err error
		if h.answer, err = rd.fetch(ctx, h.members, h.span, &rd.done.CheckCalls); err != nil {
			if isContextError(err) {
				rd.fatal = err
				return false
			}
			rd.done.Warnings = append(rd.done.Warnings, Warningf("unverified_size",
				"an answer of exactly %d rows may have been cut short, and checking it failed: %v", p.answer.Rows, err))
			return true
		}
		records += h.records()
	}
	if records <= p.records() {
		return true
	}
	rd.done.Warnings = append(rd.done.Warnings, Warningf("capped_answer",
		"an answer of exactly %d rows was cut short by the platform; it was read again in smaller queries", p.answer.Rows))
	for _, h := range halves {
		rd.accept(ctx, h)
	}
	return false
}

func (p part) records() int { return len(p.answer.Punches) + len(p.answer.Skipped) }

// halve cuts a part in two: by people, or one person's by time.
func (p part) halve() ([2]part, bool) {
	if n := len(p.members); n > 1 {
		return [2]part{{members: p.members[:n/2], span: p.span}, {members: p.members[n/2:], span: p.span}}, true
	}
	first, second, ok := p.span.Halve()
	return [2]part{{members: p.members, span: first}, {members: p.members, span: second}}, ok
}

// seenLarger reports whether this run has seen a reply of more rows, which
// proves that n is not where the platform cuts.
func (r *run) seenLarger(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.largest > n
}

func (r *run) noteRows(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.largest = max(r.largest, n)
}

func sortedKeys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }
