package oasink

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// candidatesShown is how many people a search returns at most.
const candidatesShown = 100

// FindPersons implements [attendance.PersonFinder]: the people of HrmResource, whatever
// their status, whose id, loginid, workcode or lastname is the text, at most 100. The
// texts are compared without the spaces around them, and otherwise as the database
// compares texts; a name that the OA holds in several languages is found by each of its
// wordings.
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
	f := finder{s, sh.resource, c}
	found, err := f.equal(ctx, text, fields)
	if err != nil || !slices.Contains(fields, "lastname") || !sh.resource.has("lastname") {
		return found, err
	}
	worded, err := f.worded(ctx, text)
	if err != nil || len(worded) == 0 {
		return found, err
	}
	found = append(found, worded...)
	slices.SortFunc(found, func(a, b attendance.Candidate) int { // by number
		return cmp.Or(cmp.Compare(len(a.Person), len(b.Person)), cmp.Compare(a.Person, b.Person))
	})
	found = slices.CompactFunc(found, func(a, b attendance.Candidate) bool { return a.Person == b.Person })
	return found[:min(len(found), candidatesShown)], nil
}

// A finder searches HrmResource.
type finder struct {
	*Sink
	resource *table
	company  *company
}

// equal finds whom one of the fields names as it is.
func (f finder) equal(ctx context.Context, text string, fields []string) ([]attendance.Candidate, error) {
	t := f.resource
	q := f.people()
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
	q.b = []byte(f.dialect.limit(string(q.b), candidatesShown))
	return f.read(ctx, q, func(string) bool { return true })
}

// worded finds whose name in several languages has the text as one of its wordings. The
// database looks for names that hold the text somewhere; the rest is judged here.
func (f finder) worded(ctx context.Context, text string) ([]attendance.Candidate, error) {
	somewhere := strings.Map(func(r rune) rune { // no dialect's wildcards and escapes
		if strings.ContainsRune(`%_[]^\`, r) {
			return '_'
		}
		return r
	}, text)
	q, t := f.people(), f.resource
	q.sql(" WHERE ").column(t, "lastname").sql(" LIKE ").value("%" + groupMark + "%")
	q.sql(" AND ").column(t, "lastname").sql(" LIKE ").value("%"+somewhere+"%").sql(" ORDER BY ").column(t, "id")
	return f.read(ctx, q, func(stored string) bool {
		return slices.ContainsFunc(nameForms(stored), func(form string) bool { return strings.EqualFold(form, text) })
	})
}

// people begins the query for candidates.
func (f finder) people() *statement {
	return f.statement("SELECT ").columns(f.resource, "id", "lastname", "loginid", "workcode", "departmentid", "status").sql(" FROM ").table(f.resource)
}

// read reads the candidates whose stored name is wanted.
func (f finder) read(ctx context.Context, q *statement, wanted func(stored string) bool) (found []attendance.Candidate, err error) {
	err = f.patiently(ctx, "reading "+f.resource.name.String(), func() error {
		found = nil
		return q.query(ctx, f.db, 6, func(v []any) error {
			one := attendance.Candidate{Person: strconv.FormatInt(intOf(v[0]), 10), Name: displayName(textOf(v[1])), Login: textOf(v[2]), Number: textOf(v[3]),
				Unit: f.company.nameOf(intOf(v[4])), Status: statusWords(textOf(v[5]))}
			// A view that joins may show somebody twice.
			if n := len(found); n < candidatesShown && (n == 0 || found[n-1].Person != one.Person) && wanted(textOf(v[1])) {
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
