package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

func members(persons ...string) []attendance.Member {
	list := make([]attendance.Member, len(persons))
	for i, p := range persons {
		list[i] = attendance.Member{Person: p, Account: "u" + p}
	}
	return list
}

func record(person string, second int, reason attendance.Reason) attendance.Rejected {
	return attendance.Rejected{Person: person, Account: "u" + person, Time: at(second), Reason: reason, Detail: "细节 " + string(reason)}
}

func reject(t testing.TB, s attendance.Store, m []attendance.Member, of attendance.Span, when time.Time, records ...attendance.Rejected) {
	t.Helper()
	ok(t, s.Reject(background(), stream(), m, of, when, records))
}

// kept are the records of the stream, as "person second reason first-last".
func kept(t testing.TB, s attendance.Store, of attendance.Span) []string {
	t.Helper()
	list := []string{}
	for _, r := range all(t, s.Rejected(background(), stream(), of)) {
		if r.Time.Location() != time.UTC || r.First.Location() != time.UTC || r.Last.Location() != time.UTC {
			t.Fatalf("%+v is not in UTC", r)
		}
		seconds := func(when time.Time) int { return int(when.Sub(noon()) / time.Second) }
		list = append(list, fmt.Sprintf("%s %d %s %d-%d", r.Person, seconds(r.Time), r.Reason, seconds(r.First), seconds(r.Last)))
	}
	return list
}

func rejectedReplaced(t testing.TB, s attendance.Store) {
	equal(t, "kept at first", kept(t, s, attendance.Span{}), []string{})
	reject(t, s, members("1", "2", "3"), span(0, 100), at(1), record("1", 10, "x"), record("2", 20, "x"), record("2", 99, "x"), record("3", 0, "x"))
	reject(t, s, members("1", "2"), span(100, 200), at(1), record("2", 100, "y"))
	reject(t, s, members("1", "2"), span(0, 100), at(2), record("1", 11, "z"))
	equal(t, "kept", kept(t, s, attendance.Span{}), []string{"1 11 z 2-2", "2 100 y 1-1", "3 0 x 1-1"})
	equal(t, "kept of a span", kept(t, s, span(11, 100)), []string{"1 11 z 2-2"})
	equal(t, "kept of another span", kept(t, s, span(0, 11)), []string{"3 0 x 1-1"})
	reject(t, s, members("3"), span(1, 100), at(3))
	equal(t, "kept after a span that begins later", len(kept(t, s, attendance.Span{})), 3)
	reject(t, s, members("3"), span(-100, 0), at(3))
	equal(t, "kept after a span that ends at it", len(kept(t, s, attendance.Span{})), 3)
	reject(t, s, members("3", "1", "2"), span(0, 101), at(3))
	equal(t, "kept after empty answers", kept(t, s, attendance.Span{}), []string{})
}

func rejectedSeen(t testing.TB, s attendance.Store) {
	with := func(id, detail string) attendance.Rejected {
		r := record("1", 10, "x")
		r.ID, r.Detail = id, detail
		return r
	}
	reject(t, s, members("1"), span(0, 100), at(1), with("a", "d"), with("b", "d"), with("", "o'd\\ 😀"))
	reject(t, s, members("1"), span(0, 100), at(5), with("b", "d"), with("c", "d"), with("", "o'd\\ 😀"))
	records := all(t, s.Rejected(background(), stream(), attendance.Span{}))
	slices.SortFunc(records, func(a, b attendance.Rejected) int { return slices.Compare([]string{a.ID}, []string{b.ID}) })
	want := []attendance.Rejected{with("", "o'd\\ 😀"), with("b", "d"), with("c", "d")}
	for i, first := range []int{1, 1, 5} {
		want[i].First, want[i].Last = at(first), at(5)
	}
	equal(t, "records", records, want)
	timeless := with("t", "d")
	timeless.Time = time.Time{}
	for when := 6; when < 8; when++ { // a record without a time is known again and lies in no span
		reject(t, s, members("1"), span(0, 100), at(when), timeless)
		reject(t, s, members("1"), span(100, 200), at(when))
		timeless.First, timeless.Last = at(6), at(when)
		equal(t, "records", all(t, s.Rejected(background(), stream(), attendance.Span{})), []attendance.Rejected{timeless})
		equal(t, "records of a span", kept(t, s, span(0, 100)), []string{})
	}
	for range 2 {
		reject(t, s, members("1"), span(0, 100), at(9))
		reject(t, s, members("1"), span(0, 100), at(10), with("b", "d"))
		equal(t, "seen again after it was forgotten", kept(t, s, span(0, 100)), []string{"1 10 x 10-10"})
	}
}

func rejectedInOrder(t testing.TB, s attendance.Store) {
	var list []attendance.Rejected
	var people []attendance.Member
	for i := range 1200 {
		person := fmt.Sprint(i * 7 % 1200 / 2)
		people = append(people, members(person)...)
		r := record(person, i*11%100, "x")
		r.ID = fmt.Sprint(i)
		list = append(list, r)
	}
	reject(t, s, people, span(0, 100), at(1), list...)
	var got []attendance.Rejected
	stream := s.Rejected(background(), stream(), attendance.Span{})
	for r, err := range stream {
		ok(t, err)
		if len(got)%500 < 2 {
			reject(t, s, members("after"), span(0, 100), at(len(got)), record("zz", 1, "y"))
		}
		got = append(got, r)
	}
	got = slices.DeleteFunc(got, func(r attendance.Rejected) bool { return r.Person == "zz" })
	equal(t, "records", len(got), len(list))
	equal(t, "by person and time", slices.IsSortedFunc(got, func(a, b attendance.Rejected) int {
		if a.Person == b.Person {
			return a.Time.Compare(b.Time)
		}
		return slices.Compare([]string{a.Person}, []string{b.Person})
	}), true)
	for _, err := range stream {
		ok(t, err)
		break
	}
	reject(t, s, people, span(0, 100), at(2))
}

func tallied(t testing.TB, s attendance.Store) {
	tally := func(tallies ...attendance.Tally) {
		t.Helper()
		ok(t, s.Tally(background(), stream(), tallies))
	}
	tallies := func(first, last attendance.Date) []attendance.Tally {
		t.Helper()
		list, err := s.Tallies(background(), stream(), first, last)
		ok(t, err)
		return list
	}
	equal(t, "tallies at first", len(tallies(day(1), day(31))), 0)
	tally()
	tally(attendance.Tally{Day: day(3), Unit: "b", People: 1, Punched: 2, Punches: 3}, attendance.Tally{Day: day(3), People: 4}, attendance.Tally{Day: day(2), Unit: "研发", People: 5},
		attendance.Tally{Day: day(3), Unit: "B", People: 6})
	tally(attendance.Tally{Day: day(3), Unit: "b", People: 7}, attendance.Tally{Day: day(4), People: 8}, attendance.Tally{Day: day(4), People: 9})
	want := []attendance.Tally{{Day: day(2), Unit: "研发", People: 5}, {Day: day(3), People: 4}, {Day: day(3), Unit: "B", People: 6}, {Day: day(3), Unit: "b", People: 7}, {Day: day(4), People: 9}}
	equal(t, "tallies", tallies(day(1), day(31)), want)
	equal(t, "tallies of one day", tallies(day(3), day(3)), want[1:4])
	next := attendance.Date{Year: 2027, Month: time.January, Day: 1}
	tally(attendance.Tally{Day: next, People: 1})
	equal(t, "tallies up to the year's end", tallies(day(1), next.Add(-1)), want)
	equal(t, "tallies of the next year", tallies(next, next), []attendance.Tally{{Day: next, People: 1}})
}

func owedDays(t testing.TB, s attendance.Store) {
	owed := func(target string, limit int) []attendance.PersonDay {
		t.Helper()
		days, err := s.OwedDays(background(), target, limit)
		ok(t, err)
		return days
	}
	a, b, c := attendance.PersonDay{Person: "2", Day: day(1)}, attendance.PersonDay{Person: "1", Day: day(2)}, attendance.PersonDay{Person: "2", Day: day(2)}
	equal(t, "days at first", len(owed("oa", 10)), 0)
	ok(t, s.SettleDays(background(), "oa", []attendance.PersonDay{a}))
	ok(t, s.OweDays(background(), "oa", []attendance.PersonDay{c, a}))
	ok(t, s.OweDays(background(), "oa", []attendance.PersonDay{b, a, b}))
	ok(t, s.OweDays(background(), "OA", []attendance.PersonDay{c}))
	ok(t, s.OweDays(background(), "oa", nil))
	equal(t, "days", owed("oa", 10), []attendance.PersonDay{a, b, c})
	equal(t, "the earliest two", owed("oa", 2), []attendance.PersonDay{a, b})
	ok(t, s.SettleDays(background(), "oa", []attendance.PersonDay{a, c, {Person: "3", Day: day(1)}}))
	ok(t, s.SettleDays(background(), "oa", []attendance.PersonDay{a}))
	ok(t, s.SettleDays(background(), "oa", nil))
	equal(t, "days after some were settled", owed("oa", 10), []attendance.PersonDay{b})
	equal(t, "days of another target", owed("OA", 10), []attendance.PersonDay{c})
	var many []attendance.PersonDay
	for i := range 1500 {
		many = append(many, attendance.PersonDay{Person: fmt.Sprint(i), Day: day(10 + i%20)})
	}
	atOnce(t, 4, func(i int) error { return s.OweDays(background(), "many", many[i*250:i*250+750]) })
	equal(t, "days that four have added at once", len(owed("many", 10000)), len(many))
	atOnce(t, 4, func(i int) error { return s.SettleDays(background(), "many", many[i*250:i*250+750]) })
	equal(t, "days that four have settled at once", len(owed("many", 10000)), 0)
}
