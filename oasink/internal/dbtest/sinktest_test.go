package dbtest

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sinktest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

func itoa(n int) string { return strconv.Itoa(n) }

// target is a database for the conformance kit.
type target struct {
	database
	ledger *oasink.LedgerOptions
}

func (x target) Sink(t testing.TB) attendance.Sink { return x.database.sink(t, x.ledger) }

func (x target) Rows(t testing.TB) []sinktest.Row {
	signs, err := x.oa.SignRows(context.Background())
	require.NoError(t, err)
	var rows []sinktest.Row
	for _, r := range signs {
		row := sinktest.Row{Person: itoa(int(r.UserID)), Second: r.SignDate + " " + r.SignTime, Address: unNull(r.Addr)}
		switch r.SignType {
		case "1":
			row.Direction = attendance.In
		case "2":
			row.Direction = attendance.Out
		}
		rows = append(rows, row)
	}
	mobiles, err := x.oa.MobileRows(context.Background())
	require.NoError(t, err)
	for _, r := range mobiles {
		rows = append(rows, sinktest.Row{Person: itoa(int(r.Operater)), Second: r.OperateDate + " " + r.OperateTime, Apart: true, Address: unNull(r.Address)})
	}
	return rows
}

func (x target) PutForeign(t testing.TB, rows ...sinktest.Row) {
	for _, r := range rows {
		person, err := strconv.ParseInt(r.Person, 10, 64)
		require.NoError(t, err)
		row := ecologytest.SignRow{UserID: person, UserType: "1", SignType: ecologytest.NULL, SignDate: r.Second[:10], SignTime: r.Second[11:],
			IsInCom: "1", SignFrom: "e9mobile"}
		switch r.Direction {
		case attendance.In:
			row.SignType = "1"
		case attendance.Out:
			row.SignType = "2"
		}
		require.NoError(t, x.oa.AddSigns(context.Background(), row))
	}
}

func unNull(s string) string {
	if s == ecologytest.NULL {
		return ""
	}
	return s
}

func TestSinkConformance(t *testing.T) {
	t.Parallel()
	for _, e := range append(engines(), rollbackEngine()) {
		for _, g := range []oasink.Generation{oasink.E8, oasink.E9} {
			t.Run(e.name+"/"+g.String(), func(t *testing.T) {
				t.Parallel()
				e.needed(t)
				sinktest.Run(t, func(t testing.TB) sinktest.Target {
					return target{e.found(t, ecologytest.Schema{Generation: g}), nil}
				}, sinktest.Features{Apart: true, Places: true})
			})
		}
	}
}
