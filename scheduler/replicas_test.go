package scheduler_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/scheduler"
)

// replica starts a process that may be killed, of jobs made by make.
func (w *world) replica(owner string, leases bool, jobs ...scheduler.Job) *host {
	w.Helper()
	d := mortal(w.store)
	opts := scheduler.Options{Ticks: d, Owner: owner}
	if leases {
		opts.Leases = d
	}
	own := make([]scheduler.Job, len(jobs))
	for i, j := range jobs {
		own[i] = j
		own[i].Run = d.run(j.Run)
	}
	return w.host(opts, own...)
}

func lasts(d time.Duration, job scheduler.Job) scheduler.Job {
	job.Run = lasting(d)
	return job
}

func TestReplicasRunEachTimeOnce(t *testing.T) {
	for _, leases := range []bool{true, false} {
		in(t, shanghai, "2026-03-01 12:00", func(w *world) {
			hourly := scheduler.Job{Name: "hourly", Schedule: scheduler.Every(time.Hour), Run: nothing}
			a, b, c := w.replica("a", leases, hourly), w.replica("b", leases, hourly), w.replica("c", leases, hourly)
			w.until("2026-03-01 14:00")
			started, ended, claimed := count(w.said())
			require.Equal(t, map[string]int{"hourly scheduled 03-01 12:07": 1, "hourly scheduled 03-01 13:07": 1}, started)
			require.Equal(t, started, ended)
			require.Equal(t, map[string]int{"hourly 03-01 12:07 elsewhere": 2, "hourly 03-01 13:07 elsewhere": 2}, claimed, "the others know")
			a.stop(t)
			b.stop(t)
			w.until("2026-03-01 15:00")
			require.Equal(t, ran("hourly scheduled 03-01 14:07"), w.said())
			c.stop(t)
		})
	}
}

func count(lines []string) (started, ended, claimed map[string]int) {
	started, ended, claimed = map[string]int{}, map[string]int{}, map[string]int{}
	for _, l := range lines {
		for prefix, m := range map[string]map[string]int{"started ": started, "ended ": ended, "claimed ": claimed} {
			if len(l) > len(prefix) && l[:len(prefix)] == prefix {
				m[l[len(prefix):]]++
			}
		}
	}
	return started, ended, claimed
}

// Processes whose schedules count from when they are asked agree on the times all
// the same, because they are asked with what was claimed.
func TestReplicasOfAnUnanchoredSchedule(t *testing.T) {
	in(t, shanghai, "2026-03-01 12:00", func(w *world) {
		job := scheduler.Job{Name: "each", Schedule: unanchored(time.Hour), Run: nothing}
		a := w.replica("a", true, job)
		w.until("2026-03-01 12:20")
		b := w.replica("b", true, job)
		w.until("2026-03-01 14:59")
		started, _, _ := count(w.said())
		require.Equal(t, map[string]int{"each scheduled 03-01 13:00": 1, "each scheduled 03-01 14:00": 1}, started)
		a.stop(t)
		b.stop(t)
	})
}

func TestARunOfAnotherProcessIsSeen(t *testing.T) {
	in(t, shanghai, "2026-03-01 12:00", func(w *world) {
		slow := scheduler.Job{Name: "slow", Schedule: scheduler.Every(time.Hour), Run: lasting(100 * time.Minute)}
		a := w.replica("a", true, slow)
		w.until("2026-03-01 12:08")
		b := w.replica("b", true, slow)
		require.NoError(t, b.Trigger("slow"))
		w.until("2026-03-01 12:30")
		require.Equal(t, []string{"started slow scheduled 03-01 12:07", "skipped slow manual elsewhere"}, w.said())
		w.until("2026-03-01 13:00")
		require.ErrorIs(t, a.Trigger("slow"), scheduler.ErrRunning)
		w.until("2026-03-01 14:00")
		started, ended, _ := count(w.said())
		require.Empty(t, started, "13:07 is skipped, whoever claimed it")
		require.Len(t, ended, 1)
		require.NoError(t, b.Trigger("slow"))
		w.until("2026-03-01 14:20")
		started, _, _ = count(w.said())
		require.Equal(t, map[string]int{"slow manual": 1}, started, "also behind a manual run")
		w.until("2026-03-01 15:00")
		started, _, _ = count(w.said())
		require.Empty(t, started)
		a.stop(t)
		b.stop(t)
	})
}

// A run that ends has dealt with the times that were skipped because of it, also those
// that only a process with a faster clock knows of.
func TestASkippedTimeIsDealtWith(t *testing.T) {
	in(t, shanghai, "2026-03-01 12:00", func(w *world) {
		job := scheduler.Job{Name: "slow", Schedule: scheduler.Every(time.Hour), Run: lasting(57*time.Minute + 40*time.Second)}
		a := w.replica("a", true, job)
		w.until("2026-03-01 12:08")
		fast := w.host(scheduler.Options{Ticks: w.store, Leases: w.store, Now: func() time.Time { return w.now().Add(150 * time.Second) }}, job)
		w.until("2026-03-01 13:30")
		require.Equal(t, []string{"started slow scheduled 03-01 12:07", "skipped slow scheduled 03-01 13:07 elsewhere", "ended slow scheduled 03-01 12:07", "claimed slow 03-01 13:07 elsewhere"}, w.said())
		a.stop(t)
		fast.stop(t)
	})
}

// What is left of a killed process does not hold up its successors.
func TestAProcessDiesInARun(t *testing.T) {
	in(t, shanghai, "2026-03-01 23:00", func(w *world) {
		job := lasts(10*time.Minute, daily(w.zone))
		a := w.replica("a", true, job)
		w.until("2026-03-01 23:29")
		b := w.replica("b", true, job)
		w.until("2026-03-01 23:33")
		require.ElementsMatch(t, []string{"started daily scheduled 03-01 23:30", "claimed daily 03-01 23:30 elsewhere"}, w.said())
		killed, left := a, b
		if ownerOf(w, "daily") == "b" {
			killed, left = b, a
		}
		killed.kill()
		w.pass(15 * time.Second)
		require.Equal(t, []string{"started daily cut_off 03-01 23:30"}, w.said(), "within a quarter of a minute")
		w.until("2026-03-02 12:00")
		require.Equal(t, []string{"ended daily cut_off 03-01 23:30"}, w.said())
		c := w.replica("c", true, job)
		w.until("2026-03-02 23:20")
		require.Empty(t, w.said())
		w.until("2026-03-03 12:00")
		started, _, _ := count(w.said())
		require.Equal(t, map[string]int{"daily scheduled 03-02 23:30": 1}, started)
		left.stop(t)
		c.stop(t)
	})
}

// ownerOf is the process that holds the lease of the job, by the first letter.
func ownerOf(w *world, job string) string {
	w.Helper()
	holder, err := w.store.Lease(w.Context(), "schedule "+job, "nobody", w.now(), attendance.Holder{})
	require.NoError(w, err)
	return holder.Owner[:1]
}

// The lease of a process that died in a manual run is taken over by the next run.
func TestAProcessDiesInAManualRun(t *testing.T) {
	in(t, shanghai, "2026-03-01 23:00", func(w *world) {
		job := lasts(10*time.Minute, daily(w.zone))
		a := w.replica("a", true, job)
		w.until("2026-03-01 23:10")
		require.NoError(t, a.Trigger("daily"))
		w.until("2026-03-01 23:15")
		a.kill()
		w.pass(time.Second)
		_ = w.said()
		b := w.replica("b", true, job)
		require.NoError(t, b.Trigger("daily"))
		w.pass(7 * time.Second)
		require.Empty(t, w.said(), "it may live")
		w.pass(3 * time.Second)
		require.Equal(t, []string{"started daily manual"}, w.said())
		b.stop(t)
	})
}

func TestACutOffRunIsTooOld(t *testing.T) {
	in(t, shanghai, "2026-03-01 23:00", func(w *world) {
		job := lasts(10*time.Minute, daily(w.zone))
		job.MissedWithin = time.Hour
		a := w.replica("a", true, job)
		w.until("2026-03-01 23:35")
		a.kill()
		_ = w.said()
		w.until("2026-03-02 00:35")
		b := w.replica("b", true, job)
		w.until("2026-03-02 12:00")
		require.Equal(t, []string{"missed daily 03-01 23:30"}, w.said())
		b.stop(t)
	})
}

// dawdling is a store whose leases take their time.
type dawdling struct{ *attendancetest.Store }

func (d dawdling) Lease(ctx context.Context, name, owner string, at time.Time, over attendance.Holder) (attendance.Holder, error) {
	time.Sleep(15 * time.Second)
	return d.Store.Lease(ctx, name, owner, at, over)
}

// A run that ends while another process looks whether it died is not run once more.
func TestARunEndsWhileItIsLookedAt(t *testing.T) {
	for d := 10 * time.Minute; d < 11*time.Minute; d += 5 * time.Second {
		in(t, shanghai, "2026-03-01 23:29", func(w *world) {
			job := lasts(d, daily(w.zone))
			a := w.replica("a", true, job)
			w.pass(90 * time.Second)
			b := w.host(scheduler.Options{Ticks: w.store, Leases: dawdling{w.store}}, job)
			w.pass(time.Hour)
			require.Equal(t, ran("daily scheduled 03-01 23:30"), w.said())
			a.stop(t)
			b.stop(t)
		})
	}
}

func TestAProcessDiesBetweenClaimAndRun(t *testing.T) {
	for _, leases := range []bool{true, false} {
		in(t, shanghai, "2026-03-01 23:00", func(w *world) {
			job := daily(w.zone)
			var hosts []*host
			var died atomic.Bool
			for _, name := range []string{"a", "b"} {
				h := w.replica(name, leases, job)
				h.dead.dieAt(func(job string, at time.Time) bool {
					return job == "daily" && at.Minute() == 30 && died.CompareAndSwap(false, true)
				})
				hosts = append(hosts, h)
			}
			w.until("2026-03-02 12:00")
			require.True(t, died.Load())
			started, _, _ := count(w.said())
			if leases {
				require.Equal(t, map[string]int{"daily cut_off 03-01 23:30": 1}, started)
			} else {
				require.Empty(t, started, "nobody knows")
			}
			w.until("2026-03-03 12:00")
			started, _, _ = count(w.said())
			require.Equal(t, map[string]int{"daily scheduled 03-02 23:30": 1}, started, "the next makes up for it")
			for _, h := range hosts {
				h.stop(t)
			}
		})
	}
}

// A run that kills its process is not run for ever.
func TestARunThatKills(t *testing.T) {
	in(t, shanghai, "2026-03-01 23:00", func(w *world) {
		var current atomic.Pointer[host]
		deaths := 0
		job := daily(w.zone)
		job.Run = func(ctx context.Context) error {
			deaths++
			current.Load().kill()
			<-ctx.Done()
			return ctx.Err()
		}
		for range 10 {
			h := w.replica("a", true, job)
			current.Store(h)
			w.pass(35 * time.Minute)
			h.stop(t)
		}
		require.Equal(t, 2, deaths)
		require.Equal(t, []string{"started daily scheduled 03-01 23:30", "started daily cut_off 03-01 23:30", "missed daily 03-01 23:30"}, w.said())
	})
}

// A run that the host's stop cut off is gone on with by the process that comes after it.
func TestAStoppedRunIsRunOnceMore(t *testing.T) {
	in(t, shanghai, "2026-03-01 23:00", func(w *world) {
		job := lasts(10*time.Minute, daily(w.zone))
		a := w.replica("a", true, job)
		w.until("2026-03-01 23:31")
		a.stop(t)
		require.Equal(t, []string{"started daily scheduled 03-01 23:30", "ended daily scheduled 03-01 23:30 (" + scheduler.ErrStopped.Error() + ")"}, w.said())
		b := w.replica("b", true, job)
		w.pass(time.Minute)
		require.Equal(t, []string{"started daily cut_off 03-01 23:30"}, w.said())
		w.pass(25 * time.Hour)
		require.Equal(t, append([]string{"ended daily cut_off 03-01 23:30"}, ran("daily scheduled 03-02 23:30")...), w.said())
		b.stop(t)

		c := w.replica("c", true, job) // nothing is left open when the drain was enough
		w.pass(2 * time.Hour)
		require.Empty(t, w.said())
		require.NoError(t, c.Trigger("daily"))
		c.stop(t)
		_ = w.said()
		d := w.replica("d", true, job)
		w.pass(10 * time.Minute)
		require.Empty(t, w.said(), "a manual run is owed to nobody")
		d.stop(t)
	})
}

// One process's clock is wrong: the times are run once all the same, and the others do
// not wait for the wrong year.
func TestOneClockIsWrong(t *testing.T) {
	in(t, shanghai, "2026-03-01 12:00", func(w *world) {
		job := daily(w.zone)
		right := w.replica("right", true, job)
		late := func(by time.Duration) scheduler.Options {
			return scheduler.Options{Ticks: w.store, Leases: w.store, Now: func() time.Time { return w.now().Add(by) }}
		}
		slow := w.host(late(-10*time.Minute), job)
		w.until("2026-03-02 12:00")
		require.Equal(t, map[string]int{"daily scheduled 03-01 23:30": 1}, begun(w.said()))
		slow.stop(t)
		fast := w.host(late(10*time.Minute), job)
		w.until("2026-03-03 12:00")
		require.Equal(t, map[string]int{"daily scheduled 03-02 23:30": 1}, begun(w.said()))
		fast.stop(t)

		mad := w.host(late(365*24*time.Hour), job)
		w.pass(time.Minute)
		_ = w.said()
		mad.stop(t)
		w.until("2026-03-06 12:00")
		started := begun(w.said())
		require.Equal(t, map[string]int{"daily scheduled 03-03 23:30": 1, "daily scheduled 03-04 23:30": 1, "daily scheduled 03-05 23:30": 1}, started)
		right.stop(t)
	})
}

func begun(lines []string) map[string]int {
	started, _, _ := count(lines)
	return started
}
