package attendance_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

func TestWindows(t *testing.T) {
	now := march(2, 18, 30)
	for name, c := range map[string]struct {
		window   attendance.Window
		from, to string
	}{
		"today":                  {attendance.Today(shanghai()), "2026-03-02T00:00:00+08:00", "2026-03-02T18:30:00+08:00"},
		"last days":              {attendance.LastDays(6, shanghai()), "2026-02-24T00:00:00+08:00", "2026-03-02T18:30:00+08:00"},
		"days":                   {attendance.Days(date(3, 1), date(3, 31), shanghai()), "2026-03-01T00:00:00+08:00", "2026-04-01T00:00:00+08:00"},
		"a day":                  {attendance.Days(date(3, 1), date(3, 1), shanghai()), "2026-03-01T00:00:00+08:00", "2026-03-02T00:00:00+08:00"},
		"between":                {attendance.Between(march(1, 8, 0).UTC(), march(1, 9, 0).UTC(), shanghai()), "2026-03-01T08:00:00+08:00", "2026-03-01T09:00:00+08:00"},
		"today in another place": {attendance.Today(time.FixedZone("", -5*3600)), "2026-03-02T00:00:00-05:00", "2026-03-02T05:30:00-05:00"},
	} {
		s, err := c.window.Span(attendance.Moment{Now: now.UTC()})
		require.NoError(t, err, name)
		require.Equal(t, c.from, s.From.Format(time.RFC3339), name)
		require.Equal(t, c.to, s.To.Format(time.RFC3339), name)
	}
	for says, windows := range map[string][]attendance.Window{
		"it was given none (nil)": {attendance.Today(nil), attendance.LastDays(1, nil), attendance.SinceMark(1, nil), attendance.Reread(1, nil),
			attendance.Days(date(3, 1), date(3, 1), nil), attendance.Between(now, now, nil)},
		"the last day 2026-03-01 lies before the first day 2026-03-02": {attendance.Days(date(3, 2), date(3, 1), shanghai())},
		"a number of days >= 0, not -1":                                {attendance.LastDays(-1, shanghai()), attendance.SinceMark(-1, shanghai())},
		"time.Local":                                                   {attendance.Today(time.Local)}, //nolint:gosmopolitan // that is the point
	} {
		for _, w := range windows {
			_, err := w.Span(attendance.Moment{Now: now})
			require.ErrorContains(t, err, says)
		}
	}
}

func ExampleSpan_Split() {
	zone := time.FixedZone("UTC+8", 8*3600)
	march := attendance.Span{
		From: time.Date(2026, 3, 1, 0, 0, 0, 0, zone),
		To:   time.Date(2026, 3, 18, 18, 30, 0, 0, zone),
	}
	for piece := range march.Split(7 * 24 * time.Hour) {
		fmt.Println(piece)
	}
	// Output:
	// [2026-03-01T00:00:00+08:00, 2026-03-08T00:00:00+08:00)
	// [2026-03-08T00:00:00+08:00, 2026-03-15T00:00:00+08:00)
	// [2026-03-15T00:00:00+08:00, 2026-03-18T18:30:00+08:00)
}
