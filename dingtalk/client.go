package dingtalk

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// The hosts of DingTalk's two families of calls.
const (
	defaultBaseURL    = "https://oapi.dingtalk.com"
	defaultAPIBaseURL = "https://api.dingtalk.com"
)

// callsPerSecond is half of what DingTalk allows an application per call and
// second (20 on the Standard edition).
const callsPerSecond = 10

// Config says which application of which company is used, and how. AppKey and
// AppSecret are needed; everything else may be left out.
type Config struct {
	// AppKey and AppSecret are the application's credentials, called Client ID and
	// Client Secret in newer consoles. With Tokens they may be empty.
	AppKey, AppSecret string
	// BaseURL stands for https://oapi.dingtalk.com, the default.
	BaseURL string
	// APIBaseURL stands for https://api.dingtalk.com, the default; only tokens are
	// asked for there.
	APIBaseURL string
	// OldToken asks for tokens at GET /gettoken of BaseURL instead of POST
	// /v1.0/oauth2/accessToken of APIBaseURL, which the docs recommend. A token of
	// either is valid on both hosts.
	OldToken bool
	// I18n sets isI18n in queries for punches. It is for overseas tenants only: for
	// a company at home DingTalk then answers every query with nothing.
	I18n bool
	// MonthlyQuota is how many metered calls (punches and check-ins) this Client
	// makes at most per calendar month of Asia/Shanghai. It counts in memory, this
	// process alone. 0 means no limit. Not looked at where Budget is set.
	MonthlyQuota int
	// Budget, when not nil, is asked before each metered call: for hosts that
	// count across processes, or several applications of one company.
	Budget provider.Budget

	// HTTP sends the requests. Nil means a client of this Client's own with a
	// time-out of 30 s, which uses the proxy of the environment; one of
	// [provider.HTTPClient] may be shared by several Clients.
	HTTP *http.Client
	// Limiter is waited for before every request, tokens included. Nil means 10
	// requests a second with a burst of 10, below the 20 per application and call
	// that DingTalk allows.
	Limiter provider.Limiter
	// Tokens hands out access tokens, for hosts that keep them elsewhere. Nil means
	// tokens are fetched with AppKey and AppSecret and kept in this Client; a wrong
	// secret is then tried once in ten minutes.
	Tokens provider.TokenSource
	// Now is the current time, on which the horizon of 180 days and the budget's
	// month depend. Nil means time.Now. The lives of tokens and of what is
	// remembered, pauses, and when an answer was read are matters of the real clock
	// whatever it is.
	Now func() time.Time
	// Logger is told of retries. Nil is silent.
	Logger *slog.Logger
}

// String names the application, without its secret.
func (c Config) String() string { return "dingtalk application " + c.AppKey }

// GoString is String: %#v shows no secret either.
func (c Config) GoString() string { return c.String() }

// LogValue implements [slog.LogValuer], without the secret.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// A Client calls one application of one company. It is safe for concurrent use.
// Its Punches, CheckIns and Directory share its token, its rate limit, its
// budget and what it remembers of the organisation.
type Client struct {
	config Config
	http   *http.Client     // of all calls
	api    *provider.Client // every call but those for tokens
	auth   *provider.Client // calls for tokens
	tokens provider.TokenSource
	budget provider.Budget

	// now is the host's idea of the current time, clock the real one: pauses, caches
	// and the order of readings are matters of real time.
	now, clock func() time.Time

	// bannedUntil is when the firewall's ban ends, in Unix nanoseconds.
	bannedUntil atomic.Int64
	// skew is how far DingTalk's clock was ahead of ours at the last answer.
	skew provider.ClockSkew

	chart chartCache
}

// New returns a Client. It calls no network. The error names what is missing in
// the configuration.
func New(cfg Config) (*Client, error) {
	if cfg.Tokens == nil && (cfg.AppKey == "" || cfg.AppSecret == "") {
		return nil, errors.New("dingtalk: AppKey and AppSecret are both needed")
	}
	var err error
	if cfg.BaseURL, err = provider.BaseURL("dingtalk: BaseURL", cfg.BaseURL, defaultBaseURL); err != nil {
		return nil, err
	}
	if cfg.APIBaseURL, err = provider.BaseURL("dingtalk: APIBaseURL", cfg.APIBaseURL, defaultAPIBaseURL); err != nil {
		return nil, err
	}
	if cfg.Limiter == nil {
		cfg.Limiter = rate.NewLimiter(callsPerSecond, callsPerSecond)
	}
	real := time.Now //nolint:forbidigo // the real clock, resolved here only
	if cfg.Now == nil {
		cfg.Now = real
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{config: cfg, http: provider.HTTPClient(cfg.HTTP), now: cfg.Now, clock: real, budget: cfg.Budget, tokens: provider.Judged(cfg.Tokens)}
	c.chart.reading = make(chan struct{}, 1)
	if c.budget == nil && cfg.MonthlyQuota > 0 {
		c.budget = provider.NewMonthlyBudget(cfg.MonthlyQuota, beijing(), cfg.Now)
	}
	c.api = c.caller(c.classify)
	c.auth = c.caller(c.classifyToken)
	if c.tokens == nil {
		c.tokens = provider.NewTokens(c.fetchToken, &provider.TokenOptions{Now: c.clock})
	}
	return c, nil
}

// String names the application, without its secret.
func (c *Client) String() string { return c.config.String() }

// GoString is String: %#v shows no secret either.
func (c *Client) GoString() string { return c.String() }

// LogValue implements [slog.LogValuer], without the secret.
func (c *Client) LogValue() slog.Value { return c.config.LogValue() }

// CloseIdleConnections closes the connections that wait for the next call, for
// hosts that count goroutines when they are done. Others need not call it: idle
// connections close by themselves within half a minute.
func (c *Client) CloseIdleConnections() {
	c.api.CloseIdleConnections()
	c.auth.CloseIdleConnections()
}

func (c *Client) caller(classify func(provider.Reply) error) *provider.Client {
	return &provider.Client{
		Name:     "dingtalk",
		HTTP:     c.http,
		Limiter:  c.config.Limiter,
		Classify: classify,
		Secrets:  []string{c.config.AppSecret},
		Now:      c.clock,
		Logger:   c.config.Logger,
	}
}

// beijing is the zone of DingTalk's request strings and quotas. China has had one
// time without summer time since 1991, so no time zone database is needed.
func beijing() *time.Location { return time.FixedZone("Asia/Shanghai", 8*60*60) }

// banLeft is how long the firewall's ban lasts yet; zero or less without one.
func (c *Client) banLeft() time.Duration {
	until := c.bannedUntil.Load()
	if until == 0 {
		return 0
	}
	return time.Unix(0, until).Sub(c.clock())
}

// withToken makes a call with a token: [provider.WithToken] or WithTokenTwice.
type withToken func(context.Context, provider.TokenSource, func(token string) (provider.Reply, error)) (provider.Reply, error)

// call makes one call to a path of oapi with a token. Sent is filled beside an
// error too.
func (c *Client) call(ctx context.Context, r provider.Request) (provider.Reply, error) {
	return c.ask(ctx, provider.WithTokenTwice, r)
}

func (c *Client) ask(ctx context.Context, with withToken, r provider.Request) (provider.Reply, error) {
	if left := c.banLeft(); left > 0 {
		return provider.Reply{}, shutOut(left, nil)
	}
	path, query := r.URL, r.Query
	r.URL, r.Op = c.config.BaseURL+path, path
	reply, err := with(ctx, c.tokens, func(token string) (provider.Reply, error) {
		r.Query = url.Values{"access_token": {token}}
		maps.Copy(r.Query, query)
		return c.api.Call(ctx, r)
	})
	c.noted(reply, err)
	return reply, namePermission(err, path)
}

// noted remembers what an answer says about the clock and about a ban.
func (c *Client) noted(r provider.Reply, err error) {
	c.skew.Note(r)
	if api, ok := errors.AsType[*APIError](err); ok && api.Code == firewallCode && attendance.CodeOf(err) == attendance.CodeThrottled {
		c.bannedUntil.Store(c.clock().Add(firewallPause).UnixNano())
	}
}

// metered is call for the calls that count against the company's quota: those of
// slices.
func (c *Client) metered(ctx context.Context, r provider.Request) (provider.Reply, error) {
	r.Budget = c.budget
	return c.ask(ctx, provider.WithToken, r)
}

// probe is metered for a check.
func (c *Client) probe(ctx context.Context, r provider.Request) (provider.Reply, error) {
	r.Budget = c.budget
	return c.ask(ctx, provider.WithTokenTwice, r)
}

// left is the rest of the budget.
func (c *Client) left(ctx context.Context) (calls int, limited bool, err error) {
	if c.budget == nil {
		return 0, false, nil
	}
	return c.budget.Left(ctx)
}

// namePermission names the permission point that DingTalk documents for a path
// where the answer itself names none.
func namePermission(err error, path string) error {
	e, ok := errors.AsType[*attendance.Error](err)
	if !ok || e.Code != attendance.CodePermission {
		return err
	}
	api, ok := errors.AsType[*APIError](err)
	if !ok || len(api.Permissions) > 0 {
		return err
	}
	point := permissionOf(path)
	if point == "" {
		return err
	}
	named, more := *e, *api
	more.Permissions = []string{point}
	lackOf(&named, &more)
	if api.Message != "" {
		named.Detail += ": " + api.Message
	}
	named.Err = &more
	return &named
}

// permissionOf is the permission point that the docs name for a call.
func permissionOf(path string) string {
	switch path {
	case pathListRecord:
		return "qyapi_get_attendance_data"
	case pathCheckInsOfDepartment:
		return "qyapi_checkin_read"
	case pathCheckInsOfUsers, pathScopes:
		return "qyapi_base"
	case pathDepartments, pathDepartmentIDs:
		return "qyapi_get_department_list"
	case pathUsers:
		return "qyapi_get_department_member"
	case pathUserIDs, pathUser:
		return "qyapi_get_member"
	}
	return ""
}
