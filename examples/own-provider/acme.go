package main

import (
	"context"
	"net/http"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// Punches are the punches of the platform acme.
type Punches struct {
	client *provider.Client // retries, limits, redaction
	tokens *provider.Tokens // one token for everybody; a wrong secret is tried once
}

// NewPunches returns a provider. Nothing is called yet.
func NewPunches(secret string, transport http.RoundTripper) *Punches {
	p := &Punches{client: &provider.Client{Name: "acme", HTTP: &http.Client{Transport: transport}, Classify: classify, Secrets: []string{secret}}}
	p.tokens = provider.NewTokens(func(ctx context.Context) (provider.Token, error) {
		reply, err := p.client.Call(ctx, provider.Request{URL: "https://acme.example/token", Body: map[string]string{"secret": secret}})
		return provider.Token{Value: provider.Text(provider.Member(reply.Body, "token")), Expires: reply.SentAt.Add(2 * time.Hour)}, err
	}, nil)
	return p
}

// Name implements [attendance.Provider].
func (p *Punches) Name() string { return "acme" }

// Limits implements [attendance.Provider].
func (p *Punches) Limits() attendance.Limits {
	return attendance.Limits{Accounts: 100, Span: 30 * 24 * time.Hour}
}

// Fetch implements [attendance.Provider]: all pages, or an error.
func (p *Punches) Fetch(ctx context.Context, q attendance.Query) (answer attendance.Answer, err error) {
	for page, more := 0, true; more; page++ {
		reply, err := provider.WithToken(ctx, p.tokens, func(token string) (provider.Reply, error) {
			return p.client.Call(ctx, provider.Request{
				URL: "https://acme.example/records", Header: http.Header{"Authorization": {"Bearer " + token}},
				Body: map[string]any{"users": q.Accounts, "from": q.Span.From.Unix(), "to": q.Span.To.Unix(), "page": page},
			})
		})
		if answer.Calls += reply.Sent; page == 0 {
			answer.ReadAt = reply.SentAt
		}
		if err != nil {
			return attendance.Answer{Calls: answer.Calls}, err
		}
		for row := range provider.Array(provider.Member(reply.Body, "rows")) {
			if punch := read(row); q.Span.Contains(punch.Time) { // acme takes whole seconds, both ends included
				answer.Punches = append(answer.Punches, punch)
			}
		}
		more, _ = provider.Bool(provider.Member(reply.Body, "more"))
	}
	return answer, nil
}
