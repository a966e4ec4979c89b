package attendance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

func TestCheckOwed(t *testing.T) {
	t.Parallel()
	days := []attendance.PersonDay{{Person: "17", Day: date(3, 2)}, {Person: "18", Day: date(3, 4)}}
	said := func(reason string) []attendance.Warning {
		return []attendance.Warning{attendance.NotRecalculated(days, errors.New(reason))}
	}
	type run struct {
		hour     int
		result   attendance.Result
		warnings []attendance.Warning
	}
	for name, c := range map[string]struct {
		days []attendance.PersonDay
		runs []run
		want attendance.Finding
	}{
		"nothing is owed": {nil, []run{{1, attendance.ResultPartial, said("closed")}}, attendance.Finding{}},
		"no run has said so": {days, []run{{1, attendance.ResultOK, nil}, {2, "", nil}}, attendance.Finding{Level: attendance.LevelOK,
			Message: attendance.Text{EN: "2 person-days (2026-03-02 to 2026-03-04) are yet to be computed anew; the next run has it done"}}},
		"the last runs have": {days, []run{{1, attendance.ResultPartial, said("older")}, {2, attendance.ResultOK, nil}, {3, attendance.ResultPartial, said("a")}, {4, attendance.ResultStopped, nil}, {5, attendance.ResultPartial, said("no (b), says it")}},
			attendance.Finding{Level: attendance.LevelWarning,
				Message: attendance.Text{EN: "2 person-days (2026-03-02 to 2026-03-04) are not computed anew since the run of 2026-03-07T03:00:00+08:00, so that reports do not show them: no (b), says it"}}},
	} {
		store := &attendancetest.Store{}
		require.NoError(t, store.OweDays(t.Context(), "oa", c.days))
		for i, r := range c.runs {
			require.NoError(t, store.EndRun(t.Context(), attendance.RunRecord{ID: string(rune('a' + i)), Target: "oa", Attempts: 1, Result: r.result,
				Report: attendance.Report{Started: march(7, r.hour, 0), Warnings: r.warnings}}))
		}
		got := attendance.CheckOwed(t.Context(), store, store, "oa", shanghai())
		if c.want.Level == "" {
			require.Empty(t, got, name)
			continue
		}
		require.Len(t, got, 1, name)
		require.Equal(t, [3]string{"not_recalculated", string(c.want.Level), c.want.Message.EN}, [3]string{got[0].Code, string(got[0].Level), got[0].Message.EN}, name)
		require.Contains(t, got[0].Message.ZH, "2 个人日（2026-03-02 至 2026-03-04）", name)
		require.Equal(t, c.want.Level == attendance.LevelWarning, got[0].Mend.ZH != "", name)
		require.Empty(t, attendance.CheckOwed(t.Context(), store, store, "another", shanghai()))
	}
	got := attendance.CheckOwed(t.Context(), brokenDays{}, nil, "oa", shanghai())
	require.Equal(t, [2]string{"store_unavailable", "error"}, [2]string{got[0].Code, string(got[0].Level)})
}

type brokenDays struct{ attendance.DayStore }

func (brokenDays) OwedDays(context.Context, string, int) ([]attendance.PersonDay, error) {
	return nil, &attendance.Error{Code: attendance.CodeStoreDown}
}
