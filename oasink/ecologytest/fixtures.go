package ecologytest

import (
	"context"
	"strings"
)

// A Person is a row of HrmResource. The zero value of a field is what it is for
// ordinary people; Null names the columns to be NULL instead.
type Person struct {
	ID int64
	// LoginID is empty for staff without an account.
	LoginID, Account, Workcode, Name, Mobile, Email string
	Department, Subcompany                          int64
	// Status is 0 trial, 1 regular, 2 temporary, 3 trial extended, 4 dismissed, 5
	// left, 6 retired, 7 invalid, 10 deleted.
	Status int
	// AccountType is 1 for a secondary account; BelongTo is then the main one.
	AccountType int
	BelongTo    int64
	Null        []string
}

// A Department is a row of HrmDepartment.
type Department struct {
	ID         int64
	Name       string
	Subcompany int64
	// Parent is the department above, 0 at the top.
	Parent int64
	// Canceled is "", "0" or "1" (sealed); "" is stored as NULL.
	Canceled string
}

// A SubCompany is a row of HrmSubCompany.
type SubCompany struct {
	ID       int64
	Name     string
	Parent   int64
	Canceled string
}

// A SignRow is a row of HrmScheduleSign. Columns that the table lacks read as
// ""; the text NULL stands for a NULL.
type SignRow struct {
	ID                                              int64
	UserID                                          int64
	UserType, SignType, SignDate, SignTime, IsInCom string
	SignFrom, Longitude, Latitude, Addr             string
}

// A MobileRow is a row of mobile_sign.
type MobileRow struct {
	ID                                    int64
	Operater                              int64
	OperateType, OperateDate, OperateTime string
	Longitude, Latitude, Address, Remark  string
}

// A PoolRow is a row of kq_format_pool.
type PoolRow struct {
	ID         int64
	ResourceID int64
	KqDate     string
	Status     int64
	ExecTime   string
}

// NULL is how NULL is written in rows.
const NULL = "NULL"

// AddStaff adds people.
func (o *OA) AddStaff(ctx context.Context, people ...Person) error {
	for part := range chunks(people) {
		rows := make([][]any, len(part))
		for i, p := range part {
			rows[i] = []any{p.ID, p.LoginID, p.Account, p.Workcode, p.Name, p.Mobile, p.Email, p.Department, p.Subcompany, p.Status, p.AccountType, p.BelongTo}
			for j, c := range staffColumns() {
				for _, n := range p.Null {
					if strings.EqualFold(n, c) {
						rows[i][j] = nil
					}
				}
			}
		}
		if err := o.insert(ctx, "HrmResource", staffColumns(), rows); err != nil {
			return err
		}
	}
	return nil
}

func staffColumns() []string {
	return []string{"id", "loginid", "account", "workcode", "lastname", "mobile", "email", "departmentid", "subcompanyid1", "status", "accounttype", "belongto"}
}

// AddDepartments adds departments.
func (o *OA) AddDepartments(ctx context.Context, departments ...Department) error {
	rows := make([][]any, len(departments))
	for i, d := range departments {
		rows[i] = []any{d.ID, d.Name, d.Subcompany, d.Parent, orNil(d.Canceled)}
	}
	return o.insert(ctx, "HrmDepartment", []string{"id", "departmentname", "subcompanyid1", "supdepid", "canceled"}, rows)
}

// AddSubCompanies adds sub-companies.
func (o *OA) AddSubCompanies(ctx context.Context, subs ...SubCompany) error {
	rows := make([][]any, len(subs))
	for i, s := range subs {
		rows[i] = []any{s.ID, s.Name, 1, s.Parent, orNil(s.Canceled)}
	}
	return o.insert(ctx, "HrmSubCompany", []string{"id", "subcompanyname", "companyid", "supsubcomid", "canceled"}, rows)
}

// AddSigns adds rows to HrmScheduleSign as another writer would; IDs are given by
// the database.
func (o *OA) AddSigns(ctx context.Context, list ...SignRow) error {
	columns := signColumns()
	for part := range chunks(list) {
		rows := make([][]any, len(part))
		for i, r := range part {
			rows[i] = []any{r.UserID, null(r.UserType), null(r.SignType), null(r.SignDate), null(r.SignTime), null(r.IsInCom),
				null(r.SignFrom), null(r.Longitude), null(r.Latitude), null(r.Addr)}
		}
		if err := o.insert(ctx, "HrmScheduleSign", columns, rows); err != nil {
			return err
		}
	}
	return nil
}

// AddMobiles adds rows to mobile_sign as another writer would.
func (o *OA) AddMobiles(ctx context.Context, list ...MobileRow) error {
	for part := range chunks(list) {
		rows := make([][]any, len(part))
		for i, r := range part {
			rows[i] = []any{r.Operater, r.OperateType, r.OperateDate, r.OperateTime, r.Longitude, r.Latitude, null(r.Address), null(r.Remark)}
		}
		if err := o.insert(ctx, "mobile_sign", mobileColumns(), rows); err != nil {
			return err
		}
	}
	return nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// null is the value of a text as rows write it.
func null(s string) any {
	if s == NULL {
		return nil
	}
	return s
}
