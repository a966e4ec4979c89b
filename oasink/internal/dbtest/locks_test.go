package dbtest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A halted writer stands in the middle of a write, its lock taken.
type halted struct {
	goOn   func()
	result chan error
}

// halt begins to write a punch of the person and stops before the insert.
func halt(t *testing.T, d database, person int) halted {
	t.Helper()
	there, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	db := d.struck(t, func(query string) error {
		if adds(query) {
			once.Do(func() { close(there) })
			<-goOn
		}
		return nil
	})
	s := sink(t, db, nil)
	h := halted{goOn: sync.OnceFunc(func() { close(goOn) }), result: make(chan error, 1)}
	go func() {
		_, err := s.Write(context.Background(), batch(punch(person, at(2, 8, 0, 0), attendance.In)))
		h.result <- err
	}()
	<-there
	t.Cleanup(h.goOn)
	return h
}

func TestAnotherWriterIsWaitedFor(t *testing.T) {
	t.Parallel()
	everywhere(t, testAnotherWriterIsWaitedFor)
}

func testAnotherWriterIsWaitedFor(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	h := halt(t, d, 101)
	started := make(chan struct{})
	var once sync.Once
	db := d.struck(t, func(query string) error {
		if strings.HasPrefix(query, "BEGIN") || strings.Contains(query, "GET_LOCK") || strings.Contains(query, "sp_getapplock") {
			once.Do(func() { close(started) })
		}
		return nil
	})
	s := sink(t, db, nil)
	second := make(chan attendance.Written, 1)
	go func() {
		w, err := s.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
		if err != nil {
			t.Error(err)
		}
		second <- w
	}()
	<-started
	h.goOn()
	require.NoError(t, <-h.result)
	require.Equal(t, 1, (<-second).Present, "it has seen what the first one committed")
	require.Len(t, signs(t, d.oa), 1)
}

func TestAnotherWriterForTooLong(t *testing.T) {
	t.Parallel()
	everywhere(t, testAnotherWriterForTooLong)
}

func testAnotherWriterForTooLong(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	b := batch(punch(102, at(2, 8, 0, 0), attendance.In))
	for i, wait := range []time.Duration{-1, 80 * time.Millisecond, 1100 * time.Millisecond} {
		h := halt(t, d, 103+i)
		s := sink(t, d.pool(t), &oasink.Options{LockWait: wait})
		w, err := s.Write(context.Background(), b)
		require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "the database is busy")
		require.Zero(t, w.Written)
		ctx, cancel := context.WithTimeout(context.Background(), 40*time.Millisecond)
		_, err = sink(t, d.pool(t), nil).Write(ctx, b)
		cancel()
		require.Equal(t, context.DeadlineExceeded, err, "bare")
		h.goOn()
		require.NoError(t, <-h.result)
		// With patience: the server may still be busy with the one that was cut off.
		w, err = sink(t, d.pool(t), nil).Write(context.Background(), b)
		require.NoError(t, err)
		require.Equal(t, 1, w.Written+w.Present)
	}
	require.Len(t, signs(t, d.oa), 4)
}

// Another program's lock on a whole table, or trouble between transactions that
// the server ends by sacrificing one, is waited for and tried again.
func TestTheServersOwnLocks(t *testing.T) {
	t.Parallel()
	onServers(t, testTheServersOwnLocks)
}

func testTheServersOwnLocks(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	c, err := d.pool(t).Conn(context.Background())
	require.NoError(t, err)
	defer c.Close()
	run := func(statement string) {
		_, err := c.ExecContext(context.Background(), statement)
		require.NoError(t, err)
	}
	lock, unlock := []string{"LOCK TABLES HrmScheduleSign WRITE"}, "UNLOCK TABLES"
	if on.name == postgresName {
		lock, unlock = []string{"BEGIN", "LOCK TABLE HrmScheduleSign IN ACCESS EXCLUSIVE MODE"}, "COMMIT"
	}
	s := sink(t, d.pool(t), &oasink.Options{LockWait: 100 * time.Millisecond})
	for _, statement := range lock {
		run(statement)
	}
	b := batch(punch(101, at(2, 8, 0, 0), attendance.In))
	w, err := s.Write(context.Background(), b)
	require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "the database is busy")
	require.Zero(t, w.Written)
	run(unlock)
	w, err = s.Write(context.Background(), b)
	require.NoError(t, err)
	require.Equal(t, 1, w.Written)

	for i, code := range []string{"40001", map[string]string{mariadbName: "HY000", postgresName: "40P01"}[on.name]} {
		number := []string{"1213", "1205"}[i]
		on.exec(t, d.oa.DB(), "mariadb: CREATE TABLE tries (n int) ENGINE=MyISAM",
			"mariadb: CREATE TRIGGER deadlock BEFORE INSERT ON HrmScheduleSign FOR EACH ROW BEGIN IF (SELECT COUNT(*) FROM tries) < 2 THEN "+
				"INSERT INTO tries VALUES (1); SIGNAL SQLSTATE '"+code+"' SET MYSQL_ERRNO = "+number+"; END IF; END",
			"postgres: CREATE SEQUENCE tries",
			"postgres: CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('tries') < 3 THEN RAISE EXCEPTION 'deadlock' USING ERRCODE = '"+code+"'; END IF; RETURN NEW; END $$",
			"postgres: CREATE TRIGGER deadlock BEFORE INSERT ON HrmScheduleSign FOR EACH ROW EXECUTE FUNCTION deadlock()")
		require.Equal(t, 1, write(t, sink(t, d.pool(t), nil), punch(102, at(2, 8, i, 0), attendance.In)).Written)
		on.exec(t, d.oa.DB(), "mariadb: DROP TRIGGER deadlock", "mariadb: DROP TABLE tries",
			"postgres: DROP TRIGGER deadlock ON HrmScheduleSign", "postgres: DROP FUNCTION deadlock", "postgres: DROP SEQUENCE tries")
	}
	require.Len(t, signs(t, d.oa), 3)
}

// Who does not take our lock may write between our look and our insert. His row
// stays, ours is written once, and the next run changes nothing.
func TestARowThatAppearsAfterTheLook(t *testing.T) {
	t.Parallel()
	onServers(t, testARowThatAppearsAfterTheLook)
}

func testARowThatAppearsAfterTheLook(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{Generation: oasink.E8})
	other := ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-02", SignTime: "08:00:00", IsInCom: "1", SignFrom: "e9mobile",
		Longitude: null, Latitude: null, Addr: null}
	appeared := false
	db := d.struck(t, func(query string) error {
		if adds(query) && !appeared {
			appeared = true
			return d.oa.AddSigns(context.Background(), other)
		}
		return nil
	})
	in := punch(101, at(2, 8, 0, 0), attendance.In)
	require.Equal(t, 1, write(t, sink(t, db, nil), in).Written)
	require.True(t, appeared)
	rows := signs(t, d.oa)
	require.Len(t, rows, 2)
	require.Contains(t, rows, other)
	require.Equal(t, 1, write(t, sink(t, d.pool(t), nil), in).Present)
	require.Equal(t, rows, signs(t, d.oa))
}

// The host's session is left as it was, whatever became of the write.
func TestTheSessionIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	onServers(t, testTheSessionIsLeftAsItWas)
}

func testTheSessionIsLeftAsItWas(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	db := d.pool(t)
	db.SetMaxOpenConns(1)
	state := func() string {
		query := "SELECT CONCAT_WS(' ', CONNECTION_ID(), @@SESSION.wait_timeout, @@SESSION.innodb_lock_wait_timeout, @@SESSION.lock_wait_timeout, @@SESSION.tx_isolation, " +
			"IS_FREE_LOCK(CONCAT('punchbridge_', DATABASE())), @@in_transaction)"
		if on.name == postgresName {
			query = "SELECT concat_ws(' ', pg_backend_pid(), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'), " +
				"(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())), now() = statement_timestamp())"
		}
		var text string
		require.NoError(t, db.QueryRow(query).Scan(&text))
		return text
	}
	on.exec(t, db, "mariadb: SET SESSION wait_timeout = 1234, innodb_lock_wait_timeout = 12, lock_wait_timeout = 123", "postgres: SET lock_timeout = 4321")
	before := state()
	s := sink(t, db, nil)
	write(t, s, punch(101, at(2, 8, 0, 0), attendance.In))
	require.Equal(t, before, state())
	on.exec(t, d.oa.DB(), refusing("HrmScheduleSign", "userId = 102")...)
	w := write(t, s, punch(102, at(2, 8, 0, 0), attendance.In))
	require.Len(t, w.Unwritten, 1)
	require.Contains(t, w.Unwritten[0].Detail, "permission denied")
	require.Equal(t, before, state())
	s.Check(context.Background())
	require.Equal(t, before, state())
}

// Whatever isolation the host's connections come with, eight pools at once write
// each row once.
func TestManyPoolsInAnyIsolation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		on          engine
		name, value string
	}{
		{mariadbEngine(), "tx_isolation", "'SERIALIZABLE'"},
		{mariadbEngine(), "tx_isolation", "'READ-UNCOMMITTED'"},
		{mariadbEngine(), "tx_isolation", "'READ-COMMITTED'"},
		{mariadbEngine(), "autocommit", "0"},
		{postgresEngine(), "default_transaction_isolation", "serializable"},
		{postgresEngine(), "default_transaction_isolation", "repeatable read"},
	} {
		t.Run(c.on.name+"/"+c.name+"="+c.value, func(t *testing.T) {
			c.on.needed(t)
			d := c.on.found(t, ecologytest.Schema{})
			manyPools(t, d, d.with(t, c.name, c.value))
		})
	}
}

func TestManyPoolsWriteOnce(t *testing.T) {
	t.Parallel()
	for _, e := range append(engines(), rollbackEngine()) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.needed(t)
			d := e.found(t, ecologytest.Schema{})
			manyPools(t, d, d)
		})
	}
}

func manyPools(t *testing.T, d, reached database) {
	var group sync.WaitGroup
	written := make([]int, 8)
	for i := range written {
		db := reached.pool(t)
		if i%2 == 0 {
			db.SetMaxOpenConns(1)
		}
		s := sink(t, db, nil)
		group.Go(func() {
			var err error
			if i%4 < 2 {
				written[i], err = writeByPerson(s)
			} else {
				var w attendance.Written
				w, err = s.Write(context.Background(), mixed())
				written[i] = w.Written
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	sum := 0
	for _, n := range written {
		sum += n
	}
	require.Equal(t, 600, sum)
	require.Equal(t, [3]int{300, 300, 90}, counts(t, d.oa))
}

func TestAReadOnlySession(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		on          engine
		name, value string
	}{{postgresEngine(), "default_transaction_read_only", "on"}, {mariadbEngine(), "tx_read_only", "1"}} {
		t.Run(c.on.name, func(t *testing.T) {
			c.on.needed(t)
			d := c.on.found(t, ecologytest.Schema{})
			s := sink(t, d.with(t, c.name, c.value).pool(t), nil)
			_, err := s.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
			require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, "read-only")
			require.Contains(t, finding(t, s.Check(context.Background()), string(attendance.CodeStoreDown)).Message.EN, "read-only")
			require.Empty(t, signs(t, d.oa))
		})
	}
}

// A row that another program has not committed yet, and then takes back, is none.
func TestUncommittedRowsDoNotCount(t *testing.T) {
	t.Parallel()
	onServers(t, testUncommittedRowsDoNotCount)
}

func testUncommittedRowsDoNotCount(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	c, err := d.pool(t).Conn(context.Background())
	require.NoError(t, err)
	defer c.Close()
	for _, statement := range []string{"BEGIN", "INSERT INTO HrmScheduleSign (userId, userType, signType, signDate, signTime, isInCom, signFrom) VALUES (101, '1', '1', '2026-03-02', '08:00:00', '1', 'from_dd')"} {
		_, err := c.ExecContext(context.Background(), statement)
		require.NoError(t, err)
	}
	reached := d
	if on.name == mariadbName {
		reached = d.with(t, "tx_isolation", "'READ-UNCOMMITTED'")
	}
	require.Equal(t, 1, write(t, sink(t, reached.pool(t), nil), punch(101, at(2, 8, 0, 0), attendance.In)).Written)
	_, err = c.ExecContext(context.Background(), "ROLLBACK")
	require.NoError(t, err)
	require.Len(t, signs(t, d.oa), 1)
}
