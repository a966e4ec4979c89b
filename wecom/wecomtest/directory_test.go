package wecomtest_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
	"github.com/stretchr/testify/require"
)

// firm is a company of two divisions; the application sees division 10 and one
// person of the other.
func firm(t *testing.T, opts wecomtest.Options) *rig {
	opts.VisibleDepartments, opts.VisibleUsers = []int64{10}, []string{"CHEN"}
	r := newRig(t, &opts)
	r.fake.AddDepartment(
		wecomtest.Department{ID: 10, Name: "一部"}, wecomtest.Department{ID: 11, Parent: 10, Name: "一部一组"},
		wecomtest.Department{ID: 20, Name: "二部"}, wecomtest.Department{ID: 10, Name: "第一部"},
	)
	r.fake.AddUser(
		wecomtest.User{ID: "ZhangSan", Name: "张三", Departments: []int64{11, 20}, Mobile: "13800000000", Email: "zhangsan@example.com",
			BizMail: "zhangsan@corp.example.com", Alias: "jackz", JobNumber: "A0017"},
		wecomtest.User{ID: "lisi", Name: "李四", Departments: []int64{10}, Status: 4},
		wecomtest.User{ID: "wangwu", Departments: []int64{20}},
		wecomtest.User{ID: "chen", Departments: []int64{20}},
		wecomtest.User{ID: "boss"},
	)
	return r
}

func TestDepartments(t *testing.T) {
	r := firm(t, wecomtest.Options{})
	list := func(id string) []string {
		query := url.Values{}
		if id != "" {
			query.Set("id", id)
		}
		answer := r.get(wecomtest.PathDepartments, query)
		if answer.code() != "0" {
			return []string{answer.code()}
		}
		return column(r.rows(answer, "department_id"), "id")
	}
	require.JSONEq(t, `{"errcode":0,"errmsg":"ok","department_id":[{"id":10,"parentid":1,"order":2},{"id":11,"parentid":10,"order":3}]}`,
		r.get(wecomtest.PathDepartments, url.Values{}).raw)
	require.Equal(t, []string{"10", "11"}, list("10"))
	require.Equal(t, []string{"11"}, list("11"))
	require.Equal(t, []string{"60011"}, list("20"))
	require.Equal(t, []string{"60011"}, list("1"))
	require.Equal(t, []string{"60003"}, list("99"))
	require.Equal(t, []string{"40058"}, list("x"))
	require.Equal(t, "40063", r.get(wecomtest.PathDepartments, url.Values{"id": {""}}).code())
	r.login(wecomtest.DefaultContactSecret)
	require.Equal(t, []string{"1", "10", "11", "20"}, list(""), "通讯录同步 sees all")
	require.Equal(t, []string{"1", "10", "11", "20"}, list("1"))
	require.Equal(t, []string{"20"}, list("20"))
}

func TestUserLists(t *testing.T) {
	r := firm(t, wecomtest.Options{})
	list := func(path, department string) []string {
		answer := r.get(path, url.Values{"department_id": {department}, "fetch_child": {"1"}})
		if answer.code() != "0" {
			return []string{answer.code()}
		}
		return column(r.rows(answer, "userlist"), "userid")
	}
	for _, path := range []string{wecomtest.PathUsersSimple, wecomtest.PathUsers} {
		r.login(wecomtest.DefaultSecret)
		require.Equal(t, []string{"lisi"}, list(path, "10"), "without those of the departments below")
		require.Equal(t, []string{"ZhangSan"}, list(path, "11"))
		require.Equal(t, []string{"60011"}, list(path, "20"))
		require.Equal(t, []string{"60011"}, list(path, "1"))
		require.Equal(t, []string{"60003"}, list(path, "99"))
		require.Equal(t, []string{"40058"}, list(path, "ten"))
		require.Equal(t, []string{"40063"}, list(path, ""))
		r.login(wecomtest.DefaultContactSecret)
		require.Equal(t, []string{"ZhangSan", "wangwu", "chen"}, list(path, "20"))
		require.Equal(t, []string{"boss"}, list(path, "1"))
	}
	require.JSONEq(t, `{"errcode":0,"errmsg":"ok","userlist":[{"userid":"ZhangSan","name":"张三","department":[11,20]}]}`,
		r.get(wecomtest.PathUsersSimple, url.Values{"department_id": {"11"}}).raw)
	require.Equal(t, "A0017", jobNumber(r.rows(r.get(wecomtest.PathUsers, url.Values{"department_id": {"11"}}), "userlist")[0]))
}

func jobNumber(user object) any {
	attrs := user["extattr"].(object)["attrs"].([]any)
	if len(attrs) == 0 {
		return nil
	}
	return attrs[0].(object)["text"].(object)["value"]
}

func TestUser(t *testing.T) {
	r := firm(t, wecomtest.Options{})
	get := func(id string) reply { return r.get(wecomtest.PathUser, url.Values{"userid": {id}}) }
	want := `{"errcode":0,"errmsg":"ok","userid":"ZhangSan","name":"张三","department":[11,20],"order":[0,0],"position":"",` +
		`"mobile":"13800000000","gender":"0","email":"zhangsan@example.com","biz_mail":"zhangsan@corp.example.com",` +
		`"is_leader_in_dept":[0,0],"direct_leader":[],"telephone":"","alias":"jackz","status":1,"main_department":11,` +
		`"extattr":{"attrs":[{"type":0,"name":"工号","text":{"value":"A0017"}}]}}`
	require.Equal(t, want, get("zhangsan").raw, "in whatever case")
	require.Equal(t, "4", column([]object{get("lisi").body}, "status")[0])
	require.Nil(t, jobNumber(get("lisi").body))
	require.Equal(t, "0", get("chen").code(), "visible as a person")
	require.Equal(t, "60011", get("wangwu").code())
	require.Equal(t, "60111", get("nobody").code())
	require.Equal(t, "40063", get("").code())
	r.fake.RemoveUser("LISI")
	require.Equal(t, "60111", get("lisi").code())
	r.login(wecomtest.DefaultContactSecret)
	require.Equal(t, "0", get("wangwu").code())

	r = firm(t, wecomtest.Options{WithholdPrivate: true})
	for _, user := range []object{get("zhangsan").body, r.rows(r.get(wecomtest.PathUsers, url.Values{"department_id": {"11"}}), "userlist")[0]} {
		for _, private := range []string{"mobile", "email", "biz_mail", "gender"} {
			require.NotContains(t, user, private)
		}
		require.Equal(t, "jackz", user["alias"])
		require.Equal(t, "A0017", jobNumber(user))
	}
}

func TestUserIDs(t *testing.T) {
	r := firm(t, wecomtest.Options{})
	r.login(wecomtest.DefaultContactSecret)
	all := r.post(wecomtest.PathUserIDs, object{"cursor": "", "limit": 10000})
	require.JSONEq(t, `{"errcode":0,"errmsg":"ok","next_cursor":"","dept_user":[{"userid":"ZhangSan","department":11},{"userid":"ZhangSan","department":20},
		{"userid":"lisi","department":10},{"userid":"wangwu","department":20},{"userid":"chen","department":20},{"userid":"boss","department":1}]}`, all.raw)
	for limit := 1; limit <= 7; limit++ {
		var seen []object
		body := object{"limit": limit}
		for pages := 1; ; pages++ {
			answer := r.post(wecomtest.PathUserIDs, body)
			rows := r.rows(answer, "dept_user")
			require.LessOrEqual(t, len(rows), limit)
			seen = append(seen, rows...)
			if answer.body["next_cursor"] == "" {
				require.Equal(t, (6+limit-1)/limit, pages, "no empty page at the end")
				break
			}
			body["cursor"] = answer.body["next_cursor"]
		}
		require.Equal(t, r.rows(all, "dept_user"), seen)
	}
	for name, test := range map[string]struct {
		body any
		code string
	}{
		"nothing in it":        {object{}, "0"},
		"a null cursor":        {`{"cursor":null}`, "0"},
		"limit 0":              {object{"limit": 0}, "40058"},
		"limit 10001":          {object{"limit": 10001}, "40058"},
		"limit as a string":    {object{"limit": "10"}, "40058"},
		"a cursor of our own":  {object{"cursor": "2"}, "40058"},
		"a cursor as a number": {object{"cursor": 2}, "40058"},
		"half":                 {"{", "40058"},
		"an escape":            {`{"cursor":"\u0041"}`, "40033"},
		"nothing":              {"", "40063"},
	} {
		require.Equal(t, test.code, r.post(wecomtest.PathUserIDs, test.body).code(), name)
	}
	req := r.request(wecomtest.PathUserIDs, object{})
	req.Method = "GET"
	require.Equal(t, "40063", r.do(req).code())
	req = r.request(wecomtest.PathUserIDs, object{})
	req.Header.Del("Content-Type")
	require.Equal(t, "40063", r.do(req).code())
}

func TestUsers(t *testing.T) {
	r := newRig(t, nil)
	for i := range 3 {
		r.fake.AddUser(wecomtest.User{ID: fmt.Sprint("u", i)})
	}
	r.fake.AddUser(wecomtest.User{ID: "U1", Name: "again", Departments: []int64{1}, Status: 2})
	r.fake.RemoveUser("u0")
	require.Equal(t, []wecomtest.User{
		{ID: "U1", Name: "again", Departments: []int64{1}, Status: 2},
		{ID: "u2", Departments: []int64{1}, Status: 1},
	}, r.fake.Users())
}

// What stands in the visible range beside departments is told by agent/get and tag/get alone.
func TestVisibleRange(t *testing.T) {
	options := wecomtest.Options{VisibleTags: []wecomtest.Tag{{ID: 7, Users: []string{"wangwu", "gone", "boss"}}, {ID: 8, Departments: []int64{20}}}}
	r := firm(t, options)
	agent := func(id string) reply { return r.get(wecomtest.PathAgent, url.Values{"agentid": {id}}) }
	tag := func(id string) reply { return r.get(wecomtest.PathTag, url.Values{"tagid": {id}}) }
	require.Contains(t, agent(wecomtest.DefaultAgentID).raw, `"allow_userinfos":{"user":[{"userid":"CHEN"}]},"allow_partys":{"partyid":[10]},"allow_tags":{"tagid":[7,8]},"close":0`)
	require.Equal(t, "301002", agent("1").code())
	require.Equal(t, "40063", agent("").code())
	require.JSONEq(t, `{"errcode":0,"errmsg":"ok","tagname":"测试标签","userlist":[{"userid":"wangwu","name":""},{"userid":"boss","name":""}],"partylist":[]}`, tag("7").raw)
	require.Contains(t, tag("8").raw, `"userlist":[],"partylist":[20]`)
	require.Equal(t, "40068", tag("9").code())
	require.Equal(t, "40063", tag("").code())
	require.Equal(t, "0", r.get(wecomtest.PathUser, url.Values{"userid": {"boss"}}).code(), "the tag shows the person")
	for id, want := range map[string][]string{"": {"10", "11"}, "20": {"20"}} {
		query := url.Values{}
		if id != "" {
			query.Set("id", id)
		}
		require.Equal(t, want, column(r.rows(r.get(wecomtest.PathDepartments, query), "department_id"), "id"))
	}
	r.login(wecomtest.DefaultContactSecret)
	require.Equal(t, "48002", agent(wecomtest.DefaultAgentID).code())

	r = firm(t, wecomtest.Options{VisibleTags: options.VisibleTags, TagsListed: true, WithoutAgent: true, AgentID: "5"})
	require.Equal(t, []string{"10", "11", "20"}, column(r.rows(r.get(wecomtest.PathDepartments, url.Values{}), "department_id"), "id"))
	require.Equal(t, "48002", r.get(wecomtest.PathAgent, url.Values{"agentid": {"5"}}).code())
	r = newRig(t, &wecomtest.Options{AgentID: "5"})
	require.Contains(t, r.get(wecomtest.PathAgent, url.Values{"agentid": {"5"}}).raw, `"agentid":5,`)
	require.Contains(t, r.get(wecomtest.PathAgent, url.Values{"agentid": {"5"}}).raw, `"allow_partys":{"partyid":[1]}`)
}
