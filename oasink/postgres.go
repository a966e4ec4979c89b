package oasink

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// postgres is PostgreSQL 9.6 or later, whichever driver.
type postgres struct{ usual }

func (postgres) name() string { return "PostgreSQL" }

// postgresLock is the key of the advisory lock, "punchbrg" in ASCII. Such locks
// are of one database, so one key serves: writers of two OAs in one database wait
// for each other, which costs them milliseconds.
const postgresLock = 0x70756e6368627267

// begin takes an advisory lock that ends with the transaction, whether that is
// committed, rolled back or cut off (postgresql.org/docs/current/explicit-locking.html).
// Under READ COMMITTED each statement sees what was committed before it began
// (…/transaction-iso.html), hence all of the writer before.
//
// No lock is waited for longer than lock_timeout. The server ends the transaction
// of a writer that is silent for long: nothing is waited for between two
// statements, so that its machine has vanished. (The settings are of the transaction.)
//
// It is one message of several statements, which drivers send as a simple query
// when there are no arguments; after a failure in it the transaction is open.
func (postgres) begin(ctx context.Context, c *session, _ string, wait time.Duration) error {
	_, err := c.ExecContext(ctx, fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = %d; "+
		"SET LOCAL idle_in_transaction_session_timeout = 30000; SELECT pg_advisory_xact_lock(%d)",
		max(1, wait.Milliseconds()), int64(postgresLock)))
	return err
}

func (postgres) snapshot() []string {
	return []string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
}

// commitsAgain: a COMMIT that fails has ended the transaction, and the next one
// would succeed with a warning.
func (postgres) commitsAgain() bool { return false }

// find: unquoted names are folded to lower case when a table is made, quoted ones
// are not. Without a schema the connection's search path decides. Domains are
// looked through; the catalogue, unlike information_schema, also knows
// materialised views. A column of a SQL_ASCII database counts bytes.
func (postgres) find(ctx context.Context, q querier, want tableName) (tableName, []column, error) {
	schema := "n.nspname = ANY (current_schemas(false)) AND $2 = ''"
	if want.schema != "" {
		schema = "lower(n.nspname) = lower($2)"
	}
	rows, err := q.QueryContext(ctx, `SELECT n.nspname::text, c.relname::text, a.attname::text,
		CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE format_type(a.atttypid, a.atttypmod) END,
		current_setting('server_encoding')
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND lower(c.relname) = lower($1) AND `+schema+`
		ORDER BY array_position(current_schemas(false), n.nspname), n.nspname, c.relname, a.attnum`, want.name, want.schema)
	if err != nil {
		return want, nil, err
	}
	defer rows.Close()
	var found spellings
	for rows.Next() {
		var name tableName
		var attribute, declared, encoding string
		if err := rows.Scan(&name.schema, &name.name, &attribute, &declared, &encoding); err != nil {
			return want, nil, err
		}
		found.add(name, postgresColumn(attribute, declared, encoding))
	}
	if err := rows.Err(); err != nil {
		return want, nil, err
	}
	return found.meant(want)
}

func postgresColumn(name, declared, encoding string) column {
	c := newColumn(name, declared)
	c.bytes = encoding == "SQL_ASCII"
	c.declared = declared
	switch {
	case c.kind == integer:
		c.declared = "bigint"
	case c.kind == decimal:
		c.declared = "numeric"
	case strings.HasPrefix(declared, "character"), declared == "name":
		c.declared = "text" // whose assignment fails where the column is shorter; a cast would cut in silence
	}
	return c
}

// insert: one array a column is planned once for any number of rows, and two to
// five times as fast as VALUES (BenchmarkLoad).
func (postgres) insert(to target) insert { return newArrayInsert(to) }

// rowsPerInsert bounds the memory of one statement.
func (postgres) rowsPerInsert() int { return 4000 }

// argumentsPerStatement is the protocol's limit: their number has 16 bits.
func (postgres) argumentsPerStatement() int { return 65535 }

func (postgres) argument(n int) string { return fmt.Sprintf("$%d", n) }

// storable: an encoding other than UTF8 cannot be asked without an error, so what
// is not ASCII is given up.
func (postgres) storable(_ context.Context, _ *sql.Conn, s string, _ column) (string, error) {
	return strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return '?'
		}
		return r
	}, s), nil
}

// diagnose goes by the SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html).
func (postgres) diagnose(err error) trouble {
	if errors.Is(err, errBusy) {
		return busy
	}
	state := sqlState(err)
	switch state {
	case "":
		return connectionTrouble(err)
	case "40001", "40P01", "55P03", "55006", "57014": // serialisation, deadlock, lock_timeout, in use, statement_timeout
		return busy
	case "57P01", "57P02", "57P03", "57P05", "25P03": // shutdown, crash, starting up, idle for too long
		return lost
	case "25006":
		return readOnly
	case "42501":
		return denied
	case "53100":
		return full
	case "53300", "3D000", "28000", "28P01": // too many connections, no such database, no access
		return unreachable
	case "42P01", "42703", "3F000": // no such table, column, schema
		return missing
	case "22P05", "22021": // a character that the encoding lacks
		return unstorable
	case "25P01":
		return noTransaction
	}
	if state == "XX000" || state == "58030" { // what the system says of a file
		return troubleSaid(err, []saying{{"disk quota exceeded", full}, {"file too large", full}, {"no space left on device", full}})
	}
	if strings.HasPrefix(state, "08") { // the connection
		return lost
	}
	return otherTrouble
}

// sqlState is an error's five characters: pgx and lib/pq have a method for them,
// bun's pgdriver keeps them as the field C of the protocol's message.
func sqlState(err error) string {
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return e.SQLState()
	}
	if e, ok := errors.AsType[interface {
		error
		Field(k byte) string
	}](err); ok {
		return e.Field('C')
	}
	return ""
}

func (postgres) ledgerTypes() ledgerTypes {
	return ledgerTypes{big: "bigint", small: "smallint", text: "varchar(%d)"}
}
