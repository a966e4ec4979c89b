package dingtalktest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/stretchr/testify/require"
)

// A fault of one department leaves the others alone, whatever call it is.
func TestFaultOfADepartment(t *testing.T) {
	r := newRig(t, nil)
	r.fake.AddDepartment(dingtalktest.Department{ID: 2, Parent: 1}, dingtalktest.Department{ID: 3, Parent: 1})
	r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 2})
	users := map[string]any{"cursor": 0, "size": 10}
	for _, path := range []string{dingtalktest.PathSubDepartments, dingtalktest.PathSubDepartmentIDs, dingtalktest.PathUserIDs, dingtalktest.PathUsers} {
		for id, code := range map[int]string{2: "60003", 3: "0"} {
			users["dept_id"] = id
			require.Equal(t, code, r.post(path, users).code(), path)
		}
	}
	r.fake.Heal()
	r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 3, Code: 400002, Path: dingtalktest.PathUserIDs})
	users["dept_id"] = 3
	require.Equal(t, "400002", r.post(dingtalktest.PathUserIDs, users).code())
	require.Equal(t, "0", r.post(dingtalktest.PathSubDepartmentIDs, users).code())
	require.Panics(t, func() { r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment}) })
}

func TestFaultAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		fault   dingtalktest.Fault
		status  int
		code    string
		text    string
		header  string
		metered int
	}{
		"throttled":          {fault: dingtalktest.Fault{Kind: dingtalktest.Throttled}, status: 200, code: "90018", text: "限制将在 2026-03-05 12:00:01 结束"},
		"throttled for long": {fault: dingtalktest.Fault{Kind: dingtalktest.Throttled, RetryAfter: 1500 * time.Millisecond}, status: 200, code: "90018", text: "限制将在 2026-03-05 12:00:02 结束"},
		"throttled globally": {fault: dingtalktest.Fault{Kind: dingtalktest.ThrottledGlobally}, status: 200, code: "90002", text: "建议错开整点时刻"},
		"busy":               {fault: dingtalktest.Fault{Kind: dingtalktest.Busy}, status: 200, code: "-1", text: "系统繁忙", metered: 1},
		"500":                {fault: dingtalktest.Fault{Kind: dingtalktest.ServerError}, status: 500, text: "<html>", metered: 1},
		"503":                {fault: dingtalktest.Fault{Kind: dingtalktest.Unavailable}, status: 503, text: "<html>", metered: 1},
		"503 with a wait":    {fault: dingtalktest.Fault{Kind: dingtalktest.Unavailable, RetryAfter: 90 * time.Second}, status: 503, header: "90", metered: 1},
		"HTML":               {fault: dingtalktest.Fault{Kind: dingtalktest.HTMLPage}, status: 200, text: "<title>Login</title>"},
		"firewall":           {fault: dingtalktest.Fault{Kind: dingtalktest.Firewall}, status: 200, text: `"status":1111`},
		"no errcode":         {fault: dingtalktest.Fault{Kind: dingtalktest.NoErrcode}, status: 200, text: "{}", metered: 1},
		"forbidden":          {fault: dingtalktest.Fault{Kind: dingtalktest.Forbidden}, status: 200, code: "60011", text: "requiredScopes=[qyapi_get_attendance_data]", metered: 1},
		"address":            {fault: dingtalktest.Fault{Kind: dingtalktest.AddressDenied}, status: 200, code: "60020", text: "request ip=192.0.2.10", metered: 1},
		"quota":              {fault: dingtalktest.Fault{Kind: dingtalktest.QuotaUsedUp}, status: 200, code: "90020", text: "额度:5000次"},
		"bad account":        {fault: dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: "a"}, status: 200, code: "40031", metered: 1},
		"invalid account":    {fault: dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: "a", Code: 33012}, status: 200, code: "33012", metered: 1},
		"another code":       {fault: dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: "a", Code: 60121}, status: 200, code: "60121", metered: 1},
		"any JSON":           {fault: dingtalktest.Fault{Kind: dingtalktest.Answer, Status: 418, Body: `{"errcode":"7"}`}, status: 418, text: `{"errcode":"7"}`, metered: 1},
		"any HTML":           {fault: dingtalktest.Fault{Kind: dingtalktest.Answer, Body: ` <b>`}, status: 200, text: `<b>`, metered: 1},
		"a gateway":          {fault: dingtalktest.Fault{Kind: dingtalktest.Gateway}, status: 203, text: "\ufeff\r\n{", metered: 1},
		"another gateway":    {fault: dingtalktest.Fault{Kind: dingtalktest.Gateway, Status: 201}, status: 201, text: "}\r\n<!-- passed on by gateway-7 -->", metered: 1},
		"stuck cursor":       {fault: dingtalktest.Fault{Kind: dingtalktest.StuckCursor}, status: 200, code: "0", text: `"recordresult":[]`, metered: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			test.fault.Times = 1
			r.fake.Fail(test.fault)
			answer := r.post("/attendance/listRecord", askA)
			require.Equal(t, test.status, answer.status)
			require.Equal(t, test.code, answer.code())
			require.Contains(t, answer.raw, test.text)
			require.Equal(t, test.header, answer.header.Get("Retry-After"))
			require.Equal(t, strings.HasPrefix(strings.TrimSpace(answer.raw), "<"), strings.Contains(answer.header.Get("Content-Type"), "html"))
			require.Equal(t, test.metered, r.fake.Metered())
			require.Equal(t, "0", r.post("/attendance/listRecord", askA).code(), "once only")
		})
	}
}

func TestFaultsOfTokenCalls(t *testing.T) {
	for name, test := range map[string]struct {
		kind     dingtalktest.FaultKind
		old      string
		status   int
		modern   string
		spelling string
	}{
		"bad secret": {dingtalktest.BadSecret, "40096", 400, "invalidClientIdOrSecret", "clientSecret"},
		"throttled":  {dingtalktest.ThrottledGlobally, "90002", 403, "Forbidden.AccessDenied.QpsLimitForApi", ""},
		"busy":       {dingtalktest.Busy, "-1", 500, "systemBusy", ""},
		"forbidden":  {dingtalktest.Forbidden, "60011", 403, "Forbidden.AccessDenied.AccessTokenPermissionDenied", "requiredScopes"},
		"address":    {dingtalktest.AddressDenied, "60020", 403, "Forbidden.AccessDenied.IpNotInWhiteList", "192.0.2.10"},
		"quota":      {dingtalktest.QuotaUsedUp, "90020", 403, "Forbidden.AccessDenied.ApiCountLimitForOrg", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.fake.Fail(dingtalktest.Fault{Kind: test.kind, Path: dingtalktest.PathOldToken})
			r.fake.Fail(dingtalktest.Fault{Kind: test.kind, Path: dingtalktest.PathToken})
			require.Equal(t, test.old, r.get("/gettoken", url.Values{"appkey": {dingtalktest.DefaultAppKey}, "appsecret": {dingtalktest.DefaultAppSecret}}).code())
			answer := newToken(r, dingtalktest.DefaultAppKey, dingtalktest.DefaultAppSecret)
			require.Equal(t, test.status, answer.status)
			require.Equal(t, test.modern, answer.code())
			require.Contains(t, answer.raw, test.spelling)
			require.Equal(t, "0", r.post("/attendance/listRecord", askA).code(), "other paths are not touched")
			r.fake.Heal()
			r.login()
		})
	}
	r := newRig(t, nil)
	r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Busy})
	r.login()
	r.fake.Heal()
	r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadSecret})
	require.Equal(t, "0", r.post("/attendance/listRecord", askA).code())
	require.Equal(t, 400, newToken(r, dingtalktest.DefaultAppKey, dingtalktest.DefaultAppSecret).status)
}

func TestFaultTokenExpired(t *testing.T) {
	r := newRig(t, nil)
	r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.TokenExpired, After: 1, Times: 1})
	old := r.token
	require.Equal(t, "0", r.post("/attendance/listRecord", askA).code())
	require.Equal(t, "40014", r.post("/attendance/listRecord", askA).code())
	require.Equal(t, "40014", r.post("/attendance/listRecord", askA).code(), "the token is dead for good")
	r.login()
	require.NotEqual(t, old, r.token)
	require.Equal(t, "0", r.post("/attendance/listRecord", askA).code())
}

func TestFaultsChooseTheirCalls(t *testing.T) {
	r := newRig(t, nil)
	codes := func(calls ...func() reply) (codes []string) {
		for _, call := range calls {
			codes = append(codes, call().code())
		}
		return codes
	}
	record := func(users ...string) func() reply {
		return func() reply {
			return r.post("/attendance/listRecord", object{"userIds": users, "checkDateFrom": "2026-03-02 00:00:00", "checkDateTo": "2026-03-02 00:00:00"})
		}
	}
	checkIn := func(users string) func() reply {
		return func() reply {
			return r.post("/topapi/checkin/record/get", object{"userid_list": users, "start_time": 1, "end_time": 2, "cursor": 0, "size": 1})
		}
	}
	get := func() reply { return r.post("/topapi/v2/user/get", object{"userid": "bad"}) }

	r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: "bad"})
	require.Equal(t, []string{"0", "40031", "40031", "0", "40031", "0", "40031"},
		codes(record("a"), record("a", "bad", "b"), record("bad"), checkIn("a,bad2"), checkIn("a,bad"), record("BAD"), get))
	r.fake.Heal()

	r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Busy, Path: dingtalktest.PathListRecord, After: 1, Times: 2})
	r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Forbidden, Path: dingtalktest.PathListRecord, Times: 1})
	require.Equal(t, []string{"60011", "0", "-1", "-1", "0"}, codes(record("a"), checkIn("a"), record("a"), record("a"), record("a")))

	require.Panics(t, func() { r.fake.Fail(dingtalktest.Fault{}) })
	require.Panics(t, func() { r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount}) })
}

func TestFaultStuckCursor(t *testing.T) {
	r := newRig(t, nil)
	r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.StuckCursor})
	for _, path := range []string{dingtalktest.PathUsers, dingtalktest.PathUsersSimple, dingtalktest.PathCheckInUsers} {
		result := r.post(path, object{"dept_id": 1, "cursor": 100, "size": 100}).body["result"].(object)
		require.Equal(t, []string{"100"}, column([]object{result}, "next_cursor"))
		require.Equal(t, true, result["has_more"])
	}
}

func TestFaultsOfTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		send := func(ctx context.Context) (*http.Response, error) {
			return r.fake.Client().Do(r.request("/attendance/listRecord", askA).WithContext(ctx))
		}

		r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Reset, Times: 1})
		_, err := send(t.Context())
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.Equal(t, 1, r.fake.Requests(dingtalktest.PathListRecord))
		require.Zero(t, r.fake.Metered())

		r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.HalfBody, Times: 1})
		resp, err := send(t.Context())
		require.NoError(t, err)
		raw, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, resp.ContentLength/2, int64(len(raw)))
		require.NoError(t, resp.Body.Close())

		r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.SlowBody, Times: 2})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		resp, err = send(ctx)
		require.NoError(t, err)
		raw, err = io.ReadAll(resp.Body)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotEmpty(t, raw)
		require.Equal(t, time.Hour, time.Since(start))
		require.NoError(t, resp.Body.Close())

		resp, err = send(t.Context())
		require.NoError(t, err)
		go func() {
			synctest.Wait() // until the reader below is blocked
			resp.Body.Close()
		}()
		_, err = io.ReadAll(resp.Body)
		require.ErrorIs(t, err, http.ErrBodyReadAfterClose)

		r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Hang, Times: 2})
		ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err = send(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = send(context.Background())
		require.Error(t, err, "without an end of its context it is an error, not a deadlock")

		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		seen := r.fake.Requests("")
		_, err = send(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, seen, r.fake.Requests(""), "a request that is over is not sent")
	})
}

func TestFaultsOfARealConnection(t *testing.T) {
	fake := dingtalktest.New(nil)
	server := httptest.NewServer(fake)
	defer server.Close()
	path := server.URL + "/gettoken?appkey=" + dingtalktest.DefaultAppKey + "&appsecret=" + dingtalktest.DefaultAppSecret
	fail := func(kind dingtalktest.FaultKind) {
		fake.Fail(dingtalktest.Fault{Kind: kind, Path: dingtalktest.PathOldToken, Times: 1})
	}
	send := func(ctx context.Context) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
		require.NoError(t, err)
		resp, err := server.Client().Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		return io.ReadAll(resp.Body)
	}
	raw, err := send(t.Context())
	require.NoError(t, err)
	require.Contains(t, string(raw), `"errcode":0`)

	server.Client().CloseIdleConnections() // on a used connection net/http would try again by itself
	fail(dingtalktest.Reset)
	_, err = send(t.Context())
	require.Error(t, err)
	require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), err)

	fail(dingtalktest.HalfBody)
	raw, err = send(t.Context())
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotEmpty(t, raw)

	fail(dingtalktest.SlowBody)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	require.NoError(t, err)
	resp, err := server.Client().Do(req)
	require.NoError(t, err)
	half := make([]byte, resp.ContentLength/2)
	_, err = io.ReadFull(resp.Body, half)
	require.NoError(t, err)
	cancel()
	_, err = resp.Body.Read(half)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, resp.Body.Close())
}
