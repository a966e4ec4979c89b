package attendance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

func TestResultOf(t *testing.T) {
	t.Parallel()
	warned := func(codes ...string) (r attendance.Report) {
		for _, code := range codes {
			r.Warnings = append(r.Warnings, attendance.Warningf(code, "w"))
		}
		return r
	}
	refused := &attendance.Error{Code: attendance.CodePermission}
	for name, c := range map[string]struct {
		report attendance.Report
		err    error
		want   attendance.Result
	}{
		"all done":             {warned(), nil, attendance.ResultOK},
		"harmless warnings":    {warned("frozen", "withdrawals_suspicious", "empty_answer", "undirected_skipped", "directory_incomplete", "recalculation_backlog", "days_unrecorded", "foreign_writer"), nil, attendance.ResultOK},
		"people left out":      {attendance.Report{LeftOut: []attendance.Member{{LeftOut: attendance.Unbound}}}, nil, attendance.ResultOK},
		"skipped records":      {attendance.Report{Skipped: map[attendance.Reason]int{attendance.Invalid: 3}}, nil, attendance.ResultOK},
		"a failed part":        {attendance.Report{Failed: []attendance.Failure{{Code: attendance.CodePermission}}}, nil, attendance.ResultPartial},
		"a refused row":        {attendance.Report{Unwritten: []attendance.UnwrittenRow{{}}}, nil, attendance.ResultPartial},
		"not recalculated":     {warned("frozen", "not_recalculated"), nil, attendance.ResultPartial},
		"behind the horizon":   {warned("beyond_horizon"), nil, attendance.ResultPartial},
		"history waits":        {warned("history_postponed"), nil, attendance.ResultPartial},
		"not remembered":       {warned("not_remembered"), nil, attendance.ResultPartial},
		"a sink that forgets":  {warned("miscounted"), nil, attendance.ResultPartial},
		"the database is down": {warned(), &attendance.Error{Code: attendance.CodeStoreDown}, attendance.ResultPartial},
		"any other error":      {warned(), errors.New("odd"), attendance.ResultPartial},
		"refused":              {warned("not_recalculated"), refused, attendance.ResultRefused},
		"one family refused":   {warned(), &attendance.Incomplete{Failed: 1, First: refused}, attendance.ResultPartial},
		"stopped":              {warned("not_recalculated"), context.Canceled, attendance.ResultStopped},
		"out of time":          {warned(), context.DeadlineExceeded, attendance.ResultStopped},
	} {
		require.Equal(t, c.want, attendance.ResultOf(c.report, c.err), name)
	}
}

// What a host does once a run stands in the sync log, whatever it changes: days that the
// OA was told of after all, and those that it was not.
func TestFinishStandsInTheSyncLog(t *testing.T) {
	t.Parallel()
	none := errors.New("no table")
	for _, c := range []struct {
		write, finish []string
		err           error
		want          attendance.Result
		message       string
	}{
		{nil, nil, nil, attendance.ResultOK, ""},
		{[]string{"not_recalculated"}, nil, nil, attendance.ResultOK, ""}, // recovered
		{nil, []string{"frozen", "not_recalculated"}, nil, attendance.ResultPartial, "未全部完成，见警告 / not all is done, see the warnings: not_recalculated"},
		{nil, nil, none, attendance.ResultPartial, "no table"},
	} {
		s := newSite(t, 1)
		punchDaily(s.provider, s.people, date(3, 1), date(3, 7))
		s.opts.Finish = func(ctx context.Context, r *attendance.Report, err error) error {
			require.NoError(t, ctx.Err())
			require.NoError(t, err)
			r.Warnings = nil
			for _, code := range c.finish {
				r.Warnings = append(r.Warnings, attendance.Warningf(code, "w"))
			}
			return c.err
		}
		s.now = march(7, 23, 0)
		y := attendance.NewSyncer(s.provider, warningSink{s.sink, c.write}, &s.opts)
		report, err := y.Run(t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
		require.ErrorIs(t, err, c.err)
		for last, readErr := range s.store.Runs(t.Context(), attendance.RunFilter{ID: report.Run}) {
			require.NoError(t, readErr)
			require.Equal(t, c.want, last.Result)
			require.Equal(t, attendance.ResultOf(report, err), last.Result)
			require.Equal(t, c.message, last.Message)
			require.Equal(t, report.Warnings, last.Report.Warnings)
		}
		_, err = y.Preview(t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
		require.NotErrorIs(t, err, none, "previews finish nothing")
	}
}

type warningSink struct {
	*attendancetest.Sink
	codes []string
}

func (s warningSink) Write(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
	w, err := s.Sink.Write(ctx, b)
	for _, code := range s.codes {
		w.Warnings = append(w.Warnings, attendance.Warningf(code, "w"))
	}
	return w, err
}

// A log that could not be told of a slice does not hold the run as whole, which has
// ended with an error for it.
func TestARunWhoseSlicesAreNotRememberedIsPartialInTheLogToo(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	punchDaily(s.provider, s.people, date(3, 1), date(3, 7))
	s.opts.Memory.Runs = sliceless{s.store}
	s.now = march(7, 23, 0)
	report, err := s.syncer().Run(t.Context(), s.scope(), attendance.SinceMark(6, shanghai()))
	require.Error(t, err)
	for last, readErr := range s.store.Runs(t.Context(), attendance.RunFilter{ID: report.Run}) {
		require.NoError(t, readErr)
		require.Equal(t, attendance.ResultPartial, last.Result)
		require.Equal(t, attendance.ResultOf(report, err), last.Result)
	}
}

type sliceless struct{ *attendancetest.Store }

func (sliceless) AddSlice(context.Context, string, attendance.SliceRecord) error {
	return &attendance.Error{Code: attendance.CodeStore, Detail: "full"}
}
