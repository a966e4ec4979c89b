package oasink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// errChanged says that rows were not kept as they were written: the next try leaves
// them out.
var errChanged error = redact.Own("rows are not as they were written")

// errTaken ends the trial of a single row, which is then undone.
var errTaken error = redact.Own("the row was tried only")

// verify looks for what was written, as the next run will: a row that it would not
// recognise (a column of another type, a trigger that changes or drops it) would be
// written once more by every run. Such rows are taken back with the whole try, and
// left out by the next one.
//
// What makes a row the same are person, date, second, type and tag; whatever else a
// column makes of a text is no reason not to write it.
func (w *writing) verify(ctx context.Context, c bun.Conn) error {
	if w.told != nil {
		return nil
	}
	if w.book == nil { // with a ledger they were looked for to learn their ids
		for _, id := range [...]tableID{signTable, mobileTable} {
			if err := w.lookAgain(ctx, c, id, w.listOf(id).rows); err != nil {
				return err
			}
		}
	} else if err := w.lookAtChanges(ctx, c); err != nil {
		return err
	}
	for _, id := range [...]tableID{signTable, mobileTable} {
		t, rows := w.punchTable(id), w.listOf(id).rows
		if !w.wrote(id) {
			continue
		}
		for i := range rows {
			if r := &rows[i]; r.isNew() && !r.found {
				r.fault = &rowFault{reason: attendance.RowChanged}
				w.again = true
			}
		}
		if engine := t.lasting(); w.again && engine != "" { // its id would have told before
			w.again = false
			return lastingChanged(t, engine, "its rows do not hold what is written")
		}
	}
	if w.again {
		return errChanged
	}
	return w.describeChanged(ctx, c)
}

// wrote reports whether the table was one to be written by this try.
func (w *writing) wrote(id tableID) bool {
	if id == signTable {
		return w.shape.sign.usable(signNeeds()...) && w.refused[w.shape.sign] == nil
	}
	return w.shape.mobile.usable(mobileNeeds()...) && w.refused[w.shape.mobile] == nil
}

func (w *writing) listOf(id tableID) *wantList {
	if id == mobileTable {
		return &w.plan.mobile
	}
	return &w.plan.sign
}

// lookAgain notes which of the rows just added are found: those of people and days.
func (w *writing) lookAgain(ctx context.Context, c querier, id tableID, rows []want) error {
	if !w.wrote(id) {
		return nil
	}
	for _, gathered := range [...]bool{true, false} {
		var people []int64
		first, last := attendance.Date{}, attendance.Date{}
		for i := range rows {
			r := &rows[i]
			if !r.isNew() || r.found {
				continue
			}
			people = append(people, r.person)
			day := dayOf(r.at)
			if len(people) == 1 || day.Before(first) {
				first = day
			}
			if len(people) == 1 || last.Before(day) {
				last = day
			}
		}
		slices.Sort(people)
		for part := range slices.Chunk(slices.Compact(people), valuesPerList) {
			if err := w.look(ctx, c, id, part, first, last, gathered); err != nil {
				return err
			}
		}
	}
	return nil
}

// look reads rows of people and days as a run does, and notes those that are wanted
// and new.
//
// Gathered, the database puts all rows of a person into one text, which costs a
// driver least. It may write a value otherwise than the driver does, by which a run
// compares: what is not found so is looked for once more, row by row.
func (w *writing) look(ctx context.Context, c querier, id tableID, people []int64, first, last attendance.Date, gathered bool) error {
	t, person, date, names := w.identity(id)
	list, tagged := w.listOf(id), t.has("signFrom")
	see := func(k key) {
		if r := list.find(k); r != nil && r.isNew() {
			r.found = true
		}
	}
	q := w.statement("SELECT ")
	columns := q.spelt(t, names)
	gather := ""
	if gathered && (!tagged || plain(w.tag)) {
		sign := ""
		if id == signTable {
			sign = columns[3]
		}
		gather = w.dialect.gather(columns[1], columns[2], sign)
	}
	if gather == "" {
		q.columns(t, names...)
	} else {
		q.sql(columns[0]).sql(", ").sql(gather)
	}
	q = within(q.sql(" FROM ").table(t), t, person, people, date, first, last.Add(1))
	if id == signTable && gather == "" {
		q.insiders(t)
	}
	if gather == "" {
		return q.query(ctx, c, len(names), func(v []any) error {
			k := key{person: intOf(v[0])}
			at, ok := secondIn(v[1], v[2])
			if k.at = at; id == signTable {
				k.sign = signTypeFrom(digitOf(v[3]))
				ok = ok && (!tagged || textOf(v[4]) == w.tag)
			}
			if ok {
				see(k)
			}
			return nil
		})
	}
	is := func(column, value string) {
		if c, ok := t.column(column); ok {
			q.sql(" AND ").name(c.name).sql(" = ").constant(c, value)
		}
	}
	is("userType", "1")
	is("signFrom", w.tag)
	return q.sql(" GROUP BY ").column(t, person).query(ctx, c, 2, func(v []any) error {
		k := key{person: intOf(v[0])}
		for row := range strings.SplitSeq(exactly(v[1]), ",") {
			if len(row) < len("yyyy-MM-ddHH:mm:ss") {
				continue
			}
			if at, ok := secondFrom(row[:10], row[10:18]); ok {
				k.at, k.sign = at, signTypeFrom(strings.TrimSpace(row[18:]))
				see(k)
			}
		}
		return nil
	})
}

// identity names the columns that make a row of the table the same: person, date,
// time, type, tag.
func (w *writing) identity(id tableID) (t *table, person, date string, names []string) {
	if id == mobileTable {
		return w.shape.mobile, "operater", "operate_date", []string{"operater", "operate_date", "operate_time"}
	}
	return w.shape.sign, "userId", "signDate", []string{"userId", "signDate", "signTime", "signType", "signFrom"}
}

// spelt are the columns of t as a statement names them, NULL for those that do not exist.
func (q *statement) spelt(t *table, names []string) []string {
	list := make([]string, len(names))
	for i, n := range names {
		one := &statement{gen: q.gen, open: q.open, end: q.end}
		list[i] = string(one.columns(t, n).b)
	}
	return list
}

// lookAtChanges finds out whether the rows that were changed are as they should be,
// and whether those that were removed are gone.
func (w *writing) lookAtChanges(ctx context.Context, c bun.Conn) error {
	wanted, removed := make(map[rowID]*want), make(map[rowID]bool)
	var ids []rowID
	for _, rows := range w.lists() {
		for i := range rows {
			if r := &rows[i]; r.filed.moved && r.fault == nil {
				wanted[r.filed.uses.where()] = r
				ids = append(ids, r.filed.uses.where())
			}
		}
	}
	for _, e := range w.book.removals {
		removed[e.where()] = true
		ids = append(ids, e.where())
	}
	if len(ids) == 0 {
		return nil
	}
	looks := make(map[rowID]look)
	if err := w.lookAt(ctx, c, ids, looks); err != nil {
		return err
	}
	for _, id := range ids {
		l, there := looks[id]
		switch r := wanted[id]; {
		case removed[id] && there:
			w.stuck[id] = &rowFault{attendance.RowChanged, "it was deleted, and is there all the same"}
		case r == nil, there && l.key == r.key:
			continue
		case !there:
			w.stuck[id] = &rowFault{attendance.RowChanged, "sent " + r.key.String() + ", found no such row any more"}
		default:
			w.stuck[id] = &rowFault{attendance.RowChanged, "sent " + r.key.String() + ", found " + l.key.String()}
		}
		w.again = true
	}
	if w.again {
		return errChanged
	}
	return nil
}

// String names a row for people: person, date, time and type.
func (k key) String() string {
	s := fmt.Sprintf("%d %s %s", k.person, k.at.date(), k.at.clock())
	if k.sign != signNull {
		s += " type " + string(rune(k.sign))
	}
	return s
}

// changedDescribed is of how many rows of a batch it is found out what became of them.
const changedDescribed = 20

// describeChanged finds out what the table makes of rows that it does not keep as they
// are written, by writing each of them once more, alone, and taking it back.
func (w *writing) describeChanged(ctx context.Context, c bun.Conn) error {
	described := 0
	for _, id := range [...]tableID{signTable, mobileTable} {
		rows := w.listOf(id).rows
		for i := range rows {
			r := &rows[i]
			if r.fault == nil || r.fault.reason != attendance.RowChanged {
				continue
			}
			if described++; r.fault.detail != "" {
				continue
			}
			sent := "sent " + w.sent(id, r.key)
			if described > changedDescribed || !w.punchTable(id).has("id") {
				r.fault.detail = sent + ", which is not found again"
				continue
			}
			fitted := w.fitted
			became, err := w.tryAlone(ctx, c, id, int32(i))
			w.fitted = fitted
			if dead, isDead := errors.AsType[*doomed](err); isDead { // and all that was written with it
				r.fault.detail, w.again = sent+", "+w.refusedAlone(dead.refusal), true
			}
			if err != nil {
				return err
			}
			r.fault.detail = sent + ", " + became
		}
	}
	return nil
}

func (w *writing) sent(id tableID, k key) string {
	if id == mobileTable || !w.shape.sign.has("signFrom") {
		return k.String()
	}
	return k.String() + " " + w.tag
}

// tryAlone writes a row, says what is found of it, and takes it back.
func (w *writing) tryAlone(ctx context.Context, c bun.Conn, id tableID, n int32) (became string, err error) {
	t, _, _, names := w.identity(id)
	var last int64
	err = w.statement("SELECT MAX(").column(t, "id").sql(") FROM ").table(t).query(ctx, c, 1, func(v []any) error { last = intOf(v[0]); return nil })
	if err != nil {
		return "", err
	}
	became = "found no new row"
	refusal, err := w.attempt(ctx, c, func() error {
		if err := w.insertGroup(ctx, c, id, []int32{n}); err != nil {
			return err
		}
		q := w.statement("SELECT ").columns(t, names...).sql(" FROM ").table(t).sql(" WHERE ").column(t, "id").sql(" > "+strconv.FormatInt(last, 10)).sql(" ORDER BY ").column(t, "id")
		best := 0
		err := q.query(ctx, c, len(names), func(v []any) error {
			like := 1
			if r := w.listOf(id).rows[n]; intOf(v[0]) == r.person { // another program may have added rows too
				like++
			}
			if like > best {
				best, became = like, "found "+wordsOf(v)
			}
			return nil
		})
		if err != nil {
			return err
		}
		return errTaken
	})
	if err != nil {
		return "", err
	}
	if !errors.Is(refusal, errTaken) {
		became = w.refusedAlone(refusal)
	}
	return became, nil
}

func (w *writing) refusedAlone(refusal error) string {
	return "and alone it is refused: " + w.refusedRow(refusal).detail
}
