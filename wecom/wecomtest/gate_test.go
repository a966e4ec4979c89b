package wecomtest_test

import (
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
	"github.com/stretchr/testify/require"
)

func TestPerMinute(t *testing.T) {
	now := noon
	r := newRig(t, &wecomtest.Options{Now: func() time.Time { return now }})
	call := func() string { return r.post(wecomtest.PathCheckIn, askA).code() }
	for range 1200 { // 600 a minute, evenly
		require.Equal(t, "0", call())
		now = now.Add(100 * time.Millisecond)
	}
	now = now.Add(-time.Millisecond)
	answer := r.post(wecomtest.PathCheckIn, askA)
	require.Equal(t, "45009", answer.code(), "a millisecond early")
	require.Equal(t, []any{}, answer.body["checkindata"])
	require.Equal(t, 200, answer.status)
	require.Equal(t, "0", getDepartments(r).code(), "other paths have a limit of their own")
	now = now.Add(time.Minute - 1)
	require.Equal(t, "45009", call(), "blocked for a minute from then")
	now = now.Add(1)
	require.Equal(t, "0", call(), "calls during the block do not prolong it")
	require.Equal(t, 1203, r.fake.Requests(wecomtest.PathCheckIn))

	r = newRig(t, &wecomtest.Options{PerMinute: 2, Now: func() time.Time { return now }})
	require.Equal(t, []string{"0", "0", "45009"}, []string{call(), call(), call()})
	require.Equal(t, "45009", r.post(wecomtest.PathCheckIn, "").code(), "before the body is read")
}

func TestPerMinuteOfOtherCalls(t *testing.T) {
	now := noon
	r := newRig(t, &wecomtest.Options{LogSize: -1, Now: func() time.Time { return now }})
	for range 10000 {
		require.Equal(t, "0", getDepartments(r).code())
	}
	require.Equal(t, "45009", getDepartments(r).code())
	require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code())
	require.Equal(t, "0", getUsersSimple(r).code())
	now = now.Add(time.Minute)
	require.Equal(t, "0", getDepartments(r).code())
	require.Empty(t, r.fake.Log())
}

func TestPerMinuteOfDebugCalls(t *testing.T) {
	r := newRig(t, nil)
	debug := func() string { return r.get(wecomtest.PathDepartments, url.Values{"debug": {"1"}}).code() }
	require.Equal(t, []string{"0", "0", "0", "0", "0", "45009"}, []string{debug(), debug(), debug(), debug(), debug(), debug()})
	require.Equal(t, "0", getDepartments(r).code())
}

func TestAddressIsBanned(t *testing.T) {
	for name, test := range map[string]struct {
		limit int
		fail  func(*rig) string
		code  string
	}{
		"by wrong secrets": {2000, func(r *rig) string { return r.getToken(wecomtest.DefaultCorpID, "wrong").code() }, "40001"},
		"by wrong corps":   {2000, func(r *rig) string { return r.getToken("wrong", "wrong").code() }, "40013"},
		"by wrong tokens": {1000, func(r *rig) string {
			r.token = "made-up"
			return r.post(wecomtest.PathCheckIn, askA).code()
		}, "40014"},
	} {
		t.Run(name, func(t *testing.T) {
			now := noon
			r := newRig(t, &wecomtest.Options{Now: func() time.Time { return now }, PerMinute: 5000})
			good := r.token
			for range test.limit {
				require.Equal(t, test.code, test.fail(r))
			}
			r.token = good
			require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code())
			now = now.Add(time.Hour - 1)
			require.Equal(t, "45009", test.fail(r), "one too many within an hour")
			now = now.Add(time.Hour - 1)
			r.token = good
			require.Equal(t, "45009", r.post(wecomtest.PathCheckIn, askA).code(), "every call")
			require.Equal(t, "45009", getDepartments(r).code())
			require.Equal(t, "45009", r.getToken(wecomtest.DefaultCorpID, wecomtest.DefaultSecret).code())
			now = now.Add(1)
			r.login(wecomtest.DefaultSecret)
			require.Equal(t, test.code, test.fail(r), "it is forgotten")
		})
	}
}

func TestNoLimits(t *testing.T) {
	r := newRig(t, &wecomtest.Options{PerMinute: -1, LogSize: -1})
	for range 10001 {
		require.Equal(t, "40013", r.getToken("wrong", "wrong").code())
	}
	r.login(wecomtest.DefaultSecret)
	for range 601 {
		require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code())
	}
}

func TestLog(t *testing.T) {
	r := newRig(t, &wecomtest.Options{LogSize: 3})
	for range 20 {
		r.get(wecomtest.PathUser, url.Values{"userid": {"nobody"}})
	}
	r.post(wecomtest.PathCheckIn, `{}`)
	log := r.fake.Log()
	require.Len(t, log, 3)
	require.Equal(t, wecomtest.Request{Number: 22, Method: "POST", Path: wecomtest.PathCheckIn, Query: url.Values{}, Body: `{}`,
		Time: noon, Status: 200, Code: "40058"}, log[2])
	require.Equal(t, url.Values{"userid": {"nobody"}}, log[0].Query, "without the token")
	require.Equal(t, "60111", log[0].Code)
	require.Equal(t, 22, r.fake.Requests(""))
	require.Equal(t, 20, r.fake.Requests(wecomtest.PathUser))

	r.fake.ResetCounters()
	require.Empty(t, r.fake.Log())
	require.Zero(t, r.fake.Requests("")+r.fake.Requests(wecomtest.PathUser))
	r.login(wecomtest.DefaultSecret)
	require.Equal(t, url.Values{"corpid": {wecomtest.DefaultCorpID}}, r.fake.Log()[0].Query, "without the secret")
}

func TestLatencyIsVirtual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &wecomtest.Options{Latency: time.Minute, Now: time.Now})
		start := time.Now()
		require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code())
		require.Equal(t, time.Minute, time.Since(start))
	})
}

// TestLimitsInABubble: the block ends by itself as time passes.
func TestLimitsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &wecomtest.Options{PerMinute: 1, Now: time.Now})
		require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code())
		require.Equal(t, "45009", r.post(wecomtest.PathCheckIn, askA).code())
		time.Sleep(time.Minute)
		require.Equal(t, "0", r.post(wecomtest.PathCheckIn, askA).code())
		time.Sleep(2 * time.Hour)
		require.Equal(t, "40014", r.post(wecomtest.PathCheckIn, askA).code())
	})
}
