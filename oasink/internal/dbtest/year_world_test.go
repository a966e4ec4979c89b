package dbtest

import (
	priority "container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// A yearWorld is what really happens: people come, go and punch, and platforms show
// it, some of it late, changed or never. All of it comes from one seed.
type yearWorld struct {
	t      *testing.T
	random *rand.Rand
	start  time.Time
	end    time.Time

	mu    sync.Mutex // the two replicas move the world together
	now   time.Time  // up to when everything has happened
	queue yearQueue
	n     int

	oa       *ecologytest.OA
	ding     *dingtalktest.Server
	wx       *wecomtest.Server
	jobs     [2]*yearJob // DingTalk, WeCom
	people   []*yearPerson
	accounts []*yearAccount
	byNumber map[*yearJob]map[string]*yearAccount
	pairs    map[yearSeat]*yearPair // those that are open
	punches  int
	// leaversAnswer: DingTalk goes on answering for accounts that were removed.
	leaversAnswer bool
	// down are platforms that fail, lying those that answer with an empty success.
	down, lying [2]bool
}

// The departments: two of each job, one of nobody's.
const (
	yearHQ, yearHQ2, yearBranch, yearBranch2, yearElsewhere = 11, 12, 21, 22, 31
)

func (w *yearWorld) dingJob() *yearJob { return w.jobs[0] }
func (w *yearWorld) wxJob() *yearJob   { return w.jobs[1] }

// A yearEvent happens at its time.
type yearEvent struct {
	at time.Time
	n  int
	do func()
}

type yearQueue []yearEvent

func (q yearQueue) Len() int { return len(q) }
func (q yearQueue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].n < q[j].n
}
func (q yearQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *yearQueue) Push(x any)   { *q = append(*q, x.(yearEvent)) }
func (q *yearQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// at lets something happen, now if its time has passed.
func (w *yearWorld) at(when time.Time, do func()) {
	if when.Before(w.now) {
		when = w.now
	}
	w.n++
	priority.Push(&w.queue, yearEvent{when, w.n, do})
}

// catchUp lets happen what is due.
func (w *yearWorld) catchUp(until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) > 0 && !w.queue[0].at.After(until) {
		e := priority.Pop(&w.queue).(yearEvent)
		w.now = e.at
		e.do()
	}
	if until.After(w.now) {
		w.now = until
	}
}

// after is a random time from the world's now on.
func (w *yearWorld) after(least, most time.Duration) time.Time {
	return w.now.Add(least + time.Duration(w.random.Int64N(int64(most-least)+1)))
}

func (w *yearWorld) chance(percent float64) bool { return w.random.Float64()*100 < percent }

// sometime is a random instant of the year, not in its first and last weeks.
func (w *yearWorld) sometime() time.Time {
	return w.start.Add(15*24*time.Hour + time.Duration(w.random.Int64N(int64(w.end.Sub(w.start)-30*24*time.Hour))))
}

// populate hires everybody who is there at the beginning and arranges what will
// happen to people.
func (w *yearWorld) populate(people int) {
	for _, d := range []int64{yearHQ, yearHQ2, yearBranch, yearBranch2, yearElsewhere} {
		w.ding.AddDepartment(dingtalktest.Department{ID: d, Name: "部门" + itoa(int(d))})
		w.wx.AddDepartment(wecomtest.Department{ID: d, Name: "部门" + itoa(int(d))})
		w.must(w.oa.AddDepartments(context.Background(), ecologytest.Department{ID: d, Name: "部门" + itoa(int(d)), Subcompany: 1}))
	}
	for i := range people {
		if w.chance(15) {
			w.at(w.sometime(), func() { w.join(i) })
		} else {
			w.join(i)
		}
	}
	for day := w.start; day.Before(w.end); day = day.AddDate(0, 0, 1) {
		w.at(day, func() {
			for _, p := range w.people {
				w.workday(p, day)
			}
		})
	}
	for range max(2, people/20) {
		w.at(w.sometime(), w.swapBindings)
		w.at(w.sometime(), w.replaceAccount)
		w.at(w.sometime(), w.loseNumber)
		w.at(w.sometime(), w.loseRights)
		w.at(w.sometime(), w.goElsewhere)
		w.at(w.sometime(), w.changePlatform)
		w.at(w.sometime(), w.machineOffline)
		w.at(w.sometime(), w.machineOffline)
		w.at(w.sometime(), w.strangers)
	}
	for range max(2, int(w.end.Sub(w.start)/(40*24*time.Hour))) {
		w.at(w.sometime(), func() { w.outage(&w.down, 30*time.Hour) })
		w.at(w.sometime(), func() { w.outage(&w.lying, 14*time.Hour) })
	}
}

// join hires somebody: the OA's row, the account, and the work code that binds them
// come in any order, some of it weeks late.
func (w *yearWorld) join(i int) {
	p := &yearPerson{id: int64(101 + i), workcode: fmt.Sprintf("E%04d", i), active: true, night: w.chance(10)}
	p.home, p.department = w.dingJob(), pick(w.random, []int64{yearHQ, yearHQ2})
	if w.chance(45) {
		p.home, p.department = w.wxJob(), pick(w.random, []int64{yearBranch, yearBranch2})
	}
	hired, leaves := w.now, time.Time{}
	if w.chance(15) {
		if t := w.sometime(); t.After(w.now) {
			leaves = t
		}
	}
	p.works = func(t time.Time) bool { return !t.Before(hired) && (leaves.IsZero() || t.Before(leaves)) }
	p.account = w.open(p.home, fmt.Sprintf("u%04d", i), p.workcode)
	w.people = append(w.people, p)
	enter := func() {
		w.must(w.oa.AddStaff(context.Background(), ecologytest.Person{ID: p.id, LoginID: "login" + itoa(i), Name: "员工" + itoa(i),
			Workcode: p.workcode, Department: p.department, Subcompany: 1, Status: 1}))
		w.rescope(p)
	}
	switch {
	case w.now.Equal(w.start), w.chance(60):
		enter()
	case w.chance(50): // bound late: the account has no number yet (or another id, at WeCom)
		w.bind(p.account, "")
		enter()
		w.at(w.after(0, 21*24*time.Hour), func() {
			if !p.account.closed {
				w.bind(p.account, p.workcode)
				w.rescope(p)
			}
		})
	default: // the OA is late
		p.active = false
		w.at(w.after(0, 12*24*time.Hour), func() { p.active = true; enter() })
	}
	if !leaves.IsZero() {
		w.at(leaves, func() {
			p.note(w.now, "leaves")
			gone := func() { w.close(p.account); w.rescope(p) }
			out := func() { w.status(p, 5); w.rescope(p) }
			first, second := out, gone
			if w.chance(40) {
				first, second = gone, out
			}
			w.at(w.after(0, 30*time.Hour), first)
			w.at(w.after(31*time.Hour, 9*24*time.Hour), second)
		})
	}
}

// open makes an account.
func (w *yearWorld) open(job *yearJob, id, number string) *yearAccount {
	a := &yearAccount{job: job, id: id, listed: true, rights: true}
	if job == w.wxJob() {
		a.id = number // which is how WeCom's are found
	}
	w.accounts = append(w.accounts, a)
	w.bind(a, number)
	return a
}

// bind gives an account a work code. WeCom's userids never change: there, an account
// without one is not in the directory.
func (w *yearWorld) bind(a *yearAccount, number string) {
	if w.byNumber[a.job][a.number] == a {
		delete(w.byNumber[a.job], a.number)
	}
	a.number = number
	if number != "" {
		w.byNumber[a.job][number] = a
	}
	if a.job == w.dingJob() {
		w.ding.AddUser(dingtalktest.User{ID: a.id, Name: "员工", JobNumber: number, Departments: []int64{yearHQ}})
		return
	}
	if a.listed = number != ""; a.listed {
		w.wx.AddUser(wecomtest.User{ID: "e" + number[1:], Name: "员工", Departments: []int64{yearBranch}})
		w.show(a)
		return
	}
	w.wx.RemoveUser(a.id)
	w.hide(a)
}

// close removes an account from its platform.
func (w *yearWorld) close(a *yearAccount) {
	a.listed, a.closed = false, true
	if a.job == w.wxJob() {
		w.wx.RemoveUser(a.id)
		w.hide(a)
		return
	}
	w.ding.RemoveUser(a.id)
	if !w.leaversAnswer {
		w.hide(a)
	}
}

// hide and show end and begin versions that the platform tells nobody of.
func (w *yearWorld) hide(a *yearAccount) {
	for _, r := range a.records {
		if r.live() {
			r.last().to, r.last().hidden = w.now, true
		}
	}
}

func (w *yearWorld) show(a *yearAccount) {
	for _, r := range a.records {
		if v := r.last(); v.hidden && !r.live() {
			again := *v
			again.from, again.to, again.hidden, again.how = w.now, time.Time{}, false, "shown again"
			r.versions = append(r.versions, &again)
		}
	}
}

func (w *yearWorld) must(err error) {
	if err != nil {
		panic(err)
	}
}

func (w *yearWorld) sql(query string, args ...any) {
	_, err := w.oa.DB().ExecContext(context.Background(), query, args...)
	w.must(err)
}

func (w *yearWorld) status(p *yearPerson, status int) {
	p.active = status < 4
	w.sql("UPDATE HrmResource SET status = ? WHERE id = ?", status, p.id)
}

// staff are the people who are employed and in the roster, in a fixed order.
func (w *yearWorld) staff(of *yearJob) []*yearPerson {
	var all []*yearPerson
	for _, p := range w.people {
		if p.active && p.works(w.now) && p.home == of && p.account.listed && p.account.number == p.workcode && slices.Contains(of.departments, p.department) {
			all = append(all, p)
		}
	}
	return all
}

func newYearWorld(t *testing.T, seed uint64, start time.Time, days, people int, oa *ecologytest.OA) *yearWorld {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	w := &yearWorld{t: t, random: rand.New(rand.NewPCG(seed, 2)), start: start, end: start.AddDate(0, 0, days), now: start, oa: oa,
		pairs: make(map[yearSeat]*yearPair), byNumber: make(map[*yearJob]map[string]*yearAccount)}
	w.jobs = [2]*yearJob{
		{name: "hq", source: "dingtalk", zone: shanghai, departments: []int64{yearHQ, yearHQ2}, lookBack: 6},
		{name: "branch", source: "wecom", zone: berlin, departments: []int64{yearBranch, yearBranch2}, lookBack: 1},
	}
	for _, job := range w.jobs {
		w.byNumber[job] = make(map[string]*yearAccount)
	}
	invisible := []wecomtest.InvisibleModel{wecomtest.InvisibleSilent, wecomtest.Invisible301021, wecomtest.Invisible60111}
	w.leaversAnswer = w.chance(50)
	w.ding = dingtalktest.New(&dingtalktest.Options{LeaversAnswer: w.leaversAnswer, MonthlyQuota: 5000, LogSize: -1})
	w.wx = wecomtest.New(&wecomtest.Options{Invisible: pick(w.random, invisible), Window: wecomtest.WindowModel(w.random.IntN(2)), LogSize: -1})
	w.populate(people)
	return w
}
