package storetest

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

func background() context.Context { return context.Background() }

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("failed: %v", err)
	}
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func remember(t testing.TB, s attendance.Store, changes ...attendance.Change) {
	t.Helper()
	ok(t, s.Remember(background(), stream(), changes))
}

// recall returns what is known of the persons, in the order of their bytes.
func recall(t testing.TB, s attendance.Store, persons ...string) []attendance.Coverage {
	t.Helper()
	known, err := s.Recall(background(), stream(), persons)
	ok(t, err)
	for _, c := range known {
		settled(t, c)
	}
	slices.SortFunc(known, byBytes)
	return known
}

// the returns what is known of one person with one account.
func the(t testing.TB, s attendance.Store, person string) attendance.Coverage {
	t.Helper()
	known := recall(t, s, person)
	if len(known) != 1 {
		t.Fatalf("%d coverages of %q, want 1: %+v", len(known), person, known)
	}
	return known[0]
}

func byBytes(a, b attendance.Coverage) int {
	return slices.Compare([]string{a.Person, a.Account}, []string{b.Person, b.Account})
}

// settled checks that spans are a set and that all times are in UTC.
func settled(t testing.TB, c attendance.Coverage) {
	t.Helper()
	aSet(t, c.Covered)
	for _, when := range []time.Time{c.First, c.Last, c.Gone, c.Refused, c.Asked, c.Punched} {
		if when.Location() != time.UTC || when.Nanosecond() != 0 {
			t.Fatalf("%v of %+v is not a whole second in UTC", when, c)
		}
	}
}

func aSet(t testing.TB, spans attendance.Spans) {
	t.Helper()
	for i, s := range spans {
		switch {
		case s.Empty():
			t.Fatalf("%v is empty, in %v", s, spans)
		case i > 0 && !s.From.After(spans[i-1].To):
			t.Fatalf("%v and %v overlap, touch or are not in order", spans[i-1], s)
		case s.From.Location() != time.UTC || s.To.Location() != time.UTC:
			t.Fatalf("%v is not in UTC", s)
		}
	}
}

// sameSpans compares two sets.
func sameSpans(t testing.TB, what string, got attendance.Spans, want ...attendance.Span) {
	t.Helper()
	aSet(t, got)
	if fmt.Sprint(got) != fmt.Sprint(attendance.Spans(want)) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func all[V any](t testing.TB, stream iter.Seq2[V, error]) []V {
	t.Helper()
	var list []V
	for v, err := range stream {
		ok(t, err)
		list = append(list, v)
	}
	return list
}

// atOnce runs f in n goroutines that begin together and returns their errors.
func atOnce(t testing.TB, n int, f func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	for _, err := range errs {
		ok(t, err)
	}
}

// bits is a set of seconds after noon, the model that spans are compared with.
type bits []bool

func (b bits) set(from, to int, value bool) {
	for i := max(0, from); i < min(to, len(b)); i++ {
		b[i] = value
	}
}

func (b bits) spans() attendance.Spans {
	var spans attendance.Spans
	for i := 0; i < len(b); i++ {
		if from := i; b[i] {
			for i < len(b) && b[i] {
				i++
			}
			spans = append(spans, span(from, i))
		}
	}
	return spans
}
