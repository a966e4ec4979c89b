package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rewrite changes the configuration file where s.write cannot.
func (s *site) rewrite(t *testing.T, change *strings.Replacer) string {
	t.Helper()
	path := filepath.Join(s.dir, "changed.yaml")
	text, err := os.ReadFile(s.write())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(change.Replace(string(text))), 0o600))
	return path
}

// The only OA of a file is named later, in whatever form: the job goes on where it was.
func TestNamingTheOnlyOAKeepsItsMarks(t *testing.T) {
	list := strings.NewReplacer("oa:\n  dsn:", "oa:\n  - name: hq\n    dsn:", "daily\n", "daily\n    oa: hq\n")
	two := strings.NewReplacer("oa:\n  dsn:", "oa:\n  - name: branch\n    dsn: \"file:other.db\"\n  - name: hq\n    dsn:", "daily\n", "daily\n    oa: hq\n")
	for name, change := range map[string]*strings.Replacer{
		"mapping":       strings.NewReplacer("oa:\n  dsn:", "oa:\n  name: hq\n  dsn:"),
		"job says it":   strings.NewReplacer("daily\n", "daily\n    oa: hq\n"),
		"list of one":   list,
		"list of two":   two,
		"called as is":  strings.NewReplacer("oa:\n  dsn:", "oa:\n  name: oa\n  dsn:"),
		"not at all":    strings.NewReplacer(),
		"list, no word": strings.NewReplacer("oa:\n  dsn:", "oa:\n  - name: hq\n    dsn:"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "e9")
			createTables(t, openRaw(t, filepath.Join(s.dir, "other.db")), "e9")
			s.daily(1, 31, 17, 18, 19, 20, 21)
			first := s.at(9).bridge("run", "daily")
			require.Equal(t, 0, first.code, first.stdout)

			config := s.rewrite(t, change)
			run := func(day int, args ...string) result {
				s.at(day).write()
				cmd := s.command(args...)
				for i, arg := range cmd.Args {
					if strings.HasSuffix(arg, "bridge.yaml") {
						cmd.Args[i] = config
					}
				}
				return s.finish(cmd)
			}
			if name == "list of two" { // which never moves the job's own mark
				r := run(20, "backfill", "daily", "-oa", "branch", "-from", "2026-03-11", "-to", "2026-03-12")
				require.Equal(t, 0, r.code, r.stdout+r.stderr)
			}
			jobs := run(28, "jobs")
			require.Contains(t, jobs.stdout, `"read_up_to": "2026-03-09T23:30:00+08:00"`)
			require.Contains(t, jobs.stdout, *first.document.Run)
			r := run(28, "run", "daily")
			require.Equal(t, 0, r.code, r.stdout+r.stderr)
			require.Equal(t, "2026-03-09T23:30:00+08:00", r.document.From, "the job's mark")
			require.Len(t, s.rows(signRows), 5*2*26)
			if name == "list of one" { // and a second one comes later
				config = s.rewrite(t, two)
				r = run(29, "run", "daily")
				require.Equal(t, 0, r.code, r.stdout+r.stderr)
				require.Equal(t, 10, r.document.Written)
				require.Contains(t, run(29, "jobs").stdout, `"people": 5`)
			}
		})
	}
}
