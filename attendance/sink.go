package attendance

import (
	"context"
	"time"
)

// A Sink stores punches. Implementations are safe for concurrent use; package
// sinktest proves an implementation.
type Sink interface {
	// Write adds what of the batch is missing, in one transaction, and is
	// idempotent: the same batch again writes nothing. It never touches rows of
	// other writers, other people or other days. The batch is not changed and not
	// kept.
	//
	// A sink that keeps a ledger of its own rows, because the host asked for it,
	// may also move a row to where the platform now has the punch, and remove one
	// that the platform has no longer; both only with proof that the row is its own. A
	// removal needs the word of the very account that the row was written from, asked for
	// the person in whose name it stands: it answered with something, or it is known
	// ([Member.Known]) and answered with nothing in two reads.
	//
	// Written counts what is committed, also beside an error: an error means that
	// something of the batch is not stored (or not known to be), so that the
	// batch must be written again. Errors carry a [Code]; context errors are bare.
	Write(ctx context.Context, b Batch) (Written, error)
}

// A Batch says: for these members, in this span, read at this time, this is what
// the platform holds.
type Batch struct {
	// Source is the name of the provider.
	Source string
	// Members are the people the platform answered for, each with the one account that
	// was asked. Accounts and persons are distinct. The answer speaks for these accounts
	// in the names of these persons and for nothing else: not for an account that a
	// person had before, nor for the person who had an account before. Of an account that is
	// not [Member.Known] and has no punch here, it says nothing either.
	Members []Member
	// Span is the stretch that was read; its zone is that of the OA's wall clock.
	Span Span
	// Punches are all punches of the members in the span, none in the future.
	Punches []Punch
	// ReadAt is when reading began.
	ReadAt time.Time
	// Corp and Run are the host's names for the tenant of the platform and for the
	// run, see [Options]; both may be empty.
	Corp, Run string
	// OpenFrom, when not zero, is midnight of the first day that is not in a closed month
	// (see [Options.FreezeAfterDay]), in the zone of Span: the target shall not compute
	// any earlier day anew.
	OpenFrom time.Time
	// Partial says that the platform may hold more than this, as after an answer
	// that was perhaps cut short or had records that were not understood: what is
	// lacking here proves nothing.
	Partial bool
}

// Written counts what became of a batch, in punches; Superseded and Removed
// count rows of the target.
type Written struct {
	// Written: a row was added, or one of our own moved to where the punch is now.
	Written int `json:"written"`
	// Corrected are those of Written whose row was moved.
	Corrected int `json:"corrected"`
	// Present: a row of our own was there already.
	Present int `json:"present"`
	// PresentFromOther: a row of another writer holds the same punch.
	PresentFromOther int `json:"present_from_other"`
	// Superseded are rows of our tag, of people who answered with something, that
	// the answer lacks. Without a ledger they are only counted.
	Superseded int `json:"superseded"`
	// Removed are rows taken away with the ledger's proof.
	Removed int `json:"removed"`
	// Skipped are punches that the target does not take, by reason.
	Skipped map[Reason]int `json:"skipped,omitempty"`
	// Days are the person-days whose rows changed.
	Days []PersonDay `json:"days,omitempty"`
	// Queued is the number of requests to compute a day anew that went into a queue of
	// the target.
	Queued int `json:"queued,omitempty"`
	// Closed are days before [Batch.OpenFrom] that the target would have to compute anew,
	// being neighbours of Days, and was not told to.
	Closed []PersonDay `json:"closed,omitempty"`
	// Unwritten are rows that the target itself does not take as they are, while it
	// took others of the batch. A punch without any row is counted in Skipped, by the
	// same reason.
	//
	// Where it took none that was to be added, nobody can tell whether the fault is the
	// rows' or the table's: they stand here beside an error of [CodeRowRefused] or
	// [CodeRowChanged], and a caller who knows them from before may take it for theirs.
	Unwritten []UnwrittenRow `json:"unwritten,omitempty"`
	// Warnings are about the batch as a whole.
	Warnings []Warning `json:"warnings,omitempty"`
}

// A PersonDay is one calendar day of one person of the OA.
type PersonDay struct {
	Person string `json:"person"`
	Day    Date   `json:"day"`
}
