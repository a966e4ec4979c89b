package wecom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// probeAccount is who is asked for when nobody is known and only the right to ask
// matters.
const probeAccount = "punchbridge-check"

// Check implements [attendance.Checker] for the whole application: both secrets,
// clock, check-ins, directory. A directory that may not be read is a warning here,
// since accounts can be bound without. Up to three calls for check-ins are made.
func (c *Client) Check(ctx context.Context) []attendance.Finding {
	findings := c.checkAccess(ctx, c.app)
	if ctx.Err() != nil || attendance.HasErrors(findings) {
		return findings
	}
	contact := c.checkAccess(ctx, c.contact)
	findings = append(findings, contact...)
	checkIns := c.checkCheckIns(ctx)
	findings = append(findings, checkIns...)
	if !attendance.HasErrors(contact) && onlyPermission(checkIns) {
		findings = append(findings, attendance.AtMostWarnings(c.checkDirectory(ctx))...)
	}
	return c.withClock(findings)
}

// Check implements [attendance.Checker]: the secret, the clock, and whether
// check-ins may be read.
func (p *CheckIns) Check(ctx context.Context) []attendance.Finding {
	findings := p.client.checkAccess(ctx, p.client.app)
	if ctx.Err() != nil || attendance.HasErrors(findings) {
		return findings
	}
	return p.client.withClock(append(findings, p.client.checkCheckIns(ctx)...))
}

// Check implements [attendance.Checker]: the secrets, the clock, and whether the
// directory may be read, and how much of it.
func (d *Directory) Check(ctx context.Context) []attendance.Finding {
	findings := d.client.checkAccess(ctx, d.client.app, d.client.contact)
	if ctx.Err() != nil || attendance.HasErrors(findings) {
		return findings
	}
	return d.client.withClock(append(findings, d.client.checkDirectory(ctx)...))
}

// onlyPermission reports whether every error is a missing permission, which says
// nothing of other calls.
func onlyPermission(findings []attendance.Finding) bool {
	for _, f := range findings {
		if f.Level == attendance.LevelError && f.Code != string(attendance.CodePermission) {
			return false
		}
	}
	return true
}

// checkAccess tells of a proxy and tries the secrets of applications; nil is none.
func (c *Client) checkAccess(ctx context.Context, applications ...*access) []attendance.Finding {
	var findings []attendance.Finding
	if slices.Contains(applications, c.app) { // once a check
		findings = c.api.CheckProxy(c.config.BaseURL)
	}
	for _, a := range applications {
		if a == nil {
			continue
		}
		_, err := a.tokens.Token(ctx)
		findings = append(findings, attendance.Tried(ctx, a.mended(err),
			attendance.FindingOK("credentials", attendance.Text{EN: "WeCom accepts the secret of " + a.name.EN, ZH: "企业微信接受" + a.name.ZH + "的 Secret"}),
			attendance.Text{EN: "WeCom gives no access token for " + a.name.EN, ZH: "无法获取" + a.name.ZH + "的 access_token"})...)
	}
	return findings
}

// withClock compares the clocks, by the calls that were made before: where the
// host hands out tokens there is none before the check's own.
func (c *Client) withClock(findings []attendance.Finding) []attendance.Finding {
	return append(findings, c.skew.Findings(attendance.Text{EN: "WeCom", ZH: "企业微信"})...)
}

// checkCheckIns asks for the check-ins of up to three people, one by one: a userid
// that WeCom rejects may be that person's matter.
func (c *Client) checkCheckIns(ctx context.Context) []attendance.Finding {
	good := attendance.FindingOK("checkins", attendance.Text{EN: "check-ins may be read", ZH: "可以读取打卡记录"})
	bad := attendance.Text{EN: "check-ins cannot be read", ZH: "无法读取打卡记录"}
	people, seen := c.sample(ctx, singlesRefused)
	var err error
	for _, user := range people {
		if err = c.tryCheckIns(ctx, user); attendance.CodeOf(err) != attendance.CodeAccount {
			return attendance.Tried(ctx, err, good, bad)
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case apiCode(err) == codeNoRight:
		err = notCallable(err)
	default:
		err = &attendance.Error{Code: attendance.CodeEveryone, Op: "wecom " + pathCheckIns, Err: err, Mend: callableMend(),
			Detail: "WeCom rejects everybody who was tried: " + err.Error()}
	}
	finding := attendance.FindingOf(bad, err)
	if !seen { // perhaps they are just out of sight
		finding.Level = attendance.LevelWarning
	}
	return []attendance.Finding{finding}
}

// tryCheckIns asks for the check-ins of one person around now.
func (c *Client) tryCheckIns(ctx context.Context, user string) error {
	now := c.now()
	for w := range windows(attendance.Span{From: now.Add(-time.Minute), To: now}, leastDays) {
		_, err := c.call(ctx, c.records, c.app, provider.Request{URL: pathCheckIns, Body: checkInsBody{everyType, w.start, w.end, []string{user}}})
		return mended(c.blamed([]string{user}, err), callableMend())
	}
	return nil
}

// sample returns a few userids, best ones that the application may see, or the one
// of nobody. seen says that they are in its sight.
func (c *Client) sample(ctx context.Context, n int) (people []string, seen bool) {
	l := newListing(c, func(a attendance.Account, err error) bool {
		if err == nil {
			people = append(people, a.ID)
		}
		return len(people) < n
	})
	if err := l.walk(ctx, false); err != nil && !errors.Is(err, errStopped) && c.contact != nil {
		_ = l.ids(ctx, c.contact) // what cannot be read is checkDirectory's to tell
		return append(people, probeAccount)[:max(1, min(n, len(people)))], false
	}
	if len(people) == 0 {
		return []string{probeAccount}, false
	}
	return people, true
}

// checkDirectory tells what may be seen of the directory and how it is read.
func (c *Client) checkDirectory(ctx context.Context) []attendance.Finding {
	var findings []attendance.Finding
	bad := attendance.Text{EN: "the directory cannot be read", ZH: "无法读取企业微信通讯录"}
	if c.contact != nil {
		reply, err := c.call(ctx, c.api, c.contact, provider.Request{URL: pathUserIDs, Body: idsBody{Limit: 1}})
		if err == nil {
			_, err = list(reply.Body, pathUserIDs, keyIDs)
		}
		findings = append(findings, attendance.Tried(ctx, mended(err, listMend()),
			attendance.FindingOK("directory", attendance.Text{EN: "every userid of the company may be read", ZH: "可以读取全企业的成员账号"}), bad)...)
	}
	departments, err := c.departments(ctx, c.app, 0)
	beside, besideErr := c.visibleRange(ctx)
	if err != nil && (besideErr != nil || !errors.Is(err, errNoDepartment) || len(beside.people)+len(beside.tags) == 0) {
		f := attendance.Tried(ctx, err, attendance.Finding{}, attendance.Text{EN: "the application's visible range could not be read", ZH: "无法读取应用的可见范围"})
		if c.contact != nil { // it is needed for details only
			attendance.AtMostWarnings(f)
		}
		return append(findings, f...)
	}
	findings = append(findings, c.checkVisible(departments, beside, besideErr)...)
	if len(departments) == 0 {
		return findings
	}
	return append(findings, c.checkDetails(ctx, departments[:min(len(departments), departmentsTried)])...)
}

// checkVisible tells how much the application may see.
func (c *Client) checkVisible(departments []int64, beside visibleRange, err error) []attendance.Finding {
	count := attendance.Text{EN: fmt.Sprintf("%d departments", len(departments)), ZH: fmt.Sprintf("%d 个部门", len(departments))}
	if err == nil {
		count.EN += fmt.Sprintf(", %d single people and %d tags", len(beside.people), len(beside.tags))
		count.ZH += fmt.Sprintf("、%d 名单独添加的成员、%d 个标签", len(beside.people), len(beside.tags))
	}
	findings := []attendance.Finding{attendance.FindingOK("visible_range", attendance.Text{
		EN: "the application's visible range (可见范围) holds " + count.EN + "; nobody outside of it is answered for",
		ZH: "应用可见范围包含 " + count.ZH + "；可见范围之外的人员不会返回打卡记录",
	})}
	if err != nil && c.contact == nil && !slices.Contains(departments, rootDepartment) {
		findings = append(findings, attendance.Finding{Code: attendance.DirectoryPartial, Level: attendance.LevelWarning, Message: singlesUnlisted(err), Mend: singlesMend()})
	}
	return findings
}

// departmentsTried is in how many departments a check looks for people.
const departmentsTried = 5

// checkDetails tells whether details may be read, and private ones too.
func (c *Client) checkDetails(ctx context.Context, departments []int64) []attendance.Finding {
	var err error
	for _, a := range [...]*access{c.contact, c.app} {
		if a == nil {
			continue
		}
		var accounts []attendance.Account
		if accounts, err = c.details(ctx, a, departments); err != nil {
			continue
		}
		findings := []attendance.Finding{attendance.FindingOK("details", attendance.Text{EN: "details of people may be read", ZH: "可以读取成员详情"})}
		if len(accounts) > 0 && !slices.ContainsFunc(accounts, isPrivate) {
			findings = append(findings, attendance.FindingOK("private_fields", attendance.Text{
				EN: "mobile numbers and e-mail addresses are not shown to this application: people cannot be bound by them (WeCom withholds them from applications made since June 2022)",
				ZH: "该应用读取不到手机号与邮箱，无法按手机或邮箱绑定（2022 年 6 月之后新建的应用不再返回这些字段）",
			}))
		}
		return findings
	}
	return attendance.AtMostWarnings(attendance.Tried(ctx, err, attendance.Finding{}, attendance.Text{
		EN: "details of people cannot be read by department: whether an account is active is found out one by one, or not at all",
		ZH: "无法按部门读取成员详情：账号是否激活只能逐人查询，或无法得知"}))
}

// details reads the people of departments until some are found.
func (c *Client) details(ctx context.Context, a *access, departments []int64) (accounts []attendance.Account, err error) {
	l := newListing(c, func(a attendance.Account, err error) bool {
		if err == nil {
			accounts = append(accounts, a)
		}
		return true
	})
	for _, id := range departments {
		if err := l.users(ctx, a, id); err != nil || len(accounts) > 0 {
			return accounts, err
		}
	}
	return accounts, nil
}

// isPrivate reports whether an account shows what WeCom withholds from many.
func isPrivate(a attendance.Account) bool { return a.Mobile != "" || len(a.Emails) > 0 }
