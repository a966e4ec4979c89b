package provider_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// fetcher counts fetches and gives token-1, token-2, ... valid for two hours.
type fetcher struct {
	n    atomic.Int64
	busy atomic.Int64
	fail func(n int64) error
}

func (f *fetcher) fetch(ctx context.Context) (provider.Token, error) {
	if f.busy.Add(1) > 1 {
		panic("two fetches at once")
	}
	defer f.busy.Add(-1)
	n := f.n.Add(1)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return provider.Token{}, ctx.Err()
	}
	if f.fail != nil {
		if err := f.fail(n); err != nil {
			return provider.Token{}, err
		}
	}
	return provider.Token{Value: fmt.Sprintf("token-%d", n), Expires: time.Now().Add(2 * time.Hour)}, nil
}

func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fetcher
		tokens := provider.NewTokens(f.fetch, nil)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				token, err := tokens.Token(t.Context())
				require.NoError(t, err)
				require.Equal(t, "token-1", token)
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, f.n.Load())
	})
}

func TestRefreshAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fetcher
		tokens := provider.NewTokens(f.fetch, nil)
		want := func(token string) {
			t.Helper()
			got, err := tokens.Token(t.Context())
			require.NoError(t, err)
			require.Equal(t, token, got)
		}
		want("token-1")
		time.Sleep(110*time.Minute - time.Second)
		want("token-1")
		time.Sleep(2 * time.Second)
		want("token-2")

		// A failed early refresh costs nothing while the old token lives, and is
		// not tried again at once.
		f.fail = func(int64) error { return &attendance.Error{Code: attendance.CodeUnavailable} }
		time.Sleep(110 * time.Minute)
		want("token-2")
		want("token-2")
		require.EqualValues(t, 3, f.n.Load())
		time.Sleep(time.Minute)
		want("token-2")
		require.EqualValues(t, 4, f.n.Load())
		time.Sleep(10 * time.Minute)
		_, err := tokens.Token(t.Context())
		require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
		f.fail = nil
		want("token-6")
	})
}

func TestShortLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		tokens := provider.NewTokens(func(context.Context) (provider.Token, error) {
			n++
			return provider.Token{Value: "x", Expires: time.Now().Add(4 * time.Minute)}, nil
		}, nil)
		for range 60 { // five minutes
			_, err := tokens.Token(t.Context())
			require.NoError(t, err)
			time.Sleep(5 * time.Second)
		}
		require.Equal(t, 3, n, "replaced at half its life")
	})
	n := 0
	tokens := provider.NewTokens(func(context.Context) (provider.Token, error) { n++; return provider.Token{Value: "x"}, nil }, nil)
	for range 3 {
		_, err := tokens.Token(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, 1, n, "without expiry it is kept")
}

func TestWaitersAndLeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fetcher
		tokens := provider.NewTokens(f.fetch, nil)
		leader, stopLeader := context.WithCancel(t.Context())
		waiter, stopWaiter := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := tokens.Token(leader)
			require.Equal(t, context.Canceled, err, "bare")
			require.Equal(t, 600*time.Millisecond, sinceStart())
		})
		synctest.Wait()
		wg.Go(func() {
			_, err := tokens.Token(waiter)
			require.Equal(t, context.Canceled, err, "bare")
			require.Equal(t, 300*time.Millisecond, sinceStart())
		})
		for range 5 {
			wg.Go(func() {
				token, err := tokens.Token(t.Context())
				require.NoError(t, err)
				require.Equal(t, "token-2", token, "one of those who waited fetched again")
				require.Equal(t, 1600*time.Millisecond, sinceStart())
			})
		}
		time.Sleep(300 * time.Millisecond)
		stopWaiter()
		time.Sleep(300 * time.Millisecond)
		stopLeader()
		wg.Wait()
		require.EqualValues(t, 2, f.n.Load())
	})
}

// sinceStart is the time since the bubble's clock began.
func sinceStart() time.Duration { return time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) }

func TestRefusalIsTriedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusal := &attendance.Error{Code: attendance.CodeCredentials, Detail: "wrong secret"}
		f := fetcher{fail: func(int64) error { return refusal }}
		tokens := provider.NewTokens(f.fetch, nil)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := tokens.Token(t.Context())
				require.Equal(t, refusal, err)
			})
		}
		wg.Wait()
		time.Sleep(10*time.Minute - time.Second)
		tokens.Invalidate("anything")
		_, err := tokens.Token(t.Context())
		require.Equal(t, refusal, err)
		require.EqualValues(t, 1, f.n.Load(), "tried once")
		time.Sleep(time.Second)
		for range 3 {
			_, err = tokens.Token(t.Context())
			require.Equal(t, refusal, err)
		}
		require.EqualValues(t, 2, f.n.Load(), "and once again after a while: a long-running host may have been mended")
		f.fail = nil
		time.Sleep(10 * time.Minute)
		_, err = tokens.Token(t.Context())
		require.NoError(t, err)

		forever := provider.NewTokens((&fetcher{fail: func(int64) error { return refusal }}).fetch, &provider.TokenOptions{Remember: -1})
		_, err = forever.Token(t.Context())
		require.Equal(t, refusal, err)
		time.Sleep(24 * time.Hour)
		_, err = forever.Token(t.Context())
		require.Equal(t, refusal, err)
	})
}

func TestOtherFailuresAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fetcher{fail: func(n int64) error {
			if n == 1 {
				return &attendance.Error{Code: attendance.CodeUnavailable}
			}
			return nil
		}}
		tokens := provider.NewTokens(f.fetch, nil)
		_, err := tokens.Token(t.Context())
		require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
		token, err := tokens.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, "token-2", token)
	})
	tokens := provider.NewTokens(func(context.Context) (provider.Token, error) { return provider.Token{}, nil }, nil)
	_, err := tokens.Token(t.Context())
	require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(err), "an empty token is none")
}

func TestPanickingFetchHangsNobody(t *testing.T) {
	n := 0
	tokens := provider.NewTokens(func(context.Context) (provider.Token, error) {
		if n++; n == 1 {
			panic("boom")
		}
		return provider.Token{Value: "x"}, nil
	}, nil)
	require.Panics(t, func() { _, _ = tokens.Token(t.Context()) })
	token, err := tokens.Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, "x", token)
}

func TestInvalidateDropsOnlyThatToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fetcher
		tokens := provider.NewTokens(f.fetch, nil)
		_, err := tokens.Token(t.Context())
		require.NoError(t, err)
		tokens.Invalidate("token-1")
		second, err := tokens.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, "token-2", second)
		tokens.Invalidate("token-1") // a slow caller
		tokens.Invalidate("")
		third, err := tokens.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, "token-2", third)
	})
}

func TestWithToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rejected := &attendance.Error{Code: attendance.CodeCredentials, Op: "acme /records", Detail: "no such token", Err: provider.ErrToken}
		first := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		var f fetcher
		tokens := provider.NewTokens(f.fetch, nil)
		got, err := provider.WithToken(t.Context(), tokens, func(token string) (provider.Reply, error) {
			if token == "token-1" {
				return provider.Reply{Sent: 2, SentAt: first}, rejected
			}
			return provider.Reply{Sent: 3, SentAt: first.Add(time.Hour), Status: 200}, nil
		})
		require.NoError(t, err)
		require.Equal(t, provider.Reply{Sent: 5, SentAt: first, Status: 200}, got)

		calls := 0
		reject := func(string) (provider.Reply, error) { calls++; return provider.Reply{Sent: 1}, rejected }
		got, err = provider.WithToken(t.Context(), tokens, reject)
		require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err), "no more than its slice fails")
		require.ErrorIs(t, err, provider.ErrToken)
		require.ErrorContains(t, err, "acme /records: unavailable: the platform rejected 3 fresh tokens in a row: no such token (most likely another program")
		require.Equal(t, 4, calls, "three fresh ones, beside one that had been accepted")
		require.Equal(t, 4, got.Sent)

		// Two more, of another call, and the application counts as refused.
		got, err = provider.WithToken(t.Context(), tokens, reject)
		require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err))
		require.ErrorIs(t, err, provider.ErrToken)
		require.ErrorContains(t, err, "acme /records: credentials: the platform gives tokens and rejects each, 5 fresh ones in a row: no such token")
		require.Equal(t, 2, got.Sent)
		_, again := provider.WithToken(t.Context(), tokens, reject)
		require.Equal(t, err, again, "remembered")
		require.Equal(t, 6, calls)
		require.EqualValues(t, 7, f.n.Load())
		time.Sleep(10 * time.Minute)

		other := errors.New("other")
		_, err = provider.WithToken(t.Context(), tokens, func(string) (provider.Reply, error) { return provider.Reply{}, other })
		require.Equal(t, other, err)

		f.fail = func(int64) error { return &attendance.Error{Code: attendance.CodeCredentials} }
		calls = 0
		got, err = provider.WithToken(t.Context(), tokens, func(string) (provider.Reply, error) {
			calls++
			return provider.Reply{Sent: 1}, rejected
		})
		require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err))
		require.Equal(t, 1, calls, "the token is dropped and there is no other")
		require.Equal(t, 1, got.Sent)
	})
}

// Many calls notice together that the token has died: one fetch serves them all.
func TestManyInvalidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fetcher
		tokens := provider.NewTokens(f.fetch, nil)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				_, err := provider.WithToken(t.Context(), tokens, func(token string) (provider.Reply, error) {
					time.Sleep(time.Duration(i) * 50 * time.Millisecond)
					if token == "token-1" {
						return provider.Reply{}, provider.ErrToken
					}
					return provider.Reply{}, nil
				})
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.EqualValues(t, 2, f.n.Load())
	})
}

func TestTokenHidesItself(t *testing.T) {
	token := provider.Token{Value: "hidden-value"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		require.NotContains(t, fmt.Sprintf(format, token), "hidden")
	}
	require.NotContains(t, token.LogValue().String(), "hidden")
}
