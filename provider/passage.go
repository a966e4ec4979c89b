package provider

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// rememberProxy is how long a proxy that has refused the login is not asked again.
const rememberProxy = 10 * time.Minute

// A passage is the way to the platforms: a transport, and what the proxies on it have
// said. A login that a proxy has refused is not tried again for a while, whichever
// call, application or platform it would be for.
type passage struct {
	transport http.RoundTripper
	now       func() time.Time

	mu      sync.Mutex // guards refused
	refused map[string]*refusedLogin
}

type refusedLogin struct {
	refusal *proxyRefusal
	at      time.Time
}

// HTTPClient returns a client like given that remembers for ten minutes which proxy
// has refused its login, and does not try it again so long: proxies lock accounts.
// [Client] makes one for itself; hosts make one for several applications, and give it
// to each. Nil is a client with a transport of its own, which uses the proxy of the
// environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY, as [http.ProxyFromEnvironment]
// reads them). given stays as it is; one that HTTPClient has made is returned.
func HTTPClient(given *http.Client) *http.Client {
	if given == nil {
		return &http.Client{Transport: newPassage(ownTransport(http.ProxyFromEnvironment))}
	}
	if _, already := given.Transport.(*passage); already {
		return given
	}
	own := *given // so that the host's client stays as it is
	if own.Transport == nil {
		own.Transport = http.DefaultTransport //nolint:forbidigo // which is what a client of a host's without one means
	}
	own.Transport = newPassage(own.Transport)
	return &own
}

func ownTransport(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		OnProxyConnectResponse: connected,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
	}
}

// connected tells a proxy's answer to CONNECT by more than the text of its status.
func connected(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return answeredBy(answer.StatusCode, answer.Header, nil, "")
}

func newPassage(transport http.RoundTripper) *passage {
	return &passage{transport: transport, now: clock(nil), refused: map[string]*refusedLogin{}}
}

// RoundTrip sends a request, unless its proxy has refused the login a while ago.
func (p *passage) RoundTrip(req *http.Request) (*http.Response, error) {
	via, host := p.proxyOf(req), req.URL.Host
	if known := p.recall(via, host); known != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, known
	}
	resp, err := p.transport.RoundTrip(req)
	var refusal *proxyRefusal
	switch {
	case err != nil:
		refusal = refusalOf(err, via, host)
	case resp.StatusCode == http.StatusProxyAuthRequired: // of a request that is not encrypted
		refusal = answeredBy(resp.StatusCode, resp.Header, via, host)
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
		_ = resp.Body.Close()
	}
	if refusal == nil {
		return resp, err
	}
	p.note(via, host, refusal)
	return nil, refusal
}

// proxyOf returns the proxy of a request, nil for none.
func (p *passage) proxyOf(req *http.Request) *proxy { return proxyOf(p.transport, req) }

// CloseIdleConnections closes those of the transport.
func (p *passage) CloseIdleConnections() {
	if t, ok := p.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// place is by what a refusal is remembered: the proxy, or the platform where none is
// known.
func place(via *proxy, host string) string {
	if via != nil && via.host != "" {
		return "proxy " + via.host
	}
	return "host " + host
}

func (p *passage) recall(via *proxy, host string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, ok := p.refused[place(via, host)]
	if !ok || p.now().Sub(kept.at) >= rememberProxy {
		return nil
	}
	again := *kept.refusal
	again.proxy, again.target, again.known = via, host, true
	return &again
}

func (p *passage) note(via *proxy, host string, r *proxyRefusal) {
	if !r.login {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused[place(via, host)] = &refusedLogin{r, p.now()}
}
