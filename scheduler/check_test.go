package scheduler_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/scheduler"
)

func TestCheck(t *testing.T) {
	zone := zoneOf(t, shanghai)
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, zone)
	at := func(hour, minute int) scheduler.Schedule { return scheduler.Daily(hour, minute, zone) }
	today, week := attendance.Today(zone), attendance.LastDays(6, zone)
	for name, c := range map[string]struct {
		jobs []scheduler.Job
		want []string
	}{
		"as the manual advises":  {[]scheduler.Job{{Name: "a", Schedule: at(23, 30), Window: today}}, nil},
		"at midnight":            {[]scheduler.Job{{Name: "a", Schedule: at(0, 0), Window: today}}, []string{"only_today a: it starts at 00:00 and reads only that same day, which has hardly begun"}},
		"just before half past":  {[]scheduler.Job{{Name: "a", Schedule: at(0, 29), Window: today}}, []string{"only_today a: it starts at 00:29 and reads only that same day, which has hardly begun"}},
		"half past":              {[]scheduler.Job{{Name: "a", Schedule: at(0, 30), Window: today}}, nil},
		"one of several":         {[]scheduler.Job{{Name: "a", Schedule: scheduler.AnyOf(at(12, 0), at(0, 7)), Window: today}}, []string{"only_today a: it starts at 00:07 and reads only that same day, which has hardly begun"}},
		"once a month":           {[]scheduler.Job{{Name: "a", Schedule: once(now.AddDate(0, 0, 30).Add(-12 * time.Hour)), Window: today}}, []string{"only_today a: it starts at 00:00 and reads only that same day, which has hardly begun"}},
		"by another zone":        {[]scheduler.Job{{Name: "a", Schedule: scheduler.Daily(16, 10, time.UTC), Window: today}}, []string{"only_today a: it starts at 16:10 and reads only that same day, which has hardly begun"}},
		"some days":              {[]scheduler.Job{{Name: "a", Schedule: at(0, 0), Window: week}}, nil},
		"since the mark":         {[]scheduler.Job{{Name: "a", Schedule: at(0, 0), Window: attendance.SinceMark(0, zone)}}, nil},
		"the days before":        {[]scheduler.Job{{Name: "a", Schedule: at(0, 0), Window: attendance.Reread(30, zone)}}, nil},
		"a window that fails":    {[]scheduler.Job{{Name: "a", Schedule: at(0, 0), Window: attendance.Today(nil)}}, nil},
		"nothing known":          {[]scheduler.Job{{Name: "a", Schedule: at(0, 0)}, {Name: "b", Window: today}, {Name: "c", Schedule: backwards{}, Window: today}}, nil},
		"an hour from directory": {[]scheduler.Job{{Name: "a", Schedule: at(23, 30)}, {Name: "d", Directory: true, Schedule: at(0, 30)}}, nil},
		"over midnight":          {[]scheduler.Job{{Name: "d", Directory: true, Schedule: at(0, 29)}, {Name: "a", Schedule: at(23, 30)}}, []string{"contact_sync_close a: it starts at 23:30, 59 minutes from the directory sync at 00:29"}},
		"disabled, by an interval, and two directories": {
			[]scheduler.Job{{Name: "a", Disabled: true, Schedule: scheduler.Interval{Every: 6 * time.Hour, Offset: time.Hour}}, {Name: "d", Directory: true, Schedule: at(2, 0)}, {Name: "e", Directory: true, Schedule: at(15, 1)}},
			[]string{"contact_sync_close a: it starts at 07:00, 1 minutes from the directory sync at 15:01"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range scheduler.Check(now, c.jobs...) {
				require.Equal(t, attendance.LevelWarning, f.Level)
				require.NotEmpty(t, f.Message.ZH)
				require.NotEmpty(t, f.Mend.ZH)
				require.NotEmpty(t, f.Mend.EN)
				got = append(got, f.Code+" "+f.Message.EN)
			}
			require.Equal(t, c.want, got)
		})
	}
}
