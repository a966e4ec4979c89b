package attendancetest

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// A Store remembers in memory, in every role of [attendance.Store], for as long as
// it lives. The zero Store is empty and ready. It is safe for concurrent use. What
// it returns belongs to the caller; what a caller gives, it copies.
type Store struct {
	mu       sync.Mutex
	streams  map[attendance.Stream]*stream
	runs     map[string]attendance.RunRecord
	slices   []addedSlice
	leases   map[string]attendance.Holder
	ticks    map[string]time.Time
	budgets  map[budget]int
	owedDays map[string]map[attendance.PersonDay]bool
}

var _ attendance.Store = (*Store)(nil)

// A stream is what is kept of an [attendance.Stream].
type stream struct {
	owed     attendance.Spans
	coverage map[subject]attendance.Coverage
	rejected []attendance.Rejected
	tallies  map[tallied]attendance.Tally
}

// A subject is a person and an account.
type subject struct{ person, account string }

func (s subject) compare(o subject) int {
	return cmp.Or(cmp.Compare(s.person, o.person), cmp.Compare(s.account, o.account))
}

// of returns what is kept of the stream. The lock is held.
func (s *Store) of(id attendance.Stream) *stream {
	if s.streams == nil {
		s.streams = make(map[attendance.Stream]*stream)
	}
	if s.streams[id] == nil {
		s.streams[id] = &stream{coverage: make(map[subject]attendance.Coverage), tallies: make(map[tallied]attendance.Tally)}
	}
	return s.streams[id]
}

// locked runs f under the lock, unless ctx has ended.
func (s *Store) locked(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	return nil
}

// second cuts t to the second, in UTC.
func second(t time.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() }

// Owed implements [attendance.CoverageStore].
func (s *Store) Owed(ctx context.Context, id attendance.Stream) (owed attendance.Spans, err error) {
	err = s.locked(ctx, func() { owed = slices.Clone(s.of(id).owed) })
	return owed, err
}

// Owe implements [attendance.CoverageStore].
func (s *Store) Owe(ctx context.Context, id attendance.Stream, add attendance.Span, forgiven time.Time) error {
	return s.locked(ctx, func() {
		of := s.of(id)
		owed := of.owed.Plus(attendance.Span{From: second(add.From), To: second(add.To)})
		if len(owed) > 0 && !forgiven.IsZero() {
			owed = owed.Minus(attendance.Spans{{From: owed[0].From, To: second(forgiven)}})
		}
		of.owed = owed.In(time.UTC)
	})
}

// Recall implements [attendance.CoverageStore].
func (s *Store) Recall(ctx context.Context, id attendance.Stream, persons []string) (known []attendance.Coverage, err error) {
	wanted := make(map[string]bool, len(persons))
	for _, p := range persons {
		wanted[p] = true
	}
	err = s.locked(ctx, func() {
		for who, c := range s.of(id).coverage {
			if wanted[who.person] {
				known = append(known, copied(c))
			}
		}
	})
	return known, err
}

// People implements [attendance.CoverageStore].
func (s *Store) People(ctx context.Context, id attendance.Stream) iter.Seq2[attendance.Coverage, error] {
	all := func() (people []subject, err error) {
		err = s.locked(ctx, func() {
			for who := range s.of(id).coverage {
				people = append(people, who)
			}
		})
		slices.SortFunc(people, subject.compare)
		return people, err
	}
	return each(ctx, all, func(who subject) (c attendance.Coverage, ok bool, err error) {
		err = s.locked(ctx, func() {
			c, ok = s.of(id).coverage[who]
			c = copied(c)
		})
		return c, ok, err
	})
}

// Remember implements [attendance.CoverageStore].
func (s *Store) Remember(ctx context.Context, id attendance.Stream, changes []attendance.Change) error {
	return s.locked(ctx, func() {
		coverage := s.of(id).coverage
		for _, ch := range changes {
			if !ch.Says() {
				continue
			}
			who := subject{ch.Person, ch.Account}
			c := coverage[who]
			c.Person, c.Account = ch.Person, ch.Account
			coverage[who] = c.Apply(ch)
		}
	})
}

func copied(c attendance.Coverage) attendance.Coverage {
	c.Covered = slices.Clone(c.Covered)
	return c
}

// each streams what list names, one by one: nothing is locked while it yields.
// What is there no more when its turn comes is passed over.
func each[K, V any](ctx context.Context, list func() ([]K, error), get func(K) (V, bool, error)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var none V
		keys, err := list()
		if err != nil {
			yield(none, err)
			return
		}
		for _, k := range keys {
			if err := ctx.Err(); err != nil {
				yield(none, err)
				return
			}
			v, ok, err := get(k)
			if err != nil {
				yield(none, err)
				return
			}
			if ok && !yield(v, nil) {
				return
			}
		}
	}
}

// listed streams the values as they are when the loop begins.
func listed[V any](ctx context.Context, list func() ([]V, error)) iter.Seq2[V, error] {
	return each(ctx, list, func(v V) (V, bool, error) { return v, true, nil })
}
