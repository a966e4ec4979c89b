package dbtest

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A scripted provider answers what it is told to.
type scripted struct{ answer attendance.Answer }

func (*scripted) Name() string { return "dingtalk" }

func (*scripted) Limits() attendance.Limits {
	return attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour}
}

func (p *scripted) Fetch(context.Context, attendance.Query) (attendance.Answer, error) {
	a := p.answer
	a.Punches = slices.Clone(a.Punches)
	return a, nil
}

type onePerson attendance.Member

func (m onePerson) Members(context.Context) iter.Seq2[attendance.Member, error] {
	return func(yield func(attendance.Member, error) bool) { yield(attendance.Member(m), nil) }
}

// What the platform has, but nobody understands any more, is not withdrawn.
func TestARecordThatIsNotUnderstoodIsNotRemoved(t *testing.T) {
	t.Parallel()
	k := sqliteEngine().ledger(t, oasink.E8, oasink.DeleteWithdrawn)
	in, out := record("1", punch(101, at(2, 8, 0, 0), attendance.In)), record("2", punch(101, at(2, 18, 0, 0), attendance.Out))
	day := attendance.Date{Year: 2026, Month: 3, Day: 2}
	run := func(name string, minute int, skipped []attendance.Skipped, punches ...attendance.Punch) attendance.Report {
		p := &scripted{attendance.Answer{Punches: punches, Skipped: skipped, ReadAt: at(30, 12, minute, 0)}}
		r, err := attendance.NewSyncer(p, k.s, &attendance.Options{Run: name, Now: now}).
			Run(context.Background(), onePerson{Person: "101", Account: "u101"}, attendance.Days(day, day, beijing()))
		require.NoError(t, err)
		return r
	}
	run("a", 0, nil, in, out)
	for i, s := range []attendance.Skipped{
		{ID: "1", Account: "u101", Time: in.Time, Reason: attendance.UnknownType, Detail: "timeResult Tardy"},
		{ID: "1", Account: "u101", Reason: attendance.Invalid, Detail: "userCheckTime is no time"},
	} {
		require.Zero(t, run("b", 1+i, []attendance.Skipped{s}, out).Removed)
		require.Len(t, signs(t, k.oa), 2)
	}
	s := attendance.Skipped{ID: "1", Account: "u101", Time: in.Time, Reason: attendance.Invalid, Detail: "the platform says so"}
	require.Equal(t, 1, run("c", 3, []attendance.Skipped{s}, out).Removed, "what it calls invalid is")
}

// Nor is what has lost its direction, with a record id or without.
func TestAPunchThatLostItsDirectionIsNotRemoved(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"1", ""} {
		k := sqliteEngine().ledger(t, oasink.E8, oasink.DeleteWithdrawn)
		in, out := record(id, punch(101, at(2, 8, 0, 0), attendance.In)), punch(101, at(2, 18, 0, 0), attendance.Out)
		k.write(t, 0, "a", in, out)
		in.Direction = attendance.Undirected
		require.Zero(t, k.write(t, 1, "b", in, out).Removed, "id %q", id)
		require.Len(t, signs(t, k.oa), 2)
	}
}

// An older answer that has a punch where a newer one has put another.
func TestAnOlderAnswerFindsItsPlaceTaken(t *testing.T) {
	t.Parallel()
	everywhere(t, testAnOlderAnswerFindsItsPlaceTaken)
}

func testAnOlderAnswerFindsItsPlaceTaken(t *testing.T, on engine) {
	k := on.ledger(t, oasink.E8, oasink.KeepWithdrawn)
	a, b := record("a", punch(101, at(2, 8, 0, 0), attendance.In)), record("b", punch(101, at(2, 8, 0, 0), attendance.In))
	k.write(t, 5, "newer", a)
	old := a
	old.Time = at(2, 8, 5, 0)
	w := k.write(t, 1, "older", old, b)
	require.Equal(t, 2, w.Present)
	require.Contains(t, codes(w), "older_answer")
	require.Len(t, signs(t, k.oa), 1)
}

// A provider whose ids are none costs nobody a punch.
func TestTheSameRecordTwice(t *testing.T) {
	t.Parallel()
	everywhere(t, testTheSameRecordTwice)
}

func testTheSameRecordTwice(t *testing.T, on engine) {
	k := on.ledger(t, oasink.E8, oasink.DeleteWithdrawn)
	twice := []attendance.Punch{
		record("a", punch(101, at(2, 8, 0, 0), attendance.In)), record("a", punch(101, at(2, 8, 5, 0), attendance.In)),
		record("a", punch(103, at(2, 8, 5, 0), attendance.In)), record("c", punch(102, at(2, 8, 5, 0), attendance.In)),
	}
	require.Equal(t, 4, k.write(t, 1, "a", twice...).Written)
	require.Equal(t, 4, k.write(t, 2, "b", twice...).Present)
	require.Len(t, signs(t, k.oa), 4)
}

// Rows that an account has left behind are found in both tables, and stay: whatever the
// new one answers says nothing about them.
func TestRowsOfAnAccountThatIsNobodys(t *testing.T) {
	t.Parallel()
	everywhere(t, testRowsOfAnAccountThatIsNobodys)
}

func testRowsOfAnAccountThatIsNobodys(t *testing.T, on engine) {
	k := on.ledger(t, oasink.E8, oasink.DeleteWithdrawn)
	k.write(t, 1, "first", record("a", outside(101, at(2, 8, 0, 0), attendance.In)), record("b", punch(101, at(2, 9, 0, 0), attendance.In)))
	rebound := func(minute int, run string, punches ...attendance.Punch) attendance.Written {
		b := batch(punches...)
		for i := range b.Members {
			if b.Members[i].Person == "101" {
				b.Members[i].Account = "new101"
			}
		}
		for i := range b.Punches {
			b.Punches[i].Account = "new101"
		}
		b.ReadAt, b.Run = at(30, 12, minute, 0), run
		w, err := k.s.Write(context.Background(), b)
		require.NoError(t, err)
		return w
	}
	for minute, run := range []string{"second", "third", "fourth"} {
		require.Equal(t, [2]int{}, [2]int{rebound(2+minute, run).Removed, rebound(2+minute, run).Superseded})
	}
	w := rebound(5, "fifth", record("n", punch(101, at(2, 18, 0, 0), attendance.Out)))
	require.Equal(t, [2]int{0, 2}, [2]int{w.Removed, w.Superseded})
	require.Contains(t, codes(w), "account_changed")
	require.Len(t, signs(t, k.oa), 2)
	require.Len(t, mobiles(t, k.oa), 1)
}

// A run under a wrong clock holds up no correction after it.
func TestARunUnderAWrongClock(t *testing.T) {
	t.Parallel()
	k := sqliteEngine().ledger(t, oasink.E8, oasink.KeepWithdrawn)
	a := record("a", punch(101, at(2, 8, 0, 0), attendance.In))
	wrong := batch(a)
	wrong.ReadAt, wrong.Run = at(30, 12, 0, 0).AddDate(5, 0, 0), "wrong"
	_, err := k.s.Write(context.Background(), wrong)
	require.NoError(t, err)
	a.Time = a.Time.Add(time.Minute)
	require.Equal(t, 1, k.write(t, 10, "right", a).Corrected)
	a.Time = a.Time.Add(time.Minute)
	require.Contains(t, codes(k.write(t, 9, "late", a)), "older_answer", "answers are told apart by age again")
}

// An external user's row is nobody's twin.
func TestAnExternalUsersRowIsNoTwin(t *testing.T) {
	t.Parallel()
	everywhere(t, testAnExternalUsersRowIsNoTwin)
}

func testAnExternalUsersRowIsNoTwin(t *testing.T, on engine) {
	k := on.ledger(t, oasink.E8, oasink.DeleteWithdrawn)
	external := ecologytest.SignRow{UserID: 101, UserType: "2", SignType: "1", SignDate: "2026-03-02", SignTime: "08:00:00", IsInCom: "1", SignFrom: "from_dd"}
	require.NoError(t, k.oa.AddSigns(context.Background(), external))
	a := record("a", punch(101, at(2, 8, 0, 0), attendance.In))
	k.write(t, 1, "first", a)
	a.Time = at(2, 8, 5, 0)
	require.Equal(t, 1, k.write(t, 2, "second", a).Corrected)
	require.Len(t, signs(t, k.oa), 2)
}

// What a run has put where a row was goes before that row comes back.
func TestUndoMakesRoomForItself(t *testing.T) {
	t.Parallel()
	everywhere(t, testUndoMakesRoomForItself)
}

func testUndoMakesRoomForItself(t *testing.T, on engine) {
	second := func(minute int) time.Time { return at(2, 8, minute, 0) }
	for name, c := range map[string]struct {
		before, after [3]int // minutes of a, b and c; 0 for no punch
		foreign       int
		restored      int
		occupied      int
	}{
		"the place of one is another's": {before: [3]int{1}, after: [3]int{5, 1}, restored: 1},
		"a swap":                        {before: [3]int{1, 5}, after: [3]int{5, 1}, restored: 2},
		"a ring":                        {before: [3]int{1, 5, 9}, after: [3]int{5, 9, 1}, restored: 3},
		"a chain":                       {before: [3]int{1, 5, 9}, after: [3]int{2, 1, 5}, restored: 3},
		"a chain that is blocked":       {before: [3]int{1, 5, 9}, after: [3]int{2, 1, 5}, foreign: 9, occupied: 3},
		"a ring and somebody else":      {before: [3]int{1, 5, 9}, after: [3]int{5, 9, 1}, foreign: 5, occupied: 3},
	} {
		t.Run(name, func(t *testing.T) {
			k := on.ledger(t, oasink.E9, oasink.KeepWithdrawn)
			punches := func(minutes [3]int) (list []attendance.Punch) {
				for i, minute := range minutes {
					if minute > 0 {
						list = append(list, record(string(rune('a'+i)), punch(101, second(minute), attendance.In)))
					}
				}
				return list
			}
			k.write(t, 1, "first", punches(c.before)...)
			before := signs(t, k.oa)
			k.write(t, 2, "second", punches(c.after)...)
			if c.foreign > 0 {
				require.NoError(t, k.oa.AddSigns(context.Background(), ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1",
					SignDate: "2026-03-02", SignTime: second(c.foreign).Format(time.TimeOnly), IsInCom: "1", SignFrom: "e9pc"}))
			}
			after := signs(t, k.oa)
			u := k.undo(t, "second")
			require.Equal(t, c.restored, u.Restored)
			require.Len(t, u.Kept, c.occupied)
			for _, kept := range u.Kept {
				require.Equal(t, oasink.Occupied, kept.Reason)
			}
			if c.occupied > 0 {
				require.Equal(t, after, signs(t, k.oa))
				return
			}
			require.Equal(t, before, signs(t, k.oa))
		})
	}
}

// A row that is not there any more was deleted, whatever became of its entry.
func TestUndoOfARowThatIsGone(t *testing.T) {
	t.Parallel()
	k := sqliteEngine().ledger(t, oasink.E8, oasink.DeleteWithdrawn)
	a := record("a", punch(101, at(2, 8, 0, 0), attendance.In))
	k.write(t, 1, "first", a)
	a.Time = at(2, 8, 5, 0)
	k.write(t, 2, "second", a)
	k.exec(t, k.oa.DB(), "DELETE FROM HrmScheduleSign WHERE signTime = '08:05:00'")
	k.write(t, 3, "third")
	require.Equal(t, oasink.DeletedByOthers, k.undo(t, "second").Kept[0].Reason)
}
