package oasink

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

func TestPlanPool(t *testing.T) {
	zone := time.FixedZone("", 8*3600)
	march := func(day, hour, minute int) time.Time { return time.Date(2026, 3, day, hour, minute, 0, 0, zone) }
	of := func(person string, days ...int) (list []attendance.PersonDay) {
		for _, d := range days {
			list = append(list, attendance.PersonDay{Person: person, Day: attendance.Date{Year: 2026, Month: 3, Day: d}})
		}
		return list
	}
	for name, c := range map[string]struct {
		days   []attendance.PersonDay
		now    time.Time
		open   attendance.Date
		never  bool // no rows for later
		due    []string
		later  []string
		closed int
	}{
		"long over":                           {days: of("7", 2), now: march(9, 9, 0), due: []string{"7 1", "7 2", "7 3"}},
		"neighbours once":                     {days: of("7", 2, 3, 5), now: march(9, 9, 0), due: []string{"7 1", "7 2", "7 3", "7 4", "7 5", "7 6"}},
		"today, in the morning":               {days: of("7", 4), now: march(4, 9, 0), due: []string{"7 3", "7 4"}, later: []string{"7 4 2026-03-05 00:30:00", "7 4 2026-03-05 12:00:00"}},
		"today, a minute before the evening":  {days: of("7", 4), now: march(4, 19, 59), due: []string{"7 3", "7 4"}, later: []string{"7 4 2026-03-05 00:30:00", "7 4 2026-03-05 12:00:00"}},
		"today, in the evening":               {days: of("7", 4), now: march(4, 20, 0), due: []string{"7 3", "7 4"}, later: []string{"7 4 2026-03-05 12:00:00"}},
		"yesterday, before noon":              {days: of("7", 3), now: march(4, 11, 59), due: []string{"7 2", "7 3", "7 4"}, later: []string{"7 3 2026-03-04 12:00:00"}},
		"yesterday, at noon":                  {days: of("7", 3), now: march(4, 12, 0), due: []string{"7 2", "7 3", "7 4"}},
		"only changed days are judged later":  {days: of("7", 3), now: march(4, 9, 0), due: []string{"7 2", "7 3", "7 4"}, later: []string{"7 3 2026-03-04 12:00:00"}},
		"several people":                      {days: append(of("7", 2), of("8", 2)...), now: march(9, 9, 0), due: []string{"7 1", "7 2", "7 3", "8 1", "8 2", "8 3"}},
		"a day in the future":                 {days: of("7", 6), now: march(4, 9, 0)},
		"tomorrow, its day before is today":   {days: of("7", 5), now: march(4, 9, 0), due: []string{"7 4"}},
		"accurate computing is off":           {days: of("7", 4), now: march(4, 9, 0), never: true, due: []string{"7 3", "7 4"}},
		"the neighbour is in a closed month":  {days: of("7", 1), now: march(9, 9, 0), open: attendance.Date{Year: 2026, Month: 3, Day: 1}, due: []string{"7 1", "7 2"}, closed: 1},
		"all is in a closed month":            {days: of("7", 5), now: march(9, 9, 0), open: attendance.Date{Year: 2026, Month: 4, Day: 1}, closed: 3},
		"closed, and not to be judged either": {days: of("7", 8), now: march(9, 9, 0), open: attendance.Date{Year: 2026, Month: 4, Day: 1}, closed: 3},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := planPool(c.days, c.now, c.open, !c.never)
			require.NoError(t, err)
			var due, later []string
			for _, r := range p.due {
				due = append(due, fmt.Sprint(r.person, r.day.Day))
				require.Equal(t, c.now.AddDate(0, 0, -1).Format(time.DateTime), r.exec)
			}
			for _, r := range p.later {
				later = append(later, fmt.Sprint(r.person, r.day.Day)+" "+r.exec)
			}
			require.Equal(t, c.due, due)
			require.Equal(t, c.later, later)
			require.Len(t, p.closed, c.closed)
		})
	}
	_, err := planPool(of("nobody", 2), march(9, 9, 0), attendance.Date{}, true)
	require.Error(t, err)
}
