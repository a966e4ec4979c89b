package dingtalktest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// Envelope is the form in which oapi.dingtalk.com puts an error.
type Envelope uint8

// The envelopes. The documentation does not tie a form to a path, so a program
// has to take each of them everywhere.
const (
	// EnvelopeUsual is the form seen most: bad tokens plain on /attendance and
	// /checkin and wrapped elsewhere; permission, throttling and address wrapped;
	// everything else plain.
	EnvelopeUsual Envelope = iota
	// EnvelopePlain is {"errcode":40014,"errmsg":".."} for everything.
	EnvelopePlain
	// EnvelopeWrapped is {"errcode":88,"sub_code":"40014","sub_msg":"..",
	// "errmsg":"ding talk error[subcode=40014,submsg=..]"} for everything.
	EnvelopeWrapped
	// EnvelopeText is EnvelopeWrapped without sub_code and sub_msg.
	EnvelopeText
)

// problem is an error of oapi.dingtalk.com.
type problem struct {
	code int
	text string
	// gateway errors come from before the business of the call.
	gateway bool
}

// refuse puts a problem into its envelope. For the token path of
// api.dingtalk.com use modern.
func (s *Server) refuse(c *fake.Call, p problem) fake.Answer {
	form := s.opts.Envelope
	if form == EnvelopeUsual {
		form = EnvelopePlain
		recordPath := strings.HasPrefix(c.Path, "/attendance/") || c.Path == PathCheckInDepartment
		if p.gateway && (p.code >= 60000 || !recordPath) {
			form = EnvelopeWrapped
		}
	}
	if form == EnvelopePlain {
		a := s.plain(p.code, p.text)
		if strings.HasPrefix(c.Path, "/topapi/") {
			a.Body = append(s.appendRequestID(a.Body[:len(a.Body)-1]), '}')
		}
		return a
	}
	code := strconv.Itoa(p.code)
	b := append([]byte(nil), `{"errcode":88,`...)
	if form == EnvelopeWrapped {
		b = append(b, `"sub_code":`...)
		b = fake.AppendString(b, code)
		b = append(b, `,"sub_msg":`...)
		b = fake.AppendString(b, p.text)
		b = append(b, ',')
	}
	b = append(b, `"errmsg":`...)
	b = fake.AppendString(b, "ding talk error[subcode="+code+",submsg="+p.text+"]")
	b = s.appendRequestID(b)
	return fake.Answer{Status: http.StatusOK, Code: code, Body: append(b, '}')}
}

// plain is {"errcode":N,"errmsg":".."}.
func (s *Server) plain(code int, text string) fake.Answer {
	b := append([]byte(nil), `{"errcode":`...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, `,"errmsg":`...)
	b = fake.AppendString(b, text)
	return fake.Answer{Status: http.StatusOK, Code: strconv.Itoa(code), Body: append(b, '}')}
}

// modern is an error of api.dingtalk.com.
func (s *Server) modern(status int, code, text string, scopes ...string) fake.Answer {
	b := append([]byte(nil), `{"code":`...)
	b = fake.AppendString(b, code)
	b = append(b, `,"message":`...)
	b = fake.AppendString(b, text)
	b = append(b, `,"requestid":`...)
	b = fake.AppendString(b, s.requestID())
	if len(scopes) > 0 {
		b = append(b, `,"accessdenieddetail":{"requiredScopes":[`...)
		for i, scope := range scopes {
			if i > 0 {
				b = append(b, ',')
			}
			b = fake.AppendString(b, scope)
		}
		b = append(b, `]}`...)
	}
	return fake.Answer{Status: status, Code: code, Body: append(b, '}')}
}

func (s *Server) requestID() string {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.gate.requests++
	return fmt.Sprintf("req%08d", s.gate.requests)
}

func (s *Server) appendRequestID(b []byte) []byte {
	return fake.AppendString(append(b, `,"request_id":`...), s.requestID())
}

// unknownPath is the answer to a path that does not exist, on the other host or
// with another method. For a wrong method the documentation names no answer.
func (s *Server) unknownPath(c *fake.Call) fake.Answer {
	if strings.HasPrefix(c.Path, "/v1.0/") && c.Path != PathToken {
		if a, ok := s.checkHeaderToken(c); !ok {
			return a
		}
	}
	b := append([]byte(nil), `{"errcode":22,"sub_msg":"不合法ApiName","errmsg":`...)
	b = fake.AppendString(b, "Invalid method["+c.Path+"]")
	b = s.appendRequestID(b)
	return fake.Answer{Status: http.StatusOK, Code: "22", Body: append(b, '}')}
}

func (s *Server) throttled(c *fake.Call, code int, end time.Time) fake.Answer {
	if c.Path == PathToken {
		name := "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"
		if code == 90002 {
			name = "Forbidden.AccessDenied.QpsLimitForApi"
		}
		return s.modern(http.StatusForbidden, name, "您的企业应用调用钉钉开放平台当前接口的所有请求都被暂时禁用了")
	}
	who, limit := "您的应用调用该接口次数过多", s.opts.QPS
	if code == 90002 {
		who, limit = "当前所有钉钉应用调用该接口次数过多，超出了该接口承受的最大qps，请求被暂时限制了，建议错开整点时刻调用该接口", 1200
	}
	second := c.Now.In(s.zone).Format(time.DateTime)
	return s.refuse(c, problem{code, fmt.Sprintf("%s, apiPath(%s), 从 %s 到 %s 请求总次数超过 %d 次, 限制将在 %s 结束.",
		who, apiName(c.Path), second, second, max(limit, 1), end.In(s.zone).Format(time.DateTime)), true})
}

// apiName is a path as the throttle texts write it.
func apiName(path string) string {
	return "dingtalk.oapi." + strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(path, "/topapi"), "/"), "/", ".")
}

func (s *Server) forbidden(c *fake.Call, permission string) fake.Answer {
	if permission == "" { // a token call, which in truth needs none
		permission = PermissionBase
	}
	if c.Path == PathToken {
		return s.modern(http.StatusForbidden, "Forbidden.AccessDenied.AccessTokenPermissionDenied", "应用尚未开通所需的权限", permission)
	}
	return s.refuse(c, problem{60011, fmt.Sprintf("应用尚未开通所需的权限：[%s]，点击链接申请并开通即可：https://open-dev.dingtalk.com/appscope/apply?content=%s%%23%s, {requiredScopes=[%s]}",
		permission, s.opts.AppKey, permission, permission), true})
}

func (s *Server) addressDenied(c *fake.Call) fake.Answer {
	if c.Path == PathToken {
		return s.modern(http.StatusForbidden, "Forbidden.AccessDenied.IpNotInWhiteList", "访问ip不在白名单之中,request ip=192.0.2.10")
	}
	return s.refuse(c, problem{60020, "访问ip不在白名单之中,request ip=192.0.2.10 appKey(" + s.opts.AppKey + ")", true})
}

func (s *Server) quotaUsedUp(c *fake.Call, used, quota int) fake.Answer {
	if c.Path == PathToken {
		return s.modern(http.StatusForbidden, "Forbidden.AccessDenied.ApiCountLimitForOrg", "您的企业本月api调用量已超过限制")
	}
	return s.refuse(c, problem{90020, fmt.Sprintf("您的企业本月api调用量已超过限制,调用量:%d次,额度:%d次", used, quota), false})
}

// firewall is the page of the firewall: no errcode at all.
func (s *Server) firewall() fake.Answer {
	return fake.Answer{Status: http.StatusOK, Body: []byte(`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"fake0000000000000000000000000000"}`)}
}
