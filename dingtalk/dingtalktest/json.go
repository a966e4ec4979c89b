package dingtalktest

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// appendString writes s as a JSON string. Like the platform it leaves everything
// but quotes, backslashes and control characters as it is; what is not UTF-8
// becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		switch ch := s[i]; {
		case ch >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		case ch == '"' || ch == '\\':
			b = append(append(b, s[start:i]...), '\\', ch)
			start = i + 1
		case ch < ' ':
			b = append(append(b, s[start:i]...), '\\', 'u', '0', '0', hex[ch>>4], hex[ch&15])
			start = i + 1
		}
		i++
	}
	return append(append(b, s[start:]...), '"')
}

func appendInts(b []byte, list []int64) []byte {
	b = append(b, '[')
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return append(b, ']')
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, text := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, text)
	}
	return append(b, ']')
}

// appendFloat writes a number, as a string if asText. JSON has no infinities, so
// they become 0.
func appendFloat(b []byte, f float64, asText bool) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	if asText {
		b = append(b, '"')
	}
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if asText {
		b = append(b, '"')
	}
	return b
}

func appendMillis(b []byte, t time.Time) []byte { return strconv.AppendInt(b, t.UnixMilli(), 10) }
