package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// Somebody who is taken on again gets a new userid with the old job number: the old
// account's punches are lost to the platform, and not to the OA.
func TestANewAccountWithdrawsNothing(t *testing.T) {
	s := newLedgerSite(t, "e9")
	for day := 4; day <= 6; day++ {
		s.punch(17, fmt.Sprintf("%02d 08:50:00", day), "OnDuty")
	}
	s.now = at(t, "06 23:30:00")
	require.Equal(t, 0, s.bridge("run", "daily").code)
	before := s.rows(signRows)
	require.Len(t, before, 3)
	s.ding.RemoveUser(account(17))
	s.ding.AddUser(dingtalktest.User{ID: "newstaff017", Name: "张三", JobNumber: "W17", Departments: []int64{50}})
	s.ding.AddPunch(dingtalktest.Punch{UserID: "newstaff017", Time: at(t, "07 08:55:00"), CheckType: "OnDuty"})
	for day := 7; day <= 9; day++ {
		s.now = at(t, fmt.Sprintf("%02d 23:30:00", day))
		r := s.bridge("run", "daily")
		require.Equal(t, 0, r.code, r.stdout)
		require.Zero(t, r.document.Removed, r.stdout)
		if day > 7 { // who is new is caught up by days before the first punch
			require.Equal(t, 3, r.document.Superseded, r.stdout)
			require.NotEmpty(t, r.document.warning("account_changed"))
		}
		require.Equal(t, append(before, "17|1|2026-03-07|08:55:00"), s.rows(signRows))
	}
}

// A directory that may be read no longer leaves accounts that nobody knows: they are
// asked for unread, and what they do not say proves nothing.
func TestARevokedPermissionWithdrawsNothing(t *testing.T) {
	for _, by := range []string{"workcode", "loginid"} {
		s := newLedgerSite(t, "e9")
		s.job = set(s.job, "binding: {by: "+by+"}")
		if by == "loginid" {
			s.exec(`UPDATE HrmResource SET loginid = 'staff0' || id`)
		}
		ids := s.ding.AddPunch(dingtalktest.Punch{UserID: account(17), Time: at(t, "06 08:50:00"), CheckType: "OnDuty"},
			dingtalktest.Punch{UserID: account(17), Time: at(t, "06 18:00:00"), CheckType: "OffDuty"})
		day := []string{"backfill", "daily", "-from", "2026-03-06", "-to", "2026-03-06"}
		require.Equal(t, 0, s.bridge(day...).code)
		before := s.rows(signRows)
		require.Len(t, before, 2)
		for _, id := range ids { // the platform answers with nothing for whom it does not show
			require.True(t, s.ding.RemovePunch(id))
		}
		for _, point := range []string{dingtalktest.PermissionDepartments, dingtalktest.PermissionMembers, dingtalktest.PermissionMember} {
			s.ding.Deny(point)
		}
		for range 3 {
			r := s.bridge(day...)
			require.Zero(t, r.document.Removed, r.stdout)
			require.Equal(t, before, s.rows(signRows), by)
		}
	}
}

// Accounts that are asked for unread withdraw by what they answer, never by silence.
func TestUnreadAccountsWithdrawOnlyByAnAnswer(t *testing.T) {
	bindings := map[string]func(*site){
		"binding: {by: loginid, bound_only: false}": func(s *site) { s.exec(`UPDATE HrmResource SET loginid = 'staff0' || id`) },
		"binding: {by: file, file: pairs.csv}": func(s *site) {
			var lines strings.Builder
			lines.WriteString("employee_id,account\n")
			for id := 17; id <= 21; id++ {
				fmt.Fprintf(&lines, "%d,%s\n", id, account(id))
			}
			require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, "pairs.csv"), []byte(lines.String()), 0o600))
		},
	}
	for binding, prepare := range bindings {
		s := newLedgerSite(t, "e8")
		s.job = set(s.job, binding)
		prepare(s)
		var ids []int64
		for id := 17; id <= 18; id++ {
			for hour := range 2 {
				ids = append(ids, s.ding.AddPunch(dingtalktest.Punch{UserID: account(id), Time: at(t, "06 08:00:00").Add(time.Duration(hour*9) * time.Hour), CheckType: "OnDuty"})...)
			}
		}
		require.Equal(t, 4, s.backfill().document.Written)
		for _, id := range ids[1:] { // 17 keeps one, 18 none
			require.True(t, s.ding.RemovePunch(id))
		}
		require.Equal(t, 1, s.backfill().document.Removed, binding)
		require.Zero(t, s.backfill().document.Removed, binding)
		require.Zero(t, s.backfill().document.Removed, binding)
		require.Equal(t, []string{"17|1|2026-03-06|08:00:00", "18|1|2026-03-06|08:00:00", "18|1|2026-03-06|17:00:00"}, s.rows(signRows), binding)
	}
}
