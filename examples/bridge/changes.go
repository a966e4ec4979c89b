package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

// The document of changes.
type (
	changesDocument struct {
		Since    string               `json:"since"`
		Changes  []changedDay         `json:"changes"`
		Runs     []string             `json:"runs"`
		Warnings []attendance.Warning `json:"warnings"`
		Error    *trouble             `json:"error,omitempty"`
	}
	// changedDay: what is added, corrected and removed is known (counted) with a ledger only.
	changedDay struct {
		OA         string   `json:"oa"`
		Employee   string   `json:"employee_id"`
		Name       string   `json:"name"`
		Department string   `json:"department"`
		Day        string   `json:"day"`
		Counted    bool     `json:"counted"`
		Added      int      `json:"added"`
		Corrected  int      `json:"corrected"`
		Removed    int      `json:"removed"`
		Last       string   `json:"last"` // when the last run that changed it began
		Runs       []string `json:"runs"`
	}
)

// changes tells which person-days the bridge has changed in the OA since a moment.
func (p *program) changes(ctx context.Context) int {
	targets := p.config.oas
	if p.command.job != "" {
		job, err := p.config.job(p.command.job)
		if err != nil {
			return p.misused(err)
		}
		targets = []*oaConfig{job.oa}
	}
	if p.config.state.driver == "none" {
		return p.misused(p.config.forgetful())
	}
	d := changesDocument{Since: clockIn(p.command.since, p.config.zoneOf(p.command.job)), Changes: []changedDay{}, Runs: []string{}, Warnings: []attendance.Warning{}}
	store, err := p.store(ctx)
	for _, oa := range targets {
		if err == nil {
			err = p.changesIn(ctx, store, oa, &d)
		}
	}
	out := p.table(p.command.csv, "employee_id", "name", "department", "day", "added", "corrected", "removed", "last", "oa")
	for _, c := range d.Changes {
		out.row(c.Employee, shown(c.Name), shown(c.Department), c.Day, c.number(c.Added), c.number(c.Corrected), c.number(c.Removed), c.Last, c.OA)
	}
	err = p.closed(out, err)
	d.Error = troubleOf(err)
	p.printChanges(d)
	code := exitCode(err)
	if len(d.Warnings) > 0 {
		code = max(code, exitPartial) // days are not known
	}
	return code
}

func (p *program) changesIn(ctx context.Context, store attendance.Store, oa *oaConfig, d *changesDocument) error {
	zone := p.config.zoneOf(p.command.job)
	o := attendance.ChangedOptions{Since: p.command.since, Job: p.command.job, Target: oa.target(), First: p.command.from, Last: p.command.to, Zone: zone}
	if oa.ledger {
		db, err := p.database(oa)
		if err != nil {
			return err
		}
		if o.Sink, err = oasink.New(ctx, db, p.sinkOptions(oa)); err != nil {
			return err
		}
	}
	c, err := attendance.ChangedSince(ctx, store, o)
	d.Warnings = append(d.Warnings, c.Warnings...)
	for _, run := range c.Runs {
		if !slices.Contains(d.Runs, run) {
			d.Runs = append(d.Runs, run)
		}
	}
	for _, day := range c.Days {
		d.Changes = append(d.Changes, changedDay{oa.target(), day.Person, day.Name, day.Unit, day.Day.String(), day.Counted, day.Added, day.Corrected, day.Removed,
			clockIn(day.Last, zone), day.Runs})
	}
	return err
}

// number is "" where nothing is known.
func (c changedDay) number(n int) string {
	if !c.Counted {
		return ""
	}
	return strconv.Itoa(n)
}

func (p *program) printChanges(d changesDocument) {
	switch {
	case p.command.json:
		p.print(d)
		return
	case p.command.csv:
		p.beside(nil, d.Warnings, d.Error)
		return
	}
	p.line("%s 以来经本程序改动的人员日期 person-days changed since (%d):", d.Since, len(d.Changes))
	for _, c := range d.Changes {
		counts := ""
		if c.Counted {
			counts = "  新增 added " + c.number(c.Added) + ", 更正 corrected " + c.number(c.Corrected) + ", 删除 removed " + c.number(c.Removed)
		}
		p.line("  %s  %s %s %s%s  (%s)", c.Day, c.Employee, c.Name, c.Department, counts, strings.Join(c.Runs, ", "))
	}
	p.printEnd(d.Warnings, d.Error)
}
