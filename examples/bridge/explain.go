package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/punchbridge/punchbridge/attendance"
)

// explained is whose day the command explain is about.
type explained struct {
	employee string
	day      attendance.Date
}

// The document of explain.
type (
	explainDocument struct {
		Employee   string           `json:"employee_id"`
		Name       string           `json:"name"`
		Day        string           `json:"day"`
		Code       attendance.Cause `json:"code"`
		SentenceZH string           `json:"sentence_zh"`
		SentenceEN string           `json:"sentence_en"`
		Steps      []stepLine       `json:"steps"`
		Records    []recordLine     `json:"records"`
		Shown      *shownLine       `json:"shown,omitempty"`
		Calls      int              `json:"calls"`
		Error      *trouble         `json:"error,omitempty"`
	}
	stepLine struct {
		Step   string `json:"step"`
		OK     bool   `json:"ok"`
		Detail string `json:"detail"`
	}
	recordLine struct {
		Time   string            `json:"time"`
		Taken  bool              `json:"taken"`
		Reason attendance.Reason `json:"reason"`
		Table  string            `json:"table"`
		Type   string            `json:"type"`
		Fate   attendance.Fate   `json:"fate"`
		Detail string            `json:"detail,omitempty"` // the platform's own words
	}
	shownLine struct {
		In  string `json:"in"`
		Out string `json:"out"`
	}
	// candidatesDocument stands in its place where not one person is meant.
	candidatesDocument struct {
		Candidates []attendance.Candidate `json:"candidates"`
		SentenceZH string                 `json:"sentence_zh"`
		SentenceEN string                 `json:"sentence_en"`
	}
)

func (c *command) parseExplain(args []string) error {
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	flags.StringVar(&c.employee, "employee", "", "")
	flags.Func("day", "", func(s string) (err error) {
		if c.day, err = attendance.ParseDate(s); err != nil {
			return errors.New("write a day, as 2026-03-02")
		}
		return nil
	})
	if err := c.positional(flags, args); err != nil {
		return err
	}
	if c.employee == "" || c.day == (attendance.Date{}) {
		return usagef("explain needs -employee (id, loginid, workcode or name) and -day, as -employee 17 -day 2026-03-02")
	}
	return nil
}

// explain tells why a person's punches of a day are, or are not, in the OA.
func (p *program) explain(ctx context.Context) int {
	job, err := p.config.job(p.command.job)
	if err != nil {
		return p.misused(err)
	}
	w, err := p.prepare(job)
	if err != nil {
		return p.misused(err)
	}
	e, found, err := p.explanation(ctx, w)
	if closeErr := p.close(); err == nil {
		err = closeErr
	}
	if err == nil && len(found) != 1 {
		p.printCandidates(found)
		return exitUsage
	}
	p.printExplanation(e, err)
	return exitCode(err)
}

// explanation looks who is meant, and explains if that is one person.
func (p *program) explanation(ctx context.Context, w *work) (attendance.Explanation, []attendance.Candidate, error) {
	job := w.job
	q := attendance.Question{Person: p.command.employee, Day: p.command.day, Zone: job.zone, Window: w.task().window, Again: attendance.Text{
		EN: fmt.Sprintf("run \"bridge backfill %s -from %v -to %v\"", job.name, p.command.day, p.command.day),
		ZH: fmt.Sprintf("执行 bridge backfill %s -from %v -to %v", job.name, p.command.day, p.command.day)}}
	q.Owed = func(ctx context.Context, d attendance.PersonDay) (owed, known bool) { return p.owes(ctx, job.oa, d) }
	if at := job.schedule(); job.enabled && at != nil {
		q.Next, q.Due = at.Next(p.now()), job.due(p.now())
	}
	if _, err := p.store(ctx); err != nil { // a sync log that is not there yet is an empty one
		return attendance.Unexplained(q, err), nil, err
	}
	families, err := p.families(ctx, w, task{units: w.units(), window: q.Window, kind: attendance.KindRun, preview: true})
	if err != nil {
		return attendance.Unexplained(q, err), nil, err
	}
	found, err := w.oa.FindPersons(ctx, p.command.employee)
	switch {
	case err != nil:
		return attendance.Unexplained(q, err), nil, err
	case len(found) != 1:
		return attendance.Explanation{}, found, nil
	}
	q.Person = found[0].Person
	e, err := attendance.ExplainTogether(ctx, w.people(w.units()), q, families...)
	return e, found, err
}

func (p *program) printCandidates(found []attendance.Candidate) {
	who := p.command.employee
	words := attendance.Text{
		EN: fmt.Sprintf("%q may be any of these %d people; name one by -employee id:ID", who, len(found)),
		ZH: fmt.Sprintf("“%s”可能是以下 %d 人，请用 -employee id:编号 指定", who, len(found))}
	if len(found) == 0 {
		words = attendance.Text{
			EN: fmt.Sprintf("nobody in HrmResource is %q: check the spelling, or search by -employee id:ID, loginid:..., workcode:... or name:...", who),
			ZH: fmt.Sprintf("HrmResource 中没有“%s”：请核对写法，或用 -employee id:编号、loginid:…、workcode:…、name:… 查找", who)}
	}
	if p.command.json {
		p.print(candidatesDocument{append([]attendance.Candidate{}, found...), words.ZH, words.EN})
		return
	}
	p.line("%v", words)
	for _, c := range found {
		p.line("  %s  %s  loginid %s  workcode %s  %s  %s", c.Person, c.Name, cmp.Or(c.Login, "-"), cmp.Or(c.Number, "-"), c.Unit, c.Status)
	}
}

func (p *program) printExplanation(e attendance.Explanation, err error) {
	zone := p.config.zoneOf(p.command.job)
	if !p.command.json {
		fmt.Fprint(p.out, e)
		if t := explainTrouble(err); t != nil {
			p.printEnd(e.Warnings, t)
		}
		return
	}
	d := explainDocument{Employee: e.Person, Name: e.Name, Day: e.Day.String(), Code: e.Cause, SentenceZH: e.Sentence.ZH, SentenceEN: e.Sentence.EN,
		Steps: []stepLine{}, Records: []recordLine{}, Calls: e.Calls, Error: explainTrouble(err)}
	for _, s := range e.Steps {
		d.Steps = append(d.Steps, stepLine{s.Name, s.OK, s.Detail.String()})
	}
	for _, r := range e.Records {
		d.Records = append(d.Records, recordLine{clockIn(r.Time, zone), r.Taken, r.Reason, r.Table, signType(r.Direction), r.Fate, r.Detail})
	}
	if s := e.Shown; s.Rule != (attendance.Text{}) {
		d.Shown = &shownLine{clockIn(s.In, zone), clockIn(s.Out, zone)}
	}
	p.print(d)
}

// explainTrouble is troubleOf without a word of the next run: nothing was run here that
// it could make up for.
func explainTrouble(err error) *trouble {
	t := troubleOf(err)
	if t != nil {
		t.Mend = attendance.AdviceOf(err).What.String()
	}
	return t
}
