package dbtest

import (
	"context"
	"fmt"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

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
