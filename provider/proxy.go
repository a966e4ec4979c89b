package provider

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// A proxy is what may be told of the proxy that a request goes through: where it
// stands, and which variable of the environment names it. Its name and password are
// not in it.
type proxy struct {
	host     string // host:port; empty where the address is misread
	variable string // HTTPS_PROXY or HTTP_PROXY; empty: the host's own http.Client says
	named    bool   // the address has a name
	// misread: the address has an @ behind what net/url takes for the host, which is
	// then a piece of the name or password: a /, ? or # in it was not encoded.
	misread bool
}

// proxyOf returns the proxy of a request, nil for none. What it is told by is the
// transport's own function.
func proxyOf(transport http.RoundTripper, req *http.Request) *proxy {
	t, ok := transport.(*http.Transport)
	if !ok || t.Proxy == nil {
		return nil
	}
	u, err := t.Proxy(req)
	if err != nil || u == nil {
		return nil
	}
	variable := ""
	if env, err := http.ProxyFromEnvironment(req); err == nil && env != nil && env.String() == u.String() {
		variable = strings.ToUpper(req.URL.Scheme) + "_PROXY"
	}
	return describe(u, variable)
}

// describe takes from a proxy's address what may be told.
func describe(u *url.URL, variable string) *proxy {
	p := &proxy{host: u.Host, variable: variable, named: u.User != nil}
	if strings.Contains(u.Path+u.RawQuery+u.Fragment, "@") || strings.HasSuffix(u.Host, ":") {
		p.host, p.misread = "", true
	}
	return p
}

// text names the proxy in a sentence.
func (p *proxy) text() attendance.Text {
	switch {
	case p == nil:
		return attendance.Text{EN: "a proxy on the way", ZH: "途中的代理"}
	case p.host == "":
		return attendance.Text{EN: "the proxy of " + p.source().EN, ZH: p.source().ZH + " 所指的代理"}
	default:
		return attendance.Text{EN: "the proxy " + p.host, ZH: "代理 " + p.host}
	}
}

// source names the place where the proxy's address stands.
func (p *proxy) source() attendance.Text {
	if p == nil || p.variable == "" {
		return attendance.Text{EN: "the http.Client that the program was given", ZH: "程序所用的 http.Client"}
	}
	return attendance.Text{EN: p.variable, ZH: "环境变量 " + p.variable + "（或 " + strings.ToLower(p.variable) + "）"}
}

// encode says how a name and password stand in a proxy's address.
func encode() attendance.Text {
	return attendance.Text{
		EN: "percent-encoded: % is %25, @ is %40, : is %3A, / is %2F, ? is %3F, # is %23",
		ZH: "其中的特殊字符须百分号编码：% 写作 %25，@ 写作 %40，: 写作 %3A，/ 写作 %2F，? 写作 %3F，# 写作 %23",
	}
}

// CheckProxy tells through which proxies the addresses are reached, by name and port;
// nothing of those that are reached without.
func (c *Client) CheckProxy(addresses ...string) []attendance.Finding {
	c.once.Do(c.init)
	var findings []attendance.Finding
	for _, address := range addresses {
		req, err := http.NewRequest(http.MethodGet, address, nil) //nolint:noctx // it is not sent
		if err != nil {
			continue
		}
		if p := c.way.proxyOf(req); p != nil {
			findings = append(findings, p.finding(req.URL.Host))
		}
	}
	return findings
}

// finding tells of a proxy that is used for a host.
func (p *proxy) finding(host string) attendance.Finding {
	if p.misread {
		return attendance.Finding{Code: string(attendance.CodeProxy), Level: attendance.LevelWarning,
			Message: attendance.Text{
				EN: "the address of the proxy in " + p.source().EN + " is misread, so " + host + " is not reached through the proxy that is meant: its name or password holds a character that ends a host",
				ZH: p.source().ZH + " 中的代理地址被误读，访问 " + host + " 不会经过所要的代理：其用户名或口令中有结束主机名的字符",
			},
			Mend: attendance.Text{EN: "write the name and password in it " + encode().EN, ZH: encode().ZH}}
	}
	return attendance.FindingOK(string(attendance.CodeProxy), attendance.Text{
		EN: host + " is reached through " + p.text().EN + " (" + p.source().EN + ")",
		ZH: "访问 " + host + " 经过" + p.text().ZH + "（" + p.source().ZH + "）",
	})
}
