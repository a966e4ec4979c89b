package providertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// Run tests the provider of an upstream against every rule. upstream is called
// once per rule, inside the bubble.
func Run(t *testing.T, upstream func(t testing.TB) Upstream, f Features) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			var err error
			synctest.Test(t, func(t *testing.T) { err = r.check(newHarness(t, upstream, f)) })
			switch {
			case errors.Is(err, errSkip):
				t.Skip("the upstream cannot arrange this")
			case err != nil:
				t.Error(err)
			}
		})
	}
}

// A rule is one promise. Its check returns what was broken, so that the kit can
// itself be tested with providers that break it.
type rule struct {
	name  string
	check func(h *harness) error
}

var errSkip = errors.New("providertest: the upstream cannot arrange this")

func rules() []rule {
	return []rule{
		{"Limits", limitsConstant},
		{"Complete", complete},
		{"HalfOpen", halfOpen},
		{"SubSecondEnds", subSecondEnds},
		{"AskedAccountsOnly", askedOnly},
		{"Empty", empty},
		{"OrderIndependent", orderIndependent},
		{"AnswerIsYours", answerIsYours},
		{"Concurrent", concurrent},
		{"CancelledBefore", cancelledBefore},
		{"CancelledDuring", cancelledDuring},
		{"CancelledWhileWaiting", cancelledWhileWaiting},
		{"Deadline", deadline},
		{"CancelledAfter", cancelledAfter},
		{"NoAnswerAtAll", noAnswerAtAll},
		{"ThrottledTwice", throttledTwice},
		{"ThrottledForEver", throttledForEver},
		{"BusyTwice", busyTwice},
		{"BusyForEver", busyForEver},
		{"TokenExpired", tokenExpired},
		{"TokenExpiredForMany", tokenExpiredForMany},
		{"TokenRejected", tokenRejected},
		{"Forbidden", forbidden},
		{"BadSecret", badSecret},
		{"Garbage", garbage},
		{"HalfBodyOnce", halfBodyOnce},
		{"HalfBodyForEver", halfBodyForEver},
		{"ResetOnce", resetOnce},
		{"ResetForEver", resetForEver},
		{"BadAccount", badAccount},
	}
}

// most is how many requests a call may make before it gives up on trouble that
// does not pass.
const most = 10

// A harness is one upstream with one provider.
type harness struct {
	t        testing.TB
	upstream Upstream
	provider attendance.Provider
	features Features
	limits   attendance.Limits
	accounts []string // as many as one query takes
	spare    string   // one more
	span     attendance.Span
	nextID   int64
}

func newHarness(t testing.TB, upstream func(t testing.TB) Upstream, f Features) *harness {
	h := &harness{t: t, upstream: upstream(t), features: f, nextID: 900001}
	if len(h.features.Kinds) == 0 {
		h.features.Kinds = []attendance.Kind{attendance.Regular}
	}
	h.provider = h.upstream.Provider(t)
	h.limits = h.provider.Limits()
	all := h.upstream.Accounts(t)
	n := h.limits.Accounts
	if n <= 0 {
		n = len(all) - 1
	}
	if n < 1 || len(all) < n+1 || h.limits.Accounts <= 0 && len(all) < 3 {
		t.Fatalf("providertest: %d accounts are too few: the upstream needs one more than a query takes, or 3 where there is no limit", len(all))
	}
	h.accounts, h.spare = all[:n], all[n]
	// The OA's wall clock is rarely the provider's: the span stands in a zone of
	// half hours and ends a little before now, where the future begins.
	zone := time.FixedZone("Asia/Kolkata", 5*3600+1800)
	length := h.limits.Span
	if length <= 0 {
		length = 31 * 24 * time.Hour
	}
	if h.limits.Horizon > 0 {
		length = min(length, h.limits.Horizon-24*time.Hour)
	}
	to := time.Now().Add(-10 * time.Minute).Truncate(time.Second).In(zone)
	h.span = attendance.Span{From: to.Add(-length), To: to}
	return h
}

// query asks for everybody over the whole span.
func (h *harness) query() attendance.Query {
	return attendance.Query{Accounts: h.accounts, Span: h.span}
}

// few asks for up to three people.
func (h *harness) few() attendance.Query {
	return attendance.Query{Accounts: h.accounts[:min(3, len(h.accounts))], Span: h.span}
}

// fault arranges trouble; the error is errSkip where it cannot be.
func (h *harness) fault(f Fault) error {
	if !h.upstream.Fail(h.t, f) {
		return errSkip
	}
	return nil
}

// fetch asks the harness's own provider.
func (h *harness) fetch(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
	return h.fetchFrom(ctx, h.provider, q)
}

// fetchFrom asks p and looks for secrets in the error.
func (h *harness) fetchFrom(ctx context.Context, p attendance.Provider, q attendance.Query) (attendance.Answer, error) {
	asked := append([]string(nil), q.Accounts...)
	answer, err := p.Fetch(ctx, q)
	for i := range asked {
		if q.Accounts[i] != asked[i] {
			return answer, broken{fmt.Errorf("Fetch changed the query's accounts")}
		}
	}
	if leak := h.leak(err); leak != nil {
		return answer, broken{leak}
	}
	return answer, err
}

// leak looks for secrets in the text of err and of everything it wraps.
func (h *harness) leak(err error) error {
	keeper, ok := h.upstream.(Keeper)
	if err == nil || !ok {
		return nil
	}
	secrets := keeper.Secrets()
	for _, text := range texts(err) {
		for _, secret := range secrets {
			if secret != "" && strings.Contains(text, secret) {
				return fmt.Errorf("an error holds a secret: %s", strings.ReplaceAll(text, secret, "<<SECRET>>"))
			}
		}
	}
	return nil
}

// texts is every text that can be got out of an error.
func texts(err error) []string {
	if err == nil {
		return nil
	}
	all := []string{err.Error(), fmt.Sprintf("%+v", err)}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		all = append(all, texts(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, texts(inner)...)
		}
	}
	if e, ok := err.(*attendance.Error); ok {
		all = append(all, e.Detail, e.Mend.EN, e.Mend.ZH, e.Op)
	}
	return all
}

// broken marks a promise broken on the way to something else.
type broken struct{ error }

// fails makes a call that must fail with one of the codes, after at most limit
// requests for records.
func (h *harness) fails(q attendance.Query, limit int, codes ...attendance.Code) error {
	before := h.upstream.Requests(h.t)
	answer, err := h.fetch(h.t.Context(), q)
	sent := h.upstream.Requests(h.t) - before
	if b, ok := errors.AsType[broken](err); ok {
		return b
	}
	if err == nil {
		return fmt.Errorf("Fetch returned no error but %d punches; want an error of code %v", len(answer.Punches), codes)
	}
	if len(answer.Punches) > 0 {
		return fmt.Errorf("Fetch returned %d punches beside the error %q: half an answer", len(answer.Punches), err)
	}
	if sent > limit {
		return fmt.Errorf("Fetch made %d requests against trouble that does not pass, more than %d", sent, limit)
	}
	for _, code := range codes {
		if attendance.CodeOf(err) == code {
			return helpful(err)
		}
	}
	return fmt.Errorf("Fetch returned code %q, want %v: %w", attendance.CodeOf(err), codes, err)
}

// helpful judges the text of an error: somebody reads it at 23:30.
func helpful(err error) error {
	text := err.Error()
	for _, useless := range [...]string{"invalid character", "unexpected end of JSON", "cannot unmarshal", "<nil>", "%!"} {
		if strings.Contains(text, useless) {
			return fmt.Errorf("the error %q says nothing to an operator (%q)", text, useless)
		}
	}
	e, ok := errors.AsType[*attendance.Error](err)
	switch {
	case !ok:
		return fmt.Errorf("the error %q is no *attendance.Error", text)
	case e.Op == "":
		return fmt.Errorf("the error %q does not say what was being done (Op)", text)
	case e.Detail == "" && e.Err == nil:
		return fmt.Errorf("the error %q does not say what happened (Detail)", text)
	}
	return nil
}
