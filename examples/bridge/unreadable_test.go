package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// A directory that may not be read: where the OA's values are accounts, everybody who has
// one is asked for, unread; elsewhere nobody is, and the permission is named.
func TestDirectoryThatMayNotBeRead(t *testing.T) {
	dingtalk := func(t *testing.T) *site {
		s := newSite(t, "e8")
		s.ordinary()
		s.exec(`UPDATE HrmResource SET loginid = 'staff0' || id, account = 'staff0' || id, mobile = '138000000' || id, email = id || '@example.com'`)
		s.ding.Deny(dingtalktest.PermissionDepartments)
		s.ding.Deny(dingtalktest.PermissionMembers)
		return s
	}
	wecom := func(t *testing.T) *site {
		s := newWecomSite(t, wecomtest.Options{})
		s.ordinary()
		for _, path := range []string{wecomtest.PathDepartments, wecomtest.PathUserIDs, wecomtest.PathUsers, wecomtest.PathUsersSimple} {
			s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 48002, Path: path})
		}
		s.exec(`UPDATE HrmResource SET loginid = 'w' || id, account = 'w' || id, mobile = '138000000' || id, email = id || '@example.com'`)
		return s.site
	}
	for _, c := range []struct {
		platform, by string
		site         func(*testing.T) *site
		unread       bool
		names        string // the permission
	}{
		{"dingtalk", "loginid", dingtalk, true, "qyapi_get_department"}, {"dingtalk", "account", dingtalk, true, "qyapi_get_department"},
		{"dingtalk", "workcode", dingtalk, false, "qyapi_get_department"}, {"dingtalk", "mobile", dingtalk, false, "qyapi_get_department"}, {"dingtalk", "email", dingtalk, false, "qyapi_get_department"},
		{"wecom", "loginid", wecom, true, "48002"}, {"wecom", "account", wecom, true, "48002"}, {"wecom", "workcode", wecom, true, "48002"},
		{"wecom", "mobile", wecom, false, "48002"}, {"wecom", "email", wecom, false, "48002"},
	} {
		t.Run(c.platform+" by "+c.by, func(t *testing.T) {
			s := c.site(t)
			s.job = []string{"binding: {by: " + c.by + "}"}
			if c.by == "loginid" { // without one nobody is in the roster
				s.exec(`UPDATE HrmResource SET status = 5 WHERE id = 21`)
			} else {
				s.exec(`UPDATE HrmResource SET ` + c.by + ` = '' WHERE id = 21`)
			}
			check := s.bridge("check")
			require.NotContains(t, check.stdout, "people are bound")
			b := s.bridge("bindings", "daily")
			var d bindingsDocument
			require.NoError(t, json.Unmarshal([]byte(b.stdout), &d))
			r := s.backfill()
			if !c.unread {
				require.Equal(t, 3, check.code, check.stdout)
				require.Contains(t, check.document.errors()["permission"], c.names)
				require.NotContains(t, check.stdout, "directory_unreadable")
				require.Equal(t, 3, b.code, b.stdout)
				require.Empty(t, d.People)
				require.Equal(t, 3, r.code, r.stdout)
				require.Equal(t, "permission", r.document.Error.Code)
				require.Contains(t, r.stdout, c.names)
				require.Zero(t, r.document.Calls)
				require.Empty(t, s.rows(signRows))
				_, exit := s.explain(t, "17")
				require.Equal(t, 3, exit)
				return
			}
			require.Equal(t, 0, check.code, check.stdout)
			require.Contains(t, check.stdout, " people are asked for by their "+c.by)
			require.Equal(t, 0, b.code, b.stdout)
			require.True(t, d.People[0].Unread)
			require.Equal(t, 0, r.code, r.stdout+r.stderr)
			require.Contains(t, r.document.warning("directory_unreadable"), c.names)
			if c.by != "loginid" {
				require.Equal(t, boundPerson{"21", "钱七", "分部", "", "unbound", false}, d.People[4])
				require.Equal(t, map[string]string{"21": "unbound"}, r.document.leftOut())
			}
			require.Equal(t, ordinaryRows-10, r.document.Written)
		})
	}
}

// bound_only: false reads no directory and says so, in every command.
func TestDirectoryThatIsNotRead(t *testing.T) {
	s := newSite(t, "e8")
	s.ordinary()
	s.exec(`UPDATE HrmResource SET loginid = 'staff0' || id`)
	s.job = []string{"binding: {by: loginid, bound_only: false}"}
	for _, args := range [][]string{{"check"}, {"bindings", "daily"}, {"preview", "daily"}, {"backfill", "daily", "-from", "2026-03-02", "-to", "2026-03-06"}, {"history", "daily"}} {
		if args[0] == "history" {
			args = append(args, "-grep", "directory_unread")
		}
		r := s.bridge(args...)
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		if args[0] != "history" {
			require.Contains(t, r.stdout, `"directory_unread"`, args)
			continue
		}
		require.Contains(t, r.stdout, `"kind": "backfill"`, "the sync log keeps the warning")
	}
}
