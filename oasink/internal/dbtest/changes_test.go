package dbtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// changesOf is what the ledger tells of a run, a line a row.
func changesOf(t *testing.T, s *oasink.Sink, run string) []string {
	t.Helper()
	list := []string{}
	for c, err := range s.RunChanges(t.Context(), run, beijing()) {
		require.NoError(t, err)
		line := fmt.Sprint(c.Action, " ", c.Table, " ", c.Person, " ", c.Direction, " ", c.Time.Format("02 15:04"))
		if !c.Was.IsZero() {
			line += " was " + c.Was.Format("02 15:04")
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return list
}

func TestRunChanges(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.needed(t)
			d := e.found(t, ecologytest.Schema{Generation: oasink.E9})
			s := d.sink(t, &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn})
			store := &attendancetest.Store{}
			record := func(run string, began time.Time, punches ...attendance.Punch) {
				b := batch(punches...)
				b.Run, b.ReadAt = run, began
				w, err := s.Write(t.Context(), b)
				require.NoError(t, err)
				r := attendance.RunRecord{ID: run, Kind: attendance.KindRun, Target: "oa", Attempts: 1, Report: attendance.Report{Job: "hq", Started: began}}
				require.NoError(t, store.BeginRun(t.Context(), r))
				require.NoError(t, store.AddSlice(t.Context(), run, attendance.SliceRecord{Attempt: 1, At: began, Report: attendance.SliceReport{Slice: attendance.Slice{Members: b.Members, Span: b.Span}, Days: w.Days}}))
				r.Result, r.Report.Ended = attendance.ResultOK, began.Add(time.Minute)
				require.NoError(t, store.EndRun(t.Context(), r))
			}
			first, second, third, visit := punch(101, at(2, 8, 0, 0), attendance.In), punch(101, at(2, 18, 0, 0), attendance.Out), punch(102, at(2, 8, 0, 0), attendance.In), field(102, at(4, 9, 0, 0))
			first.ID, second.ID, third.ID, visit.ID = "1", "2", "3", "4"
			record("one", at(9, 1, 0, 0), first, second, third, visit)
			require.Equal(t, []string{"add HrmScheduleSign 101 in 02 08:00", "add HrmScheduleSign 101 out 02 18:00", "add HrmScheduleSign 102 in 02 08:00", "add mobile_sign 102 undirected 04 09:00"},
				changesOf(t, s, "one"))
			first.Time = at(3, 8, 0, 0)
			added := punch(103, at(5, 8, 0, 0), attendance.In)
			record("two", at(10, 1, 0, 0), first, third, visit, added)
			require.Equal(t, []string{"add HrmScheduleSign 103 in 05 08:00", "move HrmScheduleSign 101 in 03 08:00 was 02 08:00", "remove HrmScheduleSign 101 out 02 18:00"}, changesOf(t, s, "two"))
			require.Empty(t, changesOf(t, s, "none"))
			require.Empty(t, changesOf(t, d.sink(t, nil), "two"), "without a ledger nothing is known")

			c, err := attendance.ChangedSince(t.Context(), store, attendance.ChangedOptions{Since: at(9, 12, 0, 0), Target: "oa", Sink: s, Zone: beijing()})
			require.NoError(t, err)
			got := []string{}
			for _, day := range c.Days {
				require.True(t, day.Counted)
				got = append(got, fmt.Sprint(day.Person, " ", day.Day, " ", day.Added, day.Corrected, day.Removed))
			}
			require.Equal(t, []string{"101 2026-03-02 0 1 1", "101 2026-03-03 0 1 0", "103 2026-03-05 1 0 0"}, got)
		})
	}
}

// A run of many rows is read page by page.
func TestRunChangesOfALargeRun(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.needed(t)
			s := e.found(t, ecologytest.Schema{Generation: oasink.E8}).sink(t, &oasink.LedgerOptions{})
			var punches []attendance.Punch
			for i := range 1300 {
				punches = append(punches, punch(101+i%10, at(2, 0, 0, 0).Add(time.Duration(i)*time.Minute), attendance.In))
				punches[i].ID = itoa(i)
			}
			for i, run := range []string{"one", "two"} {
				b := batch(punches...)
				b.Run, b.ReadAt = run, b.ReadAt.Add(time.Duration(i)*time.Minute)
				_, err := s.Write(t.Context(), b)
				require.NoError(t, err)
				require.Len(t, changesOf(t, s, run), 1300)
				for i := range punches {
					punches[i].Time = punches[i].Time.AddDate(0, 0, 1)
				}
			}
		})
	}
}
