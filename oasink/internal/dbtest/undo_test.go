package dbtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

func (k ledgerKit) undo(t testing.TB, run string) oasink.Undone {
	t.Helper()
	u, err := k.s.Undo(context.Background(), run)
	require.NoError(t, err)
	return u
}

func TestUndo(t *testing.T) {
	t.Parallel()
	everywhere(t, testUndo)
}

func testUndo(t *testing.T, on engine) {
	k := on.ledger(t, oasink.E9, oasink.DeleteWithdrawn)
	foreign := ecologytest.SignRow{UserID: 103, UserType: "1", SignType: "1", SignDate: "2026-03-02", SignTime: "08:00:00", IsInCom: "1", SignFrom: "from_dd"}
	require.NoError(t, k.oa.AddSigns(context.Background(), foreign))
	a, b, c := record("a", place(punch(101, at(2, 8, 0, 0), attendance.In))), record("b", punch(101, at(2, 18, 0, 0), attendance.Out)), record("c", field(102, at(3, 9, 0, 0)))
	adopted := record("x", punch(103, at(2, 8, 0, 0), attendance.In))
	k.write(t, 0, "first", a, b, c, adopted)
	signsBefore, mobilesBefore := signs(t, k.oa), mobiles(t, k.oa)
	require.Len(t, signsBefore, 3)

	moved, new1, new2 := a, record("d", punch(102, at(4, 8, 0, 0), attendance.In)), record("e", field(102, at(4, 9, 0, 0)))
	moved.Time, moved.Place.Address = at(3, 8, 30, 0), "别处"
	b2 := batch(moved, b, c, adopted, new1, new2)
	b2.Members[0].Person, b2.Members[9].Person = "110", "101" // a binding too many was changed
	b2.ReadAt, b2.Run = at(30, 12, 1, 0), "second"
	w, err := k.s.Write(context.Background(), b2)
	require.NoError(t, err)
	require.Equal(t, 2, w.Corrected)
	require.NotEqual(t, signsBefore, signs(t, k.oa))
	k.exec(t, k.oa.DB(), "DELETE FROM kq_format_pool")

	u := k.undo(t, "second")
	require.Equal(t, [2]int{2, 2}, [2]int{u.Removed, u.Restored})
	require.Empty(t, u.Kept)
	require.Equal(t, signsBefore, signs(t, k.oa), "place included")
	require.Equal(t, mobilesBefore, mobiles(t, k.oa))
	require.Equal(t, []string{"101 2026-03-02", "102 2026-03-04", "110 2026-03-02", "110 2026-03-03"}, days(attendance.Written{Days: u.Days}))
	require.Contains(t, pool(t, k.oa), "110 2026-03-04")
	_, err = k.s.Undo(context.Background(), "second")
	require.ErrorContains(t, err, `knows of nothing that run "second"`)

	// The next run does it again, and what it moved is not the first one's to remove.
	k.write(t, 2, "third", moved, b, c, adopted, new1)
	u = k.undo(t, "first")
	require.Equal(t, [2]int{2, 0}, [2]int{u.Removed, u.Restored})
	require.Equal(t, []oasink.Kept{{Table: "HrmScheduleSign", Person: "101", Time: moved.Time.UTC(), Reason: oasink.ChangedSince}}, u.Kept)
	u = k.undo(t, "third")
	require.Equal(t, [2]int{1, 1}, [2]int{u.Removed, u.Restored})
	require.Equal(t, 1, k.undo(t, "first").Removed)
	foreignOnly := signs(t, k.oa)
	require.Len(t, foreignOnly, 1, "what was there before is left")
	require.Equal(t, "from_dd", foreignOnly[0].SignFrom)
	require.Empty(t, mobiles(t, k.oa))
}

func TestUndoTellsWhatItLeaves(t *testing.T) {
	t.Parallel()
	k := sqliteEngine().ledger(t, oasink.E9, oasink.DeleteWithdrawn)
	a, b, c := record("a", punch(101, at(2, 8, 0, 0), attendance.In)), record("b", punch(101, at(2, 18, 0, 0), attendance.Out)), record("c", punch(102, at(3, 9, 0, 0), attendance.In))
	k.write(t, 0, "first", a, b, c)
	moved := a
	moved.Time = at(2, 8, 30, 0)
	k.write(t, 1, "second", moved, c, record("d", punch(101, at(2, 12, 0, 0), attendance.Out)))
	k.exec(t, k.oa.DB(), "DELETE FROM HrmScheduleSign WHERE signTime = '12:00:00'",
		"INSERT INTO HrmScheduleSign (userId, userType, signType, signDate, signTime, isInCom, signFrom) VALUES (101, '1', '2', '2026-03-02', '08:00:00', '1', 'e9pc')")
	u := k.undo(t, "second")
	require.Equal(t, [2]int{0, 0}, [2]int{u.Removed, u.Restored})
	require.ElementsMatch(t, []oasink.Kept{
		{Table: "HrmScheduleSign", Person: "101", Time: a.Time.UTC(), Reason: oasink.Occupied},
		{Table: "HrmScheduleSign", Person: "101", Time: b.Time.UTC(), Reason: oasink.RemovedByRun},
		{Table: "HrmScheduleSign", Person: "101", Time: at(2, 12, 0, 0).UTC(), Reason: oasink.DeletedByOthers},
	}, u.Kept)
	require.Len(t, signs(t, k.oa), 3)
}

// A long run is undone in portions; a fault in any statement loses none of it.
func TestUndoOfALongRun(t *testing.T) {
	t.Parallel()
	everywhere(t, testUndoOfALongRun)
}

func testUndoOfALongRun(t *testing.T, on engine) {
	if on.name != sqliteName {
		long(t, "a long run taken back on a server")
	}
	d := on.found(t, ecologytest.Schema{})
	c := &counter{}
	s := sink(t, d.struck(t, c.strike), &oasink.Options{Ledger: &oasink.LedgerOptions{}})
	require.NoError(t, s.CreateLedger(context.Background()))
	b, far := mixed(), mixed()
	b.Run, far.Run = "long", "far"
	far.ReadAt = far.ReadAt.Add(time.Minute)
	for i := range b.Punches {
		b.Punches[i].ID, far.Punches[i].ID = itoa(i), itoa(i)
		far.Punches[i].Time = b.Punches[i].Time.Add(30 * time.Second)
	}
	write := func(b attendance.Batch) {
		_, err := s.Write(context.Background(), b)
		require.NoError(t, err)
	}
	write(b)
	signsBefore, mobilesBefore := signs(t, d.oa), mobiles(t, d.oa)
	write(far)
	restored, removed := 0, 0
	for n, run := 3, "far"; ; n += 150 {
		c.arm(n, func() error { return errStruck })
		u, err := s.Undo(context.Background(), run)
		seen := c.disarm()
		restored, removed = restored+u.Restored, removed+u.Removed
		if err != nil && (!strings.Contains(err.Error(), "knows of nothing") || run == "far" && restored < 600) {
			require.ErrorIs(t, err, errStruck)
			continue
		}
		if run == "far" {
			require.Equal(t, 600, restored)
			require.Equal(t, signsBefore, signs(t, d.oa))
			require.Equal(t, mobilesBefore, mobiles(t, d.oa))
			run, n = "long", 3-150
			continue
		}
		require.Equal(t, 600, removed)
		require.Zero(t, counts(t, d.oa)[0]+counts(t, d.oa)[1])
		require.Positive(t, seen)
		return
	}
}
