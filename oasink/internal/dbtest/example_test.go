package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// memory is an e-cology in memory, for the examples.
func memory(ctx context.Context) *ecologytest.OA {
	sqldb, err := sql.Open("sqlite", "file::memory:")
	if err != nil {
		panic(err)
	}
	sqldb.SetMaxOpenConns(1) // each connection would be a database of its own
	oa, err := ecologytest.New(ctx, bun.NewDB(sqldb, sqlitedialect.New()), ecologytest.Schema{Generation: oasink.E8})
	if err != nil {
		panic(err)
	}
	return oa
}

// A batch is written once, however often it comes.
func ExampleSink_Write() {
	ctx := context.Background()
	oa := memory(ctx)
	defer oa.DB().Close()
	sink, err := oasink.New(ctx, oa.DB(), nil)
	if err != nil {
		panic(err)
	}
	batch := attendance.Batch{
		Source:  "dingtalk",
		Members: []attendance.Member{{Person: "101", Account: "manager01"}},
		Span:    attendance.Span{From: at(2, 0, 0, 0), To: at(3, 0, 0, 0)},
		Punches: []attendance.Punch{
			{Account: "manager01", Time: at(2, 8, 58, 3), Kind: attendance.Regular, Direction: attendance.In},
			{Account: "manager01", Time: at(2, 18, 2, 41), Kind: attendance.Regular, Direction: attendance.Out},
			{Account: "manager01", Time: at(2, 14, 0, 0), Kind: attendance.Field},
		},
	}
	for range 2 {
		w, err := sink.Write(ctx, batch)
		fmt.Println(w.Written, "written,", w.Present, "there already,", err)
	}
	shown, err := oa.ShownE8(ctx, 101, "2026-03-02")
	fmt.Println(shown.In, shown.Out, err)
	// Output:
	// 3 written, 0 there already, <nil>
	// 0 written, 3 there already, <nil>
	// 08:58:03 18:02:41 <nil>
}

// Who cannot be bound without guessing is left out, by name.
func ExampleSink_Scope() {
	ctx := context.Background()
	oa := memory(ctx)
	defer oa.DB().Close()
	err := oa.AddStaff(ctx,
		ecologytest.Person{ID: 101, LoginID: "zhangsan", Name: "张三", Workcode: "A001"},
		ecologytest.Person{ID: 102, LoginID: "lisi", Name: "李四", Workcode: "A002"},
		ecologytest.Person{ID: 103, LoginID: "wangwu", Name: "王五", Workcode: "A002"},
		ecologytest.Person{ID: 104, LoginID: "zhaoliu", Name: "赵六"},
	)
	if err != nil {
		panic(err)
	}
	sink, err := oasink.New(ctx, oa.DB(), nil)
	if err != nil {
		panic(err)
	}
	colleagues := directory{{ID: "manager01", JobNumber: "A001", Active: true}, {ID: "user02", JobNumber: "A002", Active: true}}
	for m, err := range sink.Scope(oasink.Units{}, oasink.ByWorkcode(colleagues)).Members(ctx) {
		fmt.Println(m.Name, m.Account, m.LeftOut, err)
	}
	// Output:
	// 张三 manager01  <nil>
	// 李四 user02 ambiguous <nil>
	// 王五 user02 ambiguous <nil>
	// 赵六  unbound <nil>
}

// Every row of a person is told, whoever wrote it.
func ExampleSink_Rows() {
	ctx := context.Background()
	oa := memory(ctx)
	defer oa.DB().Close()
	sink, err := oasink.New(ctx, oa.DB(), nil)
	if err != nil {
		panic(err)
	}
	if err := oa.AddSigns(ctx, ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-02", SignTime: "08:58:03", IsInCom: "1", SignFrom: "EMSyn"}); err != nil {
		panic(err)
	}
	for row, err := range sink.Rows(ctx, []string{"101"}, attendance.Span{From: at(2, 0, 0, 0), To: at(3, 0, 0, 0)}) {
		fmt.Println(row.Table, row.Person, row.Time.Format("15:04:05"), row.Direction, row.Tag, row.Ours, err)
	}
	// Output:
	// HrmScheduleSign 101 08:58:03 in EMSyn false <nil>
}

// A site leaves a bridge whose bindings are locked away: its rows tell who is who.
func ExampleSink_ProposeBindings() {
	ctx := context.Background()
	oa := memory(ctx)
	defer oa.DB().Close()
	platform := attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour})
	for day := 2; day <= 6; day++ { // the old bridge has written what the account manager01 punched
		in := attendance.Punch{Account: "manager01", Time: at(day, 8, 50+day, 7*day), Kind: attendance.Regular, Direction: attendance.In}
		platform.Put(in)
		if err := oa.AddSigns(ctx, ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: in.Time.Format(time.DateOnly),
			SignTime: in.Time.Format(time.TimeOnly), IsInCom: "1", SignFrom: "from_dd"}); err != nil {
			panic(err)
		}
	}
	if err := oa.AddStaff(ctx, ecologytest.Person{ID: 101, LoginID: "zhang", Name: "张三", Status: 1}); err != nil {
		panic(err)
	}
	sink, err := oasink.New(ctx, oa.DB(), nil)
	if err != nil {
		panic(err)
	}
	found, err := sink.ProposeBindings(ctx, oasink.ProposeOptions{
		Tag: "from_dd", Directory: accountList{{ID: "manager01", Active: true}, {ID: "somebody", Active: true}}, Provider: platform,
		Window: attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 2}, attendance.Date{Year: 2026, Month: 3, Day: 8}, beijing()),
		Syncer: &attendance.Options{Now: now, Announce: func(e attendance.Estimate) { fmt.Println(e.Calls, "calls") }},
	})
	for _, p := range found.List {
		fmt.Printf("%s is %s: %d of %d seconds, the next best %d\n", p.Member.Name, p.Member.Account, p.Matched, p.Compared, p.RunnerUp)
	}
	fmt.Println(err)
	// Output:
	// 1 calls
	// 张三 is manager01: 5 of 5 seconds, the next best 0
	// <nil>
}
