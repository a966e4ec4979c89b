package dingtalktest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// A Fault is trouble that [Server.Fail] arranges. The zero fields mean: every
// call but the two token calls, until healed.
type Fault struct {
	// Kind is what happens. It must be set.
	Kind FaultKind
	// Path is the call that it happens to. Empty: every documented call except
	// the two for tokens, which have to be named.
	Path string
	// User limits it to calls that name this account, in a list or alone. Empty:
	// all calls. [BadAccount] needs it.
	User string
	// Department limits it to calls for this department. Zero: all calls.
	// [BadDepartment] needs it.
	Department int64
	// After lets this many matching calls pass first.
	After int
	// Times is how many calls it happens to. Zero: until [Server.Heal].
	Times int
	// Code is the errcode of [BadAccount] and [BadDepartment]. Zero: 40031, a list
	// with a user that is not in the contacts (33012 is an invalid user id), or 60003, no
	// such department.
	Code int
	// RetryAfter is, for [Unavailable], the Retry-After header in whole seconds
	// (zero: no header), and for [Throttled] and [ThrottledGlobally] how long from
	// now the time in the text lies (zero: one second).
	RetryAfter time.Duration
	// Status and Body are the reply of [Answer], Status also that of [Gateway]. Status
	// zero: 200, or 203. A body that
	// begins with "<" goes out as HTML, any other as JSON.
	Status int
	Body   string
}

// FaultKind is a kind of trouble.
type FaultKind uint8

// The kinds of trouble. The zero value is none.
const (
	// TokenExpired makes all tokens invalid when the call comes, so that the call
	// fails with 40014. A token fetched afterwards is good.
	TokenExpired FaultKind = iota + 1
	// BadSecret is what a token call answers to a wrong key or secret. It happens
	// to token calls only, also with an empty Path.
	BadSecret
	// Throttled is 90018: too many calls of this application to this path.
	Throttled
	// ThrottledGlobally is 90002: too many calls of all applications.
	ThrottledGlobally
	// Busy is -1, the platform is busy (系统繁忙).
	Busy
	// ServerError is HTTP 500 without a body of use.
	ServerError
	// Unavailable is HTTP 503, with a Retry-After header if wanted.
	Unavailable
	// HTMLPage is a login page of some proxy, with status 200.
	HTMLPage
	// Firewall is the firewall's answer to an address that called too often:
	// status 200, JSON, no errcode.
	Firewall
	// NoErrcode is {} with status 200.
	NoErrcode
	// HalfBody ends the body of a good answer in its middle.
	HalfBody
	// SlowBody sends half of a good answer and then nothing until the caller
	// gives up.
	SlowBody
	// Hang sends nothing at all until the caller gives up.
	Hang
	// Reset is a connection reset before the answer.
	Reset
	// Forbidden is 60011: the permission point that the call needs is missing.
	// See also [Server.Deny].
	Forbidden
	// AddressDenied is 60020: our address is not on the white list.
	AddressDenied
	// QuotaUsedUp is 90020: the month's calls are used up.
	QuotaUsedUp
	// BadAccount fails every call that names [Fault.User], with [Fault.Code].
	BadAccount
	// BadDepartment fails every call for [Fault.Department], with [Fault.Code].
	BadDepartment
	// StuckCursor makes calls that page by a cursor answer an empty page whose
	// next cursor is the one that was asked for. Others are not affected.
	StuckCursor
	// Answer is any reply: [Fault.Status] and [Fault.Body].
	Answer
	// Gateway is a good answer as a gateway passes it on: with [Fault.Status] (zero: 203),
	// a byte order mark before it, and blanks and a comment after it.
	Gateway
	// Unescaped is a good answer in which the control characters of texts stand raw.
	Unescaped
	// Garbled makes an answer that holds a record of [Fault.User], which it needs,
	// unreadable from there on. It happens to the calls for records.
	Garbled
)

// Fail arranges trouble from now on. Of several faults that fit a call, the one
// arranged first happens.
//
// Fail panics when the fault has no kind, or is a BadAccount or Garbled without a user or
// a BadDepartment without a department: that is a mistake in the test.
func (s *Server) Fail(f Fault) {
	if f.Kind == 0 || f.Kind > Garbled {
		panic("dingtalktest: a fault needs a kind")
	}
	if (f.Kind == BadAccount || f.Kind == Garbled) && f.User == "" {
		panic("dingtalktest: BadAccount and Garbled need a user")
	}
	if f.Kind == BadDepartment && f.Department == 0 {
		panic("dingtalktest: BadDepartment needs a department")
	}
	s.faults.Add(f, f.After, f.Times)
}

// Heal ends all trouble that [Server.Fail] arranged.
func (s *Server) Heal() { s.faults.Clear() }

func (f Fault) fits(c *fake.Call) bool {
	isToken := c.Path == PathToken || c.Path == PathOldToken
	switch {
	case f.Kind == BadSecret && !isToken:
		return false
	case f.Path != "" && f.Path != c.Path:
		return false
	case f.Path == "" && isToken && f.Kind != BadSecret:
		return false
	}
	return (f.User == "" || names(c, f.User)) && (f.Department == 0 || isFor(c, f.Department))
}

// isFor reports whether the call is for the department.
func isFor(c *fake.Call, department int64) bool {
	if c.Query.Has("department_id") {
		return c.Query.Get("department_id") == strconv.FormatInt(department, 10)
	}
	f, ok := c.Fields()
	id, isNumber := f.Integer("dept_id")
	return ok && isNumber && id == department
}

// names reports whether the call's body names the account.
func names(c *fake.Call, user string) bool {
	var in struct {
		UserIDs    []string `json:"userIds"`
		UserIDList string   `json:"userid_list"`
		UserID     string   `json:"userid"`
	}
	if json.Unmarshal(c.Body, &in) != nil {
		return false
	}
	return in.UserID == user || slices.Contains(in.UserIDs, user) || slices.Contains(strings.Split(in.UserIDList, ","), user)
}

// outerFault answers for the faults that need no valid token. free says that
// the call is not metered.
func (s *Server) outerFault(c *fake.Call, f Fault) (a fake.Answer, handled, free bool) {
	end := ceilSecond(c.Now.Add(max(f.RetryAfter, time.Second)))
	switch f.Kind {
	case TokenExpired:
		s.gate.expireTokens()
		return fake.Answer{}, false, false
	case BadSecret:
		return s.wrongSecret(c), true, true
	case Throttled:
		return s.throttled(c, 90018, end), true, true
	case ThrottledGlobally:
		return s.throttled(c, 90002, end), true, true
	case Busy:
		if c.Path == PathToken {
			return s.modern(http.StatusInternalServerError, "systemBusy", "系统繁忙"), true, false
		}
		return s.refuse(c, problem{-1, "系统繁忙", false}), true, false
	case ServerError:
		return fake.Page(http.StatusInternalServerError, "Internal Server Error"), true, false
	case Unavailable:
		return fake.Unavailable(f.RetryAfter), true, false
	case HTMLPage:
		return fake.Page(http.StatusOK, "Login"), true, true
	case Firewall:
		return s.firewall(), true, true
	case NoErrcode:
		return fake.Answer{Status: http.StatusOK, Body: []byte("{}")}, true, false
	case Hang:
		return fake.Hang(c.Context()), true, false
	case Reset:
		return fake.Reset(), true, true
	case Answer:
		return fake.Raw(f.Status, f.Body), true, false
	default:
		return fake.Answer{}, false, false
	}
}

// damage does what is done to an answer that is ready.
func damage(a fake.Answer, f Fault) fake.Answer {
	switch f.Kind {
	case HalfBody:
		a.Cut = fake.CutShort
	case SlowBody:
		a.Cut = fake.CutSlow
	case Gateway:
		return a.ThroughGateway(f.Status)
	case Unescaped:
		a.Body = fake.Unescaped(a.Body)
	case Garbled:
		a.Body = fake.Garbled(a.Body, "userId", f.User)
	}
	return a
}

func badAccount(f Fault) problem {
	switch f.Code {
	case 0, 40031:
		return problem{40031, "不合法的UserID列表: " + f.User, false}
	case 33012:
		return problem{33012, "无效的USERID", false}
	default:
		return problem{f.Code, "userid " + f.User, false}
	}
}

func badDepartment(f Fault) problem {
	if f.Code == 0 || f.Code == 60003 {
		return problem{60003, "部门不存在", false}
	}
	return problem{f.Code, "dept_id " + strconv.FormatInt(f.Department, 10), false}
}

// innerFault answers for the faults that come after the token.
func (s *Server) innerFault(c *fake.Call, e endpoint, f Fault) (a fake.Answer, handled, free bool) {
	switch f.Kind {
	case AddressDenied:
		return s.addressDenied(c), true, false
	case Forbidden:
		return s.forbidden(c, e.permission), true, false
	case QuotaUsedUp:
		return s.quotaUsedUp(c, 5001, 5000), true, true
	case BadAccount:
		return s.refuse(c, badAccount(f)), true, false
	case BadDepartment:
		return s.refuse(c, badDepartment(f)), true, false
	default:
		return fake.Answer{}, false, false
	}
}

// stuck is an empty page whose next cursor is the one asked for.
func (s *Server) stuck(c *fake.Call) fake.Answer {
	f, a, ok := s.decode(c)
	if !ok {
		return a
	}
	cursor, _ := f.Integer("cursor")
	b := append([]byte(nil), `{"errcode":0,"errmsg":"ok","result":{"has_more":true,"next_cursor":`...)
	b = append(strconv.AppendInt(b, cursor, 10), `,"list":[],"page_list":[]}`...)
	return fake.JSON("0", append(s.appendRequestID(b), '}'))
}

func ceilSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); !whole.Equal(t) {
		return whole.Add(time.Second)
	}
	return t
}
