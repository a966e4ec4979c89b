package dingtalktest_test

import (
	"fmt"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/stretchr/testify/require"
)

func accounts(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("staff%03d", i+1)
	}
	return ids
}

func TestListRecordRefusesWhatIsDocumented(t *testing.T) {
	from, to := "2026-03-02 00:00:00", "2026-03-02 23:59:59"
	ask := func(change object) object {
		body := object{"userIds": []string{"staff001"}, "checkDateFrom": from, "checkDateTo": to}
		for name, value := range change {
			if value == nil {
				delete(body, name)
			} else {
				body[name] = value
			}
		}
		return body
	}
	horizon := noon.AddDate(0, 0, -180)
	for name, test := range map[string]struct {
		body any
		code string
	}{
		"one account":               {ask(nil), "0"},
		"50 accounts":               {ask(object{"userIds": accounts(50)}), "0"},
		"51 accounts":               {ask(object{"userIds": accounts(51)}), "40032"},
		"no account":                {ask(object{"userIds": []string{}}), "40032"},
		"accounts left out":         {ask(object{"userIds": nil}), "40032"},
		"accounts as a string":      {ask(object{"userIds": "staff001"}), "40032"},
		"the names of list":         {object{"userIdList": []string{"a"}, "workDateFrom": from, "workDateTo": to}, "40032"},
		"a name in another case":    {ask(object{"userIds": nil, "userids": []string{"a"}}), "40032"},
		"no from":                   {ask(object{"checkDateFrom": nil}), "40035"},
		"no to":                     {ask(object{"checkDateTo": nil}), "40035"},
		"a day only":                {ask(object{"checkDateFrom": "2026-03-02"}), "400002"},
		"ISO 8601":                  {ask(object{"checkDateFrom": "2026-03-02T00:00:00"}), "400002"},
		"one digit":                 {ask(object{"checkDateFrom": "2026-03-02 0:00:00"}), "400002"},
		"a fraction":                {ask(object{"checkDateFrom": "2026-03-02 00:00:00.5"}), "400002"},
		"milliseconds":              {ask(object{"checkDateFrom": 1772380800000}), "400002"},
		"no such day":               {ask(object{"checkDateFrom": "2026-02-30 00:00:00"}), "400002"},
		"turned round":              {ask(object{"checkDateFrom": "2026-03-03 00:00:00"}), "400002"},
		"exactly 7 days":            {ask(object{"checkDateTo": "2026-03-09 00:00:00"}), "0"},
		"7 days and a second":       {ask(object{"checkDateTo": "2026-03-09 00:00:01"}), "400002"},
		"one instant":               {ask(object{"checkDateTo": from}), "0"},
		"180 days ago":              {ask(object{"checkDateFrom": horizon.Format(time.DateTime), "checkDateTo": horizon.Format(time.DateTime)}), "0"},
		"180 days and a second ago": {ask(object{"checkDateFrom": horizon.Add(-time.Second).Format(time.DateTime), "checkDateTo": horizon.Format(time.DateTime)}), "400002"},
		"isI18n false":              {ask(object{"isI18n": false}), "0"},
		"isI18n as a string":        {ask(object{"isI18n": "false"}), "0"},
		"isI18n as a number":        {ask(object{"isI18n": 0}), "400002"},
		"no JSON":                   {"userIds=staff001", "43009"},
		"a list":                    {"[]", "43009"},
		"nothing":                   {"", "43009"},
		"null":                      {"null", "43009"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			answer := r.post("/attendance/listRecord", test.body)
			require.Equal(t, test.code, answer.code(), answer.raw)
			require.Equal(t, 200, answer.status)
			log := r.fake.Log()
			require.Equal(t, test.code, log[len(log)-1].Code)
		})
	}

	t.Run("another content type", func(t *testing.T) {
		r := newRig(t, nil)
		for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
			req := r.request("/attendance/listRecord", ask(nil))
			req.Header.Set("Content-Type", kind)
			require.Equal(t, "43009", r.do(req).code())
		}
		req := r.request("/attendance/listRecord", ask(nil))
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
		require.Equal(t, "0", r.do(req).code())
	})
	t.Run("another method", func(t *testing.T) {
		r := newRig(t, nil)
		req := r.request("/attendance/listRecord", ask(nil))
		req.Method = http.MethodGet
		require.Equal(t, "22", r.do(req).code())
	})
}

func TestListRecordFiltersByMoment(t *testing.T) {
	for _, exclusive := range []bool{false, true} {
		t.Run(fmt.Sprintf("exclusive=%v", exclusive), func(t *testing.T) {
			r := newRig(t, &dingtalktest.Options{ExclusiveTo: exclusive})
			for _, moment := range []string{
				"2026-03-02 09:59:59.999", "2026-03-02 10:00:00", "2026-03-02 12:00:00", "2026-03-02 17:59:59.999",
				"2026-03-02 18:00:00", "2026-03-02 18:00:00.001",
			} {
				r.fake.AddPunch(dingtalktest.Punch{UserID: "a", Time: at(moment)})
			}
			want := []string{millis("2026-03-02 10:00:00"), millis("2026-03-02 12:00:00"), millis("2026-03-02 17:59:59.999")}
			if !exclusive {
				want = append(want, millis("2026-03-02 18:00:00"))
			}
			require.Equal(t, want, column(r.listRecord("2026-03-02 10:00:00", "2026-03-02 18:00:00", "a"), "userCheckTime"))
		})
	}
}

func TestListRecordShapes(t *testing.T) {
	r := newRig(t, nil)
	day := func(clock string) time.Time { return at("2026-03-02 " + clock) }
	r.fake.AddPunch(
		dingtalktest.Punch{ID: 500000000001, UserID: "staff001", Time: day("08:53:21"), CheckType: "OnDuty", LocationMethod: "WIFI",
			Address: "总部\"大楼\"", Located: true, Longitude: 120.01, Latitude: 30.28},
		dingtalktest.Punch{ID: 500000000002, UserID: "staff001", Time: day("18:07:45"), CheckType: "OffDuty", LocationResult: "Outside",
			Address: "某某路1号", Remark: "拜访客户", Located: true, Longitude: 120.017139, Latitude: 30.285413, CoordinatesAsText: true},
		dingtalktest.Punch{ID: 500000000003, UserID: "staff002", Time: day("08:51:02"), CheckType: "OnDuty", SourceType: "ATM",
			Address: "东门考勤机", Created: day("15:40:00")},
		dingtalktest.Punch{ID: 500000000004, UserID: "staff002", Time: day("12:31:10"), InvalidType: "Other", InvalidMsg: "需要二次确认"},
		dingtalktest.Punch{ID: 500000000005, UserID: "staff002", Time: day("18:00:00"), CheckType: "OffDuty", SourceType: "APPROVE",
			Created: at("2026-03-05 10:20:00")},
		dingtalktest.Punch{ID: 500000000006, UserID: "staff003", Time: at("2026-03-03 01:12:40"), CheckType: "OffDuty",
			SourceType: "AUTO_CHECK", WorkDate: day("00:00:00"), Plan: at("2026-03-03 01:00:00")},
		dingtalktest.Punch{ID: 500000000007, UserID: "staff003", Time: day("13:30:00"), CheckType: "OnDuty", TimeResult: "Late",
			Extra: object{"locationMethod": nil, "userAccuracy": "15", "deviceId": 7}},
	)
	answer := r.post("/attendance/listRecord", object{"userIds": []string{"staff001", "staff002", "staff003", "nobody"},
		"checkDateFrom": "2026-03-02 00:00:00", "checkDateTo": "2026-03-04 00:00:00"})
	require.JSONEq(t, `{"errcode":0,"errmsg":"ok","recordresult":[
		{"id":500000000001,"userId":"staff001","corpId":"dingtest0001","workDate":1772380800000,"checkType":"OnDuty","sourceType":"USER","timeResult":"Normal","locationResult":"Normal","isLegal":"Y","locationMethod":"WIFI","userCheckTime":1772412801000,"baseCheckTime":1772413200000,"planCheckTime":1772413200000,"userAddress":"总部\"大楼\"","userSsid":"corp-wifi","userMacAddr":"02:00:00:00:00:01","userLongitude":120.01,"userLatitude":30.28,"userAccuracy":65,"baseAddress":"总部\"大楼\"","deviceId":"dev-staff001","planId":700000000001,"groupId":600001,"classId":650001,"bizId":"0000000000000000000000746A528801","gmtCreate":1772412801000,"gmtModified":1772412801000},
		{"id":500000000002,"userId":"staff001","corpId":"dingtest0001","workDate":1772380800000,"checkType":"OffDuty","sourceType":"USER","timeResult":"Normal","locationResult":"Outside","isLegal":"N","locationMethod":"MAP","userCheckTime":1772446065000,"baseCheckTime":1772445600000,"planCheckTime":1772445600000,"userAddress":"某某路1号","userLongitude":"120.017139","userLatitude":"30.285413","userAccuracy":"65","outsideRemark":"拜访客户","deviceId":"dev-staff001","planId":700000000002,"groupId":600001,"classId":650001,"bizId":"0000000000000000000000746A528802","gmtCreate":1772446065000,"gmtModified":1772446065000},
		{"id":500000000003,"userId":"staff002","corpId":"dingtest0001","workDate":1772380800000,"checkType":"OnDuty","sourceType":"ATM","timeResult":"Normal","locationResult":"Normal","isLegal":"Y","locationMethod":"ATM","userCheckTime":1772412662000,"baseCheckTime":1772413200000,"planCheckTime":1772413200000,"userAddress":"东门考勤机","deviceSN":"SN0001","planId":700000000003,"groupId":600001,"classId":650001,"bizId":"0000000000000000000000746A528803","gmtCreate":1772437200000,"gmtModified":1772437200000},
		{"id":500000000004,"userId":"staff002","corpId":"dingtest0001","workDate":1772380800000,"sourceType":"USER","invalidRecordType":"Other","invalidRecordMsg":"需要二次确认","locationMethod":"MAP","userCheckTime":1772425870000,"deviceId":"dev-staff002","bizId":"0000000000000000000000746A528804","gmtCreate":1772425870000,"gmtModified":1772425870000},
		{"id":500000000005,"userId":"staff002","corpId":"dingtest0001","workDate":1772380800000,"checkType":"OffDuty","sourceType":"APPROVE","timeResult":"Normal","locationResult":"Normal","isLegal":"Y","userCheckTime":1772445600000,"baseCheckTime":1772445600000,"planCheckTime":1772445600000,"approveId":2376620005,"procInstId":"00000000-aaaa-bbbb-cccc-000000000001","planId":700000000005,"groupId":600001,"classId":650001,"bizId":"0000000000000000000000746A528805","gmtCreate":1772677200000,"gmtModified":1772677200000},
		{"id":500000000007,"userId":"staff003","corpId":"dingtest0001","workDate":1772380800000,"checkType":"OnDuty","sourceType":"USER","timeResult":"Late","locationResult":"Normal","isLegal":"N","userCheckTime":1772429400000,"baseCheckTime":1772413200000,"planCheckTime":1772413200000,"userAccuracy":"15","deviceId":7,"planId":700000000007,"groupId":600001,"classId":650001,"bizId":"0000000000000000000000746A528807","gmtCreate":1772429400000,"gmtModified":1772429400000},
		{"id":500000000006,"userId":"staff003","corpId":"dingtest0001","workDate":1772380800000,"checkType":"OffDuty","sourceType":"AUTO_CHECK","timeResult":"Normal","locationResult":"Normal","isLegal":"Y","locationMethod":"MAP","userCheckTime":1772471560000,"baseCheckTime":1772470800000,"planCheckTime":1772470800000,"deviceId":"dev-staff003","planId":700000000006,"groupId":600001,"classId":650001,"bizId":"0000000000000000000000746A528806","gmtCreate":1772471560000,"gmtModified":1772471560000}
	]}`, answer.raw)
	require.Contains(t, answer.raw, `{"errcode":0,"errmsg":"ok","recordresult":[{"id":500000000001,"userId":"staff001"`, "the samples' order")
	require.Contains(t, answer.header.Get("Content-Type"), "application/json")
	require.Equal(t, noon.UTC().Format(http.TimeFormat), answer.header.Get("Date"))
}

func TestListRecordAnswersEmpty(t *testing.T) {
	punch := dingtalktest.Punch{UserID: "staff001", Time: at("2026-03-02 09:00:00"), CheckType: "OnDuty"}
	ask := object{"userIds": []string{"staff001"}, "checkDateFrom": "2026-03-02 00:00:00", "checkDateTo": "2026-03-03 00:00:00"}
	empty := `{"errcode":0,"errmsg":"ok","recordresult":[]}`

	r := newRig(t, nil)
	r.fake.AddPunch(punch)
	require.NotEqual(t, empty, r.post("/attendance/listRecord", ask).raw)
	ask["isI18n"] = true
	require.Equal(t, empty, r.post("/attendance/listRecord", ask).raw, "at home isI18n makes every answer empty")
	overseas := newRig(t, &dingtalktest.Options{Overseas: true})
	overseas.fake.AddPunch(punch)
	require.NotEqual(t, empty, overseas.post("/attendance/listRecord", ask).raw)
	delete(ask, "isI18n")

	ask["userIds"] = []string{"Staff001"}
	require.Equal(t, empty, r.post("/attendance/listRecord", ask).raw, "a wrong account is no error")
	ask["userIds"] = []string{"staff001"}

	r.fake.RemoveUser("staff001")
	require.Equal(t, empty, r.post("/attendance/listRecord", ask).raw, "leavers answer empty by default")
	r.fake.AddUser(dingtalktest.User{ID: "staff001"})
	require.NotEqual(t, empty, r.post("/attendance/listRecord", ask).raw, "and are back when they are back")

	r = newRig(t, &dingtalktest.Options{LeaversAnswer: true})
	r.fake.AddPunch(punch)
	r.fake.RemoveUser("staff001")
	require.NotEqual(t, empty, r.post("/attendance/listRecord", ask).raw)
}

func TestListRecordCorrections(t *testing.T) {
	now := noon
	r := newRig(t, &dingtalktest.Options{Now: func() time.Time { return now }})
	day := func(users ...string) []object {
		return r.listRecord("2026-03-02 00:00:00", "2026-03-03 00:00:00", users...)
	}
	ids := r.fake.AddPunch(
		dingtalktest.Punch{UserID: "a", Time: at("2026-03-02 18:00:00"), CheckType: "OffDuty"},
		dingtalktest.Punch{UserID: "a", Time: at("2026-03-02 09:00:00"), CheckType: "OnDuty", TimeResult: "Late"},
	)
	require.Equal(t, []string{"OnDuty", "OffDuty"}, column(day("a"), "checkType"), "in the order of time")
	require.Len(t, day("a", "a", "b"), 2, "an account named twice is answered once")

	now = now.Add(time.Hour)
	r.fake.SetPunch(dingtalktest.Punch{ID: ids[1], UserID: "a", Time: at("2026-03-02 08:59:00"), CheckType: "OnDuty"})
	first := day("a")[0]
	require.Equal(t, "Normal", first["timeResult"])
	require.Equal(t, []string{millis("2026-03-02 09:00:00")}, column([]object{first}, "gmtCreate"), "created stays")
	require.Equal(t, []string{millis("2026-03-05 13:00:00")}, column([]object{first}, "gmtModified"))

	r.fake.SetPunch(dingtalktest.Punch{ID: ids[1], UserID: "b", Time: at("2026-03-02 08:59:00"), CheckType: "OnDuty"})
	require.Len(t, day("a"), 1)
	require.Len(t, day("b"), 1, "a correction may move the record to another person")

	r.fake.AddPunch(dingtalktest.Punch{ID: ids[0], UserID: "a", Time: at("2026-03-02 18:00:00"), CheckType: "OffDuty"})
	require.Len(t, day("a"), 2, "the same record twice")
	require.True(t, r.fake.RemovePunch(ids[0]))
	require.False(t, r.fake.RemovePunch(ids[0]))
	require.Empty(t, day("a"))

	require.Panics(t, func() { r.fake.AddPunch(dingtalktest.Punch{UserID: "a"}) })
	require.Panics(t, func() { r.fake.AddPunch(dingtalktest.Punch{Time: noon}) })
	require.Panics(t, func() { r.fake.SetPunch(dingtalktest.Punch{UserID: "a", Time: noon}) })
}

func TestListRecordRowCap(t *testing.T) {
	r := newRig(t, &dingtalktest.Options{RowCap: 3})
	for i := range 2 {
		r.fake.AddPunch(dingtalktest.Punch{UserID: "a", Time: at("2026-03-02 09:00:00").Add(time.Duration(i) * time.Hour)})
		r.fake.AddPunch(dingtalktest.Punch{UserID: "b", Time: at("2026-03-02 09:00:00").Add(time.Duration(i) * time.Hour)})
	}
	require.Equal(t, []string{"a", "a", "b"}, column(r.listRecord("2026-03-02 00:00:00", "2026-03-03 00:00:00", "a", "b", "c"), "userId"))
}

func TestPunchFunc(t *testing.T) {
	r := newRig(t, nil)
	r.fake.AddUser(dingtalktest.User{ID: "a"}, dingtalktest.User{ID: "b"})
	r.fake.AddPunch(dingtalktest.Punch{ID: 1, UserID: "a", Time: at("2026-03-02 07:00:00")})
	r.fake.PunchFunc(func(user string, from, to time.Time) iter.Seq[dingtalktest.Punch] {
		require.Equal(t, at("2026-03-02 00:00:00").UnixMilli(), from.UnixMilli())
		require.Equal(t, time.UTC, to.Location())
		return func(yield func(dingtalktest.Punch) bool) {
			// Also outside of what was asked: the fake filters.
			for hour := -1; hour <= 25; hour += 13 {
				if !yield(dingtalktest.Punch{Time: at("2026-03-02 00:00:00").Add(time.Duration(hour) * time.Hour)}) {
					return
				}
			}
		}
	})
	day := func(users ...string) []object {
		return r.listRecord("2026-03-02 00:00:00", "2026-03-03 00:00:00", users...)
	}
	rows := day("a", "b", "stranger")
	require.Equal(t, []string{"a", "a", "b"}, column(rows, "userId"), "stored, generated; nobody asks for strangers")
	ids := column(rows, "id")
	require.NotEqual(t, ids[1], ids[2])
	require.Equal(t, ids, column(day("a", "b"), "id"), "derived ids are stable")

	id, err := rows[1]["id"].(interface{ Int64() (int64, error) }).Int64()
	require.NoError(t, err)
	require.False(t, r.fake.RemovePunch(id), "not a stored one")
	require.Equal(t, []string{"a", "b"}, column(day("a", "b"), "userId"))
	r.fake.SetPunch(dingtalktest.Punch{ID: id, UserID: "a", Time: at("2026-03-02 12:00:01")})
	require.Equal(t, []string{ids[0], ids[1], ids[2]}, column(day("a", "b"), "id"))
	r.fake.PunchFunc(nil)
	require.Empty(t, day("b"))
}

func TestExtraMustMarshal(t *testing.T) {
	r := newRig(t, nil)
	r.fake.AddPunch(dingtalktest.Punch{UserID: "a", Time: at("2026-03-02 07:00:00"), Extra: object{"odd": func() {}}})
	require.Panics(t, func() { r.listRecord("2026-03-02 00:00:00", "2026-03-03 00:00:00", "a") })
}
