package attendance

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// CheckReach asks a provider for the last day of some people, one by one, until it
// answers for one: whether the accounts that people are bound to are the platform's,
// and in the application's sight. Platforms that answer an unknown account with an
// empty success tell nothing by it. It makes no more than one query a member, writes
// nothing, and returns one finding; none without members or when ctx ends.
func CheckReach(ctx context.Context, p Provider, members []Member, now time.Time) []Finding {
	span := Span{now.Add(-24 * time.Hour), now}
	if limit := p.Limits().Span; limit > 0 && span.Length() > limit {
		span.From = now.Add(-limit)
	}
	var err error
	for _, m := range members {
		var a Answer
		a, err = p.Fetch(ctx, Query{[]string{m.Account}, span})
		if err == nil && slices.Contains(a.Refused, m.Account) {
			err = &Error{Code: CodeAccount, Op: p.Name(), Detail: fmt.Sprintf("%q can be no account of the platform", m.Account)}
		}
		if CodeOf(err) == CodeAccount {
			continue
		}
		return Tried(ctx, err, FindingOK("reach", Text{EN: "the platform answers for the people of the scope", ZH: "平台可返回范围内人员的数据"}),
			Text{EN: "asking for one of the people of the scope", ZH: "查询范围内一名人员"})
	}
	if err == nil || ctx.Err() != nil {
		return nil
	}
	return []Finding{FindingOf(
		Text{EN: fmt.Sprintf("the platform rejects each of %d people of the scope", len(members)), ZH: fmt.Sprintf("平台拒绝了范围内所试的全部 %d 人", len(members))},
		&Error{Code: CodeEveryone, Op: p.Name(), Err: err, Detail: detailOf(err)})}
}
