package oasink

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

const (
	// owedPage is how many owed days are queued in one transaction, and the most that
	// are named when they stay owed.
	owedPage = 1000
	// mostRefusals is how many tries may be refused while the days are searched for
	// that the queue does not take; after that a refused page is left as a whole.
	mostRefusals = 100
)

// OwedOptions say which days [Sink.QueueOwed] queues.
type OwedOptions struct {
	// Days is where [Options.Owe] remembers them, under the name Target.
	Days   attendance.DayStore
	Target string
	// Zone is that of the OA's wall clock; it must not be nil.
	Zone *time.Location
	// OpenFrom, when not zero, is as in [attendance.Batch]: earlier days are not queued
	// but told as closed, and owed no longer.
	OpenFrom time.Time
	// KeepClosed leaves earlier days owed, untold: another job, to which their month is
	// open, may have written them.
	KeepClosed bool
}

// Owed is what became of days that were owed.
type Owed struct {
	// Queued is the number of rows that went into kq_format_pool.
	Queued int
	// Left are days that are still owed, the earliest first, at most 1,000 of them.
	Left []attendance.PersonDay
	// Closed are days of closed months that would have had to be queued.
	Closed []attendance.PersonDay
}

// QueueOwed puts days into kq_format_pool that a write could not queue ([Options.Owe]),
// their neighbours included, as that write would have done. A day that the queue refuses
// by itself costs the others nothing. The error is why days are left; the one of a sink
// that does not use the queue (see [Options.Recalculate]) is nil, and nothing is done.
//
// Where another process owes the same day in the instant between the queuing and the
// settling, and is killed or refused just then, that day is settled with this one.
func (s *Sink) QueueOwed(ctx context.Context, o OwedOptions) (Owed, error) {
	sh := s.shape.Load()
	if !s.recalculates(sh) {
		return Owed{}, nil
	}
	q := &requeue{sink: s, OwedOptions: o, kept: make(map[attendance.PersonDay]bool)}
	if !o.OpenFrom.IsZero() {
		q.open = attendance.DateOf(o.OpenFrom.In(o.Zone))
	}
	err := q.all(ctx)
	if err == nil {
		err = q.why
	}
	if err != nil {
		err = errors.Join(err, q.left(context.WithoutCancel(ctx)))
	}
	return q.done, err
}

// A requeue is one call of QueueOwed.
type requeue struct {
	sink *Sink
	OwedOptions
	open attendance.Date
	done Owed
	// kept are days that stay owed: refused ones, of which why is the last reason, such as
	// lie in the future, and closed ones that may be another job's.
	kept     map[attendance.PersonDay]bool
	why      error
	refusals int
}

func (q *requeue) all(ctx context.Context) error {
	for {
		days, err := q.Days.OwedDays(ctx, q.Target, len(q.kept)+owedPage)
		if err != nil {
			return err
		}
		today := attendance.DateOf(q.sink.opts.Now().In(q.Zone))
		days = slices.DeleteFunc(slices.Clone(days), func(d attendance.PersonDay) bool {
			if today.Before(d.Day) || q.KeepClosed && d.Day.Before(q.open) {
				q.kept[d] = true
			}
			return q.kept[d]
		})
		if len(days) == 0 {
			return nil
		}
		slices.SortFunc(days, attendance.PersonDay.Compare)
		if err := q.settle(ctx, days); err != nil {
			return err
		}
	}
}

// settle queues days, which are then owed no longer. When that is refused it finds out,
// by halves, which of them are.
func (q *requeue) settle(ctx context.Context, days []attendance.PersonDay) error {
	p, err := q.queue(ctx, days)
	if err == nil {
		q.done.Queued += len(p.due) + len(p.later)
		q.done.Closed = append(q.done.Closed, p.closed...)
		return q.Days.SettleDays(ctx, q.Target, days)
	}
	kind := q.sink.dialect.diagnose(err)
	q.refusals++
	switch alone := len(days) == 1; {
	case !kind.repeats(), kind == denied, kind == missing, attendance.CodeOf(err) == attendance.CodeTable:
		return err
	case q.refusals > mostRefusals: // those behind them are tried all the same
		for _, d := range days {
			q.kept[d] = true
		}
		q.why = err
		return nil
	case alone:
		q.kept[days[0]], q.why = true, err
		return nil
	}
	half := len(days) / 2
	if err := q.settle(ctx, days[:half]); err != nil {
		return err
	}
	return q.settle(ctx, days[half:])
}

// queue queues days in one transaction.
func (q *requeue) queue(ctx context.Context, days []attendance.PersonDay) (poolPlan, error) {
	sh := q.sink.shape.Load()
	if !sh.pool.usable(poolNeeds()...) {
		var err error
		if sh, err = q.sink.probe(ctx); err != nil { // it may have come since
			return poolPlan{}, err
		}
		if !sh.pool.usable(poolNeeds()...) {
			return poolPlan{}, sh.pool.lack(poolNeeds())
		}
	}
	w := &writing{Sink: q.sink, shape: sh, plan: &plan{}, zone: q.Zone}
	p, err := planPool(days, q.sink.opts.Now().In(q.Zone), q.open, sh.judgesLater())
	if err != nil || len(p.due)+len(p.later) == 0 {
		return p, err
	}
	err = q.sink.exclusively(ctx, func(ctx context.Context, c bun.Conn, _ bool) error {
		add := p
		var err error
		if add.later, err = w.notWaiting(ctx, c, p.later); err != nil {
			return err
		}
		return w.addPool(ctx, c, add)
	})
	return p, err
}

// left names what is still owed.
func (q *requeue) left(ctx context.Context) error {
	days, err := q.Days.OwedDays(ctx, q.Target, owedPage)
	slices.SortFunc(days, attendance.PersonDay.Compare)
	q.done.Left = days
	return err
}
