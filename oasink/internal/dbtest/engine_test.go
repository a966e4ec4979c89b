package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	bundialect "github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"
	"modernc.org/sqlite"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// An engine is a database product that the sink is tested on.
type engine struct {
	name    string
	driver  driver.Driver
	dialect func() schema.Dialect
	// admin is the DSN of the server itself; of SQLite it is "".
	admin func() string
	// optional is the variable without which the engine is left out, on CI too.
	optional string
	// create makes an empty database of that name and returns its DSN.
	create func(t testing.TB, name string) string
}

const (
	sqliteName   = "sqlite"
	mariadbName  = "mariadb"
	postgresName = "postgres"
)

func engines() []engine { return append([]engine{sqliteEngine()}, servers()...) }

// servers are the engines that many processes and machines can reach.
func servers() []engine { return []engine{mariadbEngine(), postgresEngine()} }

func sqliteEngine() engine {
	return engine{
		name: sqliteName, driver: &sqlite.Driver{}, dialect: func() schema.Dialect { return sqlitedialect.New() },
		create: func(t testing.TB, _ string) string {
			return "file:" + file(t) + "?_pragma=journal_mode(wal)&_pragma=synchronous(normal)"
		},
	}
}

// rollbackEngine is SQLite with a rollback journal.
func rollbackEngine() engine {
	e := sqliteEngine()
	e.name += "-rollback"
	e.create = func(t testing.TB, _ string) string { return "file:" + file(t) + "?_pragma=journal_mode(delete)" }
	return e
}

func mariadbEngine() engine {
	e := engine{
		name: mariadbName, driver: &mysql.MySQLDriver{}, dialect: func() schema.Dialect { return mysqldialect.New() },
		admin: func() string { return setting("PUNCHBRIDGE_TEST_MYSQL", "root@tcp(127.0.0.1:3306)/") },
	}
	e.create = func(t testing.TB, name string) string {
		e.must(t, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
		t.Cleanup(func() { e.must(t, "DROP DATABASE "+name) })
		config, err := mysql.ParseDSN(e.admin())
		require.NoError(t, err)
		config.DBName = name
		return config.FormatDSN()
	}
	return e
}

// postgresEngine gives each test schemas in a database that it has for itself: locks
// and sessions are seen database by database.
func postgresEngine() engine {
	e := engine{
		name: postgresName, driver: stdlib.GetDefaultDriver(), dialect: func() schema.Dialect { return pgdialect.New() },
		admin: func() string {
			// Without TLS, which takes longer than most of what a test does; TestPostgresOverTLS has it.
			return setting("PUNCHBRIDGE_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable")
		},
	}
	e.create = func(t testing.TB, name string) string {
		mine := postgresDatabases.take(t, e)
		mine.must(t, "CREATE SCHEMA "+name)
		t.Cleanup(func() {
			mine.must(t, "DROP SCHEMA "+name+" CASCADE")
			postgresDatabases.giveBack(mine)
		})
		dsn := mine.dsn
		query := dsn.Query()
		query.Set("search_path", name)
		dsn.RawQuery = query.Encode()
		return dsn.String()
	}
	return e
}

// TLS to PostgreSQL changes nothing but how long it takes to connect.
func TestPostgresOverTLS(t *testing.T) {
	t.Parallel()
	on := postgresEngine()
	on.needed(t)
	d := on.found(t, ecologytest.Schema{})
	dsn, err := url.Parse(d.dsn)
	require.NoError(t, err)
	query := dsn.Query()
	query.Set("sslmode", "prefer")
	dsn.RawQuery = query.Encode()
	w := write(t, sink(t, on.open(t, dsn.String()), nil), punch(101, at(2, 8, 0, 0), attendance.In))
	require.Equal(t, 1, w.Written)
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// connector opens connections of a driver without a registry.
type connector struct {
	driver driver.Driver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// open opens a pool of its own, as another process would have.
func (e engine) open(t testing.TB, dsn string) *bun.DB {
	t.Helper()
	db := bun.NewDB(sql.OpenDB(connector{e.driver, dsn}), e.dialect())
	db.SetMaxIdleConns(8) // a session of PostgreSQL takes longer to begin than most statements
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// must runs a statement on the server.
func (e engine) must(t testing.TB, statement string) {
	t.Helper()
	db := sql.OpenDB(connector{e.driver, e.admin()})
	defer db.Close()
	_, err := db.ExecContext(context.Background(), statement)
	require.NoError(t, err, statement)
}

// reached are the engines that have answered; a look costs a session.
var reached sync.Map

// needed skips the test when the server is not there; on CI it fails.
func (e engine) needed(t testing.TB) {
	t.Helper()
	if e.admin == nil {
		return
	}
	if e.optional != "" && os.Getenv(e.optional) == "" {
		t.Skipf("%s is not set: no %s to test on", e.optional, e.name)
	}
	if _, known := reached.Load(e.name); known {
		return
	}
	db := sql.OpenDB(connector{e.driver, e.admin()})
	defer db.Close()
	err := db.PingContext(context.Background())
	if err == nil {
		reached.Store(e.name, true)
		return
	}
	why, _, _ := strings.Cut(err.Error(), "\n")
	if e.optional != "" {
		t.Fatalf("%s cannot be reached: %s", e.name, why)
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is needed on CI: %s", e.name, why)
	}
	t.Skipf("%s cannot be reached, its tests are left out (PUNCHBRIDGE_TEST_MYSQL and PUNCHBRIDGE_TEST_POSTGRES name servers): %s", e.name, why)
}

// everywhere runs a test once on each engine. Under the race detector that is SQLite
// alone: what goroutines share is the same on all, and what a server makes of several
// writers has tests of its own (onServers).
func everywhere(t *testing.T, test func(t *testing.T, on engine)) {
	t.Helper()
	for _, e := range engines() {
		if raceDetector && e.name != sqliteName {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.needed(t)
			test(t, e)
		})
	}
}

// onServers runs a test once on each server.
func onServers(t *testing.T, test func(t *testing.T, on engine)) {
	t.Helper()
	for _, e := range servers() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.needed(t)
			test(t, e)
		})
	}
}

// A database is one of an engine with an e-cology in it.
type database struct {
	engine
	dsn string
	oa  *ecologytest.OA
}

var databases atomic.Int64

// empty makes a database without tables.
func (e engine) empty(t testing.TB) database {
	t.Helper()
	return database{engine: e, dsn: e.create(t, fmt.Sprintf("punchbridge_test_%d_%d", os.Getpid(), databases.Add(1)))}
}

// found makes an e-cology in a new database.
func (e engine) found(t testing.TB, s ecologytest.Schema) database {
	t.Helper()
	d := e.empty(t)
	var err error
	d.oa, err = ecologytest.New(context.Background(), d.pool(t), s)
	require.NoError(t, err)
	return d
}

// build is found for tests that need one pool only.
func (e engine) build(t testing.TB, s ecologytest.Schema) *ecologytest.OA {
	t.Helper()
	return e.found(t, s).oa
}

// pool opens another pool.
func (d database) pool(t testing.TB) *bun.DB {
	t.Helper()
	return d.open(t, d.dsn)
}

// struck opens a pool that calls strike before every statement.
func (d database) struck(t testing.TB, strike func(query string) error) *bun.DB {
	t.Helper()
	db := bun.NewDB(sql.OpenDB(&faultsConnector{&faults{Driver: d.driver, dsn: d.dsn, strike: strike}}), d.dialect())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// exec runs statements that the engine may spell in its own way, as
// "postgres: ALTER ..."; those of other engines are left out.
func (e engine) exec(t testing.TB, db *bun.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if name, own, ok := strings.Cut(s, ": "); ok && slices.Contains([]string{sqliteName, mariadbName, postgresName, sqlserverName, oracleName}, name) {
			if name != strings.TrimPrefix(e.name, compatPrefix) {
				continue
			}
			s = own
		}
		_, err := db.Exec("?", bun.Safe(s))
		require.NoError(t, err, s)
	}
}

// refusing are the statements for a trigger that refuses some rows.
func refusing(table, when string) []string {
	return []string{
		"sqlite: CREATE TRIGGER no BEFORE INSERT ON " + table + " WHEN NEW." + when + " BEGIN SELECT RAISE(ABORT, 'permission denied'); END",
		"mariadb: CREATE TRIGGER no BEFORE INSERT ON " + table + " FOR EACH ROW IF NEW." + when + " THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'permission denied'; END IF",
		"postgres: CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW." + when + " THEN RAISE EXCEPTION 'permission denied'; END IF; RETURN NEW; END $$",
		"postgres: CREATE TRIGGER no BEFORE INSERT ON " + table + " FOR EACH ROW EXECUTE FUNCTION no()",
		"sqlserver: ALTER TABLE " + table + " ADD CONSTRAINT [permission denied] CHECK (NOT (" + when + "))",
		"oracle: ALTER TABLE " + table + ` ADD CONSTRAINT "permission denied" CHECK (NOT (` + when + "))",
	}
}

// schemaOf is the schema in which a new database's tables are.
func schemaOf(t testing.TB, on engine, db *bun.DB) string {
	t.Helper()
	query := map[string]string{sqliteName: "SELECT 'main'", mariadbName: "SELECT DATABASE()", postgresName: "SELECT current_schema()",
		sqlserverName: "SELECT SCHEMA_NAME()", oracleName: "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL"}[strings.TrimPrefix(on.name, compatPrefix)]
	var name string
	require.NoError(t, db.QueryRow(query).Scan(&name))
	return name
}

type otherDialect struct{ *sqlitedialect.Dialect }

func (otherDialect) Name() bundialect.Name { return bundialect.Invalid }

func TestDialectsThatAreNotSupported(t *testing.T) {
	t.Parallel()
	db := bun.NewDB(open(t, file(t)).DB, otherDialect{sqlitedialect.New()})
	_, err := oasink.New(context.Background(), db, nil)
	require.ErrorContains(t, err, "supported: sqlite, mysql (also MariaDB), pg (PostgreSQL), mssql (SQL Server), oracle")
}
