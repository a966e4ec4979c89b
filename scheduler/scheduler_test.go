package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/scheduler"
)

const shanghai = "Asia/Shanghai"

func TestRunsAtItsTimes(t *testing.T) {
	in(t, shanghai, "2026-03-02 12:00", func(w *world) {
		began := map[string][]string{}
		job := func(name string, s scheduler.Schedule) scheduler.Job {
			return scheduler.Job{Name: name, Schedule: s, Run: func(context.Context) error {
				began[name] = append(began[name], time.Now().In(w.zone).Format("02 15:04:05"))
				return nil
			}}
		}
		ctx, cancel := context.WithTimeout(w.Context(), 36*time.Hour)
		defer cancel()
		require.NoError(t, scheduler.Run(ctx, nil,
			job("daily", scheduler.Daily(23, 30, w.zone)),
			job("twice", scheduler.AnyOf(scheduler.Daily(7, 5, w.zone), scheduler.Daily(19, 5, w.zone))),
			job("often", scheduler.Every(8*time.Hour)),
			job("by cron", scheduler.In(w.zone, cronLike{4, 4})),
			scheduler.Job{Name: "by hand", Run: nothing}))
		require.Equal(t, map[string][]string{
			"daily":   {"02 23:30:00", "03 23:30:00"},
			"twice":   {"02 19:05:00", "03 07:05:00", "03 19:05:00"},
			"often":   {"02 16:07:00", "03 00:07:00", "03 08:07:00", "03 16:07:00"},
			"by cron": {"03 04:04:00"},
		}, began)
	})
}

func TestStillRunning(t *testing.T) {
	in(t, shanghai, "2026-03-02 12:00", func(w *world) {
		h := w.host(scheduler.Options{}, scheduler.Job{Name: "slow", Schedule: scheduler.Every(time.Hour), Run: lasting(90 * time.Minute)})
		w.until("2026-03-02 15:00")
		require.Equal(t, []string{
			"started slow scheduled 03-02 12:07",
			"skipped slow scheduled 03-02 13:07",
			"ended slow scheduled 03-02 12:07",
			"started slow scheduled 03-02 14:07",
		}, w.said())
		h.stop(t)
	})
}

func TestTroubleOfARunIsThatRuns(t *testing.T) {
	in(t, shanghai, "2026-03-02 12:00", func(w *world) {
		var errs []error
		n := 0
		h := w.host(scheduler.Options{Observe: func(e scheduler.Event) {
			if e.Kind == scheduler.Ended {
				errs = append(errs, e.Err)
			}
		}}, scheduler.Job{Name: "bad", Schedule: scheduler.Every(time.Hour), TimeLimit: 10 * time.Minute, Run: func(ctx context.Context) error {
			n++
			switch n {
			case 1:
				panic("at the disco")
			case 2:
				panic(errors.ErrUnsupported)
			case 3:
				return errors.New("no luck")
			case 4:
				return lasting(time.Hour)(ctx)
			case 5:
				runtime.Goexit()
			case 6:
				time.Sleep(20 * time.Minute) // deaf, but done in the end
			}
			return nil
		}})
		w.pass(8 * time.Hour)
		require.Len(t, errs, 8)
		var p *scheduler.PanicError
		require.ErrorAs(t, errs[0], &p)
		require.Equal(t, "panic: at the disco", errs[0].Error())
		require.Contains(t, string(p.Stack), "TestTroubleOfARunIsThatRuns")
		require.ErrorIs(t, errs[1], errors.ErrUnsupported)
		require.EqualError(t, errs[2], "no luck")
		require.ErrorIs(t, errs[3], scheduler.ErrTimeLimit)
		require.ErrorContains(t, errs[4], "Goexit")
		require.NoError(t, errs[5])
		require.NoError(t, errs[6])
		h.stop(t)
	})
}

func TestStopDrainsThenCancels(t *testing.T) {
	for name, c := range map[string]struct {
		drain time.Duration
		rest  time.Duration // of the run, when the host stops
		after time.Duration // how long Run goes on
		err   error
	}{
		"ends by itself":           {time.Minute, 40 * time.Second, 40 * time.Second, nil},
		"is cancelled":             {time.Minute, time.Hour, time.Minute, scheduler.ErrStopped},
		"default":                  {0, time.Hour, 20 * time.Second, scheduler.ErrStopped},
		"is cancelled all at once": {-1, time.Hour, 0, scheduler.ErrStopped},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, shanghai, "2026-03-02 12:00", func(w *world) {
				var err error
				long := lasting(10*time.Minute + c.rest)
				h := w.host(scheduler.Options{Drain: c.drain}, scheduler.Job{Name: "long", Schedule: scheduler.Every(time.Hour), Run: func(ctx context.Context) error {
					err = long(ctx)
					return err
				}}, scheduler.Job{Name: "other", Schedule: scheduler.Interval{Every: time.Hour, Offset: 17*time.Minute + time.Second}, Run: nothing})
				w.until("2026-03-02 12:17")
				require.Equal(t, []string{"started long scheduled 03-02 12:07"}, w.said())
				stopped := time.Now()
				h.stop(t)
				require.Equal(t, c.after, time.Since(stopped))
				require.Equal(t, c.err, err)
				require.Len(t, w.said(), 1, "no other run is begun")
				require.ErrorIs(t, h.Trigger("long"), scheduler.ErrStopped)
				require.ErrorIs(t, h.Run(w.Context()), scheduler.ErrStopped)
			})
		})
	}
}

func TestTrigger(t *testing.T) {
	in(t, shanghai, "2026-03-02 12:00", func(w *world) {
		s, err := scheduler.New(nil, scheduler.Job{Name: "a", Run: nothing})
		require.NoError(t, err)
		require.ErrorIs(t, s.Trigger("a"), scheduler.ErrStopped, "not yet")

		h := w.host(scheduler.Options{},
			scheduler.Job{Name: "off", Disabled: true, Schedule: scheduler.Every(time.Hour), Run: nothing},
			scheduler.Job{Name: "daily", Schedule: scheduler.Daily(12, 30, w.zone), Run: lasting(time.Hour)})
		require.ErrorIs(t, h.Run(w.Context()), scheduler.ErrRunning)
		require.ErrorIs(t, h.Trigger("none"), scheduler.ErrNoJob)
		require.NoError(t, h.Trigger("off"))
		require.Equal(t, []string{"started off manual", "ended off manual"}, w.said())
		w.until("2026-03-02 12:20")
		require.NoError(t, h.Trigger("daily"))
		require.ErrorIs(t, h.Trigger("daily"), scheduler.ErrRunning)
		w.until("2026-03-02 23:00")
		require.Equal(t, []string{"started daily manual", "skipped daily scheduled 03-02 12:30", "ended daily manual"}, w.said())
		require.NoError(t, h.Trigger("daily"))
		h.stop(t)
		require.Equal(t, []string{"started daily manual", "ended daily manual (" + scheduler.ErrStopped.Error() + ")"}, w.said())
	})
}

func TestPreview(t *testing.T) {
	in(t, shanghai, "2026-03-02 12:00", func(w *world) {
		h := w.host(scheduler.Options{},
			scheduler.Job{Name: "daily", Schedule: scheduler.Daily(23, 30, w.zone), Run: nothing},
			scheduler.Job{Name: "off", Disabled: true, Schedule: scheduler.Every(time.Hour), Run: nothing},
			scheduler.Job{Name: "hand", Run: nothing},
			scheduler.Job{Name: "twice", Schedule: scheduler.AnyOf(scheduler.Daily(7, 5, w.zone), scheduler.Daily(19, 5, w.zone)), Run: nothing})
		said := func() (said []string) {
			for _, s := range h.Preview(4) {
				said = append(said, s.Job+s.At.Format(" 02 15:04"))
			}
			return said
		}
		require.Equal(t, []string{"twice 02 19:05", "daily 02 23:30", "twice 03 07:05", "twice 03 19:05"}, said())
		require.Empty(t, h.Preview(0))
		w.until("2026-03-02 20:00")
		w.set(-2 * time.Hour)
		require.Equal(t, "daily 02 23:30", said()[0], "what was run is not run again")
		h.stop(t)
	})
}

func TestEventsAndLogs(t *testing.T) {
	in(t, shanghai, "2026-03-02 12:00", func(w *world) {
		var log strings.Builder
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "time" || a.Key == "stack" {
				return slog.Attr{}
			}
			return a
		}}))
		var events []scheduler.Event
		h := w.host(scheduler.Options{Logger: logger, Observe: func(e scheduler.Event) { events = append(events, e) }},
			scheduler.Job{Name: "hq", Schedule: scheduler.Daily(12, 30, w.zone), Run: func(context.Context) error {
				time.Sleep(time.Minute)
				panic("oh")
			}})
		w.until("2026-03-02 13:00")
		h.stop(t)
		require.Len(t, events, 2)
		at := time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)
		require.Equal(t, scheduler.Event{Kind: scheduler.Started, Job: "hq", At: at, Reason: scheduler.Scheduled, Scheduled: at, Next: at.AddDate(0, 0, 1)}, events[0])
		require.ErrorContains(t, events[1].Err, "oh")
		events[1].Err = nil
		require.Equal(t, scheduler.Event{Kind: scheduler.Ended, Job: "hq", At: at.Add(time.Minute), Reason: scheduler.Scheduled, Scheduled: at, Took: time.Minute, Next: at.AddDate(0, 0, 1)}, events[1])
		require.Equal(t, `level=INFO msg="scheduler: started" job=hq reason=scheduled scheduled=2026-03-02T04:30:00.000Z next=2026-03-03T04:30:00.000Z
level=ERROR msg="scheduler: ended" job=hq reason=scheduled scheduled=2026-03-02T04:30:00.000Z took=1m0s error="panic: oh" next=2026-03-03T04:30:00.000Z
`, log.String())
	})
}

func TestAScheduleThatFails(t *testing.T) {
	in(t, shanghai, "2026-03-02 12:00", func(w *world) {
		h := w.host(scheduler.Options{},
			scheduler.Job{Name: "stuck", Schedule: backwards{}, Run: nothing},
			scheduler.Job{Name: "over", Schedule: once{}, Run: nothing},
			scheduler.Job{Name: "good", Schedule: scheduler.Daily(12, 30, w.zone), Run: nothing})
		w.until("2026-03-02 13:00")
		said := w.said()
		require.Len(t, said, 3, said)
		require.Contains(t, said[0], "trouble stuck (the schedule does not go forward")
		require.Equal(t, []string{"started good scheduled 03-02 12:30", "ended good scheduled 03-02 12:30"}, said[1:])
		h.stop(t)
	})
}

func TestContextOfTheHost(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
		var got any
		require.NoError(t, scheduler.Run(ctx, nil, scheduler.Job{Name: "a", Schedule: scheduler.Every(time.Hour), Run: func(ctx context.Context) error {
			got = ctx.Value(key{})
			cancel()
			require.NoError(t, ctx.Err(), "the run may end by itself")
			return nil
		}}))
		require.Equal(t, "kept", got)
	})
}
