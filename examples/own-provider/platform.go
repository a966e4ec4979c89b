package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider/fake"
)

const (
	secret = "acme-app-secret"
	rows   = 500 // a page
)

// Platform is a fake acme, in process. It is strict: what acme refuses, it refuses.
type Platform struct {
	desk   fake.Desk
	faults fake.Faults[trouble]

	mu      sync.Mutex
	punches []attendance.Punch
	token   int // the number of the one that is valid
}

// trouble is what happens to a request of a path.
type trouble struct {
	path    string
	account string // only to requests that ask for this one
	answer  func(*fake.Call) fake.Answer
}

// NewPlatform returns an acme without punches.
func NewPlatform() *Platform {
	return &Platform{token: 1, desk: fake.Desk{Now: time.Now, Log: fake.NewLog(100)}} //nolint:forbidigo // a fake lives on the clock of package time
}

// Transport is how the platform is reached.
func (p *Platform) Transport() http.RoundTripper {
	return fake.Transport(func(r *http.Request) fake.Answer { return p.desk.Receive(r, p.answer) })
}

// Put makes the platform hold these too.
func (p *Platform) Put(punches ...attendance.Punch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.punches = append(p.punches, punches...)
}

func (p *Platform) answer(c *fake.Call) fake.Answer {
	fields, _ := c.Fields()
	users, _ := fields.Texts("users")
	if t := p.faults.Take(func(t trouble) bool {
		return t.path == c.Path && (t.account == "" || slices.Contains(users, t.account))
	}); t.answer != nil {
		return t.answer(c)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case c.Path == "/token" && fields.Text("secret") == secret:
		return say(map[string]any{"code": 0, "token": p.bearer()})
	case c.Path == "/token":
		return refuse(401, "no application has this secret")
	case c.Path != "/records":
		return fake.Page(http.StatusNotFound, "Not Found")
	case strings.TrimPrefix(c.Header.Get("Authorization"), "Bearer ") != p.bearer():
		return refuse(402, "the token is not valid")
	}
	from, _ := fields.Integer("from")
	to, _ := fields.Integer("to")
	page, ok := fields.Integer("page")
	if !ok || len(users) == 0 || len(users) > 100 || to-from > 30*24*3600+1 {
		return refuse(400, "1 to 100 users, at most 30 days, a page")
	}
	return p.page(users, from, to, int(page))
}

func (p *Platform) bearer() string { return "acme-token-" + strconv.Itoa(p.token) }

func (p *Platform) page(users []string, from, to int64, page int) fake.Answer {
	list := []map[string]any{}
	for _, one := range p.punches {
		if at := one.Time.Unix(); slices.Contains(users, one.Account) && from <= at && at <= to {
			list = append(list, map[string]any{"id": one.ID, "user": one.Account, "time": at, "in": one.Direction == attendance.In})
		}
	}
	list = list[min(page*rows, len(list)):]
	return say(map[string]any{"code": 0, "rows": list[:min(rows, len(list))], "more": len(list) > rows})
}

func refuse(code int, message string) fake.Answer {
	return say(map[string]any{"code": code, "message": message})
}

func say(v map[string]any) fake.Answer {
	body, err := json.Marshal(v)
	if err != nil {
		return fake.Answer{Err: err}
	}
	return fake.JSON(fmt.Sprint(v["code"]), body)
}
