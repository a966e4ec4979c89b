package dingtalk

import (
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// A checkInReading turns the rows of one query for check-ins into punches. The
// rows of both endpoints differ in their spelling only.
type checkInReading struct {
	span  attendance.Span
	zone  *time.Location
	asked map[string]string
	// seen are the check-ins read so far. DingTalk gives them no id: who and when
	// is their natural key.
	seen map[checkInKey]struct{}

	punches []attendance.Punch
	skipped []attendance.Skipped
	notes   provider.Notes
}

type checkInKey struct {
	account string
	milli   int64
}

func newCheckInReading(q attendance.Query) *checkInReading {
	r := &checkInReading{
		span:  q.Span,
		zone:  q.Span.Zone(),
		asked: make(map[string]string, len(q.Accounts)),
		seen:  map[checkInKey]struct{}{},
	}
	for _, a := range q.Accounts {
		r.asked[a] = a
	}
	return r
}

// row reads one row. sent is the stretch that the request named; colleagues says
// that the request was for whole departments, whose other people are none of ours.
func (r *checkInReading) row(raw []byte, sent attendance.Span, colleagues bool) {
	var user, moment, place, detail, longitude, latitude, remark []byte
	for key, value := range provider.Object(raw) {
		switch string(key) {
		case "userId", "userid":
			user = value
		case "timestamp", "checkin_time":
			moment = value
		case "place":
			place = value
		case "detailPlace", "detail_place":
			detail = value
		case "longitude":
			longitude = value
		case "latitude":
			latitude = value
		case "remark":
			remark = value
		}
	}
	account, asked := r.asked[string(provider.TextBytes(user))]
	spoilt := ""
	switch {
	case provider.Spoilt(user):
		spoilt, asked = "userId", false
	case provider.Spoilt(moment):
		spoilt = "timestamp"
	}
	if !asked {
		if account = provider.Text(user); colleagues && account != "" && spoilt != "userId" {
			return
		}
	}
	skip := func(at time.Time, reason attendance.Reason, detail string) {
		r.skipped = append(r.skipped, attendance.Skipped{Account: account, Time: at, Reason: reason, Detail: provider.OneLine(detail)})
	}
	at, ok := instant(moment, r.zone)
	switch {
	case spoilt != "":
		skip(time.Time{}, attendance.Invalid, r.notes.LeftOut(dingtalk(), provider.NoName(spoilt), "userId", account, "timestamp", provider.Text(moment)))
		return
	case !ok:
		skip(time.Time{}, attendance.Invalid, "the check-in's time is no time: "+string(moment))
		return
	case !asked:
		skip(at, attendance.NotAsked, stranger(account))
		return
	}
	key := checkInKey{account, at.UnixMilli()}
	if _, again := r.seen[key]; again {
		return
	}
	r.seen[key] = struct{}{}
	if !r.span.Contains(at) {
		if at.Before(sent.From) || at.After(sent.To) {
			skip(at, attendance.OutsideWindow, "")
		}
		return
	}
	p := attendance.Punch{Account: account, Time: at, Kind: attendance.Field, Remark: provider.Text(remark)}
	if p.Place.Address = strings.TrimSpace(provider.Text(detail)); p.Place.Address == "" {
		p.Place.Address = strings.TrimSpace(provider.Text(place))
	}
	p.Place.Longitude, p.Place.Latitude, p.Place.Located = position(longitude, latitude)
	r.punches = append(r.punches, p)
}
