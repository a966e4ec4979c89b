package dingtalktest

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// A Company describes people and punches for [Populate].
type Company struct {
	// People is how many there are. Their ids are staff000001, staff000002 and so
	// on, their job numbers A000001 and so on; departments have 50 of them.
	People int
	// First is any moment of the first day with punches, in Beijing time. Zero: so
	// that the last day is the fake's today.
	First time.Time
	// Days is how many days have punches. Zero: 7.
	Days int
	// PerDay is how many punches a person makes in a day: 2 (zero) or any even
	// number; half of them OnDuty. They lie between 08:30 and 18:30 Beijing time.
	PerDay int
	// Weekends have punches too.
	Weekends bool
	// Tidy leaves out the believable mess: without it about every 50th record is
	// invalid (no check type, 需要二次确认), and every 12th punch is late or made
	// outside. With it People x days x PerDay valid punches are all there is.
	Tidy bool
	// Seed varies the details. Equal companies with equal seeds are alike.
	Seed uint64
}

// Populate fills the fake with a believable company. The punches are computed
// when they are asked for ([Server.PunchFunc], which it replaces), so they take
// no memory; none lies in the future of the fake's clock. People, departments and
// punches that were added before stay.
func Populate(s *Server, c Company) {
	if c.Days == 0 {
		c.Days = 7
	}
	if c.PerDay == 0 {
		c.PerDay = 2
	}
	first := c.First
	if first.IsZero() {
		first = s.opts.Now().Add(-time.Duration(c.Days-1) * 24 * time.Hour)
	}
	year, month, day := first.In(s.zone).Date()
	crowd := crowd{Company: c, now: s.opts.Now, first: time.Date(year, month, day, 0, 0, 0, 0, s.zone)}

	fake.Teams(c.People, func(id, parent int64, name string) {
		s.AddDepartment(Department{ID: id, Parent: parent, Name: name})
	})
	users := make([]User, c.People)
	for i := range users {
		users[i] = crowd.user(i, fake.TeamOf(i))
	}
	s.AddUser(users...)
	s.PunchFunc(crowd.punches)
}

// crowd computes the people and punches of a Company.
type crowd struct {
	Company
	first time.Time
	now   func() time.Time
}

func (c crowd) user(i int, department int64) User {
	h := fake.Mix(c.Seed, i, -1, 0)
	return User{
		ID:          fmt.Sprintf("staff%06d", i+1),
		Name:        fake.PersonName(h),
		JobNumber:   fmt.Sprintf("A%06d", i+1),
		Mobile:      fmt.Sprintf("138%08d", i+1),
		StateCode:   "86",
		Departments: []int64{department},
		Inactive:    !c.Tidy && h>>24%40 == 0,
	}
}

// punches is the PunchFunc of the crowd.
func (c crowd) punches(userID string, from, to time.Time) iter.Seq[Punch] {
	return func(yield func(Punch) bool) {
		digits, ok := strings.CutPrefix(userID, "staff")
		number, err := strconv.Atoi(digits)
		if !ok || err != nil || number < 1 || number > c.People {
			return
		}
		if now := c.now(); to.After(now) {
			to = now
		}
		// China has no summer time, so days are 24 hours.
		const length = 24 * time.Hour
		day := max(0, int(from.Sub(c.first)/length))
		for ; day < c.Days && !c.first.Add(time.Duration(day)*length).After(to); day++ {
			start := c.first.Add(time.Duration(day) * length)
			if weekday := start.Weekday(); !c.Weekends && (weekday == time.Saturday || weekday == time.Sunday) {
				continue
			}
			for slot := range c.PerDay {
				if p := c.punch(userID, number-1, day, slot, start); !p.Time.Before(from) && !p.Time.After(to) && !yield(p) {
					return
				}
			}
		}
	}
}

func (c crowd) punch(userID string, person, day, slot int, start time.Time) Punch {
	h := fake.Mix(c.Seed, person, day, slot)
	// The slots lie evenly between 09:00 and 18:00; people come in the half hour
	// before and go in the half hour after.
	plan := start.Add(9 * time.Hour)
	if c.PerDay > 1 {
		plan = plan.Add(9 * time.Hour * time.Duration(slot) / time.Duration(c.PerDay-1))
	}
	within := min(30*time.Minute, 4*time.Hour/time.Duration(c.PerDay))
	jitter := (time.Duration(h>>8) % within).Truncate(time.Millisecond)
	p := Punch{
		ID:     600000000000 + (int64(person)*int64(c.Days)+int64(day))*int64(c.PerDay) + int64(slot) + 1,
		UserID: userID, Plan: plan, CheckType: "OnDuty", Time: plan.Add(-jitter),
		LocationMethod: "WIFI", Address: "总部大楼", Located: true, Longitude: 120.0173, Latitude: 30.2861,
	}
	if slot%2 == 1 {
		p.CheckType, p.Time = "OffDuty", plan.Add(jitter)
	}
	if h%4 == 0 {
		p.SourceType, p.LocationMethod, p.Address, p.Located = "ATM", "", "东门考勤机", false
	}
	if c.Tidy {
		return p
	}
	switch mess := h >> 40 % 100; {
	case mess < 2:
		p.CheckType, p.InvalidType, p.InvalidMsg, p.Plan = "", "Other", "需要二次确认", time.Time{}
	case mess < 6 && slot%2 == 0:
		p.TimeResult, p.Time = "Late", plan.Add(jitter)
	case mess < 10 && p.SourceType == "":
		p.LocationResult, p.LocationMethod, p.CoordinatesAsText = "Outside", "MAP", true
		p.Address, p.Remark = "某某路1号", "拜访客户"
	}
	return p
}
