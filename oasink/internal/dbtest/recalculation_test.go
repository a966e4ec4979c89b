package dbtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// queued are the rows of kq_format_pool that are to be computed at one moment.
func queued(t testing.TB, oa *ecologytest.OA, exec string) (days []string) {
	t.Helper()
	rows, err := oa.PoolRows(t.Context())
	require.NoError(t, err)
	for _, r := range rows {
		if r.ExecTime == exec {
			days = append(days, itoa(int(r.ResourceID))+" "+r.KqDate)
		}
	}
	return days
}

func computed(t testing.TB, oa *ecologytest.OA, now time.Time) (days []string) {
	t.Helper()
	rows, err := oa.Poll(t.Context(), now)
	require.NoError(t, err)
	for _, r := range rows {
		days = append(days, itoa(int(r.ResourceID))+" "+r.KqDate)
	}
	return days
}

// A day is computed at once, whatever the OA's clock, and again when it can be judged.
func TestADayIsComputedAgainWhenItIsOver(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		oa := on.build(t, ecologytest.Schema{})
		clock := at(4, 9, 30, 0)
		s := sink(t, oa.DB(), &oasink.Options{Now: func() time.Time { return clock }})
		night, noon := "2026-03-05 00:30:00", "2026-03-05 12:00:00"

		w := write(t, s, punch(101, at(4, 9, 0, 0), attendance.In))
		require.Equal(t, 4, w.Queued)
		require.Equal(t, []string{"101 2026-03-03", "101 2026-03-04"}, queued(t, oa, "2026-03-03 09:30:00"))
		require.Equal(t, []string{"101 2026-03-04"}, queued(t, oa, night))
		require.Equal(t, []string{"101 2026-03-04"}, queued(t, oa, noon))
		require.Equal(t, []string{"101 2026-03-03", "101 2026-03-04"}, computed(t, oa, clock.Add(-8*time.Hour)), "also where the OA's clock is in UTC")

		clock = at(4, 13, 0, 0)
		w = write(t, s, punch(101, at(4, 12, 0, 0), attendance.Out), punch(102, at(4, 12, 0, 0), attendance.Out))
		require.Equal(t, 6, w.Queued)
		require.Equal(t, []string{"101 2026-03-03", "101 2026-03-04", "102 2026-03-03", "102 2026-03-04"}, queued(t, oa, "2026-03-03 13:00:00"), "due again, although one waits")
		require.Equal(t, []string{"101 2026-03-04", "102 2026-03-04"}, queued(t, oa, night), "each once while it waits")
		require.Equal(t, []string{"101 2026-03-04", "102 2026-03-04"}, queued(t, oa, noon))

		clock = at(4, 21, 0, 0)
		write(t, s, punch(101, at(4, 20, 30, 0), attendance.Out))
		require.Len(t, queued(t, oa, night), 2)
		for len(computed(t, oa, clock)) > 0 { // one row of a day at a time
		}
		require.Equal(t, []string{"101 2026-03-04", "102 2026-03-04"}, computed(t, oa, at(5, 0, 31, 0)))

		clock = at(5, 1, 0, 0) // of the day before, when the row for noon is done or taken away
		on.exec(t, oa.DB(), "UPDATE kq_format_pool SET status = 1")
		write(t, s, punch(101, at(4, 23, 0, 0), attendance.Out))
		require.Equal(t, []string{"101 2026-03-04", "101 2026-03-04", "102 2026-03-04"}, queued(t, oa, noon))
		require.Len(t, queued(t, oa, night), 2, "it would be in the past")
	})
}

func TestNoRowsForLaterWithoutAccurateComputing(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		for name, c := range map[string]struct {
			schema ecologytest.Schema
			off    bool
			want   int
		}{
			"off":         {off: true, want: 2},
			"no exectime": {schema: ecologytest.Schema{NoExecTime: true}, want: 2},
			"no settings": {schema: ecologytest.Schema{Without: []string{"kq_settings"}}, want: 4},
		} {
			oa := on.build(t, c.schema)
			if c.off {
				require.NoError(t, oa.SetAccurate(t.Context(), false))
			}
			s := sink(t, oa.DB(), &oasink.Options{Now: func() time.Time { return at(4, 9, 30, 0) }})
			p, err := s.Preview(t.Context(), batch(punch(101, at(4, 9, 0, 0), attendance.In)))
			require.NoError(t, err)
			require.Equal(t, c.want, p.Queued, name)
			require.Equal(t, c.want, write(t, s, punch(101, at(4, 9, 0, 0), attendance.In)).Queued, name)
			require.Len(t, pool(t, oa), c.want, name)
		}
	})
}

func TestClosedMonthsAreNotComputed(t *testing.T) {
	t.Parallel()
	oa := build(t, ecologytest.Schema{})
	b := batch(punch(101, at(2, 8, 0, 0), attendance.In))
	b.OpenFrom = at(2, 0, 0, 0)
	w, err := sink(t, oa.DB(), nil).Write(t.Context(), b)
	require.NoError(t, err)
	require.Equal(t, []string{"101 2026-03-02", "101 2026-03-03"}, pool(t, oa))
	require.Equal(t, []attendance.PersonDay{{Person: "101", Day: attendance.Date{Year: 2026, Month: 3, Day: 1}}}, w.Closed)
}

// owedMemory is a store of owed days.
type owedMemory struct {
	days  map[attendance.PersonDay]bool
	fails error
}

func (m *owedMemory) OweDays(_ context.Context, _ string, days []attendance.PersonDay) error {
	if m.fails != nil {
		return m.fails
	}
	for _, d := range days {
		m.days[d] = true
	}
	return nil
}

func (m *owedMemory) SettleDays(_ context.Context, _ string, days []attendance.PersonDay) error {
	for _, d := range days {
		delete(m.days, d)
	}
	return nil
}

func (m *owedMemory) OwedDays(_ context.Context, _ string, limit int) ([]attendance.PersonDay, error) {
	var list []attendance.PersonDay
	for d := range m.days {
		if list = append(list, d); len(list) == limit {
			break
		}
	}
	return list, nil
}

func (m *owedMemory) names() (list []string) {
	for d := range m.days {
		list = append(list, d.Person+" "+d.Day.String())
	}
	return list
}

// What the queue refuses is owed, tried again, and costs nobody else anything.
func TestDaysThatTheQueueRefusesAreOwed(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		oa := on.build(t, ecologytest.Schema{})
		on.exec(t, oa.DB(), refusing("kq_format_pool", "resourceid = 102")...)
		owed := &owedMemory{days: make(map[attendance.PersonDay]bool)}
		s := sink(t, oa.DB(), &oasink.Options{Owe: func(ctx context.Context, days []attendance.PersonDay) error { return owed.OweDays(ctx, "oa", days) }})
		w := write(t, s, punch(101, at(2, 8, 0, 0), attendance.In), punch(102, at(2, 8, 0, 0), attendance.In), punch(103, at(3, 8, 0, 0), attendance.In))
		require.Equal(t, 3, w.Written)
		require.Zero(t, w.Queued)
		require.Equal(t, []string{"not_recalculated"}, codes(w))
		require.ElementsMatch(t, []string{"101 2026-03-02", "102 2026-03-02", "103 2026-03-03"}, owed.names())

		options := oasink.OwedOptions{Days: owed, Target: "oa", Zone: beijing()}
		done, err := s.QueueOwed(t.Context(), options)
		require.ErrorContains(t, err, "permission denied")
		require.Equal(t, []string{"102 2026-03-02"}, owed.names())
		require.Equal(t, []attendance.PersonDay{{Person: "102", Day: attendance.Date{Year: 2026, Month: 3, Day: 2}}}, done.Left)
		require.Equal(t, []string{"101 2026-03-01", "101 2026-03-02", "101 2026-03-03", "103 2026-03-02", "103 2026-03-03", "103 2026-03-04"}, pool(t, oa))

		on.exec(t, oa.DB(), "sqlite: DROP TRIGGER no", "mariadb: DROP TRIGGER no", "postgres: DROP TRIGGER no ON kq_format_pool",
			"sqlserver: ALTER TABLE kq_format_pool DROP CONSTRAINT [permission denied]", `oracle: ALTER TABLE kq_format_pool DROP CONSTRAINT "permission denied"`)
		done, err = s.QueueOwed(t.Context(), options)
		require.NoError(t, err)
		require.Equal(t, 3, done.Queued)
		require.Empty(t, owed.days)
		done, err = s.QueueOwed(t.Context(), options)
		require.NoError(t, err)
		require.Zero(t, done)
	})
}

// Where nobody can remember the days, the punches are not written either.
func TestWhatCannotBeOwedIsRolledBack(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		for _, schema := range []ecologytest.Schema{{}, {Without: []string{"kq_format_pool"}}} {
			oa := on.build(t, schema)
			if schema.Without == nil {
				on.exec(t, oa.DB(), refusing("kq_format_pool", "resourceid = 102")...)
			}
			owed := &owedMemory{fails: errors.New("nothing is remembered here")}
			s := sink(t, oa.DB(), &oasink.Options{Owe: func(ctx context.Context, days []attendance.PersonDay) error { return owed.OweDays(ctx, "oa", days) }})
			_, err := s.Write(t.Context(), batch(punch(102, at(2, 8, 0, 0), attendance.In)))
			require.ErrorContains(t, err, "nothing is remembered here")
			require.Equal(t, attendance.CodeStore, attendance.CodeOf(err))
			require.Empty(t, signs(t, oa))
			p, err := s.Preview(t.Context(), batch(punch(102, at(2, 8, 0, 0), attendance.In)))
			require.NoError(t, err, "a preview owes nothing")
			require.Len(t, p.Rows, 1)
		}
	})
}

// A deadlock passes: nothing is owed for it, the whole write is tried again.
func TestABusyQueueIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := sqliteEngine().found(t, ecologytest.Schema{})
	tries := 0
	db := d.struck(t, func(query string) error {
		if strings.HasPrefix(query, "INSERT") && strings.Contains(query, "kq_format_pool") {
			if tries++; tries < 3 {
				return errors.New("database is locked")
			}
		}
		return nil
	})
	s := sink(t, db, &oasink.Options{Owe: func(context.Context, []attendance.PersonDay) error { return errors.New("owed") }})
	w := write(t, s, punch(101, at(2, 8, 0, 0), attendance.In))
	require.Equal(t, 3, tries)
	require.Empty(t, w.Warnings)
	require.Len(t, pool(t, d.oa), 3)
}

func TestOwedDaysInClosedMonths(t *testing.T) {
	t.Parallel()
	oa := build(t, ecologytest.Schema{})
	owed := &owedMemory{days: map[attendance.PersonDay]bool{
		{Person: "101", Day: attendance.Date{Year: 2026, Month: 3, Day: 1}}:  true,
		{Person: "101", Day: attendance.Date{Year: 2026, Month: 3, Day: 20}}: true,
		{Person: "101", Day: attendance.Date{Year: 2026, Month: 4, Day: 20}}: true,
	}}
	// Another job may have written into a month that is closed to this one.
	before := owed.names()
	done, err := sink(t, oa.DB(), nil).QueueOwed(t.Context(), oasink.OwedOptions{Days: owed, Target: "oa", Zone: beijing(), OpenFrom: at(31, 0, 0, 0), KeepClosed: true})
	require.NoError(t, err)
	require.Zero(t, done)
	require.ElementsMatch(t, before, owed.names())

	done, err = sink(t, oa.DB(), nil).QueueOwed(t.Context(), oasink.OwedOptions{Days: owed, Target: "oa", Zone: beijing(), OpenFrom: at(20, 0, 0, 0)})
	require.NoError(t, err)
	require.Equal(t, []string{"101 2026-03-20", "101 2026-03-21"}, pool(t, oa))
	require.Len(t, done.Closed, 4)
	require.Equal(t, []string{"101 2026-04-20"}, owed.names(), "the future is left for later")
}

func TestCheckLooksAtTheQueue(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		oa := on.build(t, ecologytest.Schema{})
		clock := at(4, 9, 30, 0)
		s := sink(t, oa.DB(), &oasink.Options{Now: func() time.Time { return clock }, Zone: beijing()})
		write(t, s, punch(101, at(4, 9, 0, 0), attendance.In))
		require.Contains(t, foundBy(t, s, "recalculation").Message.EN, "2 person-days wait")
		require.Equal(t, attendance.LevelOK, foundBy(t, s, "recalculation").Level, "they were queued just now")
		clock = at(4, 10, 30, 0)
		require.Equal(t, attendance.LevelWarning, foundBy(t, s, "recalculation").Level, "an hour ago")
		clock = at(5, 0, 50, 0)
		require.Contains(t, foundBy(t, s, "recalculation").Message.EN, "3 person-days wait")
		clock = at(4, 9, 30, 0)
		computed(t, oa, clock)
		require.Contains(t, foundBy(t, s, "recalculation").Message.EN, "0 person-days wait", "what is to be computed tonight is no backlog")
		require.Empty(t, foundBy(t, s, "pool_not_cleaned").Code)
		on.exec(t, oa.DB(), "INSERT INTO kq_format_pool (resourceid, kqdate) VALUES (101, '2026-03-04')")
		f := foundBy(t, s, "recalculation")
		require.Contains(t, f.Message.EN, "1 person-days wait in ")
		require.Contains(t, f.Message.EN, "1 of them without exectime")
		clock = time.Now().AddDate(0, 0, 10).In(beijing())
		require.Contains(t, foundBy(t, s, "pool_not_cleaned").Message.EN, "2 computed rows stand in")
	})
}

func TestCheckLooksAtTheClock(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		oa := on.build(t, ecologytest.Schema{})
		s := sink(t, oa.DB(), &oasink.Options{Now: func() time.Time { return at(4, 10, 0, 0) }, Zone: beijing()})
		for _, c := range []struct{ clock, tag, says string }{
			{"01:55:00", "from_dd", ""},
			{"01:55:00", "e9mobile", "8.1 hours behind"},
			{"09:55:00", "E9PC", ""},
			{"17:55:00", "e9pc", "7.9 hours ahead of"},
		} {
			require.NoError(t, oa.AddSigns(t.Context(), ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-04", SignTime: c.clock, IsInCom: "1", SignFrom: c.tag}))
			f := foundBy(t, s, "oa_clock")
			require.Contains(t, f.Message.EN, c.says, c.tag)
			require.Equal(t, c.says == "", f.Code == "", fmt.Sprint(f))
		}
	})
}

// foundBy is the finding with the code, an empty one if there is none.
func foundBy(t testing.TB, s *oasink.Sink, code string) attendance.Finding {
	t.Helper()
	for _, f := range s.Check(t.Context()) {
		if f.Code == code {
			return f
		}
	}
	return attendance.Finding{}
}

// The days are remembered before the punches can be seen by anybody: no kill in between
// makes a day forgotten.
func TestDaysAreOwedBeforeTheCommit(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		d := on.found(t, ecologytest.Schema{})
		on.exec(t, d.oa.DB(), refusing("kq_format_pool", "resourceid = 102")...)
		seen := -1
		s := sink(t, d.pool(t), &oasink.Options{Owe: func(ctx context.Context, _ []attendance.PersonDay) (err error) {
			seen, err = d.oa.Count(ctx, "HrmScheduleSign")
			return err
		}})
		write(t, s, punch(102, at(2, 8, 0, 0), attendance.In))
		require.Zero(t, seen)
		require.Len(t, signs(t, d.oa), 1)
	})
}
