package attendance_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // zones must not depend on the machine

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// Zones whose clocks change in every way there is: never, at 02:00, over
// midnight, back to before midnight, by half an hour, by a whole day.
func hardZones(t testing.TB) []*time.Location {
	var zones []*time.Location
	for _, name := range []string{
		"UTC", "Asia/Shanghai", "America/New_York", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo",
		"Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "America/Havana", "Asia/Kathmandu", "America/Asuncion",
	} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		zones = append(zones, zone)
	}
	return zones
}

func checkSplit(t testing.TB, s attendance.Span, limit time.Duration) {
	pieces := slices.Collect(s.Split(limit))
	if s.Empty() {
		require.Empty(t, pieces)
		return
	}
	require.NotEmpty(t, pieces)
	require.True(t, pieces[0].From.Equal(s.From), "%v begins at %v", s, pieces[0])
	require.True(t, pieces[len(pieces)-1].To.Equal(s.To), "%v ends at %v", s, pieces[len(pieces)-1])
	for i, p := range pieces {
		if p.Empty() || limit > 0 && p.Length() > limit {
			require.Failf(t, "bad piece", "%v with limit %v", p, limit)
		}
		if i == 0 {
			continue
		}
		if !p.From.Equal(pieces[i-1].To) {
			require.Failf(t, "gap or overlap", "between %v and %v", pieces[i-1], p)
		}
		if limit >= 50*time.Hour {
			requireUnambiguousMidnight(t, p.From)
		}
	}
}

// requireUnambiguousMidnight looks at every minute around t instead of trusting
// the rule that chose it.
func requireUnambiguousMidnight(t testing.TB, at time.Time) {
	require.Equal(t, "00:00:00", at.Format(time.TimeOnly), "cut at %v", at)
	_, here := at.Zone()
	for m := -26 * 60; m <= 26*60; m++ {
		if _, there := at.Add(time.Duration(m) * time.Minute).Zone(); m != 0 && m*60+there == here {
			require.Failf(t, "ambiguous cut", "the wall clock shows %v twice", at)
		}
	}
}

func TestSplitCoversTheRangeInEveryZone(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	years := []int{2011, 2015, 2018, 2021, 2024, 2026}
	for _, zone := range hardZones(t) {
		for range 60 {
			from := time.Date(years[random.IntN(len(years))], time.Month(1+random.IntN(12)), 1+random.IntN(28), random.IntN(24), random.IntN(60), random.IntN(60), random.IntN(1e9), zone)
			s := attendance.Span{From: from, To: from.Add(time.Duration(random.Int64N(int64(400 * 24 * time.Hour))))}
			limit := []time.Duration{0, 5 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 50 * time.Hour}[random.IntN(6)]
			checkSplit(t, s, limit)
		}
	}
}

func TestSplitAtChangesOfClocks(t *testing.T) {
	load := func(name string) *time.Location {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		return zone
	}
	for name, day := range map[string]attendance.Date{
		"America/Sao_Paulo": {Year: 2018, Month: 11, Day: 4},  // 00:00 does not exist
		"Asia/Beirut":       {Year: 2026, Month: 3, Day: 29},  // nor here
		"America/Havana":    {Year: 2026, Month: 11, Day: 1},  // 00:00 comes twice
		"Pacific/Apia":      {Year: 2011, Month: 12, Day: 30}, // the day does not exist
		"America/St_Johns":  {Year: 2010, Month: 11, Day: 7},  // 00:01 back to 23:01
	} {
		zone := load(name)
		for back := range 12 {
			s := attendance.Span{From: day.Add(-back).In(zone), To: day.Add(20).In(zone)}
			checkSplit(t, s, 7*24*time.Hour)
		}
	}
}

func TestDateInIsTheFirstInstantOfTheDay(t *testing.T) {
	for _, zone := range hardZones(t) {
		for day := (attendance.Date{Year: 2017, Month: 1, Day: 1}); day.Year < 2019; day = day.Add(1) {
			start := day.In(zone)
			require.Equal(t, day, attendance.DateOf(start), "%v in %v", day, zone)
			require.True(t, attendance.DateOf(start.Add(-time.Nanosecond)).Before(day), "%v in %v begins before %v", day, zone, start)
		}
	}
}

func TestHalve(t *testing.T) {
	zone := time.FixedZone("UTC+8", 8*3600)
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, zone)
	for _, length := range []time.Duration{2 * time.Second, 3 * time.Second, time.Hour, 23 * time.Hour, 24 * time.Hour, 25 * time.Hour, 7 * 24 * time.Hour, 2500 * time.Millisecond} {
		s := attendance.Span{From: from, To: from.Add(length)}
		a, b, ok := s.Halve()
		require.True(t, ok, length)
		require.True(t, a.From.Equal(s.From) && a.To.Equal(b.From) && b.To.Equal(s.To), "%v: %v %v", s, a, b)
		require.False(t, a.Empty() || b.Empty(), "%v: %v %v", s, a, b)
	}
	a, _, _ := attendance.Span{From: from, To: from.Add(7 * 24 * time.Hour)}.Halve()
	require.Equal(t, "2026-03-05 00:00:00", a.To.Format(time.DateTime), "days stay whole")
	_, _, ok := attendance.Span{From: from, To: from.Add(time.Second)}.Halve()
	require.False(t, ok)
}

func TestSpanValidate(t *testing.T) {
	zone := time.FixedZone("UTC+8", 8*3600)
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, zone)
	require.NoError(t, attendance.Span{From: at, To: at}.Validate())
	for name, bad := range map[string]attendance.Span{
		"turned around":  {From: at.Add(1), To: at},
		"machine's zone": {From: at.In(time.Local), To: at.In(time.Local)}, //nolint:gosmopolitan // that is the point
		"two zones":      {From: at, To: at.UTC()},
		"no beginning":   {To: at},
	} {
		require.Error(t, bad.Validate(), name)
	}
}

func TestDates(t *testing.T) {
	d := attendance.Date{Year: 2026, Month: 3, Day: 2}
	text, err := json.Marshal(attendance.PersonDay{Person: "1", Day: d})
	require.NoError(t, err)
	require.JSONEq(t, `{"person":"1","day":"2026-03-02"}`, string(text))
	var back attendance.PersonDay
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, d, back.Day)
	_, err = attendance.ParseDate("2026-3-2")
	require.Error(t, err)
	require.False(t, attendance.Date{Year: 2026, Month: 4, Day: 1}.Before(d))
}

func TestPiecesAndHalves(t *testing.T) {
	z := shanghai()
	require.Error(t, attendance.Span{From: march(1, 0, 0)}.Validate())
	pieces := 0
	for range (attendance.Span{From: march(1, 6, 0), To: march(2, 6, 0)}).Split(24 * time.Hour) {
		pieces++
	}
	require.Equal(t, 1, pieces, "exactly the limit is one piece")
	a, _, _ := attendance.Span{From: time.Date(2026, 3, 2, 1, 0, 0, 0, z), To: time.Date(2026, 3, 3, 8, 0, 0, 0, z)}.Halve()
	require.Equal(t, march(3, 0, 0), a.To, "the midnight behind the middle")
	a, _, _ = attendance.Span{From: march(2, 0, 0), To: march(2, 0, 0).Add(5 * time.Second)}.Halve()
	require.Zero(t, a.To.Nanosecond())
	_, err := attendance.Between(march(1, 0, 0), march(2, 0, 0), nil).Span(attendance.Moment{})
	require.Error(t, err)
}

func TestDaysThatBeginOddly(t *testing.T) {
	for _, c := range []struct{ zone, day, first string }{
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00"}, // 00:00 does not exist
		{"America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00"},    // comes twice: the first
		{"Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00"},      // the whole day does not exist
		{"Asia/Colombo", "2006-04-15", "2006-04-15T00:00:00+06:00"},      // put back half an hour, over midnight
		{"Antarctica/Casey", "2010-03-05", "2010-03-05T00:00:00+11:00"},  // put back three hours
	} {
		zone, err := time.LoadLocation(c.zone)
		require.NoError(t, err)
		day, err := attendance.ParseDate(c.day)
		require.NoError(t, err)
		require.Equal(t, c.first, day.In(zone).Format(time.RFC3339), c.zone)
	}
}

func FuzzSpanSplit(f *testing.F) {
	f.Add(int64(1772380800), int64(1772380800+86400*9), int64(7*86400), 1)
	f.Add(int64(1541300000), int64(1543300000), int64(90000), 3)
	zones := hardZones(f)
	f.Fuzz(func(t *testing.T, from, to, limit int64, zone int) {
		const span = 3 * 365 * 86400
		if from < 0 || from > 2e9 || to < from || to-from > span || limit < 3600 || limit > span {
			t.Skip("outside what calendars know, or too many pieces")
		}
		loc := zones[uint(zone)%uint(len(zones))]
		checkSplit(t, attendance.Span{From: time.Unix(from, 0).In(loc), To: time.Unix(to, 0).In(loc)}, time.Duration(limit)*time.Second)
	})
}

func TestSliceZones(t *testing.T) {
	year := func(zone *time.Location) attendance.Slice {
		return attendance.Slice{Span: attendance.Span{From: time.Date(2026, 1, 1, 0, 0, 0, 0, zone), To: time.Date(2027, 1, 1, 0, 0, 0, 0, zone)}}
	}
	for name, zone := range map[string]*time.Location{
		"-05:00": time.FixedZone("America/New_York", -5*3600), // the name lies
		"+00:00": time.FixedZone("", 0),
	} {
		text, err := year(zone).MarshalJSON()
		require.NoError(t, err)
		require.Contains(t, string(text), `"`+name+`"`)
		var back attendance.Slice
		require.NoError(t, back.UnmarshalJSON(text))
	}
	_, err := year(time.FixedZone("LMT", 8*3600+343)).MarshalJSON()
	require.Error(t, err, "an offset with seconds does not travel")
}
