package main

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

// owedDays is where days whose recalculation is owed are remembered. Nil: in memory, as
// long as the program runs.
func (p *program) owedDays() attendance.DayStore {
	if p.state == nil {
		return nil
	}
	return p.state
}

// recalculated is the sink with what `recalculate: http` asks for around it; nil with
// any other choice.
func (p *program) recalculated(c *oaConfig, sink attendance.Sink, freeze int) (*attendance.Recalculation, error) {
	if c.recalc != "http" {
		return nil, nil
	}
	hook, err := oasink.RecalculateURL(c.recalcURL, &oasink.RecalculateURLOptions{Token: c.recalcToken, Timeout: p.hookTimeout})
	if err != nil {
		return nil, err
	}
	return attendance.NewRecalculation(sink, hook, &attendance.RecalculationOptions{
		Days: p.owedDays(), Target: c.target(), AddsOnly: !c.ledger, FreezeAfterDay: freeze, Now: p.now}), nil
}

// recalculate has every day computed that is still owed and corrects the warnings about
// them: they told what was owed on the way.
func recalculate(ctx context.Context, r *attendance.Recalculation, zone *time.Location, warnings []attendance.Warning) []attendance.Warning {
	if r == nil {
		return warnings
	}
	left, err := r.Recalculate(ctx, zone)
	if err == nil || len(left) == 0 && ctx.Err() != nil {
		return slices.DeleteFunc(warnings, isNotRecalculated)
	}
	if !slices.ContainsFunc(warnings, isNotRecalculated) { // they were owed before
		warnings = append(warnings, attendance.NotRecalculated(left, err))
	}
	return warnings
}

// owing remembers days that the OA's queue refuses, before their punches are committed.
// Where nothing is remembered that is an error: they would never be computed.
func (p *program) owing(c *oaConfig) func(context.Context, []attendance.PersonDay) error {
	return func(ctx context.Context, days []attendance.PersonDay) error {
		store, err := p.store(ctx)
		if err != nil {
			return err
		}
		if store == nil {
			return &attendance.Error{Code: attendance.CodeStore, Op: "state", Detail: "nothing is remembered between runs (state: none)", Mend: attendance.Text{
				EN: "give this program's account the right to insert into kq_format_pool and look at that table's triggers and constraints; or keep a state, which remembers the days; or have the days computed otherwise and set recalculate: none",
				ZH: "请授予本程序账号 kq_format_pool 的插入权限，并检查该表的触发器与约束；或启用 state 以记住这些日期；或以其他方式重算并设 recalculate: none"}}
		}
		return store.OweDays(ctx, c.target(), days)
	}
}

// owes reports whether a day's recalculation is still owed, where that is known.
func (p *program) owes(ctx context.Context, c *oaConfig, d attendance.PersonDay) (owed, known bool) {
	const most = 100_000
	if p.state == nil {
		return false, false
	}
	days, err := p.state.OwedDays(ctx, c.target(), most)
	owed = slices.Contains(days, d)
	return owed, err == nil && (owed || len(days) < most)
}

// queueOwed puts into the OA's queue what is owed, of this run and of runs before, and
// corrects the warnings about it. It returns how many rows it has added. Months are closed from the day freeze on.
func (p *program) queueOwed(ctx context.Context, sink *oasink.Sink, c *oaConfig, zone *time.Location, freeze int, warnings []attendance.Warning) (queued int, _ []attendance.Warning) {
	if p.state == nil || c.recalc == "http" || ctx.Err() != nil {
		return 0, warnings
	}
	owed, err := sink.QueueOwed(ctx, oasink.OwedOptions{Days: p.state, Target: c.target(), Zone: zone,
		OpenFrom: attendance.OpenFrom(p.now().In(zone), freeze), KeepClosed: p.openToOthers(c, freeze)})
	if len(owed.Closed) > 0 {
		warnings = append(warnings, attendance.NotComputed(owed.Closed))
	}
	switch {
	case err == nil:
		warnings = slices.DeleteFunc(warnings, isNotRecalculated)
	case len(owed.Left) > 0 && ctx.Err() == nil:
		warnings = append(slices.DeleteFunc(warnings, isNotRecalculated), attendance.NotRecalculated(owed.Left, err))
	}
	return owed.Queued, warnings
}

// openToOthers reports whether another job of the OA may write into months that are
// closed from the day freeze on: what it owes there is its own.
func (p *program) openToOthers(c *oaConfig, freeze int) bool {
	return slices.ContainsFunc(p.config.jobs, func(j *jobConfig) bool {
		return j.oa == c && freeze > 0 && (j.freeze == 0 || j.freeze > freeze)
	})
}

func isNotRecalculated(w attendance.Warning) bool { return w.Code == "not_recalculated" }

// checkRecalculation says that the site's address is not tried: every call of it has
// days computed.
func checkRecalculation(c *oaConfig) []attendance.Finding {
	if c.recalc != "http" {
		return nil
	}
	return []attendance.Finding{{Code: "recalculation_untested", Level: attendance.LevelWarning,
		Message: attendance.Text{EN: "the address for recalculation (recalculate_url) was not called: a call would have days computed",
			ZH: "未调用重算接口（recalculate_url）：一经调用就会触发重算"},
		Mend: attendance.Text{EN: "run the job once: where the address fails, its report says not_recalculated, and why",
			ZH: "请执行一次任务：接口若失败，报告中会有 not_recalculated 及原因"}}}
}

// hookURL reads the address of the site's recalculation. It is never quoted: it may hold
// a secret.
func (v value) hookURL(p *string) error {
	s, err := v.text()
	if err != nil || s == "" {
		return err
	}
	if u, err := url.Parse(s); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return v.fail(attendance.Text{EN: "write http://host/path or https://host/path", ZH: "请写 http(s):// 开头的完整地址"}, "this is no http(s) URL")
	}
	*p = s
	return nil
}

// bearer reads a token, which is never quoted either.
func (v value) bearer(p *string) error {
	s, err := v.text()
	if err == nil && strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		err = v.fail(attendance.Text{EN: "write it as the site's address expects it after Bearer", ZH: "请只写 Bearer 之后的令牌本身"}, "it holds a space or a character beyond ASCII")
	}
	*p = s
	return err
}
