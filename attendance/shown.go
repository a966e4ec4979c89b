package attendance

import (
	"context"
	"time"
)

// A Shower is an optional role of a [Sink]: what does the target show of a person's day?
type Shower interface {
	// Shown tells what the target's report shows of the person's day, and which rows it
	// makes that of. The day is a calendar day in zone, by whose wall clock rows are
	// read. Somebody unknown has no rows. It needs no right but to read, takes no lock
	// and changes nothing.
	Shown(ctx context.Context, person string, day Date, zone *time.Location) (Shown, error)
}

// Shown is what a target shows of one person's day.
type Shown struct {
	// In and Out are the sign-in and the sign-out that the report shows, once the day
	// is computed; zero where it shows none.
	In, Out time.Time
	// Rule says, for people, how the target makes them of the rows.
	Rule Text
	// Calendar says that every row counts on its own calendar day: a sign-out after
	// midnight is shown on the next day.
	Calendar bool
	// Typeless says that the report looks at no direction, so that a row of another
	// writer of the same second makes two punches of one.
	Typeless bool
	// Computed tells of targets that show computed days.
	Computed Computed
	// Rows are those of the day, the day before and the day after, of every table and
	// writer, by time and table.
	Rows []ShownRow
}

// A ShownRow is a row as the report sees it.
type ShownRow struct {
	Row
	// Counted says that the report looks at the row, on its own day or another.
	Counted bool
	// Apart says that the row stands in a table that the report never looks at.
	Apart bool
	// Why says why it is not counted.
	Why Text
}

// Computed says whether a day that is shown is up to date.
type Computed uint8

// The states of a day.
const (
	// ComputedLive: rows are shown as they are.
	ComputedLive Computed = iota
	// ComputedWaiting: the day waits to be computed anew.
	ComputedWaiting
	// ComputedDone: it was computed since it was asked for.
	ComputedDone
	// ComputedUnknown: nothing waits; it was computed, or nobody asked for it.
	ComputedUnknown
	// ComputedUntold: nobody asks this target to compute days.
	ComputedUntold
)
