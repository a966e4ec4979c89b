package attendance_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// mortal is a store of a process that is killed: its lease is never given back.
type mortal struct {
	attendance.Store
	dead *bool
}

func (m mortal) Beat(ctx context.Context, name, owner string, at time.Time) (bool, error) {
	if *m.dead {
		return false, context.Canceled
	}
	return m.Store.Beat(ctx, name, owner, at)
}

func (m mortal) Release(ctx context.Context, name, owner string) error {
	if *m.dead {
		return context.Canceled
	}
	return m.Store.Release(ctx, name, owner)
}

// What a run read before it was killed last night is no news tonight: the next run
// reads its look-back, all of it.
func TestWhatAKilledRunHadReadIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 100)
		punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
		dead := false
		s.opts.Memory = attendance.Remember(mortal{s.store, &dead})
		ctx, kill := context.WithCancel(t.Context())
		s.opts.Observe = func(attendance.Event) { dead = true; kill() }
		s.now = march(10, 23, 30)
		_, err := s.syncer().Run(ctx, s.scope(), attendance.SinceMark(6, shanghai()))
		require.ErrorIs(t, err, context.Canceled)

		time.Sleep(24 * time.Hour)
		s.opts.Observe, s.opts.Memory = nil, attendance.Remember(s.store)
		s.provider.Put(attendance.Punch{ID: "late", Account: "u0001", Time: march(6, 12, 0), Kind: attendance.Regular, Direction: attendance.In})
		calls := s.provider.Calls()
		s.ok(march(11, 23, 30))
		require.Equal(t, attendance.Spans{{From: march(5, 0, 0), To: march(11, 23, 30)}}, s.asked("u0001", calls))
	})
}

// A backfill that is told to end while it reads has not read what it was at: the next
// attempt does.
func TestASliceThatWasCutOffIsNotDone(t *testing.T) {
	s := newSite(t, 60)
	n := punchDaily(s.provider, s.people, date(3, 1), date(3, 10))
	s.now = march(11, 12, 0)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	cut := fetch{s.provider, func(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
		if calls++; calls == 2 {
			cancel()
			return attendance.Answer{}, ctx.Err()
		}
		return s.provider.Fetch(ctx, q)
	}}
	window := days(date(3, 1), date(3, 10))
	first, err := attendance.NewSyncer(cut, s.sink, &s.opts).Run(ctx, s.scope(), window)
	require.ErrorIs(t, err, context.Canceled)
	second, err := s.syncer().Run(t.Context(), s.scope(), window)
	require.NoError(t, err)
	require.Equal(t, first.Run, second.Run)
	require.Len(t, s.sink.All(), n)
}
