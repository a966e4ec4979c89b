package sqlstore

import (
	"context"
	"database/sql"
	"iter"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// rejectedPerPage is a page of Rejected.
const rejectedPerPage = 1000

// keptRecord is a rejected record and its row.
type keptRecord struct {
	id int64
	attendance.Rejected
}

// identity is what a record is known again by.
func identity(r attendance.Rejected) attendance.Rejected {
	return attendance.Rejected{Person: r.Person, Account: r.Account, ID: r.ID, Time: r.Time, Reason: r.Reason}
}

// Reject implements [attendance.RejectedStore]. A record is known again by its
// person, account, id, time and reason. One without a time, or with one outside of
// the span, is kept or renewed and never forgotten.
func (s *Store) Reject(ctx context.Context, id attendance.Stream, members []attendance.Member, span attendance.Span, at time.Time, records []attendance.Rejected) error {
	given, order := make(map[attendance.Rejected]bool, len(records)), make([]attendance.Rejected, 0, len(records)) // without First and Last
	var apart []attendance.Rejected
	for _, r := range records {
		if err := keys(r.Person); err != nil {
			return err
		}
		r.Detail = s.redact(r.Detail)
		r.Time, r.First, r.Last = instant(seconds(r.Time)), time.Time{}, time.Time{}
		if given[r] {
			continue
		}
		given[r] = true
		order = append(order, r)
		if !within(span, r.Time) {
			apart = append(apart, r)
		}
	}
	ours := make(map[string]bool, len(members))
	persons := make(list, len(members))
	for i, m := range members {
		ours[m.Person], persons[i] = true, m.Person
	}
	for _, r := range order {
		if !ours[r.Person] && within(span, r.Time) {
			apart = append(apart, r)
		}
	}
	return s.changeStream(ctx, "noting rejected records", id, func(ctx context.Context, c bun.Conn, stream int64) error {
		kept, err := s.keptWithin(ctx, c, stream, persons, span)
		if err != nil {
			return err
		}
		same, err := s.keptSame(ctx, c, stream, apart)
		if err != nil {
			return err
		}
		return s.replaceRejected(ctx, c, stream, append(kept, same...), order, at)
	})
}

// within compares by whole seconds, as everything is kept.
func within(s attendance.Span, t time.Time) bool {
	return attendance.Span{From: instant(seconds(s.From)), To: instant(seconds(s.To))}.Contains(t)
}

const selectRejected = "SELECT id, person, account, record, time_s, reason, detail, first_s, last_s FROM @rejected WHERE stream = ?"

func (s *Store) keptWithin(ctx context.Context, c bun.Conn, stream int64, persons list, span attendance.Span) (kept []keptRecord, err error) {
	for len(persons) > 0 && err == nil {
		part := persons[:min(len(persons), personsPerRead)]
		persons = persons[len(part):]
		kept, err = s.kept(ctx, c, kept, selectRejected+" AND person IN (?) AND time_s >= ? AND time_s < ?", stream, part, seconds(span.From), seconds(span.To))
	}
	return kept, err
}

// keptSame are the rows of records that are not among the members' in the span.
func (s *Store) keptSame(ctx context.Context, c bun.Conn, stream int64, apart []attendance.Rejected) (same []keptRecord, err error) {
	if len(apart) == 0 {
		return nil, nil
	}
	wanted := make(map[attendance.Rejected]bool)
	var persons list
	var times []int64
	for _, r := range apart {
		wanted[identity(r)] = true
		persons, times = append(persons, r.Person), append(times, seconds(r.Time))
	}
	kept, err := s.kept(ctx, c, nil, selectRejected+" AND person IN (?) AND time_s IN (?)", stream, persons, numbers(times))
	for _, k := range kept {
		if wanted[identity(k.Rejected)] {
			same = append(same, k)
		}
	}
	return same, err
}

// replaceRejected renews the rows that say what is given, deletes the others and
// adds what is new.
func (s *Store) replaceRejected(ctx context.Context, c bun.Conn, stream int64, kept []keptRecord, given []attendance.Rejected, at time.Time) error {
	first, row := make(map[attendance.Rejected]time.Time), make(map[attendance.Rejected]int64)
	for _, k := range kept {
		if known, ok := first[identity(k.Rejected)]; !ok || k.First.Before(known) {
			first[identity(k.Rejected)] = k.First
		}
		k.First, k.Last = time.Time{}, time.Time{}
		row[k.Rejected] = k.id
	}
	var renewed, stale []int64
	var fresh tuples
	for _, r := range given {
		if id, ok := row[r]; ok {
			renewed = append(renewed, id)
			delete(row, r)
			continue
		}
		since, ok := first[identity(r)]
		if !ok {
			since = at
		}
		fresh = append(fresh, []any{stream, bytes(r.Person), bytes(r.Account), bytes(r.ID), seconds(r.Time), bytes(string(r.Reason)), bytes(r.Detail), seconds(since), seconds(at)})
	}
	for _, k := range kept {
		k.First, k.Last = time.Time{}, time.Time{}
		if row[k.Rejected] == k.id {
			stale = append(stale, k.id)
		}
	}
	if err := s.byID(ctx, c, "UPDATE @rejected SET last_s = ? WHERE id IN (?)", renewed, seconds(at)); err != nil {
		return err
	}
	if err := s.byID(ctx, c, "DELETE FROM @rejected WHERE id IN (?)", stale); err != nil {
		return err
	}
	return s.put(ctx, c, "INSERT INTO @rejected (stream, person, account, record, time_s, reason, detail, first_s, last_s) VALUES ?", fresh, "")
}

// byID runs a statement for rows, in parts.
func (s *Store) byID(ctx context.Context, c bun.Conn, statement string, ids []int64, args ...any) error {
	for len(ids) > 0 {
		part := ids[:min(len(ids), personsPerRead)]
		ids = ids[len(part):]
		if _, err := c.ExecContext(ctx, s.sql(statement), append(args[:len(args):len(args)], numbers(part))...); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) kept(ctx context.Context, q querier, kept []keptRecord, query string, args ...any) ([]keptRecord, error) {
	err := rows(ctx, q, s.sql(query), args, func(r *sql.Rows) error {
		var k keptRecord
		var text [5][]byte
		var at, first, last int64
		err := r.Scan(&k.id, &text[0], &text[1], &text[2], &at, &text[3], &text[4], &first, &last)
		k.Rejected = attendance.Rejected{Person: string(text[0]), Account: string(text[1]), ID: string(text[2]), Time: instant(at),
			Reason: attendance.Reason(text[3]), Detail: string(text[4]), First: instant(first), Last: instant(last)}
		kept = append(kept, k)
		return err
	})
	return kept, err
}

// Rejected implements [attendance.RejectedStore], in pages of 1,000.
func (s *Store) Rejected(ctx context.Context, id attendance.Stream, span attendance.Span) iter.Seq2[attendance.Rejected, error] {
	return func(yield func(attendance.Rejected, error) bool) {
		for k, err := range pages(ctx, func(last *keptRecord) (page []keptRecord, more bool, err error) {
			err = s.read(ctx, "reading rejected records", func() error {
				n, err := s.stream(ctx, s.pool(), id)
				if err != nil || n == 0 {
					return err
				}
				query, args := selectRejected, []any{n}
				if span != (attendance.Span{}) {
					query += " AND time_s >= ? AND time_s < ?"
					args = append(args, seconds(span.From), seconds(span.To))
				}
				if last != nil {
					query += " AND person >= ? AND (person > ? OR time_s > ? OR (time_s = ? AND id > ?))"
					when := seconds(last.Time)
					args = append(args, bytes(last.Person), bytes(last.Person), when, when, last.id)
				}
				page, err = s.kept(ctx, s.pool(), nil, query+" ORDER BY person, time_s, id LIMIT ?", append(args, rejectedPerPage)...)
				return err
			})
			return page, len(page) == rejectedPerPage, err
		}) {
			if !yield(k.Rejected, err) {
				return
			}
		}
	}
}
