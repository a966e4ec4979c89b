package provider

import "encoding/binary"

// deepest is how many arrays and objects may stand in each other, as in encoding/json.
const deepest = 10000

// valid is json.Valid, several times faster: every answer of a platform goes
// through it once, and json.Valid alone takes longer than reading the answer.
func valid(b []byte) bool {
	end := validValue(b, space(b, 0), 0)
	return end >= 0 && space(b, end) == len(b)
}

// validValue returns the index after the value that begins at b[i], or -1.
func validValue(b []byte, i, depth int) int {
	if i >= len(b) {
		return -1
	}
	switch c := b[i]; {
	case c == '"':
		return validString(b, i+1)
	case c == '{' || c == '[':
		return validContainer(b, i, depth+1)
	case c == '-' || '0' <= c && c <= '9':
		return validNumber(b, i)
	case c == 't':
		return validWord(b, i, "true")
	case c == 'f':
		return validWord(b, i, "false")
	case c == 'n':
		return validWord(b, i, "null")
	default:
		return -1
	}
}

func validWord(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// validContainer checks the object or array that begins at b[i].
func validContainer(b []byte, i, depth int) int {
	if depth > deepest {
		return -1
	}
	object, last := b[i] == '{', b[i]+2 // '}' is '{'+2, and ']' is '['+2
	i = space(b, i+1)
	if i < len(b) && b[i] == last {
		return i + 1
	}
	for {
		if object {
			if i >= len(b) || b[i] != '"' {
				return -1
			}
			if i = validString(b, i+1); i < 0 {
				return -1
			}
			if i = space(b, i); i >= len(b) || b[i] != ':' {
				return -1
			}
			i = space(b, i+1)
		}
		if i = validValue(b, i, depth); i < 0 {
			return -1
		}
		i = space(b, i)
		switch {
		case i >= len(b):
			return -1
		case b[i] == last:
			return i + 1
		case b[i] != ',':
			return -1
		}
		i = space(b, i+1)
	}
}

// validString checks the string whose content begins at b[i], eight bytes at a
// time while there is nothing special among them.
func validString(b []byte, i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for {
		for len(b)-i >= 8 {
			x := binary.LittleEndian.Uint64(b[i:])
			quote, slash := x^(ones*'"'), x^(ones*'\\')
			// The high bit of a byte is set where it is below 0x20, a quote or a
			// backslash; a carry may also set one further up, which costs time only.
			if ((x-ones*0x20)&^x|(quote-ones)&^quote|(slash-ones)&^slash)&high != 0 {
				break
			}
			i += 8
		}
		if i >= len(b) {
			return -1
		}
		for stop := min(i+8, len(b)); i < stop; {
			switch c := b[i]; {
			case c == '"':
				return i + 1
			case c < 0x20:
				return -1
			case c == '\\':
				n := validEscape(b[i:])
				if n == 0 {
					return -1
				}
				i += n
			default:
				i++
			}
		}
	}
}

// validEscape returns the length of the escape that s begins with; 0 for none.
func validEscape(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(s); ok {
			return 6
		}
	}
	return 0
}

// validNumber checks the number that begins at b[i]: no leading zeros, digits on
// both sides of a point and after an e.
func validNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	first := i
	if i = digitsEnd(b, i); i == first || b[first] == '0' && i > first+1 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		first = i + 1
		if i = digitsEnd(b, first); i == first {
			return -1
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		first = i
		if i = digitsEnd(b, first); i == first {
			return -1
		}
	}
	return i
}

func digitsEnd(b []byte, i int) int {
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i
}
