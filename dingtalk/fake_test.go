package dingtalk

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/provider"
)

// shanghai is the zone of the test job.
func shanghai() *time.Location { return time.FixedZone("Asia/Shanghai", 8*3600) }

// fixture reads a sample answer.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

// clientOf returns a client of the fake, at the current time of the bubble.
func clientOf(t testing.TB, s *dingtalktest.Server, change func(*Config)) *Client {
	t.Helper()
	cfg := Config{AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret, HTTP: s.Client()}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

// at is a moment of Beijing time.
func at(t testing.TB, text string) time.Time {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04:05.999999999", text, shanghai())
	require.NoError(t, err)
	return moment
}

// until is the span of Beijing time from 2026-03-02 00:00:00 on.
func until(t testing.TB, to string) attendance.Span {
	t.Helper()
	return attendance.Span{From: at(t, "2026-03-02 00:00:00"), To: at(t, to)}
}

// march is a clock that stands at 2026-03-31.
func march() time.Time { return time.Date(2026, 3, 31, 12, 0, 0, 0, shanghai()) }

// reply is an answer as classify sees it.
func reply(status int, body string) provider.Reply {
	return provider.Reply{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}
}

func jsonBody(t testing.TB, v any) io.Reader {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return bytes.NewReader(data)
}

func readAll(t testing.TB, r io.Reader) []byte {
	t.Helper()
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	return data
}

func arrayOf(raw []byte) iter.Seq[[]byte] { return provider.Array(raw) }

// pass lets virtual time pass.
func pass(d time.Duration) { <-time.NewTimer(d).C }
