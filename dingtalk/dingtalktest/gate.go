package dingtalktest

import (
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// A Request is one request that the fake received, for assertions. Its Query is
// without access_token and appsecret. Its Code is "0" for success, an errcode
// ("40032"; for wrapped errors the sub_code) or a code of api.dingtalk.com, and
// empty for answers that have none.
type Request = fake.Request

// gate holds what lies before the business of a call: the month's counter,
// tokens, limits and permissions.
type gate struct {
	mu sync.Mutex

	meteredMonth int
	meteredCalls int

	tokens   [2]token // by tokenKind
	issued   int
	rejects  int // so many of the next tokens are not valid; negative: none is
	requests int // for request_id

	paths   map[string]*fake.Rate
	address addressRate

	deniedPoints map[string]bool
}

func (g *gate) init() {
	g.paths = map[string]*fake.Rate{}
	g.deniedPoints = map[string]bool{}
}

// Requests returns how many requests came for path, whatever became of them;
// for "" all requests.
func (s *Server) Requests(path string) int { return s.desk.Log.Requests(path) }

// Metered returns how many calls of the current month (of the fake's clock, in
// Beijing) count against the monthly quota: attendance and field check-ins.
// Contacts and tokens are exempt. By the documentation, calls that fail by
// throttling or by the network do not count, so throttled calls, calls that the
// firewall or a proxy answered and reset ones do not; nor do calls refused because
// the quota is used up. About other failed calls it says nothing: the fake counts
// them, also those with a bad token.
func (s *Server) Metered() int {
	month := s.month(s.opts.Now())
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if s.gate.meteredMonth != month {
		return 0
	}
	return s.gate.meteredCalls
}

// Log returns the latest requests ([Options.LogSize]), oldest first, in the
// order in which they were answered. The slice is the caller's.
func (s *Server) Log() []Request { return s.desk.Log.Latest() }

// ResetCounters sets Requests, Metered and Log to nothing. Tokens, rate limits
// and data stay.
func (s *Server) ResetCounters() {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.gate.meteredCalls = 0
	s.desk.Log.Reset()
}

func (g *gate) thisMonth(month int) {
	if g.meteredMonth != month {
		g.meteredMonth, g.meteredCalls = month, 0
	}
}

func (g *gate) meter(month int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.thisMonth(month)
	g.meteredCalls++
}

// takeQuota counts one call, unless quota (0: none) calls were counted already.
func (g *gate) takeQuota(month, quota int) (used int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.thisMonth(month)
	if quota > 0 && g.meteredCalls >= quota {
		return g.meteredCalls, false
	}
	g.meteredCalls++
	return g.meteredCalls, true
}

// admitPath takes one call of the path; where it is one too many within a
// second, it says when the penalty ends. The platform writes that instant in
// whole seconds, so it is one.
func (g *gate) admitPath(path string, now time.Time, qps int) (end time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.paths[path]
	if r == nil {
		r = &fake.Rate{}
		g.paths[path] = r
	}
	return r.Admit(now, qps, time.Second, func(now time.Time) time.Time { return now.Truncate(time.Second).Add(time.Second) })
}

// addressRate is the firewall's limit of one egress address over all paths:
// 10000 requests in 20 seconds, else 5 minutes of firewall pages.
type addressRate struct {
	since, end time.Time
	calls      int
}

func (g *gate) admitAddress(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := &g.address
	if now.Before(a.end) {
		return false
	}
	if now.Sub(a.since) >= 20*time.Second {
		a.since, a.calls = now, 0
	}
	if a.calls++; a.calls > 10000 {
		*a = addressRate{end: now.Add(5 * time.Minute)}
		return false
	}
	return true
}

// Deny takes a permission point from the application, for example
// [PermissionAttendance]: calls that need it fail with 60011 until [Server.Grant].
// Everything is granted at first.
func (s *Server) Deny(permission string) {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.gate.deniedPoints[permission] = true
}

// Grant gives a permission point back.
func (s *Server) Grant(permission string) {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	delete(s.gate.deniedPoints, permission)
}

func (g *gate) denied(permission string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.deniedPoints[permission]
}
