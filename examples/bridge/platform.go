package main

import (
	"context"

	"golang.org/x/time/rate"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/provider"
	"github.com/punchbridge/punchbridge/wecom"
)

// A platform is one application on DingTalk or WeCom as a job uses it.
type platform interface {
	// Check looks at the application as a whole and at its first family.
	Check(ctx context.Context) []attendance.Finding
	// families are what a job reads of it.
	families(j *jobConfig) []family
	// rejects says that an account which the platform does not know is an error
	// there, so that a check may ask for some of the bound ones.
	rejects() bool
	// directory is where a binding looks accounts up, and adapt makes a binding fit
	// the platform's accounts.
	directory(b bindingConfig) attendance.Directory
	adapt(b oasink.Binding) oasink.Binding
}

// A family is one kind of records of a platform.
type family struct {
	attendance.Provider
	// rare: most people have none, so that an empty answer is nothing to warn of.
	rare bool
}

// platform makes the client of a provider; jobs of one provider share it, and with
// it its token, its limits and its one try of a secret.
func (p *program) platform(c *providerConfig) (platform, error) {
	p.opening.Lock()
	defer p.opening.Unlock()
	if made, ok := p.platforms[c]; ok {
		return made, nil
	}
	create := p.dingtalk
	if c.kind == "wecom" {
		create = p.wecom
	}
	made, err := create(c)
	if err != nil {
		return nil, &configError{file: p.config.file, key: "providers", what: err.Error()}
	}
	if p.platforms == nil {
		p.platforms = map[*providerConfig]platform{}
	}
	p.platforms[c] = made
	return made, nil
}

// limiter is what requests_per_second asks for; nil is the library's own.
func (c *providerConfig) limiter() provider.Limiter {
	if c.perSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(c.perSecond), max(1, int(c.perSecond)))
}

type dingtalkPlatform struct {
	*dingtalk.Client
	fieldCheckIns bool
}

func (p *program) dingtalk(c *providerConfig) (platform, error) {
	ding, err := dingtalk.New(dingtalk.Config{
		AppKey: c.appKey, AppSecret: c.appSecret,
		BaseURL: c.baseURL, APIBaseURL: c.apiURL, HTTP: p.client(),
		I18n: c.i18n, MonthlyQuota: c.monthlyQuota, Budget: p.budget(c),
		Limiter: c.limiter(), Now: p.now, Logger: p.logger,
	})
	return dingtalkPlatform{ding, c.fieldCheckIns}, err
}

func (d dingtalkPlatform) families(*jobConfig) []family {
	all := []family{{Provider: d.Punches()}}
	if d.fieldCheckIns {
		all = append(all, family{d.CheckIns(), true})
	}
	return all
}

func (d dingtalkPlatform) rejects() bool { return false }

func (d dingtalkPlatform) directory(bindingConfig) attendance.Directory { return d.Directory() }

func (d dingtalkPlatform) adapt(b oasink.Binding) oasink.Binding { return b }

type wecomPlatform struct{ *wecom.Client }

func (p *program) wecom(c *providerConfig) (platform, error) {
	wx, err := wecom.New(wecom.Config{
		CorpID: c.corpID, AgentID: c.agentID, Secret: c.secret, ContactSecret: c.contact,
		App:     map[string]wecom.App{"delegated": wecom.Delegated}[c.app],
		BaseURL: c.baseURL, HTTP: p.client(), Limiter: c.limiter(), Now: p.now, Logger: p.logger,
	})
	return wecomPlatform{wx}, err
}

func (w wecomPlatform) families(j *jobConfig) []family {
	if j.abnormal == "skip" {
		return []family{{Provider: w.CheckIns().WithoutAbnormal()}}
	}
	return []family{{Provider: w.CheckIns()}}
}

func (w wecomPlatform) rejects() bool { return true }

// directory asks for details only where something depends on them: for a list of bindings
// it is only looked whether the accounts are there.
func (w wecomPlatform) directory(b bindingConfig) attendance.Directory {
	if b.by == "mobile" || b.by == "email" || b.inactive == "skip" && b.by != "file" {
		return w.Directory()
	}
	return w.UserIDs()
}

func (w wecomPlatform) adapt(b oasink.Binding) oasink.Binding { return b.ForWeCom() }
