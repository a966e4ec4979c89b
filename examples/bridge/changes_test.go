package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func (s *site) changes(code int, args ...string) (d changesDocument) {
	s.t.Helper()
	r := s.bridge(append([]string{"changes"}, args...)...)
	require.Equal(s.t, code, r.code, r.stdout+r.stderr)
	require.NoError(s.t, json.Unmarshal([]byte(r.stdout), &d))
	return d
}

func TestChanges(t *testing.T) {
	t.Parallel()
	for name, ledger := range map[string]bool{"without a ledger": false, "with a ledger": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "e8")
			if ledger {
				s.oa = append(s.oa, "ledger: true")
			}
			s.ordinary()
			require.Empty(t, s.changes(0, "-since", "2026-03-01T00:00:00+08:00").Changes)
			require.Equal(t, 0, s.backfill().code)
			require.Len(t, s.changes(0, "-since", "2026-03-01T00:00:00+08:00").Changes, 25)
			require.Len(t, s.changes(0, "daily", "-since", "2026-03-01T00:00:00+08:00", "-from", "2026-03-02", "-to", "2026-03-02").Changes, 5)

			s.now = s.now.AddDate(0, 0, 1)
			exported := s.now.Add(-time.Hour).Format(time.RFC3339)
			require.Empty(t, s.changes(0, "-since", exported).Changes)
			s.punch(17, "04 12:00:00", "OnDuty")
			r := s.backfill()
			require.Equal(t, 0, r.code)
			d := s.changes(0, "-since", exported)
			run := *r.document.Run
			want := changedDay{OA: "oa", Employee: "17", Name: "张三", Department: "研发", Day: "2026-03-04", Counted: ledger, Last: s.now.Format(time.RFC3339), Runs: []string{run}}
			if ledger {
				want.Added = 1
			}
			require.Equal(t, []changedDay{want}, d.Changes)
			require.Equal(t, []string{run}, d.Runs)
			code, text, _ := s.plain("changes", "-since", exported)
			require.Equal(t, 0, code)
			require.Contains(t, text, "2026-03-04  17 张三 研发")
			code, table, _ := s.plain("changes", "-since", exported, "-csv")
			require.Equal(t, 0, code)
			numbers := map[bool]string{true: "1,0,0", false: ",,"}[ledger]
			require.Equal(t, "employee_id,name,department,day,added,corrected,removed,last,oa\n17,张三,研发,2026-03-04,"+numbers+","+want.Last+",oa\n", table)
			if !ledger {
				return
			}
			s.now = s.now.AddDate(0, 0, 1)
			exported = s.now.Add(-time.Hour).Format(time.RFC3339)
			require.Equal(t, 0, s.bridge("undo", run).code)
			d = s.changes(0, "daily", "-since", exported)
			require.Len(t, d.Changes, 1, "what was taken back has changed the day too")
			require.Equal(t, "2026-03-04", d.Changes[0].Day)
		})
	}
}

func TestChangesUsage(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	for _, args := range [][]string{{"changes"}, {"changes", "-since", "yesterday"}, {"changes", "nightly", "-since", "2026-03-01T00:00:00Z"},
		{"changes", "-since", "2026-03-01T00:00:00Z", "-from", "2026-03-01"}, {"-json", "changes", "-since", "2026-03-01T00:00:00Z", "-csv"}} {
		code, _, stderr := s.plain(args...)
		require.Equal(t, 2, code, "%v: %s", args, stderr)
	}
	s.state = "{driver: none}"
	code, _, _ := s.plain("changes", "-since", "2026-03-01T00:00:00Z")
	require.Equal(t, 2, code)
}
