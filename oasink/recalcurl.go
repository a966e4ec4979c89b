package oasink

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// RecalculateURLOptions of [RecalculateURL]. Nil and the zero value are fine.
type RecalculateURLOptions struct {
	// Token, when not empty, is sent as "Authorization: Bearer TOKEN": visible ASCII.
	Token string
	// Client makes the requests; redirects are not followed, whatever it says. Nil means
	// one of its own, which uses the proxy of the environment and keeps no connection.
	Client *http.Client
	// Timeout bounds one request, the reading of its answer included. 0 means 30 s.
	Timeout time.Duration
}

const (
	urlTimeout = 30 * time.Second
	urlDays    = 500     // the largest number of days of one request
	urlAnswer  = 1 << 20 // the largest answer in bytes
)

// RecalculateURL returns a hook for [attendance.NewRecalculation] that POSTs the days to
// an address as JSON, up to 500 of them a request, person by person:
//
//	{"days":[{"employee_id":"17","day":"2026-03-02"},{"employee_id":"17","day":"2026-03-03"}]}
//
// The address is one of the site's own making: a page inside the OA, or a service beside
// it, that has these days computed (in e-cology 9 with KQFormatBiz, say). e-cology's own
// POST /api/kq/report/format takes days and people too, but in other parameters, and for the
// session of a logged-in user or an open token only: it is not called.
//
// The address answers when the days are computed, or safely queued, with a status of 2xx
// and any body that is not an HTML page. Everything else is a failure: another status, a
// redirect (to a login page), an HTML page under a status of 200 (a login page too, or a
// proxy's), an answer of more than 1 MiB, no answer in time. A request may come twice.
//
// Errors are an [attendance.Error] with a mend; they hold neither the token nor more of
// the address than its scheme and host, and nothing of an answer's body. The hook is safe
// for concurrent use and does not retry: an [attendance.Recalculation] does.
func RecalculateURL(address string, opts *RecalculateURLOptions) (attendance.RecalculationHook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("oasink: RecalculateURL needs an http or https address") // not quoted: it may hold a secret
	}
	h := &recalculateURL{address: u, origin: u.Scheme + "://" + u.Host, client: &http.Client{}, timeout: urlTimeout}
	if opts != nil {
		h.token = opts.Token
		h.timeout = cmp.Or(opts.Timeout, urlTimeout)
		if opts.Client != nil {
			*h.client = *opts.Client // a copy, so that the host's client stays as it is
		}
	}
	if strings.ContainsFunc(h.token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("oasink: RecalculateURL: the token holds a space, a control character or one beyond ASCII")
	}
	if h.client.Transport == nil {
		h.client.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second}
	}
	h.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return h.tell, nil
}

type recalculateURL struct {
	address *url.URL
	origin  string // what may be shown of it
	token   string
	client  *http.Client
	timeout time.Duration
}

func (h *recalculateURL) tell(ctx context.Context, days []attendance.PersonDay) error {
	for part := range slices.Chunk(days, urlDays) {
		if err := h.post(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// post sends one request. The error is the context's own, bare, or one with a code.
func (h *recalculateURL) post(ctx context.Context, days []attendance.PersonDay) error {
	type day struct {
		Employee string          `json:"employee_id"`
		Day      attendance.Date `json:"day"`
	}
	document := struct {
		Days []day `json:"days"`
	}{make([]day, len(days))}
	for i, d := range days {
		document.Days[i] = day{d.Person, d.Day}
	}
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(limited, http.MethodPost, h.address.String(), bytes.NewReader(body))
	if err != nil {
		return h.unreachable(err)
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Accept", "application/json")
	if h.token != "" {
		request.Header.Set("Authorization", "Bearer "+h.token)
	}
	response, err := h.client.Do(request)
	var answer []byte
	if err == nil {
		defer response.Body.Close()
		answer, err = io.ReadAll(io.LimitReader(response.Body, urlAnswer+1))
	}
	switch {
	case err == nil:
		return h.judge(response, answer)
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return h.failure(attendance.CodeUnavailable, fmt.Sprintf("no answer within %v", h.timeout), attendance.Text{
			EN: "look why the site's recalculation takes so long; it may answer before it has computed the days",
			ZH: "请检查现场重算接口为何耗时过长；它可以先应答再计算"})
	default:
		return h.unreachable(err)
	}
}

// judge returns nil for an answer that says that the days are taken care of.
func (h *recalculateURL) judge(r *http.Response, body []byte) error {
	status := fmt.Sprintf("it answered with HTTP %d", r.StatusCode)
	switch {
	case len(body) > urlAnswer:
		return h.failure(attendance.CodeMalformed, status+fmt.Sprintf(" and more than %d bytes", urlAnswer), notTheHook())
	case r.StatusCode >= 200 && r.StatusCode <= 299:
		if isPage(r.Header, body) {
			return h.failure(attendance.CodeMalformed, status+" and an HTML page", notTheHook())
		}
		return nil
	case r.StatusCode >= 300 && r.StatusCode <= 399:
		return h.failure(attendance.CodeMalformed, status+", a redirect", notTheHook())
	case r.StatusCode == http.StatusUnauthorized, r.StatusCode == http.StatusForbidden:
		return h.failure(attendance.CodePermission, status, attendance.Text{
			EN: "check the token of the site's recalculation address, and whether it admits this machine",
			ZH: "请检查现场重算接口的令牌，以及是否允许本机访问"})
	case r.StatusCode == http.StatusTooManyRequests, r.StatusCode >= 500:
		return h.failure(attendance.CodeUnavailable, status, attendance.Text{
			EN: "look into the log of the site's recalculation service; the next run tells it of these days again",
			ZH: "请查看现场重算服务的日志；下次运行会再次通知这些日期"})
	default:
		return h.failure(attendance.CodeRequest, status, attendance.Text{
			EN: "check the address: it must accept a POST of JSON as the manual describes it",
			ZH: "请核对地址：它须按手册所述接受 JSON 的 POST 请求"})
	}
}

// isPage reports whether an answer is an HTML page. The type alone does not make one: it
// is what a JSP sends that sets none.
func isPage(header http.Header, body []byte) bool {
	text := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
	if len(text) == 0 {
		return false
	}
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return text[0] == '<' || strings.Contains(kind, "html") && !json.Valid(text)
}

func notTheHook() attendance.Text {
	return attendance.Text{
		EN: "something else answers there, such as a login page or a proxy: check the address and its token, and that it needs no session of the OA",
		ZH: "应答者不是重算接口，可能是登录页或代理：请核对地址与令牌，并确认该接口不需要 OA 登录会话",
	}
}

func (h *recalculateURL) unreachable(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // its own text has the whole address
	}
	return h.failure(attendance.CodeUnavailable, h.clean(err.Error()), attendance.Text{
		EN: "check the address, the network and whether the site's recalculation service runs",
		ZH: "请检查地址、网络以及现场重算服务是否在运行"})
}

func (h *recalculateURL) failure(code attendance.Code, detail string, mend attendance.Text) error {
	return &attendance.Error{Code: code, Op: "POST " + h.origin, Detail: detail, Mend: mend}
}

// clean is a text of a transport without what must not be shown.
func (h *recalculateURL) clean(text string) string {
	password, _ := h.address.User.Password()
	secrets := []string{h.address.String(), h.address.Redacted(), h.address.RequestURI(), h.token, url.QueryEscape(h.token), h.address.RawQuery, password}
	for _, values := range h.address.Query() {
		secrets = append(secrets, values...)
	}
	for _, secret := range secrets {
		if len(secret) > 3 {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	told, _ := redact.Transport(text)
	return told
}
