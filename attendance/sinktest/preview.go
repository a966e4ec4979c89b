package sinktest

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// previewer is the sink's role, if it has it.
func previewer(t testing.TB, target Target) attendance.Previewer {
	t.Helper()
	p, ok := attendance.As[attendance.Previewer](target.Sink(t))
	if !ok {
		t.Skip("the sink is no attendance.Previewer")
	}
	return p
}

// episodes are batches that find rows missing, there, moved, and lacking.
func episodes(t testing.TB, target Target) []attendance.Batch {
	in, out, visit := punch(0, 0, attendance.In), punch(0, 600, attendance.Out), field(1, 30)
	if other, ok := target.(Foreigner); ok {
		other.PutForeign(t, Row{Person: "102", Second: "2026-03-02 08:00:00", Direction: attendance.In})
	}
	double, unclear, typeless := in, punch(0, 10, attendance.Undirected), punch(0, 11, attendance.In)
	double.ID, typeless.Kind = "double", 0
	first := batch(3, in, double, unclear, typeless, out, visit, outside(1, 90), punch(1, 0, attendance.In), punch(2, 0, attendance.In))
	moved := batch(3, shifted(in, 24*60), shifted(out, 0), visit, outside(1, 90), punch(2, 5, attendance.In))
	partial := batch(3, visit)
	partial.Partial = true
	return []attendance.Batch{
		first, later(first, 1), later(moved, 2), later(bound(moved, "102", "101", "103"), 3), later(partial, 4),
		later(batch(3, visit), 5), later(batch(3), 6), later(batch(3), 7), first, later(first, 8),
	}
}

func previewed(t testing.TB, target Target, _ Features) {
	p := previewer(t, target)
	for i, b := range episodes(t, target) {
		before := target.Rows(t)
		told, err := p.Preview(context.Background(), b)
		if err != nil {
			t.Fatalf("Preview of batch %d: %v", i, err)
		}
		w := write(t, target, b)
		if !reflect.DeepEqual(plain(w), plain(told.Written)) {
			t.Errorf("batch %d: Preview told %+v, Write did %+v", i, told.Written, w)
		}
		foreseen(t, i, told, before, target.Rows(t))
	}
}

// plain is the same with nothing told in one way only, and without what only a write
// finds out.
func plain(w attendance.Written) attendance.Written {
	w.Warnings = slices.DeleteFunc(slices.Clone(w.Warnings), func(one attendance.Warning) bool { return one.Code == "not_recalculated" })
	if len(w.Skipped) == 0 {
		w.Skipped = nil
	}
	if len(w.Days) == 0 {
		w.Days = nil
	}
	if len(w.Warnings) == 0 {
		w.Warnings = nil
	}
	return w
}

// foreseen compares the rows that were told with what became of them. Which of them
// stand apart is nothing that a preview tells.
func foreseen(t testing.TB, batch int, told attendance.Preview, before, after []Row) {
	t.Helper()
	type place struct{ person, second string }
	there := func(r Row) place { return place{r.Person, r.Second} }
	at := func(person string, when time.Time) place {
		return place{person, when.In(beijing()).Format(time.DateTime)}
	}
	count := make(map[attendance.Action]int)
	comes, goes := make(map[place]bool), make(map[string]bool) // of a moved row it is not told whose it was
	stands := make(map[place]bool)
	for _, r := range after {
		stands[there(r)] = true
	}
	for _, c := range told.Rows {
		count[c.Action]++
		here := at(c.Person, c.Time)
		switch c.Action {
		case attendance.ActionAdd:
			comes[here] = true
		case attendance.ActionMove:
			comes[here], goes[at("", c.Was).second] = true, true
		case attendance.ActionRemove:
			goes[here.second] = true
		}
		if c.Action != attendance.ActionRemove && !stands[here] {
			t.Errorf("batch %d: Preview told that a row would stand there, and none does: %+v", batch, c)
		}
	}
	equal(t, "rows told as removed", count[attendance.ActionRemove], told.Removed)
	equal(t, "rows told as superseded", count[attendance.ActionKeep], told.Superseded)
	equal(t, "rows told as added, without those removed", count[attendance.ActionAdd]-count[attendance.ActionRemove], len(after)-len(before))
	for _, r := range lacking(after, before) {
		if !comes[there(r)] {
			t.Errorf("batch %d: a row came that Preview did not tell: %+v", batch, r)
		}
	}
	for _, r := range lacking(before, after) {
		if !goes[r.Second] {
			t.Errorf("batch %d: a row went that Preview did not tell: %+v", batch, r)
		}
	}
	if !slices.IsSortedFunc(told.Rows, func(a, b attendance.RowChange) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), a.Time.Compare(b.Time))
	}) {
		t.Errorf("batch %d: the rows are not told by person and time", batch)
	}
}

// lacking are the rows of a that b lacks.
func lacking(a, b []Row) []Row {
	rest := withoutAddress(b)
	return slices.DeleteFunc(withoutAddress(a), func(r Row) bool {
		i := slices.Index(rest, r)
		if i >= 0 {
			rest = slices.Delete(rest, i, i+1)
		}
		return i >= 0
	})
}

func unchanged(t testing.TB, target Target, _ Features) {
	p := previewer(t, target)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for i, b := range episodes(t, target) {
		before, punches := target.Rows(t), slices.Clone(b.Punches)
		var told [2]attendance.Preview
		for n := range told {
			var err error
			if told[n], err = p.Preview(context.Background(), b); err != nil {
				t.Fatalf("Preview of batch %d: %v", i, err)
			}
			compare(t, target.Rows(t), before)
			if !reflect.DeepEqual(b.Punches, punches) {
				t.Errorf("Preview changed the batch")
			}
		}
		if told[0].Written.Written != told[1].Written.Written || len(told[0].Rows) != len(told[1].Rows) {
			t.Errorf("batch %d: the second preview told %+v, the first %+v", i, told[1], told[0])
		}
		if _, err := p.Preview(ended, b); err != context.Canceled {
			t.Errorf("Preview with an ended context returned %v, want context.Canceled itself", err)
		}
		write(t, target, b)
	}
}
