package attendance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// A host needs a provider, a sink, people and days. Here both ends are the ones
// for tests; in production they are dingtalk.Punches and an oasink.Sink.
func ExampleSyncer_Run() {
	zone := time.FixedZone("UTC+8", 8*3600)
	provider := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour})
	provider.Put(
		attendance.Punch{ID: "1", Account: "zhang", Time: time.Date(2026, 3, 2, 8, 58, 0, 0, zone), Kind: attendance.Regular, Direction: attendance.In},
		attendance.Punch{ID: "2", Account: "zhang", Time: time.Date(2026, 3, 2, 18, 3, 0, 0, zone), Kind: attendance.Regular, Direction: attendance.Out},
	)
	staff := attendance.Members(
		attendance.Member{Person: "17", Account: "zhang", Name: "张三"},
		attendance.Member{Person: "18", Name: "李四", LeftOut: attendance.Unbound},
	)
	now := func() time.Time { return time.Date(2026, 3, 2, 23, 30, 0, 0, zone) }
	syncer := attendance.NewSyncer(provider, &attendancetest.Sink{}, &attendance.Options{Now: now})

	for range 2 {
		report, err := syncer.Run(context.Background(), staff, attendance.LastDays(6, zone))
		fmt.Println(report, err)
	}
	// Output:
	// 2 read, 2 written, 0 there already; 1 left out: 李四 (unbound) <nil>
	// 2 read, 0 written, 2 there already; 1 left out: 李四 (unbound) <nil>
}

// Days that have changed are told to the host, with their neighbours, at least once.
func ExampleNewRecalculation() {
	zone := time.FixedZone("UTC+8", 8*3600)
	now := func() time.Time { return time.Date(2026, 3, 2, 23, 30, 0, 0, zone) }
	provider := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour})
	provider.Put(attendance.Punch{ID: "1", Account: "zhang", Time: now().Add(-time.Hour), Kind: attendance.Regular, Direction: attendance.Out})
	compute := func(_ context.Context, days []attendance.PersonDay) error {
		fmt.Println("compute", days)
		return nil
	}
	sink := attendance.NewRecalculation(&attendancetest.Sink{}, compute, &attendance.RecalculationOptions{Now: now})
	syncer := attendance.NewSyncer(provider, sink, &attendance.Options{Now: now})

	staff := attendance.Members(attendance.Member{Person: "17", Account: "zhang"})
	for range 2 {
		report, err := syncer.Run(context.Background(), staff, attendance.LastDays(6, zone))
		fmt.Println(report, err)
	}
	left, err := sink.Recalculate(context.Background(), zone) // what has failed on the way
	fmt.Println(left, err)
	// Output:
	// compute [{17 2026-03-01} {17 2026-03-02}]
	// 1 read, 1 written, 0 there already <nil>
	// 1 read, 0 written, 1 there already <nil>
	// [] <nil>
}

// A slice can travel through a queue to another machine.
func ExampleSyncer_Do() {
	zone := time.FixedZone("UTC+8", 8*3600)
	provider := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour})
	syncer := attendance.NewSyncer(provider, &attendancetest.Sink{}, nil)
	staff := attendance.Members(attendance.Member{Person: "17", Account: "zhang"})
	day := attendance.Date{Year: 2026, Month: 3, Day: 2}

	plan, _ := syncer.Plan(attendance.Days(day, day.Add(9), zone))
	for slice := range plan.Slices(context.Background(), staff, nil, nil) {
		message, _ := json.Marshal(slice)
		fmt.Println(string(message))

		var received attendance.Slice
		_ = json.Unmarshal(message, &received)
		_, err := syncer.Do(context.Background(), received)
		fmt.Println(err)
	}
	// Output:
	// {"members":[{"person":"17","account":"zhang"}],"from":"2026-03-02T00:00:00+08:00","to":"2026-03-09T00:00:00+08:00","zone":"+08:00"}
	// <nil>
	// {"members":[{"person":"17","account":"zhang"}],"from":"2026-03-09T00:00:00+08:00","to":"2026-03-12T00:00:00+08:00","zone":"+08:00"}
	// <nil>
}

// Punches and field check-ins of one application are two families of records; one
// of them may be forbidden without costing the other.
func ExampleRunTogether() {
	zone := time.FixedZone("UTC+8", 8*3600)
	punches := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour})
	punches.Put(attendance.Punch{ID: "1", Account: "zhang", Time: time.Date(2026, 3, 2, 8, 58, 0, 0, zone), Kind: attendance.Regular, Direction: attendance.In})
	visits := attendancetest.NewProvider("dingtalk-checkin", attendance.Limits{Accounts: 1000, Span: 45 * 24 * time.Hour})
	visits.Refuse = func(attendance.Query) error {
		return &attendance.Error{Code: attendance.CodePermission, Op: "dingtalk /checkin/record", Detail: "permission qyapi_checkin_read is missing"}
	}
	oa := &attendancetest.Sink{}
	staff := attendance.Members(attendance.Member{Person: "17", Account: "zhang", Name: "张三"})
	day := attendance.Date{Year: 2026, Month: 3, Day: 2}

	report, err := attendance.RunTogether(context.Background(), staff, attendance.Days(day, day, zone),
		attendance.NewSyncer(punches, oa, nil), attendance.NewSyncer(visits, oa, nil))
	fmt.Println(report.Written, "written")
	fmt.Println(attendance.CodeOf(err), attendance.CodeOf(err).Refusal())
	fmt.Println(report.Failed[0].Message)
	// Output:
	// 1 written
	// permission true
	// dingtalk /checkin/record: permission: permission qyapi_checkin_read is missing (apply for the named permission in the platform's console)
}

// Why is Zhang San's punch of the 2nd not in the OA?
func ExampleSyncer_Explain() {
	zone := time.FixedZone("UTC+8", 8*3600)
	provider := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour})
	provider.Put(attendance.Punch{ID: "1", Account: "zhang", Time: time.Date(2026, 3, 2, 18, 7, 0, 0, zone), Kind: attendance.Regular, Direction: attendance.Out})
	staff := attendance.Members(attendance.Member{Person: "17", Account: "zhang", Name: "张三"})
	syncer := attendance.NewSyncer(provider, &attendancetest.Sink{}, &attendance.Options{
		Job: "hq", Memory: attendance.Remember(&attendancetest.Store{}),
		Now: func() time.Time { return time.Date(2026, 3, 2, 19, 0, 0, 0, zone) },
	})
	e, err := syncer.Explain(context.Background(), staff, attendance.Question{
		Person: "17", Day: attendance.Date{Year: 2026, Month: 3, Day: 2}, Zone: zone,
		Next: time.Date(2026, 3, 2, 23, 30, 0, 0, zone), Window: attendance.SinceMark(6, zone),
	})
	fmt.Println(e.Cause, err)
	fmt.Print(e)
	// Output:
	// not_read <nil>
	// 张三（17）2026-03-02：无需处理：下次运行（2026-03-02 23:30:00）会自动补上；同步日志中没有该任务的任何运行。
	// 张三 (17), 2026-03-02: Nothing to do: the next run at 2026-03-02 23:30:00 brings it; the sync log holds no run of this job at all.
	// + scope: 该人员在同步范围内 / the scope holds the person
	// + binding: 已绑定平台账号 zhang / bound to the account zhang
	// - coverage: dingtalk：未读取；同步日志中没有该任务的任何运行 / dingtalk: not read; the sync log holds no run of this job
	// + platform: dingtalk 现有账号 zhang 在 2026-03-02 的记录 1 条（调用 1 次） / dingtalk holds of the account zhang on 2026-03-02 now: records 1 (calls 1)
	// - records: 2026-03-02 18:07:00 打卡（下班）：尚未被任何运行读取 / 2026-03-02 18:07:00 regular out: not read by any run yet
	// - rows: OA 中没有这一天的行 / the OA holds no row of this day
}
