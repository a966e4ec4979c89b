package wecom

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"

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
// application may see (可见范围): its departments, and by agent/get, one call, the people
// and tags that stand there beside them. For that Config.AgentID is needed. Where agent/get
// does not tell, the warning [attendance.DirectoryPartial] says why, unless the whole
// company is in sight. Whom user/get does not show of those people is Unread.
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
		l := newListing(d.client, yield)
		l.idsOnly = d.idsOnly
		if err := l.all(ctx); err != nil && !errors.Is(err, errStopped) {
			yield(attendance.Account{}, err)
		}
	}
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

// departments returns the ids of the departments that an application may see, those
// below others included: all, or with top not 0 that one and those below it.
func (c *Client) departments(ctx context.Context, a *access, top int64) ([]int64, error) {
	var query url.Values
	if top != 0 {
		query = url.Values{"id": {strconv.FormatInt(top, 10)}}
	}
	reply, err := c.get(ctx, a, pathDepartments, query)
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

// errNoDepartment says that no department is in sight.
var errNoDepartment = errors.New("wecom: no department is in sight")

// nothingInSight is the error of an empty visible range.
func nothingInSight(native error) error {
	err := errNoDepartment
	if native != nil {
		err = fmt.Errorf("%w: %w", err, native)
	}
	return &attendance.Error{Code: attendance.CodePermission, Op: "wecom " + pathDepartments, Err: err, Mend: listMend(),
		Detail: "the application's visible range (可见范围) holds no department that may be read"}
}

// idsBody is the body of user/list_id. The first page has no cursor.
type idsBody struct {
	Cursor string `json:"cursor,omitempty"`
	Limit  int    `json:"limit"`
}
