package storetest

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

func cancelled(t testing.TB, s attendance.Store) {
	remember(t, s, attendance.Change{Person: "1", Account: "a", Covered: span(0, 1)})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	id := stream()
	first := func(errs ...error) error { return errs[0] }
	var owed, known, holder, held, claimed, last, tallies, days error
	_, owed = s.Owed(ctx, id)
	_, known = s.Recall(ctx, id, []string{"1"})
	_, holder = s.Lease(ctx, "l", "o", at(0), attendance.Holder{})
	_, held = s.Beat(ctx, "l", "o", at(0))
	_, claimed = s.Tick(ctx, "j", at(0), "o")
	_, last = s.LastTick(ctx, "j")
	_, _, spending := s.Spend(ctx, "c", "m", 1, 2)
	_, tallies = s.Tallies(ctx, id, day(1), day(2))
	_, days = s.OwedDays(ctx, "oa", 1)
	for what, err := range map[string]error{
		"Owed": owed, "Recall": known, "Lease": holder, "Beat": held, "Tick": claimed, "LastTick": last, "Spend": spending, "Tallies": tallies, "OwedDays": days,
		"Owe":      s.Owe(ctx, id, span(0, 1), time.Time{}),
		"Remember": s.Remember(ctx, id, []attendance.Change{{Person: "2", Covered: span(0, 1)}}),
		"BeginRun": s.BeginRun(ctx, begun("r", at(0))), "EndRun": s.EndRun(ctx, begun("r", at(0))), "AddSlice": s.AddSlice(ctx, "r", fullSlice(1)),
		"Prune": s.Prune(ctx, at(0), at(0)), "Release": s.Release(ctx, "l", "o"),
		"Reject": s.Reject(ctx, id, members("1"), span(0, 1), at(0), nil),
		"Tally":  s.Tally(ctx, id, []attendance.Tally{{Day: day(1)}}), "OweDays": s.OweDays(ctx, "oa", []attendance.PersonDay{{Person: "1", Day: day(1)}}),
		"SettleDays": s.SettleDays(ctx, "oa", []attendance.PersonDay{{Person: "1", Day: day(1)}}),
		"People":     first(errorsOf(s.People(ctx, id))...), "Runs": first(errorsOf(s.Runs(ctx, attendance.RunFilter{}))...),
		"Slices": first(errorsOf(s.Slices(ctx, "r"))...), "Rejected": first(errorsOf(s.Rejected(ctx, id, attendance.Span{}))...),
	} {
		if err != context.Canceled {
			t.Errorf("%s with an ended context returned %v, want context.Canceled itself", what, err)
		}
	}
	equal(t, "known after a change that was cancelled", len(recall(t, s, "1", "2")), 1)
}

// errorsOf runs a stream that must yield one error and nothing else.
func errorsOf[V any](stream iter.Seq2[V, error]) []error {
	var errs []error
	for v, err := range stream {
		if err == nil {
			err = fmt.Errorf("a value was yielded: %+v", v)
		}
		errs = append(errs, err)
	}
	switch len(errs) {
	case 1:
		return errs
	case 0:
		return []error{nil}
	default:
		return []error{fmt.Errorf("%d pairs were yielded", len(errs))}
	}
}

func cancelledInLoop(t testing.TB, s attendance.Store) {
	for i := range 3 {
		person := fmt.Sprint(i)
		remember(t, s, attendance.Change{Person: person, Account: "a", Covered: span(0, 1)})
		ok(t, s.BeginRun(background(), begun(person, at(i))))
		ok(t, s.AddSlice(background(), "0", fullSlice(i)))
		reject(t, s, members(person), span(0, 10), at(0), record(person, 1, "x"))
	}
	endsLoop(t, "People", func(ctx context.Context) iter.Seq2[attendance.Coverage, error] { return s.People(ctx, stream()) })
	endsLoop(t, "Runs", func(ctx context.Context) iter.Seq2[attendance.RunRecord, error] {
		return s.Runs(ctx, attendance.RunFilter{})
	})
	endsLoop(t, "Slices", func(ctx context.Context) iter.Seq2[attendance.SliceRecord, error] { return s.Slices(ctx, "0") })
	endsLoop(t, "Rejected", func(ctx context.Context) iter.Seq2[attendance.Rejected, error] {
		return s.Rejected(ctx, stream(), attendance.Span{})
	})
}

func endsLoop[V any](t testing.TB, what string, stream func(ctx context.Context) iter.Seq2[V, error]) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var seen []error
	for _, err := range stream(ctx) {
		seen = append(seen, err)
		cancel()
	}
	if len(seen) != 2 || seen[0] != nil || seen[1] != context.Canceled {
		t.Errorf("%s: a loop whose context ends after the first value saw %v, want no error and then context.Canceled itself", what, seen)
	}
}
