package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v4"
	"golang.org/x/time/rate"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// Telling people: by a JSON document to an address of the site's own, or by a message
// of a group robot (群机器人).

// notifyConfig says who is told, and how.
type notifyConfig struct {
	url    string // "": nobody is told
	kind   string // json, wecom or dingtalk
	secret string // of a DingTalk robot that wants signed messages (加签)
	daily  *clockTime
}

// readNotify reads an address, or a mapping.
func readNotify(v value, c *notifyConfig) error {
	if v.isScalar() {
		err := v.url(&c.url)
		c.kind = robotOf(c.url)
		return err
	}
	var secret value
	err := v.fields(map[string]func(value) error{
		"url":    func(v value) error { return v.url(&c.url) },
		"kind":   func(v value) error { return v.word(&c.kind, kindJSON, kindWecom, kindDingtalk) },
		"secret": func(v value) error { secret = v; return v.textInto(&c.secret) },
		"daily":  func(v value) error { c.daily = new(clockTime); return v.clock(c.daily) },
	})
	switch {
	case err != nil:
		return err
	case c.url == "":
		return v.missing("url", "the address that is told", "通知地址")
	case c.kind == "":
		c.kind = robotOf(c.url)
	}
	if c.secret != "" && c.kind != kindDingtalk {
		return secret.fail(attendance.Text{EN: "remove it, or write kind: dingtalk", ZH: "请删除，或写 kind: dingtalk"}, "only DingTalk's robots sign their messages, and this address is of the kind %s", c.kind)
	}
	return nil
}

// A notice is what the address of `notify` is told, as a JSON document.
type notice struct {
	Job     string    `json:"job"`
	State   string    `json:"state"` // failed or recovered; whole or incomplete of the daily line; test
	Run     string    `json:"run"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Ended   string    `json:"ended"`
	Read    int       `json:"read"`
	Written int       `json:"written"`
	Failed  int       `json:"failed"`
	Error   *trouble  `json:"error,omitempty"`
	Message string    `json:"message"`                 // one sentence for people
	Since   string    `json:"failing_since,omitempty"` // when the first run ended that did not do everything
	LastOK  string    `json:"last_ok,omitempty"`       // when the last run before ended that did
	Who     string    `json:"who,omitempty"`           // whose matter it is
	Jobs    []dayLine `json:"jobs,omitempty"`          // of the daily line

	advice attendance.Advice // about the error
}

// outcome is the notice of how a run of a job ended.
func (s *server) outcome(j *jobConfig, report attendance.Report, cause error, was streak) notice {
	n := notice{Job: j.name, State: "recovered", Run: report.Run, From: clockIn(report.Span.From, j.zone), To: clockIn(report.Span.To, j.zone), Ended: clockIn(s.now(), j.zone),
		Read: report.Read, Written: report.Written, Failed: len(report.Failed) + len(report.Unwritten), Error: troubleOf(cause),
		Message: fmt.Sprintf("任务 %s 已恢复 / job %s works again", j.name, j.name), Since: clockIn(was.since, j.zone), LastOK: clockIn(was.lastOK, j.zone)}
	if cause != nil {
		n.State, n.advice = "failed", attendance.AdviceOf(cause)
		n.Who = n.advice.Who.String()
		n.Message = fmt.Sprintf("任务 %s 失败 / job %s failed: %s", j.name, j.name, oneLine(sentence(cause)))
		if n.Since == "" {
			n.Since = n.Ended
		}
	}
	return n
}

// How long one try may take, and how many there are.
const (
	noticeTime  = 5 * time.Second
	noticeTries = 3
)

// A herald tells one address. It is safe for concurrent use.
type herald struct {
	notifyConfig
	secrets *redact.Secrets
	client  *http.Client
	clock   func() time.Time // by which messages are signed
	pace    *rate.Limiter    // of what a robot takes; nil: no limit
}

func (p *program) newHerald() *herald {
	h := &herald{notifyConfig: p.config.notify, secrets: p.secrets, clock: time.Now, //nolint:forbidigo // the robot judges the time by its own, real clock
		client: &http.Client{Transport: p.client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if h.kind != kindJSON {
		h.pace = rate.NewLimiter(rate.Every(robotEvery), robotBurst)
	}
	return h
}

// tell delivers a notice, with a few tries. Its errors do not show the address, which
// holds a secret.
func (h *herald) tell(ctx context.Context, n notice) error {
	body, err := h.body(n)
	if err != nil {
		return err
	}
	tries := backoff.WithContext(backoff.WithMaxRetries(backoff.NewExponentialBackOff(), noticeTries-1), ctx)
	return backoff.Retry(func() error {
		if h.pace != nil {
			if err := h.pace.Wait(ctx); err != nil {
				return backoff.Permanent(err)
			}
		}
		err := h.post(ctx, body)
		if u, ok := errors.AsType[*undelivered](err); ok && u.final {
			return backoff.Permanent(err)
		}
		return err
	}, tries)
}

// body is what is sent: the document, or the robot's message.
func (h *herald) body(n notice) ([]byte, error) {
	if h.kind != kindJSON {
		return robotMessage(h.secrets.Text(n.text()), robotLimit(h.kind))
	}
	text, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	return []byte(h.secrets.Text(string(text))), nil
}

// answerRead is how much of an answer is read.
const answerRead = 64 << 10

// post sends once.
func (h *herald) post(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, noticeTime)
	defer cancel()
	address := h.url
	if h.secret != "" {
		address = signed(address, h.secret, h.clock())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return &undelivered{what: "the address of notify cannot be used", final: true}
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	reply, err := h.client.Do(request)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		told, _ := redact.Transport(err.Error())
		return &undelivered{what: told, mend: attendance.Text{EN: "check the address of notify, the network and the proxy", ZH: "请检查 notify 的地址、网络与代理"}}
	}
	defer reply.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(reply.Body, answerRead)) // cut off: no robot's answer
	if lost := h.judge(reply.StatusCode, answer); lost != nil {
		lost.what = h.secrets.Text(lost.what)
		return lost
	}
	return nil
}

// judge tells from an answer whether the message was delivered: nil if it was.
func (h *herald) judge(status int, answer []byte) *undelivered {
	switch {
	case status/100 != 2:
		return &undelivered{what: fmt.Sprintf("HTTP status %d", status), mend: attendance.Text{EN: "check the address of notify, and what answers there", ZH: "请检查 notify 的地址，以及该地址上的服务"}}
	case h.kind == kindJSON:
		return nil
	default:
		return judgeRobot(h.kind, h.secret != "", answer)
	}
}

// An undelivered is why nobody was told. It holds no address.
type undelivered struct {
	code  string // the robot's errcode; may be empty
	what  string
	mend  attendance.Text
	final bool // trying again in a moment does not help
}

// Error says what happened and what to do.
func (u *undelivered) Error() string {
	text := "notify: " + u.what
	if u.code != "" {
		text = "notify: errcode " + u.code + ": " + u.what
	}
	if mend := u.mend.String(); mend != "" {
		text += " (" + mend + ")"
	}
	return oneLine(text)
}
