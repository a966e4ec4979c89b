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

// A day is that of the calendar, also where the clocks carry its run into the next.
func TestMonthlyOverAGap(t *testing.T) {
	nuuk := zoneOf(t, "America/Nuuk") // 30 March 2024 ends at 23:00
	from := time.Date(2024, 3, 1, 0, 0, 0, 0, nuuk)
	require.Equal(t, time.Date(2024, 3, 31, 0, 0, 0, 0, nuuk), scheduler.Monthly(30, 23, 30, nuuk).Next(from))
	require.Equal(t, time.Date(2024, 3, 31, 23, 30, 0, 0, nuuk), scheduler.Monthly(31, 23, 30, nuuk).Next(from))
	apia := zoneOf(t, "Pacific/Apia") // has no 30 December 2011
	require.Equal(t, time.Date(2012, 1, 30, 23, 30, 0, 0, apia), scheduler.Monthly(30, 23, 30, apia).Next(time.Date(2011, 12, 1, 0, 0, 0, 0, apia)))
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
