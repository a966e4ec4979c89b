package dbtest

import (
	"context"
	"slices"
	"time"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// What happens to people beside their punches.

// swapBindings gives two people each other's work code, by mistake, and mends it
// days or weeks later.
func (w *yearWorld) swapBindings() {
	staff := w.staff(pick(w.random, w.jobs[:]))
	if len(staff) < 2 {
		return
	}
	a, b := pick(w.random, staff), pick(w.random, staff)
	if a == b {
		return
	}
	swap := func() {
		a.workcode, b.workcode = b.workcode, a.workcode
		w.sql("UPDATE HrmResource SET workcode = CASE id WHEN ? THEN ? ELSE ? END WHERE id IN (?, ?)", a.id, a.workcode, b.workcode, a.id, b.id)
		a.note(w.now, "has work code %s", a.workcode)
		b.note(w.now, "has work code %s", b.workcode)
		w.rescope(a, b)
	}
	swap()
	w.at(w.after(2*24*time.Hour, 30*24*time.Hour), swap)
}

// replaceAccount gives somebody a new account, as after a lost phone.
func (w *yearWorld) replaceAccount() {
	staff := w.staff(w.dingJob())
	if len(staff) == 0 {
		return
	}
	p := pick(w.random, staff)
	old := p.account
	w.bind(old, "")
	w.close(old)
	p.account = w.open(p.home, old.id+"x", p.workcode)
	w.rescope(p)
}

// loseNumber empties the job number of an account for some days.
func (w *yearWorld) loseNumber() {
	staff := w.staff(w.dingJob())
	if len(staff) == 0 {
		return
	}
	p := pick(w.random, staff)
	a, number := p.account, p.account.number
	w.bind(a, "")
	w.rescope(p)
	w.at(w.after(12*time.Hour, 14*24*time.Hour), func() {
		if a.listed {
			w.bind(a, number)
			w.rescope(w.people...)
		}
	})
}

// loseRights makes a platform reject an account for some time.
func (w *yearWorld) loseRights() {
	job := pick(w.random, w.jobs[:])
	staff := w.staff(job)
	if len(staff) == 0 {
		return
	}
	p := pick(w.random, staff)
	a := p.account
	a.rights = false
	p.note(w.now, "is rejected by the platform")
	w.faults()
	w.at(w.after(24*time.Hour, 25*24*time.Hour), func() { a.rights = true; p.note(w.now, "is no longer rejected"); w.faults() })
}

// outage lets a platform fail, or lie, for some hours.
func (w *yearWorld) outage(what *[2]bool, most time.Duration) {
	platform := w.random.IntN(2)
	what[platform] = true
	w.faults()
	w.at(w.after(time.Hour, most), func() { what[platform] = false; w.faults() })
}

// faults arranges with the platforms anew what they do wrong.
func (w *yearWorld) faults() {
	w.ding.Heal()
	w.wx.Heal()
	if w.down[0] {
		w.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.ServerError})
	}
	if w.down[1] {
		w.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: -1})
	}
	if w.lying[0] {
		w.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Body: `{"errcode":0,"errmsg":"ok","recordresult":[]}`, Path: dingtalktest.PathListRecord})
	}
	if w.lying[1] {
		w.wx.Fail(wecomtest.Fault{Kind: wecomtest.Empty})
	}
	for _, a := range w.accounts {
		switch {
		case a.rights:
		case a.job == w.dingJob():
			w.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount, User: a.id, Path: dingtalktest.PathListRecord})
		default:
			w.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 301021, User: a.id, Path: wecomtest.PathCheckIn})
		}
	}
}

// goElsewhere moves somebody to another department: of the same job, or of none, and
// perhaps back later.
func (w *yearWorld) goElsewhere() {
	job := pick(w.random, w.jobs[:])
	staff := w.staff(job)
	if len(staff) == 0 {
		return
	}
	p := pick(w.random, staff)
	move := func(to int64) {
		p.department = to
		w.sql("UPDATE HrmResource SET departmentid = ? WHERE id = ?", to, p.id)
		p.note(w.now, "is in department %d", to)
		w.rescope(p)
	}
	home := p.department
	if w.chance(30) {
		move(job.departments[1-slices.Index(job.departments, home)])
		return
	}
	move(yearElsewhere)
	if w.chance(70) {
		w.at(w.after(3*time.Hour, 40*24*time.Hour), func() { move(home) })
	}
}

// changePlatform moves somebody to the other office, which punches on the other
// platform. The old account stays.
func (w *yearWorld) changePlatform() {
	from := w.random.IntN(2)
	staff := w.staff(w.jobs[from])
	if len(staff) == 0 {
		return
	}
	p, to := pick(w.random, staff), w.jobs[1-from]
	if w.byNumber[to][p.workcode] != nil {
		return
	}
	account := w.open(to, "m"+p.account.id, p.workcode)
	w.at(w.after(0, 3*24*time.Hour), func() {
		p.home, p.account, p.department = to, account, to.departments[0]
		w.sql("UPDATE HrmResource SET departmentid = ? WHERE id = ?", p.department, p.id)
		p.note(w.now, "goes to %s, with account %s", to.name, account.id)
		w.rescope(p)
	})
}

// machineOffline takes the network from the machine that half a department punches at.
func (w *yearWorld) machineOffline() {
	job := pick(w.random, w.jobs[:])
	department, until := pick(w.random, job.departments), w.after(6*time.Hour, 5*24*time.Hour)
	if w.chance(25) {
		until = w.after(6*24*time.Hour, 20*24*time.Hour)
	}
	for _, p := range w.staff(job) {
		if p.department == department && p.id%2 == 0 {
			p.offline = until
			p.note(w.now, "punches at a machine that is offline until %s", until.UTC().Format(time.DateTime))
		}
	}
}

// strangers write rows of their own.
func (w *yearWorld) strangers() {
	for range 20 {
		p := pick(w.random, w.people)
		at := w.now.In(p.home.zone).Add(-time.Duration(w.random.IntN(40*24)) * time.Hour).Truncate(time.Minute).Add(59 * time.Second)
		w.must(w.oa.AddSigns(context.Background(), ecologytest.SignRow{UserID: p.id, UserType: "1", SignType: itoa(1 + w.random.IntN(2)),
			SignDate: at.Format(time.DateOnly), SignTime: at.Format(time.TimeOnly), IsInCom: "1", SignFrom: pick(w.random, []string{"e9pc", null, "card|7|"})}))
	}
}
