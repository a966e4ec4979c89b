package wecom

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"net/url"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

const (
	pathUserIDs     = "/cgi-bin/user/list_id"
	pathDepartments = "/cgi-bin/department/simplelist"
	pathUsersSimple = "/cgi-bin/user/simplelist"
	pathUsers       = "/cgi-bin/user/list"
	pathUser        = "/cgi-bin/user/get"

	keyIDs = "dept_user" // of user/list_id
)

const (
	// idsPage is the largest page of user/list_id.
	idsPage = 10000
	// singlesAtMost bounds the calls of user/get in one reading, which is the last
	// resort for details.
	singlesAtMost = 2000
)

// Directory lists accounts. It is an [attendance.Directory] with the role
// [attendance.Checker].
//
// With 通讯录同步 (Config.ContactSecret) it is the whole company's, else what the
// application may see (可见范围); people who stand there singly and in no department
// of it are not listed by any call.
//
// Details (name, whether the account is active, mobile, e-mail, 工号) come by the
// cheapest way that is open: user/list, one call a department; where that may not
// be called, user/simplelist and then user/get, one call a person, for 2,000
// people at most. 通讯录同步 from an address that was added since August 2022 reads
// userids only (48009): then the application's own right to see people is tried
// for the details. What nobody may read stays empty, and such an account counts as
// active; the warning directory_without_details says so. Mobile numbers and
// e-mail addresses are withheld from applications made since June 2022. They are
// never looked up one by one (user/getuserid), which gets a company banned for a
// day.
type Directory struct {
	client  *Client
	idsOnly bool
}

// Directory returns the directory with details.
func (c *Client) Directory() *Directory { return &Directory{client: c} }

// UserIDs returns the directory without details: with 通讯录同步 one call for 10,000
// people. Every account in it counts as active. It serves bindings by userid.
func (c *Client) UserIDs() *Directory { return &Directory{client: c, idsOnly: true} }

// String names the application, without its secrets.
func (d *Directory) String() string { return "directory of " + d.client.String() }

// Accounts implements [attendance.Directory]. It keeps the ids it has yielded and
// those of the departments, nothing else. A department that WeCom does not answer for
// (gone meanwhile, out of sight, called wrong) is the warning directory_incomplete, and the
// walk goes on; when none is answered for, or fifty in a row are called wrong, it ends.
func (d *Directory) Accounts(ctx context.Context) iter.Seq2[attendance.Account, error] {
	return func(yield func(attendance.Account, error) bool) {
		l := &listing{client: d.client, yield: yield, idsOnly: d.idsOnly, yielded: map[string]struct{}{}}
		if err := l.all(ctx); err != nil && !errors.Is(err, errStopped) {
			yield(attendance.Account{}, err)
		}
	}
}

// errStopped says that the consumer left the loop.
var errStopped = errors.New("wecom: stopped")

// A listing is one reading of the directory.
type listing struct {
	client  *Client
	yield   func(attendance.Account, error) bool
	idsOnly bool
	yielded map[string]struct{} // folded userids

	// simple: details by department may not be read. blind: by person neither, which
	// was told. unread is why there is more than what was read with details.
	simple, blind bool
	unread        error
	singles       int
	// incomplete: a department could not be read. listed: user/list has answered.
	incomplete, listed bool
	// wrong is how many departments and people were called wrong since the last answer.
	wrong int
}

// all yields the accounts by whatever is open.
func (l *listing) all(ctx context.Context) error {
	app, contact := l.client.app, l.client.contact
	if contact == nil {
		return l.walk(ctx, app, !l.idsOnly)
	}
	if l.idsOnly {
		err := l.ids(ctx, contact)
		if attendance.CodeOf(err) == attendance.CodePermission || isOfApplication(err) {
			return l.walk(ctx, app, false)
		}
		return err
	}
	// Details first: whose they are known of is not yielded again without.
	switch err := l.walkByDepartment(ctx, contact); {
	case err == nil && !l.incomplete:
		return nil
	case err == nil:
		l.unread = errors.New("some departments could not be read")
		return l.ids(ctx, contact)
	case isOfApplication(err):
		// Trusted addresses and switches are set for each application apart.
		if err := l.warn(attendance.Warningf("directory_incomplete", "通讯录同步不可用，只读取应用可见范围 / 通讯录同步 may not be used, so only what the application may see is read: %v", err)); err != nil {
			return err
		}
		return l.walk(ctx, app, true)
	case !l.without(err):
		return err
	default:
		l.unread = err
	}
	unseen := l.walk(ctx, app, true)
	if unseen != nil && !closed(unseen) && !cannotBeAsked(unseen) {
		return unseen
	}
	if unseen != nil {
		if err := l.withoutDetails(unseen); err != nil {
			return err
		}
	}
	err := l.ids(ctx, contact)
	if attendance.CodeOf(err) == attendance.CodePermission && unseen == nil {
		return l.warn(attendance.Warningf("directory_incomplete", "只读取了应用可见范围 / only what the application may see was read: %v", err))
	}
	return err
}

// isOfApplication reports whether an error concerns one of two applications of a
// company and says nothing of the other.
func isOfApplication(err error) bool {
	code := attendance.CodeOf(err)
	return code == attendance.CodeAddress || code == attendance.CodeDisabled
}

// closed reports whether a call may not be made, so that another way may be tried.
func closed(err error) bool {
	code := attendance.CodeOf(err)
	return code == attendance.CodePermission || code == attendance.CodeAccount
}

// without reports whether user/list is closed, or seems not to be there at all: its
// page was seen by none of our sources. Once it has answered, any other trouble is
// trouble.
func (l *listing) without(err error) bool {
	switch attendance.CodeOf(err) {
	case attendance.CodeRequest, attendance.CodeMalformed, attendance.CodeUnknown:
		return !l.listed && !errors.Is(err, errStopped)
	default:
		return closed(err)
	}
}

// walk yields the people of every department that the application may see.
func (l *listing) walk(ctx context.Context, a *access, details bool) error {
	l.simple, l.blind = !details, !details
	return l.departments(ctx, a, cannotBeAsked, func(id int64) error {
		if !l.simple {
			switch err := l.users(ctx, a, id); {
			case err == nil:
				return nil
			case l.without(err):
				// One department out of sight says nothing of the next.
				l.simple = attendance.CodeOf(err) != attendance.CodeAccount
			case !cannotBeAsked(err):
				return err
			}
		}
		return l.usersSimple(ctx, a, id)
	})
}

// walkByDepartment is walk where details by department are all that is wanted.
func (l *listing) walkByDepartment(ctx context.Context, a *access) error {
	skips := func(err error) bool {
		return cannotBeAsked(err) && (l.listed || attendance.CodeOf(err) == attendance.CodeAccount)
	}
	return l.departments(ctx, a, skips, func(id int64) error { return l.users(ctx, a, id) })
}

// cannotBeAsked reports whether WeCom itself does not answer for a department or a person:
// gone, out of sight, or for a reason of its own. Trouble of the network, the token, a
// permission or a limit is none of theirs.
func cannotBeAsked(err error) bool {
	if apiCode(err) == 0 {
		return false
	}
	switch attendance.CodeOf(err) {
	case attendance.CodeAccount, attendance.CodeRequest, attendance.CodeUnknown:
		return true
	default:
		return false
	}
}

// mostWrong is how many departments and people may be called wrong one after the other: so
// many are not at fault themselves, and many failing calls get an address shut out.
const mostWrong = 50

// tooWrong takes note that WeCom has called a department or a person wrong, and reports
// whether that is once too often.
func (l *listing) tooWrong(err error) bool {
	if attendance.CodeOf(err) != attendance.CodeAccount {
		l.wrong++
	}
	return l.wrong >= mostWrong
}

// departments calls visit for every department in sight. One whose error is to be skipped
// is a warning; when all are out of sight, nothing is in sight.
func (l *listing) departments(ctx context.Context, a *access, skips func(error) bool, visit func(id int64) error) error {
	ids, err := l.client.departments(ctx, a)
	if err != nil {
		return err
	}
	var lost []attendance.Warning
	var refused error // the first refusal of a department that is neither gone nor out of sight
	for _, id := range ids {
		err := visit(id)
		switch {
		case err == nil:
			l.wrong = 0
			continue
		case !skips(err) || l.wrong >= mostWrong || l.tooWrong(err):
			return err
		case attendance.CodeOf(err) != attendance.CodeAccount:
			refused = cmp.Or(refused, err)
		}
		lost = append(lost, attendance.Warningf("directory_incomplete",
			"企业微信不返回部门 %[1]d，仅在其中的人会成为未绑定 / WeCom does not answer for the department %[1]d, and whoever is only there counts as unbound: %[2]v", id, err))
		if len(lost) == len(ids) {
			return cmp.Or(refused, nothingInSight(err))
		}
	}
	l.incomplete = l.incomplete || len(lost) > 0
	for _, w := range lost {
		if err := l.warn(w); err != nil {
			return err
		}
	}
	return nil
}

// departments returns the ids of the departments that an application may see, those
// below others included.
func (c *Client) departments(ctx context.Context, a *access) ([]int64, error) {
	reply, err := c.get(ctx, a, pathDepartments, nil)
	switch {
	case attendance.CodeOf(err) == attendance.CodeAccount: // 60011 without naming a department
		return nil, nothingInSight(err)
	case err != nil:
		return nil, mended(err, listMend())
	}
	list, err := list(reply.Body, pathDepartments, "department_id") // the key really is called so
	if err != nil {
		return nil, err
	}
	var ids []int64
	for raw := range provider.Array(list) {
		id, ok := provider.Int(provider.Member(raw, "id"))
		if !ok {
			return nil, malformed(pathDepartments, "a department without an id that is a number")
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, nothingInSight(nil)
	}
	return ids, nil
}

// nothingInSight is the error of an empty visible range.
func nothingInSight(native error) error {
	return &attendance.Error{Code: attendance.CodePermission, Op: "wecom " + pathDepartments, Err: native, Mend: listMend(),
		Detail: "the application's visible range (可见范围) holds no department that may be read"}
}

// users yields the people of one department with details.
func (l *listing) users(ctx context.Context, a *access, department int64) error {
	list, err := l.userlist(ctx, a, pathUsers, department)
	if err != nil {
		return err
	}
	l.listed = true
	for raw := range provider.Array(list) {
		if err := l.emit(account(raw)); err != nil {
			return err
		}
	}
	return nil
}

// usersSimple yields the people of one department, with the details that user/get
// tells, where it does.
func (l *listing) usersSimple(ctx context.Context, a *access, department int64) error {
	list, err := l.userlist(ctx, a, pathUsersSimple, department)
	if err != nil {
		return mended(err, listMend())
	}
	for raw := range provider.Array(list) {
		entry := account(raw)
		if !l.known(entry.ID) {
			if entry, err = l.detailed(ctx, a, entry); err != nil {
				return err
			}
		}
		if err := l.emit(entry); err != nil {
			return err
		}
	}
	return nil
}

func (l *listing) userlist(ctx context.Context, a *access, path string, department int64) ([]byte, error) {
	reply, err := l.client.get(ctx, a, path, url.Values{"department_id": {strconv.FormatInt(department, 10)}})
	if err != nil {
		return nil, err
	}
	return list(reply.Body, path, "userlist")
}

// detailed asks for one person, unless that was found to be in vain.
func (l *listing) detailed(ctx context.Context, a *access, entry attendance.Account) (attendance.Account, error) {
	if l.blind || entry.ID == "" {
		return entry, nil
	}
	if l.singles++; l.singles > singlesAtMost {
		return entry, l.withoutDetails(errors.New("user/list may not be called, and more than " + strconv.Itoa(singlesAtMost) + " calls of user/get would be too many"))
	}
	reply, err := l.client.get(ctx, a, pathUser, url.Values{"userid": {entry.ID}})
	switch {
	case err == nil:
		l.wrong = 0
		if full := account(reply.Body); full.ID != "" {
			return full, nil
		}
		return entry, malformed(pathUser, "errcode 0 without a userid")
	case attendance.CodeOf(err) == attendance.CodeAccount: // this one is out of sight
		return entry, nil
	case closed(err):
		return entry, l.withoutDetails(err)
	case !cannotBeAsked(err) || l.tooWrong(err):
		return entry, err
	default:
		return entry, l.warn(attendance.Warningf("directory_incomplete", "企业微信不返回成员 %[1]s 的详情 / WeCom does not tell details of the member %[1]s: %[2]v", entry.ID, err))
	}
}

// withoutDetails goes on without details.
func (l *listing) withoutDetails(cause error) error {
	l.blind = true
	return l.warn(attendance.Warningf("directory_without_details",
		"无法读取成员详情，账号状态、手机、邮箱未知 / WeCom tells userids only: whether an account is active, its mobile number and its e-mail address are not known: %v", cause))
}

// idsBody is the body of user/list_id. The first page has no cursor.
type idsBody struct {
	Cursor string `json:"cursor,omitempty"`
	Limit  int    `json:"limit"`
}

// ids yields every userid of the company. Only 通讯录同步 may ask for them.
func (l *listing) ids(ctx context.Context, a *access) error {
	for cursor := ""; ; {
		reply, err := l.client.call(ctx, l.client.api, a, provider.Request{URL: pathUserIDs, Body: idsBody{cursor, idsPage}})
		if err != nil {
			return mended(err, listMend())
		}
		list, err := list(reply.Body, pathUserIDs, keyIDs)
		if err != nil {
			return err
		}
		for raw := range provider.Array(list) { // one row for each user and department
			entry := account(raw)
			if l.unread != nil && !l.blind && !l.known(entry.ID) {
				if err := l.withoutDetails(l.unread); err != nil {
					return err
				}
			}
			if err := l.emit(entry); err != nil {
				return err
			}
		}
		next := provider.Text(provider.Member(reply.Body, "next_cursor"))
		if next == "" {
			return nil
		}
		if next == cursor {
			return malformed(pathUserIDs, "next_cursor does not move on")
		}
		cursor = next
	}
}

func (l *listing) warn(w attendance.Warning) error {
	if !l.yield(attendance.Account{}, w) {
		return errStopped
	}
	return nil
}

func (l *listing) known(id string) bool {
	_, known := l.yielded[strings.ToLower(id)]
	return known
}

// emit yields an account that was not yielded before.
func (l *listing) emit(a attendance.Account) error {
	if a.ID == "" {
		return l.warn(attendance.Warningf("directory_incomplete", "企业微信通讯录中有一个没有可辨认 userid 的成员 / WeCom's directory has a user without a userid that can be read"))
	}
	if l.known(a.ID) {
		return nil
	}
	l.yielded[strings.ToLower(a.ID)] = struct{}{}
	if !l.yield(a, nil) {
		return errStopped
	}
	return nil
}
