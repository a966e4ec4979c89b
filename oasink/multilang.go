package oasink

import (
	"slices"
	"strings"
)

// E9 keeps a name that was entered in several languages (多语言) in one column:
//
//	`~`~`7 张三`~`8 Zhang San`~`~`
//
// One mark opens and closes the group, a shorter one parts its wordings, each of which
// begins with the number of its language and a space. The OA shows the one of the
// reader's language.
const (
	groupMark   = "`~`~`"
	wordingMark = "`~`"
)

// The languages of e-cology.
const (
	simplifiedChinese  = "7"
	english            = "8"
	traditionalChinese = "9"
)

// A wording is a name in one language.
type wording struct{ language, text string }

// displayName is the name as a Chinese reader sees it: of several languages the
// simplified Chinese wording, else the traditional, the English, any. What is not in the
// OA's form for several languages, or in a broken one, is handed back as it is.
func displayName(stored string) string {
	return nameIn(stored, simplifiedChinese)
}

// nameForms are all names that the stored one stands for, the displayed one first.
func nameForms(stored string) []string {
	forms := []string{displayName(stored)}
	for _, part := range nameParts(stored) {
		for _, w := range part.wordings {
			if form := nameIn(stored, w.language); !slices.Contains(forms, form) {
				forms = append(forms, form)
			}
		}
	}
	return forms
}

// nameIn is the name in a language, as far as it is worded in it.
func nameIn(stored, language string) string {
	parts := nameParts(stored)
	if parts == nil {
		return stored
	}
	var name strings.Builder
	for _, part := range parts {
		name.WriteString(part.before)
		name.WriteString(worded(part.wordings, language))
	}
	return trim(name.String())
}

// worded picks the wording of a language, or the nearest there is.
func worded(wordings []wording, language string) string {
	for _, wanted := range [...]string{language, simplifiedChinese, traditionalChinese, english} {
		for _, w := range wordings {
			if w.language == wanted && w.text != "" {
				return w.text
			}
		}
	}
	for _, w := range wordings {
		if w.text != "" {
			return w.text
		}
	}
	return ""
}

// A namePart is a piece of plain text and the group of wordings after it.
type namePart struct {
	before   string
	wordings []wording
}

// nameParts takes a stored name apart; nil where there is nothing to take apart, or a
// group is broken.
func nameParts(stored string) []namePart {
	var parts []namePart
	for {
		before, rest, found := strings.Cut(stored, groupMark)
		if !found {
			if parts == nil {
				return nil
			}
			return append(parts, namePart{before: stored})
		}
		group, after, closed := strings.Cut(rest, groupMark)
		if !closed {
			return nil
		}
		wordings := wordingsOf(group)
		if wordings == nil {
			return nil
		}
		parts = append(parts, namePart{before, wordings})
		stored = after
	}
}

// wordingsOf reads what stands between a group's marks; nil where it is broken.
func wordingsOf(group string) []wording {
	var all []wording
	for one := range strings.SplitSeq(group, wordingMark) {
		language, text, found := strings.Cut(one, " ")
		if !found || language == "" || !onlyDigits(language) {
			return nil
		}
		all = append(all, wording{language, trim(text)})
	}
	return all
}
