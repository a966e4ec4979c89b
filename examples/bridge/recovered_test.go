package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// A day that the site's address was told of later is not called not_recalculated any more.
func TestExplainAfterAHookThatRecovered(t *testing.T) {
	s := newSite(t, "e9")
	hook := newRecalculator(t, s)
	s.aDay()
	hook.set(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "not now", http.StatusServiceUnavailable) })
	require.NotEmpty(t, s.backfill().document.warning("not_recalculated"))
	d, _ := s.explain(t, "17")
	require.EqualValues(t, "not_recalculated", d.Code, d.SentenceEN)
	hook.set(nil)
	require.Equal(t, 0, s.bridge("run", "daily").code, "the day is not even read again")
	require.Contains(t, hook.of(17), "2026-03-02")
	d, _ = s.explain(t, "17")
	require.EqualValues(t, "shown", d.Code, d.SentenceEN)
}
