package dingtalktest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
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

// cut says what happens in the middle of an answer's body.
type cut uint8

const (
	cutNot cut = iota
	// cutShort ends the body in its middle.
	cutShort
	// cutSlow blocks there until the request's context ends.
	cutSlow
)

// answer is a reply that is not yet written.
type answer struct {
	status  int
	code    string // see Request.Code
	header  http.Header
	body    []byte
	buffer  *[]byte // body's backing array, when it goes back to the pool
	date    time.Time
	html    bool
	cut     cut
	err     error // the connection failed or the request's context ended: no reply
	isReset bool  // err is a connection reset
}

// success is a reply with errcode 0.
func success(body []byte) answer { return answer{status: http.StatusOK, code: "0", body: body} }

func (s *Server) buffer() *[]byte {
	b := s.pool.Get().(*[]byte)
	*b = (*b)[:0]
	return b
}

func (s *Server) recycle(b *[]byte) {
	if b != nil {
		s.pool.Put(b)
	}
}

// problem is an error of oapi.dingtalk.com.
type problem struct {
	code int
	text string
	// gateway errors come from before the business of the call.
	gateway bool
}

// refuse puts a problem into its envelope. For the token path of
// api.dingtalk.com use modern.
func (s *Server) refuse(c *call, p problem) answer {
	form := s.opts.Envelope
	if form == EnvelopeUsual {
		form = EnvelopePlain
		recordPath := strings.HasPrefix(c.path, "/attendance/") || c.path == PathCheckInDepartment
		if p.gateway && (p.code >= 60000 || !recordPath) {
			form = EnvelopeWrapped
		}
	}
	if form == EnvelopePlain {
		a := s.plain(p.code, p.text)
		if strings.HasPrefix(c.path, "/topapi/") {
			a.body = append(s.appendRequestID(a.body[:len(a.body)-1]), '}')
		}
		return a
	}
	code := strconv.Itoa(p.code)
	b := append([]byte(nil), `{"errcode":88,`...)
	if form == EnvelopeWrapped {
		b = append(b, `"sub_code":`...)
		b = appendString(b, code)
		b = append(b, `,"sub_msg":`...)
		b = appendString(b, p.text)
		b = append(b, ',')
	}
	b = append(b, `"errmsg":`...)
	b = appendString(b, "ding talk error[subcode="+code+",submsg="+p.text+"]")
	b = s.appendRequestID(b)
	return answer{status: http.StatusOK, code: code, body: append(b, '}')}
}

// plain is {"errcode":N,"errmsg":".."}.
func (s *Server) plain(code int, text string) answer {
	b := append([]byte(nil), `{"errcode":`...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, `,"errmsg":`...)
	b = appendString(b, text)
	return answer{status: http.StatusOK, code: strconv.Itoa(code), body: append(b, '}')}
}

// modern is an error of api.dingtalk.com.
func (s *Server) modern(status int, code, text string, scopes ...string) answer {
	b := append([]byte(nil), `{"code":`...)
	b = appendString(b, code)
	b = append(b, `,"message":`...)
	b = appendString(b, text)
	b = append(b, `,"requestid":`...)
	b = appendString(b, s.requestID())
	if len(scopes) > 0 {
		b = append(b, `,"accessdenieddetail":{"requiredScopes":[`...)
		for i, scope := range scopes {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, scope)
		}
		b = append(b, `]}`...)
	}
	return answer{status: status, code: code, body: append(b, '}')}
}

func (s *Server) requestID() string {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.gate.requests++
	return fmt.Sprintf("req%08d", s.gate.requests)
}

func (s *Server) appendRequestID(b []byte) []byte {
	return appendString(append(b, `,"request_id":`...), s.requestID())
}

// unknownPath is the answer to a path that does not exist, on the other host or
// with another method. For a wrong method the documentation names no answer.
func (s *Server) unknownPath(c *call) answer {
	if strings.HasPrefix(c.path, "/v1.0/") && c.path != PathToken {
		if a, ok := s.checkHeaderToken(c); !ok {
			return a
		}
	}
	b := append([]byte(nil), `{"errcode":22,"sub_msg":"不合法ApiName","errmsg":`...)
	b = appendString(b, "Invalid method["+c.path+"]")
	b = s.appendRequestID(b)
	return answer{status: http.StatusOK, code: "22", body: append(b, '}')}
}

func (s *Server) throttled(c *call, code int, end time.Time) answer {
	if c.path == PathToken {
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
	second := c.now.In(s.zone).Format(time.DateTime)
	return s.refuse(c, problem{code, fmt.Sprintf("%s, apiPath(%s), 从 %s 到 %s 请求总次数超过 %d 次, 限制将在 %s 结束.",
		who, apiName(c.path), second, second, max(limit, 1), end.In(s.zone).Format(time.DateTime)), true})
}

// apiName is a path as the throttle texts write it.
func apiName(path string) string {
	return "dingtalk.oapi." + strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(path, "/topapi"), "/"), "/", ".")
}

func (s *Server) forbidden(c *call, permission string) answer {
	if permission == "" { // a token call, which in truth needs none
		permission = PermissionBase
	}
	if c.path == PathToken {
		return s.modern(http.StatusForbidden, "Forbidden.AccessDenied.AccessTokenPermissionDenied", "应用尚未开通所需的权限", permission)
	}
	return s.refuse(c, problem{60011, fmt.Sprintf("应用尚未开通所需的权限：[%s]，点击链接申请并开通即可：https://open-dev.dingtalk.com/appscope/apply?content=%s%%23%s, {requiredScopes=[%s]}",
		permission, s.opts.AppKey, permission, permission), true})
}

func (s *Server) addressDenied(c *call) answer {
	if c.path == PathToken {
		return s.modern(http.StatusForbidden, "Forbidden.AccessDenied.IpNotInWhiteList", "访问ip不在白名单之中,request ip=192.0.2.10")
	}
	return s.refuse(c, problem{60020, "访问ip不在白名单之中,request ip=192.0.2.10 appKey(" + s.opts.AppKey + ")", true})
}

func (s *Server) quotaUsedUp(c *call, used, quota int) answer {
	if c.path == PathToken {
		return s.modern(http.StatusForbidden, "Forbidden.AccessDenied.ApiCountLimitForOrg", "您的企业本月api调用量已超过限制")
	}
	return s.refuse(c, problem{90020, fmt.Sprintf("您的企业本月api调用量已超过限制,调用量:%d次,额度:%d次", used, quota), false})
}

// firewall is the page of the firewall: no errcode at all.
func (s *Server) firewall() answer {
	return answer{status: http.StatusOK, body: []byte(`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"fake0000000000000000000000000000"}`)}
}
