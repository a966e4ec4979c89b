package wecomtest

import (
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
)

// The words of the platform that decide what a row is.
const (
	typeIn    = "上班打卡"
	typeVisit = "外出打卡"
	missing   = "未打卡"
)

// A Record is one row of check-in data (打卡记录) as the platform holds it. Only
// UserID and Time are needed. There is no id on the wire.
//
// A record whose Exception contains 未打卡 is a placeholder for a punch that was
// not made: its Time is the scheduled time and may lie in the future.
type Record struct {
	// UserID is whose it is. It answers once it is in the directory.
	UserID string
	// Time is checkin_time, in whole seconds.
	Time time.Time
	// Type is checkin_type: 上班打卡 (also empty), 下班打卡 or 外出打卡.
	Type string
	// Exception is exception_type: empty for a normal punch, else one or more of
	// 时间异常, 地点异常, 未打卡, wifi异常, 非常用设备, joined by semicolons.
	Exception string
	// Title and Detail are location_title and location_detail, Group is groupname.
	Title, Detail, Notes, Group, WifiName string
	// Longitude and Latitude are sent when Located, as integers of millionths of a
	// degree; else zeros are.
	Longitude, Latitude float64
	Located             bool
	// Scheduled is the standard time that the punch belongs to (sch_checkin_time).
	// Zero: the field is absent.
	Scheduled time.Time
	// ScheduledAsOffset sends Scheduled as seconds from 00:00 of the attendance
	// day, as one report has it, and not as a Unix time.
	ScheduledAsOffset bool
	// Day is any moment of the attendance day, in Beijing. Zero: the day of Time.
	// Set it for punches after midnight that belong to the day before.
	Day time.Time

	GroupID, ScheduleID, TimelineID int64
	// Bare leaves out sch_checkin_time, groupid, schedule_id, timeline_id and
	// deviceid, which came after the payload of 2020 that was seen.
	Bare bool
	// Extra replaces or adds fields of the answer by their wire names; a nil value
	// removes the field. The values are marshalled by encoding/json.
	Extra map[string]any
}

func (r *Record) isPlaceholder() bool {
	return r.Exception != "" && strings.Contains(r.Exception, missing)
}

// records is everything that people did, and did not.
type records struct {
	mu       sync.RWMutex
	stored   map[string][]Record // by folded userid, in the order of time
	generate func(userID string, from, to time.Time) iter.Seq[Record]
}

func (r *records) init() { r.stored = map[string][]Record{} }

// AddRecord adds records. Equal ones are all sent. AddRecord panics without a
// UserID or a Time.
func (s *Server) AddRecord(added ...Record) {
	r := &s.records
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range added {
		if one.UserID == "" || one.Time.IsZero() {
			panic("wecomtest: a record needs a UserID and a Time")
		}
		key := fold(one.UserID)
		list := r.stored[key]
		at, _ := slices.BinarySearchFunc(list, one.Time, func(q Record, t time.Time) int {
			if q.Time.After(t) {
				return 1
			}
			return -1
		})
		r.stored[key] = slices.Insert(list, at, one)
	}
}

// RemoveRecord removes the added records that match, as a correction can, and
// returns how many they were. Those of [Server.RecordFunc] are not asked for.
func (s *Server) RemoveRecord(matches func(Record) bool) int {
	r := &s.records
	r.mu.Lock()
	defer r.mu.Unlock()
	removed := 0
	for key, list := range r.stored {
		kept := slices.DeleteFunc(list, matches)
		removed += len(list) - len(kept)
		r.stored[key] = kept
	}
	return removed
}

// RecordFunc makes f the source of further records, computed when they are asked
// for, so that a company of any size takes no memory. f yields the records of one
// person whose Time is from, to or between them, in the order of time; others are
// filtered out. It is asked for people in the directory only, by their userid as
// it is spelt there, must answer the same question alike, is called concurrently,
// and must not call the Server. Nil: no such records.
//
// A record is found by its attendance day. f is asked for a day before the days
// of the window and two after them, so a record's Time must not be farther from
// its Day.
func (s *Server) RecordFunc(f func(userID string, from, to time.Time) iter.Seq[Record]) {
	s.records.mu.Lock()
	defer s.records.mu.Unlock()
	s.records.generate = f
}

// each calls yield with every record of the person that the window finds, in the
// order of time; it is good until yield returns. The caller holds the records'
// lock for reading.
func (r *records) each(userID string, w window, yield func(*Record)) {
	list := r.stored[fold(userID)]
	upTo := func(t time.Time) {
		for len(list) > 0 && !list[0].Time.After(t) {
			if w.finds(&list[0]) {
				yield(&list[0])
			}
			list = list[1:]
		}
	}
	if r.generate != nil {
		from, to := w.around()
		var one Record // for all rows: it escapes
		for one = range r.generate(userID, from, to) {
			upTo(one.Time)
			if w.finds(&one) {
				yield(&one)
			}
		}
	}
	for i := range list {
		if w.finds(&list[i]) {
			yield(&list[i])
		}
	}
}
