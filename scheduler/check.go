package scheduler

import (
	"fmt"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// What Check warns of, and how far it looks: a month that is longer than any.
const (
	tooEarly  = 30 * time.Minute
	tooClose  = time.Hour
	lookAhead = 32 * 24 * time.Hour
	mostLooks = 50_000
)

// The codes of [Check]'s findings.
const (
	// FindingOnlyToday: a run that reads only its own day ([attendance.Today]) starts within
	// half an hour after midnight: there is nothing to read yet, and nothing reads the
	// day before.
	FindingOnlyToday = "only_today"
	// FindingDirectoryClose: a run starts less than an hour before or after a sync of the
	// directory ([Job.Directory]): people who are just being moved would be missed.
	FindingDirectoryClose = "contact_sync_close"
)

// Check warns of starts that lose punches, in the month from now on: once for a job, or a
// job and a sync of the directory, by the first such start. It looks at disabled jobs too.
// Messages begin with the job's name, and show times as the schedules return them.
func Check(now time.Time, jobs ...Job) []attendance.Finding {
	var found []attendance.Finding
	starts := make([][]time.Time, len(jobs))
	for i := range jobs {
		starts[i] = startsOf(&jobs[i], now)
		if at, ok := onlyToday(&jobs[i], starts[i]); ok {
			found = append(found, attendance.Finding{Code: FindingOnlyToday, Level: attendance.LevelWarning,
				Message: attendance.Text{EN: fmt.Sprintf("%s: it starts at %s and reads only that same day, which has hardly begun", jobs[i].Name, clockOf(at)),
					ZH: fmt.Sprintf("%s: 在 %s 启动且只读取当天，而当天刚刚开始", jobs[i].Name, clockOf(at))},
				Mend: attendance.Text{EN: "start at 23:30, or read some days back", ZH: "建议设为 23:30，或回看若干天"}})
		}
	}
	for i := range jobs {
		for k := range jobs {
			if jobs[i].Directory || !jobs[k].Directory {
				continue
			}
			if at, sync, ok := tooNear(starts[i], starts[k]); ok {
				apart := int(at.Sub(sync).Abs().Minutes())
				found = append(found, attendance.Finding{Code: FindingDirectoryClose, Level: attendance.LevelWarning,
					Message: attendance.Text{EN: fmt.Sprintf("%s: it starts at %s, %d minutes from the directory sync at %s", jobs[i].Name, clockOf(at), apart, clockOf(sync)),
						ZH: fmt.Sprintf("%s: 在 %s 启动，与 %s 的通讯录同步只相隔 %d 分钟", jobs[i].Name, clockOf(at), clockOf(sync), apart)},
					Mend: attendance.Text{EN: "keep them at least an hour apart", ZH: "建议至少相隔一小时"}})
			}
		}
	}
	return found
}

func clockOf(t time.Time) string { return t.Format("15:04") }

func startsOf(j *Job, now time.Time) (starts []time.Time) {
	if validate(j.Schedule) != nil {
		return nil
	}
	for at := now; len(starts) < mostLooks; starts = append(starts, at) {
		next, err := nextAfter(j.Schedule, at)
		if err != nil || next.IsZero() || next.Sub(now) > lookAhead {
			break
		}
		at = next
	}
	return starts
}

// onlyToday finds a start at which the job's window is a day that has hardly begun.
func onlyToday(j *Job, starts []time.Time) (time.Time, bool) {
	if j.Window == nil {
		return time.Time{}, false
	}
	for _, at := range starts {
		span, err := j.Window.Span(attendance.Moment{Now: at, Mark: at.Add(-24 * time.Hour)})
		if err != nil || span.From.IsZero() {
			continue
		}
		midnight := attendance.DateOf(at.In(span.Zone())).In(span.Zone())
		if span.From.Equal(midnight) && !span.To.After(at) && at.Sub(midnight) < tooEarly {
			return at, true
		}
	}
	return time.Time{}, false
}

// tooNear finds the first two of two rising lists that are too close.
func tooNear(as, bs []time.Time) (a, b time.Time, ok bool) {
	for len(as) > 0 && len(bs) > 0 {
		if a, b = as[0], bs[0]; a.Sub(b).Abs() < tooClose {
			return a, b, true
		}
		if a.Before(b) {
			as = as[1:]
		} else {
			bs = bs[1:]
		}
	}
	return a, b, false
}
