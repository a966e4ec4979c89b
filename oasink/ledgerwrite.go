package oasink

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// openLedger begins a try: it reads what the ledger knows. Without a ledger it does
// nothing, like the other steps here.
func (w *writing) openLedger(ctx context.Context, c bun.Conn, perhaps bool) error {
	if w.opts.Ledger == nil {
		return nil
	}
	if perhaps {
		w.lost = append(w.lost, w.taken...)
	}
	w.otherDays, w.taken, w.failing = nil, nil, nil
	w.tables = map[tableID]bool{
		signTable:   w.shape.sign.usable(signNeeds()...) && w.refused[w.shape.sign] == nil,
		mobileTable: w.shape.mobile.usable(mobileNeeds()...) && w.refused[w.shape.mobile] == nil,
	}
	return w.openBook(ctx, c)
}

// unlessLedger does at once what with a ledger has to wait for the corrections.
func (w *writing) unlessLedger(ctx context.Context, c bun.Conn, add func(context.Context, bun.Conn) error) error {
	if w.book != nil {
		return nil
	}
	return add(ctx, c)
}

// withLedger corrects, then adds, then writes down what was done.
func (w *writing) withLedger(ctx context.Context, c bun.Conn, sign, mobile bool) error {
	if w.book == nil {
		return nil
	}
	if err := w.correct(ctx, c); err != nil {
		return err
	}
	if sign && w.open(w.shape.sign, signNeeds()) {
		if err := w.addSign(ctx, c); err != nil {
			return err
		}
	}
	if mobile && w.open(w.shape.mobile, mobileNeeds()) {
		if err := w.addMobile(ctx, c); err != nil {
			return err
		}
	}
	w.failing = nil
	if w.told != nil {
		return nil
	}
	return w.writeLedger(ctx, c)
}

// correct brings the rows of the ledger to what the batch says, as far as they can
// be changed; what is then still missing is for the inserts.
func (w *writing) correct(ctx context.Context, c bun.Conn) error {
	if err := w.readOwners(ctx, c); err != nil {
		return err
	}
	looks, err := w.standings(ctx, c)
	if err != nil {
		return err
	}
	return w.apply(ctx, c, looks)
}

// readOwners looks up the rows of our tag that the ledger has not named yet: they
// may be those of an account that was bound to the person before, or another
// corp's.
func (w *writing) readOwners(ctx context.Context, c bun.Conn) error {
	b, t := w.book, w.shape.ledger.table(ledgerRows)
	for _, id := range [...]tableID{signTable, mobileTable} {
		var unknown []int64
		for _, r := range b.rows {
			if r.table == id && r.ours && b.byRow[r.rowID] == nil && r.at >= w.plan.from && r.at < w.plan.to {
				unknown = append(unknown, r.row)
			}
		}
		err := readEntries(ctx, c, w, unknown, func(q *statement, part []int64) {
			q.column(t, "row_id").sql(" IN ").list(part).sql(" AND ").column(t, "target").sql(" = ").number(int64(id))
		}, b.enter)
		if err != nil {
			return err
		}
	}
	return nil
}

// writeLedger writes down what was done.
func (w *writing) writeLedger(ctx context.Context, c bun.Conn) error {
	b := w.book
	for id, rows := range w.lists() {
		if err := w.readBack(ctx, c, id, rows); err != nil {
			return err
		}
		for i := range rows {
			r := &rows[i]
			if f := r.filed; f.twins == 1 {
				b.put = append(b.put, &entry{
					origin: b.origin, table: id, record: f.record, row: f.row, key: r.key, account: f.account, punched: r.punch.Time.Unix(),
					tag: w.tagOf(id), place: f.place, stored: f.stored, readAt: b.span.at, run: b.run,
				})
			}
		}
	}
	if err := w.replaceEntries(ctx, c, b.drop, b.put); err != nil {
		return err
	}
	if err := w.addChanges(ctx, c, b.changes); err != nil {
		return err
	}
	if err := w.noteOrigin(ctx, c); err != nil {
		return err
	}
	return w.noteStretches(ctx, c)
}

func (w *writing) tagOf(id tableID) string {
	if id == signTable && w.shape.sign.has("signFrom") {
		return w.tag
	}
	return ""
}

// readBack finds the ids that the database has given to the rows just added: those
// of our tag, with what was written, that were not there at the first look. Where
// another program has added the very same row in between, nobody can tell which is
// ours, and neither is.
func (w *writing) readBack(ctx context.Context, c bun.Conn, id tableID, rows []want) error {
	var people []int64
	for i := range rows {
		if rows[i].isNew() {
			people = append(people, rows[i].person)
		}
	}
	slices.Sort(people)
	t, person, date := w.shape.sign, "userId", "signDate"
	columns := []string{"id", "userId", "signDate", "signTime", "signType", "signFrom"}
	list := &w.plan.sign
	if id == mobileTable {
		t, person, date, list = w.shape.mobile, "operater", "operate_date", &w.plan.mobile
		columns = []string{"id", "operater", "operate_date", "operate_time", "operate_type"}
	}
	for part := range slices.Chunk(slices.Compact(people), valuesPerList) {
		q := w.statement("SELECT ").columns(t, columns...).sql(" FROM ").table(t)
		if q = w.ofDays(q, t, person, part, date); id == signTable {
			q.insiders(t)
		}
		err := q.query(ctx, c, len(columns), func(v []any) error {
			at, ok := secondIn(v[2], v[3])
			k, ours := key{person: intOf(v[1]), at: at}, true
			if id == signTable {
				k.sign = signTypeFrom(digitOf(v[4]))
				ok = ok && textOf(v[5]) == w.tagOf(id)
			} else {
				ours = textOf(v[4]) == mobileType
			}
			if _, before := w.book.byID[rowID{id, intOf(v[0])}]; before || !ok {
				return nil
			}
			if r := list.find(k); r != nil && r.isNew() {
				if r.found = true; ours {
					r.filed.row = intOf(v[0])
					r.filed.twins++
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A change is what an entry was before a run moved or removed its row.
type change struct {
	entry
	id       int64
	run      string // that moved or removed it; the entry's own is the one that added it
	removed  bool
	replaced bool   // the place too
	texts    [4]any // what it was
}

func changeColumns() []string {
	return []string{"id", "run_id", "step", "removed", "origin", "target", "record_id", "row_id", "account", "person", "punched", "wrote", "sign_type", "sign_from",
		"place", "stored", "read_at", "replaced", "longitude", "latitude", "address", "remark"}
}

// addChanges remembers what rows were, for Undo. Only runs with a name can be
// taken back.
func (w *writing) addChanges(ctx context.Context, c bun.Conn, list []change) error {
	if w.book.run == "" || len(list) == 0 {
		return nil
	}
	in := w.newInsert(c, w.shape.ledger.table(ledgerChanges), nil, changeColumns()...)
	defer in.close()
	for i := range list {
		h := &list[i]
		var texts [4]any
		for j := range texts {
			if h.replaced {
				texts[j] = orNull(textOf(h.texts[j]))
			}
		}
		err := in.add(ctx, randomID(), h.run, h.moves, oneIf(h.removed), h.origin, int64(h.table), h.record, h.row, orNull(h.account), h.person, h.punched,
			int64(h.at), h.sign.number(), orNull(h.tag), h.place, h.stored, h.readAt, oneIf(h.replaced), texts[0], texts[1], texts[2], texts[3])
		if err != nil {
			return err
		}
	}
	return in.flush(ctx)
}

func oneIf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// randomID needs no generator, which databases have each in their own way.
func randomID() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:]) >> 1)
}

// countLedger counts what the ledger has changed, by this try or by one before it
// whose commit may have come through.
func (w *writing) countLedger() {
	b := w.book
	if b == nil {
		return
	}
	gone := slices.Clone(b.removals)
	for _, e := range w.lost {
		if b.byRow[e.where()] == nil && !slices.ContainsFunc(gone, func(o *entry) bool { return o.where() == e.where() }) {
			gone = append(gone, e)
		}
	}
	w.taken = b.removals
	w.written.Removed = len(gone)
	for _, e := range gone {
		w.otherDays = append(w.otherDays, e.key)
	}
	for _, rows := range w.lists() {
		for i := range rows {
			if r := &rows[i]; r.corrected() {
				w.otherDays = append(w.otherDays, r.filed.was)
			}
			if r := &rows[i]; !r.second && (r.corrected() || r.twin > 0 && w.plan.sign.rows[r.twin-1].corrected()) {
				w.written.Corrected++
			}
		}
	}
	warn := func(code, format string, args ...any) {
		w.written.Warnings = append(w.written.Warnings, attendance.Warningf(code, format, args...))
	}
	if n := len(b.altered); n > 0 {
		e := b.altered[0]
		warn("changed_by_others", "%d rows that were written by this program have been changed by somebody else since and are not what the platform says; they are left as they are, the first is that of person %d at %s %s",
			n, e.person, e.at.date(), e.at.clock())
	}
	if b.vanished > 0 {
		warn("deleted_by_others", "%d rows that were written by this program have been deleted by somebody else since; the platform still has the punches, and they are written again", b.vanished)
	}
	if n := len(b.replaced); n > 0 {
		e := b.replaced[0]
		warn("foreign_writer", "%d rows that were written by this program have been deleted since, and their punches stand in new rows with the tag %s that it did not write: another program still rewrites days (stop the task of the bridge that this program replaces, or write another tag); the first is that of person %d at %s %s",
			n, w.tag, e.person, e.at.date(), e.at.clock())
	}
	if b.refused > 0 {
		warn("older_answer", "an answer read at %s came after a newer one: %d rows that it would have changed or found superseded are left as they are", w.batch.ReadAt.In(w.zone).Format(time.RFC3339), b.refused)
	}
	if b.orphans > 0 && w.opts.Ledger.Withdrawn == DeleteWithdrawn {
		warn("account_changed", "有 %d 行是按此人以前的账号（或该账号以前的主人）写入的，平台上是否仍有这些打卡无从得知，因此保留 / %d rows were written from an account that is not that person's any more: whether the platform still has their punches nobody can tell, so they are left as they are", b.orphans, b.orphans)
	}
	if b.held > 0 {
		warn("withdrawals_suspicious", "the platform lacks %d punches that it had before, more than %s of the %d people in %v: none of their rows is removed; look at the platform and run again",
			b.held, fmt.Sprintf("%d, or 5 %% of our rows", fewRemovals), len(w.plan.persons), w.batch.Span)
	}
}
