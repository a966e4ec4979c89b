package dingtalktest

import (
	"cmp"
	"hash/fnv"
	"iter"
	"slices"
	"sync"
	"time"
)

// A Punch is one punch record (打卡记录) as the platform holds it. Only UserID and
// Time are needed; the zero fields are filled as their comments say. What is not
// filled is absent from the answer, as it is on the real platform.
type Punch struct {
	// ID is the record's id. Zero: the next free one.
	ID     int64
	UserID string
	// Time is the moment of the punch (userCheckTime), kept in milliseconds.
	Time time.Time
	// CheckType is OnDuty, OffDuty or empty. Empty means absent, as for invalid
	// records and punches outside any schedule.
	CheckType string
	// TimeResult and LocationResult are Normal when CheckType is set and
	// InvalidType is not, else absent.
	TimeResult, LocationResult string
	// SourceType is USER by default.
	SourceType string
	// LocationMethod is MAP by default; ATM for the source types ATM and DING_ATM;
	// absent for BOSS, APPROVE and SYSTEM.
	LocationMethod string
	// InvalidType (Security or Other) makes the record an invalid one; InvalidMsg
	// says why.
	InvalidType, InvalidMsg string
	// Address is userAddress; for machines the machine's name.
	Address string
	// Remark is outsideRemark.
	Remark string
	// Longitude and Latitude are sent when Located, as JSON numbers, or as strings
	// with CoordinatesAsText: the documentation shows both.
	Longitude, Latitude float64
	Located             bool
	CoordinatesAsText   bool
	// Plan is when the schedule wanted the punch (planCheckTime, baseCheckTime).
	// Zero: 09:00 or 18:00 Beijing time of the work day for a valid OnDuty or
	// OffDuty, else absent.
	Plan time.Time
	// WorkDate is any moment of the work day, in Beijing time; the answer has its
	// midnight. Zero: the day of Time. Set it for night shifts, whose punches after
	// midnight belong to the day before.
	WorkDate time.Time
	// Created and Modified are gmtCreate and gmtModified. Zero: Time, and Created.
	Created, Modified time.Time
	// Extra replaces or adds fields of the answer by their wire names; a nil value
	// removes the field. The values are marshalled by encoding/json.
	Extra map[string]any
}

// A CheckIn is one field check-in (签到). It has no id: who and when identify it.
type CheckIn struct {
	UserID              string
	Time                time.Time
	Place, DetailPlace  string
	Remark              string
	Longitude, Latitude float64
}

// records is everything that people did.
type records struct {
	mu       sync.RWMutex
	punches  map[string][]Punch // by account, in the order of time
	checkIns map[string][]CheckIn
	lastID   int64
	generate func(userID string, from, to time.Time) iter.Seq[Punch]
	// hidden are generated records that were removed or corrected.
	hidden map[int64]bool
}

func (r *records) init() {
	r.punches = map[string][]Punch{}
	r.checkIns = map[string][]CheckIn{}
	r.hidden = map[int64]bool{}
	r.lastID = 500000000000
}

// AddPunch adds records and returns their ids. An ID that exists already is not
// replaced ([Server.SetPunch] does that): the platform then sends it twice. The
// account need not be in the contacts. AddPunch panics without a UserID or a Time.
func (s *Server) AddPunch(punches ...Punch) []int64 {
	r := &s.records
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]int64, 0, len(punches))
	for _, p := range punches {
		if p.UserID == "" || p.Time.IsZero() {
			panic("dingtalktest: a punch needs a UserID and a Time")
		}
		if p.ID == 0 {
			p.ID = r.lastID + 1
		}
		r.lastID = max(r.lastID, p.ID)
		ids = append(ids, p.ID)
		r.insert(p)
	}
	return ids
}

func (r *records) insert(p Punch) {
	list := r.punches[p.UserID]
	at, _ := slices.BinarySearchFunc(list, p.Time, func(q Punch, t time.Time) int {
		if q.Time.After(t) {
			return 1
		}
		return -1
	})
	r.punches[p.UserID] = slices.Insert(list, at, p)
}

// RemovePunch makes the record with this id vanish (every copy of it), as a
// cancelled approval can. It reports whether AddPunch or SetPunch had added one;
// records of [Server.PunchFunc] vanish as well, unseen.
func (s *Server) RemovePunch(id int64) bool {
	r := &s.records
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hidden[id] = true
	_, found := r.remove(id)
	return found
}

func (r *records) remove(id int64) (old Punch, found bool) {
	for user, list := range r.punches {
		kept := slices.DeleteFunc(list, func(p Punch) bool {
			if p.ID != id {
				return false
			}
			old, found = p, true
			return true
		})
		r.punches[user] = kept
	}
	return old, found
}

// SetPunch corrects the record with this ID in place, as approvals do: the whole
// record is p from now on. Created zero keeps the old one; Modified zero is the
// fake's now. SetPunch panics without an ID, a UserID or a Time. An ID that does
// not exist is added.
func (s *Server) SetPunch(p Punch) {
	if p.ID == 0 || p.UserID == "" || p.Time.IsZero() {
		panic("dingtalktest: a correction needs an ID, a UserID and a Time")
	}
	r := &s.records
	r.mu.Lock()
	defer r.mu.Unlock()
	old, found := r.remove(p.ID)
	r.hidden[p.ID] = true
	if p.Created.IsZero() && found {
		p.Created = cmp.Or(old.Created, old.Time)
	}
	if p.Modified.IsZero() {
		p.Modified = s.opts.Now()
	}
	r.lastID = max(r.lastID, p.ID)
	r.insert(p)
}

// PunchFunc makes f the source of further records, computed when they are asked
// for, so that a company of any size takes no memory. f yields the records of one
// account whose Time is from, to or between them; others are filtered out. It is
// asked for people in the contacts only, must answer the same question alike, is
// called concurrently, and must not call the Server. A record without an ID gets
// one that depends on account, time and check type. Nil: no such records.
func (s *Server) PunchFunc(f func(userID string, from, to time.Time) iter.Seq[Punch]) {
	s.records.mu.Lock()
	defer s.records.mu.Unlock()
	s.records.generate = f
}

// AddCheckIn adds field check-ins.
func (s *Server) AddCheckIn(checkIns ...CheckIn) {
	r := &s.records
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range checkIns {
		if c.UserID == "" || c.Time.IsZero() {
			panic("dingtalktest: a check-in needs a UserID and a Time")
		}
		list := r.checkIns[c.UserID]
		at, _ := slices.BinarySearchFunc(list, c.Time, func(q CheckIn, t time.Time) int {
			if q.Time.After(t) {
				return 1
			}
			return -1
		})
		r.checkIns[c.UserID] = slices.Insert(list, at, c)
	}
}

// timeRange is what a call asks for, in milliseconds.
type timeRange struct {
	from, to  int64
	exclusive bool
}

func (r timeRange) has(t time.Time) bool {
	ms := t.UnixMilli()
	return ms >= r.from && (ms < r.to || ms == r.to && !r.exclusive)
}

// each calls yield with every record of the account in the range; the record is
// good until yield returns. The caller holds the records' lock for reading.
func (r *records) each(user string, known bool, in timeRange, yield func(*Punch) bool) bool {
	list := r.punches[user]
	at, _ := slices.BinarySearchFunc(list, in.from, func(p Punch, from int64) int { return cmp.Compare(p.Time.UnixMilli(), from) })
	for i := at; i < len(list) && list[i].Time.UnixMilli() <= in.to; i++ {
		if in.has(list[i].Time) && !yield(&list[i]) {
			return false
		}
	}
	if r.generate == nil || !known {
		return true
	}
	var p Punch // one for all rows: it escapes
	for p = range r.generate(user, time.UnixMilli(in.from).UTC(), time.UnixMilli(in.to).UTC()) {
		p.UserID = user
		if p.ID == 0 {
			p.ID = derivedID(&p)
		}
		if !in.has(p.Time) || r.hidden[p.ID] {
			continue
		}
		if !yield(&p) {
			return false
		}
	}
	return true
}

func derivedID(p *Punch) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.UserID))
	_, _ = h.Write([]byte(p.CheckType))
	ms := uint64(p.Time.UnixMilli())
	for shift := 0; shift < 64; shift += 8 {
		_, _ = h.Write([]byte{byte(ms >> shift)})
	}
	return 1<<50 + int64(h.Sum64()>>15)
}
