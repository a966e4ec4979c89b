package oasink

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// apply changes and removes the rows that settle has found, and prepares what the
// ledger is to know of it.
func (w *writing) apply(ctx context.Context, c bun.Conn, looks map[rowID]look) error {
	defer w.closePrepared()
	b := w.book
	w.wantedChanges = len(b.removals)
	for _, rows := range w.lists() {
		for i := range rows {
			if rows[i].filed.moved {
				w.wantedChanges++
			}
		}
	}
	for _, rows := range w.lists() {
		for i := range rows {
			if err := w.applyTo(ctx, c, &rows[i], looks); err != nil {
				return err
			}
		}
	}
	removals := b.removals
	b.removals = nil
	for _, e := range removals {
		done, err := w.single(ctx, c, e.where(), func() error { return w.remove(ctx, c, e) })
		if err != nil {
			return err
		}
		if !done {
			w.supersede(e.table, e.key)
			b.kept = append(b.kept, e)
			continue
		}
		b.removals, b.drop = append(b.removals, e), append(b.drop, e)
		b.changes = append(b.changes, change{entry: *e, run: b.run, removed: true})
	}
	if w.tryOnly {
		return errSearched
	}
	return nil
}

// single makes one change of a row that is there, or finds out that its table does
// not let it be changed: the change is given up then, and done is false.
func (w *writing) single(ctx context.Context, c bun.Conn, id rowID, f func() error) (done bool, err error) {
	switch {
	case w.stuck[id] != nil:
		return false, nil
	case w.refusedChanges >= allRefused && w.changes == 0 && w.wantedChanges > fewRows: // whichever it is
		w.stuck[id] = &rowFault{w.lastRefusal.reason, "not tried after others were refused, the last because of: " + w.lastRefusal.detail}
		return false, nil
	case !w.carefully || w.told != nil:
		if err = f(); w.refusesRow(err) {
			w.carefully, w.again = true, true
		}
		return err == nil, err
	}
	refusal, err := w.leniently(ctx, c, f)
	if dead, isDead := errors.AsType[*doomed](err); isDead && w.refusesRow(dead.refusal) {
		w.again = true
		if w.dialect.reopen() == "" {
			w.stuck[id] = w.refusedRow(dead.refusal)
			return false, err
		}
		// The others are only tried from here on, so that the next try knows of all.
		w.tryOnly, refusal = true, dead.refusal
		err = w.reopen(ctx, c)
	}
	switch {
	case err != nil:
		return false, err
	case refusal == nil:
		w.changes++
		return true, nil
	case !w.refusesRow(refusal):
		return false, refusal
	}
	w.lastRefusal = w.refusedRow(refusal)
	w.stuck[id] = w.lastRefusal
	w.refusedChanges++
	return false, nil
}

// applyTo does what one punch needs of the row that holds it.
func (w *writing) applyTo(ctx context.Context, c bun.Conn, r *want, looks map[rowID]look) error {
	b, f, e := w.book, r.filed, r.filed.uses
	if e == nil || b.older(f.account, e) {
		return nil
	}
	after := *e
	after.record, after.account, after.key, after.punched, after.place = f.record, f.account, r.key, r.punch.Time.Unix(), f.place
	after.readAt, after.absentAt, after.absentRun = b.span.at, 0, ""
	if f.moved {
		var place storedPlace
		if f.replaced {
			if place = w.placeIn(f.table, r); storedHash(place) == e.stored { // what differs, the row cannot hold
				f.replaced = false
			}
			after.stored = storedHash(place)
		}
		if f.moved = f.replaced || r.key != e.key; f.moved {
			done, err := w.single(ctx, c, e.where(), func() error { return w.rewrite(ctx, c, e, r.key, f.replaced, place) })
			if err != nil {
				return err
			}
			if !done {
				r.leave(e, w.stuck[e.where()])
				return nil
			}
			after.moves++
			f.corrected, f.was = true, e.key
			b.changes = append(b.changes, change{entry: *e, run: b.run, replaced: f.replaced, texts: looks[e.where()].place})
		} else {
			r.isOurs()
		}
	} else if e.record == f.record && e.account == f.account && e.absentAt == 0 {
		return nil
	}
	b.drop, b.put = append(b.drop, e), append(b.put, &after)
	if own := f.own; own != nil && own != e && own.used == nil && own.standing == intact && !b.removes(own) {
		spare := *own // its record is now the other row's
		spare.record = spareRecord(own.row)
		b.drop, b.put = append(b.drop, own), append(b.put, &spare)
	}
	return nil
}

// leave leaves a row as it is, although its punch is another now.
func (w *want) leave(e *entry, why *rowFault) {
	w.fault, w.filed.moved = why, false
	if w.key == e.key { // only its place is another
		w.isOurs()
		w.valid, w.kept = true, true
	}
}

func (b *book) removes(e *entry) bool {
	for _, r := range b.removals {
		if r == e {
			return true
		}
	}
	return false
}

// rewrite makes a row hold another person, time and type, and another place if
// replaced; only if it still holds what was written.
func (w *writing) rewrite(ctx context.Context, c bun.Conn, e *entry, k key, replaced bool, place storedPlace) error {
	if w.told != nil {
		w.told.row(e.table, k, attendance.ActionMove, e.at)
		return nil
	}
	t, q := w.punchTable(e.table), &bound{statement: w.statement("UPDATE ")}
	q.table(t).sql(" SET ")
	set := func(column string, v any) {
		if col, ok := t.column(column); ok {
			q.name(col.name).sql(" = ")
			q.argument(w.dialect, col.bind(v))
			q.sql(", ")
		}
	}
	if e.table == signTable {
		if replaced {
			set("LONGITUDE", place[0])
			set("LATITUDE", place[1])
			set("ADDR", place[2])
		}
		set("signType", k.sign.value())
		set("signDate", k.at.date())
		set("signTime", k.at.clock())
		q.column(t, "userId").sql(" = ")
	} else {
		if replaced {
			set("longitude", place[0])
			set("latitude", place[1])
			set("address", place[2])
			set("remark", place[3])
		}
		set("operate_date", k.at.date())
		set("operate_time", k.at.clock())
		q.column(t, "operater").sql(" = ")
	}
	q.argument(w.dialect, k.person)
	return w.change(ctx, c, q, t, e)
}

// remove deletes a row, only if it still holds what was written.
func (w *writing) remove(ctx context.Context, c bun.Conn, e *entry) error {
	if w.told != nil {
		w.told.row(e.table, e.key, attendance.ActionRemove, 0)
		return nil
	}
	t := w.punchTable(e.table)
	q := &bound{statement: w.statement("DELETE FROM ").table(t)}
	return w.change(ctx, c, q, t, e)
}

// change runs a statement on the row of an entry. A row that somebody has changed
// since it was read, under our hands, is left alone by the next try.
func (w *writing) change(ctx context.Context, c bun.Conn, q *bound, t *table, e *entry) error {
	is := func(column string, v any) {
		col, _ := t.column(column)
		q.sql(" AND ")
		switch {
		case v == nil:
			q.name(col.name).sql(" IS NULL")
			return
		case col.kind == text: // a CHAR may be padded
			q.sql("RTRIM(").name(col.name).sql(") = ")
			v = textOf(v)
		default:
			q.name(col.name).sql(" = ")
		}
		q.argument(w.dialect, col.bind(v))
	}
	q.sql(" WHERE ").column(t, "id").sql(" = ")
	q.argument(w.dialect, e.row)
	if e.table == signTable {
		is("userId", e.person)
		is("signDate", e.at.date())
		is("signTime", e.at.clock())
		is("signType", e.sign.value())
		is("isInCom", "1")
	} else {
		is("operater", e.person)
		is("operate_date", e.at.date())
		is("operate_time", e.at.clock())
	}
	// The same few statements for many rows.
	stmt := w.prepared[string(q.b)]
	if stmt == nil {
		var err error
		if stmt, err = c.Conn.PrepareContext(ctx, string(q.b)); err != nil {
			return err
		}
		if w.prepared == nil {
			w.prepared = make(map[string]*sql.Stmt)
		}
		w.prepared[string(q.b)] = stmt
	}
	result, err := stmt.ExecContext(ctx, q.args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 { // a trigger's rows may be counted too
		if w.stubborn == nil {
			w.stubborn = make(map[rowID]bool)
		}
		w.stubborn[e.where()] = true
		return errBusy
	}
	return err
}

// closePrepared lets go of what change has prepared, on a connection that may be
// gone.
func (w *writing) closePrepared() {
	for _, stmt := range w.prepared {
		_ = stmt.Close()
	}
	w.prepared = nil
}

func (w *writing) punchTable(id tableID) *table {
	if id == mobileTable {
		return w.shape.mobile
	}
	return w.shape.sign
}

// A bound statement has arguments that the driver binds.
type bound struct {
	*statement
	args []any
}

func (q *bound) argument(d dialect, v any) {
	if f, ok := v.(float64); ok { // drivers differ in what they make of one for a decimal column
		v = strconv.FormatFloat(f, 'f', -1, 64)
	}
	q.args = append(q.args, v)
	q.sql(d.argument(len(q.args)))
}
