package dbtest

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata" // zones must not depend on the machine

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

var (
	yearSeed   = flag.Uint64("year.seed", 0, "the only seed of TestAYear; 0: its own ones")
	yearSeeds  = flag.Int("year.seeds", 0, "how many seeds TestAYear has; 0: its own number")
	yearDays   = flag.Int("year.days", 0, "how many days a year of TestAYear has; 0: all, or two months of the short one")
	yearPeople = flag.Int("year.people", 0, "how many people TestAYear has; 0: a few hundred for the first seed, fewer for the others")
)

// A yearSize is how many years TestAYear lives through, how long they are, and how
// many people the first and the others have.
type yearSize struct{ seeds, days, most, people int }

// usualYear: a year of a few hundred people takes a minute, those of small companies
// a quarter; under the race detector all is some ten times slower.
func usualYear() yearSize {
	if longTests() && !raceDetector {
		return yearSize{seeds: 3, days: 366, most: 200, people: 40}
	}
	return yearSize{seeds: 1, days: 60, most: 12, people: 12}
}

// A year of a company on both platforms, with all that goes wrong in one, ends with
// an OA that holds what the platforms say, within what nobody can know. A failure
// names the seed, by which it happens again:
//
//	go test -run TestAYear . -args -year.seed=7
//
// and -year.people=500 -year.seeds=1 is the year of a larger company.
func TestAYear(t *testing.T) {
	t.Parallel()
	size := usualYear()
	if *yearSeeds != 0 {
		size.seeds = *yearSeeds
	}
	if *yearDays == 0 {
		*yearDays = size.days
	}
	seeds := []uint64{*yearSeed}
	if *yearSeed == 0 {
		seeds = nil
		for i := range size.seeds {
			seeds = append(seeds, uint64(i+1))
		}
	}
	for i, seed := range seeds {
		people := *yearPeople
		if people == 0 {
			people = size.people
			if i == 0 {
				people = size.most
			}
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			began := time.Now()
			var told string
			synctest.Test(t, func(t *testing.T) { told = testAYear(t, seed, people) })
			t.Logf("seed %d: %s, %.1f s", seed, told, time.Since(began).Seconds())
		})
	}
}

// testAYear lives through the year of one seed. Every third has no ledger.
func testAYear(t *testing.T, seed uint64, people int) string {
	defer func() {
		if t.Failed() {
			t.Logf("again: go test -run TestAYear . -args -year.seed=%d -year.days=%d -year.people=%d", seed, *yearDays, people)
		}
	}()
	var ledger *oasink.LedgerOptions
	if seed%3 != 0 {
		ledger = &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, beijing())
	time.Sleep(time.Until(start))
	on := sqliteEngine()
	on.create = func(t testing.TB, _ string) string {
		return "file:" + file(t) + "?_pragma=journal_mode(wal)&_pragma=synchronous(off)&_pragma=busy_timeout(20000)"
	}
	d := on.found(t, ecologytest.Schema{Generation: yearGeneration})
	w := newYearWorld(t, seed, start, *yearDays, people, d.oa)
	h := newYearHost(t, seed, w, d, ledger)
	defer func() {
		for _, r := range h.replicas {
			r.ding.CloseIdleConnections()
		}
	}()
	j := &yearJudge{t: t, world: w, host: h, deletes: ledger != nil}
	h.live(j.judge)
	j.judge()
	require.NotEmpty(t, j.must)
	complete, all := 0, 0
	for _, job := range w.jobs {
		for _, run := range job.runs {
			if all++; run.complete() {
				complete++
			}
		}
	}
	return fmt.Sprintf("%d people, %d days, %d punches, %d rows, of which %d had to be there, %d of %d runs complete", len(w.people), *yearDays, w.punches, j.counted, len(j.must), complete, all)
}
