package dingtalktest

import "github.com/punchbridge/punchbridge/provider/fake"

// readJSON reads a JSON body of the right content type.
func readJSON(c *fake.Call) (fake.Fields, bool) {
	if !c.IsJSON() {
		return nil, false
	}
	return c.Fields()
}

// decode reads a JSON body; false means that the answer is the refusal.
func (s *Server) decode(c *fake.Call) (fake.Fields, fake.Answer, bool) {
	f, ok := readJSON(c)
	if !ok {
		return nil, s.refuse(c, problem{43009, "需要POST JSON数据包，请检查Content-Type与包体", false}), false
	}
	return f, fake.Answer{}, true
}

func (s *Server) missingParameter(c *fake.Call, name string) fake.Answer {
	return s.refuse(c, problem{40035, "缺少参数 " + name, false})
}

func (s *Server) badParameter(c *fake.Call, text string) fake.Answer {
	return s.refuse(c, problem{400002, text, false})
}

// maxPage is the largest page: documented for user/listsimple and for field
// check-ins; for v2/user/list no number is documented and its sibling's is taken.
const maxPage = 100

// page reads cursor and size.
func (s *Server) page(c *fake.Call, f fake.Fields) (cursor, size int64, a fake.Answer, ok bool) {
	if name := f.Missing("cursor", "size"); name != "" {
		return 0, 0, s.missingParameter(c, name), false
	}
	cursor, okCursor := f.Integer("cursor")
	size, okSize := f.Integer("size")
	switch {
	case !okCursor || cursor < 0:
		return 0, 0, s.badOffset(c), false
	case !okSize || size < 1 || size > maxPage:
		return 0, 0, s.badSize(c), false
	}
	return cursor, size, fake.Answer{}, true
}

func (s *Server) badOffset(c *fake.Call) fake.Answer {
	return s.refuse(c, problem{40068, "不合法的偏移量", false})
}

func (s *Server) badSize(c *fake.Call) fake.Answer {
	return s.refuse(c, problem{40069, "不合法的分页大小", false})
}

// cutPage returns one page of rows.
func cutPage[T any](rows []T, offset, size int64) []T {
	from := min(offset, int64(len(rows)))
	return rows[from:min(from+size, int64(len(rows)))]
}
