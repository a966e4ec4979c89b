package attendance

import (
	"context"
	"slices"
)

// Text is a sentence for operators in English and Chinese.
type Text struct {
	EN string `json:"en,omitempty"`
	ZH string `json:"zh,omitempty"`
}

// String returns the Chinese text, a slash and the English text; or the one there is.
func (t Text) String() string {
	switch {
	case t.ZH == "":
		return t.EN
	case t.EN == "":
		return t.ZH
	default:
		return t.ZH + " / " + t.EN
	}
}

// Level says how bad a [Finding] is.
type Level string

// The levels.
const (
	LevelOK      Level = "ok"
	LevelWarning Level = "warning"
	LevelError   Level = "error"
)

// A Finding is one result of a check: what was looked at, what it means and
// what to do.
type Finding struct {
	// Code names what was looked at or, for trouble, the [Code] of the trouble.
	Code    string
	Level   Level
	Message Text
	Mend    Text
}

// FindingOK is good news about what code names.
func FindingOK(code string, message Text) Finding {
	return Finding{Code: code, Level: LevelOK, Message: message}
}

// Tried turns the outcome of a try into findings: good when err is nil, else the
// error, told as bad; none when ctx has ended, which says nothing.
func Tried(ctx context.Context, err error, good Finding, bad Text) []Finding {
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil:
		return []Finding{good}
	default:
		return []Finding{FindingOf(bad, err)}
	}
}

// HasErrors reports whether one of the findings is an error.
func HasErrors(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Level == LevelError })
}

// AtMostWarnings makes warnings of the errors among the findings, in place: for what
// a host can do without.
func AtMostWarnings(findings []Finding) []Finding {
	for i := range findings {
		if findings[i].Level == LevelError {
			findings[i].Level = LevelWarning
		}
	}
	return findings
}

// FindingOf turns an error into a finding of level error: its code, its words
// and its mend.
func FindingOf(what Text, err error) Finding {
	f := Finding{Code: string(CodeOf(err)), Level: LevelError, Message: what}
	if f.Code == "" {
		f.Code = string(CodeUnknown)
	}
	detail := ": " + detailOf(err)
	f.Message.EN += detail
	f.Message.ZH += detail
	f.Mend = remedyOf(err)
	return f
}

// Mend returns what usually helps against trouble of this code.
func (c Code) Mend() Text {
	switch c {
	case CodeCredentials:
		return Text{"check the application's key and secret against the platform's console", "请核对应用的 Key 与 Secret 是否与平台后台一致"}
	case CodePermission:
		return Text{"apply for the named permission in the platform's console", "请在平台后台为应用申请所提示的接口权限"}
	case CodeAddress:
		return Text{"add this machine's public address to the application's white list of server addresses", "请把本机的出口 IP 加入应用的服务器出口 IP 白名单"}
	case CodeQuota:
		return Text{"wait for the next month, buy more calls, or raise monthly_quota", "请等待下个自然月、购买调用量，或调高 monthly_quota"}
	case CodeDisabled:
		return Text{"enable the application on the platform", "请在平台后台启用该应用或企业"}
	case CodeEveryone:
		return Text{"check the binding and the application's visible range: the platform rejects every account", "平台拒绝了所有账号：请检查人员绑定方式与应用可见范围"}
	case CodeProxy:
		return Text{"check the proxy's name and password in HTTPS_PROXY or HTTP_PROXY, percent-encoded, and whether it lets this machine through", "请核对环境变量 HTTPS_PROXY 或 HTTP_PROXY 中代理的用户名与口令（特殊字符须百分号编码），以及代理是否放行本机"}
	case CodeThrottled:
		return Text{"lower requests_per_second or start away from the full hour", "请调低请求速率或避开整点"}
	case CodeUnavailable:
		return Text{"check the network and the platform's status; the next run makes up for it", "请检查网络与平台状态；下次运行会自动补齐"}
	case CodeMalformed:
		return Text{"something between here and the platform answers in its place (proxy, firewall, login page), or the address is wrong", "应答不是平台的 JSON：可能被代理、防火墙或登录页拦截，或地址配置错误"}
	case CodeRequest:
		return Text{"check the configuration; if it is right, report this as a bug", "请检查配置；若配置无误，请反馈为程序缺陷"}
	case CodeAccount:
		return Text{"check the person's binding and whether the account still exists", "请检查该人员的绑定及账号是否仍存在"}
	case CodeHorizon:
		return Text{"choose a later first day", "请选择更晚的起始日期"}
	case CodeStore:
		return Text{"look at the database's message; the next run makes up for it", "请查看数据库报错；下次运行会自动补齐"}
	case CodeStoreDown:
		return Text{"check the database's address, account and rights to write", "请检查数据库地址、账号以及写入权限"}
	case CodeTable:
		return Text{"check the table names, the schema and the account's rights", "请检查表名、schema 与数据库账号权限"}
	case CodeRowRefused:
		return Text{"have the database administrator look at the index, CHECK or trigger that is named, or at the row that is in its way; the row is offered again while its day is read, later only by a backfill of that day", "请数据库管理员检查所提示的唯一索引、CHECK 约束、触发器，或占位的那一行；该打卡所在日期仍在回看范围内时会自动再次尝试，之后需对该日期执行补采"}
	case CodeRowChanged:
		return Text{"find the trigger or the type of a column that changes what is written (both values are named); the row was taken back, because it would be written once more by each run; it is offered again while its day is read, later only by a backfill of that day", "请检查改变写入值的触发器或列类型（提示中有写入值与实际值）。该行已撤回，否则每次运行都会重复写入；所在日期仍在回看范围内时会自动再次尝试，之后需对该日期执行补采"}
	default:
		return Text{}
	}
}

func detailOf(err error) string {
	if e, ok := asError(err); ok && e.Detail != "" {
		return e.Detail
	}
	return err.Error()
}

func remedyOf(err error) Text {
	if e, ok := asError(err); ok {
		return e.Remedy()
	}
	return Text{}
}
