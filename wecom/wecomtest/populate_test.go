package wecomtest_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
	"github.com/stretchr/testify/require"
)

func TestPopulateTidy(t *testing.T) {
	for name, model := range models {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, &wecomtest.Options{Window: model})
			wecomtest.Populate(r.fake, wecomtest.Company{People: 120, First: at("2026-02-23 17:00:00"), Days: 7, PerDay: 4, Weekends: true, Tidy: true})
			users := r.fake.Users()
			require.Len(t, users, 120)
			for from := 0; from < len(users); from += 40 {
				var ids []string
				for _, u := range users[from : from+40] {
					ids = append(ids, u.ID)
					require.NotEmpty(t, u.JobNumber)
					require.Equal(t, 1, u.Status)
				}
				rows := r.checkIns(3, "2026-02-22 00:00:00", "2026-03-02 23:59:59", ids...)
				require.Len(t, rows, 40*7*4)
				in := 0
				for i, row := range rows {
					require.Empty(t, row["exception_type"])
					require.Contains(t, []any{"上班打卡", "下班打卡"}, row["checkin_type"])
					require.Contains(t, row, "sch_checkin_time")
					if row["checkin_type"] == "上班打卡" {
						in++
					}
					if i > 0 && row["userid"] == rows[i-1]["userid"] {
						require.Less(t, times(rows)[i-1], times(rows[i : i+1])[0])
					}
					if i == 200 {
						break // the above is slow
					}
				}
				require.InDelta(t, 100, in, 1)
				// One day at a time gives the same records, and by day more than once.
				days := map[string]int{}
				for day := at("2026-02-21 00:00:00"); day.Before(at("2026-03-04 00:00:00")); day = day.AddDate(0, 0, 1) {
					for _, row := range r.checkIns(3, day.Format(time.DateTime), day.AddDate(0, 0, 1).Add(-time.Second).Format(time.DateTime), ids...) {
						days[strings.Join(column([]object{row}, "userid"), "")+strings.Join(times([]object{row}), "")]++
					}
				}
				require.Len(t, days, 40*7*4)
			}
			require.Len(t, r.rows(r.get(wecomtest.PathUsersSimple, url.Values{"department_id": {"1001"}}), "userlist"), 50)
			require.Empty(t, r.checkIns(3, "2026-02-23 00:00:00", "2026-03-02 00:00:00", "staff000000", "staff000121", "other"))
		})
	}
}

func TestPopulateBelievable(t *testing.T) {
	read := func(c wecomtest.Company) (string, []object) {
		r := newRig(t, nil)
		wecomtest.Populate(r.fake, c)
		var all []object
		var raw strings.Builder
		users := r.fake.Users()
		for part := range slices.Chunk(users, 100) {
			var ids []string
			for _, u := range part {
				ids = append(ids, u.ID)
			}
			answer := r.post(wecomtest.PathCheckIn, ask(3, "2026-02-26 12:00:00", "2026-03-05 12:00:00", ids...))
			all = append(all, r.rows(answer, "checkindata")...)
			raw.WriteString(answer.raw)
		}
		return raw.String(), all
	}
	company := wecomtest.Company{People: 500, Seed: 7}
	raw, rows := read(company)
	again, _ := read(company)
	require.Equal(t, raw, again, "deterministic")
	company.Seed = 8
	other, _ := read(company)
	require.NotEqual(t, raw, other)

	counts := map[any]int{}
	ahead := 0
	for _, row := range rows {
		counts[row["checkin_type"]]++
		counts[row["exception_type"]]++
		seconds, err := row["checkin_time"].(interface{ Int64() (int64, error) }).Int64()
		require.NoError(t, err)
		moment := time.Unix(seconds, 0).In(beijing)
		require.NotContains(t, []time.Weekday{time.Saturday, time.Sunday}, moment.Weekday())
		if moment.After(noon) {
			ahead++
			require.Equal(t, "未打卡", row["exception_type"], "no punch lies in the future")
			require.Equal(t, "下班打卡", row["checkin_type"])
		}
	}
	// Friday, Monday, Tuesday, Wednesday and Thursday, today, whose evening is ahead.
	require.Len(t, rows, 500*10)
	require.Equal(t, 500, ahead)
	for _, kind := range []string{"时间异常", "地点异常;wifi异常", "wifi异常", "未打卡", "上班打卡", "下班打卡", "外出打卡"} {
		require.Positive(t, counts[kind], kind)
	}
	require.InDelta(t, 500+500*9/20, counts["未打卡"], 80)
}

func TestPopulateTidyToday(t *testing.T) {
	r := newRig(t, nil)
	wecomtest.Populate(r.fake, wecomtest.Company{People: 1, Days: 1, Tidy: true})
	require.Len(t, r.checkIns(3, "2026-03-05 00:00:00", "2026-03-05 12:00:00", "staff000001"), 1, "what is ahead is not there")
}
