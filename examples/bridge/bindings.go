package main

import (
	"context"
	"strconv"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

// The documents of bindings.
type (
	bindingsDocument struct {
		People   []boundPerson        `json:"people"`
		Warnings []attendance.Warning `json:"warnings"`
		Error    *trouble             `json:"error,omitempty"`
	}
	boundPerson struct {
		Employee   string `json:"employee_id"`
		Name       string `json:"name"`
		Department string `json:"department"`
		Account    string `json:"account"`
		State      string `json:"state"`
		Unread     bool   `json:"unread,omitempty"` // the account is the OA's own value, which nobody has looked up
	}
	proposalsDocument struct {
		Proposals []proposal           `json:"proposals"`
		From      string               `json:"from"`
		To        string               `json:"to"`
		Calls     int                  `json:"calls"`
		Failed    []failure            `json:"failed"`
		Warnings  []attendance.Warning `json:"warnings"`
		Error     *trouble             `json:"error,omitempty"`
	}
	// proposal: account is "" where nothing is proposed; doubt says why.
	proposal struct {
		Employee    string       `json:"employee_id"`
		Account     string       `json:"account"`
		Name        string       `json:"name"`
		Department  string       `json:"department"`
		Candidate   string       `json:"candidate"`
		AccountName string       `json:"account_name"`
		Confidence  float64      `json:"confidence"`
		RunnerUp    float64      `json:"runner_up"`
		Matched     int          `json:"matched"`
		Compared    int          `json:"compared"`
		Doubt       oasink.Doubt `json:"doubt,omitempty"`
	}
)

// bindings lists who is bound to which account, or proposes who might be.
func (p *program) bindings(ctx context.Context) int {
	job, err := p.config.job(p.command.job)
	if err != nil {
		return p.misused(err)
	}
	w, err := p.prepare(job)
	if err != nil {
		return p.misused(err)
	}
	if p.command.propose {
		return p.proposals(ctx, w)
	}
	d := bindingsDocument{People: []boundPerson{}, Warnings: []attendance.Warning{}}
	out := p.table(!p.command.json, "employee_id", "name", "department", "account", "state")
	if err = p.open(ctx, w); err == nil {
		err = w.everybody(ctx, &d, func(b boundPerson) {
			if p.command.json {
				d.People = append(d.People, b)
			}
			out.row(b.Employee, shown(b.Name), shown(b.Department), b.Account, b.State)
		})
	}
	err = p.closed(out, err)
	if d.Error = troubleOf(err); p.command.json {
		p.print(d)
	} else {
		p.beside(nil, d.Warnings, d.Error)
	}
	return exitCode(err)
}

func (w *work) everybody(ctx context.Context, d *bindingsDocument, each func(boundPerson)) error {
	unread := false
	for m, err := range w.people(w.units()).Members(ctx) {
		if warning, ok := attendance.AsWarning(err); ok {
			d.Warnings = append(d.Warnings, warning)
			unread = unread || warning.Code == "directory_unread" || warning.Code == "directory_unreadable"
			continue
		}
		if err != nil {
			return err
		}
		state := string(m.LeftOut)
		if state == "" {
			state = "bound"
		}
		each(boundPerson{m.Person, m.Name, m.Unit, m.Account, state, unread && m.LeftOut == ""})
	}
	return nil
}

// proposals compares what another bridge wrote with the platform's punches.
func (p *program) proposals(ctx context.Context, w *work) int {
	window, err := p.named(w)
	if err != nil {
		return p.misused(err)
	}
	d := proposalsDocument{Proposals: []proposal{}}
	var found oasink.Proposals
	if err = p.open(ctx, w); err == nil {
		found, err = w.oa.ProposeBindings(ctx, oasink.ProposeOptions{
			Units: w.units(), Tag: p.command.oldTag(w.job.provider.kind), Window: window,
			Directory: w.platform.directory(w.job.binding), Provider: w.platform.families(w.job)[0].Provider,
			Syncer: &attendance.Options{Job: w.job.name, Now: p.now, Logger: p.logger, Observe: p.progress(), Announce: p.announce(task{kind: attendance.KindBackfill})},
		})
	}
	run := p.config.documentOf(found.Report, err)
	d.From, d.To, d.Calls, d.Failed, d.Warnings = run.From, run.To, run.Calls, run.Failed, run.Warnings
	out := p.table(!p.command.json, "employee_id", "account", "name", "department", "account_name", "confidence", "runner_up", "matched", "compared", "doubt", "candidate")
	for _, f := range found.List {
		l := proposal{f.Member.Person, f.Member.Account, f.Member.Name, f.Member.Unit, f.Candidate, f.AccountName, f.Confidence(), f.RunnerUpShare(), f.Matched, f.Compared, f.Doubt}
		d.Proposals = append(d.Proposals, l)
		out.row(l.Employee, l.Account, shown(l.Name), shown(l.Department), shown(l.AccountName), percent(l.Confidence), percent(l.RunnerUp), strconv.Itoa(l.Matched), strconv.Itoa(l.Compared), string(l.Doubt), l.Candidate)
	}
	err = p.closed(out, err)
	if d.Error = troubleOf(err); p.command.json {
		p.print(d)
	} else {
		p.beside(d.Failed, d.Warnings, d.Error)
	}
	return exitCode(err)
}

// oldTag is what the bridge that is left writes.
func (c command) oldTag(kind string) string {
	switch {
	case c.tag != "":
		return c.tag
	case kind == "wecom":
		return "from_wx"
	default:
		return "from_dd"
	}
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 0, 64) + "%" }
