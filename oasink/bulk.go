package oasink

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/punchbridge/punchbridge/attendance/redact"
)

// A bulkInsert executes an INSERT of one row many times at once: each column is
// bound to a slice, of the type that the column has, as Oracle's drivers take them
// (go-ora, godror).
//
//	INSERT INTO t (f, a, b) VALUES ('1', :1, :2)
//
// Triggers that give ids fire for each row. On Oracle the empty text is NULL.
type bulkInsert struct {
	target
	texts []string // of the statement's fixed values that are bound
	slots []slot
	rows  int
}

// A slot collects the values of one column.
type slot struct {
	kind     kind
	texts    []string
	integers []sql.NullInt64
	decimals []sql.NullFloat64
	nulls    int
}

func newBulkInsert(to target) *bulkInsert {
	in := &bulkInsert{target: to, slots: make([]slot, to.width)}
	n := 0
	for _, c := range to.columns {
		if c.exists {
			in.slots[n].kind = c.kind
			n++
		}
	}
	for _, f := range to.fixed {
		if !plain(f.value) {
			in.texts = append(in.texts, f.value)
		}
	}
	return in
}

func (in *bulkInsert) add(ctx context.Context, values ...any) error {
	n := 0
	for i, c := range in.columns {
		if c.exists {
			if err := in.slots[n].add(c.bind(values[i])); err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
			n++
		}
	}
	if in.rows++; in.rows < in.sink.dialect.rowsPerInsert() {
		return nil
	}
	return in.flush(ctx)
}

func (s *slot) add(v any) error {
	var number sql.NullFloat64
	var whole sql.NullInt64
	var words string
	switch v := v.(type) {
	case nil:
		s.nulls++
	case int64:
		number, whole, words = sql.NullFloat64{Float64: float64(v), Valid: true}, sql.NullInt64{Int64: v, Valid: true}, strconv.FormatInt(v, 10)
	case float64:
		number, words = sql.NullFloat64{Float64: v, Valid: true}, strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		words = v
	}
	switch {
	case s.kind == text, s.kind == temporal:
		s.texts = append(s.texts, words)
	case s.kind == integer && (whole.Valid || v == nil):
		s.integers = append(s.integers, whole)
	case s.kind == decimal && (number.Valid || v == nil):
		s.decimals = append(s.decimals, number)
	default:
		return redact.Own(fmt.Sprintf("%q is no number that it takes", words))
	}
	return nil
}

// values is the slot's slice, and empties it.
func (s *slot) values() any {
	defer func() { *s = slot{kind: s.kind} }()
	switch {
	case s.kind == text, s.kind == temporal:
		return s.texts
	case s.kind == integer && s.nulls > 0:
		return s.integers
	case s.kind == integer:
		plain := make([]int64, len(s.integers))
		for i, n := range s.integers {
			plain[i] = n.Int64
		}
		return plain
	case s.nulls > 0:
		return s.decimals
	}
	plain := make([]float64, len(s.decimals))
	for i, f := range s.decimals {
		plain[i] = f.Float64
	}
	return plain
}

func (in *bulkInsert) flush(ctx context.Context) error {
	if in.rows == 0 {
		return nil
	}
	args := make([]any, 0, len(in.texts)+len(in.slots))
	for _, t := range in.texts {
		same := make([]string, in.rows)
		for i := range same {
			same[i] = t
		}
		args = append(args, same)
	}
	for i := range in.slots {
		args = append(args, in.slots[i].values())
	}
	in.rows = 0
	_, err := in.conn.ExecContext(ctx, in.text(), args...)
	return err
}

func (in *bulkInsert) close() {}

func (in *bulkInsert) text() string {
	q := in.into()
	open, argument := "VALUES (", 0
	bound := func() {
		argument++
		q.sql(open).sql(in.sink.dialect.argument(argument))
	}
	for _, f := range in.fixed {
		if c, _ := in.table.column(f.column); plain(f.value) {
			q.sql(open).constant(c, f.value)
		} else {
			bound()
		}
		open = ", "
	}
	for range in.width {
		bound()
		open = ", "
	}
	return string(q.sql(")").b)
}
