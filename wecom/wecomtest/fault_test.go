package wecomtest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
	"github.com/stretchr/testify/require"
)

func TestFaultAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		fault  wecomtest.Fault
		status int
		code   string
		text   string
		header string
	}{
		"busy":            {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: -1}, status: 200, code: "-1", text: `"system busy, hint: [`},
		"throttled":       {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 45009}, status: 200, code: "45009", text: `"checkindata":[]`},
		"concurrent":      {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 45033}, status: 200, code: "45033", text: `"api concurrent out of limit, hint`},
		"address":         {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60020}, status: 200, code: "60020", text: `not allow to access from your ip, hint: [1772683200000000000000001], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com/devtool/query?e=60020"`},
		"forbidden":       {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 48002}, status: 200, code: "48002", text: `"api forbidden, hint`},
		"no such user":    {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 301021, User: "A"}, status: 200, code: "301021"},
		"any code":        {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 45047}, status: 200, code: "45047", text: `"error, hint`},
		"500":             {fault: wecomtest.Fault{Kind: wecomtest.ServerError}, status: 500, text: "<html>"},
		"503":             {fault: wecomtest.Fault{Kind: wecomtest.Unavailable}, status: 503, text: "<html>"},
		"503 with a wait": {fault: wecomtest.Fault{Kind: wecomtest.Unavailable, RetryAfter: 90 * time.Second}, status: 503, header: "90"},
		"HTML":            {fault: wecomtest.Fault{Kind: wecomtest.HTMLPage}, status: 200, text: "<title>Login</title>"},
		"no array":        {fault: wecomtest.Fault{Kind: wecomtest.NoArray}, status: 200, code: "0", text: `{"errcode":0,"errmsg":"ok"}`},
		"empty":           {fault: wecomtest.Fault{Kind: wecomtest.Empty}, status: 200, code: "0", text: `{"errcode":0,"errmsg":"ok","checkindata":[]}`},
		"a gateway":       {fault: wecomtest.Fault{Kind: wecomtest.Gateway}, status: 203, text: "\ufeff\r\n{"},
		"another gateway": {fault: wecomtest.Fault{Kind: wecomtest.Gateway, Status: 201}, status: 201, text: "}\r\n<!-- passed on by gateway-7 -->"},
		"any JSON":        {fault: wecomtest.Fault{Kind: wecomtest.Answer, Status: 418, Body: `{"errcode":"7"}`}, status: 418, text: `{"errcode":"7"}`},
		"any HTML":        {fault: wecomtest.Fault{Kind: wecomtest.Answer, Body: ` <b>`}, status: 200, text: `<b>`},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.fake.AddUser(wecomtest.User{ID: "a"})
			r.fake.AddRecord(wecomtest.Record{UserID: "a", Time: at("2026-03-02 09:00:00")})
			test.fault.Times = 1
			r.fake.Fail(test.fault)
			answer := r.post(wecomtest.PathCheckIn, askA)
			require.Equal(t, test.status, answer.status)
			require.Equal(t, test.code, answer.code())
			require.Contains(t, answer.raw, test.text)
			require.Equal(t, test.header, answer.header.Get("Retry-After"))
			require.Equal(t, strings.HasPrefix(strings.TrimSpace(answer.raw), "<"), strings.Contains(answer.header.Get("Content-Type"), "html"))
			require.Len(t, r.rows(r.post(wecomtest.PathCheckIn, askA), "checkindata"), 1, "once only")
		})
	}
}

func TestDocumentedTexts(t *testing.T) {
	r := newRig(t, nil)
	for _, code := range []int{-1, 6000, 40001, 40003, 40013, 40014, 40033, 40058, 40063, 40091, 41001, 41002, 41004, 42001, 45009, 45033,
		46004, 48001, 48002, 48005, 48009, 60003, 60011, 60020, 60030, 60031, 60111, 301002, 301021, 301022, 301023, 301024, 301039, 301042, 301083} {
		r.fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: code, Times: 1})
		answer := r.post(wecomtest.PathCheckIn, askA)
		require.Equal(t, strconv.Itoa(code), answer.code())
		require.NotContains(t, answer.raw, `"error, hint`, code)
		require.Contains(t, answer.raw, "devtool/query?e="+strconv.Itoa(code)+`"`)
	}
}

func TestFaultsHideNoMistake(t *testing.T) {
	r := newRig(t, nil)
	r.fake.Fail(wecomtest.Fault{Kind: wecomtest.Empty})
	require.Equal(t, "301023", r.post(wecomtest.PathCheckIn, with(askA, object{"useridlist": []string{}})).code())
	require.Equal(t, "0", getDepartments(r).code(), "it is for check-ins only")
}

func TestFaultsOfTokenCalls(t *testing.T) {
	r := newRig(t, nil)
	r.fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: -1})
	r.login(wecomtest.DefaultSecret) // it has to be named
	require.Equal(t, "-1", getDepartments(r).code())
	r.fake.Heal()
	r.fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 45009, Path: wecomtest.PathToken, Times: 1})
	require.Equal(t, "45009", r.getToken(wecomtest.DefaultCorpID, wecomtest.DefaultSecret).code())
	r.login(wecomtest.DefaultSecret)
	r.fake.Fail(wecomtest.Fault{Kind: wecomtest.BadSecret})
	require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code())
	require.Equal(t, "40001", r.getToken(wecomtest.DefaultCorpID, wecomtest.DefaultSecret).code())
}

func TestFaultTokenExpired(t *testing.T) {
	for also42001, code := range map[bool]string{false: "40014", true: "42001"} {
		r := newRig(t, &wecomtest.Options{ExpiredAs42001: also42001})
		r.fake.Fail(wecomtest.Fault{Kind: wecomtest.TokenExpired, After: 1, Times: 1})
		old := r.token
		require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code())
		require.Equal(t, code, r.post(wecomtest.PathCheckIn, askA).code())
		require.Equal(t, code, r.post(wecomtest.PathCheckIn, askA).code(), "the token is dead for good")
		r.login(wecomtest.DefaultSecret)
		require.NotEqual(t, old, r.token)
		require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code())
	}
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
		return func() reply { return r.post(wecomtest.PathCheckIn, with(askA, object{"useridlist": users})) }
	}
	get := func() reply { return r.get(wecomtest.PathUser, url.Values{"userid": {"Bad"}}) }

	r.fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 301021, User: "bad"})
	require.Equal(t, []string{"0", "301021", "301021", "0", "301021", "301021"},
		codes(record("a"), record("a", "bad", "b"), record("bad"), record("bad2"), record("BAD"), get))
	require.Equal(t, "40058", r.post(wecomtest.PathCheckIn, "no JSON").code())
	r.fake.Heal()

	r.fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: -1, Path: wecomtest.PathCheckIn, After: 1, Times: 2})
	r.fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 301022, Path: wecomtest.PathCheckIn, Times: 1})
	require.Equal(t, []string{"301022", "60111", "-1", "-1", "0"}, codes(record("a"), get, record("a"), record("a"), record("a")))

	require.Panics(t, func() { r.fake.Fail(wecomtest.Fault{}) })
	require.Panics(t, func() { r.fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode}) })
}

func TestFaultsOfTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		send := func(ctx context.Context) (*http.Response, error) {
			return r.fake.Client().Do(r.request(wecomtest.PathCheckIn, askA).WithContext(ctx))
		}

		r.fake.Fail(wecomtest.Fault{Kind: wecomtest.Reset, Times: 1})
		_, err := send(t.Context())
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.Equal(t, 1, r.fake.Requests(wecomtest.PathCheckIn))

		r.fake.Fail(wecomtest.Fault{Kind: wecomtest.HalfBody, Times: 1})
		resp, err := send(t.Context())
		require.NoError(t, err)
		raw, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, resp.ContentLength/2, int64(len(raw)))
		require.NoError(t, resp.Body.Close())

		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r.fake.Fail(wecomtest.Fault{Kind: wecomtest.SlowBody, Times: 1})
		resp, err = send(ctx)
		require.NoError(t, err)
		raw, err = io.ReadAll(resp.Body)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotEmpty(t, raw)
		require.NoError(t, resp.Body.Close())

		ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r.fake.Fail(wecomtest.Fault{Kind: wecomtest.Hang, Times: 1})
		_, err = send(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestARealConnection(t *testing.T) {
	fake := wecomtest.New(nil)
	server := httptest.NewServer(fake)
	defer server.Close()
	send := func() ([]byte, error) {
		path := server.URL + wecomtest.PathToken + "?corpid=" + wecomtest.DefaultCorpID + "&corpsecret=" + wecomtest.DefaultSecret
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		require.NoError(t, err)
		resp, err := server.Client().Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		require.Equal(t, "0", resp.Header.Get("Error-Code"))
		return io.ReadAll(resp.Body)
	}
	raw, err := send()
	require.NoError(t, err)
	require.Contains(t, string(raw), `"errcode":0`)

	server.Client().CloseIdleConnections() // on a used connection net/http would try again by itself
	fake.Fail(wecomtest.Fault{Kind: wecomtest.Reset, Path: wecomtest.PathToken, Times: 1})
	_, err = send()
	require.Error(t, err)
	require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), err)
	fake.Fail(wecomtest.Fault{Kind: wecomtest.HalfBody, Path: wecomtest.PathToken, Times: 1})
	_, err = send()
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}
