package oasink

import (
	"context"
	"fmt"
	"strconv"
)

// An arrayInsert sends each column as one array, in PostgreSQL's text form, which
// every driver passes on as a string:
//
//	INSERT INTO t (f, a, b) SELECT $3::text, v.a, v.b FROM unnest($1::text[], $2::bigint[]) AS v(a, b)
type arrayInsert struct {
	target
	arrays [][]byte // one for each column that exists
	rows   int
}

func newArrayInsert(to target) *arrayInsert {
	return &arrayInsert{target: to, arrays: make([][]byte, to.width)}
}

func (in *arrayInsert) add(ctx context.Context, values ...any) error {
	n := 0
	for i, c := range in.columns {
		if !c.exists {
			continue
		}
		b := append(in.arrays[n], ',')
		if in.rows == 0 {
			b = append(in.arrays[n][:0], '{')
		}
		in.arrays[n] = appendElement(b, c.bind(values[i]))
		n++
	}
	if in.rows++; in.rows < in.sink.dialect.rowsPerInsert() {
		return nil
	}
	return in.flush(ctx)
}

// appendElement appends an element of an array's text form
// (postgresql.org/docs/current/arrays.html#ARRAYS-IO).
func appendElement(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "NULL"...)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	}
	b = append(b, '"')
	s := fmt.Sprint(v)
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

func (in *arrayInsert) flush(ctx context.Context) error {
	if in.rows == 0 {
		return nil
	}
	in.rows = 0
	args := make([]any, 0, len(in.arrays)+len(in.fixed))
	for _, a := range in.arrays {
		args = append(args, string(append(a, '}')))
	}
	for _, f := range in.fixed {
		args = append(args, f.value)
	}
	_, err := in.conn.ExecContext(ctx, in.text(), args...)
	return err
}

func (in *arrayInsert) close() {}

func (in *arrayInsert) text() string {
	d := in.sink.dialect
	q := in.into()
	open := "SELECT "
	for i, f := range in.fixed {
		c, _ := in.table.column(f.column)
		q.sql(open).sql(d.argument(in.width + i + 1)).sql("::").sql(c.declared)
		open = ", "
	}
	for i := range in.width {
		q.sql(open).sql("v.c").sql(strconv.Itoa(i))
		open = ", "
	}
	open = " FROM unnest("
	n := 0
	for _, c := range in.columns {
		if c.exists {
			n++
			q.sql(open).sql(d.argument(n)).sql("::").sql(c.declared).sql("[]")
			open = ", "
		}
	}
	open = ") AS v("
	for i := range in.width {
		q.sql(open).sql("c").sql(strconv.Itoa(i))
		open = ", "
	}
	return string(q.sql(")").b)
}
