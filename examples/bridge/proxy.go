package main

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// client sends the requests of all platforms, so that a proxy which refuses the
// password is asked once, whatever there is to ask for.
func (p *program) client() *http.Client {
	p.making.Do(func() {
		p.http = provider.HTTPClient(nil)
		if p.command.name == "check" { // which says it among its findings
			return
		}
		for _, f := range unusedProxies(p.config.providers, p.lookup) {
			p.logger.Warn(f.Message.String(), "code", f.Code, "mend", f.Mend.String())
		}
	})
	return p.http
}

// unusedProxies tells of variables that are to name a proxy for the providers'
// addresses and name none that net/http uses; it drops them without a word.
func unusedProxies(providers []*providerConfig, lookup func(string) (string, bool)) []attendance.Finding {
	schemes := map[string]bool{}
	for _, c := range providers {
		addresses := []string{c.baseURL}
		if c.kind == "dingtalk" {
			addresses = append(addresses, c.apiURL)
		}
		for _, address := range addresses { // an empty one is the platform's own, which is https
			schemes[map[bool]string{true: "HTTP", false: "HTTPS"}[strings.HasPrefix(strings.ToLower(address), "http:")]] = true
		}
	}
	var found []attendance.Finding
	for _, scheme := range []string{"HTTPS", "HTTP"} {
		if !schemes[scheme] {
			continue
		}
		name, value := firstSet(lookup, scheme+"_PROXY", strings.ToLower(scheme)+"_proxy")
		all, _ := firstSet(lookup, "ALL_PROXY", "all_proxy")
		switch {
		case name == "" && all != "":
			found = append(found, unusedProxy(all, attendance.Text{EN: "this program does not know it", ZH: "本程序不使用该变量"},
				attendance.Text{EN: "set " + scheme + "_PROXY, if the platform is to be reached through it", ZH: "若须经代理访问平台，请设置 " + scheme + "_PROXY"}))
		case name != "":
			if why, unread := unreadProxy(value); unread {
				found = append(found, unusedProxy(name, why, attendance.Text{
					EN: "write it as http://host:port with name and password in front of the host, percent-encoded: % is %25, @ is %40, : is %3A, / is %2F, ? is %3F, # is %23",
					ZH: "请写成 http://主机:端口，用户名与口令写在主机之前并以百分号编码：% 写作 %25，@ 写作 %40，: 写作 %3A，/ 写作 %2F，? 写作 %3F，# 写作 %23"}))
			}
		}
	}
	return found
}

func unusedProxy(variable string, why, mend attendance.Text) attendance.Finding {
	return attendance.Finding{Code: "proxy_unused", Level: attendance.LevelWarning, Mend: mend, Message: attendance.Text{
		EN: variable + " is set and NOT used: " + why.EN + "; the platform is reached without a proxy",
		ZH: "已设置 " + variable + "，但未被使用：" + why.ZH + "；将不经代理直接访问平台",
	}}
}

// firstSet is the first of the variables that is not empty.
func firstSet(lookup func(string) (string, bool), names ...string) (name, value string) {
	for _, name := range names {
		if value, _ := lookup(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// unreadProxy reports whether net/http cannot read a proxy's address, and why. It
// reads an address as it stands, else as a host without a scheme. Nothing of it is
// quoted: the password is in it.
func unreadProxy(address string) (why attendance.Text, unread bool) {
	u, err := url.Parse(address)
	if err == nil && u.Scheme != "" && u.Host != "" {
		return why, false
	}
	if _, again := url.Parse("http://" + address); again == nil || err == nil {
		return why, false
	}
	_, escape := errors.AsType[url.EscapeError](err)
	switch {
	case escape:
		return attendance.Text{EN: "a % in it is not followed by two hexadecimal digits (in a password it is written %25)", ZH: "其中的 % 后不是两位十六进制数字（口令中的 % 须写作 %25）"}, true
	case strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return attendance.Text{EN: "it holds a blank, a line feed or another control character", ZH: "其中含有空格、换行或控制字符"}, true
	default:
		return attendance.Text{EN: "it is no address; a character of the password ends the host too early, or is none of an address", ZH: "它不是有效地址；口令中的某个字符使主机名提前结束，或不能用在地址中"}, true
	}
}
