package oasink

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// textOf reads a column's value as text, without the blanks that CHAR columns
// are padded with. NULL is "".
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case []byte:
		return strings.TrimSpace(string(v))
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.Itoa(int(oneIf(v)))
	case time.Time:
		return v.Format(time.DateTime)
	default:
		return strings.TrimSpace(fmt.Sprint(v))
	}
}

// intOf reads a column's value as a whole number; NULL, "" and what is no number
// are 0, which no row of e-cology has as its id.
func intOf(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	default:
		n, _ := strconv.ParseInt(digitOf(v), 10, 64)
		return n
	}
}

// digitOf reads a number as text, also from a column that adds decimals to it: 1.00
// of a DECIMAL is "1".
func digitOf(v any) string {
	s := textOf(v)
	if whole, decimals, ok := strings.Cut(s, "."); ok && strings.Trim(decimals, "0") == "" {
		return whole
	}
	return s
}

// dateOf reads a day as yyyy-MM-dd, from a column of texts, of days or of points in
// time. A point in time is one of the wall clock: drivers return it in whatever zone.
func dateOf(v any) string {
	if t, ok := v.(time.Time); ok {
		return t.Format(time.DateOnly)
	}
	s := textOf(v)
	if len(s) > 10 && (s[10] == ' ' || s[10] == 'T') {
		return s[:10]
	}
	return s
}

// clockOf reads a time of day as HH:mm:ss, likewise.
func clockOf(v any) string {
	if t, ok := v.(time.Time); ok {
		return t.Format(time.TimeOnly)
	}
	s := textOf(v)
	if len(s) > 10 && (s[10] == ' ' || s[10] == 'T') {
		s = s[11:]
	}
	if len(s) > 8 && strings.IndexByte(".+-Z", s[8]) >= 0 { // fractions, a zone
		return s[:8]
	}
	return s
}

// A second is a wall-clock second as the OA's text columns hold it, packed into
// the digits yyyyMMddHHmmss, so that it can be compared and be part of a key.
type second int64

func secondOf(t time.Time) second {
	y, mo, d := t.Date()
	h, mi, s := t.Clock()
	return second(((((int64(y)*100+int64(mo))*100+int64(d))*100+int64(h))*100+int64(mi))*100 + int64(s))
}

// secondFrom reads yyyy-MM-dd and HH:mm:ss; ok is false for anything else.
func secondFrom(date, clock string) (s second, ok bool) {
	if len(date) != 10 || len(clock) != 8 || date[4] != '-' || date[7] != '-' || clock[2] != ':' || clock[5] != ':' {
		return 0, false
	}
	var n int64
	for _, part := range [...]string{date[:4], date[5:7], date[8:], clock[:2], clock[3:5], clock[6:]} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return 0, false
			}
			n = n*10 + int64(part[i]-'0')
		}
	}
	return second(n), true
}

// secondIn reads what two columns hold, of whatever type they are.
func secondIn(date, clock any) (s second, ok bool) { return secondFrom(dateOf(date), clockOf(clock)) }

// date is the second's day as yyyy-MM-dd.
func (s second) date() string {
	d := int64(s) / 1e6
	b := [10]byte{4: '-', 7: '-'}
	digits(b[0:4], d/1e4)
	digits(b[5:7], d/100)
	digits(b[8:10], d)
	return string(b[:])
}

// clock is the second's time of day as HH:mm:ss.
func (s second) clock() string {
	c := int64(s)
	b := [8]byte{2: ':', 5: ':'}
	digits(b[0:2], c/1e4)
	digits(b[3:5], c/100)
	digits(b[6:8], c)
	return string(b[:])
}

// digits writes the last digits of n that fit.
func digits(b []byte, n int64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}

// dayOf is the second's day.
func dayOf(s second) attendance.Date {
	d := int64(s) / 1e6
	return attendance.Date{Year: int(d / 1e4), Month: time.Month(d / 100 % 100), Day: int(d % 100)}
}
