package ecologytest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
	bundialect "github.com/uptrace/bun/dialect"

	"github.com/punchbridge/punchbridge/oasink"
)

// A Schema says which e-cology to build. The zero Schema is an E9.
type Schema struct {
	// Generation is E7, E8 or E9; Auto means E9.
	Generation oasink.Generation
	// Without are tables that are left out, or single columns of one, written as
	// "mobile_sign" or "HrmScheduleSign.ADDR"; in any case.
	Without []string
	// NumericCoordinates makes the coordinates of mobile_sign NUMERIC(18,8) as on
	// SQL Server; else they are texts as on Oracle.
	NumericCoordinates bool
	// NoExecTime leaves the column exectime of kq_format_pool out.
	NoExecTime bool
}

// An OA is a test database of e-cology. It is safe for concurrent use.
type OA struct {
	db         *bun.DB
	generation oasink.Generation
}

// New builds the tables in an empty database, which stays the caller's.
func New(ctx context.Context, db *bun.DB, s Schema) (*OA, error) {
	if s.Generation == oasink.Auto {
		s.Generation = oasink.E9
	}
	types, err := typesOf(db)
	if err != nil {
		return nil, err
	}
	for _, t := range s.tables() {
		for _, statement := range t.create(types, s.Without) {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return nil, fmt.Errorf("ecologytest: %s: %w", statement, err)
			}
		}
	}
	return &OA{db, s.Generation}, nil
}

// Open returns the OA of a database that New has built before.
func Open(db *bun.DB, g oasink.Generation) *OA {
	if g == oasink.Auto {
		g = oasink.E9
	}
	return &OA{db, g}
}

// DB is the database that was given to New.
func (o *OA) DB() *bun.DB { return o.db }

// types is how one database spells the kinds of columns.
type types struct {
	id, integer, timestamp, now string
	char, varchar               func(n int) string
	decimal                     string
}

func typesOf(db *bun.DB) (types, error) {
	switch name := db.Dialect().Name(); name {
	case bundialect.SQLite:
		// The sizes mean nothing to SQLite, but those who probe columns read them.
		return types{
			id: "INTEGER PRIMARY KEY AUTOINCREMENT", integer: "INTEGER", timestamp: "TIMESTAMP", now: "CURRENT_TIMESTAMP",
			char:    func(n int) string { return "CHAR(" + strconv.Itoa(n) + ")" },
			varchar: func(n int) string { return "VARCHAR(" + strconv.Itoa(n) + ")" },
			decimal: "NUMERIC(18,8)",
		}, nil
	default:
		return types{}, fmt.Errorf("ecologytest: no types are known for the dialect %v", name)
	}
}

// A tableDef is a table; its columns are written "name kind" with the kinds id,
// int, timestamp, num, cN, vN and suffixes such as NOT NULL.
type tableDef struct {
	name    string
	columns []string
	indexes []string
}

func (s Schema) tables() []tableDef {
	sign := tableDef{
		name: "HrmScheduleSign",
		columns: []string{
			"id id", "userId int", "userType c1", "signType c1", "signDate c10", "signTime c8", "clientAddress v120", "isInCom c1",
		},
		indexes: []string{"userId", "signType", "signDate"},
	}
	if s.Generation >= oasink.E8 {
		sign.columns = append(sign.columns, "signFrom v400", "LONGITUDE v400", "LATITUDE v400", "ADDR v1000", "wxsignaddress v1000",
			"eb_deviceid v64", "eb_deviceid_change int", "suuid v1000")
	}
	if s.Generation >= oasink.E9 {
		sign.columns = append(sign.columns, "isimport int", "timeZone v400", "belongdate v10", "deviceInfo v1000", "memo v1000")
	}
	coordinate := "v50"
	if s.NumericCoordinates {
		coordinate = "num"
	}
	mobile := tableDef{name: "mobile_sign", columns: []string{
		"id id", "operater int NOT NULL", "operate_type v50 NOT NULL", "operate_date c10 NOT NULL", "operate_time c8 NOT NULL",
		"longitude " + coordinate + " NOT NULL", "latitude " + coordinate + " NOT NULL", "address v500", "remark v1000", "attachment v500",
	}}
	if s.Generation >= oasink.E9 {
		mobile.columns = append(mobile.columns, "crm v500", "timezone v400")
	}
	list := []tableDef{sign, mobile,
		{name: "HrmResource", columns: []string{
			"id int NOT NULL", "loginid v60", "account v60", "workcode v60", "lastname v60", "mobile v60", "telephone v60", "email v60",
			"certificatenum v60", "departmentid int", "subcompanyid1 int", "managerid int", "status int", "accounttype int", "belongto int",
			"dsporder int", "outkey v100",
		}, indexes: []string{"id"}},
		{name: "HrmDepartment", columns: []string{
			"id int NOT NULL", "departmentmark v60", "departmentname v200", "departmentcode v100", "subcompanyid1 int", "supdepid int",
			"allsupdepid v200", "showorder int", "canceled c1", "outkey v100",
		}},
		{name: "HrmSubCompany", columns: []string{
			"id int NOT NULL", "subcompanyname v200", "subcompanydesc v200", "subcompanycode v100", "companyid int",
			"supsubcomid int DEFAULT 0", "showorder int", "canceled c1", "outkey v100",
		}},
	}
	if s.Generation >= oasink.E9 {
		pool := tableDef{name: "kq_format_pool", columns: []string{
			"id id", "resourceid int NOT NULL", "kqdate v10 NOT NULL", "status int NOT NULL DEFAULT 0", "created timestamp NOT NULL DEFAULT now",
		}}
		if !s.NoExecTime {
			pool.columns = append(pool.columns, "exectime timestamp")
		}
		list = append(list, pool)
	}
	return list
}

// create returns the statements that make the table without what is unwanted.
func (t tableDef) create(types types, without []string) []string {
	left := func(name string) bool {
		return slices.ContainsFunc(without, func(w string) bool { return strings.EqualFold(w, name) })
	}
	if left(t.name) {
		return nil
	}
	var columns []string
	for _, c := range t.columns {
		name, kind, _ := strings.Cut(c, " ")
		if left(t.name + "." + name) {
			continue
		}
		kind, rest, _ := strings.Cut(kind, " ")
		columns = append(columns, strings.TrimSpace(name+" "+types.spell(kind)+" "+strings.ReplaceAll(rest, "DEFAULT now", "DEFAULT "+types.now)))
	}
	statements := []string{"CREATE TABLE " + t.name + " (" + strings.Join(columns, ", ") + ")"}
	for _, c := range t.indexes {
		if !left(t.name + "." + c) {
			statements = append(statements, "CREATE INDEX "+t.name+"_"+c+" ON "+t.name+" ("+c+")")
		}
	}
	return statements
}

func (t types) spell(kind string) string {
	switch kind {
	case "id":
		return t.id
	case "int":
		return t.integer
	case "num":
		return t.decimal
	case "timestamp":
		return t.timestamp
	}
	n, err := strconv.Atoi(kind[1:])
	if err != nil {
		panic("ecologytest: column kind " + kind)
	}
	if kind[0] == 'c' {
		return t.char(n)
	}
	return t.varchar(n)
}
