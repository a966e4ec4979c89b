package scheduler

import (
	"context"
	"errors"
	"math"
	"time"
)

// maxAhead is how far ahead of now a claim is believed.
const maxAhead = 24 * time.Hour

// claims is what is remembered of a job's scheduled times.
type claims struct {
	key  string    // under which the store keeps it; "" without a store
	last time.Time // up to which they are dealt with
}

// recall returns up to when the times of the job are dealt with: that is now for a job
// that was never seen before. From then on its times are owed.
func (s *Scheduler) recall(ctx context.Context, j *entry, now time.Time) (claims, error) {
	s.mu.Lock()
	known, knownKey := j.known, j.key
	s.mu.Unlock()
	if known.After(now.Add(maxAhead)) {
		known = time.Time{}
	}
	if s.opts.Ticks == nil {
		if known.IsZero() {
			known = now.Truncate(time.Second)
		}
		return claims{last: known}, nil
	}
	key := j.Name
	for range 10 {
		last, err := s.opts.Ticks.LastTick(ctx, key)
		if err == nil && last.IsZero() {
			last, err = s.begin(ctx, key, now)
		}
		if err != nil {
			return claims{}, err
		}
		if !last.After(now.Add(maxAhead)) {
			if key == knownKey && known.After(last) { // a store that was put back
				last = known
			}
			return claims{key, last}, nil
		}
		// All processes see the same claim that cannot be, and agree on where to go on.
		key = j.Name + beforeMark + last.UTC().Format(" 20060102T150405Z")
	}
	return claims{}, errors.New("scheduled times were claimed by many clocks that were wrong")
}

// begin notes that the times of the job are owed from now on, and returns what stands
// then. A process that is quicker is right too.
func (s *Scheduler) begin(ctx context.Context, key string, now time.Time) (time.Time, error) {
	if err := s.markEnded(ctx, key, now); err != nil {
		return time.Time{}, err
	}
	if _, err := s.opts.Ticks.Tick(ctx, key, now, s.owner); err != nil {
		return time.Time{}, err
	}
	return s.opts.Ticks.LastTick(ctx, key)
}

// claim claims a scheduled time for this process.
func (s *Scheduler) claim(ctx context.Context, j *entry, c claims, at time.Time) (claimed bool, err error) {
	if claimed = true; s.opts.Ticks != nil {
		claimed, err = s.opts.Ticks.Tick(ctx, c.key, at, s.owner)
	}
	if err == nil && claimed {
		s.mu.Lock()
		j.known = at
		s.mu.Unlock()
	}
	return claimed, err
}

// markEnded notes that all runs up to that scheduled time have ended.
func (s *Scheduler) markEnded(ctx context.Context, key string, at time.Time) error {
	if !s.remembersEnds() {
		return nil
	}
	_, err := s.opts.Ticks.Tick(ctx, key+endedMark, at, s.owner)
	return err
}

// settle notes that a run of the job has ended, and with it all times that were
// skipped because it went on.
func (s *Scheduler) settle(ctx context.Context, j *entry) {
	s.mu.Lock()
	key, known := j.key, j.known
	s.mu.Unlock()
	if !s.remembersEnds() || key == "" {
		return
	}
	ctx, cancel := lastly(ctx)
	defer cancel()
	if last, err := s.opts.Ticks.LastTick(ctx, key); err == nil {
		known = last
	}
	_ = s.markEnded(ctx, key, known) // else it counts as cut off, and is run once more
}

// mend begins the run of a time once more whose process died or was stopped. It returns
// whether there is one of which that is not known yet.
func (s *Scheduler) mend(ctx context.Context, j *entry, c claims, now time.Time) (open bool, err error) {
	if !s.remembersEnds() || s.busy(j) {
		return false, nil
	}
	ended, err := s.opts.Ticks.LastTick(ctx, c.key+endedMark)
	if err != nil || !c.last.After(ended) {
		return false, err
	}
	if !j.open.Equal(c.last) { // it may have been claimed just now
		j.open, j.watch = c.last, s.newLease(j)
		return true, nil
	}
	if held, err := j.watch.seize(ctx); err != nil || !held {
		return true, err
	}
	begun, err := s.repeat(ctx, j, c, now)
	if !begun {
		j.watch.release(ctx)
	}
	j.open = time.Time{}
	return false, err
}

// repeat begins the run once more, with the lease that was taken; not twice, lest a
// run that kills its process does so for ever.
func (s *Scheduler) repeat(ctx context.Context, j *entry, c claims, now time.Time) (begun bool, err error) {
	ended, err := s.opts.Ticks.LastTick(ctx, c.key+endedMark)
	if err != nil || !c.last.After(ended) { // it ended before it gave the lease back
		return false, err
	}
	first, err := s.opts.Ticks.Tick(ctx, c.key+againMark, c.last, s.owner)
	if err != nil {
		return false, err
	}
	if !first || now.Sub(c.last) > j.within() {
		s.tell(ctx, j, Event{Kind: Missed, Scheduled: c.last})
		return false, s.markEnded(ctx, c.key, c.last)
	}
	return s.start(j, run{reason: CutOff, at: c.last, lease: j.watch}) == nil, nil //nolint:contextcheck // a run outlives the look that began it
}

// lastly is ctx for what must be told to the end: it ends a few seconds after ctx does.
func lastly(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	end := time.AfterFunc(math.MaxInt64, cancel)
	stop := context.AfterFunc(ctx, func() { end.Reset(3 * time.Second) })
	return late, func() {
		stop()
		end.Stop()
		cancel()
	}
}
