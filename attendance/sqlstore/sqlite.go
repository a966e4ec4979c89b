package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// sqlite is SQLite 3.24 or later, whichever driver.
type sqlite struct{}

func (sqlite) types() []string {
	return []string{"{key}", "BLOB NOT NULL", "{bytes}", "BLOB NOT NULL", "{document}", "TEXT NOT NULL", "{number}", "INTEGER NOT NULL", "{serial}", "INTEGER PRIMARY KEY AUTOINCREMENT"}
}

func (sqlite) options() (keyed, numbered string) { return " WITHOUT ROWID", "" }

// begin takes the write lock at once: a plain BEGIN would take it at the first
// change, after two writers have both read.
func (sqlite) begin() []string { return []string{"BEGIN IMMEDIATE"} }

func (sqlite) ends() (commit, rollback string) { return "COMMIT", "ROLLBACK" }

func (sqlite) oneWriter() bool { return true }

// commitsAgain: a reader stops the commit, not the transaction.
func (sqlite) commitsAgain() bool { return true }

func (sqlite) exclusive() string { return "" }

func (sqlite) upsert(key string, columns ...string) string { return onConflict(key, columns) }

func (sqlite) tuples() (open, end string) { return "(VALUES ", ")" }

func (sqlite) document() (before, after string) { return "CAST(", " AS TEXT)" }

func (sqlite) guard(string) (take, release string) { return "", "" }

// overwrite: deleted content stays in the file otherwise (sqlite.org/pragma.html).
func (sqlite) overwrite() []string { return []string{"PRAGMA secure_delete = ON"} }

// erase rewrites the file, then empties the write-ahead log, which holds it as it was.
func (sqlite) erase() []string {
	return []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"}
}

func (sqlite) forced(context.Context, querier) (forced, error) { return forced{}, nil }

// diagnose goes by SQLite's primary result codes (sqlite.org/rescode.html), which
// drivers keep in the low byte of theirs.
func (sqlite) diagnose(err error) trouble {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return unreachable
	}
	if coded, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		switch coded.Code() & 0xff {
		case 5, 6: // busy, locked
			return busy
		case 3, 8: // no permission, read-only
			return readOnly
		case 13:
			return full
		case 10, 11, 14, 26: // i/o, corrupt, cannot be opened, not a database
			return unreachable
		}
	}
	return said(err, map[string]trouble{
		"no such table": missing, "no such column": missing, "has no column named": missing,
		"database is locked": busy, "database table is locked": busy,
		"readonly database": readOnly, "disk is full": full,
		"unable to open database": unreachable, "file is not a database": unreachable, "disk image is malformed": unreachable,
		"disk i/o error": unreachable, "database is closed": unreachable,
	})
}
