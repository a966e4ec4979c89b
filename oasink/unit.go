package oasink

import (
	"context"
	"slices"
)

// Units says which part of the company is meant: the union of the lists. All
// empty means everybody.
type Units struct {
	// Subcompanies are ids of HrmSubCompany (分部).
	Subcompanies []int64
	// Departments are ids of HrmDepartment (部门).
	Departments []int64
	// Employees are ids of HrmResource. One that is not in the roster is streamed
	// as left out, [attendance.OutOfRoster].
	Employees []int64
	// DirectOnly leaves out the units below the named ones.
	DirectOnly bool
}

// everybody reports whether no list restricts anything.
func (u Units) everybody() bool {
	return len(u.Subcompanies) == 0 && len(u.Departments) == 0 && len(u.Employees) == 0
}

// A unit is a department or a sub-company.
type unit struct {
	parent     int64 // 0: top
	subcompany int64 // of a department; 0: unknown
	canceled   bool
	name       string // of a department
}

// A company is both trees of units, in memory: a few thousand entries even in a
// large company. Trees found in practice have parents that do not exist and even
// cycles; a walk ends at either.
type company struct {
	departments  map[int64]unit
	subcompanies map[int64]unit
}

// readCompany reads both trees.
func (s *Sink) readCompany(ctx context.Context, sh *shape) (*company, error) {
	switch {
	case !sh.department.usable(departmentNeeds()...):
		return nil, sh.department.lack(departmentNeeds())
	case !sh.subCompany.usable(subCompanyNeeds()...):
		return nil, sh.subCompany.lack(subCompanyNeeds())
	}
	var err error
	c := &company{}
	if c.departments, err = s.readUnits(ctx, sh.department, "supdepid", "subcompanyid1", "departmentname"); err != nil {
		return nil, err
	}
	c.subcompanies, err = s.readUnits(ctx, sh.subCompany, "supsubcomid", "id")
	return c, err
}

func (s *Sink) readUnits(ctx context.Context, t *table, parent, subcompany string, further ...string) (map[int64]unit, error) {
	var units map[int64]unit
	err := s.patiently(ctx, "reading "+t.name.String(), func() error {
		units = make(map[int64]unit)
		q := s.statement("SELECT ").columns(t, "id", parent, subcompany, "canceled").further(t, further).sql(" FROM ").table(t)
		return q.query(ctx, s.db, 4+len(further), func(v []any) error {
			u := unit{parent: intOf(v[1]), subcompany: intOf(v[2]), canceled: textOf(v[3]) == "1"}
			if len(further) > 0 {
				u.name = trim(displayName(textOf(v[4])))
			}
			units[intOf(v[0])] = u
			return nil
		})
	})
	return units, err
}

// names are the departments' names; those without one are left out.
func (c *company) names() map[int64]string {
	names := make(map[int64]string)
	for id, u := range c.departments {
		if u.name != "" {
			names[id] = u.name
		}
	}
	return names
}

// upward calls f for the unit and its ancestors, each once, until f returns false.
func upward(tree map[int64]unit, id int64, f func(id int64, u unit) bool) {
	var seen []int64
	for {
		u, ok := tree[id]
		if !ok || slices.Contains(seen, id) || !f(id, u) {
			return
		}
		seen = append(seen, id)
		id = u.parent
	}
}

// subcompanyOf is the sub-company a person belongs to: the person's own entry, or
// where there is none, that of the department or the nearest department above.
func (c *company) subcompanyOf(department, own int64) int64 {
	upward(c.departments, department, func(_ int64, u unit) bool {
		if own == 0 {
			own = u.subcompany
		}
		return own == 0
	})
	return own
}

// canceled reports whether a person's unit is sealed (封存): the department or one
// above it, the sub-company of any of these, the person's own, or one above it.
func (c *company) canceled(department, subcompany int64) bool {
	sealed := c.sealed(subcompany)
	upward(c.departments, department, func(_ int64, u unit) bool {
		sealed = sealed || u.canceled || c.sealed(u.subcompany)
		return !sealed
	})
	return sealed
}

func (c *company) sealed(subcompany int64) bool {
	sealed := false
	upward(c.subcompanies, subcompany, func(_ int64, u unit) bool {
		sealed = u.canceled
		return !sealed
	})
	return sealed
}

// A selection decides whom Units mean.
type selection struct {
	company                             *company
	everybody, direct                   bool
	subcompanies, departments, employee map[int64]bool
}

func newSelection(u Units, c *company) *selection {
	return &selection{c, u.everybody(), u.DirectOnly, set(u.Subcompanies), set(u.Departments), set(u.Employees)}
}

func set(ids []int64) map[int64]bool {
	m := make(map[int64]bool, len(ids))
	for _, id := range ids {
		m[id] = true
	}
	return m
}

// covers reports whether the person is meant.
func (s *selection) covers(person, department, subcompany int64) bool {
	return s.everybody || s.employee[person] ||
		s.within(s.company.departments, department, s.departments) ||
		s.within(s.company.subcompanies, s.company.subcompanyOf(department, subcompany), s.subcompanies)
}

func (s *selection) within(tree map[int64]unit, id int64, wanted map[int64]bool) bool {
	if len(wanted) == 0 || wanted[id] {
		return len(wanted) > 0
	}
	found := false
	if !s.direct {
		upward(tree, id, func(id int64, _ unit) bool {
			found = wanted[id]
			return !found
		})
	}
	return found
}

// unknown returns the ids that no unit has, sorted.
func unknown(tree map[int64]unit, ids []int64) []int64 {
	var list []int64
	for _, id := range ids {
		if _, ok := tree[id]; !ok {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
