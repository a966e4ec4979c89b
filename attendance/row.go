package attendance

import (
	"context"
	"iter"
	"time"
)

// A RowReader is an optional role of a [Sink]: what does the target hold?
type RowReader interface {
	// Rows streams the rows of the persons whose time lies in the span, of every table
	// and every writer, by person, time and table, under the stream contract of
	// [Scope.Members]. Times are read by the wall clock of the span's zone; rows
	// without a time that can be read are left out. It takes up to 1,000 persons, of
	// whom repeated ones count once and unknown ones have no rows. It needs no right
	// but to read, and takes no lock.
	Rows(ctx context.Context, persons []string, span Span) iter.Seq2[Row, error]
}

// A Row is a row of the target that stands for a punch.
type Row struct {
	Table  string
	ID     string // the row's own id in its table
	Person string
	Time   time.Time
	// Kind and Direction as far as the table tells them.
	Kind      Kind
	Direction Direction
	Place     Place
	// Hidden says that the target does not show the row (e-cology: isInCom is not 1).
	Hidden bool
	// Tag names who wrote it (e-cology: signFrom); "" where nobody is named.
	Tag string
	// Ours says that it carries our tag, or that a ledger proves it ours.
	Ours bool
	// Run is the run that wrote it, as far as a ledger tells; Record the platform's
	// record id.
	Run, Record string
}
