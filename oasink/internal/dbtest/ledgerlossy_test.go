package dbtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// What a column's character set lacks is lost when it is written. A row that lost
// something is still ours and unchanged, and what is lost is no correction to be made
// again and again.
func TestALedgerOverColumnsThatLoseCharacters(t *testing.T) {
	t.Parallel()
	nothing := func(*testing.T, database) {}
	for _, c := range []struct {
		on      engine
		prepare func(*testing.T, database)
	}{
		{mariadbEngine(), func(t *testing.T, d database) {
			d.exec(t, d.pool(t), "ALTER TABLE HrmScheduleSign CONVERT TO CHARACTER SET gbk", "ALTER TABLE mobile_sign CONVERT TO CHARACTER SET gbk")
		}},
		{lossyEngines()[0], nothing},
		{lossyEngines()[1], nothing},
	} {
		t.Run(c.on.name, func(t *testing.T) {
			if c.on.admin == nil {
				neededCompat(t)
			}
			c.on.needed(t)
			d := c.on.found(t, ecologytest.Schema{})
			c.prepare(t, d)
			testLedgerOfLostCharacters(t, d)
		})
	}
}

func testLedgerOfLostCharacters(t *testing.T, d database) {
	k := ledgerKit{d, d.sink(t, &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn})}
	in, visit, stays := record("1", punch(101, at(2, 8, 0, 0), attendance.In)), record("2", field(102, at(2, 9, 0, 0))), record("3", punch(102, at(2, 8, 0, 0), attendance.In))
	in.Place.Address, visit.Place.Address, visit.Remark = "一号楼🏢", "门口🏢", "客户🏢"
	w := k.write(t, 0, "first", in, visit, stays)
	require.Equal(t, 3, w.Written)
	require.Equal(t, []string{"text_replaced"}, codes(w))
	require.Equal(t, "一号楼?", signs(t, d.oa)[0].Addr)
	unchanged := func(minute int, why string) {
		t.Helper()
		w := k.write(t, minute, "again", in, visit, stays)
		require.Equal(t, [3]int{0, 3, 0}, [3]int{w.Written, w.Present, w.Corrected}, why)
		require.NotContains(t, codes(w), "changed_by_others", why)
	}
	unchanged(1, "the very same")
	in.Place.Address, visit.Remark = "一号楼🏬", "客户🏬"
	for minute := 2; minute < 4; minute++ {
		unchanged(minute, "what differs, no row can hold")
	}
	in.Place.Address = "二号楼🏢"
	require.Equal(t, 1, k.write(t, 4, "second", in, visit, stays).Corrected)
	require.Equal(t, "二号楼?", signs(t, d.oa)[0].Addr)
	unchanged(5, "corrected once")
	in.Time, visit.Time = at(3, 8, 0, 0), at(3, 9, 0, 0)
	w = k.write(t, 6, "third", in, visit, stays)
	require.Equal(t, 2, w.Corrected, "rows that lost characters are known to be ours: %v", w.Warnings)
	require.Equal(t, "2026-03-03", mobiles(t, d.oa)[0].OperateDate)
	for _, run := range []string{"third", "second"} {
		u := k.undo(t, run)
		require.Empty(t, u.Kept)
		require.Positive(t, u.Restored)
	}
	require.Equal(t, [2]string{"一号楼?", "客户?"}, [2]string{signs(t, d.oa)[0].Addr, mobiles(t, d.oa)[0].Remark})
	w = k.write(t, 7, "fourth", stays, record("4", punch(101, at(2, 18, 0, 0), attendance.Out)))
	require.Equal(t, 2, w.Removed)
	u, err := k.s.Undo(context.Background(), "first")
	require.NoError(t, err)
	require.Equal(t, 1, u.Removed)
}
