//go:build linux

package dbtest

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A disk that gets full while a batch is written: the batch is not there, not even
// a part of it, the error names the disk and the mend, what was there before is
// unharmed, and once there is space again the next run is exact.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	for name, ledger := range map[string]*oasink.LedgerOptions{"rows only": nil, "with a ledger": {Withdrawn: oasink.DeleteWithdrawn}} {
		t.Run(name, func(t *testing.T) {
			t.Run(sqliteName, func(t *testing.T) {
				d := sqliteEngine().found(t, ecologytest.Schema{Generation: oasink.E9})
				narrow := d
				narrow.dsn += "&_pragma=max_page_count(120)"
				testAFullDisk(t, d, narrow, ledger, func() {}, func() database { return d })
			})
			privately(t, func(t *testing.T, p *privateServer) {
				if p.name == postgresName {
					testAFullPostgreSQL(t, p, ledger)
				} else {
					testAFullMariaDB(t, p, ledger)
				}
			})
		})
	}
}

// testAFullPostgreSQL: no file may grow beyond 2 MiB and half a page. A write that
// goes beyond is cut short, as on a disk without space.
func testAFullPostgreSQL(t *testing.T, p *privateServer, ledger *oasink.LedgerOptions) {
	unlimited := p.command
	p.command = func(options ...string) *exec.Cmd {
		cmd := unlimited(options...)
		cmd.Args = append([]string{"sh", "-c", `ulimit -f "$0" && exec "$@"`, strconv.Itoa((2<<20 + 4<<10) / 512), cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
		return cmd
	}
	p.start()
	d := p.found(t, ecologytest.Schema{Generation: oasink.E9})
	testAFullDisk(t, d, d, ledger, func() {}, func() database {
		p.stop()
		p.command = unlimited
		p.start()
		d.oa = ecologytest.Open(d.pool(t), oasink.E9)
		return d
	})
}

// testAFullMariaDB: all tables are in one file that may not grow, and another table
// leaves them no space there.
func testAFullMariaDB(t *testing.T, p *privateServer, ledger *oasink.LedgerOptions) {
	const files = "--innodb-data-file-path=ibdata1:12M;ibdata2:24M"
	p.start("--innodb-file-per-table=0", files)
	d := p.found(t, ecologytest.Schema{Generation: oasink.E9})
	d.exec(t, d.oa.DB(), "CREATE TABLE filler (a VARCHAR(8000) CHARACTER SET latin1) ENGINE=InnoDB")
	testAFullDisk(t, d, d, ledger, func() {
		for _, rows := range []string{"100", "1"} {
			var err error
			for err == nil {
				_, err = d.oa.DB().Exec("INSERT INTO filler SELECT REPEAT('x', 8000) FROM seq_1_to_" + rows)
			}
			require.ErrorContains(t, err, "1114")
		}
	}, func() database {
		p.stop()
		p.start("--innodb-file-per-table=0", files+":autoextend")
		d.oa = ecologytest.Open(d.pool(t), oasink.E9)
		return d
	})
}

func testAFullDisk(t *testing.T, d, narrow database, ledger *oasink.LedgerOptions, fill func(), free func() database) {
	t.Helper()
	s := sink(t, narrow.pool(t), &oasink.Options{Ledger: ledger})
	require.NoError(t, s.CreateLedger(context.Background()))
	few := []attendance.Punch{record("a", punch(101, at(2, 8, 0, 0), attendance.In)), record("b", field(102, at(2, 9, 0, 0)))}
	require.Equal(t, 2, write(t, s, few...).Written)
	fill()
	before, queued := held(t, d.oa), counts(t, d.oa)
	many := few
	for n := range 5_000 {
		p := punch(101+n%10, at(2+n%7, 0, 1, 5*n), attendance.Direction(1+n%2))
		p.Place.Address = strings.Repeat("文一西路 ", 40)
		many = append(many, record("m"+itoa(n), p))
	}
	for range 2 { // the second time the connection has a failure behind it
		w, err := s.Write(context.Background(), batch(many...))
		require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "the database's disk is full")
		mend := mendOf(t, err)
		require.Contains(t, mend.EN, "disk space")
		require.Contains(t, mend.ZH, "磁盘空间")
		require.Zero(t, w.Written)
		require.Equal(t, before, held(t, d.oa), "nothing of it is there, and what was there is unharmed")
		require.Equal(t, queued, counts(t, d.oa))
		if ledger != nil {
			requireLedgerOf(t, d)
		}
	}
	d = free()
	s = sink(t, d.pool(t), &oasink.Options{Ledger: ledger})
	w, err := s.Write(context.Background(), batch(many...))
	require.NoError(t, err)
	require.Equal(t, [2]int{len(many) - 2, 2}, [2]int{w.Written, w.Present})
	require.Len(t, held(t, d.oa), len(many))
	requireOnce(t, d.oa)
	if ledger != nil {
		requireLedgerOf(t, d)
	}
}
