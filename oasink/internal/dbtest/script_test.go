package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// A script stands for a server that cannot be run here. It writes down what it is
// sent, answers questions about the catalogue as the vendor's server would, other
// questions with the rows that a test has put there, and knows who holds the lock
// and who is in a transaction. It does not know whether what it is sent is SQL.
type script struct {
	vendor
	mu    sync.Mutex
	heard []string // statements, each with its arguments
	conns int
	owner *scriptConn // who holds the lock of the library
	// strike is called before each statement and may fail it.
	strike func(query string) error
	// answer holds rows for questions that contain its key.
	answer map[string][][]driver.Value
	// reply answers questions before all that; plain is one in lower case, without
	// quotes around names.
	reply func(plain string) (rows [][]driver.Value, ok bool)
	// see is called with the arguments of each statement.
	see func(query string, args []driver.NamedValue)
	// without are tables that the catalogue does not show, made those that it shows
	// because they were created.
	without []string
	made    map[string]bool
	// kept are the punches that were inserted.
	kept echo
}

var unquoted = strings.NewReplacer(`"`, "", "`", "", "[", "", "]", "")

// create takes note of a table that is made.
func (s *script) create(query string) {
	name, ok := strings.CutPrefix(unquoted.Replace(strings.ToLower(query)), "create table ")
	if !ok {
		return
	}
	name, _, _ = strings.Cut(name, " ")
	if s.made == nil {
		s.made = make(map[string]bool)
	}
	s.made[name[strings.LastIndexByte(name, '.')+1:]] = true
}

// open opens a pool on the script.
func (s *script) open(t testing.TB) *bun.DB {
	t.Helper()
	db := bun.NewDB(sql.OpenDB(s), s.vendor.dialect())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (s *script) Driver() driver.Driver { return nil }

func (s *script) Connect(context.Context) (driver.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns++
	return &scriptConn{s: s}, nil
}

// said is what was heard since the last call.
func (s *script) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	heard := s.heard
	s.heard = nil
	return heard
}

func (s *script) put(question string, rows ...[]driver.Value) {
	if s.answer == nil {
		s.answer = make(map[string][][]driver.Value)
	}
	s.answer[question] = rows
}

type scriptConn struct {
	s      *script
	open   int  // transactions
	broken bool // as a driver marks a connection
}

// hear writes a statement down and plays what it does to the connection.
func (c *scriptConn) hear(query string, args []driver.NamedValue) error {
	s := c.s
	s.mu.Lock()
	heard := query
	for _, a := range args {
		heard += fmt.Sprintf("\n    %#v", a.Value)
	}
	s.heard = append(s.heard, heard)
	strike := s.strike
	if s.see != nil {
		s.see(query, args)
	}
	s.mu.Unlock()
	if strike != nil {
		if err := strike(query); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.play(s, c, query)
	if err == nil {
		s.create(query)
		if s.kept == nil {
			s.kept = make(echo)
		}
		s.kept.keep(query, args)
	}
	return err
}

func (c *scriptConn) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), c.hear(query, args)
}

func (c *scriptConn) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.hear(query, args); err != nil {
		return nil, err
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reply != nil {
		if rows, ok := s.reply(unquoted.Replace(strings.ToLower(query))); ok {
			return &scriptRows{rows: rows}, nil
		}
	}
	if rows, ok := s.kept.answer(unquoted.Replace(strings.ToLower(query))); ok {
		return &scriptRows{rows: rows}, nil
	}
	for question, rows := range s.answer {
		if strings.Contains(query, question) {
			return &scriptRows{rows: rows}, nil
		}
	}
	return &scriptRows{rows: s.ask(s, c, query, args)}, nil
}

func (c *scriptConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	if err := c.hear("[the driver begins a transaction]", nil); err != nil {
		return nil, err
	}
	c.open++
	return c, nil
}

func (c *scriptConn) Commit() error   { return c.finish("[the driver commits]") }
func (c *scriptConn) Rollback() error { return c.finish("[the driver rolls back]") }

func (c *scriptConn) finish(how string) error {
	if err := c.hear(how, nil); err != nil {
		return err
	}
	c.open--
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.owner == c {
		c.s.owner = nil
	}
	return nil
}

func (c *scriptConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &scriptStmt{c, query}, nil
}

func (c *scriptConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *scriptConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// CheckNamedValue takes whatever it is given, as the drivers of SQL Server and
// Oracle do.
func (c *scriptConn) CheckNamedValue(*driver.NamedValue) error { return nil }
func (c *scriptConn) IsValid() bool                            { return !c.broken }

// Close is also what happens to a connection on the server when its client dies.
func (c *scriptConn) Close() error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.heard = append(c.s.heard, "[the connection is closed]")
	if c.s.owner == c {
		c.s.owner = nil
	}
	return nil
}

type scriptStmt struct {
	c     *scriptConn
	query string
}

func (p *scriptStmt) Close() error                               { return nil }
func (p *scriptStmt) NumInput() int                              { return -1 }
func (p *scriptStmt) Exec([]driver.Value) (driver.Result, error) { panic("with a context") }
func (p *scriptStmt) Query([]driver.Value) (driver.Rows, error)  { panic("with a context") }
func (p *scriptStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return p.c.ExecContext(ctx, p.query, args)
}

type scriptRows struct{ rows [][]driver.Value }

func (r *scriptRows) Columns() []string {
	if len(r.rows) == 0 {
		return []string{"1"}
	}
	return make([]string, len(r.rows[0]))
}
func (r *scriptRows) Close() error { return nil }
func (r *scriptRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(dest, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}

func TestTheScriptKnowsWhoHoldsTheLock(t *testing.T) {
	t.Parallel()
	s := &script{vendor: sqlserverVendor()}
	db := s.open(t)
	_, err := db.Exec("EXEC @got = sp_getapplock")
	require.NoError(t, err)
	require.NotNil(t, s.owner)
	_, err = db.Exec("EXEC sp_releaseapplock")
	require.NoError(t, err)
	require.Nil(t, s.owner)
}
