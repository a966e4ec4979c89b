package sqlstore

import (
	"strconv"
	"time"

	"github.com/uptrace/bun/schema"

	"github.com/punchbridge/punchbridge/attendance"
)

// seconds and back.
func seconds(t time.Time) int64       { return t.Unix() }
func instant(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// number of a day, such as 20260302, and back.
func dayNumber(d attendance.Date) int64 { return int64(d.Year*10000 + int(d.Month)*100 + d.Day) }
func dayOf(n int64) attendance.Date {
	return attendance.Date{Year: int(n / 10000), Month: time.Month(n / 100 % 100), Day: int(n % 100)}
}

// bytes is a text as the bytes that are stored; never nil, which would be NULL.
func bytes(s string) []byte { return append(make([]byte, 0, len(s)), s...) }

// keys checks the lengths of what rows are found by.
func keys(of ...string) error {
	for _, k := range of {
		if len(k) > KeyLimit {
			return wrong("%.40q... has %d bytes; persons, accounts, ids and names may have %d", k, len(k), KeyLimit)
		}
	}
	return nil
}

// list is several texts, for IN (?).
type list []string

// AppendQuery implements [schema.QueryAppender].
func (l list) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	for i, s := range l {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = gen.AppendQuery(b, "?", bytes(s))
	}
	return b, nil
}

// numbers is several numbers, for IN (?).
type numbers []int64

// AppendQuery implements [schema.QueryAppender].
func (n numbers) AppendQuery(_ schema.QueryGen, b []byte) ([]byte, error) {
	for i, v := range n {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, v, 10)
	}
	return b, nil
}

// tuples is several rows of values, for VALUES ? and IN ?.
type tuples [][]any

// AppendQuery implements [schema.QueryAppender].
func (t tuples) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	for i, row := range t {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, '(')
		for j, v := range row {
			if j > 0 {
				b = append(b, ", "...)
			}
			b = gen.AppendQuery(b, "?", v)
		}
		b = append(b, ')')
	}
	return b, nil
}

// document is a text of ASCII, for a column of documents.
type document struct {
	text    string
	dialect dialect
}

// AppendQuery implements [schema.QueryAppender].
func (d document) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	before, after := d.dialect.document()
	b = append(b, before...)
	b = gen.AppendQuery(b, "?", bytes(d.text))
	return append(b, after...), nil
}
