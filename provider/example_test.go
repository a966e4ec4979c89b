package provider_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/provider"
)

// A call with a token: the platform forgets the first one, the call is made once
// more with a second, and the rows are read without a struct.
func Example() {
	platform := roundTripper(func(r *http.Request) (*http.Response, error) {
		switch {
		case r.URL.Query().Get("token") == "token-1":
			return reply(200, `{"code": "40014", "message": "token expired"}`), nil
		default:
			return reply(200, `{"code": "0", "rows": [{"user": "staff001", "at": 1772413200}, {"user": "staff002", "at": "1772413260"}]}`), nil
		}
	})
	client := &provider.Client{
		Name: "acme",
		HTTP: &http.Client{Transport: platform},
		Classify: func(r provider.Reply) error {
			if err := provider.NotJSON(r); err != nil {
				return err
			}
			for key, value := range provider.Object(r.Body) {
				if string(key) != "code" {
					continue
				}
				switch provider.Text(value) {
				case "0":
					return nil
				case "40014":
					return &attendance.Error{Code: attendance.CodeCredentials, Err: provider.ErrToken}
				}
			}
			return &attendance.Error{Code: attendance.CodeUnknown, Detail: "an answer without a known code"}
		},
	}
	n := 0
	tokens := provider.NewTokens(func(context.Context) (provider.Token, error) {
		n++
		return provider.Token{Value: fmt.Sprintf("token-%d", n), Expires: time.Now().Add(2 * time.Hour)}, nil
	}, nil)

	got, err := provider.WithToken(context.Background(), tokens, func(token string) (provider.Reply, error) {
		return client.Call(context.Background(), provider.Request{URL: "https://acme.example/records", Query: url.Values{"token": {token}}})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for key, value := range provider.Object(got.Body) {
		if string(key) != "rows" {
			continue
		}
		for row := range provider.Array(value) {
			var user string
			var at int64
			for key, value := range provider.Object(row) {
				switch string(key) {
				case "user":
					user = provider.Text(value)
				case "at":
					at, _ = provider.Int(value)
				}
			}
			fmt.Println(user, time.Unix(at, 0).UTC().Format(time.RFC3339))
		}
	}
	fmt.Println(got.Sent, "requests")
	// Output:
	// staff001 2026-03-02T01:00:00Z
	// staff002 2026-03-02T01:01:00Z
	// 2 requests
}

// The calls of a company are counted in a store: over restarts, and for all processes
// that share it. In production the store is a sqlstore.Store, and the budget is handed
// to a client as dingtalk.Config.Budget.
func ExampleStoredBudget() {
	ctx := context.Background()
	shanghai := time.FixedZone("Asia/Shanghai", 8*3600)
	now := time.Date(2026, 3, 31, 23, 30, 0, 0, shanghai)
	clock := func() time.Time { return now }
	store := &attendancetest.Store{}

	budget := provider.NewStoredBudget(store, "acme", 2, shanghai, clock)
	fmt.Println(budget.Take(ctx), budget.Take(ctx))

	restarted := provider.NewStoredBudget(store, "acme", 2, shanghai, clock)
	fmt.Println(restarted.Left(ctx))
	fmt.Println(attendance.CodeOf(restarted.Take(ctx)))

	now = now.Add(time.Hour) // April
	fmt.Println(restarted.Left(ctx))
	// Output:
	// <nil> <nil>
	// 0 true <nil>
	// quota
	// 2 true <nil>
}
