package dbtest

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"
	mssql "github.com/microsoft/go-mssqldb"
	goora "github.com/sijms/go-ora/v2"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mssqldialect"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/oracledialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/schema"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sqlstore"
	"github.com/punchbridge/punchbridge/oasink"
)

// dsnConnector connects as sql.Open does: also one that does not parse comes as far
// as the first connection.
type dsnConnector struct {
	of  driver.Driver
	dsn string
}

func (c dsnConnector) Connect(context.Context) (driver.Conn, error) { return c.of.Open(c.dsn) }

func (c dsnConnector) Driver() driver.Driver { return c.of }

// TestDriversDoNotTellThePassword: a host that prints an error of ours, or any below it
// that it is handed, shows no piece of the dsn's password: not of one that the driver
// takes apart wrongly, nor of one that the server refuses.
func TestDriversDoNotTellThePassword(t *testing.T) {
	t.Parallel()
	const piece = "Sup3rS3cret"
	for _, c := range []struct {
		name    string
		driver  driver.Driver
		dialect schema.Dialect
		dsn     string
	}{
		{"pgx, an @", stdlib.GetDefaultDriver(), pgdialect.New(), "postgres://ecology:Abc@" + piece + "@127.0.0.1:1/ecology"},
		{"pgx, a slash", stdlib.GetDefaultDriver(), pgdialect.New(), "postgres://ecology:p/" + piece + "@127.0.0.1:1/ecology"},
		{"pgx, a number and a slash", stdlib.GetDefaultDriver(), pgdialect.New(), "postgres://127.0.0.1:5432/" + piece + "@127.0.0.1:1/ecology"},
		{"pgx, a percent", stdlib.GetDefaultDriver(), pgdialect.New(), "postgres://ecology:%zz" + piece + "@127.0.0.1:1/ecology"},
		{"pgx, a blank", stdlib.GetDefaultDriver(), pgdialect.New(), "host=127.0.0.1 port=1 password=a " + piece + " user=x"},
		{"pgx, an option that the server lacks", stdlib.GetDefaultDriver(), pgdialect.New(), "postgres://postgres@127.0.0.1:5432/postgres?" + piece + "=1"},
		{"pgx, a database that is not there", stdlib.GetDefaultDriver(), pgdialect.New(), "postgres://postgres@127.0.0.1:5432/" + piece},
		{"lib/pq, an @", &pq.Driver{}, pgdialect.New(), "postgres://ecology:Abc@" + piece + "@127.0.0.1:1/ecology"},
		{"lib/pq, a slash", &pq.Driver{}, pgdialect.New(), "postgres://ecology:p/" + piece + "@127.0.0.1:1/ecology"},
		{"lib/pq, a blank", &pq.Driver{}, pgdialect.New(), "host=127.0.0.1 port=1 password=a " + piece + " user=x"},
		{"mysql, a wrong one", &mysql.MySQLDriver{}, mysqldialect.New(), "root" + piece + ":" + piece + "@tcp(127.0.0.1:3306)/mysql"},
		{"mysql, the host", &mysql.MySQLDriver{}, mysqldialect.New(), "root:x@tcp(" + piece + ".invalid:1)/mysql"},
		{"mysql, no dsn", &mysql.MySQLDriver{}, mysqldialect.New(), "root:x@" + piece + "(h)/mysql"},
		{"mysql, a parameter", &mysql.MySQLDriver{}, mysqldialect.New(), "root@tcp(127.0.0.1:3306)/mysql?" + piece + "=" + piece},
		{"sqlserver, an @", &mssql.Driver{}, mssqldialect.New(), "sqlserver://sa:Abc@" + piece + "@127.0.0.1:1?database=x&dial+timeout=1"},
		{"sqlserver, a slash", &mssql.Driver{}, mssqldialect.New(), "sqlserver://sa:p/" + piece + "@127.0.0.1:1?database=x"},
		{"sqlserver, ADO", &mssql.Driver{}, mssqldialect.New(), "server=" + piece + ".invalid;user id=sa;password=x;dial timeout=1"},
		{"oracle, an @", &goora.OracleDriver{}, oracledialect.New(), "oracle://u:Abc@" + piece + "@127.0.0.1:1/x"},
		{"oracle, a slash", &goora.OracleDriver{}, oracledialect.New(), "oracle://u:p/" + piece + "@127.0.0.1:1/x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			db := bun.NewDB(sql.OpenDB(dsnConnector{c.driver, c.dsn}), c.dialect)
			defer db.Close()
			_, err := oasink.New(t.Context(), db, &oasink.Options{LockWait: -1, Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			requireSilent(t, err, piece)
			require.NotContains(t, logged.String(), piece)
			if c.dialect.Name() == mssqldialect.New().Name() || c.dialect.Name() == oracledialect.New().Name() {
				return
			}
			_, err = sqlstore.New(t.Context(), db, &sqlstore.Options{Patience: time.Nanosecond})
			requireSilent(t, err, piece)
		})
	}
}

func requireSilent(t *testing.T, err error, piece string) {
	t.Helper()
	require.Error(t, err)
	require.NotEmpty(t, attendance.CodeOf(err))
	for e := err; e != nil; e = errors.Unwrap(e) {
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", e, e, e), piece)
	}
	require.NotContains(t, fmt.Sprint(attendance.FindingOf(attendance.Text{EN: "x"}, err)), piece)
	t.Log(err)
}
