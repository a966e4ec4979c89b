package attendance

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// mayChange are the days that a batch may change, sorted.
func (r *Recalculation) mayChange(b Batch) []PersonDay {
	zone := b.Span.Zone()
	persons := make(map[string]string, len(b.Members))
	days := make(map[PersonDay]bool)
	for _, m := range b.Members {
		persons[m.Account] = m.Person
		if r.opts.AddsOnly || b.Span.Empty() {
			continue
		}
		last := DateOf(b.Span.To.Add(-1).In(zone))
		for day := DateOf(b.Span.From); !last.Before(day); day = day.Add(1) {
			days[PersonDay{m.Person, day}] = true
		}
	}
	for _, p := range b.Punches {
		if person, ok := persons[p.Account]; ok {
			days[PersonDay{person, DateOf(p.Time.In(zone))}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(days), PersonDay.Compare)
}

// inDoubt is where the store keeps days that may have changed.
func (r *Recalculation) inDoubt() string { return r.opts.Target + "?" }

// An owing is one write on its way, and the days that it may change: until it is booked,
// no other one takes them out of the store.
type owing struct {
	*Recalculation
	days   []PersonDay
	booked bool
}

// open records which days a write may change. It may be begun also when that has failed.
func (r *Recalculation) open(ctx context.Context, days []PersonDay) (*owing, error) {
	r.books.Lock()
	defer r.books.Unlock()
	err := r.adopt(ctx)
	if len(days) > 0 {
		err = cmp.Or(err, r.opts.Days.OweDays(ctx, r.inDoubt(), days))
	}
	for _, d := range days {
		r.writing[d]++
	}
	return &owing{Recalculation: r, days: days}, err
}

// adopt makes owed what is in doubt: what processes before have left, once, and what
// could not be recorded when it was known. books is held.
func (r *Recalculation) adopt(ctx context.Context) error {
	for !r.adopted {
		days, err := r.opts.Days.OwedDays(ctx, r.inDoubt(), owedPage)
		if err == nil {
			err = r.own(ctx, days)
		}
		if err != nil {
			return err
		}
		r.adopted = len(days) < owedPage
	}
	doubtful := r.doubtful
	r.doubtful = nil
	return r.own(ctx, doubtful)
}

// own makes days owed that are in doubt, and ends the doubt about all that no write is
// about to change. books is held.
func (r *Recalculation) own(ctx context.Context, days []PersonDay) error {
	if len(days) == 0 {
		return nil
	}
	r.backlog = true
	if err := r.owe(ctx, days); err != nil {
		return err
	}
	return r.doubtless(ctx, slices.DeleteFunc(slices.Clone(days), func(d PersonDay) bool { return r.writing[d] > 0 }))
}

// doubtless ends the doubt about days. books is held.
func (r *Recalculation) doubtless(ctx context.Context, days []PersonDay) error {
	if len(days) == 0 {
		return nil
	}
	return r.opts.Days.SettleDays(ctx, r.inDoubt(), days)
}

// owe makes days owed; where the store fails, as soon as it can. books is held.
func (r *Recalculation) owe(ctx context.Context, days []PersonDay) error {
	if len(days) == 0 {
		return nil
	}
	if r.calling {
		for _, d := range days {
			r.fresh[d] = true
		}
	}
	err := r.opts.Days.OweDays(ctx, r.opts.Target, days)
	if err != nil {
		r.doubtful = append(r.doubtful, days...)
		r.backlog = true
	}
	return err
}

// changedBy are the days that a write has changed, sorted; or all that it may have, when
// nobody knows whether it was committed.
func (o *owing) changedBy(w Written, err error) (days []PersonDay, known bool) {
	if err != nil && len(w.Days) == 0 && w.punches() == 0 && CodeOf(err) != CodeTable {
		return o.days, false
	}
	days = slices.Clone(w.Days)
	slices.SortFunc(days, PersonDay.Compare)
	return slices.Compact(days), true
}

// book makes the changed days owed and ends the doubt about all that no other write is
// about to change.
func (o *owing) book(ctx context.Context, changed []PersonDay) error {
	o.books.Lock()
	defer o.books.Unlock()
	over := o.release()
	if err := o.owe(ctx, changed); err != nil {
		return err
	}
	return o.doubtless(ctx, over)
}

// release returns the days that no other write is about to change. books is held.
func (o *owing) release() (over []PersonDay) {
	o.booked = true
	for _, d := range o.days {
		if o.writing[d]--; o.writing[d] == 0 {
			delete(o.writing, d)
			over = append(over, d)
		}
	}
	return over
}

// close ends a write that was not booked, because the sink has panicked: all of its days
// may have changed.
func (o *owing) close() {
	o.books.Lock()
	defer o.books.Unlock()
	if !o.booked {
		o.release()
		o.doubtful = append(o.doubtful, o.days...)
		o.backlog = true
	}
}

// catchUp tells the hook of the days that a write has changed and of some that are owed
// from before. It returns those of them that it was not told of, and why.
func (r *Recalculation) catchUp(ctx context.Context, changed []PersonDay, zone *time.Location) (left []PersonDay, why error) {
	if len(changed) == 0 && !r.owesMore(false) {
		return nil, nil
	}
	if err := r.take(ctx); err != nil {
		r.owesMore(true)
		return changed, err
	}
	defer r.yield()
	if r.pause > 0 {
		r.pause--
		r.owesMore(true)
		return changed, r.why
	}
	days := changed
	if r.takeBacklog() {
		before, err := r.opts.Days.OwedDays(ctx, r.opts.Target, owedPage)
		if err != nil || len(before) == owedPage {
			r.owesMore(true)
		}
		days = append(slices.Clone(changed), before...)
		slices.SortFunc(days, PersonDay.Compare)
		days = slices.Compact(days)
	}
	_, left, why = r.tell(ctx, days, zone)
	return left, why
}

// tell tells the hook of days, which are sorted, in portions, and settles those with
// which it succeeded. left are those with which it did not. The caller has the hook.
func (r *Recalculation) tell(ctx context.Context, days []PersonDay, zone *time.Location) (settled int, left []PersonDay, err error) {
	today, open := DateOf(r.opts.Now().In(zone)), r.openFrom(zone)
	due := slices.DeleteFunc(slices.Clone(days), func(d PersonDay) bool { return today.Before(d.Day) })
	if len(due) < len(days) {
		r.owesMore(true)
	}
	for len(due) > 0 {
		part := due[:min(len(due), hookDays/3)]
		n, err := r.call(ctx, part, today, open)
		if err != nil {
			r.owesMore(true)
			return settled, due, err
		}
		settled += n
		due = due[len(part):]
	}
	return settled, nil, nil
}

// call calls the hook, remembers how often it has failed, and settles the days that have
// not changed meanwhile.
func (r *Recalculation) call(ctx context.Context, days []PersonDay, today, open Date) (settled int, err error) {
	r.beginCall()
	defer r.endCall()
	told, _ := openNeighbours(days, today, open)
	err = r.hook(ctx, told)
	switch {
	case err == nil:
		r.fails, r.pause, r.why = 0, 0, nil
		return r.settle(ctx, days), nil
	case ctx.Err() == nil:
		r.why = coded(err, CodeUnavailable, "recalculation")
		r.pause = min(1<<min(r.fails, 30), longestPause)
		r.fails++
		return 0, r.why
	default:
		return 0, err
	}
}

// openFrom is the first day that is not in a closed month; zero where none is.
func (r *Recalculation) openFrom(zone *time.Location) (open Date) {
	if from := OpenFrom(r.opts.Now().In(zone), r.opts.FreezeAfterDay); !from.IsZero() {
		open = DateOf(from)
	}
	return open
}

func (r *Recalculation) beginCall() {
	r.books.Lock()
	defer r.books.Unlock()
	r.calling = true
	clear(r.fresh)
}

func (r *Recalculation) endCall() {
	r.books.Lock()
	defer r.books.Unlock()
	r.calling = false
}

// settle takes days out of the store that the hook was told of, but for those that have
// changed since, and returns how many it took.
func (r *Recalculation) settle(ctx context.Context, days []PersonDay) int {
	r.books.Lock()
	defer r.books.Unlock()
	done := slices.DeleteFunc(slices.Clone(days), func(d PersonDay) bool { return r.fresh[d] })
	if len(done) < len(days) {
		r.backlog = true
	}
	if len(done) == 0 {
		return 0
	}
	if err := r.opts.Days.SettleDays(ctx, r.opts.Target, done); err != nil {
		r.backlog = true // they are told once more: harmless
		return 0
	}
	return len(done)
}

// owesMore reports whether more is owed than the writes going on will do, or notes it.
func (r *Recalculation) owesMore(note bool) bool {
	r.books.Lock()
	defer r.books.Unlock()
	r.backlog = r.backlog || note
	return r.backlog
}

// takeBacklog is owesMore for who does what is owed.
func (r *Recalculation) takeBacklog() bool {
	r.books.Lock()
	defer r.books.Unlock()
	backlog := r.backlog
	r.backlog = len(r.doubtful) > 0
	return backlog
}

// take waits until no other goroutine calls the hook.
func (r *Recalculation) take(ctx context.Context) error {
	select {
	case r.hooking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Recalculation) yield() { <-r.hooking }
