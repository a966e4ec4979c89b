package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/scheduler"
)

func TestMonthly(t *testing.T) {
	zone := time.FixedZone("Asia/Shanghai", 8*3600)
	next := time.Date(2026, 1, 31, 4, 0, 0, 0, zone)
	for _, want := range []string{"2026-03-31 03:10", "2026-05-31 03:10", "2026-07-31 03:10"} {
		next = scheduler.Monthly(31, 3, 10, zone).Next(next)
		require.Equal(t, want, next.Format("2006-01-02 15:04"))
	}
	for _, day := range []int{0, 32, -1} {
		require.Zero(t, scheduler.Monthly(day, 3, 10, zone).Next(next))
	}
}

func ExampleMonthly() {
	zone := time.FixedZone("Asia/Shanghai", 8*3600)
	for _, at := range scheduler.Upcoming(scheduler.Monthly(3, 3, 10, zone), time.Date(2026, 3, 3, 12, 0, 0, 0, zone), 2) {
		fmt.Println(at.Format(time.DateTime))
	}
	// Output:
	// 2026-04-03 03:10:00
	// 2026-05-03 03:10:00
}
