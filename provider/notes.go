package provider

import (
	"slices"

	"github.com/punchbridge/punchbridge/attendance"
)

// notesAtMost is how many warnings of one code are kept of an answer.
const notesAtMost = 20

// Notes gathers what is odd about an answer, for its Warnings: each thing once, and
// twenty of one code at most. The zero value is empty. It is not safe for concurrent use.
type Notes []attendance.Warning

// Add takes a note.
func (n *Notes) Add(w attendance.Warning) {
	alike := 0
	for _, other := range *n {
		if other == w {
			return
		}
		if other.Code == w.Code {
			alike++
		}
	}
	if alike < notesAtMost {
		*n = append(*n, w)
	}
}

// LeftOut notes a record that is left out because nobody can tell what it is, or whose, and
// returns why for people: one of the values that it is recognised by is [Spoilt], for
// example. values are names and values that tell which record it is.
func (n *Notes) LeftOut(platform attendance.Text, why string, values ...string) (detail string) {
	n.Add(attendance.Warningf("unreadable_record", "%s返回的一条记录无法辨认，未写入；请在%s后台核对后手工补录 / %s sent a record that cannot be recognised; it was left out, so look it up there and enter it by hand: %s",
		platform.ZH, platform.ZH, platform.EN, OneLine(why+which(values))))
	return OneLine(why)
}

// NoName says of a value that it is [Spoilt].
func NoName(field string) string { return field + " holds a character that no such value has" }

// Twice says of a value that it stands in a record twice and says two things.
func Twice(field string) string { return field + " stands there twice, with different values" }

// which tells which record is meant.
func which(values []string) (text string) {
	for pair := range slices.Chunk(values, 2) {
		if len(pair) == 2 && pair[1] != "" {
			text += ", " + pair[0] + " " + pair[1]
		}
	}
	return text
}
