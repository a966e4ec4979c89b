package attendance

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
)

// A Reconciliation is how the platform and the target differ over a range. It grows
// with the people who differ, not with what differs.
type Reconciliation struct {
	// Report is that of the preview behind it: what was read, whom it could not be
	// asked for, what failed; Written is what a run would write.
	Report Report
	// DifferenceCounts are those of everybody.
	DifferenceCounts
	// Persons are the people who differ, by person; Units their departments, by name.
	Persons []PersonDifferences
	Units   []UnitDifferences
}

// PersonDifferences counts how one person differs.
type PersonDifferences struct {
	Member Member
	DifferenceCounts
}

// UnitDifferences counts how the people of one unit differ; Unit is "" for people of
// whom none is known.
type UnitDifferences struct {
	Unit   string
	People int // who differ
	DifferenceCounts
}

// DifferenceCounts counts differences.
type DifferenceCounts struct {
	OnlyProvider int `json:"only_provider"`
	OnlyTarget   int `json:"only_oa"`
	Different    int `json:"different"`
	Doubled      int `json:"doubled"`
}

// Sum is the number of all differences.
func (c DifferenceCounts) Sum() int { return c.OnlyProvider + c.OnlyTarget + c.Different + c.Doubled }

func (c *DifferenceCounts) count(k DifferenceKind) {
	switch k {
	case OnlyProvider:
		c.OnlyProvider++
	case OnlyTarget:
		c.OnlyTarget++
	case Different:
		c.Different++
	case Doubled:
		c.Doubled++
	}
}

// Reconcile compares what the platform has with what the target has, for the people
// of the scope over the window, and tells visit (which may be nil) every difference. It
// writes nothing and remembers nothing but the calls it made, which count against a
// budget as those of [Syncer.Run]. The sink must be a [Previewer] and a [RowReader].
//
// What a run would add is only at the platform, by the sink's own rules; what the
// target holds of ours beside that, what it holds twice, and what it holds otherwise,
// is found in its rows: see [DifferenceKind]. Months that are closed
// ([Options.FreezeAfterDay]) are compared too.
//
// visit is called for one difference at a time, slice by slice in no particular order,
// within a slice by person and time, from goroutines of the call. The error is that of
// a run; that something differs is none. What was not read, and who was not asked for, stands in the
// report and was not compared. Memory does not grow with the range.
func (y *Syncer) Reconcile(ctx context.Context, scope Scope, w Window, visit func(Difference)) (Reconciliation, error) {
	return ReconcileTogether(ctx, scope, w, visit, y)
}

// ReconcileTogether is [Syncer.Reconcile] for several families of records of the same
// people, as [RunTogether] is for runs.
func ReconcileTogether(ctx context.Context, scope Scope, w Window, visit func(Difference), syncers ...*Syncer) (Reconciliation, error) {
	if len(syncers) == 0 {
		return Reconciliation{}, errNoSyncer
	}
	tell := &reckoning{visit: visit, persons: make(map[string]*PersonDifferences)}
	comparing := make([]*Syncer, len(syncers))
	for i, y := range syncers {
		c, err := newComparison(y, tell)
		if err != nil {
			return Reconciliation{}, err
		}
		with := *y
		with.sink, with.opts.FreezeAfterDay, with.opts.Memory = c, 0, Memory{}
		comparing[i] = &with
	}
	report, err := PreviewTogether(ctx, scope, w, comparing...)
	return tell.close(report), err
}

// A reckoning counts differences and hands them on.
type reckoning struct {
	visit func(Difference)

	mu      sync.Mutex
	all     DifferenceCounts
	persons map[string]*PersonDifferences
}

func (r *reckoning) tell(differences []Difference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range differences {
		p, ok := r.persons[d.Member.Person]
		if !ok {
			p = &PersonDifferences{Member: d.Member}
			r.persons[d.Member.Person] = p
		}
		p.count(d.Kind)
		r.all.count(d.Kind)
		if r.visit != nil {
			r.visit(d)
		}
	}
}

func (r *reckoning) close(report Report) Reconciliation {
	r.mu.Lock()
	defer r.mu.Unlock()
	whole := Reconciliation{Report: report, DifferenceCounts: r.all}
	units := make(map[string]*UnitDifferences)
	for _, p := range r.persons {
		whole.Persons = append(whole.Persons, *p)
		u, ok := units[p.Member.Unit]
		if !ok {
			u = &UnitDifferences{Unit: p.Member.Unit}
			units[p.Member.Unit] = u
		}
		u.People++
		u.OnlyProvider += p.OnlyProvider
		u.OnlyTarget += p.OnlyTarget
		u.Different += p.Different
		u.Doubled += p.Doubled
	}
	for _, u := range units {
		whole.Units = append(whole.Units, *u)
	}
	slices.SortFunc(whole.Persons, func(a, b PersonDifferences) int { return strings.Compare(a.Member.Person, b.Member.Person) })
	slices.SortFunc(whole.Units, func(a, b UnitDifferences) int { return cmp.Compare(a.Unit, b.Unit) })
	return whole
}
