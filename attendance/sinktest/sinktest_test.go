package sinktest_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/attendance/sinktest"
)

// memory is the target of the in-memory sink. Its rows are instants; zone is the
// wall clock of the batches it was sent.
type memory struct {
	sink attendancetest.Sink
	mu   sync.Mutex
	zone *time.Location
	wrap func(attendance.Sink) attendance.Sink
}

func (m *memory) Write(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
	m.mu.Lock()
	m.zone = b.Span.Zone()
	m.mu.Unlock()
	return m.sink.Write(ctx, b)
}

func (m *memory) Preview(ctx context.Context, b attendance.Batch) (attendance.Preview, error) {
	return m.sink.Preview(ctx, b)
}

func (m *memory) Sink(testing.TB) attendance.Sink {
	if m.wrap != nil {
		return m.wrap(m)
	}
	return m
}

func (m *memory) Rows(testing.TB) []sinktest.Row {
	var rows []sinktest.Row
	for _, r := range m.sink.All() {
		rows = append(rows, sinktest.Row{Person: r.Person, Second: r.Time.In(m.zone).Format(time.DateTime), Direction: r.Direction, Address: r.Place.Address})
	}
	return rows
}

func TestTheInMemorySinkKeepsTheContract(t *testing.T) {
	// It stores texts as they are, NUL bytes too: places are not its matter.
	sinktest.Run(t, func(testing.TB) sinktest.Target { return &memory{} }, sinktest.Features{})
}

// Having days recalculated, or failing to, changes nothing about writing.
func TestARecalculatedSinkKeepsTheContract(t *testing.T) {
	for _, fails := range []error{nil, context.DeadlineExceeded} {
		hook := func(context.Context, []attendance.PersonDay) error { return fails }
		sinktest.Run(t, func(testing.TB) sinktest.Target {
			return &memory{wrap: func(s attendance.Sink) attendance.Sink { return attendance.NewRecalculation(s, hook, nil) }}
		}, sinktest.Features{})
	}
}

// A kit that passes everybody proves nothing: each of these sinks is broken in
// one way, and the kit must find it.
func TestBrokenSinksAreFound(t *testing.T) {
	for name, broken := range map[string]func(ctx context.Context, s attendance.Sink, b attendance.Batch) (attendance.Written, error){
		"loses the last punch": func(ctx context.Context, s attendance.Sink, b attendance.Batch) (attendance.Written, error) {
			if n := len(b.Punches); n > 0 {
				b.Punches = b.Punches[:n-1]
			}
			return s.Write(ctx, b)
		},
		"writes a punch a second late": func(ctx context.Context, s attendance.Sink, b attendance.Batch) (attendance.Written, error) {
			c := b
			c.Punches = append([]attendance.Punch(nil), b.Punches...)
			for i := range c.Punches {
				c.Punches[i].Time = c.Punches[i].Time.Add(time.Second)
			}
			return s.Write(ctx, c)
		},
		"counts what was there as written": func(ctx context.Context, s attendance.Sink, b attendance.Batch) (attendance.Written, error) {
			w, err := s.Write(ctx, b)
			w.Written, w.Present = w.Written+w.Present, 0
			return w, err
		},
		"changes the batch": func(ctx context.Context, s attendance.Sink, b attendance.Batch) (attendance.Written, error) {
			w, err := s.Write(ctx, b)
			clear(b.Punches)
			return w, err
		},
		"wraps the context's error": func(ctx context.Context, s attendance.Sink, b attendance.Batch) (attendance.Written, error) {
			w, err := s.Write(ctx, b)
			if err != nil {
				err = &attendance.Error{Code: attendance.CodeStore, Err: err}
			}
			return w, err
		},
		"ignores the context": func(_ context.Context, s attendance.Sink, b attendance.Batch) (attendance.Written, error) {
			return s.Write(context.Background(), b)
		},
		"writes half before the context ends": func(ctx context.Context, s attendance.Sink, b attendance.Batch) (attendance.Written, error) {
			half := b
			half.Punches = b.Punches[:len(b.Punches)/2]
			if _, err := s.Write(context.Background(), half); err != nil {
				return attendance.Written{}, err
			}
			return s.Write(ctx, b)
		},
		"forgets to count the skipped": func(ctx context.Context, s attendance.Sink, b attendance.Batch) (attendance.Written, error) {
			w, err := s.Write(ctx, b)
			w.Skipped = nil
			return w, err
		},
		"forgets the days": func(ctx context.Context, s attendance.Sink, b attendance.Batch) (attendance.Written, error) {
			w, err := s.Write(ctx, b)
			w.Days = nil
			return w, err
		},
	} {
		found := false
		for _, rule := range sinktest.Rules() {
			target := &memory{wrap: func(s attendance.Sink) attendance.Sink {
				return writer(func(ctx context.Context, b attendance.Batch) (attendance.Written, error) { return broken(ctx, s, b) })
			}}
			found = found || fails(t, func(tb testing.TB) { rule.Check(tb, target, sinktest.Features{}) })
		}
		require.True(t, found, "a sink that %s passes the kit", name)
	}
}

// So are previews that are broken.
func TestBrokenPreviewsAreFound(t *testing.T) {
	for name, broken := range map[string]func(p *attendance.Preview){
		"forgets a day":       func(p *attendance.Preview) { p.Days = p.Days[:max(0, len(p.Days)-1)] },
		"counts one too many": func(p *attendance.Preview) { p.Written.Written++ },
		"forgets a row":       func(p *attendance.Preview) { p.Rows = p.Rows[:max(0, len(p.Rows)-1)] },
		"invents a row": func(p *attendance.Preview) {
			p.Rows = append(p.Rows, attendance.RowChange{Person: "999", Action: attendance.ActionAdd})
		},
		"tells the wrong time": func(p *attendance.Preview) {
			each(p, func(c *attendance.RowChange) { c.Time = c.Time.Add(time.Second) })
		},
		"tells the wrong person": func(p *attendance.Preview) { each(p, func(c *attendance.RowChange) { c.Person += "0" }) },
		"tells the wrong action": func(p *attendance.Preview) {
			each(p, func(c *attendance.RowChange) { c.Action = attendance.ActionKeep })
		},
		"tells rows in disorder":   func(p *attendance.Preview) { slices.Reverse(p.Rows) },
		"does not tell what stays": func(p *attendance.Preview) { p.Superseded = 0 },
	} {
		require.True(t, foundByPreviews(t, func(_ context.Context, s *memory, b attendance.Batch) (attendance.Preview, error) {
			p, err := s.Preview(context.Background(), b)
			broken(&p)
			return p, err
		}), "a preview that %s passes the kit", name)
	}
	for name, broken := range map[string]func(ctx context.Context, s *memory, b attendance.Batch) (attendance.Preview, error){
		"writes": func(ctx context.Context, s *memory, b attendance.Batch) (attendance.Preview, error) {
			p, err := s.Preview(ctx, b)
			_, _ = s.Write(ctx, b)
			return p, err
		},
		"ignores the context": func(_ context.Context, s *memory, b attendance.Batch) (attendance.Preview, error) {
			return s.Preview(context.Background(), b)
		},
		"changes the batch": func(ctx context.Context, s *memory, b attendance.Batch) (attendance.Preview, error) {
			p, err := s.Preview(ctx, b)
			slices.Reverse(b.Punches)
			return p, err
		},
	} {
		require.True(t, foundByPreviews(t, broken), "a preview that %s passes the kit", name)
	}
	require.False(t, foundByPreviews(t, func(ctx context.Context, s *memory, b attendance.Batch) (attendance.Preview, error) {
		return s.Preview(ctx, b)
	}))
}

func each(p *attendance.Preview, change func(c *attendance.RowChange)) {
	for i := range p.Rows {
		change(&p.Rows[i])
	}
}

// foundByPreviews reports whether the rules for previews fail.
func foundByPreviews(t *testing.T, preview func(ctx context.Context, s *memory, b attendance.Batch) (attendance.Preview, error)) bool {
	found := false
	for _, rule := range sinktest.Rules() {
		if strings.HasPrefix(rule.Name, "preview: ") {
			target := &memory{wrap: func(s attendance.Sink) attendance.Sink { return teller{s.(*memory), preview} }}
			found = found || fails(t, func(tb testing.TB) { rule.Check(tb, target, sinktest.Features{}) })
		}
	}
	return found
}

type teller struct {
	*memory
	preview func(ctx context.Context, s *memory, b attendance.Batch) (attendance.Preview, error)
}

func (p teller) Preview(ctx context.Context, b attendance.Batch) (attendance.Preview, error) {
	return p.preview(ctx, p.memory, b)
}

type writer func(ctx context.Context, b attendance.Batch) (attendance.Written, error)

func (w writer) Write(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
	return w(ctx, b)
}

// fails runs a rule against a recorder and reports whether it failed.
func fails(t *testing.T, check func(testing.TB)) bool {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(r)
	}()
	<-done
	return r.failed
}

type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; runtime.Goexit() }
func (r *recorder) Skip(...any)           { runtime.Goexit() }
