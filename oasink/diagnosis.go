package oasink

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance/redact"
)

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
	already               // what is to be made is there
	twice                 // a unique key is there already
	cutOff                // the server's limit to the time of a statement
	pooled                // a pooler has lost a prepared statement
	noTransaction         // rollback without a transaction: there is nothing to undo
	unmarked              // a table that was written knows no savepoints
)

// repeats reports whether the very same statement will fail so again, while the
// transaction and the database are otherwise sound: it is refused for what it does.
func (t trouble) repeats() bool {
	switch t {
	case otherTrouble, denied, missing, unstorable, already, twice:
		return true
	default:
		return false
	}
}

// errBusy says that another writer of this library holds the lock.
var errBusy error = redact.Own("another writer is at work")

// errReadOnly says that the database takes no rows, where only that proves it.
var errReadOnly error = redact.Own("the storage engine is read-only")

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
	return troubleSaid(err, []saying{
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
	})
}

// A saying is what the text of an error tells, where it has no code. The words are
// in lower case.
type saying struct {
	words string
	trouble
}

// troubleSaid is that of the first saying in the error's text.
func troubleSaid(err error, sayings []saying) trouble {
	text := strings.ToLower(err.Error())
	for _, s := range sayings {
		if strings.Contains(text, s.words) {
			return s.trouble
		}
	}
	return otherTrouble
}

// numberAfter is the number that follows the first occurrence of a mark in the
// error's text, and what follows the number; 0 where there is none.
func numberAfter(err error, mark string) (n int, rest string) {
	_, rest, _ = strings.Cut(err.Error(), mark)
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	n, _ = strconv.Atoi(rest[:digits])
	return n, rest[digits:]
}
