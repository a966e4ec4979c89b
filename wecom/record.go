package wecom

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// A reading turns the rows of one query into punches and skipped records.
type reading struct {
	span attendance.Span
	zone *time.Location
	// asked spells each account as the query does, by that spelling and by the folded
	// one: WeCom answers with its directory's.
	asked map[string]string
	// seen are the rows read so far: windows overlap.
	seen map[rowKey]struct{}
	// addresses keeps each address once: colleagues punch at the same places.
	addresses map[string]string
	scratch   []byte
	// skipAbnormal: rows with 地点异常 or wifi异常 are no punches.
	skipAbnormal bool

	punches []attendance.Punch
	skipped []attendance.Skipped
	notes   provider.Notes
}

// A rowKey identifies a row, as WeCom has no record id. Whether it is a
// placeholder belongs to it: a make-up punch may stand beside the placeholder of
// the very same second.
type rowKey struct {
	account            string
	at                 int64
	kind               rowKind
	word               string // of an unknown kind
	missing            bool
	schedule, timeline int64
}

// rowKind is what checkin_type says.
type rowKind uint8

const (
	kindUnknown rowKind = iota
	kindIn
	kindOut
	kindField
	kindUndirected
)

func newReading(q attendance.Query) *reading {
	r := &reading{
		span:      q.Span,
		zone:      q.Span.Zone(),
		asked:     make(map[string]string, 2*len(q.Accounts)),
		seen:      map[rowKey]struct{}{},
		addresses: map[string]string{},
	}
	for _, a := range q.Accounts {
		r.asked[strings.ToLower(a)] = a
		r.asked[a] = a
	}
	return r
}

// rows reads one answer to what was sent and returns its number of rows.
func (r *reading) rows(body []byte, sent window) (n int, err error) {
	list, err := list(body, pathCheckIns, keyRecords)
	if err != nil {
		return 0, err
	}
	for raw := range provider.Array(list) {
		if n == 0 {
			r.grow(len(list) / max(len(raw), 1))
		}
		n++
		r.row(raw, sent)
	}
	return n, nil
}

// grow makes room for about n more punches, so that the lists are not copied as
// they grow.
func (r *reading) grow(n int) {
	n = min(n+n/8, 1<<14)
	if len(r.seen) == 0 {
		r.seen = make(map[rowKey]struct{}, n)
	}
	r.punches = slices.Grow(r.punches, n)
}

// fields are those of a row that matter, as they are written.
type fields struct {
	// doubled is one of those that a row is recognised by, where it stands there twice and
	// says two things.
	doubled string

	user, kind, exception, moment, title, detail, notes, wifi, lat, lng, scheduled, schedule, timeline []byte
}

func fieldsOf(raw []byte) (f fields) {
	for key, value := range provider.Object(raw) {
		switch string(key) {
		case "userid":
			f.set(&f.user, "userid", value)
		case "checkin_type":
			f.set(&f.kind, "checkin_type", value)
		case "exception_type":
			f.set(&f.exception, "exception_type", value)
		case "checkin_time":
			f.set(&f.moment, "checkin_time", value)
		case "location_title":
			f.title = value
		case "location_detail":
			f.detail = value
		case "notes":
			f.notes = value
		case "wifiname":
			f.wifi = value
		case "lat":
			f.lat = value
		case "lng":
			f.lng = value
		case "sch_checkin_time":
			f.scheduled = value
		case "schedule_id":
			f.schedule = value
		case "timeline_id":
			f.timeline = value
		}
	}
	return f
}

func (f *fields) set(field *[]byte, name string, value []byte) {
	if *field != nil && !bytes.Equal(*field, value) {
		f.doubled = name
	}
	*field = value
}

// row reads one row. sent is the window that the request named.
func (r *reading) row(raw []byte, sent window) {
	f := fieldsOf(raw)
	at, timed := instant(f.moment, r.zone)
	if timed && !r.span.Contains(at) {
		// Read for padding, or sent because of WeCom's rounding: counts nowhere.
		if !sent.near(at) {
			account, _ := r.account(f.user)
			r.skip(account, at, attendance.OutsideWindow, "")
		}
		return
	}
	account, asked := r.account(f.user)
	if wrong := f.spoilt(asked); wrong != "" {
		// Without its time: what it is of is not known, so nothing counts as withdrawn.
		r.skip(account, time.Time{}, attendance.Invalid, r.notes.LeftOut(wecom(), wrong,
			"userid", account, "checkin_time", provider.Text(f.moment)))
		return
	}
	kind, word := kindOf(f.kind)
	said := exceptionsOf(f.exception)
	missing := said.missing
	key := rowKey{account: account, kind: kind, word: word, missing: missing}
	if timed {
		key.at = at.Unix()
	} else {
		key.word += string(f.moment) // else all of a shift would be one
	}
	key.schedule, _ = provider.Int(f.schedule)
	key.timeline, _ = provider.Int(f.timeline)
	if _, again := r.seen[key]; again {
		return
	}
	r.seen[key] = struct{}{}
	switch {
	case !timed && (len(f.moment) == 0 || string(f.moment) == "null"):
		r.skip(account, time.Time{}, attendance.Invalid, r.notes.LeftOut(wecom(), "checkin_time is missing", "userid", account))
	case !timed:
		r.skip(account, time.Time{}, attendance.Invalid, r.notes.LeftOut(wecom(), "checkin_time is no time: "+string(f.moment), "userid", account))
	case !asked:
		r.notes.LeftOut(wecom(), stranger(account)+", which was not asked for", "checkin_time", at.Format(time.DateTime))
		r.skip(account, at, attendance.NotAsked, stranger(account))
	case missing:
		r.skip(account, at, attendance.MissingPunch, missed(f, at))
	case len(f.exception) > 0 && (f.exception[0] == '[' || f.exception[0] == '{'):
		r.skip(account, at, attendance.Invalid, "exception_type is no text: "+string(f.exception))
	case kind == kindUnknown:
		r.skip(account, at, attendance.UnknownType, "checkin_type "+word)
	case said.strange != "" && !bytes.Contains(provider.TextBytes(f.exception), []byte("补卡")) && f.isPlaceholder(at):
		r.skip(account, at, attendance.UnknownType, "exception_type "+said.strange)
	case said.abnormal && r.skipAbnormal:
		r.skip(account, at, attendance.Abnormal, provider.Text(f.exception))
	default:
		r.wonder(said.strange)
		r.punches = append(r.punches, r.punch(f, account, at, kind))
	}
}

// spoilt says what is wrong with a value that a row is recognised by; "" when all are sound. An account that was asked for is.
func (f *fields) spoilt(asked bool) string {
	switch {
	case f.doubled != "":
		return provider.Twice(f.doubled)
	case (!asked || bytes.IndexByte(f.user, '\\') >= 0) && provider.Spoilt(f.user):
		return provider.NoName("userid")
	case provider.Spoilt(f.moment):
		return provider.NoName("checkin_time")
	case !knownWord(f.kind) && provider.Spoilt(f.kind):
		return provider.NoName("checkin_type")
	case !knownWord(f.exception) && provider.Spoilt(f.exception):
		return provider.NoName("exception_type")
	}
	return ""
}

// knownWord reports whether a value is one of the usual ones, as it is written.
func knownWord(raw []byte) bool {
	switch string(raw) {
	case "", `""`, `"上班打卡"`, `"下班打卡"`, `"外出打卡"`, `"仅记录打卡时间和位置"`, `"时间异常"`, `"地点异常"`, `"未打卡"`:
		return true
	}
	return false
}

// isPlaceholder reports whether a row looks like that of a missing punch: made at
// the very second it was due, nowhere. It decides only together with an exception
// that is not understood: a machine's punch may have no place either.
func (f *fields) isPlaceholder(at time.Time) bool {
	due, known := scheduled(f.scheduled, at)
	_, _, located := position(f.lng, f.lat)
	return known && due.Equal(at) && !located && len(provider.TextBytes(f.title)) == 0 && len(provider.TextBytes(f.detail)) == 0 && len(provider.TextBytes(f.wifi)) == 0
}

func (r *reading) punch(f fields, account string, at time.Time, kind rowKind) attendance.Punch {
	p := attendance.Punch{Account: account, Time: at, Kind: attendance.Regular, Remark: provider.Text(f.notes)}
	switch kind {
	case kindIn:
		p.Direction = attendance.In
	case kindOut:
		p.Direction = attendance.Out
	case kindField:
		p.Kind = attendance.Field
	}
	p.Place.Address = r.address(f.title, f.detail)
	p.Place.Longitude, p.Place.Latitude, p.Place.Located = position(f.lng, f.lat)
	return p
}

func (r *reading) skip(account string, at time.Time, reason attendance.Reason, detail string) {
	r.skipped = append(r.skipped, attendance.Skipped{Account: account, Time: at, Reason: reason, Detail: provider.OneLine(detail)})
}

// account spells a userid as the query does; asked is false when the query does
// not have it.
func (r *reading) account(raw []byte) (account string, asked bool) {
	text := provider.TextBytes(raw)
	if account, asked = r.asked[string(text)]; asked {
		return account, true
	}
	if account, asked = r.asked[strings.ToLower(string(text))]; asked {
		return account, true
	}
	return string(text), false
}

// stranger words the userid of a row that nobody asked for.
func stranger(account string) string {
	if account == "" {
		return "no userid"
	}
	return "userid " + account
}

// kindOf reads checkin_type by its parts. 仅记录打卡时间和位置, official since December
// 2024, is what a rule of free hours (自由上下班) may record in place of 上班 and 下班. One that says two things, or nothing known, is unknown; so
// is the number that some applications are said to get. word is set for unknown
// ones only.
func kindOf(raw []byte) (kind rowKind, word string) {
	switch string(raw) { // as nearly every one is written
	case `"上班打卡"`:
		return kindIn, ""
	case `"下班打卡"`:
		return kindOut, ""
	case `"外出打卡"`:
		return kindField, ""
	}
	text := provider.TextBytes(raw)
	said := 0
	for _, known := range [...]struct {
		word string
		kind rowKind
	}{{"上班", kindIn}, {"下班", kindOut}, {"外出", kindField}, {"仅记录打卡时间", kindUndirected}} {
		if bytes.Contains(text, []byte(known.word)) {
			kind = known.kind
			said++
		}
	}
	if said != 1 || bytes.Contains(text, []byte("上下班")) {
		return kindUnknown, string(text)
	}
	return kind, ""
}

// exceptions are what exception_type says.
type exceptions struct {
	missing  bool   // 未打卡: there was no punch
	abnormal bool   // 地点异常 or wifi异常: not where it should have been
	strange  string // the first word that this version does not know
}

// exceptionsOf reads exception_type: empty, or words separated by semicolons,
// full-width ones too.
func exceptionsOf(raw []byte) (e exceptions) {
	if len(raw) <= len(`""`) {
		return e
	}
	text := provider.TextBytes(raw)
	for word := range bytes.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(";；,，、|/ \u3000", c) }) {
		switch {
		case bytes.Contains(word, []byte("未打卡")):
			e.missing = true
		case string(word) == "地点异常", bytes.EqualFold(word, []byte("wifi异常")):
			e.abnormal = true
		case string(word) == "时间异常", string(word) == "非常用设备", string(word) == "正常":
		case e.strange == "":
			e.strange = string(word)
		}
	}
	return e
}

// wonder notes an exception that this version does not know, of a row that was taken.
// Such rows are punches: the pages name one exception that is not, and it is known.
func (r *reading) wonder(word string) {
	if word != "" {
		r.notes.Add(attendance.Warningf("unknown_exception",
			"企业微信返回了未知的 exception_type，打卡已照常处理 / WeCom has an exception_type that this version does not know; its rows were taken as punches: %s", provider.OneLine(word)))
	}
}

// wecom is the platform's name for people.
func wecom() attendance.Text { return attendance.Text{EN: "WeCom", ZH: "企业微信"} }

// missed words a placeholder: which punch of which shift is missing.
func missed(f fields, at time.Time) string {
	detail := provider.Text(f.kind) + " 未打卡"
	if due, ok := scheduled(f.scheduled, at); ok {
		detail += ", due " + due.Format("2006-01-02 15:04")
	}
	return detail
}

// longestOffset is what sch_checkin_time may be at most to be an offset: two days.
const longestOffset = 2 * 24 * 60 * 60

// scheduled reads sch_checkin_time, when the punch of the row at a moment was due.
// Two forms were seen: Unix seconds, and seconds after 00:00 of the attendance day,
// which go up to two days, for shifts across midnight. Which attendance day that
// is follows from the row's moment, which lies near. 0 and nothing at all are none.
func scheduled(raw []byte, at time.Time) (due time.Time, ok bool) {
	seconds, ok := provider.Int(raw)
	switch {
	case !ok || seconds <= 0 || seconds > lastSecond:
		return time.Time{}, false
	case seconds > longestOffset:
		return time.Unix(seconds, 0).In(at.Location()), true
	}
	today := midnight(at).Add(time.Duration(seconds) * time.Second)
	for n := -2; n <= 1; n++ {
		if other := today.AddDate(0, 0, n); due.IsZero() || other.Sub(at).Abs() < due.Sub(at).Abs() {
			due = other
		}
	}
	return due.In(at.Location()), true
}

// address returns the text of a place: its title and its address, the same string
// for the same place.
func (r *reading) address(title, detail []byte) string {
	if len(title) == 0 && len(detail) == 0 {
		return ""
	}
	r.scratch = append(append(append(r.scratch[:0], title...), 0), detail...)
	if text, ok := r.addresses[string(r.scratch)]; ok {
		return text
	}
	name, text := strings.TrimSpace(provider.Text(title)), strings.TrimSpace(provider.Text(detail))
	switch {
	case text == "":
		text = name
	case name != "" && !strings.Contains(text, name):
		text = name + " " + text
	}
	r.addresses[string(r.scratch)] = text
	return text
}

// lastSecond is the last second of the year 9999, the end of the calendar that the
// OA's text columns can hold. Milliseconds of our time lie beyond it.
const lastSecond = 253402300799

// instant reads seconds since 1970, written as a number or as text.
func instant(raw []byte, zone *time.Location) (time.Time, bool) {
	seconds, ok := provider.Int(raw)
	if !ok || seconds <= 0 || seconds > lastSecond {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).In(zone), true
}

// position reads coordinates in millionths of a degree. 0, 0 lies in the sea off
// Africa and stands for unknown.
func position(lng, lat []byte) (x, y float64, located bool) {
	millionX, okX := provider.Int(lng)
	millionY, okY := provider.Int(lat)
	const million = 1_000_000
	if !okX || !okY || millionX < -180*million || millionX > 180*million || millionY < -90*million || millionY > 90*million || millionX == 0 && millionY == 0 {
		return 0, 0, false
	}
	return float64(millionX) / million, float64(millionY) / million, true
}
