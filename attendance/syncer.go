package attendance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Options of a [Syncer]. Nil and the zero value are fine.
type Options struct {
	// Job names the work in reports and logs. Default: none.
	Job string
	// Target is the host's name of the sink, by which coverage is remembered.
	// Default: none, which is a name too.
	Target string
	// Run names this run in the sync log and in the rows of a sink that keeps a
	// ledger, so that it can be taken back. Default: a new name for every run, see
	// [NewRunID] and [Report.Run].
	Run string
	// Kind is what the sync log calls the run. Default: [KindBackfill] for windows of
	// named days, [KindReread] for [Reread], else [KindRun].
	Kind RunKind
	// Scope names the people in the sync log, so that a backfill that was cut off is
	// gone on with only by one over the same people. Default: none, which is a name too.
	Scope string
	// Apart says that the run's people are not the job's own: what it reads is
	// remembered, but does not become what the job owes to everybody.
	Apart bool
	// Memory is what is remembered between runs. The zero value remembers nothing.
	Memory Memory
	// Share is which part of the calls that are left of the platform's budget the run
	// may take, between 0 and 1, for a run that is not to starve others; 0, and 1 or more,
	// mean all. A run that would take more is refused with [CodeQuota] before its first call.
	Share float64
	// Announce, when not nil, is told what the run will take, once, before its first
	// call, by the goroutine that called Run. The people are then held in memory.
	Announce func(Estimate)
	// FreezeAfterDay, when > 0, closes all months before the last one, and from this
	// day of a month on the last one too, in the zone of the run's window: what would change
	// there is reported, as warning frozen, and not written. Its punches are skipped as
	// [Frozen]; with a sink that is no [Previewer], all of the closed months are.
	FreezeAfterDay int
	// Corp names the tenant of the platform: two companies whose punches go into
	// one OA under one provider's name need two names, which stay the same for
	// ever. Default: none, which is a name too.
	Corp string
	// Parallel is how many slices are worked on at once; 0 means 4. The
	// provider's rate limit bounds the calls whatever it is.
	Parallel int
	// EmptyIsNormal silences the warning empty_answer: for families of records
	// that most people have none of, such as field check-ins.
	EmptyIsNormal bool
	// InferDirections gives a direction to punches that have none, by their order in
	// the day: see the function of that name. Days are then always read whole, also where the
	// window begins or ends inside one; what is read beside it is neither written nor
	// counted. Of a day that the platform keeps in part only the rest is known. Default: they go
	// to the sink as they are.
	InferDirections bool
	// Now is the current time, on which windows, the guard against future punches
	// and the platform's horizon depend. Nil means time.Now, which is then compared
	// with the platform's clock (warning clock_skew).
	Now func() time.Time
	// Finish, when not nil, is called once, by the goroutine that called Run, when all is
	// read and written that could be, also where ctx has ended, and before the sync log is
	// told how the run ended: there is the place for what is done once a run, such as
	// [Recalculation.Recalculate]. err is the run's error; what Finish returns is the run's
	// error from then on, and what it changes in the report stands in the sync log. A run
	// that could not begin, and a preview, do not call it.
	Finish func(ctx context.Context, r *Report, err error) error
	// Observe, when not nil, is told of every slice that was worked on, one call
	// at a time, from goroutines of the run. It should return quickly.
	Observe func(Event)
	// Logger is told of failures. Nil is silent.
	Logger *slog.Logger
}

// An Event tells that a slice was worked on.
type Event struct {
	Slice SliceReport
	// Slices and Counts are the run's so far, this slice included.
	Slices int
	Counts
}

// A Syncer brings punches from one provider into one sink. It holds no state
// between runs and is safe for concurrent use; two runs at once over the same
// people do the same work twice and stay right.
type Syncer struct {
	provider Provider
	sink     Sink
	opts     Options
	real     bool // the clock is the machine's
}

// NewSyncer returns a Syncer. opts may be nil.
func NewSyncer(p Provider, s Sink, opts *Options) *Syncer {
	y := &Syncer{provider: p, sink: s}
	if opts != nil {
		y.opts = *opts
	}
	if y.opts.Parallel <= 0 {
		y.opts.Parallel = 4
	}
	if y.opts.Now == nil {
		y.real = true
		y.opts.Now = time.Now //nolint:forbidigo // the default clock, resolved here only
	}
	if y.opts.Logger == nil {
		y.opts.Logger = slog.New(slog.DiscardHandler)
	}
	return y
}

// Plan resolves the window now and cuts it to what the platform still keeps.
func (y *Syncer) Plan(w Window) (Plan, error) {
	now := y.opts.Now()
	span, err := resolve(w, Moment{Now: now})
	if err != nil {
		return Plan{}, err
	}
	return newPlan(span, y.provider.Limits(), now), nil
}

func resolve(w Window, m Moment) (Span, error) {
	span, err := w.Span(m)
	if err != nil {
		return Span{}, err
	}
	return span, span.Validate()
}

// An Estimate is what a run would take.
type Estimate struct {
	// People is the number of people who would be asked for, Slices the number of
	// queries, Calls the number of calls that count against the platform's budget
	// (for a provider that is no [Meter]: one a slice).
	People, Slices, Calls int
	// Left is what the run may take of what is left of the budget, where it is Limited.
	Left    int
	Limited bool
}

// Estimate reads the scope, calls no platform for records, and tells what Run
// would take.
func (y *Syncer) Estimate(ctx context.Context, scope Scope, w Window) (Estimate, error) {
	s, err := newSession(ctx, w, []*Syncer{y}, true)
	if err != nil {
		return Estimate{}, err
	}
	return s.estimate(ctx, scope)
}

// Within returns an error of [CodeQuota] when the estimate needs more calls than
// are left of a limited budget.
func (e Estimate) Within(source string) error {
	if !e.Limited || e.Calls == 0 || e.Calls <= e.Left {
		return nil
	}
	return &Error{Code: CodeQuota, Op: source, Detail: fmt.Sprintf(
		"the run needs about %d calls for %d people, and may take %d of what is left of this month's budget; no call was made", e.Calls, e.People, e.Left)}
}

// Run synchronises the people of the scope over the window: plans slices,
// fetches and writes them side by side, and reports.
//
// The Report is valid whatever the error. The error is nil when everything asked
// for was done; people left out and records skipped are no errors. Otherwise it
// is the context's own error, a refusal of the platform ([Code.Refusal]), the
// scope's error, or an [Incomplete] for parts that failed while the others went
// on. Whatever was not done is done by the next run over the same days.
//
// With a [Memory] the run closes gaps by itself (see [SinceMark]), waits for
// another run of the same job, and stands in the sync log.
//
// Where the provider is a [Meter] with a budget, the calls are estimated first
// (the people are held in memory, about 150 bytes each), and a run that would pass it is refused with
// [CodeQuota] before its first call; what a remembering window would read beyond
// its look-back is postponed instead.
//
// A panic of the provider, the sink or the observer ends the run and goes on in
// the goroutine that called Run.
func (y *Syncer) Run(ctx context.Context, scope Scope, w Window) (Report, error) {
	return conduct(ctx, scope, w, []*Syncer{y}, false)
}

// Preview is Run without its effects: it reads and compares, writes nothing and
// remembers nothing, and hands the rows that would change to [Options.Observe], in
// [SliceReport.Rows]. The sink must be a [Previewer].
func (y *Syncer) Preview(ctx context.Context, scope Scope, w Window) (Report, error) {
	return conduct(ctx, scope, w, []*Syncer{y}, true)
}

// Do works on one slice, wherever it was planned. The report is valid whatever
// the error, which is nil when everything was read and written. Members that are
// left out or ambiguous among themselves are not asked for. A slice that was done
// before may be done again.
func (y *Syncer) Do(ctx context.Context, slice Slice) (SliceReport, error) {
	if err := slice.Span.Validate(); err != nil {
		return SliceReport{Slice: slice}, err
	}
	members := newBatch(func(Member) {})
	for _, m := range slice.Members {
		members.add(m)
	}
	slice.Members = members.members
	if limits := y.provider.Limits(); limits.Accounts > 0 && len(slice.Members) > limits.Accounts || limits.Span > 0 && slice.Span.Length() > limits.Span {
		return SliceReport{Slice: slice}, &Error{Code: CodeRequest, Op: y.provider.Name(),
			Detail: fmt.Sprintf("a slice of %d members over %v is beyond the provider's limits, %d and %v", len(slice.Members), slice.Span, limits.Accounts, limits.Span)}
	}
	r := newRun(y)
	if store := y.opts.Memory.Coverage; store != nil {
		r.memory = &recollection{store: store, stream: y.stream(), now: r.report.Started, apart: true}
	}
	done, err := r.slice(ctx, slice)
	if err == nil {
		err = r.forgotten()
	}
	if err == nil {
		err = (&Report{Failed: done.Failed, Unwritten: done.Unwritten}).incomplete()
	}
	return done, err
}

// all works on every slice of the agenda and returns what stopped the run.
func (r *run) all(ctx context.Context, a *agenda, scope Scope) error {
	queue := make(chan Slice)
	workers := make([]worker, r.opts.Parallel)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() { workers[i].run(ctx, r, queue) })
	}
	err := func() error {
		defer group.Wait() // also when the scope panics
		defer close(queue)
		return r.feed(ctx, a, scope, queue)
	}()
	for _, w := range workers {
		if w.panicked != nil {
			panic(w.panicked)
		}
	}
	if stop := r.stopped(); stop != nil {
		return stop
	}
	return err
}

// feed hands the agenda's slices to the workers.
func (r *run) feed(ctx context.Context, a *agenda, scope Scope, queue chan<- Slice) error {
	leave, count := r.leave, true
	for pass := range a.passes() {
		for e, err := range pass.errands(ctx, scope, leave, r.warn) {
			if err != nil {
				return err
			}
			if e.probe && !r.mayProbe() {
				e.members[0].LeftOut = Refused
				r.leave(e.members[0])
				continue
			}
			r.count(e, count)
			for _, piece := range pass.pieces(e.spans) {
				select {
				case queue <- Slice{e.members, piece}:
				case <-r.halt:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		leave, count = func(Member) {}, false
	}
	return nil
}

// count counts the people who are asked for, and notes who is special.
func (r *run) count(e errand, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if first {
		r.report.People += len(e.members)
	}
	if e.probe {
		r.probing[e.members[0].Account] = true
	}
}

// mayProbe reports whether another account that was rejected before may be tried.
func (r *run) mayProbe() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rejectedAgain < probesPerRun
}

// A worker works on slices. What panics there is kept for the caller of Run: a
// host cannot guard a goroutine of ours.
type worker struct{ panicked any }

func (w *worker) run(ctx context.Context, r *run, queue <-chan Slice) {
	ended := false
	defer func() {
		if ended {
			return
		}
		w.panicked = recover() // nil after runtime.Goexit, as of a test's FailNow
		r.stopWith(errAbandoned)
	}()
	for slice := range queue {
		switch {
		case r.stopped() != nil:
		case ctx.Err() != nil:
			r.stopWith(ctx.Err())
		default:
			_, _ = r.slice(ctx, slice) // what it ends the run with is kept there
		}
	}
	ended = true
}

// errAbandoned ends a run one of whose goroutines was ended by foreign code.
var errAbandoned = errors.New("attendance: the provider, the sink or the observer ended a goroutine of the run")

func accountsOf(members []Member) []string {
	accounts := make([]string, len(members))
	for i, m := range members {
		accounts[i] = m.Account
	}
	return accounts
}
