// Package punchbridge moves attendance punches (考勤打卡) from DingTalk (钉钉) and
// WeCom (企业微信) into the OA database of Weaver e-cology (泛微): the tables HrmScheduleSign (sign-in and
// sign-out) and mobile_sign (field). It is a library that a host embeds; the
// runtime stays the host's.
//
// This package holds no code. Import what you need:
//
//   - [github.com/punchbridge/punchbridge/attendance]: the words and the engine
//   - [github.com/punchbridge/punchbridge/dingtalk]: DingTalk punches, field check-ins, directory
//   - [github.com/punchbridge/punchbridge/wecom]: WeCom check-ins (上下班, 外出), directory
//   - [github.com/punchbridge/punchbridge/oasink]: the e-cology database: sink, roster, bindings
//   - [github.com/punchbridge/punchbridge/attendance/sqlstore]: what runs remember, on a database of the host's choice
//   - [github.com/punchbridge/punchbridge/scheduler]: jobs at their times, for hosts without a scheduler of their own
//   - [github.com/punchbridge/punchbridge/provider]: the toolkit for writing another provider, and budgets of calls
//
// # A complete first program
//
//	ding, err := dingtalk.New(dingtalk.Config{AppKey: key, AppSecret: secret})
//	oa, err := oasink.New(ctx, db, nil) // db is your *bun.DB; the columns are probed here
//	staff := oa.Scope(oasink.Units{Departments: []int64{11, 12}}, oasink.ByWorkcode(ding.Directory()))
//
//	syncer := attendance.NewSyncer(ding.Punches(), oa, nil)
//	report, err := syncer.Run(ctx, staff, attendance.LastDays(6, shanghai))
//	fmt.Println(report) // 1,400 read, 1,390 written, 8 there already; 1 left out: 张三 (unbound)
//
// For WeCom the first and the third line differ:
//
//	wx, err := wecom.New(wecom.Config{CorpID: corp, Secret: secret, ContactSecret: contact})
//	staff := oa.Scope(oasink.Units{}, oasink.ByWorkcode(wx.Directory()).ForWeCom())
//	syncer := attendance.NewSyncer(wx.CheckIns(), oa, nil)
//
// Any range of any length works (attendance.Days); it is cut to the platform's
// limits. Run the program again and it writes nothing. Whatever was not written, and
// whoever was not asked for, stands in the report with a reason.
//
// The same as a program that runs without any set-up, with a made-up company and an
// OA database in a file: go run ./examples/quickstart
//
// # Memory and times
//
// With a memory the runs of a job close gaps by themselves: outages, failed parts, people who
// join or are bound late, people who leave. A backfill that was killed goes on when it is begun
// again, a second run waits for the first, and the sync log tells what every run did
// (attendance.Memory, attendance.SinceMark, attendance.ReadProgress):
//
//	state, err := sqlstore.New(ctx, stateDB, nil)
//	syncer := attendance.NewSyncer(ding.Punches(), oa, &attendance.Options{Job: "hq", Memory: attendance.Remember(state)})
//	daily := scheduler.Job{Name: "hq", Schedule: scheduler.Daily(23, 30, shanghai), Run: func(ctx context.Context) error {
//		_, err := syncer.Run(ctx, staff, attendance.SinceMark(6, shanghai))
//		return err
//	}}
//	err = scheduler.Run(ctx, &scheduler.Options{Ticks: state, Leases: state}, daily) // until ctx ends
//
// Syncer.Preview tells what a run would change. Options.FreezeAfterDay closes months. The
// platform's monthly calls are counted over restarts by provider.StoredBudget. Changes in
// the OA can be followed by a recalculation of the days (attendance.NewRecalculation).
//
// # What is promised
//
// A punch is at most one row, however often and by however many processes it is
// read. Rows of other writers, people and days are never touched. Missing-punch
// rows and invalid records never become punches. Nothing vanishes silently. One bad
// account, record or slice costs the others nothing. Secrets stay out of logs,
// errors and reports. Importing the library does nothing.
package punchbridge
