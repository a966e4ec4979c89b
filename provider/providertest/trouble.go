package providertest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// passes: trouble that goes away costs nothing but time.
func (h *harness) passes(f Fault) error {
	want := h.workdays(h.few())
	if err := h.fault(f); err != nil {
		return err
	}
	return h.answers(h.few(), want)
}

// stays: trouble that does not go away is an error with one of the codes, after
// at most so many requests.
func (h *harness) stays(f Fault, limit int, codes ...attendance.Code) error {
	h.workdays(h.few())
	if err := h.fault(f); err != nil {
		return err
	}
	return h.fails(h.few(), limit, codes...)
}

// twice is trouble that needs two waits.
func (h *harness) twice(kind FaultKind) error {
	began := time.Now()
	if err := h.passes(Fault{Kind: kind, Times: 2}); err != nil {
		return err
	}
	if took := time.Since(began); took < 2*time.Second {
		return fmt.Errorf("two tries came within %v of trouble that passes: no less than a second each is polite", took)
	}
	return nil
}

func throttledTwice(h *harness) error { return h.twice(Throttled) }

func throttledForEver(h *harness) error {
	return h.stays(Fault{Kind: Throttled}, most, attendance.CodeThrottled)
}

func busyTwice(h *harness) error { return h.twice(Busy) }

func busyForEver(h *harness) error {
	return h.stays(Fault{Kind: Busy}, most, attendance.CodeUnavailable)
}

func (h *harness) tokenRequests() (n int, counted bool) {
	if c, ok := h.upstream.(TokenCounter); ok {
		return c.TokenRequests(h.t), true
	}
	return 0, false
}

// tokenExpired: a token that dies in the middle of a run is replaced once.
func tokenExpired(h *harness) error {
	want := h.workdays(h.few())
	if err := h.answers(h.few(), want); err != nil {
		return err
	}
	before, counted := h.tokenRequests()
	if err := h.fault(Fault{Kind: TokenExpired}); err != nil {
		return err
	}
	if err := h.answers(h.few(), want); err != nil {
		return err
	}
	if after, _ := h.tokenRequests(); counted && after-before != 1 {
		return fmt.Errorf("%d tokens were fetched after one had expired, want 1", after-before)
	}
	return nil
}

// tokenExpiredForMany: callers that notice together fetch one token together.
func tokenExpiredForMany(h *harness) error {
	const callers = 8
	want := h.workdays(h.few())
	if err := h.answers(h.few(), want); err != nil {
		return err
	}
	before, counted := h.tokenRequests()
	if err := h.fault(Fault{Kind: TokenExpired}); err != nil {
		return err
	}
	var (
		wg   sync.WaitGroup
		errs [callers]error
	)
	for i := range callers {
		wg.Go(func() {
			answer, err := h.fetch(h.t.Context(), h.few())
			if err == nil {
				err = h.same(answer, want)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	if after, _ := h.tokenRequests(); counted && after-before != 1 {
		return fmt.Errorf("%d tokens were fetched by %d callers after one had expired, want 1", after-before, callers)
	}
	return nil
}

// tokenRejected: a query that has tried some fresh tokens is no more than a query that
// failed; when five were rejected in a row the application is refused, which is known
// then without a call.
func tokenRejected(h *harness) error {
	const most = 5
	before, counted := h.tokenRequests()
	if err := h.stays(Fault{Kind: TokenRejected}, most, attendance.CodeUnavailable, attendance.CodeCredentials); err != nil {
		return err
	}
	for _, limit := range [...]int{most, 0} {
		if err := h.fails(h.few(), limit, attendance.CodeCredentials); err != nil {
			return err
		}
	}
	if after, _ := h.tokenRequests(); counted && after-before > 1+most { // one may have served another call first
		return fmt.Errorf("%d tokens were fetched while the platform rejected each, more than %d", after-before, 1+most)
	}
	return nil
}

func forbidden(h *harness) error {
	return h.stays(Fault{Kind: Forbidden}, 2, attendance.CodePermission)
}

// badSecret: a wrong secret is tried once and never again: platforms ban the
// address that goes on.
func badSecret(h *harness) error {
	h.workdays(h.few())
	if err := h.fault(Fault{Kind: BadSecret}); err != nil {
		return err
	}
	before, counted := h.tokenRequests()
	for range 3 {
		if err := h.fails(h.few(), 1, attendance.CodeCredentials); err != nil {
			return err
		}
	}
	if after, _ := h.tokenRequests(); counted && after-before != 1 {
		return fmt.Errorf("a wrong secret was tried %d times over three calls, want 1", after-before)
	}
	if n := h.upstream.Requests(h.t); counted && n != 0 {
		return fmt.Errorf("%d requests for records were sent with a wrong secret", n)
	}
	return nil
}

// garbage: a page in place of the platform is no empty success.
func garbage(h *harness) error {
	return h.stays(Fault{Kind: Garbage}, most, attendance.CodeMalformed)
}

func halfBodyOnce(h *harness) error { return h.passes(Fault{Kind: HalfBody, Times: 1}) }

func halfBodyForEver(h *harness) error {
	return h.stays(Fault{Kind: HalfBody}, most, attendance.CodeUnavailable, attendance.CodeMalformed)
}

func resetOnce(h *harness) error {
	// Whether a request whose connection broke was received is a matter of luck:
	// the punches count here, not the number of calls.
	want := h.workdays(h.few())
	if err := h.fault(Fault{Kind: Reset, Times: 1}); err != nil {
		return err
	}
	answer, err := h.fetch(h.t.Context(), h.few())
	if err != nil {
		return fmt.Errorf("Fetch failed: %w", err)
	}
	return h.same(answer, want)
}

func resetForEver(h *harness) error {
	return h.stays(Fault{Kind: Reset}, most, attendance.CodeUnavailable)
}

// badAccount: one account that the platform rejects is named, or the query fails
// in the way that makes the Syncer look for it; the others lose nothing.
func badAccount(h *harness) error {
	q := h.few()
	want := h.workdays(q)
	bad := q.Accounts[len(q.Accounts)-1]
	if err := h.fault(Fault{Kind: BadAccount, Account: bad}); err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(want), func(p attendance.Punch) bool { return p.Account == bad })
	answer, err := h.fetch(h.t.Context(), q)
	switch {
	case err == nil:
		if !slices.Equal(answer.Refused, []string{bad}) {
			return fmt.Errorf("the platform rejected %q; the answer calls %q refused", bad, answer.Refused)
		}
		answer.Refused = nil
		if err := h.same(answer, others); err != nil {
			return err
		}
	case attendance.CodeOf(err) != attendance.CodeAccount:
		return fmt.Errorf("Fetch returned code %q, want %q: %w", attendance.CodeOf(err), attendance.CodeAccount, err)
	default:
		if err := helpful(err); err != nil {
			return err
		}
	}
	if good := q.Accounts[:len(q.Accounts)-1]; len(good) > 0 {
		return h.answers(attendance.Query{Accounts: good, Span: q.Span}, others)
	}
	return nil
}
