package attendance

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// The reasons of punches of which the target itself did not keep the row.
const (
	// RowRefused: the target refuses the row (a unique index, a CHECK, a trigger).
	RowRefused Reason = "row_refused"
	// RowChanged: the target does not keep the row as it is sent (a trigger, a column
	// that cuts), so that it would not be found again; it was taken back.
	RowChanged Reason = "row_changed"
)

// An UnwrittenRow is a row that the target does not take as it is. The rest of the
// batch is written without it.
//
// It counts as read: it is offered again only as long as its time is read anyway.
type UnwrittenRow struct {
	Person  string `json:"person"`
	Account string `json:"account,omitempty"`
	// ID is the platform's record id; may be empty.
	ID        string    `json:"id,omitempty"`
	Time      time.Time `json:"time"` // by the wall clock of the batch
	Kind      Kind      `json:"kind"`
	Direction Direction `json:"direction"`
	Table     string    `json:"table"` // as the target calls it
	// Reason is RowRefused or RowChanged, Detail the target's own words or, of a
	// changed row, what was sent and what was found.
	Reason Reason `json:"reason"`
	Detail string `json:"detail"`
	// Known says that a run before this one had the same of it, as far as is
	// remembered ([Memory].Rejected).
	Known bool `json:"known,omitempty"`
}

// Err is the row as an error, of [CodeRowRefused] or [CodeRowChanged].
func (u UnwrittenRow) Err() *Error {
	what := "refuses"
	if u.Reason == RowChanged {
		what = "does not keep"
	}
	return &Error{Code: u.Reason.rowCode(), Op: "write", Detail: fmt.Sprintf("%s %s the row of person %s at %s: %s",
		u.Table, what, u.Person, u.Time.Format(time.DateTime), u.Detail)}
}

func (r Reason) rowCode() Code {
	if r == RowChanged {
		return CodeRowChanged
	}
	return CodeRowRefused
}

// Failure is the row as a part of a run that was not done.
func (u UnwrittenRow) Failure() Failure {
	err := u.Err()
	second := u.Time.Truncate(time.Second)
	return Failure{[]string{u.Person}, Span{second, second.Add(time.Second)}, err.Code, err.Error(), err}
}

// record is the row as it is remembered.
func (u UnwrittenRow) record() Rejected {
	return Rejected{Person: u.Person, Account: u.Account, ID: u.ID, Time: u.Time.Truncate(time.Second), Reason: u.Reason, Detail: u.Detail}
}

// A rejectedKey is what a record is about, whatever is said of it.
type rejectedKey struct {
	person, account, id string
	second              int64
	reason              Reason
}

func (r Rejected) key() rejectedKey {
	return rejectedKey{r.Person, r.Account, r.ID, r.Time.Unix(), r.Reason}
}

// recognise marks the rows that an earlier run could not write either.
func (r *run) recognise(ctx context.Context, rows []UnwrittenRow) {
	if len(rows) == 0 || r.memory == nil || r.opts.Memory.Rejected == nil {
		return
	}
	around := Span{rows[0].Time, rows[0].Time}
	for _, u := range rows {
		around = Span{earlier(around.From, u.Time), later(around.To, u.Time.Add(time.Second))}
	}
	around.From = around.From.Truncate(time.Second)
	remembered := make(map[rejectedKey]bool)
	for known, err := range r.opts.Memory.Rejected.Rejected(ctx, r.memory.stream, around) {
		if err != nil {
			r.forget(err)
			return
		}
		remembered[known.key()] = true
	}
	for i := range rows {
		rows[i].Known = rows[i].Known || remembered[rows[i].record().key()]
	}
}

// allKnown reports whether there are rows, and none of them is new.
func allKnown(rows []UnwrittenRow) bool {
	return len(rows) > 0 && !slices.ContainsFunc(rows, func(u UnwrittenRow) bool { return !u.Known })
}

// unwrittenKept bounds how many rows that were not written a run names.
const unwrittenKept = 1000

// incomplete is the error of a report that names something undone, else nil.
func (r *Report) incomplete() error {
	n := len(r.Failed) + len(r.Unwritten)
	switch {
	case n == 0:
		return nil
	case len(r.Failed) > 0:
		return &Incomplete{n, r.Failed[0].Err}
	default:
		return &Incomplete{n, r.Unwritten[0].Err()}
	}
}
