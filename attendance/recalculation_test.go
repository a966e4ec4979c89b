package attendance_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// dayBook is a DayStore as a database would keep it: it outlives those who use it.
type dayBook struct {
	mu     sync.Mutex
	owed   map[string]map[attendance.PersonDay]bool
	refuse func(what string) error
	calls  int
}

func (b *dayBook) change(what, target string, days []attendance.PersonDay, owed bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.refuse != nil {
		if err := b.refuse(what + " " + target); err != nil {
			return err
		}
	}
	if b.owed == nil {
		b.owed = map[string]map[attendance.PersonDay]bool{}
	}
	if b.owed[target] == nil {
		b.owed[target] = map[attendance.PersonDay]bool{}
	}
	for _, d := range days {
		if delete(b.owed[target], d); owed {
			b.owed[target][d] = true
		}
	}
	return nil
}

func (b *dayBook) OweDays(_ context.Context, target string, days []attendance.PersonDay) error {
	return b.change("owe", target, days, true)
}

func (b *dayBook) SettleDays(_ context.Context, target string, days []attendance.PersonDay) error {
	return b.change("settle", target, days, false)
}

func (b *dayBook) OwedDays(_ context.Context, target string, limit int) ([]attendance.PersonDay, error) {
	days := b.of(target)
	return days[:min(limit, len(days))], nil
}

func (b *dayBook) of(target string) []attendance.PersonDay {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.SortedFunc(maps.Keys(b.owed[target]), func(x, y attendance.PersonDay) int {
		return cmp.Or(cmp.Compare(x.Day.String(), y.Day.String()), x.Compare(y))
	})
}

// told is a hook that keeps what it was told, unless it fails.
type told struct {
	mu    sync.Mutex
	days  map[attendance.PersonDay]int
	calls int
	fail  func(call int) error
}

func (h *told) hook(_ context.Context, days []attendance.PersonDay) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	if len(days) == 0 || len(days) > 500 || !slices.IsSortedFunc(days, attendance.PersonDay.Compare) || len(slices.Compact(slices.Clone(days))) != len(days) {
		panic(fmt.Sprintf("told of %d days, or not sorted, or twice", len(days)))
	}
	if h.fail != nil {
		if err := h.fail(h.calls); err != nil {
			return err
		}
	}
	if h.days == nil {
		h.days = map[attendance.PersonDay]int{}
	}
	for _, d := range days {
		h.days[d]++
	}
	return nil
}

func (h *told) list() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return listed(slices.SortedFunc(maps.Keys(h.days), attendance.PersonDay.Compare))
}

// listed writes days of March as "1:5 1:6 2:5".
func listed(days []attendance.PersonDay) string {
	var texts []string
	for _, d := range days {
		texts = append(texts, fmt.Sprintf("%s:%d", d.Person, d.Day.Day))
	}
	return strings.Join(texts, " ")
}

func on(person string, day int) attendance.PersonDay {
	return attendance.PersonDay{Person: person, Day: date(3, day)}
}

// batchOf is a batch of the 5th to the 9th with punches of the given days at 09:00.
func batchOf(days ...attendance.PersonDay) attendance.Batch {
	b := attendance.Batch{Source: "dingtalk", Span: attendance.Span{From: march(5, 0, 0), To: march(10, 0, 0)}, ReadAt: march(10, 12, 0)}
	for _, d := range days {
		if !slices.ContainsFunc(b.Members, func(m attendance.Member) bool { return m.Person == d.Person }) {
			b.Members = append(b.Members, attendance.Member{Person: d.Person, Account: "u" + d.Person})
		}
		b.Punches = append(b.Punches, attendance.Punch{ID: fmt.Sprint(d), Account: "u" + d.Person, Time: march(d.Day.Day, 9, 0), Kind: attendance.Regular, Direction: attendance.In})
	}
	return b
}

func codesOf(w attendance.Written) (codes []string) {
	for _, warning := range w.Warnings {
		codes = append(codes, warning.Code)
	}
	return codes
}

var errHook = errors.New("the hook is out of order")

func failing(int) error { return errHook }

func TestRecalculationTellsOfChangedDaysAndTheirNeighbours(t *testing.T) {
	var book dayBook
	var hook told
	sink := &attendancetest.Sink{}
	r := attendance.NewRecalculation(sink, hook.hook, &attendance.RecalculationOptions{Days: &book, Target: "oa", AddsOnly: true, Now: at(march(9, 10, 0))})
	w, err := r.Write(t.Context(), batchOf(on("1", 6), on("1", 9), on("2", 7)))
	require.NoError(t, err)
	require.Equal(t, 3, w.Written)
	require.Empty(t, w.Warnings)
	require.Equal(t, "1:5 1:6 1:7 1:8 1:9 2:6 2:7 2:8", hook.list(), "and never the 10th, which is tomorrow")
	require.Equal(t, 1, hook.calls)
	require.Empty(t, book.of("oa"))
	require.Empty(t, book.of("oa?"))

	// What was there already changes nothing, and only new days are told.
	w, err = r.Write(t.Context(), batchOf(on("1", 6), on("1", 9), on("2", 7)))
	require.NoError(t, err)
	require.Equal(t, 3, w.Present)
	require.Equal(t, 1, hook.calls)
	_, err = r.Write(t.Context(), batchOf(on("2", 7), on("3", 5)))
	require.NoError(t, err)
	require.Equal(t, "1:5 1:6 1:7 1:8 1:9 2:6 2:7 2:8 3:4 3:5 3:6", hook.list())
	require.Empty(t, book.of("oa?"))

	// A batch without a punch costs nothing.
	calls := book.calls
	_, err = r.Write(t.Context(), attendance.Batch{Source: "dingtalk", Span: batchOf().Span, Members: staff(3)})
	require.NoError(t, err)
	require.Equal(t, calls, book.calls)
}

func TestRecalculationRecordsBeforeItWrites(t *testing.T) {
	for _, addsOnly := range []bool{true, false} {
		var book dayBook
		var during string
		sink := sinkFunc(func(context.Context, attendance.Batch) (attendance.Written, error) {
			during = listed(book.of("oa?"))
			return attendance.Written{Present: 1}, nil
		})
		r := attendance.NewRecalculation(sink, new(told).hook, &attendance.RecalculationOptions{Days: &book, Target: "oa", AddsOnly: addsOnly, Now: at(march(20, 0, 0))})
		_, err := r.Write(t.Context(), batchOf(on("1", 6)))
		require.NoError(t, err)
		require.Equal(t, map[bool]string{true: "1:6", false: "1:5 1:6 1:7 1:8 1:9"}[addsOnly], during)
		require.Empty(t, book.of("oa?"))
		require.Empty(t, book.of("oa"))
	}
}

// A process that ends between the commit and the hook leaves its days to the next one,
// even when no batch comes.
func TestRecalculationAfterAKill(t *testing.T) {
	kills := map[string]func(book *dayBook, hook *told) attendance.Sink{
		"while writing": func(*dayBook, *told) attendance.Sink {
			return sinkFunc(func(context.Context, attendance.Batch) (attendance.Written, error) { panic("killed") })
		},
		"after the commit": func(book *dayBook, _ *told) attendance.Sink {
			return sinkFunc(func(context.Context, attendance.Batch) (attendance.Written, error) {
				book.refuse = func(string) error { panic("killed") }
				return attendance.Written{Written: 1, Days: []attendance.PersonDay{on("1", 6)}}, nil
			})
		},
		"in the hook": func(_ *dayBook, hook *told) attendance.Sink {
			hook.fail = func(int) error { panic("killed") }
			return &attendancetest.Sink{}
		},
	}
	for name, kill := range kills {
		t.Run(name, func(t *testing.T) {
			var book dayBook
			var hook told
			opts := &attendance.RecalculationOptions{Days: &book, Target: "oa", AddsOnly: true, Now: at(march(9, 10, 0))}
			require.PanicsWithValue(t, "killed", func() {
				_, _ = attendance.NewRecalculation(kill(&book, &hook), hook.hook, opts).Write(context.Background(), batchOf(on("1", 6)))
			})
			book.refuse, hook.fail = nil, nil

			left, err := attendance.NewRecalculation(&attendancetest.Sink{}, hook.hook, opts).Recalculate(t.Context(), shanghai())
			require.NoError(t, err)
			require.Empty(t, left)
			require.Equal(t, "1:5 1:6 1:7", hook.list())
			require.Empty(t, book.of("oa"))
			require.Empty(t, book.of("oa?"))
		})
	}
}

// A panic of the sink or the hook is the host's, and leaves the Recalculation usable.
func TestRecalculationAfterAPanic(t *testing.T) {
	var hook told
	inner, broken := &attendancetest.Sink{}, true
	r := attendance.NewRecalculation(sinkFunc(func(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
		w, err := inner.Write(ctx, b)
		if broken {
			panic("sink")
		}
		return w, err
	}), hook.hook, &attendance.RecalculationOptions{AddsOnly: true, Now: at(march(9, 10, 0))})
	require.PanicsWithValue(t, "sink", func() { _, _ = r.Write(context.Background(), batchOf(on("1", 6))) })
	broken = false
	w, err := r.Write(t.Context(), batchOf(on("1", 6)))
	require.NoError(t, err)
	require.Equal(t, 1, w.Present)
	require.Equal(t, "1:5 1:6 1:7", hook.list(), "it was written, and nobody else knows")
	hook.fail = func(int) error { panic("hook") }
	require.PanicsWithValue(t, "hook", func() { _, _ = r.Write(context.Background(), batchOf(on("2", 6))) })
	hook.fail = nil
	left, err := r.Recalculate(t.Context(), shanghai())
	require.NoError(t, err)
	require.Empty(t, left)
	require.Equal(t, "1:5 1:6 1:7 2:5 2:6 2:7", hook.list())
}

func TestAFailingHookCostsNoPunch(t *testing.T) {
	var book dayBook
	hook := told{fail: failing}
	sink := &attendancetest.Sink{}
	r := attendance.NewRecalculation(sink, hook.hook, &attendance.RecalculationOptions{Days: &book, Target: "oa", AddsOnly: true, Now: at(march(9, 10, 0))})
	for day := 5; day <= 9; day++ {
		w, err := r.Write(t.Context(), batchOf(on("1", day), on("2", day)))
		require.NoError(t, err)
		require.Equal(t, 2, w.Written)
		require.Equal(t, []string{"not_recalculated"}, codesOf(w))
		require.Contains(t, w.Warnings[0].Message, fmt.Sprintf("2026-03-%02d", day))
		require.Contains(t, w.Warnings[0].Message, errHook.Error())
	}
	require.Len(t, sink.All(), 10)
	require.Equal(t, 2, hook.calls, "it is left alone for one write, then for two")
	require.Len(t, book.of("oa"), 10)
	require.Empty(t, book.of("oa?"))

	left, err := r.Recalculate(t.Context(), shanghai())
	require.ErrorIs(t, err, errHook)
	require.Equal(t, book.of("oa"), left)

	// The next write does what is left, also when it changes nothing itself.
	hook.fail = nil
	for range 5 {
		w, err := r.Write(t.Context(), batchOf(on("1", 5)))
		require.NoError(t, err)
		require.Empty(t, w.Warnings)
	}
	require.Equal(t, "1:4 1:5 1:6 1:7 1:8 1:9 2:4 2:5 2:6 2:7 2:8 2:9", hook.list())
	require.Empty(t, book.of("oa"))
	calls := hook.calls
	_, err = r.Write(t.Context(), batchOf(on("1", 5)))
	require.NoError(t, err)
	require.Equal(t, calls, hook.calls)
}

// Days owed from before are not forgiven by a write that did not change them.
func TestRecalculationKeepsOldDebts(t *testing.T) {
	var book dayBook
	hook := told{fail: failing}
	sink := &attendancetest.Sink{}
	opts := &attendance.RecalculationOptions{Days: &book, Target: "oa", Now: at(march(9, 10, 0))}
	_, err := attendance.NewRecalculation(sink, hook.hook, opts).Write(t.Context(), batchOf(on("1", 6)))
	require.NoError(t, err)
	_, err = attendance.NewRecalculation(sink, hook.hook, opts).Write(t.Context(), batchOf(on("1", 6)))
	require.NoError(t, err)
	require.Equal(t, "1:6", listed(book.of("oa")))
	require.Empty(t, book.of("oa?"))
}

func TestManyOwedDaysAreToldInPortions(t *testing.T) {
	var book dayBook
	var owed []attendance.PersonDay
	for person := range 700 {
		owed = append(owed, on(fmt.Sprint(person), 5), on(fmt.Sprint(person), 7), on(fmt.Sprint(person), 12))
	}
	hook := told{}
	r := attendance.NewRecalculation(&attendancetest.Sink{}, hook.hook, &attendance.RecalculationOptions{Days: &book, Target: "oa", Now: at(march(9, 10, 0))})
	require.NoError(t, r.Owe(t.Context(), owed))
	hook.fail = func(call int) error {
		if call == 4 {
			return errHook
		}
		return nil
	}
	left, err := r.Recalculate(t.Context(), shanghai())
	require.ErrorIs(t, err, errHook)
	require.Len(t, left, 1000)
	require.Less(t, len(book.of("oa")), 2100, "what was told is not owed any more")

	left, err = r.Recalculate(t.Context(), shanghai())
	require.NoError(t, err)
	require.Empty(t, left)
	require.Len(t, book.of("oa"), 700, "the days of the future wait until they come")
	require.Len(t, hook.days, 700*5)
}

func TestAWriteOfUnknownOutcomeMayHaveChangedAll(t *testing.T) {
	for name, test := range map[string]struct {
		written attendance.Written
		err     error
		want    string
	}{
		"nobody knows":      {err: &attendance.Error{Code: attendance.CodeStoreDown, Detail: "gone"}, want: "1:5 1:6 1:7"},
		"a part is stored":  {written: attendance.Written{Present: 1}, err: &attendance.Error{Code: attendance.CodeStore}, want: ""},
		"no table for it":   {err: &attendance.Error{Code: attendance.CodeTable}, want: ""},
		"a removal outside": {written: attendance.Written{Removed: 1, Days: []attendance.PersonDay{on("8", 3)}}, want: "8:2 8:3 8:4"},
	} {
		t.Run(name, func(t *testing.T) {
			var hook told
			r := attendance.NewRecalculation(sinkFunc(func(context.Context, attendance.Batch) (attendance.Written, error) { return test.written, test.err }),
				hook.hook, &attendance.RecalculationOptions{AddsOnly: true, Now: at(march(9, 10, 0))})
			w, err := r.Write(t.Context(), batchOf(on("1", 6)))
			require.Equal(t, test.err, err)
			require.Empty(t, w.Warnings)
			_, err = r.Recalculate(t.Context(), shanghai())
			require.NoError(t, err)
			require.Equal(t, test.want, hook.list())
		})
	}
}

func TestRecalculationWithoutItsStore(t *testing.T) {
	book := dayBook{refuse: func(string) error {
		return &attendance.Error{Code: attendance.CodeStoreDown, Op: "state", Detail: "no disk"}
	}}
	var hook told
	r := attendance.NewRecalculation(&attendancetest.Sink{}, hook.hook, &attendance.RecalculationOptions{Days: &book, Target: "oa", AddsOnly: true, Now: at(march(9, 10, 0))})
	w, err := r.Write(t.Context(), batchOf(on("1", 6)))
	require.NoError(t, err)
	require.Equal(t, 1, w.Written, "punches count more")
	require.Equal(t, []string{"days_unrecorded"}, codesOf(w))
	require.Contains(t, w.Warnings[0].Message, "no disk")
	require.Equal(t, "1:5 1:6 1:7", hook.list())

	// With the hook down too, the days are kept until the store takes them.
	hook.fail = failing
	w, err = r.Write(t.Context(), batchOf(on("2", 6)))
	require.NoError(t, err)
	require.Equal(t, []string{"not_recalculated", "days_unrecorded"}, codesOf(w))
	left, err := r.Recalculate(t.Context(), shanghai())
	require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err))
	require.Equal(t, "1:6 2:6", listed(left))
	book.refuse, hook.fail = nil, nil
	left, err = r.Recalculate(t.Context(), shanghai())
	require.NoError(t, err)
	require.Empty(t, left)
	require.Equal(t, "1:5 1:6 1:7 2:5 2:6 2:7", hook.list())
	require.Empty(t, book.of("oa"))
	require.Empty(t, book.of("oa?"))
}

// While a day is written again, an older call of the hook does not settle it.
func TestAnOlderHookDoesNotSettleANewerChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book dayBook
		hook := told{}
		inHook, goOn := make(chan struct{}, 9), make(chan struct{})
		hook.fail = func(call int) error {
			if inHook <- struct{}{}; call == 1 {
				<-goOn
				return nil
			}
			return errHook
		}
		r := attendance.NewRecalculation(sinkFunc(func(_ context.Context, b attendance.Batch) (attendance.Written, error) {
			return attendance.Written{Written: len(b.Punches), Days: []attendance.PersonDay{on("1", 6)}}, nil
		}), func(ctx context.Context, days []attendance.PersonDay) error { return hook.hook(ctx, days) },
			&attendance.RecalculationOptions{Days: &book, Target: "oa", AddsOnly: true, Now: at(march(9, 10, 0))})
		var group sync.WaitGroup
		write := func() { _, _ = r.Write(t.Context(), batchOf(on("1", 6))) }
		group.Go(write)
		<-inHook // the first one tells, and the second one commits meanwhile
		group.Go(write)
		synctest.Wait()
		close(goOn)
		group.Wait()
		require.Equal(t, "1:6", listed(book.of("oa")), "the second one's hook failed")
		require.Empty(t, book.of("oa?"))
	})
}

// A hook that hangs is not waited for longer than the run.
func TestRecalculationEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var book dayBook
		r := attendance.NewRecalculation(&attendancetest.Sink{}, func(ctx context.Context, _ []attendance.PersonDay) error {
			<-ctx.Done()
			return ctx.Err()
		}, &attendance.RecalculationOptions{Days: &book, Target: "oa", Now: at(march(9, 10, 0))})
		var group sync.WaitGroup
		for person := range 3 {
			group.Go(func() {
				w, err := r.Write(ctx, batchOf(on(fmt.Sprint(person), 6)))
				if err != nil || w.Written != 1 || !slices.Equal(codesOf(w), []string{"not_recalculated"}) {
					panic(fmt.Sprint(w, err))
				}
			})
		}
		group.Wait()
		left, err := r.Recalculate(ctx, shanghai())
		require.Equal(t, context.DeadlineExceeded, err)
		require.Len(t, left, 3)
		_, err = r.Write(ctx, batchOf(on("9", 6)))
		require.Equal(t, context.DeadlineExceeded, err, "nothing is begun any more")
	})
}

// At least once, whatever fails when: each day that changed is told after its change.
func TestRecalculationAtLeastOnce(t *testing.T) {
	for seed := range uint64(40) {
		dice := rand.New(rand.NewPCG(seed, 7))
		var mu sync.Mutex
		roll := func(n int) bool {
			mu.Lock()
			defer mu.Unlock()
			return dice.IntN(n) == 0
		}
		version, seen := map[attendance.PersonDay]int{}, map[attendance.PersonDay]int{}
		book := dayBook{refuse: func(string) error {
			if roll(20) {
				return errHook
			}
			return nil
		}}
		sink := sinkFunc(func(_ context.Context, b attendance.Batch) (attendance.Written, error) {
			var w attendance.Written
			for _, p := range b.Punches {
				d := attendance.PersonDay{Person: p.Account[1:], Day: attendance.DateOf(p.Time)}
				if roll(2) {
					mu.Lock()
					version[d]++
					mu.Unlock()
					w.Written++
					w.Days = append(w.Days, d)
				} else {
					w.Present++
				}
			}
			if roll(6) {
				return attendance.Written{}, errHook // the answer to the commit was lost
			}
			return w, nil
		})
		var broken bool
		hook := func(_ context.Context, days []attendance.PersonDay) error {
			mu.Lock()
			now := maps.Clone(version)
			mu.Unlock()
			if broken && roll(3) {
				return errHook
			}
			mu.Lock()
			defer mu.Unlock()
			for _, d := range days {
				seen[d] = max(seen[d], now[d])
			}
			return nil
		}
		broken = true
		opts := &attendance.RecalculationOptions{Days: &book, Target: "oa", AddsOnly: true, Now: at(march(20, 0, 0))}
		r := attendance.NewRecalculation(sink, hook, opts)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for range 30 {
					mu.Lock()
					b := batchOf(on(fmt.Sprint(dice.IntN(3)), 5+dice.IntN(5)), on("9", 5+dice.IntN(5)))
					mu.Unlock()
					_, _ = r.Write(context.Background(), b)
				}
			})
		}
		group.Wait()
		broken, book.refuse = false, nil
		if left, err := r.Recalculate(t.Context(), shanghai()); err != nil || len(left) > 0 {
			t.Fatal(seed, left, err)
		}
		for d, n := range version {
			require.Equal(t, n, seen[d], "seed %d, %v", seed, d)
		}
		require.Empty(t, book.of("oa"), "seed %d", seed)
	}
}

func TestRecalculationKeepsTheRolesOfItsSink(t *testing.T) {
	r := attendance.NewRecalculation(onlyPreviewing{}, nil, nil)
	_, ok := attendance.As[attendance.Previewer](r)
	require.True(t, ok)
	_, ok = attendance.As[attendance.Checker](r)
	require.False(t, ok)
}

type onlyPreviewing struct{ attendance.Sink }

func (onlyPreviewing) Preview(context.Context, attendance.Batch) (attendance.Preview, error) {
	return attendance.Preview{}, nil
}

func TestNeighboursEndToday(t *testing.T) {
	days := []attendance.PersonDay{{Person: "1", Day: date(2, 28)}, {Person: "1", Day: date(3, 1)}}
	require.Equal(t, []attendance.PersonDay{{Person: "1", Day: date(2, 27)}, {Person: "1", Day: date(2, 28)}, {Person: "1", Day: date(3, 1)}},
		attendance.WithNeighbours(days, date(3, 1)))
	require.Len(t, attendance.WithNeighbours(days, date(3, 9)), 4)
}

func TestNotRecalculatedIsBounded(t *testing.T) {
	var days []attendance.PersonDay
	for person := range 2000 {
		days = append(days, on(fmt.Sprintf("p%04d", person), 5))
	}
	w := attendance.NotRecalculated(days, &attendance.Error{Code: attendance.CodeMalformed, Op: "hook", Detail: "HTML", Mend: attendance.Text{EN: "mend", ZH: "处理"}})
	require.Equal(t, "not_recalculated", w.Code)
	require.Contains(t, w.Message, "malformed: hook: HTML; 处理 / mend")
	require.Contains(t, w.Message, "p0999: 2026-03-05; and 1000 more")
	require.NotContains(t, w.Message, "p1000")
	require.Contains(t, attendance.NotRecalculated([]attendance.PersonDay{on("1", 5), on("1", 6), on("2", 5)}, errHook).Message, ": 1: 2026-03-05, 2026-03-06; 2: 2026-03-05")
}
