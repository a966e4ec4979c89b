package attendance

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Slice is one unit of work: some members, one span and its zone, within the
// provider's limits. It can be serialised as JSON, so any queue can carry it to
// [Syncer.Do] on another machine.
type Slice struct {
	Members []Member
	Span    Span
}

type wireSlice struct {
	Members []Member  `json:"members"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Zone    string    `json:"zone"`
}

// MarshalJSON writes the members, both ends and the zone: by its IANA name, or
// as an offset such as +08:00 where the zone has no such name.
func (s Slice) MarshalJSON() ([]byte, error) {
	zone, err := zoneName(s.Span)
	if err != nil {
		return nil, err
	}
	return json.Marshal(wireSlice{s.Members, s.Span.From, s.Span.To, zone})
}

// UnmarshalJSON reads what MarshalJSON wrote. Named zones are looked up in the
// program's time zone database.
func (s *Slice) UnmarshalJSON(data []byte) error {
	var w wireSlice
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	zone, err := zoneNamed(w.Zone)
	if err != nil {
		return err
	}
	*s = Slice{w.Members, Span{w.From.In(zone), w.To.In(zone)}}
	return nil
}

// zoneName names the zone of the span so that zoneNamed finds one with the same
// wall clock all over the span.
func zoneName(s Span) (string, error) {
	name := s.Zone().String()
	if loc, err := zoneNamed(name); err == nil && sameClock(s, loc) {
		return name, nil
	}
	_, offset := s.From.Zone()
	if offset%60 == 0 && sameClock(s, time.FixedZone("", offset)) {
		return s.From.Format("-07:00"), nil
	}
	return "", fmt.Errorf("attendance: zone %q of span %v has no name in the time zone database", name, s)
}

// sameClock compares two zones in each stretch of the span in which both keep
// one offset.
func sameClock(s Span, loc *time.Location) bool {
	for t := s.From; ; {
		other := t.In(loc)
		_, a := t.Zone()
		_, b := other.Zone()
		if a != b {
			return false
		}
		next := s.To
		for _, u := range [...]time.Time{t, other} {
			if _, end := u.ZoneBounds(); !end.IsZero() && end.Before(next) {
				next = end.In(s.Zone())
			}
		}
		if !next.Before(s.To) {
			return true
		}
		t = next
	}
}

func zoneNamed(name string) (*time.Location, error) {
	if t, err := time.Parse("-07:00", name); err == nil {
		_, offset := t.Zone()
		return time.FixedZone(name, offset), nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("attendance: unknown time zone %q", name)
	}
	return loc, nil
}
