package dbtest

import (
	"context"
	"database/sql/driver"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun/driver/pgdriver"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sqlstore"
	"github.com/punchbridge/punchbridge/attendance/storetest"
)

func storeOn(t testing.TB, d database) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.New(context.Background(), d.pool(t), nil)
	require.NoError(t, err)
	return s
}

func TestStoreConformance(t *testing.T) {
	t.Parallel()
	for _, e := range append(engines(), rollbackEngine()) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.needed(t)
			storetest.Run(t, func(t testing.TB) attendance.Store {
				d := e.empty(t)
				return &processes{all: []attendance.Store{storeOn(t, d), storeOn(t, d)}}
			})
		})
	}
}

// The host may use whichever driver.
func TestStoreOnOtherDriversOfPostgres(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]driver.Driver{"lib/pq": &pq.Driver{}, "pgdriver": pgdriver.NewDriver()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			long(t, "the store's whole kit on a further driver")
			postgresEngine().needed(t)
			storetest.Run(t, func(t testing.TB) attendance.Store { return storeOn(t, postgresBy(d).empty(t)) })
		})
	}
}

// One connection is enough: none is held while a stream yields.
func TestStoreOnOneConnection(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		if on.name != sqliteName {
			long(t, "the kit of stores once more, on one connection to a server")
		}
		for _, r := range storetest.Rules() {
			t.Run(r.Name, func(t *testing.T) {
				db := on.empty(t).pool(t)
				db.SetMaxOpenConns(1)
				s, err := sqlstore.New(context.Background(), db, nil)
				require.NoError(t, err)
				r.Check(t, s)
			})
		}
	})
}

// processes are several stores on one database, each with a pool of its own: each
// call goes to the next.
type processes struct {
	all  []attendance.Store
	next atomic.Int64
}

func (p *processes) one() attendance.Store { return p.all[int(p.next.Add(1))%len(p.all)] }

func (p *processes) Owed(ctx context.Context, s attendance.Stream) (attendance.Spans, error) {
	return p.one().Owed(ctx, s)
}

func (p *processes) Owe(ctx context.Context, s attendance.Stream, add attendance.Span, forgiven time.Time) error {
	return p.one().Owe(ctx, s, add, forgiven)
}

func (p *processes) Recall(ctx context.Context, s attendance.Stream, persons []string) ([]attendance.Coverage, error) {
	return p.one().Recall(ctx, s, persons)
}

func (p *processes) People(ctx context.Context, s attendance.Stream) iter.Seq2[attendance.Coverage, error] {
	return p.one().People(ctx, s)
}

func (p *processes) Remember(ctx context.Context, s attendance.Stream, changes []attendance.Change) error {
	return p.one().Remember(ctx, s, changes)
}

func (p *processes) BeginRun(ctx context.Context, r attendance.RunRecord) error {
	return p.one().BeginRun(ctx, r)
}

func (p *processes) AddSlice(ctx context.Context, run string, s attendance.SliceRecord) error {
	return p.one().AddSlice(ctx, run, s)
}

func (p *processes) EndRun(ctx context.Context, r attendance.RunRecord) error {
	return p.one().EndRun(ctx, r)
}

func (p *processes) Runs(ctx context.Context, f attendance.RunFilter) iter.Seq2[attendance.RunRecord, error] {
	return p.one().Runs(ctx, f)
}

func (p *processes) Slices(ctx context.Context, run string) iter.Seq2[attendance.SliceRecord, error] {
	return p.one().Slices(ctx, run)
}

func (p *processes) Prune(ctx context.Context, slices, runs time.Time) error {
	return p.one().Prune(ctx, slices, runs)
}

func (p *processes) Lease(ctx context.Context, name, owner string, at time.Time, over attendance.Holder) (attendance.Holder, error) {
	return p.one().Lease(ctx, name, owner, at, over)
}

func (p *processes) Beat(ctx context.Context, name, owner string, at time.Time) (bool, error) {
	return p.one().Beat(ctx, name, owner, at)
}

func (p *processes) Release(ctx context.Context, name, owner string) error {
	return p.one().Release(ctx, name, owner)
}

func (p *processes) Tick(ctx context.Context, job string, at time.Time, owner string) (bool, error) {
	return p.one().Tick(ctx, job, at, owner)
}

func (p *processes) LastTick(ctx context.Context, job string) (time.Time, error) {
	return p.one().LastTick(ctx, job)
}

func (p *processes) Spend(ctx context.Context, corp, month string, n, most int) (int, bool, error) {
	return p.one().Spend(ctx, corp, month, n, most)
}

func (p *processes) Reject(ctx context.Context, s attendance.Stream, members []attendance.Member, span attendance.Span, at time.Time, records []attendance.Rejected) error {
	return p.one().Reject(ctx, s, members, span, at, records)
}

func (p *processes) Rejected(ctx context.Context, s attendance.Stream, span attendance.Span) iter.Seq2[attendance.Rejected, error] {
	return p.one().Rejected(ctx, s, span)
}

func (p *processes) Tally(ctx context.Context, s attendance.Stream, tallies []attendance.Tally) error {
	return p.one().Tally(ctx, s, tallies)
}

func (p *processes) Tallies(ctx context.Context, s attendance.Stream, first, last attendance.Date) ([]attendance.Tally, error) {
	return p.one().Tallies(ctx, s, first, last)
}

func (p *processes) OweDays(ctx context.Context, target string, days []attendance.PersonDay) error {
	return p.one().OweDays(ctx, target, days)
}

func (p *processes) SettleDays(ctx context.Context, target string, days []attendance.PersonDay) error {
	return p.one().SettleDays(ctx, target, days)
}

func (p *processes) OwedDays(ctx context.Context, target string, limit int) ([]attendance.PersonDay, error) {
	return p.one().OwedDays(ctx, target, limit)
}

// Eight processes that start at once make the tables once.
func TestStoresThatBeginAtOnce(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		d := on.empty(t)
		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			db := d.pool(t)
			all.Go(func() {
				s, err := sqlstore.New(context.Background(), db, nil)
				if err == nil {
					err = s.Owe(context.Background(), attendance.Stream{Job: fmt.Sprint(i)}, attendance.Span{From: at(1, 0, 0, 0), To: at(2, 0, 0, 0)}, time.Time{})
				}
				errs[i] = err
			})
		}
		all.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		var n int
		require.NoError(t, d.pool(t).QueryRow("SELECT COUNT(*) FROM punchbridge_store WHERE version > 0").Scan(&n))
		require.Equal(t, 1, n)
		require.NoError(t, d.pool(t).QueryRow("SELECT COUNT(DISTINCT id) FROM punchbridge_streams").Scan(&n))
		require.Equal(t, 8, n)
	})
}
