package dbtest

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// What a sink with a ledger makes of the errors of servers that cannot be run here,
// while it makes its tables, adds, corrects and undoes.
func TestFaultsOfVendorsWithALedger(t *testing.T) {
	t.Parallel()
	learnt := learnLedger(t)
	s, o := sqlserverVendor(), oracleVendor()
	for _, c := range []struct {
		name   string
		vendor vendor
		doing  string // make, add, correct, undo
		at     string // the statement that fails
		times  int    // how often; less than 0: always
		err    error
		code   attendance.Code // "": it succeeds
		text   string
	}{
		{"no right to make a table", s, "make", "CREATE TABLE", -1, sqlserverNumber(262), attendance.CodeStore, "LedgerStatements"},
		{"no right to the schema", s, "make", "CREATE TABLE", -1, sqlserverNumber(2760), attendance.CodeStore, "LedgerStatements"},
		{"deadlock", s, "make", "CREATE INDEX", 1, sqlserverNumber(1205), "", ""},
		{"no right to make a table", o, "make", "CREATE TABLE", -1, oracleNumber("01031"), attendance.CodeStore, "LedgerStatements"},
		{"no room in a tablespace", o, "make", "CREATE TABLE", -1, oracleNumber("01950"), attendance.CodeStore, "LedgerStatements"},
		{"no quota", o, "make", "CREATE INDEX", -1, oracleNumber("01536"), attendance.CodeStoreDown, "disk is full"},
		{"the table has just been made", o, "make", `CREATE TABLE "ECOLOGY"."PUNCHBRIDGE_ROWS"`, 1, oracleNumber("00955"), attendance.CodeTable, "PUNCHBRIDGE_ROWS does not exist"},
		{"the index has just been made", o, "make", "CREATE INDEX", 5, oracleNumber("00955"), "", ""},
		{"such an index is there", o, "make", "CREATE INDEX", 5, oracleNumber("01408"), "", ""},
		{"another is making the index", o, "make", "CREATE INDEX", 2, oracleNumber("00054"), "", ""},
		{"it was completed", o, "make", "INSERT INTO", 1, oracleNumber("00001"), "", ""},

		{"no right", s, "add", "INSERT INTO [dbo].[punchbridge_rows]", -1, sqlserverNumber(229), attendance.CodeStore, "ledger's tables"},
		{"cut", s, "add", "INSERT INTO [dbo].[punchbridge_rows]", 1, io.EOF, "", ""},
		{"no room in a tablespace", o, "add", `INSERT INTO "ECOLOGY"."PUNCHBRIDGE_ROWS"`, -1, oracleNumber("01950"), attendance.CodeStore, "ledger's tables"},
		{"a ledger that went", o, "add", `SELECT "ACCOUNT", "SPANS"`, -1, oracleNumber("00942"), attendance.CodeTable, "missing"},

		{"deadlock", s, "correct", "UPDATE [dbo].[HrmScheduleSign]", 2, sqlserverNumber(1205), "", ""},
		{"a row is locked for long", s, "correct", "UPDATE [dbo].[HrmScheduleSign]", -1, sqlserverNumber(1222), attendance.CodeStore, "is busy"},
		{"no right", s, "correct", "UPDATE [dbo].[HrmScheduleSign]", -1, sqlserverNumber(229), attendance.CodeStore, "UPDATE and DELETE on HrmScheduleSign"},
		{"no right to remove", s, "correct", "DELETE FROM [dbo].[mobile_sign]", -1, sqlserverNumber(229), attendance.CodeStore, "UPDATE and DELETE on HrmScheduleSign"},
		{"cut in the commit", s, "correct", "COMMIT", 1, io.EOF, "", ""},
		{"a row is locked", o, "correct", `SELECT "ID", "USERID", "SIGNDATE", "SIGNTIME", "LONG`, 3, oracleNumber("30006"), "", ""},
		{"a row is locked for long", o, "correct", `SELECT "ID", "USERID", "SIGNDATE", "SIGNTIME", "LONG`, -1, oracleNumber("30006"), attendance.CodeStore, "is busy"},
		{"no right", o, "correct", `UPDATE "ECOLOGY"."HRM`, -1, oracleNumber("01031"), attendance.CodeStore, "UPDATE and DELETE on HrmScheduleSign"},
		{"killed", o, "correct", `DELETE FROM "ECOLOGY"."MOBILE_SIGN"`, 1, oracleNumber("00028"), "", ""},
		{"deadlock", o, "undo", `UPDATE "ECOLOGY"."HRM`, 2, oracleNumber("00060"), "", ""},
		{"a row is locked for long", o, "undo", `SELECT "ID", "USERID"`, -1, oracleNumber("00054"), attendance.CodeStore, "is busy"},
		{"no right", s, "undo", "UPDATE [dbo].[HrmScheduleSign]", -1, sqlserverNumber(229), attendance.CodeStore, "UPDATE and DELETE on HrmScheduleSign"},
	} {
		t.Run(c.vendor.name+"/"+c.doing+"/"+c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newLedgerPlay(t, c.vendor, learnt)
				left := c.times
				strike := func(query string) error {
					if left == 0 || !strings.HasPrefix(query, c.at) {
						return nil
					}
					left--
					return c.err
				}
				steps := []struct {
					name string
					do   func() error
				}{
					{"make", func() error { return p.oa.CreateLedger(context.Background()) }},
					{"add", func() error { _, err := p.add(); return err }},
					{"again", func() error { _, err := p.again(); return err }},
					{"correct", func() error { _, err := p.correct(); return err }},
					{"undo", func() error { _, err := p.back(); return err }},
				}
				for _, step := range steps {
					if step.name != c.doing {
						require.NoError(t, step.do(), step.name)
						continue
					}
					p.s.strike = strike
					started := time.Now()
					err := step.do()
					require.LessOrEqual(t, time.Since(started), 31*time.Second)
					require.Equal(t, c.code, attendance.CodeOf(err), "%v", err)
					if c.code == "" {
						require.NoError(t, err)
						require.Zero(t, left)
					} else {
						require.ErrorContains(t, err, c.text)
					}
					require.Nil(t, p.s.owner, "the lock is given back")
					return
				}
			})
		})
	}
}
