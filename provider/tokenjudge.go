package provider

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/punchbridge/punchbridge/attendance"
)

// freshPerCall is how many fresh tokens one call tries.
const freshPerCall = 3

// A tokenJudge keeps the record of one application's tokens for all its calls: it
// lets programs that end each other's tokens take turns, and tells them from an
// application that is refused.
type tokenJudge struct {
	now      func() time.Time
	remember time.Duration // how long a refusal is repeated; negative: for ever

	mu        sync.Mutex // guards what follows
	policy    backoff.BackOff
	record    tokenRecord
	until     time.Time // before it no token is asked for
	refused   error     // the refusal that is remembered, or nil
	refusedAt time.Time
}

func newTokenJudge(o TokenOptions) *tokenJudge {
	j := &tokenJudge{now: clock(o.Now), remember: rememberRefusal}
	if o.Remember != 0 {
		j.remember = o.Remember
	}
	if o.Backoff != nil {
		j.policy = o.Backoff()
	} else {
		j.policy = backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(time.Second),
			backoff.WithMultiplier(1.5),
			backoff.WithRandomizationFactor(0.5),
			backoff.WithMaxInterval(30*time.Second),
			backoff.WithMaxElapsedTime(0),
		)
	}
	return j
}

// turn returns the turn in which a call may ask for its token, and whether the turn's
// token has been accepted already. It waits where tokens have ended early, so that
// another program which does the same gets to use its own.
func (j *tokenJudge) turn(ctx context.Context) (turn int, accepted bool, err error) {
	for waited := -1; ; {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		turn, accepted, wait, err := j.ask(waited)
		if err != nil || wait <= 0 {
			return turn, accepted, err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait { //nolint:forbidigo // deadlines follow the real clock
			return 0, false, &attendance.Error{Code: attendance.CodeUnavailable, RetryAfter: wait, Mend: rivalMend(), Detail: fmt.Sprintf(
				"the platform has ended the token early; the wait of %v before another is asked for would be longer than this call may take", wait.Round(time.Millisecond))}
		}
		if err := Pause(ctx, wait); err != nil {
			return 0, false, err
		}
		waited = turn
	}
}

// ask is turn without the wait, which it returns; waited is the turn for which the
// caller has waited.
func (j *tokenJudge) ask(waited int) (turn int, accepted bool, wait time.Duration, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.now()
	if err := j.refusal(now); err != nil {
		return 0, false, 0, err
	}
	if wait := j.until.Sub(now); wait > 0 && waited != j.record.turn {
		return j.record.turn, false, wait, nil
	}
	j.record = j.record.asked(now)
	return j.record.turn, j.record.accepted, 0, nil
}

// refusal is the one that is remembered, or nil.
func (j *tokenJudge) refusal(now time.Time) error {
	if j.refused != nil && j.remember >= 0 && now.Sub(j.refusedAt) >= j.remember {
		j.refused = nil
	}
	return j.refused
}

func (j *tokenJudge) accept(turn int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.record, j.refused = j.record.accept(turn), nil
}

// reject takes note of a token of a turn that was rejected. The error is the refusal
// of the application, where it is one.
func (j *tokenJudge) reject(turn int, cause error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.now()
	var v tokenVerdict
	j.record, v = j.record.reject(turn, now)
	switch {
	case !v.news:
		return j.refusal(now)
	case v.early:
		j.until = now.Add(max(0, j.policy.NextBackOff()))
	default:
		j.policy.Reset()
	}
	if v.refused {
		j.refused, j.refusedAt = tokenError(attendance.CodeCredentials, cause, refusedMend(), fmt.Sprintf(
			"the platform gives tokens and rejects each, %d fresh ones in a row", rejectedInARow)), now
	}
	return j.refused
}

// rivals is the error of a call that has used up its fresh tokens.
func rivals(cause error) error {
	return tokenError(attendance.CodeUnavailable, cause, rivalMend(), fmt.Sprintf(
		"the platform rejected %d fresh tokens in a row", freshPerCall))
}

func tokenError(code attendance.Code, cause error, mend attendance.Text, detail string) error {
	out := &attendance.Error{Code: code, Err: cause, Mend: mend, Detail: detail}
	if e, ok := errors.AsType[*attendance.Error](cause); ok {
		out.Op = e.Op
		if e.Detail != "" {
			out.Detail += ": " + e.Detail
		}
	}
	return out
}

func rivalMend() attendance.Text {
	return attendance.Text{
		EN: "most likely another program of this site renews the token of the same application, which ends ours: give each program an application of its own, or let them run at different times (hosts of the library can share one TokenSource); the next run makes up for it",
		ZH: "很可能另有程序在获取同一应用的 access_token，使本程序的 token 失效：请让各程序使用各自的应用，或错开运行时间（自行集成时可共用一个 TokenSource）；下次运行会自动补齐",
	}
}

func refusedMend() attendance.Text {
	return attendance.Text{
		EN: "see in the platform's console that the application is enabled and its secret is the one given here; if another program uses the same application all the time, give each an application of its own",
		ZH: "请在平台后台确认该应用已启用、Secret 与此处一致；若另有程序一直在使用同一应用，请让各程序使用各自的应用",
	}
}

// A judged source has a record of its tokens that all calls share.
type judged interface{ tokenJudge() *tokenJudge }

// Judged returns a source of a host's own with a record of how its tokens fare, as
// [Tokens] has one: with it several fresh tokens that are rejected in a row, over all
// calls, make a refusal. Whoever takes a TokenSource from a host wraps it once for
// all calls. Nil, and what is judged already, is returned as it is.
func Judged(source TokenSource) TokenSource {
	if _, already := source.(judged); already || source == nil {
		return source
	}
	return &judgedSource{source, newTokenJudge(TokenOptions{})}
}

type judgedSource struct {
	source TokenSource
	judge  *tokenJudge
}

func (s *judgedSource) Token(ctx context.Context) (string, error) { return s.source.Token(ctx) }

func (s *judgedSource) Invalidate(token string) { s.source.Invalidate(token) }

func (s *judgedSource) tokenJudge() *tokenJudge { return s.judge }

// judgeOf returns the record of a source. A source without one is judged by each call
// alone, which never makes a refusal.
func judgeOf(source TokenSource) *tokenJudge {
	if j, ok := source.(judged); ok {
		return j.tokenJudge()
	}
	return newTokenJudge(TokenOptions{})
}
