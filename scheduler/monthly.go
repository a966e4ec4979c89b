package scheduler

import (
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// Monthly is once every month, on its day-th day, at the time that [Daily] would choose.
// A month without such a day has no run. Days that cannot be are errors of [New].
func Monthly(day, hour, minute int, zone *time.Location) Schedule {
	return monthly{day, daily{hour, minute, zone}}
}

type monthly struct {
	day   int
	daily daily
}

func (m monthly) validate() error {
	if m.day < 1 || m.day > 31 {
		return fmt.Errorf("%d is no day of a month", m.day)
	}
	return m.daily.validate()
}

// Next returns times in the zone of the schedule.
func (m monthly) Next(after time.Time) time.Time {
	if m.validate() != nil {
		return time.Time{}
	}
	day := attendance.DateOf(after.In(m.daily.zone)).Add(-1)
	// No two months in a row lack a day, so that 62 days hold one; a zone may leave one out.
	for range 3*31 + 2 {
		if day.Day == m.day {
			if at, ok := m.daily.on(day); ok && at.After(after) {
				return at
			}
		}
		day = day.Add(1)
	}
	return time.Time{}
}
