package wecom

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/time/rate"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

const defaultBaseURL = "https://qyapi.weixin.qq.com"

const (
	// perMinute is how many check-in calls a minute WeCom allows a company, all its
	// applications and programs together (page of getcheckindata).
	perMinute = 600
	// callsPerSecond is half of that.
	callsPerSecond = 5
)

// Config says which application of which company is used, and how. CorpID and
// Secret are needed, or Tokens; everything else may be left out.
type Config struct {
	// CorpID is the company's id (企业 ID).
	CorpID string
	// Secret is that of the application that may read check-ins.
	Secret string
	// ContactSecret is that of 通讯录同步. With it the directory is that of the whole
	// company, else what the application may see.
	ContactSecret string
	// AgentID is the application's own (AgentId). By it agent/get is asked, once for a
	// reading of the directory with the application's secret, who stands in the visible
	// range singly or by a tag. Empty means that those people are not listed.
	AgentID string
	// App is the kind of the application; zero is SelfBuilt.
	App App
	// Days is how many whole days one call asks for at most, a day of padding at
	// either end included: 3 to 31. 0 means 28. What WeCom refuses as too long
	// (301024) is halved, and asked for in halves for the next hour.
	Days int
	// BaseURL stands for https://qyapi.weixin.qq.com, the default. /cgi-bin and
	// what follows is added.
	BaseURL string

	// HTTP sends the requests. Nil means a client of this Client's own with a
	// time-out of 30 s, which uses the proxy of the environment; one of
	// [provider.HTTPClient] may be shared by several Clients.
	HTTP *http.Client
	// Limiter is waited for before every request, tokens included. Nil means 5
	// requests a second with a burst of 5: half of what WeCom allows a company for
	// check-ins, whose other programs need some as well.
	Limiter provider.Limiter
	// PerMinute is how many check-in calls a minute are made at most, whatever
	// Limiter lets through. 0 means 600, which is what WeCom allows. Less than 0
	// means no bound, for private deployments and tests.
	PerMinute int
	// Tokens and ContactTokens hand out access tokens in place of Secret and
	// ContactSecret, for hosts that keep them elsewhere and for applications of
	// service providers. Nil means tokens are fetched with the secrets and kept in
	// this Client; a wrong secret is then tried once in ten minutes.
	Tokens, ContactTokens provider.TokenSource
	// Now is the current time; it serves [Client.Check] alone. Nil means time.Now.
	Now func() time.Time
	// Logger is told of retries. Nil is silent.
	Logger *slog.Logger
}

// String names the application, without its secrets.
func (c Config) String() string {
	name := "WeCom application of " + c.CorpID
	if c.AgentID != "" {
		name = "WeCom application " + c.AgentID + " of " + c.CorpID
	}
	return name
}

// GoString is String: %#v shows no secret either.
func (c Config) GoString() string { return c.String() }

// LogValue implements [slog.LogValuer], without the secrets.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// A Client calls one application of one company. It is safe for concurrent use.
// Its CheckIns and Directory share its tokens and its rate limit.
type Client struct {
	config Config
	days   int // whole days a call, padding included

	http    *http.Client     // of all calls
	api     *provider.Client // every call but that for check-ins
	records *provider.Client // check-ins
	app     *access
	contact *access // nil without 通讯录同步

	now, clock func() time.Time

	over  overLimit
	skew  provider.ClockSkew
	sight sight
	spans refusedSpan
}

// New returns a Client. It calls no network. The error names what is missing in
// the configuration.
func New(cfg Config) (*Client, error) {
	if cfg.Tokens == nil && (cfg.CorpID == "" || cfg.Secret == "") {
		return nil, errors.New("wecom: CorpID and Secret are both needed")
	}
	if cfg.ContactSecret != "" && cfg.CorpID == "" {
		return nil, errors.New("wecom: ContactSecret needs CorpID")
	}
	days, err := cfg.daysPerCall()
	if err != nil {
		return nil, err
	}
	if cfg.BaseURL, err = provider.BaseURL("wecom: BaseURL", cfg.BaseURL, defaultBaseURL); err != nil {
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
	c := &Client{config: cfg, days: days, http: provider.HTTPClient(cfg.HTTP), now: cfg.Now, clock: real}
	c.over.clock, c.spans.clock, c.sight.clock = c.clock, c.clock, c.clock
	c.api, c.records = c.caller(classify), c.caller(classifyRecords)
	if pace := pace(cfg.PerMinute); pace != nil {
		c.records.Limiter = provider.Limiters{pace, cfg.Limiter}
	}
	c.app = c.access(attendance.Text{EN: "the check-in application", ZH: "打卡应用"}, attendance.Text{EN: "Secret", ZH: "应用 Secret（secret）"}, cfg.App, cfg.Tokens, cfg.Secret)
	c.contact = c.access(attendance.Text{EN: "contact sync", ZH: "通讯录同步"}, attendance.Text{EN: "ContactSecret", ZH: "通讯录同步 Secret（contact_secret）"}, SelfBuilt, cfg.ContactTokens, cfg.ContactSecret)
	return c, nil
}

// String names the application, without its secrets.
func (c *Client) String() string { return c.config.String() }

// GoString is String: %#v shows no secret either.
func (c *Client) GoString() string { return c.String() }

// LogValue implements [slog.LogValuer], without the secrets.
func (c *Client) LogValue() slog.Value { return c.config.LogValue() }

// CloseIdleConnections closes the connections that wait for the next call, for
// hosts that count goroutines when they are done. Others need not call it: idle
// connections close by themselves within half a minute.
func (c *Client) CloseIdleConnections() {
	c.api.CloseIdleConnections()
	c.records.CloseIdleConnections()
}

// pace lets at most so many requests through in any minute: a burst of a twelfth,
// and the rest evenly. Nil for no bound.
func pace(perMinuteAtMost int) *rate.Limiter {
	switch {
	case perMinuteAtMost < 0:
		return nil
	case perMinuteAtMost == 0:
		perMinuteAtMost = perMinute
	}
	burst := max(1, perMinuteAtMost/12)
	return rate.NewLimiter(rate.Limit(float64(max(1, perMinuteAtMost-burst))/60), burst)
}

func (c *Client) caller(classify func(provider.Reply) error) *provider.Client {
	return &provider.Client{
		Name:     "wecom",
		HTTP:     c.http,
		Limiter:  c.config.Limiter,
		Classify: classify,
		Secrets:  []string{c.config.Secret, c.config.ContactSecret},
		Now:      c.clock,
		Logger:   c.config.Logger,
	}
}

// call makes one call to a path with a token of one application. Sent is filled
// beside an error too. An error that is about the application names it.
func (c *Client) call(ctx context.Context, with *provider.Client, a *access, r provider.Request) (provider.Reply, error) {
	reply, err := c.persist(ctx, with, a, r)
	return reply, a.named(err)
}

// persist waits where a minute's limit was passed.
func (c *Client) persist(ctx context.Context, with *provider.Client, a *access, r provider.Request) (provider.Reply, error) {
	path, query := r.URL, r.Query
	r.URL, r.Op = c.config.BaseURL+path, path
	withToken := provider.WithTokenTwice
	if with == c.records { // a slice's
		withToken = provider.WithToken
	}
	var sum provider.Reply
	for {
		if err := c.over.wait(ctx); err != nil {
			return sum, err
		}
		began := c.clock()
		reply, err := withToken(ctx, a.tokens, func(token string) (provider.Reply, error) {
			r.Query = url.Values{"access_token": {token}}
			maps.Copy(r.Query, query)
			return with.Call(ctx, r)
		})
		c.skew.Note(reply)
		reply.Sent += sum.Sent
		sum = reply
		switch {
		case err == nil:
			c.over.passed(began)
			return sum, nil
		case apiCode(err) != codeOverLimit, isOfToken(err): // that of gettoken is final
			return sum, err
		case !c.over.struck(began, err):
			return sum, tooMany(hourBlock, err)
		}
	}
}

// get makes one call without a body.
func (c *Client) get(ctx context.Context, a *access, path string, query url.Values) (provider.Reply, error) {
	return c.call(ctx, c.api, a, provider.Request{URL: path, Query: query})
}
