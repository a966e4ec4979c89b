package sinktest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/punchbridge/punchbridge/attendance"
)

func write(t testing.TB, target Target, b attendance.Batch) attendance.Written {
	t.Helper()
	w, err := target.Sink(t).Write(context.Background(), b)
	if err != nil {
		t.Fatalf("Write: %v", err)
	}
	return w
}

// holds checks that the target holds exactly the rows of these punches.
func holds(t testing.TB, target Target, f Features, punches ...attendance.Punch) {
	t.Helper()
	compare(t, withoutAddress(target.Rows(t)), rowsOf(punches, f))
}

func rowsOf(punches []attendance.Punch, f Features) []Row {
	rows := make([]Row, len(punches))
	for i, p := range punches {
		rows[i] = rowOf(p, beijing(), f)
	}
	return rows
}

func withoutAddress(rows []Row) []Row {
	bare := slices.Clone(rows)
	for i := range bare {
		bare[i].Address = ""
	}
	return bare
}

func compare(t testing.TB, got, want []Row) {
	t.Helper()
	count := make(map[Row]int)
	for _, r := range withoutAddress(got) {
		count[r]++
	}
	for _, r := range withoutAddress(want) {
		count[r]--
	}
	keys := slices.SortedFunc(maps.Keys(count), func(a, b Row) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, r := range keys {
		switch n := count[r]; {
		case n > 0:
			t.Errorf("the target holds %d rows %+v too many", n, r)
		case n < 0:
			t.Errorf("the target lacks %d rows %+v", -n, r)
		}
	}
}

func equal(t testing.TB, what string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d, want %d", what, got, want)
	}
}

func field(i, minutes int) attendance.Punch {
	p := punch(i, minutes, attendance.Undirected)
	p.Kind = attendance.Field
	return p
}

func outside(i, minutes int) attendance.Punch {
	p := punch(i, minutes, attendance.Out)
	p.Kind = attendance.Outside
	return p
}

func day(d int) attendance.Date { return attendance.Date{Year: 2026, Month: 3, Day: d} }

func itoa(n int) string { return strconv.Itoa(n) }
