package dbtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// as returns the database as another account sees it, which has SELECT on all
// tables but unread, and INSERT on written.
func (d database) as(t *testing.T, unread string, written ...string) database {
	t.Helper()
	db := d.oa.DB()
	user := fmt.Sprintf("pb_%d_%d", os.Getpid(), databases.Add(1))
	home, account := schemaOf(t, d.engine, db), user
	if d.name == mariadbName {
		account = "'" + user + "'@'%'"
	}
	statements := []string{"mariadb: CREATE USER " + account, "postgres: CREATE ROLE " + user + " LOGIN", "postgres: GRANT USAGE ON SCHEMA " + home + " TO " + user}
	for _, table := range []string{"HrmScheduleSign", "mobile_sign", "kq_format_pool", "HrmResource", "HrmDepartment", "HrmSubCompany"} {
		if _, err := d.oa.Count(context.Background(), table); err == nil && table != unread {
			statements = append(statements, "GRANT SELECT ON "+home+"."+table+" TO "+account)
		}
	}
	for _, table := range written {
		statements = append(statements, "GRANT INSERT ON "+home+"."+table+" TO "+account)
	}
	owner := d
	t.Cleanup(func() {
		owner.exec(t, owner.pool(t), "mariadb: DROP USER "+account, "postgres: DROP OWNED BY "+user, "postgres: DROP ROLE "+user)
	})
	d.exec(t, db, statements...)
	if d.name == mariadbName {
		config, err := mysql.ParseDSN(d.dsn)
		require.NoError(t, err)
		config.User, config.Passwd = user, ""
		d.dsn = config.FormatDSN()
		return d
	}
	dsn, err := url.Parse(d.dsn)
	require.NoError(t, err)
	dsn.User = url.User(user)
	d.dsn = dsn.String()
	return d
}

// SELECT and INSERT are all that the default needs.
func TestTheLeastRights(t *testing.T) {
	t.Parallel()
	onServers(t, testTheLeastRights)
}

func testTheLeastRights(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	require.NoError(t, d.oa.AddStaff(context.Background(), ecologytest.Person{ID: 101, LoginID: "a"}))
	s := sink(t, d.as(t, "", "HrmScheduleSign", "mobile_sign", "kq_format_pool").pool(t), nil)
	for _, f := range s.Check(context.Background()) {
		require.Equal(t, attendance.LevelOK, f.Level, f.Message.EN)
	}
	got, _ := stream(t, s.Scope(oasink.Units{}, oasink.ByID(nil)))
	require.Equal(t, []string{"101 101"}, got)
	w := write(t, s, punch(101, at(2, 8, 0, 0), attendance.In), field(101, at(2, 9, 0, 0)))
	require.Equal(t, 2, w.Written)
	require.Empty(t, w.Warnings)
	require.Len(t, pool(t, d.oa), 3)
}

// A right that lacks is named by a check, with all tables that lack it, and by the
// write that needs it; nothing is half written.
func TestRightsThatLack(t *testing.T) {
	t.Parallel()
	onServers(t, testRightsThatLack)
}

func testRightsThatLack(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	in, visit := punch(101, at(2, 8, 0, 0), attendance.In), field(101, at(2, 9, 0, 0))

	s := sink(t, d.as(t, "").pool(t), nil)
	f := finding(t, s.Check(context.Background()), string(attendance.CodeStore))
	require.Equal(t, attendance.LevelError, f.Level)
	for _, table := range []string{"hrmschedulesign", "mobile_sign", "kq_format_pool"} {
		require.Contains(t, strings.ToLower(f.Message.EN), table)
	}
	require.Contains(t, f.Mend.EN, "INSERT")
	require.Contains(t, f.Mend.ZH, "插入")
	w, err := s.Write(context.Background(), batch(in, visit))
	require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "lacks a right")
	require.Regexp(t, "(?i)HrmScheduleSign", err)
	require.Zero(t, w.Written)

	s = sink(t, d.as(t, "", "HrmScheduleSign", "kq_format_pool").pool(t), nil)
	f = finding(t, s.Check(context.Background()), string(attendance.CodeStore))
	require.Contains(t, f.Message.EN, "mobile_sign (")
	require.NotRegexp(t, "(?i)HrmScheduleSign \\(", f.Message.EN)
	w, err = s.Write(context.Background(), batch(in, visit))
	require.Regexp(t, "lacks a right.*mobile_sign.*1 punches were not written", err)
	require.Equal(t, attendance.CodeStore, attendance.CodeOf(err))
	require.Equal(t, 1, w.Written, "the other table's punch is stored")
	require.Equal(t, [3]int{1, 0, 3}, counts(t, d.oa))
	w, err = s.Write(context.Background(), batch(in))
	require.NoError(t, err)
	require.Equal(t, 1, w.Present)
	on.exec(t, d.oa.DB(), "DELETE FROM HrmScheduleSign", "DELETE FROM kq_format_pool")

	// No right to the queue costs no punch.
	s = sink(t, d.as(t, "", "HrmScheduleSign", "mobile_sign").pool(t), nil)
	w = write(t, s, in, visit)
	require.Equal(t, 2, w.Written)
	require.Equal(t, []string{"not_recalculated"}, codes(w))
	require.Contains(t, w.Warnings[0].Message, "101: 2026-03-02")
	require.Equal(t, [3]int{1, 1, 0}, counts(t, d.oa))

	s = sink(t, d.as(t, "HrmResource", "HrmScheduleSign").pool(t), nil)
	for _, err := range s.Scope(oasink.Units{}, oasink.ByID(nil)).Members(context.Background()) {
		require.Regexp(t, "(?i)HrmResource", err)
	}
}

// What a ledger needs more, once its tables are there: SELECT, INSERT and DELETE on
// them, UPDATE and DELETE on the punch tables. What lacks is named.
func TestTheLeastRightsOfALedger(t *testing.T) {
	t.Parallel()
	onServers(t, testTheLeastRightsOfALedger)
}

func testTheLeastRightsOfALedger(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	options := &oasink.Options{Ledger: &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}}
	account := d.as(t, "", "HrmScheduleSign", "mobile_sign", "kq_format_pool")
	s := sink(t, account.pool(t), options)
	f := finding(t, s.Check(context.Background()), "ledger")
	require.Equal(t, attendance.LevelWarning, f.Level, "the first run makes it")
	err := s.CreateLedger(context.Background())
	require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "LedgerStatements")
	for _, statement := range s.LedgerStatements() { // the administrator does it
		d.exec(t, d.oa.DB(), statement)
	}
	grantee := "SELECT current_user"
	if on.name == mariadbName {
		grantee = "SELECT CONCAT('''', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''%''')"
	}
	var user string
	require.NoError(t, account.pool(t).QueryRow(grantee).Scan(&user))
	home := schemaOf(t, d.engine, d.oa.DB())
	grant := func(rights string, tables ...string) {
		for _, table := range tables {
			d.exec(t, d.oa.DB(), "GRANT "+rights+" ON "+home+"."+table+" TO "+user)
		}
	}
	grant("SELECT", "punchbridge_version")
	grant("SELECT, INSERT", "punchbridge_origins")
	grant("SELECT, INSERT, DELETE", "punchbridge_rows", "punchbridge_reads", "punchbridge_changes")
	s = sink(t, account.pool(t), options)
	f = finding(t, s.Check(context.Background()), string(attendance.CodeStore))
	require.Regexp(t, "(?i)may not .*update .*HrmScheduleSign", f.Message.EN)
	require.Contains(t, f.Mend.EN, "UPDATE and DELETE on HrmScheduleSign")
	before, after := ledgerChange()
	before.Run = "before"
	_, err = s.Write(context.Background(), before)
	require.NoError(t, err, "adding needs no more")
	w, err := s.Write(context.Background(), after)
	require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "UPDATE and DELETE on HrmScheduleSign")
	require.Zero(t, w.Written)

	// Without DELETE a run that keeps what is withdrawn works, and none can be undone.
	grant("UPDATE", "HrmScheduleSign", "mobile_sign")
	keeping := sink(t, account.pool(t), &oasink.Options{Ledger: &oasink.LedgerOptions{}})
	findings := keeping.Check(context.Background())
	require.Equal(t, attendance.LevelOK, finding(t, findings, "ledger").Level)
	f = finding(t, findings, string(attendance.CodeStore))
	require.Equal(t, attendance.LevelWarning, f.Level)
	require.Regexp(t, "(?i)undone.*delete from .*HrmScheduleSign", f.Message.EN)
	_, err = keeping.Undo(context.Background(), before.Run)
	require.ErrorContains(t, err, "UPDATE and DELETE on HrmScheduleSign")

	grant("DELETE", "HrmScheduleSign", "mobile_sign")
	require.Equal(t, attendance.LevelOK, finding(t, s.Check(context.Background()), "ledger").Level)
	w, err = s.Write(context.Background(), after)
	require.NoError(t, err)
	changedWritten(t, w)
	u, err := s.Undo(context.Background(), "after")
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 3}, [2]int{u.Removed, u.Restored})
}
