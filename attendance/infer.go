package attendance

import (
	"context"
	"fmt"
	"time"
)

// InferDirections gives a direction to the punches that have none, in place: among all
// punches of an account on one calendar day of the zone, those with a direction too, one
// that no other comes before is a sign-in, any other a sign-out. It marks them as
// Inferred; punches with a direction of the platform's keep it. Field punches are visits: they
// neither get a direction nor count as earlier ones. Punches of the same second are equally early.
//
// punches must hold whole days, of which later ones do not matter: a punch that comes to
// the platform late, before the others, turns the sign-in that was the first into a sign-out. Its order
// does not matter.
func InferDirections(punches []Punch, zone *time.Location) {
	type accountDay struct {
		account string
		day     Date
	}
	dayOf := func(p *Punch) accountDay { return accountDay{p.Account, DateOf(p.Time.In(zone))} }
	var first map[accountDay]int64 // the earliest second of each day that has a punch without direction
	for i := range punches {
		if p := &punches[i]; p.lacksDirection() {
			if first == nil {
				first = make(map[accountDay]int64)
			}
			first[dayOf(p)] = p.Time.Unix()
		}
	}
	if first == nil {
		return
	}
	for i := range punches {
		p := &punches[i]
		if at, asked := first[dayOf(p)]; asked && p.Kind != Field && p.Time.Unix() < at {
			first[dayOf(p)] = p.Time.Unix()
		}
	}
	for i := range punches {
		p := &punches[i]
		if !p.lacksDirection() {
			continue
		}
		p.Direction, p.Inferred = Out, true
		if p.Time.Unix() == first[dayOf(p)] {
			p.Direction = In
		}
	}
}

// lacksDirection reports whether a direction is to be found for the punch: also one
// that was inferred before is only as good as the punches that were known then.
func (p *Punch) lacksDirection() bool {
	return p.Kind != Field && (p.Direction == Undirected || p.Inferred)
}

// wholeDays is the span widened to whole calendar days of its zone.
func (s Span) wholeDays() Span {
	if s.Empty() {
		return s
	}
	zone := s.Zone()
	whole := Span{DateOf(s.From).In(zone), DateOf(s.To.In(zone).Add(-1)).Add(1).In(zone)}
	return Span{earlier(whole.From, s.From), later(whole.To, s.To.In(zone))}
}

// asked is what the platform is asked for to know the span: where directions are
// inferred its whole days, as far as they have come and the platform keeps them. Two spans
// are compared by one now.
func (y *Syncer) asked(span Span, now time.Time) Span {
	if !y.opts.InferDirections || span.Empty() {
		return span
	}
	limits, whole := y.provider.Limits(), span.wholeDays()
	whole.To = later(span.To, earlier(whole.To, now.In(span.Zone())))
	if limits.Horizon > 0 {
		oldest := now.Add(-limits.Horizon).Add(time.Minute).In(span.Zone())
		whole.From = earlier(span.From, later(whole.From, oldest))
	}
	if limits.Span > 0 && whole.Length() > limits.Span {
		whole.To = later(span.To, whole.From.Add(limits.Span))
	}
	if limits.Span > 0 && whole.Length() > limits.Span {
		return span
	}
	return whole
}

// infer finds the directions of an answer about the whole days of a span, and leaves
// of the answer what lies in the span.
func (a *Answer) infer(span, asked Span) {
	InferDirections(a.Punches, span.Zone())
	if span == asked {
		return
	}
	beside := func(t time.Time) bool { return !t.IsZero() && asked.Contains(t) && !span.Contains(t) }
	punches, skipped := a.Punches[:0:0], a.Skipped[:0:0]
	for _, p := range a.Punches {
		if !beside(p.Time) {
			punches = append(punches, p)
		}
	}
	for _, s := range a.Skipped {
		if !beside(s.Time) {
			skipped = append(skipped, s)
		}
	}
	a.Punches, a.Skipped = punches, skipped
}

// undirectedSkipped tells of punches that were skipped for want of a direction.
func undirectedSkipped(n int) Warning {
	return Warningf("undirected_skipped",
		"%d 条打卡没有签到签退方向，未写入：OA 不需要方向（E9）时设为 null 即可写入，其他版本设为 infer，按当天先后推断 / %d punches are neither sign-in nor sign-out and were skipped; the value null takes them where the OA needs no direction (E9), the value infer on any, by the order of the day", n, n)
}

// runsLookedAt is among how many runs CheckDirections looks for one that has read something.
const runsLookedAt = 20

// CheckDirections looks in the sync log whether the last run of a job that has read
// anything skipped more than half of it for want of a direction, as where a company
// only records time and place. It returns one finding of level error then, and else none.
// Ask it only for jobs whose sink skips such punches.
func CheckDirections(ctx context.Context, log RunStore, job, target string) []Finding {
	for r, err := range log.Runs(ctx, RunFilter{Job: job, Target: target, Limit: runsLookedAt}) {
		if err != nil {
			return Tried(ctx, err, Finding{}, Text{EN: "reading the sync log", ZH: "读取同步日志"})
		}
		if read := r.Report.Read; read > 0 {
			return undirectedFindings(r.ID, read, r.Report.Skipped[NoDirection])
		}
	}
	return nil
}

// undirectedFindings judges what a run has read and skipped.
func undirectedFindings(run string, read, skipped int) []Finding {
	if 2*skipped <= read {
		return nil
	}
	return []Finding{{Code: "undirected_skipped", Level: LevelError,
		Message: Text{EN: fmt.Sprintf("the last run (%s) skipped %d of the %d punches that it read, because they are neither sign-in nor sign-out", run, skipped, read),
			ZH: fmt.Sprintf("最近一次运行（%s）读取 %d 条打卡，其中 %d 条没有签到签退方向，未写入", run, read, skipped)},
		Mend: Text{EN: "have them written: the value null where the OA needs no direction (E9, recommended there), the value infer on any OA, which finds directions by the order of the day",
			ZH: "请改为写入：E9 不需要方向，推荐 null；其他版本用 infer，按当天先后推断方向"}}}
}
