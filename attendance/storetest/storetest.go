// Package storetest is the conformance kit for stores: whoever writes an
// [attendance.Store] calls [Run] in one test and knows that it keeps the contracts of
// its roles. It compares what the store says afterwards with what it must say, and
// reads nothing but through the store.
package storetest

import (
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// Run runs every rule against a fresh, empty store each. The constructor is called
// once a rule and may use t.Cleanup.
//
// To see that several processes may share a store, hand in one that sends each call
// to another of several stores on the same database.
func Run(t *testing.T, store func(t testing.TB) attendance.Store) {
	t.Helper()
	for _, r := range Rules() {
		t.Run(r.Name, func(t *testing.T) { r.Check(t, store(t)) })
	}
}

// A Rule is one sentence of the contracts.
type Rule struct {
	Name  string
	Check func(t testing.TB, s attendance.Store)
}

// Rules returns all rules, for kits built on this one.
func Rules() []Rule {
	return []Rule{
		{"coverage: what is owed is a set", owedIsASet},
		{"coverage: what is covered is a set", coveredIsASet},
		{"coverage: changes at once are all kept", changesAtOnce},
		{"coverage: only whole seconds count as read", wholeSeconds},
		{"coverage: met sets all that is known", met},
		{"coverage: gone is when a person was first missed", gone},
		{"coverage: refused since the first time, asked the last", refused},
		{"coverage: the latest punch only moves forward", punched},
		{"coverage: changes of one call apply in their order", inOrder},
		{"coverage: a change that says nothing makes nobody known", saysNothing},
		{"coverage: a thousand people at once", thousand},
		{"coverage: persons and accounts are compared byte by byte", byteByByte},
		{"coverage: texts are kept whole", texts},
		{"coverage: people come in the order of their bytes, and the loop may write", peopleInOrder},
		{"coverage: streams are apart", streamsApart},
		{"coverage: streams that begin at once are apart", streamsAtOnce},
		{"coverage: what is returned belongs to the caller", callersOwn},
		{"runs: a run begins, and once more, and ends", beginAndEnd},
		{"runs: the filter, the latest first, the limit", filtered},
		{"runs: a record comes back as it was", runRoundTrip},
		{"runs: slices come in the order in which they were added, as they were", slicesInOrder},
		{"runs: a long report is kept whole", longReport},
		{"runs: the loop may write, break and begin again", runsLoop},
		{"runs: what is old is forgotten", pruned},
		{"leases: one holder, by its beats", leased},
		{"leases: of many takeovers at once one succeeds", oneTakesOver},
		{"ticks: a time is claimed once, and none before it", ticked},
		{"ticks: claimed by one of many at once", oneTicks},
		{"budget: never past the most, never below zero", spent},
		{"budget: never past the most, however many at once", spentAtOnce},
		{"rejected: replaced within the members and the span", rejectedReplaced},
		{"rejected: first seen is kept", rejectedSeen},
		{"rejected: by person and time, and the loop may write", rejectedInOrder},
		{"tallies: replaced, by day and unit", tallied},
		{"days: owed until they are settled", owedDays},
		{"a context that has ended is obeyed", cancelled},
		{"a context that ends in a loop ends the loop", cancelledInLoop},
	}
}

// noon is the kit's first instant.
func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// at is so many seconds after noon.
func at(seconds int) time.Time { return noon().Add(time.Duration(seconds) * time.Second) }

func span(from, to int) attendance.Span { return attendance.Span{From: at(from), To: at(to)} }

func day(n int) attendance.Date { return attendance.Date{Year: 2026, Month: time.March, Day: n} }

// stream is the kit's stream.
func stream() attendance.Stream {
	return attendance.Stream{Job: "hq", Target: "oa", Source: "dingtalk", Corp: "corp"}
}
