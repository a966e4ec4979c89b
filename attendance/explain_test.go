package attendance_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// zhang is a scope of one person; why asks about 2 March.
func zhang() attendance.Scope {
	return attendance.Members(attendance.Member{Person: "17", Account: "zhang", Name: "张三"})
}

func why(more ...func(*attendance.Question)) attendance.Question {
	q := attendance.Question{Person: "17", Day: date(3, 2), Zone: shanghai()}
	for _, f := range more {
		f(&q)
	}
	return q
}

func punchOf(id string, t time.Time, d attendance.Direction) attendance.Punch {
	return attendance.Punch{ID: id, Account: "zhang", Time: t, Kind: attendance.Regular, Direction: d}
}

func explain(t *testing.T, p attendance.Provider, s attendance.Sink, scope attendance.Scope, q attendance.Question) attendance.Explanation {
	t.Helper()
	e, err := attendance.NewSyncer(p, s, &attendance.Options{Now: at(march(20, 12, 0))}).Explain(t.Context(), scope, q)
	require.NoError(t, err)
	require.NotEmpty(t, e.Sentence.EN)
	require.NotEmpty(t, e.Sentence.ZH)
	return e
}

// A sink that can do nothing but write, and a scope that can do nothing but list.
func TestExplainWithoutRoles(t *testing.T) {
	p := attendancetest.NewProvider("d", weekLimits)
	p.Put(punchOf("1", march(2, 9, 0), attendance.In))
	s := sinkFunc(func(context.Context, attendance.Batch) (attendance.Written, error) {
		panic("nothing is written")
	})
	require.Equal(t, attendance.CauseNotWritten, explain(t, p, s, zhang(), why()).Cause)
	require.Equal(t, attendance.CauseOutOfScope, explain(t, p, s, zhang(), why(func(q *attendance.Question) { q.Person = "18" })).Cause)
	for _, left := range []attendance.LeftOut{attendance.Unbound, attendance.Ambiguous, attendance.Inactive, attendance.OutOfRoster, "on_leave"} {
		e := explain(t, p, s, attendance.Members(attendance.Member{Person: "17", Account: "zhang", LeftOut: left}), why())
		require.Equal(t, string(left), string(e.Cause))
	}
	require.Equal(t, 1, p.Calls(), "who is left out is not asked for")
}

func TestExplainCauses(t *testing.T) {
	p := attendancetest.NewProvider("d", weekLimits)
	s := &attendancetest.Sink{}
	require.Equal(t, attendance.CauseNoPunch, explain(t, p, s, zhang(), why()).Cause)
	p.PutSkipped(attendance.Skipped{ID: "s", Account: "zhang", Time: march(2, 8, 0), Reason: attendance.Invalid, Detail: "需要确认"})
	require.Equal(t, attendance.CauseSkipped, explain(t, p, s, zhang(), why()).Cause)
	p.Put(punchOf("1", march(2, 9, 0), attendance.In), punchOf("2", march(2, 9, 0).Add(300*time.Millisecond), attendance.In), punchOf("3", march(2, 18, 0), attendance.Out))
	e := explain(t, p, s, zhang(), why())
	require.Equal(t, attendance.CauseNotWritten, e.Cause)
	require.Len(t, e.Records, 4)
	_, err := attendance.NewSyncer(p, s, &attendance.Options{Now: at(march(20, 12, 0))}).Run(t.Context(), zhang(), attendance.Days(date(3, 2), date(3, 2), shanghai()))
	require.NoError(t, err)
	e = explain(t, p, s, zhang(), why())
	require.Equal(t, attendance.CauseShown, e.Cause)
	var fates []string
	for _, r := range e.Records {
		fates = append(fates, fmt.Sprint(r.Fate, " ", r.Taken, " ", r.Reason))
	}
	require.Equal(t, []string{"skipped false invalid", "present true ", "skipped false same_second", "present true "}, fates)
	require.Contains(t, e.String(), "+ rows: ")
	require.Contains(t, e.String(), "- records: 2026-03-02 08:00:00 不是打卡")
}

// Of what lies after midnight only the end of a shift that began on the day belongs to it.
func TestExplainTheNight(t *testing.T) {
	for name, c := range map[string]struct {
		punches []attendance.Punch
		night   int
	}{
		"a night shift": {[]attendance.Punch{punchOf("1", march(2, 20, 0), attendance.In), punchOf("2", march(3, 8, 30), attendance.Out)}, 1},
		"a day shift, and the next day's": {[]attendance.Punch{punchOf("1", march(2, 9, 0), attendance.In), punchOf("2", march(2, 18, 0), attendance.Out), punchOf("3", march(3, 9, 0), attendance.In),
			punchOf("4", march(3, 11, 0), attendance.Out)}, 0},
		"a forgotten sign-out":            {[]attendance.Punch{punchOf("1", march(2, 9, 0), attendance.In), punchOf("2", march(3, 9, 0), attendance.In), punchOf("3", march(3, 11, 0), attendance.Out)}, 0},
		"nothing but the sign-out":        {[]attendance.Punch{punchOf("1", march(3, 1, 0), attendance.Out)}, 1},
		"a forgotten sign-in, much later": {[]attendance.Punch{punchOf("1", march(3, 9, 0), attendance.Out)}, 0},
		"the night before":                {[]attendance.Punch{punchOf("1", march(2, 1, 0), attendance.Out), punchOf("2", march(3, 1, 0), attendance.Out)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := attendancetest.NewProvider("d", weekLimits)
			p.Put(c.punches...)
			e := explain(t, p, &attendancetest.Sink{}, zhang(), why())
			night := 0
			for _, r := range e.Records {
				require.Equal(t, r.Time.Day() == 3, r.Night)
				if r.Night {
					night++
				}
			}
			require.Equal(t, c.night, night)
			require.Equal(t, 1, p.Calls())
		})
	}
	// A platform that answers for one day only is asked for that.
	p := attendancetest.NewProvider("d", attendance.Limits{Accounts: 1, Span: 24 * time.Hour})
	explain(t, p, &attendancetest.Sink{}, zhang(), why())
	require.Equal(t, attendance.Span{From: march(2, 0, 0), To: march(3, 0, 0)}, p.Queries()[0].Span)
}

func TestExplainWithAPast(t *testing.T) {
	p := attendancetest.NewProvider("d", weekLimits)
	p.Put(punchOf("1", march(2, 9, 0), attendance.In))
	s := &attendancetest.Sink{}
	store := &attendancetest.Store{}
	now := march(2, 12, 0)
	opts := &attendance.Options{Job: "hq", Target: "oa", Now: func() time.Time { return now }, Memory: attendance.Remember(store)}
	syncer := attendance.NewSyncer(p, s, opts)
	ask := func(more ...func(*attendance.Question)) attendance.Explanation {
		t.Helper()
		e, err := syncer.Explain(t.Context(), zhang(), why(more...))
		require.NoError(t, err)
		return e
	}
	next := func(q *attendance.Question) {
		q.Next, q.Window = march(2, 23, 30), attendance.SinceMark(6, shanghai())
	}
	require.Equal(t, attendance.CauseNotRead, ask().Cause)
	require.Contains(t, ask().Sentence.EN, "no run of this job at all")
	require.Contains(t, ask(next).Sentence.EN, "Nothing to do: the next run at 2026-03-02 23:30:00 brings it")

	report, err := syncer.Run(t.Context(), zhang(), attendance.SinceMark(6, shanghai()))
	require.NoError(t, err)
	e := ask()
	require.Equal(t, attendance.CauseShown, e.Cause)
	require.Contains(t, e.String(), "last by the run "+report.Run)

	now = march(2, 19, 0)
	p.Put(punchOf("2", march(2, 18, 0), attendance.Out))
	require.Equal(t, attendance.CauseNotRead, ask(next).Cause)
	require.Contains(t, ask(next).Sentence.EN, "came after the last run, which read up to 2026-03-02 12:00:00")
	require.Contains(t, ask(func(q *attendance.Question) { next(q); q.Next = time.Time{} }).Sentence.EN, "start the job or enable it")

	// It came late: its moment was read.
	p.Put(punchOf("3", march(2, 11, 0), attendance.Out))
	p.Remove("2")
	e = ask(next)
	require.Equal(t, attendance.CauseNotWritten, e.Cause)
	require.Contains(t, e.Sentence.EN, "although the run "+report.Run+" read that moment")
	require.Contains(t, e.Sentence.EN, "next run at")
	now = march(12, 12, 0)
	require.Contains(t, ask(func(q *attendance.Question) {
		next(q)
		q.Next, q.Again = march(12, 23, 30), attendance.Text{EN: "have it read again by X", ZH: "重读"}
	}).Sentence.EN, "have it read again by X")
}

// What one family of records cannot tell does not keep the other from telling.
func TestExplainFamilies(t *testing.T) {
	punches, visits := attendancetest.NewProvider("d", weekLimits), attendancetest.NewProvider("v", weekLimits)
	punches.Put(punchOf("1", march(2, 9, 0), attendance.In))
	forbidden := &attendance.Error{Code: attendance.CodePermission, Op: "v", Detail: "right X is missing"}
	visits.Refuse = func(attendance.Query) error { return forbidden }
	s := &attendancetest.Sink{}
	opts := &attendance.Options{Now: at(march(20, 12, 0))}
	both := func() (attendance.Explanation, error) {
		return attendance.ExplainTogether(t.Context(), zhang(), why(), attendance.NewSyncer(punches, s, opts), attendance.NewSyncer(visits, s, opts))
	}
	e, err := both()
	require.Equal(t, attendance.CauseNotWritten, e.Cause)
	var parts *attendance.Incomplete
	require.ErrorAs(t, err, &parts)
	require.ErrorIs(t, err, forbidden)
	require.Contains(t, e.String(), "right X is missing")
	punches.Refuse = visits.Refuse
	e, err = both()
	require.Equal(t, attendance.CauseRefused, e.Cause)
	require.Equal(t, forbidden, err)
	require.Contains(t, e.Sentence.ZH, "请钉钉/企业微信管理员在平台后台")
}

func TestExplainWhoseFaultItIs(t *testing.T) {
	for code, who := range map[attendance.Code]string{
		attendance.CodeCredentials: "whoever runs this program", attendance.CodePermission: "the platform's administrator", attendance.CodeAddress: "the platform's administrator",
		attendance.CodeQuota: "the platform's administrator", attendance.CodeMalformed: "the platform's administrator", attendance.CodeUnavailable: "the network's administrator",
		attendance.CodeThrottled: "the network's administrator", attendance.CodeDisabled: "the platform's administrator",
	} {
		p := attendancetest.NewProvider("d", weekLimits)
		p.Refuse = func(attendance.Query) error { return &attendance.Error{Code: code, Op: "d", Detail: "what happened"} }
		e, err := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0))}).Explain(t.Context(), zhang(), why())
		require.Equal(t, code, attendance.CodeOf(err))
		require.Equal(t, attendance.CauseRefused, e.Cause)
		require.Contains(t, e.Sentence.EN, who+": ")
		require.Contains(t, e.Sentence.EN, "what happened")
		require.Contains(t, e.String(), "rows: ", "the walk goes on")
		require.NotContains(t, e.String(), "next run", "nothing was run that it would make up for")
		require.NotContains(t, e.String(), "下次运行")
	}
	for _, code := range []attendance.Code{attendance.CodeAccount, attendance.CodeHorizon} {
		p := attendancetest.NewProvider("d", weekLimits)
		p.Refuse = func(attendance.Query) error { return &attendance.Error{Code: code, Op: "d", Detail: "what happened"} }
		require.Equal(t, attendance.CauseRefused, explain(t, p, &attendancetest.Sink{}, zhang(), why()).Cause, "an answer, and no error")
	}
	down := &attendance.Error{Code: attendance.CodeStoreDown, Op: "oa", Detail: "no route"}
	e := attendance.Unexplained(why(), down)
	require.Empty(t, e.Cause)
	require.Contains(t, e.Sentence.EN, "the database's administrator")
	require.Contains(t, e.Sentence.ZH, "no route")
}

func TestExplainIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := attendancetest.NewProvider("d", weekLimits)
	p.Refuse = func(attendance.Query) error { cancel(); return ctx.Err() }
	_, err := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: at(march(20, 12, 0))}).Explain(ctx, zhang(), why())
	require.Equal(t, context.Canceled, err)
	_, err = attendance.ExplainTogether(t.Context(), zhang(), why())
	require.Error(t, err)
	for _, zone := range []*time.Location{nil, time.FixedZone("Local", 0)} { // the machine's own has that name
		_, err = attendance.NewSyncer(p, &attendancetest.Sink{}, nil).Explain(t.Context(), zhang(), why(func(q *attendance.Question) { q.Zone = zone }))
		require.ErrorContains(t, err, "zone")
	}
}
