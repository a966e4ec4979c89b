package dbtest

import (
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// What people do on a day, and what the platforms make of it.

// workday plans a person's day, which begins now.
func (w *yearWorld) workday(p *yearPerson, day time.Time) {
	local := day.Add(12 * time.Hour).In(p.home.zone) // the same date in both zones
	at := func(hour, minute, within int) time.Time {
		t := time.Date(local.Year(), local.Month(), local.Day(), hour, minute, 0, 0, p.home.zone)
		return w.even(t.Add(time.Duration(w.random.IntN(within*60))*time.Second), p.home)
	}
	if weekend := local.Weekday() == time.Sunday || local.Weekday() == time.Saturday; weekend != w.chance(8) || w.chance(4) {
		return
	}
	in, out := at(8, 20, 50), at(17, 50, 120)
	if p.night { // also through the hour that comes twice, or never, in Berlin
		in, out = at(21, 30, 40), at(24+1, 20, 6*60)
	}
	w.mayPunch(p, in, attendance.In, false)
	w.mayPunch(p, out, attendance.Out, false)
	if w.chance(6) {
		w.mayPunch(p, at(12, 0, 240), attendance.Out, true)
	}
	if w.chance(1) {
		w.noPunch(p, at(13, 0, 60))
	}
}

// even moves an instant to a second that the platform's records have: DingTalk's are
// even and WeCom's odd, those of others at 59, so that no two of them say the same.
func (w *yearWorld) even(t time.Time, job *yearJob) time.Time {
	t = t.Truncate(time.Second)
	want := 0
	if job == w.wxJob() {
		want = 1
	}
	for t.Second()%2 != want || t.Second() == 59 {
		t = t.Add(time.Second)
	}
	return t
}

// mayPunch is a punch that is made, forgotten, or stored in a machine for days.
func (w *yearWorld) mayPunch(p *yearPerson, when time.Time, d attendance.Direction, mobile bool) {
	forgotten, card := w.chance(2), w.chance(70)
	w.at(when, func() {
		if !p.works(when) || p.account == nil || !p.account.listed && p.account.number != "" {
			return
		}
		account := p.account
		shown, how := w.after(0, 2*time.Minute), "punched"
		switch {
		case forgotten && !card:
			return
		case forgotten:
			shown, how = w.after(20*time.Hour, 6*24*time.Hour), "a make-up card"
			if w.chance(15) {
				shown = w.after(7*24*time.Hour, 50*24*time.Hour)
			}
		case when.Before(p.offline):
			shown, how = p.offline.Add(time.Duration(w.random.IntN(3600))*time.Second), "a machine that was offline"
		}
		w.at(shown, func() { w.show1(p, account, &yearVersion{time: when, direction: d, mobile: mobile, how: how}) })
	})
}

// show1 makes a record appear, and arranges what else becomes of it.
func (w *yearWorld) show1(p *yearPerson, a *yearAccount, v *yearVersion) {
	r := &yearRecord{account: a}
	a.records = append(a.records, r)
	w.punches++
	w.put(r, v)
	fixed := v.mobile && a.job == w.dingJob() // the fake cannot take back a field check-in
	late := 12 * 24 * time.Hour
	if w.chance(15) {
		late = 45 * 24 * time.Hour
	}
	switch {
	case fixed:
	case w.chance(1):
		w.at(w.after(time.Hour, late), func() { w.correct(p, r) })
	case w.chance(0.5):
		w.at(w.after(time.Hour, late), func() { w.withdraw(p, r) })
	}
}

// put writes a version of a record to the platform.
func (w *yearWorld) put(r *yearRecord, v *yearVersion) {
	a := r.account
	v.from = w.now
	r.versions = append(r.versions, v)
	hidden := !a.listed && (a.job == w.wxJob() || !w.leaversAnswer)
	if hidden {
		v.to, v.hidden = w.now, true
	}
	if a.job == w.wxJob() {
		w.wx.AddRecord(w.wxRecord(a, v))
		return
	}
	if v.mobile {
		w.ding.AddCheckIn(dingtalktest.CheckIn{UserID: a.id, Time: v.time, Place: "客户"})
		return
	}
	punch := dingtalktest.Punch{ID: r.id, UserID: a.id, Time: v.time, CheckType: map[attendance.Direction]string{attendance.In: "OnDuty", attendance.Out: "OffDuty"}[v.direction]}
	if v.how == "a make-up card" {
		punch.SourceType = "APPROVE"
	}
	if r.id != 0 {
		w.ding.SetPunch(punch)
		return
	}
	r.id = w.ding.AddPunch(punch)[0]
}

func (w *yearWorld) wxRecord(a *yearAccount, v *yearVersion) wecomtest.Record {
	r := wecomtest.Record{UserID: a.id, Time: v.time, Type: "上班打卡"}
	if v.direction == attendance.Out {
		r.Type = "下班打卡"
	}
	if local := v.time.In(beijing()); local.Hour() < 12 && v.direction == attendance.Out {
		r.Day = local.Add(-12 * time.Hour) // of a night shift
	}
	if v.mobile {
		r.Type = "外出打卡"
	}
	return r
}

// unput takes a version from the platform.
func (w *yearWorld) unput(r *yearRecord, why string) {
	v := r.last()
	v.to, v.until = w.now, why
	if r.account.job == w.wxJob() {
		is := w.wxRecord(r.account, v)
		w.wx.RemoveRecord(func(o wecomtest.Record) bool {
			return o.UserID == is.UserID && o.Time.Equal(is.Time) && o.Type == is.Type
		})
		return
	}
	if why == "withdrawn" {
		w.ding.RemovePunch(r.id)
	}
}

// correct changes when a punch was made, or which one it was.
func (w *yearWorld) correct(p *yearPerson, r *yearRecord) {
	if !r.live() {
		return
	}
	before := r.last()
	after := &yearVersion{time: before.time, direction: before.direction, mobile: before.mobile, how: "a correction"}
	if !before.mobile && w.chance(30) {
		after.direction = attendance.In + attendance.Out - before.direction
	} else {
		after.time = w.even(before.time.Add(time.Duration(w.random.IntN(100)-60)*time.Minute), r.account.job)
	}
	if after.time.After(w.now) || after.time.Equal(before.time) && after.direction == before.direction {
		return
	}
	w.unput(r, "corrected")
	w.put(r, after)
	p.note(w.now, "%s %s was corrected to %s %s", before.time.UTC().Format(time.DateTime), before.direction, after.time.UTC().Format(time.DateTime), after.direction)
}

func (w *yearWorld) withdraw(p *yearPerson, r *yearRecord) {
	if r.live() {
		w.unput(r, "withdrawn")
		p.note(w.now, "%s was withdrawn", r.last().time.UTC().Format(time.DateTime))
	}
}

// noPunch is a record that is none: an invalid one, or one that says a punch is missing.
func (w *yearWorld) noPunch(p *yearPerson, when time.Time) {
	w.at(when, func() {
		if p.account == nil || !p.account.listed {
			return
		}
		if p.home == w.dingJob() {
			w.ding.AddPunch(dingtalktest.Punch{UserID: p.account.id, Time: when, InvalidType: "Security", InvalidMsg: "作弊"})
			return
		}
		w.wx.AddRecord(wecomtest.Record{UserID: p.account.id, Time: when, Exception: "未打卡"})
	})
}
