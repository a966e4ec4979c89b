package wecom

import (
	"log/slog"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/provider"
)

// An APIError is what WeCom itself said about a failed call. errors.As finds it
// below the [attendance.Error].
type APIError struct {
	// Code is errcode.
	Code int64
	// Message is errmsg without the tail that every answer has.
	Message string
	// Hint is the number in that tail; WeCom's support and its error page ask for it.
	Hint string
	// Address is the public address that the call came from, as WeCom saw it; may
	// be empty.
	Address string
}

// Error returns code, message and hint.
func (e *APIError) Error() string {
	text := "WeCom errcode " + strconv.FormatInt(e.Code, 10)
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Hint != "" {
		text += " (hint " + e.Hint + ")"
	}
	return text
}

// LogValue implements [slog.LogValuer].
func (e *APIError) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int64("code", e.Code),
		slog.String("message", e.Message),
		slog.String("hint", e.Hint),
		slog.String("address", e.Address),
	)
}

// newAPIError takes errmsg apart. Its usual form is
//
//	api forbidden, hint: [1709513832000000000000004], from ip: 203.0.113.7, more info at https://...
//
// Nothing is decided by it: texts change, codes do not.
func newAPIError(code int64, errmsg string) *APIError {
	e := &APIError{Code: code}
	text := provider.OneLine(errmsg)
	if _, rest, ok := strings.Cut(text, "from ip:"); ok {
		e.Address = provider.AddressIn(rest)
	}
	if _, rest, ok := strings.Cut(text, "hint: ["); ok {
		e.Hint, _, _ = strings.Cut(rest, "]")
	}
	for _, tail := range [...]string{", hint:", ", from ip:", ", more info at"} {
		text, _, _ = strings.Cut(text, tail)
	}
	e.Message = strings.TrimSpace(text)
	return e
}
