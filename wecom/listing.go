// This file is one reading of the directory, by whatever calls are open.

package wecom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

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
	// met are the departments that were visited. lost is how many departments and tags
	// could not be read. listed: user/list has answered. elsewhere: whoever is not found
	// in the visible range is listed by another call.
	met               map[int64]bool
	lost              int
	listed, elsewhere bool
	// wrong is how many departments and people were called wrong since the last answer.
	wrong int
}

func newListing(c *Client, yield func(attendance.Account, error) bool) *listing {
	return &listing{client: c, yield: yield, yielded: map[string]struct{}{}, met: map[int64]bool{}}
}

// all yields the accounts by whatever is open.
func (l *listing) all(ctx context.Context) error {
	contact := l.client.contact
	if contact == nil {
		return l.walk(ctx, !l.idsOnly)
	}
	if l.idsOnly {
		err := l.ids(ctx, contact)
		if attendance.CodeOf(err) == attendance.CodePermission || isOfApplication(err) {
			return l.walk(ctx, false)
		}
		return err
	}
	// Details first: whose they are known of is not yielded again without.
	switch err := l.walkByDepartment(ctx, contact); {
	case err == nil && l.lost == 0:
		return nil
	case err == nil:
		l.unread = errors.New("some departments could not be read")
		return l.ids(ctx, contact)
	case isOfApplication(err):
		// Trusted addresses and switches are set for each application apart.
		if err := l.warn(attendance.Warningf("directory_incomplete", "通讯录同步不可用，只读取应用可见范围 / 通讯录同步 may not be used, so only what the application may see is read: %v", err)); err != nil {
			return err
		}
		return l.walk(ctx, true)
	case !l.without(err):
		return err
	default:
		l.unread = err
	}
	l.elsewhere = true
	unseen := l.walk(ctx, true)
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

// walk yields the people whom the application may see: those of every department, and
// who is in its visible range beside them.
func (l *listing) walk(ctx context.Context, details bool) error {
	l.simple, l.blind = !details, !details
	clear(l.met) // by another application
	ids, err := l.client.departments(ctx, l.client.app, 0)
	switch {
	case errors.Is(err, errNoDepartment):
		return l.beside(ctx, err)
	case err != nil:
		return err
	}
	if err := l.each(ctx, ids, cannotBeAsked, l.visible); err != nil {
		return err
	}
	return l.beside(ctx, nil)
}

// visible yields the people of one department that the application may see.
func (l *listing) visible(ctx context.Context, id int64) error {
	app := l.client.app
	if !l.simple {
		switch err := l.users(ctx, app, id); {
		case err == nil:
			return nil
		case l.without(err):
			// One department out of sight says nothing of the next.
			l.simple = attendance.CodeOf(err) != attendance.CodeAccount
		case !cannotBeAsked(err):
			return err
		}
	}
	return l.usersSimple(ctx, app, id)
}

// walkByDepartment is walk where details by department are all that is wanted.
func (l *listing) walkByDepartment(ctx context.Context, a *access) error {
	skips := func(err error) bool {
		return cannotBeAsked(err) && (l.listed || attendance.CodeOf(err) == attendance.CodeAccount)
	}
	ids, err := l.client.departments(ctx, a, 0)
	if err != nil {
		return err
	}
	return l.each(ctx, ids, skips, func(ctx context.Context, id int64) error { return l.users(ctx, a, id) })
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

// each calls visit for departments that were not met. One whose error is to be skipped is a
// warning; when all are out of sight, nothing is in sight.
func (l *listing) each(ctx context.Context, ids []int64, skips func(error) bool, visit func(context.Context, int64) error) error {
	var lost []attendance.Warning
	var refused error // the first refusal of a department that is neither gone nor out of sight
	for _, id := range ids {
		if l.met[id] {
			continue
		}
		l.met[id] = true
		err := visit(ctx, id)
		switch {
		case err == nil:
			l.wrong = 0
			continue
		case !skips(err) || l.wrong >= mostWrong || l.tooWrong(err):
			return err
		case attendance.CodeOf(err) != attendance.CodeAccount:
			refused = cmp.Or(refused, err)
		}
		if lost = append(lost, departmentLost(id, err)); len(lost) == len(ids) {
			return cmp.Or(refused, nothingInSight(err))
		}
	}
	for _, w := range lost {
		if err := l.lose(w); err != nil {
			return err
		}
	}
	return nil
}

func departmentLost(id int64, err error) attendance.Warning {
	return attendance.Warningf("directory_incomplete",
		"企业微信不返回部门 %[1]d，仅在其中的人会成为未绑定 / WeCom does not answer for the department %[1]d, and whoever is only there counts as unbound: %[2]v", id, err)
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
			if entry, _, err = l.detailed(ctx, a, entry); err != nil {
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

// detailed asks for one person, unless that was found to be in vain. shown says that WeCom
// has shown the person.
func (l *listing) detailed(ctx context.Context, a *access, entry attendance.Account) (full attendance.Account, shown bool, err error) {
	if l.blind || entry.ID == "" {
		return entry, false, nil
	}
	if l.singles++; l.singles > singlesAtMost {
		return entry, false, l.withoutDetails(errors.New("user/list may not be called, and more than " + strconv.Itoa(singlesAtMost) + " calls of user/get would be too many"))
	}
	reply, err := l.client.get(ctx, a, pathUser, url.Values{"userid": {entry.ID}})
	switch {
	case err == nil:
		l.wrong = 0
		if full := account(reply.Body); full.ID != "" {
			return full, true, nil
		}
		return entry, false, malformed(pathUser, "errcode 0 without a userid")
	case attendance.CodeOf(err) == attendance.CodeAccount: // this one is out of sight
		return entry, false, nil
	case closed(err):
		return entry, false, l.withoutDetails(err)
	case !cannotBeAsked(err) || l.tooWrong(err):
		return entry, false, err
	default:
		return entry, false, l.warn(attendance.Warningf("directory_incomplete", "企业微信不返回成员 %[1]s 的详情 / WeCom does not tell details of the member %[1]s: %[2]v", entry.ID, err))
	}
}

// withoutDetails goes on without details.
func (l *listing) withoutDetails(cause error) error {
	l.blind = true
	return l.warn(attendance.Warningf("directory_without_details",
		"无法读取成员详情，账号状态、手机、邮箱未知 / WeCom tells userids only: whether an account is active, its mobile number and its e-mail address are not known: %v", cause))
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

// beside yields who is in the application's visible range beside the departments that were
// walked; unlisted is why none were. Nothing of it ends the reading: who cannot be found
// so is as before.
func (l *listing) beside(ctx context.Context, unlisted error) error {
	r, err := l.client.visibleRange(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && unlisted != nil:
		return unlisted
	case err != nil:
		return l.partly(err)
	}
	lost, before := l.lost, len(l.yielded)
	for _, id := range r.people {
		if err := l.single(ctx, attendance.Account{ID: id, Active: true}); err != nil {
			return err
		}
	}
	departments := r.departments
	for i, tag := range r.tags {
		found, err := l.tagged(ctx, i, tag)
		if err != nil {
			return err
		}
		departments = append(departments, found...)
	}
	for _, id := range departments {
		if err := l.unlisted(ctx, id); err != nil {
			return err
		}
	}
	if unlisted != nil && (l.lost > lost || len(l.yielded) == before) {
		return unlisted
	}
	return nil
}

// partly says that single people are not listed, unless none can be missing: the whole
// company is in sight, or listed otherwise.
func (l *listing) partly(err error) error {
	if l.met[rootDepartment] || l.elsewhere {
		return nil
	}
	what, mend := singlesUnlisted(err), singlesMend()
	return l.warn(attendance.Warningf(attendance.DirectoryPartial, "%v", attendance.Text{EN: what.EN + ": " + mend.EN, ZH: what.ZH + "：" + mend.ZH}))
}

// single yields a person whom agent/get or a tag names, with details where user/get tells
// them. Where it does not, the person is asked for unread.
func (l *listing) single(ctx context.Context, entry attendance.Account) error {
	if l.known(entry.ID) {
		return nil
	}
	entry, shown, err := l.detailed(ctx, l.client.app, entry)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errStopped):
		return err
	case err != nil:
		if err := l.withoutDetails(err); err != nil {
			return err
		}
	}
	entry.Unread = !shown
	return l.emit(entry)
}

// tagged yields the people of a tag and returns its departments. By the pages of tag/get
// (90213 and 90349, both of 2021-08-11) everybody may call it, and is told of people in the
// visible range only; whether department/simplelist lists a tag's departments is not said.
func (l *listing) tagged(ctx context.Context, i int, tag int64) (departments []int64, err error) {
	var reply provider.Reply
	if i < tagsAtMost {
		reply, err = l.client.attempt(ctx, l.client.app, pathTag, url.Values{"tagid": {strconv.FormatInt(tag, 10)}})
	} else {
		err = fmt.Errorf("more than %d tags would be too many calls", tagsAtMost)
	}
	var people []byte
	if err == nil {
		people, err = list(reply.Body, pathTag, "userlist")
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, l.lose(attendance.Warningf("directory_incomplete",
			"可见范围中的标签 %[1]d 无法读取，仅在其中的人会成为未绑定 / the tag %[1]d of 可见范围 cannot be read, and whoever is only there counts as unbound: %[2]v", tag, err))
	}
	for raw := range provider.Array(people) {
		if entry := account(raw); entry.ID != "" {
			if err := l.single(ctx, entry); err != nil {
				return nil, err
			}
		}
	}
	return numbers(provider.Member(reply.Body, "partylist")), nil
}

// unlisted walks a department that the visible range or a tag names and that was not
// listed, with all below it.
func (l *listing) unlisted(ctx context.Context, id int64) error {
	if l.met[id] {
		return nil
	}
	ids, err := l.client.departments(ctx, l.client.app, id)
	if err == nil {
		err = l.each(ctx, ids, cannotBeAsked, l.visible)
	}
	switch {
	case err == nil, errors.Is(err, errStopped), ctx.Err() != nil:
		return err
	default:
		return l.lose(departmentLost(id, err))
	}
}

// lose says that a part could not be read.
func (l *listing) lose(w attendance.Warning) error {
	l.lost++
	return l.warn(w)
}
