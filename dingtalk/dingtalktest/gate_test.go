package dingtalktest_test

import (
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/stretchr/testify/require"
)

var askA = object{"userIds": []string{"a"}, "checkDateFrom": "2026-03-02 00:00:00", "checkDateTo": "2026-03-02 00:00:00"}

func TestThrottle(t *testing.T) {
	now := noon.Add(300 * time.Millisecond)
	r := newRig(t, &dingtalktest.Options{QPS: 20, Now: func() time.Time { return now }})
	call := func() reply { return r.post("/attendance/listRecord", askA) }
	for range 20 {
		require.Equal(t, "0", call().code())
	}
	now = now.Add(600 * time.Millisecond)
	answer := call()
	require.Equal(t, "90018", answer.code(), "the 21st within a second")
	require.Equal(t, "88", column([]object{answer.body}, "errcode")[0])
	require.Contains(t, answer.body["errmsg"], "限制将在 2026-03-05 12:00:01 结束")
	require.Equal(t, "0", r.get("/auth/scopes", url.Values{}).code(), "other paths have a limit of their own")
	now = noon.Add(time.Second - time.Millisecond)
	require.Equal(t, "90018", call().code(), "the penalty")
	require.Equal(t, 20, r.fake.Metered(), "throttled calls do not count")
	require.Equal(t, 22, r.fake.Requests("/attendance/listRecord"))
	now = noon.Add(time.Second)
	for range 40 { // 20 a second, evenly, for ever
		require.Equal(t, "0", call().code())
		now = now.Add(50 * time.Millisecond)
	}
	now = now.Add(-time.Millisecond)
	require.Equal(t, "90018", call().code(), "a millisecond early")
}

func TestThrottledTokenCalls(t *testing.T) {
	r := newRig(t, &dingtalktest.Options{QPS: 1})
	require.Equal(t, "90018", r.get("/gettoken", url.Values{"appkey": {"x"}, "appsecret": {"y"}}).code())
	require.Equal(t, 200, newToken(r, dingtalktest.DefaultAppKey, dingtalktest.DefaultAppSecret).status)
	answer := newToken(r, dingtalktest.DefaultAppKey, dingtalktest.DefaultAppSecret)
	require.Equal(t, 403, answer.status)
	require.Equal(t, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", answer.code())
}

func TestAddressIsBanned(t *testing.T) {
	now := noon
	r := newRig(t, &dingtalktest.Options{QPS: 1 << 20, LogSize: -1, Now: func() time.Time { return now }})
	for r.fake.Requests("") < 10000 {
		require.Equal(t, "0", r.get("/auth/scopes", url.Values{}).code())
	}
	answer := r.get("/auth/scopes", url.Values{})
	require.Equal(t, 200, answer.status)
	require.NotContains(t, answer.body, "errcode")
	require.Equal(t, "1111", column([]object{answer.body}, "status")[0])
	now = now.Add(5*time.Minute - 1)
	require.NotContains(t, r.get("/auth/scopes", url.Values{}).body, "errcode")
	now = now.Add(1)
	require.Equal(t, "0", r.get("/auth/scopes", url.Values{}).code())
	require.Empty(t, r.fake.Log())
}

func TestQuota(t *testing.T) {
	now := at("2026-03-31 23:59:59")
	r := newRig(t, &dingtalktest.Options{MonthlyQuota: 3, Now: func() time.Time { return now }})
	window := url.Values{"department_id": {"1"}, "start_time": {"1"}, "end_time": {"2"}}
	one := object{"userid_list": "a", "start_time": 1, "end_time": 2, "cursor": 0, "size": 1}
	require.Equal(t, "0", r.post("/attendance/listRecord", askA).code())
	require.Equal(t, "0", r.get("/checkin/record", window).code())
	require.Equal(t, "0", r.post("/topapi/checkin/record/get", one).code())
	require.Equal(t, 3, r.fake.Metered())
	require.JSONEq(t, `{"errcode":90020,"errmsg":"您的企业本月api调用量已超过限制,调用量:4次,额度:3次"}`, r.post("/attendance/listRecord", askA).raw)
	require.Equal(t, "90020", r.get("/checkin/record", window).code())
	require.Equal(t, "90020", r.post("/topapi/checkin/record/get", one).code())
	require.Equal(t, 3, r.fake.Metered())
	require.Equal(t, "0", r.post("/topapi/v2/department/listsub", object{}).code(), "contacts are exempt")
	require.Equal(t, "0", r.get("/auth/scopes", url.Values{}).code())
	r.login()

	now = now.Add(time.Second) // April in Beijing, still March in UTC
	require.Zero(t, r.fake.Metered())
	require.Equal(t, "0", r.post("/attendance/listRecord", askA).code())
	require.Equal(t, 1, r.fake.Metered())
	r.token = "made-up"
	require.Equal(t, "40014", r.post("/attendance/listRecord", askA).code())
	require.Equal(t, 2, r.fake.Metered(), "nothing says that other failed calls are free")
}

func TestLog(t *testing.T) {
	r := newRig(t, &dingtalktest.Options{LogSize: 3})
	for range 20 {
		r.get("/auth/scopes", url.Values{"n": {"1"}})
	}
	r.post("/topapi/v2/user/get", object{"userid": "nobody"})
	log := r.fake.Log()
	require.Len(t, log, 3)
	last := log[2]
	require.Equal(t, dingtalktest.Request{Number: 22, Method: "POST", Path: "/topapi/v2/user/get", Query: url.Values{},
		Body: `{"userid":"nobody"}`, Time: noon, Status: 200, Code: "33012"}, last)
	require.Equal(t, url.Values{"n": {"1"}}, log[0].Query, "without the token")
	require.Equal(t, 22, r.fake.Requests(""))
	require.Equal(t, 20, r.fake.Requests("/auth/scopes"))

	r.fake.ResetCounters()
	require.Empty(t, r.fake.Log())
	require.Zero(t, r.fake.Requests("")+r.fake.Requests("/auth/scopes")+r.fake.Metered())
	require.Equal(t, "0", r.get("/auth/scopes", url.Values{}).code(), "tokens stay")
	require.Len(t, r.fake.Log(), 1)
}

func TestLatencyIsVirtual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &dingtalktest.Options{Latency: time.Minute, Now: time.Now})
		start := time.Now()
		require.Equal(t, "0", r.get("/auth/scopes", url.Values{}).code())
		require.Equal(t, time.Minute, time.Since(start))
	})
}
