package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// delayed answers as platforms do, not at once.
func delayed(platform http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(2+rand.IntN(15)) * time.Millisecond)
		platform.ServeHTTP(w, r)
	})
}

// Two bridges of one application end each other's tokens with each that they fetch.
// None is refused, hardly a slice fails, and the next run makes up for what did.
func TestTwoBridgesOfOneApplication(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"dingtalk", "wecom"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			sites, punch := rivals(t, kind)
			rounds, whole := byLength(50, 4), 0
			for round := range rounds {
				punch(round)
				codes := runAll(sites)
				require.NotContains(t, codes, 3, "round %d", round)
				if codes[0]+codes[1] == 0 {
					whole++
					continue
				}
				for i, s := range sites {
					if codes[i] != 0 {
						r := s.backfill()
						require.Equal(t, 0, r.code, "%s %s", r.stdout, r.stderr)
					}
				}
			}
			require.GreaterOrEqual(t, whole, rounds*48/50)
			for _, s := range sites {
				require.Len(t, s.rows(signRows), rounds*5, "no punch is lost")
			}
		})
	}
}

// rivals are two sites with the same application of one platform that lets one token
// live at a time. punch adds a punch of each person for a round.
func rivals(t *testing.T, kind string) (sites [2]*site, punch func(round int)) {
	clock := func(round int) string { return fmt.Sprintf("%02d %02d:00:00", 2+round%6, 6+round/6) }
	var platform http.Handler
	if kind == "dingtalk" {
		s := newSite(t, "e8")
		other := newSite(t, "e8")
		s.ding = dingtalktest.New(&dingtalktest.Options{Now: noon, QPS: -1, NewTokenEndsOlder: true})
		s.ding.AddDepartment(dingtalktest.Department{ID: 50, Parent: 1, Name: "全体"})
		for id := 17; id <= 21; id++ {
			s.user(id, "员工")
		}
		platform, sites = s.ding, [2]*site{s, other}
		punch = func(round int) {
			for id := 17; id <= 21; id++ {
				s.punch(id, clock(round), "OnDuty")
			}
		}
	} else {
		s := newWecomSite(t, wecomtest.Options{NewTokenEndsOlder: true})
		other := newWecomSite(t, wecomtest.Options{})
		platform, sites = s.wx, [2]*site{s.site, other.site}
		punch = func(round int) {
			for id := 17; id <= 21; id++ {
				s.punch(id, clock(round), "上班打卡")
			}
		}
	}
	server := httptest.NewServer(delayed(platform))
	t.Cleanup(server.Close)
	for _, s := range sites {
		for i, line := range s.provider {
			s.provider[i] = strings.ReplaceAll(line, s.url, server.URL)
		}
	}
	return sites, punch
}

// runAll lets all sites read five months at the same time, which takes many calls.
func runAll(sites [2]*site) (codes [2]int) {
	var wg sync.WaitGroup
	for i, s := range sites {
		cmd := s.command("backfill", "daily", "-from", "2025-10-01", "-to", "2026-03-08")
		wg.Go(func() { codes[i] = s.finish(cmd).code })
	}
	wg.Wait()
	return codes
}

// A platform that gives tokens and rejects each has refused the application, and it is
// known soon. A few that it rejects are no more than trouble.
func TestRejectedTokens(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"run", "check"} {
		t.Run("dingtalk "+command, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "e8")
			s.ordinary()
			s.provider = set(s.provider, "field_check_ins: true")
			rejected(t, s, command, "daily", s.ding.RejectTokens, func() int { return s.tokens() }, func() int { return s.ding.Requests("") })
		})
		t.Run("wecom "+command, func(t *testing.T) {
			t.Parallel()
			s := newWecomSite(t, wecomtest.Options{})
			s.ordinary()
			rejected(t, s.site, command, "daily", s.wx.RejectTokens, func() int { return s.wx.Requests(wecomtest.PathToken) }, func() int { return s.wx.Requests("") })
		})
	}
}

func rejected(t *testing.T, s *site, command, job string, reject func(int), tokens, requests func() int) {
	args := map[string][]string{"run": {"run", job}, "check": {"check"}}[command]
	reject(-1)
	r := s.bridge(args...)
	require.Equal(t, 3, r.code, r.stdout)
	require.Contains(t, r.stdout, `"credentials"`)
	require.Contains(t, r.stdout, "5 fresh ones in a row")
	require.Contains(t, r.stdout, "各自的应用")
	require.NotContains(t, r.stdout, "Secret was reset", "the secret is good: it has got tokens")
	require.Equal(t, 5, tokens())
	require.Equal(t, 10, requests())
	require.Empty(t, s.rows(signRows))

	for _, n := range []int{2, 4} {
		reject(n)
		r = s.bridge(args...)
		require.Equal(t, 0, r.code, "%d rejected: %s", n, r.stdout)
	}
	if command == "run" {
		require.Len(t, s.rows(signRows), ordinaryRows-10, "the 2nd lies behind the look-back")
	}
}

// Slices whose fresh tokens are all rejected fail; the run goes on.
func TestSlicesWithRejectedTokens(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	var once sync.Once
	h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == dingtalktest.PathListRecord {
			once.Do(func() { s.ding.RejectTokens(3) })
		}
		s.ding.ServeHTTP(w, r)
	}))
	s.handler.Store(&h)
	r := s.bridge("backfill", "daily", "-from", "2026-01-01", "-to", "2026-03-08") // ten slices
	require.Equal(t, 1, r.code, r.stdout)
	require.NotEmpty(t, r.document.Failed)
	require.Less(t, len(r.document.Failed), 6, "those that were under way")
	for _, f := range r.document.Failed {
		require.Equal(t, "unavailable", f.Code)
		require.Contains(t, f.Message, "3 fresh tokens")
	}
	require.Contains(t, r.document.Error.Mend, "another program")
	require.Contains(t, r.document.Error.Mend, "另有程序")
	r = s.bridge("backfill", "daily", "-from", "2026-01-01", "-to", "2026-03-08")
	require.Equal(t, 0, r.code, r.stdout)
	require.Len(t, s.rows(signRows), ordinaryRows)
}
