package dingtalktest

import (
	"strconv"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// Limits of /attendance/listRecord.
const (
	maxAccounts = 50
	maxSpan     = 7 * 24 * time.Hour
	horizon     = 180 * 24 * time.Hour
)

// listRecord is POST /attendance/listRecord. Its documentation only points to
// the table of all error codes; those used here are the ones reported for it or
// the general ones for bad parameters.
func (s *Server) listRecord(c *fake.Call) fake.Answer {
	f, a, ok := s.decode(c)
	if !ok {
		return a
	}
	users, ok := f.Texts("userIds")
	if !ok || len(users) == 0 || len(users) > maxAccounts {
		return s.refuse(c, problem{40032, "不合法的UserID列表长度", false})
	}
	if name := f.Missing("checkDateFrom", "checkDateTo"); name != "" {
		return s.missingParameter(c, name)
	}
	from, okFrom := s.wallClock(f.Text("checkDateFrom"))
	to, okTo := s.wallClock(f.Text("checkDateTo"))
	overseas, okFlag := f.Flag("isI18n")
	switch {
	case !okFrom || !okTo:
		return s.badParameter(c, "日期格式不正确，应为yyyy-MM-dd HH:mm:ss")
	case to.Before(from):
		return s.badParameter(c, "checkDateTo早于checkDateFrom")
	case to.Sub(from) > maxSpan:
		return s.badParameter(c, "时间跨度不能超过7天")
	case from.Before(c.Now.Add(-horizon).Truncate(time.Second)):
		return s.badParameter(c, "不能查询180天之前的数据")
	case !okFlag:
		return s.badParameter(c, "isI18n应为布尔值")
	}
	if overseas && !s.opts.Overseas {
		users = nil
	}
	buffer := s.buffers.Get()
	b := append(buffer.Bytes, `{"errcode":0,"errmsg":"ok","recordresult":[`...)
	b = s.appendRecords(b, users, timeRange{from.UnixMilli(), to.UnixMilli(), s.opts.ExclusiveTo})
	return buffer.Answer("0", append(b, "]}"...))
}

func (s *Server) appendRecords(b []byte, users []string, in timeRange) []byte {
	seen := make(map[string]bool, len(users))
	rows := 0
	s.records.mu.RLock()
	defer s.records.mu.RUnlock()
	for _, user := range users {
		if seen[user] || !s.mayPunch(user) {
			continue
		}
		seen[user] = true
		more := s.records.each(user, s.isKnown(user), in, func(p *Punch) bool {
			if s.opts.RowCap > 0 && rows == s.opts.RowCap {
				return false
			}
			if rows++; rows > 1 {
				b = append(b, ',')
			}
			b = s.appendPunch(b, p)
			return true
		})
		if !more {
			break
		}
	}
	return b
}

// isKnown reports whether the account is in the contacts, or was.
func (s *Server) isKnown(user string) bool {
	s.company.mu.RLock()
	defer s.company.mu.RUnlock()
	return s.company.users[user] != nil || s.company.left[user]
}

// wallClock reads exactly yyyy-MM-dd HH:mm:ss. The documentation names no zone;
// the platform's own texts and day boundaries are Beijing time.
func (s *Server) wallClock(text string) (time.Time, bool) {
	t, err := time.ParseInLocation(time.DateTime, text, s.zone)
	return t, err == nil && t.Format(time.DateTime) == text
}

// appendPunch writes one record in the order and types of the documentation's
// samples.
func (s *Server) appendPunch(b []byte, p *Punch) []byte {
	start := len(b)
	b = s.appendFields(b, p)
	b, err := fake.Edit(b, start, p.Extra)
	if err != nil {
		panic("dingtalktest: Punch.Extra: " + err.Error())
	}
	return b
}

func (s *Server) appendFields(b []byte, p *Punch) []byte {
	valid := p.InvalidType == ""
	scheduled := valid && p.CheckType != ""
	timeResult, locationResult := p.TimeResult, p.LocationResult
	if scheduled && timeResult == "" {
		timeResult = "Normal"
	}
	if scheduled && locationResult == "" {
		locationResult = "Normal"
	}
	source, method := p.SourceType, p.LocationMethod
	if source == "" {
		source = "USER"
	}
	machine := source == "ATM" || source == "DING_ATM"
	person := source == "USER" || source == "BEACON" || source == "AUTO_CHECK"
	if method == "" {
		switch {
		case machine:
			method = "ATM"
		case person:
			method = "MAP"
		}
	}
	work := p.WorkDate
	if work.IsZero() {
		work = p.Time
	}
	// Midnight in a zone of fixed +08:00, without the calendar: this is a hot loop.
	const day, offset = 24 * 3600, 8 * 3600
	seconds := work.Unix() + offset
	work = time.Unix(seconds-((seconds%day)+day)%day-offset, 0)
	plan := p.Plan
	if plan.IsZero() && scheduled {
		switch p.CheckType {
		case "OnDuty":
			plan = work.Add(9 * time.Hour)
		case "OffDuty":
			plan = work.Add(18 * time.Hour)
		}
	}
	created, modified := p.Created, p.Modified
	if created.IsZero() {
		created = p.Time
	}
	if modified.IsZero() {
		modified = created
	}

	b = strconv.AppendInt(append(b, `{"id":`...), p.ID, 10)
	b = fake.AppendString(append(b, `,"userId":`...), p.UserID)
	b = append(append(b, `,"corpId":`...), s.corp...)
	b = fake.AppendMillis(append(b, `,"workDate":`...), work)
	b = appendField(b, `,"checkType":`, p.CheckType)
	b = appendField(b, `,"sourceType":`, source)
	b = appendField(b, `,"timeResult":`, timeResult)
	b = appendField(b, `,"locationResult":`, locationResult)
	if valid && timeResult != "" {
		legal := "N"
		if timeResult == "Normal" && locationResult == "Normal" {
			legal = "Y"
		}
		b = appendField(b, `,"isLegal":`, legal)
	}
	b = appendField(b, `,"invalidRecordType":`, p.InvalidType)
	b = appendField(b, `,"invalidRecordMsg":`, p.InvalidMsg)
	b = appendField(b, `,"locationMethod":`, method)
	b = fake.AppendMillis(append(b, `,"userCheckTime":`...), p.Time)
	if !plan.IsZero() {
		b = fake.AppendMillis(append(b, `,"baseCheckTime":`...), plan)
		b = fake.AppendMillis(append(b, `,"planCheckTime":`...), plan)
	}
	b = appendField(b, `,"userAddress":`, p.Address)
	if method == "WIFI" {
		b = append(b, `,"userSsid":"corp-wifi","userMacAddr":"02:00:00:00:00:01"`...)
	}
	if p.Located {
		b = fake.AppendFloat(append(b, `,"userLongitude":`...), p.Longitude, p.CoordinatesAsText)
		b = fake.AppendFloat(append(b, `,"userLatitude":`...), p.Latitude, p.CoordinatesAsText)
		b = fake.AppendFloat(append(b, `,"userAccuracy":`...), 65, p.CoordinatesAsText)
	}
	if locationResult == "Normal" && person {
		b = appendField(b, `,"baseAddress":`, p.Address)
	}
	b = appendField(b, `,"outsideRemark":`, p.Remark)
	switch {
	case machine:
		b = append(b, `,"deviceSN":"SN0001"`...)
	case source == "APPROVE":
		b = strconv.AppendInt(append(b, `,"approveId":`...), 2376620000+p.ID%10000, 10)
		b = append(b, `,"procInstId":"00000000-aaaa-bbbb-cccc-000000000001"`...)
	case person:
		b = fake.AppendString(append(b, `,"deviceId":`...), "dev-"+p.UserID)
	}
	if scheduled {
		b = strconv.AppendInt(append(b, `,"planId":`...), 700000000000+p.ID%100000000000, 10)
		b = append(b, `,"groupId":600001,"classId":650001`...)
	}
	b = appendBizID(append(b, `,"bizId":"`...), p.ID)
	b = fake.AppendMillis(append(b, `","gmtCreate":`...), created)
	b = fake.AppendMillis(append(b, `,"gmtModified":`...), modified)
	return append(b, '}')
}

func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return fake.AppendString(append(b, name...), value)
}

// appendBizID writes 32 hexadecimal digits.
func appendBizID(b []byte, id int64) []byte {
	const hex = "0123456789ABCDEF"
	b = append(b, "0000000000000000"...)
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, hex[uint64(id)>>shift&15])
	}
	return b
}
