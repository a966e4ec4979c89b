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
// everywhere and always; where clocks jump over midnight it is later.
func (d Date) In(zone *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
	if DateOf(t) != DateOf(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)) || t.Hour() != 0 || t.Minute() != 0 {
		return firstInstant(d, t)
	}
	// 00:00 may come twice: take the earlier one.
	if earlier := t.Add(-time.Hour); DateOf(earlier) == DateOf(t) {
		return firstInstant(d, t)
	}
	return t
}

// firstInstant searches for the change of date near t, by bisection on seconds.
func firstInstant(d Date, t time.Time) time.Time {
	want := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
	before := func(u time.Time) bool {
		y, m, day := u.Date()
		return time.Date(y, m, day, 0, 0, 0, 0, time.UTC).Before(want)
	}
	low, high := t.Add(-26*time.Hour).Unix(), t.Add(26*time.Hour).Unix()
	for high-low > 1 {
		middle := low + (high-low)/2
		if before(time.Unix(middle, 0).In(t.Location())) {
			low = middle
		} else {
			high = middle
		}
	}
	return time.Unix(high, 0).In(t.Location())
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
