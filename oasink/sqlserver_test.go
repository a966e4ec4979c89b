package oasink

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// numberError is an error as go-mssqldb has them.
type numberError int32

func (e numberError) Error() string         { return fmt.Sprintf("mssql: something (%d)", int32(e)) }
func (e numberError) SQLErrorNumber() int32 { return int32(e) }

func TestDiagnosesOfSQLServer(t *testing.T) {
	for number, want := range map[numberError]trouble{
		1205: busy, 1222: busy, 3960: busy, 596: lost, 3906: readOnly, 229: denied, 262: denied, 2760: denied, 1105: full, 9002: full, 18456: unreachable,
		4060: unreachable, 208: missing, 207: missing, 3903: noTransaction, 2627: twice, 8152: otherTrouble, 2628: otherTrouble, 3930: otherTrouble,
	} {
		for _, err := range []error{number, fmt.Errorf("wrapped: %w", number), &attendance.Error{Err: number}} {
			require.Equal(t, want, sqlserver{}.diagnose(err), "%d", number)
		}
	}
	for text, want := range map[string]trouble{
		"unable to open tcp connection with host 'db:1433': dial tcp: connection refused": unreachable,
		"TLS Handshake failed: tls: server selected unsupported protocol version":         unreachable,
		"login error: mssql: Login failed":                                                unreachable,
		"Invalid TDS stream: EOF":                                                         lost,
		"SQL Server had internal error":                                                   lost,
		"something else":                                                                  otherTrouble,
	} {
		require.Equal(t, want, sqlserver{}.diagnose(errors.New(text)), text)
	}
	require.Equal(t, busy, sqlserver{}.diagnose(errBusy))
	require.Equal(t, lost, sqlserver{}.diagnose(io.ErrUnexpectedEOF))
}

func TestColumnsOfSQLServer(t *testing.T) {
	for _, c := range []struct {
		kind      string
		length    int
		collation string
		page      int
		text      string
		fit       string // "" means the whole text
	}{
		{"varchar", 10, "Chinese_PRC_CI_AS", 936, "张三ab李四xy", "张三ab李四"},
		{"char", 5, "Chinese_PRC_CI_AS", 936, "张三李", "张三"},
		{"varchar", 5, "SQL_Latin1_General_CP1_CI_AS", 1252, "ééé", "éé"},
		{"varchar", 7, "Chinese_PRC_CI_AS", 936, "ab🏢cde", "ab🏢c"},
		{"varchar", 7, "Latin1_General_100_CI_AS_SC_UTF8", 65001, "张三李", "张三"},
		{"varchar", -1, "Chinese_PRC_CI_AS", 936, "张三李", ""},
		{"text", 16, "Chinese_PRC_CI_AS", 936, "a text that is longer than sixteen", ""},
		{"nvarchar", 8, "Chinese_PRC_CI_AS", 936, "张三李四王", "张三李四"},
		{"nvarchar", 8, "Chinese_PRC_CI_AS", 936, "张🏢李四", "张🏢李"},
		{"nvarchar", -1, "Chinese_PRC_CI_AS", 936, "张三李四王", ""},
	} {
		col := sqlserverColumn("a", c.kind, c.length, c.collation, c.page)
		want := c.fit
		if want == "" {
			want = c.text
		}
		fit, shortened := fitting(c.text, col, maxAddress)
		require.Equal(t, want, fit, "%+v", c)
		require.Equal(t, c.fit != "", shortened, "%+v", c)
		require.Equal(t, c.fit == "", col.takes(c.text), "%+v", c)
	}
	for kind, want := range map[string]kind{"int": integer, "bigint": integer, "numeric": decimal, "money": decimal, "float": decimal, "varchar": text, "datetime": temporal} {
		require.Equal(t, want, sqlserverColumn("a", kind, 4, "", 0).kind, kind)
	}
	chinese := sqlserverColumn("a", "varchar", 10, "Chinese_PRC_CI_AS", 936)
	require.True(t, chinese.lossy)
	require.True(t, chinese.holds("张三 ab"))
	require.False(t, chinese.holds("张三🏢"))
	require.False(t, sqlserverColumn("a", "varchar", 10, "French_CI_AS", 1252).holds("张三"))
	require.False(t, sqlserverColumn("a", "nvarchar", 10, "Chinese_PRC_CI_AS", 936).lossy)
}

func TestSettingsOfSQLServerAreRestored(t *testing.T) {
	require.Equal(t, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; SET LOCK_TIMEOUT 4321; SET XACT_ABORT ON; SET NOCOUNT ON; SET IMPLICIT_TRANSACTIONS ON", sqlserverSettings(4321, 16384|512|2, 5))
	require.Equal(t, "SET LOCK_TIMEOUT -1; SET XACT_ABORT OFF; SET NOCOUNT OFF; SET IMPLICIT_TRANSACTIONS OFF", sqlserverSettings(-1, 5496, 0))
}

func TestConstants(t *testing.T) {
	at := "2026-03-31 12:00:00"
	for _, c := range []struct {
		column
		value, want string
	}{
		{column{}, "from_dd", "'from_dd'"},
		{column{kind: integer}, "1", "1"},
		{column{kind: integer}, "from_dd", "'from_dd'"},
		{sqlserverColumn("a", "datetime", 8, "", 0), at, "'2026-03-31T12:00:00'"},
		{sqlserverColumn("a", "varchar", 20, "", 0), at, "'2026-03-31 12:00:00'"},
		{(&oracleDeclared{kind: "TIMESTAMP(6)"}).column(), at, "TIMESTAMP '2026-03-31 12:00:00'"},
		{(&oracleDeclared{kind: "DATE"}).column(), at, "TIMESTAMP '2026-03-31 12:00:00'"},
	} {
		require.Equal(t, c.want, string((&statement{}).constant(c.column, c.value).b))
	}
	q := &statement{open: '[', end: ']'}
	require.Equal(t, "[a]]b]", string(q.name("a]b").b))
}
