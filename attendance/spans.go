package attendance

import (
	"slices"
	"strings"
	"time"
)

// Spans is a set of instants: spans in order that neither overlap nor touch and
// are not empty. Its operations return new sets, each span of which has both ends in the
// zone of its beginning. Those of s come before those of another set. The zero value is
// the empty set.
type Spans []Span

// SpansOf is the set of everything that lies in one of the given spans, which may
// overlap, be empty and stand in any order.
func SpansOf(spans ...Span) Spans {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b Span) int { return a.From.Compare(b.From) })
	var set Spans
	for _, s := range spans {
		last := len(set) - 1
		switch {
		case s.Empty():
		case last < 0 || s.From.After(set[last].To):
			set = append(set, s)
		case s.To.After(set[last].To):
			set[last].To = s.To.In(set[last].Zone())
		}
	}
	return set
}

// Plus is what lies in s or in o.
func (s Spans) Plus(o ...Span) Spans { return SpansOf(append(slices.Clone(s), o...)...) }

// Minus is what lies in s and not in o.
func (s Spans) Minus(o Spans) Spans {
	var left Spans
	for _, rest := range s {
		for _, gone := range o {
			if !gone.To.After(rest.From) {
				continue
			}
			if !gone.From.Before(rest.To) {
				break
			}
			if before := (Span{rest.From, gone.From.In(rest.Zone())}); !before.Empty() {
				left = append(left, before)
			}
			rest.From = gone.To.In(rest.Zone())
		}
		if !rest.Empty() {
			left = append(left, rest)
		}
	}
	return left
}

// Within is what lies in s and in the one span.
func (s Spans) Within(o Span) Spans {
	var kept Spans
	for _, one := range s {
		if one.From.Before(o.From) {
			one.From = o.From.In(one.Zone())
		}
		if one.To.After(o.To) {
			one.To = o.To.In(one.Zone())
		}
		if !one.Empty() {
			kept = append(kept, one)
		}
	}
	return kept
}

// In is the same set by the wall clock of zone.
func (s Spans) In(zone *time.Location) Spans {
	moved := make(Spans, len(s))
	for i, one := range s {
		moved[i] = Span{one.From.In(zone), one.To.In(zone)}
	}
	return moved
}

// Contains reports whether t lies in the set.
func (s Spans) Contains(t time.Time) bool {
	return slices.ContainsFunc(s, func(one Span) bool { return one.Contains(t) })
}

// Covers reports whether all of o lies in the set.
func (s Spans) Covers(o Span) bool { return len(Spans{o}.Minus(s)) == 0 }

// Bounds is the stretch from the first instant of the set to the end of its last
// span; the zero Span for the empty set.
func (s Spans) Bounds() Span {
	if len(s) == 0 {
		return Span{}
	}
	return Span{s[0].From, s[len(s)-1].To}
}

// String lists the spans.
func (s Spans) String() string {
	all := make([]string, len(s))
	for i, one := range s {
		all[i] = one.String()
	}
	return strings.Join(all, " ")
}
