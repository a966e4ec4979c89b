package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// Tally implements [attendance.TallyStore].
func (s *Store) Tally(ctx context.Context, id attendance.Stream, tallies []attendance.Tally) error {
	if len(tallies) == 0 {
		return ctx.Err()
	}
	type key struct {
		day  attendance.Date
		unit string
	}
	last := make(map[key]int, len(tallies)) // a statement may not change a row twice
	for i, t := range tallies {
		if err := keys(t.Unit); err != nil {
			return err
		}
		last[key{t.Day, t.Unit}] = i
	}
	return s.changeStream(ctx, "noting how much was read", id, func(ctx context.Context, c bun.Conn, stream int64) error {
		var values tuples
		for i, t := range tallies {
			if last[key{t.Day, t.Unit}] == i {
				values = append(values, []any{stream, dayNumber(t.Day), bytes(t.Unit), t.People, t.Punched, t.Punches})
			}
		}
		return s.put(ctx, c, "INSERT INTO @tallies (stream, day, unit, people, punched, punches) VALUES ?", values,
			s.dialect.upsert("stream, day, unit", "people", "punched", "punches"))
	})
}

// Tallies implements [attendance.TallyStore].
func (s *Store) Tallies(ctx context.Context, id attendance.Stream, first, last attendance.Date) (tallies []attendance.Tally, err error) {
	query := s.sql("SELECT day, unit, people, punched, punches FROM @tallies WHERE stream = ? AND day >= ? AND day <= ? ORDER BY day, unit")
	err = s.read(ctx, "reading how much was read", func() error {
		tallies = nil
		n, err := s.stream(ctx, s.pool(), id)
		if err != nil || n == 0 {
			return err
		}
		return rows(ctx, s.pool(), query, []any{n, dayNumber(first), dayNumber(last)}, func(r *sql.Rows) error {
			var t attendance.Tally
			var day int64
			var unit []byte
			err := r.Scan(&day, &unit, &t.People, &t.Punched, &t.Punches)
			t.Day, t.Unit = dayOf(day), string(unit)
			tallies = append(tallies, t)
			return err
		})
	})
	return tallies, err
}

// OweDays implements [attendance.DayStore].
func (s *Store) OweDays(ctx context.Context, target string, days []attendance.PersonDay) error {
	return s.changeDays(ctx, "noting days to recalculate", target, days, func(ctx context.Context, c bun.Conn, values tuples) error {
		for i, v := range values {
			values[i] = append([]any{bytes(target)}, v...)
		}
		return s.put(ctx, c, "INSERT INTO @days (target, day, person) VALUES ?", values, s.dialect.upsert("target, day, person"))
	})
}

// SettleDays implements [attendance.DayStore].
func (s *Store) SettleDays(ctx context.Context, target string, days []attendance.PersonDay) error {
	open, end := s.dialect.tuples()
	return s.changeDays(ctx, "noting recalculated days", target, days, func(ctx context.Context, c bun.Conn, values tuples) error {
		for len(values) > 0 {
			part := values[:min(len(values), rowsPerInsert)]
			values = values[len(part):]
			if _, err := c.ExecContext(ctx, s.sql("DELETE FROM @days WHERE target = ? AND (day, person) IN "+open+"?"+end), bytes(target), part); err != nil {
				return err
			}
		}
		return nil
	})
}

// changeDays brings the days into one order, so that two processes do not wait for
// each other.
func (s *Store) changeDays(ctx context.Context, doing, target string, days []attendance.PersonDay, f func(ctx context.Context, c bun.Conn, values tuples) error) error {
	if len(days) == 0 {
		return ctx.Err()
	}
	days = slices.Clone(days)
	slices.SortFunc(days, func(a, b attendance.PersonDay) int {
		return cmp.Or(cmp.Compare(dayNumber(a.Day), dayNumber(b.Day)), cmp.Compare(a.Person, b.Person))
	})
	days = slices.Compact(days)
	for _, d := range days {
		if err := keys(target, d.Person); err != nil {
			return err
		}
	}
	return s.change(ctx, doing, func(ctx context.Context, c bun.Conn, _ bool) error {
		values := make(tuples, len(days))
		for i, d := range days {
			values[i] = []any{dayNumber(d.Day), bytes(d.Person)}
		}
		return f(ctx, c, values)
	})
}

// OwedDays implements [attendance.DayStore]; those of one day come by person.
func (s *Store) OwedDays(ctx context.Context, target string, limit int) (days []attendance.PersonDay, err error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	err = s.read(ctx, "reading days to recalculate", func() error {
		days = nil
		return rows(ctx, s.pool(), s.sql("SELECT day, person FROM @days WHERE target = ? ORDER BY day, person LIMIT ?"), []any{bytes(target), limit}, func(r *sql.Rows) error {
			var day int64
			var person []byte
			err := r.Scan(&day, &person)
			days = append(days, attendance.PersonDay{Person: string(person), Day: dayOf(day)})
			return err
		})
	})
	return days, err
}
