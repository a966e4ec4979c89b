package wecom

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// A live token is not told, whatever gettoken's answer looks like.
func TestTokenAnswersAreNeverQuoted(t *testing.T) {
	const live = "LIVE-t0k3n-9f8e7d6c5b4a"
	for _, body := range []string{
		`{"errcode":0,"access_token":"` + live + `","expires`,
		"\ufeff" + `{"errcode":0,"access_token":"` + live + `"}`,
		`{"errcode":0,"access_token":"` + live + `"} // cached`,
		`{"errcode":40001,"errmsg":"invalid credential ` + live + `, hint: [` + live + ` 1], from ip: 203.0.113.9, more"}`,
		`{"errcode":60020,"errmsg":"not allow ` + live + `, hint: [1709], from ip: 203.0.113.9, more info"}`,
		`{"errcode":"` + live + `","access_token":"` + live + `"}`,
		`{"at":"` + live + `"}`,
		live,
	} {
		for _, status := range []int{200, 403, 503} {
			bubble(t, func(t *testing.T) {
				fake := wecomtest.New(nil)
				fake.Fail(wecomtest.Fault{Kind: wecomtest.Answer, Path: wecomtest.PathToken, Body: body, Status: status})
				token, err := clientOf(t, fake, nil).app.tokens.Token(t.Context())
				if status == 200 && strings.Contains(body, `"errcode":0,"access_token":"`+live+`"}`) { // what stands around it is no matter
					require.NoError(t, err)
					require.Equal(t, live, token)
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
