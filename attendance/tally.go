package attendance

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// usualWeeks is over how many weeks the usual of a weekday is looked for, and
	// usualFewest how many days of it must be known.
	usualWeeks, usualFewest = 8, 3
	// A day is far below the usual when fewer than a third of the usual people
	// punched, where the usual is so many people at least.
	usualPeople = 6
	// lateHour is the hour from which on the present day is judged as if it were over.
	lateHour = 20
	// silentShown is how many people a warning names.
	silentShown = 20
)

// tallies counts what was read of whole days, for everybody and unit by unit.
type tallies map[dayUnit]*Tally

type dayUnit struct {
	day  Date
	unit string
}

// tallied counts the punches of a part that lie in what is read for everybody.
func tallied(members []Member, punches []Punch, span, again Span) tallies {
	t := make(tallies)
	units := make(map[string]string, len(members))
	inSpan := len(Spans{again}.Within(span)) > 0
	for _, m := range members {
		units[m.Account] = m.Unit
		if !inSpan {
			continue
		}
		for day := DateOf(later(span.From, again.From)); day.In(span.Zone()).Before(earlier(span.To, again.To)); day = day.Add(1) {
			// A day that is read in two parts counts its people once: with the part it begins in.
			if start := day.In(span.Zone()); start.Before(span.From) && !start.Before(again.From) {
				continue
			}
			t.of(day, "").People++
			if m.Unit != "" {
				t.of(day, m.Unit).People++
			}
		}
	}
	type accountDay struct {
		account string
		day     Date
	}
	seen := make(map[accountDay]bool)
	for _, p := range punches {
		if !again.Contains(p.Time) {
			continue
		}
		day := DateOf(p.Time.In(span.Zone()))
		first := !seen[accountDay{p.Account, day}]
		if first {
			seen[accountDay{p.Account, day}] = true
		}
		for _, unit := range [...]string{"", units[p.Account]} {
			one := t.of(day, unit)
			if one.Punches++; first {
				one.Punched++
			}
			if units[p.Account] == "" {
				break
			}
		}
	}
	return t
}

// add adds what another part has.
func (t tallies) add(o tallies) {
	for key, more := range o {
		sum := t.of(key.day, key.unit)
		sum.People += more.People
		sum.Punched += more.Punched
		sum.Punches += more.Punches
	}
}

func (t tallies) of(day Date, unit string) *Tally {
	key := dayUnit{day, unit}
	if t[key] == nil {
		t[key] = &Tally{Day: day, Unit: unit}
	}
	return t[key]
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// whole are the tallies of days that are over, by day and unit.
func (t tallies) whole(now time.Time) []Tally {
	today := DateOf(now)
	var all []Tally
	for _, one := range t {
		if one.Day.Before(today) || one.Day == today && now.Hour() >= lateHour {
			all = append(all, *one)
		}
	}
	slices.SortFunc(all, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.Day.String(), b.Day.String()), cmp.Compare(a.Unit, b.Unit))
	})
	return all
}

// suspicions compares the days of this run with the same weekdays before them.
func suspicions(ctx context.Context, store TallyStore, s Stream, read []Tally) ([]Warning, error) {
	if len(read) == 0 {
		return nil, nil
	}
	first, last := read[0].Day, read[len(read)-1].Day
	known, err := store.Tallies(ctx, s, first.Add(-7*usualWeeks), last)
	if err != nil {
		return nil, err
	}
	before := make(map[dayUnit]int, len(known))
	for _, k := range known {
		before[dayUnit{k.Day, k.Unit}] = k.Punched
	}
	var warnings []Warning
	low := make(map[Date]bool) // days that are low for everybody
	for _, r := range read {
		usual, ok := usualOf(before, r)
		if !ok || r.Punched*3 >= usual || low[r.Day] {
			continue
		}
		who, whoZH := "everybody", "全员"
		if r.Unit == "" {
			low[r.Day] = true
		} else {
			who, whoZH = r.Unit, r.Unit
		}
		warnings = append(warnings, Warningf("below_usual",
			"%s（%s）有打卡的人数 %d，同一星期几通常为 %d：若非假日，请检查权限、可见范围与绑定 / on %s only %d people punched of %s, where %d are usual on that weekday: unless it was a holiday, check permissions, visible range and binding",
			r.Day, whoZH, r.Punched, usual, r.Day, r.Punched, who, usual))
	}
	return warnings, nil
}

// usualOf is the median of the people who punched on the same weekday before.
func usualOf(before map[dayUnit]int, of Tally) (int, bool) {
	var counts []int
	for week := 1; week <= usualWeeks; week++ {
		if n, ok := before[dayUnit{of.Day.Add(-7 * week), of.Unit}]; ok {
			counts = append(counts, n)
		}
	}
	if len(counts) < usualFewest {
		return 0, false
	}
	slices.Sort(counts)
	usual := counts[len(counts)/2]
	return usual, usual >= usualPeople
}

// silent names people who punched until the look-back of this run began, and not
// since: each is told once, by the run that first has nothing of the person.
func silent(ctx context.Context, m *recollection) (Warning, bool, error) {
	lookBack := m.again
	if !m.remembers || lookBack.Length() < 5*24*time.Hour {
		return Warning{}, false, nil
	}
	dayBefore := Span{DateOf(lookBack.From).Add(-1).In(lookBack.Zone()), lookBack.From}
	var names []string
	n := 0
	for c, err := range m.store.People(ctx, m.stream) {
		switch {
		case err != nil:
			return Warning{}, false, err
		case c.Account == "" || !c.met() || !c.Gone.IsZero() || !c.Refused.IsZero() || !dayBefore.Contains(c.Punched):
			continue
		}
		if n++; len(names) < silentShown {
			names = append(names, fmt.Sprintf("%s (%s)", nameOf(Member{Person: c.Person, Name: c.Name}), c.Account))
		}
	}
	list := strings.Join(names, ", ")
	if n > len(names) {
		list += ", ..."
	}
	return Warningf("silent", "%d 人自 %s 起没有任何打卡，若非休假请检查其账号 / %d people have not punched since %s; unless they are away, check their accounts (a wrong one is answered with an empty success): %s",
		n, DateOf(dayBefore.From), n, DateOf(dayBefore.From), list), n > 0, nil
}
