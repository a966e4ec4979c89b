package main

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// crowd gives the site 120 more people, so that a run has many slices.
func (s *site) crowd() (rows int) {
	for id := 100; id < 220; id++ {
		s.person(id, 11, "员工")
		s.user(id, "员工")
		for day := 2; day <= 6; day++ {
			s.punch(id, "0"+string(rune('0'+day))+" 08:59:00", "OnDuty")
			s.punch(id, "0"+string(rune('0'+day))+" 18:01:00", "OffDuty")
		}
	}
	s.ordinary()
	return ordinaryRows + 120*10
}

const doubled = `SELECT userId, signType, signDate, signTime, count(*) FROM HrmScheduleSign GROUP BY 1, 2, 3, 4 HAVING count(*) > 1`

// TestKilled kills the program at random moments; the run after it completes
// what was begun, and nothing is there twice.
func TestKilled(t *testing.T) {
	t.Parallel()
	t.Run("without a ledger", func(t *testing.T) { testKilled(t, newSite(t, "e9"), byLength(25, 5)) })
	t.Run("with a ledger", func(t *testing.T) {
		s := newLedgerSite(t, "e9")
		testKilled(t, s, byLength(15, 5))
		require.Equal(t, s.rows(`SELECT count(*) FROM HrmScheduleSign`),
			s.rows(`SELECT count(*) FROM punchbridge_rows l JOIN HrmScheduleSign h ON h.id = l.row_id AND h.userId = l.person AND replace(h.signTime, ':', '') = substr(l.wrote, 9)`),
			"the ledger knows each row, and what it holds")
		require.Equal(t, s.rows(`SELECT count(*) FROM HrmScheduleSign`), s.rows(`SELECT count(*) FROM punchbridge_rows`))
	})
}

func testKilled(t *testing.T, s *site, rounds int) {
	want := s.crowd()
	s.state = "{driver: none}" // what a kill leaves in the state is tested by TestKilledAndResumed
	slow := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(3 * time.Millisecond)
		s.ding.ServeHTTP(w, r)
	}))
	s.handler.Store(&slow)
	for round := range rounds {
		cmd := s.command("backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-08")
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(20+rand.IntN(180)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		require.Empty(t, s.rows(doubled), "round %d", round)
		if round%5 == 4 {
			s.exec(`DELETE FROM HrmScheduleSign`)
		}
	}
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout)
	require.Len(t, s.rows(signRows), want)
	require.Empty(t, s.rows(doubled))
	require.Equal(t, want, r.document.Written+r.document.Present)
}

func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	want := s.crowd()
	const processes = 3
	var outs [processes]bytes.Buffer
	commands := make([]func() result, processes)
	for i := range processes {
		cmd := s.command("backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-08")
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &outs[i], &stderr
		require.NoError(t, cmd.Start())
		commands[i] = func() result {
			_ = cmd.Wait()
			return s.result(cmd, &outs[i], &stderr)
		}
	}
	written := 0
	for _, wait := range commands {
		r := wait()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		written += r.document.Written
	}
	require.Equal(t, want, written, "each punch was written by one of them")
	require.Empty(t, s.rows(doubled))
	require.Len(t, s.rows(signRows), want)
}

// TestKilledAndResumed kills a backfill in the middle: the next one is the same run
// and reads only what is missing.
func TestKilledAndResumed(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	want := s.crowd()
	var calls atomic.Int64
	reached := make(chan struct{}, 1)
	slow := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == dingtalktest.PathListRecord && calls.Add(1) == 9 { // four at once: some slices are in the sync log by now
			reached <- struct{}{}
		}
		time.Sleep(20 * time.Millisecond)
		s.ding.ServeHTTP(w, r)
	}))
	s.handler.Store(&slow)
	backfill := []string{"backfill", "daily", "-from", "2026-01-05", "-to", "2026-03-08"} // three batches, nine weeks
	cmd := s.command(backfill...)
	require.NoError(t, cmd.Start())
	<-reached
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	killed := s.history()
	require.Len(t, killed.Runs, 1)
	require.Positive(t, killed.Runs[0].Calls, "what the killed run has done counts")

	r := s.bridge(backfill...)
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, killed.Runs[0].ID, *r.document.Run, "it is the same run")
	require.Len(t, s.rows(signRows), want)
	require.Empty(t, s.rows(doubled))
	require.Less(t, r.document.Calls, 27, "some of it was done")
	runs := s.history().Runs
	require.Len(t, runs, 1)
	require.Equal(t, "ok", runs[0].Result)
	require.Equal(t, 2, runs[0].Attempts)
}

// TestStopped stops the program while the platform hangs and while the database
// is held by somebody else.
func TestStopped(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"platform", "database"} {
		for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
			t.Run(where+" "+signal.String(), func(t *testing.T) {
				t.Parallel()
				s := newSite(t, "e8")
				s.ordinary()
				if where == "platform" {
					s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Hang, Path: dingtalktest.PathListRecord, After: 1})
				} else {
					holder := openRaw(t, s.dir+"/oa.db")
					holder.SetMaxOpenConns(1)
					_, err := holder.Exec("BEGIN EXCLUSIVE")
					require.NoError(t, err)
					defer holder.Exec("ROLLBACK")
				}
				cmd := s.command("backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-08")
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				require.NoError(t, cmd.Start())
				time.Sleep(time.Second)
				stopped := time.Now()
				require.NoError(t, cmd.Process.Signal(signal))
				_ = cmd.Wait()
				require.Less(t, time.Since(stopped), 10*time.Second)
				r := s.result(cmd, &stdout, &stderr)
				require.Equal(t, 1, r.code, r.stdout+r.stderr)
				require.NotNil(t, r.document.Error)
				require.Equal(t, "stopped", r.document.Error.Code)
			})
		}
	}
}

// TestBusyDatabase holds the database for a while: the run waits for it.
func TestBusyDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	holder := openRaw(t, s.dir+"/oa.db")
	holder.SetMaxOpenConns(1)
	_, err := holder.Exec("BEGIN IMMEDIATE")
	require.NoError(t, err)
	release := time.AfterFunc(2*time.Second, func() { _, _ = holder.Exec("COMMIT") })
	defer release.Stop()
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Len(t, s.rows(signRows), ordinaryRows)
}
