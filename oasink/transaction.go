package oasink

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// freshTries is how often a transaction whose connection has broken is begun again
// without a pause: a pool may hold several connections that the server has closed.
const freshTries = 3

// exclusively runs f in one transaction that excludes every other writer, on a
// connection of its own, and commits. While the database is busy, and after its
// connection has broken, it tries again, f included, until LockWait is over. When
// it returns an error, nothing is written; unless the connection broke during the
// commit and the database did not come back: then nobody can say.
//
// f is told whether its last try came to a commit that may have come through.
func (s *Sink) exclusively(ctx context.Context, f func(ctx context.Context, c bun.Conn, perhaps bool) error) error {
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	p := s.patience()
	defer p.end()
	perhaps, broken := false, 0
	for {
		unsure, err := s.once(ctx, p, func(c bun.Conn) error {
			told := perhaps
			perhaps = false
			return f(ctx, c, told)
		})
		if err == nil {
			return nil
		}
		perhaps = perhaps || unsure // a try may end before it comes to f
		switch s.dialect.diagnose(err) {
		case busy, cutOff:
			s.opts.Logger.Debug("oasink: the database is busy, waiting")
		case lost:
			s.opts.Logger.Info("oasink: the connection to the database has broken", "error", s.quotable(err))
			if broken++; broken <= freshTries && ctx.Err() == nil {
				continue
			}
		case unreachable: // while it is being restarted
			if broken == 0 {
				return s.fault(ctx, "writing punches", err)
			}
		default:
			return s.fault(ctx, "writing punches", err)
		}
		if ctx.Err() != nil || !p.pause(ctx) {
			return s.fault(ctx, "writing punches", err)
		}
	}
}

// once tries the transaction once. unsure says that it failed and may be
// committed all the same.
func (s *Sink) once(ctx context.Context, p *patience, f func(c bun.Conn) error) (unsure bool, err error) {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer c.Close()
	own := &session{Conn: c, shape: s.shape.Load()}
	home := own.shape.home()
	open := true
	defer func() { // also after a panic of f
		s.leave(ctx, own, home, open)
	}()
	if err := s.dialect.begin(ctx, own, home, p.wait); err != nil {
		return false, err
	}
	if err := s.proven(ctx, own, home); err != nil {
		return false, err
	}
	if err := f(c); err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if err := s.commit(ctx, p, own); err != nil {
		return s.dialect.diagnose(err) == lost, err
	}
	open = false
	return false, nil
}

// commit is not cut off by ctx: nobody could say then whether the rows are stored.
// Readers that stop it for the moment are waited for with the transaction kept,
// where the database keeps it.
func (s *Sink) commit(ctx context.Context, p *patience, c *session) error {
	for {
		err := s.dialect.commit(context.WithoutCancel(ctx), c)
		if err == nil {
			return nil
		}
		if !s.dialect.commitsAgain() || s.dialect.diagnose(err) != busy || !p.pause(ctx) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// leave rolls back what is open and gives back what begin took, whatever has become
// of ctx. A connection on which that fails is taken out of the pool, so that no
// later user finds itself in a transaction or in the possession of a lock.
func (s *Sink) leave(ctx context.Context, c *session, home string, open bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var err error
	if open {
		if err = s.dialect.rollback(ctx, c); err != nil && s.dialect.diagnose(err) == noTransaction {
			err = nil
		}
	}
	if err == nil {
		err = s.dialect.release(ctx, c, home)
	}
	if err == nil {
		return
	}
	if err := c.Raw(func(any) error { return driver.ErrBadConn }); err != nil && !errors.Is(err, driver.ErrBadConn) && !errors.Is(err, sql.ErrConnDone) {
		s.opts.Logger.Warn("oasink: dropping a broken connection", "error", s.quotable(err))
	}
}

// attempt does a part of the open transaction that may fail by itself: f, behind a
// savepoint.
//
// refusal is why the database refuses the part and will refuse it again: a
// constraint, a trigger, a missing right or table. What f had done is then undone,
// and the transaction goes on as if f had never been tried. Parts may follow each
// other, but not hold each other.
//
// err ends the whole transaction, like any error of a try (see exclusively): what is
// tried again as a whole (a deadlock, a time-out, a lost connection), the context's
// end, or a [doomed], where the refusal has taken the transaction with it. The
// caller then begins again, and leaves out what was refused.
func (s *Sink) attempt(ctx context.Context, c bun.Conn, f func() error) (refusal, err error) {
	mark, undo, forget := s.dialect.savepoint()
	if err := s.statement(mark).exec(ctx, c); err != nil {
		return nil, err
	}
	if refusal = f(); refusal != nil {
		if ctx.Err() != nil || !s.dialect.diagnose(refusal).repeats() {
			return nil, refusal
		}
		if undone := s.statement(undo).exec(ctx, c); undone != nil {
			if kind := s.dialect.diagnose(undone); kind == otherTrouble || kind == noTransaction {
				return nil, &doomed{refusal}
			}
			return nil, undone
		}
	}
	if forget == "" {
		return refusal, nil
	}
	return refusal, s.statement(forget).exec(ctx, c)
}

// leniently is attempt for a part of which it does no harm that some of it stays: one
// statement, or days that are computed anew. It is done also where a table that was
// written knows no savepoints.
func (s *Sink) leniently(ctx context.Context, c bun.Conn, f func() error) (refusal, err error) {
	refusal, err = s.attempt(ctx, c, f)
	if err == nil || s.dialect.diagnose(err) != unmarked {
		return refusal, err
	}
	if err = f(); err != nil && ctx.Err() == nil && s.dialect.diagnose(err).repeats() {
		return err, nil
	}
	return nil, err
}

// A doomed error says that a part of a transaction was refused, and that the
// transaction cannot go on without it: an error in a trigger on SQL Server,
// RAISE(ROLLBACK) on SQLite.
type doomed struct{ refusal error }

func (d *doomed) Error() string { return d.refusal.Error() }
func (d *doomed) Unwrap() error { return d.refusal }
