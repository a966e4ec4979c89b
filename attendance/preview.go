package attendance

import (
	"context"
	"time"
)

// A Previewer is an optional role of a [Sink]: what would Write do?
type Previewer interface {
	// Preview compares the batch with what the target holds, as Write does, and
	// changes nothing. Written counts what Write would have done. It is safe for
	// concurrent use; errors are those of Write.
	Preview(ctx context.Context, b Batch) (Preview, error)
}

// A Preview is what a Write would do.
type Preview struct {
	Written
	// Rows are the rows that would change, by person and time.
	Rows []RowChange
}

// A RowChange is one row of the target that would change.
type RowChange struct {
	Table  string
	Person string
	// Direction is the row's, Time where it stands, or would stand, in the zone of the
	// batch's span, to the second.
	Direction Direction
	Time      time.Time
	Action    Action
	// Was is where the row stands now, of a row that would be moved.
	Was time.Time
}

// Action is what would be done to a row.
type Action string

// The actions.
const (
	ActionAdd    Action = "add"
	ActionMove   Action = "move"
	ActionRemove Action = "remove"
	ActionKeep   Action = "superseded" // a row of ours that the platform has no longer, and that stays
)
