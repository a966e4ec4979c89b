// This file compares accounts that somebody else names with the platform's directory.

package oasink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// Verified returns a binding by a list or a function whose accounts are looked up in the
// directory. An account that is not there is nobody's: its person is [attendance.Unbound],
// with the account named, and the warning account_unknown says so, with what the directory
// has that looks like it (a spreadsheet drops the zeros in front). Where only the account's
// visible characters are in the directory, those are asked for.
//
// Before somebody is left out, the account itself is looked up where the directory can
// ([attendance.AccountLooker]), for fifty people at most: one call each, and none on a day
// on which the list is right. Where that leaves it open and the directory shows a part of
// the company only ([attendance.DirectoryPartial], directory_incomplete, nobody at all), the
// person is asked for, with the warning account_unseen; where it cannot be read, whatever
// the reason, so is everybody, with directory_unreadable. What it says of activity does not
// count here. Bindings that have a directory of their own are returned as they are.
func (b Binding) Verified(d attendance.Directory) Binding {
	if b.pairs != nil || b.account != nil {
		b.directory = d
	}
	return b
}

// knownAccounts are those of a platform's directory.
type knownAccounts struct {
	spelling func(string) string
	ids      map[string]string        // by spelling
	whole    bool                     // there are no others, as far as the directory says
	looker   attendance.AccountLooker // nil is none
}

// readKnown reads the directory for accounts that somebody else names; nil where there is
// none, or it cannot be read, which is told.
func (b *Binding) readKnown(ctx context.Context, warn func(attendance.Warning) bool) (*knownAccounts, error) {
	if b.directory != nil {
		switch k, err := b.listKnown(ctx, warn); {
		case err == nil:
			return k, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, errStopped):
			return nil, err
		case !warn(attendance.Warningf("directory_unreadable",
			"平台通讯录不可读，绑定文件中的账号未经核对，直接查询 / the platform's directory cannot be read, so the accounts of the list of bindings are asked for unread: %v", err)):
			return nil, errStopped
		}
	}
	return nil, nil
}

func (b *Binding) listKnown(ctx context.Context, warn func(attendance.Warning) bool) (*knownAccounts, error) {
	k := &knownAccounts{spelling: b.spelling, ids: make(map[string]string), whole: true}
	k.looker, _ = attendance.As[attendance.AccountLooker](b.directory)
	for entry, err := range b.directory.Accounts(ctx) {
		w, isWarning := attendance.AsWarning(err)
		switch {
		case isWarning && w.Code == attendance.DirectoryPartial:
			k.whole = false // account_unseen tells whom that concerns
		case isWarning:
			k.whole = k.whole && w.Code != "directory_incomplete"
			if !warn(w) {
				return nil, errStopped
			}
		case err != nil:
			return nil, err
		default:
			k.ids[b.spelling(entry.ID)] = entry.ID
		}
	}
	k.whole = k.whole && len(k.ids) > 0 // nobody at all is nobody in sight
	return k, nil
}

// meant is the account that a text stands for: itself where the directory has it, else
// what of it is visible. found says that the directory has that.
func (k *knownAccounts) meant(text string) (account string, found bool) {
	if k == nil {
		return visible(text), false
	}
	for _, form := range [...]string{trim(text), visible(text), narrow(text)} {
		if _, ok := k.ids[k.spelling(form)]; ok && form != "" {
			return form, true
		}
	}
	return visible(text), false
}

// likeness returns what the directory has that looks like accounts which it lacks: the same
// but for case or for zeros in front. Choosing one would be guessing.
func (k *knownAccounts) likeness(lacking []string) map[string][]string {
	like := make(map[string][]string, len(lacking))
	for _, account := range lacking {
		like[alike(account)] = nil
	}
	for _, id := range k.ids {
		key := alike(id)
		if found, ok := like[key]; ok {
			like[key] = append(found, id)
		}
	}
	for key := range like {
		slices.Sort(like[key])
	}
	return like
}

func alike(account string) string { return strings.ToLower(strings.TrimLeft(narrow(account), "0")) }

// A stranger is a person of the scope whose account the directory lacks.
type stranger struct {
	person int64
	entry  *accountEntry
}

// lookedUpAtMost is for how many people a run asks whether their account is there.
const lookedUpAtMost = 50

// judge decides of the accounts that a list names and the directory lacks whether they are
// absent or only not shown, and returns the warnings about them.
func (k *knownAccounts) judge(ctx context.Context, r *roll) ([]attendance.Warning, error) {
	if k == nil {
		return nil, nil
	}
	var absent, unshown []stranger
	looker, looked := k.looker, 0
	for _, p := range r.people {
		if !p.covered || p.account < 0 || !r.accounts.list[p.account].foreign {
			continue
		}
		one := stranger{p.id, &r.accounts.list[p.account]}
		has, err := false, errors.New("not looked up")
		if looked++; looker != nil && looked <= lookedUpAtMost {
			has, err = looker.HasAccount(ctx, one.entry.id)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		one.entry.absent = err == nil && !has || err != nil && k.whole
		one.entry.unshown = err != nil && !k.whole
		switch {
		case one.entry.absent:
			absent = append(absent, one)
		case one.entry.unshown:
			unshown = append(unshown, one)
		}
		if attendance.CodeOf(err) != attendance.CodeAccount && err != nil {
			looker = nil // the next would fare no better
		}
	}
	return k.warnings(absent, unshown), nil
}

func (k *knownAccounts) warnings(absent, unshown []stranger) (all []attendance.Warning) {
	if len(absent) > 0 {
		list := k.named(absent)
		all = append(all, attendance.Warningf("account_unknown",
			"绑定文件中有 %d 人的账号不在平台通讯录（或应用可见范围）中，不予查询，请更正文件：%s / the accounts of %[1]d people in the list of bindings are not in the platform's directory, or not in what the application may see of it, and are not asked for; correct the list: %[3]s",
			len(absent), list.ZH, list.EN))
	}
	if len(unshown) > 0 {
		list := k.named(unshown)
		all = append(all, attendance.Warningf("account_unseen",
			"绑定文件中有 %d 人的账号不在可读取的通讯录部分，未经核对，仍然查询：%s / the accounts of %[1]d people in the list of bindings are not in the part of the platform's directory that may be seen, and are asked for unread: %[3]s",
			len(unshown), list.ZH, list.EN))
	}
	return all
}

// named lists people and their accounts, with what the directory has that looks like them.
func (k *knownAccounts) named(all []stranger) attendance.Text {
	lacking := make([]string, len(all))
	for i, s := range all {
		lacking[i] = s.entry.id
	}
	like := k.likeness(lacking)
	var en, zh []string
	for _, s := range all[:min(len(all), namesShown)] {
		hint := hintOf(s.entry.id, like[alike(s.entry.id)])
		en = append(en, fmt.Sprintf("%d %s%s", s.person, s.entry.id, hint.EN))
		zh = append(zh, fmt.Sprintf("%d %s%s", s.person, s.entry.id, hint.ZH))
	}
	if len(all) > namesShown {
		en, zh = append(en, "..."), append(zh, "...")
	}
	return attendance.Text{EN: strings.Join(en, ", "), ZH: strings.Join(zh, "，")}
}

// hintOf says which accounts of the directory look like one that it lacks, and how that may
// come.
func hintOf(account string, like []string) attendance.Text {
	if len(like) == 0 {
		if isScientific(account) {
			return attendance.Text{EN: " (a spreadsheet has rounded a long number: format the column as text)", ZH: "（电子表格把长数字变成了科学计数：请将该列设为文本格式）"}
		}
		return attendance.Text{}
	}
	names := strings.Join(like[:min(len(like), 3)], ", ")
	t := attendance.Text{EN: " (the directory has " + names, ZH: "（通讯录中有 " + names}
	if len(like[0]) > len(account) {
		t.EN += "; a spreadsheet drops the zeros in front: format the column as text"
		t.ZH += "；电子表格会去掉前导零：请将该列设为文本格式"
	}
	return attendance.Text{EN: t.EN + ")", ZH: t.ZH + "）"}
}

// isScientific reports whether a text is a number as spreadsheets show long ones: 1.23E+17.
func isScientific(s string) bool {
	mantissa, exponent, ok := strings.Cut(strings.ToUpper(s), "E+")
	return ok && exponent != "" && onlyDigits(exponent) && mantissa != "" && onlyDigits(strings.Replace(mantissa, ".", "", 1))
}
