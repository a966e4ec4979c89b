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
// A limit to a statement's time that is the role's or the database's would cut off a
// wait for the lock. The character set and the meaning of a backslash are made what
// they must be, whatever the role or the database say. A constraint that may be deferred
// is looked at with each statement: at the commit nobody could find the refused row.
//
// It is one message of several statements, which drivers send as a simple query
// when there are no arguments; after a failure in it the transaction is open.
func (postgres) begin(ctx context.Context, c *session, _ string, wait time.Duration) error {
	_, err := c.ExecContext(ctx, fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL client_encoding = 'UTF8'; SET LOCAL standard_conforming_strings = on; "+
		"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = 30000; SET CONSTRAINTS ALL IMMEDIATE; SELECT pg_advisory_xact_lock(%d)",
		max(1, wait.Milliseconds()), int64(postgresLock)))
	return err
}

// prove: what is bound may be written into the statement by the driver (pgdriver).
// Which characters there are the server's own encoding decides.
func (postgres) prove(ctx context.Context, c *sql.Conn) (said string, err error) {
	rows, err := c.QueryContext(ctx, "SELECT CAST($1 AS text), current_setting('client_encoding'), current_setting('server_encoding')", proofASCII)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var arrived, client, server string
		if err := rows.Scan(&arrived, &client, &server); err != nil {
			return "", err
		}
		if arrived != proofASCII || client != "UTF8" && server != "SQL_ASCII" {
			said = "client_encoding " + client
		}
	}
	return said, rows.Err()
}

func (postgres) snapshot() []string {
	return []string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
}

func (postgres) anySize() bool { return false }

// commitsAgain: a COMMIT that fails has ended the transaction, and the next one
// would succeed with a warning.
func (postgres) commitsAgain() bool { return false }

// find: unquoted names are folded to lower case when a table is made, quoted ones
// are not. Without a schema the connection's search path decides. Domains are
// looked through; the catalogue, unlike information_schema, also knows
// materialised views. A column of a SQL_ASCII database counts bytes. Identity columns
// came with PostgreSQL 10, before which pg_attribute has no such column.
func (postgres) find(ctx context.Context, q querier, want tableName) (tableName, []column, error) {
	schema := "n.nspname = ANY (current_schemas(false)) AND $2 = ''"
	if want.schema != "" {
		schema = "lower(n.nspname) = lower($2)"
	}
	rows, err := q.QueryContext(ctx, `SELECT n.nspname::text, c.relname::text, a.attname::text,
		CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE format_type(a.atttypid, a.atttypmod) END,
		current_setting('server_encoding'), a.attnotnull OR t.typnotnull,
		a.atthasdef OR t.typdefault IS NOT NULL OR COALESCE(to_jsonb(a) ->> 'attidentity', '') <> ''
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
		var required, filled bool
		if err := rows.Scan(&name.schema, &name.name, &attribute, &declared, &encoding, &required, &filled); err != nil {
			return want, nil, err
		}
		c := postgresColumn(attribute, declared, encoding)
		c.required, c.filled = required, filled
		found.add(name, c)
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

func (postgres) triggers(ctx context.Context, q querier, t *table) ([]trigger, error) {
	return readTriggers(ctx, q, `SELECT g.tgname::text, CASE WHEN g.tgtype::int & 66 <> 0 THEN 1 ELSE 0 END FROM pg_catalog.pg_trigger g
		JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype::int & 4 <> 0 AND n.nspname = $1 AND c.relname = $2 ORDER BY g.tgname`, t.name.schema, t.name.name)
}

// nextID: a sequence belongs to its column (serial, identity), or its default names it.
// A sequence may be read only by whoever has a right to it.
func (postgres) nextID(ctx context.Context, q querier, t *table, id column) (next int64, known bool, mend string, err error) {
	full := string((&statement{open: '"', end: '"'}).table(t).b)
	var sequence string
	err = eachRow(ctx, q, `SELECT COALESCE(pg_get_serial_sequence($1, $2), substring(pg_get_expr(d.adbin, d.adrelid) from $re$nextval\('([^']+)'$re$), '')
		FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = CAST($1 AS text)::regclass AND a.attname = $2`, []any{full, id.name}, func(scan func(...any) error) error { return scan(&sequence) })
	if err != nil || sequence == "" {
		return 0, false, "", err
	}
	var last int64
	var called bool
	err = eachRow(ctx, q, "SELECT last_value, is_called FROM "+sequence, nil, func(scan func(...any) error) error { known = true; return scan(&last, &called) })
	if called {
		last++
	}
	return last, known, fmt.Sprintf("SELECT setval('%s', (SELECT MAX(%s) FROM %s))", strings.ReplaceAll(sequence, "'", "''"), id.name, full), err
}

// insert: one array a column is planned once for any number of rows, and two to
// five times as fast as VALUES (BenchmarkLoad).
func (postgres) insert(to target) insert { return newArrayInsert(to) }

// gather: rows of the protocol cost more than the concatenation.
func (postgres) gather(date, time, sign string) string {
	if sign != "" {
		sign = " || coalesce(" + sign + "::text, '')"
	}
	return "string_agg(" + date + "::text || " + time + "::text" + sign + ", ',')"
}

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

// refuses: all classes of errors but those of the connection, the session, the
// statement and the system; triggers may have classes of their own.
func (postgres) refuses(err error) bool {
	state := sqlState(err)
	if len(state) != 5 {
		return false
	}
	switch state[:2] {
	case "08", "0A", "25", "26", "28", "34", "3D", "3F", "40", "42", "53", "55", "57", "58", "XX":
		return false
	}
	return true
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
	case "40001", "40P01", "55P03", "55006": // serialisation, deadlock, lock_timeout, in use
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
	case "23505":
		return twice
	case "57014": // statement_timeout, or somebody has cancelled it
		return cutOff
	case "26000", "42P05": // a prepared statement that is not there, or is there already
		return pooled
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
