package wecom

import (
	"context"
	"net/url"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

const pathToken = "/cgi-bin/gettoken" //nolint:gosec // a path, no credential

// tokenLife is how long a token lives by the docs, where the answer does not say.
const tokenLife = 2 * time.Hour

// An access is what calls are made with: the tokens of one application. A token
// of one is worth nothing in calls that are the other's, so each has its own.
type access struct {
	name   attendance.Text
	tokens provider.TokenSource
}

// access returns the tokens of a secret: the host's, or ones of our own.
func (c *Client) access(name attendance.Text, tokens provider.TokenSource, secret string) *access {
	switch {
	case tokens != nil:
	case secret != "":
		fetch := func(ctx context.Context) (provider.Token, error) { return c.fetchToken(ctx, secret) }
		tokens = provider.NewTokens(fetch, &provider.TokenOptions{Now: c.clock})
	default:
		return nil
	}
	return &access{name, tokens}
}

// fetchToken asks for a token of a secret. Whether another request gives the same
// token while one lives is not agreed on; nothing here depends on it.
//
// A limit that was passed is final here, and remembered like a wrong secret: it
// says that the address is shut out, by us or by others behind it.
func (c *Client) fetchToken(ctx context.Context, secret string) (provider.Token, error) {
	asked := c.clock()
	reply, err := c.api.Call(ctx, provider.Request{
		Op:    pathToken,
		URL:   c.config.BaseURL + pathToken,
		Query: url.Values{"corpid": {c.config.CorpID}, "corpsecret": {secret}},
	})
	c.skew.Note(reply, c.clock())
	if err != nil {
		return provider.Token{}, shutOut(tokenRefused(err))
	}
	token := provider.Token{Expires: asked.Add(tokenLife)}
	for key, value := range provider.Object(reply.Body) {
		switch string(key) {
		case "access_token":
			token.Value = provider.Text(value)
		case "expires_in":
			if seconds, ok := provider.Int(value); ok && seconds > 0 && seconds <= int64(30*day/time.Second) {
				token.Expires = asked.Add(time.Duration(seconds) * time.Second)
			}
		}
	}
	if token.Value == "" {
		return provider.Token{}, malformed(pathToken, "errcode 0 without an access_token")
	}
	return token, nil
}

// tokenRefused reads as bad credentials what elsewhere means a bad token: there is
// no token to be fetched anew.
func tokenRefused(err error) error {
	e, ok := err.(*attendance.Error) //nolint:errorlint // provider.Client returns it bare
	if !ok {
		return err
	}
	if _, token := codeOf(apiCode(err)); token {
		refused := *e
		refused.Err = nil
		return &refused
	}
	return err
}

// shutOut words a 45009 of gettoken.
func shutOut(err error) error {
	e, ok := err.(*attendance.Error) //nolint:errorlint // provider.Client returns it bare
	if !ok || apiCode(err) != codeOverLimit {
		return err
	}
	shut := *e
	shut.Mend = attendance.Text{
		EN: "wait an hour; WeCom shuts an address out for so long after many failing calls, by any program behind it: look for one with a wrong secret, or lift the block at open.work.weixin.qq.com (checkCorpSpamBlock)",
		ZH: "请一小时后再试：同一出口 IP 上有程序多次失败调用（如错误的 Secret）会使该 IP 被封一小时；也可到 open.work.weixin.qq.com 的 checkCorpSpamBlock 页面自助解封",
	}
	return &shut
}
