package dingtalk

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// read decodes one answer for the people and the span given.
func read(t testing.TB, body string, span attendance.Span, accounts ...string) attendance.Answer {
	t.Helper()
	q := attendance.Query{Accounts: accounts, Span: span}
	r := newReading(q)
	sent := attendance.Span{}
	for s := range secondSpans(span) {
		sent = s
	}
	rows, err := r.records([]byte(body), sent)
	require.NoError(t, err)
	return attendance.Answer{Punches: r.punches, Skipped: r.skipped, Rows: rows, Warnings: r.notes}
}

// records wraps rows into an answer.
func records(rows ...string) string {
	body := `{"errcode":0,"errmsg":"ok","recordresult":[`
	for i, row := range rows {
		if i > 0 {
			body += ","
		}
		body += row
	}
	return body + "]}"
}

func TestFixtureOfSevenShapes(t *testing.T) {
	span := until(t, "2026-03-04 00:00:00")
	a := read(t, string(fixture(t, "listrecord.json")), span, "staff001", "staff002", "staff003")
	require.Equal(t, 7, a.Rows)
	moment := func(ms int64) time.Time { return time.UnixMilli(ms).In(span.Zone()) }
	require.Equal(t, []attendance.Punch{
		{ID: "500000000001", Account: "staff001", Time: moment(1772412801000), Kind: attendance.Regular, Direction: attendance.In,
			Place: attendance.Place{Address: "总部大楼", Longitude: 120.01, Latitude: 30.28, Located: true}},
		{ID: "500000000002", Account: "staff001", Time: moment(1772446065000), Kind: attendance.Outside, Direction: attendance.Out,
			Place:  attendance.Place{Address: "某某路1号", Longitude: 120.017139, Latitude: 30.285413, Located: true},
			Remark: "拜访客户"},
		{ID: "500000000003", Account: "staff002", Time: moment(1772412662000), Kind: attendance.Regular, Direction: attendance.In,
			Place: attendance.Place{Address: "东门考勤机"}},
		{ID: "500000000005", Account: "staff002", Time: moment(1772445600000), Kind: attendance.Regular, Direction: attendance.Out},
		{ID: "500000000006", Account: "staff003", Time: moment(1772471560000), Kind: attendance.Regular, Direction: attendance.Out},
		{ID: "500000000007", Account: "staff003", Time: moment(1772429400000), Kind: attendance.Regular, Direction: attendance.In},
	}, a.Punches)
	require.Equal(t, []attendance.Skipped{{ID: "500000000004", Account: "staff002", Time: moment(1772425870000),
		Reason: attendance.Invalid, Detail: "需要二次确认"}}, a.Skipped)
	// The night shift's punch is of 3 March by its own time, whatever its workDate.
	require.Equal(t, "2026-03-03 01:12:40", a.Punches[4].Time.Format(time.DateTime))
}

func TestMissingPunchRowsAreNoPunches(t *testing.T) {
	span := until(t, "2026-03-03 00:00:00")
	a := read(t, string(fixture(t, "list_notsigned.json")), span, "staff001", "staff004")
	require.Len(t, a.Punches, 1)
	require.Len(t, a.Skipped, 1)
	require.Equal(t, attendance.MissingPunch, a.Skipped[0].Reason)
	require.Equal(t, "staff004", a.Skipped[0].Account)
}

func TestRecordShapes(t *testing.T) {
	span := until(t, "2026-03-03 00:00:00")
	const noon = 1772424000000 // 2026-03-02 12:00:00
	in := attendance.Punch{ID: "7", Account: "a", Time: time.UnixMilli(noon).In(span.Zone()), Kind: attendance.Regular, Direction: attendance.In}
	with := func(change func(*attendance.Punch)) *attendance.Punch {
		p := in
		change(&p)
		return &p
	}
	row := func(rest string) string {
		return fmt.Sprintf(`{"id":7,"userId":"a","userCheckTime":%d,"checkType":"OnDuty"%s}`, noon, rest)
	}
	tests := map[string]struct {
		row    string
		punch  *attendance.Punch
		reason attendance.Reason
		detail string
	}{
		"plain":                            {row: row(""), punch: &in},
		"everything as text":               {row: `{"id":"7","userId":"a","userCheckTime":"1772424000000","checkType":"OnDuty"}`, punch: &in},
		"numbers with a point":             {row: `{"id":7,"userId":"a","userCheckTime":1.772424e12,"checkType":"OnDuty"}`, punch: &in},
		"escaped":                          {row: `{"id":7,"user\u0049d":"\u0061","userCheckTime":1772424000000,"checkType":"On\u0044uty"}`, punch: &in},
		"isLegal is not asked":             {row: row(`,"isLegal":"N","timeResult":"SeriousLate","locationResult":"Normal"`), punch: &in},
		"nulls":                            {row: row(`,"invalidRecordType":null,"timeResult":null,"locationResult":null,"userAddress":null,"outsideRemark":null`), punch: &in},
		"unknown words that do not matter": {row: row(`,"sourceType":"ROBOT","locationMethod":"STARS","planId":{},"new":[1]`), punch: &in},
		"empty invalid type":               {row: row(`,"invalidRecordType":"","invalidRecordMsg":"x"`), punch: &in},
		"no checkType": {row: `{"id":7,"userId":"a","userCheckTime":1772424000000,"timeResult":"Normal"}`,
			punch: with(func(p *attendance.Punch) { p.Direction = attendance.Undirected })},
		"no id": {row: `{"userId":"a","userCheckTime":1772424000000,"checkType":"OnDuty"}`,
			punch: with(func(p *attendance.Punch) { p.ID = "" })},
		"id beyond 64 bits": {row: `{"id":123456789012345678901234567890,"userId":"a","userCheckTime":1772424000000,"checkType":"OnDuty"}`,
			punch: with(func(p *attendance.Punch) { p.ID = "123456789012345678901234567890" })},
		"outside": {row: row(`,"locationResult":"Outside","outsideRemark":"客户"`),
			punch: with(func(p *attendance.Punch) { p.Kind, p.Remark = attendance.Outside, "客户" })},
		"half a position":      {row: row(`,"userLongitude":120.1`), punch: &in},
		"position in the sea":  {row: row(`,"userLongitude":"0","userLatitude":0.0`), punch: &in},
		"position off earth":   {row: row(`,"userLongitude":181,"userLatitude":1`), punch: &in},
		"position not numbers": {row: row(`,"userLongitude":"NaN","userLatitude":"Inf"`), punch: &in},
		"position as text": {row: row(`,"userLongitude":" 120.5 ","userLatitude":"-1e1"`),
			punch: with(func(p *attendance.Punch) { p.Place = attendance.Place{Longitude: 120.5, Latitude: -10, Located: true} })},

		"no time":             {row: `{"id":7,"userId":"a","checkType":"OnDuty"}`, reason: attendance.Invalid, detail: "userCheckTime is missing"},
		"time null":           {row: `{"id":7,"userId":"a","userCheckTime":null}`, reason: attendance.Invalid, detail: "userCheckTime is missing"},
		"time a word":         {row: `{"id":7,"userId":"a","userCheckTime":"yesterday"}`, reason: attendance.Invalid, detail: `userCheckTime is no time: "yesterday"`},
		"time zero":           {row: `{"id":7,"userId":"a","userCheckTime":0}`, reason: attendance.Invalid, detail: "userCheckTime is no time: 0"},
		"time beyond years":   {row: `{"id":7,"userId":"a","userCheckTime":99999999999999999}`, reason: attendance.Invalid, detail: "userCheckTime is no time: 99999999999999999"},
		"no object":           {row: `"record"`, reason: attendance.Invalid, detail: "userCheckTime is missing"},
		"somebody else":       {row: `{"id":7,"userId":"b","userCheckTime":1772424000000}`, reason: attendance.NotAsked, detail: "userId b"},
		"nobody":              {row: `{"id":7,"userCheckTime":1772424000000}`, reason: attendance.NotAsked, detail: "no userId"},
		"another day":         {row: `{"id":7,"userId":"a","userCheckTime":1772524000000}`, reason: attendance.OutsideWindow},
		"time NotSigned":      {row: row(`,"timeResult":"NotSigned","invalidRecordType":"Other"`), reason: attendance.MissingPunch, detail: "NotSigned"},
		"location NotSigned":  {row: row(`,"locationResult":"NotSigned"`), reason: attendance.MissingPunch, detail: "NotSigned"},
		"invalid":             {row: row(`,"invalidRecordType":"Security","invalidRecordMsg":"模拟定位"`), reason: attendance.Invalid, detail: "模拟定位"},
		"invalid, no message": {row: row(`,"invalidRecordType":"Other"`), reason: attendance.Invalid, detail: "Other"},
		"invalid outside":     {row: row(`,"locationResult":"Outside","invalidRecordType":"Other","invalidRecordMsg":"外勤打卡需要审批"`), reason: attendance.Invalid, detail: "外勤打卡需要审批"},
		"new checkType":       {row: `{"id":7,"userId":"a","userCheckTime":1772424000000,"checkType":"Lunch"}`, reason: attendance.UnknownType, detail: "checkType Lunch"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.True(t, json.Valid([]byte(test.row)))
			a := read(t, records(test.row), span, "a")
			require.Equal(t, 1, a.Rows)
			if test.punch != nil {
				require.Empty(t, a.Skipped)
				require.Equal(t, []attendance.Punch{*test.punch}, a.Punches)
				return
			}
			require.Empty(t, a.Punches)
			require.Len(t, a.Skipped, 1)
			require.Equal(t, test.reason, a.Skipped[0].Reason)
			require.Equal(t, test.detail, a.Skipped[0].Detail)
		})
	}
}

// A word that DingTalk adds hides no punch whose moment is known; it is told, once.
func TestWordsThatDingTalkAdds(t *testing.T) {
	span := until(t, "2026-03-03 00:00:00")
	row := func(id int, rest string) string {
		return fmt.Sprintf(`{"id":%d,"userId":"a","userCheckTime":%d%s}`, id, 1772424000000+1000*id, rest)
	}
	a := read(t, records(
		row(1, `,"checkType":"OffDuty","timeResult":"SeriousEarly","sourceType":"TELEPATHY"`),
		row(2, `,"checkType":"OffDuty","timeResult":"SeriousEarly","locationResult":"Outside"`),
		row(3, `,"checkType":"OnDuty","locationResult":"Moon"`),
		row(4, `,"checkType":"Before"`), row(5, `,"checkType":"Before"`), row(6, `,"checkType":"After","invalidRecordType":"Other"`),
		row(7, `,"checkType":"Lunch"`),
	), span, "a")
	var got []string
	for _, p := range a.Punches {
		got = append(got, p.ID+" "+p.Kind.String()+" "+p.Direction.String())
	}
	require.Equal(t, []string{"1 regular out", "2 outside out", "3 regular in", "4 regular undirected", "5 regular undirected"}, got)
	require.Len(t, a.Skipped, 2)
	require.Equal(t, attendance.Invalid, a.Skipped[0].Reason)
	require.Equal(t, attendance.UnknownType, a.Skipped[1].Reason)
	var warned []string
	for _, w := range a.Warnings {
		warned = append(warned, w.Code+w.Message[strings.LastIndex(w.Message, ":"):])
	}
	require.Equal(t, []string{"unknown_result: timeResult SeriousEarly", "unknown_result: locationResult Moon", "unknown_direction: checkType Before"}, warned)
}

// Characters that no text has cost the text; where something is recognised by it, the record.
func TestControlCharacters(t *testing.T) {
	span := until(t, "2026-03-03 00:00:00")
	const noon = `"userCheckTime":1772424000000,"checkType":"OnDuty"`
	a := read(t, records(`{"id":7,"userId":"a",`+noon+",\"userAddress\":\"Road\n1\",\"outsideRemark\":\"client\x00\tsite\x1b[0m\"}"), span, "a")
	require.Len(t, a.Punches, 1)
	require.Equal(t, "Road 1", a.Punches[0].Place.Address)
	require.Equal(t, "client  site [0m", a.Punches[0].Remark)
	require.Empty(t, a.Warnings)
	for field, row := range map[string]string{
		"userId":        "{\"id\":7,\"userId\":\"b\n\"," + noon + "}",
		"id":            "{\"id\":\"7\x00\",\"userId\":\"a\"," + noon + "}",
		"userCheckTime": "{\"id\":7,\"userId\":\"a\",\"userCheckTime\":\"1772424000000\n\",\"checkType\":\"OnDuty\"}",
		"checkType":     "{\"id\":7,\"userId\":\"a\",\"userCheckTime\":1772424000000,\"checkType\":\"On\nDuty\"}",
		"checkType ":    `{"id":7,"userId":"a","userCheckTime":1772424000000,"checkType":"On\Duty"}`,
		"userId ":       `{"id":7,"userId":"\a",` + noon + `}`,
		"userId  ":      `{"id":7,"userId":"a","userId":"b",` + noon + `}`,
	} {
		a := read(t, records(`{"id":1,"userId":"a","userCheckTime":1772424000001,"checkType":"OnDuty"}`, row, `{"id":2,"userId":"a","userCheckTime":1772424000002,"checkType":"OffDuty"}`), span, "a")
		require.Len(t, a.Punches, 2, field)
		require.Len(t, a.Skipped, 1, field)
		require.Equal(t, attendance.Invalid, a.Skipped[0].Reason, field)
		require.True(t, a.Skipped[0].Time.IsZero(), "so that nothing counts as withdrawn")
		if field == "userId  " {
			require.Contains(t, a.Skipped[0].Detail, "userId stands there twice")
		} else {
			require.Contains(t, a.Skipped[0].Detail, strings.TrimSpace(field)+" holds a character")
		}
		require.Len(t, a.Warnings, 1, field)
		require.Equal(t, "unreadable_record", a.Warnings[0].Code)
		require.Contains(t, a.Warnings[0].Message, "1772424000000")
	}
}

// A missing punch stays one, however NotSigned is spelt, and a punch stays one whatever else
// stands in a verdict.
func TestSpellingsOfVerdicts(t *testing.T) {
	span := until(t, "2026-03-03 00:00:00")
	for raw, want := range map[string]string{`"NotSigned "`: "", `"NOTSIGNED"`: "", `"Not Signed"`: "", "\"Not\tSigned\"": "", `"not_signed"`: "",
		`"outside"`: "outside", `"Out side"`: "outside", `"Moon"`: "regular", "\"a\nb\"": "regular", `"\ud800"`: "regular", `7`: "regular"} {
		a := read(t, records(`{"id":7,"userId":"a","userCheckTime":1772424000000,"checkType":"OnDuty","locationResult":`+raw+`}`), span, "a")
		if want == "" {
			require.Empty(t, a.Punches, raw)
			require.Equal(t, attendance.MissingPunch, a.Skipped[0].Reason, raw)
			continue
		}
		require.Len(t, a.Punches, 1, raw)
		require.Equal(t, want, a.Punches[0].Kind.String(), raw)
	}
}

// Ids that are none cost nobody a punch.
func TestEqualIDs(t *testing.T) {
	span := until(t, "2026-03-03 00:00:00")
	for _, id := range []string{`0`, `"0"`, `-1`, `"null"`, `7`, `null`, `""`} {
		var rows []string
		for i, user := range []string{"a", "b", "a", "c"} {
			rows = append(rows, fmt.Sprintf(`{"id":%s,"userId":%q,"userCheckTime":%d,"checkType":"OnDuty"}`, id, user, 1772424000000+i))
		}
		require.Len(t, read(t, records(rows...), span, "a", "b", "c").Punches, 4, id)
	}
}

// beside checks that what is read of an answer with one broken record holds the two
// beside it as they are, and nothing more of their people.
func beside(t testing.TB, broken string) {
	body := `{"errcode":0,"recordresult":[{"id":100001,"userId":"anna","userCheckTime":1772424000001,"checkType":"OnDuty"},` + broken + `,{"id":300003,"userId":"carl","userCheckTime":1772424000003,"checkType":"OffDuty"}]}`
	if provider.NotJSON(provider.Reply{Status: 200, Body: []byte(body)}) != nil {
		return // nothing of it is read: the Syncer asks for fewer people
	}
	q := attendance.Query{Accounts: []string{"anna", "b", "carl"}, Span: until(t, "2026-03-03 00:00:00")}
	r := newReading(q)
	if _, err := r.records([]byte(body), q.Span); err != nil {
		return
	}
	want := map[string]string{"anna": "100001", "carl": "300003"}
	for _, p := range r.punches {
		if p.Account == "b" {
			continue
		}
		if want[p.Account] != p.ID {
			t.Fatalf("%s punched %s in %s", p.Account, p.ID, body)
		}
		delete(want, p.Account)
	}
	if len(want) > 0 {
		t.Fatalf("lost: %v in %s", want, body)
	}
}

const brokenRecord = `{"id":2,"userId":"b","userCheckTime":1772424000002,"checkType":"OnDuty","outsideRemark":"say \"x\" \\"}`

// Whichever byte of a record is changed, lost or added: the records beside it are read,
// or the answer is called unreadable.
func TestABrokenRecordCostsOnlyItself(t *testing.T) {
	for i := range len(brokenRecord) {
		beside(t, brokenRecord[:i]+brokenRecord[i+1:])
		for _, c := range []byte("\"\\{}[],: \n\x00\t\x1b09aZ+-./'u\x7f\xe4\xff") {
			beside(t, brokenRecord[:i]+string([]byte{c})+brokenRecord[i+1:])
			beside(t, brokenRecord[:i]+string([]byte{c})+brokenRecord[i:])
		}
	}
}

// FuzzBrokenRecord breaks a record in two places.
func FuzzBrokenRecord(f *testing.F) {
	f.Add(10, "\n", 20, `"`)
	f.Add(0, "", 60, `\`)
	f.Fuzz(func(t *testing.T, i int, a string, j int, b string) {
		broken := brokenRecord
		for at, with := range map[int]string{i: a, j: b} {
			if at < 0 || at >= len(broken) || len(with) > 3 || strings.ContainsAny(with, "]}") {
				return // a record that ends the list, or itself, is a document of another shape
			}
			broken = broken[:at] + with + broken[at+1:]
		}
		beside(t, broken)
	})
}

func TestRecordTwiceIsOnce(t *testing.T) {
	span := until(t, "2026-03-03 00:00:00")
	a := read(t, records(
		`{"id":7,"userId":"a","userCheckTime":1772424000000,"checkType":"OnDuty"}`,
		`{"id":"7","userId":"a","userCheckTime":1772424000000,"checkType":"OnDuty"}`,
		`{"id":"x7","userId":"a","userCheckTime":1772424000000,"checkType":"OnDuty"}`,
		`{"id":"x7","userId":"a","userCheckTime":1772424000000,"checkType":"OnDuty"}`,
		`{"id":8,"userId":"a","userCheckTime":"?"}`,
		`{"id":8,"userId":"a","userCheckTime":"?"}`,
		`{"id":9,"userId":"a","userCheckTime":1772424000000,"checkType":"OffDuty"}`,
	), span, "a")
	require.Len(t, a.Punches, 3)
	require.Len(t, a.Skipped, 1)
	require.Equal(t, 7, a.Rows)
}

func TestOverlapIsDroppedWithoutCount(t *testing.T) {
	span := attendance.Span{From: at(t, "2026-03-02 08:00:00.5"), To: at(t, "2026-03-02 09:00:00.5")}
	row := func(id int, text string) string {
		return fmt.Sprintf(`{"id":%d,"userId":"a","userCheckTime":%d,"checkType":"OnDuty"}`, id, at(t, text).UnixMilli())
	}
	a := read(t, records(
		row(1, "2026-03-02 07:59:59.999"), // before what was sent
		row(2, "2026-03-02 08:00:00.499"),
		row(3, "2026-03-02 08:00:00.5"),
		row(4, "2026-03-02 09:00:00.499"),
		row(5, "2026-03-02 09:00:00.5"),
		row(6, "2026-03-02 09:00:01.999"), // the last second that was sent
		row(7, "2026-03-02 09:00:02"),     // after it
	), span, "a")
	ids := []string{}
	for _, p := range a.Punches {
		ids = append(ids, p.ID)
	}
	require.Equal(t, []string{"3", "4"}, ids)
	require.Len(t, a.Skipped, 2)
	for i, id := range []string{"1", "7"} {
		require.Equal(t, id, a.Skipped[i].ID)
		require.Equal(t, attendance.OutsideWindow, a.Skipped[i].Reason)
	}
}

func TestAnEmptySuccessIsNotInvented(t *testing.T) {
	r := newReading(attendance.Query{Accounts: []string{"a"}, Span: until(t, "2026-03-03 00:00:00")})
	for _, body := range []string{`{"errcode":0}`, `{"errcode":0,"recordresult":null}`, `{"errcode":0,"recordresult":{}}`,
		`{"errcode":0,"recordresult":""}`, `{"errcode":0,"result":[]}`} {
		_, err := r.records([]byte(body), r.span)
		require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(err), body)
		require.ErrorContains(t, err, "recordresult")
	}
	rows, err := r.records(fixture(t, "listrecord_empty.json"), r.span)
	require.NoError(t, err)
	require.Zero(t, rows)
}

func TestSuspect(t *testing.T) {
	for rows, want := range map[int]bool{0: false, 1: false, 99: false, 100: true, 101: false, 200: false, 500: true,
		999: false, 1000: true, 1400: false, 1500: false, 2000: true, 10000: true} {
		require.Equal(t, want, suspect(rows), rows)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(string(fixture(f, "listrecord.json")))
	f.Add(string(fixture(f, "list_notsigned.json")))
	f.Add(records(`{"id":"7","userId":"staff001","userCheckTime":"1772424000000","checkType":"On\u0044uty","userLongitude":"1e400","userLatitude":null}`))
	span := until(f, "2026-03-04 00:00:00")
	f.Fuzz(func(t *testing.T, body string) {
		q := attendance.Query{Accounts: []string{"staff001", "staff002"}, Span: span}
		r := newReading(q)
		rows, err := r.records([]byte(body), span)
		if err != nil {
			require.Empty(t, r.punches)
			return
		}
		require.LessOrEqual(t, len(r.punches)+len(r.skipped), rows)
		ids := map[string]bool{}
		for _, p := range r.punches {
			require.Contains(t, q.Accounts, p.Account)
			require.True(t, span.Contains(p.Time))
			require.Contains(t, []attendance.Kind{attendance.Regular, attendance.Outside}, p.Kind)
			require.False(t, p.ID != "" && ids[p.ID], "id %s twice", p.ID)
			ids[p.ID] = true
			require.False(t, p.Place.Located && (p.Place.Longitude < -180 || p.Place.Longitude > 180 || p.Place.Latitude < -90 || p.Place.Latitude > 90))
		}
		for _, s := range r.skipped {
			require.NotEmpty(t, s.Reason)
		}
		var plain map[string]json.RawMessage
		var list []json.RawMessage
		if json.Unmarshal([]byte(body), &plain) == nil && json.Unmarshal(plain["recordresult"], &list) == nil {
			require.Len(t, list, rows, "encoding/json sees another number of rows")
		}
	})
}
