package wecomtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// tokenLifetime is documented.
const tokenLifetime = 7200 * time.Second

// application is whose token it is. Each secret is an application of its own.
type application uint8

const (
	checkIns application = iota + 1 // of Options.Secret
	contacts                        // of Options.ContactSecret
)

func (a application) String() string { return [...]string{"", "checkin", "contact"}[a] }

type token struct {
	owner   application
	expires time.Time // zero: it was made invalid
}

// issue returns a token of the application. A repeated call gives the one that
// is valid, with the rest of its life, unless a fresh one is wanted.
func (g *gate) issue(owner application, now time.Time, opts *Options) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	value := g.current[owner]
	if !opts.NewTokenEachTime && !opts.NewTokenEndsOlder && now.Before(g.tokens[value].expires) {
		return value
	}
	if opts.NewTokenEndsOlder {
		g.end(owner)
	}
	g.issued++
	value = fmt.Sprintf("fake-token-%s-%04d-5e8d20c3f1a79b46", owner, g.issued)
	t := token{owner: owner}
	if g.rejects == 0 {
		t.expires = now.Add(tokenLifetime)
	} else {
		g.rejects = max(-1, g.rejects-1)
	}
	g.current[owner], g.tokens[value] = value, t
	return value
}

// end makes the tokens of some applications invalid.
func (g *gate) end(owners ...application) {
	for value, t := range g.tokens {
		if slices.Contains(owners, t.owner) {
			t.expires = time.Time{}
			g.tokens[value] = t
		}
	}
}

// owner says whose token it is; 0 with wasGood for one that is valid no more.
func (g *gate) owner(value string, now time.Time) (owner application, wasGood bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t, wasGood := g.tokens[value]
	if !now.Before(t.expires) {
		return 0, wasGood
	}
	return t.owner, wasGood
}

// ExpireTokens makes every token given so far invalid.
func (s *Server) ExpireTokens() {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.gate.end(checkIns, contacts)
}

// RejectTokens makes the next n tokens that gettoken gives invalid from the start, and
// every token given so far with them. Negative n is every token, until RejectTokens is
// called again; 0 is none.
func (s *Server) RejectTokens(n int) {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.gate.rejects = max(-1, n)
	if n != 0 {
		s.gate.end(checkIns, contacts)
	}
}

// token is GET /cgi-bin/gettoken.
//
// expires_in is always 7200, also for a token that is older: sources name no
// other value, and a program has to survive a token that ends early anyway.
func (s *Server) token(c *fake.Call, _ application) fake.Answer {
	var owner application
	switch corp, secret := c.Query.Get("corpid"), c.Query.Get("corpsecret"); {
	case corp == "":
		return s.refuseSecret(c, codeNoCorpID)
	case secret == "":
		return s.refuseSecret(c, codeNoSecret)
	case corp != s.opts.CorpID:
		return s.refuseSecret(c, codeBadCorpID)
	case secret == s.opts.Secret:
		owner = checkIns
	case secret == s.opts.ContactSecret:
		owner = contacts
	default:
		return s.refuseSecret(c, codeBadSecret)
	}
	buffer, b := s.begin()
	b = fake.AppendString(append(b, `,"access_token":`...), s.gate.issue(owner, c.Now, &s.opts))
	return s.success(buffer, append(b, `,"expires_in":7200}`...))
}

// refuseSecret is a failing gettoken call, of which the platform takes only so
// many from one address.
func (s *Server) refuseSecret(c *fake.Call, code int) fake.Answer {
	if s.opts.PerMinute > 0 && s.gate.strike(&s.gate.badSecrets, maxBadSecrets, c.Now) {
		code = codeTooMany
	}
	return s.refuse(c, code)
}

// caller says whose token the call has. The token is looked for in the query
// only. A code other than 0 is the refusal.
func (s *Server) caller(c *fake.Call) (application, int) {
	value := c.Query.Get("access_token")
	if value == "" {
		return 0, codeNoToken
	}
	owner, wasGood := s.gate.owner(value, c.Now)
	switch {
	case owner != 0:
		return owner, 0
	case s.opts.PerMinute > 0 && s.gate.strike(&s.gate.badTokens, maxBadTokens, c.Now):
		return 0, codeTooMany
	case wasGood && s.opts.ExpiredAs42001:
		return 0, codeTokenExpired
	default:
		return 0, codeBadToken
	}
}
