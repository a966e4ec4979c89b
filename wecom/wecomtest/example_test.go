package wecomtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// A program under test takes an *http.Client; its test hands it the fake's.
func Example() {
	zone := time.FixedZone("Asia/Shanghai", 8*3600)
	fake := wecomtest.New(&wecomtest.Options{
		Now: func() time.Time { return time.Date(2026, 3, 5, 12, 0, 0, 0, zone) },
	})
	fake.AddUser(wecomtest.User{ID: "zhangsan", Name: "测试甲", JobNumber: "A0001"})
	fake.AddRecord(
		wecomtest.Record{UserID: "zhangsan", Type: "上班打卡", Time: time.Date(2026, 3, 5, 8, 53, 21, 0, zone)},
		wecomtest.Record{UserID: "zhangsan", Type: "下班打卡", Exception: "未打卡", Time: time.Date(2026, 3, 5, 18, 0, 0, 0, zone)},
	)

	n, err := rowsOf(fake.Client(), "zhangsan")
	fmt.Println(n, "rows, one of them ahead:", err)

	fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 301022, Times: 1})
	n, err = rowsOf(fake.Client(), "zhangsan")
	fmt.Println(n, err)

	fake.AllowCheckIn(false)
	n, err = rowsOf(fake.Client(), "zhangsan")
	fmt.Println(n, err)

	fmt.Println(fake.Requests(wecomtest.PathCheckIn), "calls")
	// Output:
	// 2 rows, one of them ahead: <nil>
	// 0 errcode 301022
	// 0 errcode 48002
	// 3 calls
}

// rowsOf stands for the program under test.
func rowsOf(client *http.Client, user string) (int, error) {
	const base = "https://qyapi.weixin.qq.com/cgi-bin"
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := decodeAnswer(client.Get(base + "/gettoken?corpid=" + wecomtest.DefaultCorpID + "&corpsecret=" + wecomtest.DefaultSecret))(&token); err != nil {
		return 0, err
	}
	body := fmt.Appendf(nil, `{"opencheckindatatype":3,"starttime":1772640000,"endtime":1772726399,"useridlist":[%q]}`, user)
	var answer struct {
		ErrCode     int              `json:"errcode"`
		CheckInData []map[string]any `json:"checkindata"`
	}
	err := decodeAnswer(client.Post(base+"/checkin/getcheckindata?access_token="+token.AccessToken, "application/json", bytes.NewReader(body)))(&answer)
	if err == nil && answer.ErrCode != 0 {
		err = fmt.Errorf("errcode %d", answer.ErrCode)
	}
	return len(answer.CheckInData), err
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

// A company of any size takes no memory: its records are computed when they are
// asked for.
func ExamplePopulate() {
	fake := wecomtest.New(nil)
	wecomtest.Populate(fake, wecomtest.Company{People: 1000, Days: 30})
	first := fake.Users()[0]
	fmt.Println(len(fake.Users()), first.ID, first.JobNumber)
	// Output: 1000 staff000001 A000001
}
