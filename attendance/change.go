package attendance

import "time"

// Apply returns the coverage after the change, for whoever writes a [CoverageStore]:
// what is known of a person and account of whom nothing was known is the Coverage
// that has only Person and Account. Instants are cut to the second and in UTC; of
// Covered only whole seconds count, so that no stretch is taken for read that was
// not. Neither the coverage nor the change is modified.
func (c Coverage) Apply(ch Change) Coverage {
	if ch.Met {
		if c.First.IsZero() {
			c.First = second(ch.At)
		}
		c.Last, c.Run = second(ch.At), ch.Run
		c.Name, c.Key, c.LeftOut = ch.Name, ch.Key, ch.LeftOut
		c.Gone = time.Time{}
	}
	if c.Gone.IsZero() {
		c.Gone = second(ch.Gone)
	}
	if ch.Uncovered {
		c.Covered = nil
	}
	c.Covered = c.Covered.Plus(wholeSeconds(ch.Covered))
	if punched := second(ch.Punched); punched.After(c.Punched) {
		c.Punched = punched
	}
	if refused := second(ch.Refused); !refused.IsZero() {
		if c.Refused.IsZero() {
			c.Refused = refused
		}
		c.Asked = refused
	}
	if ch.Answered {
		c.Refused, c.Asked = time.Time{}, time.Time{}
	}
	return c
}

// Says reports whether the change says anything: one that does not makes nobody known.
func (ch Change) Says() bool {
	return ch.Met || ch.Answered || ch.Uncovered || !ch.Gone.IsZero() || !ch.Covered.Empty() || !ch.Punched.IsZero() || !ch.Refused.IsZero()
}

// second cuts t to the second, in UTC.
func second(t time.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() }

// wholeSeconds is the part of s that consists of whole seconds, in UTC; it may be empty.
func wholeSeconds(s Span) Span {
	from := second(s.From)
	if from.Before(s.From) {
		from = from.Add(time.Second)
	}
	return Span{from, second(s.To)}
}
