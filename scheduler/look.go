package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How often the times of a job are looked at.
const (
	lookEvery  = time.Minute      // a clock that was set is noticed by then
	retryEvery = 10 * time.Second // after trouble
	onTime     = 2 * lookEvery    // so late is not late yet

	// How often a run elsewhere is looked at of which it is not known whether it lives.
	glanceEvery = 3 * time.Second
)

// lookAfter works off the times of a job until ctx ends.
func (s *Scheduler) lookAfter(ctx context.Context, j *entry) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wait, err := s.look(ctx, j)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			j.troubled = false
		case !j.troubled:
			j.troubled = true
			s.tell(ctx, j, Event{Kind: Trouble, Err: err})
			fallthrough
		default:
			wait = retryEvery
		}
		timer.Reset(wait)
	}
}

// look works off what is due, and returns after how long to look again.
func (s *Scheduler) look(ctx context.Context, j *entry) (time.Duration, error) {
	now := s.now()
	c, err := s.recall(ctx, j, now)
	if err != nil {
		return 0, err
	}
	at, missed, next, err := due(j.Schedule, c.last, now)
	if err != nil {
		return 0, err
	}
	s.note(ctx, j, c, next)
	if at.IsZero() {
		wait := lookEvery
		if !next.IsZero() {
			wait = min(wait, next.Sub(now))
		}
		open, err := s.mend(ctx, j, c, now)
		if open {
			wait = min(wait, glanceEvery)
		}
		return wait, err
	}
	if claimed, err := s.claim(ctx, j, c, at); err != nil || !claimed {
		return time.Second, err // by then it is known who did
	}
	r := run{reason: Scheduled, at: at, missed: missed}
	late := now.Sub(at)
	if late >= onTime {
		r.reason = CaughtUp
	}
	if late > j.within() {
		s.tell(ctx, j, Event{Kind: Missed, Scheduled: at, Missed: missed})
		return 0, s.markEnded(ctx, c.key, at)
	}
	if err := s.start(j, r); err != nil { //nolint:contextcheck // a run outlives the look that began it
		e := r.event(Skipped)
		if !errors.Is(err, ErrRunning) {
			e.Err = err
		}
		s.tell(ctx, j, e)
	}
	return 0, nil
}

// note keeps what is known of the job's times for others to see, and tells of a time
// that another process claimed.
func (s *Scheduler) note(ctx context.Context, j *entry, c claims, next time.Time) {
	s.mu.Lock()
	elsewhere := c.key == j.key && !j.known.IsZero() && c.last.After(j.known)
	disbelieved := c.key != j.key && c.key != j.Name || c.last.Before(j.known)
	j.key, j.known, j.next = c.key, c.last, next
	s.mu.Unlock()
	if elsewhere {
		s.tell(ctx, j, Event{Kind: Claimed, Scheduled: c.last, Elsewhere: true})
	}
	if disbelieved {
		s.tell(ctx, j, Event{Kind: Trouble, Err: fmt.Errorf("a scheduled time more than %v ahead was claimed by a clock that was wrong; it is not believed", maxAhead)})
	}
}

// busy reports whether a run of the job is going on here.
func (s *Scheduler) busy(j *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return j.running
}
