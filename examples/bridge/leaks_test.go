package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sqlstore"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// liveToken is one that only answers of the tests hold; the fakes' own are collected.
const liveToken = "LIVE-t0k3n-9f8e7d6c5b4a"

// A search looks for secrets in everything that runs leave behind.
type search struct {
	t       *testing.T
	dir     string
	mu      sync.Mutex
	secrets map[string]bool
	streams sharedBuffer // what was printed, posted and served
}

// A sharedBuffer is one that several goroutines write to.
type sharedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (k *sharedBuffer) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.buffer.Write(p)
}

func (k *sharedBuffer) WriteString(s string) { _, _ = k.Write([]byte(s)) }

func (k *sharedBuffer) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.buffer.String()
}

func (k *sharedBuffer) Reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.buffer.Reset()
}

// seen is how many secrets are looked for.
func (s *search) seen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.secrets)
}

func newSearch(t *testing.T, dir string, secrets ...string) *search {
	s := &search{t: t, dir: dir, secrets: map[string]bool{}}
	for _, secret := range secrets {
		s.secrets[secret] = true
	}
	return s
}

// listen passes requests on and takes note of the tokens in the answers.
func (s *search) listen(to http.Handler) *http.Handler {
	tokens := regexp.MustCompile(`"access_?[tT]oken":"([^"]+)"`)
	h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tee := &teeWriter{ResponseWriter: w}
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, found := range tokens.FindAllSubmatch(tee.copy.Bytes(), -1) {
				s.secrets[string(found[1])] = true
			}
		}()
		to.ServeHTTP(tee, r)
	}))
	return &h
}

type teeWriter struct {
	http.ResponseWriter
	copy bytes.Buffer
}

func (w *teeWriter) Write(p []byte) (int, error) {
	w.copy.Write(p)
	return w.ResponseWriter.Write(p)
}

func (w *teeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// call runs the program in this process, for as long as a test has time.
func (s *search) call(site *site, lookup func(string) (string, bool), args ...string) (code int) {
	return s.callWithin(time.Minute, site, lookup, args...)
}

// callWithin cuts the program off, which a platform that never answers would hold up.
func (s *search) callWithin(patience time.Duration, site *site, lookup func(string) (string, bool), args ...string) (code int) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	p := &program{out: &s.streams, err: &s.streams, lookup: lookup}
	full := []string{"-config", site.write(), "-json"}
	if !site.now.IsZero() {
		full = append(full, "-now", site.now.Format(time.RFC3339))
	}
	return p.main(ctx, append(full, args...))
}

// commands are those that tell of runs and of people.
func (s *search) commands(site *site, lookup func(string) (string, bool)) {
	for _, args := range [][]string{{"run", "daily"}, {"check"}, {"history"}, {"jobs"}, {"bindings", "daily"}, {"preview", "daily"},
		{"explain", "daily", "-employee", "17", "-day", "2026-03-05"}, {"reconcile", "daily", "-from", "2026-03-04", "-to", "2026-03-05"}} {
		s.callWithin(400*time.Millisecond, site, lookup, args...)
	}
}

// nothing sees to it that no secret is anywhere: in no stream, and in no file of the
// folder but the configuration: the state and the OA's tables with their journals.
func (s *search) nothing(why string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	places := map[string][]byte{"streams": []byte(s.streams.String())}
	require.NoError(s.t, filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasPrefix(d.Name(), "bridge.yaml") {
			places[path], err = os.ReadFile(path)
		}
		return err
	}))
	for place, content := range places {
		for secret := range s.secrets {
			if at := bytes.Index(content, []byte(secret)); at >= 0 {
				s.t.Fatalf("%s: %s holds %q: ...%s", why, place, secret, content[max(0, at-300):at+len(secret)])
			}
		}
	}
	s.streams.Reset()
}

// answersWithTokens are bodies that a platform or something before it may answer.
func answersWithTokens() []string {
	return []string{
		`{"errcode":0,"errmsg":"ok","access_token":"` + liveToken + `","accessToken":"` + liveToken + `","expire`,
		"\ufeff" + `{"errcode":0,"accessToken":"` + liveToken + `","access_token":"` + liveToken + `"} // x`,
		`{"errcode":43001,"errmsg":"access_token=` + liveToken + ` is no good","ACCESS\u005fTOKEN":"` + liveToken + `"}`,
		`<html><title>login</title><a href="/?access_token=` + liveToken + `">`,
	}
}

// Whatever the platform does, no secret and no token is left behind by any command.
func TestNothingOfAPlatformIsLeftBehind(t *testing.T) {
	t.Parallel()
	t.Run("dingtalk", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, "e9")
		s.ordinary()
		found := newSearch(t, s.dir, dingtalktest.DefaultAppSecret, liveToken)
		s.handler.Store(found.listen(s.ding))
		found.commands(s, os.LookupEnv)
		require.Greater(t, found.seen(), 2, "the fake's own token was seen")
		found.nothing("no fault")
		for kind := dingtalktest.TokenExpired; kind <= dingtalktest.Answer; kind++ {
			for _, path := range []string{dingtalktest.PathListRecord, "/v1.0/oauth2/accessToken"} {
				for _, body := range answersWithTokens() {
					s.ding.Fail(dingtalktest.Fault{Kind: kind, Path: path, User: map[bool]string{true: account(17)}[kind == dingtalktest.BadAccount],
						Department: map[bool]int64{true: 50}[kind == dingtalktest.BadDepartment], Body: body})
					found.callWithin(400*time.Millisecond, s, os.LookupEnv, "run", "daily")
					s.ding.Heal()
					if kind != dingtalktest.Answer {
						break
					}
				}
				found.call(s, os.LookupEnv, "history")
				found.nothing(fmt.Sprint(kind, path))
			}
		}
	})
	t.Run("wecom", func(t *testing.T) {
		t.Parallel()
		s := newWecomSite(t, wecomtest.Options{})
		s.ordinary()
		found := newSearch(t, s.dir, wecomtest.DefaultSecret, wecomtest.DefaultContactSecret, liveToken)
		s.handler.Store(found.listen(s.wx))
		found.commands(s.site, os.LookupEnv)
		require.Greater(t, found.seen(), 3)
		found.nothing("no fault")
		for kind := wecomtest.Errcode; kind <= wecomtest.Answer; kind++ {
			for _, path := range []string{wecomtest.PathCheckIn, wecomtest.PathToken} {
				for _, body := range answersWithTokens() {
					s.wx.Fail(wecomtest.Fault{Kind: kind, Path: path, Code: 60020, Body: body})
					found.callWithin(400*time.Millisecond, s.site, os.LookupEnv, "run", "daily")
					s.wx.Heal()
					if kind != wecomtest.Answer {
						break
					}
				}
				found.call(s.site, os.LookupEnv, "history")
				found.nothing(fmt.Sprint(kind, path))
			}
		}
	})
}

const dbPassword = "Abc@Sup3rS3cret"

// Whatever the databases do, no piece of their passwords is left behind by any command.
func TestNothingOfADatabaseIsLeftBehind(t *testing.T) {
	t.Parallel()
	lookup := func(name string) (string, bool) { return dbPassword, name == "DB_PASS" }
	for _, c := range []struct {
		oa    []string
		state string
		code  int // of a run
	}{
		{[]string{"driver: postgres", "dsn: postgres://ecology:${DB_PASS}@127.0.0.1:1/ecology"}, "", 2},
		{[]string{"driver: postgres", "dsn: postgres://ecology@127.0.0.1:1/ecology", "password: ${DB_PASS}"}, "", 1},
		{[]string{"driver: postgres", "dsn: host=127.0.0.1 port=1 user=x password=${DB_PASS}"}, "", 1},
		{[]string{"driver: mysql", "dsn: nobody:${DB_PASS}@tcp(127.0.0.1:3306)/ecology"}, "", 1},
		{[]string{"driver: mysql", "dsn: nobody@tcp(127.0.0.1:1)/ecology", "password: ${DB_PASS}"}, "", 1},
		{[]string{"driver: mysql", "dsn: root@tcp(Sup3rS3cret.invalid:1)/ecology", "password: ${DB_PASS}"}, "", 1},
		{[]string{"driver: sqlserver", "dsn: server=127.0.0.1;port=1;user id=sa;database=x;dial timeout=1", "password: ${DB_PASS}"}, "", 1},
		{[]string{"driver: oracle", "dsn: oracle://ecology@127.0.0.1:1/x", "password: ${DB_PASS}"}, "", 1},
		{[]string{"dsn: file:oa.db"}, "{driver: postgres, dsn: 'postgres://ecology@127.0.0.1:1/x', password: '${DB_PASS}'}", 1},
		{[]string{"dsn: file:oa.db"}, "{driver: mysql, dsn: 'nobody:${DB_PASS}@tcp(127.0.0.1:3306)/x'}", 1},
		{[]string{"dsn: file:oa.db"}, "{driver: postgres, dsn: 'postgres://ecology:${DB_PASS}@127.0.0.1:1/x'}", 2},
	} {
		s := newSite(t, "e9")
		s.ordinary()
		s.oa, s.state = c.oa, c.state
		found := newSearch(t, s.dir, "Sup3r", "S3cret", "Abc%40", dbPassword)
		require.Equal(t, c.code, found.call(s, lookup, "run", "daily"), "%v %s: %s", c.oa, c.state, found.streams.String())
		found.commands(s, lookup)
		found.nothing(strings.Join(c.oa, " ") + c.state)
	}

	// A dialect that asks its server for the version at once logs why it cannot.
	s := newSite(t, "e9")
	s.oa = []string{"driver: mysql", "dsn: root@tcp(Sup3rS3cret.invalid:1)/ecology"}
	r := s.bridge("run", "daily")
	require.Equal(t, 1, r.code)
	require.NotContains(t, r.stdout+r.stderr, "Sup3rS3cret")
}

// What serve tells, serves and keeps holds no piece of a password either.
func TestServeLeavesNoPasswordBehind(t *testing.T) {
	t.Parallel()
	s := newServedSite(t)
	found := newSearch(t, s.dir, "Sup3r", "S3cret", "secret-of-notify", dingtalktest.DefaultAppSecret)
	told := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		found.mu.Lock()
		found.streams.Write(body)
		found.mu.Unlock()
		s.notices.ServeHTTP(w, &http.Request{Body: io.NopCloser(bytes.NewReader(body))})
	}))
	t.Cleanup(told.Close)
	s.head = fmt.Sprintf("http: 127.0.0.1:%d\nnotify: %s/hook?token=secret-of-notify\n", s.port, told.URL)
	s.oa = []string{"driver: postgres", "dsn: postgres://ecology@127.0.0.1:1/ecology", `password: "${file:bridge.yaml.pass}"`}
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "bridge.yaml.pass"), []byte(dbPassword+"\n"), 0o600))
	s.owe()
	cmd, stderr := s.serve()
	eventually(t, func() bool { return len(s.notices.states()) > 0 }, "the failure is told")
	metrics, health := s.get("/metrics"), s.get("/healthz")
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait()
	found.streams.WriteString(metrics + health + stderr.String())
	require.Contains(t, metrics, "punchbridge_")
	found.nothing("serve")
}

// A state database that an older program has filled is cleaned by the first command, and
// the run that does it says once: change this password.
func TestAnOldStateIsCleanedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.ordinary()
	lookup := func(name string) (string, bool) { return dbPassword, name == "DB_PASS" }
	require.Equal(t, 0, newSearch(t, s.dir).call(s, lookup, "run", "daily"))
	state := openRaw(t, filepath.Join(s.dir, "bridge-state.db"))
	kept := "failed to connect to `user=ecology database=ecology`: hostname resolving error: lookup Sup3rS3cret@127.0.0.1: no such host"
	_, err := state.Exec(`UPDATE punchbridge_runs SET message = ?, report = json_set(CAST(report AS TEXT), '$.failed', json(?))`, []byte(kept), `[{"persons":["17"],"span":{},"code":"store","message":"the database says Sup3rS3cret"}]`)
	require.NoError(t, err)
	_, err = state.Exec(`DELETE FROM punchbridge_store WHERE version = -1`)
	require.NoError(t, err)
	require.NoError(t, state.Close())

	// The password is in use, in the dsn of another OA of the file.
	s.oa = []string{"- {name: hq, dsn: 'file:oa.db'}", "- {name: other, driver: postgres, dsn: 'postgres://ecology@127.0.0.1:1/x', password: '${DB_PASS}'}"}
	s.job = append(s.job, "oa: hq")
	found := newSearch(t, s.dir, "Sup3r", "S3cret")
	p := &program{out: io.Discard, err: io.Discard, lookup: lookup} // is killed before it has told
	p.config, err = readConfig(s.write(), lookup)
	require.NoError(t, err)
	p.secrets = p.config.secrets(lookup)
	_, err = p.store(t.Context())
	require.NoError(t, err)
	require.NoError(t, p.stateDB.Close())
	found.call(s, lookup, "run", "daily")
	require.Contains(t, found.streams.String(), "change this password")
	require.Contains(t, found.streams.String(), "请修改该口令")
	require.Contains(t, found.streams.String(), `"password_kept"`)
	found.nothing("the cleaned state")
	found.call(s, lookup, "run", "daily")
	require.NotContains(t, found.streams.String(), "change this password", "once")
	require.Equal(t, 0, found.call(s, lookup, "history"))
	require.Contains(t, found.streams.String(), "failed to connect to ***", "the rest of the message is kept")
}

// What the library lets through, and what it cannot know, the program blanks.
func TestTheProgramBlanksWhatItKnows(t *testing.T) {
	t.Parallel()
	var posted []byte
	told := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { posted, _ = io.ReadAll(r.Body) }))
	t.Cleanup(told.Close)
	var out, errOut bytes.Buffer
	p := &program{out: &out, err: &errOut, lookup: func(name string) (string, bool) {
		return map[string]string{"HTTPS_PROXY": "http://svc:pr0xy-Sup3rS3cret@127.0.0.1:1"}[name], name == "HTTPS_PROXY"
	}}
	file := writeFile(t, "b.yaml", "oa: {driver: postgres, dsn: 'postgres://u@h/x', password: '"+dbPassword+"'}\nnotify: "+told.URL+"\nproviders: [{name: p, kind: dingtalk, app_key: k, app_secret: app-S3cret-1}]\n")
	require.Equal(t, 0, p.main(t.Context(), []string{"-config", file, "check"}), "there is no job")
	cause := &attendance.Error{Code: attendance.CodeStore, Detail: "Sup3rS3cret, Abc%40Sup3rS3cret, app-S3cret-1, pr0xy-Sup3rS3cret"}
	p.print(map[string]any{"error": troubleOf(cause)})
	p.logger.Error("x", "error", cause)
	require.NoError(t, p.newHerald().tell(t.Context(), (&server{program: p}).outcome(&jobConfig{name: "j", zone: beijing()}, attendance.Report{}, cause, streak{})))
	store := &sqlstore.Options{Redact: p.secrets.Text}
	for _, text := range []string{out.String(), errOut.String(), string(posted), store.Redact(cause.Error())} {
		require.NotContains(t, text, "S3cret")
		require.Contains(t, text, "***")
	}
	require.True(t, json.Valid(posted))
}
