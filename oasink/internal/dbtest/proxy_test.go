package dbtest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

// A proxy stands between a pool and its server and can break their connections.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	links map[*link]bool
}

// A link is one connection through the proxy.
type link struct {
	client, server net.Conn
	mu             sync.Mutex
	deaf           bool // the server's next answer breaks the connection instead of arriving
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// through puts a proxy before the database and returns it and the database as
// seen through it.
func through(t *testing.T, d database) (*proxy, database) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, links: make(map[*link]bool)}
	if d.name == mariadbName {
		config, err := mysql.ParseDSN(d.dsn)
		require.NoError(t, err)
		p.server, config.Addr = config.Addr, listener.Addr().String()
		d.dsn = config.FormatDSN()
	} else {
		dsn, err := url.Parse(d.dsn)
		require.NoError(t, err)
		p.server, dsn.Host = dsn.Host, listener.Addr().String()
		d.dsn = dsn.String()
	}
	var group sync.WaitGroup
	group.Go(func() { p.serve(&group) })
	t.Cleanup(func() {
		_ = listener.Close()
		p.cut()
		group.Wait()
	})
	return p, d
}

func (p *proxy) serve(group *sync.WaitGroup) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		l := &link{client: client, server: server}
		p.mu.Lock()
		p.links[l] = true
		p.mu.Unlock()
		group.Go(func() {
			_, _ = io.Copy(server, client)
			l.close()
		})
		group.Go(func() {
			l.answers()
			l.close()
			p.mu.Lock()
			delete(p.links, l)
			p.mu.Unlock()
		})
	}
}

// answers passes the server's answers on.
func (l *link) answers() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := l.server.Read(buffer)
		l.mu.Lock()
		deaf := l.deaf
		l.mu.Unlock()
		if err != nil || deaf {
			return
		}
		if _, err := l.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// cut breaks all connections.
func (p *proxy) cut() { p.each((*link).close) }

// deafen breaks each connection at the server's next answer: what was asked for is
// done, and nobody hears of it.
func (p *proxy) deafen() {
	p.each(func(l *link) {
		l.mu.Lock()
		l.deaf = true
		l.mu.Unlock()
	})
}

func (p *proxy) each(f func(*link)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		f(l)
	}
}
