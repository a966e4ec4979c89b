package attendance

import (
	"fmt"
	"iter"
	"time"
)

// A Span is the half-open stretch of time [From, To).
//
// Both ends are in one time zone, and that zone means something: it is the one
// whose wall clock the OA's text columns hold. Every [Window] of this package
// is given its zone by the caller; the machine's zone is never used.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Zone is the zone of the span's wall clock: that of From.
func (s Span) Zone() *time.Location { return s.From.Location() }

// Empty reports whether no instant lies in the span.
func (s Span) Empty() bool { return !s.From.Before(s.To) }

// Contains reports whether From <= t < To.
func (s Span) Contains(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Length is the elapsed time between the ends (not wall-clock time: a day on
// which clocks change has 23 or 25 hours).
func (s Span) Length() time.Duration { return s.To.Sub(s.From) }

// String formats both ends as RFC 3339.
func (s Span) String() string {
	return fmt.Sprintf("[%s, %s)", s.From.Format(time.RFC3339), s.To.Format(time.RFC3339))
}

// Validate returns an error when the span cannot be planned: turned around, or
// in the machine's own zone (time.Local), which would make the OA's rows depend
// on where the program runs.
func (s Span) Validate() error {
	switch {
	case s.From.IsZero() || s.To.IsZero():
		return fmt.Errorf("attendance: span %v has no beginning or no end", s)
	case s.To.Before(s.From):
		return fmt.Errorf("attendance: span %v ends before it begins", s)
	case s.From.Location().String() == "Local" || s.From.Location().String() != s.To.Location().String():
		return fmt.Errorf("attendance: span %v: both ends need the same, named time zone; the machine's own (time.Local) is not one", s)
	}
	return nil
}

// Split cuts the span into consecutive pieces no longer than limit (elapsed
// time); limit <= 0 means no limit. The pieces are in order, do not overlap and
// leave no gap: together they are the span. A cut lies at the last local
// midnight within the limit whose wall-clock time exists exactly once, so that
// text columns can be compared piece by piece; only where the limit is too short
// to reach one does the cut lie at the limit itself. An empty span has no pieces.
func (s Span) Split(limit time.Duration) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for rest := s; !rest.Empty(); {
			piece := rest
			if limit > 0 && rest.Length() > limit {
				piece.To = cut(rest.From, rest.From.Add(limit))
			}
			if !yield(piece) {
				return
			}
			rest.From = piece.To
		}
	}
}

// Halve cuts the span in two at the best place near its middle: an unambiguous
// local midnight where one lies inside, else the middle, on a whole second. ok
// is false when the span is too short (two seconds) to be cut.
func (s Span) Halve() (first, second Span, ok bool) {
	if s.Length() < 2*time.Second {
		return s, Span{}, false
	}
	at := cut(s.From, s.From.Add(s.Length()/2))
	if at.Equal(s.From.Add(s.Length() / 2)) {
		if next, found := firstMidnight(at, s.To); found {
			at = next
		} else if whole := at.Truncate(time.Second); whole.After(s.From) {
			at = whole
		}
	}
	return Span{s.From, at}, Span{at, s.To}, true
}

// cut returns the last unambiguous local midnight in (from, limit], or limit.
func cut(from, limit time.Time) time.Time {
	for day := DateOf(limit); ; day = day.Add(-1) {
		start, midnights := day.begin(from.Location())
		if !start.After(from) {
			return limit
		}
		if !start.After(limit) && midnights == 1 {
			return start
		}
	}
}

// firstMidnight returns the first unambiguous local midnight in (from, to).
func firstMidnight(from, to time.Time) (time.Time, bool) {
	for day := DateOf(from); ; day = day.Add(1) {
		start, midnights := day.begin(from.Location())
		if !start.Before(to) {
			return time.Time{}, false
		}
		if start.After(from) && midnights == 1 {
			return start, true
		}
	}
}
