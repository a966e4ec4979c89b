package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// newLedgerSite is a site with a ledger and withdrawn: delete.
func newLedgerSite(t testing.TB, generation string) *site {
	s := newSite(t, generation)
	s.oa = append(s.oa, "ledger: true")
	s.job = append(s.job, "withdrawn: delete")
	return s
}

type undone struct {
	Run               string
	Removed, Restored int
	Kept              []struct {
		Table        string
		Employee     string `json:"employee_id"`
		Time, Reason string
	}
	Error *struct{ Code, Message, Mend string }
}

func (s *site) undo(run string) (int, undone) {
	s.t.Helper()
	r := s.bridge("undo", run)
	var u undone
	require.NoError(s.t, json.Unmarshal([]byte(r.stdout), &u))
	return r.code, u
}

func TestLedgerFollowsThePlatform(t *testing.T) {
	t.Parallel()
	s := newLedgerSite(t, "e9")
	s.ordinary()
	moved := dingtalktest.Punch{UserID: account(17), Time: at(t, "02 08:30:00"), CheckType: "OnDuty"}
	ids := s.ding.AddPunch(moved, dingtalktest.Punch{UserID: account(17), Time: at(t, "02 18:30:17"), CheckType: "OffDuty"})
	first := s.backfill()
	require.Equal(t, 0, first.code, first.stdout)
	const rows = ordinaryRows + 2
	require.Len(t, s.rows(signRows), rows)
	s.exec(`DELETE FROM kq_format_pool`)

	// One is corrected by a day, one withdrawn, one added; a binding is mended.
	moved.ID, moved.Time = ids[0], at(t, "07 08:30:00")
	s.ding.SetPunch(moved)
	require.True(t, s.ding.RemovePunch(ids[1]))
	s.punch(18, "07 09:00:00", "OnDuty")
	s.exec(`UPDATE HrmResource SET workcode = CASE id WHEN 20 THEN 'W21' WHEN 21 THEN 'W20' ELSE workcode END`)
	second := s.backfill()
	require.Equal(t, 0, second.code, second.stdout)
	require.Equal(t, [4]int{22, 30, 1, 0}, [4]int{second.document.Written, second.document.Present, second.document.Removed, second.document.Superseded})
	require.Len(t, s.rows(signRows), rows)
	require.Len(t, s.rows(`SELECT 1 FROM HrmScheduleSign WHERE userId = 17 AND signDate = '2026-03-07' AND signTime = '08:30:00'`), 1)
	require.Len(t, s.rows(`SELECT 1 FROM HrmScheduleSign WHERE userId = 20 AND signTime LIKE '08:51:%'`), 5)
	require.NotEmpty(t, s.rows(`SELECT 1 FROM kq_format_pool WHERE resourceid = 17 AND kqdate = '2026-03-02'`))
	require.NotEmpty(t, s.rows(`SELECT 1 FROM kq_format_pool WHERE resourceid = 17 AND kqdate = '2026-03-07'`))

	code, u := s.undo(*second.document.Run)
	require.Equal(t, 1, code, "what the run removed is not written again")
	require.Equal(t, [2]int{1, 21}, [2]int{u.Removed, u.Restored})
	require.Len(t, u.Kept, 1)
	require.Equal(t, [4]string{"HrmScheduleSign", "17", "2026-03-02T18:30:17+08:00", "removed_by_run"},
		[4]string{u.Kept[0].Table, u.Kept[0].Employee, u.Kept[0].Time, u.Kept[0].Reason})
	code, u = s.undo(*first.document.Run)
	require.Equal(t, 0, code)
	require.Equal(t, rows-1, u.Removed)
	require.Empty(t, s.rows(signRows))
	code, u = s.undo(*first.document.Run)
	require.Equal(t, 1, code)
	require.Contains(t, u.Error.Message, "knows of nothing")
}

func TestLedgerKeepsByDefault(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.oa = append(s.oa, "ledger: true")
	s.ordinary()
	var ids []int64
	for minute := range 11 {
		ids = append(ids, s.ding.AddPunch(dingtalktest.Punch{UserID: account(17), Time: at(t, "06 12:00:00").Add(time.Duration(minute) * time.Minute), CheckType: "OnDuty"})...)
	}
	s.backfill()
	require.True(t, s.ding.RemovePunch(ids[0]))
	r := s.backfill()
	require.Equal(t, [2]int{1, 0}, [2]int{r.document.Superseded, r.document.Removed})
	require.Len(t, s.rows(signRows), ordinaryRows+11)
	// A loss of the platform's data is not followed.
	s.job = append(s.job, "withdrawn: delete")
	for _, id := range ids[1:] {
		s.ding.RemovePunch(id)
	}
	r = s.backfill()
	require.Equal(t, 0, r.code)
	require.NotEmpty(t, r.document.warning("withdrawals_suspicious"))
	require.Equal(t, [2]int{11, 0}, [2]int{r.document.Superseded, r.document.Removed})
	require.Len(t, s.rows(signRows), ordinaryRows+11)
}

// Two runs by one and the same clock see an absence twice; one does not.
func TestLedgerOfWecom(t *testing.T) {
	t.Parallel()
	s := newWecomSite(t, wecomtest.Options{})
	s.oa = append(s.oa, "ledger: true")
	s.job = append(s.job, "withdrawn: delete")
	s.punch(17, "02 08:00:00", "上班打卡")
	s.punch(18, "02 08:00:00", "上班打卡")
	require.Equal(t, 2, s.backfill().document.Written)
	s.wx.RemoveRecord(func(r wecomtest.Record) bool { return r.UserID == "w17" })
	require.Zero(t, s.backfill().document.Removed)
	require.Equal(t, 1, s.backfill().document.Removed)
	require.Equal(t, []string{"18|1|2026-03-02|08:00:00"}, s.rows(signRows))
	require.Equal(t, []string{"wecom|" + wecomtest.DefaultCorpID}, s.rows(`SELECT source, corp FROM punchbridge_origins`))
}

func TestLedgerUsage(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	r := s.bridge("undo", "some-run")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.document.Error.Message, "oa.ledger")
	for _, args := range [][]string{{"undo"}, {"undo", "a", "b"}, {"undo", "-x"}} {
		require.Equal(t, 2, s.bridge(args...).code)
	}
	s.oa = append(s.oa, "ledger: true")
	r = s.bridge("check")
	require.Equal(t, 0, r.code, r.stdout)
	require.Contains(t, r.stdout, "ledger")
	require.Empty(t, s.rows(`SELECT name FROM sqlite_master WHERE name LIKE 'punchbridge%'`), "check changes nothing")
	require.Equal(t, 1, s.bridge("undo", "some-run").code)
}
