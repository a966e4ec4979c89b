package wecomtest

import (
	"slices"
	"strings"
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

// A User is a person in the directory.
type User struct {
	// ID is the userid. It is compared without regard to case, as on the platform;
	// answers spell it as it is here. Adding an ID again replaces the person.
	ID   string
	Name string
	// Departments are all the departments that the person is in, the main one
	// first. Nil: the root.
	Departments []int64
	// Status is 1 (also zero) activated, 2 disabled, 4 not activated, 5 left.
	// Whatever it is, the person is in the directory and the records answer; see
	// [Server.RemoveUser] for those who are not.
	Status int
	// Mobile, Email and BizMail are shown unless [Options.WithholdPrivate].
	Mobile, Email, BizMail string
	Alias                  string
	// JobNumber is sent as an extended attribute of the name 工号. Empty: none.
	JobNumber string
}

// company is the directory. People are kept by their folded ids.
type company struct {
	mu          sync.RWMutex
	departments []Department // in the order of adding
	tree        fake.Tree
	members     map[int64][]string // in the order of adding
	users       map[string]*User
	order       []string

	// What the application of Options.Secret sees.
	everything         bool
	listedDepartments  []int64 // with all below them, and so are the next
	visibleDepartments []int64
	visibleUsers       map[string]bool
}

// fold makes ids comparable.
func fold(id string) string { return strings.ToLower(id) }

func (c *company) init(o *Options) {
	c.departments = []Department{{ID: RootDepartment, Name: "测试公司"}}
	c.tree.Put(RootDepartment, 0)
	c.members = map[int64][]string{}
	c.users = map[string]*User{}
	c.everything, c.visibleDepartments = o.VisibleDepartments == nil, slices.Clone(o.VisibleDepartments)
	c.visibleUsers = map[string]bool{}
	see := func(users []string) {
		for _, id := range users {
			c.visibleUsers[fold(id)] = true
		}
	}
	see(o.VisibleUsers)
	for _, t := range o.VisibleTags {
		see(t.Users)
		c.visibleDepartments = append(c.visibleDepartments, t.Departments...)
	}
	if c.listedDepartments = o.VisibleDepartments; o.TagsListed {
		c.listedDepartments = c.visibleDepartments
	}
}

// AddDepartment adds departments, or replaces those with the same ID. It panics
// on a zero ID.
func (s *Server) AddDepartment(departments ...Department) {
	c := &s.company
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range departments {
		if d.ID == 0 {
			panic("wecomtest: a department needs an ID")
		}
		if d.Parent == 0 && d.ID != RootDepartment {
			d.Parent = RootDepartment
		}
		if i := c.index(d.ID); i >= 0 {
			c.departments[i] = d
		} else {
			c.departments = append(c.departments, d)
		}
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
			panic("wecomtest: a user needs an ID")
		}
		u.Departments = slices.Clone(u.Departments)
		if len(u.Departments) == 0 {
			u.Departments = []int64{RootDepartment}
		}
		if u.Status == 0 {
			u.Status = 1
		}
		key := fold(u.ID)
		if old, ok := c.users[key]; ok {
			c.leaveDepartments(key, old)
		} else {
			c.order = append(c.order, key)
		}
		c.users[key] = &u
		for _, d := range u.Departments {
			c.members[d] = append(c.members[d], key)
		}
	}
}

// RemoveUser makes people leave: they vanish from the directory at once. Their
// records stay, but a check-in call that names them does what
// [Options.Invisible] says. Unknown IDs are fine.
func (s *Server) RemoveUser(ids ...string) {
	c := &s.company
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		key := fold(id)
		if u, ok := c.users[key]; ok {
			c.leaveDepartments(key, u)
			delete(c.users, key)
			c.order = fake.Without(c.order, key)
		}
	}
}

// Users returns the people of the company in the order of adding, with defaults
// filled in. The slice is the caller's; the Departments in it are not to be
// changed.
func (s *Server) Users() []User {
	c := &s.company
	c.mu.RLock()
	defer c.mu.RUnlock()
	users := make([]User, len(c.order))
	for i, key := range c.order {
		users[i] = *c.users[key]
	}
	return users
}

func (c *company) leaveDepartments(key string, u *User) {
	for _, d := range u.Departments {
		c.members[d] = fake.Without(c.members[d], key)
	}
}

// index finds a department; -1 for none. The caller holds the lock, as for all
// that follow.
func (c *company) index(id int64) int {
	return slices.IndexFunc(c.departments, func(d Department) bool { return d.ID == id })
}

// seesDepartment reports whether the application may see the department.
func (c *company) seesDepartment(caller application, id int64) bool {
	return caller == contacts || c.everything || c.tree.Within(id, c.visibleDepartments)
}

// lists reports whether a list of all departments has this one.
func (c *company) lists(caller application, id int64) bool {
	return caller == contacts || c.everything || c.tree.Within(id, c.listedDepartments)
}

// seesUser reports whether the application may see the person.
func (c *company) seesUser(caller application, u *User) bool {
	return caller == contacts || c.everything || c.visibleUsers[fold(u.ID)] ||
		slices.ContainsFunc(u.Departments, func(d int64) bool { return c.tree.Within(d, c.visibleDepartments) })
}
