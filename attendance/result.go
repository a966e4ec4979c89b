package attendance

import "slices"

// Result is how a run ended.
type Result string

// The results. The empty one is that of a run that goes on, or was killed.
const (
	ResultOK      Result = "ok"
	ResultPartial Result = "partial" // something was not read, not written, or not told to the target
	ResultRefused Result = "refused" // the platform refused us
	ResultStopped Result = "stopped" // the host ended it
)

// ResultOf judges how a run has ended, by the report and the error that [Syncer.Run] or
// [RunTogether] returned. It is what the sync log holds of the run; a host whose exit
// code, state or notice follows it never contradicts the log. Skipped records and people
// who were left out are no failure, and neither are warnings, but for those by which
// something stays undone: beyond_horizon, history_postponed, not_recalculated,
// not_remembered and miscounted.
func ResultOf(report Report, err error) Result {
	switch {
	case refused(err):
		return ResultRefused
	case err != nil && CodeOf(err) == "": // a context's end
		return ResultStopped
	case err != nil, report.incomplete() != nil, len(report.undone()) > 0:
		return ResultPartial
	default:
		return ResultOK
	}
}

// undone are the codes of the warnings by which something stays undone, with their number.
func (r Report) undone() []string {
	return Report{Warnings: slices.DeleteFunc(slices.Clone(r.Warnings), func(w Warning) bool { return !w.leavesUndone() })}.warned()
}

func (w Warning) leavesUndone() bool {
	switch w.Code {
	case "beyond_horizon", "history_postponed", notRecalculated, "not_remembered", "miscounted":
		return true
	default:
		return false
	}
}
