package dbtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// The promises of the library, each from end to end: the fake DingTalk at one
// side, each real database at the other. Promise 2 (no punch is lost between two
// runs) begins with the tests of ranges in package attendance. That a kill at any
// instant leaves no half and no double is tested on a real process, in
// examples/bridge.

// smallSite is a company of ten whose records the test makes itself.
func smallSite(t testing.TB, on engine, fake *dingtalktest.Options, generation oasink.Generation) *site {
	t.Helper()
	if fake == nil {
		fake = &dingtalktest.Options{}
	}
	fake.Now, fake.QPS = now, -1
	s := &site{fake: dingtalktest.New(fake)}
	s.fake.AddDepartment(dingtalktest.Department{ID: 100, Parent: 1, Name: "总部"})
	var err error
	s.ding, err = dingtalk.New(dingtalk.Config{
		AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret,
		HTTP: s.fake.Client(), Limiter: rate.NewLimiter(rate.Inf, 1), Now: now,
	})
	require.NoError(t, err)
	s.database = on.found(t, ecologytest.Schema{Generation: generation})
	require.NoError(t, s.oa.AddDepartments(context.Background(), ecologytest.Department{ID: 1, Name: "总部", Subcompany: 1}))
	for person := 101; person <= 110; person++ {
		s.fake.AddUser(dingtalktest.User{ID: "u" + itoa(person), Name: "员工" + itoa(person), JobNumber: "A" + itoa(person), Departments: []int64{100}})
		require.NoError(t, s.oa.AddStaff(context.Background(), ecologytest.Person{
			ID: int64(person), LoginID: "login" + itoa(person), Name: "员工" + itoa(person), Workcode: "A" + itoa(person), Department: 1, Subcompany: 1, Status: 1}))
	}
	s.sink = sink(t, s.oa.DB(), nil)
	return s
}

// punches gives everybody a sign-in and a sign-out on each of three days.
func (s *site) punches() int {
	n := 0
	for person := 101; person <= 110; person++ {
		for day := 2; day <= 4; day++ {
			s.fake.AddPunch(
				dingtalktest.Punch{UserID: "u" + itoa(person), Time: at(day, 8, 55, person-100), CheckType: "OnDuty"},
				dingtalktest.Punch{UserID: "u" + itoa(person), Time: at(day, 18, 5, person-100), CheckType: "OffDuty"})
			n += 2
		}
	}
	return n
}

func (s *site) signs(t testing.TB) []ecologytest.SignRow {
	t.Helper()
	rows, err := s.oa.SignRows(context.Background())
	require.NoError(t, err)
	return rows
}

// tryRun is run for runs that may fail: 2 to 8 March.
func (s *site) tryRun(opts *attendance.Options) (attendance.Report, error) {
	if opts == nil {
		opts = &attendance.Options{}
	}
	opts.Now = now
	return attendance.NewSyncer(s.ding.Punches(), s.sink, opts).Run(context.Background(), s.scope(),
		attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 2}, attendance.Date{Year: 2026, Month: 3, Day: 8}, beijing()))
}

func TestPromise1Once(t *testing.T) {
	t.Parallel()
	everywhere(t, testPromise1Once)
}

func testPromise1Once(t *testing.T, on engine) {
	ctx := context.Background()
	s := smallSite(t, on, nil, oasink.E9)
	n := s.punches()
	// More than one INSERT takes, a second in which two punches fall, and a punch
	// for the other table.
	for minute := range 59 {
		s.fake.AddPunch(dingtalktest.Punch{UserID: "u110", Time: at(3, 10, minute, 0), CheckType: "OnDuty"})
		n++
	}
	s.fake.AddPunch(
		dingtalktest.Punch{UserID: "u101", Time: at(2, 8, 55, 1), CheckType: "OnDuty"},
		dingtalktest.Punch{UserID: "u101", Time: at(3, 12, 0, 0), CheckType: "OnDuty", LocationResult: "Outside"})
	// Punches that are there already: ours but marked invalid, another writer's,
	// another writer's with the other direction, ours with padded columns.
	there := []ecologytest.SignRow{
		{UserID: 101, SignType: "1", SignTime: "08:55:01", IsInCom: "0", SignFrom: "from_dd"},
		{UserID: 102, SignType: "1", SignTime: "08:55:02", IsInCom: "1", SignFrom: "from_wx"},
		{UserID: 103, SignType: "2", SignTime: "08:55:03", IsInCom: "1"},
		{UserID: 104, SignType: "1 ", SignTime: "08:55:04 ", IsInCom: "1 ", SignFrom: "from_dd  "},
	}
	for i := range there {
		there[i].UserType, there[i].SignDate = "1", "2026-03-02"
	}
	require.NoError(t, s.oa.AddSigns(ctx, there...))

	// A run that fails in the middle of its write leaves nothing.
	broken := sink(t, s.struck(t, func(query string) error {
		if strings.HasPrefix(query, "INSERT INTO ") && strings.Contains(query, "mobile_sign") {
			return errStruck
		}
		return nil
	}), nil)
	_, err := attendance.NewSyncer(s.ding.Punches(), broken, &attendance.Options{Now: now}).Run(ctx, s.scope(), attendance.Between(at(2, 0, 0, 0), at(5, 0, 0, 0), beijing()))
	require.ErrorIs(t, err, errStruck)
	require.Len(t, s.signs(t), len(there))

	// Read twice, in overlapping windows, by several runs at once, each with a pool
	// of its own, that dawdle between reading and writing.
	var group sync.WaitGroup
	written := make([]int, 8)
	for i := range written {
		own := sink(t, s.struck(t, func(query string) error {
			if adds(query) {
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}), nil)
		group.Go(func() {
			window := attendance.Between(at(2, 0, 0, 0), at(4+i%3, 12, 0, 0), beijing())
			report, err := attendance.NewSyncer(s.ding.Punches(), own, &attendance.Options{Now: now}).Run(context.Background(), s.scope(), window)
			if err == nil {
				written[i] = report.Written
			}
		})
	}
	group.Wait()
	report, err := s.tryRun(nil)
	require.NoError(t, err)
	rows := s.signs(t)
	require.Len(t, rows, n)
	seen := make(map[string]bool)
	for _, r := range rows {
		key := fmt.Sprint(r.UserID, r.SignDate, strings.TrimSpace(r.SignTime)) // E9 looks at no type
		require.False(t, seen[key], "twice: %+v", r)
		seen[key] = true
	}
	mobile, err := s.oa.MobileRows(ctx)
	require.NoError(t, err)
	require.Len(t, mobile, 1)
	sum := report.Written
	for _, w := range written {
		sum += w
	}
	require.Equal(t, n-len(there)+len(mobile), sum, "what the runs say they wrote is what is there")
}

func dbPath(t testing.TB, oa *ecologytest.OA) string {
	t.Helper()
	var path string
	require.NoError(t, oa.DB().QueryRow("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path))
	return path
}

func TestPromise3OnlyOurs(t *testing.T) {
	t.Parallel()
	everywhere(t, testPromise3OnlyOurs)
}

func testPromise3OnlyOurs(t *testing.T, on engine) {
	ctx := context.Background()
	s := smallSite(t, on, nil, oasink.E9)
	s.punches()
	gone := s.fake.AddPunch(
		dingtalktest.Punch{UserID: "u105", Time: at(6, 9, 0, 0), CheckType: "OnDuty"},
		dingtalktest.Punch{UserID: "u105", Time: at(6, 12, 0, 0), CheckType: "OnDuty", LocationResult: "Outside"})
	_, err := s.tryRun(nil)
	require.NoError(t, err)
	// Rows of other writers, other people and other days, and an old row of our tag
	// that DingTalk no longer has.
	var others []ecologytest.SignRow
	for i, tag := range []string{"from_wx", "EMSyn", "card|1|", "", "from_dd", "from_dd2"} {
		others = append(others, ecologytest.SignRow{UserID: int64(101 + i), SignDate: "2026-03-0" + itoa(2+i), SignFrom: tag})
	}
	others = append(others,
		ecologytest.SignRow{UserID: 101, SignDate: "2026-02-20", SignFrom: "from_dd"},
		ecologytest.SignRow{UserID: 101, SignDate: "2026-03-20", SignFrom: "from_dd"},
		ecologytest.SignRow{UserID: 150, SignDate: "2026-03-03", SignFrom: "from_dd"},
		ecologytest.SignRow{UserID: 101, SignDate: "2026-03-04", SignFrom: "from_dd", UserType: "2"},
		ecologytest.SignRow{UserID: 101, SignDate: "2026-03-04", SignFrom: "EMSyn", IsInCom: "0"},
		ecologytest.SignRow{UserID: 101, SignDate: "2026-03-02", SignFrom: "from_dd", SignTime: "08:55:01"}, // of ours, doubled by others
		ecologytest.SignRow{UserID: 102, SignDate: "2026-03-05", SignFrom: "from_wx", SignTime: "09:00:00"}) // holds a punch to come
	for i := range others {
		r := &others[i]
		r.SignType, r.SignTime, r.UserType, r.IsInCom = "1", cmp.Or(r.SignTime, "07:00:00"), cmp.Or(r.UserType, "1"), cmp.Or(r.IsInCom, "1")
	}
	require.NoError(t, s.oa.AddSigns(ctx, others...))
	require.NoError(t, s.oa.AddMobiles(ctx, ecologytest.MobileRow{Operater: 105, OperateType: "mobile_sign", OperateDate: "2026-03-05", OperateTime: "07:00:00", Longitude: "0", Latitude: "0"}))
	before, mobileBefore, poolBefore := s.tables(t)
	for _, id := range gone { // some punches vanish on the platform
		require.True(t, s.fake.RemovePunch(id))
	}
	s.fake.AddPunch(
		dingtalktest.Punch{UserID: "u101", Time: at(5, 9, 0, 0), CheckType: "OnDuty"},
		dingtalktest.Punch{UserID: "u102", Time: at(5, 9, 0, 0), CheckType: "OnDuty"},
		dingtalktest.Punch{UserID: "u103", Time: at(5, 9, 0, 0), CheckType: "OnDuty", LocationResult: "Outside"})
	s.sink = sink(t, s.struck(t, func(query string) error {
		switch verb, _, _ := strings.Cut(query, " "); strings.ToUpper(verb) {
		case "DELETE", "UPDATE", "REPLACE", "MERGE", "TRUNCATE":
			return fmt.Errorf("%w: rows are added only, not %s", errStruck, query)
		}
		return nil
	}), nil)
	report, err := s.tryRun(nil)
	require.NoError(t, err)
	require.Equal(t, 2, report.Written)
	require.Empty(t, report.Warnings)
	require.Equal(t, 1, report.PresentFromOther)
	require.Equal(t, 2, report.Superseded, "only named: nothing proves them ours to remove")
	after, mobile, pool := s.tables(t)
	require.Len(t, after, len(before)+1)
	require.Subset(t, after, before, "unchanged, id and all")
	require.Len(t, mobile, len(mobileBefore)+1)
	require.Subset(t, mobile, mobileBefore)
	require.Subset(t, pool, poolBefore)
}

// tables are the rows of the tables that the sink writes.
func (s *site) tables(t testing.TB) ([]ecologytest.SignRow, []ecologytest.MobileRow, []ecologytest.PoolRow) {
	t.Helper()
	mobile, err := s.oa.MobileRows(context.Background())
	require.NoError(t, err)
	pool, err := s.oa.PoolRows(context.Background())
	require.NoError(t, err)
	return s.signs(t), mobile, pool
}

func TestPromise4NothingInvented(t *testing.T) {
	t.Parallel()
	everywhere(t, testPromise4NothingInvented)
}

func testPromise4NothingInvented(t *testing.T, on engine) {
	s := smallSite(t, on, nil, oasink.E8)
	for i, p := range []dingtalktest.Punch{
		{CheckType: "OnDuty", TimeResult: "NotSigned", LocationResult: "NotSigned", SourceType: "SYSTEM"},
		{CheckType: "OffDuty", InvalidType: "Security", InvalidMsg: "疑似作弊"},
		{InvalidType: "Other", InvalidMsg: "需要二次确认"},
		{CheckType: "OnDuty", LocationResult: "Outside", InvalidType: "Other", InvalidMsg: "外勤打卡需要审批"},
		{CheckType: ""},
		{CheckType: "SomethingNew"},
		{CheckType: "SomethingNew", TimeResult: "SomethingNew"},
		{CheckType: "OnDuty", TimeResult: "NotSigned"},
		{CheckType: "OnDuty", LocationResult: "NotSigned"},
		{CheckType: "SomethingNew", LocationResult: "SomethingNew"},
		{CheckType: "OnDuty", Extra: map[string]any{"userCheckTime": nil}},
	} {
		p.UserID, p.Time = "u101", at(3, 9, i, 0)
		s.fake.AddPunch(p)
	}
	// And a punch of a second after the fake's and our now.
	s.fake.AddPunch(dingtalktest.Punch{UserID: "u101", Time: now().Add(time.Second), CheckType: "OnDuty"})
	report, err := attendance.NewSyncer(s.ding.Punches(), s.sink, &attendance.Options{Now: now}).Run(context.Background(), s.scope(),
		attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 2}, attendance.Date{Year: 2026, Month: 3, Day: 31}, beijing()))
	require.NoError(t, err)
	require.Zero(t, report.Written)
	require.Empty(t, s.signs(t))
	mobile, err := s.oa.MobileRows(context.Background())
	require.NoError(t, err)
	require.Empty(t, mobile)
	require.Equal(t, map[attendance.Reason]int{
		attendance.MissingPunch: 3, attendance.Invalid: 4, attendance.NoDirection: 1, attendance.UnknownType: 3, attendance.Future: 1,
	}, report.Skipped)
}

func TestPromise5NothingSilent(t *testing.T) {
	t.Parallel()
	everywhere(t, testPromise5NothingSilent)
}

func testPromise5NothingSilent(t *testing.T, on engine) {
	ctx := context.Background()
	s := smallSite(t, on, nil, oasink.E8)
	n := s.punches()
	s.fake.AddPunch(
		dingtalktest.Punch{UserID: "u101", Time: at(3, 9, 0, 0), InvalidType: "Other"},
		dingtalktest.Punch{UserID: "u102", Time: at(2, 8, 55, 2), CheckType: "OnDuty"}, // twice in a second
		dingtalktest.Punch{UserID: "u103", Time: at(3, 9, 0, 0)},
		dingtalktest.Punch{UserID: "u104", Time: at(3, 9, 0, 0), Extra: map[string]any{"userCheckTime": at(20, 9, 0, 0).UnixMilli()}},
		dingtalktest.Punch{UserID: "u105", Time: at(3, 9, 0, 0), Extra: map[string]any{"userId": "stranger"}})
	require.NoError(t, s.oa.AddSigns(ctx, ecologytest.SignRow{
		UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-02", SignTime: "08:55:01", IsInCom: "0", SignFrom: "from_wx"}))
	require.NoError(t, s.oa.AddStaff(ctx,
		ecologytest.Person{ID: 201, LoginID: "a", Name: "无工号", Department: 1, Subcompany: 1, Status: 1},
		ecologytest.Person{ID: 202, LoginID: "b", Name: "重号", Workcode: "A110", Department: 1, Subcompany: 1, Status: 1},
		ecologytest.Person{ID: 203, LoginID: "c", Name: "未激活", Workcode: "Z203", Department: 1, Subcompany: 1, Status: 1},
		ecologytest.Person{ID: 204, LoginID: "d", Name: "离职", Workcode: "Z204", Department: 1, Subcompany: 1, Status: 5}))
	s.fake.AddUser(dingtalktest.User{ID: "u203", Name: "未激活", JobNumber: "Z203", Departments: []int64{100}, Inactive: true})
	units := oasink.Units{Departments: []int64{1, 77}, Employees: []int64{204, 999}}
	run := func(firstMonth time.Month, firstDay, lastDay int) (attendance.Report, error) {
		return attendance.NewSyncer(s.ding.Punches(), s.sink, &attendance.Options{Now: now, Parallel: 1}).Run(ctx,
			s.sink.Scope(units, oasink.ByWorkcode(s.ding.Directory())),
			attendance.Days(attendance.Date{Year: 2026, Month: firstMonth, Day: firstDay}, attendance.Date{Year: 2026, Month: 3, Day: lastDay}, beijing()))
	}
	report, err := run(time.March, 2, 8)
	require.NoError(t, err)
	// Everybody is asked for or named, and every record counted once.
	var left []string
	for _, m := range report.LeftOut {
		left = append(left, m.Person+" "+string(m.LeftOut))
	}
	slices.Sort(left)
	require.Equal(t, []string{"110 ambiguous", "201 unbound", "202 ambiguous", "203 inactive", "204 out_of_roster", "999 out_of_roster"}, left)
	require.Equal(t, 9, report.People)
	require.Equal(t, n-6+5, report.Read, "110 is not asked for")
	require.Equal(t, map[attendance.Reason]int{attendance.Invalid: 1, attendance.SameSecond: 1, attendance.NoDirection: 1,
		attendance.OutsideWindow: 1, attendance.NotAsked: 1}, report.Skipped)
	require.Equal(t, 1, report.PresentFromOther)
	require.Equal(t, report.Read, report.Written+report.Present+report.PresentFromOther+5)
	require.Equal(t, []string{"not_valid", "undirected_skipped", "unknown_unit", "unreadable_record"}, warned(report))

	// What the platform no longer keeps, an answer without any record, and an
	// account that the platform rejects are told.
	s.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: "u104", Path: dingtalktest.PathListRecord})
	report, err = run(time.March-6, 20, 1)
	require.NoError(t, err)
	require.Equal(t, []string{"beyond_horizon", "empty_answer", "unknown_unit"}, warned(report))
	require.Contains(t, report.LeftOut, attendance.Member{Person: "104", Account: "u104", Name: "员工104", Key: "A104", Unit: "总部", LeftOut: attendance.Refused})
	s.fake.Heal()

	// A slice that fails names its people and its span; so does the next one.
	for _, fault := range []dingtalktest.Fault{{Kind: dingtalktest.HTMLPage, Times: 4}, {Kind: dingtalktest.Answer, Body: `{"errcode":0,"errmsg":"ok"}`}} {
		fault.Path = dingtalktest.PathListRecord
		s.fake.Fail(fault)
		report, err = run(time.March, 2, 15)
		require.Error(t, err)
		require.Len(t, report.Failed, 2)
		require.Len(t, report.Failed[0].Persons, 9)
		require.Equal(t, week().String(), report.Failed[0].Span.String())
		require.Equal(t, attendance.CodeMalformed, report.Failed[0].Code)
		if fault.Kind == dingtalktest.HTMLPage {
			require.Contains(t, report.Failed[0].Message, "HTML")
		}
		s.fake.Heal()
	}
	// So does one that is not written.
	_, err = s.oa.DB().ExecContext(ctx, "DROP TABLE HrmScheduleSign")
	require.NoError(t, err)
	report, err = run(time.March, 2, 8)
	require.Error(t, err)
	require.Len(t, report.Failed, 1)
	require.Len(t, report.Failed[0].Persons, 9)
	require.Equal(t, attendance.CodeTable, report.Failed[0].Code)
}

// warned are the codes of a report's warnings, sorted.
func warned(report attendance.Report) []string {
	var list []string
	for _, w := range report.Warnings {
		list = append(list, w.Code)
	}
	slices.Sort(list)
	return list
}

func TestPromise6OneBadApple(t *testing.T) {
	t.Parallel()
	everywhere(t, testPromise6OneBadApple)
}

func testPromise6OneBadApple(t *testing.T, on engine) {
	ctx := context.Background()
	for _, code := range []int{40031, 33012} {
		s := smallSite(t, on, nil, oasink.E8)
		n := s.punches()
		s.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: "u104", Code: code, Path: dingtalktest.PathListRecord})
		s.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: "u108", Code: code, Path: dingtalktest.PathListRecord})
		s.fake.AddPunch(
			dingtalktest.Punch{UserID: "u101", Time: at(3, 9, 0, 0), Extra: map[string]any{"userCheckTime": "not a time"}},
			dingtalktest.Punch{UserID: "u101", Time: at(3, 9, 0, 1), CheckType: "SomethingNew"})
		// Two who share an account, and a department that vanishes while it is read.
		s.fake.AddUser(dingtalktest.User{ID: "u201", Name: "共用", JobNumber: "A201", Departments: []int64{100}})
		for _, id := range []int64{201, 202} {
			require.NoError(t, s.oa.AddStaff(ctx, ecologytest.Person{ID: id, LoginID: "login" + itoa(int(id)), Workcode: "A201", Department: 1, Subcompany: 1, Status: 1}))
		}
		s.fake.AddDepartment(dingtalktest.Department{ID: 200, Parent: 1, Name: "新部门"})
		s.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: "/topapi/v2/department/listsub", After: 1, Times: 1, Body: `{"errcode":60003,"errmsg":"部门不存在"}`})
		report, err := s.tryRun(nil)
		require.NoError(t, err)
		require.Equal(t, n-12, report.Written, "the eight others have all of theirs")
		require.Equal(t, []string{"directory_incomplete", "unknown_type", "unreadable_record"}, warned(report))
		require.Len(t, report.LeftOut, 4)
		for _, person := range []string{"104", "108"} {
			require.Contains(t, report.LeftOut, attendance.Member{Person: person, Account: "u" + person, Name: "员工" + person, Key: "A" + person, Unit: "总部", LeftOut: attendance.Refused})
		}
		require.Equal(t, map[attendance.Reason]int{attendance.Invalid: 1, attendance.UnknownType: 1}, report.Skipped, "one bad record costs the others nothing")
	}

	// A slice that cannot be read, or not be written, costs the next one nothing.
	for _, kind := range []string{"read", "write"} {
		s := smallSite(t, on, nil, oasink.E8)
		s.punches()
		s.fake.AddPunch(dingtalktest.Punch{UserID: "u101", Time: at(10, 9, 0, 0), CheckType: "OnDuty"})
		if kind == "read" {
			s.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Body: `{"errcode":99999,"errmsg":"odd"}`, Path: dingtalktest.PathListRecord, Times: 1})
		} else {
			failed := false
			s.sink = sink(t, s.struck(t, func(query string) error {
				if failed || !adds(query) {
					return nil
				}
				failed = true
				return errStruck
			}), nil)
		}
		report, err := attendance.NewSyncer(s.ding.Punches(), s.sink, &attendance.Options{Now: now, Parallel: 1}).Run(ctx, s.scope(),
			attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 2}, attendance.Date{Year: 2026, Month: 3, Day: 15}, beijing()))
		require.Error(t, err)
		require.Len(t, report.Failed, 1)
		require.Equal(t, 1, report.Written)
		require.Len(t, s.signs(t), 1)
	}

	// A table that is missing costs the other one nothing.
	s := smallSite(t, on, nil, oasink.E8)
	n := s.punches()
	s.fake.AddPunch(dingtalktest.Punch{UserID: "u101", Time: at(3, 12, 0, 0), CheckType: "OnDuty", LocationResult: "Outside"})
	_, err := s.oa.DB().ExecContext(ctx, "DROP TABLE mobile_sign")
	require.NoError(t, err)
	s.sink = sink(t, s.oa.DB(), nil)
	_, err = s.tryRun(nil)
	require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
	require.Len(t, s.signs(t), n)
}
