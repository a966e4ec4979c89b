package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/oasink"
)

func TestBindingsCommand(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.exec(`UPDATE HrmResource SET workcode = 'W18' WHERE id = 19`)                   // shares it
	s.exec(`UPDATE HrmResource SET workcode = 'W99', lastname = '=赵六' WHERE id = 20`) // nobody's
	s.ding.AddUser(dingtalktest.User{ID: "asleep", Name: "钱七", JobNumber: "W77", Departments: []int64{50}, Inactive: true})
	s.exec(`UPDATE HrmResource SET workcode = 'W77' WHERE id = 21`)
	r := s.bridge("bindings", "daily")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	var d bindingsDocument
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &d))
	require.Equal(t, []boundPerson{
		{"17", "张三", "研发", "staff017", "bound", false}, {"18", "李四", "研发", "staff018", "ambiguous", false}, {"19", "王五", "平台", "staff018", "ambiguous", false},
		{"20", "=赵六", "销售", "", "unbound", false}, {"21", "钱七", "分部", "asleep", "inactive", false},
	}, d.People)
	code, table, _ := s.plain("bindings", "daily")
	require.Equal(t, 0, code)
	require.Equal(t, "employee_id,name,department,account,state\n17,张三,研发,staff017,bound\n18,李四,研发,staff018,ambiguous\n19,王五,平台,staff018,ambiguous\n20,'=赵六,销售,,unbound\n21,钱七,分部,asleep,inactive\n", table)
	_, withBOM, _ := s.plain("bindings", "daily", "-bom")
	require.Equal(t, "\ufeff"+table, withBOM)
	pairs, err := oasink.ReadPairs(strings.NewReader(withBOM))
	require.NoError(t, err, "binding.file can be such a table")
	require.Len(t, pairs, 4)
	for _, args := range [][]string{{"bindings"}, {"bindings", "daily", "-from", "2026-03-01", "-to", "2026-03-02"}, {"bindings", "daily", "-propose"}} {
		code, _, _ := s.plain(args...)
		require.Equal(t, 2, code, args)
	}
}

// A site leaves the old bridge: nothing but its rows tells who is who.
func TestBindingsFromOldRows(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	require.Equal(t, 0, s.backfill().code) // the old bridge wrote the same
	s.exec(`UPDATE HrmResource SET workcode = ''`)
	s.exec(`DELETE FROM HrmScheduleSign WHERE userId = 21`)
	require.Equal(t, 0, s.reconciledNobody())
	before := dump(t, s.db)
	r := s.bridge("bindings", "daily", "-propose", "-from", "2026-03-02", "-to", "2026-03-06")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Contains(t, r.stderr, "预计 estimate: 5 人 people, 1 次查询 queries, 1 次调用 calls")
	var d proposalsDocument
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &d))
	require.Len(t, d.Proposals, 5)
	require.Equal(t, proposal{"17", "staff017", "张三", "研发", "staff017", "张三", 1, 0, 10, 10, ""}, d.Proposals[0])
	require.Equal(t, proposal{"21", "", "钱七", "分部", "", "", 0, 0, 0, 0, oasink.NoOldRows}, d.Proposals[4])
	require.Equal(t, 1, d.Calls)
	require.Equal(t, before, dump(t, s.db))

	code, table, _ := s.plain("bindings", "daily", "-propose", "-from", "2026-03-02", "-to", "2026-03-06", "-bom")
	require.Equal(t, 0, code)
	require.Contains(t, table, "17,staff017,张三,研发,张三,100%,0%,10,10,,staff017\n")
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "bindings.csv"), []byte(table), 0o600))
	s.job = []string{"binding: {by: file, file: bindings.csv}"}
	report := s.backfill()
	require.Equal(t, 0, report.code, report.stdout)
	require.Equal(t, map[string]string{"21": "unbound"}, report.document.leftOut())
	require.Equal(t, ordinaryRows-10, report.document.Present)
}

// reconciledNobody is how many differences there are when nobody is bound.
func (s *site) reconciledNobody() int {
	s.t.Helper()
	d := s.reconciled(0)
	require.Len(s.t, d.LeftOut, 5, fmt.Sprint(d.LeftOut))
	return d.Counts.Sum()
}
