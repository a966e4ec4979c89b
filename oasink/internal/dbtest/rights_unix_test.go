//go:build unix

package dbtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

func TestCheckOfADirectoryThatMayNotBeWritten(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		asNobody(t) // root may write every directory
		return
	}
	path := file(t)
	oa, err := ecologytest.New(context.Background(), open(t, path), ecologytest.Schema{Generation: oasink.E8})
	require.NoError(t, err)
	// With rows in them SQLite has nothing to write for an insert of no rows.
	require.NoError(t, oa.AddSigns(context.Background(), ecologytest.SignRow{UserID: 101, SignDate: "2026-03-02", SignTime: "08:00:00"}))
	require.NoError(t, oa.AddMobiles(context.Background(), ecologytest.MobileRow{Operater: 101, OperateType: "mobile_sign", OperateDate: "2026-03-02", OperateTime: "08:00:00", Longitude: "0", Latitude: "0"}))
	directory := filepath.Dir(path)
	require.NoError(t, os.Chmod(directory, 0o500))
	t.Cleanup(func() { _ = os.Chmod(directory, 0o700) })
	found := false
	for _, f := range sink(t, open(t, path), nil).Check(context.Background()) {
		found = found || f.Code == "store_unavailable"
	}
	require.True(t, found)
}

// asNobody runs the test again in a process without root's rights.
func asNobody(t *testing.T) {
	const nobody = 65534
	home, err := os.MkdirTemp("", "nobody") //nolint:usetesting // t.TempDir lies where only root may go
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	require.NoError(t, os.Chown(home, nobody, nobody))
	self, err := os.ReadFile(os.Args[0]) // lies where only root may go
	require.NoError(t, err)
	program := filepath.Join(home, "dbtest")
	require.NoError(t, os.WriteFile(program, self, 0o755))
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = home, append(os.Environ(), "TMPDIR="+home)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: "+t.Name())
}
