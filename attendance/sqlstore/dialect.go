package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
	bundialect "github.com/uptrace/bun/dialect"
)

// A dialect is what differs from database to database. No driver is imported:
// errors are told apart by their numbers and texts.
type dialect interface {
	// types are the column types of the layout, see tables.
	types() []string
	// options are what ends a CREATE TABLE with a key of several columns, and one
	// with a number that the database gives.
	options() (keyed, numbered string)
	// begin are the statements that open a transaction, each a message of its own.
	begin() []string
	// ends are the statements that commit a transaction and that roll it back.
	ends() (commit, rollback string)
	// oneWriter says that a transaction excludes every other from its beginning.
	oneWriter() bool
	// commitsAgain says that a transaction whose commit was turned away is still open.
	commitsAgain() bool
	// exclusive ends a SELECT whose rows nobody else may change before the commit.
	exclusive() string
	// upsert ends an INSERT: where a row with the key is there, it takes over the
	// columns; none: it stays as it is.
	upsert(key string, columns ...string) string
	// tuples is a list of rows, to stand after IN.
	tuples() (open, end string)
	// document wraps a literal of bytes so that it is the text of a document.
	document() (before, after string)
	// guard are the statements that keep others from changing the layout while the
	// transaction is open, and what gives that back afterwards.
	guard(prefix string) (take, release string)
	// overwrite are the statements after which a transaction leaves nothing behind of
	// what it changes, erase those that remove what is left of deleted rows.
	overwrite() []string
	erase() []string
	// forced is what a session's settings make necessary, see forced.
	forced(ctx context.Context, q querier) (forced, error)
	// diagnose tells what kind of trouble a driver's error is.
	diagnose(err error) trouble
}

// forced is what the settings of the sessions make necessary that a server, or the host,
// has forced upon them.
type forced struct {
	set, restore string // what is changed for a transaction, and afterwards
	lingers      bool   // a read outside of a transaction leaves one open, in which later reads see nothing new
}

func dialectOf(db *bun.DB) (dialect, error) {
	switch name := db.Dialect().Name(); name {
	case bundialect.SQLite:
		return sqlite{}, nil
	case bundialect.MySQL:
		return mysql{}, nil
	case bundialect.PG:
		return postgres{}, nil
	default:
		return nil, fmt.Errorf("sqlstore: the database dialect %v is not supported; supported: sqlite, mysql (also MariaDB), pg (PostgreSQL)", name)
	}
}

// onConflict is how SQLite and PostgreSQL spell an upsert.
func onConflict(key string, columns []string) string {
	if len(columns) == 0 {
		return " ON CONFLICT (" + key + ") DO NOTHING"
	}
	set := make([]string, len(columns))
	for i, c := range columns {
		set[i] = c + " = excluded." + c
	}
	return " ON CONFLICT (" + key + ") DO UPDATE SET " + strings.Join(set, ", ")
}
