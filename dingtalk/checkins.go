package dingtalk

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// The two endpoints for check-ins.
const (
	pathCheckInsOfDepartment = "/checkin/record"
	pathCheckInsOfUsers      = "/topapi/checkin/record/get"
)

// The limits of the two endpoints, from their pages in the docs. By department:
// 1000 users, 45 days. By users: ten users and one day, or one user and ten days.
// Both: 100 rows a page.
const (
	day = 24 * time.Hour

	checkInAccounts = 1000
	checkInSpan     = 45 * day
	largestSubtree  = 1000

	groupOfUsers = 10
	spanOfGroup  = day
	spanOfUser   = 10 * day

	checkInPage = 100
)

// CheckIns reads field check-ins (签到), a family of records apart from punches.
// It is an [attendance.Provider] with the roles [attendance.Meter] and
// [attendance.Checker].
//
// A check-in has no direction and no id; who and when identify it. Its address is
// detailPlace, or place where that is empty.
//
// DingTalk has two calls for them, and Fetch takes the cheaper one: whole
// departments (GET /checkin/record), or up to ten people at a time (POST
// /topapi/checkin/record/get). To know which departments hold the people it reads
// the organisation with calls that are not metered and keeps it for up to an hour.
// People in no department are asked for by name. Where the organisation may not
// be read, the whole company is asked for, or, where it is too large, everybody
// by name. A missing permission is an answer and not a reason to try the other,
// dearer call.
type CheckIns struct{ client *Client }

// CheckIns returns the provider of field check-ins.
func (c *Client) CheckIns() *CheckIns { return &CheckIns{c} }

// Name returns "dingtalk-checkin".
func (p *CheckIns) Name() string { return "dingtalk-checkin" }

// String names the application, without its secret.
func (p *CheckIns) String() string { return "check-ins of " + p.client.String() }

// Limits returns 1000 accounts and 45 days. The docs name no horizon.
func (p *CheckIns) Limits() attendance.Limits {
	return attendance.Limits{Accounts: checkInAccounts, Span: checkInSpan}
}

// Left implements [attendance.Meter].
func (p *CheckIns) Left(ctx context.Context) (calls int, limited bool, err error) {
	return p.client.left(ctx)
}

// Cost implements [attendance.Meter]. It is the least that Fetch can take: how
// many pages there will be, and over how many departments the people are spread,
// is known only afterwards.
func (p *CheckIns) Cost(q attendance.Query) int {
	if q.Span.Empty() || len(q.Accounts) == 0 {
		return 0
	}
	sent := milliSpan(q.Span)
	return min(costByUsers(len(q.Accounts), sent.Length()), pieces(sent.Length(), checkInSpan))
}

// Fetch implements [attendance.Provider]. Beside an error the answer's Calls says
// what was spent.
func (p *CheckIns) Fetch(ctx context.Context, q attendance.Query) (attendance.Answer, error) {
	f := &checkInFetch{client: p.client, reading: newCheckInReading(q), sent: milliSpan(q.Span)}
	f.answer.ReadAt = p.client.clock()
	if err := ctx.Err(); err != nil {
		return f.answer, err
	}
	switch {
	case len(q.Accounts) == 0 || len(q.Accounts) > checkInAccounts:
		return f.answer, &attendance.Error{Code: attendance.CodeRequest, Op: p.Name(),
			Detail: fmt.Sprintf("%d accounts in one query; 1 to %d are taken", len(q.Accounts), checkInAccounts)}
	case q.Span.Length() > checkInSpan:
		return f.answer, &attendance.Error{Code: attendance.CodeSpan, Op: p.Name(),
			Detail: fmt.Sprintf("%v in one query; DingTalk takes 45 days", q.Span)}
	case q.Span.Empty():
		return f.answer, nil
	}
	if err := f.all(ctx, q.Accounts); err != nil {
		return f.answer, err
	}
	f.answer.Punches, f.answer.Skipped = f.reading.punches, f.reading.skipped
	f.answer.Warnings = append(f.answer.Warnings, f.reading.notes...)
	return f.answer, nil
}

// A checkInFetch is one query under way.
type checkInFetch struct {
	client  *Client
	reading *checkInReading
	sent    attendance.Span
	answer  attendance.Answer
}

// mostRefused is how many departments may be refused before the first one that
// answers: that many refusals are not about size.
const mostRefused = 3

// all asks for everybody, the cheapest way.
func (f *checkInFetch) all(ctx context.Context, accounts []string) error {
	if costByUsers(len(accounts), f.sent.Length()) <= 1 {
		return f.byUsers(ctx, accounts)
	}
	org, err := f.client.chart.get(ctx, f.client)
	if err != nil {
		return err
	}
	var byName []string
	for answered, refused := 0, 0; len(accounts) > 0; {
		shares, rest := org.plan(accounts, f.sent.Length())
		byName, accounts = append(byName, rest...), nil
		for _, s := range shares {
			err := f.byDepartment(ctx, s.node.id)
			switch {
			case err == nil:
				answered++
			case !cannotBeAsked(err):
				return err
			default:
				// More users than by our count, or gone since: the next plan goes around it. The
				// docs say that a department with more than 1000 users fails, but not with which code.
				if refused++; refused > mostRefused && answered == 0 {
					return err
				}
				s.node.refused.Store(true)
				accounts = append(accounts, s.accounts...)
			}
		}
	}
	return f.byUsers(ctx, byName)
}

// byDepartment reads the check-ins of a department and all below it.
func (f *checkInFetch) byDepartment(ctx context.Context, department int64) error {
	for sent := range cutSpans(f.sent, checkInSpan) {
		var before []byte
		for offset := 0; ; offset += checkInPage {
			list, err := f.page(ctx, provider.Request{
				Method: http.MethodGet,
				URL:    pathCheckInsOfDepartment,
				Query: url.Values{
					"department_id": {strconv.FormatInt(department, 10)},
					"start_time":    {strconv.FormatInt(sent.From.UnixMilli(), 10)},
					"end_time":      {strconv.FormatInt(sent.To.UnixMilli(), 10)},
					"offset":        {strconv.Itoa(offset)},
					"size":          {strconv.Itoa(checkInPage)},
					// A check-in that is made meanwhile then comes last and shifts no page.
					"order": {"asc"},
				},
			}, sent, "data", true)
			if err != nil {
				return err
			}
			if list.rows < checkInPage {
				break
			}
			if bytes.Equal(list.raw, before) {
				return stuck(pathCheckInsOfDepartment, "the same full page came for two offsets")
			}
			before = list.raw
		}
	}
	return nil
}

// byUsers reads the check-ins of people by name, up to ten at a time.
func (f *checkInFetch) byUsers(ctx context.Context, accounts []string) error {
	for group := range slices.Chunk(accounts, groupOfUsers) {
		if oneByOne(len(group), f.sent.Length()) {
			for i := range group {
				if err := f.users(ctx, group[i:i+1], spanOfUser); err != nil {
					return err
				}
			}
		} else if err := f.users(ctx, group, spanOfGroup); err != nil {
			return err
		}
	}
	return nil
}

// checkInsBody is the body of a query by users.
type checkInsBody struct {
	Users  string `json:"userid_list"`
	Start  int64  `json:"start_time"`
	End    int64  `json:"end_time"`
	Cursor int64  `json:"cursor"`
	Size   int    `json:"size"`
}

func (f *checkInFetch) users(ctx context.Context, group []string, limit time.Duration) error {
	for sent := range cutSpans(f.sent, limit) {
		body := checkInsBody{
			Users: strings.Join(group, ","),
			Start: sent.From.UnixMilli(),
			End:   sent.To.UnixMilli(),
			Size:  checkInPage,
		}
		for {
			list, err := f.page(ctx, provider.Request{URL: pathCheckInsOfUsers, Body: body}, sent, "page_list", false)
			if err != nil {
				return err
			}
			if !list.more {
				break
			}
			if list.cursor <= body.Cursor {
				return stuck(pathCheckInsOfUsers, "next_cursor does not move on")
			}
			body.Cursor = list.cursor
		}
	}
	return nil
}

// A checkInPageRead is what a page says beside its rows.
type checkInPageRead struct {
	raw    []byte
	rows   int
	cursor int64
	more   bool
}

// page makes one call and reads its rows, which stand in the list named name: at
// the top, or in "result".
func (f *checkInFetch) page(ctx context.Context, r provider.Request, sent attendance.Span, name string, colleagues bool) (checkInPageRead, error) {
	reply, err := f.client.metered(ctx, r)
	if f.answer.Calls == 0 && reply.Sent > 0 {
		f.answer.ReadAt = reply.SentAt
	}
	f.answer.Calls += reply.Sent
	if err != nil {
		return checkInPageRead{}, err
	}
	body := reply.Body
	if !colleagues {
		body = provider.Member(body, "result")
	}
	var page checkInPageRead
	for key, value := range provider.Object(body) {
		switch string(key) {
		case name:
			page.raw = value
		case "next_cursor":
			if text := provider.TextBytes(value); len(text) > 0 {
				cursor, ok := provider.Int(value)
				if !ok {
					return page, stuck(r.URL, "next_cursor is no number: "+provider.OneLine(string(text)))
				}
				page.cursor, page.more = cursor, true
			}
		}
	}
	if len(page.raw) == 0 || page.raw[0] != '[' {
		return page, stuck(r.URL, "errcode 0 without the list "+name)
	}
	for raw := range provider.Array(page.raw) {
		page.rows++
		f.reading.row(raw, sent, colleagues)
	}
	f.answer.Rows = max(f.answer.Rows, page.rows)
	return page, nil
}

// stuck is the error for an answer from which one cannot go on.
func stuck(path, detail string) error {
	return &attendance.Error{Code: attendance.CodeMalformed, Op: "dingtalk " + path, Detail: detail}
}

// costByUsers is the number of calls for n people by name, one page each.
func costByUsers(n int, length time.Duration) int {
	calls := n / groupOfUsers * pieces(length, spanOfGroup)
	if rest := n % groupOfUsers; rest > 0 {
		calls += min(pieces(length, spanOfGroup), rest*pieces(length, spanOfUser))
	}
	return calls
}

// oneByOne reports whether n people are cheaper alone, ten days a call, than
// together, one day a call.
func oneByOne(n int, length time.Duration) bool {
	return n*pieces(length, spanOfUser) < pieces(length, spanOfGroup)
}

// pieces is the number of pieces of at most limit that a length is cut into.
func pieces(length, limit time.Duration) int { return int((length + limit - 1) / limit) }

// milliSpan rounds a span outward to whole milliseconds, which is what is sent.
func milliSpan(s attendance.Span) attendance.Span {
	from, to := s.From.Truncate(time.Millisecond), s.To.Truncate(time.Millisecond)
	if to.Before(s.To) {
		to = to.Add(time.Millisecond)
	}
	return attendance.Span{From: from, To: to}
}

// cutSpans cuts a span into consecutive pieces of elapsed time, as a platform
// counts it that is sent epoch milliseconds: calendar days mean nothing here.
func cutSpans(s attendance.Span, limit time.Duration) iter.Seq[attendance.Span] {
	return func(yield func(attendance.Span) bool) {
		for from := s.From; from.Before(s.To); {
			to := from.Add(limit)
			if to.After(s.To) {
				to = s.To
			}
			if !yield(attendance.Span{From: from, To: to}) {
				return
			}
			from = to
		}
	}
}
