package dbtest

import (
	"context"
	"iter"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// fullHouse is a directory of n accounts that are made while they are read.
type fullHouse int

func (n fullHouse) Accounts(context.Context) iter.Seq2[attendance.Account, error] {
	return func(yield func(attendance.Account, error) bool) {
		for i := range int(n) {
			if !yield(attendance.Account{ID: "manager" + itoa(10000000+i), Name: "员工" + itoa(i), JobNumber: "EMP-" + itoa(100000+i), Active: true}, nil) {
				return
			}
		}
	}
}

// A gauge measures the heap in use at chosen statements.
type gauge struct {
	at    func(n int) bool
	seen  int
	bytes uint64
}

func (g *gauge) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	if g.seen++; g.at(g.seen) {
		g.bytes = max(g.bytes, heap())
	}
	return ctx
}

func (g *gauge) AfterQuery(context.Context, *bun.QueryEvent) {}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// The index of accounts is all that grows with the company: at most 200 bytes a
// person, directory and roster together.
func TestMemoryOfTheBinding(t *testing.T) {
	long(t, "100,000 people")
	const people = 100_000
	ctx := context.Background()
	oa := build(t, ecologytest.Schema{})
	require.NoError(t, oa.AddDepartments(ctx, ecologytest.Department{ID: 11, Name: "生产部"}))
	_, err := oa.DB().Exec(`WITH RECURSIVE p(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM p WHERE n < 99999)
		INSERT INTO HrmResource (id, loginid, workcode, lastname, departmentid, status) SELECT 1000+n, 'login'||n, 'EMP-'||(100000+n), '员工'||n, 11, 1 FROM p`)
	require.NoError(t, err)
	// Six probes, two trees, then two hundred pages of the roster.
	g := &gauge{at: func(n int) bool { return n > 1 && n%50 == 0 }}
	s := sink(t, oa.DB().WithQueryHook(g), nil)
	before := heap()
	n, during := 0, uint64(0)
	for m, err := range s.Scope(oasink.Units{}, oasink.ByWorkcode(fullHouse(people))).Members(ctx) {
		require.NoError(t, err)
		require.Empty(t, m.LeftOut)
		require.Equal(t, "EMP-"+itoa(100000+n), m.Key)
		require.Equal(t, "生产部", m.Unit)
		if n++; n == 1 {
			during = heap()
		}
	}
	require.Equal(t, people, n)
	peak := (int64(g.bytes) - int64(before)) / people
	t.Logf("%d bytes a person at the peak, %d while streaming", peak, (int64(during)-int64(before))/people)
	require.Less(t, peak, int64(200))
}

func BenchmarkScope(b *testing.B) {
	s := crowd(b, sqliteEngine(), 5000)
	for b.Loop() {
		for _, err := range s.Scope(oasink.Units{}, oasink.ByWorkcode(fullHouse(5000))).Members(context.Background()) {
			require.NoError(b, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/5000, "ns/person")
}
