package scheduler_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/scheduler"
)

func daily(zone *time.Location) scheduler.Job {
	return scheduler.Job{Name: "daily", Schedule: scheduler.Daily(23, 30, zone), Run: nothing}
}

func ran(lines ...string) (both []string) {
	for _, l := range lines {
		both = append(both, "started "+l, "ended "+l)
	}
	return both
}

func TestMissedTimes(t *testing.T) {
	for name, c := range map[string]struct {
		within time.Duration
		want   []string
	}{
		"one run for all": {0, ran("daily caught_up 03-05 23:30 and 2 before")},
		"recent enough":   {9 * time.Hour, ran("daily caught_up 03-05 23:30 and 2 before")},
		"too old":         {8 * time.Hour, []string{"missed daily 03-05 23:30 and 2 before"}},
		"none":            {-1, []string{"missed daily 03-05 23:30 and 2 before"}},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, shanghai, "2026-03-01 12:00", func(w *world) {
				job := daily(w.zone)
				job.MissedWithin = c.within
				shared := scheduler.Options{Ticks: w.store, Leases: w.store}
				h := w.host(shared, job)
				w.until("2026-03-03 12:00")
				require.Equal(t, ran("daily scheduled 03-01 23:30", "daily scheduled 03-02 23:30"), w.said(), "and nothing before it was there")
				h.stop(t)
				w.until("2026-03-06 08:00")
				for range 3 {
					h = w.host(shared, job)
					w.pass(time.Hour)
					h.stop(t)
				}
				require.Equal(t, c.want, w.said(), "once, over restarts")
				h = w.host(shared, job)
				w.until("2026-03-07 00:00")
				require.Equal(t, ran("daily scheduled 03-06 23:30"), w.said())
				h.stop(t)
			})
		})
	}
}

func TestMissedTimesOfANewJob(t *testing.T) {
	in(t, shanghai, "2026-03-01 12:00", func(w *world) {
		shared := scheduler.Options{Ticks: w.store}
		h := w.host(shared, daily(w.zone))
		w.until("2026-03-01 12:01")
		h.stop(t)
		w.until("2026-03-02 08:00")
		h = w.host(shared, daily(w.zone))
		require.Equal(t, ran("daily caught_up 03-01 23:30"), w.said(), "it was owed, though it had never run")
		h.stop(t)

		off := daily(w.zone)
		off.Disabled = true
		h = w.host(shared, off)
		w.until("2026-03-04 08:00")
		h.stop(t)
		require.Empty(t, w.said())
		h = w.host(shared, daily(w.zone))
		require.Equal(t, ran("daily caught_up 03-03 23:30 and 1 before"), w.said(), "enabled again")
		h.stop(t)

		h = w.host(scheduler.Options{}, daily(w.zone))
		w.until("2026-03-04 23:29")
		h.stop(t)
		w.until("2026-03-05 08:00")
		h = w.host(scheduler.Options{}, daily(w.zone))
		w.until("2026-03-05 23:29")
		require.Empty(t, w.said(), "without a store nothing is known of other lives")
		h.stop(t)
	})
}

// A process that is always restarted before its interval is over still runs.
func TestRestartsDoNotPostponeForEver(t *testing.T) {
	in(t, shanghai, "2026-03-01 12:00", func(w *world) {
		job := scheduler.Job{Name: "rare", Schedule: unanchored(24 * time.Hour), Run: nothing}
		for range 20 {
			h := w.host(scheduler.Options{Ticks: w.store}, job)
			w.pass(5 * time.Hour)
			h.stop(t)
		}
		require.Equal(t, ran("rare scheduled 03-02 12:00", "rare scheduled 03-03 12:00", "rare scheduled 03-04 12:00", "rare scheduled 03-05 12:00"), w.said())
	})
}

// unanchored is like cron's @every: so long after whatever it is asked with.
type unanchored time.Duration

func (u unanchored) Next(after time.Time) time.Time { return after.Add(time.Duration(u)) }

func TestManyMissedTimes(t *testing.T) {
	in(t, shanghai, "2026-03-01 12:00", func(w *world) {
		job := scheduler.Job{Name: "busy", Schedule: scheduler.Interval{Every: time.Second}, Run: nothing}
		h := w.host(scheduler.Options{Ticks: w.store}, job)
		h.stop(t)
		_ = w.said()
		w.until("2036-03-01 12:00")
		var first scheduler.Event
		h = w.host(scheduler.Options{Ticks: w.store, Observe: func(e scheduler.Event) {
			if first.Kind == "" {
				first = e
			}
		}}, job)
		require.Equal(t, w.now().Unix(), first.Scheduled.Unix(), "ten years of seconds are not walked through")
		require.Greater(t, first.Missed, 100_000)
		h.stop(t)
	})
}

func TestClockIsSet(t *testing.T) {
	for name, opts := range map[string]func(*world) scheduler.Options{
		"with a store":    func(w *world) scheduler.Options { return scheduler.Options{Ticks: w.store, Leases: w.store} },
		"without a store": func(*world) scheduler.Options { return scheduler.Options{} },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, shanghai, "2026-03-01 12:00", func(w *world) {
				h := w.host(opts(w), daily(w.zone))
				w.until("2026-03-02 00:00")
				require.Equal(t, ran("daily scheduled 03-01 23:30"), w.said())

				w.set(-2 * time.Hour) // back to 22:00 of the first
				w.until("2026-03-02 12:00")
				require.Empty(t, w.said(), "set back over a scheduled time: not again")

				w.set(3*24*time.Hour + 10*time.Second) // ahead over three, noticed within a minute
				w.pass(time.Minute)
				require.Equal(t, ran("daily caught_up 03-04 23:30 and 2 before"), w.said())

				w.set(-14 * time.Hour) // 22:01 of the fourth, before what was run
				w.until("2026-03-05 23:29")
				require.Empty(t, w.said())
				w.until("2026-03-05 23:31")
				require.Equal(t, ran("daily scheduled 03-05 23:30"), w.said())

				w.set(-90 * time.Second) // by little, again and again
				w.until("2026-03-05 23:31")
				w.set(-90 * time.Second)
				w.until("2026-03-05 23:31")
				require.Empty(t, w.said())

				w.set(24*time.Hour - 90*time.Second) // just over the next
				w.pass(time.Minute)
				require.Equal(t, ran("daily scheduled 03-06 23:30"), w.said(), "not late")
				h.stop(t)
			})
		})
	}
}

// A machine that wakes in a wrong year does not silence a job until then.
func TestClockWasFarAhead(t *testing.T) {
	for name, opts := range map[string]func(*world) scheduler.Options{
		"with stores":     func(w *world) scheduler.Options { return scheduler.Options{Ticks: w.store, Leases: w.store} },
		"with a store":    func(w *world) scheduler.Options { return scheduler.Options{Ticks: w.store} },
		"without a store": func(*world) scheduler.Options { return scheduler.Options{} },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, shanghai, "2026-03-01 12:00", func(w *world) {
				h := w.host(opts(w), daily(w.zone))
				w.until("2026-03-01 23:31")
				_ = w.said()
				w.set(4*24*time.Hour + 12*time.Hour)
				w.pass(time.Minute)
				require.Equal(t, ran("daily caught_up 03-05 23:30 and 3 before"), w.said())
				w.until("2026-03-06 23:31")
				require.Equal(t, ran("daily scheduled 03-06 23:30"), w.said())
				w.set(-5 * 24 * time.Hour) // right again: 1 March 23:31
				w.pass(2 * time.Minute)
				said := w.said()
				require.Len(t, said, 1)
				require.Contains(t, said[0], "trouble daily (a scheduled time more than 24h0m0s ahead was claimed by a clock that was wrong")

				if name != "without a store" {
					h.stop(t) // also over a restart
					h = w.host(opts(w), daily(w.zone))
					w.pass(time.Minute)
					require.Len(t, w.said(), 1, "told again")
				}
				w.until("2026-03-05 12:00")
				require.Equal(t, ran("daily scheduled 03-02 23:30", "daily scheduled 03-03 23:30", "daily scheduled 03-04 23:30"), w.said())
				w.until("2026-03-06 23:29") // from the evening before on the claim is believed again
				if name == "without a store" {
					require.Equal(t, ran("daily scheduled 03-05 23:30"), w.said())
				} else {
					require.Empty(t, w.said(), "what was claimed by the wrong clock")
				}
				_ = w.said()
				w.until("2026-03-08 12:00")
				require.Contains(t, w.said(), "ended daily scheduled 03-07 23:30")
				h.stop(t)
			})
		})
	}
}

func TestSummerTime(t *testing.T) {
	jobs := func(w *world) []scheduler.Job {
		return []scheduler.Job{
			{Name: "a", Schedule: scheduler.Daily(1, 30, w.zone), Run: nothing},
			{Name: "b", Schedule: scheduler.AnyOf(scheduler.Daily(2, 0, w.zone), scheduler.Daily(2, 30, w.zone)), Run: nothing},
		}
	}
	began := func(t *testing.T, at string) (began []string) {
		in(t, "America/New_York", at, func(w *world) {
			h := w.host(scheduler.Options{Ticks: w.store, Observe: func(e scheduler.Event) {
				if e.Kind == scheduler.Started {
					began = append(began, e.Job+time.Now().In(w.zone).Format(" 02 15:04 MST"))
				}
			}}, jobs(w)...)
			w.pass(47 * time.Hour)
			h.stop(t)
		})
		return began
	}
	require.Equal(t, []string{"a 08 01:30 EST", "b 08 03:00 EDT", "a 09 01:30 EDT", "b 09 02:00 EDT", "b 09 02:30 EDT"}, began(t, "2026-03-08 00:00"), "right after the gap, once")
	require.Equal(t, []string{"a 01 01:30 EDT", "b 01 02:00 EST", "b 01 02:30 EST", "a 02 01:30 EST", "b 02 02:00 EST", "b 02 02:30 EST"}, began(t, "2026-11-01 00:00"), "once")
}

// failing is a store that can be switched off.
type failing struct {
	*attendancetest.Store
	off bool
}

func (f *failing) Tick(ctx context.Context, job string, at time.Time, owner string) (bool, error) {
	if f.off {
		return false, errors.New("store down")
	}
	return f.Store.Tick(ctx, job, at, owner)
}

func (f *failing) LastTick(ctx context.Context, job string) (time.Time, error) {
	if f.off {
		return time.Time{}, errors.New("store down")
	}
	return f.Store.LastTick(ctx, job)
}

func (f *failing) Lease(ctx context.Context, name, owner string, at time.Time, over attendance.Holder) (attendance.Holder, error) {
	if f.off {
		return attendance.Holder{}, errors.New("store down")
	}
	return f.Store.Lease(ctx, name, owner, at, over)
}

func TestStoreIsDown(t *testing.T) {
	in(t, shanghai, "2026-03-01 12:00", func(w *world) {
		store := &failing{Store: w.store}
		h := w.host(scheduler.Options{Ticks: store, Leases: store}, daily(w.zone))
		w.until("2026-03-01 22:00")
		store.off = true
		w.until("2026-03-01 22:02")
		require.NoError(t, h.Trigger("daily"))
		w.until("2026-03-01 22:03")
		require.Equal(t, []string{"trouble daily (store down)", "started daily manual", "ended daily manual"}, w.said(), "who triggers gets a run")
		w.until("2026-03-01 23:45")
		require.Empty(t, w.said(), "told once")
		store.off = false
		w.until("2026-03-01 23:46")
		require.Equal(t, ran("daily caught_up 03-01 23:30"), w.said())
		store.off = true
		w.until("2026-03-01 23:48")
		store.off = false
		w.until("2026-03-02 12:00")
		require.Equal(t, []string{"trouble daily (store down)"}, w.said(), "told anew")
		h.stop(t)
	})
}

// A store that was put back to an older state does not make a process run again what
// it knows it ran.
func TestStoreIsPutBack(t *testing.T) {
	in(t, shanghai, "2026-03-01 12:00", func(w *world) {
		store := &failing{Store: w.store}
		h := w.host(scheduler.Options{Ticks: store}, daily(w.zone))
		w.until("2026-03-02 12:00")
		require.Equal(t, ran("daily scheduled 03-01 23:30"), w.said())
		old := &attendancetest.Store{}
		_, err := old.Tick(t.Context(), "daily", time.Date(2026, 2, 25, 23, 30, 0, 0, w.zone), "x")
		require.NoError(t, err)
		store.Store = old
		w.until("2026-03-02 12:10")
		require.Empty(t, w.said())
		w.until("2026-03-03 12:10")
		require.Equal(t, ran("daily scheduled 03-02 23:30"), w.said())
		h.stop(t)
	})
}
