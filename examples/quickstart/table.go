package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// progress prints one line for every slice of work.
func progress(out io.Writer, e attendance.Event) {
	s := e.Slice
	fmt.Fprintf(out, "  %s: %d 人 people, %d read, %d written\n",
		s.Slice.Span.From.Format("2006-01-02"), len(s.Slice.Members), s.Read, s.Written)
}

// printWeek prints what the OA's attendance report shows of a person, and the
// entries of its page of outside punches.
func printWeek(ctx context.Context, out io.Writer, oa *ecologytest.OA, person int64, first, last attendance.Date) error {
	field, err := oa.FieldPage(ctx)
	if err != nil {
		return err
	}
	row(out, "日期 day", "签到 in", "签退 out", "外勤 field")
	for day := first; !last.Before(day); day = day.Add(1) {
		shown, err := oa.ShownE8(ctx, person, day.String())
		if err != nil {
			return err
		}
		var visits []string
		for _, entry := range field {
			// The page also lists ordinary punches that have coordinates.
			if entry.Person == person && entry.Date == day.String() && strings.HasPrefix(entry.Unique, "sign") {
				visits = append(visits, entry.Time+" "+entry.Address)
			}
		}
		row(out, day.String(), shown.In, shown.Out, strings.Join(visits, ", "))
	}
	return nil
}

// row prints cells in columns; a Chinese character is two columns wide.
func row(out io.Writer, cells ...string) {
	var line strings.Builder
	for _, cell := range cells {
		width := 0
		for _, r := range cell {
			if width++; r > 0x2e80 {
				width++
			}
		}
		line.WriteString(cell + strings.Repeat(" ", max(0, 12-width)))
	}
	fmt.Fprintln(out, " ", strings.TrimRight(line.String(), " "))
}
