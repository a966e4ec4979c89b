package scheduler_test

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata" // the zones are the test's, not the machine's

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/scheduler"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}

// wall is what the zone's clocks show, as a time in UTC.
func wall(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// restless are stretches of days in which clocks are changed.
func restless() map[string]string {
	return map[string]string{
		"Asia/Shanghai 1986-04-30":                  "summer time of the eighties",
		"Asia/Shanghai 1986-09-10":                  "and its end",
		"Asia/Shanghai 2026-03-01":                  "none today",
		"America/New_York 2026-03-04":               "02:00 to 03:00",
		"America/New_York 2026-10-28":               "01:00 to 02:00 twice",
		"Australia/Lord_Howe 2026-10-01":            "half an hour",
		"Australia/Lord_Howe 2026-04-01":            "half an hour twice",
		"Pacific/Apia 2011-12-26":                   "30 December left out",
		"Pacific/Kwajalein 1993-08-17":              "21 August left out",
		"America/Sao_Paulo 2018-11-01":              "no midnight",
		"America/Sao_Paulo 2018-02-14":              "23:00 to 24:00 twice",
		"America/St_Johns 2008-03-06":               "00:01 to 01:01",
		"America/St_Johns 2008-10-30":               "from 00:01 back into the day before",
		"America/Nuuk 2024-03-27":                   "23:00 to 24:00, out of the day",
		"America/Nuuk 2024-10-23":                   "23:00 to 24:00 twice",
		"America/Havana 2026-03-05":                 "no midnight",
		"America/Havana 2026-10-29":                 "midnight twice",
		"Africa/Casablanca 2026-02-12":              "Ramadan",
		"Antarctica/Troll 2026-03-26":               "two hours",
		"Pacific/Chatham 2026-09-24":                "02:45",
		"Asia/Kathmandu 1985-12-29":                 "15 minutes",
		"America/Caracas 2016-04-28":                "half an hour, for good",
		"Europe/Dublin 2026-10-22":                  "winter time that counts as summer time backwards",
		"Asia/Pyongyang 2018-05-02":                 "23:30 to 24:00",
		"America/Argentina/Buenos_Aires 1999-10-01": "summer time without a change of the clock",
	}
}

// starts are the starts of every minute of the day, found without knowing anything of
// zones: by watching the clock minute by minute. The start is when the clock first
// shows the time or more.
func starts(from time.Time, days int, zone *time.Location) (starts map[time.Time]time.Time, exists map[string]bool) {
	starts, exists = make(map[time.Time]time.Time), make(map[string]bool)
	latest := wall(from, zone)
	for t := from; t.Before(from.Add(time.Duration(days) * 24 * time.Hour)); t = t.Add(time.Minute) {
		shown := wall(t, zone)
		exists[shown.Format(time.DateOnly)] = true
		for latest.Before(shown) {
			latest = latest.Add(time.Minute)
			starts[latest] = t
		}
	}
	return starts, exists
}

func TestDailyAgainstAClockThatIsWatched(t *testing.T) {
	const days = 10
	for where, why := range restless() {
		t.Run(where, func(t *testing.T) {
			var name, first string
			_, _ = fmt.Sscan(where, &name, &first)
			zone := zoneOf(t, name)
			day, err := time.ParseInLocation(time.DateOnly, first, zone)
			require.NoError(t, err)
			from := day.Add(-time.Minute).UTC()
			watched, exists := starts(from, days, zone)
			until := from.Add((days - 2) * 24 * time.Hour)
			for minute := range 24 * 60 {
				if m := minute % 60; m%5 != 0 && m != 1 && m != 59 {
					continue
				}
				schedule := scheduler.Daily(minute/60, minute%60, zone)
				var want []time.Time
				shown, _ := time.Parse(time.DateOnly, first)
				for shown = shown.Add(time.Duration(minute) * time.Minute); shown.Before(wall(until, zone)); shown = shown.AddDate(0, 0, 1) {
					if at := watched[shown]; exists[shown.Format(time.DateOnly)] && at.Before(until) {
						want = append(want, at)
					}
				}
				var got []time.Time
				for at := schedule.Next(from); at.Before(until); at = schedule.Next(at) {
					got = append(got, at.UTC())
				}
				require.Equal(t, want, got, "%s: %02d:%02d", why, minute/60, minute%60)
			}
		})
	}
}

func TestDailyIsOnceADay(t *testing.T) {
	for _, name := range []string{"Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Nuuk", "America/Sao_Paulo", "UTC"} {
		zone := zoneOf(t, name)
		for _, clock := range [][2]int{{0, 0}, {1, 30}, {2, 30}, {23, 30}} {
			schedule := scheduler.Daily(clock[0], clock[1], zone)
			at := schedule.Next(time.Date(2009, 1, 1, 12, 0, 0, 0, zone))
			for range 4 * 365 {
				next := schedule.Next(at)
				require.Equal(t, zone, next.Location())
				require.Greater(t, next.Sub(at), 21*time.Hour)
				require.Less(t, next.Sub(at), 50*time.Hour)
				at = next
			}
		}
	}
}

func FuzzSchedules(f *testing.F) {
	f.Add(int64(1_774_000_000), 2, 30, "America/New_York", int64(3600), int64(420), int64(600), int64(1))
	f.Add(int64(1_325_000_000), 23, 30, "Pacific/Apia", int64(1), int64(0), int64(0), int64(86_400))
	f.Add(int64(-1_000_000_000), 0, 0, "Asia/Shanghai", int64(7), int64(1_000_000), int64(7), int64(59))
	f.Fuzz(func(t *testing.T, unix int64, hour, minute int, name string, every, offset, jitter, later int64) {
		zone, err := time.LoadLocation(name)
		if err != nil || zone.String() == "Local" || unix < -1<<36 || unix > 1<<36 || every > 1<<30 || offset > 1<<30 || jitter > 1<<30 {
			return // nothing to hold against the clock
		}
		daily := scheduler.Daily(hour, minute, zone)
		interval := scheduler.Interval{Every: time.Duration(every) * time.Second, Offset: time.Duration(offset) * time.Second, Jitter: time.Duration(jitter) * time.Second, Seed: name}
		after := time.Unix(unix, 0)
		for _, s := range []scheduler.Schedule{daily, interval, scheduler.AnyOf(daily, interval), scheduler.Monthly(int(every%31)+1, hour, minute, zone)} {
			at := s.Next(after)
			if at.IsZero() {
				continue
			}
			require.True(t, at.After(after))
			require.Equal(t, at, s.Next(at.Add(-time.Second)), "nothing lies between")
			if later = later % (1 << 20); later > 0 {
				require.False(t, s.Next(after.Add(time.Duration(later)*time.Second)).Before(at), "time does not go back")
			}
			require.Equal(t, at, s.Next(after.In(zone)), "the zone of the question does not matter")
		}
		if at := daily.Next(after); !at.IsZero() {
			clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
			before, shown := wall(at.Add(-time.Second), zone), wall(at, zone)
			target := shown.Truncate(24 * time.Hour).Add(clock)
			if target.After(shown) { // the day before, over midnight
				target = target.AddDate(0, 0, -1)
			}
			require.True(t, before.Before(target) && !shown.Before(target), "the clock comes to show it, or jumps over it: %v", at)
		}
	})
}

func TestInterval(t *testing.T) {
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	require.Equal(t, []string{"00:07", "01:07", "02:07"}, clocks(scheduler.Upcoming(scheduler.Every(time.Hour), from, 3)))
	require.Equal(t, []string{"00:07", "00:17", "00:27"}, clocks(scheduler.Upcoming(scheduler.Every(10*time.Minute), from, 3)))
	require.Equal(t, []string{"00:02", "00:07", "00:12"}, clocks(scheduler.Upcoming(scheduler.Every(5*time.Minute), from, 3)), "never on the full hour")

	one := scheduler.Interval{Every: time.Hour, Offset: 10 * time.Minute, Jitter: 20 * time.Minute, Seed: "one"}
	other := one
	other.Seed = "other"
	times, others := scheduler.Upcoming(one, from, 1000), scheduler.Upcoming(other, from, 1000)
	require.Equal(t, times, scheduler.Upcoming(one, from, 1000), "the same everywhere")
	var sum, same, low, high time.Duration
	low = time.Hour
	for i, at := range times {
		late := at.Sub(from.Add(time.Duration(i)*time.Hour + 10*time.Minute))
		require.True(t, late >= 0 && late < 20*time.Minute, late)
		sum, low, high = sum+late, min(low, late), max(high, late)
		if at.Equal(others[i]) {
			same++
		}
	}
	require.InDelta(t, 10*time.Minute, sum/1000, float64(time.Minute), "spread evenly")
	require.Less(t, low, time.Minute)
	require.Greater(t, high, 19*time.Minute)
	require.Less(t, same, time.Duration(10), "seeds tell apart")

	full := scheduler.Interval{Every: time.Minute, Jitter: time.Minute}
	at := from
	for i := range 10_000 {
		next := full.Next(at)
		require.True(t, next.After(at))
		at = next
		require.Equal(t, i, int(at.Sub(from)/time.Minute), "one in each step")
	}
}

func clocks(times []time.Time) (clocks []string) {
	for _, t := range times {
		clocks = append(clocks, t.Format("15:04"))
	}
	return clocks
}

// cronLike is of the shape of robfig/cron's schedules: it goes by the zone of the time
// that it is asked with.
type cronLike struct{ hour, minute int }

func (c cronLike) Next(after time.Time) time.Time {
	at := time.Date(after.Year(), after.Month(), after.Day(), c.hour, c.minute, 0, 0, after.Location())
	if !at.After(after) {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// once has one time.
type once time.Time

func (o once) Next(after time.Time) time.Time {
	if !after.Before(time.Time(o)) {
		return time.Time{}
	}
	return time.Time(o)
}

func TestSchedulesTogether(t *testing.T) {
	shanghai := zoneOf(t, "Asia/Shanghai")
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, shanghai)
	two := scheduler.AnyOf(scheduler.Daily(23, 30, shanghai), scheduler.Daily(12, 0, shanghai), once(from.Add(12*time.Hour)), once(from))
	require.Equal(t, []string{"12:00", "23:30", "12:00"}, clocks(scheduler.Upcoming(two, from, 3)))
	require.Empty(t, scheduler.Upcoming(scheduler.AnyOf(), from, 3))

	cron := scheduler.In(shanghai, cronLike{7, 45})
	require.Equal(t, []string{"07:45", "07:45"}, clocks(scheduler.Upcoming(cron, from.UTC(), 2)))
	require.Equal(t, time.Date(2026, 3, 1, 23, 45, 0, 0, time.UTC), cron.Next(from.UTC()).UTC())

	require.Equal(t, []time.Time{from.Add(time.Second)}, scheduler.Upcoming(once(from.Add(time.Millisecond)), from, 3), "rounded up, once")
	require.Empty(t, scheduler.Upcoming(cronLike{}.backwards(), from, 3))
}

func (c cronLike) backwards() scheduler.Schedule { return backwards{} }

type backwards struct{}

func (backwards) Next(after time.Time) time.Time { return after }

func TestSchedulesThatCannotBe(t *testing.T) {
	run := nothing
	shanghai := zoneOf(t, "Asia/Shanghai")
	for want, job := range map[string]scheduler.Job{
		"24:00 is no time of day":     {Name: "a", Run: run, Schedule: scheduler.Daily(24, 0, shanghai)},
		"needs a time zone":           {Name: "a", Run: run, Schedule: scheduler.Daily(23, 0, nil)},
		"machine's time zone":         {Name: "a", Run: run, Schedule: scheduler.In(time.FixedZone("Local", 0), scheduler.Every(time.Hour))},
		"a step needs a second":       {Name: "a", Run: run, Schedule: scheduler.Every(time.Millisecond)},
		"jitter no longer than it":    {Name: "a", Run: run, Schedule: scheduler.AnyOf(scheduler.Interval{Every: time.Hour, Jitter: 2 * time.Hour})},
		"a schedule is nil":           {Name: "a", Run: run, Schedule: scheduler.AnyOf(nil)},
		"Run is nil":                  {Name: "a", Schedule: scheduler.Every(time.Hour)},
		"the time limit is negative":  {Name: "a", Run: run, TimeLimit: -1},
		`"" cannot be a job's name`:   {Run: run},
		`"a #b" cannot be a job's na`: {Name: "a #b", Run: run},
	} {
		_, err := scheduler.New(nil, job)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, scheduler.Run(t.Context(), nil, job), want)
	}
	_, err := scheduler.New(nil, scheduler.Job{Name: "a", Run: run}, scheduler.Job{Name: "a", Run: run})
	require.ErrorContains(t, err, "two jobs have this name")
	require.Zero(t, scheduler.Daily(24, 0, shanghai).Next(time.Now()))
	require.Zero(t, scheduler.Interval{}.Next(time.Now()))
	require.Zero(t, scheduler.In(nil, nil).Next(time.Now()))
}
