package attendance

import (
	"strings"
	"time"
)

// Cause is why a punch is, or is not, what the OA shows: the first that holds.
type Cause string

// The causes, in their order. A scope's own reasons of leaving somebody out may stand
// in their place.
const (
	CauseOutOfRoster     Cause = "out_of_roster"
	CauseOutOfScope      Cause = "out_of_scope"
	CauseUnbound         Cause = "unbound"
	CauseAmbiguous       Cause = "ambiguous"
	CauseInactive        Cause = "inactive"
	CauseRefused         Cause = "refused"          // the platform does not tell
	CauseNoPunch         Cause = "no_punch"         // it has no record of the day
	CauseNotRead         Cause = "not_read"         // no run has read it yet
	CauseSkipped         Cause = "skipped"          // none of its records becomes a punch
	CauseNotWritten      Cause = "not_written"      // read, but its row is not there
	CauseElsewhere       Cause = "elsewhere"        // only in a table that the report does not read
	CauseFromOther       Cause = "from_other"       // the row is, or was changed by, another writer
	CauseNotRecalculated Cause = "not_recalculated" // the day was not computed anew
	CauseNextDay         Cause = "next_day"         // it counts on the next day
	CauseShown           Cause = "shown"
)

// The names of the steps of a walk.
const (
	StepRoster        = "roster"
	StepScope         = "scope"
	StepBinding       = "binding"
	StepCoverage      = "coverage"
	StepPlatform      = "platform"
	StepRecords       = "records"
	StepRows          = "rows"
	StepRecalculation = "recalculation"
	StepShown         = "shown"
)

// A Step is one thing that was looked at on the way from a person to what the OA shows.
type Step struct {
	Name   string
	OK     bool // nothing was found there that keeps a punch from being shown
	Detail Text
}

// An Explanation tells why a person's punches of a day are, or are not, shown.
type Explanation struct {
	Person, Name string
	Day          Date
	// Cause is empty where the OA's database could not be asked.
	Cause Cause
	// Advice is who has to do what, Sentence the same in one sentence for people.
	Advice   Advice
	Sentence Text
	// Steps are the walk, in order. It may end early.
	Steps []Step
	// Records are what the platform holds of the day now, by time: those of the
	// calendar day, and the sign-out after midnight of a shift that began on it.
	Records []Record
	// Shown is what the target shows; zero where it cannot tell.
	Shown Shown
	// Calls is how many calls to the platform it took, without those for tokens and
	// the directory.
	Calls    int
	Warnings []Warning
}

// A Record is one record of the platform, and what became of it.
type Record struct {
	Source    string // the provider's name
	ID        string
	Time      time.Time // in the question's zone; zero where it has none
	Kind      Kind
	Direction Direction
	// Taken says that it is a punch that is, or would be, written. If not, Reason and
	// the platform's own words in Detail say why.
	Taken  bool
	Reason Reason
	Detail string
	// Fate is what became of a punch; Table where its row stands, or would.
	Fate  Fate
	Table string
	// Night says that it lies after midnight and belongs to the shift of the day.
	Night bool

	inferred bool // the direction is not the platform's

	was  time.Time // where its row stands, of one that would be moved
	lost *Rejected // why the target does not take its row, as a run has found
	note Text      // about its row
	fine bool      // the row of another writer does as well
	read bool      // its moment was read by a run
}

// Fate is what became of a record.
type Fate string

// The fates.
const (
	FateSkipped   Fate = "skipped"
	FateUnread    Fate = "not_read"    // no run has read it, and no row holds it
	FateMissing   Fate = "not_written" // a run has read its moment, and no row holds it
	FateFrozen    Fate = "frozen"      // no row holds it, and its month is closed
	FateElsewhere Fate = "elsewhere"   // only in a table that the report does not read
	FateOther     Fate = "from_other"  // the row is another writer's, or was changed by one
	FatePresent   Fate = "present"
)

// String is the sentence and the walk, for people.
func (e Explanation) String() string {
	var b strings.Builder
	b.WriteString(e.Sentence.ZH + "\n" + e.Sentence.EN + "\n")
	for _, s := range e.Steps {
		mark := "+ "
		if !s.OK {
			mark = "- "
		}
		b.WriteString(mark + s.Name + ": " + s.Detail.String() + "\n")
	}
	return b.String()
}
