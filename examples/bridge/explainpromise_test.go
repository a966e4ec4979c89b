package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// explain says that the next run brings a punch only where that can be, and where not,
// what does.
func TestExplainPromisesOnlyWhatCanBe(t *testing.T) {
	t.Parallel()
	const promise = "会自动补上"
	scheduled := func(s *site) { s.job = append(s.job, `at: "23:30"`) }
	// A punch of the 2nd that came to the platform after that day was read.
	late := func(s *site, until int) {
		for day := 2; day <= until; day++ {
			require.Equal(s.t, 0, s.at(day).bridge("run", "daily").code)
		}
		s.punch(17, "02 08:57:17", "OnDuty")
		s.now = s.now.Add(10 * time.Hour)
	}
	tests := []struct {
		name    string
		happens func(s *site)
		code    string
		says    []string // in the sentences
		not     string   // and nowhere
	}{
		{"in the look-back", func(s *site) { scheduled(s); late(s, 5) }, "not_written", []string{"无需处理：下次运行（2026-03-06 23:30:00）会自动补上", "Nothing to do"}, ""},
		{"in the look-back, of a disabled job", func(s *site) { scheduled(s); s.job = append(s.job, "enabled: false"); late(s, 5) }, "not_written", []string{"请同步管理员执行或启用该任务"}, promise},
		{"in the look-back, of a job without times", func(s *site) { late(s, 5) }, "not_written", []string{"请同步管理员执行或启用该任务"}, promise},
		{"before the look-back and the mark", func(s *site) { scheduled(s); late(s, 9) }, "not_written", []string{"backfill daily -from 2026-03-02", "不会再读取"}, promise},
		{"before both, of a disabled job", func(s *site) { scheduled(s); s.job = append(s.job, "enabled: false"); late(s, 9) }, "not_written", []string{"backfill daily"}, promise},
		{"before the look-back, after the mark", func(s *site) {
			scheduled(s)
			s.now = at(s.t, "01 12:00:00")
			s.bridge("run", "daily")
			s.aDay()
			s.now = at(s.t, "20 12:00:00")
		}, "not_read", []string{"下次运行（2026-03-20 23:30:00）会自动补上", "确认任务的启动程序正在运行（应于 2026-03-19 23:30:00"}, "无需处理"},
		{"never read, before everything that is owed", func(s *site) {
			scheduled(s)
			require.Equal(s.t, 0, s.at(15).bridge("run", "daily").code)
			s.aDay()
			s.now = s.now.Add(10 * time.Hour)
		}, "not_read", []string{"backfill daily"}, promise},
		{"the look-back is nothing", func(s *site) { scheduled(s); s.job = append(s.job, "look_back_days: 0"); late(s, 2) }, "not_written", []string{"backfill daily"}, promise},
		{"a gap that a look-back of nothing does not close", func(s *site) {
			scheduled(s)
			s.job = append(s.job, "look_back_days: 0")
			s.now = at(s.t, "02 08:00:00")
			s.bridge("run", "daily")
			s.aDay()
			s.now = at(s.t, "03 08:00:00")
		}, "not_read", []string{"backfill daily"}, promise},
		{"the platform forgets it before the next run", func(s *site) {
			s.job = append(s.job, `at: "12:30"`)
			s.now = at(s.t, "01 12:30:00")
			s.bridge("run", "daily")
			s.aDay()
			s.now = time.Date(2026, 8, 28, 13, 0, 0, 0, beijing())
		}, "not_read", []string{"立即执行该任务（下次运行 2026-08-29 12:30:00 不再读取这一天）"}, promise},
		{"behind the horizon", func(s *site) { scheduled(s); s.aDay(); s.now = time.Date(2026, 9, 1, 12, 0, 0, 0, beijing()) }, "refused", []string{"手工补录"}, promise},
		{"a closed month", func(s *site) {
			scheduled(s)
			s.job = append(s.job, "freeze_after_day: 5", "look_back_days: 60")
			s.aDay()
			s.now = time.Date(2026, 4, 5, 12, 0, 0, 0, beijing())
		}, "not_written", []string{"封账", "手工补录"}, promise},
		{"a month that is closed by the next run", func(s *site) {
			scheduled(s)
			s.job = append(s.job, "freeze_after_day: 5", "look_back_days: 60")
			s.aDay()
			s.now = time.Date(2026, 4, 4, 23, 45, 0, 0, beijing())
		}, "not_read", []string{"backfill daily -from 2026-03-02 -to 2026-03-02（须在该月封账之前）"}, promise},
		{"without a state, in the look-back", func(s *site) { scheduled(s); s.state = "{driver: none}"; s.aDay(); s.now = at(s.t, "05 12:00:00") }, "not_written", []string{"下次运行（2026-03-05 23:30:00）会自动补上"}, ""},
		{"without a state, before the look-back", func(s *site) { scheduled(s); s.state = "{driver: none}"; s.aDay() }, "not_written", []string{"backfill daily"}, promise},
		{"without a state, of a disabled job", func(s *site) {
			s.job = append(s.job, "enabled: false", `at: "23:30"`)
			s.state = "{driver: none}"
			s.aDay()
			s.now = at(s.t, "05 12:00:00")
		}, "not_written", []string{"执行或启用该任务"}, promise},
		{"nobody makes the runs that are due", func(s *site) {
			scheduled(s)
			late(s, 2)
			s.now = at(s.t, "05 12:00:00")
		}, "not_written", []string{"请同步管理员确认任务的启动程序正在运行（应于 2026-03-04 23:30:00 执行的运行没有执行）", "下次运行（2026-03-05 23:30:00）"}, "无需处理"},
		{"the table was not there", func(s *site) {
			scheduled(s)
			s.aDay()
			s.exec(`ALTER TABLE HrmScheduleSign RENAME TO hidden`)
			s.at(2).bridge("run", "daily")
			s.exec(`ALTER TABLE hidden RENAME TO HrmScheduleSign`)
			s.now = s.now.Add(10 * time.Hour)
		}, "not_read", []string{"未能完成", "请数据库管理员检查表名", "之后：下次运行（2026-03-03 23:30:00）会自动补上"}, "无需处理"},
		{"the table refuses the row", func(s *site) {
			scheduled(s)
			s.exec(`CREATE TRIGGER refuses BEFORE INSERT ON HrmScheduleSign WHEN NEW.userId = 17 BEGIN SELECT RAISE(ABORT, 'closed for 17'); END`)
			s.aDay()
			s.punch(18, "02 08:00:00", "OnDuty")
			for day := 2; day <= 4; day++ {
				s.at(day).bridge("run", "daily")
			}
			s.now = s.now.Add(10 * time.Hour)
		}, "not_written", []string{"closed for 17", "数据库管理员", "再次尝试"}, promise},
		{"the table refuses the row of a disabled job", func(s *site) {
			s.job = append(s.job, "enabled: false")
			s.exec(`CREATE TRIGGER refuses BEFORE INSERT ON HrmScheduleSign WHEN NEW.userId = 17 BEGIN SELECT RAISE(ABORT, 'closed for 17'); END`)
			s.aDay()
			s.punch(18, "02 08:00:00", "OnDuty")
			s.at(2).bridge("run", "daily")
			s.at(3).bridge("run", "daily")
		}, "not_written", []string{"closed for 17", "之后：执行或启用该任务"}, "再次尝试"},
		{"only records that are no punches", func(s *site) {
			scheduled(s)
			s.punch(17, "02 09:00:00", "OnDuty", func(p *dingtalktest.Punch) { p.TimeResult = "NotSigned" })
			s.now = at(s.t, "03 12:00:00")
		}, "not_read", []string{"缺卡", "请本人在平台上申请补卡"}, promise},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "e8")
			c.happens(s)
			r := s.bridge("explain", "daily", "-employee", "17", "-day", "2026-03-02")
			require.Contains(t, r.stdout, `"code": "`+c.code+`"`)
			for _, words := range c.says {
				require.Contains(t, r.stdout, words)
			}
			if c.not != "" {
				require.NotContains(t, r.stdout, c.not)
			}
			if c.not == promise {
				require.NotContains(t, r.stdout, "brings it")
			}
		})
	}
}

// Rows whose punch the platform has no longer: what becomes of them is told, also where
// the table does not let go of one.
func TestExplainOfAWithdrawnPunch(t *testing.T) {
	t.Parallel()
	withdraw := func(s *site) {
		ids := s.ding.AddPunch(dingtalktest.Punch{UserID: account(17), Time: at(s.t, "02 08:57:17"), CheckType: "OnDuty"})
		s.punch(17, "03 08:57:17", "OnDuty")
		s.fill()
		require.True(s.t, s.ding.RemovePunch(ids[0]))
	}
	for name, c := range map[string]struct {
		happens func(s *site)
		says    []string
		not     string
	}{
		"kept": {withdraw, []string{"OA 中有当天的 1 行", "仍保留：仅在设置 withdrawn: delete 时", "HR: compare"}, "检查阻止删除"},
		"to be removed": {func(s *site) {
			s.oa, s.job = append(s.oa, "ledger: true"), append(s.job, "withdrawn: delete")
			withdraw(s)
			require.Equal(s.t, 0, s.bridge("run", "daily").code)
		}, []string{"OA 中有当天的 1 行", "withdrawn: delete"}, "检查阻止删除"},
		"refused": {func(s *site) {
			s.oa, s.job = append(s.oa, "ledger: true"), append(s.job, "withdrawn: delete")
			s.exec(`CREATE TRIGGER keeps BEFORE DELETE ON HrmScheduleSign BEGIN SELECT RAISE(ABORT, 'payroll keeps it'); END`)
			withdraw(s)
			s.backfill()
			s.backfill()
		}, []string{"payroll keeps it", "的行仍保留", "请数据库管理员检查阻止删除该行的触发器", "stays"}, "HR: compare"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "e8")
			c.happens(s)
			d, exit := s.explain(t, "17")
			require.Equal(t, 0, exit)
			require.EqualValues(t, "no_punch", d.Code)
			text := d.SentenceZH + "\n" + d.SentenceEN
			for _, words := range c.says {
				require.Contains(t, text, words)
			}
			require.NotContains(t, text, c.not)
			if name == "refused" {
				walk := ""
				for _, step := range d.Steps {
					walk += step.Step + ": " + step.Detail + "\n"
				}
				require.Contains(t, walk, "HrmScheduleSign 08:57:17")
				require.Contains(t, walk, "payroll keeps it")
			}
		})
	}
}
