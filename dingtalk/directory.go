package dingtalk

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

const (
	pathDepartments = "/topapi/v2/department/listsub"
	pathUsers       = "/topapi/v2/user/list"
	pathUser        = "/topapi/v2/user/get"
	pathScopes      = "/auth/scopes"
)

// userPage is the size of a page of users. The page of the call names no largest
// one any more; its sibling and a widely used SDK have 100.
const userPage = 100

// Directory lists the accounts of the company. It is an [attendance.Directory]
// with the roles [attendance.Checker] and [attendance.AccountLooker].
//
// DingTalk has no call for all users. The departments are walked from the root,
// and a user in several is yielded once. Where the application may not see the
// root, the walk starts from the departments and people that /auth/scopes names, and the
// warning [attendance.DirectoryPartial] says so.
// None of these calls is metered. Mobile numbers need the permission
// 企业员工手机号信息 and are empty without it.
type Directory struct{ client *Client }

// Directory returns the company's directory.
func (c *Client) Directory() *Directory { return &Directory{c} }

// String names the application, without its secret.
func (d *Directory) String() string { return "directory of " + d.client.String() }

// Accounts implements [attendance.Directory]. It keeps the ids it has yielded, one
// page of users and the departments yet to visit, nothing else. A department or user
// that DingTalk does not answer for (gone meanwhile, out of sight, called wrong) is the
// warning directory_incomplete, and the walk goes on; when none is answered for, or fifty
// in a row are called wrong, the error ends it, as any other trouble does.
func (d *Directory) Accounts(ctx context.Context) iter.Seq2[attendance.Account, error] {
	return func(yield func(attendance.Account, error) bool) {
		w := &walk{client: d.client, yield: yield, met: map[int64]bool{}, yielded: map[string]struct{}{}}
		if err := w.all(ctx); err != nil && !errors.Is(err, errStopped) {
			yield(attendance.Account{}, err)
		}
	}
}

// HasAccount implements [attendance.AccountLooker].
func (d *Directory) HasAccount(ctx context.Context, id string) (bool, error) {
	_, err := d.client.call(ctx, provider.Request{URL: pathUser, Body: map[string]string{"userid": id}})
	if api, ok := errors.AsType[*APIError](err); ok && attendance.CodeOf(err) == attendance.CodeAccount && api.Code != codeUserOutOfSight {
		return false, nil
	}
	return err == nil, err
}

// errStopped says that the consumer left the loop.
var errStopped = errors.New("dingtalk: stopped")

type walk struct {
	client  *Client
	yield   func(attendance.Account, error) bool
	met     map[int64]bool
	yielded map[string]struct{}

	// lost is the first refusal of a department that is neither gone nor out of sight;
	// wrong is how many such there were since the last answer.
	lost  error
	wrong int
}

func (w *walk) all(ctx context.Context) error {
	err := w.from(ctx, rootDepartment)
	switch {
	case err == nil && len(w.yielded) == 0 && w.lost != nil:
		return w.lost
	case err == nil && len(w.yielded) == 0:
		return w.warn("directory_empty", "DingTalk's directory has no user that the application may see; check its range of contacts (通讯录权限范围)")
	case !cannotBeAsked(err) || w.wrong >= mostWrong:
		return err
	case attendance.CodeOf(err) == attendance.CodeAccount:
		return w.inSight(ctx, nothingInSight())
	default:
		return w.inSight(ctx, err)
	}
}

// inSight walks what is in sight where the root is not. unseen is the error where
// nothing is.
func (w *walk) inSight(ctx context.Context, unseen error) error {
	delete(w.met, rootDepartment)
	departments, users, err := w.client.scopes(ctx)
	switch {
	case cannotBeAsked(err):
		return unseen // scopes are not told either
	case err != nil:
		return err
	}
	err = w.warn(attendance.DirectoryPartial, "应用只看得到通讯录中的 %[1]d 个部门和 %[2]d 名单独授权的员工，其余人员无法绑定：请扩大应用的通讯录权限范围 / "+
		"the application sees %[1]d departments and %[2]d single users of the company's contacts only, and nobody else can be bound: widen its range of contacts (通讯录权限范围)", len(departments), len(users))
	if err != nil {
		return err
	}
	for _, id := range departments {
		if err := w.skipping("department", id, w.from(ctx, id)); err != nil {
			return err
		}
	}
	for _, id := range users {
		if err := w.skipping("user", id, w.user(ctx, id)); err != nil {
			return err
		}
	}
	if len(w.yielded) == 0 {
		return unseen
	}
	return nil
}

// cannotBeAsked reports whether DingTalk itself does not answer for a department or a
// user: gone, out of sight, or for a reason of its own. Trouble of the network, the token,
// a permission or a limit is none of theirs.
func cannotBeAsked(err error) bool {
	if _, ok := errors.AsType[*APIError](err); !ok {
		return false
	}
	switch attendance.CodeOf(err) {
	case attendance.CodeRequest, attendance.CodeUnknown, attendance.CodeAccount:
		return true
	default:
		return false
	}
}

// unreadable reports whether DingTalk's own answer for one department cannot be read, time
// and again: a quote too much in somebody's name. The page of a proxy is none of theirs.
func unreadable(err error) bool {
	return attendance.CodeOf(err) == attendance.CodeMalformed && !errors.Is(err, attendance.ErrForeign)
}

// mostWrong is how many departments may be called wrong one after the other: so many
// are not the departments' fault, and many failing calls get an address shut out.
const mostWrong = 50

// skipping turns the error of an object that cannot be asked into a warning.
func (w *walk) skipping(kind string, id any, err error) error {
	if !cannotBeAsked(err) && !unreadable(err) || w.wrong >= mostWrong {
		return err
	}
	if attendance.CodeOf(err) != attendance.CodeAccount {
		w.lost = cmp.Or(w.lost, err)
		if w.wrong++; w.wrong >= mostWrong {
			return err
		}
	}
	if kind == "user" {
		return w.warn("directory_incomplete", "钉钉不返回员工 %[1]v / DingTalk does not answer for the user %[1]v: %[2]v", id, err)
	}
	return w.warn("directory_incomplete", "钉钉不返回部门 %[1]v，仅在其中的人会成为未绑定 / DingTalk does not answer for the department %[1]v, and whoever is only there counts as unbound: %[2]v", id, err)
}

func (w *walk) warn(code, format string, args ...any) error {
	if !w.yield(attendance.Account{}, attendance.Warningf(code, format, args...)) {
		return errStopped
	}
	return nil
}

// from walks a department and all below it. An error of the department itself is
// returned, those of departments below become warnings.
func (w *walk) from(ctx context.Context, top int64) error {
	for pending := []int64{top}; len(pending) > 0; {
		id := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if w.met[id] {
			continue
		}
		w.met[id] = true
		below, err := w.department(ctx, id)
		switch {
		case err == nil:
			w.wrong = 0
		case id == top && (below == nil || attendance.CodeOf(err) == attendance.CodeAccount):
			return err
		default:
			if err := w.skipping("department", id, err); err != nil {
				return err
			}
		}
		pending = append(pending, below...)
	}
	return nil
}

// department yields the users of one department and returns the departments directly
// below it, also beside an error that is about its users alone; nil where they are not
// known. Users may be told where those are not.
func (w *walk) department(ctx context.Context, id int64) (below []int64, err error) {
	below, err = w.below(ctx, id)
	if err != nil && (!cannotBeAsked(err) || attendance.CodeOf(err) == attendance.CodeAccount) {
		return nil, err
	}
	usersErr := w.users(ctx, id)
	if err == nil || usersErr != nil && !cannotBeAsked(usersErr) {
		err = usersErr
	}
	return below, err
}

// below returns the departments directly below one; not nil beside a nil error.
func (w *walk) below(ctx context.Context, id int64) ([]int64, error) {
	reply, err := w.client.call(ctx, provider.Request{URL: pathDepartments, Body: departmentBody{ID: id}})
	if err != nil {
		return nil, err
	}
	below := []int64{}
	list := provider.Member(reply.Body, "result")
	if len(list) == 0 || list[0] != '[' && string(list) != "null" {
		return nil, stuck(pathDepartments, "errcode 0 without the list result")
	}
	for raw := range provider.Array(list) {
		child, ok := provider.Int(provider.Member(raw, "dept_id"))
		if !ok {
			return nil, stuck(pathDepartments, "a department without a dept_id that is a number")
		}
		below = append(below, child)
	}
	return below, nil
}

// usersBody is the body of a query for users.
type usersBody struct {
	Department int64 `json:"dept_id"`
	Cursor     int64 `json:"cursor"`
	Size       int   `json:"size"`
}

// users yields the users of one department, page by page: has_more and
// next_cursor tell whether there is another, never the number of rows.
func (w *walk) users(ctx context.Context, department int64) error {
	body := usersBody{Department: department, Size: userPage}
	for {
		reply, err := w.client.call(ctx, provider.Request{URL: pathUsers, Body: body})
		if err != nil {
			return err
		}
		result := provider.Member(reply.Body, "result")
		if len(result) == 0 || result[0] != '{' {
			return stuck(pathUsers, "errcode 0 without result")
		}
		for raw := range provider.Array(provider.Member(result, "list")) {
			if !w.emit(account(raw)) {
				return errStopped
			}
		}
		if more, _ := provider.Bool(provider.Member(result, "has_more")); !more {
			return nil
		}
		next, ok := provider.Int(provider.Member(result, "next_cursor"))
		if !ok || next <= body.Cursor {
			return stuck(pathUsers, "has_more, but next_cursor does not move on")
		}
		body.Cursor = next
	}
}

// user yields one user.
func (w *walk) user(ctx context.Context, id string) error {
	reply, err := w.client.call(ctx, provider.Request{URL: pathUser, Body: map[string]string{"userid": id}})
	if err != nil {
		return err
	}
	result := provider.Member(reply.Body, "result")
	if len(result) == 0 || result[0] != '{' {
		return stuck(pathUser, "errcode 0 without result")
	}
	if !w.emit(account(result)) {
		return errStopped
	}
	return nil
}

// emit yields an account that was not yielded before.
func (w *walk) emit(a attendance.Account) bool {
	if a.ID == "" {
		return w.warn("directory_incomplete", "钉钉通讯录中有一个没有可辨认 userid 的员工 / DingTalk's directory has a user without a userid that can be read") == nil
	}
	if _, again := w.yielded[a.ID]; again {
		return true
	}
	w.yielded[a.ID] = struct{}{}
	return w.yield(a, nil)
}

// account reads one user. A user without the field active is taken for active:
// what is not told must not leave anybody out.
func account(raw []byte) attendance.Account {
	a := attendance.Account{Active: true}
	var mobile, country, email, corporate string
	for key, value := range provider.Object(raw) {
		switch string(key) {
		case "userid":
			if !provider.Spoilt(value) { // else it is nobody's
				a.ID = provider.Text(value)
			}
		case "name":
			a.Name = provider.Text(value)
		case "job_number":
			a.JobNumber = strings.TrimSpace(provider.Text(value))
		case "mobile":
			mobile = strings.TrimSpace(provider.Text(value))
		case "state_code":
			country = strings.TrimSpace(provider.Text(value))
		case "email":
			email = strings.TrimSpace(provider.Text(value))
		case "org_email":
			corporate = strings.TrimSpace(provider.Text(value))
		case "active":
			if active, ok := provider.Bool(value); ok {
				a.Active = active
			}
		}
	}
	a.Mobile = mobileNumber(country, mobile)
	for _, address := range [...]string{corporate, email} {
		if address != "" && (len(a.Emails) == 0 || a.Emails[0] != address) {
			a.Emails = append(a.Emails, address)
		}
	}
	return a
}

// mobileNumber is the number alone for mainland China (86), else with "+" and the
// country's code before it. Where the code stands in the number too, which its page does
// not say, it is the number's that counts.
func mobileNumber(country, number string) string {
	country = strings.TrimLeft(country, "+0")
	own, international := strings.CutPrefix(number, "+")
	if rest, ok := strings.CutPrefix(number, country+"-"); ok && country != "" {
		number = rest
	}
	switch {
	case international && strings.HasPrefix(own, "86-"):
		return own[len("86-"):]
	case international:
		return "+" + strings.ReplaceAll(own, "-", "")
	case number == "" || country == "" || country == "86":
		return number
	default:
		return "+" + country + number
	}
}

// scopes returns the departments and users that the application may see.
func (c *Client) scopes(ctx context.Context) (departments []int64, users []string, err error) {
	reply, err := c.call(ctx, provider.Request{URL: pathScopes})
	if err != nil {
		return nil, nil, err
	}
	org := provider.Member(reply.Body, "auth_org_scopes")
	for raw := range provider.Array(provider.Member(org, "authed_dept")) {
		if id, ok := provider.Int(raw); ok {
			departments = append(departments, id)
		}
	}
	for raw := range provider.Array(provider.Member(org, "authed_user")) {
		if id := provider.Text(raw); id != "" {
			users = append(users, id)
		}
	}
	return departments, users, nil
}
