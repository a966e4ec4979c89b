package oasink

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/uptrace/bun"
)

// An insert adds many rows to the columns that a table has, some dozens with one
// statement. Its values are bound arguments of a prepared statement, on the
// driver's own connection below bun: a third faster than text that has to be
// parsed for every row.
type insert struct {
	sink  *Sink
	conn  *sql.Conn
	table *table
	fixed []cell
	// columns are those that add gets values for, whether they exist or not.
	columns []insertColumn
	width   int // how many of them exist
	most    int // rows of a full statement
	full    *sql.Stmt
	args    []any
}

// A cell is a column and the value that every row has there.
type cell struct {
	column string
	value  string
}

type insertColumn struct {
	column
	exists bool
}

// newInsert begins an insert with the fixed cells, and values by the names.
func (w *writing) newInsert(c bun.Conn, t *table, fixed []cell, names ...string) *insert {
	in := &insert{sink: w.Sink, conn: c.Conn, table: t}
	for _, f := range fixed {
		if t.has(f.column) {
			in.fixed = append(in.fixed, f)
		}
	}
	for _, n := range names {
		col, ok := t.column(n)
		in.columns = append(in.columns, insertColumn{col, ok})
		if ok {
			in.width++
		}
	}
	in.most = max(1, min(w.dialect.rowsPerInsert(), w.dialect.argumentsPerStatement()/in.width))
	in.args = make([]any, 0, in.most*in.width)
	return in
}

// add adds a row: one value for each name given to newInsert; those without a
// column are left out.
func (in *insert) add(ctx context.Context, values ...any) error {
	for i, c := range in.columns {
		if c.exists {
			in.args = append(in.args, c.bind(values[i]))
		}
	}
	if len(in.args) < in.most*in.width {
		return nil
	}
	if in.full == nil {
		var err error
		if in.full, err = in.conn.PrepareContext(ctx, in.text(in.most)); err != nil {
			return err
		}
	}
	_, err := in.full.ExecContext(ctx, in.args...)
	in.args = in.args[:0]
	return err
}

// flush adds the rows that are left.
func (in *insert) flush(ctx context.Context) error {
	if len(in.args) == 0 {
		return nil
	}
	_, err := in.conn.ExecContext(ctx, in.text(len(in.args)/in.width), in.args...)
	in.args = in.args[:0]
	return err
}

// close lets go of the prepared statement.
func (in *insert) close() {
	if in.full != nil {
		_ = in.full.Close()
	}
}

// text is the statement for so many rows.
func (in *insert) text(rows int) string {
	q := in.sink.statement("INSERT INTO ").table(in.table)
	open := " ("
	for _, f := range in.fixed {
		q.sql(open).column(in.table, f.column)
		open = ", "
	}
	for _, c := range in.columns {
		if c.exists {
			q.sql(open).name(c.name)
			open = ", "
		}
	}
	q.sql(") VALUES ")
	argument := 0
	for i := range rows {
		open = "("
		if i > 0 {
			open = ",("
		}
		for _, f := range in.fixed {
			c, _ := in.table.column(f.column)
			q.sql(open).value(c.bind(f.value))
			open = ","
		}
		for range in.width {
			argument++
			q.sql(open).sql(in.sink.dialect.argument(argument))
			open = ","
		}
		q.sql(")")
	}
	return string(q.b)
}

// bind is v as the column takes it: e-cology keeps numbers in text columns on one
// database and in numeric ones on another.
func (c column) bind(v any) any {
	s, isText := v.(string)
	switch {
	case !isText || c.kind == text:
		return v
	case c.kind == integer:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	case c.kind == decimal:
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	}
	return v
}
