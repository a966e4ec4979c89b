package fake

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendString writes s as a JSON string. Like the platforms it leaves everything
// but quotes, backslashes and control characters as it is; what is not UTF-8
// becomes U+FFFD.
func AppendString(b []byte, s string) []byte {
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

// AppendInts writes an array of numbers.
func AppendInts(b []byte, list []int64) []byte {
	b = append(b, '[')
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return append(b, ']')
}

// AppendStrings writes an array of strings.
func AppendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, text := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, text)
	}
	return append(b, ']')
}

// AppendFloat writes a number, as a string if asText. JSON has no infinities, so
// they become 0.
func AppendFloat(b []byte, f float64, asText bool) []byte {
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

// AppendMillis writes a moment as milliseconds since 1970.
func AppendMillis(b []byte, t time.Time) []byte { return strconv.AppendInt(b, t.UnixMilli(), 10) }

// Edit replaces, adds and (where the value is nil) removes members of the JSON
// object that b holds from start on. It goes through a map, so it is for tests of
// odd rows. The members come out sorted by name. The error says that a value
// cannot be marshalled; b is then unchanged.
func Edit(b []byte, start int, members map[string]any) ([]byte, error) {
	if len(members) == 0 {
		return b, nil
	}
	object := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(b[start:]))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		return b, err
	}
	for name, value := range members {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = value
		}
	}
	edited, err := json.Marshal(object)
	if err != nil {
		return b, err
	}
	return append(b[:start], edited...), nil
}
