package wecomtest

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// Limits of checkin/getcheckindata.
const (
	maxUsers          = 100
	maxThirdPartySpan = 3 * 24 * time.Hour // of types 2 and 3, where OldThirdParty
	// millisecondsFrom is a Unix time in the year 5138, or one of 1973 in
	// milliseconds: no window is meant so.
	millisecondsFrom = 100000000000
)

// checkIn is POST /cgi-bin/checkin/getcheckindata. It has no pages, and no cap
// on rows is documented. Rows come by person in the order of the request, then
// by time; the order is not documented.
func (s *Server) checkIn(c *fake.Call, caller application) fake.Answer {
	w, ids, code := s.readCheckIn(c)
	if code != 0 {
		return s.refuse(c, code)
	}
	people, hidden := s.visible(caller, ids)
	if code := s.opts.Invisible.code(); hidden && code != 0 {
		return s.refuse(c, code)
	}
	buffer, b := s.begin()
	b = append(b, `,"checkindata":[`...)
	s.records.mu.RLock()
	defer s.records.mu.RUnlock()
	rows := 0
	for _, id := range people {
		s.records.each(id, w, func(r *Record) {
			if rows++; rows > 1 {
				b = append(b, ',')
			}
			b = s.appendRecord(b, id, r)
		})
	}
	return s.success(buffer, append(b, "]}"...))
}

// readCheckIn reads what is asked for. A code other than 0 is the refusal.
func (s *Server) readCheckIn(c *fake.Call) (w window, ids []string, code int) {
	f, code := decode(c)
	if code != 0 {
		return w, nil, code
	}
	kind, okKind := f.Integer("opencheckindatatype")
	start, okStart := f.Integer("starttime")
	end, okEnd := f.Integer("endtime")
	ids, okIDs := f.Texts("useridlist")
	switch {
	case !okKind || !okStart || !okEnd || !okIDs || kind < 1 || kind > 3 || slices.Contains(ids, ""):
		return w, nil, codeBadParameter
	case len(ids) == 0 || len(ids) > maxUsers:
		return w, nil, codeBadUserIDs
	case start <= 0 || end <= start || end >= millisecondsFrom || end-start > int64(s.maxSpan(kind)/time.Second):
		return w, nil, codeBadTimeWindow
	}
	return s.window(kind, start, end), ids, 0
}

func (s *Server) maxSpan(kind int64) time.Duration {
	if s.oldThirdParty() && kind != 1 {
		return min(s.opts.MaxSpan, maxThirdPartySpan)
	}
	return s.opts.MaxSpan
}

func (s *Server) oldThirdParty() bool { return s.opts.OldThirdParty && s.opts.App == ThirdParty }

// visible returns those of the people that the application may see, as the
// directory spells them, each once, and whether there are others.
func (s *Server) visible(caller application, ids []string) (people []string, hidden bool) {
	s.company.mu.RLock()
	defer s.company.mu.RUnlock()
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		key := fold(id)
		if u, ok := s.company.users[key]; !ok || !s.company.seesUser(caller, u) {
			hidden = true
		} else if !seen[key] {
			seen[key] = true
			people = append(people, u.ID)
		}
	}
	return people, hidden
}

// appendRecord writes one row in the order of the reference's samples.
func (s *Server) appendRecord(b []byte, userID string, r *Record) []byte {
	start := len(b)
	b = s.appendFields(b, userID, r)
	b, err := fake.Edit(b, start, r.Extra)
	if err != nil {
		panic("wecomtest: Record.Extra: " + err.Error())
	}
	return b
}

func (s *Server) appendFields(b []byte, userID string, r *Record) []byte {
	bare := s.oldThirdParty()
	kind := r.Type
	if kind == "" {
		kind = typeIn
	}
	b = fake.AppendString(append(b, `{"userid":`...), userID)
	b = fake.AppendString(append(b, `,"groupname":`...), r.Group)
	b = fake.AppendString(append(b, `,"checkin_type":`...), kind)
	b = fake.AppendString(append(b, `,"exception_type":`...), r.Exception)
	b = strconv.AppendInt(append(b, `,"checkin_time":`...), r.Time.Unix(), 10)
	b = fake.AppendString(append(b, `,"location_title":`...), r.Title)
	b = fake.AppendString(append(b, `,"location_detail":`...), r.Detail)
	b = fake.AppendString(append(b, `,"wifiname":`...), r.WifiName)
	b = fake.AppendString(append(b, `,"notes":`...), r.Notes)
	if r.WifiName == "" {
		b = append(b, `,"wifimac":"","mediaids":[]`...)
	} else {
		b = append(b, `,"wifimac":"02:00:5e:10:00:01","mediaids":[]`...)
	}
	if !r.Bare {
		if !r.Scheduled.IsZero() && !bare {
			scheduled := r.Scheduled.Unix()
			if r.ScheduledAsOffset {
				scheduled -= midnight(r.day())
			}
			b = strconv.AppendInt(append(b, `,"sch_checkin_time":`...), scheduled, 10)
		}
		b = strconv.AppendInt(append(b, `,"groupid":`...), r.GroupID, 10)
		b = strconv.AppendInt(append(b, `,"schedule_id":`...), r.ScheduleID, 10)
		b = strconv.AppendInt(append(b, `,"timeline_id":`...), r.TimelineID, 10)
	}
	if !bare {
		var lat, lng int64
		if r.Located {
			lat, lng = int64(math.Round(r.Latitude*1e6)), int64(math.Round(r.Longitude*1e6))
		}
		b = strconv.AppendInt(append(b, `,"lat":`...), lat, 10)
		b = strconv.AppendInt(append(b, `,"lng":`...), lng, 10)
		if !r.Bare && !r.isPlaceholder() {
			b = fake.AppendString(append(b, `,"deviceid":`...), "DEV-"+userID)
		}
	}
	return append(b, '}')
}
