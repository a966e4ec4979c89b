package dingtalktest

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// Defaults of [Options].
const (
	// DefaultAppKey is the application key that the fake accepts by default.
	DefaultAppKey = "dingtest0app0key"
	// DefaultAppSecret is the secret that goes with it.
	DefaultAppSecret = "fake-app-secret-5a1e0c7d"
	// DefaultCorpID is the company's id (corpId) in the records.
	DefaultCorpID = "dingtest0001"
)

// Options change what a [Server] does. Nil and the zero value are a healthy
// company on the Standard edition, with everything permitted and no quota.
type Options struct {
	// AppKey and AppSecret are the credentials that are accepted. Empty:
	// DefaultAppKey and DefaultAppSecret.
	AppKey, AppSecret string
	// CorpID is the company's id. Empty: DefaultCorpID.
	CorpID string
	// Now is the platform's clock: lifetime of tokens, rate limits, months, the
	// 180 days, the Date header. Nil: time.Now.
	Now func() time.Time
	// MonthlyQuota is how many metered calls the company has in a calendar month
	// (Beijing). The Standard edition has 5000. Zero: no limit.
	MonthlyQuota int
	// QPS is how many calls a second one path takes. Zero: 20, the Standard
	// edition's limit. Negative: no rate limit at all, for benchmarks.
	QPS int
	// Latency is how long every answer takes. Zero: none. It is waited for on the
	// clock of package time, so it is virtual inside a synctest bubble.
	Latency time.Duration
	// ExclusiveTo makes the upper end of time ranges exclusive. The documentation
	// does not say which; the default is inclusive.
	ExclusiveTo bool
	// RowCap silently cuts /attendance/listRecord to this many rows. No cap is
	// documented, none is ruled out. Zero: none.
	RowCap int
	// LeaversAnswer makes punches of removed users go on answering. The
	// documentation does not say which; the default is an empty answer.
	LeaversAnswer bool
	// Overseas is a company outside China: isI18n true then has answers. At home
	// (the default) it makes every answer empty.
	Overseas bool
	// AuthedDepartments are the departments, with all below them, that the
	// application may see (通讯录权限范围). Nil: the whole company. Empty but not
	// nil: no department.
	AuthedDepartments []int64
	// AuthedUsers are people that the application may see besides.
	AuthedUsers []string
	// NewTokenEndsOlder makes every token call give a new token, which ends the earlier
	// ones of either call. The documentation of an organisation's own applications says
	// the opposite, which is the default: while a token lives it is given again, and
	// its life extended.
	NewTokenEndsOlder bool
	// Envelope is the form of errors of oapi.dingtalk.com. Zero: EnvelopeUsual.
	Envelope Envelope
	// LogSize is how many of the latest requests [Server.Log] holds. Zero: 1000.
	// Negative: none.
	LogSize int
}

// A Server is a fake DingTalk. It is safe for concurrent use. Use [New].
type Server struct {
	opts Options
	zone *time.Location
	corp []byte // corpId as a JSON string

	desk    fake.Desk
	buffers fake.Buffers
	faults  fake.Faults[Fault]
	gate    gate
	company company
	records records
}

// New returns a fake DingTalk with an empty company: department 1, the root, and
// no people. opts may be nil; it is copied.
func New(opts *Options) *Server {
	s := &Server{zone: time.FixedZone("Asia/Shanghai", 8*3600)}
	if opts != nil {
		s.opts = *opts
	}
	o := &s.opts
	o.AuthedDepartments = slices.Clone(o.AuthedDepartments)
	o.AuthedUsers = slices.Clone(o.AuthedUsers)
	if o.AppKey == "" {
		o.AppKey = DefaultAppKey
	}
	if o.AppSecret == "" {
		o.AppSecret = DefaultAppSecret
	}
	if o.CorpID == "" {
		o.CorpID = DefaultCorpID
	}
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // the default clock, resolved here only
	}
	if o.QPS == 0 {
		o.QPS = 20
	}
	if o.LogSize == 0 {
		o.LogSize = 1000
	}
	s.corp = fake.AppendString(nil, o.CorpID)
	s.desk = fake.Desk{Now: o.Now, Latency: o.Latency, Log: fake.NewLog(o.LogSize), Secrets: []string{"access_token", "appsecret"}}
	s.gate.init()
	s.company.init()
	s.records.init()
	return s
}

// ServeHTTP serves the fake on a real connection, for net/http/httptest or a
// process of its own. Any host name is taken for both of DingTalk's hosts;
// oapi.dingtalk.com and api.dingtalk.com serve only their own paths.
//
// A [Reset] closes the connection by hijacking it. Where that is not possible,
// and for [HalfBody], the handler panics with http.ErrAbortHandler, as net/http
// foresees it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fake.Serve(w, r, s.handle)
}

// Transport serves the fake in process: no socket, no goroutine. It answers in
// the caller's goroutine, whatever host the request names, and honours the
// request's context. It waits only for [Options.Latency], [Hang] and [SlowBody],
// on timers and channels, so it works inside a testing/synctest bubble.
func (s *Server) Transport() http.RoundTripper { return fake.Transport(s.handle) }

// Client returns a new client on [Server.Transport], without a time-out.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s.Transport()} }

// handle answers one request. It blocks only for the latency and for a Hang,
// both of which the request's context ends.
func (s *Server) handle(r *http.Request) fake.Answer {
	return s.desk.Receive(r, func(c *fake.Call) fake.Answer {
		a, free := s.answer(c)
		if e, ok := s.lookup(c.Path); ok && e.metered && !free {
			s.gate.meter(s.month(c.Now))
		}
		return a
	})
}

// answer decides. free says that the call is not metered here: either the
// platform does not count it, or its quota was taken already.
func (s *Server) answer(c *fake.Call) (a fake.Answer, free bool) {
	if s.opts.QPS > 0 && !s.gate.admitAddress(c.Now) {
		return s.firewall(), true
	}
	e, ok := s.lookup(c.Path)
	if !ok || !servedBy(c.Host, c.Path) || c.Method != e.method {
		return s.unknownPath(c), true
	}
	fault := s.faults.Take(func(f Fault) bool { return f.fits(c) })
	if a, handled, free := s.outerFault(c, fault); handled {
		return a, free
	}
	if s.opts.QPS > 0 {
		if end, ok := s.gate.admitPath(c.Path, c.Now, s.opts.QPS); !ok {
			return s.throttled(c, 90018, end), true
		}
	}
	if e.permission != "" {
		if a, ok := s.checkToken(c); !ok {
			return a, false
		}
	}
	if a, handled, free := s.innerFault(c, e, fault); handled {
		return a, free
	}
	if s.gate.denied(e.permission) {
		return s.forbidden(c, e.permission), false
	}
	if e.metered {
		used, ok := s.gate.takeQuota(s.month(c.Now), s.opts.MonthlyQuota)
		if !ok {
			return s.quotaUsedUp(c, used+1, s.opts.MonthlyQuota), true
		}
	}
	if fault.Kind == StuckCursor && e.cursor {
		return s.stuck(c), true
	}
	return damage(e.serve(s, c), fault), true
}

// endpoint is one documented call.
type endpoint struct {
	method string
	// permission is the permission point it needs; empty for the token calls,
	// which need no token either.
	permission string
	// metered calls count against the month's quota. Attendance does; contacts
	// and tokens do not. Field check-ins are not in the list of exemptions.
	metered bool
	// cursor calls are paged by cursor and next_cursor.
	cursor bool
	serve  func(*Server, *fake.Call) fake.Answer
}

func (s *Server) lookup(path string) (e endpoint, ok bool) {
	const get, post = http.MethodGet, http.MethodPost
	switch path {
	case PathOldToken:
		e = endpoint{method: get, serve: (*Server).oldToken}
	case PathToken:
		e = endpoint{method: post, serve: (*Server).newToken}
	case PathListRecord:
		e = endpoint{method: post, permission: PermissionAttendance, metered: true, serve: (*Server).listRecord}
	case PathCheckInDepartment:
		e = endpoint{method: get, permission: PermissionCheckIn, metered: true, serve: (*Server).checkInDepartment}
	case PathCheckInUsers:
		e = endpoint{method: post, permission: PermissionBase, metered: true, cursor: true, serve: (*Server).checkInUsers}
	case PathSubDepartments:
		e = endpoint{method: post, permission: PermissionDepartments, serve: (*Server).subDepartments}
	case PathSubDepartmentIDs:
		e = endpoint{method: post, permission: PermissionDepartments, serve: (*Server).subDepartmentIDs}
	case PathUserIDs:
		e = endpoint{method: post, permission: PermissionMember, serve: (*Server).userIDs}
	case PathUsersSimple:
		e = endpoint{method: post, permission: PermissionMembers, cursor: true, serve: (*Server).usersSimple}
	case PathUsers:
		e = endpoint{method: post, permission: PermissionMembers, cursor: true, serve: (*Server).usersFull}
	case PathUser:
		e = endpoint{method: post, permission: PermissionMember, serve: (*Server).user}
	case PathScopes:
		e = endpoint{method: get, permission: PermissionBase, serve: (*Server).scopes}
	default:
		return endpoint{}, false
	}
	return e, true
}

// The calls that the fake answers. Any other path gets the platform's answer to
// an unknown one.
const (
	PathOldToken          = "/gettoken"
	PathToken             = "/v1.0/oauth2/accessToken"
	PathListRecord        = "/attendance/listRecord"
	PathCheckInDepartment = "/checkin/record"
	PathCheckInUsers      = "/topapi/checkin/record/get"
	PathSubDepartments    = "/topapi/v2/department/listsub"
	PathSubDepartmentIDs  = "/topapi/v2/department/listsubid"
	PathUserIDs           = "/topapi/user/listid"
	PathUsersSimple       = "/topapi/user/listsimple"
	PathUsers             = "/topapi/v2/user/list"
	PathUser              = "/topapi/v2/user/get"
	PathScopes            = "/auth/scopes"
)

// The permission points (权限点) that the calls need, for [Server.Deny].
const (
	// PermissionAttendance is for /attendance/listRecord (考勤数据读权限).
	PermissionAttendance = "qyapi_get_attendance_data"
	// PermissionCheckIn is for /checkin/record.
	PermissionCheckIn = "qyapi_checkin_read"
	// PermissionBase is for /topapi/checkin/record/get and /auth/scopes.
	PermissionBase = "qyapi_base"
	// PermissionDepartments is for department/listsub and listsubid.
	PermissionDepartments = "qyapi_get_department_list"
	// PermissionMembers is for user/listsimple and v2/user/list.
	PermissionMembers = "qyapi_get_department_member"
	// PermissionMember is for user/listid and v2/user/get.
	PermissionMember = "qyapi_get_member"
	// PermissionMobile shows mobile and state_code of people. It is named as the
	// console names it; without it the two fields are left out and no call fails.
	PermissionMobile = "企业员工手机号信息"
)

func servedBy(host, path string) bool {
	switch host {
	case "oapi.dingtalk.com":
		return !strings.HasPrefix(path, "/v1.0/")
	case "api.dingtalk.com":
		return strings.HasPrefix(path, "/v1.0/")
	default:
		return true
	}
}

// month is a calendar month in Beijing, as a number that only grows.
func (s *Server) month(t time.Time) int {
	t = t.In(s.zone)
	return t.Year()*12 + int(t.Month())
}
