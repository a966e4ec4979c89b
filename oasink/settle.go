package oasink

import "time"

// settle finds out which row holds which wanted punch, which rows of ours are to be
// changed for one, and which hold none. It decides on what was read before and
// changes nothing in the database; it is called again when a closer look has shown
// that a row is no longer what was written.
func (w *writing) settle() {
	b := w.book
	b.drop, b.put, b.removals, b.altered, b.replaced = nil, nil, nil, nil, nil
	b.unfiled = make(map[key]bool)
	b.vanished, b.refused, b.held, b.orphans = 0, 0, 0, 0
	w.written.Superseded = 0
	w.told.keepNone()
	for _, e := range b.entries {
		e.used = nil
	}
	for id, rows := range w.lists() {
		for i := range rows {
			r := &rows[i]
			f := r.filed
			r.held, r.valid = byNobody, false
			f.own, f.uses, f.moved, f.replaced = b.byRecord[recordID{id, f.record}], nil, false, false
		}
	}
	for _, rows := range w.lists() {
		b.atHome(rows)
	}
	b.holders(w)
	for id, rows := range w.lists() {
		b.astray(rows)
		b.takeOver(id, rows)
		b.move(rows)
	}
	b.leftovers(w)
}

// holders are rows that the ledger does not know as unchanged ones of ours.
func (b *book) holders(w *writing) {
	tagged := w.shape.sign.has("signFrom")
	w.retyped = nil
	for _, r := range b.rows {
		if e := b.byRow[r.rowID]; e != nil && e.standing != altered {
			continue
		}
		if r.table == mobileTable {
			if row := w.plan.mobile.find(r.key); row != nil {
				row.isOurs()
				row.valid = true
			}
			continue
		}
		holds := w.holds(r.key, r.ours, r.valid)
		unfiled := r.ours && !b.others[r.rowID] && b.byRow[r.rowID] == nil
		switch {
		case !unfiled:
		case holds:
			b.unfiled[r.key] = tagged
		case w.plan.sign.at(r.key):
			w.retyped = append(w.retyped, retypedRow{r.key, r.valid})
		case tagged && w.lacking(r.key) && !w.batch.Partial:
			w.supersede(signTable, r.key)
		}
	}
	w.matchRetyped(func(k key) { b.unfiled[k] = tagged })
}

// atHome finds the punches whose own row is where it should be.
func (b *book) atHome(rows []want) {
	for i := range rows {
		if r := &rows[i]; r.filed.own != nil && r.filed.own.standing == intact && r.filed.own.key == r.key {
			r.isOurs()
			r.valid = true
			b.use(r, r.filed.own)
		}
	}
}

// astray judges the punches whose own row somebody has deleted or changed.
func (b *book) astray(rows []want) {
	for i := range rows {
		r := &rows[i]
		e := r.filed.own
		switch {
		case e == nil:
		case e.standing == gone:
			b.drop = append(b.drop, e)
			switch {
			case r.held == byNobody:
				b.vanished++
			case e.table == signTable && b.unfiled[r.key]:
				b.replaced = append(b.replaced, e)
			}
		case e.standing == altered:
			if e.now != r.key {
				b.altered = append(b.altered, e)
			}
			if r.held == byNobody {
				r.held, r.valid = byOther, true
			}
		}
	}
}

func (b *book) use(r *want, e *entry) { r.filed.uses, e.used = e, r }

// takeOver lets punches have rows of ours that stand where they should and whose
// own punch is gone. (A row that is to move away itself is no obstacle. Whether it
// is, may depend on others: hence the repetition.)
func (b *book) takeOver(id tableID, rows []want) {
	standing := make(map[key]*entry)
	for _, e := range b.entries {
		if e.table == id && e.standing == intact && e.used == nil {
			standing[e.key] = e
		}
	}
	owner := make(map[*entry]*want)
	for i := range rows {
		if e := rows[i].filed.own; e != nil {
			owner[e] = &rows[i]
		}
	}
	for again := len(standing) > 0; again; {
		again = false
		for i := range rows {
			r := &rows[i]
			e := standing[r.key]
			if r.held != byNobody || e == nil || e == r.filed.own || e.used != nil {
				continue
			}
			if o := owner[e]; o != nil && o.held == byNobody {
				if b.older(o.filed.account, e) { // it stays, and its own record's
					r.isOurs()
					r.valid = true
					again = true
				}
				continue // else it moves away
			}
			r.isOurs()
			r.valid = true
			b.use(r, e)
			again = true
		}
	}
}

// move settles for punches whose row stands elsewhere that it is to be moved, and
// for those whose place has changed that it is to be rewritten.
func (b *book) move(rows []want) {
	for i := range rows {
		r := &rows[i]
		f := r.filed
		switch {
		case r.held == byNobody && f.own != nil && f.own.standing == intact && f.own.used == nil:
			b.use(r, f.own)
			if b.older(f.account, f.own) {
				r.isOurs()
				r.valid = true
				b.refused++
				continue
			}
			f.moved, f.replaced = true, f.own.place != f.place
		case f.uses != nil && f.uses.place != f.place && !b.older(f.account, f.uses):
			f.moved, f.replaced = true, true
			r.held = byNobody
		}
	}
}

// leftovers judges the rows of ours that hold no wanted punch.
func (b *book) leftovers(w *writing) {
	wanted := make(map[string]*want)
	for _, rows := range [...][]want{w.plan.sign.rows, w.plan.mobile.rows} {
		for i := range rows {
			wanted[rows[i].filed.record] = &rows[i]
		}
	}
	now, inAll := w.opts.Now().Unix(), 0
	deletes := w.opts.Ledger.Withdrawn == DeleteWithdrawn
	for _, e := range b.entries {
		if !w.tables[e.table] {
			continue
		}
		// Only the account that the row was written from says that its punch is not there,
		// and only while it is that of the person in whose name the row stands.
		account := e.account
		asked := w.batch.Span.Contains(time.Unix(e.punched, 0)) && e.punched <= now
		speaks := account != "" && b.persons[e.person] == account
		if asked && speaks && e.standing == intact {
			inAll++
		}
		elsewhere := wanted[e.record] // the answer itself says where the punch is
		if elsewhere != nil {
			account = elsewhere.filed.account
		}
		switch {
		case e.used != nil, w.plan.unwritten[e.record], w.plan.passed[accountSecond{e.account, e.punched}], elsewhere != nil && !w.tables[elsewhere.filed.table]:
		case e.standing == gone:
			if elsewhere == nil || elsewhere.filed.own != e { // else it was dropped with its punch
				b.drop = append(b.drop, e)
			}
		case elsewhere == nil && (!asked || w.batch.Partial):
		case elsewhere == nil && !speaks:
			if e.standing == intact && (b.answered[account] || b.answered[b.persons[e.person]]) {
				b.orphans++
				w.supersede(e.table, e.key)
			}
		case e.standing == altered:
			if elsewhere == nil && b.answered[account] {
				b.altered = append(b.altered, e)
			}
		case b.older(account, e):
			b.refused++
		case elsewhere != nil || b.answered[account]:
			b.removals = append(b.removals, e)
		case !b.known[account]: // nobody has said that the platform has such an account
		case deletes && e.absentAt == 0: // nothing at all was answered for the account
			marked := *e
			marked.absentAt, marked.absentRun = b.span.at, b.run
			b.drop, b.put = append(b.drop, e), append(b.put, &marked)
		case deletes && (e.absentAt < b.span.at || e.absentRun != b.run):
			b.removals = append(b.removals, e)
		}
	}
	if n := len(b.removals); !deletes || n > max(fewRemovals, inAll/twentieth) {
		if deletes {
			b.held = n
		}
		for _, e := range b.removals {
			w.supersede(e.table, e.key)
		}
		b.removals = nil
	}
}

// As many rows, or 5 % of ours there, may be removed by one batch.
const (
	fewRemovals = 3
	twentieth   = 20
)
