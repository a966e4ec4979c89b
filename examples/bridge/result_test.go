package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// requireInHistory holds the sync log and the list of jobs to the exit code of the run
// that has just ended.
func (s *site) requireInHistory(r result) {
	s.t.Helper()
	want := map[int]string{exitDone: "ok", exitPartial: "partial", exitRefused: "refused"}[r.code]
	runs := s.history("-run", *r.document.Run).Runs
	require.Len(s.t, runs, 1)
	require.Equal(s.t, want, runs[0].Result, r.stdout)
	require.Equal(s.t, want == "ok", runs[0].Message == "", runs[0].Message)
	require.Equal(s.t, want, s.jobs()[0].Last.Result)
	for _, w := range runs[0].Warnings {
		require.Equal(s.t, w.Message, r.document.warning(w.Code))
	}
}

func (d document) finding(code string) string {
	for _, f := range d.Findings {
		if f.Code == code {
			return f.Level + " " + f.Message
		}
	}
	return ""
}

// Whatever a run left undone, its exit code and the sync log say the same of it.
func TestTheSyncLogSaysWhatTheExitCodeSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code int
		make func(s *site)
	}{
		"all done":           {exitDone, func(*site) {}},
		"people left out":    {exitDone, func(s *site) { s.person(30, 12, "无人") }},
		"closed months":      {exitDone, func(s *site) { s.job = append(s.job, "freeze_after_day: 1") }},
		"the queue refuses":  {exitPartial, func(s *site) { s.exec(noPool) }},
		"there is no queue":  {exitPartial, func(s *site) { s.exec(`DROP TABLE kq_format_pool`); s.oa = append(s.oa, "generation: e9") }},
		"a row is refused":   {exitPartial, func(s *site) { s.exec(noRow17) }},
		"a table is missing": {exitPartial, func(s *site) { s.exec(`DROP TABLE mobile_sign`) }},
		"the database lacks": {exitPartial, func(s *site) { s.oa = []string{`dsn: "file:nowhere.db"`} }},
		"behind the horizon": {exitPartial, func(s *site) { s.job = append(s.job, "look_back_days: 300") }},
		"one family": {exitPartial, func(s *site) {
			s.provider = append(s.provider, "field_check_ins: true")
			s.ding.Deny(dingtalktest.PermissionCheckIn)
			s.ding.Deny(dingtalktest.PermissionBase)
		}},
		"forbidden": {exitRefused, func(s *site) { s.ding.Deny(dingtalktest.PermissionAttendance) }},
		"no budget": {exitRefused, func(s *site) {
			s.provider, s.job = append(s.provider, "monthly_quota: 1"), append(s.job, "look_back_days: 14")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "e9")
			s.ordinary()
			c.make(s)
			r := s.bridge("run", "daily")
			require.Equal(t, c.code, r.code, r.stdout)
			s.requireInHistory(r)
		})
	}
	t.Run("the address for recalculation fails", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, "e9")
		h := newRecalculator(t, s)
		s.ordinary()
		h.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		r := s.bridge("run", "daily")
		require.Equal(t, exitPartial, r.code, r.stdout)
		s.requireInHistory(r)
		check := s.bridge("check")
		require.Regexp(t, `^warning .*20 person-days .*HTTP 502`, check.document.finding("not_recalculated"))
		h.set(nil)
		s.now = s.now.Add(time.Hour)
		r = s.bridge("run", "daily")
		require.Equal(t, exitDone, r.code, r.stdout)
		s.requireInHistory(r)
		require.Empty(t, s.bridge("check").document.finding("not_recalculated"))
	})
}

// A run that is partial by its warnings only is told by the log: the next sound one is no
// recovery of which anybody would have to be told.
func TestWasFailing(t *testing.T) {
	t.Parallel()
	unwritten := attendance.Report{Unwritten: []attendance.UnwrittenRow{{}}}
	for name, c := range map[string]struct {
		run  attendance.RunRecord
		want bool
	}{
		"ok":       {attendance.RunRecord{Result: attendance.ResultOK}, false},
		"warnings": {attendance.RunRecord{Result: attendance.ResultPartial, Message: "not_recalculated"}, false},
		"a row":    {attendance.RunRecord{Result: attendance.ResultPartial, Code: attendance.CodeRowRefused, Report: unwritten}, false},
		"parts":    {attendance.RunRecord{Result: attendance.ResultPartial, Code: attendance.CodeUnavailable}, true},
		"refused":  {attendance.RunRecord{Result: attendance.ResultRefused, Code: attendance.CodeCredentials}, true},
	} {
		require.Equal(t, c.want, wasFailing(c.run), name)
	}
}
