package attendancetest

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

type addedSlice struct {
	run    string
	record attendance.SliceRecord
}

// BeginRun implements [attendance.RunStore].
func (s *Store) BeginRun(ctx context.Context, r attendance.RunRecord) error {
	return s.locked(ctx, func() {
		record, known := s.runs[r.ID]
		if !known {
			record = keptRun(r)
		}
		record.Attempts, record.Report.Started, record.Result = r.Attempts, second(r.Report.Started), ""
		s.keepRun(record)
	})
}

// EndRun implements [attendance.RunStore]. A run that is not known becomes so.
func (s *Store) EndRun(ctx context.Context, r attendance.RunRecord) error {
	return s.locked(ctx, func() { s.keepRun(keptRun(r)) })
}

func (s *Store) keepRun(r attendance.RunRecord) {
	if s.runs == nil {
		s.runs = make(map[string]attendance.RunRecord)
	}
	s.runs[r.ID] = r
}

// AddSlice implements [attendance.RunStore]. The run need not be known.
func (s *Store) AddSlice(ctx context.Context, run string, r attendance.SliceRecord) error {
	return s.locked(ctx, func() { s.slices = append(s.slices, addedSlice{run, keptSlice(r)}) })
}

// Runs implements [attendance.RunStore].
func (s *Store) Runs(ctx context.Context, f attendance.RunFilter) iter.Seq2[attendance.RunRecord, error] {
	return listed(ctx, func() (runs []attendance.RunRecord, err error) {
		err = s.locked(ctx, func() {
			for _, r := range s.runs {
				if meant(f, r) {
					runs = append(runs, keptRun(r))
				}
			}
		})
		slices.SortFunc(runs, func(a, b attendance.RunRecord) int {
			return cmp.Or(b.Report.Started.Compare(a.Report.Started), cmp.Compare(b.ID, a.ID))
		})
		if f.Limit > 0 {
			runs = runs[:min(f.Limit, len(runs))]
		}
		return runs, err
	})
}

func meant(f attendance.RunFilter, r attendance.RunRecord) bool {
	began := r.Report.Started
	switch {
	case f.ID != "" && f.ID != r.ID, f.Job != "" && f.Job != r.Report.Job, f.Target != "" && f.Target != r.Target,
		f.Kind != "" && f.Kind != r.Kind, f.Plan != "" && f.Plan != r.Plan, f.Unended && r.Result != "",
		!f.Since.IsZero() && began.Before(second(f.Since)), !f.Until.IsZero() && !began.Before(second(f.Until)):
		return false
	}
	return true
}

// Slices implements [attendance.RunStore].
func (s *Store) Slices(ctx context.Context, run string) iter.Seq2[attendance.SliceRecord, error] {
	return listed(ctx, func() (added []attendance.SliceRecord, err error) {
		err = s.locked(ctx, func() {
			for _, a := range s.slices {
				if a.run == run {
					added = append(added, keptSlice(a.record))
				}
			}
		})
		return added, err
	})
}

// Prune implements [attendance.RunStore]. The slices of a run that is forgotten are
// forgotten too; those of a run that was never known are, by their own time.
func (s *Store) Prune(ctx context.Context, before, runs time.Time) error {
	return s.locked(ctx, func() {
		gone := make(map[string]bool)
		maps.DeleteFunc(s.runs, func(id string, r attendance.RunRecord) bool {
			gone[id] = r.Report.Started.Before(second(runs))
			return gone[id]
		})
		s.slices = slices.DeleteFunc(s.slices, func(a addedSlice) bool {
			began := a.record.At
			if r, known := s.runs[a.run]; known {
				began = r.Report.Started
			}
			return gone[a.run] || began.Before(second(before))
		})
	})
}

// keptRun is a record of its own, in the precision that is kept.
func keptRun(r attendance.RunRecord) attendance.RunRecord {
	p := &r.Report
	p.Started, p.Ended = second(p.Started), second(p.Ended)
	p.Skipped, p.LeftOut, p.Warnings = maps.Clone(p.Skipped), slices.Clone(p.LeftOut), slices.Clone(p.Warnings)
	p.Failed = keptFailures(p.Failed)
	return r
}

func keptSlice(r attendance.SliceRecord) attendance.SliceRecord {
	r.At = second(r.At)
	p := &r.Report
	p.Slice.Members = slices.Clone(p.Slice.Members)
	p.Skipped, p.Refused, p.Days, p.Warnings = maps.Clone(p.Skipped), slices.Clone(p.Refused), slices.Clone(p.Days), slices.Clone(p.Warnings)
	p.Failed = keptFailures(p.Failed)
	return r
}

// keptFailures are copies without the errors themselves, which no store keeps.
func keptFailures(failed []attendance.Failure) []attendance.Failure {
	failed = slices.Clone(failed)
	for i := range failed {
		failed[i].Persons, failed[i].Err = slices.Clone(failed[i].Persons), nil
	}
	return failed
}
