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

// What the platform has and the target lacks, and the other way round.
func ExampleSyncer_Reconcile() {
	zone := time.FixedZone("UTC+8", 8*3600)
	day := attendance.Date{Year: 2026, Month: 3, Day: 2}
	provider := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour})
	in := attendance.Punch{ID: "1", Account: "zhang", Time: time.Date(2026, 3, 2, 8, 58, 0, 0, zone), Kind: attendance.Regular, Direction: attendance.In}
	out := attendance.Punch{ID: "2", Account: "zhang", Time: time.Date(2026, 3, 2, 18, 3, 0, 0, zone), Kind: attendance.Regular, Direction: attendance.Out}
	provider.Put(in)
	oa, staff := &attendancetest.Sink{}, attendance.Members(attendance.Member{Person: "17", Account: "zhang", Name: "张三", Unit: "研发"})
	syncer := attendance.NewSyncer(provider, oa, nil)
	_, _ = syncer.Run(context.Background(), staff, attendance.Days(day, day, zone))
	provider.Put(out)
	provider.Remove(in.ID)

	r, err := syncer.Reconcile(context.Background(), staff, attendance.Days(day, day, zone), func(d attendance.Difference) {
		fmt.Println(d.Kind, d.Member.Name, d.Time.Format("15:04:05"), d.Direction)
	})
	fmt.Println(r.Sum(), "differences,", r.Units[0].Unit, r.Units[0].People, "people,", r.Report.Calls, "call,", err)
	// Output:
	// only_oa 张三 08:58:00 in
	// only_provider 张三 18:03:00 out
	// 2 differences, 研发 1 people, 1 call, <nil>
}

// Which days a payroll that was exported already has to look at again.
func ExampleChangedSince() {
	zone := time.FixedZone("UTC+8", 8*3600)
	now := time.Date(2026, 4, 2, 23, 30, 0, 0, zone)
	provider := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour})
	provider.Put(attendance.Punch{ID: "1", Account: "zhang", Time: time.Date(2026, 3, 31, 18, 3, 0, 0, zone), Kind: attendance.Regular, Direction: attendance.Out})
	log := &attendancetest.Store{}
	syncer := attendance.NewSyncer(provider, &attendancetest.Sink{}, &attendance.Options{
		Job: "hq", Target: "oa", Memory: attendance.Memory{Runs: log}, Now: func() time.Time { return now }})
	_, _ = syncer.Run(context.Background(), attendance.Members(attendance.Member{Person: "17", Account: "zhang", Name: "张三"}), attendance.LastDays(6, zone))

	changed, err := attendance.ChangedSince(context.Background(), log, attendance.ChangedOptions{
		Since: time.Date(2026, 4, 1, 9, 0, 0, 0, zone), Target: "oa", Last: attendance.Date{Year: 2026, Month: 3, Day: 31}})
	for _, d := range changed.Days {
		fmt.Println(d.Person, d.Name, d.Day)
	}
	fmt.Println(len(changed.Runs), "run,", err)
	// Output:
	// 17 张三 2026-03-31
	// 1 run, <nil>
}
