package dingtalktest_test

import (
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/stretchr/testify/require"
)

func TestCheckInDepartment(t *testing.T) {
	from := at("2026-03-02 00:00:00")
	r := newRig(t, nil)
	r.fake.AddDepartment(dingtalktest.Department{ID: 10, Name: "销售"}, dingtalktest.Department{ID: 11, Parent: 10}, dingtalktest.Department{ID: 20})
	r.fake.AddUser(
		dingtalktest.User{ID: "a", Name: "甲", Departments: []int64{10, 11}},
		dingtalktest.User{ID: "b", Name: "乙", Departments: []int64{11}},
		dingtalktest.User{ID: "c", Name: "丙", Departments: []int64{20}},
	)
	for i := range 150 {
		user := string(rune('a' + i%3))
		r.fake.AddCheckIn(dingtalktest.CheckIn{UserID: user, Time: from.Add(time.Duration(i) * time.Minute), Place: "客户大厦",
			DetailPlace: "某路3号", Remark: "上门服务", Longitude: 120.017394, Latitude: 30.286053})
	}
	ask := func(change ...string) reply {
		q := url.Values{"department_id": {"1"}, "start_time": {strconv.FormatInt(from.UnixMilli(), 10)},
			"end_time": {strconv.FormatInt(from.AddDate(0, 0, 45).UnixMilli(), 10)}}
		for i := 0; i < len(change); i += 2 {
			q.Set(change[i], change[i+1])
		}
		return r.get("/checkin/record", q)
	}
	require.Len(t, r.rows(ask(), "data"), 150)
	require.Len(t, r.rows(ask("size", "100"), "data"), 150, "size alone does not page")
	require.Len(t, r.rows(ask("offset", "100"), "data"), 150, "nor does offset")
	page1, page2 := r.rows(ask("size", "100", "offset", "0"), "data"), r.rows(ask("size", "100", "offset", "100"), "data")
	require.Len(t, page1, 100)
	require.Len(t, page2, 50)
	require.Empty(t, r.rows(ask("size", "100", "offset", "150"), "data"))
	require.Equal(t, []string{"a", "b", "c"}, column(page1[:3], "userId"), "by time")
	require.Equal(t, []string{"c", "b", "a"}, column(r.rows(ask("order", "desc"), "data")[:3], "userId"))
	require.Len(t, r.rows(ask("department_id", "10"), "data"), 100, "with the departments below, nobody twice")
	require.Len(t, r.rows(ask("department_id", "11"), "data"), 100)
	require.Len(t, r.rows(ask("department_id", "20"), "data"), 50)
	last := strconv.FormatInt(from.Add(149*time.Minute).UnixMilli(), 10)
	require.Len(t, r.rows(ask("start_time", last, "end_time", last), "data"), 1)

	first := ask("size", "1", "offset", "0")
	require.JSONEq(t, `{"errcode":0,"errmsg":"ok","data":[{"name":"甲","userId":"a","avatar":"","timestamp":1772380800000,"place":"客户大厦","detailPlace":"某路3号","remark":"上门服务","imageList":[],"latitude":30.286053,"longitude":120.017394}]}`, first.raw)

	for _, test := range [][3]string{
		{"department_id", "", "40035"}, {"start_time", "", "40035"}, {"end_time", "", "40035"},
		{"department_id", "99", "60003"}, {"department_id", "x", "40009"}, {"start_time", "x", "400002"},
		{"end_time", "1", "400002"}, {"order", "up", "400002"}, {"size", "101", "40069"}, {"size", "0", "40069"}, {"offset", "-1", "40068"},
		{"end_time", strconv.FormatInt(from.AddDate(0, 0, 45).UnixMilli()+1, 10), "400002"},
	} {
		require.Equal(t, test[2], ask(test[0], test[1]).code(), test)
	}

	users := make([]dingtalktest.User, 998)
	for i := range users {
		users[i] = dingtalktest.User{ID: fmt.Sprint("u", i), Departments: []int64{11}}
	}
	r.fake.AddUser(users...)
	require.Equal(t, "0", ask("department_id", "10").code(), "1000 people")
	r.fake.AddUser(dingtalktest.User{ID: "one more", Departments: []int64{11}})
	require.Equal(t, "400002", ask("department_id", "10").code(), "1001 people, below")
	require.Equal(t, "400002", ask().code())
	require.Equal(t, "0", ask("department_id", "20").code())
}

func TestCheckInUsers(t *testing.T) {
	from := at("2026-03-02 00:00:00")
	const day = 24 * 3600 * 1000
	r := newRig(t, nil)
	for i := range 250 {
		r.fake.AddCheckIn(dingtalktest.CheckIn{UserID: "a", Time: from.Add(time.Duration(i) * time.Minute), Place: "客户大厦",
			DetailPlace: "某路3号", Remark: "上门服务", Longitude: 120.017394, Latitude: 30.286046})
	}
	r.fake.AddCheckIn(dingtalktest.CheckIn{UserID: "b", Time: from})
	ask := func(change object) reply {
		body := object{"userid_list": "a", "start_time": from.UnixMilli(), "end_time": from.UnixMilli() + day, "cursor": 0, "size": 100}
		for name, value := range change {
			if value == nil {
				delete(body, name)
			} else {
				body[name] = value
			}
		}
		return r.post("/topapi/checkin/record/get", body)
	}
	var sizes []int
	cursor := any(0)
	for cursor != nil {
		answer := ask(object{"cursor": cursor})
		sizes = append(sizes, len(r.rows(answer, "page_list")))
		cursor = answer.body["result"].(object)["next_cursor"]
	}
	require.Equal(t, []int{100, 100, 50}, sizes)
	require.Len(t, r.rows(ask(object{"userid_list": "b,nobody"}), "page_list"), 1)
	require.Contains(t, ask(object{"size": 1}).raw, `{"errcode":0,"result":{"next_cursor":1,"page_list":[{"userid":"a","checkin_time":1772380800000,"place":"客户大厦","detail_place":"某路3号","longitude":"120.017394","latitude":"30.286046","remark":"上门服务","visit_user":"","image_list":[]}]},"request_id":"req`)

	for name, test := range map[string]struct {
		change object
		code   string
	}{
		"10 accounts":            {object{"userid_list": "a,b,c,d,e,f,g,h,i,j"}, "0"},
		"11 accounts":            {object{"userid_list": "a,b,c,d,e,f,g,h,i,j,k"}, "40032"},
		"no account":             {object{"userid_list": ""}, "40032"},
		"an array":               {object{"userid_list": []string{"a"}}, "40032"},
		"one, 10 days":           {object{"end_time": from.UnixMilli() + 10*day}, "0"},
		"one, more":              {object{"end_time": from.UnixMilli() + 10*day + 1}, "400002"},
		"two, a day":             {object{"userid_list": "a,b"}, "0"},
		"two, more":              {object{"userid_list": "a,b", "end_time": from.UnixMilli() + day + 1}, "400002"},
		"turned round":           {object{"end_time": 1}, "400002"},
		"a time as text":         {object{"end_time": "1"}, "400002"},
		"no start":               {object{"start_time": nil}, "40035"},
		"no end":                 {object{"end_time": nil}, "40035"},
		"no cursor":              {object{"cursor": nil}, "40035"},
		"no size":                {object{"size": nil}, "40035"},
		"a size above 100":       {object{"size": 101}, "40069"},
		"a size below 1":         {object{"size": 0}, "40069"},
		"a negative cursor":      {object{"cursor": -1}, "40068"},
		"a cursor after the end": {object{"cursor": 251}, "0"},
	} {
		require.Equal(t, test.code, ask(test.change).code(), name)
	}

	r.fake.RemoveUser("a")
	require.Empty(t, r.rows(ask(nil), "page_list"))
	require.Panics(t, func() { r.fake.AddCheckIn(dingtalktest.CheckIn{UserID: "a"}) })

	for _, exclusive := range []bool{false, true} {
		r := newRig(t, &dingtalktest.Options{ExclusiveTo: exclusive})
		r.fake.AddUser(dingtalktest.User{ID: "a"})
		r.fake.AddCheckIn(dingtalktest.CheckIn{UserID: "a", Time: from}, dingtalktest.CheckIn{UserID: "a", Time: from.Add(-1)},
			dingtalktest.CheckIn{UserID: "a", Time: from.AddDate(0, 0, 1)})
		want := []string{millis("2026-03-02 00:00:00")}
		if !exclusive {
			want = append(want, millis("2026-03-03 00:00:00"))
		}
		answer := r.post("/topapi/checkin/record/get", object{"userid_list": "a", "start_time": from.UnixMilli(), "end_time": from.UnixMilli() + day, "cursor": 0, "size": 100})
		require.Equal(t, want, column(r.rows(answer, "page_list"), "checkin_time"))
		answer = r.get("/checkin/record", url.Values{"department_id": {"1"}, "start_time": {fmt.Sprint(from.UnixMilli())}, "end_time": {fmt.Sprint(from.UnixMilli() + day)}})
		require.Equal(t, want, column(r.rows(answer, "data"), "timestamp"))
	}
}
