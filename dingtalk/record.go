package dingtalk

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// A reading turns the records of one query into punches and skipped records.
type reading struct {
	span attendance.Span
	zone *time.Location
	// asked spells each account as the query does.
	asked map[string]string
	// seen are record ids; those that fit into an int64, as all documented ones do, apart
	// from the rest.
	seen      map[int64]struct{}
	seenTexts map[string]struct{}
	// addresses keeps each address once: colleagues punch at the same places.
	addresses map[string]string

	punches []attendance.Punch
	skipped []attendance.Skipped
	notes   provider.Notes
}

func newReading(q attendance.Query) *reading {
	r := &reading{
		span:      q.Span,
		zone:      q.Span.Zone(),
		asked:     make(map[string]string, len(q.Accounts)),
		seen:      map[int64]struct{}{},
		seenTexts: map[string]struct{}{},
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

// fields are those of a record that matter, as they are written.
type fields struct {
	// doubled is one of those that a record is recognised by, where it stands there twice
	// and says two things.
	doubled string

	id, user, moment, checkType, timeResult, locationResult, invalid, invalidMsg,
	address, longitude, latitude, remark []byte
}

func fieldsOf(raw []byte) (f fields) {
	for key, value := range provider.Object(raw) {
		switch string(key) {
		case "id":
			f.set(&f.id, "id", value)
		case "userId":
			f.set(&f.user, "userId", value)
		case "userCheckTime":
			f.set(&f.moment, "userCheckTime", value)
		case "checkType":
			f.set(&f.checkType, "checkType", value)
		case "timeResult":
			f.timeResult = value
		case "locationResult":
			f.locationResult = value
		case "invalidRecordType":
			f.invalid = value
		case "invalidRecordMsg":
			f.invalidMsg = value
		case "userAddress":
			f.address = value
		case "userLongitude":
			f.longitude = value
		case "userLatitude":
			f.latitude = value
		case "outsideRemark":
			f.remark = value
		}
	}
	return f
}

func (f *fields) set(field *[]byte, name string, value []byte) {
	if len(*field) > 0 && !bytes.Equal(*field, value) {
		f.doubled = name
	}
	*field = value
}

// record reads one row. sent is the stretch that the request named.
func (r *reading) record(raw []byte, sent attendance.Span) {
	f := fieldsOf(raw)
	account, asked := r.account(f.user)
	at, ok := instant(f.moment, r.zone)
	if r.repeated(f.id, account, at) {
		return
	}
	skip := func(at time.Time, reason attendance.Reason, detail string) {
		r.skipped = append(r.skipped, attendance.Skipped{
			ID: provider.Text(f.id), Account: account, Time: at, Reason: reason, Detail: provider.OneLine(detail)})
	}
	if wrong := f.spoilt(asked); wrong != "" {
		// Without its time: what it is of is not known, so nothing counts as withdrawn.
		skip(time.Time{}, attendance.Invalid, r.notes.LeftOut(dingtalk(), wrong,
			"id", provider.Text(f.id), "userId", account, "userCheckTime", provider.Text(f.moment)))
		return
	}
	switch {
	case !ok && (len(f.moment) == 0 || string(f.moment) == "null"):
		skip(time.Time{}, attendance.Invalid, r.notes.LeftOut(dingtalk(), "userCheckTime is missing", "id", provider.Text(f.id), "userId", account))
		return
	case !ok:
		skip(time.Time{}, attendance.Invalid, r.notes.LeftOut(dingtalk(), "userCheckTime is no time: "+string(f.moment), "id", provider.Text(f.id), "userId", account))
		return
	case !asked:
		r.notes.LeftOut(dingtalk(), stranger(account)+", which was not asked for", "id", provider.Text(f.id), "userCheckTime", at.Format(time.DateTime))
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
	p := attendance.Punch{Account: account, Time: at}
	var reason attendance.Reason
	var detail string
	if p.Kind, p.Direction, reason, detail = r.verdict(&f); reason != "" {
		skip(at, reason, detail)
		return
	}
	p.ID = provider.Text(f.id)
	p.Remark = provider.Text(f.remark)
	p.Place.Address = r.address(f.address)
	p.Place.Longitude, p.Place.Latitude, p.Place.Located = position(f.longitude, f.latitude)
	r.punches = append(r.punches, p)
}

// spoilt says what is wrong with a value that a record is recognised by; "" when all are sound. An account that was asked for is.
func (f *fields) spoilt(asked bool) string {
	switch {
	case f.doubled != "":
		return provider.Twice(f.doubled)
	case (!asked || bytes.IndexByte(f.user, '\\') >= 0) && provider.Spoilt(f.user):
		return provider.NoName("userId")
	case provider.Spoilt(f.id):
		return provider.NoName("id")
	case provider.Spoilt(f.moment):
		return provider.NoName("userCheckTime")
	case !knownWord(f.checkType) && provider.Spoilt(f.checkType):
		return provider.NoName("checkType")
	}
	return ""
}

// knownWord reports whether a value is one of the usual ones, as it is written.
func knownWord(raw []byte) bool {
	switch string(raw) {
	case "", `"OnDuty"`, `"OffDuty"`:
		return true
	}
	return false
}

// verdict tells what punch a record is, or why it is none. Whether a punch was in time,
// and where, is DingTalk's opinion of it: a word for that which this version does not know
// hides no punch. The one verdict that says that there was none, NotSigned, is known.
func (r *reading) verdict(f *fields) (kind attendance.Kind, direction attendance.Direction, reason attendance.Reason, detail string) {
	timing, location := verdictOf(f.timeResult), verdictOf(f.locationResult)
	switch {
	case timing == "NotSigned" || location == "NotSigned":
		return kind, direction, attendance.MissingPunch, "NotSigned"
	case len(provider.TextBytes(f.invalid)) > 0:
		if detail = provider.Text(f.invalidMsg); detail == "" {
			detail = provider.Text(f.invalid)
		}
		return kind, direction, attendance.Invalid, detail
	}
	switch word := provider.TextBytes(f.checkType); string(word) {
	case "":
	case "OnDuty":
		direction = attendance.In
	case "OffDuty":
		direction = attendance.Out
	case "Before", "After":
		// One source calls them the new names of OnDuty and OffDuty; no page of DingTalk's
		// does. Until one does they are punches without a direction.
		r.notes.Add(attendance.Warningf("unknown_direction",
			"钉钉返回的 checkType 尚无官方说明，该打卡按无方向处理 / DingTalk has a checkType whose direction no page tells; its records were taken as punches without one: checkType %s", word))
	default:
		return kind, direction, attendance.UnknownType, "checkType " + string(word)
	}
	switch timing {
	case "", "Normal", "Early", "Late", "SeriousLate", "Absenteeism":
	default:
		r.wonder("timeResult", timing)
	}
	switch location {
	case "", "Normal":
	case "Outside":
		return attendance.Outside, direction, "", ""
	default:
		r.wonder("locationResult", location)
	}
	return attendance.Regular, direction, "", ""
}

// verdictOf is a verdict in DingTalk's own spelling, where it differs from a known one in
// case, blanks or control characters only: what says that there was no punch must not
// become one for them.
func verdictOf(raw []byte) string {
	switch string(raw) { // as nearly every one is written
	case "", `""`:
		return ""
	case `"Normal"`:
		return "Normal"
	case `"Outside"`:
		return "Outside"
	}
	word := provider.Text(raw)
	letters := strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) {
			return c
		}
		return -1
	}, word)
	for _, known := range [...]string{"NotSigned", "Outside", "Normal", "Early", "Late", "SeriousLate", "Absenteeism"} {
		if strings.EqualFold(letters, known) {
			return known
		}
	}
	return word
}

// wonder notes a verdict that this version does not know, of a record that was taken.
func (r *reading) wonder(field, word string) {
	r.notes.Add(attendance.Warningf("unknown_result",
		"钉钉返回了未知的判定结果，打卡已照常处理 / DingTalk has a verdict that this version does not know; its records were taken as punches: %s %s", field, provider.OneLine(word)))
}

// dingtalk is the platform's name for people.
func dingtalk() attendance.Text { return attendance.Text{EN: "DingTalk", ZH: "钉钉"} }

// repeated reports whether a record was read before: the same id, of the same person and
// moment, so that ids which are none (0 for each) cost nobody a punch. A record without id
// is never a repetition.
func (r *reading) repeated(id []byte, account string, at time.Time) bool {
	known := false
	if n, ok := provider.Int(id); ok {
		_, known = r.seen[n]
		r.seen[n] = struct{}{}
	} else if text := provider.Text(id); text != "" {
		_, known = r.seenTexts[text]
		r.seenTexts[text] = struct{}{}
	}
	return known && (slices.ContainsFunc(r.punches, func(p attendance.Punch) bool {
		return p.Account == account && p.Time.Equal(at) && sameID(p.ID, id)
	}) || slices.ContainsFunc(r.skipped, func(s attendance.Skipped) bool {
		return s.Account == account && (s.Time.Equal(at) || s.Time.IsZero()) && sameID(s.ID, id)
	}))
}

// sameID compares an id as it was kept with one as it is written: 7 and "7" are the same.
func sameID(kept string, raw []byte) bool {
	n, ok := provider.Int(raw)
	k, kOK := provider.Int([]byte(kept))
	return ok && kOK && n == k || kept == provider.Text(raw)
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
