package attendance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code classifies trouble for decisions. The set is closed; the platform's own
// code and words are in the native error that an [Error] wraps.
type Code string

// The codes, by what they mean for a run.
const (
	// CodeUnknown: none of the others. Ends the slice.
	CodeUnknown Code = "unknown"

	// Refusals. They end the run: going on would not help, and hammering gets an
	// address banned.

	// CodeCredentials: key or secret is wrong. Tried once, never again.
	CodeCredentials Code = "credentials"
	// CodePermission: the application lacks a permission.
	CodePermission Code = "permission"
	// CodeAddress: our network address is not on the platform's white list.
	CodeAddress Code = "address"
	// CodeQuota: the month's calls are used up, or would be.
	CodeQuota Code = "quota"
	// CodeDisabled: the application or the company is switched off.
	CodeDisabled Code = "disabled"
	// CodeEveryone: the platform rejected every single account it was asked for.
	CodeEveryone Code = "everyone_refused"

	// CodeProxy: a proxy on the way to the platform refuses our name and password, or
	// forbids the way. It ends the run like a refusal, since proxies lock accounts, but
	// is none: the platform was not reached.
	CodeProxy Code = "proxy"

	// Transient trouble, returned after the retries are used up. Ends the slice.

	// CodeThrottled: too many calls in a short time.
	CodeThrottled Code = "throttled"
	// CodeUnavailable: the platform is busy or cannot be reached.
	CodeUnavailable Code = "unavailable"

	// Faults of one slice.

	// CodeMalformed: the answer is not what is documented (HTML, half a document). The
	// Syncer asks for less, unless it is [ErrForeign].
	CodeMalformed Code = "malformed"
	// CodeRequest: the platform calls the request wrong.
	CodeRequest Code = "request"
	// CodeAccount: an account of the query is rejected. The Syncer bisects by people.
	CodeAccount Code = "account"
	// CodeSpan: the span of the query is rejected. The Syncer bisects by time.
	CodeSpan Code = "span"
	// CodeHorizon: the span lies behind what the platform keeps.
	CodeHorizon Code = "beyond_horizon"

	// Faults of the target.

	// CodeStore: the database failed. Ends the slice.
	CodeStore Code = "store"
	// CodeStoreDown: the database cannot be reached or written at all. Ends the
	// run: reading on would only spend the platform's calls.
	CodeStoreDown Code = "store_unavailable"
	// CodeTable: a table or column that is needed is missing. What can be
	// written without it is written.
	CodeTable Code = "table_missing"
	// CodeRowRefused: the target refuses a row, see [UnwrittenRow]; as the error of a
	// write, every row that it was to add. CodeRowChanged: it does not keep it as sent.
	CodeRowRefused Code = "row_refused"
	CodeRowChanged Code = "row_changed"
)

// ErrForeign is what a provider puts into the Err of an [Error] of [CodeMalformed] when the
// answer as a whole is not the platform's: the page of a proxy, nothing at all. Asking for
// less would not help then.
var ErrForeign = errors.New("attendance: not the platform's answer")

// Refusal reports whether the code is the platform refusing us for good.
func (c Code) Refusal() bool {
	switch c {
	case CodeCredentials, CodePermission, CodeAddress, CodeQuota, CodeDisabled, CodeEveryone:
		return true
	default:
		return false
	}
}

// Temporary reports whether the same call may succeed later.
func (c Code) Temporary() bool { return c == CodeThrottled || c == CodeUnavailable }

// stopsRun reports whether the run cannot usefully go on after this code.
func (c Code) stopsRun() bool { return c.Refusal() || c == CodeProxy || c == CodeStoreDown }

// An Error is trouble with a code. Both the code ([CodeOf]) and the native error
// (errors.As) are reachable from it. It holds no secret.
type Error struct {
	Code Code
	// Op is what was being done, for example "dingtalk /attendance/listRecord".
	Op string
	// Detail is what happened, as the other side or the program puts it.
	Detail string
	// Mend is what to do about it; empty means the code's usual mend.
	Mend Text
	// RetryAfter is how long the other side asked to wait; zero if it did not.
	RetryAfter time.Duration
	// Err is the native error, may be nil.
	Err error
}

// Error says what was being done, the code, what happened and the mend.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	b.WriteString(string(e.Code))
	if what := e.what(); what != "" {
		b.WriteString(": ")
		b.WriteString(what)
	}
	if m := e.Remedy(); m.EN != "" {
		b.WriteString(" (")
		b.WriteString(m.EN)
		b.WriteString(")")
	}
	return b.String()
}

// Sentence says what was being done and what happened, for places that show the
// code and the mend beside it.
func (e *Error) Sentence() string {
	switch what := e.what(); {
	case e.Op == "":
		return what
	case what == "":
		return e.Op
	default:
		return e.Op + ": " + what
	}
}

func (e *Error) what() string {
	if e.Detail == "" && e.Err != nil {
		return e.Err.Error()
	}
	return e.Detail
}

// Unwrap returns the native error.
func (e *Error) Unwrap() error { return e.Err }

// Remedy returns the mend: the error's own, else the usual one of its code.
func (e *Error) Remedy() Text {
	if e.Mend != (Text{}) {
		return e.Mend
	}
	return e.Code.Mend()
}

// CodeOf returns the code of the first [Error] in err's tree; "" for nil and for
// bare context errors, and CodeUnknown for any other error.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := asError(err); ok {
		return e.Code
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return ""
	}
	return CodeUnknown
}

func asError(err error) (*Error, bool) { return errors.AsType[*Error](err) }

// ended reports whether err is ctx's end. Time-outs of others, such as a database
// driver's, may claim to be context errors too; they are trouble of one slice.
func ended(ctx context.Context, err error) bool { return ctx.Err() != nil && CodeOf(err) == "" }

// A Warning is something people should know that stops nothing. It is an error
// value only so that a stream can carry it (see [Scope]).
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error returns code and message.
func (w Warning) Error() string { return w.Code + ": " + w.Message }

// AsWarning reports whether err is a [Warning], and which.
func AsWarning(err error) (Warning, bool) {
	w, ok := err.(Warning) //nolint:errorlint // an error that holds a warning among others is an error
	return w, ok
}

// Warningf makes a Warning.
func Warningf(code, format string, args ...any) Warning {
	return Warning{Code: code, Message: fmt.Sprintf(format, args...)}
}
