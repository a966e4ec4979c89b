package scheduler

import (
	"log/slog"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// Options of a [Scheduler]. Nil and the zero value are fine.
type Options struct {
	// Ticks makes each scheduled time run once, over all processes that share it, and
	// remembers over restarts which were worked off. Nothing is run whose time could not be
	// claimed: while the store cannot be reached, times are missed, and made up for after.
	// Nil: each process runs every time, and what was missed while none ran is not known.
	Ticks attendance.TickStore
	// Leases keeps runs of one job from overlapping over all processes that share it,
	// manual ones included, and lets the processes that are left notice when one dies in
	// a run (needs Ticks too). When it cannot be reached for 20 s a run goes on without.
	// Nil: a run in another process is not seen. A [attendance.Syncer] with leases of its own
	// waits for the other run then.
	Leases attendance.LeaseStore
	// Owner names this process in the stores, for people. It is made unique by an addition.
	Owner string
	// Drain is how long runs may go on after the host stopped, before their contexts are
	// cancelled, by the real clock. 0 means 20 s, < 0 not at all.
	Drain time.Duration
	// Now is the time of day. Nil means time.Now.
	Now func() time.Time
	// Observe, when not nil, is told what happens, one call at a time, from goroutines of
	// Run. It must return quickly, not panic, and not wait for Run to return.
	Observe func(Event)
	// Logger is told the same. Nil is silent.
	Logger *slog.Logger
}
