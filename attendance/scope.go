package attendance

import (
	"context"
	"iter"
)

// A Scope says whose punches are synchronised.
type Scope interface {
	// Members streams the people, each once, those that are left out included
	// (Member.LeftOut). It does no work before the first pull, holds no database
	// cursor, transaction or lock while it yields (the consumer calls the network
	// in between), stops at once when the loop breaks and may be called again,
	// also concurrently.
	//
	// An error that is a [Warning] does not end the stream: it is about the scope
	// as a whole, its Member is meaningless. Any other error is the last pair.
	// Context errors are yielded bare.
	Members(ctx context.Context) iter.Seq2[Member, error]
}

// A Member is one person of the OA and the person's account on the platform.
type Member struct {
	// Person is the OA's id of the person, as text (e-cology: HrmResource.id).
	Person string `json:"person"`
	// Account is the platform's id (userid); it may be empty when LeftOut is set.
	Account string `json:"account,omitempty"`
	// Name is the person's name, for reports only.
	Name string `json:"name,omitempty"`
	// Key is what the OA holds to bind the person by, such as the work code, where
	// that is not the account itself: somebody whose account is gone while the key
	// stayed has left; with another key it was the binding that was mended.
	Key string `json:"key,omitempty"`
	// Unit names the department or the like that the person belongs to, for reports.
	Unit string `json:"unit,omitempty"`
	// LeftOut, when not empty, is why the person is not asked for.
	LeftOut LeftOut `json:"left_out,omitempty"`
	// Known says that the platform itself has shown the account, in this very reading of
	// the scope, as one in use: its directory was read and lists it as active. It is false
	// where the account is taken unread from the OA, a file or a function, of an inactive
	// account, and of people who have left the scope. Platforms answer for an account that they do
	// not know with an empty success, so the silence of one that is not Known proves nothing.
	Known bool `json:"known,omitempty"`
}

// LeftOut is why a person is not asked for. The values stand in reports.
type LeftOut string

// The reasons. A scope may use further ones of its own.
const (
	// Unbound: no account of the platform is known for the person.
	Unbound LeftOut = "unbound"
	// Ambiguous: one account for two people, or two accounts for one person.
	// Choosing would be guessing, so nobody of them is asked for.
	Ambiguous LeftOut = "ambiguous"
	// Inactive: the platform's directory calls the account inactive or disabled.
	Inactive LeftOut = "inactive"
	// OutOfRoster: asked for by name, but not in the OA's roster (left, no login,
	// secondary account, sealed unit, no such id).
	OutOfRoster LeftOut = "out_of_roster"
	// Refused: the platform rejects the account.
	Refused LeftOut = "refused"
)

// Members returns a scope of the given people, for hosts that know them already.
// Repeated members count once; people who share an account and people with two
// are left out as ambiguous.
func Members(members ...Member) Scope { return settled(members) }

type memberList []Member

func (l memberList) Members(ctx context.Context) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		for _, m := range l {
			if err := ctx.Err(); err != nil {
				yield(Member{}, err)
				return
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// settled judges ambiguity over a whole list.
func settled(members []Member) memberList {
	accountOf, personOf := make(map[string]string, len(members)), make(map[string]string, len(members))
	bad := make(map[string]bool) // persons
	list := make(memberList, 0, len(members))
	for _, m := range members {
		if m.LeftOut != "" || m.Account == "" {
			list = append(list, m)
			continue
		}
		account, known := accountOf[m.Person]
		person, taken := personOf[m.Account]
		if known && account == m.Account && taken && person == m.Person {
			continue
		}
		if known && account != m.Account {
			bad[m.Person] = true
		}
		if taken && person != m.Person {
			bad[m.Person], bad[person] = true, true
		}
		accountOf[m.Person], personOf[m.Account] = m.Account, m.Person
		list = append(list, m)
	}
	for i := range list {
		if m := &list[i]; m.LeftOut == "" && bad[m.Person] {
			m.LeftOut = Ambiguous
		}
	}
	return list
}

// Collect reads the scope once and returns what it found as a scope in memory
// (about 110 bytes a person), together with its warnings: for runs that need the
// same people several times, such as one for punches and one for field check-ins.
func Collect(ctx context.Context, scope Scope) (Scope, []Warning, error) {
	var list []Member
	var warnings []Warning
	for m, err := range scope.Members(ctx) {
		if w, ok := AsWarning(err); ok {
			warnings = append(warnings, w)
			continue
		}
		if err != nil {
			return nil, warnings, err
		}
		list = append(list, m)
	}
	return memberList(list), warnings, nil
}

// A Directory lists the accounts of a platform, for whoever binds people of the
// OA to them.
type Directory interface {
	// Accounts streams every account that the credentials may see, each once,
	// under the stream contract of [Scope.Members]. It fails with
	// [CodePermission] where the directory may not be read, and warns with
	// [DirectoryPartial] where it may be read in part.
	Accounts(ctx context.Context) iter.Seq2[Account, error]
}

// DirectoryPartial is the code of the [Warning] of a [Directory] that shows only a part of
// the company: that an account is not in it proves nothing. Whoever binds people by the
// directory passes it on where it leaves somebody unbound, and may keep it to itself where
// everybody is found.
const DirectoryPartial = "directory_partial"

// An AccountLooker is an optional role of a [Directory]: is there such an account?
type AccountLooker interface {
	// HasAccount looks one account up by its id, by one call at most. false without an
	// error is the platform's own word that there is none; whatever leaves the question
	// open, such as an account out of sight, is an error with a [Code].
	HasAccount(ctx context.Context, id string) (has bool, err error)
}

// An Account is one entry of a platform's directory. Fields that the platform
// withholds are empty.
type Account struct {
	// ID is the userid that punches carry.
	ID   string
	Name string
	// JobNumber is the employee number kept on the platform (钉钉工号).
	JobNumber string
	// Mobile is the number without country code for mainland China, else
	// "+<country><number>".
	Mobile string
	// Emails are the addresses known, the corporate one first.
	Emails []string
	// Active is false for an account that was never activated or is disabled.
	Active bool
	// Unread says that the directory names the account and could not show it: it may be
	// asked for, but nobody knows whether it is in use ([Member.Known]).
	Unread bool
}
