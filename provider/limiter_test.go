package provider_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

func TestLimiter(t *testing.T) {
	ok := tripper(func(int, *http.Request) (*http.Response, error) { return reply(200, `{"code":0}`), nil })
	t.Run("spaces out", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := provider.Client{HTTP: ok.client(), Limiter: rate.NewLimiter(2, 1)}
			began := time.Now()
			for range 5 {
				_, err := c.Call(t.Context(), get())
				require.NoError(t, err)
			}
			require.Equal(t, 2*time.Second, time.Since(began))
		})
	})
	t.Run("past the deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := provider.Client{HTTP: ok.client(), Limiter: rate.NewLimiter(rate.Every(time.Hour), 1)}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := c.Call(ctx, get())
			require.NoError(t, err)
			_, err = c.Call(ctx, get())
			require.Equal(t, context.DeadlineExceeded, err, "bare")
		})
	})
	t.Run("lets nothing through", func(t *testing.T) {
		c := provider.Client{Name: "acme", HTTP: ok.client(), Limiter: rate.NewLimiter(2, 0)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := c.Call(ctx, get())
		require.Equal(t, attendance.CodeRequest, attendance.CodeOf(err))
		require.ErrorContains(t, err, "limiter")
	})
}

// A stall is a limiter of a host's own.
type stall func(ctx context.Context) error

func (s stall) Wait(ctx context.Context) error { return s(ctx) }

// What a limiter says of a deadline is one; what it says of itself is not.
func TestLimiterErrors(t *testing.T) {
	down := &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded} // claims to be a context error
	never := rate.NewLimiter(rate.Every(time.Hour), 1)
	never.Allow()
	for name, test := range map[string]struct {
		limiter  provider.Limiter
		deadline time.Duration // of the call; 0: none
		code     attendance.Code
		bare     error
		says     string
	}{
		"rate's own":                    {limiter: never, deadline: time.Minute, bare: context.DeadlineExceeded},
		"rate's own, of several":        {limiter: provider.Limiters{rate.NewLimiter(rate.Inf, 1), never}, deadline: time.Minute, bare: context.DeadlineExceeded},
		"a foreign one keeps the terms": {limiter: stall(func(context.Context) error { return context.DeadlineExceeded }), deadline: time.Minute, bare: context.DeadlineExceeded},
		"the call itself ends": {limiter: stall(func(ctx context.Context) error { <-ctx.Done(); return errors.New("gave up") }),
			deadline: time.Minute, bare: context.DeadlineExceeded},
		"a store is down": {limiter: stall(func(context.Context) error { return errors.New("redis://:pw-of-redis@10.0.0.1: refused") }),
			deadline: time.Minute, code: attendance.CodeUnknown, says: "the limiter of this program failed, not the platform; nothing was sent: redis://***@10.0.0.1: refused"},
		"of several, one's store is down": {limiter: provider.Limiters{rate.NewLimiter(rate.Inf, 1), stall(func(context.Context) error { return errors.New("store gone") })},
			deadline: time.Minute, code: attendance.CodeUnknown, says: "store gone"},
		"no deadline, a store is down": {limiter: stall(func(context.Context) error { return errors.New("store gone") }), code: attendance.CodeUnknown, says: "store gone"},
		"a store's own time-out":       {limiter: stall(func(context.Context) error { return down }), deadline: time.Minute, code: attendance.CodeUnknown, says: "i/o timeout"},
		"the same, wrapped": {limiter: stall(func(context.Context) error { return fmt.Errorf("store: %w", context.DeadlineExceeded) }),
			deadline: time.Minute, code: attendance.CodeUnknown, says: "store: context deadline exceeded"},
		"without a deadline none can pass": {limiter: stall(func(context.Context) error { return context.DeadlineExceeded }), code: attendance.CodeUnknown, says: "context deadline exceeded"},
		"it was closed, the call was not":  {limiter: stall(func(context.Context) error { return context.Canceled }), deadline: time.Minute, code: attendance.CodeUnknown, says: "context canceled"},
		"of a burst of nothing":            {limiter: rate.NewLimiter(2, 0), code: attendance.CodeRequest, says: "lets no request through"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				c := provider.Client{Name: "acme", Limiter: test.limiter, HTTP: tripper(func(int, *http.Request) (*http.Response, error) {
					sent++
					return reply(200, `{"code":0}`), nil
				}).client()}
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				_, err := c.Call(ctx, get())
				require.Zero(t, sent)
				if test.bare != nil {
					require.Equal(t, test.bare, err, "bare")
					return
				}
				require.Equal(t, test.code, attendance.CodeOf(err), "%v", err)
				require.ErrorContains(t, err, test.says)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				require.NotErrorIs(t, err, context.Canceled)
				require.NotContains(t, err.Error(), "pw-of-redis")
			})
		})
	}
}
