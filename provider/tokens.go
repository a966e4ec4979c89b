package provider

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/punchbridge/punchbridge/attendance"
)

// ErrToken is what a [Client.Classify] puts into the Err of its
// [attendance.Error] (of [attendance.CodeCredentials]) when the platform says
// that the token itself is invalid or has expired. [WithToken] then fetches a
// fresh one, once.
var ErrToken = errors.New("provider: the platform does not accept the token")

// A Token is an access token. It does not print its value.
type Token struct {
	// Value is the token itself, a secret.
	Value string
	// Expires is when the platform stops accepting it; zero means never.
	Expires time.Time
}

// String hides the value.
func (t Token) String() string { return "token, expires " + t.Expires.Format(time.RFC3339) }

// GoString hides the value.
func (t Token) GoString() string { return "provider.Token{" + t.String() + "}" }

// LogValue hides the value.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// A TokenSource hands out access tokens. Implementations are safe for concurrent use.
type TokenSource interface {
	// Token returns a token that should be valid for some minutes. Errors are
	// [attendance.Error]s; context errors are returned bare.
	Token(ctx context.Context) (string, error)
	// Invalidate tells that the platform has rejected this token. It drops only
	// that one, so that a slow caller cannot throw away a fresh one.
	Invalidate(token string)
}

// TokenOptions of [NewTokens]. Nil and the zero value are fine.
type TokenOptions struct {
	// Ahead is how long before its expiry a token is replaced; 0 means 10 minutes.
	// A token that lives less than twice as long is replaced at half its life.
	Ahead time.Duration
	// Remember is how long a refusal is repeated without asking the platform
	// again; 0 means 10 minutes, negative for ever.
	Remember time.Duration
	// Now is the current time; nil means time.Now.
	Now func() time.Time
	// Backoff returns the policy of waiting before another token is asked for, where one
	// was rejected within five minutes of being handed out. It is made once for the
	// source, used by one caller at a time, and reset once a token has lived longer;
	// a negative duration is no wait. Nil means 1 s, 1.5 s, 2.2 s and so on up to 30 s,
	// each up to half as much more or less by chance.
	Backoff func() backoff.BackOff
}

// rememberRefusal is TokenOptions.Remember where nobody has said.
const rememberRefusal = 10 * time.Minute

// retryEarly is how long a failed early refresh is not tried again, while the
// old token is still good.
const retryEarly = time.Minute

// Tokens is a [TokenSource] that caches one token in memory and fetches it when
// it is needed: one fetch at a time, in the goroutine of one of the callers that
// wait for it.
//
// A refusal ([attendance.Code.Refusal], for example a wrong secret, and that of a proxy)
// is tried once: Tokens remembers it for a while and returns it to every caller without
// asking again, because platforms ban the address that keeps trying a wrong secret, and
// proxies lock accounts. Any other failure of a fetch is not remembered.
type Tokens struct {
	fetch    func(ctx context.Context) (Token, error)
	ahead    time.Duration
	remember time.Duration // negative: for ever
	now      func() time.Time
	judge    *tokenJudge

	mu        sync.Mutex
	token     Token     // Value is empty when there is none
	renew     time.Time // when to replace it; zero means never
	refused   error     // the refusal that is remembered, or nil
	refusedAt time.Time
	flight    *flight // the fetch under way, or nil
}

// A flight is one fetch that several callers wait for.
type flight struct {
	done  chan struct{} // closed when it is over
	token string
	err   error
	// abandoned: the fetch ended because its caller's own context did, which says
	// nothing to the others; one of them tries again.
	abandoned bool
}

// NewTokens returns a source of tokens that fetch gets from the platform. fetch
// must be safe to call again after an error; it is never called twice at once.
// opts may be nil.
func NewTokens(fetch func(ctx context.Context) (Token, error), opts *TokenOptions) *Tokens {
	var o TokenOptions
	if opts != nil {
		o = *opts
	}
	t := &Tokens{fetch: fetch, ahead: 10 * time.Minute, remember: rememberRefusal, judge: newTokenJudge(o)}
	if o.Ahead > 0 {
		t.ahead = o.Ahead
	}
	if o.Remember != 0 {
		t.remember = o.Remember
	}
	t.now = clock(o.Now)
	return t
}

// Token returns the cached token, or fetches one. A caller's own ctx ends only
// its own wait.
func (t *Tokens) Token(ctx context.Context) (string, error) {
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		t.mu.Lock()
		now := t.now()
		if t.refused != nil && (t.remember < 0 || now.Sub(t.refusedAt) < t.remember) {
			defer t.mu.Unlock()
			return "", t.refused
		}
		if t.token.Value != "" && (t.renew.IsZero() || now.Before(t.renew)) {
			defer t.mu.Unlock()
			return t.token.Value, nil
		}
		if f := t.flight; f != nil {
			t.mu.Unlock()
			select {
			case <-f.done:
			case <-ctx.Done():
				return "", ctx.Err()
			}
			if f.abandoned {
				continue
			}
			return f.token, f.err
		}
		f := &flight{done: make(chan struct{}), abandoned: true}
		t.flight = f
		t.mu.Unlock()
		return t.fly(ctx, f)
	}
}

// fly fetches a token for everybody who waits for f.
func (t *Tokens) fly(ctx context.Context, f *flight) (string, error) {
	defer func() { // also when fetch panics
		t.mu.Lock()
		t.flight = nil
		t.mu.Unlock()
		close(f.done)
	}()
	began := t.now()
	token, err := t.fetch(ctx)
	if err == nil && token.Value == "" {
		err = &attendance.Error{Code: attendance.CodeMalformed, Detail: "the platform answered with an empty token"}
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		t.token, t.renew, t.refused = token, t.renewal(token, began), nil
		f.token, f.abandoned = token.Value, false
	case ctx.Err() != nil:
		f.err = ctx.Err()
	default:
		f.err, f.abandoned = err, false
		if code := attendance.CodeOf(err); code.Refusal() || code == attendance.CodeProxy {
			t.refused, t.refusedAt, t.token = err, t.now(), Token{}
		} else if now := t.now(); t.token.Value != "" && now.Before(t.token.Expires) {
			// The old token is good for some minutes yet.
			f.token, f.err = t.token.Value, nil
			t.renew = now.Add(retryEarly)
			if t.renew.After(t.token.Expires) {
				t.renew = t.token.Expires
			}
		}
	}
	return f.token, f.err
}

// renewal tells when a token should be replaced.
func (t *Tokens) renewal(token Token, began time.Time) time.Time {
	if token.Expires.IsZero() {
		return time.Time{}
	}
	return token.Expires.Add(-min(t.ahead, max(0, token.Expires.Sub(began)/2)))
}

// Invalidate drops the token if it is still the cached one.
func (t *Tokens) Invalidate(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if token != "" && token == t.token.Value {
		t.token, t.renew = Token{}, time.Time{}
	}
}

func (t *Tokens) tokenJudge() *tokenJudge { return t.judge }

// WithToken makes a call with a token of source. When the call fails with [ErrToken]
// the token is invalidated and the call is made again with a fresh one, with at most
// three fresh ones; one that was asked for before and has been accepted since comes on
// top. Then the call fails with an error of [attendance.CodeUnavailable], which no
// more than fails a slice: another program that fetches tokens of the same application
// may have ended each (the pages of WeCom disagree whether a second gettoken ends the
// first token; this is right either way). Where a token has ended early, all calls
// wait a while before another is asked for, so that such programs take turns.
//
// Five fresh tokens that are rejected in a row, over all calls with this source and
// with none of them accepted between, are an error of [attendance.CodeCredentials].
// It is remembered for a while and returned without a call. A source that is neither
// a [Tokens] nor [Judged] has no memory, so that there is no such error.
//
// Reply.Sent is the sum over all tries and SentAt that of the first, also beside an
// error; requests for the tokens themselves are not in it.
func WithToken(ctx context.Context, source TokenSource, call func(token string) (Reply, error)) (Reply, error) {
	judge := judgeOf(source)
	var sum Reply
	for fresh, again := 0, false; ; again = true {
		turn, accepted, err := judge.turn(ctx)
		if err != nil {
			return sum, err
		}
		token, err := source.Token(ctx)
		if err != nil {
			return sum, err
		}
		reply, err := call(token)
		sum = sum.and(reply)
		if !errors.Is(err, ErrToken) {
			if isBehindToken(err) {
				judge.accept(turn)
			}
			return sum, err
		}
		source.Invalidate(token)
		if refused := judge.reject(turn, err); refused != nil {
			return sum, refused
		}
		if again || !accepted {
			fresh++
		}
		if fresh == freshPerCall {
			return sum, rivals(err)
		}
	}
}

// WithTokenTwice is [WithToken] for a call on which more than a slice depends, such as
// one of a directory or a check: where its fresh tokens were all rejected it is made
// once more. By then it is known whether the application is refused.
func WithTokenTwice(ctx context.Context, source TokenSource, call func(token string) (Reply, error)) (Reply, error) {
	first, err := WithToken(ctx, source, call)
	if attendance.CodeOf(err) != attendance.CodeUnavailable || !errors.Is(err, ErrToken) {
		return first, err
	}
	second, err := WithToken(ctx, source, call)
	return first.and(second), err
}

// isBehindToken reports whether the outcome of a call shows that its token was
// accepted: it succeeded, or the platform complains of what comes after the token.
func isBehindToken(err error) bool {
	switch attendance.CodeOf(err) {
	case attendance.CodePermission, attendance.CodeAccount, attendance.CodeSpan:
		return true
	default:
		return err == nil
	}
}

// and is the next reply to the same call, with the requests of both.
func (r Reply) and(next Reply) Reply {
	next.Sent += r.Sent
	if !r.SentAt.IsZero() {
		next.SentAt = r.SentAt
	}
	return next
}
