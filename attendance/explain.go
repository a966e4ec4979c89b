package attendance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Question asks why a person's punches of a day are, or are not, what the OA shows.
type Question struct {
	Person string // the OA's id; see [PersonFinder]
	// Day is a calendar day in Zone, that of the job.
	Day  Date
	Zone *time.Location
	// Next is when the job runs next by itself; zero when it is not known to. Due is the
	// last such time before now, zero where it is not known: where the sync log has no run
	// since, nothing is promised of the next one. Window is what a run of the job reads;
	// nil: unknown, and then no run is said to bring anything.
	Next, Due time.Time
	Window    Window
	// Again is how somebody has the day read again, for the sentence, such as a
	// command. Default: to have the day read again.
	Again Text
	// Owed reports whether the person's day is still to be told to the OA, of days that a run
	// could not tell it (not_recalculated), where that is known. Nil: what such a run said
	// stands.
	Owed func(ctx context.Context, d PersonDay) (owed, known bool)
}

// nightEnds is up to when on the next day a sign-out belongs to a shift that began on
// the day; lateEnds, where no sign-in of the day is known.
const (
	nightEnds = 12 * time.Hour
	lateEnds  = 6 * time.Hour
)

var errNoZone = errors.New("attendance: a question needs the time zone of its day")

// Explain is [ExplainTogether] for one family of records.
func (y *Syncer) Explain(ctx context.Context, scope Scope, q Question) (Explanation, error) {
	return ExplainTogether(ctx, scope, q, y)
}

// ExplainTogether walks from a person to what the OA shows of a day: the scope, the
// roster and the binding; whether the day was read, when and by which run; what the
// platform holds now; what of it is a punch; where the rows are; whether the day was
// computed anew; what the report shows. It writes nothing and remembers nothing.
//
// The syncers are the families of records of one job; their sinks and memories are the
// first one's. Each provider is asked once, for one account and at most 36 hours. What a sink or scope
// cannot tell, having no such role ([Examiner], [Previewer], [RowReader], [Shower]),
// and what is not remembered ([Options].Memory), is left open.
//
// The Explanation is there beside an error too, as far as the walk came. The error, as
// of [RunTogether], says that the platform, its directory or a database could not be asked, and
// the sentence then says whose fault that is. That the platform rejects the person's
// account is an answer, and no error.
func ExplainTogether(ctx context.Context, scope Scope, q Question, syncers ...*Syncer) (Explanation, error) {
	e := Explanation{Person: q.Person, Day: q.Day}
	switch {
	case len(syncers) == 0:
		return e, errNoSyncer
	case q.Zone == nil:
		return e, errNoZone
	}
	if q.Again == (Text{}) {
		q.Again = Text{EN: "have the day read again", ZH: "重新同步这一天"}
	}
	day := Span{q.Day.In(q.Zone), q.Day.Add(1).In(q.Zone)}
	if err := day.Validate(); err != nil {
		return e, err
	}
	a := &asking{Question: q, syncers: syncers, first: syncers[0], day: day, now: syncers[0].opts.Now(), answer: &e}
	err := a.walk(ctx, scope)
	if ended(ctx, err) {
		return e, err
	}
	a.judge(err)
	return e, err
}

// Unexplained is the explanation where nothing could be asked at all, because of err.
func Unexplained(q Question, err error) Explanation {
	e := Explanation{Person: q.Person, Day: q.Day}
	(&asking{Question: q, answer: &e}).judge(err)
	return e
}

// An asking is one walk.
type asking struct {
	Question
	syncers []*Syncer
	first   *Syncer
	day     Span
	now     time.Time
	answer  *Explanation

	standing Standing
	past     past
	ahead    map[string]foresight // by family; nil: not known
	faults   []error              // one for each family that could not be asked
	rejected bool                 // the platform rejects the account
	lost     error                // the platform keeps the day no longer
	rows     []ShownRow
	showing  bool // the sink tells what is shown
	since    bool // whatever the runs could not tell the OA, it was told since
	untold   Text // why days of this person are known not to be computed
}

func (a *asking) step(name string, ok bool, en, zh string) {
	a.answer.Steps = append(a.answer.Steps, Step{name, ok, Text{EN: en, ZH: zh}})
}

// trouble is a step that failed.
func (a *asking) trouble(name string, err error) {
	what, mend := err.Error(), Text{}
	if e, ok := asError(err); ok {
		what, mend = string(e.Code)+": "+e.Sentence(), unpromised(e.Remedy())
	}
	t := Text{EN: what, ZH: what}
	if mend != (Text{}) {
		t = Text{EN: what + "; " + mend.EN, ZH: what + "；" + mend.ZH}
	}
	a.step(name, false, t.EN, t.ZH)
}

// walk takes the steps. It returns what kept one of them from being taken.
func (a *asking) walk(ctx context.Context, scope Scope) error {
	e := a.answer
	var err error
	a.standing, err = examine(ctx, scope, a.Person)
	m := a.standing.Member
	e.Name, e.Warnings = m.Name, a.standing.Warnings
	e.Steps = append(e.Steps, a.standing.Steps...)
	if err != nil {
		a.trouble(failedStep(a.standing), err)
		if ended(ctx, err) || isStore(err) {
			return err
		}
		a.faults = append(a.faults, coded(err, CodeUnavailable, "directory"))
		a.standing.Member.LeftOut = "" // nobody knows
	}
	if err := a.recall(ctx); err != nil {
		return err
	}
	switch {
	case err != nil:
		a.step(StepPlatform, false, "not asked, because the account is not known", "账号未知，未查询平台")
	case m.LeftOut != "":
		a.step(StepPlatform, false, "not asked: the person is left out", "此人未参与同步，未查询平台")
	default:
		if err := a.ask(ctx); err != nil {
			return err
		}
	}
	if err := a.look(ctx); err != nil {
		return err
	}
	return a.fault()
}

// failedStep is the step at which a standing came to its end.
func failedStep(s Standing) string {
	for _, name := range [...]string{StepScope, StepRoster} {
		if slices.ContainsFunc(s.Steps, func(one Step) bool { return one.Name == name }) {
			return StepBinding
		}
	}
	return StepRoster
}

// isStore reports whether it is a database that is in trouble.
func isStore(err error) bool {
	switch CodeOf(err) {
	case CodeStore, CodeStoreDown, CodeTable:
		return true
	default:
		return false
	}
}

// fault is the error of the families that could not be asked.
func (a *asking) fault() error {
	if len(a.faults) == 0 {
		return nil
	}
	if len(a.faults) == len(a.syncers) || a.standing.Member.Account == "" {
		return a.faults[0]
	}
	return &Incomplete{len(a.faults), a.faults[0]}
}

// ask asks the platform for the day, and for the night after it.
func (a *asking) ask(ctx context.Context) error {
	if a.day.From.After(a.now) {
		a.step(StepPlatform, false, "not asked: the day has not come yet", "日期尚未到来，未查询平台")
		return nil
	}
	for _, y := range a.syncers {
		span := Span{a.day.From, a.day.To.Add(nightEnds)}
		if limit := y.provider.Limits().Span; limit > 0 && span.Length() > limit {
			span = a.day
		}
		answer, err := y.provider.Fetch(ctx, Query{[]string{a.standing.Member.Account}, span})
		a.answer.Calls += answer.Calls
		name := y.provider.Name()
		switch {
		case err != nil && ended(ctx, err):
			return err
		case CodeOf(err) == CodeAccount, err == nil && slices.Contains(answer.Refused, a.standing.Member.Account):
			a.rejected = true
			detail := ""
			if err != nil {
				detail = ": " + detailOf(err)
			}
			a.step(StepPlatform, false, name+" rejects the account "+a.standing.Member.Account+detail, name+" 拒绝账号 "+a.standing.Member.Account+detail)
			continue
		case CodeOf(err) == CodeHorizon:
			a.lost = err
			a.trouble(StepPlatform, err)
			continue
		case err != nil:
			err = coded(err, CodeUnavailable, name)
			a.faults = append(a.faults, err)
			a.trouble(StepPlatform, err)
			continue
		}
		if y.opts.InferDirections {
			InferDirections(answer.Punches, a.Zone)
		}
		n := a.take(y, answer, span)
		a.answer.Warnings = append(a.answer.Warnings, answer.Warnings...)
		a.step(StepPlatform, n > 0, fmt.Sprintf("%s holds of the account %s on %v now: records %d (calls %d)", name, a.standing.Member.Account, a.Day, n, answer.Calls),
			fmt.Sprintf("%s 现有账号 %s 在 %v 的记录 %d 条（调用 %d 次）", name, a.standing.Member.Account, a.Day, n, answer.Calls))
	}
	a.night()
	return nil
}

// take takes the records of an answer, and returns how many are of the calendar day.
func (a *asking) take(y *Syncer, answer Answer, span Span) (n int) {
	add := func(r Record) {
		r.Source = y.provider.Name()
		if r.Night = !r.Time.IsZero() && !r.Time.Before(a.day.To); !r.Night {
			n++
		}
		a.answer.Records = append(a.answer.Records, r)
	}
	for _, p := range answer.Punches {
		r := Record{ID: p.ID, Time: p.Time.In(a.Zone), Kind: p.Kind, Direction: p.Direction, Taken: true, inferred: p.Inferred}
		switch {
		case p.Account != a.standing.Member.Account || !span.Contains(p.Time):
			continue
		case p.Time.After(a.now):
			r.Taken, r.Reason, r.Fate = false, Future, FateSkipped
		}
		add(r)
	}
	for _, s := range answer.Skipped {
		r := Record{ID: s.ID, Time: s.Time, Reason: s.Reason, Detail: s.Detail, Fate: FateSkipped}
		if !s.Time.IsZero() {
			r.Time = s.Time.In(a.Zone)
		}
		add(r)
	}
	return n
}

// night keeps of what lies after midnight the sign-outs of a shift that began on the
// day: those before the next day's first sign-in, where the day has none after its
// last sign-in.
func (a *asking) night() {
	e := a.answer
	slices.SortStableFunc(e.Records, func(x, y Record) int { return x.Time.Compare(y.Time) })
	until, open := a.day.To.Add(lateEnds), true
	for _, r := range e.Records {
		switch {
		case !r.Taken || r.Direction == Undirected:
		case !r.Night:
			if open = r.Direction == In; open {
				until = a.day.To.Add(nightEnds)
			}
		case r.Direction == In && r.Time.Before(until):
			until = r.Time
		}
	}
	e.Records = slices.DeleteFunc(e.Records, func(r Record) bool {
		return r.Night && (!open || !r.Taken || r.Direction != Out || !r.Time.Before(until))
	})
}
