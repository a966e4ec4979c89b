// Package sinktest is the conformance kit for sinks: whoever writes an
// [attendance.Sink] calls [Run] in one test and knows that it keeps the contract.
//
// The kit judges a sink by what its target holds afterwards, as read by the
// sink's author through [Target], not by what the sink says of itself.
package sinktest

import (
	"strings"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// A Target is an empty store and the way to see what it holds.
type Target interface {
	// Sink returns a sink that writes to the target; called several times, each
	// result writes to the same target, as several processes would.
	Sink(t testing.TB) attendance.Sink
	// Rows returns every row that the target holds, in any order.
	Rows(t testing.TB) []Row
}

// Foreigner is an optional role of a [Target]: it can hold rows of other writers.
type Foreigner interface {
	// PutForeign adds rows as another program would have.
	PutForeign(t testing.TB, rows ...Row)
}

// A Row is one stored punch, as far as the kit looks at it.
type Row struct {
	Person string
	// Second is the wall clock of the batch's zone, as 2006-01-02 15:04:05.
	Second string
	// Direction is Undirected where the target does not keep it.
	Direction attendance.Direction
	// Apart is set for rows that stand in the table of outside and field punches,
	// where the target has one.
	Apart bool
	// Address is compared only where Features.Places is set.
	Address string
}

// Features says what a target can hold.
type Features struct {
	// Apart: outside and field punches go to a table of their own, without direction.
	Apart bool
	// Places: addresses are stored, at least 200 bytes of them.
	Places bool
	// Ledger: the sink knows which row is which punch, and moves the row of a punch
	// that was corrected.
	Ledger bool
	// Removes: it also removes the row of a punch that was withdrawn.
	Removes bool
}

// Run runs every rule against a fresh target each. The target's constructor is
// called once a rule and may use t.Cleanup.
func Run(t *testing.T, target func(t testing.TB) Target, f Features) {
	t.Helper()
	for _, r := range Rules() {
		t.Run(r.Name, func(t *testing.T) { r.Check(t, target(t), f) })
	}
}

// A Rule is one sentence of the contract.
type Rule struct {
	Name  string
	Check func(t testing.TB, target Target, f Features)
}

// Rules returns all rules, for kits built on this one.
func Rules() []Rule {
	return []Rule{
		{"adds what is missing and counts it", addsMissing},
		{"the same batch again writes nothing", idempotent},
		{"an overlapping batch adds only the rest", overlapping},
		{"many writers at once write once", concurrent},
		{"one second: one row a direction", sameSecond},
		{"a punch without direction is skipped, a field punch is not", undirected},
		{"a direction that was inferred may change: it is one row all the same", reinferred},
		{"a punch without a kind is never written", unkind},
		{"an empty batch changes nothing", empty},
		{"rows that the answer lacks are counted and kept, unless the sink removes them", superseded},
		{"rows of other writers, people and days stay", foreign},
		{"every punch is counted exactly once", counted},
		{"the wall clock is that of the batch's zone", zones},
		{"the batch is neither changed nor kept", untouched},
		{"a context that has ended is obeyed", cancelled},
		{"a write that is cut off is whole or not there", atomic},
		{"texts are stored intact or cut, never run", texts},
		{"a large batch is stored whole", large},
		{"preview: it tells what the next write does", previewed},
		{"preview: it changes nothing, and obeys a context that has ended", unchanged},
		{"rows: every row is told, of every writer", rowsRead},
		{"rows: only of those who were asked for, and of the span", rowsWithin},
		{"ledger: a corrected punch moves its row", corrected},
		{"ledger: a mended binding moves rows", rebound},
		{"ledger: an older answer moves and removes nothing", older},
		{"ledger: rows that were there before are never moved or removed", adopted},
		{"ledger: two corps do not disturb each other", corps},
		{"ledger: a withdrawn punch is removed", withdrawn},
		{"ledger: an empty answer must come twice", emptyTwice},
		{"ledger: an account that is asked unread withdraws nothing by its silence", unread},
		{"ledger: another account of the person withdraws nothing", anotherAccount},
		{"ledger: an account that is somebody else's now withdraws nothing", anotherPerson},
		{"ledger: many withdrawals at once are suspicious", suspicious},
	}
}

// base is the kit's first instant: 08:00 on a Monday.
func base(zone *time.Location) time.Time { return time.Date(2026, 3, 2, 8, 0, 0, 0, zone) }

func beijing() *time.Location { return time.FixedZone("UTC+8", 8*3600) }

// week is the span of the kit's batches: seven days from base's midnight.
func week(zone *time.Location) attendance.Span {
	from := attendance.DateOf(base(zone)).In(zone)
	return attendance.Span{From: from, To: from.AddDate(0, 0, 7)}
}

// people are n members with persons 101, 102, ..., whose accounts the platform knows.
func people(n int) []attendance.Member {
	members := make([]attendance.Member, n)
	for i := range members {
		members[i] = attendance.Member{Person: itoa(101 + i), Account: "user" + itoa(101+i), Known: true}
	}
	return members
}

// batch is a batch of the given punches for n people over the kit's week.
func batch(n int, punches ...attendance.Punch) attendance.Batch {
	zone := beijing()
	return attendance.Batch{Source: "dingtalk", Members: people(n), Span: week(zone), Punches: punches, ReadAt: base(zone).AddDate(0, 0, 7)}
}

// punch is a regular punch of the i-th person, so many minutes after base.
func punch(i, minutes int, d attendance.Direction) attendance.Punch {
	return attendance.Punch{
		ID:        itoa(i) + "-" + itoa(minutes) + "-" + d.String(),
		Account:   "user" + itoa(101+i),
		Time:      base(beijing()).Add(time.Duration(minutes) * time.Minute),
		Kind:      attendance.Regular,
		Direction: d,
	}
}

// rowOf is the row that a punch must become.
func rowOf(p attendance.Punch, zone *time.Location, f Features) Row {
	r := Row{Person: strings.TrimPrefix(p.Account, "user"), Second: p.Time.In(zone).Format(time.DateTime), Direction: p.Direction}
	if p.Kind != attendance.Regular && f.Apart {
		r.Apart, r.Direction = true, attendance.Undirected
	}
	return r
}
