package provider_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// A desk is a platform on which one token of an application lives at a time.
type desk struct {
	mu      sync.Mutex
	given   int
	current int
	rejects int // so many of the next tokens are rejected; negative: all
	same    bool
}

// fetch gives a token, and ends the one before.
func (d *desk) fetch(context.Context) (provider.Token, error) {
	time.Sleep(time.Duration(50+rand.IntN(50)) * time.Millisecond)
	d.mu.Lock()
	d.given++
	d.current = d.given
	if d.rejects != 0 {
		d.current = 0
		d.rejects--
	}
	value := fmt.Sprint("token-", d.given)
	if d.same {
		value = "token"
	}
	d.mu.Unlock()
	time.Sleep(time.Duration(50+rand.IntN(50)) * time.Millisecond)
	return provider.Token{Value: value, Expires: time.Now().Add(2 * time.Hour)}, nil
}

// call is one call of a business.
func (d *desk) call(token string) (provider.Reply, error) {
	time.Sleep(time.Duration(50+rand.IntN(50)) * time.Millisecond)
	d.mu.Lock()
	good := d.current != 0 && (d.same || token == fmt.Sprint("token-", d.current))
	d.mu.Unlock()
	time.Sleep(time.Duration(50+rand.IntN(50)) * time.Millisecond)
	if !good {
		return provider.Reply{Sent: 1}, &attendance.Error{Code: attendance.CodeCredentials, Detail: "40014", Err: provider.ErrToken}
	}
	return provider.Reply{Sent: 1}, nil
}

// work makes so many calls by so many workers, and returns what came of them.
func (d *desk) work(ctx context.Context, source provider.TokenSource, calls, workers int) map[attendance.Code]int {
	var (
		wg    sync.WaitGroup
		left  atomic.Int64
		mu    sync.Mutex
		codes = map[attendance.Code]int{}
	)
	left.Store(int64(calls))
	for range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				_, err := provider.WithToken(ctx, source, d.call)
				mu.Lock()
				codes[attendance.CodeOf(err)]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return codes
}

// Programs that end each other's tokens take turns: none of them is refused, and all
// calls of two are made; of more, next to all.
func TestRivals(t *testing.T) {
	for programs, lost := range map[int]int{2: 0, 3: 8} {
		for round := range 50 {
			synctest.Test(t, func(t *testing.T) {
				var d desk
				var wg sync.WaitGroup
				for range programs {
					wg.Go(func() {
						time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
						codes := d.work(t.Context(), provider.NewTokens(d.fetch, nil), 200, 4)
						require.Zero(t, codes[attendance.CodeCredentials], "round %d", round)
						require.LessOrEqual(t, codes[attendance.CodeUnavailable], lost, "round %d", round)
						require.Equal(t, 200, codes[""]+codes[attendance.CodeUnavailable])
					})
				}
				wg.Wait()
				require.Less(t, d.given, 60, "a token serves many calls")
			})
		}
	}
}

// A program that fetches a token whenever it likes keeps nobody from working.
func TestRivalWithoutManners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d desk
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				_, _ = d.fetch(ctx)
				time.Sleep(5 * time.Second)
			}
		})
		codes := d.work(t.Context(), provider.NewTokens(d.fetch, nil), 1000, 4)
		require.Zero(t, codes[attendance.CodeCredentials])
		require.Less(t, codes[attendance.CodeUnavailable], 10)
		stop()
		wg.Wait()
	})
}

// What an application that is refused costs, and how soon it is known.
func TestEveryTokenRejected(t *testing.T) {
	for _, same := range []bool{false, true} {
		for workers := 1; workers <= 4; workers++ {
			synctest.Test(t, func(t *testing.T) {
				d := desk{rejects: -1, same: same}
				tokens := provider.NewTokens(d.fetch, nil)
				began := time.Now()
				codes := d.work(t.Context(), tokens, 100, workers)
				require.Equal(t, 5, d.given)
				require.Equal(t, workers, codes[attendance.CodeUnavailable], "who tried three before anybody had tried five")
				require.Equal(t, 100-workers, codes[attendance.CodeCredentials])
				require.Less(t, time.Since(began), 20*time.Second)
				require.Greater(t, time.Since(began), 4*time.Second)
			})
		}
	}
}

func TestSomeTokensRejected(t *testing.T) {
	refused, unavailable := attendance.CodeCredentials, attendance.CodeUnavailable
	for n, want := range map[int][]attendance.Code{
		0: {"", ""}, 1: {"", ""}, 2: {"", ""}, 3: {unavailable, ""}, 4: {unavailable, ""}, 5: {unavailable, refused},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := desk{rejects: n}
			tokens := provider.NewTokens(d.fetch, nil)
			for _, code := range want {
				_, err := provider.WithToken(t.Context(), tokens, d.call)
				require.Equal(t, code, attendance.CodeOf(err), "%d rejected", n)
			}
			require.Equal(t, min(5, n+1), d.given)
		})
	}
	// What depends on a call is known after five.
	for n, want := range map[int]attendance.Code{2: "", 3: "", 4: "", 5: refused, -1: refused} {
		synctest.Test(t, func(t *testing.T) {
			d := desk{rejects: n}
			reply, err := provider.WithTokenTwice(t.Context(), provider.NewTokens(d.fetch, nil), d.call)
			require.Equal(t, want, attendance.CodeOf(err), "%d rejected", n)
			require.Equal(t, d.given, reply.Sent)
		})
	}
}

// Calls that find the same token rejected count it once.
func TestOneTokenOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := desk{rejects: 2}
		codes := d.work(t.Context(), provider.NewTokens(d.fetch, nil), 64, 64)
		require.Equal(t, map[attendance.Code]int{"": 64}, codes)
		require.Equal(t, 3, d.given)
	})
}

// A token that has lived is replaced at once, one that ends early is not.
func TestWaitBeforeFreshTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := 0
		n := 0
		tokens := provider.NewTokens(func(context.Context) (provider.Token, error) {
			n++
			return provider.Token{Value: fmt.Sprint(n)}, nil
		}, &provider.TokenOptions{Backoff: func() backoff.BackOff { waits++; return backoff.NewConstantBackOff(7 * time.Second) }})
		dead := ""
		call := func(token string) (provider.Reply, error) {
			if token <= dead {
				return provider.Reply{}, provider.ErrToken
			}
			return provider.Reply{}, nil
		}
		took := func(ends string) time.Duration {
			dead = ends
			began := time.Now()
			_, err := provider.WithToken(t.Context(), tokens, call)
			require.NoError(t, err)
			return time.Since(began)
		}
		require.Zero(t, took(""))
		time.Sleep(5 * time.Minute)
		require.Zero(t, took("1"), "it has lived")
		time.Sleep(time.Minute)
		require.Equal(t, 7*time.Second, took("2"))
		require.Equal(t, 14*time.Second, took("4"))
		require.Equal(t, 1, waits, "one policy")

		// A wait that the call has no time for is its end.
		dead = "5"
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, err := provider.WithToken(ctx, tokens, call)
		require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
		require.ErrorContains(t, err, "longer than this call may take")
		require.Zero(t, time.Since(began))

		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		_, err = provider.WithToken(ctx, tokens, call)
		require.Equal(t, context.Canceled, err, "bare")
	})
}

// A plain source is one of a host's own, which knows nothing of records.
type plain struct{ d *desk }

func (p plain) Token(ctx context.Context) (string, error) {
	token, err := p.d.fetch(ctx)
	return token.Value, err
}
func (plain) Invalidate(string) {}

func TestSourcesOfHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := desk{rejects: -1}
		for range 4 {
			_, err := provider.WithToken(t.Context(), plain{&d}, d.call)
			require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err), "each call by itself")
		}
		require.Equal(t, 12, d.given)

		source := provider.Judged(plain{&d})
		require.Equal(t, source, provider.Judged(source))
		tokens := provider.NewTokens(d.fetch, nil)
		require.Equal(t, provider.TokenSource(tokens), provider.Judged(tokens))
		require.Nil(t, provider.Judged(nil))
		d.given = 0
		_, err := provider.WithTokenTwice(t.Context(), source, d.call)
		require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err), "with a record it is refused")
		require.Equal(t, 5, d.given)
	})
}

// A complaint about what comes after the token shows that the token is good.
func TestWhatShowsAGoodToken(t *testing.T) {
	for code, shows := range map[attendance.Code]bool{
		"": true, attendance.CodePermission: true, attendance.CodeAccount: true, attendance.CodeSpan: true,
		attendance.CodeUnavailable: false, attendance.CodeThrottled: false, attendance.CodeMalformed: false, attendance.CodeUnknown: false,
	} {
		synctest.Test(t, func(t *testing.T) {
			d := desk{rejects: -1}
			tokens := provider.NewTokens(d.fetch, nil)
			_, err := provider.WithToken(t.Context(), tokens, d.call)
			require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
			_, _ = provider.WithToken(t.Context(), tokens, func(string) (provider.Reply, error) {
				if code == "" {
					return provider.Reply{}, nil
				}
				return provider.Reply{}, &attendance.Error{Code: code}
			})
			_, err = provider.WithToken(t.Context(), tokens, d.call)
			require.Equal(t, shows, attendance.CodeOf(err) == attendance.CodeUnavailable, "%q: %v", code, err)
		})
	}
}
