package attendance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
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

	refused  map[string]bool // accounts the platform rejected in this run
	proven   []string        // a few accounts that were in answered queries
	leaves   int             // single accounts that failed
	answered int             // accounts that were answered, once for every query
	spans    int             // rejected spans that could not be halved any more
	unnamed  int             // rows that the target did not take, beyond those named
	largest  int             // rows of the largest reply seen
	halved   int             // queries that could not be read and were asked again in halves

	failures int // queries that failed, one after the other

	memory        *recollection   // nil: nothing is remembered
	journal       *journal        // nil: there is no sync log
	dry           bool            // nothing is written
	rest          bool            // most was read just before, by another attempt or run
	probing       map[string]bool // accounts that were rejected by earlier runs
	rejectedAgain int             // of them, those that were rejected again
	again         Span            // what is read for everybody
	tallies       tallies
	frozen        frozen
	forgot        error // the first time that something could not be remembered

	searching chan struct{} // held by who bisects people
	observing sync.Mutex    // held while the observer is told
}

func newRun(y *Syncer) *run {
	return &run{
		Syncer:    y,
		report:    Report{Job: y.opts.Job, Source: y.provider.Name(), Started: y.opts.Now()},
		warnings:  make(map[string]int),
		halt:      make(chan struct{}),
		refused:   make(map[string]bool),
		probing:   make(map[string]bool),
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

// askable drops the members whose account the platform has rejected in this run.
func (r *run) askable(members []Member) []Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.refused) == 0 {
		return members
	}
	return slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return r.refused[m.Account] })
}

// refusedOf are the members whose account the platform has rejected in this run.
func (r *run) refusedOf(members []Member) []Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Member
	for _, m := range members {
		if r.refused[m.Account] {
			all = append(all, m)
		}
	}
	return all
}

// write maps a complete answer to the batch it is and hands it to the sink. It
// returns what ends the run.
func (r *run) write(ctx context.Context, p part, done *SliceReport) error {
	batch := Batch{Source: r.provider.Name(), Members: p.members, Span: p.span, ReadAt: p.answer.ReadAt,
		Corp: r.opts.Corp, Run: r.report.Run, Partial: p.partial, OpenFrom: r.openFrom(p.span.Zone())}
	asked := make(map[string]bool, len(p.members))
	for _, m := range p.members {
		asked[m.Account] = true
	}
	now := r.opts.Now()
	if now.Before(p.at) {
		p.at = now // the clock was set back: what lies after now is skipped, and so not read
	}
	done.Read += p.records()
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
		if s.Reason == UnknownType {
			done.wonder(s.Detail)
		}
		// The platform has it, so that it is not withdrawn; nobody can tell which it is.
		batch.Partial = batch.Partial || s.Reason == UnknownType || s.Time.IsZero()
	}
	if len(p.members) == 0 {
		return nil
	}
	batch.Members = p.members
	sound, before := true, len(done.Unwritten)
	for _, part := range r.portions(batch) {
		counted, err := r.hand(ctx, part, done)
		if err != nil {
			return err
		}
		sound = sound && counted
	}
	if sound && !done.lost(p.members, p.span) {
		r.remember(ctx, p, batch.Punches, done.Unwritten[before:])
	}
	return nil
}

// hand hands a batch to the sink. It reports whether the sink accounts for all of it,
// and returns what ends the run.
func (r *run) hand(ctx context.Context, b portion, done *SliceReport) (sound bool, fatal error) {
	written, rows, err := r.written(ctx, b)
	r.recognise(ctx, written.Unwritten)
	named := false
	if code := CodeOf(err); code == CodeRowRefused || code == CodeRowChanged {
		named = len(written.Unwritten) > 0 && !allKnown(written.Unwritten)
		if allKnown(written.Unwritten) {
			err = nil // the table took others when these were first met
		}
	}
	done.take(written)
	r.frozen.beside(written.Closed)
	done.Rows = append(done.Rows, rows...)
	switch {
	case err != nil && ended(ctx, err):
		return false, err
	case named: // row by row, and nobody else; it is read again, since the fault may be the table's
		return false, nil
	case err != nil:
		done.fail(b.Members, b.Span, coded(err, CodeStore, "sink"))
		if CodeOf(err).stopsRun() {
			return false, err
		}
		return false, nil
	case written.punches() != len(b.Punches):
		done.Warnings = append(done.Warnings, Warningf("miscounted",
			"the target accounts for %d of %d punches of %d people in %v; this is a fault of the sink", written.punches(), len(b.Punches), len(b.Members), b.Span))
		return false, nil
	}
	return true, nil
}

// written writes the batch, or asks what writing it would do.
func (r *run) written(ctx context.Context, b portion) (Written, []RowChange, error) {
	if !r.dry && !b.closed {
		w, err := r.sink.Write(ctx, b.Batch)
		return w, nil, err
	}
	previewer, ok := As[Previewer](r.sink)
	if !ok && b.closed {
		return r.frozen.unseen(b.Batch), nil, nil
	}
	if !ok {
		return Written{}, nil, &Error{Code: CodeRequest, Op: "sink", Detail: "the target cannot tell what it would write"}
	}
	preview, err := previewer.Preview(ctx, b.Batch)
	if b.closed && err == nil {
		return r.frozen.take(b.Batch, preview), nil, nil
	}
	return preview.Written, preview.Rows, err
}

// slice reads, maps and writes one slice, adds it to the report and tells the
// observer. The error is what ended the run, if this slice did.
func (r *run) slice(ctx context.Context, slice Slice) (SliceReport, error) {
	rd := &reading{run: r, done: &SliceReport{Slice: slice, Skipped: make(map[Reason]int)}}
	rd.members(ctx, slice.Members, slice.Span)
	for _, w := range rd.done.Warnings {
		r.warn(w)
	}
	for _, u := range rd.done.Unwritten {
		r.opts.Logger.Warn("row not taken", "job", r.opts.Job, "person", u.Person, "time", u.Time, "table", u.Table, "reason", string(u.Reason), "detail", u.Detail)
	}
	for _, f := range rd.done.Failed {
		r.opts.Logger.Warn("slice failed", "job", r.opts.Job, "span", f.Span.String(), "people", len(f.Persons), "code", string(f.Code), "error", f.Message)
	}
	if rd.fatal != nil {
		r.stopWith(rd.fatal)
	}
	r.journal.slice(ctx, r.report.Source, rd.logged())
	r.observing.Lock()
	defer r.observing.Unlock()
	event := r.add(*rd.done)
	if r.opts.Observe != nil {
		r.opts.Observe(event)
	}
	return *rd.done, rd.fatal
}

// logged is what the sync log is told of the slice. Of one that was cut off nobody
// knows later which parts were done: none counts.
func (rd *reading) logged() SliceReport {
	told := *rd.done
	told.Refused = rd.run.refusedOf(told.Slice.Members) // also who was found to be by another slice
	if rd.fatal != nil {
		told.Failed = slices.Clone(told.Failed)
		told.fail(told.Slice.Members, told.Slice.Span, rd.fatal)
	}
	return told
}

// add adds a slice to the report.
func (r *run) add(done SliceReport) Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Slices++
	r.report.Counts.add(done.Counts)
	r.report.skip(done.Skipped)
	for _, m := range done.Refused {
		m.LeftOut, m.Known = Refused, false
		r.report.LeftOut = append(r.report.LeftOut, m)
		if r.probing[m.Account] {
			r.rejectedAgain++
		}
	}
	r.report.Failed = append(r.report.Failed, done.Failed...)
	named := done.Unwritten[:min(len(done.Unwritten), unwrittenKept-len(r.report.Unwritten))]
	r.report.Unwritten = append(r.report.Unwritten, named...)
	r.unnamed += len(done.Unwritten) - len(named)
	return Event{Slice: done, Slices: r.report.Slices, Counts: r.report.Counts}
}

// everyone reports whether the platform has rejected whoever was asked for. Accounts
// that were rejected by earlier runs prove nothing: they may be all that was left to ask
// for, where another run has just read the others.
func (r *run) everyone() bool {
	people, refused := r.report.People-len(r.probing), 0
	for account := range r.refused {
		if !r.probing[account] {
			refused++
		}
	}
	return people > 0 && refused >= people
}

// clockWarning tells when this machine's clock is not the platform's: days begin
// and end by it, and punches later than it are skipped.
func (r *run) clockWarning() (Warning, bool) {
	witness, ok := As[ClockWitness](r.provider)
	if !ok || !r.real {
		return Warning{}, false
	}
	ahead, known := witness.ClockAhead()
	if ahead = ahead.Round(time.Second); !known || ahead.Abs() <= AllowedSkew {
		return Warning{}, false
	}
	zh, en := "慢", "behind"
	if ahead < 0 {
		zh, en = "快", "ahead of"
	}
	return Warningf("clock_skew", "本机时钟比平台%s %v，请校时（建议启用 NTP） / this machine's clock is %v %s the platform's: set it, best by NTP", zh, ahead.Abs(), ahead.Abs(), en), true
}

// end closes the report and judges the run.
func (r *run) end(err error) (Report, error) {
	r.report.Ended = r.opts.Now()
	for _, code := range slices.Sorted(maps.Keys(r.warnings)) {
		if more := r.warnings[code] - warningsPerCode; more > 0 {
			r.report.Warnings = append(r.report.Warnings, Warningf(code, "and %d more of this kind", more))
		}
	}
	if r.unnamed > 0 {
		r.report.Warnings = append(r.report.Warnings, Warningf(string(RowRefused), "另有 %d 行未被目标表接受，未逐一列出 / and %d more rows that the target did not take are not named here; the slices in the sync log name them", r.unnamed, r.unnamed))
	}
	if w, ok := r.clockWarning(); ok {
		r.report.Warnings = append(r.report.Warnings, w)
	}
	if n := r.report.Skipped[NoDirection]; n > 0 {
		r.report.Warnings = append(r.report.Warnings, undirectedSkipped(n))
	}
	if lost := r.forgotten(); lost != nil {
		w, incomplete := notRemembered(lost)
		r.report.Warnings = append(r.report.Warnings, w)
		if err == nil && r.report.incomplete() == nil {
			err = incomplete
		}
	}
	switch {
	case err != nil:
	case r.everyone():
		err = &Error{Code: CodeEveryone, Op: r.provider.Name(), Detail: fmt.Sprintf("all %d accounts were rejected", r.report.People)}
	case r.report.incomplete() != nil:
		err = r.report.incomplete()
	case r.report.People > 0 && r.report.Read == 0 && !r.opts.EmptyIsNormal && !r.rest:
		r.report.Warnings = append(r.report.Warnings, Warningf("empty_answer",
			"平台未返回任何打卡数据 / the platform holds no record at all for %d people in %v. Either nobody punched, or the accounts are not those of the platform (a wrong one is answered with an empty success), or the application may not see them",
			r.report.People, r.report.Span))
	}
	return r.report, err
}
