package dbtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// differs is what a reconciliation tells, one line a difference.
func differs(t *testing.T, y *attendance.Syncer, staff attendance.Scope) []string {
	t.Helper()
	list := []string{}
	r, err := y.Reconcile(t.Context(), staff, attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 2}, attendance.Date{Year: 2026, Month: 3, Day: 8}, beijing()),
		func(d attendance.Difference) {
			words := []string{string(d.Kind), string(d.Reason), d.Member.Person, d.Time.Format("02 15:04"), d.Direction.String()}
			for _, row := range d.Rows {
				words = append(words, row.Tag)
			}
			list = append(list, strings.Join(words, " "))
		})
	require.NoError(t, err)
	require.Len(t, list, r.Sum())
	slices.Sort(list)
	return list
}

// What others have done to the OA, on every database, with a ledger and without.
func TestReconcileAgainstAnOA(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		for _, ledger := range []*oasink.LedgerOptions{nil, {}} {
			t.Run(fmt.Sprintf("%s/ledger=%v", e.name, ledger != nil), func(t *testing.T) {
				t.Parallel()
				e.needed(t)
				d := e.found(t, ecologytest.Schema{Generation: oasink.E9})
				p := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour})
				var members []attendance.Member
				for person := 101; person <= 107; person++ {
					members = append(members, attendance.Member{Person: itoa(person), Account: "u" + itoa(person)})
					for i, direction := range []attendance.Direction{attendance.In, attendance.Out} {
						in := punch(person, at(3, 8+10*i, 0, 0), direction)
						in.ID = fmt.Sprintf("%d-%v", person, direction)
						p.Put(in)
					}
				}
				both := punch(107, at(4, 8, 0, 0), attendance.In) // in and out in one second are two rows
				p.Put(both)
				both.Direction = attendance.Out
				p.Put(both, outside(107, at(5, 8, 0, 0), attendance.In))
				staff := attendance.Members(members...)
				y := attendance.NewSyncer(p, d.sink(t, ledger), &attendance.Options{Now: now})
				_, err := y.Run(t.Context(), staff, attendance.LastDays(31, beijing()))
				require.NoError(t, err)
				require.Empty(t, differs(t, y, staff))

				sign := func(set string, person int, clock string) {
					d.exec(t, d.oa.DB(), fmt.Sprintf("UPDATE %s.HrmScheduleSign SET %s WHERE userId = %d AND signTime = '%s'", schemaOf(t, d.engine, d.oa.DB()), set, person, clock))
				}
				sign("signTime = '08:05:00'", 101, "08:00:00")
				sign("signType = '2'", 102, "08:00:00")
				sign("isInCom = '0'", 103, "08:00:00")
				require.NoError(t, d.oa.AddSigns(context.Background(),
					signed(104, "2026-03-03 08:00:00", "1", "EMSyn", "1"),
					signed(105, "2026-03-03 12:00:00", "1", "from_dd", "1"),
					signed(105, "2026-03-03 13:00:00", "1", "e9pc", "1"), // nothing of ours
					signed(106, "2026-03-03 08:00:00", "1", "from_dd", "1")))
				p.Remove("101-out")
				want := []string{
					"different direction 102 03 08:00 in from_dd",
					"different hidden 103 03 08:00 in from_dd",
					"doubled  104 03 08:00 in EMSyn from_dd",
					"doubled  106 03 08:00 in from_dd from_dd",
					"only_oa  101 03 18:00 out from_dd",
					"only_oa  105 03 12:00 in from_dd",
				}
				if ledger == nil {
					want = append(want, "only_oa  101 03 08:05 in from_dd", "only_provider  101 03 08:00 in")
				} else {
					want = append(want, "different time 101 03 08:00 in from_dd")
				}
				slices.Sort(want)
				before := d.dump(t)
				got := differs(t, y, staff)
				for i := range got { // of the same second any row may come first
					got[i] = strings.Replace(got[i], "from_dd EMSyn", "EMSyn from_dd", 1)
				}
				require.Equal(t, want, got)
				require.Equal(t, before, d.dump(t))
			})
		}
	}
}
