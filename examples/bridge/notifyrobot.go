package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// The group robots (群机器人) of WeCom and DingTalk: how they are recognised, what they
// take and what they answer.
//
// WeCom: https://developer.work.weixin.qq.com/document/path/91770. DingTalk: 自定义机器人接入 on
// open.dingtalk.com. Both answer HTTP 200 whatever became of the message: only errcode 0 is
// a delivery.

// The kinds of addresses.
const (
	kindJSON     = "json"
	kindWecom    = "wecom"
	kindDingtalk = "dingtalk"
)

// robotOf recognises a robot by path and parameter, whatever the host: sites without the
// internet reach the platforms through a relay of their own.
func robotOf(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return kindJSON
	case strings.HasSuffix(u.Path, "/cgi-bin/webhook/send") && u.Query().Has("key"):
		return kindWecom
	case strings.HasSuffix(u.Path, "/robot/send") && u.Query().Has("access_token"):
		return kindDingtalk
	default:
		return kindJSON
	}
}

// How many messages go to one robot: in any minute 20 at most, which is what both take.
// DingTalk stops a robot that passes it for ten minutes.
const (
	robotEvery = 6 * time.Second
	robotBurst = 10
)

// robotLimit is how many bytes of text a robot takes. WeCom documents 2048. DingTalk's
// pages name none; programs report "message too long, exceed 20000 bytes" (unverified),
// so we stay well below it.
func robotLimit(kind string) int {
	if kind == kindWecom {
		return 2048
	}
	return 12000
}

// robotMessage is a text message, which every client of both platforms shows.
func robotMessage(text string, limit int) ([]byte, error) {
	type content struct {
		Content string `json:"content"`
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // what is escaped counts as well
	err := enc.Encode(struct {
		Type string  `json:"msgtype"`
		Text content `json:"text"`
	}{"text", content{cutText(plain(text), limit)}})
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// plain is a text without characters that no chat shows.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// cutText cuts a text to so many bytes, between two characters.
func cutText(text string, limit int) string {
	const more = "…"
	if len(text) <= limit {
		return text
	}
	end := max(limit-len(more), 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}

// signed is the address with the signature of a DingTalk robot: the time in milliseconds
// and, of it and the secret, HmacSHA256 in base64. DingTalk takes times within an hour.
func signed(address, secret string, now time.Time) string {
	u, err := url.Parse(address)
	if err != nil {
		return address // which was parsed when the file was read
	}
	stamp := strconv.FormatInt(now.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "\n" + secret))
	q := u.Query()
	q.Set("timestamp", stamp)
	q.Set("sign", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	u.RawQuery = q.Encode()
	return u.String()
}

// judgeRobot tells from a robot's answer whether the message was delivered: nil if it was.
func judgeRobot(kind string, secret bool, answer []byte) *undelivered {
	answer = bytes.TrimPrefix(bytes.TrimSpace(answer), []byte("\ufeff"))
	code, ok := provider.Int(provider.Member(answer, "errcode"))
	if provider.NotJSON(provider.Reply{Body: answer}) != nil || !ok {
		return &undelivered{what: "what answers is no group robot: its answer has no errcode",
			mend: attendance.Text{EN: "check the address (copy the robot's Webhook anew) and whether a proxy or login page answers in its place", ZH: "请核对地址（重新复制机器人的 Webhook），并检查是否有代理或登录页代为应答"}}
	}
	if code == 0 {
		return nil
	}
	text := provider.Text(provider.Member(answer, "errmsg"))
	u := &undelivered{code: strconv.FormatInt(code, 10), what: cutText(plain(text), 300), final: code != robotBusy}
	if kind == kindWecom {
		u.mend = wecomRobotMend(code)
	} else {
		u.mend = dingtalkRobotMend(code, text, secret)
	}
	return u
}

// robotBusy is the errcode of both platforms for: try again.
const robotBusy = -1

// wecomRobotMend is what to do about an errcode of WeCom's robots.
func wecomRobotMend(code int64) attendance.Text {
	switch code {
	case robotBusy:
		return attendance.Text{EN: "WeCom is busy: try again later", ZH: "企业微信繁忙，请稍后再试"}
	case 93000:
		return attendance.Text{EN: "the key is wrong or the robot was removed from its group: copy its Webhook address anew", ZH: "key 错误，或机器人已从群中移除：请重新复制其 Webhook 地址"}
	case 45009, 45033:
		return attendance.Text{EN: "too many messages: a robot takes 20 a minute, of all programs together", ZH: "消息过多：每个机器人每分钟最多 20 条（所有程序合计）"}
	case 40058, 40008, 44004:
		return attendance.Text{EN: "the message's form was not taken: report this", ZH: "消息格式未被接受：请反馈"}
	default:
		return attendance.Text{EN: "look the code up at https://open.work.weixin.qq.com/devtool/query", ZH: "请在 https://open.work.weixin.qq.com/devtool/query 查询该错误码"}
	}
}

// dingtalkRobotMend is what to do about an errcode of DingTalk's robots. Of several codes
// the sources differ, so what they share is told.
func dingtalkRobotMend(code int64, msg string, secret bool) attendance.Text {
	switch code {
	case robotBusy:
		return attendance.Text{EN: "DingTalk is busy: try again later", ZH: "钉钉繁忙，请稍后再试"}
	case 310000:
		return dingtalkSecurityMend(msg, secret)
	case 300001, 300005, 400101, 40035:
		return attendance.Text{EN: "the access_token is wrong or missing: copy the robot's Webhook address anew", ZH: "access_token 错误或缺失：请重新复制机器人的 Webhook 地址"}
	case 400013, 400102, 400106:
		return attendance.Text{EN: "the robot is stopped or no longer in its group, or the group was dissolved: look at the group's robots, or take another", ZH: "机器人已停用、已不在群中，或群已解散：请检查群的机器人，或换一个"}
	case 130101, 410100, 90030:
		return attendance.Text{EN: "too many messages: a robot takes 20 a minute, of all programs together, and is stopped for ten minutes then", ZH: "消息过多：每个机器人每分钟最多 20 条（所有程序合计），超过则限流 10 分钟"}
	default:
		return attendance.Text{EN: "look the code up in DingTalk's page on custom robots (自定义机器人)", ZH: "请在钉钉开放平台“自定义机器人”文档中查询该错误码"}
	}
}

// dingtalkSecurityMend tells the robot's security settings (安全设置) apart, which share
// one errcode. The words differ with time and language.
func dingtalkSecurityMend(msg string, secret bool) attendance.Text {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(strings.ToLower(msg), w) {
				return true
			}
		}
		return false
	}
	sign := attendance.Text{EN: "signature (加签): write the robot's own secret (SEC...) as notify.secret", ZH: "加签：请将该机器人的密钥（SEC 开头）填入 notify.secret"}
	if secret {
		sign = attendance.Text{EN: "signature (加签): notify.secret is not this robot's, or this machine's clock is wrong by more than an hour", ZH: "加签：notify.secret 不是该机器人的密钥，或本机时钟误差超过一小时"}
	}
	keyword := attendance.Text{EN: `keyword (自定义关键词): set "考勤" or "punchbridge", which every message holds`, ZH: "自定义关键词：请设为“考勤”或“punchbridge”（每条消息都含有）"}
	clock := attendance.Text{EN: "time: this machine's clock is wrong by more than an hour: set it, best by NTP", ZH: "时间戳：本机时钟误差超过一小时，请校时（建议 NTP）"}
	address := attendance.Text{EN: "address (IP地址段): add this machine's public address to the robot's white list", ZH: "IP 地址段：请把本机出口 IP 加入该机器人的白名单"}
	switch {
	case has("keyword", "关键词"):
		return keyword
	case has("sign", "签名"):
		return sign
	case has("timestamp", "时间戳", "过期"):
		return clock
	case has("whitelist", "白名单"):
		return address
	default:
		return attendance.Text{EN: "one of the robot's security settings: " + keyword.EN + "; " + sign.EN + "; " + address.EN, ZH: "机器人的安全设置之一：" + keyword.ZH + "；" + sign.ZH + "；" + address.ZH}
	}
}
