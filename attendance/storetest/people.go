package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/punchbridge/punchbridge/attendance"
)

func thousand(t testing.TB, s attendance.Store) {
	persons := make([]string, 1000)
	changes := make([]attendance.Change, len(persons))
	for i := range persons {
		persons[i] = fmt.Sprint(i)
		changes[i] = attendance.Change{Person: persons[i], Account: "u" + persons[i], Met: true, Run: "r", At: at(1), Name: "张三" + persons[i], Covered: span(i, i+10), Punched: at(i)}
	}
	remember(t, s, changes...)
	for i := range changes {
		changes[i].Covered = span(i+10, i+20)
	}
	remember(t, s, changes...)
	remember(t, s, attendance.Change{Person: "stranger", Met: true, Run: "r", At: at(1)})
	known := recall(t, s, slices.Concat(persons, []string{"nobody", persons[0]})...)
	equal(t, "people known of a thousand, one asked for twice", len(known), len(persons))
	for _, c := range known {
		var i int
		_, err := fmt.Sscan(c.Person, &i)
		ok(t, err)
		equal(t, "coverage", c, attendance.Coverage{Person: persons[i], Account: "u" + persons[i], Name: "张三" + persons[i], Run: "r",
			First: at(1), Last: at(1), Punched: at(i), Covered: attendance.Spans{span(i, i+20)}})
	}
}

// strange are texts that databases and their drivers are known to confuse or to
// stumble over.
func strange() []string {
	return []string{
		"Zhang", "zhang", "ZHANG", "zhang ", "zhang  ", " zhang", "zhang\t", "zhang\x00", "", " ", "%", "_", "zh_ng", "zh%", "?", "??", "?0", "$1", ":1", "@p1", "@",
		"o'brien", `o"brien`, `o\brien`, `\'`, "`", "''", "; DROP TABLE people; --", "/*", "{}", "[]", "\\x41", "0x41", "NULL", "0", "00", "0.0", "1e3",
		"张三", "張三", "😀", "😁", "é", "e\u0301", "ß", "ss", "SS", "ſ", "İ", "ı", "i", "I", "ä", "a", "ａ", "\u200b", "\ufeff", "\xff", "\xfe", "a\nb", "a\r\nb",
		strings.Repeat("x", 64), strings.Repeat("x", 63) + "y", strings.Repeat("字", 64), strings.Repeat("字", 63) + "子", strings.Repeat("😀", 64),
	}
}

// printable tells texts that every column of texts and every JSON can hold.
func printable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

func byteByByte(t testing.TB, s attendance.Store) {
	texts := strange()
	var changes []attendance.Change
	for i, text := range texts {
		changes = append(changes, attendance.Change{Person: text, Account: "a", Covered: span(i, i+1)}, attendance.Change{Person: "p", Account: text, Covered: span(i, i+1)})
	}
	remember(t, s, changes...)
	for i, text := range texts {
		c := the(t, s, text)
		equal(t, "person", c.Person, text)
		sameSpans(t, fmt.Sprintf("what is covered of %q", text), c.Covered, span(i, i+1))
	}
	accounts := recall(t, s, "p")
	equal(t, "accounts", len(accounts), len(texts))
	for _, c := range accounts {
		i := slices.Index(texts, c.Account)
		if i < 0 {
			t.Fatalf("account %q was never met", c.Account)
		}
		sameSpans(t, fmt.Sprintf("what is covered of %q", c.Account), c.Covered, span(i, i+1))
	}
	known := recall(t, s, texts...)
	equal(t, "people", len(known), len(texts))
	var order []attendance.Coverage
	for c, err := range s.People(background(), stream()) {
		ok(t, err)
		order = append(order, c)
	}
	equal(t, "in the order of their bytes", slices.IsSortedFunc(order, byBytes), true)
	equal(t, "people in the stream", len(order), 2*len(texts))
}

func texts(t testing.TB, s attendance.Store) {
	for i, text := range append(strange(), strings.Repeat("名", 5000)) {
		if !printable(text) {
			continue // no platform's name; where a database cannot hold it, it may be cut
		}
		person := fmt.Sprint(i)
		remember(t, s, attendance.Change{Person: person, Account: "a", Met: true, Run: "r", At: at(1), Name: text, Key: text, LeftOut: attendance.LeftOut(text)})
		c := the(t, s, person)
		equal(t, "key", c.Key, text)
		equal(t, "reason", c.LeftOut, attendance.LeftOut(text))
		if !strings.HasPrefix(text, c.Name) || len(text) < 200 && c.Name != text {
			t.Fatalf("name %q became %q", text, c.Name)
		}
	}
}

// peopleInOrder has more people than a page of any store and writes while it reads:
// a store that keeps a cursor open would wait for itself.
func peopleInOrder(t testing.TB, s attendance.Store) {
	const n = 2300
	var changes []attendance.Change
	for i := range n {
		changes = append(changes, attendance.Change{Person: fmt.Sprint(i / 2), Account: fmt.Sprint("u", i%2), Covered: span(i, i+1)})
		if len(changes) == 1000 || i == n-1 {
			remember(t, s, changes...)
			changes = nil
		}
	}
	people := s.People(background(), stream())
	remember(t, s, attendance.Change{Person: "last", Account: "u", Covered: span(0, 1)}) // before the first pull
	var order []attendance.Coverage
	for c, err := range people {
		ok(t, err)
		settled(t, c)
		if len(order)%500 < 2 {
			remember(t, s, attendance.Change{Person: c.Person, Account: c.Account, Gone: at(1)})
			recall(t, s, c.Person)
		}
		order = append(order, c)
	}
	equal(t, "people", len(order), n+1)
	equal(t, "in the order of their bytes", slices.IsSortedFunc(order, byBytes), true)
	count := 0
	for c, err := range people { // once more, up to the third
		ok(t, err)
		equal(t, "the same people again", c.Person, order[count].Person)
		if count++; count == 3 {
			break
		}
	}
	remember(t, s, attendance.Change{Person: "after a break", Account: "u", Covered: span(0, 1)})
}

func streamsApart(t testing.TB, s attendance.Store) {
	streams := []attendance.Stream{{}, {Job: "a"}, {Target: "a"}, {Source: "a"}, {Corp: "a"}, {Job: "A"}, {Job: "a "}, {Job: "ab", Target: "c"}, {Job: "a", Target: "bc"},
		{Job: strings.Repeat("工", 300)}, {Job: strings.Repeat("工", 299) + "乙"}}
	for i, id := range streams {
		ok(t, s.Remember(background(), id, []attendance.Change{{Person: "1", Account: "a", Covered: span(10*i, 10*i+1)}}))
		ok(t, s.Owe(background(), id, span(10*i, 10*i+1), at(0)))
		ok(t, s.Tally(background(), id, []attendance.Tally{{Day: day(1), People: i}}))
		ok(t, s.Reject(background(), id, []attendance.Member{{Person: "1"}}, span(0, 1000), at(0), []attendance.Rejected{{Person: "1", Time: at(10 * i)}}))
	}
	for i, id := range streams {
		known, err := s.Recall(background(), id, []string{"1"})
		ok(t, err)
		equal(t, "coverages", len(known), 1)
		sameSpans(t, "covered", known[0].Covered, span(10*i, 10*i+1))
		owed, err := s.Owed(background(), id)
		ok(t, err)
		sameSpans(t, "owed", owed, span(10*i, 10*i+1))
		equal(t, "people", len(all(t, s.People(background(), id))), 1)
		tallies, err := s.Tallies(background(), id, day(1), day(1))
		ok(t, err)
		equal(t, "tallies", tallies, []attendance.Tally{{Day: day(1), People: i}})
		records := all(t, s.Rejected(background(), id, attendance.Span{}))
		equal(t, "rejected records", len(records), 1)
		equal(t, "rejected record", records[0].Time, at(10*i))
	}
	nobody := attendance.Stream{Job: "nobody's"}
	known, err := s.Recall(background(), nobody, []string{"1"})
	ok(t, err)
	equal(t, "known of a stream without anything", len(known), 0)
	equal(t, "people of it", len(all(t, s.People(background(), nobody))), 0)
	equal(t, "rejected of it", len(all(t, s.Rejected(background(), nobody, attendance.Span{}))), 0)
}

func streamsAtOnce(t testing.TB, s attendance.Store) {
	const n = 8
	id := func(i int) attendance.Stream { return attendance.Stream{Job: fmt.Sprint(i / 2)} }
	atOnce(t, n, func(i int) error {
		return s.Remember(background(), id(i), []attendance.Change{{Person: fmt.Sprint(i), Covered: span(0, 1)}})
	})
	for i := range n {
		people := all(t, s.People(background(), id(i)))
		equal(t, "people of a stream that two have begun at once", len(people), 2)
		equal(t, "first person", people[0].Person, fmt.Sprint(i/2*2))
	}
}

func callersOwn(t testing.TB, s attendance.Store) {
	remember(t, s, attendance.Change{Person: "1", Account: "a", Covered: span(0, 5)})
	ok(t, s.Owe(background(), stream(), span(0, 5), at(0)))
	record := fullRun("r")
	ok(t, s.EndRun(background(), record))
	slice := fullSlice(1)
	ok(t, s.AddSlice(background(), "r", slice))
	record.Report.LeftOut[0].Person, record.Report.Failed[0].Persons[0], record.Report.Skipped[attendance.Future] = "changed", "changed", -1
	slice.Report.Slice.Members[0].Person = "changed"
	for range 2 {
		c := the(t, s, "1")
		sameSpans(t, "covered", c.Covered, span(0, 5))
		c.Covered[0] = span(7, 9)
		owed, err := s.Owed(background(), stream())
		ok(t, err)
		sameSpans(t, "owed", owed, span(0, 5))
		owed[0] = span(7, 9)
		for c, err := range s.People(background(), stream()) {
			ok(t, err)
			sameSpans(t, "covered", c.Covered, span(0, 5))
			c.Covered[0] = span(7, 9)
		}
		for r, err := range s.Runs(background(), attendance.RunFilter{}) {
			ok(t, err)
			sameRun(t, r, fullRun("r"))
			r.Report.LeftOut[0].Person, r.Report.Failed[0].Persons[0], r.Report.Skipped[attendance.Future] = "changed", "changed", -1
		}
		for r, err := range s.Slices(background(), "r") {
			ok(t, err)
			sameSlice(t, r, fullSlice(1))
			r.Report.Slice.Members[0].Person = "changed"
		}
	}
}
