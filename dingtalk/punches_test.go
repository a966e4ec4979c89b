package dingtalk

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata" // zones must not depend on the machine

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/provider"
)

func TestPunchesRoles(t *testing.T) {
	p := newClient(t).Punches()
	var _ attendance.Provider = p
	_, meter := attendance.As[attendance.Meter](p)
	_, checker := attendance.As[attendance.Checker](p)
	require.True(t, meter && checker)
	require.Equal(t, "dingtalk", p.Name())
	require.Equal(t, attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour, Horizon: 180 * 24 * time.Hour}, p.Limits())
}

func TestConfig(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no key":    {AppSecret: "s"},
		"no secret": {AppKey: "k"},
		"base":      {AppKey: "k", AppSecret: "s", BaseURL: "oapi.dingtalk.com"},
		"user":      {AppKey: "k", AppSecret: "s", BaseURL: "https://u:p@oapi.dingtalk.com"},
		"query":     {AppKey: "k", AppSecret: "s", APIBaseURL: "https://api.dingtalk.com?x=1"},
	} {
		_, err := New(cfg)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "u:p")
	}
	c, err := New(Config{AppKey: "k", AppSecret: "s", BaseURL: "http://127.0.0.1:9001/"})
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:9001", c.config.BaseURL)
	require.Equal(t, defaultAPIBaseURL, c.config.APIBaseURL)
}

// What is sent is Beijing time whatever the zone of the job, also over a change of
// clocks there; and the answer is cut to the span whether DingTalk's upper bound
// is inclusive or not.
func TestTimesOfAnyZone(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	// Clocks go forward on 2026-03-08 in New York.
	day := attendance.Date{Year: 2026, Month: 3, Day: 8}
	span := attendance.Span{From: day.In(newYork), To: day.Add(1).In(newYork)}
	require.Equal(t, 23*time.Hour, span.Length())
	for _, exclusive := range []bool{false, true} {
		t.Run(fmt.Sprint("exclusive ", exclusive), func(t *testing.T) {
			fake := dingtalktest.New(&dingtalktest.Options{Now: march, ExclusiveTo: exclusive})
			fake.AddUser(dingtalktest.User{ID: "a"})
			for _, moment := range []time.Time{span.From.Add(-time.Second), span.From, span.To.Add(-time.Second), span.To} {
				fake.AddPunch(dingtalktest.Punch{UserID: "a", Time: moment, CheckType: "OnDuty"})
			}
			a, err := clientOf(t, fake, func(c *Config) { c.Now = march }).Punches().
				Fetch(t.Context(), attendance.Query{Accounts: []string{"a"}, Span: span})
			require.NoError(t, err)
			require.Len(t, a.Punches, 2)
			require.Empty(t, a.Skipped)
			require.Equal(t, newYork, a.Punches[0].Time.Location())
			require.Equal(t, "2026-03-08 00:00:00", a.Punches[0].Time.Format(time.DateTime))

			var sent listRecordBody
			log := fake.Log()
			require.NoError(t, json.Unmarshal([]byte(log[len(log)-1].Body), &sent))
			require.Equal(t, listRecordBody{UserIDs: []string{"a"}, From: "2026-03-08 13:00:00", To: "2026-03-09 12:00:00"}, sent)
		})
	}
}

// A full seven days that do not begin on a whole second are more than DingTalk
// takes once they are rounded outward: two calls, nothing lost, nothing twice.
func TestSevenDaysAndAFraction(t *testing.T) {
	for _, exclusive := range []bool{false, true} {
		fake := dingtalktest.New(&dingtalktest.Options{Now: march, ExclusiveTo: exclusive})
		fake.AddUser(dingtalktest.User{ID: "a"})
		from := at(t, "2026-03-02 08:00:00.5")
		span := attendance.Span{From: from, To: from.Add(punchSpan)}
		inside := []time.Time{from, from.Add(punchSpan - time.Second), from.Add(punchSpan - time.Millisecond), from.Truncate(time.Second).Add(punchSpan)}
		for i, moment := range append(inside, from.Add(-time.Millisecond), span.To) {
			fake.AddPunch(dingtalktest.Punch{ID: int64(100 + i), UserID: "a", Time: moment, CheckType: "OnDuty"})
		}
		p := clientOf(t, fake, func(c *Config) { c.Now = march }).Punches()
		q := attendance.Query{Accounts: []string{"a"}, Span: span}
		require.Equal(t, 2, p.Cost(q))
		a, err := p.Fetch(t.Context(), q)
		require.NoError(t, err)
		require.Len(t, a.Punches, len(inside))
		require.Empty(t, a.Skipped)
		require.Equal(t, 2, a.Calls)
		require.Equal(t, 2, fake.Metered())
	}
	p := newClient(t).Punches()
	require.Equal(t, 1, p.Cost(attendance.Query{Accounts: make([]string, 50), Span: until(t, "2026-03-09 00:00:00")}))
	require.Equal(t, 0, p.Cost(attendance.Query{Accounts: make([]string, 50), Span: until(t, "2026-03-02 00:00:00")}))
}

func TestWhatIsRefusedBeforeAnyCall(t *testing.T) {
	fake := dingtalktest.New(&dingtalktest.Options{Now: march})
	p := clientOf(t, fake, func(c *Config) { c.Now = march }).Punches()
	oldest := march().Add(-punchHorizon)
	for name, test := range map[string]struct {
		q    attendance.Query
		want attendance.Code
	}{
		"too early":     {attendance.Query{Accounts: []string{"a"}, Span: attendance.Span{From: oldest.Add(-1), To: oldest.Add(time.Hour)}}, attendance.CodeHorizon},
		"too long":      {attendance.Query{Accounts: []string{"a"}, Span: until(t, "2026-03-09 00:00:01")}, attendance.CodeSpan},
		"too many":      {attendance.Query{Accounts: make([]string, 51), Span: until(t, "2026-03-03 00:00:00")}, attendance.CodeRequest},
		"nobody":        {attendance.Query{Span: until(t, "2026-03-03 00:00:00")}, attendance.CodeRequest},
		"nothing asked": {attendance.Query{Accounts: []string{"a"}, Span: until(t, "2026-03-02 00:00:00")}, ""},
	} {
		a, err := p.Fetch(t.Context(), test.q)
		require.Equal(t, test.want, attendance.CodeOf(err), name)
		require.Zero(t, a.Calls, name)
		require.Zero(t, fake.Requests(""), name)
	}
	a, err := p.Fetch(t.Context(), attendance.Query{Accounts: []string{"a"}, Span: attendance.Span{From: oldest, To: oldest.Add(time.Hour)}})
	require.NoError(t, err)
	require.Equal(t, 1, a.Calls)
}

func TestI18n(t *testing.T) {
	fake := dingtalktest.New(&dingtalktest.Options{Now: march, Overseas: true})
	p := clientOf(t, fake, func(c *Config) { c.Now, c.I18n = march, true }).Punches()
	_, err := p.Fetch(t.Context(), attendance.Query{Accounts: []string{"a"}, Span: until(t, "2026-03-03 00:00:00")})
	require.NoError(t, err)
	log := fake.Log()
	require.Contains(t, log[len(log)-1].Body, `"isI18n":true`)
}

func TestOldToken(t *testing.T) {
	fake := dingtalktest.New(&dingtalktest.Options{Now: march})
	q := attendance.Query{Accounts: []string{"a"}, Span: until(t, "2026-03-03 00:00:00")}
	for _, old := range []bool{false, true} {
		fake.ResetCounters()
		_, err := clientOf(t, fake, func(c *Config) { c.Now, c.OldToken = march, old }).Punches().Fetch(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, old, fake.Requests(dingtalktest.PathOldToken) == 1)
		require.Equal(t, !old, fake.Requests(dingtalktest.PathToken) == 1)
	}
}

func TestWrongSecretIsTriedOnceAndNotTold(t *testing.T) {
	for _, old := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			fake := dingtalktest.New(nil)
			p := clientOf(t, fake, func(c *Config) { c.AppSecret, c.OldToken = "a-wrong-secret-9d1", old }).Punches()
			now := time.Now().In(shanghai())
			q := attendance.Query{Accounts: []string{"a"}, Span: attendance.Span{From: now.Add(-time.Hour), To: now}}
			for range 3 {
				_, err := p.Fetch(t.Context(), q)
				require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err))
				require.NotContains(t, fmt.Sprintf("%+v", err), "a-wrong-secret-9d1")
			}
			require.Equal(t, 1, fake.Requests(""))
		})
	}
}

func TestTokenLife(t *testing.T) {
	for body, want := range map[string]time.Duration{
		`{"accessToken":"t","expireIn":600}`:          10 * time.Minute,
		`{"accessToken":"t","expireIn":"600"}`:        10 * time.Minute,
		`{"accessToken":"t"}`:                         2 * time.Hour,
		`{"accessToken":"t","expireIn":-1}`:           2 * time.Hour,
		`{"accessToken":"t","expireIn":999999999999}`: 2 * time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := dingtalktest.New(nil)
			fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: dingtalktest.PathToken, Body: body})
			token, err := clientOf(t, fake, nil).fetchToken(t.Context())
			require.NoError(t, err)
			require.Equal(t, provider.Token{Value: "t", Expires: time.Now().Add(want)}, token, body)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: dingtalktest.PathToken, Body: `{"accessToken":""}`})
		_, err := clientOf(t, fake, nil).fetchToken(t.Context())
		require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(err))
	})
}

func TestPrintedClientsShowNoSecret(t *testing.T) {
	cfg := Config{AppKey: "the-key", AppSecret: "the-secret"}
	c, err := New(cfg)
	require.NoError(t, err)
	var b strings.Builder
	log := slog.New(slog.NewTextHandler(&b, nil))
	log.Info("x", "cfg", cfg, "client", c, "punches", c.Punches())
	for _, v := range []any{cfg, &cfg, c, c.Punches(), c.CheckIns(), c.Directory()} {
		fmt.Fprintf(&b, "%v %+v %#v %s\n", v, v, v, v)
	}
	require.NotContains(t, b.String(), "the-secret")
	c.CloseIdleConnections()
}

func TestTokenIsRenewedOnceInEveryEnvelope(t *testing.T) {
	for _, envelope := range []dingtalktest.Envelope{dingtalktest.EnvelopeUsual, dingtalktest.EnvelopePlain,
		dingtalktest.EnvelopeWrapped, dingtalktest.EnvelopeText} {
		synctest.Test(t, func(t *testing.T) {
			fake := dingtalktest.New(&dingtalktest.Options{Envelope: envelope})
			c := clientOf(t, fake, nil)
			now := time.Now().In(shanghai())
			q := attendance.Query{Accounts: []string{"a"}, Span: attendance.Span{From: now.Add(-time.Hour), To: now}}
			_, err := c.Punches().Fetch(t.Context(), q)
			require.NoError(t, err)
			fake.ExpireTokens()
			a, err := c.Punches().Fetch(t.Context(), q)
			require.NoError(t, err)
			require.Equal(t, 2, a.Calls)
			require.Equal(t, 2, fake.Requests(dingtalktest.PathToken))

			fake.Fail(dingtalktest.Fault{Kind: dingtalktest.TokenExpired})
			a, err = c.Punches().Fetch(t.Context(), q)
			require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
			require.Equal(t, 4, a.Calls, "calls are told beside an error: one with the token that was good, three with fresh ones")
			require.Equal(t, 5, fake.Requests(dingtalktest.PathToken))
			a, err = c.Punches().Fetch(t.Context(), q)
			require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err))
			require.Equal(t, 2, a.Calls)
		})
	}
}

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		p := clientOf(t, fake, func(c *Config) { c.MonthlyQuota = 3 }).Punches()
		now := time.Now().In(shanghai())
		q := attendance.Query{Accounts: []string{"a"}, Span: attendance.Span{From: now.Add(-time.Hour), To: now}}

		left, limited, err := p.Left(t.Context())
		require.NoError(t, err)
		require.True(t, limited)
		require.Equal(t, 3, left)

		// Throttled requests do not count.
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Throttled, Times: 2})
		a, err := p.Fetch(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, 3, a.Calls)
		left, _, _ = p.Left(t.Context())
		require.Equal(t, 2, left)

		for range 2 {
			_, err = p.Fetch(t.Context(), q)
			require.NoError(t, err)
		}
		sent := fake.Requests("")
		a, err = p.Fetch(t.Context(), q)
		require.Equal(t, attendance.CodeQuota, attendance.CodeOf(err))
		require.Zero(t, a.Calls)
		require.Equal(t, sent, fake.Requests(""), "refused before the call")
		require.Equal(t, 3, fake.Metered())
	})
	_, limited, err := newClient(t).Punches().Left(t.Context())
	require.NoError(t, err)
	require.False(t, limited)
}

func TestHostsOwnBudgetGoesFirst(t *testing.T) {
	mine := provider.NewMonthlyBudget(1, nil, nil)
	require.NoError(t, mine.Take(t.Context()))
	c, err := New(Config{AppKey: "k", AppSecret: "s", MonthlyQuota: 100, Budget: mine})
	require.NoError(t, err)
	left, limited, err := c.CheckIns().Left(t.Context())
	require.NoError(t, err)
	require.True(t, limited)
	require.Zero(t, left)
}

// The firewall bans an address for five minutes: nothing is sent until then.
func TestFirewall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		c := clientOf(t, fake, nil)
		now := time.Now().In(shanghai())
		q := attendance.Query{Accounts: []string{"a"}, Span: attendance.Span{From: now.Add(-time.Hour), To: now}}
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Firewall, Times: 1})
		a, err := c.Punches().Fetch(t.Context(), q)
		require.Equal(t, attendance.CodeThrottled, attendance.CodeOf(err))
		require.Equal(t, 1, a.Calls)
		require.Zero(t, time.Since(now), "not waited for")
		sent := fake.Requests("")
		for range 5 {
			a, err = c.Punches().Fetch(t.Context(), q)
			require.Equal(t, attendance.CodeThrottled, attendance.CodeOf(err))
			require.Zero(t, a.Calls)
		}
		require.Equal(t, sent, fake.Requests(""))
		pass(firewallPause)
		_, err = c.Punches().Fetch(t.Context(), q)
		require.NoError(t, err)
	})
}

// A silent cap of 1000 rows is suspected, and the whole answer without it is not.
func TestRowCap(t *testing.T) {
	for limit, want := range map[int]bool{0: false, 100: true, 500: true, 1000: true} {
		fake := dingtalktest.New(&dingtalktest.Options{Now: march, RowCap: limit})
		accounts := make([]string, 50)
		for i := range accounts {
			accounts[i] = fmt.Sprintf("u%02d", i)
			fake.AddUser(dingtalktest.User{ID: accounts[i]})
			for d := range 28 {
				fake.AddPunch(dingtalktest.Punch{UserID: accounts[i], Time: at(t, "2026-03-02 08:00:00").Add(time.Duration(d) * 6 * time.Hour), CheckType: "OnDuty"})
			}
		}
		a, err := clientOf(t, fake, func(c *Config) { c.Now = march }).Punches().Fetch(t.Context(),
			attendance.Query{Accounts: accounts, Span: until(t, "2026-03-09 00:00:00")})
		require.NoError(t, err)
		require.Equal(t, want, a.Suspect)
		require.Equal(t, len(a.Punches), a.Rows)
		if limit == 0 {
			require.Equal(t, 1350, a.Rows, "one of the 28 lies outside")
		}
	}
}

func TestPunchFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault dingtalktest.Fault
		want  attendance.Code
		says  string
	}{
		"forbidden":       {dingtalktest.Fault{Kind: dingtalktest.Forbidden}, attendance.CodePermission, "qyapi_get_attendance_data"},
		"address":         {dingtalktest.Fault{Kind: dingtalktest.AddressDenied}, attendance.CodeAddress, "192.0.2.10"},
		"quota":           {dingtalktest.Fault{Kind: dingtalktest.QuotaUsedUp}, attendance.CodeQuota, "90020"},
		"bad account":     {dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: "a"}, attendance.CodeAccount, "40031"},
		"invalid account": {dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: "a", Code: 33012}, attendance.CodeAccount, "33012"},
		"no errcode":      {dingtalktest.Fault{Kind: dingtalktest.NoErrcode}, attendance.CodeMalformed, "errcode"},
		"busy":            {dingtalktest.Fault{Kind: dingtalktest.Busy}, attendance.CodeUnavailable, "系统繁忙"},
		"stopped":         {dingtalktest.Fault{Kind: dingtalktest.Answer, Body: `{"errcode":50003,"errmsg":"应用已停用"}`}, attendance.CodeDisabled, "应用已停用"},
		"span":            {dingtalktest.Fault{Kind: dingtalktest.Answer, Body: `{"errcode":850012,"errmsg":"x"}`}, attendance.CodeSpan, "850012"},
		"half an answer":  {dingtalktest.Fault{Kind: dingtalktest.Answer, Body: `{"errcode":0,"errmsg":"ok"}`}, attendance.CodeMalformed, "recordresult"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := dingtalktest.New(nil)
				fake.AddUser(dingtalktest.User{ID: "a"})
				fake.Fail(test.fault)
				now := time.Now().In(shanghai())
				a, err := clientOf(t, fake, nil).Punches().Fetch(t.Context(),
					attendance.Query{Accounts: []string{"a"}, Span: attendance.Span{From: now.Add(-time.Hour), To: now}})
				require.Equal(t, test.want, attendance.CodeOf(err), "%v", err)
				require.ErrorContains(t, err, test.says)
				require.ErrorContains(t, err, "dingtalk /attendance/listRecord")
				require.Positive(t, a.Calls)
				require.Empty(t, a.Punches)
				require.NotContains(t, err.Error(), "access_token=")
			})
		})
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newClient(t).Punches().Fetch(ctx, attendance.Query{Accounts: []string{"a"}, Span: until(t, "2026-03-03 00:00:00")})
	require.Equal(t, context.Canceled, err)
}
