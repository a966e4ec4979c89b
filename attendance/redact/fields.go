package redact

import (
	"strconv"
	"strings"
)

// Fields returns text, which may be JSON, half of it, a query or prose, with what
// stands there under a secret's name blanked: after access_token, accessToken,
// suite_access_token, secret, password, ticket and their like, in any case, escaped
// or not, and the name and password of any address (scheme://user:password@host).
func Fields(text string) string {
	clean, _ := FieldValues(text)
	return clean
}

// FieldValues is [Fields]; it also returns the values that it has blanked, so that
// they can be blanked elsewhere too. Short ones are not among them.
func FieldValues(text string) (clean string, values []string) {
	var b strings.Builder
	done := 0
	for i := 0; i < len(text); {
		if !startsWord(text, i) {
			i++
			continue
		}
		name, end := word(text, i)
		i = end
		if !IsSecretName(name) {
			continue
		}
		from, to := valueAfter(text, end)
		if from == to || isProse(name, text[end:from], text[from:to]) {
			continue
		}
		b.WriteString(text[done:from])
		b.WriteString(Blank)
		if value := text[from:to]; len(value) >= ShortestPiece {
			values = append(values, value)
		}
		done, i = to, to
	}
	b.WriteString(text[done:])
	return Userinfo(b.String()), values
}

// IsSecretName reports whether a field of that name holds a secret.
func IsSecretName(name string) bool {
	name = strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(name))
	for _, part := range [...]string{"token", "secret", "password", "passwd", "pwd", "ticket", "credential", "authorization", "apikey", "accesskey", "privatekey", "sessionkey", "cookie"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// isProse reports whether a sentence goes on after "the token: " or "the secret: " and
// no value follows: one would have digits or be long.
func isProse(name, between, value string) bool {
	switch strings.ToLower(name) {
	case "token", "tokens", "secret", "secrets", "ticket", "tickets", "credential", "credentials", "cookie", "cookies":
		return between != "" && strings.Trim(between, ": ") == "" && strings.HasSuffix(between, " ") && len(value) < 12 && !strings.ContainsAny(value, "0123456789")
	}
	return false
}

func startsWord(text string, i int) bool {
	_, _, ok := letter(text, i)
	return ok
}

// word reads the name that begins at i, JSON's \u escapes undone.
func word(text string, i int) (name string, end int) {
	var b strings.Builder
	for i < len(text) {
		c, n, ok := letter(text, i)
		if !ok {
			break
		}
		b.WriteByte(c)
		i += n
	}
	return b.String(), i
}

// letter is the character of a name at i, and how many bytes it takes.
func letter(text string, i int) (c byte, size int, ok bool) {
	c, size = text[i], 1
	if c == '\\' { // \u005f, with as many backslashes as documents stand in each other
		for i+size < len(text) && text[i+size] == '\\' {
			size++
		}
		if i+size+5 > len(text) || text[i+size] != 'u' {
			return 0, 0, false
		}
		n, err := strconv.ParseUint(text[i+size+1:i+size+5], 16, 16)
		if err != nil || n >= 0x80 {
			return 0, 0, false
		}
		c, size = byte(n), size+5
	}
	ok = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
	return c, size, ok
}

// quote returns how many bytes a quotation mark at i takes, backslashes before it and
// HTML's spelling included; 0 for none.
func quote(text string, i int) (size int, mark string) {
	for i+size < len(text) && text[i+size] == '\\' {
		size++
	}
	for _, mark := range [...]string{`"`, `'`, "`", "&quot;", "&#34;", "%22"} {
		if strings.HasPrefix(text[i+size:], mark) {
			return size + len(mark), mark
		}
	}
	return 0, ""
}

// valueAfter finds the value that belongs to the name that ends at i: from == to when
// none follows. What is cut off is a value up to the end.
func valueAfter(text string, i int) (from, to int) {
	size, _ := quote(text, i)
	i = blanks(text, i+size)
	switch {
	case i >= len(text):
		return i, i
	case text[i] == ':' || text[i] == '=':
		i++
	case strings.HasPrefix(strings.ToLower(text[i:]), "%3d") || strings.HasPrefix(strings.ToLower(text[i:]), "%3a"):
		i += 3
	default:
		return i, i
	}
	if i < len(text) && (text[i] == '>' || text[i] == '=') { // => and ==
		i++
	}
	i = blanks(text, i)
	if i >= len(text) {
		return i, i
	}
	if size, mark := quote(text, i); size > 0 {
		return i + size, closing(text, i+size, size-len(mark), mark)
	}
	if text[i] == '{' || text[i] == '[' {
		return i, container(text, i)
	}
	return i, bare(text, i)
}

func blanks(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n') {
		i++
	}
	return i
}

// closing is where the quoted value ends whose opening mark had so many backslashes:
// at the next mark that has no more of them.
func closing(text string, i, slashes int, mark string) int {
	for {
		at := strings.Index(text[i:], mark)
		if at < 0 {
			return len(text)
		}
		at += i
		before := len(text[i:at]) - len(strings.TrimRight(text[i:at], `\`))
		if before <= slashes || slashes == 0 && before%2 == 0 {
			return at - min(before, slashes)
		}
		i = at + len(mark)
	}
}

// container is where the object or array that begins at i ends.
func container(text string, i int) int {
	depth, inside := 0, false
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case inside && c == '\\':
			i++
		case c == '"':
			inside = !inside
		case inside:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// bare is where the value without quotation marks that begins at i ends.
func bare(text string, i int) int {
	end := len(text)
	if n := strings.IndexAny(text[i:], ",;&}])<>\"' \t\r\n"); n >= 0 {
		end = i + n
	}
	switch strings.ToLower(text[i:end]) {
	case "null", "true", "false":
		return i
	case "bearer", "basic": // the secret is the next word
		if next := blanks(text, end); next < len(text) && next > end {
			return bare(text, next)
		}
	}
	return end
}

// Userinfo blanks the name and password of every address scheme://user:password@host
// in a text; proxies and databases have some. The password may hold any character
// but a blank and a quotation mark.
func Userinfo(text string) string {
	for from := 0; ; {
		i := strings.Index(text[from:], "://")
		if i < 0 {
			return text
		}
		from += i + len("://")
		end := strings.IndexAny(text[from:], " \t\r\n\"'`<>")
		if end < 0 {
			end = len(text) - from
		}
		host := from
		if next := strings.Index(text[from:from+end], "://"); next >= 0 {
			end = next
		}
		at := strings.LastIndexByte(text[host:host+end], '@')
		if at < 0 {
			continue
		}
		if colon := strings.IndexAny(text[host:host+at], "?#"); colon >= 0 && !strings.Contains(text[host:host+colon], ":") {
			continue // an @ inside a query, and no password before it
		}
		text = text[:host] + Blank + text[host+at:]
		from = host + len(Blank)
	}
}
