package attendance_test

import (
	"context"
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// utc8 is Beijing time without a time zone database.
func utc8() *time.Location { return time.FixedZone("UTC+8", 8*3600) }

// evening is half past eleven on a day of March.
func evening(day int) time.Time { return time.Date(2026, 3, day, 23, 30, 0, 0, utc8()) }

// platformOfMarch is a platform on which the accounts punched in on every morning of March.
func platformOfMarch(accounts ...string) *attendancetest.Provider {
	p := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour})
	for day := 1; day <= 31; day++ {
		for _, account := range accounts {
			p.Put(attendance.Punch{ID: fmt.Sprint(account, day), Account: account, Time: time.Date(2026, 3, day, 9, 0, 0, 0, utc8()), Kind: attendance.Regular, Direction: attendance.In})
		}
	}
	return p
}

// With a memory an outage is made up for by the next run, and somebody who is bound
// late is read back to the first day that the job has covered. The store is one in
// memory here; in production it is a sqlstore.Store.
func ExampleSinceMark() {
	now := evening(8)
	syncer := attendance.NewSyncer(platformOfMarch("zhang", "li"), &attendancetest.Sink{}, &attendance.Options{
		Job: "hq", Memory: attendance.Remember(&attendancetest.Store{}), Now: func() time.Time { return now },
	})
	zhang := attendance.Member{Person: "17", Account: "zhang", Name: "张三"}
	run := func(people ...attendance.Member) {
		report, err := syncer.Run(context.Background(), attendance.Members(people...), attendance.SinceMark(6, utc8()))
		fmt.Println("from", attendance.DateOf(report.Span.From), "-", report, err)
	}

	run(zhang, attendance.Member{Person: "18", Name: "李四", LeftOut: attendance.Unbound})
	now = evening(20) // nothing ran for twelve days
	run(zhang, attendance.Member{Person: "18", Name: "李四", LeftOut: attendance.Unbound})
	now = evening(21) // 李四 is bound now
	run(zhang, attendance.Member{Person: "18", Account: "li", Name: "李四"})
	// Output:
	// from 2026-03-02 - 7 read, 7 written, 0 there already; 1 left out: 李四 (unbound) <nil>
	// from 2026-03-08 - 12 read, 12 written, 0 there already; 1 left out: 李四 (unbound) <nil>
	// from 2026-03-15 - 27 read, 21 written, 6 there already; 1 caught up to 2026-03-02 <nil>
}

// How far a job is follows from what was read for each person: a failed part holds
// the mark back, somebody whom the platform rejects does not.
func ExampleReadProgress() {
	now := evening(8)
	platform := platformOfMarch("zhang", "li")
	down := false
	platform.Refuse = func(attendance.Query) error {
		if down {
			return &attendance.Error{Code: attendance.CodeUnavailable, Op: "dingtalk"}
		}
		return nil
	}
	store := &attendancetest.Store{}
	syncer := attendance.NewSyncer(platform, &attendancetest.Sink{}, &attendance.Options{
		Job: "hq", Target: "oa", Memory: attendance.Remember(store), Now: func() time.Time { return now },
	})
	staff := attendance.Members(attendance.Member{Person: "17", Account: "zhang"}, attendance.Member{Person: "18", Account: "li"})
	stream := attendance.Stream{Job: "hq", Target: "oa", Source: "dingtalk"}

	for _, fails := range []bool{false, true, false} {
		down = fails
		_, err := syncer.Run(context.Background(), staff, attendance.SinceMark(6, utc8()))
		progress, _ := attendance.ReadProgress(context.Background(), store, stream)
		fmt.Println(err == nil, "- read up to", progress.ReadUpTo.In(utc8()).Format(time.DateTime), "- final up to",
			attendance.DateOf(progress.FinalUpTo(7*24*time.Hour).In(utc8())), "-", progress.Behind, "of", progress.People, "behind")
		now = now.Add(24 * time.Hour)
	}
	// Output:
	// true - read up to 2026-03-08 23:30:00 - final up to 2026-03-01 - 0 of 2 behind
	// false - read up to 2026-03-08 23:30:00 - final up to 2026-03-01 - 2 of 2 behind
	// true - read up to 2026-03-10 23:30:00 - final up to 2026-03-03 - 0 of 2 behind
}

// A preview reads and compares, and changes nothing.
func ExampleSyncer_Preview() {
	syncer := attendance.NewSyncer(platformOfMarch("zhang"), &attendancetest.Sink{}, &attendance.Options{
		Now: func() time.Time { return evening(2) },
		Observe: func(e attendance.Event) {
			for _, row := range e.Slice.Rows {
				fmt.Println(row.Action, row.Table, row.Person, row.Time.Format(time.DateTime))
			}
		},
	})
	staff := attendance.Members(attendance.Member{Person: "17", Account: "zhang"})
	for range 2 {
		report, err := syncer.Preview(context.Background(), staff, attendance.LastDays(1, utc8()))
		fmt.Println(report, err)
	}
	// Output:
	// add rows 17 2026-03-01 09:00:00
	// add rows 17 2026-03-02 09:00:00
	// 2 read, 2 written, 0 there already <nil>
	// add rows 17 2026-03-01 09:00:00
	// add rows 17 2026-03-02 09:00:00
	// 2 read, 2 written, 0 there already <nil>
}

// A backfill that was cut off goes on where it was, under its name, when it is begun
// again within seven days.
func ExampleSyncer_Run_resumed() {
	platform := platformOfMarch("zhang")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	opts := &attendance.Options{
		Job: "hq", Memory: attendance.Remember(&attendancetest.Store{}), Parallel: 1, Now: func() time.Time { return evening(31) },
		Observe: func(e attendance.Event) {
			if e.Slices == 2 {
				stop() // in the middle, as a SIGTERM would
			}
		},
	}
	syncer := attendance.NewSyncer(platform, &attendancetest.Sink{}, opts)
	staff := attendance.Members(attendance.Member{Person: "17", Account: "zhang"})
	march := attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 1}, attendance.Date{Year: 2026, Month: 3, Day: 28}, utc8())

	first, err := syncer.Run(ctx, staff, march)
	fmt.Println(err)
	second, err := syncer.Run(context.Background(), staff, march)
	fmt.Println(err, "- the same run:", first.Run == second.Run)
	fmt.Println(platform.Calls(), "calls for four weeks")
	// Output:
	// context canceled
	// <nil> - the same run: true
	// 4 calls for four weeks
}

// From the fifth of a month on, the month before is closed: what would change there is
// told, and not written.
func ExampleOptions_freezeAfterDay() {
	now := evening(31)
	platform := platformOfMarch("zhang")
	syncer := attendance.NewSyncer(platform, &attendancetest.Sink{}, &attendance.Options{FreezeAfterDay: 5, Now: func() time.Time { return now }})
	staff := attendance.Members(attendance.Member{Person: "17", Account: "zhang"})
	run := func() {
		report, err := syncer.Run(context.Background(), staff, attendance.LastDays(6, utc8()))
		fmt.Println(report, err)
		for _, w := range report.Warnings {
			fmt.Println(w.Code)
		}
	}
	run()
	platform.Put(attendance.Punch{ID: "late", Account: "zhang", Time: time.Date(2026, 3, 31, 18, 0, 0, 0, utc8()), Kind: attendance.Regular, Direction: attendance.Out})
	now = evening(31).AddDate(0, 0, 5) // April 5th
	run()
	// Output:
	// 7 read, 7 written, 0 there already <nil>
	// 3 read, 0 written, 2 there already; skipped: 1 frozen; warnings: frozen <nil>
	// frozen
}

// Two jobs that ask for one account cost twice the calls; bound to two people, it is a
// fault of the bindings.
func ExampleSharedAccounts() {
	store := &attendancetest.Store{}
	for job, person := range map[string]string{"hq": "17", "branch": "18"} {
		syncer := attendance.NewSyncer(platformOfMarch("zhang"), &attendancetest.Sink{}, &attendance.Options{
			Job: job, Memory: attendance.Remember(store), Now: func() time.Time { return evening(8) },
		})
		_, err := syncer.Run(context.Background(), attendance.Members(attendance.Member{Person: person, Account: "zhang"}), attendance.SinceMark(6, utc8()))
		if err != nil {
			fmt.Println(err)
		}
	}
	shared, err := attendance.SharedAccounts(context.Background(), store,
		attendance.Stream{Job: "hq", Source: "dingtalk"}, attendance.Stream{Job: "branch", Source: "dingtalk"})
	fmt.Println(shared, err)
	// Output:
	// [{zhang [hq branch] [17 18]}] <nil>
}
