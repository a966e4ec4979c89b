package scheduler

import (
	"errors"
	"fmt"
	"time"
)

// A Schedule says when a job is to start. The schedules of github.com/robfig/cron
// are Schedules; see [In] for their time zone. Other than [Daily], they have no run on a day
// whose clocks are put forward over it, and two where they show it twice.
type Schedule interface {
	// Next returns the first scheduled time after the given one, never that one itself;
	// the zero time when there is none any more. It is asked with times in UTC. The
	// scheduler works by whole seconds: a fraction is rounded up. It is called from
	// several goroutines.
	Next(after time.Time) time.Time
}

// AnyOf is every time of every schedule, each once: several times a day, for example.
func AnyOf(schedules ...Schedule) Schedule { return anyOf(schedules) }

type anyOf []Schedule

func (s anyOf) Next(after time.Time) (first time.Time) {
	for _, one := range s {
		if t := one.Next(after); !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

func (s anyOf) validate() error {
	var trouble []error
	for _, one := range s {
		trouble = append(trouble, validate(one))
	}
	return errors.Join(trouble...)
}

// In asks s with times in zone: for schedules that go by the zone of the time they are
// asked with, as cron expressions without CRON_TZ do.
func In(zone *time.Location, s Schedule) Schedule { return in{zone, s} }

type in struct {
	zone *time.Location
	s    Schedule
}

func (s in) Next(after time.Time) time.Time {
	if s.zone == nil || s.s == nil {
		return time.Time{}
	}
	return s.s.Next(after.In(s.zone))
}

func (s in) validate() error {
	if err := checkZone(s.zone); err != nil {
		return err
	}
	return validate(s.s)
}

// Upcoming returns the next n times of s after the given one; fewer when there are no
// more.
func Upcoming(s Schedule, after time.Time, n int) []time.Time {
	var times []time.Time
	for len(times) < n {
		next, err := nextAfter(s, after)
		if err != nil || next.IsZero() {
			break
		}
		times, after = append(times, next), next
	}
	return times
}

// validate asks a schedule of this package whether it was made rightly.
func validate(s Schedule) error {
	if s == nil {
		return errors.New("a schedule is nil")
	}
	if v, ok := s.(interface{ validate() error }); ok {
		return v.validate()
	}
	return nil
}

func checkZone(zone *time.Location) error {
	switch {
	case zone == nil:
		return errors.New("a schedule needs a time zone")
	case zone.String() == "Local":
		return errors.New("a schedule must not depend on the machine's time zone: name one")
	default:
		return nil
	}
}

// nextAfter is the first scheduled second after the given one, guarded against
// schedules that panic or do not go forward.
func nextAfter(s Schedule, after time.Time) (next time.Time, err error) {
	defer func() {
		if v := recover(); v != nil {
			next, err = time.Time{}, fmt.Errorf("the schedule fails: %w", panicked(v))
		}
	}()
	next = s.Next(after.UTC())
	if next.IsZero() {
		return next, nil
	}
	if !next.After(after) {
		return time.Time{}, fmt.Errorf("the schedule does not go forward: %v comes after %v", next, after)
	}
	if whole := next.Truncate(time.Second); whole.Before(next) {
		next = whole.Add(time.Second)
	}
	return next.Round(0), nil
}

// manyMissed is how many missed times are counted one by one.
const manyMissed = 100_000

// due looks from the last time that was dealt with: the latest scheduled time that is
// not after now (zero if none), how many before it were missed (about, when they are
// more than manyMissed), and the first after now (zero if none).
func due(s Schedule, last, now time.Time) (at time.Time, missed int, next time.Time, err error) {
	next, err = nextAfter(s, last)
	for n := 0; err == nil && !next.IsZero() && !next.After(now); n++ {
		at, missed = next, n
		if n == manyMissed {
			at = lately(s, at, now)
		}
		next, err = nextAfter(s, at)
	}
	return at, missed, next, err
}

// lately is a scheduled time between from and now near to now, so that years of missed
// seconds need not be walked through.
func lately(s Schedule, from, now time.Time) time.Time {
	for step := time.Hour; step < now.Sub(from); step *= 2 {
		if t, err := nextAfter(s, now.Add(-step)); err == nil && t.After(from) && !t.After(now) {
			return t
		}
	}
	return from
}
