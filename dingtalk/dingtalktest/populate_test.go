package dingtalktest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/stretchr/testify/require"
)

func TestPopulateTidy(t *testing.T) {
	r := newRig(t, nil)
	dingtalktest.Populate(r.fake, dingtalktest.Company{People: 120, First: at("2026-02-23 17:00:00"), Days: 7, PerDay: 4, Weekends: true, Tidy: true})
	users := r.fake.Users()
	require.Len(t, users, 120)
	seen := map[string]bool{}
	for from := 0; from < len(users); from += 40 {
		var ids []string
		for _, u := range users[from : from+40] {
			ids = append(ids, u.ID)
			require.NotEmpty(t, u.JobNumber)
			require.False(t, u.Inactive)
		}
		rows := r.listRecord("2026-02-23 00:00:00", "2026-03-02 00:00:00", ids...)
		require.Len(t, rows, 40*7*4)
		for _, row := range rows {
			id := column([]object{row}, "id")[0]
			require.False(t, seen[id], "an id came twice")
			seen[id] = true
			require.Contains(t, []any{"OnDuty", "OffDuty"}, row["checkType"])
			require.NotContains(t, row, "invalidRecordType")
			require.Equal(t, "Y", row["isLegal"])
		}
		// One day at a time gives the same records.
		days := 0
		for day := at("2026-02-22 00:00:00"); day.Before(at("2026-03-04 00:00:00")); day = day.AddDate(0, 0, 1) {
			days += len(r.listRecord(day.Format(time.DateTime), day.AddDate(0, 0, 1).Add(-time.Second).Format(time.DateTime), ids...))
		}
		require.Equal(t, 40*7*4, days)
	}
	require.Len(t, r.rows(r.post(dingtalktest.PathUsers, object{"dept_id": 1001, "cursor": 0, "size": 100}), "list"), 50)
	require.Empty(t, r.listRecord("2026-02-23 00:00:00", "2026-03-02 00:00:00", "staff000000", "staff000121", "other"))
}

func TestPopulateBelievable(t *testing.T) {
	read := func(c dingtalktest.Company) (string, []object) {
		r := newRig(t, nil)
		dingtalktest.Populate(r.fake, c)
		var all []object
		var raw strings.Builder
		ids := []string{}
		for _, u := range r.fake.Users() {
			ids = append(ids, u.ID)
			if len(ids) == 50 {
				answer := r.post("/attendance/listRecord", object{"userIds": ids, "checkDateFrom": "2026-02-26 12:00:00", "checkDateTo": "2026-03-05 12:00:00"})
				all = append(all, r.rows(answer, "recordresult")...)
				raw.WriteString(answer.raw)
				ids = ids[:0]
			}
		}
		return raw.String(), all
	}
	company := dingtalktest.Company{People: 500, Seed: 7}
	raw, rows := read(company)
	again, _ := read(company)
	require.Equal(t, raw, again, "deterministic")
	company.Seed = 8
	other, _ := read(company)
	require.NotEqual(t, raw, other)

	counts := map[any]int{}
	for _, row := range rows {
		counts[row["timeResult"]]++
		counts[row["locationResult"]]++
		counts[row["sourceType"]]++
		counts[row["invalidRecordType"]]++
		ms, err := row["userCheckTime"].(interface{ Int64() (int64, error) }).Int64()
		require.NoError(t, err)
		moment := time.UnixMilli(ms).In(beijing)
		require.False(t, moment.After(noon), "nothing lies in the future")
		require.NotContains(t, []time.Weekday{time.Saturday, time.Sunday}, moment.Weekday())
	}
	// Friday, Monday, Tuesday, Wednesday, and the morning of Thursday, today.
	require.Len(t, rows, 500*9)
	for _, kind := range []string{"Late", "Outside", "ATM", "Other"} {
		require.Positive(t, counts[kind], kind)
	}
	require.InDelta(t, 100, counts["Other"], 40)

	r := newRig(t, nil)
	dingtalktest.Populate(r.fake, dingtalktest.Company{People: 10})
	require.Equal(t, "0", r.get("/checkin/record", url.Values{"department_id": {"1"}, "start_time": {"1"}, "end_time": {"2"}}).code())
}
