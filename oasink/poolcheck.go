package oasink

import (
	"context"
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

const (
	// fresh is for how long a row that is due is no backlog: the OA polls every 5 seconds.
	fresh = 5 * time.Minute
	// overdue is for how long a sound OA lets no row wait.
	overdue = 30 * time.Minute
	// cleanedWithin is when the OA has removed what it has computed: a day after, by a
	// job that runs once a day.
	cleanedWithin = 7
	// mostFinished is how many computed rows no OA keeps that removes them.
	mostFinished = 200_000
)

// now is the current time on the OA's wall clock.
func (s *Sink) now() time.Time {
	if s.opts.Zone == nil {
		return s.opts.Now().UTC()
	}
	return s.opts.Now().In(s.opts.Zone)
}

// checkPool counts the rows that the OA should have computed by now. Rows for a later
// moment are no backlog.
func (s *Sink) checkPool(ctx context.Context, sh *shape) (attendance.Finding, bool, error) {
	t := sh.pool
	if !s.recalculates(sh) || !t.usable(poolNeeds()...) || !t.has("status") {
		return attendance.Finding{}, false, nil
	}
	var waiting, undated, late int64
	err := s.patiently(ctx, "counting the rows of "+t.name.String(), func() (err error) {
		if waiting, err = s.countRows(ctx, s.dueRows("SELECT COUNT(*) FROM ", t, s.now().Add(-fresh))); err != nil || waiting == 0 || !sh.judgesLater() {
			return err
		}
		exec, _ := t.column("exectime")
		those := func() *statement {
			return s.statement("SELECT COUNT(*) FROM ").table(t).sql(" WHERE ").column(t, "status").sql(" = 0 AND (").name(exec.name)
		}
		if undated, err = s.countRows(ctx, those().sql(" IS NULL)")); err != nil || s.opts.Zone == nil {
			return err
		}
		before := func(back time.Duration) string { return s.now().Add(-back).Format(time.DateTime) }
		const day = 24 * time.Hour // by which our own rows are dated back
		q := those().sql(" < ").constant(exec, before(day+overdue)).sql(" OR ").name(exec.name).sql(" < ").constant(exec, before(overdue))
		late, err = s.countRows(ctx, q.sql(" AND ").name(exec.name).sql(" > ").constant(exec, before(day-time.Hour)).sql(")"))
		return err
	})
	f := good("recalculation", fmt.Sprintf("%d person-days wait in %s", waiting, t.name), fmt.Sprintf("%s 中有 %d 个人日待重算", t.name, waiting))
	if waiting > 0 {
		f.Mend = queueMend()
	}
	if undated > 0 {
		f.Message.EN += fmt.Sprintf(", %d of them without exectime, which another program wrote", undated)
		f.Message.ZH += fmt.Sprintf("，其中 %d 行没有 exectime（由其他程序写入）", undated)
		f.Mend.EN += "; rows without exectime wait for ever while kqformataccurate is on"
		f.Mend.ZH += "；精确计算（kqformataccurate）开启时，没有 exectime 的行永远不会被处理"
	}
	if waiting > defaultBacklog || late+undated > 0 {
		f.Level = attendance.LevelWarning
	}
	return f, true, err
}

// countRows runs a query for a number.
func (s *Sink) countRows(ctx context.Context, q *statement) (n int64, err error) {
	err = q.query(ctx, s.db, 1, func(v []any) error {
		n = intOf(v[0])
		return nil
	})
	return n, err
}

// queueMend says what to look at when the queue does not get shorter. The OA works it
// off by itself, and no setting switches that off.
func queueMend() attendance.Text {
	return attendance.Text{
		EN: "the OA works this queue off by itself, on every application node, every 5 seconds; if the number does not fall within minutes, see in the OA's log which person-day fails (it is tried again for ever), whether an application node is up, and whether its clock is right",
		ZH: "OA 各应用节点每 5 秒自行处理该队列；若几分钟内数量不降，请查看 OA 日志中反复失败的人日（会无限重试），并确认应用节点在运行、服务器时钟正确",
	}
}

// checkPoolCleaned tells when computed rows pile up: the OA then has more and more to
// look through every 5 seconds.
func (s *Sink) checkPoolCleaned(ctx context.Context, sh *shape) (attendance.Finding, bool, error) {
	t := sh.pool
	if !s.recalculates(sh) || !t.usable(poolNeeds()...) || !t.has("status") {
		return attendance.Finding{}, false, nil
	}
	var finished, old int64
	done := func() *statement {
		return s.statement("SELECT COUNT(*) FROM ").table(t).sql(" WHERE ").column(t, "status").sql(" = 1")
	}
	err := s.patiently(ctx, "counting the rows of "+t.name.String(), func() (err error) {
		created, ok := t.column("created")
		if finished, err = s.countRows(ctx, done()); err != nil || finished == 0 || !ok {
			return err
		}
		old, err = s.countRows(ctx, done().sql(" AND ").name(created.name).sql(" < ").constant(created, s.now().AddDate(0, 0, -cleanedWithin).Format(time.DateTime)))
		return err
	})
	if err != nil || old == 0 && finished <= mostFinished {
		return attendance.Finding{}, false, err
	}
	return attendance.Finding{Code: "pool_not_cleaned", Level: attendance.LevelWarning,
		Message: attendance.Text{
			EN: fmt.Sprintf("%d computed rows stand in %s, %d of them for more than %d days: nobody cleans it", finished, t.name, old, cleanedWithin),
			ZH: fmt.Sprintf("%s 中有 %d 行已处理完，其中 %d 行已超过 %d 天：没有人清理", t.name, finished, old, cleanedWithin),
		},
		Mend: attendance.Text{
			EN: "the OA removes them when it initialises its attendance report, once a day; see that this happens, or have the database administrator delete rows with status 1 that are older than two days",
			ZH: "OA 每天初始化考勤报表时会清理；请确认该任务在执行，或由数据库管理员删除 status 为 1 且超过两天的行",
		}}, true, nil
}

// How far the OA's own newest punches may stand from our clock.
const (
	aheadBy  = 2 * time.Hour
	behindBy = 5 * time.Hour
)

// ownTags are what e-cology's own punch pages write into signFrom, in the OA server's
// time (signFrom is matched in any case).
func ownTags() []string {
	return []string{"e9pc", "e9mobile", "e9e", "e9ewx", "e9_mobile_out", "mobile", "dingtalk", "dingtalk_out", "wechat", "wechat_out"}
}

// checkClock compares the newest punches of the OA's own pages, which are in its
// server's time, with our clock.
func (s *Sink) checkClock(ctx context.Context, sh *shape) (attendance.Finding, bool, error) {
	t := sh.sign
	if s.opts.Zone == nil || !t.usable(signNeeds()...) || !t.has("signFrom") {
		return attendance.Finding{}, false, nil
	}
	now := s.now()
	newest := ""
	err := s.patiently(ctx, "looking for the newest punches of "+t.name.String(), func() error {
		newest = ""
		today := attendance.DateOf(now)
		q := s.statement("SELECT ").column(t, "signDate").sql(", MAX(").column(t, "signTime").sql(") FROM ").table(t)
		q.sql(" WHERE ").column(t, "signDate").sql(" >= ").plain(today.String()).sql(" AND ").column(t, "signDate").sql(" < ").plain(today.Add(2).String())
		q.sql(" AND LOWER(").column(t, "signFrom").sql(") IN ").texts(ownTags()).sql(" GROUP BY ").column(t, "signDate")
		return q.query(ctx, s.db, 2, func(v []any) error {
			if at := textOf(v[0]) + " " + textOf(v[1]); at > newest {
				newest = at
			}
			return nil
		})
	})
	at, parseErr := time.ParseInLocation(time.DateTime, newest, now.Location())
	if err != nil || parseErr != nil {
		return attendance.Finding{}, false, err
	}
	by, off := clockApart(now, at)
	if !off {
		return attendance.Finding{}, false, nil
	}
	hours := fmt.Sprintf("%.1f", by.Abs().Hours())
	en, zh := "behind", "慢"
	if by > 0 {
		en, zh = "ahead of", "快"
	}
	return attendance.Finding{Code: "oa_clock", Level: attendance.LevelWarning,
		Message: attendance.Text{
			EN: fmt.Sprintf("the newest punch of the OA's own pages is of %s, %s hours %s this machine's clock (%s)", newest, hours, en, now.Format(time.DateTime)),
			ZH: fmt.Sprintf("OA 自身页面最新的打卡为 %s，比本机时钟（%s）%s %s 小时", newest, now.Format(time.DateTime), zh, hours),
		},
		Mend: attendance.Text{
			EN: "compare the clock and the time zone of the OA server (its JVM may run in UTC), of this machine and of time_zone; where nobody has punched in the OA since, all is well",
			ZH: "请核对 OA 服务器（其 JVM 可能按 UTC 运行）、本机与 time_zone 的时钟和时区；若此后确无人在 OA 打卡，可忽略",
		}}, true, nil
}

// clockApart is how far the newest punch is ahead of our clock, and whether that says
// something. One ahead does. One behind may only mean that nobody has punched since:
// it says something in working hours, of a punch of today.
func clockApart(now, newest time.Time) (by time.Duration, off bool) {
	by = newest.Sub(now)
	working := 7 <= now.Hour() && now.Hour() < 21
	return by, by >= aheadBy || -by >= behindBy && working && attendance.DateOf(now) == attendance.DateOf(newest)
}
