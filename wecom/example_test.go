package wecom_test

import (
	"context"
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/wecom"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// world is a fake that stands for WeCom, and its time.
func world() (*wecomtest.Server, func() time.Time, *time.Location) {
	shanghai := time.FixedZone("Asia/Shanghai", 8*3600)
	now := func() time.Time { return time.Date(2026, 3, 3, 9, 0, 0, 0, shanghai) }
	return wecomtest.New(&wecomtest.Options{Now: now}), now, shanghai
}

func ExampleClient_CheckIns() {
	fake, now, shanghai := world()
	fake.AddUser(wecomtest.User{ID: "ZhangSan", Name: "张三"})
	fake.AddRecord(
		wecomtest.Record{UserID: "ZhangSan", Time: time.Date(2026, 3, 2, 8, 53, 21, 0, shanghai)},
		wecomtest.Record{UserID: "ZhangSan", Type: "外出打卡", Time: time.Date(2026, 3, 2, 14, 5, 0, 0, shanghai), Notes: "拜访客户"},
		wecomtest.Record{UserID: "ZhangSan", Type: "下班打卡", Exception: "未打卡", Time: time.Date(2026, 3, 2, 18, 0, 0, 0, shanghai)},
	)

	wx, err := wecom.New(wecom.Config{
		CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret,
		HTTP: fake.Client(), Now: now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := wx.CheckIns().Fetch(context.Background(), attendance.Query{
		Accounts: []string{"zhangsan"}, // userids have no case
		Span:     attendance.Span{From: time.Date(2026, 3, 2, 0, 0, 0, 0, shanghai), To: time.Date(2026, 3, 3, 0, 0, 0, 0, shanghai)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range answer.Punches {
		fmt.Printf("%s %v %v %q\n", p.Time.Format("15:04:05"), p.Kind, p.Direction, p.Remark)
	}
	for _, s := range answer.Skipped {
		fmt.Println(s.Time.Format("15:04:05"), "skipped:", s.Reason)
	}
	// Output:
	// 08:53:21 regular in ""
	// 14:05:00 field undirected "拜访客户"
	// 18:00:00 skipped: missing_punch
}

func ExampleClient_Directory() {
	fake, now, _ := world()
	fake.AddUser(
		wecomtest.User{ID: "ZhangSan", Name: "张三"},
		wecomtest.User{ID: "LiSi", Name: "李四", Status: 4})
	wx, err := wecom.New(wecom.Config{
		CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret,
		ContactSecret: wecomtest.DefaultContactSecret, // 通讯录同步: everybody
		HTTP:          fake.Client(), Now: now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for account, err := range wx.Directory().Accounts(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(account.ID, account.Name, account.Active)
	}
	// Output:
	// ZhangSan 张三 true
	// LiSi 李四 false
}

func ExampleClient_Check() {
	fake, now, _ := world()
	fake.AddUser(wecomtest.User{ID: "ZhangSan", Name: "张三"})
	fake.AllowCheckIn(false) // not listed under 打卡 → 可调用接口的应用
	wx, err := wecom.New(wecom.Config{
		CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret,
		HTTP: fake.Client(), Now: now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range wx.Check(context.Background()) {
		if f.Level == attendance.LevelError {
			fmt.Println(f.Code)
			fmt.Println(f.Mend.ZH)
		}
	}
	// Output:
	// permission
	// 请在管理后台 → 应用管理 → 打卡 → 可调用接口的应用 中勾选该应用，并确认其可见范围包含相关人员，且所填 Secret 属于该应用
}
