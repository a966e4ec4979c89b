package dbtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sqlstore"
	"github.com/punchbridge/punchbridge/attendance/storetest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

func stateStream() attendance.Stream { return attendance.Stream{Job: "hq", Source: "dingtalk"} }

// workday are the changes of a slice of n people: all met, read and found to have punched.
func workday(n, day int) []attendance.Change {
	changes := make([]attendance.Change, n)
	for i := range changes {
		changes[i] = attendance.Change{Person: itoa(101 + i), Account: "user" + itoa(101+i), Met: true, Run: "run" + itoa(day), At: now(), Name: "张三" + itoa(i), Key: "A" + itoa(i),
			Covered: attendance.Span{From: at(day, 0, 0, 0), To: at(day+1, 0, 0, 0)}, Punched: at(day, 18, 2, 0), Answered: true}
	}
	return changes
}

// The tables of a newer program are left alone, and so is a store of another prefix.
func TestStoreOfANewerProgram(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		d := on.empty(t)
		storeOn(t, d)
		other, err := sqlstore.New(context.Background(), d.pool(t), &sqlstore.Options{Prefix: "test_"})
		require.NoError(t, err)
		require.NoError(t, other.Remember(context.Background(), stateStream(), workday(3, 1)))
		_, err = d.pool(t).Exec("INSERT INTO punchbridge_store (version) VALUES (99)")
		require.NoError(t, err)
		_, err = sqlstore.New(context.Background(), d.pool(t), nil)
		require.Equal(t, attendance.CodeStore, attendance.CodeOf(err))
		require.ErrorContains(t, err, "version 99")
		_, err = sqlstore.New(context.Background(), d.pool(t), &sqlstore.Options{Prefix: "test_"})
		require.NoError(t, err)
	})
}

// The store may live beside the OA's tables and the ledger's.
func TestStoreBesideALedger(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		d := on.found(t, ecologytest.Schema{})
		require.NoError(t, sink(t, d.pool(t), &oasink.Options{Ledger: &oasink.LedgerOptions{}}).CreateLedger(context.Background()))
		require.NoError(t, storeOn(t, d).Remember(context.Background(), stateStream(), workday(3, 1)))
	})
}

// An account that may not make tables is told what an administrator has to do; then
// it needs no more than the four rights on the tables.
func TestTheLeastRightsOfAStore(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, on engine) {
		d := on.empty(t)
		account, grantee := d.stranger(t)
		_, err := sqlstore.New(context.Background(), account.pool(t), nil)
		require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "sqlstore.Statements")
		admin := d.pool(t)
		statements, err := sqlstore.Statements(admin, nil)
		require.NoError(t, err)
		home := schemaOf(t, d.engine, admin)
		for range 2 {
			for _, statement := range statements {
				_, err := admin.Exec(statement)
				require.NoError(t, err, statement)
				if words := strings.Fields(statement); words[1] == "TABLE" {
					_, err := admin.Exec("GRANT SELECT, INSERT, UPDATE, DELETE ON " + home + "." + words[5] + " TO " + grantee)
					require.NoError(t, err)
				}
			}
		}
		for _, r := range storetest.Rules() {
			if !strings.Contains(r.Name, "streams") && !strings.Contains(r.Name, "slices") && !strings.Contains(r.Name, "rejected: first") {
				continue
			}
			t.Run(r.Name, func(t *testing.T) {
				s, err := sqlstore.New(context.Background(), account.pool(t), nil)
				require.NoError(t, err)
				r.Check(t, s)
			})
		}
		_, err = admin.Exec("REVOKE DELETE ON " + home + ".punchbridge_days FROM " + grantee)
		require.NoError(t, err)
		s, err := sqlstore.New(context.Background(), account.pool(t), nil)
		require.NoError(t, err)
		err = s.SettleDays(context.Background(), "oa", []attendance.PersonDay{{Person: "1", Day: attendance.Date{Year: 2026, Month: 3, Day: 1}}})
		require.Equal(t, attendance.CodeStore, attendance.CodeOf(err))
		require.ErrorContains(t, err, "lacks a right")
	})
}

// stranger returns the database as an account without any right on tables sees it.
func (d database) stranger(t *testing.T) (account database, grantee string) {
	t.Helper()
	db := d.pool(t)
	user := fmt.Sprintf("pb_%d_%d", os.Getpid(), databases.Add(1))
	grantee = user
	if d.name == mariadbName {
		grantee = "'" + user + "'@'%'"
	}
	home, owner := schemaOf(t, d.engine, db), d
	t.Cleanup(func() {
		owner.exec(t, owner.pool(t), "mariadb: DROP USER "+grantee, "postgres: DROP OWNED BY "+user, "postgres: DROP ROLE "+user)
	})
	d.exec(t, db, "mariadb: CREATE USER "+grantee, "mariadb: GRANT SHOW VIEW ON "+home+".* TO "+grantee,
		"postgres: CREATE ROLE "+user+" LOGIN", "postgres: GRANT USAGE ON SCHEMA "+home+" TO "+user)
	if d.name == mariadbName {
		config, err := mysql.ParseDSN(d.dsn)
		require.NoError(t, err)
		config.User, config.Passwd = user, ""
		d.dsn = config.FormatDSN()
		return d, grantee
	}
	dsn, err := url.Parse(d.dsn)
	require.NoError(t, err)
	dsn.User = url.User(user)
	d.dsn = dsn.String()
	return d, grantee
}

// A database that is away, closed or read-only ends a run.
func TestStoreThatIsDown(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		d := on.empty(t)
		db := d.pool(t)
		s, err := sqlstore.New(context.Background(), db, nil)
		require.NoError(t, err)
		require.NoError(t, db.Close())
		_, err = s.Owed(context.Background(), stateStream())
		require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
		err = s.Remember(context.Background(), stateStream(), workday(1, 1))
		require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
	})
	file := t.TempDir() + "/nothere/state.db"
	_, err := sqlstore.New(context.Background(), sqliteEngine().open(t, "file:"+file), nil)
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
	_, err = sqlstore.New(context.Background(), mariadbEngine().open(t, "root:secret@tcp(127.0.0.1:1)/x"), nil)
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
	require.NotContains(t, err.Error(), "secret")
	_, err = sqlstore.New(context.Background(), postgresEngine().open(t, "postgres://postgres:secret@127.0.0.1:1/x"), nil)
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
	require.NotContains(t, err.Error(), "secret")
	path := t.TempDir() + "/state.db"
	_, err = sqlstore.New(context.Background(), sqliteEngine().open(t, "file:"+path), nil)
	require.NoError(t, err)
	s, err := sqlstore.New(context.Background(), sqliteEngine().open(t, "file:"+path+"?mode=ro"), nil)
	require.NoError(t, err, "reading is still possible")
	err = s.Remember(context.Background(), stateStream(), workday(1, 1))
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "read-only")
}

// Every connection breaks once at another statement of the work: nothing is lost, and
// nothing is there twice.
func TestStoreWhoseConnectionsBreak(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, on engine) {
		for at := 1; at <= 14; at++ {
			d := on.empty(t)
			storeOn(t, d)
			var seen atomic.Int64
			db := d.struck(t, func(string) error {
				if seen.Add(1) == int64(at) {
					return errors.New("connection reset by peer")
				}
				return nil
			})
			s, err := sqlstore.New(context.Background(), db, nil)
			require.NoError(t, err)
			require.NoError(t, s.Remember(context.Background(), stateStream(), workday(5, 1)))
			require.NoError(t, s.AddSlice(context.Background(), "r", attendance.SliceRecord{Source: "dingtalk"}))
			require.NoError(t, s.AddSlice(context.Background(), "r", attendance.SliceRecord{Source: "dingtalk"}))
			people, slices := 0, 0
			for c, err := range s.People(context.Background(), stateStream()) {
				require.NoError(t, err)
				require.Len(t, c.Covered, 1)
				people++
			}
			for _, err := range s.Slices(context.Background(), "r") {
				require.NoError(t, err)
				slices++
			}
			require.Equal(t, [2]int{5, 2}, [2]int{people, slices})
		}
	})
}

// A database that stays locked is waited for, not for ever; a context ends the wait.
func TestStoreThatIsLocked(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		d := on.empty(t)
		require.NoError(t, storeOn(t, d).Remember(context.Background(), stateStream(), workday(1, 1)))
		s, err := sqlstore.New(context.Background(), d.pool(t), &sqlstore.Options{Patience: 50 * time.Millisecond})
		require.NoError(t, err)
		c, err := d.pool(t).Conn(context.Background())
		require.NoError(t, err)
		defer c.Close()
		begin := "BEGIN"
		if on.name == sqliteName {
			begin = "BEGIN IMMEDIATE"
		}
		exec := func(c bun.Conn, statement string) {
			_, err := c.ExecContext(context.Background(), statement)
			require.NoError(t, err)
		}
		exec(c, begin)
		exec(c, "UPDATE punchbridge_streams SET id = id")
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		err = s.Remember(ctx, stateStream(), workday(1, 2))
		if on.name == sqliteName {
			require.Equal(t, attendance.CodeStore, attendance.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, "busy")
		} else {
			require.Equal(t, context.DeadlineExceeded, err, "servers wait by themselves")
		}
		exec(c, "ROLLBACK")
		require.NoError(t, s.Remember(context.Background(), stateStream(), workday(1, 2)))
	})
}

func TestStoreKeysThatAreTooLong(t *testing.T) {
	t.Parallel()
	s := storeOn(t, sqliteEngine().empty(t))
	change := attendance.Change{Person: strings.Repeat("x", sqlstore.KeyLimit+1), Answered: true}
	err := s.Remember(context.Background(), stateStream(), []attendance.Change{change})
	require.Equal(t, attendance.CodeStore, attendance.CodeOf(err))
	require.ErrorContains(t, err, "320")
	_, err = sqlstore.New(context.Background(), sqliteEngine().empty(t).pool(t), &sqlstore.Options{Prefix: "x; DROP"})
	require.ErrorContains(t, err, "Prefix")
}

// However many changes there are, it is a handful of statements.
func TestStoreRemembersInAHandfulOfStatements(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		d := on.empty(t)
		var statements []string
		db := d.struck(t, func(query string) error { statements = append(statements, query); return nil })
		s, err := sqlstore.New(context.Background(), db, nil)
		require.NoError(t, err)
		require.NoError(t, s.Remember(context.Background(), stateStream(), workday(1000, 1)))
		statements = nil
		require.NoError(t, s.Remember(context.Background(), stateStream(), workday(1000, 2)))
		short := slices.Clone(statements)
		for i, q := range short {
			short[i] = q[:min(len(q), 60)]
		}
		require.LessOrEqual(t, len(statements), 9, "%s", strings.Join(short, "\n"))
	})
}

// BenchmarkRemember notes slices of people, as a run over the next day does: everybody
// is met, and what is covered grows by a day.
func BenchmarkRemember(b *testing.B) {
	for _, e := range engines() {
		for _, n := range []int{50, 1000} {
			b.Run(fmt.Sprintf("%s/%d", e.name, n), func(b *testing.B) {
				e.needed(b)
				s := storeOn(b, e.empty(b))
				require.NoError(b, s.Remember(context.Background(), stateStream(), workday(1000, 1)))
				day := 1
				for b.Loop() {
					day++
					require.NoError(b, s.Remember(context.Background(), stateStream(), workday(n, day)))
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "changes/s")
			})
		}
	}
}

// BenchmarkRecall reads what is known of people.
func BenchmarkRecall(b *testing.B) {
	for _, e := range engines() {
		b.Run(e.name+"/1000", func(b *testing.B) {
			e.needed(b)
			s := storeOn(b, e.empty(b))
			require.NoError(b, s.Remember(context.Background(), stateStream(), workday(1000, 1)))
			persons := make([]string, 1000)
			for i := range persons {
				persons[i] = itoa(101 + i)
			}
			for b.Loop() {
				known, err := s.Recall(context.Background(), stateStream(), persons)
				require.NoError(b, err)
				require.Len(b, known, 1000)
			}
			b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "people/s")
		})
	}
}

// The answer to each statement, that to COMMIT too, is lost once: what was done is
// found, and neither done again nor lost.
func TestStoreWhoseAnswersAreLost(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, on engine) {
		direct := on.empty(t)
		s := storeOn(t, direct)
		claimed, added := 0, 0
		for step := 1; step <= 16; step++ {
			p, behind := through(t, direct)
			var seen atomic.Int64
			db := behind.struck(t, func(string) error {
				if seen.Add(1) == int64(step) {
					p.deafen()
				}
				return nil
			})
			broken, err := sqlstore.New(context.Background(), db, nil)
			require.NoError(t, err)
			when := at(1, 0, 0, step)
			ticked, err := broken.Tick(context.Background(), "job", when, "me")
			require.NoError(t, err)
			require.True(t, ticked, "step %d", step)
			claimed++
			require.NoError(t, broken.AddSlice(context.Background(), "r", attendance.SliceRecord{Source: "dingtalk", At: when}))
			added++
			require.NoError(t, broken.Remember(context.Background(), stateStream(), workday(3, 1)))
		}
		slices := 0
		for _, err := range s.Slices(context.Background(), "r") {
			require.NoError(t, err)
			slices++
		}
		require.Equal(t, added, slices)
		require.Equal(t, 16, claimed)
	})
}
