package oasink

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// tagDays is over how many days Check counts the rows of each tag.
const tagDays = 90

// Check implements [attendance.Checker]: can the database be reached and written,
// which generation is it, are the columns there, which tags do the rows of the
// last 90 days carry, does another program still write rows of our tag (with a ledger
// only: foreign_writer), does anything wait for recalculation, does anybody clean that
// queue (pool_not_cleaned), and do the OA's own punches stand at our time of day
// (oa_clock). It changes nothing.
func (s *Sink) Check(ctx context.Context) []attendance.Finding {
	sh, err := s.probe(ctx)
	if err != nil {
		return []attendance.Finding{attendance.FindingOf(attendance.Text{EN: "the OA database", ZH: "OA 数据库"}, err)}
	}
	s.proofs.Clear()
	if _, err := s.proveReading(ctx); err != nil {
		return []attendance.Finding{attendance.FindingOf(attendance.Text{EN: "the OA database", ZH: "OA 数据库"}, err)}
	}
	findings := []attendance.Finding{
		good("database", fmt.Sprintf("the OA database (%s) answers", s.dialect.name()), fmt.Sprintf("OA 数据库（%s）连接正常", s.dialect.name())),
		s.checkRights(ctx, sh),
		good("generation", fmt.Sprintf("e-cology %v", sh.generation), fmt.Sprintf("e-cology %v", sh.generation)),
	}
	findings = append(findings, s.checkColumns(sh)...)
	findings = append(findings, s.checkInserts(ctx, sh)...)
	findings = append(findings, s.checkServer(ctx, sh)...)
	findings = append(findings, s.checkLedger(ctx, sh)...)
	for _, look := range [...]func(context.Context, *shape) (attendance.Finding, bool, error){s.checkTags, s.checkForeign, s.checkPool, s.checkPoolCleaned, s.checkClock} {
		f, ok, err := look(ctx, sh)
		if err != nil {
			f, ok = attendance.FindingOf(attendance.Text{EN: "reading the OA's tables", ZH: "读取 OA 数据表"}, err), true
		}
		if ok {
			findings = append(findings, f)
		}
	}
	return findings
}

func good(code, en, zh string) attendance.Finding {
	return attendance.Finding{Code: code, Level: attendance.LevelOK, Message: attendance.Text{EN: en, ZH: zh}}
}

// errTried rolls back what only tries whether it could be done.
var errTried = errors.New("oasink: tried")

// checkRights takes the write lock and inserts no row at all into each table that
// is written: databases look at the rights before they look for rows. (SQLite has
// no rights to single tables; there it proves that the file can be written.)
// Everything is rolled back. All tables that may not be written are named.
func (s *Sink) checkRights(ctx context.Context, sh *shape) attendance.Finding {
	var refused []string
	mend := attendance.Text{}
	err := s.exclusively(ctx, func(ctx context.Context, c bun.Conn, _ bool) error {
		refused, mend = nil, attendance.Text{
			EN: "do what the database's message asks for: a column that may not be NULL needs a default, and a view must be one that rows can be added to",
			ZH: "请按数据库的提示处理：不允许为空的列需要默认值；视图须可插入",
		}
		if err := s.dialect.touch(ctx, c); err != nil {
			return err
		}
		for _, into := range s.insertables(sh) {
			why, err := s.tryInsert(ctx, c, into.table, into.written())
			if err != nil {
				return err
			}
			if why == nil && into.lasting() != "" && into.table != sh.pool {
				if err := s.mayTakeBack(ctx, c, into.table); err != nil {
					return err
				}
			}
			if why != nil {
				refused = append(refused, fmt.Sprintf("%s (%v)", into.name, s.quotable(why)))
				if s.dialect.diagnose(why) == denied {
					mend = rightsMend()
				} else if setting := s.dialect.setting(why); setting != (attendance.Text{}) {
					mend = setting
				}
			}
		}
		return errTried
	})
	what := attendance.Text{EN: "the database cannot be written", ZH: "数据库不可写"}
	switch {
	case !errors.Is(err, errTried):
		return attendance.FindingOf(what, err)
	case len(refused) > 0:
		return attendance.FindingOf(what, &attendance.Error{Code: attendance.CodeStore, Op: "oasink",
			Detail: "this program's account cannot insert into " + strings.Join(refused, ", "), Mend: mend})
	}
	return good("rights", "the database can be written", "数据库可写")
}

// tryInsert inserts nothing into a table and returns why that is refused.
func (s *Sink) tryInsert(ctx context.Context, c bun.Conn, t *table, columns []string) (why, err error) {
	q := s.statement("INSERT INTO ").table(t).sql(" (").columns(t, columns...).sql(") SELECT ")
	q.columns(t, columns...).sql(" FROM ").table(t).sql(" WHERE 1 = 0")
	return s.tried(ctx, c, q)
}

// tried runs a statement that touches no row and returns why it is refused.
func (s *Sink) tried(ctx context.Context, c bun.Conn, q *statement) (why, err error) {
	mark, undo, _ := s.dialect.savepoint()
	if err := s.statement(mark).exec(ctx, c); err != nil && s.dialect.diagnose(err) != unmarked {
		return nil, err
	}
	if why = q.exec(ctx, c); why == nil {
		return nil, nil
	}
	switch s.dialect.diagnose(why) {
	case otherTrouble, missing, denied:
		if s.statement(undo).exec(ctx, c) != nil { // the transaction is gone with it
			return nil, why
		}
		return why, nil
	default:
		return nil, why
	}
}

// checkServer tells what an operator should know of this server.
func (s *Sink) checkServer(ctx context.Context, sh *shape) (findings []attendance.Finding) {
	err := s.patiently(ctx, "asking the database for its settings", func() (err error) {
		findings, err = s.dialect.concerns(ctx, s.db.DB, sh)
		return err
	})
	if err != nil {
		return []attendance.Finding{attendance.FindingOf(attendance.Text{EN: "the database's settings", ZH: "数据库设置"}, err)}
	}
	return findings
}

// checkColumns looks at each table for what is needed of it.
func (s *Sink) checkColumns(sh *shape) []attendance.Finding {
	var findings []attendance.Finding
	for _, t := range [...]struct {
		*table
		needs  []string
		forEN  string
		forZH  string
		wanted bool
	}{
		{sh.sign, signNeeds(), "punches", "打卡记录", true},
		{sh.mobile, mobileNeeds(), "outside punches and field check-ins", "外勤打卡与签到", true},
		{sh.pool, poolNeeds(), "recalculation", "考勤重算", s.recalculates(sh)},
		{sh.resource, resourceNeeds(), "the roster", "人员名单", true},
		{sh.department, departmentNeeds(), "the roster", "人员名单", true},
		{sh.subCompany, subCompanyNeeds(), "the roster", "人员名单", true},
	} {
		if !t.wanted || t.usable(t.needs...) {
			continue
		}
		f := attendance.FindingOf(attendance.Text{
			EN: "needed for " + t.forEN,
			ZH: t.forZH + "所需",
		}, t.lack(t.needs))
		findings = append(findings, f)
	}
	if len(findings) == 0 {
		findings = append(findings, good("columns", "all tables and columns that are needed are there", "所需的表与列齐全"))
	}
	if absent := sh.sign.lacks("signFrom", "LONGITUDE", "LATITUDE", "ADDR"); sh.sign.exists() && len(absent) > 0 {
		list := strings.Join(absent, ", ")
		findings = append(findings, attendance.Finding{Code: "columns_absent", Level: attendance.LevelWarning, Message: attendance.Text{
			EN: fmt.Sprintf("%s has no %s: these are not written", sh.sign.name, list),
			ZH: fmt.Sprintf("%s 缺少 %s 列，相应内容不会写入", sh.sign.name, list),
		}, Mend: attendance.Text{EN: "nothing: older e-cology has none of them", ZH: "无需处理：旧版本没有这些列"}})
	}
	return findings
}

// checkTags counts the rows of each tag.
func (s *Sink) checkTags(ctx context.Context, sh *shape) (attendance.Finding, bool, error) {
	t := sh.sign
	if !t.has("signFrom") || !t.has("signDate") {
		return attendance.Finding{}, false, nil
	}
	since := attendance.DateOf(s.opts.Now().UTC()).Add(-tagDays)
	var tags []string
	err := s.patiently(ctx, "counting the rows of "+t.name.String(), func() error {
		tags = nil
		q := s.statement("SELECT ").column(t, "signFrom").sql(", COUNT(*) FROM ").table(t)
		q.sql(" WHERE ").column(t, "signDate").sql(" >= ").plain(since.String())
		q.sql(" GROUP BY ").column(t, "signFrom").sql(" ORDER BY 2 DESC")
		return q.query(ctx, s.db, 2, func(v []any) error {
			tag := textOf(v[0])
			if v[0] == nil {
				tag = "NULL"
			}
			tags = append(tags, fmt.Sprintf("%s %d", tag, intOf(v[1])))
			return nil
		})
	})
	list := strings.Join(tags, ", ")
	if list == "" {
		list = "-"
	}
	return good("tags", fmt.Sprintf("rows of %s since %s by signFrom: %s", t.name, since, list),
		fmt.Sprintf("%s 自 %s 起各来源（signFrom）行数：%s", t.name, since, list)), true, err
}
