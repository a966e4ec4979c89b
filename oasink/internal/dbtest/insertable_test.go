package dbtest

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// errorsOf are the findings of a check that are errors.
func errorsOf(s *oasink.Sink) (list []attendance.Finding) {
	for _, f := range s.Check(context.Background()) {
		if f.Level == attendance.LevelError {
			list = append(list, f)
		}
	}
	return list
}

// A column of the site's own that nobody fills in stops every run: check says so
// before, and says nothing once the column has a default.
func TestAColumnThatNobodyFillsIn(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		for _, table := range []string{"HrmScheduleSign", "mobile_sign", "kq_format_pool"} {
			d := on.found(t, ecologytest.Schema{Generation: oasink.E9})
			if on.name == sqliteName { // which knows no ALTER for it
				continue
			}
			on.exec(t, d.oa.DB(), "ALTER TABLE "+table+" ADD COLUMN custsource VARCHAR(20)",
				"postgres: ALTER TABLE "+table+" ALTER COLUMN custsource SET NOT NULL", "mariadb: ALTER TABLE "+table+" MODIFY custsource VARCHAR(20) NOT NULL")
			s := sink(t, d.pool(t), nil)
			list := errorsOf(s)
			require.Len(t, list, 1, table)
			require.Contains(t, list[0].Message.EN, "custsource")
			on.exec(t, d.oa.DB(), "ALTER TABLE "+table+" ALTER COLUMN custsource SET DEFAULT ''")
			require.Empty(t, errorsOf(s))
			require.Equal(t, 2, write(t, s, punch(101, at(2, 8, 0, 0), attendance.In), field(101, at(2, 9, 0, 0))).Written)
		}
	})
}

// The same on SQLite, whose tables are made anew for it.
func TestAColumnThatNobodyFillsInOfSQLite(t *testing.T) {
	t.Parallel()
	on := sqliteEngine()
	d := on.found(t, ecologytest.Schema{Without: []string{"mobile_sign"}})
	on.exec(t, d.oa.DB(), "CREATE TABLE mobile_sign (id INTEGER PRIMARY KEY, operater INT NOT NULL, operate_type TEXT NOT NULL, operate_date TEXT, operate_time TEXT, "+
		"longitude TEXT NOT NULL, latitude TEXT NOT NULL, address TEXT, remark TEXT, custsource TEXT NOT NULL)")
	list := errorsOf(sink(t, d.pool(t), nil))
	require.Len(t, list, 1)
	require.Contains(t, list[0].Message.EN, "custsource")
}

// What cannot be known before a run is a warning: a trigger may fill the column in, or
// refuse rows.
func TestTriggersAreNamed(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		d := on.found(t, ecologytest.Schema{})
		on.exec(t, d.oa.DB(), refusing("HrmScheduleSign", "userId = 999")...)
		s := sink(t, d.pool(t), nil)
		require.Empty(t, errorsOf(s))
		f := finding(t, s.Check(context.Background()), "triggers")
		require.Equal(t, attendance.LevelWarning, f.Level)
		require.Regexp(t, "(?i)hrmschedulesign: no;", f.Message.EN)
		if on.name != postgresName {
			return
		}
		on.exec(t, d.oa.DB(), "ALTER TABLE HrmScheduleSign ADD COLUMN custsource VARCHAR(20) NOT NULL",
			"CREATE OR REPLACE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.custsource := 'x'; RETURN NEW; END $$")
		s = sink(t, d.pool(t), nil)
		require.Empty(t, errorsOf(s), "a run can write")
		require.Contains(t, finding(t, s.Check(context.Background()), "no_default").Message.EN, "custsource")
		require.Equal(t, 1, write(t, s, punch(101, at(2, 8, 0, 0), attendance.In)).Written)
	})
}

// Columns that refuse NULL hold an empty text or 0 where there is nothing to say.
func TestColumnsThatRefuseNULL(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, on engine) {
		d := on.found(t, ecologytest.Schema{})
		for table, columns := range map[string][]string{"HrmScheduleSign": {"ADDR", "LONGITUDE", "LATITUDE"}, "mobile_sign": {"address", "remark"}} {
			for _, column := range columns {
				on.exec(t, d.oa.DB(), "postgres: ALTER TABLE "+table+" ALTER COLUMN "+column+" SET NOT NULL", "mariadb: ALTER TABLE "+table+" MODIFY "+column+" VARCHAR(400) NOT NULL")
			}
		}
		s := ledgerOn(t, d.pool(t))
		require.Empty(t, errorsOf(s))
		punches := []attendance.Punch{record("1", punch(101, at(2, 8, 0, 0), attendance.In)), record("2", field(101, at(2, 9, 0, 0)))}
		require.Equal(t, 2, write(t, s, punches...).Written)
		require.Equal(t, 2, write(t, s, punches...).Present)
	})
}

// After a migration that has copied rows with their ids the sequence still stands at
// its beginning: check and a run name what mends it.
func TestAnIDGeneratorBehindItsRows(t *testing.T) {
	t.Parallel()
	on := postgresEngine()
	on.needed(t)
	for _, key := range []string{"site_pkey", "pk_of_the_site"} {
		t.Run(key, func(t *testing.T) { testAnIDGeneratorBehindItsRows(t, on, key) })
	}
}

func testAnIDGeneratorBehindItsRows(t *testing.T, on engine, key string) {
	d := on.found(t, ecologytest.Schema{})
	on.exec(t, d.oa.DB(), "ALTER TABLE HrmScheduleSign ADD CONSTRAINT "+key+" PRIMARY KEY (id)",
		"INSERT INTO HrmScheduleSign (id, userId, userType, signType, signDate, signTime, isInCom) SELECT g, 999, '1', '1', '2026-01-01', '08:00:00', '1' FROM generate_series(1, 50) g")
	s := sink(t, d.pool(t), nil)
	list := errorsOf(s)
	require.Len(t, list, 1)
	require.Contains(t, list[0].Mend.EN, "SELECT setval(")
	require.Contains(t, list[0].Message.EN, "the next id is 1")
	_, err := s.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
	require.Equal(t, attendance.CodeTable, attendance.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "23505")
	mend := mendOf(t, err)
	_, statement, _ := strings.Cut(mend.EN, ": ")
	on.exec(t, d.pool(t), statement)
	require.Empty(t, errorsOf(s))
	require.Equal(t, 1, write(t, s, punch(101, at(2, 8, 0, 0), attendance.In)).Written)
}

// Whoever may add rows and not look at the sequence is told nothing of it.
func TestAnIDGeneratorThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	on := postgresEngine()
	on.needed(t)
	d := on.found(t, ecologytest.Schema{})
	account := d.as(t, "", "HrmScheduleSign", "mobile_sign", "kq_format_pool")
	require.Empty(t, errorsOf(sink(t, account.pool(t), nil)))
}

// A column that keeps no seconds: no run can write, and check says so before. SQLite holds
// a text of any length.
func TestColumnsTooShortForATime(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		d := on.found(t, ecologytest.Schema{})
		on.exec(t, d.oa.DB(), "mariadb: ALTER TABLE HrmScheduleSign MODIFY signTime CHAR(5)", "postgres: ALTER TABLE HrmScheduleSign ALTER signTime TYPE varchar(5)",
			"sqlite: ALTER TABLE HrmScheduleSign DROP COLUMN signTime", "sqlite: ALTER TABLE HrmScheduleSign ADD COLUMN signTime CHAR(5)")
		s := sink(t, d.pool(t), nil)
		var said string
		for _, f := range s.Check(context.Background()) {
			if f.Level == attendance.LevelError {
				said += f.Message.EN
			}
		}
		_, err := s.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In), punch(101, at(2, 18, 0, 0), attendance.Out),
			punch(101, at(3, 8, 0, 0), attendance.In), punch(101, at(3, 18, 0, 0), attendance.Out)))
		if on.name == sqliteName {
			require.Empty(t, said)
			require.NoError(t, err)
			return
		}
		require.Error(t, err)
		require.Contains(t, strings.ToLower(said), "too short for a day (10 characters) or a time with its seconds (8) is signtime (5)")
	})
}
