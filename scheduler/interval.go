package scheduler

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"
)

// An Interval is a schedule of even steps, counted from 1970-01-01 00:00 UTC and so the
// same in every process and after every restart. Everything counts in whole seconds.
type Interval struct {
	// Every is the length of a step, at least a second.
	Every time.Duration
	// Offset is how long after the beginning of each step the run starts. Where steps are
	// hours or parts of them, it is how long after the full hour, in all zones whose clocks
	// differ from UTC by whole hours.
	Offset time.Duration
	// Jitter, at most Every, spreads the starts: each comes up to so much later (never
	// quite), by a length that differs from step to step and is the same in all processes.
	Jitter time.Duration
	// Seed tells the jitters of jobs or companies apart, which else are the same.
	Seed string
}

// Every is every d, seven minutes off the full hour: the platforms are busy at full
// hours, and ask to stay away from them. For another offset, and for jitter, write an
// [Interval].
func Every(d time.Duration) Interval { return Interval{Every: d, Offset: 7 * time.Minute} }

func (s Interval) validate() error {
	if s.Every < time.Second || s.Offset < 0 || s.Jitter < 0 || s.Jitter > s.Every {
		return fmt.Errorf("every %v, offset %v, jitter %v: a step needs a second or more, and a jitter no longer than it", s.Every, s.Offset, s.Jitter)
	}
	return nil
}

// Next implements [Schedule]. It returns times in UTC; none where the Interval cannot
// be, which is an error of [New].
func (s Interval) Next(after time.Time) time.Time {
	if s.validate() != nil {
		return time.Time{}
	}
	every, offset := int64(s.Every/time.Second), int64(s.Offset/time.Second)
	seconds := after.Unix()
	step := floor(seconds-offset, every) // the one before it is over: a jitter is shorter than a step
	for {
		if at := step*every + offset + s.jitter(step); at > seconds {
			return time.Unix(at, 0).UTC()
		}
		step++
	}
}

func (s Interval) jitter(step int64) int64 {
	spread := uint64(s.Jitter / time.Second) // #nosec G115 -- not negative
	if spread == 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write(binary.BigEndian.AppendUint64([]byte(s.Seed), uint64(step)))
	// FNV's low bits follow the last bytes: they are mixed once more.
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return int64((x ^ x>>33) % spread)
}

// floor is a/b rounded down, for b > 0.
func floor(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}
