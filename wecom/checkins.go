package wecom

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

const (
	pathCheckIns = "/cgi-bin/checkin/getcheckindata"
	keyRecords   = "checkindata"
)

const (
	// accountsPerCall is the limit of checkin/getcheckindata.
	accountsPerCall = 100
	// everyType asks for 上下班打卡 and 外出打卡 in one call (opencheckindatatype 3).
	everyType = 3
	// longestUserID is how long a userid may be, in bytes (page of user/create).
	longestUserID = 64
)

// CheckIns reads check-ins (打卡) with POST checkin/getcheckindata: 上下班 and 外出
// together. It is an [attendance.Provider] with the role [attendance.Checker].
//
// How rows become punches:
//
//   - checkin_type with 上班 is In, with 下班 Out, both [attendance.Regular], whatever
//     the exceptions (时间异常, 地点异常, wifi异常, 非常用设备); with 外出 it is
//     [attendance.Field], which has no direction. 仅记录打卡时间和位置 (a rule of free hours
//     that records time and place only) is a regular punch without direction. Anything
//     else is skipped as unknown_type;
//   - a row whose exception_type holds 未打卡 says that a punch is missing, and its
//     checkin_time is when it should have been: it is skipped as missing_punch,
//     whatever its type, and nothing depends on it, because it may turn into a real
//     one later. An exception that this version does not know is a warning, and hides no
//     punch;
//   - a row whose userid, time, type or exception holds a control character is skipped
//     as invalid and named (warning unreadable_record); in other texts such a
//     character becomes a space;
//   - checkin_time decides the day and the span, not the attendance day;
//   - lat and lng are millionths of a degree of GCJ-02 (the map datum of China, some
//     hundred metres off WGS-84) and stay in it; 0, 0 is unknown;
//   - WeCom has no record id. Who, when, type, shift and time segment identify a
//     row, and one that comes twice counts once. What a make-up card (补卡) does to
//     the rows is documented nowhere: the placeholder may change into a punch or
//     a punch may stand beside it; either way the punch is read and the
//     placeholder is not.
//
// WeCom chooses rows by attendance day, in a window that it rounds in some way, and
// not by time. Each call therefore asks for whole days and one more at either end,
// and only what lies in the query's span by its own time is answered and counted.
//
// Whether a userid that has left or is out of sight fails the whole call or just
// has no rows is not documented either; both are fine: the Syncer finds the one,
// and the other has nothing to find. Userids that cannot be any (longer than 64
// bytes, with control characters) are refused here, without a call, and so are two
// spellings of one in the same query: whose punches they are would be guessing.
//
// There is no paging, and no source names a limit of rows; a company's month of
// 12,388 rows was read a hundred people at a time. How long WeCom keeps check-ins is not documented, so there
// is no horizon, and an empty answer for long ago means nothing.
type CheckIns struct {
	client       *Client
	skipAbnormal bool
}

// CheckIns returns the provider of check-ins.
func (c *Client) CheckIns() *CheckIns { return &CheckIns{client: c} }

// WithoutAbnormal returns a provider that skips the rows with 地点异常 or wifi异常, of
// whatever type, as [attendance.Abnormal]: e-cology's own import of WeCom check-ins keeps
// them out of attendance, and a site that comes from it may want that to stay so. p itself
// is not changed.
func (p *CheckIns) WithoutAbnormal() *CheckIns { return &CheckIns{p.client, true} }

// Name returns "wecom".
func (p *CheckIns) Name() string { return "wecom" }

// String names the application, without its secrets.
func (p *CheckIns) String() string { return "check-ins of " + p.client.String() }

// Limits returns 100 accounts and as many days as fit between the padding of one
// call, wherever in a day the span begins: 25 by default.
func (p *CheckIns) Limits() attendance.Limits {
	days := max(1, p.client.days-2*padding-1)
	return attendance.Limits{Accounts: accountsPerCall, Span: time.Duration(days) * day}
}

// ClockAhead implements [attendance.ClockWitness].
func (p *CheckIns) ClockAhead() (ahead time.Duration, known bool) { return p.client.skew.ClockAhead() }

// checkInsBody is the body of a query. Times are Unix seconds.
type checkInsBody struct {
	Type  int      `json:"opencheckindatatype"`
	Start int64    `json:"starttime"`
	End   int64    `json:"endtime"`
	Users []string `json:"useridlist"`
}

// Fetch implements [attendance.Provider]: one call; where calls are as short as can
// be (three days), one for each day of Beijing time that the span touches. Beside an
// error the answer's Calls says what was spent.
func (p *CheckIns) Fetch(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
	a := attendance.Answer{ReadAt: p.client.clock()}
	if err := ctx.Err(); err != nil {
		return a, err
	}
	if err := p.accepts(q); err != nil {
		return a, err
	}
	users, impossible := possible(q.Accounts)
	a.Refused = impossible
	if len(users) == 0 {
		return a, nil
	}
	r := newReading(q)
	r.skipAbnormal = p.skipAbnormal
	for w := range windows(q.Span, p.client.days) {
		reply, err := p.client.checkIns(ctx, users, w)
		a.Calls += reply.Sent
		if err != nil {
			return a, err
		}
		rows, err := r.rows(reply.Body, w)
		if err != nil {
			return a, err
		}
		a.Rows = max(a.Rows, rows)
	}
	a.Punches, a.Skipped, a.Warnings = r.punches, r.skipped, r.notes
	return a, nil
}

// accepts refuses what is beyond the limits.
func (p *CheckIns) accepts(q attendance.Query) error {
	fail := func(code attendance.Code, format string, args ...any) error {
		return &attendance.Error{Code: code, Op: "wecom " + pathCheckIns, Detail: fmt.Sprintf(format, args...)}
	}
	limits := p.Limits()
	switch {
	case len(q.Accounts) == 0 || len(q.Accounts) > limits.Accounts:
		return fail(attendance.CodeRequest, "%d accounts in one query; WeCom takes 1 to %d", len(q.Accounts), limits.Accounts)
	case q.Span.Length() > limits.Span:
		return fail(attendance.CodeSpan, "%v in one query; %d days with the padding fit into a call", q.Span, limits.Span/day)
	}
	return nil
}

// possible parts accounts into those that WeCom could know and those that it
// could not even read, or that would be one and the same to it.
func possible(accounts []string) (users, impossible []string) {
	spellings := make(map[string]int, len(accounts))
	for _, a := range accounts {
		spellings[strings.ToLower(a)]++
	}
	unfit := func(a string) bool { return !fits(a) || spellings[strings.ToLower(a)] > 1 }
	if !slices.ContainsFunc(accounts, unfit) {
		return accounts, nil
	}
	for _, a := range accounts {
		if unfit(a) {
			impossible = append(impossible, a)
		} else {
			users = append(users, a)
		}
	}
	return users, impossible
}

// fits reports whether a userid can be sent at all. A character that JSON has to
// escape would spoil the whole body (40033).
func fits(s string) bool {
	return s != "" && len(s) <= longestUserID && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '"' || r == '\\'
	})
}

// tooShort is the error where the shortest window there is was refused for its span:
// halving the asked one would ask for the same again.
func tooShort(err error) error {
	return &attendance.Error{Code: attendance.CodeRequest, Op: "wecom " + pathCheckIns, Err: err,
		Detail: fmt.Sprintf("WeCom refuses even %d days in one call: %v", leastDays, err)}
}

// isPlain reports whether a userid has the letters that copies of the page of
// user/create allow: others may make WeCom call the whole request wrong.
func isPlain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-@.", r)
	})
}

// blamed lets the Syncer look for the userid that makes WeCom call a request
// wrong, where one may be: what an OA holds and nobody has read may be anything.
// A list that could not be read (301023) is nobody's fault where it names one.
func (c *Client) blamed(users []string, err error) error {
	e, ok := err.(*attendance.Error) //nolint:errorlint // provider.Client returns it bare
	if !ok {
		return err
	}
	odd := slices.ContainsFunc(users, func(u string) bool { return !isPlain(u) })
	said := *e
	switch {
	case e.Code == attendance.CodeRequest && odd:
		said.Code = attendance.CodeAccount
	case apiCode(err) == codeUserList && len(users) == 1 && !odd:
		said.Code = attendance.CodeRequest
	default:
		return err
	}
	return &said
}

// checkIns makes the call for one window.
func (c *Client) checkIns(ctx context.Context, users []string, w window) (provider.Reply, error) {
	if c.spans.tooLong(w.days) {
		return provider.Reply{}, &attendance.Error{Code: attendance.CodeSpan, Op: "wecom " + pathCheckIns,
			Detail: fmt.Sprintf("WeCom refused %d days in one call a while ago (errcode 301024)", w.days)}
	}
	request := provider.Request{URL: pathCheckIns, Body: checkInsBody{everyType, w.start, w.end, users}}
	reply, err := c.call(ctx, c.records, c.app, request)
	if apiCode(err) == codeUserList && ctx.Err() == nil {
		// With 1 to 100 userids it means that the body could not be read: once more,
		// and then with fewer people, which is for the Syncer to try.
		first := reply
		reply, err = c.call(ctx, c.records, c.app, request)
		reply.Sent += first.Sent
	}
	switch {
	case err == nil:
		c.spans.taken(w.days)
	case attendance.CodeOf(err) == attendance.CodeSpan:
		if c.spans.refused(w.days); w.days <= leastDays {
			err = tooShort(err)
		}
	}
	return reply, mended(c.sight.judge(users, c.blamed(users, err)), callableMend())
}
