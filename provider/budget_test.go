package provider_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/provider"
)

func TestMonthlyBudget(t *testing.T) {
	shanghai := time.FixedZone("Asia/Shanghai", 8*3600)
	now := time.Date(2026, 2, 28, 23, 59, 59, 0, shanghai)
	b := provider.NewMonthlyBudget(2, shanghai, func() time.Time { return now.UTC() })
	left := func(want int) {
		t.Helper()
		got, limited, err := b.Left(t.Context())
		require.NoError(t, err)
		require.True(t, limited)
		require.Equal(t, want, got)
	}
	left(2)
	require.NoError(t, b.Take(t.Context()))
	require.NoError(t, b.Take(t.Context()))
	left(0)
	err := b.Take(t.Context())
	require.Equal(t, attendance.CodeQuota, attendance.CodeOf(err))
	require.ErrorContains(t, err, "2026-02")
	left(0)
	b.Return()
	left(1)
	b.Return()
	b.Return()
	b.Return()
	left(2)
	require.NoError(t, b.Take(t.Context()))
	now = now.Add(time.Second) // March begins in Shanghai, not yet in UTC
	left(2)
	b.Return() // booked in February
	left(2)
	require.NoError(t, b.Take(t.Context()))
	now = now.Add(-48 * time.Hour) // the clock is set back
	left(1)
	now = time.Date(2027, 3, 1, 0, 0, 0, 0, shanghai) // same month, another year
	left(2)
}

func TestBudgetWithoutLimit(t *testing.T) {
	for _, calls := range []int{0, -1} {
		b := provider.NewMonthlyBudget(calls, nil, nil)
		for range 100 {
			require.NoError(t, b.Take(t.Context()))
		}
		_, limited, err := b.Left(t.Context())
		require.NoError(t, err)
		require.False(t, limited)
	}
}

func TestBudgetAndContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := provider.NewMonthlyBudget(1, nil, nil)
	require.Equal(t, context.Canceled, b.Take(ctx), "bare")
	_, _, err := b.Left(ctx)
	require.Equal(t, context.Canceled, err, "bare")
	require.NoError(t, b.Take(t.Context()))
}

func TestBudgetIsExactUnderConcurrency(t *testing.T) {
	b := provider.NewMonthlyBudget(500, nil, nil)
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 50 {
				if b.Take(t.Context()) == nil {
					taken.Add(1)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 500, taken.Load())
}

func TestStoredBudgetIsSharedAndOutlivesProcesses(t *testing.T) {
	shanghai := time.FixedZone("Asia/Shanghai", 8*3600)
	now := time.Date(2026, 2, 28, 23, 59, 59, 0, shanghai)
	store := &attendancetest.Store{}
	open := func(corp string) *provider.StoredBudget {
		return provider.NewStoredBudget(store, corp, 3, shanghai, func() time.Time { return now.UTC() })
	}
	a, b := open("corp"), open("corp")
	require.NoError(t, a.Take(t.Context()))
	require.NoError(t, b.Take(t.Context()))
	require.NoError(t, a.Take(t.Context()))
	err := b.Take(t.Context())
	require.Equal(t, attendance.CodeQuota, attendance.CodeOf(err))
	require.ErrorContains(t, err, "2026-02")
	require.NoError(t, open("another").Take(t.Context()))
	a.Return()
	left, limited, err := open("corp").Left(t.Context())
	require.NoError(t, err)
	require.True(t, limited)
	require.Equal(t, 1, left)
	now = now.Add(time.Second)
	spent, err := a.Spent(t.Context())
	require.NoError(t, err)
	require.Zero(t, spent, "a new month")

	_, limited, err = provider.NewStoredBudget(store, "corp", 0, nil, nil).Left(t.Context())
	require.NoError(t, err)
	require.False(t, limited)
}

// broken is a store that cannot be reached.
type broken struct{ attendance.BudgetStore }

func (broken) Spend(context.Context, string, string, int, int) (int, bool, error) {
	return 0, false, &attendance.Error{Code: attendance.CodeStoreDown}
}

func TestAStoreThatFailsStopsOnlyWhoHasALimitToKeep(t *testing.T) {
	require.Error(t, provider.NewStoredBudget(broken{}, "corp", 5, nil, nil).Take(t.Context()))
	require.NoError(t, provider.NewStoredBudget(broken{}, "corp", 0, nil, nil).Take(t.Context()))
	provider.NewStoredBudget(broken{}, "corp", 5, nil, nil).Return()
}
