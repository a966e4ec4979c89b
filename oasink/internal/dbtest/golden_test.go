package dbtest

import (
	"context"
	"database/sql/driver"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Every statement that the sink sends to each database, with its arguments, in the
// order in which they are sent. A changed file is a change that needs a reason.
func TestGoldenStatements(t *testing.T) {
	t.Parallel()
	for _, v := range vendors() {
		t.Run(v.name, func(t *testing.T) {
			requireGolden(t, "statements."+v.name+".golden", transcript(t, v))
		})
	}
}

// requireGolden compares with a golden file, line by line.
func requireGolden(t *testing.T, name, got string) {
	t.Helper()
	requireSame(t, filepath.Join("testdata", name), got)
}

func requireSame(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test -run TestGoldenStatements -update writes it")
	for i, line := range strings.Split(string(want), "\n") {
		have := strings.Split(got, "\n")
		require.Less(t, i, len(have), "%s:%d: missing", path, i+1)
		require.Equal(t, line, have[i], "%s:%d", path, i+1)
	}
	require.Len(t, got, len(want))
}

// transcript plays all that a sink does.
func transcript(t *testing.T, v vendor) string {
	ctx := context.Background()
	s := &script{vendor: v}
	db := s.open(t)
	db.SetMaxOpenConns(1)
	s.said()
	var b strings.Builder
	part := func(title string) { writePart(&b, title, s.said()) }

	oa := sink(t, db, nil)
	part("oasink.New")

	in, out := punch(101, at(2, 8, 0, 0), attendance.In), punch(101, at(2, 18, 0, 0), attendance.Out)
	in.Place = attendance.Place{Located: true, Longitude: 121.5, Latitude: 31.25, Address: "上海市'浦东新区'?"}
	out.Place.Address = "office 🏢"
	visit := field(102, at(3, 9, 30, 0))
	visit.Place, visit.Remark = in.Place, "客户 ?"
	w := write(t, oa, in, out, punch(103, at(4, 8, 0, 0), attendance.In), outside(102, at(3, 9, 0, 0), attendance.In), visit)
	require.Equal(t, 5, w.Written)
	part("Write: everything is missing")

	s.put("operate_time", []driver.Value{int64(102), "2026-03-03", "09:30:00"})
	s.put("OPERATE_TIME", []driver.Value{int64(102), "2026-03-03                                        ", "09:30:00"})
	require.Equal(t, 1, write(t, oa, visit).Present)
	s.answer = nil
	part("Write: it is there already")

	s.strike = func(query string) error {
		if strings.HasPrefix(query, "INSERT") {
			return context.Canceled
		}
		return nil
	}
	_, err := oa.Write(ctx, batch(in))
	require.ErrorIs(t, err, context.Canceled)
	s.strike = nil
	part("Write: cut off in the middle")

	s.strike = func(query string) error {
		if strings.HasPrefix(query, "INSERT") && strings.Contains(strings.ToLower(query), "kq_format_pool") {
			return deniedBy(v)
		}
		return nil
	}
	require.Equal(t, []string{"not_recalculated"}, codes(write(t, oa, in)))
	s.strike = nil
	part("Write: no right to the queue")

	tagged := sink(t, db, &oasink.Options{SignFrom: "云桥's", Undirected: oasink.NullUndirected})
	s.said()
	var many []attendance.Punch
	for second := range 3 {
		many = append(many, punch(101, at(2, 8, 0, second), []attendance.Direction{attendance.In, attendance.Undirected, attendance.Out}[second]))
	}
	require.Equal(t, 3, write(t, tagged, many...).Written)
	part("Write: a tag that is no plain word, and no direction")

	oa.Check(ctx)
	part("Check")

	people := func(id int64, rest ...driver.Value) []driver.Value { return append([]driver.Value{id}, rest...) }
	s.put(" IN (0, 1, 2, 3)", people(101, "a", int64(11), int64(1), int64(0), "w1"), people(102, "b", int64(11), int64(1), nil, "w2"))
	for _, err := range oa.Scope(oasink.Units{}, oasink.ByWorkcode(nil)).Members(ctx) {
		require.NoError(t, err)
	}
	part("Scope.Members")

	s.put(" IN (0, 1, 2, 3)", pageOf(500)...)
	paged := 0
	s.strike = func(query string) error {
		if strings.Contains(query, " IN (0, 1, 2, 3)") {
			if paged++; paged == 2 {
				s.answer = nil
			}
		}
		return nil
	}
	for _, err := range oa.Scope(oasink.Units{Employees: []int64{7}}, oasink.ByID(nil)).Members(ctx) {
		require.NoError(t, err)
	}
	require.Equal(t, 2, paged)
	s.strike = nil
	part("Scope.Members: a second page, and somebody who has left")

	s.put("operate_time", []driver.Value{int64(102), "2026-03-03", "09:30:00"})
	s.put("OPERATE_TIME", []driver.Value{int64(102), "2026-03-03                                        ", "09:30:00"})
	p, err := oa.Preview(ctx, batch(in, out, visit))
	require.NoError(t, err)
	require.Equal(t, 1, p.Present)
	require.Len(t, p.Rows, 2)
	for _, heard := range s.heard {
		require.NotRegexp(t, "(?i)insert|update|delete|lock|savepoint", heard)
	}
	part("Preview")

	s.answer = nil
	for _, err := range oa.Rows(ctx, []string{"101", "102"}, week()) {
		require.NoError(t, err)
	}
	part("Rows")

	_, err = oa.Shown(ctx, "101", attendance.Date{Year: 2026, Month: 3, Day: 2}, beijing())
	require.NoError(t, err)
	_, err = oa.FindPersons(ctx, "张三's")
	require.NoError(t, err)
	_, err = oa.FindPersons(ctx, "101")
	require.NoError(t, err)
	_, err = oa.Scope(oasink.Units{}, oasink.ByID(nil)).Examine(ctx, "101")
	require.NoError(t, err)
	part("Shown, FindPersons, Examine")
	return b.String()
}

// pageOf are so many people of HrmResource.
func pageOf(n int) [][]driver.Value {
	rows := make([][]driver.Value, n)
	for i := range rows {
		rows[i] = []driver.Value{int64(1000 + i), "login", int64(11), int64(1), int64(0)}
	}
	return rows
}

// deniedBy is the vendor's word for a missing right.
func deniedBy(v vendor) error {
	switch v.name {
	case sqlserverName:
		return sqlserverError{229, "The INSERT permission was denied on the object 'kq_format_pool'"}
	case oracleName:
		return fmt.Errorf("ORA-01031: insufficient privileges")
	}
	return fmt.Errorf("permission denied")
}
