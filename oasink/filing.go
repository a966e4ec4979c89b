package oasink

import "github.com/punchbridge/punchbridge/attendance"

// A filing is what a ledger adds to a wanted row.
type filing struct {
	table           tableID
	record, account string
	place           int64 // hash of what the platform says of the place
	// own is the entry of this record, uses the one whose row holds the punch: most
	// often the same.
	own, uses *entry
	// moved says that the row of uses is to be changed, from what before was, and
	// replaced that its place is.
	moved, replaced bool
	// stored is the hash of the place that was written.
	stored int64
	// row is the id of an added row, as it is read back; twins how many there are.
	row   int64
	twins int
	// corrected says that this try, or one whose fate is unknown, has moved the row
	// from where it was.
	corrected bool
	was       key
}

// file gives each wanted row what the ledger needs.
func (w *writing) file() {
	for _, l := range [...]struct {
		id   tableID
		rows []want
	}{{signTable, w.plan.sign.rows}, {mobileTable, w.plan.mobile.rows}} {
		filings := make([]filing, len(l.rows))
		taken := make(map[string]bool, len(l.rows))
		for i := range l.rows {
			r := &l.rows[i]
			k := r.key
			if r.punch.Inferred { // another punch of the day may turn it
				k.sign = signNull
			}
			record := recordOf(l.id, r.punch.ID, r.punch, k)
			if taken[record] { // the platform's id is none
				record = recordOf(l.id, "", r.punch, k)
			}
			taken[record] = true
			filings[i] = filing{table: l.id, record: record, account: bounded(r.punch.Account, maxAccount), place: w.placeHash(l.id, r)}
			r.filed = &filings[i]
		}
	}
}

// forget prepares for another try. sent says that the try before was perhaps
// committed.
func (f *filing) forget(sent bool) {
	if f == nil {
		return
	}
	f.own, f.uses, f.moved, f.replaced, f.row, f.twins = nil, nil, false, false, 0, 0
	f.corrected = f.corrected && sent
}

// isNew reports whether a row has to be added for it.
func (w *want) isNew() bool {
	return w.held == byNobody && w.fault == nil && (w.filed == nil || !w.filed.moved)
}

// corrected reports whether this write has moved the row of the punch.
func (w *want) corrected() bool {
	return w.filed.corrected && (w.held == byNobody || w.held == byThis)
}

// keep remembers what is written of the place.
func (w *want) keep(p storedPlace) {
	if w.filed != nil {
		w.filed.stored = storedHash(p)
	}
}

// An accountSecond is what is left to know a record by that has no id and has become
// no row.
type accountSecond struct {
	account string
	second  int64
}

// passOver notes a record that becomes no row although the platform holds it: it
// has not been withdrawn.
func (p *plan) passOver(punch *attendance.Punch, reason attendance.Reason) {
	if reason == attendance.SameSecond {
		return
	}
	if punch.ID == "" {
		if p.passed == nil {
			p.passed = make(map[accountSecond]bool)
		}
		p.passed[accountSecond{bounded(punch.Account, maxAccount), punch.Time.Unix()}] = true
		return
	}
	if p.unwritten == nil {
		p.unwritten = make(map[string]bool)
	}
	p.unwritten[bounded(punch.ID, maxRecord)] = true
}

// value is the type as the column takes it.
func (s signType) value() any {
	if s == signNull {
		return nil
	}
	return string(s)
}

// further appends further columns, if any.
func (q *statement) further(t *table, names []string) *statement {
	if len(names) == 0 {
		return q
	}
	return q.sql(", ").columns(t, names...)
}
