package oasink

import (
	"cmp"
	"math"
	"slices"
)

// A likeness finds out whose punches the rows of a person are, by their seconds.
type likeness struct {
	accounts []string
	punched  [][]int64 // Unix seconds of each account, sorted, each once
	bySecond map[int64][]int32
	sorted   []int64 // all punches of all accounts
	persons  int     // how many people are to be found
}

// newLikeness takes the accounts' seconds; it sorts them.
func newLikeness(seconds map[string][]int64, persons int) *likeness {
	l := &likeness{bySecond: make(map[int64][]int32), persons: persons}
	for account := range seconds {
		l.accounts = append(l.accounts, account)
	}
	slices.Sort(l.accounts)
	for i, account := range l.accounts {
		list := slices.Clone(seconds[account])
		slices.Sort(list)
		list = slices.Compact(list)
		l.punched = append(l.punched, list)
		l.sorted = append(l.sorted, list...)
		for _, s := range list {
			l.bySecond[s] = append(l.bySecond[s], int32(i))
		}
	}
	slices.Sort(l.sorted)
	return l
}

// A likely account is one that some seconds of a person are punches of.
type likely struct {
	account int32
	matched int
}

// best are the accounts that the most of a person's seconds, each once, are punches
// of: the best one and the next; found is false if there is none.
func (l *likeness) best(seconds []int64) (first, next likely, found bool) {
	counts := make(map[int32]int)
	for _, s := range seconds {
		for _, a := range l.bySecond[s] {
			counts[a]++
		}
	}
	better := func(a, b likely) bool {
		return cmp.Or(cmp.Compare(b.matched, a.matched), cmp.Compare(a.account, b.account)) < 0
	}
	for a, n := range counts {
		switch one := (likely{a, n}); {
		case better(one, first) || !found:
			first, next, found = one, first, true
		case better(one, next):
			next = one
		}
	}
	return first, next, found
}

const (
	// around is how many seconds before and after are looked at to see how crowded a
	// moment was.
	around = 30
	// rarest is the most that one second can prove: of an hour in which people come,
	// each second is as likely as another.
	rarest = 1.0 / 3600
	// sure is how small the chance must be that anybody at all of the company is taken
	// for somebody else: 2 to the power of this.
	sure = -10
)

// chance is the binary logarithm of (a bound of) the chance that any account of
// somebody else shares so many of any person's seconds by coincidence: moments at
// which many punch prove little.
func (l *likeness) chance(seconds []int64, a int32) float64 {
	others := float64(max(len(l.accounts)-1, 1))
	matched, sum := 0, 0.0
	for _, s := range seconds {
		if _, found := slices.BinarySearch(l.punched[a], s); !found {
			continue
		}
		matched++
		same := float64(len(l.bySecond[s]) - 1)
		crowd := float64(l.between(s-around, s+around)-1) / (2*around + 1)
		sum += math.Log2(min(max(same/others, crowd/others, rarest), 1))
	}
	// Any so many of the seconds would have been taken, of anybody, for anybody.
	return sum + logChoose(len(seconds), matched) + math.Log2(float64(max(l.persons, 1))) + math.Log2(others)
}

// between is the number of punches in the seconds from first to last.
func (l *likeness) between(first, last int64) int {
	from, _ := slices.BinarySearch(l.sorted, first)
	to, _ := slices.BinarySearch(l.sorted, last+1)
	return to - from
}

// logChoose is the binary logarithm of the number of ways to choose k of n.
func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return (a - b - c) / math.Ln2
}
