package oasink

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/punchbridge/punchbridge/attendance"
)

// ProposeOptions say what bindings are proposed from.
type ProposeOptions struct {
	// Units are the people who are looked for.
	Units Units
	// Tag is that of the old rows: from_dd (DingTalk) or from_wx (WeCom), which
	// e-cology's own bridge writes.
	Tag string
	// Window are the days that are compared, best a week without a holiday: each
	// account costs calls, and of the days before the platform's horizon nothing is known.
	Window attendance.Window
	// Directory lists the platform's accounts, Provider has their punches.
	Directory attendance.Directory
	Provider  attendance.Provider
	// Syncer is for reading the punches: clock, budget, the cost beforehand (Announce).
	// Its memory is not used. May be nil.
	Syncer *attendance.Options
	// MinMatched is how many seconds must be found at least. 0 means 4.
	MinMatched int
	// MinShare is which part of a person's seconds must be found at least. 0 means 0.8.
	MinShare float64
}

const (
	defaultMinMatched = 4
	defaultMinShare   = 0.8
)

// A Proposal is what is found of one person.
type Proposal struct {
	// Member is the person; Member.Account is the account that is proposed, "" for none.
	Member attendance.Member
	// Candidate is the account that fits best, proposed or not, AccountName its name on
	// the platform.
	Candidate, AccountName string
	// Compared is the number of seconds at which the person has old rows, Matched how many
	// of them are punches of the candidate; RunnerUp is the number that the next best account
	// has. Confidence is Matched / Compared.
	Compared, Matched, RunnerUp int
	// Doubt is why nothing is proposed; "" where an account is.
	Doubt Doubt
}

// Confidence is which part of the seconds compared are punches of the candidate: 0 to 1.
func (p Proposal) Confidence() float64 { return p.share(p.Matched) }

// RunnerUpShare is which part are punches of the next best account.
func (p Proposal) RunnerUpShare() float64 { return p.share(p.RunnerUp) }

func (p Proposal) share(n int) float64 {
	if p.Compared == 0 {
		return 0
	}
	return float64(n) / float64(p.Compared)
}

// Doubt is why no account is proposed. The values stand in reports.
type Doubt string

// The doubts.
const (
	// NoOldRows: the OA has no row of that tag for the person in these days.
	NoOldRows Doubt = "no_old_rows"
	// NoMatch: no account punched at any of the seconds.
	NoMatch Doubt = "no_match"
	// TooFew: too few seconds were found, or so crowded ones that it may be coincidence.
	TooFew Doubt = "too_few"
	// TooDifferent: too many of the seconds are not the account's.
	TooDifferent Doubt = "too_different"
	// NotUnique: another account fits nearly as well.
	NotUnique Doubt = "not_unique"
	// Taken: the account fits another person as well.
	Taken Doubt = "taken"
)

// Proposals are those of all people who were looked for.
type Proposals struct {
	// List has everybody once, by id, also those for whom nothing is proposed. No
	// account is proposed for two people.
	List []Proposal
	// Report is about reading the platform's punches: calls, accounts that are refused, failures,
	// warnings, also those of the directory and the roster.
	Report attendance.Report
}

// ProposeBindings proposes who is which account of the platform, from rows that
// another bridge has written: a person whose old rows stand at the very seconds of
// one account's punches is that account's owner. It is for sites whose bindings are
// locked in the database of the bridge they leave; a human has to confirm them.
//
// The punches of all active accounts of the directory are read over the window: about as
// many calls as a run over all accounts takes (Syncer.Announce is told before the first),
// and about 100 bytes a punch of memory. Nothing is written.
//
// An account is proposed only where it alone fits: at least MinMatched seconds and
// MinShare of the person's are its punches, no other account has more than half as
// many of them, and no other person's rows fit it half as well. Moments at which many people
// punch prove little: what is proposed is less likely than one in a thousand to be a
// coincidence anywhere in the company. Rows that a ledger knows as written by the library are not taken
// as proof.
//
// The proposals are valid whatever the error, which is that of reading the platform as
// in [attendance.Syncer.Run], or of the database.
func (s *Sink) ProposeBindings(ctx context.Context, o ProposeOptions) (Proposals, error) {
	o.MinMatched, o.MinShare = orDefault(o.MinMatched, defaultMinMatched), orDefault(o.MinShare, defaultMinShare)
	opts := attendance.Options{}
	if o.Syncer != nil {
		opts = *o.Syncer
	}
	opts.Memory, opts.FreezeAfterDay = attendance.Memory{}, 0
	read := &punchedSeconds{seconds: make(map[string][]int64)}
	syncer := attendance.NewSyncer(o.Provider, read, &opts)
	plan, err := syncer.Plan(o.Window)
	if err != nil {
		return Proposals{}, err
	}
	people, warnings, err := s.oldSeconds(ctx, o, plan.Span)
	if err != nil {
		return Proposals{}, err
	}
	accounts := &directoryScope{directory: o.Directory, names: make(map[string]string)}
	scope, more, err := attendance.Collect(ctx, accounts)
	warnings = append(warnings, more...)
	if err != nil {
		return Proposals{Report: attendance.Report{Warnings: warnings}}, err
	}
	report, err := syncer.Preview(ctx, scope, o.Window)
	report.Warnings = append(warnings, report.Warnings...)
	return Proposals{propose(o, people, read.seconds, accounts.names), report}, err
}

func orDefault[T int | float64](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// A rowed person has old rows at some seconds.
type rowed struct {
	member  attendance.Member
	seconds []int64 // sorted, each once
}

// oldSeconds reads the roster, and when each person has old rows.
func (s *Sink) oldSeconds(ctx context.Context, o ProposeOptions, span attendance.Span) ([]rowed, []attendance.Warning, error) {
	var people []rowed
	var warnings []attendance.Warning
	for m, err := range s.Scope(o.Units, ByID(nil)).Members(ctx) {
		if w, ok := attendance.AsWarning(err); ok {
			warnings = append(warnings, w)
			continue
		}
		if err != nil {
			return nil, warnings, err
		}
		if m.LeftOut == attendance.OutOfRoster {
			continue
		}
		m.Account, m.Key = "", ""
		people = append(people, rowed{member: m})
	}
	for part := range slices.Chunk(people, rowsPersons) {
		index, persons := make(map[string]int, len(part)), make([]string, len(part))
		for i, p := range part {
			index[p.member.Person], persons[i] = i, p.member.Person
		}
		for row, err := range s.Rows(ctx, persons, span) {
			if err != nil {
				return nil, warnings, err
			}
			if row.Tag == o.Tag && row.Tag != "" && row.Run == "" {
				p := &part[index[row.Person]]
				p.seconds = append(p.seconds, row.Time.Unix())
			}
		}
	}
	for i := range people {
		people[i].seconds = slices.Compact(people[i].seconds)
	}
	return people, warnings, nil
}

// propose compares people with accounts.
func propose(o ProposeOptions, people []rowed, punched map[string][]int64, names map[string]string) []Proposal {
	l := newLikeness(punched, len(people))
	list := make([]Proposal, len(people))
	claims := make(map[string][]int) // by account: whose candidate it is
	for i, p := range people {
		list[i] = l.proposal(o, p)
		list[i].AccountName = names[list[i].Candidate]
		if list[i].Candidate != "" {
			claims[list[i].Candidate] = append(claims[list[i].Candidate], i)
		}
	}
	for i := range list {
		p := &list[i]
		if p.Doubt != "" {
			continue
		}
		for _, other := range claims[p.Candidate] {
			if other != i && 2*list[other].Matched > p.Matched {
				p.Doubt = Taken
			}
		}
		if p.Doubt == "" {
			p.Member.Account = p.Candidate
		}
	}
	return list
}

// proposal is what is found of a person, without regard to the other people.
func (l *likeness) proposal(o ProposeOptions, p rowed) Proposal {
	found := Proposal{Member: p.member, Compared: len(p.seconds)}
	if len(p.seconds) == 0 {
		found.Doubt = NoOldRows
		return found
	}
	first, next, some := l.best(p.seconds)
	if !some {
		found.Doubt = NoMatch
		return found
	}
	found.Candidate, found.Matched, found.RunnerUp = l.accounts[first.account], first.matched, next.matched
	switch {
	case found.Confidence() < o.MinShare:
		found.Doubt = TooDifferent
	case 2*next.matched > first.matched:
		found.Doubt = NotUnique
	case first.matched < o.MinMatched, l.chance(p.seconds, first.account) > sure:
		found.Doubt = TooFew
	}
	return found
}

// punchedSeconds is a sink that notes when accounts punched.
type punchedSeconds struct {
	mu      sync.Mutex
	seconds map[string][]int64
}

// Write is never called: only a preview is made.
func (r *punchedSeconds) Write(context.Context, attendance.Batch) (attendance.Written, error) {
	return attendance.Written{}, &attendance.Error{Code: attendance.CodeRequest, Op: "oasink", Detail: "nothing is written here"}
}

// Preview takes note of the punches.
func (r *punchedSeconds) Preview(_ context.Context, b attendance.Batch) (attendance.Preview, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range b.Punches {
		r.seconds[p.Account] = append(r.seconds[p.Account], p.Time.Unix())
	}
	return attendance.Preview{Written: attendance.Written{Present: len(b.Punches)}}, nil
}

// A directoryScope asks for every active account, in its own name.
type directoryScope struct {
	directory attendance.Directory
	names     map[string]string // as read
}

// Members implements [attendance.Scope].
func (d *directoryScope) Members(ctx context.Context) iter.Seq2[attendance.Member, error] {
	return func(yield func(attendance.Member, error) bool) {
		for a, err := range d.directory.Accounts(ctx) {
			if err != nil {
				if !yield(attendance.Member{}, err) {
					return
				}
				continue
			}
			if !a.Active {
				continue
			}
			d.names[a.ID] = a.Name
			if !yield(attendance.Member{Person: a.ID, Account: a.ID, Name: a.Name}, nil) {
				return
			}
		}
	}
}
