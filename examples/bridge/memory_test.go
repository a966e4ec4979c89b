package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// history reads the sync log.
func (s *site) history(more ...string) historyDocument {
	s.t.Helper()
	var d historyDocument
	s.read(&d, append([]string{"history"}, more...)...)
	return d
}

func (s *site) jobs() []jobLine {
	s.t.Helper()
	var d jobsDocument
	s.read(&d, "jobs")
	return d.Jobs
}

// read calls the program, which must succeed, and reads its document.
func (s *site) read(document any, args ...string) {
	s.t.Helper()
	r := s.bridge(args...)
	require.Equal(s.t, 0, r.code, r.stdout+r.stderr)
	require.NoError(s.t, json.Unmarshal([]byte(r.stdout), document))
}

// daily gives the people an in and an out on every day from first to last of March.
func (s *site) daily(first, last int, people ...int) {
	for day := first; day <= last; day++ {
		for _, id := range people {
			start := time.Date(2026, 3, day, 9, 0, id, 0, beijing())
			s.ding.AddPunch(dingtalktest.Punch{UserID: account(id), Time: start, CheckType: "OnDuty"})
			s.ding.AddPunch(dingtalktest.Punch{UserID: account(id), Time: start.Add(9 * time.Hour), CheckType: "OffDuty"})
		}
	}
}

func (s *site) at(day int) *site {
	s.now = time.Date(2026, 3, day, 23, 30, 0, 0, beijing())
	return s
}

func TestAnOutageIsMadeUpFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(1, 31, 17, 18, 19, 20, 21)
	r := s.at(9).bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout)
	require.Equal(t, "2026-03-03T00:00:00+08:00", r.document.From)
	require.Len(t, s.rows(signRows), 5*2*7)
	require.FileExists(t, filepath.Join(s.dir, "bridge-state.db"))

	r = s.at(28).bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout)
	require.Equal(t, "2026-03-09T23:30:00+08:00", r.document.From, "the job's mark")
	require.Len(t, s.rows(signRows), 5*2*26)

	jobs := s.jobs()
	require.Len(t, jobs, 1)
	require.Equal(t, "2026-03-28T23:30:00+08:00", jobs[0].ReadUpTo)
	require.Equal(t, "2026-03-22T00:00:00+08:00", jobs[0].FinalUpTo)
	require.Equal(t, last{Run: *r.document.Run, Result: "ok", Ended: "2026-03-28T23:30:00+08:00"}, jobs[0].Last)
}

func TestWithoutStateAndWithoutLookBackNothingIsMadeUpFor(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*site){
		"no state":     func(s *site) { s.state = "{driver: none}" },
		"no look-back": func(s *site) { s.job = append(s.job, "look_back_days: 0") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "e9")
			change(s)
			s.daily(1, 31, 17)
			s.at(9).bridge("run", "daily")
			r := s.at(28).bridge("run", "daily")
			require.Equal(t, 0, r.code, r.stdout)
			want := map[string]string{"no state": "2026-03-22T00:00:00+08:00", "no look-back": "2026-03-28T00:00:00+08:00"}[name]
			require.Equal(t, want, r.document.From)
		})
	}
}

func TestWhoIsBoundLateIsCaughtUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(1, 31, 17, 18)
	s.exec(`UPDATE HrmResource SET workcode = '' WHERE id = 18`)
	s.at(5).bridge("run", "daily")
	r := s.at(25).bridge("run", "daily")
	require.Equal(t, 0, r.code)
	require.Empty(t, s.rows(`SELECT id FROM HrmScheduleSign WHERE userId = 18`))
	s.exec(`UPDATE HrmResource SET workcode = 'W18' WHERE id = 18`)
	r = s.at(26).bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout)
	require.Equal(t, "2026-03-20T00:00:00+08:00", r.document.From, "for the others")
	require.Len(t, s.rows(`SELECT id FROM HrmScheduleSign WHERE userId = 18`), 2*26, "since the job's first day, which lies before March")
}

func TestWhoLeftIsAskedForUntilTheLookBackHasPassed(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(1, 31, 17, 18)
	s.at(9).bridge("run", "daily")
	s.exec(`UPDATE HrmResource SET status = 5 WHERE id = 18`)
	s.at(10).bridge("run", "daily")
	s.at(12).bridge("run", "daily")
	require.Len(t, s.rows(`SELECT id FROM HrmScheduleSign WHERE userId = 18 AND signDate >= '2026-03-10'`), 2, "the last day, and no other")
}

func TestTheSyncLog(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(1, 9, 17, 18)
	s.exec(`UPDATE HrmResource SET workcode = '' WHERE id = 19`)
	first := s.at(8).bridge("run", "daily")
	s.at(9).backfill()
	s.provider = set(s.provider, "app_secret: wrong")
	s.bridge("run", "daily")

	runs := s.history().Runs
	require.Len(t, runs, 3)
	require.Equal(t, []string{"run refused", "backfill ok", "run ok"}, []string{string(runs[0].Kind) + " " + runs[0].Result, string(runs[1].Kind) + " " + runs[1].Result, string(runs[2].Kind) + " " + runs[2].Result})
	require.Equal(t, "credentials", string(runs[0].Code))
	require.Equal(t, first.document.Written, runs[2].Written)
	require.Equal(t, *first.document.Run, runs[2].ID)
	require.Empty(t, runs[2].Slices)

	one := s.history("-run", *first.document.Run).Runs
	require.Len(t, one, 1)
	require.NotEmpty(t, one[0].Slices)
	require.Contains(t, one[0].Slices[0].Employees, "17")
	require.Equal(t, "王五", one[0].LeftOut[0].Name)

	require.Len(t, s.history("-grep", "王五").Runs, 2, "the refused one has read nobody")
	require.Len(t, s.history("daily", "-grep", "CREDENTIALS").Runs, 1)
	require.Empty(t, s.history("-grep", "nowhere to be found").Runs)
	code, stdout, _ := call(t, "-config", s.write(), "history", "-run", *first.document.Run, "-grep", "王五")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, "未同步 left out: 19 王五")
	require.NotContains(t, stdout, "切片")
	code, _, stderr := call(t, "-config", s.write(), "history", "-run", "x")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "no such run")
}

func TestACompanyBudgetOutlivesTheProgram(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(1, 9, 17)
	s.provider = append(s.provider, "monthly_quota: 3")
	require.Equal(t, 0, s.at(8).bridge("run", "daily").code)
	r := s.at(9).bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout)
	require.NotContains(t, r.stdout, "budget_half")
	r = s.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout)
	require.Contains(t, r.stdout, "budget_half")
	r = s.bridge("run", "daily")
	require.Equal(t, exitRefused, r.code, r.stdout)
	require.Contains(t, r.stdout, "quota")
	s.now = time.Date(2026, 4, 1, 23, 30, 0, 0, beijing())
	r = s.bridge("run", "daily")
	require.Equal(t, exitPartial, r.code, "a new month, whose calls do not suffice for the gap: the look-back is read")
	require.Contains(t, r.stdout, "history_postponed")

	cmd := s.command("backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-08")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	_ = cmd.Run()
	require.Contains(t, stderr.String(), "预计 estimate: 5 人 people, 2 次查询 queries, 2 次调用 calls，本月剩余 left this month 2")
}

func TestTwoProvidersOfOneApplicationShareItsBudget(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(1, 9, 17)
	s.provider = append(s.provider, "monthly_quota: 2")
	s.provider = append(s.provider, "is_i18n: false\n  - name: second\n    kind: dingtalk\n    "+strings.Join(s.provider, "\n    "))
	s.job = append(s.job, "enabled: true\n  - name: again\n    provider: second\n    binding: {by: workcode}")
	require.Equal(t, 0, s.at(8).bridge("run", "daily").code)
	require.Equal(t, 0, s.bridge("run", "again").code)
	r := s.bridge("run", "again")
	require.Equal(t, exitRefused, r.code, r.stdout)
	require.Equal(t, "quota", r.document.Error.Code)
	require.Equal(t, exitRefused, s.bridge("run", "daily").code)
}

func TestClosedMonths(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.job = append(s.job, "freeze_after_day: 5")
	s.ding.AddPunch(dingtalktest.Punch{UserID: account(17), Time: time.Date(2026, 2, 28, 9, 0, 0, 0, beijing()), CheckType: "OnDuty"})
	s.daily(1, 4, 17)
	r := s.at(5).bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout)
	require.Contains(t, r.stdout, `"frozen": 1`)
	require.Contains(t, r.stdout, "17 2026-02-28")
	require.Empty(t, s.rows(`SELECT id FROM HrmScheduleSign WHERE signDate < '2026-03-01'`))
	require.Len(t, s.rows(signRows), 8)
}

func TestAStateThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(1, 9, 17)
	s.state = `{driver: sqlite, dsn: "file:no/such/folder/state.db"}`
	r := s.at(9).bridge("run", "daily")
	require.Equal(t, exitPartial, r.code, r.stdout)
	require.Equal(t, "store_unavailable", r.document.Error.Code)
	require.Contains(t, r.stdout, "state.dsn")
	require.Empty(t, s.rows(signRows), "without a memory nothing is written that would have to be remembered")

	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "other.db"), []byte(strings.Repeat("no database ", 100)), 0o600))
	s.state = `{driver: sqlite, dsn: "file:other.db"}`
	r = s.bridge("history")
	require.Equal(t, exitPartial, r.code, r.stdout)
}

func TestAnAccountInTwoJobsIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.daily(1, 9, 17)
	s.job = append(s.job, "scope: {departments: [11]}", "enabled: true\n  - name: again\n    provider: platform\n    binding: {by: workcode}")
	require.NotContains(t, s.at(8).bridge("run", "daily").stdout, "account_in_two_jobs")
	r := s.bridge("run", "again")
	require.Equal(t, 0, r.code, r.stdout)
	require.Contains(t, r.stdout, "account_in_two_jobs")
	require.Contains(t, r.stdout, "staff017 (daily, again: 17)")
	require.NotContains(t, r.stdout, "staff020 (")
}

func TestCheckLooksAtTheStateAndAtTheTimes(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.job = append(s.job, `at: "00:10"`, "look_back_days: 0")
	codes := func() map[string]string {
		found := map[string]string{}
		for _, f := range s.bridge("check").document.Findings {
			found[f.Code] = f.Level
		}
		return found
	}
	require.Equal(t, "ok", codes()["state"])
	require.Equal(t, "warning", codes()["only_today"])
	s.state = "{driver: none}"
	require.Equal(t, "warning", codes()["state"])
	s.state = `{driver: sqlite, dsn: "file:no/such/folder/state.db"}`
	require.Equal(t, "error", codes()["store_unavailable"])
}

func TestARunThatCouldNotBeginIsInTheSyncLog(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	s.oa = []string{`dsn: "file:nowhere.db"`}
	require.Equal(t, exitPartial, s.bridge("run", "daily").code)
	runs := s.history().Runs
	require.Len(t, runs, 1)
	require.Equal(t, "partial", runs[0].Result)
	require.Contains(t, runs[0].Message, "nowhere.db")
}

func TestTheSyncLogDoesNotGrowForEver(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e9")
	old := s.at(1).bridge("run", "daily")
	s.now = s.now.AddDate(0, 0, 101)
	s.bridge("run", "daily")
	require.Empty(t, s.history("-run", *old.document.Run).Runs[0].Slices)
	s.now = s.now.AddDate(0, 0, 700)
	s.bridge("run", "daily")
	require.Len(t, s.history().Runs, 2)
}
