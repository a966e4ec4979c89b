package oasink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// fault turns a driver's error into ours: bare where the context ended, else with
// a code and words for the operator. It is the one place where this happens, and so the
// one that decides what of a driver's words is told: see quotable.
func (s *Sink) fault(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	kind := s.dialect.diagnose(err)
	if kind != unreachable && kind != lost && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return s.quotable(err)
	}
	if _, ours := errors.AsType[*attendance.Error](err); ours {
		return err
	}
	err = s.quotable(err)
	e := &attendance.Error{Code: attendance.CodeStore, Op: "oasink", Err: err}
	switch kind {
	case busy:
		e.Detail = fmt.Sprintf("the database is busy: while %s, another program held it locked for longer than %v: %v", doing, max(s.opts.LockWait, 0), err)
		e.Mend = attendance.Text{EN: "find the program that keeps the database locked; the next run makes up for it", ZH: "请查找长时间锁定数据库的程序；下次运行会自动补齐"}
	case readOnly:
		e.Code = attendance.CodeStoreDown
		e.Detail = fmt.Sprintf("the database is read-only: while %s: %v", doing, err)
		e.Mend = readOnlyMend()
	case denied:
		e.Detail = fmt.Sprintf("this program's account lacks a right in the database: while %s: %v", doing, err)
		e.Mend = rightsMend()
	case full:
		e.Code = attendance.CodeStoreDown
		e.Detail = fmt.Sprintf("the database's disk is full: while %s: %v", doing, err)
		e.Mend = fullMend()
	case unreachable, lost:
		e.Code = attendance.CodeStoreDown
		e.Detail = fmt.Sprintf("the database cannot be reached or read: while %s: %v", doing, err)
	case missing:
		e.Code = attendance.CodeTable
		e.Detail = fmt.Sprintf("a table or column is missing: while %s: %v", doing, err)
	case cutOff:
		e.Detail = fmt.Sprintf("the server's limit to the time of a statement is in the way: while %s: %v", doing, err)
		e.Mend = cutOffMend()
	case pooled:
		e.Detail = fmt.Sprintf("a pooler before the database (PgBouncer in transaction mode) loses prepared statements: while %s: %v", doing, err)
		e.Mend = pooledMend()
	default:
		e.Detail = fmt.Sprintf("the database failed while %s: %v", doing, err)
		if mend := s.dialect.setting(err); mend != (attendance.Text{}) {
			e.Detail, e.Mend = fmt.Sprintf("a setting of the database is in the way: while %s: %v", doing, err), mend
		}
	}
	return e
}

// quotable is what may be told of a driver's error ([redact.Database]): the server's words
// about a statement, and no words about connecting, logging in or reading the dsn,
// which hold the password or a part of it. SQLite has no password. Words of this
// package's own are a [redact.Own] or an [attendance.Error].
func (s *Sink) quotable(err error) error {
	kind := s.dialect.diagnose(err)
	_, file := s.dialect.(sqlite)
	return redact.Database(err, !file && (kind == unreachable || kind == lost))
}

// readOnlyMend: the right to write is not what lacks, that is denied; the database
// itself takes no writes from anybody.
func readOnlyMend() attendance.Text {
	return attendance.Text{
		EN: "connect to the primary server if this one is a copy (standby, replica), or let the database administrator end the read-only mode (MySQL, MariaDB: read_only, transaction_read_only; PostgreSQL: default_transaction_read_only, also of a role or database); for a file: make it and its directory writable; nothing of this batch was written, the next run makes up for it",
		ZH: "若所连为备库（只读副本），请改连主库；否则请数据库管理员关闭只读模式（MySQL、MariaDB：read_only、transaction_read_only；PostgreSQL：default_transaction_read_only，角色与数据库级设置亦然）；若为文件：数据库文件及其所在目录均需可写。本批数据未写入任何一行，下次运行会自动补齐",
	}
}

// fullMend: a data file or tablespace may have a limit of its own.
func fullMend() attendance.Text {
	return attendance.Text{
		EN: "free disk space on the database's machine, or let the data files or the tablespace grow if they have reached a limit of their own; nothing of this batch was written, the next run makes up for it",
		ZH: "请清理数据库服务器磁盘空间；若数据文件或表空间已达自身上限，请予扩容。本批数据未写入任何一行，下次运行会自动补齐",
	}
}

// cutOffMend: what is written has no such limit, see the dialects' begin; what is read
// before has.
func cutOffMend() attendance.Text {
	return attendance.Text{
		EN: "raise that limit for this program's account (PostgreSQL: statement_timeout; MariaDB: max_statement_time; MySQL: max_execution_time)",
		ZH: "请为本程序账号放宽单条语句的时限（PostgreSQL：statement_timeout；MariaDB：max_statement_time；MySQL：max_execution_time）",
	}
}

func pooledMend() attendance.Text {
	return attendance.Text{
		EN: "add default_query_exec_mode=exec to the connection's parameters (pgx), or let the pooler keep whole sessions or prepared statements",
		ZH: "请在连接参数中加 default_query_exec_mode=exec（pgx），或让连接池使用会话模式或支持预编译语句",
	}
}

// rightsMend says which rights an account needs.
func rightsMend() attendance.Text {
	return attendance.Text{
		EN: "grant this program's account SELECT and INSERT on HrmScheduleSign, mobile_sign and kq_format_pool, and SELECT on HrmResource, HrmDepartment and HrmSubCompany (PostgreSQL: also USAGE on the schema and on the sequences of the ids; Oracle: SELECT, not READ, on HrmSubCompany)",
		ZH: "请授予本程序账号 HrmScheduleSign、mobile_sign、kq_format_pool 的查询与插入权限，以及 HrmResource、HrmDepartment、HrmSubCompany 的查询权限（PostgreSQL 还需 schema 与自增序列的 USAGE 权限；Oracle 上 HrmSubCompany 须为 SELECT 而非 READ）",
	}
}

// patience is one wait for a busy database: growing pauses, LockWait in all.
type patience struct {
	over *time.Timer // nil: no patience at all
	next time.Duration
	wait time.Duration // how long one step may block in the database; 0: not at all
}

// longestBlock is how long a lock is waited for inside the database at a time:
// drivers may have a time-out for every answer.
const longestBlock = 4 * time.Second

const (
	shortestPause = 10 * time.Millisecond
	longestPause  = 500 * time.Millisecond
)

// blocked is how long one step may block in the database; 0: not at all.
func (o *Options) blocked() time.Duration { return max(0, min(o.LockWait, longestBlock)) }

func (s *Sink) patience() *patience {
	p := &patience{next: shortestPause, wait: s.opts.blocked()}
	if s.opts.LockWait > 0 {
		p.over = time.NewTimer(s.opts.LockWait)
	}
	return p
}

func (p *patience) end() {
	if p.over != nil {
		p.over.Stop()
	}
}

// pause waits before the next try. It returns false when patience or ctx has ended.
func (p *patience) pause(ctx context.Context) bool {
	if p.over == nil {
		return false
	}
	timer := time.NewTimer(p.next)
	defer timer.Stop()
	p.next = min(p.next*8/5, longestPause)
	select {
	case <-timer.C:
		return true
	case <-p.over.C:
		p.end()
		p.over = nil
		return false
	case <-ctx.Done():
		return false
	}
}

// patiently runs f, which reads, again while the database is busy.
func (s *Sink) patiently(ctx context.Context, doing string, f func() error) error {
	p := s.patience()
	defer p.end()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := f()
		if err == nil {
			return nil
		}
		if kind := s.dialect.diagnose(err); kind != busy && kind != lost || !p.pause(ctx) {
			return s.fault(ctx, doing, err)
		}
	}
}
