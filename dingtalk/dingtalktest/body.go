package dingtalktest

import (
	"encoding/json"
	"mime"
)

// fields are the members of a JSON body, by their exact names: encoding/json
// alone would take a name in any case, and so hide a misspelt one.
type fields map[string]json.RawMessage

func decodeJSON(c *call) (fields, bool) {
	kind, _, err := mime.ParseMediaType(c.header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, false
	}
	var f fields
	err = json.Unmarshal(c.body, &f)
	return f, err == nil && f != nil
}

// decode reads a JSON body; false means that the answer is the refusal.
func (s *Server) decode(c *call) (fields, answer, bool) {
	f, ok := decodeJSON(c)
	if !ok {
		return nil, s.refuse(c, problem{43009, "需要POST JSON数据包，请检查Content-Type与包体", false}), false
	}
	return f, answer{}, true
}

// has reports whether the field is there and not null.
func (f fields) has(name string) bool { return len(f[name]) > 0 && string(f[name]) != "null" }

// integer reads a JSON number without a fraction.
func (f fields) integer(name string) (n int64, ok bool) {
	return n, f.has(name) && json.Unmarshal(f[name], &n) == nil
}

// text reads a JSON string; anything else is "".
func (f fields) text(name string) (text string) {
	if json.Unmarshal(f[name], &text) != nil {
		return ""
	}
	return text
}

// texts reads an array of strings.
func (f fields) texts(name string) (list []string, ok bool) {
	return list, f.has(name) && json.Unmarshal(f[name], &list) == nil
}

// flag reads a bool or, as the documentation's own samples also send it, the
// string of one; absent is false.
func (f fields) flag(name string) (value, ok bool) {
	switch string(f[name]) {
	case "true", `"true"`:
		return true, true
	case "", "null", "false", `"false"`:
		return false, true
	default:
		return false, false
	}
}

// missing returns the first of the names that is not there.
func (f fields) missing(names ...string) string {
	for _, name := range names {
		if !f.has(name) {
			return name
		}
	}
	return ""
}

func (s *Server) missingParameter(c *call, name string) answer {
	return s.refuse(c, problem{40035, "缺少参数 " + name, false})
}

func (s *Server) badParameter(c *call, text string) answer {
	return s.refuse(c, problem{400002, text, false})
}

// maxPage is the largest page: documented for user/listsimple and for field
// check-ins; for v2/user/list no number is documented and its sibling's is taken.
const maxPage = 100

// page reads cursor and size.
func (s *Server) page(c *call, f fields) (cursor, size int64, a answer, ok bool) {
	if name := f.missing("cursor", "size"); name != "" {
		return 0, 0, s.missingParameter(c, name), false
	}
	cursor, okCursor := f.integer("cursor")
	size, okSize := f.integer("size")
	switch {
	case !okCursor || cursor < 0:
		return 0, 0, s.badOffset(c), false
	case !okSize || size < 1 || size > maxPage:
		return 0, 0, s.badSize(c), false
	}
	return cursor, size, answer{}, true
}

func (s *Server) badOffset(c *call) answer {
	return s.refuse(c, problem{40068, "不合法的偏移量", false})
}

func (s *Server) badSize(c *call) answer {
	return s.refuse(c, problem{40069, "不合法的分页大小", false})
}

// cutPage returns one page of rows.
func cutPage[T any](rows []T, offset, size int64) []T {
	from := min(offset, int64(len(rows)))
	return rows[from:min(from+size, int64(len(rows)))]
}
