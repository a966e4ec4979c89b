package attendance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// failingLeaves is how many single accounts must fail in a run, and be no fewer
	// than those that were answered, for it to be a permission problem. As many spans
	// may fail before no more are halved.
	failingLeaves = 50
	// searchedLeaves is how many single accounts are searched for in a run: each takes
	// some seven failing calls, and thousands of those get an address banned. Slices
	// that hold further ones fail, by name.
	searchedLeaves = 150
	// probes is how many single accounts, spread over a batch, are tried when a
	// query is rejected for an account and nobody has been answered in this run.
	probes = 8
	// provenKept is how many answered accounts a run remembers.
	provenKept = 4
	// failuresInARow is how many queries may fail for other reasons, one after the
	// other and none answered between, before the run is given up.
	failuresInARow = 20
	// shortestSpan is how short a rejected span may become by halving.
	shortestSpan = time.Hour
)

// A part is a piece of a slice that the platform has answered.
type part struct {
	members []Member
	span    Span
	answer  Answer
	at      time.Time // when it was asked, by the run's clock
	partial bool      // the answer may have been cut short
}

func (p part) records() int { return len(p.answer.Punches) + len(p.answer.Skipped) }

// A reading fetches one slice, bisecting where the platform rejects an account
// or a span or where an answer may have been cut short, and hands each complete
// part on to be written. What failed stands in done; fatal is what ends the run.
type reading struct {
	run   *run
	done  *SliceReport
	fatal error

	searching bool // this reading is the one that bisects people

	halving bool     // what cannot be read is being asked for in halves
	unread  []unread // of those halves, the ones that cannot be read either
	taken   int      // answers that were taken
}

// members reads some members over a span.
func (rd *reading) members(ctx context.Context, members []Member, span Span) {
	members = rd.run.askable(members)
	rd.ask(ctx, members, span, func(err error) { rd.findRejected(ctx, members, span, err) })
}

// ask makes one query and takes what comes of it; rejected is called when the
// platform rejects an account of the query.
func (rd *reading) ask(ctx context.Context, members []Member, span Span, rejected func(cause error)) {
	if len(members) == 0 || span.Empty() || rd.fatal != nil {
		return
	}
	at := rd.run.opts.Now()
	answer, err := rd.fetch(ctx, members, span, &rd.done.Calls)
	switch {
	case err == nil:
		rd.accept(ctx, part{members: members, span: span, answer: answer, at: at})
	case CodeOf(err) == CodeAccount:
		rejected(err)
	case CodeOf(err) == CodeSpan:
		rd.bisectTime(ctx, members, span, err)
	case CodeOf(err) == CodeHorizon:
		rd.overtaken(ctx, members, span, err, rejected)
	case CodeOf(err) == CodeMalformed && !errors.Is(err, ErrForeign) && rd.fatal == nil:
		rd.unreadable(ctx, members, span, err)
	default:
		rd.fail(ctx, members, span, err)
	}
}

// fetch makes one query and counts its calls.
func (rd *reading) fetch(ctx context.Context, members []Member, span Span, calls *int) (Answer, error) {
	asked := rd.run.asked(span, rd.run.opts.Now())
	answer, err := rd.run.provider.Fetch(ctx, Query{accountsOf(members), asked})
	*calls += answer.Calls
	if err == nil {
		rd.run.prove(members, answer.Refused)
		if rd.run.opts.InferDirections {
			answer.infer(span, asked)
		}
	}
	rd.countFailures(ctx, err)
	return answer, err
}

// countFailures gives the run up when nothing is answered any more: hundreds of
// slices that fail alike help nobody and get an address banned.
func (rd *reading) countFailures(ctx context.Context, err error) {
	rd.run.mu.Lock()
	defer rd.run.mu.Unlock()
	switch code := CodeOf(err); {
	case err == nil, code == CodeAccount, code == CodeSpan, code == CodeHorizon:
		rd.run.failures = 0
		return
	case ended(ctx, err), code == CodeMalformed && rd.halving:
		return
	}
	// Several slices count at once, and one that is over already cannot be what ends the run.
	if rd.run.failures++; rd.run.failures >= failuresInARow && rd.fatal == nil {
		cause := coded(err, CodeUnavailable, rd.run.provider.Name())
		rd.fatal = &Error{Code: CodeOf(cause), Op: rd.run.provider.Name(), Err: cause,
			Detail: fmt.Sprintf("%d queries in a row failed, the rest of the run was not tried; the last failed because of: %s", failuresInARow, detailOf(cause))}
	}
}

// prove remembers an account that the platform has just answered for.
func (r *run) prove(members []Member, refused []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range members {
		if slices.Contains(refused, m.Account) {
			continue
		}
		if !slices.Contains(r.proven, m.Account) {
			if len(r.proven) == provenKept {
				r.proven = r.proven[1:]
			}
			r.proven = append(r.proven, m.Account)
		}
		return
	}
}

// provenBeside returns an account that was answered in this run, best one that is
// none of members; "" when there is none.
func (r *run) provenBeside(members []Member) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, account := range r.proven {
		if !slices.ContainsFunc(members, func(m Member) bool { return m.Account == account }) {
			return account
		}
	}
	return ""
}

// fail records that members were not read over span.
func (rd *reading) fail(ctx context.Context, members []Member, span Span, err error) {
	if ended(ctx, err) {
		rd.fatal = err
		return
	}
	rd.done.fail(members, span, coded(err, CodeUnavailable, rd.run.provider.Name()))
	if CodeOf(err).stopsRun() {
		rd.fatal = err
	}
}

// accept takes a complete answer. One that may have been cut short is verified
// first.
func (rd *reading) accept(ctx context.Context, p part) {
	rd.done.Warnings = append(rd.done.Warnings, p.answer.Warnings...)
	if len(p.answer.Refused) > 0 {
		rd.refuse(p.members, p.answer.Refused)
		p.members = slices.DeleteFunc(slices.Clone(p.members), func(m Member) bool {
			return slices.Contains(p.answer.Refused, m.Account)
		})
	}
	if p.answer.Suspect && !rd.run.seenLarger(p.answer.Rows) && !rd.verify(ctx, &p) {
		return
	}
	rd.taken++
	rd.run.noteAnswer(len(p.members), p.answer.Rows)
	if err := rd.run.write(ctx, p, rd.done); err != nil {
		rd.fatal = err
	}
}

// refuse sets members apart whose accounts the platform rejects. It returns how
// many of them are new.
func (rd *reading) refuse(members []Member, accounts []string) (fresh int) {
	rd.run.mu.Lock()
	defer rd.run.mu.Unlock()
	for _, m := range members {
		if slices.Contains(accounts, m.Account) && !rd.run.refused[m.Account] {
			rd.run.refused[m.Account] = true
			rd.done.Refused = append(rd.done.Refused, m)
			fresh++
		}
	}
	rd.run.proven = slices.DeleteFunc(rd.run.proven, func(a string) bool { return rd.run.refused[a] })
	return fresh
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
		defer func() {
			if rd.fatal != nil { // before the next one begins a search of its own
				rd.run.stopWith(rd.fatal)
			}
			<-rd.run.searching
			rd.searching = false
		}()
	}
	if rd.run.stopped() != nil {
		rd.fail(ctx, members, span, cause)
		return
	}
	if left := rd.run.askable(members); len(left) < len(members) {
		rd.ask(ctx, left, span, func(err error) { rd.bisectPeople(ctx, left, span, err) })
		return
	}
	rd.bisectPeople(ctx, members, span, cause)
}

// bisectPeople finds the accounts that make the platform reject a query. It
// first makes sure that it is about accounts at all: one that was answered in
// this run must still be, or one of some single ones.
func (rd *reading) bisectPeople(ctx context.Context, members []Member, span Span, cause error) {
	if len(members) == 1 {
		rd.leaf(members[0], cause)
		return
	}
	if proven := rd.run.provenBeside(members); proven != "" {
		_, err := rd.fetch(ctx, []Member{{Account: proven}}, span, &rd.done.Calls)
		switch code := CodeOf(err); {
		case code == CodeAccount: // it has gone bad itself, or everybody has: ask others
		case err == nil || code == CodeSpan || code == CodeHorizon: // no complaint about it
			rd.halves(ctx, members, span, cause)
			return
		default:
			rd.fail(ctx, members, span, err)
			return
		}
	}
	rd.probe(ctx, members, span, cause)
}

// probe asks for single members, spread over all, until one is answered.
func (rd *reading) probe(ctx context.Context, members []Member, span Span, cause error) {
	n := min(probes, len(members))
	tried := make(map[string]bool, n)
	for _, i := range spread(n) {
		one := members[i*(len(members)-1)/max(n-1, 1):][:1]
		tried[one[0].Account] = true
		rejected, failures := false, len(rd.done.Failed)
		rd.ask(ctx, one, span, func(err error) { rejected = true; rd.leaf(one[0], err) })
		if rd.fatal != nil {
			return
		}
		if rejected {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return tried[m.Account] })
		if len(rd.done.Failed) > failures { // other trouble: this is no time to search
			if len(rest) > 0 {
				rd.fail(ctx, rest, span, rd.done.Failed[failures].Err)
			}
			return
		}
		rd.ask(ctx, rest, span, func(err error) { rd.parted(ctx, rest, span, err) })
		return
	}
	rd.everyone(ctx, members, span, cause)
}

// spread orders 0 to n-1 so that those next to each other come late: people who
// have left often stand together.
func spread(n int) []int {
	order := make([]int, 0, n)
	for step := probes; step >= 1; step /= 2 {
		for i := 0; i < n; i += step {
			for _, at := range [...]int{i, n - 1 - i} {
				if !slices.Contains(order, at) {
					order = append(order, at)
				}
			}
		}
	}
	return order
}

// parted reads members of whom one is rejected, apart from each other.
func (rd *reading) parted(ctx context.Context, members []Member, span Span, cause error) {
	if len(members) == 1 {
		rd.leaf(members[0], cause)
		return
	}
	rd.halves(ctx, members, span, cause)
}

// halves reads both halves of members that were rejected together, unless enough
// was searched.
func (rd *reading) halves(ctx context.Context, members []Member, span Span, cause error) {
	rd.run.mu.Lock()
	enough := rd.run.leaves >= searchedLeaves
	rd.run.mu.Unlock()
	if enough {
		rd.fail(ctx, members, span, &Error{Code: CodeAccount, Op: rd.run.provider.Name(), Err: cause,
			Detail: fmt.Sprintf("one of these %d accounts is rejected, and after %d such accounts no more are searched for in one run: %s", len(members), searchedLeaves, detailOf(cause))})
		return
	}
	for _, half := range [...][]Member{members[:len(members)/2], members[len(members)/2:]} {
		rd.ask(ctx, half, span, func(err error) { rd.parted(ctx, half, span, err) })
	}
}

// leaf sets a single rejected account apart.
func (rd *reading) leaf(m Member, cause error) {
	fresh := rd.refuse([]Member{m}, []string{m.Account})
	rd.run.mu.Lock()
	rd.run.leaves += fresh
	leaves, answered := rd.run.leaves, rd.run.answered
	rd.run.mu.Unlock()
	if leaves >= failingLeaves && leaves >= answered {
		rd.fatal = &Error{Code: CodePermission, Op: rd.run.provider.Name(), Err: cause,
			Detail: fmt.Sprintf("%d single accounts were rejected in one run and %d answered; the last because of: %v; that is not their fault but the application's visible range or permission", leaves, answered, detailOf(cause))}
	}
}

// everyone ends the run: the platform rejects whoever is asked for. Unless another
// slice has been answered meanwhile: then these stand together by chance, such as a
// department out of sight.
func (rd *reading) everyone(ctx context.Context, members []Member, span Span, cause error) {
	if rd.run.provenBeside(members) != "" {
		if left := rd.run.askable(members); len(left) > 0 {
			rd.ask(ctx, left, span, func(err error) { rd.parted(ctx, left, span, err) })
		}
		return
	}
	rd.fail(ctx, members, span, &Error{Code: CodeEveryone, Op: rd.run.provider.Name(), Err: cause,
		Detail: "the platform rejects every account that was tried: " + detailOf(cause)})
}

// bisectTime halves a span that the platform rejects, down to an hour, unless too
// many were rejected to the end already.
func (rd *reading) bisectTime(ctx context.Context, members []Member, span Span, cause error) {
	first, second, ok := span.Halve()
	now := rd.run.opts.Now()
	ok = ok && rd.run.asked(first, now) != rd.run.asked(span, now) // else it would be the same query
	rd.run.mu.Lock()
	ok = ok && span.Length() >= 2*shortestSpan && rd.run.spans < failingLeaves
	if !ok {
		rd.run.spans++
	}
	rd.run.mu.Unlock()
	if !ok {
		rd.fail(ctx, members, span, cause)
		return
	}
	rd.members(ctx, members, first)
	rd.members(ctx, members, second)
}

// overtaken reads what is left of a span whose beginning has fallen behind the
// platform's horizon since the run was planned.
func (rd *reading) overtaken(ctx context.Context, members []Member, span Span, cause error, rejected func(error)) {
	limits := rd.run.provider.Limits()
	oldest := rd.run.opts.Now().Add(-limits.Horizon).Add(time.Minute).In(span.Zone())
	if limits.Horizon <= 0 || !span.From.Before(oldest) {
		rd.fail(ctx, members, span, cause)
		return
	}
	rest := Span{oldest, span.To}
	if rest.Empty() {
		rest.From = rest.To
	}
	rd.done.Warnings = append(rd.done.Warnings, beyondHorizon(limits, Span{span.From, rest.From}, DateOf(oldest).Add(1)))
	rd.ask(ctx, members, rest, rejected)
}
