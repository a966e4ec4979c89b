package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// A querier reads; both *bun.DB and bun.Conn do.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// change runs f in one transaction and commits it. While the database is busy, and
// after a connection has broken, it begins again, f included, until the patience is
// over. f is told whether a try before it came to a commit that may have come through.
func (s *Store) change(ctx context.Context, doing string, f func(ctx context.Context, c bun.Conn, perhaps bool) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.writing != nil {
		select {
		case s.writing <- struct{}{}:
			defer func() { <-s.writing }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	perhaps := false
	return s.patiently(ctx, doing, func() error {
		unsure, err := s.once(ctx, func(c bun.Conn) error { return f(ctx, c, perhaps) })
		perhaps = perhaps || unsure
		return err
	})
}

// once tries a transaction once. unsure says that it failed and may be committed all
// the same.
func (s *Store) once(ctx context.Context, f func(c bun.Conn) error) (unsure bool, err error) {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer c.Close()
	open := true
	defer func() { // also after a panic of f
		if open {
			s.rollback(ctx, c)
		}
	}()
	begin := s.dialect.begin()
	if s.forced.lingers {
		_, rollback := s.dialect.ends()
		begin = append([]string{rollback}, begin...)
	}
	if s.forced.set != "" {
		begin = append([]string{s.forced.set}, begin...)
		defer s.restore(ctx, c)
	}
	for _, statement := range begin {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return false, err
		}
	}
	if err := f(c); err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if err := s.commit(ctx, c); err != nil {
		return s.dialect.diagnose(err) == lost, err
	}
	open = false
	return false, nil
}

// restore gives the session's settings back, or takes the connection out of the pool.
func (s *Store) restore(ctx context.Context, c bun.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, err := c.ExecContext(ctx, s.forced.restore); err != nil {
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// commit is not cut off by ctx: nobody could say then whether it came through.
func (s *Store) commit(ctx context.Context, c bun.Conn) error {
	p := s.newPatience()
	defer p.end()
	commit, _ := s.dialect.ends()
	for {
		_, err := c.ExecContext(context.WithoutCancel(ctx), commit)
		if err == nil || !s.dialect.commitsAgain() || s.dialect.diagnose(err) != busy || !p.pause(ctx) {
			return err
		}
	}
}

// rollback takes a connection on which it fails out of the pool, so that no later
// user finds itself in a transaction.
func (s *Store) rollback(ctx context.Context, c bun.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, rollback := s.dialect.ends()
	_, err := c.ExecContext(ctx, rollback)
	if err == nil || strings.Contains(err.Error(), "no transaction is active") { // SQLite
		return
	}
	_ = c.Raw(func(any) error { return driver.ErrBadConn })
}

// patiently runs f again while the database is busy and after connections broke.
func (s *Store) patiently(ctx context.Context, doing string, f func() error) error {
	p := s.newPatience()
	defer p.end()
	broken := false
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := f()
		if err == nil {
			return nil
		}
		again := false
		switch s.dialect.diagnose(err) {
		case busy:
			again = true
		case lost:
			again, broken = true, true
		case unreachable: // while it is being restarted
			again = broken
		}
		if !again || !p.pause(ctx) {
			return s.fault(ctx, doing, err)
		}
	}
}

// patience is one wait for a busy database: growing pauses, at most so long in all.
type patience struct {
	over *time.Timer // nil: none
	next time.Duration
}

const (
	shortestPause = 5 * time.Millisecond
	longestPause  = 250 * time.Millisecond
)

func (s *Store) newPatience() *patience {
	p := &patience{next: shortestPause}
	if s.patience > 0 {
		p.over = time.NewTimer(s.patience)
	}
	return p
}

func (p *patience) end() {
	if p.over != nil {
		p.over.Stop()
	}
}

// pause waits before the next try; false when the patience or ctx has ended.
func (p *patience) pause(ctx context.Context) bool {
	if p.over == nil {
		return false
	}
	timer := time.NewTimer(p.next)
	defer timer.Stop()
	p.next = min(p.next*8/5, longestPause)
	select {
	case <-timer.C:
		return true
	case <-p.over.C:
		p.over = nil
		return false
	case <-ctx.Done():
		return false
	}
}

// pool is where rows are read outside of a transaction.
func (s *Store) pool() querier {
	if s.forced.lingers {
		_, rollback := s.dialect.ends()
		return lingering{s.db, rollback}
	}
	return s.db
}

// lingering is a pool whose connections keep a transaction open after each read.
type lingering struct {
	*bun.DB
	rollback string // ends it, and begins no other
}

// read reads rows outside of a transaction.
func (s *Store) read(ctx context.Context, doing string, f func() error) error {
	return s.patiently(ctx, doing, f)
}

// rows runs a query and calls row for each of its rows. The rows are closed when it
// returns.
func rows(ctx context.Context, q querier, query string, args []any, row func(r *sql.Rows) error) error {
	if pool, ok := q.(lingering); ok {
		c, err := pool.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.ExecContext(ctx, pool.rollback); err != nil {
			return err
		}
		q = c
		defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), pool.rollback) }()
	}
	r, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		if err := row(r); err != nil {
			return err
		}
	}
	return errors.Join(r.Err(), r.Close())
}
