package oasink

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

// A crowd is a company whose people punch in and out within so many seconds of each
// other, on so many days.
type crowd struct {
	people, days, within int
	lost                 float64 // which part of the accounts is not in the directory
	dropped              float64 // which part of the old rows was never written
	strange              float64 // which part of the old rows is by hand
}

// play makes the crowd and proposes. Person i is the account "u<i>"; there is how many
// of these are in the directory.
func (c crowd) play(random *rand.Rand) (list []Proposal, there int) {
	punched, names := make(map[string][]int64), make(map[string]string)
	people := make([]rowed, c.people)
	for i := range people {
		account := fmt.Sprint("u", i)
		people[i].member = attendance.Member{Person: fmt.Sprint(i)}
		names[account] = "name of " + account
		var list []int64
		for day := range c.days {
			for shift := range 2 {
				s := int64(day*86400 + shift*36000 + random.IntN(c.within))
				list = append(list, s)
				if random.Float64() < c.dropped {
					continue
				}
				if random.Float64() < c.strange {
					s = int64(day*86400 + shift*36000 + random.IntN(c.within))
				}
				people[i].seconds = append(people[i].seconds, s)
			}
		}
		if random.Float64() >= c.lost {
			punched[account] = list
		}
	}
	return propose(ProposeOptions{MinMatched: defaultMinMatched, MinShare: defaultMinShare}, people, punched, names), len(punched)
}

// Nobody is ever taken for somebody else, however crowded it is and whoever is missing;
// and where there is proof, it is found.
func TestProposalsInCrowds(t *testing.T) {
	for name, c := range map[string]struct {
		crowd
		found float64 // at least, of those whose account is in the directory
	}{
		"a few people, an hour":                  {crowd{people: 5, days: 5, within: 3600}, 1},
		"an office, half an hour":                {crowd{people: 300, days: 5, within: 1800, dropped: 0.02}, 0.99},
		"a shop floor, one minute":               {crowd{people: 1000, days: 5, within: 60}, 0.99},
		"a gate, ten seconds":                    {crowd{people: 500, days: 5, within: 10}, 0.9},
		"a gate, ten seconds, one day":           {crowd{people: 500, days: 1, within: 10}, 0},
		"two seconds":                            {crowd{people: 200, days: 5, within: 2}, 0},
		"everybody in the same second":           {crowd{people: 50, days: 10, within: 1}, 0},
		"half of the accounts are gone":          {crowd{people: 1000, days: 5, within: 60, lost: 0.5}, 0.99},
		"nobody is in the directory but a few":   {crowd{people: 1000, days: 3, within: 20, lost: 0.97}, 0},
		"some rows by hand":                      {crowd{people: 300, days: 10, within: 600, strange: 0.1}, 0.8},
		"half of the rows by hand":               {crowd{people: 300, days: 5, within: 60, strange: 0.5}, 0},
		"two days, an hour":                      {crowd{people: 2000, days: 2, within: 3600}, 0.9},
		"one day, all accounts gone but a third": {crowd{people: 3000, days: 1, within: 900, lost: 0.66}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(3) {
				owners := make(map[string]string)
				right := 0
				list, there := c.play(rand.New(rand.NewPCG(seed, 7)))
				for i, p := range list {
					mine := fmt.Sprint("u", i)
					if p.Member.Account == "" {
						require.NotEmpty(t, p.Doubt)
						continue
					}
					require.Equal(t, mine, p.Member.Account, "seed %d: %+v", seed, p)
					require.Empty(t, p.Doubt)
					require.Empty(t, owners[p.Member.Account], "one account for two people")
					owners[p.Member.Account] = p.Member.Person
					require.GreaterOrEqual(t, p.Confidence(), defaultMinShare)
					require.LessOrEqual(t, p.RunnerUpShare(), p.Confidence()/2)
					right++
				}
				t.Logf("%d of %d", right, there)
				require.GreaterOrEqual(t, float64(right), c.found*float64(there), "seed %d", seed)
			}
		})
	}
}

func TestProposals(t *testing.T) {
	old := func(person string, seconds ...int64) rowed {
		return rowed{attendance.Member{Person: person}, seconds}
	}
	punched := map[string][]int64{
		"zhang": {100, 40000, 90000, 130000, 180000, 220000},
		"li":    {500, 41000, 90500, 131000, 180500},
		"twin":  {500, 41000, 90500, 131000, 180500},
		"wang":  {700, 42000, 90700, 132000, 180700},
		"zhao":  {900, 43000, 90900, 133000, 180900},
	}
	o := ProposeOptions{MinMatched: defaultMinMatched, MinShare: defaultMinShare}
	list := propose(o, []rowed{
		old("1", 100, 40000, 90000, 130000),         // all of them
		old("2", 500, 41000, 90500, 131000, 180500), // two accounts alike
		old("3", 700, 42000, 90700, 132000, 180700), // and the fourth as well
		old("4", 700, 42000, 90700, 132000, 180700),
		old("5", 900, 43000, 5, 6, 7),
		old("6", 900, 43000),
		old("7", 1, 2, 3, 4),
		old("8"),
	}, punched, map[string]string{"zhang": "张三"})
	doubts := make([]Doubt, len(list))
	for i, p := range list {
		doubts[i] = p.Doubt
	}
	require.Equal(t, []Doubt{"", NotUnique, Taken, Taken, TooDifferent, TooFew, NoMatch, NoOldRows}, doubts)
	require.Equal(t, Proposal{Member: attendance.Member{Person: "1", Account: "zhang"}, Candidate: "zhang", AccountName: "张三", Compared: 4, Matched: 4}, list[0])
	require.InDelta(t, 1.0, list[1].RunnerUpShare(), 0)
	require.Empty(t, list[1].Member.Account)
}
