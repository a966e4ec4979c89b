package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

const acmeSecret = "acme-app-secret"

// acme is a small platform: POST /token, POST /records with the token in the
// query, pages of 1000 rows.
type acme struct {
	mu       sync.Mutex
	limits   attendance.Limits
	punches  []attendance.Punch
	token    int  // number of the token that is valid
	rejects  bool // every token
	requests int
	tokens   int
	fault    Fault
	twist    string // what the provider does wrong
}

func newAcme(limits attendance.Limits, twist string) func(testing.TB) Upstream {
	return func(testing.TB) Upstream { return &acme{limits: limits, twist: twist, token: 1} }
}

func (a *acme) Accounts(testing.TB) []string {
	n := max(a.limits.Accounts+1, 3)
	accounts := make([]string, n)
	for i := range accounts {
		accounts[i] = "staff" + strconv.Itoa(i)
	}
	return accounts
}

func (a *acme) Put(_ testing.TB, punches ...attendance.Punch) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.punches = append(a.punches, punches...)
}

func (a *acme) Requests(testing.TB) int { a.mu.Lock(); defer a.mu.Unlock(); return a.requests }

func (a *acme) TokenRequests(testing.TB) int { a.mu.Lock(); defer a.mu.Unlock(); return a.tokens }

func (a *acme) Secrets() []string { return []string{acmeSecret, "acme-token-1", "acme-token-2"} }

func (a *acme) Fail(_ testing.TB, f Fault) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch f.Kind {
	case TokenExpired:
		a.token++
	case TokenRejected:
		a.rejects = true
	default:
		a.fault = f
	}
	return true
}

// hit reports whether the fault strikes now.
func (a *acme) hit(kinds ...FaultKind) bool {
	if !slices.Contains(kinds, a.fault.Kind) {
		return false
	}
	if a.fault.Times > 0 {
		if a.fault.Times--; a.fault.Times == 0 {
			defer func() { a.fault = Fault{} }()
		}
	}
	return true
}

func (a *acme) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	kind := a.fault.Kind
	if r.URL.Path == "/records" && a.hit(Slow) {
		a.requests++
		a.mu.Unlock()
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	defer a.mu.Unlock()
	if r.URL.Path == "/token" {
		a.tokens++
		if a.hit(BadSecret) {
			return say(200, map[string]any{"code": 401, "message": "secret " + acmeSecret + " is wrong"}), nil
		}
		return say(200, map[string]any{"code": 0, "token": fmt.Sprintf("acme-token-%d", a.token), "expires_in": 7200}), nil
	}
	a.requests++
	if a.hit(Throttled, Busy, Forbidden, Garbage, HalfBody, Reset) {
		switch kind {
		case Throttled:
			return say(200, map[string]any{"code": 429, "message": "slow down"}), nil
		case Busy:
			return say(503, map[string]any{"code": -1}), nil
		case Forbidden:
			return say(403, map[string]any{"code": 403, "message": "permission records.read is missing for " + r.URL.Query().Get("token")}), nil
		case Garbage:
			resp := say(200, nil)
			resp.Header.Set("Content-Type", "text/html")
			resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader("<html><title>Sign in</title></html>")), -1
			return resp, nil
		case Reset:
			return nil, syscall.ECONNRESET
		}
	}
	if a.rejects || r.URL.Query().Get("token") != fmt.Sprintf("acme-token-%d", a.token) {
		return say(200, map[string]any{"code": 40014, "message": "bad token " + r.URL.Query().Get("token")}), nil
	}
	var ask struct {
		Users            []string
		From, To, Offset int64
	}
	if err := json.Unmarshal(body, &ask); err != nil {
		return say(400, map[string]any{"code": 400}), nil
	}
	if kind == BadAccount && slices.Contains(ask.Users, a.fault.Account) {
		return say(200, map[string]any{"code": 33012, "message": "no such user: " + a.fault.Account}), nil
	}
	users := make(map[string]bool, len(ask.Users))
	for _, u := range ask.Users {
		users[u] = true
	}
	var rows []attendance.Punch
	for _, p := range a.punches {
		if users[p.Account] && p.Time.Unix() >= ask.From && p.Time.Unix() <= ask.To { // inclusive, as platforms are
			rows = append(rows, p)
		}
	}
	rows = rows[min(len(rows), int(ask.Offset)):]
	more := len(rows) > 1000
	resp := say(200, map[string]any{"code": 0, "rows": rows[:min(len(rows), 1000)], "more": more})
	if kind == HalfBody {
		all, _ := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(all[:len(all)/2]))
	}
	return resp, nil
}

func say(status int, v any) *http.Response {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b))}
}

func (a *acme) Provider(testing.TB) attendance.Provider {
	p := &acmeProvider{upstream: a, client: &provider.Client{Name: "acme", HTTP: &http.Client{Transport: a}, Classify: acmeClassify, Secrets: []string{acmeSecret}}}
	p.tokens = provider.NewTokens(p.fetchToken, nil)
	if a.twist == "" {
		return p
	}
	return &twisted{acmeProvider: p, twist: a.twist}
}

// acmeProvider is what a provider built with the toolkit looks like.
type acmeProvider struct {
	upstream *acme
	client   *provider.Client
	tokens   *provider.Tokens
}

func (p *acmeProvider) Name() string              { return "acme" }
func (p *acmeProvider) Limits() attendance.Limits { return p.upstream.limits }

func (p *acmeProvider) fetchToken(ctx context.Context) (provider.Token, error) {
	reply, err := p.client.Call(ctx, provider.Request{URL: "https://acme.example/token", Body: map[string]string{"secret": acmeSecret}})
	if err != nil {
		return provider.Token{}, err
	}
	token := provider.Token{}
	for key, value := range provider.Object(reply.Body) {
		switch string(key) {
		case "token":
			token.Value = provider.Text(value)
		case "expires_in":
			seconds, _ := provider.Int(value)
			token.Expires = reply.SentAt.Add(time.Duration(seconds) * time.Second)
		}
	}
	return token, nil
}

func (p *acmeProvider) Fetch(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
	var answer attendance.Answer
	for offset, more := 0, true; more; {
		body := map[string]any{"users": q.Accounts, "from": q.Span.From.Unix(), "to": q.Span.To.Unix(), "offset": offset}
		reply, err := provider.WithToken(ctx, p.tokens, func(token string) (provider.Reply, error) {
			return p.client.Call(ctx, provider.Request{URL: "https://acme.example/records", Query: url.Values{"token": {token}}, Body: body})
		})
		answer.Calls += reply.Sent
		if answer.ReadAt.IsZero() {
			answer.ReadAt = reply.SentAt
		}
		if err != nil {
			return attendance.Answer{Calls: answer.Calls}, err
		}
		more = false
		for key, value := range provider.Object(reply.Body) {
			switch string(key) {
			case "more":
				more, _ = provider.Bool(value)
			case "rows":
				for row := range provider.Array(value) {
					offset++
					var punch attendance.Punch
					if err := json.Unmarshal(row, &punch); err != nil {
						return attendance.Answer{Calls: answer.Calls}, err
					}
					if q.Span.Contains(punch.Time) {
						answer.Punches = append(answer.Punches, punch)
					}
				}
			}
		}
	}
	return answer, nil
}

func acmeClassify(r provider.Reply) error {
	if err := provider.NotJSON(r); err != nil {
		return err
	}
	e := &attendance.Error{Code: attendance.CodeUnknown}
	found := false
	for key, value := range provider.Object(r.Body) {
		switch string(key) {
		case "code":
			found = true
			switch code, _ := provider.Int(value); code {
			case 0:
				return nil
			case -1:
				e.Code = attendance.CodeUnavailable
			case 401:
				e.Code = attendance.CodeCredentials
			case 403:
				e.Code = attendance.CodePermission
			case 429:
				e.Code = attendance.CodeThrottled
			case 33012:
				e.Code = attendance.CodeAccount
			case 40014:
				e.Code, e.Err = attendance.CodeCredentials, provider.ErrToken
			}
		case "message":
			e.Detail = provider.Text(value)
		}
	}
	if !found {
		e.Code = attendance.CodeMalformed
	}
	if e.Detail == "" {
		e.Detail = "no words"
	}
	return e
}

var errTwist = errors.New("something is wrong")
