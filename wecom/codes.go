package wecom

import "github.com/punchbridge/punchbridge/attendance"

// Codes that more than the table below looks at.
const (
	codeOverLimit    = 45009
	codeNoRight      = 60011
	codeUserList     = 301023
	codeNoDetails    = 48009
	codeOtherApp     = 301002
	codeAppForbidden = 60031
)

// codeOf is the one table of WeCom's errcodes (全局错误码), by what they mean for
// the run. token says that the token itself is rejected. What is not listed is
// unknown. 301025, 301026 and 301055, often taken for check-in errors, belong to
// the approval calls.
func codeOf(errcode int64) (code attendance.Code, token bool) {
	switch errcode {
	// Busy; failed reading check-ins, may be retried; version conflict; system
	// error. The official advice is three retries at most.
	case -1, 301022, 6000, 301070:
		return attendance.CodeUnavailable, false

	// A wrong or reset secret, or an application that is switched off; a wrong
	// company id; a secret of another company; parameters of gettoken missing; no
	// such company. 40084, 40085, 48003: what a service provider's token source
	// sends. Never tried twice: an address that goes on is shut out for an hour.
	// Some libraries refetch the token on 40001; it does not help.
	case 40001, 40013, 40091, 41002, 41004, 2000002, 40084, 40085, 48003:
		return attendance.CodeCredentials, false

	// The token is invalid, expired or missing. 40014 is answered for expired ones
	// as well. WeCom may end a token's life early.
	case 40014, 42001, 41001, 40082, 42009:
		return attendance.CodeCredentials, true

	// Function not granted; this application may not make this call; authorisation
	// gone; call withdrawn; permission taken back after long disuse; details for
	// 通讯录同步 from a new address; token of another application.
	case 48001, 48002, 48004, 48005, 48006, codeNoDetails, codeOtherApp:
		return attendance.CodePermission, false

	// Application switched off; company dissolved or banned; the application is
	// forbidden to call anything at all.
	case 50003, 301007, codeAppForbidden:
		return attendance.CodeDisabled, false

	// The address is not trusted, or not in the white list.
	case 60020, 301042:
		return attendance.CodeAddress, false

	// Too many calls in a minute, an hour, a day or a month. overLimit gives it a
	// second chance after a minute; see there.
	case codeOverLimit:
		return attendance.CodeQuota, false

	// Too many calls of one kind at once.
	case 45033:
		return attendance.CodeThrottled, false

	// A user who is not in the directory, has left, is out of the visible range or
	// has no licence, or a department likewise. Which of them one bad userid among a
	// hundred gives, if any, is not settled by any source. 60011 may also mean the
	// application as a whole; sight decides that.
	case 301021, 40003, 60111, 46004, 40031, 81013, codeNoRight, 60021, 60030, 50002, 701008, 60003, 60123:
		return attendance.CodeAccount, false

	// "userlist is over threshold": none or more than 100 userids, but also what is
	// answered to a body that could not be read. Retried once; then fewer people
	// are asked for at a time.
	case codeUserList:
		return attendance.CodeAccount, false

	case 301024:
		return attendance.CodeSpan, false

	// Broken JSON or a value too long; an empty parameter or a wrong method; \u
	// escapes in the body; wrong parameters, the last ones of make-up punches (补卡).
	case 40058, 40063, 40033, 301039, 301075, 301080, 301081, 301082, 301083:
		return attendance.CodeRequest, false
	}
	return attendance.CodeUnknown, false
}
