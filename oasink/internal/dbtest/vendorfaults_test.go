package dbtest

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

func sqlserverNumber(n int32) error { return sqlserverError{n, "something"} }
func oracleNumber(n string) error   { return errors.New("ORA-" + n + ": something") }

// What the sink makes of the errors of servers that cannot be run here, at each
// statement that may meet them.
func TestFaultsOfVendors(t *testing.T) {
	t.Parallel()
	s, o := sqlserverVendor(), oracleVendor()
	for _, c := range []struct {
		name   string
		vendor vendor
		at     string // the statement that fails
		times  int    // how often; less than 0: always
		err    error
		code   attendance.Code // "": the write succeeds; row_refused: but for its row
		text   string
		writes int // how many inserts into HrmScheduleSign are sent
	}{
		{"deadlock", s, "INSERT INTO [dbo].[Hrm", 2, sqlserverNumber(1205), "", "", 3},
		{"deadlock in the read", s, "SELECT [userId]", 2, sqlserverNumber(1205), "", "", 1},
		{"a row is locked for long", s, "INSERT INTO [dbo].[Hrm", -1, sqlserverNumber(1222), attendance.CodeStore, "is busy", -1},
		{"log full", s, "INSERT INTO [dbo].[Hrm", -1, sqlserverNumber(9002), attendance.CodeStoreDown, "disk is full", 1},
		{"no right", s, "INSERT INTO [dbo].[Hrm", -1, sqlserverNumber(229), attendance.CodeStore, "lacks a right", 1},
		{"no right to lock", s, "DECLARE @got", -1, sqlserverNumber(229), attendance.CodeStore, "lacks a right", 0},
		{"read-only", s, "INSERT INTO [dbo].[Hrm", -1, sqlserverNumber(3906), attendance.CodeStoreDown, "read-only", 1},
		{"a column that went", s, "INSERT INTO [dbo].[Hrm", 1, sqlserverNumber(207), "", "", 2},
		{"a table that went", s, "INSERT INTO [dbo].[Hrm", -1, sqlserverNumber(208), attendance.CodeTable, "missing", 2},
		{"a setting that an indexed view needs", s, "INSERT INTO [dbo].[Hrm", -1, sqlserverError{1934, "INSERT failed because the following SET options have incorrect settings: 'QUOTED_IDENTIFIER'."}, attendance.CodeStore,
			"a setting of the database is in the way: while writing punches: mssql: INSERT failed because the following SET options have incorrect settings: 'QUOTED_IDENTIFIER'. (1934) (an indexed view", 1},
		{"a text too long", s, "INSERT INTO [dbo].[Hrm", -1, sqlserverNumber(8152), attendance.CodeRowRefused, "refuses the row of person 101", 2},
		{"cut in the insert", s, "INSERT INTO [dbo].[Hrm", 1, io.ErrUnexpectedEOF, "", "", 2},
		{"killed in the insert", s, "INSERT INTO [dbo].[Hrm", 1, sqlserverNumber(596), "", "", 2},
		{"cut in the commit", s, "COMMIT", 1, io.EOF, "", "", 2},
		{"the commit is refused", s, "COMMIT", -1, sqlserverNumber(3930), attendance.CodeStore, "failed", 1},
		{"gone for good", s, "DECLARE @got", -1, io.EOF, attendance.CodeStoreDown, "cannot be reached", 0},

		{"deadlock", o, `INSERT INTO "ECOLOGY"."HRM`, 2, oracleNumber("00060"), "", "", 3},
		{"the lock is held", o, `LOCK TABLE "ECOLOGY"."HRMSUB`, 3, oracleNumber("30006"), "", "", 1},
		{"the lock is held for long", o, `LOCK TABLE "ECOLOGY"."HRMSUB`, -1, oracleNumber("00054"), attendance.CodeStore, "is busy", 0},
		{"the table is held for long", o, `LOCK TABLE "ECOLOGY"."HRMSCH`, -1, oracleNumber("30006"), attendance.CodeStore, "is busy", 0},
		{"the table cannot be locked", o, `LOCK TABLE "ECOLOGY"."HRMSCH`, -1, oracleNumber("01031"), "", "", 1},
		{"no right to lock", o, `LOCK TABLE "ECOLOGY"."HRMSUB`, -1, oracleNumber("01031"), attendance.CodeStore, "lacks a right", 0},
		{"nothing to lock", o, `LOCK TABLE "ECOLOGY"."HRMSUB`, -1, oracleNumber("00942"), attendance.CodeTable, "missing", 0},
		{"constraints are as they are", o, "SET CONSTRAINTS", -1, oracleNumber("01031"), "", "", 1},
		{"tablespace full", o, `INSERT INTO "ECOLOGY"."HRM`, -1, oracleNumber("01653"), attendance.CodeStoreDown, "disk is full", 1},
		{"no right", o, `INSERT INTO "ECOLOGY"."HRM`, -1, oracleNumber("01031"), attendance.CodeStore, "lacks a right", 1},
		{"no right, as 23ai says it", o, `INSERT INTO "ECOLOGY"."HRM`, -1, oracleNumber("41900"), attendance.CodeStore, "lacks a right", 1},
		{"read-only", o, `INSERT INTO "ECOLOGY"."HRM`, -1, oracleNumber("16000"), attendance.CodeStoreDown, "read-only", 1},
		{"a column that went", o, `INSERT INTO "ECOLOGY"."HRM`, 1, oracleNumber("00904"), "", "", 2},
		{"a text too long", o, `INSERT INTO "ECOLOGY"."HRM`, -1, oracleNumber("12899"), attendance.CodeRowRefused, "refuses the row of person 101", 2},
		{"cut in the insert", o, `INSERT INTO "ECOLOGY"."HRM`, 1, driver.ErrBadConn, "", "", 2},
		{"killed in the insert", o, `INSERT INTO "ECOLOGY"."HRM`, 1, oracleNumber("00028"), "", "", 2},
		{"cut in the commit", o, "[the driver commits]", 1, oracleNumber("03113"), "", "", 2},
		{"gone for good", o, "[the driver begins", -1, oracleNumber("03135"), attendance.CodeStoreDown, "cannot be reached", 0},
	} {
		t.Run(c.vendor.name+"/"+c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sc := &script{vendor: c.vendor}
				db := sc.open(t)
				oa := sink(t, db, nil)
				left := c.times
				sc.strike = func(query string) error {
					if left == 0 || !strings.HasPrefix(query, c.at) {
						return nil
					}
					left--
					return c.err
				}
				sc.said()
				started := time.Now()
				w, err := oa.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
				require.LessOrEqual(t, time.Since(started), 31*time.Second)
				switch c.code {
				case "":
					require.NoError(t, err)
					require.Equal(t, 1, w.Written)
				case attendance.CodeRowRefused:
					require.NoError(t, err)
					require.Zero(t, w.Written)
					require.Len(t, w.Unwritten, 1)
					refused := w.Unwritten[0].Err()
					require.Equal(t, c.code, refused.Code)
					require.Contains(t, refused.Detail, c.text)
				default:
					require.Equal(t, c.code, attendance.CodeOf(err), "%v", err)
					require.ErrorContains(t, err, c.text)
					require.Zero(t, w.Written)
				}
				inserts := 0
				for _, heard := range sc.said() {
					if strings.HasPrefix(heard, "INSERT") && strings.Contains(strings.ToLower(heard[:60]), "hrmschedulesign") {
						inserts++
					}
				}
				if c.writes >= 0 {
					require.Equal(t, c.writes, inserts)
				}
				require.Nil(t, sc.owner, "the lock is left behind")
			})
		})
	}
}

// Two writers at once: the second waits for the first, and takes it for present.
func TestWritersOfVendorsExcludeEachOther(t *testing.T) {
	t.Parallel()
	for _, v := range []vendor{sqlserverVendor(), oracleVendor()} {
		t.Run(v.name, func(t *testing.T) {
			s := &script{vendor: v}
			db := s.open(t)
			first, second := sink(t, db, nil), sink(t, db, &oasink.Options{LockWait: 50 * time.Millisecond})
			b := batch(punch(101, at(2, 8, 0, 0), attendance.In))
			tried := false
			s.strike = func(query string) error {
				if strings.HasPrefix(query, "INSERT") && !tried {
					tried = true
					_, err := second.Write(context.Background(), b)
					require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
					require.ErrorContains(t, err, "the database is busy")
				}
				return nil
			}
			w, err := first.Write(context.Background(), b)
			require.NoError(t, err)
			require.Equal(t, 1, w.Written)
			require.True(t, tried)
			w, err = second.Write(context.Background(), b)
			require.NoError(t, err)
			require.Equal(t, 1, w.Written, "the lock is free again")
		})
	}
}

// A trigger or a setting may end SQL Server's transaction with the statement, so
// that nothing is left to undo: the punches are written all the same.
func TestAnErrorThatEndsTheTransaction(t *testing.T) {
	t.Parallel()
	s := &script{vendor: sqlserverVendor()}
	oa := sink(t, s.open(t), nil)
	s.strike = func(query string) error {
		switch {
		case strings.HasPrefix(query, "INSERT INTO [dbo].[kq"):
			return sqlserverNumber(50000)
		case query == "ROLLBACK TRANSACTION punchbridge":
			return sqlserverNumber(3903)
		}
		return nil
	}
	w := write(t, oa, punch(101, at(2, 8, 0, 0), attendance.In))
	require.Equal(t, 1, w.Written)
	require.Equal(t, []string{"not_recalculated"}, codes(w))
	heard := s.said()
	require.Contains(t, heard, "COMMIT TRANSACTION")
	require.Contains(t, finding(t, oa.Check(context.Background()), string(attendance.CodeStore)).Message.EN, "something")
}

// A connection that comes with somebody's open transaction is not written on, and
// not given back.
func TestAnOpenTransactionIsNotOurs(t *testing.T) {
	t.Parallel()
	s := &script{vendor: sqlserverVendor()}
	db := s.open(t)
	db.SetMaxOpenConns(1)
	oa := sink(t, db, nil)
	_, err := db.Exec("BEGIN TRANSACTION")
	require.NoError(t, err)
	s.said()
	_, err = oa.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
	require.ErrorContains(t, err, "an open transaction")
	for _, heard := range s.said() {
		require.NotContains(t, heard, "INSERT")
	}
	require.Equal(t, 1, write(t, oa, punch(101, at(2, 8, 0, 0), attendance.In)).Written)
}

// Oracle's lock is on a table that the roster needs anyway.
func TestOracleNeedsItsTableOfSubCompanies(t *testing.T) {
	t.Parallel()
	s := &script{vendor: oracleVendor(), without: []string{"HrmSubCompany"}}
	oa := sink(t, s.open(t), nil)
	_, err := oa.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
	require.Equal(t, attendance.CodeTable, attendance.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "HrmSubCompany does not exist, or this account may not see it")
}

// Tables that belong to somebody else are found through synonyms.
func TestSynonymsOfOracle(t *testing.T) {
	t.Parallel()
	v := oracleVendor()
	ask := v.ask
	v.ask = func(s *script, c *scriptConn, query string, args []driver.NamedValue) [][]driver.Value {
		switch {
		case strings.Contains(query, "ALL_SYNONYMS") && text(args, 0) == "HrmScheduleSign":
			return [][]driver.Value{{"ECOLOGY", "HRMSCHEDULESIGN"}, {"OTHER", "HRMSCHEDULESIGN"}}
		case strings.Contains(query, "CURRENT_SCHEMA"):
			return nil
		}
		return ask(s, c, query, args)
	}
	s := &script{vendor: v, without: []string{"HrmSubCompany"}}
	oa := sink(t, s.open(t), nil)
	require.ErrorContains(t, oa.Missing(), "mobile_sign")
	require.Equal(t, oasink.E9, oa.Generation())
	heard := s.said()
	require.Contains(t, strings.Join(heard, "\n"), "c.OWNER = :2 ORDER BY c.OWNER, c.TABLE_NAME, c.COLUMN_ID\n    \"HRMSCHEDULESIGN\"\n    \"ECOLOGY\"")

	s = &script{vendor: oracleVendor()}
	sink(t, s.open(t), &oasink.Options{Schema: "ecology", Tables: map[string]string{"HrmResource": "hr.V_STAFF"}})
	heard = s.said()
	require.Contains(t, strings.Join(heard, "\n"), "UPPER(c.OWNER) = UPPER(:2) ORDER BY c.OWNER, c.TABLE_NAME, c.COLUMN_ID\n    \"V_STAFF\"\n    \"hr\"")
}

// Characters that a code page lacks would become question marks in silence.
func TestReplacedCharactersAreTold(t *testing.T) {
	t.Parallel()
	for _, v := range []vendor{sqlserverVendor(), oracleVendor()} {
		t.Run(v.name, func(t *testing.T) {
			s := &script{vendor: v}
			oa := sink(t, s.open(t), nil)
			s.said()
			plain, odd := punch(101, at(2, 8, 0, 0), attendance.In), punch(102, at(2, 8, 0, 0), attendance.In)
			plain.Place.Address, odd.Place.Address = "上海市浦东新区", "楼🏢"
			require.Empty(t, write(t, oa, plain).Warnings)
			for _, heard := range s.said() {
				require.NotRegexp(t, "COLLATE|TO_CHAR", heard, "nothing to ask for")
			}
			require.Equal(t, []string{"text_replaced"}, codes(write(t, oa, plain, odd)))
			asked := 0
			for _, heard := range s.said() {
				if strings.Contains(heard, "COLLATE") || strings.Contains(heard, "TO_CHAR") {
					asked++
				}
				require.False(t, strings.HasPrefix(heard, "INSERT") && strings.Contains(heard, "🏢"), heard)
			}
			require.Equal(t, 1, asked)

			long := strings.Repeat("é", 3000)
			var many []attendance.Punch
			for minute := range 20 {
				p := punch(103, at(2, 8, minute, 0), attendance.In)
				p.Place.Address = long
				many = append(many, p)
			}
			require.Equal(t, []string{"text_cut"}, codes(write(t, oa, many...)))
			asked = 0
			for _, heard := range s.said() {
				if strings.Contains(heard, "COLLATE") || strings.Contains(heard, "TO_CHAR") {
					asked++
					require.Less(t, len(heard), 2300)
				}
			}
			require.Equal(t, 1, asked, "a text is asked about once")
		})
	}
}

// A connection whose settings are not known to be what they were, or whose lock is
// not known to be given back, is closed: with the session both end.
func TestAnUncertainSessionIsClosed(t *testing.T) {
	t.Parallel()
	morning := at(2, 8, 0, 0)
	for at, err := range map[string]error{"DECLARE @got": sqlserverNumber(229), "IF APPLOCK_MODE": sqlserverNumber(229), "IF @@TRANCOUNT": io.EOF} {
		t.Run(at, func(t *testing.T) {
			s := &script{vendor: sqlserverVendor()}
			db := s.open(t)
			oa := sink(t, db, nil)
			s.said()
			s.strike = func(query string) error {
				switch {
				case strings.HasPrefix(query, at):
					return err
				case strings.HasPrefix(query, "INSERT") && at == "IF @@TRANCOUNT":
					return sqlserverNumber(229)
				}
				return nil
			}
			_, _ = oa.Write(context.Background(), batch(punch(101, morning, attendance.In)))
			require.Contains(t, s.said(), "[the connection is closed]")
			require.Nil(t, s.owner)
		})
	}
}
