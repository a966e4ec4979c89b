package provider

import (
	"bytes"
	"iter"
	"slices"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Object yields the members of a JSON object in order, duplicate keys as often
// as they stand there: the key, unescaped, and the value as it is written. The
// slices are parts of raw (a key only when it needs no unescaping) and must not
// be changed. Nothing is yielded when raw is no object, null included.
//
// raw should be what [NotJSON] has accepted. Anything else is read as far as it makes
// sense.
//
// Object allocates nothing, save for keys with escapes.
func Object(raw []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) { members(raw, yield) }
}

// Array yields the elements of a JSON array in order, each as it is written.
// What is said of [Object] holds here.
func Array(raw []byte) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) { elements(raw, yield) }
}

// Member returns the value of a key of a JSON object, the last one where the key
// is doubled, as encoding/json takes it; nil when it is not there.
func Member(object []byte, name string) []byte {
	var found []byte
	for key, value := range Object(object) {
		if string(key) == name {
			found = value
		}
	}
	return found
}

// Text returns a JSON value as text: a string unescaped, a number as it is
// written, true or false, and "" for null, objects, arrays and nothing at all.
// Broken UTF-8 and lone surrogates become U+FFFD, as encoding/json does it. A control
// character that stands there raw becomes a space; [Spoilt] finds it, where the text is
// a name that something is recognised by.
func Text(raw []byte) string { return string(TextBytes(raw)) }

// TextBytes is [Text] without an allocation: the slice is a part of raw unless
// the string has escapes, broken UTF-8 or raw control characters. It must not be changed. It serves
// comparisons and map look-ups:
//
//	switch string(provider.TextBytes(value)) { case "OnDuty": ... }
func TextBytes(raw []byte) []byte {
	raw = trimSpace(raw)
	if len(raw) == 0 {
		return nil
	}
	switch raw[0] {
	case '"':
		end, plain, ok := stringEnd(raw, 0)
		if !ok {
			return unescape(raw[1:])
		}
		return content(raw[:end], plain)
	case '{', '[':
		return nil
	case 'n':
		if string(raw) == "null" {
			return nil
		}
	}
	return raw
}

// Spoilt reports whether a JSON value is a text with a character in it that no name
// has: a control character, raw or escaped, an escape that JSON does not know, or one that
// could not be decoded. Where the
// text is the userid, the id, the time or the type of a record, nobody can tell what it
// was: such a record is left out and named.
func Spoilt(raw []byte) bool {
	raw = trimSpace(raw)
	if len(raw) == 0 || raw[0] != '"' {
		return false
	}
	return validString(raw, 1) != len(raw) || bytes.ContainsFunc(TextBytes(raw), func(r rune) bool {
		return unicode.IsControl(r) || r == utf8.RuneError
	})
}

func members(b []byte, yield func(key, value []byte) bool) {
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return
	}
	for i = space(b, i+1); i < len(b) && b[i] == '"'; i = space(b, i+1) {
		end, plain, ok := stringEnd(b, i)
		if !ok {
			return
		}
		key := content(b[i:end:end], plain)
		i = space(b, end)
		if i >= len(b) || b[i] != ':' {
			return
		}
		i = space(b, i+1)
		end = valueEnd(b, i)
		if end == i || !yield(key, b[i:end:end]) {
			return
		}
		i = space(b, end)
		if i >= len(b) || b[i] != ',' {
			return
		}
	}
}

func elements(b []byte, yield func(value []byte) bool) {
	i := space(b, 0)
	if i >= len(b) || b[i] != '[' {
		return
	}
	for i = space(b, i+1); i < len(b); i = space(b, i+1) {
		end := valueEnd(b, i)
		if end == i || !yield(b[i:end:end]) {
			return
		}
		i = space(b, end)
		if i >= len(b) || b[i] != ',' {
			return
		}
	}
}

// space returns the index of the first byte at or after i that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

func trimSpace(b []byte) []byte {
	b = b[space(b, 0):]
	for len(b) > 0 {
		switch b[len(b)-1] {
		case ' ', '\n', '\t', '\r':
			b = b[:len(b)-1]
		default:
			return b
		}
	}
	return b
}

// stringEnd returns the index after the string that begins at the quote b[i],
// and whether it is plain: printable ASCII without escapes. ok is false when it has no
// end.
func stringEnd(b []byte, i int) (end int, plain, ok bool) {
	plain = true
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, plain, true
		case c == '\\':
			plain = false
			i++
		case c-' ' >= utf8.RuneSelf-' ': // below a blank, too
			plain = false
		}
	}
	return len(b), plain, false
}

// valueEnd returns the index after the value that begins at b[i]; i itself when
// none begins there or when it does not end.
func valueEnd(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		if end := skipString(b, i); end > 0 {
			return end
		}
		return i
	case '{', '[':
		depth := 0
		for j := i; j < len(b); j++ {
			switch b[j] {
			case '"':
				end := skipString(b, j)
				if end < 0 {
					return i
				}
				j = end - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return j + 1
				}
			}
		}
		return i
	default:
		j := i
		for j < len(b) {
			switch b[j] {
			case ',', '}', ']', ':', '"', '{', '[', ' ', '\n', '\t', '\r':
				return j
			}
			j++
		}
		return j
	}
}

// skipString is stringEnd for a string that is only passed over: the next quote
// that no odd number of backslashes precedes. It returns -1 when there is none.
func skipString(b []byte, i int) int {
	for j := i + 1; ; {
		n := bytes.IndexByte(b[j:], '"')
		if n < 0 {
			return -1
		}
		j += n + 1
		slashes := 0
		for b[j-2-slashes] == '\\' && j-2-slashes > i {
			slashes++
		}
		if slashes%2 == 0 {
			return j
		}
	}
}

// content returns what a quoted string says.
func content(quoted []byte, plain bool) []byte {
	inner := quoted[1 : len(quoted)-1]
	if plain || bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) && !slices.ContainsFunc(inner, isRawControl) {
		return inner
	}
	return unescape(inner)
}

// isRawControl finds what JSON wants to be escaped.
func isRawControl(c byte) bool { return c < ' ' }

// unescape decodes the inside of a string into new memory.
func unescape(s []byte) []byte {
	out := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\\':
			var n int
			out, n = appendEscaped(out, s[i:])
			i += n
		case isRawControl(c):
			out = append(out, ' ')
			i++
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			r, n := utf8.DecodeRune(s[i:])
			out = utf8.AppendRune(out, r)
			i += n
		}
	}
	return out
}

// appendEscaped decodes the escape that s begins with and returns its length.
// An escape that JSON does not know stands for the character after the backslash.
func appendEscaped(out, s []byte) ([]byte, int) {
	if len(s) < 2 {
		return append(out, s...), len(s)
	}
	switch s[1] {
	case 'b':
		return append(out, '\b'), 2
	case 'f':
		return append(out, '\f'), 2
	case 'n':
		return append(out, '\n'), 2
	case 'r':
		return append(out, '\r'), 2
	case 't':
		return append(out, '\t'), 2
	case 'u':
		r, ok := hex4(s)
		if !ok {
			return utf8.AppendRune(out, utf8.RuneError), 2
		}
		if !utf16.IsSurrogate(r) {
			return utf8.AppendRune(out, r), 6
		}
		if low, ok := hex4(s[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return utf8.AppendRune(out, pair), 12
			}
		}
		return utf8.AppendRune(out, utf8.RuneError), 6
	default: // quote, backslash, slash
		if s[1] >= utf8.RuneSelf {
			return out, 1
		}
		return append(out, s[1]), 2
	}
}

// hex4 reads \uXXXX.
func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
