package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sqlstore"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// over is the same database by a dsn with further parameters.
func (d database) over(parameters string) database {
	join := "?"
	if strings.Contains(d.dsn, "?") {
		join = "&"
	}
	d.dsn += join + parameters
	return d
}

// chinese is a punch whose address ends a literal, where a session takes it for GBK.
func chinese(person int) attendance.Punch {
	p := punch(person, at(2, 8, 0, 0), attendance.In)
	p.Place.Address = `文一西路1号楼', '卡"` + "`" + `\`
	return p
}

// A session that takes what is sent for another character set is refused before
// anything is read or written, whoever has set it so.
func TestSessionsOfAnotherCharacterSetAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		on         engine
		parameters string
	}{
		{mariadbEngine(), "charset=gbk"}, {mariadbEngine(), "charset=gbk&interpolateParams=true"}, {mariadbEngine(), "charset=latin1"},
		{mariadbEngine(), "charset=latin1&interpolateParams=true"}, {mariadbEngine(), "character_set_results=gbk"}, {mariadbEngine(), "character_set_connection=latin1"},
		{postgresEngine(), "client_encoding=GBK"}, {postgresEngine(), "client_encoding=LATIN1"},
	} {
		t.Run(c.on.name+" "+c.parameters, func(t *testing.T) {
			c.on.needed(t)
			d := c.on.found(t, ecologytest.Schema{})
			_, err := oasink.New(context.Background(), d.over(c.parameters).pool(t), nil)
			require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, "does not come back")
			require.Contains(t, mendOf(t, err).ZH, "UTF-8")
		})
	}
	for _, c := range []struct {
		on         engine
		parameters string
	}{{mariadbEngine(), "charset=utf8mb4"}, {mariadbEngine(), "charset=utf8&interpolateParams=true"}, {mariadbEngine(), "interpolateParams=true&sql_mode=%27NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH%27"},
		{postgresEngine(), "standard_conforming_strings=off"}, {postgresEngine(), "client_encoding=UTF8"}} {
		t.Run(c.on.name+" "+c.parameters, func(t *testing.T) {
			c.on.needed(t)
			d := c.on.found(t, ecologytest.Schema{}).over(c.parameters)
			s := sink(t, d.pool(t), nil)
			require.Equal(t, 1, write(t, s, chinese(101)).Written)
			require.Equal(t, 1, write(t, s, chinese(101)).Present)
			require.Equal(t, chinese(101).Place.Address, signs(t, d.oa)[0].Addr)
			for _, f := range s.Check(context.Background()) {
				require.NotEqual(t, attendance.LevelError, f.Level, f.Message.EN)
			}
		})
	}
}

// One session of a pool may differ from the others: each is looked at where it writes.
func TestASessionThatChangesItsCharacterSet(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, on engine) {
		d := on.found(t, ecologytest.Schema{})
		db := d.pool(t)
		db.SetMaxOpenConns(1)
		s := sink(t, db, nil)
		write(t, s, chinese(101))
		if on.name == postgresName { // the transaction sets it as it must be
			on.exec(t, db, "SET client_encoding = 'GBK'", "SET standard_conforming_strings = off")
			require.Equal(t, 1, write(t, s, chinese(102)).Written)
		} else {
			on.exec(t, db, "SET NAMES gbk")
			_, err := s.Write(context.Background(), batch(chinese(102)))
			require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, "character_set_client gbk")
			require.Equal(t, attendance.LevelError, finding(t, s.Check(context.Background()), string(attendance.CodeStore)).Level)
			require.Len(t, signs(t, d.oa), 1, "nothing is written")
			on.exec(t, db, "SET NAMES utf8mb4")
			require.Equal(t, 1, write(t, s, chinese(102)).Written)
		}
		for _, row := range signs(t, d.oa) {
			require.Equal(t, chinese(101).Place.Address, row.Addr)
		}
	})
}

// Settings that a server forces upon sessions neither stop a write nor make it miss
// rows that are there, and the host finds them as they were.
func TestForcedSettings(t *testing.T) {
	t.Parallel()
	settings := map[string][]string{
		mariadbName: {"autocommit=0", "sql_safe_updates=1", "sql_select_limit=1", "max_statement_time=25", "completion_type=1", "wait_timeout=20", "sql_mode=''",
			"lock_wait_timeout=77", "innodb_lock_wait_timeout=7", "max_join_size=1", "sql_big_selects=0"},
		postgresName: {"statement_timeout=12345", "lock_timeout=2345", "idle_in_transaction_session_timeout=3456"},
	}
	onServers(t, func(t *testing.T, on engine) {
		d := on.found(t, ecologytest.Schema{})
		db := d.pool(t)
		db.SetMaxOpenConns(1)
		s := ledgerOn(t, db)
		var before []string
		now := func() (list []string) {
			for _, setting := range settings[on.name] {
				name, _, _ := strings.Cut(setting, "=")
				query := "SELECT @@SESSION." + name
				if on.name == postgresName {
					query = "SHOW " + name
				}
				var value string
				require.NoError(t, db.QueryRow(query).Scan(&value))
				list = append(list, name+" "+value)
			}
			return list
		}
		for _, setting := range settings[on.name] {
			on.exec(t, db, "SET SESSION "+setting)
		}
		before = now()
		punches := []attendance.Punch{record("1", punch(101, at(2, 8, 0, 0), attendance.In)), record("2", punch(101, at(2, 18, 0, 0), attendance.Out)),
			record("3", punch(102, at(3, 8, 0, 0), attendance.In)), record("4", field(102, at(3, 9, 0, 0)))}
		require.Equal(t, 4, write(t, s, punches...).Written)
		require.Equal(t, before, now())
		require.Equal(t, 4, write(t, s, punches...).Present, "no row is hidden")
		moved := record("1", punch(101, at(2, 8, 1, 0), attendance.In))
		write(t, s, append([]attendance.Punch{moved}, punches[1:]...)...)
		require.Equal(t, 4, write(t, s, append([]attendance.Punch{moved}, punches[1:]...)...).Present)
		require.Len(t, held(t, d.oa), 4)
		if on.name == mariadbName { // what reads people, too, would be cut short by it
			f := finding(t, s.Check(context.Background()), string(attendance.CodeStore))
			require.Contains(t, f.Message.EN, "a setting of the database is in the way")
			require.Contains(t, f.Mend.ZH, "sql_big_selects=1")
			on.exec(t, db, "SET SESSION max_join_size = DEFAULT", "SET SESSION sql_big_selects = 1")
			require.Contains(t, finding(t, s.Check(context.Background()), string(attendance.CodeStore)).Message.EN, "sql_select_limit")
			on.exec(t, db, "SET SESSION sql_select_limit = DEFAULT")
			before = now()
		}
		for _, f := range s.Check(context.Background()) {
			require.NotEqual(t, attendance.LevelError, f.Level, f.Message.EN)
		}
		require.Equal(t, before, now())
	})
}

// Where autocommit is off a read sees what was there when its connection was first
// read on: it begins anew each time.
func TestReadsWithoutAutocommit(t *testing.T) {
	t.Parallel()
	on := mariadbEngine()
	on.needed(t)
	d := on.found(t, ecologytest.Schema{})
	db := d.over("autocommit=0").pool(t)
	s := sink(t, db, nil)
	people := func() (n int) {
		for _, err := range s.Scope(oasink.Units{}, oasink.ByID(nil)).Members(context.Background()) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	require.NoError(t, d.oa.AddSubCompanies(context.Background(), ecologytest.SubCompany{ID: 1}))
	require.NoError(t, d.oa.AddDepartments(context.Background(), ecologytest.Department{ID: 11, Subcompany: 1}))
	before := people()
	require.NoError(t, d.oa.AddStaff(context.Background(), ecologytest.Person{ID: 901, LoginID: "x", Name: "新员工", Department: 11, Subcompany: 1, Status: 1}))
	require.Equal(t, before+1, people())
	on.exec(t, d.oa.DB(), "ALTER TABLE HrmResource ADD COLUMN extra INT") // which an open transaction would hold up
}

// splitting is a proxy that sends what reads to a connection of its own.
type splitting struct {
	connector
	// within says that it does so also within a transaction.
	within bool
}

func (s *splitting) Connect(context.Context) (driver.Conn, error) {
	writer, err := s.driver.Open(s.dsn)
	if err != nil {
		return nil, err
	}
	reader, err := s.driver.Open(s.dsn)
	return &splitConn{Conn: writer, reader: reader, within: s.within}, err
}

type splitConn struct {
	driver.Conn
	reader       driver.Conn
	within, open bool
}

func (c *splitConn) choose(query string) driver.Conn {
	switch {
	case strings.HasPrefix(query, "START"):
		c.open = true
	case strings.HasPrefix(query, "COMMIT"), strings.HasPrefix(query, "ROLLBACK AND"):
		c.open = false
	case strings.HasPrefix(query, "SELECT") && (c.within || !c.open):
		return c.reader
	}
	return c.Conn
}

func (c *splitConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.choose(query).(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *splitConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.choose(query).(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *splitConn) Close() error { return errors.Join(c.Conn.Close(), c.reader.Close()) }

// A proxy that sends reads to a copy takes the lock there as well, unless it keeps
// transactions together: nothing is written under such a lock, and check says why.
func TestALockOnAnotherServer(t *testing.T) {
	t.Parallel()
	on := mariadbEngine()
	on.needed(t)
	for name, within := range map[string]bool{"outside of transactions": false, "within them too": true} {
		t.Run(name, func(t *testing.T) {
			d := on.found(t, ecologytest.Schema{})
			db := bun.NewDB(sql.OpenDB(&splitting{connector{on.driver, d.over("interpolateParams=true").dsn}, within}), on.dialect())
			t.Cleanup(func() { _ = db.Close() })
			s := sink(t, db, nil)
			findings := s.Check(context.Background())
			w, err := s.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
			if !within {
				require.NoError(t, err)
				require.Equal(t, 1, w.Written)
				finding(t, findings, "rights")
				return
			}
			require.Contains(t, finding(t, findings, string(attendance.CodeStore)).Message.EN, "GET_LOCK")
			require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, "on another server")
			require.Empty(t, signs(t, d.oa))
		})
	}
}

// The state is bytes and ASCII on its way: no session's character set changes it.
func TestStoreInASessionOfAnotherCharacterSet(t *testing.T) {
	t.Parallel()
	for parameters, on := range map[string]engine{"charset=gbk": mariadbEngine(), "charset=latin1&interpolateParams=true": mariadbEngine(), "sql_safe_updates=1&autocommit=0&completion_type=1": mariadbEngine(),
		"client_encoding=GBK": postgresEngine()} {
		t.Run(on.name+" "+parameters, func(t *testing.T) {
			on.needed(t)
			d := on.empty(t).over(parameters)
			ctx := context.Background()
			state, err := sqlstore.New(ctx, d.pool(t), nil)
			require.NoError(t, err)
			require.NoError(t, state.Remember(ctx, stateStream(), workday(3, 1)))
			require.NoError(t, state.Remember(ctx, stateStream(), workday(3, 2)))
			var names []string
			for r, err := range state.People(ctx, stateStream()) {
				require.NoError(t, err)
				names = append(names, r.Name)
			}
			require.Equal(t, []string{"张三0", "张三1", "张三2"}, names)
		})
	}
}

// What is read outside of writes obeys the server's limit to joins: it is named, with what
// mends it.
func TestALimitToJoinsIsNamed(t *testing.T) {
	t.Parallel()
	on := mariadbEngine()
	on.needed(t)
	d := on.found(t, ecologytest.Schema{})
	_, err := oasink.New(context.Background(), d.over("max_join_size=1").pool(t), nil)
	require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "a setting of the database is in the way")
	require.ErrorContains(t, err, "add sql_big_selects=1 to the dsn")
}
