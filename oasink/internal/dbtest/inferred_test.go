package dbtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// aDayWithoutDirections is what is inferred of one punch, and of it and an earlier one that
// has come late.
func aDayWithoutDirections(ids ...string) (first, second []attendance.Punch) {
	late, evening := record(ids[0], punch(101, at(2, 8, 0, 0), attendance.Undirected)), record(ids[1], punch(101, at(2, 18, 0, 0), attendance.Undirected))
	first, second = []attendance.Punch{evening}, []attendance.Punch{late, evening}
	attendance.InferDirections(first, beijing())
	attendance.InferDirections(second, beijing())
	return first, second
}

func typesOf(t testing.TB, oa *ecologytest.OA) (types []string) {
	for _, r := range signs(t, oa) {
		types = append(types, r.SignTime+" "+r.SignType)
	}
	return types
}

// Without a ledger a row keeps the type that it was written with, and stays one row.
func TestAnInferredTypeIsKept(t *testing.T) {
	t.Parallel()
	for _, g := range []oasink.Generation{oasink.E7, oasink.E8, oasink.E9} {
		oa := build(t, ecologytest.Schema{Generation: g})
		s := sink(t, oa.DB(), nil)
		first, second := aDayWithoutDirections("a", "b")
		write(t, s, first...)
		for range 2 {
			w := write(t, s, second...)
			require.Zero(t, w.Superseded)
			require.Equal(t, 2, w.Written+w.Present)
		}
		require.ElementsMatch(t, []string{"08:00:00 1", "18:00:00 1"}, typesOf(t, oa), "%v", g)
	}
}

// With one it is corrected, whether the platform has record ids or not.
func TestAnInferredTypeIsCorrectedByALedger(t *testing.T) {
	t.Parallel()
	everywhere(t, testAnInferredTypeIsCorrectedByALedger)
}

func testAnInferredTypeIsCorrectedByALedger(t *testing.T, on engine) {
	for _, ids := range [][]string{{"a", "b"}, {"", ""}} {
		k := on.ledger(t, oasink.E8, oasink.DeleteWithdrawn)
		first, second := aDayWithoutDirections(ids...)
		k.write(t, 0, "first", first...)
		require.Equal(t, []string{"18:00:00 1"}, typesOf(t, k.oa))
		w := k.write(t, 1, "second", second...)
		require.Equal(t, [4]int{2, 1, 0, 0}, [4]int{w.Written, w.Corrected, w.Superseded, w.Removed})
		require.ElementsMatch(t, []string{"08:00:00 1", "18:00:00 2"}, typesOf(t, k.oa))
		w = k.write(t, 2, "third", second...)
		require.Equal(t, [2]int{0, 2}, [2]int{w.Written, w.Present})
		// The late one is taken back: the evening is the first again.
		w = k.write(t, 3, "fourth", first...)
		require.Equal(t, [2]int{1, 1}, [2]int{w.Corrected, w.Removed})
		require.Equal(t, []string{"18:00:00 1"}, typesOf(t, k.oa))
	}
}
