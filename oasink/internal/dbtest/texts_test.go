package dbtest

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// naughty are texts that have broken programs: for SQL, for encodings, for sizes.
func naughty() []string {
	return []string{
		`'`, `"`, "`", `\`, `\'`, `\\'`, `'; DROP TABLE HrmScheduleSign; --`, `') ; DELETE FROM mobile_sign; #`, `" OR ""="`, `1' OR '1'='1`,
		`${jndi:x} $1 $$ :1 @p1 ? ?? ?0 %s %d {} {"a"} {NULL} NULL`, `{,}`, `,`, "null", "nil", "undefined", "true", "0", "-1", "1e309", "NaN",
		"a\x00b", "\x00", "\xff\xfe", "a\xc3", "\t\n\r\v", "\x1a\b", "\u2028\u2029", "\ufeffx", "Ω≈ç√∫", "田中さん", "表ポあÆ", "\u6d6c\\",
		"🏢", "👩\u200d👩\u200d👧", "𠜎𠜱𡿺沈", "שלום", "\u202etest\u202c", "الرياض", "Z̮̞̠͙͔ͅ", "<script>alert(1)</script>", "/* */ -- x", "--\nDROP",
		strings.Repeat("x", 5000), strings.Repeat("'", 1200), strings.Repeat(`\`, 1200), strings.Repeat("某", 700), strings.Repeat("🏢", 400), " lead and trail ",
	}
}

// naughtyPunches holds each text in every column that takes one.
func naughtyPunches(texts []string) []attendance.Punch {
	var punches []attendance.Punch
	for i, text := range texts {
		p, v := punch(101, at(2, 8, i, 0), attendance.In), field(101, at(2, 8, i, 0))
		p.Place.Address, v.Place.Address, v.Remark = text, text, text
		punches = append(punches, p, v)
	}
	return punches
}

// kept reports whether stored is what a column may keep of a text: it, or a
// beginning of it, with characters replaced only by ? or U+FFFD.
func kept(text, stored string) bool {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
	want := []rune(text)
	got := []rune(stored)
	if len(got) > len(want) || len(got) < len(want) && len(stored) < 400 {
		return false
	}
	for i, r := range got {
		if r != want[i] && (r != '?' && r != utf8.RuneError || want[i] < 0x80) {
			return false
		}
	}
	return true
}

func requireKept(t *testing.T, oa *ecologytest.OA, texts []string) {
	t.Helper()
	rows, visits := signs(t, oa), mobiles(t, oa)
	require.Len(t, rows, len(texts))
	require.Len(t, visits, len(texts))
	for i, text := range texts {
		require.True(t, kept(text, unNull(rows[i].Addr)), "%q became %q", text, rows[i].Addr)
		require.True(t, kept(text, unNull(visits[i].Address)), "%q became %q", text, visits[i].Address)
		require.True(t, kept(text, unNull(visits[i].Remark)), "%q became %q", text, visits[i].Remark)
	}
}

// Whatever the SQL mode, the character set and the encoding: every punch is
// stored, every text kept as far as its column can hold it, none is executed.
func TestNaughtyTexts(t *testing.T) {
	t.Parallel()
	mode := func(name, value string) func(t *testing.T, d database) database {
		return func(t *testing.T, d database) database { return d.with(t, name, value) }
	}
	columns := func(statements ...string) func(t *testing.T, d database) database {
		return func(t *testing.T, d database) database { d.exec(t, d.pool(t), statements...); return d }
	}
	convert := func(charset string) func(t *testing.T, d database) database {
		return columns("ALTER TABLE HrmScheduleSign CONVERT TO CHARACTER SET "+charset, "ALTER TABLE mobile_sign CONVERT TO CHARACTER SET "+charset)
	}
	for _, c := range []struct {
		name    string
		on      engine
		prepare func(t *testing.T, d database) database
		// intact: all of Unicode is kept.
		intact bool
	}{
		{"sqlite", sqliteEngine(), columns(), true},
		{"mariadb", mariadbEngine(), columns(), true},
		{"mariadb/no backslash escapes", mariadbEngine(), mode("sql_mode", "'NO_BACKSLASH_ESCAPES,ANSI_QUOTES,STRICT_ALL_TABLES'"), true},
		{"mariadb/not strict", mariadbEngine(), mode("sql_mode", "''"), true},
		{"mariadb/interpolated", mariadbEngine(), mode("interpolateParams", "true"), true},
		{"mariadb/utf8mb3 columns", mariadbEngine(), convert("utf8mb3"), false},
		{"mariadb/utf8mb3 connection", mariadbEngine(), mode("charset", "utf8mb3"), false},
		{"mariadb/gbk", mariadbEngine(), convert("gbk"), false},
		{"mariadb/latin1", mariadbEngine(), convert("latin1"), false},
		{"mariadb/tiny", mariadbEngine(), columns("ALTER TABLE HrmScheduleSign MODIFY ADDR TEXT", "ALTER TABLE mobile_sign MODIFY remark MEDIUMTEXT CHARACTER SET gbk"), false},
		{"postgres", postgresEngine(), columns(), true},
		{"postgres/backslashes escape", postgresEngine(), mode("standard_conforming_strings", "off"), true},
		{"postgres/simple protocol", postgresEngine(), mode("default_query_exec_mode", "exec"), true},
		{"postgres/text", postgresEngine(), columns("ALTER TABLE HrmScheduleSign ALTER ADDR TYPE text", "CREATE DOMAIN note AS varchar(900)", "ALTER TABLE mobile_sign ALTER remark TYPE note"), true},
		{"postgres/SQL_ASCII", postgresIn("SQL_ASCII"), columns(), true},
		{"postgres/EUC_CN", postgresIn("EUC_CN"), columns(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.on.needed(t)
			d := c.on.found(t, ecologytest.Schema{})
			d = c.prepare(t, d)
			s := sink(t, d.pool(t), &oasink.Options{SignFrom: `tag \' "x" ?0 $1`})
			texts := naughty()
			w := write(t, s, naughtyPunches(texts)...)
			require.Equal(t, 2*len(texts), w.Written)
			requireKept(t, d.oa, texts)
			require.Equal(t, `tag \' "x" ?0 $1`, signs(t, d.oa)[0].SignFrom)
			if c.intact {
				require.Equal(t, []string{"text_cut"}, codes(w))
				require.Equal(t, "𠜎𠜱𡿺沈", mobiles(t, d.oa)[slices.Index(texts, "𠜎𠜱𡿺沈")].Remark)
			} else {
				require.Equal(t, []string{"text_cut", "text_replaced"}, codes(w))
			}
			again := write(t, s, naughtyPunches(texts)...)
			require.Equal(t, 2*len(texts), again.Present, "its own tag is recognised")
			require.Empty(t, again.Warnings)
		})
	}
}

// In GBK columns Chinese stays Chinese, beside an emoji too.
func TestChineseStaysInGBK(t *testing.T) {
	t.Parallel()
	on := mariadbEngine()
	on.needed(t)
	d := on.found(t, ecologytest.Schema{})
	on.exec(t, d.pool(t), "ALTER TABLE HrmScheduleSign CONVERT TO CHARACTER SET gbk")
	p, q := punch(101, at(2, 8, 0, 0), attendance.In), punch(101, at(2, 9, 0, 0), attendance.In)
	p.Place.Address, q.Place.Address = "总部大楼 🏢 2 楼", "文一西路"
	w := write(t, sink(t, d.pool(t), nil), p, q)
	require.Equal(t, []string{"text_replaced"}, codes(w))
	require.Contains(t, w.Warnings[0].Message, "1 texts")
	rows := signs(t, d.oa)
	require.Equal(t, "总部大楼 ? 2 楼", rows[0].Addr)
	require.Equal(t, "文一西路", rows[1].Addr)
}

// with returns the database as reached by a DSN with one more parameter.
func (d database) with(t *testing.T, name, value string) database {
	t.Helper()
	if d.name == mariadbName {
		config, err := mysql.ParseDSN(d.dsn)
		require.NoError(t, err)
		separator := "?"
		if strings.Contains(config.FormatDSN(), "?") {
			separator = "&"
		}
		d.dsn = config.FormatDSN() + separator + name + "=" + url.QueryEscape(value)
		return d
	}
	dsn, err := url.Parse(d.dsn)
	require.NoError(t, err)
	query := dsn.Query()
	query.Set(name, value)
	dsn.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // which pgx takes for itself
	d.dsn = dsn.String()
	return d
}

// postgresIn is PostgreSQL with databases of another encoding, one for each test.
func postgresIn(encoding string) engine {
	e := postgresEngine()
	e.create = func(t testing.TB, name string) string {
		e.must(t, "CREATE DATABASE "+name+" ENCODING '"+encoding+"' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
		t.Cleanup(func() { e.must(t, "DROP DATABASE "+name+" WITH (FORCE)") })
		dsn, err := url.Parse(e.admin())
		require.NoError(t, err)
		dsn.Path = "/" + name
		query := dsn.Query()
		query.Set("client_encoding", "UTF8") // else the server takes UTF-8 for its own encoding
		dsn.RawQuery = query.Encode()
		return dsn.String()
	}
	return e
}

// Sites differ in what is a number: whatever the column is, it is served.
func TestColumnsOfOtherTypes(t *testing.T) {
	t.Parallel()
	onServers(t, testColumnsOfOtherTypes)
}

func testColumnsOfOtherTypes(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{NumericCoordinates: true})
	db := d.pool(t)
	on.exec(t, db, "DROP TABLE HrmScheduleSign", "DROP TABLE kq_format_pool")
	id := map[string]string{mariadbName: "BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY", postgresName: "bigserial"}[on.name]
	when := map[string]string{mariadbName: "TIMESTAMP NULL", postgresName: "timestamptz"}[on.name]
	on.exec(t, db,
		"CREATE TABLE HrmScheduleSign (id "+id+", userId NUMERIC(10,0), userType SMALLINT, signType INT, signDate VARCHAR(20), signTime CHAR(12), isInCom INT NOT NULL, signFrom CHAR(40), "+
			"LONGITUDE NUMERIC(18,8), LATITUDE DOUBLE PRECISION, ADDR VARCHAR(8), belongdate CHAR(10))",
		"CREATE TABLE kq_format_pool (id "+id+", resourceid BIGINT, kqdate CHAR(30), exectime "+when+")")
	s := sink(t, db, nil)
	p := place(punch(101, at(2, 8, 0, 0), attendance.In))
	batch := []attendance.Punch{p, punch(101, at(2, 18, 0, 0), attendance.Out), place(field(102, at(2, 9, 0, 0))), field(102, at(2, 10, 0, 0))}
	w := write(t, s, batch...)
	require.Equal(t, 4, w.Written)
	require.Equal(t, []string{"text_cut"}, codes(w))
	rows := signs(t, d.oa)
	require.Equal(t, "文一西路 969", rows[0].Addr)
	require.Equal(t, "120.01713900", rows[0].Longitude)
	require.Equal(t, "30.285413", rows[0].Latitude)
	require.Equal(t, "1", rows[0].SignType)
	require.Equal(t, null, rows[1].Longitude)
	require.Len(t, pool(t, d.oa), 6)
	require.Equal(t, 4, write(t, s, batch...).Present)
}
