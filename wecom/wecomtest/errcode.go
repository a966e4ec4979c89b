package wecomtest

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// The codes that the fake gives by itself. [Errcode] gives any.
const (
	codeBadSecret     = 40001
	codeBadCorpID     = 40013
	codeBadToken      = 40014
	codeEscapes       = 40033
	codeBadParameter  = 40058
	codeUnread        = 40063
	codeNoToken       = 41001
	codeNoCorpID      = 41002
	codeNoSecret      = 41004
	codeTokenExpired  = 42001
	codeTooMany       = 45009
	codeForbidden     = 48002
	codeNoDetails     = 48009
	codeNoDepartment  = 60003
	codeNoPrivilege   = 60011
	codeNoTag         = 40068
	codeNoUser        = 60111
	codeOtherAgent    = 301002
	codeBadUserIDs    = 301023
	codeBadTimeWindow = 301024
)

// text is the errmsg of a code, without its tail. Those of 40001, 40013, 40014,
// 40058, 41001, 42001, 45009, 45033, 48002, 60011, 60020 and 301023 were seen on
// the wire; the others are the fake's. Programs decide by the code.
func text(code int) string {
	switch code {
	case -1:
		return "system busy"
	case 6000:
		return "data version conflict"
	case codeBadSecret:
		return "invalid credential"
	case 40003:
		return "invalid userid"
	case codeBadCorpID:
		return "invalid corpid"
	case codeBadToken:
		return "invalid access_token"
	case codeEscapes:
		return "invalid charset"
	case codeBadParameter:
		return "invalid Request Parameter"
	case codeUnread:
		return "some parameters are empty"
	case 40091:
		return "invalid secret"
	case codeNoToken:
		return "access_token missing"
	case codeNoCorpID:
		return "corpid missing"
	case codeNoSecret:
		return "corpsecret missing"
	case codeTokenExpired:
		return "access_token expired"
	case codeTooMany:
		return "api freq out of limit"
	case 45033:
		return "api concurrent out of limit"
	case 46004:
		return "user not exist"
	case 48001:
		return "api unauthorized"
	case codeForbidden:
		return "api forbidden"
	case 48005:
		return "api withdrawn"
	case codeNoDetails:
		return "not allow to read contact details"
	case codeNoDepartment:
		return "department not found"
	case codeNoPrivilege:
		return "no privilege to access/modify contact/party/agent"
	case 60020:
		return "not allow to access from your ip"
	case 60030:
		return "out of the application's visible range"
	case 60031:
		return "application forbidden to call api"
	case codeNoUser:
		return "userid not found"
	case codeNoTag:
		return "invalid tagid"
	case codeOtherAgent:
		return "access_token of another agent"
	case 301021:
		return "userid not in contact"
	case 301022:
		return "get checkin data failed"
	case codeBadUserIDs:
		return "userlist is over threshold"
	case codeBadTimeWindow:
		return "invalid time range"
	case 301039:
		return "invalid parameter"
	case 301042:
		return "ip not in white list"
	case 301083:
		return "invalid punch correction"
	default:
		return "error"
	}
}

// refuse is an error: HTTP 200, the code and its text in the body and in a pair
// of headers, and an empty array where the call would answer one.
func (s *Server) refuse(c *fake.Call, code int) fake.Answer {
	message := fmt.Sprintf("%s, hint: [%d%015d], from ip: %s, more info at https://open.work.weixin.qq.com/devtool/query?e=%d",
		text(code), c.Now.Unix(), s.gate.hint(), DefaultAddress, code)
	b := append([]byte(nil), `{"errcode":`...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = fake.AppendString(append(b, `,"errmsg":`...), message)
	if c.Path == PathCheckIn {
		b = append(b, `,"checkindata":[]`...)
	}
	a := fake.JSON(strconv.Itoa(code), append(b, '}'))
	a.Header = header(code, message)
	return a
}

// success is an answer with errcode 0, whose body was appended to a buffer.
func (s *Server) success(buffer *fake.Buffer, body []byte) fake.Answer {
	a := buffer.Answer("0", body)
	a.Header = s.ok
	return a
}

// begin is a buffer that holds the beginning of every success.
func (s *Server) begin() (*fake.Buffer, []byte) {
	buffer := s.buffers.Get()
	return buffer, append(buffer.Bytes, `{"errcode":0,"errmsg":"ok"`...)
}

func header(code int, message string) http.Header {
	return http.Header{
		"Content-Type": {"application/json; charset=UTF-8"},
		"Error-Code":   {strconv.Itoa(code)},
		"Error-Msg":    {message},
	}
}

// unread is the code for a request in which the platform does not find what it
// reads: another method, no body, a body of another type. Reports have 301023
// from the check-in call; the table has 40063 for it.
func unread(path string) int {
	if path == PathCheckIn {
		return codeBadUserIDs
	}
	return codeUnread
}
