package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// recalculator is a site's own address that has days computed.
type recalculator struct {
	mu     sync.Mutex
	url    string
	answer http.HandlerFunc // nil: all well
	calls  int
	days   map[string]bool // "17 2026-03-02", of calls that were answered well
}

const hookSecrets = "?key=s3cret-of-the-url"

func newRecalculator(t *testing.T, s *site) *recalculator {
	t.Helper()
	h := &recalculator{days: map[string]bool{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var document struct {
			Days []struct {
				Employee string `json:"employee_id"`
				Day      string
			}
		}
		err := json.NewDecoder(r.Body).Decode(&document)
		h.mu.Lock()
		h.calls++
		answer := h.answer
		h.mu.Unlock()
		switch {
		case err != nil || r.Method != http.MethodPost || r.URL.RawQuery != hookSecrets[1:] || r.Header.Get("Authorization") != "Bearer s3cret-of-the-site":
			http.Error(w, "who are you?", http.StatusUnauthorized)
		case answer != nil:
			answer(w, r)
		default:
			h.mu.Lock()
			defer h.mu.Unlock()
			for _, d := range document.Days {
				h.days[d.Employee+" "+d.Day] = true
			}
			fmt.Fprintln(w, `{"ok":true}`)
		}
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	s.oa = append(s.oa, "recalculate: http", "recalculate_url: "+server.URL+"/again"+hookSecrets, `recalculate_token: "${HOOK_TOKEN}"`)
	s.environment = append(s.environment, "HOOK_TOKEN=s3cret-of-the-site")
	return h
}

func (h *recalculator) set(answer http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

// of are the days of a person that were computed.
func (h *recalculator) of(person int) (days []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for d := range h.days {
		if id, day, _ := bytes.Cut([]byte(d), []byte(" ")); string(id) == fmt.Sprint(person) {
			days = append(days, string(day))
		}
	}
	slices.Sort(days)
	return days
}

func requireNoHookSecret(t *testing.T, r result) {
	t.Helper()
	require.NotContains(t, r.stdout+r.stderr, "s3cret-of")
}

func TestRecalculateByHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	h := newRecalculator(t, s)
	s.ordinary()
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, ordinaryRows, r.document.Written)
	require.Empty(t, r.document.Warnings)
	for id := 17; id <= 21; id++ {
		require.Equal(t, []string{"2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06", "2026-03-07"}, h.of(id))
	}
	require.Equal(t, []string{"0"}, s.rows(`SELECT count(*) FROM kq_format_pool`), "the hook stands for the pool")

	calls := h.calls
	require.Equal(t, 0, s.backfill().code)
	require.Equal(t, calls, h.calls, "unchanged days are left alone")
	s.punch(17, "09 09:00:00", "OnDuty")
	require.Equal(t, 0, s.bridge("run", "daily").code)
	require.Contains(t, h.of(17), "2026-03-09")
	require.NotContains(t, h.of(17), "2026-03-10", "a day in the future")
}

func TestAFailingRecalculationUndoesNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"HTML": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!DOCTYPE html><title>登录</title>") }, "HTML"},
		"500": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "s3cret-of-the-site", http.StatusInternalServerError)
		}, "HTTP 500"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login"+hookSecrets, http.StatusFound)
		}, "HTTP 302"},
		"cut off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "e9")
			h := newRecalculator(t, s)
			s.ordinary()
			h.set(test.answer)
			r := s.backfill()
			require.Equal(t, 1, r.code, r.stdout)
			require.Equal(t, ordinaryRows, r.document.Written)
			require.Empty(t, r.document.Failed)
			require.Len(t, s.rows(signRows), ordinaryRows)
			warning := r.document.warning("not_recalculated")
			require.Contains(t, warning, test.says)
			require.Contains(t, warning, "17: 2026-03-02, 2026-03-03, 2026-03-04, 2026-03-05, 2026-03-06; 18: 2026-03-02")
			requireNoHookSecret(t, r)
		})
	}
}

// What failed on the way and was done in the end is no warning.
func TestARecalculationThatRecovers(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	h := newRecalculator(t, s)
	s.ordinary()
	h.set(func(w http.ResponseWriter, _ *http.Request) {
		h.set(nil)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout)
	require.Empty(t, r.document.Warnings)
	require.Equal(t, 2, h.calls)
	require.Len(t, h.of(21), 7)
}

func TestARecalculationThatHangs(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	h := newRecalculator(t, s)
	s.ordinary()
	h.set(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	var out, errOut bytes.Buffer
	p := &program{out: &out, err: &errOut, lookup: s.lookup, hookTimeout: 50 * time.Millisecond}
	code := p.main(t.Context(), []string{"-config", s.write(), "-now", noon().Format(time.RFC3339), "-json", "backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-08"})
	require.Equal(t, 1, code, out.String())
	r := result{stdout: out.String(), stderr: errOut.String()}
	require.NoError(t, json.Unmarshal(out.Bytes(), &r.document))
	require.Contains(t, r.document.warning("not_recalculated"), "no answer within 50ms")
	require.Len(t, s.rows(signRows), ordinaryRows)
	requireNoHookSecret(t, r)
}

func TestUndoIsRecalculatedByHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	h := newRecalculator(t, s)
	s.oa = append(s.oa, "ledger: true")
	s.punch(17, "02 09:00:00", "OnDuty")
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout)
	h.days = map[string]bool{}
	h.set(func(w http.ResponseWriter, _ *http.Request) {
		h.set(nil)
		w.WriteHeader(http.StatusBadGateway)
	})
	undone := s.bridge("undo", *r.document.Run)
	require.Equal(t, 1, undone.code, undone.stdout)
	require.Equal(t, 1, undone.document.Removed)
	require.Contains(t, undone.document.warning("not_recalculated"), "17: 2026-03-02")
	requireNoHookSecret(t, undone)

	r = s.backfill()
	require.Equal(t, 0, r.code, r.stdout)
	h.days = map[string]bool{}
	require.Equal(t, 0, s.bridge("undo", *r.document.Run).code)
	require.Equal(t, []string{"2026-03-01", "2026-03-02", "2026-03-03"}, h.of(17))
}

func TestCheckDoesNotRecalculate(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	h := newRecalculator(t, s)
	r := s.bridge("check")
	require.Equal(t, 0, r.code, r.stdout)
	require.Contains(t, r.stdout, "recalculation_untested")
	require.Zero(t, h.calls)
	requireNoHookSecret(t, r)
}
