package wecomtest

import "time"

// Seconds.
const (
	day     = 24 * 3600
	beijing = 8 * 3600 // the zone's offset; China has no summer time
	dawn    = 4 * 3600 // the attendance day begins at 04:00, by one report
)

// window is what a check-in call asks for, ready for the question whether a row
// is in it. Instants are Unix seconds, days are counted from 1970 in Beijing.
type window struct {
	kind int64 // opencheckindatatype
	// start and last are the first and last second.
	start, last int64
	// firstDay and lastDay are the attendance days.
	firstDay, lastDay int64
	// monthsStart and monthsEnd enclose the calendar months that it touches; the
	// end is exclusive.
	monthsStart, monthsEnd int64

	byTime              bool
	typeTwoPlaceholders bool
}

func (s *Server) window(kind, start, end int64) window {
	w := window{
		kind: kind, start: start, last: end,
		byTime: s.opts.Window == WindowByTime, typeTwoPlaceholders: s.opts.TypeTwoPlaceholders,
	}
	if s.opts.EndExclusive {
		w.last--
	}
	w.firstDay, w.lastDay = dayOf(w.start+dawn), dayOf(w.last+dawn)
	w.monthsStart = s.month(w.start, 0)
	w.monthsEnd = s.month(w.last, 1)
	return w
}

// month is when the calendar month of an instant begins, or one so many later.
func (s *Server) month(instant int64, later time.Month) int64 {
	year, month, _ := time.Unix(instant, 0).In(s.zone).Date()
	return time.Date(year, month+later, 1, 0, 0, 0, 0, s.zone).Unix()
}

// dayOf is the calendar day of an instant after 1970.
func dayOf(instant int64) int64 { return (instant + beijing) / day }

// midnight is when a calendar day begins.
func midnight(d int64) int64 { return d*day - beijing }

// day is the attendance day of a record.
func (r *Record) day() int64 {
	if r.Day.IsZero() {
		return dayOf(r.Time.Unix())
	}
	return dayOf(r.Day.Unix())
}

// finds reports whether the call answers the record. See [WindowModel].
func (w *window) finds(r *Record) bool {
	placeholder := r.isPlaceholder()
	switch {
	case w.kind == 1 && r.Type == typeVisit:
		return false
	case w.kind == 2 && placeholder && !w.typeTwoPlaceholders:
		return false
	case w.kind == 2 && !placeholder && r.Type != typeVisit:
		return false
	}
	at, d := r.Time.Unix(), r.day()
	inDays := w.firstDay <= d && d <= w.lastDay
	switch {
	case placeholder:
		return inDays
	case w.byTime:
		return w.start <= at && at <= w.last && w.touchesMonth(midnight(d))
	default:
		return inDays && w.touchesMonth(at)
	}
}

func (w *window) touchesMonth(instant int64) bool {
	return w.monthsStart <= instant && instant < w.monthsEnd
}

// around is where the times of the rows can lie that the window finds: a
// scheduled time is up to 172800 seconds after 00:00 of its attendance day.
func (w *window) around() (from, to time.Time) {
	return time.Unix(midnight(w.firstDay)-day, 0).UTC(), time.Unix(midnight(w.lastDay)+3*day-1, 0).UTC()
}
