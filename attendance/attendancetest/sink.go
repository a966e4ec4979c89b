package attendancetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// A Row is what a [Sink] keeps of a punch.
type Row struct {
	Person    string
	Time      time.Time // whole seconds
	Kind      attendance.Kind
	Direction attendance.Direction
	Place     attendance.Place
}

// A Sink keeps rows in memory, by the rules of the OA: one row a person, second,
// kind and direction. The zero Sink is empty and ready. It is safe for
// concurrent use.
type Sink struct {
	// Refuse, when not nil, is asked before every write; its error is returned
	// and nothing is written. Set it before use.
	Refuse func(b attendance.Batch) error
	// RefuseRow, when not nil, is asked about each row that is to be added; what it
	// says, unless "", is why that row alone is not taken. Set it before use.
	RefuseRow func(r Row) string

	mu   sync.Mutex
	rows map[Row]attendance.Place
}

// fewRefused is how many rows may be refused, and none taken, without it being an error of
// the whole write.
const fewRefused = 3

// Write implements [attendance.Sink].
func (s *Sink) Write(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
	if err := ctx.Err(); err != nil {
		return attendance.Written{}, err
	}
	if s.Refuse != nil {
		if err := s.Refuse(b); err != nil {
			return attendance.Written{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = make(map[Row]attendance.Place)
	}
	w, added, _ := s.compare(b)
	wanted := len(added)
	s.refuse(b, &w, added)
	maps.Copy(s.rows, added)
	if len(added) == 0 && wanted > fewRefused {
		first := w.Unwritten[0].Err()
		return w, &attendance.Error{Code: first.Code, Op: "attendancetest", Detail: "none of the rows was taken: " + first.Detail}
	}
	return w, nil
}

// refuse takes the rows out of added that RefuseRow does not want.
func (s *Sink) refuse(b attendance.Batch, w *attendance.Written, added map[Row]attendance.Place) {
	if s.RefuseRow == nil {
		return
	}
	persons := personsOf(b)
	for _, p := range b.Punches {
		key := Row{Person: persons[p.Account], Time: p.Time.UTC().Truncate(time.Second), Kind: p.Kind, Direction: p.Direction}
		place, isNew := added[key]
		if !isNew {
			continue
		}
		shown := key
		shown.Place = place
		if why := s.RefuseRow(shown); why != "" {
			delete(added, key)
			w.Written--
			w.Skipped[attendance.RowRefused]++
			w.Unwritten = append(w.Unwritten, attendance.UnwrittenRow{Person: key.Person, Account: p.Account, ID: p.ID, Time: p.Time.In(b.Span.Zone()),
				Kind: p.Kind, Direction: p.Direction, Table: "rows", Reason: attendance.RowRefused, Detail: why})
		}
	}
	w.Days = nil
	for key := range added {
		w.Days = append(w.Days, attendance.PersonDay{Person: key.Person, Day: attendance.DateOf(key.Time.In(b.Span.Zone()))})
	}
	w.Days = sortedDays(w.Days)
}

// Preview implements [attendance.Previewer]. It does not ask Refuse. The rows' table
// is "rows".
func (s *Sink) Preview(ctx context.Context, b attendance.Batch) (attendance.Preview, error) {
	if err := ctx.Err(); err != nil {
		return attendance.Preview{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w, added, kept := s.compare(b)
	p := attendance.Preview{Written: w}
	tell := func(r Row, a attendance.Action) {
		p.Rows = append(p.Rows, attendance.RowChange{Table: "rows", Person: r.Person, Direction: r.Direction, Time: r.Time.In(b.Span.Zone()), Action: a})
	}
	for _, r := range sortedRows(added) {
		tell(r, attendance.ActionAdd)
	}
	for _, r := range kept {
		tell(r, attendance.ActionKeep)
	}
	slices.SortStableFunc(p.Rows, func(a, b attendance.RowChange) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), a.Time.Compare(b.Time), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Action, b.Action))
	})
	return p, nil
}

// A family is a person's field punches, or the others: an answer of the ones says
// nothing about the others.
type family struct {
	person string
	field  bool
}

// compare finds out what the batch adds, and which rows it lacks.
func (s *Sink) compare(b attendance.Batch) (w attendance.Written, added map[Row]attendance.Place, kept []Row) {
	added = make(map[Row]attendance.Place)
	w.Skipped = make(map[attendance.Reason]int)
	persons := personsOf(b)
	answered := make(map[family]bool)
	held := make(map[Row]bool)
	for _, p := range b.Punches {
		person, ok := persons[p.Account]
		if !ok || !b.Span.Contains(p.Time) {
			panic(fmt.Sprintf("attendancetest: punch %+v is not of the batch's members and span", p))
		}
		answered[family{person, p.Kind == attendance.Field}] = true
		switch {
		case p.Kind < attendance.Regular || p.Kind > attendance.Field:
			w.Skipped[attendance.UnknownType]++
			continue
		case p.Kind != attendance.Field && p.Direction == attendance.Undirected:
			w.Skipped[attendance.NoDirection]++
			continue
		}
		key := Row{Person: person, Time: p.Time.UTC().Truncate(time.Second), Kind: p.Kind, Direction: p.Direction}
		if p.Inferred {
			key = s.written(key, held)
		}
		_, present := s.rows[key]
		switch {
		case held[key]:
			w.Skipped[attendance.SameSecond]++
		case present:
			w.Present++
		default:
			added[key] = p.Place
			w.Written++
			w.Days = append(w.Days, attendance.PersonDay{Person: person, Day: attendance.DateOf(p.Time.In(b.Span.Zone()))})
		}
		held[key] = true
	}
	for key := range s.rows {
		if answered[family{key.Person, key.Kind == attendance.Field}] && b.Span.Contains(key.Time) && !held[key] {
			w.Superseded++
			kept = append(kept, key)
		}
	}
	w.Days = sortedDays(w.Days)
	return w, added, kept
}

// written is the row that an inferred punch was written as, perhaps with another
// direction than it has now; without one it is the key itself.
func (s *Sink) written(key Row, held map[Row]bool) Row {
	for _, d := range [...]attendance.Direction{key.Direction, attendance.In, attendance.Out, attendance.Undirected} {
		as := key
		as.Direction = d
		if _, there := s.rows[as]; there && !held[as] {
			return as
		}
	}
	return key
}

// All returns what the sink holds, sorted by person, time, kind and direction.
func (s *Sink) All() []Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sortedRows(s.rows)
}

func sortedRows(m map[Row]attendance.Place) []Row {
	rows := make([]Row, 0, len(m))
	for key, place := range m {
		key.Place = place
		rows = append(rows, key)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), a.Time.Compare(b.Time), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Direction, b.Direction))
	})
	return rows
}

func personsOf(b attendance.Batch) map[string]string {
	persons, seen := make(map[string]string, len(b.Members)), make(map[string]bool, len(b.Members))
	for _, m := range b.Members {
		if _, twice := persons[m.Account]; twice || seen[m.Person] {
			panic(fmt.Sprintf("attendancetest: account %q or person %q stands twice in a batch", m.Account, m.Person))
		}
		persons[m.Account], seen[m.Person] = m.Person, true
	}
	return persons
}

func sortedDays(days []attendance.PersonDay) []attendance.PersonDay {
	slices.SortFunc(days, func(a, b attendance.PersonDay) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), cmp.Compare(a.Day.String(), b.Day.String()))
	})
	return slices.Compact(days)
}
