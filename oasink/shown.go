package oasink

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// Shown implements [attendance.Shower]: what the attendance report makes of
// HrmScheduleSign.
//
// Before E9 the report shows the earliest valid sign-in (signType 1) and the latest
// valid sign-out (2) of the calendar date. E9 shows the first and the last valid row
// of the shift's window, whatever their types; a single one is a sign-in. The windows
// of shifts are not read: the calendar day stands for them, so that the sign-out after
// midnight of a night shift is In of the next day here, and Out of the first one in the
// OA. Rows are valid with isInCom 1, and before E9 userType 1.
//
// Computed goes by kq_format_pool (E9), where a day waits until its status is 1; such
// rows vanish a day later. Rows for a later moment do not make it wait.
func (s *Sink) Shown(ctx context.Context, person string, day attendance.Date, zone *time.Location) (attendance.Shown, error) {
	var shown attendance.Shown
	id, err := parsePerson(person)
	if err != nil {
		return shown, ctx.Err() // nobody has no rows
	}
	v := &view{Sink: s, shape: s.shape.Load(), id: id, day: day, zone: zone}
	if !v.shape.sign.exists() || !v.shape.mobile.exists() {
		if v.shape, err = s.probe(ctx); err != nil { // they may have come since
			return shown, err
		}
	}
	if err := v.signs(ctx); err != nil {
		return shown, err
	}
	if err := v.mobiles(ctx); err != nil {
		return shown, err
	}
	slices.SortStableFunc(v.shown.Rows, func(a, b attendance.ShownRow) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return strings.Compare(a.Table, b.Table)
	})
	v.report()
	return v.shown, v.computed(ctx)
}

// A view is what is seen of one person's day.
type view struct {
	*Sink
	shape *shape
	id    int64
	day   attendance.Date
	zone  *time.Location
	shown attendance.Shown
}

func (v *view) signs(ctx context.Context) error {
	t := v.shape.sign
	if !t.exists() {
		return nil
	}
	if needs := []string{"userId", "signDate", "signTime"}; !t.usable(needs...) {
		return t.lack(needs)
	}
	columns := []string{"id", "signDate", "signTime", "signType", "userType", "isInCom", "signFrom", "LONGITUDE", "LATITUDE", "ADDR"}
	rows := v.shown.Rows
	return v.patiently(ctx, "reading "+t.name.String(), func() error {
		v.shown.Rows = rows
		q := v.statement("SELECT ").columns(t, columns...).sql(" FROM ").table(t)
		return within(q, t, "userId", []int64{v.id}, "signDate", v.day.Add(-1), v.day.Add(1)).query(ctx, v.db, len(columns), func(c []any) error {
			at, padded, ok := v.moment(dateOf(c[1]), clockOf(c[2]))
			if !ok {
				return nil
			}
			kind := signTypeFrom(digitOf(c[3]))
			r := attendance.ShownRow{Row: attendance.Row{Table: tableSign, ID: idOf(c[0]), Person: strconv.FormatInt(v.id, 10), Time: at,
				Kind: attendance.Regular, Direction: directionOf(kind), Tag: textOf(c[6]), Place: placeOf(c[7], c[8], c[9])}}
			r.Ours = t.has("signFrom") && v.isOurTag(r.Tag)
			valid := !t.has("isInCom") || digitOf(c[5]) == "1"
			r.Hidden = !valid
			user := digitOf(c[4])
			switch e9 := v.shape.generation == E9; {
			case user == "2":
				r.Why = attendance.Text{EN: "userType is 2: the row is a customer's, not an employee's", ZH: "userType 为 2，是外部客户的行"}
			case !padded:
				r.Why = attendance.Text{EN: "signTime is not written as HH:mm:ss", ZH: "signTime 不是 HH:mm:ss 格式"}
			case !valid:
				r.Why = attendance.Text{EN: "isInCom is " + asStored(textOf(c[5])) + " and not 1, so the report does not count it", ZH: "isInCom 为 " + asStored(textOf(c[5])) + "，不是 1，报表不统计"}
			case !e9 && t.has("userType") && user != "1":
				r.Why = attendance.Text{EN: "userType is " + asStored(user) + " and not 1, so the report does not count it", ZH: "userType 为 " + asStored(user) + "，不是 1，报表不统计"}
			case !e9 && kind != signIn && kind != signOut:
				r.Why = attendance.Text{EN: "signType is " + asStored(textOf(c[3])) + ", neither 1 nor 2, so the report does not count it", ZH: "signType 为 " + asStored(textOf(c[3])) + "，不是 1 或 2，报表不统计"}
			default:
				r.Counted = true
			}
			v.shown.Rows = append(v.shown.Rows, r)
			return nil
		})
	})
}

func (v *view) mobiles(ctx context.Context) error {
	t := v.shape.mobile
	if !t.exists() {
		return nil
	}
	if needs := []string{"operater", "operate_date", "operate_time"}; !t.usable(needs...) {
		return t.lack(needs)
	}
	columns := []string{"id", "operate_date", "operate_time", "longitude", "latitude", "address"}
	rows := v.shown.Rows
	return v.patiently(ctx, "reading "+t.name.String(), func() error {
		v.shown.Rows = rows
		q := v.statement("SELECT ").columns(t, columns...).sql(" FROM ").table(t)
		return within(q, t, "operater", []int64{v.id}, "operate_date", v.day.Add(-1), v.day.Add(1)).query(ctx, v.db, len(columns), func(c []any) error {
			at, _, ok := v.moment(dateOf(c[1]), clockOf(c[2]))
			if !ok {
				return nil
			}
			v.shown.Rows = append(v.shown.Rows, attendance.ShownRow{Apart: true,
				Row: attendance.Row{Table: tableMobile, ID: idOf(c[0]), Person: strconv.FormatInt(v.id, 10), Time: at, Kind: attendance.Field, Place: placeOf(c[3], c[4], c[5])},
				Why: attendance.Text{EN: "shown on the page of outside punches (外勤签到), not in the attendance report", ZH: "在【外勤签到】中显示，不计入考勤报表"}})
			return nil
		})
	})
}

// moment reads date and time of a row; padded is false where the time is understood,
// but not written as the report needs it.
func (v *view) moment(date, clock string) (at time.Time, padded, ok bool) {
	if s, ok := secondFrom(date, clock); ok {
		return s.in(v.zone), true, true
	}
	for _, layout := range [...]string{"2006-1-2 15:4:5", "2006-1-2 15:4"} {
		if at, err := time.ParseInLocation(layout, date+" "+clock, v.zone); err == nil {
			return at, false, true
		}
	}
	return at, false, false
}

// report makes of the rows what the OA's report does.
func (v *view) report() {
	r := &v.shown
	e9 := v.shape.generation == E9
	r.Calendar, r.Typeless = !e9, e9
	r.Rule = attendance.Text{EN: v.shape.generation.String() + ": the first sign-in and the last sign-out of the calendar date", ZH: v.shape.generation.String() + "：取当日最早的签到与最晚的签退"}
	if e9 {
		r.Rule = attendance.Text{EN: "E9: the first and the last punch of the shift's window, whatever their type; here taken to be the calendar date", ZH: "E9：取班次时段内第一次与最后一次打卡，不分类型；此处以自然日代替班次时段"}
	}
	for _, row := range r.Rows {
		if !row.Counted || attendance.DateOf(row.Time.In(v.zone)) != v.day {
			continue
		}
		switch {
		case e9 && r.In.IsZero():
			r.In = row.Time
		case e9:
			r.Out = row.Time
		case row.Direction == attendance.In && r.In.IsZero():
			r.In = row.Time
		case row.Direction == attendance.Out:
			r.Out = row.Time
		}
	}
}

// computed finds out whether the day waits to be computed anew.
func (v *view) computed(ctx context.Context) error {
	if v.shape.generation != E9 {
		return nil
	}
	v.shown.Computed = attendance.ComputedUntold
	if v.recalculates(v.shape) {
		v.shown.Computed = attendance.ComputedUnknown
	}
	t := v.shape.pool
	if !t.usable(poolNeeds()...) {
		return nil
	}
	waiting, done := false, false
	err := v.patiently(ctx, "reading "+t.name.String(), func() error {
		waiting, done = false, false
		q := v.statement("SELECT ").columns(t, "status").sql(" FROM ").table(t)
		within(q, t, "resourceid", []int64{v.id}, "kqdate", v.day, v.day)
		if exec, ok := t.column("exectime"); ok && t.has("status") {
			q.sql(" AND (").column(t, "status").sql(" <> 0 OR ").name(exec.name).sql(" IS NULL OR ").name(exec.name).sql(" <= ").constant(exec, v.opts.Now().In(v.zone).Format(time.DateTime)).sql(")")
		}
		return q.query(ctx, v.db, 1, func(c []any) error {
			if is := digitOf(c[0]) == "1"; is {
				done = true
			} else {
				waiting = true
			}
			return nil
		})
	})
	switch readable := err == nil; {
	case !readable: // where this account may not read the queue nothing is known
	case waiting:
		v.shown.Computed = attendance.ComputedWaiting
	case done:
		v.shown.Computed = attendance.ComputedDone
	}
	return ctx.Err()
}

func idOf(v any) string {
	if n := intOf(v); n != 0 {
		return strconv.FormatInt(n, 10)
	}
	return ""
}

// asStored is a text as people know it from the database.
func asStored(s string) string {
	if s == "" {
		return "NULL"
	}
	return s
}
