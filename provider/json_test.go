package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

func TestObject(t *testing.T) {
	type member struct{ key, value string }
	for raw, want := range map[string][]member{
		`{}`:                               nil,
		` { } `:                            nil,
		`null`:                             nil,
		`[1]`:                              nil,
		`"{}"`:                             nil,
		``:                                 nil,
		`{"a":1}`:                          {{"a", "1"}},
		"{\n \"a\" : 1 ,\t\"b\":\"x\" \r}": {{"a", "1"}, {"b", `"x"`}},
		`{"a":{"b":["}","]",{"c":"\"}"}]},"d":[]}`:              {{"a", `{"b":["}","]",{"c":"\"}"}]}`}, {"d", "[]"}},
		`{"a\u0062\n":"\\","":null,"a\u0062\n":true}`:           {{"ab\n", `"\\"`}, {"", "null"}, {"ab\n", "true"}},
		`{"姓名":"张三","\ud83d\ude00":-1.5e+3,"` + "\xff" + `":0}`: {{"姓名", `"张三"`}, {"😀", "-1.5e+3"}, {"\ufffd", "0"}},
	} {
		var got []member
		for key, value := range provider.Object([]byte(raw)) {
			got = append(got, member{string(key), string(value)})
		}
		require.Equal(t, want, got, raw)
	}
}

func TestArray(t *testing.T) {
	for raw, want := range map[string][]string{
		`[]`: nil, ` [ ] `: nil, `{}`: nil, `null`: nil, ``: nil,
		`[1, "a,]" ,[2,[3]],{"x":[4]} , null]`: {"1", `"a,]"`, "[2,[3]]", `{"x":[4]}`, "null"},
	} {
		var got []string
		for value := range provider.Array([]byte(raw)) {
			got = append(got, string(value))
		}
		require.Equal(t, want, got, raw)
	}
}

func TestBreakOut(t *testing.T) {
	n := 0
	for range provider.Array([]byte(`[1,2,3]`)) {
		n++
		break
	}
	for range provider.Object([]byte(`{"a":1,"b":2}`)) {
		n++
		break
	}
	require.Equal(t, 2, n)
}

// The slices have no room behind them: appending cannot overwrite the answer.
func TestSlicesAreClosed(t *testing.T) {
	raw := []byte(`{"a":1,"b":2}`)
	for key, value := range provider.Object(raw) {
		_, _ = append(key, "xxxx"...), append(value, "yyyy"...)
	}
	require.Equal(t, `{"a":1,"b":2}`, string(raw))
}

func TestText(t *testing.T) {
	for raw, want := range map[string]string{
		`"abc"`: "abc", ` "abc" `: "abc", `""`: "", `12.0`: "12.0", ` 7`: "7", `true`: "true", `false`: "false", `null`: "",
		`{"a":1}`: "", `[1]`: "", ``: "", `"[2,3]"`: "[2,3]",
		`"\"\\\/\b\f\n\r\t\u0041"`: "\"\\/\b\f\n\r\tA",
		`"\ud83d\ude00"`:           "😀", `"\ud83d"`: "\ufffd", `"\ud83dA"`: "\ufffdA", `"\ud83d\u0041"`: "\ufffdA", `"\ude00\ud83d"`: "\ufffd\ufffd",
		"\"\xff\xe4\xbd\"": "\ufffd\ufffd\ufffd", `"外勤"`: "外勤",
	} {
		require.Equal(t, want, provider.Text([]byte(raw)), raw)
		require.Equal(t, want, string(provider.TextBytes([]byte(raw))), raw)
	}
}

func TestInt(t *testing.T) {
	for raw, want := range map[string]int64{
		`12`: 12, `"12"`: 12, `12.0`: 12, `1.2e3`: 1200, `" 12 "`: 12, ` 12 `: 12, `-7`: -7, `"-7.00"`: -7, `0`: 0, `-0`: 0, `0e999999999999`: 0,
		`"007"`: 7, `1200e-2`: 12, `1E2`: 100, `1e+2`: 100, `9007199254740993`: 9007199254740993, `9007199254740993.0`: 9007199254740993,
		`9223372036854775807`: math.MaxInt64, `-9223372036854775808`: math.MinInt64, `9.223372036854775807e18`: math.MaxInt64, `"\u0031"`: 1,
		`0.000e5`: 0, `0.00012e5`: 12, `1772431533000`: 1772431533000,
	} {
		got, ok := provider.Int([]byte(raw))
		require.True(t, ok, raw)
		require.Equal(t, want, got, raw)
	}
	for _, raw := range []string{``, `null`, `""`, `" "`, `true`, `"abc"`, `12.5`, `"12.5"`, `1e-1`, `9223372036854775808`, `-9223372036854775809`, `1e19`, `1e999999999999`,
		`99999999999999999999`, `[12]`, `{"a":1}`, `"0x10"`, `"1_000"`, `"1,000"`, `"+1"`, `"."`, `"1."`, `".5"`, `"1e"`, `"-"`, `"--1"`, `"1 2"`, `"Infinity"`, `"NaN"`, `"１２"`} {
		_, ok := provider.Int([]byte(raw))
		require.False(t, ok, raw)
	}
}

func TestFloat(t *testing.T) {
	for raw, want := range map[string]float64{`12`: 12, `"120.017394"`: 120.017394, `-1.5e3`: -1500, `" 3.0 "`: 3, `0`: 0, `1e308`: 1e308, `9007199254740993`: 9007199254740992} {
		got, ok := provider.Float([]byte(raw))
		require.True(t, ok, raw)
		require.Equal(t, want, got, raw)
	}
	for _, raw := range []string{``, `null`, `""`, `true`, `"inf"`, `"NaN"`, `"Infinity"`, `1e999`, `"0x1p-2"`, `"1_0"`, `[1]`, `"1,5"`} {
		_, ok := provider.Float([]byte(raw))
		require.False(t, ok, raw)
	}
}

func TestBool(t *testing.T) {
	for raw, want := range map[string]bool{`true`: true, `"true"`: true, `"TRUE"`: true, `1`: true, `"1"`: true, `"Y"`: true, `"y"`: true,
		`false`: false, `"False"`: false, `0`: false, `"0"`: false, `"N"`: false, `" n "`: false} {
		got, ok := provider.Bool([]byte(raw))
		require.True(t, ok, raw)
		require.Equal(t, want, got, raw)
	}
	for _, raw := range []string{``, `null`, `""`, `2`, `1.0`, `"yes"`, `"on"`, `[true]`, `{}`} {
		_, ok := provider.Bool([]byte(raw))
		require.False(t, ok, raw)
	}
}

func TestNoAllocation(t *testing.T) {
	raw := answer(5, 2)
	var sum int64
	words := 0
	require.Zero(t, testing.AllocsPerRun(20, func() {
		for key, rows := range provider.Object(raw) {
			if string(key) != "recordresult" {
				continue
			}
			for row := range provider.Array(rows) {
				for key, value := range provider.Object(row) {
					switch string(key) {
					case "id", "userCheckTime":
						n, _ := provider.Int(value)
						sum += n
					case "checkType":
						if string(provider.TextBytes(value)) == "OnDuty" {
							words++
						}
					case "userLongitude":
						f, _ := provider.Float(value)
						sum += int64(f)
					case "isLegal":
						if ok, _ := provider.Bool(value); ok {
							words++
						}
					}
				}
			}
		}
	}))
	require.NotZero(t, sum)
	require.NotZero(t, words)
}

// NotJSON draws the line where json.Valid draws it, but for what is no valid JSON and yet
// leaves no doubt where each value ends.
func TestNotJSONAgrees(t *testing.T) {
	cases := []string{
		``, ` `, `{}`, ` [ ] `, `[1,]`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{1:1}`, `[1 2]`, `[,1]`, `{,}`, `[}`, `{]`, `[`, `{`, `]`, `1 2`, `{}{}`,
		`true`, `tru`, `truex`, `null`, `nul`, `false`, `fals`, `True`, `nan`,
		`0`, `-0`, `-`, `01`, `-01`, `1.`, `.1`, `1.5`, `1e`, `1e+`, `1e5`, `1E-05`, `+1`, `0x1`, `1.5.5`, `00`, `-1.0e+10`, `1e5e5`, `0e0`,
		`"`, `""`, `"abcdefgh"`, `"abcdefg"`, `"abcdefghi`, "\"abcdefg\n\"", "\"\x1f\"", "\"abcdefgh\x00ijkl\"", "\"\x7f\xff\"", `"\u12"`, `"\u12g4"`, `"\u1234"`, `"\x"`, `"\`, `"abcdefg\"`, `"abcdefg\""`, `"\\"`, `"\/\b\f\n\r\t\""`,
		"\ufeff{}", "{}\x00", "\v{}",
	}
	for _, depth := range []int{100, 9999, 10000, 10001} {
		cases = append(cases, strings.Repeat("[", depth)+strings.Repeat("]", depth), strings.Repeat(`{"a":`, depth)+"1"+strings.Repeat("}", depth))
	}
	for n := range 40 { // every place of the eight bytes
		cases = append(cases, `"`+strings.Repeat("x", n)+`"`, `"`+strings.Repeat("x", n)+`\n"`, `"`+strings.Repeat("x", n)+"\x1f"+`y"`, `"`+strings.Repeat("é", n)+`"`, `"`+strings.Repeat(" !#[]", n)+`"`)
	}
	for _, raw := range cases {
		err := provider.NotJSON(provider.Reply{Status: 200, Body: []byte(raw)})
		require.Equal(t, json.Valid([]byte(raw)) || isSound(raw), err == nil, "%.80q: %v", raw, err)
		if err != nil {
			require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(err))
			require.NotContains(t, err.Error(), "invalid character")
		}
	}
}

// isSound spells out what is read although it is not valid.
func isSound(raw string) bool {
	switch raw {
	case "[1,]", `{"a":1,}`, "tru", "truex", "nul", "fals", "True", "nan", "-", "01", "-01", "1.", ".1", "1e", "1e+", "+1", "0x1", "1.5.5", "00", "1e5e5",
		"\"abcdefg\n\"", "\"\x1f\"", "\"abcdefgh\x00ijkl\"", `"\u12"`, `"\u12g4"`, `"\x"`:
		return true
	}
	return strings.HasPrefix(raw, `"x`) && strings.HasSuffix(raw, "\x1fy\"") || raw == "\"\x1fy\""
}

// What is wrong inside one value costs nobody else's.
func TestWhatIsNotQuiteJSON(t *testing.T) {
	for raw, want := range map[string][]string{
		"[\"first\nsecond\x1b[0m\tthird\x00\",1]":       {"first second [0m third ", "1"},
		"[\"外勤\n地点\",\"\xff\r\"]":                       {"外勤 地点", "\ufffd "},
		`["a\qb\'c","\u12zz",2]`:                        {"aqb'c", "\ufffd12zz", "2"},
		`[007,NaN,1.,.5,True,undefined,"x",-Infinity,]`: {"007", "NaN", "1.", ".5", "True", "undefined", "x", "-Infinity"},
	} {
		require.NoError(t, provider.NotJSON(provider.Reply{Status: 200, Body: []byte(raw)}), raw)
		var got []string
		for value := range provider.Array([]byte(raw)) {
			got = append(got, provider.Text(value))
		}
		require.Equal(t, want, got, raw)
	}
	for _, raw := range []string{`["a"b",1]`, "[\"a\n,\"b\",1]", `["a" "b"]`, `[1,,2]`, `[,]`, `{"a":,}`, `{"a":1,,}`, `{a:1}`, `{'a':1}`, `["a"]]`, `[1}`, `["a`, `[1/2]`, `{}{}`, `{} x`, `x{}`, `{"a":"b\"}`, strings.Repeat("[", 10001) + "NaN" + strings.Repeat("]", 10001)} {
		require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(provider.NotJSON(provider.Reply{Status: 200, Body: []byte(raw)})), raw)
	}
}

func TestSpoilt(t *testing.T) {
	for raw, want := range map[string]bool{`"u1"`: false, `"u 1"`: false, `"张三"`: false, `""`: false, ``: false, `12`: false, `null`: false, `"\u0041"`: false, `"\\"`: false,
		"\"u\n1\"": true, "\"u1\x00\"": true, `"u\n1"`: true, `"u\u0000"`: true, "\"u\x7f\"": true, `"\u0085"`: true, "\"u\xff\"": true, `"\ud800"`: true, `"\ufffd"`: true, ` "\t"`: true} {
		require.Equal(t, want, provider.Spoilt([]byte(raw)), raw)
	}
}

// FuzzSound: what is read of a document of which one value was changed is, beside that
// value, what was read before.
func FuzzSound(f *testing.F) {
	for _, seed := range []string{`"x`, `"a"b"`, "\"\n\"", `NaN`, `]`, `[`, `"`, `\`, `"\"`, `,`, `{"id":9`, `"},{"id":9,"v":"`, `1},{"id":9`, "//", `"\u12"`, ``, `"/*`, `""`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, broken string) {
		body := `{"list":[{"id":1,"v":"one"},{"id":2,"v":` + broken + `},{"id":3,"v":"three"}]}`
		if provider.NotJSON(provider.Reply{Status: 200, Body: []byte(body)}) != nil {
			return
		}
		var ids []string
		for row := range provider.Array(provider.Member([]byte(body), "list")) {
			ids = append(ids, provider.Text(provider.Member(row, "id"))+provider.Text(provider.Member(row, "v")))
		}
		require.Contains(t, ids, "1one")
		if !strings.ContainsAny(broken, "]}") { // which may end the list, so that the rest stands elsewhere
			require.Contains(t, ids, "3three")
		}
	})
}

// FuzzJSON compares with encoding/json on anything that it calls valid, and only
// wants to survive the rest.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":"x","c":[1,2,{"d":null}],"a":true}`, `[1, 2.5e3 , "a\"b" , {} , [] ]`, `"\ud83d\ude00\ud83d\u0041\"\\"`, `{"\u0061\ud800":"` + "\xff" + `"}`,
		` { "k" : { "x" : "}\\" } , "l" : [ "]" ] } `, `12.50`, `-0.0e-7`, `"1e400"`, `null`, `{"a`, `{"a":`, `["`, `"\u12`, `"\`, `[[[[`, `{"a":1}}`, `"\\\"x"`, `[1,]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		elements := slices.Collect(provider.Array(raw))
		members := make(map[string]string)
		for key, value := range provider.Object(raw) {
			members[string(key)] = string(value)
		}
		text := provider.Text(raw)
		whole, isInt := provider.Int(raw)
		float, isFloat := provider.Float(raw)
		provider.Bool(raw)
		require.Equal(t, before, raw, "the input was changed")
		notJSON := provider.NotJSON(provider.Reply{Status: 200, Body: raw})
		if !json.Valid(raw) {
			if notJSON != nil {
				require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(notJSON))
			}
			return
		}
		require.NoError(t, notJSON)

		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) == nil && object != nil {
			require.ElementsMatch(t, slices.Collect(maps.Keys(object)), slices.Collect(maps.Keys(members)))
			for key, value := range object {
				require.Equal(t, string(value), members[key])
			}
		} else {
			require.Empty(t, members)
		}
		var array []json.RawMessage
		if json.Unmarshal(raw, &array) == nil {
			require.Len(t, elements, len(array))
			for i := range array {
				require.Equal(t, string(array[i]), string(elements[i]))
			}
		} else {
			require.Empty(t, elements)
		}
		trimmed := strings.Trim(string(raw), " \t\r\n")
		switch trimmed[0] {
		case '"':
			var s string
			require.NoError(t, json.Unmarshal(raw, &s))
			require.Equal(t, s, text)
		case '{', '[':
			require.Empty(t, text)
		case 'n':
			require.Empty(t, text)
		default:
			require.Equal(t, trimmed, text)
		}
		var number json.Number
		if trimmed[0] != '"' && json.Unmarshal(raw, &number) == nil && number != "" {
			want, err := number.Float64()
			require.Equal(t, err == nil, isFloat)
			if isFloat {
				require.Equal(t, want, float)
			}
			if n, err := strconv.ParseInt(string(number), 10, 64); err == nil {
				require.True(t, isInt)
				require.Equal(t, n, whole)
			} else if isInt && isFloat {
				require.InEpsilon(t, 1+math.Abs(want), 1+math.Abs(float64(whole)), 1e-12)
			}
		}
	})
}

// answer is an answer of DingTalk's listRecord for some people over some days.
func answer(people, days int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"errcode":0,"errmsg":"ok","recordresult":[`)
	n := 0
	for p := range people {
		for d := range days {
			for k := range 4 {
				if n > 0 {
					b.WriteByte(',')
				}
				at := 1772380800000 + int64(d)*86400000 + int64(k)*10800000 + int64(p)*1000
				fmt.Fprintf(&b, `{"id":%d,"userId":"staff%04d","corpId":"dingtest0001","workDate":1772380800000,"checkType":"%s","sourceType":"USER","timeResult":"Normal","locationResult":"Normal","isLegal":"Y","locationMethod":"MAP","userCheckTime":%d,"baseCheckTime":%d,"planCheckTime":%d,"planId":700000000006,"groupId":600002,"classId":650002,"userAddress":"上海市浦东新区世纪大道 %d 号","userLongitude":121.473701,"userLatitude":31.230416,"userSsid":"office-5G","userMacAddr":"aa:bb:cc:dd:ee:ff","deviceId":"0123456789abcdef0123456789abcdef","baseAddress":"上海市浦东新区世纪大道 1 号","baseLongitude":121.4737,"baseLatitude":31.2304,"baseAccuracy":100,"userAccuracy":30,"gmtCreate":%d,"gmtModified":%d,"outsideRemark":""}`,
					500000000000+n, p, [2]string{"OnDuty", "OffDuty"}[k%2], at, at, at, n%90, at, at)
				n++
			}
		}
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

type record struct {
	ID         int64   `json:"id"`
	User       string  `json:"userId"`
	CheckType  string  `json:"checkType"`
	TimeResult string  `json:"timeResult"`
	Time       int64   `json:"userCheckTime"`
	Address    string  `json:"userAddress"`
	Longitude  float64 `json:"userLongitude"`
	Latitude   float64 `json:"userLatitude"`
}

// BenchmarkDecode reads a full answer: 50 people, 7 days, 4 punches a day.
func BenchmarkDecode(b *testing.B) {
	raw := answer(50, 7)
	b.Run("provider", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			if err := provider.NotJSON(provider.Reply{Body: raw}); err != nil {
				b.Fatal(err)
			}
			records := make([]record, 0, 1400)
			for key, rows := range provider.Object(raw) {
				if string(key) != "recordresult" {
					continue
				}
				for row := range provider.Array(rows) {
					var r record
					for key, value := range provider.Object(row) {
						switch string(key) {
						case "id":
							r.ID, _ = provider.Int(value)
						case "userId":
							r.User = provider.Text(value)
						case "checkType":
							r.CheckType = provider.Text(value)
						case "timeResult":
							r.TimeResult = provider.Text(value)
						case "userCheckTime":
							r.Time, _ = provider.Int(value)
						case "userAddress":
							r.Address = provider.Text(value)
						case "userLongitude":
							r.Longitude, _ = provider.Float(value)
						case "userLatitude":
							r.Latitude, _ = provider.Float(value)
						}
					}
					records = append(records, r)
				}
			}
			if len(records) != 1400 {
				b.Fatal(len(records))
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			var answer struct {
				Records []record `json:"recordresult"`
			}
			if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Records) != 1400 {
				b.Fatal(err, len(answer.Records))
			}
		}
	})
	b.Run("barest", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			var answer struct {
				Records []struct {
					ID int64 `json:"id"`
				} `json:"recordresult"`
			}
			if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Records) != 1400 {
				b.Fatal(err, len(answer.Records))
			}
		}
	})
	b.Run("NotJSON only", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			if err := provider.NotJSON(provider.Reply{Body: raw}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json.Valid only", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			json.Valid(raw)
		}
	})
}
