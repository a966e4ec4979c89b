package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// Numbers of Hong Kong, Macau and Taiwan are the same however their country code is
// written, and nobody's where it is not.
func TestMobileNumbersFromAbroad(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.job = set(s.job, "binding: {by: mobile}")
	for id, number := range map[int][3]string{ // on the platform: code and number; in the OA
		17: {"852", "61234567", "0085261234567"},
		18: {"852", "852-91234567", "+852 9123 4567"},
		19: {"853", "66123456", "853-66123456"},
		20: {"886", "912345678", "+886 0912-345-678"},
		21: {"852", "51234567", "51234567"}, // whose this is nobody knows
	} {
		s.ding.AddUser(dingtalktest.User{ID: account(id), StateCode: number[0], Mobile: number[1], Departments: []int64{50}})
		s.exec(`UPDATE HrmResource SET mobile = ? WHERE id = ?`, number[2], id)
	}
	s.ordinary()
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, map[string]string{"21": "unbound"}, r.document.leftOut())
	require.Equal(t, ordinaryRows-10, r.document.Written)
}

// A department that DingTalk does not answer for costs the job only those who are in no
// other: the others have their punches, and nobody loses a check-in.
func TestADepartmentThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	for _, code := range []int{60003, 40035, 400002, 400} {
		s := newSite(t, "e8")
		s.provider = append(s.provider, "field_check_ins: true")
		s.ding.AddDepartment(dingtalktest.Department{ID: 60, Parent: 1}, dingtalktest.Department{ID: 61, Parent: 60})
		s.ding.AddUser(dingtalktest.User{ID: account(20), JobNumber: "W20", Departments: []int64{60}}, dingtalktest.User{ID: account(21), JobNumber: "W21", Departments: []int64{60, 50}})
		for id := 17; id <= 21; id++ {
			s.ding.AddCheckIn(dingtalktest.CheckIn{UserID: account(id), Time: at(t, "04 10:00:00"), Place: "p"})
		}
		s.ordinary()
		s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 60, Code: code})
		r := s.backfill()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Contains(t, r.document.warning("directory_incomplete"), "部门 60")
		require.Equal(t, map[string]string{"20": "unbound"}, r.document.leftOut(), code)
		require.Equal(t, ordinaryRows-10+4, r.document.Written)
		require.Contains(t, s.bridge("check").stdout, "部门 60")

		s.ding.Heal() // who comes late is caught up
		require.Equal(t, 11, s.backfill().document.Written)
	}
}

// 可见范围 given person by person, or by a tag, binds like one given by departments: agent/get
// tells it, by one call. Where it cannot tell, nobody is said to lack a value that is there.
func TestVisiblePersonByPerson(t *testing.T) {
	t.Parallel()
	singly := wecomtest.Options{VisibleDepartments: []int64{60}, VisibleUsers: []string{"w18", "w19"}}
	one := func(options wecomtest.Options, change func(*wecomSite)) *wecomSite {
		s := newWecomSite(t, options)
		s.wx.AddDepartment(wecomtest.Department{ID: 60, Parent: 1})
		s.wx.AddUser(wecomtest.User{ID: "w17", Departments: []int64{60}}, wecomtest.User{ID: "w19", Departments: []int64{50}, Status: 4})
		s.ordinary()
		if change != nil {
			change(s)
		}
		return s
	}
	all := map[string]string{"19": "inactive", "20": "unbound", "21": "unbound"}
	t.Run("told", func(t *testing.T) {
		s := one(singly, nil)
		r := s.backfill()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Empty(t, r.document.Warnings)
		require.Equal(t, all, r.document.leftOut())
		require.Equal(t, 20, r.document.Written)
		require.Equal(t, 1, s.wx.Requests(wecomtest.PathAgent))
		require.Equal(t, 1, s.wx.Requests(wecomtest.PathDepartments))
		r = s.bridge("check")
		require.Equal(t, 0, r.code, r.stdout)
		require.Contains(t, r.stdout, "1 个部门、2 名单独添加的成员")
		require.Contains(t, r.stdout, "请确认其 OA 的 workcode 就是平台账号")
		require.NotContains(t, r.stdout, "补齐")
	})
	t.Run("details withheld", func(t *testing.T) {
		s := one(singly, func(s *wecomSite) {
			s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 48002, Path: wecomtest.PathUser})
		})
		r := s.backfill()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.NotEmpty(t, r.document.warning("directory_without_details"))
		require.Equal(t, map[string]string{"20": "unbound", "21": "unbound"}, r.document.leftOut())
		require.Equal(t, 30, r.document.Written)
		require.Contains(t, s.bridge("check").stdout, "其中 2 人的账号平台通讯录未予显示")
	})
	t.Run("a tag", func(t *testing.T) {
		s := one(wecomtest.Options{VisibleDepartments: []int64{60}, VisibleTags: []wecomtest.Tag{{ID: 7, Users: []string{"w18"}, Departments: []int64{50}}}}, nil)
		r := s.backfill()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Empty(t, r.document.Warnings)
		require.Equal(t, map[string]string{"19": "inactive"}, r.document.leftOut())
	})
	for name, change := range map[string]func(*wecomSite){
		"no agent_id":        func(s *wecomSite) { s.provider = slices.DeleteFunc(s.provider, isAgentID) },
		"another's agent_id": func(s *wecomSite) { s.provider = set(s.provider, `agent_id: "1000002"`) },
		"refused": func(s *wecomSite) {
			s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 48002, Path: wecomtest.PathAgent})
		},
		"not there": func(s *wecomSite) {
			s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Answer, Status: 404, Body: "<html>", Path: wecomtest.PathAgent})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := one(singly, change)
			r := s.backfill()
			require.Equal(t, 0, r.code, r.stdout+r.stderr)
			require.Contains(t, r.document.warning("directory_partial"), "单独添加的成员")
			require.Equal(t, map[string]string{"18": "unbound", "19": "unbound", "20": "unbound", "21": "unbound"}, r.document.leftOut())
			require.Equal(t, 10, r.document.Written)
			for _, args := range [][]string{{"check"}, {"explain", "daily", "-employee", "id:18", "-day", "2026-03-02"}} {
				r = s.bridge(args...)
				require.Equal(t, 0, r.code, r.stdout)
				require.Contains(t, r.stdout, "应用只看到部分通讯录")
				require.NotContains(t, r.stdout, "补齐")
			}
			s.exec(`UPDATE HrmResource SET departmentid = 12 WHERE id = 17`)
			s.job = append(s.job, "scope: {departments: [12]}")
			s.exec(`UPDATE HrmResource SET departmentid = 11 WHERE id <> 17`)
			require.Empty(t, s.backfill().document.Warnings, "nobody is left out by it")
		})
	}
}

func isAgentID(line string) bool { return strings.HasPrefix(line, "agent_id:") }

// Accounts of a file that the platform does not have are named by every command, and what
// can be mended without a guess is.
func TestAccountsThatNobodyHas(t *testing.T) {
	t.Parallel()
	const list = "employee_id,account\n17,0121\n18,0221\u200b\n19,321\n\u200b20,\ufeff04\u00a021\u200b\n21,ABC\n99,nobody\n"
	one := func(t *testing.T, binding string) *site {
		s := newSite(t, "e9")
		for id, account := range map[int]string{17: "0121", 18: "0221", 19: "0321", 20: "0421", 21: "abc"} {
			s.ding.RemoveUser(fmt.Sprintf("staff0%d", id))
			s.ding.AddUser(dingtalktest.User{ID: account, Departments: []int64{50}, Inactive: id == 20})
			s.ding.AddPunch(dingtalktest.Punch{UserID: account, Time: at(t, "04 08:51:00"), CheckType: "OnDuty"})
		}
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, "b.csv"), []byte(list), 0o600))
		s.job = set(s.job, "binding: {by: file, file: b.csv"+binding+"}")
		return s
	}
	written := func(s *site) []string { return s.rows(`SELECT userId FROM HrmScheduleSign ORDER BY userId`) }
	t.Run("directory read", func(t *testing.T) {
		s := one(t, "")
		r := s.bridge("run", "daily")
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Equal(t, []string{"17", "18", "20"}, written(s))
		require.Equal(t, map[string]string{"19": "unbound", "21": "unbound"}, r.document.leftOut())
		for _, m := range r.document.LeftOut {
			require.Equal(t, map[string]string{"19": "321", "21": "ABC"}[m.Employee], m.Account)
		}
		warning := r.document.warning("account_unknown")
		for _, words := range []string{"19 321（通讯录中有 0321；电子表格会去掉前导零", "21 ABC（通讯录中有 abc）", "19 321 (the directory has 0321; a spreadsheet drops the zeros in front", " / "} {
			require.Contains(t, warning, words)
		}
		require.NotContains(t, warning, "nobody", "99 is not in the roster")
		for _, args := range [][]string{{"check"}, {"bindings", "daily"}} {
			r = s.bridge(args...)
			require.Equal(t, 0, r.code, r.stdout)
			require.Contains(t, r.stdout, "account_unknown")
			require.Contains(t, r.stdout, "0321")
		}
		require.Contains(t, s.bridge("check").stdout, "3 of 5 people are bound to an account")
		require.Equal(t, []string{"17 0121 bound false", "18 0221 bound false", "19 321 unbound false", "20 0421 bound false", "21 ABC unbound false"}, s.bound())
		r = s.bridge("explain", "daily", "-employee", "id:19", "-day", "2026-03-04")
		require.Contains(t, r.stdout, "绑定文件中的账号 321 不在平台通讯录中")
	})
	t.Run("directory forbidden", func(t *testing.T) {
		s := one(t, "")
		s.ding.Deny(dingtalktest.PermissionDepartments)
		r := s.bridge("run", "daily")
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Equal(t, []string{"17", "18", "20"}, written(s))
		require.Empty(t, r.document.LeftOut)
		require.Contains(t, r.document.warning("directory_unreadable"), "qyapi_get_department_list")
		r = s.bridge("check")
		require.NotContains(t, r.stdout, "are bound to an account")
		require.Contains(t, r.stdout, "nobody knows whether the platform has these accounts")
		require.Equal(t, []string{"17 0121 bound true", "18 0221 bound true", "19 321 bound true", "20 0421 bound true", "21 ABC bound true"}, s.bound())
		r = s.bridge("explain", "daily", "-employee", "id:17", "-day", "2026-03-04")
		require.Contains(t, r.stdout, "未经平台核对")
	})
	t.Run("directory broken", func(t *testing.T) {
		s := one(t, "")
		s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.HTMLPage, Path: dingtalktest.PathUsers})
		r := s.bridge("run", "daily")
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Equal(t, []string{"17", "18", "20"}, written(s))
		require.NotEmpty(t, r.document.warning("directory_unreadable"))
	})
	t.Run("directory in part", func(t *testing.T) {
		s := one(t, "")
		now := s.ding
		s.ding = dingtalktest.New(&dingtalktest.Options{Now: noon, QPS: -1, AuthedDepartments: []int64{60}, AuthedUsers: []string{"0221"}})
		s.ding.AddDepartment(dingtalktest.Department{ID: 50, Parent: 1}, dingtalktest.Department{ID: 60, Parent: 1})
		for _, u := range now.Users() {
			s.ding.AddUser(u)
			s.ding.AddPunch(dingtalktest.Punch{UserID: u.ID, Time: at(t, "04 08:51:00"), CheckType: "OnDuty"})
		}
		s.ding.AddUser(dingtalktest.User{ID: "0321", Departments: []int64{60}})
		r := s.bridge("run", "daily")
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Equal(t, []string{"17", "18", "20"}, written(s), "who is out of sight is asked for all the same")
		require.Equal(t, map[string]string{"19": "unbound", "21": "unbound"}, r.document.leftOut(), "the platform itself says that it has no such account")
		require.Contains(t, r.document.warning("account_unseen"), "17 0121，20 0421 /")
		require.Contains(t, r.document.warning("account_unknown"), "19 321（通讯录中有 0321")
		require.Contains(t, s.bridge("check").stdout, "2 of them are asked for unread")
		s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Forbidden, Path: dingtalktest.PathUser, User: "321"})
		s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Forbidden, Path: dingtalktest.PathUser, User: "ABC"})
		require.Empty(t, s.bridge("run", "daily").document.LeftOut, "or does not say")
	})
	t.Run("wecom", func(t *testing.T) {
		for _, contact := range []bool{false, true} {
			s := newWecomSite(t, wecomtest.Options{})
			s.ordinary()
			if contact {
				s.provider = append(s.provider, "contact_secret: "+wecomtest.DefaultContactSecret)
			}
			require.NoError(t, os.WriteFile(filepath.Join(s.dir, "b.csv"), []byte("employee_id,account\n17,W17\n18,w18\u200b\n19,w019\n"), 0o600))
			s.job = []string{"binding: {by: file, file: b.csv}"}
			r := s.backfill()
			require.Equal(t, 0, r.code, r.stdout+r.stderr)
			require.Equal(t, map[string]string{"19": "unbound", "20": "unbound", "21": "unbound"}, r.document.leftOut())
			require.Contains(t, r.document.warning("account_unknown"), "19 w019")
			require.Equal(t, 20, r.document.Written)
			require.Zero(t, s.wx.Requests(wecomtest.PathUsers), "no details")
			if contact {
				require.Equal(t, 1, s.wx.Requests(wecomtest.PathUserIDs))
				require.Zero(t, s.wx.Requests(wecomtest.PathDepartments))
			}
		}
	})
	t.Run("never read", func(t *testing.T) {
		s := one(t, ", bound_only: false")
		r := s.bridge("run", "daily")
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Equal(t, []string{"17", "18", "20"}, written(s))
		require.Zero(t, s.ding.Requests(dingtalktest.PathUsers))
		require.NotEmpty(t, r.document.warning("directory_unread"))
		require.NotContains(t, s.bridge("check").stdout, "are bound to an account")
	})
}

// bound is what bindings says.
func (s *site) bound() (lines []string) {
	s.t.Helper()
	r := s.bridge("bindings", "daily")
	var d bindingsDocument
	require.NoError(s.t, json.Unmarshal([]byte(r.stdout), &d))
	for _, p := range d.People {
		lines = append(lines, fmt.Sprintf("%s %s %s %v", p.Employee, p.Account, p.State, p.Unread))
	}
	return lines
}

// What nobody can see of a staff number on either side does not keep people apart.
func TestStaffNumbersWithWhatCannotBeSeen(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.exec("UPDATE HrmResource SET workcode = 'W17\u200b' WHERE id = 17")
	s.exec("UPDATE HrmResource SET workcode = '\u00a0W1\u00a08' WHERE id = 18")
	s.exec("UPDATE HrmResource SET workcode = 'Ｗ１９' WHERE id = 19")
	s.ding.AddUser(dingtalktest.User{ID: account(20), JobNumber: "W20\ufeff", Departments: []int64{50}}, dingtalktest.User{ID: account(21), JobNumber: "W\u200b21", Departments: []int64{50}})
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Empty(t, r.document.LeftOut)
	require.Equal(t, ordinaryRows, r.document.Written)
	s.exec("UPDATE HrmResource SET workcode = 'W18' WHERE id = 17")
	require.Equal(t, map[string]string{"17": "ambiguous", "18": "ambiguous"}, s.backfill().document.leftOut(), "no guess")
}
