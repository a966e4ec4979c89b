package attendance

import (
	"errors"
	"fmt"
	"time"
)

// A Window says over which stretch of time a run reads punches. It is resolved
// once, at the start of a run.
type Window interface {
	// Span returns the stretch that the window means at the moment m, both ends
	// in the zone of the OA's wall clock. An empty span is a run that reads nothing.
	Span(m Moment) (Span, error)
}

// A Moment is what a [Window] may depend on.
type Moment struct {
	// Now is the current time, in any zone.
	Now time.Time
	// Mark is up to when everything that is owed was read for everybody (see
	// [ReadProgress]), in any zone; zero where nothing is remembered.
	Mark time.Time
}

// A Remembering window is one whose span is read only where it was not read yet,
// but for a part that is read again whatever was read: its look-back.
type Remembering interface {
	Window
	// Again returns the part of [Window.Span] that is read again.
	Again(m Moment) (Span, error)
}

// Today is today 00:00 up to now, in zone: what the product we replace calls
// automatic sync.
func Today(zone *time.Location) Window { return LastDays(0, zone) }

// LastDays is today up to now and the n whole days before today, in zone. With a nil
// zone or n < 0 every run is an error.
func LastDays(n int, zone *time.Location) Window { return lastDays{n, zone} }

// SinceMark is from the job's mark, if it has one, and at least from n whole days
// before today, up to now, in zone. The days of the look-back are read again, what
// lies before only for people for whom it was not read. It is the window of a job
// that closes every gap by itself; without a [CoverageStore] it is [LastDays]. What lies
// behind the platform's horizon is cut off, with the warning beyond_horizon, and owed no
// longer. With a nil zone or n < 0 every run is an error. It is a [Remembering].
func SinceMark(n int, zone *time.Location) Window { return sinceMark{lastDays{n, zone}} }

// Reread is the n whole days before today, in zone, the newest first: what may have
// changed late: everybody's newest piece comes before an older one of anybody. It is
// meant for a run beside the daily one, for which it does not wait, and which it does
// not hold up; see [Options.Share]. What it reads does not become what the job owes.
// With a nil zone or n < 0 every run is an error.
func Reread(n int, zone *time.Location) Window { return reread{lastDays{n, zone}} }

// Days is the days from first to last, both included, in zone; any number of
// them. Days after now are planned as well; punches in the future are skipped.
func Days(first, last Date, zone *time.Location) Window { return days{first, last, zone} }

// Between is the half-open stretch [from, to), written by the wall clock of zone.
func Between(from, to time.Time, zone *time.Location) Window { return between{from, to, zone} }

// errWindowZone is what a window without a zone gives.
var errWindowZone = errors.New("attendance: a window needs a time zone: it was given none (nil)")

type lastDays struct {
	n    int
	zone *time.Location
}

func (w lastDays) Span(m Moment) (Span, error) {
	switch {
	case w.zone == nil:
		return Span{}, errWindowZone
	case w.n < 0:
		return Span{}, fmt.Errorf("attendance: a window needs a number of days >= 0, not %d", w.n)
	}
	now := m.Now.In(w.zone)
	s := Span{DateOf(now).Add(-w.n).In(w.zone), now}
	return s, s.Validate()
}

type sinceMark struct{ lookBack lastDays }

func (w sinceMark) Span(m Moment) (Span, error) {
	s, err := w.lookBack.Span(m)
	if mark := m.Mark; err == nil && !mark.IsZero() && mark.Before(s.From) {
		s.From = mark.In(s.Zone())
	}
	return s, err
}

func (w sinceMark) Again(m Moment) (Span, error) { return w.lookBack.Span(m) }

type reread struct{ days lastDays }

func (w reread) Span(m Moment) (Span, error) {
	s, err := w.days.Span(m)
	if err == nil {
		s.To = DateOf(s.To).In(s.Zone())
	}
	return s, err
}

type days struct {
	first, last Date
	zone        *time.Location
}

func (w days) Span(Moment) (Span, error) {
	if w.zone == nil {
		return Span{}, errWindowZone
	}
	if w.last.Before(w.first) {
		return Span{}, fmt.Errorf("attendance: the last day %v lies before the first day %v", w.last, w.first)
	}
	s := Span{w.first.In(w.zone), w.last.Add(1).In(w.zone)}
	return s, s.Validate()
}

// kindOf is the kind of a run over the window, where the host does not say.
func kindOf(w Window) RunKind {
	switch w.(type) {
	case days, between:
		return KindBackfill
	case reread:
		return KindReread
	default:
		return KindRun
	}
}

type between struct {
	from, to time.Time
	zone     *time.Location
}

func (w between) Span(Moment) (Span, error) {
	if w.zone == nil {
		return Span{}, errWindowZone
	}
	s := Span{w.from.In(w.zone), w.to.In(w.zone)}
	return s, s.Validate()
}
