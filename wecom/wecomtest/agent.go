package wecomtest

import (
	"slices"
	"strconv"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// agent is GET /cgi-bin/agent/get: what an application may see (可见范围). It may ask for
// itself only; that another's AgentId is answered with 301002 is the fake's.
func (s *Server) agent(c *fake.Call, _ application) fake.Answer {
	switch id := c.Query.Get("agentid"); {
	case id == "":
		return s.refuse(c, codeUnread)
	case id != s.opts.AgentID:
		return s.refuse(c, codeOtherAgent)
	}
	departments := s.opts.VisibleDepartments
	if departments == nil {
		departments = []int64{RootDepartment}
	}
	tags := make([]int64, len(s.opts.VisibleTags))
	for i, t := range s.opts.VisibleTags {
		tags[i] = t.ID
	}
	buffer, b := s.begin()
	b = append(append(b, `,"agentid":`...), s.opts.AgentID...)
	b = append(b, `,"name":"打卡","square_logo_url":"","description":"","allow_userinfos":{"user":[`...)
	b = appendUserIDs(b, s.opts.VisibleUsers)
	b = fake.AppendInts(append(b, `]},"allow_partys":{"partyid":`...), departments)
	b = fake.AppendInts(append(b, `},"allow_tags":{"tagid":`...), tags)
	b = append(b, `},"close":0,"redirect_domain":"","report_location_flag":0,"isreportenter":0,"home_url":""}`...)
	return s.success(buffer, b)
}

func appendUserIDs(b []byte, ids []string) []byte {
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(fake.AppendString(append(b, `{"userid":`...), id), '}')
	}
	return b
}

// tag is GET /cgi-bin/tag/get: the people of a tag whom the caller may see, and the tag's
// departments. The code of a tag that is not there is the fake's.
func (s *Server) tag(c *fake.Call, caller application) fake.Answer {
	text := c.Query.Get("tagid")
	if text == "" {
		return s.refuse(c, codeUnread)
	}
	id, err := strconv.ParseInt(text, 10, 64)
	at := slices.IndexFunc(s.opts.VisibleTags, func(t Tag) bool { return t.ID == id })
	if err != nil || at < 0 {
		return s.refuse(c, codeNoTag)
	}
	t := s.opts.VisibleTags[at]
	s.company.mu.RLock()
	defer s.company.mu.RUnlock()
	buffer, b := s.begin()
	b = append(b, `,"tagname":"测试标签","userlist":[`...)
	rows := 0
	for _, user := range t.Users {
		u, ok := s.company.users[fold(user)]
		if !ok || !s.company.seesUser(caller, u) {
			continue
		}
		if rows++; rows > 1 {
			b = append(b, ',')
		}
		b = fake.AppendString(append(b, `{"userid":`...), u.ID)
		b = append(fake.AppendString(append(b, `,"name":`...), u.Name), '}')
	}
	b = fake.AppendInts(append(b, `],"partylist":`...), t.Departments)
	return s.success(buffer, append(b, '}'))
}
