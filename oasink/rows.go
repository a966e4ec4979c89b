package oasink

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

const (
	// rowsPersons is how many people may be asked for at once.
	rowsPersons = 1000
	// rowsDays bounds how many person-days are read at a time, and so what is kept of
	// their rows: nothing stays open while a consumer looks at them.
	rowsDays = 5000
)

// Rows implements [attendance.RowReader]: what HrmScheduleSign and mobile_sign hold, of
// every writer, also what the OA does not show ([attendance.Row.Hidden]). Rows of
// external users (userType 2) are other people's. A table that does not exist holds
// nothing; an account that may not read one that does is an error of
// [attendance.CodeStore].
//
// Kind is [attendance.Regular] in HrmScheduleSign and [attendance.Field] in
// mobile_sign, which holds outside punches too and does not tell them apart, nor
// directions. Tag is signFrom. Ours are rows with the tag of [Options.SignFrom], or
// where that is empty, with from_dd or from_wx; and rows that the ledger knows as
// written by the library and that still hold the punch that was written. Before signFrom existed
// (E7), and in mobile_sign, only a ledger can tell. Run and Record are the ledger's,
// whatever has become of the row; Record is empty where the platform's id was not
// kept as it is.
func (s *Sink) Rows(ctx context.Context, persons []string, span attendance.Span) iter.Seq2[attendance.Row, error] {
	return func(yield func(attendance.Row, error) bool) {
		if len(persons) > rowsPersons {
			yield(attendance.Row{}, &attendance.Error{Code: attendance.CodeRequest, Op: "oasink",
				Detail: fmt.Sprintf("rows of %d people were asked for, at most %d are read at once", len(persons), rowsPersons)})
			return
		}
		asked := make(map[int64]string, len(persons))
		for _, p := range persons {
			if id, err := parsePerson(p); err == nil {
				asked[id] = p
			}
		}
		ids := slices.SortedFunc(maps.Keys(asked), func(a, b int64) int { return strings.Compare(asked[a], asked[b]) })
		if len(ids) == 0 || span.Empty() {
			if err := ctx.Err(); err != nil {
				yield(attendance.Row{}, err)
			}
			return
		}
		r := newRowReading(s, asked, span)
		for part := range slices.Chunk(ids, r.peopleAtOnce()) {
			rows, err := r.read(ctx, part)
			if err != nil {
				yield(attendance.Row{}, err)
				return
			}
			for _, row := range rows {
				if err := ctx.Err(); err != nil {
					yield(attendance.Row{}, err)
					return
				}
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// A rowReading reads the rows of one span.
type rowReading struct {
	*Sink
	shape       *shape
	asked       map[int64]string // persons, spelt as they were asked for
	span        attendance.Span
	zone        *time.Location
	first, last attendance.Date
}

func newRowReading(s *Sink, asked map[int64]string, span attendance.Span) *rowReading {
	r := &rowReading{Sink: s, shape: s.shape.Load(), asked: asked, span: span, zone: span.Zone()}
	to := span.To.In(r.zone)
	r.first, r.last = attendance.DateOf(span.From), attendance.DateOf(to.Add(-time.Nanosecond))
	_, began := span.From.Zone()
	if _, ends := to.Zone(); began != ends {
		// Where clocks are set back the span's ends need not be its first and last day.
		r.first, r.last = r.first.Add(-1), r.last.Add(1)
	}
	return r
}

func (r *rowReading) peopleAtOnce() int {
	days := int(r.span.Length()/(24*time.Hour)) + 1
	return min(max(rowsDays/days, 1), valuesPerList)
}

// read reads the rows of some people, by person, time and table.
func (r *rowReading) read(ctx context.Context, ids []int64) ([]attendance.Row, error) {
	rows, err := r.tables(ctx, ids)
	if attendance.CodeOf(err) == attendance.CodeTable {
		// The tables are no longer what they were when they were probed.
		if r.shape, err = r.probe(ctx); err != nil {
			return nil, err
		}
		rows, err = r.tables(ctx, ids)
	}
	slices.SortStableFunc(rows, func(a, b attendance.Row) int {
		return cmp.Or(strings.Compare(a.Person, b.Person), a.Time.Compare(b.Time), strings.Compare(a.Table, b.Table),
			cmp.Compare(a.Direction, b.Direction), strings.Compare(a.ID, b.ID))
	})
	return rows, err
}

func (r *rowReading) tables(ctx context.Context, ids []int64) ([]attendance.Row, error) {
	var all []attendance.Row
	for _, of := range [...]struct {
		id   tableID
		name string
		*table
		needs, columns []string // person, date, time; place; tag, type, shown, whose
	}{
		{signTable, tableSign, r.shape.sign, []string{"userId", "signDate", "signTime"},
			[]string{"id", "userId", "signDate", "signTime", "LONGITUDE", "LATITUDE", "ADDR", "signFrom", "signType", "isInCom", "userType"}},
		{mobileTable, tableMobile, r.shape.mobile, []string{"operater", "operate_date", "operate_time"},
			[]string{"id", "operater", "operate_date", "operate_time", "longitude", "latitude", "address", "no tag", "no type", "no mark", "no type of user"}},
	} {
		switch {
		case !of.exists():
			continue
		case !of.usable(of.needs...):
			return nil, of.lack(of.needs)
		}
		var rows []attendance.Row
		err := r.patiently(ctx, "reading "+of.table.name.String(), func() error {
			rows = rows[:0]
			q := r.statement("SELECT ").columns(of.table, of.columns...).sql(" FROM ").table(of.table)
			return within(q, of.table, of.needs[0], ids, of.needs[1], r.first, r.last).query(ctx, r.db, len(of.columns), func(v []any) error {
				if row, ok := r.row(of.id, of.name, v); ok {
					rows = append(rows, row)
				}
				return nil
			})
		})
		if err != nil {
			return nil, err
		}
		if err := r.prove(ctx, of.id, rows); err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// row is one row as it was read; ok is false where it is none of the span's.
func (r *rowReading) row(id tableID, name string, v []any) (row attendance.Row, ok bool) {
	at, dated := secondIn(v[2], v[3])
	if !dated || id == signTable && digitOf(v[10]) == "2" {
		return row, false
	}
	row = attendance.Row{Table: name, Person: r.asked[intOf(v[1])], Time: at.in(r.zone), Kind: attendance.Field, Place: placeOf(v[4], v[5], v[6])}
	if n := intOf(v[0]); n != 0 {
		row.ID = strconv.FormatInt(n, 10)
	}
	if id == signTable {
		row.Kind, row.Direction = attendance.Regular, directionOf(signTypeFrom(digitOf(v[8])))
		row.Tag, row.Hidden = textOf(v[7]), digitOf(v[9]) != "1" && r.shape.sign.has("isInCom")
		row.Ours = r.isOurTag(row.Tag)
	}
	return row, r.span.Contains(row.Time)
}

// isOurTag reports whether rows with the tag are taken for ours.
func (s *Sink) isOurTag(tag string) bool {
	if s.opts.SignFrom != "" {
		return tag == s.opts.SignFrom
	}
	return tag == tagDingTalk || tag == tagWeCom
}

// placeOf reads a place as a row holds it; the OA writes 0, 0 for an unknown one.
func placeOf(longitude, latitude, address any) attendance.Place {
	p := attendance.Place{Address: textOf(address)}
	x, errX := strconv.ParseFloat(textOf(longitude), 64)
	y, errY := strconv.ParseFloat(textOf(latitude), 64)
	if errX == nil && errY == nil && (x != 0 || y != 0) {
		p.Longitude, p.Latitude, p.Located = x, y, true
	}
	return p
}

// prove adds what the ledger knows of the rows.
func (r *rowReading) prove(ctx context.Context, id tableID, rows []attendance.Row) error {
	t := r.shape.ledger.table(ledgerRows)
	if r.opts.Ledger == nil || r.shape.ledger.version == 0 || len(rows) == 0 {
		return nil
	}
	byID := make(map[string]int, len(rows))
	ids := make([]int64, 0, len(rows))
	for i := range rows {
		if n, err := strconv.ParseInt(rows[i].ID, 10, 64); err == nil {
			byID[rows[i].ID] = i
			ids = append(ids, n)
		}
	}
	for part := range slices.Chunk(ids, valuesPerList) {
		err := r.patiently(ctx, "reading the ledger", func() error {
			q := r.statement("SELECT ").columns(t, entryColumns()...).sql(" FROM ").table(t).sql(" WHERE ")
			q.column(t, "target").sql(" = ").number(int64(id)).sql(" AND ").column(t, "row_id").sql(" IN ").list(part)
			return q.query(ctx, r.db, len(entryColumns()), func(v []any) error {
				e := entryOf(v)
				i, ok := byID[strconv.FormatInt(e.row, 10)]
				if !ok {
					return nil
				}
				row := &rows[i]
				row.Run, row.Record = e.run, e.platformRecord()
				row.Ours = row.Ours || r.asked[e.person] == row.Person && e.held(row, r.zone, r.shape)
				return nil
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// held reports whether the person's row still holds the punch that was written.
func (e *entry) held(row *attendance.Row, zone *time.Location, sh *shape) bool {
	return e.at == secondOf(row.Time.In(zone)) && directionOf(e.sign) == row.Direction && !row.Hidden &&
		(e.table == mobileTable || !sh.sign.has("signFrom") || e.tag == row.Tag)
}

// platformRecord is the platform's record id, where it was kept as it is.
func (e *entry) platformRecord() string {
	if e.record == "" || strings.ContainsRune("@~#", rune(e.record[0])) {
		return ""
	}
	return e.record
}
