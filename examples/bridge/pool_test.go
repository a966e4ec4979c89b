package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// backfillWaiting is a backfill in this process, which waits for the OA for a moment only.
// backfillWaiting reads a week, which is one write: rows that another has queued are no matter.
func (s *site) backfillWaiting(backlog int, patience time.Duration) result {
	s.t.Helper()
	var out, errOut bytes.Buffer
	p := &program{out: &out, err: &errOut, lookup: os.LookupEnv, backlog: backlog, backlogPatience: patience}
	code := p.main(s.t.Context(), []string{"-config", s.write(), "-now", s.now.Format(time.RFC3339), "-json", "backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-07"})
	r := result{code: code, stdout: out.String(), stderr: errOut.String()}
	require.NoError(s.t, json.Unmarshal(out.Bytes(), &r.document), r.stderr)
	return r
}

const noRow17 = `CREATE TRIGGER no_row BEFORE INSERT ON HrmScheduleSign WHEN NEW.userId = 17 BEGIN SELECT RAISE(ABORT, 'not allowed'); END`

const noPool = `CREATE TRIGGER no_pool BEFORE INSERT ON kq_format_pool WHEN NEW.resourceid = 18 BEGIN SELECT RAISE(FAIL, 'not allowed'); END`

func TestWhatTheQueueRefusesIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(2, 4, 17, 18)
	s.exec(noPool)
	r := s.backfill()
	require.Equal(t, exitPartial, r.code, r.stdout)
	require.Equal(t, 12, r.document.Written)
	require.Empty(t, r.document.Failed)
	require.Len(t, s.rows(signRows), 12)
	require.Equal(t, 5, r.document.PoolRows)
	require.Contains(t, r.document.warning("not_recalculated"), "not allowed")
	require.Contains(t, r.document.warning("not_recalculated"), ": 18: 2026-03-02, 2026-03-03, 2026-03-04")
	require.NotContains(t, r.document.warning("not_recalculated"), "17: ", "one person's refusal costs the others nothing")
	require.Equal(t, []string{"17"}, s.rows(`SELECT DISTINCT resourceid FROM kq_format_pool`))

	s.requireInHistory(r)
	for range 2 {
		r = s.at(9).bridge("run", "daily")
		require.Equal(t, exitPartial, r.code, r.stdout)
		require.Zero(t, r.document.Written)
		require.Contains(t, r.document.warning("not_recalculated"), ": 18: 2026-03-02, 2026-03-03, 2026-03-04")
		s.requireInHistory(r)
		check := s.bridge("check")
		require.Equal(t, exitDone, check.code, "the next run may well do it")
		require.Regexp(t, `^warning oa: .*3 person-days \(2026-03-02 to 2026-03-04\) are not computed anew since the run of 2026-03-09T12:00:00\+08:00, .*not allowed`, check.document.finding("not_recalculated"))
	}
	s.exec(`DROP TRIGGER no_pool`)
	r = s.bridge("run", "daily")
	require.Equal(t, exitDone, r.code, r.stdout)
	require.Empty(t, r.document.Warnings)
	s.requireInHistory(r)
	require.Empty(t, s.bridge("check").document.finding("not_recalculated"))
	require.Equal(t, []string{"2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"}, s.rows(`SELECT DISTINCT kqdate FROM kq_format_pool WHERE resourceid = 18 ORDER BY 1`))
	rows := s.rows(`SELECT count(*) FROM kq_format_pool`)
	require.Equal(t, exitDone, s.bridge("run", "daily").code)
	require.Equal(t, rows, s.rows(`SELECT count(*) FROM kq_format_pool`))
}

func TestWithoutAStateARefusedQueueRefusesTheBatch(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.state = "{driver: none}"
	s.daily(2, 4, 17, 18)
	s.exec(noPool)
	r := s.backfill()
	require.Equal(t, exitPartial, r.code, r.stdout)
	require.Empty(t, s.rows(signRows))
	require.NotEmpty(t, r.document.Failed)
	require.Contains(t, r.document.Failed[0].Employees, "18")
	require.Contains(t, r.document.Failed[0].Message, "not allowed")
	s.exec(`DROP TRIGGER no_pool`)
	r = s.backfill()
	require.Equal(t, exitDone, r.code, r.stdout)
	require.Len(t, s.rows(signRows), 12)
}

func TestClosedMonthsAreNotQueued(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.job = append(s.job, "freeze_after_day: 5")
	s.daily(1, 1, 17, 18)
	r := s.at(6).bridge("run", "daily")
	require.Equal(t, exitDone, r.code, r.stdout)
	require.Equal(t, []string{"2026-03-01", "2026-03-02"}, s.rows(`SELECT DISTINCT kqdate FROM kq_format_pool ORDER BY 1`))
	require.Contains(t, r.document.warning("frozen"), "17 2026-02-28, 18 2026-02-28")
}

func TestPreviewTellsTheRowsOfTheQueue(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(2, 4, 17, 18)
	p := s.bridge("preview", "daily", "-from", "2026-03-01", "-to", "2026-03-08")
	require.Equal(t, exitDone, p.code, p.stdout)
	require.Empty(t, s.rows(`SELECT id FROM kq_format_pool`))
	require.Equal(t, 10, p.document.PoolRows)
	require.Equal(t, 10, s.backfill().document.PoolRows)
	require.Equal(t, []string{"10"}, s.rows(`SELECT count(*) FROM kq_format_pool`))
}

func TestABackfillWaitsForTheOA(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(2, 4, 17, 18)
	for i := range 6 {
		s.exec(`INSERT INTO kq_format_pool (resourceid, kqdate, exectime) VALUES (` + strconv.Itoa(i) + `, '2026-01-02', '2026-01-02 00:00:00')`)
	}
	s.exec(`INSERT INTO kq_format_pool (resourceid, kqdate, exectime) VALUES (99, '2026-01-02', '2027-01-02 00:00:00')`)
	r := s.backfillWaiting(6, time.Minute)
	require.Equal(t, exitDone, r.code, r.stdout)
	require.Empty(t, r.document.Warnings, "what is to be computed later is no backlog")
	require.Equal(t, 12, r.document.Written)

	s.exec(`DELETE FROM HrmScheduleSign`)
	r = s.backfillWaiting(6, 20*time.Millisecond)
	require.Equal(t, exitDone, r.code, r.stdout)
	require.Equal(t, 12, r.document.Written, "it goes on when their number does not fall")
	require.Contains(t, r.document.warning("recalculation_backlog"), "16 rows wait")

	s.exec(`DELETE FROM HrmScheduleSign`)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // the OA, which computes a row at a time
		for ctx.Err() == nil {
			_, _ = s.db.ExecContext(ctx, `UPDATE kq_format_pool SET status = 1 WHERE id = (SELECT min(id) FROM kq_format_pool WHERE status = 0 AND resourceid <> 99)`)
			time.Sleep(5 * time.Millisecond)
		}
	}()
	r = s.backfillWaiting(6, time.Second)
	require.Equal(t, exitDone, r.code, r.stdout)
	require.Empty(t, r.document.Warnings)
	require.Equal(t, 12, r.document.Written)
}

// Taking a run back has its days computed, but those of closed months.
func TestUndoAndTheQueue(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.oa = append(s.oa, "ledger: true")
	s.job = append(s.job, "freeze_after_day: 5")
	s.daily(1, 1, 17, 18)
	r := s.at(6).bridge("run", "daily")
	require.Equal(t, exitDone, r.code, r.stdout)
	s.exec(`DELETE FROM kq_format_pool`)
	s.exec(noPool)
	undone := s.bridge("undo", *r.document.Run)
	require.Equal(t, exitPartial, undone.code, undone.stdout)
	require.Equal(t, 4, undone.document.Removed)
	require.Contains(t, undone.document.warning("not_recalculated"), ": 18: 2026-03-01")
	require.Contains(t, undone.document.warning("frozen"), "17 2026-02-28")
	require.Equal(t, []string{"17|2026-03-01", "17|2026-03-02"}, s.rows(`SELECT DISTINCT resourceid, kqdate FROM kq_format_pool ORDER BY 1, 2`))
}
