package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/punchbridge/punchbridge/attendance"
)

const (
	// defaultMaxBody bounds an answer; the largest ones of the platforms are a few MiB.
	defaultMaxBody = 64 << 20
	// defaultTimeout bounds one request, the reading of its body included.
	defaultTimeout = 30 * time.Second
	// longestWait is the longest pause before a retry. A platform that asks for
	// more is taken at its word by giving up: the caller sees RetryAfter.
	longestWait = 5 * time.Minute
)

// A Client makes JSON calls over HTTP. The zero value with a Name works. The
// fields must not be changed, and the Client not be copied, after the first
// Call; then it is safe for concurrent use.
type Client struct {
	// Name of the platform, for errors and logs: "dingtalk".
	Name string
	// HTTP makes the requests, by way of [HTTPClient]. Nil means a client of its own,
	// with a transport of its own, which uses the proxy of the environment. A proxy that
	// refuses the name and password, or forbids the way, is an error of
	// [attendance.CodeProxy], which is not tried again. A Client's Timeout of zero means 30 s here, so that no call can hang for ever, and a nil CheckRedirect
	// means that no redirect is followed: platforms' interfaces do not redirect,
	// and a login page or another host must not be shown the token.
	HTTP *http.Client
	// Limiter spaces the requests out, retries included. Nil: none.
	Limiter Limiter
	// Backoff returns a fresh policy of waiting for one call; a negative duration
	// (backoff.Stop) ends the retries. Nil means 1 s, 2 s and 4 s, each up to half
	// as much again by chance, then stop.
	Backoff func() backoff.BackOff
	// MaxBody is the size of an answer in bytes (after decompression) beyond which
	// it is [attendance.CodeMalformed]; 0 means 64 MiB.
	MaxBody int64
	// Classify is the platform's reading of an answer: nil for success, else an
	// [attendance.Error] with Code and, where the platform said so, RetryAfter. Op
	// may stay empty. Redirects do not come here. It has to be a pure function: it
	// is called again with secrets blanked when an error answer repeats one.
	//
	// Whatever it returns, an answer of status 5xx is never a success, and a
	// malformed or unknown one of status 5xx or 429 counts as unavailable or
	// throttled: proxies answer with pages of their own.
	//
	// Nil means that any JSON with a status of 2xx is a success.
	Classify func(Reply) error
	// Secrets are blanked in every error and log line, beside what Request names.
	Secrets []string
	// Now is the current time; nil means time.Now. Deadlines of contexts follow
	// the real clock whatever it says.
	Now func() time.Time
	// Logger is told of every request at level debug and of every retry at level
	// warn, without queries, headers and bodies. Nil is silent.
	Logger *slog.Logger

	once   sync.Once
	http   *http.Client
	way    *passage // the transport of http
	now    func() time.Time
	logger *slog.Logger
}

// A Request is one call.
type Request struct {
	// Method is POST where there is a Body and GET where there is none, unless given.
	Method string
	// URL is the address without query.
	URL string
	// Query is appended to it. Its values may be secret; none is ever printed.
	Query url.Values
	// Header is sent beside Accept and Content-Type. Its values may be secret;
	// none is ever printed.
	Header http.Header
	// Body is sent as JSON, with <, > and & as they are; nil means none.
	Body any
	// Op names the call in errors and logs; empty means the path of URL.
	Op string
	// Budget is booked for every request that is sent. Nil: not counted.
	Budget Budget
	// Secrets are values inside Body that must not be printed even when the
	// platform repeats them in an error.
	Secrets []string
	// Confidential says that the answer is itself a secret, such as a token: nothing
	// of it is ever quoted but its length and kind, and its Reply says so to Classify.
	Confidential bool
}

// A Reply is the answer to a call.
type Reply struct {
	Status int
	Header http.Header
	// Body is the whole body. It belongs to the caller.
	Body []byte
	// Sent is the number of requests that were sent for the call, retries
	// included; those that did not get as far as a connection are not counted.
	Sent int
	// SentAt is when the first of them was sent, ReceivedAt when the body of the
	// last was complete.
	SentAt, ReceivedAt time.Time
	// Confidential is that of the Request: Classify must not quote the Body, nor a
	// text in it. What [NotJSON] says of it does not.
	Confidential bool
}

// Call sends a request and returns the answer that Classify accepts. Reply.Sent
// and SentAt are filled beside an error too.
//
// Trouble that may pass is retried: throttling, a busy platform, status 5xx, and
// anything that goes wrong on the network, half a body included. An answer of status 2xx
// that cannot be read is asked for once more: it may have been spoilt on the way. That is safe
// although the platform may have seen the request, because every call of a
// provider only reads. The wait is the longer of the policy's and the one that
// the platform asked for; a call that cannot wait that long, because its
// context's deadline comes first or because it is more than five minutes,
// returns the trouble at once. Any other error is returned at once.
//
// Errors are [attendance.Error]s with an Op and without secrets; the context's
// own error is returned bare.
func (c *Client) Call(ctx context.Context, r Request) (Reply, error) {
	c.once.Do(c.init)
	call, err := c.prepare(r)
	if err != nil {
		return Reply{}, err
	}
	policy := c.policy()
	var reply Reply
	for unread := 0; ; {
		err := c.send(ctx, call, &reply)
		if err == nil {
			return reply, nil
		}
		if ended := contextError(ctx); ended != nil {
			return reply, ended
		}
		trouble, ok := err.(*attendance.Error) //nolint:errorlint // send returns it bare
		if ok && trouble.Code == attendance.CodeMalformed && reply.Status/100 == 2 && !errors.Is(err, errTooLarge) {
			unread++
		}
		if again := ok && (trouble.Code.Temporary() || unread == 1); !again {
			return reply, err
		}
		if err := c.pause(ctx, call, policy, trouble, reply.Sent); err != nil {
			return reply, err
		}
	}
}

func (c *Client) init() {
	c.now = clock(c.Now)
	c.logger = c.Logger
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	own := *HTTPClient(c.HTTP) // a copy, so that the host's client stays as it is
	c.way = own.Transport.(*passage)
	if own.Timeout == 0 {
		own.Timeout = defaultTimeout
	}
	if own.CheckRedirect == nil {
		own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	c.http = &own
}

// CloseIdleConnections closes the connections that wait for the next call. Hosts
// that count goroutines call it when they are done; others need not.
func (c *Client) CloseIdleConnections() {
	c.once.Do(c.init)
	c.http.CloseIdleConnections()
}

func (c *Client) policy() backoff.BackOff {
	if c.Backoff != nil {
		return c.Backoff()
	}
	// 1.25 s give or take a fifth is 1 to 1.5 s.
	return backoff.WithMaxRetries(backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(1250*time.Millisecond),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0.2),
		backoff.WithMaxElapsedTime(0),
	), 3)
}

// A call is a request made ready to be sent several times.
type call struct {
	Request
	op     string
	method string
	url    *url.URL
	body   []byte
	hidden redactor
}

func (c *Client) prepare(r Request) (*call, error) {
	p := &call{Request: r, op: c.Name, method: r.Method}
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		// The parser's error repeats the address, which may hold anything.
		return nil, &attendance.Error{Code: attendance.CodeRequest, Op: joinOp(c.Name, r.Op),
			Detail: "the address is not a URL like https://host/path; check the configured base URL"}
	}
	p.op = joinOp(c.Name, r.Op)
	if r.Op == "" {
		p.op = joinOp(c.Name, u.Path)
	}
	query := u.Query()
	for key, values := range r.Query {
		query[key] = values
	}
	u.RawQuery = query.Encode()
	p.url = u
	if r.Body != nil {
		if p.body, err = marshal(r.Body); err != nil {
			return nil, &attendance.Error{Code: attendance.CodeRequest, Op: p.op, Detail: "the request cannot be written as JSON", Err: err}
		}
	}
	if p.method == "" {
		p.method = http.MethodGet
		if r.Body != nil {
			p.method = http.MethodPost
		}
	}
	p.hidden = newRedactor(u, query, r.Header, c.Secrets, r.Secrets)
	return p, nil
}

// marshal writes JSON without the escapes that are for web pages only: WeCom
// refuses bodies that hold any \u (errcode 40033).
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// BaseURL checks the base address of a platform's calls that a host has given,
// takes slashes off its end, and returns fallback where none is given. field names
// the setting in the error, which does not repeat the value.
func BaseURL(field, given, fallback string) (string, error) {
	if given == "" {
		return fallback, nil
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New(field + " is not a plain http or https URL such as " + fallback)
	}
	return strings.TrimRight(given, "/"), nil
}

func joinOp(name, op string) string {
	switch {
	case name == "":
		return op
	case op == "":
		return name
	default:
		return name + " " + op
	}
}

func (c *Client) request(ctx context.Context, p *call) (*http.Request, error) {
	var content io.Reader
	if p.body != nil {
		content = bytes.NewReader(p.body)
	}
	req, err := http.NewRequestWithContext(ctx, p.method, p.url.String(), content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if p.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for key, values := range p.Header {
		req.Header[http.CanonicalHeaderKey(key)] = values
	}
	return req, nil
}

// pause waits before a retry, or tells why there is none.
func (c *Client) pause(ctx context.Context, p *call, policy backoff.BackOff, trouble *attendance.Error, sent int) error {
	wait := policy.NextBackOff()
	if wait < 0 {
		return gaveUp(trouble, sent, "")
	}
	wait = max(wait, trouble.RetryAfter)
	if wait > longestWait {
		return gaveUp(trouble, sent, fmt.Sprintf("the platform asks to wait %v", wait.Round(time.Second)))
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait { //nolint:forbidigo // deadlines follow the real clock
		return gaveUp(trouble, sent, fmt.Sprintf("the next try would have to wait %v, past the deadline", wait.Round(time.Millisecond)))
	}
	c.logger.LogAttrs(ctx, slog.LevelWarn, "trying again", slog.String("call", p.op),
		slog.String("code", string(trouble.Code)), slog.String("error", trouble.Detail), slog.Duration("wait", wait))
	return Pause(ctx, wait)
}

// Pause waits for d, if it is more than nothing, or until ctx ends, whose error it
// then returns.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func gaveUp(trouble *attendance.Error, sent int, why string) error {
	if sent < 2 && why == "" {
		return trouble
	}
	last := *trouble
	if why == "" {
		why = fmt.Sprintf("after %d requests", sent)
	}
	last.Detail += "; gave up: " + why
	return &last
}

// contextError returns ctx's own error. A deadline that has passed counts even
// when the timer of ctx has not fired yet: a connection may notice it first.
func contextError(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= 0 { //nolint:forbidigo // deadlines follow the real clock
		return context.DeadlineExceeded
	}
	return nil
}
