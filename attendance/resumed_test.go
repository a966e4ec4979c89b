package attendance_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// The sync log of a run that was gone on with counts what both attempts did, also what
// they skipped: nothing that was read is missing from it.
func TestTheLogOfAResumedRunCountsWhatBothAttemptsSkipped(t *testing.T) {
	s := newSite(t, 50)
	n := punchDaily(s.provider, s.people, date(2, 1), date(3, 10))
	s.now = march(11, 12, 0)
	sink := sinkFunc(func(_ context.Context, b attendance.Batch) (attendance.Written, error) {
		return attendance.Written{Written: len(b.Punches) - 1, Skipped: map[attendance.Reason]int{attendance.SameSecond: 1}}, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	s.opts.Observe = func(e attendance.Event) {
		if e.Slices == 3 {
			cancel()
		}
	}
	backfill := func(ctx context.Context) (attendance.Report, error) {
		return attendance.NewSyncer(s.provider, sink, &s.opts).Run(ctx, s.scope(), days(date(2, 1), date(3, 10)))
	}
	first, err := backfill(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Positive(t, first.Skipped[attendance.SameSecond])
	s.opts.Observe = nil
	second, err := backfill(t.Context())
	require.NoError(t, err)
	require.Equal(t, first.Run, second.Run)
	require.Equal(t, n-first.Read, second.Read, "the report is of this attempt")
	for r, err := range s.store.Runs(t.Context(), attendance.RunFilter{}) {
		require.NoError(t, err)
		require.Equal(t, n, r.Report.Read)
		require.Equal(t, n, r.Report.Written+r.Report.Skipped[attendance.SameSecond])
	}
}

// Who is stopped while another run of the job is at work says which days it was about.
func TestARunThatWaitedInVainTellsItsSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 1)
		s.now = march(20, 12, 0)
		slow := fetch{s.provider, func(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
			time.Sleep(time.Minute)
			return s.provider.Fetch(ctx, q)
		}}
		run := func(ctx context.Context) (attendance.Report, error) {
			return attendance.NewSyncer(slow, s.sink, &s.opts).Run(ctx, s.scope(), attendance.SinceMark(6, shanghai()))
		}
		done := make(chan attendance.Report)
		go func() {
			r, err := run(t.Context())
			require.NoError(t, err)
			done <- r
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		waited, err := run(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, (<-done).Span, waited.Span)
	})
}

// Days to come are not asked for once more by who waited for the same backfill.
func TestWhoWaitedForABackfillDoesNotAskForDaysToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 3)
		n := punchDaily(s.provider, s.people, date(3, 1), date(3, 19))
		s.now = march(20, 12, 0)
		slow := fetch{s.provider, func(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
			time.Sleep(time.Second)
			return s.provider.Fetch(ctx, q)
		}}
		done := make(chan attendance.Report, 2)
		for range 2 {
			go func() {
				r, err := attendance.NewSyncer(slow, s.sink, &s.opts).Run(t.Context(), s.scope(), days(date(3, 1), date(3, 20)))
				require.NoError(t, err)
				done <- r
			}()
		}
		first, second := <-done, <-done
		require.Equal(t, n, first.Read)
		require.Zero(t, second.Calls)
		require.Empty(t, second.Warnings)

		go func() {
			r, err := attendance.NewSyncer(slow, s.sink, &s.opts).Run(t.Context(), s.scope(), days(date(3, 1), date(3, 20)))
			require.NoError(t, err)
			done <- r
		}()
		synctest.Wait()
		later := s.opts
		later.Now = func() time.Time { return march(20, 12, 1) }
		third, err := attendance.NewSyncer(slow, s.sink, &later).Run(t.Context(), s.scope(), days(date(3, 1), date(3, 20)))
		require.NoError(t, err)
		<-done
		require.Equal(t, 1, third.Calls, "the minute that it waited")
		require.Empty(t, third.Warnings, "nobody has to punch within a minute")
	})
}
