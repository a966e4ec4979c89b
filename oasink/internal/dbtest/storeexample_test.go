package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sqlstore"
)

// What is owed and was not read is what the next run has to catch up with.
func ExampleStore_Remember() {
	ctx := context.Background()
	sqldb, err := sql.Open("sqlite", "file::memory:")
	if err != nil {
		panic(err)
	}
	sqldb.SetMaxOpenConns(1) // each connection would be a database of its own
	db := bun.NewDB(sqldb, sqlitedialect.New())
	defer db.Close()
	state, err := sqlstore.New(ctx, db, nil)
	if err != nil {
		panic(err)
	}
	stream := attendance.Stream{Job: "hq", Target: "oa", Source: "dingtalk"}
	day := func(d int) attendance.Span { return attendance.Span{From: at(d, 0, 0, 0), To: at(d+1, 0, 0, 0)} }
	learnt := func(changes ...attendance.Change) {
		if err := state.Remember(ctx, stream, changes); err != nil {
			panic(err)
		}
	}
	for d := 2; d <= 4; d++ { // three days are owed; on the second one the platform was down for 李四
		if err := state.Owe(ctx, stream, day(d), time.Time{}); err != nil {
			panic(err)
		}
		learnt(attendance.Change{Person: "101", Account: "zhangsan", Met: true, Run: "r" + itoa(d), At: at(d+1, 0, 30, 0), Name: "张三", Covered: day(d)})
		if d != 3 {
			learnt(attendance.Change{Person: "102", Account: "lisi", Met: true, Run: "r" + itoa(d), At: at(d+1, 0, 30, 0), Name: "李四", Covered: day(d)})
		}
	}
	owed, err := state.Owed(ctx, stream)
	if err != nil {
		panic(err)
	}
	for c, err := range state.People(ctx, stream) {
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s owes {%v}\n", c.Name, owed.Minus(c.Covered).In(beijing()))
	}
	// Output:
	// 张三 owes {}
	// 李四 owes {[2026-03-03T00:00:00+08:00, 2026-03-04T00:00:00+08:00)}
}

// An administrator who makes tables himself gets the statements.
func ExampleStatements() {
	sqldb, err := sql.Open("sqlite", "file::memory:")
	if err != nil {
		panic(err)
	}
	db := bun.NewDB(sqldb, sqlitedialect.New())
	defer db.Close()
	statements, err := sqlstore.Statements(db, &sqlstore.Options{Prefix: "pb_"})
	if err != nil {
		panic(err)
	}
	fmt.Println(len(statements))
	fmt.Println(statements[0])
	fmt.Println(statements[2])
	fmt.Println(statements[len(statements)-1])
	// Output:
	// 17
	// CREATE TABLE IF NOT EXISTS pb_store (version INTEGER NOT NULL, PRIMARY KEY (version)) WITHOUT ROWID
	// CREATE TABLE IF NOT EXISTS pb_owed (stream INTEGER NOT NULL, from_s INTEGER NOT NULL, to_s INTEGER NOT NULL, PRIMARY KEY (stream, from_s)) WITHOUT ROWID
	// INSERT INTO pb_store (version) VALUES (1) ON CONFLICT (version) DO NOTHING
}
