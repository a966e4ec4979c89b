package ecologytest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"
	bundialect "github.com/uptrace/bun/dialect"
)

func signColumns() []string {
	return []string{"userId", "userType", "signType", "signDate", "signTime", "isInCom", "signFrom", "LONGITUDE", "LATITUDE", "ADDR"}
}

func mobileColumns() []string {
	return []string{"operater", "operate_type", "operate_date", "operate_time", "longitude", "latitude", "address", "remark"}
}

// SignRows returns all rows of HrmScheduleSign, sorted by person, time, type and id.
func (o *OA) SignRows(ctx context.Context) ([]SignRow, error) {
	var list []SignRow
	err := o.read(ctx, "HrmScheduleSign", append([]string{"id"}, signColumns()...), func(v []string, n []int64) {
		list = append(list, SignRow{n[0], n[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10]})
	})
	slices.SortFunc(list, func(a, b SignRow) int {
		return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.SignDate, b.SignDate), cmp.Compare(a.SignTime, b.SignTime),
			cmp.Compare(a.SignType, b.SignType), cmp.Compare(a.ID, b.ID))
	})
	return list, err
}

// MobileRows returns all rows of mobile_sign, sorted by person, time and id.
func (o *OA) MobileRows(ctx context.Context) ([]MobileRow, error) {
	var list []MobileRow
	err := o.read(ctx, "mobile_sign", append([]string{"id"}, mobileColumns()...), func(v []string, n []int64) {
		list = append(list, MobileRow{n[0], n[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]})
	})
	slices.SortFunc(list, func(a, b MobileRow) int {
		return cmp.Or(cmp.Compare(a.Operater, b.Operater), cmp.Compare(a.OperateDate, b.OperateDate), cmp.Compare(a.OperateTime, b.OperateTime),
			cmp.Compare(a.ID, b.ID))
	})
	return list, err
}

// PoolRows returns all rows of kq_format_pool, sorted by person, day and id.
func (o *OA) PoolRows(ctx context.Context) ([]PoolRow, error) {
	var list []PoolRow
	err := o.read(ctx, "kq_format_pool", []string{"id", "resourceid", "kqdate", "status", "exectime"}, func(v []string, n []int64) {
		list = append(list, PoolRow{n[0], n[1], v[2], n[3], v[4]})
	})
	slices.SortFunc(list, func(a, b PoolRow) int {
		return cmp.Or(cmp.Compare(a.ResourceID, b.ResourceID), cmp.Compare(a.KqDate, b.KqDate), cmp.Compare(a.ID, b.ID))
	})
	return list, err
}

// has returns the columns of a table, in lower case.
func (o *OA) has(ctx context.Context, table string) (map[string]bool, error) {
	rows, err := o.db.QueryContext(ctx, "SELECT * FROM "+table+" WHERE 1 = 0")
	if err != nil {
		return nil, fmt.Errorf("ecologytest: reading %s: %w", table, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	columns := make(map[string]bool)
	for _, name := range names {
		columns[strings.ToLower(name)] = true
	}
	return columns, rows.Err()
}

// read reads columns of a whole table, each value as a text and as a number. A
// column that the table lacks reads as "".
func (o *OA) read(ctx context.Context, table string, columns []string, row func(texts []string, numbers []int64)) error {
	has, err := o.has(ctx, table)
	if err != nil {
		return err
	}
	columns = slices.Clone(columns)
	lacking := make([]bool, len(columns))
	for i, c := range columns {
		if lacking[i] = !has[strings.ToLower(c)]; lacking[i] {
			columns[i] = "0"
		}
	}
	rows, err := o.db.QueryContext(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+table)
	if err != nil {
		return fmt.Errorf("ecologytest: reading %s: %w", table, err)
	}
	defer rows.Close()
	values, dest := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		texts, numbers := make([]string, len(values)), make([]int64, len(values))
		for i, v := range values {
			if texts[i], numbers[i] = textOf(v); lacking[i] {
				texts[i], numbers[i] = "", 0
			}
			if o.oracle() {
				texts[i] = strings.TrimRight(texts[i], " ") // CHAR(50)
			}
		}
		row(texts, numbers)
	}
	return rows.Err()
}

func textOf(v any) (string, int64) {
	switch v := v.(type) {
	case nil:
		return NULL, 0
	case string:
		return numbered(v)
	case float64:
		return numbered(strconv.FormatFloat(v, 'f', -1, 64))
	case []byte:
		return numbered(string(v))
	case time.Time:
		return v.Format(time.DateTime), 0
	default:
		return numbered(fmt.Sprint(v))
	}
}

// numbered is a text and the number that it is, 0 if none.
func numbered(s string) (string, int64) {
	n, _ := strconv.ParseInt(s, 10, 64)
	return s, n
}

func (o *OA) oracle() bool { return o.db.Dialect().Name() == bundialect.Oracle }

// insert adds rows in one statement; values for columns that the table lacks are
// left out.
func (o *OA) insert(ctx context.Context, table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	has, err := o.has(ctx, table)
	if err != nil {
		return err
	}
	var names []string
	for _, c := range columns {
		if has[strings.ToLower(c)] {
			names = append(names, c)
		}
	}
	before, between, after := " VALUES (", "), (", ")"
	if o.oracle() {
		before, between, after = " SELECT ", " FROM dual UNION ALL SELECT ", " FROM dual"
	}
	gen := o.db.QueryGen()
	b := []byte("INSERT INTO " + table + " (" + strings.Join(names, ", ") + ")" + before)
	for i, row := range rows {
		if i > 0 {
			b = append(b, between...)
		}
		first := true
		for j, v := range row {
			if has[strings.ToLower(columns[j])] {
				if !first {
					b = append(b, ", "...)
				}
				b, first = gen.Append(b, v), false
			}
		}
	}
	b = append(b, after...)
	if _, err := o.db.ExecContext(ctx, "?", bun.Safe(b)); err != nil {
		return fmt.Errorf("ecologytest: filling %s: %w", table, err)
	}
	return nil
}

func chunks[T any](list []T) iter.Seq[[]T] { return slices.Chunk(list, 500) }

// Count returns the number of rows of a table.
func (o *OA) Count(ctx context.Context, table string) (int, error) {
	var n int
	err := o.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n) // unquoted: the case of names is the database's
	return n, err
}
