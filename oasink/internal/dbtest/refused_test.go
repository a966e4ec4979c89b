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

// everyEngine runs a test on each engine, side by side.
func everyEngine(t *testing.T, test func(t *testing.T, on engine)) {
	t.Helper()
	t.Parallel()
	everywhere(t, test)
}

func ledgers() map[string]*oasink.LedgerOptions {
	return map[string]*oasink.LedgerOptions{"rows": nil, "ledger": {Withdrawn: oasink.DeleteWithdrawn}}
}

// A refusal is a way in which a table refuses, drops or changes the rows of person 102.
type refusal struct {
	name    string
	make    []string
	reason  attendance.Reason
	details []string // words of which the detail holds one
}

func refusals(table, person, when string) []refusal {
	return []refusal{
		{"a trigger", refusing(table, person+" = 102"), attendance.RowRefused, []string{"permission denied"}},
		{"a check", []string{
			"mariadb: ALTER TABLE " + table + " ADD CONSTRAINT site_check CHECK (" + person + " <> 102)",
			"postgres: ALTER TABLE " + table + " ADD CONSTRAINT site_check CHECK (" + person + " <> 102)",
			"sqlite: CREATE TRIGGER site_check BEFORE INSERT ON " + table + " WHEN NEW." + person + " = 102 BEGIN SELECT RAISE(ROLLBACK, 'site_check'); END",
		}, attendance.RowRefused, []string{"site_check"}},
		{"a trigger that drops the row", []string{
			// MariaDB's triggers cannot drop a row, but put it out of sight.
			"mariadb: CREATE TRIGGER changed BEFORE INSERT ON " + table + " FOR EACH ROW IF NEW." + person + " = 102 THEN SET NEW." + person + " = 999102; END IF",
			"postgres: CREATE FUNCTION dropped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW." + person + " = 102 THEN RETURN NULL; END IF; RETURN NEW; END $$",
			"postgres: CREATE TRIGGER dropped BEFORE INSERT ON " + table + " FOR EACH ROW EXECUTE FUNCTION dropped()",
			"sqlite: CREATE TRIGGER dropped BEFORE INSERT ON " + table + " WHEN NEW." + person + " = 102 BEGIN SELECT RAISE(IGNORE); END",
		}, attendance.RowChanged, []string{"found no new row", "found 999102"}},
		{"a trigger that drops the seconds", []string{
			"mariadb: CREATE TRIGGER cut BEFORE INSERT ON " + table + " FOR EACH ROW IF NEW." + person + " = 102 THEN SET NEW." + when + " = LEFT(NEW." + when + ", 5); END IF",
			"postgres: CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW." + person + " = 102 THEN NEW." + when + " := left(NEW." + when + ", 5); END IF; RETURN NEW; END $$",
			"postgres: CREATE TRIGGER cut BEFORE INSERT ON " + table + " FOR EACH ROW EXECUTE FUNCTION cut()",
			"sqlite: CREATE TRIGGER cut AFTER INSERT ON " + table + " WHEN NEW." + person + " = 102 BEGIN UPDATE " + table + " SET " + when + " = substr(" + when + ", 1, 5) WHERE id = NEW.id; END",
		}, attendance.RowChanged, []string{"found 102 2026-03-02 08:02"}},
	}
}

// One row that a table refuses, drops or changes costs only itself: the others of its
// batch are written, and it is named with the table's reason or with both values. No
// later write doubles anything.
func TestOneRefusedRow(t *testing.T) { everyEngine(t, testOneRefusedRow) }

func testOneRefusedRow(t *testing.T, on engine) {
	for name, ledger := range ledgers() {
		for _, field := range []bool{false, true} {
			kinds := refusals("HrmScheduleSign", "userId", "signTime")
			table := "HrmScheduleSign"
			if field {
				kinds, table = refusals("mobile_sign", "operater", "operate_time"), "mobile_sign"
			}
			for _, k := range kinds {
				t.Run(name+"/"+table+"/"+k.name, func(t *testing.T) {
					t.Parallel()
					oa := on.build(t, ecologytest.Schema{})
					on.exec(t, oa.DB(), k.make...)
					s := sink(t, oa.DB(), &oasink.Options{Ledger: ledger})
					require.NoError(t, s.CreateLedger(context.Background()))
					var punches []attendance.Punch
					for person := 101; person <= 110; person++ {
						p := punch(person, at(2, 8, person-100, 7), attendance.In)
						if field {
							p.Kind, p.Direction = attendance.Field, attendance.Undirected
						}
						punches = append(punches, record(itoa(person), p))
					}
					for n := range 3 {
						w, err := s.Write(context.Background(), batch(punches...))
						require.Len(t, w.Unwritten, 1)
						u := w.Unwritten[0]
						require.Equal(t, [4]string{"102", "u102", "102", table}, [4]string{u.Person, u.Account, u.ID, u.Table})
						require.True(t, u.Time.Equal(at(2, 8, 2, 7)))
						require.Equal(t, k.reason, u.Reason)
						require.Regexp(t, strings.Join(k.details, "|"), u.Detail)
						if k.reason == attendance.RowChanged {
							require.Contains(t, u.Detail, "sent 102 2026-03-02 08:02:07")
						}
						require.Equal(t, map[attendance.Reason]int{k.reason: 1}, w.Skipped)
						if n == 0 {
							require.NoError(t, err)
							require.Equal(t, 9, w.Written)
							require.Len(t, w.Days, 9)
						} else { // nothing is left that the table would take; only what changes rows may not be trusted
							want := map[attendance.Reason]attendance.Code{attendance.RowChanged: attendance.CodeRowChanged}
							require.Equal(t, want[k.reason], attendance.CodeOf(err))
							require.Equal(t, 9, w.Present)
							require.Empty(t, w.Days)
						}
						got := counts(t, oa)
						require.Equal(t, 9, got[0]+got[1])
					}
				})
			}
		}
	}
}

// The case of the site that keeps duplicates out by itself, in both its forms.
func TestAUniqueIndexOfTheSites(t *testing.T) {
	everyEngine(t, func(t *testing.T, on engine) {
		oa := on.build(t, ecologytest.Schema{})
		on.exec(t, oa.DB(), "CREATE UNIQUE INDEX site_once ON HrmScheduleSign (userId, signDate, signTime)",
			"INSERT INTO HrmScheduleSign (userId, userType, signType, signDate, signTime, isInCom) VALUES (101, '2', '1', '2026-03-04', '08:51:00', '1')")
		s := sink(t, oa.DB(), nil)
		w := write(t, s, punch(101, at(4, 8, 51, 0), attendance.In), punch(102, at(4, 8, 52, 0), attendance.In), punch(103, at(4, 8, 53, 0), attendance.In))
		require.Equal(t, 2, w.Written)
		require.Len(t, w.Unwritten, 1)
		require.Equal(t, "101", w.Unwritten[0].Person)
		require.Regexp(t, "(?i)site_once|HrmScheduleSign.userId", w.Unwritten[0].Detail)
		require.Len(t, signs(t, oa), 3)

		w = write(t, s, punch(104, at(4, 8, 51, 0), attendance.In), punch(104, at(4, 8, 51, 0), attendance.Out))
		require.Equal(t, 1, w.Written)
		require.Len(t, w.Unwritten, 1)
		require.Equal(t, "104", w.Unwritten[0].Person)
		require.Len(t, signs(t, oa), 4)
	})
}

// A table that takes nothing, for whatever reason, leaves nothing half done, and the
// fault is told as one that may be the table's.
func TestATableThatTakesNothing(t *testing.T) {
	everyEngine(t, func(t *testing.T, on engine) {
		oa := on.build(t, ecologytest.Schema{Generation: oasink.E8})
		on.exec(t, oa.DB(), refusing("HrmScheduleSign", "userId > 0")...)
		s := sink(t, oa.DB(), nil)
		punches := []attendance.Punch{field(101, at(2, 9, 0, 0))}
		for person := 101; person <= 104; person++ {
			punches = append(punches, punch(person, at(2, 8, 0, 0), attendance.In))
		}
		w, err := s.Write(context.Background(), batch(punches...))
		require.Equal(t, attendance.CodeRowRefused, attendance.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "permission denied")
		require.Equal(t, 1, w.Written, "the other table is another")
		require.Len(t, w.Unwritten, 4)
		require.Empty(t, signs(t, oa))
		require.Len(t, mobiles(t, oa), 1)
	})
}

// With a ledger: a correction and a withdrawal that the table refuses stay undone and
// named, and cost the others nothing.
func TestRefusedChanges(t *testing.T) {
	for name, how := range map[string][]string{
		"refused": {
			"sqlite: CREATE TRIGGER u BEFORE UPDATE ON HrmScheduleSign WHEN OLD.userId = 102 BEGIN SELECT RAISE(ABORT, 'closed'); END",
			"sqlite: CREATE TRIGGER d BEFORE DELETE ON HrmScheduleSign WHEN OLD.userId = 104 BEGIN SELECT RAISE(ROLLBACK, 'closed'); END",
			"mariadb: CREATE TRIGGER u BEFORE UPDATE ON HrmScheduleSign FOR EACH ROW IF OLD.userId = 102 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'closed'; END IF",
			"mariadb: CREATE TRIGGER d BEFORE DELETE ON HrmScheduleSign FOR EACH ROW IF OLD.userId = 104 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'closed'; END IF",
			"postgres: CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.userId IN (102, 104) THEN RAISE EXCEPTION 'closed'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
			"postgres: CREATE TRIGGER u BEFORE UPDATE OR DELETE ON HrmScheduleSign FOR EACH ROW EXECUTE FUNCTION no()",
		},
		"changed": {
			"sqlite: CREATE TRIGGER u AFTER UPDATE ON HrmScheduleSign WHEN OLD.userId = 102 AND NEW.signTime = '08:30:07' BEGIN UPDATE HrmScheduleSign SET signTime = '08:15:07' WHERE id = NEW.id; END",
			"mariadb: CREATE TRIGGER u BEFORE UPDATE ON HrmScheduleSign FOR EACH ROW IF OLD.userId = 102 THEN SET NEW.signTime = '08:15:07'; END IF",
			"postgres: CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.userId = 102 THEN NEW.signTime := '08:15:07'; END IF; RETURN NEW; END $$",
			"postgres: CREATE TRIGGER u BEFORE UPDATE ON HrmScheduleSign FOR EACH ROW EXECUTE FUNCTION no()",
		},
	} {
		t.Run(name, func(t *testing.T) {
			everyEngine(t, func(t *testing.T, on engine) {
				oa := on.build(t, ecologytest.Schema{})
				s := sink(t, oa.DB(), &oasink.Options{Ledger: &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}})
				require.NoError(t, s.CreateLedger(context.Background()))
				var first, then []attendance.Punch
				for person := 101; person <= 105; person++ {
					first = append(first, record(itoa(person), punch(person, at(2, 8, 0, 7), attendance.In)), record(itoa(person)+"b", punch(person, at(3, 8, 0, 0), attendance.In)))
				}
				require.Equal(t, 10, write(t, s, first...).Written)
				on.exec(t, oa.DB(), how...)
				for _, p := range first {
					switch p.ID {
					case "101", "102", "103": // corrected
						p.Time = at(2, 8, 30, 7)
					case "104", "105": // withdrawn
						continue
					}
					then = append(then, p)
				}
				then = append(then, punch(106, at(2, 9, 0, 0), attendance.In))
				for n := range 2 {
					w, err := s.Write(context.Background(), batch(then...))
					people := make(map[string]string)
					for _, u := range w.Unwritten {
						people[u.Person] = u.Detail
					}
					if name == "refused" {
						require.Len(t, people, 2)
						require.Contains(t, people["102"], "closed")
						require.Contains(t, people["104"], "closed")
					} else {
						require.Len(t, people, 1)
						require.Contains(t, people["102"], "sent 102 2026-03-02 08:30:07 type 1, found 102 2026-03-02 08:15:07 type 1")
					}
					if n == 0 {
						require.NoError(t, err)
						require.Equal(t, [2]int{3, 2}, [2]int{w.Written, w.Corrected})
						require.Equal(t, 3-len(people), w.Removed)
					} else {
						require.Equal(t, [2]int{0, 0}, [2]int{w.Written, w.Removed})
						require.Equal(t, name == "changed", err != nil, "%v", err)
					}
					require.Len(t, signs(t, oa), 8+len(people))
				}
			})
		})
	}
}

// A punch that has a row in both tables is counted once, also where one of them is
// refused: as written by the other.
func TestARefusedRowOfAPunchInBothTables(t *testing.T) {
	t.Parallel()
	for table, person := range map[string]string{"HrmScheduleSign": "userId", "mobile_sign": "operater"} {
		oa := build(t, ecologytest.Schema{})
		sqliteEngine().exec(t, oa.DB(), refusing(table, person+" = 102")...)
		s := sink(t, oa.DB(), &oasink.Options{Outside: oasink.OutsideBoth})
		w := write(t, s, outside(101, at(2, 8, 0, 0), attendance.In), outside(102, at(2, 8, 0, 0), attendance.In))
		require.Equal(t, 2, w.Written, table)
		require.Empty(t, w.Skipped)
		require.Len(t, w.Unwritten, 1)
		require.Equal(t, [2]string{"102", table}, [2]string{w.Unwritten[0].Person, w.Unwritten[0].Table})
		got := counts(t, oa)
		require.Equal(t, 3, got[0]+got[1])
	}
}

// On a day on which nobody else has a new row, all that a run has to add are the rows of
// a person whom the table always refuses: each of them is named, and nothing else is lost.
func TestOnlyRowsThatAreAlwaysRefused(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		oa := on.build(t, ecologytest.Schema{Generation: oasink.E8})
		on.exec(t, oa.DB(), refusing("HrmScheduleSign", "userId = 101")...)
		s := sink(t, oa.DB(), nil)
		punches := []attendance.Punch{field(102, at(2, 9, 0, 0))}
		for i := range 24 {
			punches = append(punches, punch(101, at(2+i/4, 8+i%4, 0, 0), attendance.In))
		}
		w, err := s.Write(context.Background(), batch(punches...))
		require.Equal(t, attendance.CodeRowRefused, attendance.CodeOf(err), "%v", err)
		require.Len(t, w.Unwritten, 24)
		require.Equal(t, 1, w.Written)
		require.Len(t, mobiles(t, oa), 1)
	})
}

// A constraint that may be deferred refuses its row at once, not the batch at the commit.
func TestADeferredConstraint(t *testing.T) {
	t.Parallel()
	on := postgresEngine()
	on.needed(t)
	oa := on.build(t, ecologytest.Schema{})
	on.exec(t, oa.DB(), "ALTER TABLE HrmScheduleSign ADD CONSTRAINT site_once UNIQUE (userId, signDate, signTime) DEFERRABLE INITIALLY DEFERRED")
	s := sink(t, oa.DB(), nil)
	w := write(t, s, punch(101, at(2, 8, 0, 0), attendance.In), punch(101, at(2, 8, 0, 0), attendance.Out), punch(102, at(2, 8, 0, 0), attendance.In))
	require.Equal(t, 2, w.Written)
	require.Len(t, w.Unwritten, 1)
	require.Len(t, signs(t, oa), 2)
}
