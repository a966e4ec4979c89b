package oasink

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

func shanghai() *time.Location { return time.FixedZone("UTC+8", 8*3600) }

func testBatch(punches ...attendance.Punch) attendance.Batch {
	return attendance.Batch{
		Source:  "dingtalk",
		Members: []attendance.Member{{Person: "101", Account: "a"}, {Person: "102", Account: "b"}, {Person: "x9", Account: "c"}},
		Span: attendance.Span{
			From: time.Date(2026, 3, 2, 0, 0, 0, 0, shanghai()),
			To:   time.Date(2026, 3, 3, 0, 0, 0, 0, shanghai()),
		},
		Punches: punches,
	}
}

func TestPlanSortsPunchesByTableAndReason(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 900e6, shanghai())
	p := newPlan(testBatch(
		attendance.Punch{Account: "a", Time: at, Kind: attendance.Regular, Direction: attendance.In},
		attendance.Punch{Account: "a", Time: at.Add(-time.Second / 2), Kind: attendance.Regular, Direction: attendance.In},
		attendance.Punch{Account: "a", Time: at, Kind: attendance.Regular, Direction: attendance.Out},
		attendance.Punch{Account: "a", Time: at, Kind: attendance.Regular},
		attendance.Punch{Account: "b", Time: at, Kind: attendance.Outside, Direction: attendance.Out},
		attendance.Punch{Account: "b", Time: at, Kind: attendance.Field},
		attendance.Punch{Account: "b", Time: at, Kind: attendance.Outside},
		attendance.Punch{Account: "b", Time: at},
		attendance.Punch{Account: "stranger", Time: at, Kind: attendance.Field},
		attendance.Punch{Account: "a", Time: at.AddDate(0, 0, 1), Kind: attendance.Field},
		attendance.Punch{Account: "c", Time: at, Kind: attendance.Field},
	), rules{})
	require.Len(t, p.sign.rows, 2)
	require.Equal(t, key{101, 20260302080000, signIn}, p.sign.rows[0].key)
	require.Equal(t, key{101, 20260302080000, signOut}, p.sign.rows[1].key)
	require.Len(t, p.mobile.rows, 1)
	require.Equal(t, map[attendance.Reason]int{
		attendance.SameSecond: 2, attendance.NoDirection: 2, attendance.UnknownType: 1, attendance.NotAsked: 1, attendance.OutsideWindow: 1,
	}, p.skipped)
	require.Equal(t, 1, p.strays)
	require.Equal(t, []string{`"x9"`}, p.nobody)
	require.Equal(t, []int64{101, 102}, p.answered)
}

func TestPlanBoundsSupersededByWholeSeconds(t *testing.T) {
	b := testBatch()
	b.Span.From = b.Span.From.Add(8*time.Hour + 200*time.Millisecond)
	b.Span.To = b.Span.From.Add(time.Hour)
	p := newPlan(b, rules{})
	require.Equal(t, second(20260302080001), p.from, "08:00:00 may be of a punch before the span")
	require.Equal(t, second(20260302090000), p.to)
}

func TestPlanOfAnHourThatComesTwice(t *testing.T) {
	zone, err := time.LoadLocation("America/Sao_Paulo") // at 00:00 back to 23:00
	require.NoError(t, err)
	b := testBatch()
	b.Span = attendance.Span{From: time.Date(2018, 2, 18, 1, 30, 0, 0, time.UTC).In(zone), To: time.Date(2018, 2, 18, 2, 30, 0, 0, time.UTC).In(zone)}
	b.Punches = []attendance.Punch{{Account: "a", Time: b.Span.From.Add(5 * time.Minute), Kind: attendance.Regular, Direction: attendance.In}}
	p := newPlan(b, rules{})
	require.Equal(t, "2018-02-17 23:35:00", p.sign.rows[0].at.date()+" "+p.sign.rows[0].at.clock())
	require.GreaterOrEqual(t, p.sign.rows[0].at.date(), p.first.String())
	require.LessOrEqual(t, p.sign.rows[0].at.date(), p.last.String())
}

func TestChangedNamesEachDayOnceSorted(t *testing.T) {
	rows := []want{
		{key: key{102, 20260303080000, signIn}},
		{key: key{101, 20260303080000, signIn}},
		{key: key{101, 20260302080000, signIn}, held: byOther},
		{key: key{101, 20260303180000, signOut}},
	}
	day := attendance.Date{Year: 2026, Month: 3, Day: 3}
	require.Equal(t, []attendance.PersonDay{{Person: "101", Day: day}, {Person: "102", Day: day}}, changed(nil, rows, rows[:1]))
}
