package dingtalktest

import (
	"slices"
	"sync"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// RootDepartment is the company itself. It always exists.
const RootDepartment = 1

// A Department is a department of the company.
type Department struct {
	// ID must not be zero. Adding an ID again replaces the department; its people stay.
	ID int64
	// Parent zero means [RootDepartment]. It need not exist yet.
	Parent int64
	Name   string
}

// A User is a person in the contacts.
type User struct {
	// ID is the userid. Adding an ID again replaces the person.
	ID   string
	Name string
	// JobNumber is free text (工号), often empty on the real platform.
	JobNumber string
	// Mobile and StateCode are shown only with [PermissionMobile]; left out when empty.
	Mobile, StateCode string
	Email, OrgEmail   string
	// Departments are all the departments that the person is in. Nil: the root.
	Departments []int64
	// Inactive people have not activated DingTalk (active false). Their punches,
	// for example at machines, answer all the same.
	Inactive bool
}

// company is the contacts.
type company struct {
	mu          sync.RWMutex
	departments map[int64]Department
	tree        fake.Tree
	members     map[int64][]string // in the order of adding
	users       map[string]*User
	order       []string
	left        map[string]bool
}

func (c *company) init() {
	c.departments = map[int64]Department{RootDepartment: {ID: RootDepartment, Name: "测试公司"}}
	c.tree.Put(RootDepartment, 0)
	c.members = map[int64][]string{}
	c.users = map[string]*User{}
	c.left = map[string]bool{}
}

// AddDepartment adds departments, or replaces those with the same ID. It panics
// on a zero ID.
func (s *Server) AddDepartment(departments ...Department) {
	c := &s.company
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range departments {
		if d.ID == 0 {
			panic("dingtalktest: a department needs an ID")
		}
		if d.Parent == 0 && d.ID != RootDepartment {
			d.Parent = RootDepartment
		}
		c.departments[d.ID] = d
		c.tree.Put(d.ID, d.Parent)
	}
}

// AddUser adds people, or replaces those with the same ID. A person who was
// removed is back. It panics on an empty ID.
func (s *Server) AddUser(users ...User) {
	c := &s.company
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range users {
		if u.ID == "" {
			panic("dingtalktest: a user needs an ID")
		}
		u.Departments = slices.Clone(u.Departments)
		if u.Departments == nil {
			u.Departments = []int64{RootDepartment}
		}
		if old, ok := c.users[u.ID]; ok {
			c.leaveDepartments(old)
		} else {
			c.order = append(c.order, u.ID)
		}
		delete(c.left, u.ID)
		c.users[u.ID] = &u
		for _, d := range u.Departments {
			c.members[d] = append(c.members[d], u.ID)
		}
	}
}

// RemoveUser makes people leave: they vanish from the contacts at once. Whether
// their punches still answer is [Options.LeaversAnswer]. Unknown IDs are leavers
// too.
func (s *Server) RemoveUser(ids ...string) {
	c := &s.company
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		if u, ok := c.users[id]; ok {
			c.leaveDepartments(u)
			delete(c.users, id)
			c.order = fake.Without(c.order, id)
		}
		c.left[id] = true
	}
}

// Users returns the people of the company in the order of adding. The slice is
// the caller's; the Departments in it are not to be changed.
func (s *Server) Users() []User {
	c := &s.company
	c.mu.RLock()
	defer c.mu.RUnlock()
	users := make([]User, len(c.order))
	for i, id := range c.order {
		users[i] = *c.users[id]
	}
	return users
}

func (c *company) leaveDepartments(u *User) {
	for _, d := range u.Departments {
		c.members[d] = fake.Without(c.members[d], u.ID)
	}
}

// everyone returns the people in the department and all below it, each once.
// The caller holds the lock.
func (c *company) everyone(id int64) []string {
	var people []string
	seen := map[string]bool{}
	for _, d := range c.tree.Below(id) {
		for _, user := range c.members[d] {
			if !seen[user] {
				seen[user] = true
				people = append(people, user)
			}
		}
	}
	return people
}

// mayPunch reports whether records of the account answer.
func (s *Server) mayPunch(id string) bool {
	s.company.mu.RLock()
	defer s.company.mu.RUnlock()
	return s.opts.LeaversAnswer || !s.company.left[id]
}

// sees reports whether the application may see the department. The caller holds
// the company's lock.
func (s *Server) sees(department int64) bool {
	return s.opts.AuthedDepartments == nil || s.company.tree.Within(department, s.opts.AuthedDepartments)
}
