package dbtest

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A connection that breaks before, or instead of the answer to, any statement of a
// write costs nothing: the write goes on with another one, and counts as written
// what it has written, also where it never heard of its commit.
func TestConnectionsThatBreak(t *testing.T) {
	t.Parallel()
	onServers(t, testConnectionsThatBreak)
}

func testConnectionsThatBreak(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	p, behind := through(t, d)
	for name, strike := range map[string]func(){"before": p.cut, "instead of the answer": p.deafen} {
		t.Run(name, func(t *testing.T) {
			c := &counter{}
			db := behind.struck(t, c.strike)
			s := sink(t, db, nil)
			for n := 1; ; n++ {
				c.arm(n, func() error { strike(); return nil })
				w, err := s.Write(context.Background(), mixed())
				seen := c.disarm()
				require.NoError(t, err, "after a cut at statement %d", n)
				require.Equal(t, 600, w.Written, "after a cut at statement %d", n)
				require.Zero(t, w.Present)
				require.Len(t, w.Days, 70)
				got := counts(t, d.oa)
				require.Equal(t, [2]int{300, 300}, [2]int(got[:2]), "after a cut at statement %d", n)
				require.Contains(t, []int{90, 180}, got[2], "the queue may hold each day twice")
				on.exec(t, d.oa.DB(), "DELETE FROM HrmScheduleSign", "DELETE FROM mobile_sign", "DELETE FROM kq_format_pool")
				if seen < n {
					require.Greater(t, n, 7, "there are several statements to strike at")
					return
				}
			}
		})
	}
}

// What another run has written while the fate of our commit was unknown is not
// ours to claim, unless it is the very same.
func TestALostCommitDoesNotClaimOthersRows(t *testing.T) {
	t.Parallel()
	onServers(t, testALostCommitDoesNotClaimOthersRows)
}

func testALostCommitDoesNotClaimOthersRows(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	p, behind := through(t, d)
	in, out := punch(101, at(2, 8, 0, 0), attendance.In), punch(101, at(2, 18, 0, 0), attendance.Out)
	visit := field(101, at(2, 12, 0, 0))
	write(t, sink(t, d.pool(t), nil), out, visit) // there before us
	for _, cut := range []string{"", "mobile_sign", map[string]string{mariadbName: "GET_LOCK", postgresName: "BEGIN"}[on.name]} {
		commits, looks := 0, 0
		db := behind.struck(t, func(query string) error {
			switch {
			case strings.HasPrefix(query, "COMMIT"):
				if commits++; commits == 1 {
					p.deafen()
				}
			case commits == 1 && cut != "" && strings.Contains(query, cut):
				if looks++; looks == 1 {
					p.cut() // the second try ends before it has looked everywhere, or at all
				}
			}
			return nil
		})
		w := write(t, sink(t, db, nil), in, out, visit)
		require.Equal(t, 2, commits)
		require.Equal(t, cut != "", looks == 2)
		require.Equal(t, [2]int{1, 2}, [2]int{w.Written, w.Present})
		require.Len(t, w.Days, 1)
		require.Len(t, signs(t, d.oa), 2)
		require.Len(t, mobiles(t, d.oa), 1)
		on.exec(t, d.oa.DB(), "DELETE FROM HrmScheduleSign WHERE signTime = '08:00:00'")
	}
}

// The server ends connections again and again: each write is retried, and each
// punch is counted and stored once.
func TestAServerThatKillsConnections(t *testing.T) {
	t.Parallel()
	onServers(t, testAServerThatKillsConnections)
}

func testAServerThatKillsConnections(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	db := d.pool(t)
	s := sink(t, db, nil)
	require.NoError(t, killOthers(d.oa.DB(), on), "also what is idle in the pool")
	done := make(chan struct{})
	var group sync.WaitGroup
	killed := 0
	killer := d.pool(t)
	killer.SetMaxOpenConns(1)
	group.Go(func() {
		for i := 0; i < 30; i++ {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(rand.IntN(40)) * time.Millisecond):
			}
			if killOthers(killer, on) == nil {
				killed++
			}
		}
	})
	n := 0
	for range 5 { // the later ones find all there
		k, err := writeByPerson(s)
		require.NoError(t, err)
		n += k
	}
	close(done)
	group.Wait()
	require.Positive(t, killed)
	rest, err := writeByPerson(sink(t, d.pool(t), nil))
	require.NoError(t, err)
	require.Equal(t, [2]int{600, 0}, [2]int{n, rest})
	got := counts(t, ecologytest.Open(d.pool(t), 0))
	require.Equal(t, [2]int{300, 300}, [2]int(got[:2]))
}

// killOthers ends all other connections to the test's database.
func killOthers(db *bun.DB, on engine) error {
	ctx := context.Background()
	if on.name == postgresName {
		_, err := db.ExecContext(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		return err
	}
	var list string
	err := db.QueryRowContext(ctx, "SELECT COALESCE(GROUP_CONCAT(id), '') FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()").Scan(&list)
	for _, id := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
		_, _ = db.ExecContext(ctx, "KILL "+id) // it may have gone
	}
	return err
}

// Connections that have gone stale in the pool are replaced.
func TestStaleConnections(t *testing.T) {
	t.Parallel()
	onServers(t, testStaleConnections)
}

func testStaleConnections(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	db := d.pool(t)
	db.SetMaxIdleConns(8)
	s := sink(t, db, nil)
	var conns []bun.Conn
	for range 6 {
		c, err := db.Conn(context.Background())
		require.NoError(t, err)
		require.NoError(t, c.PingContext(context.Background()))
		conns = append(conns, c)
	}
	for _, c := range conns {
		require.NoError(t, c.Close())
	}
	require.NoError(t, killOthers(d.oa.DB(), on))
	require.Equal(t, 1, write(t, s, punch(101, at(2, 8, 0, 0), attendance.In)).Written)
	require.Len(t, signs(t, d.oa), 1)
}

func TestAServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	onServers(t, testAServerThatIsNotThere)
}

func testAServerThatIsNotThere(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	p, behind := through(t, d)
	db := behind.pool(t)
	s := sink(t, db, nil)
	require.NoError(t, p.listener.Close())
	p.cut()
	db.SetMaxIdleConns(0)
	_, err := s.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
	findings := s.Check(context.Background())
	require.Len(t, findings, 1)
	require.Equal(t, string(attendance.CodeStoreDown), findings[0].Code)
}
