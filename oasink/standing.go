package oasink

import (
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"
)

// A close look at a row: all that the library writes there.
type look struct {
	key
	tag   string
	valid bool
	place [4]any // longitude, latitude, address, remark
}

// standings finds out what has become of the rows of the ledger, then settles, and
// looks closely at the rows that are to be changed or removed. A row that is not as
// it was written is left alone, and all is settled again without it.
func (w *writing) standings(ctx context.Context, c bun.Conn) (looks map[rowID]look, err error) {
	b := w.book
	var unseen []rowID
	for _, e := range b.entries {
		i, seen := b.byID[e.where()]
		switch {
		case !w.tables[e.table]:
		case !seen:
			unseen = append(unseen, e.where())
		default:
			r := b.rows[i]
			e.judge(look{key: r.key, tag: r.tag, valid: r.valid}, w)
		}
	}
	looks = make(map[rowID]look)
	if err := w.lookAt(ctx, c, unseen, looks); err != nil {
		return nil, err
	}
	for _, id := range unseen {
		b.judge(id, looks, w)
	}
	for {
		w.settle()
		var touched []rowID
		for _, rows := range w.lists() {
			for i := range rows {
				if f := rows[i].filed; f.moved {
					touched = append(touched, f.uses.where())
				}
			}
		}
		for _, e := range b.removals {
			touched = append(touched, e.where())
		}
		touched = slices.DeleteFunc(touched, func(id rowID) bool { _, done := looks[id]; return done })
		if len(touched) == 0 {
			return looks, nil
		}
		if err := w.lookAt(ctx, c, touched, looks); err != nil {
			return nil, err
		}
		sound := true
		for _, id := range touched {
			sound = b.judge(id, looks, w) && sound
		}
		if sound {
			return looks, nil
		}
	}
}

// judge compares the entry of a row with a close look at it, and reports whether
// the row is as it was written.
func (b *book) judge(id rowID, looks map[rowID]look, w *writing) bool {
	e := b.byRow[id]
	l, ok := looks[id]
	switch {
	case !ok:
		e.standing = gone
	case w.stubborn[id] || storedHash(l.place) != e.stored:
		e.standing, e.now = altered, l.key
	default:
		e.judge(l, w)
	}
	return e.standing == intact
}

func (e *entry) judge(l look, w *writing) {
	e.standing, e.now = intact, l.key
	if l.key != e.key || !l.valid || e.table == signTable && w.shape.sign.has("signFrom") && l.tag != e.tag {
		e.standing = altered
	}
}

// lookAt reads rows by their ids, those that are to be changed among them.
func (w *writing) lookAt(ctx context.Context, c bun.Conn, ids []rowID, looks map[rowID]look) error {
	byTable := make(map[tableID][]int64)
	for _, id := range ids {
		byTable[id.table] = append(byTable[id.table], id.row)
	}
	for _, id := range slices.Sorted(maps.Keys(byTable)) {
		t, columns := w.closely(id)
		for part := range slices.Chunk(byTable[id], valuesPerList) {
			q := w.statement("SELECT ").columns(t, columns...).sql(" FROM ").table(t).sql(" WHERE ").column(t, "id").sql(" IN ").list(part)
			q.sql(w.dialect.lockRows(w.opts.blocked()))
			err := q.query(ctx, c, len(columns), func(v []any) error {
				l := look{tag: textOf(v[8])}
				at, dated := secondIn(v[2], v[3])
				l.key = key{person: intOf(v[1]), at: at}
				if id == signTable {
					l.sign = signTypeFrom(digitOf(v[9]))
					l.valid = dated && digitOf(v[10]) == "1" && digitOf(v[11]) != "2"
				} else {
					l.valid = dated && l.tag == mobileType
				}
				for i := range l.place {
					l.place[i] = copied(v[4+i])
				}
				looks[rowID{id, intOf(v[0])}] = l
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// closely names what is read of a row: id, person, date, time, the place, the tag.
func (w *writing) closely(id tableID) (*table, []string) {
	if id == mobileTable {
		return w.shape.mobile, []string{"id", "operater", "operate_date", "operate_time", "longitude", "latitude", "address", "remark", "operate_type"}
	}
	return w.shape.sign, []string{"id", "userId", "signDate", "signTime", "LONGITUDE", "LATITUDE", "ADDR", "no remark", "signFrom", "signType", "isInCom", "userType"}
}

// copied is a value that outlives its row.
func copied(v any) any {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return v
}
