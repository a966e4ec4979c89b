package wecom

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// clientOf returns a client of the fake, at the current time of the bubble.
func clientOf(t testing.TB, s *wecomtest.Server, change func(*Config)) *Client {
	t.Helper()
	cfg := Config{CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret, HTTP: s.Client()}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

// bubble runs a test on virtual time. The clock begins at 2000-01-01 00:00 UTC,
// 08:00 in Beijing.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// staff adds people to the fake and returns their userids.
func staff(fake *wecomtest.Server, n int) []string {
	accounts := make([]string, n)
	for i := range accounts {
		accounts[i] = fmt.Sprintf("staff%04d", i)
		fake.AddUser(wecomtest.User{ID: accounts[i], Name: "测试"})
	}
	return accounts
}

// quick sends without spacing, for tests that are not about it.
func quick(c *Config) { c.Limiter, c.PerMinute = rate.NewLimiter(rate.Inf, 1), -1 }

// withContact also knows the secret of 通讯录同步.
func withContact(c *Config) { c.ContactSecret = wecomtest.DefaultContactSecret }

// fetch asks for some accounts over a span.
func fetch(t testing.TB, c *Client, s attendance.Span, accounts ...string) (attendance.Answer, error) {
	t.Helper()
	return c.CheckIns().Fetch(context.Background(), attendance.Query{Accounts: accounts, Span: s})
}

// lastDay is the 24 hours before the bubble's now, in Beijing.
func lastDay() attendance.Span {
	now := time.Now().In(shanghai())
	return attendance.Span{From: now.Add(-24 * time.Hour), To: now}
}

// replyOf is an answer as it is classified.
func replyOf(body []byte) provider.Reply {
	return provider.Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

func jsonBody(t testing.TB, v any) io.Reader {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return bytes.NewReader(data)
}
