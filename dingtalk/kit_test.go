package dingtalk

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/punchbridge/punchbridge/provider/providertest"
)

// upstream lets the conformance kit drive the fake.
type upstream struct {
	fake     *dingtalktest.Server
	provider func(*Client) attendance.Provider
	paths    []string
	accounts []string
	put      func(*dingtalktest.Server, attendance.Punch)
}

func (u *upstream) Provider(t testing.TB) attendance.Provider {
	return u.provider(clientOf(t, u.fake, nil))
}

func (u *upstream) Accounts(testing.TB) []string { return u.accounts }

func (u *upstream) Put(_ testing.TB, punches ...attendance.Punch) {
	for _, p := range punches {
		u.put(u.fake, p)
	}
}

func (u *upstream) Requests(testing.TB) int {
	n := 0
	for _, path := range u.paths {
		n += u.fake.Requests(path)
	}
	return n
}

func (u *upstream) TokenRequests(testing.TB) int { return u.fake.Requests(dingtalktest.PathToken) }

func (u *upstream) Secrets() []string { return []string{dingtalktest.DefaultAppSecret} }

func (u *upstream) Fail(_ testing.TB, f providertest.Fault) bool {
	var kind dingtalktest.FaultKind
	switch f.Kind {
	case providertest.TokenExpired:
		u.fake.ExpireTokens()
		return true
	case providertest.BadSecret:
		u.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadSecret, Times: f.Times})
		return true
	case providertest.BadAccount:
		if u.paths[0] == pathCheckInsOfDepartment {
			return false // it names no accounts
		}
		for _, path := range u.paths {
			u.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.BadAccount, Path: path, User: f.Account, Times: f.Times})
		}
		return true
	case providertest.TokenRejected:
		kind = dingtalktest.TokenExpired
	case providertest.Throttled:
		kind = dingtalktest.Throttled
	case providertest.Busy:
		kind = dingtalktest.Busy
	case providertest.Forbidden:
		kind = dingtalktest.Forbidden
	case providertest.Garbage:
		kind = dingtalktest.HTMLPage
	case providertest.HalfBody:
		kind = dingtalktest.HalfBody
	case providertest.Reset:
		kind = dingtalktest.Reset
	case providertest.Slow:
		kind = dingtalktest.Hang
	default:
		return false
	}
	// The kit counts requests for records: the trouble is theirs, whichever of the
	// endpoints comes first.
	if f.Times > 0 && len(u.paths) > 1 {
		u.fake.Fail(dingtalktest.Fault{Kind: kind, Path: u.paths[0], Times: f.Times})
		return true
	}
	for _, path := range u.paths {
		u.fake.Fail(dingtalktest.Fault{Kind: kind, Path: path, Times: f.Times})
	}
	return true
}

func staff(fake *dingtalktest.Server, n int) []string {
	accounts := make([]string, n)
	for i := range accounts {
		accounts[i] = fmt.Sprintf("staff%04d", i)
		fake.AddUser(dingtalktest.User{ID: accounts[i], Name: "测试", Departments: []int64{1}})
	}
	return accounts
}

func TestPunchesPassTheKit(t *testing.T) {
	for _, exclusive := range []bool{false, true} {
		for _, envelope := range []dingtalktest.Envelope{dingtalktest.EnvelopeUsual, dingtalktest.EnvelopeText} {
			t.Run(fmt.Sprintf("exclusive=%v,envelope=%d", exclusive, envelope), func(t *testing.T) {
				providertest.Run(t, func(t testing.TB) providertest.Upstream {
					fake := dingtalktest.New(&dingtalktest.Options{ExclusiveTo: exclusive, Envelope: envelope})
					return &upstream{
						fake:     fake,
						provider: func(c *Client) attendance.Provider { return c.Punches() },
						paths:    []string{pathListRecord},
						accounts: staff(fake, 51),
						put: func(fake *dingtalktest.Server, p attendance.Punch) {
							id, err := strconv.ParseInt(p.ID, 10, 64)
							require.NoError(t, err)
							location := "Normal"
							if p.Kind == attendance.Outside {
								location = "Outside"
							}
							fake.AddPunch(dingtalktest.Punch{
								ID: id, UserID: p.Account, Time: p.Time,
								CheckType:      map[attendance.Direction]string{attendance.In: "OnDuty", attendance.Out: "OffDuty"}[p.Direction],
								LocationResult: location, TimeResult: "Normal",
								Address: p.Place.Address, Remark: p.Remark,
								Longitude: p.Place.Longitude, Latitude: p.Place.Latitude, Located: p.Place.Located,
								CoordinatesAsText: id%2 == 0,
							})
						},
					}
				}, providertest.Features{
					Kinds:      []attendance.Kind{attendance.Regular, attendance.Outside},
					Directions: true, IDs: true, Places: true, Remarks: true,
				})
			})
		}
	}
}

// narrow bounds what the kit asks for, so that the fake is not asked for a
// hundred thousand check-ins.
type narrow struct {
	*CheckIns
	limits attendance.Limits
}

func (n narrow) Limits() attendance.Limits { return n.limits }

func TestCheckInsPassTheKit(t *testing.T) {
	for name, test := range map[string]struct {
		limits attendance.Limits
		paths  []string
	}{
		// Few people for a day are asked for by name, many for long by department.
		"by name":       {attendance.Limits{Accounts: 10, Span: 24 * time.Hour}, []string{pathCheckInsOfUsers}},
		"by department": {attendance.Limits{Accounts: 60, Span: 12 * 24 * time.Hour}, []string{pathCheckInsOfDepartment, pathCheckInsOfUsers}},
	} {
		for _, exclusive := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,exclusive=%v", name, exclusive), func(t *testing.T) {
				providertest.Run(t, func(t testing.TB) providertest.Upstream {
					fake := dingtalktest.New(&dingtalktest.Options{ExclusiveTo: exclusive})
					return &upstream{
						fake:     fake,
						provider: func(c *Client) attendance.Provider { return narrow{c.CheckIns(), test.limits} },
						paths:    test.paths,
						accounts: staff(fake, test.limits.Accounts+1),
						put: func(fake *dingtalktest.Server, p attendance.Punch) {
							fake.AddCheckIn(dingtalktest.CheckIn{
								UserID: p.Account, Time: p.Time, Place: "客户大厦", DetailPlace: p.Place.Address, Remark: p.Remark,
								Longitude: p.Place.Longitude, Latitude: p.Place.Latitude,
							})
						},
					}
				}, providertest.Features{Kinds: []attendance.Kind{attendance.Field}, Places: true, Remarks: true})
			})
		}
	}
}
