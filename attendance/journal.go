package attendance

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// NewRunID names a run that begins now: names are unique, and in the order of time.
func NewRunID(now time.Time) string {
	var tail [3]byte
	_, _ = rand.Read(tail[:]) // never fails
	return now.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(tail[:])
}

// resumable is how old a run that was cut off may be to be gone on with: what it
// read is as old.
const resumable = 7 * 24 * time.Hour

// A journal tells the sync log of one run of one or several families. A nil store
// is told nothing.
type journal struct {
	store  RunStore
	record RunRecord
	before Report               // the counts of earlier attempts
	done   map[string]doneSpans // what has just been read, by source

	mu     sync.Mutex
	failed error // the first time the log could not be told
}

// doneSpans is what was read, by person and account.
type doneSpans map[holding]Spans

// A holding is a person and the person's account.
type holding struct{ person, account string }

func (m Member) holding() holding { return holding{m.Person, m.Account} }

// resume goes on with the same work that was cut off before, if there is some: the
// run keeps its name, and what it has done is not done again.
func (j *journal) resume(ctx context.Context) error {
	if j.store == nil || j.record.Kind != KindBackfill {
		return nil
	}
	since := j.record.Report.Started.Add(-resumable)
	filter := RunFilter{Job: j.record.Report.Job, Target: j.record.Target, Kind: j.record.Kind, Plan: j.record.Plan, Since: since, Limit: 1}
	for last, err := range j.store.Runs(ctx, filter) {
		if err != nil {
			return err
		}
		if last.Result != "" && last.Result != ResultStopped {
			return nil
		}
		if err := j.recollect(ctx, last.ID, &j.before); err != nil {
			return err
		}
		j.record.ID, j.record.Attempts = last.ID, last.Attempts+1
	}
	return nil
}

// recollect notes what the slices of a run have done, as far as nothing of it failed.
func (j *journal) recollect(ctx context.Context, run string, sum *Report) error {
	if j.store == nil {
		return nil
	}
	if j.done == nil {
		j.done = make(map[string]doneSpans)
	}
	oldest := j.record.Report.Started.Add(-resumable)
	for s, err := range j.store.Slices(ctx, run) {
		if err != nil {
			return err
		}
		if sum != nil {
			sum.Counts.add(s.Report.Counts)
			sum.skip(s.Report.Skipped)
		}
		of := j.done[s.Source]
		if of == nil {
			of = make(doneSpans)
			j.done[s.Source] = of
		}
		if !s.At.Before(oldest) {
			of.add(s)
		}
	}
	return nil
}

func (d doneSpans) add(s SliceRecord) {
	span := s.Report.Slice.Span
	if span.To.After(s.At) {
		span.To = s.At.In(span.Zone()) // later punches came after it was read
	}
	failed := make(map[string]Spans)
	for _, f := range s.Report.Failed {
		for _, person := range f.Persons {
			failed[person] = failed[person].Plus(f.Span)
		}
	}
	for _, u := range s.Report.Unwritten { // to be named by the attempt that ends
		failed[u.Person] = Spans{s.Report.Slice.Span}
	}
	for _, m := range s.Report.Refused {
		failed[m.Person] = Spans{s.Report.Slice.Span}
	}
	for _, m := range s.Report.Slice.Members {
		read := SpansOf(span)
		if f, ok := failed[m.Person]; ok {
			read = read.Minus(f)
		}
		d[m.holding()] = d[m.holding()].Plus(read...)
	}
}

func (j *journal) begin(ctx context.Context) error {
	if j.store == nil {
		return nil
	}
	return j.store.BeginRun(ctx, j.record)
}

// slice tells of a slice. A log that cannot be told stops nothing.
func (j *journal) slice(ctx context.Context, source string, s SliceReport) {
	if j == nil || j.store == nil {
		return
	}
	ctx, cancel := lastly(ctx)
	defer cancel()
	s.Rows = nil
	j.fail(j.store.AddSlice(ctx, j.record.ID, SliceRecord{Source: source, Attempt: j.record.Attempts, At: j.record.Report.Started, Report: s}))
}

// judged is the report and the error of a run, of which the log may not have been told all.
func (j *journal) judged(report Report, err error) (Report, error) {
	lost := j.trouble()
	if lost == nil {
		return report, err
	}
	w, incomplete := notRemembered(lost)
	if !slices.ContainsFunc(report.Warnings, func(o Warning) bool { return o.Code == w.Code }) {
		report.Warnings = append(report.Warnings, w)
	}
	if err == nil {
		err = incomplete
	}
	return report, err
}

func (j *journal) end(ctx context.Context, report Report, err error) {
	if j.store == nil {
		return
	}
	ctx, cancel := lastly(ctx)
	defer cancel()
	j.record.Report = report
	j.record.Report.Counts.add(j.before.Counts)
	j.record.Report.Skipped = maps.Clone(report.Skipped)
	j.record.Report.skip(j.before.Skipped)
	j.record.Result = ResultOf(report, err)
	if err != nil {
		j.record.Code, j.record.Message = CodeOf(err), err.Error()
	} else if j.record.Result == ResultPartial {
		j.record.Message = "未全部完成，见警告 / not all is done, see the warnings: " + strings.Join(report.undone(), ", ")
	}
	j.fail(j.store.EndRun(ctx, j.record))
}

func (j *journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed == nil {
		j.failed = err
	}
}

func (j *journal) trouble() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failed
}

// planName is the same for runs that are to do the same, whatever the target is called.
func planName(o Options, kind RunKind, spans ...Span) string {
	parts := []string{string(kind), o.Job, o.Corp, o.Scope}
	for _, s := range spans {
		parts = append(parts, s.String())
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:12])
}

// notRemembered tells that the store failed a run that did its work all the same.
func notRemembered(err error) (Warning, error) {
	w := Warningf("not_remembered", "打卡已同步，但运行记录未能保存 / the punches are where they belong, but what was done could not be remembered, so it is done again by the next run: %s", detailOf(err))
	return w, &Incomplete{1, errors.Join(err)}
}
