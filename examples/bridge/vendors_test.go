package main

import (
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// No SQL Server and no Oracle runs here. That the drivers are in the program, and
// that it says the right thing when nobody answers or nonsense does, is all that
// this shows.
func TestServersThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("220 mail.example.com\r\n"))
			_ = c.Close()
		}
	}()
	for _, c := range []struct{ name, driver, dsn string }{
		{"sqlserver", "sqlserver", "sqlserver://nobody:geheim@127.0.0.1:1?database=ecology"},
		{"sqlserver without a word of TDS", "sqlserver", "sqlserver://nobody:geheim@" + listener.Addr().String() + "?database=ecology&encrypt=disable"},
		{"oracle", "oracle", "oracle://nobody:geheim@127.0.0.1:1/ecology"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, "e9")
			s.ordinary()
			s.oa = []string{"driver: " + c.driver, fmt.Sprintf("dsn: %q", c.dsn), "ledger: true"}
			r := s.bridge("run", "daily")
			require.Equal(t, 1, r.code, "%s%s", r.stdout, r.stderr)
			require.Contains(t, r.stdout, `"code": "store`)
			require.NotContains(t, r.stdout+r.stderr, "geheim")
		})
	}
}
