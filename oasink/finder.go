package oasink

import (
	"context"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// candidatesShown is how many people a search returns at most.
const candidatesShown = 100

// FindPersons implements [attendance.PersonFinder]: the people of HrmResource, whatever
// their status, whose id, loginid, workcode or lastname is the text, at most 100. The
// texts are compared without the spaces around them, and otherwise as the database
// compares texts.
func (s *Sink) FindPersons(ctx context.Context, text string) ([]attendance.Candidate, error) {
	fields := []string{"id", "loginid", "workcode", "lastname"}
	for prefix, field := range map[string]string{"id:": "id", "loginid:": "loginid", "workcode:": "workcode", "name:": "lastname"} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			text, fields = rest, []string{field}
			break
		}
	}
	text = trim(text)
	if text == "" || strings.ContainsRune(text, 0) {
		return nil, nil
	}
	sh, err := s.fit(ctx, resourceNeeds()...)
	switch {
	case err != nil:
		return nil, err
	case !sh.resource.usable(resourceNeeds()...):
		return nil, sh.resource.lack(resourceNeeds())
	}
	c, err := s.readCompany(ctx, sh)
	if err != nil {
		return nil, err
	}
	t := sh.resource
	q := s.statement("SELECT ").columns(t, "id", "lastname", "loginid", "workcode", "departmentid", "status").sql(" FROM ").table(t)
	word := " WHERE "
	for _, field := range fields {
		switch id, err := strconv.ParseInt(text, 10, 64); {
		case field == "id" && err == nil:
			q.sql(word).column(t, "id").sql(" = ").value(id)
		case field == "id", !t.has(field):
			continue
		default:
			q.sql(word).sql("LTRIM(RTRIM(").column(t, field).sql(")) = ").value(text)
		}
		word = " OR "
	}
	if word == " WHERE " {
		return nil, nil
	}
	q.sql(" ORDER BY ").column(t, "id")
	q.b = []byte(s.dialect.limit(string(q.b), candidatesShown))
	var found []attendance.Candidate
	err = s.patiently(ctx, "reading "+t.name.String(), func() error {
		found = nil
		return q.query(ctx, s.db, 6, func(v []any) error {
			one := attendance.Candidate{Person: strconv.FormatInt(intOf(v[0]), 10), Name: textOf(v[1]), Login: textOf(v[2]), Number: textOf(v[3]),
				Unit: c.nameOf(intOf(v[4])), Status: statusWords(textOf(v[5]))}
			if n := len(found); n == 0 || found[n-1].Person != one.Person { // a view that joins may show somebody twice
				found = append(found, one)
			}
			return nil
		})
	})
	return found, err
}

// nameOf is the department's name, or its id where it has none; "" for none.
func (c *company) nameOf(department int64) string {
	switch name := c.departments[department].name; {
	case name != "":
		return name
	case department != 0:
		return strconv.FormatInt(department, 10)
	default:
		return ""
	}
}

// fit is what was found of the tables, looked at again where HrmResource lacks one of
// the columns, or the trees lack theirs: they may have come since.
func (s *Sink) fit(ctx context.Context, columns ...string) (*shape, error) {
	sh := s.shape.Load()
	if sh.resource.usable(columns...) && sh.department.usable(departmentNeeds()...) && sh.subCompany.usable(subCompanyNeeds()...) {
		return sh, nil
	}
	return s.probe(ctx)
}

// statusWords says HrmResource.status for people.
func statusWords(status string) attendance.Text {
	words := map[string]attendance.Text{
		"0": {EN: "trial", ZH: "试用"}, "1": {EN: "regular", ZH: "正式"}, "2": {EN: "temporary", ZH: "临时"}, "3": {EN: "trial extended", ZH: "试用延期"},
		"4": {EN: "dismissed", ZH: "解聘"}, "5": {EN: "left", ZH: "离职"}, "6": {EN: "retired", ZH: "退休"}, "7": {EN: "invalid", ZH: "无效"}, "10": {EN: "deleted", ZH: "已删除"},
	}
	if t, ok := words[status]; ok {
		return t
	}
	if status == "" {
		status = "NULL"
	}
	return attendance.Text{EN: "status " + status, ZH: "状态 " + status}
}
