package provider

import (
	"net/netip"
	"strings"
	"unicode"
)

// longestMessage bounds what is kept of a text of a platform, in bytes.
const longestMessage = 600

// OneLine makes a platform's text fit for one line of a log or a report: valid
// UTF-8, no control characters or line ends, at most 600 bytes.
func OneLine(s string) string {
	const dots = "..."
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	if len(s) > longestMessage {
		s = strings.ToValidUTF8(s[:longestMessage-len(dots)], "") + dots
	}
	return strings.TrimSpace(s)
}

// Word returns s when it has the form of a code: a number of at most 30 digits, a sign
// before it, or at most 64 letters of ASCII and dots without any digit; else "". Of a
// confidential answer no other text is told.
func Word(s string) string {
	number := strings.Trim(strings.TrimPrefix(s, "-"), "0123456789") == "" && len(s) <= 30
	word := len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '.')
	})
	if number || word {
		return s
	}
	return ""
}

// AddressIn returns the first IP address that a text names, or "": the texts of
// both Chinese platforms about white lists name the caller's.
func AddressIn(text string) string {
	words := strings.FieldsFuncSeq(text, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F' || r == '.' || r == ':')
	})
	for word := range words {
		if a, err := netip.ParseAddr(strings.TrimRight(word, ".:")); err == nil {
			return a.String()
		}
	}
	return ""
}
