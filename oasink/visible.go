// This file knows which characters of an account or a number nobody sees.

package oasink

import (
	"strings"
	"unicode"
)

// visible is a text without what cannot be seen: control characters, zero-width ones and
// marks of writing direction, byte-order marks, and blanks other than the plain one (the
// no-break space, the ideographic one). Tables and chats leave them at or in copied
// accounts and staff numbers; those of the platforms have none.
func visible(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r >= ' ' && r <= '~':
			return r
		case unicode.In(r, unicode.Cf, unicode.Cc, unicode.Z, unicode.Variation_Selector):
			return -1
		default:
			return r
		}
	}, s))
}

// narrow is what is visible, with the letters and digits that a Chinese keyboard makes twice
// as wide as the usual ones.
func narrow(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, visible(s))
}
