package dbtest

import (
	"context"
	"database/sql/driver"
	"net/url"
	"testing"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun/driver/pgdriver"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sinktest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// postgresBy is PostgreSQL through another driver than pgx.
func postgresBy(d driver.Driver) engine {
	e := postgresEngine()
	create := e.create
	e.driver = d
	e.create = func(t testing.TB, name string) string {
		dsn, err := url.Parse(create(t, name))
		require.NoError(t, err)
		query := dsn.Query()
		query.Set("sslmode", "disable")
		dsn.RawQuery = query.Encode()
		return dsn.String()
	}
	return e
}

// The host may use whichever driver: nothing is asked of it but database/sql, and
// of its errors but their SQLSTATE.
func TestOtherDriversOfPostgres(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]driver.Driver{"lib/pq": &pq.Driver{}, "pgdriver": pgdriver.NewDriver()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := postgresBy(d)
			postgresEngine().needed(t)
			t.Run("kit", func(t *testing.T) {
				long(t, "the sink's whole kit on a further driver")
				sinktest.Run(t, func(t testing.TB) sinktest.Target { return target{on.found(t, ecologytest.Schema{}), nil} }, sinktest.Features{Apart: true, Places: true})
			})
			t.Run("kit with a ledger", func(t *testing.T) {
				long(t, "the sink's whole kit on a further driver")
				sinktest.Run(t, func(t testing.TB) sinktest.Target {
					return target{on.found(t, ecologytest.Schema{}), &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}}
				}, sinktest.Features{Apart: true, Places: true, Ledger: true, Removes: true})
			})
			t.Run("ledger", func(t *testing.T) {
				testNothingIsHalfChanged(t, on)
				testUndo(t, on)
			})
			t.Run("texts", func(t *testing.T) {
				o := on.found(t, ecologytest.Schema{})
				write(t, sink(t, o.pool(t), &oasink.Options{SignFrom: `\'x`}), naughtyPunches(naughty())...)
				requireKept(t, o.oa, naughty())
			})
			t.Run("lock", func(t *testing.T) { testAnotherWriterForTooLong(t, on) })
			t.Run("broken connections", func(t *testing.T) { testConnectionsThatBreak(t, on) })
			t.Run("missing rights", func(t *testing.T) { testRightsThatLack(t, on) })
			t.Run("missing tables", func(t *testing.T) {
				o := on.found(t, ecologytest.Schema{})
				s := sink(t, o.pool(t), nil)
				on.exec(t, o.oa.DB(), "DROP TABLE mobile_sign")
				_, err := s.Write(context.Background(), batch(field(101, at(2, 9, 0, 0))))
				require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
			})
		})
	}
}
