package oasink

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
)

// An insert adds many rows to the columns that a table has, many with one
// statement. Its values are bound arguments, on the driver's own connection below
// bun: a third faster than text that has to be parsed for every row.
type insert interface {
	// add adds a row: one value for each name given to newInsert; those without a
	// column are left out.
	add(ctx context.Context, values ...any) error
	// flush adds the rows that are left.
	flush(ctx context.Context) error
	// close lets go of what is prepared.
	close()
}

// A cell is a column and the value that every row has there.
type cell struct {
	column string
	value  string
}

// target is where an insert adds its rows.
type target struct {
	sink  *Sink
	conn  *sql.Conn
	table *table
	fixed []cell
	// columns are those that add gets values for, whether they exist or not.
	columns []insertColumn
	width   int // how many of them exist
}

type insertColumn struct {
	column
	exists bool
}

// newInsert begins an insert with the fixed cells, and values by the names.
func (w *writing) newInsert(c bun.Conn, t *table, fixed []cell, names ...string) insert {
	if w.told != nil {
		return noInsert{}
	}
	to := target{sink: w.Sink, conn: c.Conn, table: t}
	for _, f := range fixed {
		if t.has(f.column) {
			to.fixed = append(to.fixed, f)
		}
	}
	for _, n := range names {
		col, ok := t.column(n)
		to.columns = append(to.columns, insertColumn{col, ok})
		if ok {
			to.width++
		}
	}
	return w.dialect.insert(to)
}

// into begins the statement: up to and with the list of columns, the fixed ones first.
func (to *target) into() *statement {
	q := to.sink.statement("INSERT INTO ").table(to.table)
	open := " ("
	for _, f := range to.fixed {
		q.sql(open).column(to.table, f.column)
		open = ", "
	}
	for _, c := range to.columns {
		if c.exists {
			q.sql(open).name(c.name)
			open = ", "
		}
	}
	return q.sql(") ")
}

// A valuesInsert writes VALUES (?, ?), (?, ?), ... with a prepared statement.
type valuesInsert struct {
	target
	most int // rows of a full statement
	full *sql.Stmt
	args []any
	rows int
}

func newValuesInsert(to target) *valuesInsert {
	width := to.width
	for _, f := range to.fixed {
		if !plain(f.value) {
			width++
		}
	}
	in := &valuesInsert{target: to}
	in.most = max(1, min(to.sink.dialect.rowsPerInsert(), to.sink.dialect.argumentsPerStatement()/width))
	in.args = make([]any, 0, in.most*width)
	return in
}

func (in *valuesInsert) add(ctx context.Context, values ...any) error {
	for _, f := range in.fixed {
		if !plain(f.value) {
			c, _ := in.table.column(f.column)
			in.args = append(in.args, c.bind(f.value))
		}
	}
	for i, c := range in.columns {
		if c.exists {
			in.args = append(in.args, c.bind(values[i]))
		}
	}
	if in.rows++; in.rows < in.most {
		return nil
	}
	if in.full == nil {
		var err error
		if in.full, err = in.conn.PrepareContext(ctx, in.text(in.most)); err != nil {
			return err
		}
	}
	_, err := in.full.ExecContext(ctx, in.args...)
	in.args, in.rows = in.args[:0], 0
	return err
}

func (in *valuesInsert) flush(ctx context.Context) error {
	if in.rows == 0 {
		return nil
	}
	_, err := in.conn.ExecContext(ctx, in.text(in.rows), in.args...)
	in.args, in.rows = in.args[:0], 0
	return err
}

func (in *valuesInsert) close() {
	if in.full != nil {
		_ = in.full.Close()
	}
}

// text is the statement for so many rows.
func (in *valuesInsert) text(rows int) string {
	q := in.into().sql("VALUES ")
	argument := 0
	for i := range rows {
		open := "("
		if i > 0 {
			open = ",("
		}
		for _, f := range in.fixed {
			if c, _ := in.table.column(f.column); plain(f.value) {
				q.sql(open).constant(c, f.value)
			} else {
				argument++
				q.sql(open).sql(in.sink.dialect.argument(argument))
			}
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

// plain reports whether a literal of s means the same in every SQL mode of every
// database.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte(" _-:.", c) >= 0:
		default:
			return false
		}
	}
	return true
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
