package fake

import (
	"bytes"
	"cmp"
	"net/http"
	"strconv"
)

// ThroughGateway is the answer as a gateway may pass it on: with a status of its own
// (zero: 203), a byte order mark before the document, and blanks and a comment after it.
func (a Answer) ThroughGateway(status int) Answer {
	a.Status = cmp.Or(status, http.StatusNonAuthoritativeInfo)
	a.Body = slicesOf("\ufeff\r\n", a.Body, "\r\n<!-- passed on by gateway-7 -->\n")
	return a
}

// Unescaped is a document whose control characters stand raw in its texts, as platforms
// were seen to send them in what people type. It is then no JSON.
func Unescaped(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' || i+1 == len(body) {
			out = append(out, body[i])
			continue
		}
		if raw, size := rawControl(body[i:]); size > 0 {
			out = append(out, raw)
			i += size - 1
			continue
		}
		out = append(out, body[i], body[i+1]) // an escaped backslash hides what follows it
		i++
	}
	return out
}

// rawControl decodes the escape of a control character that b begins with.
func rawControl(b []byte) (raw byte, size int) {
	if len(b) < 6 || b[1] != 'u' {
		return 0, 0
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil || n >= ' ' {
		return 0, 0
	}
	return byte(n), 6
}

// Garbled is a document in which a quote is too much behind the first value of a key,
// so that nobody can tell where the texts after it begin and end. One without that
// value is left as it is.
func Garbled(body []byte, key, value string) []byte {
	mark := append(AppendString(nil, key), ':')
	mark = AppendString(mark, value)
	before, after, found := bytes.Cut(body, mark)
	if !found {
		return body
	}
	return slicesOf(string(before)+string(mark), []byte(`"`), string(after))
}

func slicesOf(before string, body []byte, after string) []byte {
	return append(append([]byte(before), body...), after...)
}
