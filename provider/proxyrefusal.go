package provider

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// A proxyRefusal is what a proxy answers in place of the platform, or why it cannot be
// reached. It quotes nothing that the proxy says.
type proxyRefusal struct {
	proxy  *proxy   // nil: not known
	target string   // the platform's host
	status int      // of the answer; 0: none, as of a SOCKS proxy
	offers []string // ways to log in that it takes, by their first words
	login  bool     // it refuses the name and password, or asks for them
	rule   bool     // it forbids the way
	cause  error    // where there is no status
	known  bool     // it is remembered; the proxy was not asked
}

// Error says what the proxy did.
func (r *proxyRefusal) Error() string { return r.words() }

// refusalOf recognises a refusal of a proxy in the error of a transport. Transports of
// hosts tell an answer to CONNECT by the text of its status alone.
func refusalOf(err error, p *proxy, target string) *proxyRefusal {
	if r, ok := errors.AsType[*proxyRefusal](err); ok {
		told := *r
		told.proxy, told.target = p, target
		return &told
	}
	if p == nil {
		return nil
	}
	err = bare(err)
	op, ok := errors.AsType[*net.OpError](err)
	switch {
	case !ok:
		return refusalInWords(err, p, target)
	case op.Op == "proxyconnect":
		return &proxyRefusal{proxy: p, target: target, cause: err}
	case strings.HasPrefix(op.Op, "socks"):
		text := op.Err.Error()
		login := strings.Contains(text, "authentication") || strings.Contains(text, "username")
		return &proxyRefusal{proxy: p, target: target, login: login, rule: strings.Contains(text, "not allowed"), cause: op.Err}
	}
	return nil
}

// refusalInWords finds the status whose text an error is.
func refusalInWords(err error, p *proxy, target string) *proxyRefusal {
	text := strings.TrimSpace(err.Error())
	if strings.Contains(strings.ToLower(text), "authentication required") {
		return answeredBy(http.StatusProxyAuthRequired, nil, p, target)
	}
	for status := 300; status < 600; status++ {
		if strings.EqualFold(text, http.StatusText(status)) {
			return answeredBy(status, nil, p, target)
		}
	}
	return nil
}

// answeredBy is a refusal by an answer.
func answeredBy(status int, header http.Header, p *proxy, target string) *proxyRefusal {
	r := &proxyRefusal{proxy: p, target: target, status: status, login: status == http.StatusProxyAuthRequired}
	switch {
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, r.login:
	default:
		r.rule = true
	}
	for _, value := range header.Values("Proxy-Authenticate") {
		offer, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		if offer = Word(strings.TrimSuffix(offer, ",")); offer != "" && !slices.Contains(r.offers, offer) {
			r.offers = append(r.offers, offer)
		}
	}
	return r
}

// code is the decision that follows. Who is refused by a proxy is not asked for again:
// proxies lock accounts, and rules do not change within a run.
func (r *proxyRefusal) code() attendance.Code {
	if r.login || r.rule || r.known {
		return attendance.CodeProxy
	}
	return attendance.CodeUnavailable
}

// words say what the proxy did.
func (r *proxyRefusal) words() string {
	who, how := r.proxy.text().EN, ""
	switch {
	case r.status != 0:
		how = fmt.Sprintf(" (%d %s)", r.status, http.StatusText(r.status))
	case r.cause != nil && !(r.proxy != nil && r.proxy.misread):
		how = " (" + causeOf(r.cause) + ")"
	}
	var what string
	switch {
	case r.login && r.takesNoBasic():
		what = who + " wants a login by " + strings.Join(r.offers, ", ") + "; this program knows Basic only"
	case r.login && r.proxy != nil && r.proxy.named:
		what = who + " refuses the name and password in " + r.proxy.source().EN
	case r.login:
		what = who + " asks for a name and password, and none is given"
	case r.rule:
		what = who + " forbids the way to " + r.target
	case r.status != 0:
		what = who + " does not get through to " + r.target
	default:
		what = who + " does not connect to " + r.target
	}
	if r.known {
		how += "; it said so a while ago and was not asked again"
	}
	return what + how
}

func causeOf(err error) string {
	text, _ := redact.Transport(err.Error())
	return text
}

func (r *proxyRefusal) takesNoBasic() bool {
	return len(r.offers) > 0 && !slices.ContainsFunc(r.offers, func(offer string) bool { return strings.EqualFold(offer, "Basic") })
}

// mend says what to do.
func (r *proxyRefusal) mend() attendance.Text {
	from := r.proxy.source()
	switch {
	case r.proxy != nil && r.proxy.misread:
		return attendance.Text{
			EN: "the address of the proxy in " + from.EN + " is misread: write the name and password in it " + encode().EN,
			ZH: from.ZH + " 中的代理地址被误读：" + encode().ZH,
		}
	case r.login && r.takesNoBasic():
		return attendance.Text{
			EN: "have whoever runs the proxy let this machine through to " + r.target + " without a login or with Basic (the proxy stands in " + from.EN + "); it is tried once in ten minutes, because proxies lock accounts",
			ZH: "请代理管理员允许本机免登录或以 Basic 方式访问 " + r.target + "（代理由" + from.ZH + " 指定）；为避免账号被代理锁定，十分钟内只尝试一次",
		}
	case r.login:
		return attendance.Text{
			EN: "check the name and password of the proxy in " + from.EN + ", " + encode().EN + "; it is tried once in ten minutes, because proxies lock accounts",
			ZH: "请核对" + from.ZH + " 中代理的用户名与口令，" + encode().ZH + "；为避免账号被代理锁定，十分钟内只尝试一次",
		}
	case r.rule:
		return attendance.Text{
			EN: "have whoever runs the proxy allow " + r.target + " for this machine (the proxy stands in " + from.EN + "), or name it in NO_PROXY where it can be reached without",
			ZH: "请代理管理员放行本机对 " + r.target + " 的访问（代理由" + from.ZH + " 指定）；若无需代理即可访问，可写入 NO_PROXY",
		}
	default:
		return attendance.Text{
			EN: "check the proxy's address in " + from.EN + " and ask whoever runs it, or name " + r.target + " in NO_PROXY where it can be reached without; the next run makes up for it",
			ZH: "请核对" + from.ZH + " 中的代理地址并联系代理管理员；若无需代理即可访问 " + r.target + "，可写入 NO_PROXY；下次运行会自动补齐",
		}
	}
}

// error is the refusal as the caller of a call sees it.
func (r *proxyRefusal) error(op string) *attendance.Error {
	return &attendance.Error{Code: r.code(), Op: op, Detail: r.words(), Mend: r.mend(), Err: errors.New(r.words())}
}
