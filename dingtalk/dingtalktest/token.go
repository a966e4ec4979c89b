package dingtalktest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// tokenLifetime is documented for both token calls.
const tokenLifetime = 7200 * time.Second

type tokenKind int

const (
	tokenOld tokenKind = iota
	tokenNew
)

func (k tokenKind) String() string { return [...]string{"old", "new"}[k] }

type token struct {
	value   string
	expires time.Time
}

// issue returns the token of one of the two calls. A repeated call inside the
// lifetime gives the same token and extends it, unless a new one ends the older.
func (g *gate) issue(kind tokenKind, now time.Time, endsOlder bool) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if endsOlder {
		g.tokens = [2]token{}
	}
	t := &g.tokens[kind]
	if t.value == "" || !now.Before(t.expires) {
		g.issued++
		t.value = fmt.Sprintf("fake-token-%s-%04d-9c41d7e2b8", kind, g.issued)
	}
	t.expires = now.Add(tokenLifetime)
	if g.rejects != 0 {
		t.expires = time.Time{}
		g.rejects = max(-1, g.rejects-1)
	}
	return t.value
}

// valid reports whether value is a token of either call: one is as good as the
// other on both hosts.
func (g *gate) valid(value string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.tokens {
		if t.value == value && value != "" && now.Before(t.expires) {
			return true
		}
	}
	return false
}

func (g *gate) expireTokens() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokens = [2]token{}
}

// ExpireTokens makes every token given so far invalid.
func (s *Server) ExpireTokens() { s.gate.expireTokens() }

// RejectTokens makes the next n tokens that a token call gives invalid from the start,
// and every token given so far with them. Negative n is every token, until RejectTokens
// is called again; 0 is none.
func (s *Server) RejectTokens(n int) {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.gate.rejects = max(-1, n)
	if n != 0 {
		s.gate.tokens = [2]token{}
	}
}

func (s *Server) oldToken(c *fake.Call) fake.Answer {
	key, secret := c.Query.Get("appkey"), c.Query.Get("appsecret")
	switch {
	case key == "" || secret == "":
		return s.plain(40035, "缺少参数 corpid or appkey")
	case key != s.opts.AppKey || secret != s.opts.AppSecret:
		return s.plain(40096, "不合法的appKey或appSecret")
	}
	b := append([]byte(nil), `{"errcode":0,"errmsg":"ok","access_token":`...)
	b = fake.AppendString(b, s.gate.issue(tokenOld, c.Now, s.opts.NewTokenEndsOlder))
	b = append(b, `,"expires_in":7200}`...)
	return fake.JSON("0", b)
}

func (s *Server) newToken(c *fake.Call) fake.Answer {
	// What a body without the two answers is not documented; this is the code
	// for wrong ones.
	f, ok := readJSON(c)
	if !ok || f.Text("appKey") != s.opts.AppKey || f.Text("appSecret") != s.opts.AppSecret {
		return s.wrongSecret(c)
	}
	b := append([]byte(nil), `{"accessToken":`...)
	b = fake.AppendString(b, s.gate.issue(tokenNew, c.Now, s.opts.NewTokenEndsOlder))
	b = append(b, `,"expireIn":7200}`...)
	a := fake.JSON("0", b)
	a.Code = ""
	return a
}

func (s *Server) wrongSecret(c *fake.Call) fake.Answer {
	if c.Path == PathOldToken {
		return s.plain(40096, "不合法的appKey或appSecret")
	}
	return s.modern(http.StatusBadRequest, "invalidClientIdOrSecret", "无效的clientId或者clientSecret")
}

// checkToken looks for the token in the query: a token in the header is for
// api.dingtalk.com only.
func (s *Server) checkToken(c *fake.Call) (fake.Answer, bool) {
	switch value := c.Query.Get("access_token"); {
	case value == "":
		return s.refuse(c, problem{40000, "access_token is blank", true}), false
	case !s.gate.valid(value, c.Now):
		return s.refuse(c, problem{40014, "不合法的access_token", true}), false
	}
	return fake.Answer{}, true
}

// checkHeaderToken is checkToken for paths of api.dingtalk.com.
func (s *Server) checkHeaderToken(c *fake.Call) (fake.Answer, bool) {
	switch value := c.Header.Get("x-acs-dingtalk-access-token"); {
	case value == "":
		return s.modern(http.StatusBadRequest, "AuthenticationFailed.MissingParameter", "缺少参数x-acs-dingtalk-access-token"), false
	case !s.gate.valid(value, c.Now):
		return s.modern(http.StatusBadRequest, "InvalidAuthentication", "不合法的access_token"), false
	}
	return fake.Answer{}, true
}
