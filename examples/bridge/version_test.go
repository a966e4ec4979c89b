package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// calling is the program without a configuration.
func calling(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := &program{out: &stdout, err: &stderr, lookup: os.LookupEnv}
	code = p.main(t.Context(), args)
	return code, stdout.String(), stderr.String()
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"-version"}, {"-version", "serve"}, {"-config", "none.yaml", "version"}} {
		code, out, _ := calling(t, args...)
		require.Zero(t, code)
		require.True(t, strings.HasPrefix(out, "bridge "), out)
		require.Contains(t, out, runtime.Version())
	}
	code, out, _ := calling(t, "-json", "version")
	require.Zero(t, code)
	var b build
	require.NoError(t, json.Unmarshal([]byte(out), &b))
	require.Equal(t, thisBuild(), b)
	require.NotEmpty(t, b.Version)
	require.NotEmpty(t, b.Commit)

	code, _, err := calling(t, "version", "please")
	require.Equal(t, exitUsage, code)
	require.Contains(t, err, "version takes no arguments")
}

func TestRevision(t *testing.T) {
	t.Parallel()
	require.Empty(t, revision(nil))
	noted := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "false"}}
	require.Equal(t, "0123456789ab", revision(noted))
	noted[1].Value = "true"
	require.Equal(t, "0123456789ab-modified", revision(noted))
}

func TestLog(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bridge.log")
	for range 2 {
		code, out, err := calling(t, "-log", file, "version")
		require.Zero(t, code)
		require.Empty(t, out+err)
	}
	code, _, _ := calling(t, "-log", file, "-config", filepath.Join(t.TempDir(), "none.yaml"), "run", "daily")
	require.Equal(t, exitUsage, code)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, lines, 3, "appended")
	require.Contains(t, lines[2], "cannot be read")

	code, _, stderr := calling(t, "-log", filepath.Dir(file), "version")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "-log")
}

func TestAFullLogIsBegunAnew(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bridge.log")
	l, err := openLog(file)
	require.NoError(t, err)
	l.most = 30
	write := func(lines ...string) {
		for _, line := range lines {
			_, err := l.Write([]byte(line + "\n"))
			require.NoError(t, err)
		}
	}
	holds := func(name, want string) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, want, string(text))
	}
	write("the first line", "the second", "the third", "the fourth one, longer than a whole file may be")
	holds(file, "the fourth one, longer than a whole file may be\n")
	holds(file+".old", "the third\n")
	require.NoError(t, l.Close())

	l, err = openLog(file)
	require.NoError(t, err)
	l.most = 30
	write("after a restart")
	holds(file, "after a restart\n")

	// Where it cannot be renamed, it grows on.
	require.NoError(t, os.Remove(file+".old"))
	require.NoError(t, os.MkdirAll(filepath.Join(file+".old", "full"), 0o755))
	write("one more", "and one more", "and again")
	holds(file, "after a restart\none more\nand one more\nand again\n")
	require.NoError(t, l.Close())
}
