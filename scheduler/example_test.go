package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/scheduler"
)

// A host runs its jobs until its own context ends. The store here says that yesterday's
// time was the last, so that the run of today, which was missed, comes at once.
func ExampleRun() {
	shanghai, _ := time.LoadLocation("Asia/Shanghai")
	store := &attendancetest.Store{}
	_, _ = store.Tick(context.Background(), "hq", time.Date(2026, 3, 1, 23, 30, 0, 0, shanghai), "")
	now := func() time.Time { return time.Date(2026, 3, 3, 8, 0, 0, 0, shanghai) }

	ctx, stop := context.WithCancel(context.Background())
	daily := scheduler.Job{Name: "hq", Schedule: scheduler.Daily(23, 30, shanghai), Run: func(ctx context.Context) error {
		fmt.Println("syncing") // syncer.Run(ctx, staff, attendance.SinceMark(6, shanghai))
		stop()                 // a real host goes on
		return nil
	}}
	err := scheduler.Run(ctx, &scheduler.Options{Ticks: store, Leases: store, Now: now, Observe: func(e scheduler.Event) {
		fmt.Println(e.Kind, e.Job, e.Reason, e.Scheduled.In(shanghai).Format("01-02 15:04"))
	}}, daily)
	fmt.Println(err)
	// Output:
	// started hq caught_up 03-02 23:30
	// syncing
	// ended hq caught_up 03-02 23:30
	// <nil>
}

func ExampleDaily() {
	newYork, _ := time.LoadLocation("America/New_York")
	night := scheduler.Daily(2, 30, newYork)
	for _, t := range scheduler.Upcoming(night, time.Date(2026, 3, 7, 0, 0, 0, 0, newYork), 3) {
		fmt.Println(t) // the clocks go from 02:00 to 03:00 on the 8th
	}
	late := scheduler.Daily(1, 30, newYork)
	for _, t := range scheduler.Upcoming(late, time.Date(2026, 10, 31, 12, 0, 0, 0, newYork), 2) {
		fmt.Println(t) // and from 02:00 back to 01:00 on the 1st
	}
	// Output:
	// 2026-03-07 02:30:00 -0500 EST
	// 2026-03-08 03:00:00 -0400 EDT
	// 2026-03-09 02:30:00 -0400 EDT
	// 2026-11-01 01:30:00 -0400 EDT
	// 2026-11-02 01:30:00 -0500 EST
}

func ExampleAnyOf() {
	zone := time.FixedZone("UTC+8", 8*3600)
	twice := scheduler.AnyOf(scheduler.Daily(12, 45, zone), scheduler.Daily(23, 30, zone))
	for _, t := range scheduler.Upcoming(twice, time.Date(2026, 3, 2, 0, 0, 0, 0, zone), 3) {
		fmt.Println(t.Format("01-02 15:04"))
	}
	// Output:
	// 03-02 12:45
	// 03-02 23:30
	// 03-03 12:45
}

// Away from the full hour, and not all companies at once.
func ExampleInterval() {
	for _, company := range []string{"acme", "globex"} {
		often := scheduler.Interval{Every: 2 * time.Hour, Offset: 10 * time.Minute, Jitter: 40 * time.Minute, Seed: company}
		for _, t := range scheduler.Upcoming(often, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), 3) {
			fmt.Print(t.Format("15:04:05 "))
		}
		fmt.Println(company)
	}
	// Output:
	// 00:35:07 02:41:37 04:26:16 acme
	// 00:14:23 02:10:08 04:31:04 globex
}

// Schedules of github.com/robfig/cron go by the zone of the time they are asked with.
func ExampleIn() {
	zone := time.FixedZone("UTC+8", 8*3600)
	schedule := cronLike{23, 30} // cron.ParseStandard("30 23 * * *")
	fmt.Println(scheduler.In(zone, schedule).Next(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	// Output: 2026-03-02 23:30:00 +0800 UTC+8
}

func ExampleScheduler_Preview() {
	zone := time.FixedZone("UTC+8", 8*3600)
	sync := func(context.Context) error { return nil }
	s, _ := scheduler.New(&scheduler.Options{Now: func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, zone) }},
		scheduler.Job{Name: "punches", Schedule: scheduler.Daily(23, 30, zone), Run: sync},
		scheduler.Job{Name: "directory", Schedule: scheduler.Daily(3, 10, zone), Run: sync},
		scheduler.Job{Name: "old", Disabled: true, Schedule: scheduler.Daily(4, 10, zone), Run: sync})
	for _, start := range s.Preview(3) {
		fmt.Println(start.At.Format("01-02 15:04"), start.Job)
	}
	// Output:
	// 03-02 23:30 punches
	// 03-03 03:10 directory
	// 03-03 23:30 punches
}

// One job begins another, which has no schedule. An HTTP handler triggers in the same
// way, and answers 409 to ErrRunning, 404 to ErrNoJob, 503 to ErrStopped.
func ExampleScheduler_Trigger() {
	zone := time.FixedZone("UTC+8", 8*3600)
	ctx, stop := context.WithCancel(context.Background())
	store := &attendancetest.Store{}
	_, _ = store.Tick(ctx, "directory", time.Date(2026, 3, 1, 3, 10, 0, 0, zone), "")
	now := func() time.Time { return time.Date(2026, 3, 2, 3, 10, 0, 0, zone) }

	var s *scheduler.Scheduler
	s, _ = scheduler.New(&scheduler.Options{Ticks: store, Now: now},
		scheduler.Job{Name: "directory", Schedule: scheduler.Daily(3, 10, zone), Run: func(context.Context) error {
			fmt.Println("directory")
			fmt.Println(s.Trigger("directory"))
			fmt.Println(errors.Is(s.Trigger("payroll"), scheduler.ErrNoJob))
			return s.Trigger("departments")
		}},
		scheduler.Job{Name: "departments", Run: func(context.Context) error {
			defer stop()
			fmt.Println("departments")
			return nil
		}})
	_ = s.Run(ctx)
	// Output:
	// directory
	// scheduler: job "directory": it is running
	// true
	// departments
}

func ExampleCheck() {
	zone := time.FixedZone("UTC+8", 8*3600)
	for _, f := range scheduler.Check(time.Date(2026, 3, 2, 12, 0, 0, 0, zone),
		scheduler.Job{Name: "hq", Schedule: scheduler.Daily(0, 10, zone), Window: attendance.Today(zone)},
		scheduler.Job{Name: "plant", Schedule: scheduler.Daily(3, 30, zone), Window: attendance.LastDays(6, zone)},
		scheduler.Job{Name: "directory", Schedule: scheduler.Daily(3, 0, zone), Directory: true}) {
		fmt.Println(f.Level, f.Code, f.Message.EN)
	}
	// Output:
	// warning only_today hq: it starts at 00:10 and reads only that same day, which has hardly begun
	// warning contact_sync_close plant: it starts at 03:30, 30 minutes from the directory sync at 03:00
}

// Nothing of the scheduler is needed where the host has one of its own: a job is a
// function.
func ExampleJob() {
	job := scheduler.Job{Name: "hq", Run: func(context.Context) error {
		fmt.Println("syncing")
		return nil
	}}
	host := func(run func(context.Context) error) { fmt.Println(run(context.Background())) } // any runtime
	host(job.Run)
	// Output:
	// syncing
	// <nil>
}
