package wecomtest

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// A Company describes people and records for [Populate].
type Company struct {
	// People is how many there are. Their ids are staff000001, staff000002 and so
	// on, their job numbers A000001 and so on; departments have 50 of them.
	People int
	// First is any moment of the first day with records, in Beijing time. Zero: so
	// that the last day is the fake's today.
	First time.Time
	// Days is how many days have records. Zero: 7.
	Days int
	// PerDay is how many records a person has in a day: 2 (zero) or any even
	// number; half of them 上班打卡. They lie between 08:30 and 18:30 Beijing time.
	PerDay int
	// Weekends have records too.
	Weekends bool
	// Tidy leaves out the believable mess: without it every 20th punch is missing
	// (未打卡), so are those of today that are still ahead, and others are late,
	// at a wrong place, in a wrong network or made outside (外出打卡). With it
	// People x days x PerDay punches are all there is.
	Tidy bool
	// Seed varies the details. Equal companies with equal seeds are alike.
	Seed uint64
}

// Populate fills the fake with a believable company. The records are computed
// when they are asked for ([Server.RecordFunc], which it replaces), so they take
// no memory; no punch lies in the future of the fake's clock. People, departments
// and records that were added before stay.
func Populate(s *Server, c Company) {
	if c.Days == 0 {
		c.Days = 7
	}
	if c.PerDay == 0 {
		c.PerDay = 2
	}
	first := c.First
	if first.IsZero() {
		first = s.opts.Now().Add(-time.Duration(c.Days-1) * day * time.Second)
	}
	crowd := crowd{Company: c, now: s.opts.Now, first: dayOf(first.Unix())}

	fake.Teams(c.People, func(id, parent int64, name string) {
		s.AddDepartment(Department{ID: id, Parent: parent, Name: name})
	})
	users := make([]User, c.People)
	for i := range users {
		users[i] = crowd.user(i, fake.TeamOf(i))
	}
	s.AddUser(users...)
	s.RecordFunc(crowd.records)
}

// crowd computes the people and records of a Company.
type crowd struct {
	Company
	first int64 // day
	now   func() time.Time
}

func (c crowd) user(i int, department int64) User {
	h := fake.Mix(c.Seed, i, -1, 0)
	u := User{
		ID:          fmt.Sprintf("staff%06d", i+1),
		Name:        fake.PersonName(h),
		JobNumber:   fmt.Sprintf("A%06d", i+1),
		Mobile:      fmt.Sprintf("138%08d", i+1),
		Departments: []int64{department},
	}
	if !c.Tidy && h>>24%40 == 0 {
		u.Status = 4
	}
	return u
}

// records is the RecordFunc of the crowd. Attendance days are calendar days here,
// and records keep their order in whatever mess.
func (c crowd) records(userID string, from, to time.Time) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		digits, ok := strings.CutPrefix(userID, "staff")
		number, err := strconv.Atoi(digits)
		if !ok || err != nil || number < 1 || number > c.People {
			return
		}
		now := c.now()
		last := min(c.first+int64(c.Days)-1, dayOf(now.Unix()), dayOf(to.Unix()))
		for d := max(c.first, dayOf(from.Unix())); d <= last; d++ {
			// 1970-01-01 was a Thursday.
			if weekday := time.Weekday((d + 4) % 7); !c.Weekends && (weekday == time.Saturday || weekday == time.Sunday) {
				continue
			}
			for slot := range c.PerDay {
				if r, ok := c.record(userID, number-1, d, slot, now); ok && !r.Time.Before(from) && !r.Time.After(to) && !yield(r) {
					return
				}
			}
		}
	}
}

func (c crowd) record(userID string, person int, d int64, slot int, now time.Time) (Record, bool) {
	h := fake.Mix(c.Seed, person, int(d), slot)
	// The slots lie evenly between 09:00 and 18:00; people come in the half hour
	// before and go in the half hour after.
	plan := midnight(d) + 9*3600
	if c.PerDay > 1 {
		plan += 9 * 3600 * int64(slot) / int64(c.PerDay-1)
	}
	within := min(1800, 4*3600/uint64(c.PerDay))
	jitter := int64(h >> 8 % within)
	r := Record{
		UserID: userID, Type: typeIn, Time: time.Unix(plan-jitter, 0), Scheduled: time.Unix(plan, 0),
		Group: "总部考勤", GroupID: 7, TimelineID: int64(slot/2 + 1),
		Title: "总部大楼", Detail: "示例省示例市示例路1号", WifiName: "Corp-WiFi-3F",
		Located: true, Longitude: 121.473701, Latitude: 31.230416,
	}
	if slot%2 == 1 {
		r.Type, r.Time = "下班打卡", time.Unix(plan+jitter, 0)
	}
	if c.Tidy {
		return r, !r.Time.After(now)
	}
	whole := r
	switch mess := h >> 40 % 100; {
	case mess < 5:
		return whole.missed(), true
	case mess < 9 && slot%2 == 0:
		r.Exception, r.Time = "时间异常", time.Unix(plan+jitter, 0)
	case mess < 12:
		r.Exception, r.Title, r.Detail, r.WifiName = "地点异常;wifi异常", "地铁站", "示例省示例市示例路88号附近", ""
	case mess < 14:
		r.Exception, r.WifiName = "wifi异常", "Guest"
	case mess < 17:
		r.Type, r.Group, r.GroupID, r.TimelineID, r.Scheduled = typeVisit, "", 0, 0, time.Time{}
		r.Title, r.Detail, r.WifiName, r.Notes = "示例产业园", "示例省示例市园区路9号", "", "拜访客户"
	}
	if r.Time.After(now) { // not made yet
		return whole.missed(), true
	}
	return r, true
}

// missed is the placeholder that stands for the punch.
func (r *Record) missed() Record {
	return Record{
		UserID: r.UserID, Type: r.Type, Exception: missing, Time: r.Scheduled, Scheduled: r.Scheduled,
		Group: r.Group, GroupID: r.GroupID, TimelineID: r.TimelineID,
	}
}
