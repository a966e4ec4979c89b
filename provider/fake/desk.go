package fake

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody is how much of a request's body is read: no call of the platforms that
// are faked here has a body beyond some kilobytes.
const maxBody = 1 << 20

// A Desk is where requests are received: it reads and counts them, lets them
// wait, has them answered and logs them. Its fields are set before its first use.
type Desk struct {
	// Now is the platform's clock. It must be set.
	Now func() time.Time
	// Latency is how long every answer takes. It is waited for on the clock of
	// package time, so it is virtual inside a synctest bubble.
	Latency time.Duration
	// Log counts the requests and holds the latest. It must be set.
	Log *Log
	// Secrets are query parameters that the log leaves out.
	Secrets []string
}

// A Call is one request on its way through a fake.
type Call struct {
	Method string
	// Host is the host that the request names, without its port.
	Host string
	Path string
	// Query is the query; a parameter that came twice is there twice.
	Query  url.Values
	Header http.Header
	// Body is the whole body, empty where there was none.
	Body []byte
	// Now is when the request came, on the platform's clock.
	Now time.Time

	ctx context.Context
}

// Context is the request's context.
func (c *Call) Context() context.Context { return c.ctx }

// Receive has one request answered. It blocks only for the latency, which the
// request's context ends, and for what answer does.
//
// Every request that could be read is counted; one whose caller gave up while it
// waited is not answered and not logged.
func (d *Desk) Receive(r *http.Request, answer func(*Call) Answer) Answer {
	c := &Call{Method: r.Method, Host: r.Host, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header, Now: d.Now(), ctx: r.Context()}
	if c.Host == "" {
		c.Host = r.URL.Host
	}
	c.Host, _, _ = strings.Cut(c.Host, ":")
	if r.Body != nil {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			return Answer{Err: err}
		}
		c.Body = body
	}
	number := d.Log.count(c.Path)
	if err := d.wait(r.Context()); err != nil {
		return Answer{Err: err}
	}
	a := answer(c)
	a.Date = c.Now
	if d.Log.size > 0 {
		for _, name := range d.Secrets {
			c.Query.Del(name)
		}
		d.Log.add(Request{
			Number: number, Method: c.Method, Path: c.Path, Query: c.Query, Body: string(c.Body),
			Time: c.Now, Status: a.Status, Code: a.Code,
		})
	}
	return a
}

func (d *Desk) wait(ctx context.Context) error {
	if d.Latency <= 0 {
		return nil
	}
	timer := time.NewTimer(d.Latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
