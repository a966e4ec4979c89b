package oasink

import (
	"database/sql"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDiagnosesOfOracle(t *testing.T) {
	for text, want := range map[string]trouble{
		"ORA-00054: resource busy and acquire with NOWAIT specified or timeout expired": busy,
		"ORA-30006: resource busy; acquire with WAIT timeout expired":                   busy,
		"ORA-00060: deadlock detected while waiting for resource":                       busy,
		"ORA-08177: can't serialize access for this transaction":                        busy,
		"ORA-03113: end-of-file on communication channel":                               lost,
		"ORA-00028 error occur at position: 0":                                          lost,
		"ORA-16000: database open for read-only access":                                 readOnly,
		"ORA-01031: insufficient privileges":                                            denied,
		"ORA-41900: missing INSERT privilege on \"ECOLOGY\".\"HRMSCHEDULESIGN\"":        denied,
		"ORA-01653: unable to extend table ECOLOGY.HRMSCHEDULESIGN by 128":              full,
		"ORA-01536: space quota exceeded for tablespace 'USERS'":                        full,
		"ORA-01017: invalid username/password; logon denied":                            unreachable,
		"ORA-12541: TNS:no listener":                                                    unreachable,
		"ORA-00942: table or view does not exist":                                       missing,
		"ORA-00904: \"X\": invalid identifier":                                          missing,
		"ORA-12899: value too large for column":                                         otherTrouble,
		"ORA-00001: unique constraint violated":                                         already,
		"ORA-00955: name is already used by an existing object":                         already,
		"ORA-01950: no privileges on tablespace 'USERS'":                                denied,
		"ORA-20001: no\nORA-06512: at line 1\nORA-00054: not the first one":             otherTrouble,
		"connection reset by peer":                                                      lost,
		"something else":                                                                otherTrouble,
	} {
		require.Equal(t, want, oracle{}.diagnose(errors.New(text)), text)
	}
	require.Equal(t, busy, oracle{}.diagnose(errBusy))
	require.Equal(t, lost, oracle{}.diagnose(io.EOF))
	require.Equal(t, otherTrouble, oracle{}.diagnose(nil))
}

func TestColumnsOfOracle(t *testing.T) {
	declared := func(kind string, bytes, characters int64, used, charset string) column {
		return (&oracleDeclared{name: "A", kind: kind, bytes: number(bytes), characters: number(characters), used: sql.NullString{String: used, Valid: used != ""}, charset: charset}).column()
	}
	for _, c := range []struct {
		column
		text, fit string // "" means the whole text
	}{
		{declared("VARCHAR2", 7, 7, "B", "AL32UTF8"), "张三李", "张三"},
		{declared("VARCHAR2", 12, 3, "C", "AL32UTF8"), "张三🏢李", "张三🏢"},
		{declared("VARCHAR2", 5, 5, "B", "ZHS16GBK"), "张三李", "张三"},
		{declared("CHAR", 9, 9, "B", "ZHS32GB18030"), "张三李", "张三"},
		{declared("VARCHAR2", 9, 9, "B", "UTF8"), "张三李", ""},
		{declared("NVARCHAR2", 8, 4, "C", "ZHS16GBK"), "张🏢李四", "张🏢李"},
		{declared("CLOB", 4000, 0, "", "AL32UTF8"), "张三李", ""},
	} {
		want := c.fit
		if want == "" {
			want = c.text
		}
		fit, shortened := fitting(c.text, c.column, maxAddress)
		require.Equal(t, want, fit, "%+v", c)
		require.Equal(t, c.fit != "", shortened, "%+v", c)
	}
	require.True(t, declared("VARCHAR2", 9, 9, "B", "UTF8").bmp)
	require.False(t, declared("VARCHAR2", 9, 9, "B", "AL32UTF8").lossy)
	require.True(t, declared("VARCHAR2", 9, 9, "B", "ZHS16GBK").lossy)
	require.True(t, declared("VARCHAR2", 9, 9, "B", "ZHS16GBK").holds("张三"))
	require.False(t, declared("VARCHAR2", 9, 9, "B", "WE8ISO8859P1").holds("张三"))
	require.Equal(t, integer, (&oracleDeclared{kind: "NUMBER", scale: number(0)}).column().kind)
	require.Equal(t, decimal, (&oracleDeclared{kind: "NUMBER", scale: number(8)}).column().kind)
	require.Equal(t, decimal, (&oracleDeclared{kind: "NUMBER"}).column().kind)
}

func number(n int64) sql.NullInt64 { return sql.NullInt64{Int64: n, Valid: true} }

func TestSlots(t *testing.T) {
	for _, c := range []struct {
		kind   kind
		values []any
		want   any
	}{
		{text, []any{"a", nil, int64(7), 1.5, " b "}, []string{"a", "", "7", "1.5", " b "}},
		{integer, []any{int64(1), int64(2)}, []int64{1, 2}},
		{integer, []any{int64(1), nil}, []sql.NullInt64{number(1), {}}},
		{decimal, []any{1.5, int64(2)}, []float64{1.5, 2}},
		{decimal, []any{1.5, nil}, []sql.NullFloat64{{Float64: 1.5, Valid: true}, {}}},
	} {
		s := slot{kind: c.kind}
		for _, v := range c.values {
			require.NoError(t, s.add(v))
		}
		require.Equal(t, c.want, s.values())
		require.Equal(t, slot{kind: c.kind}, s)
	}
	require.ErrorContains(t, (&slot{kind: integer}).add("x"), `"x" is no number`)
	require.ErrorContains(t, (&slot{kind: decimal}).add("x"), `"x" is no number`)
}
