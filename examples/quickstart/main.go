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
	"github.com/punchbridge/punchbridge/wecom"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
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
	// ... whose punches: everybody of sub-company 1, bound by job number, ...
	staff := oa.Scope(oasink.Units{Subcompanies: []int64{1}}, oasink.ByWorkcode(ding.Directory()))
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

	// The branch office, sub-company 2, punches in WeCom: another provider, the same
	// OA. Its userids are the job numbers, in whatever case.
	wx, err := wecom.New(wecom.Config{
		CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret,
		HTTP: newWecom(now).Client(), Now: now,
	})
	if err != nil {
		return err
	}
	staff = oa.Scope(oasink.Units{Subcompanies: []int64{2}}, oasink.ByWorkcode(wx.Directory()).ForWeCom())
	fmt.Fprintln(out, "\n企业微信 / the branch office, by WeCom:")
	visits, err := attendance.NewSyncer(wx.CheckIns(), oa, &attendance.Options{
		Job: "branch", Now: now, Observe: func(e attendance.Event) { progress(out, e) },
	}).Run(ctx, staff, attendance.LastDays(7, shanghai))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, visits)

	fmt.Fprintln(out, "\nOA 所见 / what the OA shows of", people()[shownPerson])
	if err := printWeek(ctx, out, database, shownPerson+1, first, last.Add(1)); err != nil {
		return err
	}
	fmt.Fprintln(out, "OA 所见 / and of", branch()[visitor])
	return printWeek(ctx, out, database, branchFirst+visitor, first, last.Add(1))
}
