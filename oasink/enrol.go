package oasink

import (
	"context"
	"slices"

	"github.com/punchbridge/punchbridge/attendance"
)

// A roll says of each person of the roster who is meant and which account is
// bound. It is what a scope keeps of the whole company: 16 bytes a person, and
// per account its id and 32 bytes; names, keys and the like are read page by page
// later.
type roll struct {
	people   []enrolled // by id
	accounts accounts
	strays   []int64             // employees asked for who are not in the roster, by id
	outside  [sealedUnit + 1]int // meant and active, but not in the roster, by reason
	lenient  bool                // inactive accounts are asked for too
	units    map[int64]string    // the departments' names
	unread   bool                // the accounts are taken as they stand in the OA, or a list
	partial  bool                // the platform's directory has shown a part only
	valued   valued
}

// An enrolled is a person of the roster.
type enrolled struct {
	id      int64
	account candidates
	covered bool
}

// candidates are the accounts that a value or a person stands for: none, one (an
// index into the list of accounts), or a group of several.
type candidates int32

const noAccount candidates = -1

// group returns the index of the group, if there are several.
func (c candidates) group() (int, bool) { return int(-2 - c), c < noAccount }

func groupAt(i int) candidates { return candidates(-2 - i) }

// state is the person's account, and why the person is not asked for, if so.
func (r *roll) state(p enrolled) (account string, why attendance.LeftOut) {
	if p.account == noAccount {
		return "", attendance.Unbound
	}
	if _, several := p.account.group(); several {
		return "", attendance.Ambiguous
	}
	switch a := r.accounts.list[p.account]; {
	case a.absent:
		return a.id, attendance.Unbound
	case a.owner != p.id:
		return a.id, attendance.Ambiguous
	case a.inactive && !r.lenient:
		return a.id, attendance.Inactive
	default:
		return a.id, ""
	}
}

// known reports whether the platform's directory lists the person's account as active.
func (r *roll) known(p enrolled) bool {
	return p.account >= 0 && r.accounts.list[p.account].listed && !r.accounts.list[p.account].inactive
}

// accounts are those of the platform that may be bound.
type accounts struct {
	list   []accountEntry
	groups [][]candidates
	// byValue finds accounts by the value that people are compared with, byNarrow by what
	// of it is visible and narrow where that is something else.
	byValue, byNarrow map[string]candidates
}

type accountEntry struct {
	id string
	// owner is the only person of the roster who is bound to it; 0 is nobody,
	// severalOwners more than one.
	owner int64
	// listed says that the platform's directory shows it; foreign that a list names it and
	// the directory, which was read, does not. Then it is absent from the platform, or
	// unshown: nobody knows, as of one that the directory only names.
	listed, foreign, absent, unshown bool
	inactive                         bool
}

const severalOwners = -1

// entry adds an account to the list.
func (a *accounts) entry(e accountEntry) candidates {
	a.list = append(a.list, e)
	return candidates(len(a.list) - 1)
}

// named is the account of that id, added when it is new.
func (a *accounts) named(id, spelling string) candidates {
	c, ok := a.byValue[spelling]
	if !ok {
		c = a.entry(accountEntry{id: id})
		a.byValue[spelling] = c
	}
	return c
}

// join is what stands for both: for the candidates there are and one account.
func (a *accounts) join(there candidates, one candidates) candidates {
	if there == noAccount || there == one {
		return one
	}
	if g, several := there.group(); several {
		if !slices.Contains(a.groups[g], one) {
			a.groups[g] = append(a.groups[g], one)
		}
		return there
	}
	if a.list[there].id == a.list[one].id {
		return there // a directory that names an account twice
	}
	a.groups = append(a.groups, []candidates{there, one})
	return groupAt(len(a.groups) - 1)
}

// find returns the accounts of a value; where there are none, those of what of it, or of
// theirs, is visible and narrow.
func (a *accounts) find(value string) candidates {
	if c, ok := a.byValue[value]; ok {
		return c
	}
	value = narrow(value)
	if c, ok := a.byValue[value]; ok && value != "" {
		return c
	}
	if c, ok := a.byNarrow[value]; ok {
		return c
	}
	return noAccount
}

// put makes an account stand for a value.
func (a *accounts) put(value string, one candidates) {
	joined := func(m map[string]candidates, key string) {
		there, ok := m[key]
		if !ok {
			there = noAccount
		}
		m[key] = a.join(there, one)
	}
	joined(a.byValue, value)
	if simple := narrow(value); simple != value && simple != "" {
		joined(a.byNarrow, simple)
	}
}

// claim binds a person to accounts. Of several, each is claimed: nobody else may
// be bound to one of them either.
func (a *accounts) claim(c candidates, person int64) {
	if c == noAccount {
		return
	}
	if g, several := c.group(); several {
		for _, one := range a.groups[g] {
			a.claim(one, person)
		}
		return
	}
	switch owner := &a.list[c].owner; *owner {
	case 0, person:
		*owner = person
	default:
		*owner = severalOwners
	}
}

// A matcher finds a person's account.
type matcher func(ctx context.Context, p Person) (candidates, error)

// enrol reads the platform's side, then the whole roster, and compares. No
// connection is held while the platform is read. warn returns false to stop.
func (sc *Scope) enrol(ctx context.Context, warn func(attendance.Warning) bool) (*roll, error) {
	s, b := sc.sink, &sc.binding
	r := &roll{lenient: b.IncludeInactive}
	r.accounts = newAccounts()
	sh := s.shape.Load()
	sh, err := s.fit(ctx, append(resourceNeeds(), b.columns(sh)...)...)
	if err != nil {
		return nil, err
	}
	c, err := s.readCompany(ctx, sh)
	if err != nil {
		return nil, err
	}
	for _, w := range sc.strangeUnits(c) {
		if !warn(w) {
			return nil, errStopped
		}
	}
	r.units = c.names()
	read, err := b.read(ctx, &r.accounts, warn)
	if err != nil {
		return nil, err
	}
	match := read.match
	r.unread, r.partial, r.valued = read.unread, read.isPartial(), b.valued(read.unread)
	chosen := newSelection(sc.units, c)
	found := make(map[int64]bool)
	numbers, unreadable := 0, 0 // of mobile numbers
	for page, err := range s.resources(ctx, sh, c, b.columns(sh)) {
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			covered := chosen.covers(p.ID, p.Department, p.Subcompany)
			if p.outside != inside {
				if covered {
					r.outside[p.outside]++
				}
				continue
			}
			if n := len(r.people); n > 0 && r.people[n-1].id == p.ID {
				continue // a view that joins may show somebody twice
			}
			if b.field == fieldMobile && trim(p.Mobile) != "" {
				numbers++
				if notPlain(p.Mobile) {
					unreadable++
				}
			}
			account, err := match(ctx, p.Person)
			if err != nil {
				return nil, err
			}
			r.accounts.claim(account, p.ID)
			if chosen.employee[p.ID] {
				found[p.ID] = true
			}
			r.people = append(r.people, enrolled{p.ID, account, covered})
		}
	}
	if unreadable > 0 && !warn(attendance.Warningf("encrypted_values",
		"HrmResource.mobile 的 %d 个值中有 %d 个不是手机号明文（OA 启用了字段加密或脱敏？），这些人无法按手机号绑定：请改用 workcode 等字段或绑定文件，或在 OA 中取消该字段的加密 / "+
			"%[2]d of %[1]d values of HrmResource.mobile are no plain mobile numbers (has the OA its field encryption or masking switched on?), and these people cannot be bound by them: "+
			"bind by another field, such as workcode, or by a file, or end the encryption of that field in the OA", numbers, unreadable)) {
		return nil, errStopped
	}
	for id := range chosen.employee {
		if !found[id] {
			r.strays = append(r.strays, id)
		}
	}
	slices.Sort(r.strays)
	r.accounts.byValue, r.accounts.byNarrow = nil, nil
	return r, r.compare(ctx, read, warn)
}

// compare finds out and tells what is known only when the people are: whose accounts the
// directory lacks, and that it may not show all, where that may have left somebody out.
func (r *roll) compare(ctx context.Context, read platformSide, warn func(attendance.Warning) bool) error {
	all, err := read.known.judge(ctx, r)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(r.people, func(p enrolled) bool { return p.covered && p.account == noAccount }) {
		all = append(all, read.partly...)
	}
	for _, w := range all {
		if !warn(w) {
			return errStopped
		}
	}
	return nil
}

// columns are those of HrmResource that the binding needs beside the roster's.
func (b *Binding) columns(sh *shape) []string {
	switch {
	case b.account != nil:
		return slices.DeleteFunc([]string{"lastname", "account", "workcode", "mobile", "email"},
			func(name string) bool { return !sh.resource.has(name) })
	case b.field == fieldID || b.field == fieldLoginID:
		return nil
	default:
		return []string{string(b.field)}
	}
}

// platformSide is what a binding has read: of the platform's directory, or of a list.
type platformSide struct {
	match matcher
	// unread: nobody has looked whether the platform has the accounts.
	unread bool
	// partly are the directory's warnings that it shows a part of the company only.
	partly []attendance.Warning
	// known is the directory that a list was compared with; nil is none.
	known *knownAccounts
	// incomplete: the directory has said so.
	incomplete bool
}

func (p *platformSide) isPartial() bool {
	return len(p.partly) > 0 || p.incomplete || p.known != nil && !p.known.whole
}

func newAccounts() accounts {
	return accounts{byValue: make(map[string]candidates), byNarrow: make(map[string]candidates)}
}

// read prepares the binding: it reads the directory or the list.
func (b *Binding) read(ctx context.Context, a *accounts, warn func(attendance.Warning) bool) (p platformSide, err error) {
	switch {
	case b.account != nil || b.pairs != nil:
		return b.readNamed(ctx, a, warn)
	case b.directory != nil:
		switch p, err = b.readDirectory(ctx, a, warn); {
		case err == nil:
			p.match = func(_ context.Context, person Person) (candidates, error) {
				return a.find(b.normal(person.value(b.field))), nil
			}
			return p, nil
		case attendance.CodeOf(err) != attendance.CodePermission || b.Match != MatchAccount:
			return p, err
		case !warn(attendance.Warningf("directory_unreadable",
			"平台通讯录不可读，直接以 OA 的 %s 为账号查询，未经核对 / the platform's directory may not be read, so the OA's own %s is taken as the account, unread: %v", b.field, b.field, err)):
			return p, errStopped
		}
		*a = newAccounts()
	}
	return platformSide{unread: true, match: func(_ context.Context, p Person) (candidates, error) {
		value := visible(p.value(b.field))
		if value == "" {
			return noAccount, nil
		}
		return a.named(value, b.normal(value)), nil
	}}, nil
}

func (b *Binding) readDirectory(ctx context.Context, a *accounts, warn func(attendance.Warning) bool) (p platformSide, err error) {
	valued := false
	for entry, err := range b.directory.Accounts(ctx) {
		if w, ok := attendance.AsWarning(err); ok {
			if w.Code == attendance.DirectoryPartial {
				p.partly = append(p.partly, w) // told where it matters
				continue
			}
			p.incomplete = p.incomplete || w.Code == "directory_incomplete"
			if !warn(w) {
				return p, errStopped
			}
			continue
		}
		if err != nil {
			return p, err
		}
		one := a.entry(accountEntry{id: entry.ID, listed: !entry.Unread, unshown: entry.Unread, inactive: !entry.Active})
		for _, value := range b.values(entry) {
			if value = b.normal(value); value != "" {
				a.put(value, one)
				valued = true
			}
		}
	}
	if !valued && len(a.list) > 0 && !warn(attendance.Warningf("directory_without_values",
		"平台通讯录的 %d 个账号均无%s，按它绑定不到任何人 / none of the %d accounts in the platform's directory shows %s, so nobody can be bound by it: perhaps the application may not see it",
		len(a.list), b.Match.name().ZH, len(a.list), b.Match.name().EN)) {
		return p, errStopped
	}
	return p, nil
}

// readNamed prepares a binding whose accounts a list or a function names.
func (b *Binding) readNamed(ctx context.Context, a *accounts, warn func(attendance.Warning) bool) (p platformSide, err error) {
	if p.known, err = b.readKnown(ctx, warn); err != nil {
		return p, err
	}
	p.unread = p.known == nil
	named := func(text string) candidates {
		account, found := p.known.meant(text)
		if account == "" {
			return noAccount
		}
		one := a.named(account, b.spelling(account))
		a.list[one].foreign = !found && p.known != nil
		return one
	}
	if b.account == nil {
		p.match, err = b.matchPairs(a, named)
		return p, err
	}
	p.match = func(ctx context.Context, person Person) (candidates, error) {
		text, err := b.account(ctx, person)
		if err != nil {
			return noAccount, err
		}
		return named(text), nil
	}
	return p, nil
}

func (b *Binding) matchPairs(a *accounts, named func(string) candidates) (matcher, error) {
	pairs, err := b.pairs()
	if err != nil {
		return nil, err
	}
	byPerson := make(map[int64]candidates, len(pairs))
	for _, p := range pairs {
		one := named(p.Account)
		if one == noAccount {
			continue
		}
		person, err := parsePerson(p.Person)
		if err != nil {
			return nil, err
		}
		if there, ok := byPerson[person]; ok {
			one = a.join(there, one)
		}
		byPerson[person] = one
	}
	return func(_ context.Context, p Person) (candidates, error) {
		if account, ok := byPerson[p.ID]; ok {
			return account, nil
		}
		return noAccount, nil
	}, nil
}
