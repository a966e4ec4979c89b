package dbtest

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/punchbridge/punchbridge/attendance"
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

// The steps by which somebody is, or is not, asked for, and who has to do what.
func ExampleScope_Examine() {
	ctx := context.Background()
	oa := memory(ctx)
	defer oa.DB().Close()
	err := oa.AddStaff(ctx,
		ecologytest.Person{ID: 101, LoginID: "zhangsan", Name: "张三", Workcode: "A001"},
		ecologytest.Person{ID: 102, LoginID: "lisi", Name: "李四", Workcode: "A001"},
	)
	if err != nil {
		panic(err)
	}
	sink, err := oasink.New(ctx, oa.DB(), nil)
	if err != nil {
		panic(err)
	}
	found, err := sink.FindPersons(ctx, "张三")
	fmt.Println(len(found), found[0].Person, found[0].Number, err)
	colleagues := directory{{ID: "manager01", JobNumber: "A001", Active: true}}
	standing, err := sink.Scope(oasink.Units{}, oasink.ByWorkcode(colleagues)).Examine(ctx, found[0].Person)
	for _, step := range standing.Steps {
		fmt.Println(step.Name, step.OK)
	}
	fmt.Println(standing.Advice.Sentence().EN, err)
	// Output:
	// 1 101 A001 <nil>
	// roster true
	// scope true
	// binding false
	// HR: make the value that binds people unique, in the OA and on the platform, because workcode A001 does not stand for one person and one account; it is shared with the people 102. <nil>
}

// What the OA's report shows of a day, and which rows it does not count.
func ExampleSink_Shown() {
	ctx := context.Background()
	oa := memory(ctx)
	defer oa.DB().Close()
	row := func(clock, kind, valid string) ecologytest.SignRow {
		return ecologytest.SignRow{UserID: 101, UserType: "1", SignType: kind, SignDate: "2026-03-02", SignTime: clock, IsInCom: valid, SignFrom: "from_dd"}
	}
	if err := oa.AddSigns(ctx, row("08:58:03", "1", "1"), row("08:30:00", "1", "0"), row("18:02:41", "2", "1")); err != nil {
		panic(err)
	}
	sink, err := oasink.New(ctx, oa.DB(), nil)
	if err != nil {
		panic(err)
	}
	shown, err := sink.Shown(ctx, "101", attendance.Date{Year: 2026, Month: 3, Day: 2}, beijing())
	fmt.Println(shown.In.Format("15:04:05"), shown.Out.Format("15:04:05"), err)
	for _, row := range shown.Rows {
		if !row.Counted {
			fmt.Println(row.Time.Format("15:04:05"), row.Why.EN)
		}
	}
	// Output:
	// 08:58:03 18:02:41 <nil>
	// 08:30:00 isInCom is 0 and not 1, so the report does not count it
}
