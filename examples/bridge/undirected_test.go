package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A company that only records time and place: skip tells, infer takes all on any OA.
func TestUndirectedPunches(t *testing.T) {
	s := newSite(t, "e8")
	s.punch(17, "06 08:00:00", "")
	s.punch(17, "06 12:00:00", "")
	s.punch(17, "06 18:00:00", "")
	s.punch(18, "06 08:30:00", "OnDuty")
	s.punch(18, "06 17:30:00", "")
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout)
	require.Equal(t, map[string]int{"undirected": 4}, r.document.Skipped)
	warning := r.document.warning("undirected_skipped")
	require.Contains(t, warning, "4 ")
	require.Contains(t, warning, "infer")
	require.Contains(t, warning, "null")
	r = s.bridge("check")
	require.Equal(t, 1, r.code, r.stdout)
	require.Contains(t, r.document.errors()["undirected_skipped"], "4 of the 5")

	s.job = set(s.job, "undirected: infer")
	r = s.bridge("check")
	require.Equal(t, 0, r.code, r.stdout)
	r = s.backfill()
	require.Equal(t, 0, r.code, r.stdout)
	require.Empty(t, r.document.Skipped)
	require.Empty(t, r.document.warning("undirected_skipped"))
	want := []string{"17|1|2026-03-06|08:00:00", "18|1|2026-03-06|08:30:00", "17|2|2026-03-06|12:00:00", "18|2|2026-03-06|17:30:00", "17|2|2026-03-06|18:00:00"}
	require.Equal(t, want, s.rows(signRows))
	require.Zero(t, s.backfill().document.Written)

	// A punch that comes late turns the first one; its row keeps its type, and nothing is said to differ.
	s.punch(17, "06 07:00:00", "")
	r = s.backfill()
	require.Equal(t, [3]int{1, 5, 0}, [3]int{r.document.Written, r.document.Present, r.document.Superseded})
	require.Equal(t, append([]string{"17|1|2026-03-06|07:00:00"}, want...), s.rows(signRows))
	d := s.reconciled(0, "-from", "2026-03-06", "-to", "2026-03-06")
	require.Empty(t, d.Different)
	require.Empty(t, d.Doubled)
	var e explainDocument
	s.read(&e, "explain", "daily", "-employee", "17", "-day", "2026-03-06")
	require.EqualValues(t, "shown", e.Code, e.SentenceEN)
}

// With a ledger the type is corrected.
func TestAnInferredDirectionIsCorrected(t *testing.T) {
	s := newLedgerSite(t, "e8")
	s.job = set(s.job, "undirected: infer")
	s.punch(17, "06 18:00:00", "")
	require.Equal(t, 1, s.backfill().document.Written)
	s.punch(17, "06 07:00:00", "")
	require.Equal(t, 2, s.backfill().document.Written)
	require.Equal(t, []string{"17|1|2026-03-06|07:00:00", "17|2|2026-03-06|18:00:00"}, s.rows(signRows))
	require.Empty(t, s.reconciled(0, "-from", "2026-03-06", "-to", "2026-03-06").Different)
}

// Today is read as far as it has come, by every run.
func TestInferenceOverTheDay(t *testing.T) {
	s := newSite(t, "e8")
	s.job = set(set(s.job, "undirected: infer"), "look_back_days: 0")
	for _, clock := range []string{"08:00:00", "12:00:00", "18:00:00"} {
		s.punch(17, "06 "+clock, "")
	}
	for i, now := range []string{"06 09:00:00", "06 13:00:00", "06 19:00:00"} {
		s.now = at(t, now)
		r := s.bridge("run", "daily")
		require.Equal(t, 0, r.code, r.stdout)
		require.Equal(t, [2]int{1, i}, [2]int{r.document.Written, r.document.Present}, r.stdout)
	}
	require.Equal(t, []string{"17|1|2026-03-06|08:00:00", "17|2|2026-03-06|12:00:00", "17|2|2026-03-06|18:00:00"}, s.rows(signRows))
}
