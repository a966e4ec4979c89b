package dbtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// An edition is what the platform holds at one time: each one corrects a third of
// the punches of the one before it and the remarks of half the field check-ins,
// withdraws a punch of each person and has another.
type edition int

// batches are those of one person each.
func (e edition) batches() []attendance.Batch {
	odd := int(e) % 2
	all := batch()
	all.ReadAt, all.Run = now().Add(time.Duration(e)*time.Second), fmt.Sprintf("edition %d", e)
	var list []attendance.Batch
	for i, m := range all.Members {
		b := all
		b.Members = []attendance.Member{m}
		for n := range 30 {
			in, visit := punch(101+i, at(2+n%7, 8, n, i), attendance.In), field(101+i, at(2+n%7, 9, n, i))
			if n%3 == 0 {
				in.Time = in.Time.Add(time.Duration(odd) * 2 * time.Hour)
			}
			if n%2 == 0 {
				visit.Remark = []string{"", "补充"}[odd]
			}
			in, visit = record(fmt.Sprintf("in %d %d", i, n), in), record(fmt.Sprintf("visit %d %d", i, n), visit)
			if n == 10+odd { // the one that the other edition has
				b.Punches = append(b.Punches, visit)
				continue
			}
			b.Punches = append(b.Punches, in, visit)
		}
		list = append(list, b)
	}
	return list
}

// rows are what the OA then holds of a person, as held has it.
func (edition) rows(b attendance.Batch) string {
	var lines []string
	for _, p := range b.Punches {
		if p.Kind == attendance.Field {
			lines = append(lines, fmt.Sprintf("mobile %s %s", b.Members[0].Person, p.Time.Format(time.DateTime)))
		} else {
			lines = append(lines, fmt.Sprintf("sign %s %s 1", b.Members[0].Person, p.Time.Format(time.DateTime)))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (e edition) write(s *oasink.Sink) (int, error) {
	n := 0
	for _, b := range e.batches() {
		w, err := s.Write(context.Background(), b)
		if err != nil {
			return n, err
		}
		n += w.Written
	}
	return n, nil
}

// heldBy is what the OA holds of each person.
func heldBy(t testing.TB, oa *ecologytest.OA) map[string]string {
	t.Helper()
	people := make(map[string]string)
	for _, line := range held(t, oa) {
		person := strings.Fields(line)[1]
		people[person] += line + "\n"
	}
	return people
}

// Processes that keep a ledger are killed at random instants, while they add, move
// and remove rows: each person's rows are those of one edition or of the other, the
// ledger names exactly them, nothing holds the next run up, and one run makes the
// whole exact.
func TestKilledProcessesLeaveTheirLedgerTrue(t *testing.T) {
	t.Parallel()
	everywhere(t, testKilledProcessesLeaveTheirLedgerTrue)
}

func testKilledProcessesLeaveTheirLedgerTrue(t *testing.T, on engine) {
	rounds := byLength(34, 5)
	if raceDetector && longTests() {
		rounds = 8
	}
	d := on.found(t, ecologytest.Schema{})
	d.sink(t, &oasink.LedgerOptions{})
	undisturbed := time.Duration(0)
	killed, between := 0, 0
	for round := range rounds {
		p := writer(t, d, fmt.Sprintf("PUNCHBRIDGE_EDITION=%d", round))
		if round == 0 { // how long one takes
			begun := time.Now()
			p.goOn()
			require.NoError(t, p.Wait())
			undisturbed = time.Since(begun)
			continue
		}
		if p.killWithin(t, undisturbed) {
			killed++
		}
		people := atRest(t, d, func(t testing.TB, oa *ecologytest.OA) map[string]string {
			requireLedgerOf(t, d)
			return heldBy(t, oa)
		})
		odd := 0
		for i, b := range edition(0).batches() {
			got, other := strings.TrimSpace(people[b.Members[0].Person]), edition(1).rows(edition(1).batches()[i])
			require.Contains(t, []string{edition(0).rows(b), other}, got, "round %d", round)
			if got == other {
				odd++
			}
		}
		if odd > 0 && odd < len(people) {
			between++
		}
	}
	t.Logf("%d of %d processes were killed, after %d of them people's rows were of different editions; one undisturbed took %v",
		killed, rounds-1, between, undisturbed.Round(time.Millisecond))
	last := edition(rounds)
	s := sink(t, d.pool(t), &oasink.Options{Ledger: &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}})
	_, err := last.write(s)
	require.NoError(t, err)
	people := heldBy(t, d.oa)
	for _, b := range last.batches() {
		require.Equal(t, last.rows(b), strings.TrimSpace(people[b.Members[0].Person]))
	}
	require.Len(t, people, 10)
	requireLedgerOf(t, d)
	n, err := edition(rounds + 2).write(s) // the same once more
	require.NoError(t, err)
	require.Zero(t, n)
}
