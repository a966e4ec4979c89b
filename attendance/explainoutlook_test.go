package attendance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What brings a punch that the target lacks: every condition that keeps the next run
// from it.
func TestOutlook(t *testing.T) {
	day := func(month time.Month, day, hour int) time.Time {
		return time.Date(2026, month, day, hour, 0, 0, 0, time.UTC)
	}
	at, next := day(3, 2, 9), day(3, 9, 23)
	for name, c := range map[string]struct {
		prospect
		want outlook
	}{
		"the next run reads it":                        {prospect{at: at, next: next, byNext: true, byNow: true}, byNextRun},
		"the next run reads it, in an open month":      {prospect{at: at, next: next, byNext: true, open: day(3, 1, 0), openNext: day(3, 1, 0)}, byNextRun},
		"the next run reads it, the platform keeps it": {prospect{at: at, next: next, byNext: true, kept: day(3, 2, 0)}, byNextRun},
		"the job is disabled":                          {prospect{at: at, byNow: true}, byRunNow},
		"only a run now reads it":                      {prospect{at: at, next: next, byNow: true}, byRunNow},
		"before the look-back and the mark":            {prospect{at: at, next: next}, byBackfill},
		"the same, and the job is disabled":            {prospect{at: at}, byBackfill},
		"behind the horizon":                           {prospect{at: at, next: next, kept: day(3, 3, 0)}, byNobody},
		"behind the horizon, whatever else":            {prospect{at: at, next: next, byNext: true, byNow: true, kept: day(3, 3, 0), open: day(4, 1, 0)}, byNobody},
		"the month is closed":                          {prospect{at: at, next: day(4, 9, 23), byNext: true, byNow: true, open: day(4, 1, 0), openNext: day(4, 1, 0)}, whenOpened},
		"the month is closed, and the job disabled":    {prospect{at: at, byNow: true, open: day(4, 1, 0)}, whenOpened},
		"the month is closed by the next run":          {prospect{at: at, next: day(4, 5, 23), byNext: true, byNow: true, open: day(3, 1, 0), openNext: day(4, 1, 0)}, beforeLong},
		"the same, and no run reads it":                {prospect{at: at, next: day(4, 5, 23), openNext: day(4, 1, 0)}, beforeLong},
		"the month closes, and no run is to come":      {prospect{at: at, byNow: true, openNext: day(4, 1, 0)}, byRunNow},
	} {
		require.Equal(t, c.want, c.outlook(), name)
	}
}

// Whether whatever starts the job has stopped.
func TestOverdue(t *testing.T) {
	due := time.Date(2026, 3, 8, 23, 30, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		due, last time.Time
		later     time.Duration // than due
		want      bool
	}{
		"a run since":                  {due, due.Add(time.Second), 12 * time.Hour, false},
		"at that very time":            {due, due, 12 * time.Hour, false},
		"none since":                   {due, due.Add(-24 * time.Hour), 12 * time.Hour, true},
		"none since, but not for long": {due, due.Add(-24 * time.Hour), lateStart, false},
		"none at all: a new job":       {due, time.Time{}, 12 * time.Hour, false},
		"no times":                     {time.Time{}, due, 12 * time.Hour, false},
	} {
		require.Equal(t, c.want, overdue(c.due, c.last, due.Add(c.later)), name)
	}
}

// Nobody's mend promises what depends on the job, and each error is somebody's.
func TestAdviceOfPromisesNothing(t *testing.T) {
	require.Equal(t, Advice{}, AdviceOf(nil))
	for _, code := range []Code{CodeUnknown, CodeCredentials, CodePermission, CodeAddress, CodeQuota, CodeDisabled, CodeEveryone, CodeThrottled, CodeUnavailable, CodeMalformed,
		CodeRequest, CodeAccount, CodeSpan, CodeHorizon, CodeStore, CodeStoreDown, CodeTable, CodeRowRefused, CodeRowChanged} {
		for _, mend := range []Text{{}, {EN: "free the disk, the next run makes up for it", ZH: "请清理磁盘，下次运行会自动补齐"}} {
			a := AdviceOf(&Error{Code: code, Op: "x", Detail: "what happened", Mend: mend})
			require.NotEmpty(t, a.Who.ZH, code)
			require.NotEmpty(t, a.What.EN, code)
			require.Contains(t, a.Why.ZH, "what happened", code)
			for _, promise := range []string{"next run", "下次运行"} {
				require.NotContains(t, a.Sentence().String(), promise, code)
			}
		}
	}
}
