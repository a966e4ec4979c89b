package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A robot is a strict group robot of WeCom or DingTalk: it takes what the real one
// documents, and answers HTTP 200 with an errcode whatever becomes of a message. It is
// safe for concurrent use; its switches are set before.
type robot struct {
	kind    string
	key     string           // in its address: key (WeCom) or access_token (DingTalk)
	secret  string           // DingTalk: messages must be signed (加签)
	keyword string           // DingTalk: messages must hold it (自定义关键词)
	abroad  bool             // DingTalk: who asks is not on the white list (IP地址段)
	answer  string           // this is answered to everything
	now     func() time.Time // nil: the real clock

	mu      sync.Mutex
	texts   []string // what it has shown
	sent    []time.Time
	stopped time.Time // until when it shows nothing (DingTalk)
}

// path is that of its address.
func (r *robot) path() string {
	if r.kind == kindWecom {
		return "/cgi-bin/webhook/send?key=" + r.key
	}
	return "/robot/send?access_token=" + r.key
}

func (r *robot) shown() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.texts...)
}

func (r *robot) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if r.answer != "" {
		fmt.Fprint(w, r.answer)
		return
	}
	code, msg := r.take(q)
	_ = json.NewEncoder(w).Encode(map[string]any{"errcode": code, "errmsg": msg})
}

// take judges a message.
func (r *robot) take(q *http.Request) (code int, msg string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.now != nil {
		now = r.now()
	}
	content, fault := contentOf(q)
	switch r.kind {
	case kindWecom:
		code, msg = r.wecom(q, content, fault)
	default:
		code, msg = r.dingtalk(q, content, fault, now)
	}
	recent := 0
	for _, at := range r.sent {
		if now.Sub(at) < time.Minute {
			recent++
		}
	}
	switch {
	case code != 0:
	case now.Before(r.stopped):
		return 410100, "发送速度太快而限流"
	case recent >= 20 && r.kind == kindWecom:
		return 45009, "api freq out of limit, hint: [1], from ip: 192.0.2.1, more info at https://open.work.weixin.qq.com/devtool/query?e=45009"
	case recent >= 20:
		r.stopped = now.Add(10 * time.Minute)
		return 130101, "send too fast, exceed 20 times per minute"
	default:
		r.texts, r.sent = append(r.texts, content), append(r.sent, now)
	}
	return code, msg
}

// contentOf is the text of a text message; fault tells what is wrong with the request.
func contentOf(q *http.Request) (content, fault string) {
	var body struct {
		Type string `json:"msgtype"`
		Text *struct {
			Content *string `json:"content"`
		} `json:"text"`
	}
	raw, err := io.ReadAll(q.Body)
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	switch {
	case err != nil || dec.Decode(&body) != nil || dec.More():
		return "", "the body is not one JSON document of a text message"
	case q.Method != http.MethodPost:
		return "", "not a POST"
	case !strings.HasPrefix(q.Header.Get("Content-Type"), "application/json"):
		return "", "the Content-Type is not application/json"
	case body.Type != "text" || body.Text == nil || body.Text.Content == nil || *body.Text.Content == "":
		return "", "no text"
	case !utf8.ValidString(*body.Text.Content) || !utf8.Valid(raw):
		return "", "not UTF-8"
	case len(raw) > 20000:
		return "", "message too long, exceed 20000 bytes"
	}
	return *body.Text.Content, ""
}

func (r *robot) wecom(q *http.Request, content, fault string) (int, string) {
	switch {
	case q.URL.Path != "/cgi-bin/webhook/send" || q.URL.Query().Get("key") != r.key:
		return 93000, "invalid webhook url, hint: [1], from ip: 192.0.2.1, more info at https://open.work.weixin.qq.com/devtool/query?e=93000"
	case len(q.URL.Query()) != 1:
		return 40058, "unknown parameters"
	case fault != "":
		return 40008, fault
	case len(content) > 2048:
		return 40058, "text.content exceed max length 2048"
	}
	return 0, "ok"
}

func (r *robot) dingtalk(q *http.Request, content, fault string, now time.Time) (int, string) {
	values := q.URL.Query()
	switch {
	case q.URL.Path != "/robot/send" || values.Get("access_token") != r.key:
		return 300005, "token is not exist"
	case fault != "":
		return 40035, fault
	case r.abroad:
		return 310000, "description:ip 192.0.2.1 not in whitelist;solution:请联系群管理员查看此机器人的IP白名单"
	case r.keyword != "" && !strings.Contains(content, r.keyword):
		return 310000, "description:关键词不匹配;solution:请联系群管理员查看此机器人的关键词，并在发送的信息中包含此关键词;"
	case r.secret == "":
		return 0, "ok"
	}
	stamp, err := strconv.ParseInt(values.Get("timestamp"), 10, 64)
	if values.Get("timestamp") == "" || values.Get("sign") == "" {
		return 310000, "description:机器人发送签名不匹配;solution:请确认签名和生成签名的时间戳必须都放在调用的网址中，请确认机器人的密钥加密和填写正确;"
	}
	if age := now.Sub(time.UnixMilli(stamp)); err != nil || age.Abs() > time.Hour {
		return 310000, "invalid timestamp"
	}
	mac := hmac.New(sha256.New, []byte(r.secret))
	mac.Write([]byte(values.Get("timestamp") + "\n" + r.secret))
	if values.Get("sign") != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		return 310000, "sign not match"
	}
	return 0, "ok"
}
