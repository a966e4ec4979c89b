package dbtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/attendance/sqlstore"
	"github.com/punchbridge/punchbridge/dingtalk"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/wecom"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// A yearHost is the site's bridge: two replicas over one store and one OA, which run
// both jobs every night, unless something comes between.
type yearHost struct {
	t        *testing.T
	random   *rand.Rand
	world    *yearWorld
	database database
	replicas [2]*yearReplica
	store    attendance.Store
	off      []attendance.Span // when nothing is started
	steps    map[string]int    // how many steps a run of the job has
	reread   map[string]bool   // by job and month, what was read again
}

// A yearReplica is one of the machines.
type yearReplica struct {
	name    string
	skew    time.Duration // how far its clock is ahead
	ding    *dingtalk.Client
	wx      *wecom.Client
	sink    *oasink.Sink
	process *yearProcess // the run that is at work
}

func (r *yearReplica) now() time.Time { return time.Now().Add(r.skew) }

// A yearRun is what the judge knows of a run.
type yearRun struct {
	kind       attendance.RunKind
	replica    string
	begin, end time.Time
	since      time.Time       // when the first attempt of the same work began
	days       attendance.Span // of a backfill
	now        time.Time       // by the host's clock, when it began
	skew       time.Duration
	err        error
	lied       bool            // the platform answered some of it with an empty success
	suspicious bool            // removals were held back
	refused    map[string]bool // persons whose account was rejected
	trouble    string
	report     attendance.Report
}

func (r *yearRun) complete() bool { return r.err == nil }

func (r *yearRun) String() string {
	text := fmt.Sprintf("%s %s on %s, %s", r.begin.UTC().Format(time.DateTime), r.kind, r.replica, r.report)
	if r.skew != 0 {
		text += fmt.Sprintf(", clock %v ahead", r.skew)
	}
	if r.lied {
		text += ", lied to"
	}
	if r.trouble != "" {
		text += ", " + r.trouble
	}
	if r.err != nil {
		text += ", error: " + r.err.Error()
	}
	return text
}

// yearMemory is the store of the year: one in memory, or one on a database.
func yearMemory(t *testing.T, seed uint64) attendance.Store {
	if seed%2 == 0 {
		return &attendancetest.Store{}
	}
	s, err := sqlstore.New(t.Context(), open(t, file(t), "_pragma=journal_mode(wal)", "_pragma=synchronous(off)"), nil)
	require.NoError(t, err)
	return s
}

func newYearHost(t *testing.T, seed uint64, w *yearWorld, d database, ledger *oasink.LedgerOptions) *yearHost {
	h := &yearHost{t: t, random: rand.New(rand.NewPCG(seed, 3)), world: w, database: d, store: yearMemory(t, seed), steps: make(map[string]int), reread: make(map[string]bool)}
	for i := range h.replicas {
		r := &yearReplica{name: fmt.Sprintf("replica %d", i+1)}
		var err error
		r.ding, err = dingtalk.New(dingtalk.Config{AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret, HTTP: w.ding.Client(), Now: r.now})
		require.NoError(t, err)
		r.wx, err = wecom.New(wecom.Config{CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret, ContactSecret: wecomtest.DefaultContactSecret, HTTP: w.wx.Client(), Now: r.now})
		require.NoError(t, err)
		r.sink = sink(t, d.struck(t, func(query string) error { return r.process.statement(query) }), &oasink.Options{Ledger: ledger, Now: r.now})
		require.NoError(t, r.sink.CreateLedger(t.Context()))
		h.replicas[i] = r
	}
	for from := w.start.Add(10 * 24 * time.Hour); from.Before(w.end.Add(-60 * 24 * time.Hour)); from = from.Add(h.between(10, 50)) {
		long := h.between(0, 3)
		if h.random.IntN(3) == 0 {
			long = h.between(3, 21)
		}
		h.off = append(h.off, attendance.Span{From: from, To: from.Add(long)})
		from = from.Add(long)
	}
	return h
}

// between is a random number of days, to the second.
func (h *yearHost) between(least, most int) time.Duration {
	return time.Duration(least*86400+h.random.IntN((most-least)*86400)) * time.Second
}

// live lets the year pass.
func (h *yearHost) live(check func()) {
	month := h.world.start.Month()
	for day := h.world.start.AddDate(0, 0, 10); day.Before(h.world.end); day = day.AddDate(0, 0, 1) {
		at := func(job *yearJob, hour, minute int) time.Time {
			local := day.Add(12 * time.Hour).In(job.zone) // the same date in both zones
			return time.Date(local.Year(), local.Month(), local.Day(), hour, minute, 0, 0, job.zone)
		}
		for _, job := range h.world.jobs {
			h.again(job, at(job, 3, 10))
			if h.random.IntN(6) == 0 {
				h.start(job, at(job, 12, 30), attendance.KindRun)
			}
			if h.random.IntN(30) == 0 {
				h.backfill(job)
			}
		}
		for _, job := range h.world.jobs {
			h.start(job, at(job, 23, 30), attendance.KindRun)
		}
		if h.world.now.Month() != month {
			month = h.world.now.Month()
			check()
		}
	}
}

// again reads the last 35 days again, once a month from its third day on.
func (h *yearHost) again(job *yearJob, at time.Time) {
	key := job.name + at.Format("2006-01")
	if at.Day() < 3 || h.reread[key] {
		return
	}
	if run := h.start(job, at, attendance.KindReread); run != nil && run.complete() {
		h.reread[key] = true
	}
}

// start starts a run when its time has come, on one replica or on both, and again
// some time later if it fails.
func (h *yearHost) start(job *yearJob, at time.Time, kind attendance.RunKind) *yearRun {
	time.Sleep(time.Until(at))
	h.world.catchUp(time.Now())
	for _, off := range h.off {
		if off.Contains(time.Now()) {
			return nil
		}
	}
	if h.random.IntN(8) == 0 && kind == attendance.KindRun {
		h.both(job)
		return nil
	}
	trouble := h.trouble(job)
	run := h.run(pick(h.random, h.replicas[:]), job, kind, trouble)
	switch again := h.random.IntN(6); {
	case run.complete():
	case again == 0, again < 4 && trouble.what == "write": // whatever it was, it keeps the host down: what failed is not soon read again
		h.off = append(h.off, attendance.Span{From: time.Now(), To: time.Now().Add(h.between(2, 9))})
	case again < 4:
		time.Sleep(time.Duration(1+h.random.IntN(90)) * time.Minute)
		h.world.catchUp(time.Now())
		run = h.run(pick(h.random, h.replicas[:]), job, kind, h.trouble(job))
	}
	return run
}

// backfill reads some weeks of the past, as an administrator would, and goes on with
// them when they were cut off.
func (h *yearHost) backfill(job *yearJob) {
	r := pick(h.random, h.replicas[:])
	first := attendance.DateOf(time.Now().In(job.zone)).Add(-h.random.IntN(60))
	days := attendance.Span{From: first.In(job.zone), To: first.Add(1 + h.random.IntN(30)).In(job.zone)}
	since := time.Now()
	for range 3 {
		trouble := h.trouble(job)
		trouble.skew = 0
		if run := h.attempt(&yearRun{kind: attendance.KindBackfill, days: days, since: since}, r, job, trouble); run.complete() {
			return
		}
		time.Sleep(time.Duration(1+h.random.IntN(90)) * time.Minute)
		h.world.catchUp(time.Now())
	}
}

func (h *yearHost) both(job *yearJob) {
	var group sync.WaitGroup
	for _, r := range h.replicas {
		trouble := h.trouble(job)
		group.Go(func() { h.run(r, job, attendance.KindRun, trouble) })
	}
	group.Wait()
}

// trouble is what goes wrong in the next run: in most nothing.
func (h *yearHost) trouble(job *yearJob) yearTrouble {
	if h.random.IntN(30) == 0 {
		return yearTrouble{skew: time.Duration(h.random.IntN(int(72*time.Hour))) - 36*time.Hour}
	}
	if h.random.IntN(4) > 0 {
		return yearTrouble{}
	}
	kinds := []yearKind{yearKilled, yearPanicked, yearCancelled, yearFailed, yearFailed, yearFailed, yearLost, yearStoreDown, yearDatabaseDown}
	t := yearTrouble{kind: pick(h.random, kinds), after: h.random.IntN(2) == 0, sql: h.random.IntN(4) == 0}
	steps := max(20, h.steps[job.name])
	if t.sql {
		steps *= 8
	}
	t.step = 1 + h.random.IntN(steps)
	if !t.sql && h.random.IntN(3) == 0 {
		t.what, t.step = pick(h.random, []string{"fetch", "write", "write", "store.Remember", "store.Owe", "store.AddSlice"}), 1+h.random.IntN(4)
		if t.what == "write" && h.random.IntN(2) == 0 {
			t.kind, t.step, t.after = yearFailed, 1, false
		}
	}
	if t.sql && (t.kind == yearPanicked || t.kind == yearLost) {
		t.kind = yearKilled
	}
	return t
}

// run is one run.
func (h *yearHost) run(r *yearReplica, job *yearJob, kind attendance.RunKind, trouble yearTrouble) *yearRun {
	return h.attempt(&yearRun{kind: kind, since: time.Now()}, r, job, trouble)
}

func (h *yearHost) attempt(run *yearRun, r *yearReplica, job *yearJob, trouble yearTrouble) *yearRun {
	ctx, cancel := context.WithCancel(h.t.Context())
	defer cancel()
	p := &yearProcess{trouble: trouble, cancel: cancel}
	r.process = p
	h.world.mu.Lock()
	r.skew = trouble.skew
	run.replica, run.begin, run.now, run.skew, run.refused = r.name, time.Now(), r.now(), r.skew, make(map[string]bool)
	job.runs = append(job.runs, run)
	lying := h.world.lying[h.platform(job)]
	disturbed := h.world.down[h.platform(job)] || r.skew != 0
	h.world.mu.Unlock()

	run.report, run.err = h.work(ctx, r, job, run, p)
	run.end = time.Now()
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	run.trouble = p.fired
	run.lied = lying || h.world.lying[h.platform(job)]
	disturbed = disturbed || run.trouble != "" || h.world.down[h.platform(job)]
	for _, m := range run.report.LeftOut {
		if m.LeftOut == attendance.Refused {
			run.refused[m.Person] = true
		}
	}
	for _, w := range run.report.Warnings {
		run.suspicious = run.suspicious || w.Code == "withdrawals_suspicious"
	}
	if run.complete() {
		if run.kind == attendance.KindRun {
			h.steps[job.name] = p.steps
		}
		if job.began.IsZero() && run.kind == attendance.KindRun {
			job.began = run.report.Span.From
		}
	} else if !disturbed {
		h.t.Errorf("a run failed although nothing was wrong: %v", run)
	}
	return run
}

func (h *yearHost) platform(job *yearJob) int {
	if job == h.world.wxJob() {
		return 1
	}
	return 0
}

// work is what a host's program does.
func (h *yearHost) work(ctx context.Context, r *yearReplica, job *yearJob, run *yearRun, p *yearProcess) (report attendance.Report, err error) {
	defer func() {
		if v := recover(); v != nil {
			if text, ours := v.(string); !ours || !strings.HasPrefix(text, "year: ") {
				panic(v)
			}
			err = errYearPanic
		}
	}()
	window := attendance.SinceMark(job.lookBack, job.zone)
	switch run.kind {
	case attendance.KindReread:
		window = attendance.Reread(35, job.zone)
	case attendance.KindBackfill:
		window = attendance.Days(attendance.DateOf(run.days.From), attendance.DateOf(run.days.To).Add(-1), job.zone)
	}
	opts := attendance.Options{Job: job.name, Target: "oa", Parallel: 1, Memory: attendance.Remember(yearStore{h.store, p}), Now: r.now}
	sink := yearSink{r.sink, p}
	units := oasink.Units{Departments: job.departments}
	if job == h.world.wxJob() {
		provider := yearProvider{r.wx.CheckIns(), p, r.skew, h.world}
		return attendance.NewSyncer(provider, sink, &opts).Run(ctx, r.sink.Scope(units, oasink.ByWorkcode(r.wx.Directory()).ForWeCom()), window)
	}
	visits := opts
	visits.EmptyIsNormal = true
	return attendance.RunTogether(ctx, r.sink.Scope(units, oasink.ByWorkcode(r.ding.Directory())), window,
		attendance.NewSyncer(yearProvider{r.ding.Punches(), p, r.skew, h.world}, sink, &opts),
		attendance.NewSyncer(yearProvider{r.ding.CheckIns(), p, r.skew, h.world}, sink, &visits))
}
