package dbtest

import (
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

// A yearJob is one of the two jobs of the year: a platform, and the people of some
// departments.
type yearJob struct {
	name        string
	source      string
	zone        *time.Location
	departments []int64
	lookBack    int
	runs        []*yearRun // in the order in which they began
	began       time.Time  // the first instant that the job owes
}

// A yearPerson is somebody of the OA.
type yearPerson struct {
	id         int64
	workcode   string
	department int64
	active     bool // in the OA's roster
	home       *yearJob
	account    *yearAccount // where the person punches
	night      bool
	works      func(time.Time) bool // is employed
	offline    time.Time            // punches before it appear only then: a machine without a network
	history    []string
}

func (p *yearPerson) note(at time.Time, format string, args ...any) {
	p.history = append(p.history, at.UTC().Format(time.DateTime)+" "+fmt.Sprintf(format, args...))
}

// A yearAccount is somebody's account on a platform.
type yearAccount struct {
	job     *yearJob
	id      string
	number  string // the work code that it is found by; "" while it has none
	listed  bool   // in the platform's directory
	rights  bool   // the platform answers for it
	closed  bool   // for good
	records []*yearRecord
	pairs   []*yearPair
}

// A yearPair is a stretch of time in which a person and an account are in the scope
// of the account's job.
type yearPair struct {
	person  *yearPerson
	account *yearAccount
	from    time.Time
	to      time.Time // zero: still
	left    bool      // it ended because somebody left, and not because a binding was mended
	changed bool      // it ended because the person has another account now
}

func (p *yearPair) open() bool { return p.to.IsZero() }

// A yearRecord is a record of a platform, with all that it ever was.
type yearRecord struct {
	account  *yearAccount
	id       int64
	versions []*yearVersion
}

// A yearVersion is what a record was from one instant to another.
type yearVersion struct {
	time      time.Time
	direction attendance.Direction
	mobile    bool // belongs into mobile_sign
	from      time.Time
	to        time.Time // zero: it still is
	hidden    bool      // it ended because the platform no longer answers for the account
	how       string    // how it came to be
	until     string    // and to end
}

func (r *yearRecord) last() *yearVersion { return r.versions[len(r.versions)-1] }

func (r *yearRecord) live() bool { return r.last().to.IsZero() }

// current is the account that the person's job asks for, if any.
func (w *yearWorld) current(p *yearPerson, job *yearJob) *yearAccount {
	if !p.active {
		return nil
	}
	for _, d := range job.departments {
		if d == p.department {
			return w.bound(p, job)
		}
	}
	return nil
}

// bound is the account of the job's platform that the person's work code finds.
func (w *yearWorld) bound(p *yearPerson, job *yearJob) *yearAccount {
	if a := w.byNumber[job][p.workcode]; a != nil && a.listed {
		return a
	}
	return nil
}

// rescope notes, after something about people has changed, whose pairs begin or end.
func (w *yearWorld) rescope(people ...*yearPerson) {
	for _, p := range people {
		for _, job := range w.jobs {
			now := w.current(p, job)
			open := w.pairs[yearSeat{p, job}]
			if open != nil && open.account == now {
				continue
			}
			if open != nil {
				open.to = w.now
				bound := w.bound(p, job)
				open.changed = bound != nil && bound != open.account
				open.left = !open.changed && (bound != nil || !p.active || p.workcode == open.account.wasNumber(p))
				p.note(w.now, "is no longer %s in %s (left: %v)", open.account.id, job.name, open.left)
				delete(w.pairs, yearSeat{p, job})
			}
			if now != nil {
				pair := &yearPair{person: p, account: now, from: w.now}
				w.pairs[yearSeat{p, job}] = pair
				now.pairs = append(now.pairs, pair)
				p.note(w.now, "is %s in %s", now.id, job.name)
			}
		}
	}
}

// wasNumber is the work code by which the person was bound to the account: as long as
// the OA still has it, the account has gone and not the binding.
func (a *yearAccount) wasNumber(p *yearPerson) string {
	if a.number != "" {
		return a.number
	}
	return p.workcode
}

// A yearSeat is a person in a job.
type yearSeat struct {
	person *yearPerson
	job    *yearJob
}

// A yearKey is what makes a row of the OA one: table, person, wall clock, direction.
type yearKey struct {
	mobile    bool
	person    int64
	at        string
	direction attendance.Direction
}

func (k yearKey) String() string {
	if k.mobile {
		return fmt.Sprintf("mobile_sign of %d at %s", k.person, k.at)
	}
	return fmt.Sprintf("HrmScheduleSign of %d at %s, %s", k.person, k.at, k.direction)
}

func keyOf(v *yearVersion, p *yearPerson, job *yearJob) yearKey {
	k := yearKey{v.mobile, p.id, v.time.In(job.zone).Format(time.DateTime), v.direction}
	if v.mobile {
		k.direction = attendance.Undirected
	}
	return k
}

// yearGeneration is that of the year's OA: E8 reads its rows as they are.
const yearGeneration = oasink.E8
