package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// shown is how many characters of a foreign answer an error shows.
const shown = 120

// NotJSON returns nil when the body of r is JSON that [Object] and its like may read,
// and else an [attendance.Error] of [attendance.CodeMalformed] that says what came
// instead: the page of a proxy, a login page, half a document. What does not even begin as
// JSON is [attendance.ErrForeign]. It is the first line of most Classify functions.
//
// JSON is more here than what json.Valid takes: what platforms and gateways get wrong
// inside one value, such as a line feed in somebody's note, must not cost everybody
// else's. As long as nobody can doubt where each value begins and ends, there may be
// control characters and unknown escapes in strings, words and numbers of an odd form
// (007, NaN), and a comma after the last value. A value of an odd form is none to [Int]
// and its like.
func NotJSON(r Reply) error {
	if valid(r.Body) || sound(r.Body) {
		return nil
	}
	e := &attendance.Error{Code: attendance.CodeMalformed, Detail: whatCame(r)}
	if text := bytes.TrimSpace(bytes.TrimPrefix(r.Body, []byte("\ufeff"))); len(text) == 0 || text[0] != '{' && text[0] != '[' {
		e.Err = attendance.ErrForeign
	}
	return e
}

func whatCame(r Reply) string {
	if r.Confidential {
		return whatCameUnquoted(r)
	}
	kind := contentType(r.Header)
	text := bytes.TrimSpace(r.Body)
	switch {
	case len(text) == 0:
		return fmt.Sprintf("an empty answer came instead of JSON (HTTP %d, %s)", r.Status, kind)
	case text[0] == '<' || strings.Contains(kind, "html"):
		title := pageTitle(text)
		if title != "" {
			title = ", its title: " + title
		}
		return fmt.Sprintf("an HTML page came instead of JSON (HTTP %d, %s)%s; it begins: %s", r.Status, kind, title, firstLine(text))
	case text[0] == '{' || text[0] == '[':
		at := len(r.Body)
		var raw json.RawMessage
		if e, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(r.Body, &raw)); ok {
			at = int(e.Offset)
		}
		if at >= len(bytes.TrimRight(r.Body, " \t\r\n")) {
			return fmt.Sprintf("half a JSON document came: it ends after %d bytes (HTTP %d, %s), and begins: %s", len(r.Body), r.Status, kind, firstLine(text))
		}
		return fmt.Sprintf("broken JSON came: it makes no sense at byte %d of %d (HTTP %d, %s), and begins: %s", at, len(r.Body), r.Status, kind, firstLine(text))
	default:
		return fmt.Sprintf("something else than JSON came (HTTP %d, %s), it begins: %s", r.Status, kind, firstLine(text))
	}
}

// whatCameUnquoted tells of an answer that holds a token, or half of one.
func whatCameUnquoted(r Reply) string {
	text := bytes.TrimSpace(bytes.TrimPrefix(r.Body, []byte("\ufeff")))
	what := "something else than JSON"
	switch {
	case len(text) == 0:
		what = "an empty answer"
	case len(text) < len(bytes.TrimSpace(r.Body)):
		what = "something that begins with a byte order mark"
	case text[0] == '<':
		what = "an HTML page"
		if title := pageTitle(text); title != "" { // of a proxy or a login page; no token is a title
			what += " with the title " + strconv.Quote(withoutCodes(title))
		}
	case text[0] == '{' || text[0] == '[':
		what = "broken JSON, or half a document"
	}
	return fmt.Sprintf("%s of %d bytes came in place of a token (HTTP %d, %s); it is not quoted, since it may hold a token", what, len(r.Body), r.Status, contentType(r.Header))
}

// withoutCodes blanks every word that may be a token: long, and with a digit in it.
func withoutCodes(title string) string {
	return regexp.MustCompile(`[0-9A-Za-z_.~+/=-]{10,}`).ReplaceAllStringFunc(title, func(word string) string {
		if strings.ContainsAny(word, "0123456789") {
			return blank
		}
		return word
	})
}

// quoteOf is the first line of an answer, if that may be told.
func quoteOf(r Reply) string {
	if r.Confidential {
		return fmt.Sprintf("%d bytes, which are not quoted, since they may hold a token", len(r.Body))
	}
	return firstLine(r.Body)
}

// redirected words an answer that points somewhere else.
func redirected(r Reply) error {
	to := "an unnamed place"
	if u, err := url.Parse(r.Header.Get("Location")); err == nil && (u.Host != "" || u.Path != "") {
		to = redact.Fields((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
	}
	if r.Confidential {
		to = "somewhere else"
	}
	return &attendance.Error{Code: attendance.CodeMalformed,
		Detail: fmt.Sprintf("a redirect to %s came instead of JSON (HTTP %d); it was not followed", printable([]byte(to), shown), r.Status)}
}

func contentType(h http.Header) string {
	value := h.Get("Content-Type")
	if value == "" {
		return "no content type"
	}
	if kind, _, err := mime.ParseMediaType(value); err == nil {
		return kind
	}
	return printable([]byte(value), shown)
}

// pageTitle returns the title of an HTML page, or "".
func pageTitle(page []byte) string {
	page = page[:min(len(page), 16<<10)]
	lower := bytes.ToLower(page) // may differ in length from page only beyond ASCII
	if len(lower) != len(page) {
		lower = page
	}
	_, rest, ok := cutAt(page, lower, "<title")
	if !ok {
		return ""
	}
	if _, rest, ok = bytes.Cut(rest, []byte(">")); !ok {
		return ""
	}
	title, _, _ := bytes.Cut(rest, []byte("<"))
	return printable([]byte(redact.Fields(html.UnescapeString(string(title[:min(len(title), 1024)])))), shown)
}

// cutAt cuts page around mark, which is searched for in lower.
func cutAt(page, lower []byte, mark string) (before, after []byte, found bool) {
	i := bytes.Index(lower, []byte(mark))
	if i < 0 {
		return page, nil, false
	}
	return page[:i], page[i+len(mark):], true
}

// firstLine returns the first line of a text that shows something, shortened, and
// before that without what stands under a secret's name. UTF-16 is not shown: nothing
// would be found in it.
func firstLine(text []byte) string {
	text = bytes.TrimSpace(text)
	if i := bytes.IndexAny(text, "\r\n"); i >= 0 {
		text = text[:i]
	}
	text = text[:min(len(text), quotable)]
	if bytes.Count(text, []byte{0}) > len(text)/4 {
		return "text in UTF-16 or binary data"
	}
	return printable([]byte(redact.Fields(string(text))), shown)
}

// printable returns at most limit characters of text, runs of anything that is
// not printable as one space.
func printable(text []byte, limit int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range string(text[:min(len(text), 8*limit)]) {
		if r == unicode.ReplacementChar || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			space = true
			continue
		}
		if space && n > 0 {
			b.WriteByte(' ')
			n++
		}
		if space = false; n >= limit {
			b.WriteString("...")
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
