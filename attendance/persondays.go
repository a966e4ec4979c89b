package attendance

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Compare orders by person, in the order of their bytes, and by day.
func (d PersonDay) Compare(o PersonDay) int {
	return cmp.Or(strings.Compare(d.Person, o.Person), cmp.Compare(d.Day.Year, o.Day.Year),
		cmp.Compare(d.Day.Month, o.Day.Month), cmp.Compare(d.Day.Day, o.Day.Day))
}

// WithNeighbours returns the days, those before and those after, each once, sorted, and
// none later than today. They are what has to be computed anew when the given days have
// changed: a night shift begins on the evening before or ends on the morning after.
func WithNeighbours(days []PersonDay, today Date) []PersonDay {
	all := make(map[PersonDay]bool, 3*len(days))
	for _, d := range days {
		for n := -1; n <= 1; n++ {
			if day := d.Day.Add(n); !today.Before(day) {
				all[PersonDay{d.Person, day}] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(all), PersonDay.Compare)
}

// openNeighbours are the days with their neighbours, but for such neighbours as lie
// before open, which are closed.
func openNeighbours(days []PersonDay, today, open Date) (told, closed []PersonDay) {
	changed := make(map[PersonDay]bool, len(days))
	for _, d := range days {
		changed[d] = true
	}
	for _, d := range WithNeighbours(days, today) {
		if d.Day.Before(open) && !changed[d] {
			closed = append(closed, d)
		} else {
			told = append(told, d)
		}
	}
	return told, closed
}

// NotComputed is the warning frozen: these days of closed months stand beside days that
// have changed, and the OA is not told to compute them anew. It names the first 20.
func NotComputed(days []PersonDay) Warning {
	var some someDays
	some.add(slices.Clone(days)...)
	zh, en := some.uncomputed()
	return Warningf("frozen", "%s / %s", zh, en)
}

// How the warning not_recalculated is called, and the words around its reason, after
// which the days follow.
const (
	notRecalculated = "not_recalculated"
	notToldOf       = "the OA was not told to compute these person-days anew ("
	notShown        = "), so that its reports do not show them: "
)

// daysNamed is how many person-days a warning names.
const daysNamed = 1000

// NotRecalculated is the warning not_recalculated: rows of these days, sorted, have
// changed and the OA was not told to compute them anew, because of err. It names the
// first 1,000 of them.
func NotRecalculated(days []PersonDay, err error) Warning {
	var b strings.Builder
	last := ""
	for i, d := range days[:min(len(days), daysNamed)] {
		if d.Person == last {
			b.WriteString(", " + d.Day.String())
			continue
		}
		if last = d.Person; i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(d.Person + ": " + d.Day.String())
	}
	if more := len(days) - daysNamed; more > 0 {
		b.WriteString("; and " + strconv.Itoa(more) + " more")
	}
	return Warningf(notRecalculated, "打卡已写入，但未能通知 OA 重算下列日期，报表暂不显示 / the punches are stored, but %s%s%s%s",
		notToldOf, told(err), notShown, b.String())
}

// told is an error with its code and its mend in both languages.
func told(err error) string {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err.Error()
	}
	text := string(e.Code) + ": " + e.Sentence()
	if mend := e.Remedy().String(); mend != "" {
		text += "; " + mend
	}
	return text
}

// notRecalculated reports whether the warning is that of [NotRecalculated] and names
// the day.
func (w Warning) notRecalculated(d PersonDay) bool {
	if w.Code != notRecalculated {
		return false
	}
	for person := range strings.SplitSeq(w.Message, "; ") {
		// The first person follows the sentence.
		if i := strings.LastIndex(person, notShown); i >= 0 {
			person = person[i+len(notShown):]
		}
		if days, ok := strings.CutPrefix(person, d.Person+": "); ok && slices.Contains(strings.Split(days, ", "), d.Day.String()) {
			return true
		}
	}
	return false
}
