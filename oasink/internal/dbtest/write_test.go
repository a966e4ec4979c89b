package dbtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

const null = ecologytest.NULL

func signs(t testing.TB, oa *ecologytest.OA) []ecologytest.SignRow {
	t.Helper()
	rows, err := oa.SignRows(context.Background())
	require.NoError(t, err)
	for i := range rows {
		require.NotZero(t, rows[i].ID, "the database gives the id")
		rows[i].ID = 0
	}
	return rows
}

func mobiles(t testing.TB, oa *ecologytest.OA) []ecologytest.MobileRow {
	t.Helper()
	rows, err := oa.MobileRows(context.Background())
	require.NoError(t, err)
	for i := range rows {
		require.NotZero(t, rows[i].ID)
		rows[i].ID = 0
		for _, degrees := range []*string{&rows[i].Longitude, &rows[i].Latitude} { // a NUMERIC is padded to its scale
			if strings.Contains(*degrees, ".") {
				*degrees = strings.TrimRight(strings.TrimRight(*degrees, "0"), ".")
			}
		}
	}
	return rows
}

// pool returns the queued days as "101 2026-03-02".
func pool(t testing.TB, oa *ecologytest.OA) []string {
	t.Helper()
	rows, err := oa.PoolRows(context.Background())
	require.NoError(t, err)
	var days []string
	for _, r := range rows {
		days = append(days, itoa(int(r.ResourceID))+" "+r.KqDate)
	}
	return days
}

func codes(w attendance.Written) []string {
	var list []string
	for _, x := range w.Warnings {
		list = append(list, x.Code)
	}
	return list
}

func accounted(w attendance.Written) int {
	n := w.Written + w.Present + w.PresentFromOther
	for _, k := range w.Skipped {
		n += k
	}
	return n
}

func place(p attendance.Punch) attendance.Punch {
	p.Place = attendance.Place{Address: "文一西路 969 号", Longitude: 120.017139, Latitude: 30.285413, Located: true}
	p.Remark = "拜访客户"
	return p
}

func TestRowsOfTheContract(t *testing.T) {
	t.Parallel()
	everywhere(t, testRowsOfTheContract)
}

func testRowsOfTheContract(t *testing.T, on engine) {
	for _, g := range []oasink.Generation{oasink.E7, oasink.E8, oasink.E9} {
		t.Run(g.String(), func(t *testing.T) {
			oa := on.build(t, ecologytest.Schema{Generation: g})
			w := write(t, sink(t, oa.DB(), nil),
				place(punch(101, at(2, 8, 58, 3).Add(999*time.Millisecond), attendance.In)),
				punch(101, at(3, 1, 30, 0), attendance.Out), // after midnight: its own calendar date
				place(outside(102, at(2, 9, 0, 0), attendance.In)),
				field(103, at(2, 10, 0, 0)),
				punch(104, at(2, 10, 0, 0), attendance.Undirected),
			)
			require.Equal(t, 4, w.Written)
			require.Equal(t, map[attendance.Reason]int{attendance.NoDirection: 1}, w.Skipped)
			first := ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-02", SignTime: "08:58:03", IsInCom: "1",
				SignFrom: "from_dd", Longitude: "120.017139", Latitude: "30.285413", Addr: "文一西路 969 号"}
			second := ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "2", SignDate: "2026-03-03", SignTime: "01:30:00", IsInCom: "1",
				SignFrom: "from_dd", Longitude: null, Latitude: null, Addr: null}
			if g == oasink.E7 {
				for _, r := range []*ecologytest.SignRow{&first, &second} {
					r.SignFrom, r.Longitude, r.Latitude, r.Addr = "", "", "", ""
				}
			}
			require.Equal(t, []ecologytest.SignRow{first, second}, signs(t, oa))
			require.Equal(t, []ecologytest.MobileRow{
				{Operater: 102, OperateType: "mobile_sign", OperateDate: "2026-03-02", OperateTime: "09:00:00", Longitude: "120.017139", Latitude: "30.285413", Address: "文一西路 969 号", Remark: "拜访客户"},
				{Operater: 103, OperateType: "mobile_sign", OperateDate: "2026-03-02", OperateTime: "10:00:00", Longitude: "0", Latitude: "0", Address: null, Remark: null},
			}, mobiles(t, oa))
			require.Equal(t, []attendance.PersonDay{
				{Person: "101", Day: attendance.Date{Year: 2026, Month: 3, Day: 2}}, {Person: "101", Day: attendance.Date{Year: 2026, Month: 3, Day: 3}},
				{Person: "102", Day: attendance.Date{Year: 2026, Month: 3, Day: 2}}, {Person: "103", Day: attendance.Date{Year: 2026, Month: 3, Day: 2}},
			}, w.Days)
			shown, err := oa.ShownE8(context.Background(), 101, "2026-03-02")
			require.NoError(t, err)
			require.Equal(t, ecologytest.Day{In: "08:58:03"}, shown)
			shown, err = oa.ShownE9(context.Background(), 101, "2026-03-02 06:00:00", "2026-03-03 05:59:59")
			require.NoError(t, err)
			require.Equal(t, ecologytest.Day{In: "08:58:03", Out: "2026-03-03 01:30:00"}, shown)
		})
	}
}

func TestOutsidePunchIsShownOnce(t *testing.T) {
	t.Parallel()
	everywhere(t, testOutsidePunchIsShownOnce)
}

func testOutsidePunchIsShownOnce(t *testing.T, on engine) {
	for _, g := range []oasink.Generation{oasink.E8, oasink.E9} {
		oa := on.build(t, ecologytest.Schema{Generation: g})
		write(t, sink(t, oa.DB(), nil), place(outside(101, at(2, 9, 0, 0), attendance.In)), place(field(101, at(2, 10, 0, 0))))
		page, err := oa.FieldPage(context.Background())
		require.NoError(t, err)
		require.Len(t, page, 2)
	}
}

// Where outside punches stand is the site's choice, and a punch is one wherever.
func TestWhereOutsidePunchesGo(t *testing.T) {
	t.Parallel()
	everywhere(t, testWhereOutsidePunchesGo)
}

func TestWhereOutsidePunchesGoWithALedger(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		whereOutsidePunchesGo(t, on, &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn})
	})
}

func testWhereOutsidePunchesGo(t *testing.T, on engine) { whereOutsidePunchesGo(t, on, nil) }

func whereOutsidePunchesGo(t *testing.T, on engine, ledger *oasink.LedgerOptions) {
	punches := []attendance.Punch{
		place(outside(101, at(2, 9, 0, 0), attendance.In)),
		place(outside(101, at(2, 18, 0, 0), attendance.Out)),
		outside(102, at(2, 9, 0, 0), attendance.Undirected),
		outside(103, at(2, 9, 0, 0), attendance.In),
		outside(103, at(2, 9, 0, 0), attendance.Out), // in one second: two rows of one table, one of the other
		punch(104, at(2, 9, 0, 0), attendance.In),
		outside(104, at(2, 9, 0, 0), attendance.In), // the second of a regular punch
		place(field(105, at(2, 9, 0, 0))),
	}
	for choice, want := range map[oasink.Outside]struct{ signs, mobiles, sameSecond int }{
		oasink.OutsideMobile: {1, 5, 1},
		oasink.OutsideSign:   {5, 1, 1},
		oasink.OutsideBoth:   {5, 5, 0},
	} {
		for _, g := range []oasink.Generation{oasink.E8, oasink.E9} {
			oa := on.build(t, ecologytest.Schema{Generation: g})
			s := sink(t, oa.DB(), &oasink.Options{Outside: choice, Ledger: ledger})
			if ledger != nil {
				require.NoError(t, s.CreateLedger(context.Background()))
			}
			w := write(t, s, punches...)
			require.Len(t, signs(t, oa), want.signs, choice)
			require.Len(t, mobiles(t, oa), want.mobiles, choice)
			skipped := map[attendance.Reason]int{attendance.NoDirection: 1}
			if want.sameSecond > 0 {
				skipped[attendance.SameSecond] = want.sameSecond
			}
			require.Equal(t, skipped, w.Skipped)
			require.Equal(t, len(punches), accounted(w))
			require.Zero(t, w.Present)
			again := write(t, s, punches...)
			require.Zero(t, again.Written)
			require.Equal(t, len(punches), accounted(again))
			require.Empty(t, again.Days)
			page, err := oa.FieldPage(context.Background())
			require.NoError(t, err)
			seen := map[string]int{}
			for _, entry := range page {
				seen[fmt.Sprint(entry.Person, entry.Date, entry.Time)]++
			}
			for key, n := range seen {
				require.Equal(t, 1, n, "%v shows %s twice", choice, key)
			}
		}
	}
	// A row of one table that is there already, and of the other that is not.
	oa := on.build(t, ecologytest.Schema{Generation: oasink.E8})
	s := sink(t, oa.DB(), &oasink.Options{Outside: oasink.OutsideBoth})
	write(t, sink(t, oa.DB(), nil), punches[0])
	w := write(t, s, punches[0])
	require.Equal(t, attendance.Written{Written: 1, Days: w.Days, Skipped: w.Skipped}, w, "a row was added")
	require.Len(t, w.Days, 1)
	require.Len(t, signs(t, oa), 1)
	require.Equal(t, null, signs(t, oa)[0].Longitude)
}

func TestNumericCoordinates(t *testing.T) {
	t.Parallel()
	everywhere(t, testNumericCoordinates)
}

func testNumericCoordinates(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{NumericCoordinates: true})
	write(t, sink(t, oa.DB(), nil), place(field(101, at(2, 9, 0, 0))), field(101, at(2, 10, 0, 0)))
	rows := mobiles(t, oa)
	require.Equal(t, "120.017139", rows[0].Longitude)
	require.Equal(t, "0", rows[1].Longitude)
}

func TestRowsOfOthers(t *testing.T) {
	t.Parallel()
	everywhere(t, testRowsOfOthers)
}

func testRowsOfOthers(t *testing.T, on engine) {
	in := punch(101, at(2, 8, 0, 0), attendance.In)
	row := ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-02", SignTime: "08:00:00", IsInCom: "1", SignFrom: "e9mobile",
		Longitude: null, Latitude: null, Addr: null}
	change := func(f func(r *ecologytest.SignRow)) ecologytest.SignRow {
		r := row
		f(&r)
		return r
	}
	cases := []struct {
		name       string
		row        ecologytest.SignRow
		e7, e8, e9 string
	}{
		{"another tag", row, "present", "other", "other"},
		{"no tag", change(func(r *ecologytest.SignRow) { r.SignFrom = null }), "present", "other", "other"},
		{"an empty tag", change(func(r *ecologytest.SignRow) { r.SignFrom = "" }), "present", "other", "other"},
		{"our tag", change(func(r *ecologytest.SignRow) { r.SignFrom = "from_dd" }), "present", "present", "present"},
		{"our tag, padded", change(func(r *ecologytest.SignRow) {
			r.SignFrom, r.SignType, r.SignDate, r.SignTime = "from_dd  ", "1 ", "2026-03-02   ", "08:00:00 "
		}), "present", "present", "present"},
		{"another type", change(func(r *ecologytest.SignRow) { r.SignType = "2" }), "written", "written", "other"},
		{"no type", change(func(r *ecologytest.SignRow) { r.SignType = null }), "written", "written", "other"},
		{"our tag, another type", change(func(r *ecologytest.SignRow) { r.SignFrom, r.SignType = "from_dd", "2" }), "written", "present", "present"},
		{"another second", change(func(r *ecologytest.SignRow) { r.SignTime = "08:00:01" }), "written", "written", "written"},
		{"another person", change(func(r *ecologytest.SignRow) { r.UserID = 102 }), "written", "written", "written"},
		{"an external user", change(func(r *ecologytest.SignRow) { r.UserType = "2" }), "written", "written", "written"},
		{"no user type", change(func(r *ecologytest.SignRow) { r.UserType = null }), "present", "other", "other"},
		{"an unpadded time", change(func(r *ecologytest.SignRow) { r.SignTime = "8:00:00" }), "written", "written", "written"},
	}
	for g := oasink.E7; g <= oasink.E9; g++ {
		oa := on.build(t, ecologytest.Schema{Generation: g})
		for _, c := range cases {
			t.Run(c.name+"/"+g.String(), func(t *testing.T) {
				on.exec(t, oa.DB(), "DELETE FROM HrmScheduleSign")
				require.NoError(t, oa.AddSigns(context.Background(), c.row))
				before := signs(t, oa)
				w := write(t, sink(t, oa.DB(), nil), in)
				got := map[[3]int]string{{1, 0, 0}: "written", {0, 1, 0}: "present", {0, 0, 1}: "other"}[[3]int{w.Written, w.Present, w.PresentFromOther}]
				require.Equal(t, map[oasink.Generation]string{oasink.E7: c.e7, oasink.E8: c.e8, oasink.E9: c.e9}[g], got)
				require.Subset(t, signs(t, oa), before, "another's row is not touched")
				require.Len(t, signs(t, oa), 1+w.Written)
			})
		}
	}
}

// A run in the evening reads up to now, not up to midnight.
func TestSpansThatEndWithinADay(t *testing.T) {
	t.Parallel()
	everywhere(t, testSpansThatEndWithinADay)
}

func testSpansThatEndWithinADay(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	s := sink(t, oa.DB(), nil)
	b := batch(punch(101, at(2, 18, 29, 59), attendance.Out), field(101, at(2, 18, 29, 59)))
	b.Span.To = at(2, 18, 30, 0)
	for _, want := range [][2]int{{2, 0}, {0, 2}} {
		w, err := s.Write(context.Background(), b)
		require.NoError(t, err)
		require.Equal(t, want, [2]int{w.Written, w.Present})
	}
}

func TestMobileRowsCountWhateverTheirType(t *testing.T) {
	t.Parallel()
	everywhere(t, testMobileRowsCountWhateverTheirType)
}

func testMobileRowsCountWhateverTheirType(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	require.NoError(t, oa.AddMobiles(context.Background(), ecologytest.MobileRow{Operater: 101, OperateType: "e9_mobile_out", OperateDate: "2026-03-02",
		OperateTime: "09:00:00", Longitude: "", Latitude: "", Address: null, Remark: null},
		ecologytest.MobileRow{Operater: 101, OperateType: "mobile_sign", OperateDate: "2026-03-02" + strings.Repeat(" ", 40), OperateTime: "10:00:00", Longitude: "0", Latitude: "0"}))
	w := write(t, sink(t, oa.DB(), nil), field(101, at(2, 9, 0, 0)), outside(101, at(2, 10, 0, 0), attendance.Out), field(101, at(2, 11, 0, 0)))
	require.Equal(t, 2, w.Present)
	require.Equal(t, 1, w.Written)
	require.Len(t, mobiles(t, oa), 3)
}

func TestSameSecond(t *testing.T) {
	t.Parallel()
	everywhere(t, testSameSecond)
}

func testSameSecond(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	s := sink(t, oa.DB(), nil)
	in := punch(101, at(2, 8, 0, 0), attendance.In)
	again := punch(101, at(2, 8, 0, 0).Add(700*time.Millisecond), attendance.In)
	out := punch(101, at(2, 8, 0, 0), attendance.Out)
	visit, visitAgain := field(101, at(2, 8, 0, 0)), outside(101, at(2, 8, 0, 0), attendance.In)
	w := write(t, s, in, again, out, visit, visitAgain)
	require.Equal(t, 3, w.Written)
	require.Equal(t, 2, w.Skipped[attendance.SameSecond])
	w = write(t, s, in, again, out, visit, visitAgain)
	require.Equal(t, 3, w.Present)
	require.Equal(t, 2, w.Skipped[attendance.SameSecond])
	require.Len(t, signs(t, oa), 2)
	require.Len(t, mobiles(t, oa), 1)
}

func TestInvalidRowsAreNamed(t *testing.T) {
	t.Parallel()
	everywhere(t, testInvalidRowsAreNamed)
}

func testInvalidRowsAreNamed(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	row := ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-02", SignTime: "08:00:00", IsInCom: "0", SignFrom: "from_dd"}
	other := row
	other.SignTime, other.IsInCom, other.SignFrom = "09:00:00", null, "mobile"
	both := row
	both.SignTime = "10:00:00"
	valid := both
	valid.IsInCom = "1"
	reversed, last := valid, both
	reversed.SignTime, last.SignTime = "11:00:00", "11:00:00"
	require.NoError(t, oa.AddSigns(context.Background(), row, other, both, valid, reversed, last))
	w := write(t, sink(t, oa.DB(), nil), punch(101, at(2, 8, 0, 0), attendance.In), punch(101, at(2, 9, 0, 0), attendance.In),
		punch(101, at(2, 10, 0, 0), attendance.In), punch(101, at(2, 11, 0, 0), attendance.In))
	require.Equal(t, [3]int{0, 3, 1}, [3]int{w.Written, w.Present, w.PresentFromOther})
	require.Equal(t, []string{"not_valid"}, codes(w))
	require.Contains(t, w.Warnings[0].Message, "2 punches")
	require.Contains(t, w.Warnings[0].Message, "person 101 at 2026-03-02 08:00:00")
	require.Empty(t, w.Days)
}

func TestSuperseded(t *testing.T) {
	t.Parallel()
	everywhere(t, testSuperseded)
}

func testSuperseded(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	s := sink(t, oa.DB(), nil)
	write(t, s, punch(101, at(2, 8, 0, 0), attendance.In), punch(101, at(2, 18, 0, 0), attendance.Out), punch(102, at(2, 8, 0, 0), attendance.In))
	require.NoError(t, oa.AddSigns(context.Background(),
		ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-09", SignTime: "00:00:00", IsInCom: "1", SignFrom: "from_dd"},
		ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-03", SignTime: "08:00:00", IsInCom: "1", SignFrom: "from_wx"},
		ecologytest.SignRow{UserID: 101, UserType: "1", SignType: null, SignDate: "2026-03-03", SignTime: "09:00:00", IsInCom: "1", SignFrom: null}))
	rows := signs(t, oa)
	w := write(t, s, punch(101, at(2, 8, 0, 0), attendance.In))
	require.Equal(t, 1, w.Superseded, "not the row at the span's end, nor of another tag, nor of a person without an answer")
	require.Equal(t, 1, w.Present)
	w = write(t, s, field(101, at(2, 12, 0, 0)))
	require.Zero(t, w.Superseded, "a batch of check-ins says nothing about punches")
	w = write(t, s, outside(101, at(2, 18, 0, 0), attendance.Out))
	require.Equal(t, 2, w.Superseded)
	require.Equal(t, rows, signs(t, oa))
	e7 := on.build(t, ecologytest.Schema{Generation: oasink.E7})
	s = sink(t, e7.DB(), nil)
	write(t, s, punch(101, at(2, 8, 0, 0), attendance.In))
	require.Zero(t, write(t, s, punch(101, at(2, 9, 0, 0), attendance.In)).Superseded, "E7 has no tag")
}

func TestPool(t *testing.T) {
	t.Parallel()
	everywhere(t, testPool)
}

func testPool(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	s := sink(t, oa.DB(), &oasink.Options{Now: func() time.Time { return at(4, 12, 0, 5) }})
	write(t, s, punch(101, at(2, 8, 0, 0), attendance.In), punch(101, at(2, 18, 0, 0), attendance.Out), punch(101, at(3, 8, 0, 0), attendance.In), field(102, at(4, 8, 0, 0)))
	require.Equal(t, []string{"101 2026-03-01", "101 2026-03-02", "101 2026-03-03", "101 2026-03-04", "102 2026-03-03", "102 2026-03-04"}, queued(t, oa, "2026-03-03 12:00:05"))
	require.Equal(t, []string{"102 2026-03-04"}, queued(t, oa, "2026-03-05 00:30:00"))
	require.Equal(t, []string{"102 2026-03-04"}, queued(t, oa, "2026-03-05 12:00:00"))
	rows, err := oa.PoolRows(context.Background())
	require.NoError(t, err)
	require.Len(t, rows, 8)
	for _, r := range rows {
		require.Zero(t, r.Status)
	}
	before := pool(t, oa)
	write(t, s, punch(101, at(2, 8, 0, 0), attendance.In))
	require.Equal(t, before, pool(t, oa), "nothing changed, nothing queued")
	write(t, s, punch(101, at(3, 8, 0, 0), attendance.In), punch(101, at(3, 18, 0, 0), attendance.Out))
	require.Len(t, pool(t, oa), len(before)+3)
	done, err := oa.Recomputed(context.Background(), 101, "2026-03-03")
	require.NoError(t, err)
	require.True(t, done)
}

func TestPoolVariants(t *testing.T) {
	t.Parallel()
	everywhere(t, testPoolVariants)
}

func testPoolVariants(t *testing.T, on engine) {
	in := punch(101, at(2, 8, 0, 0), attendance.In)
	t.Run("without exectime", func(t *testing.T) {
		oa := on.build(t, ecologytest.Schema{NoExecTime: true})
		require.Empty(t, write(t, sink(t, oa.DB(), nil), in).Warnings)
		require.Len(t, pool(t, oa), 3)
	})
	t.Run("missing", func(t *testing.T) {
		oa := on.build(t, ecologytest.Schema{Without: []string{"kq_format_pool"}})
		s := sink(t, oa.DB(), nil)
		require.Equal(t, oasink.E9, s.Generation(), "found by belongdate")
		w := write(t, s, in, punch(101, at(3, 8, 0, 0), attendance.In), punch(102, at(3, 8, 0, 0), attendance.In))
		require.Equal(t, 3, w.Written)
		require.Equal(t, []string{"not_recalculated"}, codes(w))
		require.Contains(t, w.Warnings[0].Message, "101: 2026-03-02, 2026-03-03; 102: 2026-03-03")
		require.Empty(t, write(t, s, in).Warnings)
	})
	t.Run("refused", func(t *testing.T) {
		oa := on.build(t, ecologytest.Schema{})
		on.exec(t, oa.DB(), refusing("kq_format_pool", "kqdate = '2026-03-03'")...)
		w := write(t, sink(t, oa.DB(), nil), in)
		require.Equal(t, 1, w.Written)
		require.Equal(t, []string{"not_recalculated"}, codes(w))
		require.Contains(t, w.Warnings[0].Message, "permission denied")
		require.Len(t, signs(t, oa), 1)
		require.Empty(t, pool(t, oa), "not half of them")
	})
	t.Run("none", func(t *testing.T) {
		oa := on.build(t, ecologytest.Schema{})
		require.Empty(t, write(t, sink(t, oa.DB(), &oasink.Options{Recalculate: oasink.RecalculateNone}), in).Warnings)
		require.Empty(t, pool(t, oa))
	})
	t.Run("pool on E8", func(t *testing.T) {
		oa := on.build(t, ecologytest.Schema{Generation: oasink.E8})
		w := write(t, sink(t, oa.DB(), &oasink.Options{Recalculate: oasink.RecalculatePool}), in)
		require.Equal(t, []string{"not_recalculated"}, codes(w))
	})
}

func TestGeneration(t *testing.T) {
	t.Parallel()
	everywhere(t, testGeneration)
}

func testGeneration(t *testing.T, on engine) {
	for _, c := range []struct {
		schema ecologytest.Schema
		want   oasink.Generation
	}{
		{ecologytest.Schema{Generation: oasink.E7}, oasink.E7}, {ecologytest.Schema{Generation: oasink.E8}, oasink.E8}, {ecologytest.Schema{Generation: oasink.E9}, oasink.E9},
		{ecologytest.Schema{Without: []string{"kq_format_pool", "HrmScheduleSign.timeZone"}}, oasink.E9},
		{ecologytest.Schema{Without: []string{"kq_format_pool", "HrmScheduleSign.belongdate"}}, oasink.E9},
		{ecologytest.Schema{Without: []string{"HrmScheduleSign.belongdate", "HrmScheduleSign.timeZone"}}, oasink.E9},
	} {
		require.Equal(t, c.want, sink(t, on.build(t, c.schema).DB(), nil).Generation())
	}
	oa := on.build(t, ecologytest.Schema{})
	require.Equal(t, oasink.E8, sink(t, oa.DB(), &oasink.Options{Generation: oasink.E8}).Generation())
}

func TestUndirected(t *testing.T) {
	t.Parallel()
	everywhere(t, testUndirected)
}

func testUndirected(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	s := sink(t, oa.DB(), &oasink.Options{Undirected: oasink.NullUndirected})
	p := punch(101, at(2, 8, 0, 0), attendance.Undirected)
	w := write(t, s, p, outside(101, at(2, 9, 0, 0), attendance.Undirected), punch(101, at(2, 8, 0, 0), attendance.In))
	require.Equal(t, 3, w.Written)
	require.Equal(t, null, signs(t, oa)[1].SignType)
	require.Equal(t, 1, write(t, s, p).Present)
	_, err := oasink.New(context.Background(), on.build(t, ecologytest.Schema{Generation: oasink.E8}).DB(), &oasink.Options{Undirected: oasink.NullUndirected})
	require.ErrorContains(t, err, "e-cology 9 only")
}

func TestMissingTablesAndColumns(t *testing.T) {
	t.Parallel()
	everywhere(t, testMissingTablesAndColumns)
}

func testMissingTablesAndColumns(t *testing.T, on engine) {
	in, visit := punch(101, at(2, 8, 0, 0), attendance.In), field(101, at(2, 9, 0, 0))
	for _, c := range []struct {
		without        string
		written, signs int
		says           string
	}{
		{"mobile_sign", 1, 1, "mobile_sign does not exist"},
		{"mobile_sign.operate_time", 1, 1, "mobile_sign has no column operate_time"},
		{"HrmScheduleSign.isInCom", 1, 0, "HrmScheduleSign has no column isInCom"},
		{"HrmScheduleSign.ADDR", 2, 1, ""},
		{"mobile_sign.remark", 2, 1, ""},
	} {
		t.Run(c.without, func(t *testing.T) {
			oa := on.build(t, ecologytest.Schema{Generation: oasink.E8, Without: []string{c.without}})
			w, err := sink(t, oa.DB(), nil).Write(context.Background(), batch(place(in), place(visit), visit))
			require.Equal(t, c.written, w.Written)
			n, countErr := oa.Count(context.Background(), "HrmScheduleSign")
			require.NoError(t, countErr)
			require.Equal(t, c.signs, n)
			require.Equal(t, 1, w.Skipped[attendance.SameSecond])
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
			require.Regexp(t, "(?i)"+c.says, err)
			require.ErrorContains(t, err, "1 punches were not written")
		})
	}
	_, err := oasink.New(context.Background(), on.build(t, ecologytest.Schema{Without: []string{"HrmScheduleSign", "mobile_sign"}}).DB(), nil)
	require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
	require.ErrorContains(t, err, "HrmScheduleSign does not exist")
	require.NoError(t, sink(t, on.build(t, ecologytest.Schema{}).DB(), nil).Missing())
	for _, table := range []string{"HrmScheduleSign", "mobile_sign"} {
		err := sink(t, on.build(t, ecologytest.Schema{Without: []string{table}}).DB(), nil).Missing()
		require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
		require.ErrorContains(t, err, table+" does not exist")
	}
}

func TestTablesThatChangeWhileWeRun(t *testing.T) {
	t.Parallel()
	everywhere(t, testTablesThatChangeWhileWeRun)
}

func testTablesThatChangeWhileWeRun(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{Generation: oasink.E8, Without: []string{"mobile_sign"}})
	s := sink(t, oa.DB(), nil)
	visit, in := field(101, at(2, 9, 0, 0)), place(punch(101, at(2, 8, 0, 0), attendance.In))
	_, err := s.Write(context.Background(), batch(visit, in))
	require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
	_, err = oa.DB().Exec("CREATE TABLE mobile_sign (operater int, operate_type text, operate_date text, operate_time text, longitude text, latitude text)")
	require.NoError(t, err)
	w, err := s.Write(context.Background(), batch(visit, in))
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 1}, [2]int{w.Written, w.Present})
	_, err = oa.DB().Exec("ALTER TABLE HrmScheduleSign DROP COLUMN ADDR")
	require.NoError(t, err)
	w, err = s.Write(context.Background(), batch(place(punch(102, at(2, 8, 0, 0), attendance.In))))
	require.NoError(t, err)
	require.Equal(t, 1, w.Written)
	_, err = oa.DB().Exec("DROP TABLE mobile_sign")
	require.NoError(t, err)
	w, err = s.Write(context.Background(), batch(field(102, at(2, 9, 0, 0)), punch(103, at(2, 8, 0, 0), attendance.In)))
	require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
	require.Equal(t, 1, w.Written)
}

func TestOtherNames(t *testing.T) {
	t.Parallel()
	everywhere(t, testOtherNames)
}

func testOtherNames(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	on.exec(t, oa.DB(), "sqlite: "+`ALTER TABLE mobile_sign RENAME TO "mobile ""sign"""`, "mariadb: RENAME TABLE mobile_sign TO `mobile \"sign\"`",
		"postgres: "+`ALTER TABLE mobile_sign RENAME TO "mobile ""sign"""`)
	s := sink(t, oa.DB(), &oasink.Options{Schema: schemaOf(t, on, oa.DB()), Tables: map[string]string{"MOBILE_SIGN": `mobile "sign"`}})
	require.Equal(t, 2, write(t, s, field(101, at(2, 9, 0, 0)), punch(101, at(2, 9, 0, 0), attendance.In)).Written)
}

func TestTags(t *testing.T) {
	t.Parallel()
	everywhere(t, testTags)
}

func testTags(t *testing.T, on engine) {
	for source, tag := range map[string]string{"dingtalk": "from_dd", "dingtalk/check-ins": "from_dd", "wecom": "from_wx"} {
		oa := on.build(t, ecologytest.Schema{})
		b := batch(punch(101, at(2, 8, 0, 0), attendance.In))
		b.Source = source
		_, err := sink(t, oa.DB(), nil).Write(context.Background(), b)
		require.NoError(t, err)
		require.Equal(t, tag, signs(t, oa)[0].SignFrom)
	}
	oa := on.build(t, ecologytest.Schema{})
	s := sink(t, oa.DB(), nil)
	write(t, s, punch(101, at(2, 8, 0, 0), attendance.In))
	b := batch(punch(101, at(2, 8, 0, 0), attendance.In))
	b.Source = "acme"
	_, err := s.Write(context.Background(), b)
	require.ErrorContains(t, err, "acme")
	w, err := sink(t, oa.DB(), &oasink.Options{SignFrom: "from_acme"}).Write(context.Background(), b)
	require.NoError(t, err)
	require.Equal(t, 1, w.PresentFromOther)
	_, err = oasink.New(context.Background(), oa.DB(), &oasink.Options{SignFrom: "cardigan"})
	require.Error(t, err)
	_, err = oasink.New(context.Background(), oa.DB(), &oasink.Options{Tables: map[string]string{"HrmRessource": "x"}})
	require.Error(t, err)
}

func TestPersonsThatAreNoIDsCostTheOthersNothing(t *testing.T) {
	t.Parallel()
	everywhere(t, testPersonsThatAreNoIDsCostTheOthersNothing)
}

func testPersonsThatAreNoIDsCostTheOthersNothing(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	b := batch(punch(101, at(2, 8, 0, 0), attendance.In), punch(102, at(2, 8, 0, 0), attendance.In))
	b.Members[0].Person = "zhangsan"
	w, err := sink(t, oa.DB(), nil).Write(context.Background(), b)
	require.ErrorContains(t, err, "zhangsan")
	require.Equal(t, attendance.CodeUnknown, attendance.CodeOf(err))
	require.Equal(t, 1, w.Written)
	require.Equal(t, int64(102), signs(t, oa)[0].UserID)
}

func TestTexts(t *testing.T) {
	t.Parallel()
	everywhere(t, testTexts)
}

func testTexts(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	s := sink(t, oa.DB(), nil)
	texts := []string{
		`'); DELETE FROM HrmScheduleSign; --`, `"q" \' \\ ?0 ?1 ? $1 :1 @p1 {}`, "总部大楼 🏢", "tab\tand\nline", strings.Repeat("x", 500),
	}
	var punches []attendance.Punch
	for i, text := range texts {
		p, v := punch(101, at(2, 8, i, 0), attendance.In), field(101, at(2, 8, i, 0))
		p.Place.Address, v.Place.Address, v.Remark = text, text, text
		punches = append(punches, p, v)
	}
	require.Empty(t, write(t, s, punches...).Warnings)
	rows, fields := signs(t, oa), mobiles(t, oa)
	for i, text := range texts {
		require.Equal(t, text, rows[i].Addr)
		require.Equal(t, text, fields[i].Address)
		require.Equal(t, text, fields[i].Remark)
	}
	long := strings.Repeat("某某路", 400) // 3,600 bytes
	p, v := punch(102, at(2, 8, 0, 0), attendance.In), field(102, at(2, 8, 0, 0))
	p.Place.Address, v.Place.Address, v.Remark = long, long, "前\x00后\xff"
	w := write(t, s, p, v)
	require.Equal(t, []string{"text_cut"}, codes(w))
	require.Contains(t, w.Warnings[0].Message, "2 texts")
	row := signs(t, oa)[len(texts)]
	require.Len(t, row.Addr, 999)
	require.True(t, strings.HasPrefix(long, row.Addr))
	visit := mobiles(t, oa)[len(texts)]
	require.Len(t, visit.Address, 498)
	require.Equal(t, "前后\uFFFD", visit.Remark)
	require.Equal(t, 2, write(t, s, p, v).Present)
}

func TestDeclaredSizesAreKept(t *testing.T) {
	t.Parallel()
	everywhere(t, testDeclaredSizesAreKept)
}

func testDeclaredSizesAreKept(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{Generation: oasink.E7})
	size := "4"
	if on.name != mariadbName && on.name != postgresName {
		size = "13" // bytes
	}
	_, err := oa.DB().Exec("ALTER TABLE HrmScheduleSign ADD ADDR varchar(" + size + ")")
	require.NoError(t, err)
	_, err = oa.DB().Exec("ALTER TABLE HrmScheduleSign ADD signFrom varchar(5)")
	require.NoError(t, err)
	p := punch(102, at(2, 8, 0, 0), attendance.In)
	p.Place.Address = "文一西路口"
	_, err = sink(t, oa.DB(), nil).Write(context.Background(), batch(p))
	require.ErrorContains(t, err, "signFrom")
	require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
	require.Empty(t, signs(t, oa))
	w := write(t, sink(t, oa.DB(), &oasink.Options{SignFrom: "dd"}), p)
	require.Equal(t, []string{"text_cut"}, codes(w))
	require.Equal(t, "文一西路", signs(t, oa)[0].Addr)
}

// Every punch of whatever batch ends in exactly one count, and doing it again
// changes no row.
func TestEveryPunchIsCountedOnce(t *testing.T) {
	t.Parallel()
	everywhere(t, testEveryPunchIsCountedOnce)
}

func testEveryPunchIsCountedOnce(t *testing.T, on engine) {
	random := rand.New(rand.NewPCG(7, 11))
	for round := range byLength(40, 9) {
		oa := on.build(t, ecologytest.Schema{Generation: oasink.Generation(1 + round%3)})
		s := sink(t, oa.DB(), nil)
		for range 4 {
			var punches []attendance.Punch
			for range random.IntN(80) {
				p := punch(100+random.IntN(12), at(2+random.IntN(8), 8, random.IntN(3), random.IntN(3)), attendance.Direction(random.IntN(3)))
				p.Kind = attendance.Kind(random.IntN(4))
				punches = append(punches, p)
			}
			require.NoError(t, oa.AddSigns(context.Background(), ecologytest.SignRow{UserID: int64(101 + random.IntN(9)), UserType: itoa(1 + random.IntN(2)),
				SignType: itoa(1 + random.IntN(2)), SignDate: "2026-03-03", SignTime: "08:01:01", IsInCom: itoa(random.IntN(2)), SignFrom: []string{null, "from_dd", "x"}[random.IntN(3)]}))
			w := write(t, s, punches...)
			require.Equal(t, len(punches), accounted(w))
			rows, visits := signs(t, oa), mobiles(t, oa)
			again := write(t, s, punches...)
			require.Equal(t, len(punches), accounted(again))
			require.Zero(t, again.Written)
			require.Empty(t, again.Days)
			require.Equal(t, rows, signs(t, oa))
			require.Equal(t, visits, mobiles(t, oa))
		}
	}
}
