package attendance

import "context"

// verify halves a suspicious answer and compares. It returns true when the answer
// is to be taken as it is, and false when it was cut short: then its halves were
// taken instead. An answer that could not be compared is marked as partial.
func (rd *reading) verify(ctx context.Context, p *part) bool {
	halves, ok := p.halve()
	if !ok {
		rd.done.Warnings = append(rd.done.Warnings, Warningf("capped_answer",
			"an answer of exactly %d rows may have been cut short by the platform; the query cannot be made smaller", p.answer.Rows))
		p.partial = true
		return true
	}
	records := 0
	for i := range halves {
		h := &halves[i]
		var err error
		h.at = rd.run.opts.Now()
		if h.answer, err = rd.fetch(ctx, h.members, h.span, &rd.done.CheckCalls); err != nil {
			rd.doubt(ctx, *p, err)
			p.partial = true
			return true
		}
		records += h.records()
	}
	if records <= p.records() {
		return true
	}
	rd.done.Warnings = append(rd.done.Warnings, Warningf("capped_answer",
		"an answer of exactly %d rows was cut short by the platform, or grew while it was read; it was read again in smaller queries", p.answer.Rows))
	for _, h := range halves {
		if rd.fatal == nil {
			rd.accept(ctx, h)
		}
	}
	return false
}

// doubt records that an answer which may have been cut short could not be
// checked: it is taken, but the slice is not done.
func (rd *reading) doubt(ctx context.Context, p part, err error) {
	if ended(ctx, err) {
		rd.fatal = err
		return
	}
	rd.done.Warnings = append(rd.done.Warnings, Warningf("unverified_size",
		"an answer of exactly %d rows may have been cut short by the platform, which could not be checked: %v", p.answer.Rows, err))
	rd.fail(ctx, p.members, p.span, err)
}

// halve cuts a part in two: by people, or one person's by time.
func (p part) halve() ([2]part, bool) {
	switch n := len(p.members); {
	case n > 1:
		return [2]part{{members: p.members[:n/2], span: p.span}, {members: p.members[n/2:], span: p.span}}, true
	case n == 1:
		first, second, ok := p.span.Halve()
		return [2]part{{members: p.members, span: first}, {members: p.members, span: second}}, ok
	default:
		return [2]part{}, false
	}
}

// seenLarger reports whether this run has seen a reply of more rows, which
// proves that n is not where the platform cuts.
func (r *run) seenLarger(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.largest > n
}

// noteAnswer counts the accounts of an answer that is taken, and notes how large it was.
func (r *run) noteAnswer(accounts, rows int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered += accounts
	r.largest = max(r.largest, rows)
}
