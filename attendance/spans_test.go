package attendance_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// A set of hours is what Spans is compared with: one bit for each of 64 hours.
func hours(bits uint64) attendance.Spans {
	var all []attendance.Span
	for h := range 64 {
		if bits&(1<<h) != 0 {
			all = append(all, hour(h, h+1))
		}
	}
	return attendance.SpansOf(all...)
}

func hour(from, to int) attendance.Span {
	zero := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return attendance.Span{From: zero.Add(time.Duration(from) * time.Hour), To: zero.Add(time.Duration(to) * time.Hour)}
}

func bitsOf(t *testing.T, s attendance.Spans) uint64 {
	t.Helper()
	var b uint64
	for i, one := range s {
		require.False(t, one.Empty())
		if i > 0 {
			require.True(t, s[i-1].To.Before(one.From), "%v overlaps or touches its neighbour", s)
		}
	}
	for h := range 64 {
		if s.Contains(hour(h, h+1).From) {
			b |= 1 << h
		}
	}
	return b
}

func TestSpansAreASet(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		a, b := r.Uint64()&r.Uint64(), r.Uint64()|r.Uint64()
		from := r.IntN(63)
		within := hour(from, from+1+r.IntN(63-from))
		require.Equal(t, a, bitsOf(t, hours(a)))
		require.Equal(t, a|b, bitsOf(t, hours(a).Plus(hours(b)...)))
		require.Equal(t, a&^b, bitsOf(t, hours(a).Minus(hours(b))))
		require.Equal(t, a&bitsOf(t, attendance.Spans{within}), bitsOf(t, hours(a).Within(within)))
		require.Equal(t, bitsOf(t, attendance.Spans{within})&^b == 0, hours(b).Covers(within))
	}
}

// Each span of a result has both ends in the zone of the set that it was made of, whatever
// the other one's is: what a store remembers comes back in UTC.
func TestSpansKeepTheirZone(t *testing.T) {
	zone := time.FixedZone("CST", 8*3600)
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		a, b := hours(r.Uint64()&r.Uint64()).In(zone), hours(r.Uint64()&r.Uint64())
		for _, one := range append(a.Minus(b), a.Within(hour(20, 40))...) {
			require.Equal(t, zone, one.Zone())
			require.NoError(t, one.Validate())
		}
		for _, one := range append(a.Plus(b...), b.Plus(a...)...) {
			require.NoError(t, one.Validate())
		}
	}
}

func TestSpansBoundsAndZone(t *testing.T) {
	require.Zero(t, attendance.Spans(nil).Bounds())
	require.Equal(t, hour(1, 9), attendance.SpansOf(hour(8, 9), hour(1, 2), hour(5, 5)).Bounds())
	moved := attendance.SpansOf(hour(0, 1)).In(time.FixedZone("CST", 8*3600))
	require.Equal(t, "[2026-03-01T08:00:00+08:00, 2026-03-01T09:00:00+08:00)", moved.String())
	require.True(t, moved.Covers(hour(0, 1)))
}
