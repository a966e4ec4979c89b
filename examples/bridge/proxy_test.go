package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

const proxyPassword = "wrong-Pr0xyS3cret" // one with a piece that stands alone

// A proxy in front of everything, which counts who comes.
type frontProxy struct {
	*httptest.Server
	asked atomic.Int64
}

// newProxy answers every CONNECT, and what comes without one, by status; 0 hands what
// comes without CONNECT on to the platform.
func newProxy(t *testing.T, status int, platform http.Handler) *frontProxy {
	p := &frontProxy{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		if status == 0 && r.Method != http.MethodConnect {
			platform.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		w.WriteHeader(cmp.Or(status, http.StatusMethodNotAllowed))
		fmt.Fprintf(w, "<html>%s %s", r.Header.Get("Proxy-Authorization"), proxyPassword)
	}))
	t.Cleanup(p.Close)
	return p
}

// behind sets the variables of a site's environment that are about proxies.
func (s *site) behind(variables ...string) {
	s.environment = nil
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "no_proxy", "all_proxy", "REQUEST_METHOD"} {
		s.environment = append(s.environment, name+"=")
	}
	s.environment = append(s.environment, variables...)
}

func (p *frontProxy) named() string {
	return strings.Replace(p.URL, "http://", "http://svc-oa:"+proxyPassword+"@", 1)
}

// keepsProxy sees to it that nothing that was printed or kept holds a piece of the login.
func (s *site) keepsProxy(texts ...string) {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	require.NoError(s.t, err)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(s.t, err)
		texts = append(texts, string(content))
	}
	for _, text := range texts {
		for _, piece := range []string{"Pr0xy", "S3cret", "svc-oa", "c3ZjLW9h", "98#76", ":98"} {
			require.NotContains(s.t, text, piece)
		}
	}
}

// A proxy that refuses the password is asked once a run and once a check, whichever
// platform, by CONNECT and without; the mend names the variable.
func TestProxyRefusesThePassword(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"dingtalk", "wecom"} {
		for _, scheme := range []string{"https", "http"} {
			t.Run(kind+" "+scheme, func(t *testing.T) {
				t.Parallel()
				proxy := newProxy(t, http.StatusProxyAuthRequired, nil)
				var s *site
				if kind == "dingtalk" {
					s = newSite(t, "e8")
					s.provider = set(s.provider, "api_base_url: "+scheme+"://api.example.test")
				} else {
					w := newWecomSite(t, wecomtest.Options{})
					w.provider = append(w.provider, "contact_secret: "+wecomtest.DefaultContactSecret)
					s = w.site
				}
				s.provider = set(s.provider, "base_url: "+scheme+"://oapi.example.test")
				variable := strings.ToUpper(scheme) + "_PROXY"
				s.behind(variable + "=" + proxy.named())
				for _, command := range [][]string{{"run", "daily"}, {"check"}, {"bindings", "daily"}, {"preview", "daily"},
					{"backfill", "daily", "-from", "2025-12-01", "-to", "2026-03-08", "-bound-only=false"},
					{"explain", "daily", "-employee", "17", "-day", "2026-03-05"}} {
					proxy.asked.Store(0)
					r := s.bridge(command...)
					require.Equal(t, 1, r.code, "%v: the platform was not reached, it has refused nobody: %s %s", command, r.stdout, r.stderr)
					require.EqualValues(t, 1, proxy.asked.Load(), "%v", command)
					require.Contains(t, r.stdout+r.stderr, proxy.Listener.Addr().String())
					require.Contains(t, r.stdout, variable)
					require.Contains(t, r.stdout, "百分号编码")
					s.keepsProxy(r.stdout, r.stderr)
				}
				history := s.bridge("history")
				require.Contains(t, history.stdout, "refuses the name and password")
				s.keepsProxy(history.stdout, history.stderr)
			})
		}
	}
}

// What serve posts holds nothing of the login either.
func TestServeBehindAProxy(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t, http.StatusProxyAuthRequired, nil)
	s := newServedSite(t)
	s.provider = set(set(s.provider, "base_url: https://oapi.example.test"), "api_base_url: https://api.example.test")
	s.behind("https_proxy=" + proxy.named())
	s.owe()
	cmd, stderr := s.serve()
	eventually(t, func() bool { return len(s.notices.states()) > 0 }, "the failure is told")
	metrics := s.get("/metrics")
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait()
	posted, err := json.Marshal(s.notices.all)
	require.NoError(t, err)
	require.Contains(t, string(posted), "HTTPS_PROXY")
	require.EqualValues(t, 1, proxy.asked.Load())
	s.keepsProxy(string(posted), metrics, stderr.String())
}

// check tells which proxy is used, and which variable is not and why.
func TestCheckTellsOfProxies(t *testing.T) {
	t.Parallel()
	platform := newSite(t, "e8")
	platform.ordinary()
	proxy := newProxy(t, 0, platform.ding)
	direct := platform.provider
	proxied := set(set(append([]string(nil), direct...), "base_url: http://oapi.example.test"), "api_base_url: http://api.example.test")
	used, unused := "oapi.example.test is reached through the proxy "+proxy.Listener.Addr().String()+" (HTTP_PROXY)", "is set and NOT used"
	for name, test := range map[string]struct {
		environment []string
		provider    []string
		code        int
		says, why   string
		silent      bool
	}{
		"used":              {[]string{"HTTP_PROXY=" + proxy.named()}, proxied, 0, used, "", false},
		"used, lower case":  {[]string{"http_proxy=" + proxy.named()}, proxied, 0, used, "", false},
		"no need of one":    {[]string{"HTTP_PROXY=" + proxy.named()}, direct, 0, "", "", true},
		"NO_PROXY":          {[]string{"HTTP_PROXY=" + proxy.named(), "NO_PROXY=.example.test"}, proxied, 1, "", "", true},
		"a percent sign":    {[]string{"HTTP_PROXY=http://svc-oa:Pr0xy%S3cret@" + proxy.Listener.Addr().String()}, proxied, 1, unused, "%25", false},
		"of a direct one":   {[]string{"http_proxy=http://svc-oa:Pr0xy%S3cret@" + proxy.Listener.Addr().String()}, direct, 0, unused, "%25", false},
		"a line feed":       {[]string{"HTTP_PROXY=" + proxy.URL + "\n"}, direct, 0, unused, "line feed", false},
		"the other scheme":  {[]string{"HTTPS_PROXY=http://svc-oa:Pr0xy%S3cret@h"}, direct, 0, "", "", true},
		"ALL_PROXY":         {[]string{"ALL_PROXY=" + proxy.named()}, direct, 0, "ALL_PROXY " + unused, "HTTP_PROXY", false},
		"a slash":           {[]string{"HTTP_PROXY=http://svc-oa:98/76S3cret@" + proxy.Listener.Addr().String()}, proxied, 1, "misread", "%2F", false},
		"a number and hash": {[]string{"HTTP_PROXY=http://svc-oa:98#76S3cret@" + proxy.Listener.Addr().String()}, proxied, 1, "misread", "%23", false},
		"no port, a hash":   {[]string{"HTTP_PROXY=http://svc-oa:Pr0xy#S3cret@" + proxy.Listener.Addr().String()}, proxied, 1, "misread", "%23", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.code != 0 && name != "a percent sign" {
				long(t, "an address that is not reached, with its retries")
			}
			s := newSite(t, "e8")
			s.provider = test.provider
			s.behind(test.environment...)
			r := s.bridge("check")
			require.Equal(t, test.code, r.code, "%s: %s", name, r.stdout)
			var told string
			for _, f := range r.document.Findings {
				if strings.HasPrefix(f.Code, "proxy") {
					told += f.Message + f.Mend + "\n"
				}
			}
			require.Equal(t, test.silent, told == "", "%s: %s", name, told)
			require.Contains(t, told, test.says, name)
			require.Contains(t, told, test.why, name)
			s.keepsProxy(r.stdout, r.stderr)
			run := s.bridge("run", "daily")
			require.Equal(t, test.code, run.code, "%s: %s", name, run.stdout)
			if test.says == unused {
				require.Contains(t, run.stderr, unused, "a run says so too")
			}
			s.keepsProxy(run.stdout, run.stderr)
		})
	}
}

// Another refusal of a proxy names it too.
func TestProxyForbidsTheWay(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.provider = set(set(s.provider, "base_url: https://oapi.example.test"), "api_base_url: https://api.example.test")
	for status, asked := range map[int]int64{403: 1, 502: 4} {
		proxy := newProxy(t, status, nil)
		s.behind("HTTPS_PROXY=" + proxy.named())
		r := s.bridge("run", "daily")
		require.Equal(t, 1, r.code, r.stdout)
		require.Contains(t, r.document.Error.Message, proxy.Listener.Addr().String())
		require.Contains(t, r.document.Error.Message, fmt.Sprint(status))
		require.Contains(t, r.document.Error.Mend, "HTTPS_PROXY")
		require.Equal(t, asked, proxy.asked.Load())
		s.keepsProxy(r.stdout, r.stderr)
	}
}

// Messages go the same way, and ask a proxy no more often.
func TestNotifyBehindAProxy(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t, http.StatusProxyAuthRequired, nil)
	s := newSite(t, "e8")
	s.head = "notify: http://robot.example.test/hook\n"
	s.behind("HTTP_PROXY=" + proxy.named())
	r := s.bridge("notify-test")
	require.Equal(t, 1, r.code, r.stdout)
	require.EqualValues(t, 1, proxy.asked.Load())
	require.Contains(t, r.stdout, "refuses the name and password in HTTP_PROXY")
	s.keepsProxy(r.stdout, r.stderr)
}
