package provider

import (
	"bytes"
	"math"
	"strconv"
)

// Int reads a whole number, however it is written: 12, "12", " 12 ", 12.0,
// 1.2e3. ok is false for anything else, and for what does not fit into int64.
func Int(raw []byte) (value int64, ok bool) {
	s := bytes.TrimSpace(TextBytes(raw))
	if v, ok := digits(s); ok {
		return v, true
	}
	return exactInt(s)
}

// digits reads up to 18 plain digits, which is what nearly every number is.
func digits(s []byte) (int64, bool) {
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	var v int64
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if negative {
		v = -v
	}
	return v, true
}

// A decimal is a number as it is written: sign, digits before and after the
// point, power of ten.
type decimal struct {
	negative        bool
	whole, fraction []byte
	exponent        int64
}

// scanDecimal splits a number. It takes JSON's grammar and leading zeros.
func scanDecimal(s []byte) (d decimal, ok bool) {
	if len(s) > 0 && s[0] == '-' {
		d.negative, s = true, s[1:]
	}
	d.whole, s = leadingDigits(s)
	if len(d.whole) == 0 {
		return d, false
	}
	if len(s) > 0 && s[0] == '.' {
		if d.fraction, s = leadingDigits(s[1:]); len(d.fraction) == 0 {
			return d, false
		}
	}
	if len(s) > 0 && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		sign := int64(1)
		if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
			if s[0] == '-' {
				sign = -1
			}
			s = s[1:]
		}
		var exponent []byte
		if exponent, s = leadingDigits(s); len(exponent) == 0 {
			return d, false
		}
		for _, c := range exponent {
			d.exponent = min(d.exponent*10+int64(c-'0'), math.MaxInt32) // far beyond any number that matters
		}
		d.exponent *= sign
	}
	return d, len(s) == 0
}

func leadingDigits(s []byte) (digits, rest []byte) {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return s[:n], s[n:]
}

// exactInt reads a number with a point or an exponent, without ever going
// through a float, which would round record ids.
func exactInt(s []byte) (int64, bool) {
	d, ok := scanDecimal(s)
	if !ok {
		return 0, false
	}
	var v uint64
	// The digits up to place point are the number; those after it must be zero.
	point := int64(len(d.whole)) + d.exponent
	at := int64(0)
	for _, part := range [...][]byte{d.whole, d.fraction} {
		for _, c := range part {
			digit := uint64(c - '0')
			switch {
			case at >= point && digit != 0:
				return 0, false
			case at < point:
				if v > (math.MaxInt64+1)/10 {
					return 0, false
				}
				v = v*10 + digit
			}
			at++
		}
	}
	for ; v != 0 && at < point; at++ {
		if v > (math.MaxInt64+1)/10 {
			return 0, false
		}
		v *= 10
	}
	switch {
	case d.negative && v <= math.MaxInt64+1:
		return int64(-v), true
	case v <= math.MaxInt64:
		return int64(v), true
	default:
		return 0, false
	}
}

// Float reads a number, also one that is written as a string. ok is false for
// anything else; infinities and what does not fit into float64 are no numbers.
func Float(raw []byte) (value float64, ok bool) {
	s := bytes.TrimSpace(TextBytes(raw))
	if _, ok := scanDecimal(s); !ok {
		return 0, false
	}
	value, err := strconv.ParseFloat(string(s), 64)
	return value, err == nil
}

// Bool reads a truth value: true and false, 1 and 0, "Y" and "N", also as
// strings and in any case. ok is false for anything else.
func Bool(raw []byte) (value, ok bool) {
	s := bytes.TrimSpace(TextBytes(raw))
	switch {
	case len(s) == 1:
		switch s[0] {
		case '1', 'Y', 'y':
			return true, true
		case '0', 'N', 'n':
			return false, true
		}
	case bytes.EqualFold(s, []byte("true")):
		return true, true
	case bytes.EqualFold(s, []byte("false")):
		return false, true
	}
	return false, false
}
