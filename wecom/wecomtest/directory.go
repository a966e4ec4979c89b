package wecomtest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// maxIDs is the documented largest page of user/list_id. A call without a limit
// gets it; what it gets on the platform is not known.
const maxIDs = 10000

// userIDs is POST /cgi-bin/user/list_id: one row a person and department, for
// 通讯录同步 only.
func (s *Server) userIDs(c *fake.Call, _ application) fake.Answer {
	f, code := decode(c)
	if code != 0 {
		return s.refuse(c, code)
	}
	limit, okLimit := f.Integer("limit")
	if !f.Has("limit") {
		limit, okLimit = maxIDs, true
	}
	from, okCursor := readCursor(f)
	if !okLimit || limit < 1 || limit > maxIDs || !okCursor {
		return s.refuse(c, codeBadParameter)
	}
	s.company.mu.RLock()
	defer s.company.mu.RUnlock()
	buffer, b := s.begin()
	b = append(b, `,"dept_user":[`...)
	row, next := int64(0), ""
rows:
	for _, key := range s.company.order {
		u := s.company.users[key]
		for _, d := range u.Departments {
			row++
			if row <= from {
				continue
			}
			if row > from+limit {
				next = cursor(row - 1)
				break rows
			}
			if row > from+1 {
				b = append(b, ',')
			}
			b = fake.AppendString(append(b, `{"userid":`...), u.ID)
			b = strconv.AppendInt(append(b, `,"department":`...), d, 10)
			b = append(b, '}')
		}
	}
	b = fake.AppendString(append(b, `],"next_cursor":`...), next)
	return s.success(buffer, append(b, '}'))
}

// cursor names the row after which a page begins.
func cursor(row int64) string { return fmt.Sprintf("cursor-%08d", row) }

// readCursor takes what cursor gave. Absent or empty is the beginning.
func readCursor(f fake.Fields) (row int64, ok bool) {
	value := f.Text("cursor")
	if value == "" {
		return 0, !f.Has("cursor") || string(f["cursor"]) == `""`
	}
	digits, _ := strings.CutPrefix(value, "cursor-")
	row, err := strconv.ParseInt(digits, 10, 64)
	return row, err == nil && row > 0 && cursor(row) == value
}

// departments is GET /cgi-bin/department/simplelist: a department and all below
// it, or without an id all that the application may see.
func (s *Server) departments(c *fake.Call, caller application) fake.Answer {
	s.company.mu.RLock()
	defer s.company.mu.RUnlock()
	wanted := func(id int64) bool { return s.company.lists(caller, id) }
	if c.Query.Has("id") {
		top, code := s.department(c, caller, "id")
		if code != 0 {
			return s.refuse(c, code)
		}
		wanted = func(id int64) bool { return s.company.tree.Within(id, []int64{top}) }
	}
	buffer, b := s.begin()
	b = append(b, `,"department_id":[`...)
	rows := 0
	for i, d := range s.company.departments {
		if !wanted(d.ID) {
			continue
		}
		if rows++; rows > 1 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"id":`...), d.ID, 10)
		b = strconv.AppendInt(append(b, `,"parentid":`...), d.Parent, 10)
		b = strconv.AppendInt(append(b, `,"order":`...), int64(i+1), 10)
		b = append(b, '}')
	}
	return s.success(buffer, append(b, `]}`...))
}

// department reads a department's id from the query and looks it up. The caller
// holds the company's lock.
func (s *Server) department(c *fake.Call, caller application, parameter string) (id int64, code int) {
	text := c.Query.Get(parameter)
	if text == "" {
		return 0, codeUnread
	}
	id, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, codeBadParameter
	case s.company.index(id) < 0:
		return 0, codeNoDepartment
	case !s.company.seesDepartment(caller, id):
		return 0, codeNoPrivilege
	}
	return id, 0
}

// usersSimple is GET /cgi-bin/user/simplelist: the people of one department,
// without those of the departments below it (fetch_child is of older pages, and
// ignored).
func (s *Server) usersSimple(c *fake.Call, caller application) fake.Answer {
	return s.people(c, caller, func(b []byte, u *User) []byte {
		b = fake.AppendString(append(b, `"userid":`...), u.ID)
		b = fake.AppendString(append(b, `,"name":`...), u.Name)
		return fake.AppendInts(append(b, `,"department":`...), u.Departments)
	})
}

// usersFull is GET /cgi-bin/user/list. No page of it was seen; by its name in
// older lists it answers what user/get does, per department.
func (s *Server) usersFull(c *fake.Call, caller application) fake.Answer {
	return s.people(c, caller, s.appendUser)
}

func (s *Server) people(c *fake.Call, caller application, render func([]byte, *User) []byte) fake.Answer {
	s.company.mu.RLock()
	defer s.company.mu.RUnlock()
	id, code := s.department(c, caller, "department_id")
	if code != 0 {
		return s.refuse(c, code)
	}
	buffer, b := s.begin()
	b = append(b, `,"userlist":[`...)
	for i, key := range s.company.members[id] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(render(append(b, '{'), s.company.users[key]), '}')
	}
	return s.success(buffer, append(b, `]}`...))
}

// user is GET /cgi-bin/user/get.
func (s *Server) user(c *fake.Call, caller application) fake.Answer {
	id := c.Query.Get("userid")
	if id == "" {
		return s.refuse(c, codeUnread)
	}
	s.company.mu.RLock()
	defer s.company.mu.RUnlock()
	u, ok := s.company.users[fold(id)]
	switch {
	case !ok:
		return s.refuse(c, codeNoUser)
	case !s.company.seesUser(caller, u):
		return s.refuse(c, codeNoPrivilege)
	}
	buffer, b := s.begin()
	b = s.appendUser(append(b, ','), u)
	return s.success(buffer, append(b, '}'))
}

// appendUser writes the members of a person, in the order of the samples. What
// depends on the private data of a person is left out where it is withheld.
func (s *Server) appendUser(b []byte, u *User) []byte {
	b = fake.AppendString(append(b, `"userid":`...), u.ID)
	b = fake.AppendString(append(b, `,"name":`...), u.Name)
	b = fake.AppendInts(append(b, `,"department":`...), u.Departments)
	b = fake.AppendInts(append(b, `,"order":`...), make([]int64, len(u.Departments)))
	b = append(b, `,"position":""`...)
	if !s.opts.WithholdPrivate {
		b = fake.AppendString(append(b, `,"mobile":`...), u.Mobile)
		b = fake.AppendString(append(b, `,"gender":"0","email":`...), u.Email)
		b = fake.AppendString(append(b, `,"biz_mail":`...), u.BizMail)
	}
	b = fake.AppendInts(append(b, `,"is_leader_in_dept":`...), make([]int64, len(u.Departments)))
	b = fake.AppendString(append(b, `,"direct_leader":[],"telephone":"","alias":`...), u.Alias)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(u.Status), 10)
	b = strconv.AppendInt(append(b, `,"main_department":`...), u.Departments[0], 10)
	b = append(b, `,"extattr":{"attrs":[`...)
	if u.JobNumber != "" {
		b = fake.AppendString(append(b, `{"type":0,"name":"工号","text":{"value":`...), u.JobNumber)
		b = append(b, `}}`...)
	}
	return append(b, `]}`...)
}
