package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// A Job is what is run, and when.
type Job struct {
	// Name tells jobs apart, in events and in the stores: it stays the same over restarts,
	// and no two jobs over one store have the same one, in whatever process. 1 to 200 bytes,
	// without " #".
	Name string
	// Schedule says when to start. Nil: only by [Scheduler.Trigger].
	Schedule Schedule
	// Run does the work. Its context ends when the time limit is over, or when the host
	// stops and the time to drain is over; it should return soon then. It is never called
	// twice at once in a process.
	Run func(ctx context.Context) error
	// Disabled jobs are not started by their schedule; a trigger still does.
	Disabled bool
	// TimeLimit, when > 0, is how long a run may take, by the real clock.
	TimeLimit time.Duration
	// MissedWithin bounds how old a missed time may be that is still made up for: by the
	// next start of the process, for example. Zero: any age. Less than two minutes, also
	// negative, means two minutes, within which nothing counts as missed.
	MissedWithin time.Duration

	// Window, when not nil, is what the job reads. Only [Check] looks at it.
	Window attendance.Window
	// Directory says that the job changes who belongs to whom, as a sync of the
	// directory does. Only [Check] looks at it.
	Directory bool
}

// Marks behind the job's name, under which more is kept of it in the TickStore.
const (
	markSeparator = " #"
	endedMark     = " #ended"  // the latest scheduled time whose run has ended
	againMark     = " #again"  // the latest whose run was cut off and is run once more
	beforeMark    = " #before" // and a time: claims until a claim that is not believed
)

// validate looks at all jobs together.
func validateJobs(jobs []Job) error {
	known := make(map[string]bool)
	for _, j := range jobs {
		var err error
		switch {
		case j.Name == "" || len(j.Name) > 200 || strings.Contains(j.Name, markSeparator):
			return fmt.Errorf("scheduler: %q cannot be a job's name: 1 to 200 bytes, without %q", j.Name, markSeparator)
		case known[j.Name]:
			err = errors.New("two jobs have this name")
		case j.Run == nil:
			err = errors.New("Run is nil")
		case j.TimeLimit < 0:
			err = errors.New("the time limit is negative")
		case j.Schedule != nil:
			err = validate(j.Schedule)
		}
		if err != nil {
			return fmt.Errorf("scheduler: job %q: %w", j.Name, err)
		}
		known[j.Name] = true
	}
	return nil
}

// within is how late a scheduled time may be worked off.
func (j *Job) within() time.Duration {
	if j.MissedWithin == 0 {
		return 1<<63 - 1
	}
	return max(j.MissedWithin, onTime)
}
