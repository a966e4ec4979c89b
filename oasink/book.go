package oasink

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// An oaRow is a row of a punch table as it was read.
type oaRow struct {
	rowID
	key
	tag string
	// ours says that it has the batch's tag, valid that the OA shows it.
	ours, valid bool
}

// A book is what a writing knows from the ledger and of the rows that the ledger is
// about. It is made anew by every try.
type book struct {
	origin int64
	run    string
	span   stretch // of the batch; at is its ReadAt
	// horizon is the latest moment, in milliseconds, at which an answer can have been
	// read: what says otherwise was written under a wrong clock and is not believed.
	horizon int64

	entries  []*entry // of this origin
	byRecord map[recordID]*entry
	byRow    map[rowID]*entry
	others   map[rowID]bool // rows that are another origin's
	rows     []oaRow        // in the order they were read
	byID     map[rowID]int  // their place in rows

	reads    map[string]stretches // by account
	persons  map[int64]string     // the batch's people: whose account
	known    map[string]bool      // the batch's accounts that the platform has shown
	answered map[string]bool      // those with a punch in the batch
	accounts []string             // those that were asked, sorted

	// What is to be done, and what became of it.
	drop, put []*entry
	removals  []*entry
	kept      []*entry // of the removals, those that their table does not allow
	changes   []change
	altered   []*entry     // rows that were changed by others and are not what the platform says
	unfiled   map[key]bool // wanted rows that stand with our tag in rows that no ledger knows
	replaced  []*entry     // rows that others deleted and whose punches stand in such rows
	vanished  int          // rows that others deleted and that are added again
	refused   int          // changes that an older answer would have made
	held      int          // removals that were too many
	orphans   int          // rows that the answers lack and of whose account they do not speak
}

// columns are what is read of a row only for the ledger.
func (b *book) columns(id tableID) []string {
	switch {
	case b == nil:
		return nil
	case id == signTable:
		return []string{"id"}
	default:
		return []string{"id", "operate_type"}
	}
}

// people are those in whose name rows of the ledger stand, and those of the batch:
// rows of an account that is not theirs any more may stand in their names.
func (b *book) people(id tableID) []int64 {
	if b == nil {
		return nil
	}
	ids := slices.Collect(maps.Keys(b.persons))
	for _, e := range b.entries {
		if e.table == id {
			ids = append(ids, e.person)
		}
	}
	return ids
}

// see notes a row.
func (b *book) see(r oaRow) {
	if _, twice := b.byID[r.rowID]; !twice && r.row != 0 {
		b.byID[r.rowID] = len(b.rows)
		b.rows = append(b.rows, r)
	}
}

// clocksApart is how far the clocks of two hosts may differ.
const clocksApart = 10 * time.Minute

// openBook reads what the ledger knows of the batch's accounts and span.
func (w *writing) openBook(ctx context.Context, c bun.Conn) error {
	b := &book{
		origin: originOf(w.batch.Source, w.batch.Corp), run: bounded(w.batch.Run, maxRun),
		byRecord: make(map[recordID]*entry), byRow: make(map[rowID]*entry), others: make(map[rowID]bool), byID: make(map[rowID]int),
		reads: make(map[string]stretches), persons: make(map[int64]string), known: make(map[string]bool), answered: make(map[string]bool),
	}
	at := w.batch.ReadAt
	if at.IsZero() {
		at = w.opts.Now()
	}
	b.span = stretchOf(w.batch.Span, at.UnixMilli())
	b.horizon = max(b.span.at, w.opts.Now().Add(clocksApart).UnixMilli())
	w.book = b
	for account, person := range w.plan.persons {
		account = bounded(account, maxAccount)
		b.persons[person] = account
		b.accounts = append(b.accounts, account)
	}
	slices.Sort(b.accounts)
	for _, m := range w.batch.Members {
		if m.Known {
			b.known[bounded(m.Account, maxAccount)] = true
		}
	}
	for i := range w.batch.Punches {
		b.answered[bounded(w.batch.Punches[i].Account, maxAccount)] = true
	}
	if err := w.readStretches(ctx, c); err != nil {
		return err
	}
	t := w.shape.ledger.table(ledgerRows)
	err := readEntries(ctx, c, w, b.accounts, func(q *statement, part []string) {
		q.column(t, "origin").sql(" = ").number(b.origin).sql(" AND ").column(t, "account").sql(" IN ").texts(part)
		q.sql(" AND ").column(t, "punched").sql(" >= ").number(b.span.from).sql(" AND ").column(t, "punched").sql(" < ").number(b.span.to)
	}, b.enter)
	if err != nil {
		return err
	}
	return w.readRecords(ctx, c)
}

// enter takes an entry into the book.
func (b *book) enter(e *entry) {
	switch {
	case e.origin != b.origin:
		b.others[e.where()] = true
	case b.byRecord[e.id()] == nil:
		b.entries = append(b.entries, e)
		b.byRecord[e.id()], b.byRow[e.where()] = e, e
	}
}

// readRecords reads the entries of the batch's records that stand elsewhere: of
// another account or outside the span.
func (w *writing) readRecords(ctx context.Context, c bun.Conn) error {
	b, t := w.book, w.shape.ledger.table(ledgerRows)
	for id, rows := range w.lists() {
		var unknown []string
		for i := range rows {
			if f := rows[i].filed; b.byRecord[recordID{id, f.record}] == nil {
				unknown = append(unknown, f.record)
			}
		}
		err := readEntries(ctx, c, w, unknown, func(q *statement, part []string) {
			q.column(t, "origin").sql(" = ").number(b.origin).sql(" AND ").column(t, "target").sql(" = ").number(int64(id))
			q.sql(" AND ").column(t, "record_id").sql(" IN ").texts(part)
		}, b.enter)
		if err != nil {
			return err
		}
	}
	return nil
}

// lists yields the wanted rows of both tables.
func (w *writing) lists() func(yield func(tableID, []want) bool) {
	return func(yield func(tableID, []want) bool) {
		if w.tables[signTable] && !yield(signTable, w.plan.sign.rows) {
			return
		}
		if w.tables[mobileTable] {
			yield(mobileTable, w.plan.mobile.rows)
		}
	}
}

// readStretches reads when the accounts were read before.
func (w *writing) readStretches(ctx context.Context, c bun.Conn) error {
	if w.ledgerless() {
		return nil
	}
	t := w.shape.ledger.table(ledgerReads)
	for part := range slices.Chunk(w.book.accounts, valuesPerList) {
		q := w.statement("SELECT ").columns(t, "account", "spans").sql(" FROM ").table(t).sql(" WHERE ").column(t, "origin").sql(" = ").number(w.book.origin)
		err := q.sql(" AND ").column(t, "account").sql(" IN ").texts(part).query(ctx, c, 2, func(v []any) error {
			w.book.reads[exactly(v[0])] = parseStretches(exactly(v[1])).until(w.book.horizon)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// noteStretches remembers that the accounts were read now.
func (w *writing) noteStretches(ctx context.Context, c bun.Conn) error {
	b, t := w.book, w.shape.ledger.table(ledgerReads)
	changed := make(map[string]string)
	var known []string
	for _, account := range b.accounts {
		before, ok := b.reads[account]
		after := before.with(b.span).String()
		if ok && after == before.String() {
			continue
		}
		if changed[account] = after; ok {
			known = append(known, account)
		}
	}
	for part := range slices.Chunk(known, valuesPerList) {
		q := w.statement("DELETE FROM ").table(t).sql(" WHERE ").column(t, "origin").sql(" = ").number(b.origin)
		if err := q.sql(" AND ").column(t, "account").sql(" IN ").texts(part).exec(ctx, c); err != nil {
			return err
		}
	}
	in := w.newInsert(c, t, nil, "origin", "account", "spans")
	defer in.close()
	for _, account := range slices.Sorted(maps.Keys(changed)) {
		if err := in.add(ctx, b.origin, account, changed[account]); err != nil {
			return err
		}
	}
	return in.flush(ctx)
}

// noteOrigin writes down which source and corp an origin's number stands for.
func (w *writing) noteOrigin(ctx context.Context, c bun.Conn) error {
	if w.origins[w.book.origin] {
		return nil
	}
	t := w.shape.ledger.table(ledgerOrigins)
	known := false
	err := w.statement("SELECT ").columns(t, "origin").sql(" FROM ").table(t).sql(" WHERE ").column(t, "origin").sql(" = ").number(w.book.origin).
		query(ctx, c, 1, func([]any) error { known = true; return nil })
	if err != nil || known {
		// Only now it is known to be committed. One batch is written at a time.
		if known {
			w.origins[w.book.origin] = true
		}
		return err
	}
	in := w.newInsert(c, t, nil, "origin", "source", "corp")
	defer in.close()
	if err := in.add(ctx, w.book.origin, orNull(cut(clean(w.batch.Source), maxCorp, true)), orNull(cut(clean(w.batch.Corp), maxCorp, true))); err != nil {
		return err
	}
	return in.flush(ctx)
}

// older reports whether the batch was read before what is known of the account's
// span, or before the answer that the entry was written by.
func (b *book) older(account string, e *entry) bool {
	return b.span.at < b.reads[account].newest(b.span) || e != nil && b.span.at < e.readAt && e.readAt <= b.horizon
}
