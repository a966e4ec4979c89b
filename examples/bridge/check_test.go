package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

func TestCheckAllWell(t *testing.T) {
	t.Parallel()
	for _, generation := range []string{"e7", "e8", "e9"} {
		s := newSite(t, generation)
		s.ordinary()
		before := s.rows(`SELECT count(*) FROM HrmScheduleSign`)
		r := s.bridge("check")
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.NotEmpty(t, r.document.Findings)
		require.Empty(t, r.document.errors())
		for _, f := range r.document.Findings {
			require.NotEmpty(t, f.Code)
			require.Contains(t, f.Message, " / ", "Chinese and English: %v", f)
			require.Contains(t, []string{"ok", "warning", "error"}, f.Level)
			if f.Level != "ok" {
				require.NotEmpty(t, f.Mend, f)
			}
		}
		require.Equal(t, before, s.rows(`SELECT count(*) FROM HrmScheduleSign`), "check writes nothing")
	}
}

func TestCheckBindings(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.exec(`UPDATE HrmResource SET workcode = 'W18' WHERE id = 19`)
	s.exec(`UPDATE HrmResource SET workcode = '' WHERE id = 20`)
	s.person(22, 11, "孙八")
	s.ding.AddUser(dingtalktest.User{ID: "staff022", Name: "孙八", JobNumber: "W22", Departments: []int64{50}, Inactive: true})
	r := s.bridge("check")
	require.Equal(t, 0, r.code, r.stdout)
	for _, want := range []string{"unbound", "ambiguous", "inactive", "赵六", "李四", "孙八"} {
		require.Contains(t, r.stdout, want)
	}
}

func TestCheckSaysOneThingOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.job = append(s.job, "at: ['01:30', '12:00']")
	cmd := s.command("check")
	appendText(t, filepath.Join(s.dir, "bridge.yaml"), "  - {name: second, provider: platform, binding: {by: id}, at: '02:59'}\n  - {name: third, provider: platform, enabled: false, binding: {by: mobile}, at: '03:00'}\ncontact_sync_at: '02:00'\n")
	s.ding.Deny(dingtalktest.PermissionAttendance)
	r := s.finish(cmd)
	require.Equal(t, 3, r.code, r.stdout)
	seen := map[string]int{}
	for _, f := range r.document.Findings {
		seen[f.Code+f.Message]++
		require.Equal(t, 1, seen[f.Code+f.Message], f)
	}
	var close []string
	for _, f := range r.document.Findings {
		if f.Code == "contact_sync_close" {
			require.Equal(t, "warning", f.Level)
			close = append(close, strings.SplitN(f.Message, ":", 2)[0])
		}
	}
	require.Equal(t, []string{"daily", "second"}, close, "only jobs within an hour, 30 and 59 minutes apart")
	require.Equal(t, 1, strings.Count(r.stdout, `"code": "permission"`))
}

func TestCheckOfAStartAfterMidnight(t *testing.T) {
	t.Parallel()
	for lookBack, want := range map[string]int{"look_back_days: 0": 1, "look_back_days: 6": 0} {
		s := newSite(t, "e8")
		s.ordinary()
		s.job = append(s.job, "at: ['00:10', '23:30']", lookBack)
		r := s.bridge("check")
		require.Equal(t, 0, r.code, r.stdout)
		require.Equal(t, want, strings.Count(r.stdout, `"code": "only_today"`), r.stdout)
	}
}

func appendText(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestCheckOutOfVisibleRange(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ding = dingtalktest.New(&dingtalktest.Options{Now: noon, QPS: -1, AuthedDepartments: []int64{}, AuthedUsers: []string{"staff017"}})
	s.ding.AddDepartment(dingtalktest.Department{ID: 50, Parent: 1, Name: "全体"})
	for id := 17; id <= 21; id++ {
		s.user(id, "x")
	}
	r := s.bridge("check")
	require.Contains(t, []int{0, 1, 3}, r.code)
	require.Contains(t, r.stdout, "unbound", r.stdout)
	r = s.backfill()
	require.Len(t, r.document.LeftOut, 4, r.stdout)
}

func TestCheckOneFamily(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.provider = set(s.provider, "field_check_ins: true")
	r := s.bridge("check")
	require.Equal(t, 0, r.code, r.stdout)
	require.Contains(t, r.stdout, `"checkins"`)
	require.Equal(t, 1, strings.Count(r.stdout, `"clock"`))
	s.ding.Deny(dingtalktest.PermissionCheckIn)
	s.ding.Deny(dingtalktest.PermissionBase)
	r = s.bridge("check")
	require.Equal(t, 3, r.code, r.stdout)
	require.Contains(t, r.document.errors()["permission"], dingtalktest.PermissionCheckIn)
	require.Contains(t, r.stdout, `"punches"`)

}
