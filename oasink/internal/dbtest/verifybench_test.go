package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// BenchmarkVerify measures which part of a first load goes into finding again what was
// written, from the question to the last row of the answer: verify/first, all of it
// under the lock.
func BenchmarkVerify(b *testing.B) {
	for _, e := range engines() {
		for _, batch := range []attendance.Batch{fifty(), hundred()} {
			b.Run(fmt.Sprintf("%s/%d_rows", e.name, len(batch.Punches)), func(b *testing.B) {
				e.needed(b)
				d := e.found(b, ecologytest.Schema{Generation: oasink.E8})
				watch := &verifyWatch{driver: d.driver, dsn: d.dsn}
				db := bun.NewDB(sql.OpenDB(watch), d.dialect())
				b.Cleanup(func() { _ = db.Close() })
				s := sink(b, db, nil)
				var first time.Duration
				for b.Loop() {
					e.exec(b, d.oa.DB(), "sqlite: DELETE FROM HrmScheduleSign", "mariadb: TRUNCATE TABLE HrmScheduleSign", "postgres: TRUNCATE TABLE HrmScheduleSign")
					began := time.Now()
					w, err := s.Write(context.Background(), batch)
					first += time.Since(began)
					require.NoError(b, err)
					require.Equal(b, len(batch.Punches), w.Written)
				}
				require.Equal(b, b.N, watch.times)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(watch.took.Microseconds())/float64(b.N), "verify-µs")
				b.ReportMetric(watch.took.Seconds()/first.Seconds(), "verify/first")
			})
		}
	}
}

// A verifyWatch times the reading of HrmScheduleSign that follows inserts.
type verifyWatch struct {
	driver   driver.Driver
	dsn      string
	inserted bool
	times    int
	took     time.Duration
}

func (w *verifyWatch) Driver() driver.Driver { return w.driver }

func (w *verifyWatch) Connect(context.Context) (driver.Conn, error) {
	c, err := w.driver.Open(w.dsn)
	return &watchedConn{c, w}, err
}

type watchedConn struct {
	driver.Conn
	w *verifyWatch
}

func (c *watchedConn) hear(query string) {
	if strings.HasPrefix(query, "INSERT") && (strings.Contains(query, "VALUES") || strings.Contains(query, "unnest")) {
		c.w.inserted = true
	}
}

func (c *watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.hear(query)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *watchedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.hear(query)
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func (c *watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	began := time.Now()
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
	if err == nil && c.w.inserted && strings.HasPrefix(query, "SELECT") && strings.Contains(strings.ToLower(query), "hrmschedulesign") {
		c.w.inserted = false
		c.w.times++
		return &watchedRows{rows, c.w, began, false}, nil
	}
	return rows, err
}

func (c *watchedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type watchedRows struct {
	driver.Rows
	w     *verifyWatch
	began time.Time
	over  bool
}

func (r *watchedRows) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	if err == io.EOF && !r.over { //nolint:errorlint // as the interface says
		r.over = true
		r.w.took += time.Since(r.began)
	}
	return err
}
