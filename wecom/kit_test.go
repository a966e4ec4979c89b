package wecom

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider/providertest"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// upstream lets the conformance kit drive the fake.
type upstream struct {
	fake     *wecomtest.Server
	app      App
	days     int
	accounts []string
}

func (u *upstream) Provider(t testing.TB) attendance.Provider {
	return clientOf(t, u.fake, func(c *Config) { c.App, c.Days = u.app, u.days }).CheckIns()
}

func (u *upstream) Accounts(testing.TB) []string { return u.accounts }

func (u *upstream) Put(_ testing.TB, punches ...attendance.Punch) {
	for _, p := range punches {
		r := wecomtest.Record{
			UserID: p.Account, Time: p.Time, Detail: p.Place.Address, Notes: p.Remark,
			Longitude: p.Place.Longitude, Latitude: p.Place.Latitude, Located: p.Place.Located,
		}
		switch {
		case p.Kind == attendance.Field:
			r.Type = "外出打卡"
		case p.Direction == attendance.Out:
			r.Type, r.Exception = "下班打卡", "地点异常;wifi异常"
		default:
			r.Type = "上班打卡"
		}
		u.fake.AddRecord(r)
	}
}

func (u *upstream) Requests(testing.TB) int { return u.fake.Requests(wecomtest.PathCheckIn) }

func (u *upstream) TokenRequests(testing.TB) int { return u.fake.Requests(wecomtest.PathToken) }

func (u *upstream) Secrets() []string { return []string{wecomtest.DefaultSecret} }

func (u *upstream) Fail(_ testing.TB, f providertest.Fault) bool {
	fault := wecomtest.Fault{Kind: wecomtest.Errcode, Path: wecomtest.PathCheckIn, Times: f.Times}
	switch f.Kind {
	case providertest.TokenExpired:
		u.fake.ExpireTokens()
		return true
	case providertest.TokenRejected:
		fault.Kind = wecomtest.TokenExpired
	case providertest.BadSecret:
		fault.Kind, fault.Path = wecomtest.BadSecret, ""
	case providertest.Throttled:
		fault.Code = 45033 // what passes by itself; 45009 has rules of its own
	case providertest.Busy:
		fault.Code = -1
	case providertest.Forbidden:
		fault.Code = 48002
	case providertest.BadAccount:
		fault.Code, fault.User = 60111, f.Account
	case providertest.Garbage:
		fault.Kind = wecomtest.HTMLPage
	case providertest.HalfBody:
		fault.Kind = wecomtest.HalfBody
	case providertest.Reset:
		fault.Kind = wecomtest.Reset
	case providertest.Slow:
		fault.Kind = wecomtest.Hang
	default:
		return false
	}
	u.fake.Fail(fault)
	return true
}

// The kit holds in every world that the documentation leaves possible.
func TestCheckInsPassTheKit(t *testing.T) {
	for _, model := range []wecomtest.WindowModel{wecomtest.WindowByDay, wecomtest.WindowByTime} {
		for _, exclusive := range []bool{false, true} {
			for _, old := range []bool{false, true} { // the third-party page of old: few days, no places
				name := fmt.Sprintf("model=%d,exclusive=%v,old=%v", model, exclusive, old)
				t.Run(name, func(t *testing.T) {
					providertest.Run(t, func(testing.TB) providertest.Upstream {
						options := wecomtest.Options{Window: model, EndExclusive: exclusive, OldThirdParty: old}
						u := &upstream{}
						if old {
							options.App, u.app, u.days = wecomtest.ThirdParty, ThirdParty, leastDays
						}
						u.fake = wecomtest.New(&options)
						u.accounts = staff(u.fake, accountsPerCall+1)
						return u
					}, providertest.Features{
						Kinds:      []attendance.Kind{attendance.Regular, attendance.Field},
						Directions: true, Places: !old, Remarks: true,
					})
				})
			}
		}
	}
}

// WeCom answers with its directory's spelling of a userid, whatever was asked for.
func TestUserIDsHaveNoCase(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		fake.AddUser(wecomtest.User{ID: "ZhangSan", Name: "张三"})
		s := lastDay()
		fake.AddRecord(wecomtest.Record{UserID: "ZhangSan", Time: s.From.Add(3600e9)})
		for _, spelling := range []string{"ZhangSan", "zhangsan", "ZHANGSAN"} {
			a, err := fetch(t, clientOf(t, fake, nil), s, spelling)
			if err != nil || len(a.Punches) != 1 || a.Punches[0].Account != spelling || len(a.Skipped) != 0 {
				t.Fatal(strconv.Quote(spelling), a, err)
			}
		}
	})
}
