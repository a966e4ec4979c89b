package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/scheduler"
)

func nothing(context.Context) error { return nil }

// lasting is a job that takes a while, and ends early when its context does.
func lasting(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(d):
			return nil
		}
	}
}

// A world is one store and one clock on the wall, which can be set. It lives in a bubble
// of virtual time.
type world struct {
	*testing.T
	store *attendancetest.Store
	zone  *time.Location

	mu    sync.Mutex
	ahead time.Duration // how far the clock on the wall is ahead of the real one
	lines []string      // what was observed, see line
}

// in runs a test in a world in which it is the given time ("2026-03-02 12:00") in zone.
func in(t *testing.T, zone, at string, test func(w *world)) {
	t.Helper()
	location := zoneOf(t, zone)
	begin, err := time.ParseInLocation("2006-01-02 15:04", at, location)
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(begin))
		test(&world{T: t, store: &attendancetest.Store{}, zone: location})
	})
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}

// set moves the clock on the wall.
func (w *world) set(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += by
}

// until lets time pass until the clock on the wall shows the given time.
func (w *world) until(at string) {
	w.Helper()
	to, err := time.ParseInLocation("2006-01-02 15:04", at, w.zone)
	require.NoError(w, err)
	require.True(w, to.After(w.now()))
	time.Sleep(to.Sub(w.now()))
	synctest.Wait()
}

func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// line tells an event: "started daily scheduled 03-02 23:30".
func (w *world) line(e scheduler.Event) string {
	words := []string{string(e.Kind), e.Job}
	if e.Reason != "" {
		words = append(words, string(e.Reason))
	}
	if !e.Scheduled.IsZero() {
		words = append(words, e.Scheduled.In(w.zone).Format("01-02 15:04"))
	}
	if e.Missed > 0 {
		words = append(words, fmt.Sprintf("and %d before", e.Missed))
	}
	if e.Elsewhere {
		words = append(words, "elsewhere")
	}
	if e.Err != nil {
		words = append(words, "("+e.Err.Error()+")")
	}
	return strings.Join(words, " ")
}

// said returns what was observed since it was last asked.
func (w *world) said() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.lines
	w.lines = nil
	return lines
}

// A host is a process that runs a scheduler.
type host struct {
	*scheduler.Scheduler
	cancel context.CancelFunc
	ended  chan error
	dead   *deadly
}

// host starts a process. Zero options get the world's clock; shared ones its store too.
func (w *world) host(opts scheduler.Options, jobs ...scheduler.Job) *host {
	w.Helper()
	h := &host{ended: make(chan error, 1)}
	if opts.Now == nil {
		opts.Now = w.now
	}
	observe := opts.Observe
	if d, ok := opts.Ticks.(*deadly); ok {
		h.dead = d
	}
	opts.Observe = func(e scheduler.Event) {
		if h.dead != nil && h.dead.gone() {
			return
		}
		if observe != nil {
			observe(e)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.lines = append(w.lines, w.line(e))
	}
	var err error
	h.Scheduler, err = scheduler.New(&opts, jobs...)
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(w.Context())
	h.cancel = cancel
	go func() {
		defer close(h.ended)
		h.ended <- h.Run(ctx)
	}()
	synctest.Wait()
	return h
}

// stop ends a process in order.
func (h *host) stop(t *testing.T) {
	t.Helper()
	h.cancel()
	require.NoError(t, <-h.ended)
	if h.dead != nil {
		require.Zero(t, h.dead.calls.Load(), "nothing goes on when Run has returned")
	}
	synctest.Wait()
}

// kill ends a process as power does: what it still does reaches nothing and nobody.
func (h *host) kill() {
	h.dead.die()
	h.cancel()
}

var errDead = errors.New("dead")

// deadly is a store as a process sees it that may die.
type deadly struct {
	store *attendancetest.Store

	mu sync.Mutex
	// claimed, when not nil, is asked after each claim whether the process dies then.
	claimed func(job string, at time.Time) bool

	over  chan struct{}
	calls atomic.Int32 // that are going on
}

func mortal(store *attendancetest.Store) *deadly {
	return &deadly{store: store, over: make(chan struct{})}
}

// dieAt sets who is asked whether the process dies after a claim.
func (d *deadly) dieAt(claimed func(job string, at time.Time) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.claimed = claimed
}

func (d *deadly) die() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.gone() {
		close(d.over)
	}
}

func (d *deadly) gone() bool {
	select {
	case <-d.over:
		return true
	default:
		return false
	}
}

// call is the way to the store, which takes a moment: so two processes meet there.
func (d *deadly) call() bool {
	d.calls.Add(1)
	time.Sleep(10 * time.Millisecond)
	if d.gone() {
		d.calls.Add(-1)
		return false
	}
	return true
}

func (d *deadly) Tick(ctx context.Context, job string, at time.Time, owner string) (bool, error) {
	if !d.call() {
		return false, errDead
	}
	defer d.calls.Add(-1)
	claimed, err := d.store.Tick(ctx, job, at, owner)
	d.mu.Lock()
	dies := d.claimed
	d.mu.Unlock()
	if claimed && dies != nil && dies(job, at) {
		d.die()
	}
	return claimed, err
}

func (d *deadly) LastTick(ctx context.Context, job string) (time.Time, error) {
	if !d.call() {
		return time.Time{}, errDead
	}
	defer d.calls.Add(-1)
	return d.store.LastTick(ctx, job)
}

func (d *deadly) Lease(ctx context.Context, name, owner string, at time.Time, over attendance.Holder) (attendance.Holder, error) {
	if !d.call() {
		return attendance.Holder{}, errDead
	}
	defer d.calls.Add(-1)
	return d.store.Lease(ctx, name, owner, at, over)
}

func (d *deadly) Beat(ctx context.Context, name, owner string, at time.Time) (bool, error) {
	if !d.call() {
		return false, errDead
	}
	defer d.calls.Add(-1)
	return d.store.Beat(ctx, name, owner, at)
}

func (d *deadly) Release(ctx context.Context, name, owner string) error {
	if !d.call() {
		return errDead
	}
	defer d.calls.Add(-1)
	return d.store.Release(ctx, name, owner)
}

// run makes a job's run end with its process, silently.
func (d *deadly) run(f func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if d.gone() {
			return errDead
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		done := make(chan struct{})
		defer close(done)
		go func() {
			select {
			case <-d.over:
				cancel()
			case <-done:
			}
		}()
		return f(ctx)
	}
}
