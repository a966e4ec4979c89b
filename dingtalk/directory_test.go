package dingtalk

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/provider"
)

// list reads a directory to its end.
func list(t *testing.T, d *Directory) (accounts map[string]attendance.Account, warnings []attendance.Warning, err error) {
	t.Helper()
	accounts = map[string]attendance.Account{}
	for a, e := range d.Accounts(t.Context()) {
		if w, ok := attendance.AsWarning(e); ok {
			warnings = append(warnings, w)
			continue
		}
		if e != nil {
			require.NoError(t, err, "an error is the last pair")
			err = e
			continue
		}
		require.NotContains(t, accounts, a.ID, "each account once")
		accounts[a.ID] = a
	}
	return accounts, warnings, err
}

func TestDirectoryFixture(t *testing.T) {
	var got []attendance.Account
	for _, name := range []string{"user_list_1.json", "user_list_2.json"} {
		for raw := range arrayOf(provider.Member(provider.Member(fixture(t, name), "result"), "list")) {
			got = append(got, account(raw))
		}
	}
	require.Equal(t, []attendance.Account{
		{ID: "staff001", Name: "测试甲", JobNumber: "A0001", Mobile: "13800000001", Active: true},
		{ID: "staff002", Name: "测试乙", Active: true},
		{ID: "staff004", Name: "测试丁"},
	}, got)
}

func TestAccountShapes(t *testing.T) {
	require.Equal(t, attendance.Account{ID: "a", Active: true}, account([]byte(`{"userid":"a"}`)), "active where DingTalk does not say")
	require.Equal(t, attendance.Account{ID: "7", JobNumber: "12", Mobile: "+85291234567", Emails: []string{"o@x", "p@x"}, Active: true},
		account([]byte(`{"userid":7,"job_number":12,"mobile":"91234567","state_code":"852","email":"p@x","org_email":"o@x","active":"true"}`)))
	require.Equal(t, []string{"p@x"}, account([]byte(`{"userid":"a","email":"p@x","org_email":"p@x"}`)).Emails)
	require.False(t, account([]byte(`{"userid":"a","active":"false"}`)).Active)
	for _, code := range []string{"", "86", "+86"} {
		require.Equal(t, "13800000001", mobileNumber(code, "13800000001"))
	}
	for _, number := range []string{"61234567", "852-61234567", "+852-61234567", "+85261234567"} {
		for _, code := range []string{"852", "+852", "00852"} {
			require.Equal(t, "+85261234567", mobileNumber(code, number))
		}
	}
	require.Equal(t, "852-61234567", mobileNumber("", "852-61234567"), "whoever compares it knows the code")
	require.Equal(t, "13800000001", mobileNumber("86", "+86-13800000001"))
	require.Equal(t, "+1555", mobileNumber("+1", "555"))
	require.Empty(t, mobileNumber("852", ""))
}

func TestDirectoryWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		fake.AddDepartment(dingtalktest.Department{ID: 10, Parent: 1}, dingtalktest.Department{ID: 11, Parent: 10}, dingtalktest.Department{ID: 12, Parent: 10})
		for i := range 250 {
			fake.AddUser(dingtalktest.User{ID: fmt.Sprintf("u%03d", i), Name: "n", JobNumber: fmt.Sprint(i), Departments: []int64{11, 12}[:1+i%2], Inactive: i%50 == 0})
		}
		fake.AddUser(dingtalktest.User{ID: "boss", Departments: []int64{1}, Mobile: "13800000001", StateCode: "86"})
		c := clientOf(t, fake, nil)
		var _ attendance.Directory = c.Directory()
		accounts, warnings, err := list(t, c.Directory())
		require.NoError(t, err)
		require.Empty(t, warnings)
		require.Len(t, accounts, 251)
		require.False(t, accounts["u050"].Active)
		require.True(t, accounts["u051"].Active)
		require.Equal(t, "13800000001", accounts["boss"].Mobile)
		require.Zero(t, fake.Metered())

		fake.Deny(dingtalktest.PermissionMobile)
		accounts, _, err = list(t, c.Directory())
		require.NoError(t, err)
		require.Empty(t, accounts["boss"].Mobile)
	})
}

func TestDirectoryLeavesWithTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		staff(fake, 250)
		c := clientOf(t, fake, nil)
		accounts := c.Directory().Accounts(t.Context())
		require.Zero(t, fake.Requests(""), "no work before the first pull")
		for range accounts {
			break
		}
		require.Equal(t, 1, fake.Requests(pathUsers))

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		for _, err := range c.Directory().Accounts(ctx) {
			if n++; n == 5 {
				cancel()
			}
			if err != nil {
				require.Equal(t, context.Canceled, err)
			}
		}
		require.Equal(t, 101, n)
	})
}

func TestDirectoryInCircles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		fake.AddUser(dingtalktest.User{ID: "a", Departments: []int64{1}})
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathDepartments, Body: `{"errcode":0,"result":[{"dept_id":1},{"dept_id":"2"}]}`})
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathUsers, Body: `{"errcode":"0","result":{"has_more":"false","list":[{"userid":"a"},{"userid":""}]}}`})
		accounts, warnings, err := list(t, clientOf(t, fake, nil).Directory())
		require.NoError(t, err)
		require.Len(t, accounts, 1)
		require.Len(t, warnings, 2)
		require.Equal(t, 2, fake.Requests(pathDepartments))
	})
}

func TestDirectoryOfAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(&dingtalktest.Options{AuthedDepartments: []int64{10, 11}, AuthedUsers: []string{"boss", "gone", "u1"}})
		fake.AddDepartment(dingtalktest.Department{ID: 10, Parent: 1}, dingtalktest.Department{ID: 11, Parent: 10}, dingtalktest.Department{ID: 20, Parent: 1})
		fake.AddUser(
			dingtalktest.User{ID: "boss", Departments: []int64{1}},
			dingtalktest.User{ID: "u1", Departments: []int64{11}},
			dingtalktest.User{ID: "hidden", Departments: []int64{20}},
		)
		c := clientOf(t, fake, nil)
		accounts, warnings, err := list(t, c.Directory())
		require.NoError(t, err)
		require.Len(t, accounts, 2)
		require.Contains(t, accounts, "boss")
		require.Contains(t, accounts, "u1")
		require.Len(t, warnings, 2, "%v", warnings)
		require.Equal(t, attendance.DirectoryPartial, warnings[0].Code)
		require.Equal(t, "directory_incomplete", warnings[1].Code)

		f := c.Directory().Check(t.Context())
		require.Equal(t, attendance.LevelWarning, f[len(f)-1].Level)
		require.Contains(t, f[len(f)-1].Message.EN, "2 departments")
	})
}

func TestDirectoryForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, point := range []string{dingtalktest.PermissionDepartments, dingtalktest.PermissionMembers} {
			fake := dingtalktest.New(nil)
			fake.Deny(point)
			_, _, err := list(t, clientOf(t, fake, nil).Directory())
			require.Equal(t, attendance.CodePermission, attendance.CodeOf(err))
			require.ErrorContains(t, err, point)
		}
		fake := dingtalktest.New(&dingtalktest.Options{AuthedDepartments: []int64{}})
		_, _, err := list(t, clientOf(t, fake, nil).Directory())
		require.Equal(t, attendance.CodePermission, attendance.CodeOf(err))

		// The root is out of sight although the scopes name it, or they are not told.
		for _, scopes := range []string{`{"errcode":0,"auth_org_scopes":{"authed_dept":[1],"authed_user":[]}}`, `{"errcode":404,"errmsg":"not found"}`} {
			fake := dingtalktest.New(nil)
			staff(fake, 3)
			fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathDepartments, Body: `{"errcode":50004,"errmsg":"企业管理员设置了部门不可见"}`})
			fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathScopes, Body: scopes})
			_, _, err := list(t, clientOf(t, fake, nil).Directory())
			require.Equal(t, attendance.CodePermission, attendance.CodeOf(err), scopes)
		}
	})
}

func TestAnEmptyDirectoryIsAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		accounts, warnings, err := list(t, clientOf(t, dingtalktest.New(nil), nil).Directory())
		require.NoError(t, err)
		require.Empty(t, accounts)
		require.Len(t, warnings, 1)
		require.Equal(t, "directory_empty", warnings[0].Code)
	})
}

func TestDirectoryThatCannotGoOn(t *testing.T) {
	for name, fault := range map[string]dingtalktest.Fault{
		"stuck cursor":      {Kind: dingtalktest.StuckCursor, Path: pathUsers},
		"no cursor":         {Kind: dingtalktest.Answer, Path: pathUsers, Body: `{"errcode":0,"result":{"has_more":true,"list":[]}}`},
		"no result":         {Kind: dingtalktest.Answer, Path: pathUsers, Body: `{"errcode":0}`},
		"no departments":    {Kind: dingtalktest.Answer, Path: pathDepartments, Body: `{"errcode":0}`},
		"department a word": {Kind: dingtalktest.Answer, Path: pathDepartments, Body: `{"errcode":0,"result":[{"dept_id":"x"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := dingtalktest.New(nil)
				staff(fake, 3)
				fake.Fail(fault)
				_, _, err := list(t, clientOf(t, fake, nil).Directory())
				require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(err))
			})
		})
	}
}

// companyOf is a company of the departments 2 with 3 below it, and 4, each with one
// person, and of a boss in none of them.
func companyOf(options *dingtalktest.Options) *dingtalktest.Server {
	fake := dingtalktest.New(options)
	fake.AddDepartment(dingtalktest.Department{ID: 2, Parent: 1}, dingtalktest.Department{ID: 3, Parent: 2}, dingtalktest.Department{ID: 4, Parent: 1})
	fake.AddUser(dingtalktest.User{ID: "boss", Departments: []int64{1}})
	for id, department := range map[string]int64{"two": 2, "three": 3, "four": 4} {
		fake.AddUser(dingtalktest.User{ID: id, Departments: []int64{department}})
	}
	return fake
}

// A department that DingTalk does not answer for costs the directory nobody but those who
// are only there; trouble that is not the department's ends the reading.
func TestDepartmentsThatCannotBeAsked(t *testing.T) {
	for _, code := range []int{60003, 40009, 60019, 50004, 40035, 400002, 40038, 400, 404, 22, 99999, 33012} {
		synctest.Test(t, func(t *testing.T) {
			for _, test := range []struct {
				path string
				want []string
			}{
				{"", []string{"boss", "four"}},
				{pathUsers, []string{"boss", "three", "four"}},
				{pathDepartments, []string{"boss", "four"}},
			} {
				fake := companyOf(nil)
				fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 2, Path: test.path, Code: code})
				accounts, warnings, err := list(t, clientOf(t, fake, nil).Directory())
				require.NoError(t, err, code)
				for _, id := range test.want {
					require.Contains(t, accounts, id, "%d at %s", code, test.path)
				}
				require.Len(t, warnings, 1, "%d at %q", code, test.path)
				require.Equal(t, "directory_incomplete", warnings[0].Code)
				require.Contains(t, warnings[0].Message, "部门 2")
				require.Contains(t, warnings[0].Message, "the department 2")
			}
		})
	}
	for _, code := range []int{60011, 60020, 90018, 90020, -1, 40014, 50005} {
		synctest.Test(t, func(t *testing.T) {
			fake := companyOf(nil)
			fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 2, Code: code})
			_, _, err := list(t, clientOf(t, fake, nil).Directory())
			require.Error(t, err, code)
		})
	}
}

// Where the list of a department's departments is called wrong, its users are asked for
// all the same.
func TestUsersBesideUnknownDepartments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := companyOf(nil)
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 2, Path: pathDepartments, Code: 400002})
		accounts, warnings, err := list(t, clientOf(t, fake, nil).Directory())
		require.NoError(t, err)
		require.Contains(t, accounts, "two")
		require.NotContains(t, accounts, "three", "nobody knows of the department")
		require.Len(t, warnings, 1)
	})
}

func TestNoDepartmentCanBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Not even the root: what is in sight by the scopes, else the error.
		fake := companyOf(&dingtalktest.Options{AuthedDepartments: []int64{1}, AuthedUsers: []string{"boss"}})
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 1, Code: 400002})
		accounts, _, err := list(t, clientOf(t, fake, nil).Directory())
		require.NoError(t, err)
		require.Contains(t, accounts, "boss")
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathScopes, Body: `{"errcode":404,"errmsg":"not found"}`})
		_, _, err = list(t, clientOf(t, fake, nil).Directory())
		require.Equal(t, attendance.CodeRequest, attendance.CodeOf(err))

		// The root's own users alone: what lies below is read.
		fake = companyOf(nil)
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 1, Path: pathUsers, Code: 400002})
		accounts, warnings, err := list(t, clientOf(t, fake, nil).Directory())
		require.NoError(t, err)
		require.Len(t, accounts, 3)
		require.Len(t, warnings, 1)

		// Every department that has people.
		fake = companyOf(nil)
		fake.RemoveUser("boss")
		for _, id := range []int64{2, 3, 4} {
			fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: id, Code: 400})
		}
		_, _, err = list(t, clientOf(t, fake, nil).Directory())
		require.Equal(t, attendance.CodeUnknown, attendance.CodeOf(err))
	})
}

// Departments that are called wrong one after the other are not at fault themselves.
func TestManyDepartmentsThatCannotBeAsked(t *testing.T) {
	for code, want := range map[int]attendance.Code{400002: attendance.CodeRequest, 50004: ""} {
		synctest.Test(t, func(t *testing.T) {
			fake := companyOf(nil)
			for id := int64(100); id < 200; id++ {
				fake.AddDepartment(dingtalktest.Department{ID: id, Parent: 1})
				fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: id, Code: code})
			}
			_, warnings, err := list(t, clientOf(t, fake, nil).Directory())
			require.Equal(t, want, attendance.CodeOf(err))
			if want == "" {
				require.Len(t, warnings, 100)
			} else {
				require.LessOrEqual(t, fake.Requests(pathUsers), mostWrong+3)
			}
		})
	}
}

// A userid with a control character in it is nobody's, and costs nobody else the directory.
func TestAUserIDThatCannotBeRead(t *testing.T) {
	fake := dingtalktest.New(nil)
	fake.AddUser(dingtalktest.User{ID: "a", Name: "line\nbreak", JobNumber: "A1\t", Departments: []int64{1}})
	fake.AddUser(dingtalktest.User{ID: "b\n", Name: "x", Departments: []int64{1}})
	fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Unescaped})
	var got []attendance.Account
	var warned []string
	for a, err := range clientOf(t, fake, nil).Directory().Accounts(t.Context()) {
		if w, ok := attendance.AsWarning(err); ok {
			warned = append(warned, w.Code)
			continue
		}
		require.NoError(t, err)
		got = append(got, a)
	}
	require.Equal(t, []attendance.Account{{ID: "a", Name: "line break", JobNumber: "A1", Active: true}}, got)
	require.Equal(t, []string{"directory_incomplete"}, warned)
}

// Whether an account is there is DingTalk's own word, or left open.
func TestHasAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := companyOf(&dingtalktest.Options{AuthedDepartments: []int64{2}})
		d := clientOf(t, fake, nil).Directory()
		has, err := d.HasAccount(t.Context(), "two")
		require.NoError(t, err)
		require.True(t, has)
		has, err = d.HasAccount(t.Context(), "nobody")
		require.NoError(t, err)
		require.False(t, has)
		_, err = d.HasAccount(t.Context(), "four")
		require.Equal(t, attendance.CodeAccount, attendance.CodeOf(err), "out of sight")
		fake.Deny(dingtalktest.PermissionMember)
		_, err = d.HasAccount(t.Context(), "nobody")
		require.Equal(t, attendance.CodePermission, attendance.CodeOf(err))
	})
}

// A department whose page cannot be read, time and again, is left out; a proxy's page ends
// the reading.
func TestADepartmentThatCannotBeRead(t *testing.T) {
	for body, broken := range map[string]bool{`{"errcode":0,"result":{"has_more":false,"list":[{"userid":"x","name":"a"b"}]}}`: true, `<html>`: false} {
		synctest.Test(t, func(t *testing.T) {
			fake := dingtalktest.New(nil)
			fake.AddDepartment(dingtalktest.Department{ID: 2, Parent: 1})
			fake.AddUser(dingtalktest.User{ID: "a", Name: "a", Departments: []int64{1}})
			fake.AddUser(dingtalktest.User{ID: "x", Name: "x", Departments: []int64{2}})
			fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathUsers, After: 1, Body: body})
			var ids, warned []string
			var failed error
			for a, err := range clientOf(t, fake, nil).Directory().Accounts(t.Context()) {
				if w, ok := attendance.AsWarning(err); ok {
					warned = append(warned, w.Code)
				} else if err != nil {
					failed = err
				} else {
					ids = append(ids, a.ID)
				}
			}
			require.Equal(t, []string{"a"}, ids)
			require.Equal(t, broken, failed == nil, "%v", failed)
			require.Equal(t, broken, len(warned) == 1)
		})
	}
}
