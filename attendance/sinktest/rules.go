package sinktest

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/punchbridge/punchbridge/attendance"
)

func addsMissing(t testing.TB, target Target, f Features) {
	punches := []attendance.Punch{punch(0, 0, attendance.In), punch(0, 600, attendance.Out), punch(1, 7, attendance.In), field(1, 120), outside(0, 300)}
	w := write(t, target, batch(2, punches...))
	equal(t, "written", w.Written, len(punches))
	equal(t, "present", w.Present+w.PresentFromOther, 0)
	holds(t, target, f, punches...)
	days := []attendance.PersonDay{{Person: "101", Day: day(2)}, {Person: "102", Day: day(2)}}
	if !reflect.DeepEqual(w.Days, days) {
		t.Errorf("Days = %v, want %v: each changed person-day once, sorted", w.Days, days)
	}
}

func idempotent(t testing.TB, target Target, f Features) {
	b := batch(2, punch(0, 0, attendance.In), punch(0, 600, attendance.Out), field(1, 120), outside(1, 121))
	write(t, target, b)
	for range 2 {
		w := write(t, target, b)
		equal(t, "written again", w.Written, 0)
		equal(t, "present", w.Present, len(b.Punches))
		equal(t, "changed days", len(w.Days), 0)
	}
	holds(t, target, f, b.Punches...)
}

func overlapping(t testing.TB, target Target, f Features) {
	all := []attendance.Punch{punch(0, 0, attendance.In), punch(0, 600, attendance.Out), punch(0, 1440, attendance.In), punch(0, 2040, attendance.Out)}
	write(t, target, batch(1, all[:3]...))
	w := write(t, target, batch(1, all[1:]...))
	equal(t, "written", w.Written, 1)
	equal(t, "present", w.Present, 2)
	if f.Removes {
		all = all[1:] // the platform has the first no longer
	}
	holds(t, target, f, all...)
}

func concurrent(t testing.TB, target Target, f Features) {
	var punches []attendance.Punch
	for i := range 5 {
		for m := range 20 {
			punches = append(punches, punch(i, m*60, attendance.In), field(i, m*60+1))
		}
	}
	const writers = 6
	written := make([]int, writers)
	failures := make([]error, writers)
	var group sync.WaitGroup
	for i := range writers {
		sink := target.Sink(t)
		group.Go(func() {
			w, err := sink.Write(context.Background(), batch(5, punches...))
			written[i], failures[i] = w.Written, err
		})
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		t.Fatalf("writing at once failed: %v", err)
	}
	sum := 0
	for _, n := range written {
		sum += n
	}
	equal(t, "written by all together", sum, len(punches))
	holds(t, target, f, punches...)
}

func sameSecond(t testing.TB, target Target, f Features) {
	in, out := punch(0, 0, attendance.In), punch(0, 0, attendance.Out)
	again := in
	again.ID, again.Time = "again", in.Time.Add(400*time.Millisecond)
	b := batch(1, in, out, again)
	w := write(t, target, b)
	equal(t, "written", w.Written, 2)
	equal(t, "skipped as same_second", w.Skipped[attendance.SameSecond], 1)
	holds(t, target, f, in, out)
	w = write(t, target, b)
	equal(t, "written again", w.Written, 0)
	equal(t, "present", w.Present, 2)
	equal(t, "skipped as same_second again", w.Skipped[attendance.SameSecond], 1)
	holds(t, target, f, in, out)
}

func undirected(t testing.TB, target Target, f Features) {
	without, visit := punch(0, 0, attendance.Undirected), field(0, 5)
	w := write(t, target, batch(1, without, visit))
	equal(t, "written", w.Written, 1)
	equal(t, "skipped as undirected", w.Skipped[attendance.NoDirection], 1)
	holds(t, target, f, visit)
}

func reinferred(t testing.TB, target Target, f Features) {
	inferred := func(minutes int, d attendance.Direction) attendance.Punch {
		p := punch(0, minutes, d)
		p.ID, p.Inferred = itoa(minutes), true
		return p
	}
	write(t, target, batch(1, inferred(600, attendance.In)))
	// An earlier punch comes late.
	first, second := inferred(0, attendance.In), inferred(600, attendance.Out)
	for range 2 {
		b := batch(1, first, second)
		b.ReadAt = b.ReadAt.Add(time.Minute)
		equal(t, "superseded + removed", write(t, target, b).Superseded, 0)
	}
	if !f.Ledger { // it stays as it was written
		second = inferred(600, attendance.In)
	}
	holds(t, target, f, first, second)
}

func unkind(t testing.TB, target Target, f Features) {
	forgotten := punch(0, 0, attendance.In)
	forgotten.Kind = 0
	w := write(t, target, batch(1, forgotten))
	equal(t, "written", w.Written, 0)
	equal(t, "skipped as unknown_type", w.Skipped[attendance.UnknownType], 1)
	holds(t, target, f)
}

func empty(t testing.TB, target Target, f Features) {
	stays := punch(0, 0, attendance.In)
	write(t, target, batch(1, stays))
	w := write(t, target, batch(1))
	if w.Written+w.Present+w.Superseded+w.Removed+len(w.Days) != 0 {
		t.Errorf("an empty answer is no evidence of absence, but Written = %+v", w)
	}
	holds(t, target, f, stays)
}

func superseded(t testing.TB, target Target, f Features) {
	gone, stays := punch(0, 0, attendance.In), punch(0, 600, attendance.Out)
	silent := punch(1, 0, attendance.In)
	write(t, target, batch(2, gone, stays, silent))
	w := write(t, target, batch(2, stays))
	if f.Removes {
		equal(t, "removed (of people who answered with something)", w.Removed, 1)
		holds(t, target, f, stays, silent)
		return
	}
	equal(t, "superseded (of people who answered with something)", w.Superseded, 1)
	equal(t, "removed", w.Removed, 0)
	holds(t, target, f, gone, stays, silent)
}

func foreign(t testing.TB, target Target, f Features) {
	other, ok := target.(Foreigner)
	if !ok {
		t.Skip("the target cannot hold rows of other writers")
	}
	mine := punch(0, 0, attendance.In)
	rows := []Row{
		{Person: "101", Second: "2026-03-02 08:00:00", Direction: attendance.In},
		{Person: "101", Second: "2026-03-02 09:00:00", Direction: attendance.In},
		{Person: "101", Second: "2026-02-02 08:00:00", Direction: attendance.In},
		{Person: "999", Second: "2026-03-02 08:00:00", Direction: attendance.Out},
	}
	other.PutForeign(t, rows...)
	late := punch(0, 601, attendance.Out)
	w := write(t, target, batch(1, mine, late))
	equal(t, "written", w.Written, 1)
	equal(t, "present from other", w.PresentFromOther, 1)
	equal(t, "superseded (rows of other writers are none of ours)", w.Superseded, 0)
	want := append(slices.Clone(rows), rowOf(late, beijing(), f))
	compare(t, target.Rows(t), want)
}

func counted(t testing.TB, target Target, f Features) {
	random := rand.New(rand.NewPCG(1, 2)) // the same numbers every time
	rows := 0
	for round := range 12 {
		var punches []attendance.Punch
		for range random.IntN(60) {
			p := punch(random.IntN(3), random.IntN(90), attendance.Direction(random.IntN(3)))
			p.Kind = attendance.Kind(1 + random.IntN(3))
			if p.Kind == attendance.Field {
				p.Direction = attendance.Undirected
			}
			p.ID = itoa(round) + "-" + itoa(len(punches)) // another record each
			punches = append(punches, p)
		}
		w := write(t, target, batch(3, punches...))
		sum := w.Written + w.Present + w.PresentFromOther
		for _, n := range w.Skipped {
			sum += n
		}
		equal(t, "written + present + present from other + skipped", sum, len(punches))
		rows += w.Written
	}
	equal(t, "rows in the target", len(target.Rows(t)), rows)
	_ = f
}

func zones(t testing.TB, target Target, f Features) {
	west := time.FixedZone("UTC-5", -5*3600)
	p := punch(0, 0, attendance.In)
	p.Time = time.Date(2026, 3, 3, 4, 59, 59, 999_000_000, time.UTC) // the evening before, in the west
	b := batch(1, p)
	b.Span = week(west)
	write(t, target, b)
	compare(t, target.Rows(t), []Row{rowOf(p, west, f)})
	if got := target.Rows(t)[0].Second; got != "2026-03-02 23:59:59" {
		t.Errorf("stored %s, want the wall clock of the batch's zone without rounding up, 2026-03-02 23:59:59", got)
	}
}

func untouched(t testing.TB, target Target, _ Features) {
	b := batch(2, punch(1, 3, attendance.Out), punch(0, 9, attendance.In), punch(0, 1, attendance.In))
	before := batch(2, slices.Clone(b.Punches)...)
	write(t, target, b)
	if !reflect.DeepEqual(b, before) {
		t.Errorf("Write changed the batch")
	}
}

func cancelled(t testing.TB, target Target, f Features) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := target.Sink(t).Write(ctx, batch(1, punch(0, 0, attendance.In)))
	if err != context.Canceled {
		t.Errorf("Write with an ended context returned %v, want context.Canceled itself", err)
	}
	holds(t, target, f)
}

func atomic(t testing.TB, target Target, f Features) {
	sink := target.Sink(t)
	stored := 0
	for i := range 25 {
		var punches []attendance.Punch
		for m := range 40 {
			punches = append(punches, punch(i, m, attendance.In), field(i, m))
		}
		ctx, cancel := context.WithCancel(context.Background())
		late := &countdown{Context: ctx, left: i, end: cancel}
		w, err := sink.Write(late, batch(i+1, punches...))
		cancel()
		switch {
		case err == nil:
			equal(t, "written", w.Written, len(punches))
			stored += len(punches)
		case w.Written == len(punches):
			stored += len(punches) // the context ended after the commit
		case w.Written != 0:
			t.Fatalf("a write that was cut off says it wrote %d of %d", w.Written, len(punches))
		}
		equal(t, "rows in the target after a write that was cut off (whole batches only)", len(target.Rows(t)), stored)
	}
	_ = f
}

// A countdown is a context that ends after it was looked at so many times: at
// another step of a write each time.
type countdown struct {
	context.Context
	mu   sync.Mutex
	left int
	end  func()
}

func (c *countdown) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left < 0 {
		c.end()
	}
}

func (c *countdown) Done() <-chan struct{} { c.tick(); return c.Context.Done() }
func (c *countdown) Err() error            { c.tick(); return c.Context.Err() }

func texts(t testing.TB, target Target, f Features) {
	long := strings.Repeat("某某路", 400)
	addresses := []string{
		`'); DELETE FROM HrmScheduleSign; --`, `"quoted" \' back\slash \`, `?0 ?1 ? $1 :1 @p1 {}`,
		"tab\tline\nend", "总部大楼 🏢 2 楼", "", long, "-1--2 /* */",
	}
	var punches []attendance.Punch
	for i, address := range addresses {
		p := punch(0, i, attendance.In)
		p.Place, p.Remark = attendance.Place{Address: address, Longitude: 120.017139, Latitude: 30.285413, Located: true}, address
		visit := field(0, i)
		visit.Place, visit.Remark = p.Place, p.Remark
		punches = append(punches, p, visit)
	}
	nul := punch(0, len(addresses), attendance.In)
	nul.Place.Address = "before\x00after\xff"
	w := write(t, target, batch(1, append(punches, nul)...))
	equal(t, "written", w.Written, len(punches)+1)
	rows := target.Rows(t)
	compare(t, withoutAddress(rows), rowsOf(append(punches, nul), f))
	if !f.Places {
		return
	}
	for _, row := range rows {
		at, err := time.ParseInLocation(time.DateTime, row.Second, beijing())
		if err != nil {
			t.Fatalf("row %+v: %v", row, err)
		}
		i := int(at.Sub(base(beijing())) / time.Minute)
		switch {
		case !utf8.ValidString(row.Address) || strings.ContainsRune(row.Address, 0):
			t.Errorf("address %q is not clean text", row.Address)
		case i == len(addresses):
			if !strings.Contains(row.Address, "before") {
				t.Errorf("an address with a NUL byte was stored as %q", row.Address)
			}
		case len(addresses[i]) <= 200 && row.Address != addresses[i]:
			t.Errorf("address %q was stored as %q", addresses[i], row.Address)
		case !strings.HasPrefix(addresses[i], row.Address) || addresses[i] != "" && row.Address == "":
			t.Errorf("a long address was stored as %q, which is no beginning of it", row.Address)
		}
	}
}

func large(t testing.TB, target Target, f Features) {
	var punches []attendance.Punch
	for i := range 50 {
		for d := range 7 {
			for n := range 4 {
				p := punch(i, d*1440+n*150, attendance.In)
				if n%2 == 1 {
					p.Direction = attendance.Out
				}
				punches = append(punches, p)
			}
		}
	}
	w := write(t, target, batch(50, punches...))
	equal(t, "written", w.Written, len(punches))
	equal(t, "changed days", len(w.Days), 350)
	holds(t, target, f, punches...)
}
