package main

import (
	"bytes"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider/fake"
	"github.com/punchbridge/punchbridge/provider/providertest"
)

func TestPunches(t *testing.T) {
	providertest.Run(t, newUpstream, providertest.Features{Directions: true, IDs: true})
}

const printed = `1,200 read, 1,200 written, 0 there already; 120 people, 4 slices, 5 calls
1,200 read, 0 written, 1,200 there already; 120 people, 4 slices, 5 calls
`

func TestRun(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	require.Equal(t, printed, out.String())
}

// An upstream is the fake acme in the hands of the kit.
type upstream struct{ *Platform }

func newUpstream(testing.TB) providertest.Upstream { return upstream{NewPlatform()} }

func (u upstream) Provider(testing.TB) attendance.Provider {
	return NewPunches(secret, u.Transport())
}

func (u upstream) Accounts(testing.TB) []string {
	accounts := make([]string, 101)
	for i := range accounts {
		accounts[i] = "u" + strconv.Itoa(i)
	}
	return accounts
}

func (u upstream) Put(_ testing.TB, punches ...attendance.Punch) { u.Platform.Put(punches...) }

func (u upstream) Requests(testing.TB) int { return u.desk.Log.Requests("/records") }

func (u upstream) TokenRequests(testing.TB) int { return u.desk.Log.Requests("/token") }

func (u upstream) Secrets() []string { return []string{secret, "acme-token-1", "acme-token-2"} }

func (u upstream) Fail(_ testing.TB, f providertest.Fault) bool {
	always := func(a fake.Answer) func(*fake.Call) fake.Answer {
		return func(*fake.Call) fake.Answer { return a }
	}
	t := trouble{path: "/records", account: f.Account}
	switch f.Kind {
	case providertest.TokenExpired:
		u.mu.Lock()
		defer u.mu.Unlock()
		u.token++
		return true
	case providertest.TokenRejected:
		t.answer = always(refuse(402, "the token is not valid"))
	case providertest.BadSecret:
		t.path, t.answer = "/token", always(refuse(401, "the secret "+secret+" is wrong"))
	case providertest.Throttled:
		t.answer = always(refuse(429, "slow down"))
	case providertest.Busy:
		t.answer = always(refuse(503, "come back later"))
	case providertest.Forbidden:
		t.answer = always(refuse(403, "the right records.read is missing"))
	case providertest.BadAccount:
		t.answer = always(refuse(404, "no such user: "+f.Account))
	case providertest.Garbage:
		t.answer = always(fake.Page(http.StatusOK, "Sign in"))
	case providertest.HalfBody:
		t.answer = func(c *fake.Call) fake.Answer {
			a := say(map[string]any{"code": 0, "rows": []string{}, "more": false})
			a.Cut = fake.CutShort
			return a
		}
	case providertest.Reset:
		t.answer = always(fake.Reset())
	case providertest.Slow:
		t.answer = func(c *fake.Call) fake.Answer { return fake.Hang(c.Context()) }
	default:
		return false
	}
	u.faults.Add(t, 0, f.Times)
	return true
}
