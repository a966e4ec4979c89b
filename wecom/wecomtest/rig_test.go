package wecomtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
	"github.com/stretchr/testify/require"
)

const host = "https://qyapi.weixin.qq.com"

// beijing is the zone of the platform's days.
var beijing = time.FixedZone("Asia/Shanghai", 8*3600)

// noon is the fake's clock in most tests, a Thursday.
var noon = time.Date(2026, 3, 5, 12, 0, 0, 0, beijing)

func at(text string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, text, beijing)
	if err != nil {
		panic(err)
	}
	return t
}

// rig is a fake and a caller with the token of the check-in application.
type rig struct {
	t     testing.TB
	fake  *wecomtest.Server
	token string
}

func newRig(t testing.TB, opts *wecomtest.Options) *rig {
	if opts == nil {
		opts = &wecomtest.Options{}
	}
	if opts.Now == nil {
		opts.Now = func() time.Time { return noon }
	}
	r := &rig{t: t, fake: wecomtest.New(opts)}
	r.login(wecomtest.DefaultSecret)
	return r
}

func (r *rig) getToken(corp, secret string) reply {
	r.t.Helper()
	r.token = ""
	return r.get(wecomtest.PathToken, url.Values{"corpid": {corp}, "corpsecret": {secret}})
}

func (r *rig) login(secret string) {
	r.t.Helper()
	answer := r.getToken(wecomtest.DefaultCorpID, secret)
	r.token, _ = answer.body["access_token"].(string)
	require.NotEmpty(r.t, r.token, answer.raw)
}

// reply is an answer, decoded with numbers as json.Number.
type reply struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// code is the errcode; the headers must say the same.
func (r reply) code() string {
	n, ok := r.body["errcode"].(json.Number)
	if !ok {
		return ""
	}
	if r.header.Get("Error-Code") != n.String() || r.header.Get("Error-Msg") != r.body["errmsg"] {
		return fmt.Sprint("the headers differ: ", r.header)
	}
	return n.String()
}

func (r *rig) do(req *http.Request) reply {
	r.t.Helper()
	resp, err := r.fake.Client().Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	out := reply{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	_ = decoder.Decode(&out.body)
	return out
}

func (r *rig) get(path string, query url.Values) reply {
	r.t.Helper()
	if r.token != "" {
		query.Set("access_token", r.token)
	}
	req, err := http.NewRequest(http.MethodGet, host+path+"?"+query.Encode(), nil)
	require.NoError(r.t, err)
	return r.do(req)
}

func (r *rig) request(path string, body any) *http.Request {
	r.t.Helper()
	raw, ok := body.(string)
	if !ok {
		b, err := json.Marshal(body)
		require.NoError(r.t, err)
		raw = string(b)
	}
	req, err := http.NewRequest(http.MethodPost, host+path+"?access_token="+url.QueryEscape(r.token), bytes.NewReader([]byte(raw)))
	require.NoError(r.t, err)
	req.Header.Set("Content-Type", "application/json")
	return req
}

func (r *rig) post(path string, body any) reply {
	r.t.Helper()
	return r.do(r.request(path, body))
}

type object = map[string]any

// ask is the body of a check-in call.
func ask(kind int, from, to string, users ...string) object {
	return object{"opencheckindatatype": kind, "starttime": at(from).Unix(), "endtime": at(to).Unix(), "useridlist": users}
}

// askA is a good one.
var askA = ask(3, "2026-03-02 00:00:00", "2026-03-03 00:00:00", "a")

// with changes a body; nil removes.
func with(body, change object) object {
	changed := object{}
	for name, value := range body {
		changed[name] = value
	}
	for name, value := range change {
		if changed[name] = value; value == nil {
			delete(changed, name)
		}
	}
	return changed
}

// checkIns asks for records and returns the rows of a success.
func (r *rig) checkIns(kind int, from, to string, users ...string) []object {
	r.t.Helper()
	return r.rows(r.post(wecomtest.PathCheckIn, ask(kind, from, to, users...)), "checkindata")
}

func (r *rig) rows(answer reply, name string) []object {
	r.t.Helper()
	require.Equal(r.t, "0", answer.code(), answer.raw)
	list, ok := answer.body[name].([]any)
	require.True(r.t, ok, answer.raw)
	rows := make([]object, len(list))
	for i, row := range list {
		rows[i] = row.(object)
	}
	return rows
}

func column(rows []object, name string) []string {
	values := make([]string, len(rows))
	for i, row := range rows {
		switch v := row[name].(type) {
		case string:
			values[i] = v
		case json.Number:
			values[i] = v.String()
		}
	}
	return values
}

// times are the Beijing times of rows.
func times(rows []object) []string {
	texts := make([]string, len(rows))
	for i, row := range rows {
		seconds, _ := row["checkin_time"].(json.Number).Int64()
		texts[i] = time.Unix(seconds, 0).In(beijing).Format(time.DateTime)
	}
	return texts
}
