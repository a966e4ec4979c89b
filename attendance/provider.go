package attendance

import (
	"context"
	"time"
)

// A Provider reads one family of records (DingTalk punches; DingTalk field
// check-ins; WeCom check-ins) from a platform. Implementations are safe for
// concurrent use. package providertest proves an implementation.
type Provider interface {
	// Name identifies the family in reports, for example "dingtalk". It is stable.
	Name() string

	// Limits says how much one query may ask. It is constant.
	Limits() Limits

	// Fetch answers one query that lies within Limits: the whole answer or an
	// error, never half of it. The Answer belongs to the caller.
	//
	// Errors carry a [Code] (see [Error]), which decides what happens next;
	// context errors are returned bare. Transient trouble (throttling, a busy
	// platform, the network) is retried inside, per request; Fetch itself is not
	// retried by its caller. A call that ctx ends returns promptly and leaves no
	// goroutine behind.
	Fetch(ctx context.Context, q Query) (Answer, error)
}

// Limits says how much a provider takes in one query. Zero means no limit.
type Limits struct {
	// Accounts is the largest number of accounts in a query.
	Accounts int
	// Span is the longest stretch of time in a query.
	Span time.Duration
	// Horizon is how far behind now a query may reach.
	Horizon time.Duration
}

// A Query asks for the records of some accounts whose own time lies in Span.
type Query struct {
	// Accounts are distinct, not empty, at least one. The slice is not changed.
	Accounts []string
	Span     Span
}

// An Answer is all that the platform holds for a [Query]: every record once, as
// a punch or with the reason why it is none.
type Answer struct {
	// Punches are the records that are punches, in no particular order. Each has
	// an Account of the query and a Time inside its span.
	Punches []Punch
	// Skipped are the records of the asked accounts and span that are no punches.
	Skipped []Skipped
	// Refused are accounts that the platform rejected without failing the query.
	// (One that fails the query is reported by an error of [CodeAccount].)
	Refused []string
	// Rows is the number of rows the platform sent in its largest single reply,
	// and Suspect says that this number looks like a silent cap: the Syncer then
	// halves the query and compares, unless a larger reply was seen in this run.
	Rows    int
	Suspect bool
	// Calls is the number of calls to the platform that the answer took, without
	// those for tokens and directories.
	Calls int
	// ReadAt is when the first of them was sent.
	ReadAt time.Time
	// Warnings are about the answer as a whole.
	Warnings []Warning
}

// Skipped is a record that did not become a punch.
type Skipped struct {
	ID      string
	Account string
	// Time is the record's own time; zero where it has none that could be read, or where
	// nobody can tell which record it is.
	Time   time.Time
	Reason Reason
	// Detail is the platform's own word for it, for people.
	Detail string
}

// Reason is why a record was skipped. The values stand in reports.
type Reason string

// The reasons.
const (
	// MissingPunch: the row says that a punch is missing (未打卡, NotSigned).
	MissingPunch Reason = "missing_punch"
	// Invalid: the platform itself calls the record invalid or unconfirmed.
	Invalid Reason = "invalid"
	// NoDirection: neither sign-in nor sign-out, and the sink was not told to take it.
	NoDirection Reason = "undirected"
	// Abnormal: the platform doubts where the punch was made (地点异常, wifi异常), and such
	// punches are not to be taken.
	Abnormal Reason = "abnormal"
	// Future: later than now.
	Future Reason = "future"
	// UnknownType: the platform used a word that this version does not know.
	UnknownType Reason = "unknown_type"
	// OutsideWindow: the platform sent what was not asked for: another time.
	OutsideWindow Reason = "outside_window"
	// NotAsked: the platform sent what was not asked for: another account.
	NotAsked Reason = "not_asked"
	// SameSecond: a different punch of the same person, second and direction is
	// in the same answer; the OA keeps one row.
	SameSecond Reason = "same_second"
)

// A Meter is an optional role of a [Provider] whose calls count against a budget.
type Meter interface {
	// Cost is the number of counted calls that Fetch(q) makes when nothing goes
	// wrong; q.Accounts may be a sample of the right length with empty entries.
	Cost(q Query) int
	// Left is the number of calls that may still be made in the budget's current
	// period; limited is false when there is no budget.
	Left(ctx context.Context) (calls int, limited bool, err error)
}

// A ClockWitness is an optional role of a [Provider]: how far is the platform's clock
// ahead of this machine's, by the last answer? known is false while none has come.
type ClockWitness interface {
	ClockAhead() (ahead time.Duration, known bool)
}

// AllowedSkew is how far two clocks may be apart before windows and the guard
// against future punches suffer.
const AllowedSkew = 5 * time.Minute

// A Checker is an optional role of providers, sinks and scopes: can it work?
type Checker interface {
	// Check looks at credentials, rights and shape, changes nothing, and returns
	// what it found, good news included. Trouble is a finding, not an error; it
	// returns early only when ctx ends.
	Check(ctx context.Context) []Finding
}

// As finds the optional role T of v: v itself, or the first value it wraps
// (through Unwrap() any) that has the role.
func As[T any](v any) (T, bool) {
	for v != nil {
		if t, ok := v.(T); ok {
			return t, true
		}
		w, ok := v.(interface{ Unwrap() any })
		if !ok {
			break
		}
		v = w.Unwrap()
	}
	var none T
	return none, false
}
