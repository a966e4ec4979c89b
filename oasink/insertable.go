package oasink

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// Whether rows can be added, as far as that is known without adding one.

// A trigger runs when rows are added.
type trigger struct {
	name string
	// before says that it may change the row, or put something else in its place.
	before bool
}

// readTriggers runs a query for names and whether they are before.
func readTriggers(ctx context.Context, q querier, query string, args ...any) ([]trigger, error) {
	var list []trigger
	err := eachRow(ctx, q, query, args, func(scan func(...any) error) error {
		var t trigger
		var before int64
		err := scan(&t.name, &before)
		t.before = before != 0
		list = append(list, t)
		return err
	})
	return list, err
}

// An insertable is a table that rows are added to.
type insertable struct {
	*table
	needs []string // the columns that rows must have values for
	given []string // and those that they are given beside
}

// insertables are those that are fit for it.
func (s *Sink) insertables(sh *shape) []insertable {
	list := []insertable{
		{sh.sign, signNeeds(), []string{"signFrom", "LONGITUDE", "LATITUDE", "ADDR"}},
		{sh.mobile, mobileNeeds(), []string{"address", "remark"}},
	}
	if s.recalculates(sh) {
		list = append(list, insertable{sh.pool, poolNeeds(), []string{"exectime"}})
	}
	return slices.DeleteFunc(list, func(t insertable) bool { return !t.usable(t.needs...) })
}

// gives reports whether rows are given a value for the column.
func (t insertable) gives(column string) bool {
	is := func(name string) bool { return strings.EqualFold(name, column) }
	return slices.ContainsFunc(t.needs, is) || slices.ContainsFunc(t.given, is)
}

// written are the columns that rows are given values for, as far as they exist.
func (t insertable) written() []string {
	return append(slices.Clone(t.needs), slices.DeleteFunc(slices.Clone(t.given), func(name string) bool { return !t.has(name) })...)
}

// checkInserts looks at each table for what would stop an insert, or change it.
func (s *Sink) checkInserts(ctx context.Context, sh *shape) (findings []attendance.Finding) {
	err := s.patiently(ctx, "reading what stands in the way of new rows", func() error {
		findings = nil
		for _, t := range s.insertables(sh) {
			list, err := s.hindrances(ctx, t)
			if err != nil {
				return err
			}
			findings = append(findings, list...)
		}
		return nil
	})
	if err != nil {
		return []attendance.Finding{attendance.FindingOf(attendance.Text{EN: "what stands in the way of new rows", ZH: "检查新增行的条件"}, err)}
	}
	return findings
}

func (s *Sink) hindrances(ctx context.Context, t insertable) (findings []attendance.Finding, err error) {
	triggers, err := s.dialect.triggers(ctx, s.db.DB, t.table)
	if err != nil {
		return nil, err
	}
	unfilled, err := s.dialect.unfilled(ctx, s.db.DB, t.table)
	if err != nil {
		return nil, err
	}
	if unfilled = slices.DeleteFunc(unfilled, t.gives); len(unfilled) > 0 {
		findings = append(findings, unfilledFinding(t.table, unfilled, slices.ContainsFunc(triggers, func(t trigger) bool { return t.before })))
	}
	if narrow := t.narrow(); len(narrow) > 0 && !s.dialect.anySize() {
		findings = append(findings, narrowFinding(t.table, narrow))
	}
	if len(triggers) > 0 {
		findings = append(findings, triggersFinding(t.table, triggers))
	}
	behind, err := s.behind(ctx, t.table)
	if behind != nil {
		findings = append(findings, attendance.FindingOf(attendance.Text{EN: "no row can be added", ZH: "无法新增行"}, behind))
	}
	return findings, err
}

// unfilledFinding is about columns that refuse NULL and that nobody fills in; a trigger may.
func unfilledFinding(t *table, columns []string, perhaps bool) attendance.Finding {
	list := strings.Join(columns, ", ")
	f := attendance.Finding{Code: string(attendance.CodeTable), Level: attendance.LevelError, Message: attendance.Text{
		EN: fmt.Sprintf("no row can be added to %s: %s may not be NULL and has no default, and this program does not know it", t.name, list),
		ZH: fmt.Sprintf("%s 无法新增行：列 %s 不允许为空且没有默认值，本程序不认识该列", t.name, list),
	}, Mend: fillMend()}
	if perhaps {
		f.Code, f.Level = "no_default", attendance.LevelWarning
		f.Message = attendance.Text{
			EN: fmt.Sprintf("unless a trigger fills it in, no row can be added to %s: %s may not be NULL and has no default", t.name, list),
			ZH: fmt.Sprintf("除非触发器填写，否则 %s 无法新增行：列 %s 不允许为空且没有默认值", t.name, list),
		}
	}
	return f
}

// narrow are columns of days and times that are too short for one: no row would be found
// again by what such a column keeps.
func (t insertable) narrow() (columns []string) {
	const day, clock = "2006-01-02", "15:04:05"
	holds := map[string]string{"signDate": day, "signTime": clock, "operate_date": day, "operate_time": clock, "kqdate": day}
	for _, name := range t.needs {
		if c, ok := t.column(name); ok && !c.takes(holds[name]) {
			columns = append(columns, fmt.Sprintf("%s (%d)", c.name, c.size))
		}
	}
	return columns
}

func narrowFinding(t *table, columns []string) attendance.Finding {
	list := strings.Join(columns, ", ")
	return attendance.Finding{Code: string(attendance.CodeTable), Level: attendance.LevelError, Message: attendance.Text{
		EN: fmt.Sprintf("no row of %s would be found again: too short for a day (10 characters) or a time with its seconds (8) is %s", t.name, list),
		ZH: fmt.Sprintf("写入 %s 的行将无法再找到：以下列放不下日期（10 位）或带秒的时间（8 位）：%s", t.name, list),
	}, Mend: attendance.Text{
		EN: "let a database administrator widen the column: dates need 10 characters, times 8",
		ZH: "请数据库管理员加长该列：日期需 10 位，时间需 8 位",
	}}
}

func fillMend() attendance.Text {
	return attendance.Text{
		EN: "give the column a default (ALTER TABLE ... ALTER COLUMN ... SET DEFAULT), or let it be NULL",
		ZH: "请为该列设置默认值（ALTER TABLE ... ALTER COLUMN ... SET DEFAULT），或允许为空",
	}
}

func triggersFinding(t *table, triggers []trigger) attendance.Finding {
	names := make([]string, len(triggers))
	for i, t := range triggers {
		names[i] = t.name
	}
	list := strings.Join(names, ", ")
	return attendance.Finding{Code: "triggers", Level: attendance.LevelWarning, Message: attendance.Text{
		EN: fmt.Sprintf("triggers run when rows are added to %s: %s; what they change or refuse is seen in a run only", t.name, list),
		ZH: fmt.Sprintf("%s 新增行时会执行触发器：%s；其修改或拒绝的内容只有运行时才能看到", t.name, list),
	}, Mend: attendance.Text{
		EN: "nothing, if runs write what they should; else ask whoever made them",
		ZH: "若运行写入正常则无需处理；否则请联系触发器的制作者",
	}}
}

// behind is about a table whose next id is one that a row has already, as after a
// migration that has copied rows with their ids; nil where it is not, or is not known.
func (s *Sink) behind(ctx context.Context, t *table) (behind *attendance.Error, err error) {
	id, ok := t.column("id")
	if !ok {
		return nil, nil
	}
	next, known, mend, err := s.dialect.nextID(ctx, s.db.DB, t, id)
	switch {
	case err != nil && s.dialect.diagnose(err).repeats(): // no right to look
		return nil, nil
	case err != nil || !known:
		return nil, err
	}
	taken := false
	query := s.statement("SELECT 1 FROM ").table(t).sql(" WHERE ").column(t, "id").sql(" = ").list([]int64{next})
	err = eachRow(ctx, s.db.DB, string(query.b), nil, func(func(...any) error) error { taken = true; return nil })
	if err != nil || !taken {
		return nil, err
	}
	return &attendance.Error{Code: attendance.CodeTable, Op: "oasink",
		Detail: fmt.Sprintf("the generator of %s.%s stands behind its rows: the next id is %d, which a row has already (rows were copied with their ids)", t.name, id.name, next),
		Mend: attendance.Text{
			EN: "let a database administrator set it behind them: " + mend,
			ZH: "请数据库管理员把序列设到现有最大值之后：" + mend,
		}}, nil
}

// unlessBehind is err, a failed write's, or the reason for it where that is a generator
// that stands behind its rows.
func (s *Sink) unlessBehind(ctx context.Context, sh *shape, err error) error {
	if ctx.Err() != nil || s.dialect.diagnose(err) != twice || attendance.CodeOf(err) == attendance.CodeTable {
		return err
	}
	for _, t := range s.insertables(sh) {
		if behind, looked := s.behind(ctx, t.table); looked == nil && behind != nil {
			behind.Op, behind.Err = "oasink write", err
			behind.Detail += ": " + sentence(err)
			return behind
		}
	}
	return err
}
