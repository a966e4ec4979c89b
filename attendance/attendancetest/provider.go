// Package attendancetest holds an in-memory Provider, Sink and Store: for the tests of
// this module and for those of hosts. None needs a network or a database, and
// all keep the contracts of package attendance strictly: the provider rejects
// queries beyond its limits (but for the horizon, which it leaves to Refuse), the
// sink panics at batches that break the rules.
package attendancetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// A Provider holds punches in memory and answers for them. Create it with
// [NewProvider]. It is safe for concurrent use.
type Provider struct {
	name   string
	limits attendance.Limits

	// Refuse, when not nil, is asked before every answer, from any goroutine; its
	// error is returned instead. Set it before use.
	Refuse func(q attendance.Query) error
	// Cap, when > 0, silently cuts every answer to so many records, as a platform
	// with an undocumented limit would; answers of exactly Cap rows are Suspect.
	Cap int

	mu      sync.Mutex
	records map[string][]attendance.Punch
	skipped map[string][]attendance.Skipped
	calls   int
	queries []attendance.Query
}

// NewProvider returns an empty provider of the given name and limits.
func NewProvider(name string, limits attendance.Limits) *Provider {
	return &Provider{
		name:    name,
		limits:  limits,
		records: make(map[string][]attendance.Punch),
		skipped: make(map[string][]attendance.Skipped),
	}
}

// Put adds punches to what the platform holds.
func (p *Provider) Put(punches ...attendance.Punch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, punch := range punches {
		p.records[punch.Account] = append(p.records[punch.Account], punch)
	}
}

// PutSkipped adds records that are no punches.
func (p *Provider) PutSkipped(records ...attendance.Skipped) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range records {
		p.skipped[s.Account] = append(p.skipped[s.Account], s)
	}
}

// Remove forgets the punch with the given id.
func (p *Provider) Remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for account, list := range p.records {
		p.records[account] = slices.DeleteFunc(list, func(q attendance.Punch) bool { return q.ID == id })
	}
}

// Calls is the number of queries so far.
func (p *Provider) Calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// Queries returns the queries so far, in the order they came.
func (p *Provider) Queries() []attendance.Query {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.queries)
}

// Name implements [attendance.Provider].
func (p *Provider) Name() string { return p.name }

// Limits implements [attendance.Provider].
func (p *Provider) Limits() attendance.Limits { return p.limits }

// Fetch implements [attendance.Provider].
func (p *Provider) Fetch(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
	if err := ctx.Err(); err != nil {
		return attendance.Answer{}, err
	}
	answer := attendance.Answer{Calls: 1, ReadAt: time.Now()} //nolint:forbidigo // a reading is stamped with the real clock
	p.mu.Lock()
	p.calls++
	p.queries = append(p.queries, attendance.Query{Accounts: slices.Clone(q.Accounts), Span: q.Span})
	p.mu.Unlock()
	if err := p.beyond(q); err != nil {
		return answer, err
	}
	if p.Refuse != nil {
		if err := p.Refuse(q); err != nil {
			return answer, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, account := range q.Accounts {
		for _, punch := range p.records[account] {
			if q.Span.Contains(punch.Time) {
				answer.Punches = append(answer.Punches, punch)
			}
		}
		for _, s := range p.skipped[account] {
			if q.Span.Contains(s.Time) {
				answer.Skipped = append(answer.Skipped, s)
			}
		}
	}
	if kept := p.Cap - len(answer.Skipped); p.Cap > 0 && len(answer.Punches) >= kept {
		answer.Punches, answer.Suspect = answer.Punches[:max(kept, 0)], true
	}
	answer.Rows = len(answer.Punches) + len(answer.Skipped)
	return answer, nil
}

// beyond refuses what no caller may ask.
func (p *Provider) beyond(q attendance.Query) error {
	distinct := slices.Compact(slices.Sorted(slices.Values(q.Accounts)))
	switch {
	case len(q.Accounts) == 0 || distinct[0] == "" || len(distinct) != len(q.Accounts):
		return request("accounts must be there, not empty and distinct: %q", q.Accounts)
	case p.limits.Accounts > 0 && len(q.Accounts) > p.limits.Accounts:
		return request("%d accounts, at most %d", len(q.Accounts), p.limits.Accounts)
	case q.Span.Empty():
		return request("empty span %v", q.Span)
	case p.limits.Span > 0 && q.Span.Length() > p.limits.Span:
		return request("span %v is longer than %v", q.Span, p.limits.Span)
	}
	return nil
}

func request(format string, args ...any) error {
	return &attendance.Error{Code: attendance.CodeRequest, Op: "attendancetest", Detail: fmt.Sprintf(format, args...)}
}
