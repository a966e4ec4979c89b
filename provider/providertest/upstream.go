package providertest

import (
	"testing"

	"github.com/punchbridge/punchbridge/attendance"
)

// An Upstream is the (fake) platform of one test. Its methods are called from
// one goroutine; the providers it makes are used from several.
type Upstream interface {
	// Provider returns a fresh provider that talks to this upstream: no token, no
	// memory of earlier ones. Options are those that hosts use; a rate limit is
	// fine.
	Provider(t testing.TB) attendance.Provider
	// Accounts returns existing accounts that hold no punches yet, always the same
	// ones, distinct: at least Limits().Accounts+1, or 3 where there is no limit.
	Accounts(t testing.TB) []string
	// Put makes the platform hold these punches too. Times are whole seconds
	// within the provider's longest span, and a day, before the bubble's now; ids
	// are decimal numbers; texts are Chinese and hold quotes and backslashes.
	Put(t testing.TB, punches ...attendance.Punch)
	// Fail arranges trouble that begins with the next request. false means that it
	// cannot happen on this platform or cannot be arranged; the rule is skipped.
	Fail(t testing.TB, f Fault) bool
	// Requests is the number of requests for records that the platform has
	// received so far, those that it answered with trouble included; requests for
	// tokens and directories are not counted.
	Requests(t testing.TB) int
}

// A Keeper is an optional role of an [Upstream]: it tells the secrets, which
// then must not stand in any error.
type Keeper interface {
	// Secrets are application secrets and the tokens given out so far. It may be
	// called from several goroutines.
	Secrets() []string
}

// A TokenCounter is an optional role of an [Upstream] whose platform hands out tokens.
type TokenCounter interface {
	// TokenRequests is the number of requests for a token received so far.
	TokenRequests(t testing.TB) int
}

// A Fault is trouble to be arranged.
type Fault struct {
	Kind FaultKind
	// Account is whom it is about; only for [BadAccount].
	Account string
	// Times is how many requests for records it hits (for [BadSecret]: requests
	// for a token); 0 means all from now on. [TokenExpired] has no use for it.
	Times int
}

// A FaultKind says what goes wrong.
type FaultKind string

// The faults.
const (
	// TokenExpired: the platform forgets every token it has given out; new ones work.
	TokenExpired FaultKind = "token_expired"
	// TokenRejected: the platform gives tokens and rejects each.
	TokenRejected FaultKind = "token_rejected"
	// Throttled: too many calls, as the platform words it.
	Throttled FaultKind = "throttled"
	// Busy: the platform says that it is busy, or answers 5xx.
	Busy FaultKind = "busy"
	// Forbidden: the application lacks the permission to read records.
	Forbidden FaultKind = "forbidden"
	// BadSecret: the platform rejects the application's secret.
	BadSecret FaultKind = "bad_secret"
	// Garbage: status 200 and an HTML page in place of records.
	Garbage FaultKind = "garbage"
	// HalfBody: the connection ends in the middle of the answer.
	HalfBody FaultKind = "half_body"
	// Reset: the connection breaks before there is an answer.
	Reset FaultKind = "reset"
	// BadAccount: the platform rejects one account.
	BadAccount FaultKind = "bad_account"
	// Slow: no answer comes until the request is given up.
	Slow FaultKind = "slow"
)

// Features say what the platform's records hold, so that the kit puts and
// expects it.
type Features struct {
	// Kinds are the kinds of punches that the provider delivers; nil means
	// Regular only.
	Kinds []attendance.Kind
	// Directions: punches other than field visits say in or out.
	Directions bool
	// IDs: every record has an id of its own, which is delivered.
	IDs bool
	// Places: address and coordinates (six decimals) are delivered.
	Places bool
	// Remarks: what the person wrote is delivered.
	Remarks bool
}
