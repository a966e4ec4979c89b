package dbtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A yearJudge compares the OA with the truth.
type yearJudge struct {
	t       *testing.T
	world   *yearWorld
	host    *yearHost
	deletes bool // withdrawn rows are deleted
	others  []ecologytest.SignRow
	must    map[yearKey]*yearClaim
	may     map[yearKey]bool
	mustNot map[yearKey]*yearClaim
	counted int
}

// A yearClaim is why a row must be there, or must not.
type yearClaim struct {
	job     *yearJob
	record  *yearRecord
	version *yearVersion
	pair    *yearPair
	run     *yearRun
}

// judge fails the test with all that it knows of the first few broken promises.
func (j *yearJudge) judge() {
	j.t.Helper()
	j.must, j.may, j.mustNot = make(map[yearKey]*yearClaim), make(map[yearKey]bool), make(map[yearKey]*yearClaim)
	for _, a := range j.world.accounts {
		for _, r := range a.records {
			for _, v := range r.versions {
				j.version(a.job, r, v)
			}
		}
	}
	held := j.held()
	broken := make(map[yearKey]string)
	for k, claim := range j.must {
		if held[k] == 0 && !j.keepsType(held, k, claim) {
			broken[k] = "lost: " + j.tell(k, claim)
		}
	}
	for k, n := range held {
		claim := j.mustNot[k]
		switch {
		case n > 1:
			broken[k] = fmt.Sprintf("doubled: %v is there %d times\n%s", k, n, j.person(k.person))
		case !j.may[k]:
			broken[k] = fmt.Sprintf("invented: %v\n%s", k, j.person(k.person))
		case claim != nil && j.must[k] == nil:
			broken[k] = "kept: " + j.tell(k, claim)
		}
	}
	j.counted = len(held)
	if len(broken) == 0 {
		return
	}
	var told strings.Builder
	for _, k := range slices.SortedFunc(maps.Keys(broken), compareYearKeys)[:min(len(broken), 4)] {
		told.WriteString("\n\n" + broken[k])
	}
	require.Failf(j.t, "promises were broken", "%d by %s%s", len(broken), time.Now().UTC().Format(time.DateTime), told.String())
}

// keepsType reports whether the record has a row by the direction that it had before it
// was corrected, in the same second: without a ledger that row stands for it, since an
// import of the OA's may have retyped the row instead.
func (j *yearJudge) keepsType(held map[yearKey]int, k yearKey, c *yearClaim) bool {
	return !j.deletes && slices.ContainsFunc(c.record.versions, func(v *yearVersion) bool {
		before := k
		before.direction = v.direction
		return before != k && v.time.Equal(c.version.time) && held[before] > 0
	})
}

// version says what the OA must, may and must not hold of one version of a record.
func (j *yearJudge) version(job *yearJob, r *yearRecord, v *yearVersion) {
	pairs := r.account.pairs
	if len(pairs) == 0 {
		return
	}
	last := pairs[len(pairs)-1]
	for _, p := range pairs {
		j.may[keyOf(v, p.person, job)] = true
	}
	k := keyOf(v, last.person, job)
	run := j.world.seen(job, last, v, time.Now())
	stands := v == r.last() && (v.to.IsZero() || v.hidden)
	switch {
	case last.changed: // whose the punches of an account are that was replaced, nobody can tell
	case stands && run != nil:
		j.must[k] = &yearClaim{job, r, v, last, run}
		for _, p := range pairs {
			if p.person != last.person && j.deletes && !v.hidden {
				j.mustNot[keyOf(v, p.person, job)] = &yearClaim{job, r, v, p, run}
			}
		}
	case !stands && !v.hidden && j.deletes && last.withdrawn(job, v):
		j.mustNot[k] = &yearClaim{job, r, v, last, nil}
	}
}

// held counts our rows of each key, and sees that those of others are as they were.
func (j *yearJudge) held() map[yearKey]int {
	held := make(map[yearKey]int)
	var others []ecologytest.SignRow
	signs, err := j.host.database.oa.SignRows(context.Background())
	require.NoError(j.t, err)
	for _, r := range signs {
		if r.SignFrom != "from_dd" && r.SignFrom != "from_wx" {
			others = append(others, r)
			continue
		}
		d := map[string]attendance.Direction{"1": attendance.In, "2": attendance.Out}[r.SignType]
		held[yearKey{false, r.UserID, r.SignDate + " " + r.SignTime, d}]++
	}
	mobile, err := j.host.database.oa.MobileRows(context.Background())
	require.NoError(j.t, err)
	for _, r := range mobile {
		held[yearKey{true, r.Operater, r.OperateDate + " " + r.OperateTime, attendance.Undirected}]++
	}
	require.Subset(j.t, others, j.others, "the rows of others are as they were")
	j.others = others
	return held
}

// person is what has happened to somebody.
func (j *yearJudge) person(id int64) string {
	for _, p := range j.world.people {
		if p.id == id {
			return fmt.Sprintf("  person %d:\n    %s\n", id, strings.Join(p.history, "\n    "))
		}
	}
	return ""
}

// tell is all that is known of a row that is missing, or should be.
func (j *yearJudge) tell(k yearKey, c *yearClaim) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v, account %s of %s\n", k, c.record.account.id, c.job.name)
	for _, v := range c.record.versions {
		fmt.Fprintf(&b, "  %s %s from %s (%s) to %s (%s, hidden: %v)\n", v.time.UTC().Format(time.DateTime), v.direction, v.from.UTC().Format(time.DateTime), v.how, v.to.UTC().Format(time.DateTime), v.until, v.hidden)
	}
	if c.run != nil {
		fmt.Fprintf(&b, "  seen by %v\n", c.run)
	}
	fmt.Fprintf(&b, "  runs:\n")
	for i, run := range c.job.runs {
		if until := c.version.time.Add(9 * 24 * time.Hour); run.end.After(c.version.time.Add(-24*time.Hour)) && run.begin.Before(until) || c.run != nil && !run.begin.Before(c.run.since) && !run.begin.After(c.run.begin) || i > 0 && c.job.runs[i-1] == c.run || i > len(c.job.runs)-6 {
			fmt.Fprintf(&b, "    %v\n", run)
		}
	}
	persons := make(map[int64]bool)
	for _, p := range c.record.account.pairs {
		if !persons[p.person.id] {
			b.WriteString(j.person(p.person.id))
		}
		persons[p.person.id] = true
	}
	return b.String()
}

func compareYearKeys(a, b yearKey) int { return strings.Compare(a.String(), b.String()) }
