package oasink

import (
	"context"
	"iter"
	"slices"
)

// pageSize is how many people are read at a time: nothing stays open between
// pages, so that the network may be read meanwhile.
const pageSize = 500

// outside is why an active person of HrmResource is not in the roster.
type outside uint8

const (
	inside outside = iota
	noLogin
	secondary
	sealedUnit
)

// A resource is a person of HrmResource whose status is active (0 trial, 1
// regular, 2 temporary, 3 trial extended).
type resource struct {
	Person
	outside outside
}

// resources streams the active people by id, in pages. Only the columns asked for
// are read, beside those that the roster depends on.
func (s *Sink) resources(ctx context.Context, sh *shape, c *company, columns []string) iter.Seq2[[]resource, error] {
	t := sh.resource
	names := append([]string{"id", "loginid", "departmentid", "subcompanyid1", "accounttype"}, columns...)
	return func(yield func([]resource, error) bool) {
		if needs := slices.Concat(resourceNeeds(), columns); !t.usable(needs...) {
			yield(nil, t.lack(needs))
			return
		}
		page := make([]resource, 0, pageSize)
		for last, first := int64(0), true; ; first = false {
			err := s.patiently(ctx, "reading "+t.name.String(), func() error {
				page = page[:0]
				q := s.statement("SELECT ").columns(t, names...).sql(" FROM ").table(t)
				q.sql(" WHERE ").column(t, "status").sql(" IN (0, 1, 2, 3)")
				if !first {
					q.sql(" AND ").column(t, "id").sql(" > ").value(last)
				}
				q.sql(" ORDER BY ").column(t, "id")
				q.b = []byte(s.dialect.limit(string(q.b), pageSize))
				return q.query(ctx, s.db, len(names), func(v []any) error {
					page = append(page, newResource(c, names, v))
					return nil
				})
			})
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) > 0 && !yield(page, nil) || len(page) < pageSize {
				return
			}
			last = page[len(page)-1].ID
		}
	}
}

func newResource(c *company, names []string, v []any) resource {
	var r resource
	main := true
	for i, name := range names {
		switch name {
		case "id":
			r.ID = intOf(v[i])
		case "loginid":
			r.LoginID = textOf(v[i])
		case "departmentid":
			r.Department = intOf(v[i])
		case "subcompanyid1":
			r.Subcompany = intOf(v[i])
		case "accounttype":
			main = intOf(v[i]) == 0
		case "lastname":
			r.Name = displayName(textOf(v[i]))
		case "account":
			r.Account = textOf(v[i])
		case "workcode":
			r.Workcode = textOf(v[i])
		case "mobile":
			r.Mobile = textOf(v[i])
		case "email":
			r.Email = textOf(v[i])
		}
	}
	switch {
	case r.LoginID == "":
		r.outside = noLogin
	case !main:
		r.outside = secondary
	case c.canceled(r.Department, r.Subcompany):
		r.outside = sealedUnit
	}
	return r
}
