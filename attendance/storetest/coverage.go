package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

func owedIsASet(t testing.TB, s attendance.Store) {
	owed, err := s.Owed(background(), stream())
	ok(t, err)
	sameSpans(t, "owed at first", owed)
	ok(t, s.Owe(background(), stream(), attendance.Span{}, at(100)))
	random := rand.New(rand.NewPCG(1, 2))
	model := make(bits, 60)
	for range 60 {
		from := random.IntN(60)
		to := min(60, from+random.IntN(8)) // may be empty
		var forgiven time.Time
		before := 0
		if random.IntN(5) == 0 {
			before = random.IntN(70) - 10
			forgiven = at(before)
		}
		zone := time.FixedZone("UTC+8", 8*3600)
		ok(t, s.Owe(background(), stream(), attendance.Span{From: at(from).In(zone), To: at(to).In(zone)}, forgiven))
		model.set(from, to, true)
		model.set(0, before, false)
		owed, err = s.Owed(background(), stream())
		ok(t, err)
		sameSpans(t, "owed", owed, model.spans()...)
	}
}

func coveredIsASet(t testing.TB, s attendance.Store) {
	remember(t, s, attendance.Change{Person: "1", Account: "a", Covered: span(10, 20)})
	remember(t, s, attendance.Change{Person: "1", Account: "a", Covered: span(20, 30)}, attendance.Change{Person: "1", Account: "a", Covered: span(0, 10)})
	sameSpans(t, "spans that touch", the(t, s, "1").Covered, span(0, 30))
	remember(t, s, attendance.Change{Person: "1", Account: "a", Covered: span(40, 50)}, attendance.Change{Person: "1", Account: "a", Covered: span(5, 7), Uncovered: true})
	sameSpans(t, "what does not count any more", the(t, s, "1").Covered, span(5, 7))
	remember(t, s, attendance.Change{Person: "1", Account: "a", Uncovered: true})
	sameSpans(t, "nothing counts any more", the(t, s, "1").Covered)
	random := rand.New(rand.NewPCG(3, 4))
	models := []bits{make(bits, 60), make(bits, 60), make(bits, 60)}
	for range 40 {
		var changes []attendance.Change
		for range 1 + random.IntN(4) {
			i, from := random.IntN(len(models)), random.IntN(60)
			to := min(60, from+random.IntN(6))
			models[i].set(from, to, true)
			changes = append(changes, attendance.Change{Person: "2", Account: fmt.Sprint(i), Covered: attendance.Span{From: at(from).In(time.FixedZone("", -3600)), To: at(to).In(time.FixedZone("", -3600))}})
		}
		remember(t, s, changes...)
		for _, c := range recall(t, s, "2") {
			i := int(c.Account[0] - '0')
			sameSpans(t, "covered", c.Covered, models[i].spans()...)
		}
	}
}

// Eight writers at once, as processes would be: nothing that one of them has covered
// may be lost, whatever it overlaps.
func changesAtOnce(t testing.TB, s attendance.Store) {
	const writers, rounds, length = 8, 6, 400
	all, owed := make(bits, length), make(bits, length)
	changes := make([][][]attendance.Change, writers)
	random := rand.New(rand.NewPCG(5, 6))
	for w := range writers {
		for range rounds {
			var some []attendance.Change
			for person := range 3 {
				from := random.IntN(length)
				to := min(length, from+1+random.IntN(20))
				if person == 0 {
					all.set(from, to, true)
				}
				some = append(some, attendance.Change{Person: fmt.Sprint(person), Account: "a", Covered: span(from, to), Punched: at(w)})
			}
			changes[w] = append(changes[w], some)
		}
		owed.set(w*10, w*10+11, true)
	}
	atOnce(t, writers, func(w int) error {
		for _, some := range changes[w] {
			if err := s.Remember(background(), stream(), some); err != nil {
				return err
			}
		}
		return s.Owe(background(), stream(), span(w*10, w*10+11), time.Time{})
	})
	c := the(t, s, "0")
	sameSpans(t, "covered by eight at once", c.Covered, all.spans()...)
	equal(t, "the latest punch", c.Punched, at(writers-1))
	known, err := s.Owed(background(), stream())
	ok(t, err)
	sameSpans(t, "owed by eight at once", known, owed.spans()...)
}

// What was read for a part of a second is not read: the second is not covered.
func wholeSeconds(t testing.TB, s attendance.Store) {
	half := 500 * time.Millisecond
	remember(t, s, attendance.Change{Person: "1", Covered: attendance.Span{From: at(0).Add(half), To: at(10).Add(half)}, Punched: at(5).Add(half)})
	c := the(t, s, "1")
	sameSpans(t, "covered", c.Covered, span(1, 10))
	equal(t, "the latest punch", c.Punched, at(5))
	ok(t, s.Owe(background(), stream(), attendance.Span{From: at(0).Add(half), To: at(10).Add(half)}, time.Time{}))
	owed, err := s.Owed(background(), stream())
	ok(t, err)
	sameSpans(t, "owed", owed, span(0, 10))
}

func met(t testing.TB, s attendance.Store) {
	zone := time.FixedZone("UTC+8", 8*3600)
	remember(t, s, attendance.Change{Person: "1", Account: "a", Met: true, Run: "r1", At: at(1).In(zone), Name: "张三", Key: "K1"})
	want := attendance.Coverage{Person: "1", Account: "a", Name: "张三", Key: "K1", Run: "r1", First: at(1), Last: at(1)}
	equal(t, "met", the(t, s, "1"), want)
	remember(t, s, attendance.Change{Person: "1", Account: "a", Met: true, Run: "r2", At: at(2), Key: "K2", LeftOut: attendance.Inactive})
	want.Name, want.Key, want.Run, want.Last, want.LeftOut = "", "K2", "r2", at(2), attendance.Inactive
	equal(t, "met again", the(t, s, "1"), want)
	remember(t, s, attendance.Change{Person: "1", Account: "a", Covered: span(0, 5), Run: "r3", At: at(3), Name: "no", Key: "no", LeftOut: "no"})
	want.Covered = attendance.Spans{span(0, 5)}
	equal(t, "not met: run, time, name, key and reason say nothing", the(t, s, "1"), want)
	remember(t, s, attendance.Change{Person: "1", Account: "", Met: true, Run: "r4", At: at(4), LeftOut: attendance.Unbound})
	equal(t, "another account is known beside it", recall(t, s, "1"),
		[]attendance.Coverage{{Person: "1", Run: "r4", First: at(4), Last: at(4), LeftOut: attendance.Unbound}, want})
}

func gone(t testing.TB, s attendance.Store) {
	remember(t, s, attendance.Change{Person: "1", Account: "a", Met: true, Run: "r1", At: at(1)})
	remember(t, s, attendance.Change{Person: "1", Account: "a", Gone: at(5)})
	remember(t, s, attendance.Change{Person: "1", Account: "a", Gone: at(9)})
	c := the(t, s, "1")
	equal(t, "gone", c.Gone, at(5))
	equal(t, "the last run that met", c.Run, "r1")
	remember(t, s, attendance.Change{Person: "1", Account: "a", Covered: span(0, 1), Answered: true})
	equal(t, "gone after another change", the(t, s, "1").Gone, at(5))
	remember(t, s, attendance.Change{Person: "1", Account: "a", Met: true, Run: "r2", At: at(10)})
	equal(t, "gone after it was met", the(t, s, "1").Gone, time.Time{})
	remember(t, s, attendance.Change{Person: "1", Account: "a", Gone: at(11)})
	equal(t, "gone again", the(t, s, "1").Gone, at(11))
}

func refused(t testing.TB, s attendance.Store) {
	remember(t, s, attendance.Change{Person: "1", Account: "a", Met: true, Run: "r1", At: at(1)})
	remember(t, s, attendance.Change{Person: "1", Account: "a", Refused: at(5)})
	remember(t, s, attendance.Change{Person: "1", Account: "a", Refused: at(9)})
	c := the(t, s, "1")
	equal(t, "refused and asked", [2]time.Time{c.Refused, c.Asked}, [2]time.Time{at(5), at(9)})
	remember(t, s, attendance.Change{Person: "1", Account: "a", Met: true, Run: "r2", At: at(10)}, attendance.Change{Person: "1", Account: "a", Gone: at(11)})
	c = the(t, s, "1")
	equal(t, "refused and asked after it was met and gone", [2]time.Time{c.Refused, c.Asked}, [2]time.Time{at(5), at(9)})
	remember(t, s, attendance.Change{Person: "1", Account: "a", Answered: true})
	c = the(t, s, "1")
	equal(t, "refused and asked after an answer", [2]time.Time{c.Refused, c.Asked}, [2]time.Time{})
	remember(t, s, attendance.Change{Person: "1", Account: "a", Refused: at(20)})
	equal(t, "refused again", the(t, s, "1").Refused, at(20))
}

func punched(t testing.TB, s attendance.Store) {
	for _, step := range [][2]int{{5, 5}, {9, 9}, {7, 9}} {
		remember(t, s, attendance.Change{Person: "1", Account: "a", Punched: at(step[0])})
		equal(t, "the latest punch", the(t, s, "1").Punched, at(step[1]))
	}
	remember(t, s, attendance.Change{Person: "1", Account: "a", Met: true, Run: "r", At: at(1)})
	equal(t, "the latest punch after a change without one", the(t, s, "1").Punched, at(9))
}

func inOrder(t testing.TB, s attendance.Store) {
	remember(t, s,
		attendance.Change{Person: "1", Account: "a", Met: true, Run: "r1", At: at(1), Name: "one"},
		attendance.Change{Person: "2", Account: "a", Refused: at(3)},
		attendance.Change{Person: "1", Account: "a", Refused: at(2)},
		attendance.Change{Person: "1", Account: "b", Met: true, Run: "r1", At: at(1)},
		attendance.Change{Person: "1", Account: "a", Answered: true},
		attendance.Change{Person: "1", Account: "a", Gone: at(3)},
		attendance.Change{Person: "1", Account: "a", Met: true, Run: "r2", At: at(4), Name: "two"},
		attendance.Change{Person: "1", Account: "a", Refused: at(5), Covered: span(0, 3)},
		attendance.Change{Person: "1", Account: "a", Gone: at(6), Covered: span(3, 4)},
	)
	equal(t, "after nine changes", recall(t, s, "1"), []attendance.Coverage{
		{Person: "1", Account: "a", Name: "two", Run: "r2", First: at(1), Last: at(4), Refused: at(5), Asked: at(5), Gone: at(6), Covered: attendance.Spans{span(0, 4)}},
		{Person: "1", Account: "b", Run: "r1", First: at(1), Last: at(1)},
	})
}

func saysNothing(t testing.TB, s attendance.Store) {
	remember(t, s)
	remember(t, s, attendance.Change{Person: "1", Account: "a"}, attendance.Change{Person: "2", Run: "r", At: at(1), Name: "n"})
	equal(t, "known", len(recall(t, s, "1", "2")), 0)
	known, err := s.Recall(background(), stream(), nil)
	ok(t, err)
	equal(t, "known of nobody", len(known), 0)
}
