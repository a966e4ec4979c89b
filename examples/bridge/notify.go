package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// notice is what the address of `notify` is told.
type notice struct {
	Job     string   `json:"job"`
	State   string   `json:"state"` // failed or recovered
	Run     string   `json:"run"`
	From    string   `json:"from"`
	To      string   `json:"to"`
	Ended   string   `json:"ended"`
	Read    int      `json:"read"`
	Written int      `json:"written"`
	Failed  int      `json:"failed"`
	Error   *trouble `json:"error,omitempty"`
	Message string   `json:"message"` // one sentence for people
}

// How long one try may take, and how many there are.
const (
	noticeTime  = 5 * time.Second
	noticeTries = 3
)

// notify tells that a job fails, or works again.
func (s *server) notify(ctx context.Context, j *jobConfig, report attendance.Report, cause error) error {
	n := notice{Job: j.name, State: "recovered", Run: report.Run, From: clockIn(report.Span.From, j.zone), To: clockIn(report.Span.To, j.zone), Ended: clockIn(s.now(), j.zone),
		Read: report.Read, Written: report.Written, Failed: len(report.Failed) + len(report.Unwritten), Error: troubleOf(cause),
		Message: fmt.Sprintf("任务 %s 已恢复 / job %s works again", j.name, j.name)}
	if cause != nil {
		n.State = "failed"
		n.Message = fmt.Sprintf("任务 %s 失败 / job %s failed: %s", j.name, j.name, oneLine(sentence(cause)))
	}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	body := []byte(s.secrets.Text(string(text)))
	tries := backoff.WithContext(backoff.WithMaxRetries(backoff.NewExponentialBackOff(), noticeTries-1), ctx)
	return backoff.Retry(func() error { return post(ctx, s.config.notify, body) }, tries)
}

// post sends a document. Its errors do not show the address, which may hold a secret.
func post(ctx context.Context, address string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, noticeTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address of notify cannot be used")
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	reply, err := client.Do(request)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		told, _ := redact.Transport(err.Error())
		return errors.New("notify: " + told)
	}
	defer reply.Body.Close()
	if reply.StatusCode/100 != 2 {
		return fmt.Errorf("notify: HTTP status %d", reply.StatusCode)
	}
	return nil
}
