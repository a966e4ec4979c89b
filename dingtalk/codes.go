package dingtalk

import (
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// class is what a code of DingTalk means for us.
type class uint8

const (
	classUnknown class = iota
	classCredentials
	classToken
	classPermission
	classAddress
	classDisabled
	classThrottled
	classQuota
	classBusy
	classRequest
	classSpan
	classAccount
)

// codeUserOutOfSight is of a user outside the visible range, who may well be there.
const codeUserOutOfSight = "50002"

// classOf is the one table of DingTalk's codes: errcode of the old calls, the
// sub_code inside errcode 88, and the words of the new calls. DingTalk's docs ask
// to decide by code alone, because texts change. What is not listed is unknown.
func classOf(code string) class {
	switch code {
	// appKey and appSecret do not fit. 40096 is what /gettoken really answers.
	case "40096", "40089", "40013", "52010", "invalidClientIdOrSecret":
		return classCredentials

	// The token is missing, wrong or expired: fetched anew. 40001 stands for
	// a wrong secret too; where the token itself is asked for it means that.
	case "40014", "42001", "41001", "40000", "40001",
		"InvalidAuthentication", "AuthenticationFailed.MissingParameter":
		return classToken

	case "60011", "400020", "43007", "apiPermissionDenied",
		"Forbidden.AccessDenied.AccessTokenPermissionDenied":
		return classPermission

	case "60020", "Forbidden.AccessDenied.IpNotInWhiteList":
		return classAddress

	// Application stopped, company disabled, no such company.
	case "50003", "50005", "33001":
		return classDisabled

	// Per application and call; over all of DingTalk; then the older codes, per
	// server, company, credential or suite.
	case "90018", "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi",
		"90002", "Forbidden.AccessDenied.QpsLimitForApi",
		"90001", "90003", "90004", "90005", "90006", "90007", "90008", "90009", "90010",
		"90011", "90012", "90013", "90014", "90017", "90019":
		return classThrottled

	// The company's calls of this month are used up.
	case "90020", "Forbidden.AccessDenied.ApiCountLimitForOrg":
		return classQuota

	case "-1", "400001", "503", "504",
		"system.error", "systemError", "system.busy", "systemBusy", "unknownError":
		return classBusy

	// Wrong parameters; 40032 is a list of users that is empty, too long or under
	// another name, 40068 and 40069 are paging, 43009 a body that is not JSON, 22
	// and 404 a path that DingTalk does not know.
	case "400002", "40035", "40038", "40032", "40068", "40069", "43009", "44002", "22", "404":
		return classRequest

	case "850012":
		return classSpan

	// A user outside the visible range, not in the contacts, not found or disabled;
	// a department likewise.
	case codeUserOutOfSight, "40031", "33012", "40003", "60111", "60121", "60120", "staff.not.found", "user.not.found",
		"50004", "60003", "40009", "60019":
		return classAccount
	}
	if strings.HasPrefix(code, "unauthorized") {
		return classPermission
	}
	return classUnknown
}

// code is the decision that a class stands for.
func (c class) code() attendance.Code {
	switch c {
	case classCredentials, classToken:
		return attendance.CodeCredentials
	case classPermission:
		return attendance.CodePermission
	case classAddress:
		return attendance.CodeAddress
	case classDisabled:
		return attendance.CodeDisabled
	case classThrottled:
		return attendance.CodeThrottled
	case classQuota:
		return attendance.CodeQuota
	case classBusy:
		return attendance.CodeUnavailable
	case classRequest:
		return attendance.CodeRequest
	case classSpan:
		return attendance.CodeSpan
	case classAccount:
		return attendance.CodeAccount
	default:
		return attendance.CodeUnknown
	}
}
