package attendance

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// warningsPerCode bounds what a run keeps of warnings that come with every slice.
const warningsPerCode = 1000

// A run is the state of one Run or Do: the report, and what was learnt about the
// platform on the way. Its methods may be called from any worker.
type run struct {
	*Syncer

	mu       sync.Mutex
	report   Report
	warnings map[string]int // how many of a code came

	stop error         // what ended the run early
	halt chan struct{} // closed with it

	searching chan struct{} // held by who bisects people

	refused map[string]bool // accounts the platform rejected in this run
	proven  string          // an account that was in an answered query
	leaves  int             // single accounts that failed
	largest int             // rows of the largest reply seen
}

func newRun(y *Syncer) *run {
	return &run{
		Syncer:   y,
		report:   Report{Job: y.opts.Job, Source: y.provider.Name(), Started: y.opts.Now()},
		warnings: make(map[string]int),
		halt:     make(chan struct{}),
		refused:  make(map[string]bool),

		searching: make(chan struct{}, 1),
	}
}

func (r *run) warn(w Warning) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.warnings[w.Code] < warningsPerCode && slices.Contains(r.report.Warnings, w) {
		return
	}
	if r.warnings[w.Code]++; r.warnings[w.Code] <= warningsPerCode {
		r.report.Warnings = append(r.report.Warnings, w)
	}
}

func (r *run) leave(m Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.LeftOut = append(r.report.LeftOut, m)
}

func (r *run) stopped() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stop
}

// stopWith ends the run: no further slice is begun, those at work finish.
func (r *run) stopWith(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop == nil {
		r.stop = err
		close(r.halt)
	}
}

// slice reads, maps and writes one slice. The error is what ends the run; what
// failed for this slice only stands in the report.
func (r *run) slice(ctx context.Context, slice Slice) (SliceReport, error) {
	done := SliceReport{Slice: slice, Skipped: make(map[Reason]int)}
	rd := &reading{run: r, done: &done}
	rd.members(ctx, r.askable(slice.Members), slice.Span)
	for _, part := range rd.parts {
		if rd.fatal != nil && isContextError(rd.fatal) {
			break
		}
		if err := r.write(ctx, part, &done); err != nil {
			rd.fatal = err
		}
	}
	return done, rd.fatal
}

// askable drops the members whose account the platform has rejected in this run.
func (r *run) askable(members []Member) []Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.refused) == 0 {
		return members
	}
	return slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return r.refused[m.Account] })
}

// write maps the answer of one part to the batch it is and hands it to the sink.
func (r *run) write(ctx context.Context, p part, done *SliceReport) error {
	batch := Batch{Source: r.provider.Name(), Members: p.members, Span: p.span, ReadAt: p.answer.ReadAt}
	asked := make(map[string]bool, len(p.members))
	for _, m := range p.members {
		asked[m.Account] = true
	}
	now := r.opts.Now()
	batch.Punches = p.answer.Punches[:0]
	for _, punch := range p.answer.Punches {
		switch {
		case !asked[punch.Account]:
			done.Skipped[NotAsked]++
		case !p.span.Contains(punch.Time):
			done.Skipped[OutsideWindow]++
		case punch.Time.After(now):
			done.Skipped[Future]++
		default:
			batch.Punches = append(batch.Punches, punch)
		}
	}
	for _, s := range p.answer.Skipped {
		done.Skipped[s.Reason]++
	}

	written, err := r.sink.Write(ctx, batch)
	done.Written += written.Written
	done.Present += written.Present
	done.PresentFromOther += written.PresentFromOther
	done.Superseded += written.Superseded
	done.Removed += written.Removed
	for reason, n := range written.Skipped {
		done.Skipped[reason] += n
	}
	done.Days = append(done.Days, written.Days...)
	done.Warnings = append(done.Warnings, written.Warnings...)
	if err == nil {
		return nil
	}
	if isContextError(err) {
		return err
	}
	done.Failed = append(done.Failed, failureOf(p.members, p.span, err))
	if CodeOf(err).stopsRun() {
		return err
	}
	return nil
}

func failureOf(members []Member, span Span, err error) Failure {
	return Failure{personsOf(members), span, CodeOf(err), err.Error(), err}
}

// finish adds a slice to the report and tells the observer.
func (r *run) finish(done SliceReport, err error) {
	for _, w := range done.Warnings {
		r.warn(w)
	}
	for _, f := range done.Failed {
		r.opts.Logger.Warn("slice failed", "job", r.opts.Job, "span", f.Span.String(), "people", len(f.Persons), "code", string(f.Code), "error", f.Message)
	}
	if err != nil {
		r.stopWith(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Slices++
	if !r.report.Span.Empty() && done.Slice.Span.From.Equal(r.report.Span.From) {
		r.report.People += len(done.Slice.Members) // each batch has one slice that begins with the run
	}
	r.report.Counts.add(done.Counts)
	r.report.skip(done.Skipped)
	for _, m := range done.Refused {
		m.LeftOut = Refused
		r.report.LeftOut = append(r.report.LeftOut, m)
	}
	r.report.Failed = append(r.report.Failed, done.Failed...)
	if r.opts.Observe != nil {
		r.opts.Observe(Event{Slice: done, Slices: r.report.Slices, Counts: r.report.Counts})
	}
}

// end closes the report and judges the run.
func (r *run) end(err error) (Report, error) {
	r.report.Ended = r.opts.Now()
	for _, code := range sortedKeys(r.warnings) {
		if more := r.warnings[code] - warningsPerCode; more > 0 {
			r.report.Warnings = append(r.report.Warnings, Warningf(code, "and %d more of this kind", more))
		}
	}
	if err == nil && r.report.People > 0 && len(r.refused) >= r.report.People {
		err = &Error{Code: CodeEveryone, Op: r.provider.Name(), Detail: fmt.Sprintf("all %d accounts were rejected", r.report.People)}
	}
	if err == nil && len(r.report.Failed) > 0 {
		err = &Incomplete{len(r.report.Failed), r.report.Failed[0].Err}
	}
	if err == nil && r.report.People > 0 && r.report.Read == 0 && !r.report.Span.Empty() && !r.opts.EmptyIsNormal {
		r.report.Warnings = append(r.report.Warnings, Warningf("empty_answer",
			"the platform holds no record at all for %d people in %v: 平台未返回任何打卡数据。 Either nobody punched, or the accounts are not those of the platform (a wrong one is answered with an empty success), or the application may not see them",
			r.report.People, r.report.Span))
	}
	return r.report, err
}

func overBudget(source string, e Estimate, left int) error {
	return &Error{Code: CodeQuota, Op: source, Detail: fmt.Sprintf(
		"the run needs about %d calls for %d people, %d are left of this month's budget; no call was made", e.Calls, e.People, left)}
}
