package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// A unique index of the site's own refuses one person's punch: the others are
// written, the row is named with the table's reason, explained without a promise, and
// neither the mark nor the number of calls suffers from it.
func TestARowThatTheTableRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.exec(`CREATE UNIQUE INDEX site_once ON HrmScheduleSign (userId, signDate, signTime)`)
	s.exec(`INSERT INTO HrmScheduleSign (userId, userType, signType, signDate, signTime, isInCom) VALUES (17, '2', '1', '2026-03-04', '08:51:00', '1')`)
	s.punch(17, "04 08:51:00", "OnDuty")
	s.punch(18, "04 08:52:00", "OnDuty")
	s.punch(19, "04 08:53:00", "OnDuty")
	s.now = at(t, "04 20:00:00")
	calls := 0
	for run := range 3 {
		r := s.bridge("run", "daily")
		require.Equal(t, exitPartial, r.code, r.stdout)
		d := r.document
		require.Equal(t, [2]int{3, 1}, [2]int{d.Read, d.Skipped["row_refused"]}, r.stdout)
		require.Equal(t, d.Read, d.Written+d.Present+d.PresentFromOther+d.Skipped["row_refused"])
		require.Len(t, d.Failed, 1)
		require.Equal(t, []string{"17"}, d.Failed[0].Employees)
		require.Equal(t, "row_refused", d.Failed[0].Code)
		require.Equal(t, "2026-03-04T08:51:00+08:00", d.Failed[0].From)
		require.Contains(t, d.Failed[0].Message, "UNIQUE constraint failed: HrmScheduleSign.userId")
		require.Equal(t, []string{"18", "19"}, rows(t, s.db, "SELECT userId FROM HrmScheduleSign WHERE signFrom = 'from_dd' ORDER BY userId"))
		if run > 0 {
			require.Equal(t, calls, d.Calls)
		}
		calls = d.Calls
		s.now = s.now.AddDate(0, 0, 1)
	}
	r := s.bridge("jobs")
	require.Contains(t, r.stdout, `"read_up_to": "2026-03-06T20:00:00+08:00"`, r.stdout)

	r = s.bridge("explain", "daily", "-employee", "17", "-day", "2026-03-04")
	require.Contains(t, r.stdout, `"code": "not_written"`)
	require.Contains(t, r.stdout, "UNIQUE constraint failed")
	require.NotContains(t, r.stdout, "下次运行会自动补上")
	r = s.bridge("history", "daily", "-run", *s.bridge("run", "daily").document.Run)
	require.Contains(t, r.stdout, "row_refused")
	require.Contains(t, r.stdout, "UNIQUE constraint failed")

	s.exec(`DROP INDEX site_once`)
	r = s.bridge("backfill", "daily", "-from", "2026-03-04", "-to", "2026-03-04")
	require.Equal(t, exitDone, r.code, r.stdout)
	require.Equal(t, [2]int{1, 2}, [2]int{r.document.Written, r.document.Present})
}

// A trigger that drops the seconds: refused with both values, and nothing is ever
// written twice.
func TestARowThatTheTableChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.exec(`CREATE TRIGGER cut AFTER INSERT ON HrmScheduleSign WHEN NEW.userId = 17 BEGIN UPDATE HrmScheduleSign SET signTime = substr(signTime, 1, 5) WHERE id = NEW.id; END`)
	s.ordinary()
	for range 3 {
		r := s.bridge("run", "daily")
		require.Equal(t, exitPartial, r.code, r.stdout)
		require.Equal(t, 8, r.document.Skipped["row_changed"])
		require.Len(t, r.document.Failed, 8)
		require.Contains(t, r.document.Failed[0].Message, "sent 17 2026-03-03 08:57:17 type 1 from_dd, found 17 2026-03-03 08:57 1 from_dd")
		require.Equal(t, []string{"32"}, rows(t, s.db, "SELECT COUNT(*) FROM HrmScheduleSign"))
		require.Empty(t, rows(t, s.db, "SELECT * FROM kq_format_pool WHERE resourceid = 17"))
		s.now = s.now.Add(time.Hour)
	}
}

// notify tells of a refused row once, by what is remembered or, without a state, by
// what the process has seen; of other trouble as ever.
func TestARefusedRowIsToldOnce(t *testing.T) {
	t.Parallel()
	row := attendance.UnwrittenRow{Person: "17", Table: "HrmScheduleSign", Time: noon(), Reason: attendance.RowRefused}
	known := row
	known.Known = true
	remembering, forgetful := &server{store: attendance.Store(nil)}, &server{}
	j := &jobConfig{}
	require.True(t, forgetful.unheardOf(j, []attendance.UnwrittenRow{row}))
	require.False(t, forgetful.unheardOf(j, []attendance.UnwrittenRow{row}))
	require.False(t, remembering.unheardOf(&jobConfig{}, []attendance.UnwrittenRow{known}))

	rowsOnly := attendance.Report{Unwritten: []attendance.UnwrittenRow{row}}
	require.True(t, onlyRows(rowsOnly, attendance.CodeRowRefused))
	require.False(t, onlyRows(rowsOnly, attendance.CodeStoreDown))
	rowsOnly.Failed = []attendance.Failure{{}}
	require.False(t, onlyRows(rowsOnly, attendance.CodeRowRefused))
}
