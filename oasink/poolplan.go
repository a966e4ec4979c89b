package oasink

import (
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// A poolRow asks for one person-day to be computed anew, not before a moment of the
// OA server's wall clock: exectime, as yyyy-MM-dd HH:mm:ss.
type poolRow struct {
	person int64
	day    attendance.Date
	exec   string
}

// A poolPlan is what kq_format_pool is to be told.
type poolPlan struct {
	// due are to be computed as soon as the OA comes to it.
	due []poolRow
	// later are to be computed once the OA can judge the day. The same row is not
	// wanted a second time while it waits.
	later []poolRow
	// closed are days of closed months, which are never computed anew.
	closed []attendance.PersonDay
}

// When a day is computed once more: the OA counts neither an early leave (早退) nor a
// missing punch (漏签) before the shift is over. Half an hour after midnight day shifts
// are, at noon of the next day night shifts.
const (
	judgedAtNight = "00:30:00"
	judgedAtNoon  = "12:00:00"
	// dayIsOver is from when on a day shift can be judged by what is computed at once.
	dayIsOver = "20:00:00"
)

// planPool plans the rows for days whose punches have changed. Each of them is due,
// and so are the day before and the day after: a night shift's window begins on the
// evening before or ends on the morning after. The OA computes a person-day from
// nothing, so a row too many is harmless; a day in the future it ignores.
//
// now shows the wall clock of the OA. Rows that are due get the moment a day before:
// the OA takes what is earlier than its own clock, so that neither that clock nor its
// zone holds them up. open is the first day that is not in a closed month, zero where
// all are open. later says whether rows for later are wanted at all.
func planPool(days []attendance.PersonDay, now time.Time, open attendance.Date, later bool) (poolPlan, error) {
	var p poolPlan
	today, due := attendance.DateOf(now), now.AddDate(0, 0, -1).Format(time.DateTime)
	for _, d := range attendance.WithNeighbours(days, today) {
		if d.Day.Before(open) {
			p.closed = append(p.closed, d)
			continue
		}
		person, err := parsePerson(d.Person)
		if err != nil {
			return poolPlan{}, err
		}
		p.due = append(p.due, poolRow{person, d.Day, due})
	}
	if !later {
		return p, nil
	}
	clock := now.Format(time.DateTime)
	for _, d := range days {
		if d.Day.Before(open) || today.Before(d.Day) {
			continue
		}
		person, err := parsePerson(d.Person)
		if err != nil {
			return poolPlan{}, err
		}
		next := d.Day.Add(1).String()
		if clock < d.Day.String()+" "+dayIsOver {
			p.later = append(p.later, poolRow{person, d.Day, next + " " + judgedAtNight})
		}
		if noon := next + " " + judgedAtNoon; clock < noon {
			p.later = append(p.later, poolRow{person, d.Day, noon})
		}
	}
	return p, nil
}
