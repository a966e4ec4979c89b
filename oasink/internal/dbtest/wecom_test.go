package dbtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
	"github.com/punchbridge/punchbridge/wecom"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// The promises once more, with WeCom at the one side and the OA at the other.

// A wecomSite is a company of ten, 101 to 110, whose userids are their job numbers
// A101 to A110 in another case.
type wecomSite struct {
	fake *wecomtest.Server
	wx   *wecom.Client
	oa   *ecologytest.OA
	sink *oasink.Sink
}

func newWecomSite(t testing.TB, options wecomtest.Options, generation oasink.Generation, change func(*wecom.Config)) *wecomSite {
	t.Helper()
	options.Now, options.PerMinute = now, -1
	s := &wecomSite{fake: wecomtest.New(&options), oa: build(t, ecologytest.Schema{Generation: generation})}
	s.fake.AddDepartment(wecomtest.Department{ID: 100, Parent: 1, Name: "总部"})
	cfg := wecom.Config{CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret,
		HTTP: s.fake.Client(), Limiter: rate.NewLimiter(rate.Inf, 1), Now: now}
	if change != nil {
		change(&cfg)
	}
	var err error
	s.wx, err = wecom.New(cfg)
	require.NoError(t, err)
	require.NoError(t, s.oa.AddDepartments(context.Background(), ecologytest.Department{ID: 1, Name: "总部", Subcompany: 1}))
	for person := 101; person <= 110; person++ {
		s.fake.AddUser(wecomtest.User{ID: "a" + itoa(person), Name: "员工" + itoa(person), Departments: []int64{100}})
		require.NoError(t, s.oa.AddStaff(context.Background(), ecologytest.Person{
			ID: int64(person), LoginID: "login" + itoa(person), Name: "员工" + itoa(person), Workcode: "A" + itoa(person), Department: 1, Subcompany: 1, Status: 1}))
	}
	s.sink = sink(t, s.oa.DB(), nil)
	return s
}

func (s *wecomSite) scope() attendance.Scope {
	return s.sink.Scope(oasink.Units{}, oasink.ByWorkcode(s.wx.Directory()).ForWeCom())
}

// run reads 2 to 8 March.
func (s *wecomSite) run(opts *attendance.Options) (attendance.Report, error) {
	if opts == nil {
		opts = &attendance.Options{}
	}
	opts.Now = now
	return attendance.NewSyncer(s.wx.CheckIns(), s.sink, opts).Run(context.Background(), s.scope(), attendance.Between(week().From, week().To, beijing()))
}

// punches gives everybody a sign-in, a visit and a sign-out on each of three days.
func (s *wecomSite) punches() (signs, visits int) {
	for person := 101; person <= 110; person++ {
		for day := 2; day <= 4; day++ {
			user := "A" + itoa(person)
			s.fake.AddRecord(
				wecomtest.Record{UserID: user, Time: at(day, 8, 55, person-100)},
				wecomtest.Record{UserID: user, Type: "外出打卡", Time: at(day, 14, 5, person-100), Notes: "拜访客户"},
				wecomtest.Record{UserID: user, Type: "下班打卡", Exception: "地点异常", Time: at(day, 18, 5, person-100)})
		}
	}
	return 60, 30
}

func (s *wecomSite) signs(t testing.TB) []ecologytest.SignRow {
	t.Helper()
	rows, err := s.oa.SignRows(context.Background())
	require.NoError(t, err)
	return rows
}

func TestWecomPromise1Once(t *testing.T) {
	t.Parallel()
	s := newWecomSite(t, wecomtest.Options{}, oasink.E9, nil)
	signs, visits := s.punches()
	path := dbPath(t, s.oa)
	var group sync.WaitGroup
	written := make([]int, 8)
	for i := range written {
		own := sink(t, open(t, path, "_pragma=busy_timeout(20000)"), nil)
		group.Go(func() {
			window := attendance.Between(at(2, 0, 0, 0), at(4+i%3, 12, 0, 0), beijing())
			report, err := attendance.NewSyncer(s.wx.CheckIns(), own, &attendance.Options{Now: now}).Run(context.Background(), s.scope(), window)
			if err == nil {
				written[i] = report.Written
			}
		})
	}
	group.Wait()
	report, err := s.run(nil)
	require.NoError(t, err)
	sum := report.Written
	for _, n := range written {
		sum += n
	}
	require.Equal(t, signs+visits, sum)
	require.Len(t, s.signs(t), signs)
	mobile, err := s.oa.MobileRows(context.Background())
	require.NoError(t, err)
	require.Len(t, mobile, visits)
	for _, r := range s.signs(t) {
		require.Equal(t, "from_wx", r.SignFrom)
	}
}

// Automatic runs at any time of the day, for two months of night shifts, across
// two months' ends, in both worlds: at the end the OA has each punch once.
func TestWecomPromise2All(t *testing.T) {
	t.Parallel()
	for _, model := range []wecomtest.WindowModel{wecomtest.WindowByDay, wecomtest.WindowByTime} {
		clock := time.Date(2026, 1, 25, 12, 0, 0, 0, beijing())
		s := newWecomSite(t, wecomtest.Options{Window: model}, oasink.E8, nil)
		random := rand.New(rand.NewPCG(5, uint64(model)))
		want := map[string]bool{}
		for person := 101; person <= 110; person++ {
			for d := range 50 {
				today := time.Date(2026, 1, 25+d, 0, 0, 0, 0, beijing())
				for _, minute := range []int{21*60 + random.IntN(60), 24*60 + random.IntN(180)} {
					when := today.Add(time.Duration(minute)*time.Minute + time.Duration(person)*time.Second)
					s.fake.AddRecord(wecomtest.Record{UserID: "A" + itoa(person), Type: "下班打卡", Time: when, Day: today})
					want[itoa(person)+" "+when.Format(time.DateTime)] = true
				}
			}
		}
		sinkNow := func() time.Time { return clock }
		s.sink = sink(t, s.oa.DB(), &oasink.Options{Now: sinkNow})
		end := time.Date(2026, 3, 20, 12, 0, 0, 0, beijing())
		for clock.Before(end) {
			_, err := attendance.NewSyncer(s.wx.CheckIns(), s.sink, &attendance.Options{Now: sinkNow}).Run(context.Background(), s.scope(), attendance.LastDays(2, beijing()))
			require.NoError(t, err)
			clock = clock.Add(time.Duration(6+random.IntN(40)) * time.Hour)
		}
		got := map[string]int{}
		for _, r := range s.signs(t) {
			got[itoa(int(r.UserID))+" "+r.SignDate+" "+r.SignTime]++
		}
		for key := range want {
			require.Equal(t, 1, got[key], key)
		}
		require.Len(t, got, len(want))
	}
}

func TestWecomPromises3To5(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := newWecomSite(t, wecomtest.Options{}, oasink.E8, nil)
	signs, visits := s.punches()
	s.fake.AddRecord(
		wecomtest.Record{UserID: "A101", Type: "上班打卡", Exception: "未打卡", Time: at(5, 9, 0, 0)},
		wecomtest.Record{UserID: "A101", Type: "下班打卡", Exception: "时间异常；未打卡", Time: at(5, 18, 0, 0)},
		wecomtest.Record{UserID: "A102", Type: "外出打卡", Exception: "未打卡", Time: at(5, 18, 0, 0)},
		wecomtest.Record{UserID: "A103", Type: "值班打卡", Time: at(5, 9, 0, 0)},
		wecomtest.Record{UserID: "A104", Time: at(5, 9, 0, 0), Extra: map[string]any{"checkin_type": 1}},
		wecomtest.Record{UserID: "A105", Time: at(5, 9, 0, 0), Extra: map[string]any{"checkin_time": "soon"}},
		wecomtest.Record{UserID: "A106", Time: at(5, 9, 0, 0), Extra: map[string]any{"userid": "stranger"}},
		wecomtest.Record{UserID: "A107", Time: at(4, 8, 55, 7), TimelineID: 2})
	others := []ecologytest.SignRow{
		{UserID: 101, SignDate: "2026-03-02", SignTime: "08:55:01", SignFrom: "from_dd"}, // holds a punch of ours
		{UserID: 101, SignDate: "2026-03-03", SignTime: "07:00:00", SignFrom: "EMSyn"},
		{UserID: 102, SignDate: "2026-03-03", SignTime: "07:00:00"},
		{UserID: 103, SignDate: "2026-02-27", SignTime: "07:00:00", SignFrom: "from_wx"},
	}
	for i := range others {
		others[i].UserType, others[i].SignType, others[i].IsInCom = "1", "1", "1"
	}
	require.NoError(t, s.oa.AddSigns(ctx, others...))
	before := s.signs(t)
	require.NoError(t, s.oa.AddStaff(ctx, ecologytest.Person{ID: 201, LoginID: "x", Name: "无账号", Workcode: "B201", Department: 1, Subcompany: 1, Status: 1},
		ecologytest.Person{ID: 202, LoginID: "y", Name: "重号", Workcode: "a110", Department: 1, Subcompany: 1, Status: 1}))
	report, err := s.run(nil)
	require.NoError(t, err)
	require.Equal(t, map[attendance.Reason]int{attendance.MissingPunch: 3, attendance.UnknownType: 2, attendance.Invalid: 1,
		attendance.NotAsked: 1, attendance.SameSecond: 1}, report.Skipped)
	require.Equal(t, report.Written+report.Present+report.PresentFromOther+8, report.Read)
	require.Equal(t, 1, report.PresentFromOther)
	require.Equal(t, signs-6+visits-3-1, report.Written, "110 shares the number with 202, in another case")
	var left []string
	for _, m := range report.LeftOut {
		left = append(left, m.Person+" "+string(m.LeftOut))
	}
	slices.Sort(left)
	require.Equal(t, []string{"110 ambiguous", "201 unbound", "202 ambiguous"}, left)
	require.Subset(t, s.signs(t), before, "unchanged, id and all")
	require.Len(t, s.signs(t), len(before)+signs-6-1)
}

func TestWecomPromise6OneBadApple(t *testing.T) {
	t.Parallel()
	for _, code := range []int{301021, 40003, 60111, 60011, 60021} {
		s := newWecomSite(t, wecomtest.Options{}, oasink.E8, nil)
		signs, visits := s.punches()
		for _, user := range []string{"a104", "a108"} {
			s.fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: code, User: user, Path: wecomtest.PathCheckIn})
		}
		report, err := s.run(nil)
		require.NoError(t, err)
		require.Equal(t, (signs+visits)/10*8, report.Written)
		require.Len(t, report.LeftOut, 2)
		for _, m := range report.LeftOut {
			require.Equal(t, attendance.Refused, m.LeftOut)
		}
	}
	// A slice that cannot be read costs the next one nothing.
	for _, fault := range []wecomtest.Fault{{Kind: wecomtest.Answer, Body: `{"errcode":40058,"errmsg":"invalid"}`, Times: 1}, {Kind: wecomtest.HTMLPage, Times: 2}} {
		s := newWecomSite(t, wecomtest.Options{}, oasink.E8, nil)
		s.punches()
		s.fake.AddRecord(wecomtest.Record{UserID: "A101", Time: at(28, 9, 0, 0)})
		fault.Path = wecomtest.PathCheckIn
		s.fake.Fail(fault)
		report, err := attendance.NewSyncer(s.wx.CheckIns(), s.sink, &attendance.Options{Now: now, Parallel: 1}).Run(context.Background(), s.scope(),
			attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 1}, attendance.Date{Year: 2026, Month: 3, Day: 30}, beijing()))
		require.Error(t, err)
		require.Len(t, report.Failed, 1)
		require.Len(t, report.Failed[0].Persons, 10)
		require.Equal(t, 1, report.Written)
	}
}

func TestWecomPromise7Polite(t *testing.T) {
	t.Parallel()
	for _, fault := range []wecomtest.Fault{
		{Kind: wecomtest.BadSecret},
		{Kind: wecomtest.Errcode, Code: 40013, Path: wecomtest.PathToken},
	} {
		s := newWecomSite(t, wecomtest.Options{}, oasink.E8, nil)
		s.fake.Fail(fault)
		for range 3 {
			_, err := s.run(nil)
			require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err))
		}
		require.Equal(t, 1, s.fake.Requests(""))
	}
	// What refuses all of us ends a run of many slices at its first call.
	for _, code := range []int{40001, 48002, 60020, 50003} {
		s := newWecomSite(t, wecomtest.Options{}, oasink.E8, nil)
		s.fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: code, Path: wecomtest.PathCheckIn})
		_, err := attendance.NewSyncer(s.wx.CheckIns(), s.sink, &attendance.Options{Now: now, Parallel: 1}).Run(context.Background(), s.scope(),
			attendance.LastDays(300, beijing()))
		require.True(t, attendance.CodeOf(err).Refusal())
		require.Equal(t, 1, s.fake.Requests(wecomtest.PathCheckIn))
	}
	// The default pace never meets the limit of 600 a minute, however many ask.
	synctest.Test(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		fake.AddUser(wecomtest.User{ID: "a"})
		wx, err := wecom.New(wecom.Config{CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret, HTTP: fake.Client()})
		require.NoError(t, err)
		q := attendance.Query{Accounts: []string{"a"}, Span: attendance.Span{From: time.Now().Add(-time.Hour).In(beijing()), To: time.Now().In(beijing())}}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 100 {
					a, err := wx.CheckIns().Fetch(t.Context(), q)
					require.NoError(t, err)
					require.Equal(t, 1, a.Calls, "none was refused and sent again")
				}
			})
		}
		group.Wait()
	})
}

func TestWecomPromise8Secret(t *testing.T) {
	t.Parallel()
	secrets := []string{wecomtest.DefaultSecret, wecomtest.DefaultContactSecret}
	faults := []wecomtest.Fault{
		{Kind: wecomtest.TokenExpired}, {Kind: wecomtest.HTMLPage}, {Kind: wecomtest.HalfBody}, {Kind: wecomtest.Reset}, {Kind: wecomtest.NoArray},
		{Kind: wecomtest.ServerError}, {Kind: wecomtest.Unavailable},
	}
	for _, code := range []int{-1, 40001, 40014, 45033, 48002, 60020, 60011, 301021, 301024} {
		faults = append(faults, wecomtest.Fault{Kind: wecomtest.Errcode, Code: code})
	}
	for _, fault := range faults {
		for _, path := range []string{wecomtest.PathCheckIn, wecomtest.PathToken, wecomtest.PathDepartments, wecomtest.PathUserIDs} {
			synctest.Test(t, func(t *testing.T) { wecomKeepsSecrets(t, fault, path, secrets) })
		}
	}
	// An answer that repeats all it was sent.
	for _, path := range []string{wecomtest.PathCheckIn, wecomtest.PathToken} {
		synctest.Test(t, func(t *testing.T) {
			body := fmt.Sprintf(`{"errcode":40058,"errmsg":"bad call ?corpsecret=%s"}`, wecomtest.DefaultSecret)
			wecomKeepsSecrets(t, wecomtest.Fault{Kind: wecomtest.Answer, Body: body}, path, secrets)
		})
	}
}

func wecomKeepsSecrets(t *testing.T, fault wecomtest.Fault, path string, secrets []string) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := newWecomSite(t, wecomtest.Options{}, oasink.E8, func(c *wecom.Config) {
		c.Logger, c.ContactSecret = logger, wecomtest.DefaultContactSecret
	})
	defer s.oa.DB().Close()
	tokens := &tokenSpy{inner: s.fake.Transport(), seen: map[string]bool{}}
	wx, err := wecom.New(wecom.Config{CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret, ContactSecret: wecomtest.DefaultContactSecret,
		HTTP: &http.Client{Transport: tokens}, Limiter: rate.NewLimiter(rate.Inf, 1), Now: now, Logger: logger})
	require.NoError(t, err)
	s.wx = wx
	s.punches()
	fault.Path = path
	s.fake.Fail(fault)
	report, err := s.run(&attendance.Options{Logger: logger})
	findings := wx.Check(t.Context())
	document, failed := json.Marshal(report)
	require.NoError(t, failed)
	told := fmt.Sprintf("%+v\n%s\n%s\n%v\n%#v\n%+v\n%s", report, document, log.String(), wx, wx, findings, chain(err))
	for _, secret := range secrets {
		require.NotContains(t, told, secret, "%+v at %s", fault, path)
	}
	for token := range tokens.seen {
		require.NotContains(t, told, token)
	}
	if fault.Kind != wecomtest.Answer { // whose text names it, blanked
		require.NotContains(t, told, "access_token=")
		require.NotContains(t, told, "corpsecret=")
	}
	content, err := os.ReadFile(dbPath(t, s.oa))
	require.NoError(t, err)
	require.NotContains(t, string(content), wecomtest.DefaultSecret)
}

// tokenSpy remembers the tokens that were sent.
type tokenSpy struct {
	inner http.RoundTripper
	mu    sync.Mutex
	seen  map[string]bool
}

func (s *tokenSpy) RoundTrip(r *http.Request) (*http.Response, error) {
	if token := r.URL.Query().Get("access_token"); token != "" {
		s.mu.Lock()
		s.seen[token] = true
		s.mu.Unlock()
	}
	return s.inner.RoundTrip(r)
}

// The host's process stays as it is; a real connection leaves no goroutine.
func TestWecomPromise9Guest(t *testing.T) {
	transport := http.DefaultTransport
	http.DefaultTransport = noTransport{}
	defer func() { http.DefaultTransport = transport }()
	before := runtime.NumGoroutine()
	s := newWecomSite(t, wecomtest.Options{}, oasink.E8, nil)
	s.punches()
	server := httptest.NewServer(s.fake)
	alone, err := wecom.New(wecom.Config{CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret, BaseURL: server.URL, Now: now})
	require.NoError(t, err)
	s.wx = alone
	_, err = s.run(nil)
	require.NoError(t, err)
	alone.Check(context.Background())
	alone.CloseIdleConnections()
	server.Close()
	require.NoError(t, s.oa.DB().Close())
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			require.Failf(t, "goroutines are left behind", "%s", stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// A whole company by WeCom: the least possible calls for padded windows, and
// memory that grows with neither the company nor the range.
func TestWecomWholeCompany(t *testing.T) {
	t.Parallel()
	const people, days = 320, 60
	s := newBigWecom(t, people, days)
	report := s.runAll(t, days, nil)
	require.Equal(t, people*days*4, report.Written)
	require.Empty(t, report.LeftOut)
	require.Empty(t, report.Warnings)
	require.Equal(t, (people+99)/100*((days+24)/25), report.Calls)
	require.Equal(t, report.Calls, s.fake.Requests(wecomtest.PathCheckIn))
	again := s.runAll(t, days, nil)
	require.Zero(t, again.Written)
	require.Equal(t, report.Written, again.Present)
}

func TestWecomPromise10Flat(t *testing.T) {
	long(t, "a few hundred thousand punches")
	// One call may hold 12,000 rows of 400 bytes: the slice at work.
	const working = 12 << 20
	for _, c := range []struct{ people, days int }{{100, 25}, {100, 300}, {3000, 25}} {
		s := newBigWecom(t, c.people, c.days)
		before := live()
		var peak uint64
		s.runAll(t, c.days, func(attendance.Event) { peak = max(peak, live()) })
		runtime.KeepAlive(s)
		require.Less(t, peak-min(peak, before), uint64(c.people*200+working), "%+v: %d KiB", c, (peak-before)>>10)
	}
}

func newBigWecom(t testing.TB, people, days int) *wecomSite {
	t.Helper()
	s := &wecomSite{fake: wecomtest.New(&wecomtest.Options{Now: now, PerMinute: -1, LogSize: -1})}
	first := at(30, 0, 0, 0).AddDate(0, 0, -days)
	wecomtest.Populate(s.fake, wecomtest.Company{People: people, First: first, Days: days, PerDay: 4, Weekends: true, Tidy: true})
	var err error
	s.wx, err = wecom.New(wecom.Config{CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret,
		HTTP: s.fake.Client(), Limiter: rate.NewLimiter(rate.Inf, 1), Now: now})
	require.NoError(t, err)
	db := open(t, file(t), "_pragma=journal_mode(wal)", "_pragma=synchronous(normal)")
	s.oa, err = ecologytest.New(context.Background(), db, ecologytest.Schema{Generation: oasink.E8})
	require.NoError(t, err)
	require.NoError(t, s.oa.AddDepartments(context.Background(), ecologytest.Department{ID: 1, Name: "总部", Subcompany: 1}))
	staff := make([]ecologytest.Person, people)
	for i := range staff {
		staff[i] = ecologytest.Person{ID: int64(101 + i), LoginID: fmt.Sprintf("login%06d", i+1), Name: fmt.Sprintf("员工%d", i+1),
			Workcode: fmt.Sprintf("STAFF%06d", i+1), Department: 1, Subcompany: 1, Status: 1}
	}
	require.NoError(t, s.oa.AddStaff(context.Background(), staff...))
	s.sink = sink(t, db, nil)
	return s
}

func (s *wecomSite) runAll(t testing.TB, days int, observe func(attendance.Event)) attendance.Report {
	t.Helper()
	opts := &attendance.Options{Now: now, Observe: observe}
	if observe != nil {
		opts.Parallel = 1
	}
	report, err := attendance.NewSyncer(s.wx.CheckIns(), s.sink, opts).Run(context.Background(), s.scope(),
		attendance.Between(at(30, 0, 0, 0).AddDate(0, 0, -days), at(30, 0, 0, 0), beijing()))
	require.NoError(t, err)
	return report
}

// BenchmarkWecomSync is a whole sync: people x 25 days x 4 punches through the fake
// WeCom without a rate limit into SQLite.
func BenchmarkWecomSync(b *testing.B) {
	for _, people := range []int{1_000} {
		b.Run(fmt.Sprintf("%d_people", people), func(b *testing.B) {
			s := newBigWecom(b, people, 25)
			punches, calls := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				_, err := s.oa.DB().ExecContext(context.Background(), "DELETE FROM HrmScheduleSign")
				require.NoError(b, err)
				b.StartTimer()
				report := s.runAll(b, 25, nil)
				require.Equal(b, people*25*4, report.Written)
				punches += report.Written
				calls += report.Calls
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(punches), "ns/punch")
			b.ReportMetric(float64(calls)/float64(b.N)/float64((people+99)/100), "calls/least")
		})
	}
}
