package attendance

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Options of a [Syncer]. Nil and the zero value are fine.
type Options struct {
	// Job names the work in reports and logs. Default: none.
	Job string
	// Parallel is how many slices are worked on at once; 0 means 4. The
	// provider's rate limit bounds the calls whatever it is.
	Parallel int
	// EmptyIsNormal silences the warning empty_answer: for families of records
	// that most people have none of, such as field check-ins.
	EmptyIsNormal bool
	// Now is the current time, on which windows, the guard against future punches
	// and the platform's horizon depend. Nil means time.Now.
	Now func() time.Time
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
	span, err := w.Span(Moment{Now: now})
	if err != nil {
		return Plan{}, err
	}
	if err := span.Validate(); err != nil {
		return Plan{}, err
	}
	return newPlan(span, y.provider.Limits(), now), nil
}

// An Estimate is what a run would take.
type Estimate struct {
	// People is the number of people who would be asked for, Slices the number of
	// queries, Calls the number of calls that count against the platform's budget
	// (for a provider that is no [Meter]: one a slice).
	People, Slices, Calls int
}

// Estimate reads the scope, calls no platform for records, and tells what Run
// would take.
func (y *Syncer) Estimate(ctx context.Context, scope Scope, w Window) (Estimate, error) {
	plan, err := y.Plan(w)
	if err != nil {
		return Estimate{}, err
	}
	return y.estimate(ctx, scope, plan)
}

func (y *Syncer) estimate(ctx context.Context, scope Scope, plan Plan) (Estimate, error) {
	var e Estimate
	meter, metered := As[Meter](y.provider)
	for members, err := range plan.batches(ctx, scope, nil, nil) {
		if err != nil {
			return e, err
		}
		e.People += len(members)
		for piece := range plan.Pieces() {
			e.Slices++
			if metered {
				e.Calls += meter.Cost(Query{accountsOf(members), piece})
			} else {
				e.Calls++
			}
		}
	}
	return e, nil
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
// Where the provider is a [Meter] with a budget, the calls are estimated first
// (the scope is read once more), and a run that would pass it is refused with
// [CodeQuota] before its first call.
func (y *Syncer) Run(ctx context.Context, scope Scope, w Window) (Report, error) {
	r := newRun(y)
	plan, err := y.Plan(w)
	if err != nil {
		return r.end(err)
	}
	r.report.Span = plan.Span
	for _, w := range plan.Warnings {
		r.warn(w)
	}
	if err := affordable(ctx, scope, w, []*Syncer{y}); err != nil {
		return r.end(err)
	}
	return r.end(r.all(ctx, plan, scope))
}

// Within returns an error of [CodeQuota] when the estimate needs more calls than
// are left.
func (e Estimate) Within(source string, left int) error {
	if e.Calls <= left {
		return nil
	}
	return overBudget(source, e, left)
}

// Do works on one slice, wherever it was planned. The report is valid whatever
// the error, which is nil when everything was read and written. A slice that was
// done before may be done again.
func (y *Syncer) Do(ctx context.Context, slice Slice) (SliceReport, error) {
	if err := slice.Span.Validate(); err != nil {
		return SliceReport{Slice: slice}, err
	}
	r := newRun(y)
	done, err := r.slice(ctx, slice)
	if err == nil && len(done.Failed) > 0 {
		err = &Incomplete{len(done.Failed), done.Failed[0].Err}
	}
	return done, err
}

// all works on every slice of the plan and returns what stopped the run.
func (r *run) all(ctx context.Context, plan Plan, scope Scope) error {
	queue := make(chan Slice)
	var workers sync.WaitGroup
	for range r.opts.Parallel {
		workers.Go(func() {
			for slice := range queue {
				if r.stopped() != nil || ctx.Err() != nil {
					continue
				}
				done, err := r.slice(ctx, slice)
				r.finish(done, err)
			}
		})
	}
	err := r.feed(ctx, plan, scope, queue)
	close(queue)
	workers.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if stop := r.stopped(); stop != nil {
		return stop
	}
	return err
}

// feed hands the plan's slices to the workers.
func (r *run) feed(ctx context.Context, plan Plan, scope Scope, queue chan<- Slice) error {
	for slice, err := range plan.Slices(ctx, scope, r.leave, r.warn) {
		if err != nil {
			return err
		}
		select {
		case queue <- slice:
		case <-r.halt:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func accountsOf(members []Member) []string {
	accounts := make([]string, len(members))
	for i, m := range members {
		accounts[i] = m.Account
	}
	return accounts
}

func personsOf(members []Member) []string {
	persons := make([]string, len(members))
	for i, m := range members {
		persons[i] = m.Person
	}
	return persons
}
