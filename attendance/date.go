package attendance

import (
	"fmt"
	"time"
)

// A Date is a calendar day, in no zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the calendar day that t's own wall clock shows.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate reads yyyy-MM-dd.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("attendance: %q is not a day of the form 2026-03-02", s)
	}
	return DateOf(t), nil
}

// In returns the first instant of the day in zone. That is 00:00 nearly
// everywhere and always; where clocks jump over midnight it is later, and where a
// whole day is left out it is the first instant of the next.
func (d Date) In(zone *time.Location) time.Time {
	first, _ := d.begin(zone)
	return first
}

// begin returns the first instant of the day, and how often the wall clock shows
// its 00:00: once, but for zones that change their clocks around midnight.
func (d Date) begin(zone *time.Location) (first time.Time, midnights int) {
	utc := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
	// Between two changes of its clock a zone has one offset, and in each such
	// stretch 00:00 lies at one instant, inside it or not. No offset is beyond 15 h.
	from, until := utc.Add(-36*time.Hour).In(zone), utc.Add(36*time.Hour)
	for from.Before(until) {
		_, offset := from.Zone()
		midnight := utc.Add(-time.Duration(offset) * time.Second)
		_, end := from.ZoneBounds()
		last := end.IsZero() || !end.Before(until)
		if last {
			end = until
		}
		if !midnight.Before(from) && midnight.Before(end) {
			midnights++
		}
		if first.IsZero() && midnight.Before(end) {
			first = from // the clock was put forward over 00:00
			if midnight.After(from) {
				first = midnight.In(zone)
			}
		}
		if last {
			break
		}
		from = end.In(zone)
	}
	return first, midnights
}

// Add returns the day n days later; n may be negative.
func (d Date) Add(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}

// Before reports whether d is an earlier day than e.
func (d Date) Before(e Date) bool {
	return d.Year < e.Year || d.Year == e.Year && (d.Month < e.Month || d.Month == e.Month && d.Day < e.Day)
}

// String formats the day as yyyy-MM-dd.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// MarshalText implements [encoding.TextMarshaler] as yyyy-MM-dd.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Date) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDate(string(text))
	return err
}
