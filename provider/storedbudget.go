package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// A StoredBudget is a [Budget] of so many requests a calendar month that a store
// counts: for all processes that share it, and over restarts. It is safe for
// concurrent use.
type StoredBudget struct {
	store attendance.BudgetStore
	corp  string
	calls int
	zone  *time.Location
	now   func() time.Time
}

// NewStoredBudget returns a budget of calls requests for each calendar month of
// zone (for DingTalk Asia/Shanghai), counted in store under the name of the company
// whose requests the platform adds up: every budget of that name shares the count, whatever
// its own calls. calls <= 0 only counts; a nil zone is UTC, a nil now time.Now.
func NewStoredBudget(store attendance.BudgetStore, corp string, calls int, zone *time.Location, now func() time.Time) *StoredBudget {
	if zone == nil {
		zone = time.UTC
	}
	return &StoredBudget{store: store, corp: corp, calls: calls, zone: zone, now: clock(now)}
}

// Take books one request; when none is left it returns an attendance.Error of
// CodeQuota. A store that fails refuses it where there is a limit to keep, with the
// store's error, and is passed over where requests are only counted.
func (b *StoredBudget) Take(ctx context.Context) error {
	month := b.month()
	_, ok, err := b.store.Spend(ctx, b.corp, month, 1, b.calls)
	switch {
	case err != nil && (b.calls > 0 || ctx.Err() != nil):
		return err
	case err == nil && !ok:
		return usedUp(b.calls, month)
	}
	return nil
}

// giveBackTime is how long a store may take to be told of a request that was not
// metered after all.
const giveBackTime = 3 * time.Second

// Return gives one request back. One that the store cannot be told of stays counted.
func (b *StoredBudget) Return() {
	ctx, cancel := context.WithTimeout(context.Background(), giveBackTime)
	defer cancel()
	_, _, _ = b.store.Spend(ctx, b.corp, b.month(), -1, 0)
}

// Left is what may still be sent this month; limited is false where requests are only
// counted. Its errors are the store's.
func (b *StoredBudget) Left(ctx context.Context) (calls int, limited bool, err error) {
	if b.calls <= 0 {
		return 0, false, ctx.Err()
	}
	spent, err := b.Spent(ctx)
	return max(0, b.calls-spent), true, err
}

// Spent is how many requests of this month are counted.
func (b *StoredBudget) Spent(ctx context.Context) (int, error) {
	spent, _, err := b.store.Spend(ctx, b.corp, b.month(), 0, 0)
	return spent, err
}

func (b *StoredBudget) month() string { return b.now().In(b.zone).Format("2006-01") }

func usedUp(calls int, month string) error {
	return &attendance.Error{Code: attendance.CodeQuota, Detail: fmt.Sprintf(
		"the budget of %d calls for %s is used up by our own count; the call was not sent", calls, month)}
}
