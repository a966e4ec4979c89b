package attendance_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// What a sink with a ledger needs to know of a run reaches it, and an answer that
// may have been cut short is told as such.
func TestWhatALedgerNeeds(t *testing.T) {
	for _, c := range []struct {
		name    string
		cap     int
		partial bool
	}{{"whole", 0, false}, {"perhaps cut short", 1, true}} {
		t.Run(c.name, func(t *testing.T) {
			p := attendancetest.NewProvider("d", weekLimits)
			p.Put(attendance.Punch{ID: "1", Account: "u0000", Time: march(2, 0, 0), Kind: attendance.Regular, Direction: attendance.In})
			p.Cap = c.cap
			var batches []attendance.Batch
			s := sinkFunc(func(_ context.Context, b attendance.Batch) (attendance.Written, error) {
				batches = append(batches, b)
				return attendance.Written{Written: 1, Corrected: 1}, nil
			})
			r, err := attendance.NewSyncer(p, s, &attendance.Options{Now: at(march(20, 12, 0)), Run: "r1", Corp: "hq"}).
				Run(t.Context(), attendance.Members(staff(1)...), attendance.Between(march(2, 0, 0), march(2, 0, 0).Add(time.Second), shanghai()))
			require.NoError(t, err)
			require.Len(t, batches, 1)
			require.Equal(t, [2]string{"r1", "hq"}, [2]string{batches[0].Run, batches[0].Corp})
			require.Equal(t, c.partial, batches[0].Partial)
			require.Equal(t, 1, r.Corrected)
			require.True(t, strings.HasPrefix(r.String(), "1 read, 1 written, 1 of them corrected, 0 there already"), r.String())
		})
	}
	// An answer that could not be checked.
	inner := attendancetest.NewProvider("d", weekLimits)
	punchDaily(inner, staff(4), date(3, 2), date(3, 8))
	var partial []bool
	n := 0
	p := fetch{inner, func(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
		if n++; n > 1 {
			return attendance.Answer{Calls: 1}, &attendance.Error{Code: attendance.CodeUnavailable}
		}
		a, err := inner.Fetch(ctx, q)
		a.Suspect = true
		return a, err
	}}
	s := sinkFunc(func(_ context.Context, b attendance.Batch) (attendance.Written, error) {
		partial = append(partial, b.Partial)
		return attendance.Written{Written: len(b.Punches)}, nil
	})
	_, err := attendance.NewSyncer(p, s, &attendance.Options{Now: at(march(20, 12, 0)), Parallel: 1}).Run(t.Context(), attendance.Members(staff(4)...), days(date(3, 2), date(3, 8)))
	require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
	require.Equal(t, []bool{true}, partial)
}

// A record that nobody understands may be any that is lacking.
func TestAnAnswerThatIsNotUnderstoodIsPartial(t *testing.T) {
	for _, c := range []struct {
		skipped attendance.Skipped
		partial bool
	}{
		{attendance.Skipped{Account: "u0000", Time: march(2, 9, 0), Reason: attendance.UnknownType}, true},
		{attendance.Skipped{Account: "u0000", Reason: attendance.Invalid}, true},
		{attendance.Skipped{Account: "u0000", Time: march(2, 9, 0), Reason: attendance.Invalid}, false},
		{attendance.Skipped{Account: "u0000", Time: march(2, 9, 0), Reason: attendance.MissingPunch}, false},
	} {
		p := fetch{attendancetest.NewProvider("d", weekLimits), func(context.Context, attendance.Query) (attendance.Answer, error) {
			return attendance.Answer{Skipped: []attendance.Skipped{c.skipped}, Rows: 1, Calls: 1}, nil
		}}
		var partial []bool
		s := sinkFunc(func(_ context.Context, b attendance.Batch) (attendance.Written, error) {
			partial = append(partial, b.Partial)
			return attendance.Written{}, nil
		})
		_, err := attendance.NewSyncer(p, s, &attendance.Options{Now: at(march(20, 12, 0))}).Run(t.Context(), attendance.Members(staff(1)...), days(date(3, 2), date(3, 2)))
		require.NoError(t, err)
		require.Equal(t, []bool{c.partial}, partial, c.skipped)
	}
}
