package dbtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// e9 builds an E9 file and returns its path and a reader of it.
func e9(t testing.TB, journal string) (string, *ecologytest.OA) {
	t.Helper()
	path := file(t)
	oa, err := ecologytest.New(context.Background(), open(t, path, "_pragma=journal_mode("+journal+")"), ecologytest.Schema{})
	require.NoError(t, err)
	return path, oa
}

// hold opens a transaction on a pool of its own and returns how to end it.
func hold(t testing.TB, path, begin string, queries ...string) (release func()) {
	t.Helper()
	c, err := open(t, path).DB.Conn(context.Background())
	require.NoError(t, err)
	for _, q := range append([]string{begin}, queries...) {
		_, err := c.ExecContext(context.Background(), q)
		require.NoError(t, err)
	}
	return func() {
		_, _ = c.ExecContext(context.Background(), "ROLLBACK")
		_ = c.Close()
	}
}

func TestBusyDatabaseIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, journal := range journals() {
		for _, begin := range []string{"BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"} {
			t.Run(journal+"/"+begin, func(t *testing.T) {
				path, oa := e9(t, journal)
				s := sink(t, open(t, path), nil)
				release := hold(t, path, begin)
				timer := time.AfterFunc(150*time.Millisecond, release)
				defer timer.Stop()
				w, err := s.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
				require.NoError(t, err)
				require.Equal(t, 1, w.Written)
				require.Len(t, signs(t, oa), 1)
			})
		}
	}
}

func TestBusyForTooLong(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{-1, 80 * time.Millisecond} {
		path, oa := e9(t, "wal")
		s := sink(t, open(t, path), &oasink.Options{LockWait: wait})
		release := hold(t, path, "BEGIN IMMEDIATE")
		b := batch(punch(101, at(2, 8, 0, 0), attendance.In))
		w, err := s.Write(context.Background(), b)
		require.Equal(t, attendance.CodeStore, attendance.CodeOf(err))
		require.ErrorContains(t, err, "the database is busy")
		require.Zero(t, w.Written)
		release()
		w, err = s.Write(context.Background(), b)
		require.NoError(t, err)
		require.Equal(t, 1, w.Written)
		require.Len(t, signs(t, oa), 1)
	}
}

// With a rollback journal a reader stops the commit, not the transaction.
func TestCommitWaitsForReaders(t *testing.T) {
	t.Parallel()
	path, oa := e9(t, "delete")
	write(t, sink(t, open(t, path), nil), punch(102, at(2, 8, 0, 0), attendance.In))
	reader, err := open(t, path).DB.Conn(context.Background())
	require.NoError(t, err)
	defer reader.Close()
	rows, err := reader.QueryContext(context.Background(), "SELECT id FROM HrmScheduleSign")
	require.NoError(t, err)
	require.True(t, rows.Next())
	require.NoError(t, rows.Err())
	s := sink(t, open(t, path), &oasink.Options{LockWait: 100 * time.Millisecond})
	b := batch(punch(101, at(2, 8, 0, 0), attendance.In))
	w, err := s.Write(context.Background(), b)
	require.Equal(t, attendance.CodeStore, attendance.CodeOf(err))
	require.ErrorContains(t, err, "busy")
	require.Zero(t, w.Written)

	s = sink(t, open(t, path), nil)
	timer := time.AfterFunc(150*time.Millisecond, func() { _ = rows.Close() })
	defer timer.Stop()
	w, err = s.Write(context.Background(), b)
	require.NoError(t, err)
	require.Equal(t, 1, w.Written)
	require.Len(t, signs(t, oa), 2)
}

// Once the rows are in the transaction, a reader costs a wait and not the work.
func TestCommitIsTriedAgainAlone(t *testing.T) {
	t.Parallel()
	path, _ := e9(t, "delete")
	write(t, sink(t, open(t, path), nil), punch(102, at(2, 8, 0, 0), attendance.In))
	rows, err := open(t, path).QueryContext(context.Background(), "SELECT id FROM HrmScheduleSign")
	require.NoError(t, err)
	defer rows.Close()
	require.True(t, rows.Next())
	require.NoError(t, rows.Err())
	begun, commits := 0, 0
	db := openFaulty(t, path, func(q string) error {
		switch {
		case strings.HasPrefix(q, "BEGIN"):
			begun++
		case q == "COMMIT":
			if commits++; commits == 3 {
				_ = rows.Close()
			}
		}
		return nil
	})
	require.Equal(t, 1, write(t, sink(t, db, nil), punch(101, at(2, 8, 0, 0), attendance.In)).Written)
	require.Equal(t, 1, begun)
	require.GreaterOrEqual(t, commits, 3)
}

func TestContextEndsTheWait(t *testing.T) {
	t.Parallel()
	path, _ := e9(t, "wal")
	db := open(t, path)
	db.SetMaxOpenConns(1)
	s := sink(t, db, nil)
	defer hold(t, path, "BEGIN IMMEDIATE")()
	first := make(chan error)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, err := s.Write(ctx, batch(punch(101, at(2, 8, 0, 0), attendance.In)))
		first <- err
	}()
	short, stop := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer stop()
	_, err := s.Write(short, batch(punch(101, at(2, 8, 0, 0), attendance.In))) // whoever comes first waits for the file, the other for its turn
	require.Equal(t, context.DeadlineExceeded, err)
	cancel()
	require.Equal(t, context.Canceled, <-first)
}

func TestOneConnectionIsEnough(t *testing.T) {
	t.Parallel()
	path, oa := e9(t, "wal")
	require.NoError(t, oa.AddSubCompanies(context.Background(), ecologytest.SubCompany{ID: 1}))
	require.NoError(t, oa.AddDepartments(context.Background(), ecologytest.Department{ID: 11, Subcompany: 1}))
	require.NoError(t, oa.AddStaff(context.Background(), ecologytest.Person{ID: 101, LoginID: "a", Workcode: "a", Department: 11}))
	db := open(t, path)
	db.SetMaxOpenConns(1)
	s := sink(t, db, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	scope := s.Scope(oasink.Units{}, oasink.ByWorkcode(nil))
	require.NotEmpty(t, s.Check(ctx))
	require.NotEmpty(t, scope.Check(ctx))
	for m, err := range scope.Members(ctx) {
		require.NoError(t, err)
		w, err := s.Write(ctx, batch(punch(101, at(2, 8, 0, 0), attendance.In))) // while the scope is being streamed
		require.NoError(t, err)
		require.Equal(t, 1, w.Written)
		require.Equal(t, "101", m.Person)
	}
}

func TestReadOnlyFile(t *testing.T) {
	t.Parallel()
	for _, journal := range journals() {
		path, oa := e9(t, journal)
		db := open(t, path, "mode=ro")
		s := sink(t, db, nil)
		w, err := s.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
		require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "read-only")
		require.Zero(t, w.Written)
		require.Empty(t, signs(t, oa))
		rights := finding(t, s.Check(context.Background()), string(attendance.CodeStoreDown))
		require.Equal(t, attendance.LevelError, rights.Level)
		require.Contains(t, rights.Message.EN, "cannot be written")
		require.NotEmpty(t, rights.Mend.ZH)
	}
}

func TestUnreachableDatabase(t *testing.T) {
	t.Parallel()
	_, err := oasink.New(context.Background(), open(t, filepath.Join(t.TempDir(), "none", "oa.db")), nil)
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)

	text := file(t)
	require.NoError(t, os.WriteFile(text, []byte("this is not a database, but long enough to be taken for one by somebody in a hurry ............."), 0o600))
	_, err = oasink.New(context.Background(), open(t, text), nil)
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)

	path, _ := e9(t, "delete")
	db := open(t, path)
	s := sink(t, db, nil)
	require.NoError(t, db.Close())
	_, err = s.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
	require.Len(t, s.Check(context.Background()), 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = oasink.New(ctx, open(t, path), nil)
	require.Equal(t, context.Canceled, err)
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	path, oa := e9(t, "delete")
	var pages int
	require.NoError(t, oa.DB().QueryRow("PRAGMA page_count").Scan(&pages))
	db := open(t, path, "_pragma=max_page_count("+itoa(pages)+")")
	w, err := sink(t, db, nil).Write(context.Background(), mixed())
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "full")
	require.Zero(t, w.Written)
	require.Zero(t, counts(t, oa))
}

func TestBusyWhileProbing(t *testing.T) {
	t.Parallel()
	path, _ := e9(t, "delete")
	release := hold(t, path, "BEGIN EXCLUSIVE")
	timer := time.AfterFunc(100*time.Millisecond, release)
	defer timer.Stop()
	_, err := oasink.New(context.Background(), open(t, path), nil)
	require.NoError(t, err)
}

func TestAPoolInMemoryKeepsItsDatabase(t *testing.T) {
	t.Parallel()
	db := open(t, "oa", "mode=memory")
	db.SetMaxOpenConns(1)
	oa, err := ecologytest.New(context.Background(), db, ecologytest.Schema{})
	require.NoError(t, err)
	s := sink(t, db, nil)
	_, err = db.Exec("CREATE TRIGGER no BEFORE INSERT ON HrmScheduleSign WHEN NEW.userId = 102 BEGIN SELECT RAISE(ROLLBACK, 'no'); END")
	require.NoError(t, err)
	w := write(t, s, punch(101, at(2, 8, 0, 0), attendance.In), punch(102, at(2, 8, 0, 0), attendance.In))
	require.Equal(t, 1, w.Written)
	require.Len(t, w.Unwritten, 1)
	require.Equal(t, 1, write(t, s, punch(101, at(2, 8, 0, 0), attendance.In)).Present)
	require.Len(t, signs(t, oa), 1)
}

// A connection is dropped only when its state is unknown: here it is the database.
func TestACancelledWriteKeepsTheConnection(t *testing.T) {
	t.Parallel()
	c := &counter{}
	db := openFaulty(t, "oa?mode=memory", c.strike)
	db.SetMaxOpenConns(1)
	oa, err := ecologytest.New(context.Background(), db, ecologytest.Schema{})
	require.NoError(t, err)
	s := sink(t, db, nil)
	for n := 1; n < 9; n++ {
		ctx, cancel := context.WithCancel(context.Background())
		c.arm(n, func() error { cancel(); return nil })
		_, err := s.Write(ctx, mixed())
		c.disarm()
		cancel()
		if err != nil {
			require.Equal(t, context.Canceled, err)
			require.Zero(t, counts(t, oa))
		}
	}
	require.Equal(t, 1, write(t, s, punch(101, at(8, 7, 0, 0), attendance.In)).Written)
}

// mendOf is what an error of ours says to do.
func mendOf(t testing.TB, err error) attendance.Text {
	t.Helper()
	e, ok := errors.AsType[*attendance.Error](err)
	require.True(t, ok, "%v", err)
	return e.Remedy()
}

func finding(t testing.TB, list []attendance.Finding, code string) attendance.Finding {
	t.Helper()
	for _, f := range list {
		if f.Code == code {
			return f
		}
	}
	require.Failf(t, "no finding", "%s in %+v", code, list)
	return attendance.Finding{}
}
