package wecom

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

const fullRows = 100 * 30 * 4

// fullAnswer is what 100 people answer with over 30 days at 4 rows a day, and the
// query whose padded window that fits.
func fullAnswer(b testing.TB) (body []byte, q attendance.Query, w window) {
	now := func() time.Time { return at(b, "2024-07-01 12:00:00") }
	fake := wecomtest.New(&wecomtest.Options{Now: now, PerMinute: -1})
	q.Accounts = staff(fake, 100)
	q.Span = span(b, "2024-05-02 00:00:00", "2024-06-01 00:00:00")
	for i, account := range q.Accounts {
		for d := range 30 {
			for n, hour := range []int{8, 12, 13, 18} {
				fake.AddRecord(wecomtest.Record{
					UserID: account, Time: q.Span.From.AddDate(0, 0, d).Add(time.Duration(hour)*time.Hour + time.Duration(i)*time.Minute),
					Type: []string{"上班打卡", "下班打卡"}[n%2], Group: "总部考勤", Title: "示例大厦", Detail: "上海市浦东新区世纪大道 " + string(rune('0'+i%10)) + " 号",
					WifiName: "Corp-WiFi-3F", Located: true, Longitude: 121.473701 + float64(i)/1e4, Latitude: 31.230416 + float64(n)/1e4,
					Scheduled: q.Span.From.AddDate(0, 0, d).Add(time.Duration(hour) * time.Hour), GroupID: 7, TimelineID: int64(n/2 + 1),
				})
			}
		}
	}
	for w = range windows(q.Span, mostDays+1) {
		break
	}
	// The fake keeps to 30 days: the padding holds nothing anyway.
	c := clientOf(b, fake, nil)
	token, err := c.app.tokens.Token(b.Context())
	require.NoError(b, err)
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, defaultBaseURL+pathCheckIns+"?"+url.Values{"access_token": {token}}.Encode(),
		jsonBody(b, checkInsBody{everyType, q.Span.From.Unix(), q.Span.To.Unix() - 1, q.Accounts}))
	require.NoError(b, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := fake.Client().Do(request)
	require.NoError(b, err)
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	require.NoError(b, err)
	return body, q, w
}

// BenchmarkDecode compares everything that is done to a full answer (validity,
// errcode, natural keys, classification of each row) with encoding/json reading it
// into the barest struct.
func BenchmarkDecode(b *testing.B) {
	body, q, w := fullAnswer(b)
	b.Run("wecom", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		answer := replyOf(body)
		for b.Loop() {
			if err := classifyRecords(answer); err != nil {
				b.Fatal(err)
			}
			r := newReading(q)
			if n, err := r.rows(body, w); err != nil || n != fullRows || len(r.punches) != fullRows {
				b.Fatal(n, err, len(r.punches))
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var plain struct {
				ErrCode     int `json:"errcode"`
				CheckInData []struct {
					UserID         string `json:"userid"`
					CheckInType    string `json:"checkin_type"`
					ExceptionType  string `json:"exception_type"`
					CheckInTime    int64  `json:"checkin_time"`
					LocationTitle  string `json:"location_title"`
					LocationDetail string `json:"location_detail"`
					Notes          string `json:"notes"`
					Lat            int64  `json:"lat"`
					Lng            int64  `json:"lng"`
				} `json:"checkindata"`
			}
			if err := json.Unmarshal(body, &plain); err != nil || len(plain.CheckInData) != fullRows {
				b.Fatal(err)
			}
		}
	})
}

// The decoder keeps a few allocations a row below encoding/json.
func TestDecodeAllocatesLittle(t *testing.T) {
	body, q, w := fullAnswer(t)
	allocations := testing.AllocsPerRun(3, func() {
		r := newReading(q)
		_, _ = r.rows(body, w)
	})
	require.Less(t, allocations/fullRows, 0.5)
}

// BenchmarkFetch is one full call through the fake: its answer, the transport and
// the decoding.
func BenchmarkFetch(b *testing.B) {
	now := func() time.Time { return at(b, "2024-07-01 12:00:00") }
	fake := wecomtest.New(&wecomtest.Options{Now: now, PerMinute: -1, LogSize: -1})
	wecomtest.Populate(fake, wecomtest.Company{People: 100, First: at(b, "2024-05-01 00:00:00"), Days: 31, PerDay: 4, Weekends: true, Tidy: true})
	c := clientOf(b, fake, quick)
	q := attendance.Query{Span: span(b, "2024-05-02 00:00:00", "2024-05-27 00:00:00")}
	for a, err := range c.UserIDs().Accounts(b.Context()) {
		require.NoError(b, err)
		q.Accounts = append(q.Accounts, a.ID)
	}
	b.ReportAllocs()
	for b.Loop() {
		a, err := c.CheckIns().Fetch(context.Background(), q)
		if err != nil || len(a.Punches) != 100*25*4 {
			b.Fatal(len(a.Punches), err)
		}
	}
}
