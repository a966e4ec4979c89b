package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

var everything = Features{Kinds: []attendance.Kind{attendance.Regular, attendance.Outside, attendance.Field}, Directions: true, IDs: true, Places: true, Remarks: true}

// The sound provider passes, with limits and without.
func TestSoundProvider(t *testing.T) {
	for name, limits := range map[string]attendance.Limits{
		"limits":    {Accounts: 50, Span: 7 * 24 * time.Hour, Horizon: 180 * 24 * time.Hour},
		"one":       {Accounts: 1, Span: 24 * time.Hour},
		"wide":      {Accounts: 1000, Span: 45 * 24 * time.Hour},
		"no limits": {},
	} {
		t.Run(name, func(t *testing.T) { Run(t, newAcme(limits, ""), everything) })
	}
	t.Run("no features", func(t *testing.T) {
		Run(t, newAcme(attendance.Limits{Accounts: 3, Span: 72 * time.Hour}, ""), Features{})
	})
}

// twisted breaks one promise of a sound provider.
type twisted struct {
	*acmeProvider
	twist string

	mu    sync.Mutex
	calls int
	kept  attendance.Answer
	err   error
	busy  atomic.Bool
}

func (p *twisted) Limits() attendance.Limits {
	l := p.acmeProvider.Limits()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.twist == "limits change" && p.calls > 0 {
		l.Accounts++
	}
	return l
}

func (p *twisted) Fetch(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
	p.mu.Lock()
	p.calls++
	calls := p.calls
	p.mu.Unlock()
	sound := p.acmeProvider.Fetch
	switch p.twist {
	case "includes To":
		q.Span.To = q.Span.To.Add(time.Nanosecond)
	case "excludes From":
		q.Span.From = q.Span.From.Add(time.Nanosecond)
	case "cuts to seconds":
		q.Span.From, q.Span.To = q.Span.From.Truncate(time.Second), q.Span.To.Truncate(time.Second)
	case "drops the last account":
		if n := len(q.Accounts); n > 3 {
			q.Accounts = q.Accounts[:n-1]
		}
	case "sorts the query":
		slices.Sort(q.Accounts)
		slices.Reverse(q.Accounts)
	case "asks for more":
		q.Accounts = p.upstream.Accounts(nil)
	case "ignores the context":
		ctx = context.WithoutCancel(ctx)
	case "fetches a token every time":
		p.tokens = provider.NewTokens(p.fetchToken, nil)
	case "one call at a time fails":
		// A mutex would do, but one that is waited for stops the bubble's clock.
		if !p.busy.CompareAndSwap(false, true) {
			return attendance.Answer{}, errTwist
		}
		time.Sleep(time.Millisecond)
		p.busy.Store(false)
	case "remembers errors":
		p.mu.Lock()
		err := p.err
		p.mu.Unlock()
		if err != nil {
			return attendance.Answer{}, err
		}
	}
	answer, err := sound(ctx, q)
	switch p.twist {
	case "loses one in a hundred":
		if n := len(answer.Punches); n > 99 {
			answer.Punches = answer.Punches[:n-n/100]
		}
	case "doubles":
		if len(answer.Punches) > 0 {
			answer.Punches = append(answer.Punches, answer.Punches[0])
		}
	case "invents":
		if len(answer.Punches) == 0 && err == nil {
			answer.Punches = []attendance.Punch{{Account: q.Accounts[0], Time: q.Span.From, Kind: attendance.Regular}}
		}
	case "skips what is fine":
		if len(answer.Punches) > 0 {
			answer.Skipped = []attendance.Skipped{{Reason: attendance.Invalid}}
		}
	case "wrong direction", "wrong kind", "wrong place", "wrong id", "wrong remark", "wrong account", "wrong zone":
		for i := range answer.Punches {
			at := &answer.Punches[i]
			switch p.twist {
			case "wrong direction":
				at.Direction = attendance.Undirected
			case "wrong kind":
				at.Kind = attendance.Regular
			case "wrong place":
				at.Place.Longitude, at.Place.Latitude = at.Place.Latitude, at.Place.Longitude
			case "wrong id":
				at.ID = ""
			case "wrong remark":
				at.Remark = strings.ReplaceAll(at.Remark, "\\", "")
			case "wrong account":
				at.Account = strings.ToUpper(at.Account)
			case "wrong zone":
				at.Time = at.Time.Add(8 * time.Hour)
			}
		}
	case "miscounts":
		answer.Calls = 1
	case "no ReadAt":
		answer.ReadAt = time.Time{}
	case "shares its answer":
		p.mu.Lock()
		defer p.mu.Unlock()
		if calls == 1 {
			p.kept = answer
		}
		p.kept.ReadAt, p.kept.Calls = answer.ReadAt, answer.Calls
		return p.kept, err
	case "remembers errors":
		p.mu.Lock()
		defer p.mu.Unlock()
		p.err = err
	case "wraps context errors":
		if err != nil {
			err = fmt.Errorf("acme: %w", err)
		}
	case "bare errors":
		if e, ok := errors.AsType[*attendance.Error](err); ok {
			err = errors.New(e.Detail)
		}
	case "says nothing":
		if e, ok := errors.AsType[*attendance.Error](err); ok {
			err = &attendance.Error{Code: e.Code}
		}
	case "names the secret":
		if e, ok := errors.AsType[*attendance.Error](err); ok {
			return attendance.Answer{}, &attendance.Error{Code: e.Code, Op: e.Op, Detail: e.Detail, Err: errors.New(acmeSecret)}
		}
	case "swallows errors":
		if ctx.Err() == nil {
			err = nil
		}
	case "hands out half":
		if err != nil {
			answer.Punches = []attendance.Punch{{Account: q.Accounts[0], Time: q.Span.From}}
		}
	case "tries for ever":
		for range 5 {
			if !attendance.CodeOf(err).Temporary() {
				break
			}
			answer, err = sound(ctx, q)
		}
	case "tries refusals again":
		if attendance.CodeOf(err).Refusal() {
			p.tokens = provider.NewTokens(p.fetchToken, nil)
			_, err = sound(ctx, q)
		}
	case "leaves the bad one out":
		if attendance.CodeOf(err) == attendance.CodeAccount && len(q.Accounts) > 1 {
			q.Accounts = q.Accounts[:len(q.Accounts)-1]
			answer, err = sound(ctx, q)
		}
	}
	return answer, err
}

// Every broken provider is found out, by the rule that is meant for it.
func TestBrokenProviders(t *testing.T) {
	cases := map[string][]string{ // twist: rules that must notice
		"limits change":              {"Limits"},
		"loses one in a hundred":     {"Complete"},
		"doubles":                    {"Complete", "HalfOpen"},
		"invents":                    {"Empty", "SubSecondEnds"},
		"skips what is fine":         {"Complete"},
		"wrong direction":            {"Complete"},
		"wrong kind":                 {"Complete"},
		"wrong place":                {"Complete"},
		"wrong id":                   {"Complete"},
		"wrong remark":               {"Complete"},
		"wrong account":              {"Complete"},
		"wrong zone":                 {"Complete", "HalfOpen"},
		"includes To":                {"HalfOpen"},
		"excludes From":              {"HalfOpen"},
		"cuts to seconds":            {"SubSecondEnds"},
		"drops the last account":     {"Complete", "OrderIndependent"},
		"sorts the query":            {"Complete"},
		"asks for more":              {"AskedAccountsOnly", "Empty"},
		"shares its answer":          {"AnswerIsYours", "Concurrent"},
		"one call at a time fails":   {"Concurrent"},
		"miscounts":                  {"Complete", "ThrottledTwice", "TokenExpired"},
		"no ReadAt":                  {"Empty"},
		"ignores the context":        {"CancelledBefore", "CancelledDuring", "CancelledWhileWaiting", "Deadline"},
		"remembers errors":           {"CancelledDuring"},
		"wraps context errors":       {"CancelledBefore", "CancelledDuring", "Deadline"},
		"bare errors":                {"Forbidden", "BadSecret", "ThrottledForEver", "NoAnswerAtAll", "BadAccount"},
		"says nothing":               {"Forbidden", "Garbage"},
		"names the secret":           {"BadSecret", "Forbidden", "TokenRejected"},
		"swallows errors":            {"Forbidden", "Garbage", "HalfBodyForEver", "ResetForEver", "BusyForEver", "BadAccount"},
		"hands out half":             {"HalfBodyForEver", "CancelledDuring"},
		"tries for ever":             {"ThrottledForEver", "BusyForEver", "ResetForEver"},
		"tries refusals again":       {"BadSecret", "TokenRejected"},
		"fetches a token every time": {"BadSecret"},
		"leaves the bad one out":     {"BadAccount"},
	}
	all := make(map[string]rule)
	for _, r := range rules() {
		all[r.name] = r
	}
	for twist, names := range cases {
		for _, name := range names {
			t.Run(twist+"/"+name, func(t *testing.T) {
				r, ok := all[name]
				require.True(t, ok)
				var err error
				synctest.Test(t, func(t *testing.T) {
					limits := attendance.Limits{Accounts: 50, Span: 7 * 24 * time.Hour}
					err = r.check(newHarness(t, newAcme(limits, twist), everything))
				})
				require.Error(t, err)
				require.NotErrorIs(t, err, errSkip)
			})
		}
	}
}

// A platform that cannot have a trouble skips its rule.
func TestSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, newAcme(attendance.Limits{}, ""), Features{})
		h.upstream = unable{h.upstream}
		require.ErrorIs(t, throttledTwice(h), errSkip)
		require.ErrorIs(t, badAccount(h), errSkip)
	})
}

type unable struct{ Upstream }

func (unable) Fail(testing.TB, Fault) bool { return false }
