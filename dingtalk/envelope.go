package dingtalk

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// firewallPause is how long nothing is sent after an answer of DingTalk's
// firewall. It shuts a network address out for 5 minutes after more than 10000
// calls in 20 s (docs on API throttling); the rest is a margin.
const firewallPause = 5*time.Minute + 30*time.Second

// longestThrottle bounds how long a throttling text may make us wait.
const longestThrottle = 5 * time.Minute

// firewallCode is the "status" of the firewall's page.
const firewallCode = "1111"

// An envelope is what stands around an answer. Five shapes occur: errcode alone;
// errcode 88 with the real code in sub_code or only in the text; code, message
// and an HTTP status (new calls); the firewall's page without any code; and
// errcode with sub_msg for unknown paths.
type envelope struct {
	APIError

	// success: errcode is there and zero.
	success bool
	// firewall: the address is shut out.
	firewall bool
}

// readEnvelope reads the outermost level of a valid JSON document.
func readEnvelope(body []byte) envelope {
	var e envelope
	var errcode, word, sub, errmsg, submsg, message, status string
	var punished bool
	for key, value := range provider.Object(body) {
		switch string(key) {
		case "errcode":
			errcode = provider.Text(value)
			n, ok := provider.Int(value)
			e.success = ok && n == 0
		case "errmsg":
			errmsg = provider.Text(value)
		case "sub_code":
			sub = provider.Text(value)
		case "sub_msg":
			submsg = provider.Text(value)
		case "code":
			word = provider.Text(value)
		case "message":
			message = provider.Text(value)
		case "request_id", "requestid":
			e.RequestID = provider.OneLine(provider.Text(value))
		case "status":
			status = provider.Text(value)
		case "punish":
			punished = true
		default:
			// DingTalk's docs spell it AccessDeniedDetail; whether the wire does too is
			// not sure.
			if len(key) == len("accessdenieddetail") && strings.EqualFold(string(key), "accessdenieddetail") {
				e.Permissions = requiredScopes(value)
			}
		}
	}
	switch {
	case e.success:
		return e
	case errcode == "" && word == "" && (status == firewallCode || punished):
		e.firewall = true
		e.Code = firewallCode
		return e
	case errcode == "88":
		e.Code = errcode
		if inner := subcodeIn(errmsg); sub != "" {
			e.Code = sub
		} else if inner != "" {
			e.Code = inner
		}
	case errcode != "":
		e.Code = errcode
	default:
		e.Code = word
	}
	e.Code = provider.OneLine(e.Code)
	text := message
	if errmsg != "" {
		text = unwrapped(errmsg)
	}
	if submsg != "" {
		text = submsg
	}
	e.Message = provider.OneLine(text)
	if classOf(e.Code) == classPermission {
		whole := errmsg + " " + submsg + " " + message
		if len(e.Permissions) == 0 {
			e.Permissions = permissionsIn(withoutWrapping(whole))
		}
		e.ApplyURL = applyURLIn(whole)
	}
	return e
}

// withoutWrapping hides the bracket of "ding talk error[" from who looks for brackets.
func withoutWrapping(s string) string {
	return strings.ReplaceAll(s, "ding talk error[", "")
}

func requiredScopes(detail []byte) []string {
	var scopes []string
	for key, value := range provider.Object(detail) {
		if strings.EqualFold(string(key), "requiredScopes") {
			for scope := range provider.Array(value) {
				scopes = append(scopes, provider.OneLine(provider.Text(scope)))
			}
		}
	}
	return scopes
}

// classify is the reading of every answer but those to token requests: nil for
// errcode 0 alone.
func (c *Client) classify(r provider.Reply) error {
	e, err := open(r)
	if err != nil || e.success {
		return err
	}
	return c.errorOf(e, r)
}

// classifyToken is the reading of both token endpoints' answers. The new one
// succeeds without an errcode, and what elsewhere means the token means the
// secret here.
func (c *Client) classifyToken(r provider.Reply) error {
	if r.Status/100 == 2 && provider.NotJSON(r) == nil && len(provider.Member(r.Body, "accessToken")) > 0 {
		return nil // of the new one
	}
	e, err := open(r)
	switch {
	case err != nil || e.success:
		return err
	case classOf(e.Code) == classToken:
		return coded(attendance.CodeCredentials, e.unquoted())
	}
	return c.errorOf(e, r)
}

// open finds the envelope of an answer; err says that there is none: a page, the
// firewall, or JSON of somebody else. An answer without errcode is never a success.
func open(r provider.Reply) (envelope, error) {
	if err := provider.NotJSON(r); err != nil {
		if isPunishPage(r.Body) {
			return envelope{}, shutOut(firewallPause, &APIError{Status: r.Status, Code: firewallCode})
		}
		return envelope{}, err
	}
	e := readEnvelope(r.Body)
	e.Status = r.Status
	switch {
	case e.firewall:
		return e, shutOut(firewallPause, &e.APIError)
	case e.success && r.Status/100 == 2:
		return e, nil
	case e.success, e.Code == "":
		return envelope{}, &attendance.Error{Code: attendance.CodeMalformed, Err: attendance.ErrForeign, Detail: fmt.Sprintf(
			"HTTP %d with JSON that is not DingTalk's: neither errcode 0 nor the code of an error", r.Status)}
	}
	return e, nil
}

// isPunishPage recognises the firewall's answer where it is not JSON, by the
// word that its JSON form has.
func isPunishPage(body []byte) bool {
	return bytes.Contains(bytes.ToLower(body[:min(len(body), 8<<10)]), []byte("punish"))
}

// shutOut is the error while the firewall shuts our address out. It is not waited
// for: the wait is longer than provider.Client waits, and every further call may
// prolong the ban.
func shutOut(left time.Duration, native error) error {
	return &attendance.Error{
		Code: attendance.CodeThrottled,
		Detail: fmt.Sprintf("DingTalk's firewall has shut out this network address for too many calls; nothing is sent for the next %v",
			left.Round(time.Second)),
		Mend: attendance.Text{
			EN: "run again after five minutes, and see what else calls DingTalk from this network address",
			ZH: "请五分钟后重试，并检查同一出口 IP 上还有哪些程序在调用钉钉接口",
		},
		RetryAfter: left,
		Err:        native,
	}
}

// errorOf turns DingTalk's own error into the caller's.
func (c *Client) errorOf(e envelope, r provider.Reply) error {
	class, api := classOf(e.Code), e.APIError
	if r.Confidential {
		api = api.unquoted()
	}
	out := coded(class.code(), api)
	switch class {
	case classToken:
		out.Err = fmt.Errorf("%w: %w", provider.ErrToken, out.Err)
	case classThrottled:
		out.RetryAfter = c.throttledFor(e.Message, r)
	}
	return out
}

// coded wraps DingTalk's error once, with what the operator needs to mend it.
func coded(code attendance.Code, api APIError) *attendance.Error {
	out := &attendance.Error{Code: code, Detail: api.Error(), Err: &api}
	switch code {
	case attendance.CodePermission:
		lackOf(out, &api)
	case attendance.CodeAddress:
		if address := provider.AddressIn(api.Message); address != "" {
			out.Detail = "the address " + address + " is not on the white list: " + out.Detail
			out.Mend = attendance.Text{
				EN: "add " + address + " to the application's white list of server addresses",
				ZH: "请把 " + address + " 加入应用的服务器出口 IP 白名单",
			}
		}
	}
	return out
}

// lackOf words a missing permission from what DingTalk told.
func lackOf(out *attendance.Error, api *APIError) {
	points := strings.Join(api.Permissions, ", ")
	if points == "" {
		return
	}
	out.Detail = "permission " + points + " is missing (DingTalk code " + api.Code
	if api.RequestID != "" {
		out.Detail += ", request " + api.RequestID
	}
	out.Detail += ")"
	out.Mend = attendance.Text{
		EN: "apply for " + points + " in DingTalk's console",
		ZH: "请在钉钉开放平台为应用开通接口权限 " + points,
	}
	if api.ApplyURL != "" {
		out.Detail += ", to be applied for at " + api.ApplyURL
		out.Mend.EN += ": " + api.ApplyURL
		out.Mend.ZH += "：" + api.ApplyURL
	}
}

// throttledFor is how long a throttled caller is asked to wait: until the end
// that the text names, by the clock of the answer itself where it has one, since
// the text is by that clock; at least a second.
func (c *Client) throttledFor(text string, r provider.Reply) time.Duration {
	wait := time.Second
	if end, ok := lastTimeIn(text); ok {
		now := c.clock()
		if date, err := http.ParseTime(r.Header.Get("Date")); err == nil {
			now = date
		}
		wait = end.Sub(now)
	}
	return min(max(wait, time.Second), longestThrottle)
}
