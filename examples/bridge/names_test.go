package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// Names that the OA holds in several languages are shown and found in Chinese, in every
// document and table.
func TestNamesInSeveralLanguages(t *testing.T) {
	s := newSite(t, "e9")
	s.ordinary()
	s.exec("UPDATE HrmResource SET lastname = '`~`~`7 张三`~`8 Zhang San`~`~`' WHERE id = 17")
	s.exec("UPDATE HrmResource SET lastname = '`~`~`7 李四`~`8 Li Si`~`~`', workcode = '' WHERE id = 18")
	s.exec("UPDATE HrmDepartment SET departmentname = '`~`~`7 研发部`~`8 R&D`~`~`' WHERE id = 11")
	s.exec("UPDATE HrmSubCompany SET subcompanyname = '`~`~`7 总部`~`8 Head Office`~`~`' WHERE id = 1")
	const mark = "`~"
	for _, who := range []string{"张三", "Zhang San", "name:张三", "17"} {
		d, exit := s.explain(t, who)
		require.Equal(t, 0, exit, who)
		require.Equal(t, [2]string{"17", "张三"}, [2]string{d.Employee, d.Name}, who)
	}
	s.person(30, 11, "张三")
	var found candidatesDocument
	r := s.bridge("explain", "daily", "-employee", "张三", "-day", "2026-03-02")
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &found))
	require.Len(t, found.Candidates, 2)
	require.Equal(t, [2]string{"张三", "研发部"}, [2]string{found.Candidates[0].Name, found.Candidates[0].Unit})
	require.NotContains(t, r.stdout, mark)

	require.Contains(t, s.backfill().stdout, `"name": "李四"`)
	for _, args := range [][]string{{"check"}, {"bindings", "daily"}, {"backfill", "daily", "-from", "2026-03-02", "-to", "2026-03-06"}, {"history", "daily"},
		{"reconcile", "daily", "-from", "2026-03-02", "-to", "2026-03-06", "-csv"}, {"changes", "daily", "-since", "2026-03-01T00:00:00+08:00", "-csv"}} {
		code, text, logs := s.plain(args...)
		require.Contains(t, []int{0, 1}, code)
		require.NotContains(t, text+logs, mark, args)
	}
	_, table, _ := s.plain("bindings", "daily")
	require.Contains(t, table, "17,张三,研发部,staff017,bound\n18,李四,研发部,,unbound\n")
}
