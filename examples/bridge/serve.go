package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/scheduler"
)

// drainTime is how long runs may go on after SIGTERM, before they are cut off; what
// they have begun to write is finished or rolled back within moments then.
const drainTime = 4 * time.Second

// serve runs all enabled jobs at their times, until SIGTERM.
func (p *program) serve(ctx context.Context) int {
	p.serving.Store(true)
	p.logger = slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelInfo}))
	p.logger.Info("bridge "+thisBuild().Version, "commit", thisBuild().Commit, "config", p.config.file)
	works := make([]*work, 0, len(p.config.jobs))
	for _, job := range p.config.jobs {
		w, err := p.prepare(job)
		if err != nil {
			return p.misused(err)
		}
		works = append(works, w)
	}
	store, err := p.store(ctx)
	if err != nil {
		p.printServe(err)
		return exitCode(err)
	}
	p.tellKept()
	p.forgetKept(ctx)
	s := &server{program: p, store: store, metrics: newMetrics(), herald: p.newHerald(), began: p.now()}
	if s.scheduler, err = scheduler.New(s.options(), s.jobs(works)...); err != nil {
		return p.misused(&configError{file: p.config.file, key: "jobs", what: err.Error()})
	}
	for _, f := range scheduler.Check(p.now(), p.starts(works)...) {
		p.logger.Warn(f.Code, "message", f.Message.String(), "mend", f.Mend.String())
	}
	for _, w := range works {
		s.begin(ctx, w.job)
	}
	s.budgets(ctx, works)
	err = s.listen(ctx, func() error { return s.scheduler.Run(ctx) })
	if closeErr := p.close(); err == nil {
		err = closeErr
	}
	if err != nil {
		p.printServe(err)
	}
	return exitCode(err)
}

func (p *program) printServe(err error) {
	if p.command.json {
		p.print(map[string]any{"error": troubleOf(err)})
		return
	}
	p.printEnd(nil, troubleOf(err))
}

// A server is the program while it serves.
type server struct {
	*program
	store     attendance.Store // nil: nothing is remembered
	scheduler *scheduler.Scheduler
	metrics   *metrics
	herald    *herald
	began     time.Time
	recent    recentRuns // where there is no store
}

func (s *server) options() *scheduler.Options {
	host, _ := os.Hostname()
	o := &scheduler.Options{Owner: cmp.Or(host, "bridge"), Drain: drainTime, Now: s.now, Logger: s.logger}
	if s.store != nil {
		o.Ticks, o.Leases = s.store, s.store
	}
	return o
}

// jobs are the runs of the enabled jobs, and the deep re-reads of those that look back.
func (s *server) jobs(works []*work) []scheduler.Job {
	var all []scheduler.Job
	if at := s.dailySchedule(); at != nil {
		all = append(all, scheduler.Job{Name: s.config.dailyJob(), Schedule: at, Run: s.daily})
	}
	for _, w := range works {
		if !w.job.enabled || len(w.job.times) == 0 {
			continue
		}
		daily := w.task()
		all = append(all, scheduler.Job{Name: w.job.name, Schedule: w.job.schedule(), Window: daily.window,
			Run: func(ctx context.Context) error { return s.perform(ctx, w, daily) }})
		if again, at := w.reread(); at != nil {
			all = append(all, scheduler.Job{Name: w.job.name + " (reread)", Schedule: at,
				Run: func(ctx context.Context) error { return s.perform(ctx, w, again) }})
		}
	}
	return all
}

// schedule is when the job runs; nil if it has no times.
func (j *jobConfig) schedule() scheduler.Schedule {
	if len(j.times) == 0 {
		return nil
	}
	var times []scheduler.Schedule
	for _, t := range j.times {
		times = append(times, scheduler.Daily(int(t)/60, int(t)%60, j.zone))
	}
	return scheduler.AnyOf(times...)
}

// due is when the job was to start last, up to now; zero if it has no times.
func (j *jobConfig) due(now time.Time) (last time.Time) {
	at := j.schedule()
	if at == nil {
		return last
	}
	for next := at.Next(now.AddDate(0, 0, -3)); !next.IsZero() && !next.After(now); next = at.Next(next) {
		last = next
	}
	return last
}

// The hour and minute of the deep re-read: when nobody punches, away from the full hour.
const rereadHour, rereadMinute = 3, 10

// rereadShare is the part of the calls left this month that a deep re-read may take.
const rereadShare = 0.5

// reread is the monthly run over what may have changed late; a nil schedule where the
// job has none.
func (w *work) reread() (task, scheduler.Schedule) {
	if w.job.lookBack == 0 || w.job.rereadDays == 0 || w.job.rereadDay == 0 {
		return task{}, nil
	}
	return task{units: w.units(), window: attendance.Reread(w.job.rereadDays, w.job.zone), kind: attendance.KindReread, share: rereadShare, parallel: 1},
		scheduler.Monthly(w.job.rereadDay, rereadHour, rereadMinute, w.job.zone)
}

// perform is one run of a job. Each has its own view of the OA's columns.
func (s *server) perform(ctx context.Context, of *work, t task) error {
	w := *of
	began := s.now()
	report, err := s.transfer(ctx, &w, t)
	code := runExit(report, err)
	log := s.logger.With("job", w.job.name, "kind", string(t.kind), "run", report.Run)
	log.Info("run ended", "result", exitWord(code), "read", report.Read, "written", report.Written, "present", report.Present+report.PresentFromOther,
		"left_out", len(report.LeftOut), "failed", len(report.Failed)+len(report.Unwritten), "calls", report.Calls+report.CheckCalls, "took", s.now().Sub(began).Round(time.Millisecond))
	for _, warning := range report.Warnings {
		log.Warn(warning.Code, "message", oneLine(warning.Message))
	}
	if err == nil && code != exitDone {
		err = errPartly
	}
	s.metrics.count(w.job, report)
	switch {
	case t.kind == attendance.KindRun:
		s.ended(ctx, w.job, report, err)
	case err != nil && ctx.Err() == nil: // it comes once a month
		s.tell(ctx, w.job, report, err, streak{})
	}
	return err
}

var errPartly = errors.New("the run ended with warnings that need somebody: see the log")

func exitWord(code int) string {
	switch code {
	case exitDone:
		return string(attendance.ResultOK)
	case exitRefused:
		return string(attendance.ResultRefused)
	default:
		return string(attendance.ResultPartial)
	}
}

// begin takes up what is remembered of a job: how its last runs ended and how far it is.
func (s *server) begin(ctx context.Context, j *jobConfig) {
	s.metrics.schedule(j, s.now)
	var last, success time.Time
	up := true
	s.dailyRuns(ctx, j, func(r attendance.RunRecord) bool {
		if last.IsZero() {
			last, up = r.Report.Ended, r.Result == attendance.ResultOK
		}
		if r.Result == attendance.ResultOK {
			success = r.Report.Ended
		}
		return success.IsZero()
	})
	if !last.IsZero() {
		s.metrics.remembered(j, last, success, up)
	}
	s.progressed(ctx, j)
}

// dailyRuns tells of the runs of the job that ended by themselves, the latest first,
// until it is enough: backfills and re-reads are not among them.
func (s *server) dailyRuns(ctx context.Context, j *jobConfig, more func(attendance.RunRecord) bool) {
	for r, err := range s.runsOf(ctx, j) {
		switch {
		case err != nil:
			s.logger.Warn("the state cannot be read", "job", j.name, "error", err)
			return
		case r.Result == "" || r.Result == attendance.ResultStopped:
			continue
		case !more(r):
			return
		}
	}
}

// runsOf are the job's last runs of its own, the latest first.
func (s *server) runsOf(ctx context.Context, j *jobConfig) iter.Seq2[attendance.RunRecord, error] {
	if s.store == nil {
		return s.recent.of(j.name)
	}
	return s.store.Runs(ctx, attendance.RunFilter{Job: j.name, Target: j.oa.target(), Kind: attendance.KindRun, Limit: 100})
}

// budgets publishes what is left of each provider's calls this month, where they are bounded.
func (s *server) budgets(ctx context.Context, works []*work) {
	known := make(map[*providerConfig]bool)
	for _, w := range works {
		of := w.job.provider
		meter, ok := attendance.As[attendance.Meter](w.platform.families(w.job)[0].Provider)
		if !ok || of.monthlyQuota == 0 || known[of] {
			continue
		}
		known[of] = true
		s.metrics.budget(of.name, func() (float64, bool) {
			ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			left, limited, err := meter.Left(ctx)
			return float64(left), limited && err == nil
		})
	}
}

// progressed publishes how far the job is.
func (s *server) progressed(ctx context.Context, j *jobConfig) {
	if s.store == nil {
		return
	}
	progress, err := s.progressOf(ctx, s.store, j)
	if err != nil {
		s.logger.Warn("the state cannot be read", "job", j.name, "error", err)
		return
	}
	s.metrics.progress(j, progress)
}

// ended publishes how a run of a job ended, and tells when the job fails or recovers:
// by the run before it, whichever process made it. Rows that the OA's tables do not
// take are told of by the first run that meets them; a job of which nothing else is
// wrong does not fail.
func (s *server) ended(ctx context.Context, j *jobConfig, report attendance.Report, err error) {
	if ctx.Err() != nil && attendance.CodeOf(err) == "" {
		return // the host stops
	}
	s.metrics.ended(j, s.now(), err)
	s.progressed(ctx, j)
	if errors.Is(err, errPartly) {
		err = nil // the log tells what somebody is to do
	}
	defer s.keep(j, report, err)
	was := streak{failing: j.failing}
	s.dailyRuns(ctx, j, func(r attendance.RunRecord) bool {
		return r.ID == report.Run || was.back(r)
	})
	if onlyRows(report, attendance.CodeOf(err)) {
		if s.unheardOf(j, report.Unwritten) {
			j.failing = false
			s.tell(ctx, j, report, err, was)
			return
		}
		err = nil
	}
	if j.failing = err != nil; was.failing != j.failing || j.untold {
		j.untold = !s.tell(ctx, j, report, err, was)
	}
}

// keep keeps how a run ended, where there is no store that does.
func (s *server) keep(j *jobConfig, report attendance.Report, err error) {
	if s.store == nil {
		s.recent.add(attendance.RunRecord{ID: report.Run, Kind: attendance.KindRun, Result: attendance.ResultOf(report, err), Code: attendance.CodeOf(err),
			Message: messageOf(err), Report: report})
	}
}

func messageOf(err error) string {
	if err == nil {
		return ""
	}
	return sentence(err)
}

// A streak is how a job went before a run.
type streak struct {
	failing       bool      // its last run did not do everything
	since, lastOK time.Time // when the first such run ended, and the last one that did everything
	known         bool
}

// wasFailing reports whether a run of the sync log was one of which [server.ended] has taken
// the job for failing. One without a code ended like errPartly.
func wasFailing(r attendance.RunRecord) bool {
	return r.Result != attendance.ResultOK && r.Code != "" && !onlyRows(r.Report, r.Code)
}

// back takes the run before those that it has taken, the latest first, and reports whether
// the one before that is wanted too.
func (s *streak) back(r attendance.RunRecord) (more bool) {
	more = wasFailing(r)
	if !s.known {
		s.failing, s.known = more, true
	}
	if more {
		s.since = r.Report.Ended
	} else {
		s.lastOK = r.Report.Ended
	}
	return more
}

// onlyRows reports whether nothing is wrong with a run but rows that the OA's tables
// do not take.
func onlyRows(report attendance.Report, code attendance.Code) bool {
	return len(report.Unwritten) > 0 && len(report.Failed) == 0 && (code == attendance.CodeRowRefused || code == attendance.CodeRowChanged)
}

// unheardOf reports whether one of the rows is new, by what is remembered; without a
// state, by what this process has seen.
func (s *server) unheardOf(j *jobConfig, rows []attendance.UnwrittenRow) bool {
	fresh := false
	for _, u := range rows {
		key := u.Table + " " + u.Person + " " + u.Time.UTC().Format(time.RFC3339)
		if !u.Known && (s.store != nil || !j.untaken[key]) {
			fresh = true
		}
		if s.store == nil {
			if j.untaken == nil {
				j.untaken = make(map[string]bool)
			}
			j.untaken[key] = true
		}
	}
	return fresh
}

// tell tells of a run, and reports whether whoever is to be told has been.
func (s *server) tell(ctx context.Context, j *jobConfig, report attendance.Report, err error, was streak) bool {
	if s.config.notify.url == "" {
		return true
	}
	tellErr := s.herald.tell(ctx, s.outcome(j, report, err, was))
	if tellErr != nil {
		s.logger.Error("nobody could be told", "job", j.name, "error", tellErr)
	}
	return tellErr == nil
}

// listen serves /healthz and /metrics, if the file says where, while run runs.
func (s *server) listen(ctx context.Context, run func() error) error {
	if s.config.listen == "" {
		return run()
	}
	endpoint, err := s.metrics.open(ctx, s.config.listen, s.healthy)
	if err != nil {
		return &attendance.Error{Code: attendance.CodeUnknown, Op: "http", Detail: err.Error(), Err: err,
			Mend: attendance.Text{EN: "choose another address for http, or leave it out", ZH: "请更换 http 监听地址，或删去该项"}}
	}
	defer endpoint.close()
	s.logger.Info("listening", "address", s.config.listen)
	return run()
}

// healthy reports whether the program can do its work: the state answers.
func (s *server) healthy(ctx context.Context) error {
	if s.store == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := s.store.LastTick(ctx, "healthz")
	if err != nil {
		return fmt.Errorf("the state cannot be read: %w", err)
	}
	return nil
}
