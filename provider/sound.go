package provider

import "bytes"

// sound reports whether the structure of a document is beyond doubt although it is not
// quite JSON; see NotJSON. It is asked for documents only that are not valid.
//
// A missing or an extra quote leaves doubt: texts then stand where words should, and such
// a document is not sound.
func sound(b []byte) bool {
	end := soundValue(b, space(b, 0), 0)
	return end >= 0 && space(b, end) == len(b)
}

// soundValue returns the index after the value that begins at b[i], or -1.
func soundValue(b []byte, i, depth int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return soundString(b, i)
	case '{', '[':
		return soundContainer(b, i, depth+1)
	default:
		return soundWord(b, i)
	}
}

func soundString(b []byte, i int) int {
	end, _, ok := stringEnd(b, i)
	if !ok {
		return -1
	}
	return end
}

// soundWord takes a number or a word of any form.
func soundWord(b []byte, i int) int {
	first := i
	for i < len(b) && (b[i] >= '0' && b[i] <= '9' || b[i] >= 'a' && b[i] <= 'z' || b[i] >= 'A' && b[i] <= 'Z' || b[i] == '+' || b[i] == '-' || b[i] == '.') {
		i++
	}
	if i == first {
		return -1
	}
	return i
}

// soundContainer checks the object or array that begins at b[i].
func soundContainer(b []byte, i, depth int) int {
	if depth > deepest {
		return -1
	}
	object, last := b[i] == '{', b[i]+2
	for i = space(b, i+1); i < len(b) && b[i] != last; i = space(b, i+1) {
		if object {
			if i = soundKey(b, i); i < 0 {
				return -1
			}
		}
		if i = soundValue(b, i, depth); i < 0 {
			return -1
		}
		if i = space(b, i); i >= len(b) {
			return -1
		}
		if b[i] == last {
			return i + 1
		}
		if b[i] != ',' {
			return -1
		}
	}
	if i >= len(b) {
		return -1
	}
	return i + 1
}

// soundKey returns where the value of the key at b[i] begins, or -1.
func soundKey(b []byte, i int) int {
	if b[i] != '"' {
		return -1
	}
	if i = soundString(b, i); i < 0 {
		return -1
	}
	if i = space(b, i); i >= len(b) || b[i] != ':' {
		return -1
	}
	return space(b, i+1)
}

// document is the JSON document in an answer that has something before or after it: a
// byte order mark, blanks and whole comments, which some gateways add. An answer with
// anything else around it, or without a whole document, is returned as it is.
func document(body []byte) []byte {
	if bare := trimSpace(body); len(bare) > 0 && (bare[0] == '{' || bare[0] == '[') && bare[len(bare)-1] == bare[0]+2 {
		return body // as nearly every answer is
	}
	first := afterComments(body, 0)
	if first == len(body) || body[first] != '{' && body[first] != '[' {
		return body
	}
	end := validValue(body, first, 0)
	if end < 0 {
		end = soundValue(body, first, 0)
	}
	if end < 0 || afterComments(body, end) != len(body) {
		return body
	}
	return body[first:end]
}

// afterComments is the index of what is neither a blank nor a whole comment.
func afterComments(b []byte, i int) int {
	for i < len(b) {
		rest := b[i:]
		n := 0
		for _, c := range [...]struct{ begin, end string }{{"/*", "*/"}, {"<!--", "-->"}, {"//", "\n"}, {"\ufeff", ""}, {"\u00a0", ""}, {" ", ""}, {"\t", ""}, {"\r", ""}, {"\n", ""}, {"\f", ""}, {"\v", ""}, {"\x00", ""}} {
			after, ok := bytes.CutPrefix(rest, []byte(c.begin))
			if !ok {
				continue
			}
			end := bytes.Index(after, []byte(c.end))
			if end < 0 && c.begin == "//" {
				end = len(after) - len(c.end)
			}
			if end >= 0 {
				n = len(c.begin) + end + len(c.end)
			}
			break
		}
		if n == 0 {
			return i
		}
		i += n
	}
	return i
}
