package providertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// prompt is how soon a call must return after its context ended. Time is
// virtual: computing takes none, so this is waiting.
const prompt = time.Second

func bareError(err, want error) error {
	if b, ok := errors.AsType[broken](err); ok {
		return b
	}
	if err != want {
		return fmt.Errorf("Fetch returned %v (%T), want the context's own error %q, bare", err, err, want)
	}
	return nil
}

func cancelledBefore(h *harness) error {
	h.workdays(h.few())
	ctx, cancel := context.WithCancel(h.t.Context())
	cancel()
	if _, err := h.fetch(ctx, h.few()); bareError(err, context.Canceled) != nil {
		return bareError(err, context.Canceled)
	}
	if n := h.upstream.Requests(h.t); n != 0 {
		return fmt.Errorf("%d requests were sent for a call whose context had ended before", n)
	}
	return nil
}

// cancelledIn ends a call after some time and expects it to return at once.
func (h *harness) cancelledIn(after time.Duration) error {
	ctx, cancel := context.WithCancel(h.t.Context())
	defer cancel()
	type result struct {
		answer attendance.Answer
		err    error
	}
	done := make(chan result, 1)
	go func() {
		answer, err := h.fetch(ctx, h.few())
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return fmt.Errorf("Fetch returned %d punches and %v while it should have been waiting", len(r.answer.Punches), r.err)
	case <-time.After(after):
	}
	cancel()
	cancelled := time.Now()
	r := <-done
	if took := time.Since(cancelled); took > prompt {
		return fmt.Errorf("Fetch returned %v after its context had ended", took)
	}
	if len(r.answer.Punches) > 0 {
		return fmt.Errorf("Fetch returned %d punches beside the error: half an answer", len(r.answer.Punches))
	}
	return bareError(r.err, context.Canceled)
}

// cancelledDuring: in the middle of a request. The provider works afterwards.
func cancelledDuring(h *harness) error {
	want := h.workdays(h.few())
	if err := h.fault(Fault{Kind: Slow, Times: 1}); err != nil {
		return err
	}
	if err := h.cancelledIn(2 * time.Second); err != nil {
		return err
	}
	return h.answers(h.few(), want)
}

// cancelledWhileWaiting: between two tries.
func cancelledWhileWaiting(h *harness) error {
	want := h.workdays(h.few())
	if err := h.fault(Fault{Kind: Busy, Times: 1}); err != nil {
		return err
	}
	if err := h.cancelledIn(300 * time.Millisecond); err != nil {
		return err
	}
	return h.answers(h.few(), want)
}

func deadline(h *harness) error {
	h.workdays(h.few())
	if err := h.fault(Fault{Kind: Slow}); err != nil {
		return err
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Second)
	defer cancel()
	_, err := h.fetch(ctx, h.few())
	if took := time.Since(began); took > 5*time.Second+prompt {
		return fmt.Errorf("Fetch took %v with a deadline of 5 s", took)
	}
	return bareError(err, context.DeadlineExceeded)
}

// cancelledAfter: the end of one call's context harms no later call.
func cancelledAfter(h *harness) error {
	want := h.workdays(h.few())
	ctx, cancel := context.WithCancel(h.t.Context())
	answer, err := h.fetch(ctx, h.few())
	cancel()
	if err != nil {
		return fmt.Errorf("Fetch failed: %w", err)
	}
	if err := h.same(answer, want); err != nil {
		return err
	}
	return h.answers(h.few(), want)
}

// noAnswerAtAll: a platform that says nothing hangs nobody for ever.
func noAnswerAtAll(h *harness) error {
	h.workdays(h.few())
	if err := h.fault(Fault{Kind: Slow}); err != nil {
		return err
	}
	const patience = 15 * time.Minute
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	_, err := h.fetch(ctx, h.few())
	if b, ok := errors.AsType[broken](err); ok {
		return b
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("Fetch waited %v for a platform that does not answer; it has no time-out of its own", patience)
	case attendance.CodeOf(err) != attendance.CodeUnavailable:
		return fmt.Errorf("Fetch returned code %q, want %q: %w", attendance.CodeOf(err), attendance.CodeUnavailable, err)
	}
	return helpful(err)
}
