package dbtest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// imported does to the rows what the import of the old attendance module does to all
// rows of the days it touches: a person's second is kept once, types are given anew by order,
// rows are inserted again with new ids.
func imported(t testing.TB, oa *ecologytest.OA) {
	t.Helper()
	rows := signs(t, oa)
	_, err := oa.DB().ExecContext(context.Background(), "DELETE FROM HrmScheduleSign")
	require.NoError(t, err)
	type second struct {
		user       int64
		date, time string
	}
	slices.SortFunc(rows, func(a, b ecologytest.SignRow) int {
		return slices.Compare([]string{fmt.Sprint(a.UserID), a.SignDate, a.SignTime, a.SignType}, []string{fmt.Sprint(b.UserID), b.SignDate, b.SignTime, b.SignType})
	})
	seen, order := make(map[second]bool), make(map[second]int)
	var kept []ecologytest.SignRow
	for _, r := range rows {
		at, day := second{r.UserID, r.SignDate, r.SignTime}, second{r.UserID, r.SignDate, ""}
		if seen[at] {
			continue
		}
		seen[at] = true
		r.SignType = []string{"2", "1"}[order[day]%2] // the wrong way round: types change
		order[day]++
		kept = append(kept, r)
	}
	require.NoError(t, oa.AddSigns(context.Background(), kept...))
}

// A day is four punches of one person, two of them in one second.
func aRetypedDay() []attendance.Punch {
	return []attendance.Punch{
		record("a", punch(101, at(2, 8, 0, 0), attendance.In)), record("b", punch(101, at(2, 12, 0, 0), attendance.Out)),
		record("c", punch(101, at(2, 12, 0, 0), attendance.In)), record("d", punch(101, at(2, 18, 0, 0), attendance.Out)),
		record("e", punch(102, at(2, 9, 0, 0), attendance.In)),
	}
}

// The old module's import gives rows other types: they are still the rows of their punches.
func TestRowsThatAnImportHasRetyped(t *testing.T) {
	t.Parallel()
	everywhere(t, testRowsThatAnImportHasRetyped)
}

func testRowsThatAnImportHasRetyped(t *testing.T, on engine) {
	day := aRetypedDay()
	for _, g := range []oasink.Generation{oasink.E8, oasink.E9} {
		oa := on.build(t, ecologytest.Schema{Generation: g})
		s := sink(t, oa.DB(), nil)
		require.Equal(t, 5, write(t, s, day...).Written)
		imported(t, oa)
		require.Len(t, signs(t, oa), 4)
		would, err := s.Preview(context.Background(), batch(day...))
		require.NoError(t, err)
		w := write(t, s, day...)
		require.Equal(t, would.Written, w)
		require.Equal(t, [4]int{1, 4, 0, 0}, [4]int{w.Written, w.Present, w.PresentFromOther, w.Superseded}, "the second punch of 12:00:00 needs a row of its own")
		for range 2 {
			w = write(t, s, day...)
			require.Equal(t, [3]int{0, 5, 0}, [3]int{w.Written, w.Present, w.Superseded})
		}
		require.Len(t, signs(t, oa), 5)
		w = write(t, s, day[0], day[1], day[3], day[4])
		require.Equal(t, [3]int{0, 4, 1}, [3]int{w.Written, w.Present, w.Superseded}, "one row too many in a second is superseded")
	}
}

// So it is with a ledger, whose ids are gone: nothing is written twice, nothing removed.
func TestRowsOfALedgerThatAnImportHasRetyped(t *testing.T) {
	t.Parallel()
	everywhere(t, testRowsOfALedgerThatAnImportHasRetyped)
}

func testRowsOfALedgerThatAnImportHasRetyped(t *testing.T, on engine) {
	day := aRetypedDay()
	k := on.ledger(t, oasink.E8, oasink.DeleteWithdrawn)
	k.write(t, 0, "first", day...)
	imported(t, k.oa)
	w := k.write(t, 1, "second", day...)
	require.Equal(t, [4]int{1, 4, 0, 0}, [4]int{w.Written, w.Present, w.Removed, w.Superseded})
	require.Contains(t, codes(w), "foreign_writer")
	for i := range 2 {
		w = k.write(t, 2+i, "later", day...)
		require.Equal(t, [4]int{0, 5, 0, 0}, [4]int{w.Written, w.Present, w.Removed, w.Superseded})
	}
	require.Len(t, signs(t, k.oa), 5)
	// And again: the row that was added is rewritten as well.
	imported(t, k.oa)
	require.Equal(t, 1, k.write(t, 5, "again", day...).Written)
	require.Len(t, signs(t, k.oa), 5)
}

// Rows of our tag and a second are matched one to one, their own types first.
func TestRowsOfOneSecondAreMatchedOneToOne(t *testing.T) {
	t.Parallel()
	in, out := punch(101, at(2, 8, 0, 0), attendance.In), punch(101, at(2, 8, 0, 0), attendance.Out)
	row := func(sign, tag string) ecologytest.SignRow {
		return ecologytest.SignRow{UserID: 101, UserType: "1", SignType: sign, SignDate: "2026-03-02", SignTime: "08:00:00", IsInCom: "1", SignFrom: tag}
	}
	ours := func(signs ...string) (rows []ecologytest.SignRow) {
		for _, s := range signs {
			rows = append(rows, row(s, "from_dd"))
		}
		return rows
	}
	for name, c := range map[string]struct {
		rows                                 []ecologytest.SignRow
		punches                              []attendance.Punch
		written, present, others, superseded int
	}{
		"its own type":                           {ours("1"), []attendance.Punch{in}, 0, 1, 0, 0},
		"another type":                           {ours("2"), []attendance.Punch{in}, 0, 1, 0, 0},
		"a type that is none":                    {ours("3"), []attendance.Punch{in}, 0, 1, 0, 0},
		"no type":                                {ours(""), []attendance.Punch{in}, 0, 1, 0, 0},
		"one row, two punches":                   {ours("1"), []attendance.Punch{in, out}, 1, 1, 0, 0},
		"one row of a third type, two punches":   {ours("3"), []attendance.Punch{in, out}, 1, 1, 0, 0},
		"two rows of one type, two punches":      {ours("2", "2"), []attendance.Punch{in, out}, 0, 2, 0, 0},
		"two rows of other types, two punches":   {ours("3", ""), []attendance.Punch{in, out}, 0, 2, 0, 0},
		"the other type first, its own later":    {ours("2", "1"), []attendance.Punch{in, out}, 0, 2, 0, 0},
		"two rows of its type, one punch":        {ours("1", "1"), []attendance.Punch{in}, 0, 1, 0, 0},
		"its type and another, one punch":        {ours("1", "2"), []attendance.Punch{in}, 0, 1, 0, 1},
		"another writer's row of another type":   {[]ecologytest.SignRow{row("2", "dd")}, []attendance.Punch{in}, 1, 0, 0, 0},
		"another writer's row of its type":       {[]ecologytest.SignRow{row("1", "dd")}, []attendance.Punch{in}, 0, 0, 1, 0},
		"another writer's and ours, retyped":     {[]ecologytest.SignRow{row("1", "dd"), row("3", "from_dd")}, []attendance.Punch{in, out}, 0, 1, 1, 0},
		"ours alone is held before a stranger's": {[]ecologytest.SignRow{row("3", "from_dd"), row("1", "dd")}, []attendance.Punch{in}, 0, 1, 0, 0},
	} {
		for _, ledger := range []*oasink.LedgerOptions{nil, {Withdrawn: oasink.DeleteWithdrawn}} {
			oa := build(t, ecologytest.Schema{Generation: oasink.E8})
			require.NoError(t, oa.AddSigns(context.Background(), c.rows...))
			s := sink(t, oa.DB(), &oasink.Options{Ledger: ledger})
			require.NoError(t, s.CreateLedger(context.Background()))
			w := write(t, s, c.punches...)
			require.Equal(t, [4]int{c.written, c.present, c.others, c.superseded}, [4]int{w.Written, w.Present, w.PresentFromOther, w.Superseded}, "%s, ledger %v", name, ledger != nil)
			w = write(t, s, c.punches...)
			require.Equal(t, [2]int{0, len(c.rows) + c.written}, [2]int{w.Written, len(signs(t, oa))}, "%s again, ledger %v", name, ledger != nil)
		}
	}
}
