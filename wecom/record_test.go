package wecom

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// shanghai is the zone of the test job.
func shanghai() *time.Location { return time.FixedZone("Asia/Shanghai", 8*3600) }

// at is a moment of Beijing time.
func at(t testing.TB, text string) time.Time {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04:05.999999999", text, shanghai())
	require.NoError(t, err)
	return moment
}

// span is a stretch of Beijing time.
func span(t testing.TB, from, to string) attendance.Span {
	t.Helper()
	return attendance.Span{From: at(t, from), To: at(t, to)}
}

// march is 4 March 2024, the day of the fixtures.
func march(t testing.TB) attendance.Span {
	return span(t, "2024-03-04 00:00:00", "2024-03-05 00:00:00")
}

// fixture reads a sample answer.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

// read decodes one answer for the people and the span given.
func read(t testing.TB, body string, s attendance.Span, accounts ...string) (*reading, int) {
	t.Helper()
	r := newReading(attendance.Query{Accounts: accounts, Span: s})
	n := 0
	for w := range windows(s, defaultDays) {
		rows, err := r.rows([]byte(body), w)
		require.NoError(t, err)
		n = max(n, rows)
	}
	return r, n
}

// answerOf wraps rows into an answer.
func answerOf(rows ...string) string {
	return `{"errcode":0,"errmsg":"ok","checkindata":[` + strings.Join(rows, ",") + "]}"
}

func TestFixture(t *testing.T) {
	r, n := read(t, string(fixture(t, "checkindata.json")), march(t), "zhangsan", "lisi")
	require.Equal(t, 4, n)
	require.Equal(t, []attendance.Punch{
		{Account: "zhangsan", Time: at(t, "2024-03-04 08:57:12"), Kind: attendance.Regular, Direction: attendance.In,
			Place: attendance.Place{Address: "示例大厦 示例省示例市示例路1号", Longitude: 121.473701, Latitude: 31.230416, Located: true}},
		{Account: "zhangsan", Time: at(t, "2024-03-04 18:31:45"), Kind: attendance.Regular, Direction: attendance.Out, Remark: "客户现场返回",
			Place: attendance.Place{Address: "地铁站 示例省示例市示例路88号附近", Longitude: 121.47, Latitude: 31.232, Located: true}},
		{Account: "lisi", Time: at(t, "2024-03-04 14:20:33"), Kind: attendance.Field, Remark: "拜访客户",
			Place: attendance.Place{Address: "示例产业园 示例省示例市园区路9号", Longitude: 104.063236, Latitude: 30.547645, Located: true}},
	}, r.punches)
	require.Equal(t, []attendance.Skipped{{Account: "lisi", Time: at(t, "2024-03-04 18:00:00"), Reason: attendance.MissingPunch,
		Detail: "下班打卡 未打卡, due 2024-03-04 18:00"}}, r.skipped)
	require.Empty(t, r.notes)
}

// The real answer to a quarter of an hour before midnight: the next day's missing
// punches, in the shape of 2020. None is a punch, whatever the span.
func TestScheduledTimesAreNoPunches(t *testing.T) {
	body := string(fixture(t, "placeholders_2020.json"))
	r, n := read(t, body, span(t, "2020-01-19 22:45:00", "2020-01-19 23:00:00"), "u1")
	require.Equal(t, 2, n)
	require.Empty(t, r.punches)
	require.Empty(t, r.skipped, "of another day: read for padding, counted by nobody")
	r, _ = read(t, body, span(t, "2020-01-20 00:00:00", "2020-01-21 00:00:00"), "u1")
	require.Empty(t, r.punches)
	require.Equal(t, []attendance.Skipped{
		{Account: "u1", Time: at(t, "2020-01-20 09:30:00"), Reason: attendance.MissingPunch, Detail: "上班打卡 未打卡"},
		{Account: "u1", Time: at(t, "2020-01-20 18:30:00"), Reason: attendance.MissingPunch, Detail: "下班打卡 未打卡"},
	}, r.skipped)
}

func TestRowShapes(t *testing.T) {
	noon := at(t, "2024-03-04 12:00:00")
	in := attendance.Punch{Account: "a", Time: noon, Kind: attendance.Regular, Direction: attendance.In}
	with := func(change func(*attendance.Punch)) *attendance.Punch {
		p := in
		change(&p)
		return &p
	}
	row := func(rest string) string {
		return fmt.Sprintf(`{"userid":"a","checkin_type":"上班打卡","checkin_time":%d%s}`, noon.Unix(), rest)
	}
	kind := func(word string) string {
		return fmt.Sprintf(`{"userid":"a","checkin_type":%s,"checkin_time":%d}`, word, noon.Unix())
	}
	tests := map[string]struct {
		row     string
		punch   *attendance.Punch
		reason  attendance.Reason
		detail  string
		warning string
	}{
		"bare":               {row: row(""), punch: &in},
		"everything as text": {row: `{"userid":"a","checkin_type":"上班打卡","checkin_time":"1709524800","lat":"0","lng":"0"}`, punch: &in},
		"escaped":            {row: `{"userid":"\u0061","checkin_type":"\u4e0a\u73ed\u6253\u5361","checkin_time":1709524800}`, punch: &in},
		"nulls":              {row: row(`,"exception_type":null,"notes":null,"lat":null,"lng":null,"location_title":null,"location_detail":null,"sch_checkin_time":null`), punch: &in},
		"another case":       {row: strings.Replace(row(""), `"a"`, `"A"`, 1), punch: &in},
		"later fields":       {row: row(`,"new":{"checkin_time":1},"mediaids":["x"]`), punch: &in},

		"every exception that is a punch": {row: row(`,"exception_type":"时间异常;地点异常；wifi异常; 非常用设备 ;WiFi异常;正常"`), punch: &in},
		"an exception nobody knows":       {row: row(`,"exception_type":"补卡"`), punch: &in, warning: "补卡"},
		"missing":                         {row: row(`,"exception_type":"未打卡"`), reason: attendance.MissingPunch, detail: "上班打卡 未打卡"},
		"missing among others":            {row: row(`,"exception_type":"时间异常;未打卡"`), reason: attendance.MissingPunch, detail: "上班打卡 未打卡"},
		"missing, full-width":             {row: row(`,"exception_type":"地点异常； 未打卡"`), reason: attendance.MissingPunch, detail: "上班打卡 未打卡"},
		"missing, escaped":                {row: row(`,"exception_type":"\u672a\u6253\u5361"`), reason: attendance.MissingPunch, detail: "上班打卡 未打卡"},
		"missing, with a word":            {row: row(`,"exception_type":"上班未打卡"`), reason: attendance.MissingPunch, detail: "上班打卡 未打卡"},
		"missing visit":                   {row: fmt.Sprintf(`{"userid":"a","checkin_type":"外出打卡","exception_type":"未打卡","checkin_time":%d}`, noon.Unix()), reason: attendance.MissingPunch, detail: "外出打卡 未打卡"},
		"missing of no known type":        {row: fmt.Sprintf(`{"userid":"a","checkin_type":"加班","exception_type":"未打卡","checkin_time":%d}`, noon.Unix()), reason: attendance.MissingPunch, detail: "加班 未打卡"},
		"missing, due by Unix time":       {row: row(`,"exception_type":"未打卡","sch_checkin_time":1709524800`), reason: attendance.MissingPunch, detail: "上班打卡 未打卡, due 2024-03-04 12:00"},
		"missing, due by offset":          {row: row(`,"exception_type":"未打卡","sch_checkin_time":43200`), reason: attendance.MissingPunch, detail: "上班打卡 未打卡, due 2024-03-04 12:00"},
		"missing, due the day after":      {row: row(`,"exception_type":"未打卡","sch_checkin_time":129600`), reason: attendance.MissingPunch, detail: "上班打卡 未打卡, due 2024-03-04 12:00"},

		// Made at the second it was due, nowhere, with an exception that nobody knows: it
		// may be missing under another name. A make-up card is none of these.
		"like a missing one":         {row: row(`,"exception_type":"旷工","sch_checkin_time":43200`), reason: attendance.UnknownType, detail: "exception_type 旷工"},
		"and without an exception":   {row: row(`,"sch_checkin_time":43200`), punch: &in},
		"and made up for":            {row: row(`,"exception_type":"补卡","sch_checkin_time":43200`), punch: &in, warning: "补卡"},
		"and made up for, later":     {row: row(`,"exception_type":"旷工;补卡","sch_checkin_time":43200`), punch: &in, warning: "旷工"},
		"and due at another time":    {row: row(`,"exception_type":"旷工","sch_checkin_time":43201`), punch: &in, warning: "旷工"},
		"and in a network":           {row: row(`,"exception_type":"旷工","sch_checkin_time":43200,"wifiname":"w"`), punch: &in, warning: "旷工"},
		"and at a place with a name": {row: row(`,"exception_type":"旷工","sch_checkin_time":43200,"location_title":"门"`), punch: with(func(p *attendance.Punch) { p.Place.Address = "门" }), warning: "旷工"},
		"and at a position": {row: row(`,"exception_type":"旷工","sch_checkin_time":43200,"lat":31230416,"lng":121473701`), punch: with(func(p *attendance.Punch) {
			p.Place = attendance.Place{Longitude: 121.473701, Latitude: 31.230416, Located: true}
		}), warning: "旷工"},

		"out":                 {row: kind(`"下班打卡"`), punch: with(func(p *attendance.Punch) { p.Direction = attendance.Out })},
		"visit":               {row: kind(`"外出打卡"`), punch: with(func(p *attendance.Punch) { p.Kind, p.Direction = attendance.Field, attendance.Undirected })},
		"in by its part":      {row: kind(`"自由上班"`), punch: &in},
		"out by its part":     {row: kind(`"下班"`), punch: with(func(p *attendance.Punch) { p.Direction = attendance.Out })},
		"time and place only": {row: kind(`"仅记录打卡时间和位置"`), punch: with(func(p *attendance.Punch) { p.Direction = attendance.Undirected })},
		"and escaped":         {row: kind(`"\u4ec5\u8bb0\u5f55\u6253\u5361\u65f6\u95f4\u548c\u4f4d\u7f6e"`), punch: with(func(p *attendance.Punch) { p.Direction = attendance.Undirected })},
		"and by its part":     {row: kind(`"仅记录打卡时间"`), punch: with(func(p *attendance.Punch) { p.Direction = attendance.Undirected })},
		"and missing":         {row: fmt.Sprintf(`{"userid":"a","checkin_type":"仅记录打卡时间和位置","exception_type":"未打卡","checkin_time":%d}`, noon.Unix()), reason: attendance.MissingPunch, detail: "仅记录打卡时间和位置 未打卡"},
		"two parts":           {row: kind(`"外出下班打卡"`), reason: attendance.UnknownType, detail: "checkin_type 外出下班打卡"},
		"neither in nor out":  {row: kind(`"上下班打卡"`), reason: attendance.UnknownType, detail: "checkin_type 上下班打卡"},
		"a word of its own":   {row: kind(`"打卡"`), reason: attendance.UnknownType, detail: "checkin_type 打卡"},
		"a number":            {row: kind(`1`), reason: attendance.UnknownType, detail: "checkin_type 1"},
		"no type":             {row: kind(`null`), reason: attendance.UnknownType, detail: "checkin_type"},
		"position": {row: row(`,"lat":31230416,"lng":-121473701`), punch: with(func(p *attendance.Punch) {
			p.Place = attendance.Place{Longitude: -121.473701, Latitude: 31.230416, Located: true}
		})},
		"position on the equator": {row: row(`,"lat":0,"lng":9000000`), punch: with(func(p *attendance.Punch) { p.Place = attendance.Place{Longitude: 9, Located: true} })},
		"half a position":         {row: row(`,"lat":31230416`), punch: &in},
		"position in degrees":     {row: row(`,"lat":31.230416,"lng":121.473701`), punch: &in},
		"position off earth":      {row: row(`,"lat":91000000,"lng":1`), punch: &in},
		"title alone":             {row: row(`,"location_title":" 门 "`), punch: with(func(p *attendance.Punch) { p.Place.Address = "门" })},
		"title within the detail": {row: row(`,"location_title":"大厦","location_detail":"路1号大厦"`), punch: with(func(p *attendance.Punch) { p.Place.Address = "路1号大厦" })},
		"notes":                   {row: row(`,"notes":"说 \"好\" \\ 不"`), punch: with(func(p *attendance.Punch) { p.Remark = `说 "好" \ 不` })},

		"no time":           {row: `{"userid":"a","checkin_type":"上班打卡"}`, reason: attendance.Invalid, detail: "checkin_time is missing"},
		"time null":         {row: `{"userid":"a","checkin_time":null}`, reason: attendance.Invalid, detail: "checkin_time is missing"},
		"time zero":         {row: `{"userid":"a","checkin_time":0}`, reason: attendance.Invalid, detail: "checkin_time is no time: 0"},
		"time milliseconds": {row: `{"userid":"a","checkin_time":1709524800000}`, reason: attendance.Invalid, detail: "checkin_time is no time: 1709524800000"},
		"no object":         {row: `"row"`, reason: attendance.Invalid, detail: "checkin_time is missing"},
		"somebody else":     {row: strings.Replace(row(""), `"a"`, `"b"`, 1), reason: attendance.NotAsked, detail: "userid b"},
		"nobody":            {row: strings.Replace(row(""), `"a"`, `null`, 1), reason: attendance.NotAsked, detail: "no userid"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, n := read(t, answerOf(test.row), march(t), "a")
			require.Equal(t, 1, n)
			if test.punch != nil {
				require.Equal(t, []attendance.Punch{*test.punch}, r.punches)
				require.Empty(t, r.skipped)
			} else {
				require.Empty(t, r.punches)
				require.Len(t, r.skipped, 1)
				require.Equal(t, test.reason, r.skipped[0].Reason)
				require.Equal(t, test.detail, r.skipped[0].Detail)
			}
			if test.reason == attendance.Invalid && len(r.notes) > 0 || test.reason == attendance.NotAsked {
				require.Len(t, r.notes, 1)
				require.Equal(t, "unreadable_record", r.notes[0].Code)
				return
			}
			if test.warning == "" {
				require.Empty(t, r.notes)
				return
			}
			require.Len(t, r.notes, 1)
			require.Contains(t, r.notes[0].Message, test.warning)
		})
	}
}

// Characters that no text has cost the text; where something is recognised by it, the row.
func TestControlCharacters(t *testing.T) {
	const rest = `,"checkin_type":"上班打卡","checkin_time":1709524800`
	r, _ := read(t, answerOf(`{"userid":"a"`+rest+",\"notes\":\"one\ntwo\x00\",\"location_title\":\"Road\t1\"}"), march(t), "a")
	require.Len(t, r.punches, 1)
	require.Equal(t, "one two ", r.punches[0].Remark)
	require.Equal(t, "Road 1", r.punches[0].Place.Address)
	require.Empty(t, r.notes)
	for field, row := range map[string]string{
		"userid":         "{\"userid\":\"b\n\"" + rest + "}",
		"checkin_time":   "{\"userid\":\"a\",\"checkin_type\":\"上班打卡\",\"checkin_time\":\"1709524800\t\"}",
		"checkin_type":   "{\"userid\":\"a\",\"checkin_type\":\"上班\n打卡\",\"checkin_time\":1709524800}",
		"exception_type": `{"userid":"a"` + rest + ",\"exception_type\":\"未\x00打卡\"}",
	} {
		r, _ := read(t, answerOf(`{"userid":"a","checkin_type":"下班打卡","checkin_time":1709524801}`, row), march(t), "a")
		require.Len(t, r.punches, 1, field)
		require.Len(t, r.skipped, 1, field)
		require.Equal(t, attendance.Invalid, r.skipped[0].Reason, field)
		require.True(t, r.skipped[0].Time.IsZero(), "so that nothing counts as withdrawn")
		require.Len(t, r.notes, 1, field)
		require.Equal(t, "unreadable_record", r.notes[0].Code)
		require.Contains(t, r.notes[0].Message, field)
		require.Contains(t, r.notes[0].Message, "1709524800")
	}
}

// Rows whose place WeCom doubts are kept out where that is wished, and no others.
func TestWithoutAbnormal(t *testing.T) {
	row := func(n int, exception string) string {
		return fmt.Sprintf(`{"userid":"a","checkin_type":"上班打卡","exception_type":%q,"checkin_time":%d}`, exception, 1709524800+n)
	}
	body := answerOf(row(1, ""), row(2, "地点异常"), row(3, "时间异常；wifi异常"), row(4, "WIFI异常"), row(5, "时间异常;非常用设备"), row(6, "地点异常;未打卡"), row(7, "新异常"))
	r := newReading(attendance.Query{Accounts: []string{"a"}, Span: march(t)})
	r.skipAbnormal = true
	for w := range windows(r.span, mostDays) {
		_, err := r.rows([]byte(body), w)
		require.NoError(t, err)
		break
	}
	counts := map[attendance.Reason]int{}
	for _, s := range r.skipped {
		counts[s.Reason]++
	}
	require.Equal(t, map[attendance.Reason]int{attendance.Abnormal: 3, attendance.MissingPunch: 1}, counts)
	require.Len(t, r.punches, 3)
}

// Whichever byte of a row is changed, lost or added: the rows beside it are read, or the
// answer is called unreadable, so that the Syncer asks for fewer people.
func TestABrokenRowCostsOnlyItself(t *testing.T) {
	const broken = `{"userid":"b","checkin_type":"上班打卡","exception_type":"","checkin_time":1709524802,"notes":"say \"x\" \\"}`
	beside := func(row string) {
		body := answerOf(`{"userid":"anna","checkin_type":"上班打卡","checkin_time":1709524801}`, row, `{"userid":"carl","checkin_type":"下班打卡","checkin_time":1709524803}`)
		if provider.NotJSON(provider.Reply{Status: 200, Body: []byte(body)}) != nil {
			return
		}
		r := newReading(attendance.Query{Accounts: []string{"anna", "b", "carl"}, Span: march(t)})
		if _, err := r.rows([]byte(body), window{r.span.From.Unix(), r.span.To.Unix(), 31}); err != nil {
			return
		}
		want := map[string]int64{"anna": 1709524801, "carl": 1709524803}
		for _, p := range r.punches {
			if p.Account != "b" && want[p.Account] != p.Time.Unix() {
				t.Fatalf("%s punched at %v in %s", p.Account, p.Time, body)
			}
			delete(want, p.Account)
		}
		if len(want) > 0 {
			t.Fatalf("lost: %v in %s", want, body)
		}
	}
	for i := range len(broken) {
		beside(broken[:i] + broken[i+1:])
		for _, c := range []byte("\"\\{}[],: \n\x00\t\x1b09aZ+-./'u\x7f\xe4\xff") {
			beside(broken[:i] + string([]byte{c}) + broken[i+1:])
			beside(broken[:i] + string([]byte{c}) + broken[i:])
		}
	}
}

// Which rows are the same: windows overlap, and a made-up punch (补卡) may replace
// its placeholder or stand beside it, at the very second it was due.
func TestNaturalKey(t *testing.T) {
	row := func(kind, exception, more string) string {
		return fmt.Sprintf(`{"userid":"a","checkin_type":%q,"exception_type":%q,"checkin_time":1709546400%s}`, kind, exception, more)
	}
	tests := map[string]struct {
		rows                       []string
		punches, missing, unknowns int
	}{
		"twice":                            {[]string{row("下班打卡", "", ""), row("下班打卡", "", "")}, 1, 0, 0},
		"twice, otherwise different":       {[]string{row("下班打卡", "", ""), row("下班打卡", "地点异常", `,"notes":"x"`)}, 1, 0, 0},
		"in and out":                       {[]string{row("上班打卡", "", ""), row("下班打卡", "", "")}, 2, 0, 0},
		"of two segments":                  {[]string{row("下班打卡", "", `,"timeline_id":1`), row("下班打卡", "", `,"timeline_id":2`)}, 2, 0, 0},
		"of two shifts":                    {[]string{row("下班打卡", "", `,"schedule_id":1`), row("下班打卡", "", `,"schedule_id":2`)}, 2, 0, 0},
		"placeholder twice":                {[]string{row("下班打卡", "未打卡", ""), row("下班打卡", "未打卡", "")}, 0, 1, 0},
		"made up beside the placeholder":   {[]string{row("下班打卡", "未打卡", ""), row("下班打卡", "", `,"notes":"补卡"`)}, 1, 1, 0},
		"made up before the placeholder":   {[]string{row("下班打卡", "", ""), row("下班打卡", "未打卡", "")}, 1, 1, 0},
		"made up in place of it":           {[]string{row("下班打卡", "", `,"notes":"补卡"`)}, 1, 0, 0},
		"two unknown words in one second":  {[]string{row("甲", "", ""), row("乙", "", ""), row("甲", "", "")}, 0, 0, 2},
		"one person under two spellings":   {[]string{row("下班打卡", "", ""), strings.Replace(row("下班打卡", "", ""), `"a"`, `"A"`, 1)}, 1, 0, 0},
		"without a time, and with another": {[]string{`{"userid":"a"}`, `{"userid":"a"}`, row("下班打卡", "", "")}, 1, 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, _ := read(t, answerOf(test.rows...), march(t), "a")
			require.Len(t, r.punches, test.punches)
			counts := map[attendance.Reason]int{}
			for _, s := range r.skipped {
				counts[s.Reason]++
			}
			require.Equal(t, test.missing, counts[attendance.MissingPunch])
			require.Equal(t, test.unknowns, counts[attendance.UnknownType])
		})
	}
}

// Only what lies in the span is answered, by the punch's own time and half-open.
// The rest is padding; what no rounding explains is named.
func TestOnlyTheSpan(t *testing.T) {
	row := func(text string) string {
		return fmt.Sprintf(`{"userid":"a","checkin_type":"上班打卡","checkin_time":%d}`, at(t, text).Unix())
	}
	r, n := read(t, answerOf(
		row("2024-03-03 23:59:59"), row("2024-03-04 00:00:00"), row("2024-03-04 23:59:59"), row("2024-03-05 00:00:00"),
		row("2024-03-02 00:00:00"), row("2024-03-06 23:59:59"), row("2024-03-01 23:59:59"), row("2024-03-07 00:00:00"), row("2023-03-04 12:00:00")),
		march(t), "a")
	require.Equal(t, 9, n)
	require.Len(t, r.punches, 2)
	require.Len(t, r.skipped, 3)
	for _, s := range r.skipped {
		require.Equal(t, attendance.OutsideWindow, s.Reason)
	}
}

func TestScheduled(t *testing.T) {
	tests := map[string]struct {
		raw, at, due string
	}{
		"none":                          {"0", "2024-03-04 09:00:00", ""},
		"absent":                        {"", "2024-03-04 09:00:00", ""},
		"no number":                     {`"soon"`, "2024-03-04 09:00:00", ""},
		"Unix":                          {"1709514000", "2024-03-04 08:57:12", "2024-03-04 09:00:00"},
		"offset":                        {"32400", "2024-03-04 08:57:12", "2024-03-04 09:00:00"},
		"offset, late in the evening":   {"64800", "2024-03-04 23:10:00", "2024-03-04 18:00:00"},
		"night shift, before midnight":  {"79200", "2024-03-04 21:50:00", "2024-03-04 22:00:00"},
		"night shift, out, of 30 hours": {"108000", "2024-03-05 06:04:00", "2024-03-05 06:00:00"},
		"out after midnight, early":     {"88200", "2024-03-04 23:50:00", "2024-03-05 00:30:00"},
		"out before midnight, late":     {"84600", "2024-03-05 00:35:00", "2024-03-04 23:30:00"},
		"two days exactly":              {"172800", "2024-03-04 00:02:00", "2024-03-04 00:00:00"},
		"as text":                       {`"32400"`, "2024-03-04 08:57:12", "2024-03-04 09:00:00"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			due, ok := scheduled([]byte(test.raw), at(t, test.at))
			require.Equal(t, test.due != "", ok)
			if ok {
				require.Equal(t, test.due, due.Format(time.DateTime))
			}
		})
	}
}

func TestUser(t *testing.T) {
	require.Equal(t, attendance.Account{ID: "zhangsan", Name: "张三", JobNumber: "A0017", Mobile: "13800000000",
		Emails: []string{"zhangsan@corp.example.com", "zhangsan@example.com"}, Active: true}, account(fixture(t, "user_get.json")))
	require.Empty(t, account([]byte(`{"userid":"a","extattr":{"attrs":[{"type":0,"name":"爱好","text":{"value":"X"}}]}}`)).JobNumber, "another attribute")
	for status, active := range map[string]bool{"1": true, "2": false, "4": false, "5": false, `"1"`: true, "null": true, `"x"`: true} {
		require.Equal(t, active, account([]byte(`{"userid":"a","status":`+status+`}`)).Active, status)
	}
}

// FuzzRows: whatever comes, no row becomes a punch of somebody or some time that
// was not asked for, and nothing panics.
func FuzzRows(f *testing.F) {
	f.Add(fixture(f, "checkindata.json"))
	f.Add(fixture(f, "placeholders_2020.json"))
	f.Add([]byte(answerOf(`{"userid":"a","checkin_type":"上班打卡","exception_type":"；未打卡","checkin_time":1709524800,"sch_checkin_time":172800}`)))
	q := attendance.Query{Accounts: []string{"zhangsan", "lisi", "a"}, Span: attendance.Span{
		From: time.Date(2024, 3, 4, 0, 0, 0, 0, shanghai()), To: time.Date(2024, 3, 5, 0, 0, 0, 0, shanghai())}}
	f.Fuzz(func(t *testing.T, body []byte) {
		accepted := classifyRecords(replyOf(body)) == nil
		if provider.NotJSON(replyOf(body)) != nil {
			if accepted {
				t.Fatal("what cannot be read was accepted")
			}
			return
		}
		r := newReading(q)
		for w := range windows(q.Span, defaultDays) {
			n, err := r.rows(body, w)
			if accepted && err != nil {
				t.Fatal("accepted, and then not read")
			}
			if err == nil && len(r.punches)+len(r.skipped) > n {
				t.Fatalf("%d rows made %d punches and %d others", n, len(r.punches), len(r.skipped))
			}
		}
		for _, p := range r.punches {
			if _, asked := r.asked[p.Account]; !asked || !q.Span.Contains(p.Time) {
				t.Fatalf("a punch that was not asked for: %+v", p)
			}
		}
	})
}

// Rows whose time cannot be read are counted one by one, and once.
func TestRowsWithoutATimeAreCounted(t *testing.T) {
	var rows []string
	for i := range 5 {
		rows = append(rows, fmt.Sprintf(`{"userid":"a","checkin_type":"上班打卡","checkin_time":%d}`, 1709524800000+i))
	}
	r, n := read(t, answerOf(append(rows, rows[0])...), march(t), "a")
	require.Equal(t, 6, n)
	require.Len(t, r.skipped, 5)
}
