// This file says which mobile numbers are the same one.

package oasink

import (
	"strings"
	"unicode"
)

// normalMobile is the form in which mobile numbers are compared: a number of mainland
// China without its country code, any other with + and its code, digits only.
//
// A number without a country code is one of mainland China, or nobody knows of where: it
// is never taken for one of another place. Without + or 00 only those codes are seen that
// no number of mainland China can begin with at that length: its mobile numbers have
// eleven digits, the first of which is 1.
func normalMobile(s string) string {
	number := strings.Map(dialled, s)
	rest, plus := strings.CutPrefix(number, "+")
	rest, zeros := strings.CutPrefix(rest, "00")
	// No country code begins with a zero.
	if abroad := plus || zeros && len(rest) >= shortestAbroad; abroad && onlyDigits(rest) && !strings.HasPrefix(rest, "0") {
		return international(rest)
	}
	if rest, ok := strings.CutPrefix(number, "86"); ok && isMainland(rest) || isNeighbour(number) {
		return international(number)
	}
	return number
}

// shortestAbroad is how many digits, country code included, are taken for a number after 00.
const shortestAbroad = 8

// dialled drops what people put between digits, and what cannot be seen.
func dialled(r rune) rune {
	switch {
	case r >= '０' && r <= '９':
		return r - '０' + '0'
	case r == '＋':
		return '+'
	case unicode.In(r, unicode.Pd, unicode.Z, unicode.Cf, unicode.Cc) || strings.ContainsRune("().（）−", r):
		return -1
	default:
		return r
	}
}

// international is a number that begins with a country code, or is of mainland China.
func international(digits string) string {
	if rest, ok := strings.CutPrefix(digits, "86"); ok && isMainland(rest) {
		return rest
	}
	// Taiwan's numbers have a 0 in front that is not dialled from abroad.
	if rest, ok := strings.CutPrefix(digits, "8860"); ok && isNeighbour("886"+rest) {
		digits = "886" + rest
	}
	return "+" + digits
}

// isMainland reports whether digits are a mobile number of mainland China.
func isMainland(digits string) bool {
	return len(digits) == 11 && digits[0] == '1' && onlyDigits(digits)
}

// isNeighbour reports whether digits are the country code of Hong Kong or Macau and a
// number of eight digits, or that of Taiwan and a mobile number.
func isNeighbour(digits string) bool {
	switch {
	case !onlyDigits(digits):
		return false
	case strings.HasPrefix(digits, "852"), strings.HasPrefix(digits, "853"):
		return len(digits) == 3+8
	default:
		return strings.HasPrefix(digits, "8869") && len(digits) == 3+9 || strings.HasPrefix(digits, "88609") && len(digits) == 3+10
	}
}

// notPlain reports whether a value that ought to be a mobile number is an encrypted or
// a masked one: with asterisks, or long and with letters of a code.
func notPlain(s string) bool {
	s = strings.TrimSpace(s)
	if strings.Contains(s, "**") {
		return true
	}
	letters := strings.ContainsFunc(s, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
	return letters && len(s) >= encryptedLength
}

// encryptedLength is the length of the shortest text that a cipher of blocks makes of a
// mobile number: sixteen bytes, as Base64.
const encryptedLength = 22

func onlyDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}
