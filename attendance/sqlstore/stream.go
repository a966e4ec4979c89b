package sqlstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// streamHash is what a stream's row is found by: its names may be of any length.
func streamHash(id attendance.Stream) []byte {
	h := sha256.New()
	for _, s := range []string{id.Job, id.Target, id.Source, id.Corp} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	return h.Sum(nil)
}

// stream is the stream's number; 0 when nothing was ever remembered of it.
func (s *Store) stream(ctx context.Context, q querier, id attendance.Stream) (int64, error) {
	s.mu.Lock()
	n := s.streams[id]
	s.mu.Unlock()
	if n != 0 {
		return n, nil
	}
	n, err := one(ctx, q, s.sql("SELECT id FROM @streams WHERE hash = ?"), streamHash(id))
	if err == nil && n != 0 {
		s.noteStream(id, n)
	}
	return n, err
}

func (s *Store) noteStream(id attendance.Stream, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[id] = n
}

// changeStream is change with the stream's row locked, which is made where it is not
// there: whoever changes the stream comes one after the other.
func (s *Store) changeStream(ctx context.Context, doing string, id attendance.Stream, f func(ctx context.Context, c bun.Conn, stream int64) error) error {
	return s.change(ctx, doing, func(ctx context.Context, c bun.Conn, _ bool) error {
		locked, err := one(ctx, c, s.sql("SELECT id FROM @streams WHERE hash = ?")+s.dialect.exclusive(), streamHash(id))
		if err != nil {
			return err
		}
		if locked == 0 {
			if locked, err = s.newStream(ctx, c, id); err != nil {
				return err
			}
		}
		return f(ctx, c, locked)
	})
}

// newStream gives the stream a number. The row of the layout's version is locked, so
// that two streams do not get the same one; it never changes.
func (s *Store) newStream(ctx context.Context, c bun.Conn, id attendance.Stream) (int64, error) {
	if _, err := one(ctx, c, s.sql("SELECT version FROM @store WHERE version = ?")+s.dialect.exclusive(), len(layouts())); err != nil {
		return 0, err
	}
	hash := streamHash(id)
	n, err := one(ctx, c, s.sql("SELECT id FROM @streams WHERE hash = ?")+s.dialect.exclusive(), hash)
	if err != nil || n != 0 {
		return n, err
	}
	n, err = one(ctx, c, s.sql("SELECT COALESCE(MAX(id), 0) + 1 FROM @streams"))
	if err != nil {
		return 0, err
	}
	_, err = c.ExecContext(ctx, s.sql("INSERT INTO @streams (id, hash, job, target, source, corp) VALUES (?, ?, ?, ?, ?, ?)"),
		n, hash, bytes(id.Job), bytes(id.Target), bytes(id.Source), bytes(id.Corp))
	return n, err
}
