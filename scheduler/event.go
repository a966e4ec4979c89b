package scheduler

import (
	"context"
	"log/slog"
	"time"
)

// EventKind tells the kinds of [Event]s apart.
type EventKind string

// The kinds of events.
const (
	// Started: a run begins.
	Started EventKind = "started"
	// Ended: it returned, with Err and after Took.
	Ended EventKind = "ended"
	// Skipped: it was not begun because a run of the job is still going, here or, if
	// Elsewhere is set, in another process; or because the host stopped, if Err is set.
	Skipped EventKind = "skipped"
	// Missed: the scheduled time, and as many before it as Missed says, have no run, and
	// none makes up for them: they are older than [Job.MissedWithin].
	Missed EventKind = "missed"
	// Claimed: the scheduled time was claimed by another process.
	Claimed EventKind = "claimed"
	// Trouble: the job's times cannot be worked off as they should, because of Err: the
	// store or the schedule fails, or a clock was wrong. It is told once, not at every look,
	// until it is over.
	Trouble EventKind = "trouble"
)

// Reason says why a run is begun.
type Reason string

// The reasons.
const (
	// Scheduled: its time has come.
	Scheduled Reason = "scheduled"
	// CaughtUp: its time was missed by two minutes or more.
	CaughtUp Reason = "caught_up"
	// CutOff: the run of this time was begun before and did not end, in a process that
	// died or was stopped.
	CutOff Reason = "cut_off"
	// Manual: it was triggered.
	Manual Reason = "manual"
)

// An Event tells what happened to a job.
type Event struct {
	Kind EventKind
	Job  string
	// At is when, by the scheduler's time of day, in UTC.
	At time.Time
	// Reason is that of the run, for Started, Ended and Skipped.
	Reason Reason
	// Scheduled is the scheduled time, in UTC; zero for manual runs and for Trouble.
	Scheduled time.Time
	// Missed is how many scheduled times before Scheduled had no run.
	Missed int
	// Elsewhere: another process is meant.
	Elsewhere bool
	// Took is how long the run took, by the real clock.
	Took time.Duration
	Err  error
	// Next is the next scheduled time that is known, in UTC; zero if none.
	Next time.Time
}

// tell passes an event to the host.
func (s *Scheduler) tell(ctx context.Context, j *entry, e Event) {
	e.Job, e.At, e.Scheduled = j.Name, s.now(), utc(e.Scheduled)
	s.mu.Lock()
	e.Next = utc(j.next)
	s.mu.Unlock()
	s.telling.Lock()
	defer s.telling.Unlock()
	if s.opts.Observe != nil {
		s.opts.Observe(e)
	}
	s.opts.Logger.LogAttrs(ctx, e.level(), "scheduler: "+string(e.Kind), e.attrs()...)
}

// utc is t in UTC; the zero time stays what it is.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

func (e Event) level() slog.Level {
	switch {
	case e.Kind == Ended && e.Err != nil:
		return slog.LevelError
	case e.Kind == Skipped, e.Kind == Missed, e.Kind == Trouble:
		return slog.LevelWarn
	case e.Kind == Claimed:
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}

func (e Event) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("job", e.Job)}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(e.Reason)))
	}
	if !e.Scheduled.IsZero() {
		attrs = append(attrs, slog.Time("scheduled", e.Scheduled))
	}
	if e.Missed > 0 {
		attrs = append(attrs, slog.Int("missed", e.Missed))
	}
	if e.Elsewhere {
		attrs = append(attrs, slog.Bool("elsewhere", true))
	}
	if e.Kind == Ended {
		attrs = append(attrs, slog.Duration("took", e.Took))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
		if p, ok := asPanic(e.Err); ok {
			attrs = append(attrs, slog.String("stack", string(p.Stack)))
		}
	}
	if !e.Next.IsZero() {
		attrs = append(attrs, slog.Time("next", e.Next))
	}
	return attrs
}
