package attendance_test

import (
	"context"
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

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
