package sinktest

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// needs skips a rule that the target has no feature for.
func needs(t testing.TB, feature bool) {
	t.Helper()
	if !feature {
		t.Skip("the sink keeps no ledger, or does not remove")
	}
}

// later is the batch as read so many minutes later.
func later(b attendance.Batch, minutes int) attendance.Batch {
	b.ReadAt = b.ReadAt.Add(time.Duration(minutes) * time.Minute)
	return b
}

// shifted is the same record at another minute.
func shifted(p attendance.Punch, minutes int) attendance.Punch {
	p.Time = base(beijing()).Add(time.Duration(minutes) * time.Minute)
	return p
}

func corrected(t testing.TB, target Target, f Features) {
	needs(t, f.Ledger)
	stays, in, out := punch(0, 5, attendance.In), punch(0, 0, attendance.In), punch(0, 600, attendance.Out)
	write(t, target, batch(1, stays, in, out))
	tomorrow, turned := shifted(in, 24*60), out
	turned.Direction = attendance.In
	b := later(batch(1, stays, tomorrow, turned), 1)
	w := write(t, target, b)
	equal(t, "written", w.Written, 2)
	equal(t, "corrected", w.Corrected, 2)
	equal(t, "present", w.Present, 1)
	holds(t, target, f, stays, tomorrow, turned)
	days := []attendance.PersonDay{{Person: "101", Day: day(2)}, {Person: "101", Day: day(3)}}
	if !reflect.DeepEqual(w.Days, days) {
		t.Errorf("Days = %v, want %v: the day the punch was on, and the one it is on", w.Days, days)
	}
	w = write(t, target, later(b, 1))
	equal(t, "written again", w.Written+w.Removed+w.Superseded+len(w.Days), 0)
	equal(t, "present again", w.Present, 3)
	// Two punches that change places, and a chain of them.
	first, second, third := shifted(stays, 24*60), shifted(tomorrow, 5), shifted(turned, 700)
	equal(t, "written", write(t, target, later(batch(1, first, second, third), 3)).Superseded, 0)
	holds(t, target, f, first, second, third)
	first, second, third = shifted(first, 5), shifted(second, 700), shifted(third, 800)
	write(t, target, later(batch(1, first, second, third), 4))
	holds(t, target, f, first, second, third)
}

// bound is a batch whose accounts are those of other people.
func bound(b attendance.Batch, persons ...string) attendance.Batch {
	b.Members = slices.Clone(b.Members[:len(persons)])
	for i, p := range persons {
		b.Members[i].Person = p
	}
	return b
}

func rebound(t testing.TB, target Target, f Features) {
	needs(t, f.Ledger)
	of101, of102 := punch(0, 0, attendance.In), punch(1, 7, attendance.In)
	same := shifted(of102, 0)
	same.ID = "same"
	write(t, target, batch(2, of101, of102, same))
	w := write(t, target, later(bound(batch(2, of101, of102, same), "102", "101"), 1))
	equal(t, "corrected", w.Corrected, 3)
	swap := func(p attendance.Punch) attendance.Punch {
		p.Account = map[string]string{"user101": "user102", "user102": "user101"}[p.Account]
		return p
	}
	holds(t, target, f, swap(of101), swap(of102), swap(same))
	equal(t, "changed days", len(w.Days), 2)
	write(t, target, later(batch(2, of101, of102, same), 2))
	holds(t, target, f, of101, of102, same)
	// Somebody else alone, who was never in a batch before.
	w = write(t, target, later(bound(batch(1, of101), "109"), 3))
	equal(t, "corrected", w.Corrected, 1)
	other := of101
	other.Account = "user109"
	holds(t, target, f, other, of102, same)
}

func older(t testing.TB, target Target, f Features) {
	needs(t, f.Ledger)
	in, out := punch(0, 0, attendance.In), punch(0, 600, attendance.Out)
	write(t, target, batch(1, in, out))
	moved := shifted(in, 30)
	write(t, target, later(batch(1, moved, out), 10))
	// What was read in between, when the first was not yet corrected, the second not
	// there, and a third was.
	third := punch(0, 700, attendance.Out)
	w := write(t, target, later(batch(1, in, third), 5))
	equal(t, "written", w.Written, 1)
	equal(t, "corrected + removed + superseded", w.Corrected+w.Removed+w.Superseded, 0)
	holds(t, target, f, moved, out, third)
	if !slices.ContainsFunc(w.Warnings, func(w attendance.Warning) bool { return w.Code == "older_answer" }) {
		t.Errorf("no warning older_answer, but %v", w.Warnings)
	}
	// There and back again, the middle one late: the last is known to have confirmed.
	w = write(t, target, later(bound(batch(1, moved, out, third), "102"), 8))
	equal(t, "corrected", w.Corrected, 0)
	holds(t, target, f, moved, out, third)
	// A newer answer about another day only has taken the punch away from this one.
	day2, day3 := later(batch(1, moved, out, third), 20), later(batch(1, shifted(out, 24*60+600)), 30)
	day2.Span.To, day3.Span.From = day2.Span.From.AddDate(0, 0, 1), day2.Span.From.AddDate(0, 0, 1)
	write(t, target, day3)
	w = write(t, target, day2)
	equal(t, "corrected + removed", w.Corrected+w.Removed, 0)
	out = shifted(out, 24*60+600)
	holds(t, target, f, moved, out, third)
	// Another person, another span: nobody has read those later.
	w = write(t, target, later(batch(2, moved, out, third, punch(1, 0, attendance.In)), 9))
	equal(t, "written", w.Written, 1)
}

func adopted(t testing.TB, target Target, f Features) {
	needs(t, f.Ledger)
	other, ok := target.(Foreigner)
	if !ok {
		t.Skip("the target cannot hold rows of other writers")
	}
	row := Row{Person: "101", Second: "2026-03-02 08:00:00", Direction: attendance.In}
	other.PutForeign(t, row)
	in := punch(0, 0, attendance.In)
	equal(t, "present", write(t, target, batch(1, in)).PresentFromOther, 1)
	moved, stays := shifted(in, 30), punch(0, 600, attendance.Out)
	w := write(t, target, later(batch(1, moved, stays), 1))
	equal(t, "written", w.Written, 2)
	equal(t, "corrected + removed", w.Corrected+w.Removed, 0)
	write(t, target, later(batch(1, stays), 2))
	want := []Row{row, rowOf(stays, beijing(), f)}
	if !f.Removes {
		want = append(want, rowOf(moved, beijing(), f))
	}
	compare(t, target.Rows(t), want)
}

func corps(t testing.TB, target Target, f Features) {
	needs(t, f.Ledger)
	of := func(corp string, b attendance.Batch) attendance.Batch {
		b.Corp = corp
		return b
	}
	a, b := punch(0, 0, attendance.In), punch(0, 30, attendance.In)
	b.ID = a.ID // record ids are unique within a corp only
	write(t, target, of("a", batch(1, a)))
	write(t, target, of("b", batch(1, b)))
	for i := range 2 {
		for corp, p := range map[string]attendance.Punch{"a": a, "b": b} {
			w := write(t, target, of(corp, later(batch(1, p), 1+i)))
			equal(t, "present", w.Present, 1)
			equal(t, "superseded + removed + corrected", w.Superseded+w.Removed+w.Corrected, 0)
		}
	}
	holds(t, target, f, a, b)
}

func withdrawn(t testing.TB, target Target, f Features) {
	needs(t, f.Removes)
	gone, stays, silent, visit := punch(0, 0, attendance.In), punch(0, 600, attendance.Out), punch(1, 0, attendance.In), outside(0, 90)
	write(t, target, batch(2, gone, stays, silent, visit))
	partial := later(batch(2, stays), 1)
	partial.Partial = true
	w := write(t, target, partial)
	equal(t, "removed after an answer that was perhaps cut short", w.Removed+w.Superseded, 0)
	w = write(t, target, later(batch(2, stays), 2))
	equal(t, "removed", w.Removed, 2)
	equal(t, "superseded", w.Superseded, 0)
	holds(t, target, f, stays, silent)
	days := []attendance.PersonDay{{Person: "101", Day: day(2)}}
	if !reflect.DeepEqual(w.Days, days) {
		t.Errorf("Days = %v, want %v", w.Days, days)
	}
	w = write(t, target, later(batch(1, stays, gone), 3))
	equal(t, "written when it is back", w.Written, 1)
	holds(t, target, f, stays, silent, gone)
}

func emptyTwice(t testing.TB, target Target, f Features) {
	needs(t, f.Removes)
	gone := punch(0, 0, attendance.In)
	write(t, target, batch(1, gone))
	for i, rows := range [][]attendance.Punch{{gone}, {gone}, {}} {
		minutes := []int{1, 1, 2}[i] // the second is the first once more
		w := write(t, target, later(batch(1), minutes))
		equal(t, "removed", w.Removed, 1-len(rows))
		holds(t, target, f, rows...)
	}
	write(t, target, later(batch(1, gone), 3))
	write(t, target, later(batch(1), 4))
	write(t, target, later(batch(1, gone), 5)) // it was seen again
	write(t, target, later(batch(1), 6))
	holds(t, target, f, gone)
}

// unknown is the batch of accounts that the platform has not shown.
func unknown(b attendance.Batch) attendance.Batch {
	b.Members = slices.Clone(b.Members)
	for i := range b.Members {
		b.Members[i].Known = false
	}
	return b
}

func unread(t testing.TB, target Target, f Features) {
	needs(t, f.Removes)
	first, second := punch(0, 0, attendance.In), punch(0, 600, attendance.Out)
	write(t, target, batch(1, first, second))
	for minute := range 3 {
		w := write(t, target, unknown(later(batch(1), 1+minute)))
		equal(t, "removed by the silence of an account that is asked unread", w.Removed, 0)
	}
	// Its silence counts for no read beside one of an account that is known.
	write(t, target, later(batch(1), 5))
	equal(t, "removed", write(t, target, unknown(later(batch(1), 6))).Removed, 0)
	holds(t, target, f, first, second)
	// Who answers with something is there.
	w := write(t, target, unknown(later(batch(1, second), 7)))
	equal(t, "removed by an account that answers", w.Removed, 1)
	holds(t, target, f, second)
}

func anotherAccount(t testing.TB, target Target, f Features) {
	needs(t, f.Removes)
	before := []attendance.Punch{punch(0, 0, attendance.In), punch(0, 600, attendance.Out), outside(0, 90)}
	write(t, target, batch(1, before...))
	of := func(b attendance.Batch) attendance.Batch {
		b.Members = slices.Clone(b.Members)
		b.Members[0].Account = "another"
		return b
	}
	after := punch(0, 1440, attendance.In)
	after.Account = "another"
	for i, answer := range [][]attendance.Punch{{}, {}, {}, {after}, {after}, {}} {
		w := write(t, target, of(later(batch(1, answer...), 1+i)))
		equal(t, "removed by what another account answers", w.Removed, 0)
	}
	after.Account = "user101"
	holds(t, target, f, append(before, after)...)
	// The first one is back: it has them all, but for one that is withdrawn.
	w := write(t, target, later(batch(1, before[:2]...), 9))
	equal(t, "removed by the account that they were read from", w.Removed, 1)
	holds(t, target, f, append(before[:2], after)...)
}

func anotherPerson(t testing.TB, target Target, f Features) {
	needs(t, f.Removes)
	before := []attendance.Punch{punch(0, 0, attendance.In), punch(0, 600, attendance.Out)}
	write(t, target, batch(1, before...))
	// Person 101 has left, and the account was given to 102.
	after := punch(0, 1440, attendance.In)
	for i, answer := range [][]attendance.Punch{{after}, {after}, {}, {}} {
		w := write(t, target, bound(later(batch(1, answer...), 1+i), "102"))
		equal(t, "removed by what the account of another person answers", w.Removed, []int{0, 0, 0, 1}[i])
	}
	holds(t, target, f, before...)
}

func suspicious(t testing.TB, target Target, f Features) {
	needs(t, f.Removes)
	var punches []attendance.Punch
	for i := range 10 {
		for n := range 10 {
			punches = append(punches, punch(i, n*60, attendance.In))
		}
	}
	write(t, target, batch(10, punches...))
	few := slices.DeleteFunc(slices.Clone(punches), func(p attendance.Punch) bool { return p.Time.Equal(base(beijing())) && p.Account <= "user106" })
	w := write(t, target, later(batch(10, few...), 1))
	equal(t, "removed of 100, of which 6 are lacking", w.Removed, 0)
	equal(t, "superseded", w.Superseded, 6)
	if !slices.ContainsFunc(w.Warnings, func(w attendance.Warning) bool { return w.Code == "withdrawals_suspicious" }) {
		t.Errorf("no warning withdrawals_suspicious, but %v", w.Warnings)
	}
	holds(t, target, f, punches...)
	w = write(t, target, later(batch(10, append(few, punches[0])...), 2))
	equal(t, "removed of 100, of which 5 are lacking", w.Removed, 5)
	holds(t, target, f, append(few, punches[0])...)
}
