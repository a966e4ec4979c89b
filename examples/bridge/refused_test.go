package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// onEach runs a test on a site whose OA is in SQLite, MariaDB and PostgreSQL. words are
// those that differ.
func onEach(t *testing.T, words map[string][]string, test func(t *testing.T, s *site, words []string)) {
	t.Helper()
	t.Parallel()
	for _, driver := range []string{"sqlite", "mysql", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			if driver == "sqlite" {
				test(t, newSite(t, "e9"), words[driver])
				return
			}
			s, oa := onServer(t, driver)
			s.db = oa.DB().DB
			test(t, s, words[driver])
		})
	}
}

// A unique index of the site's own refuses one person's punch: the others are
// written, the row is named with the table's reason, explained without a promise, and
// neither the mark nor the number of calls suffers from it.
func TestARowThatTheTableRefuses(t *testing.T) {
	onEach(t, map[string][]string{
		"sqlite":   {"UNIQUE constraint failed: HrmScheduleSign.userId", "DROP INDEX site_once"},
		"mysql":    {"Duplicate entry '17-2026-03-04-08:51:00' for key 'site_once'", "DROP INDEX site_once ON HrmScheduleSign"},
		"postgres": {"duplicate key value violates unique constraint \\\"site_once\\\"", "DROP INDEX site_once"},
	}, testARowThatTheTableRefuses)
}

func testARowThatTheTableRefuses(t *testing.T, s *site, words []string) {
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
		require.Contains(t, r.stdout, words[0])
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
	require.Contains(t, r.stdout, words[0])
	require.NotContains(t, r.stdout, "下次运行会自动补上")
	last := s.bridge("run", "daily")
	s.requireInHistory(last)
	r = s.bridge("history", "daily", "-run", *last.document.Run)
	require.Contains(t, r.stdout, "row_refused")
	require.Contains(t, r.stdout, words[0])

	s.exec(words[1])
	r = s.bridge("backfill", "daily", "-from", "2026-03-04", "-to", "2026-03-04")
	require.Equal(t, exitDone, r.code, r.stdout)
	require.Equal(t, [2]int{1, 2}, [2]int{r.document.Written, r.document.Present})
}

// A trigger that drops the seconds: refused with both values, and nothing is ever
// written twice.
func TestARowThatTheTableChanges(t *testing.T) {
	onEach(t, map[string][]string{
		"sqlite": {`CREATE TRIGGER cut AFTER INSERT ON HrmScheduleSign WHEN NEW.userId = 17 BEGIN UPDATE HrmScheduleSign SET signTime = substr(signTime, 1, 5) WHERE id = NEW.id; END`},
		"mysql":  {`CREATE TRIGGER cut BEFORE INSERT ON HrmScheduleSign FOR EACH ROW IF NEW.userId = 17 THEN SET NEW.signTime = LEFT(NEW.signTime, 5); END IF`},
		"postgres": {`CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.userId = 17 THEN NEW.signTime := left(NEW.signTime, 5); END IF; RETURN NEW; END $$`,
			`CREATE TRIGGER cut BEFORE INSERT ON HrmScheduleSign FOR EACH ROW EXECUTE FUNCTION cut()`},
	}, func(t *testing.T, s *site, words []string) {
		for _, statement := range words {
			s.exec(statement)
		}
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
	})
}

// However many rows are refused, and whatever each refusal costs: every one is named, and
// the others are written.
func TestMostRowsAreRefused(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"ABORT", "ROLLBACK"} {
		s := newSite(t, "e9")
		s.exec(`CREATE TRIGGER closed BEFORE INSERT ON HrmScheduleSign WHEN NEW.userId < 21 BEGIN SELECT RAISE(` + action + `, 'closed'); END`)
		s.daily(1, 9, 17, 18, 19, 20, 21)
		for run := range 2 {
			r := s.bridge("backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-08")
			require.Equal(t, exitPartial, r.code, r.stdout)
			d := r.document
			require.Equal(t, d.Read, d.Written+d.Present+d.Skipped["row_refused"], r.stdout)
			require.Equal(t, d.Read/5, d.Written+d.Present)
			require.Len(t, d.Failed, d.Read/5*4)
			for _, f := range d.Failed {
				require.Equal(t, "row_refused", f.Code)
				require.Contains(t, f.Message, "closed")
			}
			require.Equal(t, run == 0, d.Written > 0)
			s.requireInHistory(r)
		}
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
