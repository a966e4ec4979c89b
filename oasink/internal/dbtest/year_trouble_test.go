package dbtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// What goes wrong on our own side: at any step of a run it is killed, panics, is told
// to end, or a call fails; the database or the store is down; the clock is wrong.

type yearKind int

const (
	yearNone yearKind = iota
	yearKilled
	yearPanicked
	yearCancelled
	yearFailed // one call fails; where it was made, it has its effect
	yearLost   // one write to the store is lost, and nobody is told
	yearStoreDown
	yearDatabaseDown
)

func (k yearKind) String() string {
	return [...]string{"none", "killed", "panicked", "cancelled", "one call failed", "one write lost", "store down", "database down"}[k]
}

// A yearTrouble is what goes wrong in a run.
type yearTrouble struct {
	kind  yearKind
	step  int           // at which step
	what  string        // of which kind; "": any
	after bool          // after the step was done
	sql   bool          // steps are statements of the OA's database
	skew  time.Duration // how far the host's clock is ahead
}

// A yearProcess is one run as a process of the operating system: when it is killed,
// nothing that it does has an effect any more.
type yearProcess struct {
	trouble yearTrouble
	cancel  context.CancelFunc

	mu         sync.Mutex
	steps      int
	statements int
	named      int // steps of the kind that is struck
	dead       bool
	fired      string // what has gone wrong, and where
}

func errYear(what string) error {
	code := attendance.CodeStoreDown
	if what == "write" { // a lock that was waited for too long: the next batch may be written
		code = attendance.CodeStore
	}
	return &attendance.Error{Code: code, Op: what, Detail: "trouble that was arranged"}
}

// strikes reports whether this step is the one.
func (p *yearProcess) strikes(what string, sql bool) (strike, dead bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := &p.steps
	if sql {
		n = &p.statements
	}
	*n++
	if p.trouble.what == what {
		p.named++
		n = &p.named
	} else if p.trouble.what != "" {
		return false, p.dead
	}
	strike = p.trouble.kind != yearNone && p.trouble.sql == sql && *n == p.trouble.step && !p.dead
	if strike {
		p.fired = fmt.Sprintf("%v at step %d, %s (after: %v)", p.trouble.kind, *n, what, p.trouble.after)
	}
	return strike, p.dead
}

// happen is what becomes of the step that is struck; nil: it goes on.
func (p *yearProcess) happen(what string) error {
	switch p.trouble.kind {
	case yearKilled:
		p.mu.Lock()
		p.dead = true
		p.mu.Unlock()
	case yearPanicked:
		panic("year: " + what)
	case yearCancelled:
		p.cancel()
		return nil
	}
	return errYear(what)
}

// step is one call of a run to something that lasts.
func (p *yearProcess) step(what string, do func() error) error {
	strike, dead := p.strikes(what, false)
	isStore := strings.HasPrefix(what, "store")
	if isStore && p.trouble.kind == yearStoreDown {
		p.fired = "store down"
		return errYear(what)
	}
	switch {
	case dead:
		return errYear("dead")
	case !strike:
		return do()
	case p.trouble.kind == yearLost:
		switch what {
		case "store.Owe", "store.Remember", "store.BeginRun", "store.AddSlice", "store.EndRun", "store.Reject", "store.Tally":
			return nil
		}
		return do()
	case !p.trouble.after:
		if err := p.happen(what); err != nil {
			return err
		}
		return do()
	}
	err := do()
	if struck := p.happen(what); struck != nil {
		return struck
	}
	return err
}

// statement is asked before every statement.
func (p *yearProcess) statement(query string) error {
	if p == nil || strings.HasPrefix(query, "ROLLBACK") { // which the end of a process does too
		return nil
	}
	if p.trouble.kind == yearDatabaseDown {
		p.fired = "database down"
		return errStruck
	}
	strike, dead := p.strikes(query[:min(len(query), 60)], true)
	switch {
	case dead:
		return errStruck
	case !strike:
		return nil
	case p.happen(query) != nil:
		return errStruck
	}
	return nil
}

// A yearProvider is a provider as a process with trouble and a wrong clock has it.
type yearProvider struct {
	attendance.Provider
	process *yearProcess
	skew    time.Duration
	world   *yearWorld
}

func (p yearProvider) Unwrap() any { return p.Provider }

func (p yearProvider) Fetch(ctx context.Context, q attendance.Query) (a attendance.Answer, err error) {
	p.world.catchUp(time.Now())
	err = p.process.step("fetch", func() (err error) {
		a, err = p.Provider.Fetch(ctx, q)
		a.ReadAt = a.ReadAt.Add(p.skew)
		return err
	})
	return a, err
}

type yearSink struct {
	attendance.Sink
	process *yearProcess
}

func (s yearSink) Unwrap() any { return s.Sink }

func (s yearSink) Write(ctx context.Context, b attendance.Batch) (w attendance.Written, err error) {
	err = s.process.step("write", func() (err error) { w, err = s.Sink.Write(ctx, b); return err })
	return w, err
}

// A yearStore is a store as a process with trouble has it.
type yearStore struct {
	attendance.Store
	process *yearProcess
}

func (s yearStore) Owed(ctx context.Context, id attendance.Stream) (owed attendance.Spans, err error) {
	err = s.process.step("store.Owed", func() (err error) { owed, err = s.Store.Owed(ctx, id); return err })
	return owed, err
}

func (s yearStore) Owe(ctx context.Context, id attendance.Stream, add attendance.Span, forgiven time.Time) error {
	return s.process.step("store.Owe", func() error { return s.Store.Owe(ctx, id, add, forgiven) })
}

func (s yearStore) Recall(ctx context.Context, id attendance.Stream, persons []string) (known []attendance.Coverage, err error) {
	err = s.process.step("store.Recall", func() (err error) { known, err = s.Store.Recall(ctx, id, persons); return err })
	return known, err
}

func (s yearStore) People(ctx context.Context, id attendance.Stream) iter.Seq2[attendance.Coverage, error] {
	return func(yield func(attendance.Coverage, error) bool) {
		var none attendance.Coverage
		if err := s.process.step("store.People", func() error { return nil }); err != nil {
			yield(none, err)
			return
		}
		s.Store.People(ctx, id)(yield)
	}
}

func (s yearStore) Remember(ctx context.Context, id attendance.Stream, changes []attendance.Change) error {
	return s.process.step("store.Remember", func() error { return s.Store.Remember(ctx, id, changes) })
}

func (s yearStore) BeginRun(ctx context.Context, r attendance.RunRecord) error {
	return s.process.step("store.BeginRun", func() error { return s.Store.BeginRun(ctx, r) })
}

func (s yearStore) AddSlice(ctx context.Context, run string, r attendance.SliceRecord) error {
	return s.process.step("store.AddSlice", func() error { return s.Store.AddSlice(ctx, run, r) })
}

func (s yearStore) EndRun(ctx context.Context, r attendance.RunRecord) error {
	return s.process.step("store.EndRun", func() error { return s.Store.EndRun(ctx, r) })
}

func (s yearStore) Slices(ctx context.Context, run string) iter.Seq2[attendance.SliceRecord, error] {
	return func(yield func(attendance.SliceRecord, error) bool) {
		if err := s.process.step("store.Slices", func() error { return nil }); err != nil {
			yield(attendance.SliceRecord{}, err)
			return
		}
		s.Store.Slices(ctx, run)(yield)
	}
}

func (s yearStore) Lease(ctx context.Context, name, owner string, at time.Time, over attendance.Holder) (h attendance.Holder, err error) {
	// A lost lease would be held by nobody, which no store can do.
	if s.process.trouble.kind == yearLost {
		return s.Store.Lease(ctx, name, owner, at, over)
	}
	err = s.process.step("store.Lease", func() (err error) { h, err = s.Store.Lease(ctx, name, owner, at, over); return err })
	return h, err
}

func (s yearStore) Beat(ctx context.Context, name, owner string, at time.Time) (held bool, err error) {
	if s.process.isDead() {
		return false, errYear("dead")
	}
	return s.Store.Beat(ctx, name, owner, at)
}

func (s yearStore) Release(ctx context.Context, name, owner string) error {
	if s.process.isDead() {
		return errYear("dead")
	}
	return s.Store.Release(ctx, name, owner)
}

func (s yearStore) Reject(ctx context.Context, id attendance.Stream, members []attendance.Member, span attendance.Span, at time.Time, records []attendance.Rejected) error {
	return s.process.step("store.Reject", func() error { return s.Store.Reject(ctx, id, members, span, at, records) })
}

func (s yearStore) Tally(ctx context.Context, id attendance.Stream, tallies []attendance.Tally) error {
	return s.process.step("store.Tally", func() error { return s.Store.Tally(ctx, id, tallies) })
}

func (p *yearProcess) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

var errYearPanic = errors.New("the run panicked")
