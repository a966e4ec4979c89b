package attendance

import "time"

// DifferenceKind tells how platform and target differ.
type DifferenceKind string

// The kinds. The values stand in reports.
const (
	// OnlyProvider: the platform has the punch, the target has no row for it.
	OnlyProvider DifferenceKind = "only_provider"
	// OnlyTarget: the target has a row of ours, the platform no punch for it. Rows of
	// other writers are nothing that the platform should have.
	OnlyTarget DifferenceKind = "only_oa"
	// Different: both have it, but not alike: see [Difference.Reason].
	Different DifferenceKind = "different"
	// Doubled: one punch stands in several rows of one table: in ours and another
	// writer's, or twice.
	Doubled DifferenceKind = "doubled"
)

// DifferenceReason says more about a difference. The values stand in reports.
type DifferenceReason string

// The reasons.
const (
	// TimeDiffers: the record's row stands at another time.
	TimeDiffers DifferenceReason = "time"
	// DirectionDiffers: the row of that second is a sign-in and the punch a sign-out,
	// or the other way round.
	DirectionDiffers DifferenceReason = "direction"
	// ContentDiffers: a ledger would rewrite the row where it stands: its place, its
	// direction, or whose it is.
	ContentDiffers DifferenceReason = "content"
	// RowHidden: the target does not show the row.
	RowHidden DifferenceReason = "hidden"
	// NoAnswer, of OnlyTarget: the platform has nothing at all of this person in the stretch
	// that was read. That may also be a wrong account.
	NoAnswer DifferenceReason = "no_answer"
)

// A Difference is one thing that the platform and the target hold differently.
type Difference struct {
	Kind   DifferenceKind
	Reason DifferenceReason // "" where the kind says it all
	Member Member
	Table  string
	// Time and Direction are the punch's; of OnlyTarget the row's.
	Time      time.Time
	Direction Direction
	// Rows are the target's rows that it is about; none for OnlyProvider. Of a row that
	// a ledger would move from another person or span, only Was is known.
	Rows []Row
	// Was is where the row stands, where that is not Time.
	Was time.Time
}
