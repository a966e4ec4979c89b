package main

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// everything is all that the OA and the state hold.
func (s *site) everything() []string {
	s.t.Helper()
	all := dump(s.t, s.db)
	if path := filepath.Join(s.dir, "bridge-state.db"); exists(path) {
		state := openRaw(s.t, path)
		_, err := state.Exec(`DELETE FROM punchbridge_budgets`) // the count of calls alone may change, and begin the state
		require.NoError(s.t, err)
		all = append(all, slices.DeleteFunc(dump(s.t, state), func(row string) bool { return strings.HasPrefix(row, "punchbridge_store: ") })...)
	}
	return all
}

func TestPreview(t *testing.T) {
	t.Parallel()
	for name, ledger := range map[string]bool{"without a ledger": false, "with a ledger": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "e9")
			if ledger {
				s.oa = append(s.oa, "ledger: true")
			}
			s.daily(1, 31, 17, 18)
			preview := func(args ...string) (d previewDocument) {
				before := s.everything()
				r := s.bridge(append([]string{"preview", "daily"}, args...)...)
				require.Equal(t, 0, r.code, r.stdout+r.stderr)
				require.NoError(t, json.Unmarshal([]byte(r.stdout), &d))
				require.Equal(t, before, s.everything(), "it changes nothing")
				return d
			}
			s.at(8)
			d := preview()
			require.Len(t, d.Rows, 2*2*7)
			require.Equal(t, rowLine{Table: "HrmScheduleSign", Employee: "17", Type: "1", Time: "2026-03-02T09:00:17+08:00", Action: attendance.ActionAdd}, d.Rows[0])
			require.Equal(t, 2*2*7, d.Written)

			r := s.bridge("run", "daily")
			require.Equal(t, 0, r.code, r.stdout)
			require.Equal(t, d.Written, r.document.Written)
			require.Empty(t, preview().Rows)

			s.at(20)
			d = preview()
			require.Equal(t, "2026-03-08T23:30:00+08:00", d.From, "what the next run would read")
			require.Len(t, d.Rows, 2*2*12)
			require.Len(t, preview("-from", "2026-03-01", "-to", "2026-03-01").Rows, 4)
			code, stdout, _ := call(t, "-now", s.now.Format(time.RFC3339), "-config", s.write(), "preview", "daily", "-from", "2026-03-01", "-to", "2026-03-01")
			require.Equal(t, 0, code)
			require.Contains(t, stdout, "新增 add HrmScheduleSign  17  2026-03-01T09:00:17+08:00  签到 in")
		})
	}
}

func TestPreviewWithRightsToReadOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(1, 31, 17)
	s.oa = []string{`dsn: "file:oa.db?mode=ro"`}
	r := s.at(8).bridge("preview", "daily")
	require.Equal(t, 0, r.code, r.stdout)
	require.NoError(t, os.Chmod(filepath.Join(s.dir, "oa.db"), 0o600))
}

// dump is every row of every table.
func dump(t testing.TB, db *sql.DB) []string {
	t.Helper()
	var all []string
	for _, table := range rows(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1`) {
		for _, row := range rows(t, db, `SELECT * FROM "`+table+`" ORDER BY 1`) {
			all = append(all, table+": "+row)
		}
	}
	return all
}
