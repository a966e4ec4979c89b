package oasink

import (
	"context"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

const (
	defaultBacklog  = 10_000
	defaultPatience = 30 * time.Second
	longestLook     = time.Second
)

// PaceOptions of [Sink.Paced]. Nil and the zero value are fine.
type PaceOptions struct {
	// Backlog is how many due rows may wait in kq_format_pool before a write waits.
	// 0 means 10,000.
	Backlog int
	// Patience is for how long a write waits while their number does not fall. 0 means
	// 30 seconds.
	Patience time.Duration
}

// Paced is the sink for whoever writes much at once, such as a backfill: before a write
// it waits, in no transaction, while more rows that are due wait in kq_format_pool than
// the OA has computed yet, as long as their number falls. When it has not fallen for a
// while the write is done all the same, with the warning recalculation_backlog, and so
// are the next ones, until the number falls again. Rows for a later moment do not count.
//
// Where the queue is not used or may not be read nothing waits. Writes that come at once
// wait one after the other.
func (s *Sink) Paced(opts *PaceOptions) attendance.Sink {
	p := &pacedSink{sink: s, turn: make(chan struct{}, 1), sleep: sleep}
	p.watch = backlogWatch{limit: defaultBacklog, patience: defaultPatience}
	if opts != nil && opts.Backlog > 0 {
		p.watch.limit = opts.Backlog
	}
	if opts != nil && opts.Patience > 0 {
		p.watch.patience = opts.Patience
	}
	p.count = s.due
	return p
}

// A pacedSink waits before it writes.
type pacedSink struct {
	sink  *Sink
	turn  chan struct{} // held by the write that looks and waits
	watch backlogWatch  // read and written with the turn
	count func(ctx context.Context, zone *time.Location) (n int, known bool)
	sleep func(ctx context.Context, d time.Duration) error

	mu    sync.Mutex
	known bool
	most  int // of the due rows, at most so many wait: as counted, and added since
}

// Unwrap returns the sink that is written to, so that its roles are found.
func (p *pacedSink) Unwrap() any { return p.sink }

// Write waits if it must, and writes.
func (p *pacedSink) Write(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
	stuck, err := p.await(ctx, b.Span.Zone())
	if err != nil {
		return attendance.Written{}, err
	}
	w, err := p.sink.Write(ctx, b)
	p.add(w.Queued)
	if stuck > 0 {
		w.Warnings = append(w.Warnings[:len(w.Warnings):len(w.Warnings)], attendance.Warningf("recalculation_backlog",
			"OA 重算队列积压 %d 行且 %v 内未减少，已不再等待、继续写入 / %d rows wait in the OA's queue of days to be computed anew, and their number has not fallen for %v: writing went on without waiting", stuck, p.watch.patience, stuck, p.watch.patience))
	}
	return w, err
}

func (p *pacedSink) add(rows int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most += rows
}

// few reports whether few rows wait, without a look into the database.
func (p *pacedSink) few() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known && p.most <= p.watch.limit
}

func (p *pacedSink) counted(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known, p.most = true, n
}

// await waits until few rows wait. stuck is how many there are when it has given up.
func (p *pacedSink) await(ctx context.Context, zone *time.Location) (stuck int, err error) {
	if !p.sink.recalculates(p.sink.shape.Load()) || p.few() {
		return 0, nil
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	look := min(longestLook, p.watch.patience/10)
	for waited := time.Duration(0); !p.few(); waited += look {
		n, known := p.count(ctx, zone)
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if !known {
			return 0, nil
		}
		p.counted(n)
		switch p.watch.look(waited, n) {
		case goOn:
			return 0, nil
		case giveUp:
			return n, nil
		case waitOn:
			if waited == 0 {
				p.sink.opts.Logger.Info("oasink: waiting for the OA to compute what is queued", "rows", n)
			}
		}
		if err := p.sleep(ctx, look); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A backlogWatch decides whether a write waits for the OA's queue.
type backlogWatch struct {
	limit    int
	patience time.Duration

	lowest int           // seen in this wait
	since  time.Duration // when that was, from the wait's beginning
	stuck  bool          // the last wait was given up
	last   int           // what was seen last
}

// advice is what a backlogWatch says.
type advice uint8

const (
	goOn advice = iota
	waitOn
	giveUp
)

// look takes the number of due rows, so long after the wait began.
func (w *backlogWatch) look(waited time.Duration, rows int) advice {
	fell := rows < w.last
	w.last = rows
	switch {
	case rows <= w.limit:
		w.stuck = false
		return goOn
	case waited == 0 && w.stuck && !fell:
		return goOn // it was told already
	case waited == 0 || rows < w.lowest:
		w.lowest, w.since, w.stuck = rows, waited, false
	case waited-w.since >= w.patience:
		w.stuck = true
		return giveUp
	}
	return waitOn
}

// due counts the rows of kq_format_pool that the OA could compute now.
func (s *Sink) due(ctx context.Context, zone *time.Location) (n int, known bool) {
	t := s.shape.Load().pool
	if !t.usable(poolNeeds()...) || !t.has("status") {
		return 0, false
	}
	err := s.patiently(ctx, "counting the rows of "+t.name.String(), func() error {
		return s.dueRows("SELECT COUNT(*) FROM ", t, s.opts.Now().In(zone)).query(ctx, s.db, 1, func(v []any) error {
			n = int(intOf(v[0]))
			return nil
		})
	})
	return n, err == nil
}

// dueRows is a query for the rows that wait with no exectime or one before the moment,
// on the OA's wall clock. What has a later one is no backlog.
func (s *Sink) dueRows(selecting string, t *table, before time.Time) *statement {
	q := s.statement(selecting).table(t).sql(" WHERE ").column(t, "status").sql(" = 0")
	if exec, ok := t.column("exectime"); ok {
		q.sql(" AND (").name(exec.name).sql(" IS NULL OR ").name(exec.name).sql(" < ").constant(exec, before.Format(time.DateTime)).sql(")")
	}
	return q
}
