package attendance

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A RecalculationHook has the OA compute person-days anew, from the rows that it holds
// when the hook is called. The days are sorted, distinct and not kept. It is called by
// one goroutine at a time and may be told of the same day again, also of one that did
// not change. An error means that some of the days may not have been computed; all of
// them are then told again later. Errors carry a [Code]; context errors are bare.
type RecalculationHook func(ctx context.Context, days []PersonDay) error

// hookDays is the largest number of days that a hook is told of at once. Each owed day
// stands for up to three.
const hookDays = 500

// owedPage is how many owed days are looked up at a time.
const owedPage = 1000

// longestPause is the largest number of writes for which a failing hook is left alone.
const longestPause = 64

// RecalculationOptions of a [Recalculation]. Nil and the zero value are fine.
type RecalculationOptions struct {
	// Days remembers what is owed, so that a day is recalculated also when the process
	// is killed between the write and the hook. Nil: the Recalculation keeps it itself,
	// and what is owed when the process ends is lost.
	Days DayStore
	// Target is the host's name of the OA in Days. Days that may change while a batch is
	// being written stand under the same name with "?" appended. Several Recalculations
	// may share a target, in several processes too.
	Target string
	// AddsOnly says that the sink never moves or removes a row, as one without a ledger:
	// then only the days of a batch's punches are recorded before it is written, and not
	// every day of its members in its span.
	AddsOnly bool
	// FreezeAfterDay is that of [Options]: a day of a closed month is not told to the hook
	// where it is only beside a day that has changed. 0: no month is ever closed.
	FreezeAfterDay int
	// Now is the current time: no day after today is told to the hook. Nil means time.Now.
	Now func() time.Time
}

// A Recalculation is a [Sink] that writes to another one and has the OA compute the days
// anew whose rows have changed ([Written].Days), together with the days before and after
// them and never a day in the future, at least once:
//
//   - Before a batch is written, the days that it may change are recorded as such in the
//     [DayStore]. Should the process be killed, the next one that uses the store takes
//     all of them for changed: one day too many is harmless, one too few stays wrong.
//   - After it is written, the days that did change are owed until the hook has been
//     told of them without an error. A batch that ends in an error without a count of
//     what was committed may have changed all it could (but not with [CodeTable]); the
//     hook is told by a later write.
//   - A hook that fails costs no punch and fails no write: the days are named by the
//     warning not_recalculated ([NotRecalculated]) and stay owed. After a failure the
//     hook is left alone for 1 write, then 2, 4, up to 64, so that one that hangs does
//     not hold up a run. A panic of the hook is not swallowed; the days stay owed.
//
// At the end of a run ([Options].Finish) the host calls [Recalculation.Recalculate], which does what is left,
// also of processes before, and whose word is the last one about what is owed.
//
// What a sink with a ledger moves or takes away on days outside the batch's members and
// span (a mended binding: the person who had the account before) is owed as soon as Write
// has told it; only a kill in that very instant loses it. And where two processes write the
// same person's day at once, the day may be settled by the one when the other is killed, or
// its hook fails, just then: leave the same people to one process at a time ([LeaseStore]).
//
// A Recalculation is safe for concurrent use. It calls the hook in the goroutine of the
// writer, one writer after the other, and starts none of its own. Its memory does not grow
// with what was written, save for what a nil Days keeps.
type Recalculation struct {
	sink Sink
	hook RecalculationHook
	opts RecalculationOptions

	// hooking is held while the hook is called, and what is known of it changed: how often
	// it failed in a row and why, and for how many writes it is left alone.
	hooking chan struct{}
	fails   int
	why     error
	pause   int

	// books is held while the store is changed, and guards the rest.
	books    sync.Mutex
	writing  map[PersonDay]int  // by how many writes a day may be changed right now
	calling  bool               // the hook is being called
	fresh    map[PersonDay]bool // days that became owed since
	doubtful []PersonDay        // perhaps changed, and not yet recorded as owed
	adopted  bool               // what processes before have left in doubt is owed now
	backlog  bool               // more may be owed than the writes going on will do
}

// NewRecalculation returns a Sink that writes to s and tells hook. Neither may be nil;
// opts may be.
func NewRecalculation(s Sink, hook RecalculationHook, opts *RecalculationOptions) *Recalculation {
	r := &Recalculation{sink: s, hook: hook, hooking: make(chan struct{}, 1),
		writing: make(map[PersonDay]int), fresh: make(map[PersonDay]bool), backlog: true}
	if opts != nil {
		r.opts = *opts
	}
	if r.opts.Days == nil {
		r.opts.Days = new(memoryDays)
	}
	if r.opts.Now == nil {
		r.opts.Now = time.Now //nolint:forbidigo // the default clock, resolved here only
	}
	return r
}

// Unwrap returns the sink that is written to, so that its roles are found ([As]).
func (r *Recalculation) Unwrap() any { return r.sink }

// Write implements [Sink]. It returns what the wrapped sink returns, its error unchanged,
// and may add two warnings: not_recalculated names days that the hook was not told of, and
// days_unrecorded says that the store failed, so that a kill could have lost some.
func (r *Recalculation) Write(ctx context.Context, b Batch) (Written, error) {
	if err := ctx.Err(); err != nil {
		return Written{}, err
	}
	o, unrecorded := r.open(ctx, r.mayChange(b))
	defer o.close()
	written, err := r.sink.Write(ctx, b)
	changed, known := o.changedBy(written, err)
	if failed := o.book(ctx, changed); unrecorded == nil {
		unrecorded = failed
	}
	written.Warnings = slices.Clip(written.Warnings)
	if zone := b.Span.Zone(); known {
		_, written.Closed = openNeighbours(changed, DateOf(r.opts.Now().In(zone)), r.openFrom(zone))
	}
	if !known { // the database is in trouble: no time to call its OA
		r.owesMore(true)
	} else if left, why := r.catchUp(ctx, changed, b.Span.Zone()); len(left) > 0 {
		written.Warnings = append(written.Warnings, NotRecalculated(left, why))
	}
	if unrecorded != nil && ctx.Err() == nil {
		written.Warnings = append(written.Warnings, Warningf("days_unrecorded",
			"待重算日期未能记录；若进程被强行终止，部分报表可能不会重算 / which days may have changed could not be recorded, so that some would not be computed anew if the process were killed: %s", told(unrecorded)))
	}
	return written, err
}

// Owe records days that have changed by other means than Write, such as an undo. The next
// Write or Recalculate tells the hook of them.
func (r *Recalculation) Owe(ctx context.Context, days []PersonDay) error {
	r.books.Lock()
	defer r.books.Unlock()
	r.backlog = true
	return r.owe(ctx, days)
}

// Recalculate tells the hook of every day that is owed, those left by processes before
// included. Where it does not get to the end, left are the days that are still owed, the
// earliest first and at most 1,000 of them, and err is why: that of the hook or of the
// store, or the context's own. zone is that of the OA's wall clock, by which today is told;
// it must not be nil.
func (r *Recalculation) Recalculate(ctx context.Context, zone *time.Location) (left []PersonDay, err error) {
	if err := r.take(ctx); err != nil {
		return r.owed(ctx), err
	}
	defer r.yield()
	r.pause = 0
	r.books.Lock()
	err = r.adopt(ctx)
	r.backlog = false
	r.books.Unlock()
	for err == nil {
		var days []PersonDay
		if days, err = r.opts.Days.OwedDays(ctx, r.opts.Target, owedPage); err != nil || len(days) == 0 {
			break
		}
		slices.SortFunc(days, PersonDay.Compare)
		var settled int
		if settled, _, err = r.tell(ctx, days, zone); settled == 0 {
			break // what remains has just been written, or lies in the future
		}
	}
	if err != nil {
		r.owesMore(true)
		return r.owed(ctx), err
	}
	return nil, nil
}

// owed are the first days that are owed, as far as it is known.
func (r *Recalculation) owed(ctx context.Context) []PersonDay {
	days, err := r.opts.Days.OwedDays(context.WithoutCancel(ctx), r.opts.Target, owedPage)
	if len(days) > 0 && err == nil {
		return days
	}
	r.books.Lock()
	defer r.books.Unlock()
	days = slices.Clone(r.doubtful[:min(len(r.doubtful), owedPage)])
	slices.SortFunc(days, PersonDay.Compare)
	return days
}
