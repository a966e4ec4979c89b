package dingtalktest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/stretchr/testify/require"
)

func newToken(r *rig, key, secret string) reply {
	r.t.Helper()
	body := `{"appKey":"` + key + `","appSecret":"` + secret + `"}`
	req, err := http.NewRequest(http.MethodPost, "https://api.dingtalk.com/v1.0/oauth2/accessToken", strings.NewReader(body))
	require.NoError(r.t, err)
	req.Header.Set("Content-Type", "application/json")
	return r.do(req)
}

func TestTokens(t *testing.T) {
	now := noon
	r := newRig(t, &dingtalktest.Options{AppKey: dingtalktest.DefaultAppKey, Now: func() time.Time { return now }})
	works := func(token string) string {
		r.token = token
		return r.get("/auth/scopes", url.Values{}).code()
	}
	first := r.token
	require.Equal(t, "0", works(first))

	now = now.Add(7199 * time.Second)
	r.login()
	require.Equal(t, first, r.token, "inside the lifetime the same token comes again")
	now = now.Add(7199 * time.Second)
	require.Equal(t, "0", works(first), "and lives on")
	now = now.Add(time.Second)
	require.Equal(t, "40014", works(first), "7200 s after the last call it is over")
	r.login()
	require.NotEqual(t, first, r.token)

	answer := newToken(r, dingtalktest.DefaultAppKey, dingtalktest.DefaultAppSecret)
	require.Equal(t, 200, answer.status)
	require.NotContains(t, answer.body, "errcode")
	require.Equal(t, "7200", column([]object{answer.body}, "expireIn")[0])
	modern := answer.body["accessToken"].(string)
	require.NotEqual(t, modern, r.token)
	old := r.token
	require.Equal(t, "0", works(modern), "a token of api.dingtalk.com is good on oapi.dingtalk.com")
	require.Equal(t, "0", works(old))

	r.fake.ExpireTokens()
	require.Equal(t, "40014", works(modern))
	require.Equal(t, "40014", works(old))
	require.NotEqual(t, modern, newToken(r, dingtalktest.DefaultAppKey, dingtalktest.DefaultAppSecret).body["accessToken"])
}

func TestNewTokenEndsOlder(t *testing.T) {
	r := newRig(t, &dingtalktest.Options{NewTokenEndsOlder: true})
	works := func(token string) string {
		r.token = token
		return r.post("/attendance/listRecord", askA).code()
	}
	first := r.token
	require.Equal(t, "0", works(first))
	second := newToken(r, dingtalktest.DefaultAppKey, dingtalktest.DefaultAppSecret).body["accessToken"].(string)
	require.Equal(t, "40014", works(first))
	require.Equal(t, "0", works(second))
	old := r.get("/gettoken", url.Values{"appkey": {dingtalktest.DefaultAppKey}, "appsecret": {dingtalktest.DefaultAppSecret}}).body["access_token"].(string)
	require.Equal(t, "40014", works(second), "the other call ends it too")
	require.Equal(t, "0", works(old))
}

func TestRejectTokens(t *testing.T) {
	r := newRig(t, nil)
	renewed := func() string {
		r.token = newToken(r, dingtalktest.DefaultAppKey, dingtalktest.DefaultAppSecret).body["accessToken"].(string)
		return r.post("/attendance/listRecord", askA).code()
	}
	r.fake.RejectTokens(2)
	require.Equal(t, "40014", r.post("/attendance/listRecord", askA).code(), "what was given has ended")
	first := renewed()
	require.Equal(t, []string{"40014", "40014", "0", "0"}, []string{first, renewed(), renewed(), renewed()})
	r.fake.RejectTokens(-1)
	for range 5 {
		require.Equal(t, "40014", renewed())
	}
	r.fake.RejectTokens(0)
	require.Equal(t, "0", renewed())
}

func TestWrongCredentials(t *testing.T) {
	r := newRig(t, nil)
	for _, pair := range [][2]string{{"wrong", dingtalktest.DefaultAppSecret}, {dingtalktest.DefaultAppKey, "wrong"}} {
		require.JSONEq(t, `{"errcode":40096,"errmsg":"不合法的appKey或appSecret"}`,
			r.get("/gettoken", url.Values{"appkey": {pair[0]}, "appsecret": {pair[1]}}).raw)
		answer := newToken(r, pair[0], pair[1])
		require.Equal(t, 400, answer.status)
		require.Equal(t, "invalidClientIdOrSecret", answer.body["code"])
		require.NotEmpty(t, answer.body["requestid"])
	}
	require.JSONEq(t, `{"errcode":40035,"errmsg":"缺少参数 corpid or appkey"}`, r.get("/gettoken", url.Values{}).raw)
}

func TestTokenPlaceAndForm(t *testing.T) {
	ask := object{"userIds": []string{"a"}, "checkDateFrom": "2026-03-02 00:00:00", "checkDateTo": "2026-03-02 00:00:00"}
	r := newRig(t, nil)
	good := r.token

	req := r.request("/attendance/listRecord", ask)
	req.URL.RawQuery = ""
	req.Header.Set("x-acs-dingtalk-access-token", good)
	require.Equal(t, "40000", r.do(req).code(), "the header is for api.dingtalk.com")

	r.token = "made-up"
	require.JSONEq(t, `{"errcode":40014,"errmsg":"不合法的access_token"}`, r.post("/attendance/listRecord", ask).raw)
	wrapped := r.post("/topapi/v2/user/get", object{"userid": "a"})
	require.Equal(t, "88", column([]object{wrapped.body}, "errcode")[0])
	require.Equal(t, "40014", wrapped.body["sub_code"])
	require.Equal(t, "不合法的access_token", wrapped.body["sub_msg"])
	require.Equal(t, "ding talk error[subcode=40014,submsg=不合法的access_token]", wrapped.body["errmsg"])
	require.NotEmpty(t, wrapped.body["request_id"])

	for form, want := range map[dingtalktest.Envelope][3]any{
		dingtalktest.EnvelopePlain:   {"40014", nil, "不合法的access_token"},
		dingtalktest.EnvelopeWrapped: {"88", "40014", "ding talk error[subcode=40014,submsg=不合法的access_token]"},
		dingtalktest.EnvelopeText:    {"88", nil, "ding talk error[subcode=40014,submsg=不合法的access_token]"},
	} {
		r := newRig(t, &dingtalktest.Options{Envelope: form})
		r.token = "made-up"
		for _, path := range []string{"/attendance/listRecord", "/topapi/v2/user/get"} {
			body := r.post(path, ask).body
			require.Equal(t, want[0], column([]object{body}, "errcode")[0])
			require.Equal(t, want[1], body["sub_code"])
			require.Equal(t, want[2], body["errmsg"])
		}
	}
}

func TestUnknownPathsAndHosts(t *testing.T) {
	r := newRig(t, nil)
	for _, path := range []string{"/topapi/attendance/listrecord", "/attendance/listrecord", "/attendance/list", "/", "/v1.0/oauth2/accessToken"} {
		answer := r.post(path, object{})
		require.Equal(t, 200, answer.status)
		require.NotEqual(t, "0", answer.code(), path)
		require.NotEmpty(t, answer.raw)
	}
	require.Equal(t, "22", r.post("/topapi/attendance/listrecord", object{}).code())
	require.Contains(t, r.post("/attendance/nothing", object{}).body["errmsg"], "/attendance/nothing")

	modern := func(host, token string) reply {
		req := r.request("/v1.0/checkIn/records/query", object{})
		req.URL.Host, req.Host = host, host
		req.Header.Set("x-acs-dingtalk-access-token", token)
		return r.do(req)
	}
	require.Equal(t, "AuthenticationFailed.MissingParameter", modern("api.dingtalk.com", "").code())
	answer := modern("api.dingtalk.com", "made-up")
	require.Equal(t, "InvalidAuthentication", answer.code())
	require.Equal(t, 400, answer.status)
	require.Equal(t, "22", modern("api.dingtalk.com", r.token).code())

	wrongHost := r.request("/attendance/listRecord", object{})
	wrongHost.URL.Host, wrongHost.Host = "api.dingtalk.com", "api.dingtalk.com"
	require.Equal(t, "22", r.do(wrongHost).code())
	require.Zero(t, r.fake.Metered())
}

func TestPermissions(t *testing.T) {
	r := newRig(t, nil)
	r.fake.AddUser(dingtalktest.User{ID: "a"})
	now := noon.UnixMilli()
	for permission, calls := range map[string][]func() reply{
		dingtalktest.PermissionAttendance: {func() reply {
			return r.post("/attendance/listRecord", object{"userIds": []string{"a"}, "checkDateFrom": "2026-03-02 00:00:00", "checkDateTo": "2026-03-02 00:00:00"})
		}},
		dingtalktest.PermissionCheckIn: {func() reply {
			return r.get("/checkin/record", url.Values{"department_id": {"1"}, "start_time": {"1"}, "end_time": {"2"}})
		}},
		dingtalktest.PermissionBase: {
			func() reply { return r.get("/auth/scopes", url.Values{}) },
			func() reply {
				return r.post("/topapi/checkin/record/get", object{"userid_list": "a", "start_time": now, "end_time": now, "cursor": 0, "size": 100})
			},
		},
		dingtalktest.PermissionDepartments: {
			func() reply { return r.post("/topapi/v2/department/listsub", object{}) },
			func() reply { return r.post("/topapi/v2/department/listsubid", object{"dept_id": 1}) },
		},
		dingtalktest.PermissionMembers: {
			func() reply {
				return r.post("/topapi/user/listsimple", object{"dept_id": 1, "cursor": 0, "size": 10})
			},
			func() reply {
				return r.post("/topapi/v2/user/list", object{"dept_id": 1, "cursor": 0, "size": 10})
			},
		},
		dingtalktest.PermissionMember: {
			func() reply { return r.post("/topapi/user/listid", object{"dept_id": 1}) },
			func() reply { return r.post("/topapi/v2/user/get", object{"userid": "a"}) },
		},
	} {
		for _, call := range calls {
			require.Equal(t, "0", call().code())
			r.fake.Deny(permission)
			answer := call()
			require.Equal(t, "60011", answer.code(), permission)
			require.Equal(t, "ding talk error[subcode=60011,submsg=应用尚未开通所需的权限：["+permission+"]，点击链接申请并开通即可：https://open-dev.dingtalk.com/appscope/apply?content="+
				dingtalktest.DefaultAppKey+"%23"+permission+", {requiredScopes=["+permission+"]}]", answer.body["errmsg"])
			r.fake.Grant(permission)
			require.Equal(t, "0", call().code())
		}
	}
}
