package dingtalk

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// A live token is not told, whatever a token call's answer looks like.
func TestTokenAnswersAreNeverQuoted(t *testing.T) {
	const live = "LIVE-t0k3n-9f8e7d6c5b4a"
	for _, body := range []string{
		`{"accessToken":"` + live + `","expireIn":72`,
		"\ufeff" + `{"accessToken":"` + live + `","expireIn":7200}`,
		`{"accessToken":"` + live + `","expireIn":7200} // cached`,
		`{"errcode":"` + live + `","errmsg":"` + live + `"}`,
		`{"errcode":40078,"errmsg":"token ` + live + ` is no good","request_id":"` + live + ` x"}`,
		`{"code":"InvalidAuthentication","message":"` + live + ` has expired","requestid":"r1"}`,
		`{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"[` + live + `] https://open.dingtalk.com/?` + live + `"}`,
		`{"errcode":88,"sub_code":"60020","sub_msg":"203.0.113.9 of ` + live + `"}`,
		`{"at":"` + live + `"}`,
		live,
	} {
		for _, status := range []int{200, 400, 503} {
			for _, old := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					fake := dingtalktest.New(nil)
					path := map[bool]string{false: pathNewToken, true: pathOldToken}[old]
					fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: path, Body: body, Status: status})
					c := clientOf(t, fake, func(c *Config) { c.OldToken = old })
					token, err := c.fetchToken(t.Context())
					if status == 200 && strings.Contains(body, `7200}`) { // what stands around it is no matter
						require.NoError(t, err)
						require.Equal(t, live, token.Value)
						return
					}
					require.Error(t, err)
					for e := err; e != nil; e = errors.Unwrap(e) {
						require.NotContains(t, fmt.Sprintf("%v %+v", e, e), "t0k3n", body)
					}
					api, _ := errors.AsType[*APIError](err)
					require.NotContains(t, fmt.Sprintf("%+v %v", api, attendance.FindingOf(attendance.Text{}, err)), "t0k3n", body)
				})
			}
		}
	}
	fake := dingtalktest.New(nil)
	fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Answer, Path: pathNewToken, Status: 403, Body: `{"errcode":60020,"errmsg":"203.0.113.9 not listed"}`})
	_, err := clientOf(t, fake, nil).fetchToken(t.Context())
	require.ErrorContains(t, err, "203.0.113.9", "what helps is told")
	require.ErrorContains(t, err, "60020")
}
