package wecom

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// How long WeCom shuts a caller out lasts as long as the period whose limit was
// passed (访问频率限制: a minute, an hour, the rest of the day, 30 days), and its
// answer does not say which it was. So a minute is waited for first, by everybody;
// whoever is still shut out after it has passed a longer limit, and going on would
// not help.
const (
	minuteBlock = 61 * time.Second
	hourBlock   = time.Hour
)

// overLimit remembers that WeCom has answered 45009.
type overLimit struct {
	clock func() time.Time

	mu sync.Mutex
	// until is when the minute that is waited for ends; shut when the hour ends in
	// which nothing is sent after a second 45009. last is the latest of them.
	until, shut time.Time
	last        error
}

// wait waits while a minute is being waited for, and fails while nothing is to be
// sent at all.
func (l *overLimit) wait(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		l.mu.Lock()
		now := l.clock()
		left, shut, last := l.until.Sub(now), l.shut.Sub(now), l.last
		l.mu.Unlock()
		switch {
		case shut > 0:
			return tooMany(shut, last)
		case left <= 0:
			return nil
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= left { //nolint:forbidigo // deadlines follow the real clock
			return &attendance.Error{Code: attendance.CodeThrottled, Op: "wecom", RetryAfter: left, Err: last, Detail: fmt.Sprintf(
				"WeCom's limit of calls a minute was passed; the wait of %v for its end would be longer than this call may take", left.Round(time.Second))}
		}
		if err := provider.Pause(ctx, left); err != nil {
			return err
		}
	}
}

// passed takes note of a call that began at a moment and was answered: if that was
// after the pause, it was a minute's limit, and is over.
func (l *overLimit) passed(began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !began.Before(l.until) {
		l.until = time.Time{}
	}
}

// struck takes note of a 45009 for a call that began at a moment, and reports
// whether the call may be made again, after wait. Calls that were under way when
// the first 45009 came belong to it.
func (l *overLimit) struck(began time.Time, err error) (again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = err
	now := l.clock()
	switch {
	case began.Before(l.until):
		return true
	case !l.until.IsZero() && now.Sub(l.until) < hourBlock:
		l.shut = now.Add(hourBlock)
		return false
	}
	l.until = now.Add(minuteBlock)
	return true
}

// tooMany is the error of a limit longer than a minute.
func tooMany(left time.Duration, native error) error {
	return &attendance.Error{
		Code: attendance.CodeQuota,
		Op:   "wecom",
		Detail: fmt.Sprintf("WeCom answered 45009 (too many calls) again after a minute's pause, so the limit of an hour, a day or a month was passed; nothing is sent for the next %v",
			left.Round(time.Second)),
		Mend: attendance.Text{
			EN: "run again later, with a lower requests_per_second; the limits are shared by all programs of the company and of this network address, so see what else calls WeCom",
			ZH: "请稍后再运行，并调低 requests_per_second；频率限制由全企业及同一出口 IP 上的所有程序共用，请检查还有哪些程序在调用企业微信接口",
		},
		RetryAfter: left,
		Err:        native,
	}
}
