package dbtest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// signed is a row of HrmScheduleSign that stands as yyyy-MM-dd HH:mm:ss.
func signed(person int64, second, signType, from, isInCom string) ecologytest.SignRow {
	return ecologytest.SignRow{UserID: person, UserType: "1", SignType: signType, SignDate: second[:10], SignTime: second[11:], IsInCom: isInCom, SignFrom: from,
		Longitude: ecologytest.NULL, Latitude: ecologytest.NULL, Addr: ecologytest.NULL}
}

func rowsOf(t *testing.T, s *oasink.Sink, span attendance.Span, persons ...string) []attendance.Row {
	t.Helper()
	var all []attendance.Row
	for row, err := range s.Rows(context.Background(), persons, span) {
		require.NoError(t, err)
		all = append(all, row)
	}
	return all
}

func TestRowsTellsWhoseTheyAre(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		for _, ledger := range []*oasink.LedgerOptions{nil, {}} {
			t.Run(fmt.Sprintf("%s/ledger=%v", e.name, ledger != nil), func(t *testing.T) {
				t.Parallel()
				e.needed(t)
				d := e.found(t, ecologytest.Schema{Generation: oasink.E9})
				s := d.sink(t, ledger)
				require.NoError(t, d.oa.AddSigns(context.Background(),
					signed(101, "2026-03-02 08:00:00", "1", "EMSyn", "1"), signed(101, "2026-03-02 08:00:00", ecologytest.NULL, ecologytest.NULL, "0"),
					signed(101, "2026-03-03 08:00:00", "1", "from_dd", "1")))
				in := punch(101, at(2, 9, 0, 0), attendance.In)
				in.ID, in.Place = "7", attendance.Place{Located: true, Longitude: 121.5, Latitude: 31.25, Address: "上海"}
				visit := field(101, at(2, 10, 0, 0))
				b := batch(in, visit)
				b.Run = "run1"
				_, err := s.Write(t.Context(), b)
				require.NoError(t, err)
				reader, err := oasink.New(t.Context(), d.reader(t, ledger != nil).pool(t), &oasink.Options{Now: now, Ledger: ledger})
				require.NoError(t, err)

				rows := rowsOf(t, reader, week(), "101")
				require.Len(t, rows, 5)
				tags, ours, hidden := []string{}, []bool{}, []bool{}
				for _, r := range rows {
					tags, ours, hidden = append(tags, r.Tag), append(ours, r.Ours), append(hidden, r.Hidden)
				}
				require.Equal(t, []string{"", "EMSyn", "from_dd", "", "from_dd"}, tags)
				require.Equal(t, []bool{false, false, true, ledger != nil, true}, ours)
				require.Equal(t, []bool{true, false, false, false, false}, hidden)
				require.Equal(t, in.Place, rows[2].Place)
				require.False(t, rows[3].Place.Located)
				if ledger != nil {
					require.Equal(t, "run1", rows[2].Run)
					require.Equal(t, "7", rows[2].Record)
					require.Equal(t, "run1", rows[3].Run)
					require.Empty(t, rows[3].Record+rows[4].Record+rows[4].Run)
				}
			})
		}
	}
}

// The rows of many people over a long time come whole, in order, and in portions.
func TestRowsOfManyPeople(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.needed(t)
			d := e.found(t, ecologytest.Schema{Generation: oasink.E8})
			s := d.sink(t, nil)
			var rows []ecologytest.SignRow
			var persons []string
			for p := range 1000 {
				persons = append(persons, itoa(2000-p))
				if p%7 == 0 {
					for month := 1; month <= 12; month++ {
						rows = append(rows, signed(int64(2000-p), fmt.Sprintf("2026-%02d-15 08:00:00", month), "1", "from_dd", "1"))
					}
				}
			}
			for part := range slices.Chunk(rows, 400) {
				require.NoError(t, d.oa.AddSigns(context.Background(), part...))
			}
			year := attendance.Span{From: time.Date(2026, 1, 1, 0, 0, 0, 0, beijing()), To: time.Date(2027, 1, 1, 0, 0, 0, 0, beijing())}
			got := rowsOf(t, s, year, persons...)
			require.Len(t, got, len(rows))
			require.True(t, slices.IsSortedFunc(got, func(a, b attendance.Row) int {
				if a.Person != b.Person {
					return map[bool]int{true: -1, false: 1}[a.Person < b.Person]
				}
				return a.Time.Compare(b.Time)
			}))
			for _, err := range s.Rows(t.Context(), append(persons, "1"), year) {
				require.Equal(t, attendance.CodeRequest, attendance.CodeOf(err))
			}
		})
	}
}

// A site without mobile_sign, or before signFrom, still has rows.
func TestRowsOfOldTables(t *testing.T) {
	t.Parallel()
	oa := build(t, ecologytest.Schema{Generation: oasink.E7})
	s := sink(t, oa.DB(), nil)
	write(t, s, punch(101, at(2, 8, 0, 0), attendance.In), field(101, at(2, 9, 0, 0)))
	_, err := oa.DB().Exec("DROP TABLE mobile_sign")
	require.NoError(t, err)
	rows := rowsOf(t, s, week(), "101")
	require.Len(t, rows, 1)
	require.False(t, rows[0].Ours, "nobody can tell")
	_, err = oa.DB().Exec("ALTER TABLE HrmScheduleSign RENAME COLUMN signTime TO signClock")
	require.NoError(t, err)
	for _, err := range s.Rows(t.Context(), []string{"101"}, week()) {
		require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
		require.ErrorContains(t, err, "signTime")
	}
}
