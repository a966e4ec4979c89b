package attendance

import (
	"context"
	"iter"
	"time"
)

// What is remembered between runs is kept by small roles, below; one type may play
// them all, as attendancetest.Store (in memory) and sqlstore.Store (on a database)
// do. Package storetest proves an implementation.
//
// All of them are safe for concurrent use, by several processes where the store is
// shared. Every change is one transaction. Errors carry a [Code], CodeStoreDown
// where the store cannot be reached; context errors are bare. Instants are kept to
// the second (fractions are cut off) unless a role says otherwise, and come back in
// UTC; the spans of reports keep the wall clock of their zone. Persons, accounts, ids
// and names are compared byte by byte; a store may refuse longer ones than 320 bytes.

// A Store plays every role.
type Store interface {
	CoverageStore
	RunStore
	LeaseStore
	TickStore
	BudgetStore
	RejectedStore
	TallyStore
	DayStore
}

// A Stream is one flow of records: of one job, from one family of one company's
// records, into one OA. Coverage is remembered stream by stream.
//
// Its names stay the same for ever: under another one nothing is remembered, unless the
// store was told of it (sqlstore.Store.RenameTarget). Each may be empty, which is a name
// too.
type Stream struct {
	Job    string `json:"job"`
	Target string `json:"target"` // the host's name of the OA
	Source string `json:"source"` // the provider's name
	Corp   string `json:"corp"`   // the host's name of the company, see Options
}

// A CoverageStore remembers what was read for whom.
type CoverageStore interface {
	// Owed returns the stretches that the stream owes to everybody: what it has once
	// read, and all since its first run that remembers.
	Owed(ctx context.Context, s Stream) (Spans, error)
	// Owe adds a span to what the stream owes, and takes away what lies before
	// forgiven (not zero), which nobody can read any more.
	Owe(ctx context.Context, s Stream, add Span, forgiven time.Time) error
	// Recall returns what is known of the persons: one Coverage for each account a
	// person was ever met with, in no particular order. It takes up to 1,000 persons.
	Recall(ctx context.Context, s Stream, persons []string) ([]Coverage, error)
	// People streams everything the stream remembers, by person and account in
	// the order of their bytes, under the stream contract of [Scope.Members].
	People(ctx context.Context, s Stream) iter.Seq2[Coverage, error]
	// Remember applies what a run learnt, see [Coverage.Apply]. Several changes to one
	// person and account apply in their order; changes of two runs at once are both
	// kept. A change that says nothing makes nobody known.
	Remember(ctx context.Context, s Stream, changes []Change) error
}

// A Coverage is what is known of one person and one account of that person. Its
// instants are whole seconds in UTC.
type Coverage struct {
	Person  string
	Account string // "" for what is known of somebody who was left out
	Name    string
	Key     string // see Member.Key
	// Covered is what was read and written.
	Covered Spans
	// Run is the last run in whose scope the person was met with this account, or
	// left out; First and Last are when the first and the last such run began.
	Run         string
	First, Last time.Time
	// LeftOut is why the person was left out when last met; "" if not.
	LeftOut LeftOut
	// Gone is when a run first missed the person in its scope; zero if it did not.
	Gone time.Time
	// Refused is since when the platform rejects the account; zero if it does not.
	Refused time.Time
	// Asked is when the platform was last asked for a refused account.
	Asked time.Time
	// Punched is the time of the latest punch that was read.
	Punched time.Time
}

// met reports whether a run of the job has met the person with this account; else it
// was only read by runs over people of their own.
func (c Coverage) met() bool { return !c.First.IsZero() }

// A Change is what a run learnt of one person and account: zero fields say nothing.
type Change struct {
	Person, Account string
	// Met: the person is in the scope of this run, which began at At: Run, First,
	// Last, Name, Key and LeftOut are set, Gone is cleared.
	Met     bool
	Run     string
	At      time.Time
	Name    string
	Key     string
	LeftOut LeftOut
	// Gone: no longer in the scope. It is kept as it was if it was set already.
	Gone time.Time
	// Covered was read and written; its whole seconds are added to what is covered.
	Covered Span
	// Uncovered: what was covered before does not count any more.
	Uncovered bool
	// Punched is the latest punch in it; an earlier one than is known changes nothing.
	Punched time.Time
	// Refused: the platform rejected the account at this time; Refused is kept as it
	// was if it was set already, Asked is set.
	Refused time.Time
	// Answered: the platform answered for the account: Refused and Asked are cleared.
	Answered bool
}

// A RunStore remembers runs and their slices: the sync log (同步日志).
type RunStore interface {
	// BeginRun records a run that begins, or one more attempt of a run that ended
	// early: for a known ID only Attempts, Started of the attempt and an empty
	// Result are recorded. From then on the run began when that attempt did.
	BeginRun(ctx context.Context, r RunRecord) error
	// AddSlice records what became of a slice of the run.
	AddSlice(ctx context.Context, run string, s SliceRecord) error
	// EndRun records how it ended: all of r. An unknown ID becomes known.
	EndRun(ctx context.Context, r RunRecord) error
	// Runs streams the runs that the filter asks for, the latest first.
	Runs(ctx context.Context, f RunFilter) iter.Seq2[RunRecord, error]
	// Slices streams the slices of a run in the order in which they were added.
	Slices(ctx context.Context, run string) iter.Seq2[SliceRecord, error]
	// Prune forgets slices that were added to runs which began before slices, and
	// runs that began before runs, with their slices.
	Prune(ctx context.Context, slices, runs time.Time) error
}

// RunKind tells the kinds of runs apart.
type RunKind string

// The kinds of runs.
const (
	// KindRun is an automatic run, whose window is relative to now.
	KindRun RunKind = "run"
	// KindBackfill is a run over days that were named.
	KindBackfill RunKind = "backfill"
	// KindReread is a run that reads again what may have changed late.
	KindReread RunKind = "reread"
)

// A RunRecord is a run as it is remembered.
type RunRecord struct {
	ID     string  `json:"id"`
	Kind   RunKind `json:"kind"`
	Target string  `json:"target"`
	// Plan names what was to be done, so that a run that was cut off is gone on with
	// by one that is to do the same.
	Plan string `json:"plan,omitempty"`
	// Attempts is how often it was begun.
	Attempts int    `json:"attempts"`
	Result   Result `json:"result"`
	// Code and Message are those of the error, if one ended it or parts failed. A run that
	// is only partial by its warnings has no Code, and their codes in Message.
	Code    Code   `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Report is what became of it; of a run that has not ended only Job, Source,
	// Span and Started.
	Report Report `json:"report"`
}

// A RunFilter says which runs are meant; zero fields do not restrict.
type RunFilter struct {
	ID     string
	Job    string
	Target string
	Kind   RunKind
	// Plan is that of the record.
	Plan string
	// Unended: only runs without a result.
	Unended bool
	// Since and Until bound when the run began: [Since, Until).
	Since, Until time.Time
	// Limit is the largest number of runs; 0 means all.
	Limit int
}

// A SliceRecord is what became of a slice, as it is remembered.
type SliceRecord struct {
	Source  string      `json:"source"`
	Attempt int         `json:"attempt"`
	At      time.Time   `json:"at"`
	Report  SliceReport `json:"report"`
}

// A LeaseStore lets one of several processes work on something at a time. A
// holder shows that it lives by beats, which others only compare with the beat
// they saw before: no two clocks are compared.
type LeaseStore interface {
	// Lease makes owner the holder of name if nobody holds it, or if the holder is
	// still exactly over, as a call before returned it. It returns the holder; an owner
	// that holds it already gets its own hold as it is. No two holds of a name are equal.
	Lease(ctx context.Context, name, owner string, at time.Time, over Holder) (Holder, error)
	// Beat adds a beat; false when owner is not the holder any more.
	Beat(ctx context.Context, name, owner string, at time.Time) (bool, error)
	// Release ends owner's hold, if it holds it.
	Release(ctx context.Context, name, owner string) error
}

// A Holder is who holds a lease. Two Holders are equal when no beat came between.
type Holder struct {
	Owner string
	Beat  int64
	// At is when the last beat came, by the clock of the holder, in UTC.
	At time.Time
}

// A TickStore makes sure that a scheduled time is worked on once, by whichever
// process claims it first.
type TickStore interface {
	// Tick claims the scheduled time of the job for owner; false when it, or a
	// later one, was claimed before.
	Tick(ctx context.Context, job string, at time.Time, owner string) (bool, error)
	// LastTick is the latest scheduled time of the job that was claimed; zero if none.
	LastTick(ctx context.Context, job string) (time.Time, error)
}

// A BudgetStore counts the calls that platforms meter, by corp and calendar month.
type BudgetStore interface {
	// Spend adds n calls (negative: gives them back, never below zero) unless the sum
	// would pass most (<= 0: no limit); ok tells whether they were added. It returns
	// the sum.
	Spend(ctx context.Context, corp, month string, n, most int) (spent int, ok bool, err error)
}

// A RejectedStore remembers records that were read and not written.
type RejectedStore interface {
	// Reject replaces what is kept for the members within the span by the given
	// records: new ones are first and last seen at at, known ones last seen, and those
	// that are not among them any more are forgotten. A record is known by its Person,
	// Account, ID, Time and Reason. One whose Time lies outside of the span, such as the
	// zero Time, is kept until it is given again.
	Reject(ctx context.Context, s Stream, members []Member, span Span, at time.Time, records []Rejected) error
	// Rejected streams what is kept whose time lies in the span (the zero Span: all),
	// by person and time.
	Rejected(ctx context.Context, s Stream, span Span) iter.Seq2[Rejected, error]
}

// Rejected is a record that was read and not written.
type Rejected struct {
	Person, Account string
	ID              string // as in Skipped; may be empty
	Time            time.Time
	Reason          Reason
	Detail          string
	// First and Last are when a run saw it first and last.
	First, Last time.Time
}

// A TallyStore remembers how much was read on which day, so that a day far below
// the usual is noticed.
type TallyStore interface {
	// Tally replaces the tallies of the days and units that are given, the last one
	// where one is given twice.
	Tally(ctx context.Context, s Stream, tallies []Tally) error
	// Tallies returns those of the days from first to last, by day and unit.
	Tallies(ctx context.Context, s Stream, first, last Date) ([]Tally, error)
}

// A Tally is how much was read on a day: of all people (Unit ""), or of those of
// one unit.
type Tally struct {
	Day     Date
	Unit    string
	People  int // who were asked for
	Punched int // of them, who punched
	Punches int
}

// A DayStore remembers person-days whose recalculation in the OA is owed, so that it
// is done at least once. Whoever keeps days of several kinds for one target names them by
// the target's name, a question mark and more.
type DayStore interface {
	// OweDays adds days; SettleDays takes them away. Days that are there, or are not,
	// already are no error.
	OweDays(ctx context.Context, target string, days []PersonDay) error
	SettleDays(ctx context.Context, target string, days []PersonDay) error
	// OwedDays returns up to limit days that are owed, the earliest first.
	OwedDays(ctx context.Context, target string, limit int) ([]PersonDay, error)
}

// Memory is what a [Syncer] remembers between runs, role by role. Each may be nil:
// then that is not remembered.
type Memory struct {
	// Coverage remembers what was read for whom: without it nobody is caught up.
	Coverage CoverageStore
	// Runs is the sync log; with it a backfill that was cut off is gone on with.
	Runs RunStore
	// Leases makes a second run of a job wait for the first.
	Leases LeaseStore
	// Rejected remembers records that were not written.
	Rejected RejectedStore
	// Tallies lets a run notice days far below the usual.
	Tallies TallyStore
}

// Remember is a Memory that keeps everything in one store, which must not be nil.
func Remember(s Store) Memory { return Memory{s, s, s, s, s} }
