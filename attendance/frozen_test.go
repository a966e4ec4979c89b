package attendance_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// besideSink keeps what its batches say of closed months, and tells of neighbours there.
type besideSink struct {
	attendancetest.Sink
	openFrom []time.Time
	closed   []attendance.PersonDay
}

func (s *besideSink) Write(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
	w, err := s.Sink.Write(ctx, b)
	s.openFrom = append(s.openFrom, b.OpenFrom)
	w.Closed = s.closed
	return w, err
}

// What would change in closed months is counted in person-days, not in rows, however
// many there are; and so are days that would only have to be computed anew.
func TestFrozenCountsDays(t *testing.T) {
	p, members := attendancetest.NewProvider("dingtalk", weekLimits), staff(30)
	for _, m := range members {
		for hour := range 4 { // four rows a day
			p.Put(attendance.Punch{ID: fmt.Sprint(m.Account, hour), Kind: attendance.Regular, Account: m.Account, Time: time.Date(2026, 2, 27, 9+hour, 0, 0, 0, shanghai()), Direction: attendance.In})
		}
	}
	sink := &besideSink{}
	for i := range 25 {
		sink.closed = append(sink.closed, attendance.PersonDay{Person: fmt.Sprintf("p%02d", i), Day: date(2, 28)})
	}
	y := attendance.NewSyncer(p, sink, &attendance.Options{Now: at(march(5, 12, 0)), FreezeAfterDay: 5, Parallel: 1})
	report, err := y.Run(t.Context(), attendance.Members(members...), days(date(2, 27), date(3, 2)))
	require.NoError(t, err)
	require.Equal(t, 120, report.Skipped[attendance.Frozen])
	require.Len(t, report.Warnings, 1, "%v", report.Warnings)
	w := report.Warnings[0]
	require.Equal(t, "frozen", w.Code)
	require.Contains(t, w.Message, "120 to add")
	require.Contains(t, w.Message, "2026-02-27 (+10); 25 person-days beside changed ones", "30 days, 20 of them named")
	require.Contains(t, w.Message, "p19 2026-02-28 (+5)")
	for _, from := range sink.openFrom {
		require.Equal(t, march(1, 0, 0), from)
	}
}

// A hook is not told of a day in a closed month that did not change itself.
func TestTheHookIsNotToldOfClosedNeighbours(t *testing.T) {
	var told []attendance.PersonDay
	hook := func(_ context.Context, days []attendance.PersonDay) error {
		told = append(told, days...)
		return nil
	}
	r := attendance.NewRecalculation(&attendancetest.Sink{}, hook, &attendance.RecalculationOptions{FreezeAfterDay: 5, Now: at(march(9, 12, 0))})
	w, err := r.Write(t.Context(), attendance.Batch{Span: attendance.Span{From: march(1, 0, 0), To: march(3, 0, 0)}, Members: staff(1),
		Punches: []attendance.Punch{{Account: staff(1)[0].Account, Time: march(1, 9, 0), Kind: attendance.Regular, Direction: attendance.In}}})
	require.NoError(t, err)
	person := staff(1)[0].Person
	require.Equal(t, []attendance.PersonDay{{Person: person, Day: date(3, 1)}, {Person: person, Day: date(3, 2)}}, told)
	require.Equal(t, []attendance.PersonDay{{Person: person, Day: date(2, 28)}}, w.Closed)
}
