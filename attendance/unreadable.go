package attendance

import (
	"context"
	"fmt"
)

const (
	// unreadHalved is how many queries whose answers cannot be read are asked again in
	// halves in one run: one broken record takes some nine.
	unreadHalved = 100
	// unreadBlind is how many, while no answer of the run could be read: then it is most
	// likely no record that is broken but something on the way.
	unreadBlind = 6
)

// An unread is a query whose answer could not be read.
type unread struct {
	members []Member
	span    Span
	cause   error
}

// halve cuts a query in two: by people, or one person's by days; ok is false for one
// person's day, which is as little as can be left out.
func (u unread) halve() (halves [2]unread, ok bool) {
	if n := len(u.members); n > 1 {
		return [2]unread{{members: u.members[:n/2], span: u.span}, {members: u.members[n/2:], span: u.span}}, true
	}
	first, second, ok := u.span.Halve()
	ok = ok && DateOf(u.span.From) != DateOf(u.span.To.Add(-1))
	return [2]unread{{members: u.members, span: first}, {members: u.members, span: second}}, ok
}

// unreadable reads what can be read of a query whose answer cannot be: one broken record
// must not cost the punches of everybody who is asked for together with that person. It
// asks in halves, level by level, so that something readable comes early.
func (rd *reading) unreadable(ctx context.Context, members []Member, span Span, cause error) {
	if rd.halving {
		rd.unread = append(rd.unread, unread{members, span, cause})
		return
	}
	rd.halving = true
	defer func() { rd.halving = false }()
	failed, taken := len(rd.done.Failed), rd.taken
	for queue := []unread{{members, span, cause}}; len(queue) > 0 && rd.fatal == nil; {
		u := queue[0]
		queue = queue[1:]
		halves, ok := u.halve()
		switch {
		case !ok:
			rd.fail(ctx, u.members, u.span, rd.leftUnread(u.cause, "one person's day, the least that can be asked for; what could be read beside it was", Text{
				EN: "nothing to be done here: every run asks again; if it stays so, show the platform's support what is quoted here, and enter the day by hand",
				ZH: "无需在此处理：每次运行都会重试；如一直如此，请把此处引用的内容提供给平台客服，并手工补录当天打卡",
			}))
			continue
		case !rd.run.mayHalve():
			rd.fail(ctx, u.members, u.span, rd.leftUnread(u.cause, "enough was asked for again in smaller queries", Text{}))
			continue
		}
		for _, half := range halves {
			rd.members(ctx, half.members, half.span)
		}
		queue, rd.unread = append(queue, rd.unread...), nil
	}
	if rd.taken == taken && rd.fatal == nil { // all of it is unreadable, which is one failure
		rd.done.Failed = rd.done.Failed[:failed]
		rd.fail(ctx, members, span, cause)
	}
}

// mayHalve counts an unreadable query that is to be asked again in halves.
func (r *run) mayHalve() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.halved >= unreadHalved || r.answered == 0 && r.halved >= unreadBlind {
		return false
	}
	r.halved++
	return true
}

// leftUnread is the error of a part that stays unread.
func (rd *reading) leftUnread(cause error, why string, mend Text) error {
	return &Error{Code: CodeMalformed, Op: rd.run.provider.Name(), Err: cause, Mend: mend, Detail: fmt.Sprintf("%s (%s)", detailOf(cause), why)}
}
