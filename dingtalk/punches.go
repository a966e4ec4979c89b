package dingtalk

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

const pathListRecord = "/attendance/listRecord"

// The limits of /attendance/listRecord, from its page in the docs: 50 users, 7
// days ("7 included"), nothing older than 180 days.
const (
	punchAccounts = 50
	punchSpan     = 7 * 24 * time.Hour
	punchHorizon  = 180 * 24 * time.Hour
)

// Punches reads punches (打卡) with POST /attendance/listRecord: every single punch
// with its place, also those that are invalid. It is an [attendance.Provider]
// with the roles [attendance.Meter] and [attendance.Checker].
//
// How records become punches:
//
//   - checkType OnDuty is In, OffDuty is Out; a valid record without checkType is
//     a punch without direction, and so is one with Before or After, which are told
//     of (warning unknown_direction): one source has them for OnDuty and OffDuty, and
//     no page of DingTalk's; another word is skipped as unknown_type;
//   - locationResult Outside is [attendance.Outside], else [attendance.Regular];
//   - timeResult or locationResult NotSigned says that a punch is missing; one that
//     this version does not know hides no punch (warning unknown_result);
//   - a record with invalidRecordType (cheating, unconfirmed, awaiting approval)
//     is skipped as invalid. isLegal is not looked at: it is N for late and
//     outside punches too;
//   - a record whose userId, id, time or type holds a control character is skipped
//     as invalid and named (warning unreadable_record); in other texts such a
//     character becomes a space.
//
// An account that DingTalk does not know is no error there but has no records.
type Punches struct{ client *Client }

// Punches returns the provider of punches.
func (c *Client) Punches() *Punches { return &Punches{c} }

// Name returns "dingtalk".
func (p *Punches) Name() string { return "dingtalk" }

// String names the application, without its secret.
func (p *Punches) String() string { return "punches of " + p.client.String() }

// Limits returns 50 accounts, 7 days, and a horizon of 180 days.
func (p *Punches) Limits() attendance.Limits {
	return attendance.Limits{Accounts: punchAccounts, Span: punchSpan, Horizon: punchHorizon}
}

// Cost implements [attendance.Meter]: one call a query, two where a full seven
// days do not begin on a whole second.
func (p *Punches) Cost(q attendance.Query) int {
	calls := 0
	for range secondSpans(q.Span) {
		calls++
	}
	return calls
}

// ClockAhead implements [attendance.ClockWitness].
func (p *Punches) ClockAhead() (ahead time.Duration, known bool) { return p.client.skew.ClockAhead() }

// Left implements [attendance.Meter].
func (p *Punches) Left(ctx context.Context) (calls int, limited bool, err error) {
	return p.client.left(ctx)
}

// listRecordBody is the body of a query. The times are Beijing wall-clock time
// whatever the zone of the job.
type listRecordBody struct {
	UserIDs []string `json:"userIds"`
	From    string   `json:"checkDateFrom"`
	To      string   `json:"checkDateTo"`
	I18n    bool     `json:"isI18n"`
}

// Fetch implements [attendance.Provider]. A span that begins behind the horizon
// fails with [attendance.CodeHorizon] before any call. Beside an error the
// answer's Calls says what was spent.
func (p *Punches) Fetch(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
	a := attendance.Answer{ReadAt: p.client.clock()}
	if err := ctx.Err(); err != nil {
		return a, err
	}
	if err := p.accepts(q); err != nil {
		return a, err
	}
	reading := newReading(q)
	for sent := range secondSpans(q.Span) {
		reply, err := p.client.metered(ctx, provider.Request{
			URL: pathListRecord,
			Body: listRecordBody{
				UserIDs: q.Accounts,
				From:    sent.From.In(beijing()).Format(time.DateTime),
				To:      sent.To.In(beijing()).Format(time.DateTime),
				I18n:    p.client.config.I18n,
			},
		})
		if a.Calls == 0 && reply.Sent > 0 {
			a.ReadAt = reply.SentAt
		}
		a.Calls += reply.Sent
		if err != nil {
			return a, err
		}
		rows, err := reading.records(reply.Body, sent)
		if err != nil {
			return a, err
		}
		a.Rows = max(a.Rows, rows)
		a.Suspect = a.Suspect || suspect(rows)
	}
	a.Punches, a.Skipped, a.Warnings = reading.punches, reading.skipped, reading.notes
	return a, nil
}

// accepts refuses what DingTalk would refuse.
func (p *Punches) accepts(q attendance.Query) error {
	fail := func(code attendance.Code, format string, args ...any) error {
		return &attendance.Error{Code: code, Op: "dingtalk " + pathListRecord, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(q.Accounts) == 0 || len(q.Accounts) > punchAccounts:
		return fail(attendance.CodeRequest, "%d accounts in one query; DingTalk takes 1 to %d", len(q.Accounts), punchAccounts)
	case q.Span.Length() > punchSpan:
		return fail(attendance.CodeSpan, "%v in one query; DingTalk takes 7 days", q.Span)
	}
	if oldest := p.client.now().Add(-punchHorizon); q.Span.From.Before(oldest) {
		return fail(attendance.CodeHorizon, "%v begins behind the 180 days that DingTalk answers for; the first moment is now %s",
			q.Span, oldest.In(q.Span.Zone()).Format(time.RFC3339))
	}
	return nil
}

// secondSpans yields what is sent to cover a span: whole seconds, rounded
// outward, no piece above seven days. One piece, but for a full seven days that
// begin within a second.
func secondSpans(s attendance.Span) iter.Seq[attendance.Span] {
	return func(yield func(attendance.Span) bool) {
		if s.Empty() {
			return
		}
		from, to := s.From.Truncate(time.Second), s.To.Truncate(time.Second)
		if to.Before(s.To) {
			to = to.Add(time.Second)
		}
		for from.Before(to) {
			end := from.Add(punchSpan)
			if end.After(to) {
				end = to
			}
			if !yield(attendance.Span{From: from, To: end}) {
				return
			}
			from = end
		}
	}
}

// suspect says that a number of rows looks like a silent cap. The docs name no cap
// and no paging for /attendance/listRecord, but no source rules a cap out; 100 and
// 1000 are the sizes at which DingTalk's other calls cut.
func suspect(rows int) bool {
	return rows == 100 || rows == 500 || rows > 0 && rows%1000 == 0
}
