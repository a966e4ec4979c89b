package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// people are the company's staff. The person at index i has the OA id i+1, the
// job number W001 (and so on) and the DingTalk account staff001.
func people() []string {
	return []string{
		"王小明", "李芳", "张伟", "刘洋", "陈静", "杨磊", "赵敏", "黄强", "周婷", "吴昊",
		"徐丽", "孙鹏", "马超", "朱琳", "胡军", "郭燕", "何勇", "高洁", "林涛", "罗丹",
		"梁栋", "宋佳", "郑凯", "谢娜", "韩冰", "唐亮", "冯雪", "于洋", "董洁", "萧峰",
		"程蕾", "曹阳", "袁媛", "邓超", "许晴", "傅强",
	}
}

func departments() []string { return []string{"研发部", "销售部", "行政部", "生产部"} }

// Whom the story is about, by index.
const (
	shownPerson     = 0  // 王小明: late, outside, a make-up card
	nightPerson     = 3  // 刘洋: night shift, goes home after midnight
	unboundPerson   = 34 // 许晴: new, has no job number in the OA yet
	ambiguousPerson = 35 // 傅强: has two DingTalk accounts
)

func account(i int) string   { return fmt.Sprintf("staff%03d", i+1) }
func jobNumber(i int) string { return fmt.Sprintf("W%03d", i+1) }

// branch are the people of a branch office that punches in WeCom. The person at
// index i has the OA id 101+i, the job number S01 (and so on) and the userid s01.
func branch() []string { return []string{"沈涛", "丁香", "姚明", "范冰", "邹凯", "石磊"} }

const (
	branchDepartment = 21
	branchFirst      = 101 // OA id of the first
	visitor          = 1   // 丁香: visits customers, forgets to sign out
)

func branchUser(i int) string { return fmt.Sprintf("s%02d", i+1) }

// newWecom returns a WeCom with the branch office and its check-ins of the same
// days.
func newWecom(now func() time.Time) *wecomtest.Server {
	s := wecomtest.New(&wecomtest.Options{Now: now, PerMinute: -1})
	s.AddDepartment(wecomtest.Department{ID: 7, Parent: 1, Name: "分公司"})
	for i, name := range branch() {
		s.AddUser(wecomtest.User{ID: branchUser(i), Name: name, Departments: []int64{7}})
	}
	for day := 2; day <= 9; day++ {
		if day == 7 || day == 8 {
			continue // the weekend
		}
		at := func(hour, minute, second int) time.Time {
			return time.Date(2026, 3, day, hour, minute, second, 0, now().Location())
		}
		for i := range branch() {
			in := wecomtest.Record{UserID: branchUser(i), Type: "上班打卡", Time: at(8, 40+(i*7+day*5)%25, i), Title: "门店", Detail: "人民路 8 号"}
			out := wecomtest.Record{UserID: branchUser(i), Type: "下班打卡", Time: at(18, 2+(i*5+day*3)%40, i), Title: "门店", Detail: "人民路 8 号"}
			switch {
			case i == visitor && day == 4: // with a customer, which WeCom calls 外出
				s.AddRecord(wecomtest.Record{UserID: branchUser(i), Type: "外出打卡", Time: at(14, 30, 12), Title: "客户", Detail: "解放路 1 号", Notes: "送样品"})
			case i == visitor && day == 5: // forgotten: WeCom sends a row with the scheduled time
				out.Time, out.Exception, out.Title, out.Detail = at(18, 0, 0), "未打卡", "", ""
			case (i+day)%5 == 0:
				in.Exception = "地点异常"
			}
			s.AddRecord(in)
			if day < 9 {
				s.AddRecord(out)
			}
		}
	}
	return s
}

// newPlatform returns a DingTalk with the company and its punches from Monday,
// 2 March 2026, to the Monday after.
func newPlatform(now func() time.Time) *dingtalktest.Server {
	s := dingtalktest.New(&dingtalktest.Options{Now: now, QPS: -1})
	for i, name := range departments() {
		s.AddDepartment(dingtalktest.Department{ID: int64(100 + i), Parent: 1, Name: name})
	}
	for i, name := range people() {
		s.AddUser(dingtalktest.User{ID: account(i), Name: name, JobNumber: jobNumber(i), Departments: []int64{int64(100 + i%4)}})
	}
	s.AddUser(dingtalktest.User{ID: "fuqiang2", Name: "傅强", JobNumber: jobNumber(ambiguousPerson), Departments: []int64{101}})

	zone := now().Location()
	at := func(day, minutes, seconds int) time.Time {
		return time.Date(2026, 3, day, 0, minutes, seconds, 0, zone)
	}
	for day := 2; day <= 9; day++ {
		if day == 7 || day == 8 {
			continue // the weekend
		}
		for i := range people() {
			if i == nightPerson {
				// The work day is the day before the punch of the morning.
				s.AddPunch(dingtalktest.Punch{UserID: account(i), Time: at(day, 16*60+50, 12), CheckType: "OnDuty"},
					dingtalktest.Punch{UserID: account(i), Time: at(day+1, 70, 40), CheckType: "OffDuty", WorkDate: at(day, 0, 0)})
				continue
			}
			in := dingtalktest.Punch{UserID: account(i), Time: at(day, 8*60+32+(i*7+day*5)%27, (i*13+day*17)%60), CheckType: "OnDuty",
				Address: "总部大楼", Located: true, Longitude: 121.4737, Latitude: 31.2304}
			out := dingtalktest.Punch{UserID: account(i), Time: at(day, 18*60+1+(i*11+day*3)%50, (i*19+day*7)%60), CheckType: "OffDuty", SourceType: "ATM", Address: "东门考勤机"}
			adjust(&in, &out, i, day, at)
			s.AddPunch(in)
			if day < 9 { // today's evening is yet to come
				s.AddPunch(out)
			}
		}
	}
	// A punch that DingTalk has not accepted, and a second look at the machine.
	s.AddPunch(dingtalktest.Punch{UserID: account(1), Time: at(4, 13*60+5, 9), InvalidType: "Other", InvalidMsg: "需要二次确认"})
	s.AddPunch(dingtalktest.Punch{UserID: account(shownPerson), Time: at(5, 12*60+30, 0), CheckType: "OffDuty", SourceType: "ATM", Address: "东门考勤机"})
	return s
}

// adjust makes some punches special.
func adjust(in, out *dingtalktest.Punch, i, day int, at func(day, minutes, seconds int) time.Time) {
	switch {
	case i == shownPerson && day == 3: // late
		in.Time, in.TimeResult = at(3, 9*60+41, 7), "Late"
	case i == shownPerson && day == 4: // with a customer in the afternoon (外勤)
		out.Time, out.LocationResult, out.Remark = at(4, 17*60+20, 33), "Outside", "拜访客户"
		out.SourceType, out.Address, out.Located, out.Longitude, out.Latitude = "USER", "浦东新区世纪大道1号", true, 121.5054, 31.2336
	case i == shownPerson && day == 6: // forgotten, made up by approval (补卡)
		in.Time, in.SourceType, in.Created = at(6, 9*60, 0), "APPROVE", at(9, 10*60, 0)
	case (i+day)%11 == 0:
		in.Time, in.TimeResult = in.Time.Add(45*time.Minute), "Late"
	case (i+day)%13 == 0:
		in.LocationResult, in.Address, in.Remark = "Outside", "客户现场", "直接去客户处"
	}
}

// newDatabase returns the e-cology of the same company, in an SQLite file of a
// temporary directory that cleanUp removes.
func newDatabase(ctx context.Context) (oa *ecologytest.OA, cleanUp func(), err error) {
	dir, err := os.MkdirTemp("", "punchbridge-quickstart-")
	if err != nil {
		return nil, nil, err
	}
	file, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "oa.db"))
	if err != nil {
		return nil, nil, err
	}
	db := bun.NewDB(file, sqlitedialect.New())
	cleanUp = func() {
		_ = db.Close()
		_ = os.RemoveAll(dir)
	}
	if oa, err = ecologytest.New(ctx, db, ecologytest.Schema{Generation: oasink.E8}); err == nil {
		err = addStaff(ctx, oa)
	}
	if err != nil {
		cleanUp()
	}
	return oa, cleanUp, err
}

func addStaff(ctx context.Context, oa *ecologytest.OA) error {
	if err := oa.AddSubCompanies(ctx, ecologytest.SubCompany{ID: 1, Name: "总部"}, ecologytest.SubCompany{ID: 2, Name: "分公司"}); err != nil {
		return err
	}
	if err := oa.AddDepartments(ctx, ecologytest.Department{ID: branchDepartment, Name: "门店", Subcompany: 2}); err != nil {
		return err
	}
	for i, name := range departments() {
		if err := oa.AddDepartments(ctx, ecologytest.Department{ID: int64(11 + i), Name: name, Subcompany: 1}); err != nil {
			return err
		}
	}
	staff := make([]ecologytest.Person, 0, len(people()))
	for i, name := range people() {
		p := ecologytest.Person{ID: int64(i + 1), LoginID: fmt.Sprintf("user%03d", i+1), Workcode: jobNumber(i), Name: name,
			Department: int64(11 + i%4), Subcompany: 1, Status: 1}
		if i == unboundPerson {
			p.Workcode = ""
		}
		staff = append(staff, p)
	}
	for i, name := range branch() {
		staff = append(staff, ecologytest.Person{ID: int64(branchFirst + i), LoginID: fmt.Sprintf("branch%02d", i+1), Workcode: fmt.Sprintf("S%02d", i+1), Name: name,
			Department: branchDepartment, Subcompany: 2, Status: 1})
	}
	return oa.AddStaff(ctx, staff...)
}
