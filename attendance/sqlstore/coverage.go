package sqlstore

import (
	"context"
	"database/sql"
	"iter"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// personsPerRead bounds one IN list, peoplePerPage one page of People.
const (
	personsPerRead = 1000
	peoplePerPage  = 500
)

// Owed implements [attendance.CoverageStore].
func (s *Store) Owed(ctx context.Context, id attendance.Stream) (owed attendance.Spans, err error) {
	err = s.read(ctx, "reading what is owed", func() error {
		n, err := s.stream(ctx, s.pool(), id)
		if err != nil || n == 0 {
			return err
		}
		owed, err = s.owed(ctx, s.pool(), n)
		return err
	})
	return owed, err
}

func (s *Store) owed(ctx context.Context, q querier, stream int64) (owed attendance.Spans, err error) {
	err = rows(ctx, q, s.sql("SELECT from_s, to_s FROM @owed WHERE stream = ? ORDER BY from_s"), []any{stream}, func(r *sql.Rows) error {
		var from, to int64
		err := r.Scan(&from, &to)
		owed = append(owed, attendance.Span{From: instant(from), To: instant(to)})
		return err
	})
	return owed, err
}

// Owe implements [attendance.CoverageStore].
func (s *Store) Owe(ctx context.Context, id attendance.Stream, add attendance.Span, forgiven time.Time) error {
	return s.changeStream(ctx, "noting what is owed", id, func(ctx context.Context, c bun.Conn, stream int64) error {
		before, err := s.owed(ctx, c, stream)
		if err != nil {
			return err
		}
		after := before.Plus(attendance.Span{From: instant(seconds(add.From)), To: instant(seconds(add.To))})
		if len(after) > 0 && !forgiven.IsZero() {
			after = after.Minus(attendance.Spans{{From: after[0].From, To: instant(seconds(forgiven))}})
		}
		stale, fresh := spanChanges(before, after)
		if len(stale) > 0 {
			if _, err := c.ExecContext(ctx, s.sql("DELETE FROM @owed WHERE stream = ? AND from_s IN (?)"), stream, numbers(stale)); err != nil {
				return err
			}
		}
		values := make(tuples, len(fresh))
		for i, span := range fresh {
			values[i] = []any{stream, seconds(span.From), seconds(span.To)}
		}
		return s.put(ctx, c, "INSERT INTO @owed (stream, from_s, to_s) VALUES ?", values, s.dialect.upsert("stream, from_s", "to_s"))
	})
}

// spanChanges are the beginnings of the rows to delete and the rows to add or to
// lengthen, so that a set of spans becomes another.
func spanChanges(before, after attendance.Spans) (stale []int64, fresh attendance.Spans) {
	was := make(map[int64]int64, len(before))
	for _, b := range before {
		was[seconds(b.From)] = seconds(b.To)
	}
	for _, a := range after {
		from := seconds(a.From)
		if to, there := was[from]; !there || to != seconds(a.To) {
			fresh = append(fresh, a)
		}
		delete(was, from)
	}
	for _, b := range before {
		if _, left := was[seconds(b.From)]; left {
			stale = append(stale, seconds(b.From))
		}
	}
	return stale, fresh
}

// put runs an INSERT of many rows, in parts.
func (s *Store) put(ctx context.Context, c bun.Conn, insert string, values tuples, upsert string) error {
	for len(values) > 0 {
		part := values[:min(len(values), rowsPerInsert)]
		values = values[len(part):]
		if _, err := c.ExecContext(ctx, s.sql(insert)+upsert, part); err != nil {
			return err
		}
	}
	return nil
}

// rowsPerInsert keeps a statement far below 1 MiB, the smallest max_allowed_packet
// that servers of MySQL came with, unless names are very long.
const rowsPerInsert = 500

// Recall implements [attendance.CoverageStore]. More than 1,000 persons are no error.
func (s *Store) Recall(ctx context.Context, id attendance.Stream, persons []string) (known []attendance.Coverage, err error) {
	err = s.read(ctx, "reading what is known of people", func() error {
		n, err := s.stream(ctx, s.pool(), id)
		if err != nil || n == 0 {
			return err
		}
		known, err = s.recall(ctx, s.pool(), n, persons)
		return err
	})
	return known, err
}

func (s *Store) recall(ctx context.Context, q querier, stream int64, persons []string) (known []attendance.Coverage, err error) {
	asked := make(map[string]bool, len(persons))
	var distinct list
	for _, p := range persons {
		if !asked[p] {
			distinct = append(distinct, p)
		}
		asked[p] = true
	}
	for len(distinct) > 0 {
		part := distinct[:min(len(distinct), personsPerRead)]
		distinct = distinct[len(part):]
		known, err = s.people(ctx, q, known, "@people AS p", "WHERE p.stream = ? AND p.person IN (?)", stream, part)
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}

// people reads coverage, that of one person and account after the other.
func (s *Store) people(ctx context.Context, q querier, known []attendance.Coverage, from, where string, args ...any) ([]attendance.Coverage, error) {
	query := "SELECT p.person, p.account, p.name, p.binding, p.run, p.left_out, p.first_s, p.last_s, p.gone_s, p.refused_s, p.asked_s, p.punched_s, c.from_s, c.to_s" +
		" FROM " + from + " LEFT JOIN @covered AS c ON c.stream = p.stream AND c.person = p.person AND c.account = p.account " + where +
		" ORDER BY p.person, p.account, c.from_s"
	fresh := len(known)
	err := rows(ctx, q, s.sql(query), args, func(r *sql.Rows) error {
		var text [6][]byte
		var times [6]int64
		var start, end sql.NullInt64
		if err := r.Scan(&text[0], &text[1], &text[2], &text[3], &text[4], &text[5],
			&times[0], &times[1], &times[2], &times[3], &times[4], &times[5], &start, &end); err != nil {
			return err
		}
		last := len(known) - 1
		if last < fresh || known[last].Person != string(text[0]) || known[last].Account != string(text[1]) {
			known = append(known, attendance.Coverage{
				Person: string(text[0]), Account: string(text[1]), Name: string(text[2]), Key: string(text[3]), Run: string(text[4]),
				LeftOut: attendance.LeftOut(text[5]), First: instant(times[0]), Last: instant(times[1]), Gone: instant(times[2]),
				Refused: instant(times[3]), Asked: instant(times[4]), Punched: instant(times[5]),
			})
			last++
		}
		if start.Valid {
			known[last].Covered = append(known[last].Covered, attendance.Span{From: instant(start.Int64), To: instant(end.Int64)})
		}
		return nil
	})
	return known, err
}

// People implements [attendance.CoverageStore], in pages of 500: what changes while
// it streams may be seen or not.
func (s *Store) People(ctx context.Context, id attendance.Stream) iter.Seq2[attendance.Coverage, error] {
	return pages(ctx, func(last *attendance.Coverage) (page []attendance.Coverage, more bool, err error) {
		err = s.read(ctx, "reading what is known of people", func() error {
			n, err := s.stream(ctx, s.pool(), id)
			if err != nil || n == 0 {
				return err
			}
			after, args := "", []any{n}
			if last != nil {
				after = " AND person >= ? AND (person > ? OR account > ?)"
				args = append(args, bytes(last.Person), bytes(last.Person), bytes(last.Account))
			}
			from := "(SELECT * FROM @people WHERE stream = ?" + after + " ORDER BY person, account LIMIT ?) AS p"
			page, err = s.people(ctx, s.pool(), nil, from, "", append(args, peoplePerPage)...)
			return err
		})
		return page, len(page) == peoplePerPage, err
	})
}

// pages streams what next reads page by page: no rows are open while it yields. next
// gets the last value of the page before, nil at first.
func pages[V any](ctx context.Context, next func(last *V) (page []V, more bool, err error)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var none V
		var last *V
		for {
			page, more, err := next(last)
			if err != nil {
				yield(none, err)
				return
			}
			for _, v := range page {
				if err := ctx.Err(); err != nil {
					yield(none, err)
					return
				}
				if !yield(v, nil) {
					return
				}
			}
			if !more {
				return
			}
			last = &page[len(page)-1]
		}
	}
}
