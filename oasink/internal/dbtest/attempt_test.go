package dbtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A trigger of the queue may end the whole transaction, so that there is no savepoint
// left to go back to: the punches are written by another one, without the queue.
func TestAQueueThatEndsTheTransaction(t *testing.T) {
	t.Parallel()
	oa := build(t, ecologytest.Schema{})
	for _, action := range []string{"ROLLBACK", "ABORT", "FAIL"} {
		_, err := oa.DB().Exec("CREATE TRIGGER " + action + "_it BEFORE INSERT ON kq_format_pool WHEN NEW.kqdate = '2026-03-03' BEGIN SELECT RAISE(" + action + ", 'no more'); END")
		require.NoError(t, err)
		w := write(t, sink(t, oa.DB(), nil), punch(101, at(2, 8, 0, 0), attendance.In))
		require.Equal(t, 1, w.Written, action)
		require.Equal(t, []string{"not_recalculated"}, codes(w), action)
		require.Contains(t, w.Warnings[0].Message, "no more")
		require.Len(t, signs(t, oa), 1)
		require.Empty(t, pool(t, oa))
		for _, statement := range []string{"DROP TRIGGER " + action + "_it", "DELETE FROM HrmScheduleSign"} {
			_, err = oa.DB().Exec(statement)
			require.NoError(t, err)
		}
	}
}
