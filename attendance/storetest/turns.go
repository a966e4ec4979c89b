package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

func leased(t testing.TB, s attendance.Store) {
	lease := func(owner string, when time.Time, over attendance.Holder) attendance.Holder {
		t.Helper()
		h, err := s.Lease(background(), "job", owner, when, over)
		ok(t, err)
		return h
	}
	beat := func(owner string, when time.Time, want bool) {
		t.Helper()
		held, err := s.Beat(background(), "job", owner, when)
		ok(t, err)
		equal(t, "held by "+owner, held, want)
	}
	nobody := attendance.Holder{}
	beat("a", at(0), false)
	ok(t, s.Release(background(), "job", "a"))
	first := lease("a", at(1).Add(7*time.Millisecond).In(time.FixedZone("", 3600)), nobody)
	equal(t, "owner", first.Owner, "a")
	if first.At.Location() != time.UTC || !first.At.Equal(at(1)) && !first.At.Equal(at(1).Add(7*time.Millisecond)) {
		t.Fatalf("At = %v, want %v in UTC, to the second or finer", first.At, at(1))
	}
	if seen := lease("b", at(2), nobody); seen != first {
		t.Fatalf("b got %+v over nobody, want the holder %+v", seen, first)
	}
	if seen := lease("a", at(2), nobody); seen != first {
		t.Fatalf("a, which holds it, got %+v, want its own hold %+v", seen, first)
	}
	beat("b", at(3), false)
	if seen := lease("b", at(3), nobody); seen != first {
		t.Fatalf("after a beat of another, the holder is %+v, want %+v", seen, first)
	}
	beat("a", at(4), true)
	second := lease("b", at(5), first)
	equal(t, "the holder after a beat, over the one before it", second.Owner, "a")
	if second == first {
		t.Fatalf("a beat came, and %+v is as before", second)
	}
	equal(t, "when the last beat came", second.At, at(4))
	taken := lease("b", at(6), second)
	equal(t, "the holder after a takeover", taken.Owner, "b")
	beat("a", at(7), false)
	equal(t, "the holder over one long ago", lease("a", at(7), second), taken)
	ok(t, s.Release(background(), "job", "a")) // not its holder
	equal(t, "the holder after a stranger's release", lease("c", at(8), nobody), taken)
	ok(t, s.Release(background(), "job", "b"))
	beat("b", at(9), false)
	again := lease("b", at(6), nobody)
	equal(t, "the holder after a release", again.Owner, "b")
	if again == taken {
		t.Fatalf("a hold after a release is equal to the one before it: %+v", again)
	}
	equal(t, "the holder over the hold before the release", lease("c", at(9), taken), again)
	other, err := s.Lease(background(), "JOB", "c", at(9), nobody)
	ok(t, err)
	equal(t, "the holder of another lease", other.Owner, "c")
}

func oneTakesOver(t testing.TB, s attendance.Store) {
	for round := range 5 {
		name := fmt.Sprint(round)
		for _, begin := range []bool{true, false} { // first of nothing, then over one that is dead
			dead := attendance.Holder{}
			if !begin {
				var err error
				dead, err = s.Lease(background(), name, "nobody", at(0), attendance.Holder{})
				ok(t, err)
			}
			const n = 8
			holders := make([]attendance.Holder, n)
			atOnce(t, n, func(i int) (err error) {
				holders[i], err = s.Lease(background(), name, fmt.Sprint(i), at(1), dead)
				return err
			})
			won := 0
			for i, h := range holders {
				if h.Owner == fmt.Sprint(i) {
					won++
				}
				equal(t, "the holder that each is told", h, holders[0])
			}
			equal(t, "winners", won, 1)
		}
	}
}

func ticked(t testing.TB, s attendance.Store) {
	last := func(want time.Time) {
		t.Helper()
		got, err := s.LastTick(background(), "job")
		ok(t, err)
		equal(t, "the last tick", got, want)
	}
	tick := func(job string, when time.Time, want bool) {
		t.Helper()
		claimed, err := s.Tick(background(), job, when, "me")
		ok(t, err)
		equal(t, fmt.Sprintf("claimed %v", when), claimed, want)
	}
	last(time.Time{})
	tick("job", at(10).In(time.FixedZone("", 3600)), true)
	tick("job", at(10), false)
	last(at(10))
	tick("job", at(9), false)
	last(at(10))
	tick("job", at(20), true)
	last(at(20))
	tick("job", at(15), false)
	tick("Job", at(5), true)
	last(at(20))
}

func oneTicks(t testing.TB, s attendance.Store) {
	for round := 1; round <= 5; round++ {
		var claims atomic.Int64
		atOnce(t, 8, func(i int) error {
			claimed, err := s.Tick(background(), "job", at(round), fmt.Sprint(i))
			if claimed {
				claims.Add(1)
			}
			return err
		})
		equal(t, "claims of one time by eight", claims.Load(), int64(1))
	}
}

func spent(t testing.TB, s attendance.Store) {
	spend := func(corp, month string, n, most, want int, added bool) {
		t.Helper()
		sum, fine, err := s.Spend(background(), corp, month, n, most)
		ok(t, err)
		equal(t, fmt.Sprintf("sum and ok after %d of %d", n, most), fmt.Sprint(sum, fine), fmt.Sprint(want, added))
	}
	spend("c", "2026-03", 0, 100, 0, true)
	spend("c", "2026-03", 60, 100, 60, true)
	spend("c", "2026-03", 41, 100, 60, false)
	spend("c", "2026-03", 40, 100, 100, true)
	spend("c", "2026-03", 1, 100, 100, false)
	spend("c", "2026-03", -30, 50, 70, true) // giving back is allowed beyond the most, too
	spend("c", "2026-03", 1, 50, 70, false)
	spend("c", "2026-03", -100, 100, 0, true)
	spend("c", "2026-04", 1, 100, 1, true)
	spend("C", "2026-03", 2, 100, 2, true)
	spend("c", "2026-03", 100, 100, 100, true)
	spend("c2", "2026-03", 101, 100, 0, false)
}

func spentAtOnce(t testing.TB, s attendance.Store) {
	const most = 50
	var added atomic.Int64
	atOnce(t, 8, func(int) error {
		for range 10 {
			sum, fine, err := s.Spend(background(), "c", "2026-03", 1, most)
			switch {
			case err != nil:
				return err
			case sum > most:
				return fmt.Errorf("%d spent of %d", sum, most)
			case fine:
				added.Add(1)
			}
		}
		return nil
	})
	equal(t, "calls that were added by eight at once", added.Load(), int64(most))
	sum, _, err := s.Spend(background(), "c", "2026-03", 0, most)
	ok(t, err)
	equal(t, "sum", sum, most)
}
