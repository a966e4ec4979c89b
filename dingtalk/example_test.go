package dingtalk_test

import (
	"context"
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

func ExampleClient_Punches() {
	shanghai := time.FixedZone("Asia/Shanghai", 8*3600)
	now := func() time.Time { return time.Date(2026, 3, 3, 9, 0, 0, 0, shanghai) }

	// A fake stands for DingTalk here.
	fake := dingtalktest.New(&dingtalktest.Options{Now: now})
	fake.AddUser(dingtalktest.User{ID: "staff001", Name: "测试甲"})
	fake.AddPunch(
		dingtalktest.Punch{UserID: "staff001", Time: time.Date(2026, 3, 2, 8, 53, 21, 0, shanghai), CheckType: "OnDuty"},
		dingtalktest.Punch{UserID: "staff001", Time: time.Date(2026, 3, 2, 12, 30, 0, 0, shanghai), InvalidType: "Other", InvalidMsg: "需要二次确认"},
		dingtalktest.Punch{UserID: "staff001", Time: time.Date(2026, 3, 2, 18, 7, 45, 0, shanghai), CheckType: "OffDuty", LocationResult: "Outside"},
	)

	ding, err := dingtalk.New(dingtalk.Config{
		AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret,
		HTTP: fake.Client(), Now: now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := ding.Punches().Fetch(context.Background(), attendance.Query{
		Accounts: []string{"staff001"},
		Span:     attendance.Span{From: time.Date(2026, 3, 2, 0, 0, 0, 0, shanghai), To: time.Date(2026, 3, 3, 0, 0, 0, 0, shanghai)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range answer.Punches {
		fmt.Println(p.Account, p.Time.Format(time.DateTime), p.Kind, p.Direction)
	}
	for _, s := range answer.Skipped {
		fmt.Println(s.Account, s.Time.Format(time.DateTime), s.Reason, s.Detail)
	}
	// Output:
	// staff001 2026-03-02 08:53:21 regular in
	// staff001 2026-03-02 18:07:45 outside out
	// staff001 2026-03-02 12:30:00 invalid 需要二次确认
}

func ExampleClient_Directory() {
	fake := dingtalktest.New(nil)
	fake.AddUser(
		dingtalktest.User{ID: "staff001", Name: "测试甲", JobNumber: "A0001", Mobile: "13800000001", StateCode: "86", Departments: []int64{1}},
		dingtalktest.User{ID: "staff002", Name: "测试乙", JobNumber: "A0002", Inactive: true, Departments: []int64{1}},
	)
	ding, err := dingtalk.New(dingtalk.Config{
		AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret, HTTP: fake.Client(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for account, err := range ding.Directory().Accounts(context.Background()) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(account.ID, account.JobNumber, account.Mobile, account.Active)
	}
	// Output:
	// staff001 A0001 13800000001 true
	// staff002 A0002  false
}
