package dbtest

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// borrowedDatabases are this process's own databases on PostgreSQL. A test has one
// for itself while it runs, and as many schemas in it as it likes: to make a schema
// takes a tenth of the time that a database takes.
type borrowedDatabases struct {
	mu   sync.Mutex // guards all below
	all  []*borrowedDatabase
	free []*borrowedDatabase
	lent map[string]*borrowedDatabase // by the test's name
}

var postgresDatabases borrowedDatabases

// A borrowedDatabase is one of them. Its pool makes and drops schemas: a connection
// for each would cost more than the schema does.
type borrowedDatabase struct {
	name    string
	dsn     url.URL
	db      *sql.DB
	test    string
	schemas int // of the test that has it
}

// take lends a database to a test, or the one that the test has already. Tests of one
// name up to its third part are one: they run one after the other.
func (b *borrowedDatabases) take(t testing.TB, e engine) *borrowedDatabase {
	t.Helper()
	parts := strings.SplitN(t.Name(), "/", 4)
	test := strings.Join(parts[:min(3, len(parts))], "/")
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.lent[test]
	if d == nil {
		if n := len(b.free); n > 0 {
			d, b.free = b.free[n-1], b.free[:n-1]
		} else {
			d = b.another(t, e)
		}
		d.test = test
		if b.lent == nil {
			b.lent = make(map[string]*borrowedDatabase)
		}
		b.lent[test] = d
	}
	d.schemas++
	return d
}

func (b *borrowedDatabases) another(t testing.TB, e engine) *borrowedDatabase {
	t.Helper()
	d := &borrowedDatabase{name: fmt.Sprintf("punchbridge_test_%d_%d", os.Getpid(), len(b.all))}
	e.must(t, "DROP DATABASE IF EXISTS "+d.name)
	e.must(t, "CREATE DATABASE "+d.name)
	b.all = append(b.all, d)
	e.must(t, "ALTER DATABASE "+d.name+" SET synchronous_commit = off") // nobody pulls this server's plug
	dsn, err := url.Parse(e.admin())
	require.NoError(t, err)
	dsn.Path = "/" + d.name
	d.dsn, d.db = *dsn, sql.OpenDB(connector{e.driver, dsn.String()})
	return d
}

func (b *borrowedDatabases) giveBack(d *borrowedDatabase) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d.schemas--; d.schemas == 0 {
		delete(b.lent, d.test)
		b.free = append(b.free, d)
	}
}

// drop drops them when all tests are over.
func (b *borrowedDatabases) drop() error {
	if len(b.all) == 0 {
		return nil
	}
	db, err := sql.Open("pgx", postgresEngine().admin())
	if err != nil {
		return err
	}
	defer db.Close()
	var all []error
	for _, d := range b.all {
		if d.db != nil {
			_ = d.db.Close()
		}
		_, err := db.Exec("DROP DATABASE IF EXISTS " + d.name + " WITH (FORCE)")
		all = append(all, err)
	}
	return errors.Join(all...)
}

// must runs a statement. Tests kill their database's sessions, this pool's too, and a
// write that was cut off may still be ending: then it is tried again.
func (d *borrowedDatabase) must(t testing.TB, statement string) {
	t.Helper()
	_, err := d.db.Exec(statement)
	for tries := 0; tries < 10 && err != nil && (strings.Contains(err.Error(), "40P01") || strings.Contains(err.Error(), "57P01")); tries++ {
		_, err = d.db.Exec(statement)
	}
	require.NoError(t, err, statement)
}
