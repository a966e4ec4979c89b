package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// serverDatabases numbers the databases of this process, which tests have at once.
var serverDatabases atomic.Int64

// onServer is newSite with its OA, an e9, in a new database of MariaDB or PostgreSQL.
func onServer(t *testing.T, driver string) (*site, *ecologytest.OA) {
	t.Helper()
	name := fmt.Sprintf("punchbridge_bridge_%d_%d", os.Getpid(), serverDatabases.Add(1))
	var dsn string
	var db *bun.DB
	switch driver {
	case "mysql":
		admin := cmp.Or(os.Getenv("PUNCHBRIDGE_TEST_MYSQL"), "root@tcp(127.0.0.1:3306)/")
		onAdmin(t, "mysql", admin, "CREATE DATABASE "+name, "DROP DATABASE "+name)
		config, err := mysql.ParseDSN(admin)
		require.NoError(t, err)
		config.DBName = name
		dsn = config.FormatDSN()
		raw, err := sql.Open("mysql", dsn)
		require.NoError(t, err)
		db = bun.NewDB(raw, mysqldialect.New())
	case "postgres":
		admin := cmp.Or(os.Getenv("PUNCHBRIDGE_TEST_POSTGRES"), "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable")
		onAdmin(t, "pgx", admin, "CREATE DATABASE "+name, "DROP DATABASE "+name+" WITH (FORCE)")
		u, err := url.Parse(admin)
		require.NoError(t, err)
		u.Path = "/" + name
		dsn = u.String()
		raw, err := sql.Open("pgx", dsn)
		require.NoError(t, err)
		db = bun.NewDB(raw, pgdialect.New())
	}
	t.Cleanup(func() { _ = db.Close() })
	ctx := context.Background()
	oa, err := ecologytest.New(ctx, db, ecologytest.Schema{Generation: oasink.E9})
	require.NoError(t, err)
	require.NoError(t, oa.AddSubCompanies(ctx, ecologytest.SubCompany{ID: 1}))
	require.NoError(t, oa.AddDepartments(ctx, ecologytest.Department{ID: 11, Subcompany: 1}))
	for id := int64(17); id <= 21; id++ {
		require.NoError(t, oa.AddStaff(ctx, ecologytest.Person{ID: id, LoginID: fmt.Sprint("login", id), Workcode: fmt.Sprint("W", id), Name: "员工", Department: 11, Subcompany: 1, Status: 1}))
	}
	s := newSite(t, "e9")
	s.oa = []string{"driver: " + driver, "dsn: " + fmt.Sprintf("%q", dsn)}
	return s, oa
}

// onAdmin creates a database and drops it in the end. Without the server the test
// is skipped; on CI it fails.
func onAdmin(t *testing.T, driver, dsn, create, drop string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Ping(); err != nil {
		why, _, _ := strings.Cut(err.Error(), "\n")
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is needed on CI: %s", driver, why)
		}
		t.Skipf("%s cannot be reached, its test is left out: %s", driver, why)
	}
	_, err = db.Exec(create)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec(drop)
		require.NoError(t, err)
	})
}

// The bridge on a database server: check, backfill, again, and what it says of a
// server that refuses it.
func TestServers(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"mysql", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			s, oa := onServer(t, driver)
			s.ordinary()
			s.state = fmt.Sprintf("{driver: %s, %s}", driver, s.oa[1]) // beside the OA's own tables
			r := s.bridge("check")
			require.Equal(t, 0, r.code, "%s%s", r.stdout, r.stderr)
			r = s.bridge("backfill", "daily", "-from", "2026-03-02", "-to", "2026-03-06")
			require.Equal(t, 0, r.code, "%s%s", r.stdout, r.stderr)
			require.Equal(t, ordinaryRows, r.document.Written)
			rows, err := oa.SignRows(context.Background())
			require.NoError(t, err)
			require.Len(t, rows, ordinaryRows)
			require.Equal(t, "17 2026-03-02 08:57:17 1 from_dd", fmt.Sprint(rows[0].UserID, " ", rows[0].SignDate, " ", rows[0].SignTime, " ", rows[0].SignType, " ", rows[0].SignFrom))
			queued, err := oa.Recomputed(context.Background(), 17, "2026-03-01")
			require.NoError(t, err)
			require.True(t, queued)
			r = s.bridge("backfill", "daily", "-from", "2026-03-02", "-to", "2026-03-06")
			require.Equal(t, 0, r.code, "%s%s", r.stdout, r.stderr)
			require.Equal(t, [2]int{0, ordinaryRows}, [2]int{r.document.Written, r.document.Present})
			require.Len(t, s.history().Runs, 2)
			require.Equal(t, "2026-03-07T00:00:00+08:00", s.jobs()[0].ReadUpTo)
			r = s.bridge("run", "daily")
			require.Equal(t, 0, r.code, "%s%s", r.stdout, r.stderr)
			require.Equal(t, "2026-03-03T00:00:00+08:00", r.document.From)
			require.NoFileExists(t, filepath.Join(s.dir, "bridge-state.db"))

			// A password is never shown, neither of a dsn that is refused by the server nor
			// of one that cannot be read.
			good, goodState := s.oa[1], s.state
			s.state = strings.Replace(strings.Replace(goodState, "root@tcp", "nobody:geheim@tcp", 1), "postgres@", "nobody:geheim@", 1)
			r = s.bridge("history")
			require.Equal(t, 1, r.code, "%s%s", r.stdout, r.stderr)
			require.Contains(t, r.stdout, "state.dsn")
			require.NotContains(t, r.stdout+r.stderr, "geheim")
			s.state = goodState
			s.oa[1] = strings.Replace(strings.Replace(good, "root@tcp", "nobody:geheim@tcp", 1), "postgres@", "nobody:geheim@", 1)
			r = s.bridge("run", "daily")
			require.Equal(t, 1, r.code, "%s%s", r.stdout, r.stderr)
			require.Contains(t, r.stdout, "store_unavailable")
			require.NotContains(t, r.stdout+r.stderr, "geheim")
			for _, dsn := range []string{"xx://nobody:geheim@:x/%zz", "nobody:geheim@tcp(127.0.0.1:3306)/"} {
				s.oa[1] = fmt.Sprintf("dsn: %q", dsn)
				r = s.bridge("run", "daily")
				require.Equal(t, 2, r.code, "%s%s", r.stdout, r.stderr)
				require.Contains(t, r.stdout, "oa.dsn")
				require.NotContains(t, r.stdout+r.stderr, "geheim")
			}
		})
	}
}
