package dingtalk

import (
	"math"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// A reading turns the records of one query into punches and skipped records.
type reading struct {
	span attendance.Span
	zone *time.Location
	// asked spells each account as the query does.
	asked map[string]string
	// seen are record ids; those that fit into an int64, as all documented ones
	// do, apart from the rest.
	seen      map[int64]struct{}
	seenTexts map[string]struct{}
	// addresses keeps each address once: colleagues punch at the same places.
	addresses map[string]string

	punches []attendance.Punch
	skipped []attendance.Skipped
}

func newReading(q attendance.Query) *reading {
	r := &reading{
		span:      q.Span,
		zone:      q.Span.Zone(),
		asked:     make(map[string]string, len(q.Accounts)),
		seen:      map[int64]struct{}{},
		addresses: map[string]string{},
	}
	for _, a := range q.Accounts {
		r.asked[a] = a
	}
	return r
}

// records reads one answer to what was sent and returns its number of rows. An
// answer without the list is no empty answer: an empty success is not invented.
func (r *reading) records(body []byte, sent attendance.Span) (rows int, err error) {
	list := provider.Member(body, "recordresult")
	if len(list) == 0 || list[0] != '[' {
		return 0, &attendance.Error{Code: attendance.CodeMalformed, Op: "dingtalk " + pathListRecord,
			Detail: "errcode 0 without the list recordresult"}
	}
	for raw := range provider.Array(list) {
		if rows == 0 {
			r.grow(len(list) / max(len(raw), 1))
		}
		rows++
		r.record(raw, sent)
	}
	return rows, nil
}

// grow makes room for about n more punches, so that the lists are not copied as
// they grow.
func (r *reading) grow(n int) {
	n = min(n+n/8, 1<<14)
	if len(r.seen) == 0 {
		r.seen = make(map[int64]struct{}, n)
	}
	if cap(r.punches)-len(r.punches) < n {
		grown := make([]attendance.Punch, len(r.punches), len(r.punches)+n)
		copy(grown, r.punches)
		r.punches = grown
	}
}

// record reads one row. sent is the stretch that the request named.
func (r *reading) record(raw []byte, sent attendance.Span) {
	var id, user, moment, checkType, timeResult, locationResult, invalid, invalidMsg,
		address, longitude, latitude, remark []byte
	for key, value := range provider.Object(raw) {
		switch string(key) {
		case "id":
			id = value
		case "userId":
			user = value
		case "userCheckTime":
			moment = value
		case "checkType":
			checkType = value
		case "timeResult":
			timeResult = value
		case "locationResult":
			locationResult = value
		case "invalidRecordType":
			invalid = value
		case "invalidRecordMsg":
			invalidMsg = value
		case "userAddress":
			address = value
		case "userLongitude":
			longitude = value
		case "userLatitude":
			latitude = value
		case "outsideRemark":
			remark = value
		}
	}
	if r.repeated(id) {
		return
	}
	account, asked := r.account(user)
	skip := func(at time.Time, reason attendance.Reason, detail string) {
		r.skipped = append(r.skipped, attendance.Skipped{
			ID: provider.Text(id), Account: account, Time: at, Reason: reason, Detail: provider.OneLine(detail)})
	}
	at, ok := instant(moment, r.zone)
	switch {
	case !ok && (len(moment) == 0 || string(moment) == "null"):
		skip(time.Time{}, attendance.Invalid, "userCheckTime is missing")
		return
	case !ok:
		skip(time.Time{}, attendance.Invalid, "userCheckTime is no time: "+string(moment))
		return
	case !asked:
		skip(at, attendance.NotAsked, stranger(account))
		return
	case !r.span.Contains(at):
		// What was sent is rounded outward, and whether its last second is included
		// is not documented: a record there is overlap, and counts nowhere.
		if at.Before(sent.From) || !at.Before(sent.To.Add(time.Second)) {
			skip(at, attendance.OutsideWindow, "")
		}
		return
	}
	timing, location := provider.TextBytes(timeResult), provider.TextBytes(locationResult)
	if string(timing) == "NotSigned" || string(location) == "NotSigned" {
		skip(at, attendance.MissingPunch, "NotSigned")
		return
	}
	if len(provider.TextBytes(invalid)) > 0 {
		detail := provider.Text(invalidMsg)
		if detail == "" {
			detail = provider.Text(invalid)
		}
		skip(at, attendance.Invalid, detail)
		return
	}
	p := attendance.Punch{Account: account, Time: at, Kind: attendance.Regular}
	switch kind := provider.TextBytes(checkType); string(kind) {
	case "":
	case "OnDuty":
		p.Direction = attendance.In
	case "OffDuty":
		p.Direction = attendance.Out
	default:
		skip(at, attendance.UnknownType, "checkType "+string(kind))
		return
	}
	switch string(timing) {
	case "", "Normal", "Early", "Late", "SeriousLate", "Absenteeism":
	default:
		skip(at, attendance.UnknownType, "timeResult "+string(timing))
		return
	}
	switch string(location) {
	case "", "Normal":
	case "Outside":
		p.Kind = attendance.Outside
	default:
		skip(at, attendance.UnknownType, "locationResult "+string(location))
		return
	}
	p.ID = provider.Text(id)
	p.Remark = provider.Text(remark)
	p.Place.Address = r.address(address)
	p.Place.Longitude, p.Place.Latitude, p.Place.Located = position(longitude, latitude)
	r.punches = append(r.punches, p)
}

// repeated reports whether a record with this id was read before. A record
// without id is never a repetition.
func (r *reading) repeated(id []byte) bool {
	if n, ok := provider.Int(id); ok {
		if _, seen := r.seen[n]; seen {
			return true
		}
		r.seen[n] = struct{}{}
		return false
	}
	text := provider.Text(id)
	if text == "" {
		return false
	}
	if _, seen := r.seenTexts[text]; seen {
		return true
	}
	if r.seenTexts == nil {
		r.seenTexts = map[string]struct{}{}
	}
	r.seenTexts[text] = struct{}{}
	return false
}

// account spells a userId as the query does; asked is false when the query does
// not have it.
func (r *reading) account(raw []byte) (account string, asked bool) {
	text := provider.TextBytes(raw)
	if account, asked = r.asked[string(text)]; asked {
		return account, true
	}
	return string(text), false
}

// stranger words the userId of a record that nobody asked for.
func stranger(account string) string {
	if account == "" {
		return "no userId"
	}
	return "userId " + account
}

// address returns the text of an address, the same string for the same address.
func (r *reading) address(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	if text, ok := r.addresses[string(raw)]; ok {
		return text
	}
	text := strings.TrimSpace(provider.Text(raw))
	r.addresses[string(raw)] = text
	return text
}

// lastMilli is the last millisecond of the year 9999, the end of the calendar
// that the OA's text columns can hold.
const lastMilli = 253402300799999

// instant reads milliseconds since 1970, written as a number or as text.
func instant(raw []byte, zone *time.Location) (time.Time, bool) {
	ms, ok := provider.Int(raw)
	if !ok || ms <= 0 || ms > lastMilli {
		return time.Time{}, false
	}
	return time.UnixMilli(ms).In(zone), true
}

// position reads coordinates, numbers or texts. 0, 0 lies in the sea off Africa
// and is what a client without a fix sends.
func position(longitude, latitude []byte) (x, y float64, located bool) {
	x, okX := provider.Float(longitude)
	y, okY := provider.Float(latitude)
	if !okX || !okY || math.IsNaN(x) || math.IsNaN(y) ||
		math.Abs(x) > 180 || math.Abs(y) > 90 || x == 0 && y == 0 {
		return 0, 0, false
	}
	return x, y, true
}
