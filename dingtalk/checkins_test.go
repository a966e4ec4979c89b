package dingtalk

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/provider"
)

// readCheckIns decodes the rows of a fixture.
func readCheckIns(t *testing.T, span attendance.Span, body, list string, colleagues bool, accounts ...string) *checkInReading {
	t.Helper()
	r := newCheckInReading(attendance.Query{Accounts: accounts, Span: span})
	rows := provider.Member([]byte(body), list)
	if rows == nil {
		rows = provider.Member(provider.Member([]byte(body), "result"), list)
	}
	for raw := range arrayOf(rows) {
		r.row(raw, milliSpan(span), colleagues)
	}
	return r
}

func TestCheckInFixtures(t *testing.T) {
	span := until(t, "2026-03-03 00:00:00")
	want := attendance.Punch{Account: "staff001", Time: time.UnixMilli(1772431533000).In(span.Zone()), Kind: attendance.Field,
		Place:  attendance.Place{Address: "某市某区某路3号", Longitude: 120.017394, Latitude: 30.286053, Located: true},
		Remark: "上门服务"}
	r := readCheckIns(t, span, string(fixture(t, "checkin_department.json")), "data", true, "staff001")
	require.Equal(t, []attendance.Punch{want}, r.punches)

	want.Place.Latitude = 30.286046
	r = readCheckIns(t, span, string(fixture(t, "checkin_users_1.json")), "page_list", false, "staff001")
	require.Equal(t, []attendance.Punch{want}, r.punches)
	r = readCheckIns(t, span, string(fixture(t, "checkin_users_2.json")), "page_list", false, "staff001")
	require.Empty(t, r.punches)
	require.Empty(t, r.skipped)
}

func TestCheckInRows(t *testing.T) {
	span := attendance.Span{From: at(t, "2026-03-02 08:00:00"), To: at(t, "2026-03-02 09:00:00")}
	row := func(user, moment string) string {
		return fmt.Sprintf(`{"userId":"%s","timestamp":%d,"place":"大厦","detailPlace":" "}`, user, at(t, moment).UnixMilli())
	}
	body := `{"data":[` + row("a", "2026-03-02 08:00:00") + `,` + row("a", "2026-03-02 08:00:00") + `,` +
		row("a", "2026-03-02 09:00:00") + `,` + row("a", "2026-03-02 10:00:00") + `,` + row("b", "2026-03-02 08:30:00") + `,
		{"userId":"a","timestamp":"soon"}, {"userId":"b","timestamp":"soon"}, {"timestamp":1}]}`
	reasons := func(r *checkInReading) (all []string) {
		for _, s := range r.skipped {
			all = append(all, s.Account+" "+string(s.Reason))
		}
		return all
	}
	r := readCheckIns(t, span, body, "data", true, "a")
	require.Len(t, r.punches, 1)
	require.Equal(t, "大厦", r.punches[0].Place.Address)
	require.False(t, r.punches[0].Place.Located)
	require.Equal(t, []string{"a outside_window", "a invalid", " not_asked"}, reasons(r))

	r = readCheckIns(t, span, body, "data", false, "a")
	require.Len(t, r.punches, 1)
	require.Equal(t, []string{"a outside_window", "b not_asked", "a invalid", "b invalid", " not_asked"}, reasons(r))
}

func TestCostByUsers(t *testing.T) {
	for _, test := range []struct{ people, days, want int }{
		{1, 1, 1}, {10, 1, 1}, {11, 1, 2}, {1, 10, 1}, {1, 11, 2}, {2, 7, 2}, {7, 7, 7}, {8, 7, 7}, {10, 7, 7}, {11, 7, 8},
		{1, 45, 5}, {1000, 45, 4500}, {23, 7, 17},
	} {
		require.Equal(t, test.want, costByUsers(test.people, time.Duration(test.days)*day), test)
	}
	require.Equal(t, 2, pieces(day+1, day))
}

// company is a fake with two branches of 600 and 700 people below the root, each
// with teams of 50; three people are in no department below, one in both branches.
func company(fake *dingtalktest.Server) (north, south []string) {
	fake.AddDepartment(dingtalktest.Department{ID: 100, Parent: 1, Name: "north"}, dingtalktest.Department{ID: 200, Parent: 1, Name: "south"})
	branch := func(id int64, people int) (all []string) {
		for i := range people {
			team := id + 1 + int64(i/50)
			if i%50 == 0 {
				fake.AddDepartment(dingtalktest.Department{ID: team, Parent: id, Name: "team"})
			}
			account := fmt.Sprintf("s%d-%03d", id, i)
			fake.AddUser(dingtalktest.User{ID: account, Departments: []int64{team}})
			all = append(all, account)
		}
		return all
	}
	north, south = branch(100, 600), branch(200, 700)
	fake.AddUser(dingtalktest.User{ID: "both", Departments: []int64{101, 201}})
	return north, south
}

func TestCheckInsTakeTheCheaperWay(t *testing.T) {
	for name, test := range map[string]struct {
		people func(north, south []string) []string
		days   int
		paths  map[string]int // calls by department, by name
	}{
		"ten for a day": {func(n, _ []string) []string { return n[:10] }, 1, map[string]int{pathCheckInsOfUsers: 1}},
		"one for ten":   {func(n, _ []string) []string { return n[:1] }, 10, map[string]int{pathCheckInsOfUsers: 1}},
		"a team":        {func(n, _ []string) []string { return n[:50] }, 7, map[string]int{pathCheckInsOfDepartment: 1}},
		"a branch":      {func(n, _ []string) []string { return n }, 7, map[string]int{pathCheckInsOfDepartment: 1}},
		"half of each": {func(n, s []string) []string { return append(append([]string{}, n[:400]...), s[:400]...) }, 45,
			map[string]int{pathCheckInsOfDepartment: 16}},
		"three of many":       {func(n, s []string) []string { return []string{n[0], n[300], s[0]} }, 7, map[string]int{pathCheckInsOfUsers: 3}},
		"a team and a leaver": {func(n, _ []string) []string { return append([]string{"leaver"}, n[:50]...) }, 7, map[string]int{pathCheckInsOfDepartment: 1, pathCheckInsOfUsers: 1}},
		"both branches": {func(_, _ []string) []string { return []string{"both", "s100-000", "s100-001"} }, 45,
			map[string]int{pathCheckInsOfDepartment: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := dingtalktest.New(nil)
				people := test.people(company(fake))
				now := time.Now().In(shanghai()).Truncate(time.Second)
				span := attendance.Span{From: now.Add(-time.Duration(test.days) * day), To: now}
				for i, account := range people {
					if account != "leaver" {
						fake.AddCheckIn(dingtalktest.CheckIn{UserID: account, Time: span.From.Add(time.Duration(i%20) * time.Hour), Place: "p"})
					}
				}
				c := clientOf(t, fake, nil)
				a, err := c.CheckIns().Fetch(t.Context(), attendance.Query{Accounts: people, Span: span})
				require.NoError(t, err)
				want := len(people)
				if people[0] == "leaver" {
					want--
				}
				require.Len(t, a.Punches, want)
				require.Empty(t, a.Skipped)
				require.Equal(t, fake.Metered(), a.Calls)
				least := 0
				for _, path := range []string{pathCheckInsOfDepartment, pathCheckInsOfUsers} {
					require.Equal(t, test.paths[path] > 0, fake.Requests(path) > 0, path)
					least += test.paths[path]
				}
				require.LessOrEqual(t, least, a.Calls)
				require.LessOrEqual(t, a.Calls, least+6, "pages come on top")
			})
		})
	}
}

func TestTheChartIsReadOncePerHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		north, _ := company(fake)
		c := clientOf(t, fake, nil)
		now := time.Now().In(shanghai())
		q := attendance.Query{Accounts: north, Span: attendance.Span{From: now.Add(-7 * day), To: now}}
		done := make(chan error)
		for range 4 {
			go func() {
				_, err := c.CheckIns().Fetch(t.Context(), q)
				done <- err
			}()
		}
		for range 4 {
			require.NoError(t, <-done)
		}
		const departments = 3 + 12 + 14
		require.Equal(t, departments, fake.Requests(pathUserIDs))
		require.Equal(t, departments, fake.Requests(pathDepartmentIDs))
		pass(chartLife)
		_, err := c.CheckIns().Fetch(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, 2*departments, fake.Requests(pathUserIDs))
	})
}

// Where the organisation may not be read, a company of up to 1000 is asked for as
// a whole, a larger one by name.
func TestCheckInsWithoutAChart(t *testing.T) {
	for size, byName := range map[int]bool{900: false, 1001: true} {
		synctest.Test(t, func(t *testing.T) {
			fake := dingtalktest.New(nil)
			fake.Deny(dingtalktest.PermissionMember)
			people := staff(fake, size)[:30]
			now := time.Now().In(shanghai())
			q := attendance.Query{Accounts: people, Span: attendance.Span{From: now.Add(-7 * day), To: now}}
			fake.AddCheckIn(dingtalktest.CheckIn{UserID: people[3], Time: now.Add(-time.Hour), Place: "p"})
			c := clientOf(t, fake, nil)
			for range 2 {
				a, err := c.CheckIns().Fetch(t.Context(), q)
				require.NoError(t, err)
				require.Len(t, a.Punches, 1)
			}
			require.Equal(t, 1, fake.Requests(pathUserIDs), "a refusal is remembered too")
			if byName {
				require.Equal(t, 1, fake.Requests(pathCheckInsOfDepartment))
				require.Equal(t, 2*21, fake.Requests(pathCheckInsOfUsers))
			} else {
				require.Equal(t, 2, fake.Requests(pathCheckInsOfDepartment))
				require.Zero(t, fake.Requests(pathCheckInsOfUsers))
			}
		})
	}
}

// A missing permission is the answer: the other call would cost many times more.
func TestCheckInsForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		fake.Deny(dingtalktest.PermissionCheckIn)
		now := time.Now().In(shanghai())
		a, err := clientOf(t, fake, nil).CheckIns().Fetch(t.Context(),
			attendance.Query{Accounts: staff(fake, 30), Span: attendance.Span{From: now.Add(-7 * day), To: now}})
		require.Equal(t, attendance.CodePermission, attendance.CodeOf(err))
		require.ErrorContains(t, err, "qyapi_checkin_read")
		require.Equal(t, 1, a.Calls)
		require.Zero(t, fake.Requests(pathCheckInsOfUsers))
	})
}

// A department that DingTalk finds too large, whatever our count, is gone around;
// when every department is refused it is not about size.
func TestDepartmentsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		north, south := company(fake)
		now := time.Now().In(shanghai())
		span := attendance.Span{From: now.Add(-7 * day), To: now}
		for _, account := range append(north[:100:100], south[0]) {
			fake.AddCheckIn(dingtalktest.CheckIn{UserID: account, Time: now.Add(-time.Hour), Place: "p"})
		}
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathCheckInsOfDepartment, Times: 1, Body: `{"errcode":-99,"errmsg":"too many"}`})
		c := clientOf(t, fake, nil)
		a, err := c.CheckIns().Fetch(t.Context(), attendance.Query{Accounts: north, Span: span})
		require.NoError(t, err)
		require.Len(t, a.Punches, 100)
		require.LessOrEqual(t, a.Calls, 1+12+2)

		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathCheckInsOfDepartment, Body: `{"errcode":-99,"errmsg":"no"}`})
		a, err = c.CheckIns().Fetch(t.Context(), attendance.Query{Accounts: south, Span: span})
		require.Equal(t, attendance.CodeUnknown, attendance.CodeOf(err))
		require.LessOrEqual(t, a.Calls, mostRefused+1)
	})
}

func TestCheckInPages(t *testing.T) {
	for _, exclusive := range []bool{false, true} {
		for _, people := range []int{1, 40} {
			synctest.Test(t, func(t *testing.T) {
				fake := dingtalktest.New(&dingtalktest.Options{ExclusiveTo: exclusive})
				accounts := staff(fake, 40)[:people]
				now := time.Now().In(shanghai()).Truncate(time.Second)
				span := attendance.Span{From: now.Add(-20 * day), To: now}
				for i := range 700 {
					fake.AddCheckIn(dingtalktest.CheckIn{UserID: accounts[i%people], Time: span.From.Add(time.Duration(i) * time.Minute), Place: "p"})
				}
				fake.AddCheckIn(dingtalktest.CheckIn{UserID: accounts[0], Time: span.To, Place: "p"})
				a, err := clientOf(t, fake, nil).CheckIns().Fetch(t.Context(), attendance.Query{Accounts: accounts, Span: span})
				require.NoError(t, err)
				require.Len(t, a.Punches, 700)
				require.Empty(t, a.Skipped)
				require.Equal(t, 100, a.Rows)
				require.False(t, a.Suspect)
			})
		}
	}
}

func TestCheckInsThatCannotGoOn(t *testing.T) {
	full := `{"errcode":0,"data":[`
	for i := range 100 {
		if i > 0 {
			full += ","
		}
		full += fmt.Sprintf(`{"userId":"x","timestamp":%d}`, 1772431533000+i)
	}
	full += `]}`
	for name, test := range map[string]struct {
		people int
		fault  dingtalktest.Fault
		says   string
	}{
		"stuck cursor":  {1, dingtalktest.Fault{Kind: dingtalktest.StuckCursor, Path: pathCheckInsOfUsers}, "next_cursor"},
		"cursor a word": {1, dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathCheckInsOfUsers, Body: `{"errcode":0,"result":{"page_list":[],"next_cursor":"x"}}`}, "next_cursor"},
		"no list":       {1, dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathCheckInsOfUsers, Body: `{"errcode":0,"result":{}}`}, "page_list"},
		"no result":     {1, dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathCheckInsOfUsers, Body: `{"errcode":0}`}, "page_list"},
		"no data":       {40, dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathCheckInsOfDepartment, Body: `{"errcode":0,"data":null}`}, "data"},
		"offset unread": {40, dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathCheckInsOfDepartment, Body: full}, "same full page"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := dingtalktest.New(nil)
				accounts := staff(fake, 40)[:test.people]
				fake.Fail(test.fault)
				now := time.Now().In(shanghai())
				a, err := clientOf(t, fake, nil).CheckIns().Fetch(t.Context(),
					attendance.Query{Accounts: accounts, Span: attendance.Span{From: now.Add(-5 * day), To: now}})
				require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(err))
				require.ErrorContains(t, err, test.says)
				require.LessOrEqual(t, a.Calls, 2)
				require.Empty(t, a.Punches)
			})
		})
	}
}

func TestCheckInRoles(t *testing.T) {
	p := newClient(t).CheckIns()
	var _ attendance.Provider = p
	_, meter := attendance.As[attendance.Meter](p)
	_, checker := attendance.As[attendance.Checker](p)
	require.True(t, meter && checker)
	require.Equal(t, "dingtalk-checkin", p.Name())
	require.Equal(t, attendance.Limits{Accounts: 1000, Span: 45 * 24 * time.Hour}, p.Limits())

	span := until(t, "2026-03-09 00:00:00")
	require.Equal(t, 1, p.Cost(attendance.Query{Accounts: make([]string, 1000), Span: span}))
	require.Equal(t, 1, p.Cost(attendance.Query{Accounts: make([]string, 1), Span: span}))
	require.Equal(t, 0, p.Cost(attendance.Query{Accounts: make([]string, 1), Span: until(t, "2026-03-02 00:00:00")}))
	for _, q := range []attendance.Query{
		{Span: span},
		{Accounts: make([]string, 1001), Span: span},
		{Accounts: []string{"a"}, Span: until(t, "2026-05-02 00:00:00")},
	} {
		_, err := p.Fetch(t.Context(), q)
		require.Error(t, err)
	}
}

func FuzzCheckIns(f *testing.F) {
	f.Add(`[{"userId":"a","timestamp":1772431533000,"place":"x","detailPlace":"y","longitude":"1","latitude":2}]`, true)
	f.Add(`[{"userid":"a","checkin_time":"1772431533000","detail_place":"y"},{}]`, false)
	span := until(f, "2026-03-03 00:00:00")
	f.Fuzz(func(t *testing.T, list string, colleagues bool) {
		r := newCheckInReading(attendance.Query{Accounts: []string{"a", "b"}, Span: span})
		for raw := range arrayOf([]byte(list)) {
			r.row(raw, span, colleagues)
		}
		seen := map[checkInKey]bool{}
		for _, p := range r.punches {
			key := checkInKey{p.Account, p.Time.UnixMilli()}
			require.False(t, seen[key])
			seen[key] = true
			require.True(t, span.Contains(p.Time))
			require.Equal(t, attendance.Field, p.Kind)
		}
	})
}
