package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

const (
	wecomKey      = "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa"
	dingtalkToken = "566cc69da782ec33d42541f1f1f1b13d8b3d6f39"
	dingtalkSign  = "SECf1f1b13d8b3d6f39566cc69da782ec33d42541"
)

func wecomRobot() *robot { return &robot{kind: kindWecom, key: wecomKey} }

func dingtalkRobot() *robot {
	return &robot{kind: kindDingtalk, key: dingtalkToken, secret: dingtalkSign}
}

// listen gives the robot an address, and returns it.
func (r *robot) listen(t *testing.T) string {
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return server.URL + r.path()
}

func TestRobotsAreRecognised(t *testing.T) {
	t.Parallel()
	for address, kind := range map[string]string{
		"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + wecomKey:   kindWecom,
		"http://relay.example.com:8080/wx/cgi-bin/webhook/send?key=k":        kindWecom,
		"https://oapi.dingtalk.com/robot/send?access_token=" + dingtalkToken: kindDingtalk,
		"http://127.0.0.1:9200/robot/send?x=1&access_token=k":                kindDingtalk,
		"https://oapi.dingtalk.com/robot/send":                               kindJSON,
		"https://qyapi.weixin.qq.com/cgi-bin/message/send?access_token=k":    kindJSON,
		"http://127.0.0.1:9200/hook":                                         kindJSON,
		"https://oa.example.com/hook?key=1&access_token=2":                   kindJSON,
		"": kindJSON,
	} {
		require.Equal(t, kind, robotOf(address), address)
	}
}

func TestNotifyKeys(t *testing.T) {
	t.Parallel()
	const rest = "\noa: {dsn: 'file:oa.db'}\n"
	read := func(lines string) (notifyConfig, error) {
		c, err := readConfig(writeFile(t, "b.yaml", lines+rest), func(string) (string, bool) { return dingtalkSign, true })
		if err != nil {
			return notifyConfig{}, err
		}
		return c.notify, nil
	}
	nine := clockTime(9 * 60)
	for lines, want := range map[string]notifyConfig{
		"notify: http://h/hook/": {url: "http://h/hook", kind: kindJSON},
		"notify: ''":             {kind: kindJSON},
		"notify:":                {},
		"notify: {url: 'http://h/robot/send?access_token=k'}":                                  {url: "http://h/robot/send?access_token=k", kind: kindDingtalk},
		"notify: {url: 'http://h/robot/send?access_token=k', kind: json}":                      {url: "http://h/robot/send?access_token=k", kind: kindJSON},
		"notify: {url: 'http://h/x', kind: dingtalk, secret: '${S}', daily: '09:00'}":          {url: "http://h/x", kind: kindDingtalk, secret: dingtalkSign, daily: &nine},
		"notify:\n  kind: wecom\n  daily: \"9:00\"\n  url: http://h/y":                         {url: "http://h/y", kind: kindWecom, daily: &nine},
		"notify: {secret: '${S}', url: 'https://oapi.dingtalk.com/robot/send?access_token=k'}": {url: "https://oapi.dingtalk.com/robot/send?access_token=k", kind: kindDingtalk, secret: dingtalkSign},
	} {
		got, err := read(lines)
		require.NoError(t, err, lines)
		require.Equal(t, want, got, lines)
	}
	for lines, complaint := range map[string]string{
		"notify: hook":                                           ":1: notify: ",
		"notify: {kind: wecom}":                                  "notify.url: missing",
		"notify: {url: ''}":                                      "notify.url: missing",
		"notify: {url: hook}":                                    "notify.url: this is no http(s) URL",
		"notify: {url: 'http://h', kind: feishu}":                "notify.kind: ",
		"notify: {url: 'http://h', daily: '25:00'}":              "notify.daily: ",
		"notify: {url: 'http://h', secret: '${S}'}":              "notify.secret: only DingTalk's robots sign",
		"notify: {url: 'http://h', kind: wecom, secret: '${S}'}": "notify.secret: only DingTalk's robots sign",
		"notify: {url: 'http://h', token: x}":                    "notify.token: unknown key",
		"notify: [http://h]":                                     "notify: ",
	} {
		_, err := read(lines)
		require.ErrorContains(t, err, complaint, lines)
		require.NotContains(t, err.Error(), dingtalkSign)
	}
}

// Texts are cut to what a robot takes, never inside a character.
func TestRobotMessages(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x", "考勤", "", strings.Repeat("考", 3000), strings.Repeat("a考𠮷", 2000), "a\tb\x00c\x7f\xff\"<&>\nnext"} {
		for _, limit := range []int{2048, 2047, 2046, 2045, 12000, 4, 3} {
			raw, err := robotMessage(text, limit)
			require.NoError(t, err)
			var m struct {
				Type string `json:"msgtype"`
				Text struct{ Content string }
			}
			require.NoError(t, json.Unmarshal(raw, &m))
			require.Equal(t, "text", m.Type)
			require.LessOrEqual(t, len(m.Text.Content), limit)
			require.True(t, utf8.ValidString(m.Text.Content))
			require.Less(t, len(raw), 20000)
			require.NotContains(t, m.Text.Content, "\x00")
			require.NotContains(t, m.Text.Content, "\ufffd")
			if len(text) > limit && limit > 2000 {
				require.Greater(t, len(m.Text.Content), limit-8, "no more is cut than must be")
				require.True(t, strings.HasSuffix(m.Text.Content, "…"))
			}
		}
	}
}

func TestSignedAddresses(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(signed("https://oapi.dingtalk.com/robot/send?access_token=k%2B1&sign=old", "SEC0123456789", time.UnixMilli(1700000000000)))
	require.NoError(t, err)
	require.Equal(t, url.Values{"access_token": {"k+1"}, "timestamp": {"1700000000000"}, "sign": {"VloEIlTtJU6a/AGf2pud1WypXdicIlyQAOpspu6OP6s="}}, u.Query())
	require.Contains(t, u.RawQuery, "sign=VloEIlTtJU6a%2FAGf2pud1WypXdicIlyQAOpspu6OP6s%3D")
	require.Equal(t, "oapi.dingtalk.com/robot/send", u.Host+u.Path)
}

// A robot answers HTTP 200 whatever becomes of a message.
func TestRobotAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, answer string
		secret       bool
		code, says   string // "" in both: delivered
		again        bool
	}{
		{kindWecom, `{"errcode":0,"errmsg":"ok"}`, false, "", "", false},
		{kindDingtalk, " \ufeff{\"errcode\":0}\n", false, "", "", false},
		{kindWecom, `{"errcode":93000,"errmsg":"invalid webhook url"}`, false, "93000", "key 错误", false},
		{kindWecom, `{"errcode":45009,"errmsg":"api freq out of limit"}`, false, "45009", "每分钟最多 20 条", false},
		{kindWecom, `{"errcode":-1,"errmsg":"system error"}`, false, "-1", "企业微信繁忙", true},
		{kindWecom, `{"errcode":12345,"errmsg":"new"}`, false, "12345", "devtool/query", false},
		{kindDingtalk, `{"errcode":-1,"errmsg":"系统繁忙"}`, false, "-1", "钉钉繁忙", true},
		{kindDingtalk, `{"errcode":310000,"errmsg":"keywords not in content"}`, true, "310000", "自定义关键词：请设为“考勤”", false},
		{kindDingtalk, `{"errcode":310000,"errmsg":"description:关键词不匹配;solution:..."}`, true, "310000", "自定义关键词", false},
		{kindDingtalk, `{"errcode":310000,"errmsg":"sign not match"}`, true, "310000", "notify.secret 不是该机器人的密钥，或本机时钟", false},
		{kindDingtalk, `{"errcode":310000,"errmsg":"sign not match"}`, false, "310000", "填入 notify.secret", false},
		{kindDingtalk, `{"errcode":310000,"errmsg":"description:机器人发送签名不匹配;solution:请确认签名和生成签名的时间戳必须都放在调用的网址中"}`, false, "310000", "填入 notify.secret", false},
		{kindDingtalk, `{"errcode":310000,"errmsg":"invalid timestamp, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"}`, true, "310000", "校时", false},
		{kindDingtalk, `{"errcode":310000,"errmsg":"ip 192.0.2.1 not in whitelist"}`, true, "310000", "IP 地址段", false},
		{kindDingtalk, `{"errcode":310000,"errmsg":"something new"}`, true, "310000", "机器人的安全设置之一", false},
		{kindDingtalk, `{"errcode":300005,"errmsg":"token is not exist"}`, true, "300005", "access_token 错误或缺失", false},
		{kindDingtalk, `{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`, true, "130101", "限流 10 分钟", false},
		{kindDingtalk, `{"errcode":400102,"errmsg":"x"}`, true, "400102", "已停用", false},
		{kindDingtalk, `{"errcode":400013,"errmsg":"x"}`, true, "400013", "解散", false},
		{kindDingtalk, `{"status":1111,"wait":5,"source":"x5","punish":"deny"}`, true, "", "重新复制机器人的 Webhook", true},
		{kindWecom, `<html><title>login</title></html>`, true, "", "代理或登录页", true},
		{kindWecom, ``, true, "", "no errcode", true},
		{kindWecom, `[]`, true, "", "no errcode", true},
	} {
		lost := judgeRobot(c.kind, c.secret, []byte(c.answer))
		if c.code == "" && c.says == "" {
			require.Nil(t, lost, c.answer)
			continue
		}
		require.NotNil(t, lost, c.answer)
		require.Equal(t, c.code, lost.code)
		require.Contains(t, lost.Error(), c.says, c.answer)
		require.Equal(t, c.again, !lost.final, c.answer)
	}
}

// notify-test delivers one message, or says why it could not.
func TestNotifyTest(t *testing.T) {
	t.Parallel()
	html := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>login</html>") }
	for _, c := range []struct {
		name   string
		answer http.Handler
		notify func(address string) string // the file's
		code   int
		says   []string
	}{
		{"nothing is configured", nil, func(string) string { return "" }, 2, []string{"notify: missing or empty", "群机器人的 Webhook"}},
		{"a document", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			var n notice
			if json.NewDecoder(r.Body).Decode(&n) != nil || n.State != "test" || n.Message == "" {
				panic("no notice")
			}
		}), func(a string) string { return "notify: " + a + "/hook" }, 0, []string{`"delivered": true`, `"kind": "json"`}},
		{"a document that nobody takes", http.NotFoundHandler(), func(a string) string { return "notify: " + a + "/hook" }, 1, []string{`"delivered": false`, "HTTP status 404", "请检查 notify 的地址"}},
		{"a redirection", http.RedirectHandler("/elsewhere", http.StatusFound), func(a string) string { return "notify: " + a + "/hook" }, 1, []string{"HTTP status 302"}},
		{"nobody there", nil, func(string) string { return "notify: http://127.0.0.1:1/hook" }, 1, []string{"connection refused", "网络与代理"}},
		{"WeCom", wecomRobot(), func(a string) string { return "notify: " + a + wecomRobot().path() }, 0, []string{`"delivered": true`, `"kind": "wecom"`}},
		{"WeCom, named", wecomRobot(), func(a string) string { return "notify: {kind: wecom, url: '" + a + wecomRobot().path() + "'}" }, 0, []string{`"kind": "wecom"`}},
		{"WeCom, wrong key", wecomRobot(), func(a string) string { return "notify: " + a + wecomRobot().path() + "x" }, 1, []string{`"code": "93000"`, "重新复制其 Webhook"}},
		{"WeCom, something before it", http.HandlerFunc(html), func(a string) string { return "notify: " + a + wecomRobot().path() }, 1, []string{`"code": "undelivered"`, "代理或登录页"}},
		{"DingTalk, signed", dingtalkRobot(), signedBy(dingtalkSign), 0, []string{`"delivered": true`, `"kind": "dingtalk"`}},
		{"DingTalk, unsigned", &robot{kind: kindDingtalk, key: dingtalkToken}, func(a string) string { return "notify: " + a + dingtalkRobot().path() }, 0, []string{`"kind": "dingtalk"`}},
		{"DingTalk, a keyword", &robot{kind: kindDingtalk, key: dingtalkToken, keyword: "考勤"}, func(a string) string { return "notify: " + a + dingtalkRobot().path() }, 0, []string{`"delivered": true`}},
		{"DingTalk, another keyword", &robot{kind: kindDingtalk, key: dingtalkToken, keyword: "监控报警"}, func(a string) string { return "notify: " + a + dingtalkRobot().path() }, 1, []string{`"code": "310000"`, "自定义关键词"}},
		{"DingTalk, a wrong secret", dingtalkRobot(), signedBy("SEC-another-secret-1"), 1, []string{`"code": "310000"`, "sign not match", "notify.secret 不是该机器人的密钥"}},
		{"DingTalk, no secret", dingtalkRobot(), func(a string) string { return "notify: " + a + dingtalkRobot().path() }, 1, []string{`"code": "310000"`, "填入 notify.secret"}},
		{"DingTalk, a clock that is wrong", &robot{kind: kindDingtalk, key: dingtalkToken, secret: dingtalkSign, now: func() time.Time { return time.Now().Add(2 * time.Hour) }}, signedBy(dingtalkSign), 1,
			[]string{"invalid timestamp", "校时"}},
		{"DingTalk, not on the white list", &robot{kind: kindDingtalk, key: dingtalkToken, abroad: true}, func(a string) string { return "notify: " + a + dingtalkRobot().path() }, 1, []string{`"code": "310000"`, "IP 地址段"}},
		{"DingTalk, a wrong token", dingtalkRobot(), func(a string) string {
			return strings.ReplaceAll(signedBy(dingtalkSign)(a), dingtalkToken, dingtalkToken+"0")
		}, 1, []string{`"code": "300005"`, "access_token 错误"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := ""
			if c.answer != nil {
				server := httptest.NewServer(c.answer)
				t.Cleanup(server.Close)
				address = server.URL
			}
			s := newSite(t, "e8")
			s.head = c.notify(address) + "\n"
			r := s.bridge("notify-test")
			require.Equal(t, c.code, r.code, r.stdout+r.stderr)
			for _, words := range c.says {
				require.Contains(t, r.stdout+r.stderr, words)
			}
			code, text, _ := s.plain("notify-test")
			require.Equal(t, c.code, code)
			if c.code != exitUsage {
				require.Contains(t, text, map[bool]string{true: "已送达 delivered", false: "未送达 not delivered"}[code == 0])
			}
			for _, secret := range []string{wecomKey, dingtalkToken, dingtalkSign, "another-secret", "sign="} {
				require.NotContains(t, r.stdout+r.stderr+text, secret)
			}
			if of, ok := c.answer.(*robot); ok && c.code == 0 {
				require.Len(t, of.shown(), 2, "one message each")
				require.Contains(t, of.shown()[0], "【考勤同步 punchbridge】测试消息")
			}
		})
	}
	s := newSite(t, "e8")
	require.Equal(t, 2, s.bridge("notify-test", "daily").code)
}

func signedBy(secret string) func(string) string {
	return func(a string) string {
		return fmt.Sprintf("notify: {url: '%s%s', secret: '%s'}", a, dingtalkRobot().path(), secret)
	}
}

// roundTrip is a transport in this process.
type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// However many jobs fail at once, a robot is sent no more than it takes.
func TestRobotsAreNotFlooded(t *testing.T) {
	t.Parallel()
	for _, of := range []*robot{wecomRobot(), dingtalkRobot()} {
		synctest.Test(t, func(t *testing.T) {
			p := &program{config: &config{notify: notifyConfig{url: "http://robot.invalid" + of.path(), kind: of.kind}}}
			if of.secret != "" {
				p.config.notify.secret = of.secret
			}
			h := p.newHerald()
			h.client.Transport = roundTrip(func(r *http.Request) *http.Response {
				w := httptest.NewRecorder()
				of.ServeHTTP(w, r)
				return w.Result()
			})
			failed := make(chan error, 60)
			for i := range cap(failed) {
				go func() { failed <- h.tell(t.Context(), notice{State: "failed", Job: fmt.Sprint("job", i)}) }()
			}
			for range cap(failed) {
				require.NoError(t, <-failed)
			}
			require.Len(t, of.shown(), 60)
		})
	}
}

// serving is serve in this process, for one run at a time.
func (s *site) serving() (*server, *work, *bytes.Buffer) {
	s.t.Helper()
	var logged bytes.Buffer
	p := &program{out: io.Discard, err: &logged, lookup: s.lookup, logger: slog.New(slog.NewTextHandler(&logged, nil))}
	if !s.now.IsZero() {
		p.command.now = func() time.Time { return s.now }
	}
	var err error
	p.config, err = readConfig(s.write(), p.lookup)
	require.NoError(s.t, err)
	p.secrets = p.config.secrets(p.lookup)
	store, err := p.store(s.t.Context())
	require.NoError(s.t, err)
	w, err := p.prepare(p.config.jobs[0])
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = p.close() })
	return &server{program: p, store: store, metrics: newMetrics(), herald: p.newHerald(), began: p.now()}, w, &logged
}

// What a robot shows: what failed, since when, whose matter it is and what to do; and
// that it works again.
func TestARobotTellsWhenAJobFailsAndWhenItRecovers(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"", "{driver: none}"} {
		of := dingtalkRobot()
		s := newSite(t, "e8")
		s.ordinary()
		s.state = state
		address, _, _ := strings.Cut(of.listen(t), "/robot/")
		s.head = signedBy(dingtalkSign)(address) + "\n"
		server, w, _ := s.serving()
		run := func() { _ = server.perform(t.Context(), w, w.task()) }
		run()
		require.Empty(t, of.shown(), "all is well")
		s.now = noon().Add(12 * time.Hour)
		s.ding.Deny(dingtalktest.PermissionAttendance)
		run()
		s.now = noon().Add(24 * time.Hour)
		run()
		require.Len(t, of.shown(), 1, "told once")
		lines := strings.Split(of.shown()[0], "\n")
		require.Equal(t, "【考勤同步 punchbridge】任务 daily 失败 / job failed", lines[0])
		require.Contains(t, lines[1], "原因 why: ")
		require.Contains(t, lines[1], dingtalktest.PermissionAttendance)
		require.Contains(t, lines[2], "处理 to do: 请钉钉/企业微信管理员")
		require.Contains(t, lines[2], "the platform's administrator: ")
		require.Equal(t, "失败始于 failing since: 2026-03-10T00:00:00+08:00", lines[3])
		require.Equal(t, "上次正常 last good: 2026-03-09T12:00:00+08:00", lines[4])
		s.ding.Grant(dingtalktest.PermissionAttendance)
		s.now = noon().Add(36 * time.Hour)
		run()
		require.Len(t, of.shown(), 2)
		require.Contains(t, of.shown()[1], "任务 daily 已恢复 / job works again\n失败始于 failing since: 2026-03-10T00:00:00+08:00\n上次正常 last good: 2026-03-09T12:00:00+08:00\n时间 at: 2026-03-11T00:00:00+08:00")
		for _, text := range of.shown() {
			require.NotContains(t, text, dingtalktest.DefaultAppSecret)
		}
	}
}

// Since when a job fails, and when it last did everything, by its runs.
func TestStreak(t *testing.T) {
	t.Parallel()
	run := func(day int, result attendance.Result, code attendance.Code) attendance.RunRecord {
		r := attendance.RunRecord{Result: result, Code: code}
		r.Report.Ended = time.Date(2026, 3, day, 23, 30, 0, 0, time.UTC)
		return r
	}
	ok, bad, warned := attendance.ResultOK, attendance.ResultPartial, attendance.CodeStore
	at := func(day int) time.Time { return run(day, ok, "").Report.Ended }
	for name, c := range map[string]struct {
		before streak
		runs   []attendance.RunRecord
		want   streak
	}{
		"never run":                              {streak{}, nil, streak{}},
		"nothing is known of the past":           {streak{failing: true}, nil, streak{failing: true}},
		"well":                                   {streak{failing: true}, []attendance.RunRecord{run(9, ok, ""), run(8, bad, warned)}, streak{lastOK: at(9)}},
		"a warning that leaves something undone": {streak{}, []attendance.RunRecord{run(9, bad, ""), run(8, bad, warned)}, streak{lastOK: at(9)}},
		"it fails since yesterday":               {streak{}, []attendance.RunRecord{run(9, bad, warned), run(8, bad, warned), run(7, ok, ""), run(6, bad, warned)}, streak{failing: true, since: at(8), lastOK: at(7)}},
		"it never did everything":                {streak{}, []attendance.RunRecord{run(9, bad, warned)}, streak{failing: true, since: at(9)}},
	} {
		s := c.before
		for _, r := range c.runs {
			if !s.back(r) {
				break
			}
		}
		s.known = false
		require.Equal(t, c.want, s, name)
	}
}

// A failure that nobody could be told of is told by the next run, if it fails still.
func TestAFailureThatNobodyWasToldOfIsToldLater(t *testing.T) {
	t.Parallel()
	of := wecomRobot()
	s := newSite(t, "e8")
	s.ordinary()
	s.head = "notify: " + of.listen(t) + "\n"
	server, w, logged := s.serving()
	s.ding.Deny(dingtalktest.PermissionAttendance)
	of.answer = `{"errcode":45009,"errmsg":"api freq out of limit"}`
	_ = server.perform(t.Context(), w, w.task())
	require.Contains(t, logged.String(), "nobody could be told")
	require.Contains(t, logged.String(), "errcode 45009")
	require.NotContains(t, logged.String(), wecomKey)
	of.answer = ""
	for range 2 {
		_ = server.perform(t.Context(), w, w.task())
		require.Len(t, of.shown(), 1)
	}
	require.Contains(t, of.shown()[0], "任务 daily 失败")
}

// However long the reason is, a robot takes the message, and what to do stands in it.
func TestALongReasonIsCut(t *testing.T) {
	t.Parallel()
	of := wecomRobot()
	p := &program{config: &config{notify: notifyConfig{url: of.listen(t), kind: kindWecom}}}
	cause := &attendance.Error{Code: attendance.CodeStoreDown, Op: "oa", Detail: strings.Repeat("数据库无法连接，", 2000)}
	n := (&server{program: p}).outcome(&jobConfig{name: strings.Repeat("任务", 30), zone: beijing()}, attendance.Report{Run: "r1"}, cause, streak{})
	require.NoError(t, p.newHerald().tell(t.Context(), n))
	text := of.shown()[0]
	require.LessOrEqual(t, len(text), 2048)
	require.Contains(t, text, "…\n处理 to do: 请数据库管理员")
	require.Contains(t, text, "运行 run: r1")
}

// What serve tells a robot of leaves neither its key nor its secret behind.
func TestARobotsKeyIsASecret(t *testing.T) {
	t.Parallel()
	for _, of := range []*robot{wecomRobot(), dingtalkRobot()} {
		s := newServedSite(t)
		found := newSearch(t, s.dir, wecomKey, dingtalkToken, dingtalkSign, "sign=")
		of.answer = `{"errcode":310000,"errmsg":"not for access_token=` + of.key + ` ` + of.secret + `"}`
		address := of.listen(t)
		s.head = fmt.Sprintf("http: 127.0.0.1:%d\nnotify: {url: '%s', daily: '00:00'}\n", s.port, address)
		if of.secret != "" {
			s.head = fmt.Sprintf("http: 127.0.0.1:%d\nnotify: {url: '%s', secret: '%s', daily: '00:00'}\n", s.port, address, of.secret)
		}
		s.provider = set(s.provider, "app_secret: wrong")
		s.owe()
		cmd, stderr := s.serve()
		eventually(t, func() bool { return strings.Contains(s.get("/metrics"), `punchbridge_job_up{job="daily"} 0`) }, "it fails")
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		_ = cmd.Wait()
		found.streams.WriteString(stderr.String())
		require.Contains(t, stderr.String(), "nobody could be told")
		found.nothing(of.kind)
		for _, command := range []string{"history", "jobs", "notify-test"} {
			found.call(s.site, os.LookupEnv, command)
			found.nothing(command)
		}
	}
}

// A row that the table refuses is told of once by serve, in whichever process: by what is
// remembered, or without a state by what the process has seen.
func TestServeTellsOfARefusedRowOnce(t *testing.T) {
	t.Parallel()
	refuse := func(s *site) {
		s.exec(`CREATE TRIGGER refuses BEFORE INSERT ON HrmScheduleSign WHEN NEW.userId = 17 AND NEW.signType = '1' BEGIN SELECT RAISE(ABORT, 'closed for 17'); END`)
	}
	t.Run("remembered", func(t *testing.T) {
		t.Parallel()
		s := newServedSite(t)
		refuse(s.site)
		now := time.Now()
		for i := range 3 { // others, that are taken
			s.ding.AddPunch(dingtalktest.Punch{UserID: account(18), Time: now.Add(-time.Duration(i+2) * time.Hour).Truncate(time.Second), CheckType: "OffDuty"})
		}
		for runs := 1; runs <= 3; runs++ {
			if runs == 1 {
				s.owe()
			} else {
				s.owe2()
			}
			cmd, _ := s.serve()
			eventually(t, func() bool {
				h := s.history().Runs
				return len(h) == runs && h[0].Result == "partial"
			}, "it ran")
			require.Zero(t, stop(t, cmd))
			require.Equal(t, []string{"daily failed"}, s.notices.states(), "told once")
		}
		require.Equal(t, "row_refused", s.notices.all[0].Error.Code)
		require.Contains(t, s.notices.all[0].Message, "closed for 17")
		require.Contains(t, s.notices.all[0].Who, "数据库管理员")
	})
	t.Run("nothing is remembered", func(t *testing.T) {
		t.Parallel()
		of := wecomRobot()
		s := newSite(t, "e8")
		refuse(s)
		s.state = "{driver: none}"
		s.head = "notify: " + of.listen(t) + "\n"
		s.punch(17, "09 08:00:00", "OnDuty")
		s.punch(18, "09 08:00:00", "OnDuty")
		server, w, _ := s.serving()
		for range 3 {
			_ = server.perform(t.Context(), w, w.task())
			require.Len(t, of.shown(), 1, "told once")
		}
		require.Contains(t, of.shown()[0], "closed for 17")
		s.punch(17, "09 08:30:00", "OnDuty")
		_ = server.perform(t.Context(), w, w.task())
		require.Len(t, of.shown(), 2, "another row")
		s.exec(`DROP TRIGGER refuses`)
		_ = server.perform(t.Context(), w, w.task())
		require.Len(t, of.shown(), 2, "a job of which nothing else is wrong did not fail, and does not recover")
	})
}
