package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// Lease implements [attendance.LeaseStore]. The row of a lease stays when it is
// released, and its beats go on counting, so that no two holds are ever equal.
func (s *Store) Lease(ctx context.Context, name, owner string, at time.Time, over attendance.Holder) (holder attendance.Holder, err error) {
	if err := keys(name); err != nil {
		return holder, err
	}
	err = s.change(ctx, "taking a lease", func(ctx context.Context, c bun.Conn, _ bool) error {
		if err := s.put(ctx, c, "INSERT INTO @leases (name, owner, beat, at_ms) VALUES ?", tuples{{bytes(name), bytes(""), 0, 0}}, s.dialect.upsert("name")); err != nil {
			return err
		}
		var err error
		if holder, err = s.holder(ctx, c, name); err != nil {
			return err
		}
		if holder.Owner != "" && (holder.Owner != over.Owner || holder.Beat != over.Beat) {
			return nil
		}
		holder = attendance.Holder{Owner: owner, Beat: holder.Beat + 1, At: milli(at)}
		return s.hold(ctx, c, name, holder)
	})
	if err != nil {
		return attendance.Holder{}, err
	}
	return holder, nil
}

// Beat implements [attendance.LeaseStore].
func (s *Store) Beat(ctx context.Context, name, owner string, at time.Time) (held bool, err error) {
	err = s.change(ctx, "keeping a lease", func(ctx context.Context, c bun.Conn, _ bool) error {
		holder, err := s.holder(ctx, c, name)
		if held = err == nil && owner != "" && holder.Owner == owner; !held {
			return err
		}
		return s.hold(ctx, c, name, attendance.Holder{Owner: owner, Beat: holder.Beat + 1, At: milli(at)})
	})
	return held && err == nil, err
}

// Release implements [attendance.LeaseStore].
func (s *Store) Release(ctx context.Context, name, owner string) error {
	return s.change(ctx, "releasing a lease", func(ctx context.Context, c bun.Conn, _ bool) error {
		_, err := c.ExecContext(ctx, s.sql("UPDATE @leases SET owner = ? WHERE name = ? AND owner = ?"), bytes(""), bytes(name), bytes(owner))
		return err
	})
}

// holder reads the lease and locks its row.
func (s *Store) holder(ctx context.Context, c bun.Conn, name string) (h attendance.Holder, err error) {
	query := s.sql("SELECT owner, beat, at_ms FROM @leases WHERE name = ?") + s.dialect.exclusive()
	err = rows(ctx, c, query, []any{bytes(name)}, func(r *sql.Rows) error {
		var owner []byte
		var at int64
		err := r.Scan(&owner, &h.Beat, &at)
		h.Owner, h.At = string(owner), time.UnixMilli(at).UTC()
		return err
	})
	return h, err
}

func (s *Store) hold(ctx context.Context, c bun.Conn, name string, h attendance.Holder) error {
	_, err := c.ExecContext(ctx, s.sql("UPDATE @leases SET owner = ?, beat = ?, at_ms = ? WHERE name = ?"), bytes(h.Owner), h.Beat, h.At.UnixMilli(), bytes(name))
	return err
}

// milli cuts t to the millisecond, in UTC.
func milli(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// Tick implements [attendance.TickStore].
func (s *Store) Tick(ctx context.Context, job string, at time.Time, owner string) (claimed bool, err error) {
	if err := keys(job); err != nil {
		return false, err
	}
	never := seconds(time.Time{})
	err = s.change(ctx, "claiming a scheduled time", func(ctx context.Context, c bun.Conn, perhaps bool) error {
		if err := s.put(ctx, c, "INSERT INTO @ticks (job, at_s, owner) VALUES ?", tuples{{bytes(job), never, bytes("")}}, s.dialect.upsert("job")); err != nil {
			return err
		}
		var last int64
		var by []byte
		query := s.sql("SELECT at_s, owner FROM @ticks WHERE job = ?") + s.dialect.exclusive()
		if err := rows(ctx, c, query, []any{bytes(job)}, func(r *sql.Rows) error { return r.Scan(&last, &by) }); err != nil {
			return err
		}
		if perhaps && last == seconds(at) && string(by) == owner { // the answer to our commit was lost
			claimed = true
			return nil
		}
		if claimed = last < seconds(at); !claimed {
			return nil
		}
		_, err := c.ExecContext(ctx, s.sql("UPDATE @ticks SET at_s = ?, owner = ? WHERE job = ?"), seconds(at), bytes(owner), bytes(job))
		return err
	})
	return claimed && err == nil, err
}

// LastTick implements [attendance.TickStore].
func (s *Store) LastTick(ctx context.Context, job string) (last time.Time, err error) {
	err = s.read(ctx, "reading the last scheduled time", func() error {
		return rows(ctx, s.pool(), s.sql("SELECT at_s FROM @ticks WHERE job = ?"), []any{bytes(job)}, func(r *sql.Rows) error {
			var at int64
			err := r.Scan(&at)
			last = instant(at)
			return err
		})
	})
	return last, err
}

// Spend implements [attendance.BudgetStore]. Without a most (<= 0) there is no limit.
// Where the answer to a commit is lost the calls may be counted twice, never not at all.
func (s *Store) Spend(ctx context.Context, corp, month string, n, most int) (spent int, ok bool, err error) {
	if err := keys(corp, month); err != nil {
		return 0, false, err
	}
	err = s.change(ctx, "counting calls", func(ctx context.Context, c bun.Conn, _ bool) error {
		if err := s.put(ctx, c, "INSERT INTO @budgets (corp, month, spent) VALUES ?", tuples{{bytes(corp), bytes(month), 0}}, s.dialect.upsert("corp, month")); err != nil {
			return err
		}
		was, err := one(ctx, c, s.sql("SELECT spent FROM @budgets WHERE corp = ? AND month = ?")+s.dialect.exclusive(), bytes(corp), bytes(month))
		if err != nil {
			return err
		}
		spent = int(was)
		if ok = n <= 0 || most <= 0 || spent+n <= most; !ok || n == 0 {
			return nil
		}
		spent = max(0, spent+n)
		_, err = c.ExecContext(ctx, s.sql("UPDATE @budgets SET spent = ? WHERE corp = ? AND month = ?"), spent, bytes(corp), bytes(month))
		return err
	})
	if err != nil {
		return 0, false, err
	}
	return spent, ok, nil
}
