package dingtalktest

import (
	"slices"
	"strconv"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// department reads dept_id and looks it up. limited calls answer only for what
// the application may see. The caller holds the company's lock.
func (s *Server) department(c *fake.Call, f fake.Fields, limited bool) (int64, fake.Answer, bool) {
	id, ok := f.Integer("dept_id")
	if !ok {
		if f.Has("dept_id") {
			return 0, s.refuse(c, problem{40009, "不合法的部门id", false}), false
		}
		id = RootDepartment
	}
	if _, ok := s.company.departments[id]; !ok {
		return 0, s.refuse(c, problem{60003, "部门不存在", false}), false
	}
	if limited && !s.sees(id) {
		return 0, s.refuse(c, problem{50004, "请求的部门id不在授权范围内", false}), false
	}
	return id, fake.Answer{}, true
}

// inDepartment reads a body of {"dept_id":N} and has the answer's result written.
func (s *Server) inDepartment(c *fake.Call, limited bool, result func(b []byte, id int64) []byte) fake.Answer {
	f, a, ok := s.decode(c)
	if !ok {
		return a
	}
	if c.Path != PathSubDepartments && !f.Has("dept_id") { // only listsub documents a default
		return s.missingParameter(c, "dept_id")
	}
	s.company.mu.RLock()
	defer s.company.mu.RUnlock()
	id, a, ok := s.department(c, f, limited)
	if !ok {
		return a
	}
	buffer := s.buffers.Get()
	b := append(buffer.Bytes, `{"errcode":0,"errmsg":"ok","result":`...)
	b = result(b, id)
	return buffer.Answer("0", append(s.appendRequestID(b), '}'))
}

func (s *Server) subDepartments(c *fake.Call) fake.Answer {
	return s.inDepartment(c, true, func(b []byte, id int64) []byte {
		b = append(b, '[')
		for i, child := range s.company.tree.Children(id) {
			d := s.company.departments[child]
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"auto_add_user":false,"create_dept_group":false,"dept_id":`...)
			b = strconv.AppendInt(b, d.ID, 10)
			b = append(b, `,"name":`...)
			b = fake.AppendString(b, d.Name)
			b = append(b, `,"parent_id":`...)
			b = strconv.AppendInt(b, d.Parent, 10)
			b = append(b, '}')
		}
		return append(b, ']')
	})
}

func (s *Server) subDepartmentIDs(c *fake.Call) fake.Answer {
	return s.inDepartment(c, false, func(b []byte, id int64) []byte {
		b = append(b, `{"dept_id_list":`...)
		b = fake.AppendInts(b, s.company.tree.Children(id))
		return append(b, '}')
	})
}

func (s *Server) userIDs(c *fake.Call) fake.Answer {
	return s.inDepartment(c, false, func(b []byte, id int64) []byte {
		b = append(b, `{"userid_list":`...)
		b = fake.AppendStrings(b, s.company.members[id])
		return append(b, '}')
	})
}

func (s *Server) usersSimple(c *fake.Call) fake.Answer {
	return s.userPage(c, func(b []byte, u *User) []byte {
		b = fake.AppendString(append(b, `{"userid":`...), u.ID)
		b = fake.AppendString(append(b, `,"name":`...), u.Name)
		return append(b, '}')
	})
}

func (s *Server) usersFull(c *fake.Call) fake.Answer {
	mobile := !s.gate.denied(PermissionMobile)
	return s.userPage(c, func(b []byte, u *User) []byte { return appendUser(b, u, mobile) })
}

// userPage answers a page of the people of one department, without those of the
// departments below it.
func (s *Server) userPage(c *fake.Call, render func([]byte, *User) []byte) fake.Answer {
	f, a, ok := s.decode(c)
	if !ok {
		return a
	}
	if !f.Has("dept_id") {
		return s.missingParameter(c, "dept_id")
	}
	cursor, size, a, ok := s.page(c, f)
	if !ok {
		return a
	}
	s.company.mu.RLock()
	defer s.company.mu.RUnlock()
	id, a, ok := s.department(c, f, true)
	if !ok {
		return a
	}
	members := s.company.members[id]
	rows := cutPage(members, cursor, size)
	buffer := s.buffers.Get()
	b := append(buffer.Bytes, `{"errcode":0,"errmsg":"ok","result":{"has_more":`...)
	if next := cursor + int64(len(rows)); next < int64(len(members)) {
		b = append(b, `true,"next_cursor":`...)
		b = strconv.AppendInt(b, next, 10)
	} else {
		b = append(b, "false"...)
	}
	b = append(b, `,"list":[`...)
	for i, user := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = render(b, s.company.users[user])
	}
	b = append(b, `]}`...)
	return buffer.Answer("0", append(s.appendRequestID(b), '}'))
}

func (s *Server) user(c *fake.Call) fake.Answer {
	f, a, ok := s.decode(c)
	if !ok {
		return a
	}
	id := f.Text("userid")
	if id == "" {
		return s.missingParameter(c, "userid")
	}
	mobile := !s.gate.denied(PermissionMobile)
	s.company.mu.RLock()
	defer s.company.mu.RUnlock()
	u, ok := s.company.users[id]
	switch {
	case !ok:
		return s.refuse(c, problem{33012, "无效的USERID", false})
	case !slices.ContainsFunc(u.Departments, s.sees) && !slices.Contains(s.opts.AuthedUsers, u.ID):
		return s.refuse(c, problem{50002, "请求的员工userid不在授权范围内", false})
	}
	b := append([]byte(nil), `{"errcode":0,"errmsg":"ok","result":`...)
	b = appendUser(b, u, mobile)
	return fake.JSON("0", append(s.appendRequestID(b), '}'))
}

func (s *Server) scopes(c *fake.Call) fake.Answer {
	departments := s.opts.AuthedDepartments
	if departments == nil {
		departments = []int64{RootDepartment}
	}
	fields := []string{"userid", "name", "jobnumber", "email", "orgEmail", "active"}
	if !s.gate.denied(PermissionMobile) {
		fields = append(fields, "mobile")
	}
	b := append([]byte(nil), `{"errcode":0,"errmsg":"ok","auth_user_field":`...)
	b = fake.AppendStrings(b, fields)
	b = append(b, `,"auth_org_scopes":{"authed_user":`...)
	b = fake.AppendStrings(b, s.opts.AuthedUsers)
	b = append(b, `,"authed_dept":`...)
	b = fake.AppendInts(b, departments)
	return fake.JSON("0", append(b, "}}"...))
}

func appendUser(b []byte, u *User, mobile bool) []byte {
	b = fake.AppendString(append(b, `{"userid":`...), u.ID)
	b = fake.AppendString(append(b, `,"unionid":`...), "uni-"+u.ID)
	b = fake.AppendString(append(b, `,"name":`...), u.Name)
	b = fake.AppendString(append(b, `,"job_number":`...), u.JobNumber)
	if mobile && u.Mobile != "" {
		b = fake.AppendString(append(b, `,"mobile":`...), u.Mobile)
		if u.StateCode != "" {
			b = fake.AppendString(append(b, `,"state_code":`...), u.StateCode)
		}
	}
	if u.Email != "" {
		b = fake.AppendString(append(b, `,"email":`...), u.Email)
	}
	if u.OrgEmail != "" {
		b = fake.AppendString(append(b, `,"org_email":`...), u.OrgEmail)
	}
	b = fake.AppendInts(append(b, `,"dept_id_list":`...), u.Departments)
	b = strconv.AppendBool(append(b, `,"active":`...), !u.Inactive)
	return append(b, `,"exclusive_account":false}`...)
}
