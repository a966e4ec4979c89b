package dbtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// Columns of other types than e-cology's own come back in another shape: what was
// written is found again all the same, and not written once more.
func TestColumnsThatComeBackInAnotherShape(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		on     func() engine
		change []string
	}{
		"mariadb days and times": {mariadbEngine, []string{
			"ALTER TABLE HrmScheduleSign MODIFY signDate DATE, MODIFY signTime TIME", "ALTER TABLE mobile_sign MODIFY operate_date DATE, MODIFY operate_time TIME"}},
		"mariadb points in time": {mariadbEngine, []string{
			"ALTER TABLE HrmScheduleSign MODIFY signDate DATETIME, MODIFY signTime TIME(6)", "ALTER TABLE mobile_sign MODIFY operate_date TIMESTAMP NULL"}},
		"mariadb numbers": {mariadbEngine, []string{
			"ALTER TABLE HrmScheduleSign MODIFY userId DECIMAL(12,2), MODIFY signType DECIMAL(4,2), MODIFY isInCom TINYINT(1), MODIFY userType INT",
			"ALTER TABLE mobile_sign MODIFY operater DECIMAL(12,2), MODIFY longitude DECIMAL(12,6), MODIFY latitude DOUBLE"}},
		"mariadb padding": {mariadbEngine, []string{
			"ALTER TABLE HrmScheduleSign MODIFY signDate CHAR(20), MODIFY signTime CHAR(20), MODIFY signType CHAR(8), MODIFY isInCom CHAR(4), MODIFY signFrom CHAR(50)"}},
		"postgres days and times": {postgresEngine, []string{
			"ALTER TABLE HrmScheduleSign ALTER signDate TYPE date USING signDate::date, ALTER signTime TYPE time USING signTime::time",
			"ALTER TABLE mobile_sign ALTER operate_date TYPE date USING operate_date::date, ALTER operate_time TYPE time USING operate_time::time"}},
		"postgres points in time": {postgresEngine, []string{
			"ALTER TABLE HrmScheduleSign ALTER signDate TYPE timestamp USING signDate::timestamp, ALTER signTime TYPE time(3) USING signTime::time",
			"ALTER TABLE mobile_sign ALTER operate_date TYPE timestamp USING operate_date::timestamp"}},
		"postgres numbers": {postgresEngine, []string{
			"ALTER TABLE HrmScheduleSign ALTER userId TYPE numeric(12,2), ALTER signType TYPE numeric(4,2) USING signType::numeric, ALTER isInCom TYPE smallint USING isInCom::smallint, ALTER userType TYPE integer USING userType::integer",
			"ALTER TABLE mobile_sign ALTER operater TYPE numeric(12,2)"}},
		"postgres padding": {postgresEngine, []string{
			"ALTER TABLE HrmScheduleSign ALTER signDate TYPE char(20), ALTER signTime TYPE char(20), ALTER signType TYPE char(8), ALTER isInCom TYPE char(4), ALTER signFrom TYPE char(50)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := c.on()
			on.needed(t)
			for _, ledger := range []*oasink.LedgerOptions{nil, {Withdrawn: oasink.DeleteWithdrawn}} {
				d := on.empty(t)
				if on.name == mariadbName {
					d.dsn += "?parseTime=true"
				}
				var err error
				d.oa, err = ecologytest.New(context.Background(), d.pool(t), ecologytest.Schema{})
				require.NoError(t, err)
				for _, statement := range c.change {
					_, err := d.oa.DB().Exec(statement)
					require.NoError(t, err, statement)
				}
				s := sink(t, d.pool(t), &oasink.Options{Ledger: ledger})
				require.NoError(t, s.CreateLedger(context.Background()))
				in := record("a", place(punch(101, at(4, 8, 51, 0), attendance.In)))
				visit := record("b", place(field(102, at(4, 23, 59, 59))))
				for _, written := range []int{2, 0, 0} {
					w := write(t, s, in, visit)
					require.Equal(t, [2]int{written, 2 - written}, [2]int{w.Written, w.Present})
					require.Zero(t, w.Superseded)
					require.Empty(t, w.Warnings)
				}
				got := counts(t, d.oa)
				require.Equal(t, [2]int{1, 1}, [2]int(got[:2]))
				n := 0
				for row, err := range s.Rows(context.Background(), []string{"101", "102"}, week()) {
					require.NoError(t, err)
					require.Contains(t, []int64{in.Time.Unix(), visit.Time.Unix()}, row.Time.Unix())
					require.False(t, row.Hidden)
					n++
				}
				require.Equal(t, 2, n)
				if ledger != nil { // a correction and a withdrawal find their rows too
					in.Time = at(5, 9, 1, 2)
					w := write(t, s, in, record("c", punch(102, at(4, 18, 0, 0), attendance.Out)))
					require.Equal(t, [3]int{2, 1, 0}, [3]int{w.Written, w.Corrected, w.Present})
					w = write(t, s, in)
					require.Equal(t, 1, w.Present)
					require.Len(t, signs(t, d.oa), 2)
				}
			}
		})
	}
}
