package dingtalk

import (
	"context"
	"net/url"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

const (
	pathNewToken = "/v1.0/oauth2/accessToken" //nolint:gosec // a path, no credential
	pathOldToken = "/gettoken"
)

// tokenLife is how long a token lives by the docs, where the answer does not say.
const tokenLife = 2 * time.Hour

// fetchToken asks DingTalk for a token. While one lives the same one is answered
// and its life extended, so several processes do not disturb each other.
func (c *Client) fetchToken(ctx context.Context) (provider.Token, error) {
	if left := c.banLeft(); left > 0 {
		return provider.Token{}, shutOut(left, nil)
	}
	r := provider.Request{
		Op:           pathNewToken,
		URL:          c.config.APIBaseURL + pathNewToken,
		Confidential: true,
		Body: map[string]string{
			"appKey":    c.config.AppKey,
			"appSecret": c.config.AppSecret,
		},
	}
	if c.config.OldToken {
		r = provider.Request{
			Op:           pathOldToken,
			URL:          c.config.BaseURL + pathOldToken,
			Confidential: true,
			Query:        url.Values{"appkey": {c.config.AppKey}, "appsecret": {c.config.AppSecret}},
		}
	}
	asked := c.clock()
	reply, err := c.auth.Call(ctx, r)
	c.noted(reply, err)
	if err != nil {
		return provider.Token{}, err
	}
	token := provider.Token{Expires: asked.Add(tokenLife)}
	for key, value := range provider.Object(reply.Body) {
		switch string(key) {
		case "accessToken", "access_token":
			token.Value = provider.Text(value)
		case "expireIn", "expires_in":
			if seconds, ok := provider.Int(value); ok && seconds > 0 && seconds <= int64(30*24*time.Hour/time.Second) {
				token.Expires = asked.Add(time.Duration(seconds) * time.Second)
			}
		}
	}
	if token.Value == "" {
		return provider.Token{}, &attendance.Error{Code: attendance.CodeMalformed, Op: "dingtalk " + r.Op,
			Detail: "the answer holds no access token"}
	}
	return token, nil
}
