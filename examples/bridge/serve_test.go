package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/punchbridge/punchbridge/attendance/sqlstore"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// A served site lives on the real clock: its people punched yesterday and today.
type servedSite struct {
	*site
	port    int
	notices *notices
}

// notices is what the address of notify was told.
type notices struct {
	mu  sync.Mutex
	all []notice
}

func (n *notices) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var one notice
	if err := json.NewDecoder(r.Body).Decode(&one); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, one)
}

func (n *notices) states() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []string
	for _, one := range n.all {
		all = append(all, one.Job+" "+one.State)
	}
	return all
}

func newServedSite(t *testing.T) *servedSite {
	s := &servedSite{site: newSite(t, "e9"), notices: &notices{}}
	now := time.Now().In(beijing())
	s.site.now = time.Time{}
	for _, ago := range []time.Duration{26 * time.Hour, 25 * time.Hour, 2 * time.Minute} {
		s.ding.AddPunch(dingtalktest.Punch{UserID: account(17), Time: now.Add(-ago).Truncate(time.Second), CheckType: "OnDuty"})
	}
	told := httptest.NewServer(s.notices)
	t.Cleanup(told.Close)
	s.port = freePort(t)
	s.head = fmt.Sprintf("http: 127.0.0.1:%d\nnotify: %s/hook?token=secret-of-notify\n", s.port, told.URL)
	// A time that passed a minute ago and was not worked off: a run makes up for it at once.
	s.job = append(s.job, fmt.Sprintf(`at: "%s"`, now.Add(-time.Minute).Format("15:04")))
	return s
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// owe makes the job's times owed since yesterday, as if it had been served then.
func (s *servedSite) owe() { s.oweJob("daily") }

func (s *servedSite) oweJob(name string) {
	db := bun.NewDB(openRaw(s.t, filepath.Join(s.dir, "bridge-state.db")), sqlitedialect.New())
	store, err := sqlstore.New(s.t.Context(), db, nil)
	require.NoError(s.t, err)
	yesterday := time.Now().Add(-23 * time.Hour)
	for _, key := range []string{name + " #ended", name} {
		_, err = store.Tick(s.t.Context(), key, yesterday, "the test")
		require.NoError(s.t, err)
	}
}

// serve starts a process.
func (s *servedSite) serve() (*exec.Cmd, *bytes.Buffer) {
	s.t.Helper()
	return s.serveFile(s.write())
}

func (s *servedSite) serveFile(path string) (*exec.Cmd, *bytes.Buffer) {
	s.t.Helper()
	cmd := exec.Command(os.Args[0], "-config", path, "serve")
	cmd.Env = append(append(os.Environ(), asProgram+"=1"), s.environment...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, &stderr
}

// eventually waits for something that real processes do.
func eventually(t *testing.T, what func() bool, why string) {
	t.Helper()
	require.Eventually(t, what, 30*time.Second, 50*time.Millisecond, why)
}

func (s *servedSite) get(path string) string {
	reply, err := new(http.Client).Get(fmt.Sprintf("http://127.0.0.1:%d%s", s.port, path))
	if err != nil {
		return ""
	}
	defer reply.Body.Close()
	body, _ := io.ReadAll(reply.Body)
	return string(body)
}

// stop sends SIGTERM and waits.
func stop(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	asked := time.Now()
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait()
	require.Less(t, time.Since(asked), 10*time.Second)
	return cmd.ProcessState.ExitCode()
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := newServedSite(t)
	s.provider = append(s.provider, "monthly_quota: 100")
	s.owe()
	cmd, stderr := s.serve()
	eventually(t, func() bool { return len(s.rows(signRows)) == 3 }, "the missed time was made up for")
	require.Equal(t, "ok\n", s.get("/healthz"))
	eventually(t, func() bool {
		return strings.Contains(s.get("/metrics"), `punchbridge_punches_total{job="daily",outcome="written"} 3`)
	}, "it is counted")
	metrics := s.get("/metrics")
	for _, line := range []string{`punchbridge_job_up{job="daily"} 1`, `punchbridge_last_success_timestamp_seconds{job="daily"} 1.`, `punchbridge_final_lag_seconds{job="daily"} `,
		`punchbridge_next_run_timestamp_seconds{job="daily"} 1.`, `punchbridge_calls_total{job="daily"} 1`, `punchbridge_people_behind{job="daily"} 0`,
		`punchbridge_calls_left{provider="platform"} 99`} {
		require.Contains(t, metrics, line)
	}
	require.Zero(t, stop(t, cmd))
	require.Empty(t, s.notices.states(), "all is well")
	require.NotContains(t, stderr.String(), "secret-of-notify")

	cmd, _ = s.serve()
	eventually(t, func() bool { return s.get("/healthz") == "ok\n" }, "up again")
	time.Sleep(500 * time.Millisecond)
	require.Zero(t, stop(t, cmd))
	require.Len(t, s.history().Runs, 1, "a time that was worked off is not worked off again")
}

func TestServeTellsWhenAJobFailsAndWhenItRecovers(t *testing.T) {
	t.Parallel()
	s := newServedSite(t)
	s.owe()
	right := slices.Clone(s.provider)
	s.provider = set(s.provider, "app_secret: wrong")
	cmd, stderr := s.serve()
	eventually(t, func() bool { return len(s.notices.states()) == 1 }, "told once")
	require.Equal(t, []string{"daily failed"}, s.notices.states())
	require.Contains(t, s.notices.all[0].Message, "任务 daily 失败")
	require.Zero(t, stop(t, cmd))
	require.NotContains(t, stderr.String(), "secret-of-notify")

	s.provider = right
	s.owe2()
	cmd, _ = s.serve()
	eventually(t, func() bool { return len(s.notices.states()) == 2 }, "told when it works again, by another process")
	require.Equal(t, "daily recovered", s.notices.states()[1])
	require.Zero(t, stop(t, cmd))
}

// owe2 makes the job's last time owed once more.
func (s *servedSite) owe2() {
	state := openRaw(s.t, filepath.Join(s.dir, "bridge-state.db"))
	_, err := state.Exec(`DELETE FROM punchbridge_ticks`)
	require.NoError(s.t, err)
	s.owe()
}

func TestTwoServersRunAJobOnceAndOneTakesOver(t *testing.T) {
	t.Parallel()
	s := newServedSite(t)
	s.owe()
	s.head = "" // no two listen at one address
	hang := make(chan struct{})
	asked := make(chan string, 16) // by which address
	slow := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == dingtalktest.PathListRecord {
			asked <- r.Host
			<-hang
		}
		s.ding.ServeHTTP(w, r)
	}))
	s.handler.Store(&slow)
	// Each process asks the platform by an address of its own, which tells them apart.
	other := httptest.NewServer(slow)
	t.Cleanup(other.Close)
	path := s.write()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	otherPath := filepath.Join(s.dir, "other.yaml")
	require.NoError(t, os.WriteFile(otherPath, bytes.ReplaceAll(text, []byte(s.url), []byte(other.URL)), 0o600))
	first, _ := s.serveFile(path)
	second, _ := s.serveFile(otherPath)
	who := <-asked
	require.Len(t, s.history().Runs, 1, "one of them runs it")
	owner := s.history().Runs[0]
	require.Equal(t, "running", owner.Result)
	// Whoever holds it is killed; the other makes up for it.
	state := openRaw(t, filepath.Join(s.dir, "bridge-state.db"))
	require.NotEmpty(t, rows(t, state, `SELECT owner FROM punchbridge_leases WHERE owner <> x''`))
	killed, left := first, second
	if "http://"+who == other.URL {
		killed, left = second, first
	}
	require.NoError(t, killed.Process.Kill())
	_ = killed.Wait()
	close(hang)
	require.Eventually(t, func() bool { return len(s.rows(signRows)) == 3 }, 45*time.Second, 100*time.Millisecond, "the other takes over, in some twenty seconds")
	require.Zero(t, stop(t, left))
	require.Empty(t, s.rows(doubled))
}
