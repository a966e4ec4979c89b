package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/oasink"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	// The made-up world. It is always the evening of Monday, 9 March 2026 there.
	shanghai := time.FixedZone("Asia/Shanghai", 8*3600) // a real program: time.LoadLocation
	now := func() time.Time { return time.Date(2026, 3, 9, 18, 30, 0, 0, shanghai) }
	platform := newPlatform(now)
	database, cleanUp, err := newDatabase(ctx)
	if err != nil {
		return err
	}
	defer cleanUp()

	// What a real program writes begins here: the platform, ...
	ding, err := dingtalk.New(dingtalk.Config{
		AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret,
		HTTP: platform.Client(), Now: now,
	})
	if err != nil {
		return err
	}
	// ... the OA, ...
	oa, err := oasink.New(ctx, database.DB(), &oasink.Options{Now: now})
	if err != nil {
		return err
	}
	// ... whose punches: everybody active, bound by job number, ...
	staff := oa.Scope(oasink.Units{}, oasink.ByWorkcode(ding.Directory()))
	// ... and the engine between them.
	syncer := attendance.NewSyncer(ding.Punches(), oa, &attendance.Options{
		Job: "quickstart", Now: now,
		Parallel: 1, // default 4; one after the other prints the same every time
		Observe:  func(e attendance.Event) { progress(out, e) },
	})

	fmt.Fprintln(out, "初始同步 / initial sync of last week:")
	first, last := attendance.Date{Year: 2026, Month: 3, Day: 2}, attendance.Date{Year: 2026, Month: 3, Day: 8}
	week, err := syncer.Run(ctx, staff, attendance.Days(first, last, shanghai))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, week)

	fmt.Fprintln(out, "\n自动同步 / automatic run, today up to now:")
	today, err := syncer.Run(ctx, staff, attendance.Today(shanghai))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, today)

	fmt.Fprintln(out, "\n再次运行 / the same again writes nothing:")
	again, err := syncer.Run(ctx, staff, attendance.LastDays(7, shanghai))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, again)

	fmt.Fprintln(out, "\nOA 所见 / what the OA shows of", people()[shownPerson])
	return printWeek(ctx, out, database, shownPerson+1, first, last.Add(1))
}
