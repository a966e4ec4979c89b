package scheduler

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// ErrTimeLimit is in the error of a run that failed after its time limit was over.
// It is also the cause of the context's end, see [context.Cause]; when the host stops
// that is [ErrStopped].
var ErrTimeLimit = errors.New("the time limit of the job is over")

// A PanicError is the error of a run that panicked.
type PanicError struct {
	Value any
	// Stack is where, as runtime/debug prints it.
	Stack []byte
}

// Error says what the panic said.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// panicked is called by the function that recovered.
func panicked(v any) *PanicError { return &PanicError{v, debug.Stack()} }

func asPanic(err error) (*PanicError, bool) { return errors.AsType[*PanicError](err) }

var errGoexit = errors.New("the job ended its goroutine (runtime.Goexit)")

// A run is one run of a job.
type run struct {
	reason Reason
	at     time.Time // the scheduled time; zero if there is none
	missed int
	lease  *lease // if it is held already
}

func (r run) event(kind EventKind) Event {
	return Event{Kind: kind, Reason: r.reason, Scheduled: r.at, Missed: r.missed}
}

// start begins a run, in a goroutine that Run waits for.
func (s *Scheduler) start(j *entry, r run) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != on:
		return ErrStopped
	case j.running:
		return ErrRunning
	}
	j.running = true
	ctx := s.ctx
	s.runs.Go(func() {
		defer func() {
			s.mu.Lock()
			j.running = false
			s.mu.Unlock()
		}()
		s.perform(ctx, j, r)
	})
	return nil
}

// perform is a run from its lease to its end.
func (s *Scheduler) perform(ctx context.Context, j *entry, r run) {
	if r.lease == nil && s.opts.Leases != nil {
		r.lease = s.newLease(j)
		if !r.lease.take(ctx) {
			e := r.event(Skipped)
			e.Err = context.Cause(ctx) // stopped before it was known
			e.Elsewhere = e.Err == nil
			s.tell(ctx, j, e)
			return
		}
	}
	s.tell(ctx, j, r.event(Started))
	began := clock()
	e := r.event(Ended)
	e.Err = errGoexit
	defer func() { // also after Goexit
		if e.Err == nil || ctx.Err() == nil {
			s.settle(ctx, j)
		}
		r.lease.release(ctx)
		e.Took = clock().Sub(began)
		s.tell(ctx, j, e)
	}()
	e.Err = j.call(ctx)
}

// call runs the job within its time limit.
func (j *Job) call(ctx context.Context) (err error) {
	if j.TimeLimit > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, j.TimeLimit, ErrTimeLimit)
		defer cancel()
		ctx = limited
	}
	defer func() {
		if v := recover(); v != nil {
			err = panicked(v)
		}
		if err != nil && errors.Is(context.Cause(ctx), ErrTimeLimit) {
			err = fmt.Errorf("%w (%v): %w", ErrTimeLimit, j.TimeLimit, err)
		}
	}()
	return j.Run(ctx)
}
