package wecomtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
	"github.com/stretchr/testify/require"
)

var models = map[string]wecomtest.WindowModel{"by day": wecomtest.WindowByDay, "by time": wecomtest.WindowByTime}

// TestEvidencePlaceholders is the payload of 2020-01: a quarter of an hour on the
// evening before, and the placeholders of the whole next day.
func TestEvidencePlaceholders(t *testing.T) {
	for name, model := range models {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, &wecomtest.Options{Window: model, Now: func() time.Time { return time.Unix(1579446000, 0) }})
			r.fake.AddUser(wecomtest.User{ID: "u1"})
			for _, day := range []string{"2020-01-18", "2020-01-19", "2020-01-20", "2020-01-21"} {
				r.fake.AddRecord(
					wecomtest.Record{UserID: "u1", Time: at(day + " 09:30:00"), Exception: "未打卡", Group: "日常出勤", Bare: true},
					wecomtest.Record{UserID: "u1", Time: at(day + " 18:30:00"), Type: "下班打卡", Exception: "未打卡", Group: "日常出勤", Bare: true},
				)
			}
			answer := r.post(wecomtest.PathCheckIn, object{"opencheckindatatype": 1, "starttime": 1579445100, "endtime": 1579446000, "useridlist": []string{"u1"}})
			require.JSONEq(t, `{"errcode":0,"errmsg":"ok","checkindata":[
				{"userid":"u1","groupname":"日常出勤","checkin_type":"上班打卡","exception_type":"未打卡","checkin_time":1579483800,"location_title":"","location_detail":"","wifiname":"","notes":"","wifimac":"","mediaids":[],"lat":0,"lng":0},
				{"userid":"u1","groupname":"日常出勤","checkin_type":"下班打卡","exception_type":"未打卡","checkin_time":1579516200,"location_title":"","location_detail":"","wifiname":"","notes":"","wifimac":"","mediaids":[],"lat":0,"lng":0}]}`, answer.raw)

			rows := r.checkIns(1, "2020-01-19 18:00:00", "2020-01-19 19:00:00", "u1")
			require.Equal(t, []string{"2020-01-19 09:30:00", "2020-01-19 18:30:00"}, times(rows), "before 20:00 it is the day itself")
		})
	}
}

// TestEvidenceMonthEnd is WxJava's issue 3046: the punch of 1 June 00:35 that
// belongs to 31 May.
func TestEvidenceMonthEnd(t *testing.T) {
	for name, model := range models {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, &wecomtest.Options{Window: model})
			r.fake.AddUser(wecomtest.User{ID: "a"})
			lost, usual := at("2023-06-01 00:35:00"), at("2023-06-11 00:35:00")
			for _, moment := range []time.Time{lost, usual} {
				r.fake.AddRecord(wecomtest.Record{UserID: "a", Time: moment, Type: "下班打卡", Day: moment.Add(-24 * time.Hour)})
			}
			finds := func(moment time.Time, from, to string) bool {
				for _, text := range times(r.checkIns(3, from, to, "a")) {
					if text == moment.Format(time.DateTime) {
						return true
					}
				}
				return false
			}
			require.False(t, finds(lost, "2023-05-31 00:00:00", "2023-05-31 23:59:59"))
			require.False(t, finds(lost, "2023-06-01 00:00:00", "2023-06-01 23:59:59"))
			require.True(t, finds(lost, "2023-05-31 04:00:00", "2023-06-01 03:59:59"), "the work-around")
			require.True(t, finds(lost, "2023-05-30 00:00:00", "2023-06-02 00:00:00"), "any window that straddles")
			require.True(t, finds(usual, "2023-06-10 00:00:00", "2023-06-10 23:59:59") || finds(usual, "2023-06-11 00:00:00", "2023-06-11 23:59:59"),
				"on other days it was fine")
		})
	}
}

func TestWindowByDay(t *testing.T) {
	r := newRig(t, nil)
	r.fake.AddUser(wecomtest.User{ID: "a"})
	for day := 1; day <= 5; day++ {
		r.fake.AddRecord(wecomtest.Record{UserID: "a", Time: at(fmt.Sprintf("2026-03-%02d 09:00:00", day))})
	}
	// A night shift of the 2nd, and a punch that an admin put back to the day before.
	r.fake.AddRecord(wecomtest.Record{UserID: "a", Time: at("2026-03-03 06:00:00"), Day: at("2026-03-02 00:00:00")})
	for _, test := range []struct {
		from, to string
		days     []string
	}{
		{"2026-03-02 12:00:00", "2026-03-02 12:15:00", []string{"02 09", "03 06"}}, // the whole day
		{"2026-03-02 19:59:59", "2026-03-02 20:00:00", []string{"02 09", "03 06", "03 09"}},
		{"2026-03-02 20:00:00", "2026-03-02 20:00:01", []string{"03 09"}}, // the next day
		{"2026-03-02 00:00:00", "2026-03-02 19:59:59", []string{"02 09", "03 06"}},
		{"2026-03-02 00:00:00", "2026-03-02 23:59:59", []string{"02 09", "03 06", "03 09"}},
		{"2026-03-01 20:00:00", "2026-03-01 20:00:01", []string{"02 09", "03 06"}},
	} {
		var days []string
		for _, text := range times(r.checkIns(3, test.from, test.to, "a")) {
			days = append(days, text[8:13])
		}
		require.Equal(t, test.days, days, test)
	}
}

func TestWindowByTime(t *testing.T) {
	for _, exclusive := range []bool{false, true} {
		r := newRig(t, &wecomtest.Options{Window: wecomtest.WindowByTime, EndExclusive: exclusive})
		r.fake.AddUser(wecomtest.User{ID: "a"})
		for _, moment := range []string{"2026-03-02 09:59:59", "2026-03-02 10:00:00", "2026-03-02 17:59:59", "2026-03-02 18:00:00", "2026-03-02 18:00:01"} {
			r.fake.AddRecord(wecomtest.Record{UserID: "a", Time: at(moment)})
		}
		r.fake.AddRecord(wecomtest.Record{UserID: "a", Time: at("2026-03-02 20:00:00"), Exception: "未打卡"})
		want := []string{"2026-03-02 10:00:00", "2026-03-02 17:59:59"}
		if !exclusive {
			want = append(want, "2026-03-02 18:00:00")
		}
		want = append(want, "2026-03-02 20:00:00")
		require.Equal(t, want, times(r.checkIns(3, "2026-03-02 10:00:00", "2026-03-02 18:00:00", "a")), "the placeholder ignores the window")
		require.Empty(t, r.checkIns(3, "2026-03-02 20:00:00", "2026-03-02 20:00:01", "a"), "it is of the day before")
	}
}

// TestEndExclusiveByDay: the second after the window's last is of another day,
// and of another month.
func TestEndExclusiveByDay(t *testing.T) {
	for _, exclusive := range []bool{false, true} {
		r := newRig(t, &wecomtest.Options{EndExclusive: exclusive})
		r.fake.AddUser(wecomtest.User{ID: "a"})
		r.fake.AddRecord(
			wecomtest.Record{UserID: "a", Time: at("2026-03-03 09:00:00")},
			wecomtest.Record{UserID: "a", Time: at("2026-04-01 00:00:00"), Day: at("2026-03-31 00:00:00")},
		)
		require.Equal(t, !exclusive, len(r.checkIns(3, "2026-03-02 12:00:00", "2026-03-02 20:00:00", "a")) == 1)
		require.Equal(t, !exclusive, len(r.checkIns(3, "2026-03-31 12:00:00", "2026-04-01 00:00:00", "a")) == 1)
	}
}

func TestPlaceholdersOfAnotherMonth(t *testing.T) {
	for name, model := range models {
		r := newRig(t, &wecomtest.Options{Window: model})
		r.fake.AddUser(wecomtest.User{ID: "a"})
		r.fake.AddRecord(wecomtest.Record{UserID: "a", Time: at("2023-06-01 01:00:00"), Day: at("2023-05-31 00:00:00"), Exception: "未打卡"})
		require.Len(t, r.checkIns(3, "2023-05-31 12:00:00", "2023-05-31 12:00:01", "a"), 1, name)
	}
}
