package provider

import (
	"context"
	"errors"

	"golang.org/x/time/rate"

	"github.com/punchbridge/punchbridge/attendance"
)

// A Limiter spaces requests out. *rate.Limiter is one.
type Limiter interface {
	// Wait blocks until a request may be sent or ctx ends. Where the wait would pass
	// ctx's deadline it returns [context.DeadlineExceeded] itself, as ctx would; of
	// *rate.Limiter its own error for that is understood. Any other error while ctx
	// lives is the limiter's own failure, such as a store of its that is down: the
	// call fails with it, nothing is sent, and it is told as ours, not the platform's.
	Wait(ctx context.Context) error
}

// Limiters are several limiters that are waited for one after the other, such as the
// company's and the application's. An error is that of the first that has one.
type Limiters []Limiter

// Wait waits for each limiter in turn.
func (l Limiters) Wait(ctx context.Context) error {
	for _, one := range l {
		if err := waitFor(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// waitFor waits for a limiter. *rate.Limiter has no error value for a wait that would
// pass the deadline, so what it says beside a deadline is taken for that; unless its
// burst is 0, when it never lets anything through.
func waitFor(ctx context.Context, l Limiter) error {
	err := l.Wait(ctx)
	own, known := l.(*rate.Limiter)
	if _, limited := ctx.Deadline(); err != nil && known && limited && own.Burst() > 0 {
		return context.DeadlineExceeded
	}
	return err
}

// limit waits for the limiter.
func (c *Client) limit(ctx context.Context, p *call) error {
	if c.Limiter == nil {
		return nil
	}
	err := waitFor(ctx, c.Limiter)
	if err == nil {
		return nil
	}
	if ended := contextError(ctx); ended != nil {
		return ended
	}
	if _, limited := ctx.Deadline(); limited && err == context.DeadlineExceeded { //nolint:errorlint // a wrapped one, or a time-out that claims to be one, is the limiter's own trouble
		return err
	}
	if l, ok := c.Limiter.(*rate.Limiter); ok && l.Burst() == 0 {
		return &attendance.Error{Code: attendance.CodeRequest, Op: p.op, Err: err, Detail: "the rate limiter lets no request through: " + err.Error()}
	}
	return p.ownFailure("the limiter of this program failed, not the platform; nothing was sent: ", err, attendance.Text{
		EN: "look at the limiter that the program was given (its store may be down); the next run makes up for it",
		ZH: "限流器自身出错（例如其存储不可用），与平台无关，请求未发出：请检查程序所用的限流器；下次运行会自动补齐",
	})
}

// ownFailure words the error of something that the host has given: of a store of its,
// most likely. Its time-outs may claim to be context errors; ours must not, because
// those mean that the caller ended the call.
func (p *call) ownFailure(what string, err error, mend attendance.Text) error {
	native := p.hidden.err(err)
	if errors.Is(native, context.Canceled) || errors.Is(native, context.DeadlineExceeded) {
		native = errors.New(native.Error())
	}
	return &attendance.Error{Code: attendance.CodeUnknown, Op: p.op, Detail: what + native.Error(), Mend: mend, Err: native}
}
