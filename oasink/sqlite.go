package oasink

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// sqlite is SQLite 3.16 or later, whichever driver.
type sqlite struct{ usual }

func (sqlite) name() string { return "SQLite" }

// begin takes the write lock at once: a plain BEGIN would take it at the first
// insert, after two writers have both read that a row is not there. How long it
// waits is the driver's busy time-out; beyond it the caller tries again.
func (sqlite) begin(ctx context.Context, c *session, _ string, _ time.Duration) error {
	_, err := c.ExecContext(ctx, "BEGIN IMMEDIATE")
	return err
}

// reopen: after RAISE(ROLLBACK) nothing of the transaction is left (sqlite.org/lang_createtrigger.html).
func (sqlite) reopen() string { return "BEGIN IMMEDIATE" }

// snapshot: of the first read on; with a rollback journal it is a lock that stops a
// writer's commit, not its work, for as long as the reading takes.
func (sqlite) snapshot() []string { return []string{"BEGIN"} }

func (sqlite) anySize() bool { return true }

// commitsAgain: a reader stops the commit, not the transaction.
func (sqlite) commitsAgain() bool { return true }

// touch makes SQLite open its journal, which it cannot in a directory that may
// not be written, by setting a number of the file's head to what it is.
func (sqlite) touch(ctx context.Context, c bun.Conn) error {
	var version int64
	if err := c.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	_, err := c.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
	return err
}

// find takes the name as it is: SQLite knows tables in any case.
func (sqlite) find(ctx context.Context, q querier, want tableName) (tableName, []column, error) {
	query, args := `SELECT name, type, "notnull" <> 0, dflt_value IS NOT NULL OR pk > 0 FROM pragma_table_info(?)`, []any{want.name}
	if want.schema != "" {
		query, args = `SELECT name, type, "notnull" <> 0, dflt_value IS NOT NULL OR pk > 0 FROM pragma_table_info(?, ?)`, []any{want.name, want.schema}
	}
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return want, nil, err
	}
	defer rows.Close()
	var list []column
	for rows.Next() {
		var name, declared string
		var required, filled bool
		if err := rows.Scan(&name, &declared, &required, &filled); err != nil {
			return want, nil, err
		}
		c := newColumn(name, declared)
		c.required, c.filled = required, filled
		c.bytes = true // SQLite ignores sizes; where e-cology's declarations come from (Oracle, SQL Server), they are bytes
		list = append(list, c)
	}
	return want, list, rows.Err()
}

// triggers: of an attached database nothing is said.
func (sqlite) triggers(ctx context.Context, q querier, t *table) ([]trigger, error) {
	if t.name.schema != "" {
		return nil, nil
	}
	return readTriggers(ctx, q, "SELECT name, 0 FROM sqlite_master WHERE type = 'trigger' AND LOWER(tbl_name) = LOWER(?) AND UPPER(sql) LIKE '% INSERT %ON %' ORDER BY name", t.name.name)
}

// gather: each value that a driver hands over costs more than the concatenation.
func (sqlite) gather(date, time, sign string) string {
	if sign != "" {
		sign = " || ifnull(" + sign + ", '')"
	}
	return "group_concat(" + date + " || " + time + sign + ")"
}

// rowsPerInsert: SQLite has no limit on VALUES; more rows are no faster.
func (sqlite) rowsPerInsert() int { return 100 }

// argumentsPerStatement is the default limit of SQLite before 3.32.
func (sqlite) argumentsPerStatement() int { return 999 }

// storable: SQLite holds every text.
func (sqlite) storable(_ context.Context, _ *sql.Conn, s string, _ column) (string, error) {
	return s, nil
}

// SQLite's primary result codes (sqlite.org/rescode.html), which drivers keep in
// the low byte of theirs.
const (
	sqlitePermission = 3
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteReadOnly   = 8
	sqliteIO         = 10
	sqliteCorrupt    = 11
	sqliteFull       = 13
	sqliteCannotOpen = 14
	sqliteTooBig     = 18
	sqliteConstraint = 19
	sqliteMismatch   = 20
	sqliteNotADB     = 26
)

// refuses: a constraint, which a trigger's RAISE is too, or a value of another type
// or size.
func (sqlite) refuses(err error) bool {
	if coded, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		switch coded.Code() & 0xff {
		case sqliteConstraint, sqliteMismatch, sqliteTooBig:
			return true
		}
		return false
	}
	return strings.Contains(err.Error(), "constraint failed")
}

func (sqlite) diagnose(err error) trouble {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return unreachable
	}
	if coded, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		switch coded.Code() & 0xff {
		case sqliteBusy, sqliteLocked:
			return busy
		case sqliteReadOnly, sqlitePermission:
			return readOnly
		case sqliteFull:
			return full
		case sqliteCannotOpen, sqliteNotADB, sqliteCorrupt, sqliteIO:
			return unreachable
		}
	}
	// Generic errors have no code of their own, and some drivers no Code method.
	return troubleSaid(err, []saying{
		{"no such table", missing},
		{"no such column", missing},
		{"has no column named", missing},
		{"no transaction is active", noTransaction},
		{"database is locked", busy},
		{"database table is locked", busy},
		{"readonly database", readOnly},
		{"disk is full", full},
		{"unable to open database", unreachable},
		{"file is not a database", unreachable},
		{"disk image is malformed", unreachable},
		{"disk i/o error", unreachable},
		{"database is closed", unreachable},
	})
}

func (sqlite) ledgerTypes() ledgerTypes {
	return ledgerTypes{big: "BIGINT", small: "SMALLINT", text: "VARCHAR(%d)", indexHome: true, bareTable: true}
}
