package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const printed = `robfig/cron:
  run 1: 20 punches in the OA
  run 2: 20 punches in the OA
our scheduler, with a cron expression:
  run 1: 20 punches in the OA
  run 2: 20 punches in the OA
`

// What a site would write, in virtual time: two nights, and two half hours of a workday.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is Saturday, 1 January 2000, 08:00 in Shanghai
		var out bytes.Buffer
		began := time.Now()
		require.NoError(t, run(t.Context(), &out, slog.New(slog.DiscardHandler), "30 23 * * *", "*/30 8-20 * * MON-FRI"))
		require.Equal(t, printed, out.String())
		require.Equal(t, 48*time.Hour+30*time.Minute, time.Since(began).Round(time.Minute), "Monday, 08:30")
	})
}

func TestRunRefusesAWrongExpression(t *testing.T) {
	for _, expressions := range [][2]string{{"30 25 * * *", "@daily"}, {"@every 1s", "noon"}} {
		synctest.Test(t, func(t *testing.T) {
			require.Error(t, run(t.Context(), &bytes.Buffer{}, slog.New(slog.DiscardHandler), expressions[0], expressions[1]))
		})
	}
}

// A run that is still going is not started again, one that panics or fails ends nothing,
// and the host waits for the last one.
func TestUnderCron(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var runs, ended atomic.Int32
		var log bytes.Buffer
		go func() {
			time.Sleep(3*time.Hour + time.Minute)
			stop()
		}()
		err := underCron(ctx, slog.New(slog.NewTextHandler(&log, nil)), "@hourly", time.UTC, func(ctx context.Context) error {
			defer ended.Add(1)
			switch runs.Add(1) {
			case 1:
				time.Sleep(90 * time.Minute) // the next hour comes meanwhile
				return errors.New("no network")
			default:
				<-ctx.Done()
				panic("in the last run")
			}
		})
		require.NoError(t, err)
		require.EqualValues(t, 2, runs.Load())
		require.EqualValues(t, 2, ended.Load())
		require.Contains(t, log.String(), `msg="sync failed" error="no network"`)
		require.Contains(t, log.String(), "in the last run")
	})
}
