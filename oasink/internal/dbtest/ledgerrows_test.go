package dbtest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// held is what the OA holds, one line a row.
func held(t testing.TB, oa *ecologytest.OA) []string {
	t.Helper()
	var lines []string
	for _, r := range signs(t, oa) {
		lines = append(lines, fmt.Sprintf("sign %d %s %s %s", r.UserID, r.SignDate, r.SignTime, r.SignType))
	}
	for _, r := range mobiles(t, oa) {
		lines = append(lines, fmt.Sprintf("mobile %d %s %s", r.Operater, r.OperateDate, r.OperateTime))
	}
	slices.Sort(lines)
	return lines
}

// requireOnce fails when a punch is there twice.
func requireOnce(t testing.TB, oa *ecologytest.OA) {
	t.Helper()
	lines := held(t, oa)
	require.Equal(t, slices.Compact(slices.Clone(lines)), lines, "no punch is there twice")
}

// requireLedgerOf fails unless the ledger names exactly the rows of the two punch
// tables, each by its id and with what it holds.
func requireLedgerOf(t testing.TB, d database) {
	t.Helper()
	read := func(query string) []string {
		rows, err := d.oa.DB().Query(query)
		require.NoError(t, err)
		defer rows.Close()
		var lines []string
		for rows.Next() {
			var table, row, person int64
			var when, kind string
			require.NoError(t, rows.Scan(&table, &row, &person, &when, &kind))
			lines = append(lines, fmt.Sprintf("%d #%d: %d %s %s", table, row, person, when, kind))
		}
		require.NoError(t, rows.Err())
		slices.Sort(lines)
		return lines
	}
	ledger := read("SELECT target, row_id, person, wrote, sign_type FROM punchbridge_rows")
	rows := append(read("SELECT 1, id, userId, "+stampOf(d, "signDate", "signTime")+", signType FROM HrmScheduleSign"),
		read("SELECT 2, id, operater, "+stampOf(d, "operate_date", "operate_time")+", '0' FROM mobile_sign")...)
	slices.Sort(rows)
	require.Equal(t, rows, ledger, "the ledger names exactly our rows")
}

// stampOf spells a date and a time as the ledger does.
func stampOf(d database, date, clock string) string {
	all := date + " || " + clock
	if d.name == mariadbName {
		all = "CONCAT(" + date + ", " + clock + ")"
	}
	return "REPLACE(REPLACE(" + all + ", '-', ''), ':', '')"
}
