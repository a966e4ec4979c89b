package scheduler_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/scheduler"
)

// sluggish is a store that takes its time, as one whose database is locked.
type sluggish struct {
	*attendancetest.Store
	slow *atomic.Int64 // a time.Duration
}

func (s sluggish) LastTick(ctx context.Context, job string) (time.Time, error) {
	select {
	case <-time.After(time.Duration(s.slow.Load())):
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	return s.Store.LastTick(ctx, job)
}

// A run that ended is not run again because the store was slow when it did.
func TestARunThatEndedWhileTheStoreWasSlowIsNotRunAgain(t *testing.T) {
	in(t, shanghai, "2026-03-01 12:00", func(w *world) {
		var slow, n atomic.Int64
		store := sluggish{w.store, &slow}
		a := w.host(scheduler.Options{Ticks: store, Leases: store}, scheduler.Job{Name: "daily", Schedule: scheduler.Daily(23, 30, w.zone), Run: func(context.Context) error {
			n.Add(1)
			slow.Store(int64(4 * time.Second))
			return nil
		}})
		w.until("2026-03-01 23:31")
		slow.Store(0)
		w.until("2026-03-02 01:00")
		require.EqualValues(t, 1, n.Load(), "%v", w.said())
		a.stop(t)
	})
}
