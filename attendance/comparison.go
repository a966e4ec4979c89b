package attendance

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// A comparison is a sink that only compares: what would be written is told by the sink
// itself, the rest is found in its rows.
type comparison struct {
	Sink
	previewer Previewer
	reader    RowReader
	// rare says that the family of records says nothing of people of whom it has none.
	rare bool
	*reckoning
}

func newComparison(y *Syncer, tell *reckoning) (*comparison, error) {
	c := &comparison{Sink: y.sink, rare: y.opts.EmptyIsNormal, reckoning: tell}
	var previews, reads bool
	c.previewer, previews = As[Previewer](y.sink)
	if c.reader, reads = As[RowReader](y.sink); !previews || !reads {
		return nil, &Error{Code: CodeRequest, Op: "sink", Detail: "the target cannot tell what it holds and what it would write, so that nothing can be compared"}
	}
	return c, nil
}

// personsPerRead is how many persons a [RowReader] takes.
const personsPerRead = 1000

// Preview compares the batch with what the target holds, and tells what differs,
// person by person.
func (c *comparison) Preview(ctx context.Context, b Batch) (Preview, error) {
	would, err := c.previewer.Preview(ctx, b)
	if err != nil && ended(ctx, err) {
		return would, err
	}
	m := newMatching(c, b, would.Rows)
	persons := slices.Sorted(maps.Keys(m.members))
	for some := range slices.Chunk(persons, personsPerRead) {
		for row, readErr := range c.reader.Rows(ctx, some, b.Span) {
			if readErr != nil {
				return would, cmp.Or(err, readErr)
			}
			for len(some) > 0 && some[0] != row.Person {
				c.tell(m.differences(some[0]))
				some = some[1:]
			}
			if len(some) > 0 {
				m.see(row)
			}
		}
		for _, person := range some {
			c.tell(m.differences(person))
		}
	}
	for _, person := range slices.Sorted(maps.Keys(m.changes)) { // in whose names rows stand that belong to these
		c.tell(m.differences(person))
	}
	return would, err
}

// A moment is one second of one person.
type moment struct {
	person string
	second int64
}

// A spot is a moment in one table.
type spot struct {
	moment
	table string
}

// A matching lays the punches of a batch beside the rows of its people.
type matching struct {
	*comparison
	batch    Batch
	members  map[string]Member // by person
	punches  map[moment][]*Punch
	records  map[string]*Punch
	answered map[string]bool        // persons of whom there is a punch that is no field punch
	changes  map[string][]RowChange // what the sink would do, by person

	// Of the person that is being looked at.
	rows  map[moment][]Row
	told  map[moment]bool // what the sink itself has told of
	found []Difference
}

func newMatching(c *comparison, b Batch, changes []RowChange) *matching {
	m := &matching{comparison: c, batch: b, members: make(map[string]Member), punches: make(map[moment][]*Punch), records: make(map[string]*Punch),
		answered: make(map[string]bool), changes: make(map[string][]RowChange), rows: make(map[moment][]Row), told: make(map[moment]bool)}
	persons := make(map[string]string, len(b.Members)) // by account
	for _, member := range b.Members {
		m.members[member.Person], persons[member.Account] = member, member.Person
	}
	for i := range b.Punches {
		p := &b.Punches[i]
		person := persons[p.Account]
		at := moment{person, p.Time.Unix()}
		m.punches[at] = append(m.punches[at], p)
		if p.ID != "" {
			m.records[p.ID] = p
		}
		if p.Kind != Field {
			m.answered[person] = true
		}
	}
	for _, change := range changes {
		m.changes[change.Person] = append(m.changes[change.Person], change)
	}
	return m
}

func (m *matching) see(r Row) {
	at := moment{r.Person, r.Time.Unix()}
	m.rows[at] = append(m.rows[at], r)
}

// differences are those of one person, by time. It forgets the person's rows.
func (m *matching) differences(person string) []Difference {
	m.wouldChange(m.changes[person])
	for at, rows := range m.rows {
		m.unmatched(at, rows)
		m.unlike(at, rows)
		m.doubled(at, rows)
	}
	found := m.found
	delete(m.changes, person)
	clear(m.rows)
	clear(m.told)
	m.found = nil
	slices.SortStableFunc(found, func(a, b Difference) int {
		return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.Table, b.Table), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Kind, b.Kind))
	})
	return found
}

func (m *matching) add(d Difference, person string) {
	d.Member = m.members[person]
	d.Member.Person = person
	m.found = append(m.found, d)
}

// wouldChange takes what the sink would do. A row of ours of the same second whose
// direction alone is another is not one thing too much and one too few.
func (m *matching) wouldChange(changes []RowChange) {
	kept := make(map[spot][]RowChange)
	for _, c := range changes {
		if c.Action == ActionKeep || c.Action == ActionRemove {
			at := m.spot(c)
			kept[at] = append(kept[at], c)
		}
	}
	for _, c := range changes {
		at := m.spot(c)
		m.told[at.moment] = true
		d := Difference{Table: c.Table, Time: c.Time, Direction: c.Direction}
		switch c.Action {
		case ActionMove:
			was := moment{c.Person, c.Was.Unix()}
			d.Kind, d.Reason, d.Rows = Different, ContentDiffers, m.ours(was, c.Table, nil)
			if !c.Was.Equal(c.Time) {
				d.Reason, d.Was = TimeDiffers, c.Was
				m.told[was] = true
			}
		case ActionAdd:
			d.Kind = OnlyProvider
			if others := kept[at]; len(others) > 0 {
				d.Kind, d.Reason, d.Rows = Different, DirectionDiffers, m.ours(at.moment, c.Table, &others[0].Direction)
				kept[at] = others[1:]
			}
		default:
			continue
		}
		m.add(d, c.Person)
	}
	for _, rest := range kept {
		for _, c := range rest {
			at := m.spot(c)
			m.add(Difference{Kind: OnlyTarget, Table: c.Table, Time: c.Time, Direction: c.Direction, Rows: m.ours(at.moment, c.Table, &c.Direction)}, c.Person)
		}
	}
}

func (m *matching) spot(c RowChange) spot { return spot{moment{c.Person, c.Time.Unix()}, c.Table} }

// ours are the rows of ours there, of one direction if it is given.
func (m *matching) ours(at moment, table string, d *Direction) []Row {
	var list []Row
	for _, r := range m.rows[at] {
		if r.Ours && r.Table == table && (d == nil || r.Direction == *d) {
			list = append(list, r)
		}
	}
	return list
}

// unmatched tells of rows of ours at a second of which the platform has nothing, and
// which the sink has left alone: because somebody has changed them, or because it does
// not judge people of whom the platform has nothing at all.
func (m *matching) unmatched(at moment, rows []Row) {
	if m.told[at] || len(m.punches[at]) > 0 {
		return
	}
	for _, r := range rows {
		if !r.Ours && r.Record == "" {
			continue
		}
		if p := m.records[r.Record]; r.Record != "" && p != nil {
			d := Difference{Kind: Different, Reason: TimeDiffers, Table: r.Table, Time: m.clock(p.Time), Direction: p.Direction, Was: r.Time, Rows: []Row{r}}
			if d.Time.Equal(d.Was) {
				d.Reason, d.Was = ContentDiffers, time.Time{} // in another person's name
			}
			m.add(d, r.Person)
			continue
		}
		// What came after the platform was read is not what it lacks.
		late := !m.batch.ReadAt.IsZero() && r.Time.After(m.batch.ReadAt)
		if m.rare || late || !r.Ours || r.Kind != Regular {
			continue
		}
		d := Difference{Kind: OnlyTarget, Table: r.Table, Time: r.Time, Direction: r.Direction, Rows: []Row{r}}
		if !m.answered[r.Person] {
			d.Reason = NoAnswer
		}
		m.add(d, r.Person)
	}
}

// unlike tells of punches that stand only in rows which the target does not show, and
// of rows of ours whose direction somebody has changed.
func (m *matching) unlike(at moment, rows []Row) {
	punches := m.punches[at]
	if m.told[at] || len(punches) == 0 {
		return
	}
	d := Difference{Kind: Different, Table: rows[0].Table, Time: rows[0].Time, Direction: punches[0].Direction}
	if !slices.ContainsFunc(rows, func(r Row) bool { return !r.Hidden }) {
		d.Reason, d.Rows = RowHidden, rows
		m.add(d, at.person)
		return
	}
	asked, inferred := directions(punches), 0
	for _, p := range punches {
		if p.Inferred { // its row keeps the type that it was written with
			inferred++
		}
	}
	for _, r := range rows {
		if (r.Ours || r.Record != "") && r.Kind == Regular && !r.Hidden && !asked[r.Direction] {
			if inferred > 0 {
				inferred--
				continue
			}
			d.Reason, d.Table, d.Rows = DirectionDiffers, r.Table, []Row{r}
			m.add(d, at.person)
		}
	}
}

// doubled tells of punches that stand in several rows of one table.
func (m *matching) doubled(at moment, rows []Row) {
	punches := m.punches[at]
	for i := 0; i < len(rows); {
		table := rows[i].Table // they come by table
		var shown []Row
		ours := false
		for ; i < len(rows) && rows[i].Table == table; i++ {
			if !rows[i].Hidden {
				shown = append(shown, rows[i])
				ours = ours || rows[i].Ours
			}
		}
		switch {
		case len(shown) < 2, len(punches) == 0 && (m.rare || !ours || shown[0].Kind != Regular):
			continue
		case len(punches) > 0 && len(shown) <= len(directions(punches)) && distinct(shown):
			continue // a sign-in and a sign-out
		}
		d := Difference{Kind: Doubled, Table: table, Time: shown[0].Time, Direction: shown[0].Direction, Rows: shown}
		if len(punches) > 0 {
			d.Direction = punches[0].Direction
		}
		m.add(d, at.person)
	}
}

func (m *matching) clock(t time.Time) time.Time { return t.In(m.batch.Span.Zone()) }

func directions(punches []*Punch) map[Direction]bool {
	all := make(map[Direction]bool)
	for _, p := range punches {
		all[p.Direction] = true
	}
	return all
}

// distinct reports whether no two rows have the same direction.
func distinct(rows []Row) bool {
	seen := make(map[Direction]bool)
	for _, r := range rows {
		if seen[r.Direction] {
			return false
		}
		seen[r.Direction] = true
	}
	return true
}
