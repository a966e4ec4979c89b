package wecomtest

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
// call but gettoken, until healed.
type Fault struct {
	// Kind is what happens. It must be set.
	Kind FaultKind
	// Path is the call that it happens to. Empty: every documented call except
	// gettoken, which has to be named.
	Path string
	// User limits it to calls that name this userid, in a list or alone, in any
	// case. Empty: all calls.
	User string
	// Department limits it to calls for this department. Zero: all calls.
	Department int64
	// After lets this many matching calls pass first.
	After int
	// Times is how many calls it happens to. Zero: until [Server.Heal].
	Times int
	// Code is the errcode of [Errcode], which needs one.
	Code int
	// Status and Body are the reply of [Answer], Status also that of [Gateway]. Status
	// zero: 200, or 203. A body that
	// begins with "<" goes out as HTML, any other as JSON.
	Status int
	Body   string
	// RetryAfter is the Retry-After header of [Unavailable], in whole seconds.
	// Zero: no header.
	RetryAfter time.Duration
}

// FaultKind is a kind of trouble.
type FaultKind uint8

// The kinds of trouble. The zero value is none.
const (
	// Errcode is an answer with [Fault.Code], for example -1 (system busy), 45009
	// (too many calls), 48002 (forbidden), 60020 (address not trusted) or, with
	// [Fault.User], 301021 (userid not in the directory).
	Errcode FaultKind = iota + 1
	// TokenExpired makes all tokens invalid when the call comes, so that the call
	// fails with 40014 or 42001. A token fetched afterwards is good.
	TokenExpired
	// BadSecret is 40001, what gettoken answers to a wrong secret. It happens to
	// gettoken only, also with an empty Path.
	BadSecret
	// HalfBody ends the body of an answer in its middle.
	HalfBody
	// SlowBody sends half of an answer and then nothing until the caller gives up.
	SlowBody
	// Hang sends nothing at all until the caller gives up.
	Hang
	// Reset is a connection reset before the answer.
	Reset
	// HTMLPage is a login page of some proxy, with status 200.
	HTMLPage
	// ServerError is HTTP 500 without a body of use.
	ServerError
	// Unavailable is HTTP 503, with a Retry-After header if wanted.
	Unavailable
	// NoArray makes a check-in call that would have succeeded answer errcode 0
	// without checkindata.
	NoArray
	// Empty makes a check-in call that would have succeeded answer errcode 0 and no
	// rows.
	Empty
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
// Fail panics when the fault has no kind, is an Errcode without a code, or a Garbled
// without a user: that is a mistake in the test.
func (s *Server) Fail(f Fault) {
	if f.Kind == 0 || f.Kind > Garbled {
		panic("wecomtest: a fault needs a kind")
	}
	if f.Kind == Errcode && f.Code == 0 {
		panic("wecomtest: Errcode needs a code")
	}
	if f.Kind == Garbled && f.User == "" {
		panic("wecomtest: Garbled needs a user")
	}
	s.faults.Add(f, f.After, f.Times)
}

// Heal ends all trouble that [Server.Fail] arranged.
func (s *Server) Heal() { s.faults.Clear() }

func (f Fault) fits(c *fake.Call) bool {
	isToken := c.Path == PathToken
	switch {
	case f.Kind == BadSecret && !isToken:
		return false
	case (f.Kind == NoArray || f.Kind == Empty || f.Kind == Garbled) && c.Path != PathCheckIn:
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
	id := strconv.FormatInt(department, 10)
	return c.Query.Get("department_id") == id || c.Path == PathDepartments && c.Query.Get("id") == id
}

// names reports whether the call names the userid.
func names(c *fake.Call, user string) bool {
	if strings.EqualFold(c.Query.Get("userid"), user) {
		return true
	}
	var in struct {
		UserIDs []string `json:"useridlist"`
	}
	if json.Unmarshal(c.Body, &in) != nil {
		return false
	}
	return slices.ContainsFunc(in.UserIDs, func(id string) bool { return strings.EqualFold(id, user) })
}

// trouble answers for the faults that come before everything else.
func (s *Server) trouble(c *fake.Call, f Fault) (a fake.Answer, handled bool) {
	switch f.Kind {
	case Errcode:
		return s.refuse(c, f.Code), true
	case TokenExpired:
		s.ExpireTokens()
		return fake.Answer{}, false
	case BadSecret:
		return s.refuseSecret(c, codeBadSecret), true
	case Hang:
		return fake.Hang(c.Context()), true
	case Reset:
		return fake.Reset(), true
	case HTMLPage:
		return fake.Page(http.StatusOK, "Login"), true
	case ServerError:
		return fake.Page(http.StatusInternalServerError, "Internal Server Error"), true
	case Unavailable:
		return fake.Unavailable(f.RetryAfter), true
	case Answer:
		return fake.Raw(f.Status, f.Body), true
	default:
		return fake.Answer{}, false
	}
}

// damage does what is done to an answer that is ready.
func (s *Server) damage(a fake.Answer, f Fault) fake.Answer {
	switch {
	case f.Kind == HalfBody:
		a.Cut = fake.CutShort
	case f.Kind == SlowBody:
		a.Cut = fake.CutSlow
	case f.Kind == NoArray && a.Code == "0":
		a.Body = []byte(`{"errcode":0,"errmsg":"ok"}`)
	case f.Kind == Empty && a.Code == "0":
		a.Body = []byte(`{"errcode":0,"errmsg":"ok","checkindata":[]}`)
	case f.Kind == Gateway:
		return a.ThroughGateway(f.Status)
	case f.Kind == Unescaped:
		a.Body = fake.Unescaped(a.Body)
	case f.Kind == Garbled:
		a.Body = fake.Garbled(a.Body, "userid", f.User)
	}
	return a
}
