package attendancetest

import (
	"context"
	"fmt"
	"iter"

	"github.com/punchbridge/punchbridge/attendance"
)

// Rows implements [attendance.RowReader]. The table is "rows", and every row is ours.
func (s *Sink) Rows(ctx context.Context, persons []string, span attendance.Span) iter.Seq2[attendance.Row, error] {
	return func(yield func(attendance.Row, error) bool) {
		wanted := make(map[string]bool, len(persons))
		for _, p := range persons {
			wanted[p] = true
		}
		for _, r := range s.All() {
			if err := ctx.Err(); err != nil {
				yield(attendance.Row{}, err)
				return
			}
			if !wanted[r.Person] || !span.Contains(r.Time) {
				continue
			}
			row := attendance.Row{Table: "rows", Person: r.Person, Time: r.Time.In(span.Zone()), Kind: r.Kind, Direction: r.Direction, Place: r.Place, Ours: true}
			row.ID = fmt.Sprintf("%s/%d/%v/%v", r.Person, r.Time.Unix(), r.Kind, r.Direction)
			if !yield(row, nil) {
				return
			}
		}
	}
}
