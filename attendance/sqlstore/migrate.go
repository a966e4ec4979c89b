package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// migrate brings the layout up to date. It asks first, so that an account that may
// not make tables is not refused where there is nothing to make.
func (s *Store) migrate(ctx context.Context) error {
	has := 0
	err := s.read(ctx, "reading the version of the tables", func() (err error) {
		has, err = s.layout(ctx, s.pool())
		if err != nil && s.dialect.diagnose(err) == missing {
			has, err = 0, nil
		}
		return err
	})
	if err != nil {
		return s.withStatements(err) // MySQL also denies reading a table that is not there
	}
	if has < len(layouts()) {
		err := s.change(ctx, "making the tables", func(ctx context.Context, c bun.Conn, _ bool) (err error) {
			has, err = s.bringUp(ctx, c)
			return err
		})
		if err != nil {
			return s.withStatements(err)
		}
	}
	if has > len(layouts()) {
		return &attendance.Error{Code: attendance.CodeStore, Op: op,
			Detail: fmt.Sprintf("the tables %s* are of version %d, this program knows %d: a newer program has changed them", s.prefix, has, len(layouts())),
			Mend:   attendance.Text{EN: "use the program that changed them, or a newer one", ZH: "请使用升级过这些表的程序版本或更新版本"}}
	}
	return nil
}

// bringUp runs what is lacking, under a lock: it looks again at what is there, since
// another process may have been faster. It returns the version that is there then.
func (s *Store) bringUp(ctx context.Context, c bun.Conn) (has int, err error) {
	take, release := s.dialect.guard(s.prefix)
	if take != "" {
		taken, err := one(ctx, c, take)
		if err != nil {
			return 0, err
		}
		if taken != 1 {
			return 0, wrong("another process has been changing the tables %s* for more than 10 s", s.prefix)
		}
	}
	if release != "" {
		defer func() { _, _ = one(context.WithoutCancel(ctx), c, release) }()
	}
	for _, statement := range s.create(versions()) {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return 0, err
		}
	}
	if has, err = s.layout(ctx, c); err != nil {
		return 0, err
	}
	for ; has < len(layouts()); has++ {
		for _, statement := range s.version(has + 1) {
			if _, err := c.ExecContext(ctx, statement); err != nil {
				return 0, err
			}
		}
	}
	return has, nil
}

// layout is the version of the tables that are there, 0 when there are none.
func (s *Store) layout(ctx context.Context, q querier) (int, error) {
	n, err := one(ctx, q, s.sql("SELECT COALESCE(MAX(version), 0) FROM @store"))
	return int(n), err
}

// one runs a query for one number.
func one(ctx context.Context, q querier, query string, args ...any) (n int64, err error) {
	err = rows(ctx, q, query, args, func(r *sql.Rows) error { return r.Scan(&n) })
	return n, err
}

// withStatements tells an administrator what to do where the account may not.
func (s *Store) withStatements(err error) error {
	e, ok := err.(*attendance.Error) //nolint:errorlint // it is our own, unwrapped
	if !ok || e.Err == nil || s.dialect.diagnose(e.Err) != denied {
		return err
	}
	named := *e
	named.Detail = fmt.Sprintf("this program's account may not make or use the tables %s*: %v", s.prefix, e.Err)
	named.Mend = attendance.Text{
		EN: "let an administrator run the statements of sqlstore.Statements and grant SELECT, INSERT, UPDATE and DELETE on the tables",
		ZH: "请由数据库管理员执行 sqlstore.Statements 给出的建表语句，并授予各表的查询、插入、更新和删除权限",
	}
	return &named
}
