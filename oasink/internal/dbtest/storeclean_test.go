package dbtest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sqlstore"
)

// leaky are messages as programs of before December 2026 kept them; the second value
// says that a password stood in one.
func leaky() map[string]bool {
	return map[string]bool{
		"oasink: store_unavailable: the database cannot be reached or read: while reading the columns of HrmScheduleSign: failed to connect to `user=ecology database=ecology`: hostname resolving error: lookup Sup3rS3cret@127.0.0.1: no such host (check the database's address, account and rights to write)": true,
		"dial tcp: lookup Sup3rS3cret@db on 10.0.0.1:53: no such host":                   true,
		"parse \"oracle://ecology:Abc@Sup3rS3cret/x\": invalid port \":Abc\" after host": true,
		"cannot parse `postgres://ecology:xxxxx@Sup3rS3cret`: failed to parse":           true,
		"the sink says Sup3rS3cret": true,
		"dingtalk /v1.0/oauth2/accessToken: malformed: half a JSON document came: it ends after 41 bytes, and begins: {\"accessToken\":\"LIVE-t0k3n-9f8": false,
		"wecom /cgi-bin/gettoken: malformed: broken JSON came, and begins: LIVE-t0k3n-9f8e7d":                                                            false,
		"failed to connect to `user=ecology database=ecology`: 127.0.0.1:5432 (127.0.0.1): dial error: connection refused":                               false,
	}
}

// A state database in use is cleaned once of what older programs kept, and the store
// that does it tells so.
func TestStoreCleansWhatOlderProgramsKept(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		ctx := context.Background()
		d := on.empty(t)
		old := storeOn(t, d)
		texts := leaky()
		passwords, n := 0, 0
		for text, leaked := range texts {
			id := "run" + itoa(n)
			n++
			if leaked {
				passwords++
			}
			report := attendance.Report{Job: "hq", Started: at(2, 9, 0, 0), Failed: []attendance.Failure{{Persons: []string{"101"}, Code: "store", Message: text}},
				Warnings: []attendance.Warning{{Code: "x", Message: text}}}
			require.NoError(t, old.EndRun(ctx, attendance.RunRecord{ID: id, Result: attendance.ResultPartial, Message: text, Report: report}))
			require.NoError(t, old.AddSlice(ctx, id, attendance.SliceRecord{At: at(2, 9, 0, 0), Report: attendance.SliceReport{Failed: report.Failed}}))
		}
		require.NoError(t, old.EndRun(ctx, attendance.RunRecord{ID: "zz", Message: "nothing of note", Report: attendance.Report{Job: "张三"}}))
		db := d.pool(t)
		_, err := db.Exec("DELETE FROM punchbridge_store WHERE version = -1")
		require.NoError(t, err)

		redact := func(text string) string { return strings.ReplaceAll(text, "Sup3rS3cret", "***") }
		s, err := sqlstore.New(ctx, db, &sqlstore.Options{Redact: redact})
		require.NoError(t, err)
		require.Equal(t, sqlstore.Cleaning{Texts: 4 * len(texts), Passwords: 4 * passwords}, s.Cleaned())
		runs := 0
		for r, err := range s.Runs(ctx, attendance.RunFilter{}) {
			require.NoError(t, err)
			runs++
			require.NotContains(t, r.Message+r.Report.String(), "S3cret")
			if r.ID == "zz" {
				require.Equal(t, "nothing of note", r.Message)
				require.Equal(t, "张三", r.Report.Job)
				continue
			}
			require.Equal(t, r.Message, r.Report.Failed[0].Message)
			require.Equal(t, r.Message, r.Report.Warnings[0].Message)
			require.Equal(t, []string{"101"}, r.Report.Failed[0].Persons)
			for slice, err := range s.Slices(ctx, r.ID) {
				require.NoError(t, err)
				require.Equal(t, r.Message, slice.Report.Failed[0].Message)
			}
			for _, secret := range []string{"S3cret", "t0k3n"} {
				require.NotContains(t, r.Message, secret)
			}
		}
		require.Equal(t, len(texts)+1, runs)

		// Nothing of it is left in the files.
		for _, file := range filesOf(t, d) {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			require.False(t, bytes.Contains(content, []byte("S3cret")) || bytes.Contains(content, []byte("t0k3n")), file)
		}

		// Once; but of passwords until somebody was told. What is kept from now on is clean.
		for range 2 {
			s, err = sqlstore.New(ctx, db, &sqlstore.Options{Redact: redact})
			require.NoError(t, err)
			require.Equal(t, sqlstore.Cleaning{Passwords: 4 * passwords}, s.Cleaned())
		}
		require.NoError(t, s.PasswordsTold(ctx))
		s, err = sqlstore.New(ctx, db, &sqlstore.Options{Redact: redact})
		require.NoError(t, err)
		require.Zero(t, s.Cleaned())
		require.NoError(t, s.PasswordsTold(ctx))
		require.NoError(t, s.EndRun(ctx, attendance.RunRecord{ID: "new", Message: "Sup3rS3cret", Report: attendance.Report{
			Failed: []attendance.Failure{{Message: "Sup3rS3cret"}}, Warnings: []attendance.Warning{{Message: "Sup3rS3cret"}}}}))
		for r := range s.Runs(ctx, attendance.RunFilter{ID: "new"}) {
			require.Equal(t, "*** *** ***", r.Message+" "+r.Report.Failed[0].Message+" "+r.Report.Warnings[0].Message)
		}
	})
}

// filesOf are the database's files where it is a file.
func filesOf(t *testing.T, d database) (files []string) {
	path, isFile := strings.CutPrefix(d.dsn, "file:")
	if !isFile {
		return nil
	}
	path, _, _ = strings.Cut(path, "?")
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// What is cut off while it cleans has blanked passwords of which the next one tells: of
// each once, and of none in vain.
func TestACleaningThatIsCutOffTellsOfAllPasswords(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		ctx := context.Background()
		d := on.empty(t)
		old := storeOn(t, d)
		for n := range 5 {
			require.NoError(t, old.EndRun(ctx, attendance.RunRecord{ID: "run" + itoa(n), Message: "lookup Sup3rS3cret@db: no such host",
				Report: attendance.Report{Job: "hq", Started: at(2, 9, 0, 0)}}))
		}
		db := d.pool(t)
		_, err := db.Exec("DELETE FROM punchbridge_store WHERE version = -1")
		require.NoError(t, err)
		for left := 2; left >= 0; left-- {
			updates := 0
			_, err := sqlstore.New(ctx, d.struck(t, func(query string) error {
				if strings.HasPrefix(query, "UPDATE") && strings.Contains(query, "runs") {
					updates++
				}
				if updates > 2 {
					return errors.New("cut off")
				}
				return nil
			}), &sqlstore.Options{Patience: -1})
			require.Equal(t, left > 0, err != nil, "%v", err)
		}
		for range 2 {
			s, err := sqlstore.New(ctx, db, nil)
			require.NoError(t, err)
			require.Equal(t, sqlstore.Cleaning{Passwords: 5}, s.Cleaned())
		}
	})
}
