package attendance

import (
	"context"
	"hash/maphash"
	"slices"
	"time"
)

const (
	// recallAtOnce is how many people are looked up in the store at a time.
	recallAtOnce = 500
	// probesPerRun is how many accounts that the platform rejected before may be
	// rejected again before the others rest until the next run: thousands of failing
	// calls get an address banned.
	probesPerRun = 20
	// restAfter is since when an account must have been rejected to be asked for no
	// more often than every restFor.
	restAfter, restFor = 24 * time.Hour, time.Hour
)

// A recollection is what a run knows of what was read before, for one stream, and
// tells the store of what it learns.
type recollection struct {
	store  CoverageStore
	stream Stream
	run    string
	now    time.Time // when the run began

	window    Span  // of the run, as planned
	again     Span  // the part of it that is read whatever was read before
	owed      Spans // by the stream to everybody, as far back as the platform keeps
	remembers bool  // what is owed is read, not only the window
	apart     bool  // the run's people are not the job's own
	dry       bool  // the store is not told of anything

	seed     maphash.Seed
	persons  map[uint64]struct{} // met in this run
	accounts map[uint64]struct{} // bound to somebody in this run
	unbound  map[string]string   // person to key, of those who lost their account
	rejected []Coverage          // met, but the platform rejected the account before
	caughtUp map[uint64]struct{} // people who were read further back than everybody
	caughtTo time.Time           // how far
}

// recall prepares the recollection of a run that is about to be planned: what the
// stream owes, and up to when it was read for everybody.
func recall(ctx context.Context, store CoverageStore, s Stream) (*recollection, Moment, error) {
	m := &recollection{store: store, stream: s, seed: maphash.MakeSeed()}
	m.forget()
	progress, err := ReadProgress(ctx, store, s)
	m.owed = progress.Owed
	return m, Moment{Mark: progress.ReadUpTo}, err
}

// forget begins a pass over the scope.
func (m *recollection) forget() {
	m.persons, m.accounts, m.unbound = make(map[uint64]struct{}), make(map[uint64]struct{}), make(map[string]string)
	m.rejected, m.caughtUp, m.caughtTo = nil, make(map[uint64]struct{}), time.Time{}
}

// meet notes the members of a chunk as met and tells what is to be read for each.
func (m *recollection) meet(ctx context.Context, members []Member) ([]Spans, error) {
	if len(members) == 0 {
		return nil, nil
	}
	of, err := m.recall(ctx, members)
	if err != nil {
		return nil, err
	}
	needs := make([]Spans, len(members))
	var changes []Change
	for i, one := range members {
		var learnt []Change
		needs[i], learnt = m.met(one, of[one.Person])
		changes = append(changes, learnt...)
	}
	return needs, m.tell(ctx, changes)
}

// recall looks up what is known of the members, by person.
func (m *recollection) recall(ctx context.Context, members []Member) (map[string][]Coverage, error) {
	persons := make([]string, len(members))
	for i, one := range members {
		persons[i] = one.Person
	}
	slices.Sort(persons)
	known, err := m.store.Recall(ctx, m.stream, slices.Compact(persons))
	if err != nil {
		return nil, err
	}
	of := make(map[string][]Coverage, len(members))
	for _, c := range known {
		of[c.Person] = append(of[c.Person], c)
	}
	return of, nil
}

// answered is the span for everybody whom the platform does not reject. Those whom it
// does are marked as left out: the daily run tries them again.
func (m *recollection) answered(ctx context.Context, members []Member, span Span) ([]Spans, error) {
	needs := make([]Spans, len(members))
	for first := 0; first < len(members); first += recallAtOnce {
		part := members[first:min(first+recallAtOnce, len(members))]
		known, err := m.recall(ctx, part)
		if err != nil {
			return nil, err
		}
		for i, one := range part {
			refused := slices.ContainsFunc(known[one.Person], func(c Coverage) bool { return c.Account == one.Account && !c.Refused.IsZero() })
			switch {
			case !refused:
				needs[first+i] = Spans{span}
			case one.LeftOut == "":
				part[i].LeftOut = Refused
			}
		}
	}
	return needs, nil
}

// met is what is to be read for a member, and what the store should know.
func (m *recollection) met(one Member, known []Coverage) (need Spans, changes []Change) {
	account, left := one.Account, one.LeftOut
	if left == "" && account == "" {
		left = Unbound
	}
	key := one.Key
	if left != "" {
		if key == "" {
			key = account
		}
		account = ""
	}
	changes = append(changes, Change{Person: one.Person, Account: account, Met: true, Run: m.run, At: m.now, Name: one.Name, Key: key, LeftOut: left})
	m.persons[m.hash(one.Person)] = struct{}{}
	var own *Coverage
	for i, c := range known {
		switch {
		case c.Account == account:
			own = &known[i]
		case c.Gone.IsZero():
			changes = append(changes, Change{Person: c.Person, Account: c.Account, Gone: m.now})
		}
	}
	if left != "" {
		if left == Unbound {
			m.unbound[one.Person] = key
		}
		return nil, changes
	}
	m.accounts[m.hash(account)] = struct{}{}
	var covered Spans
	if own != nil {
		covered = own.Covered
		if covered.Bounds().To.After(m.now) { // claimed by a clock that was ahead
			covered = covered.Within(Span{covered.Bounds().From, m.now})
			changes = append(changes, Change{Person: one.Person, Account: account, Uncovered: true})
			for _, span := range covered {
				changes = append(changes, Change{Person: one.Person, Account: account, Covered: span})
			}
			own.Covered = covered
		}
		if !own.Refused.IsZero() {
			own.Name = one.Name
			m.rejected = append(m.rejected, *own)
			return nil, changes
		}
	}
	return m.need(covered), changes
}

// need is what is to be read for somebody of whom covered was.
func (m *recollection) need(covered Spans) Spans {
	var usual Spans
	if !m.again.Empty() {
		usual = Spans{m.again}
	}
	if !m.remembers {
		return usual
	}
	return m.owed.Minus(covered).Plus(usual...)
}

// back notes who was read further back than everybody.
func (m *recollection) back(members []Member, span Span) {
	if !m.remembers || !span.From.Before(m.window.From) {
		return
	}
	for _, one := range members {
		m.caughtUp[m.hash(one.Person)] = struct{}{}
	}
	if m.caughtTo.IsZero() || span.From.Before(m.caughtTo) {
		m.caughtTo = span.From
	}
}

// A wanted person is asked for although the scope does not hold the person now, or
// the account was rejected before.
type wanted struct {
	member Member
	spans  Spans
}

// leavers are the people who left the scope, or whose account left the platform,
// with what is still to be read for them: up to the end of the day on which they
// were first missed, as long as the look-back has not passed it. Those who are now
// first missed are noted. Their accounts are not [Member.Known]: they may be gone from the platform.
func (m *recollection) leavers(ctx context.Context) ([]wanted, error) {
	var gone []Coverage // of each person the account that was met last
	var changes []Change
	holder := make(map[uint64]time.Time) // of each account that nobody has now: when it was met last
	for c, err := range m.store.People(ctx, m.stream) {
		if err != nil {
			return nil, err
		}
		if c.Account == "" {
			continue
		}
		_, present := m.persons[m.hash(c.Person)]
		if c.met() && !present && c.Gone.IsZero() {
			c.Gone = m.now
			changes = append(changes, Change{Person: c.Person, Account: c.Account, Gone: m.now})
		} else if present && c.Gone.IsZero() {
			continue // there, with this account
		}
		if _, taken := m.accounts[m.hash(c.Account)]; taken { // it is somebody else's now
			if len(c.Covered) > 0 {
				// And so are its rows: if it comes back, all of it is read again.
				changes = append(changes, Change{Person: c.Person, Account: c.Account, Uncovered: true})
			}
			continue
		}
		if !c.met() {
			continue
		}
		if h := m.hash(c.Account); c.Last.After(holder[h]) {
			holder[h] = c.Last
		}
		switch last := len(gone) - 1; {
		case last < 0 || gone[last].Person != c.Person:
			gone = append(gone, c)
		case gone[last].Last.Before(c.Last):
			gone[last] = c
		}
	}
	var found []wanted
	for _, c := range gone {
		if _, present := m.persons[m.hash(c.Person)]; present && !m.lostAccount(c) || !m.remembers || holder[m.hash(c.Account)].After(c.Last) {
			continue // the binding was mended, then or later
		}
		until := DateOf(c.Gone.In(m.window.Zone())).Add(1).In(m.window.Zone())
		spans := m.need(c.Covered).Within(Span{m.owed.Bounds().From, until})
		if recent := m.again.From.Before(until); len(spans) > 0 && (recent || c.Refused.IsZero()) {
			found = append(found, wanted{Member{Person: c.Person, Account: c.Account, Name: c.Name, Key: c.Key}, spans})
		}
	}
	return found, m.tell(ctx, changes)
}

// lostAccount reports whether c's person is still there, bound by the same key, and
// only the account is not.
func (m *recollection) lostAccount(c Coverage) bool {
	key, ok := m.unbound[c.Person]
	if c.Key == "" {
		return ok && key == c.Account
	}
	return ok && key == c.Key
}

// quarantine is whose account the platform rejected before, those first who were not
// asked for the longest: who is asked for again, and who rests.
func (m *recollection) quarantine() (probes []wanted, resting []Member) {
	slices.SortStableFunc(m.rejected, func(a, b Coverage) int { return a.Asked.Compare(b.Asked) })
	for _, c := range m.rejected {
		one := Member{Person: c.Person, Account: c.Account, Name: c.Name}
		if m.now.Sub(c.Refused) > restAfter && m.now.Sub(c.Asked) < restFor && !c.Asked.After(m.now) {
			one.LeftOut = Refused
			resting = append(resting, one)
			continue
		}
		probes = append(probes, wanted{one, m.need(c.Covered)})
	}
	return probes, resting
}

// covered tells the store that all of a part was read and written.
func (m *recollection) covered(ctx context.Context, members []Member, span Span, punches []Punch) error {
	// Instants are kept to the second: never claim a part of one that was not read.
	span = Span{span.From.Add(time.Second - 1).Truncate(time.Second), span.To.Truncate(time.Second)}
	if span.Empty() {
		return nil
	}
	latest := make(map[string]time.Time, len(members))
	for _, p := range punches {
		if p.Time.After(latest[p.Account]) {
			latest[p.Account] = p.Time
		}
	}
	changes := make([]Change, len(members))
	for i, one := range members {
		changes[i] = Change{Person: one.Person, Account: one.Account, Covered: span, Punched: latest[one.Account], Answered: true}
	}
	return m.tell(ctx, changes)
}

// refused tells the store whose account the platform rejected.
func (m *recollection) refused(ctx context.Context, members []Member) error {
	changes := make([]Change, len(members))
	for i, one := range members {
		changes[i] = Change{Person: one.Person, Account: one.Account, Refused: m.now}
	}
	return m.tell(ctx, changes)
}

// begun makes the stream owe what a remembering run is to read, from its first on.
func (m *recollection) begun(ctx context.Context) error {
	if m.dry || m.apart || !m.remembers {
		return nil
	}
	if err := m.store.Owe(ctx, m.stream, m.window, time.Time{}); err != nil {
		return err
	}
	return m.store.Owe(ctx, m.stream.remembered(), m.window, time.Time{})
}

// remembered is where the windows of the stream's remembering runs are kept by
// themselves: they tell since when the stream owes all, without a gap.
func (s Stream) remembered() Stream {
	s.Source += " remembered"
	return s
}

// ended makes the stream owe what any other run of the job has read, and forget
// what the platform has let go.
func (m *recollection) ended(ctx context.Context, lost time.Time) error {
	if m.dry || m.apart {
		return nil
	}
	add := m.window
	if add.To.After(m.now) {
		add.To = m.now.In(add.Zone())
	}
	if m.remembers {
		add = Span{}
	}
	if add.Empty() && lost.IsZero() {
		return nil
	}
	return m.store.Owe(ctx, m.stream, add, lost)
}

func (m *recollection) tell(ctx context.Context, changes []Change) error {
	if m.dry || len(changes) == 0 {
		return nil
	}
	return m.store.Remember(ctx, m.stream, changes)
}

func (m *recollection) hash(s string) uint64 { return maphash.String(m.seed, s) }
