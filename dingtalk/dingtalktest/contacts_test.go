package dingtalktest_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/stretchr/testify/require"
)

func TestDepartments(t *testing.T) {
	r := newRig(t, nil)
	r.fake.AddDepartment(dingtalktest.Department{ID: 10, Name: "研发"}, dingtalktest.Department{ID: 20, Name: "销售"}, dingtalktest.Department{ID: 11, Parent: 10, Name: "平台"})
	list := func(body object) reply { return r.post("/topapi/v2/department/listsub", body) }
	require.Contains(t, list(object{}).raw, `{"errcode":0,"errmsg":"ok","result":[{"auto_add_user":false,"create_dept_group":false,"dept_id":10,"name":"研发","parent_id":1},{"auto_add_user":false,"create_dept_group":false,"dept_id":20,"name":"销售","parent_id":1}],"request_id":"req`)
	require.Equal(t, list(object{}).body["result"], list(object{"dept_id": 1, "language": "zh_CN"}).body["result"])
	require.Len(t, list(object{"dept_id": 10}).body["result"], 1, "direct children only")
	require.Contains(t, list(object{"dept_id": 11}).raw, `"result":[]`)
	require.Equal(t, "60003", list(object{"dept_id": 99}).code())
	require.Equal(t, "40009", list(object{"dept_id": "10"}).code(), "a number, not a text")

	ids := func(body object) reply { return r.post("/topapi/v2/department/listsubid", body) }
	require.Contains(t, ids(object{"dept_id": 1}).raw, `"result":{"dept_id_list":[10,20]}`)
	require.Equal(t, "40035", ids(object{}).code())

	r.fake.AddDepartment(dingtalktest.Department{ID: 20, Parent: 11, Name: "moved"})
	require.Contains(t, ids(object{"dept_id": 1}).raw, `"result":{"dept_id_list":[10]}`)
	require.Contains(t, ids(object{"dept_id": 11}).raw, `"result":{"dept_id_list":[20]}`)
	require.Panics(t, func() { r.fake.AddDepartment(dingtalktest.Department{}) })

	r.fake.AddDepartment(dingtalktest.Department{ID: 1, Parent: 20})
	require.Contains(t, ids(object{"dept_id": 20}).raw, `"result":{"dept_id_list":[1]}`, "a circle")
	r.fake.AddUser(dingtalktest.User{ID: "a", Departments: []int64{11}})
	require.Equal(t, "0", r.get("/checkin/record", url.Values{"department_id": {"20"}, "start_time": {"1"}, "end_time": {"2"}}).code())
}

func TestUsersOfADepartment(t *testing.T) {
	r := newRig(t, nil)
	r.fake.AddDepartment(dingtalktest.Department{ID: 100}, dingtalktest.Department{ID: 101, Parent: 100})
	r.fake.AddUser(
		dingtalktest.User{ID: "staff001", Name: "测试甲", JobNumber: "A0001", Mobile: "13800000001", StateCode: "86", Email: "a@x.invalid", OrgEmail: "a@corp.invalid", Departments: []int64{100, 101}},
		dingtalktest.User{ID: "staff002", Name: "测试乙", Departments: []int64{100}},
		dingtalktest.User{ID: "staff004", Name: "测试丁", Departments: []int64{100}, Inactive: true},
	)
	list := func(path string, dept, cursor, size int) reply {
		return r.post(path, object{"dept_id": dept, "cursor": cursor, "size": size})
	}
	full := list(dingtalktest.PathUsers, 100, 0, 2)
	require.Contains(t, full.raw, `{"errcode":0,"errmsg":"ok","result":{"has_more":true,"next_cursor":2,"list":[`+
		`{"userid":"staff001","unionid":"uni-staff001","name":"测试甲","job_number":"A0001","mobile":"13800000001","state_code":"86","email":"a@x.invalid","org_email":"a@corp.invalid","dept_id_list":[100,101],"active":true,"exclusive_account":false},`+
		`{"userid":"staff002","unionid":"uni-staff002","name":"测试乙","job_number":"","dept_id_list":[100],"active":true,"exclusive_account":false}]},"request_id":"req`)
	require.Contains(t, list(dingtalktest.PathUsers, 100, 2, 2).raw, `"result":{"has_more":false,"list":[{"userid":"staff004","unionid":"uni-staff004","name":"测试丁","job_number":"","dept_id_list":[100],"active":false,"exclusive_account":false}]}`)
	require.Contains(t, list(dingtalktest.PathUsers, 101, 0, 100).raw, "staff001", "a person of two departments is in both lists")
	require.Contains(t, list(dingtalktest.PathUsers, 1, 0, 100).raw, `"list":[]`, "sub-departments are not included")
	require.Contains(t, list(dingtalktest.PathUsersSimple, 100, 0, 2).raw, `"result":{"has_more":true,"next_cursor":2,"list":[{"userid":"staff001","name":"测试甲"},{"userid":"staff002","name":"测试乙"}]}`)
	require.Contains(t, r.post(dingtalktest.PathUserIDs, object{"dept_id": 100}).raw, `"result":{"userid_list":["staff001","staff002","staff004"]}`)
	require.Contains(t, r.post(dingtalktest.PathUser, object{"userid": "staff001"}).raw, `"result":{"userid":"staff001","unionid"`)

	for _, path := range []string{dingtalktest.PathUsers, dingtalktest.PathUsersSimple} {
		require.Equal(t, "0", list(path, 100, 0, 100).code())
		require.Equal(t, "40069", list(path, 100, 0, 101).code())
		require.Equal(t, "40069", list(path, 100, 0, 0).code())
		require.Equal(t, "40068", list(path, 100, -1, 10).code())
		require.Equal(t, "60003", list(path, 99, 0, 10).code())
		require.Equal(t, "40035", r.post(path, object{"cursor": 0, "size": 10}).code())
		require.Equal(t, "40035", r.post(path, object{"dept_id": 1, "size": 10}).code())
		require.Equal(t, "40035", r.post(path, object{"dept_id": 1, "cursor": 0}).code())
	}
	require.Equal(t, "40035", r.post(dingtalktest.PathUserIDs, object{}).code())
	require.Equal(t, "40035", r.post(dingtalktest.PathUser, object{}).code())
	unknown := r.post(dingtalktest.PathUser, object{"userid": "staff003"})
	require.Regexp(t, `^{"errcode":33012,"errmsg":"无效的USERID","request_id":"req\d+"}$`, unknown.raw)

	r.fake.Deny(dingtalktest.PermissionMobile)
	for _, raw := range []string{list(dingtalktest.PathUsers, 100, 0, 2).raw, r.post(dingtalktest.PathUser, object{"userid": "staff001"}).raw} {
		require.NotContains(t, raw, "mobile")
		require.NotContains(t, raw, "state_code")
	}

	r.fake.AddUser(dingtalktest.User{ID: "staff002", Name: "moved"})
	require.NotContains(t, list(dingtalktest.PathUsers, 100, 0, 100).raw, "staff002")
	require.Contains(t, list(dingtalktest.PathUsers, 1, 0, 100).raw, "staff002")
	r.fake.RemoveUser("staff001", "never there")
	require.NotContains(t, list(dingtalktest.PathUsers, 100, 0, 100).raw+list(dingtalktest.PathUsers, 101, 0, 100).raw, "staff001")
	require.Equal(t, "33012", r.post(dingtalktest.PathUser, object{"userid": "staff001"}).code())
	users := r.fake.Users()
	require.Len(t, users, 2)
	require.Equal(t, "staff002", users[0].ID)
	require.Panics(t, func() { r.fake.AddUser(dingtalktest.User{}) })
}

func TestVisibleRange(t *testing.T) {
	company := func(opts dingtalktest.Options) *rig {
		r := newRig(t, &opts)
		r.fake.AddDepartment(dingtalktest.Department{ID: 10}, dingtalktest.Department{ID: 11, Parent: 10}, dingtalktest.Department{ID: 20})
		for _, id := range []int64{10, 11, 20} {
			r.fake.AddUser(dingtalktest.User{ID: fmt.Sprint("u", id), Departments: []int64{id}})
		}
		return r
	}
	r := company(dingtalktest.Options{AuthedDepartments: []int64{10}, AuthedUsers: []string{"u20"}})
	for id, want := range map[int]string{1: "50004", 10: "0", 11: "0", 20: "50004"} {
		page := object{"dept_id": id, "cursor": 0, "size": 100}
		require.Equal(t, want, r.post(dingtalktest.PathSubDepartments, page).code(), id)
		require.Equal(t, want, r.post(dingtalktest.PathUsers, page).code(), id)
		require.Equal(t, want, r.post(dingtalktest.PathUsersSimple, page).code(), id)
		require.Equal(t, "0", r.post(dingtalktest.PathSubDepartmentIDs, page).code(), "not limited")
		require.Equal(t, "0", r.post(dingtalktest.PathUserIDs, page).code(), "not limited")
	}
	require.Equal(t, "0", r.post(dingtalktest.PathUser, object{"userid": "u11"}).code())
	require.Equal(t, "0", r.post(dingtalktest.PathUser, object{"userid": "u20"}).code())
	require.Contains(t, r.get("/auth/scopes", url.Values{}).raw, `"auth_org_scopes":{"authed_user":["u20"],"authed_dept":[10]}`)

	r = company(dingtalktest.Options{AuthedDepartments: []int64{}})
	require.Equal(t, "50002", r.post(dingtalktest.PathUser, object{"userid": "u20"}).code())
	require.Equal(t, "50004", r.post(dingtalktest.PathUsers, object{"dept_id": 10, "cursor": 0, "size": 100}).code())
	require.Contains(t, r.get("/auth/scopes", url.Values{}).raw, `"auth_org_scopes":{"authed_user":[],"authed_dept":[]}`)

	r = company(dingtalktest.Options{})
	scopes := r.get("/auth/scopes", url.Values{}).raw
	require.Contains(t, scopes, `"authed_dept":[1]`)
	require.Contains(t, scopes, `"mobile"`)
	r.fake.Deny(dingtalktest.PermissionMobile)
	require.NotContains(t, r.get("/auth/scopes", url.Values{}).raw, `"mobile"`)
}
