package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// trouble is what an error of a driver means here.
type trouble int

const (
	other       trouble = iota
	busy                // somebody holds a lock, or the transaction was given up for another: try again
	lost                // the connection broke: try again on another
	unreachable         // cannot be connected to, opened or read
	readOnly
	denied // the account lacks a right
	full
	missing // a table or column
	cutOff  // the server's limit to the time of a statement
	pooled  // a pooler has lost a prepared statement
)

// connectionTrouble judges errors that do not come from the server.
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
	if t := said(err, map[string]trouble{"sql: database is closed": unreachable, "failed to connect": unreachable, "no such host": unreachable}); t != other {
		return t
	}
	return said(err, map[string]trouble{
		"invalid connection": lost, "conn closed": lost, "busy buffer": lost, "bad connection": lost, "connection reset by peer": lost,
		"broken pipe": lost, "unexpected sequence nr": lost, "commands out of sync": lost, "connection is already closed": lost,
	})
}

// said is what the text of an error tells, where it has no code. Words are in lower case.
func said(err error, words map[string]trouble) trouble {
	text := strings.ToLower(err.Error())
	for w, t := range words {
		if strings.Contains(text, w) {
			return t
		}
	}
	return other
}

// numberAfter is the number that follows the first occurrence of a mark in the
// error's text, and what follows the number; 0 where there is none.
func numberAfter(err error, mark string) (n int, rest string) {
	_, rest, _ = strings.Cut(err.Error(), mark)
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	n, _ = strconv.Atoi(rest[:digits])
	return n, rest[digits:]
}

// fault turns a driver's error into ours: bare where the context ended, else with a
// code and words for the operator. It is the one place where this happens, and so the
// one that decides what of a driver's words is told ([redact.Database]).
func (s *Store) fault(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	if _, ours := errors.AsType[*attendance.Error](err); ours {
		return err
	}
	kind := s.dialect.diagnose(err)
	_, file := s.dialect.(sqlite) // which has no password
	err = redact.Database(err, !file && (kind == unreachable || kind == lost))
	e := &attendance.Error{Code: attendance.CodeStore, Op: op, Err: err}
	switch kind {
	case busy:
		e.Detail = fmt.Sprintf("the database is busy: while %s, another program held it locked for longer than %v: %v", doing, max(s.patience, 0), err)
		e.Mend = attendance.Text{EN: "find the program that keeps the database locked", ZH: "请查找长时间锁定数据库的程序"}
	case readOnly:
		e.Code = attendance.CodeStoreDown
		e.Detail = fmt.Sprintf("the database is read-only: while %s: %v", doing, err)
		e.Mend = attendance.Text{
			EN: "connect to the primary server if this one is a copy (standby, replica), or have the read-only mode ended (MySQL, MariaDB: read_only, transaction_read_only; PostgreSQL: default_transaction_read_only); a file and its folder must be writable",
			ZH: "若所连为备库（只读副本），请改连主库；否则请关闭只读模式（MySQL、MariaDB：read_only、transaction_read_only；PostgreSQL：default_transaction_read_only）；若为文件：文件及其所在目录均需可写",
		}
	case denied:
		e.Detail = fmt.Sprintf("this program's account lacks a right in the database: while %s: %v", doing, err)
		e.Mend = attendance.Text{
			EN: "grant this program's account SELECT, INSERT, UPDATE and DELETE on the tables " + s.prefix + "*",
			ZH: "请授予本程序账号对 " + s.prefix + "* 各表的查询、插入、更新和删除权限",
		}
	case full:
		e.Code = attendance.CodeStoreDown
		e.Detail = fmt.Sprintf("the database's disk is full: while %s: %v", doing, err)
		e.Mend = attendance.Text{EN: "free disk space on the database's machine", ZH: "请清理数据库服务器磁盘空间"}
	case unreachable, lost:
		e.Code = attendance.CodeStoreDown
		e.Detail = fmt.Sprintf("the database cannot be reached or read: while %s: %v", doing, err)
	case missing:
		e.Detail = fmt.Sprintf("a table or column of %s* is missing: while %s: %v", s.prefix, doing, err)
		e.Mend = attendance.Text{EN: "start the program again, which makes what is missing", ZH: "请重新启动程序以补建缺失的表"}
	case cutOff:
		e.Detail = fmt.Sprintf("the server's limit to the time of a statement is in the way: while %s: %v", doing, err)
		e.Mend = attendance.Text{
			EN: "raise that limit for this program's account (PostgreSQL: statement_timeout; MariaDB: max_statement_time; MySQL: max_execution_time)",
			ZH: "请为本程序账号放宽单条语句的时限（PostgreSQL：statement_timeout；MariaDB：max_statement_time；MySQL：max_execution_time）",
		}
	case pooled:
		e.Detail = fmt.Sprintf("a pooler before the database (PgBouncer in transaction mode) loses prepared statements: while %s: %v", doing, err)
		e.Mend = attendance.Text{
			EN: "add default_query_exec_mode=exec to the connection's parameters (pgx), or let the pooler keep sessions or prepared statements",
			ZH: "请在连接参数中加 default_query_exec_mode=exec（pgx），或让连接池使用会话模式或支持预编译语句",
		}
	default:
		e.Detail = fmt.Sprintf("the database failed while %s: %v", doing, err)
	}
	return e
}

// op is what errors say was being done.
const op = "state"

// wrong is an error about what the caller gave or the tables hold.
func wrong(format string, args ...any) error {
	return &attendance.Error{Code: attendance.CodeStore, Op: op, Detail: fmt.Sprintf(format, args...)}
}
