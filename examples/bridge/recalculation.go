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
func (p *program) recalculated(c *oaConfig, sink attendance.Sink) (*attendance.Recalculation, error) {
	if c.recalc != "http" {
		return nil, nil
	}
	hook, err := oasink.RecalculateURL(c.recalcURL, &oasink.RecalculateURLOptions{Token: c.recalcToken, Timeout: p.hookTimeout})
	if err != nil {
		return nil, err
	}
	return attendance.NewRecalculation(sink, hook, &attendance.RecalculationOptions{
		Days: p.owedDays(), Target: c.label(), AddsOnly: !c.ledger, Now: p.now}), nil
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
