package oasink

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// An undoing is one call of Undo.
type undoing struct {
	*Sink
	shape    *shape
	run      string
	done     Undone
	seen     int
	kept     map[rowID]bool
	closed   []attendance.PersonDay // not computed anew
	stubborn map[rowID]bool
}

// An undoStep is one of the two things that Undo does: list reads what there is to
// do in a table, by the rows' ids, beginning after one; one does one thing of it and
// returns the days that it concerns, nil when it was left.
type undoStep struct {
	restores bool
	list     func(ctx context.Context, c bun.Conn, t *undoTry, id tableID, after int64) ([]change, error)
	one      func(ctx context.Context, c bun.Conn, t *undoTry, h *change) ([]key, error)
}

// An undoTry is one try of a transaction of an undoing.
type undoTry struct {
	*writing
	looks     map[rowID]look
	kept      []*change
	why       []KeptReason
	fresh     map[rowID]bool    // put back by this very try
	originals map[rowID]*entry  // what the ledger holds of the rows that were changed
	spent     []int64           // changes that were taken back
	pending   map[rowID]*change // of rows that were changed once
}

// once takes back what can be: first where rows were moved, then those that were
// added.
func (u *undoing) once(ctx context.Context) error {
	for _, step := range [...]undoStep{{true, u.listChanges, u.restore}, {false, u.listAdded, u.removeAdded}} {
		for _, id := range [...]tableID{signTable, mobileTable} {
			for after, more := int64(-1), true; more; {
				var err error
				if more, err = u.portion(ctx, step, id, &after); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (t *undoTry) keep(h *change, why KeptReason) ([]key, error) {
	t.kept, t.why = append(t.kept, h), append(t.why, why)
	return nil, nil
}

// portion does one step for so many rows, in one transaction, and reports whether
// there may be more. What a try did whose commit may have come through, and what is
// not there any more, was done by it.
func (u *undoing) portion(ctx context.Context, step undoStep, id tableID, after *int64) (more bool, err error) {
	var t *undoTry
	var things []change
	var tried map[int64][]key // what this try did, by the thing's id
	unsure := make(map[int64][]key)
	err = u.exclusively(ctx, func(ctx context.Context, c bun.Conn, perhaps bool) error {
		if perhaps {
			maps.Copy(unsure, tried)
		}
		tried = make(map[int64][]key)
		t = &undoTry{
			writing: &writing{Sink: u.Sink, shape: u.shape, plan: &plan{}, zone: time.UTC, stubborn: u.stubborn, tables: map[tableID]bool{id: true},
				book: &book{byRow: make(map[rowID]*entry), byRecord: make(map[recordID]*entry)}},
			looks: make(map[rowID]look), fresh: make(map[rowID]bool), originals: make(map[rowID]*entry),
		}
		var err error
		if things, err = step.list(ctx, c, t, id, *after); err != nil {
			return err
		}
		defer t.closePrepared()
		for i := range things {
			h := &things[i]
			delete(unsure, h.id)
			days, err := step.one(ctx, c, t, h)
			if err != nil {
				return err
			}
			if days != nil {
				tried[h.id] = days
			}
		}
		maps.Copy(tried, unsure)
		return t.finish(ctx, c, tried, things)
	})
	if err != nil {
		return false, err
	}
	if u.seen += len(things); step.restores {
		u.done.Restored += len(tried)
	} else {
		u.done.Removed += len(tried)
	}
	for i, h := range t.kept {
		u.keep(h, t.why[i])
	}
	u.done.Days = append(u.done.Days, t.written.Days...)
	u.done.Warnings = append(u.done.Warnings, t.written.Warnings...)
	u.closed = append(u.closed, t.written.Closed...)
	if len(things) > 0 {
		*after = things[len(things)-1].row
	}
	return len(things) > 0, nil
}

// keep tells of a row once.
func (u *undoing) keep(h *change, why KeptReason) {
	if u.kept[h.where()] {
		return
	}
	u.kept[h.where()] = true
	table := tableSign
	if h.table == mobileTable {
		table = tableMobile
	}
	u.done.Kept = append(u.done.Kept, Kept{table, strconv.FormatInt(h.person, 10), time.Unix(h.punched, 0).UTC(), why})
}

// finish writes down what was done.
func (t *undoTry) finish(ctx context.Context, c bun.Conn, tried map[int64][]key, things []change) error {
	var drop, put []*entry
	for id, e := range t.originals {
		drop = append(drop, e)
		if now := t.book.byRow[id]; now != nil {
			put = append(put, now)
		}
	}
	if err := t.replaceEntries(ctx, c, drop, put); err != nil {
		return err
	}
	table := t.shape.ledger.table(ledgerChanges)
	for part := range slices.Chunk(t.spent, valuesPerList) {
		if err := t.statement("DELETE FROM ").table(table).sql(" WHERE ").column(table, "id").sql(" IN ").list(part).exec(ctx, c); err != nil {
			return err
		}
	}
	for _, days := range tried {
		t.otherDays = append(t.otherDays, days...)
	}
	t.written.Days = changed(t.otherDays)
	if len(t.written.Days) == 0 || !t.recalculates(t.shape) {
		return nil
	}
	if len(things) > 0 { // the wall clock of the rows
		h := &things[0]
		wall, err := time.Parse(time.DateTime, h.at.date()+" "+h.at.clock())
		if offset := wall.Unix() - h.punched; err == nil && offset > -24*3600 && offset < 24*3600 {
			t.zone = time.FixedZone("", int(offset))
		}
	}
	t.batch.OpenFrom = attendance.OpenFrom(t.opts.Now().In(t.zone), t.opts.Ledger.FreezeAfterDay)
	return t.recalculate(ctx, c)
}

// listChanges reads rows that the run has moved or removed, whole ones, the last
// change first, and what the ledger and the OA hold of them now.
func (u *undoing) listChanges(ctx context.Context, c bun.Conn, t *undoTry, id tableID, after int64) ([]change, error) {
	table := u.shape.ledger.table(ledgerChanges)
	q := u.statement("SELECT ").columns(table, changeColumns()...).sql(" FROM ").table(table).sql(" WHERE ").column(table, "run_id").sql(" = ").plain(u.run)
	q.sql(" AND ").column(table, "target").sql(" = ").number(int64(id)).sql(" AND ").column(table, "row_id").sql(" > ").number(after)
	q.sql(" ORDER BY ").column(table, "row_id").sql(", ").column(table, "step").sql(" DESC")
	var list []change
	err := u.statement(u.dialect.limit(string(q.b), undoPage)).query(ctx, c, len(changeColumns()), func(v []any) error {
		list = append(list, changeOf(v))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(list) == undoPage { // the last row's may go on
		last := list[len(list)-1].row
		if whole := slices.IndexFunc(list, func(h change) bool { return h.row == last }); whole > 0 {
			list = list[:whole]
		}
	}
	var rows []int64
	var ids []rowID
	t.pending = make(map[rowID]*change)
	for i := range list {
		h := &list[i]
		if h.removed {
			continue
		}
		rows, ids = append(rows, h.row), append(ids, h.where())
		if t.pending[h.where()] = h; i > 0 && list[i-1].row == h.row {
			t.pending[h.where()] = nil
		}
	}
	entries := u.shape.ledger.table(ledgerRows)
	err = readEntries(ctx, c, t.writing, slices.Compact(rows), func(q *statement, part []int64) {
		q.column(entries, "row_id").sql(" IN ").list(part).sql(" AND ").column(entries, "target").sql(" = ").number(int64(id))
	}, func(e *entry) { t.book.byRow[e.where()] = e })
	if err != nil {
		return nil, err
	}
	return list, t.lookAt(ctx, c, slices.Compact(ids), t.looks)
}

// listAdded reads rows that the run has added.
func (u *undoing) listAdded(ctx context.Context, c bun.Conn, t *undoTry, id tableID, after int64) ([]change, error) {
	table := u.shape.ledger.table(ledgerRows)
	q := u.statement("SELECT ").columns(table, entryColumns()...).sql(" FROM ").table(table).sql(" WHERE ").column(table, "run_id").sql(" = ").plain(u.run)
	q.sql(" AND ").column(table, "target").sql(" = ").number(int64(id)).sql(" AND ").column(table, "row_id").sql(" > ").number(after)
	q.sql(" ORDER BY ").column(table, "row_id")
	var list []change
	var ids []rowID
	err := u.statement(u.dialect.limit(string(q.b), undoPage)).query(ctx, c, len(entryColumns()), func(v []any) error {
		e := entryOf(v)
		t.book.byRow[e.where()], ids = e, append(ids, e.where())
		list = append(list, change{entry: *e, id: e.row})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, t.lookAt(ctx, c, ids, t.looks)
}

// sound is the entry of a row that still holds what was written; else why it does
// not.
func (t *undoTry) sound(h *change) (*entry, KeptReason) {
	e := t.book.byRow[h.where()]
	_, there := t.looks[h.where()]
	switch {
	case e == nil && !there:
		return nil, DeletedByOthers
	case e == nil || e.origin != h.origin:
		return nil, ChangedSince
	case t.fresh[h.where()] || t.book.judge(h.where(), t.looks, t.writing):
		return e, ""
	case e.standing == gone:
		return nil, DeletedByOthers
	default:
		return nil, ChangedByOthers
	}
}

// removeAdded removes a row that the run has added.
func (u *undoing) removeAdded(ctx context.Context, c bun.Conn, t *undoTry, h *change) ([]key, error) {
	e, why := t.sound(h)
	if e != nil && e.moves > 0 {
		why = ChangedSince
	}
	if why != "" {
		return t.keep(h, why)
	}
	if err := t.remove(ctx, c, e); err != nil {
		return nil, err
	}
	t.originals[e.where()] = e
	delete(t.book.byRow, e.where())
	return []key{e.key}, nil
}

// restore puts a row back where it was before the run.
func (u *undoing) restore(ctx context.Context, c bun.Conn, t *undoTry, h *change) ([]key, error) {
	if h.removed {
		return t.keep(h, RemovedByRun)
	}
	e, why := t.sound(h)
	if e != nil && e.moves != h.moves+1 {
		why = ChangedSince
	}
	if why != "" {
		return t.keep(h, why)
	}
	if h.key != e.key {
		free, err := t.free(ctx, c, h, map[rowID]bool{h.where(): true})
		if err != nil {
			return nil, err
		}
		if !free {
			return t.keep(h, Occupied)
		}
	}
	if err := t.rewrite(ctx, c, e, h.key, h.replaced, h.texts); err != nil {
		return nil, err
	}
	if !t.fresh[h.where()] {
		t.originals[h.where()] = e
	}
	back := h.entry
	back.run, back.standing = e.run, intact
	if back.record != e.record {
		// Its record may be another row's by now.
		known := false
		table := u.shape.ledger.table(ledgerRows)
		err := readEntries(ctx, c, t.writing, []string{back.record}, func(q *statement, part []string) {
			q.column(table, "origin").sql(" = ").number(back.origin).sql(" AND ").column(table, "target").sql(" = ").number(int64(back.table))
			q.sql(" AND ").column(table, "record_id").sql(" IN ").texts(part)
		}, func(o *entry) { known = known || o.row != back.row })
		if err != nil {
			return nil, err
		}
		if known {
			back.record = spareRecord(back.row)
		}
	}
	t.book.byRow[h.where()], t.fresh[h.where()] = &back, true
	t.spent = append(t.spent, h.id)
	return []key{e.key, back.key}, nil
}

// free reports whether there is no other row where this one was, or only such as go
// back in this very try, like those that rows have swapped places with. on are those
// that are on their way already.
func (t *undoTry) free(ctx context.Context, c bun.Conn, h *change, on map[rowID]bool) (bool, error) {
	others, err := t.occupants(ctx, c, h)
	if err != nil {
		return false, err
	}
	for _, row := range others {
		id := rowID{h.table, row}
		if on[id] {
			continue
		}
		back := t.pending[id]
		if back == nil {
			return false, nil
		}
		e, why := t.sound(back)
		if why != "" || e.moves != back.moves+1 || e.key == back.key {
			return false, nil
		}
		on[id] = true
		if free, err := t.free(ctx, c, back, on); err != nil || !free {
			return false, err
		}
	}
	return true, nil
}

// occupants are the other rows that are where this one was.
func (t *undoTry) occupants(ctx context.Context, c bun.Conn, h *change) ([]int64, error) {
	table, q := t.punchTable(h.table), t.statement("SELECT ")
	person, date, clock, sign := "userId", "signDate", "signTime", "signType"
	if h.table == mobileTable {
		person, date, clock, sign = "operater", "operate_date", "operate_time", "no type"
	}
	q.columns(table, "id", date, clock, sign).sql(" FROM ").table(table).sql(" WHERE ").column(table, person).sql(" = ").number(h.person)
	q.sql(" AND ").column(table, date).sql(" >= ").plain(h.at.date()).sql(" AND ").column(table, date).sql(" < ").plain(dayOf(h.at).Add(1).String())
	var rows []int64
	err := q.query(ctx, c, 4, func(v []any) error {
		at, ok := secondIn(v[1], v[2])
		same := h.table == mobileTable || t.shape.generation == E9 || signTypeFrom(digitOf(v[3])) == h.sign
		if row := intOf(v[0]); ok && at == h.at && same && row != h.row {
			rows = append(rows, row)
		}
		return nil
	})
	return rows, err
}

func changeOf(v []any) change {
	h := change{id: intOf(v[0]), run: exactly(v[1]), removed: intOf(v[3]) != 0, replaced: intOf(v[17]) != 0}
	h.entry = entry{
		origin: intOf(v[4]), table: tableID(intOf(v[5])), record: exactly(v[6]), row: intOf(v[7]), account: exactly(v[8]),
		key:     key{intOf(v[9]), second(intOf(v[11])), signTypeFrom(zeroless(v[12]))},
		punched: intOf(v[10]), tag: exactly(v[13]), place: intOf(v[14]), stored: intOf(v[15]), readAt: intOf(v[16]), moves: intOf(v[2]),
	}
	for i := range h.texts {
		if s := exactly(v[18+i]); s != "" {
			h.texts[i] = s
		}
	}
	return h
}
