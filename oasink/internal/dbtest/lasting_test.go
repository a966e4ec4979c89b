package dbtest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// withoutTransactions builds an OA whose punch tables have an engine without
// transactions, and what a site makes of them.
func withoutTransactions(t *testing.T, engine string, made ...string) database {
	t.Helper()
	on := mariadbEngine()
	on.needed(t)
	d := on.found(t, ecologytest.Schema{})
	on.exec(t, d.oa.DB(), "ALTER TABLE HrmScheduleSign ENGINE="+engine, "ALTER TABLE mobile_sign ENGINE="+engine)
	on.exec(t, d.oa.DB(), made...)
	return d
}

func tenPeople() []attendance.Punch {
	punches := []attendance.Punch{record("f", field(101, at(2, 20, 0, 0)))}
	for person := 101; person <= 110; person++ {
		punches = append(punches, record(itoa(person), punch(person, at(2, 8, person-100, 7), attendance.In)))
	}
	return punches
}

// Tables of MyISAM and the like take nothing back: a row that they change is removed
// by its id, named with both values, and never there twice; the others are written.
func TestChangedRowsOfTablesWithoutTransactions(t *testing.T) {
	t.Parallel()
	const begin = "CREATE TRIGGER changed BEFORE INSERT ON HrmScheduleSign FOR EACH ROW IF NEW.userId IN (101, 102) THEN SET NEW."
	for _, engine := range []string{"MyISAM", "Aria"} {
		for name, trigger := range map[string]string{"person": "userId = 999102", "seconds": "signTime = LEFT(NEW.signTime, 5)", "tag": "signFrom = 'other'", "type": "signType = '2'", "date": "signDate = '2026-03-01'"} {
			for kind, ledger := range ledgers() {
				t.Run(engine+"/"+name+"/"+kind, func(t *testing.T) {
					t.Parallel()
					d := withoutTransactions(t, engine, begin+trigger+"; END IF")
					for n := range 3 {
						s := sink(t, d.oa.DB(), &oasink.Options{Ledger: ledger})
						require.NoError(t, s.CreateLedger(context.Background()))
						w, err := s.Write(context.Background(), batch(tenPeople()...))
						require.Len(t, w.Unwritten, 2, "%v", err)
						require.Equal(t, attendance.RowChanged, w.Unwritten[0].Reason)
						require.Contains(t, w.Unwritten[0].Detail, "sent 101 2026-03-02 08:01:07 type 1 from_dd, found ")
						require.Equal(t, n > 0, attendance.CodeOf(err) == attendance.CodeRowChanged, "%v", err)
						require.Equal(t, 9, w.Written+w.Present)
						require.Equal(t, n == 0, w.Written == 9)
						require.Len(t, signs(t, d.oa), 8)
						require.Len(t, mobiles(t, d.oa), 1)
						require.Len(t, w.Days, map[bool]int{true: 9}[n == 0])
					}
				})
			}
		}
	}
}

// Where nothing could take a changed row back, nothing is written: each run would add it
// once more. check says so before.
func TestTablesWithoutTransactionsNeedTheRightToDelete(t *testing.T) {
	t.Parallel()
	d := withoutTransactions(t, "MyISAM")
	poor := d.as(t, "", "HrmScheduleSign", "mobile_sign", "kq_format_pool")
	s := sink(t, poor.pool(t), nil)
	f := finding(t, s.Check(context.Background()), string(attendance.CodeStore))
	require.Equal(t, attendance.LevelError, f.Level)
	require.Contains(t, f.Message.EN, "is a table of MyISAM, which has no transactions")
	require.Contains(t, f.Mend.ZH, "InnoDB")
	w, err := s.Write(context.Background(), batch(tenPeople()...))
	require.Equal(t, attendance.CodeStore, attendance.CodeOf(err))
	require.ErrorContains(t, err, "grant this program's account DELETE")
	require.Zero(t, w.Written)
	require.Equal(t, [3]int{}, counts(t, d.oa))

	// One table with transactions, and its punches are written.
	d.exec(t, d.oa.DB(), "ALTER TABLE mobile_sign ENGINE=InnoDB")
	s = sink(t, poor.pool(t), nil)
	w, err = s.Write(context.Background(), batch(tenPeople()...))
	require.ErrorContains(t, err, "10 punches were not written")
	require.Equal(t, 1, w.Written)
	require.Empty(t, signs(t, d.oa))
	require.Len(t, mobiles(t, d.oa), 1)
}

// One refused row costs only itself, there as well.
func TestRefusedRowsOfTablesWithoutTransactions(t *testing.T) {
	t.Parallel()
	for kind, ledger := range ledgers() {
		d := withoutTransactions(t, "MyISAM", refusing("HrmScheduleSign", "userId = 102")[1][len("mariadb: "):])
		s := sink(t, d.oa.DB(), &oasink.Options{Ledger: ledger})
		require.NoError(t, s.CreateLedger(context.Background()))
		for n := range 2 {
			w := write(t, s, tenPeople()...)
			require.Len(t, w.Unwritten, 1, kind)
			require.Equal(t, "102", w.Unwritten[0].Person)
			require.Equal(t, 10, w.Written+w.Present)
			require.Equal(t, n == 0, w.Written == 10)
			require.Len(t, signs(t, d.oa), 9)
		}
	}
	d := withoutTransactions(t, "MyISAM", refusing("HrmScheduleSign", "userId > 0")[1][len("mariadb: "):])
	b := fifty()
	w, err := sink(t, d.oa.DB(), nil).Write(context.Background(), b)
	require.ErrorContains(t, err, "1300 rows were not tried any more")
	require.Len(t, w.Unwritten, 100)
	require.Empty(t, signs(t, d.oa))
}

// A try that fails after its rows are there, which nothing takes back, is no reason to
// call them another one's: they are written, and their days are computed anew.
func TestATryThatFailsBehindLastingRows(t *testing.T) {
	t.Parallel()
	d := withoutTransactions(t, "MyISAM")
	failed := false
	db := d.struck(t, func(query string) error {
		if strings.HasPrefix(query, "INSERT INTO") && strings.Contains(query, "kq_format_pool") && !failed {
			failed = true
			return errors.New("Error 1213 (40001): Deadlock found when trying to get lock")
		}
		return nil
	})
	w := write(t, sink(t, db, nil), tenPeople()...)
	require.True(t, failed)
	require.Equal(t, 11, w.Written)
	require.Len(t, w.Days, 10)
	require.Len(t, signs(t, d.oa), 10)
}
