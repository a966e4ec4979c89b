package dbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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
// side, a real SQLite file at the other. Promise 2 (no punch is lost between two
// runs) begins with the tests of ranges in package attendance. That a kill at any
// instant leaves no half and no double is tested on a real process, in
// examples/bridge.

// smallSite is a company of ten whose records the test makes itself.
func smallSite(t testing.TB, fake *dingtalktest.Options, generation oasink.Generation) *site {
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
	s.oa = build(t, ecologytest.Schema{Generation: generation})
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
	s := smallSite(t, nil, oasink.E8)
	n := s.punches()
	// Read twice, in overlapping windows, by several runs at once, each with a pool
	// of its own.
	path := dbPath(t, s.oa)
	var group sync.WaitGroup
	written := make([]int, 8)
	for i := range written {
		own := sink(t, open(t, path, "_pragma=busy_timeout(10000)"), nil)
		group.Go(func() {
			window := attendance.Between(at(2, 0, 0, 0), at(4+i%3, 0, 0, 0), beijing())
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
		key := fmt.Sprint(r.UserID, r.SignDate, r.SignTime, r.SignType)
		require.False(t, seen[key], "twice: %+v", r)
		seen[key] = true
	}
	sum := report.Written
	for _, w := range written {
		sum += w
	}
	require.Equal(t, n, sum, "what the runs say they wrote is what is there")
}

func dbPath(t testing.TB, oa *ecologytest.OA) string {
	t.Helper()
	var path string
	require.NoError(t, oa.DB().QueryRow("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path))
	return path
}

func TestPromise3OnlyOurs(t *testing.T) {
	s := smallSite(t, nil, oasink.E8)
	s.punches()
	_, err := s.tryRun(nil)
	require.NoError(t, err)
	// Rows of other writers, other people and other days, and an old row of our tag
	// that DingTalk no longer has.
	for i, tag := range []string{"from_wx", "EMSyn", "card|1|", "", "from_dd"} {
		_, err := s.oa.DB().ExecContext(context.Background(),
			"INSERT INTO HrmScheduleSign (userId,userType,signType,signDate,signTime,isInCom,signFrom) VALUES (?,'1','1','2026-03-0"+itoa(2+i)+"','07:00:00','1',?)", 101+i, tag)
		require.NoError(t, err)
	}
	before := s.signs(t)
	for id := range 3 { // some punches vanish on the platform
		s.fake.RemovePunch(int64(id))
	}
	s.fake.AddPunch(dingtalktest.Punch{UserID: "u101", Time: at(5, 9, 0, 0), CheckType: "OnDuty"})
	report, err := s.tryRun(nil)
	require.NoError(t, err)
	require.Equal(t, 1, report.Written)
	require.Equal(t, 1, report.Superseded, "only named: nothing proves it ours to remove")
	after := s.signs(t)
	require.Len(t, after, len(before)+1)
	for _, row := range before {
		require.Contains(t, after, row, "unchanged, id and all")
	}
}

func TestPromise4NothingInvented(t *testing.T) {
	s := smallSite(t, nil, oasink.E8)
	for i, p := range []dingtalktest.Punch{
		{CheckType: "OnDuty", TimeResult: "NotSigned", LocationResult: "NotSigned", SourceType: "SYSTEM"},
		{CheckType: "OffDuty", InvalidType: "Security", InvalidMsg: "疑似作弊"},
		{InvalidType: "Other", InvalidMsg: "需要二次确认"},
		{CheckType: "OnDuty", LocationResult: "Outside", InvalidType: "Other", InvalidMsg: "外勤打卡需要审批"},
		{CheckType: ""},
		{CheckType: "SomethingNew"},
		{CheckType: "OnDuty", TimeResult: "SomethingNew"},
	} {
		p.UserID, p.Time = "u101", at(3, 9, i, 0)
		s.fake.AddPunch(p)
	}
	// And a punch of tomorrow, of the fake's and our now.
	s.fake.AddPunch(dingtalktest.Punch{UserID: "u101", Time: now().Add(time.Hour), CheckType: "OnDuty"})
	report, err := attendance.NewSyncer(s.ding.Punches(), s.sink, &attendance.Options{Now: now}).Run(context.Background(), s.scope(),
		attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 2}, attendance.Date{Year: 2026, Month: 3, Day: 31}, beijing()))
	require.NoError(t, err)
	require.Zero(t, report.Written)
	require.Empty(t, s.signs(t))
	mobile, err := s.oa.MobileRows(context.Background())
	require.NoError(t, err)
	require.Empty(t, mobile)
	require.Equal(t, map[attendance.Reason]int{
		attendance.MissingPunch: 1, attendance.Invalid: 3, attendance.NoDirection: 1, attendance.UnknownType: 2, attendance.Future: 1,
	}, report.Skipped)
}

func TestPromise5NothingSilent(t *testing.T) {
	ctx := context.Background()
	s := smallSite(t, nil, oasink.E8)
	n := s.punches()
	s.fake.AddPunch(dingtalktest.Punch{UserID: "u101", Time: at(3, 9, 0, 0), InvalidType: "Other"})
	require.NoError(t, s.oa.AddStaff(ctx,
		ecologytest.Person{ID: 201, LoginID: "a", Name: "无工号", Department: 1, Subcompany: 1, Status: 1},
		ecologytest.Person{ID: 202, LoginID: "b", Name: "重号", Workcode: "A110", Department: 1, Subcompany: 1, Status: 1},
		ecologytest.Person{ID: 203, LoginID: "c", Name: "未激活", Workcode: "Z203", Department: 1, Subcompany: 1, Status: 1},
		ecologytest.Person{ID: 204, LoginID: "d", Name: "离职", Workcode: "Z204", Department: 1, Subcompany: 1, Status: 5}))
	s.fake.AddUser(dingtalktest.User{ID: "u203", Name: "未激活", JobNumber: "Z203", Departments: []int64{100}, Inactive: true})
	units := oasink.Units{Departments: []int64{1}, Employees: []int64{204, 999}}
	report, err := attendance.NewSyncer(s.ding.Punches(), s.sink, &attendance.Options{Now: now}).Run(ctx,
		s.sink.Scope(units, oasink.ByWorkcode(s.ding.Directory())),
		attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 2}, attendance.Date{Year: 2026, Month: 3, Day: 8}, beijing()))
	require.NoError(t, err)
	// Everybody is asked for or named, and every record counted once.
	var left []string
	for _, m := range report.LeftOut {
		left = append(left, m.Person+" "+string(m.LeftOut))
	}
	slices.Sort(left)
	require.Equal(t, []string{"110 ambiguous", "201 unbound", "202 ambiguous", "203 inactive", "204 out_of_roster", "999 out_of_roster"}, left)
	require.Equal(t, 9, report.People)
	require.Equal(t, n-6+1, report.Read, "110 is not asked for")
	require.Equal(t, report.Read, report.Written+report.Present+report.PresentFromOther+report.Skipped[attendance.Invalid])

	// A slice that fails names its people and its span.
	s.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.HTMLPage, Path: dingtalktest.PathListRecord})
	report, err = s.tryRun(nil)
	require.Error(t, err)
	require.Len(t, report.Failed, 1)
	require.Len(t, report.Failed[0].Persons, 9)
	require.Equal(t, week().String(), report.Failed[0].Span.String())
	require.Equal(t, attendance.CodeMalformed, report.Failed[0].Code)
	require.Contains(t, report.Failed[0].Message, "HTML")
}

func TestPromise6OneBadApple(t *testing.T) {
	for _, code := range []int{40031, 33012} {
		s := smallSite(t, nil, oasink.E8)
		n := s.punches()
		s.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: "u104", Code: code, Path: dingtalktest.PathListRecord})
		s.fake.AddPunch(dingtalktest.Punch{UserID: "u101", Time: at(3, 9, 0, 0), Extra: map[string]any{"userCheckTime": "not a time"}})
		report, err := s.tryRun(nil)
		require.NoError(t, err)
		require.Equal(t, n-6, report.Written, "the nine others have all of theirs")
		require.Len(t, report.LeftOut, 1)
		require.Equal(t, attendance.Member{Person: "104", Account: "u104", Name: "员工104", LeftOut: attendance.Refused}, report.LeftOut[0])
		require.Equal(t, 1, report.Skipped[attendance.Invalid], "one bad record costs the others nothing")
	}
}

func TestPromise7Polite(t *testing.T) {
	// A wrong secret is tried once, however often and by however many it is used.
	s := smallSite(t, nil, oasink.E8)
	s.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadSecret})
	for range 3 {
		_, err := s.tryRun(nil)
		require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err))
	}
	require.Equal(t, 1, s.fake.Requests(""))

	// The budget is not passed, and a run that would pass it makes no call at all.
	s = smallSite(t, nil, oasink.E8)
	s.punches()
	ding, err := dingtalk.New(dingtalk.Config{AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret,
		HTTP: s.fake.Client(), Limiter: rate.NewLimiter(rate.Inf, 1), Now: now, MonthlyQuota: 2})
	require.NoError(t, err)
	s.ding = ding
	_, err = attendance.NewSyncer(ding.Punches(), s.sink, &attendance.Options{Now: now}).Run(context.Background(), s.scope(),
		attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 1}, attendance.Date{Year: 2026, Month: 3, Day: 20}, beijing()))
	require.Equal(t, attendance.CodeQuota, attendance.CodeOf(err))
	require.Zero(t, s.fake.Requests(dingtalktest.PathListRecord))
	for range 4 {
		_, _ = s.tryRun(nil)
	}
	require.Equal(t, 2, s.fake.Metered())

	// The default limiter stays below what DingTalk allows: the fake, which
	// throttles at 20 calls a second, never has to.
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		dingtalktest.Populate(fake, dingtalktest.Company{People: 50, Tidy: true})
		ding, err := dingtalk.New(dingtalk.Config{AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret, HTTP: fake.Client()})
		require.NoError(t, err)
		defer ding.CloseIdleConnections()
		var group sync.WaitGroup
		var mu sync.Mutex
		sent := 0
		for range 8 {
			group.Go(func() {
				for range 25 {
					a, err := ding.Punches().Fetch(t.Context(), attendance.Query{Accounts: []string{"staff000001"}, Span: attendance.Span{From: time.Now().Add(-time.Hour).In(beijing()), To: time.Now().In(beijing())}})
					if err == nil {
						mu.Lock()
						sent += a.Calls
						mu.Unlock()
					}
				}
			})
		}
		group.Wait()
		require.Equal(t, 200, sent, "one request a call: none was throttled and sent again")
	})
}

func TestPromise8Secret(t *testing.T) {
	kinds := []dingtalktest.FaultKind{
		dingtalktest.TokenExpired, dingtalktest.Throttled, dingtalktest.Busy, dingtalktest.ServerError, dingtalktest.HTMLPage, dingtalktest.Firewall,
		dingtalktest.NoErrcode, dingtalktest.HalfBody, dingtalktest.Reset, dingtalktest.Forbidden, dingtalktest.AddressDenied, dingtalktest.QuotaUsedUp,
	}
	for _, kind := range kinds {
		for _, path := range []string{dingtalktest.PathListRecord, dingtalktest.PathToken, dingtalktest.PathOldToken} {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := smallSite(t, nil, oasink.E8)
				defer s.oa.DB().Close()
				s.punches()
				logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				ding, err := dingtalk.New(dingtalk.Config{
					AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret, OldToken: path == dingtalktest.PathOldToken,
					HTTP: s.fake.Client(), Limiter: rate.NewLimiter(rate.Inf, 1), Now: now, Logger: logger})
				require.NoError(t, err)
				defer ding.CloseIdleConnections()
				s.ding = ding
				s.fake.Fail(dingtalktest.Fault{Kind: kind, Path: path})
				report, err := s.tryRun(&attendance.Options{Logger: logger})
				findings := ding.Check(t.Context())
				told := fmt.Sprintf("%v\n%+v\n%#v\n%s\n%v\n%+v\n%+v", err, report, err, log.String(), ding, findings, errors.Unwrap(err))
				require.NotContains(t, told, dingtalktest.DefaultAppSecret, "%v at %s", kind, path)
				require.NotContains(t, told, "access_token=")
				require.NotContains(t, told, "appsecret=")
				if token := tokenOf(t, s.fake); token != "" {
					require.NotContains(t, told, token)
				}
			})
		}
	}
	// Nor in the database.
	s := smallSite(t, nil, oasink.E8)
	s.punches()
	_, err := s.tryRun(nil)
	require.NoError(t, err)
	content, err := os.ReadFile(dbPath(t, s.oa))
	require.NoError(t, err)
	require.NotContains(t, string(content), dingtalktest.DefaultAppSecret)
}

// tokenOf asks the fake for its current token: repeated calls give the same one.
func tokenOf(t *testing.T, fake *dingtalktest.Server) string {
	fake.Heal()
	req, err := newRequest(t.Context(), "https://oapi.dingtalk.com/gettoken?appkey="+dingtalktest.DefaultAppKey+"&appsecret="+dingtalktest.DefaultAppSecret)
	require.NoError(t, err)
	resp, err := fake.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(resp.Body)
	require.NoError(t, err)
	_, rest, _ := strings.Cut(body.String(), `"access_token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	return token
}

func TestPromise9Guest(t *testing.T) {
	stdout, stderr := os.Stdout, os.Stderr
	read, write, err := os.Pipe()
	require.NoError(t, err)
	os.Stdout, os.Stderr = write, write
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	before := runtime.NumGoroutine()

	s := smallSite(t, nil, oasink.E9)
	s.punches()
	s.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Reset, Path: dingtalktest.PathListRecord, Times: 1})
	_, err = s.tryRun(nil)
	require.NoError(t, err)
	s.sink.Check(context.Background())
	s.ding.Check(context.Background())
	s.ding.CloseIdleConnections()
	require.NoError(t, s.oa.DB().Close())

	os.Stdout, os.Stderr = stdout, stderr
	require.NoError(t, write.Close())
	var printed bytes.Buffer
	_, err = printed.ReadFrom(read)
	require.NoError(t, err)
	require.Empty(t, printed.String(), "nothing is printed")
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			require.Failf(t, "goroutines are left behind", "%s", stacks[:runtime.Stack(stacks, true)])
		}
	}
}
