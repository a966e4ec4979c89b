package ecologytest

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/oasink"
)

// A Day is what the OA's report shows for one person and day: the wall clock of
// sign-in and sign-out (HH:mm:ss, or with the date in front where it is not the
// day's own), "" where there is none.
type Day struct {
	In, Out string
}

// ShownE8 is what e-cology 8 reports for a person's day (yyyy-MM-dd): the
// earliest valid sign-in and the latest valid sign-out of that calendar date,
// among rows of internal users.
func (o *OA) ShownE8(ctx context.Context, person int64, day string) (Day, error) {
	rows, err := o.SignRows(ctx)
	if err != nil {
		return Day{}, err
	}
	var d Day
	for _, r := range rows {
		if r.UserID != person || r.SignDate != day || r.UserType != "1" || r.IsInCom != "1" {
			continue
		}
		switch {
		case r.SignType == "1" && (d.In == "" || r.SignTime < d.In):
			d.In = r.SignTime
		case r.SignType == "2" && r.SignTime > d.Out:
			d.Out = r.SignTime
		}
	}
	return d, nil
}

// ShownE9 is what e-cology 9 reports for a shift whose window begins and ends at
// these wall-clock times (yyyy-MM-dd HH:mm:ss, both included): the first valid
// row in it is the sign-in and the last the sign-out, whatever their types; a
// single one is a sign-in. With "" for to, from is a day and the window that day.
//
// It takes it for granted that the day was computed anew; see [OA.Recomputed].
func (o *OA) ShownE9(ctx context.Context, person int64, from, to string) (Day, error) {
	day := from[:10]
	if to == "" {
		from, to = day+" 00:00:00", day+" 23:59:59"
	}
	rows, err := o.SignRows(ctx)
	if err != nil {
		return Day{}, err
	}
	var d Day
	taken := 0
	for _, r := range rows {
		at := r.SignDate + " " + r.SignTime
		if r.UserID != person || r.IsInCom != "1" || at < from || at > to {
			continue
		}
		if taken++; taken == 1 {
			d.In = short(at, day)
		} else {
			d.Out = short(at, day)
		}
	}
	return d, nil
}

func short(at, day string) string {
	if strings.HasPrefix(at, day) {
		return at[11:]
	}
	return at
}

// Recomputed reports whether e-cology 9 was told to compute the person's day anew.
func (o *OA) Recomputed(ctx context.Context, person int64, day string) (bool, error) {
	rows, err := o.PoolRows(ctx)
	return slices.ContainsFunc(rows, func(r PoolRow) bool { return r.ResourceID == person && r.KqDate == day }), err
}

// A FieldEntry is one line of the OA's page of outside punches (外勤签到).
type FieldEntry struct {
	// Unique is hrm<id> for a row of HrmScheduleSign, sign<id> for one of mobile_sign.
	Unique     string
	Person     int64
	Date, Time string
	Address    string
}

// FieldPage is what the page of outside punches shows: all rows of mobile_sign, and
// those rows of HrmScheduleSign that are valid and have coordinates; on e-cology 9
// not those tagged as copies of outside punches, nor those without a tag.
func (o *OA) FieldPage(ctx context.Context) ([]FieldEntry, error) {
	var page []FieldEntry
	signs, err := o.SignRows(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range signs {
		if o.generation == oasink.E7 || r.IsInCom != "1" || r.Longitude == NULL || r.Longitude == "" || r.Latitude == NULL || r.Latitude == "" {
			continue
		}
		if o.generation == oasink.E9 && slices.Contains([]string{NULL, "e9_mobile_out", "EMSyn_out", "Wechat_out"}, r.SignFrom) {
			continue
		}
		page = append(page, FieldEntry{"hrm" + strconv.FormatInt(r.ID, 10), r.UserID, r.SignDate, r.SignTime, r.Addr})
	}
	mobiles, err := o.MobileRows(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range mobiles {
		page = append(page, FieldEntry{"sign" + strconv.FormatInt(r.ID, 10), r.Operater, r.OperateDate, r.OperateTime, r.Address})
	}
	slices.SortStableFunc(page, func(a, b FieldEntry) int {
		if a.Person != b.Person {
			return int(a.Person - b.Person)
		}
		return strings.Compare(a.Date+a.Time, b.Date+b.Time)
	})
	return page, nil
}
