package dbtest

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A site is a whole company: the fake DingTalk, the client, the OA.
type site struct {
	database
	fake *dingtalktest.Server
	ding *dingtalk.Client
	sink *oasink.Sink
}

// newSite builds a company whose every person makes 4 punches a day.
func newSite(t testing.TB, on engine, people int) *site {
	t.Helper()
	ctx := context.Background()
	s := &site{fake: dingtalktest.New(&dingtalktest.Options{Now: now, QPS: -1, LogSize: -1})}
	dingtalktest.Populate(s.fake, dingtalktest.Company{People: people, First: at(2, 0, 0, 0), Days: 28, PerDay: 4, Weekends: true, Tidy: true})
	var err error
	s.ding, err = dingtalk.New(dingtalk.Config{
		AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret,
		HTTP: s.fake.Client(), Limiter: rate.NewLimiter(rate.Inf, 1), Now: now,
	})
	require.NoError(t, err)
	s.database = on.found(t, ecologytest.Schema{Generation: oasink.E8})
	require.NoError(t, s.oa.AddDepartments(ctx, ecologytest.Department{ID: 1, Name: "总部", Subcompany: 1}))
	staff := make([]ecologytest.Person, people)
	for i := range staff {
		staff[i] = ecologytest.Person{
			ID: int64(101 + i), LoginID: fmt.Sprintf("login%06d", i+1), Name: fmt.Sprintf("员工%d", i+1),
			Workcode: fmt.Sprintf("A%06d", i+1), Department: 1, Subcompany: 1, Status: 1,
		}
	}
	require.NoError(t, s.oa.AddStaff(ctx, staff...))
	s.sink = sink(t, s.oa.DB(), nil)
	return s
}

func (s *site) scope() attendance.Scope {
	return s.sink.Scope(oasink.Units{}, oasink.ByWorkcode(s.ding.Directory()))
}

func (s *site) run(t testing.TB, last int, opts attendance.Options) attendance.Report {
	t.Helper()
	opts.Now = now
	report, err := attendance.NewSyncer(s.ding.Punches(), s.sink, &opts).Run(context.Background(), s.scope(),
		attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 2}, attendance.Date{Year: 2026, Month: 3, Day: last}, beijing()))
	require.NoError(t, err)
	return report
}

func TestAWholeCompanyArrivesOnceWithTheLeastCalls(t *testing.T) {
	t.Parallel()
	everywhere(t, testAWholeCompanyArrivesOnceWithTheLeastCalls)
}

func testAWholeCompanyArrivesOnceWithTheLeastCalls(t *testing.T, on engine) {
	const people = 320
	s := newSite(t, on, people)
	report := s.run(t, 15, attendance.Options{})
	require.Equal(t, people*14*4, report.Written)
	require.Equal(t, people, report.People)
	require.Empty(t, report.LeftOut)
	require.Empty(t, report.Warnings)
	require.Equal(t, (people+49)/50*2, report.Calls, "50 people and 7 days a call: the least possible")
	require.Equal(t, report.Calls+report.CheckCalls, s.fake.Requests(dingtalktest.PathListRecord))
	rows, err := s.oa.Count(context.Background(), "HrmScheduleSign")
	require.NoError(t, err)
	require.Equal(t, report.Written, rows)

	again := s.run(t, 15, attendance.Options{})
	require.Zero(t, again.Written)
	require.Equal(t, report.Written, again.Present)
}

// Promise 10: memory for punches grows neither with the company nor with the
// range; only the binding index does, by 200 bytes a person at most.
func TestPromise10Flat(t *testing.T) {
	long(t, "a few hundred thousand punches")
	const working = 512 << 10 // for the slice at work
	long := livePeak(t, 500, 29)
	require.Less(t, long, uint64(500*200+working), "500 people, four weeks: %d KiB", long>>10)
	company := livePeak(t, 5000, 8)
	require.Less(t, company, uint64(5000*200+working), "5000 people, a week: %d KiB", company>>10)
}

// livePeak returns the largest live heap above that of the fake and the database
// during a run, as seen at the end of slices.
func livePeak(t testing.TB, people, last int) uint64 {
	s := newSite(t, sqliteEngine(), people)
	before := live()
	var peak uint64
	var slices int
	all := (people + 49) / 50 * ((last + 5) / 7)
	s.run(t, last, attendance.Options{Parallel: 1, Observe: func(attendance.Event) {
		if slices++; slices%16 == 0 || slices == all {
			peak = max(peak, live())
		}
	}})
	require.Equal(t, all, slices, "the end of the run was measured")
	runtime.KeepAlive(s)
	return peak - min(peak, before)
}

func live() uint64 {
	runtime.GC()
	runtime.GC() // what pools keep goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkSync is a whole sync: people x 7 days x 4 punches through the fake
// DingTalk without a rate limit into SQLite. calls/least is 1 when no call more
// than the least possible was made.
func BenchmarkSync(b *testing.B) {
	for _, people := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("%d_people", people), func(b *testing.B) { benchmarkSync(b, people) })
	}
}

func benchmarkSync(b *testing.B, people int) {
	s := newSite(b, sqliteEngine(), people)
	var punches, calls int
	var peak atomic.Uint64
	stop := watchHeap(&peak)
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		b.StopTimer()
		_, err := s.oa.DB().ExecContext(context.Background(), "DELETE FROM HrmScheduleSign")
		require.NoError(b, err)
		b.StartTimer()
		report := s.run(b, 8, attendance.Options{})
		require.Equal(b, people*7*4, report.Written)
		punches += report.Written
		calls += report.Calls
	}
	runtime.ReadMemStats(&after)
	stop()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(punches), "ns/punch")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(punches), "allocs/punch")
	b.ReportMetric(float64(calls)/float64(b.N)/float64((people+49)/50), "calls/least")
	b.ReportMetric(float64(peak.Load())/(1<<20), "peak-heap-MiB")
}

// watchHeap samples the heap in use, garbage included, until stopped.
func watchHeap(peak *atomic.Uint64) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak.Store(max(peak.Load(), m.HeapAlloc))
			}
		}
	}()
	return func() { close(done); <-ended }
}
