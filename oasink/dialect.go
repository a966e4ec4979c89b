package oasink

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/uptrace/bun"
	bundialect "github.com/uptrace/bun/dialect"

	"github.com/punchbridge/punchbridge/attendance"
)

// A querier reads. *bun.DB and bun.Conn format the arguments into the statement;
// *sql.DB binds them.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// An executor also writes. bun formats the arguments into the statement.
type executor interface {
	querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// A dialect is everything that differs from database to database. Each
// implementation has a file of its own; none imports a driver.
type dialect interface {
	// name is the database's usual name, for people.
	name() string

	// begin opens a transaction that excludes every other writer of this library
	// before anything is read in it, and reads what those have committed. home is
	// the schema of the punch tables. A lock that another writer holds is waited
	// for up to wait, or less: then the error is diagnosed as busy. After a failure
	// rollback and release undo whatever there is.
	begin(ctx context.Context, c *session, home string, wait time.Duration) error
	commit(ctx context.Context, c *session) error
	rollback(ctx context.Context, c *session) error
	// release gives back what begin took of the connection beside the transaction,
	// once that has ended.
	release(ctx context.Context, c *session, home string) error
	// commitsAgain says that a transaction whose commit was turned away by a busy
	// database is still open. Elsewhere it is gone, and a second COMMIT would
	// succeed without storing anything.
	commitsAgain() bool
	// touch makes a change without a meaning, to be rolled back, where only that
	// proves that the database can be written.
	touch(ctx context.Context, c bun.Conn) error
	// savepoint is how a part of a transaction is given up: the statements that
	// mark its beginning, undo it and forget the mark ("" where not needed).
	savepoint() (mark, undo, forget string)

	// find looks for a table or view: where it is and how it is spelt, and its
	// columns. There are none when it does not exist. q binds its arguments.
	find(ctx context.Context, q querier, want tableName) (tableName, []column, error)
	// concerns are what an operator should know of this server.
	concerns(ctx context.Context, q querier, sh *shape) ([]attendance.Finding, error)
	// limit makes a query return at most n rows.
	limit(query string, n int) string
	// quotes are what stands around an identifier.
	quotes() (open, end byte)
	// insert begins an insert in the way that the database is best at.
	insert(to target) insert
	// rowsPerInsert is the most rows that one INSERT may carry, and
	// argumentsPerStatement the most arguments that may be bound to a statement.
	rowsPerInsert() int
	argumentsPerStatement() int
	// argument is how a statement names its n-th bound argument, from 1.
	argument(n int) string
	// valuesPerList is the most values that one IN list may carry.
	valuesPerList() int
	// storable is s without the characters that the column cannot hold. It is asked
	// after an insert has failed for such a character, and beforehand about columns
	// that replace characters in silence.
	storable(ctx context.Context, c *sql.Conn, s string, col column) (string, error)

	// diagnose tells what kind of trouble a driver's error is.
	diagnose(err error) trouble
}

// A session is the connection of one write, and what the dialect keeps of it from
// begin to release.
type session struct {
	bun.Conn
	shape *shape
	// tx is the driver's own transaction, where a statement cannot begin one (Oracle).
	tx driver.Tx
	// restore gives the host's settings back (SQL Server).
	restore string
}

// trouble is a kind of database error that needs a treatment or words of its own.
type trouble uint8

const (
	otherTrouble  trouble = iota
	busy                  // somebody else holds the lock; trying again helps
	lost                  // the connection has broken; a new one may work
	readOnly              // the database cannot be written
	denied                // the account lacks a right
	full                  // no space is left
	unreachable           // no connection, no file, no database in it
	missing               // a table or column does not exist
	unstorable            // a text holds a character that its column cannot
	noTransaction         // rollback without a transaction: there is nothing to undo
)

// errBusy says that another writer of this library holds the lock.
var errBusy = errors.New("another writer is at work")

// dialectOf picks the dialect of the host's database.
func dialectOf(db *bun.DB) (dialect, error) {
	switch name := db.Dialect().Name(); name {
	case bundialect.SQLite:
		return sqlite{}, nil
	case bundialect.MySQL:
		return mysql{}, nil
	case bundialect.PG:
		return postgres{}, nil
	case bundialect.MSSQL:
		return sqlserver{}, nil
	case bundialect.Oracle:
		return oracle{}, nil
	default:
		return nil, fmt.Errorf("oasink: the database dialect %v is not supported; supported: sqlite, mysql (also MariaDB), pg (PostgreSQL), mssql (SQL Server), oracle", name)
	}
}

// connectionTrouble tells of an error of a network connection, which has no code
// of the server's: lost, unreachable or, when it is none, otherTrouble.
func connectionTrouble(err error) trouble {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return lost
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		if op.Op == "dial" {
			return unreachable
		}
		return lost
	}
	// What drivers say without an error of the standard library below it.
	text := strings.ToLower(err.Error())
	for _, known := range [...]struct {
		words string
		trouble
	}{
		{"sql: database is closed", unreachable},
		{"failed to connect", unreachable},     // pgx
		{"no such host", unreachable},          //
		{"invalid connection", lost},           // go-sql-driver/mysql
		{"conn closed", lost},                  // pgx
		{"busy buffer", lost},                  // go-sql-driver/mysql, after a broken answer
		{"bad connection", lost},               // database/sql, passed on as text
		{"connection reset by peer", lost},     //
		{"broken pipe", lost},                  //
		{"unexpected sequence nr", lost},       // go-sql-driver/mysql
		{"commands out of sync", lost},         // go-sql-driver/mysql
		{"connection is already closed", lost}, // database/sql
	} {
		if strings.Contains(text, known.words) {
			return known.trouble
		}
	}
	return otherTrouble
}

// onlySpelling picks the table meant by want among those whose names differ from
// it in case at most: the one spelt alike, else the only one.
func onlySpelling(want tableName, found []tableName) (tableName, error) {
	var alike []tableName
	for _, f := range found {
		if f.name == want.name && (want.schema == "" || f.schema == want.schema) {
			return f, nil
		}
		if f.schema == found[0].schema {
			alike = append(alike, f)
		}
	}
	switch len(alike) {
	case 0:
		return want, nil
	case 1:
		return alike[0], nil
	}
	names := make([]string, len(alike))
	for i, f := range alike {
		names[i] = f.String()
	}
	return want, &attendance.Error{Code: attendance.CodeTable, Op: "oasink",
		Detail: fmt.Sprintf("there are several tables %s that differ in case only: %s", want, strings.Join(names, ", ")),
		Mend:   attendance.Text{EN: "say which one is meant (oasink.Options.Tables)", ZH: "请用 tables 指明所用的表名"}}
}
