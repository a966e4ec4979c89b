// Package provider is the toolkit for whoever writes an [attendance.Provider]:
// a JSON call over HTTP with rate limit, budget, retry and redaction ([Client]),
// a token cache ([Tokens], [WithToken]), a monthly budget ([MonthlyBudget]), and
// a lenient, allocation-free reading of JSON ([Object], [Array], [Text], [Int],
// [Float], [Bool]). Package providertest proves what was built with it.
//
// A provider is one type with three methods:
//
//	Name() string
//	Limits() attendance.Limits
//	Fetch(ctx context.Context, q attendance.Query) (attendance.Answer, error)
//
// The pieces fit together like this:
//
//	reply, err := provider.WithToken(ctx, tokens, func(token string) (provider.Reply, error) {
//		return client.Call(ctx, provider.Request{URL: ..., Query: url.Values{"access_token": {token}}, Body: ..., Budget: budget})
//	})
//	answer := attendance.Answer{Calls: reply.Sent, ReadAt: reply.SentAt}
//	for key, value := range provider.Object(reply.Body) { ... }
//
// The platform's own reading of an answer is one function, [Client.Classify]:
// it turns an error answer into an [attendance.Error] whose code decides about
// retries, about a fresh token ([ErrToken]) and about the run.
//
// The package imports the standard library, attendance, backoff and rate. It
// keeps no global state and starts no goroutine.
package provider

import "github.com/punchbridge/punchbridge/attendance"

// Provider is what this package helps to write.
type Provider = attendance.Provider
