package sinktest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// rowReader is the sink's role, if it has it.
func rowReader(t testing.TB, target Target) attendance.RowReader {
	t.Helper()
	r, ok := attendance.As[attendance.RowReader](target.Sink(t))
	if !ok {
		t.Skip("the sink is no attendance.RowReader")
	}
	return r
}

// read are the rows that the reader tells.
func read(t testing.TB, r attendance.RowReader, span attendance.Span, persons ...string) []attendance.Row {
	t.Helper()
	var rows []attendance.Row
	for row, err := range r.Rows(context.Background(), persons, span) {
		if err != nil {
			t.Fatalf("Rows: %v", err)
		}
		rows = append(rows, row)
	}
	return rows
}

func rowsRead(t testing.TB, target Target, f Features) {
	r := rowReader(t, target)
	stranger := Row{Person: "102", Second: "2026-03-02 07:59:59", Direction: attendance.Out}
	other, foreign := target.(Foreigner)
	if foreign {
		other.PutForeign(t, stranger)
	}
	write(t, target, batch(12, punch(0, 0, attendance.In), punch(0, 600, attendance.Out), outside(0, 90), field(1, 30), punch(2, 0, attendance.In),
		punch(11, 0, attendance.In), punch(1, 0, attendance.In)))
	everybody := []string{"112", "101", "103", "102", "104", "101"} // 104 has no rows, 101 stands twice
	got := read(t, r, week(beijing()), everybody...)
	told := make([]Row, len(got))
	for i, row := range got {
		told[i] = Row{Person: row.Person, Second: row.Time.Format(time.DateTime), Direction: row.Direction, Apart: f.Apart && row.Kind != attendance.Regular}
		if row.Time.Location().String() != beijing().String() {
			t.Errorf("the time %v is not in the span's zone", row.Time)
		}
		if row.Ours && foreign && row.Person == stranger.Person && row.Time.Format(time.DateTime) == stranger.Second {
			t.Errorf("another writer's row is told as ours: %+v", row)
		}
	}
	compare(t, told, target.Rows(t))
	if !slices.IsSortedFunc(got, func(a, b attendance.Row) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), a.Time.Compare(b.Time), cmp.Compare(a.Table, b.Table))
	}) {
		t.Errorf("the rows do not come by person, time and table")
	}
	ids := make(map[[2]string]bool)
	for _, row := range got {
		if id := [2]string{row.Table, row.ID}; row.ID == "" || ids[id] {
			t.Errorf("the row has no id of its own in its table: %+v", row)
		} else {
			ids[id] = true
		}
	}
	again := read(t, r, week(beijing()), everybody...)
	if !slices.EqualFunc(again, got, func(a, b attendance.Row) bool {
		same := a.Time.Equal(b.Time)
		a.Time, b.Time = time.Time{}, time.Time{} // each has its own pointer to the zone
		return same && a == b
	}) {
		t.Errorf("read again, the rows are others: %v, not %v", again, got)
	}
}

func rowsWithin(t testing.TB, target Target, f Features) {
	r := rowReader(t, target)
	in, out := punch(0, 0, attendance.In), punch(0, 600, attendance.Out)
	write(t, target, batch(2, in, out, punch(1, 0, attendance.In)))
	day := attendance.Span{From: in.Time, To: out.Time} // the end is not in it
	for i, of := range []struct {
		span    attendance.Span
		persons []string
		want    int
	}{
		{day, []string{"101"}, 1},
		{day, []string{"101", "102"}, 2},
		{attendance.Span{From: in.Time.Add(time.Second), To: out.Time.Add(time.Second)}, []string{"101"}, 1},
		{attendance.Span{From: in.Time, To: in.Time}, []string{"101"}, 0},
		{day, nil, 0},
		{day, []string{"199"}, 0},
		{attendance.Span{From: in.Time.AddDate(0, 0, 1), To: out.Time.AddDate(0, 0, 1)}, []string{"101", "102"}, 0},
	} {
		if got := read(t, r, of.span, of.persons...); len(got) != of.want {
			t.Errorf("question %d was answered with %d rows, want %d: %+v", i, len(got), of.want, got)
		}
	}
	before := target.Rows(t)
	for _, err := range r.Rows(context.Background(), []string{"101", "102"}, week(beijing())) {
		if err != nil {
			t.Errorf("Rows: %v", err)
		}
		break // and the stream ends
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	var last error
	for _, err := range r.Rows(ended, []string{"101", "102"}, week(beijing())) {
		last = err
	}
	if !errors.Is(last, context.Canceled) || attendance.CodeOf(last) != "" {
		t.Errorf("Rows with an ended context ended with %v, want context.Canceled itself", last)
	}
	compare(t, target.Rows(t), before)
}
