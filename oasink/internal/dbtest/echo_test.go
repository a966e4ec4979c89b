package dbtest

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An echo is what a script keeps of the rows that it is sent, so that a writer finds
// again what it has written. It knows no transactions: what was taken back stays.
type echo map[string][]map[string]driver.Value // by table; columns in lower case

var (
	inserted   = regexp.MustCompile(`^insert into (?:\w+\.)?(hrmschedulesign|mobile_sign) \(([^)]*)\) (values|select) `)
	lookedAt   = regexp.MustCompile(`^select (.+) from (?:\w+\.)?(hrmschedulesign|mobile_sign) where `)
	boundValue = regexp.MustCompile(`^(?:\?|[@:]p?(\d+)|\$(\d+)::.*)$`)
)

// identities are the columns by which a writer looks for its rows again.
func identities() map[string]string {
	return map[string]string{"hrmschedulesign": "userid, signdate, signtime, signtype, signfrom", "mobile_sign": "operater, operate_date, operate_time"}
}

// keep takes note of the rows of an INSERT.
func (e echo) keep(query string, args []driver.NamedValue) {
	plain := unquoted.Replace(strings.ToLower(query))
	m := inserted.FindStringSubmatch(plain)
	if m == nil {
		return
	}
	columns := strings.Split(m[2], ", ")
	rest := unquoted.Replace(query)[len(m[0]):]
	if m[3] == "select" {
		list, _, arrays := strings.Cut(rest, " FROM unnest(")
		if !arrays { // inserts nothing, to see whether it might
			return
		}
		rest = "(" + list + ")"
	}
	next := 0
	for _, tuple := range strings.Split(strings.TrimSuffix(strings.TrimPrefix(rest, "("), ")"), "),(") {
		values := make([][]driver.Value, len(columns)) // of many rows at once, or of one
		rows := 1
		for i, one := range splitValues(tuple) {
			values[i] = e.value(strings.TrimSpace(one), args, &next)
			rows = max(rows, len(values[i]))
		}
		for n := range rows {
			row := make(map[string]driver.Value)
			for i, c := range columns {
				row[c] = values[i][min(n, len(values[i])-1)]
			}
			e[m[1]] = append(e[m[1]], row)
		}
	}
}

// value is what stands in a tuple: an argument, an array's column or a literal.
func (echo) value(text string, args []driver.NamedValue, next *int) []driver.Value {
	if n, isColumn := strings.CutPrefix(text, "v.c"); isColumn {
		i, _ := strconv.Atoi(n)
		var list []driver.Value
		for _, one := range splitValues(strings.Trim(fmt.Sprint(args[i].Value), "{}")) {
			list = append(list, strings.Trim(one, `"`))
		}
		return list
	}
	m := boundValue.FindStringSubmatch(text)
	if m == nil {
		return []driver.Value{strings.Trim(strings.TrimPrefix(text, "N"), "'")}
	}
	i := *next
	if n, err := strconv.Atoi(m[1] + m[2]); err == nil {
		i = n - 1
	}
	*next++
	v := reflect.ValueOf(args[i].Value)
	if v.Kind() != reflect.Slice {
		return []driver.Value{args[i].Value}
	}
	list := make([]driver.Value, v.Len())
	for n := range list {
		list[n] = v.Index(n).Interface()
	}
	return list
}

// splitValues splits at commas outside of quotes.
func splitValues(s string) []string {
	var list []string
	var quote rune
	from := 0
	for i, r := range s {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case r == ',':
			list, from = append(list, s[from:i]), i+1
		}
	}
	return append(list, s[from:])
}

// answer answers a writer's look at what it has written.
func (e echo) answer(plain string) (rows [][]driver.Value, ok bool) {
	m := lookedAt.FindStringSubmatch(plain)
	if m == nil {
		return nil, false
	}
	wanted := strings.Split(identities()[m[2]], ", ")
	gathered := strings.Contains(m[1], "group_concat(") || strings.Contains(m[1], "string_agg(")
	if m[1] != identities()[m[2]] && !gathered {
		return nil, false
	}
	for _, row := range e[m[2]] {
		var values []driver.Value
		text := ""
		for i, c := range wanted {
			v := row[c]
			if s, isText := v.(string); isText && (s == "NULL" || s == "") {
				v = nil
			}
			if values = append(values, v); v != nil && 1 <= i && i <= 3 {
				text += fmt.Sprint(v)
			}
		}
		if gathered {
			values = []driver.Value{values[0], text}
		}
		rows = append(rows, values)
	}
	return rows, true
}

func TestTheEchoKeepsWhatWasInserted(t *testing.T) {
	t.Parallel()
	arg := func(values ...any) (args []driver.NamedValue) {
		for _, v := range values {
			args = append(args, driver.NamedValue{Value: v})
		}
		return args
	}
	for _, c := range []struct {
		query string
		args  []driver.NamedValue
	}{
		{"INSERT INTO [dbo].[mobile_sign] ([operate_type], [operater], [operate_date], [operate_time]) VALUES ('mobile_sign',@p1,@p2,@p3),('mobile_sign',@p4,@p5,@p6)",
			arg(int64(101), "2026-03-02", "08:00:00", int64(102), "2026-03-03", "09:00:00")},
		{"INSERT INTO `mobile_sign` (`operate_type`, `operater`, `operate_date`, `operate_time`) VALUES ('mobile_sign',?,?,?),('mobile_sign',?,?,?)",
			arg(int64(101), "2026-03-02", "08:00:00", int64(102), "2026-03-03", "09:00:00")},
		{`INSERT INTO "O"."MOBILE_SIGN" ("OPERATE_TYPE", "OPERATER", "OPERATE_DATE", "OPERATE_TIME") VALUES ('mobile_sign', :1, :2, :3)`,
			arg([]int64{101, 102}, []string{"2026-03-02", "2026-03-03"}, []string{"08:00:00", "09:00:00"})},
		{`INSERT INTO "public"."mobile_sign" ("operate_type", "operater", "operate_date", "operate_time") SELECT $4::text, v.c0, v.c1, v.c2 FROM unnest($1::bigint[], $2::text[], $3::text[]) AS v(c0, c1, c2)`,
			arg("{101,102}", `{"2026-03-02","2026-03-03"}`, `{"08:00:00","09:00:00"}`, "mobile_sign")},
	} {
		e := make(echo)
		e.keep(c.query, c.args)
		rows, ok := e.answer("select operater, operate_date, operate_time from mobile_sign where ")
		require.True(t, ok)
		require.Equal(t, "[[101 2026-03-02 08:00:00] [102 2026-03-03 09:00:00]]", fmt.Sprint(rows), c.query)
	}
}
