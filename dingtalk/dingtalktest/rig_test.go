package dingtalktest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/stretchr/testify/require"
)

const oapi = "https://oapi.dingtalk.com"

// beijing is the zone of the platform's strings.
var beijing = time.FixedZone("Asia/Shanghai", 8*3600)

// noon is the fake's clock in most tests, a Thursday.
var noon = time.Date(2026, 3, 5, 12, 0, 0, 0, beijing)

func at(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05.999", text, beijing)
	if err != nil {
		panic(err)
	}
	return t
}

// rig is a fake and a caller with a token.
type rig struct {
	t     testing.TB
	fake  *dingtalktest.Server
	token string
}

func newRig(t testing.TB, opts *dingtalktest.Options) *rig {
	if opts == nil {
		opts = &dingtalktest.Options{}
	}
	if opts.Now == nil {
		opts.Now = func() time.Time { return noon }
	}
	if opts.QPS == 0 {
		opts.QPS = -1
	}
	r := &rig{t: t, fake: dingtalktest.New(opts)}
	r.login()
	return r
}

func (r *rig) login() {
	reply := r.get("/gettoken", url.Values{"appkey": {dingtalktest.DefaultAppKey}, "appsecret": {dingtalktest.DefaultAppSecret}})
	r.token, _ = reply.body["access_token"].(string)
	require.NotEmpty(r.t, r.token)
}

// reply is an answer, decoded with numbers as json.Number.
type reply struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// code is the error code, from whichever envelope.
func (r reply) code() string {
	if sub, ok := r.body["sub_code"].(string); ok {
		return sub
	}
	if n, ok := r.body["errcode"].(json.Number); ok {
		return n.String()
	}
	text, _ := r.body["code"].(string)
	return text
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
	req, err := http.NewRequest(http.MethodGet, oapi+path+"?"+query.Encode(), nil)
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
	req, err := http.NewRequest(http.MethodPost, oapi+path+"?access_token="+url.QueryEscape(r.token), bytes.NewReader([]byte(raw)))
	require.NoError(r.t, err)
	req.Header.Set("Content-Type", "application/json")
	return req
}

func (r *rig) post(path string, body any) reply {
	r.t.Helper()
	return r.do(r.request(path, body))
}

type object = map[string]any

// listRecord asks for punches and returns the rows of a success.
func (r *rig) listRecord(from, to string, users ...string) []object {
	r.t.Helper()
	return r.rows(r.post("/attendance/listRecord", object{"userIds": users, "checkDateFrom": from, "checkDateTo": to}), "recordresult")
}

func (r *rig) rows(answer reply, name string) []object {
	r.t.Helper()
	require.Equal(r.t, "0", answer.code(), answer.raw)
	list, ok := answer.body[name].([]any)
	if result, inner := answer.body["result"].(object); inner {
		list, ok = result[name].([]any)
	}
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

func millis(text string) string { return strconv.FormatInt(at(text).UnixMilli(), 10) }
