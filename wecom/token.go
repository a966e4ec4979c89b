package wecom

import (
	"context"
	"errors"
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
	secret attendance.Text // what its secret is called
	app    App             // in whose console it stands
	tokens provider.TokenSource
}

// named says which application an error is about, where it is about one.
func (a *access) named(err error) error {
	e, ok := err.(*attendance.Error) //nolint:errorlint // provider.Client returns it bare
	rejected := errors.Is(err, provider.ErrToken)
	if !ok || !isOfApplication(err) && e.Code != attendance.CodeCredentials && !rejected {
		return err
	}
	said := *e
	said.Detail = a.name.EN + ": " + e.Detail
	if rejected { // not the secret: it has got tokens
		return &said
	}
	return a.mended(&said)
}

// mended names the secret that is wrong, and the console where an address is trusted.
func (a *access) mended(err error) error {
	e, ok := err.(*attendance.Error) //nolint:errorlint // provider.Client returns it bare
	if !ok {
		return err
	}
	said := *e
	switch e.Code {
	case attendance.CodeCredentials:
		said.Mend = credentialsMend(a.secret)
	case attendance.CodeAddress:
		address := ""
		if api, ok := errors.AsType[*APIError](err); ok {
			address = api.Address
		}
		said.Mend = addressMend(a.app, address)
	default:
		return err
	}
	return &said
}

// access returns the tokens of a secret: the host's, or ones of our own.
func (c *Client) access(name, called attendance.Text, app App, tokens provider.TokenSource, secret string) *access {
	switch {
	case tokens != nil:
		tokens = provider.Judged(tokens)
	case secret != "":
		fetch := func(ctx context.Context) (provider.Token, error) { return c.fetchToken(ctx, secret) }
		tokens = provider.NewTokens(fetch, &provider.TokenOptions{Now: c.clock})
	default:
		return nil
	}
	return &access{name, called, app, tokens}
}

// fetchToken asks for a token of a secret. Whether another request gives the same
// token while one lives is not agreed on; nothing here depends on it.
//
// A limit that was passed is final here, and remembered like a wrong secret: it
// says that the address is shut out, by us or by others behind it.
func (c *Client) fetchToken(ctx context.Context, secret string) (provider.Token, error) {
	asked := c.clock()
	reply, err := c.api.Call(ctx, provider.Request{
		Op:           pathToken,
		URL:          c.config.BaseURL + pathToken,
		Confidential: true,
		Query:        url.Values{"corpid": {c.config.CorpID}, "corpsecret": {secret}},
	})
	c.skew.Note(reply)
	if err != nil {
		return provider.Token{}, refused(err)
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

// refused words an error of gettoken. What elsewhere means a bad token means bad
// credentials there, as there is no token to be fetched anew; and a limit that was
// passed means that the address is shut out.
func refused(err error) error {
	e, ok := err.(*attendance.Error) //nolint:errorlint // provider.Client returns it bare
	if !ok {
		return err
	}
	said := *e
	if api, ok := errors.AsType[*APIError](err); ok {
		said.Err = api // without ErrToken
		if api.Code == codeOverLimit {
			said.Mend = shutOutMend()
		}
	}
	return &said
}

func shutOutMend() attendance.Text {
	return attendance.Text{
		EN: "wait an hour; WeCom shuts an address out for so long after many failing calls, by any program behind it: look for one with a wrong secret, or lift the block at open.work.weixin.qq.com (checkCorpSpamBlock)",
		ZH: "请一小时后再试：同一出口 IP 上有程序多次失败调用（如错误的 Secret）会使该 IP 被封一小时；也可到 open.work.weixin.qq.com 的 checkCorpSpamBlock 页面自助解封",
	}
}

// isOfToken reports whether an error came from gettoken.
func isOfToken(err error) bool {
	e, ok := errors.AsType[*attendance.Error](err)
	return ok && e.Op == "wecom "+pathToken
}
