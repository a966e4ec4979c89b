package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// wecomSite is a site whose platform is WeCom. Its people are bound by workcode
// W<id> to the userid w<id>: WeCom's userids have no case.
type wecomSite struct {
	*site
	wx *wecomtest.Server
}

func newWecomSite(t testing.TB, options wecomtest.Options) *wecomSite {
	options.Now = noon
	if options.PerMinute == 0 {
		options.PerMinute = -1
	}
	s := &wecomSite{newSite(t, "e8"), wecomtest.New(&options)}
	s.kind = "wecom"
	s.wx.AddDepartment(wecomtest.Department{ID: 50, Parent: 1, Name: "全体"})
	for id := 17; id <= 21; id++ {
		s.wx.AddUser(wecomtest.User{ID: fmt.Sprintf("w%d", id), Name: "员工", Departments: []int64{50}, Mobile: fmt.Sprintf("1380000%04d", id), BizMail: fmt.Sprintf("p%d@example.com", id)})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := s.handler.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			return
		}
		s.wx.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	s.provider = []string{"corp_id: " + wecomtest.DefaultCorpID, `agent_id: "3010011"`, "secret: " + wecomtest.DefaultSecret,
		"base_url: " + s.url, "requests_per_second: 10000"}
	return s
}

func (s *wecomSite) punch(id int, clock, kind string, change ...func(*wecomtest.Record)) {
	s.t.Helper()
	r := wecomtest.Record{UserID: fmt.Sprintf("w%d", id), Time: at(s.t, clock), Type: kind}
	for _, f := range change {
		f(&r)
	}
	s.wx.AddRecord(r)
}

// ordinary gives everybody an in and an out on the 2nd to the 6th.
func (s *wecomSite) ordinary() {
	for day := 2; day <= 6; day++ {
		for id := 17; id <= 21; id++ {
			s.punch(id, fmt.Sprintf("%02d 08:5%d:%02d", day, id%10, id), "上班打卡")
			s.punch(id, fmt.Sprintf("%02d 18:0%d:%02d", day, id%10, id), "下班打卡")
		}
	}
}

// silent sees to it that no secret came out.
func (s *wecomSite) silent(r result) {
	s.t.Helper()
	for _, secret := range []string{wecomtest.DefaultSecret, wecomtest.DefaultContactSecret, "access_token=", "corpsecret="} {
		require.NotContains(s.t, r.stdout+r.stderr, secret)
	}
}

// TestWecomRows has every row of the contract's table for WeCom.
func TestWecomRows(t *testing.T) {
	t.Parallel()
	s := newWecomSite(t, wecomtest.Options{})
	exception := func(words string) func(*wecomtest.Record) {
		return func(r *wecomtest.Record) { r.Exception = words }
	}
	located := func(r *wecomtest.Record) {
		r.Located, r.Longitude, r.Latitude, r.Title, r.Detail, r.Notes = true, 121.473701, 31.230416, "示例大厦", "示例路1号", "备注"
	}
	s.punch(17, "02 08:55:10", "上班打卡", located)
	s.punch(17, "02 18:05:20", "下班打卡", exception("地点异常"))
	s.punch(17, "02 14:00:00", "外出打卡", located)
	s.punch(18, "02 09:40:00", "上班打卡", exception("时间异常"))
	s.punch(18, "02 18:10:00", "下班打卡", exception("wifi异常;非常用设备"))
	s.punch(18, "03 09:00:00", "上班打卡", exception("未打卡"))
	s.punch(18, "03 18:00:00", "下班打卡", exception("地点异常；未打卡"))
	s.punch(19, "03 01:12:40", "下班打卡", func(r *wecomtest.Record) { r.Day = at(t, "02 00:00:00") }) // its own date
	s.punch(20, "02 08:00:00", "上班打卡")
	s.punch(20, "02 08:00:00", "下班打卡")
	s.punch(20, "02 08:00:00", "上班打卡", func(r *wecomtest.Record) { r.TimelineID = 2 }) // the same second again
	s.punch(21, "02 10:00:00", "加班打卡")
	s.punch(21, "09 18:00:00", "下班打卡") // later today

	r := s.bridge("backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-09")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	s.silent(r)
	d := r.document
	require.Equal(t, map[string]int{"missing_punch": 2, "unknown_type": 1, "same_second": 1, "future": 1}, d.Skipped)
	require.Equal(t, 8, d.Written)
	require.Equal(t, d.Written+5, d.Read)
	require.Equal(t, 1, d.Calls)
	require.Equal(t, []string{
		"20|1|2026-03-02|08:00:00", "20|2|2026-03-02|08:00:00", "17|1|2026-03-02|08:55:10", "18|1|2026-03-02|09:40:00",
		"17|2|2026-03-02|18:05:20", "18|2|2026-03-02|18:10:00", "19|2|2026-03-03|01:12:40",
	}, s.rows(signRows))
	require.Equal(t, []string{"1|1|from_wx"}, s.rows(`SELECT DISTINCT userType, isInCom, signFrom FROM HrmScheduleSign`))
	require.Equal(t, []string{"121.473701|31.230416|示例大厦 示例路1号"}, s.rows(`SELECT LONGITUDE, LATITUDE, ADDR FROM HrmScheduleSign WHERE signTime = '08:55:10'`))
	require.Equal(t, []string{"17|mobile_sign|2026-03-02|14:00:00|121.473701|31.230416|示例大厦 示例路1号|备注"}, s.rows(mobileRows))

	r = s.bridge("backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-09")
	require.Zero(t, r.document.Written)
	require.Equal(t, 8, r.document.Present)
}

// The automatic run reads today and the days before it; a whole year takes one
// call for 100 people and 25 days.
func TestWecomWindows(t *testing.T) {
	t.Parallel()
	s := newWecomSite(t, wecomtest.Options{})
	s.ordinary()
	s.punch(17, "09 08:30:00", "上班打卡")
	s.punch(17, "01 08:30:00", "上班打卡")
	r := s.bridge("run", "daily")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, "2026-03-03T00:00:00+08:00", r.document.From)
	require.Equal(t, 4*10+1, r.document.Written)
	require.Equal(t, 1, r.document.Calls)

	r = s.bridge("backfill", "daily", "-from", "2025-03-10", "-to", "2026-03-09")
	require.Equal(t, 0, r.code, "WeCom names no horizon: %s", r.stdout)
	require.Empty(t, r.document.warning("beyond_horizon"))
	require.Equal(t, 10+1, r.document.Written)
	require.Equal(t, 15, r.document.Calls, "365 days, 25 a call")
}

func TestWecomBindings(t *testing.T) {
	t.Parallel()
	for by, set := range map[string]string{
		"workcode": "", "mobile": "", "email": "",
		"loginid": `UPDATE HrmResource SET loginid = 'W' || id`, "account": `UPDATE HrmResource SET account = 'w' || id`,
	} {
		for _, inactive := range []string{"skip", "include"} {
			for _, contact := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s,%s,contact=%v", by, inactive, contact), func(t *testing.T) {
					s := newWecomSite(t, wecomtest.Options{})
					s.ordinary()
					if set != "" {
						s.exec(set)
					}
					if contact {
						s.provider = append(s.provider, "contact_secret: "+wecomtest.DefaultContactSecret)
					}
					s.wx.AddUser(wecomtest.User{ID: "w20", Departments: []int64{50}, Status: 4, Mobile: "13800000020", BizMail: "p20@example.com"})
					s.wx.RemoveUser("w21")
					s.job = []string{"binding: {by: " + by + ", inactive: " + inactive + "}"}
					r := s.backfill()
					require.Equal(t, 0, r.code, r.stdout+r.stderr)
					s.silent(r)
					want := map[string]string{"20": "inactive", "21": "unbound"}
					if inactive == "include" {
						delete(want, "20")
					}
					require.Equal(t, want, r.document.leftOut())
					require.Equal(t, (5-len(want))*10, r.document.Written)
				})
			}
		}
	}
	t.Run("unread", func(t *testing.T) {
		s := newWecomSite(t, wecomtest.Options{Invisible: wecomtest.Invisible60111})
		s.ordinary()
		s.wx.RemoveUser("w21")
		s.exec(`UPDATE HrmResource SET workcode = '' WHERE id = 17`)
		r := s.backfill("-bound-only=false")
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Equal(t, map[string]string{"17": "unbound", "21": "refused"}, r.document.leftOut())
		require.Equal(t, 30, r.document.Written)
		require.Zero(t, s.wx.Requests(wecomtest.PathDepartments))
	})
	t.Run("file", func(t *testing.T) {
		s := newWecomSite(t, wecomtest.Options{})
		s.ordinary()
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, "b.csv"), []byte("employee_id,account\n17,W17\n18,w18\n19,W18\n"), 0o600))
		s.job = []string{"binding: {by: file, file: b.csv}"}
		r := s.backfill()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Equal(t, map[string]string{"18": "ambiguous", "19": "ambiguous", "20": "unbound", "21": "unbound"}, r.document.leftOut())
		require.Equal(t, 10, r.document.Written)
	})
	t.Run("directory out of sight", func(t *testing.T) {
		s := newWecomSite(t, wecomtest.Options{VisibleDepartments: []int64{}, VisibleUsers: []string{"w17", "w18", "w19", "w20", "w21"}, WithoutAgent: true})
		s.ordinary()
		r := s.backfill()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Contains(t, r.document.warning("directory_unreadable"), "可见范围")
		require.Equal(t, ordinaryRows, r.document.Written)
	})
	t.Run("mobile numbers withheld", func(t *testing.T) {
		s := newWecomSite(t, wecomtest.Options{WithholdPrivate: true})
		s.job = []string{"binding: {by: mobile}"}
		r := s.backfill()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.NotEmpty(t, r.document.warning("directory_without_values"))
		require.Len(t, r.document.LeftOut, 5)
	})
}

func TestWecomRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare  func(*wecomSite)
		code     string
		says     []string
		requests int // for check-ins, at most
		tokens   int
	}{
		"wrong secret": {func(s *wecomSite) { s.provider = set(s.provider, "secret: wrong-secret-9f2") }, "credentials", []string{"Secret"}, 0, 1},
		"wrong corp":   {func(s *wecomSite) { s.provider = set(s.provider, "corp_id: ww-nobody") }, "credentials", nil, 0, 1},
		"secret reset meanwhile": {func(s *wecomSite) {
			s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 40001, Path: wecomtest.PathCheckIn})
		}, "credentials", nil, 1, 1},
		"not callable": {func(s *wecomSite) { s.wx.AllowCheckIn(false) }, "permission", []string{"打卡 → 可调用接口的应用"}, 1, 1},
		"untrusted":    {func(s *wecomSite) { s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60020}) }, "address", []string{wecomtest.DefaultAddress, "企业可信IP"}, 0, 1},
		"untrusted, built by a provider": {func(s *wecomSite) {
			s.provider = append(s.provider, "app: delegated")
			s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60020})
		}, "address", []string{wecomtest.DefaultAddress, "服务商管理后台 → 服务商信息 → 基本信息 → IP白名单"}, 0, 1},
		"not in the white list": {func(s *wecomSite) { s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 301042}) }, "address", []string{wecomtest.DefaultAddress}, 0, 1},
		"forbidden to call":     {func(s *wecomSite) { s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60031}) }, "disabled", []string{"禁止该应用调用接口"}, 0, 1},
		"application off":       {func(s *wecomSite) { s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 50003}) }, "disabled", nil, 0, 1},
		"address shut out": {func(s *wecomSite) {
			s.wx.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 45009, Path: wecomtest.PathToken})
		}, "quota", []string{"checkCorpSpamBlock"}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			for _, command := range [][]string{{"backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-08"}, {"check"}} {
				s := newWecomSite(t, wecomtest.Options{})
				s.ordinary()
				test.prepare(s)
				r := s.bridge(command...)
				require.Equal(t, 3, r.code, "%v: %s %s", command, r.stdout, r.stderr)
				s.silent(r)
				require.NotContains(t, r.stdout+r.stderr, "wrong-secret-9f2")
				require.Equal(t, test.tokens, s.wx.Requests(wecomtest.PathToken))
				if command[0] == "check" {
					require.Contains(t, r.document.errors(), test.code)
				} else {
					require.Equal(t, test.code, r.document.Error.Code)
					require.LessOrEqual(t, s.wx.Requests(wecomtest.PathCheckIn), test.requests)
				}
				for _, words := range test.says {
					require.Contains(t, r.stdout, words)
				}
				require.Empty(t, s.rows(signRows))
			}
		})
	}
}

func TestWecomCheck(t *testing.T) {
	t.Parallel()
	s := newWecomSite(t, wecomtest.Options{NewContactAddress: true})
	s.provider = append(s.provider, "contact_secret: "+wecomtest.DefaultContactSecret)
	r := s.bridge("check")
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	s.silent(r)
	require.Empty(t, r.document.errors())
	for _, f := range r.document.Findings {
		require.Contains(t, f.Message, " / ", "Chinese and English: %v", f)
	}
}

// What a run would be refused for, check says before.
func TestWecomCheckTriesBoundPeople(t *testing.T) {
	t.Parallel()
	for _, model := range []wecomtest.InvisibleModel{wecomtest.Invisible60111, wecomtest.Invisible301021, wecomtest.Invisible60011} {
		s := newWecomSite(t, wecomtest.Options{Invisible: model, VisibleDepartments: []int64{}})
		s.job = []string{"binding: {by: workcode, bound_only: false}"}
		r := s.bridge("check")
		require.Equal(t, 3, r.code, r.stdout+r.stderr)
		require.Contains(t, r.stdout, "可见范围")
		require.Equal(t, 3, s.bridge("run", "daily").code)
		s = newWecomSite(t, wecomtest.Options{Invisible: model, VisibleDepartments: []int64{}, VisibleUsers: []string{"w17"}})
		s.job = []string{"binding: {by: workcode, bound_only: false}"}
		r = s.bridge("check")
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Contains(t, r.stdout, `"reach"`)
	}
}

// Two platforms write into one OA; a punch that both have is one row there, and the
// trouble of one is not the other's.
func TestBothPlatformsIntoOneOA(t *testing.T) {
	t.Parallel()
	s := newWecomSite(t, wecomtest.Options{})
	s.ordinary()
	cmd := s.command("backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-08")
	path := filepath.Join(s.dir, "bridge.yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	both := strings.Replace(string(text), "jobs:\n", `  - {name: ding, kind: dingtalk, app_key: dingtest0app0key, app_secret: unreachable-secret, base_url: "http://127.0.0.1:1", api_base_url: "http://127.0.0.1:1"}
jobs:
  - {name: other, provider: ding, binding: {by: workcode}}
`, 1)
	require.NotEqual(t, string(text), both)
	require.NoError(t, os.WriteFile(path, []byte(both), 0o600))
	r := s.finish(cmd)
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, ordinaryRows, r.document.Written)

	// The same people's punches from DingTalk: other rows, and the common ones once.
	ding := newSite(t, "e8")
	ding.db, ding.dir = s.db, s.dir
	ding.oa = s.oa
	ding.punch(17, "02 08:57:17", "OnDuty") // to the second that WeCom has
	ding.punch(17, "02 12:00:00", "OffDuty")
	r = ding.backfill()
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, 1, r.document.Written)
	require.Equal(t, 1, r.document.PresentFromOther)
	require.Equal(t, []string{"from_dd|1", "from_wx|50"}, s.rows(`SELECT signFrom, count(*) FROM HrmScheduleSign GROUP BY signFrom ORDER BY signFrom`))
}
