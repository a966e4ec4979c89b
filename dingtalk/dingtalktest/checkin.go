package dingtalktest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// Limits of the two calls for field check-ins.
const (
	maxDepartmentUsers = 1000
	maxDepartmentSpan  = 45 * 24 * time.Hour
	maxCheckInUsers    = 10
	maxOneUserSpan     = 10 * 24 * time.Hour
	maxManyUsersSpan   = 24 * time.Hour
)

// checkInDepartment is GET /checkin/record. The documentation says that it fails
// when the department has more than 1000 people, not with which code.
func (s *Server) checkInDepartment(c *fake.Call) fake.Answer {
	q := c.Query
	for _, name := range []string{"department_id", "start_time", "end_time"} {
		if q.Get(name) == "" {
			return s.missingParameter(c, name)
		}
	}
	department, err := strconv.ParseInt(q.Get("department_id"), 10, 64)
	if err != nil {
		return s.refuse(c, problem{40009, "不合法的部门id", false})
	}
	from, errFrom := strconv.ParseInt(q.Get("start_time"), 10, 64)
	to, errTo := strconv.ParseInt(q.Get("end_time"), 10, 64)
	order := q.Get("order")
	switch {
	case errFrom != nil || errTo != nil || to < from:
		return s.badParameter(c, "start_time or end_time")
	case to-from > maxDepartmentSpan.Milliseconds():
		return s.badParameter(c, "时间跨度不能超过45天")
	case order != "" && order != "asc" && order != "desc":
		return s.badParameter(c, "order")
	}
	offset, size := int64(0), int64(-1)
	if q.Get("offset") != "" {
		if offset, err = strconv.ParseInt(q.Get("offset"), 10, 64); err != nil || offset < 0 {
			return s.badOffset(c)
		}
	}
	if q.Get("size") != "" {
		if size, err = strconv.ParseInt(q.Get("size"), 10, 64); err != nil || size < 1 || size > maxPage {
			return s.badSize(c)
		}
	}

	s.company.mu.RLock()
	_, exists := s.company.departments[department]
	people := s.company.everyone(department)
	names := make(map[string]string, len(people))
	for _, id := range people {
		names[id] = s.company.users[id].Name
	}
	s.company.mu.RUnlock()
	switch {
	case !exists:
		return s.refuse(c, problem{60003, "部门不存在", false})
	case len(people) > maxDepartmentUsers:
		return s.badParameter(c, "部门及子部门人数不能超过1000")
	}

	rows := s.checkIns(people, timeRange{from, to, s.opts.ExclusiveTo})
	slices.SortStableFunc(rows, func(a, b CheckIn) int { return a.Time.Compare(b.Time) })
	if order == "desc" {
		slices.Reverse(rows)
	}
	if q.Get("offset") != "" && q.Get("size") != "" { // paging works only with both
		rows = cutPage(rows, offset, size)
	}
	buffer := s.buffers.Get()
	b := append(buffer.Bytes, `{"errcode":0,"errmsg":"ok","data":[`...)
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = fake.AppendString(append(b, `{"name":`...), names[r.UserID])
		b = fake.AppendString(append(b, `,"userId":`...), r.UserID)
		b = fake.AppendMillis(append(b, `,"avatar":"","timestamp":`...), r.Time)
		b = fake.AppendString(append(b, `,"place":`...), r.Place)
		b = fake.AppendString(append(b, `,"detailPlace":`...), r.DetailPlace)
		b = fake.AppendString(append(b, `,"remark":`...), r.Remark)
		b = fake.AppendFloat(append(b, `,"imageList":[],"latitude":`...), r.Latitude, false)
		b = fake.AppendFloat(append(b, `,"longitude":`...), r.Longitude, false)
		b = append(b, '}')
	}
	return buffer.Answer("0", append(b, "]}"...))
}

// checkInUsers is POST /topapi/checkin/record/get.
func (s *Server) checkInUsers(c *fake.Call) fake.Answer {
	f, a, ok := s.decode(c)
	if !ok {
		return a
	}
	list := f.Text("userid_list")
	users := strings.Split(list, ",")
	if list == "" || len(users) > maxCheckInUsers {
		return s.refuse(c, problem{40032, "不合法的UserID列表长度", false})
	}
	if name := f.Missing("start_time", "end_time"); name != "" {
		return s.missingParameter(c, name)
	}
	from, okFrom := f.Integer("start_time")
	to, okTo := f.Integer("end_time")
	limit := maxOneUserSpan
	if len(users) > 1 {
		limit = maxManyUsersSpan
	}
	switch {
	case !okFrom || !okTo || to < from:
		return s.badParameter(c, "start_time or end_time")
	case to-from > limit.Milliseconds():
		return s.badParameter(c, "时间跨度过大：单人最多10天，多人最多1天")
	}
	cursor, size, a, ok := s.page(c, f)
	if !ok {
		return a
	}
	slices.Sort(users)
	all := s.checkIns(slices.Compact(users), timeRange{from, to, s.opts.ExclusiveTo})
	rows := cutPage(all, cursor, size)
	buffer := s.buffers.Get()
	b := append(buffer.Bytes, `{"errcode":0,"result":{`...)
	if next := cursor + int64(len(rows)); next < int64(len(all)) {
		b = strconv.AppendInt(append(b, `"next_cursor":`...), next, 10)
		b = append(b, ',')
	}
	b = append(b, `"page_list":[`...)
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = fake.AppendString(append(b, `{"userid":`...), r.UserID)
		b = fake.AppendMillis(append(b, `,"checkin_time":`...), r.Time)
		b = fake.AppendString(append(b, `,"place":`...), r.Place)
		b = fake.AppendString(append(b, `,"detail_place":`...), r.DetailPlace)
		b = fake.AppendFloat(append(b, `,"longitude":`...), r.Longitude, true)
		b = fake.AppendFloat(append(b, `,"latitude":`...), r.Latitude, true)
		b = fake.AppendString(append(b, `,"remark":`...), r.Remark)
		b = append(b, `,"visit_user":"","image_list":[]}`...)
	}
	b = append(b, "]}"...)
	return buffer.Answer("0", append(s.appendRequestID(b), '}'))
}

// checkIns returns the field check-ins of these people, by person and time.
func (s *Server) checkIns(people []string, in timeRange) []CheckIn {
	var rows []CheckIn
	s.records.mu.RLock()
	defer s.records.mu.RUnlock()
	for _, user := range people {
		if !s.mayPunch(user) {
			continue
		}
		for _, r := range s.records.checkIns[user] {
			if in.has(r.Time) {
				rows = append(rows, r)
			}
		}
	}
	return rows
}
