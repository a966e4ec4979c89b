package oasink

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sizes in bytes that fit every e-cology table known; a column that declares less
// gets less, one that declares more does not get more.
const (
	maxCoordinate    = 50
	maxAddress       = 1000
	maxMobileAddress = 500
	maxRemark        = 1000
)

// clean makes s storable: without NUL, which no database takes in a text, and
// valid UTF-8.
func clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// cut shortens s to at most size bytes (or characters) at a character's boundary.
// size 0 is no limit.
func cut(s string, size int, bytes bool) string {
	if size <= 0 || len(s) <= size {
		return s
	}
	if !bytes {
		n := 0
		for i := range s {
			if n == size {
				return s[:i]
			}
			n++
		}
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size]
}

// withinBMP replaces what lies above U+FFFF, such as emoji.
func withinBMP(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 0xFFFF {
			return utf8.RuneError
		}
		return r
	}, s)
}

// fitting is clean text for a column, no longer than the column and most bytes
// allow, and whether something was cut off.
func fitting(s string, c column, most int) (fit string, shortened bool) {
	s = clean(s)
	fit = cut(s, most, true)
	if c.kind == text {
		fit = c.cut(fit)
	}
	return fit, len(fit) < len(s)
}

// coordinate is degrees as text, and whether they are a place on earth.
func coordinate(degrees float64) (string, bool) {
	if math.IsNaN(degrees) || math.IsInf(degrees, 0) || math.Abs(degrees) > 360 {
		return "", false
	}
	return strconv.FormatFloat(degrees, 'f', -1, 64), true
}
