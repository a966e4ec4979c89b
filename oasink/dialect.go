package oasink

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
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
// implementation has a file of its own; none imports a driver. What most do alike
// they have from usual.
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
	// anySize says that the declared size of a text binds nobody.
	anySize() bool
	// commitsAgain says that a transaction whose commit was turned away by a busy
	// database is still open. Elsewhere it is gone, and a second COMMIT would
	// succeed without storing anything.
	commitsAgain() bool
	// snapshot are the statements that begin a transaction which only reads, takes no
	// lock and sees one state throughout; none where that is not to be had for the
	// asking. It is ended by rollback.
	snapshot() []string
	// touch makes a change without a meaning, to be rolled back, where only that
	// proves that the database can be written.
	touch(ctx context.Context, c bun.Conn) error
	// savepoint is how a part of a transaction is given up: the statements that
	// mark its beginning, undo it and forget the mark ("" where not needed).
	savepoint() (mark, undo, forget string)

	// reopen is the statement that begins a transaction once more on a session of which
	// one was lost, for what is then only tried; "" where no refusal ends a transaction.
	reopen() string

	// prove sends the proof there and back. said is what the session says of itself
	// where that does not come back as it was sent, "" where it does.
	prove(ctx context.Context, c *sql.Conn) (said string, err error)
	// afterReads is the statement that ends what a read outside of a transaction leaves
	// open on such a connection ("" where that is nothing); an error where such reads do
	// not see all rows.
	afterReads(ctx context.Context, c *sql.Conn) (statement string, err error)
	// together reports, within a transaction that begin has opened, whether the lock is
	// held where rows are written. t is a table that may be written, with that column.
	together(ctx context.Context, c *sql.Conn, home string, t *table, column string) (bool, error)
	// gather is an aggregate that puts date, time and type (a column that may be NULL,
	// or "" for none) of many rows into one text, without anything between the three and
	// with a comma between rows; "" where rows had better be read one by one.
	gather(date, time, sign string) string

	// find looks for a table or view: where it is and how it is spelt, and its
	// columns. There are none when it does not exist. q binds its arguments.
	find(ctx context.Context, q querier, want tableName) (tableName, []column, error)
	// concerns are what an operator should know of this server.
	concerns(ctx context.Context, q querier, sh *shape) ([]attendance.Finding, error)
	// unfilled are the columns of a table that refuse NULL and that the database fills in
	// by no default of its own.
	unfilled(ctx context.Context, q querier, t *table) ([]string, error)
	// triggers are those that run when rows are added to a table.
	triggers(ctx context.Context, q querier, t *table) ([]trigger, error)
	// nextID is the next id that the database would give a row, where that is known, and
	// the statement that sets it behind the rows that are there.
	nextID(ctx context.Context, q querier, t *table, id column) (next int64, known bool, mend string, err error)
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
	// storable is s without the characters that the column cannot hold. It is asked
	// after an insert has failed for such a character, and beforehand about columns
	// that replace characters in silence.
	storable(ctx context.Context, c *sql.Conn, s string, col column) (string, error)

	// ledgerTypes is how the ledger's tables are declared.
	ledgerTypes() ledgerTypes
	// lockRows ends a query for rows that are then to be changed, where such a change
	// would wait without end for another program that has changed them ("" elsewhere).
	lockRows(wait time.Duration) string

	// refuses reports whether an error is the server's word about what a statement would
	// store (a constraint, a trigger, a value that does not fit), so that other rows may
	// be taken. It is asked about errors of which diagnose knows nothing else.
	refuses(err error) bool
	// setting is what mends an error by which a setting of the session or the server stands in
	// the way, whatever a row holds; empty for every other error.
	setting(err error) attendance.Text
	// diagnose tells what kind of trouble a driver's error is.
	diagnose(err error) trouble
}

// valuesPerList is the most values of one IN list: Oracle takes no more (ORA-01795),
// and more are no faster elsewhere.
const valuesPerList = 1000

// usual is what most databases do alike.
type usual struct{}

func (usual) commit(ctx context.Context, c *session) error {
	_, err := c.ExecContext(ctx, "COMMIT")
	return err
}

// rollback without a transaction is a warning, or the trouble noTransaction.
func (usual) rollback(ctx context.Context, c *session) error {
	_, err := c.ExecContext(ctx, "ROLLBACK")
	return err
}

func (usual) release(context.Context, *session, string) error { return nil }

// prove: drivers of SQL Server and Oracle convert texts themselves, and SQLite knows
// UTF-8 only.
func (usual) prove(context.Context, *sql.Conn) (said string, err error) { return "", nil }

func (usual) afterReads(context.Context, *sql.Conn) (statement string, err error) { return "", nil }

// together: the lock is one of the transaction's own, or of the connection.
func (usual) together(context.Context, *sql.Conn, string, *table, string) (bool, error) {
	return true, nil
}

func (usual) snapshot() []string { return nil }

func (usual) touch(context.Context, bun.Conn) error { return nil }

func (usual) savepoint() (mark, undo, forget string) {
	return "SAVEPOINT punchbridge", "ROLLBACK TO SAVEPOINT punchbridge", "RELEASE SAVEPOINT punchbridge"
}

func (usual) reopen() string { return "" }

func (usual) setting(error) attendance.Text { return attendance.Text{} }

func (usual) gather(string, string, string) string { return "" }

func (usual) concerns(context.Context, querier, *shape) ([]attendance.Finding, error) {
	return nil, nil
}

func (usual) unfilled(_ context.Context, _ querier, t *table) ([]string, error) {
	var names []string
	for _, c := range t.columns {
		if c.required && !c.filled {
			names = append(names, c.name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (usual) triggers(context.Context, querier, *table) ([]trigger, error) { return nil, nil }

// nextID: it is behind the rows by itself (MySQL, SQLite), or a trigger gives it.
func (usual) nextID(context.Context, querier, *table, column) (next int64, known bool, mend string, err error) {
	return 0, false, "", nil
}

func (usual) limit(query string, n int) string { return fmt.Sprintf("%s LIMIT %d", query, n) }

func (usual) quotes() (open, end byte) { return '"', '"' }

func (usual) insert(to target) insert { return newValuesInsert(to) }

func (usual) argument(int) string { return "?" }

func (usual) lockRows(time.Duration) string { return "" }

// A session is the connection of one write, and what the dialect keeps of it from
// begin to release.
type session struct {
	bun.Conn
	shape *shape
	// tx is the driver's own transaction, where a statement cannot begin one (Oracle).
	tx driver.Tx
	// restore gives the host's settings back (SQL Server, MySQL).
	restore string
	// settings are those by which the session reads and sends texts, where they may
	// differ from connection to connection.
	settings string
}

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

// eachRow runs a query and calls row for each of its rows.
func eachRow(ctx context.Context, q querier, query string, args []any, row func(scan func(dest ...any) error) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// readTexts runs a query for rows of one text.
func readTexts(ctx context.Context, q querier, query string, args ...any) ([]string, error) {
	var list []string
	err := eachRow(ctx, q, query, args, func(scan func(...any) error) error {
		var text string
		err := scan(&text)
		list = append(list, text)
		return err
	})
	return list, err
}

// oneText runs a query that returns one text; otherwise is what holds without a row.
func oneText(ctx context.Context, c *sql.Conn, otherwise, query string, args ...any) (string, error) {
	rows, err := c.QueryContext(ctx, query, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var text sql.NullString
		if err := rows.Scan(&text); err != nil {
			return "", err
		}
		otherwise = text.String
	}
	return otherwise, rows.Err()
}
