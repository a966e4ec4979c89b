package main

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/punchbridge/punchbridge/attendance"
)

// openDatabase names the OA's database, which must exist: a missing file is an
// error of code store_unavailable and is never created. Whether it can be read is
// seen when its tables are looked at, which waits for a busy one.
func openDatabase(o *oaConfig, beside string) (*bun.DB, error) {
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
