//go:build linux

package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A privateServer is a database server of one test's own, in a folder of its own:
// it may be killed, filled and locked. The servers that other tests share stay as
// they are.
type privateServer struct {
	engine
	t       testing.TB
	home    string // its folder
	port    int
	command func(options ...string) *exec.Cmd // the server itself, with further options
	running *exec.Cmd
	ended   chan error // tells that running has ended
}

// privately runs a test once on a server of each kind that is its own.
func privately(t *testing.T, test func(t *testing.T, p *privateServer)) {
	t.Helper()
	long(t, "starts database servers")
	for _, kind := range []struct {
		name string
		make func(t testing.TB, p *privateServer)
	}{{mariadbName, ownMariaDB}, {postgresName, ownPostgreSQL}} {
		t.Run(kind.name, func(t *testing.T) {
			p := &privateServer{t: t, home: t.TempDir()}
			kind.make(t, p)
			t.Cleanup(p.kill)
			test(t, p)
		})
	}
}

// program finds a server's program; where there is none the test is skipped, but
// on CI.
func program(t testing.TB, name string, places ...string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, place := range places {
		if found, _ := filepath.Glob(filepath.Join(place, name)); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is needed on CI", name)
	}
	t.Skipf("there is no program %s here: what servers do when they are killed or full is not tested", name)
	return ""
}

// done runs a program to its end.
func done(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", cmd, out)
}

func ownMariaDB(t testing.TB, p *privateServer) {
	server, install := program(t, "mariadbd", "/usr/sbin", "/usr/libexec"), program(t, "mariadb-install-db")
	me, err := user.Current() // as root the server only starts when told to
	require.NoError(t, err)
	data := filepath.Join(p.home, "data")
	done(t, exec.Command(install, "--no-defaults", "--datadir="+data, "--user="+me.Username, "--auth-root-authentication-method=normal", "--skip-test-db"))
	p.port = freePort(t)
	socket := filepath.Join(os.TempDir(), fmt.Sprintf("punchbridge-%d.sock", p.port)) // its path may not be long
	t.Cleanup(func() { _ = os.Remove(socket) })
	p.command = func(options ...string) *exec.Cmd {
		return exec.Command(server, append([]string{"--no-defaults", "--user=" + me.Username, "--datadir=" + data, "--tmpdir=" + p.home,
			"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(p.port), "--socket=" + socket, "--pid-file=" + filepath.Join(p.home, "pid"),
			"--skip-name-resolve", "--innodb-buffer-pool-size=32M"}, options...)...)
	}
	p.engine = mariadbEngine()
	p.admin = func() string { return fmt.Sprintf("root@tcp(127.0.0.1:%d)/", p.port) }
	p.create = func(t testing.TB, name string) string {
		p.must(t, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
		return p.admin() + name
	}
}

func ownPostgreSQL(t testing.TB, p *privateServer) {
	const places = "/usr/lib/postgresql/*/bin"
	server, initdb := program(t, "postgres", places), program(t, "initdb", places)
	var who *syscall.Credential
	if os.Getuid() == 0 { // by which it refuses to be run
		who = somebody(t)
		home, err := os.MkdirTemp("", "punchbridge") //nolint:usetesting // t.TempDir lies where only root may go
		require.NoError(t, err)
		p.home = home
		t.Cleanup(func() { _ = os.RemoveAll(home) })
		require.NoError(t, os.Chown(home, int(who.Uid), int(who.Gid)))
	}
	run := func(path string, args ...string) *exec.Cmd {
		cmd := exec.Command(path, args...)
		cmd.Dir, cmd.SysProcAttr = p.home, &syscall.SysProcAttr{Credential: who}
		return cmd
	}
	data := filepath.Join(p.home, "data")
	// Small segments of the log, so that a limit on the size of files is the tables'.
	done(t, run(initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"))
	p.port = freePort(t)
	p.command = func(options ...string) *exec.Cmd {
		return run(server, append([]string{"-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-k", ""}, options...)...)
	}
	p.engine = postgresEngine()
	p.admin = func() string { return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres", p.port) }
	p.create = func(t testing.TB, name string) string {
		p.must(t, "CREATE SCHEMA "+name)
		return p.admin() + "?search_path=" + name
	}
}

// somebody is an account without root's rights.
func somebody(t testing.TB) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	require.NoError(t, err)
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	require.NoError(t, err)
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	require.NoError(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// freePort is one below those that the system gives to connections, so that none
// of these has it while the server is down.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(12_000)
		if listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// patience with which servers are waited for.
const serversPatience = time.Minute

// start starts the server and returns when it answers. One that was killed a moment
// ago may leave something that is in the way for another moment.
func (p *privateServer) start(options ...string) {
	p.t.Helper()
	for end := time.Now().Add(serversPatience); ; time.Sleep(50 * time.Millisecond) {
		cmd := p.command(options...)
		log, err := os.OpenFile(filepath.Join(p.home, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		require.NoError(p.t, err)
		cmd.Stdout, cmd.Stderr = log, log
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL // it does not outlive tests that are cut off
		require.NoError(p.t, cmd.Start())
		_ = log.Close()
		p.running, p.ended = cmd, make(chan error, 1)
		go func(ended chan<- error) { ended <- cmd.Wait() }(p.ended)
		if p.answers(end) {
			return
		}
		require.True(p.t, time.Now().Before(end), "the server does not start: %s", p.said())
	}
}

// answers waits until the server answers; false when it has ended instead.
func (p *privateServer) answers(end time.Time) bool {
	for time.Now().Before(end) {
		select {
		case err := <-p.ended:
			p.running = nil
			_ = err // its log says more
			return false
		case <-time.After(20 * time.Millisecond):
		}
		db := sql.OpenDB(connector{p.driver, p.admin()})
		err := db.PingContext(context.Background())
		_ = db.Close()
		if err == nil {
			return true
		}
	}
	return false
}

// said is the end of the server's log.
func (p *privateServer) said() string {
	log, _ := os.ReadFile(filepath.Join(p.home, "log"))
	return string(log[max(0, len(log)-2000):])
}

// kill ends the server as a crash of its machine would: nothing is tidied up.
func (p *privateServer) kill() {
	if p.running == nil {
		return
	}
	pid := p.running.Process.Pid
	_ = syscall.Kill(pid, syscall.SIGSTOP) // or it would start others in place of those that are killed
	children := childrenOf(pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for _, child := range children {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	<-p.ended
	p.running = nil
	for _, child := range children { // until then they hold what a new server needs
		for range 500 {
			if state, _ := statusOf(child); state == "" || state == "Z" { // a zombie holds nothing
				break
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// statusOf is a process's state and parent; "" when it has gone.
func statusOf(pid int) (state string, parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 2 {
		return "", 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}

// childrenOf are the processes that a server has started: sessions of PostgreSQL
// are processes of their own.
func childrenOf(pid int) []int {
	var list []int
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range processes {
		child, _ := strconv.Atoi(filepath.Base(path))
		if _, parent := statusOf(child); parent == pid {
			list = append(list, child)
		}
	}
	return list
}

// stop shuts the server down in good order, its sessions cut off.
func (p *privateServer) stop() {
	p.t.Helper()
	sign := syscall.SIGTERM
	if p.name == postgresName {
		sign = syscall.SIGINT // by SIGTERM it would wait for its sessions
	}
	require.NoError(p.t, p.running.Process.Signal(sign))
	select {
	case err := <-p.ended:
		_, exited := errors.AsType[*exec.ExitError](err)
		require.True(p.t, err == nil || exited, "%v", err)
	case <-time.After(serversPatience):
		p.t.Fatalf("the server does not stop: %s", p.said())
	}
	p.running = nil
}

// The servers' own children are found, and nobody else's.
func TestChildrenOfAProcess(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "60")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	require.True(t, slices.Contains(childrenOf(os.Getpid()), cmd.Process.Pid))
	require.Empty(t, childrenOf(cmd.Process.Pid))
}
