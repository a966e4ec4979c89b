package dingtalk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// codes is every code of DingTalk that is documented or was seen, with what it
// means for a business call.
func codes() map[attendance.Code][]string {
	return map[attendance.Code][]string{
		attendance.CodeCredentials: {"40096", "40089", "40013", "52010", "invalidClientIdOrSecret",
			"40014", "42001", "41001", "40000", "40001", "InvalidAuthentication", "AuthenticationFailed.MissingParameter"},
		attendance.CodePermission: {"60011", "400020", "43007", "apiPermissionDenied", "unauthorized", "unauthorized_client",
			"Forbidden.AccessDenied.AccessTokenPermissionDenied"},
		attendance.CodeAddress:  {"60020", "Forbidden.AccessDenied.IpNotInWhiteList"},
		attendance.CodeDisabled: {"50003", "50005", "33001"},
		attendance.CodeThrottled: {"90018", "90002", "90001", "90003", "90004", "90005", "90006", "90007", "90008", "90009",
			"90010", "90011", "90012", "90013", "90014", "90017", "90019",
			"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi",
			"Forbidden.AccessDenied.QpsLimitForApi"},
		attendance.CodeQuota: {"90020", "Forbidden.AccessDenied.ApiCountLimitForOrg"},
		attendance.CodeUnavailable: {"-1", "400001", "503", "504", "system.error", "systemError", "system.busy", "systemBusy",
			"unknownError"},
		attendance.CodeRequest: {"400002", "40035", "40038", "40032", "40068", "40069", "43009", "44002", "22", "404"},
		attendance.CodeSpan:    {"850012"},
		attendance.CodeAccount: {"50002", "50004", "33012", "40003", "60111", "60121", "60120", "60003", "40009", "60019", "40031",
			"staff.not.found", "user.not.found"},
		attendance.CodeUnknown: {"12345", "88", "something.else", "Forbidden.AccessDenied.SomethingNew"},
	}
}

// envelopes are the forms in which a code can come.
func envelopes() map[string]func(code string) provider.Reply {
	number := func(code string) string {
		var n json.Number
		if json.Unmarshal([]byte(code), &n) == nil {
			return code
		}
		return `"` + code + `"`
	}
	return map[string]func(string) provider.Reply{
		"plain": func(code string) provider.Reply {
			return reply(200, `{"errcode":`+number(code)+`,"errmsg":"words"}`)
		},
		"plain as text": func(code string) provider.Reply {
			return reply(200, `{"errmsg":"words","errcode":"`+code+`"}`)
		},
		"88 with sub_code": func(code string) provider.Reply {
			return reply(200, `{"errcode":88,"sub_code":"`+code+`","sub_msg":"words","errmsg":"ding talk error[subcode=1,submsg=x]","request_id":"r1"}`)
		},
		"88 with a number": func(code string) provider.Reply {
			return reply(200, `{"errcode":"88","sub_code":`+number(code)+`,"sub_msg":"words"}`)
		},
		"88 with text alone": func(code string) provider.Reply {
			return reply(200, `{"errcode":88,"errmsg":"ding talk error[subcode=`+code+`,submsg=words]","request_id":"r1"}`)
		},
		"code and wrapped text": func(code string) provider.Reply {
			return reply(200, `{"errcode":`+number(code)+`,"errmsg":"ding talk error[subcode=`+code+`,submsg=words]"}`)
		},
		"new": func(code string) provider.Reply {
			return reply(403, `{"code":"`+code+`","message":"words","requestid":"r1"}`)
		},
		"unknown path": func(code string) provider.Reply {
			return reply(200, `{"errcode":`+number(code)+`,"sub_msg":"words","errmsg":"Invalid method[/x]","request_id":"r1"}`)
		},
	}
}

func TestEveryCodeInEveryEnvelope(t *testing.T) {
	c := newClient(t)
	for want, list := range codes() {
		for _, code := range list {
			for form, answer := range envelopes() {
				t.Run(fmt.Sprintf("%s %s", code, form), func(t *testing.T) {
					err := c.classify(answer(code))
					require.Error(t, err)
					require.Equal(t, want, attendance.CodeOf(err), "%v", err)
					var api *APIError
					require.ErrorAs(t, err, &api)
					require.Equal(t, code, api.Code)
					require.Equal(t, "words", api.Message)
					require.Equal(t, classOf(code) == classToken, errors.Is(err, provider.ErrToken))
				})
			}
		}
	}
}

func TestTokenAnswers(t *testing.T) {
	c := newClient(t)
	for _, name := range []string{"token_old.json", "token_new.json"} {
		require.NoError(t, c.classifyToken(reply(200, string(fixture(t, name)))), name)
	}
	for name, want := range map[string]attendance.Code{
		"token_old_bad_secret.json":        attendance.CodeCredentials,
		"token_new_bad_secret.json":        attendance.CodeCredentials,
		"token_old_missing_parameter.json": attendance.CodeRequest,
	} {
		err := c.classifyToken(reply(map[bool]int{true: 400, false: 200}[name == "token_new_bad_secret.json"], string(fixture(t, name))))
		require.Equal(t, want, attendance.CodeOf(err), name)
		require.NotErrorIs(t, err, provider.ErrToken)
	}
	// 40001 means the token elsewhere and the secret here: asking again with it
	// gets the address banned.
	err := c.classifyToken(reply(200, `{"errcode":40001,"errmsg":"x"}`))
	require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err))
	require.NotErrorIs(t, err, provider.ErrToken)

	for _, body := range []string{`{}`, `[]`, `<html>`, `null`} {
		require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(c.classifyToken(reply(200, body))), body)
	}
}

func TestErrorFixtures(t *testing.T) {
	c := newClient(t)
	for name, want := range map[string]struct {
		status int
		code   attendance.Code
		api    string
	}{
		"error_88_subcode.json":            {200, attendance.CodeCredentials, "40014"},
		"error_40014.json":                 {200, attendance.CodeCredentials, "40014"},
		"error_88_permission.json":         {200, attendance.CodePermission, "60011"},
		"error_88_throttled_globally.json": {200, attendance.CodeThrottled, "90002"},
		"error_88_address.json":            {200, attendance.CodeAddress, "60020"},
		"error_quota.json":                 {200, attendance.CodeQuota, "90020"},
		"error_40032.json":                 {200, attendance.CodeRequest, "40032"},
		"error_busy.json":                  {200, attendance.CodeUnavailable, "-1"},
		"error_new_token.json":             {400, attendance.CodeCredentials, "InvalidAuthentication"},
		"error_new_throttled.json":         {403, attendance.CodeThrottled, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"},
		"error_firewall.json":              {200, attendance.CodeThrottled, "1111"},
		"user_get_unknown.json":            {200, attendance.CodeAccount, "33012"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.classify(reply(want.status, string(fixture(t, name))))
			require.Equal(t, want.code, attendance.CodeOf(err))
			var api *APIError
			require.ErrorAs(t, err, &api)
			require.Equal(t, want.api, api.Code)
		})
	}
}

func TestPermissionIsNamed(t *testing.T) {
	const point = "qyapi_get_attendance_data"
	const link = "https://open-dev.dingtalk.com/appscope/apply?content=dingtest%23qyapi_get_attendance_data"
	c := newClient(t)

	err := c.classify(reply(200, string(fixture(t, "error_88_permission.json"))))
	var api *APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, []string{point}, api.Permissions)
	require.Equal(t, link, api.ApplyURL)
	var e *attendance.Error
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Detail, point)
	require.Contains(t, e.Detail, link)
	for _, text := range []string{e.Mend.EN, e.Mend.ZH} {
		require.Contains(t, text, point)
		require.Contains(t, text, link)
	}

	for _, key := range []string{"AccessDeniedDetail", "accessdenieddetail", "accessDeniedDetail"} {
		err := c.classify(reply(403, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"m","`+
			key+`":{"requiredscopes":["Contact.User.Read","qyapi_base"]}}`))
		require.ErrorAs(t, err, &api)
		require.Equal(t, []string{"Contact.User.Read", "qyapi_base"}, api.Permissions)
	}

	// Without a word about which, the documented one of the call is named.
	err = namePermission(c.classify(reply(200, `{"errcode":60011,"errmsg":"没有调用该接口的权限"}`)), pathListRecord)
	require.ErrorAs(t, err, &api)
	require.Equal(t, []string{point}, api.Permissions)
	require.ErrorContains(t, err, point)
	require.ErrorContains(t, err, "没有调用该接口的权限")

	// A link that is not DingTalk's is not handed on.
	err = c.classify(reply(200, `{"errcode":60011,"errmsg":"[qyapi_base] https://dingtalk.com.evil.example/apply?x=1"}`))
	require.ErrorAs(t, err, &api)
	require.Empty(t, api.ApplyURL)
	require.Equal(t, []string{"qyapi_base"}, api.Permissions)
}

func TestEveryCallHasItsPermission(t *testing.T) {
	for path, want := range map[string]string{
		pathListRecord: "qyapi_get_attendance_data", pathCheckInsOfDepartment: "qyapi_checkin_read", pathCheckInsOfUsers: "qyapi_base",
		pathScopes: "qyapi_base", pathDepartments: "qyapi_get_department_list", pathDepartmentIDs: "qyapi_get_department_list",
		pathUsers: "qyapi_get_department_member", pathUserIDs: "qyapi_get_member", pathUser: "qyapi_get_member",
	} {
		err := namePermission(newClient(t).classify(reply(200, `{"errcode":60011,"errmsg":"x"}`)), path)
		require.ErrorContains(t, err, want)
	}
	err := newClient(t).classify(reply(200, `{"errcode":60011,"errmsg":"x"}`))
	require.Equal(t, err, namePermission(err, "/other"))
	require.NoError(t, namePermission(nil, pathUser))
}

func TestAddressIsNamed(t *testing.T) {
	err := newClient(t).classify(reply(200, string(fixture(t, "error_88_address.json"))))
	var e *attendance.Error
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Detail, "192.0.2.10")
	require.Contains(t, e.Mend.EN, "192.0.2.10")
	require.Contains(t, e.Mend.ZH, "192.0.2.10")
	require.Equal(t, "2001:db8::7", provider.AddressIn("request ip=2001:db8::7 at 00:01:02"))
	require.Empty(t, provider.AddressIn("no address at 00:01:02, 1.2.3"))
}

func TestThrottleTextSaysHowLong(t *testing.T) {
	body := string(fixture(t, "error_88_throttled_globally.json")) // ends at 00:01:03
	for now, want := range map[string]time.Duration{
		"2026-03-02 00:00:40": 23 * time.Second,
		"2026-03-02 00:01:03": time.Second,
		"2026-03-02 08:00:00": time.Second,     // long past
		"2026-03-01 08:00:00": 5 * time.Minute, // somebody's clock is wrong
	} {
		c := newClient(t)
		c.clock = func() time.Time { return at(t, now) }
		var e *attendance.Error
		require.ErrorAs(t, c.classify(reply(200, body)), &e)
		require.Equal(t, want, e.RetryAfter, now)
	}
	// The answer's own clock is the better one.
	c := newClient(t)
	c.clock = func() time.Time { return at(t, "2026-11-11 00:00:00") }
	r := reply(200, body)
	r.Header.Set("Date", at(t, "2026-03-02 00:00:53").UTC().Format(http.TimeFormat))
	var e *attendance.Error
	require.ErrorAs(t, c.classify(r), &e)
	require.Equal(t, 10*time.Second, e.RetryAfter)

	require.ErrorAs(t, c.classify(reply(200, `{"errcode":90018,"errmsg":"没有时间"}`)), &e)
	require.Equal(t, time.Second, e.RetryAfter)
}

func TestWhatIsNotDingTalk(t *testing.T) {
	c := newClient(t)
	for _, body := range []string{`{}`, `[]`, `null`, `"ok"`, `{"ok":true}`, `{"errcode":null}`, `{"errcode":""}`, `{"recordresult":[]}`,
		`<html><title>Login</title>`, ``, `{"errcode":0,`} {
		err := c.classify(reply(200, body))
		require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(err), body)
	}
	require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(c.classify(reply(403, `{"errcode":0}`))))
	for _, body := range []string{`{"errcode":0}`, `{"errcode":"0","recordresult":[]}`, ` {"errcode":0.0} `} {
		require.NoError(t, c.classify(reply(200, body)), body)
	}
	// The firewall's page, as JSON or not, is no page of somebody else.
	for _, body := range []string{`{"status":1111}`, `{"punish":"deny"}`, `<html>x5sec punish component</html>`} {
		err := c.classify(reply(200, body))
		require.Equal(t, attendance.CodeThrottled, attendance.CodeOf(err), body)
	}
}

func TestAPIErrorIsLoggedWithoutSurprises(t *testing.T) {
	api := &APIError{Status: 403, Code: "60011", Message: "m", RequestID: "r1", Permissions: []string{"p"}, ApplyURL: "https://x.dingtalk.com/?a"}
	require.Equal(t, "DingTalk code 60011, HTTP 403: m (request r1)", api.Error())
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "err", api)
	require.Contains(t, b.String(), "err.code=60011")
	require.NotContains(t, b.String(), "https://")
	require.Equal(t, "a b", provider.OneLine(" a\nb\x00 "))
}

func FuzzEnvelope(f *testing.F) {
	for _, list := range codes() {
		for _, answer := range envelopes() {
			f.Add(answer(list[0]).Status, answer(list[0]).Body)
		}
	}
	f.Add(200, []byte(`{"errcode":0,"errmsg":"ok","recordresult":[]}`))
	f.Add(200, []byte(`{"status":1111,"punish":"deny"}`))
	c, err := New(Config{AppKey: "k", AppSecret: "s"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := provider.Reply{Status: status, Body: body}
		err := c.classify(r)
		if err != nil {
			require.NotEmpty(t, attendance.CodeOf(err))
			require.NotEmpty(t, err.Error())
			_ = c.classifyToken(r)
			return
		}
		if !json.Valid(body) {
			return // read all the same, since its structure is beyond doubt
		}
		// A success has errcode 0, by encoding/json's reading too.
		var plain map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &plain))
		code, err := strconv.ParseFloat(strings.TrimSpace(strings.Trim(string(plain["errcode"]), `" `)), 64)
		require.NoError(t, err)
		require.Zero(t, code)
	})
}

func newClient(t testing.TB) *Client {
	t.Helper()
	c, err := New(Config{AppKey: "key", AppSecret: "secret"})
	require.NoError(t, err)
	return c
}
