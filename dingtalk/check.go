package dingtalk

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// probeAccount is who is asked for when only the right to ask matters. DingTalk
// answers an account that it does not know with an empty success.
const probeAccount = "punchbridge-check"

// Check implements [attendance.Checker] for the whole application: credentials,
// clock, what the application may see, punches, directory. A directory that may
// not be read is a warning here, since accounts can be bound without; field
// check-ins have a check of their own. One metered call is made.
func (c *Client) Check(ctx context.Context) []attendance.Finding {
	findings := c.checkAccess(ctx)
	if ctx.Err() != nil || attendance.HasErrors(findings) {
		return findings
	}
	findings = append(findings, c.checkScopes(ctx)...)
	findings = append(findings, c.checkPunches(ctx)...)
	return append(findings, attendance.AtMostWarnings(c.checkDirectory(ctx))...)
}

// Check implements [attendance.Checker]: credentials, clock, and whether punches
// may be read, for which one metered call is made.
func (p *Punches) Check(ctx context.Context) []attendance.Finding {
	findings := p.client.checkAccess(ctx)
	if ctx.Err() != nil || attendance.HasErrors(findings) {
		return findings
	}
	return append(findings, p.client.checkPunches(ctx)...)
}

// Check implements [attendance.Checker]: credentials, clock, and whether check-ins
// may be read, for which one metered call is made, or two.
func (p *CheckIns) Check(ctx context.Context) []attendance.Finding {
	findings := p.client.checkAccess(ctx)
	if ctx.Err() != nil || attendance.HasErrors(findings) {
		return findings
	}
	return append(findings, p.client.checkCheckIns(ctx)...)
}

// Check implements [attendance.Checker]: credentials, clock, and whether the
// directory may be read, and all of it.
func (d *Directory) Check(ctx context.Context) []attendance.Finding {
	findings := d.client.checkAccess(ctx)
	if ctx.Err() != nil || attendance.HasErrors(findings) {
		return findings
	}
	return append(findings, d.client.checkDirectory(ctx)...)
}

// checkAccess tells of proxies, tries the credentials and compares the clocks.
func (c *Client) checkAccess(ctx context.Context) []attendance.Finding {
	findings := c.api.CheckProxy(c.config.BaseURL, c.config.APIBaseURL)
	_, err := c.tokens.Token(ctx)
	findings = append(findings, attendance.Tried(ctx, err, attendance.FindingOK("credentials", attendance.Text{EN: "DingTalk accepts the application's credentials", ZH: "钉钉应用凭证有效"}),
		attendance.Text{EN: "DingTalk gives no access token", ZH: "无法获取钉钉 access_token"})...)
	if err != nil {
		return findings
	}
	return append(findings, c.skew.Findings(attendance.Text{EN: "DingTalk", ZH: "钉钉"})...)
}

// checkScopes tells what the application may see. No answer is no more than a
// warning: nothing but the start of a restricted directory depends on it.
func (c *Client) checkScopes(ctx context.Context) []attendance.Finding {
	departments, users, err := c.scopes(ctx)
	findings := attendance.Tried(ctx, err,
		attendance.FindingOK("scopes", attendance.Text{
			EN: fmt.Sprintf("the application's range of contacts has %d departments and %d single users", len(departments), len(users)),
			ZH: fmt.Sprintf("应用通讯录权限范围：%d 个部门，%d 个单独授权的员工", len(departments), len(users)),
		}),
		attendance.Text{EN: "the application's range of contacts could not be read", ZH: "无法读取应用的通讯录权限范围"})
	return attendance.AtMostWarnings(findings)
}

// checkPunches asks for the punches of nobody: one metered call.
func (c *Client) checkPunches(ctx context.Context) []attendance.Finding {
	now := c.now().In(beijing()).Truncate(time.Second)
	_, err := c.probe(ctx, provider.Request{
		URL: pathListRecord,
		Body: listRecordBody{
			UserIDs: []string{probeAccount},
			From:    now.Add(-time.Minute).Format(time.DateTime),
			To:      now.Format(time.DateTime),
			I18n:    c.config.I18n,
		},
	})
	if attendance.CodeOf(err) == attendance.CodeAccount {
		err = nil // the right to ask is there, which is all that was asked
	}
	return attendance.Tried(ctx, err, attendance.FindingOK("punches", attendance.Text{EN: "punches may be read", ZH: "可以读取打卡记录"}),
		attendance.Text{EN: "punches cannot be read", ZH: "无法读取打卡记录"})
}

// checkCheckIns asks for a minute of the company's check-ins: one metered call,
// two in a company of more than 1000 users.
func (c *Client) checkCheckIns(ctx context.Context) []attendance.Finding {
	now := c.now()
	_, err := c.probe(ctx, provider.Request{
		Method: http.MethodGet,
		URL:    pathCheckInsOfDepartment,
		Query: url.Values{
			"department_id": {strconv.Itoa(rootDepartment)},
			"start_time":    {strconv.FormatInt(now.Add(-time.Minute).UnixMilli(), 10)},
			"end_time":      {strconv.FormatInt(now.UnixMilli(), 10)},
			"offset":        {"0"},
			"size":          {"1"},
			"order":         {"asc"},
		},
	})
	if cannotBeAsked(err) {
		// Too large a company for one call, most likely: ask for one user.
		_, err = c.probe(ctx, provider.Request{URL: pathCheckInsOfUsers, Body: checkInsBody{
			Users: probeAccount, Start: now.Add(-time.Minute).UnixMilli(), End: now.UnixMilli(), Size: 1}})
		if attendance.CodeOf(err) == attendance.CodeAccount {
			err = nil
		}
	}
	return attendance.Tried(ctx, err, attendance.FindingOK("checkins", attendance.Text{EN: "field check-ins may be read", ZH: "可以读取签到记录"}),
		attendance.Text{EN: "field check-ins cannot be read", ZH: "无法读取签到记录"})
}

// checkDirectory reads the root and one page of its users.
func (c *Client) checkDirectory(ctx context.Context) []attendance.Finding {
	bad := attendance.Text{EN: "the directory cannot be read", ZH: "无法读取钉钉通讯录"}
	root := departmentBody{ID: rootDepartment}
	_, err := c.call(ctx, provider.Request{URL: pathDepartments, Body: root})
	if err == nil {
		_, err = c.call(ctx, provider.Request{URL: pathUsers, Body: usersBody{Department: rootDepartment, Size: 1}})
	}
	if attendance.CodeOf(err) != attendance.CodeAccount {
		return attendance.Tried(ctx, err, attendance.FindingOK("directory", attendance.Text{EN: "the directory may be read, all of it", ZH: "可以读取全部通讯录"}), bad)
	}
	departments, users, err := c.scopes(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil && len(departments)+len(users) == 0:
		return []attendance.Finding{attendance.FindingOf(bad, nothingInSight())}
	case err != nil:
		return attendance.Tried(ctx, err, attendance.Finding{}, bad)
	}
	return []attendance.Finding{{
		Code:  "directory",
		Level: attendance.LevelWarning,
		Message: attendance.Text{
			EN: fmt.Sprintf("the application may see a part of the directory only: %d departments and %d single users", len(departments), len(users)),
			ZH: fmt.Sprintf("应用只能看到部分通讯录：%d 个部门，%d 个单独授权的员工", len(departments), len(users)),
		},
		Mend: rangeMend(),
	}}
}

// nothingInSight is the error of an empty range of contacts.
func nothingInSight() error {
	return &attendance.Error{Code: attendance.CodePermission, Op: "dingtalk " + pathScopes,
		Detail: "the application's range of contacts is empty: it may see no department and no user", Mend: rangeMend()}
}

func rangeMend() attendance.Text {
	return attendance.Text{
		EN: "set the application's range of contacts to all staff in DingTalk's console",
		ZH: "请在钉钉后台把应用的通讯录权限范围设为全部员工",
	}
}
