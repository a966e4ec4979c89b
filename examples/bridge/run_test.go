package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// TestRows has every row of the contract's table "what the OA tables must hold".
func TestRows(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.provider = set(s.provider, "field_check_ins: true")
	located := func(p *dingtalktest.Punch) {
		p.Located, p.Longitude, p.Latitude, p.Address = true, 120.01, 30.28, "总部大楼"
	}
	outside := func(p *dingtalktest.Punch) {
		located(p)
		p.LocationResult, p.Remark, p.CoordinatesAsText = "Outside", "拜访客户", true
	}
	s.punch(17, "02 08:55:10", "OnDuty", located)
	s.punch(17, "02 18:05:20", "OffDuty")
	s.punch(17, "02 10:00:00", "OnDuty", outside)
	s.punch(18, "02 09:10:00", "OnDuty", func(p *dingtalktest.Punch) { p.TimeResult = "Late" })
	s.punch(18, "02 12:00:00", "", func(p *dingtalktest.Punch) { p.InvalidType, p.InvalidMsg = "Other", "需要二次确认" })
	s.punch(18, "02 12:30:00", "")
	s.punch(18, "02 18:00:00", "OffDuty", func(p *dingtalktest.Punch) { p.TimeResult, p.LocationResult = "NotSigned", "NotSigned" })
	// After midnight, of the work day before: the row has its own date.
	s.punch(19, "03 01:12:40", "OffDuty", func(p *dingtalktest.Punch) { p.WorkDate = at(t, "02 00:00:00") })
	// Two in one second: the same direction is one row, two directions are two.
	s.punch(20, "02 08:00:00", "OnDuty")
	s.punch(20, "02 08:00:00", "OnDuty", func(p *dingtalktest.Punch) { p.Time = p.Time.Add(400 * time.Millisecond) })
	s.punch(20, "02 08:00:00", "OffDuty")
	s.punch(21, "02 08:30:00", "Lunch", func(p *dingtalktest.Punch) { p.SourceType = "SHIFT_MAGIC" })
	s.ding.AddCheckIn(dingtalktest.CheckIn{UserID: account(17), Time: at(t, "02 15:00:00"), Place: "客户", DetailPlace: "客户路1号", Remark: "签到", Longitude: 121.5, Latitude: 31.2})

	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	d := r.document
	require.Equal(t, "daily", d.Job)
	require.NotNil(t, d.Run)
	require.Equal(t, "2026-03-01T00:00:00+08:00", d.From)
	require.Equal(t, "2026-03-09T00:00:00+08:00", d.To)
	require.Equal(t, map[string]int{"invalid": 1, "undirected": 1, "missing_punch": 1, "same_second": 1, "unknown_type": 1}, d.Skipped)
	require.Equal(t, 8, d.Written)
	require.Equal(t, d.Written+d.Present+d.PresentFromOther+5, d.Read)
	require.Empty(t, d.LeftOut)
	require.Empty(t, d.Failed)
	require.Nil(t, d.Error)

	require.Equal(t, []string{
		"20|1|2026-03-02|08:00:00", "20|2|2026-03-02|08:00:00",
		"17|1|2026-03-02|08:55:10", "18|1|2026-03-02|09:10:00", "17|2|2026-03-02|18:05:20", "19|2|2026-03-03|01:12:40",
	}, s.rows(signRows))
	require.Equal(t, []string{"1|1|from_dd|120.01|30.28|总部大楼"}, s.rows(`SELECT userType, isInCom, signFrom, LONGITUDE, LATITUDE, ADDR FROM HrmScheduleSign WHERE signTime = '08:55:10'`))
	require.Equal(t, []string{"1|1|from_dd"}, s.rows(`SELECT DISTINCT userType, isInCom, signFrom FROM HrmScheduleSign`))
	field := s.rows(mobileRows)
	require.Len(t, field, 2)
	require.Equal(t, "17|mobile_sign|2026-03-02|10:00:00|120.01|30.28|总部大楼|拜访客户", field[0])
	require.True(t, strings.HasPrefix(field[1], "17|mobile_sign|2026-03-02|15:00:00|121.5|31.2|"), field[1])
	require.Contains(t, field[1], "客户路1号")

	// Again: nothing new, and the rows of the same punches are counted once.
	r = s.backfill()
	require.Equal(t, 0, r.code)
	require.Zero(t, r.document.Written)
	require.Equal(t, 8, r.document.Present)
	require.Equal(t, d.Skipped, r.document.Skipped)
	require.Len(t, s.rows(signRows), 6)
	require.Len(t, s.rows(mobileRows), 2)
}

// Outside punches stand where the job says, and count once.
func TestOutside(t *testing.T) {
	t.Parallel()
	for choice, want := range map[string][2]int{"mobile_sign": {0, 1}, "sign": {1, 0}, "both": {1, 1}} {
		s := newSite(t, "e8")
		s.job = append(s.job, "outside: "+choice)
		s.punch(17, "02 10:00:00", "OnDuty", func(p *dingtalktest.Punch) {
			p.LocationResult, p.Located, p.Longitude, p.Latitude, p.Address = "Outside", true, 120.01, 30.28, "客户"
		})
		for _, written := range []int{1, 0} {
			r := s.backfill()
			require.Equal(t, 0, r.code, r.stdout+r.stderr)
			require.Equal(t, written, r.document.Written)
			require.Equal(t, 1, r.document.Read)
			require.Equal(t, 1-written, r.document.Present)
		}
		require.Len(t, s.rows(signRows), want[0])
		require.Len(t, s.rows(mobileRows), want[1])
		coordinates := s.rows(`SELECT LONGITUDE, ADDR FROM HrmScheduleSign`)
		switch choice {
		case "sign":
			require.Equal(t, []string{"120.01|客户"}, coordinates)
		case "both":
			require.Equal(t, []string{"NULL|客户"}, coordinates)
		}
	}
}

func TestRunWindow(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	for _, clock := range []string{"02 23:59:59", "03 00:00:00", "08 12:00:00", "09 00:00:00", "09 11:59:59", "09 12:00:01"} {
		s.punch(17, clock, "OnDuty")
	}
	r := s.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stderr)
	require.Equal(t, 4, r.document.Written, "from today 00:00 minus 6 days up to now")
	require.Equal(t, "2026-03-03T00:00:00+08:00", r.document.From)
	require.Equal(t, "2026-03-09T12:00:00+08:00", r.document.To)

	s = newSite(t, "e8")
	s.job = set(s.job, "look_back_days: 0")
	for _, clock := range []string{"08 23:59:59", "09 00:00:00", "09 11:59:59", "09 12:00:01"} {
		s.punch(17, clock, "OnDuty")
	}
	r = s.bridge("run", "daily")
	require.Equal(t, 2, r.document.Written, "exactly the old automatic sync")
	require.Equal(t, []string{"17|1|2026-03-09|00:00:00", "17|1|2026-03-09|11:59:59"}, s.rows(signRows))

	// Another zone moves the days and the wall clock.
	s.job = set(set(s.job, "time_zone: Europe/Paris"), "sign_from: paris")
	r = s.bridge("run", "daily")
	require.Equal(t, "2026-03-09T00:00:00+01:00", r.document.From)
	require.Equal(t, "2026-03-09T05:00:00+01:00", r.document.To)
	require.Equal(t, []string{"2026-03-09|04:59:59"}, s.rows(`SELECT signDate, signTime FROM HrmScheduleSign WHERE signFrom = 'paris'`))
}

func TestBackfillWindow(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	for _, clock := range []string{"01 23:59:59", "02 00:00:00", "04 23:59:59", "05 00:00:00"} {
		s.punch(17, clock, "OnDuty")
	}
	r := s.bridge("backfill", "-from", "2026-03-02", "daily", "-to", "2026-03-04")
	require.Equal(t, 0, r.code, r.stderr)
	require.Equal(t, []string{"17|1|2026-03-02|00:00:00", "17|1|2026-03-04|23:59:59"}, s.rows(signRows))
	r = s.bridge("backfill", "daily", "-from", "2026-03-02", "-to", "2026-05-30")
	require.Equal(t, 0, r.code, "future days are just empty: %s", r.stderr)
	require.Equal(t, 1, r.document.Written)

	// Behind the horizon nothing is touched, not even the database looked for.
	require.NoError(t, os.Rename(filepath.Join(s.dir, "oa.db"), filepath.Join(s.dir, "away.db")))
	s.ding.ResetCounters()
	r = s.bridge("backfill", "daily", "-from", "2025-09-10", "-to", "2026-03-08")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "2025-09-11")
	require.Zero(t, s.ding.Requests(""))
	require.NoFileExists(t, filepath.Join(s.dir, "oa.db"))
	require.NoError(t, os.Rename(filepath.Join(s.dir, "away.db"), filepath.Join(s.dir, "oa.db")))
	r = s.bridge("backfill", "daily", "-from", "2025-09-11", "-to", "2026-03-08")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)

	// A run is cut instead.
	s.job = set(s.job, "look_back_days: 300")
	r = s.bridge("run", "daily")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.document.warning("beyond_horizon"), "2025-09-11")
	require.Equal(t, "2025-09-11T00:00:00+08:00", r.document.From)
}

func TestDisabledJobRunsWithAWarning(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.job = set(s.job, "enabled: false")
	r := s.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stderr)
	require.NotEmpty(t, r.document.warning("job_disabled"))
	require.Positive(t, r.document.Written)
}

func TestScopes(t *testing.T) {
	t.Parallel()
	people := func(s *site) []string { return s.rows(`SELECT DISTINCT userId FROM HrmScheduleSign ORDER BY userId`) }
	tests := []struct {
		name string
		job  string
		args []string
		want []string
	}{
		{"everybody", "enabled: true", nil, []string{"17", "18", "19", "20", "21"}},
		{"a department and those below", "scope: {departments: [11]}", nil, []string{"17", "18", "19"}},
		{"a department alone", "scope: {departments: [11], descend: false}", nil, []string{"17", "18"}},
		{"a sub-company", "scope: {subcompanies: [2]}", nil, []string{"21"}},
		{"the union", "scope: {subcompanies: [2], departments: [12]}", nil, []string{"20", "21"}},
		{"flags replace the job's scope", "scope: {subcompanies: [2], departments: [12]}", []string{"-departments", "11"}, []string{"17", "18", "19"}},
		{"flags are a union", "scope: {departments: [12]}", []string{"-employees", "17,20", "-subcompanies=2"}, []string{"17", "20", "21"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, "e8")
			s.ordinary()
			s.job = set(s.job, test.job)
			r := s.backfill(test.args...)
			require.Equal(t, 0, r.code, r.stderr)
			require.Equal(t, test.want, people(s))
		})
	}

	s := newSite(t, "e8")
	s.ordinary()
	s.exec(`UPDATE HrmResource SET status = 5 WHERE id = 18`)
	r := s.backfill("-employees", "17,18,999")
	require.Equal(t, 0, r.code)
	require.Equal(t, []string{"17"}, people(s))
	require.Equal(t, map[string]string{"18": "out_of_roster", "999": "out_of_roster"}, r.document.leftOut())

	// -oa puts the rows into another OA.
	s = newSite(t, "e8")
	s.ordinary()
	other := openRaw(t, filepath.Join(s.dir, "other.db"))
	createTables(t, other, "e8")
	for _, table := range []string{"HrmResource", "HrmDepartment", "HrmSubCompany"} {
		s.exec(`ATTACH DATABASE '` + filepath.Join(s.dir, "other.db") + `' AS o`)
		s.exec(`INSERT INTO o.` + table + ` SELECT * FROM main.` + table)
		s.exec(`DETACH DATABASE o`)
	}
	s.oa = []string{"- {name: hq, dsn: oa.db}", "- {name: other, dsn: other.db}"}
	s.job = set(s.job, "oa: hq")
	r = s.backfill("-oa", "other")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Empty(t, s.rows(signRows))
	require.Len(t, rows(t, other, signRows), ordinaryRows)
}

func TestBindings(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"mobile", "email", "workcode"} {
		t.Run(by, func(t *testing.T) {
			s := newSite(t, "e8")
			s.ordinary()
			s.job = set(s.job, "binding: {by: "+by+"}")
			r := s.backfill()
			require.Equal(t, 0, r.code, r.stdout+r.stderr)
			require.Equal(t, ordinaryRows, r.document.Written)
		})
	}
	for _, by := range []string{"id", "loginid", "account"} {
		t.Run(by, func(t *testing.T) {
			s := newSite(t, "e8")
			// The OA value is the account itself; one person's account is unknown to DingTalk.
			s.exec(`UPDATE HrmResource SET loginid = 'staff0' || id, account = 'staff0' || id`)
			s.exec(`UPDATE HrmResource SET loginid = 'ghost', account = 'ghost' WHERE id = 21`)
			if by == "id" {
				for id := 17; id <= 20; id++ {
					s.ding.AddUser(dingtalktest.User{ID: fmt.Sprint(id), Departments: []int64{50}})
					s.ding.AddPunch(dingtalktest.Punch{UserID: fmt.Sprint(id), Time: at(t, "02 09:00:00"), CheckType: "OnDuty"})
				}
			} else {
				for id := 17; id <= 21; id++ {
					s.punch(id, "02 09:00:00", "OnDuty")
				}
			}
			s.job = set(s.job, "binding: {by: "+by+"}")
			r := s.backfill()
			require.Equal(t, 0, r.code, r.stdout+r.stderr)
			require.Equal(t, 4, r.document.Written)
			require.Equal(t, map[string]string{"21": "unbound"}, r.document.leftOut())
			// Unread: whoever has a value is asked for.
			before := s.ding.Requests(dingtalktest.PathUsers)
			r = s.backfill("-bound-only=false")
			require.Equal(t, 0, r.code)
			require.Empty(t, r.document.LeftOut)
			require.Equal(t, before, s.ding.Requests(dingtalktest.PathUsers))
		})
	}
	t.Run("file", func(t *testing.T) {
		s := newSite(t, "e8")
		s.ordinary()
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, "b.csv"), []byte("\ufeffemployee_id,account\r\n17, staff017 \r\n18,staff018\r\n18,staff099\r\n19,staff019\r\n20,staff019\r\n"), 0o600))
		s.job = set(s.job, "binding: {by: file, file: b.csv}")
		r := s.backfill()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Equal(t, map[string]string{"18": "ambiguous", "19": "ambiguous", "20": "ambiguous", "21": "unbound"}, r.document.leftOut())
		require.Equal(t, 10, r.document.Written)
	})
	t.Run("left out", func(t *testing.T) {
		s := newSite(t, "e8")
		s.ordinary()
		s.exec(`UPDATE HrmResource SET workcode = ' W17 ' WHERE id = 17`)
		s.exec(`UPDATE HrmResource SET workcode = 'W18' WHERE id = 19`)
		s.exec(`UPDATE HrmResource SET workcode = '' WHERE id = 20`)
		s.person(22, 11, "孙八")
		s.ding.AddUser(dingtalktest.User{ID: "staff022", Name: "孙八", JobNumber: "W22", Departments: []int64{50}, Inactive: true})
		s.punch(22, "02 09:00:00", "OnDuty")
		r := s.backfill()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Equal(t, map[string]string{"18": "ambiguous", "19": "ambiguous", "20": "unbound", "22": "inactive"}, r.document.leftOut())
		require.Equal(t, 20, r.document.Written)
		for _, m := range r.document.LeftOut {
			require.NotEmpty(t, m.Name)
		}
		s.job = set(s.job, "binding: {by: workcode, inactive: include}")
		r = s.backfill()
		require.NotContains(t, r.document.leftOut(), "22")
		require.Equal(t, 1, r.document.Written)
	})
	t.Run("directory forbidden", func(t *testing.T) {
		s := newSite(t, "e8")
		s.exec(`UPDATE HrmResource SET loginid = 'staff0' || id`)
		s.job = []string{"binding: {by: loginid}"}
		s.ordinary()
		s.ding.Deny(dingtalktest.PermissionDepartments)
		s.ding.Deny(dingtalktest.PermissionMembers)
		r := s.backfill()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.NotEmpty(t, r.document.warning("directory_unreadable"))
		require.Equal(t, ordinaryRows, r.document.Written)
	})
}

func TestGenerations(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e7")
	s.ordinary()
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Len(t, s.rows(signRows), ordinaryRows)
	r = s.backfill()
	require.Equal(t, ordinaryRows, r.document.Present)

	s = newSite(t, "e9")
	s.ordinary()
	s.punch(17, "09 09:00:00", "OnDuty")
	s.punch(17, "07 12:00:00", "")
	r = s.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	pool := s.rows(`SELECT kqdate, count(*) FROM kq_format_pool WHERE resourceid = 17 AND exectime < '2026-03-09' GROUP BY kqdate ORDER BY kqdate`)
	require.Equal(t, []string{"2026-03-02|1", "2026-03-03|1", "2026-03-04|1", "2026-03-05|1", "2026-03-06|1", "2026-03-07|1", "2026-03-08|1", "2026-03-09|1"}, pool,
		"the days around the changed ones, each once, none in the future")
	require.Equal(t, []string{"2026-03-09|2026-03-10 00:30:00", "2026-03-09|2026-03-10 12:00:00"},
		s.rows(`SELECT kqdate, exectime || '' FROM kq_format_pool WHERE resourceid = 17 AND exectime > '2026-03-09' ORDER BY exectime`), "again when today is over")
	before := s.rows(`SELECT count(*) FROM kq_format_pool`)
	r = s.bridge("run", "daily")
	require.Equal(t, 0, r.code)
	require.Equal(t, before, s.rows(`SELECT count(*) FROM kq_format_pool`), "unchanged days are left alone")

	// undirected: null writes what was skipped, without a type.
	s.job = set(s.job, "undirected: null")
	r = s.bridge("run", "daily")
	require.Equal(t, 1, r.document.Written, r.stdout)
	require.Equal(t, []string{"17|NULL|2026-03-07|12:00:00"}, s.rows(`SELECT userId, signType, signDate, signTime FROM HrmScheduleSign WHERE signType IS NULL`))

	s = newSite(t, "e9")
	s.ordinary()
	s.exec(`DROP TABLE kq_format_pool`)
	r = s.backfill()
	require.Equal(t, 1, r.code, r.stdout)
	require.NotEmpty(t, r.document.warning("not_recalculated"))
	require.Equal(t, ordinaryRows, r.document.Written)

	s = newSite(t, "e9")
	s.ordinary()
	s.oa = set(s.oa, "recalculate: none")
	require.Equal(t, 0, s.backfill().code)
	require.Equal(t, []string{"0"}, s.rows(`SELECT count(*) FROM kq_format_pool`))
}

func TestOtherWritersRowsAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.exec(`INSERT INTO HrmScheduleSign (userId, userType, signType, signDate, signTime, isInCom, signFrom) VALUES
		(17,'1','1','2026-03-02','08:57:17','1','wx'), (17,'1','2','2026-03-02','18:07:17','1',NULL), (18,'1','1','2026-03-02','01:02:03','1','from_dd'), (99,'1','1','2026-03-02','08:57:17','1','from_dd')`)
	before := s.rows(`SELECT * FROM HrmScheduleSign ORDER BY id`)
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stderr)
	require.Equal(t, 2, r.document.PresentFromOther)
	require.Equal(t, 1, r.document.Superseded)
	require.Zero(t, r.document.Removed)
	require.Equal(t, ordinaryRows-2, r.document.Written)
	require.Equal(t, before, s.rows(`SELECT * FROM HrmScheduleSign ORDER BY id LIMIT 4`))
}

func TestOtherTableNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.exec(`ALTER TABLE HrmResource RENAME TO V_PUNCH_STAFF`)
	require.Equal(t, 1, s.backfill().code)
	s.oa = set(s.oa, "tables: {HrmResource: V_PUNCH_STAFF}")
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, ordinaryRows, r.document.Written)
}

func TestTextReport(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.exec(`UPDATE HrmResource SET workcode = '' WHERE id = 20`)
	cmd := s.command("run", "daily")
	cmd.Args = append(cmd.Args[:1:1], append([]string{"-config", s.write(), "-now", noon().Format(time.RFC3339)}, "run", "daily")...)
	out, err := cmd.Output()
	require.NoError(t, err)
	for _, want := range []string{"daily", "写入 written", "未绑定", "赵六", "完成 done"} {
		require.Contains(t, string(out), want)
	}
	require.False(t, json.Valid(out))
}
