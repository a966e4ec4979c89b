package oasink

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// A statement is SQL text under construction. Values get into it through bun's
// formatter only, which escapes them for the database.
type statement struct {
	gen  schema.QueryGen
	b    []byte
	open byte // what stands around identifiers
	end  byte
	// after is the statement that ends what a read from the pool leaves open.
	after string
}

func (s *Sink) statement(sql string) *statement {
	q := &statement{gen: s.db.QueryGen(), b: append(make([]byte, 0, 512), sql...), after: s.afterReads}
	q.open, q.end = s.dialect.quotes()
	return q
}

// sql appends text of our own.
func (q *statement) sql(text string) *statement {
	q.b = append(q.b, text...)
	return q
}

// name appends an identifier, quoted.
func (q *statement) name(name string) *statement {
	q.b = append(q.b, q.open)
	for i := range len(name) {
		if name[i] == q.end {
			q.b = append(q.b, q.end)
		}
		q.b = append(q.b, name[i])
	}
	q.b = append(q.b, q.end)
	return q
}

// table appends a table's name at this site.
func (q *statement) table(t *table) *statement {
	if t.name.schema != "" {
		q.name(t.name.schema).sql(".")
	}
	return q.name(t.name.name)
}

// columns appends the columns of t that exist, spelt as the database has them,
// and NULL for those that do not, so that rows always have the same width.
func (q *statement) columns(t *table, names ...string) *statement {
	for i, n := range names {
		if i > 0 {
			q.sql(", ")
		}
		if c, ok := t.column(n); ok {
			q.name(c.name)
		} else {
			q.sql("NULL")
		}
	}
	return q
}

// column appends a column of t that is known to exist.
func (q *statement) column(t *table, name string) *statement {
	c, _ := t.column(name)
	return q.name(c.name)
}

// value appends a literal.
func (q *statement) value(v any) *statement {
	q.b = q.gen.Append(q.b, v)
	return q
}

// plain appends a literal of a text for which the function plain holds, as the
// type that the column has: N” would be another one on SQL Server, for whose sake
// an index on a varchar is not looked into.
func (q *statement) plain(s string) *statement {
	q.b = append(append(append(q.b, '\''), s...), '\'')
	return q
}

// constant appends a plain value for a column.
func (q *statement) constant(c column, s string) *statement {
	if c.instant != "" {
		if date, clock, ok := strings.Cut(s, " "); ok {
			return q.sql(fmt.Sprintf(c.instant, date, clock))
		}
	}
	if v := c.bind(s); v != any(s) {
		return q.value(v)
	}
	return q.plain(s)
}

// list appends (1, 2, 3).
func (q *statement) list(ids []int64) *statement {
	q.sql("(")
	for i, id := range ids {
		if i > 0 {
			q.b = append(q.b, ',')
		}
		q.b = strconv.AppendInt(q.b, id, 10)
	}
	return q.sql(")")
}

// exec runs the statement. It is handed to bun as an argument, not as a template:
// bun would look for question marks in it, also inside values.
func (q *statement) exec(ctx context.Context, c executor) error {
	_, err := c.ExecContext(ctx, "?", bun.Safe(q.b))
	return err
}

// query runs the statement and calls scan for each row, with the row's values.
// The values are valid during the call only.
func (q *statement) query(ctx context.Context, c querier, width int, scan func(values []any) error) error {
	if pool, ok := c.(*bun.DB); ok && q.after != "" {
		return q.queryApart(ctx, pool, width, scan)
	}
	rows, err := c.QueryContext(ctx, "?", bun.Safe(q.b))
	if err != nil {
		return err
	}
	defer rows.Close()
	values, dest := make([]any, width), make([]any, width)
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if err := scan(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// queryApart is query on one connection of the pool, on which what an earlier read has
// left open is ended before, and what this one leaves after.
func (q *statement) queryApart(ctx context.Context, pool *bun.DB, width int, scan func(values []any) error) error {
	c, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, q.after); err != nil {
		return err
	}
	if err := q.query(ctx, c, width, scan); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, q.after)
	return err
}
