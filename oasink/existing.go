package oasink

import (
	"context"
	"slices"

	"github.com/punchbridge/punchbridge/attendance"
)

// readSign finds out which wanted rows HrmScheduleSign holds, and counts the rows
// of our tag that the batch lacks.
func (w *writing) readSign(ctx context.Context, c querier) error {
	t := w.shape.sign
	tagged := t.has("signFrom")
	w.retyped = nil
	people := slices.Concat(w.plan.sign.people(), w.plan.answered, w.book.people(signTable))
	slices.Sort(people)
	for ids := range slices.Chunk(slices.Compact(people), valuesPerList) {
		q := w.statement("SELECT ").columns(t, "userId", "signType", "signDate", "signTime", "signFrom", "isInCom").further(t, w.book.columns(signTable))
		err := w.ofDays(q.sql(" FROM ").table(t), t, "userId", ids, "signDate").insiders(t).query(ctx, c, 6+len(w.book.columns(signTable)), func(v []any) error {
			at, ok := secondIn(v[2], v[3])
			if !ok {
				return nil
			}
			k := key{intOf(v[0]), at, signTypeFrom(digitOf(v[1]))}
			ours, valid := !tagged || textOf(v[4]) == w.tag, digitOf(v[5]) == "1"
			if w.book != nil {
				w.book.see(oaRow{rowID{signTable, intOf(v[6])}, k, textOf(v[4]), ours, valid})
				return nil
			}
			w.found(k, ours, tagged, valid)
			return nil
		})
		if err != nil {
			return err
		}
	}
	w.matchRetyped(func(key) {})
	return nil
}

// found takes note of a row of HrmScheduleSign.
func (w *writing) found(k key, ours, tagged, valid bool) {
	switch {
	case w.holds(k, ours, valid) || !ours:
	case w.plan.sign.at(k):
		w.retyped = append(w.retyped, retypedRow{k, valid})
	case tagged && w.lacking(k):
		w.supersede(signTable, k)
	}
}

// A retypedRow is a row of our tag at the second of a punch, but not of its type, or a
// second one of its type. The import of the old attendance module gives all rows of the days it
// touches new types and ids, and leaves them their tag.
type retypedRow struct {
	key
	valid bool
}

// matchRetyped finds a punch of the same person and second for each retyped row: one that
// no row of our tag holds yet, best one that nobody does. Rows of the punches' own types have
// been matched by then. One row holds one punch: two need two. matched is told of each that is
// held now. Where there are no tags, a row may be anybody's, so that only a punch whose type was
// inferred, and may have been another one then, takes one of another type.
func (w *writing) matchRetyped(matched func(key)) {
	tagged := w.shape.sign.has("signFrom")
	for _, r := range w.retyped {
		var free *want
		for _, sign := range signTypes() {
			row := w.plan.sign.find(key{r.person, r.at, sign})
			if row != nil && row.held < byUs && (tagged || row.punch.Inferred) && (free == nil || row.held < free.held) {
				free = row
			}
		}
		switch twin := w.plan.sign.find(r.key); {
		case free != nil:
			free.isOurs()
			free.valid = free.valid || r.valid
			matched(free.key)
		case twin != nil: // a double: the OA shows the punch if it shows one of them
			twin.valid = twin.valid || r.valid
		case tagged && w.lacking(r.key) && (w.book == nil || !w.batch.Partial):
			w.supersede(signTable, r.key)
		}
	}
}

// holds notes which wanted row a row of HrmScheduleSign holds, and reports whether
// it is one of ours that is wanted. Of rows of our tag one holds one punch.
func (w *writing) holds(k key, ours, valid bool) bool {
	if ours {
		row := w.plan.sign.find(k)
		if row == nil || row.held >= byUs && w.shape.sign.has("signFrom") {
			return false
		}
		row.isOurs()
		row.valid = row.valid || valid
		return true
	}
	types := []signType{k.sign}
	if w.shape.generation == E9 {
		// Its reports ignore the type: a second row of one second would turn one
		// punch into an in and an out.
		types = signTypes()
	}
	for _, k.sign = range types {
		if row := w.plan.sign.find(k); row != nil {
			row.held, row.valid = max(row.held, byOther), row.valid || valid
		}
	}
	return false
}

// lacking reports whether the batch, had it a punch of this time, would hold it.
func (w *writing) lacking(k key) bool {
	_, answered := slices.BinarySearch(w.plan.answered, k.person)
	return answered && k.at >= w.plan.from && k.at < w.plan.to
}

// readMobile finds out which wanted rows mobile_sign holds. It has no tag and
// its types are told apart by nobody: whatever row there is counts.
func (w *writing) readMobile(ctx context.Context, c querier) error {
	t := w.shape.mobile
	people := slices.Concat(w.plan.mobile.people(), w.book.people(mobileTable))
	slices.Sort(people)
	for ids := range slices.Chunk(slices.Compact(people), valuesPerList) {
		q := w.statement("SELECT ").columns(t, "operater", "operate_date", "operate_time").further(t, w.book.columns(mobileTable))
		err := w.ofDays(q.sql(" FROM ").table(t), t, "operater", ids, "operate_date").query(ctx, c, 3+len(w.book.columns(mobileTable)), func(v []any) error {
			at, ok := secondIn(v[1], v[2])
			k := key{person: intOf(v[0]), at: at}
			switch row := w.plan.mobile.find(k); {
			case !ok:
			case w.book != nil:
				w.book.see(oaRow{rowID{mobileTable, intOf(v[3])}, k, "", true, textOf(v[4]) == mobileType})
			case row != nil:
				row.isOurs()
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ofDays restricts a query to people and to the days of the batch.
func (w *writing) ofDays(q *statement, t *table, person string, ids []int64, date string) *statement {
	return within(q, t, person, ids, date, w.plan.first, w.plan.last)
}

// within restricts a query to people and days. The days are a range and not a list
// because a padded CHAR equals no literal everywhere, but lies in the range.
func within(q *statement, t *table, person string, ids []int64, date string, first, last attendance.Date) *statement {
	q.sql(" WHERE ").column(t, person).sql(" IN ").list(ids)
	q.sql(" AND ").column(t, date).sql(" >= ").plain(first.String())
	return q.sql(" AND ").column(t, date).sql(" < ").plain(last.Add(1).String())
}

// insiders leaves out the rows of external users, who have ids of their own. The
// database does it because each value that a driver hands over costs more than the
// comparison.
func (q *statement) insiders(t *table) *statement {
	c, _ := t.column("userType")
	q.sql(" AND (").name(c.name).sql(" IS NULL OR ")
	if c.kind == text && c.size != 1 { // it may hold blanks
		q.sql("LTRIM(RTRIM(").name(c.name).sql("))")
	} else {
		q.name(c.name)
	}
	return q.sql(" <> ").constant(c, "2").sql(")")
}

// signTypeFrom reads a stored type; what is neither 1 nor 2 equals no wanted row's.
func signTypeFrom(s string) signType {
	switch s {
	case "":
		return signNull
	case "1":
		return signIn
	case "2":
		return signOut
	default:
		return '?'
	}
}
