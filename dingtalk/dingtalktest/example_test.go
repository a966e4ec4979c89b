package dingtalktest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// A program under test takes an *http.Client; its test hands it the fake's.
func Example() {
	zone := time.FixedZone("Asia/Shanghai", 8*3600)
	fake := dingtalktest.New(&dingtalktest.Options{
		Now: func() time.Time { return time.Date(2026, 3, 5, 12, 0, 0, 0, zone) },
	})
	fake.AddUser(dingtalktest.User{ID: "staff001", Name: "测试甲", JobNumber: "A0001"})
	fake.AddPunch(dingtalktest.Punch{
		UserID: "staff001", CheckType: "OnDuty",
		Time: time.Date(2026, 3, 5, 8, 53, 21, 0, zone),
	})

	n, err := punchesOf(fake.Client(), "staff001")
	fmt.Println(n, err)

	fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Busy, Times: 1})
	n, err = punchesOf(fake.Client(), "staff001")
	fmt.Println(n, err)

	fmt.Println(fake.Requests(dingtalktest.PathListRecord), "calls,", fake.Metered(), "metered")
	// Output:
	// 1 <nil>
	// 0 errcode -1: 系统繁忙
	// 2 calls, 2 metered
}

// punchesOf stands for the program under test.
func punchesOf(client *http.Client, user string) (int, error) {
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := decodeAnswer(client.Get("https://oapi.dingtalk.com/gettoken?appkey=" + dingtalktest.DefaultAppKey +
		"&appsecret=" + dingtalktest.DefaultAppSecret))(&token); err != nil {
		return 0, err
	}
	body := fmt.Appendf(nil, `{"userIds":[%q],"checkDateFrom":"2026-03-05 00:00:00","checkDateTo":"2026-03-06 00:00:00"}`, user)
	var answer struct {
		ErrCode      int              `json:"errcode"`
		ErrMsg       string           `json:"errmsg"`
		RecordResult []map[string]any `json:"recordresult"`
	}
	err := decodeAnswer(client.Post("https://oapi.dingtalk.com/attendance/listRecord?access_token="+token.AccessToken,
		"application/json", bytes.NewReader(body)))(&answer)
	if err == nil && answer.ErrCode != 0 {
		err = fmt.Errorf("errcode %d: %s", answer.ErrCode, answer.ErrMsg)
	}
	return len(answer.RecordResult), err
}

func decodeAnswer(resp *http.Response, err error) func(into any) error {
	return func(into any) error {
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return json.NewDecoder(resp.Body).Decode(into)
	}
}

// A company of any size takes no memory: its punches are computed when they are
// asked for.
func ExamplePopulate() {
	fake := dingtalktest.New(nil)
	dingtalktest.Populate(fake, dingtalktest.Company{People: 1000, Days: 30})
	first := fake.Users()[0]
	fmt.Println(len(fake.Users()), first.ID, first.JobNumber)
	// Output: 1000 staff000001 A000001
}
