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
