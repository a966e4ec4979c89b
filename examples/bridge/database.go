package main

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"
	goora "github.com/sijms/go-ora/v2"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mssqldialect"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/oracledialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// openDatabase names the OA's database. Whether it can be read is seen when its
// tables are looked at, which waits for a busy one.
func openDatabase(o *oaConfig, beside string) (*bun.DB, error) {
	switch o.driver {
	case "mysql":
		return openMySQL(o.dsn)
	case "postgres":
		return openPostgres(o.dsn)
	case "sqlserver":
		return openSQLServer(o.dsn)
	case "oracle":
		return openOracle(o.dsn)
	default:
		return openSQLite(o, beside)
	}
}

// How long a server may take to answer before it counts as gone, where the dsn
// does not say. The longest answers are those of waits for a lock (4 s).
const (
	dialTime   = 10 * time.Second
	answerTime = time.Minute
	idleTime   = time.Minute // then a connection in the pool is closed, before a firewall does
)

// unreadable words an error of a driver that reads its dsn, which it quotes. The file was
// read by the same driver, so that there is hardly one.
func unreadable(err error) error {
	return &attendance.Error{Code: attendance.CodeStoreDown, Op: "dsn", Detail: redact.Database(err, true).Error(), Err: redact.Database(err, true)}
}

func openMySQL(dsn string) (*bun.DB, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, unreadable(err)
	}
	config.Logger = &mysql.NopLogger{} // it writes to stderr what the driver thinks of connections
	config.Timeout = cmp.Or(config.Timeout, dialTime)
	config.ReadTimeout = cmp.Or(config.ReadTimeout, answerTime)
	config.WriteTimeout = cmp.Or(config.WriteTimeout, answerTime)
	if mysqlCharset(dsn) == "" && config.Collation == "" { // a server may have another default
		if err := config.Apply(mysql.Charset("utf8mb4", "")); err != nil {
			return nil, err
		}
	}
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	config.Params["autocommit"] = "1"       // else what one read has seen, all later ones see
	config.Params["sql_safe_updates"] = "0" // it is for people who type
	config.Params["sql_select_limit"] = "18446744073709551615"
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, unreadable(err)
	}
	db := sql.OpenDB(connector)
	db.SetConnMaxIdleTime(idleTime)
	return bun.NewDB(db, mysqldialect.New()), nil
}

// mysqlCharset is the character set that a dsn which can be parsed asks for, "" where
// it asks for none; the driver does not show it.
func mysqlCharset(dsn string) string {
	_, parameters, _ := strings.Cut(dsn[strings.LastIndexByte(dsn, '/')+1:], "?")
	set := ""
	for parameter := range strings.SplitSeq(parameters, "&") {
		if value, ok := strings.CutPrefix(parameter, "charset="); ok {
			set = value
		}
	}
	return set
}

// foreignCharset is the character set other than UTF-8 that a dsn asks for, and the
// parameter that does: every text leaves the program as UTF-8. "" where there is none.
func foreignCharset(driver, dsn string) (parameter, value string) {
	asked := map[string]string{}
	switch driver {
	case "mysql":
		config, err := mysql.ParseDSN(dsn)
		if err != nil {
			return "", ""
		}
		asked["charset"], asked["collation"] = mysqlCharset(dsn), config.Collation
		for name, value := range config.Params {
			if strings.HasPrefix(strings.ToLower(name), "character_set_") {
				asked[name] = strings.Trim(value, `'"`)
			}
		}
	case "postgres":
		config, err := pgx.ParseConfig(dsn)
		if err != nil {
			return "", ""
		}
		asked["client_encoding"] = config.RuntimeParams["client_encoding"]
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		for one := range strings.SplitSeq(asked[name], ",") {
			charset, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(one)), "_") // of a collation
			if !slices.Contains([]string{"", "utf8", "utf8mb3", "utf8mb4", "utf-8", "unicode"}, charset) {
				return name, one
			}
		}
	}
	return "", ""
}

func openPostgres(dsn string) (*bun.DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, unreadable(err)
	}
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, dialTime)
	config.RuntimeParams["client_encoding"] = "UTF8" // a role or a database may have another
	if !strings.Contains(dsn, "default_query_exec_mode") {
		config.DefaultQueryExecMode = pgx.QueryExecModeExec // nothing is prepared, which a pooler between us and the server would lose
	}
	db := stdlib.OpenDB(*config)
	db.SetConnMaxIdleTime(idleTime)
	return bun.NewDB(db, pgdialect.New()), nil
}

// openSQLServer: parameters are @p1; the other driver of the package rewrites ?.
func openSQLServer(dsn string) (*bun.DB, error) {
	config, err := msdsn.Parse(dsn)
	if err != nil {
		return nil, unreadable(err)
	}
	config.ConnTimeout = cmp.Or(config.ConnTimeout, answerTime)
	db := sql.OpenDB(mssql.NewConnectorConfig(config))
	db.SetConnMaxIdleTime(idleTime)
	return bun.NewDB(db, mssqldialect.New()), nil
}

// openOracle: the driver has one time-out for connecting and for answers.
func openOracle(dsn string) (*bun.DB, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, unreadable(err)
	}
	if !strings.Contains(strings.ToUpper(u.RawQuery), "TIMEOUT=") {
		query := u.Query()
		query.Set("TIMEOUT", fmt.Sprint(int(answerTime/time.Second)))
		u.RawQuery = query.Encode()
	}
	db := sql.OpenDB(goora.NewConnector(u.String()))
	db.SetConnMaxIdleTime(idleTime)
	return bun.NewDB(db, oracledialect.New()), nil
}

// openSQLite opens a file, which must exist: a missing one is an error of code
// store_unavailable and is never created.
func openSQLite(o *oaConfig, beside string) (*bun.DB, error) {
	dsn, path, err := sqliteDSN(o.dsn, beside)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, storeDown(fmt.Sprintf("the database %s cannot be opened: %v", path, err), err)
	}
	return bun.NewDB(db, sqlitedialect.New()), nil
}

func storeDown(detail string, err error) error {
	return &attendance.Error{Code: attendance.CodeStoreDown, Op: "sqlite", Detail: detail, Err: err}
}

// sqliteDSN completes a path or file: URI. A relative one is looked for beside
// the configuration file first, then in the working directory; the second result
// is the path for people.
func sqliteDSN(dsn, beside string) (string, string, error) {
	name, query, _ := strings.Cut(dsn, "?")
	path := name
	if uri, ok := strings.CutPrefix(name, "file:"); ok {
		if host, ok := strings.CutPrefix(uri, "//"); ok {
			uri = host[max(0, strings.IndexByte(host, '/')):] // file:///x and file://localhost/x
		}
		unescaped, err := url.PathUnescape(uri)
		if err != nil {
			return "", "", storeDown("the dsn's file: URI holds a % that is no escape", err)
		}
		path = unescaped
	}
	if path == ":memory:" || strings.Contains(query, "mode=memory") {
		return "", "", storeDown("the dsn names a database in memory; give the path of the OA's database", nil)
	}
	found := path
	if !filepath.IsAbs(path) {
		if found = filepath.Join(beside, path); !exists(found) && exists(path) {
			found = path
		}
	}
	if absolute, err := filepath.Abs(found); err == nil {
		found = absolute
	}
	if info, err := os.Stat(found); err != nil {
		return "", "", storeDown("there is no database "+found, err)
	} else if info.IsDir() {
		return "", "", storeDown(found+" is a directory, not a database", nil)
	}
	options := []string{}
	if query != "" {
		options = append(options, query)
	}
	if !strings.Contains("&"+query, "&mode=") {
		options = append(options, "mode=rw")
	}
	if !strings.Contains(strings.ToLower(query), "busy_timeout") {
		options = append(options, "_pragma=busy_timeout(5000)")
	}
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(found))
	return "file:" + escaped + "?" + strings.Join(options, "&"), found, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
