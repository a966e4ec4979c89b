package oasink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// recalculate queues the days that the write has changed in kq_format_pool, in the
// write's own transaction. What the queue refuses is owed: see [Options.Owe].
func (w *writing) recalculate(ctx context.Context, c bun.Conn) error {
	t := w.shape.pool
	switch {
	case !t.usable(poolNeeds()...):
		if err := w.unlessCome(ctx, c); err != nil {
			return err
		}
		return w.owe(ctx, errors.New(t.complaint(poolNeeds())))
	case w.unqueued != "":
		return w.owe(ctx, errors.New(w.unqueued))
	}
	p, err := planPool(w.written.Days, w.opts.Now().In(w.zone), w.openFrom(), w.shape.judgesLater())
	if err != nil {
		return err
	}
	if p.later, err = w.notWaiting(ctx, c, p.later); err != nil {
		return err
	}
	w.written.Closed = p.closed
	if w.told != nil {
		w.written.Queued = len(p.due) + len(p.later)
		return nil
	}
	// No right to insert there, a trigger, a constraint: the punches count more.
	refusal, err := w.leniently(ctx, c, func() error { return w.addPool(ctx, c, p) })
	if d, ok := errors.AsType[*doomed](err); ok { // Write begins again without the queue
		w.unqueued = w.quotable(d.refusal).Error()
	}
	if err != nil {
		return err
	}
	if refusal != nil {
		return w.owe(ctx, w.quotable(refusal))
	}
	w.written.Queued = len(p.due) + len(p.later)
	return nil
}

// unlessCome looks once more for the queue, where it lacked: an error of
// [attendance.CodeTable] says that it is there now, and Write begins again. It is asked
// only when days have changed; all others need no queue.
func (w *writing) unlessCome(ctx context.Context, c bun.Conn) error {
	want := w.located[tablePool]
	_, columns, err := w.dialect.find(ctx, c.Conn, want)
	if err != nil || len(columns) == 0 {
		return err
	}
	now := &table{name: want, columns: make(map[string]column, len(columns))}
	for _, column := range columns {
		now.columns[strings.ToLower(column.name)] = column
	}
	if !now.usable(poolNeeds()...) {
		return nil
	}
	return &attendance.Error{Code: attendance.CodeTable, Op: "oasink write", Detail: fmt.Sprintf("table %s was not there before", want)}
}

// openFrom is the first day that may be computed anew; zero where all may.
func (w *writing) openFrom() attendance.Date {
	if w.batch.OpenFrom.IsZero() {
		return attendance.Date{}
	}
	return attendance.DateOf(w.batch.OpenFrom.In(w.zone))
}

// judgesLater reports whether the OA looks at exectime, so that rows for later are of
// use.
func (sh *shape) judgesLater() bool { return sh.pool.has("exectime") && !sh.inaccurate }

// addPool inserts the rows of a plan. One insert has one exectime: a value of its own
// for each row would depend on the session's language on some databases.
func (w *writing) addPool(ctx context.Context, c bun.Conn, p poolPlan) error {
	for _, rows := range append([][]poolRow{p.due}, byExec(p.later)...) {
		if err := w.addPoolRows(ctx, c, rows); err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) addPoolRows(ctx context.Context, c bun.Conn, rows []poolRow) error {
	if len(rows) == 0 {
		return nil
	}
	in := w.newInsert(c, w.shape.pool, []cell{{"exectime", rows[0].exec}}, "resourceid", "kqdate")
	defer in.close()
	for _, r := range rows {
		if err := in.add(ctx, r.person, r.day.String()); err != nil {
			return err
		}
	}
	return in.flush(ctx)
}

// byExec parts rows by their moment, in the order in which the moments come.
func byExec(rows []poolRow) [][]poolRow {
	var parts [][]poolRow
	at := make(map[string]int)
	for _, r := range rows {
		i, ok := at[r.exec]
		if !ok {
			i = len(parts)
			at[r.exec], parts = i, append(parts, nil)
		}
		parts[i] = append(parts[i], r)
	}
	return parts
}

// notWaiting leaves out the rows for later of which the same one waits already. An
// account that may not read the queue adds them all: one too many is harmless, one too
// few leaves the day without its early leave and its missing punch.
func (w *writing) notWaiting(ctx context.Context, c bun.Conn, rows []poolRow) ([]poolRow, error) {
	if len(rows) == 0 {
		return rows, nil
	}
	waits := make(map[poolRow]bool)
	look := func() error {
		clear(waits)
		for _, same := range byExec(rows) {
			if err := w.readWaiting(ctx, c, same, waits); err != nil {
				return err
			}
		}
		return nil
	}
	var refusal, err error
	if w.told == nil {
		refusal, err = w.leniently(ctx, c, look)
	} else if err = look(); err != nil && w.dialect.diagnose(err).repeats() && ctx.Err() == nil {
		refusal, err = err, nil // nothing is read after it
	}
	if err != nil || refusal != nil {
		return rows, err
	}
	var wanted []poolRow
	for _, r := range rows {
		if !waits[r] {
			wanted = append(wanted, r)
		}
	}
	return wanted, nil
}

// readWaiting reads which of the rows, all of one moment, wait in the queue.
func (w *writing) readWaiting(ctx context.Context, c bun.Conn, rows []poolRow, waits map[poolRow]bool) error {
	t, first, last := w.shape.pool, rows[0].day, rows[0].day
	people := make([]int64, len(rows))
	for i, r := range rows {
		if people[i] = r.person; r.day.Before(first) {
			first = r.day
		} else if last.Before(r.day) {
			last = r.day
		}
	}
	exec, _ := t.column("exectime")
	for part := range slices.Chunk(people, valuesPerList) {
		q := w.statement("SELECT ").columns(t, "resourceid", "kqdate").sql(" FROM ").table(t)
		within(q, t, "resourceid", part, "kqdate", first, last).sql(" AND ").name(exec.name).sql(" = ").constant(exec, rows[0].exec)
		if t.has("status") {
			q.sql(" AND ").column(t, "status").sql(" = 0")
		}
		err := q.query(ctx, c, 2, func(v []any) error {
			if day, err := attendance.ParseDate(dateOf(v[1])); err == nil {
				waits[poolRow{intOf(v[0]), day, rows[0].exec}] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// owe has the changed days remembered, which could not be queued, before the punches
// are committed, and tells of them. An error ends the transaction: nobody would think of
// the days any more.
func (w *writing) owe(ctx context.Context, why error) error {
	if w.opts.Owe != nil && w.told == nil {
		if err := w.opts.Owe(ctx, w.written.Days); err != nil {
			return w.unremembered(ctx, why, err)
		}
	}
	w.written.Warnings = append(w.written.Warnings, attendance.NotRecalculated(w.written.Days, why))
	return nil
}

func (w *writing) unremembered(ctx context.Context, why, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	e := &attendance.Error{Code: attendance.CodeStore, Op: "oasink", Err: err,
		Detail: fmt.Sprintf("the OA's queue of days to be computed anew refuses them (%v), and they cannot be remembered for later (%s); so nothing of the batch was written", why, sentence(err))}
	if ours, ok := errors.AsType[*attendance.Error](err); ok {
		e.Mend = ours.Remedy()
	}
	return e
}
