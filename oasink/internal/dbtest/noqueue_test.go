package dbtest

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A sink on E9 that sees no kq_format_pool looks for it when days have changed, and not
// for all tables at every write: an unchanged batch costs it no more statements than a
// sink that has its queue.
func TestAnUnchangedBatchWithoutAQueue(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		count := func(schema ecologytest.Schema) (unchanged, changed int64, d database, s *oasink.Sink) {
			var statements atomic.Int64
			d = on.found(t, schema)
			s = sink(t, d.struck(t, func(string) error { statements.Add(1); return nil }), &oasink.Options{Generation: oasink.E9})
			add := func(second int) int64 {
				statements.Store(0)
				_, err := s.Write(context.Background(), batch(punch(101, at(2, 8, 0, second), attendance.In)))
				require.NoError(t, err)
				return statements.Load()
			}
			add(0)
			return add(0), add(1), d, s
		}
		with, _, _, _ := count(ecologytest.Schema{Generation: oasink.E9})
		without, changed, d, s := count(ecologytest.Schema{Generation: oasink.E9, Without: []string{"kq_format_pool"}})
		require.Equal(t, with, without)
		require.Less(t, changed, without+7, "the insert, and a look for one table, not for all of them")

		id := map[string]string{sqliteName: "INTEGER PRIMARY KEY", mariadbName: "INT AUTO_INCREMENT PRIMARY KEY", postgresName: "SERIAL PRIMARY KEY"}[on.name]
		on.exec(t, d.oa.DB(), "CREATE TABLE kq_format_pool (id "+id+", resourceid INT, kqdate VARCHAR(10), status INT DEFAULT 0)")
		w := write(t, s, punch(101, at(2, 8, 0, 2), attendance.In))
		require.Empty(t, w.Warnings, "once it has come it is used")
		queued, err := d.oa.Recomputed(context.Background(), 101, "2026-03-02")
		require.NoError(t, err)
		require.True(t, queued)
	})
}
