package storetest_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// A changed store is the in-memory one, whose changes and answers pass through
// functions that may spoil them; nil ones do not.
type changed struct {
	*attendancetest.Store
	change    func(known []attendance.Coverage, ch attendance.Change) []attendance.Change
	recalled  func(known []attendance.Coverage) []attendance.Coverage
	stream    func(s attendance.Stream) attendance.Stream
	begin     func(r attendance.RunRecord) attendance.RunRecord
	run       func(r attendance.RunRecord) attendance.RunRecord
	slice     func(r attendance.SliceRecord) attendance.SliceRecord
	filter    func(f attendance.RunFilter) attendance.RunFilter
	over      func(h attendance.Holder) attendance.Holder
	n         func(n int) int
	members   func(m []attendance.Member) []attendance.Member
	seen      func(r attendance.Rejected) attendance.Rejected
	settled   func(days []attendance.PersonDay) []attendance.PersonDay
	err       func(err error) error
	ctx       func(ctx context.Context) context.Context
	deaf      bool // does not hear that a loop breaks
	forgiving bool // forgets what it owed
	tick      func(at time.Time) time.Time
	month     func(month string) string
	prune     func(slices, runs time.Time) (time.Time, time.Time)
	beat      bool // lets everybody beat
	twice     bool // remembers each slice twice
	tallies   bool // adds instead of replacing
}

func by[V any](f func(V) V, v V) V {
	if f == nil {
		return v
	}
	return f(v)
}

func (c changed) Remember(ctx context.Context, s attendance.Stream, changes []attendance.Change) error {
	ctx, s = by(c.ctx, ctx), by(c.stream, s)
	var all []attendance.Change
	for _, ch := range changes {
		if c.change == nil {
			all = append(all, ch)
			continue
		}
		known, err := c.Store.Recall(ctx, s, []string{ch.Person})
		if err != nil {
			return err
		}
		known = slices.DeleteFunc(known, func(k attendance.Coverage) bool { return k.Account != ch.Account })
		all = append(all, c.change(known, ch)...)
	}
	return by(c.err, c.Store.Remember(ctx, s, all))
}

func (c changed) Recall(ctx context.Context, s attendance.Stream, persons []string) ([]attendance.Coverage, error) {
	known, err := c.Store.Recall(by(c.ctx, ctx), by(c.stream, s), persons)
	return by(c.recalled, known), by(c.err, err)
}

func (c changed) People(ctx context.Context, s attendance.Stream) iter.Seq2[attendance.Coverage, error] {
	return through(c.Store.People(by(c.ctx, ctx), by(c.stream, s)), c.deaf, nil, c.err)
}

func (c changed) Owe(ctx context.Context, s attendance.Stream, add attendance.Span, forgiven time.Time) error {
	if c.forgiving {
		forgiven = add.From
	}
	return c.Store.Owe(ctx, by(c.stream, s), add, forgiven)
}

func (c changed) BeginRun(ctx context.Context, r attendance.RunRecord) error {
	return c.Store.BeginRun(ctx, by(c.begin, r))
}

func (c changed) EndRun(ctx context.Context, r attendance.RunRecord) error {
	return c.Store.EndRun(ctx, by(c.run, r))
}

func (c changed) AddSlice(ctx context.Context, run string, r attendance.SliceRecord) error {
	if c.twice {
		_ = c.Store.AddSlice(ctx, run, r)
	}
	return c.Store.AddSlice(ctx, run, by(c.slice, r))
}

func (c changed) Runs(ctx context.Context, f attendance.RunFilter) iter.Seq2[attendance.RunRecord, error] {
	return through(c.Store.Runs(ctx, by(c.filter, f)), c.deaf, nil, c.err)
}

func (c changed) Prune(ctx context.Context, slices, runs time.Time) error {
	if c.prune != nil {
		slices, runs = c.prune(slices, runs)
	}
	return c.Store.Prune(ctx, slices, runs)
}

func (c changed) Lease(ctx context.Context, name, owner string, at time.Time, over attendance.Holder) (attendance.Holder, error) {
	return c.Store.Lease(ctx, name, owner, at, by(c.over, over))
}

func (c changed) Beat(ctx context.Context, name, owner string, at time.Time) (bool, error) {
	held, err := c.Store.Beat(ctx, name, owner, at)
	return held || c.beat && err == nil, err
}

func (c changed) Tick(ctx context.Context, job string, at time.Time, owner string) (bool, error) {
	return c.Store.Tick(ctx, job, by(c.tick, at), owner)
}

func (c changed) Spend(ctx context.Context, corp, month string, n, most int) (int, bool, error) {
	return c.Store.Spend(ctx, corp, by(c.month, month), n, by(c.n, most))
}

func (c changed) Reject(ctx context.Context, s attendance.Stream, m []attendance.Member, span attendance.Span, at time.Time, records []attendance.Rejected) error {
	return c.Store.Reject(ctx, by(c.stream, s), by(c.members, m), span, at, records)
}

func (c changed) Rejected(ctx context.Context, s attendance.Stream, span attendance.Span) iter.Seq2[attendance.Rejected, error] {
	return through(c.Store.Rejected(ctx, by(c.stream, s), span), c.deaf, c.seen, c.err)
}

func (c changed) Tally(ctx context.Context, s attendance.Stream, tallies []attendance.Tally) error {
	if c.tallies && len(tallies) > 0 {
		known, err := c.Store.Tallies(ctx, s, tallies[0].Day, tallies[0].Day)
		if err != nil {
			return err
		}
		tallies = append(tallies, known...)
	}
	return c.Store.Tally(ctx, s, tallies)
}

func (c changed) SettleDays(ctx context.Context, target string, days []attendance.PersonDay) error {
	return c.Store.SettleDays(ctx, target, by(c.settled, days))
}

func through[V any](values iter.Seq2[V, error], deaf bool, spoil func(V) V, wrap func(error) error) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var all []V
		for v, err := range values {
			if err != nil {
				err = by(wrap, err)
			}
			if !deaf || err != nil {
				if !yield(by(spoil, v), err) {
					return
				}
				continue
			}
			all = append(all, v)
		}
		for _, v := range all { // a store that reads everything before it yields
			if !yield(v, nil) {
				return
			}
		}
	}
}

func brokenStores() map[string]func() attendance.Store {
	stores := make(map[string]func() attendance.Store)
	for name, c := range map[string]changed{
		"counts touching spans apart": {recalled: func(known []attendance.Coverage) []attendance.Coverage {
			for i, k := range known {
				if len(k.Covered) == 1 && k.Covered[0].Length() > 20*time.Second {
					middle := k.Covered[0].From.Add(10 * time.Second)
					known[i].Covered = attendance.Spans{{From: k.Covered[0].From, To: middle}, {From: middle, To: k.Covered[0].To}}
				}
			}
			return known
		}},
		"takes half a second for covered": {change: func(_ []attendance.Coverage, ch attendance.Change) []attendance.Change {
			ch.Covered.From = ch.Covered.From.Truncate(time.Second)
			return []attendance.Change{ch}
		}},
		"answers in another zone": {recalled: func(known []attendance.Coverage) []attendance.Coverage {
			for i, k := range known {
				known[i].Covered = k.Covered.In(time.FixedZone("UTC+8", 8*3600))
			}
			return known
		}},
		"ignores case": {change: func(_ []attendance.Coverage, ch attendance.Change) []attendance.Change {
			ch.Person, ch.Account = strings.ToLower(ch.Person), strings.ToLower(ch.Account)
			return []attendance.Change{ch}
		}},
		"trims blanks": {change: func(_ []attendance.Coverage, ch attendance.Change) []attendance.Change {
			ch.Person, ch.Account = strings.TrimRight(ch.Person, " "), strings.TrimRight(ch.Account, " ")
			return []attendance.Change{ch}
		}},
		"forgets the last of a thousand": {recalled: func(known []attendance.Coverage) []attendance.Coverage {
			return known[:min(len(known), 999)]
		}},
		"keeps people gone": {change: func(known []attendance.Coverage, ch attendance.Change) []attendance.Change {
			if len(known) > 0 && !known[0].Gone.IsZero() {
				return []attendance.Change{ch, {Person: ch.Person, Account: ch.Account, Gone: known[0].Gone}}
			}
			return []attendance.Change{ch}
		}},
		"lets the last who missed a person say since when": {change: func(known []attendance.Coverage, ch attendance.Change) []attendance.Change {
			if len(known) == 0 || ch.Gone.IsZero() {
				return []attendance.Change{ch}
			}
			return []attendance.Change{{Person: ch.Person, Account: ch.Account, Met: true, Run: known[0].Run, At: known[0].Last}, ch}
		}},
		"lets the last refusal say since when": {change: func(_ []attendance.Coverage, ch attendance.Change) []attendance.Change {
			if ch.Refused.IsZero() {
				return []attendance.Change{ch}
			}
			return []attendance.Change{{Person: ch.Person, Account: ch.Account, Answered: true}, ch}
		}},
		"keeps the first question": {change: func(known []attendance.Coverage, ch attendance.Change) []attendance.Change {
			if len(known) > 0 && !known[0].Refused.IsZero() {
				ch.Refused = time.Time{}
			}
			return []attendance.Change{ch}
		}},
		"does not hear answers": {change: func(_ []attendance.Coverage, ch attendance.Change) []attendance.Change {
			ch.Answered = false
			return []attendance.Change{ch}
		}},
		"takes the name of whoever was not met": {change: func(known []attendance.Coverage, ch attendance.Change) []attendance.Change {
			if len(known) > 0 && ch.Name != "" {
				ch.Met = true
			}
			return []attendance.Change{ch}
		}},
		"makes everybody known": {change: func(_ []attendance.Coverage, ch attendance.Change) []attendance.Change {
			ch.Answered = ch.Answered || !ch.Says()
			return []attendance.Change{ch}
		}},
		"applies only the last change of a call": {change: func(_ []attendance.Coverage, ch attendance.Change) []attendance.Change {
			if ch.Name == "one" {
				return nil
			}
			return []attendance.Change{ch}
		}},
		"mixes streams": {stream: func(s attendance.Stream) attendance.Stream {
			return attendance.Stream{Job: s.Job + s.Target, Source: s.Source, Corp: s.Corp}
		}},
		"forgets what it owed":           {forgiving: true},
		"records the kind of an attempt": {begin: func(r attendance.RunRecord) attendance.RunRecord { r.ID += string(r.Kind); return r }},
		"forgets the count of attempts":  {begin: func(r attendance.RunRecord) attendance.RunRecord { r.Attempts = 1; return r }},
		"loses warnings":                 {run: func(r attendance.RunRecord) attendance.RunRecord { r.Report.Warnings = nil; return r }},
		"loses the people left out":      {run: func(r attendance.RunRecord) attendance.RunRecord { r.Report.LeftOut = nil; return r }},
		"cuts long reports": {run: func(r attendance.RunRecord) attendance.RunRecord {
			r.Report.LeftOut = r.Report.LeftOut[:min(3000, len(r.Report.LeftOut))]
			return r
		}},
		"loses the zone of a failure": {run: func(r attendance.RunRecord) attendance.RunRecord { r.Report.Failed = inUTC(r.Report.Failed); return r }},
		"loses the zone of a slice": {slice: func(r attendance.SliceRecord) attendance.SliceRecord {
			r.Report.Slice.Span.From = r.Report.Slice.Span.From.UTC()
			return r
		}},
		"loses the days of a slice":     {slice: func(r attendance.SliceRecord) attendance.SliceRecord { r.Report.Days = nil; return r }},
		"adds slices twice":             {twice: true},
		"knows no limit":                {filter: func(f attendance.RunFilter) attendance.RunFilter { f.Limit = 0; return f }},
		"ignores the plan":              {filter: func(f attendance.RunFilter) attendance.RunFilter { f.Plan = ""; return f }},
		"shows ended runs as unended":   {filter: func(f attendance.RunFilter) attendance.RunFilter { f.Unended = false; return f }},
		"includes the end of a stretch": {filter: func(f attendance.RunFilter) attendance.RunFilter { f.Until = f.Until.Add(time.Second); return f }},
		"forgets one run too many":      {prune: func(s, r time.Time) (time.Time, time.Time) { return s, r.Add(time.Second) }},
		"never forgets slices":          {prune: func(_, r time.Time) (time.Time, time.Time) { return time.Time{}, r }},
		"never lets take over":          {over: func(attendance.Holder) attendance.Holder { return attendance.Holder{} }},
		"lets a stranger beat":          {beat: true},
		"claims every time": {tick: func() func(time.Time) time.Time {
			var n atomic.Int64
			return func(at time.Time) time.Time { return at.AddDate(int(n.Add(1)), 0, 0) }
		}()},
		"spends without end":               {n: func(int) int { return 1000 }},
		"has one budget for all months":    {month: func(string) string { return "" }},
		"never forgets rejected records":   {members: func([]attendance.Member) []attendance.Member { return nil }},
		"forgets other people's records":   {members: func(m []attendance.Member) []attendance.Member { return append(m, attendance.Member{Person: "3"}) }},
		"has always seen records just now": {seen: func(r attendance.Rejected) attendance.Rejected { r.First = r.Last; return r }},
		"keeps the first tally":            {tallies: true},
		"never settles":                    {settled: func([]attendance.PersonDay) []attendance.PersonDay { return nil }},
		"wraps the context's error": {err: func(err error) error {
			if err != nil {
				err = &attendance.Error{Code: attendance.CodeStore, Err: err}
			}
			return err
		}},
		"ignores the context":                    {ctx: context.WithoutCancel},
		"does not look at the context in a loop": {deaf: true},
	} {
		stores[name] = func() attendance.Store {
			c.Store = new(attendancetest.Store)
			return c
		}
	}
	return stores
}

func inUTC(failed []attendance.Failure) []attendance.Failure {
	failed = slices.Clone(failed)
	for i := range failed {
		failed[i].Span = attendance.Span{From: failed[i].Span.From.UTC(), To: failed[i].Span.To.UTC()}
	}
	return failed
}
