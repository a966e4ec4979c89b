package sqlstore

import (
	"context"
	"database/sql"
	"strings"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// RenameTarget gives what is remembered of a job's records of one company, under one name
// of their target, to another name: for a host that has begun to call the same OA
// otherwise. Coverage and what belongs to it, the sync log and the days whose
// recalculation is owed go along; leases do not, for they are of runs at work. Days are
// not told apart by job: they stay under the old name too while other jobs are known there.
//
// A stream that is known under the new name already stays as it is, and so does what
// stands under the old one. renamed tells whether there was anything; once there is not,
// this is one small query.
func (s *Store) RenameTarget(ctx context.Context, job, corp, from, to string) (renamed bool, err error) {
	const doing = "renaming a target"
	if from == to {
		return false, ctx.Err()
	}
	if err := keys(job, corp, from, to); err != nil {
		return false, err
	}
	err = s.read(ctx, doing, func() error {
		old, err := s.renamable(ctx, s.db, job, corp, from, to)
		renamed = len(old) > 0
		return err
	})
	if err != nil || !renamed {
		return false, err
	}
	err = s.change(ctx, doing, func(ctx context.Context, c bun.Conn, _ bool) error {
		old, err := s.renamable(ctx, c, job, corp, from, to)
		if err != nil {
			return err
		}
		for id, source := range old {
			hash := streamHash(attendance.Stream{Job: job, Target: to, Source: source, Corp: corp})
			if _, err := c.ExecContext(ctx, s.sql("UPDATE @streams SET target = ?, hash = ? WHERE id = ?"), bytes(to), hash, id); err != nil {
				return err
			}
		}
		if err := s.renameRuns(ctx, c, job, from, to); err != nil {
			return err
		}
		return s.renameDays(ctx, c, from, to)
	})
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.streams)
	return true, nil
}

// renamable are the streams under the old name, by number, that the new one does not
// have: their sources.
func (s *Store) renamable(ctx context.Context, q querier, job, corp, from, to string) (map[int64]string, error) {
	old, known := make(map[int64]string), make(map[string]bool)
	err := rows(ctx, q, s.sql("SELECT id, target, source FROM @streams WHERE job = ? AND corp = ? AND target IN (?)"),
		[]any{bytes(job), bytes(corp), list{from, to}}, func(r *sql.Rows) error {
			var id int64
			var target, source []byte
			err := r.Scan(&id, &target, &source)
			if string(target) == from {
				old[id] = string(source)
			} else {
				known[string(source)] = true
			}
			return err
		})
	for id, source := range old {
		if known[source] {
			delete(old, id)
		}
	}
	return old, err
}

// renameRuns renames the target of the job's runs, and of what was undone of them.
func (s *Store) renameRuns(ctx context.Context, c bun.Conn, job, from, to string) error {
	var undone list
	err := rows(ctx, c, s.sql("SELECT u.id FROM @runs AS u JOIN @runs AS r ON r.id = u.plan WHERE u.kind = ? AND u.target = ? AND r.job = ? AND r.target = ?"),
		[]any{bytes(string(attendance.KindUndo)), bytes(from), bytes(job), bytes(from)}, func(r *sql.Rows) error {
			var id []byte
			err := r.Scan(&id)
			undone = append(undone, string(id))
			return err
		})
	if err != nil {
		return err
	}
	if len(undone) > 0 {
		if _, err := c.ExecContext(ctx, s.sql("UPDATE @runs SET target = ? WHERE id IN (?)"), bytes(to), undone); err != nil {
			return err
		}
	}
	_, err = c.ExecContext(ctx, s.sql("UPDATE @runs SET target = ? WHERE job = ? AND target = ?"), bytes(to), bytes(job), bytes(from))
	return err
}

// renameDays owes the days under the new name, and no more under the old one when nothing
// else is known there.
func (s *Store) renameDays(ctx context.Context, c bun.Conn, from, to string) error {
	others, err := one(ctx, c, s.sql("SELECT COUNT(*) FROM @streams WHERE target = ?"), bytes(from))
	if err != nil {
		return err
	}
	var names list // the target's, and what is made of it: see [attendance.DayStore]
	err = rows(ctx, c, s.sql("SELECT DISTINCT target FROM @days"), nil, func(r *sql.Rows) error {
		var name []byte
		err := r.Scan(&name)
		if rest, ok := strings.CutPrefix(string(name), from); ok && (rest == "" || rest[0] == '?') {
			names = append(names, string(name))
		}
		return err
	})
	for _, name := range names {
		if err != nil {
			return err
		}
		err = s.copyDays(ctx, c, name, to+strings.TrimPrefix(name, from))
		if err == nil && others == 0 {
			_, err = c.ExecContext(ctx, s.sql("DELETE FROM @days WHERE target = ?"), bytes(name))
		}
	}
	return err
}

// copyDays owes the days of one name under another too.
func (s *Store) copyDays(ctx context.Context, c bun.Conn, from, to string) error {
	var values tuples
	err := rows(ctx, c, s.sql("SELECT day, person FROM @days WHERE target = ?"), []any{bytes(from)}, func(r *sql.Rows) error {
		var day int64
		var person []byte
		err := r.Scan(&day, &person)
		values = append(values, []any{bytes(to), day, person})
		return err
	})
	if err != nil {
		return err
	}
	return s.put(ctx, c, "INSERT INTO @days (target, day, person) VALUES ?", values, s.dialect.upsert("target, day, person"))
}
