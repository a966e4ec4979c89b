package dbtest

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// told reads a scope whose people are worth telling of.
func told(t *testing.T, s *oasink.Sink, b oasink.Binding) []attendance.Member {
	t.Helper()
	var members []attendance.Member
	for m, err := range s.Scope(oasink.Units{}, b).Members(context.Background()) {
		if _, ok := attendance.AsWarning(err); ok {
			continue
		}
		require.NoError(t, err)
		require.Equal(t, "生产部", m.Unit)
		m.Unit = ""
		members = append(members, m)
	}
	return members
}

// A member's key is what the directory was searched for, where that is not the
// account; of somebody unbound the account is what was looked for, where it is one.
func TestKeysOfMembers(t *testing.T) {
	t.Parallel()
	everywhere(t, testKeysOfMembers)
}

func testKeysOfMembers(t *testing.T, on engine) {
	ctx := context.Background()
	oa := on.build(t, ecologytest.Schema{})
	require.NoError(t, oa.AddDepartments(ctx, ecologytest.Department{ID: 11, Name: "生产部"}))
	require.NoError(t, oa.AddStaff(ctx,
		ecologytest.Person{ID: 101, LoginID: "zhang", Account: "ldap.zhang", Workcode: " A1 ", Mobile: " 138 0013-8001", Email: "Zhang@Example.com ", Department: 11},
		ecologytest.Person{ID: 102, LoginID: "Li", Account: "ldap.li", Workcode: "A2", Mobile: "+8613800138002", Email: "li@example.com", Department: 11},
		ecologytest.Person{ID: 103, LoginID: "wang", Account: " gone ", Workcode: "A3", Mobile: "13800138003", Email: "wang@example.com", Department: 11},
		ecologytest.Person{ID: 104, LoginID: "zhao", Workcode: "A4", Mobile: "13800138004", Email: "zhao@example.com", Department: 11},
		ecologytest.Person{ID: 105, LoginID: "qian", Null: []string{"account", "workcode", "mobile", "email"}, Department: 11}))
	s := sink(t, oa.DB(), nil)
	account := func(id string, n string, active bool) attendance.Account {
		return attendance.Account{ID: id, JobNumber: "A" + n, Mobile: "1380013800" + n, Emails: []string{map[string]string{"1": "zhang", "2": "li", "4": "zhao"}[n] + "@example.com"}, Active: active}
	}
	dir := directory{account("zhang", "1", true), account("A2", "2", true), account("li", "2", true), account("zhao", "4", false), {ID: "ldap.zhang", Active: true}}
	is := func(person, account, key string, why attendance.LeftOut) attendance.Member {
		return attendance.Member{Person: person, Account: account, Key: key, LeftOut: why}
	}
	const unbound, ambiguous, inactive = attendance.Unbound, attendance.Ambiguous, attendance.Inactive
	fold := func(b oasink.Binding) oasink.Binding { b.Fold = true; return b }
	for name, c := range map[string]struct {
		binding oasink.Binding
		want    []attendance.Member
	}{
		"workcode": {oasink.ByWorkcode(dir), []attendance.Member{is("101", "zhang", "A1", ""), is("102", "", "A2", ambiguous), is("103", "", "A3", unbound), is("104", "zhao", "A4", inactive), is("105", "", "", unbound)}},
		"mobile": {oasink.ByMobile(dir), []attendance.Member{is("101", "zhang", "138 0013-8001", ""), is("102", "", "+8613800138002", ambiguous),
			is("103", "", "13800138003", unbound), is("104", "zhao", "13800138004", inactive), is("105", "", "", unbound)}},
		"email": {oasink.ByEmail(dir), []attendance.Member{is("101", "zhang", "Zhang@Example.com", ""), is("102", "", "li@example.com", ambiguous),
			is("103", "", "wang@example.com", unbound), is("104", "zhao", "zhao@example.com", inactive), is("105", "", "", unbound)}},
		"loginid":        {oasink.ByLoginID(dir), []attendance.Member{is("101", "zhang", "", ""), is("102", "Li", "", unbound), is("103", "wang", "", unbound), is("104", "zhao", "", inactive), is("105", "qian", "", unbound)}},
		"loginid folded": {fold(oasink.ByLoginID(dir)), []attendance.Member{is("101", "zhang", "", ""), is("102", "li", "Li", ""), is("103", "wang", "", unbound), is("104", "zhao", "", inactive), is("105", "qian", "", unbound)}},
		"account":        {oasink.ByAccount(dir), []attendance.Member{is("101", "ldap.zhang", "", ""), is("102", "ldap.li", "", unbound), is("103", "gone", "", unbound), is("104", "", "", unbound), is("105", "", "", unbound)}},
		"id":             {oasink.ByID(directory{{ID: "101", Active: true}}), []attendance.Member{is("101", "101", "", ""), is("102", "102", "", unbound), is("103", "103", "", unbound), is("104", "104", "", unbound), is("105", "105", "", unbound)}},
		"workcode as account, WeCom": {oasink.ByWorkcode(directory{{ID: "a1", Active: true}}).ForWeCom(),
			[]attendance.Member{is("101", "a1", "A1", ""), is("102", "A2", "", unbound), is("103", "A3", "", unbound), is("104", "A4", "", unbound), is("105", "", "", unbound)}},
		"workcode unread":    {oasink.ByWorkcode(nil), []attendance.Member{is("101", "A1", "", ""), is("102", "A2", "", ""), is("103", "A3", "", ""), is("104", "A4", "", ""), is("105", "", "", unbound)}},
		"workcode forbidden": {oasink.ByWorkcode(forbidden{}).ForWeCom(), []attendance.Member{is("101", "A1", "", ""), is("102", "A2", "", ""), is("103", "A3", "", ""), is("104", "A4", "", ""), is("105", "", "", unbound)}},
		"pairs":              {pairs("101", "zhang"), []attendance.Member{is("101", "zhang", "", ""), is("102", "", "", unbound), is("103", "", "", unbound), is("104", "", "", unbound), is("105", "", "", unbound)}},
	} {
		unread := strings.HasSuffix(name, "unread") || strings.HasSuffix(name, "forbidden") || name == "pairs"
		for i := range c.want { // who is asked for was seen in the directory, where that was read
			c.want[i].Known = !unread && c.want[i].LeftOut == ""
		}
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, told(t, s, c.binding)) })
	}
}

// Who is inactive on the platform may be asked for, but is not taken for known.
func TestInactiveAccountsAreNotKnown(t *testing.T) {
	ctx := context.Background()
	oa := build(t, ecologytest.Schema{})
	require.NoError(t, oa.AddDepartments(ctx, ecologytest.Department{ID: 11, Name: "生产部"}))
	require.NoError(t, oa.AddStaff(ctx, ecologytest.Person{ID: 101, LoginID: "a", Department: 11}, ecologytest.Person{ID: 102, LoginID: "b", Department: 11}))
	b := oasink.ByLoginID(directory{{ID: "a", Active: true}, {ID: "b"}})
	b.IncludeInactive = true
	require.Equal(t, []attendance.Member{{Person: "101", Account: "a", Known: true}, {Person: "102", Account: "b"}}, told(t, sink(t, oa.DB(), nil), b))
}

// The unit is the department's name, or its id where there is none.
func TestUnitsOfMembers(t *testing.T) {
	t.Parallel()
	everywhere(t, testUnitsOfMembers)
}

func testUnitsOfMembers(t *testing.T, on engine) {
	ctx := context.Background()
	for _, without := range []string{"", "HrmDepartment.departmentname", "HrmResource.lastname"} {
		oa := on.build(t, ecologytest.Schema{Without: []string{without}})
		require.NoError(t, oa.AddDepartments(ctx, ecologytest.Department{ID: 11, Name: " 生产部 "}, ecologytest.Department{ID: 12}))
		require.NoError(t, oa.AddStaff(ctx, ecologytest.Person{ID: 101, LoginID: "a", Department: 11}, ecologytest.Person{ID: 102, LoginID: "b", Department: 12},
			ecologytest.Person{ID: 103, LoginID: "c", Department: 13}, ecologytest.Person{ID: 104, LoginID: "d", Null: []string{"departmentid"}},
			ecologytest.Person{ID: 105, LoginID: "e", Department: 11, Status: 5}))
		g := &statements{}
		s := sink(t, oa.DB().WithQueryHook(g), nil)
		g.heard = nil
		var units []string
		for m, err := range s.Scope(oasink.Units{Departments: []int64{11, 12, 13}, Employees: []int64{104, 105}}, oasink.ByID(nil)).Members(ctx) {
			if err == nil {
				units = append(units, m.Person+" "+m.Unit)
			}
		}
		name := "生产部"
		if without == "HrmDepartment.departmentname" {
			name = "11"
		}
		require.Equal(t, []string{"101 " + name, "102 12", "103 13", "104 ", "105 " + name}, units)
		// Two trees, the roster, one page of it, and who is out of it.
		require.Len(t, g.heard, 5, strings.Join(g.heard, "\n"))
	}
}

// statements notes what is asked.
type statements struct{ heard []string }

func (s *statements) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	s.heard = append(s.heard, e.Query)
	return ctx
}

func (s *statements) AfterQuery(context.Context, *bun.QueryEvent) {}
