package dbtest

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

func TestCheckChangesNotAByte(t *testing.T) {
	for _, journal := range journals() {
		path := file(t)
		db := open(t, path, "_pragma=journal_mode("+journal+")")
		_, err := ecologytest.New(context.Background(), db, ecologytest.Schema{Generation: oasink.E9})
		require.NoError(t, err)
		_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
		require.NoError(t, err)
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, f := range sink(t, db, nil).Check(context.Background()) {
			require.NotEqual(t, "error", string(f.Level), f.Message)
		}
		_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
		require.NoError(t, err)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, sha256.Sum256(before), sha256.Sum256(after), journal)
	}
}

func TestCheckOfADirectoryThatMayNotBeWritten(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write every directory")
	}
	path := file(t)
	_, err := ecologytest.New(context.Background(), open(t, path), ecologytest.Schema{})
	require.NoError(t, err)
	directory := filepath.Dir(path)
	require.NoError(t, os.Chmod(directory, 0o500))
	t.Cleanup(func() { _ = os.Chmod(directory, 0o700) })
	found := false
	for _, f := range sink(t, open(t, path), nil).Check(context.Background()) {
		found = found || f.Code == "store_unavailable"
	}
	require.True(t, found)
}
