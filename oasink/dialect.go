package oasink

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"
	bundialect "github.com/uptrace/bun/dialect"
)

// A querier reads: *bun.DB and bun.Conn are queriers.
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
	// before anything is read in it. When it fails, none is open.
	begin(ctx context.Context, c executor) error
	commit(ctx context.Context, c executor) error
	rollback(ctx context.Context, c executor) error
	// touch makes a change without a meaning, to be rolled back, where only that
	// proves that the database can be written.
	touch(ctx context.Context, c bun.Conn) error
	// savepoint is how a part of a transaction is given up: the statements that
	// mark its beginning, undo it and forget the mark ("" where not needed).
	savepoint() (mark, undo, forget string)

	// columns lists the columns of a table or view; none when it does not exist.
	columns(ctx context.Context, q querier, schema, table string) ([]column, error)
	// limit makes a query return at most n rows.
	limit(query string, n int) string
	// rowsPerInsert is the most rows that one INSERT may carry, and
	// argumentsPerStatement the most arguments that may be bound to a statement.
	rowsPerInsert() int
	argumentsPerStatement() int
	// argument is how a statement names its n-th bound argument, from 1.
	argument(n int) string
	// valuesPerList is the most values that one IN list may carry.
	valuesPerList() int
	// countsBytes says that declared text sizes are bytes; else characters.
	countsBytes() bool

	// diagnose tells what kind of trouble a driver's error is.
	diagnose(err error) trouble
}

// trouble is a kind of database error that needs a treatment or words of its own.
type trouble uint8

const (
	otherTrouble  trouble = iota
	busy                  // somebody else holds the lock; trying again helps
	readOnly              // the database cannot be written
	full                  // no space is left
	unreachable           // no connection, no file, no database in it
	missing               // a table or column does not exist
	noTransaction         // rollback without a transaction: there is nothing to undo
)

// dialectOf picks the dialect of the host's database.
func dialectOf(db *bun.DB) (dialect, error) {
	switch name := db.Dialect().Name(); name {
	case bundialect.SQLite:
		return sqlite{}, nil
	default:
		return nil, fmt.Errorf("oasink: the database dialect %v is not supported; supported: sqlite", name)
	}
}
