package main

import (
	"context"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// The documents of jobs.
type (
	jobsDocument struct {
		Jobs  []jobLine `json:"jobs"`
		Error *trouble  `json:"error,omitempty"`
	}
	jobLine struct {
		Name    string `json:"name"`
		Enabled bool   `json:"enabled"`
		Next    string `json:"next"`
		Last    last   `json:"last"`
		// ReadUpTo and FinalUpTo are empty before the first run, and where nothing is remembered.
		ReadUpTo  string `json:"read_up_to"`
		FinalUpTo string `json:"final_up_to"`
		People    int    `json:"people"`  // of whom coverage is remembered
		Behind    int    `json:"behind"`  // of them, who lack something
		Refused   int    `json:"refused"` // whom the platform refuses
	}
	last struct {
		Run    string `json:"run"`
		Result string `json:"result"`
		Ended  string `json:"ended"`
	}
)

// jobs lists the jobs: when they run next, how the last run ended, how far they are.
func (p *program) jobs(ctx context.Context) int {
	d := jobsDocument{Jobs: []jobLine{}}
	store, err := p.store(ctx)
	for _, j := range p.config.jobs {
		line := jobLine{Name: j.name, Enabled: j.enabled}
		if at := j.schedule(); j.enabled && at != nil {
			line.Next = clockIn(at.Next(p.now()), j.zone)
		}
		if store != nil && err == nil {
			err = p.soFar(ctx, store, j, &line)
		}
		d.Jobs = append(d.Jobs, line)
	}
	if closeErr := p.close(); err == nil {
		err = closeErr
	}
	d.Error = troubleOf(err)
	p.printJobs(d)
	return exitCode(err)
}

// soFar fills in what is remembered of the job.
func (p *program) soFar(ctx context.Context, store attendance.Store, j *jobConfig, line *jobLine) error {
	for r, err := range store.Runs(ctx, attendance.RunFilter{Job: j.name, Target: j.oa.target(), Limit: 1}) {
		if err != nil {
			return err
		}
		line.Last = last{Run: r.ID, Result: string(r.Result), Ended: clockIn(r.Report.Ended, j.zone)}
		if r.Result == "" {
			if line.Last.Result, err = p.aliveOrNot(ctx, store, p.lineOf(r)); err != nil {
				return err
			}
		}
	}
	progress, err := p.progressOf(ctx, store, j)
	if err != nil {
		return err
	}
	line.ReadUpTo = clockIn(progress.ReadUpTo, j.zone)
	line.FinalUpTo = clockIn(j.final(progress), j.zone)
	line.People, line.Behind, line.Refused = progress.People, progress.Behind, progress.Refused
	return nil
}

// progressOf is how far all families of the job have come: as far as the last of them.
func (p *program) progressOf(ctx context.Context, store attendance.CoverageStore, j *jobConfig) (attendance.Progress, error) {
	var all attendance.Progress
	for _, s := range p.streams(j) {
		one, err := attendance.ReadProgress(ctx, store, s)
		if err != nil {
			return all, err
		}
		if all.ReadUpTo.IsZero() || !one.ReadUpTo.IsZero() && one.ReadUpTo.Before(all.ReadUpTo) {
			all.ReadUpTo = one.ReadUpTo
		}
		all.People, all.Behind, all.Refused = max(all.People, one.People), max(all.Behind, one.Behind), max(all.Refused, one.Refused)
	}
	return all, nil
}

// streams are what is remembered of the job, family by family.
func (p *program) streams(j *jobConfig) []attendance.Stream {
	platform, err := p.platform(j.provider)
	if err != nil {
		return nil // said when the job is prepared
	}
	var all []attendance.Stream
	for _, f := range platform.families(j) {
		all = append(all, attendance.Stream{Job: j.name, Target: j.oa.target(), Source: f.Name(), Corp: j.provider.corp()})
	}
	return all
}

// final is up to when the daily runs change nothing any more: what lies behind the
// look-back of the next one.
func (j *jobConfig) final(p attendance.Progress) time.Time {
	if p.ReadUpTo.IsZero() {
		return time.Time{}
	}
	return attendance.DateOf(p.ReadUpTo.In(j.zone)).Add(-j.lookBack).In(j.zone)
}

func (p *program) printJobs(d jobsDocument) {
	if p.command.json {
		p.print(d)
		return
	}
	for _, j := range d.Jobs {
		state := "启用 enabled"
		if !j.Enabled {
			state = "未启用 disabled"
		}
		p.line("%s  %s  下次 next %s", j.Name, state, orNone(j.Next))
		if j.Last.Run != "" {
			p.line("  上次 last      %s  %s  %s", j.Last.Ended, resultZH(j.Last.Result), j.Last.Run)
		}
		if j.ReadUpTo != "" {
			p.line("  已读至 read    %s，落后 behind %d / %d 人 people，平台拒绝 refused %d", j.ReadUpTo, j.Behind, j.People, j.Refused)
			p.line("  已定稿至 final %s", j.FinalUpTo)
		}
	}
	if d.Error != nil {
		p.printEnd(nil, d.Error)
	}
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
