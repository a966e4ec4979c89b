package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

const printed = `初始同步 / initial sync of last week:
  2026-03-02: 34 人 people, 342 read, 341 written
342 read, 341 written, 0 there already; skipped: 1 invalid; 2 left out: 许晴 (unbound), 傅强 (ambiguous)

自动同步 / automatic run, today up to now:
  2026-03-09: 34 人 people, 34 read, 34 written
34 read, 34 written, 0 there already; 2 left out: 许晴 (unbound), 傅强 (ambiguous)

再次运行 / the same again writes nothing:
  2026-03-02: 34 人 people, 342 read, 0 written
  2026-03-09: 34 人 people, 34 read, 0 written
376 read, 0 written, 375 there already; skipped: 1 invalid; 2 left out: 许晴 (unbound), 傅强 (ambiguous)

企业微信 / the branch office, by WeCom:
  2026-03-02: 6 人 people, 67 read, 66 written
67 read, 66 written, 0 there already; skipped: 1 missing_punch

OA 所见 / what the OA shows of 王小明
  日期 day    签到 in     签退 out    外勤 field
  2026-03-02  08:42:34    18:07:14
  2026-03-03  09:41:07    18:10:21
  2026-03-04  08:52:08                17:20:33 浦东新区世纪大道1号
  2026-03-05  08:57:25    18:16:35
  2026-03-06  09:00:00    18:19:42
  2026-03-07
  2026-03-08
  2026-03-09  08:50:33
OA 所见 / and of 丁香
  日期 day    签到 in     签退 out    外勤 field
  2026-03-02  08:57:01    18:13:01
  2026-03-03  09:02:01    18:16:01
  2026-03-04  08:42:01    18:19:01    14:30:12 客户 解放路 1 号
  2026-03-05  08:47:01
  2026-03-06  08:52:01    18:25:01
  2026-03-07
  2026-03-08
  2026-03-09  08:42:01
`

func TestRunPrintsTheSameEveryTime(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for range 2 {
		var out bytes.Buffer
		require.NoError(t, run(context.Background(), &out))
		require.Equal(t, printed, out.String())
	}
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left, "the temporary database is removed")
}
