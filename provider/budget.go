package provider

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A Budget bounds the number of metered requests. Implementations are safe for
// concurrent use; one Budget may be shared by every client whose calls the
// platform adds up, and may be kept in a database.
type Budget interface {
	// Take books one request that is about to be sent. When none is left it
	// returns an attendance.Error of attendance.CodeQuota, and the request is
	// not sent. Context errors are returned bare.
	Take(ctx context.Context) error
	// Return gives a booked request back that turned out not to be metered: the
	// platform throttled it, or it never reached the platform.
	Return()
	// Left is the number of requests that may still be sent in the current
	// period, never negative; limited is false when there is no bound.
	Left(ctx context.Context) (calls int, limited bool, err error)
}

// A MonthlyBudget is a [Budget] of so many requests a calendar month, counted in
// this process only: a new process begins at zero. It is safe for concurrent use.
type MonthlyBudget struct {
	calls int
	zone  *time.Location
	now   func() time.Time

	mu    sync.Mutex
	month int // year*12 + month of what used counts
	used  int
}

// NewMonthlyBudget returns a budget of calls requests for each calendar month of
// zone. calls <= 0 means no limit, a nil zone UTC, a nil now time.Now.
func NewMonthlyBudget(calls int, zone *time.Location, now func() time.Time) *MonthlyBudget {
	if zone == nil {
		zone = time.UTC
	}
	return &MonthlyBudget{calls: calls, zone: zone, now: clock(now)}
}

// Take books one request.
func (b *MonthlyBudget) Take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn()
	if b.calls > 0 && b.used >= b.calls {
		return usedUp(b.calls, fmt.Sprintf("%d-%02d", b.month/12, b.month%12+1))
	}
	b.used++
	return nil
}

// Return gives one request back. In a new month it has no effect before the
// first Take.
func (b *MonthlyBudget) Return() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn()
	b.used = max(0, b.used-1)
}

// Left is what may still be sent this month.
func (b *MonthlyBudget) Left(ctx context.Context) (calls int, limited bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn()
	if b.calls <= 0 {
		return 0, false, nil
	}
	return max(0, b.calls-b.used), true, nil
}

// turn begins a new month. A clock that is set back does not give an old month
// its calls again.
func (b *MonthlyBudget) turn() {
	now := b.now().In(b.zone)
	if month := now.Year()*12 + int(now.Month()) - 1; month > b.month {
		b.month, b.used = month, 0
	}
}

// clock is the one place where a nil Now becomes time.Now.
func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now //nolint:forbidigo // the default clock, resolved here only
	}
	return now
}
