package provider

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// send makes one request and judges the answer. Errors are context errors or
// *attendance.Error without secrets.
func (c *Client) send(ctx context.Context, p *call, reply *Reply) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.limit(ctx, p); err != nil {
		return err
	}
	if p.Budget != nil {
		if err := p.Budget.Take(ctx); err != nil {
			return p.refused(ctx, err)
		}
	}
	reached, err := c.exchange(ctx, p, reply)
	if reached {
		reply.Sent++
	}
	if p.Budget != nil && (!reached || attendance.CodeOf(err) == attendance.CodeThrottled) {
		p.Budget.Return()
	}
	return err
}

// refused words the error of a budget.
func (p *call) refused(ctx context.Context, err error) error {
	if ended := contextError(ctx); ended != nil {
		return ended
	}
	e, ok := errors.AsType[*attendance.Error](err)
	if !ok {
		return p.ownFailure("the budget of calls cannot be read, nothing was sent: ", err, attendance.Text{
			EN: "look at where the budget is counted (its store may be down); the next run makes up for it",
			ZH: "无法读取调用量预算，请求未发出：请检查计数所在的存储；下次运行会自动补齐",
		})
	}
	named := *e
	if named.Op == "" {
		named.Op = p.op
	}
	return &named
}

// exchange is the only place that talks to the network. reached is false when
// no connection came about, so that the platform cannot have seen the request.
func (c *Client) exchange(ctx context.Context, p *call, reply *Reply) (reached bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	req, err := c.request(ctx, p)
	if err != nil {
		return false, &attendance.Error{Code: attendance.CodeRequest, Op: p.op, Detail: "the request cannot be made: " + p.hidden.text(bare(err).Error())}
	}
	began := c.now()
	if reply.SentAt.IsZero() {
		reply.SentAt = began
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.logger.LogAttrs(ctx, slog.LevelDebug, "no answer", slog.String("call", p.op), slog.Duration("took", c.now().Sub(began)))
		return !unreached(err), c.network(ctx, p, bare(err), "no answer from "+p.url.Host+c.through(req)+": ")
	}
	defer resp.Body.Close()
	got := Reply{Status: resp.StatusCode, Header: resp.Header, Confidential: p.Confidential}
	got.Body, err = readBody(resp, c.maxBody())
	got.ReceivedAt = c.now()
	c.logger.LogAttrs(ctx, slog.LevelDebug, "answer", slog.String("call", p.op), slog.Int("status", got.Status),
		slog.Int("bytes", len(got.Body)), slog.Duration("took", got.ReceivedAt.Sub(began)))
	if err == nil {
		got.Body = document(got.Body)
	}
	reply.Status, reply.Header, reply.Body, reply.ReceivedAt = got.Status, got.Header, got.Body, got.ReceivedAt
	switch {
	case errors.Is(err, errTooLarge):
		reply.Body = nil
		return true, &attendance.Error{Code: attendance.CodeMalformed, Op: p.op, Err: errTooLarge,
			Detail: fmt.Sprintf("the answer is larger than %d bytes (HTTP %d, %s)", c.maxBody(), got.Status, contentType(got.Header))}
	case err != nil:
		reply.Body = nil
		return true, c.network(ctx, p, err, fmt.Sprintf("the connection to %s%s broke in the middle of the answer, after %d bytes: ", p.url.Host, c.through(req), len(got.Body)))
	}
	got.Sent, got.SentAt = reply.Sent+1, reply.SentAt
	err = c.judge(p, got)
	if e, ok := err.(*attendance.Error); ok && e.Detail != "" && (e.Code == attendance.CodeMalformed || e.Code == attendance.CodeUnavailable) { //nolint:errorlint // judge returns it bare
		e.Detail += c.through(req)
	}
	return true, err
}

// through says by which proxy a request went, where it went by one.
func (c *Client) through(req *http.Request) string {
	if via := c.way.proxyOf(req); via != nil {
		return " through " + via.text().EN
	}
	return ""
}

// network words an error of the network. The error values of the standard
// library for time-outs claim to be context.DeadlineExceeded; ours must not,
// because context errors mean that the caller ended the call.
func (c *Client) network(ctx context.Context, p *call, err error, what string) error {
	if ended := contextError(ctx); ended != nil {
		return ended
	}
	if refusal, ok := errors.AsType[*proxyRefusal](err); ok {
		return refusal.error(p.op)
	}
	native := wireTrouble(p.hidden.err(err), p.Confidential)
	if errors.Is(native, context.Canceled) || errors.Is(native, context.DeadlineExceeded) {
		native = errors.New(native.Error())
	}
	return &attendance.Error{Code: attendance.CodeUnavailable, Op: p.op, Detail: what + native.Error(), Err: native}
}

// wireTrouble keeps an error of the network that is none of an address or an answer:
// such errors quote them. A proxy's address holds its password.
func wireTrouble(err error, confidential bool) error {
	text, ours := redact.Transport(err.Error())
	switch {
	case confidential && !ours && !isWire(err):
		return errors.New("the answer is not HTTP, or breaks off; it is not quoted, since it may hold a token")
	case text != err.Error():
		return errors.New(text)
	}
	return err
}

// isWire reports whether an error is one of names, connections or certificates.
func isWire(err error) bool {
	_, network := errors.AsType[net.Error](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	return network || certificate || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// bare takes the cause out of a *url.Error, which prints the whole address.
func bare(err error) error {
	for {
		e, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = e.Err
	}
}

// unreached reports whether the error came before there was a connection.
func unreached(err error) bool {
	if _, ok := errors.AsType[*proxyRefusal](err); ok {
		return true
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

func (c *Client) maxBody() int64 {
	if c.MaxBody > 0 {
		return c.MaxBody
	}
	return defaultMaxBody
}

var errTooLarge = errors.New("provider: the answer is too large")

// readBody reads a whole body, of known length or not.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, errTooLarge
	}
	var b bytes.Buffer
	if n := resp.ContentLength; n > 0 {
		b.Grow(int(min(n, 4<<20)) + bytes.MinRead) // a length that lies costs 4 MiB at most
	}
	n, err := b.ReadFrom(io.LimitReader(resp.Body, limit+1))
	switch {
	case n > limit:
		return nil, errTooLarge
	case err != nil:
		return b.Bytes(), err
	case n < resp.ContentLength && !resp.Uncompressed:
		return b.Bytes(), io.ErrUnexpectedEOF // transports other than net/http's may not notice
	}
	return b.Bytes(), nil
}

// judge turns an answer into its error, or nil.
func (c *Client) judge(p *call, r Reply) error {
	err := c.read(r)
	if err == nil {
		return nil
	}
	e, ok := err.(*attendance.Error) //nolint:errorlint // one that wraps another is worded by asError
	if !ok {
		e = asError(err)
	}
	hidden := p.hidden.with(r.Body)
	unquoted := r.Confidential && e.Code == attendance.CodeMalformed && (e.Err == nil || errors.Is(e.Err, attendance.ErrForeign)) // NotJSON's, which tells the length
	if !unquoted && hidden.found(r.Body) {
		e = hidden.again(e, r, c.read)
	}
	said := *e
	if said.Op == "" {
		said.Op = p.op
	}
	said.Detail = hidden.text(said.Detail)
	said.Mend.EN, said.Mend.ZH = hidden.text(said.Mend.EN), hidden.text(said.Mend.ZH)
	said.Err = hidden.err(said.Err)
	if said.Code == attendance.CodeMalformed || said.Code == attendance.CodeUnknown || said.Code == "" {
		switch {
		case r.Status >= 500:
			said.Code = attendance.CodeUnavailable
		case r.Status == http.StatusTooManyRequests:
			said.Code = attendance.CodeThrottled
		}
	}
	if said.Code.Temporary() {
		said.RetryAfter = max(said.RetryAfter, c.retryAfter(r.Header))
	}
	return &said
}

// read classifies an answer.
func (c *Client) read(r Reply) error {
	if r.Status >= 300 && r.Status < 400 {
		return redirected(r)
	}
	var err error
	if c.Classify != nil {
		err = c.Classify(r)
	} else if err = NotJSON(r); err == nil && r.Status >= 300 {
		code := attendance.CodeRequest
		if r.Status >= 500 || r.Status == http.StatusTooManyRequests {
			code = attendance.CodeUnknown // judge knows better
		}
		err = &attendance.Error{Code: code, Detail: "HTTP " + strconv.Itoa(r.Status) + ": " + quoteOf(r)}
	}
	if err == nil && r.Status >= 500 {
		err = &attendance.Error{Code: attendance.CodeUnavailable, Detail: "HTTP " + strconv.Itoa(r.Status) + ": " + quoteOf(r)}
	}
	return err
}

// asError makes an *attendance.Error of what a Classify returned instead of one.
func asError(err error) *attendance.Error {
	e := &attendance.Error{Code: attendance.CodeOf(err), Detail: err.Error(), Err: err}
	if inner, ok := errors.AsType[*attendance.Error](err); ok {
		e.Mend, e.RetryAfter = inner.Mend, inner.RetryAfter
	}
	return e
}

// retryAfter reads the header Retry-After, in both its forms. A date is compared
// with the platform's own clock, where the answer shows it.
func (c *Client) retryAfter(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), int64(365*24*time.Hour/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = c.now()
	}
	return max(0, at.Sub(now))
}
