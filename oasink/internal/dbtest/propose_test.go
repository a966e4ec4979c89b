package dbtest

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// accountList is a platform's directory.
type accountList []attendance.Account

func (l accountList) Accounts(context.Context) iter.Seq2[attendance.Account, error] {
	return func(yield func(attendance.Account, error) bool) {
		for _, a := range l {
			if !yield(a, nil) {
				return
			}
		}
	}
}

func TestProposeBindings(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.needed(t)
			d := e.found(t, ecologytest.Schema{Generation: oasink.E8})
			require.NoError(t, d.oa.AddDepartments(t.Context(), ecologytest.Department{ID: 11, Name: "研发", Subcompany: 1}))
			require.NoError(t, d.oa.AddSubCompanies(t.Context(), ecologytest.SubCompany{ID: 1}))
			p := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour})
			var list accountList
			var rows []ecologytest.SignRow
			for i := range 60 {
				person, account := 101+i, fmt.Sprintf("z%03d", 60-i)
				require.NoError(t, d.oa.AddStaff(t.Context(), ecologytest.Person{ID: int64(person), Name: fmt.Sprint("员工", person), LoginID: "l" + itoa(person), Department: 11, Subcompany: 1, Status: 1}))
				list = append(list, attendance.Account{ID: account, Name: "n" + account, Active: i != 3})
				for day := 2; day <= 6; day++ {
					in := attendance.Punch{Account: account, Time: at(day, 8, i*17%30, (i*31+day*7)%60), Kind: attendance.Regular, Direction: attendance.In}
					p.Put(in)
					tag := map[bool]string{true: "wx", false: "from_dd"}[i == 4]
					rows = append(rows, signed(int64(person), in.Time.Format(time.DateTime), "1", tag, "1"))
				}
			}
			require.NoError(t, d.oa.AddSigns(t.Context(), rows...))
			s := d.sink(t, nil)
			before := d.dump(t)
			calls := p.Calls()
			var told attendance.Estimate
			found, err := s.ProposeBindings(t.Context(), oasink.ProposeOptions{
				Tag: "from_dd", Directory: list, Provider: p, Window: attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 1}, attendance.Date{Year: 2026, Month: 3, Day: 7}, beijing()),
				Syncer: &attendance.Options{Now: now, Announce: func(e attendance.Estimate) {
					require.Equal(t, calls, p.Calls(), "before the first call")
					told = e
				}},
			})
			require.NoError(t, err)
			require.Equal(t, 59, told.People, "who is not active is not asked for")
			require.Equal(t, p.Calls()-calls, told.Calls)
			require.Equal(t, told.Calls, found.Report.Calls)
			require.Len(t, found.List, 60)
			for i, one := range found.List {
				switch i {
				case 3:
					require.Empty(t, one.Member.Account, "the account is asleep, nobody else's fits")
				case 4:
					require.Equal(t, oasink.NoOldRows, one.Doubt)
				default:
					require.Empty(t, one.Doubt)
					require.Equal(t, fmt.Sprintf("z%03d", 60-i), one.Member.Account)
					require.Equal(t, "n"+one.Member.Account, one.AccountName)
					require.Equal(t, fmt.Sprint("员工", 101+i), one.Member.Name)
					require.InDelta(t, 1, one.Confidence(), 0)
				}
			}
			require.Equal(t, before, d.dump(t))
		})
	}
}
