package oasink

import (
	"context"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// A Binding says which account of the platform a person of the OA is. Make one
// with a By function; its fields may be set afterwards.
//
// A person is bound when the person's value is that of exactly one account, and
// of nobody else in the whole roster: a value that two people of the roster
// share, or that two accounts of the directory carry, binds nobody
// ([attendance.Ambiguous]), for choosing would be guessing. People who have left
// never stand in anybody's way.
//
// Values are trimmed on both sides; where nothing equals a value, what cannot be seen of it
// (zero-width characters, no-break spaces) or is twice as wide as usual does not count. Mobile numbers are compared without spaces and
// dashes and however their country code is written: a number without one is of mainland
// China, except that the codes of Hong Kong, Macau and Taiwan (852, 853, 886) are known
// without + or 00 as well. E-mail addresses are compared without regard to case.
//
// With a directory, a person whose value is in no entry is [attendance.Unbound],
// and one whose account it calls inactive is [attendance.Inactive]. With a nil
// directory the OA's value itself is taken as the account, unread, and everybody
// who has one is asked for. Where the directory may not be read
// ([attendance.CodePermission]) and is compared by account ([MatchAccount]), it is as
// with nil, with the warning directory_unreadable. Any other failure of it ends the
// stream, and so does that one where people are compared by something else: a mobile
// number is no account that could be asked for.
type Binding struct {
	// Match is what of the directory's accounts the OA's value is compared with.
	// The By functions set it.
	Match Match
	// IncludeInactive asks also for accounts that the directory calls inactive.
	IncludeInactive bool
	// Fold compares without regard to case, for platforms whose userids are
	// (WeCom). What is asked for is spelt as in the directory.
	Fold bool

	field     field
	directory attendance.Directory
	pairs     func() ([]Pair, error)
	account   func(ctx context.Context, p Person) (string, error)
}

// ForWeCom returns the binding as WeCom's accounts need it: userids have no case
// there, and a staff number is compared with the userid itself, not with the
// attribute 工号 that a company may have added.
func (b Binding) ForWeCom() Binding {
	b.Fold = true
	if b.Match == MatchJobNumber {
		b.Match = MatchAccount
	}
	return b
}

// Match is an attribute of a directory's accounts.
type Match uint8

// The attributes.
const (
	// MatchAccount is the account's id (userid).
	MatchAccount Match = iota
	// MatchJobNumber is the employee number kept on the platform (工号).
	MatchJobNumber
	// MatchMobile is the mobile number.
	MatchMobile
	// MatchEmail is any of the e-mail addresses.
	MatchEmail
)

// name is what people call the attribute.
func (m Match) name() attendance.Text {
	switch m {
	case MatchJobNumber:
		return attendance.Text{EN: "a job number", ZH: "工号"}
	case MatchMobile:
		return attendance.Text{EN: "a mobile number", ZH: "手机号"}
	case MatchEmail:
		return attendance.Text{EN: "an e-mail address", ZH: "邮箱"}
	default:
		return attendance.Text{EN: "an id", ZH: "账号"}
	}
}

// field is the column of HrmResource that holds the person's value.
type field string

const (
	fieldID       field = "id"
	fieldLoginID  field = "loginid"
	fieldAccount  field = "account"
	fieldWorkcode field = "workcode"
	fieldMobile   field = "mobile"
	fieldEmail    field = "email"
)

// ByID binds by HrmResource.id: the account's id is the person's.
func ByID(d attendance.Directory) Binding { return Binding{field: fieldID, directory: d} }

// ByLoginID binds by HrmResource.loginid (登录名): the account's id is the login name.
func ByLoginID(d attendance.Directory) Binding { return Binding{field: fieldLoginID, directory: d} }

// ByAccount binds by HrmResource.account, the LDAP account.
func ByAccount(d attendance.Directory) Binding { return Binding{field: fieldAccount, directory: d} }

// ByWorkcode binds by HrmResource.workcode (编号), compared with the job number of
// the directory's accounts. WeCom's have one only where the company keeps an attribute
// called 工号: see [Binding.ForWeCom].
func ByWorkcode(d attendance.Directory) Binding {
	return Binding{field: fieldWorkcode, Match: MatchJobNumber, directory: d}
}

// ByMobile binds by HrmResource.mobile.
func ByMobile(d attendance.Directory) Binding {
	return Binding{field: fieldMobile, Match: MatchMobile, directory: d}
}

// ByEmail binds by HrmResource.email.
func ByEmail(d attendance.Directory) Binding {
	return Binding{field: fieldEmail, Match: MatchEmail, directory: d}
}

// ByFunc binds by whatever f says; "" is unbound. f is called once for each person
// of the roster, not only of the scope, with no database connection held; its
// error ends the stream.
func ByFunc(f func(ctx context.Context, p Person) (account string, err error)) Binding {
	return Binding{field: fieldID, account: f}
}

// A Person is what HrmResource holds of somebody; columns that the table lacks
// are "". Of a name in several languages Name is the Chinese one.
type Person struct {
	ID                                              int64
	LoginID, Account, Workcode, Name, Mobile, Email string
	Department, Subcompany                          int64
}

// normal is the form in which values are compared. Pairs and functions name
// accounts themselves: nothing but the spelling's ends is normalised there.
func (b *Binding) normal(value string) string {
	value = strings.TrimSpace(value)
	switch b.Match {
	case MatchMobile:
		return normalMobile(value)
	case MatchEmail:
		return strings.ToLower(value)
	}
	if b.Fold {
		return strings.ToLower(value)
	}
	return value
}

// values are those of a directory's account that people are compared with.
func (b *Binding) values(a attendance.Account) []string {
	switch b.Match {
	case MatchJobNumber:
		return []string{a.JobNumber}
	case MatchMobile:
		return []string{a.Mobile}
	case MatchEmail:
		return a.Emails
	default:
		return []string{a.ID}
	}
}

// spelling is the form in which account ids are compared.
func (b *Binding) spelling(account string) string {
	if b.Fold {
		return strings.ToLower(account)
	}
	return account
}

// value is the person's value of a field.
func (p *Person) value(f field) string {
	switch f {
	case fieldLoginID:
		return p.LoginID
	case fieldAccount:
		return p.Account
	case fieldWorkcode:
		return p.Workcode
	case fieldMobile:
		return p.Mobile
	case fieldEmail:
		return p.Email
	default:
		return strconv.FormatInt(p.ID, 10)
	}
}

func trim(s string) string { return strings.TrimSpace(s) }
