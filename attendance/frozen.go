package attendance

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Frozen is the reason of a punch in a month that is closed, so that it was not written.
const Frozen Reason = "frozen"

// closedUntil is the first instant that may still be written, where months are
// closed from a day of the next one on; zero where none is.
func closedUntil(now time.Time, fromDay int) time.Time {
	if fromDay <= 0 {
		return time.Time{}
	}
	open := Date{now.Year(), now.Month(), 1}
	if now.Day() < fromDay {
		open = DateOf(time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC))
	}
	return open.In(now.Location())
}

// A portion is what of a batch lies in open months, or in closed ones.
type portion struct {
	Batch
	closed bool
}

// portions parts a batch where the closed months end.
func (r *run) portions(b Batch) []portion {
	until := closedUntil(r.report.Started.In(b.Span.Zone()), r.opts.FreezeAfterDay)
	if !b.Span.From.Before(until) {
		return []portion{{Batch: b}}
	}
	if !b.Span.To.After(until) {
		return []portion{{b, true}}
	}
	closed, open := b, b
	closed.Span.To, open.Span.From = until, until
	closed.Punches, open.Punches = nil, nil
	for _, p := range b.Punches {
		if p.Time.Before(until) {
			closed.Punches = append(closed.Punches, p)
		} else {
			open.Punches = append(open.Punches, p)
		}
	}
	return []portion{{closed, true}, {Batch: open}}
}

// daysShown is how many person-days a warning names.
const daysShown = 20

// frozen collects what would have changed in closed months.
type frozen struct {
	mu       sync.Mutex
	unknown  int // punches that the target could not compare
	added    int
	moved    int
	vanished int
	days     []PersonDay // some of them
	more     int
}

// take notes what would have changed, and accounts for it: what is not written is
// skipped.
func (f *frozen) take(b Batch, would Preview) Written {
	w := would.Written
	if w.Written == 0 && w.Removed == 0 && w.Superseded == 0 {
		return w
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.added += w.Written - w.Corrected
	f.moved += w.Corrected
	f.vanished += w.Removed + w.Superseded
	for _, row := range would.Rows {
		f.day(PersonDay{row.Person, DateOf(row.Time.In(b.Span.Zone()))})
	}
	done := Written{Present: w.Present, PresentFromOther: w.PresentFromOther, Superseded: w.Superseded + w.Removed, Skipped: make(map[Reason]int), Warnings: w.Warnings}
	for reason, n := range w.Skipped {
		done.Skipped[reason] = n
	}
	if w.Written > 0 {
		done.Skipped[Frozen] += w.Written
	}
	return done
}

// unseen accounts for punches of closed months that a target cannot compare.
func (f *frozen) unseen(b Batch) Written {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unknown += len(b.Punches)
	return Written{Skipped: map[Reason]int{Frozen: len(b.Punches)}}
}

func (f *frozen) day(d PersonDay) {
	switch {
	case slices.Contains(f.days, d):
	case len(f.days) < daysShown:
		f.days = append(f.days, d)
	default:
		f.more++
	}
}

// warning tells what would have changed, if something would.
func (f *frozen) warning() (Warning, bool) {
	if f.unknown > 0 {
		return Warningf("frozen", "已封账月份中的 %d 条打卡未写入 / %d punches lie in closed months and were not written; the target cannot tell which of them it has", f.unknown, f.unknown), true
	}
	if f.added+f.moved+f.vanished == 0 {
		return Warning{}, false
	}
	names := make([]string, len(f.days))
	for i, d := range f.days {
		names[i] = d.Person + " " + d.Day.String()
	}
	list := strings.Join(names, ", ")
	if f.more > 0 {
		list += fmt.Sprintf(" (+%d)", f.more)
	}
	return Warningf("frozen", "已封账月份有变动但未写入：新增 %d，更正 %d，平台已无 %d / closed months differ and were not changed: %d to add, %d to correct, %d that the platform has no longer: %s",
		f.added, f.moved, f.vanished, f.added, f.moved, f.vanished, list), true
}
