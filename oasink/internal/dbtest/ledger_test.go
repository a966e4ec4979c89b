package dbtest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sinktest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// sink opens a pool and a sink on it; with a ledger unless that is nil.
func (d database) sink(t testing.TB, ledger *oasink.LedgerOptions) *oasink.Sink {
	t.Helper()
	s := sink(t, d.pool(t), &oasink.Options{Ledger: ledger})
	require.NoError(t, s.CreateLedger(context.Background()))
	return s
}

func TestSinkConformanceWithALedger(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		for _, withdrawn := range []oasink.Withdrawn{oasink.KeepWithdrawn, oasink.DeleteWithdrawn} {
			generation := []oasink.Generation{oasink.E8, oasink.E9}[withdrawn]
			t.Run(e.name+"/"+generation.String(), func(t *testing.T) {
				t.Parallel()
				e.needed(t)
				ledgerConformance(t, e, generation, withdrawn)
			})
		}
	}
}

func ledgerConformance(t *testing.T, on engine, g oasink.Generation, w oasink.Withdrawn) {
	sinktest.Run(t, func(t testing.TB) sinktest.Target {
		return target{on.found(t, ecologytest.Schema{Generation: g}), &oasink.LedgerOptions{Withdrawn: w}}
	}, sinktest.Features{Apart: true, Places: true, Ledger: true, Removes: w == oasink.DeleteWithdrawn})
}

func TestTheLedgerIsCreatedOnce(t *testing.T) {
	t.Parallel()
	everywhere(t, testTheLedgerIsCreatedOnce)
}

func testTheLedgerIsCreatedOnce(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	s := sink(t, d.pool(t), &oasink.Options{Ledger: &oasink.LedgerOptions{}})
	in := punch(101, at(2, 8, 0, 0), attendance.In)
	_, err := s.Write(context.Background(), batch(in))
	require.Equal(t, attendance.CodeTable, attendance.CodeOf(err), "%v", err)
	require.Regexp(t, "(?i)punchbridge_origins", err)
	require.Empty(t, signs(t, d.oa))
	done := make(chan error, 4)
	for range cap(done) {
		other := sink(t, d.pool(t), &oasink.Options{Ledger: &oasink.LedgerOptions{}})
		go func() { done <- other.CreateLedger(context.Background()) }()
	}
	for range cap(done) {
		require.NoError(t, <-done)
	}
	require.Equal(t, 1, write(t, s, in).Written, "it sees that the tables have come")
	require.NoError(t, s.CreateLedger(context.Background()))
	require.Equal(t, 1, write(t, s, in).Present)
}

// Accounts, records and runs that differ in case only are different ones.
func TestAccountsAreComparedByteForByte(t *testing.T) {
	t.Parallel()
	everywhere(t, testAccountsAreComparedByteForByte)
}

func testAccountsAreComparedByteForByte(t *testing.T, on engine) {
	k := on.ledger(t, oasink.E9, oasink.DeleteWithdrawn)
	small, large := record("r", punch(101, at(2, 8, 0, 0), attendance.In)), record("R", punch(102, at(2, 8, 0, 0), attendance.In))
	small.Account, large.Account = "abc", "ABC"
	write := func(minute int, run string) attendance.Written {
		b := batch(small, large)
		b.Members = []attendance.Member{{Person: "101", Account: "abc"}, {Person: "102", Account: "ABC"}}
		b.ReadAt, b.Run = at(30, 12, minute, 0), run
		w, err := k.s.Write(context.Background(), b)
		require.NoError(t, err)
		return w
	}
	require.Equal(t, 2, write(0, "run").Written)
	require.Equal(t, 2, write(1, "RUN").Present)
	large.Time = at(2, 8, 5, 0)
	require.Equal(t, 1, write(2, "RUN").Corrected)
	require.Equal(t, []string{"08:00:00", "08:05:00"}, []string{signs(t, k.oa)[0].SignTime, signs(t, k.oa)[1].SignTime})
	u := k.undo(t, "RUN")
	require.Equal(t, [2]int{0, 1}, [2]int{u.Removed, u.Restored})
}

// A check says what it finds of a ledger.
func TestCheckOfALedger(t *testing.T) {
	t.Parallel()
	everywhere(t, testCheckOfALedger)
}

func testCheckOfALedger(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	s := sink(t, d.pool(t), &oasink.Options{Ledger: &oasink.LedgerOptions{}})
	require.Equal(t, attendance.LevelWarning, finding(t, s.Check(context.Background()), "ledger").Level, "the first run makes it")
	require.NoError(t, s.CreateLedger(context.Background()))
	f := finding(t, s.Check(context.Background()), "ledger")
	require.Equal(t, attendance.LevelOK, f.Level, f.Message.EN)
	require.Regexp(t, "(?i)punchbridge_rows", f.Message.EN)
}

// A ledgerKit is a sink with a ledger and the way to see what it has done.
type ledgerKit struct {
	database
	s *oasink.Sink
}

func (e engine) ledger(t testing.TB, g oasink.Generation, w oasink.Withdrawn) ledgerKit {
	t.Helper()
	d := e.found(t, ecologytest.Schema{Generation: g})
	return ledgerKit{d, d.sink(t, &oasink.LedgerOptions{Withdrawn: w})}
}

// write writes what the platform holds at that minute of the 30th.
func (k ledgerKit) write(t testing.TB, minute int, run string, punches ...attendance.Punch) attendance.Written {
	t.Helper()
	b := batch(punches...)
	b.ReadAt, b.Run = at(30, 12, minute, 0), run
	w, err := k.s.Write(context.Background(), b)
	require.NoError(t, err)
	require.Equal(t, len(punches), accounted(w))
	return w
}

func record(id string, p attendance.Punch) attendance.Punch {
	p.ID = id
	return p
}

func days(w attendance.Written) []string {
	var list []string
	for _, d := range w.Days {
		list = append(list, d.Person+" "+d.Day.String())
	}
	return list
}

func TestWhatAnAdministratorHasChangedIsLeftAlone(t *testing.T) {
	t.Parallel()
	everywhere(t, testWhatAnAdministratorHasChangedIsLeftAlone)
}

func testWhatAnAdministratorHasChangedIsLeftAlone(t *testing.T, on engine) {
	for name, change := range map[string]string{
		"time":    "UPDATE HrmScheduleSign SET signTime = '08:03:00' WHERE signTime = '08:00:00'",
		"day":     "UPDATE HrmScheduleSign SET signDate = '2026-02-01' WHERE signTime = '08:00:00'",
		"person":  "UPDATE HrmScheduleSign SET userId = 999 WHERE signTime = '08:00:00'",
		"type":    "UPDATE HrmScheduleSign SET signType = '2' WHERE signTime = '08:00:00'",
		"tag":     "UPDATE HrmScheduleSign SET signFrom = 'card|7|' WHERE signTime = '08:00:00'",
		"valid":   "UPDATE HrmScheduleSign SET isInCom = '0' WHERE signTime = '08:00:00'",
		"foreign": "UPDATE HrmScheduleSign SET userType = '2' WHERE signTime = '08:00:00'",
		"address": "UPDATE HrmScheduleSign SET ADDR = '总部' WHERE signTime = '08:00:00'",
	} {
		t.Run(name, func(t *testing.T) {
			k := on.ledger(t, oasink.E8, oasink.DeleteWithdrawn)
			in, out := record("1", place(punch(101, at(2, 8, 0, 0), attendance.In))), record("2", punch(101, at(2, 18, 0, 0), attendance.Out))
			k.write(t, 0, "r1", in, out)
			k.exec(t, k.oa.DB(), change)
			before := signs(t, k.oa)
			in.Time = at(3, 9, 0, 0) // corrected on the platform too
			w := k.write(t, 1, "r2", in, out)
			require.Equal(t, before, signs(t, k.oa))
			require.Equal(t, [4]int{0, 1, 1, 0}, [4]int{w.Written, w.Present, w.PresentFromOther, w.Removed})
			require.Contains(t, codes(w), "changed_by_others")
			w = k.write(t, 2, "r3", out) // and withdrawn
			require.Equal(t, before, signs(t, k.oa))
			require.Zero(t, w.Removed)
			undone, err := k.s.Undo(context.Background(), "r1")
			require.NoError(t, err)
			require.Equal(t, 1, undone.Removed)
			require.Len(t, undone.Kept, 1)
			require.Equal(t, oasink.ChangedByOthers, undone.Kept[0].Reason)
			require.Len(t, signs(t, k.oa), 1)
		})
	}
}

func TestARowThatWasDeletedIsWrittenAgain(t *testing.T) {
	t.Parallel()
	k := sqliteEngine().ledger(t, oasink.E9, oasink.DeleteWithdrawn)
	in := record("1", punch(101, at(2, 8, 0, 0), attendance.In))
	k.write(t, 0, "", in)
	want := signs(t, k.oa)
	k.exec(t, k.oa.DB(), "DELETE FROM HrmScheduleSign")
	w := k.write(t, 1, "", in)
	require.Equal(t, 1, w.Written)
	require.Equal(t, []string{"deleted_by_others"}, codes(w))
	require.Equal(t, want, signs(t, k.oa))
	k.exec(t, k.oa.DB(), "DELETE FROM HrmScheduleSign")
	require.Zero(t, k.write(t, 2, "", record("2", field(101, at(2, 9, 0, 0)))).Removed)
	require.Equal(t, 1, k.write(t, 3, "", in).Written)
}

func TestCorrectionsOfPlaceAndTable(t *testing.T) {
	t.Parallel()
	everywhere(t, testCorrectionsOfPlaceAndTable)
}

func testCorrectionsOfPlaceAndTable(t *testing.T, on engine) {
	for _, withdrawn := range []oasink.Withdrawn{oasink.KeepWithdrawn, oasink.DeleteWithdrawn} {
		k := on.ledger(t, oasink.E9, withdrawn)
		in, visit := record("1", punch(101, at(2, 8, 0, 0), attendance.In)), record("2", field(101, at(2, 9, 0, 0)))
		k.write(t, 0, "r1", in, visit)
		in, visit = place(in), place(visit)
		w := k.write(t, 1, "r2", in, visit)
		require.Equal(t, [2]int{2, 2}, [2]int{w.Written, w.Corrected})
		require.Equal(t, []string{"101 2026-03-02"}, days(w))
		require.Equal(t, "文一西路 969 号", signs(t, k.oa)[0].Addr)
		require.Equal(t, "120.017139", signs(t, k.oa)[0].Longitude)
		require.Equal(t, "拜访客户", mobiles(t, k.oa)[0].Remark)
		require.Equal(t, 2, k.write(t, 2, "", in, visit).Present)
		// The platform finds out that it was outside.
		in.Kind = attendance.Outside
		w = k.write(t, 3, "r4", in, visit)
		require.Equal(t, 1, w.Written)
		require.Len(t, mobiles(t, k.oa), 2)
		if withdrawn == oasink.KeepWithdrawn {
			require.Equal(t, 1, w.Superseded)
			require.Len(t, signs(t, k.oa), 1)
		} else {
			require.Equal(t, 1, w.Removed)
			require.Empty(t, signs(t, k.oa))
		}
		// Texts that no row can hold are no correction.
		visit.Remark += "\x00"
		w = k.write(t, 4, "", in, visit)
		require.Equal(t, [2]int{0, 2}, [2]int{w.Written, w.Present})
		require.Equal(t, 2, k.write(t, 5, "", in, visit).Present)
		// A field check-in that changes by the second.
		visit.Time = visit.Time.Add(time.Second)
		require.Equal(t, 1, k.write(t, 6, "", in, visit).Corrected)
		require.Len(t, mobiles(t, k.oa), 2)
	}
}

// Without record ids an edited punch is one withdrawn and one new.
func TestPunchesWithoutRecordIDs(t *testing.T) {
	t.Parallel()
	k := sqliteEngine().ledger(t, oasink.E9, oasink.DeleteWithdrawn)
	in, out := punch(101, at(2, 8, 0, 0), attendance.In), punch(101, at(2, 18, 0, 0), attendance.Out)
	k.write(t, 0, "", in, out)
	in.Time = at(3, 8, 5, 0)
	w := k.write(t, 1, "", place(in), out)
	require.Equal(t, [3]int{1, 1, 0}, [3]int{w.Written, w.Removed, w.Corrected})
	require.Equal(t, []string{"101 2026-03-02", "101 2026-03-03"}, days(w))
	require.Equal(t, []string{"101 2026-03-01", "101 2026-03-01", "101 2026-03-02", "101 2026-03-02", "101 2026-03-03", "101 2026-03-03", "101 2026-03-04"}, pool(t, k.oa))
	rows := signs(t, k.oa)
	require.Len(t, rows, 2)
	require.Equal(t, "2026-03-03", rows[1].SignDate)
	require.Equal(t, 2, k.write(t, 2, "", place(in), out).Present)
}

// A punch of which a second record says the same keeps its row when one of the two
// is withdrawn.
func TestARowThatIsStillNeededStays(t *testing.T) {
	t.Parallel()
	k := sqliteEngine().ledger(t, oasink.E8, oasink.DeleteWithdrawn)
	one, two := record("1", punch(101, at(2, 8, 0, 0), attendance.In)), record("2", punch(101, at(2, 8, 0, 0), attendance.In))
	k.write(t, 0, "", one, two)
	require.Equal(t, 1, k.write(t, 1, "", two).Present)
	require.Len(t, signs(t, k.oa), 1)
	require.Equal(t, 1, k.write(t, 2, "", two, record("3", punch(101, at(2, 9, 0, 0), attendance.Out))).Present)
	// One that moves onto another's row has that, and its own goes.
	two.Time = at(2, 9, 0, 0)
	two.Direction = attendance.Out
	w := k.write(t, 3, "", two)
	require.Equal(t, [3]int{0, 1, 1}, [3]int{w.Written, w.Present, w.Removed})
	require.Equal(t, "09:00:00", signs(t, k.oa)[0].SignTime)
	require.Equal(t, 1, k.write(t, 4, "", two).Present)
	// What no table takes as it is has not been withdrawn.
	two.Direction = attendance.Undirected
	w = k.write(t, 5, "", two, record("4", field(101, at(2, 9, 0, 0))))
	require.Zero(t, w.Removed)
	require.Len(t, signs(t, k.oa), 1)
}

// Where a punch has moved onto a stranger's row, its own is free for another punch
// of ours, even where nothing is removed.
func TestARowThatIsFreeIsUsed(t *testing.T) {
	t.Parallel()
	k := sqliteEngine().ledger(t, oasink.E9, oasink.KeepWithdrawn)
	stranger := ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-02", SignTime: "10:00:00", IsInCom: "1", SignFrom: "e9pc"}
	require.NoError(t, k.oa.AddSigns(context.Background(), stranger))
	one, two := record("1", punch(101, at(2, 8, 0, 0), attendance.In)), record("2", punch(101, at(2, 9, 0, 0), attendance.In))
	k.write(t, 0, "", one, two)
	one.Time, two.Time = at(2, 9, 0, 0), at(2, 10, 0, 0)
	for minute := 1; minute < 3; minute++ {
		w := k.write(t, minute, "", one, two)
		require.Equal(t, [4]int{0, 1, 1, 1}, [4]int{w.Written, w.Present, w.PresentFromOther, w.Superseded})
		require.Len(t, signs(t, k.oa), 3)
	}
	// The stranger's goes, and the free row of ours is no obstacle.
	k.exec(t, k.oa.DB(), "DELETE FROM HrmScheduleSign WHERE signFrom = 'e9pc'")
	require.Equal(t, 1, k.write(t, 4, "", one, two).Written)
}

// A punch with a row in both tables is one punch, whose two rows move together.
func TestCorrectionsOfAPunchInBothTables(t *testing.T) {
	t.Parallel()
	d := sqliteEngine().found(t, ecologytest.Schema{})
	s := sink(t, d.pool(t), &oasink.Options{Outside: oasink.OutsideBoth, Ledger: &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}})
	require.NoError(t, s.CreateLedger(context.Background()))
	k := ledgerKit{d, s}
	p, stays := record("1", place(outside(101, at(2, 8, 0, 0), attendance.In))), record("2", punch(101, at(2, 18, 0, 0), attendance.Out))
	require.Equal(t, 2, k.write(t, 0, "r", p, stays).Written)
	p.Time = at(3, 8, 0, 0)
	w := k.write(t, 1, "r2", p, stays)
	require.Equal(t, [3]int{1, 1, 1}, [3]int{w.Written, w.Corrected, w.Present})
	require.Equal(t, null, signs(t, d.oa)[1].Longitude)
	require.Equal(t, "2026-03-03", signs(t, d.oa)[1].SignDate)
	require.Equal(t, "2026-03-03", mobiles(t, d.oa)[0].OperateDate)
	p.Kind = attendance.Regular // it was inside after all
	w = k.write(t, 2, "r3", p, stays)
	require.Equal(t, [3]int{1, 1, 1}, [3]int{w.Written, w.Corrected, w.Removed})
	require.Equal(t, "120.017139", signs(t, d.oa)[1].Longitude)
	require.Empty(t, mobiles(t, d.oa))
	w = k.write(t, 3, "r4", stays)
	require.Equal(t, 1, w.Removed)
	require.Len(t, signs(t, d.oa), 1)
}
