package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// explain asks why the punches of 2 March are not in the OA.
func (s *site) explain(t *testing.T, employee string, more ...string) (explainDocument, int) {
	t.Helper()
	r := s.bridge(append([]string{"explain", "daily", "-employee", employee, "-day", "2026-03-02"}, more...)...)
	var d explainDocument
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &d))
	return d, r.code
}

// aDay gives 17 an in and an out on the 2nd.
func (s *site) aDay() {
	s.punch(17, "02 08:57:17", "OnDuty")
	s.punch(17, "02 18:07:17", "OffDuty")
}

// fill runs the backfill, which must do all.
func (s *site) fill() {
	s.t.Helper()
	r := s.backfill()
	require.Equal(s.t, 0, r.code, r.stdout)
}

// outside makes a punch one away from the allowed places.
func outsidePunch(p *dingtalktest.Punch) { p.LocationResult, p.Address = "Outside", "客户" }

// Every item of the list of troubles that the manual of the product we replace ends
// with, and some more, is answered by one command.
func TestExplain(t *testing.T) {
	t.Parallel()
	const (
		markDone = `UPDATE kq_format_pool SET status = 1`
		foreign  = `INSERT INTO HrmScheduleSign (userId, userType, signType, signDate, signTime, isInCom, signFrom) VALUES (17, '1', '1', '2026-03-02', '08:57:17', '1', 'e9pc')`
	)
	html := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html>\n<title>公司代理</title>"))
	}))
	tests := []struct {
		name, oa string
		happens  func(s *site)
		code     string
		exit     int
		says     []string // in the sentences
		steps    []string // in the walk
	}{
		{"shown", "e8", func(s *site) { s.aDay(); s.fill() }, "shown", 0, []string{"张三（17）2026-03-02：无需处理：OA 显示签到 08:57:17，签退 18:07:17", "Nothing to do"}, []string{"whole day was read"}},

		{"nothing in the sync log", "e8", func(s *site) { s.aDay() }, "not_read", 0, []string{"同步日志中没有该任务的任何运行", "backfill daily -from 2026-03-02 -to 2026-03-02"}, nil},
		{"other days in the sync log", "e8", func(s *site) { s.aDay(); s.at(20).bridge("run", "daily") }, "not_read", 0, []string{"尚无任何运行", "backfill daily"}, []string{"no run has read this day"}},
		{"punched after the run", "e8", func(s *site) {
			s.job = append(s.job, `at: "23:30"`)
			s.now = at(s.t, "02 12:00:00")
			s.aDay()
			s.bridge("run", "daily")
			s.now = at(s.t, "02 19:00:00")
		}, "not_read", 0, []string{"2026-03-02 23:30:00", "自动补上", "came after the last run, which read up to 2026-03-02 12:00:00"}, []string{"read from 2026-03-02 00:00:00 up to 2026-03-02 12:00:00", "last by the run"}},
		{"the run failed", "e8", func(s *site) {
			s.aDay()
			s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: dingtalktest.PathListRecord, Times: 2, Body: `{"errcode":12345,"errmsg":"strange"}`})
			require.Equal(s.t, 1, s.backfill().code)
		}, "not_read", 0, []string{"未能完成", "strange"}, nil},

		{"no data", "e8", func(s *site) { s.fill() }, "no_punch", 0, []string{"平台上账号 staff017 当天没有任何记录", "HR: compare"}, []string{"现有账号 staff017"}},
		{"missing permission", "e8", func(s *site) {
			s.aDay()
			s.fill()
			s.ding.Deny(dingtalktest.PermissionAttendance)
		}, "refused", 3, []string{"应用缺少权限", dingtalktest.PermissionAttendance, "the platform's administrator"}, []string{"HrmScheduleSign 08:57:17"}},
		{"wrong secret", "e8", func(s *site) {
			s.aDay()
			s.fill()
			s.provider = set(s.provider, "app_secret: wrong-secret-9f2")
		}, "refused", 3, []string{"平台拒绝密钥", "Secret", "whoever runs this program"}, []string{"HrmScheduleSign 08:57:17"}},
		{"an answer that is not JSON", "e8", func(s *site) { s.aDay(); s.handler.Store(&html) }, "refused", 1, []string{"不是平台的 JSON", "HTML", "公司代理", "网络管理员"}, nil},
		{"only the punches are answered with HTML", "e8", func(s *site) {
			s.aDay()
			s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: dingtalktest.PathListRecord, Body: "<html><title>网关</title></html>"})
		}, "refused", 1, []string{"不是平台的 JSON", "网关"}, nil},
		{"left out by the last run", "e8", func(s *site) {
			s.aDay()
			s.exec(`UPDATE HrmResource SET workcode = '' WHERE id = 17`)
			s.at(4).bridge("run", "daily")
			s.exec(`UPDATE HrmResource SET workcode = 'W17' WHERE id = 17`)
			s.job = append(s.job, `at: "23:30"`)
			s.now = at(s.t, "05 12:00:00")
		}, "not_read", 0, []string{"2026-03-05 23:30:00", "自动补上"}, []string{"未同步此人：unbound"}},
		{"the account is rejected", "e8", func(s *site) {
			s.aDay()
			s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: account(17)})
		}, "refused", 0, []string{"平台拒绝该账号", "staff017"}, nil},
		{"no database", "e8", func(s *site) { s.oa = []string{"dsn: file:missing/oa.db"} }, "", 1, []string{"数据库管理员", "missing"}, nil},

		{"has left", "e8", func(s *site) { s.aDay(); s.exec(`UPDATE HrmResource SET status = 5 WHERE id = 17`) }, "out_of_roster", 0, []string{"离职", "HR"}, nil},
		{"no login name", "e8", func(s *site) { s.exec(`UPDATE HrmResource SET loginid = NULL WHERE id = 17`) }, "out_of_roster", 0, []string{"没有登录名", "请人事为其设置登录名"}, nil},
		{"secondary account", "e8", func(s *site) { s.exec(`UPDATE HrmResource SET accounttype = 1, belongto = 18 WHERE id = 17`) }, "out_of_roster", 0, []string{"次账号", "主账号 18"}, nil},
		{"sealed department", "e8", func(s *site) { s.exec(`UPDATE HrmDepartment SET canceled = '1' WHERE id = 11`) }, "out_of_roster", 0, []string{"封存", "研发"}, nil},
		{"out of scope", "e8", func(s *site) { s.aDay(); s.job = append(s.job, "scope: {departments: [12]}") }, "out_of_scope", 0, []string{"部门 11（研发）", "不在同步范围内", "同步管理员"}, nil},
		{"unbound", "e8", func(s *site) { s.aDay(); s.exec(`UPDATE HrmResource SET workcode = 'X17' WHERE id = 17`) }, "unbound", 0, []string{"X17", "人事"}, nil},
		{"no work code", "e8", func(s *site) { s.exec(`UPDATE HrmResource SET workcode = NULL WHERE id = 17`) }, "unbound", 0, []string{"workcode 为空"}, nil},
		{"shared work code", "e8", func(s *site) { s.aDay(); s.exec(`UPDATE HrmResource SET workcode = 'W17' WHERE id = 18`) }, "ambiguous", 0, []string{"W17", "与人员 18 相同"}, nil},
		{"two accounts", "e8", func(s *site) { s.ding.AddUser(dingtalktest.User{ID: "second", JobNumber: "W17"}) }, "ambiguous", 0, []string{"staff017", "second"}, nil},
		{"inactive", "e8", func(s *site) {
			s.ding.AddUser(dingtalktest.User{ID: account(17), JobNumber: "W17", Departments: []int64{50}, Inactive: true})
		}, "inactive", 0, []string{"未激活", "本人"}, nil},
		{"the binding was changed", "e8", func(s *site) {
			s.aDay()
			s.at(4).bridge("run", "daily")
			s.exec(`UPDATE HrmResource SET workcode = 'N17' WHERE id = 17`)
			s.ding.AddUser(dingtalktest.User{ID: "new017", JobNumber: "N17", Departments: []int64{50}})
			s.at(5).bridge("run", "daily")
		}, "no_punch", 0, []string{"new017"}, []string{"账号为 staff017"}},

		{"only skipped records", "e8", func(s *site) {
			s.punch(17, "02 08:57:17", "", func(p *dingtalktest.Punch) { p.InvalidType, p.InvalidMsg = "Security", "设备异常" })
			s.fill()
		}, "skipped", 0, []string{"平台认定无效", "审批"}, []string{"设备异常"}},
		{"a missing punch", "e8", func(s *site) {
			s.punch(17, "02 09:00:00", "OnDuty", func(p *dingtalktest.Punch) { p.TimeResult = "NotSigned" })
			s.fill()
		}, "skipped", 0, []string{"缺卡", "补卡"}, nil},
		{"deleted or corrected in the OA", "e8", func(s *site) {
			s.aDay()
			s.fill()
			s.exec(`UPDATE HrmScheduleSign SET signTime = '08:30:00' WHERE signType = '1'`)
		}, "not_written", 0, []string{"2026-03-02 08:57:17", "更正或删除", "backfill daily"}, []string{"HrmScheduleSign 08:30:00"}},
		{"corrected by an administrator, with a ledger", "e8", func(s *site) {
			s.oa = append(s.oa, "ledger: true")
			s.aDay()
			s.fill()
			s.exec(`UPDATE HrmScheduleSign SET signTime = '08:30:00' WHERE signType = '1'`)
		}, "from_other", 0, []string{"人事确认", "corrected in the OA"}, []string{"由运行"}},
		{"deleted by an administrator, with a ledger", "e8", func(s *site) {
			s.oa = append(s.oa, "ledger: true")
			s.aDay()
			s.fill()
			s.exec(`DELETE FROM HrmScheduleSign WHERE signType = '1'`)
		}, "not_written", 0, []string{"被他人删除"}, nil},
		{"corrected on the platform, with a ledger", "e8", func(s *site) {
			s.oa = append(s.oa, "ledger: true")
			p := dingtalktest.Punch{UserID: account(17), Time: at(s.t, "02 09:15:00"), CheckType: "OnDuty"}
			p.ID = s.ding.AddPunch(p)[0]
			s.fill()
			p.Time = at(s.t, "02 08:55:00")
			s.ding.SetPunch(p)
		}, "not_written", 0, []string{"更正为 2026-03-02 08:55:00", "2026-03-02 09:15:00"}, nil},
		{"closed month", "e8", func(s *site) {
			s.aDay()
			s.job = append(s.job, "freeze_after_day: 5")
			s.now = time.Date(2026, 4, 20, 12, 0, 0, 0, beijing())
		}, "not_written", 0, []string{"封账"}, nil},

		{"outside punch in the other table", "e8", func(s *site) {
			s.punch(17, "02 08:57:17", "OnDuty", outsidePunch)
			s.punch(17, "02 18:07:17", "OffDuty")
			s.fill()
		}, "elsewhere", 0, []string{"外勤签到", "mobile_sign"}, []string{"mobile_sign 08:57:17"}},
		{"a visit beside punches", "e8", func(s *site) {
			s.provider = set(s.provider, "field_check_ins: true")
			s.aDay()
			s.ding.AddCheckIn(dingtalktest.CheckIn{UserID: account(17), Time: at(s.t, "02 15:00:00"), Place: "客户"})
			s.fill()
		}, "shown", 0, []string{"08:57:17"}, []string{"mobile_sign 15:00:00"}},
		{"only a visit", "e8", func(s *site) {
			s.provider = set(s.provider, "field_check_ins: true")
			s.ding.AddCheckIn(dingtalktest.CheckIn{UserID: account(17), Time: at(s.t, "02 15:00:00"), Place: "客户"})
			s.fill()
		}, "elsewhere", 0, []string{"mobile_sign"}, nil},
		{"another writer has the row", "e8", func(s *site) { s.aDay(); s.exec(foreign); s.fill() }, "from_other", 0, []string{"e9pc"}, nil},
		{"doubled by another writer", "e9", func(s *site) { s.aDay(); s.fill(); s.exec(foreign); s.exec(markDone) }, "from_other", 0, []string{"两行", "e9pc", "签到和签退"}, nil},
		{"wrong flag of another writer", "e8", func(s *site) {
			s.aDay()
			s.exec(strings.Replace(foreign, "'1', 'e9pc'", "'0', NULL", 1))
			s.fill()
		}, "from_other", 0, []string{"isInCom 为 0", "NULL"}, nil},
		{"our row was made invalid", "e8", func(s *site) {
			s.aDay()
			s.fill()
			s.exec(`UPDATE HrmScheduleSign SET isInCom = NULL WHERE signType = '1'`)
		}, "from_other", 0, []string{"isInCom 为 NULL", "被改过"}, nil},
		{"wrong userType", "e8", func(s *site) {
			s.aDay()
			s.fill()
			s.exec(`UPDATE HrmScheduleSign SET userType = NULL WHERE signType = '1'`)
		}, "from_other", 0, []string{"userType 为 NULL"}, nil},
		{"not recalculated", "e9", func(s *site) { s.aDay(); s.fill() }, "not_recalculated", 0, []string{"重算", "应用节点"}, nil},
		{"recalculated", "e9", func(s *site) { s.aDay(); s.fill(); s.exec(markDone) }, "shown", 0, []string{"08:57:17"}, []string{"has computed the day"}},
		{"recalculated long ago", "e9", func(s *site) { s.aDay(); s.fill(); s.exec(`DELETE FROM kq_format_pool`) }, "shown", 0, []string{"08:57:17"}, []string{"nothing waits"}},
		{"nobody tells the OA to recalculate", "e9", func(s *site) { s.oa = append(s.oa, "recalculate: none"); s.aDay(); s.fill() }, "not_recalculated", 0, []string{"没有通知 OA 重算"}, nil},
		{"no night repairs it for certain", "e9", func(s *site) {
			s.oa = append(s.oa, "recalculate: none")
			s.aDay()
			s.at(3).bridge("run", "daily")
			s.at(4)
		}, "not_recalculated", 0, []string{"没有通知 OA 重算"}, nil},
		{"what is to be computed later does not wait", "e9", func(s *site) {
			s.aDay()
			s.fill()
			s.exec(markDone)
			s.exec(`INSERT INTO kq_format_pool (resourceid, kqdate, exectime) VALUES (17, '2026-03-02', '2027-03-03 00:30:00')`)
		}, "shown", 0, []string{"08:57:17"}, []string{"has computed the day"}},
		{"the queue could not be written", "e9", func(s *site) {
			s.aDay()
			s.exec(`CREATE TRIGGER no_pool BEFORE INSERT ON kq_format_pool BEGIN SELECT RAISE(FAIL, 'not allowed'); END`)
			s.backfill()
		}, "not_recalculated", 0, []string{"未能通知 OA 重算"}, nil},
		{"the queue was written after all", "e9", func(s *site) {
			s.aDay()
			s.exec(`CREATE TRIGGER no_pool BEFORE INSERT ON kq_format_pool BEGIN SELECT RAISE(FAIL, 'not allowed'); END`)
			s.backfill()
			s.exec(`DROP TRIGGER no_pool`)
			s.bridge("run", "daily")
			s.exec(`DELETE FROM kq_format_pool`) // computed, and a day later
		}, "shown", 0, []string{"08:57:17"}, []string{"nothing waits"}},
		{"after midnight", "e8", func(s *site) {
			s.punch(17, "02 20:00:00", "OnDuty")
			s.punch(17, "03 01:12:40", "OffDuty")
			s.punch(17, "03 20:00:00", "OnDuty")
			s.fill()
		}, "next_day", 0, []string{"2026-03-03 01:12:40", "计入次日"}, []string{"零点之后"}},
		{"after midnight on E9", "e9", func(s *site) {
			s.punch(17, "02 20:00:00", "OnDuty")
			s.punch(17, "03 01:12:40", "OffDuty")
			s.fill()
			s.exec(markDone)
		}, "shown", 0, nil, []string{"零点之后", "班次时段"}},

		{"nothing is remembered", "e8", func(s *site) { s.aDay(); s.state = "{driver: none}" }, "not_written", 0, []string{"没有 2026-03-02 08:57:17"}, []string{"未保存运行状态"}},
		{"the day has not come", "e8", func(s *site) { s.now = at(s.t, "01 12:00:00") }, "no_punch", 0, []string{"尚未到来"}, nil},
		{"too long ago", "e8", func(s *site) { s.now = time.Date(2026, 12, 1, 12, 0, 0, 0, beijing()) }, "refused", 0, []string{"手工补录"}, nil},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, c.oa)
			c.happens(s)
			s.ding.ResetCounters()
			var before []string
			if c.exit == 0 {
				before = s.everything()
			}
			d, exit := s.explain(t, "17")
			text, _ := json.MarshalIndent(d, "", " ")
			require.Equal(t, c.code, string(d.Code), string(text))
			require.Equal(t, c.exit, exit, string(text))
			require.Equal(t, "17", d.Employee)
			for _, words := range c.says {
				require.Contains(t, d.SentenceZH+"\n"+d.SentenceEN, words)
			}
			walk := ""
			for _, step := range d.Steps {
				walk += step.Step + ": " + step.Detail + "\n"
			}
			for _, words := range c.steps {
				require.Contains(t, walk, words)
			}
			require.NotContains(t, string(text), "wrong-secret-9f2")
			require.LessOrEqual(t, s.ding.Metered(), 3)
			require.LessOrEqual(t, d.Calls, 3)
			if c.exit == 0 {
				after := s.everything()
				require.Equal(t, before, after, "it changes nothing")
			} else {
				require.NotNil(t, d.Error)
			}
			t.Log(d.SentenceZH)
			t.Log(d.SentenceEN)
		})
	}
}

func TestExplainOnWecom(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		happens func(s *wecomSite)
		code    string
		exit    int
		says    []string
	}{
		{"shown", func(s *wecomSite) { s.ordinary(); s.fill() }, "shown", 0, []string{"签到 08:57:17，签退 18:07:17"}},
		{"nothing in the sync log", func(s *wecomSite) { s.ordinary() }, "not_read", 0, []string{"同步日志"}},
		{"no data", func(s *wecomSite) { s.fill() }, "no_punch", 0, []string{"w17"}},
		{"missing permission", func(s *wecomSite) { s.ordinary(); s.wx.AllowCheckIn(false) }, "refused", 3, []string{"可调用接口的应用"}},
		{"wrong secret", func(s *wecomSite) { s.provider = set(s.provider, "secret: wrong-secret-9f2") }, "refused", 3, []string{"平台拒绝密钥"}},
		{"not JSON", func(s *wecomSite) {
			s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Answer, Path: wecomtest.PathCheckIn, Body: "<html><title>网关</title></html>"})
		}, "refused", 1, []string{"网关"}},
		{"unbound", func(s *wecomSite) { s.wx.RemoveUser("w17") }, "unbound", 0, []string{"W17"}},
		{"rejected", func(s *wecomSite) {
			s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60111, Path: wecomtest.PathCheckIn})
			s.job = []string{"binding: {by: workcode, bound_only: false}"}
		}, "refused", 0, []string{"W17"}},
		{"only missing punches", func(s *wecomSite) {
			s.punch(17, "02 09:00:00", "上班打卡", func(r *wecomtest.Record) { r.Exception = "未打卡" })
			s.fill()
		}, "skipped", 0, []string{"缺卡", "补卡"}},
		{"outside punch in the other table", func(s *wecomSite) { s.punch(17, "02 14:00:00", "外出打卡"); s.fill() }, "elsewhere", 0, []string{"mobile_sign"}},
		{"after midnight", func(s *wecomSite) {
			s.punch(17, "03 01:12:40", "下班打卡", func(r *wecomtest.Record) { r.Day = at(s.t, "02 00:00:00") })
			s.fill()
		}, "next_day", 0, []string{"2026-03-03"}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newWecomSite(t, wecomtest.Options{})
			c.happens(s)
			before := s.wx.Requests(wecomtest.PathCheckIn)
			d, exit := s.explain(t, "17")
			require.Equal(t, c.code, string(d.Code), d)
			require.Equal(t, c.exit, exit)
			for _, words := range c.says {
				require.Contains(t, d.SentenceZH+"\n"+d.SentenceEN, words)
			}
			require.LessOrEqual(t, s.wx.Requests(wecomtest.PathCheckIn)-before, 3)
		})
	}
}

// The calendar day is that of the job, and whoever is meant is found by what people know.
func TestExplainWhom(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.aDay()
	s.fill()
	for _, employee := range []string{"17", "login17", "W17", "张三", "name:张三", "id:17", " W17 "} {
		d, exit := s.explain(t, employee)
		require.Equal(t, 0, exit, employee)
		require.Equal(t, [3]string{"17", "张三", "shown"}, [3]string{d.Employee, d.Name, string(d.Code)}, employee)
		require.Equal(t, "2026-03-02", d.Day)
		require.Len(t, d.Records, 2)
		require.Equal(t, recordLine{Time: "2026-03-02T08:57:17+08:00", Taken: true, Table: "HrmScheduleSign", Type: "1", Fate: "present"}, d.Records[0])
	}
	s.person(30, 12, "张三")
	r := s.bridge("explain", "daily", "-employee", "张三", "-day", "2026-03-02")
	require.Equal(t, 2, r.code)
	var found candidatesDocument
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &found))
	require.Len(t, found.Candidates, 2)
	require.Contains(t, found.SentenceZH, "可能是以下 2 人")
	require.Equal(t, [3]string{"30", "张三", "销售"}, [3]string{found.Candidates[1].Person, found.Candidates[1].Name, found.Candidates[1].Unit})

	for _, nobody := range []string{"王八", "999"} {
		s.ding.ResetCounters()
		r := s.bridge("explain", "daily", "-employee", nobody, "-day", "2026-03-02")
		require.Equal(t, 2, r.code, r.stdout)
		require.Contains(t, r.stdout, `"candidates": []`)
		require.Contains(t, r.stdout, "HrmResource 中没有“"+nobody+"”")
		require.Zero(t, s.ding.Metered())
		code, text, _ := s.plain("explain", "daily", "-employee", nobody, "-day", "2026-03-02")
		require.Equal(t, 2, code)
		require.Contains(t, text, "nobody in HrmResource is")
	}
	for _, wrong := range [][]string{{"explain", "daily"}, {"explain", "daily", "-employee", "17"}, {"explain", "nobody", "-employee", "17", "-day", "2026-03-02"},
		{"explain", "daily", "-employee", "17", "-day", "2.3."}} {
		require.Equal(t, 2, s.bridge(wrong...).code, wrong)
	}
	code, stdout, _ := call(t, "-now", s.now.Format(time.RFC3339), "-config", s.write(), "explain", "daily", "-employee", "17", "-day", "2026-03-02")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, "张三（17）2026-03-02：无需处理")
	require.Contains(t, stdout, "+ binding: ")
	code, stdout, _ = call(t, "-now", s.now.Format(time.RFC3339), "-config", s.write(), "explain", "daily", "-employee", "张三", "-day", "2026-03-02")
	require.Equal(t, 2, code)
	require.Contains(t, stdout, "loginid login30  workcode W30  销售  正式 / regular")
}
