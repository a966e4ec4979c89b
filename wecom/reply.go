package wecom

import (
	"errors"
	"fmt"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// classify is the reading of every answer: nil for errcode 0. An answer without
// errcode counts as 0, as some of WeCom's calls have none; whoever reads it insists
// on the field it came for.
func classify(r provider.Reply) error {
	_, err := open(r, "")
	return err
}

// classifyRecords also insists on the list of records. Errcode 0 without it is no
// empty day: it is tried again, and in the end a failure.
func classifyRecords(r provider.Reply) error {
	list, err := open(r, keyRecords)
	if err == nil && (len(list) == 0 || list[0] != '[') {
		err = &attendance.Error{Code: attendance.CodeUnavailable, Detail: "errcode 0 without the list " + keyRecords}
	}
	return err
}

// open reads the outermost level of an answer and returns the value of key. WeCom's
// own errors come with status 200; a success does, too.
func open(r provider.Reply, key string) (value []byte, err error) {
	if err := provider.NotJSON(r); err != nil {
		return nil, err
	}
	var errcode int64
	var errmsg []byte
	object, sound := false, true
	for name, v := range provider.Object(r.Body) {
		object = true
		switch string(name) {
		case "errcode":
			if string(v) != "null" {
				errcode, sound = provider.Int(v)
			}
		case "errmsg":
			errmsg = v
		case key:
			value = v
		}
	}
	switch {
	case !object || !sound:
		return nil, &attendance.Error{Code: attendance.CodeMalformed, Err: attendance.ErrForeign,
			Detail: fmt.Sprintf("HTTP %d with JSON that is not WeCom's: no object, or an errcode that is no number", r.Status)}
	case errcode != 0:
		api := newAPIError(errcode, provider.Text(errmsg))
		if r.Confidential {
			api.Message, api.Hint = "", provider.Word(api.Hint)
		}
		return nil, errorOf(api)
	case r.Status/100 != 2:
		return nil, &attendance.Error{Code: attendance.CodeMalformed, Err: attendance.ErrForeign,
			Detail: fmt.Sprintf("HTTP %d with JSON that is no error of WeCom's: somebody else has answered", r.Status)}
	}
	return value, nil
}

// list is the array that an answer came for. Errcode 0 without it is no empty list.
func list(body []byte, path, key string) ([]byte, error) {
	value := provider.Member(body, key)
	if len(value) == 0 || value[0] != '[' && string(value) != "null" {
		return nil, malformed(path, "errcode 0 without the list "+key)
	}
	return value, nil
}

// errorOf turns WeCom's own error into the caller's.
func errorOf(api *APIError) error {
	code, token := codeOf(api.Code)
	out := &attendance.Error{Code: code, Detail: api.Error(), Mend: mendOf(api), Err: api}
	if token {
		out.Err = fmt.Errorf("%w: %w", provider.ErrToken, api)
	}
	if code == attendance.CodeAddress && api.Address != "" {
		out.Detail = "the address " + api.Address + " is not trusted: " + out.Detail
	}
	return out
}

// mendOf is what an administrator has to do about a code; empty where the usual
// mend of its attendance.Code says it.
func mendOf(api *APIError) attendance.Text {
	switch api.Code {
	case codeOtherApp:
		return attendance.Text{
			EN: "the token belongs to another application: check that Secret is that of the application listed under 打卡 → 可调用接口的应用",
			ZH: "access_token 属于其他应用：请确认 Secret 是 打卡 → 可调用接口的应用 中所列应用的 Secret",
		}
	case codeNoDetails:
		return attendance.Text{
			EN: "通讯录同步 may no longer read details from this address: give the application itself the right to see the people (可见范围), or bind by userid",
			ZH: "通讯录同步在此 IP 上不能读取成员详情：请扩大应用的可见范围，或按账号（userid）绑定",
		}
	case 50003:
		return attendance.Text{
			EN: "enable the application in application management",
			ZH: "请在管理后台 → 应用管理 中启用该应用",
		}
	case codeAppForbidden:
		return attendance.Text{
			EN: "WeCom has forbidden this application to call its API: look for a notice in the management console, see that the application is enabled there, and ask WeCom's support, with the hint number",
			ZH: "企业微信已禁止该应用调用接口：请查看管理后台的通知，确认应用已启用，并凭提示中的 hint 编号联系企业微信客服",
		}
	}
	switch code, _ := codeOf(api.Code); code {
	case attendance.CodeCredentials:
		return credentialsMend(attendance.Text{EN: "Secret", ZH: "应用 Secret"})
	case attendance.CodeAddress:
		return addressMend(SelfBuilt, api.Address)
	}
	return attendance.Text{}
}

// addressMend is what to do where the address that calls come from is not trusted. In
// whose console, WeCom's help on 60020 says by the kind of the application; that of one
// which is not known to be a provider's names both.
func addressMend(app App, address string) attendance.Text {
	called := attendance.Text{EN: address, ZH: " " + address}
	if address == "" {
		called = attendance.Text{EN: "this machine's public address", ZH: "本机的公网出口 IP"}
	}
	const list = "服务商信息 → 基本信息 → IP白名单"
	if app != SelfBuilt {
		return attendance.Text{
			EN: "have the service provider who built the application add " + called.EN + " to the white list in the provider's console (" + list + "); it takes about a minute",
			ZH: "请由开发该应用的服务商在服务商管理后台 → " + list + " 中加入" + called.ZH + "，约一分钟后生效",
		}
	}
	return attendance.Text{
		EN: "add " + called.EN + " to the application's trusted addresses (application management → the application → 企业可信IP); it takes about a minute; of an application that a service provider built (代开发): in the provider's console, " + list,
		ZH: "请在管理后台 → 应用管理 → 该应用 → 企业可信IP 中加入" + called.ZH + "，约一分钟后生效；若应用由服务商代开发，则在服务商管理后台 → " + list + " 中加入",
	}
}

func credentialsMend(secret attendance.Text) attendance.Text {
	return attendance.Text{
		EN: "check CorpID and " + secret.EN + ", whether the Secret was reset and whether the application is enabled (application management); it is not tried again soon, because WeCom shuts an address out that keeps trying",
		ZH: "请核对企业 ID（corp_id）与" + secret.ZH + "，确认 Secret 未被重置、应用未被停用（应用管理）；为避免本机 IP 被封禁，短时间内不会重试",
	}
}

// callableMend is the mend where the application may not read check-ins.
func callableMend() attendance.Text {
	return attendance.Text{
		EN: "list the application under 打卡 → 可调用接口的应用 (application management → 打卡), and see that its 可见范围 holds the people; use that application's Secret",
		ZH: "请在管理后台 → 应用管理 → 打卡 → 可调用接口的应用 中勾选该应用，并确认其可见范围包含相关人员，且所填 Secret 属于该应用",
	}
}

// listMend is the mend where userids may not be listed.
func listMend() attendance.Text {
	return attendance.Text{
		EN: "give the Secret of 通讯录同步 (管理工具 → 通讯录同步) as ContactSecret, or widen the application's 可见范围",
		ZH: "请把 管理工具 → 通讯录同步 的 Secret 填为 contact_secret，或扩大应用的可见范围",
	}
}

// apiCode is WeCom's own code in an error; 0 when there is none.
func apiCode(err error) int64 {
	if api, ok := errors.AsType[*APIError](err); ok {
		return api.Code
	}
	return 0
}

// mended says what to do about a missing permission, where WeCom's code alone does
// not say it already.
func mended(err error, mend attendance.Text) error {
	if attendance.CodeOf(err) != attendance.CodePermission {
		return err
	}
	return withMend(err, mend)
}

// withMend adds a mend where there is none.
func withMend(err error, mend attendance.Text) error {
	e, ok := err.(*attendance.Error) //nolint:errorlint // one that wraps another says it itself
	if !ok || e.Mend != (attendance.Text{}) {
		return err
	}
	said := *e
	said.Mend = mend
	return &said
}

// malformed is the error of an answer that lacks what it was asked for.
func malformed(path, detail string) error {
	return &attendance.Error{Code: attendance.CodeMalformed, Op: "wecom " + path, Detail: detail}
}
