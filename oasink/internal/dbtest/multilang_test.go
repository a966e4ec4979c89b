package dbtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// Names that the OA holds in several languages are shown and found in Chinese.
func TestNamesInSeveralLanguages(t *testing.T) {
	t.Parallel()
	everywhere(t, testNamesInSeveralLanguages)
}

func testNamesInSeveralLanguages(t *testing.T, on engine) {
	ctx := context.Background()
	oa := on.build(t, ecologytest.Schema{})
	require.NoError(t, oa.AddDepartments(ctx, ecologytest.Department{ID: 11, Name: "`~`~`7 研发部`~`8 R&D`~`~`"}, ecologytest.Department{ID: 12, Name: "`~`~`7 销售"}))
	staff := func(id int64, name, login string, department int64) ecologytest.Person {
		return ecologytest.Person{ID: id, LoginID: login, Workcode: "W" + itoa(int(id)), Name: name, Department: department, Status: 1}
	}
	require.NoError(t, oa.AddStaff(ctx,
		staff(101, "`~`~`7 张三`~`8 Zhang San`~`~`", "u1", 11),
		staff(102, "张三", "u2", 11),
		staff(103, "`~`~`7 张三丰`~`8 San`~`~`", "u3", 11),
		staff(104, "`~`~`7 100%_[a]`~`8 O'Brien?`~`~`", "u4", 12),
		staff(105, "`~`~`7 李四`~`8 Li", "张三", 11),
		staff(1000, "`~`~`9 張三`~`8 Zhang San`~`~`", "u1000", 11)))
	s := sink(t, oa.DB(), nil)
	for text, want := range map[string][]string{
		"张三": {"101", "102", "105"}, "name:张三": {"101", "102"}, "Zhang San": {"101", "1000"}, "San": {"103"}, "張三": {"1000"},
		"100%_[a]": {"104"}, "O'Brien?": {"104"}, "张": nil, "%": nil, "Zhang": nil, "李四": nil, "loginid:张三": {"105"}, "1000": {"1000"}, "7 张三": nil, "研发部": nil,
	} {
		found, err := s.FindPersons(ctx, text)
		require.NoError(t, err, text)
		var ids []string
		for _, c := range found {
			ids = append(ids, c.Person)
		}
		require.Equal(t, want, ids, text)
	}
	found, err := s.FindPersons(ctx, "Zhang San")
	require.NoError(t, err)
	require.Equal(t, "张三", found[0].Name)
	require.Equal(t, "研发部", found[0].Unit)

	var shown []string
	scope := s.Scope(oasink.Units{}, oasink.ByFunc(func(_ context.Context, p oasink.Person) (string, error) { return p.Name, nil }))
	for m, err := range scope.Members(ctx) {
		require.NoError(t, err)
		shown = append(shown, m.Name+" "+m.Unit+" "+m.Account)
	}
	require.Equal(t, []string{"张三 研发部 张三", "张三 研发部 张三", "张三丰 研发部 张三丰", "100%_[a] `~`~`7 销售 100%_[a]", "`~`~`7 李四`~`8 Li 研发部 `~`~`7 李四`~`8 Li", "張三 研发部 張三"}, shown)
	standing, err := scope.Examine(ctx, "101")
	require.NoError(t, err)
	require.Equal(t, [2]string{"张三", "研发部"}, [2]string{standing.Member.Name, standing.Member.Unit})
	require.Equal(t, attendance.Ambiguous, standing.Member.LeftOut)
}
