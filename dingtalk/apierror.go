package dingtalk

import (
	"cmp"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/provider"
)

// An APIError is what DingTalk itself said about a failed call. errors.As finds
// it below the [attendance.Error].
//
// Message is DingTalk's own text. ApplyURL is a link for people, to DingTalk's
// console: its query names the application's key, which is no secret.
type APIError struct {
	// Status is the HTTP status; the old calls answer 200 even when they fail.
	Status int
	// Code is errcode, the sub_code inside errcode 88, or the word of a new call;
	// "1111" stands for the firewall's page.
	Code string
	// Message is errmsg, sub_msg or message, without its wrapping.
	Message string
	// RequestID is what DingTalk's support asks for; may be empty.
	RequestID string
	// Permissions are the permission points that are missing, as far as told.
	Permissions []string
	// ApplyURL is where to apply for them, as far as told.
	ApplyURL string
}

// Error returns code, message and request id.
func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString("DingTalk code ")
	b.WriteString(e.Code)
	if e.Status != 0 && e.Status/100 != 2 {
		b.WriteString(", HTTP ")
		b.WriteString(strconv.Itoa(e.Status))
	}
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	if e.RequestID != "" {
		b.WriteString(" (request ")
		b.WriteString(e.RequestID)
		b.WriteString(")")
	}
	return b.String()
}

// unquoted is the error of an answer that is confidential: of its texts there is left
// the address of ours that one names, and what has the form of a code or an id.
func (e APIError) unquoted() APIError {
	e.Code, e.RequestID = cmp.Or(provider.Word(e.Code), "of an odd form"), provider.Word(e.RequestID)
	message := ""
	if address := provider.AddressIn(e.Message); address != "" {
		message = "it names the address " + address
	}
	e.Message, e.Permissions, e.ApplyURL = message, nil, ""
	return e
}

// LogValue implements [slog.LogValuer].
func (e *APIError) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("status", e.Status),
		slog.String("code", e.Code),
		slog.String("message", e.Message),
		slog.String("request_id", e.RequestID),
		slog.Any("permissions", e.Permissions),
	)
}

// unwrapped returns the submsg inside "ding talk error[subcode=..,submsg=..]".
func unwrapped(errmsg string) string {
	_, inner, ok := strings.Cut(errmsg, "submsg=")
	if !ok {
		return errmsg
	}
	return strings.TrimSuffix(strings.TrimSpace(inner), "]")
}

// subcodeIn returns the code inside "ding talk error[subcode=..,submsg=..]".
func subcodeIn(errmsg string) string {
	_, rest, ok := strings.Cut(errmsg, "subcode=")
	if !ok {
		return ""
	}
	if end := strings.IndexAny(rest, ",] "); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// permissionsIn returns the permission points that a text names: those in
// "requiredScopes=[..]", else those in the first brackets.
func permissionsIn(text string) []string {
	_, list, ok := strings.Cut(text, "requiredScopes=[")
	if !ok {
		if _, list, ok = strings.Cut(text, "["); !ok {
			return nil
		}
	}
	list, _, ok = strings.Cut(list, "]")
	if !ok {
		return nil
	}
	var points []string
	for point := range strings.SplitSeq(list, ",") {
		point = strings.TrimSpace(point)
		if point == "" || strings.ContainsFunc(point, notInPoint) {
			continue
		}
		points = append(points, point)
	}
	return points
}

func notInPoint(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '-', r == ':':
		return false
	}
	return true
}

// applyURLIn returns the link to DingTalk's console that a text holds.
func applyURLIn(text string) string {
	at := strings.Index(text, "https://")
	if at < 0 {
		return ""
	}
	link := text[at:]
	if end := strings.IndexFunc(link, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`,]}>"`, r) }); end >= 0 {
		link = link[:end]
	}
	u, err := url.Parse(link)
	if err != nil || u.User != nil || u.Host != "dingtalk.com" && !strings.HasSuffix(u.Host, ".dingtalk.com") {
		return ""
	}
	return link
}

// lastTimeIn returns the last "2026-03-02 00:01:03" of a text, read as Beijing
// time: throttling texts end with the moment when the limit ends.
func lastTimeIn(text string) (time.Time, bool) {
	const size = len(time.DateTime)
	for i := len(text) - size; i >= 0; i-- {
		if text[i+4] != '-' || text[i+10] != ' ' || text[i+13] != ':' {
			continue
		}
		if t, err := time.ParseInLocation(time.DateTime, text[i:i+size], beijing()); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
