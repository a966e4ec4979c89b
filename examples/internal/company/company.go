// Package company is the made-up company of the examples: a DingTalk that lives in
// this process and an e-cology database in a temporary SQLite file. A real program has
// its own in their place; how it is put together stands in examples/quickstart.
package company

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A Company is ten people of one department, who punched yesterday, in and out, and
// will do so every day.
type Company struct {
	// Sync is the job of the examples. It is what every runtime takes.
	Sync func(context.Context) error
	Zone *time.Location

	dir  string
	db   *bun.DB
	oa   *ecologytest.OA
	ding *dingtalktest.Server
	now  func() time.Time
}

// New makes the company up. It is to be closed.
func New(ctx context.Context, now func() time.Time) (*Company, error) {
	c := &Company{Zone: time.FixedZone("Asia/Shanghai", 8*3600), now: now}
	c.ding = dingtalktest.New(&dingtalktest.Options{Now: now, QPS: -1})
	c.ding.AddDepartment(dingtalktest.Department{ID: 100, Parent: 1, Name: "研发部"})
	var err error
	if c.dir, err = os.MkdirTemp("", "punchbridge-example-"); err != nil {
		return nil, err
	}
	if err = c.open(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close removes the database.
func (c *Company) Close() error {
	var err error
	if c.db != nil {
		err = c.db.Close()
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

const people = 10

func (c *Company) open(ctx context.Context) error {
	file, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(c.dir, "oa.db")))
	if err != nil {
		return err
	}
	c.db = bun.NewDB(file, sqlitedialect.New())
	if c.oa, err = ecologytest.New(ctx, c.db, ecologytest.Schema{Generation: oasink.E8}); err != nil {
		return err
	}
	if err = c.oa.AddSubCompanies(ctx, ecologytest.SubCompany{ID: 1, Name: "总部"}); err != nil {
		return err
	}
	if err = c.oa.AddDepartments(ctx, ecologytest.Department{ID: 11, Name: "研发部", Subcompany: 1}); err != nil {
		return err
	}
	for i := range people {
		number := fmt.Sprintf("W%02d", i)
		c.ding.AddUser(dingtalktest.User{ID: number, Name: "员工" + number, JobNumber: number, Departments: []int64{100}})
		if err = c.oa.AddStaff(ctx, ecologytest.Person{ID: int64(i + 1), LoginID: number, Workcode: number, Name: "员工" + number, Department: 11, Subcompany: 1, Status: 1}); err != nil {
			return err
		}
	}
	c.Punch(attendance.DateOf(c.now().In(c.Zone)).Add(-1))
	return c.connect(ctx)
}

// Punch has everybody come to work and leave on a day.
func (c *Company) Punch(day attendance.Date) {
	morning := day.In(c.Zone).Add(8*time.Hour + 50*time.Minute)
	for i := range people {
		at := morning.Add(time.Duration(i) * time.Minute)
		c.ding.AddPunch(dingtalktest.Punch{UserID: fmt.Sprintf("W%02d", i), Time: at, CheckType: "OnDuty"},
			dingtalktest.Punch{UserID: fmt.Sprintf("W%02d", i), Time: at.Add(9 * time.Hour), CheckType: "OffDuty"})
	}
}

func (c *Company) connect(ctx context.Context) error {
	ding, err := dingtalk.New(dingtalk.Config{
		AppKey: dingtalktest.DefaultAppKey, AppSecret: dingtalktest.DefaultAppSecret,
		HTTP: c.ding.Client(), Now: c.now,
	})
	if err != nil {
		return err
	}
	oa, err := oasink.New(ctx, c.db, &oasink.Options{Now: c.now})
	if err != nil {
		return err
	}
	staff, shanghai := oa.Scope(oasink.Units{}, oasink.ByWorkcode(ding.Directory())), c.Zone
	syncer := attendance.NewSyncer(ding.Punches(), oa, &attendance.Options{Job: "hq", Now: c.now})
	// docs: sync
	sync := func(ctx context.Context) error {
		_, err := syncer.Run(ctx, staff, attendance.SinceMark(6, shanghai)) // closes every gap by itself
		return err
	}
	// docs: end
	c.Sync = sync
	return nil
}

// Rows counts the punches that the OA holds.
func (c *Company) Rows(ctx context.Context) (int, error) {
	return c.db.NewSelect().Table("HrmScheduleSign").Count(ctx)
}

// DB is the OA's database.
func (c *Company) DB() *bun.DB { return c.db }
