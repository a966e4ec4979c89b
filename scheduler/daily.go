package scheduler

import (
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// Daily is once every day of zone, when its clocks show hour (0 to 23) and minute (0 to
// 59). On a day on which they are put forward over that time it is the first instant
// after the gap, which may lie in the next day; on a day on which they show it twice, the
// first. A day that a zone left out of its calendar has no run. For several times a day
// see [AnyOf].
//
// Times that cannot be, a nil zone and time.Local are errors of [New].
func Daily(hour, minute int, zone *time.Location) Schedule { return daily{hour, minute, zone} }

type daily struct {
	hour, minute int
	zone         *time.Location
}

func (d daily) validate() error {
	if d.hour < 0 || d.hour > 23 || d.minute < 0 || d.minute > 59 {
		return fmt.Errorf("%02d:%02d is no time of day", d.hour, d.minute)
	}
	return checkZone(d.zone)
}

// Next returns times in the zone of the schedule.
func (d daily) Next(after time.Time) time.Time {
	if d.validate() != nil {
		return time.Time{}
	}
	day := attendance.DateOf(after.In(d.zone)).Add(-1) // yesterday's may lie after midnight
	for range 5 {                                      // a day may be left out, and one be over
		if at, ok := d.on(day); ok && at.After(after) {
			return at
		}
		day = day.Add(1)
	}
	return time.Time{}
}

// on returns the start of the day; false if the zone left the day out.
func (d daily) on(day attendance.Date) (start time.Time, exists bool) {
	midnight := time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, time.UTC)
	wanted := time.Duration(d.hour)*time.Hour + time.Duration(d.minute)*time.Minute
	// Between two changes of its clock a zone has one offset, and in each such stretch
	// the day and the time of day lie at one place, inside it or not. No offset is beyond
	// 15 h, so that the first stretch begins before the day, and the last ends after it.
	from, until := midnight.Add(-36*time.Hour).In(d.zone), midnight.Add(60*time.Hour)
	for from.Before(until) {
		_, offset := from.Zone()
		_, end := from.ZoneBounds()
		if end.IsZero() || end.After(until) {
			end = until
		}
		first := midnight.Add(-time.Duration(offset) * time.Second)
		exists = exists || first.Before(end) && first.Add(24*time.Hour).After(from)
		at := first.Add(wanted)
		if start.IsZero() && at.Before(end) {
			start = from // the clocks were put forward over it
			if at.After(from) {
				start = at.In(d.zone)
			}
		}
		from = end.In(d.zone)
	}
	return start, exists
}
