package dbtest

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	mssql "github.com/microsoft/go-mssqldb"
	goora "github.com/sijms/go-ora/v2"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// SQL Server and Oracle can be had on no machine of ours. A site that has one runs
// these tests with the DSN of an empty scratch database or schema of its own:
//
//	PUNCHBRIDGE_TEST_SQLSERVER='sqlserver://user:password@host:1433?database=scratch' \
//	PUNCHBRIDGE_TEST_ORACLE='oracle://scratch:password@host:1521/service' go test -v -run TestRealServers ./oasink/internal/dbtest
//
// The account must be the tables' owner there. Nothing is touched where a table of
// e-cology's or of a ledger exists already. In a database whose character set is not all of
// Unicode, the tests of texts fail with a warning text_replaced, and rightly so.
func TestRealServers(t *testing.T) {
	t.Parallel()
	for _, on := range []engine{
		scratch(sqlserverVendor(), engine{driver: &mssql.Driver{}}, "PUNCHBRIDGE_TEST_SQLSERVER"),
		scratch(oracleVendor(), engine{driver: goora.NewDriver()}, "PUNCHBRIDGE_TEST_ORACLE"),
	} {
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			on.needed(t)
			vendorSuite(t, on)
			t.Run("texts of all kinds", func(t *testing.T) {
				o := on.found(t, ecologytest.Schema{})
				write(t, sink(t, o.pool(t), nil), naughtyPunches(naughty())...)
			})
		})
	}
}

// scratch is an engine whose every database is the same one, emptied before.
func scratch(v vendor, on engine, variable string) engine {
	on.name, on.dialect = v.name, v.dialect
	on.optional = variable
	on.admin = func() string { return os.Getenv(variable) }
	var made bool
	on.create = func(t testing.TB, _ string) string {
		db := on.open(t, on.admin())
		if !made {
			for _, table := range append(ecologyTables(), tablesOfLedger()...) {
				_, err := db.ExecContext(context.Background(), "SELECT 1 FROM "+table+" WHERE 1 = 0")
				require.Error(t, err, "there is a table %s: this is no scratch database, and nothing was touched", table)
			}
		}
		made = true
		drop(t, db, v)
		t.Cleanup(func() { drop(t, on.open(t, on.admin()), v) })
		return on.admin()
	}
	return on
}

func ecologyTables() []string {
	return []string{"HrmScheduleSign", "mobile_sign", "kq_format_pool", "HrmResource", "HrmDepartment", "HrmSubCompany"}
}

func tablesOfLedger() []string {
	return []string{"punchbridge_origins", "punchbridge_rows", "punchbridge_reads", "punchbridge_changes", "punchbridge_version"}
}

// drop drops what a test before has made, as far as it is there.
func drop(t testing.TB, db *bun.DB, v vendor) {
	t.Helper()
	var statements []string
	for _, table := range ecologyTables() {
		statements = append(statements, "DROP TABLE "+table)
		if v.name == oracleName {
			statements = append(statements, "DROP SEQUENCE "+table+"_id")
		}
	}
	for _, table := range tablesOfLedger() {
		statements = append(statements, "DROP TABLE "+table)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			missing := []string{"3701", "ORA-00942", "ORA-02289"} // no such table, no such sequence
			require.True(t, slices.ContainsFunc(missing, func(code string) bool { return strings.Contains(err.Error(), code) }), "%s: %v", statement, err)
		}
	}
}
