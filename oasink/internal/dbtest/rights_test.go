package dbtest

import (
	"context"
	"crypto/sha256"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

func TestCheckChangesNotAByte(t *testing.T) {
	t.Parallel()
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
