package wecomtest

import (
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// Limits, by the documentation and WeCom's staff.
const (
	// perMinuteOther is how often a company may make any other call.
	perMinuteOther = 10000
	// perMinuteDebug is how often it may make calls with debug=1.
	perMinuteDebug = 5
	// maxBadSecrets is how many failing gettoken calls an address may make within
	// an hour, before it is banned for an hour.
	maxBadSecrets = 2000
	// maxBadTokens is the same for calls with a token that is not valid.
	maxBadTokens = 1000
)

// A Request is one request that the fake received, for assertions. Its Query is
// without access_token and corpsecret. Its Code is the errcode, "0" for success,
// and empty for answers that have none.
type Request = fake.Request

// gate holds what lies before the business of a call: tokens, limits and the
// permission.
type gate struct {
	mu    sync.Mutex
	hints int

	tokens  map[string]token // every one that was given
	current [3]string        // by application
	issued  int
	rejects int // so many of the next tokens are not valid; negative: none is

	rates                 map[string]*fake.Rate // by path, and one for debug=1
	badSecrets, badTokens fake.Rate
	bannedUntil           time.Time // the caller's address

	withdrawn bool // the check-in permission
}

func (g *gate) init() {
	g.tokens = map[string]token{}
	g.rates = map[string]*fake.Rate{}
}

func (g *gate) hint() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hints++
	return g.hints
}

func (s *Server) perMinute(path string) int {
	if path == PathCheckIn {
		return s.opts.PerMinute
	}
	return perMinuteOther
}

// admit takes one call of the path. One too many within a minute blocks the path
// for 60 seconds from then; calls during the block do not prolong it.
func (g *gate) admit(c *fake.Call, limit int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.Query.Get("debug") == "1" && !g.take("debug=1", perMinuteDebug, c.Now) {
		return false
	}
	return g.take(c.Path, limit, c.Now)
}

func (g *gate) take(key string, limit int, now time.Time) bool {
	r := g.rates[key]
	if r == nil {
		r = &fake.Rate{}
		g.rates[key] = r
	}
	_, ok := r.Admit(now, limit, time.Minute, func(now time.Time) time.Time { return now.Add(time.Minute) })
	return ok
}

// strike counts one failing call against the address and reports whether the
// address is banned by it.
func (g *gate) strike(r *fake.Rate, limit int, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	end, ok := r.Admit(now, limit, time.Hour, func(now time.Time) time.Time { return now.Add(time.Hour) })
	if !ok {
		g.bannedUntil = end
	}
	return !ok
}

func (g *gate) isBanned(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return now.Before(g.bannedUntil)
}

// AllowCheckIn says whether the application is listed under 打卡 →
// 可调用接口的应用. It is at first; while it is not, every check-in call fails with
// 48002, or with 60011 by [Options.ForbiddenAs60011].
func (s *Server) AllowCheckIn(allowed bool) {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.gate.withdrawn = !allowed
}

func (g *gate) mayReadCheckIns() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.withdrawn
}

// Requests returns how many requests came for path, whatever became of them;
// for "" all requests.
func (s *Server) Requests(path string) int { return s.desk.Log.Requests(path) }

// Log returns the latest requests ([Options.LogSize]), oldest first, in the
// order in which they were answered. The slice is the caller's.
func (s *Server) Log() []Request { return s.desk.Log.Latest() }

// ResetCounters sets Requests and Log to nothing. Tokens, limits and data stay.
func (s *Server) ResetCounters() { s.desk.Log.Reset() }
