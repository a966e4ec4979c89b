package sqlstore

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

type subject struct{ person, account string }

// Remember implements [attendance.CoverageStore]. However many changes there are, it
// is one transaction of some ten statements for each thousand people.
func (s *Store) Remember(ctx context.Context, id attendance.Stream, changes []attendance.Change) error {
	changes = slices.DeleteFunc(slices.Clone(changes), func(ch attendance.Change) bool { return !ch.Says() })
	if len(changes) == 0 {
		return ctx.Err()
	}
	persons := make([]string, len(changes))
	for i, ch := range changes {
		if err := keys(ch.Person, ch.Account); err != nil {
			return err
		}
		persons[i] = ch.Person
	}
	return s.changeStream(ctx, "noting what was read", id, func(ctx context.Context, c bun.Conn, stream int64) error {
		known, err := s.recall(ctx, c, stream, persons)
		if err != nil {
			return err
		}
		before := make(map[subject]attendance.Coverage, len(known))
		for _, k := range known {
			before[subject{k.Person, k.Account}] = k
		}
		after := make(map[subject]attendance.Coverage, len(changes))
		var order []subject // so that the same changes make the same statements
		for _, ch := range changes {
			who := subject{ch.Person, ch.Account}
			k, begun := after[who]
			if !begun {
				k = before[who]
				k.Person, k.Account = who.person, who.account
				order = append(order, who)
			}
			after[who] = k.Apply(ch)
		}
		var w coverageWrite
		for _, who := range order {
			was, known := before[who]
			w.add(stream, known, was, after[who])
		}
		return s.write(ctx, c, stream, w)
	})
}

// A coverageWrite is the rows that a Remember changes.
type coverageWrite struct{ people, stale, fresh tuples }

func (w *coverageWrite) add(stream int64, known bool, was, is attendance.Coverage) {
	person, account := bytes(is.Person), bytes(is.Account)
	stale, fresh := spanChanges(was.Covered, is.Covered)
	for _, from := range stale {
		w.stale = append(w.stale, []any{person, account, from})
	}
	for _, span := range fresh {
		w.fresh = append(w.fresh, []any{stream, person, account, seconds(span.From), seconds(span.To)})
	}
	if known && samePerson(was, is) {
		return
	}
	w.people = append(w.people, []any{stream, person, account, bytes(is.Name), bytes(is.Key), bytes(is.Run), bytes(string(is.LeftOut)),
		seconds(is.First), seconds(is.Last), seconds(is.Gone), seconds(is.Refused), seconds(is.Asked), seconds(is.Punched)})
}

// samePerson compares all but what is covered.
func samePerson(a, b attendance.Coverage) bool {
	return a.Name == b.Name && a.Key == b.Key && a.Run == b.Run && a.LeftOut == b.LeftOut && a.First.Equal(b.First) && a.Last.Equal(b.Last) &&
		a.Gone.Equal(b.Gone) && a.Refused.Equal(b.Refused) && a.Asked.Equal(b.Asked) && a.Punched.Equal(b.Punched)
}

func (s *Store) write(ctx context.Context, c bun.Conn, stream int64, w coverageWrite) error {
	err := s.put(ctx, c, "INSERT INTO @people (stream, person, account, name, binding, run, left_out, first_s, last_s, gone_s, refused_s, asked_s, punched_s) VALUES ?",
		w.people, s.dialect.upsert("stream, person, account", "name", "binding", "run", "left_out", "first_s", "last_s", "gone_s", "refused_s", "asked_s", "punched_s"))
	if err != nil {
		return err
	}
	open, end := s.dialect.tuples()
	for stale := w.stale; len(stale) > 0; {
		part := stale[:min(len(stale), rowsPerInsert)]
		stale = stale[len(part):]
		if _, err := c.ExecContext(ctx, s.sql("DELETE FROM @covered WHERE stream = ? AND (person, account, from_s) IN "+open+"?"+end), stream, part); err != nil {
			return err
		}
	}
	return s.put(ctx, c, "INSERT INTO @covered (stream, person, account, from_s, to_s) VALUES ?", w.fresh,
		s.dialect.upsert("stream, person, account, from_s", "to_s"))
}
