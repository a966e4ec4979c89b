package wecom

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// levels are the worst level of each code.
func levels(findings []attendance.Finding) map[string]attendance.Level {
	worst := map[string]attendance.Level{}
	for _, f := range findings {
		if worst[f.Code] != attendance.LevelError && (worst[f.Code] == "" || f.Level != attendance.LevelOK) {
			worst[f.Code] = f.Level
		}
	}
	return worst
}

func TestCheck(t *testing.T) {
	const ok, warning, bad = attendance.LevelOK, attendance.LevelWarning, attendance.LevelError
	code := func(errcode int, path string) wecomtest.Fault {
		return wecomtest.Fault{Kind: wecomtest.Errcode, Code: errcode, Path: path}
	}
	for name, test := range map[string]struct {
		options wecomtest.Options
		fault   wecomtest.Fault
		contact bool
		agent   string
		prepare func(*wecomtest.Server)
		want    map[string]attendance.Level
		says    []string
	}{
		"all well": {want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "visible_range": ok, "details": ok}},
		"all well, contact sync": {contact: true,
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "directory": ok, "visible_range": ok, "details": ok}},
		"wrong secret": {fault: wecomtest.Fault{Kind: wecomtest.BadSecret}, want: map[string]attendance.Level{"credentials": bad}, says: []string{"Secret", "停用"}},
		"not among the applications that may read": {prepare: func(s *wecomtest.Server) { s.AllowCheckIn(false) },
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "permission": bad, "visible_range": ok, "details": ok}, says: []string{"打卡 → 可调用接口的应用", "可见范围"}},
		"the same, as 60011": {options: wecomtest.Options{ForbiddenAs60011: true}, prepare: func(s *wecomtest.Server) { s.AllowCheckIn(false) },
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "permission": bad, "visible_range": ok, "details": ok}, says: []string{"打卡 → 可调用接口的应用"}},
		"every token is rejected": {prepare: func(s *wecomtest.Server) { s.RejectTokens(-1) }, want: map[string]attendance.Level{"credentials": bad, "clock": ok},
			says: []string{"5 fresh ones in a row", "the check-in application", "已启用"}},
		"some tokens are rejected": {prepare: func(s *wecomtest.Server) { s.RejectTokens(4) },
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "visible_range": ok, "details": ok}},
		"untrusted address": {fault: code(60020, ""), want: map[string]attendance.Level{"credentials": ok, "clock": ok, "address": bad}, says: []string{"企业可信IP", wecomtest.DefaultAddress}},
		"nothing in sight": {options: wecomtest.Options{VisibleDepartments: []int64{}},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "permission": warning}, says: []string{"可见范围"}},
		"nothing in sight, rejected": {options: wecomtest.Options{VisibleDepartments: []int64{}, Invisible: wecomtest.Invisible60011},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "permission": warning}, says: []string{"可见范围"}},
		"a newer application": {options: wecomtest.Options{WithholdPrivate: true},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "visible_range": ok, "details": ok, "private_fields": ok}, says: []string{"手机号"}},
		"contact sync from a new address": {contact: true, options: wecomtest.Options{NewContactAddress: true},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "directory": ok, "visible_range": ok, "details": ok}},
		"no details by department": {options: wecomtest.Options{WithoutUserList: true},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "visible_range": ok, "malformed": warning}},
		"contact sync may not list": {contact: true, fault: code(48002, wecomtest.PathUserIDs),
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "permission": warning, "visible_range": ok, "details": ok}, says: []string{"通讯录同步"}},
		"one who has left": {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60111, Path: wecomtest.PathCheckIn, Times: 1},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "visible_range": ok, "details": ok}},
		"everybody is rejected": {fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60111, Path: wecomtest.PathCheckIn},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "everyone_refused": bad}, says: []string{"可见范围"}},
		"nobody in sight is known": {options: wecomtest.Options{VisibleDepartments: []int64{}, Invisible: wecomtest.Invisible60111},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "everyone_refused": warning, "permission": warning}, says: []string{"可见范围"}},
		"one of three in sight": {options: wecomtest.Options{Invisible: wecomtest.Invisible60011}, fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60011, Path: wecomtest.PathCheckIn, Times: 2},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "visible_range": ok, "details": ok}},
		"wrong secret of contact sync": {contact: true, prepare: func(s *wecomtest.Server) {
			s.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 40001, Path: wecomtest.PathToken, After: 1})
		}, want: map[string]attendance.Level{"credentials": bad, "clock": ok, "checkins": ok}, says: []string{"通讯录同步", "contact_secret"}},
		"single people in sight": {contact: true, options: wecomtest.Options{VisibleDepartments: []int64{}, VisibleUsers: []string{"zhaoliu"}, Invisible: wecomtest.Invisible60011},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "directory": ok, "permission": warning}},
		"single people and no contact sync": {agent: wecomtest.DefaultAgentID, options: wecomtest.Options{VisibleDepartments: []int64{2}, VisibleUsers: []string{"zhaoliu", "wangwu"}, VisibleTags: []wecomtest.Tag{{ID: 7}}},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "visible_range": ok, "details": ok}, says: []string{"2 个部门、2 名单独添加的成员、1 个标签", "2 departments, 2 single people and 1 tags"}},
		"nothing but single people": {agent: wecomtest.DefaultAgentID, options: wecomtest.Options{VisibleDepartments: []int64{}, VisibleUsers: []string{"zhaoliu"}},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "visible_range": ok}, says: []string{"0 个部门、1 名单独添加的成员"}},
		"agent/get may not be called": {agent: wecomtest.DefaultAgentID, options: wecomtest.Options{VisibleDepartments: []int64{2}, WithoutAgent: true},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "visible_range": ok, "details": ok, attendance.DirectoryPartial: warning}, says: []string{"单独添加的成员", "48002", "agent_id"}},
		"no AgentId": {options: wecomtest.Options{VisibleDepartments: []int64{2}},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "visible_range": ok, "details": ok, attendance.DirectoryPartial: warning}, says: []string{"AgentID is not given"}},
		"no AgentId, contact sync": {contact: true, options: wecomtest.Options{VisibleDepartments: []int64{2}},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "directory": ok, "visible_range": ok, "details": ok}},
		"list_id without its list": {contact: true, fault: wecomtest.Fault{Kind: wecomtest.Answer, Body: `{"errcode":0}`, Path: wecomtest.PathUserIDs},
			want: map[string]attendance.Level{"credentials": ok, "clock": ok, "checkins": ok, "malformed": warning, "visible_range": ok, "details": ok}},
		"busy": {fault: code(-1, wecomtest.PathCheckIn), want: map[string]attendance.Level{"credentials": ok, "clock": ok, "unavailable": bad}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				fake := orgOf(&test.options)
				if test.prepare != nil {
					test.prepare(fake)
				}
				if test.fault.Kind != 0 {
					fake.Fail(test.fault)
				}
				c := clientOf(t, fake, func(c *Config) {
					c.AgentID = test.agent
					if test.contact {
						withContact(c)
					}
				})
				findings := c.Check(context.Background())
				require.Equal(t, test.want, levels(findings))
				var all strings.Builder
				for _, f := range findings {
					require.NotEmpty(t, f.Message.EN)
					require.NotEmpty(t, f.Message.ZH)
					all.WriteString(f.Message.String() + f.Mend.String())
				}
				for _, words := range test.says {
					require.Contains(t, all.String(), words)
				}
				require.NotContains(t, all.String(), wecomtest.DefaultSecret)
				require.NotContains(t, all.String(), "access_token=")
				require.LessOrEqual(t, fake.Requests(wecomtest.PathCheckIn), 4)
			})
		})
	}
}

// The parts check themselves.
func TestCheckOfTheParts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := orgOf(nil)
		c := clientOf(t, fake, withContact)
		require.Contains(t, levels(c.CheckIns().Check(t.Context())), "checkins")
		require.Contains(t, levels(c.Directory().Check(t.Context())), "directory")
		require.NotContains(t, levels(c.Directory().Check(t.Context())), "checkins")
		// A secret that a part does not use is not its matter.
		wrong := clientOf(t, fake, func(c *Config) { c.ContactSecret = "another-secret-4711" })
		require.Equal(t, map[string]attendance.Level{"credentials": attendance.LevelOK, "clock": attendance.LevelOK, "checkins": attendance.LevelOK},
			levels(wrong.CheckIns().Check(t.Context())))
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 48002, Path: wecomtest.PathUserIDs})
		require.Equal(t, attendance.LevelError, levels(c.Directory().Check(t.Context()))["permission"])
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.Empty(t, c.Check(ctx))
	})
}

// clockless answers without a Date, and with one that is off.
type clockless struct {
	http.RoundTripper
	date string
}

func (c clockless) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Header.Set("Date", c.date)
	}
	return resp, err
}

func TestCheckOfTheClock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := orgOf(nil)
		for date, level := range map[string]attendance.Level{"": "", "Sat, 01 Jan 2000 00:30:00 GMT": attendance.LevelWarning} {
			c := clientOf(t, fake, func(c *Config) { c.HTTP = &http.Client{Transport: clockless{fake.Transport(), date}} })
			require.Equal(t, level, levels(c.Check(t.Context()))["clock"])
			// Where the host hands out tokens, the check's own calls tell.
			value, err := c.app.tokens.Token(t.Context())
			require.NoError(t, err)
			c = clientOf(t, fake, func(own *Config) { own.HTTP, own.Tokens = c.config.HTTP, tokens(value) })
			require.Equal(t, level, levels(c.CheckIns().Check(t.Context()))["clock"])
		}
	})
}
