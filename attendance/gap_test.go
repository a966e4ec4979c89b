package attendance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// After an outage somebody fills up the last days by hand. The days before them are
// still a gap, and the next run closes it.
func TestABackfillDoesNotHideTheGapBeforeIt(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.ok(march(1, 23, 30))
	s.now = march(25, 12, 0)
	_, err := s.syncer().Run(t.Context(), s.scope(), days(date(3, 22), date(3, 25)))
	require.NoError(t, err)
	require.Equal(t, march(1, 23, 30), s.progress().ReadUpTo.In(shanghai()))
	calls := s.provider.Calls()
	r := s.ok(march(25, 23, 30))
	require.Equal(t, march(1, 23, 30), r.Span.From)
	require.Equal(t, attendance.Spans{{From: march(1, 23, 30), To: march(25, 23, 30)}}, s.asked("u0001", calls))
	require.Len(t, s.sink.All(), 3*(2*25-1))
	require.Equal(t, march(25, 23, 30), s.progress().ReadUpTo.In(shanghai()))
}

// What was read and could not be written is not done: however long nothing runs after
// that, it is read again.
func TestWhatCouldNotBeWrittenIsStillOwed(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.ok(march(1, 23, 30))
	locked := true
	s.sink.Refuse = func(attendance.Batch) error {
		if locked {
			return &attendance.Error{Code: attendance.CodeStore}
		}
		return nil
	}
	_, err := s.run(march(5, 23, 30))
	require.Error(t, err)
	locked = false
	s.ok(march(25, 23, 30))
	require.Len(t, s.sink.All(), 3*(2*25-1))
}

// A backfill that goes on where the last run stopped moves the mark.
func TestABackfillWithoutAGapMovesTheMark(t *testing.T) {
	s := newSite(t, 3)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 31))
	s.ok(march(1, 23, 30))
	s.now = march(25, 12, 0)
	_, err := s.syncer().Run(t.Context(), s.scope(), days(date(3, 1), date(3, 10)))
	require.NoError(t, err)
	r := s.ok(march(25, 23, 30))
	require.Equal(t, march(11, 0, 0), r.Span.From)
	require.Len(t, s.sink.All(), 3*(2*25-1))
}
