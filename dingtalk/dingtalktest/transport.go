package dingtalktest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// Transport serves the fake in process: no socket, no goroutine. It answers in
// the caller's goroutine, whatever host the request names, and honours the
// request's context. It waits only for [Options.Latency], [Hang] and [SlowBody],
// on timers and channels, so it works inside a testing/synctest bubble.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

// Client returns a new client on [Server.Transport], without a time-out.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s.Transport()} }

type transport struct{ server *Server }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a := t.server.handle(r)
	if a.err != nil {
		return nil, a.err
	}
	length := int64(len(a.body))
	b := &body{server: t.server, buffer: a.buffer, rest: a.body, cut: a.cut, ctx: r.Context()}
	if a.cut != cutNot {
		b.rest = a.body[:len(a.body)/2]
		b.closed = make(chan struct{})
	}
	return &http.Response{
		Status:     strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode: a.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        a.headers(make(http.Header, 4)),
		Body:          b,
		ContentLength: length,
		Request:       r,
	}, nil
}

func (a *answer) headers(h http.Header) http.Header {
	kind := "application/json;charset=UTF-8"
	if a.html {
		kind = "text/html; charset=utf-8"
	}
	h["Content-Type"] = []string{kind}
	h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	h["Date"] = []string{a.date.UTC().Format(http.TimeFormat)}
	for name, values := range a.header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	return h
}

// body is the body of an in-process answer. Closing it gives its memory back,
// so that a benchmark measures the program and not the fake.
type body struct {
	server *Server
	ctx    context.Context
	cut    cut
	closed chan struct{}

	mu     sync.Mutex
	done   bool
	rest   []byte
	buffer *[]byte
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.done {
		b.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	b.mu.Unlock()
	switch {
	case n > 0 || len(p) == 0:
		return n, nil
	case b.cut == cutShort:
		return 0, io.ErrUnexpectedEOF
	case b.cut == cutSlow:
		select {
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		case <-b.closed:
			return 0, http.ErrBodyReadAfterClose
		}
	default:
		return 0, io.EOF
	}
}

func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return nil
	}
	b.done, b.rest = true, nil
	if b.closed != nil {
		close(b.closed)
	}
	b.server.recycle(b.buffer)
	b.buffer = nil
	return nil
}

// serve writes the answer to a real connection.
func (a *answer) serve(w http.ResponseWriter, r *http.Request) {
	if a.isReset {
		abort(w)
	}
	if a.err != nil {
		panic(http.ErrAbortHandler)
	}
	a.headers(w.Header())
	w.WriteHeader(a.status)
	if a.cut == cutNot {
		// A caller that has gone away is no concern of the fake's.
		_, _ = w.Write(a.body)
		return
	}
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
	if a.cut == cutSlow {
		<-r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

// abort closes the connection under the caller's feet, with a reset where the
// connection is TCP.
func abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}

// errReset is what a client sees of a reset connection.
func errReset() error {
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}

// hang waits until the caller gives up.
func hang(ctx context.Context) error {
	if ctx.Done() == nil {
		return errors.New("dingtalktest: a Hang needs a request whose context can end")
	}
	<-ctx.Done()
	return ctx.Err()
}
