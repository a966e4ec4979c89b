package wecomtest

import (
	"bytes"
	"unicode/utf8"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// decode reads a JSON body. A code other than 0 is the refusal.
func decode(c *fake.Call) (f fake.Fields, code int) {
	if !c.IsJSON() || len(bytes.TrimSpace(c.Body)) == 0 {
		return nil, unread(c.Path)
	}
	f, ok := c.Fields()
	switch {
	case !ok || !utf8.Valid(c.Body):
		return nil, codeBadParameter
	case hasEscapes(c.Body):
		return nil, codeEscapes
	}
	return f, 0
}

// hasEscapes reports whether valid JSON holds a \uXXXX. Backslashes are only in
// strings there.
func hasEscapes(body []byte) bool {
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 {
			return false
		}
		if body[i+1] == 'u' {
			return true
		}
		body = body[i+2:]
	}
}
