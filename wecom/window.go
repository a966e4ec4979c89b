package wecom

import (
	"iter"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// A window is what one call asks for: whole days of Beijing time, both ends as
// they are sent. Whether the last second is included is not documented and does
// not matter: it is padding.
type window struct {
	start, end int64 // Unix seconds
	days       int
}

// beijing is the zone of WeCom's attendance days (the midnights in its pages are
// those of UTC+8). China has had one time without summer time since 1991, so no
// time zone database is needed.
func beijing() *time.Location { return time.FixedZone("Asia/Shanghai", 8*60*60) }

// midnight is 00:00 of the Beijing day that t lies in.
func midnight(t time.Time) time.Time {
	year, month, date := t.In(beijing()).Date()
	return time.Date(year, month, date, 0, 0, 0, 0, beijing())
}

// windows yields what is sent to cover a span. WeCom chooses rows by attendance
// day, in a window that it rounds in an undocumented way: a quarter of an hour
// before midnight answered with the next day, and a punch after midnight at a
// month's end was in the window of neither calendar day. So each window begins a
// whole day before the days it is for and ends a whole day after them. Two windows
// that follow each other overlap by two days, and one is always wide enough to
// straddle a month's end beside its own days.
func windows(s attendance.Span, days int) iter.Seq[window] {
	return func(yield func(window) bool) {
		if s.Empty() {
			return
		}
		last := midnight(s.To.Add(-time.Nanosecond))
		for from := midnight(s.From); !from.After(last); {
			to := from.AddDate(0, 0, days-2*padding-1)
			if to.After(last) {
				to = last
			}
			begin, end := from.AddDate(0, 0, -padding), to.AddDate(0, 0, padding+1)
			w := window{begin.Unix(), end.Unix() - 1, int(end.Sub(begin) / day)}
			if !yield(w) {
				return
			}
			from = to.AddDate(0, 0, 1)
		}
	}
}

// near reports whether a row of the moment at may be in the answer to a window,
// by what is known of its rounding: a day more at either end.
func (w window) near(at time.Time) bool {
	const margin = int64(day / time.Second)
	return at.Unix() >= w.start-margin && at.Unix() <= w.end+margin
}

// refusedSpan remembers for an hour how long a window WeCom has refused (301024),
// so that the Syncer's next slices learn it without a call each: many failing
// calls get an address shut out. A window as long as one that was answered is no
// reason, nor is the shortest there is: something else was wrong with that query,
// which must not cost the others theirs.
type refusedSpan struct {
	clock func() time.Time

	mu       sync.Mutex
	answered int // the longest window that was answered
	days     int
	at       time.Time
}

// refused takes note of a refused window.
func (r *refusedSpan) refused(days int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case days <= leastDays:
		r.days = 0 // so it is not the length
		return
	case days <= r.answered:
		return
	}
	if now := r.clock(); r.days == 0 || days < r.days || now.Sub(r.at) >= hourBlock {
		r.days, r.at = days, now
	}
}

// taken takes note of an answered window.
func (r *refusedSpan) taken(days int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answered = max(r.answered, days); days >= r.days {
		r.days = 0
	}
}

// tooLong reports whether so long a window was refused lately.
func (r *refusedSpan) tooLong(days int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.days > 0 && days >= r.days && r.clock().Sub(r.at) < hourBlock
}
