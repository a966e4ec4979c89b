package dbtest

import (
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// What the OA must hold, by one rule, which knows nothing of how the engine works.

const (
	yearReread  = 35
	yearHorizon = 180 // days that DingTalk answers for
)

// seen tells whether the pair's version must be in the OA, and by which run: the
// first of these runs that was complete, was told the truth, did not find the account
// rejected, began when the version was there and ended before it was gone, and has the
// punch
//
//   - in its look-back, or in the days that it read again or filled up (what an attempt
//     before it has done is not done again: so that has to have been late enough too);
//   - or in a gap: no earlier run can have taken that stretch for read, because each
//     one began before the pair was one, or ended before the punch (by its own
//     clock), or saw the version as well.
//
// All else is what nobody can know: a punch that appears later than look-back and
// re-reading reach, one that a platform's empty success or a wrong clock has hidden.
func (w *yearWorld) seen(job *yearJob, pair *yearPair, v *yearVersion, before time.Time) *yearRun {
	gap := true
	for _, run := range job.runs {
		if run.end.IsZero() || !run.begin.Before(before) {
			break
		}
		there := !run.since.Before(v.from) && (v.to.IsZero() || run.end.Before(v.to))
		if there && run.complete() && !run.lied && !run.refused[itoa(int(pair.person.id))] && v.time.Before(run.now) && pair.askedBy(job, run, v) {
			today := attendance.DateOf(run.now.In(job.zone))
			switch {
			case run.kind == attendance.KindBackfill:
				if run.days.Contains(v.time) {
					return run
				}
			case run.kind == attendance.KindReread:
				if !v.time.Before(today.Add(-yearReread).In(job.zone)) && v.time.Before(today.In(job.zone)) {
					return run
				}
			case !v.time.Before(today.Add(-job.lookBack).In(job.zone)):
				return run
			case gap && !v.time.Before(job.began) && (job == w.wxJob() || !v.time.Before(today.Add(1-yearHorizon).In(job.zone))):
				return run
			}
		}
		if run.end.After(pair.first()) && v.time.Before(run.now) && (!there || run.lied) {
			gap = false
		}
	}
	return nil
}

// askedBy tells whether the run had to ask for the pair: while it is in the scope, and
// when it has left, for what was before, if a run has met it.
func (p *yearPair) askedBy(job *yearJob, run *yearRun, v *yearVersion) bool {
	switch {
	case run.begin.Before(p.from):
		return false
	case p.open() || run.begin.Before(p.to):
		return true
	case !p.left || run.kind != attendance.KindRun || !v.time.Before(p.to) || p != p.account.pairs[len(p.account.pairs)-1]:
		return false
	}
	if lookBack := attendance.DateOf(run.now.In(job.zone)).Add(-job.lookBack).In(job.zone); !lookBack.Before(p.to) {
		for _, earlier := range job.runs { // a leaver whose account is rejected is given up when the look-back has passed
			if earlier.refused[itoa(int(p.person.id))] && !earlier.begin.Before(p.from) && earlier.begin.Before(run.begin) {
				return false
			}
		}
	}
	for _, met := range job.runs {
		if met.complete() && met.kind != attendance.KindReread && !met.begin.Before(p.from) && met.end.Before(p.to) {
			return true
		}
	}
	return false
}

// first is when the person and the account were first one pair.
func (p *yearPair) first() time.Time {
	for _, o := range p.account.pairs {
		if o.person == p.person {
			return o.from
		}
	}
	return p.from
}

// withdrawn tells whether two runs had to notice that a version which has ended is no
// longer there: each complete, under a right clock, told the truth, with the pair in
// the scope, the punch in what it reads again, and no doubt about so many removals.
func (p *yearPair) withdrawn(job *yearJob, v *yearVersion) bool {
	n := 0
	for _, run := range job.runs {
		today := attendance.DateOf(run.now.In(job.zone))
		from, to := today.Add(-job.lookBack).In(job.zone), run.now
		if run.kind == attendance.KindReread {
			from, to = today.Add(-yearReread).In(job.zone), today.In(job.zone)
		}
		if run.kind != attendance.KindBackfill && run.complete() && !run.end.IsZero() && !run.lied && !run.suspicious && run.skew == 0 && !run.refused[itoa(int(p.person.id))] &&
			!run.begin.Before(v.to) && !run.begin.Before(p.from) && (p.open() || run.end.Before(p.to)) &&
			!v.time.Before(from) && v.time.Before(to) {
			n++
		}
	}
	return n >= 2
}
