package wecomtest

import (
	"net/http"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// The calls that the fake answers. Any other path is HTTP 404.
const (
	PathToken       = "/cgi-bin/gettoken"
	PathCheckIn     = "/cgi-bin/checkin/getcheckindata"
	PathUserIDs     = "/cgi-bin/user/list_id"
	PathDepartments = "/cgi-bin/department/simplelist"
	PathUsersSimple = "/cgi-bin/user/simplelist"
	PathUsers       = "/cgi-bin/user/list"
	PathUser        = "/cgi-bin/user/get"
	PathAgent       = "/cgi-bin/agent/get"
	PathTag         = "/cgi-bin/tag/get"
)

// A Server is a fake WeCom. It is safe for concurrent use. Use [New].
type Server struct {
	opts Options
	zone *time.Location
	ok   http.Header // of every success; not to be changed

	desk    fake.Desk
	buffers fake.Buffers
	faults  fake.Faults[Fault]
	gate    gate
	company company
	records records
}

// New returns a fake WeCom with an empty company: department 1, the root, and no
// people. opts may be nil; it is copied.
func New(opts *Options) *Server {
	s := &Server{opts: opts.filled(), zone: time.FixedZone("Asia/Shanghai", 8*3600), ok: header(0, "ok")}
	o := &s.opts
	s.desk = fake.Desk{Now: o.Now, Latency: o.Latency, Log: fake.NewLog(o.LogSize), Secrets: []string{"access_token", "corpsecret"}}
	s.gate.init()
	s.company.init(o)
	s.records.init()
	return s
}

// Transport serves the fake in process: no socket, no goroutine. It answers in
// the caller's goroutine, whatever host the request names, and honours the
// request's context. It waits only for [Options.Latency], [Hang] and [SlowBody],
// on timers and channels, so it works inside a testing/synctest bubble.
func (s *Server) Transport() http.RoundTripper { return fake.Transport(s.handle) }

// Client returns a new client on [Server.Transport], without a time-out.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s.Transport()} }

// ServeHTTP serves the fake on a real connection, for net/http/httptest or a
// process of its own, under any host name.
//
// A [Reset] closes the connection by hijacking it. Where that is not possible,
// and for [HalfBody], the handler panics with http.ErrAbortHandler, as net/http
// foresees it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { fake.Serve(w, r, s.handle) }

// handle answers one request. It blocks only for the latency and for a Hang,
// both of which the request's context ends.
func (s *Server) handle(r *http.Request) fake.Answer { return s.desk.Receive(r, s.answer) }

// answer decides.
func (s *Server) answer(c *fake.Call) fake.Answer {
	e, ok := s.lookup(c.Path)
	if !ok {
		// What the platform answers to an unknown path is not known.
		return fake.Page(http.StatusNotFound, "Not Found")
	}
	limited := s.opts.PerMinute > 0
	if limited && s.gate.isBanned(c.Now) {
		return s.refuse(c, codeTooMany)
	}
	fault := s.faults.Take(func(f Fault) bool { return f.fits(c) })
	if a, handled := s.trouble(c, fault); handled {
		return a
	}
	if limited && !s.gate.admit(c, s.perMinute(c.Path)) {
		return s.refuse(c, codeTooMany)
	}
	var caller application
	if c.Path != PathToken {
		var code int
		if caller, code = s.caller(c); code != 0 {
			return s.refuse(c, code)
		}
	}
	if code := s.forbidden(c.Path, caller); code != 0 {
		return s.refuse(c, code)
	}
	if c.Method != e.method {
		return s.refuse(c, unread(c.Path))
	}
	return s.damage(e.serve(s, c, caller), fault)
}

// endpoint is one call.
type endpoint struct {
	method string
	serve  func(*Server, *fake.Call, application) fake.Answer
}

func (s *Server) lookup(path string) (e endpoint, ok bool) {
	const get, post = http.MethodGet, http.MethodPost
	switch path {
	case PathToken:
		e = endpoint{get, (*Server).token}
	case PathCheckIn:
		e = endpoint{post, (*Server).checkIn}
	case PathUserIDs:
		e = endpoint{post, (*Server).userIDs}
	case PathDepartments:
		e = endpoint{get, (*Server).departments}
	case PathUsersSimple:
		e = endpoint{get, (*Server).usersSimple}
	case PathUsers:
		e = endpoint{get, (*Server).usersFull}
	case PathUser:
		e = endpoint{get, (*Server).user}
	case PathAgent:
		e = endpoint{get, (*Server).agent}
	case PathTag:
		e = endpoint{get, (*Server).tag}
	}
	return e, e.serve != nil && (path != PathUsers || !s.opts.WithoutUserList)
}

// forbidden is the code of a call that the application may not make, else 0.
func (s *Server) forbidden(path string, caller application) int {
	switch path {
	case PathCheckIn:
		if caller == contacts {
			return codeForbidden
		}
		if !s.gate.mayReadCheckIns() {
			if s.opts.ForbiddenAs60011 {
				return codeNoPrivilege
			}
			return codeForbidden
		}
	case PathUserIDs:
		if caller != contacts {
			return codeForbidden
		}
	case PathAgent:
		if caller == contacts || s.opts.WithoutAgent {
			return codeForbidden
		}
	case PathUsersSimple, PathUsers, PathUser:
		if caller == contacts && s.opts.NewContactAddress {
			return codeNoDetails
		}
	}
	return 0
}
