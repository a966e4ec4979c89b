package wecom

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// orgOf builds a company of two divisions: 甲 2 with 乙 3 below it, and 丙 4.
func orgOf(options *wecomtest.Options) *wecomtest.Server {
	fake := wecomtest.New(options)
	fake.AddDepartment(wecomtest.Department{ID: 2, Parent: 1, Name: "甲"}, wecomtest.Department{ID: 3, Parent: 2, Name: "乙"}, wecomtest.Department{ID: 4, Parent: 1, Name: "丙"})
	fake.AddUser(
		wecomtest.User{ID: "ZhangSan", Name: "张三", Departments: []int64{2, 3}, Mobile: "13800000001", Email: "z@example.com", BizMail: "z@corp.example.com", JobNumber: "A1"},
		wecomtest.User{ID: "lisi", Name: "李四", Departments: []int64{3}, Mobile: "13800000002"},
		wecomtest.User{ID: "wangwu", Name: "王五", Departments: []int64{4}, Status: 4},
		wecomtest.User{ID: "zhaoliu", Name: "赵六", Departments: []int64{4}, Status: 2})
	return fake
}

// listed reads a directory to its end.
func listed(t testing.TB, d *Directory) (accounts map[string]attendance.Account, warnings []attendance.Warning, err error) {
	t.Helper()
	accounts = map[string]attendance.Account{}
	for a, e := range d.Accounts(context.Background()) {
		if w, ok := attendance.AsWarning(e); ok {
			warnings = append(warnings, w)
			continue
		}
		if e != nil {
			return accounts, warnings, e
		}
		id := strings.ToLower(a.ID)
		if _, again := accounts[id]; again {
			t.Fatalf("%s twice", a.ID)
		}
		accounts[id] = a
	}
	return accounts, warnings, nil
}

func TestDirectoryWays(t *testing.T) {
	everybody := []string{"lisi", "wangwu", "zhangsan", "zhaoliu"}
	for name, test := range map[string]struct {
		options wecomtest.Options
		contact bool
		ids     bool // UserIDs
		want    []string
		// what is known
		status, private bool
		// calls of each path
		departments, users, simple, single, list int
		warning                                  string
	}{
		"the application sees all":            {want: everybody, status: true, private: true, departments: 1, users: 4},
		"the application sees a part":         {options: wecomtest.Options{VisibleDepartments: []int64{2}}, want: []string{"lisi", "zhangsan"}, status: true, private: true, departments: 1, users: 2, warning: attendance.DirectoryPartial},
		"a newer application":                 {options: wecomtest.Options{WithholdPrivate: true}, want: everybody, status: true, departments: 1, users: 4},
		"without user/list":                   {options: wecomtest.Options{WithoutUserList: true}, want: everybody, status: true, private: true, departments: 1, users: 1, simple: 4, single: 4},
		"ids only, by the application":        {ids: true, want: everybody, departments: 1, simple: 4},
		"contact sync of old":                 {contact: true, want: everybody, status: true, private: true, departments: 1, users: 4},
		"contact sync, ids only":              {contact: true, ids: true, want: everybody, list: 1},
		"contact sync from a new address":     {contact: true, options: wecomtest.Options{NewContactAddress: true}, want: everybody, status: true, private: true, departments: 2, users: 5, list: 1},
		"and the application sees a part":     {contact: true, options: wecomtest.Options{NewContactAddress: true, VisibleDepartments: []int64{2}}, want: everybody, private: true, departments: 2, users: 3, list: 1, warning: "directory_without_details"},
		"and the application sees nothing":    {contact: true, options: wecomtest.Options{NewContactAddress: true, VisibleDepartments: []int64{}}, want: everybody, departments: 2, users: 1, list: 1, warning: "directory_without_details"},
		"and there is no user/list":           {contact: true, options: wecomtest.Options{NewContactAddress: true, WithoutUserList: true}, want: everybody, status: true, private: true, departments: 2, users: 2, simple: 4, single: 4, list: 1},
		"ids only, contact sync, new address": {contact: true, ids: true, options: wecomtest.Options{NewContactAddress: true}, want: everybody, list: 1},
		"singly in sight, without AgentID":    {options: wecomtest.Options{VisibleDepartments: []int64{2}, VisibleUsers: []string{"wangwu"}}, want: []string{"lisi", "zhangsan"}, status: true, private: true, departments: 1, users: 2, warning: attendance.DirectoryPartial},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				test.options.PerMinute = -1
				fake := orgOf(&test.options)
				c := clientOf(t, fake, func(c *Config) {
					quick(c)
					if test.contact {
						withContact(c)
					}
				})
				d := c.Directory()
				if test.ids {
					d = c.UserIDs()
				}
				accounts, warnings, err := listed(t, d)
				require.NoError(t, err)
				var got []string
				for id := range accounts {
					got = append(got, id)
				}
				slices.Sort(got)
				require.Equal(t, test.want, got)
				require.Equal(t, "ZhangSan", accounts["zhangsan"].ID, "as the directory spells it")
				require.True(t, accounts["zhangsan"].Active)
				if slices.Contains(test.want, "wangwu") {
					require.Equal(t, test.status, !accounts["wangwu"].Active, "not activated")
					require.Equal(t, test.status, !accounts["zhaoliu"].Active, "disabled")
				}
				require.Equal(t, test.private, accounts["zhangsan"].Mobile != "")
				if test.private {
					require.Equal(t, attendance.Account{ID: "ZhangSan", Name: "张三", JobNumber: "A1", Mobile: "13800000001",
						Emails: []string{"z@corp.example.com", "z@example.com"}, Active: true}, accounts["zhangsan"])
				}
				if test.warning == "" {
					require.Empty(t, warnings)
				} else {
					require.Len(t, warnings, 1)
					require.Equal(t, test.warning, warnings[0].Code)
				}
				for path, n := range map[string]int{wecomtest.PathDepartments: test.departments, wecomtest.PathUsers: test.users,
					wecomtest.PathUsersSimple: test.simple, wecomtest.PathUser: test.single, wecomtest.PathUserIDs: test.list} {
					require.Equal(t, n, fake.Requests(path), path)
				}
				require.Zero(t, fake.Requests("/cgi-bin/user/getuserid"), "never by mobile number")
			})
		})
	}
}

func TestDirectoryErrors(t *testing.T) {
	for name, test := range map[string]struct {
		contact bool
		fault   wecomtest.Fault
		code    attendance.Code
		found   int
		warning string
	}{
		"no department may be listed":         {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 48002, Path: wecomtest.PathDepartments}, code: attendance.CodePermission},
		"nothing in sight":                    {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60011, Path: wecomtest.PathDepartments}, code: attendance.CodePermission},
		"address":                             {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60020, Path: wecomtest.PathDepartments}, code: attendance.CodeAddress},
		"an address that changes on the way":  {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60020, Path: wecomtest.PathUsers, After: 2}, code: attendance.CodeAddress, found: 1},
		"a department without details":        {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60003, Path: wecomtest.PathUsers, After: 1, Times: 1}, found: 4},
		"no department with details":          {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60011, Path: wecomtest.PathUsers}, found: 4},
		"user/list is called wrong":           {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 40058, Path: wecomtest.PathUsers}, found: 4},
		"user/list answers what nobody knows": {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 45047, Path: wecomtest.PathUsers}, found: 4},
		"a page in place of one department":   {fault: wecomtest.Fault{Kind: wecomtest.HTMLPage, Path: wecomtest.PathUsers, After: 2, Times: 1}, found: 4},
		"pages in place of a department":      {fault: wecomtest.Fault{Kind: wecomtest.HTMLPage, Path: wecomtest.PathUsers, After: 2}, code: attendance.CodeMalformed, found: 1},
		"pages in place of the departments":   {fault: wecomtest.Fault{Kind: wecomtest.HTMLPage, Path: wecomtest.PathDepartments}, code: attendance.CodeMalformed},
		"an error nobody knows":               {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 99999, Path: wecomtest.PathDepartments}, code: attendance.CodeUnknown},
		"busy for ever":                       {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: -1, Path: wecomtest.PathUsers}, code: attendance.CodeUnavailable},
		"busy for a moment":                   {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: -1, Path: wecomtest.PathUsers, Times: 1}, found: 4},
		"a wrong secret":                      {contact: true, fault: wecomtest.Fault{Kind: wecomtest.BadSecret}, code: attendance.CodeCredentials},
		"departments without the list":        {fault: wecomtest.Fault{Kind: wecomtest.Answer, Body: `{"errcode":0}`, Path: wecomtest.PathDepartments}, code: attendance.CodeMalformed},
		"a department without an id":          {fault: wecomtest.Fault{Kind: wecomtest.Answer, Body: `{"errcode":0,"department_id":[{"id":"x"}]}`, Path: wecomtest.PathDepartments}, code: attendance.CodeMalformed},
		"no departments at all":               {fault: wecomtest.Fault{Kind: wecomtest.Answer, Body: `{"errcode":0,"department_id":[]}`, Path: wecomtest.PathDepartments}, code: attendance.CodePermission},
		"a user without userid":               {fault: wecomtest.Fault{Kind: wecomtest.Answer, Body: `{"errcode":0,"userlist":[{"name":"x"}]}`, Path: wecomtest.PathUsers, Times: 1}, found: 4, warning: "directory_incomplete"},
		"a cursor that does not move":         {contact: true, fault: wecomtest.Fault{Kind: wecomtest.Answer, Body: `{"errcode":0,"dept_user":[],"next_cursor":"c"}`, Path: wecomtest.PathUserIDs}, code: attendance.CodeMalformed},
		"ids without the list":                {contact: true, fault: wecomtest.Fault{Kind: wecomtest.Answer, Body: `{"errcode":0,"next_cursor":""}`, Path: wecomtest.PathUserIDs}, code: attendance.CodeMalformed},
		"contact sync may not list":           {contact: true, fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 48002, Path: wecomtest.PathUserIDs}, found: 4},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				fake := orgOf(nil)
				fake.Fail(test.fault)
				c := clientOf(t, fake, nil)
				d := c.Directory()
				if test.contact {
					c = clientOf(t, fake, withContact)
					d = c.UserIDs()
				}
				accounts, warnings, err := listed(t, d)
				require.Equal(t, test.code, attendance.CodeOf(err), "%v", err)
				if test.code != "" && test.found == 0 {
					require.Empty(t, accounts)
				} else {
					require.GreaterOrEqual(t, len(accounts), test.found)
				}
				if test.warning != "" {
					require.NotEmpty(t, warnings)
					require.Equal(t, test.warning, warnings[0].Code)
				}
			})
		})
	}
}

// A person who is called wrong is known without details.
func TestDetailsThatCannotBeAsked(t *testing.T) {
	for _, user := range []string{"", "lisi"} {
		bubble(t, func(t *testing.T) {
			fake := orgOf(&wecomtest.Options{WithoutUserList: true})
			fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 99999, Path: wecomtest.PathUser, User: user})
			accounts, warnings, err := listed(t, clientOf(t, fake, nil).Directory())
			require.NoError(t, err)
			require.Len(t, accounts, 4)
			require.Equal(t, user == "", accounts["wangwu"].Active)
			require.Len(t, warnings, map[string]int{"": 4, "lisi": 1}[user])
			require.Equal(t, "directory_incomplete", warnings[0].Code)
			require.Contains(t, fmt.Sprint(warnings), "lisi")
		})
	}
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(&wecomtest.Options{PerMinute: -1, WithoutUserList: true})
		staff(fake, 2*mostWrong)
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 99999, Path: wecomtest.PathUser})
		_, _, err := listed(t, clientOf(t, fake, quick).Directory())
		require.Equal(t, attendance.CodeUnknown, attendance.CodeOf(err))
		require.Equal(t, mostWrong, fake.Requests(wecomtest.PathUser))
	})
}

// A person's details that come garbled are trouble, and no reason to go on without
// everybody's.
func TestGarbledDetails(t *testing.T) {
	for _, fault := range []wecomtest.Fault{{Kind: wecomtest.HTMLPage}, {Kind: wecomtest.Answer, Body: `{"errcode":0}`}} {
		bubble(t, func(t *testing.T) {
			fake := orgOf(&wecomtest.Options{WithoutUserList: true})
			fault.Path = wecomtest.PathUser
			fake.Fail(fault)
			_, _, err := listed(t, clientOf(t, fake, nil).Directory())
			require.Error(t, err)
			fake.Heal()
			fault.Times = 1
			if fault.Kind == wecomtest.HTMLPage {
				fake.Fail(fault)
				accounts, warnings, err := listed(t, clientOf(t, fake, nil).Directory())
				require.NoError(t, err)
				require.Empty(t, warnings)
				require.False(t, accounts["wangwu"].Active)
			}
		})
	}
}

// 通讯录同步 that may not be used from here leaves what the application sees.
func TestContactSyncFromAnUntrustedAddress(t *testing.T) {
	for _, ids := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			fake := orgOf(nil)
			contact := clientOf(t, fake, withContact)
			token, err := contact.contact.tokens.Token(t.Context())
			require.NoError(t, err)
			refusing := refuseToken{fake.Transport(), token}
			c := clientOf(t, fake, func(c *Config) { withContact(c); c.HTTP = &http.Client{Transport: refusing} })
			d := c.Directory()
			if ids {
				d = c.UserIDs()
			}
			accounts, _, err := listed(t, d)
			require.NoError(t, err)
			require.Len(t, accounts, 4)
		})
	}
}

// refuseToken answers the calls with one token as from an untrusted address.
type refuseToken struct {
	http.RoundTripper
	token string
}

func (r refuseToken) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Query().Get("access_token") != r.token {
		return r.RoundTripper.RoundTrip(req)
	}
	const body = `{"errcode":60020,"errmsg":"not allow to access from your ip, hint: [1], from ip: 203.0.113.7, more info"}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}, nil
}

// A department that nobody may read is a warning, and all of them are a directory
// that may not be read; with 通讯录同步 the userids come all the same.
func TestDepartmentsOutOfSight(t *testing.T) {
	for name, test := range map[string]struct {
		contact, all bool
		found        int
		code         attendance.Code
	}{
		"one": {found: 3}, "one, contact sync": {contact: true, found: 4},
		"all": {all: true, code: attendance.CodePermission}, "all, contact sync": {contact: true, all: true, found: 4},
	} {
		t.Run(name, func(t *testing.T) {
			fake := orgOf(&wecomtest.Options{PerMinute: -1})
			for _, path := range []string{wecomtest.PathUsers, wecomtest.PathUsersSimple} {
				fault := wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60011, Path: path}
				if !test.all { // 乙 3, whose lisi is in no other
					fault.After, fault.Times = 2, 1
					if path == wecomtest.PathUsersSimple {
						fault.After = 0
					}
				}
				fake.Fail(fault)
			}
			accounts, warnings, err := listed(t, clientOf(t, fake, func(c *Config) {
				quick(c)
				if test.contact {
					withContact(c)
				}
			}).Directory())
			require.Equal(t, test.code, attendance.CodeOf(err), "%v", err)
			require.Len(t, accounts, test.found)
			if test.code == "" {
				require.NotEmpty(t, warnings)
			}
		})
	}
}

// A company of more than a page of ids, each in two departments: each once.
func TestPagesOfIDs(t *testing.T) {
	fake := wecomtest.New(&wecomtest.Options{PerMinute: -1})
	fake.AddDepartment(wecomtest.Department{ID: 2, Parent: 1})
	const n = idsPage + 5
	users := make([]wecomtest.User, n)
	for i := range users {
		users[i] = wecomtest.User{ID: fmt.Sprintf("u%06d", i), Departments: []int64{1, 2}}
	}
	fake.AddUser(users...)
	accounts, warnings, err := listed(t, clientOf(t, fake, func(c *Config) { quick(c); withContact(c) }).UserIDs())
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Len(t, accounts, n)
	require.Equal(t, 3, fake.Requests(wecomtest.PathUserIDs))
}

// The single look-ups are bounded; who comes after them counts as active.
func TestSingleLookUpsAreBounded(t *testing.T) { bubble(t, testSingleLookUpsAreBounded) }

func testSingleLookUpsAreBounded(t *testing.T) {
	fake := wecomtest.New(&wecomtest.Options{PerMinute: -1, WithoutUserList: true})
	for i := range singlesAtMost + 10 {
		fake.AddUser(wecomtest.User{ID: fmt.Sprintf("u%06d", i), Status: 4})
	}
	accounts, warnings, err := listed(t, clientOf(t, fake, quick).Directory())
	require.NoError(t, err)
	require.Len(t, accounts, singlesAtMost+10)
	require.Equal(t, singlesAtMost, fake.Requests(wecomtest.PathUser))
	require.Len(t, warnings, 1)
	require.Equal(t, "directory_without_details", warnings[0].Code)
	active := 0
	for _, a := range accounts {
		if a.Active {
			active++
		}
	}
	require.Equal(t, 10, active)
}

// A consumer that leaves ends the walk; a context that ends is told bare.
func TestDirectoryStreamContract(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := orgOf(nil)
		c := clientOf(t, fake, nil)
		for range c.Directory().Accounts(t.Context()) {
			break
		}
		require.LessOrEqual(t, fake.Requests(wecomtest.PathUsers), 3)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range c.Directory().Accounts(ctx) {
			require.Equal(t, context.Canceled, err)
		}
	})
}

// A department that WeCom does not answer for costs the directory nobody but those who are
// only there; trouble that is not the department's ends the reading.
func TestDepartmentsThatCannotBeAsked(t *testing.T) {
	for _, test := range []struct {
		code  int
		path  string // "" is every call
		found int
		want  attendance.Code
	}{
		{60003, "", 3, ""}, {60123, "", 3, ""}, {60011, "", 3, ""}, {60030, "", 3, ""}, {40058, "", 3, ""}, {301039, "", 3, ""}, {40035, "", 3, ""}, {99999, "", 3, ""},
		{40058, wecomtest.PathUsers, 4, ""}, {99999, wecomtest.PathUsers, 4, ""}, // the simple list tells
		{45033, "", 0, attendance.CodeThrottled}, {-1, "", 0, attendance.CodeUnavailable}, {60020, "", 0, attendance.CodeAddress}, {48002, "", 0, attendance.CodePermission},
	} {
		for _, department := range []int64{2, 3} { // the first with people, and a later one
			bubble(t, func(t *testing.T) {
				fake := orgOf(nil)
				fake.AddUser(wecomtest.User{ID: "ZhangSan", Departments: []int64{2}})
				fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: test.code, Path: test.path, Department: department})
				accounts, warnings, err := listed(t, clientOf(t, fake, nil).Directory())
				require.Equal(t, test.want, attendance.CodeOf(err), "%d: %v", test.code, err)
				if test.want != "" {
					return
				}
				require.Len(t, accounts, test.found, test.code)
				if test.found == 4 {
					require.Empty(t, warnings)
					return
				}
				require.Len(t, warnings, 1)
				require.Equal(t, "directory_incomplete", warnings[0].Code)
				require.Contains(t, warnings[0].Message, fmt.Sprintf("部门 %d", department))
				require.Contains(t, warnings[0].Message, fmt.Sprintf("the department %d", department))
			})
		}
	}
}

// People who stand in the visible range singly, or by a tag, are listed where AgentID is
// known, and nothing about them ends the reading.
func TestPeopleInSightSingly(t *testing.T) {
	two := []int64{2}
	fault := func(code int, path string) wecomtest.Fault {
		return wecomtest.Fault{Kind: wecomtest.Errcode, Code: code, Path: path}
	}
	for name, test := range map[string]struct {
		options  wecomtest.Options
		fault    wecomtest.Fault
		change   func(*Config)
		ids      bool
		want     string // the accounts; ? is unread, - not active
		warnings string
		code     attendance.Code
		agent    int // calls of agent/get
		single   int // calls of user/get
	}{
		"a department and one person":   {options: wecomtest.Options{VisibleDepartments: two, VisibleUsers: []string{"WangWu"}}, want: "lisi wangwu- zhangsan", agent: 1, single: 1},
		"ids only":                      {options: wecomtest.Options{VisibleDepartments: two, VisibleUsers: []string{"wangwu"}}, ids: true, want: "lisi wangwu? zhangsan", agent: 1},
		"one who is in the department":  {options: wecomtest.Options{VisibleDepartments: two, VisibleUsers: []string{"LISI"}}, want: "lisi zhangsan", agent: 1},
		"people and no department":      {options: wecomtest.Options{VisibleDepartments: []int64{}, VisibleUsers: []string{"lisi", "wangwu"}}, want: "lisi wangwu-", agent: 1, single: 2},
		"nobody at all":                 {options: wecomtest.Options{VisibleDepartments: []int64{}}, code: attendance.CodePermission, agent: 1},
		"the whole company":             {want: "lisi wangwu- zhangsan zhaoliu-", agent: 1},
		"one who has left":              {options: wecomtest.Options{VisibleDepartments: two, VisibleUsers: []string{"gone"}}, want: "gone? lisi zhangsan", agent: 1, single: 1},
		"user/get may not be called":    {options: wecomtest.Options{VisibleDepartments: two, VisibleUsers: []string{"wangwu", "zhaoliu"}}, fault: fault(48002, wecomtest.PathUser), want: "lisi wangwu? zhangsan zhaoliu?", warnings: "directory_without_details", agent: 1, single: 1},
		"user/get is not there":         {options: wecomtest.Options{VisibleDepartments: two, VisibleUsers: []string{"wangwu", "zhaoliu"}}, fault: wecomtest.Fault{Kind: wecomtest.Answer, Status: 404, Body: "<html>", Path: wecomtest.PathUser}, want: "lisi wangwu? zhangsan zhaoliu?", warnings: "directory_without_details", agent: 1, single: 1},
		"user/get calls one wrong":      {options: wecomtest.Options{VisibleDepartments: two, VisibleUsers: []string{"wangwu", "zhaoliu"}}, fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 99999, Path: wecomtest.PathUser, User: "wangwu"}, want: "lisi wangwu? zhangsan zhaoliu-", warnings: "directory_incomplete", agent: 1, single: 2},
		"user/get is busy":              {options: wecomtest.Options{VisibleDepartments: two, VisibleUsers: []string{"wangwu"}}, fault: fault(-1, wecomtest.PathUser), want: "lisi wangwu? zhangsan", warnings: "directory_without_details", agent: 1, single: 4},
		"agent/get may not be called":   {options: wecomtest.Options{VisibleDepartments: two, WithoutAgent: true}, want: "lisi zhangsan", warnings: attendance.DirectoryPartial, agent: 1},
		"another application's AgentId": {options: wecomtest.Options{VisibleDepartments: two}, change: func(c *Config) { c.AgentID = "1000002" }, want: "lisi zhangsan", warnings: attendance.DirectoryPartial, agent: 1},
		"no AgentId":                    {options: wecomtest.Options{VisibleDepartments: two}, change: func(c *Config) { c.AgentID = "" }, want: "lisi zhangsan", warnings: attendance.DirectoryPartial},
		"no AgentId, the whole company": {change: func(c *Config) { c.AgentID = "" }, want: "lisi wangwu- zhangsan zhaoliu-"},
		"agent/get is busy":             {options: wecomtest.Options{VisibleDepartments: two}, fault: fault(-1, wecomtest.PathAgent), want: "lisi zhangsan", warnings: attendance.DirectoryPartial, agent: 4},
		"agent/get too often":           {options: wecomtest.Options{VisibleDepartments: two}, fault: fault(45009, wecomtest.PathAgent), want: "lisi zhangsan", warnings: attendance.DirectoryPartial, agent: 1},
		"agent/get refuses the address": {options: wecomtest.Options{VisibleDepartments: two}, fault: fault(60020, wecomtest.PathAgent), want: "lisi zhangsan", warnings: attendance.DirectoryPartial, agent: 1},
		"agent/get is not there":        {options: wecomtest.Options{VisibleDepartments: two}, fault: wecomtest.Fault{Kind: wecomtest.Answer, Status: 404, Body: "<html>", Path: wecomtest.PathAgent}, want: "lisi zhangsan", warnings: attendance.DirectoryPartial, agent: 1},
		"agent/get tells nothing":       {options: wecomtest.Options{VisibleDepartments: two}, fault: wecomtest.Fault{Kind: wecomtest.Answer, Body: `{"errcode":0}`, Path: wecomtest.PathAgent}, want: "lisi zhangsan", warnings: attendance.DirectoryPartial, agent: 1},
		"nulls":                         {options: wecomtest.Options{VisibleDepartments: two}, fault: wecomtest.Fault{Kind: wecomtest.Answer, Body: `{"errcode":0,"allow_userinfos":null,"allow_partys":{"partyid":null},"allow_tags":{}}`, Path: wecomtest.PathAgent}, want: "lisi zhangsan", agent: 1},
		"nothing in sight, no answer":   {options: wecomtest.Options{VisibleDepartments: []int64{}, VisibleUsers: []string{"lisi"}, WithoutAgent: true}, code: attendance.CodePermission, agent: 1},
		"contact sync":                  {options: wecomtest.Options{VisibleDepartments: two, VisibleUsers: []string{"wangwu"}}, change: withContact, want: "lisi wangwu- zhangsan zhaoliu-"},
		"contact sync, new address":     {options: wecomtest.Options{VisibleDepartments: two, VisibleUsers: []string{"wangwu"}, NewContactAddress: true}, change: withContact, want: "lisi wangwu- zhangsan zhaoliu", warnings: "directory_without_details", agent: 1, single: 1},
		"and no agent/get":              {options: wecomtest.Options{VisibleDepartments: two, NewContactAddress: true, WithoutAgent: true}, change: withContact, want: "lisi wangwu zhangsan zhaoliu", warnings: "directory_without_details", agent: 1},
		"a tag of people":               {options: wecomtest.Options{VisibleDepartments: two, VisibleTags: []wecomtest.Tag{{ID: 7, Users: []string{"wangwu", "lisi"}}}}, want: "lisi wangwu- zhangsan", agent: 1, single: 1},
		"a tag of a department":         {options: wecomtest.Options{VisibleDepartments: []int64{3}, VisibleTags: []wecomtest.Tag{{ID: 7, Departments: []int64{4, 3}}}}, want: "lisi wangwu- zhangsan zhaoliu-", agent: 1},
		"which is listed":               {options: wecomtest.Options{VisibleDepartments: []int64{3}, VisibleTags: []wecomtest.Tag{{ID: 7, Departments: []int64{2}}}, TagsListed: true}, want: "lisi zhangsan", agent: 1},
		"nothing but a tag":             {options: wecomtest.Options{VisibleDepartments: []int64{}, VisibleTags: []wecomtest.Tag{{ID: 7, Departments: []int64{2}, Users: []string{"wangwu"}}}}, want: "lisi wangwu- zhangsan", agent: 1, single: 1},
		"a tag that cannot be read":     {options: wecomtest.Options{VisibleDepartments: two, VisibleTags: []wecomtest.Tag{{ID: 7, Users: []string{"wangwu"}}}}, fault: fault(48002, wecomtest.PathTag), want: "lisi zhangsan", warnings: "directory_incomplete", agent: 1},
		"and nothing else":              {options: wecomtest.Options{VisibleDepartments: []int64{}, VisibleUsers: []string{"lisi"}, VisibleTags: []wecomtest.Tag{{ID: 7, Users: []string{"wangwu"}}}}, fault: fault(48002, wecomtest.PathTag), want: "lisi", warnings: "directory_incomplete", code: attendance.CodePermission, agent: 1, single: 1},
		"a tag's department unreadable": {options: wecomtest.Options{VisibleDepartments: two, VisibleTags: []wecomtest.Tag{{ID: 7, Departments: []int64{4}}}}, fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60011, Department: 4}, want: "lisi zhangsan", warnings: "directory_incomplete", agent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				fake := orgOf(&test.options)
				if test.fault.Kind != 0 {
					fake.Fail(test.fault)
				}
				c := clientOf(t, fake, func(c *Config) {
					c.AgentID = wecomtest.DefaultAgentID
					if test.change != nil {
						test.change(c)
					}
				})
				d := c.Directory()
				if test.ids {
					d = c.UserIDs()
				}
				accounts, warnings, err := listed(t, d)
				require.Equal(t, test.code, attendance.CodeOf(err), "%v", err)
				var got []string
				for id, a := range accounts {
					switch {
					case a.Unread:
						id += "?"
						require.True(t, a.Active)
					case !a.Active:
						id += "-"
					}
					got = append(got, id)
				}
				slices.Sort(got)
				require.Equal(t, test.want, strings.Join(got, " "))
				var codes []string
				for _, w := range warnings {
					codes = append(codes, w.Code)
					require.Contains(t, w.Message, " / ", "Chinese and English")
				}
				require.Equal(t, test.warnings, strings.Join(codes, " "))
				require.Equal(t, test.agent, fake.Requests(wecomtest.PathAgent))
				require.Equal(t, test.single, fake.Requests(wecomtest.PathUser))
				fake.Heal() // and the application goes on with everything else
				_, err = fetch(t, c, lastDay(), "lisi")
				require.NoError(t, err)
			})
		})
	}
}

func TestVisibleRange(t *testing.T) {
	for body, want := range map[string]visibleRange{
		`{"errcode":0,"allow_userinfos":{"user":[{"userid":"a","status":"1"},{"userid":7},{}]},"allow_partys":{"partyid":[1,"2","x"]},"allow_tags":{"tagid":[3]}}`: {[]string{"a", "7"}, []int64{1, 2}, []int64{3}},
		`{"allow_partys":{"partyid":[]}}`:            {},
		`{"allow_userinfos":[],"allow_tags":"none"}`: {},
	} {
		r, err := readVisibleRange([]byte(body))
		require.NoError(t, err)
		require.Equal(t, want, r)
	}
	_, err := readVisibleRange([]byte(`{"errcode":0,"errmsg":"ok"}`))
	require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(err))
}

// Tags beyond a hundred would cost more calls than it is worth, and are named.
func TestTagsAreBounded(t *testing.T) {
	options := wecomtest.Options{VisibleDepartments: []int64{2}, PerMinute: -1}
	for id := range int64(tagsAtMost + 2) {
		options.VisibleTags = append(options.VisibleTags, wecomtest.Tag{ID: id + 1, Users: []string{"wangwu"}})
	}
	fake := orgOf(&options)
	accounts, warnings, err := listed(t, clientOf(t, fake, func(c *Config) { quick(c); c.AgentID = wecomtest.DefaultAgentID }).Directory())
	require.NoError(t, err)
	require.Contains(t, accounts, "wangwu")
	require.Equal(t, tagsAtMost, fake.Requests(wecomtest.PathTag))
	require.Equal(t, 1, fake.Requests(wecomtest.PathUser))
	require.Len(t, warnings, 2)
	require.Equal(t, "directory_incomplete", warnings[0].Code)
}

// Departments that are called wrong one after the other are not at fault themselves; when
// every one is, that is the error.
func TestManyDepartmentsThatCannotBeAsked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := orgOf(&wecomtest.Options{PerMinute: -1})
		for id := int64(100); id < 200; id++ {
			fake.AddDepartment(wecomtest.Department{ID: id, Parent: 1})
			fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 301039, Department: id})
		}
		_, _, err := listed(t, clientOf(t, fake, quick).Directory())
		require.Equal(t, attendance.CodeRequest, attendance.CodeOf(err))
		require.LessOrEqual(t, fake.Requests(wecomtest.PathUsers), mostWrong+4)

		fake = orgOf(&wecomtest.Options{VisibleDepartments: []int64{2}})
		for _, path := range []string{wecomtest.PathUsers, wecomtest.PathUsersSimple} {
			fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 301039, Path: path})
		}
		_, _, err = listed(t, clientOf(t, fake, quick).Directory())
		require.Equal(t, attendance.CodeRequest, attendance.CodeOf(err), "every one")
	})
}
