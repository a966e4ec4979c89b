package oasink

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// signType is a value of HrmScheduleSign.signType; 0 is NULL.
type signType byte

const (
	signNull signType = 0
	signIn   signType = '1'
	signOut  signType = '2'
)

func signTypes() []signType { return []signType{signIn, signOut, signNull} }

// A key is what makes two punches the same row. In mobile_sign, which keeps no
// direction, the type is always signNull.
type key struct {
	person int64
	at     second
	sign   signType
}

// A want is a row that a table should hold.
type want struct {
	key
	punch *attendance.Punch
	held  held
	// sent says that an earlier try has inserted the row and may have committed it.
	sent bool
	// valid says that a row which holds it is one that the OA shows (isInCom '1').
	valid bool
	// fault is why the table does not take the row; nil while nothing is known against it.
	// kept says that the row is there all the same, but could not be changed.
	fault *rowFault
	kept  bool
	// found says that it was seen again after it was added.
	found bool
	// filed is what the ledger needs of it; nil without one.
	filed *filing
	// twin is the row of HrmScheduleSign that the same punch has beside this one of
	// mobile_sign, as its index plus one, and second marks that row: it is not
	// counted, and has no coordinates.
	twin   int32
	second bool
}

// held says who holds a wanted row already.
type held uint8

const (
	byNobody held = iota
	byOther
	byUs
	byThis // by an earlier try of this very write
)

// A want list is what one table should hold, each row once.
type wantList struct {
	rows  []want
	index map[key]int32
}

// add adds a row and returns false when the list has it already.
func (l *wantList) add(k key, p *attendance.Punch) bool {
	if _, twice := l.index[k]; twice {
		return false
	}
	l.index[k] = int32(len(l.rows))
	l.rows = append(l.rows, want{key: k, punch: p})
	return true
}

// find returns the wanted row with the key, or nil.
func (l *wantList) find(k key) *want {
	if i, ok := l.index[k]; ok {
		return &l.rows[i]
	}
	return nil
}

// at reports whether a row of the key's person and second is wanted, of whatever type.
func (l *wantList) at(k key) bool {
	return slices.ContainsFunc(signTypes(), func(sign signType) bool { return l.find(key{k.person, k.at, sign}) != nil })
}

// forget prepares the rows to be looked for. perhaps says that the try before came
// to its commit, which may have come through: what it did not find, it has inserted.
func (l *wantList) forget(perhaps bool) {
	for i := range l.rows {
		r := &l.rows[i]
		r.sent = r.sent || perhaps && r.held == byNobody && r.fault == nil
		r.held, r.valid, r.kept, r.found = byNobody, false, false, false
		if r.fault != nil && r.fault.reason == "" {
			r.fault = nil
		}
		r.filed.forget(r.sent)
	}
}

// isOurs notes that a row of our tag, or of no tag where there are none, holds it.
func (w *want) isOurs() {
	if w.held = byUs; w.sent {
		w.held = byThis
	}
}

// people returns who the rows are of, sorted.
func (l *wantList) people() []int64 {
	ids := make([]int64, len(l.rows))
	for i := range l.rows {
		ids[i] = l.rows[i].person
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// A plan is a batch sorted by tables and keys. It depends on the batch and on
// nothing that a database holds.
type plan struct {
	sign, mobile wantList
	skipped      map[attendance.Reason]int
	// answered are the people of whom the batch holds a punch of the family that
	// HrmScheduleSign is for; only of them can a row be superseded. (A batch of
	// field check-ins says nothing about punches.) Sorted.
	answered []int64
	// first and last are the days that the batch is about, as the OA writes them.
	first, last attendance.Date
	// from and to bound the seconds that lie wholly inside the span.
	from, to second
	// nobody are the persons that are no ids of HrmResource, and strays the number
	// of their punches.
	nobody []string
	strays int
	// persons are the batch's people by account, and unwritten the records of
	// punches that no table takes as they are; passed are those without a record id.
	persons   map[string]int64
	unwritten map[string]bool
	passed    map[accountSecond]bool
}

// rules are the options by which punches are sorted.
type rules struct {
	undirected Undirected
	outside    Outside
}

func (o *Options) rules() rules { return rules{o.Undirected, o.Outside} }

func newPlan(b attendance.Batch, by rules) *plan {
	zone := b.Span.Zone()
	p := &plan{
		sign:    wantList{rows: make([]want, 0, len(b.Punches)), index: make(map[key]int32, len(b.Punches))},
		mobile:  wantList{index: make(map[key]int32)},
		skipped: make(map[attendance.Reason]int),
		from:    secondOf(b.Span.From.In(zone)),
		to:      secondOf(b.Span.To.In(zone)),
		first:   attendance.DateOf(b.Span.From.In(zone)),
		last:    attendance.DateOf(b.Span.To.In(zone)),
	}
	if b.Span.From.Nanosecond() > 0 {
		p.from++ // a row of that second may be of a punch before the span
	}
	persons, refused := personsOf(b.Members)
	p.persons = persons
	answered := make(map[int64]bool)
	for i := range b.Punches {
		punch := &b.Punches[i]
		person, asked := persons[punch.Account]
		switch {
		case !asked && refused[punch.Account] != "":
			p.stray(refused[punch.Account])
			continue
		case !asked:
			p.skipped[attendance.NotAsked]++
			continue
		case !b.Span.Contains(punch.Time):
			p.skipped[attendance.OutsideWindow]++
			continue
		}
		if punch.Kind == attendance.Regular || punch.Kind == attendance.Outside {
			answered[person] = true
		}
		wall := punch.Time.In(zone)
		if reason := p.want(key{person: person, at: secondOf(wall)}, punch, by); reason != "" {
			p.skipped[reason]++
			p.passOver(punch, reason)
			continue
		}
		// Where clocks are set back the span's ends need not be its first and last day.
		switch day := attendance.DateOf(wall); {
		case day.Before(p.first):
			p.first = day
		case p.last.Before(day):
			p.last = day
		}
	}
	for person := range answered {
		p.answered = append(p.answered, person)
	}
	slices.Sort(p.answered)
	return p
}

// want puts a punch on the list of its table, or of both, or says why it is on none.
func (p *plan) want(k key, punch *attendance.Punch, by rules) attendance.Reason {
	switch punch.Kind {
	case attendance.Field:
		return p.wantMobile(k, punch, 0)
	case attendance.Regular, attendance.Outside:
	default:
		return attendance.UnknownType
	}
	if punch.Direction == attendance.Undirected && by.undirected == SkipUndirected {
		return attendance.NoDirection
	}
	signed := k
	signed.sign = signTypeOf(punch.Direction)
	switch {
	case punch.Kind == attendance.Outside && by.outside == OutsideMobile:
		return p.wantMobile(k, punch, 0)
	case punch.Kind == attendance.Regular || by.outside == OutsideSign:
		if !p.sign.add(signed, punch) {
			return attendance.SameSecond
		}
		return ""
	}
	if !p.sign.add(signed, punch) {
		return p.wantMobile(k, punch, 0)
	}
	// Both. Where mobile_sign has a row for that second already, this one stands alone.
	if twin := int32(len(p.sign.rows)); p.wantMobile(k, punch, twin) == "" {
		p.sign.rows[twin-1].second = true
	}
	return ""
}

func (p *plan) wantMobile(k key, punch *attendance.Punch, twin int32) attendance.Reason {
	if !p.mobile.add(k, punch) {
		return attendance.SameSecond
	}
	p.mobile.rows[len(p.mobile.rows)-1].twin = twin
	return ""
}

func (p *plan) stray(person string) {
	p.strays++
	if !slices.Contains(p.nobody, person) {
		p.nobody = append(p.nobody, person)
	}
}

func signTypeOf(d attendance.Direction) signType {
	switch d {
	case attendance.In:
		return signIn
	case attendance.Out:
		return signOut
	default:
		return signNull
	}
}

func directionOf(s signType) attendance.Direction {
	switch s {
	case signIn:
		return attendance.In
	case signOut:
		return attendance.Out
	default:
		return attendance.Undirected
	}
}

// personsOf maps accounts to ids of HrmResource; refused holds those of members
// whose person is none.
func personsOf(members []attendance.Member) (persons map[string]int64, refused map[string]string) {
	persons = make(map[string]int64, len(members))
	for _, m := range members {
		id, err := parsePerson(m.Person)
		if err != nil {
			if refused == nil {
				refused = make(map[string]string)
			}
			refused[m.Account] = fmt.Sprintf("%q", m.Person)
			continue
		}
		persons[m.Account] = id
	}
	return persons, refused
}

// parsePerson reads an id of HrmResource.
func parsePerson(person string) (int64, error) {
	id, err := strconv.ParseInt(strings.TrimSpace(person), 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("oasink: %q is not an id of HrmResource", person)
	}
	return id, nil
}

// changed returns the person-days of the rows that had to be added, and those on
// which rows were that are elsewhere now, each once, sorted by person (as text) and
// day.
func changed(others []key, lists ...[]want) []attendance.PersonDay {
	type personDay struct {
		person int64
		day    int64 // yyyyMMdd
	}
	seen := make(map[personDay]bool)
	var days []attendance.PersonDay
	add := func(k key) {
		d := personDay{k.person, int64(k.at) / 1e6}
		if !seen[d] {
			seen[d] = true
			days = append(days, attendance.PersonDay{Person: strconv.FormatInt(d.person, 10), Day: dayOf(k.at)})
		}
	}
	for _, k := range others {
		add(k)
	}
	for _, rows := range lists {
		for i := range rows {
			if w := &rows[i]; w.held == byNobody && w.fault == nil || w.held == byThis {
				add(w.key)
			}
		}
	}
	slices.SortFunc(days, attendance.PersonDay.Compare)
	return days
}
