package dingtalk

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// Users of a subtree are counted once however many of its departments they are in.
func TestChartCountsEachUserOnce(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			fake := dingtalktest.New(nil)
			parents := map[int64]int64{1: 0}
			for id := int64(2); id < 20; id++ {
				parents[id] = 1 + random.Int64N(id-1)
				fake.AddDepartment(dingtalktest.Department{ID: id, Parent: parents[id]})
			}
			members := map[int64]map[string]bool{} // by subtree
			for i := range 60 {
				user := dingtalktest.User{ID: fmt.Sprint("u", i)}
				for range 1 + random.IntN(4) {
					home := 1 + random.Int64N(19)
					user.Departments = append(user.Departments, home)
					for d := home; d != 0; d = parents[d] {
						if members[d] == nil {
							members[d] = map[string]bool{}
						}
						members[d][user.ID] = true
					}
				}
				fake.AddUser(user)
			}
			org, err := clientOf(t, fake, nil).readChart(t.Context())
			require.NoError(t, err)
			require.Len(t, org.nodes, 19)
			for i := range org.nodes {
				n := &org.nodes[i]
				require.Len(t, members[n.id], int(n.users), "department %d", n.id)
				if i > 0 {
					require.Equal(t, parents[n.id], org.nodes[n.parent].id)
					require.Less(t, n.parent, int32(i))
				}
				require.LessOrEqual(t, int(n.end), len(org.nodes))
			}
		})
	}
}

// Whatever the plan, everybody is asked for exactly once.
func TestPlanLeavesNobodyOut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		org := &chart{nodes: make([]node, 1+random.IntN(30)), home: map[string]int32{}, more: map[string][]int32{}}
		org.nodes[0].parent = -1
		for i := 1; i < len(org.nodes); i++ {
			// A walk in preorder: the parent is the last node or one above it.
			p := int32(i - 1)
			for random.IntN(2) == 0 && org.nodes[p].parent >= 0 {
				p = org.nodes[p].parent
			}
			org.nodes[i].parent = p
		}
		for i := len(org.nodes) - 1; i >= 0; i-- {
			n := &org.nodes[i]
			n.id, n.end = int64(i), max(n.end, int32(i+1))
			n.users += random.Int32N(200)
			n.refused.Store(random.IntN(8) == 0)
			if i > 0 {
				above := &org.nodes[n.parent]
				above.users += n.users
				above.end = max(above.end, n.end)
			}
		}
		var accounts []string
		for i := range 1 + random.IntN(300) {
			a := fmt.Sprint("u", i)
			accounts = append(accounts, a)
			if random.IntN(10) > 0 {
				org.home[a] = random.Int32N(int32(len(org.nodes)))
			}
			if _, known := org.home[a]; known && random.IntN(10) == 0 {
				org.more[a] = []int32{random.Int32N(int32(len(org.nodes)))}
			}
		}
		length := time.Duration(1+random.IntN(45)) * day
		shares, byName := org.plan(accounts, length)
		met := map[string]int{}
		for _, a := range byName {
			met[a]++
		}
		for _, s := range shares {
			require.NotEmpty(t, s.accounts)
			require.False(t, s.node.refused.Load())
			require.LessOrEqual(t, s.node.users, int32(largestSubtree))
			for _, a := range s.accounts {
				met[a]++
			}
		}
		require.Len(t, met, len(accounts))
		for a, n := range met {
			require.Equal(t, 1, n, a)
		}
		require.LessOrEqual(t, len(shares)+costByUsers(len(byName), length), max(1, costByUsers(len(accounts), length)))
	}
}

// Whoever is only in a department that cannot be asked is asked for by name.
func TestChartWithoutADepartment(t *testing.T) {
	for _, code := range []int{60003, 40035, 400002, 400, 99999} {
		synctest.Test(t, func(t *testing.T) {
			fake := companyOf(nil)
			fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 2, Path: pathUserIDs, Code: code})
			c := clientOf(t, fake, nil)
			org, err := c.chart.get(t.Context(), c)
			require.NoError(t, err, code)
			require.False(t, org.everybody)
			require.Contains(t, org.home, "four")
			require.NotContains(t, org.home, "two")
			if code != 60003 { // else it is gone
				require.Contains(t, org.home, "three", "the departments below are known")
			}
			var q attendance.Query
			now := time.Now().In(shanghai())
			q.Span = attendance.Span{From: now.Add(-30 * day), To: now}
			for _, account := range append(staff(fake, 30), "boss", "two", "three", "four") {
				q.Accounts = append(q.Accounts, account)
				fake.AddCheckIn(dingtalktest.CheckIn{UserID: account, Time: now.Add(-time.Hour), Place: "p"})
			}
			a, err := clientOf(t, fake, nil).CheckIns().Fetch(t.Context(), q)
			require.NoError(t, err)
			require.Len(t, a.Punches, len(q.Accounts), "nobody lost")
		})
	}
	synctest.Test(t, func(t *testing.T) {
		fake := companyOf(nil)
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 1, Path: pathUserIDs, Code: 400002})
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 1, Path: pathDepartmentIDs, Code: 400002})
		c := clientOf(t, fake, nil)
		org, err := c.chart.get(t.Context(), c)
		require.NoError(t, err)
		require.True(t, org.everybody)
	})
}

func TestChartErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		fake.AddDepartment(dingtalktest.Department{ID: 2, Parent: 1}, dingtalktest.Department{ID: 3, Parent: 2})
		c := clientOf(t, fake, nil)
		// A department that vanishes while the chart is read is nobody's trouble.
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathUserIDs, After: 1, Times: 1, Body: `{"errcode":60003,"errmsg":"部门不存在"}`})
		org, err := c.chart.get(t.Context(), c)
		require.NoError(t, err)
		require.False(t, org.everybody)
		require.Len(t, org.nodes, 2)

		// Trouble that passes is not remembered.
		c = clientOf(t, fake, nil)
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Busy, Path: pathDepartmentIDs})
		_, err = c.chart.get(t.Context(), c)
		require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
		fake.Heal()
		org, err = c.chart.get(t.Context(), c)
		require.NoError(t, err)
		require.Len(t, org.nodes, 3)
	})
}
