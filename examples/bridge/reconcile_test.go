package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// reconciled calls reconcile with -json.
func (s *site) reconciled(code int, more ...string) (d reconcileDocument) {
	s.t.Helper()
	r := s.bridge(append([]string{"reconcile", "daily", "-from", "2026-03-01", "-to", "2026-03-08"}, more...)...)
	require.Equal(s.t, code, r.code, r.stdout+r.stderr)
	require.NoError(s.t, json.Unmarshal([]byte(r.stdout), &d))
	return d
}

// plain calls the program without -json.
func (s *site) plain(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	return call(s.t.(*testing.T), append([]string{"-now", s.now.Format(time.RFC3339), "-config", s.write()}, args...)...)
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.ordinary()
	before := s.everything()
	d := s.reconciled(1)
	require.Equal(t, before, s.everything(), "it changes nothing")
	require.Len(t, d.OnlyProvider, ordinaryRows)
	require.Len(t, d.People, 5)
	require.Equal(t, []string{"分部", "平台", "研发", "销售"}, []string{d.Departments[0].Department, d.Departments[1].Department, d.Departments[2].Department, d.Departments[3].Department})
	require.Positive(t, d.Calls)

	require.Equal(t, 0, s.backfill().code)
	d = s.reconciled(0)
	require.Equal(t, attendance.DifferenceCounts{}, d.Counts)
	require.Equal(t, ordinaryRows, d.Read)

	s.exec(`DELETE FROM HrmScheduleSign WHERE userId = 17 AND signDate = '2026-03-02' AND signType = '1'`)
	s.exec(`UPDATE HrmScheduleSign SET signType = '1' WHERE userId = 18 AND signDate = '2026-03-03' AND signType = '2'`)
	s.exec(`INSERT INTO HrmScheduleSign (userId, userType, signType, signDate, signTime, isInCom, signFrom) VALUES
		(19, '1', '1', '2026-03-04', '12:00:00', '1', 'from_dd'), (20, '1', '2', '2026-03-05', '18:00:20', '1', '=EMSyn'), (20, '1', '2', '2026-03-05', '19:00:20', '1', 'e9pc')`)
	before = s.everything()
	d = s.reconciled(1)
	require.Equal(t, before, s.everything())
	require.Equal(t, []difference{{Employee: "17", Time: "2026-03-02T08:57:17+08:00", Type: "1", Name: "张三", Department: "研发", Table: "HrmScheduleSign", Rows: []oaLine{}}}, d.OnlyProvider)
	require.Len(t, d.OnlyOA, 1)
	require.Equal(t, []any{"19", "2026-03-04T12:00:00+08:00", "1", true}, []any{d.OnlyOA[0].Employee, d.OnlyOA[0].Time, d.OnlyOA[0].Type, d.OnlyOA[0].Rows[0].Ours})
	require.Len(t, d.Different, 1)
	require.Equal(t, []string{"18", "2026-03-03T18:08:18+08:00", "2", "direction"}, []string{d.Different[0].Employee, d.Different[0].Time, d.Different[0].Type, d.Different[0].Reason})
	require.Len(t, d.Doubled, 1)
	require.Equal(t, "20", d.Doubled[0].Employee)
	require.Len(t, d.Doubled[0].Rows, 2)
	require.Equal(t, attendance.DifferenceCounts{OnlyProvider: 1, OnlyTarget: 1, Different: 1, Doubled: 1}, d.Counts)

	code, text, _ := s.plain("reconcile", "daily", "-from", "2026-03-01", "-to", "2026-03-08")
	require.Equal(t, 1, code)
	require.Contains(t, text, "仅平台有 only at the provider 1, 仅 OA 有 only in the OA 1, 不一致 different 1, 重复 doubled 1")
	require.Contains(t, text, "17 张三  2026-03-02T08:57:17+08:00  签到 in")
	code, table, _ := s.plain("reconcile", "daily", "-from", "2026-03-01", "-to", "2026-03-08", "-csv")
	require.Equal(t, 1, code)
	require.Len(t, strings.Split(strings.TrimSpace(table), "\n"), 5)
	require.Contains(t, table, "difference,employee_id,name,department,table,time,type,reason,was,sign_from\n")
	require.Contains(t, table, "only_provider,17,张三,研发,HrmScheduleSign,2026-03-02T08:57:17+08:00,1,,,\n")
	require.Regexp(t, "doubled,20,赵六,销售,HrmScheduleSign,2026-03-05T18:00:20\\+08:00,2,,,(from_dd =EMSyn|'=EMSyn from_dd)\n", table)
}

func TestReconcileWithALedger(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.oa = append(s.oa, "ledger: true")
	s.ordinary()
	require.Equal(t, 0, s.backfill().code)
	require.Equal(t, 0, s.reconciled(0).Counts.Sum())
	s.exec(`UPDATE HrmScheduleSign SET signTime = '12:00:00' WHERE userId = 17 AND signDate = '2026-03-02' AND signType = '1'`)
	d := s.reconciled(1)
	require.Len(t, d.Different, 1)
	require.Equal(t, []string{"2026-03-02T08:57:17+08:00", "2026-03-02T12:00:00+08:00", "time"}, []string{d.Different[0].Time, d.Different[0].Was, d.Different[0].Reason})
	require.Equal(t, 1, d.Counts.Sum())
}

func TestReconcileUsage(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	for _, args := range [][]string{{"reconcile"}, {"reconcile", "daily"}, {"reconcile", "daily", "-from", "2026-03-01"}, {"reconcile", "nightly", "-from", "2026-03-01", "-to", "2026-03-02"},
		{"-json", "reconcile", "daily", "-from", "2026-03-01", "-to", "2026-03-02", "-csv"}, {"reconcile", "daily", "-from", "2020-03-01", "-to", "2020-03-02"}} {
		code, _, stderr := s.plain(args...)
		require.Equal(t, 2, code, "%v: %s", args, stderr)
	}
	r := s.bridge("reconcile", "daily", "-from", "2026-03-01", "-to", "2026-03-02")
	require.Equal(t, 0, r.code, r.stdout)
	s.exec(`DROP TABLE HrmResource`)
	r = s.bridge("reconcile", "daily", "-from", "2026-03-01", "-to", "2026-03-02")
	require.Equal(t, 1, r.code, r.stdout)
	require.Equal(t, "table_missing", r.document.Error.Code)
}
