package redact

import (
	"context"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Database returns what may be told of the error of a database's driver. What the
// server says of a statement is told as it is. Of everything else, that is of reading
// the dsn, of connecting and logging in, and of what drivers say in words of their own,
// there is left the number, the class and a sentence of ours: such errors quote the
// address, and with it the password or a part of it. connecting says that the caller
// takes the error for one of that kind whatever its number.
//
// What it returns in place of an error has no Unwrap, so that nothing prints the words;
// errors.Is and errors.As still find what is below, for decisions.
func Database(err error, connecting bool) error {
	if err == context.Canceled || err == context.DeadlineExceeded { //nolint:errorlint // bare ones say nothing
		return err
	}
	if err == nil || !connecting && !ofConnecting(err) && (Number(err) != "" || harmless(err)) {
		return err
	}
	if _, already := errors.AsType[*withheld](err); already {
		return err
	}
	text := class(err)
	if n := Number(err); n != "" {
		text = n + ": " + text
	}
	return &withheld{text, func() error { return err }}
}

// A withheld error is told in our words.
type withheld struct {
	text  string
	below func() error // the driver's; no verb of fmt prints it
}

func (w *withheld) Error() string { return w.text }

// Is and As look below.
func (w *withheld) Is(target error) bool { return errors.Is(w.below(), target) }
func (w *withheld) As(target any) bool   { return errors.As(w.below(), target) }

// Number is the server's number of an error, as people write it: "SQLSTATE 28P01",
// "Error 1045 (28000)", "error 18456", "ORA-01017", "SQLite code 14"; "" where there is none.
func Number(err error) string {
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok && plain(e.SQLState()) {
		return "SQLSTATE " + e.SQLState()
	}
	if e, ok := errors.AsType[interface {
		error
		Field(k byte) string
	}](err); ok && plain(e.Field('C')) { // bun's pgdriver
		return "SQLSTATE " + e.Field('C')
	}
	if e, ok := errors.AsType[interface {
		error
		SQLErrorNumber() int32
	}](err); ok {
		return "error " + strconv.Itoa(int(e.SQLErrorNumber()))
	}
	for _, mark := range [...]string{"Error ", "ORA-"} {
		if number := numbered(err.Error(), mark); number != "" {
			return number
		}
	}
	if e, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return "SQLite code " + strconv.Itoa(e.Code())
	}
	return ""
}

// An Own error is this library's own words about a database, which are always told.
type Own string

// Error returns the words.
func (o Own) Error() string { return string(o) }

// plain: five letters and digits.
func plain(state string) bool {
	return len(state) == 5 && strings.Trim(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// numbered is a mark with the number after it, as "ORA-01017" or "Error 1045 (28000)".
// go-sql-driver/mysql and the drivers of Oracle have no other way of telling it.
func numbered(text, mark string) string {
	_, rest, found := strings.Cut(text, mark)
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if !found || digits < 3 || digits > 6 {
		return ""
	}
	number := mark + rest[:digits]
	if rest = rest[digits:]; len(rest) >= 8 && rest[:2] == " (" && plain(rest[2:7]) && rest[7] == ')' {
		number += rest[:8]
	}
	return number
}

// ofConnecting reports whether an error is one of reading the dsn, of connecting or of
// logging in, by its type or by how drivers word it.
func ofConnecting(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok { // *net.OpError, *net.DNSError, *url.Error and others
		return true
	}
	for _, is := range [...]func(error) bool{isA[*url.Error], isA[url.EscapeError], isA[url.InvalidHostError], isA[*net.AddrError], isA[*net.ParseError]} {
		if is(err) {
			return true
		}
	}
	text := strings.ToLower(err.Error())
	for _, words := range [...]string{
		"failed to connect",       // pgx
		"login error",             // go-mssqldb
		"access denied for user",  // MySQL, MariaDB
		"unknown system variable", // the same, of a parameter of the dsn
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	if Number(err) != "" {
		return false
	}
	for _, words := range [...]string{
		"cannot parse `", "failed to parse", "cannot connect", // pgx
		"unable to open tcp connection", "unable to get instances", // go-mssqldb
		"invalid dsn", "default addr for network", "unknown network", // go-sql-driver/mysql
		"connection info string", "connection string", // lib/pq and others
		"password", "sasl", "scram", "dial tcp", "dial unix", "lookup ",
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return strings.HasPrefix(text, "parse ")
}

func isA[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// harmless reports whether words without a number speak of a statement, its arguments
// or its rows: database/sql's own, and those of drivers once they are connected.
func harmless(err error) bool {
	if isA[Own](err) {
		return true
	}
	text := err.Error()
	for _, words := range [...]string{
		"sql: ", "failed to encode", "unable to encode", "cannot encode", "can't scan", "cannot scan", "converting ",
		"expected ", "bun: ", "json: ", // SQLite's drivers may have no number
		"no such table", "no such column", "SQL logic error", "database is locked", "database table is locked",
		"attempt to write a readonly database", "database or disk is full", "unable to open database file",
		"file is not a database", "database disk image is malformed", "disk I/O error", "cannot start a transaction",
		"cannot commit", "cannot rollback", "constraint failed", "UNIQUE constraint failed", "near \"",
	} {
		if strings.HasPrefix(text, words) {
			return true
		}
	}
	return false
}

// class is what an error means, in our words.
func class(err error) string {
	for _, c := range classes() {
		if c.is(err) {
			return c.text
		}
	}
	return "the driver's own words are left out, since they may hold the address or the password"
}

type errorClass struct {
	text string
	is   func(error) bool
}

// classes, the most telling first. Words of the standard library and of systems are
// kept in brackets, so that they are found by who looks for them.
func classes() []errorClass {
	said := func(words ...string) func(error) bool {
		return func(err error) bool {
			text := strings.ToLower(err.Error())
			for _, w := range words {
				if strings.Contains(text, w) {
					return true
				}
			}
			return false
		}
	}
	number := func(numbers ...string) func(error) bool {
		return func(err error) bool {
			got := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(Number(err), "SQLSTATE "), "Error "), "error ")
			got, _, _ = strings.Cut(got, " ")
			for _, n := range numbers {
				if got == n {
					return true
				}
			}
			return false
		}
	}
	is := func(targets ...error) func(error) bool {
		return func(err error) bool {
			for _, target := range targets {
				if errors.Is(err, target) {
					return true
				}
			}
			return false
		}
	}
	return []errorClass{
		{"the login was refused: the account or its password is wrong, or it may not connect from this machine", number("28000", "28P01", "1044", "1045", "1130", "1698", "1862", "3118", "18456", "18452", "18486", "18487", "18488", "18470", "ORA-01017", "ORA-01005", "ORA-01045", "ORA-28000", "ORA-28001", "ORA-28040")},
		{"there is no such database, or the account may not use it", number("3D000", "1049", "4060", "4064", "911", "916", "ORA-12505", "ORA-12514")},
		{"a parameter of the dsn is none that the server knows", number("1193", "42704", "22023")},
		{"the server has too many connections", number("53300", "1040", "1203", "1226", "17809", "ORA-00018", "ORA-00020", "ORA-12516", "ORA-12519", "ORA-12520")},
		{"the server is starting or shutting down", number("57P01", "57P02", "57P03", "1053", "6005", "18401", "ORA-01033", "ORA-01034", "ORA-01089", "ORA-12528")},
		{"the server's name is not known (no such host)", isA[*net.DNSError]},
		{"the server's name is not known (no such host)", said("no such host")},
		{"nothing listens at that address and port (connection refused)", said("connection refused", "actively refused")},
		{"the server cannot be reached from here (no route to host)", said("no route to host", "network is unreachable", "unreachable network", "unreachable host")},
		{"the server's certificate is not trusted", func(err error) bool {
			return isA[x509.UnknownAuthorityError](err) || isA[x509.HostnameError](err) || isA[x509.CertificateInvalidError](err) || said("x509:", "certificate")(err)
		}},
		{"encryption (TLS) could not be agreed on", said("tls", "ssl")},
		{"no answer in time (i/o timeout)", func(err error) bool {
			e, ok := errors.AsType[net.Error](err)
			return ok && e.Timeout() || said("timeout", "timed out", "deadline exceeded")(err)
		}},
		{"the connection broke (connection reset by peer)", said("reset by peer", "forcibly closed", "connection was aborted")},
		{"the connection broke (broken pipe)", said("broken pipe")},
		{"the connection broke (unexpected EOF)", is(io.EOF, io.ErrUnexpectedEOF)},
		{"the connection broke (bad connection)", is(driver.ErrBadConn, sql.ErrConnDone, net.ErrClosed)},
		{"the connection broke (invalid connection)", said("invalid connection", "conn closed", "bad connection", "connection is already closed", "eof")},
		{"the database was closed (sql: database is closed)", said("database is closed")},
		{"the login was refused: the account or its password is wrong, or it may not connect from this machine", said("password authentication", "login failed", "login error", "access denied", "sasl", "scram")},
		{"the dsn cannot be read", func(err error) bool {
			return isA[*url.Error](err) || isA[url.EscapeError](err) || isA[url.InvalidHostError](err) || said("parse", "dsn", "connection string", "connection info string")(err)
		}},
		{"failed to connect", ofConnecting},
	}
}
