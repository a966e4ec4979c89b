package dingtalk

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

const (
	pathDepartmentIDs = "/topapi/v2/department/listsubid"
	pathUserIDs       = "/topapi/user/listid"
)

// rootDepartment is the id of the company itself.
const rootDepartment = 1

// chartLife is how long a chart is used. Who changes department meanwhile is
// still asked for: a department answers with its people's check-ins of now, and
// who is missing from the chart is asked for by name.
const chartLife = time.Hour

// checkInsPerDay is how many check-ins a person is taken to make in a day when
// pages are estimated. Most people make none, some make several.
const checkInsPerDay = 0.2

// A chart is the organisation as departments see it: which department lies below
// which, how many users a subtree has, and who is in which. It takes about 60
// bytes a person. It does not change, but for the refusals.
type chart struct {
	// nodes are in the order of a walk that visits a department before those below
	// it, which follow it directly: the subtree of node i is nodes[i:nodes[i].end].
	nodes []node
	// home is each account's first department, more holds the others of those in
	// several, ascending.
	home map[string]int32
	more map[string][]int32
	// everybody says that the organisation could not be read: the root is all that
	// is known, and everybody is taken to be in it.
	everybody bool
}

type node struct {
	id     int64
	parent int32
	end    int32
	// users is the number of different users in the subtree.
	users int32
	// refused says that DingTalk did not answer for the subtree.
	refused atomic.Bool
}

// A chartCache keeps the latest chart of a Client.
type chartCache struct {
	latest atomic.Pointer[datedChart]
	// reading holds a token while a chart is read.
	reading chan struct{}
}

type datedChart struct {
	*chart
	read time.Time
}

// get returns a chart that is at most an hour old by the real clock. One caller
// reads it, the others wait, each until its own ctx ends.
func (cache *chartCache) get(ctx context.Context, c *Client) (*chart, error) {
	fresh := func() *chart {
		if d := cache.latest.Load(); d != nil && c.clock().Sub(d.read) < chartLife {
			return d.chart
		}
		return nil
	}
	if org := fresh(); org != nil {
		return org, nil
	}
	select {
	case cache.reading <- struct{}{}:
		defer func() { <-cache.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if org := fresh(); org != nil {
		return org, nil
	}
	began := c.clock()
	org, err := c.readChart(ctx)
	switch {
	case cannotBeAsked(err) || attendance.CodeOf(err) == attendance.CodePermission:
		// May not be read. Whether the company is small enough to be asked for as a
		// whole can still be tried.
		org = &chart{nodes: make([]node, 1), everybody: true}
		org.nodes[0].id, org.nodes[0].parent, org.nodes[0].end = rootDepartment, -1, 1
	case err != nil:
		return nil, err
	}
	cache.latest.Store(&datedChart{org, began})
	return org, nil
}

// readChart walks the organisation by two calls a department, which are not
// metered and not limited by the application's range of contacts.
func (c *Client) readChart(ctx context.Context) (*chart, error) {
	w := chartWalk{client: c, met: map[int64]bool{}, chart: &chart{home: map[string]int32{}, more: map[string][]int32{}}}
	if err := w.visit(ctx, rootDepartment, -1); err != nil {
		return nil, err
	}
	return w.finish(), nil
}

type chartWalk struct {
	client  *Client
	met     map[int64]bool
	visited []visited
	chart   *chart
	wrong   int // departments that were called wrong, since the last answer
}

type visited struct {
	id                 int64
	parent, end, users int32
}

func (w *chartWalk) visit(ctx context.Context, id int64, parent int32) error {
	if w.met[id] {
		return nil
	}
	w.met[id] = true
	at := int32(len(w.visited))
	w.visited = append(w.visited, visited{id: id, parent: parent, end: at + 1})
	users, below, err := w.client.department(ctx, id)
	switch {
	case err == nil:
		w.wrong = 0
	case !cannotBeAsked(err) || parent < 0 && len(below) == 0:
		return err
	case attendance.CodeOf(err) != attendance.CodeAccount:
		if w.wrong++; w.wrong >= mostWrong {
			return err
		}
	}
	// Whoever is only in a department that is not answered for is asked for by name.
	for raw := range provider.Array(users) {
		w.add(provider.TextBytes(raw), at)
	}
	for raw := range provider.Array(below) {
		child, ok := provider.Int(raw)
		if !ok {
			return stuck(pathDepartmentIDs, "a department id is no number: "+provider.OneLine(string(raw)))
		}
		if err := w.visit(ctx, child, at); err != nil {
			return err
		}
	}
	w.visited[at].end = int32(len(w.visited))
	return nil
}

// department returns the users and the children of one department. Beside an error
// stands which of the two is known.
func (c *Client) department(ctx context.Context, id int64) (users, below []byte, err error) {
	body := departmentBody{ID: id}
	reply, err := c.call(ctx, provider.Request{URL: pathUserIDs, Body: body})
	if err != nil && (!cannotBeAsked(err) || attendance.CodeOf(err) == attendance.CodeAccount) {
		return nil, nil, err
	}
	if err == nil {
		users = provider.Member(provider.Member(reply.Body, "result"), "userid_list")
	}
	reply, belowErr := c.call(ctx, provider.Request{URL: pathDepartmentIDs, Body: body})
	if belowErr == nil {
		below = provider.Member(provider.Member(reply.Body, "result"), "dept_id_list")
	}
	if belowErr != nil && (err == nil || !cannotBeAsked(belowErr)) {
		err = belowErr
	}
	return users, below, err
}

type departmentBody struct {
	ID int64 `json:"dept_id"`
}

// add notes that a user is in a department.
func (w *chartWalk) add(user []byte, at int32) {
	if len(user) == 0 {
		return
	}
	w.visited[at].users++
	first, known := w.chart.home[string(user)]
	switch {
	case !known:
		w.chart.home[string(user)] = at
	case first == at:
		w.visited[at].users--
	default:
		others := w.chart.more[string(user)]
		if len(others) > 0 && others[len(others)-1] == at {
			w.visited[at].users--
			return
		}
		w.chart.more[string(user)] = append(others, at)
	}
}

// finish sums up the users of every subtree, each user once: who is in two
// departments is taken off where the two meet.
func (w *chartWalk) finish() *chart {
	for user, others := range w.chart.more {
		at := w.chart.home[user]
		for _, other := range others {
			w.visited[w.meet(at, other)].users--
			at = other
		}
	}
	for i := len(w.visited) - 1; i > 0; i-- {
		w.visited[w.visited[i].parent].users += w.visited[i].users
	}
	w.chart.nodes = make([]node, len(w.visited))
	for i, v := range w.visited {
		n := &w.chart.nodes[i]
		n.id, n.parent, n.end, n.users = v.id, v.parent, v.end, v.users
	}
	return w.chart
}

// meet returns the lowest department that has both below it or is one of them.
// A department comes after all those above it.
func (w *chartWalk) meet(a, b int32) int32 {
	for a != b {
		if a < b {
			a, b = b, a
		}
		a = w.visited[a].parent
	}
	return a
}

// homes yields the departments that an account is in directly.
func (o *chart) homes(account string) []int32 {
	if o.everybody {
		return []int32{0}
	}
	first, known := o.home[account]
	if !known {
		return nil
	}
	return append([]int32{first}, o.more[account]...)
}

// A share is a department to ask for, and the people whom that answers.
type share struct {
	node     *node
	accounts []string
}

// plan divides people into departments that are asked for with all below them,
// and those that are cheaper asked for by name.
func (o *chart) plan(accounts []string, length time.Duration) (shares []share, byName []string) {
	p := planning{
		chart:     o,
		asked:     make([]int32, len(o.nodes)),
		days:      float64(length) / float64(day),
		perPerson: math.Min(float64(pieces(length, spanOfGroup))/groupOfUsers, float64(pieces(length, spanOfUser))),
		windows:   float64(pieces(length, checkInSpan)),
	}
	p.count(accounts)
	_, picks := p.best(0)

	picked := make(map[int32]int, len(picks))
	for i, at := range picks {
		picked[at] = i
	}
	all := make([]share, len(picks))
	for _, account := range accounts {
		i, found := o.cover(account, picked)
		if !found {
			byName = append(byName, account)
			continue
		}
		all[i].accounts = append(all[i].accounts, account)
	}
	cost := float64(costByUsers(len(byName), length))
	for i, at := range picks {
		if len(all[i].accounts) > 0 {
			all[i].node = &o.nodes[at]
			shares = append(shares, all[i])
			cost += p.whole(at)
		}
	}
	if float64(costByUsers(len(accounts), length)) <= cost {
		return nil, accounts
	}
	return shares, byName
}

// cover finds the pick that an account lies below.
func (o *chart) cover(account string, picked map[int32]int) (pick int, found bool) {
	for _, at := range o.homes(account) {
		for ; at >= 0; at = o.nodes[at].parent {
			if pick, found = picked[at]; found {
				return pick, true
			}
		}
	}
	return 0, false
}

type planning struct {
	chart *chart
	// asked is how many of the people lie in each subtree.
	asked []int32
	// days is the length of the query, windows the number of calls that it takes
	// at least, perPerson what one of many people costs by name.
	days, windows, perPerson float64
}

func (p *planning) count(accounts []string) {
	last := make([]int, len(p.chart.nodes)) // the last account counted, plus one
	for i, account := range accounts {
		for _, at := range p.chart.homes(account) {
			for ; at >= 0 && last[at] != i+1; at = p.chart.nodes[at].parent {
				last[at] = i + 1
				p.asked[at]++
			}
		}
	}
}

// whole is the likely number of calls for a subtree asked for at once.
func (p *planning) whole(at int32) float64 {
	n := &p.chart.nodes[at]
	if n.users > largestSubtree || n.refused.Load() {
		return math.Inf(1)
	}
	return p.windows + math.Floor(float64(n.users)*p.days*checkInsPerDay/checkInPage)
}

// best returns the cheapest way to ask for the people of a subtree: its likely
// number of calls, and the departments to ask for. Nobody picked is by name.
func (p *planning) best(at int32) (cost float64, picks []int32) {
	if p.asked[at] == 0 {
		return 0, nil
	}
	nodes := p.chart.nodes
	byName, whole := float64(p.asked[at])*p.perPerson, p.whole(at)
	split, direct := 0.0, p.asked[at]
	for below := at + 1; below < nodes[at].end; below = nodes[below].end {
		c, more := p.best(below)
		split += c
		direct -= p.asked[below]
		picks = append(picks, more...)
	}
	split += float64(max(direct, 0)) * p.perPerson
	switch {
	case whole <= split && whole <= byName:
		return whole, []int32{at}
	case split < byName:
		return split, picks
	default:
		return byName, nil
	}
}
