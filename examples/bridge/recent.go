package main

import (
	"iter"
	"slices"
	"sync"

	"github.com/punchbridge/punchbridge/attendance"
)

// recentRuns are the last runs of each job that this process has made, for a server
// without a state. It is safe for concurrent use.
type recentRuns struct {
	mu   sync.Mutex // guards jobs
	jobs map[string][]attendance.RunRecord
}

// mostRecent is how many runs of a job are kept: those of a day and some more.
const mostRecent = 50

// add keeps a run that has ended.
func (r *recentRuns) add(run attendance.RunRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.jobs == nil {
		r.jobs = make(map[string][]attendance.RunRecord)
	}
	runs := slices.Insert(r.jobs[run.Report.Job], 0, run)
	if len(runs) > 1 {
		runs[1].Report.LeftOut = nil // of whom only the last run's are told
	}
	r.jobs[run.Report.Job] = runs[:min(len(runs), mostRecent)]
}

// of yields the runs of a job, the latest first.
func (r *recentRuns) of(job string) iter.Seq2[attendance.RunRecord, error] {
	r.mu.Lock()
	runs := slices.Clone(r.jobs[job])
	r.mu.Unlock()
	return func(yield func(attendance.RunRecord, error) bool) {
		for _, run := range runs {
			if !yield(run, nil) {
				return
			}
		}
	}
}
