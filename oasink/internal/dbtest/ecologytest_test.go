package dbtest

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

func TestWhatTheOAShows(t *testing.T) {
	t.Parallel()
	everywhere(t, testWhatTheOAShows)
}

func testWhatTheOAShows(t *testing.T, on engine) {
	ctx := context.Background()
	row := func(day, clock, sign, valid, user, from, longitude string) ecologytest.SignRow {
		return ecologytest.SignRow{UserID: 101, UserType: user, SignType: sign, SignDate: day, SignTime: clock, IsInCom: valid, SignFrom: from,
			Longitude: longitude, Latitude: longitude, Addr: null}
	}
	rows := []ecologytest.SignRow{
		row("2026-03-02", "07:00:00", "1", "0", "1", "x", null),
		row("2026-03-02", "07:30:00", "1", "1", "2", "x", null),
		row("2026-03-02", "08:00:00", "2", "1", "1", "x", "120"),
		row("2026-03-02", "09:00:00", "1", "1", "1", "x", ""),
		row("2026-03-02", "09:30:00", "1", "1", "1", "EMSyn_out", "120"),
		row("2026-03-02", "17:00:00", "2", "1", "1", null, "120"),
		row("2026-03-02", "19:00:00", null, "1", "1", "x", null),
		row("2026-03-03", "01:00:00", "2", "1", "1", "x", null),
	}
	for g, fields := range map[oasink.Generation]int{oasink.E8: 3 + 1, oasink.E9: 1 + 1} {
		oa := on.build(t, ecologytest.Schema{Generation: g})
		require.NoError(t, oa.AddSigns(ctx, rows...))
		require.NoError(t, oa.AddMobiles(ctx, ecologytest.MobileRow{Operater: 101, OperateType: "mobile_sign", OperateDate: "2026-03-02", OperateTime: "10:00:00", Longitude: "0", Latitude: "0"}))
		day, err := oa.ShownE8(ctx, 101, "2026-03-02")
		require.NoError(t, err)
		require.Equal(t, ecologytest.Day{In: "09:00:00", Out: "17:00:00"}, day)
		day, err = oa.ShownE9(ctx, 101, "2026-03-02", "")
		require.NoError(t, err)
		require.Equal(t, ecologytest.Day{In: "07:30:00", Out: "19:00:00"}, day)
		day, err = oa.ShownE9(ctx, 101, "2026-03-02 18:00:00", "2026-03-03 06:00:00")
		require.NoError(t, err)
		require.Equal(t, ecologytest.Day{In: "19:00:00", Out: "2026-03-03 01:00:00"}, day)
		day, err = oa.ShownE9(ctx, 101, "2026-03-03", "")
		require.NoError(t, err)
		require.Equal(t, ecologytest.Day{In: "01:00:00"}, day, "a single punch is a sign-in")
		page, err := oa.FieldPage(ctx)
		require.NoError(t, err)
		require.Len(t, page, fields)
		require.Equal(t, "hrm3", page[0].Unique)
	}
	require.NotNil(t, ecologytest.Open(on.build(t, ecologytest.Schema{}).DB(), oasink.Auto))
}

// A watcher remembers the statements that the host's hooks are shown.
type watcher struct{ operations []string }

func (w *watcher) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	w.operations = append(w.operations, e.Operation())
	return ctx
}

func (w *watcher) AfterQuery(context.Context, *bun.QueryEvent) {}

func TestTheHostsHooksSeeTheTransaction(t *testing.T) {
	t.Parallel()
	everywhere(t, testTheHostsHooksSeeTheTransaction)
}

func testTheHostsHooksSeeTheTransaction(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{Generation: oasink.E8})
	seen := &watcher{}
	s := sink(t, oa.DB().WithQueryHook(seen), nil)
	seen.operations = nil
	write(t, s, punch(101, at(2, 8, 0, 0), attendance.In), field(101, at(2, 9, 0, 0)))
	require.Equal(t, map[string][]string{
		sqliteName:   {"BEGIN", "SELECT", "SELECT", "SELECT", "SELECT", "COMMIT"},
		mariadbName:  {"SET", "START", "SELECT", "SET", "SELECT", "SELECT", "SELECT", "SELECT", "COMMIT", "SET"},
		postgresName: {"BEGIN", "SELECT", "SELECT", "SELECT", "SELECT", "COMMIT"},
	}[on.name], seen.operations)
	seen.operations = nil
	w, err := s.Write(context.Background(), batch())
	require.NoError(t, err)
	require.Zero(t, w.Written)
	require.Empty(t, seen.operations, "nothing to write, no transaction")
}

// bun replaces named arguments of the host's database in every template.
func TestTheHostsNamedArgumentsStayOutOfValues(t *testing.T) {
	t.Parallel()
	everywhere(t, testTheHostsNamedArgumentsStayOutOfValues)
}

func testTheHostsNamedArgumentsStayOutOfValues(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	s := sink(t, oa.DB().WithNamedArg("name", "gotcha"), &oasink.Options{SignFrom: "?name"})
	p := punch(101, at(2, 8, 0, 0), attendance.In)
	p.Place.Address = "?name ?TableName ?0"
	write(t, s, p)
	row := signs(t, oa)[0]
	require.Equal(t, "?name ?TableName ?0", row.Addr)
	require.Equal(t, "?name", row.SignFrom)
	require.Equal(t, 1, write(t, s, p).Present)
}

func TestManyPeopleAtOnce(t *testing.T) {
	t.Parallel()
	everywhere(t, testManyPeopleAtOnce)
}

func testManyPeopleAtOnce(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	s := sink(t, oa.DB(), nil)
	b := attendance.Batch{Source: "dingtalk", Span: week(), ReadAt: now()}
	for i := range 2100 {
		account := "u" + itoa(i)
		b.Members = append(b.Members, attendance.Member{Person: itoa(1 + i), Account: account})
		in := punch(0, at(2, 8, 0, 0), attendance.In)
		visit := field(0, at(2, 9, 0, 0))
		in.Account, visit.Account = account, account
		in.Place.Address = strings.Repeat("路", 300)
		b.Punches = append(b.Punches, in, visit)
	}
	w, err := s.Write(context.Background(), b)
	require.NoError(t, err)
	require.Equal(t, 4200, w.Written)
	require.Len(t, w.Days, 2100)
	w, err = s.Write(context.Background(), b)
	require.NoError(t, err)
	require.Equal(t, 4200, w.Present)
	require.Equal(t, [3]int{2100, 2100, 6300}, counts(t, oa))
}
