package oasink

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// stateError is an error as pgx and lib/pq have them, fieldError one of pgdriver.
type stateError string

func (e stateError) Error() string    { return "ERROR: something (SQLSTATE " + string(e) + ")" }
func (e stateError) SQLState() string { return string(e) }

type fieldError string

func (e fieldError) Error() string { return "ERROR: something" }
func (e fieldError) Field(k byte) string {
	if k == 'C' {
		return string(e)
	}
	return "x"
}

func TestDiagnosesOfPostgres(t *testing.T) {
	for state, want := range map[string]trouble{
		"40001": busy, "40P01": busy, "55P03": busy, "57P01": lost, "08006": lost, "25P03": lost, "25006": readOnly, "42501": denied,
		"53100": full, "XX000": otherTrouble, "53300": unreachable, "28P01": unreachable, "42P01": missing, "42703": missing, "22P05": unstorable, "23502": otherTrouble, "23505": twice, "57014": cutOff, "26000": pooled, "42P05": pooled,
	} {
		for _, err := range []error{stateError(state), fmt.Errorf("wrapped: %w", fieldError(state)), &attendance.Error{Err: stateError(state)}} {
			require.Equal(t, want, postgres{}.diagnose(err), "%T %s", err, state)
		}
	}
}

// What has no code of its own is known by the system's words.
func TestFullDisksOfPostgres(t *testing.T) {
	for text, want := range map[string]trouble{"could not extend file: Disk quota exceeded": full, "could not extend file: File too large": full, "something else": otherTrouble} {
		require.Equal(t, want, postgres{}.diagnose(fmt.Errorf("%s: %w", text, stateError("XX000"))), text)
	}
}

func TestDiagnosesOfMySQL(t *testing.T) {
	for text, want := range map[string]trouble{
		"Error 1213 (40001): Deadlock found when trying to get lock": busy, "Error 1205 (HY000): Lock wait timeout exceeded": busy,
		"Error 1927 (70100): Connection was killed": lost, "Error 1053: Server shutdown in progress": lost,
		"Error 1290 (HY000): The MariaDB server is running with the --read-only option": readOnly, "Error 1142 (42000): INSERT command denied to user": denied,
		"Error 1036 (HY000): Table 'HrmScheduleSign' is read only": readOnly, "Error 1836 (HY000): Running in read-only mode": readOnly,
		"Error 1114 (HY000): The table 'x' is full": full, "Error 1021 (HY000): Disk full (x); waiting for someone to free some space...": full,
		`Error 1026 (HY000): Error writing file 'x' (errno: 28 "No space left on device")`: full, "Error 1030 (HY000): Got error 28 \"No space left on device\" from storage engine InnoDB": full,
		"Error 3 (HY000): Error writing file '/tmp/MY' (Errcode: 28 - No space left on device)": full, "Error 1030 (HY000): Got error 122 - 'x' from storage engine": otherTrouble, "Error 1045 (28000): Access denied for user": unreachable, "Error 1146 (42S02): Table 'a.b' doesn't exist": missing,
		"Error 1366 (22007): Incorrect string value: 'Error 1213 (40001): x'": unstorable, "Error 1062 (23000): Duplicate entry": twice, "Error 1969 (70100): Query execution was interrupted (max_statement_time exceeded)": cutOff,
		"Error 3024 (HY000): Query execution was interrupted, maximum statement execution time exceeded": cutOff,
		"Error in something": otherTrouble, "invalid connection": lost, "oasink: store: x: Error 1054 (42S22): Unknown column": missing,
	} {
		require.Equal(t, want, mysql{}.diagnose(errors.New(text)), text)
	}
}

func TestDiagnosesOfConnections(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	read := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	for _, c := range []struct {
		err  error
		want trouble
	}{
		{driver.ErrBadConn, lost}, {sql.ErrConnDone, lost}, {io.EOF, lost}, {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), lost}, {net.ErrClosed, lost},
		{read, lost}, {dial, unreachable}, {fmt.Errorf("failed to connect to `user=x`: %w", dial), unreachable}, {errors.New("sql: database is closed"), unreachable},
		{errors.New("conn closed"), lost}, {errors.New("syntax"), otherTrouble},
	} {
		require.Equal(t, c.want, postgres{}.diagnose(c.err), "%v", c.err)
		require.Equal(t, c.want, mysql{}.diagnose(c.err), "%v", c.err)
	}
	require.Equal(t, busy, mysql{}.diagnose(errBusy))
}

func TestLockNamesOfMySQL(t *testing.T) {
	require.Equal(t, "punchbridge_ecology", mysqlLockName("ecology"))
	require.Equal(t, mysqlLockName("ecology"), mysqlLockName("ECOLOGY"))
	seen := make(map[string]bool)
	for _, home := range []string{"a", "a'b", `a\`, "协同", strings.Repeat("x", 64), strings.Repeat("x", 63), "a-b", "a.b", ""} {
		name := mysqlLockName(home)
		require.LessOrEqual(t, len(name), 64, home)
		require.Equal(t, -1, strings.IndexAny(name, `'\"-`), name)
		require.False(t, seen[name], home)
		seen[name] = true
	}
}

func TestOnlySpelling(t *testing.T) {
	in := func(names ...string) []tableName {
		var list []tableName
		for _, n := range names {
			schema, name, _ := strings.Cut(n, ".")
			list = append(list, tableName{schema, name})
		}
		return list
	}
	for _, c := range []struct {
		want  tableName
		found []tableName
		is    string
	}{
		{tableName{"", "T"}, in("a.t", "a.T"), "a.T"},
		{tableName{"", "T"}, in("a.t", "b.t"), "a.t"}, // the search path comes in order
		{tableName{"", "T"}, in("a.t", "a.tT"), ""},
		{tableName{"B", "T"}, in("b.t"), "b.t"},
		{tableName{"B", "T"}, in("b.T", "B.T"), "B.T"},
	} {
		got, err := onlySpelling(c.want, c.found)
		if c.is == "" {
			require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.is, got.String())
	}
}

func TestElementsOfArrays(t *testing.T) {
	for _, c := range []struct {
		value any
		text  string
	}{{nil, "NULL"}, {"NULL", `"NULL"`}, {"", `""`}, {`a"b\c`, `"a\"b\\c"`}, {"{1,2}", `"{1,2}"`}, {int64(-7), "-7"}, {120.017139, "120.017139"}, {"某", `"某"`}} {
		require.Equal(t, c.text, string(appendElement(nil, c.value)))
	}
}

func TestPlainLiterals(t *testing.T) {
	for s, want := range map[string]bool{"from_dd": true, "2026-03-02 08:00:00": true, "": true, `a\`: false, "a'": false, "来源": false, "a\x00": false, "?": false} {
		require.Equal(t, want, plain(s), s)
	}
}

func TestColumnsOfMySQL(t *testing.T) {
	require.Equal(t, column{name: "a", size: 400}, mysqlColumn("a", "varchar(400)", "utf8mb4", "400", "utf8mb4"))
	require.Equal(t, column{name: "a", size: 400, bmp: true}, mysqlColumn("a", "varchar(400)", "utf8mb4", "400", "utf8mb3"))
	require.Equal(t, column{name: "a", size: 400, bmp: true}, mysqlColumn("a", "varchar(400)", "utf8", "400", "utf8mb4"))
	require.Equal(t, column{name: "a", size: 255, bytes: true, charset: "gbk"}, mysqlColumn("a", "tinytext", "gbk", "255", "utf8mb4"))
	require.Equal(t, column{name: "a", kind: integer}, mysqlColumn("a", "bigint(20) unsigned", "", "", "utf8mb4"))
}

func TestWithinBMP(t *testing.T) {
	require.Equal(t, "总部 \uFFFD x", withinBMP("总部 🏢 x"))
}
