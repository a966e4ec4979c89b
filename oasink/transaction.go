package oasink

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// exclusively runs f in one transaction that excludes every other writer, on a
// connection of its own, and commits. While the database is busy it tries again,
// f included, until LockWait is over. When it returns an error, nothing is written.
func (s *Sink) exclusively(ctx context.Context, f func(c bun.Conn) error) error {
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	p := s.patience()
	defer p.end()
	for {
		err := s.once(ctx, p, f)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || s.dialect.diagnose(err) != busy {
			return s.fault(ctx, "writing punches", err)
		}
		s.opts.Logger.Debug("oasink: the database is busy, waiting")
		if !p.pause(ctx) {
			return s.fault(ctx, "writing punches", err)
		}
	}
}

// once tries the transaction once.
func (s *Sink) once(ctx context.Context, p *patience, f func(c bun.Conn) error) error {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	open := true
	defer func() { // also after a panic of f
		if open {
			s.undo(ctx, c)
		}
	}()
	if err := s.dialect.begin(ctx, c); err != nil {
		open = ctx.Err() != nil // a begin that ctx has cut off may have come through
		return err
	}
	if err := f(c); err != nil {
		return err
	}
	if err := s.commit(ctx, p, c); err != nil {
		return err
	}
	open = false
	return nil
}

// commit commits unless ctx has ended before. The commit itself is not cut off by
// ctx: nobody could say then whether the rows are stored. Readers that stop it
// for the moment are waited for with the transaction kept.
func (s *Sink) commit(ctx context.Context, p *patience, c bun.Conn) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.dialect.commit(context.WithoutCancel(ctx), c)
		if err == nil {
			return nil
		}
		if s.dialect.diagnose(err) != busy || !p.pause(ctx) {
			return err
		}
	}
}

// undo rolls back, whatever has become of ctx. A connection on which that fails
// is taken out of the pool, so that no later user finds itself in a transaction.
func (s *Sink) undo(ctx context.Context, c bun.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := s.dialect.rollback(ctx, c)
	if err == nil || s.dialect.diagnose(err) == noTransaction {
		return
	}
	if err := c.Raw(func(any) error { return driver.ErrBadConn }); err != nil && !errors.Is(err, driver.ErrBadConn) {
		s.opts.Logger.Warn("oasink: dropping a broken connection", "error", err)
	}
}
