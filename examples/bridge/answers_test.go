package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// What people type may break the answer that it stands in: nobody loses a punch for it,
// and a gateway on the way may add what it likes around the answer.
func TestControlCharactersCostNobodyAPunch(t *testing.T) {
	t.Parallel()
	const note = "first line\nsecond\x1b[0m line\ttab\x00end"
	s := newSite(t, "e8")
	s.ordinary()
	s.punch(17, "06 12:00:00", "OnDuty", func(p *dingtalktest.Punch) { p.LocationResult, p.Remark, p.Address = "Outside", note, "Road\n1" })
	s.ding.AddUser(dingtalktest.User{ID: "x", Name: "a\nb", JobNumber: "W99", Departments: []int64{50}})
	s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Unescaped})
	r := s.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, ordinaryRows-10+1, r.document.Written) // without the 2nd, which lies before the window
	require.Equal(t, []string{"17|Road 1|first line second [0m line tab end"}, s.rows(`SELECT operater, address, remark FROM mobile_sign`))

	w := newWecomSite(t, wecomtest.Options{})
	w.ordinary()
	w.punch(18, "06 12:00:00", "外出打卡", func(r *wecomtest.Record) { r.Notes, r.Detail = note, "Road\n1" })
	w.wx.Fail(wecomtest.Fault{Kind: wecomtest.Unescaped})
	r = w.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, ordinaryRows-10+1, r.document.Written)
	require.Equal(t, []string{"18|Road 1|first line second [0m line tab end"}, w.rows(`SELECT operater, address, remark FROM mobile_sign`))
}

func TestAGatewayOnTheWay(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Gateway})
	s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Gateway, Path: dingtalktest.PathToken, Status: 201})
	r := s.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, ordinaryRows-10, r.document.Written)

	w := newWecomSite(t, wecomtest.Options{})
	w.ordinary()
	w.wx.Fail(wecomtest.Fault{Kind: wecomtest.Gateway, Status: 206})
	w.wx.Fail(wecomtest.Fault{Kind: wecomtest.Gateway, Path: wecomtest.PathToken})
	r = w.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, ordinaryRows-10, r.document.Written)
}

// A record that makes an answer unreadable costs its person's day, and the next run that
// can read it makes up for it.
func TestAnUnreadableRecordCostsAPersonsDay(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Garbled, User: account(19)})
	s.punch(19, "02 08:59:19", "OnDuty")
	r := s.bridge("backfill", "daily", "-from", "2026-03-05", "-to", "2026-03-08")
	require.Equal(t, 1, r.code, r.stdout+r.stderr)
	require.Equal(t, 2*8, r.document.Written)
	require.Len(t, r.document.Failed, 2, "the 5th and the 6th")
	for i, day := range []string{"2026-03-05", "2026-03-06"} {
		require.Equal(t, []string{"19"}, r.document.Failed[i].Employees)
		require.Contains(t, r.document.Failed[i].From, day)
		require.Equal(t, "malformed", r.document.Failed[i].Code)
		require.NotContains(t, r.document.Failed[i].Message, "proxy", "it is no proxy's fault")
	}
	s.ding.Heal()
	r = s.bridge("backfill", "daily", "-from", "2026-03-05", "-to", "2026-03-08")
	require.Equal(t, 0, r.code)
	require.Equal(t, 4, r.document.Written)
}

// A word that the platform adds hides no punch and is told; what it means for the
// direction is not guessed.
func TestWordsThatThePlatformAdds(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.punch(17, "06 08:51:00", "OnDuty")
	s.punch(17, "06 15:02:00", "OffDuty", func(p *dingtalktest.Punch) { p.TimeResult = "SeriousEarly" })
	s.punch(18, "06 15:02:00", "OffDuty", func(p *dingtalktest.Punch) { p.LocationResult, p.SourceType = "Underground", "IMPLANT" })
	s.punch(19, "06 08:00:00", "Before")
	s.punch(19, "06 17:00:00", "After")
	r := s.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, []string{"17|1|2026-03-06|08:51:00", "17|2|2026-03-06|15:02:00", "18|2|2026-03-06|15:02:00"}, s.rows(signRows))
	require.Equal(t, map[string]int{"undirected": 2}, r.document.Skipped)
	told := map[string]int{}
	for _, w := range r.document.Warnings {
		told[w.Code]++
	}
	require.Equal(t, map[string]int{"unknown_result": 2, "unknown_direction": 2, "undirected_skipped": 1}, told)
	require.Contains(t, r.document.warning("unknown_result"), "SeriousEarly")
	s.job = set(s.job, "undirected: infer")
	r = s.bridge("run", "daily")
	require.Equal(t, 2, r.document.Written)
	require.Contains(t, s.rows(signRows), "19|1|2026-03-06|08:00:00")
	require.Contains(t, s.rows(signRows), "19|2|2026-03-06|17:00:00")
}

// A company whose rule only records time and place gets its punches.
func TestARuleThatOnlyRecordsTimeAndPlace(t *testing.T) {
	t.Parallel()
	s := newWecomSite(t, wecomtest.Options{})
	for _, clock := range []string{"06 08:51:00", "06 12:00:00", "06 18:02:00"} {
		s.punch(17, clock, "仅记录打卡时间和位置")
	}
	s.punch(18, "06 09:00:00", "仅记录打卡时间和位置", func(r *wecomtest.Record) { r.Exception = "未打卡" })
	r := s.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, map[string]int{"undirected": 3, "missing_punch": 1}, r.document.Skipped)
	require.Contains(t, r.document.warning("undirected_skipped"), "3")
	s.job = set(s.job, "undirected: infer")
	r = s.bridge("run", "daily")
	require.Equal(t, 3, r.document.Written)
	require.Equal(t, []string{"17|1|2026-03-06|08:51:00", "17|2|2026-03-06|12:00:00", "17|2|2026-03-06|18:02:00"}, s.rows(signRows))
}

// abnormal: skip keeps out of attendance what e-cology's own import of WeCom keeps out.
func TestAbnormal(t *testing.T) {
	t.Parallel()
	s := newWecomSite(t, wecomtest.Options{})
	exception := func(words string) func(*wecomtest.Record) {
		return func(r *wecomtest.Record) { r.Exception = words }
	}
	s.punch(17, "06 08:50:00", "上班打卡", exception("时间异常;非常用设备"))
	s.punch(17, "06 18:00:00", "下班打卡", exception("时间异常；地点异常"))
	s.punch(18, "06 08:50:00", "上班打卡", exception("WIFI异常"))
	s.punch(18, "06 12:00:00", "外出打卡", exception("地点异常"))
	s.punch(18, "06 18:00:00", "下班打卡", exception("地点异常;未打卡"))
	s.job = set(s.job, "abnormal: skip")
	r := s.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, map[string]int{"abnormal": 3, "missing_punch": 1}, r.document.Skipped)
	require.Equal(t, []string{"17|1|2026-03-06|08:50:00"}, s.rows(signRows))
	require.Empty(t, s.rows(mobileRows))
	explained := s.bridge("explain", "daily", "-employee", "18", "-day", "2026-03-06")
	require.Contains(t, explained.stdout, `"reason": "abnormal"`)
	require.Contains(t, explained.stdout, "abnormal: sign")

	s.job = set(s.job, "abnormal: sign")
	r = s.bridge("run", "daily")
	require.Equal(t, 3, r.document.Written)
	require.Len(t, slices.Concat(s.rows(signRows), s.rows(mobileRows)), 4)
}
