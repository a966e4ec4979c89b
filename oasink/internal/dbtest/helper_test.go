package dbtest

import (
	"context"
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// journals are the two ways in which SQLite keeps transactions.
func journals() []string { return []string{"wal", "delete"} }

// open opens a database file. Each call is a pool of its own, as another process
// would have.
func open(t testing.TB, path string, pragmas ...string) *bun.DB {
	t.Helper()
	dsn := "file:" + path
	for i, p := range pragmas {
		dsn += string("?&"[min(i, 1)]) + p
	}
	sqldb, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	db := bun.NewDB(sqldb, sqlitedialect.New())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "oa.db") }

// build makes an e-cology in a new SQLite file.
func build(t testing.TB, s ecologytest.Schema) *ecologytest.OA {
	t.Helper()
	return sqliteEngine().build(t, s)
}

func beijing() *time.Location { return time.FixedZone("UTC+8", 8*3600) }

// at is a wall-clock time of March 2026 in Beijing.
func at(day, hour, minute, second int) time.Time {
	return time.Date(2026, 3, day, hour, minute, second, 0, beijing())
}

// now is the clock of the tests: long after the punches.
func now() time.Time { return at(31, 12, 0, 0) }

func sink(t testing.TB, db *bun.DB, opts *oasink.Options) *oasink.Sink {
	t.Helper()
	if opts == nil {
		opts = &oasink.Options{}
	}
	if opts.Now == nil {
		opts.Now = now
	}
	s, err := oasink.New(context.Background(), db, opts)
	require.NoError(t, err)
	return s
}

// week is 2 to 8 March.
func week() attendance.Span { return attendance.Span{From: at(2, 0, 0, 0), To: at(9, 0, 0, 0)} }

// batch is a batch of DingTalk punches of the people 101 to 110, accounts u101 ...
func batch(punches ...attendance.Punch) attendance.Batch {
	b := attendance.Batch{Source: "dingtalk", Span: week(), Punches: punches, ReadAt: now()}
	for person := 101; person <= 110; person++ {
		b.Members = append(b.Members, attendance.Member{Person: itoa(person), Account: "u" + itoa(person)})
	}
	return b
}

func punch(person int, when time.Time, d attendance.Direction) attendance.Punch {
	return attendance.Punch{Account: "u" + itoa(person), Time: when, Kind: attendance.Regular, Direction: d}
}

func outside(person int, when time.Time, d attendance.Direction) attendance.Punch {
	p := punch(person, when, d)
	p.Kind = attendance.Outside
	return p
}

func field(person int, when time.Time) attendance.Punch {
	p := punch(person, when, attendance.Undirected)
	p.Kind = attendance.Field
	return p
}

func write(t testing.TB, s *oasink.Sink, punches ...attendance.Punch) attendance.Written {
	t.Helper()
	w, err := s.Write(context.Background(), batch(punches...))
	require.NoError(t, err)
	return w
}

func newRequest(ctx context.Context, url string) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
}

// adds reports whether a statement adds rows. That by which MySQL proves where its lock
// is held adds none.
func adds(query string) bool {
	return strings.HasPrefix(query, "INSERT") && !strings.Contains(query, "IS_USED_LOCK")
}
