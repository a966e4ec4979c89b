//go:build linux

package dbtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A database that takes no writes, because an administrator says so or because it
// is a copy of another one: a run says that, writes nothing and loses nothing.
func TestAReadOnlyServer(t *testing.T) {
	t.Parallel()
	privately(t, func(t *testing.T, p *privateServer) {
		p.start()
		if p.name == mariadbName {
			testReadOnlyMariaDB(t, p)
		} else {
			testReadOnlyPostgreSQL(t, p)
		}
	})
}

func testReadOnlyMariaDB(t *testing.T, p *privateServer) {
	restarted := func(options ...string) func() {
		return func() { p.stop(); p.start(options...) }
	}
	for name, c := range map[string]struct{ freeze, thaw func() }{
		"read_only":        {func() { p.must(t, "SET GLOBAL read_only = 1") }, func() { p.must(t, "SET GLOBAL read_only = 0") }},
		"innodb_read_only": {restarted("--innodb-read-only"), restarted()},
	} {
		t.Run(name, func(t *testing.T) {
			d := p.found(t, ecologytest.Schema{})
			account := d.as(t, "", "HrmScheduleSign", "mobile_sign", "kq_format_pool")
			testReadOnly(t, d, sink(t, account.pool(t), nil), c.freeze, c.thaw)
		})
	}
}

func testReadOnlyPostgreSQL(t *testing.T, p *privateServer) {
	setting := func(value string) func() {
		return func() {
			p.must(t, "ALTER SYSTEM SET default_transaction_read_only = "+value)
			p.must(t, "SELECT pg_reload_conf()")
			require.Eventually(t, func() bool { // sessions that are there have been told by then, too
				var now string
				db := p.open(t, p.admin())
				defer db.Close()
				return db.QueryRow("SHOW default_transaction_read_only").Scan(&now) == nil && now == value
			}, serversPatience, 10*time.Millisecond)
		}
	}
	standby := filepath.Join(p.home, "data", "standby.signal")
	for name, c := range map[string]struct{ freeze, thaw func() }{
		"default_transaction_read_only": {setting("on"), setting("off")},
		"standby": {func() {
			p.stop()
			require.NoError(t, os.WriteFile(standby, nil, 0o644))
			p.start()
		}, func() { p.must(t, "SELECT pg_promote()") }},
	} {
		t.Run(name, func(t *testing.T) {
			d := p.found(t, ecologytest.Schema{})
			testReadOnly(t, d, sink(t, d.pool(t), nil), c.freeze, c.thaw)
			d = p.found(t, ecologytest.Schema{})
			testReadOnly(t, d, ledgerOn(t, d.pool(t)), c.freeze, c.thaw)
			d.oa = ecologytest.Open(d.pool(t), oasink.E9)
			requireLedgerOf(t, d)
		})
	}
}

// testReadOnly writes before, while and after the database is read-only, through
// one sink.
func testReadOnly(t *testing.T, d database, s *oasink.Sink, freeze, thaw func()) {
	t.Helper()
	in, out, visit := record("1", punch(101, at(2, 8, 0, 0), attendance.In)), record("2", punch(101, at(2, 18, 0, 0), attendance.Out)), record("3", field(102, at(2, 9, 0, 0)))
	write(t, s, in)
	freeze()
	w, err := s.Write(context.Background(), batch(in, out, visit))
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "the database is read-only")
	mend := mendOf(t, err)
	require.Contains(t, mend.EN, "standby")
	require.Contains(t, mend.ZH, "只读")
	require.Zero(t, w.Written)
	f := finding(t, s.Check(context.Background()), string(attendance.CodeStoreDown))
	require.Equal(t, attendance.LevelError, f.Level)
	require.Contains(t, f.Message.EN, "read-only")
	thaw()
	oa := ecologytest.Open(d.pool(t), oasink.E9)
	require.Len(t, held(t, oa), 1)
	w = write(t, s, in, out, visit)
	require.Equal(t, [2]int{2, 1}, [2]int{w.Written, w.Present})
	require.Len(t, held(t, oa), 3)
}

// A file of SQLite that may only be read, or is opened for reading only.
func TestAReadOnlyFile(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		asNobody(t) // root may write every file
		return
	}
	path := file(t)
	oa, err := ecologytest.New(context.Background(), open(t, path, "_pragma=journal_mode(delete)"), ecologytest.Schema{})
	require.NoError(t, err)
	d := database{engine: sqliteEngine(), dsn: "file:" + path, oa: oa}
	db := d.pool(t)
	db.SetMaxIdleConns(0) // the file is opened anew each time
	oa.DB().SetMaxIdleConns(0)
	mode := func(m os.FileMode) func() { return func() { require.NoError(t, os.Chmod(path, m)) } }
	testReadOnly(t, d, sink(t, db, nil), mode(0o444), mode(0o644))

	_, err = sink(t, open(t, path, "mode=ro"), nil).Write(context.Background(), batch(punch(103, at(2, 8, 0, 0), attendance.In)))
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "the database is read-only")
}
