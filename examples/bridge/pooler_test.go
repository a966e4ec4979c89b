//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pooled puts PgBouncer in transaction mode before the site's PostgreSQL, as it was
// before it knew of prepared statements, and returns the dsn through it.
func pooled(t *testing.T, dsn string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("pgbouncer is needed on CI (.ci/standins)")
		}
		t.Skip("there is no program pgbouncer here: a pooler in transaction mode is not tested")
	}
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "punchbridge") //nolint:usetesting // t.TempDir lies where only root may go
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, listener.Close())
	file := filepath.Join(dir, "pgbouncer.ini")
	host, serverPort := u.Hostname(), u.Port()
	if serverPort == "" {
		serverPort = "5432"
	}
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "[databases]\n* = host=%s port=%s user=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\n"+
		"auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nunix_socket_dir =\nlogfile = %s\n", host, serverPort, u.User.Username(), port, filepath.Join(dir, "log")), 0o644))
	cmd := exec.Command(program, file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 { // by which it refuses to be run
		who, err := user.Lookup("postgres")
		if err != nil {
			who, err = user.Lookup("nobody")
		}
		require.NoError(t, err)
		uid, err := strconv.ParseUint(who.Uid, 10, 32)
		require.NoError(t, err)
		gid, err := strconv.ParseUint(who.Gid, 10, 32)
		require.NoError(t, err)
		require.NoError(t, os.Chown(dir, int(uid), int(gid)))
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", u.Host)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, 20*time.Second, 20*time.Millisecond)
	return u.String()
}

// Through a pooler in transaction mode everything works with the dsn as it is; with
// prepared statements asked for, what fails names the mend.
func TestThroughAPooler(t *testing.T) {
	t.Parallel()
	s, oa := onServer(t, "postgres")
	s.ordinary()
	dsn := pooled(t, strings.Trim(strings.TrimPrefix(s.oa[1], "dsn: "), `"`))
	use := func(dsn string) {
		s.oa = []string{"driver: postgres", fmt.Sprintf("dsn: %q", dsn), "ledger: true"}
		s.state = fmt.Sprintf("{driver: postgres, dsn: %q}", dsn)
	}
	use(dsn)
	r := s.bridge("check")
	require.Equal(t, 0, r.code, "%s%s", r.stdout, r.stderr)
	for i, wrote := range []int{ordinaryRows, 0, 0} {
		r := s.bridge("backfill", "daily", "-from", "2026-03-02", "-to", "2026-03-06")
		require.Equal(t, 0, r.code, "%d: %s%s", i, r.stdout, r.stderr)
		require.Equal(t, wrote, r.document.Written)
	}
	rows, err := oa.SignRows(context.Background())
	require.NoError(t, err)
	require.Len(t, rows, ordinaryRows)

	u, err := url.Parse(dsn)
	require.NoError(t, err)
	query := u.Query()
	query.Set("default_query_exec_mode", "cache_statement")
	u.RawQuery = query.Encode()
	use(u.String())
	failed := false
	for range 4 {
		if r := s.bridge("check"); r.code != 0 {
			require.Contains(t, r.stdout, "default_query_exec_mode=exec")
			failed = true
		}
	}
	version, err := exec.Command("pgbouncer", "--version").Output()
	require.NoError(t, err)
	var minor int
	_, err = fmt.Sscanf(string(version), "PgBouncer 1.%d", &minor)
	require.NoError(t, err)
	require.True(t, failed || minor >= 21, "later ones know of prepared statements")
}
