package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
)

// faults wraps the real driver and calls strike before every statement, which may
// fail it, end a context, or look on.
type faults struct {
	driver.Driver
	dsn    string
	strike func(query string) error
}

func (f *faults) Connect(context.Context) (driver.Conn, error) {
	c, err := f.Driver.Open(f.dsn)
	if err != nil {
		return nil, err
	}
	return &faultyConn{c, f}, nil
}

type faultyConn struct {
	driver.Conn
	f *faults
}

func (c *faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.f.strike(query); err != nil {
		return nil, err
	}
	if execer, ok := c.Conn.(driver.ExecerContext); ok {
		return execer.ExecContext(ctx, query, args)
	}
	return nil, driver.ErrSkip // database/sql prepares it then
}

func (c *faultyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.f.strike(query); err != nil {
		return nil, err
	}
	if queryer, ok := c.Conn.(driver.QueryerContext); ok {
		return queryer.QueryContext(ctx, query, args)
	}
	return nil, driver.ErrSkip
}

// BeginTx is how a transaction of Oracle begins.
func (c *faultyConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.f.strike("BEGIN"); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

func (c *faultyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.f.strike(query); err != nil {
		return nil, err
	}
	s, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &faultyStmt{s, c.f, query}, nil
}

func (c *faultyConn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *faultyConn) IsValid() bool {
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

func (c *faultyConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type faultyStmt struct {
	driver.Stmt
	f     *faults
	query string
}

func (s *faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.f.strike(s.query); err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s *faultyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

// openFaulty opens a database through the wrapper.
func openFaulty(t testing.TB, path string, strike func(query string) error) *bun.DB {
	t.Helper()
	sqldb := sql.OpenDB(&faultsConnector{&faults{Driver: &sqlite.Driver{}, dsn: "file:" + path, strike: strike}})
	db := bun.NewDB(sqldb, sqlitedialect.New())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

type faultsConnector struct{ *faults }

func (c *faultsConnector) Driver() driver.Driver { return c.faults.Driver }

// A counter strikes at the n-th statement from when it was armed.
type counter struct {
	mu     sync.Mutex
	armed  bool
	seen   int
	n      int
	action func() error
}

func (c *counter) strike(string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.armed {
		return nil
	}
	if c.seen++; c.seen == c.n {
		return c.action()
	}
	return nil
}

func (c *counter) arm(n int, action func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed, c.seen, c.n, c.action = true, 0, n, action
}

func (c *counter) disarm() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = false
	return c.seen
}

var errStruck = errors.New("struck by lightning")

func TestTheWrapperSeesStatements(t *testing.T) {
	t.Parallel()
	c := &counter{}
	db := openFaulty(t, file(t), c.strike)
	c.arm(1, func() error { return errStruck })
	_, err := db.Exec("SELECT 1")
	require.ErrorIs(t, err, errStruck)
}
