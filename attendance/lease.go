package attendance

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"
)

// How a lease is kept, by real time. What a killed process held is taken over when
// no beat came for leaseAfter, or for leaseDoubt where the last one seems to be
// leaseLongGone old: its clock may only be behind ours.
const (
	leaseBeat     = time.Second
	leasePoll     = time.Second
	leaseAfter    = 8 * time.Second
	leaseDoubt    = 3 * leaseBeat
	leaseLongGone = 10 * time.Minute
)

// A lease is held while a run works.
type lease struct {
	store LeaseStore
	name  string
	owner string
	stop  context.CancelFunc
	ended chan struct{}
}

// takeLease waits until nobody else holds the lease, and holds it. It returns who
// was waited for: runs that were at work meanwhile, and not what was found dead, which
// may have read what it did long ago. Work is right without it, see [LeaseStore]: it
// only saves work.
func takeLease(ctx context.Context, store LeaseStore, name, owner string) (*lease, []string, error) {
	var waited []string
	var seen Holder
	var since time.Time
	lived := false     // who was seen last has shown since that it lives
	var sick time.Time // since when the store fails
	poll := time.NewTimer(0)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, waited, ctx.Err()
		case <-poll.C:
		}
		poll.Reset(leasePoll)
		now := time.Now() //nolint:forbidigo // leases live on the real clock, whatever the host's Now
		over := Holder{}
		if !since.IsZero() && (now.Sub(since) >= leaseAfter || now.Sub(since) >= leaseDoubt && now.Sub(seen.At) > leaseLongGone) {
			over = seen
		}
		holder, err := store.Lease(ctx, name, owner, now, over)
		switch {
		case err != nil && ctx.Err() == nil && !since.IsZero() && (sick.IsZero() || now.Sub(sick) < leaseAfter):
			if sick.IsZero() { // whoever has waited for long bears a moment of trouble
				sick = now
			}
			continue
		case err != nil:
			return nil, waited, err
		case holder.Owner == owner:
			if n := len(waited); over != (Holder{}) && !lived && n > 0 {
				waited = waited[:n-1]
			}
			l := &lease{store: store, name: name, owner: owner}
			l.live(ctx)
			return l, waited, nil
		case holder == seen:
			sick = time.Time{}
		default:
			sick = time.Time{}
			lived = holder.Owner == seen.Owner
			seen, since = holder, now
			if run := runOf(holder.Owner); len(waited) == 0 || waited[len(waited)-1] != run {
				waited = append(waited, run)
			}
		}
	}
}

// KeepLease shows, by a beat every second, that the owner who holds the lease lives. It
// runs in a goroutine until release is called, once, which gives the lease back, also
// when its context has ended.
func KeepLease(ctx context.Context, store LeaseStore, name, owner string) (release func(context.Context)) {
	l := &lease{store: store, name: name, owner: owner}
	l.live(ctx)
	return l.release
}

// live begins to beat.
func (l *lease) live(ctx context.Context) {
	beating, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop, l.ended = stop, make(chan struct{})
	go l.beat(beating, l.ended)
}

// become changes the owner's name, for a run that goes on under that of another.
func (l *lease) become(ctx context.Context, owner string) error {
	if l == nil || l.owner == owner {
		return nil
	}
	l.stop()
	<-l.ended
	defer l.live(ctx)
	now := time.Now() //nolint:forbidigo // as above
	mine, err := l.store.Lease(ctx, l.name, l.owner, now, Holder{})
	if err == nil && mine.Owner == l.owner { // else somebody lives who has taken it over
		mine, err = l.store.Lease(ctx, l.name, owner, now, mine)
	}
	if err == nil && mine.Owner == owner {
		l.owner = owner
	}
	return err
}

// beat shows that the holder lives, until the lease is given back. It ends then.
func (l *lease) beat(ctx context.Context, ended chan<- struct{}) {
	defer close(ended)
	tick := time.NewTicker(leaseBeat) //nolint:forbidigo // as above
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			// A beat that fails is made up for by the next; a lease that is lost costs work done twice.
			_, _ = l.store.Beat(ctx, l.name, l.owner, time.Now()) //nolint:forbidigo // as above
		}
	}
}

// release gives the lease back, also when the run's context has ended.
func (l *lease) release(ctx context.Context) {
	if l == nil {
		return
	}
	l.stop()
	<-l.ended
	ctx, cancel := lastly(ctx)
	defer cancel()
	_ = l.store.Release(ctx, l.name, l.owner) // else it is taken over in a moment
}

// lastWords is how long a store may take to be told what was done once the host has
// ended the run.
const lastWords = 3 * time.Second

// lastly is ctx for what must be told to the end: it ends a few seconds after ctx does.
func lastly(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	end := time.AfterFunc(math.MaxInt64, cancel)
	stop := context.AfterFunc(ctx, func() { end.Reset(lastWords) })
	return late, func() {
		stop()
		end.Stop()
		cancel()
	}
}

// attemptMark parts a run's name from the number of the attempt, in the owner of a lease:
// one that was taken for dead and goes on does not hold what its successor does.
const attemptMark = " #"

func attemptOf(run string, attempt int) string {
	if attempt <= 1 {
		return run
	}
	return run + attemptMark + strconv.Itoa(attempt)
}

func runOf(owner string) string {
	run, _, _ := strings.Cut(owner, attemptMark)
	return run
}

// leaseName names what a run of the job into the target holds.
func leaseName(job, target string, kind RunKind) string {
	name := "run " + job + " > " + target
	if kind == KindReread {
		name = "re" + name // history holds up nobody
	}
	return name
}

// Alive reports whether the run of the given name still works on the job, as far as
// its lease tells: one that was killed a few seconds ago may still seem to. It goes by
// the real clock, and compares it with that of the run's machine: where those differ by
// more than some seconds, a living run may seem dead. Its errors are the store's.
func Alive(ctx context.Context, store LeaseStore, job, target string, kind RunKind, run string) (bool, error) {
	const asker = "asking who is at work"
	now := time.Now() //nolint:forbidigo // leases live on the real clock, whatever the host's Now
	name := leaseName(job, target, kind)
	holder, err := store.Lease(ctx, name, asker, now, Holder{})
	if err != nil {
		return false, err
	}
	if holder.Owner == asker {
		return false, store.Release(ctx, name, asker)
	}
	return runOf(holder.Owner) == run && now.Sub(holder.At) < leaseAfter, nil
}
