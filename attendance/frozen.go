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

// OpenFrom is the first instant that may still be written, where months are closed from
// a day of the next one on ([Options.FreezeAfterDay]); zero where none is, which fromDay
// 0 means. Months are those of now's zone.
func OpenFrom(now time.Time, fromDay int) time.Time {
	if fromDay <= 0 {
		return time.Time{}
	}
	open := Date{now.Year(), now.Month(), 1}
	if now.Day() < fromDay {
		open = DateOf(time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC))
	}
	return open.In(now.Location())
}

// openFrom is the first instant of the months that are not closed to the run.
func (r *run) openFrom(zone *time.Location) time.Time {
	return OpenFrom(r.report.Started.In(zone), r.opts.FreezeAfterDay)
}

// A portion is what of a batch lies in open months, or in closed ones.
type portion struct {
	Batch
	closed bool
}

// portions parts a batch where the closed months end.
func (r *run) portions(b Batch) []portion {
	until := b.OpenFrom
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
	days     someDays
	// uncomputed are days next to changed ones, which the target was not told to
	// compute anew.
	uncomputed someDays
}

// someDays are person-days, of which the first few are kept by name.
type someDays struct {
	first []PersonDay
	total int
}

// add adds days, each once as far as they come together or are among the named.
func (s *someDays) add(days ...PersonDay) {
	slices.SortFunc(days, PersonDay.Compare)
	for _, d := range slices.Compact(days) {
		if slices.Contains(s.first, d) {
			continue
		}
		if s.total++; len(s.first) < daysShown {
			s.first = append(s.first, d)
		}
	}
}

// uncomputed says of them that they are not computed anew.
func (s *someDays) uncomputed() (zh, en string) {
	return fmt.Sprintf("与变动日相邻的 %d 个人日在已封账月份，未重算", s.total),
		fmt.Sprintf("%d person-days beside changed ones lie in closed months and were not computed anew: %v", s.total, s)
}

func (s *someDays) String() string {
	names := make([]string, len(s.first))
	for i, d := range s.first {
		names[i] = d.Person + " " + d.Day.String()
	}
	list := strings.Join(names, ", ")
	if more := s.total - len(s.first); more > 0 {
		list += fmt.Sprintf(" (+%d)", more)
	}
	return list
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
	days := make([]PersonDay, len(would.Rows))
	for i, row := range would.Rows {
		days[i] = PersonDay{row.Person, DateOf(row.Time.In(b.Span.Zone()))}
	}
	f.days.add(days...)
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

// beside notes days that the target was not told to compute anew.
func (f *frozen) beside(days []PersonDay) {
	if len(days) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uncomputed.add(slices.Clone(days)...)
}

// warning tells what would have changed, or been computed anew, if something would.
func (f *frozen) warning() (Warning, bool) {
	if f.unknown > 0 {
		return Warningf("frozen", "已封账月份中的 %d 条打卡未写入 / %d punches lie in closed months and were not written; the target cannot tell which of them it has", f.unknown, f.unknown), true
	}
	var zh, en []string
	if f.added+f.moved+f.vanished > 0 {
		zh = append(zh, fmt.Sprintf("已封账月份有变动但未写入：新增 %d，更正 %d，平台已无 %d", f.added, f.moved, f.vanished))
		en = append(en, fmt.Sprintf("closed months differ and were not changed: %d to add, %d to correct, %d that the platform has no longer: %v", f.added, f.moved, f.vanished, &f.days))
	}
	if f.uncomputed.total > 0 {
		beside, besideEN := f.uncomputed.uncomputed()
		zh, en = append(zh, beside), append(en, besideEN)
	}
	if len(en) == 0 {
		return Warning{}, false
	}
	return Warningf("frozen", "%s / %s", strings.Join(zh, "；"), strings.Join(en, "; ")), true
}
