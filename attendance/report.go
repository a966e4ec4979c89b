package attendance

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Counts are the numbers of a slice or a run. Read = Written + Present +
// PresentFromOther + everything skipped, in punches, each once (short of punches
// whose write failed). Superseded and Removed count rows of the target.
type Counts struct {
	Read             int `json:"read"`
	Written          int `json:"written"`
	Corrected        int `json:"corrected"` // those of Written whose row was there and was moved
	Present          int `json:"present"`
	PresentFromOther int `json:"present_from_other"`
	Superseded       int `json:"superseded"`
	Removed          int `json:"removed"`
	// Queued counts the requests to compute a day anew that went into a queue of the
	// target.
	Queued int `json:"queued,omitempty"`
	// Calls is the number of calls to the platform for records; those for tokens
	// and the directory are not in it.
	Calls int `json:"calls"`
	// CheckCalls is the number of further calls that only made sure that an
	// answer was not silently cut short.
	CheckCalls int `json:"check_calls"`
}

func (c *Counts) add(o Counts) {
	c.Read += o.Read
	c.Written += o.Written
	c.Corrected += o.Corrected
	c.Present += o.Present
	c.PresentFromOther += o.PresentFromOther
	c.Superseded += o.Superseded
	c.Removed += o.Removed
	c.Queued += o.Queued
	c.Calls += o.Calls
	c.CheckCalls += o.CheckCalls
}

// A Failure names the people and the span of something that was not done.
type Failure struct {
	Persons []string `json:"persons"`
	Span    Span     `json:"span"`
	Code    Code     `json:"code"`
	Message string   `json:"message"`
	// Err is the error itself.
	Err error `json:"-"`
}

// A Report is what became of a run. It grows with the people left out and the
// failures, not with the punches; slices are reported one by one through
// [Options.Observe].
type Report struct {
	Job    string `json:"job,omitempty"`
	Source string `json:"source"`
	// Run is the run's name.
	Run string `json:"run,omitempty"`
	// Span is the stretch that was to be read.
	Span Span `json:"span"`
	// Started and Ended are by the Syncer's clock.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// People is the number of people asked for, Slices that of slices worked on.
	// CaughtUp is how many of them were read further back than Span, to CaughtUpTo,
	// because they were not read before.
	People     int       `json:"people"`
	CaughtUp   int       `json:"caught_up,omitempty"`
	CaughtUpTo time.Time `json:"caught_up_to,omitzero"`
	Slices     int       `json:"slices"`
	Counts
	Skipped map[Reason]int `json:"skipped,omitempty"`
	LeftOut []Member       `json:"left_out,omitempty"`
	Failed  []Failure      `json:"failed,omitempty"`
	// Unwritten are rows that the target itself did not take: beside Failed, because
	// their people are read and everything else is written. At most 1,000 are named.
	Unwritten []UnwrittenRow `json:"unwritten,omitempty"`
	Warnings  []Warning      `json:"warnings,omitempty"`
}

// Merge adds another run's report, such as that for the field check-ins of the
// same job, to r. Both are taken to be about the same people: someone left out
// of both is named once.
func (r *Report) Merge(o Report) {
	r.Job, r.Source, r.Run = cmp.Or(r.Job, o.Job), cmp.Or(r.Source, o.Source), cmp.Or(r.Run, o.Run)
	if r.Span == (Span{}) {
		r.Span = o.Span
	}
	if r.Started.IsZero() || !o.Started.IsZero() && o.Started.Before(r.Started) {
		r.Started = o.Started
	}
	if o.Ended.After(r.Ended) {
		r.Ended = o.Ended
	}
	r.People = max(r.People, o.People)
	r.Slices += o.Slices
	r.CaughtUp = max(r.CaughtUp, o.CaughtUp)
	if r.CaughtUpTo.IsZero() || !o.CaughtUpTo.IsZero() && o.CaughtUpTo.Before(r.CaughtUpTo) {
		r.CaughtUpTo = o.CaughtUpTo
	}
	r.Counts.add(o.Counts)
	r.Skipped = maps.Clone(r.Skipped)
	r.skip(o.Skipped)
	known := make(map[string]bool, len(r.LeftOut))
	for _, m := range r.LeftOut {
		known[m.Person] = true
	}
	for _, m := range o.LeftOut {
		if !known[m.Person] {
			r.LeftOut = append(r.LeftOut, m)
		}
	}
	r.Failed = slices.Concat(r.Failed, o.Failed)
	r.Unwritten = slices.Concat(r.Unwritten, o.Unwritten)
	for _, w := range o.Warnings {
		if !slices.Contains(r.Warnings, w) {
			r.Warnings = append(r.Warnings, w)
		}
	}
}

func (r *Report) skip(counts map[Reason]int) {
	if len(counts) > 0 && r.Skipped == nil {
		r.Skipped = make(map[Reason]int)
	}
	for reason, n := range counts {
		r.Skipped[reason] += n
	}
}

// String is a summary in one line, such as
//
//	1,400 read, 1,390 written, 8 there already; skipped: 2 invalid; 1 left out: 张三 (unbound)
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s read, %s written, ", grouped(r.Read), grouped(r.Written))
	if r.Corrected > 0 {
		fmt.Fprintf(&b, "%s of them corrected, ", grouped(r.Corrected))
	}
	fmt.Fprintf(&b, "%s there already", grouped(r.Present))
	if r.PresentFromOther > 0 {
		fmt.Fprintf(&b, ", %s from other writers", grouped(r.PresentFromOther))
	}
	if r.Superseded > 0 {
		fmt.Fprintf(&b, ", %s superseded", grouped(r.Superseded))
	}
	if r.Removed > 0 {
		fmt.Fprintf(&b, ", %s removed", grouped(r.Removed))
	}
	separator := "; skipped: "
	for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
		fmt.Fprintf(&b, "%s%s %s", separator, grouped(r.Skipped[reason]), reason)
		separator = ", "
	}
	if r.CaughtUp > 0 {
		fmt.Fprintf(&b, "; %s caught up to %s", grouped(r.CaughtUp), DateOf(r.CaughtUpTo))
	}
	if n := len(r.LeftOut); n > 0 {
		fmt.Fprintf(&b, "; %s left out: ", grouped(n))
		for i, m := range r.LeftOut[:min(n, 5)] {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s (%s)", nameOf(m), m.LeftOut)
		}
		if n > 5 {
			b.WriteString(", ...")
		}
	}
	if n := len(r.Failed); n > 0 {
		fmt.Fprintf(&b, "; %s failed: %s", grouped(n), r.Failed[0].Message)
	}
	if n := len(r.Unwritten); n > 0 {
		fmt.Fprintf(&b, "; %s rows not taken: %s", grouped(n), r.Unwritten[0].Err().Sentence())
	}
	if len(r.Warnings) > 0 {
		fmt.Fprintf(&b, "; warnings: %s", strings.Join(r.warned(), ", "))
	}
	return b.String()
}

// warned are the codes of the warnings, each once, in their order, with how many there are.
func (r Report) warned() []string {
	counts := make(map[string]int)
	var codes []string
	for _, w := range r.Warnings {
		if counts[w.Code]++; counts[w.Code] == 1 {
			codes = append(codes, w.Code)
		}
	}
	for i, code := range codes {
		if n := counts[code]; n > 1 {
			codes[i] = fmt.Sprintf("%s (%s)", code, grouped(n))
		}
	}
	return codes
}

func nameOf(m Member) string {
	if m.Name != "" {
		return m.Name
	}
	return m.Person
}

// grouped writes n with commas between thousands.
func grouped(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Incomplete is the error of a run that ended, but with parts not done. The
// report names them; running again does them, as far as the target takes them.
type Incomplete struct {
	// Failed is the number of parts that failed, and of rows that the target did not
	// take; First is the first one's error.
	Failed int
	First  error
}

// Error tells how many parts failed and why the first one did.
func (e *Incomplete) Error() string {
	return fmt.Sprintf("attendance: %d parts of the run were not done, the first because of: %v", e.Failed, e.First)
}

// Unwrap returns the first part's error.
func (e *Incomplete) Unwrap() error { return e.First }
