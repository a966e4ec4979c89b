package wecom

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// Every window is within what one call may ask for, begins and ends at midnights of
// Beijing, and follows the one before with two days in common; together they
// cover the span and a whole day at either end of it.
func TestWindowsCoverTheSpan(t *testing.T) {
	zones := []*time.Location{time.UTC, shanghai(), time.FixedZone("west", -11*3600), time.FixedZone("half", 5*3600+1800)}
	for _, name := range []string{"America/New_York", "Europe/Berlin", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		zones = append(zones, zone)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		days := leastDays + random.IntN(mostDays-leastDays+1)
		from := time.Unix(1704067200+random.Int64N(3*365*86400), random.Int64N(2)*random.Int64N(1e9)).In(zones[random.IntN(len(zones))])
		s := attendance.Span{From: from, To: from.Add(1 + time.Duration(random.Int64N(int64(80*day))))}
		var last window
		n := 0
		for w := range windows(s, days) {
			require.LessOrEqual(t, w.days, days)
			require.Equal(t, int64(w.days)*86400-1, w.end-w.start)
			require.Zero(t, (w.start+8*3600)%86400, "midnight in Beijing")
			if n == 0 {
				require.LessOrEqual(t, w.start, s.From.Unix()-86400)
				require.Greater(t, w.start, s.From.Unix()-2*86400-1)
			} else {
				require.Equal(t, last.end+1-2*86400, w.start, "two days in common")
			}
			last = w
			n++
		}
		require.GreaterOrEqual(t, last.end, s.To.Unix()-1+86400)
		require.Less(t, last.end, s.To.Unix()+2*86400)
		// The least possible for padded windows.
		own := int(midnight(s.To.Add(-1)).Sub(midnight(s.From))/day) + 1
		require.Equal(t, (own+days-3)/(days-2), n)
	}
}

func TestAnEmptySpanHasNoWindow(t *testing.T) {
	for range windows(attendance.Span{From: march(t).From, To: march(t).From}, defaultDays) {
		t.Fatal("nothing is asked for")
	}
}

// A span as long as Limits allows is one call wherever in a day it begins; it is not
// where three days are all that a call may ask for, which leaves no room for that.
func TestOneCallASlice(t *testing.T) {
	for _, days := range []int{4, defaultDays, mostDays} {
		p := &CheckIns{client: &Client{days: days}}
		for hour := range 24 {
			from := march(t).From.Add(time.Duration(hour) * time.Hour)
			n := 0
			for range windows(attendance.Span{From: from, To: from.Add(p.Limits().Span)}, days) {
				n++
			}
			require.Equal(t, 1, n)
		}
	}
	p := &CheckIns{client: &Client{days: leastDays}}
	require.Equal(t, attendance.Limits{Accounts: 100, Span: day}, p.Limits())
	n := 0
	for w := range windows(march(t), leastDays) {
		require.Less(t, w.end-w.start, int64(3*86400), "within three days")
		n++
	}
	require.Equal(t, 1, n)
}

func TestARefusedSpanIsRememberedForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := refusedSpan{clock: time.Now}
		require.False(t, r.tooLong(28))
		r.refused(28)
		require.True(t, r.tooLong(28))
		require.True(t, r.tooLong(30))
		require.False(t, r.tooLong(27))
		r.refused(15)
		require.True(t, r.tooLong(15))
		r.refused(20)
		require.True(t, r.tooLong(15), "the shortest counts")
		pass(time.Hour)
		require.False(t, r.tooLong(28))
		r.refused(20)
		require.False(t, r.tooLong(15))
		require.True(t, r.tooLong(20))
		r.refused(leastDays)
		require.False(t, r.tooLong(leastDays), "there is no shorter one: the query was to blame")
		require.False(t, r.tooLong(20), "and not its length")
		r.refused(20)
		r.taken(12)
		require.True(t, r.tooLong(20))
		r.taken(20)
		require.False(t, r.tooLong(20), "disproved")
		r.refused(18)
		require.False(t, r.tooLong(18), "shorter than one that was answered")
	})
}

// pass lets virtual time pass.
func pass(d time.Duration) { <-time.NewTimer(d).C }
