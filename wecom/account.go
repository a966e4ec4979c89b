package wecom

import (
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// statusActivated is the status of an account that can be used; 2 is disabled, 4
// not activated, 5 left.
const statusActivated = 1

// account reads one user. What is not told must not leave anybody out: without a
// status it counts as active.
func account(raw []byte) attendance.Account {
	a := attendance.Account{Active: true}
	var email, corporate string
	for key, value := range provider.Object(raw) {
		switch string(key) {
		case "userid":
			a.ID = provider.Text(value)
		case "name":
			a.Name = provider.Text(value)
		case "mobile":
			a.Mobile = strings.TrimSpace(provider.Text(value))
		case "email":
			email = strings.TrimSpace(provider.Text(value))
		case "biz_mail":
			corporate = strings.TrimSpace(provider.Text(value))
		case "status":
			if status, ok := provider.Int(value); ok {
				a.Active = status == statusActivated
			}
		case "extattr":
			a.JobNumber = jobNumber(value)
		}
	}
	for _, address := range [...]string{corporate, email} {
		if address != "" && (len(a.Emails) == 0 || a.Emails[0] != address) {
			a.Emails = append(a.Emails, address)
		}
	}
	return a
}

// jobNumber is the text attribute that a company has called 工号. WeCom has no field
// of its own for it.
func jobNumber(extattr []byte) string {
	for attr := range provider.Array(provider.Member(extattr, "attrs")) {
		if strings.TrimSpace(provider.Text(provider.Member(attr, "name"))) == "工号" {
			return strings.TrimSpace(provider.Text(provider.Member(provider.Member(attr, "text"), "value")))
		}
	}
	return ""
}
