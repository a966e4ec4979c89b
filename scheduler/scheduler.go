package scheduler

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Why a trigger, or Run, did not start anything. Compare with [errors.Is].
var (
	// ErrRunning: a run of the job, or the scheduler, is going on.
	ErrRunning = errors.New("it is running")
	// ErrNoJob: no job has this name.
	ErrNoJob = errors.New("no job has this name")
	// ErrStopped: Run was not called yet, or is coming to its end.
	ErrStopped = errors.New("the scheduler has stopped, or was not started")
)

// A Scheduler starts jobs. It is safe for concurrent use.
type Scheduler struct {
	opts  Options
	owner string
	jobs  []*entry

	runs    sync.WaitGroup
	telling sync.Mutex

	mu    sync.Mutex // guards what follows, and what entry says
	state state
	ctx   context.Context // of runs; set while on
	holds int
}

type state int

const (
	idle state = iota
	on
	stopped
)

// An entry is a job and what is known of it.
type entry struct {
	Job

	// Guarded by Scheduler.mu.
	running bool
	next    time.Time // the next scheduled time
	known   time.Time // the latest that is dealt with
	key     string    // under which claims are kept

	// Of the goroutine that looks after the job.
	troubled bool
	open     time.Time // a time whose run has not ended, as was seen before,
	watch    *lease    // and who may be at it
}

// New returns a Scheduler of the jobs. opts may be nil. It is an error when a job's
// name, schedule or limits cannot be.
func New(opts *Options, jobs ...Job) (*Scheduler, error) {
	if err := validateJobs(jobs); err != nil {
		return nil, err
	}
	s := &Scheduler{}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Drain == 0 {
		s.opts.Drain = 20 * time.Second
	}
	if s.opts.Now == nil {
		s.opts.Now = clock
	}
	if s.opts.Logger == nil {
		s.opts.Logger = slog.New(slog.DiscardHandler)
	}
	s.owner = s.opts.Owner + "-" + rand.Text()
	for _, j := range jobs {
		s.jobs = append(s.jobs, &entry{Job: j})
	}
	return s, nil
}

// Run is [New] and [Scheduler.Run].
func Run(ctx context.Context, opts *Options, jobs ...Job) error {
	s, err := New(opts, jobs...)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// Run starts the jobs at their times until ctx ends. Then no run is begun any more; those
// that go on have [Options.Drain] to return, then their contexts are cancelled. Run
// returns nil when all have returned: a job that ignores its context holds it up. It
// may be called once; a second call returns [ErrRunning] or [ErrStopped].
func (s *Scheduler) Run(ctx context.Context) error {
	runs, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	s.mu.Lock()
	was := s.state
	if was == idle {
		s.state, s.ctx = on, runs
	}
	s.mu.Unlock()
	if was != idle {
		return fmt.Errorf("scheduler: %w", map[state]error{on: ErrRunning, stopped: ErrStopped}[was])
	}

	var looks sync.WaitGroup
	for _, j := range s.jobs {
		if j.Schedule != nil && !j.Disabled {
			looks.Go(func() { s.lookAfter(ctx, j) })
		}
	}
	<-ctx.Done()
	s.mu.Lock()
	s.state = stopped
	s.mu.Unlock()
	drain := time.AfterFunc(max(s.opts.Drain, 0), func() { cancel(ErrStopped) })
	defer drain.Stop()
	looks.Wait()
	s.runs.Wait()
	return nil
}

// Trigger starts a run of the job now, besides its schedule: from an HTTP handler, for
// example. It does not wait for the run, and its context is not the run's. The error is [ErrRunning] when a run of
// the job is going on in this process (one in another process is told by [Skipped]),
// [ErrNoJob] or [ErrStopped]. A scheduled time that comes during the run is skipped.
func (s *Scheduler) Trigger(name string) error {
	for _, j := range s.jobs {
		if j.Name == name {
			if err := s.start(j, run{reason: Manual}); err != nil {
				return fmt.Errorf("scheduler: job %q: %w", name, err)
			}
			return nil
		}
	}
	return fmt.Errorf("scheduler: job %q: %w", name, ErrNoJob)
}

// A Start is a start that is planned.
type Start struct {
	Job string
	// At is in the zone of the schedule.
	At time.Time
}

// Preview returns the next n starts of the jobs that are enabled, the earliest first. It
// may be called before, while and after the scheduler runs.
func (s *Scheduler) Preview(n int) []Start {
	var starts []Start
	for _, j := range s.jobs {
		if j.Schedule == nil || j.Disabled {
			continue
		}
		after := s.now()
		s.mu.Lock()
		if j.known.After(after) {
			after = j.known
		}
		s.mu.Unlock()
		for _, at := range Upcoming(j.Schedule, after, n) {
			starts = append(starts, Start{j.Name, at})
		}
	}
	slices.SortStableFunc(starts, func(a, b Start) int { return a.At.Compare(b.At) })
	return starts[:min(n, len(starts))]
}

// now is the time of day in UTC, without the real clock's own reading: scheduled times
// are compared by what the clock shows.
func (s *Scheduler) now() time.Time { return s.opts.Now().Round(0).UTC() }

// clock is the real clock.
func clock() time.Time {
	return time.Now() //nolint:forbidigo // waiting and leases live on the real clock, whatever the host's Now
}

// remembersEnds reports whether it is known of runs that they ended.
func (s *Scheduler) remembersEnds() bool { return s.opts.Ticks != nil && s.opts.Leases != nil }
