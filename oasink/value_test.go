package oasink

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestSecondRoundTrip(t *testing.T) {
	for _, when := range []time.Time{
		time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), time.Date(1999, 12, 31, 23, 59, 59, 999e6, time.UTC), time.Date(2026, 1, 9, 9, 5, 7, 0, time.UTC),
	} {
		s := secondOf(when)
		require.Equal(t, when.Format(time.DateTime), s.date()+" "+s.clock())
		back, ok := secondFrom(s.date(), s.clock())
		require.True(t, ok)
		require.Equal(t, s, back)
		require.Equal(t, s.date(), dayOf(s).String())
	}
}

func TestSecondRefusesWhatOtherWritersLeave(t *testing.T) {
	for _, c := range [][2]string{{"2026-3-2", "08:00:00"}, {"2026-03-02", "9:05:00"}, {"", ""}, {"2026-03-02", ""}, {"2026/03/02", "08:00:00"}, {"2026-03-0x", "08:00:00"}} {
		_, ok := secondFrom(c[0], c[1])
		require.False(t, ok, "%q", c)
	}
}

func FuzzSecond(f *testing.F) {
	f.Add("2026-03-02", "08:00:00")
	f.Add("2026-3-2", "8:0:0")
	f.Fuzz(func(t *testing.T, date, clock string) {
		if s, ok := secondFrom(date, clock); ok && (s.date() != date || s.clock() != clock) {
			t.Fatalf("%q %q became %q %q", date, clock, s.date(), s.clock())
		}
	})
}

func TestTextOfTrimsPadding(t *testing.T) {
	require.Equal(t, "from_dd", textOf("from_dd   "))
	require.Equal(t, "1", textOf([]byte("1 ")))
	require.Equal(t, "7", textOf(int64(7)))
	require.Empty(t, textOf(nil))
	require.Equal(t, int64(12), intOf("12 "))
	require.Equal(t, int64(12), intOf(12.0))
	require.Zero(t, intOf(""))
	require.Zero(t, intOf(nil))
}

func TestFittingCutsAtACharacter(t *testing.T) {
	long := strings.Repeat("某", 400)
	fit, shortened := fitting(long, column{size: 1000, bytes: true}, maxAddress)
	require.True(t, shortened)
	require.Equal(t, strings.Repeat("某", 333), fit)
	fit, _ = fitting(long, column{size: 10}, maxAddress)
	require.Equal(t, strings.Repeat("某", 10), fit)
	fit, shortened = fitting("a\x00b\xff🏢", column{bytes: true}, maxAddress)
	require.False(t, shortened)
	require.Equal(t, "ab\uFFFD🏢", fit)
	fit, shortened = fitting("🏢", column{size: 3, bytes: true}, maxAddress)
	require.True(t, shortened)
	require.Empty(t, fit)
	fit, _ = fitting("120.017139", column{kind: decimal, size: 4, bytes: true}, maxCoordinate)
	require.Equal(t, "120.017139", fit, "the size of a number is not one of its text")
}

func FuzzFitting(f *testing.F) {
	f.Add("某某路\x00🏢", 5, true)
	f.Add("'; DROP TABLE x; --", 3, false)
	f.Fuzz(func(t *testing.T, s string, size int, bytes bool) {
		fit, shortened := fitting(s, column{size: size, bytes: bytes}, 1000)
		switch {
		case !utf8.ValidString(fit), strings.ContainsRune(fit, 0), !strings.HasPrefix(clean(s), fit), len(fit) > 1000:
			t.Fatalf("%q became %q", s, fit)
		case size > 0 && bytes && len(fit) > size, size > 0 && !bytes && utf8.RuneCountInString(fit) > size:
			t.Fatalf("%q does not fit %d", fit, size)
		case shortened != (fit != clean(s)):
			t.Fatalf("shortened = %v for %q", shortened, s)
		}
	})
}

func TestCoordinate(t *testing.T) {
	text, ok := coordinate(120.017139)
	require.True(t, ok)
	require.Equal(t, "120.017139", text)
	text, _ = coordinate(1e-7)
	require.Equal(t, "0.0000001", text)
	for _, bad := range []float64{math.NaN(), math.Inf(1), 1e300} {
		_, ok := coordinate(bad)
		require.False(t, ok)
	}
}

func TestColumnDeclarations(t *testing.T) {
	for declared, want := range map[string]column{
		"varchar2(400 CHAR)": {size: 400}, "CHAR(10)": {size: 10}, "TEXT": {}, "": {}, "NUMERIC(18,8)": {kind: decimal},
		"number(38, 0)": {kind: decimal}, "INTEGER": {kind: integer}, "bigint(20)": {kind: integer}, "nvarchar( 60 )": {size: 60},
		"varchar(99999999999999999999)": {size: math.MaxInt}, "timestamp(6)": {kind: temporal}, "DATE": {kind: temporal}, "time without time zone": {kind: temporal},
	} {
		want.name = "c"
		require.Equal(t, want, newColumn("c", declared), declared)
	}
}

func FuzzColumn(f *testing.F) {
	f.Add("varchar2(400 CHAR)")
	f.Fuzz(func(t *testing.T, declared string) {
		if c := newColumn("c", declared); c.size < 0 {
			t.Fatalf("%q has size %d", declared, c.size)
		}
	})
}

func TestBindFollowsTheColumn(t *testing.T) {
	require.Equal(t, "1", column{}.bind("1"))
	require.Equal(t, int64(1), column{kind: integer}.bind("1"))
	require.InDelta(t, 120.5, column{kind: decimal}.bind("120.5"), 0)
	require.Equal(t, "x", column{kind: integer}.bind("x"))
	require.Nil(t, column{kind: decimal}.bind(nil))
}

// Drivers return days, times and numbers in many shapes.
func TestSecondInAnyShape(t *testing.T) {
	t.Parallel()
	wall := time.Date(2026, 3, 4, 8, 51, 7, 0, time.UTC)
	shanghai := time.FixedZone("CST", 8*3600)
	for _, c := range [][2]any{
		{"2026-03-04", "08:51:07"}, {"2026-03-04  ", "08:51:07 "}, {[]byte("2026-03-04"), []byte("08:51:07")},
		{time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC), "08:51:07.000000"}, {time.Date(2026, 3, 4, 0, 0, 0, 0, shanghai), "08:51:07+08"},
		{"2026-03-04 00:00:00", "0000-01-01T08:51:07Z"}, {"2026-03-04T00:00:00Z", time.Date(1, 1, 1, 8, 51, 7, 0, time.UTC)}, {wall, wall},
	} {
		s, ok := secondIn(c[0], c[1])
		require.True(t, ok, "%v", c)
		require.Equal(t, secondOf(wall), s, "%v", c)
	}
	for _, c := range [][2]any{{nil, nil}, {"2026-03-04", "08:51"}, {"04-MAR-26", "08:51:07"}, {"2026-03-04", "08:51:0"}, {int64(20260304), "08:51:07"}} {
		_, ok := secondIn(c[0], c[1])
		require.False(t, ok, "%v", c)
	}
	for _, one := range []any{"1", "1 ", []byte("1.00"), int64(1), 1.0, true, "1."} {
		require.Equal(t, "1", digitOf(one), "%v", one)
		require.Equal(t, int64(1), intOf(one), "%v", one)
	}
	require.Equal(t, "1.5", digitOf("1.5"))
}
