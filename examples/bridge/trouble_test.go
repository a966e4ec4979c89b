package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// tokens is how often a token was asked for.
func (s *site) tokens() int {
	return s.ding.Requests(dingtalktest.PathToken) + s.ding.Requests(dingtalktest.PathOldToken)
}

func TestWrongSecret(t *testing.T) {
	t.Parallel()
	for _, checkIns := range []string{"field_check_ins: false", "field_check_ins: true"} {
		s := newSite(t, "e8")
		s.ordinary()
		s.provider = set(set(s.provider, "app_secret: wrong-secret-9f2"), checkIns)
		for _, command := range [][]string{{"check"}, {"run", "daily"}, {"backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-08"},
			{"backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-08", "-bound-only=false"}} {
			s.ding.ResetCounters()
			r := s.bridge(command...)
			require.Equal(t, 3, r.code, "%v: %s %s", command, r.stdout, r.stderr)
			require.Equal(t, 1, s.tokens(), "%v: a wrong secret is tried once", command)
			require.Equal(t, 1, s.ding.Requests(""), command)
			require.NotContains(t, r.stdout+r.stderr, "wrong-secret-9f2")
			if command[0] == "check" {
				require.Contains(t, r.document.errors(), "credentials")
				require.Contains(t, r.document.errors()["credentials"], "Secret")
				continue
			}
			require.NotNil(t, r.document.Error)
			require.Equal(t, "credentials", r.document.Error.Code)
			require.Contains(t, r.document.Error.Mend, "Secret")
			require.Equal(t, "daily", r.document.Job)
			require.NotEmpty(t, r.document.From)
		}
		require.Empty(t, s.rows(signRows))
	}
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.ding.Deny(dingtalktest.PermissionAttendance)
	r := s.backfill()
	require.Equal(t, 3, r.code, r.stdout)
	require.Equal(t, "permission", r.document.Error.Code)
	require.Contains(t, r.document.Error.Message+r.document.Error.Mend, dingtalktest.PermissionAttendance)
	require.Contains(t, r.document.Error.Message+r.document.Error.Mend, "http", "the link where it is applied for")
	r = s.bridge("check")
	require.Equal(t, 3, r.code, r.stdout)
	require.Contains(t, r.document.errors()["permission"], dingtalktest.PermissionAttendance)
	require.Contains(t, r.document.errors()["permission"], "http")
}

func TestOneFamilyForbidden(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.provider = set(s.provider, "field_check_ins: true")
	s.ding.AddCheckIn(dingtalktest.CheckIn{UserID: account(17), Time: at(t, "02 15:00:00"), Place: "客户"})
	s.ding.Deny(dingtalktest.PermissionCheckIn)
	s.ding.Deny(dingtalktest.PermissionBase)
	r := s.backfill()
	require.Equal(t, 1, r.code, "punches read but check-ins forbidden: %s", r.stdout)
	require.Equal(t, ordinaryRows, r.document.Written)
	require.Contains(t, r.document.Error.Message, dingtalktest.PermissionCheckIn)
	require.NotEmpty(t, r.document.Failed)

	s.ding.Grant(dingtalktest.PermissionCheckIn)
	s.ding.Grant(dingtalktest.PermissionBase)
	s.ding.Deny(dingtalktest.PermissionAttendance)
	r = s.backfill()
	require.Equal(t, 1, r.code, "and the other way round: %s", r.stdout)
	require.Equal(t, 1, r.document.Written)
	require.Len(t, s.rows(mobileRows), 1)

	s.ding.Deny(dingtalktest.PermissionCheckIn)
	s.ding.Deny(dingtalktest.PermissionBase)
	require.Equal(t, 3, s.backfill().code, "everything refused")
}

func TestAddressNotListed(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.AddressDenied})
	r := s.backfill()
	require.Equal(t, 3, r.code, r.stdout)
	require.Equal(t, "address", r.document.Error.Code)
	r = s.bridge("check")
	require.Equal(t, 3, r.code, r.stdout)
	require.Contains(t, r.document.errors(), "address")
}

func TestQuota(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.provider = set(s.provider, "monthly_quota: 1")
	r := s.backfill() // 8 days are 2 calls
	require.Equal(t, 3, r.code, r.stdout)
	require.Equal(t, "quota", r.document.Error.Code)
	require.Zero(t, s.ding.Metered(), "no punch call was made")

	s.provider = set(s.provider, "monthly_quota: 2")
	r = s.backfill()
	require.Equal(t, 0, r.code, r.stdout)
	require.Equal(t, 2, s.ding.Metered())
	require.Equal(t, 2, r.document.Calls)

	// Punches and check-ins are added up before the first call.
	s.provider = set(s.provider, "field_check_ins: true")
	s.ding.ResetCounters()
	r = s.backfill()
	require.Equal(t, 3, r.code, r.stdout)
	require.Zero(t, s.ding.Metered())

	// The platform's own count says so.
	s = newSite(t, "e8")
	s.ordinary()
	s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.QuotaUsedUp, Path: dingtalktest.PathListRecord})
	r = s.backfill()
	require.Equal(t, 3, r.code, r.stdout)
	require.Equal(t, "quota", r.document.Error.Code)
}

func TestEveryAccountRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	for id := 17; id <= 21; id++ {
		s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: account(id)})
	}
	r := s.backfill()
	require.Equal(t, 3, r.code, r.stdout)
	require.Equal(t, "everyone_refused", r.document.Error.Code)

	s.ding.Heal()
	s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: account(18)})
	r = s.backfill()
	require.Equal(t, 0, r.code, "one bad apple: %s", r.stdout)
	require.Equal(t, map[string]string{"18": "refused"}, r.document.leftOut())
	require.Equal(t, ordinaryRows-10, r.document.Written)
}

func TestHTMLInsteadOfJSON(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: dingtalktest.PathListRecord, Body: "<html><head><title>Proxy login</title></head><body>secret</body></html>"})
	r := s.backfill()
	require.Equal(t, 1, r.code, r.stdout)
	require.Equal(t, "malformed", r.document.Error.Code)
	require.Contains(t, r.document.Error.Message, "HTML")
	require.Contains(t, r.document.Error.Message, "Proxy login")
	require.NotEmpty(t, r.document.Failed)
	require.NotContains(t, r.stdout, "invalid character")

	page := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<!DOCTYPE html>\n<title>公司代理 Proxy</title>"))
	}))
	s.handler.Store(&page)
	for _, command := range [][]string{{"check"}, {"run", "daily"}} {
		r = s.bridge(command...)
		require.Equal(t, 1, r.code, r.stdout)
		require.Contains(t, r.stdout, "HTML")
		require.Contains(t, r.stdout, "公司代理")
	}
}

func TestEmptyAnswerIsAWarning(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout)
	require.NotEmpty(t, r.document.warning("empty_answer"))
	s.ordinary()
	require.Empty(t, s.backfill().document.warning("empty_answer"))
}

func TestOneSpanFails(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: dingtalktest.PathListRecord, Times: 1, Body: `{"errcode":12345,"errmsg":"strange"}`})
	r := s.backfill()
	require.Equal(t, 1, r.code, r.stdout)
	require.Len(t, r.document.Failed, 1)
	require.Len(t, r.document.Failed[0].Employees, 5)
	require.NotEmpty(t, r.document.Failed[0].From)
	r = s.backfill()
	require.Equal(t, 0, r.code)
	require.Len(t, s.rows(signRows), ordinaryRows)
}

func TestNoDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.oa = []string{"dsn: file:missing/oa.db"}
	for _, command := range [][]string{{"run", "daily"}, {"check"}} {
		r := s.bridge(command...)
		require.Equal(t, 1, r.code, r.stdout)
		require.Contains(t, r.stdout, filepath.Join(s.dir, "missing", "oa.db"))
		require.Contains(t, r.stdout, "store_unavailable")
	}
	require.NoDirExists(t, filepath.Join(s.dir, "missing"))
	s.oa = []string{"dsn: new.db"}
	require.Equal(t, 1, s.bridge("run", "daily").code)
	require.NoFileExists(t, filepath.Join(s.dir, "new.db"), "a database is never created")
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "text.db"), []byte(strings.Repeat("this is no database\n", 100)), 0o600))
	s.oa = []string{"dsn: text.db"}
	r := s.bridge("run", "daily")
	require.Equal(t, 1, r.code, r.stdout)
	require.Contains(t, r.stdout, "not a database")
}

func TestReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.oa = []string{`dsn: "file:oa.db?mode=ro"`}
	r := s.backfill()
	require.Equal(t, 1, r.code, r.stdout)
	require.Equal(t, "store_unavailable", r.document.Error.Code)
	require.Contains(t, strings.ToLower(r.document.Error.Message), "read")
	require.Empty(t, s.rows(signRows))
}

func TestCheckReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.oa = []string{`dsn: "file:oa.db?mode=ro"`}
	r := s.bridge("check")
	require.Equal(t, 1, r.code, "a database that cannot be written is an error: %s", r.stdout)
	require.NotEmpty(t, r.document.errors())
}

func TestMissingTables(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	s.punch(17, "02 10:00:00", "OnDuty", func(p *dingtalktest.Punch) { p.LocationResult = "Outside" })
	s.exec(`DROP TABLE mobile_sign`)
	r := s.backfill()
	require.Equal(t, 1, r.code, r.stdout)
	require.Contains(t, r.stdout, "mobile_sign")
	require.Equal(t, ordinaryRows, r.document.Written, "what can be written is written")
	r = s.bridge("check")
	require.Contains(t, r.stdout, "mobile_sign")

	s = newSite(t, "e8")
	s.ordinary()
	s.exec(`ALTER TABLE HrmScheduleSign DROP COLUMN signTime`)
	r = s.backfill()
	require.Equal(t, 1, r.code, r.stdout)
	require.Contains(t, r.stdout, "signTime")
	r = s.bridge("check")
	require.Equal(t, 1, r.code, r.stdout)
	require.Contains(t, r.stdout, "signTime")

	// Punches have nowhere to go then, but visits and outside punches do.
	s = newSite(t, "e8")
	s.ordinary()
	s.punch(17, "02 10:00:00", "OnDuty", func(p *dingtalktest.Punch) { p.LocationResult = "Outside" })
	s.exec(`DROP TABLE HrmScheduleSign`)
	r = s.backfill()
	require.Equal(t, 1, r.code, r.stdout)
	require.Equal(t, 1, r.document.Written)

	s = newSite(t, "e8")
	s.exec(`DROP TABLE HrmScheduleSign`)
	for _, command := range [][]string{{"check"}, {"run", "daily"}} {
		r = s.bridge(command...)
		require.Equal(t, 1, r.code, r.stdout)
		require.Contains(t, r.stdout, "HrmScheduleSign")
		require.Contains(t, r.stdout, "table_missing")
	}
}

func TestNotYetOnThisOA(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.job = set(s.job, "undirected: null")
	r := s.bridge("run", "daily")
	require.Equal(t, 1, r.code)
	require.Zero(t, s.ding.Requests(""))
}

func TestDSNForms(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.ordinary()
	odd := filepath.Join(s.dir, "OA 库 50%#1.db")
	require.NoError(t, os.Rename(filepath.Join(s.dir, "oa.db"), odd))
	s.db = openRaw(t, strings.NewReplacer("%", "%25", "#", "%23").Replace(odd))
	for _, dsn := range []string{odd, "OA 库 50%#1.db", "file:OA 库 50%25%231.db", "file:OA%20库%2050%25%231.db?_pragma=busy_timeout(1000)", "file://" + strings.NewReplacer("%", "%25", "#", "%23").Replace(odd)} {
		s.oa = []string{"dsn: '" + dsn + "'"}
		r := s.bridge("run", "daily")
		require.Equal(t, 0, r.code, "%s: %s", dsn, r.stdout)
	}
	// Where there is none beside the file, the working directory is looked in.
	s.oa = []string{"dsn: here.db"}
	cmd := s.command("run", "daily")
	require.NoError(t, os.Rename(odd, filepath.Join(cmd.Dir, "here.db")))
	require.Equal(t, 0, s.finish(cmd).code)
}
