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

// rename is the statement that gives a table another name, in exactly that case.
func rename(on engine, from, to string) string {
	if on.name == mariadbName {
		return "RENAME TABLE `" + from + "` TO `" + to + "`"
	}
	return "ALTER TABLE " + from + ` RENAME TO "` + to + `"`
}

// The names of tables are found in whatever case the server keeps them.
func TestNamesInAnyCase(t *testing.T) {
	t.Parallel()
	onServers(t, testNamesInAnyCase)
}

func testNamesInAnyCase(t *testing.T, on engine) {
	for _, spelt := range []func(string) string{strings.ToUpper, strings.ToLower, func(s string) string { return s }} {
		d := on.found(t, ecologytest.Schema{})
		db := d.pool(t)
		for _, table := range []string{"HrmScheduleSign", "mobile_sign", "kq_format_pool", "HrmResource"} {
			if to := spelt(table); to != table || on.name == postgresName && to != strings.ToLower(table) {
				on.exec(t, db, rename(on, table, "pb_tmp"), rename(on, "pb_tmp", to))
			}
		}
		home := schemaOf(t, on, db)
		for _, opts := range []*oasink.Options{nil, {Schema: home}, {Schema: strings.ToUpper(home)},
			{Tables: map[string]string{"hrmschedulesign": home + ".hrmSCHEDULEsign", "mobile_sign": "MOBILE_sign"}}} {
			s := sink(t, db, opts)
			require.NoError(t, s.Missing())
			w := write(t, s, punch(101, at(2, 8, 0, 0), attendance.In), field(101, at(2, 9, 0, 0)))
			require.Equal(t, 2, accounted(w))
			require.Empty(t, w.Warnings)
			for _, err := range s.Scope(oasink.Units{}, oasink.ByID(nil)).Members(context.Background()) {
				require.NoError(t, err)
			}
		}
	}
}

// Two tables that differ in case only are not guessed at.
func TestNamesThatDifferInCaseOnly(t *testing.T) {
	t.Parallel()
	onServers(t, testNamesThatDifferInCaseOnly)
}

func testNamesThatDifferInCaseOnly(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	db := d.pool(t)
	on.exec(t, db, "mariadb: CREATE TABLE MOBILE_SIGN LIKE mobile_sign", "mariadb: CREATE TABLE Mobile_Sign LIKE mobile_sign",
		`postgres: CREATE TABLE "MOBILE_SIGN" (LIKE mobile_sign)`, `postgres: CREATE TABLE "Mobile_Sign" (LIKE mobile_sign)`)
	require.Equal(t, 1, write(t, sink(t, db, nil), field(101, at(2, 9, 0, 0))).Written, "the one spelt alike is taken")
	n, err := d.oa.Count(context.Background(), "mobile_sign")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = oasink.New(context.Background(), db, &oasink.Options{Tables: map[string]string{"mobile_sign": "mobile_SIGN"}})
	require.Equal(t, attendance.CodeTable, attendance.CodeOf(err))
	require.ErrorContains(t, err, "Mobile_Sign")
	require.ErrorContains(t, err, "differ in case only")
}

// Without a schema the connection's own search decides.
func TestSchemasOfTheSearchPath(t *testing.T) {
	t.Parallel()
	on := postgresEngine()
	on.needed(t)
	d, other := on.found(t, ecologytest.Schema{}), on.empty(t)
	db := other.pool(t)
	db.SetMaxOpenConns(1)
	home := schemaOf(t, on, d.pool(t))
	_, err := oasink.New(context.Background(), db, nil)
	require.Equal(t, attendance.CodeTable, attendance.CodeOf(err), "%v", err)
	on.exec(t, db, "SELECT set_config('search_path', current_schema() || ', "+home+"', false)")
	require.Equal(t, 1, write(t, sink(t, db, nil), punch(101, at(2, 8, 0, 0), attendance.In)).Written)
	require.Len(t, signs(t, d.oa), 1)
}

// A view of the staff is as good as the table, a materialised one too.
func TestStaffFromAView(t *testing.T) {
	t.Parallel()
	everywhere(t, testStaffFromAView)
}

func testStaffFromAView(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	require.NoError(t, oa.AddStaff(context.Background(), ecologytest.Person{ID: 101, LoginID: "a"}, ecologytest.Person{ID: 102, LoginID: "b"}))
	kind := "VIEW"
	if on.name == postgresName {
		kind = "MATERIALIZED VIEW"
	}
	on.exec(t, oa.DB(), "CREATE "+kind+" V_STAFF AS SELECT * FROM HrmResource WHERE id = 102")
	s := sink(t, oa.DB(), &oasink.Options{Tables: map[string]string{"HrmResource": "V_STAFF"}})
	got, _ := stream(t, s.Scope(oasink.Units{}, oasink.ByID(nil)))
	require.Equal(t, []string{"102 102"}, got)
}
