package wecomtest_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
	"github.com/stretchr/testify/require"
)

func TestTokens(t *testing.T) {
	for _, also42001 := range []bool{false, true} {
		expired := map[bool]string{false: "40014", true: "42001"}[also42001]
		now := noon
		r := newRig(t, &wecomtest.Options{ExpiredAs42001: also42001, Now: func() time.Time { return now }})
		works := func(token string) string {
			r.token = token
			return r.post(wecomtest.PathCheckIn, askA).code()
		}
		first := r.token
		require.Equal(t, "0", works(first))
		require.Equal(t, "40014", works("made-up"))

		now = now.Add(7199 * time.Second)
		answer := r.getToken(wecomtest.DefaultCorpID, wecomtest.DefaultSecret)
		require.Equal(t, first, answer.body["access_token"], "while it is valid the same token comes again")
		require.Equal(t, "7200", column([]object{answer.body}, "expires_in")[0])
		require.Equal(t, "0", works(first))
		now = now.Add(time.Second)
		require.Equal(t, expired, works(first), "and does not live on")
		r.login(wecomtest.DefaultSecret)
		second := r.token
		require.NotEqual(t, first, second)
		require.Equal(t, "0", works(second))
		require.Equal(t, expired, works(first))

		r.login(wecomtest.DefaultContactSecret)
		contact := r.token
		require.NotEqual(t, second, contact, "tokens are per secret")
		r.fake.ExpireTokens()
		require.Equal(t, expired, works(second))
		require.Equal(t, expired, works(contact))
		r.login(wecomtest.DefaultSecret)
		require.NotEqual(t, second, r.token)
		require.Equal(t, "0", works(r.token))
	}
}

func TestNewTokenEndsOlder(t *testing.T) {
	r := newRig(t, &wecomtest.Options{NewTokenEndsOlder: true, NewTokenEachTime: true})
	works := func(token string) string {
		r.token = token
		return r.post(wecomtest.PathCheckIn, askA).code()
	}
	first := r.token
	require.Equal(t, "0", works(first))
	r.login(wecomtest.DefaultContactSecret)
	require.Equal(t, "0", works(first), "that of another secret ends nothing")
	r.login(wecomtest.DefaultSecret)
	second := r.token
	require.Equal(t, "40014", works(first))
	require.Equal(t, "0", works(second))
}

func TestRejectTokens(t *testing.T) {
	r := newRig(t, nil)
	renewed := func() string {
		r.login(wecomtest.DefaultSecret)
		return r.post(wecomtest.PathCheckIn, askA).code()
	}
	r.fake.RejectTokens(2)
	require.Equal(t, "40014", r.post(wecomtest.PathCheckIn, askA).code(), "what was given has ended")
	first := renewed()
	require.Equal(t, []string{"40014", "40014", "0", "0"}, []string{first, renewed(), renewed(), renewed()})
	r.fake.RejectTokens(-1)
	for range 5 {
		require.Equal(t, "40014", renewed())
	}
	r.fake.RejectTokens(0)
	require.Equal(t, "0", renewed())
}

func TestNewTokenEachTime(t *testing.T) {
	r := newRig(t, &wecomtest.Options{NewTokenEachTime: true})
	first := r.token
	r.login(wecomtest.DefaultSecret)
	require.NotEqual(t, first, r.token)
	require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code())
	r.token = first
	require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code(), "the earlier one lives on")
}

func TestWrongCredentials(t *testing.T) {
	r := newRig(t, &wecomtest.Options{CorpID: wecomtest.DefaultCorpID, Secret: wecomtest.DefaultSecret, ContactSecret: wecomtest.DefaultContactSecret})
	for _, test := range [][3]string{
		{wecomtest.DefaultCorpID, "wrong", "40001"}, {"wrong", wecomtest.DefaultSecret, "40013"}, {"wrong", "wrong", "40013"},
		{"", wecomtest.DefaultSecret, "41002"}, {wecomtest.DefaultCorpID, "", "41004"},
	} {
		answer := r.getToken(test[0], test[1])
		require.Equal(t, test[2], answer.code())
		require.Equal(t, 200, answer.status)
		require.NotContains(t, answer.body, "access_token")
		require.NotContains(t, answer.body, "checkindata")
	}
	req := r.request(wecomtest.PathToken+"?corpid="+wecomtest.DefaultCorpID+"&corpsecret="+wecomtest.DefaultSecret+"&", "")
	require.Equal(t, "40063", r.do(req).code(), "POST")
}

func TestTokenPlace(t *testing.T) {
	r := newRig(t, nil)
	good := r.token
	r.token = ""
	body := with(askA, object{"access_token": good})
	req := r.request(wecomtest.PathCheckIn, body)
	req.URL.RawQuery = ""
	req.Header.Set("Authorization", "Bearer "+good)
	answer := r.do(req)
	require.Equal(t, "41001", answer.code())
	require.Equal(t, []any{}, answer.body["checkindata"])
	require.Equal(t, "41001", r.get(wecomtest.PathDepartments, url.Values{}).code())
}

// TestApplications: a token of one application cannot do what the other may.
func TestApplications(t *testing.T) {
	for name, test := range map[string]struct {
		opts    wecomtest.Options
		call    func(*rig) reply
		app     string
		contact string
	}{
		"check-ins":            {call: func(r *rig) reply { return r.post(wecomtest.PathCheckIn, askA) }, app: "0", contact: "48002"},
		"list_id":              {call: func(r *rig) reply { return r.post(wecomtest.PathUserIDs, object{}) }, app: "48002", contact: "0"},
		"simplelist":           {call: getUsersSimple, app: "0", contact: "0"},
		"list":                 {call: getUsers, app: "0", contact: "0"},
		"get":                  {call: getUser, app: "0", contact: "0"},
		"departments":          {call: getDepartments, app: "0", contact: "0"},
		"new, list_id":         {opts: wecomtest.Options{NewContactAddress: true}, call: func(r *rig) reply { return r.post(wecomtest.PathUserIDs, object{}) }, app: "48002", contact: "0"},
		"new, simplelist":      {opts: wecomtest.Options{NewContactAddress: true}, call: getUsersSimple, app: "0", contact: "48009"},
		"new, list":            {opts: wecomtest.Options{NewContactAddress: true}, call: getUsers, app: "0", contact: "48009"},
		"new, get":             {opts: wecomtest.Options{NewContactAddress: true}, call: getUser, app: "0", contact: "48009"},
		"new, departments":     {opts: wecomtest.Options{NewContactAddress: true}, call: getDepartments, app: "0", contact: "0"},
		"without user/list":    {opts: wecomtest.Options{WithoutUserList: true}, call: getUsers},
		"without, but the get": {opts: wecomtest.Options{WithoutUserList: true}, call: getUser, app: "0", contact: "0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, &test.opts)
			r.fake.AddUser(wecomtest.User{ID: "a"})
			require.Equal(t, test.app, test.call(r).code())
			r.login(wecomtest.DefaultContactSecret)
			require.Equal(t, test.contact, test.call(r).code())
		})
	}
}

func getUsersSimple(r *rig) reply {
	return r.get(wecomtest.PathUsersSimple, url.Values{"department_id": {"1"}})
}
func getUsers(r *rig) reply {
	return r.get(wecomtest.PathUsers, url.Values{"department_id": {"1"}})
}
func getUser(r *rig) reply        { return r.get(wecomtest.PathUser, url.Values{"userid": {"a"}}) }
func getDepartments(r *rig) reply { return r.get(wecomtest.PathDepartments, url.Values{}) }

func TestAllowCheckIn(t *testing.T) {
	for as60011, code := range map[bool]string{false: "48002", true: "60011"} {
		r := newRig(t, &wecomtest.Options{ForbiddenAs60011: as60011})
		r.fake.AllowCheckIn(false)
		answer := r.post(wecomtest.PathCheckIn, askA)
		require.Equal(t, code, answer.code())
		require.Equal(t, []any{}, answer.body["checkindata"])
		require.Equal(t, code, r.post(wecomtest.PathCheckIn, "").code(), "whatever is asked")
		require.Equal(t, "0", getDepartments(r).code())
		r.fake.AllowCheckIn(true)
		require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code())
	}
}

func TestUnknownPathsAndHosts(t *testing.T) {
	r := newRig(t, nil)
	for _, path := range []string{"/", "/cgi-bin/checkin/getCheckinData", "/checkin/getcheckindata", "/cgi-bin/user/getuserid", wecomtest.PathUser + "/"} {
		answer := r.post(path, object{})
		require.Equal(t, http.StatusNotFound, answer.status, path)
		require.Contains(t, answer.header.Get("Content-Type"), "text/html")
	}
	for _, name := range []string{"qyapi.weixin.qq.com", "wecom.internal:8443", "127.0.0.1"} {
		req := r.request(wecomtest.PathCheckIn, askA)
		req.URL.Host, req.Host = name, name
		require.Equal(t, "0", r.do(req).code(), name)
	}
	for _, path := range []string{wecomtest.PathDepartments, wecomtest.PathUsersSimple, wecomtest.PathUsers, wecomtest.PathUser} {
		require.Equal(t, "40063", r.post(path, object{}).code(), path)
	}
}
