package fake

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// An Answer is a reply that is not yet sent. The zero value is none: a Status or
// an Err is needed.
type Answer struct {
	// Status is the HTTP status.
	Status int
	// Code is the platform's code, for the log only. See [Request.Code].
	Code string
	// Header is added to, and replaces, Content-Type, Content-Length and Date.
	Header http.Header
	// Body is the whole body; Content-Length tells its length also where Cut
	// sends half of it.
	Body []byte
	// HTML makes the Content-Type text/html. It is application/json otherwise.
	HTML bool
	// Cut breaks the body in its middle.
	Cut Cut
	// Date is the Date header; [Desk.Receive] sets it.
	Date time.Time
	// Err, where not nil, is what becomes of the request instead of a reply: the
	// connection failed, or the caller gave up.
	Err error
	// IsReset says that Err is a connection reset, so that a real connection is
	// reset too and not only closed.
	IsReset bool

	buffer *Buffer // Body's memory, when it goes back to its pool
}

// Cut says what happens in the middle of an answer's body.
type Cut uint8

// The cuts. The zero value is none.
const (
	// CutShort ends the body there, and the connection with it.
	CutShort Cut = iota + 1
	// CutSlow sends nothing more until the caller gives up.
	CutSlow
)

// JSON is a reply with status 200 and this body.
func JSON(code string, body []byte) Answer {
	return Answer{Status: http.StatusOK, Code: code, Body: body}
}

// Page is a short HTML page, as proxies and gateways send it in place of an
// answer.
func Page(status int, title string) Answer {
	const html = "<!DOCTYPE html><html><head><title>%</title></head><body><h1>%</h1></body></html>"
	return Answer{Status: status, HTML: true, Body: []byte(strings.ReplaceAll(html, "%", title))}
}

// Unavailable is HTTP 503 with an HTML page and, where retryAfter is positive, a
// Retry-After header in whole seconds, rounded up.
func Unavailable(retryAfter time.Duration) Answer {
	a := Page(http.StatusServiceUnavailable, "Service Temporarily Unavailable")
	if retryAfter > 0 {
		a.Header = http.Header{"Retry-After": {strconv.FormatInt(int64((retryAfter+time.Second-1)/time.Second), 10)}}
	}
	return a
}

// Raw is any reply. Status zero is 200. A body that begins with "<" goes out as
// HTML, any other as JSON.
func Raw(status int, body string) Answer {
	if status == 0 {
		status = http.StatusOK
	}
	return Answer{Status: status, Body: []byte(body), HTML: strings.HasPrefix(strings.TrimSpace(body), "<")}
}

// Reset is a connection reset before the answer.
func Reset() Answer {
	err := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	return Answer{Err: err, IsReset: true}
}

// Hang waits until the caller gives up. Where its context cannot end, the answer
// is an error at once, not a deadlock.
func Hang(ctx context.Context) Answer {
	if ctx.Done() == nil {
		return Answer{Err: errors.New("fake: a hanging answer needs a request whose context can end")}
	}
	<-ctx.Done()
	return Answer{Err: ctx.Err()}
}

func (a *Answer) headers(h http.Header) http.Header {
	kind := "application/json;charset=UTF-8"
	if a.HTML {
		kind = "text/html; charset=utf-8"
	}
	h["Content-Type"] = []string{kind}
	h["Content-Length"] = []string{strconv.Itoa(len(a.Body))}
	h["Date"] = []string{a.Date.UTC().Format(http.TimeFormat)}
	for name, values := range a.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	return h
}
