package fake

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// Transport serves answers in process: no socket, no goroutine. Each is made in
// the caller's goroutine, whatever host the request names. A request whose
// context has ended is not sent. Waiting is the answer's own ([Hang],
// [Desk.Latency]) or the body's ([CutSlow]), on timers and channels, so it works
// inside a testing/synctest bubble.
func Transport(answer func(*http.Request) Answer) http.RoundTripper { return transport(answer) }

type transport func(*http.Request) Answer

func (answer transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a := answer(r)
	if a.Err != nil {
		return nil, a.Err
	}
	length := int64(len(a.Body))
	b := &body{buffer: a.buffer, rest: a.Body, cut: a.Cut, ctx: r.Context()}
	if a.Cut != 0 {
		b.rest = a.Body[:len(a.Body)/2]
		b.closed = make(chan struct{})
	}
	return &http.Response{
		Status:     strconv.Itoa(a.Status) + " " + http.StatusText(a.Status),
		StatusCode: a.Status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        a.headers(make(http.Header, 4)),
		Body:          b,
		ContentLength: length,
		Request:       r,
	}, nil
}

// body is the body of an in-process answer. Closing it gives its memory back.
type body struct {
	ctx    context.Context
	cut    Cut
	closed chan struct{}

	mu     sync.Mutex
	done   bool
	rest   []byte
	buffer *Buffer
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
	case b.cut == CutShort:
		return 0, io.ErrUnexpectedEOF
	case b.cut == CutSlow:
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
	b.buffer.giveBack()
	b.buffer = nil
	return nil
}
