package attendance

import (
	"context"
	"slices"
)

// SharedAccounts finds accounts that more than one of the streams asks for, by what
// they remember: two jobs that read the same people cost twice the calls, and where an
// account is bound to two people, both get its punches. The streams are taken to be of
// one company. It holds the accounts of all streams in memory. What it finds stands in the
// order in which it was met; its errors are the store's.
func SharedAccounts(ctx context.Context, store CoverageStore, streams ...Stream) ([]SharedAccount, error) {
	seen := make(map[string]SharedAccount)
	isShared := make(map[string]bool)
	var shared []string
	for _, s := range streams {
		for c, err := range store.People(ctx, s) {
			switch {
			case err != nil:
				return nil, err
			case c.Account == "" || !c.met() || !c.Gone.IsZero():
				continue
			}
			one := seen[c.Account]
			one.Account = c.Account
			if !slices.Contains(one.Jobs, s.Job) {
				one.Jobs = append(one.Jobs, s.Job)
			}
			if !slices.Contains(one.Persons, c.Person) {
				one.Persons = append(one.Persons, c.Person)
			}
			if seen[c.Account] = one; len(one.Jobs) > 1 && !isShared[c.Account] {
				isShared[c.Account] = true
				shared = append(shared, c.Account)
			}
		}
	}
	found := make([]SharedAccount, len(shared))
	for i, account := range shared {
		found[i] = seen[account]
	}
	return found, nil
}

// A SharedAccount is an account that several jobs ask for.
type SharedAccount struct {
	Account string
	Jobs    []string
	Persons []string // whom it is bound to; more than one is a fault of the bindings
}
