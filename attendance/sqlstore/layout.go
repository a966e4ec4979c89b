package sqlstore

import (
	"strings"

	"github.com/uptrace/bun"
)

// A tableLayout is a table of one version of the layout.
type tableLayout struct {
	name    string
	columns string // with {key} and so on for the types, see dialect.types
	key     string // "" where the first column is one
	index   string // "" where none is needed
}

// layouts are the versions of the layout, oldest first: what each adds. A version
// that was released is never changed.
func layouts() [][]tableLayout {
	return [][]tableLayout{{
		{name: "streams", columns: "hash {key}, id {number}, job {bytes}, target {bytes}, source {bytes}, corp {bytes}", key: "hash"},
		{name: "owed", columns: "stream {number}, from_s {number}, to_s {number}", key: "stream, from_s"},
		{name: "people", columns: "stream {number}, person {key}, account {key}, name {bytes}, binding {bytes}, run {bytes}, first_s {number}, last_s {number}, " +
			"left_out {bytes}, gone_s {number}, refused_s {number}, asked_s {number}, punched_s {number}", key: "stream, person, account"},
		{name: "covered", columns: "stream {number}, person {key}, account {key}, from_s {number}, to_s {number}", key: "stream, person, account, from_s"},
		{name: "runs", columns: "id {key}, job {bytes}, target {bytes}, kind {bytes}, plan {bytes}, attempts {number}, result {bytes}, code {bytes}, message {bytes}, " +
			"started_s {number}, report {document}", key: "id", index: "started_s"},
		{name: "slices", columns: "id {serial}, run {key}, source {bytes}, attempt {number}, at_s {number}, report {document}", index: "run, id"},
		{name: "leases", columns: "name {key}, owner {bytes}, beat {number}, at_ms {number}", key: "name"},
		{name: "ticks", columns: "job {key}, at_s {number}, owner {bytes}", key: "job"},
		{name: "budgets", columns: "corp {key}, month {key}, spent {number}", key: "corp, month"},
		{name: "rejected", columns: "id {serial}, stream {number}, person {key}, account {bytes}, record {bytes}, time_s {number}, reason {bytes}, detail {bytes}, " +
			"first_s {number}, last_s {number}", index: "stream, person, time_s"},
		{name: "tallies", columns: "stream {number}, day {number}, unit {key}, people {number}, punched {number}, punches {number}", key: "stream, day, unit"},
		{name: "days", columns: "target {key}, day {number}, person {key}", key: "target, day, person"},
	}}
}

// sql puts the tables' prefix into a statement, where @ stands.
func (s *Store) sql(statement string) string { return strings.ReplaceAll(statement, "@", s.prefix) }

// create is the statement for a table, with all its indexes where the database
// cannot take a creation back.
func (s *Store) create(t tableLayout) []string {
	keyed, numbered := s.dialect.options()
	end := numbered
	b := "CREATE TABLE IF NOT EXISTS @" + t.name + " (" + strings.NewReplacer(s.dialect.types()...).Replace(t.columns)
	if t.key != "" {
		b += ", PRIMARY KEY (" + t.key + ")"
		end = keyed
	}
	name := "@" + t.name + "_by_" + strings.ReplaceAll(t.index, ", ", "_")
	inline := s.dialect.exclusive() != "" && numbered != "" // MySQL knows no CREATE INDEX IF NOT EXISTS
	if t.index != "" && inline {
		b += ", INDEX " + name + " (" + t.index + ")"
	}
	statements := []string{s.sql(b + ")" + end)}
	if t.index != "" && !inline {
		statements = append(statements, s.sql("CREATE INDEX IF NOT EXISTS "+name+" ON @"+t.name+" ("+t.index+")"))
	}
	return statements
}

// versions is the table that tells which layout the tables have.
func versions() tableLayout {
	return tableLayout{name: "store", columns: "version {number}", key: "version"}
}

// version are the statements that bring the layout from n-1 to n. The last one says
// that all is there. Each may be repeated.
func (s *Store) version(n int) []string {
	var statements []string
	for _, t := range layouts()[n-1] {
		statements = append(statements, s.create(t)...)
	}
	return append(statements, string(s.db.QueryGen().AppendQuery(nil, s.sql("INSERT INTO @store (version) VALUES (?)")+s.dialect.upsert("version"), n)))
}

// Statements are what makes the tables, for an administrator who does not let this
// program's account do it: to be run once, in this order; running them again changes
// nothing. A database with tables of an older version needs them again. It returns an
// error where [New] would because of db or opts; the database is not asked.
func Statements(db *bun.DB, opts *Options) ([]string, error) {
	s, err := newStore(db, opts)
	if err != nil {
		return nil, err
	}
	statements := s.create(versions())
	for n := range layouts() {
		statements = append(statements, s.version(n+1)...)
	}
	return statements, nil
}
