package providertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// answers makes a call that must succeed with exactly these punches, and checks
// the bookkeeping of the answer.
func (h *harness) answers(q attendance.Query, want []attendance.Punch) error {
	before, began := h.upstream.Requests(h.t), time.Now()
	answer, err := h.fetch(h.t.Context(), q)
	if err != nil {
		return fmt.Errorf("Fetch failed: %w", err)
	}
	if sent := h.upstream.Requests(h.t) - before; answer.Calls != sent {
		return fmt.Errorf("Answer.Calls is %d, the platform received %d requests for records", answer.Calls, sent)
	}
	if answer.ReadAt.Before(began) || answer.ReadAt.After(time.Now()) {
		return fmt.Errorf("Answer.ReadAt is %v; the call ran from %v to %v", answer.ReadAt, began, time.Now())
	}
	return h.same(answer, want)
}

func limitsConstant(h *harness) error {
	l := h.limits
	if l.Accounts < 0 || l.Span < 0 || l.Horizon < 0 {
		return fmt.Errorf("limits below zero: %+v", l)
	}
	name := h.provider.Name()
	if name == "" || strings.ContainsAny(name, " \t\r\n") {
		return fmt.Errorf("the name %q is empty or holds white space", name)
	}
	h.workdays(h.few())
	if _, err := h.fetch(h.t.Context(), h.few()); err != nil {
		return fmt.Errorf("Fetch failed: %w", err)
	}
	for _, p := range [...]attendance.Provider{h.provider, h.upstream.Provider(h.t)} {
		if p.Limits() != l || p.Name() != name {
			return fmt.Errorf("limits or name are not constant: %q %+v, later %q %+v", name, l, p.Name(), p.Limits())
		}
	}
	return nil
}

// complete asks for as many people and as long a span as one query takes.
func complete(h *harness) error {
	want := h.workdays(h.query())
	if h.features.Directions && h.features.IDs && h.features.Kinds[0] != attendance.Field {
		// In and out in one second are two punches.
		at := h.span.From.Add(17 * time.Hour)
		in, out := h.punch(h.accounts[0], at, 0), h.punch(h.accounts[0], at, 0)
		in.Direction, out.Direction = attendance.In, attendance.Out
		h.upstream.Put(h.t, in, out)
		want = append(want, in, out)
	}
	return h.answers(h.query(), want)
}

// halfOpen: exactly at From is in, exactly at To is out; nothing falls between
// two spans that touch, nothing lies in both.
func halfOpen(h *harness) error {
	account := h.accounts[0]
	middle := h.span.From.Add(h.span.Length() / 2).Truncate(time.Second)
	times := []time.Time{
		h.span.From.Add(-time.Second), h.span.From, h.span.From.Add(time.Second),
		middle.Add(-time.Second), middle, middle.Add(time.Second),
		h.span.To.Add(-time.Second), h.span.To, h.span.To.Add(time.Second),
	}
	punches := make([]attendance.Punch, len(times))
	for i, at := range times {
		punches[i] = h.punch(account, at, i)
	}
	h.upstream.Put(h.t, punches...)
	for _, span := range [...]attendance.Span{
		{From: h.span.From, To: h.span.To}, {From: h.span.From, To: middle}, {From: middle, To: h.span.To},
		{From: middle, To: middle.Add(time.Second)},
	} {
		if err := h.answers(attendance.Query{Accounts: h.accounts[:1], Span: span}, inside(punches, span)); err != nil {
			return fmt.Errorf("span %v: %w", span, err)
		}
	}
	return nil
}

// subSecondEnds: a run that ends now ends within a second.
func subSecondEnds(h *harness) error {
	account := h.accounts[0]
	middle := h.span.From.Add(h.span.Length() / 2).Truncate(time.Second)
	var punches []attendance.Punch
	for i := range 6 {
		punches = append(punches, h.punch(account, middle.Add(time.Duration(i)*time.Second), i))
	}
	h.upstream.Put(h.t, punches...)
	for _, ends := range [...][2]time.Duration{
		{time.Nanosecond, 4 * time.Second}, {500 * time.Millisecond, 3500 * time.Millisecond},
		{999_999_999, 4_000_000_001}, {0, time.Millisecond}, {time.Second + 1, 2 * time.Second},
	} {
		span := attendance.Span{From: middle.Add(ends[0]), To: middle.Add(ends[1])}
		if err := h.answers(attendance.Query{Accounts: h.accounts[:1], Span: span}, inside(punches, span)); err != nil {
			return fmt.Errorf("span from %v to %v after a whole second: %w", ends[0], ends[1], err)
		}
	}
	return nil
}

func inside(punches []attendance.Punch, span attendance.Span) []attendance.Punch {
	return slices.DeleteFunc(slices.Clone(punches), func(p attendance.Punch) bool { return !span.Contains(p.Time) })
}

func askedOnly(h *harness) error {
	everybody := attendance.Query{Accounts: append(slices.Clone(h.accounts[:min(4, len(h.accounts))]), h.spare), Span: h.span}
	all := h.workdays(everybody)
	one := everybody.Accounts[:1]
	mine := slices.DeleteFunc(slices.Clone(all), func(p attendance.Punch) bool { return p.Account != one[0] })
	return h.answers(attendance.Query{Accounts: one, Span: h.span}, mine)
}

func empty(h *harness) error {
	h.workdays(attendance.Query{Accounts: []string{h.spare}, Span: h.span})
	return h.answers(h.query(), nil)
}

func orderIndependent(h *harness) error {
	q := h.query()
	want := h.workdays(q)
	reversed := slices.Clone(q.Accounts)
	slices.Reverse(reversed)
	if err := h.answers(attendance.Query{Accounts: reversed, Span: q.Span}, want); err != nil {
		return fmt.Errorf("accounts asked for in reverse: %w", err)
	}
	return h.answers(q, want)
}

// answerIsYours: what the caller does to an answer changes no later one.
func answerIsYours(h *harness) error {
	want := h.workdays(h.few())
	answer, err := h.fetch(h.t.Context(), h.few())
	if err != nil {
		return fmt.Errorf("Fetch failed: %w", err)
	}
	for i := range answer.Punches {
		answer.Punches[i] = attendance.Punch{Account: "overwritten"}
	}
	return h.answers(h.few(), want)
}

// concurrent: many queries at once through one provider.
func concurrent(h *harness) error {
	const callers = 12
	q := h.few()
	want := h.workdays(q)
	before := h.upstream.Requests(h.t)
	var (
		wg      sync.WaitGroup
		errs    [callers]error
		answers [callers]attendance.Answer
	)
	for i := range callers {
		wg.Go(func() {
			mine := attendance.Query{Accounts: q.Accounts[i%len(q.Accounts) : i%len(q.Accounts)+1], Span: q.Span}
			answers[i], errs[i] = h.fetch(h.t.Context(), mine)
		})
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return fmt.Errorf("%d calls at once: %w", callers, err)
	}
	calls := 0
	for i, answer := range answers {
		calls += answer.Calls
		mine := slices.DeleteFunc(slices.Clone(want), func(p attendance.Punch) bool { return p.Account != q.Accounts[i%len(q.Accounts)] })
		if err := h.same(answer, mine); err != nil {
			return fmt.Errorf("%d calls at once: %w", callers, err)
		}
	}
	if sent := h.upstream.Requests(h.t) - before; sent != calls {
		return fmt.Errorf("%d calls at once: their Answer.Calls add up to %d, the platform received %d requests", callers, calls, sent)
	}
	return nil
}
