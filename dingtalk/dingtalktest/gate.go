package dingtalktest

import (
	"net/url"
	"slices"
	"sync"
	"time"
)

// A Request is one request that the fake received, for assertions.
type Request struct {
	// Number counts all requests from 1, in the order of arrival.
	Number int
	Method string
	Path   string
	// Query is the query without access_token and appsecret.
	Query url.Values
	// Body is the request's body as it came.
	Body string
	// Time is when it came, on the fake's clock.
	Time time.Time
	// Status is the HTTP status of the answer; 0 when the connection was reset,
	// the caller gave up, or no answer was given.
	Status int
	// Code is the answer's error code: "0" for success, an errcode ("40032"; for
	// wrapped errors the sub_code) or a code of api.dingtalk.com. Empty for
	// answers that have none.
	Code string
}

// gate holds what lies before the business of a call: counters, tokens, limits,
// permissions and faults.
type gate struct {
	mu sync.Mutex

	total  int
	counts map[string]int
	kept   []Request

	meteredMonth int
	meteredCalls int

	tokens   [2]token // by tokenKind
	issued   int
	requests int // for request_id

	paths   map[string]*rate
	address addressRate

	deniedPoints map[string]bool
	faults       []Fault
}

func (g *gate) init() {
	g.counts = map[string]int{}
	g.paths = map[string]*rate{}
	g.deniedPoints = map[string]bool{}
}

func (g *gate) count(path string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total++
	g.counts[path]++
	return g.total
}

func (g *gate) log(size int, r Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	// Twice the size is kept at most, so that dropping the old ones is rare.
	if len(g.kept) >= 2*size {
		g.kept = slices.Delete(g.kept, 0, len(g.kept)-size+1)
	}
	g.kept = append(g.kept, r)
}

// Requests returns how many requests came for path, whatever became of them;
// for "" all requests.
func (s *Server) Requests(path string) int {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if path == "" {
		return s.gate.total
	}
	return s.gate.counts[path]
}

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
func (s *Server) Log() []Request {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	from := max(0, len(s.gate.kept)-max(0, s.opts.LogSize))
	return slices.Clone(s.gate.kept[from:])
}

// ResetCounters sets Requests, Metered and Log to nothing. Tokens, rate limits
// and data stay.
func (s *Server) ResetCounters() {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.gate.total, s.gate.kept, s.gate.meteredCalls = 0, nil, 0
	clear(s.gate.counts)
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

// rate is one path's limit: the instants of its latest calls, as a ring.
type rate struct {
	at   []time.Time
	next int
	end  time.Time // of the penalty
}

// admitPath takes one call of the path; where it is one too many within a
// second, it says when the penalty ends. The platform writes that instant in
// whole seconds, so it is one.
func (g *gate) admitPath(path string, now time.Time, qps int) (end time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.paths[path]
	if r == nil {
		r = &rate{at: make([]time.Time, qps)}
		g.paths[path] = r
	}
	if now.Before(r.end) {
		return r.end, false
	}
	if oldest := r.at[r.next]; !oldest.IsZero() && now.Sub(oldest) < time.Second {
		clear(r.at)
		r.end = now.Truncate(time.Second).Add(time.Second)
		return r.end, false
	}
	r.at[r.next] = now
	r.next = (r.next + 1) % len(r.at)
	return time.Time{}, true
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

func withoutSecrets(query url.Values) url.Values {
	query.Del("access_token")
	query.Del("appsecret")
	return query
}
