package scheduler

import (
	"context"
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// How a lease is kept, by the real clock.
const (
	leasePoll = time.Second
	deadAfter = 8 * time.Second  // without a beat the holder is taken for dead
	goneAfter = 20 * time.Second // a store that fails for so long is done without
)

// A lease says that a run of the job goes on. Unlike that of a Syncer it is not
// waited for while its holder lives.
type lease struct {
	store attendance.LeaseStore
	name  string
	owner string

	seen  attendance.Holder
	since time.Time // when it was first seen so

	free func(context.Context) // gives it back; nil until it is held
}

// newLease is a lease that is not held yet, with an owner of its own: two runs of one
// process exclude each other too.
func (s *Scheduler) newLease(j *entry) *lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holds++
	return &lease{store: s.opts.Leases, name: "schedule " + j.Name, owner: fmt.Sprintf("%s-%d", s.owner, s.holds)}
}

// take holds the lease; false when its holder lives, or ctx ends. A store that
// fails for long is no reason not to run: the lease only saves work.
func (l *lease) take(ctx context.Context) bool {
	began := clock()
	poll := time.NewTimer(0)
	defer poll.Stop()
	for first := true; ; {
		select {
		case <-ctx.Done():
			return false
		case <-poll.C:
		}
		before := l.seen
		held, err := l.seize(ctx)
		switch {
		case held:
			return true
		case err != nil && ctx.Err() == nil && clock().Sub(began) >= goneAfter:
			return true
		case err == nil && !first && l.seen != before:
			return false // a beat, or another holder
		case err == nil:
			first = false
		}
		poll.Reset(leasePoll)
	}
}

// seize tries once to hold the lease: if nobody does, or if the holder has shown no
// beat for long while it was watched.
func (l *lease) seize(ctx context.Context) (held bool, err error) {
	over := attendance.Holder{}
	if !l.since.IsZero() && clock().Sub(l.since) >= deadAfter {
		over = l.seen
	}
	holder, err := l.store.Lease(ctx, l.name, l.owner, clock(), over)
	if err != nil {
		return false, err
	}
	if holder.Owner != l.owner {
		if holder != l.seen {
			l.seen, l.since = holder, clock()
		}
		return false, nil
	}
	l.free = attendance.KeepLease(ctx, l.store, l.name, l.owner)
	return true, nil
}

// release gives the lease back, if it is held.
func (l *lease) release(ctx context.Context) {
	if l != nil && l.free != nil {
		l.free(ctx)
	}
}
