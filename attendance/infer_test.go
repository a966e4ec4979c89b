package attendance_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// punchAt is a regular punch of u0000 in March.
func punchAt(day, hour, minute int, d attendance.Direction) attendance.Punch {
	at := march(day, hour, minute)
	return attendance.Punch{ID: at.Format("02T1504") + d.String(), Account: "u0000", Time: at, Kind: attendance.Regular, Direction: d}
}

func TestInferDirections(t *testing.T) {
	const u, in, out = attendance.Undirected, attendance.In, attendance.Out
	of := func(account string, p attendance.Punch) attendance.Punch { p.Account = account; return p }
	kind := func(k attendance.Kind, p attendance.Punch) attendance.Punch { p.Kind = k; return p }
	later := func(p attendance.Punch, d time.Duration) attendance.Punch { p.Time = p.Time.Add(d); return p }
	for name, c := range map[string]struct {
		punches []attendance.Punch
		want    string
	}{
		"nothing":                      {nil, ""},
		"one is a sign-in":             {[]attendance.Punch{punchAt(2, 9, 0, u)}, "in*"},
		"one in the evening too":       {[]attendance.Punch{punchAt(2, 23, 59, u)}, "in*"},
		"the first in, all others out": {[]attendance.Punch{punchAt(2, 9, 0, u), punchAt(2, 12, 0, u), punchAt(2, 18, 0, u)}, "in* out* out*"},
		"whatever order they come in":  {[]attendance.Punch{punchAt(2, 18, 0, u), punchAt(2, 9, 0, u), punchAt(2, 12, 0, u)}, "out* in* out*"},
		"a sign-in before it":          {[]attendance.Punch{punchAt(2, 8, 0, in), punchAt(2, 18, 0, u)}, "in out*"},
		"a sign-out before it":         {[]attendance.Punch{punchAt(2, 1, 0, out), punchAt(2, 9, 0, u)}, "out out*"},
		"directed ones after it":       {[]attendance.Punch{punchAt(2, 8, 0, u), punchAt(2, 9, 0, in), punchAt(2, 18, 0, out)}, "in* in out"},
		"the platform's word is kept":  {[]attendance.Punch{punchAt(2, 8, 0, out), punchAt(2, 18, 0, in)}, "out in"},
		"each day by itself":           {[]attendance.Punch{punchAt(2, 23, 59, u), punchAt(3, 0, 0, u), punchAt(3, 0, 1, u)}, "in* in* out*"},
		"each account by itself":       {[]attendance.Punch{punchAt(2, 8, 0, u), of("u0001", punchAt(2, 9, 0, u))}, "in* in*"},
		"an outside punch is one":      {[]attendance.Punch{kind(attendance.Outside, punchAt(2, 8, 0, u)), punchAt(2, 18, 0, u)}, "in* out*"},
		"a visit is none":              {[]attendance.Punch{kind(attendance.Field, punchAt(2, 8, 0, u)), punchAt(2, 9, 0, u)}, "undirected in*"},
		"one second, one direction":    {[]attendance.Punch{punchAt(2, 8, 0, u), later(punchAt(2, 8, 0, u), 400*time.Millisecond), punchAt(2, 9, 0, u)}, "in* in* out*"},
		"a sign-in of the same second": {[]attendance.Punch{punchAt(2, 8, 0, in), punchAt(2, 8, 0, u)}, "in in*"},
		"the day is that of the zone":  {[]attendance.Punch{later(punchAt(2, 23, 30, u), 0), punchAt(3, 0, 30, u)}, "in* in*"},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // what was inferred is inferred again
				attendance.InferDirections(c.punches, shanghai())
				var words []string
				for _, p := range c.punches {
					word := p.Direction.String()
					if p.Inferred {
						word += "*"
					}
					words = append(words, word)
				}
				require.Equal(t, c.want, strings.Join(words, " "))
			}
		})
	}
	early := []attendance.Punch{punchAt(2, 23, 30, u), punchAt(3, 0, 30, u)}
	attendance.InferDirections(early, time.UTC)
	require.Equal(t, []attendance.Direction{in, out}, []attendance.Direction{early[0].Direction, early[1].Direction}, "one day of another zone")
}

// Whatever a day holds: its first second alone is a sign-in, directions of the platform
// stay, order does not matter, and a later punch changes nothing of those before it.
func TestInferredDirectionsHoldForAnyDay(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4)) // the same numbers every time
	for range 500 {
		day := make([]attendance.Punch, 1+random.IntN(8))
		for i := range day {
			day[i] = punchAt(2, random.IntN(24), random.IntN(3), attendance.Direction(random.IntN(3)))
			day[i].ID += string(rune('a' + i))
		}
		given := slices.Clone(day)
		attendance.InferDirections(day, shanghai())
		first := slices.MinFunc(day, func(a, b attendance.Punch) int { return a.Time.Compare(b.Time) }).Time
		for i, p := range day {
			switch want := given[i].Direction; {
			case want != attendance.Undirected:
			case p.Time.Equal(first):
				given[i].Direction, given[i].Inferred = attendance.In, true
			default:
				given[i].Direction, given[i].Inferred = attendance.Out, true
			}
		}
		require.Equal(t, given, day)
		more := append(slices.Clone(day), punchAt(2, 23, 59, attendance.Undirected))
		random.Shuffle(len(more), func(i, j int) { more[i], more[j] = more[j], more[i] })
		attendance.InferDirections(more, shanghai())
		for _, p := range day {
			require.Contains(t, more, p)
		}
	}
}

// inferred runs over a window and tells what the sink got: day, time, direction.
func inferred(t *testing.T, p attendance.Provider, now time.Time, w attendance.Window) ([]string, attendance.Report) {
	t.Helper()
	var sink attendancetest.Sink
	r, err := attendance.NewSyncer(p, &sink, &attendance.Options{InferDirections: true, Now: at(now)}).Run(t.Context(), attendance.Members(staff(1)...), w)
	require.NoError(t, err)
	var got []string
	for _, row := range sink.All() {
		got = append(got, row.Time.In(shanghai()).Format("02 15:04 ")+row.Direction.String())
	}
	return got, r
}

// A window that begins or ends inside a day knows all of the day, and writes and counts
// no more than its own.
func TestInferenceReadsWholeDays(t *testing.T) {
	p := attendancetest.NewProvider("fake", weekLimits)
	const u = attendance.Undirected
	p.Put(punchAt(2, 8, 0, u), punchAt(2, 12, 0, u), punchAt(2, 18, 0, u), punchAt(3, 9, 0, u), punchAt(3, 19, 0, u))
	p.PutSkipped(attendance.Skipped{Account: "u0000", Time: march(2, 7, 0), Reason: attendance.Invalid}, attendance.Skipped{Account: "u0000", Time: march(2, 13, 0), Reason: attendance.Invalid})
	got, r := inferred(t, p, march(9, 12, 0), attendance.Between(march(2, 11, 0), march(3, 12, 0), shanghai()))
	require.Equal(t, []string{"02 12:00 out", "02 18:00 out", "03 09:00 in"}, got)
	require.Equal(t, [3]int{4, 3, 1}, [3]int{r.Read, r.Written, r.Skipped[attendance.Invalid]})
	require.Equal(t, attendance.Span{From: march(2, 0, 0), To: march(4, 0, 0)}, p.Queries()[0].Span)
	require.Len(t, p.Queries(), 1)

	// A span that fits the provider, but whose whole days do not, is asked for in two.
	p = attendancetest.NewProvider("fake", weekLimits)
	p.Put(punchAt(2, 8, 0, u), punchAt(2, 12, 0, u), punchAt(9, 8, 0, u), punchAt(9, 9, 0, u))
	got, _ = inferred(t, p, march(20, 12, 0), attendance.Between(march(2, 11, 0), march(9, 10, 0), shanghai()))
	require.Equal(t, []string{"02 12:00 out", "09 08:00 in", "09 09:00 out"}, got)
	require.ElementsMatch(t, []attendance.Span{{From: march(2, 0, 0), To: march(9, 0, 0)}, {From: march(9, 0, 0), To: march(10, 0, 0)}}, []attendance.Span{p.Queries()[0].Span, p.Queries()[1].Span})

	// Today is asked for up to now; without the option nothing is widened.
	p = attendancetest.NewProvider("fake", weekLimits)
	inferred(t, p, march(9, 12, 0), attendance.Between(march(9, 11, 0), march(9, 12, 0), shanghai()))
	require.Equal(t, attendance.Span{From: march(9, 0, 0), To: march(9, 12, 0)}, p.Queries()[0].Span)
	var sink attendancetest.Sink
	_, err := attendance.NewSyncer(p, &sink, &attendance.Options{Now: at(march(9, 12, 0))}).Run(t.Context(), attendance.Members(staff(1)...), attendance.Between(march(8, 11, 0), march(8, 12, 0), shanghai()))
	require.NoError(t, err)
	require.Equal(t, attendance.Span{From: march(8, 11, 0), To: march(8, 12, 0)}, p.Queries()[1].Span)
}

// What the platform no longer keeps is not asked for, and a span that it rejects is not
// halved into the same query again and again.
func TestInferenceKeepsWithinThePlatform(t *testing.T) {
	limits := weekLimits
	limits.Horizon = 10 * 24 * time.Hour
	p := attendancetest.NewProvider("fake", limits)
	p.Put(punchAt(11, 8, 0, attendance.Undirected))
	got, _ := inferred(t, p, march(20, 12, 0), attendance.Between(march(11, 0, 0), march(12, 0, 0), shanghai()))
	require.Equal(t, []string{"11 08:00 in"}, got)

	p = attendancetest.NewProvider("fake", weekLimits)
	p.Refuse = func(attendance.Query) error { return &attendance.Error{Code: attendance.CodeSpan} }
	var sink attendancetest.Sink
	_, err := attendance.NewSyncer(p, &sink, &attendance.Options{InferDirections: true, Now: at(march(20, 12, 0))}).
		Run(t.Context(), attendance.Members(staff(1)...), attendance.Between(march(2, 0, 0), march(4, 0, 0), shanghai()))
	require.Error(t, err)
	require.Equal(t, 3, p.Calls(), "two days, and each of them")
}

func TestSkippedUndirectedPunchesAreTold(t *testing.T) {
	p := attendancetest.NewProvider("fake", weekLimits)
	p.Put(punchAt(2, 8, 0, attendance.Undirected), punchAt(2, 12, 0, attendance.Undirected), punchAt(2, 18, 0, attendance.Out))
	var sink attendancetest.Sink
	store := new(attendancetest.Store)
	opts := attendance.Options{Job: "j", Target: "oa", Memory: attendance.Remember(store)}
	now := march(9, 12, 0)
	run := func() attendance.Report {
		now = now.Add(time.Minute)
		opts.Now = at(now)
		r, err := attendance.NewSyncer(p, &sink, &opts).Run(t.Context(), attendance.Members(staff(1)...), days(date(3, 2), date(3, 2)))
		require.NoError(t, err)
		return r
	}
	r := run()
	require.Equal(t, "undirected_skipped", r.Warnings[0].Code)
	require.Contains(t, r.Warnings[0].Message, "2 punches")
	findings := attendance.CheckDirections(t.Context(), store, "j", "oa")
	require.Len(t, findings, 1)
	require.Equal(t, attendance.LevelError, findings[0].Level)
	require.Contains(t, findings[0].Message.EN, "2 of the 3")
	require.Empty(t, attendance.CheckDirections(t.Context(), store, "other", "oa"))

	p.Put(punchAt(2, 7, 0, attendance.In)) // half of it is not more than half
	require.NotEmpty(t, run().Warnings)
	require.Empty(t, attendance.CheckDirections(t.Context(), store, "j", "oa"))
	opts.InferDirections = true
	require.Empty(t, run().Warnings)
}

// Halves of a day for which the whole day is asked anyway are the same query, however
// fast the clock goes: a day that the platform rejects is asked for once.
func TestARejectedDayIsNotHalvedWhereItIsReadWhole(t *testing.T) {
	for _, step := range []time.Duration{0, time.Nanosecond, time.Second} {
		p := attendancetest.NewProvider("fake", weekLimits)
		p.Refuse = func(attendance.Query) error { return &attendance.Error{Code: attendance.CodeSpan, Detail: "no"} }
		now := march(9, 12, 0)
		clock := func() time.Time { now = now.Add(step); return now }
		_, err := attendance.NewSyncer(p, new(attendancetest.Sink), &attendance.Options{InferDirections: true, Parallel: 1, Now: clock}).
			Run(t.Context(), attendance.Members(staff(1)...), attendance.Between(march(9, 0, 0), march(9, 11, 0), shanghai()))
		require.Error(t, err)
		require.Equal(t, 1, p.Calls(), step.String())
	}
}
