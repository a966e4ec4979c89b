package provider_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/provider"
)

const live = "LIVE-t0k3n-9f8e7d6c5b4a"

// answersWithAToken are answers of a token call that fail, each with the token in it.
func answersWithAToken() map[string]string {
	return map[string]string{
		"cut short":         `{"errcode":0,"access_token":"` + live + `","expires_in`,
		"cut in the token":  `{"errcode":0,"access_token":"` + live,
		"byte order mark":   "\ufeff" + `{"errcode":0,"access_token":"` + live + `"}`,
		"trailing comment":  `{"errcode":0,"access_token":"` + live + `"} // ok`,
		"single quotes":     `{'errcode':0,'access_token':'` + live + `'}`,
		"another key":       `{"at":"` + live + `" `,
		"escaped key":       `{"access\u005ftoken":"` + live + `" `,
		"a page":            `<html><title>` + live + `</title>` + live,
		"bare":              live,
		"inside a message":  `{"code":7,"errmsg":"your token is ` + live + `"}`,
		"beside an error":   `{"code":7,"errmsg":"x","ACCESS_TOKEN":"` + live + `"}`,
		"a string of JSON":  `"{\"access_token\":\"` + live + `\"}" x`,
		"in UTF-16":         "\xff\xfe" + strings.Join(strings.Split(`{"access_token":"`+live+`"`, ""), "\x00") + "\x00",
		"after a long text": strings.Repeat(" ", 200) + `{"access_token":"` + live,
	}
}

// Of the answer of a token call nothing is quoted but its length and kind.
func TestConfidentialAnswersAreNotQuoted(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 302, 403, 500} {
		for name, body := range answersWithAToken() {
			if name == "inside a message" {
				continue // a Classify's own to keep, see dingtalk and wecom
			}
			client := provider.Client{Name: "acme", Classify: classify, HTTP: tripper(func(int, *http.Request) (*http.Response, error) {
				return reply(status, body, "Location", "https://login.example/"+live+"?t="+live), nil
			}).client(), Backoff: func() backoff.BackOff { return &backoff.StopBackOff{} }}
			_, err := client.Call(t.Context(), provider.Request{URL: address, Confidential: true})
			if err == nil {
				continue
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				require.NotContains(t, fmt.Sprintf("%v %#v", e, e), "t0k3n", "%s %d", name, status)
			}
			if status == 200 && name == "cut short" {
				require.ErrorContains(t, err, fmt.Sprintf("%d bytes", len(body)))
			}
		}
	}
}

// Of other answers the values of token-like fields are blanked before a quote is made.
func TestTokensInOtherAnswersAreBlanked(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 403, 500} {
		for name, body := range answersWithAToken() {
			switch name {
			case "another key", "a page", "bare", "inside a message":
				continue // nobody can know
			}
			client := provider.Client{Name: "acme", Classify: classify, HTTP: tripper(func(int, *http.Request) (*http.Response, error) { return reply(status, body), nil }).client(),
				Backoff: func() backoff.BackOff { return &backoff.StopBackOff{} }}
			_, err := client.Call(t.Context(), provider.Request{URL: address})
			if err != nil {
				require.NotContains(t, fmt.Sprintf("%v %#v", err, errors.Unwrap(err)), "t0k3n", "%s %d", name, status)
			}
		}
	}
}

// An error of the network never shows a proxy's password, nor what came in place of HTTP.
func TestErrorsOfTheNetworkQuoteNoAddress(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{
		errors.New(`invalid proxy address "http://svc:` + live + `/x@proxy:8080": parse "http://svc:` + live + `": invalid port`),
		errors.New(`proxyconnect tcp: dial http://svc:` + live + `@proxy: no`),
		&url.Error{Op: "Get", URL: "https://h/?access_token=" + live, Err: errors.New(`failed to parse Location header "http://[x?t=` + live + `": missing ']' in host`)},
		errors.New(`malformed HTTP response "{\"access_token\":\"` + live + `"`),
	} {
		for _, confidential := range []bool{true, false} {
			client := provider.Client{HTTP: tripper(func(int, *http.Request) (*http.Response, error) { return nil, cause }).client(),
				Backoff: func() backoff.BackOff { return &backoff.StopBackOff{} }}
			_, err := client.Call(t.Context(), provider.Request{URL: address, Confidential: confidential})
			require.Error(t, err)
			require.NotContains(t, fmt.Sprintf("%v %#v", err, errors.Unwrap(err)), "t0k3n")
		}
	}
}
