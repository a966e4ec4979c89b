package oasink

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/punchbridge/punchbridge/attendance"
)

// The tables of e-cology that are read or written.
const (
	tableSign       = "HrmScheduleSign"
	tableMobile     = "mobile_sign"
	tablePool       = "kq_format_pool"
	tableResource   = "HrmResource"
	tableDepartment = "HrmDepartment"
	tableSubCompany = "HrmSubCompany"
	tableSettings   = "kq_settings"
)

func allTables() []string {
	return []string{tableSign, tableMobile, tablePool, tableResource, tableDepartment, tableSubCompany, tableSettings}
}

// tableNames maps e-cology's name of a table to where it is at this site.
type tableNames map[string]tableName

type tableName struct{ schema, name string }

func newTableNames(schema string, other map[string]string) (tableNames, error) {
	names := make(tableNames)
	for _, t := range allTables() {
		names[t] = tableName{schema, t}
	}
	for _, key := range slices.Sorted(maps.Keys(other)) {
		i := slices.IndexFunc(allTables(), func(t string) bool { return strings.EqualFold(t, key) })
		if i < 0 {
			return nil, fmt.Errorf("oasink: no table is called %q; other names can be given for %s", key, strings.Join(allTables(), ", "))
		}
		name := tableName{schema, other[key]}
		if dot := strings.LastIndexByte(name.name, '.'); dot >= 0 {
			name = tableName{name.name[:dot], name.name[dot+1:]}
		}
		if name.name == "" {
			return nil, fmt.Errorf("oasink: the other name of table %s is empty", key)
		}
		names[allTables()[i]] = name
	}
	return names, nil
}

func (n tableName) String() string {
	if n.schema == "" {
		return n.name
	}
	return n.schema + "." + n.name
}

// A column is one column as the database declares it.
type column struct {
	name string
	kind kind
	// size is the declared size of a text, 0 where there is none: so many bytes
	// where bytes is set, else characters.
	size  int
	bytes bool
	// bmp says that the column holds no character above U+FFFF (MySQL's utf8mb3).
	bmp bool
	// charset is the column's character set where it is not all of Unicode (MySQL).
	charset string
	// declared is the type as a cast names it (PostgreSQL).
	declared string
	// units are how many of size a character takes at most: one beyond ASCII, and
	// one above U+FFFF. Zeros: as in UTF-8 where bytes is set, else one.
	units [2]int
	// lossy says that what the column's character set lacks is replaced without an
	// error; hanzi, that it has the 20,902 characters from U+4E00 to U+9FA5 all the same.
	lossy, hanzi bool
	// required says that the column refuses NULL, filled that the database puts something
	// there where an insert leaves it out.
	required, filled bool
	// lasting names the engine of a table whose rows outlive a transaction that is rolled
	// back (MySQL); "" where none do.
	lasting string
	// instant is how a literal of a point in time is written for the column, with %s
	// for the date and for the clock, where a text depends on the session's language.
	instant string
}

// nothing is what the column holds where there is nothing to say: NULL, where it may.
func (c column) nothing() any {
	switch {
	case !c.required:
		return nil
	case c.kind == text:
		return ""
	default:
		return "0"
	}
}

// takes reports whether a text is no longer than the column.
func (c column) takes(s string) bool {
	return c.kind != text || len(c.cut(s)) == len(s)
}

// cut shortens s to what the column takes, at a character's boundary.
func (c column) cut(s string) string {
	if c.size <= 0 || c.units == [2]int{} {
		return cut(s, c.size, c.bytes)
	}
	n := 0
	for i, r := range s {
		switch {
		case r < utf8.RuneSelf:
			n++
		case r <= 0xFFFF:
			n += c.units[0]
		default:
			n += c.units[1]
		}
		if n > c.size {
			return s[:i]
		}
	}
	return s
}

// holds reports whether the column is known to hold every character of s.
func (c column) holds(s string) bool {
	for _, r := range s {
		if r >= utf8.RuneSelf && (!c.hanzi || r < 0x4E00 || r > 0x9FA5) {
			return false
		}
	}
	return true
}

// kind is what values a column takes, as far as it matters here.
type kind uint8

const (
	text kind = iota
	integer
	decimal
	temporal // a day, a time of day, a point in time
)

// newColumn reads a declaration such as varchar2(400) or NUMERIC(18,8).
func newColumn(name, declared string) column {
	c := column{name: name}
	word, rest, _ := strings.Cut(strings.ToUpper(declared), "(")
	switch {
	case strings.Contains(word, "INT") && !strings.Contains(word, "POINT"):
		c.kind = integer
	case strings.Contains(word, "NUM"), strings.Contains(word, "DEC"), strings.Contains(word, "REAL"),
		strings.Contains(word, "DOUBLE"), strings.Contains(word, "FLOAT"):
		c.kind = decimal
	case strings.HasPrefix(word, "DATE"), strings.HasPrefix(word, "TIME"), strings.HasPrefix(word, "SMALLDATE"):
		c.kind = temporal
	default:
		digits := strings.TrimSpace(rest)
		if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
			digits = digits[:end]
		}
		c.size, _ = strconv.Atoi(digits)
	}
	return c
}

// A table is what was found of one of e-cology's tables.
type table struct {
	name    tableName
	columns map[string]column // by lower-case name; nil: the table does not exist
}

func (t *table) exists() bool { return t.columns != nil }

func (t *table) column(name string) (column, bool) {
	c, ok := t.columns[strings.ToLower(name)]
	return c, ok
}

func (t *table) has(name string) bool {
	_, ok := t.column(name)
	return ok
}

// lasting names the engine where rows outlive a transaction that is rolled back, else "".
func (t *table) lasting() string {
	for _, c := range t.columns {
		return c.lasting
	}
	return ""
}

// lacks returns those of the names that the table has no column for.
func (t *table) lacks(names ...string) []string {
	return slices.DeleteFunc(slices.Clone(names), t.has)
}

// usable reports whether the table exists with all these columns.
func (t *table) usable(names ...string) bool { return t.exists() && len(t.lacks(names...)) == 0 }

// complaint says what is missing.
func (t *table) complaint(needed []string) string {
	if !t.exists() {
		return fmt.Sprintf("table %s does not exist, or this account may not see it", t.name)
	}
	return fmt.Sprintf("table %s has no column %s", t.name, strings.Join(t.lacks(needed...), ", "))
}

// lack is the error for a table that is missing or lacks one of needed.
func (t *table) lack(needed []string) error {
	return &attendance.Error{Code: attendance.CodeTable, Op: "oasink", Detail: t.complaint(needed)}
}

// A shape is what was found of all tables. It is never changed, only replaced.
type shape struct {
	sign, mobile, pool, resource, department, subCompany *table
	generation                                           Generation
	// inaccurate says that the OA looks at no exectime: its setting kqformataccurate,
	// which counts as on where it is not found, is off.
	inaccurate bool
	ledger     ledgerShape
}

// The columns without which a table cannot be written or read.
func signNeeds() []string {
	return []string{"userId", "userType", "signType", "signDate", "signTime", "isInCom"}
}

func mobileNeeds() []string {
	return []string{"operater", "operate_type", "operate_date", "operate_time", "longitude", "latitude"}
}

func poolNeeds() []string { return []string{"resourceid", "kqdate"} }

func resourceNeeds() []string {
	return []string{"id", "loginid", "departmentid", "subcompanyid1", "status"}
}

func departmentNeeds() []string { return []string{"id", "subcompanyid1", "supdepid"} }

func subCompanyNeeds() []string { return []string{"id", "supsubcomid"} }

// probe looks at the tables and remembers what it found.
func (s *Sink) probe(ctx context.Context) (*shape, error) {
	found := make(map[string]*table)
	for _, name := range allTables() {
		t, err := s.findTable(ctx, s.located[name])
		if err != nil {
			return nil, err
		}
		found[name] = t
	}
	sh := &shape{
		sign: found[tableSign], mobile: found[tableMobile], pool: found[tablePool],
		resource: found[tableResource], department: found[tableDepartment], subCompany: found[tableSubCompany],
		generation: s.opts.Generation,
	}
	if sh.generation == Auto {
		sh.generation = sh.guess()
	}
	sh.inaccurate = s.readInaccurate(ctx, sh, found[tableSettings])
	var err error
	if sh.ledger, err = s.probeLedger(ctx, sh.home()); err != nil {
		return nil, err
	}
	s.shape.Store(sh)
	return sh, nil
}

// readInaccurate reads kqformataccurate from the settings. Where they cannot be read
// it counts as on.
func (s *Sink) readInaccurate(ctx context.Context, sh *shape, settings *table) (off bool) {
	if !s.recalculates(sh) || !sh.pool.has("exectime") || !settings.usable("main_key", "main_val") {
		return false
	}
	q := s.statement("SELECT ").columns(settings, "main_val").sql(" FROM ").table(settings)
	q.sql(" WHERE LOWER(").column(settings, "main_key").sql(") = 'kqformataccurate'")
	err := q.query(ctx, s.db, 1, func(v []any) error {
		off = textOf(v[0]) == "0"
		return nil
	})
	if err != nil {
		s.opts.Logger.Debug("oasink: the setting kqformataccurate cannot be read", "error", err)
	}
	return off
}

// findTable looks for one table.
func (s *Sink) findTable(ctx context.Context, want tableName) (*table, error) {
	t := &table{}
	var list []column
	err := s.patiently(ctx, "reading the columns of "+want.String(), func() (err error) {
		t.name, list, err = s.dialect.find(ctx, s.db.DB, want)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		t.columns = make(map[string]column, len(list))
	}
	for _, c := range list {
		t.columns[strings.ToLower(c.name)] = c
	}
	return t, nil
}

// home is the schema of the punch tables, "" where the database has none.
func (sh *shape) home() string {
	if sh.sign.exists() {
		return sh.sign.name.schema
	}
	return sh.mobile.name.schema
}

// guess tells the generation from the tables.
func (sh *shape) guess() Generation {
	switch {
	case sh.pool.exists(), sh.sign.has("belongdate"), sh.sign.has("timeZone"):
		return E9
	case sh.sign.has("signFrom"):
		return E8
	default:
		return E7
	}
}
