package dbtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

func TestFindPersons(t *testing.T) {
	t.Parallel()
	everywhere(t, testFindPersons)
}

func testFindPersons(t *testing.T, on engine) {
	s := few(t, on,
		ecologytest.Person{ID: 17, LoginID: "zhangsan", Workcode: "A001", Name: "张三", Status: 1},
		ecologytest.Person{ID: 18, LoginID: "zhangsan2", Workcode: " A002 ", Name: "张三", Status: 5},
		ecologytest.Person{ID: 19, LoginID: "17", Workcode: "O'Brien?", Name: "李四", Status: 10},
		ecologytest.Person{ID: 20, LoginID: "wang", Name: "王五", Null: []string{"workcode", "lastname"}})
	for text, want := range map[string]string{
		"17": "17 19", "id:17": "17", "loginid:17": "19", "workcode:17": "", "zhangsan": "17", "A001": "17", "A002": "18", " A001 ": "17", "张三": "17 18", "name:张三": "17 18",
		"name:zhangsan": "", "O'Brien?": "19", "nobody": "", "": "", "id:x": "", "' OR 1=1 --": "", "a\x00b": "", "-1": "",
	} {
		found, err := s.FindPersons(context.Background(), text)
		require.NoError(t, err, text)
		ids := make([]string, len(found))
		for i, c := range found {
			ids[i] = c.Person
		}
		require.Equal(t, want, strings.Join(ids, " "), text)
	}
	found, err := s.FindPersons(context.Background(), "A002")
	require.NoError(t, err)
	require.Equal(t, []attendance.Candidate{{Person: "18", Name: "张三", Login: "zhangsan2", Number: "A002", Unit: "11", Status: attendance.Text{EN: "left", ZH: "离职"}}}, found)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = s.FindPersons(ctx, "17")
	require.ErrorIs(t, err, context.Canceled)
}

func TestExamine(t *testing.T) {
	t.Parallel()
	everywhere(t, testExamine)
}

func testExamine(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	ctx := context.Background()
	require.NoError(t, oa.AddSubCompanies(ctx, ecologytest.SubCompany{ID: 1}, ecologytest.SubCompany{ID: 2, Canceled: "1"}))
	require.NoError(t, oa.AddDepartments(ctx, ecologytest.Department{ID: 11, Name: "研发", Subcompany: 1}, ecologytest.Department{ID: 12, Name: "平台", Subcompany: 1, Parent: 11},
		ecologytest.Department{ID: 13, Subcompany: 1}, ecologytest.Department{ID: 21, Subcompany: 2}))
	var people []ecologytest.Person
	for id := int64(101); id <= 110; id++ {
		people = append(people, ecologytest.Person{ID: id, LoginID: "l" + itoa(int(id)), Workcode: "W" + itoa(int(id)), Name: "员工", Department: 12, Subcompany: 1, Status: 1})
	}
	people[1].Department = 13
	people[2].Workcode = "W104" // and 104
	people[4].Workcode = ""
	people[6].Status = 4
	people[7].LoginID = ""
	people[8].AccountType, people[8].BelongTo = 1, 101
	people[9].Department = 21
	require.NoError(t, oa.AddStaff(ctx, people...))
	accounts := directory{{ID: "u101", JobNumber: "W101", Active: true}, {ID: "u102", JobNumber: "W102", Active: true}, {ID: "u104", JobNumber: "W104", Active: true},
		{ID: "u106", JobNumber: "W106"}}
	s := sink(t, oa.DB(), nil)
	scope := s.Scope(oasink.Units{Departments: []int64{11, 21}}, oasink.ByWorkcode(accounts))
	for person, want := range map[string][3]string{ // left out, steps, who and why
		"101": {"", "roster+ scope+ binding+", ""},
		"102": {"out_of_scope", "roster+ scope-", "部门 13"},
		"103": {"ambiguous", "roster+ scope+ binding-", "与人员 104 相同"},
		"104": {"ambiguous", "roster+ scope+ binding-", "与人员 103 相同"},
		"105": {"unbound", "roster+ scope+ binding-", "为空"},
		"106": {"inactive", "roster+ scope+ binding-", "u106"},
		"107": {"out_of_roster", "roster-", "解聘"},
		"108": {"out_of_roster", "roster-", "登录名"},
		"109": {"out_of_roster", "roster-", "主账号 101"},
		"110": {"out_of_roster", "roster-", "封存"},
		"999": {"out_of_roster", "roster-", "没有 999"},
		"x'y": {"out_of_roster", "roster-", "没有 x'y"},
	} {
		st, err := scope.Examine(ctx, person)
		require.NoError(t, err, person)
		require.Equal(t, person, st.Member.Person)
		require.Equal(t, want[0], string(st.Member.LeftOut), person)
		steps := make([]string, len(st.Steps))
		for i, one := range st.Steps {
			steps[i] = one.Name + map[bool]string{true: "+", false: "-"}[one.OK]
			require.NotEmpty(t, one.Detail.EN)
			require.NotEmpty(t, one.Detail.ZH)
		}
		require.Equal(t, want[1], strings.Join(steps, " "), person)
		require.Contains(t, st.Advice.Sentence().ZH, want[2], person)
		// It judges as the scope does.
		for m, err := range scope.Members(ctx) {
			require.NoError(t, err)
			if m.Person == person {
				require.Equal(t, m, st.Member)
			}
		}
	}
	// Two accounts of one value are named.
	twice := append(slices.Clone(accounts), attendance.Account{ID: "u101b", JobNumber: "W101", Active: true})
	st, err := s.Scope(oasink.Units{}, oasink.ByWorkcode(twice)).Examine(ctx, "101")
	require.NoError(t, err)
	require.Equal(t, attendance.Ambiguous, st.Member.LeftOut)
	require.Contains(t, st.Advice.Why.EN, "u101, u101b")

	// A directory that fails leaves what was found before it.
	st, err = s.Scope(oasink.Units{}, oasink.ByWorkcode(broken{&attendance.Error{Code: attendance.CodeUnavailable, Detail: "down"}})).Examine(ctx, "101")
	require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
	require.Len(t, st.Steps, 2)
	require.Equal(t, "员工", st.Member.Name)
	_, err = s.Scope(oasink.Units{}, oasink.ByWorkcode(forbidden{})).Examine(ctx, "101")
	require.Equal(t, attendance.CodePermission, attendance.CodeOf(err))
	st, err = s.Scope(oasink.Units{}, oasink.ByLoginID(forbidden{})).Examine(ctx, "101")
	require.NoError(t, err)
	require.Equal(t, "l101", st.Member.Account, "as the scope does where the directory may not be read")
	require.Contains(t, st.Steps[2].Detail.EN, "unread")
	require.Len(t, st.Warnings, 1)
}

func TestShown(t *testing.T) {
	t.Parallel()
	everywhere(t, testShown)
}

// Shown says what the reader of the tests says, which is written from the same rules
// and from nothing else.
func testShown(t *testing.T, on engine) {
	ctx := context.Background()
	day := attendance.Date{Year: 2026, Month: 3, Day: 3}
	for _, g := range []oasink.Generation{oasink.E7, oasink.E8, oasink.E9} {
		t.Run(g.String(), func(t *testing.T) {
			d := on.found(t, ecologytest.Schema{Generation: g})
			person := 0
			clocks := []string{"00:00:00", "01:12:40", "08:57:17", "12:00:00", "18:07:17", "23:59:59"}
			for _, types := range []string{"12", "21", "112", "122", "1", "2", "0", "11", "2212", ""} {
				for flag := range 4 {
					person++
					for i, signType := range types {
						row := ecologytest.SignRow{UserID: int64(person), UserType: "1", SignType: string(signType), SignDate: "2026-03-03", SignTime: clocks[(i+person)%len(clocks)], IsInCom: "1", SignFrom: "e9pc"}
						switch {
						case signType == '0':
							row.SignType = null
						case flag == 1 && i == 0:
							row.IsInCom = "0"
						case flag == 2 && i == 0:
							row.UserType = null
						case flag == 3 && i == 0:
							row.SignDate = "2026-03-04"
						}
						d.add(t, g, row)
					}
				}
			}
			s := sink(t, d.pool(t), nil)
			for p := 1; p <= person; p++ {
				shown, err := s.Shown(ctx, itoa(p), day, beijing())
				require.NoError(t, err)
				var want ecologytest.Day
				if g == oasink.E9 {
					want, err = d.oa.ShownE9(ctx, int64(p), "2026-03-03", "")
				} else {
					want, err = d.oa.ShownE8(ctx, int64(p), "2026-03-03")
				}
				require.NoError(t, err)
				got := ecologytest.Day{}
				if !shown.In.IsZero() {
					got.In = shown.In.Format("15:04:05")
				}
				if !shown.Out.IsZero() {
					got.Out = shown.Out.Format("15:04:05")
				}
				require.Equal(t, want, got, "person %d: %+v", p, shown.Rows)
				require.Equal(t, g != oasink.E9, shown.Calendar)
			}
		})
	}
}

// add adds a row of a generation, which may lack columns.
func (d database) add(t *testing.T, g oasink.Generation, r ecologytest.SignRow) {
	t.Helper()
	if g != oasink.E7 {
		require.NoError(t, d.oa.AddSigns(context.Background(), r))
		return
	}
	text := func(s string) string {
		if s == null {
			return s
		}
		return "'" + s + "'"
	}
	d.exec(t, d.oa.DB(), fmt.Sprintf("INSERT INTO HrmScheduleSign (userId, userType, signType, signDate, signTime, isInCom) VALUES (%d, %s, %s, %s, %s, %s)",
		r.UserID, text(r.UserType), text(r.SignType), text(r.SignDate), text(r.SignTime), text(r.IsInCom)))
}

func TestRowsThatAreNotShown(t *testing.T) {
	t.Parallel()
	everywhere(t, testRowsThatAreNotShown)
}

func testRowsThatAreNotShown(t *testing.T, on engine) {
	ctx := context.Background()
	d := on.found(t, ecologytest.Schema{Generation: oasink.E8})
	sign := func(clock, user, kind, valid string) ecologytest.SignRow {
		return ecologytest.SignRow{UserID: 101, UserType: user, SignType: kind, SignDate: "2026-03-03", SignTime: clock, IsInCom: valid, SignFrom: "from_dd"}
	}
	require.NoError(t, d.oa.AddSigns(ctx, sign("08:00:00", "1", "1", "1"), sign("08:00:01", "1", "1", "0"), sign("08:00:02", null, "1", "1"), sign("08:00:03", "1", null, "1"),
		sign("08:00:04", "2", "1", "1"), sign("9:05:00", "1", "1", "1"), sign("garbage", "1", "1", "1")))
	require.NoError(t, d.oa.AddMobiles(ctx, ecologytest.MobileRow{Operater: 101, OperateType: "mobile_sign", OperateDate: "2026-03-03", OperateTime: "10:00:00", Longitude: "0", Latitude: "0"}))
	s := sink(t, d.pool(t), nil)
	shown, err := s.Shown(ctx, "101", attendance.Date{Year: 2026, Month: 3, Day: 3}, beijing())
	require.NoError(t, err)
	var got []string
	for _, r := range shown.Rows {
		got = append(got, fmt.Sprint(r.Table, " ", r.Time.Format("15:04:05"), " ", r.Counted, " ", r.Apart, " ", strings.SplitN(r.Why.EN, " and", 2)[0]))
	}
	require.Equal(t, []string{
		"HrmScheduleSign 08:00:00 true false ",
		"HrmScheduleSign 08:00:01 false false isInCom is 0",
		"HrmScheduleSign 08:00:02 false false userType is NULL",
		"HrmScheduleSign 08:00:03 false false signType is NULL, neither 1 nor 2, so the report does not count it",
		"HrmScheduleSign 08:00:04 false false userType is 2: the row is a customer's, not an employee's",
		"HrmScheduleSign 09:05:00 false false signTime is not written as HH:mm:ss",
		"mobile_sign 10:00:00 false true shown on the page of outside punches (外勤签到), not in the attendance report",
	}, got)
	shown, err = s.Shown(ctx, "nobody", attendance.Date{Year: 2026, Month: 3, Day: 3}, beijing())
	require.NoError(t, err)
	require.Empty(t, shown.Rows)
}

func TestComputedDays(t *testing.T) {
	t.Parallel()
	everywhere(t, testComputedDays)
}

func testComputedDays(t *testing.T, on engine) {
	ctx := context.Background()
	d := on.found(t, ecologytest.Schema{Generation: oasink.E9})
	s := sink(t, d.pool(t), nil)
	silent := sink(t, d.pool(t), &oasink.Options{Recalculate: oasink.RecalculateNone})
	day := attendance.Date{Year: 2026, Month: 3, Day: 3}
	computed := func(s *oasink.Sink, person string) attendance.Computed {
		shown, err := s.Shown(ctx, person, day, beijing())
		require.NoError(t, err)
		return shown.Computed
	}
	require.Equal(t, attendance.ComputedUnknown, computed(s, "101"))
	require.Equal(t, attendance.ComputedUntold, computed(silent, "101"))
	write(t, s, punch(101, at(3, 9, 0, 0), attendance.In))
	require.Equal(t, attendance.ComputedWaiting, computed(s, "101"))
	require.Equal(t, attendance.ComputedWaiting, computed(silent, "101"))
	require.Equal(t, attendance.ComputedUnknown, computed(s, "102"))
	d.exec(t, d.oa.DB(), "UPDATE kq_format_pool SET status = 1")
	require.Equal(t, attendance.ComputedDone, computed(s, "101"))
	d.exec(t, d.oa.DB(), "DROP TABLE kq_format_pool")
	require.Equal(t, attendance.ComputedUnknown, computed(s, "101"), "what cannot be read is not known")
}

// The right to read is enough.
func TestExplainingNeedsNoRightButToRead(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		ctx := context.Background()
		d := on.found(t, ecologytest.Schema{})
		require.NoError(t, d.oa.AddDepartments(ctx, ecologytest.Department{ID: 11}))
		require.NoError(t, d.oa.AddStaff(ctx, ecologytest.Person{ID: 101, LoginID: "a", Workcode: "u101", Department: 11, Status: 1}))
		write(t, sink(t, d.pool(t), nil), punch(101, at(3, 9, 0, 0), attendance.In))
		s := sink(t, d.reader(t, false).pool(t), nil)
		before := d.dump(t)
		shown, err := s.Shown(ctx, "101", attendance.Date{Year: 2026, Month: 3, Day: 3}, beijing())
		require.NoError(t, err)
		require.Equal(t, at(3, 9, 0, 0), shown.In)
		st, err := s.Scope(oasink.Units{}, oasink.ByWorkcode(nil)).Examine(ctx, "101")
		require.NoError(t, err)
		require.Equal(t, "u101", st.Member.Account)
		found, err := s.FindPersons(ctx, "u101")
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, before, d.dump(t))
	})
}
