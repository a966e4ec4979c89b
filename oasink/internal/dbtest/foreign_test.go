package dbtest

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// An adoption is a site that has taken this program into use: from the 20th of March
// on it keeps a ledger. The tests look at it on the 31st.
type adoption struct {
	ledgerKit
	t testing.TB
}

func adopt(t testing.TB, on engine) adoption {
	t.Helper()
	return adoption{on.ledger(t, oasink.E8, oasink.DeleteWithdrawn), t}
}

// writes writes what the platform holds of the days from the 20th on, as of a day.
func (a adoption) writes(day int, punches ...attendance.Punch) attendance.Written {
	a.t.Helper()
	b := batch(punches...)
	b.Span = attendance.Span{From: at(20, 0, 0, 0), To: at(31, 0, 0, 0)}
	b.ReadAt, b.Run = at(day, 23, 30, 0), "run of the "+itoa(day)
	w, err := a.s.Write(context.Background(), b)
	require.NoError(a.t, err)
	return w
}

// oldBridge does what the program that is replaced does: it deletes the company's
// day by its tag and inserts what it has read.
func (a adoption) oldBridge(day string, tag string) {
	a.t.Helper()
	rows := slices.DeleteFunc(signs(a.t, a.oa), func(r ecologytest.SignRow) bool { return r.SignDate != day || r.SignFrom != tag })
	a.exec(a.t, a.oa.DB(), "DELETE FROM HrmScheduleSign WHERE signDate = '"+day+"' AND signFrom = '"+tag+"'")
	require.NoError(a.t, a.oa.AddSigns(context.Background(), rows...))
}

// warned is the finding about another writer; nil when there is none.
func (a adoption) warned() *attendance.Finding {
	a.t.Helper()
	for _, f := range a.s.Check(context.Background()) {
		if f.Code == "foreign_writer" {
			require.Equal(a.t, attendance.LevelWarning, f.Level)
			return &f
		}
		require.NotEqual(a.t, attendance.LevelError, f.Level, f.Message.EN)
	}
	return nil
}

func workdays(first, last int) []attendance.Punch {
	var list []attendance.Punch
	for day := first; day <= last; day++ {
		for person := 101; person <= 103; person++ {
			for n, hour := range []int{8, 18} {
				p := punch(person, at(day, hour, person%60, 0), attendance.Direction(1+n))
				list = append(list, record("r"+itoa(day)+"-"+itoa(person)+"-"+itoa(n), p))
			}
		}
	}
	return list
}

// The old bridge was not stopped: check says so before and after the next run, and
// so does that run, which loses and doubles nothing.
func TestAnOldBridgeThatStillRewritesDays(t *testing.T) {
	t.Parallel()
	everywhere(t, testAnOldBridgeThatStillRewritesDays)
}

func testAnOldBridgeThatStillRewritesDays(t *testing.T, on engine) {
	a := adopt(t, on)
	require.Equal(t, 12, a.writes(21, workdays(20, 21)...).Written)
	require.Equal(t, 54, a.writes(30, workdays(20, 30)...).Written)
	require.Nil(t, a.warned())
	before := held(t, a.oa)

	a.oldBridge("2026-03-27", "from_dd")
	f := a.warned()
	require.NotNil(t, f)
	require.Contains(t, f.Message.EN, "the tag from_dd: in the last 7 days, among the 3 people that were looked at, 6 rows of this program were deleted and their punches stand in new rows that it did not write, and 0 more")
	require.Contains(t, f.Message.EN, "person 101 at 2026-03-27 08:41:00")
	require.Contains(t, f.Message.ZH, "6 行已被删除并由他人重新写入")
	require.Contains(t, f.Mend.EN, "sign_from")
	require.Contains(t, f.Mend.ZH, "停用")
	other := sink(t, a.pool(t), &oasink.Options{Ledger: &oasink.LedgerOptions{}, SignFrom: "of_another_job"})
	require.Equal(t, f.Message, finding(t, other.Check(context.Background()), "foreign_writer").Message, "a database is asked once for all jobs")

	w := a.writes(31, workdays(20, 30)...)
	require.Equal(t, [3]int{0, 66, 0}, [3]int{w.Written, w.Present, w.Removed})
	require.Equal(t, []string{"foreign_writer"}, codes(w))
	require.Regexp(t, "^6 rows .*tag from_dd.*person 101 at 2026-03-27 08:41:00", w.Warnings[0].Message)
	require.Equal(t, before, held(t, a.oa))
	f = a.warned()
	require.NotNil(t, f, "the ledger has let go of its rows, but these came after it")
	require.Contains(t, f.Message.EN, "0 rows of this program were deleted")
	require.Contains(t, f.Message.EN, "6 more rows are not its own")
	require.Empty(t, codes(a.writes(31, workdays(20, 30)...)), "a run tells it once")
}

// A bridge of another tag, rows from before the first run, and an administrator who
// deletes a row are no such program.
func TestWhatIsNoOldBridge(t *testing.T) {
	t.Parallel()
	everywhere(t, testWhatIsNoOldBridge)
}

func testWhatIsNoOldBridge(t *testing.T, on engine) {
	a := adopt(t, on)
	row := func(day, tag string) ecologytest.SignRow {
		return ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: day, SignTime: "08:41:00", IsInCom: "1", SignFrom: tag, Longitude: null, Latitude: null, Addr: null}
	}
	// What the old bridge left behind: the first run, on the 28th, adds what lacks.
	require.NoError(t, a.oa.AddSigns(context.Background(), row("2026-03-26", "from_dd"), row("2026-03-27", "from_dd"), row("2026-03-29", "e9mobile")))
	require.Equal(t, 46, a.writes(28, workdays(20, 27)...).Written)
	require.Nil(t, a.warned())
	a.writes(30, workdays(20, 30)...)
	require.Nil(t, a.warned())
	a.oldBridge("2026-03-29", "e9mobile")
	a.exec(t, a.oa.DB(), "DELETE FROM HrmScheduleSign WHERE signDate = '2026-03-28' AND userId = 102")
	require.Nil(t, a.warned())
	require.Equal(t, []string{"deleted_by_others"}, codes(a.writes(31, workdays(20, 30)...)))
	require.Nil(t, a.warned())
}

// What a check may do suffices with the rights of a run, and what it reads is bounded.
func TestLookingForAnOldBridgeOnlyReads(t *testing.T) {
	t.Parallel()
	a := adopt(t, sqliteEngine())
	a.writes(30, workdays(20, 30)...)
	a.oldBridge("2026-03-27", "from_dd")
	statements := 0
	db := a.struck(t, func(query string) error {
		if len(query) > 6 && query[:6] == "SELECT" {
			statements++
		}
		return nil
	})
	plain, kept := sink(t, db, nil), sink(t, db, &oasink.Options{Ledger: &oasink.LedgerOptions{}})
	statements = 0
	plain.Check(context.Background())
	without := statements
	statements = 0
	kept.Check(context.Background())
	require.LessOrEqual(t, statements-without, 16)
}
