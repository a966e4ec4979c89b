package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

const proxyPassword = "w%40ng-Pr0xyS3cret"

// What may be told of a proxy's address, and what is misread of one whose password is
// not encoded.
func TestDescribeProxy(t *testing.T) {
	for address, want := range map[string]proxy{
		"http://proxy.example.net:3128":            {host: "proxy.example.net:3128"},
		"http://svc:pw@10.1.2.3:3128":              {host: "10.1.2.3:3128", named: true},
		"http://svc:p%40w@10.1.2.3:3128/":          {host: "10.1.2.3:3128", named: true},
		"socks5://svc:pw@[::1]:1080":               {host: "[::1]:1080", named: true},
		"http://svc:p@w@10.1.2.3:3128":             {host: "10.1.2.3:3128", named: true},
		"http://svc:98#76@10.1.2.3:3128":           {misread: true},
		"http://svc:98/76@10.1.2.3:3128":           {misread: true},
		"http://svc:98?76@10.1.2.3:3128":           {misread: true},
		"http://http://svc:p/ss@10.1.2.3:3128":     {misread: true},
		"http://http://svc:p#ss@10.1.2.3:3128/foo": {misread: true},
	} {
		u, err := url.Parse(address)
		require.NoError(t, err, address)
		p := describe(u, "HTTPS_PROXY")
		want.variable = "HTTPS_PROXY"
		require.Equal(t, want, *p, address)
		for _, text := range []string{p.text().String(), p.source().String(), p.finding("h").Message.String(), p.finding("h").Mend.String()} {
			require.NotContains(t, text, "svc")
			require.NotContains(t, text, "98")
			require.NotContains(t, text, "76")
			if want.misread {
				require.NotContains(t, text, "10.1")
			}
		}
		require.Equal(t, want.misread, p.finding("h").Level == attendance.LevelWarning)
	}
	require.Equal(t, "a proxy on the way", (*proxy)(nil).text().EN)
}

// What follows from what a proxy does.
func TestProxyRefusals(t *testing.T) {
	known := &proxy{host: "10.1.2.3:3128", variable: "HTTPS_PROXY", named: true}
	socks := func(text string) error { return &net.OpError{Op: "socks connect", Net: "tcp", Err: errors.New(text)} }
	dial := &net.OpError{Op: "proxyconnect", Net: "tcp", Err: &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("lookup svc: no such host")}}
	for name, test := range map[string]struct {
		err   error
		proxy *proxy
		code  attendance.Code // "": no refusal of a proxy
		says  string
		mend  string
	}{
		"login":                  {answeredBy(407, nil, nil, ""), known, attendance.CodeProxy, "the proxy 10.1.2.3:3128 refuses the name and password in HTTPS_PROXY (407 Proxy Authentication Required)", "check the name and password of the proxy in HTTPS_PROXY, percent-encoded: % is %25"},
		"login, none given":      {answeredBy(407, nil, nil, ""), &proxy{host: "h:1", variable: "HTTP_PROXY"}, attendance.CodeProxy, "the proxy h:1 asks for a name and password, and none is given", "in HTTP_PROXY"},
		"login, a host's client": {answeredBy(407, nil, nil, ""), &proxy{host: "h:1", named: true}, attendance.CodeProxy, "in the http.Client that the program was given", "in the http.Client"},
		"login, unknown proxy":   {answeredBy(407, nil, nil, ""), nil, attendance.CodeProxy, "a proxy on the way asks for a name and password", "in the http.Client"},
		"another kind of login":  {answeredBy(407, http.Header{"Proxy-Authenticate": {"NTLM", "Negotiate abc"}}, nil, ""), known, attendance.CodeProxy, "wants a login by NTLM, Negotiate; this program knows Basic only", "without a login"},
		"several kinds":          {answeredBy(407, http.Header{"Proxy-Authenticate": {"NTLM", `Basic realm="x"`}}, nil, ""), known, attendance.CodeProxy, "refuses the name and password", "percent-encoded"},
		"forbidden":              {answeredBy(403, nil, nil, ""), known, attendance.CodeProxy, "the proxy 10.1.2.3:3128 forbids the way to api.test (403 Forbidden)", "allow api.test"},
		"a login page":           {answeredBy(302, nil, nil, ""), known, attendance.CodeProxy, "(302 Found)", "allow api.test"},
		"bad gateway":            {answeredBy(502, nil, nil, ""), known, attendance.CodeUnavailable, "the proxy 10.1.2.3:3128 does not get through to api.test (502 Bad Gateway)", "HTTPS_PROXY"},
		"too many":               {answeredBy(429, nil, nil, ""), known, attendance.CodeUnavailable, "429", "HTTPS_PROXY"},
		"in words":               {errors.New("Proxy Authentication Required"), known, attendance.CodeProxy, "407", "percent-encoded"},
		"in words, forbidden":    {errors.New("Forbidden"), known, attendance.CodeProxy, "403", "allow"},
		"in words, gateway":      {errors.New("Bad Gateway"), known, attendance.CodeUnavailable, "502", "HTTPS_PROXY"},
		"in words, old":          {errors.New("Authentication Required"), known, attendance.CodeProxy, "407", "percent-encoded"},
		"nowhere":                {dial, known, attendance.CodeUnavailable, "does not connect to api.test (proxyconnect tcp: dial tcp: lookup svc: no such host)", "check the proxy's address in HTTPS_PROXY"},
		"nowhere, misread":       {dial, &proxy{variable: "HTTPS_PROXY", misread: true}, attendance.CodeUnavailable, "the proxy of HTTPS_PROXY does not connect to api.test", "misread: write the name and password"},
		"socks, login":           {socks("username/password authentication failed"), known, attendance.CodeProxy, "refuses the name and password", "percent-encoded"},
		"socks, no login":        {socks("no acceptable authentication methods"), &proxy{host: "h:1"}, attendance.CodeProxy, "asks for a name", "http.Client"},
		"socks, rule":            {socks("unknown error connection not allowed by ruleset"), known, attendance.CodeProxy, "forbids the way", "allow"},
		"socks, gone":            {socks("unknown error host unreachable"), known, attendance.CodeUnavailable, "host unreachable", "HTTPS_PROXY"},
		"no proxy":               {errors.New("Forbidden"), nil, "", "", ""},
		"another error":          {io.ErrUnexpectedEOF, known, "", "", ""},
		"another network error":  {&net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")}, known, "", "", ""},
	} {
		r := refusalOf(&url.Error{Op: "Post", URL: "https://api.test/?access_token=x", Err: test.err}, test.proxy, "api.test")
		if test.code == "" {
			require.Nil(t, r, name)
			continue
		}
		require.NotNil(t, r, name)
		e := r.error("acme")
		require.Equal(t, test.code, e.Code, name)
		require.Contains(t, e.Detail, test.says, name)
		require.Contains(t, e.Mend.EN, test.mend, name)
		require.NotEmpty(t, e.Mend.ZH)
		if test.proxy != nil && test.proxy.misread {
			require.NotContains(t, e.Error(), "svc")
		}
	}
}

// A mouth is a proxy that answers everything with one status, on a real socket.
type mouth struct {
	*httptest.Server
	asked, named atomic.Int64
}

func newMouth(t *testing.T, status int) *mouth {
	m := &mouth{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.asked.Add(1)
		if r.Header.Get("Proxy-Authorization") != "" {
			m.named.Add(1)
		}
		w.Header().Set("Proxy-Authenticate", "Basic realm=proxy")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><title>go away, %s</title>", r.Header.Get("Proxy-Authorization"))
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mouth) proxy(t *testing.T) func(*http.Request) (*url.URL, error) {
	u, err := url.Parse(strings.Replace(m.URL, "http://", "http://svc-oa:"+proxyPassword+"@", 1))
	require.NoError(t, err)
	return http.ProxyURL(u)
}

// A proxy that refuses the login is asked once, by whatever clients share the way, over
// CONNECT and without, through a transport of ours and of a host's.
func TestProxyThatRefusesThePassword(t *testing.T) {
	for _, address := range []string{"https://oapi.example.test/gettoken", "http://oapi.example.test/gettoken"} {
		for _, ours := range []bool{true, false} {
			m := newMouth(t, http.StatusProxyAuthRequired)
			transport := ownTransport(m.proxy(t))
			if !ours {
				transport = &http.Transport{Proxy: m.proxy(t)}
			}
			given := HTTPClient(&http.Client{Transport: transport})
			require.Equal(t, given, HTTPClient(given))
			way := given.Transport.(*passage)
			now := time.Now()
			way.now = func() time.Time { return now }
			budget := NewMonthlyBudget(10, nil, nil)
			var last error
			for i := range 3 {
				c := &Client{Name: "acme", HTTP: given}
				for _, confidential := range []bool{false, true} {
					reply, err := c.Call(t.Context(), Request{URL: address, Body: map[string]string{"a": "b"}, Confidential: confidential, Budget: budget})
					require.Equal(t, attendance.CodeProxy, attendance.CodeOf(err), "%v", err)
					require.Zero(t, reply.Sent, "the platform has seen nothing")
					last = err
				}
				require.EqualValues(t, 1, m.asked.Load(), "%d %s", i, address)
			}
			require.ErrorContains(t, last, "the proxy "+m.Listener.Addr().String()+" refuses the name and password")
			require.ErrorContains(t, last, "not asked again")
			left, _, err := budget.Left(context.Background())
			require.NoError(t, err)
			require.Equal(t, 10, left)
			now = now.Add(rememberProxy)
			_, err = (&Client{HTTP: given}).Call(t.Context(), Request{URL: address})
			require.EqualValues(t, 2, m.asked.Load(), "after a while it may have been mended")
			require.EqualValues(t, 2, m.named.Load())
			for _, text := range []string{last.Error(), err.Error(), fmt.Sprintf("%+v %#v", last, errors.Unwrap(last))} {
				for _, piece := range []string{"ng-Pr0xyS3cret", "svc-oa", "c3ZjLW9h", "go away"} {
					require.NotContains(t, text, piece)
				}
			}
		}
	}
}

// What else a proxy answers to CONNECT is told of it, and tried again where it may pass.
func TestProxyThatRefusesTheWay(t *testing.T) {
	stop := func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 3) }
	for status, tries := range map[int]int64{403: 1, 404: 1, 502: 4, 503: 4} {
		m := newMouth(t, status)
		c := &Client{HTTP: &http.Client{Transport: ownTransport(m.proxy(t))}, Backoff: stop}
		_, err := c.Call(t.Context(), Request{URL: "https://oapi.example.test/x"})
		require.ErrorContains(t, err, m.Listener.Addr().String())
		require.ErrorContains(t, err, fmt.Sprint(status))
		require.Equal(t, tries, m.asked.Load())
		require.NotContains(t, err.Error(), "go away")
	}
	// One that nobody listens at, and one that answers in the platform's place.
	m := newMouth(t, 503)
	c := &Client{HTTP: &http.Client{Transport: ownTransport(m.proxy(t))}, Backoff: stop}
	_, err := c.Call(t.Context(), Request{URL: "http://oapi.example.test/x"})
	require.ErrorContains(t, err, "through the proxy "+m.Listener.Addr().String())
	m.Close()
	_, err = c.Call(t.Context(), Request{URL: "https://oapi.example.test/x"})
	require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
	require.ErrorContains(t, err, "the proxy "+m.Listener.Addr().String()+" does not connect to oapi.example.test")
	require.NotContains(t, err.Error(), "S3cret")
}

// The end of a call is the end of a call, whatever the proxy does.
func TestProxyAndContexts(t *testing.T) {
	end := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	defer hang.Close()
	defer close(end)
	u, err := url.Parse(hang.URL)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = (&Client{HTTP: &http.Client{Transport: ownTransport(http.ProxyURL(u))}}).Call(ctx, Request{URL: "https://oapi.example.test/x"})
	require.Equal(t, context.DeadlineExceeded, err, "bare")
}

// A check names the proxy, and no more of it.
func TestCheckProxy(t *testing.T) {
	m := newMouth(t, 200)
	c := &Client{HTTP: &http.Client{Transport: &http.Transport{Proxy: m.proxy(t)}}}
	found := c.CheckProxy("https://oapi.example.test", "https://api.example.test")
	require.Len(t, found, 2)
	require.Equal(t, "proxy", found[0].Code)
	require.Equal(t, attendance.LevelOK, found[0].Level)
	require.Contains(t, found[0].Message.EN, "oapi.example.test is reached through the proxy "+m.Listener.Addr().String())
	require.NotContains(t, found[0].Message.String(), "svc")
	require.Zero(t, m.asked.Load())
	require.Empty(t, (&Client{HTTP: &http.Client{Transport: &http.Transport{}}}).CheckProxy("https://oapi.example.test"))
	require.Empty(t, (&Client{}).CheckProxy("http://127.0.0.1:9", "http://localhost:9", "://"))
}
