package wecomtest_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
	"github.com/stretchr/testify/require"
)

func ids(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("staff%03d", i+1)
	}
	return list
}

func TestCheckInRefusesWhatIsDocumented(t *testing.T) {
	from := at("2026-03-02 00:00:00").Unix()
	const day = 24 * 3600
	long := with(askA, object{"endtime": from + 3*day + 1})
	oldThirdParty := wecomtest.Options{App: wecomtest.ThirdParty, OldThirdParty: true}
	for name, test := range map[string]struct {
		body any
		code string
		opts wecomtest.Options
	}{
		"a good one":               {body: askA, code: "0"},
		"100 people":               {body: with(askA, object{"useridlist": ids(100)}), code: "0"},
		"101 people":               {body: with(askA, object{"useridlist": ids(101)}), code: "301023"},
		"nobody":                   {body: with(askA, object{"useridlist": []string{}}), code: "301023"},
		"an empty id":              {body: with(askA, object{"useridlist": []string{""}}), code: "40058"},
		"an id alone":              {body: with(askA, object{"useridlist": "a"}), code: "40058"},
		"ids as numbers":           {body: with(askA, object{"useridlist": []int{1}}), code: "40058"},
		"no people":                {body: with(askA, object{"useridlist": nil}), code: "40058"},
		"another name":             {body: with(askA, object{"useridlist": nil, "userIdList": []string{"a"}}), code: "40058"},
		"no type":                  {body: with(askA, object{"opencheckindatatype": nil}), code: "40058"},
		"no start":                 {body: with(askA, object{"starttime": nil}), code: "40058"},
		"no end":                   {body: with(askA, object{"endtime": nil}), code: "40058"},
		"type 1":                   {body: with(askA, object{"opencheckindatatype": 1}), code: "0"},
		"type 2":                   {body: with(askA, object{"opencheckindatatype": 2}), code: "0"},
		"type 0":                   {body: with(askA, object{"opencheckindatatype": 0}), code: "40058"},
		"type 4":                   {body: with(askA, object{"opencheckindatatype": 4}), code: "40058"},
		"type as a string":         {body: with(askA, object{"opencheckindatatype": "3"}), code: "40058"},
		"a time as a string":       {body: with(askA, object{"starttime": fmt.Sprint(from)}), code: "40058"},
		"a time with a fraction":   {body: with(askA, object{"starttime": float64(from) + .5}), code: "40058"},
		"30 days":                  {body: with(askA, object{"endtime": from + 30*day}), code: "0"},
		"30 days and a second":     {body: with(askA, object{"endtime": from + 30*day + 1}), code: "301024"},
		"31 days, where they do":   {body: with(askA, object{"endtime": from + 31*day}), code: "0", opts: wecomtest.Options{MaxSpan: 31 * day * time.Second}},
		"a second":                 {body: with(askA, object{"endtime": from + 1}), code: "0"},
		"no time":                  {body: with(askA, object{"endtime": from}), code: "301024"},
		"turned round":             {body: with(askA, object{"endtime": from - 1}), code: "301024"},
		"a start of 0":             {body: with(askA, object{"starttime": 0, "endtime": 1}), code: "301024"},
		"a negative start":         {body: with(askA, object{"starttime": -1, "endtime": 1}), code: "301024"},
		"milliseconds":             {body: with(askA, object{"starttime": from * 1000, "endtime": from*1000 + 1}), code: "301024"},
		"the end of time":          {body: with(askA, object{"endtime": int64(1<<63 - 1)}), code: "301024"},
		"third party":              {body: long, code: "0", opts: wecomtest.Options{App: wecomtest.ThirdParty}},
		"old third party, type 1":  {body: with(long, object{"opencheckindatatype": 1}), code: "0", opts: oldThirdParty},
		"old third party, type 2":  {body: with(long, object{"opencheckindatatype": 2}), code: "301024", opts: oldThirdParty},
		"old third party, type 3":  {body: long, code: "301024", opts: oldThirdParty},
		"old third party, 3 days":  {body: with(askA, object{"endtime": from + 3*day}), code: "0", opts: oldThirdParty},
		"self-built, as of old":    {body: long, code: "0", opts: wecomtest.Options{OldThirdParty: true}},
		"delegated":                {body: long, code: "0", opts: wecomtest.Options{App: wecomtest.Delegated}},
		"a list":                   {body: "[]", code: "40058"},
		"null":                     {body: "null", code: "40058"},
		"half":                     {body: `{"starttime":`, code: "40058"},
		"a form":                   {body: "starttime=1", code: "40058"},
		"nothing":                  {body: "", code: "301023"},
		"white space":              {body: " \n", code: "301023"},
		"not UTF-8":                {body: `{"opencheckindatatype":3,"starttime":1,"endtime":2,"useridlist":["` + "\xc0" + `"]}`, code: "40058"},
		"an escape":                {body: `{"opencheckindatatype":3,"starttime":1,"endtime":2,"useridlist":["\u5f20"]}`, code: "40033"},
		"a backslash before a u":   {body: `{"opencheckindatatype":3,"starttime":1,"endtime":2,"useridlist":["\\u5f20"]}`, code: "0"},
		"another escape":           {body: `{"opencheckindatatype":3,"starttime":1,"endtime":2,"useridlist":["\t\u003c"]}`, code: "40033"},
		"Go's escape of HTML":      {body: with(askA, object{"useridlist": []string{"<"}}), code: "40033"},
		"raw UTF-8":                {body: with(askA, object{"useridlist": []string{"张三"}}), code: "0"},
		"an unknown field besides": {body: with(askA, object{"more": 1}), code: "0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, &test.opts)
			answer := r.post(wecomtest.PathCheckIn, test.body)
			require.Equal(t, test.code, answer.code(), answer.raw)
			require.Equal(t, 200, answer.status)
			require.Equal(t, []any{}, answer.body["checkindata"], "errors have the array, too")
			log := r.fake.Log()
			require.Equal(t, test.code, log[len(log)-1].Code)
		})
	}

	t.Run("another content type", func(t *testing.T) {
		r := newRig(t, nil)
		for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
			req := r.request(wecomtest.PathCheckIn, askA)
			req.Header.Set("Content-Type", kind)
			require.Equal(t, "301023", r.do(req).code())
		}
		req := r.request(wecomtest.PathCheckIn, askA)
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
		require.Equal(t, "0", r.do(req).code())
	})
	t.Run("another method", func(t *testing.T) {
		r := newRig(t, nil)
		req := r.request(wecomtest.PathCheckIn, askA)
		req.Method = http.MethodGet
		require.Equal(t, "301023", r.do(req).code())
	})
}

func TestErrorsHaveTheirTail(t *testing.T) {
	r := newRig(t, nil)
	want := func(hint string) string {
		return `{"errcode":301023,"errmsg":"userlist is over threshold, hint: [1772683200` + hint +
			`], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com/devtool/query?e=301023","checkindata":[]}`
	}
	require.Equal(t, want("000000000000001"), r.post(wecomtest.PathCheckIn, "").raw)
	require.Equal(t, want("000000000000002"), r.post(wecomtest.PathCheckIn, "").raw)
	answer := r.get(wecomtest.PathUser, url.Values{})
	require.NotContains(t, answer.body, "checkindata")
	require.Contains(t, answer.body["errmsg"], "from ip: "+wecomtest.DefaultAddress+", more info at ")
	require.Equal(t, "application/json; charset=UTF-8", answer.header.Get("Content-Type"))
	require.Equal(t, noon.UTC().Format(http.TimeFormat), answer.header.Get("Date"))
	require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).header.Get("Error-Code"))
}

func TestRowShapes(t *testing.T) {
	r := newRig(t, nil)
	r.fake.AddUser(wecomtest.User{ID: "ZhangSan"}, wecomtest.User{ID: "lisi"})
	r.fake.AddRecord(
		wecomtest.Record{UserID: "lisi", Time: at("2024-03-04 18:00:00"), Type: "下班打卡", Exception: "未打卡", Group: "总部考勤",
			Scheduled: at("2024-03-04 18:00:00"), GroupID: 7, TimelineID: 1},
		wecomtest.Record{UserID: "lisi", Time: at("2024-03-04 14:20:33"), Type: "外出打卡", Title: "示例产业园", Detail: "示例省\"示例市\"园区路9号",
			Notes: "拜访客户", Located: true, Latitude: 30.547645, Longitude: 104.063236},
		wecomtest.Record{UserID: "zhangsan", Time: at("2024-03-04 08:57:12"), Group: "总部考勤", WifiName: "Corp-WiFi-3F", Title: "示例大厦",
			Scheduled: at("2024-03-04 09:00:00"), GroupID: 7, ScheduleID: 3, TimelineID: 1, Located: true, Latitude: 31.2304159, Longitude: -121.473701},
		wecomtest.Record{UserID: "zhangsan", Time: at("2024-03-05 01:10:00"), Type: "下班打卡", Day: at("2024-03-04 12:00:00"),
			Scheduled: at("2024-03-05 01:00:00"), ScheduledAsOffset: true},
		wecomtest.Record{UserID: "zhangsan", Time: at("2024-03-04 12:00:00"), Bare: true, Scheduled: at("2024-03-04 12:00:00"), GroupID: 7,
			Extra: object{"lng": nil, "lat": "0", "mediaids": []string{"MEDIA-0001"}}},
	)
	answer := r.post(wecomtest.PathCheckIn, ask(3, "2024-03-04 00:00:00", "2024-03-04 23:59:59", "lisi", "ZHANGSAN", "lisi", "nobody"))
	require.JSONEq(t, `{"errcode":0,"errmsg":"ok","checkindata":[
		{"userid":"lisi","groupname":"","checkin_type":"外出打卡","exception_type":"","checkin_time":1709533233,"location_title":"示例产业园","location_detail":"示例省\"示例市\"园区路9号","wifiname":"","notes":"拜访客户","wifimac":"","mediaids":[],"groupid":0,"schedule_id":0,"timeline_id":0,"lat":30547645,"lng":104063236,"deviceid":"DEV-lisi"},
		{"userid":"lisi","groupname":"总部考勤","checkin_type":"下班打卡","exception_type":"未打卡","checkin_time":1709546400,"location_title":"","location_detail":"","wifiname":"","notes":"","wifimac":"","mediaids":[],"sch_checkin_time":1709546400,"groupid":7,"schedule_id":0,"timeline_id":1,"lat":0,"lng":0},
		{"userid":"ZhangSan","groupname":"总部考勤","checkin_type":"上班打卡","exception_type":"","checkin_time":1709513832,"location_title":"示例大厦","location_detail":"","wifiname":"Corp-WiFi-3F","notes":"","wifimac":"02:00:5e:10:00:01","mediaids":[],"sch_checkin_time":1709514000,"groupid":7,"schedule_id":3,"timeline_id":1,"lat":31230416,"lng":-121473701,"deviceid":"DEV-ZhangSan"},
		{"userid":"ZhangSan","groupname":"","checkin_type":"上班打卡","exception_type":"","checkin_time":1709524800,"location_title":"","location_detail":"","wifiname":"","notes":"","wifimac":"","mediaids":["MEDIA-0001"],"lat":"0"},
		{"userid":"ZhangSan","groupname":"","checkin_type":"下班打卡","exception_type":"","checkin_time":1709572200,"location_title":"","location_detail":"","wifiname":"","notes":"","wifimac":"","mediaids":[],"sch_checkin_time":90000,"groupid":0,"schedule_id":0,"timeline_id":0,"lat":0,"lng":0,"deviceid":"DEV-ZhangSan"}
	]}`, answer.raw)
	require.True(t, strings.HasPrefix(answer.raw, `{"errcode":0,"errmsg":"ok","checkindata":[{"userid":"lisi","groupname":"","checkin_type":`), "the samples' order")

	for name, test := range map[string]struct {
		opts    wecomtest.Options
		without []string
		row     object
	}{
		"third party":     {opts: wecomtest.Options{App: wecomtest.ThirdParty}, row: object{"lat": json.Number("0"), "lng": json.Number("0"), "deviceid": "DEV-a", "sch_checkin_time": json.Number(fmt.Sprint(noon.Unix()))}},
		"old third party": {opts: wecomtest.Options{App: wecomtest.ThirdParty, OldThirdParty: true}, without: []string{"lat", "lng", "deviceid", "sch_checkin_time"}},
	} {
		r := newRig(t, &test.opts)
		r.fake.AddUser(wecomtest.User{ID: "a"})
		r.fake.AddRecord(wecomtest.Record{UserID: "a", Time: at("2026-03-02 09:00:00"), Scheduled: noon, Located: true, GroupID: 7, ScheduleID: 3, TimelineID: 1})
		row := r.checkIns(3, "2026-03-02 00:00:00", "2026-03-03 00:00:00", "a")[0]
		for _, key := range test.without {
			require.NotContains(t, row, key, name)
		}
		for key, value := range test.row {
			require.Equal(t, value, row[key], name)
		}
	}
}

func TestTypes(t *testing.T) {
	for _, also := range []bool{false, true} {
		r := newRig(t, &wecomtest.Options{TypeTwoPlaceholders: also})
		r.fake.AddUser(wecomtest.User{ID: "a"})
		for i, row := range []wecomtest.Record{{}, {Type: "下班打卡"}, {Type: "外出打卡"}, {Exception: "未打卡"}, {Exception: "时间异常;未打卡", Type: "下班打卡"}, {Exception: "时间异常"}} {
			row.UserID, row.Time = "a", at("2026-03-02 09:00:00").Add(time.Duration(i)*time.Minute)
			r.fake.AddRecord(row)
		}
		minutes := func(kind int) string {
			var text strings.Builder
			for _, at := range times(r.checkIns(kind, "2026-03-02 00:00:00", "2026-03-02 23:59:59", "a")) {
				text.WriteString(at[15:16])
			}
			return text.String()
		}
		require.Equal(t, "01345", minutes(1))
		require.Equal(t, map[bool]string{false: "2", true: "234"}[also], minutes(2))
		require.Equal(t, "012345", minutes(3))
	}
}

func TestInvisiblePeople(t *testing.T) {
	for model, code := range map[wecomtest.InvisibleModel]string{
		wecomtest.InvisibleSilent: "0", wecomtest.Invisible301021: "301021", wecomtest.Invisible60111: "60111",
		wecomtest.Invisible60011: "60011", wecomtest.Invisible40003: "40003",
	} {
		r := newRig(t, &wecomtest.Options{Invisible: model, VisibleDepartments: []int64{10}, VisibleUsers: []string{"EXTRA"}})
		r.fake.AddDepartment(wecomtest.Department{ID: 10}, wecomtest.Department{ID: 11, Parent: 10}, wecomtest.Department{ID: 20})
		for id, department := range map[string]int64{"seen": 10, "below": 11, "extra": 20, "hidden": 20, "left": 10} {
			r.fake.AddUser(wecomtest.User{ID: id, Departments: []int64{department}})
			r.fake.AddRecord(wecomtest.Record{UserID: id, Time: at("2026-03-02 09:00:00")})
		}
		r.fake.AddRecord(wecomtest.Record{UserID: "never", Time: at("2026-03-02 09:00:00")})
		r.fake.RemoveUser("LEFT", "nobody")

		require.Equal(t, []string{"seen", "below", "extra"},
			column(r.checkIns(3, "2026-03-02 00:00:00", "2026-03-02 23:59:59", "Seen", "BELOW", "extra"), "userid"))
		for _, id := range []string{"hidden", "left", "never", "nobody"} {
			answer := r.post(wecomtest.PathCheckIn, ask(3, "2026-03-02 00:00:00", "2026-03-02 23:59:59", "seen", id))
			require.Equal(t, code, answer.code(), id)
			if model == wecomtest.InvisibleSilent {
				require.Equal(t, []string{"seen"}, column(r.rows(answer, "checkindata"), "userid"))
			} else {
				require.Equal(t, []any{}, answer.body["checkindata"])
			}
		}
		r.fake.AddUser(wecomtest.User{ID: "Left", Departments: []int64{10}})
		require.Equal(t, []string{"Left"}, column(r.checkIns(3, "2026-03-02 00:00:00", "2026-03-02 23:59:59", "left"), "userid"), "back again")
	}
	r := newRig(t, &wecomtest.Options{VisibleDepartments: []int64{}})
	r.fake.AddUser(wecomtest.User{ID: "a"})
	r.fake.AddRecord(wecomtest.Record{UserID: "a", Time: at("2026-03-02 09:00:00")})
	require.Empty(t, r.checkIns(3, "2026-03-02 00:00:00", "2026-03-02 23:59:59", "a"), "an empty visible range")
}

func TestRemoveRecord(t *testing.T) {
	r := newRig(t, nil)
	r.fake.AddUser(wecomtest.User{ID: "a"})
	same := wecomtest.Record{UserID: "A", Time: at("2026-03-02 09:00:00")}
	r.fake.AddRecord(same, same, wecomtest.Record{UserID: "a", Time: at("2026-03-02 08:00:00")})
	day := func() []string { return times(r.checkIns(3, "2026-03-02 00:00:00", "2026-03-02 23:59:59", "a")) }
	require.Equal(t, []string{"2026-03-02 08:00:00", "2026-03-02 09:00:00", "2026-03-02 09:00:00"}, day())
	nine := func(r wecomtest.Record) bool { return r.Time.Equal(same.Time) }
	require.Equal(t, 2, r.fake.RemoveRecord(nine))
	require.Equal(t, 0, r.fake.RemoveRecord(nine))
	require.Equal(t, []string{"2026-03-02 08:00:00"}, day())

	require.Panics(t, func() { r.fake.AddRecord(wecomtest.Record{UserID: "a"}) })
	require.Panics(t, func() { r.fake.AddRecord(wecomtest.Record{Time: noon}) })
	require.Panics(t, func() { r.fake.AddUser(wecomtest.User{}) })
	require.Panics(t, func() { r.fake.AddDepartment(wecomtest.Department{}) })
	r.fake.AddRecord(wecomtest.Record{UserID: "a", Time: at("2026-03-02 07:00:00"), Extra: object{"odd": func() {}}})
	require.Panics(t, func() { day() })
}

func TestRecordFunc(t *testing.T) {
	r := newRig(t, nil)
	r.fake.AddUser(wecomtest.User{ID: "Aa"}, wecomtest.User{ID: "b"})
	r.fake.AddRecord(
		wecomtest.Record{UserID: "aa", Time: at("2026-03-02 07:00:00")},
		wecomtest.Record{UserID: "aa", Time: at("2026-03-02 12:30:00")},
		wecomtest.Record{UserID: "aa", Time: at("2026-03-02 23:00:00")},
	)
	r.fake.RecordFunc(func(user string, from, to time.Time) iter.Seq[wecomtest.Record] {
		require.Contains(t, []string{"Aa", "b"}, user)
		require.Equal(t, at("2026-03-01 00:00:00").Unix(), from.Unix())
		require.Equal(t, at("2026-03-05 23:59:59").Unix(), to.Unix())
		require.Equal(t, time.UTC, to.Location())
		return func(yield func(wecomtest.Record) bool) {
			// Also outside of what was asked: the fake filters.
			for hour := -200; hour <= 200; hour += 10 {
				if !yield(wecomtest.Record{Time: at("2026-03-02 02:00:00").Add(time.Duration(hour) * time.Hour)}) {
					return
				}
			}
		}
	})
	rows := r.checkIns(3, "2026-03-02 00:00:00", "2026-03-02 23:59:59", "stranger", "aa", "b")
	require.Equal(t, []string{
		"2026-03-02 02:00:00", "2026-03-02 07:00:00", "2026-03-02 12:00:00", "2026-03-02 12:30:00", "2026-03-02 22:00:00", "2026-03-02 23:00:00",
		"2026-03-03 08:00:00", "2026-03-03 18:00:00",
		"2026-03-02 02:00:00", "2026-03-02 12:00:00", "2026-03-02 22:00:00", "2026-03-03 08:00:00", "2026-03-03 18:00:00",
	}, times(rows), "by time; nobody asks for strangers")
	require.Equal(t, "Aa", rows[0]["userid"])
	require.Equal(t, "b", rows[8]["userid"])
	r.fake.RecordFunc(nil)
	require.Empty(t, r.checkIns(3, "2026-03-02 00:00:00", "2026-03-02 23:59:59", "b"))
}
