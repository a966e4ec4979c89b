package dbtest

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

var ledgerTables = []string{"punchbridge_origins", "punchbridge_rows", "punchbridge_reads", "punchbridge_changes", "punchbridge_version"}

// reader is the database as an account sees it that may read, and nothing else.
func (d database) reader(t *testing.T, ledger bool) database {
	t.Helper()
	if d.name == sqliteName {
		d.dsn += "&_pragma=query_only(1)"
		return d
	}
	r := d.as(t, "")
	var account string
	if d.name == mariadbName {
		config, err := mysql.ParseDSN(r.dsn)
		require.NoError(t, err)
		account = "'" + config.User + "'@'%'"
	} else {
		dsn, err := url.Parse(r.dsn)
		require.NoError(t, err)
		account = dsn.User.Username()
	}
	for _, table := range ledgerTables {
		if ledger {
			d.exec(t, d.oa.DB(), "GRANT SELECT ON "+schemaOf(t, d.engine, d.oa.DB())+"."+table+" TO "+account)
		}
	}
	return r
}

// dump is all that a database holds, table by table; "" of a table that is not there.
func (d database) dump(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, table := range append([]string{"HrmScheduleSign", "mobile_sign", "kq_format_pool"}, ledgerTables...) {
		all[table] = d.dumpOf(t, table)
	}
	return all
}

func (d database) dumpOf(t *testing.T, table string) string {
	t.Helper()
	rows, err := d.oa.DB().Query("SELECT * FROM " + table)
	if err != nil {
		require.Regexp(t, "(?i)no such table|doesn't exist|does not exist", err)
		return ""
	}
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	lines := []string{strings.Join(columns, "|")}
	for rows.Next() {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		require.NoError(t, rows.Scan(dest...))
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				values[i] = string(b)
			}
		}
		lines = append(lines, fmt.Sprint(values...))
	}
	require.NoError(t, rows.Err())
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// A punchRow is a row of either punch table.
type punchRow struct {
	attendance.RowChange
	rest string // what a RowChange does not tell
}

// rows are those of the punch tables, by table and id.
func (d database) rows(t *testing.T) map[string]punchRow {
	t.Helper()
	all := make(map[string]punchRow)
	row := func(table string, id, person int64, date, clock, direction string, rest ...string) {
		r := punchRow{attendance.RowChange{Table: table, Person: itoa(int(person))}, strings.Join(rest, "|")}
		r.Direction = map[string]attendance.Direction{"1": attendance.In, "2": attendance.Out}[direction]
		var err error
		r.Time, err = time.ParseInLocation(time.DateTime, date+" "+clock, beijing())
		require.NoError(t, err)
		r.Time = r.Time.UTC()
		all[fmt.Sprint(table, id)] = r
	}
	signs, err := d.oa.SignRows(context.Background())
	require.NoError(t, err)
	for _, r := range signs {
		row("HrmScheduleSign", r.ID, r.UserID, r.SignDate, r.SignTime, r.SignType, r.SignFrom, r.Longitude, r.Latitude, r.Addr, r.IsInCom)
	}
	mobiles, err := d.oa.MobileRows(context.Background())
	require.NoError(t, err)
	for _, r := range mobiles {
		row("mobile_sign", r.ID, r.Operater, r.OperateDate, r.OperateTime, "", r.Longitude, r.Latitude, r.Address, r.Remark, r.OperateType)
	}
	return all
}

// difference is what has become of the rows.
func difference(before, after map[string]punchRow) []attendance.RowChange {
	var list []attendance.RowChange
	for id, r := range after {
		was, there := before[id]
		switch {
		case !there:
			r.Action = attendance.ActionAdd
		case was != r:
			r.Action, r.Was = attendance.ActionMove, was.Time
		default:
			continue
		}
		list = append(list, r.RowChange)
	}
	for id, r := range before {
		if _, there := after[id]; !there {
			r.Action = attendance.ActionRemove
			list = append(list, r.RowChange)
		}
	}
	return list
}

// foretold previews a batch with one sink and returns what compares with the write.
func (d database) foretold(t *testing.T, s *oasink.Sink, b attendance.Batch) func(w attendance.Written) {
	t.Helper()
	before, rows := d.dump(t), d.rows(t)
	p, err := s.Preview(context.Background(), b)
	require.NoError(t, err)
	require.Equal(t, before, d.dump(t), "a preview changes nothing")
	return func(w attendance.Written) {
		t.Helper()
		require.Equal(t, w, p.Written)
		after := d.rows(t)
		d.compare(t, p, difference(rows, after))
		for _, r := range p.Rows {
			if r.Action == attendance.ActionKeep {
				r.Action, r.Time = "", r.Time.UTC()
				require.True(t, holds(rows, r) && holds(after, r), "%+v", r)
			}
		}
	}
}

// compare compares what was told with what came, and looks at the order and at how
// many are told as superseded.
func (d database) compare(t *testing.T, p attendance.Preview, changes []attendance.RowChange) {
	t.Helper()
	order := func(a, b attendance.RowChange) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), a.Time.Compare(b.Time))
	}
	require.True(t, slices.IsSortedFunc(p.Rows, order), "by person and time: %v", p.Rows)
	text := func(list []attendance.RowChange) []string {
		var lines []string
		for _, r := range list {
			lines = append(lines, fmt.Sprintf("%s %s %s %v %s %s", r.Action, r.Table, r.Person, r.Direction, r.Time.UTC().Format(time.DateTime), r.Was.UTC().Format(time.DateTime)))
		}
		slices.Sort(lines)
		return lines
	}
	kept := func(r attendance.RowChange) bool { return r.Action == attendance.ActionKeep }
	told := slices.DeleteFunc(slices.Clone(p.Rows), kept)
	require.Equal(t, text(changes), text(told))
	require.Equal(t, p.Superseded, len(p.Rows)-len(told))
}

func holds(rows map[string]punchRow, r attendance.RowChange) bool {
	for _, o := range rows {
		if o.RowChange == r {
			return true
		}
	}
	return false
}

// Whatever has happened, a preview tells what the next write does, with the right to
// read and no other, and changes nothing, in no table.
func TestPreviewsOfRandomHistories(t *testing.T) {
	t.Parallel()
	seeds := map[string]int{sqliteName: byLength(24, 8), mariadbName: byLength(6, 1), postgresName: byLength(6, 1)}
	everywhere(t, func(t *testing.T, on engine) {
		for seed := range seeds[on.name] {
			t.Run(fmt.Sprint(seed), func(t *testing.T) { testPreviewsOfARandomHistory(t, on, uint64(seed)) })
		}
	})
}

func testPreviewsOfARandomHistory(t *testing.T, on engine, seed uint64) {
	options := func() *oasink.Options {
		o := &oasink.Options{SignFrom: "from_dd", Outside: []oasink.Outside{oasink.OutsideMobile, oasink.OutsideSign, oasink.OutsideBoth}[seed/2%3]}
		if seed%3 > 0 {
			o.Ledger = &oasink.LedgerOptions{Withdrawn: []oasink.Withdrawn{oasink.KeepWithdrawn, oasink.DeleteWithdrawn}[seed%3-1]}
		}
		return o
	}
	h := newHistory(t, on, seed, oasink.KeepWithdrawn) // the ledger's tables are there all the same
	h.sinks = []*oasink.Sink{sink(t, h.d.pool(t), options()), sink(t, h.d.pool(t), options())}
	previewer := sink(t, h.d.reader(t, true).pool(t), options())
	seen := make(map[attendance.Action]int)
	h.foretell = func(b attendance.Batch) func(attendance.Written) {
		for i := range b.Punches { // some are outside punches, and become others when they are moved
			if p := &b.Punches[i]; p.Kind == attendance.Regular && p.Time.Day()%2 == 0 {
				p.Kind = attendance.Outside
			}
		}
		p, err := previewer.Preview(context.Background(), b)
		require.NoError(t, err)
		for _, r := range p.Rows {
			seen[r.Action]++
		}
		return h.d.foretold(t, previewer, b)
	}
	for i := range 30 {
		require.NoError(t, h.d.oa.AddSigns(context.Background(), ecologytest.SignRow{UserID: int64(101 + i%historyPeople), UserType: "1", SignType: itoa(1 + i%2),
			SignDate: at(2+i%7, 0, 0, 0).Format(time.DateOnly), SignTime: fmt.Sprintf("%02d:%02d:%02d", 8+i%2, i%4, i%3), IsInCom: itoa(i % 5), SignFrom: []string{"e9pc", null, "from_dd"}[i%3]}))
	}
	for range 100 {
		if options().Ledger == nil {
			h.runs = nil // none can be undone
		}
		h.step()
	}
	for range 3 {
		for _, c := range h.corps {
			h.write(h.full(c))
		}
	}
	require.NotZero(t, seen[attendance.ActionAdd])
	require.NotZero(t, seen[attendance.ActionKeep])
	require.Equal(t, options().Ledger != nil, seen[attendance.ActionMove] > 0)
	require.Equal(t, options().Ledger != nil && options().Ledger.Withdrawn == oasink.DeleteWithdrawn, seen[attendance.ActionRemove] > 0)
}
