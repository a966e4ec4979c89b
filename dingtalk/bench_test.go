package dingtalk

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// fullAnswer is what 50 people answer with over 7 days at 4 punches a day.
func fullAnswer(b testing.TB) (body []byte, q attendance.Query) {
	fake := dingtalktest.New(&dingtalktest.Options{Now: march})
	q.Accounts = staff(fake, 50)
	q.Span = until(b, "2026-03-09 00:00:00")
	for i, account := range q.Accounts {
		for d := range 7 {
			for n, hour := range []int{8, 12, 13, 18} {
				fake.AddPunch(dingtalktest.Punch{
					UserID: account, Time: q.Span.From.AddDate(0, 0, d).Add(time.Duration(hour)*time.Hour + time.Duration(i)*time.Minute),
					CheckType: []string{"OnDuty", "OffDuty"}[n%2], Address: "上海市浦东新区世纪大道 " + string(rune('0'+i%10)) + " 号", Located: true,
					Longitude: 121.473701 + float64(i)/1e4, Latitude: 31.230416 + float64(n)/1e4,
				})
			}
		}
	}
	c := clientOf(b, fake, func(c *Config) { c.Now = march })
	token, err := c.tokens.Token(b.Context())
	require.NoError(b, err)
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, defaultBaseURL+pathListRecord+"?"+url.Values{"access_token": {token}}.Encode(),
		jsonBody(b, listRecordBody{UserIDs: q.Accounts, From: "2026-03-02 00:00:00", To: "2026-03-09 00:00:00"}))
	require.NoError(b, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := fake.Client().Do(request)
	require.NoError(b, err)
	defer response.Body.Close()
	return readAll(b, response.Body), q
}

// BenchmarkDecode compares everything that is done to a full answer (validity,
// envelope, classification of each record) with encoding/json reading it into the
// barest struct.
func BenchmarkDecode(b *testing.B) {
	body, q := fullAnswer(b)
	b.Run("dingtalk", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		answer := reply(200, string(body))
		for b.Loop() {
			if _, err := open(answer); err != nil {
				b.Fatal(err)
			}
			r := newReading(q)
			if rows, err := r.records(body, q.Span); err != nil || rows != 1400 || len(r.punches) != 1400 {
				b.Fatal(rows, err, len(r.punches))
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var plain struct {
				ErrCode      int `json:"errcode"`
				RecordResult []struct {
					ID             int64   `json:"id"`
					UserID         string  `json:"userId"`
					UserCheckTime  int64   `json:"userCheckTime"`
					CheckType      string  `json:"checkType"`
					TimeResult     string  `json:"timeResult"`
					LocationResult string  `json:"locationResult"`
					UserAddress    string  `json:"userAddress"`
					UserLongitude  float64 `json:"userLongitude"`
					UserLatitude   float64 `json:"userLatitude"`
				} `json:"recordresult"`
			}
			if err := json.Unmarshal(body, &plain); err != nil || len(plain.RecordResult) != 1400 {
				b.Fatal(err)
			}
		}
	})
}

// The decoder keeps a few allocations a record below encoding/json.
func TestDecodeAllocatesLittle(t *testing.T) {
	body, q := fullAnswer(t)
	allocations := testing.AllocsPerRun(5, func() {
		r := newReading(q)
		_, _ = r.records(body, q.Span)
	})
	require.Less(t, allocations/1400, 4.0)
}
