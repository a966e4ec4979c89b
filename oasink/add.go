package oasink

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// addSign adds the wanted rows that HrmScheduleSign lacks.
func (w *writing) addSign(ctx context.Context, c bun.Conn) error {
	t := w.shape.sign
	if size, ok := t.column("signFrom"); ok && !size.takes(w.tag) && w.missing(w.plan.sign.rows) {
		return &attendance.Error{Code: attendance.CodeTable, Op: "oasink write",
			Detail: fmt.Sprintf("column signFrom of %s takes %d characters, the tag %q does not fit", t.name, size.size, w.tag),
			Mend:   attendance.Text{EN: "choose a shorter tag", ZH: "请使用更短的 signFrom 标识"}}
	}
	return w.insertWanted(ctx, c, signTable, w.plan.sign.rows)
}

// addMobile adds the wanted rows that mobile_sign lacks.
func (w *writing) addMobile(ctx context.Context, c bun.Conn) error {
	return w.insertWanted(ctx, c, mobileTable, w.plan.mobile.rows)
}

// insertGroup adds rows of a list, by their place there.
func (w *writing) insertGroup(ctx context.Context, c bun.Conn, id tableID, group []int32) error {
	var in insert
	rows := w.listOf(id).rows
	if id == signTable {
		in = w.newInsert(c, w.shape.sign, []cell{{"userType", "1"}, {"isInCom", "1"}, {"signFrom", w.tag}},
			"userId", "signType", "signDate", "signTime", "LONGITUDE", "LATITUDE", "ADDR")
	} else {
		in = w.newInsert(c, w.shape.mobile, []cell{{"operate_type", mobileType}}, "operater", "operate_date", "operate_time", "longitude", "latitude", "address", "remark")
	}
	defer in.close()
	for _, n := range group {
		row := &rows[n]
		p := w.placeIn(id, row)
		row.keep(p)
		w.told.row(id, row.key, attendance.ActionAdd, 0)
		var err error
		if id == signTable {
			err = in.add(ctx, row.person, row.sign.value(), row.at.date(), row.at.clock(), p[0], p[1], p[2])
		} else {
			err = in.add(ctx, row.person, row.at.date(), row.at.clock(), p[0], p[1], p[2], p[3])
		}
		if err != nil {
			return err
		}
	}
	return in.flush(ctx)
}

// placeIn is the place of a row as its table holds it.
func (w *writing) placeIn(id tableID, r *want) storedPlace {
	if id == mobileTable {
		return w.mobilePlace(r.punch)
	}
	return w.signPlace(r)
}

// mobileType is how e-cology calls a field check-in in mobile_sign.operate_type.
const mobileType = "mobile_sign"

// A storedPlace is a punch's place as a row holds it: longitude, latitude, address
// and remark.
type storedPlace [4]any

func (w *writing) signPlace(r *want) storedPlace {
	t, punch := w.shape.sign, r.punch
	p := storedPlace{w.fit("", t, "LONGITUDE", 0), w.fit("", t, "LATITUDE", 0), w.fit(punch.Place.Address, t, "ADDR", maxAddress)}
	if x, y, ok := w.coordinates(punch.Place); ok && !r.second {
		p[0], p[1] = w.fit(x, t, "LONGITUDE", maxCoordinate), w.fit(y, t, "LATITUDE", maxCoordinate)
	}
	return p
}

// mobilePlace: the coordinates may not be NULL; e-cology itself writes 0 for an
// unknown place.
func (w *writing) mobilePlace(punch *attendance.Punch) storedPlace {
	t := w.shape.mobile
	longitude, latitude := "0", "0"
	if x, y, ok := w.coordinates(punch.Place); ok {
		longitude, latitude = x, y
	}
	return storedPlace{w.fit(longitude, t, "longitude", maxCoordinate), w.fit(latitude, t, "latitude", maxCoordinate),
		w.fit(punch.Place.Address, t, "address", maxMobileAddress), w.fit(punch.Remark, t, "remark", maxRemark)}
}

// missing reports whether a row has to be added.
func (w *writing) missing(rows []want) bool {
	return slices.ContainsFunc(rows, func(r want) bool { return r.isNew() })
}

// coordinates returns a place's coordinates as text.
func (w *writing) coordinates(p attendance.Place) (longitude, latitude string, ok bool) {
	if !p.Located {
		return "", "", false
	}
	longitude, east := coordinate(p.Longitude)
	latitude, north := coordinate(p.Latitude)
	return longitude, latitude, east && north
}

// fit makes s fit a column and counts it when that shortens it. "" is NULL where the
// column may be that.
func (w *writing) fit(s string, t *table, name string, most int) any {
	c, ok := t.column(name)
	if !ok {
		return nil
	}
	if s == "" {
		return c.nothing()
	}
	s, replaced := w.within(s, c)
	if replaced {
		w.replaced++
	}
	s, shortened := fitting(s, c, most)
	if shortened {
		if w.cut++; w.cut == 1 {
			w.cutFirst = t.name.String() + "." + c.name
		}
	}
	if s == "" {
		return c.nothing()
	}
	return s
}
