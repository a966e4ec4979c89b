package dbtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
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
	"github.com/punchbridge/punchbridge/provider"
)

// The promises towards the platform, the secrets and the host: 7, 8 and 9.

func TestPromise7Polite(t *testing.T) {
	t.Parallel()
	// A wrong secret is tried once, however often and by however many it is used.
	s := smallSite(t, sqliteEngine(), nil, oasink.E8)
	s.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadSecret})
	for range 3 {
		_, err := s.tryRun(nil)
		require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err))
	}
	require.Equal(t, 1, s.fake.Requests(""))

	// The budget is not passed, and a run that would pass it makes no call at all.
	s = smallSite(t, sqliteEngine(), nil, oasink.E8)
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
	// Nor by who does not estimate: a query of its own, or a check.
	_, err = ding.Punches().Fetch(context.Background(), attendance.Query{Accounts: []string{"u101"}, Span: week()})
	require.Equal(t, attendance.CodeQuota, attendance.CodeOf(err))
	ding.Check(context.Background())
	require.Equal(t, 2, s.fake.Metered())

	// What refuses all of us ends the run at its first call; where every account is
	// rejected, a few are tried and not all.
	for _, c := range []struct {
		fault dingtalktest.Fault
		most  int
	}{
		{dingtalktest.Fault{Kind: dingtalktest.Forbidden}, 1},
		{dingtalktest.Fault{Kind: dingtalktest.Answer, Body: `{"errcode":40031,"errmsg":"不合法的UserID列表"}`}, 9},
	} {
		s = smallSite(t, sqliteEngine(), nil, oasink.E8)
		c.fault.Path = dingtalktest.PathListRecord
		s.fake.Fail(c.fault)
		_, err = attendance.NewSyncer(s.ding.Punches(), s.sink, &attendance.Options{Now: now, Parallel: 1}).Run(context.Background(), s.scope(),
			attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 1}, attendance.Date{Year: 2026, Month: 3, Day: 20}, beijing()))
		require.True(t, attendance.CodeOf(err).Refusal())
		require.Equal(t, c.most, s.fake.Requests(dingtalktest.PathListRecord))
	}

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
					a, err := ding.Punches().Fetch(t.Context(), lastHour())
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
	t.Run("trouble", politeInTrouble)
}

// politeInTrouble is how a client behaves when a call fails, on virtual time.
func politeInTrouble(t *testing.T) {
	for _, c := range []struct {
		fault         dingtalktest.Fault
		quota         int
		callers       int
		tokens, calls int
		wait          time.Duration
	}{
		{fault: dingtalktest.Fault{Kind: dingtalktest.BadSecret}, callers: 8, tokens: 1},
		{fault: dingtalktest.Fault{Kind: dingtalktest.Busy, Times: 2}, callers: 1, tokens: 1, calls: 3, wait: time.Second},
		{fault: dingtalktest.Fault{Kind: dingtalktest.Busy}, quota: 2, callers: 3, tokens: 1, calls: 2},
		{fault: dingtalktest.Fault{Kind: dingtalktest.Throttled, Times: 1, RetryAfter: 30 * time.Second}, callers: 1, tokens: 1, calls: 2, wait: 29 * time.Second},
		{fault: dingtalktest.Fault{Kind: dingtalktest.TokenExpired}, callers: 1, tokens: 3, calls: 3, wait: time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := dingtalktest.New(&dingtalktest.Options{Latency: 100 * time.Millisecond})
			limiter := &turnstile{}
			ding, err := dingtalk.New(dingtalk.Config{AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret,
				HTTP: fake.Client(), Limiter: limiter, MonthlyQuota: c.quota})
			require.NoError(t, err)
			if c.fault.Kind != dingtalktest.BadSecret {
				c.fault.Path = dingtalktest.PathListRecord
			}
			fake.Fail(c.fault)
			began := time.Now()
			var group sync.WaitGroup
			for range c.callers {
				group.Go(func() { _, _ = ding.Punches().Fetch(t.Context(), lastHour()) })
			}
			group.Wait()
			require.Equal(t, c.tokens, fake.Requests(dingtalktest.PathToken), "%+v", c)
			require.Equal(t, c.calls, fake.Requests(dingtalktest.PathListRecord), "%+v", c)
			require.GreaterOrEqual(t, time.Since(began), c.wait)
			require.GreaterOrEqual(t, int(limiter.passed.Load()), fake.Requests(""), "nothing is sent past the limiter")
		})
	}
	// While the firewall shuts us out, nothing is sent.
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		ding, err := dingtalk.New(dingtalk.Config{AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret, HTTP: fake.Client()})
		require.NoError(t, err)
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Firewall, Path: dingtalktest.PathListRecord, Times: 1})
		for range 3 {
			_, err = ding.Punches().Fetch(t.Context(), lastHour())
			require.Equal(t, attendance.CodeThrottled, attendance.CodeOf(err))
			time.Sleep(time.Minute)
		}
		require.Equal(t, 1, fake.Requests(dingtalktest.PathListRecord))
	})
	// After 50 rejected accounts a run ends.
	fake := dingtalktest.New(&dingtalktest.Options{Now: now, QPS: -1})
	ding, err := dingtalk.New(dingtalk.Config{AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret,
		HTTP: fake.Client(), Limiter: rate.NewLimiter(rate.Inf, 1), Now: now})
	require.NoError(t, err)
	members := make([]attendance.Member, 150)
	for i := range members {
		members[i] = attendance.Member{Person: itoa(i + 1), Account: "u" + itoa(i)}
		if i%2 == 1 {
			fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: members[i].Account, Path: dingtalktest.PathListRecord})
		}
	}
	oa := build(t, ecologytest.Schema{})
	report, err := attendance.NewSyncer(ding.Punches(), sink(t, oa.DB(), nil), &attendance.Options{Now: now, Parallel: 1}).Run(context.Background(),
		attendance.Members(members...), attendance.Between(week().From, week().To, beijing()))
	require.Equal(t, attendance.CodePermission, attendance.CodeOf(err))
	require.Len(t, report.LeftOut, 50)
}

// A turnstile lets everybody through and counts.
type turnstile struct{ passed atomic.Int64 }

func (s *turnstile) Wait(ctx context.Context) error {
	s.passed.Add(1)
	return ctx.Err()
}

func lastHour() attendance.Query {
	to := time.Now().In(beijing())
	return attendance.Query{Accounts: []string{"staff000001"}, Span: attendance.Span{From: to.Add(-time.Hour), To: to}}
}

func TestPromise8Secret(t *testing.T) {
	t.Parallel()
	kinds := []dingtalktest.FaultKind{
		dingtalktest.Answer, // which repeats what it was sent
		dingtalktest.TokenExpired, dingtalktest.Throttled, dingtalktest.Busy, dingtalktest.ServerError, dingtalktest.HTMLPage, dingtalktest.Firewall,
		dingtalktest.NoErrcode, dingtalktest.HalfBody, dingtalktest.Reset, dingtalktest.Forbidden, dingtalktest.AddressDenied, dingtalktest.QuotaUsedUp,
	}
	for _, kind := range kinds {
		for _, path := range []string{dingtalktest.PathListRecord, dingtalktest.PathToken, dingtalktest.PathOldToken} {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := smallSite(t, sqliteEngine(), nil, oasink.E8)
				defer s.oa.DB().Close()
				s.punches()
				logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				ding, err := dingtalk.New(dingtalk.Config{
					AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret, OldToken: path == dingtalktest.PathOldToken,
					HTTP: s.fake.Client(), Limiter: rate.NewLimiter(rate.Inf, 1), Now: now, Logger: logger})
				require.NoError(t, err)
				defer ding.CloseIdleConnections()
				s.ding = ding
				token := tokenOf(t, s.fake, path == dingtalktest.PathOldToken)
				sent := "appsecret=" + dingtalktest.DefaultAppSecret
				if path == dingtalktest.PathListRecord {
					sent += "&access_token=" + token
				}
				s.fake.Fail(dingtalktest.Fault{Kind: kind, Path: path, Status: 400, Body: `{"errcode":43009,"code":"odd","errmsg":"bad call ?` + sent + `"}`})
				report, err := s.tryRun(&attendance.Options{Logger: logger})
				findings := ding.Check(t.Context())
				document, failed := json.Marshal(report)
				require.NoError(t, failed)
				told := fmt.Sprintf("%+v\n%s\n%s\n%v\n%#v\n%+v\n%s", report, document, log.String(), ding, ding, findings, chain(err))
				require.NotContains(t, told, dingtalktest.DefaultAppSecret, "%v at %s", kind, path)
				if kind != dingtalktest.Answer { // whose text names them, blanked
					require.NotContains(t, told, "access_token=")
					require.NotContains(t, told, "appsecret=")
				}
				require.NotContains(t, told, token)
			})
		}
	}
	// Nor does a configuration or a token show its own.
	var log bytes.Buffer
	for _, v := range []any{
		dingtalk.Config{AppKey: "key", AppSecret: "S3CRET"}, &dingtalk.Config{AppKey: "key", AppSecret: "S3CRET"},
		provider.Token{Value: "S3CRET"}, &provider.Token{Value: "S3CRET"},
	} {
		fmt.Fprintf(&log, "%v %+v %#v %s", v, v, v, v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "value", v)
	}
	require.NotContains(t, log.String(), "S3CRET")
	// Nor in the database.
	s := smallSite(t, sqliteEngine(), nil, oasink.E8)
	s.punches()
	_, err := s.tryRun(nil)
	require.NoError(t, err)
	_, err = s.oa.DB().Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	content, err := os.ReadFile(dbPath(t, s.oa))
	require.NoError(t, err)
	require.NotContains(t, string(content), dingtalktest.DefaultAppSecret)
}

// chain prints an error and all that is reachable from it.
func chain(err error) string {
	if err == nil {
		return ""
	}
	text := fmt.Sprintf("%v\n%+v\n%#v\n", err, err, err)
	switch e := err.(type) { //nolint:errorlint // each is looked at
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			text += chain(inner)
		}
	case interface{ Unwrap() error }:
		text += chain(e.Unwrap())
	}
	return text
}

// tokenOf asks the fake for its current token, that of the old call or of the new
// one: repeated calls give the same one.
func tokenOf(t *testing.T, fake *dingtalktest.Server, old bool) string {
	const credentials = `{"appKey":"` + dingtalktest.DefaultAppKey + `","appSecret":"` + dingtalktest.DefaultAppSecret + `"}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.dingtalk.com/v1.0/oauth2/accessToken", strings.NewReader(credentials))
	if old {
		req, err = newRequest(t.Context(), "https://oapi.dingtalk.com/gettoken?appkey="+dingtalktest.DefaultAppKey+"&appsecret="+dingtalktest.DefaultAppSecret)
	}
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := fake.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	var body struct {
		New string `json:"accessToken"`
		Old string `json:"access_token"`
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&body))
	token := body.New + body.Old
	require.NotEmpty(t, token)
	return token
}

func TestPromise9Guest(t *testing.T) {
	stdout, stderr, local, transport := os.Stdout, os.Stderr, time.Local, http.DefaultTransport
	read, write, err := os.Pipe()
	require.NoError(t, err)
	elsewhere := time.FixedZone("elsewhere", -11*3600)
	os.Stdout, os.Stderr, time.Local, http.DefaultTransport = write, write, elsewhere, noTransport{}
	log.SetOutput(write) // slog's default writes there too
	defer func() {
		os.Stdout, os.Stderr, time.Local, http.DefaultTransport = stdout, stderr, local, transport
		log.SetOutput(stderr)
	}()
	logger, environment, before := slog.Default(), os.Environ(), runtime.NumGoroutine()

	s := smallSite(t, sqliteEngine(), nil, oasink.E9)
	n := s.punches() + 1
	s.fake.AddPunch(dingtalktest.Punch{UserID: "u101", Time: at(8, 23, 0, 0), CheckType: "OffDuty"})
	s.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Reset, Path: dingtalktest.PathListRecord, Times: 1})
	_, err = s.tryRun(nil)
	require.NoError(t, err)
	s.sink.Check(context.Background())
	s.ding.Check(context.Background())
	s.ding.CloseIdleConnections()
	// Without an HTTP client given, over a real connection.
	server := httptest.NewServer(s.fake)
	alone, err := dingtalk.New(dingtalk.Config{AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret, Now: now,
		BaseURL: server.URL, APIBaseURL: server.URL})
	require.NoError(t, err)
	answer, err := alone.Punches().Fetch(context.Background(), attendance.Query{Accounts: []string{"u101"}, Span: week()})
	require.NoError(t, err)
	require.Len(t, answer.Punches, 7)
	alone.CloseIdleConnections()
	server.Close()
	// With one given, which stays as it is.
	client := s.fake.Client()
	given, err := dingtalk.New(dingtalk.Config{AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret, Now: now, HTTP: client})
	require.NoError(t, err)
	_, err = given.Punches().Fetch(context.Background(), attendance.Query{Accounts: []string{"u101"}, Span: week()})
	require.NoError(t, err)
	require.Zero(t, client.Timeout)
	require.Nil(t, client.CheckRedirect)

	// No row depends on the machine's zone.
	rows, _, pool := s.tables(t)
	require.Len(t, rows, n)
	require.Equal(t, "2026-03-02 08:55:01", rows[0].SignDate+" "+rows[0].SignTime)
	require.Equal(t, now().AddDate(0, 0, -1).Format(time.DateTime), pool[0].ExecTime)
	require.Zero(t, s.oa.DB().Stats().InUse, "the host's connections are given back")
	require.Zero(t, s.oa.DB().Stats().MaxOpenConnections)
	require.NoError(t, s.oa.DB().Close())

	require.Same(t, elsewhere, time.Local)
	require.Same(t, logger, slog.Default())
	require.Equal(t, environment, os.Environ())
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

// noTransport stands for http.DefaultTransport, which is the host's.
type noTransport struct{}

func (noTransport) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("http.DefaultTransport was used")
}
