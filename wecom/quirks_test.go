package wecom

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// naive asks as the page of getcheckindata reads: from the first second of the
// span to the last, and takes what it gets. It is here to show that each quirk of
// the fake is one that loses or invents punches.
func naive(t testing.TB, c *Client, s attendance.Span, users ...string) (punches []attendance.Punch) {
	t.Helper()
	r := newReading(attendance.Query{Accounts: users, Span: attendance.Span{From: time.Unix(0, 1).In(shanghai()), To: time.Unix(lastSecond, 0).In(shanghai())}})
	w := window{s.From.Unix(), s.To.Unix() - 1, 1}
	reply, err := c.checkIns(context.Background(), users, w)
	require.NoError(t, err)
	_, err = r.rows(reply.Body, w)
	require.NoError(t, err)
	return r.punches
}

func worlds(t *testing.T, f func(t *testing.T, options wecomtest.Options)) {
	t.Helper()
	for _, model := range []wecomtest.WindowModel{wecomtest.WindowByDay, wecomtest.WindowByTime} {
		for _, exclusive := range []bool{false, true} {
			t.Run(fmt.Sprintf("model=%d,exclusive=%v", model, exclusive), func(t *testing.T) {
				f(t, wecomtest.Options{Window: model, EndExclusive: exclusive, PerMinute: -1, Now: func() time.Time { return at(t, "2024-07-01 12:00:00") }})
			})
		}
	}
}

// The punch after midnight at a month's end, which is in the window of neither
// calendar day (WxJava issue 3046).
func TestMonthEnd(t *testing.T) {
	worlds(t, func(t *testing.T, options wecomtest.Options) {
		fake := wecomtest.New(&options)
		fake.AddUser(wecomtest.User{ID: "a"})
		fake.AddRecord(wecomtest.Record{UserID: "a", Type: "下班打卡", Time: at(t, "2024-06-01 00:35:00"), Day: at(t, "2024-05-31 00:00:00")})
		c := clientOf(t, fake, quick)
		may, june := span(t, "2024-05-31 00:00:00", "2024-06-01 00:00:00"), span(t, "2024-06-01 00:00:00", "2024-06-02 00:00:00")
		require.Empty(t, naive(t, c, may, "a"))
		require.Empty(t, naive(t, c, june, "a"), "a naive caller loses it")

		a, err := fetch(t, c, may, "a")
		require.NoError(t, err)
		require.Empty(t, a.Punches, "it is of June by its own time")
		require.Empty(t, a.Skipped)
		a, err = fetch(t, c, june, "a")
		require.NoError(t, err)
		require.Len(t, a.Punches, 1)
	})
}

// A quarter of an hour answers with the whole day, or with the next.
func TestShortWindows(t *testing.T) {
	worlds(t, func(t *testing.T, options wecomtest.Options) {
		fake := wecomtest.New(&options)
		fake.AddUser(wecomtest.User{ID: "a"})
		for _, text := range []string{"2024-06-10 08:55:00", "2024-06-10 22:50:00", "2024-06-11 08:50:00"} {
			fake.AddRecord(wecomtest.Record{UserID: "a", Time: at(t, text)})
		}
		fake.AddRecord(wecomtest.Record{UserID: "a", Type: "下班打卡", Exception: "未打卡", Time: at(t, "2024-06-11 18:00:00")})
		c := clientOf(t, fake, quick)
		late := span(t, "2024-06-10 22:45:00", "2024-06-10 23:00:00")
		if options.Window == wecomtest.WindowByDay {
			require.Len(t, naive(t, c, late, "a"), 1)
			require.Equal(t, at(t, "2024-06-11 08:50:00"), naive(t, c, late, "a")[0].Time, "a naive caller gets another day's")
		}
		a, err := fetch(t, c, late, "a")
		require.NoError(t, err)
		require.Len(t, a.Punches, 1)
		require.Equal(t, at(t, "2024-06-10 22:50:00"), a.Punches[0].Time)
		require.Empty(t, a.Skipped)
	})
}

// Whatever the spans into which half a year is cut, each punch comes once and no
// placeholder becomes one.
func TestEveryPunchOnceHoweverTheRangeIsCut(t *testing.T) {
	worlds(t, func(t *testing.T, options wecomtest.Options) {
		fake := wecomtest.New(&options)
		users := staff(fake, 3)
		random := rand.New(rand.NewPCG(3, 4))
		type punch struct {
			account string
			at      int64
		}
		want := map[punch]bool{}
		add := func(r wecomtest.Record) {
			fake.AddRecord(r)
			if r.Exception != "未打卡" {
				want[punch{r.UserID, r.Time.Unix()}] = true
			}
		}
		first := at(t, "2024-01-01 00:00:00")
		for d := range 181 {
			for i, user := range users {
				today := first.AddDate(0, 0, d)
				second := time.Duration(random.IntN(1800)) * time.Second
				out := today.Add(17*time.Hour + 3*second)
				if i == 0 { // a night shift
					out = today.Add(24*time.Hour + second)
				}
				add(wecomtest.Record{UserID: user, Time: today.Add(8*time.Hour + second), Day: today})
				add(wecomtest.Record{UserID: user, Type: "下班打卡", Time: out, Day: today})
				if random.IntN(4) == 0 {
					add(wecomtest.Record{UserID: user, Type: "上班打卡", Exception: "未打卡", Time: today.Add(13 * time.Hour), Day: today})
				}
				if random.IntN(4) == 0 {
					add(wecomtest.Record{UserID: user, Type: "外出打卡", Time: today.Add(14*time.Hour + second)})
				}
			}
		}
		whole := attendance.Span{From: first, To: at(t, "2024-06-30 06:00:00")}
		for n := range 12 {
			c := clientOf(t, fake, quick)
			limit := c.CheckIns().Limits().Span
			got := map[punch]int{}
			for rest := whole; !rest.Empty(); {
				piece := attendance.Span{From: rest.From, To: rest.From.Add(time.Second + time.Duration(random.Int64N(int64(limit)-1e9)))}
				if n == 0 { // as the Syncer cuts
					for first := range rest.Split(limit) {
						piece = first
						break
					}
				}
				if piece.To.After(rest.To) {
					piece.To = rest.To
				}
				a, err := fetch(t, c, piece, users...)
				require.NoError(t, err)
				for _, p := range a.Punches {
					got[punch{p.Account, p.Time.Unix()}]++
				}
				rest.From = piece.To
			}
			for p := range want {
				if p.at < whole.To.Unix() {
					require.Equal(t, 1, got[p], "%s at %s", p.account, time.Unix(p.at, 0).In(shanghai()))
				}
			}
			for p, times := range got {
				require.True(t, want[p], "invented: %s at %s, %d times", p.account, time.Unix(p.at, 0).In(shanghai()), times)
			}
		}
	})
}

// An exception that is not known is told; words of types too, by the Syncer.
func TestUnknownWordsAreTold(t *testing.T) {
	now := func() time.Time { return at(t, "2024-06-20 12:00:00") }
	fake := wecomtest.New(&wecomtest.Options{Now: now})
	fake.AddUser(wecomtest.User{ID: "a"})
	fake.AddRecord(
		wecomtest.Record{UserID: "a", Exception: "人脸异常", Time: at(t, "2024-06-19 08:55:00"), Detail: "大门"},
		wecomtest.Record{UserID: "a", Exception: "旷工;未打卡", Time: at(t, "2024-06-19 12:00:00")},
		wecomtest.Record{UserID: "a", Type: "加班打卡", Time: at(t, "2024-06-19 20:00:00")})
	report, err := attendance.NewSyncer(clientOf(t, fake, quick).CheckIns(), new(attendancetest.Sink), &attendance.Options{Now: now}).Run(context.Background(),
		attendance.Members(attendance.Member{Person: "1", Account: "a"}), attendance.LastDays(3, shanghai()))
	require.NoError(t, err)
	require.Equal(t, 1, report.Written)
	require.Len(t, report.Warnings, 2)
	for _, w := range report.Warnings {
		require.Contains(t, map[string]string{"unknown_exception": "人脸异常", "unknown_type": "checkin_type 加班打卡"}, w.Code)
		require.NotContains(t, w.Message, "旷工", "that row was no punch anyway")
	}
}

// What an approved make-up card (补卡) does to the rows is documented nowhere: the
// placeholder changes into a punch, or a punch stands beside it. Both ways the OA
// gets one punch, and the placeholder none.
func TestMakeUpCards(t *testing.T) {
	due := at(t, "2024-06-10 18:00:00")
	placeholder := wecomtest.Record{UserID: "a", Type: "下班打卡", Exception: "未打卡", Time: due, TimelineID: 1}
	for name, approve := range map[string]func(*wecomtest.Server){
		"the row changes in place": func(s *wecomtest.Server) {
			s.RemoveRecord(func(r wecomtest.Record) bool { return r.Exception == "未打卡" })
			s.AddRecord(wecomtest.Record{UserID: "a", Type: "下班打卡", Time: due, TimelineID: 1, Notes: "补卡"})
		},
		"a row beside the placeholder": func(s *wecomtest.Server) {
			s.AddRecord(wecomtest.Record{UserID: "a", Type: "下班打卡", Time: due, TimelineID: 1, Notes: "补卡"})
		},
		"a row with an exception of its own": func(s *wecomtest.Server) {
			s.AddRecord(wecomtest.Record{UserID: "a", Type: "下班打卡", Exception: "补卡", Time: due, TimelineID: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := func() time.Time { return at(t, "2024-06-20 12:00:00") }
			fake := wecomtest.New(&wecomtest.Options{Now: now})
			fake.AddUser(wecomtest.User{ID: "a"})
			fake.AddRecord(placeholder)
			sink := new(attendancetest.Sink)
			syncer := attendance.NewSyncer(clientOf(t, fake, quick).CheckIns(), sink, &attendance.Options{Now: now})
			run := func() attendance.Report {
				report, err := syncer.Run(context.Background(), attendance.Members(attendance.Member{Person: "1", Account: "a"}),
					attendance.LastDays(15, shanghai()))
				require.NoError(t, err)
				return report
			}
			before := run()
			require.Zero(t, before.Written)
			require.Equal(t, 1, before.Skipped[attendance.MissingPunch])
			approve(fake)
			require.Equal(t, 1, run().Written)
			require.Zero(t, run().Written)
		})
	}
}

// Rows of later today are no punches, whether they say 未打卡 or not.
func TestTheFuture(t *testing.T) {
	now := func() time.Time { return at(t, "2024-06-20 12:00:00") }
	fake := wecomtest.New(&wecomtest.Options{Now: now})
	fake.AddUser(wecomtest.User{ID: "a"})
	fake.AddRecord(
		wecomtest.Record{UserID: "a", Time: at(t, "2024-06-20 08:55:00")},
		wecomtest.Record{UserID: "a", Type: "下班打卡", Exception: "未打卡", Time: at(t, "2024-06-20 18:00:00")},
		wecomtest.Record{UserID: "a", Type: "下班打卡", Time: at(t, "2024-06-20 18:30:00")})
	sink := new(attendancetest.Sink)
	today := attendance.Date{Year: 2024, Month: 6, Day: 20}
	report, err := attendance.NewSyncer(clientOf(t, fake, quick).CheckIns(), sink, &attendance.Options{Now: now}).Run(context.Background(),
		attendance.Members(attendance.Member{Person: "1", Account: "a"}), attendance.Days(today, today, shanghai()))
	require.NoError(t, err)
	require.Equal(t, 1, report.Written)
	require.Equal(t, map[attendance.Reason]int{attendance.MissingPunch: 1, attendance.Future: 1}, report.Skipped)
}

// How a userid that has left or is out of sight is answered is not documented. In
// every case the others get their punches, and a rejected one is named.
func TestOneBadUser(t *testing.T) {
	for name, model := range map[string]wecomtest.InvisibleModel{
		"silent": wecomtest.InvisibleSilent, "301021": wecomtest.Invisible301021, "60111": wecomtest.Invisible60111,
		"60011": wecomtest.Invisible60011, "40003": wecomtest.Invisible40003,
	} {
		t.Run(name, func(t *testing.T) {
			now := func() time.Time { return at(t, "2024-06-20 12:00:00") }
			fake := wecomtest.New(&wecomtest.Options{Now: now, Invisible: model, PerMinute: -1})
			users := staff(fake, 150)
			var members []attendance.Member
			for i, user := range users {
				fake.AddRecord(wecomtest.Record{UserID: user, Time: at(t, "2024-06-19 08:55:00")})
				members = append(members, attendance.Member{Person: fmt.Sprint(i), Account: user})
			}
			fake.RemoveUser(users[37])
			fake.RemoveUser(users[120])
			report, err := attendance.NewSyncer(clientOf(t, fake, quick).CheckIns(), new(attendancetest.Sink), &attendance.Options{Now: now}).
				Run(context.Background(), attendance.Members(members...), attendance.LastDays(3, shanghai()))
			require.NoError(t, err)
			require.Equal(t, 148, report.Written)
			if model == wecomtest.InvisibleSilent {
				require.Empty(t, report.LeftOut)
				require.Equal(t, 2, report.Calls)
				return
			}
			var refused []string
			for _, m := range report.LeftOut {
				require.Equal(t, attendance.Refused, m.LeftOut)
				refused = append(refused, m.Account)
			}
			slices.Sort(refused)
			require.Equal(t, []string{users[37], users[120]}, refused)
			require.LessOrEqual(t, report.Calls, 2+2*(1+2*7), "about two calls for each halving")
		})
	}
}

// Nobody can be asked for: that is seen after a few calls, whatever the error, and
// does not take one call for each of a thousand.
func TestNobodyInSight(t *testing.T) {
	for name, test := range map[string]struct {
		model wecomtest.InvisibleModel
		code  attendance.Code
		calls int
	}{
		"60011":  {wecomtest.Invisible60011, attendance.CodePermission, 4 + singlesRefused},
		"301021": {wecomtest.Invisible301021, attendance.CodeEveryone, 4 + 8},
		"60111":  {wecomtest.Invisible60111, attendance.CodeEveryone, 4 + 8},
	} {
		t.Run(name, func(t *testing.T) {
			now := func() time.Time { return at(t, "2024-06-20 12:00:00") }
			fake := wecomtest.New(&wecomtest.Options{Now: now, Invisible: test.model, VisibleDepartments: []int64{}, PerMinute: -1})
			var members []attendance.Member
			for i, user := range staff(fake, 1000) {
				members = append(members, attendance.Member{Person: fmt.Sprint(i), Account: user})
			}
			report, err := attendance.NewSyncer(clientOf(t, fake, quick).CheckIns(), new(attendancetest.Sink), &attendance.Options{Now: now}).
				Run(context.Background(), attendance.Members(members...), attendance.LastDays(30, shanghai()))
			require.Equal(t, test.code, attendance.CodeOf(err), "%v", err)
			require.True(t, test.code.Refusal())
			require.LessOrEqual(t, fake.Requests(wecomtest.PathCheckIn), test.calls)
			require.Equal(t, fake.Requests(wecomtest.PathCheckIn), report.Calls)
			if test.model == wecomtest.Invisible60011 {
				require.Contains(t, err.Error(), "可调用接口的应用")
			}
		})
	}
}

// One userid that makes WeCom call the whole request wrong is found, if it is one
// that the OA may have wrong; else nobody is searched for.
func TestOddUserIDs(t *testing.T) {
	now := func() time.Time { return at(t, "2024-06-20 12:00:00") }
	for odd, refused := range map[string]int{"张 三": 1, "staff-x": 0} {
		fake := wecomtest.New(&wecomtest.Options{Now: now, PerMinute: -1})
		users := append(staff(fake, 60), odd)
		var members []attendance.Member
		for i, user := range users {
			fake.AddRecord(wecomtest.Record{UserID: user, Time: at(t, "2024-06-19 08:55:00")})
			members = append(members, attendance.Member{Person: fmt.Sprint(i), Account: user})
		}
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 40058, User: odd, Path: wecomtest.PathCheckIn})
		report, err := attendance.NewSyncer(clientOf(t, fake, quick).CheckIns(), new(attendancetest.Sink), &attendance.Options{Now: now}).
			Run(context.Background(), attendance.Members(members...), attendance.LastDays(3, shanghai()))
		require.Len(t, report.LeftOut, refused)
		if refused == 1 {
			require.NoError(t, err)
			require.Equal(t, 60, report.Written)
		} else {
			require.Error(t, err)
			require.Equal(t, attendance.CodeRequest, report.Failed[0].Code)
		}
	}
}

// A span that is refused for another reason than its length costs that query its
// answer, and nobody else theirs.
func TestARefusalOfOneQuery(t *testing.T) {
	now := func() time.Time { return at(t, "2024-06-20 12:00:00") }
	fake := wecomtest.New(&wecomtest.Options{Now: now, PerMinute: -1})
	users := staff(fake, 300)
	var members []attendance.Member
	for i, user := range users {
		fake.AddRecord(wecomtest.Record{UserID: user, Time: at(t, "2024-06-19 08:55:00")})
		members = append(members, attendance.Member{Person: fmt.Sprint(i), Account: user})
	}
	fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 301024, User: users[0], Path: wecomtest.PathCheckIn})
	c := clientOf(t, fake, quick)
	syncer := attendance.NewSyncer(c.CheckIns(), new(attendancetest.Sink), &attendance.Options{Now: now, Parallel: 1})
	report, err := syncer.Run(context.Background(), attendance.Members(members...), attendance.LastDays(3, shanghai()))
	require.Error(t, err)
	require.Equal(t, 200, report.Written)
	fake.Heal()
	report, err = syncer.Run(context.Background(), attendance.Members(members...), attendance.LastDays(3, shanghai()))
	require.NoError(t, err)
	require.Equal(t, 100, report.Written)
}

// People out of sight who stand together at the head of every batch do not stop
// the others, whatever WeCom's code for them is.
func TestManyOutOfSightTogether(t *testing.T) {
	now := func() time.Time { return at(t, "2024-06-20 12:00:00") }
	for _, model := range []wecomtest.InvisibleModel{wecomtest.Invisible60011, wecomtest.Invisible60111} {
		fake := wecomtest.New(&wecomtest.Options{Now: now, PerMinute: -1, Invisible: model})
		var members []attendance.Member
		for i, user := range staff(fake, 90) {
			fake.AddRecord(wecomtest.Record{UserID: user, Time: at(t, "2024-06-19 08:55:00")})
			members = append(members, attendance.Member{Person: fmt.Sprint(i), Account: user})
			if i < 31 {
				fake.RemoveUser(user)
			}
		}
		report, err := attendance.NewSyncer(clientOf(t, fake, quick).CheckIns(), new(attendancetest.Sink), &attendance.Options{Now: now}).
			Run(context.Background(), attendance.Members(members...), attendance.LastDays(3, shanghai()))
		require.NoError(t, err)
		require.Equal(t, 59, report.Written)
		require.Len(t, report.LeftOut, 31)
	}
}

// Userids that cannot be any are refused without a call, and spoil no body.
func TestImpossibleUserIDs(t *testing.T) {
	fake := wecomtest.New(&wecomtest.Options{Now: func() time.Time { return at(t, "2024-06-20 12:00:00") }})
	fake.AddUser(wecomtest.User{ID: "a<b>&c"})
	day := span(t, "2024-06-19 00:00:00", "2024-06-20 00:00:00")
	fake.AddRecord(wecomtest.Record{UserID: "a<b>&c", Time: at(t, "2024-06-19 08:55:00")})
	long := string(slices.Repeat([]byte("x"), 65))
	a, err := fetch(t, clientOf(t, fake, quick), day, "tab\there", "a<b>&c", long, "\xff", "Bob", "line\u2028", "bOb", `quo"te`)
	require.NoError(t, err)
	require.Len(t, a.Punches, 1)
	require.Equal(t, []string{"tab\there", long, "\xff", "Bob", "line\u2028", "bOb", `quo"te`}, a.Refused, "two spellings of one are not told apart by guessing")
	a, err = fetch(t, clientOf(t, fake, quick), day, long)
	require.NoError(t, err)
	require.Zero(t, a.Calls)
	require.Equal(t, []string{long}, a.Refused)
	require.Equal(t, 1, fake.Requests(wecomtest.PathCheckIn))
}
