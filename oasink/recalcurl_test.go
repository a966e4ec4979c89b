package oasink_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

const (
	hookAddress = "https://bob:p4ssw0rd@oa.example.com/kq/again?key=s3cret-query"
	hookToken   = "t0ken-of-the-hook"
)

func someDays(n int) []attendance.PersonDay {
	days := make([]attendance.PersonDay, n)
	for i := range days {
		days[i] = attendance.PersonDay{Person: fmt.Sprint(17 + i), Day: attendance.Date{Year: 2026, Month: 3, Day: 2}}
	}
	return days
}

func answering(t *testing.T, responder httpmock.Responder) func(ctx context.Context) error {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(responder)
	hook, err := oasink.RecalculateURL(hookAddress, &oasink.RecalculateURLOptions{Token: hookToken, Client: &http.Client{Transport: mock}})
	require.NoError(t, err)
	return func(ctx context.Context) error { return hook(ctx, someDays(2)) }
}

func TestRecalculateURLSendsTheDays(t *testing.T) {
	var sizes []int
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder("POST", "https://oa.example.com/kq/again", func(r *http.Request) (*http.Response, error) {
		require.Equal(t, "key=a/", r.URL.RawQuery)
		require.Equal(t, "Bearer "+hookToken, r.Header.Get("Authorization"))
		require.Equal(t, "application/json; charset=utf-8", r.Header.Get("Content-Type"))
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		var document struct{ Days []map[string]string }
		require.NoError(t, json.Unmarshal(body, &document))
		if len(sizes) == 0 {
			require.True(t, strings.HasPrefix(string(body), `{"days":[{"employee_id":"17","day":"2026-03-02"},{"employee_id":"18",`), string(body))
		}
		sizes = append(sizes, len(document.Days))
		return httpmock.NewStringResponse(200, ""), nil
	})
	client := &http.Client{Transport: mock}
	hook, err := oasink.RecalculateURL("https://oa.example.com/kq/again?key=a/", &oasink.RecalculateURLOptions{Token: hookToken, Client: client})
	require.NoError(t, err)
	require.NoError(t, hook(t.Context(), someDays(1100)))
	require.Equal(t, []int{500, 500, 100}, sizes)
	require.Nil(t, client.CheckRedirect, "the host's client stays as it is")
	require.NoError(t, hook(t.Context(), nil))
	require.Len(t, sizes, 3)
}

func TestRecalculateURLJudgesAnswers(t *testing.T) {
	answer := func(status int, kind, body string) httpmock.Responder {
		return func(*http.Request) (*http.Response, error) {
			r := httpmock.NewStringResponse(status, body)
			if kind != "" {
				r.Header.Set("Content-Type", kind)
			}
			return r, nil
		}
	}
	for name, test := range map[string]struct {
		responder httpmock.Responder
		code      attendance.Code // "": done
		says      string
	}{
		"empty":                 {answer(200, "", ""), "", ""},
		"no content":            {answer(204, "", ""), "", ""},
		"accepted":              {answer(202, "application/json", `{"queued":2}`), "", ""},
		"text":                  {answer(200, "text/plain", "OK"), "", ""},
		"a JSP without a type":  {answer(200, "text/html;charset=UTF-8", "\r\n\r\n{\"ok\":true}\r\n"), "", ""},
		"an empty JSP":          {answer(200, "text/html", "\r\n\r\n"), "", ""},
		"a page":                {answer(200, "text/html; charset=utf-8", "\ufeff\n<!DOCTYPE html><title>登录</title>"), attendance.CodeMalformed, "HTML"},
		"a page called JSON":    {answer(200, "application/json", "\n<html><body>login</body></html>"), attendance.CodeMalformed, "HTML"},
		"words of a page":       {answer(200, "text/html", "please log in"), attendance.CodeMalformed, "HTML"},
		"too much":              {answer(200, "application/json", strings.Repeat(" ", 1<<20+1)), attendance.CodeMalformed, "bytes"},
		"redirect to the login": {httpmock.NewStringResponder(302, "").HeaderSet(http.Header{"Location": {"/login?key=s3cret-query"}}), attendance.CodeMalformed, "redirect"},
		"no right":              {answer(401, "application/json", `{"token":"`+hookToken+`"}`), attendance.CodePermission, "401"},
		"forbidden":             {answer(403, "", ""), attendance.CodePermission, "403"},
		"not there":             {answer(404, "text/html", "<html>"), attendance.CodeRequest, "404"},
		"too often":             {answer(429, "", ""), attendance.CodeUnavailable, "429"},
		"broken":                {answer(500, "text/html", "<html>s3cret-query"), attendance.CodeUnavailable, "500"},
		"bad gateway":           {answer(502, "", ""), attendance.CodeUnavailable, "502"},
		"not reached":           {httpmock.NewErrorResponder(errors.New("dial tcp: refused")), attendance.CodeUnavailable, "refused"},
		"a talkative transport": {httpmock.NewErrorResponder(fmt.Errorf("POST %s with %s failed", hookAddress, hookToken)), attendance.CodeUnavailable, "POST ***"},
		"a time-out of its own": {httpmock.NewErrorResponder(context.DeadlineExceeded), attendance.CodeUnavailable, "deadline"},
	} {
		t.Run(name, func(t *testing.T) {
			err := answering(t, test.responder)(t.Context())
			require.Equal(t, test.code, attendance.CodeOf(err))
			if test.code == "" {
				require.NoError(t, err)
				return
			}
			var e *attendance.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "POST https://oa.example.com", e.Op)
			require.Contains(t, e.Detail, test.says)
			require.NotEmpty(t, e.Mend.EN)
			require.NotEmpty(t, e.Mend.ZH)
			for _, secret := range []string{"s3cret-query", "p4ssw0rd", hookToken, "please log in", "登录<"} {
				require.NotContains(t, fmt.Sprintf("%v %+v", err, e.Err)+e.Detail, secret)
			}
		})
	}
}

func TestRecalculateURLDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging := func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		began := time.Now()
		err := answering(t, hanging)(t.Context())
		require.Equal(t, 30*time.Second, time.Since(began))
		require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
		require.ErrorContains(t, err, "no answer within 30s")

		// An answer that begins and does not end is none.
		endless := func(r *http.Request) (*http.Response, error) {
			response := httpmock.NewStringResponse(200, "")
			response.Body = hangingBody{r.Context()}
			return response, nil
		}
		err = answering(t, endless)(t.Context())
		require.ErrorContains(t, err, "no answer within 30s")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Equal(t, context.DeadlineExceeded, answering(t, hanging)(ctx), "the host's own end is bare")
	})
}

type hangingBody struct{ ctx context.Context }

func (b hangingBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func (hangingBody) Close() error { return nil }

func TestRecalculateURLRefusesWhatCannotBe(t *testing.T) {
	for _, address := range []string{"", "oa.example.com/x?key=s3cret-query", "ftp://oa.example.com/?key=s3cret-query", "http:///?s3cret-query", "http://[?s3cret-query"} {
		_, err := oasink.RecalculateURL(address, nil)
		require.ErrorContains(t, err, "http")
		require.NotContains(t, err.Error(), "s3cret-query")
	}
	for _, token := range []string{"two words", "line\nbreak", "令牌-s3cret"} {
		_, err := oasink.RecalculateURL("https://oa.example.com/", &oasink.RecalculateURLOptions{Token: token})
		require.ErrorContains(t, err, "token")
		require.NotContains(t, err.Error(), token)
	}
}
