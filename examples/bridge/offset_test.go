package main

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// failBefore makes every query for punches fail that begins before the day.
func (s *site) failBefore(day string) {
	from := regexp.MustCompile(`"checkDateFrom":"([^"]*)"`)
	h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if m := from.FindSubmatch(body); m != nil && string(m[1]) < day && strings.HasSuffix(r.URL.Path, dingtalktest.PathListRecord) {
			_, _ = io.WriteString(w, `{"errcode":43009,"errmsg":"strange"}`)
			return
		}
		s.ding.ServeHTTP(w, r)
	}))
	s.handler.Store(&h)
}

// Times are shown with the job's offset, whatever the file's zone, that of -now and the
// state's are, in documents and in texts.
func TestTimesHaveTheJobsOffset(t *testing.T) {
	clock := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)`)
	s := newSite(t, "e9")
	s.oa = append(s.oa, "ledger: true")
	s.head = "time_zone: America/New_York\n"
	s.job = append(s.job, "time_zone: Asia/Tokyo", `at: "23:30"`)
	s.daily(1, 31, 17, 18, 19, 20, 21)
	shown := 0
	call := func(code int, args ...string) string {
		t.Helper()
		exit, text, logs := s.plain(args...)
		r := s.bridge(args...)
		require.Equal(t, []int{code, code}, []int{exit, r.code}, r.stdout+text)
		for _, out := range []string{text, logs, r.stdout} {
			for _, when := range clock.FindAllString(out, -1) {
				shown++
				require.True(t, strings.HasSuffix(when, "+09:00"), "%s in %v: %s", when, args, out)
			}
		}
		return r.stdout
	}
	noon := func(day int) { s.now = time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC) }

	s.failBefore("2026-03-05")
	for _, day := range []int{4, 6, 20} {
		noon(day)
		call(1, "run", "daily")
	}
	require.Contains(t, call(1, "run", "daily"), `"to": "2026-03-05T00:00:00+09:00"`)
	call(0, "jobs")
	last := s.history("daily").Runs[0]
	call(0, "history", "daily", "-run", last.ID)
	call(1, "preview", "daily")
	call(1, "reconcile", "daily", "-from", "2026-03-03", "-to", "2026-03-06")
	s.handler.Store(nil)
	s.exec(`UPDATE HrmScheduleSign SET signTime = '07:07:07' WHERE userId = 17 AND signDate = '2026-03-10'`)
	call(1, "reconcile", "daily", "-from", "2026-03-03", "-to", "2026-03-16")
	noon(21)
	call(0, "run", "daily")
	for _, day := range []string{"2026-03-01", "2026-03-04", "2026-03-10", "2026-03-21", "2026-03-22"} {
		call(0, "explain", "daily", "-employee", "17", "-day", day)
	}
	call(0, "history", "daily", "-grep", "03")
	call(0, "changes", "daily", "-since", "2026-03-04T09:00:00Z")
	call(0, "check")
	runs := s.history("daily").Runs
	call(1, "undo", runs[len(runs)-3].ID)
	require.Greater(t, shown, 100)
}
