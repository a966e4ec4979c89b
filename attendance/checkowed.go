package attendance

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// owedCounted is up to how many owed days CheckOwed counts.
const owedCounted = 100_000

// CheckOwed tells how many person-days are owed to the recalculation of a target, since
// when and why: days whose rows have changed and that the target could not be told of
// ([NotRecalculated]), so that its reports do not show them. It returns one finding
// not_recalculated, a warning where runs have failed to tell of them and good news where
// none has yet, such as of a run that was killed; none where nothing is owed. Since when
// and why are the word of the latest runs in the sync log, which may be nil. days is under
// the name target what [RecalculationOptions].Days is.
func CheckOwed(ctx context.Context, days DayStore, log RunStore, target string, zone *time.Location) []Finding {
	owed, err := days.OwedDays(ctx, target, owedCounted)
	if err == nil && len(owed) == 0 {
		return nil
	}
	var why untold
	if err == nil && log != nil {
		why, err = lastUntold(ctx, log, target)
	}
	if err != nil {
		return Tried(ctx, err, Finding{}, Text{EN: "reading which days are owed", ZH: "读取待重算日期"})
	}
	return []Finding{owedFinding(owed, why, zone)}
}

// untold is what runs said of days that the target was not told of, from the first of the
// latest runs in a row that did.
type untold struct {
	since  time.Time // zero: no run said so
	reason string    // of the latest one
}

func lastUntold(ctx context.Context, log RunStore, target string) (why untold, err error) {
	for r, err := range log.Runs(ctx, RunFilter{Target: target, Limit: runsSearched}) {
		if err != nil {
			return why, err
		}
		if r.Result == "" || r.Result == ResultStopped { // nobody knows what it would have said
			continue
		}
		reason, said := r.Report.untold()
		if !said {
			break
		}
		if why.since = r.Report.Started; why.reason == "" {
			why.reason = reason
		}
	}
	return why, nil
}

// untold is why the report says not_recalculated, if it does.
func (r Report) untold() (reason string, said bool) {
	for _, w := range r.Warnings {
		if w.Code == notRecalculated {
			reason, _, _ = strings.Cut(strings.TrimPrefix(w.Message[max(0, strings.Index(w.Message, notToldOf)):], notToldOf), notShown)
			return reason, true
		}
	}
	return "", false
}

// owedFinding words what is owed.
func owedFinding(owed []PersonDay, why untold, zone *time.Location) Finding {
	first, last := owed[0].Day, owed[0].Day
	for _, d := range owed {
		if d.Day.Before(first) {
			first = d.Day
		}
		if last.Before(d.Day) {
			last = d.Day
		}
	}
	n := grouped(len(owed))
	if len(owed) == owedCounted {
		n += "+"
	}
	f := Finding{Code: notRecalculated, Level: LevelOK, Message: Text{
		EN: fmt.Sprintf("%s person-days (%s to %s) are yet to be computed anew; the next run has it done", n, first, last),
		ZH: fmt.Sprintf("有 %s 个人日（%s 至 %s）尚待通知 OA 重算，由下次运行完成", n, first, last),
	}}
	if why.since.IsZero() {
		return f
	}
	since := why.since.In(zone).Format(time.RFC3339)
	f.Level = LevelWarning
	f.Message = Text{
		EN: fmt.Sprintf("%s person-days (%s to %s) are not computed anew since the run of %s, so that reports do not show them: %s", n, first, last, since, why.reason),
		ZH: fmt.Sprintf("自 %s 的运行起，有 %s 个人日（%s 至 %s）未能通知 OA 重算，报表暂不显示：%s", since, n, first, last, why.reason),
	}
	f.Mend = Text{
		EN: "do what the reason asks for; each run tries all of them again, until they are done",
		ZH: "请按所示原因处理；此后每次运行都会全部重试，直至完成",
	}
	return f
}
