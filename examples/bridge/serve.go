package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	s := &server{program: p, store: store, metrics: newMetrics()}
	if s.scheduler, err = scheduler.New(s.options(), s.jobs(works)...); err != nil {
		return p.misused(&configError{file: p.config.file, key: "jobs", what: err.Error()})
	}
	for _, f := range scheduler.Check(p.now(), s.jobs(works)...) {
		p.logger.Warn(f.Code, "message", f.Message.String(), "mend", f.Mend.String())
	}
	for _, w := range works {
		s.begin(ctx, w.job)
	}
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
		"left_out", len(report.LeftOut), "failed", len(report.Failed), "calls", report.Calls+report.CheckCalls, "took", s.now().Sub(began).Round(time.Millisecond))
	for _, warning := range report.Warnings {
		log.Warn(warning.Code, "message", oneLine(warning.Message))
	}
	if err == nil && code != exitDone {
		err = errPartly
	}
	s.metrics.count(w.job, report)
	if t.kind == attendance.KindRun {
		s.ended(ctx, w.job, report, err)
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

// begin takes up what is remembered of a job: how its last run ended and how far it is.
func (s *server) begin(ctx context.Context, j *jobConfig) {
	s.metrics.schedule(j, s.now)
	if s.store == nil {
		return
	}
	var line jobLine
	if err := s.soFar(ctx, s.store, j, &line); err != nil {
		s.logger.Warn("the state cannot be read", "job", j.name, "error", err)
		return
	}
	if line.Last.Result != "" && line.Last.Result != "running" {
		j.failing = line.Last.Result != string(attendance.ResultOK)
	}
	s.progressed(ctx, j)
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

// ended publishes how a run of a job ended, and tells when the job fails or recovers.
func (s *server) ended(ctx context.Context, j *jobConfig, report attendance.Report, err error) {
	if ctx.Err() != nil && attendance.CodeOf(err) == "" {
		return // the host stops
	}
	s.metrics.ended(j, s.now(), err)
	s.progressed(ctx, j)
	was := j.failing
	if j.failing = err != nil; was == j.failing || s.config.notify == "" {
		return
	}
	if tellErr := s.notify(ctx, j, report, err); tellErr != nil {
		s.logger.Error("nobody could be told", "job", j.name, "error", tellErr)
	}
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
