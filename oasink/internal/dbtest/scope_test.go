package dbtest

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

type directory []attendance.Account

func (d directory) Accounts(context.Context) iter.Seq2[attendance.Account, error] {
	return func(yield func(attendance.Account, error) bool) {
		for _, a := range d {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// pairs binds by a list of person, account, person, account, ...
func pairs(list ...string) oasink.Binding {
	var pairs []oasink.Pair
	for p := range slices.Chunk(list, 2) {
		pairs = append(pairs, oasink.Pair{Person: p[0], Account: p[1]})
	}
	return oasink.ByPairs(pairs)
}

type forbidden struct{}

func (forbidden) Accounts(context.Context) iter.Seq2[attendance.Account, error] {
	return func(yield func(attendance.Account, error) bool) {
		if yield(attendance.Account{ID: "half", JobNumber: "W101", Active: true}, nil) {
			yield(attendance.Account{}, &attendance.Error{Code: attendance.CodePermission, Detail: "qyapi_get_member is missing"})
		}
	}
}

type broken struct{ err error }

func (b broken) Accounts(context.Context) iter.Seq2[attendance.Account, error] {
	return func(yield func(attendance.Account, error) bool) {
		if yield(attendance.Account{}, attendance.Warningf("directory_slow", "it took long")) {
			yield(attendance.Account{}, b.err)
		}
	}
}

// company is a company with every oddity of the staff tables:
//
//	sub-company 1 > 2; 3 sealed > 4; 8 <-> 9 a cycle
//	departments 11 > 12 > 13 in 1; 21 in 2; 31 in 4; 41 sealed > 42 in 1; 51 in 2 below a department that does not exist; 61 <-> 62 a cycle in 1
func company(t testing.TB, on engine) *ecologytest.OA {
	t.Helper()
	ctx := context.Background()
	oa := on.build(t, ecologytest.Schema{})
	require.NoError(t, oa.AddSubCompanies(ctx,
		ecologytest.SubCompany{ID: 1}, ecologytest.SubCompany{ID: 2, Parent: 1, Canceled: "0"}, ecologytest.SubCompany{ID: 3, Canceled: "1"},
		ecologytest.SubCompany{ID: 4, Parent: 3}, ecologytest.SubCompany{ID: 8, Parent: 9}, ecologytest.SubCompany{ID: 9, Parent: 8}))
	require.NoError(t, oa.AddDepartments(ctx,
		ecologytest.Department{ID: 11, Subcompany: 1}, ecologytest.Department{ID: 12, Subcompany: 1, Parent: 11}, ecologytest.Department{ID: 13, Subcompany: 1, Parent: 12},
		ecologytest.Department{ID: 21, Subcompany: 2}, ecologytest.Department{ID: 31, Subcompany: 4}, ecologytest.Department{ID: 41, Subcompany: 1, Canceled: "1"},
		ecologytest.Department{ID: 42, Subcompany: 1, Parent: 41, Canceled: "0"}, ecologytest.Department{ID: 51, Subcompany: 2, Parent: 999},
		ecologytest.Department{ID: 61, Subcompany: 1, Parent: 62}, ecologytest.Department{ID: 62, Subcompany: 1, Parent: 61},
		ecologytest.Department{ID: 81, Subcompany: 8}))
	on.exec(t, oa.DB(), "UPDATE HrmDepartment SET supdepid = NULL WHERE id = 21", "sqlite: UPDATE HrmDepartment SET supdepid = '' WHERE id = 11",
		"UPDATE HrmSubCompany SET supsubcomid = NULL WHERE id = 1")
	person := func(id, department, subcompany int64, change func(p *ecologytest.Person)) {
		p := ecologytest.Person{ID: id, LoginID: "l" + itoa(int(id)), Workcode: "W" + itoa(int(id)), Name: "员工" + itoa(int(id)), Department: department, Subcompany: subcompany,
			Status: int(id) % 4}
		if change != nil {
			change(&p)
		}
		require.NoError(t, oa.AddStaff(ctx, p))
	}
	person(101, 11, 1, nil)
	person(102, 12, 1, nil)
	person(103, 13, 1, nil)
	person(104, 21, 2, nil)
	person(105, 31, 4, nil)                                                                               // below a sealed sub-company
	person(106, 41, 1, nil)                                                                               // sealed
	person(107, 42, 1, nil)                                                                               // below a sealed department
	person(108, 51, 2, nil)                                                                               // dangling parent
	person(109, 61, 1, nil)                                                                               // cycle
	person(110, 21, 0, func(p *ecologytest.Person) { p.Null = []string{"subcompanyid1", "accounttype"} }) // the department's sub-company
	person(111, 11, 1, func(p *ecologytest.Person) { p.LoginID = "" })
	person(112, 11, 1, func(p *ecologytest.Person) { p.Null = []string{"loginid"} })
	person(113, 11, 1, func(p *ecologytest.Person) { p.AccountType, p.BelongTo = 1, 101 })
	person(114, 0, 3, nil) // in no department, sealed sub-company
	person(115, 0, 1, nil) // in no department
	person(116, 81, 8, nil)
	person(117, 31, 1, nil) // a department of a sealed sub-company, whatever the person's own entry says
	for i, status := range []int{4, 5, 6, 7, 10} {
		person(int64(120+i), 11, 1, func(p *ecologytest.Person) { p.Status, p.Workcode = status, "W101" })
	}
	person(130, 11, 1, func(p *ecologytest.Person) { p.Null = []string{"status"} })
	return oa
}

// roster are the people of company who are in it.
func roster() []string {
	return []string{"101", "102", "103", "104", "108", "109", "110", "115", "116"}
}

// stream reads a scope: "101 account" or "101 reason", in order.
func stream(t testing.TB, sc attendance.Scope) (people []string, warnings []attendance.Warning) {
	t.Helper()
	for m, err := range sc.Members(context.Background()) {
		if w, ok := attendance.AsWarning(err); ok {
			warnings = append(warnings, w)
			continue
		}
		require.NoError(t, err)
		if m.LeftOut == "" {
			people = append(people, m.Person+" "+m.Account)
		} else {
			people = append(people, m.Person+" "+string(m.LeftOut))
		}
	}
	return people, warnings
}

func ids(people []string) []string {
	var list []string
	for _, p := range people {
		id, _, _ := strings.Cut(p, " ")
		list = append(list, id)
	}
	return list
}

func TestUnits(t *testing.T) {
	t.Parallel()
	everywhere(t, testUnits)
}

func testUnits(t *testing.T, on engine) {
	s := sink(t, company(t, on).DB(), nil)
	for _, c := range []struct {
		name  string
		units oasink.Units
		want  []string
	}{
		{"everybody", oasink.Units{}, roster()},
		{"everybody, whatever DirectOnly", oasink.Units{DirectOnly: true}, roster()},
		{"department and below", oasink.Units{Departments: []int64{11}}, []string{"101", "102", "103"}},
		{"department alone", oasink.Units{Departments: []int64{11}, DirectOnly: true}, []string{"101"}},
		{"lower department", oasink.Units{Departments: []int64{12}}, []string{"102", "103"}},
		{"sub-company and below", oasink.Units{Subcompanies: []int64{1}}, []string{"101", "102", "103", "104", "108", "109", "110", "115"}},
		{"sub-company alone", oasink.Units{Subcompanies: []int64{1}, DirectOnly: true}, []string{"101", "102", "103", "109", "115"}},
		{"sub-company of the department", oasink.Units{Subcompanies: []int64{2}}, []string{"104", "108", "110"}},
		{"union", oasink.Units{Subcompanies: []int64{2}, Departments: []int64{13}, Employees: []int64{101, 101}}, []string{"101", "103", "104", "108", "110"}},
		{"sealed", oasink.Units{Departments: []int64{41}, Subcompanies: []int64{3}}, nil},
		{"cycles", oasink.Units{Departments: []int64{62}, Subcompanies: []int64{9}}, []string{"109", "116"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			people, warnings := stream(t, s.Scope(c.units, oasink.ByID(nil)))
			require.Empty(t, warnings)
			require.Equal(t, c.want, ids(people))
		})
	}
}

func TestUnknownUnitsAreNamed(t *testing.T) {
	t.Parallel()
	everywhere(t, testUnknownUnitsAreNamed)
}

func testUnknownUnitsAreNamed(t *testing.T, on engine) {
	s := sink(t, company(t, on).DB(), nil)
	people, warnings := stream(t, s.Scope(oasink.Units{Departments: []int64{77, 11, 77}, Subcompanies: []int64{5}, DirectOnly: true}, oasink.ByID(nil)))
	require.Equal(t, []string{"101"}, ids(people))
	require.Len(t, warnings, 2)
	require.Equal(t, "unknown_unit", warnings[0].Code)
	require.Contains(t, warnings[0].Message, "HrmDepartment has no 77:")
	require.Contains(t, warnings[1].Message, "HrmSubCompany has no 5:")
}

func TestEmployeesOutOfTheRoster(t *testing.T) {
	t.Parallel()
	everywhere(t, testEmployeesOutOfTheRoster)
}

func testEmployeesOutOfTheRoster(t *testing.T, on engine) {
	s := sink(t, company(t, on).DB(), nil)
	var members []attendance.Member
	for m, err := range s.Scope(oasink.Units{Employees: []int64{999, 120, 113, 111, 106, 102, 120, -5}}, oasink.ByID(nil)).Members(context.Background()) {
		require.NoError(t, err)
		members = append(members, m)
	}
	require.Equal(t, []attendance.Member{
		{Person: "102", Account: "102", Name: "员工102", Unit: "12"},
		{Person: "-5", LeftOut: attendance.OutOfRoster},
		{Person: "106", Name: "员工106", Unit: "41", LeftOut: attendance.OutOfRoster},
		{Person: "111", Name: "员工111", Unit: "11", LeftOut: attendance.OutOfRoster},
		{Person: "113", Name: "员工113", Unit: "11", LeftOut: attendance.OutOfRoster},
		{Person: "120", Name: "员工120", Unit: "11", LeftOut: attendance.OutOfRoster},
		{Person: "999", LeftOut: attendance.OutOfRoster},
	}, members)
}

// few is a company of one department with the given people.
func few(t testing.TB, on engine, people ...ecologytest.Person) *oasink.Sink {
	t.Helper()
	oa := on.build(t, ecologytest.Schema{})
	require.NoError(t, oa.AddDepartments(context.Background(), ecologytest.Department{ID: 11}, ecologytest.Department{ID: 12}))
	for i := range people {
		p := &people[i]
		if p.ID == 0 {
			p.ID = int64(101 + i)
		}
		if p.LoginID == "" {
			p.LoginID = "login" + itoa(int(p.ID))
		}
		if p.Department == 0 {
			p.Department = 11
		}
	}
	require.NoError(t, oa.AddStaff(context.Background(), people...))
	return sink(t, oa.DB(), nil)
}

func TestBindings(t *testing.T) {
	t.Parallel()
	everywhere(t, testBindings)
}

func testBindings(t *testing.T, on engine) {
	people := []ecologytest.Person{
		{ID: 101, LoginID: "zhang", Account: "ldap.zhang", Workcode: " A001 ", Mobile: "138 0013-8001", Email: "Zhang@Example.com"},
		{ID: 102, LoginID: "Li", Account: "ldap.li", Workcode: "a002", Mobile: "+8613800138002", Email: "li@example.com"},
		{ID: 103, LoginID: "wang", Null: []string{"account", "workcode", "mobile", "email"}},
	}
	dir := directory{
		{ID: "zhang", JobNumber: "A001 ", Mobile: "13800138001", Emails: []string{"z@corp.cn", "zhang@example.COM"}, Active: true},
		{ID: "li", JobNumber: "A002", Mobile: "13800138002", Emails: []string{"li@example.com"}, Active: true},
		{ID: "ldap.li", JobNumber: "", Mobile: "", Active: true},
		{ID: "103", Active: true},
	}
	fold := func(b oasink.Binding) oasink.Binding { b.Fold = true; return b }
	account := func(b oasink.Binding) oasink.Binding { b.Match = oasink.MatchAccount; return b }
	for _, c := range []struct {
		name    string
		binding oasink.Binding
		want    []string
	}{
		{"id", oasink.ByID(dir), []string{"101 unbound", "102 unbound", "103 103"}},
		{"id unread", oasink.ByID(nil), []string{"101 101", "102 102", "103 103"}},
		{"loginid", oasink.ByLoginID(dir), []string{"101 zhang", "102 unbound", "103 unbound"}},
		{"loginid folded", fold(oasink.ByLoginID(dir)), []string{"101 zhang", "102 li", "103 unbound"}},
		{"loginid unread", oasink.ByLoginID(nil), []string{"101 zhang", "102 Li", "103 wang"}},
		{"account", oasink.ByAccount(dir), []string{"101 unbound", "102 ldap.li", "103 unbound"}},
		{"workcode", oasink.ByWorkcode(dir), []string{"101 zhang", "102 unbound", "103 unbound"}},
		{"workcode folded", fold(oasink.ByWorkcode(dir)), []string{"101 zhang", "102 li", "103 unbound"}},
		{"workcode unread", oasink.ByWorkcode(nil), []string{"101 A001", "102 a002", "103 unbound"}},
		{"workcode is the account", account(oasink.ByWorkcode(directory{{ID: "A001", Active: true}, {ID: "x", JobNumber: "a002", Active: true}})),
			[]string{"101 A001", "102 unbound", "103 unbound"}},
		{"mobile", oasink.ByMobile(dir), []string{"101 zhang", "102 li", "103 unbound"}},
		{"email", oasink.ByEmail(dir), []string{"101 zhang", "102 li", "103 unbound"}},
		{"pairs", pairs(" 101", " zz ", "101", "zz", "103", "", "999", "ww"), []string{"101 zz", "102 unbound", "103 unbound"}},
		{"function", oasink.ByFunc(func(_ context.Context, p oasink.Person) (string, error) {
			require.Equal(t, int64(11), p.Department)
			return strings.TrimPrefix(p.Account, "ldap."), nil
		}), []string{"101 zhang", "102 li", "103 unbound"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, warnings := stream(t, few(t, on, slices.Clone(people)...).Scope(oasink.Units{}, c.binding))
			require.Empty(t, warnings)
			require.Equal(t, c.want, got)
		})
	}
}

func TestAmbiguity(t *testing.T) {
	t.Parallel()
	everywhere(t, testAmbiguity)
}

func testAmbiguity(t *testing.T, on engine) {
	dir := func(accounts ...attendance.Account) directory { return accounts }
	acc := func(id, job string) attendance.Account {
		return attendance.Account{ID: id, JobNumber: job, Mobile: job, Emails: []string{job}, Active: true}
	}
	who := func(id int64, value string) ecologytest.Person {
		return ecologytest.Person{ID: id, Workcode: value, Mobile: value, Email: value}
	}
	elsewhere := func(p ecologytest.Person) ecologytest.Person { p.Department = 12; return p }
	left := func(p ecologytest.Person) ecologytest.Person { p.Status = 5; return p }
	for _, c := range []struct {
		name   string
		people []ecologytest.Person
		bind   oasink.Binding
		want   []string
	}{
		{"two people share a value", []ecologytest.Person{who(101, "1"), who(102, "1 "), who(103, "3")}, oasink.ByWorkcode(dir(acc("a", "1"), acc("c", "3"))),
			[]string{"101 ambiguous", "102 ambiguous", "103 c"}},
		{"also with somebody outside the units", []ecologytest.Person{who(101, "1"), elsewhere(who(102, "1"))}, oasink.ByWorkcode(dir(acc("a", "1"))), []string{"101 ambiguous"}},
		{"not with leavers", []ecologytest.Person{who(101, "1"), left(who(102, "1"))}, oasink.ByWorkcode(dir(acc("a", "1"))), []string{"101 a"}},
		{"unread", []ecologytest.Person{who(101, "1"), who(102, "1"), who(103, "2")}, oasink.ByWorkcode(nil), []string{"101 ambiguous", "102 ambiguous", "103 2"}},
		{"two accounts share a value", []ecologytest.Person{who(101, "1"), who(102, "2")}, oasink.ByWorkcode(dir(acc("a", "1"), acc("b", "1"), acc("c", "2"), acc("d", "1"))),
			[]string{"101 ambiguous", "102 c"}},
		{"mobiles after normalising", []ecologytest.Person{who(101, "+86 13800138000"), who(102, "138-0013-8000")}, oasink.ByMobile(dir(acc("a", "13800138000"))),
			[]string{"101 ambiguous", "102 ambiguous"}},
		{"one account by two addresses", []ecologytest.Person{who(101, "x@a.cn"), who(102, "y@a.cn")},
			oasink.ByEmail(dir(attendance.Account{ID: "a", Emails: []string{"x@a.cn", "y@a.cn", "X@a.cn"}, Active: true})), []string{"101 ambiguous", "102 ambiguous"}},
		{"an account named twice", []ecologytest.Person{who(101, "1")}, oasink.ByWorkcode(dir(acc("a", "1"), acc("a", "1"))), []string{"101 a"}},
		{"a person with two accounts", []ecologytest.Person{who(101, ""), who(102, ""), who(103, "")},
			pairs("101", "a", "101", "b", "102", "b", "103", "c"), []string{"101 ambiguous", "102 ambiguous", "103 c"}},
		{"an account with two people", []ecologytest.Person{who(101, ""), elsewhere(who(102, "")), left(who(103, "")), who(104, "")},
			pairs("101", "a", "102", "a", "103", "c", "104", "c"), []string{"101 ambiguous", "104 c"}},
		{"functions too", []ecologytest.Person{who(101, "1"), elsewhere(who(102, "1"))},
			oasink.ByFunc(func(_ context.Context, p oasink.Person) (string, error) { return p.Workcode, nil }), []string{"101 ambiguous"}},
		{"empty values are nobody's", []ecologytest.Person{who(101, ""), who(102, "  ")}, oasink.ByWorkcode(dir(acc("a", ""), acc("b", " "))), []string{"101 unbound", "102 unbound"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := stream(t, few(t, on, c.people...).Scope(oasink.Units{Departments: []int64{11}}, c.bind))
			require.Equal(t, c.want, got)
		})
	}
}

func TestFoldedPairs(t *testing.T) {
	t.Parallel()
	everywhere(t, testFoldedPairs)
}

func testFoldedPairs(t *testing.T, on engine) {
	b := pairs("101", "Zhang", "102", "zhang")
	s := few(t, on, ecologytest.Person{}, ecologytest.Person{})
	got, _ := stream(t, s.Scope(oasink.Units{}, b))
	require.Equal(t, []string{"101 Zhang", "102 zhang"}, got)
	b.Fold = true
	got, _ = stream(t, s.Scope(oasink.Units{}, b))
	require.Equal(t, []string{"101 ambiguous", "102 ambiguous"}, got)
}

func TestInactiveAccounts(t *testing.T) {
	t.Parallel()
	everywhere(t, testInactiveAccounts)
}

func testInactiveAccounts(t *testing.T, on engine) {
	s := few(t, on, ecologytest.Person{Workcode: "1"}, ecologytest.Person{Workcode: "2"})
	b := oasink.ByWorkcode(directory{{ID: "a", JobNumber: "1"}, {ID: "b", JobNumber: "2", Active: true}})
	got, _ := stream(t, s.Scope(oasink.Units{}, b))
	require.Equal(t, []string{"101 inactive", "102 b"}, got)
	b.IncludeInactive = true
	got, _ = stream(t, s.Scope(oasink.Units{}, b))
	require.Equal(t, []string{"101 a", "102 b"}, got)
}

// An application that may not see what people are bound by leaves everybody
// unbound, and one warning says why.
func TestDirectoryWithoutValues(t *testing.T) {
	t.Parallel()
	s := few(t, sqliteEngine(), ecologytest.Person{Mobile: "13800000001"})
	accounts := directory{{ID: "a", Active: true, Emails: []string{"a@example.com"}}, {ID: "b", Active: true}}
	got, warnings := stream(t, s.Scope(oasink.Units{}, oasink.ByMobile(accounts)))
	require.Equal(t, []string{"101 unbound"}, got)
	require.Len(t, warnings, 1)
	require.Equal(t, "directory_without_values", warnings[0].Code)
	require.Contains(t, warnings[0].Message, "none of the 2 accounts")
	for _, b := range []oasink.Binding{oasink.ByEmail(accounts), oasink.ByLoginID(accounts), oasink.ByMobile(directory{})} {
		_, warnings = stream(t, s.Scope(oasink.Units{}, b))
		require.Empty(t, warnings)
	}
}

func TestDirectoriesThatFail(t *testing.T) {
	t.Parallel()
	everywhere(t, testDirectoriesThatFail)
}

func testDirectoriesThatFail(t *testing.T, on engine) {
	s := few(t, on, ecologytest.Person{Workcode: "W101"}, ecologytest.Person{})
	got, warnings := stream(t, s.Scope(oasink.Units{}, oasink.ByWorkcode(forbidden{}).ForWeCom()))
	require.Equal(t, []string{"101 W101", "102 unbound"}, got)
	require.Equal(t, "directory_unreadable", warnings[0].Code)
	require.Contains(t, warnings[0].Message, "qyapi_get_member is missing")

	// What is looked up in the directory is no account that could be asked for.
	for _, b := range []oasink.Binding{oasink.ByWorkcode(forbidden{}), oasink.ByMobile(forbidden{}), oasink.ByEmail(forbidden{}), oasink.ByMobile(forbidden{}).ForWeCom()} {
		var seen []error
		for _, err := range s.Scope(oasink.Units{}, b).Members(context.Background()) {
			seen = append(seen, err)
		}
		require.Len(t, seen, 1)
		require.Equal(t, attendance.CodePermission, attendance.CodeOf(seen[0]))
	}

	cause := &attendance.Error{Code: attendance.CodeUnavailable}
	var seen []error
	for _, err := range s.Scope(oasink.Units{}, oasink.ByWorkcode(broken{cause})).Members(context.Background()) {
		seen = append(seen, err)
	}
	require.Len(t, seen, 2)
	require.Equal(t, attendance.Warningf("directory_slow", "it took long"), seen[0])
	require.Equal(t, error(cause), seen[1])
}

func TestFunctionsAndFilesThatFail(t *testing.T) {
	t.Parallel()
	everywhere(t, testFunctionsAndFilesThatFail)
}

func testFunctionsAndFilesThatFail(t *testing.T, on engine) {
	s := few(t, on, ecologytest.Person{})
	wrong := errors.New("wrong")
	for _, b := range []oasink.Binding{
		oasink.ByFunc(func(context.Context, oasink.Person) (string, error) { return "", wrong }),
		pairs("zhang", "a"), oasink.ByFile("nowhere.csv"),
	} {
		n := 0
		for _, err := range s.Scope(oasink.Units{}, b).Members(context.Background()) {
			require.Error(t, err)
			n++
		}
		require.Equal(t, 1, n)
	}
	path := filepath.Join(t.TempDir(), "b.csv")
	require.NoError(t, os.WriteFile(path, []byte("employee_id,account\n101,zz\n"), 0o600))
	got, _ := stream(t, s.Scope(oasink.Units{}, oasink.ByFile(path)))
	require.Equal(t, []string{"101 zz"}, got)
}

func TestScopeWithoutItsTables(t *testing.T) {
	t.Parallel()
	everywhere(t, testScopeWithoutItsTables)
}

func testScopeWithoutItsTables(t *testing.T, on engine) {
	for _, without := range []string{"HrmResource", "HrmDepartment", "HrmSubCompany", "HrmResource.workcode", "HrmResource.status"} {
		oa := on.build(t, ecologytest.Schema{Without: []string{without}})
		for _, err := range sink(t, oa.DB(), nil).Scope(oasink.Units{}, oasink.ByWorkcode(nil)).Members(context.Background()) {
			require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
			require.Regexp(t, "(?i)"+strings.Split(without, ".")[0], err)
		}
	}
	old := on.build(t, ecologytest.Schema{Generation: oasink.E7, Without: []string{"HrmResource.accounttype", "HrmDepartment.canceled", "HrmSubCompany.canceled", "HrmResource.lastname"}})
	require.NoError(t, old.AddStaff(context.Background(), ecologytest.Person{ID: 101, LoginID: "a"}))
	got, _ := stream(t, sink(t, old.DB(), nil).Scope(oasink.Units{}, oasink.ByID(nil)))
	require.Equal(t, []string{"101 101"}, got)
}

// crowd adds n people in department 11.
func crowd(t testing.TB, on engine, n int) *oasink.Sink {
	t.Helper()
	oa := on.build(t, ecologytest.Schema{})
	require.NoError(t, oa.AddDepartments(context.Background(), ecologytest.Department{ID: 11}))
	people := make([]ecologytest.Person, n)
	for i := range people {
		people[i] = ecologytest.Person{ID: int64(1000 + i), LoginID: "l" + itoa(i), Workcode: "EMP-" + itoa(100000+i), Name: "员工" + itoa(i), Department: 11}
	}
	require.NoError(t, oa.AddStaff(context.Background(), people...))
	return sink(t, oa.DB(), nil)
}

func TestPages(t *testing.T) {
	t.Parallel()
	everywhere(t, testPages)
}

func testPages(t *testing.T, on engine) {
	s := crowd(t, on, 1500) // whole pages only
	got, _ := stream(t, s.Scope(oasink.Units{}, oasink.ByWorkcode(nil)))
	require.Len(t, got, 1500)
	require.Equal(t, "1000 EMP-100000", got[0])
	require.Equal(t, "2499 EMP-101499", got[1499])
}

func TestStreamContract(t *testing.T) {
	t.Parallel()
	everywhere(t, testStreamContract)
}

func testStreamContract(t *testing.T, on engine) {
	s := crowd(t, on, 1200)
	var called atomic.Bool
	sc := s.Scope(oasink.Units{}, oasink.ByFunc(func(_ context.Context, p oasink.Person) (string, error) { called.Store(true); return p.LoginID, nil }))
	members := sc.Members(context.Background())
	require.False(t, called.Load(), "no work before the first pull")
	n := 0
	for range members {
		if n++; n == 3 {
			break
		}
	}
	require.Equal(t, 3, n)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n = 0
	var last error
	for _, err := range sc.Members(ctx) {
		if n++; n == 700 {
			cancel()
		}
		last = err
	}
	require.Equal(t, 701, n)
	require.Equal(t, context.Canceled, last)
	for _, err := range sc.Members(ctx) {
		require.Equal(t, context.Canceled, err)
	}
	for range s.Scope(oasink.Units{Departments: []int64{99}}, oasink.ByID(nil)).Members(context.Background()) {
		break // at a warning
	}
	for range s.Scope(oasink.Units{}, oasink.ByWorkcode(forbidden{})).Members(context.Background()) {
		break
	}
	for range s.Scope(oasink.Units{}, oasink.ByWorkcode(broken{errors.New("x")})).Members(context.Background()) {
		break
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			count := 0
			for _, err := range sc.Members(context.Background()) {
				if err == nil {
					count++
				}
			}
			if count != 1200 {
				t.Error(count)
			}
		})
	}
	group.Wait()
}

// A view that joins may show somebody twice, and people may change their mind
// while they are read.
func TestPeopleAreStreamedOnce(t *testing.T) {
	t.Parallel()
	everywhere(t, testPeopleAreStreamedOnce)
}

func testPeopleAreStreamedOnce(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	ctx := context.Background()
	require.NoError(t, oa.AddStaff(ctx, ecologytest.Person{ID: 101, LoginID: "a", Workcode: "1"}, ecologytest.Person{ID: 101, LoginID: "a", Workcode: "1"},
		ecologytest.Person{ID: 102, LoginID: "b", Workcode: "2"}))
	got, _ := stream(t, sink(t, oa.DB(), nil).Scope(oasink.Units{}, oasink.ByWorkcode(nil)))
	require.Equal(t, []string{"101 1", "102 2"}, got)
}

// A seen directory shows some accounts, warns, and knows of others when it is asked.
type seen struct {
	directory
	warning string
	err     error
	others  map[string]error // of HasAccount: nil is there, errNobody is not
	asked   *[]string
}

var errNobody = errors.New("nobody")

func (d seen) Accounts(ctx context.Context) iter.Seq2[attendance.Account, error] {
	return func(yield func(attendance.Account, error) bool) {
		if d.warning != "" && !yield(attendance.Account{}, attendance.Warningf(d.warning, "x")) {
			return
		}
		for a, err := range d.directory.Accounts(ctx) {
			if !yield(a, err) {
				return
			}
		}
		if d.err != nil {
			yield(attendance.Account{}, d.err)
		}
	}
}

func (d seen) HasAccount(_ context.Context, id string) (bool, error) {
	*d.asked = append(*d.asked, id)
	err, ok := d.others[id]
	switch {
	case !ok:
		return false, &attendance.Error{Code: attendance.CodeAccount}
	case errors.Is(err, errNobody):
		return false, nil
	default:
		return err == nil, err
	}
}

// Accounts of a list are compared with the platform's directory: what nobody has is named,
// and nobody is left out for what cannot be seen.
func TestVerifiedLists(t *testing.T) {
	t.Parallel()
	denied := &attendance.Error{Code: attendance.CodePermission, Detail: "no"}
	some := directory{{ID: "a", Active: true}, {ID: "b"}}
	for _, test := range []struct {
		name     string
		dir      seen
		want     string
		warnings string
		asked    string
	}{
		{"whole", seen{directory: some}, "101 a, 102 b, 103 unbound, 104 unbound, 105 unbound", "account_unknown", "c x"},
		{"and one of them is there", seen{directory: some, others: map[string]error{"c": nil, "x": errNobody}}, "101 a, 102 b, 103 c, 104 unbound, 105 unbound", "account_unknown", "c x"},
		{"in part", seen{directory: some, warning: attendance.DirectoryPartial}, "101 a, 102 b, 103 c, 104 x, 105 unbound", "account_unseen", "c x"},
		{"incomplete", seen{directory: some, warning: "directory_incomplete"}, "101 a, 102 b, 103 c, 104 x, 105 unbound", "directory_incomplete account_unseen", "c x"},
		{"in part, and one is nobody's", seen{directory: some, warning: attendance.DirectoryPartial, others: map[string]error{"x": errNobody}}, "101 a, 102 b, 103 c, 104 unbound, 105 unbound", "account_unknown account_unseen", "c x"},
		{"nobody shown", seen{}, "101 a, 102 b, 103 c, 104 x, 105 unbound", "account_unseen", "a b c x"},
		{"no looking up", seen{directory: some, warning: attendance.DirectoryPartial, others: map[string]error{"c": denied, "x": nil}}, "101 a, 102 b, 103 c, 104 x, 105 unbound", "account_unseen", "c"},
		{"all are there", seen{directory: directory{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "x"}}}, "101 a, 102 b, 103 c, 104 x, 105 unbound", "", ""},
		{"forbidden", seen{directory: some, err: denied}, "101 a, 102 b, 103 c, 104 x, 105 unbound", "directory_unreadable", ""},
		{"broken", seen{directory: some, err: &attendance.Error{Code: attendance.CodeUnavailable}}, "101 a, 102 b, 103 c, 104 x, 105 unbound", "directory_unreadable", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.dir.asked = new([]string)
			s := few(t, sqliteEngine(), make([]ecologytest.Person, 5)...)
			list := pairs("101", "a", "102", "b\u200b", "103", "c", "104", "x", "999", "y")
			got, warnings := stream(t, s.Scope(oasink.Units{}, list.Verified(test.dir)))
			require.Equal(t, test.want, strings.Join(got, ", "))
			var codes []string
			for _, w := range warnings {
				codes = append(codes, w.Code)
			}
			require.Equal(t, test.warnings, strings.Join(codes, " "))
			require.Equal(t, test.asked, strings.Join(*test.dir.asked, " "))

			byName := oasink.ByFunc(func(_ context.Context, p oasink.Person) (string, error) {
				return map[int64]string{101: "a", 102: "b\u200b", 103: "c", 104: "x"}[p.ID], nil
			})
			again, _ := stream(t, s.Scope(oasink.Units{}, byName.Verified(test.dir)))
			require.Equal(t, got, again)
		})
	}
	t.Run("fifty are looked up", func(t *testing.T) {
		t.Parallel()
		s := few(t, sqliteEngine(), make([]ecologytest.Person, 60)...)
		var list []string
		for id := 101; id <= 160; id++ {
			list = append(list, itoa(id), "x"+itoa(id))
		}
		dir := seen{directory: some, warning: attendance.DirectoryPartial, asked: new([]string)}
		got, warnings := stream(t, s.Scope(oasink.Units{}, pairs(list...).Verified(dir)))
		require.Len(t, *dir.asked, 50)
		require.Equal(t, "160 x160", got[59])
		require.Len(t, warnings, 1)
	})
	t.Run("not verified", func(t *testing.T) {
		t.Parallel()
		s := few(t, sqliteEngine(), make([]ecologytest.Person, 2)...)
		findings := s.Scope(oasink.Units{}, pairs("101", "a")).Check(t.Context())
		require.Equal(t, attendance.LevelWarning, findings[0].Level)
		require.Contains(t, findings[0].Message.EN, "unread")
		require.Contains(t, findings[1].Message.EN, "are in no line of the list")
		findings = s.Scope(oasink.Units{}, pairs("101", "a").Verified(some)).Check(t.Context())
		require.Equal(t, attendance.LevelOK, findings[0].Level)
	})
}

// What a directory says of itself is passed on where somebody is left out, and an account
// that it names and does not show proves nothing by silence.
func TestDirectoriesInPart(t *testing.T) {
	t.Parallel()
	dir := seen{directory: directory{{ID: "a", JobNumber: "1", Active: true, Unread: true}, {ID: "b", JobNumber: "2", Active: true}}, warning: attendance.DirectoryPartial}
	for workcode, want := range map[string]int{"2": 0, "3": 1} {
		s := few(t, sqliteEngine(), ecologytest.Person{Workcode: "1"}, ecologytest.Person{Workcode: workcode})
		scope := s.Scope(oasink.Units{}, oasink.ByWorkcode(dir))
		_, warnings := stream(t, scope)
		require.Len(t, warnings, want)
		for m, err := range scope.Members(t.Context()) {
			if err == nil && m.LeftOut == "" {
				require.Equal(t, m.Account == "b", m.Known)
			}
		}
		findings := scope.Check(t.Context())
		require.Contains(t, findings[want].Message.EN, "1 of them are asked for unread")
		if want > 0 {
			require.Contains(t, findings[2].Mend.EN, "a part of the company only")
		}
	}
}
